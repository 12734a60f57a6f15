//! Vector registers: the few things that kernels do with them.

mod numbers;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::isa::Portable;
pub(super) use numbers::Numbers;

/// An instruction set, seen as operations on its registers of `f64`.
///
/// Every function is `#[inline(always)]`: it becomes part of a function for which the instruction set is enabled.
/// Kernels pass no closures around, since those need not be inlined.
pub(super) trait Simd: Copy {
    /// A register.
    type Vector: Copy;

    /// How many numbers a register holds: 8 or a divisor of it.
    const WIDTH: usize;

    /// How many registers there are.
    const REGISTERS: usize;

    /// The same number everywhere.
    fn splat(self, number: f64) -> Self::Vector;

    /// Reads `WIDTH` numbers.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn load(self, from: *const f64) -> Self::Vector;

    /// Writes `WIDTH` numbers.
    ///
    /// # Safety
    /// They can be written.
    unsafe fn store(self, vector: Self::Vector, to: *mut f64);

    /// a + b.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a − b.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a · b.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// c + a b, rounded once where the instruction set can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// c − a b, rounded once where the instruction set can.
    fn mul_sub(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// `vector` where `test` is not 0, else 0.
    fn keep_where_nonzero(self, vector: Self::Vector, test: Self::Vector) -> Self::Vector;

    /// a · b + c for single numbers, rounded once where the processor can.
    fn mul_add_one(self, a: f64, b: f64, c: f64) -> f64;

    /// Up to `WIDTH` numbers, and zeros after them.
    ///
    /// # Safety
    /// `from` points at `count` numbers.
    unsafe fn load_some(self, from: *const f64, count: usize) -> Self::Vector;

    /// Up to `WIDTH` numbers, and those of `rest` after them.
    ///
    /// # Safety
    /// `from` points at `count` numbers.
    #[inline(always)]
    unsafe fn load_some_or(self, from: *const f64, count: usize, rest: Self::Vector) -> Self::Vector {
        let mut numbers = [0.0; 8];
        // SAFETY: the caller vouches for the numbers, and a register has no more than eight.
        unsafe {
            self.store(rest, numbers.as_mut_ptr());
            numbers.as_mut_ptr().copy_from_nonoverlapping(from, count);
            self.load(numbers.as_ptr())
        }
    }

    /// a where it is greater than b, else b.
    fn greater(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The greatest number of a register, none of which is NaN.
    #[inline(always)]
    fn greatest(self, vector: Self::Vector) -> f64 {
        let mut numbers = [f64::NEG_INFINITY; 8];
        // SAFETY: a register has no more than eight numbers.
        unsafe { self.store(vector, numbers.as_mut_ptr()) };
        numbers.iter().fold(f64::NEG_INFINITY, |most, &x| if x > most { x } else { most })
    }

    /// Writes the first numbers of a register.
    ///
    /// # Safety
    /// `to` points at `count` numbers that may be written.
    unsafe fn store_some(self, vector: Self::Vector, to: *mut f64, count: usize);

    /// Whether a number is none.
    fn has_nan(self, vector: Self::Vector) -> bool;

    /// Whether the sizes of all numbers are up to a limit.
    fn all_near(self, vector: Self::Vector, limit: f64) -> bool;

    /// The sum of the numbers of a register.
    #[inline(always)]
    fn total(self, vector: Self::Vector) -> f64 {
        let mut numbers = [0.0; 8];
        // SAFETY: a register has no more than eight numbers.
        unsafe { self.store(vector, numbers.as_mut_ptr()) };
        let [a, b, c, d, e, f, g, h] = numbers;
        ((a + e) + (b + f)) + ((c + g) + (d + h))
    }

    /// The sum of the numbers of each of eight registers.
    fn sums(self, vectors: [Self::Vector; 8]) -> [f64; 8];

    /// The sums of the numbers of the first `WIDTH` registers, side by side.
    fn across(self, vectors: &[Self::Vector; 8]) -> Self::Vector;

    /// Turns a square of up to `rows` times `columns`, 8 each: number k of `from[l]` becomes number l of `to[k]`. Zeros
    /// stand in the place of further rows; further columns are not written.
    ///
    /// # Safety
    /// The rows have `columns` numbers to read, and the columns eight to write; they overlap with none that are read.
    #[inline(always)]
    unsafe fn turn(self, from: &[*const f64; 8], [rows, columns]: [usize; 2], to: &[*mut f64; 8]) {
        for (k, to) in to.iter().enumerate().take(columns) {
            for (l, from) in from.iter().enumerate() {
                // SAFETY: as the caller promises.
                unsafe { *to.add(l) = if l < rows { from.add(k).read() } else { 0.0 } };
            }
        }
    }
}

/// A register, or the first `some` numbers of one.
///
/// # Safety
/// They can be read.
#[inline(always)]
pub(super) unsafe fn load<S: Simd, const WHOLE: bool>(simd: S, from: *const f64, some: usize) -> S::Vector {
    // SAFETY: as the caller promises.
    unsafe { if WHOLE { simd.load(from) } else { simd.load_some(from, some) } }
}

impl Simd for Portable {
    type Vector = [f64; 2];

    const WIDTH: usize = 2;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, number: f64) -> [f64; 2] {
        [number; 2]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f64) -> [f64; 2] {
        // SAFETY: the caller vouches for it; a number is as well aligned as an array of numbers.
        unsafe { from.cast::<[f64; 2]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, vector: [f64; 2], to: *mut f64) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<[f64; 2]>().write(vector) }
    }

