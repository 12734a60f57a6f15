//! What lanes add up to: the adjoints of numbers that are the same in every lane.
//!
//! The tree of every sum is fixed by the lanes and the instruction set.

use super::isa::{Isa, Kernel};
use super::linear::product;
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
        for block in self.row.chunks(8 * S::WIDTH) {
            // The row has a multiple of 8 numbers, and `WIDTH` divides 8.
            for (sum, numbers) in sums.iter_mut().zip(block.chunks_exact(S::WIDTH)) {
                // SAFETY: so many numbers are here.
                *sum = simd.add(*sum, unsafe { simd.load(numbers.as_ptr()) });
            }
        }
        let s = simd.sums(sums);
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
    }
}
