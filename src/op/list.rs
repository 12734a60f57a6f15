//! Rules that look at all operands of a list row at once.

use super::{Scalar, value};

/// The sum, in the fixed tree of [`Op::Sum`](crate::Op::Sum): halves of halves down to eight terms.
///
/// The error grows with the logarithm of the count (Higham 1993, The accuracy of floating point summation,
/// doi:10.1137/0914050).
pub(super) fn sum(xs: &[f64]) -> f64 {
    if xs.len() <= 8 {
        // 0.0 + x would turn a single −0 into +0.
        return xs.iter().copied().reduce(|a, b| a + b).unwrap_or(0.0);
    }
    let (low, high) = xs.split_at(xs.len() / 2);
    sum(low) + sum(high)
}

/// The sum of the products of neighbours.
pub(super) fn dot(xs: &[f64]) -> f64 {
    xs.chunks_exact(2).map(|pair| pair[0] * pair[1]).reduce(|a, b| a + b).unwrap_or(0.0)
}

/// The greatest operand; a NaN wins and stays.
pub(super) fn max(xs: &[f64]) -> f64 {
    xs.iter().fold(f64::NEG_INFINITY, |most, &x| if x > most || x.is_nan() { x } else { most })
}

/// The least operand; a NaN wins and stays.
pub(super) fn min(xs: &[f64]) -> f64 {
    xs.iter().fold(f64::INFINITY, |least, &x| if x < least || x.is_nan() { x } else { least })
}

/// ln Σ eˣ about the greatest operand, so that nothing overflows.
pub(super) fn logsumexp(xs: &[f64]) -> f64 {
    let most = max(xs);
    if most.is_infinite() {
        return most;
    }
    most + value::ln(total(xs.iter().map(|&x| value::exp(x - most))))
}

/// e^xᵢ times 1 / Σ eˣ, both about the greatest operand; where that is infinite, what is less has no share.
pub(super) fn softmax(xs: &[f64], out: &mut [f64]) {
    let most = max(xs);
    each(xs, out, |x| value::exp(x - most));
    if !most.is_infinite() {
        let inverse = 1.0 / total(out.iter().copied());
        for share in out {
            *share *= inverse;
        }
    }
}

/// The sum, in eight parts that take turns: those of a register.
fn total(terms: impl Iterator<Item = f64>) -> f64 {
    let mut parts = [0.0; 8];
    for (place, term) in terms.enumerate() {
        parts[place % 8] += term;
    }
    halves(parts)
}

/// The sum of eight parts, halves of halves.
#[expect(clippy::inline_always, reason = "it becomes part of kernels")]
#[inline(always)]
pub(crate) fn halves([a, b, c, d, e, f, g, h]: [f64; 8]) -> f64 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Writes `rule(x)` for every operand.
pub(super) fn each<S: Scalar>(xs: &[S], out: &mut [S], rule: impl Fn(S) -> S) {
    for (out, &x) in out.iter_mut().zip(xs) {
        *out = rule(x);
    }
}

/// Shares 1 equally among the operands that `loses` maps to 0.
pub(super) fn shares<S: Scalar>(xs: &[S], out: &mut [S], loses: impl Fn(S) -> S) {
    each(xs, out, |x| x.constant(1.0) - loses(x));
    if let Some(winners) = out.iter().copied().reduce(|a, b| a + b) {
        for share in out {
            *share = *share / winners;
        }
    }
}

/// Writes for every operand the product of the others, by running products from both ends.
pub(super) fn products_of_others<S: Scalar>(xs: &[S], one_of: S, out: &mut [S]) {
    let mut before = one_of.constant(1.0);
    for (out, &x) in out.iter_mut().zip(xs) {
        *out = before;
        before = before * x;
    }
    let mut after = one_of.constant(1.0);
    for (out, &x) in out.iter_mut().zip(xs).rev() {
        *out = *out * after;
        after = after * x;
    }
}

/// Writes for every factor of a pair the other one.
pub(super) fn swapped_pairs<S: Scalar>(xs: &[S], out: &mut [S]) {
    for (out, pair) in out.chunks_exact_mut(2).zip(xs.chunks_exact(2)) {
        out.copy_from_slice(&[pair[1], pair[0]]);
    }
}
