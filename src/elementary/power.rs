//! Powers.
//!
//! Method of `pow`: `x^y = e^(y ln x)` with the logarithm to about 66 bits as a sum of two doubles
//! (T. J. Dekker, 1971), because the exponential turns the absolute error of `y ln x`, a number up
//! to 745, into a relative one.

use super::bits::split;
use super::double::Double;
use super::exp::Exponential;
use super::polynomial::polynomial;

/// `ln 2` in three parts; multiples of the first two by an 11-bit integer are exact.
const LN_2_FIRST: f64 = 0.693_147_180_559_663;
const LN_2_SECOND: f64 = 2.823_529_056_301_490_6e-13;
const LN_2_THIRD: f64 = 1.667_085_920_830_552e-25;
/// 2/3 to twice the precision.
const TWO_THIRDS: Double = Double { high: 0.666_666_666_666_666_6, low: 3.700_743_415_417_188e-17 };
/// Beyond this exponent every number but 1 has the power 0 or infinity.
const HUGE_EXPONENT: f64 = 1_180_591_620_717_411_303_424.0;

/// Returns the logarithm of a positive finite number to about 66 bits.
#[inline(always)]
fn precise_ln(x: f64) -> Double {
    let binary = split(x);
    let f = binary.fraction - 1.0;
    let s = Double::ordered_sum(2.0, f).divide_into(f);
    let square = s.times(s);
    let series = polynomial(
        square.high,
        [
            0.399_999_999_999_999_8,
            0.285_714_285_714_451_1,
            0.222_222_222_175_365_4,
            0.181_818_188_703_123_63,
            0.153_845_568_707_862_34,
            0.133_363_174_378_653_78,
            0.116_748_179_620_400_71,
            0.119_890_187_142_252_65,
        ],
    );
    let slope = Double::ordered_sum(TWO_THIRDS.high, square.high * series).corrected(TWO_THIRDS.low);
    let cubic = slope.times(square).times(s);
    let fraction = s.scaled(2.0).plus(cubic);
    let octaves = Double::ordered_sum(binary.exponent * LN_2_FIRST, binary.exponent * LN_2_SECOND)
        .corrected(binary.exponent * LN_2_THIRD);
    octaves.plus(fraction)
}

/// Returns `x` to the power `y`, without branches.
///
/// Special values as in IEEE 754: 1 for `y = 0` and for `x = 1` even with a NaN, NaN for a negative
/// `x` and a `y` that is no integer, and zero and infinity with the sign of an odd power.
///
/// ```
/// use dagrad::elementary::pow;
/// assert_eq!(pow(-2.0, 3.0), -8.0);
/// assert_eq!(pow(0.0, -1.0), f64::INFINITY);
/// ```
#[must_use]
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let base = x.abs();
    let size = y.abs();
    let tame = if size > HUGE_EXPONENT { HUGE_EXPONENT } else { size };
    let tame = tame.copysign(y);
    let log = precise_ln(base);
    let exponent = Double::product(tame, log.high).corrected(tame * log.low);
    let low = if exponent.high.abs() < 800.0 { exponent.low } else { 0.0 };
    let value = Exponential::new(exponent.high, low).value();

    let rises = (base > 1.0) == (y > 0.0);
    let limit = if rises { f64::INFINITY } else { 0.0 };
    let extreme = base == 0.0 || base == f64::INFINITY;
    let value = if extreme { limit } else { value };
    // NaN in either argument; the comparisons above have lost it.
    let value = if base.is_nan() { base } else { value };
    let value = if size.is_nan() { size } else { value };

    let integer = size.floor() == size;
    let half = 0.5 * size;
    let odd = integer && half.floor() != half;
    let negative = x.is_sign_negative();
    let value = if negative && odd { -value } else { value };
    let outside = x < 0.0 && base < f64::INFINITY && !integer;
    let value = if outside { f64::NAN } else { value };
    let value = if x == -1.0 && size == f64::INFINITY { 1.0 } else { value };
    if y == 0.0 || x == 1.0 { 1.0 } else { value }
}

/// Returns `x` to the whole power `n`; 1 for `n = 0`, whatever `x` is.
///
/// ```
/// use dagrad::elementary::powi;
/// assert_eq!(powi(-2.0, 3), -8.0);
/// assert_eq!(powi(2.0, i32::MIN), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn powi(x: f64, n: i32) -> f64 {
    match n {
        1 => x,
        2 => x * x,
        3 => x * x * x,
        -1 => 1.0 / x,
        _ => pow(x, f64::from(n)),
    }
}
