//! A line: the function that runs it, and where its numbers lie.

use super::Place;
use super::place::Base;
use crate::op::Op;

/// How a line is run.
///
/// # Safety
/// The processor has the instruction set for which it was made, and the places of the line lie in memory.
pub(in super::super) type Function = unsafe fn(&Line, &Memory);

/// One step: what to do, and where.
#[derive(Clone, Debug)]
pub(in super::super) struct Line {
    pub(super) function: Function,
    pub(super) count: u32,
    pub(super) firsts: [u32; PLACES],
    pub(super) bases: [Base; PLACES],
    /// A bit for each number, and that of [`START`], whose sign is turned, and [`ALL`]; of a map, a bit for each
    /// operand that is one number, and [`ALL`] if the adjoint that it adds to is one. [`FILLS`] for both.
    pub(super) bits: u8,
}

/// How many places a line has: that of the result is the first.
pub(super) const PLACES: usize = 8;
/// Where sums have the number that they begin with.
pub(super) const START: usize = 7;
/// The bit of sums whose products are subtracted.
pub(super) const ALL: usize = 6;
/// The bit of lines that fill the last register, and that of a second result.
pub(super) const FILLS: usize = 5;
pub(super) const FILLS_OTHER: usize = 4;
/// Where maps have the number of their operation.
pub(super) const OP: usize = 7;
/// Where maps have the number of their rows, as if it were a place.
const ROWS: usize = 6;

/// Where the slices of a run begin.
pub(in super::super) struct Memory {
    pub(super) at: *const *mut f64,
    /// How many numbers a row has.
    pub(super) lanes: usize,
    pub(super) ops: *const Op,
}

impl Line {
    pub(super) fn new(function: Function, count: u32, places: &[Place], last: Place, bits: u8) -> Self {
        let (mut firsts, mut bases) = ([0; PLACES], [Base::OWN; PLACES]);
        for (at, &Place { base, first }) in places.iter().enumerate().chain([(PLACES - 1, &last)]) {
            (firsts[at], bases[at]) = (first, base);
        }
        Self { function, count, firsts, bases, bits }
    }

    /// The same for a map of so many rows.
    pub(super) fn with_rows(mut self, rows: u32) -> Self {
        self.firsts[ROWS] = rows;
        self
    }

    /// How many rows a map has.
    #[inline(always)]
    pub(super) fn row_count(&self) -> usize {
        self.firsts[ROWS] as usize
    }

    /// Points at the rows of a place; `SINGLE` says that these are of one number each.
    ///
    /// # Safety
    /// The memory has them.
    #[inline(always)]
    pub(super) unsafe fn rows<const SINGLE: bool>(&self, place: usize, memory: &Memory) -> *mut f64 {
        let lanes = if SINGLE { 1 } else { memory.lanes };
        // SAFETY: as the caller promises.
        unsafe { self.base(place, memory).add(self.firsts[place] as usize * lanes) }
    }

    /// Where the slice of a place begins.
    ///
    /// # Safety
    /// The memory has it.
    #[inline(always)]
    pub(super) unsafe fn base(&self, place: usize, memory: &Memory) -> *mut f64 {
        // SAFETY: as the caller promises.
        unsafe { memory.at.add(usize::from(self.bases[place].0)).read() }
    }

    /// The number at a place.
    ///
    /// # Safety
    /// The memory has it.
    #[inline(always)]
    pub(super) unsafe fn number(&self, place: usize, memory: &Memory) -> f64 {
        // SAFETY: as the caller promises.
        unsafe { self.base(place, memory).add(self.firsts[place] as usize).read() }
    }

    /// The same, with its sign turned if that bit is set.
    ///
    /// # Safety
    /// The memory has it.
    #[inline(always)]
    pub(super) unsafe fn signed(&self, place: usize, bit: usize, memory: &Memory) -> f64 {
        let sign = u64::from(self.bits) << (63 - bit) & 1 << 63;
        // SAFETY: as the caller promises.
        f64::from_bits(unsafe { self.number(place, memory) }.to_bits() ^ sign)
    }

    /// Whether a bit is set.
    #[inline(always)]
    pub(super) fn has(&self, bit: usize) -> bool {
        self.bits >> bit & 1 == 1
    }

    /// How many numbers the line computes.
    #[inline(always)]
    pub(super) fn len<const SINGLE: bool>(&self, memory: &Memory) -> usize {
        if SINGLE { self.count as usize } else { self.count as usize * memory.lanes }
    }

    /// The operation of a line.
    ///
    /// # Safety
    /// The line is a map, and the memory is of its script.
    #[inline(always)]
    pub(super) unsafe fn op(&self, memory: &Memory) -> Op {
        // SAFETY: as the caller promises.
        unsafe { memory.ops.add(self.firsts[OP] as usize).read() }
    }
}
