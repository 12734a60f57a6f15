//! Sine, cosine and tangent.
//!
//! Method: [`Angle`] reduces the argument to `r` in `[-pi/4, pi/4]` with about 110 bits, minimax
//! polynomials in `r^2` (own fits by Remez exchange, relative errors `2^-58` for the sine, `2^-64`
//! for the cosine) give sine and cosine of it, and the quadrant chooses among them. The sums end
//! with the largest term, and its rounding error is carried (J.-M. Muller, "Elementary Functions",
//! 3rd edition, 2016).
//!
//! The reduction of large angles cannot be free of branches. The functions ending in `_core` leave
//! it out and are valid for `|x| <= TRIG_CORE_LIMIT`: a loop over them becomes vector code.

use super::bits::{choose_by_parity, negate_by_bit_one};
use super::double::Double;
use super::fused::mul_add;
use super::polynomial::polynomial;
use super::reduction::Angle;
pub use super::reduction::TRIG_CORE_LIMIT;

/// Sine and cosine of a reduced angle, each as a large and a small term.
#[inline(always)]
fn sine_and_cosine(angle: Angle) -> (Double, Double) {
    let r = angle.high;
    let square = r * r;
    let half_square = 0.5 * square;
    let sine_series = polynomial(
        square,
        [
            -0.166_666_666_666_666_32,
            0.008_333_333_333_322_441,
            -0.000_198_412_698_298_248_6,
            2.755_731_369_639_438e-6,
            -2.505_075_864_210_744_7e-8,
            1.589_681_854_553_967_4e-10,
        ],
    );
    let cosine_series = polynomial(
        square,
        [
            0.041_666_666_666_666_6,
            -0.001_388_888_888_887_414,
            2.480_158_728_949_140_3e-5,
            -2.755_731_435_475_604_7e-7,
            2.087_572_358_056_054_7e-9,
            -1.135_966_297_190_397_3e-11,
        ],
    );
    let cosine = Double::ordered_sum(1.0, -half_square);
    (
        Double { high: r, low: mul_add(r * square, sine_series, angle.low * cosine.high) },
        cosine.corrected(mul_add(square * square, cosine_series, -(r * angle.low))),
    )
}

#[inline(always)]
fn sin_of(angle: Angle, more_quarters: u64) -> f64 {
    let (sine, cosine) = sine_and_cosine(angle);
    let quarters = angle.quarters.wrapping_add(more_quarters);
    let magnitude = choose_by_parity(quarters, sine.value(), cosine.value());
    negate_by_bit_one(quarters, magnitude)
}

#[inline(always)]
fn tan_of(angle: Angle) -> f64 {
    let (sine, cosine) = sine_and_cosine(angle);
    let (sine, cosine) = (sine.normalized(), cosine.normalized());
    let quarters = angle.quarters;
    let numerator = Double {
        high: choose_by_parity(quarters, sine.high, -cosine.high),
        low: choose_by_parity(quarters, sine.low, -cosine.low),
    };
    let denominator = Double {
        high: choose_by_parity(quarters, cosine.high, sine.high),
        low: choose_by_parity(quarters, cosine.low, sine.low),
    };
    let quotient = numerator.high / denominator.high;
    // 1 / denominator = denominator (1 + quotient^2), as the squares of sine and cosine add to 1.
    let inverse = mul_add(denominator.high * quotient, quotient, denominator.high);
    mul_add(mul_add(-quotient, denominator.low, numerator.low), inverse, quotient)
}

/// Returns the sine of `x` for `|x| <= TRIG_CORE_LIMIT`, without branches.
///
/// The sign of zero is kept.
///
/// ```
/// use dagrad::elementary::sin_core;
/// assert_eq!(sin_core(0.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn sin_core(x: f64) -> f64 {
    let value = sin_of(Angle::near(x), 0);
    if x.abs() < 1e-9 { x } else { value }
}

/// Returns the cosine of `x` for `|x| <= TRIG_CORE_LIMIT`, without branches.
///
///
/// ```
/// use dagrad::elementary::cos_core;
/// assert_eq!(cos_core(0.0), 1.0);
/// ```
#[must_use]
#[inline(always)]
pub fn cos_core(x: f64) -> f64 {
    sin_of(Angle::near(x), 1)
}

/// Returns the tangent of `x` for `|x| <= TRIG_CORE_LIMIT`, without branches.
///
/// The sign of zero is kept.
///
/// ```
/// use dagrad::elementary::tan_core;
/// assert_eq!(tan_core(0.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn tan_core(x: f64) -> f64 {
    let value = tan_of(Angle::near(x));
    if x.abs() < 1e-9 { x } else { value }
}

/// Returns the sine of `x`.
///
/// The sign of zero is kept, the sine of an infinity is NaN.
///
/// ```
/// use dagrad::elementary::sin;
/// assert!(sin(f64::INFINITY).is_nan());
/// ```
#[must_use]
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    if x.abs() <= TRIG_CORE_LIMIT { sin_core(x) } else { sin_far(x) }
}

/// Returns the cosine of `x`.
///
/// The cosine of an infinity is NaN.
///
/// ```
/// use dagrad::elementary::cos;
/// assert!(cos(f64::INFINITY).is_nan());
/// ```
#[must_use]
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    if x.abs() <= TRIG_CORE_LIMIT { cos_core(x) } else { cos_far(x) }
}

/// Returns the tangent of `x`.
///
/// The sign of zero is kept, the tangent of an infinity is NaN.
///
/// ```
/// use dagrad::elementary::tan;
/// assert!(tan(f64::INFINITY).is_nan());
/// ```
#[must_use]
#[inline(always)]
pub fn tan(x: f64) -> f64 {
    if x.abs() <= TRIG_CORE_LIMIT { tan_core(x) } else { tan_far(x) }
}

#[cold]
#[inline(never)]
fn sin_far(x: f64) -> f64 {
    if x.is_finite() { sin_of(Angle::far(x), 0) } else { f64::NAN }
}

#[cold]
#[inline(never)]
fn cos_far(x: f64) -> f64 {
    if x.is_finite() { sin_of(Angle::far(x), 1) } else { f64::NAN }
}

#[cold]
#[inline(never)]
fn tan_far(x: f64) -> f64 {
    if x.is_finite() { tan_of(Angle::far(x)) } else { f64::NAN }
}
