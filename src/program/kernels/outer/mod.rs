//! Outer products of rows, summed over lanes: the gradient of a matrix of numbers that all lanes share.
//!
//! There are two ways. [`along`]: every number of the gradient is a dot of two rows, its sum goes across a register at
//! the end. [`turned`]: the rows of y are turned, so that a register holds neighbouring numbers of the gradient and no
//! sum goes across one. The second is for few lanes, where the end would take longer than the dots.

mod along;
mod turned;

use std::ops::Range;

use super::Rows;
use super::isa::Isa;
use super::linear::Mode;
use super::rows::{check_window, place};
use super::vector::Simd;
use crate::op::Scalar as _;
use along::Along;
use turned::Turned;

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
    /// Some rows of y as they lie in a table, if they do.
    pub table: Option<Table<'a>>,
}

/// Rows that lie lane after lane: what one lane has of all of them are neighbours, as the numbers of an example are.
///
/// Lanes beyond the last line of the table have δ 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    /// The lines, one for each lane; the last has no more than the columns.
    pub numbers: &'a [f64],
    /// From line to line.
    pub step: usize,
    /// The row that the first number of a line belongs to.
    pub first: u32,
    /// How many there are.
    pub columns: u32,
}

impl Table<'_> {
    /// Where the rows y of an outer product lie in it, if it has them all.
    fn lines(self, outer: &Outer) -> Option<Lines> {
        let first = outer.y.checked_sub(self.first)?;
        let fits = outer.y_step == 1 && first + outer.shape[1] <= self.columns;
        let count = (self.numbers.len() + self.step).saturating_sub(self.columns as usize) / self.step;
        let start = self.numbers.as_ptr().wrapping_add(first as usize);
        fits.then_some(Lines { start, step: self.step, count })
    }
}

/// Adds the products of all pairs of rows, summed over lanes, to a block of the gradient, or stores them. A zero absorbs.
///
/// # Panics
/// When a row or a number of the gradient does not exist.
pub(crate) fn outer(isa: Isa, lanes: usize, outer: &Outer, factors: &Factors<'_>, gradient: &mut [f64], mode: Mode) {
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
    let task = Task {
        outer,
        delta: Walk { first: delta.row(outer.delta, 0), stride: stride(outer.delta_step) },
        y: Walk { first: y.row(outer.y, 0), stride: stride(outer.y_step) },
        lanes,
        table: factors.table.and_then(|table| table.lines(outer)),
        gradient,
    };
    match (lanes >= isa.run(along::FewestLanes), mode) {
        (true, Mode::Store) => isa.run(Along::<true>(task)),
        (true, Mode::Add) => isa.run(Along::<false>(task)),
        (false, Mode::Store) => isa.run(Turned::<true>(task)),
        (false, Mode::Add) => isa.run(Turned::<false>(task)),
    }
}

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

/// An outer product whose windows have been checked.
struct Task<'a> {
    outer: &'a Outer,
    delta: Walk,
    y: Walk,
    lanes: usize,
    table: Option<Lines>,
    gradient: &'a mut [f64],
}

/// Where y lies lane after lane.
#[derive(Clone, Copy)]
struct Lines {
    start: *const f64,
    step: usize,
    count: usize,
}

/// A block of the gradient.
#[derive(Clone, Copy)]
struct Part {
    m: usize,
    k: usize,
    /// How many of its columns count.
    columns: usize,
}

impl Task<'_> {
    /// Adds or stores the sums of `M` rows of a block, `N` registers of columns each.
    #[inline(always)]
    fn write<S: Simd, const M: usize, const N: usize, const STORE: bool>(
        &mut self,
        simd: S,
        part: Part,
        sums: [[S::Vector; N]; M],
    ) {
        let Outer { uniform, uniform_steps, .. } = *self.outer;
        let [m_step, k_step] = uniform_steps.map(|step| step as isize);
        let first = place(uniform, part.m, uniform_steps[0]);
        let mut row = self.gradient.as_mut_ptr().wrapping_add(first).wrapping_offset(k_step * part.k.cast_signed());
        let whole = k_step == 1 && part.columns == N * S::WIDTH;
        for sums in sums {
            if whole {
                for (v, sum) in sums.into_iter().enumerate() {
                    let to = row.wrapping_add(v * S::WIDTH);
                    // SAFETY: invariant 2 of the room: the window of the gradient was checked, and has these columns.
                    unsafe { simd.store(if STORE { sum } else { simd.add(simd.load(to), sum) }, to) };
                }
            } else {
                self.write_some::<S, N, STORE>(simd, row, part.columns, sums);
            }
            row = row.wrapping_offset(m_step);
        }
    }

    /// The same of the first `columns` sums of a row.
    #[inline(always)]
    fn write_some<S: Simd, const N: usize, const STORE: bool>(
        &self,
        simd: S,
        mut to: *mut f64,
        columns: usize,
        sums: [S::Vector; N],
    ) {
        let k_step = self.outer.uniform_steps[1] as isize;
        let mut numbers = [[0.0; 8]; N];
        for (numbers, sum) in numbers.iter_mut().zip(sums) {
            // SAFETY: a register has eight numbers at most.
            unsafe { simd.store(sum, numbers.as_mut_ptr()) };
        }
        for sum in numbers.iter().flat_map(|numbers| &numbers[..S::WIDTH]).take(columns) {
            // SAFETY: invariant 2 of the room: the window of the gradient was checked, and has these columns.
            unsafe { *to = if STORE { *sum } else { *to + sum } };
            to = to.wrapping_offset(k_step);
        }
    }

    /// The same of rows number by number, where a zero absorbs.
    #[cold]
    fn write_absorbing<const STORE: bool>(&mut self, part: Part, rows: usize, lanes: &Range<usize>) {
        let Outer { uniform, uniform_steps, .. } = *self.outer;
        for m in part.m..part.m + rows {
            for k in part.k..part.k + part.columns {
                // SAFETY: the windows were checked, and a row has `lanes`.
                let product = |lane| unsafe { self.delta.row(m, lane).read().chain(self.y.row(k, lane).read()) };
                let sum: f64 = lanes.clone().map(product).sum();
                let first = place(uniform, m, uniform_steps[0]);
                let to = &mut self.gradient[first.wrapping_add(place(0, k, uniform_steps[1]))];
                *to = if STORE { sum } else { *to + sum };
            }
        }
    }
}
