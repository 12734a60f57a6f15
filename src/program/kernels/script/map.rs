//! The lines of operations element by element.

use super::super::isa::Instruction;
use super::super::linear::product;
use super::super::map::{Rule, forward_loop, is_number, reverse_loop};
use super::super::vector::{Numbers, Simd};
use super::{ALL, FILLS, Line, Memory};

/// How many adjoints are computed before they are added where they belong: as many as fill a register, and more where the
/// size of all operands chooses between two rules.
const BLOCK: usize = 8;
const NEAR_BLOCK: usize = 32;

/// The values of an operation; its places are the result and the operands, of which those in `NUMBERS` are one number each.
pub(in super::super) struct Forward<R, const N: usize, const NUMBERS: u8>(R);

impl<R: Rule<N>, const N: usize, const NUMBERS: u8> Instruction for Forward<R, N, NUMBERS> {
    #[inline(always)]
    unsafe fn run<S: Simd>(_: S, line: &Line, memory: &Memory) {
        let count = line.len::<false>(memory);
        let len = count.next_multiple_of(8);
        // SAFETY: the caller vouches for the places, the script for operands apart from the result.
        unsafe {
            let (rule, out) = (R::of(line.op(memory)), line.rows::<false>(0, memory));
            let operands = Operands::<N, NUMBERS>::new(line, 1, memory);
            for row in 0..rows::<NUMBERS>(line) {
                let out = std::slice::from_raw_parts_mut(out.add(row * len), len);
                forward_loop::<R, N, NUMBERS>(rule, operands.row(row, len).piece(0, len), count, out);
            }
        }
    }
}

/// What an operation adds to the adjoint of operand `PLACE`; its places are that adjoint, its own, its value and the
/// operands, of which those in `NUMBERS` are one number each.
pub(in super::super) struct Reverse<R, const N: usize, const PLACE: usize, const NUMBERS: u8, const ADD: bool>(R);

impl<R: Rule<N>, const N: usize, const PLACE: usize, const NUMBERS: u8, const ADD: bool> Instruction
    for Reverse<R, N, PLACE, NUMBERS, ADD>
{
    #[inline(always)]
    unsafe fn run<S: Simd>(simd: S, line: &Line, memory: &Memory) {
        // SAFETY: as the caller promises.
        unsafe {
            if NUMBERS == 0 && R::NEAR_BY_VALUE && Self::by_value(simd, line, memory) {
                return;
            }
            if R::NEAR_PARTIALS.is_none() {
                Self::blocks::<S, BLOCK>(simd, line, memory);
            } else {
                Self::blocks::<S, NEAR_BLOCK>(simd, line, memory);
            }
        }
    }
}

impl<R: Rule<N>, const N: usize, const PLACE: usize, const NUMBERS: u8, const ADD: bool>
    Reverse<R, N, PLACE, NUMBERS, ADD>
{
    /// The line register by register, if all operands are near, and whether they are.
    ///
    /// # Safety
    /// The places of the line lie in memory.
    #[inline(always)]
    unsafe fn by_value<S: Simd>(simd: S, line: &Line, memory: &Memory) -> bool {
        let count = line.len::<false>(memory);
        let limit = R::NEAR_PARTIALS.unwrap_or(0.0);
        // SAFETY: the caller vouches for the places; what fills the last register of the others can be read.
        unsafe {
            let [target, adjoint, value, operand] = [0, 1, 2, 3].map(|place| line.rows::<false>(place, memory));
            for first in (0..count).step_by(S::WIDTH) {
                let some = (count - first).min(S::WIDTH);
                if !simd.all_near(simd.load_some(operand.add(first), some), limit) {
                    return false;
                }
            }
            let rule = R::of(line.op(memory));
            let fills = line.has(FILLS);
            for first in (0..count).step_by(S::WIDTH) {
                let [adjoint, value] = [adjoint, value].map(|of| simd.load(of.add(first)));
                let partial = rule.near_by_value(Numbers { simd, vector: value }).vector;
                let added = product::<S, true, false>(simd, adjoint, partial, simd.splat(-0.0));
                write_register::<S, ADD>(simd, added, target.add(first), if fills { S::WIDTH } else { count - first });
            }
        }
        true
    }

    /// The line in blocks of `B` numbers.
    ///
    /// # Safety
    /// The places of the line lie in memory.
    #[inline(always)]
    unsafe fn blocks<S: Simd, const B: usize>(simd: S, line: &Line, memory: &Memory) {
        let count = line.len::<false>(memory);
        // SAFETY: the caller vouches for the places, the script for operands apart from the result.
        unsafe {
            let rule = R::of(line.op(memory));
            let target = line.rows::<false>(0, memory);
            let [adjoint, value] = [line.rows::<false>(1, memory), line.rows::<false>(2, memory)];
            let operands = Operands::<N, NUMBERS>::new(line, 3, memory);
            let to_number = is_number(NUMBERS, PLACE) && line.has(ALL);
            let whole = count.next_multiple_of(BLOCK);
            for row in 0..rows::<NUMBERS>(line) {
                let (start, operands) = (row * whole, operands.row(row, whole));
                let mut total = simd.splat(0.0);
                for (first, some) in pieces(B, count) {
                    // A register is as long as the compiler knows.
                    let len = if B == BLOCK { B } else { some.next_multiple_of(BLOCK) };
                    let mut scratch = [0.0; B];
                    let scratch = &mut scratch[..len];
                    let [value, adjoint] =
                        [value, adjoint].map(|of| std::slice::from_raw_parts(of.add(start + first), len));
                    let parts = operands.piece(first, len);
                    reverse_loop::<R, N, PLACE, NUMBERS>(rule, parts, some, value, adjoint, scratch);
                    if to_number {
                        for at in (0..some).step_by(S::WIDTH) {
                            let some = (some - at).min(S::WIDTH);
                            total = simd.add(total, simd.load_some(scratch.as_ptr().add(at), some));
                        }
                    } else {
                        let some = if line.has(FILLS) { len } else { some };
                        write::<S, ADD>(simd, scratch, target.add(start + first), some);
                    }
                }
                if to_number {
                    let (total, target) = (simd.total(total), target.add(row));
                    *target = if ADD { *target + total } else { total };
                }
            }
        }
    }
}

