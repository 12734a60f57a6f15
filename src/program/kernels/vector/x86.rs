//! The registers of x86-64. Each intrinsic is called with the token of its instruction set at hand.

use std::arch::x86_64::{
    __m256d, __m256i, __m512d, _CMP_LE_OQ, _CMP_NEQ_UQ, _CMP_UNORD_Q, _mm_store_sd, _mm_storeu_pd, _mm256_add_pd,
    _mm256_and_pd, _mm256_andnot_pd, _mm256_castpd256_pd128, _mm256_cmp_pd, _mm256_extractf128_pd, _mm256_fmadd_pd,
    _mm256_fnmadd_pd, _mm256_loadu_pd, _mm256_maskload_pd, _mm256_max_pd, _mm256_movemask_pd, _mm256_mul_pd,
    _mm256_permute2f128_pd, _mm256_set_epi64x, _mm256_set1_pd, _mm256_setzero_pd, _mm256_storeu_pd, _mm256_sub_pd,
    _mm256_unpackhi_pd, _mm256_unpacklo_pd, _mm512_abs_pd, _mm512_add_pd, _mm512_cmp_pd_mask, _mm512_fmadd_pd,
    _mm512_fnmadd_pd, _mm512_loadu_pd, _mm512_mask_loadu_pd, _mm512_mask_storeu_pd, _mm512_maskz_loadu_pd,
    _mm512_maskz_mov_pd, _mm512_max_pd, _mm512_mul_pd, _mm512_reduce_max_pd, _mm512_set1_pd, _mm512_setzero_pd,
    _mm512_shuffle_f64x2, _mm512_storeu_pd, _mm512_sub_pd, _mm512_unpackhi_pd, _mm512_unpacklo_pd,
};

use super::super::isa::{Avx2, Avx512};
use super::Simd;

impl Simd for Avx2 {
    type Vector = __m256d;

    const WIDTH: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, number: f64) -> __m256d {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_set1_pd(number) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f64) -> __m256d {
        // SAFETY: the token proves AVX2, the caller vouches for the numbers.
        unsafe { _mm256_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn store(self, vector: __m256d, to: *mut f64) {
        // SAFETY: the token proves AVX2, the caller vouches for the numbers.
        unsafe { _mm256_storeu_pd(to, vector) }
    }

    #[inline(always)]
    fn mul_add_one(self, a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    unsafe fn load_some(self, from: *const f64, count: usize) -> __m256d {
        // SAFETY: the token proves AVX2; only `count` numbers are read, for which the caller vouches.
        unsafe { _mm256_maskload_pd(from, first_of_four(count)) }
    }

    #[inline(always)]
    unsafe fn store_some(self, vector: __m256d, to: *mut f64, count: usize) {
        // A store with a mask takes some processors longer than two without.
        // SAFETY: the token proves AVX2; only `count` numbers are written, for which the caller vouches.
        unsafe {
            let (low, high) = (_mm256_castpd256_pd128(vector), _mm256_extractf128_pd::<1>(vector));
            match count {
                0 => {}
                1 => _mm_store_sd(to, low),
                2 => _mm_storeu_pd(to, low),
                3 => {
                    _mm_storeu_pd(to, low);
                    _mm_store_sd(to.add(2), high);
                }
                _ => self.store(vector, to),
            }
        }
    }

    #[inline(always)]
    fn add(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_add_pd(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_sub_pd(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_mul_pd(a, b) }
    }

    #[inline(always)]
    fn greater(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_max_pd(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        // SAFETY: the token proves FMA.
        unsafe { _mm256_fmadd_pd(a, b, c) }
    }

    #[inline(always)]
    fn mul_sub(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        // SAFETY: the token proves FMA.
        unsafe { _mm256_fnmadd_pd(a, b, c) }
    }

    #[inline(always)]
    fn keep_where_nonzero(self, vector: __m256d, test: __m256d) -> __m256d {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_and_pd(vector, _mm256_cmp_pd::<_CMP_NEQ_UQ>(test, _mm256_setzero_pd())) }
    }

    #[inline(always)]
    fn has_nan(self, vector: __m256d) -> bool {
        // SAFETY: the token proves AVX2.
        unsafe { _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_UNORD_Q>(vector, vector)) != 0 }
    }

    #[inline(always)]
    fn all_near(self, vector: __m256d, limit: f64) -> bool {
        // SAFETY: the token proves AVX2.
        unsafe {
            let size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), vector);
            _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(size, _mm256_set1_pd(limit))) == 0b1111
        }
    }

    #[inline(always)]
    fn sums(self, v: [__m256d; 8]) -> [f64; 8] {
        let mut sums = [0.0; 8];
        // SAFETY: the token proves AVX2; four numbers of eight are written, from 0 and from 4.
        unsafe {
            _mm256_storeu_pd(sums.as_mut_ptr(), sums_of_four(v[0], v[1], v[2], v[3]));
            _mm256_storeu_pd(sums.as_mut_ptr().add(4), sums_of_four(v[4], v[5], v[6], v[7]));
        }
        sums
    }

    #[inline(always)]
    fn across(self, v: &[__m256d; 8]) -> __m256d {
        // SAFETY: the token proves AVX2.
        unsafe { sums_of_four(v[0], v[1], v[2], v[3]) }
    }

    #[inline(always)]
    unsafe fn turn(self, from: &[*const f64; 8], [rows, columns]: [usize; 2], to: &[*mut f64; 8]) {
        for first in [0, 4] {
            for column in (0..columns).step_by(4) {
                let some = (columns - column).min(4);
                let mut v = [self.splat(0.0); 4];
                for (l, v) in v.iter_mut().enumerate().filter(|(l, _)| first + l < rows) {
                    let from = from[first + l].wrapping_add(column);
                    // SAFETY: the caller vouches for the numbers.
                    *v = unsafe { if some == 4 { self.load(from) } else { self.load_some(from, some) } };
                }
                // SAFETY: the token proves AVX2.
                let turned = unsafe { across_four(v) };
                for (k, turned) in turned.into_iter().enumerate().take(some) {
                    // SAFETY: the caller vouches for the numbers.
                    unsafe { self.store(turned, to[column + k].add(first)) };
                }
            }
        }
    }
}

