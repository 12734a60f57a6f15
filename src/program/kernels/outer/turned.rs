//! Outer products of turned rows.

use std::ops::Range;

use super::super::isa::Kernel;
use super::super::linear::has_nan;
use super::super::room::Room;
use super::super::vector::Simd;
use super::{Lines, Part, Task};

/// The most lanes.
const TURNED: usize = 64;
/// How many numbers of the gradient lie side by side in a block, at most: four of the widest registers.
const WIDEST: usize = 32;

/// The kernel: a register holds neighbouring numbers of the gradient.
pub(super) struct Turned<'a, const STORE: bool>(pub(super) Task<'a>);

/// Lanes that were turned.
#[derive(Clone, Copy)]
struct Lanes {
    first: usize,
    count: usize,
    /// Numbers of y side by side, lane after lane; zeros beyond the last column.
    turned: *const f64,
    /// From lane to lane.
    step: usize,
}

impl<const STORE: bool> Kernel for Turned<'_, STORE> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let width = self.0.outer.shape[1] as usize;
        let lanes = self.0.lanes;
        assert!(lanes <= TURNED, "more lanes are for dots");
        let mut room = Room::<{ TURNED * WIDEST }>::new();
        let room = room.start();
        let mut k = 0;
        while k < width {
            k += if S::REGISTERS >= 32 && width - k > 2 * S::WIDTH {
                self.columns::<S, 4>(simd, k, 0..lanes, room)
            } else {
                self.columns::<S, 2>(simd, k, 0..lanes, room)
            }
        }
    }
}

impl<const STORE: bool> Turned<'_, STORE> {
    /// Adds up to `N` registers of columns to the gradient, and says how many columns these are.
    #[inline(always)]
    fn columns<S: Simd, const N: usize>(&mut self, simd: S, k: usize, lanes: Range<usize>, room: *mut f64) -> usize {
        let [height, width] = self.0.outer.shape.map(|count| count as usize);
        let mut part = Part { m: 0, k, columns: (width - k).min(N * S::WIDTH) };
        let lanes = match self.0.table {
            Some(Lines { start, step, count }) if part.columns == N * S::WIDTH => Lanes {
                first: lanes.start,
                count: lanes.end.min(count).saturating_sub(lanes.start),
                turned: start.wrapping_add(lanes.start * step + k),
                step,
            },
            _ => {
                self.turn::<S, N>(simd, part, &lanes, room);
                Lanes { first: lanes.start, count: lanes.len(), turned: room, step: N * S::WIDTH }
            }
        };
        while part.m < height {
            part.m += match height - part.m {
                8.. if S::REGISTERS >= 32 && N == 2 => self.rows::<S, 8, N>(simd, part, lanes),
                6 | 7 | 9.. => self.rows::<S, 6, N>(simd, part, lanes),
                4.. => self.rows::<S, 4, N>(simd, part, lanes),
                2.. => self.rows::<S, 2, N>(simd, part, lanes),
                _ => self.rows::<S, 1, N>(simd, part, lanes),
            }
        }
        part.columns
    }

    /// Writes some lanes of neighbouring rows of y side by side.
    #[inline(always)]
    fn turn<S: Simd, const N: usize>(&self, simd: S, part: Part, lanes: &Range<usize>, room: *mut f64) {
        let width = N * S::WIDTH;
        let row = |column: usize, lane: usize| self.0.y.row(part.k + column, lanes.start + lane);
        if width.is_multiple_of(8) {
            for first in (0..width).step_by(8) {
                let rows = part.columns.saturating_sub(first).min(8);
                for lane in (0..lanes.len()).step_by(8) {
                    let from = std::array::from_fn(|l| row((first + l).min(part.columns - 1), lane));
                    let to = std::array::from_fn(|l| room.wrapping_add((lane + l) * width + first));
                    // SAFETY: the rows have eight lanes more, and there is room for as many of `N` registers.
                    unsafe { simd.turn(&from, [rows, 8], &to) };
                }
            }
            return;
        }
        for column in 0..width {
            for lane in 0..lanes.len() {
                // SAFETY: as above.
                unsafe {
                    let number = if column < part.columns { row(column, lane).read() } else { 0.0 };
                    room.add(lane * width + column).write(number);
                }
            }
        }
    }

    /// Adds `M` rows of a block to the gradient, and says how many these are.
    #[inline(always)]
    fn rows<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, part: Part, lanes: Lanes) -> usize {
        let sums = self.sums::<S, M, N>(simd, part, lanes);
        let mut totals = sums[0];
        for row in &sums[1..] {
            for v in 0..N {
                totals[v] = simd.add(totals[v], row[v]);
            }
        }
        if has_nan(simd, &totals) {
            self.0.write_absorbing::<STORE>(part, M, &(lanes.first..lanes.first + lanes.count));
        } else {
            self.0.write::<S, M, N, STORE>(simd, part, sums);
        }
        M
    }

    /// The sums over the turned lanes of `M` rows of δ times `N` registers of y.
    #[inline(always)]
    fn sums<S: Simd, const M: usize, const N: usize>(&self, simd: S, part: Part, lanes: Lanes) -> [[S::Vector; N]; M] {
        let delta: [_; M] = std::array::from_fn(|m| self.0.delta.row(part.m + m, lanes.first));
        let mut sums = [[simd.splat(0.0); N]; M];
        for lane in 0..lanes.count {
            // SAFETY: so many lanes were turned or lie in the table, and each row of δ has as many from the first on.
            unsafe {
                let y = lanes.turned.add(lane * lanes.step);
                let y: [_; N] = std::array::from_fn(|v| simd.load(y.add(v * S::WIDTH)));
                for m in 0..M {
                    let delta = simd.splat(delta[m].add(lane).read());
                    for v in 0..N {
                        sums[m][v] = simd.mul_add(delta, y[v], sums[m][v]);
                    }
                }
            }
        }
        sums
    }
}
