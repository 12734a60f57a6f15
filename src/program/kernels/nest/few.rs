//! The kernel of nests whose sums have few terms: every product absorbs at once, and nothing is looked at twice.

use super::super::isa::Kernel;
use super::super::linear::{Mode, product};
use super::super::vector::{Simd, load};
use super::run::{At, BROADCAST, STILL, Task, Work};
use super::{ALONG, OUTER, REDUCE, ROWS};

/// The most terms.
pub(super) const MOST: u32 = 8;

/// Rows of neighbouring numbers of X, none of which is written twice.
pub(super) struct Few<'a, const Z: u8, const ABSORB: bool>(pub(super) &'a Task<'a>);

impl<const Z: u8, const ABSORB: bool> Kernel for Few<'_, Z, ABSORB> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let work = Work::new(self.0);
        let count = work.counts[ALONG];
        for i in 0..work.counts[OUTER] {
            let mut at = work.at.after(work.outer, i);
            for _ in 0..work.counts[ROWS] {
                let mut done = 0;
                while count - done >= S::WIDTH {
                    // SAFETY: the walks were checked, and this register lies on them.
                    unsafe { register::<S, Z, ABSORB, true>(simd, &work, at, done, S::WIDTH) };
                    done += S::WIDTH;
                }
                if done < count {
                    // SAFETY: the walks were checked, and these numbers lie on them.
                    unsafe { register::<S, Z, ABSORB, false>(simd, &work, at, done, count - done) };
                }
                at = at.after(work.rows, 1);
            }
        }
    }
}

/// One register of X, or some numbers of one.
///
/// # Safety
/// `some` numbers from `done` on, a whole register if `WHOLE`, lie on the walks.
#[inline(always)]
unsafe fn register<S: Simd, const Z: u8, const ABSORB: bool, const WHOLE: bool>(
    simd: S,
    work: &Work,
    at: At,
    done: usize,
    some: usize,
) {
    let x = at.x.wrapping_add(done);
    // SAFETY: as the caller promises.
    let mut sum = if work.mode == Mode::Add { unsafe { load::<S, WHOLE>(simd, x, some) } } else { simd.splat(-0.0) };
    let mut term = at;
    for _ in 0..work.counts[REDUCE] {
        // SAFETY: as the caller promises; a factor that is broadcast is one number of its walk.
        let (y, z) = unsafe {
            let y = if Z == STILL {
                simd.splat(term.y.read())
            } else {
                load::<S, WHOLE>(simd, term.y.wrapping_add(done), some)
            };
            let z = if Z == BROADCAST || Z == STILL {
                simd.splat(term.z.read())
            } else {
                load::<S, WHOLE>(simd, term.z.wrapping_add(done), some)
            };
            (y, z)
        };
        sum = if work.minus {
            product::<S, ABSORB, true>(simd, y, z, sum)
        } else {
            product::<S, ABSORB, false>(simd, y, z, sum)
        };
        term = term.after(work.reduce, 1);
    }
    // SAFETY: as the caller promises.
    unsafe {
        if WHOLE {
            simd.store(sum, x);
        } else {
            simd.store_some(sum, x, some);
        }
    }
}
