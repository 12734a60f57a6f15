//! Log-sum-exps of lists of numbers or of rows, and their derivatives.
//!
//! The derivatives are shares of the sum of the exponentials, which the forward pass has: it keeps them.
//!
//! The lists of numbers lie one after the other, and most are shorter than a register: what each has of its own is spread
//! out beside its numbers, and the rules then run over all of them at once. Sums are in the order of the rules of the
//! table, so that the bits are the same.

use std::ops::Range;

use super::isa::{Isa, Kernel};
use super::list::{BLOCK, greater, max};
use super::vector::Simd;
use super::{MOST_LANES, Rows, check_lanes};
use crate::op::{Scalar as _, halves, value};

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
    spread_room(numbers) + 2 * lists.next_multiple_of(8)
}

/// Room for a number beside each number: the last register may go beyond them.
#[inline(always)]
fn spread_room(numbers: usize) -> usize {
    numbers.next_multiple_of(8) + 8
}

/// The log-sum-exp of each list, and the softmax of its numbers, beside them.
///
/// # Panics
/// When a list ends before it begins or beyond the numbers, there is less than the [`room`] it takes, or the shares do
/// not fill registers of eight.
pub(crate) fn logsumexps(isa: Isa, lists: Lists<'_>, shares: &mut [f64], room: &mut [f64], out: &mut [f64]) {
    assert_eq!(shares.len(), lists.numbers.len().next_multiple_of(8), "a share for each number");
    isa.run(LogSumExps { lists, shares, room, out });
}

/// What [`logsumexps`] adds to the adjoint of each number, from the shares it left and from the adjoint of each list.
///
/// # Panics
/// When a list ends before it begins or beyond the shares, or there are not as many contributions.
pub(crate) fn softmaxes(isa: Isa, shares: Lists<'_>, adjoints: &[f64], contributions: &mut [f64]) {
    assert_eq!(contributions.len(), shares.numbers.len(), "a contribution for each number");
    isa.run(Softmaxes { shares, adjoints, contributions });
}

/// The log-sum-exps of a list of rows of `y`, of which the first has the number `y_first`, and the softmax of each lane, in
/// the order of the list.
///
/// # Panics
/// When `out` is not one row, there is no row of shares for each of the list, or a row does not exist.
pub(crate) fn logsumexp_rows(isa: Isa, list: &[u32], y: &[f64], y_first: u32, shares: &mut [f64], out: &mut [f64]) {
    check_lanes(out.len());
    assert_eq!(shares.len(), out.len() * list.len(), "one row of shares for each operand");
    isa.run(LogSumExpRows { list, y: Rows::new(y, out.len(), y_first), shares, out });
}

/// What [`logsumexp_rows`] adds to the adjoint of each operand, one row after the other.
///
/// # Panics
/// When there are not as many contributions as shares.
pub(crate) fn softmax_rows(isa: Isa, shares: &[f64], adjoint: &[f64], contributions: &mut [f64]) {
    assert_eq!(contributions.len(), shares.len(), "one row of contributions for each operand");
    isa.run(SoftmaxRows { shares, adjoint, contributions });
}

/// The kernel of [`logsumexps`].
struct LogSumExps<'a> {
    lists: Lists<'a>,
    shares: &'a mut [f64],
    room: &'a mut [f64],
    out: &'a mut [f64],
}

impl Kernel for LogSumExps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { lists, shares, room, out } = self;
        for (most, own) in out.iter_mut().zip(lists.ranges()) {
            *most = greatest_number(simd, &lists.numbers[own]);
        }
        let (room, rest) = room.split_at_mut(spread_room(lists.numbers.len()));
        // What fills the last registers is of nothing.
        let whole = lists.ends.len().next_multiple_of(8);
        let (totals, logarithms) = rest[..2 * whole].split_at_mut(whole);
        exponentials(simd, lists, out, shares, room);
        for (total, own) in totals.iter_mut().zip(lists.ranges()) {
            *total = sum(simd, &shares[own]);
        }
        for (logarithm, total) in logarithms.iter_mut().zip(&*totals) {
            *logarithm = value::ln(*total);
        }
        for (((most, total), &logarithm), own) in out.iter_mut().zip(&mut *totals).zip(&*logarithms).zip(lists.ranges())
        {
            if most.is_infinite() {
                *most = greatest(&lists.numbers[own]);
                *total = if most.is_nan() { f64::NAN } else { 1.0 };
            } else {
                *most += logarithm;
                *total = 1.0 / *total;
            }
        }
        spread(simd, lists, totals, room);
        for (share, inverse) in shares.iter_mut().zip(&*room) {
            *share *= inverse;
        }
    }
}

/// The kernel of [`softmaxes`].
struct Softmaxes<'a> {
    shares: Lists<'a>,
    adjoints: &'a [f64],
    contributions: &'a mut [f64],
}

