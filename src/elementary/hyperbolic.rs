//! Hyperbolic functions, their inverses, and the sigmoid function.
//!
//! Method: rational functions of `e^|x|` or `e^-|x|`, whose rounding error is known from
//! [`Exponential`] and carried through the last division (J.-M. Muller, "Elementary Functions",
//! 3rd edition, 2016); a minimax polynomial for `sinh` below 1; the inverse functions by
//! `ln(1 + u)` with a correction for the rounding of `u` (W. Kahan, "Branch cuts for complex
//! elementary functions", 1987).

use super::bits::scale;
use super::double::Double;
use super::exp::Exponential;
use super::fused::mul_add;
use super::log::ln_one_plus;
use super::polynomial::polynomial;

/// Up to which size of x the slope of tanh is (1 − y)(1 + y) to a few units in the last place, with y = tanh x.
pub const TANH_NEAR: f64 = 2.0;

/// Up to which size of x the slope of σ is y (1 − y) to a few units in the last place, with y = σ(x).
pub const SIGMOID_NEAR: f64 = 4.0;

/// From here on the square of a number swallows a one.
const SQUARE_SWALLOWS_ONE: f64 = 268_435_456.0;

/// Returns the sigmoid function `1 / (1 + e^-x)`.
///
/// Right down to the subnormal numbers on the negative side.
///
/// ```
/// use dagrad::elementary::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert_eq!(sigmoid(-745.0), 5e-324);
/// ```
#[must_use]
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let z = Exponential::falling(-x.abs(), 0.0).double(0);
    let denominator = Double::ordered_sum(1.0, z.high).corrected(z.low);
    let negative = x < 0.0;
    let numerator = if negative { z.high } else { 1.0 };
    let numerator_low = if negative { z.low } else { 0.0 };
    let quotient = numerator / denominator.high;
    // 1 / (1 + z) is the sigmoid of |x|: the correction needs no second division.
    let inverse = if negative { 1.0 - quotient } else { quotient };
    mul_add(mul_add(-quotient, denominator.low, numerator_low), inverse, quotient)
}

/// Returns the hyperbolic tangent of `x`.
///
/// The sign of zero is kept, `tanh(inf) = 1`.
///
/// ```
/// use dagrad::elementary::tanh;
/// assert_eq!(tanh(-1000.0), -1.0);
/// ```
#[must_use]
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let magnitude = x.abs();
    let magnitude = if magnitude > 22.0 { 22.0 } else { magnitude };
    let m = Exponential::tame(-2.0 * magnitude, 0.0).minus_one();
    let denominator = Double::ordered_sum(2.0, m.high).corrected(m.low);
    let quotient = -m.high / denominator.high;
    // 1 + tanh = 2 / (2 + m): the correction needs no second division.
    let inverse = mul_add(0.5, quotient, 0.5);
    let value = mul_add(-mul_add(quotient, denominator.low, m.low), inverse, quotient);
    value.copysign(x)
}

/// Returns the hyperbolic secant of `x`, `1 / cosh(x)`.
///
/// Does not overflow on the way, underflows gradually.
///
/// ```
/// use dagrad::elementary::sech;
/// assert_eq!(sech(0.0), 1.0);
/// assert_eq!(sech(745.5), 5e-324);
/// ```
#[must_use]
#[inline(always)]
pub fn sech(x: f64) -> f64 {
    let twice_z = Exponential::falling(-x.abs(), 0.0).double(1);
    let square = 0.25 * twice_z.high * twice_z.high;
    let denominator = Double::ordered_sum(1.0, square);
    let quotient = twice_z.high / denominator.high;
    // A few bits of 1 / (1 + z^2) do for the correction: a parabola through it.
    let inverse = mul_add(-square, mul_add(-0.46, square, 0.96), 1.0);
    mul_add(mul_add(-quotient, denominator.low, twice_z.low), inverse, quotient)
}

/// Returns the slope of the sigmoid function, `e^-x / (1 + e^-x)²`, to a few units in the last place.
///
/// ```
/// use dagrad::elementary::sigmoid_slope;
/// assert_eq!(sigmoid_slope(0.0), 0.25);
/// ```
#[must_use]
#[inline(always)]
pub fn sigmoid_slope(x: f64) -> f64 {
    slope(-x.abs(), 0, 1.0)
}

/// Returns the slope of the hyperbolic tangent, `1 / cosh²(x)`, to a few units in the last place.
///
/// ```
/// use dagrad::elementary::tanh_slope;
/// assert_eq!(tanh_slope(0.0), 1.0);
/// ```
#[must_use]
#[inline(always)]
pub fn tanh_slope(x: f64) -> f64 {
    slope(-2.0 * x.abs(), 2, 0.25)
}

