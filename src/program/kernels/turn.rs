//! Columns of a table of numbers as rows of lanes, and back.

use std::mem::MaybeUninit;

use super::isa::{Isa, Kernel};
use super::vector::Simd;

/// Where the examples of a table begin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Starts<'a> {
    /// One after the other.
    Step {
        /// The first.
        first: usize,
        /// From one to the next.
        step: usize,
    },
    /// Anywhere.
    Places(&'a [u32]),
}

impl Starts<'_> {
    /// Checks that so many examples of so many columns lie within some numbers.
    ///
    /// # Panics
    /// When they do not.
    fn check(self, examples: usize, columns: usize, numbers: usize) {
        let last = match self {
            Self::Step { first, step } => (examples - 1).checked_mul(step).and_then(|by| by.checked_add(first)),
            Self::Places(places) => places[..examples].iter().max().map(|&last| last as usize),
        };
        let end = last.and_then(|last| last.checked_add(columns));
        assert!(end.is_some_and(|end| end <= numbers), "a table leaves its {numbers} numbers");
    }
}

/// Reads a table whose rows are examples into rows of lanes: lane l of row r is the number r of example l.
///
/// `to` holds whole rows; in each, as many lanes as `used` are written.
///
/// # Panics
/// When the table leaves the numbers, or the rows are not all of `to`.
pub(crate) fn turn(isa: Isa, from: &[f64], starts: Starts<'_>, used: usize, lanes: usize, to: &mut [f64]) {
    let Some(rows) = rows(to.len(), used, lanes) else { return };
    starts.check(used, rows, from.len());
    match starts {
        Starts::Step { first, step } => {
            isa.run(Turn { from, start: |example| first + example * step, used, lanes, rows, to });
        }
        Starts::Places(places) => isa.run(Turn { from, start: |example| at(places, example), used, lanes, rows, to }),
    }
}

/// Adds rows of lanes to a table whose rows are examples: the number r of example l gets lane l of row r.
///
/// Where examples overlap, the lower lane comes first for each row.
///
/// # Panics
/// As [`turn`].
pub(crate) fn add_turned(isa: Isa, from: &[f64], starts: Starts<'_>, used: usize, lanes: usize, to: &mut [f64]) {
    let Some(rows) = rows(from.len(), used, lanes) else { return };
    starts.check(used, rows, to.len());
    match starts {
        Starts::Step { first, step } => {
            isa.run(AddTurned { from, start: |example| first + example * step, used, lanes, rows, to });
        }
        Starts::Places(places) => {
            isa.run(AddTurned { from, start: |example| at(places, example), used, lanes, rows, to });
        }
    }
}

/// How many rows there are, if there is anything to do.
fn rows(len: usize, used: usize, lanes: usize) -> Option<usize> {
    assert!(lanes > 0 && len.is_multiple_of(lanes) && used <= lanes, "whole rows of {lanes} lanes");
    (len > 0 && used > 0).then_some(len / lanes)
}

/// The place of an example, of which there are so many.
#[inline(always)]
fn at(places: &[u32], example: usize) -> usize {
    debug_assert!(example < places.len());
    // SAFETY: [`Starts::check`] has looked at the places of all examples.
    unsafe { *places.get_unchecked(example) as usize }
}

/// What is done with each part of a table.
trait Parts {
    /// Eight numbers of eight examples, from a lane and a row on.
    fn square<S: Simd>(&mut self, simd: S, lane: usize, row: usize);

    /// `N` numbers of each example from one on.
    fn few<const N: usize>(&mut self, first: usize, row: usize);
}

/// Divides a table of `used` examples of `rows` numbers into squares and what is left.
#[inline(always)]
fn divide<S: Simd>(simd: S, parts: &mut impl Parts, used: usize, rows: usize) {
    let (lanes, eights) = (used / 8 * 8, rows / 8 * 8);
    for lane in (0..lanes).step_by(8) {
        for row in (0..eights).step_by(8) {
            parts.square(simd, lane, row);
        }
    }
    for row in (0..eights).step_by(8) {
        parts.few::<8>(lanes, row);
    }
    match rows - eights {
        0 => {}
        1 => parts.few::<1>(0, eights),
        2 => parts.few::<2>(0, eights),
        3 => parts.few::<3>(0, eights),
        4 => parts.few::<4>(0, eights),
        5 => parts.few::<5>(0, eights),
        6 => parts.few::<6>(0, eights),
        _ => parts.few::<7>(0, eights),
    }
}

