//! Inverse trigonometric functions.
//!
//! Method: one minimax polynomial in `t^2` for the arctangent on `[0, 1]` (own fit by Remez
//! exchange, degree 19, relative error `2^-57`) and one for the arcsine on `[0, 1/2]` (degree 12,
//! `2^-59`); larger arguments are folded by `1/t` and by `sqrt((1 - x) / 2)` (W. J. Cody and
//! W. Waite, "Software Manual for the Elementary Functions", 1980). The final sum with a multiple
//! of `pi/2` is compensated.

use super::double::Double;
use super::polynomial::polynomial;
use std::f64::consts::{FRAC_PI_2, PI};

/// What the doubles `FRAC_PI_2` and `PI` miss.
const FRAC_PI_2_MISSING: f64 = 6.123_233_995_736_766e-17;
const PI_MISSING: f64 = 1.224_646_799_147_353_2e-16;

/// Returns `atan(t) - t` for `0 <= t <= 1`.
#[inline(always)]
fn arctangent_rest(t: f64) -> f64 {
    let square = t * t;
    let series = polynomial(
        square,
        [
            -0.333_333_333_333_330_93,
            0.199_999_999_999_555_26,
            -0.142_857_142_828_073_05,
            0.111_111_110_137_922_98,
            -0.090_909_071_215_862_27,
            0.076_922_812_117_718_19,
            -0.066_664_151_835_578_11,
            0.058_805_935_552_311_75,
            -0.052_538_095_565_993_48,
            0.047_233_055_015_045_01,
            -0.042_217_460_474_937_546,
            0.036_694_033_086_435_1,
            -0.029_986_269_472_096_434,
            0.022_085_893_424_278_438,
            -0.013_995_587_990_991_156,
            0.007_263_721_289_581_051,
            -0.002_919_500_644_026_516_4,
            0.000_843_531_660_466_124_1,
            -0.000_154_805_490_673_890_6,
            1.348_996_569_777_108_4e-5,
        ],
    );
    t * square * series
}

/// Returns `asin(t) - t` for `0 <= t <= 1/2`, given the square of `t`.
#[inline(always)]
fn arcsine_rest(t: f64, square: f64) -> f64 {
    let series = polynomial(
        square,
        [
            0.166_666_666_666_667_63,
            0.074_999_999_999_701_1,
            0.044_642_857_175_276_91,
            0.030_381_942_675_674_293,
            0.022_372_215_895_828_72,
            0.017_351_595_665_117_5,
            0.013_981_016_721_977_964,
            0.011_397_306_712_144_605,
            0.010_789_250_390_273_801,
            0.003_672_432_722_084_112_8,
            0.021_790_087_594_471_607,
            -0.021_115_982_455_430_136,
            0.032_701_732_529_192_63,
        ],
    );
    t * square * series
}

/// Returns `offset + term + rest`, the first two much larger than `rest`.
#[inline(always)]
fn compensated(offset: f64, offset_missing: f64, term: f64, rest: f64) -> f64 {
    Double::ordered_sum(offset, term).corrected(rest + offset_missing).value()
}

/// Returns the arctangent of `x`.
///
/// The sign of zero is kept, `atan(inf) = pi/2`.
///
/// ```
/// use dagrad::elementary::atan;
/// assert_eq!(atan(f64::INFINITY), std::f64::consts::FRAC_PI_2);
/// ```
#[must_use]
#[inline(always)]
pub fn atan(x: f64) -> f64 {
    let magnitude = x.abs();
    let folded = magnitude > 1.0;
    let numerator = if folded { -1.0 } else { magnitude };
    let denominator = if folded { magnitude } else { 1.0 };
    let offset = if folded { FRAC_PI_2 } else { 0.0 };
    let missing = if folded { FRAC_PI_2_MISSING } else { 0.0 };
    let t = numerator / denominator;
    compensated(offset, missing, t, arctangent_rest(t)).copysign(x)
}

/// Returns the angle of the point `(x, y)`, in `[-pi, pi]`.
///
/// Signed zeros and infinities as in C99: `atan2(0, -1) = pi`, `atan2(-0, -1) = -pi`,
/// `atan2(inf, inf) = pi/4`.
///
/// ```
/// use dagrad::elementary::atan2;
/// assert_eq!(atan2(0.0, -1.0), std::f64::consts::PI);
/// ```
#[must_use]
#[inline(always)]
pub fn atan2(y: f64, x: f64) -> f64 {
    let (across, along) = (x.abs(), y.abs());
    let steep = along > across;
    let larger = if steep { along } else { across };
    let smaller = if steep { across } else { along };
    let t = smaller / larger;
    let t = if larger == 0.0 && smaller == 0.0 { 0.0 } else { t };
    let t = if smaller == f64::INFINITY { 1.0 } else { t };
    let t = if larger.is_nan() { larger } else { t };
    let backward = x.is_sign_negative();
    let level_offset = if backward { PI } else { 0.0 };
    let level_missing = if backward { PI_MISSING } else { 0.0 };
    let offset = if steep { FRAC_PI_2 } else { level_offset };
    let missing = if steep { FRAC_PI_2_MISSING } else { level_missing };
    let t = if steep == backward { t } else { -t };
    compensated(offset, missing, t, arctangent_rest(t)).abs().copysign(y)
}

/// Returns the arcsine of `x`.
///
/// The sign of zero is kept, NaN outside `[-1, 1]`.
///
/// ```
/// use dagrad::elementary::asin;
/// assert!(asin(1.5).is_nan());
/// ```
#[must_use]
#[inline(always)]
pub fn asin(x: f64) -> f64 {
    let magnitude = x.abs();
    let large = magnitude > 0.5;
    let half_gap = (1.0 - magnitude) * 0.5;
    let square = if large { half_gap } else { magnitude * magnitude };
    let t = if large { half_gap.sqrt() } else { magnitude };
    let rest = arcsine_rest(t, square);
    let folded = compensated(FRAC_PI_2, FRAC_PI_2_MISSING, -2.0 * t, -2.0 * rest);
    let value = if large { folded } else { t + rest };
    value.copysign(x)
}

/// Returns the arccosine of `x`, in `[0, pi]`.
///
/// `acos(1) = 0`, NaN outside `[-1, 1]`.
///
/// ```
/// use dagrad::elementary::acos;
/// assert_eq!(acos(1.0), 0.0);
/// ```
#[must_use]
#[inline(always)]
pub fn acos(x: f64) -> f64 {
    let magnitude = x.abs();
    let large = magnitude > 0.5;
    let half_gap = (1.0 - magnitude) * 0.5;
    let root = Double { high: half_gap, low: 0.0 }.sqrt();
    let square = if large { half_gap } else { x * x };
    let t = if large { root.high } else { magnitude };
    let rest = arcsine_rest(t, square);
    let near_one = 2.0 * (t + (root.low + rest));
    let near_minus_one = compensated(PI, PI_MISSING, -2.0 * t, -2.0 * (root.low + rest));
    let middle = compensated(FRAC_PI_2, FRAC_PI_2_MISSING, -x, -rest.copysign(x));
    let folded = if x < 0.0 { near_minus_one } else { near_one };
    if large { folded } else { middle }
}
