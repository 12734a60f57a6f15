//! Logarithms.
//!
//! Method: `x = 2^k (1 + f)` with `1 + f` in `[sqrt(1/2), sqrt(2))`, and with `s = f / (2 + f)`
//! the odd series `ln(1 + f) = 2 artanh(s) = 2s + s W`, `W = s^2 L(s^2)` (W. J. Cody and W. Waite,
//! "Software Manual for the Elementary Functions", 1980). As `2s = f - s f`, the sum is
//! `f - s (f - W)`: its leading term is exact and the rounding errors of `s` count little. `L` is a
//! minimax polynomial of degree 6 (own fit by Remez exchange, relative error `2^-59`).

use super::bits::{head, split, split_normal};
use super::double::Double;
use super::exp::{Exponential, LN_2_HEAD, LN_2_TAIL};
use super::fused::mul_add;
use super::polynomial::polynomial;
use std::f64::consts::SQRT_2;

/// The upper 26 bits of `1 / ln 2`, and the rest.
const LOG2_E_HEAD: f64 = 1.442_695_021_629_333_5;
const LOG2_E_TAIL: f64 = 1.925_962_991_126_617_5e-8;
/// The upper 26 bits of `1 / ln 10`, and the rest.
const LOG10_E_HEAD: f64 = 0.434_294_477_105_140_7;
const LOG10_E_TAIL: f64 = 4.798_111_141_615_973e-9;
/// The upper 41 bits of `ln 2 / ln 10`, and the rest.
const LOG10_2_HEAD: f64 = 0.301_029_995_663_839_14;
const LOG10_2_TAIL: f64 = 1.420_502_322_726_61e-13;

/// Returns `f - ln(1 + f)` for `1 + f` in `[sqrt(1/2), sqrt(2)]`.
#[inline(always)]
fn shortfall(f: f64) -> f64 {
    let s = f / (2.0 + f);
    let square = s * s;
    let series = square
        * polynomial(
            square,
            [
                0.666_666_666_666_673_4,
                0.399_999_999_994_147_4,
                0.285_714_287_423_926_5,
                0.222_221_985_711_135_38,
                0.181_835_645_092_060_24,
                0.153_140_439_833_198_17,
                0.147_960_338_660_724,
            ],
        );
    s * (f - series)
}

/// Replaces what a logarithm formula gives for 0, negative numbers, infinity and NaN.
#[inline(always)]
fn with_boundaries(argument: f64, value: f64) -> f64 {
    let value = if argument < f64::INFINITY { value } else { argument };
    let outside = if argument == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    if argument <= 0.0 { outside } else { value }
}

/// Returns the natural logarithm of `x`.
///
/// `ln(0) = -inf`, `ln(inf) = inf`, NaN for negative numbers.
///
/// ```
/// use dagrad::elementary::ln;
/// assert_eq!(ln(1.0), 0.0);
/// assert!(ln(-1.0).is_nan());
/// ```
#[must_use]
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let binary = split(x);
    let f = binary.fraction - 1.0;
    let sum = Double::ordered_sum(binary.exponent * LN_2_HEAD, f);
    let rest = sum.low - mul_add(-binary.exponent, LN_2_TAIL, shortfall(f));
    with_boundaries(x, sum.high + rest)
}

/// Returns the logarithm of `x` to base 2, exact for powers of two.
///
/// `log2(0) = -inf`, `log2(inf) = inf`, NaN for negative numbers.
///
/// ```
/// use dagrad::elementary::log2;
/// assert_eq!(log2(5e-324), -1074.0);
/// ```
#[must_use]
#[inline(always)]
pub fn log2(x: f64) -> f64 {
    let binary = split(x);
    let f = binary.fraction - 1.0;
    let (high, low) = scaled_log(f, LOG2_E_HEAD, LOG2_E_TAIL);
    let sum = Double::ordered_sum(binary.exponent, high);
    with_boundaries(x, sum.corrected(low).value())
}

/// Returns the logarithm of `x` to base 10.
///
/// `log10(0) = -inf`, `log10(inf) = inf`, NaN for negative numbers.
///
/// ```
/// use dagrad::elementary::log10;
/// assert_eq!(log10(1000.0), 3.0);
/// ```
#[must_use]
#[inline(always)]
pub fn log10(x: f64) -> f64 {
    let binary = split(x);
    let f = binary.fraction - 1.0;
    let (high, low) = scaled_log(f, LOG10_E_HEAD, LOG10_E_TAIL);
    let sum = Double::ordered_sum(binary.exponent * LOG10_2_HEAD, high);
    let rest = mul_add(binary.exponent, LOG10_2_TAIL, low);
    with_boundaries(x, sum.corrected(rest).value())
}

