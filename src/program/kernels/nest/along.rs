//! The kernels of rows of neighbouring numbers of X, each the sum of many products.

use super::super::Zero;
use super::super::isa::Kernel;
use super::super::linear::{Mode, has_nan};
use super::super::vector::{Simd, load};
use super::run::{At, BROADCAST, Stride, Task, Work, total};
use super::{ALONG, OUTER, REDUCE, ROWS};

/// The kernel of rows of neighbouring numbers of X.
pub(super) struct Along<'a, const Z: u8>(pub(super) &'a Task<'a>);

impl<const Z: u8> Kernel for Along<'_, Z> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let nest = self.0.nest;
        let (outer, rows) = (Stride::new(nest, OUTER), Stride::new(nest, ROWS));
        let (outer_count, row_count) = (nest.counts[OUTER], nest.counts[ROWS]);
        let mut first = Row::<Z>::new(self.0);
        for _ in 0..outer_count {
            let mut row = first;
            let mut left = row_count;
            // Rows side by side share the latency of their sums, and what they read.
            let worth_it = Z == BROADCAST && rows.x != 0 && row.count >= S::WIDTH && (row.terms >= 2 || rows.y == 0);
            while worth_it && left >= 4 {
                if rows.y == 0 {
                    row.four::<S, true>(simd, rows);
                } else {
                    row.four::<S, false>(simd, rows);
                }
                row.at = row.at.after(rows, 4);
                left -= 4;
            }
            for _ in 0..left {
                row.run(simd);
                row.at = row.at.after(rows, 1);
                if rows.x == 0 {
                    row.mode = Mode::Add;
                }
            }
            first.at = first.at.after(outer, 1);
            if outer.x == 0 {
                first.mode = Mode::Add;
            }
        }
    }
}

/// How many terms of a register are added at once, where there are fewer registers than that.
const CHAINS: usize = 4;

/// The kernel of one row.
#[derive(Clone, Copy)]
pub(super) struct Row<const Z: u8> {
    at: At,
    count: usize,
    terms: usize,
    y_step: isize,
    z_step: isize,
    mode: Mode,
    minus: bool,
    zero: Zero,
}

impl<const Z: u8> Kernel for Row<Z> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut done = 0;
        while self.count - done >= 8 * S::WIDTH {
            self.block::<S, 8>(simd, done);
            done += 8 * S::WIDTH;
        }
        while self.count - done >= 2 * S::WIDTH {
            self.block::<S, 2>(simd, done);
            done += 2 * S::WIDTH;
        }
        if self.count - done >= S::WIDTH {
            self.block::<S, 1>(simd, done);
            done += S::WIDTH;
        }
        if done < self.count {
            self.some::<S>(simd, done, self.count - done);
        }
    }
}

impl<const Z: u8> Row<Z> {
    #[inline(always)]
    pub(super) fn new(&Task { nest, at, mode, minus, zero }: &Task<'_>) -> Self {
        Self {
            at,
            count: nest.counts[ALONG] as usize,
            terms: nest.counts[REDUCE] as usize,
            y_step: nest.y.steps[REDUCE] as isize,
            z_step: nest.z.steps[REDUCE] as isize,
            mode,
            minus,
            zero,
        }
    }

    /// Where Y and Z begin for the registers from `done` on.
    #[inline(always)]
    fn factors(&self, done: usize) -> (*const f64, *const f64) {
        (self.at.y.wrapping_add(done), if Z == BROADCAST { self.at.z } else { self.at.z.wrapping_add(done) })
    }

    /// `N` whole registers of X.
    #[inline(always)]
    fn block<S: Simd, const N: usize>(&self, simd: S, done: usize) {
        let sums = self.sums::<S, N, true>(simd, done, N * S::WIDTH);
        if self.zero == Zero::Absorbs && has_nan(simd, &sums) {
            return self.one_by_one(done, N * S::WIDTH);
        }
        self.finish(simd, done, &sums);
    }

    /// The sums of `N` registers, or of up to one if they are not `WHOLE`.
    #[inline(always)]
    fn sums<S: Simd, const N: usize, const WHOLE: bool>(&self, simd: S, done: usize, len: usize) -> [S::Vector; N] {
        let mut sums = [[simd.splat(-0.0); N]; CHAINS];
        let (mut y, mut z) = self.factors(done);
        let mut left = self.terms;
        // Where there are few registers, several terms of each at once share the latency of additions.
        while N < CHAINS && left >= CHAINS {
            for sums in &mut sums {
                // SAFETY: the walks were checked, and these registers lie on them.
                unsafe { Self::add::<S, N, WHOLE>(simd, y, z, len, sums) };
                (y, z) = (y.wrapping_offset(self.y_step), z.wrapping_offset(self.z_step));
            }
            left -= CHAINS;
        }
        for _ in 0..left {
            // SAFETY: as above.
            unsafe { Self::add::<S, N, WHOLE>(simd, y, z, len, &mut sums[0]) };
            (y, z) = (y.wrapping_offset(self.y_step), z.wrapping_offset(self.z_step));
        }
        let [mut all, second, third, fourth] = sums;
        if N < CHAINS && self.terms >= CHAINS {
            for v in 0..N {
                all[v] = simd.add(simd.add(all[v], second[v]), simd.add(third[v], fourth[v]));
            }
        }
        all
    }

