//! The kernels of a nest whose walks have been checked.

use super::super::Zero;
use super::super::isa::Kernel;
use super::super::linear::{Mode, has_nan};
use super::super::vector::Simd;
use super::{ALONG, Nest, OUTER, REDUCE, ROWS};

/// Places of the three factors in memory.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) x: *mut f64,
    pub(super) y: *const f64,
    pub(super) z: *const f64,
}

/// The steps of a loop for the three factors.
#[derive(Clone, Copy)]
pub(super) struct Stride {
    x: isize,
    y: isize,
    z: isize,
}

impl Stride {
    /// The steps of a loop of a nest.
    #[inline(always)]
    pub(super) fn new(nest: &Nest, l: usize) -> Self {
        Self { x: nest.x.steps[l] as isize, y: nest.y.steps[l] as isize, z: nest.z.steps[l] as isize }
    }
}

impl At {
    /// The place after some rounds of a loop.
    #[inline(always)]
    pub(super) fn after(self, stride: Stride, rounds: usize) -> Self {
        let rounds = rounds.cast_signed();
        Self {
            x: self.x.wrapping_offset(stride.x * rounds),
            y: self.y.wrapping_offset(stride.y * rounds),
            z: self.z.wrapping_offset(stride.z * rounds),
        }
    }
}

/// What [`contract`] works on; its walks have been checked. Kernels take it by reference: a copy made of bytes just written
/// would wait for them.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) nest: &'a Nest,
    pub(super) at: At,
    pub(super) mode: Mode,
    pub(super) minus: bool,
    pub(super) zero: Zero,
}

impl Task<'_> {
    /// Some numbers of some rows, one term after the other.
    #[cold]
    #[inline(never)]
    pub(super) fn some_plainly(&self, at: At, rows: usize, len: usize) {
        let work = Work::new(self);
        Work { at, counts: [1, rows, work.counts[REDUCE], len], ..work }.plainly();
    }
}

/// The same unpacked.
///
/// Everything is held by value: what is read through a reference would be read again after every write.
#[derive(Clone, Copy)]
pub(super) struct Work {
    pub(super) at: At,
    pub(super) counts: [usize; 4],
    pub(super) outer: Stride,
    pub(super) rows: Stride,
    pub(super) reduce: Stride,
    along: Stride,
    pub(super) mode: Mode,
    pub(super) minus: bool,
    zero: Zero,
}

/// Z goes along the registers.
pub(super) const VECTOR: u8 = 0;
/// Z is one number for all of them.
pub(super) const BROADCAST: u8 = 1;
/// Z goes along them, and all rows share it.
pub(super) const SHARED: u8 = 2;

impl Work {
    #[inline(always)]
    pub(super) fn new(task: &Task<'_>) -> Self {
        let Task { nest, at, mode, minus, zero } = *task;
        Self {
            at,
            counts: nest.counts.map(|count| count as usize),
            outer: Stride::new(nest, OUTER),
            rows: Stride::new(nest, ROWS),
            reduce: Stride::new(nest, REDUCE),
            along: Stride::new(nest, ALONG),
            mode,
            minus,
            zero,
        }
    }

    /// Calls `visit` with every round of the two outer loops, and how it writes: rounds of X that stand still add up.
    #[inline(always)]
    fn each_row(&self, mut visit: impl FnMut(At, Mode)) {
        let (outer, rows) = (self.outer, self.rows);
        for i in 0..self.counts[OUTER] {
            let mut at = self.at.after(outer, i);
            let mut mode = if i > 0 && outer.x == 0 { Mode::Add } else { self.mode };
            for _ in 0..self.counts[ROWS] {
                visit(at, mode);
                at = at.after(rows, 1);
                if rows.x == 0 {
                    mode = Mode::Add;
                }
            }
        }
    }

    /// Every term one after the other.
    pub(super) fn plainly(&self) {
        self.each_row(|at, mode| self.one_by_one(at, 0, self.counts[ALONG], mode));
    }

