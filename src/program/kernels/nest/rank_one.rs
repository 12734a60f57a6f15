//! The kernel of outer products: every row of X is the row Y times one number of Z.

use super::super::isa::Kernel;
use super::super::vector::{Simd, load};
use super::run::{At, Stride, Task};
use super::{ALONG, ROWS};

/// Rows of neighbouring numbers of X, none of which is written twice; `ADD` says that the products are added.
///
/// Gives whether it did so: when a factor is infinite or no number, a zero may have to absorb it, and nothing is written.
pub(super) struct RankOne<'a, const ADD: bool>(pub(super) &'a Task<'a>);

/// How many registers of Y are kept.
const KEPT: usize = 8;

impl<const ADD: bool> Kernel for RankOne<'_, ADD> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> bool {
        let Task { nest, at, minus, .. } = *self.0;
        let (count, rows) = (nest.counts[ALONG] as usize, nest.counts[ROWS] as usize);
        let step = Stride::new(nest, ROWS);
        // SAFETY: the walks were checked, and these numbers lie on them.
        unsafe {
            let zero = simd.splat(0.0);
            // Zero times a finite number is zero, and no sum of zeros is NaN.
            let mut doubt = zero;
            for first in (0..count).step_by(S::WIDTH) {
                let some = S::WIDTH.min(count - first);
                doubt = simd.mul_add(simd.load_some(at.y.add(first), some), zero, doubt);
            }
            let mut doubts = 0.0;
            for row in 0..rows {
                doubts += 0.0 * at.after(step, row).z.read();
            }
            if simd.has_nan(doubt) || doubts.is_nan() {
                return false;
            }
            for first in (0..count).step_by(KEPT * S::WIDTH) {
                let at = At { x: at.x.add(first), y: at.y.add(first), z: at.z };
                let columns = Columns { at, step, rows, len: (count - first).min(KEPT * S::WIDTH), minus };
                match columns.len.div_ceil(S::WIDTH) {
                    1 => columns.run::<S, 1, ADD>(simd),
                    2 => columns.run::<S, 2, ADD>(simd),
                    3 => columns.run::<S, 3, ADD>(simd),
                    4 => columns.run::<S, 4, ADD>(simd),
                    5 => columns.run::<S, 5, ADD>(simd),
                    6 => columns.run::<S, 6, ADD>(simd),
                    7 => columns.run::<S, 7, ADD>(simd),
                    _ => columns.run::<S, KEPT, ADD>(simd),
                }
            }
        }
        true
    }
}

/// As many columns as registers are kept for.
struct Columns {
    at: At,
    step: Stride,
    rows: usize,
    len: usize,
    minus: bool,
}

impl Columns {
    /// All rows of `N` registers, of which the last need not be full.
    ///
    /// # Safety
    /// The walks were checked, and these numbers lie on them.
    #[inline(always)]
    unsafe fn run<S: Simd, const N: usize, const ADD: bool>(&self, simd: S) {
        let last = self.len - (N - 1) * S::WIDTH;
        // SAFETY: as the caller promises.
        unsafe {
            let mut kept = [simd.splat(0.0); N];
            for (v, kept) in kept.iter_mut().enumerate() {
                let some = if v + 1 < N { S::WIDTH } else { last };
                *kept = simd.load_some(self.at.y.add(v * S::WIDTH), some);
            }
            for row in 0..self.rows {
                let at = self.at.after(self.step, row);
                let z = at.z.read();
                let z = simd.splat(if self.minus { -z } else { z });
                for v in 0..N - 1 {
                    put::<S, ADD, true>(simd, kept[v], z, at.x.add(v * S::WIDTH), S::WIDTH);
                }
                let x = at.x.add((N - 1) * S::WIDTH);
                if last == S::WIDTH {
                    put::<S, ADD, true>(simd, kept[N - 1], z, x, last);
                } else {
                    put::<S, ADD, false>(simd, kept[N - 1], z, x, last);
                }
            }
        }
    }
}

/// One register of X, or its first numbers if it is not `WHOLE`.
///
/// # Safety
/// They can be written.
#[inline(always)]
unsafe fn put<S: Simd, const ADD: bool, const WHOLE: bool>(
    simd: S,
    y: S::Vector,
    z: S::Vector,
    x: *mut f64,
    some: usize,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let before = if ADD { load::<S, WHOLE>(simd, x, some) } else { simd.splat(-0.0) };
        let sum = simd.mul_add(y, z, before);
        if WHOLE { simd.store(sum, x) } else { simd.store_some(sum, x, some) }
    }
}
