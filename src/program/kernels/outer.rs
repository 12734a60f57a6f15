//! Outer products of rows, summed over lanes: the gradient of a matrix of numbers that all lanes share.
//!
//! The rows of y are turned, so that a register holds neighbouring numbers of the gradient and no sum runs across one.

use super::Rows;
use super::isa::{Isa, Kernel};
use super::linear::{has_nan, product};
use super::rows::{check_window, place};
use super::vector::Simd;

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
    isa.run(OuterProduct { outer, delta, y, lanes, gradient });
}

/// How many lanes are turned at once.
const TURNED: usize = 64;
/// How many numbers of the gradient lie side by side in a block, at most: two of the widest registers.
const WIDEST: usize = 16;

/// The kernel of [`outer`]; its windows have been checked.
struct OuterProduct<'a> {
    outer: &'a Outer,
    delta: Rows<'a>,
    y: Rows<'a>,
    lanes: usize,
    gradient: &'a mut [f64],
}

impl Kernel for OuterProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let [height, width] = self.outer.shape.map(|count| count as usize);
        let mut turned = [0.0; TURNED * WIDEST];
        for first_lane in (0..self.lanes).step_by(TURNED) {
            let lanes = (self.lanes - first_lane).min(TURNED);
            for k in (0..width).step_by(2 * S::WIDTH) {
                let columns = (width - k).min(2 * S::WIDTH);
                self.turn(simd, k, columns, first_lane, &mut turned[..lanes * 2 * S::WIDTH]);
                let mut m = 0;
                while m < height {
                    let part = Part { m, k, columns, first_lane };
                    let turned = &turned[..lanes * 2 * S::WIDTH];
                    m += match (S::REGISTERS, height - m) {
                        (32.., 8..) => self.rows::<S, 8>(simd, part, turned),
                        (_, 4..) => self.rows::<S, 4>(simd, part, turned),
                        (_, 2..) => self.rows::<S, 2>(simd, part, turned),
                        _ => self.rows::<S, 1>(simd, part, turned),
                    }
                }
            }
        }
    }
}

/// Where a block of the product begins, and how many of its columns count.
#[derive(Clone, Copy)]
struct Part {
    m: usize,
    k: usize,
    columns: usize,
    first_lane: usize,
}

impl OuterProduct<'_> {
    /// Writes some lanes of neighbouring rows of y side by side, lane after lane; zeros beyond the last.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, k: usize, columns: usize, first_lane: usize, turned: &mut [f64]) {
        let lanes = self.lanes.min(first_lane + TURNED) - first_lane;
        let width = turned.len() / lanes;
        let row = |column: usize| row_at(self.outer.y, k + column, self.outer.y_step);
        if width.is_multiple_of(8) {
            let (start, mut from) = (turned.as_mut_ptr(), [self.y.row(row(0), first_lane); 8]);
            for first in (0..width).step_by(8) {
                let rows = columns.saturating_sub(first).min(8);
                for lane in (0..lanes).step_by(8) {
                    for (l, from) in from.iter_mut().enumerate().take(rows) {
                        *from = self.y.row(row(first + l), first_lane + lane);
                    }
                    let to = std::array::from_fn(|l| start.wrapping_add((lane + l) * width + first));
                    // SAFETY: invariant 2 of the room: a row has eight lanes more, and as many were made room for.
                    unsafe { simd.turn(&from, [rows, 8], &to) };
                }
            }
            return;
        }
        for column in 0..width {
            let to = turned[column..].iter_mut().step_by(width);
            if column < columns {
                let from = self.y.slice(row(column));
                to.zip(&from[first_lane..]).for_each(|(to, from)| *to = *from);
            } else {
                to.for_each(|to| *to = 0.0);
            }
        }
    }

    /// Adds `M` rows of a block to the gradient, and says how many these are.
    #[inline(always)]
    fn rows<S: Simd, const M: usize>(&mut self, simd: S, part: Part, turned: &[f64]) -> usize {
        let mut sums = self.sums::<S, M, false>(simd, part, turned);
        let mut totals = sums[0];
        for row in &sums[1..] {
            totals = [simd.add(totals[0], row[0]), simd.add(totals[1], row[1])];
        }
        if has_nan(simd, &totals) {
            sums = self.sums::<S, M, true>(simd, part, turned);
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
    fn sums<S: Simd, const M: usize, const ABSORB: bool>(
        &self,
        simd: S,
        part: Part,
        turned: &[f64],
    ) -> [[S::Vector; 2]; M] {
        let mut delta = [std::ptr::null(); M];
        for (m, pointer) in delta.iter_mut().enumerate() {
            *pointer = self.delta.row(row_at(self.outer.delta, part.m + m, self.outer.delta_step), part.first_lane);
        }
        let mut sums = [[simd.splat(0.0); 2]; M];
        for (lane, y) in turned.chunks_exact(2 * S::WIDTH).enumerate() {
            // SAFETY: a chunk has two registers, and each row of δ has as many lanes as were turned from the first on.
            unsafe {
                let y = [simd.load(y.as_ptr()), simd.load(y.as_ptr().add(S::WIDTH))];
                for m in 0..M {
                    let delta = simd.splat(delta[m].add(lane).read());
                    for v in 0..2 {
                        sums[m][v] = product::<S, ABSORB, false>(simd, delta, y[v], sums[m][v]);
                    }
                }
            }
        }
        sums
    }
}

/// The row `first + index * step`, of a window that was checked.
#[inline(always)]
fn row_at(first: u32, index: usize, step: i32) -> u32 {
    place(first, index, step).try_into().unwrap_or(u32::MAX)
}