/// How many rows a map has; where no operand is one number for each, all are one.
#[inline(always)]
fn rows<const NUMBERS: u8>(line: &Line) -> usize {
    if NUMBERS == 0 { 1 } else { line.row_count() }
}

/// The beginning and the length of each piece of up to `most` numbers.
#[inline(always)]
fn pieces(most: usize, len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..len).step_by(most).map(move |first| (first, most.min(len - first)))
}

/// Where the operands of a line begin; those in `NUMBERS` are one number each.
struct Operands<const N: usize, const NUMBERS: u8>([*const f64; N]);

impl<const N: usize, const NUMBERS: u8> Operands<N, NUMBERS> {
    /// The operands from a place on.
    ///
    /// # Safety
    /// The memory has them.
    #[inline(always)]
    unsafe fn new(line: &Line, place: usize, memory: &Memory) -> Self {
        let mut firsts = [std::ptr::null(); N];
        for (n, first) in firsts.iter_mut().enumerate() {
            // SAFETY: as the caller promises. A number is counted as such, a row by its lanes.
            unsafe {
                *first = if is_number(NUMBERS, n) {
                    line.base(place + n, memory).add(line.firsts[place + n] as usize)
                } else {
                    line.rows::<false>(place + n, memory)
                };
            }
        }
        Self(firsts)
    }

    /// The same for a later row; the rows are `len` numbers apart, and what is one number for each is the next.
    #[inline(always)]
    fn row(&self, row: usize, len: usize) -> Self {
        let mut later = self.0;
        for (n, first) in later.iter_mut().enumerate() {
            *first = first.wrapping_add(if is_number(NUMBERS, n) { row } else { row * len });
        }
        Self(later)
    }

    /// Some numbers of each operand, or the one that it is.
    ///
    /// # Safety
    /// The operands have them.
    #[inline(always)]
    unsafe fn piece<'m>(&self, first: usize, some: usize) -> [&'m [f64]; N] {
        let mut pieces = [&[][..]; N];
        for (n, piece) in pieces.iter_mut().enumerate() {
            let (first, some) = if is_number(NUMBERS, n) { (0, 1) } else { (first, some) };
            // SAFETY: as the caller promises.
            *piece = unsafe { std::slice::from_raw_parts(self.0[n].add(first), some) };
        }
        pieces
    }
}

/// Stores or adds some numbers.
///
/// # Safety
/// `to` points at as many, and `from` fills whole registers.
#[inline(always)]
unsafe fn write<S: Simd, const ADD: bool>(simd: S, from: &[f64], to: *mut f64, some: usize) {
    let mut done = 0;
    while done < some {
        // SAFETY: as the caller promises.
        unsafe { write_register::<S, ADD>(simd, simd.load(from.as_ptr().add(done)), to.add(done), some - done) };
        done += S::WIDTH;
    }
}

/// Stores or adds a register, or its first numbers where fewer are left.
///
/// # Safety
/// `to` points at as many.
#[inline(always)]
unsafe fn write_register<S: Simd, const ADD: bool>(simd: S, numbers: S::Vector, to: *mut f64, left: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if left >= S::WIDTH {
            simd.store(if ADD { simd.add(simd.load(to), numbers) } else { numbers }, to);
        } else {
            simd.store_some(if ADD { simd.add(simd.load_some(to, left), numbers) } else { numbers }, to, left);
        }
    }
}
