//! Sums that each go on from the one before, xₘ = xₘ₋₁ · c + a: the number that is carried stays in a register.

use super::isa::{Isa, Kernel};
use super::vector::Simd;
use crate::op::Scalar as _;

/// A link: where the factor and the summand are.
type Link = [u32; 2];

/// Computes the numbers of a chain that begins with `first`; factors and summands are numbers of `read`.
///
/// # Panics
/// When a factor or a summand does not exist.
pub(crate) fn chain_forward(isa: Isa, links: &[Link], first: f64, read: &[f64], out: &mut [f64]) {
    isa.run(Forward { links, first, read, out });
}

/// The numbers that the reverse pass of a chain reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    /// What the chain began with.
    pub first: f64,
    /// The numbers of the chain.
    pub own: &'a [f64],
    /// The factors and summands.
    pub read: &'a [f64],
    /// The place of the number 0, whose adjoint nobody wants.
    pub zero: u32,
}

/// Adds up the adjoints of the factors and summands of a chain, and gives that of its beginning.
///
/// `own` are the adjoints of its numbers; only the last counts where that is the only one. A zero absorbs.
///
/// # Panics
/// When a factor or a summand does not exist, or there are fewer numbers than links.
pub(crate) fn chain_reverse(isa: Isa, links: &[Link], values: Values<'_>, own: &[f64], adjoints: &mut [f64]) -> f64 {
    isa.run(Reverse { links, values, own, adjoints })
}

struct Forward<'a> {
    links: &'a [Link],
    first: f64,
    read: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut x = self.first;
        for (out, &[factor, summand]) in self.out.iter_mut().zip(self.links) {
            x = simd.mul_add_one(x, self.read[factor as usize], self.read[summand as usize]);
            *out = x;
        }
    }
}

struct Reverse<'a> {
    links: &'a [Link],
    values: Values<'a>,
    own: &'a [f64],
    adjoints: &'a mut [f64],
}

impl Kernel for Reverse<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        let Self { links, values, own, adjoints } = self;
        let only_last = own.len() == 1;
        let mut delta = if only_last { own[0] } else { 0.0 };
        for (m, &[factor, summand]) in links.iter().enumerate().rev() {
            if !only_last {
                delta += own[m];
            }
            let before = if m > 0 { values.own[m - 1] } else { values.first };
            let by = values.read[factor as usize];
            let (mut to_factor, mut carried) = (delta * before, delta * by);
            if to_factor.is_nan() || carried.is_nan() {
                (to_factor, carried) = (delta.chain(before), delta.chain(by));
            }
            adjoints[factor as usize] += to_factor;
            if summand != values.zero {
                adjoints[summand as usize] += delta;
            }
            delta = carried;
        }
        delta
    }
}
