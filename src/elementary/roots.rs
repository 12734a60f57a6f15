//! Cube root, hypotenuse and unit vector.

use super::bits::{nearest, power_of_two, split};
use super::double::Double;
use super::polynomial::polynomial;

/// `2^600` and its inverse bring the squares of huge and tiny numbers into range.
const SCALE_UP: f64 = f64::from_bits((1023 + 600) << 52);
const SCALE_DOWN: f64 = f64::from_bits((1023 - 600) << 52);
/// `2^500` and its inverse: squares between them neither overflow nor underflow.
const HUGE: f64 = f64::from_bits((1023 + 500) << 52);
const TINY: f64 = f64::from_bits((1023 - 500) << 52);
/// `2^(1/3)` and its inverse.
const CBRT_2: f64 = 1.259_921_049_894_873_2;
const CBRT_HALF: f64 = 0.793_700_525_984_099_8;

/// Returns the real cube root of `x`.
///
/// The sign is kept, for zero too; infinities are fixed points.
///
/// Method: with `x = m * 2^(3q)`, a polynomial and one step of third order give `m^(-1/3)` without
/// a division; the last Newton step for the root has an exact residual (J.-M. Muller, "Elementary
/// Functions", 3rd edition, 2016).
///
/// ```
/// use dagrad::elementary::cbrt;
/// assert_eq!(cbrt(-27.0), -3.0);
/// ```
#[must_use]
#[inline(always)]
pub fn cbrt(x: f64) -> f64 {
    let magnitude = x.abs();
    let binary = split(magnitude);
    let (third, power) = nearest(binary.exponent * (1.0 / 3.0));
    let remainder = binary.exponent - 3.0 * third;
    let (above, below) = (remainder > 0.5, remainder < -0.5);
    let stretch = if above { 2.0 } else { 1.0 };
    let stretch = if below { 0.5 } else { stretch };
    let shrink = if above { CBRT_HALF } else { 1.0 };
    let shrink = if below { CBRT_2 } else { shrink };
    let m = binary.fraction * stretch;
    let guess = shrink * polynomial(binary.fraction, CBRT_INVERSE);
    let miss = 1.0 - m * (guess * guess * guess);
    let inverse = guess + guess * miss * (1.0 / 3.0 + (2.0 / 9.0) * miss);
    let inverse_square = inverse * inverse;
    let root = m * inverse_square;
    let square = Double::square(root);
    let cube = Double::product(square.high, root).corrected(square.low * root);
    let residual = (m - cube.high) - cube.low;
    let value = (root + residual * inverse_square * (1.0 / 3.0)) * power_of_two(power);
    let regular = magnitude > 0.0 && magnitude < f64::INFINITY;
    if regular { value.copysign(x) } else { x }
}

/// Minimax polynomial for `m^(-1/3)` between `sqrt(1/2)` and `sqrt(2)`.
const CBRT_INVERSE: [f64; 5] = [
    1.874_534_917_232_191,
    -1.861_858_741_067_133_4,
    1.561_294_196_886_734,
    -0.702_347_000_862_189_2,
    0.128_352_962_501_505_6,
];

/// Returns `sqrt(x^2 + y^2)` without overflow or underflow on the way.
///
/// Infinite when one argument is, even if the other is NaN.
///
/// ```
/// use dagrad::elementary::hypot;
/// assert_eq!(hypot(3.0, 4.0), 5.0);
/// assert!(hypot(3e200, 4e200).is_finite());
/// ```
#[must_use]
#[inline(always)]
pub fn hypot(x: f64, y: f64) -> f64 {
    let (x, y) = (x.abs(), y.abs());
    let larger = if x > y { x } else { y };
    let (huge, tiny) = (larger > HUGE, larger < TINY);
    let factor = if huge { SCALE_DOWN } else { 1.0 };
    let factor = if tiny { SCALE_UP } else { factor };
    let back = if huge { SCALE_UP } else { 1.0 };
    let back = if tiny { SCALE_DOWN } else { back };
    let (a, b) = (x * factor, y * factor);
    let value = (a * a + b * b).sqrt() * back;
    let value = if x == f64::INFINITY { x } else { value };
    if y == f64::INFINITY { y } else { value }
}

/// Returns `x / sqrt(x^2 + y^2)`, the first component of the unit vector; 0 at the origin.
///
/// ```
/// use dagrad::elementary::unit;
/// assert_eq!(unit(3.0, 4.0), 0.6);
/// assert_eq!(unit(0.0, 0.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn unit(x: f64, y: f64) -> f64 {
    let length = hypot(x, y);
    let value = x / length;
    let limit = 1.0_f64.copysign(x);
    let value = if x.abs() == f64::INFINITY && y.abs() < f64::INFINITY { limit } else { value };
    if length == 0.0 { x } else { value }
}
