//! The lines of sums: up to three products, of a row and a number or of two rows.

use super::super::Zero;
use super::super::isa::{Instruction, Isa};
use super::super::linear::{Mode, has_nan, product};
use super::super::vector::Simd;
use super::{ALL, FILLS, Function, Line, Memory, START, most_registers};

/// The function for so many terms, of which the first `numbers` have a number as factor; with `twice`, the last counts
/// twice. A `short` one is of some single numbers.
///
/// # Panics
/// When there are more than three terms, or one with a number counts twice.
pub(super) fn function(isa: Isa, short: bool, shape: (usize, usize, bool), mode: Mode, zero: Zero) -> Function {
    match (mode, zero) {
        (Mode::Store, Zero::Multiplies) => of_length::<false, false>(isa, short, shape),
        (Mode::Add, Zero::Multiplies) => of_length::<false, true>(isa, short, shape),
        (Mode::Store, Zero::Absorbs) => of_length::<true, false>(isa, short, shape),
        (Mode::Add, Zero::Absorbs) => of_length::<true, true>(isa, short, shape),
    }
}

fn of_length<const ABSORB: bool, const ADD: bool>(isa: Isa, short: bool, shape: (usize, usize, bool)) -> Function {
    if short { of_shape::<true, ABSORB, ADD>(isa, shape) } else { of_shape::<false, ABSORB, ADD>(isa, shape) }
}

fn of_shape<const SHORT: bool, const ABSORB: bool, const ADD: bool>(
    isa: Isa,
    (terms, numbers, twice): (usize, usize, bool),
) -> Function {
    match (terms, numbers, twice) {
        (0, 0, false) => isa.function::<Products<0, 0, false, SHORT, ABSORB, ADD>>(),
        (1, 0, false) => isa.function::<Products<1, 0, false, SHORT, ABSORB, ADD>>(),
        (1, 0, true) => isa.function::<Products<1, 0, true, SHORT, ABSORB, ADD>>(),
        (1, 1, false) => isa.function::<Products<1, 1, false, SHORT, ABSORB, ADD>>(),
        (2, 0, false) => isa.function::<Products<2, 0, false, SHORT, ABSORB, ADD>>(),
        (2, 0, true) => isa.function::<Products<2, 0, true, SHORT, ABSORB, ADD>>(),
        (2, 1, false) => isa.function::<Products<2, 1, false, SHORT, ABSORB, ADD>>(),
        (2, 1, true) => isa.function::<Products<2, 1, true, SHORT, ABSORB, ADD>>(),
        (2, 2, false) => isa.function::<Products<2, 2, false, SHORT, ABSORB, ADD>>(),
        (3, 0, false) => isa.function::<Products<3, 0, false, SHORT, ABSORB, ADD>>(),
        (3, 1, false) => isa.function::<Products<3, 1, false, SHORT, ABSORB, ADD>>(),
        (3, 2, false) => isa.function::<Products<3, 2, false, SHORT, ABSORB, ADD>>(),
        (3, 3, false) => isa.function::<Products<3, 3, false, SHORT, ABSORB, ADD>>(),
        _ => panic!("no line for {terms} terms, {numbers} of them with a number, the last twice: {twice}"),
    }
}

/// A sum of `N` products, of which the first `K` have a number as factor and the last counts twice if `TWICE`.
struct Products<
    const N: usize,
    const K: usize,
    const TWICE: bool,
    const SHORT: bool,
    const ABSORB: bool,
    const ADD: bool,
>;

impl<const N: usize, const K: usize, const TWICE: bool, const SHORT: bool, const ABSORB: bool, const ADD: bool>
    Instruction for Products<N, K, TWICE, SHORT, ABSORB, ADD>
{
    #[inline(always)]
    unsafe fn run<S: Simd>(simd: S, line: &Line, memory: &Memory) {
        // SAFETY: the caller vouches for the places; no register goes beyond `len` numbers.
        unsafe {
            let len = line.len::<SHORT>(memory);
            let x = line.rows::<SHORT>(0, memory);
            let mut terms = Terms::<S, N> {
                start: simd.splat(if SHORT { -0.0 } else { line.signed(START, START, memory) }),
                minus: !SHORT && line.has(ALL),
                scales: [simd.splat(0.0); N],
                factors: [std::ptr::null(); N],
                rows: [std::ptr::null(); N],
            };
            for n in 0..N {
                if n < K {
                    let place = 1 + 2 * n;
                    let number = if SHORT { line.number(place, memory) } else { line.signed(place, n, memory) };
                    terms.scales[n] = simd.splat(number);
                } else {
                    terms.factors[n] = line.rows::<SHORT>(1 + 2 * n, memory);
                }
                terms.rows[n] = line.rows::<SHORT>(2 + 2 * n, memory);
            }
            let mut done = 0;
            while !SHORT && len - done >= 4 * S::WIDTH {
                terms.block::<K, 4, TWICE, ABSORB, ADD>(simd, x, done);
                done += 4 * S::WIDTH;
            }
            for _ in 0..most_registers::<S, SHORT>() {
                if len - done < S::WIDTH {
                    break;
                }
                terms.block::<K, 1, TWICE, ABSORB, ADD>(simd, x, done);
                done += S::WIDTH;
            }
            if done < len {
                terms.rest::<K, TWICE, ABSORB, ADD>(simd, x, done, len - done, line.has(FILLS));
            }
        }
    }
}

