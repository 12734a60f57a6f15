//! The kernel of dots: the terms of one number of X lie along the registers.

use super::super::Zero;
use super::super::isa::Kernel;
use super::super::linear::Mode;
use super::super::vector::Simd;
use super::run::{At, BROADCAST, SHARED, Task, Work};
use super::{ALONG, OUTER, REDUCE, ROWS};

/// The kernel of terms of one number of X.
pub(super) struct Dots<'a, const Z: u8>(pub(super) &'a Task<'a>);

/// The same unpacked.
struct DotRows<const Z: u8>(Work);

impl<const Z: u8> Kernel for Dots<'_, Z> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        DotRows::<Z>(Work::new(self.0)).run(simd);
    }
}

impl<const Z: u8> DotRows<Z> {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S) {
        let (outer, rows) = (self.0.outer, self.0.counts[ROWS]);
        let stride = self.0.rows;
        for i in 0..self.0.counts[OUTER] {
            let first = self.0.at.after(outer, i);
            let mode = if i > 0 && outer.x == 0 { Mode::Add } else { self.0.mode };
            let mut row = 0;
            while rows - row > 2 {
                let count = (rows - row).min(8);
                let at = first.after(stride, row);
                let sums =
                    if count == 8 { self.dots::<S, true>(simd, at, 8) } else { self.dots::<S, false>(simd, at, count) };
                if count == 8 && stride.x == 1 && !(self.0.zero == Zero::Absorbs && sums.iter().sum::<f64>().is_nan()) {
                    // SAFETY: the walk was checked, and these eight numbers lie on it.
                    unsafe { self.write_eight(at.x, &sums, mode) };
                    row += count;
                    continue;
                }
                for (r, &sum) in sums[..count].iter().enumerate() {
                    self.finish(at.after(stride, r), sum, if row + r > 0 && stride.x == 0 { Mode::Add } else { mode });
                }
                row += count;
            }
            while row < rows {
                let at = first.after(stride, row);
                self.finish(at, self.one_dot(simd, at), if row > 0 && stride.x == 0 { Mode::Add } else { mode });
                row += 1;
            }
        }
    }
}

impl<const Z: u8> DotRows<Z> {
    /// Writes eight neighbouring sums.
    ///
    /// # Safety
    /// `x` points at eight numbers of the target.
    #[inline(always)]
    unsafe fn write_eight(&self, x: *mut f64, sums: &[f64; 8], mode: Mode) {
        // SAFETY: as the caller promises.
        let x = unsafe { &mut *x.cast::<[f64; 8]>() };
        let before = if mode == Mode::Add { *x } else { [-0.0; 8] };
        for j in 0..8 {
            x[j] = if self.0.minus { before[j] - sums[j] } else { before[j] + sums[j] };
        }
    }

    #[inline(always)]
    fn finish(&self, at: At, sum: f64, mode: Mode) {
        if self.0.zero == Zero::Absorbs && sum.is_nan() {
            self.0.one_by_one(at, 0, self.0.counts[ALONG], mode);
        } else {
            // SAFETY: the walk was checked, and this number lies on it.
            unsafe { self.0.write(at.x, sum, mode) };
        }
    }

    /// Up to eight dots; the last stands for those beyond `count`.
    #[inline(always)]
    fn dots<S: Simd, const ALL: bool>(&self, simd: S, at: At, count: usize) -> [f64; 8] {
        let len = self.0.counts[ALONG];
        let (rows, reduce) = (self.0.rows, self.0.reduce);
        let mut sums = [simd.splat(-0.0); 8];
        for k in 0..self.0.counts[REDUCE] {
            let first = at.after(reduce, k);
            let mut row = [first; 8];
            for j in 1..8 {
                row[j] = first.after(rows, if ALL { j } else { j.min(count - 1) });
            }
            let mut done = 0;
            while len - done >= S::WIDTH {
                // SAFETY: the walks were checked, and these registers lie on them.
                unsafe {
                    let shared = if Z == SHARED { simd.load(first.z.add(done)) } else { simd.splat(0.0) };
                    for j in 0..8 {
                        let z = match Z {
                            SHARED => shared,
                            BROADCAST => simd.splat(row[j].z.read()),
                            _ => simd.load(row[j].z.add(done)),
                        };
                        sums[j] = simd.mul_add(simd.load(row[j].y.add(done)), z, sums[j]);
                    }
                }
                done += S::WIDTH;
            }
            if done < len {
                let some = len - done;
                // SAFETY: as above.
                unsafe {
                    let shared = if Z == SHARED { simd.load_some(first.z.add(done), some) } else { simd.splat(0.0) };
                    for j in 0..8 {
                        let z = match Z {
                            SHARED => shared,
                            BROADCAST => simd.splat(row[j].z.read()),
                            _ => simd.load_some(row[j].z.add(done), some),
                        };
                        sums[j] = simd.mul_add(simd.load_some(row[j].y.add(done), some), z, sums[j]);
                    }
                }
            }
        }
        simd.sums(sums)
    }

    /// One dot, in eight chains.
    #[inline(always)]
    fn one_dot<S: Simd>(&self, simd: S, at: At) -> f64 {
        let (len, reduce) = (self.0.counts[ALONG], self.0.reduce);
        let mut sums = [simd.splat(-0.0); 8];
        for k in 0..self.0.counts[REDUCE] {
            let at = at.after(reduce, k);
            let z_of = |done: usize, some: usize| {
                // SAFETY: the walks were checked, and these numbers lie on them.
                unsafe { if Z == BROADCAST { simd.splat(at.z.read()) } else { simd.load_some(at.z.add(done), some) } }
            };
            let mut done = 0;
            while len - done >= 8 * S::WIDTH {
                for (v, sum) in sums.iter_mut().enumerate() {
                    let place = done + v * S::WIDTH;
                    // SAFETY: as above.
                    let y = unsafe { simd.load(at.y.add(place)) };
                    *sum = simd.mul_add(y, z_of(place, S::WIDTH), *sum);
                }
                done += 8 * S::WIDTH;
            }
            let mut chain = 0;
            while done < len {
                let some = (len - done).min(S::WIDTH);
                // SAFETY: as above.
                let y = unsafe { simd.load_some(at.y.add(done), some) };
                sums[chain] = simd.mul_add(y, z_of(done, some), sums[chain]);
                (chain, done) = (chain + 1, done + some);
            }
        }
        let s = simd.sums(sums);
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
    }
}
