//! Products that are added, rounded once where the processor has an instruction for it.

/// Whether this is a build for processors with fused multiply-adds.
///
/// It is asked of the whole build and not of a kernel, so that single numbers and lanes have the same bits.
pub(super) const FUSED: bool = cfg!(target_feature = "fma");

/// Returns `a b + c`: rounded once in a build for processors with fused multiply-adds, else twice.
#[inline(always)]
pub(super) fn mul_add(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
