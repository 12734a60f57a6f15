//! The kernel of matrix products: rows of X are sums of the rows of Y, which they share, times numbers of Z.
//!
//! Up to four rows are summed at once, so that their sums do not wait for each other.

use super::super::Zero;
use super::super::isa::Kernel;
use super::super::linear::{Mode, has_nan};
use super::super::vector::Simd;
use super::run::{At, Stride, Task, total};
use super::{ALONG, OUTER, REDUCE, ROWS};

/// Rows of neighbouring numbers of X, none of which is written twice.
pub(super) struct Panel<'a>(pub(super) &'a Task<'a>);

impl Kernel for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Task { nest, mut at, .. } = *self.0;
        let (outer, rows) = (Stride::new(nest, OUTER), Stride::new(nest, ROWS));
        for _ in 0..nest.counts[OUTER] {
            let (mut first, mut left) = (at, nest.counts[ROWS]);
            while left > 0 {
                match left {
                    1 => self.rows::<S, 1, 4>(simd, first),
                    2 => self.rows::<S, 2, 2>(simd, first),
                    3 => self.rows::<S, 3, 2>(simd, first),
                    _ => self.rows::<S, 4, 2>(simd, first),
                }
                let done = left.min(4);
                (first, left) = (first.after(rows, done as usize), left - done);
            }
            at = at.after(outer, 1);
        }
    }
}

impl Panel<'_> {
    /// `R` rows, `N` registers of each at once.
    #[inline(always)]
    fn rows<S: Simd, const R: usize, const N: usize>(&self, simd: S, mut at: At) {
        let mut left = self.0.nest.counts[ALONG] as usize;
        while left >= N * S::WIDTH {
            self.block::<S, R, N, true>(simd, at, N * S::WIDTH);
            (at, left) = (along(at, N * S::WIDTH), left - N * S::WIDTH);
        }
        while left >= S::WIDTH {
            self.block::<S, R, 1, true>(simd, at, S::WIDTH);
            (at, left) = (along(at, S::WIDTH), left - S::WIDTH);
        }
        if left > 0 {
            self.block::<S, R, 1, false>(simd, at, left);
        }
    }

    /// `N` registers of `R` rows; the first `some` numbers of one if they are not `WHOLE`.
    #[inline(always)]
    fn block<S: Simd, const R: usize, const N: usize, const WHOLE: bool>(&self, simd: S, at: At, some: usize) {
        let Task { nest, mode, minus, zero, .. } = *self.0;
        let (x_row, z_row) = (nest.x.steps[ROWS] as isize, nest.z.steps[ROWS] as isize);
        let (y_step, z_step) = (nest.y.steps[REDUCE] as isize, nest.z.steps[REDUCE] as isize);
        let mut sums = [[simd.splat(-0.0); N]; R];
        let (mut y, mut z) = (at.y, at.z);
        for _ in 0..nest.counts[REDUCE] {
            // SAFETY: the walks were checked, and these numbers lie on them.
            unsafe {
                let shared: [S::Vector; N] = std::array::from_fn(|v| {
                    let y = y.wrapping_add(v * S::WIDTH);
                    if WHOLE { simd.load(y) } else { simd.load_some(y, some) }
                });
                for (r, sums) in (0..).zip(&mut sums) {
                    let z = simd.splat(z.wrapping_offset(r * z_row).read());
                    for v in 0..N {
                        sums[v] = simd.mul_add(shared[v], z, sums[v]);
                    }
                }
            }
            (y, z) = (y.wrapping_offset(y_step), z.wrapping_offset(z_step));
        }
        if zero == Zero::Absorbs {
            let mut totals = sums[0];
            for sums in &sums[1..] {
                for v in 0..N {
                    totals[v] = simd.add(totals[v], sums[v]);
                }
            }
            if has_nan(simd, &totals) {
                return self.0.some_plainly(at, R, some);
            }
        }
        let mut x = at.x;
        for sums in sums {
            for (v, sum) in sums.into_iter().enumerate() {
                let x = x.wrapping_add(v * S::WIDTH);
                // SAFETY: as above.
                unsafe {
                    let before = match (mode, WHOLE) {
                        (Mode::Store, _) => simd.splat(-0.0),
                        (Mode::Add, true) => simd.load(x),
                        (Mode::Add, false) => simd.load_some(x, some),
                    };
                    let total = total(simd, before, sum, minus);
                    if WHOLE {
                        simd.store(total, x);
                    } else {
                        simd.store_some(total, x, some);
                    }
                }
            }
            x = x.wrapping_offset(x_row);
        }
    }
}

/// What lies some numbers further along the registers.
#[inline(always)]
fn along(at: At, by: usize) -> At {
    At { x: at.x.wrapping_add(by), y: at.y.wrapping_add(by), z: at.z }
}
