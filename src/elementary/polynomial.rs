//! Evaluation of polynomials with constant coefficients.

/// Evaluates `c[0] + c[1] x + c[2] x^2 + ...`.
///
/// Even and odd powers are two independent Horner schemes in `x^2`: half the latency for one more
/// multiplication, so that the loop iterations a processor can overlap fill its multipliers. The
/// first step of Estrin's scheme: G. Estrin, "Organization of computer systems: the fixed plus
/// variable structure computer", Western Joint Computer Conference (1960).
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let square = x * x;
    let top_even = (N - 1) / 2 * 2;
    let top_odd = N / 2 * 2 - 1;
    let mut even = coefficients[top_even];
    let mut odd = coefficients[top_odd];
    let mut i = top_even;
    while i >= 2 {
        i -= 2;
        even = even * square + coefficients[i];
    }
    let mut i = top_odd;
    while i >= 2 {
        i -= 2;
        odd = odd * square + coefficients[i];
    }
    even + odd * x
}