impl Kernel for Softmaxes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { shares, adjoints, contributions } = self;
        for (own, &adjoint) in shares.ranges().zip(adjoints) {
            let (shares, contributions) = (&shares.numbers[own.clone()], &mut contributions[own]);
            if adjoint == 0.0 {
                contributions.fill(0.0);
                continue;
            }
            let adjoint = simd.splat(adjoint);
            for first in (0..shares.len()).step_by(S::WIDTH) {
                let some = (shares.len() - first).min(S::WIDTH);
                // SAFETY: there are so many more shares and contributions.
                unsafe {
                    let share = simd.load_some(shares.as_ptr().add(first), some);
                    let contribution = simd.keep_where_nonzero(simd.mul(adjoint, share), share);
                    simd.store_some(contribution, contributions.as_mut_ptr().add(first), some);
                }
            }
        }
    }
}

/// The kernel of [`logsumexp_rows`].
struct LogSumExpRows<'a> {
    list: &'a [u32],
    y: Rows<'a>,
    shares: &'a mut [f64],
    out: &'a mut [f64],
}

impl Kernel for LogSumExpRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { list, y, shares, out } = self;
        let lanes = out.len();
        max(list, y, out);
        for (&row, exps) in list.iter().zip(shares.chunks_exact_mut(lanes)) {
            for ((exp, &x), &most) in exps.iter_mut().zip(y.slice(row)).zip(&*out) {
                *exp = value::exp(x - most);
            }
        }
        let mut totals = [0.0; MOST_LANES];
        let totals = &mut totals[..lanes];
        sums(shares, totals);
        for (total, most) in totals.iter_mut().zip(&mut *out) {
            let sum = *most + value::ln(*total);
            let inverse = 1.0 / *total;
            *total = if most.is_infinite() { 1.0 } else { inverse };
            *most = if most.is_infinite() { *most } else { sum };
        }
        for row in shares.chunks_exact_mut(lanes) {
            row.iter_mut().zip(&*totals).for_each(|(share, inverse)| *share *= inverse);
        }
    }
}

/// The sums of rows, in eight parts that take turns.
#[inline(always)]
fn sums(rows: &[f64], out: &mut [f64]) {
    let lanes = out.len();
    for (block, out) in out.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let mut parts = [[0.0; BLOCK]; 8];
        for (place, row) in rows.chunks_exact(lanes).enumerate() {
            let terms = &row.as_chunks::<BLOCK>().0[block];
            for (part, term) in parts[place % 8].iter_mut().zip(terms) {
                *part += term;
            }
        }
        for i in 0..BLOCK {
            out[i] = halves(parts.map(|part| part[i]));
        }
    }
}

/// The kernel of [`softmax_rows`].
struct SoftmaxRows<'a> {
    shares: &'a [f64],
    adjoint: &'a [f64],
    contributions: &'a mut [f64],
}

impl Kernel for SoftmaxRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { shares, adjoint, contributions } = self;
        let rows = contributions.chunks_exact_mut(adjoint.len()).zip(shares.chunks_exact(adjoint.len()));
        for (contributions, shares) in rows {
            for ((contribution, &share), adjoint) in contributions.iter_mut().zip(shares).zip(adjoint) {
                *contribution = adjoint.chain(share);
            }
        }
    }
}

/// The exponentials of the numbers of each list less one number, in registers of which the last may hold anything more.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, lists: Lists<'_>, less: &[f64], exps: &mut [f64], room: &mut [f64]) {
    spread(simd, lists, less, room);
    let count = lists.numbers.len();
    assert!(count <= exps.len() && exps.len() <= room.len() && exps.len().is_multiple_of(8), "room for registers");
    for first in (0..count).step_by(S::WIDTH) {
        // SAFETY: there are so many more numbers, and registers of eight in the rest.
        unsafe {
            let number = simd.load_some(lists.numbers.as_ptr().add(first), (count - first).min(S::WIDTH));
            let less = simd.load(room.as_ptr().add(first));
            simd.store(simd.sub(number, less), exps.as_mut_ptr().add(first));
        }
    }
    for exp in exps {
        *exp = value::exp(*exp);
    }
}

/// The sum of a list, in eight parts that take turns.
#[inline(always)]
fn sum<S: Simd>(simd: S, list: &[f64]) -> f64 {
    let mut parts = [simd.splat(0.0); 8];
    let mut first = 0;
    while first < list.len() {
        for (place, part) in parts[..8 / S::WIDTH].iter_mut().enumerate() {
            let first = first + place * S::WIDTH;
            let some = list.len().saturating_sub(first).min(S::WIDTH);
            // SAFETY: there are so many more numbers.
            *part = simd.add(*part, unsafe { simd.load_some(list.as_ptr().wrapping_add(first), some) });
        }
        first += 8;
    }
    let mut sums = [0.0; 8];
    for (place, part) in parts[..8 / S::WIDTH].iter().enumerate() {
        // SAFETY: the registers together hold eight numbers.
        unsafe { simd.store(*part, sums.as_mut_ptr().add(place * S::WIDTH)) };
    }
    halves(sums)
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
