//! The kernel of outer products: every row of X is the row Y times one number of Z.

use super::super::isa::Kernel;
use super::super::vector::Simd;
use super::run::{Stride, Task};
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
                let left = count - first;
                let mut kept = [zero; KEPT];
                for (v, kept) in kept.iter_mut().enumerate() {
                    let some = S::WIDTH.min(left.saturating_sub(v * S::WIDTH));
                    if some > 0 {
                        *kept = simd.load_some(at.y.add(first + v * S::WIDTH), some);
                    }
                }
                for row in 0..rows {
                    let at = at.after(step, row);
                    let z = at.z.read();
                    let z = simd.splat(if minus { -z } else { z });
                    let x = at.x.add(first);
                    if left >= KEPT * S::WIDTH {
                        for v in 0..KEPT {
                            put::<S, ADD>(simd, kept[v], z, x.add(v * S::WIDTH));
                        }
                    } else {
                        some::<S, ADD>(simd, &kept, z, x, left);
                    }
                }
            }
        }
        true
    }
}

/// One register of X.
///
/// # Safety
/// It can be written.
#[inline(always)]
unsafe fn put<S: Simd, const ADD: bool>(simd: S, y: S::Vector, z: S::Vector, x: *mut f64) {
    // SAFETY: as the caller promises.
    unsafe {
        let before = if ADD { simd.load(x) } else { simd.splat(-0.0) };
        simd.store(simd.mul_add(y, z, before), x);
    }
}

/// Fewer numbers of a row than there are registers for.
///
/// # Safety
/// `left` numbers of X can be written.
#[inline(always)]
unsafe fn some<S: Simd, const ADD: bool>(simd: S, kept: &[S::Vector; KEPT], z: S::Vector, x: *mut f64, left: usize) {
    for v in 0..KEPT {
        let done = v * S::WIDTH;
        if left >= done + S::WIDTH {
            // SAFETY: as the caller promises.
            unsafe { put::<S, ADD>(simd, kept[v], z, x.add(done)) };
        } else if left > done {
            // SAFETY: as above.
            unsafe {
                let (x, some) = (x.add(done), left - done);
                let before = if ADD { simd.load_some(x, some) } else { simd.splat(-0.0) };
                simd.store_some(simd.mul_add(kept[v], z, before), x, some);
            }
        }
    }
}
