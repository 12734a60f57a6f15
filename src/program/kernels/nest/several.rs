//! The kernel of a matrix times several vectors: eight rows of Y are turned once, and serve all vectors.
//!
//! A register then holds neighbouring numbers of X, and no sum goes across one.

use super::super::Zero;
use super::super::isa::Kernel;
use super::super::linear::{Mode, has_nan};
use super::super::room::Room;
use super::super::vector::Simd;
use super::matrix::Matrix;
use super::run::{At, Stride, Task, total};
use super::{ALONG, OUTER, ROWS};

/// The longest rows that are turned.
pub(super) const LONGEST: usize = 64;
/// How many rows are turned at once.
pub(super) const TURNED: usize = 8;

/// Dots of neighbouring numbers that are written side by side, none twice.
pub(super) struct Several<'a>(pub(super) &'a Task<'a>);

impl Kernel for Several<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Task { nest, at, .. } = *self.0;
        let (outer, rows) = (Stride::new(nest, OUTER), Stride::new(nest, ROWS));
        let vectors = nest.counts[OUTER] as usize;
        let mut room = Room::<{ TURNED * LONGEST }>::new();
        let turned = room.start();
        let (mut first, mut left) = (at, nest.counts[ROWS] as usize);
        while left >= TURNED {
            self.turn(simd, first, turned);
            let (mut at, mut left_vectors) = (first, vectors);
            while left_vectors > 0 {
                let done = match left_vectors {
                    8.. if S::REGISTERS >= 32 => self.vectors::<S, 8>(simd, at, turned),
                    7 if S::REGISTERS >= 32 => self.vectors::<S, 7>(simd, at, turned),
                    6 if S::REGISTERS >= 32 => self.vectors::<S, 6>(simd, at, turned),
                    5 if S::REGISTERS >= 32 => self.vectors::<S, 5>(simd, at, turned),
                    4.. => self.vectors::<S, 4>(simd, at, turned),
                    3 => self.vectors::<S, 3>(simd, at, turned),
                    2 => self.vectors::<S, 2>(simd, at, turned),
                    _ => self.vectors::<S, 1>(simd, at, turned),
                };
                (at, left_vectors) = (at.after(outer, done), left_vectors - done);
            }
            (first, left) = (first.after(rows, TURNED), left - TURNED);
        }
        for vector in 0..if left > 0 { vectors } else { 0 } {
            Matrix::<true>(self.0).some(simd, first.after(outer, vector), left);
        }
    }
}

impl Several<'_> {
    /// Writes the numbers of eight rows side by side.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, at: At, turned: *mut f64) {
        let (len, step) = (self.0.nest.counts[ALONG] as usize, self.0.nest.y.steps[ROWS] as isize);
        for k in (0..len).step_by(8) {
            let from = std::array::from_fn(|row| at.y.wrapping_offset(row.cast_signed() * step).wrapping_add(k));
            let to = std::array::from_fn(|column| turned.wrapping_add((k + column) * TURNED));
            // A whole square is worth code of its own.
            // SAFETY: the walks were checked, and there is room for the longest rows.
            unsafe {
                if len - k >= 8 {
                    simd.turn(&from, [TURNED, 8], &to);
                } else {
                    simd.turn(&from, [TURNED, len - k], &to);
                }
            }
        }
    }

    /// The dots of eight rows with `O` vectors; says how many these are.
    #[inline(always)]
    fn vectors<S: Simd, const O: usize>(&self, simd: S, at: At, turned: *const f64) -> usize {
        let Task { nest, mode, minus, zero, .. } = *self.0;
        let (x_step, z_step) = (nest.x.steps[OUTER] as isize, nest.z.steps[OUTER] as isize);
        let (len, registers) = (nest.counts[ALONG] as usize, TURNED / S::WIDTH);
        let z: [_; O] = std::array::from_fn(|o| at.z.wrapping_offset(o.cast_signed() * z_step));
        for v in 0..registers {
            let mut sums = [simd.splat(-0.0); O];
            for k in 0..len {
                // SAFETY: the walks were checked, and so many numbers were turned.
                unsafe {
                    let shared = simd.load(turned.add(k * TURNED + v * S::WIDTH));
                    for o in 0..O {
                        sums[o] = simd.mul_add(shared, simd.splat(z[o].add(k).read()), sums[o]);
                    }
                }
            }
            if zero == Zero::Absorbs && has_nan(simd, &sums) {
                let (outer, at) = (Stride::new(nest, OUTER), at.after(Stride::new(nest, ROWS), v * S::WIDTH));
                (0..O).for_each(|o| self.0.some_plainly(at.after(outer, o), S::WIDTH, len));
                continue;
            }
            for (o, sum) in sums.into_iter().enumerate() {
                let x = at.x.wrapping_offset(o.cast_signed() * x_step).wrapping_add(v * S::WIDTH);
                // SAFETY: as above; numbers of X are neighbours.
                unsafe {
                    let before = if mode == Mode::Add { simd.load(x) } else { simd.splat(-0.0) };
                    simd.store(total(simd, before, sum, minus), x);
                }
            }
        }
        O
    }
}