/// What a sum is made of: rows, with a number for the first of them and a second row for the others.
struct Terms<S: Simd, const N: usize> {
    start: S::Vector,
    /// Whether all products are subtracted: what is added to them has its sign turned before.
    minus: bool,
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
    unsafe fn block<const K: usize, const M: usize, const TWICE: bool, const ABSORB: bool, const ADD: bool>(
        &self,
        simd: S,
        x: *mut f64,
        done: usize,
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            let mut sums = self.sums::<K, M, TWICE, false>(simd, done);
            if ABSORB && has_nan(simd, &sums) {
                sums = self.sums::<K, M, TWICE, true>(simd, done);
            }
            for m in 0..M {
                let x = x.add(done + m * S::WIDTH);
                let before = if ADD { simd.load(x) } else { simd.splat(-0.0) };
                simd.store(self.total::<K>(simd, before, sums[m]), x);
            }
        }
    }

    /// What is written where `before` stood, or −0 if that is forgotten.
    #[inline(always)]
    fn total<const K: usize>(&self, simd: S, before: S::Vector, sum: S::Vector) -> S::Vector {
        // Without products of rows the numbers have the signs.
        if K < N && self.minus { simd.sub(before, sum) } else { simd.add(before, sum) }
    }

    /// # Safety
    /// The rows have these numbers.
    #[inline(always)]
    unsafe fn sums<const K: usize, const M: usize, const TWICE: bool, const ABSORB: bool>(
        &self,
        simd: S,
        done: usize,
    ) -> [S::Vector; M] {
        let mut sums = [self.start; M];
        for n in 0..N {
            for m in 0..M {
                let at = done + m * S::WIDTH;
                // SAFETY: as the caller promises.
                let row = unsafe { simd.load(self.rows[n].add(at)) };
                // SAFETY: as above.
                let factor = if n < K { self.scales[n] } else { unsafe { simd.load(self.factors[n].add(at)) } };
                sums[m] = product::<S, ABSORB, false>(simd, factor, row, sums[m]);
                if TWICE && n + 1 == N {
                    sums[m] = product::<S, ABSORB, false>(simd, factor, row, sums[m]);
                }
            }
        }
        sums
    }

    /// Up to one register.
    ///
    /// # Safety
    /// The rows have `some` numbers from `done` on, that of the result a whole register if it is filled.
    #[inline(always)]
    unsafe fn rest<const K: usize, const TWICE: bool, const ABSORB: bool, const ADD: bool>(
        &self,
        simd: S,
        x: *mut f64,
        done: usize,
        some: usize,
        fills: bool,
    ) {
        let mut sum = self.start;
        for n in 0..N {
            // SAFETY: as the caller promises.
            let row = unsafe { simd.load_some(self.rows[n].add(done), some) };
            // SAFETY: as above.
            let factor =
                if n < K { self.scales[n] } else { unsafe { simd.load_some(self.factors[n].add(done), some) } };
            sum = product::<S, ABSORB, false>(simd, factor, row, sum);
            if TWICE && n + 1 == N {
                sum = product::<S, ABSORB, false>(simd, factor, row, sum);
            }
        }
        // SAFETY: as the caller promises.
        unsafe {
            let x = x.add(done);
            // A whole register can be read again at once.
            if fills {
                let before = if ADD { simd.load(x) } else { simd.splat(-0.0) };
                simd.store(self.total::<K>(simd, before, sum), x);
            } else {
                let before = if ADD { simd.load_some(x, some) } else { simd.splat(-0.0) };
                simd.store_some(self.total::<K>(simd, before, sum), x, some);
            }
        }
    }
}
