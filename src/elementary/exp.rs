//! Exponential functions.
//!
//! Method: `x = n ln 2 + r` with `|r| <= ln(2)/2`, the product `n ln 2` split in two parts so that
//! the subtraction is exact (W. J. Cody and W. Waite, "Software Manual for the Elementary
//! Functions", 1980); then `e^r = 1 + r + r^2/2 + r^3 Q(r)` with a minimax polynomial `Q` of
//! degree 9 (own fit by Remez exchange, relative error `2^-61`). The rounding errors of `r` and of
//! `1 + r` are carried along, see J.-M. Muller, "Elementary Functions", 3rd edition (2016).

use super::bits::{half_powers, nearest, power_of_two, scale};
use super::double::Double;
use super::fused::mul_add;
use super::polynomial::polynomial;
use std::f64::consts::{LN_2, LOG2_E};

/// The upper 41 bits of `ln 2`: products with an 11-bit integer are exact.
pub(super) const LN_2_HEAD: f64 = 0.693_147_180_559_663;
/// `ln 2 - LN_2_HEAD`.
pub(super) const LN_2_TAIL: f64 = 2.823_529_056_303_157_7e-13;
/// What the double `LN_2` misses of `ln 2`.
const LN_2_MISSING: f64 = 2.319_046_813_846_299_6e-17;

/// Outside this interval the exponential, doubled or halved or not, is infinite or zero.
const LOWEST: f64 = -747.0;
const HIGHEST: f64 = 711.0;

/// The exponential `(1 + linear + rest) * 2^power`.
#[derive(Clone, Copy)]
pub(super) struct Exponential {
    linear: f64,
    rest: f64,
    pub(super) power: u64,
}

impl Exponential {
    /// Expands `e^(high + low)`, `low` below an ulp of `high`.
    #[inline(always)]
    pub(super) fn new(high: f64, low: f64) -> Self {
        let high = if high > HIGHEST { HIGHEST } else { high };
        Self::falling(high, low)
    }

    /// The same where `high` is below 711.
    #[inline(always)]
    pub(super) fn falling(high: f64, low: f64) -> Self {
        // In this order a NaN survives the selection.
        let high = if high < LOWEST { LOWEST } else { high };
        Self::tame(high, low)
    }

    /// The same where `high` is between -747 and 711.
    #[inline(always)]
    pub(super) fn tame(high: f64, low: f64) -> Self {
        let (n, power) = nearest(high * LOG2_E);
        let partial = mul_add(-n, LN_2_HEAD, high);
        let tail = mul_add(n, LN_2_TAIL, -low);
        let reduced = partial - tail;
        Self::expand(reduced, (partial - reduced) - tail, power)
    }

    /// Expands `2^power * e^(reduced + low)` for `|reduced| <= ln(2)/2`.
    #[inline(always)]
    fn expand(reduced: f64, low: f64, power: u64) -> Self {
        let series = polynomial(
            reduced,
            [
                0.5,
                0.166_666_666_666_666_77,
                0.041_666_666_666_666_69,
                0.008_333_333_333_321_752,
                0.001_388_888_888_887,
                0.000_198_412_698_858_638_2,
                2.480_158_735_648_235_8e-5,
                2.755_724_444_242_98e-6,
                2.755_724_525_719_34e-7,
                2.510_896_338_560_176_8e-8,
                2.092_385_315_698_736_4e-9,
            ],
        );
        Self { linear: reduced, rest: mul_add(reduced * reduced, series, low), power }
    }

    /// The factor of `2^power`, about 58 bits of it.
    #[inline(always)]
    pub(super) fn fraction(self) -> Double {
        Double::ordered_sum(1.0, self.linear).corrected(self.rest)
    }

    /// The exponential itself.
    #[inline(always)]
    pub(super) fn value(self) -> f64 {
        scale(self.fraction().value(), self.power)
    }

    /// The exponential as a sum of two doubles, times `2^extra`.
    #[inline(always)]
    pub(super) fn double(self, extra: u64) -> Double {
        let (first, second) = half_powers(self.power.wrapping_add(extra));
        self.fraction().normalized().scaled(first).scaled(second)
    }

    /// The exponential minus one as a sum of two doubles, halved; needs `power` in `-900..=1024`.
    #[inline(always)]
    fn half_minus_one(self) -> Double {
        let half = power_of_two(self.power.wrapping_sub(1));
        Double::ordered_sum(half - 0.5, self.linear * half).corrected(self.rest * half)
    }

    /// The exponential minus one as a sum of two doubles; needs `power` in `-900..=1023`.
    #[inline(always)]
    pub(super) fn minus_one(self) -> Double {
        let power = power_of_two(self.power);
        Double::ordered_sum(power - 1.0, self.linear * power).corrected(self.rest * power).normalized()
    }
}

/// Returns `e^x`.
///
/// Underflow is gradual, `exp(-inf) = 0`, `exp(inf) = inf`.
///
/// ```
/// use dagrad::elementary::exp;
/// assert_eq!(exp(0.0), 1.0);
/// assert_eq!(exp(710.0), f64::INFINITY);
/// ```
#[must_use]
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    Exponential::new(x, 0.0).value()
}

/// Returns `2^x`, exact for integers.
///
/// Underflow is gradual, `exp2(-inf) = 0`, `exp2(inf) = inf`.
///
/// ```
/// use dagrad::elementary::exp2;
/// assert_eq!(exp2(-1074.0), 5e-324);
/// ```
#[must_use]
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    let x = if x < -1080.0 { -1080.0 } else { x };
    let x = if x > 1030.0 { 1030.0 } else { x };
    let (n, power) = nearest(x);
    let reduced = x - n;
    let exponent = Double::product(reduced, LN_2).corrected(reduced * LN_2_MISSING);
    Exponential::expand(exponent.high, exponent.low, power).value()
}

/// Returns `e^x - 1` without cancellation near zero.
///
/// `exp_m1(-inf) = -1`, `exp_m1(inf) = inf`, and the sign of zero is kept.
///
/// ```
/// use dagrad::elementary::exp_m1;
/// assert_eq!(exp_m1(1e-20), 1e-20);
/// ```
#[must_use]
#[inline(always)]
pub fn exp_m1(x: f64) -> f64 {
    let tame = if x < -50.0 { -50.0 } else { x };
    let tame = if tame > 709.9 { 709.9 } else { tame };
    let value = 2.0 * Exponential::new(tame, 0.0).half_minus_one().value();
    // Halving would lose the last bit of a subnormal number, and the sign of a zero.
    if x.abs() < 1e-17 { x } else { value }
}
