//! Outer products as dots of rows.

use super::super::isa::Kernel;
use super::super::linear::has_nan;
use super::super::vector::Simd;
use super::{Part, Task};

/// The kernel: a register holds lanes of one number of the gradient.
pub(super) struct Along<'a, const STORE: bool>(pub(super) Task<'a>);

/// From how many lanes on the dots take longer than the sums across registers.
pub(super) struct FewestLanes;

impl Kernel for FewestLanes {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        (4 * S::WIDTH * S::WIDTH).min(64)
    }
}

impl<const STORE: bool> Kernel for Along<'_, STORE> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let [height, width] = self.0.outer.shape.map(|count| count as usize);
        for k in (0..width).step_by(S::WIDTH) {
            let mut part = Part { m: 0, k, columns: (width - k).min(S::WIDTH) };
            while part.m < height {
                part.m += match height - part.m {
                    3 | 5.. => self.rows::<S, 3>(simd, part),
                    2 | 4 => self.rows::<S, 2>(simd, part),
                    _ => self.rows::<S, 1>(simd, part),
                }
            }
        }
    }
}

impl<const STORE: bool> Along<'_, STORE> {
    /// Adds `M` rows of a block to the gradient, and says how many these are.
    #[inline(always)]
    fn rows<S: Simd, const M: usize>(&mut self, simd: S, part: Part) -> usize {
        let sums = self.sums::<S, M>(simd, part);
        if has_nan(simd, &sums) {
            self.0.write_absorbing::<STORE>(part, M, &(0..self.0.lanes));
        } else {
            self.0.write::<S, M, 1, STORE>(simd, part, sums.map(|sum| [sum]));
        }
        M
    }

    /// The dots of `M` rows of δ with as many rows of y as a register has numbers.
    #[inline(always)]
    fn sums<S: Simd, const M: usize>(&self, simd: S, part: Part) -> [S::Vector; M] {
        let delta: [_; M] = std::array::from_fn(|m| self.0.delta.row(part.m + m, 0));
        let y: [_; 8] = std::array::from_fn(|k| self.0.y.row(part.k + k.min(part.columns - 1), 0));
        let mut sums = [[simd.splat(0.0); 8]; M];
        for lane in (0..self.0.lanes).step_by(S::WIDTH) {
            // SAFETY: each row has so many lanes.
            unsafe {
                let delta: [_; M] = std::array::from_fn(|m| simd.load(delta[m].add(lane)));
                for k in 0..S::WIDTH {
                    let y = simd.load(y[k].add(lane));
                    for m in 0..M {
                        sums[m][k] = simd.mul_add(delta[m], y, sums[m][k]);
                    }
                }
            }
        }
        std::array::from_fn(|m| simd.across(&sums[m]))
    }
}
