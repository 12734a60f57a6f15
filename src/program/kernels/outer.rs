//! Outer products of rows, summed over lanes: the gradient of a matrix of numbers that all lanes share.
//!
//! The rows of y are turned, so that a register holds neighbouring numbers of the gradient and no sum runs across one.

use std::mem::MaybeUninit;

use super::Rows;
use super::isa::{Isa, Kernel};
use super::linear::has_nan;
use super::rows::{check_window, place};
use super::vector::Simd;
use crate::op::Scalar as _;

/// A block of the gradient: `gradient[m][k]` += Σ over lanes of δ row m · y row k.
///
/// The number of the gradient lies at `uniform + m * uniform_steps[0] + k * uniform_steps[1]`, the rows go on by steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outer {
    /// How many rows of δ and of y there are.
    pub shape: [u32; 2],
    /// The first number of the gradient.
    pub uniform: u32,
    /// The steps to the next m and to the next k.
    pub uniform_steps: [i32; 2],
    /// The first row of δ.
    pub delta: u32,
    /// The step to the next one.
    pub delta_step: i32,
    /// The first row of y.
    pub y: u32,
    /// The step to the next one.
    pub y_step: i32,
}

/// The rows that an outer product reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors<'a> {
    /// The rows of δ.
    pub delta: &'a [f64],
    /// The number of the first one.
    pub delta_first: u32,
    /// The rows of y.
    pub y: &'a [f64],
    /// The number of the first one.
    pub y_first: u32,
}

/// Adds the products of all pairs of rows, summed over lanes, to a block of the gradient. A zero absorbs.
///
/// # Panics
/// When a row or a number of the gradient does not exist.
pub(crate) fn outer(isa: Isa, lanes: usize, outer: &Outer, factors: &Factors<'_>, gradient: &mut [f64]) {
    let delta = Rows::new(factors.delta, lanes, factors.delta_first);
    let y = Rows::new(factors.y, lanes, factors.y_first);
    let [m, k] = outer.shape.map(|count| count as usize);
    if m == 0 || k == 0 {
        return;
    }
    check_window(outer.uniform, [m, k], outer.uniform_steps, 0, gradient.len());
    check_window(outer.delta, [m, 1], [outer.delta_step, 0], factors.delta_first, delta.count());
    check_window(outer.y, [k, 1], [outer.y_step, 0], factors.y_first, y.count());
    let stride = |step: i32| step as isize * lanes.cast_signed();
    isa.run(OuterProduct {
        outer,
        delta: Walk { first: delta.row(outer.delta, 0), stride: stride(outer.delta_step) },
        y: Walk { first: y.row(outer.y, 0), stride: stride(outer.y_step) },
        lanes,
        gradient,
    });
}

/// How many lanes are turned at once.
const TURNED: usize = 64;
/// How many numbers of the gradient lie side by side in a block, at most: two of the widest registers.
const WIDEST: usize = 16;

/// Rows that go on by a constant step, in a window that was checked.
#[derive(Clone, Copy)]
struct Walk {
    first: *const f64,
    stride: isize,
}

impl Walk {
    /// Points at a lane of a row.
    #[inline(always)]
    fn row(self, index: usize, lane: usize) -> *const f64 {
        self.first.wrapping_offset(self.stride * index.cast_signed()).wrapping_add(lane)
    }
}

/// The kernel of [`outer`]; its windows have been checked.
struct OuterProduct<'a> {
    outer: &'a Outer,
    delta: Walk,
    y: Walk,
    lanes: usize,
    gradient: &'a mut [f64],
}

/// A block of the gradient, and the lanes that are added to it.
#[derive(Clone, Copy)]
struct Part {
    m: usize,
    k: usize,
    /// How many of its columns count.
    columns: usize,
    first_lane: usize,
    lanes: usize,
    /// Numbers of y side by side, lane after lane; zeros beyond the last column.
    turned: *const f64,
}

impl Kernel for OuterProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let [height, width] = self.outer.shape.map(|count| count as usize);
        let mut room = MaybeUninit::<[f64; TURNED * WIDEST]>::uninit();
        let turned = room.as_mut_ptr().cast::<f64>();
        for first_lane in (0..self.lanes).step_by(TURNED) {
            let lanes = (self.lanes - first_lane).min(TURNED);
            for k in (0..width).step_by(2 * S::WIDTH) {
                let columns = (width - k).min(2 * S::WIDTH);
                let mut part = Part { m: 0, k, columns, first_lane, lanes, turned };
                // SAFETY: there is room for as many lanes of two registers.
                unsafe { self.turn(simd, part, turned) };
                while part.m < height {
                    part.m += match (S::REGISTERS, height - part.m) {
                        (32.., 8..) => self.rows::<S, 8>(simd, part),
                        (_, 6 | 7 | 9..) => self.rows::<S, 6>(simd, part),
                        (_, 4..) => self.rows::<S, 4>(simd, part),
                        (_, 2..) => self.rows::<S, 2>(simd, part),
                        _ => self.rows::<S, 1>(simd, part),
                    }
                }
            }
        }
    }
}

