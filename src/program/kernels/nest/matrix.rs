//! The kernel of a matrix times vectors: rows of Y are multiplied with a Z that they share.
//!
//! It keeps few numbers at hand beside the sums, so that these stay in registers.

use super::super::Zero;
use super::super::isa::Kernel;
use super::super::linear::Mode;
use super::super::vector::Simd;
use super::run::{At, Stride, Task};
use super::{ALONG, OUTER, ROWS};

/// Dots of neighbouring numbers, none of which is written twice.
pub(super) struct Matrix<'a>(pub(super) &'a Task<'a>);

impl Kernel for Matrix<'_> {
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

impl Matrix<'_> {
    /// Some rows times the vector.
    #[inline(always)]
    pub(super) fn some<S: Simd>(&self, simd: S, mut row: At, mut left: usize) {
        let rows = Stride::new(self.0.nest, ROWS);
        while left >= 8 {
            self.rows::<S, 8>(simd, row);
            (row, left) = (row.after(rows, 8), left - 8);
        }
        if left >= 4 {
            self.rows::<S, 4>(simd, row);
            (row, left) = (row.after(rows, 4), left - 4);
        }
        for _ in 0..left {
            self.rows::<S, 1>(simd, row);
            row = row.after(rows, 1);
        }
    }

    /// `M` rows times the vector.
    #[inline(always)]
    fn rows<S: Simd, const M: usize>(&self, simd: S, at: At) {
        let Task { nest, mode, minus, zero, .. } = *self.0;
        let (x_step, y_step) = (nest.x.steps[ROWS] as isize, nest.y.steps[ROWS] as isize);
        let sums = dots::<S, M>(simd, at, y_step, nest.counts[ALONG] as usize);
        if zero == Zero::Absorbs && sums.iter().sum::<f64>().is_nan() {
            return self.0.some_plainly(at, M, nest.counts[ALONG] as usize);
        }
        let sign = if minus { -1.0 } else { 1.0 };
        let mut x = at.x;
        if x_step == 1 {
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
            x = x.wrapping_offset(x_step);
        }
    }
}

/// The sums of the products of `M` rows with one.
#[inline(always)]
fn dots<S: Simd, const M: usize>(simd: S, at: At, y_step: isize, len: usize) -> [f64; M] {
    let mut sums = [simd.splat(-0.0); 8];
    let (mut y, mut z, mut left) = (at.y, at.z, len);
    while left >= S::WIDTH {
        // SAFETY: the walks were checked, and these registers lie on them.
        unsafe {
            let shared = simd.load(z);
            let mut row = y;
            for sum in &mut sums[..M] {
                *sum = simd.mul_add(simd.load(row), shared, *sum);
                row = row.wrapping_offset(y_step);
            }
        }
        (y, z, left) = (y.wrapping_add(S::WIDTH), z.wrapping_add(S::WIDTH), left - S::WIDTH);
    }
    if left > 0 {
        // SAFETY: as above.
        unsafe {
            let shared = simd.load_some(z, left);
            for sum in &mut sums[..M] {
                *sum = simd.mul_add(simd.load_some(y, left), shared, *sum);
                y = y.wrapping_offset(y_step);
            }
        }
    }
    let all = simd.sums(sums);
    std::array::from_fn(|row| all[row])
}
