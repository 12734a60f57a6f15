//! The lines of sums: up to three products, of a row and a number or of two rows.

use super::super::Zero;
use super::super::isa::{Instruction, Isa};
use super::super::linear::{Mode, has_nan, product};
use super::super::vector::Simd;
use super::{Function, Line, Memory, START};

/// The function for so many terms, of which the first `numbers` have a number as factor.
///
/// # Panics
/// When there are more than three terms.
pub(super) fn function(isa: Isa, terms: usize, numbers: usize, mode: Mode, zero: Zero) -> Function {
    match (mode, zero) {
        (Mode::Store, Zero::Multiplies) => of_terms::<false, false>(isa, terms, numbers),
        (Mode::Add, Zero::Multiplies) => of_terms::<false, true>(isa, terms, numbers),
        (Mode::Store, Zero::Absorbs) => of_terms::<true, false>(isa, terms, numbers),
        (Mode::Add, Zero::Absorbs) => of_terms::<true, true>(isa, terms, numbers),
    }
}

fn of_terms<const ABSORB: bool, const ADD: bool>(isa: Isa, terms: usize, numbers: usize) -> Function {
    match (terms, numbers) {
        (0, 0) => isa.function::<Products<0, 0, ABSORB, ADD>>(),
        (1, 0) => isa.function::<Products<1, 0, ABSORB, ADD>>(),
        (1, 1) => isa.function::<Products<1, 1, ABSORB, ADD>>(),
        (2, 0) => isa.function::<Products<2, 0, ABSORB, ADD>>(),
        (2, 1) => isa.function::<Products<2, 1, ABSORB, ADD>>(),
        (2, 2) => isa.function::<Products<2, 2, ABSORB, ADD>>(),
        (3, 0) => isa.function::<Products<3, 0, ABSORB, ADD>>(),
        (3, 1) => isa.function::<Products<3, 1, ABSORB, ADD>>(),
        (3, 2) => isa.function::<Products<3, 2, ABSORB, ADD>>(),
        (3, 3) => isa.function::<Products<3, 3, ABSORB, ADD>>(),
        _ => panic!("no line for {terms} terms, {numbers} of them with a number"),
    }
}

/// A sum of `N` products, of which the first `K` have a number as factor.
struct Products<const N: usize, const K: usize, const ABSORB: bool, const ADD: bool>;

impl<const N: usize, const K: usize, const ABSORB: bool, const ADD: bool> Instruction for Products<N, K, ABSORB, ADD> {
    #[inline(always)]
    unsafe fn run<S: Simd>(simd: S, line: &Line, memory: &Memory) {
        // SAFETY: the caller vouches for the places; no register goes beyond `len` numbers.
        unsafe {
            let sign = |bit: usize| if line.minus >> bit & 1 == 0 { 1.0 } else { -1.0 };
            let len = line.len(memory);
            let x = line.rows(0, memory);
            let start = simd.splat(sign(START) * line.number(START, memory));
            let mut terms = Terms::<S, N> {
                start,
                scales: [simd.splat(0.0); N],
                factors: [std::ptr::null(); N],
                rows: [std::ptr::null(); N],
            };
            for n in 0..N {
                let scale = if n < K { sign(n) * line.number(1 + 2 * n, memory) } else { sign(n) };
                terms.scales[n] = simd.splat(scale);
                if n >= K {
                    terms.factors[n] = line.rows(1 + 2 * n, memory);
                }
                terms.rows[n] = line.rows(2 + 2 * n, memory);
            }
            let mut done = 0;
            while len - done >= 4 * S::WIDTH {
                terms.block::<K, 4, ABSORB, ADD>(simd, x, done);
                done += 4 * S::WIDTH;
            }
            while len - done >= S::WIDTH {
                terms.block::<K, 1, ABSORB, ADD>(simd, x, done);
                done += S::WIDTH;
            }
            if done < len {
                terms.rest::<K, ABSORB, ADD>(simd, x, done, len - done);
            }
        }
    }
}

/// What a sum is made of: rows, with a number or a sign for each, and a second row for some.
struct Terms<S: Simd, const N: usize> {
    start: S::Vector,
    scales: [S::Vector; N],
    factors: [*const f64; N],
    rows: [*const f64; N],
}

impl<S: Simd, const N: usize> Terms<S, N> {
    /// `M` registers from `done` on.
    ///
    /// # Safety
    /// The rows have these numbers.
    #[inline(always)]
    unsafe fn block<const K: usize, const M: usize, const ABSORB: bool, const ADD: bool>(
        &self,
        simd: S,
        x: *mut f64,
        done: usize,
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            let mut sums = self.sums::<K, M, false>(simd, done);
            if ABSORB && has_nan(simd, &sums) {
                sums = self.sums::<K, M, true>(simd, done);
            }
            for m in 0..M {
                let x = x.add(done + m * S::WIDTH);
                simd.store(if ADD { simd.add(simd.load(x), sums[m]) } else { sums[m] }, x);
            }
        }
    }

    /// # Safety
    /// The rows have these numbers.
    #[inline(always)]
    unsafe fn sums<const K: usize, const M: usize, const ABSORB: bool>(&self, simd: S, done: usize) -> [S::Vector; M] {
        let mut sums = [self.start; M];
        for n in 0..N {
            for m in 0..M {
                let at = done + m * S::WIDTH;
                // SAFETY: as the caller promises.
                let row = unsafe { simd.load(self.rows[n].add(at)) };
                let factor = if n < K {
                    self.scales[n]
                } else {
                    // SAFETY: as the caller promises.
                    simd.mul_add(unsafe { simd.load(self.factors[n].add(at)) }, self.scales[n], simd.splat(-0.0))
                };
                sums[m] = product::<S, ABSORB, false>(simd, factor, row, sums[m]);
            }
        }
        sums
    }

    /// Up to one register.
    ///
    /// # Safety
    /// The rows have `some` numbers from `done` on.
    #[inline(always)]
    unsafe fn rest<const K: usize, const ABSORB: bool, const ADD: bool>(
        &self,
        simd: S,
        x: *mut f64,
        done: usize,
        some: usize,
    ) {
        let mut sum = self.start;
        for n in 0..N {
            // SAFETY: as the caller promises.
            let row = unsafe { simd.load_some(self.rows[n].add(done), some) };
            let factor = if n < K {
                self.scales[n]
            } else {
                // SAFETY: as the caller promises.
                let factor = unsafe { simd.load_some(self.factors[n].add(done), some) };
                simd.mul_add(factor, self.scales[n], simd.splat(-0.0))
            };
            sum = product::<S, ABSORB, false>(simd, factor, row, sum);
        }
        // SAFETY: as the caller promises.
        unsafe {
            let x = x.add(done);
            simd.store_some(if ADD { simd.add(simd.load_some(x, some), sum) } else { sum }, x, some);
        }
    }
}