impl Simd for Avx512 {
    type Vector = __m512d;

    const WIDTH: usize = 8;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, number: f64) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_set1_pd(number) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f64) -> __m512d {
        // SAFETY: the token proves AVX-512, the caller vouches for the numbers.
        unsafe { _mm512_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn store(self, vector: __m512d, to: *mut f64) {
        // SAFETY: the token proves AVX-512, the caller vouches for the numbers.
        unsafe { _mm512_storeu_pd(to, vector) }
    }

    #[inline(always)]
    fn mul_add_one(self, a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    unsafe fn load_some(self, from: *const f64, count: usize) -> __m512d {
        // SAFETY: the token proves AVX-512; only `count` numbers are read, for which the caller vouches.
        unsafe { _mm512_maskz_loadu_pd(first_of_eight(count), from) }
    }

    #[inline(always)]
    unsafe fn store_some(self, vector: __m512d, to: *mut f64, count: usize) {
        // SAFETY: the token proves AVX-512; only `count` numbers are written, for which the caller vouches.
        unsafe { _mm512_mask_storeu_pd(to, first_of_eight(count), vector) }
    }

    #[inline(always)]
    fn add(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_add_pd(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_sub_pd(a, b) }
    }

    #[inline(always)]
    unsafe fn load_some_or(self, from: *const f64, count: usize, rest: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512; only `count` numbers are read, for which the caller vouches.
        unsafe { _mm512_mask_loadu_pd(rest, first_of_eight(count), from) }
    }

    #[inline(always)]
    fn mul(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_mul_pd(a, b) }
    }

    #[inline(always)]
    fn greater(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_max_pd(a, b) }
    }

    #[inline(always)]
    fn greatest(self, vector: __m512d) -> f64 {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_reduce_max_pd(vector) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_fmadd_pd(a, b, c) }
    }

    #[inline(always)]
    fn mul_sub(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_fnmadd_pd(a, b, c) }
    }

    #[inline(always)]
    fn keep_where_nonzero(self, vector: __m512d, test: __m512d) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe {
            let keep = _mm512_cmp_pd_mask::<_CMP_NEQ_UQ>(test, _mm512_setzero_pd());
            _mm512_maskz_mov_pd(keep, vector)
        }
    }

    #[inline(always)]
    fn has_nan(self, vector: __m512d) -> bool {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(vector, vector) != 0 }
    }

    #[inline(always)]
    fn all_near(self, vector: __m512d, limit: f64) -> bool {
        // SAFETY: the token proves AVX-512.
        unsafe { _mm512_cmp_pd_mask::<_CMP_LE_OQ>(_mm512_abs_pd(vector), _mm512_set1_pd(limit)) == 0xff }
    }

    #[inline(always)]
    fn sums(self, v: [__m512d; 8]) -> [f64; 8] {
        let mut sums = [0.0; 8];
        // SAFETY: the token proves AVX-512; eight numbers are written to eight.
        unsafe { _mm512_storeu_pd(sums.as_mut_ptr(), self.across(&v)) };
        sums
    }

    #[inline(always)]
    fn across(self, v: &[__m512d; 8]) -> __m512d {
        // SAFETY: the token proves AVX-512.
        unsafe {
            let (ab, cd) = (neighbours(v[0], v[1]), neighbours(v[2], v[3]));
            let (ef, gh) = (neighbours(v[4], v[5]), neighbours(v[6], v[7]));
            quarters(quarters(ab, cd), quarters(ef, gh))
        }
    }

    #[inline(always)]
    unsafe fn turn(self, from: &[*const f64; 8], [rows, columns]: [usize; 2], to: &[*mut f64; 8]) {
        let mut v = [self.splat(0.0); 8];
        for (l, v) in v.iter_mut().enumerate() {
            if l < rows {
                // SAFETY: the caller vouches for the numbers.
                *v = unsafe { if columns == 8 { self.load(from[l]) } else { self.load_some(from[l], columns) } };
            }
        }
        // SAFETY: the token proves AVX-512, the caller vouches for the numbers.
        unsafe {
            let even = |a: usize| _mm512_unpacklo_pd(v[a], v[a + 1]);
            let odd = |a: usize| _mm512_unpackhi_pd(v[a], v[a + 1]);
            let even = across([even(0), even(2), even(4), even(6)]);
            let odd = across([odd(0), odd(2), odd(4), odd(6)]);
            for k in 0..columns {
                self.store(if k % 2 == 0 { even[k / 2] } else { odd[k / 2] }, to[k]);
            }
        }
    }
}