    /// Adds a term.
    ///
    /// # Safety
    /// Y points at `N` registers, or at `len` numbers of one if they are not `WHOLE`, and so does Z if it goes along.
    #[inline(always)]
    unsafe fn add<S: Simd, const N: usize, const WHOLE: bool>(
        simd: S,
        y: *const f64,
        z: *const f64,
        len: usize,
        sums: &mut [S::Vector; N],
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            let one = if Z == BROADCAST { simd.splat(z.read()) } else { simd.splat(0.0) };
            for (v, sum) in sums.iter_mut().enumerate() {
                let at = v * S::WIDTH;
                let factor = if Z == BROADCAST { one } else { load::<S, WHOLE>(simd, z.add(at), len) };
                *sum = simd.mul_add(load::<S, WHOLE>(simd, y.add(at), len), factor, *sum);
            }
        }
    }

    /// Four rows, of which this is the first; `SAME` says that Y is the same for all of them.
    #[inline(always)]
    fn four<S: Simd, const SAME: bool>(&self, simd: S, rows: Stride) {
        let mut done = 0;
        while self.count - done >= 2 * S::WIDTH {
            self.four_blocks::<S, 2, SAME>(simd, rows, done);
            done += 2 * S::WIDTH;
        }
        if self.count - done >= S::WIDTH {
            self.four_blocks::<S, 1, SAME>(simd, rows, done);
            done += S::WIDTH;
        }
        if done < self.count {
            for r in 0..4 {
                Self { at: self.at.after(rows, r), ..*self }.some::<S>(simd, done, self.count - done);
            }
        }
    }

    /// `N` whole registers of four rows, where Z is one number for all of them.
    #[inline(always)]
    fn four_blocks<S: Simd, const N: usize, const SAME: bool>(&self, simd: S, rows: Stride, done: usize) {
        let mut sums = [[simd.splat(-0.0); N]; 4];
        let (mut y, mut z) = self.factors(done);
        for _ in 0..self.terms {
            let mut same = [simd.splat(0.0); N];
            for (v, register) in same.iter_mut().enumerate() {
                if SAME {
                    // SAFETY: the walks were checked, and these registers lie on them.
                    *register = unsafe { simd.load(y.add(v * S::WIDTH)) };
                }
            }
            for (r, sums) in (0..).zip(&mut sums) {
                // SAFETY: as above.
                unsafe {
                    let z = simd.splat(z.wrapping_offset(r * rows.z).read());
                    let y = y.wrapping_offset(r * rows.y);
                    for v in 0..N {
                        let y = if SAME { same[v] } else { simd.load(y.add(v * S::WIDTH)) };
                        sums[v] = simd.mul_add(y, z, sums[v]);
                    }
                }
            }
            (y, z) = (y.wrapping_offset(self.y_step), z.wrapping_offset(self.z_step));
        }
        let mut totals = sums[0];
        for v in 0..N {
            totals[v] = simd.add(simd.add(sums[0][v], sums[1][v]), simd.add(sums[2][v], sums[3][v]));
        }
        let suspect = self.zero == Zero::Absorbs && has_nan(simd, &totals);
        for (r, sums) in sums.iter().enumerate() {
            let row = Self { at: self.at.after(rows, r), ..*self };
            if suspect && has_nan(simd, sums) {
                row.one_by_one(done, N * S::WIDTH);
            } else {
                row.finish(simd, done, sums);
            }
        }
    }

    /// Writes sums that are numbers.
    #[inline(always)]
    fn finish<S: Simd, const N: usize>(&self, simd: S, done: usize, sums: &[S::Vector; N]) {
        for v in 0..N {
            let x = self.at.x.wrapping_add(done + v * S::WIDTH);
            // SAFETY: the walks were checked, and these registers lie on them.
            unsafe {
                let before = if self.mode == Mode::Add { simd.load(x) } else { simd.splat(-0.0) };
                simd.store(total(simd, before, sums[v], self.minus), x);
            }
        }
    }

    /// Up to one register of X.
    #[inline(always)]
    fn some<S: Simd>(&self, simd: S, done: usize, len: usize) {
        let sum = self.sums::<S, 1, false>(simd, done, len);
        if self.zero == Zero::Absorbs && has_nan(simd, &sum) {
            return self.one_by_one(done, len);
        }
        // SAFETY: as above.
        unsafe {
            let x = self.at.x.wrapping_add(done);
            let before = if self.mode == Mode::Add { simd.load_some(x, len) } else { simd.splat(-0.0) };
            simd.store_some(total(simd, before, sum[0], self.minus), x, len);
        }
    }

    /// Some numbers, one term after the other, in which a zero absorbs.
    #[cold]
    #[inline(never)]
    fn one_by_one(self, done: usize, len: usize) {
        let along = Stride { x: 1, y: 1, z: isize::from(Z != BROADCAST) };
        let work = Work {
            at: self.at,
            counts: [1, 1, self.terms, len],
            outer: along,
            rows: along,
            reduce: Stride { x: 0, y: self.y_step, z: self.z_step },
            along,
            mode: self.mode,
            minus: self.minus,
            zero: self.zero,
        };
        work.one_by_one(self.at, done, len, self.mode);
    }
}
