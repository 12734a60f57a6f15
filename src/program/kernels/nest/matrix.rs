//! The kernel of a matrix times vectors: rows of Y are multiplied with a Z that they share, or each with its own.
//!
//! It keeps few numbers at hand beside the sums, so that these stay in registers.

use super::super::Zero;
use super::super::isa::Kernel;
use super::super::linear::Mode;
use super::super::vector::{Simd, load};
use super::run::{At, Stride, Task};
use super::{ALONG, OUTER, ROWS};

/// The longest rows that need no chains of their own, even if there are few.
pub(super) const SHORT: u32 = 32;

/// Dots of neighbouring numbers, none of which is written twice; `SHARED` says that all rows have the same Z.
pub(super) struct Matrix<'a, const SHARED: bool>(pub(super) &'a Task<'a>);

impl<const SHARED: bool> Kernel for Matrix<'_, SHARED> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Task { nest, mut at, .. } = *self.0;
        let outer = Stride::new(nest, OUTER);
        for _ in 0..nest.counts[OUTER] {
            self.some(simd, at, nest.counts[ROWS] as usize);
            at = at.after(outer, 1);
        }
    }
}

impl<const SHARED: bool> Matrix<'_, SHARED> {
    /// Some rows times the vector.
    #[inline(always)]
    pub(super) fn some<S: Simd>(&self, simd: S, mut row: At, mut left: usize) {
        let rows = Stride::new(self.0.nest, ROWS);
        while left >= 8 {
            self.rows::<S, 8>(simd, row);
            (row, left) = (row.after(rows, 8), left - 8);
        }
        match left {
            0 => {}
            1 => self.rows::<S, 1>(simd, row),
            2 => self.rows::<S, 2>(simd, row),
            3 => self.rows::<S, 3>(simd, row),
            4 => self.rows::<S, 4>(simd, row),
            5 => self.rows::<S, 5>(simd, row),
            6 => self.rows::<S, 6>(simd, row),
            _ => self.rows::<S, 7>(simd, row),
        }
    }

    /// `M` rows times the vector.
    #[inline(always)]
    fn rows<S: Simd, const M: usize>(&self, simd: S, at: At) {
        let Task { nest, mode, minus, zero, .. } = *self.0;
        let rows = Stride::new(nest, ROWS);
        let sums = dots::<S, M, SHARED>(simd, at, rows, nest.counts[ALONG] as usize);
        if zero == Zero::Absorbs && sums.iter().sum::<f64>().is_nan() {
            return self.0.some_plainly(at, M, nest.counts[ALONG] as usize);
        }
        let sign = if minus { -1.0 } else { 1.0 };
        let mut x = at.x;
        if rows.x == 1 {
            // SAFETY: the walk was checked, and these numbers lie on it.
            let x = unsafe { &mut *x.cast::<[f64; M]>() };
            if mode == Mode::Add {
                (0..M).for_each(|m| x[m] += sign * sums[m]);
            } else {
                (0..M).for_each(|m| x[m] = sign * sums[m]);
            }
            return;
        }
        for sum in sums {
            // SAFETY: as above.
            unsafe {
                let before = if mode == Mode::Add { x.read() } else { -0.0 };
                x.write(before + sign * sum);
            }
            x = x.wrapping_offset(rows.x);
        }
    }
}

/// The sums of the products of `M` rows with one that they share, or each with its own.
#[inline(always)]
fn dots<S: Simd, const M: usize, const SHARED: bool>(simd: S, at: At, rows: Stride, len: usize) -> [f64; M] {
    let mut sums = [simd.splat(-0.0); 8];
    let (mut y, mut z, mut left) = (at.y, at.z, len);
    while left >= S::WIDTH {
        // SAFETY: the walks were checked, and these registers lie on them.
        unsafe { add::<S, M, SHARED, true>(simd, [y, z], rows, left, &mut sums) };
        (y, z, left) = (y.wrapping_add(S::WIDTH), z.wrapping_add(S::WIDTH), left - S::WIDTH);
    }
    if left > 0 {
        // SAFETY: as above.
        unsafe { add::<S, M, SHARED, false>(simd, [y, z], rows, left, &mut sums) };
    }
    let all = simd.sums(sums);
    std::array::from_fn(|row| all[row])
}

/// Adds the products of one register of each row, or of the first `some` numbers of one.
///
/// # Safety
/// They lie on the walks.
#[inline(always)]
unsafe fn add<S: Simd, const M: usize, const SHARED: bool, const WHOLE: bool>(
    simd: S,
    [mut y, mut z]: [*const f64; 2],
    rows: Stride,
    some: usize,
    sums: &mut [S::Vector; 8],
) {
    // SAFETY: as the caller promises.
    unsafe {
        let shared = load::<S, WHOLE>(simd, z, some);
        for sum in &mut sums[..M] {
            let own = if SHARED { shared } else { load::<S, WHOLE>(simd, z, some) };
            *sum = simd.mul_add(load::<S, WHOLE>(simd, y, some), own, *sum);
            (y, z) = (y.wrapping_offset(rows.y), z.wrapping_offset(rows.z));
        }
    }
}