/// Returns `ln(1 + f) * (factor_head + factor_tail)`, the first part of the sum exact.
#[inline(always)]
fn scaled_log(f: f64, factor_head: f64, factor_tail: f64) -> (f64, f64) {
    let log = Double::ordered_sum(f, -shortfall(f));
    let log_head = head(log.high);
    let log_tail = (log.high - log_head) + log.low;
    (log_head * factor_head, mul_add(log_head, factor_tail, log_tail * (factor_head + factor_tail)))
}

/// Returns `ln(1 + high + low) + extra * ln(2)` for a finite sum above -1.
#[inline(always)]
pub(super) fn ln_one_plus(high: f64, low: f64, extra: f64) -> f64 {
    let sum = Double::sum(1.0, high);
    let binary = split_normal(sum.high);
    let f_high = binary.fraction - 1.0;
    let f_low = (sum.low + low) * binary.twice_inverse_power * 0.5;
    let f = Double::ordered_sum(f_high, f_low);
    let exponent = binary.exponent + extra;
    let sum = Double::ordered_sum(exponent * LN_2_HEAD, f.high);
    let slope = mul_add(-f.low, f.high, f.low);
    let rest = sum.low - mul_add(-exponent, LN_2_TAIL, shortfall(f.high) - slope);
    sum.high + rest
}

/// Returns `ln(1 + x)` without cancellation near zero.
///
/// `ln_1p(-1) = -inf`, `ln_1p(inf) = inf`, NaN below -1, and the sign of zero is kept.
///
/// ```
/// use dagrad::elementary::ln_1p;
/// assert_eq!(ln_1p(-1e-20), -1e-20);
/// ```
#[must_use]
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let value = with_boundaries(1.0 + x, ln_one_plus(x, 0.0, 0.0));
    if x.abs() < 1e-17 { x } else { value }
}

/// Returns `ln(1 + z)` as a sum of two doubles for the exponential `z <= 1`.
#[inline(always)]
fn ln_one_plus_exponential(exponential: Exponential) -> Double {
    let z = exponential.double(0);
    let beyond_range = z.high > SQRT_2 - 1.0;
    // Beyond the range of the series, 1 + z = 2 (1 + f).
    let shifted = Double::ordered_sum(-1.0, z.high).corrected(z.low).scaled(0.5);
    let f = if beyond_range { shifted.high } else { z.high };
    let f_low = if beyond_range { shifted.low } else { z.low };
    let base = if beyond_range { LN_2_HEAD } else { 0.0 };
    let base_low = if beyond_range { LN_2_TAIL } else { 0.0 };
    let slope = mul_add(-f_low, f, f_low);
    Double::ordered_sum(base, f).corrected(base_low - (shortfall(f) - slope))
}

/// Returns `ln(1 + e^x)`.
///
/// Neither overflows nor loses the tail: `softplus(710) = 710`, `softplus(-745) = 5e-324`.
///
/// ```
/// use dagrad::elementary::softplus;
/// assert_eq!(softplus(-745.0), 5e-324);
/// ```
#[must_use]
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + ln_one_plus_exponential(Exponential::new(-x.abs(), 0.0)).value()
}

/// Returns the logarithm of the sigmoid function, `-ln(1 + e^-x)`.
///
/// `log_sigmoid(-inf) = -inf`, `log_sigmoid(inf) = -0`.
///
/// ```
/// use dagrad::elementary::log_sigmoid;
/// assert_eq!(log_sigmoid(-800.0), -800.0);
/// ```
#[must_use]
#[inline(always)]
pub fn log_sigmoid(x: f64) -> f64 {
    -softplus(-x)
}

/// Returns `ln(e^a + e^b)`.
///
/// Infinite arguments give their limits, a NaN gives NaN. Where the result nearly vanishes,
/// its absolute error stays below `2e-17`.
///
/// ```
/// use dagrad::elementary::logaddexp;
/// assert_eq!(logaddexp(1000.0, 0.0), 1000.0);
/// ```
#[must_use]
#[inline(always)]
pub fn logaddexp(a: f64, b: f64) -> f64 {
    let larger = if a > b { a } else { b };
    let smaller = if a > b { b } else { a };
    let gap = Double::sum(smaller, -larger);
    // The low part of an infinite gap is not a number.
    let gap_low = if gap.high > -800.0 { gap.low } else { 0.0 };
    let log = ln_one_plus_exponential(Exponential::new(gap.high, gap_low));
    let sum = Double::sum(larger, log.high);
    let value = sum.corrected(log.low).value();
    // Equal infinities have no gap, and an infinite sum no rounding error.
    let limit = if smaller.is_nan() { smaller } else { larger };
    if larger.abs() < f64::INFINITY { value } else { limit }
}