    #[inline(always)]
    fn mul_add_one(self, a: f64, b: f64, c: f64) -> f64 {
        c + a * b
    }

    #[inline(always)]
    unsafe fn load_some(self, from: *const f64, count: usize) -> [f64; 2] {
        let mut vector = [0.0; 2];
        for (i, number) in vector.iter_mut().enumerate().take(count) {
            // SAFETY: the caller vouches for `count` numbers.
            *number = unsafe { from.add(i).read() };
        }
        vector
    }

    #[inline(always)]
    unsafe fn store_some(self, vector: [f64; 2], to: *mut f64, count: usize) {
        for (i, &number) in vector.iter().enumerate().take(count) {
            // SAFETY: the caller vouches for `count` numbers.
            unsafe { to.add(i).write(number) };
        }
    }

    #[inline(always)]
    fn add(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] + b[0], a[1] + b[1]]
    }

    #[inline(always)]
    fn sub(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] - b[0], a[1] - b[1]]
    }

    #[inline(always)]
    fn mul(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] * b[0], a[1] * b[1]]
    }

    #[inline(always)]
    fn greater(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [if a[0] > b[0] { a[0] } else { b[0] }, if a[1] > b[1] { a[1] } else { b[1] }]
    }

    #[inline(always)]
    fn mul_add(self, a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> [f64; 2] {
        [c[0] + a[0] * b[0], c[1] + a[1] * b[1]]
    }

    #[inline(always)]
    fn mul_sub(self, a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> [f64; 2] {
        [c[0] - a[0] * b[0], c[1] - a[1] * b[1]]
    }

    #[inline(always)]
    fn keep_where_nonzero(self, vector: [f64; 2], test: [f64; 2]) -> [f64; 2] {
        [if test[0] == 0.0 { 0.0 } else { vector[0] }, if test[1] == 0.0 { 0.0 } else { vector[1] }]
    }

    #[inline(always)]
    fn has_nan(self, vector: [f64; 2]) -> bool {
        vector[0].is_nan() | vector[1].is_nan()
    }

    #[inline(always)]
    fn all_near(self, vector: [f64; 2], limit: f64) -> bool {
        (vector[0].abs() <= limit) & (vector[1].abs() <= limit)
    }

    #[inline(always)]
    fn sums(self, vectors: [[f64; 2]; 8]) -> [f64; 8] {
        let mut sums = [0.0; 8];
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum = vector[0] + vector[1];
        }
        sums
    }

    #[inline(always)]
    fn across(self, [a, b, ..]: &[[f64; 2]; 8]) -> [f64; 2] {
        [a[0] + a[1], b[0] + b[1]]
    }
}
