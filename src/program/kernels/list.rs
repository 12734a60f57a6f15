//! Maxima, minima and products of many rows, lane by lane.
//!
//! The arithmetic and its order are those of the rules of the table, so that the bits are the same. Sums and dots are
//! linear, and a matter of [`linear`](super::linear); log-sum-exps have a [room](super::softmax) of their own.

use smallvec::SmallVec;

use super::isa::{Isa, Kernel};
use super::vector::Simd;
use super::{MOST_LANES, Rows, check_lanes};
use crate::op::{Op, Scalar as _};

/// Computes one row from a list of rows of `y`, of which the first has the number `y_first`.
///
/// # Panics
/// When the operation reads no list, `out` is not one row, or a row does not exist.
pub(crate) fn list_forward(isa: Isa, op: Op, list: &[u32], y: &[f64], y_first: u32, out: &mut [f64]) {
    check_lanes(out.len());
    isa.run(Forward { op, list, y: Rows::new(y, out.len(), y_first), out });
}

/// Writes what an operation adds to the adjoint of each operand, one row after the other: the product of `adjoint` and
/// of the local partial, in which a zero absorbs.
///
/// `value` is what [`list_forward`] wrote.
///
/// # Panics
/// When the operation reads no list, `value` and `adjoint` are not one row each,
/// `contributions` has not as many rows as the list, or a row does not exist.
#[expect(clippy::too_many_arguments, reason = "a list of rows has four, a kernel two and a derivative two more")]
pub(crate) fn list_reverse(
    isa: Isa,
    op: Op,
    list: &[u32],
    y: &[f64],
    y_first: u32,
    value: &[f64],
    adjoint: &[f64],
    contributions: &mut [f64],
) {
    let lanes = value.len();
    check_lanes(lanes);
    assert_eq!(adjoint.len(), lanes, "the adjoint is one row");
    assert_eq!(contributions.len(), lanes * list.len(), "one row of contributions for each operand");
    isa.run(Reverse { op, list, y: Rows::new(y, lanes, y_first), value, adjoint, out: contributions });
}

/// The kernel of [`list_forward`].
struct Forward<'a> {
    op: Op,
    list: &'a [u32],
    y: Rows<'a>,
    out: &'a mut [f64],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { op, list, y, out } = self;
        match op {
            Op::Max => max(list, y, out),
            Op::Min => min(list, y, out),
            Op::Product => product(list, y, out),
            op if op.reads_list() => by_lane(op, list, y, out),
            other => wrong_op(other),
        }
    }
}

/// The greater number; what is no number wins.
#[inline(always)]
pub(super) fn greater(most: f64, x: f64) -> f64 {
    if x > most || x.is_nan() { x } else { most }
}

/// Lanes of which maxima stay in registers.
pub(super) const BLOCK: usize = 8;

/// An operation whose rules read all operands of a lane at once.
fn by_lane(op: Op, list: &[u32], y: Rows<'_>, out: &mut [f64]) {
    let mut operands: SmallVec<[f64; 8]> = SmallVec::new();
    for (lane, out) in out.iter_mut().enumerate() {
        operands.clear();
        operands.extend(list.iter().map(|&row| y.slice(row)[lane]));
        *out = op.value(&operands);
    }
}

/// The same in reverse.
fn by_lane_back(op: Op, list: &[u32], y: Rows<'_>, value: &[f64], adjoint: &[f64], out: &mut [f64]) {
    let lanes = value.len();
    let (mut operands, mut partials): (SmallVec<[f64; 8]>, SmallVec<[f64; 8]>) = Default::default();
    partials.resize(list.len(), 0.0);
    for lane in 0..lanes {
        operands.clear();
        operands.extend(list.iter().map(|&row| y.slice(row)[lane]));
        op.partials(&operands, value[lane], &mut partials);
        for (out, &partial) in out[lane..].iter_mut().step_by(lanes).zip(&partials) {
            *out = adjoint[lane].chain(partial);
        }
    }
}

