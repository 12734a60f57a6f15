//! What the kernels of a nest work on, whose walks have been checked.

use super::super::Zero;
use super::super::linear::Mode;
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
    pub(super) x: isize,
    pub(super) y: isize,
    pub(super) z: isize,
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
    pub(super) along: Stride,
    pub(super) mode: Mode,
    pub(super) minus: bool,
    pub(super) zero: Zero,
}

/// What is written where `before` stood, or −0 if that is forgotten.
#[inline(always)]
pub(super) fn total<S: Simd>(simd: S, before: S::Vector, sum: S::Vector, minus: bool) -> S::Vector {
    if minus { simd.sub(before, sum) } else { simd.add(before, sum) }
}

/// Z goes along the registers.
pub(super) const VECTOR: u8 = 0;
/// Z is one number for all of them.
pub(super) const BROADCAST: u8 = 1;
/// Z goes along them, and all rows share it.
pub(super) const SHARED: u8 = 2;
/// Y and Z both are one number for all of them.
pub(super) const STILL: u8 = 3;

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
    pub(super) fn one_by_one(&self, at: At, done: usize, len: usize, mode: Mode) {
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
    pub(super) unsafe fn write(&self, x: *mut f64, sum: f64, mode: Mode) {
        let sum = if self.minus { -sum } else { sum };
        // SAFETY: as the caller promises.
        unsafe { *x = if mode == Mode::Add { *x + sum } else { sum } };
    }
}
