//! The error function and the normal distribution.
//!
//! Method: below 3/4 a minimax polynomial in `x^2` for `erf(x) / x`; above it
//! `erfc(x) = e^(-x^2) P(t) / (x + c)` with `t = (x - c) / (x + c)`, a mapping of the half line to an
//! interval due to M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of
//! (1 + 2x) exp(x^2) erfc x", Mathematics of Computation 36 (1981); here `c = 13/4` and `P` is a
//! minimax polynomial of degree 19 (own fits by Remez exchange, relative errors `2^-60` and
//! `2^-57`). The square in the exponent is carried with its rounding error.

use super::bits::scale;
use super::double::Double;
use super::exp::Exponential;
use super::polynomial::polynomial;
use std::f64::consts::FRAC_1_SQRT_2;

/// Below this magnitude the polynomial for the centre serves, from it on the one for the tail.
const CENTRE: f64 = 0.75;
const MAPPING: f64 = 3.25;
/// What the double `FRAC_1_SQRT_2` misses of `sqrt(1/2)`.
const FRAC_1_SQRT_2_MISSING: f64 = -4.833_646_656_726_457e-17;
/// `1 / sqrt(2 pi)`.
const PEAK: f64 = 0.398_942_280_401_432_7;
const PEAK_MISSING: f64 = -2.492_327_202_277_73e-17;

/// Returns `erf(x) - x` for `|x| <= CENTRE`.
#[inline(always)]
fn centre_rest(x: f64) -> f64 {
    x * polynomial(
        x * x,
        [
            0.128_379_167_095_512_6,
            -0.376_126_389_031_837_15,
            0.112_837_916_709_524_8,
            -0.026_866_170_644_402_11,
            0.005_223_977_615_117_02,
            -0.000_854_832_616_868_129,
            0.000_120_552_887_584_164_49,
            -1.492_417_611_471_988_9e-5,
            1.643_037_957_725_803e-6,
            -1.593_752_183_336_820_7e-7,
            1.146_345_967_230_078_4e-8,
        ],
    )
}

/// Returns `factor * erfc(x)` for `CENTRE <= x <= 28`, given the square of `x`.
#[inline(always)]
fn tail(x: f64, square: Double, factor: f64) -> f64 {
    let inverse = 1.0 / (x + MAPPING);
    let mapped = (x - MAPPING) * inverse;
    let series = polynomial(
        mapped,
        [
            1.081_179_764_774_342_2,
            -0.912_994_983_295_106,
            0.645_733_777_384_307_7,
            -0.375_164_942_263_767_56,
            0.172_005_918_885_406_28,
            -0.056_675_219_032_815_91,
            0.009_529_321_789_399_463,
            0.001_807_324_753_645_199_3,
            -0.001_487_910_947_149_044_8,
            0.000_159_360_518_607_078_63,
            0.000_147_510_448_805_988_3,
            -4.313_980_690_794_428e-5,
            -1.530_846_842_777_314e-5,
            7.432_845_883_274_973e-6,
            2.007_606_831_337_521e-6,
            -1.214_692_121_361_728_3e-6,
            -3.411_111_087_266_445e-7,
            2.023_673_450_255_510_8e-7,
            5.263_554_143_699_183e-8,
            -3.085_061_700_882_726e-8,
        ],
    );
    let gaussian = Exponential::new(-square.high, -square.low);
    scale(gaussian.fraction().value() * (series * inverse * factor), gaussian.power)
}

/// Returns the error function of `x`.
///
/// The sign of zero is kept, `erf(inf) = 1`.
///
/// ```
/// use dagrad::elementary::erf;
/// assert_eq!(erf(-7.0), -1.0);
/// ```
#[must_use]
#[inline(always)]
pub fn erf(x: f64) -> f64 {
    let magnitude = x.abs();
    let tame = if magnitude > 7.0 { 7.0 } else { magnitude };
    let outer = 1.0 - tail(tame, Double::square(tame), 1.0);
    let inner = magnitude + centre_rest(magnitude);
    let value = if magnitude < CENTRE { inner } else { outer };
    value.copysign(x)
}

/// Returns the complementary error function of `x`, `1 - erf(x)` without cancellation.
///
/// Underflows gradually, `erfc(inf) = 0`, `erfc(-inf) = 2`.
///
/// ```
/// use dagrad::elementary::erfc;
/// assert_eq!(erfc(0.0), 1.0);
/// assert_eq!(erfc(28.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn erfc(x: f64) -> f64 {
    let magnitude = x.abs();
    let tame = if magnitude > 28.0 { 28.0 } else { magnitude };
    let right = tail(tame, Double::square(tame), 1.0);
    let outer = if x < 0.0 { 2.0 - right } else { right };
    let inner = Double::ordered_sum(1.0, -x).corrected(-centre_rest(x)).value();
    if magnitude < CENTRE { inner } else { outer }
}

/// Returns the distribution function of the standard normal distribution at `x`.
///
/// Both tails are right: it underflows gradually on the left.
///
/// ```
/// use dagrad::elementary::normal_cdf;
/// assert_eq!(normal_cdf(0.0), 0.5);
/// assert_eq!(normal_cdf(-40.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn normal_cdf(x: f64) -> f64 {
    let magnitude = x.abs();
    let tame = if magnitude > 39.0 { 39.0 } else { magnitude };
    let half_square = Double::square(tame).scaled(0.5);
    let left = tail(tame * FRAC_1_SQRT_2, half_square, 0.5);
    let outer = if x < 0.0 { left } else { 1.0 - left };
    let u = Double::product(x, FRAC_1_SQRT_2).corrected(x * FRAC_1_SQRT_2_MISSING);
    let inner = Double::ordered_sum(0.5, 0.5 * u.high).corrected(0.5 * (centre_rest(u.high) + u.low)).value();
    if u.high.abs() < CENTRE { inner } else { outer }
}

/// Returns the density of the standard normal distribution at `x`.
///
/// Underflows gradually, 0 at both infinities.
///
/// ```
/// use dagrad::elementary::normal_pdf;
/// assert_eq!(normal_pdf(-1.0), normal_pdf(1.0));
/// ```
#[must_use]
#[inline(always)]
pub fn normal_pdf(x: f64) -> f64 {
    let magnitude = x.abs();
    let tame = if magnitude > 39.0 { 39.0 } else { magnitude };
    let half_square = Double::square(tame).scaled(-0.5);
    let gaussian = Exponential::new(half_square.high, half_square.low);
    let fraction = gaussian.fraction().normalized();
    let rest = fraction.low * PEAK + fraction.high * PEAK_MISSING;
    scale(fraction.high * PEAK + rest, gaussian.power)
}

/// Returns `e^(-x^2)`, the square carried with its rounding error.
///
/// ```
/// use dagrad::elementary::gaussian;
/// assert_eq!(gaussian(0.0), 1.0);
/// assert_eq!(gaussian(30.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn gaussian(x: f64) -> f64 {
    let magnitude = x.abs();
    let tame = if magnitude > 28.0 { 28.0 } else { magnitude };
    let square = Double::square(tame);
    Exponential::new(-square.high, -square.low).value()
}