/// The kernel of [`turn`]; the table has been checked.
struct Turn<'a, F> {
    from: &'a [f64],
    start: F,
    used: usize,
    lanes: usize,
    rows: usize,
    to: &'a mut [f64],
}

impl<F: Fn(usize) -> usize> Kernel for Turn<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (used, rows) = (self.used, self.rows);
        divide(simd, &mut self, used, rows);
    }
}

impl<F: Fn(usize) -> usize> Parts for Turn<'_, F> {
    #[inline(always)]
    fn square<S: Simd>(&mut self, simd: S, lane: usize, row: usize) {
        let (from, to) = (self.from.as_ptr(), self.to.as_mut_ptr());
        let read = std::array::from_fn(|l| from.wrapping_add((self.start)(lane + l) + row));
        let write = std::array::from_fn(|r| to.wrapping_add((row + r) * self.lanes + lane));
        // SAFETY: the table was checked: each example has so many numbers, and the rows have these lanes.
        unsafe { simd.turn(&read, [8, 8], &write) };
    }

    #[inline(always)]
    fn few<const N: usize>(&mut self, first: usize, row: usize) {
        let to: [*mut f64; N] = std::array::from_fn(|r| self.to.as_mut_ptr().wrapping_add((row + r) * self.lanes));
        for l in first..self.used {
            let from = self.from.as_ptr().wrapping_add((self.start)(l) + row);
            for (r, to) in to.iter().enumerate() {
                // SAFETY: as above.
                unsafe { to.add(l).write(from.add(r).read()) };
            }
        }
    }
}

/// The kernel of [`add_turned`]; the table has been checked.
struct AddTurned<'a, F> {
    from: &'a [f64],
    start: F,
    used: usize,
    lanes: usize,
    rows: usize,
    to: &'a mut [f64],
}

impl<F: Fn(usize) -> usize> Kernel for AddTurned<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (used, rows) = (self.used, self.rows);
        divide(simd, &mut self, used, rows);
    }
}

impl<F: Fn(usize) -> usize> Parts for AddTurned<'_, F> {
    #[inline(always)]
    fn square<S: Simd>(&mut self, simd: S, lane: usize, row: usize) {
        let mut turned = MaybeUninit::<[[f64; 8]; 8]>::uninit();
        let first = turned.as_mut_ptr().cast::<f64>();
        let read = std::array::from_fn(|r| self.from.as_ptr().wrapping_add((row + r) * self.lanes + lane));
        let write = std::array::from_fn(|l| first.wrapping_add(8 * l));
        // SAFETY: the rows have these lanes; eight times eight numbers are written.
        let turned = unsafe {
            simd.turn(&read, [8, 8], &write);
            turned.assume_init_ref()
        };
        for (l, numbers) in turned.iter().enumerate() {
            // SAFETY: the table was checked: each example has so many numbers.
            unsafe { add(simd, numbers, self.to.as_mut_ptr().add((self.start)(lane + l) + row)) };
        }
    }

    #[inline(always)]
    fn few<const N: usize>(&mut self, first: usize, row: usize) {
        let from: [*const f64; N] = std::array::from_fn(|r| self.from.as_ptr().wrapping_add((row + r) * self.lanes));
        for l in first..self.used {
            let to = self.to.as_mut_ptr().wrapping_add((self.start)(l) + row);
            for (r, from) in from.iter().enumerate() {
                // SAFETY: as above, and the rows have this lane.
                unsafe { *to.add(r) += from.add(l).read() };
            }
        }
    }
}

/// Adds eight numbers.
///
/// # Safety
/// `to` points at as many.
#[inline(always)]
unsafe fn add<S: Simd>(simd: S, numbers: &[f64; 8], to: *mut f64) {
    for first in (0..8).step_by(S::WIDTH) {
        // SAFETY: eight are here and there, and `WIDTH` divides 8.
        unsafe {
            let to = to.add(first);
            simd.store(simd.add(simd.load(to), simd.load(numbers.as_ptr().add(first))), to);
        }
    }
}
