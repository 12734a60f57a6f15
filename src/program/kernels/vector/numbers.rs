//! Registers with the operators of numbers, so that a rule has one text for both.

use std::ops::{Add, Mul, Sub};

use super::Simd;

/// A register of numbers.
#[derive(Clone, Copy)]
pub(in super::super) struct Numbers<S: Simd> {
    pub(in super::super) simd: S,
    pub(in super::super) vector: S::Vector,
}

impl<S: Simd> Mul for Numbers<S> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // Adding −0 changes no number.
        let nothing = self.simd.splat(-0.0);
        Self { vector: self.simd.mul_add(self.vector, other.vector, nothing), ..self }
    }
}

impl<S: Simd> Add<Numbers<S>> for f64 {
    type Output = Numbers<S>;

    #[inline(always)]
    fn add(self, other: Numbers<S>) -> Numbers<S> {
        Numbers { vector: other.simd.add(other.simd.splat(self), other.vector), ..other }
    }
}

impl<S: Simd> Sub<Numbers<S>> for f64 {
    type Output = Numbers<S>;

    #[inline(always)]
    fn sub(self, other: Numbers<S>) -> Numbers<S> {
        Numbers { vector: other.simd.sub(other.simd.splat(self), other.vector), ..other }
    }
}
