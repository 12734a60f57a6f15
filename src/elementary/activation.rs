//! Activation functions that are products with a distribution function.

use super::{bits::scale, double::Double, exp::Exponential, normal_cdf};

/// Returns `x / (1 + e^-x)`, with one rounding of the product, down to the subnormal numbers.
///
/// ```
/// use dagrad::elementary::silu;
/// assert_eq!(silu(0.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn silu(x: f64) -> f64 {
    // x e^-|x| / (1 + e^-|x|) below 0, x / (1 + e^-|x|) above.
    let magnitude = x.abs();
    let tame = if magnitude > 800.0 { 800.0 } else { magnitude };
    let decay = Exponential::new(-tame, 0.0);
    let fraction = decay.fraction().normalized();
    let small = decay.double(0);
    let denominator = Double::ordered_sum(1.0, small.high).corrected(small.low).normalized();
    let above = denominator.divide_into(x).value();
    let below = {
        let product = Double::product(fraction.high, x).corrected(fraction.low * x);
        let quotient = denominator.divide_into(product.high).corrected(product.low);
        scale(quotient.value(), decay.power)
    };
    let value = if x < 0.0 { below } else { above };
    let value = if x == f64::INFINITY { x } else { value };
    let value = if x == 0.0 { x } else { value };
    if x == f64::NEG_INFINITY { -0.0 } else { value }
}

/// Returns `x` times the normal distribution function at `x`.
///
/// ```
/// use dagrad::elementary::gelu;
/// assert_eq!(gelu(0.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn gelu(x: f64) -> f64 {
    let value = x * normal_cdf(x);
    if x == f64::NEG_INFINITY { -0.0 } else { value }
}