/// `2^power e^x / (1 + e^x)²` for `x` below 0, with the inverse of `2^power`.
#[inline(always)]
fn slope(x: f64, power: u64, inverse: f64) -> f64 {
    let z = Exponential::falling(x, 0.0);
    let numerator = scale(z.fraction().value(), z.power.wrapping_add(power));
    let one_plus = mul_add(numerator, inverse, 1.0);
    numerator / (one_plus * one_plus)
}

/// Returns the hyperbolic sine of `x`.
///
/// The sign of zero is kept, overflow gives infinity.
///
/// ```
/// use dagrad::elementary::sinh;
/// assert_eq!(sinh(-0.0).to_bits(), (-0.0_f64).to_bits());
/// ```
#[must_use]
#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let square = x * x;
    let series = polynomial(
        square,
        [
            0.166_666_666_666_666_69,
            0.008_333_333_333_333_139,
            0.000_198_412_698_414_376_8,
            2.755_731_915_533_593_5e-6,
            2.505_212_339_885_122e-8,
            1.605_724_030_937_657_5e-10,
            7.759_313_379_960_058e-13,
        ],
    );
    let small = mul_add(x * square, series, x);
    let half = Exponential::new(x.abs(), 0.0).double(u64::MAX);
    let large = half.high + (half.low - 0.25 / half.high);
    if x.abs() < 1.0 { small } else { large.copysign(x) }
}

/// Returns the hyperbolic cosine of `x`.
///
/// Overflow gives infinity.
///
/// ```
/// use dagrad::elementary::cosh;
/// assert_eq!(cosh(0.0), 1.0);
/// assert!(cosh(710.0).is_finite());
/// ```
#[must_use]
#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let half = Exponential::new(x.abs(), 0.0).double(u64::MAX);
    half.high + (half.low + 0.25 / half.high)
}

/// Returns the inverse hyperbolic sine of `x`.
///
/// The sign of zero is kept, infinities are fixed points.
///
/// ```
/// use dagrad::elementary::asinh;
/// assert_eq!(asinh(1e-300), 1e-300);
/// ```
#[must_use]
#[inline(always)]
pub fn asinh(x: f64) -> f64 {
    let magnitude = x.abs();
    let huge = magnitude > SQUARE_SWALLOWS_ONE;
    // u = x + x^2 / (1 + sqrt(1 + x^2)) has no cancellation; ln(2x) takes over in the end.
    let square = magnitude * magnitude;
    let u = Double::ordered_sum(magnitude, square / (1.0 + (1.0 + square).sqrt()));
    let high = if huge { magnitude - 1.0 } else { u.high };
    let low = if huge { 0.0 } else { u.low };
    let value = ln_one_plus(high, low, if huge { 1.0 } else { 0.0 });
    let value = if magnitude < f64::INFINITY { value } else { magnitude };
    let value = if magnitude < 1e-9 { magnitude } else { value };
    value.copysign(x)
}

/// Returns the inverse hyperbolic cosine of `x`.
///
/// `acosh(1) = 0`, `acosh(inf) = inf`, NaN below 1.
///
/// ```
/// use dagrad::elementary::acosh;
/// assert_eq!(acosh(1.0), 0.0);
/// assert!(acosh(0.5).is_nan());
/// ```
#[must_use]
#[inline(always)]
pub fn acosh(x: f64) -> f64 {
    let huge = x > SQUARE_SWALLOWS_ONE;
    // With t = x - 1, u = t + sqrt(2t + t^2); t is exact, and the root is taken twice as precise.
    let t = x - 1.0;
    let square = Double::square(t);
    let root = Double::sum(2.0 * t, square.high).corrected(square.low).normalized().sqrt();
    let u = Double::ordered_sum(root.high, t).corrected(root.low);
    let high = if huge { t } else { u.high };
    let low = if huge { 0.0 } else { u.low };
    let value = ln_one_plus(high, low, if huge { 1.0 } else { 0.0 });
    let value = if x < f64::INFINITY { value } else { x };
    if x < 1.0 { f64::NAN } else { value }
}

/// Returns the inverse hyperbolic tangent of `x`.
///
/// `atanh(1) = inf`, NaN outside `[-1, 1]`, and the sign of zero is kept.
///
/// ```
/// use dagrad::elementary::atanh;
/// assert_eq!(atanh(-1.0), f64::NEG_INFINITY);
/// ```
#[must_use]
#[inline(always)]
pub fn atanh(x: f64) -> f64 {
    let magnitude = x.abs();
    let u = Double::ordered_sum(1.0, -magnitude).divide_into(2.0 * magnitude);
    let value = 0.5 * ln_one_plus(u.high, u.low, 0.0);
    let end = if magnitude > 1.0 { f64::NAN } else { f64::INFINITY };
    let value = if magnitude >= 1.0 { end } else { value };
    let value = if magnitude < 1e-9 { magnitude } else { value };
    value.copysign(x)
}