    /// `len` rounds along the registers, one term after the other; a zero absorbs where it is to.
    #[inline(never)]
    fn one_by_one(&self, at: At, done: usize, len: usize, mode: Mode) {
        let (along, reduce) = (self.along, self.reduce);
        let mut sum = -0.0;
        let mut at = at.after(along, done);
        for _ in 0..len {
            let mut term = at;
            for _ in 0..self.counts[REDUCE] {
                // SAFETY: the walks were checked, and these numbers lie on them.
                let (y, z) = unsafe { (term.y.read(), term.z.read()) };
                let absorbed = self.zero == Zero::Absorbs && (y == 0.0 || z == 0.0);
                sum += if absorbed { 0.0 } else { y * z };
                term = term.after(reduce, 1);
            }
            if along.x != 0 {
                // SAFETY: as above.
                unsafe { self.write(at.x, sum, mode) };
                sum = -0.0;
            }
            at = at.after(along, 1);
        }
        if along.x == 0 {
            // SAFETY: as above.
            unsafe { self.write(at.x, sum, mode) };
        }
    }

    /// Writes a sum.
    ///
    /// # Safety
    /// `x` is a number of the target.
    #[inline(always)]
    unsafe fn write(&self, x: *mut f64, sum: f64, mode: Mode) {
        let sum = if self.minus { -sum } else { sum };
        // SAFETY: as the caller promises.
        unsafe { *x = if mode == Mode::Add { *x + sum } else { sum } };
    }
}

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
        let mut sums = [simd.splat(-0.0); N];
        let (mut y, mut z) = self.factors(done);
        for _ in 0..self.terms {
            // SAFETY: the walks were checked, and these registers lie on them.
            unsafe {
                let one = if Z == BROADCAST { simd.splat(z.read()) } else { simd.splat(0.0) };
                for v in 0..N {
                    let z = if Z == BROADCAST { one } else { simd.load(z.add(v * S::WIDTH)) };
                    sums[v] = simd.mul_add(simd.load(y.add(v * S::WIDTH)), z, sums[v]);
                }
            }
            (y, z) = (y.wrapping_offset(self.y_step), z.wrapping_offset(self.z_step));
        }
        if self.zero == Zero::Absorbs && has_nan(simd, &sums) {
            return self.one_by_one(done, N * S::WIDTH);
        }
        self.finish(simd, done, &sums);
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
                simd.store(self.total(simd, before, sums[v]), x);
            }
        }
    }

    /// Up to one register of X.
    #[inline(always)]
    fn some<S: Simd>(&self, simd: S, done: usize, len: usize) {
        let mut sum = [simd.splat(-0.0)];
        let (mut y, mut z) = self.factors(done);
        for _ in 0..self.terms {
            // SAFETY: the walks were checked, and these numbers lie on them.
            unsafe {
                let z = if Z == BROADCAST { simd.splat(z.read()) } else { simd.load_some(z, len) };
                sum[0] = simd.mul_add(simd.load_some(y, len), z, sum[0]);
            }
            (y, z) = (y.wrapping_offset(self.y_step), z.wrapping_offset(self.z_step));
        }
        if self.zero == Zero::Absorbs && has_nan(simd, &sum) {
            return self.one_by_one(done, len);
        }
        // SAFETY: as above.
        unsafe {
            let x = self.at.x.wrapping_add(done);
            let before = if self.mode == Mode::Add { simd.load_some(x, len) } else { simd.splat(-0.0) };
            simd.store_some(self.total(simd, before, sum[0]), x, len);
        }
    }

    /// What is written where `before` stood, or −0 if that is forgotten.
    #[inline(always)]
    fn total<S: Simd>(&self, simd: S, before: S::Vector, sum: S::Vector) -> S::Vector {
        if self.minus { simd.sub(before, sum) } else { simd.add(before, sum) }
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
