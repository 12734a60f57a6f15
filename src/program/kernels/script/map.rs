//! The lines of operations element by element.

use super::super::isa::Instruction;
use super::super::map::{Rule, forward_loop, reverse_loop};
use super::super::vector::Simd;
use super::{Line, Memory};

/// How many numbers are spread out before they are added.
const SPREAD: usize = 64;

/// The values of an operation; its places are the result and the operands.
pub(in super::super) struct Forward<R, const N: usize>(R);

impl<R: Rule<N>, const N: usize> Instruction for Forward<R, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(_: S, line: &Line, memory: &Memory) {
        let len = line.len(memory).next_multiple_of(8);
        // SAFETY: the caller vouches for the places, the script for operands apart from the result.
        unsafe {
            let out = std::slice::from_raw_parts_mut(line.rows(0, memory), len);
            forward_loop(R::of(line.op(memory)), operands::<N>(line, 1, len, memory), out);
        }
    }
}

/// What an operation adds to the adjoint of operand `PLACE`; its places are that adjoint, its own, its value and the
/// operands.
pub(in super::super) struct Reverse<R, const N: usize, const PLACE: usize, const ADD: bool>(R);

impl<R: Rule<N>, const N: usize, const PLACE: usize, const ADD: bool> Instruction for Reverse<R, N, PLACE, ADD> {
    #[inline(always)]
    unsafe fn run<S: Simd>(simd: S, line: &Line, memory: &Memory) {
        let count = line.len(memory);
        let len = count.next_multiple_of(8);
        // SAFETY: the caller vouches for the places, the script for operands apart from the result.
        unsafe {
            let rule = R::of(line.op(memory));
            let target = line.rows(0, memory);
            let adjoint = std::slice::from_raw_parts(line.rows(1, memory), len);
            let value = std::slice::from_raw_parts(line.rows(2, memory), len);
            let operands = operands::<N>(line, 3, len, memory);
            if !ADD && len == count {
                let out = std::slice::from_raw_parts_mut(target, len);
                return reverse_loop::<R, N, PLACE>(rule, operands, value, adjoint, out);
            }
            let mut scratch = [0.0; SPREAD];
            let mut first = 0;
            while first < count {
                let some = SPREAD.min(count - first);
                let spread = &mut scratch[..some.next_multiple_of(8)];
                let (from, to) = (first, first + spread.len());
                let mut parts = operands;
                for part in &mut parts {
                    *part = &part[from..to];
                }
                reverse_loop::<R, N, PLACE>(rule, parts, &value[from..to], &adjoint[from..to], spread);
                write::<S, ADD>(simd, spread, target.add(first), some);
                first += some;
            }
        }
    }
}

/// The operands from a place on.
///
/// # Safety
/// The memory has `len` numbers of each.
#[inline(always)]
unsafe fn operands<'m, const N: usize>(line: &Line, first: usize, len: usize, memory: &'m Memory) -> [&'m [f64]; N] {
    let mut operands: [&[f64]; N] = [&[]; N];
    for (n, operand) in operands.iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        *operand = unsafe { std::slice::from_raw_parts(line.rows(first + n, memory), len) };
    }
    operands
}

/// Stores or adds some numbers.
///
/// # Safety
/// `to` points at as many, and `from` fills whole registers.
#[inline(always)]
unsafe fn write<S: Simd, const ADD: bool>(simd: S, from: &[f64], to: *mut f64, some: usize) {
    let mut done = 0;
    while done < some {
        let left = some - done;
        // SAFETY: as the caller promises.
        unsafe {
            let (numbers, to) = (simd.load(from.as_ptr().add(done)), to.add(done));
            if left >= S::WIDTH {
                simd.store(if ADD { simd.add(simd.load(to), numbers) } else { numbers }, to);
            } else {
                simd.store_some(if ADD { simd.add(simd.load_some(to, left), numbers) } else { numbers }, to, left);
            }
        }
        done += S::WIDTH;
    }
}
