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

/// Calls `add` with the number and the sum of every row, one after the other.
///
/// # Panics
/// When there is no kernel for so many lanes, or the numbers are not whole rows.
pub(crate) fn lane_sums(isa: Isa, lanes: usize, rows: &[f64], add: impl FnMut(u32, f64)) {
    check_lanes(lanes);
    assert!(rows.len().is_multiple_of(lanes), "{} numbers are no rows of {lanes}", rows.len());
    isa.run(LaneSums { lanes, rows, add });
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
        let mut gradient = Gradient { sign: self.sign, numbers: self.gradient };
        for eight in eights {
            // SAFETY: invariant 2 of the room: each is a row of as many lanes as `delta` has.
            gradient.add(eight, &unsafe { dots::<S, 8, 1>(simd, self.delta, rows(&self.y, eight)) });
        }
        // With fewer rows, several registers of each share the latency of the additions. Where their number is odd, one
        // comes twice, and its second sum is not used.
        // SAFETY: as above.
        unsafe {
            match rest.len() {
                0 => {}
                1..=2 => gradient.add(rest, &dots::<S, 2, 4>(simd, self.delta, rows(&self.y, rest))),
                3..=4 => gradient.add(rest, &dots::<S, 4, 2>(simd, self.delta, rows(&self.y, rest))),
                5..=6 => gradient.add(rest, &dots::<S, 6, 1>(simd, self.delta, rows(&self.y, rest))),
                _ => gradient.add(rest, &dots::<S, 8, 1>(simd, self.delta, rows(&self.y, rest))),
            }
        }
    }
}

/// The kernel of [`lane_sums`].
struct LaneSums<'a, F> {
    lanes: usize,
    rows: &'a [f64],
    add: F,
}

impl<F: FnMut(u32, f64)> Kernel for LaneSums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { lanes, rows, mut add } = self;
        let count = rows.len() / lanes;
        for (number, first) in (0..).step_by(8).zip((0..count).step_by(8)) {
            let own = (count - first).min(8);
            let row = |j: usize| rows[(first + j.min(own - 1)) * lanes..][..lanes].as_ptr();
            let eight: [*const f64; 8] = std::array::from_fn(row);
            let mut sums = [simd.splat(0.0); 8];
            for lane in (0..lanes).step_by(S::WIDTH) {
                for (sum, row) in sums.iter_mut().zip(eight) {
                    // SAFETY: invariant 2 of the room: each is a row of `lanes`, which fill registers.
                    *sum = simd.add(*sum, unsafe { simd.load(row.add(lane)) });
                }
            }
            (number..).zip(&simd.sums(sums)[..own]).for_each(|(m, &sum)| add(m, sum));
        }
    }
}

/// The rows of up to `N` pairs; the last stands in the place of further ones.
#[inline(always)]
fn rows<const N: usize>(y: &Rows<'_>, list: &[(u32, u32)]) -> [*const f64; N] {
    std::array::from_fn(|j| y.row(list[j.min(list.len() - 1)].1, 0))
}

/// Where sums go.
struct Gradient<'a> {
    sign: Sign,
    numbers: &'a mut [f64],
}

impl Gradient<'_> {
    #[inline(always)]
    fn add(&mut self, list: &[(u32, u32)], sums: &[f64; 8]) {
        for (&(uniform, _), &sum) in list.iter().zip(sums) {
            let slot = &mut self.numbers[uniform as usize];
            *slot = if self.sign == Sign::Plus { *slot + sum } else { *slot - sum };
        }
    }
}

/// The sums over lanes of δ times each of `N` rows, `U` registers of each at once.
///
/// # Safety
/// Each row has as many numbers as `delta`, a multiple of 8.
#[inline(always)]
unsafe fn dots<S: Simd, const N: usize, const U: usize>(simd: S, delta: &[f64], rows: [*const f64; N]) -> [f64; 8] {
    // SAFETY: as the caller promises.
    let sums = unsafe { dots_with::<S, N, U, false>(simd, delta, rows) };
    if sums.iter().sum::<f64>().is_nan() {
        // SAFETY: as the caller promises.
        return unsafe { dots_with::<S, N, U, true>(simd, delta, rows) };
    }
    sums
}

/// # Safety
/// Each row has as many numbers as `delta`, a multiple of 8.
#[inline(always)]
unsafe fn dots_with<S: Simd, const N: usize, const U: usize, const ABSORB: bool>(
    simd: S,
    delta: &[f64],
    rows: [*const f64; N],
) -> [f64; 8] {
    let mut sums = [[simd.splat(0.0); N]; U];
    let mut lane = 0;
    while lane + U * S::WIDTH <= delta.len() {
        for u in 0..U {
            // SAFETY: so many lanes are in `delta`, hence in each row.
            unsafe { add_products::<S, N, ABSORB>(simd, delta, &rows, lane + u * S::WIDTH, &mut sums[u]) };
        }
        lane += U * S::WIDTH;
    }
    while lane < delta.len() {
        // SAFETY: as above, since `WIDTH` divides 8.
        unsafe { add_products::<S, N, ABSORB>(simd, delta, &rows, lane, &mut sums[0]) };
        lane += S::WIDTH;
    }
    let mut totals = [simd.splat(0.0); 8];
    for j in 0..N {
        totals[j] = sums[0][j];
        for u in 1..U {
            totals[j] = simd.add(totals[j], sums[u][j]);
        }
    }
    simd.sums(totals)
}

/// Adds the products of one register.
///
/// # Safety
/// `delta` and each row have `WIDTH` numbers from `lane` on.
#[inline(always)]
unsafe fn add_products<S: Simd, const N: usize, const ABSORB: bool>(
    simd: S,
    delta: &[f64],
    rows: &[*const f64; N],
    lane: usize,
    sums: &mut [S::Vector; N],
) {
    // SAFETY: as the caller promises.
    unsafe {
        let d = simd.load(delta.as_ptr().add(lane));
        for j in 0..N {
            sums[j] = product::<S, ABSORB, false>(simd, d, simd.load(rows[j].add(lane)), sums[j]);
        }
    }
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
        // SAFETY: so many numbers are in the row, whose lanes are a multiple of 8, as `WIDTH` divides 8.
        unsafe {
            while lane + 8 * S::WIDTH <= self.row.len() {
                for j in 0..8 {
                    sums[j] = simd.add(sums[j], simd.load(self.row.as_ptr().add(lane + j * S::WIDTH)));
                }
                lane += 8 * S::WIDTH;
            }
            for j in 0..8 {
                if lane < self.row.len() {
                    sums[j] = simd.add(sums[j], simd.load(self.row.as_ptr().add(lane)));
                    lane += S::WIDTH;
                }
            }
        }
        let s = simd.sums(sums);
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
    }
}
