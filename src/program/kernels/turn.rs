//! Columns of a table of numbers as rows of lanes, and back.

use super::isa::{Isa, Kernel};
use super::room::Room;
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
    run::<false>(isa, from, starts, [used, rows, lanes], to);
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
    run::<true>(isa, from, starts, [used, rows, lanes], to);
}

/// Runs the kernel for one kind of starts.
fn run<const ADD: bool>(isa: Isa, from: &[f64], starts: Starts<'_>, [used, rows, lanes]: [usize; 3], to: &mut [f64]) {
    match starts {
        Starts::Step { first, step } => {
            isa.run(Turn::<_, ADD> { from, start: |example| first + example * step, used, rows, lanes, to });
        }
        Starts::Places(places) => {
            isa.run(Turn::<_, ADD> { from, start: |example| at(places, example), used, rows, lanes, to });
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

/// The kernel of [`turn`], or with `ADD` of [`add_turned`]; the table has been checked.
struct Turn<'a, F, const ADD: bool> {
    from: &'a [f64],
    start: F,
    used: usize,
    rows: usize,
    lanes: usize,
    to: &'a mut [f64],
}

impl<F: Fn(usize) -> usize, const ADD: bool> Kernel for Turn<'_, F, ADD> {
    type Output = ();

    /// Divides the table into squares and what is left.
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (lanes, eights) = (self.used / 8 * 8, self.rows / 8 * 8);
        for lane in (0..lanes).step_by(8) {
            for row in (0..eights).step_by(8) {
                self.square(simd, lane, row);
            }
        }
        for row in (0..eights).step_by(8) {
            self.few::<8>(lanes, row);
        }
        match self.rows - eights {
            0 => {}
            1 => self.few::<1>(0, eights),
            2 => self.few::<2>(0, eights),
            3 => self.few::<3>(0, eights),
            4 => self.few::<4>(0, eights),
            5 => self.few::<5>(0, eights),
            6 => self.few::<6>(0, eights),
            _ => self.few::<7>(0, eights),
        }
    }
}

impl<F: Fn(usize) -> usize, const ADD: bool> Turn<'_, F, ADD> {
    /// Eight numbers of eight examples, from a lane and a row on.
    #[inline(always)]
    fn square<S: Simd>(&mut self, simd: S, lane: usize, row: usize) {
        let (from, to) = (self.from.as_ptr(), self.to.as_mut_ptr());
        let of_example = |l: usize| (self.start)(lane + l) + row;
        let of_row = |r: usize| (row + r) * self.lanes + lane;
        if !ADD {
            let read = std::array::from_fn(|l| from.wrapping_add(of_example(l)));
            let write = std::array::from_fn(|r| to.wrapping_add(of_row(r)));
            // SAFETY: the table was checked: each example has so many numbers, and the rows have these lanes.
            unsafe { simd.turn(&read, [8, 8], &write) };
            return;
        }
        let mut room = Room::<64>::new();
        let turned = room.start();
        let read = std::array::from_fn(|r| from.wrapping_add(of_row(r)));
        let write = std::array::from_fn(|l| turned.wrapping_add(8 * l));
        // SAFETY: the rows have these lanes; eight times eight numbers are written.
        unsafe { simd.turn(&read, [8, 8], &write) };
        for (l, numbers) in write.into_iter().enumerate() {
            // SAFETY: these eight were written; the table was checked: each example has so many numbers.
            unsafe { add(simd, numbers, to.add(of_example(l))) };
        }
    }

    /// `N` numbers of each example from one on.
    #[inline(always)]
    fn few<const N: usize>(&mut self, first: usize, row: usize) {
        let (from, to) = (self.from.as_ptr(), self.to.as_mut_ptr());
        for l in first..self.used {
            let example = (self.start)(l) + row;
            for r in 0..N {
                let lane = (row + r) * self.lanes + l;
                // SAFETY: the table was checked: each example has so many numbers, and the rows have these lanes.
                unsafe {
                    if ADD {
                        *to.add(example + r) += from.add(lane).read();
                    } else {
                        to.add(lane).write(from.add(example + r).read());
                    }
                }
            }
        }
    }
}

/// Adds eight numbers.
///
/// # Safety
/// Both point at as many.
#[inline(always)]
unsafe fn add<S: Simd>(simd: S, numbers: *const f64, to: *mut f64) {
    for first in (0..8).step_by(S::WIDTH) {
        // SAFETY: eight are here and there, and `WIDTH` divides 8.
        unsafe {
            let to = to.add(first);
            simd.store(simd.add(simd.load(to), simd.load(numbers.add(first))), to);
        }
    }
}
