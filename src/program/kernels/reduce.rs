//! What lanes add up to: the adjoints of numbers that are the same in every lane.
//!
//! The tree of every sum is fixed by the lanes and the instruction set.

use super::isa::{Isa, Kernel};
use super::linear::product;
use super::rows::{check_window, place};
use super::vector::Simd;
use super::{Rows, check_lanes};

/// The sign of what is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It is added.
    Plus,
    /// It is subtracted.
    Minus,
}

/// Adds ± Σ over lanes of δ · y row to `gradient[uniform]`, for each pair (uniform, row) of a list.
///
/// `delta` is one row; the first row of `y` has the number `y_first`. A zero absorbs.
///
/// # Panics
/// When `delta` is not one row, or a row or a uniform number of the list does not exist.
pub(crate) fn lane_dots(
    isa: Isa,
    delta: &[f64],
    y: &[f64],
    y_first: u32,
    list: &[(u32, u32)],
    sign: Sign,
    gradient: &mut [f64],
) {
    check_lanes(delta.len());
    let y = Rows::new(y, delta.len(), y_first);
    isa.run(LaneDots { delta, y, list, sign, gradient });
}

/// The sum of a row over its lanes.
///
/// # Panics
/// When there is no kernel for so many lanes.
#[must_use]
pub(crate) fn lane_sum(isa: Isa, row: &[f64]) -> f64 {
    check_lanes(row.len());
    isa.run(LaneSum { row })
}

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
    isa.run(OuterProduct { outer, delta, y, gradient });
}

/// The kernel of [`lane_dots`].
struct LaneDots<'a> {
    delta: &'a [f64],
    y: Rows<'a>,
    list: &'a [(u32, u32)],
    sign: Sign,
    gradient: &'a mut [f64],
}

impl Kernel for LaneDots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (eights, rest) = self.list.as_chunks::<8>();
        for eight in eights {
            let mut rows = [self.delta.as_ptr(); 8];
            for (pointer, &(_, row)) in rows.iter_mut().zip(eight) {
                *pointer = self.y.row(row, 0);
            }
            // SAFETY: invariant 2 of the room: each is a row of as many lanes as `delta` has.
            let sums = unsafe { dots(simd, self.delta, rows) };
            add_signed(self.gradient, eight, &sums, self.sign);
        }
        if !rest.is_empty() {
            let mut rows = [self.delta.as_ptr(); 8];
            for (pointer, &(_, row)) in rows.iter_mut().zip(rest) {
                *pointer = self.y.row(row, 0);
            }
            // SAFETY: as above; the rows beyond the rest are `delta` itself, and their sums are not used.
            let sums = unsafe { dots(simd, self.delta, rows) };
            add_signed(self.gradient, rest, &sums, self.sign);
        }
    }
}

#[inline(always)]
fn add_signed(gradient: &mut [f64], list: &[(u32, u32)], sums: &[f64; 8], sign: Sign) {
    for (&(uniform, _), &sum) in list.iter().zip(sums) {
        let slot = &mut gradient[uniform as usize];
        *slot = if sign == Sign::Plus { *slot + sum } else { *slot - sum };
    }
}

/// The sums over lanes of δ times each of eight rows.
///
/// # Safety
/// Each row has as many numbers as `delta`, a multiple of 8.
#[inline(always)]
unsafe fn dots<S: Simd>(simd: S, delta: &[f64], rows: [*const f64; 8]) -> [f64; 8] {
    // SAFETY: as the caller promises.
    let sums = unsafe { dots_with::<S, false>(simd, delta, rows) };
    if sums.iter().sum::<f64>().is_nan() {
        // SAFETY: as the caller promises.
        return unsafe { dots_with::<S, true>(simd, delta, rows) };
    }
    sums
}

/// # Safety
/// Each row has as many numbers as `delta`, a multiple of 8.
#[inline(always)]
unsafe fn dots_with<S: Simd, const ABSORB: bool>(simd: S, delta: &[f64], rows: [*const f64; 8]) -> [f64; 8] {
    let mut sums = [simd.splat(0.0); 8];
    let mut lane = 0;
    while lane < delta.len() {
        // SAFETY: `lane` and `WIDTH - 1` more lie within `delta`, hence within each row.
        let d = unsafe { simd.load(delta.as_ptr().add(lane)) };
        for j in 0..8 {
            // SAFETY: as above.
            let y = unsafe { simd.load(rows[j].add(lane)) };
            sums[j] = product::<S, ABSORB, false>(simd, d, y, sums[j]);
        }
        lane += S::WIDTH;
    }
    simd.sums(sums)
}

/// The kernel of [`lane_sum`].
struct LaneSum<'a> {
    row: &'a [f64],
}

impl Kernel for LaneSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let mut sums = [simd.splat(0.0); 8];
        let mut lane = 0;
        while lane < self.row.len() {
            // SAFETY: the row has a multiple of 8 numbers, and `WIDTH` divides 8.
            let vector = unsafe { simd.load(self.row.as_ptr().add(lane)) };
            let chain = lane / S::WIDTH % 8;
            sums[chain] = simd.add(sums[chain], vector);
            lane += S::WIDTH;
        }
        let s = simd.sums(sums);
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
    }
}

/// The kernel of [`outer`]; its windows have been checked.
struct OuterProduct<'a> {
    outer: &'a Outer,
    delta: Rows<'a>,
    y: Rows<'a>,
    gradient: &'a mut [f64],
}

impl Kernel for OuterProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Outer { shape, uniform, uniform_steps, delta, delta_step, y, y_step } = *self.outer;
        let [height, width] = shape.map(|count| count as usize);
        for m in 0..height {
            let delta = self.delta.slice(row_at(delta, m, delta_step));
            for k in (0..width).step_by(8) {
                let count = (width - k).min(8);
                let mut rows = [delta.as_ptr(); 8];
                for j in 0..count {
                    rows[j] = self.y.row(row_at(y, k + j, y_step), 0);
                }
                // SAFETY: invariant 2 of the room: each is a row of as many lanes as `delta` has.
                let sums = unsafe { dots(simd, delta, rows) };
                for (j, &sum) in sums.iter().enumerate().take(count) {
                    let at = place(uniform, m, uniform_steps[0]).wrapping_add(place(0, k + j, uniform_steps[1]));
                    self.gradient[at] += sum;
                }
            }
        }
    }
}

/// The row `first + index * step`, of a window that was checked.
#[inline(always)]
fn row_at(first: u32, index: usize, step: i32) -> u32 {
    place(first, index, step).try_into().unwrap_or(u32::MAX)
}
