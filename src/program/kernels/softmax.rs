//! Log-sum-exps of lists of numbers, and their derivatives.
//!
//! The lists lie one after the other, and most are shorter than a register: what each has of its own is spread out beside
//! its numbers, and the rules then run over all of them at once. Sums are in the order of the rules of the table, so that
//! the bits are the same.

use std::ops::Range;

use super::isa::{Isa, Kernel};
use super::list::greater;
use super::vector::Simd;
use crate::op::{Scalar as _, value};

/// Lists of numbers, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Lists<'a> {
    pub(crate) numbers: &'a [f64],
    /// Where each ends.
    pub(crate) ends: &'a [u32],
}

/// Which numbers belong to each list, from where they end.
#[inline(always)]
pub(crate) fn ranges(ends: &[u32]) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator {
    (0..ends.len()).map(|m| if m == 0 { 0 } else { ends[m - 1] as usize }..ends[m] as usize)
}

impl<'a> Lists<'a> {
    #[inline(always)]
    fn ranges(self) -> impl Iterator<Item = Range<usize>> + use<'a> {
        ranges(self.ends)
    }
}

/// How much room it takes to compute with so many numbers of so many lists.
pub(crate) fn room(numbers: usize, lists: usize) -> usize {
    2 * spread_room(numbers) + lists.next_multiple_of(8)
}

/// Room for a number beside each number: the last register may go beyond them.
#[inline(always)]
fn spread_room(numbers: usize) -> usize {
    numbers.next_multiple_of(8) + 8
}

/// The log-sum-exp of each list.
///
/// # Panics
/// When a list ends before it begins or beyond the numbers, or there is less than the [`room`] it takes.
pub(crate) fn logsumexps(isa: Isa, lists: Lists<'_>, room: &mut [f64], out: &mut [f64]) {
    isa.run(LogSumExps { lists, room, out });
}

/// What [`logsumexps`], which gave `values`, adds to the adjoint of each number: the first that are in the room.
///
/// # Panics
/// As [`logsumexps`].
pub(crate) fn softmaxes(isa: Isa, lists: Lists<'_>, values: &[f64], adjoints: &[f64], room: &mut [f64]) {
    isa.run(Softmaxes { lists, values, adjoints, room });
}

/// The kernel of [`logsumexps`].
struct LogSumExps<'a> {
    lists: Lists<'a>,
    room: &'a mut [f64],
    out: &'a mut [f64],
}

impl Kernel for LogSumExps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { lists, room, out } = self;
        for (most, own) in out.iter_mut().zip(lists.ranges()) {
            *most = greatest_number(simd, &lists.numbers[own]);
        }
        let (exps, room) = room.split_at_mut(spread_room(lists.numbers.len()));
        let (spread, totals) = room.split_at_mut(spread_room(lists.numbers.len()));
        exponentials(simd, lists, out, exps, spread);
        let totals = &mut totals[..lists.ends.len().next_multiple_of(8)];
        for (total, own) in totals.iter_mut().zip(lists.ranges()) {
            *total = exps[own].iter().sum();
        }
        for total in &mut *totals {
            *total = value::ln(*total);
        }
        for ((most, &logarithm), own) in out.iter_mut().zip(&*totals).zip(lists.ranges()) {
            *most = if most.is_infinite() { greatest(&lists.numbers[own]) } else { *most + logarithm };
        }
    }
}

/// The kernel of [`softmaxes`].
struct Softmaxes<'a> {
    lists: Lists<'a>,
    values: &'a [f64],
    adjoints: &'a [f64],
    room: &'a mut [f64],
}

impl Kernel for Softmaxes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { lists, values, adjoints, room } = self;
        let (exps, room) = room.split_at_mut(spread_room(lists.numbers.len()));
        exponentials(simd, lists, values, exps, room);
        spread(simd, lists, adjoints, room);
        for (exp, adjoint) in exps[..lists.numbers.len()].iter_mut().zip(&*room) {
            *exp = adjoint.chain(*exp);
        }
    }
}

/// The exponentials of the numbers of each list less one number, in registers of which the last may hold anything more.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, lists: Lists<'_>, less: &[f64], exps: &mut [f64], room: &mut [f64]) {
    spread(simd, lists, less, room);
    for ((exp, number), less) in exps.iter_mut().zip(lists.numbers).zip(&*room) {
        *exp = number - less;
    }
    for exp in &mut exps[..lists.numbers.len().next_multiple_of(8)] {
        *exp = value::exp(*exp);
    }
}

/// Writes the number of each list beside each of its numbers.
#[inline(always)]
fn spread<S: Simd>(simd: S, lists: Lists<'_>, each: &[f64], room: &mut [f64]) {
    let room = &mut room[..spread_room(lists.numbers.len())];
    for (own, &number) in lists.ranges().zip(each) {
        assert!(own.end <= lists.numbers.len(), "a list that ends at {} is out of range", own.end);
        for first in own.step_by(S::WIDTH) {
            // What goes beyond the list is written again by those that follow.
            // SAFETY: `first` is the place of a number, behind which there is room for a register.
            unsafe { simd.store(simd.splat(number), room.as_mut_ptr().add(first)) };
        }
    }
}

/// The greatest of what are numbers.
#[inline(always)]
fn greatest_number<S: Simd>(simd: S, list: &[f64]) -> f64 {
    let least = simd.splat(f64::NEG_INFINITY);
    let (mut most, mut rest) = (least, list);
    while let Some((register, after)) = rest.split_at_checked(S::WIDTH) {
        // SAFETY: the slice is as long as a register.
        most = simd.greater(unsafe { simd.load(register.as_ptr()) }, most);
        rest = after;
    }
    // SAFETY: the slice is shorter than a register.
    most = simd.greater(unsafe { simd.load_some_or(rest.as_ptr(), rest.len(), least) }, most);
    simd.greatest(most)
}

/// The greatest number; what is no number wins.
#[cold]
fn greatest(list: &[f64]) -> f64 {
    list.iter().copied().fold(f64::NEG_INFINITY, greater)
}
