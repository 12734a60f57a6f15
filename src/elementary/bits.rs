//! The few bit patterns of an IEEE double that the functions need.
//!
//! SSE2 and AVX2 have no vector conversion between doubles and 64-bit integers and no arithmetic
//! shift of 64-bit lanes. Rounding to an integer is therefore done by adding `1.5 * 2^52`, which
//! leaves the integer in the low bits of the sum, and an exponent becomes a double by writing it
//! into the mantissa of `2^52`. Additions and logical shifts are vector instructions everywhere.

/// Adding this number rounds a double below `2^51` to an integer, ties to even.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const EXPONENT_SHIFT: u32 = 52;
const EXPONENT_BIAS: u64 = 1023;
const MANTISSA_MASK: u64 = (1 << EXPONENT_SHIFT) - 1;
const TWO_52: f64 = 4_503_599_627_370_496.0;
const TWO_54: f64 = 18_014_398_509_481_984.0;
/// Bit pattern of the double next to `sqrt(1/2)`, the smallest fraction [`split`] returns.
const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;

/// Rounds `x` to the nearest integer, given as a double and as the low bits of a word.
///
/// Only the low 12 bits and the sums and differences of such words modulo `2^12` mean anything to
/// [`power_of_two`] and [`scale`].
#[inline(always)]
pub(super) fn nearest(x: f64) -> (f64, u64) {
    let shifted = x + ROUNDER;
    (shifted - ROUNDER, shifted.to_bits())
}

/// Returns `2^n` for `-1022 <= n <= 1023`.
#[inline(always)]
pub(super) fn power_of_two(n: u64) -> f64 {
    f64::from_bits(n.wrapping_add(EXPONENT_BIAS) << EXPONENT_SHIFT)
}

/// Returns `x * 2^n` for `-2000 < n < 2000`.
///
/// Two factors of about `2^(n/2)` reach subnormal results and infinity, and only the second
/// multiplication can round.
#[inline(always)]
pub(super) fn scale(x: f64, n: u64) -> f64 {
    let (first, second) = half_powers(n);
    x * first * second
}

/// Returns two powers of two with the product `2^n`, for `-2000 < n < 2000`.
#[inline(always)]
pub(super) fn half_powers(n: u64) -> (f64, f64) {
    let biased = n.wrapping_add(2 * EXPONENT_BIAS);
    let half = biased >> 1;
    (f64::from_bits(half << EXPONENT_SHIFT), f64::from_bits(biased.wrapping_sub(half) << EXPONENT_SHIFT))
}

/// A positive double as `fraction * 2^exponent`, fraction in `[sqrt(1/2), sqrt(2))`.
#[derive(Clone, Copy)]
pub(super) struct Binary {
    pub(super) fraction: f64,
    pub(super) exponent: f64,
    /// `2^(1 - exponent)`, or 0 when that is below the normal numbers.
    pub(super) twice_inverse_power: f64,
}

/// Splits a positive normal double around powers of two.
#[inline(always)]
pub(super) fn split_normal(x: f64) -> Binary {
    let moved = x.to_bits().wrapping_add((EXPONENT_BIAS << EXPONENT_SHIFT) - SQRT_HALF_BITS);
    let biased = moved >> EXPONENT_SHIFT;
    Binary {
        fraction: f64::from_bits((moved & MANTISSA_MASK) + SQRT_HALF_BITS),
        exponent: f64::from_bits(biased | TWO_52.to_bits()) - (TWO_52 + 1023.0),
        twice_inverse_power: f64::from_bits((2047_u64.wrapping_sub(biased)) << EXPONENT_SHIFT),
    }
}

/// Splits a positive double, subnormal or not, around powers of two.
#[inline(always)]
pub(super) fn split(x: f64) -> Binary {
    let subnormal = x < f64::MIN_POSITIVE;
    let binary = split_normal(if subnormal { x * TWO_54 } else { x });
    Binary { exponent: binary.exponent - if subnormal { 54.0 } else { 0.0 }, ..binary }
}

/// Keeps the upper 26 significant bits of `x`, so that products of two heads are exact.
#[inline(always)]
pub(super) fn head(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & !((1 << 27) - 1))
}

/// Chooses by the lowest bit of `n`: `odd` when it is set, else `even`.
#[inline(always)]
pub(super) fn choose_by_parity(n: u64, even: f64, odd: f64) -> f64 {
    let mask = (n & 1).wrapping_neg();
    f64::from_bits((even.to_bits() & !mask) | (odd.to_bits() & mask))
}

/// Changes the sign of `x` when bit 1 of `n` is set.
#[inline(always)]
pub(super) fn negate_by_bit_one(n: u64, x: f64) -> f64 {
    f64::from_bits(x.to_bits() ^ ((n & 2) << 62))
}
