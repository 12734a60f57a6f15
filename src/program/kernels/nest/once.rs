//! The kernel of nests without sums: every number of X gets one product.

use super::super::isa::Kernel;
use super::super::linear::product;
use super::super::vector::Simd;
use super::run::{At, BROADCAST, Stride, Task};
use super::{ALONG, OUTER, ROWS};

/// Rows of neighbouring numbers of X, none of which is written twice; `ADD` says that the products are added.
pub(super) struct Once<'a, const Z: u8, const ABSORB: bool, const ADD: bool>(pub(super) &'a Task<'a>);

impl<const Z: u8, const ABSORB: bool, const ADD: bool> Kernel for Once<'_, Z, ABSORB, ADD> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Task { nest, at, minus, .. } = *self.0;
        let sign = simd.splat(if minus { -1.0 } else { 1.0 });
        let count = nest.counts[ALONG] as usize;
        let (outer, rows) = (Stride::new(nest, OUTER), Stride::new(nest, ROWS));
        for i in 0..nest.counts[OUTER] as usize {
            let mut at = at.after(outer, i);
            for _ in 0..nest.counts[ROWS] {
                // SAFETY: the walks were checked, and this row lies on them.
                unsafe { row::<S, Z, ABSORB, ADD>(simd, at, count, sign) };
                at = at.after(rows, 1);
            }
        }
    }
}

/// One row.
///
/// # Safety
/// `count` numbers from `at` on can be read, and written to X; of a broadcast Z, one.
#[inline(always)]
unsafe fn row<S: Simd, const Z: u8, const ABSORB: bool, const ADD: bool>(
    simd: S,
    mut at: At,
    count: usize,
    sign: S::Vector,
) {
    let zero = simd.splat(0.0);
    let signed = |y: S::Vector| simd.mul_add(y, sign, simd.splat(-0.0));
    // SAFETY: as the caller promises.
    unsafe {
        let one = if Z == BROADCAST { simd.splat(at.z.read()) } else { zero };
        let mut left = count;
        while left >= S::WIDTH {
            let sum = if ADD { simd.load(at.x) } else { simd.splat(-0.0) };
            let z = if Z == BROADCAST { one } else { simd.load(at.z) };
            simd.store(product::<S, ABSORB, false>(simd, signed(simd.load(at.y)), z, sum), at.x);
            at = At { x: at.x.add(S::WIDTH), y: at.y.add(S::WIDTH), z: at.z.wrapping_add(S::WIDTH) };
            left -= S::WIDTH;
        }
        if left > 0 {
            let sum = if ADD { simd.load_some(at.x, left) } else { simd.splat(-0.0) };
            let z = if Z == BROADCAST { one } else { simd.load_some(at.z, left) };
            let y = signed(simd.load_some(at.y, left));
            simd.store_some(product::<S, ABSORB, false>(simd, y, z, sum), at.x, left);
        }
    }
}
