//! Unevaluated sums of two doubles, for the steps that need more than 53 bits.
//!
//! The error-free sums and products go back to T. J. Dekker, "A floating-point technique for
//! extending the available precision", Numerische Mathematik 18 (1971), and D. E. Knuth, "The Art
//! of Computer Programming", volume 2 (1969). Factors are split by masking instead of Veltkamp's
//! multiplication: cheaper, free of overflow, and wrong by at most `2^-106` relative.

use super::bits::head;
use super::fused::{FUSED, mul_add};

/// The number `high + low`; `low` is small against `high`, often below half an ulp of it.
#[derive(Clone, Copy)]
pub(super) struct Double {
    pub(super) high: f64,
    pub(super) low: f64,
}

impl Double {
    /// Adds `a` and `b` without error; needs `|a| >= |b|` or `a == 0`.
    #[inline(always)]
    pub(super) fn ordered_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        Self { high, low: b - (high - a) }
    }

    /// Adds `a` and `b` without error, whichever is larger.
    #[inline(always)]
    pub(super) fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let b_part = high - a;
        Self { high, low: (a - (high - b_part)) + (b - b_part) }
    }

    /// Multiplies `a` and `b`; the low part must not underflow for full precision.
    #[inline(always)]
    pub(super) fn product(a: f64, b: f64) -> Self {
        if FUSED {
            return Self::product_and_rest(a, b);
        }
        let (a_head, b_head) = (head(a), head(b));
        let (a_tail, b_tail) = (a - a_head, b - b_head);
        let high = a * b;
        Self { high, low: (((a_head * b_head - high) + a_head * b_tail) + a_tail * b_head) + a_tail * b_tail }
    }

    /// The same where the rest of a rounded product takes one instruction.
    #[inline(always)]
    fn product_and_rest(a: f64, b: f64) -> Self {
        let high = a * b;
        Self { high, low: mul_add(a, b, -high) }
    }

    /// Squares `a`.
    #[inline(always)]
    pub(super) fn square(a: f64) -> Self {
        if FUSED {
            return Self::product_and_rest(a, a);
        }
        let a_head = head(a);
        let a_tail = a - a_head;
        let high = a * a;
        Self { high, low: ((a_head * a_head - high) + 2.0 * a_head * a_tail) + a_tail * a_tail }
    }

    /// Divides `a` by `self`, to about 100 bits.
    #[inline(always)]
    pub(super) fn divide_into(self, a: f64) -> Self {
        let inverse = 1.0 / self.high;
        let quotient = a * inverse;
        let back = Self::product(quotient, self.high);
        let remainder = mul_add(-quotient, self.low, (a - back.high) - back.low);
        Self::ordered_sum(quotient, remainder * inverse)
    }

    /// Takes the square root of `self`, which must not be negative, to about 100 bits.
    #[inline(always)]
    pub(super) fn sqrt(self) -> Self {
        let root = self.high.sqrt();
        let back = Self::square(root);
        let remainder = ((self.high - back.high) - back.low) + self.low;
        let correction = remainder / (2.0 * root);
        Self { high: root, low: if root > 0.0 { correction } else { 0.0 } }
    }

    /// Multiplies two doubles of this kind, to about 102 bits.
    #[inline(always)]
    pub(super) fn times(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        Self::ordered_sum(product.high, product.low + mul_add(self.high, other.low, self.low * other.high))
    }

    /// Adds two doubles of this kind; needs `|self| >= |other|` or `self == 0`.
    #[inline(always)]
    pub(super) fn plus(self, other: Self) -> Self {
        let sum = Self::ordered_sum(self.high, other.high);
        Self::ordered_sum(sum.high, sum.low + (self.low + other.low))
    }

    /// Adds a small correction to the low part.
    #[inline(always)]
    pub(super) fn corrected(self, correction: f64) -> Self {
        Self { high: self.high, low: self.low + correction }
    }

    /// Multiplies by a power of two.
    #[inline(always)]
    pub(super) fn scaled(self, power: f64) -> Self {
        Self { high: self.high * power, low: self.low * power }
    }

    /// Moves as much as possible into the high part.
    #[inline(always)]
    pub(super) fn normalized(self) -> Self {
        Self::ordered_sum(self.high, self.low)
    }

    /// Rounds to one double.
    #[inline(always)]
    pub(super) fn value(self) -> f64 {
        self.high + self.low
    }
}