#[inline(always)]
pub(super) fn max(list: &[u32], y: Rows<'_>, out: &mut [f64]) {
    for (block, out) in out.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let mut most = [f64::NEG_INFINITY; BLOCK];
        for &row in list {
            let x = &y.slice(row).as_chunks::<BLOCK>().0[block];
            for i in 0..BLOCK {
                most[i] = greater(most[i], x[i]);
            }
        }
        *out = most;
    }
}

#[inline(always)]
fn min(list: &[u32], y: Rows<'_>, out: &mut [f64]) {
    out.fill(f64::INFINITY);
    for &row in list {
        for (least, &x) in out.iter_mut().zip(y.slice(row)) {
            *least = if x < *least || x.is_nan() { x } else { *least };
        }
    }
}

#[inline(always)]
fn product(list: &[u32], y: Rows<'_>, out: &mut [f64]) {
    out.fill(1.0);
    for &row in list {
        for (product, &x) in out.iter_mut().zip(y.slice(row)) {
            *product *= x;
        }
    }
}

/// The kernel of [`list_reverse`].
struct Reverse<'a> {
    op: Op,
    list: &'a [u32],
    y: Rows<'a>,
    value: &'a [f64],
    adjoint: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Reverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { op, list, y, value, adjoint, out } = self;
        match op {
            Op::Max => shares::<false>(list, y, value, adjoint, out),
            Op::Min => shares::<true>(list, y, value, adjoint, out),
            Op::Product => products_of_others(list, y, adjoint, out),
            op if op.reads_list() => by_lane_back(op, list, y, value, adjoint, out),
            other => wrong_op(other),
        }
    }
}

/// The winners of max, or of min, share equally.
#[inline(always)]
fn shares<const MIN: bool>(list: &[u32], y: Rows<'_>, value: &[f64], adjoint: &[f64], out: &mut [f64]) {
    let lanes = value.len();
    let mut winners = [0.0; MOST_LANES];
    let winners = &mut winners[..lanes];
    for &row in list {
        for ((winners, &x), &y) in winners.iter_mut().zip(y.slice(row)).zip(value) {
            *winners += wins::<MIN>(x, y);
        }
    }
    for (&row, out) in list.iter().zip(out.chunks_exact_mut(lanes)) {
        for ((((out, &x), &y), &adjoint), &winners) in
            out.iter_mut().zip(y.slice(row)).zip(value).zip(adjoint).zip(&*winners)
        {
            *out = adjoint.chain(wins::<MIN>(x, y) / winners);
        }
    }
}

/// 1 for a winner, else 0.
#[inline(always)]
fn wins<const MIN: bool>(x: f64, y: f64) -> f64 {
    1.0 - if MIN { y.less(x) } else { x.less(y) }
}

/// Running products from both ends.
#[inline(always)]
fn products_of_others(list: &[u32], y: Rows<'_>, adjoint: &[f64], out: &mut [f64]) {
    let lanes = adjoint.len();
    let mut running = [1.0; MOST_LANES];
    let running = &mut running[..lanes];
    for (&row, out) in list.iter().zip(out.chunks_exact_mut(lanes)) {
        for ((out, &x), before) in out.iter_mut().zip(y.slice(row)).zip(running.iter_mut()) {
            *out = *before;
            *before *= x;
        }
    }
    running.fill(1.0);
    for (&row, out) in list.iter().zip(out.chunks_exact_mut(lanes)).rev() {
        for (((out, &x), after), &adjoint) in out.iter_mut().zip(y.slice(row)).zip(running.iter_mut()).zip(adjoint) {
            *out = adjoint.chain(*out * *after);
            *after *= x;
        }
    }
}

#[cold]
#[inline(never)]
fn wrong_op(op: Op) -> ! {
    panic!("{} is not a list of rows lane by lane", op.info().name)
}