impl OuterProduct<'_> {
    /// Writes some lanes of neighbouring rows of y side by side, lane after lane; zeros beyond the last.
    ///
    /// # Safety
    /// There is room for as many lanes of two registers.
    #[inline(always)]
    unsafe fn turn<S: Simd>(&self, simd: S, part: Part, turned: *mut f64) {
        let Part { k, columns, first_lane, lanes, .. } = part;
        let width = 2 * S::WIDTH;
        if width.is_multiple_of(8) {
            for first in (0..width).step_by(8) {
                let rows = columns.saturating_sub(first).min(8);
                for lane in (0..lanes).step_by(8) {
                    let from = std::array::from_fn(|l| self.y.row(k + (first + l).min(columns - 1), first_lane + lane));
                    let to = std::array::from_fn(|l| turned.wrapping_add((lane + l) * width + first));
                    // SAFETY: the rows have eight lanes more, and the caller vouches for the room.
                    unsafe { simd.turn(&from, [rows, 8], &to) };
                }
            }
            return;
        }
        for column in 0..width {
            for lane in 0..lanes {
                // SAFETY: as above.
                unsafe {
                    let number = if column < columns { self.y.row(k + column, first_lane + lane).read() } else { 0.0 };
                    turned.add(lane * width + column).write(number);
                }
            }
        }
    }

    /// Adds `M` rows of a block to the gradient, and says how many these are.
    #[inline(always)]
    fn rows<S: Simd, const M: usize>(&mut self, simd: S, part: Part) -> usize {
        let sums = self.sums::<S, M>(simd, part);
        let mut totals = sums[0];
        for row in &sums[1..] {
            totals = [simd.add(totals[0], row[0]), simd.add(totals[1], row[1])];
        }
        if has_nan(simd, &totals) {
            self.absorbing_rows(part, M, 2 * S::WIDTH);
            return M;
        }
        let Outer { uniform, uniform_steps, .. } = *self.outer;
        for (m, row) in (part.m..).zip(&sums) {
            let first = place(uniform, m, uniform_steps[0]);
            let at = |column: usize| first.wrapping_add(place(0, part.k + column, uniform_steps[1]));
            if uniform_steps[1] == 1 && part.columns == 2 * S::WIDTH {
                let gradient = self.gradient[at(0)..][..part.columns].as_mut_ptr();
                for (v, &sum) in row.iter().enumerate() {
                    // SAFETY: these are two registers of numbers.
                    unsafe {
                        let gradient = gradient.add(v * S::WIDTH);
                        simd.store(simd.add(simd.load(gradient), sum), gradient);
                    }
                }
                continue;
            }
            let mut numbers = [0.0; WIDEST];
            for (v, &vector) in row.iter().enumerate() {
                // SAFETY: two registers have at most `WIDEST` numbers.
                unsafe { simd.store(vector, numbers.as_mut_ptr().add(v * S::WIDTH)) };
            }
            for (column, sum) in numbers.iter().enumerate().take(part.columns) {
                self.gradient[at(column)] += sum;
            }
        }
        M
    }

    /// The sums over the turned lanes of `M` rows of δ times two registers of y.
    #[inline(always)]
    fn sums<S: Simd, const M: usize>(&self, simd: S, part: Part) -> [[S::Vector; 2]; M] {
        let delta: [_; M] = std::array::from_fn(|m| self.delta.row(part.m + m, part.first_lane));
        let mut sums = [[simd.splat(0.0); 2]; M];
        for lane in 0..part.lanes {
            // SAFETY: so many lanes were turned, and each row of δ has as many from the first on.
            unsafe {
                let y = part.turned.add(lane * 2 * S::WIDTH);
                let y = [simd.load(y), simd.load(y.add(S::WIDTH))];
                for m in 0..M {
                    let delta = simd.splat(delta[m].add(lane).read());
                    for v in 0..2 {
                        sums[m][v] = simd.mul_add(delta, y[v], sums[m][v]);
                    }
                }
            }
        }
        sums
    }

    /// Adds some rows of a block number by number, where a zero absorbs.
    #[cold]
    fn absorbing_rows(&mut self, part: Part, rows: usize, width: usize) {
        let Outer { uniform, uniform_steps, .. } = *self.outer;
        for m in part.m..part.m + rows {
            for column in 0..part.columns {
                let product = |lane: usize| {
                    // SAFETY: so many lanes were turned, and each row of δ has as many from the first on.
                    unsafe {
                        let delta = self.delta.row(m, part.first_lane + lane).read();
                        delta.chain(part.turned.add(lane * width + column).read())
                    }
                };
                let sum: f64 = (0..part.lanes).map(product).sum();
                let first = place(uniform, m, uniform_steps[0]);
                self.gradient[first.wrapping_add(place(0, part.k + column, uniform_steps[1]))] += sum;
            }
        }
    }
}
