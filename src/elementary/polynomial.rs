//! Evaluation of polynomials with constant coefficients.

use super::fused::mul_add;

/// Evaluates `c[0] + c[1] x + c[2] x^2 + ...`.
///
/// Four coefficients at a time make a cubic, and these a Horner scheme in `x^4`: half the steps of a Horner scheme in
/// `x` wait for each other, for two more multiplications. The first two steps of Estrin's scheme: G. Estrin,
/// "Organization of computer systems: the fixed plus variable structure computer", Western Joint Computer Conference
/// (1960).
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let square = x * x;
    let fourth = square * square;
    let line = |i: usize| match coefficients.get(i..) {
        Some(&[a, b, ..]) => mul_add(b, x, a),
        Some(&[a]) => a,
        _ => 0.0,
    };
    let cubic = |i: usize| if i + 2 < N { mul_add(line(i + 2), square, line(i)) } else { line(i) };
    let mut i = (N - 1) / 4 * 4;
    let mut sum = cubic(i);
    while i >= 4 {
        i -= 4;
        sum = mul_add(sum, fourth, cubic(i));
    }
    sum
}
