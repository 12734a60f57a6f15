//! Reduction of angles to `[-pi/4, pi/4]`.

use super::bits::nearest;
use super::double::Double;
use super::fused::mul_add;
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The largest magnitude for which the `_core` functions are right, `2^16` quarter turns.
pub const TRIG_CORE_LIMIT: f64 = 102_943.0;

/// `pi/2` in three parts; multiples of the first two below `2^17` are exact.
const QUARTER_FIRST: f64 = 1.570_796_326_792_333_3;
const QUARTER_SECOND: f64 = 2.563_344_151_583_955_8e-12;
const QUARTER_THIRD: f64 = 1.056_299_906_698_742_8e-23;
/// What the double `FRAC_PI_2` misses of `pi/2`.
const QUARTER_MISSING: f64 = 6.123_233_995_736_766e-17;

/// The bits of `2/pi` after a first word of zeros, enough for every double.
const TWO_OVER_PI: [u64; 21] = [
    0x0000_0000_0000_0000,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
    0xf0cf_bc20_9af4_361d,
];

/// An angle as `high + low` beyond the nearest multiple of a quarter turn.
#[derive(Clone, Copy)]
pub(super) struct Angle {
    pub(super) high: f64,
    pub(super) low: f64,
    /// The number of quarter turns; only the two lowest bits have a meaning.
    pub(super) quarters: u64,
}

impl Angle {
    /// Reduces `x` for `|x| <= TRIG_CORE_LIMIT`, in the way of W. J. Cody and W. Waite, "Software
    /// Manual for the Elementary Functions" (1980).
    ///
    /// No double in that range is closer than `2^-61` to a multiple of `pi/2`; the error of the
    /// result is below `2^-111`.
    #[inline(always)]
    pub(super) fn near(x: f64) -> Self {
        let (n, quarters) = nearest(x * FRAC_2_PI);
        // Both differences are exact where they cancel, so that the ordered sum is right there too.
        let first = mul_add(-n, QUARTER_FIRST, x);
        let second = Double::ordered_sum(first, -(n * QUARTER_SECOND));
        let rest = Double { low: mul_add(-n, QUARTER_THIRD, second.low), ..second }.normalized();
        Self { high: rest.high, low: rest.low, quarters }
    }

    /// Reduces any finite `x` above 1 in magnitude, with as many bits of `2/pi` as it takes.
    ///
    /// M. H. Payne and R. N. Hanek, "Radian reduction for trigonometric functions", SIGNUM
    /// Newsletter 18 (1983): bits of `2/pi` that contribute whole turns are left out, and the
    /// mantissa times the next 192 bits is the number of quarter turns modulo 4.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the integers are cut to 53 bits before, and words of a longer number on purpose"
    )]
    pub(super) fn far(x: f64) -> Self {
        let bits = x.to_bits();
        let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
        // |x| = mantissa * 2^(exponent - 1075); 64 bits of zeros precede 2/pi.
        let exponent = (bits >> 52) & 0x7ff;
        let skipped = (exponent + 64 - 1077) as usize;
        let (word, shift) = (skipped / 64, skipped % 64);
        let window = |i: usize| {
            let pair = u128::from(TWO_OVER_PI[word + i]) << 64
                | u128::from(TWO_OVER_PI.get(word + i + 1).copied().unwrap_or(0));
            (pair << shift >> 64) as u64
        };
        let product = |i: usize| u128::from(mantissa) * u128::from(window(i));
        let (low, middle, high) = (product(2), product(1), product(0));
        let middle = middle + (low >> 64);
        let upper = (high << 64).wrapping_add(middle);
        let lower = low as u64;

        // Two bits of quarters, then the fraction, rounded to the nearest quarter.
        let fraction = upper << 2 | u128::from(lower >> 62);
        let round_up = (fraction >> 127) as u64;
        let quarters = ((upper >> 126) as u64).wrapping_add(round_up);
        let magnitude = if round_up == 1 { fraction.wrapping_neg() } else { fraction };
        // No double is closer than 2^-62 or so to a multiple: 66 bits and more remain.
        let zeros = magnitude.leading_zeros();
        let aligned = magnitude << zeros;
        let unit = f64::from_bits(u64::from(1023 - zeros) << 52);
        let leading = (aligned >> 75) as f64 * f64::from_bits((1023 - 53) << 52);
        let trailing = ((aligned >> 22) as u64 & ((1 << 53) - 1)) as f64 * f64::from_bits((1023 - 106) << 52);
        let turn = Double { high: leading, low: trailing }
            .times(Double { high: FRAC_PI_2, low: QUARTER_MISSING })
            .scaled(unit);
        let angle = turn.scaled(if round_up == 1 { -1.0 } else { 1.0 });
        let mirrored = angle.scaled(1.0_f64.copysign(x));
        Self {
            high: mirrored.high,
            low: mirrored.low,
            quarters: if x < 0.0 { quarters.wrapping_neg() } else { quarters },
        }
    }
}