/// The sum of each of four registers.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn sums_of_four(a: __m256d, b: __m256d, c: __m256d, d: __m256d) -> __m256d {
    // SAFETY: as the caller promises.
    unsafe {
        let ab = _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let cd = _mm256_add_pd(_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        let (low, high) = (_mm256_permute2f128_pd::<0x20>(ab, cd), _mm256_permute2f128_pd::<0x31>(ab, cd));
        _mm256_add_pd(low, high)
    }
}

/// The mask of the first `count` of four numbers.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn first_of_four(count: usize) -> __m256i {
    let bits = |place: usize| if place < count { -1 } else { 0 };
    // SAFETY: as the caller promises.
    unsafe { _mm256_set_epi64x(bits(3), bits(2), bits(1), bits(0)) }
}

/// The mask of the first `count` of eight numbers.
#[inline(always)]
fn first_of_eight(count: usize) -> u8 {
    debug_assert!(count <= 8);
    ((1_u16 << count) - 1).to_le_bytes()[0]
}

/// Turns a square of four times four pairs.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn across_four([a, b, c, d]: [__m256d; 4]) -> [__m256d; 4] {
    // SAFETY: as the caller promises.
    unsafe {
        let (ab, cd) = (_mm256_unpacklo_pd(a, b), _mm256_unpacklo_pd(c, d));
        let (ab_odd, cd_odd) = (_mm256_unpackhi_pd(a, b), _mm256_unpackhi_pd(c, d));
        [
            _mm256_permute2f128_pd::<0x20>(ab, cd),
            _mm256_permute2f128_pd::<0x20>(ab_odd, cd_odd),
            _mm256_permute2f128_pd::<0x31>(ab, cd),
            _mm256_permute2f128_pd::<0x31>(ab_odd, cd_odd),
        ]
    }
}

#[inline(always)]
unsafe fn across([a, b, c, d]: [__m512d; 4]) -> [__m512d; 4] {
    // SAFETY: as the caller promises.
    unsafe {
        let (ab, cd) = (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0x88>(c, d));
        let (ab_odd, cd_odd) = (_mm512_shuffle_f64x2::<0xdd>(a, b), _mm512_shuffle_f64x2::<0xdd>(c, d));
        [
            _mm512_shuffle_f64x2::<0x88>(ab, cd),
            _mm512_shuffle_f64x2::<0x88>(ab_odd, cd_odd),
            _mm512_shuffle_f64x2::<0xdd>(ab, cd),
            _mm512_shuffle_f64x2::<0xdd>(ab_odd, cd_odd),
        ]
    }
}

/// The sums of neighbours of a and of b, in turn.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn neighbours(a: __m512d, b: __m512d) -> __m512d {
    // SAFETY: as the caller promises.
    unsafe { _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b)) }
}

/// The sums of neighbouring quarters of a, then of b.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn quarters(a: __m512d, b: __m512d) -> __m512d {
    // SAFETY: as the caller promises.
    unsafe { _mm512_add_pd(_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xdd>(a, b)) }
}
