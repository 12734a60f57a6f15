//! The lines of operations element by element.

use std::mem::MaybeUninit;

use super::super::isa::Instruction;
use super::super::map::{Rule, forward_loop, reverse_loop};
use super::super::vector::Simd;
use super::{ALL, Line, Memory};

/// How many numbers are spread out at once.
const SPREAD: usize = 32;

/// The values of an operation; its places are the result and the operands, of which some are one number each if `MIXED`.
pub(in super::super) struct Forward<R, const N: usize, const MIXED: bool>(R);

impl<R: Rule<N>, const N: usize, const MIXED: bool> Instruction for Forward<R, N, MIXED> {
    #[inline(always)]
    unsafe fn run<S: Simd>(simd: S, line: &Line, memory: &Memory) {
        let count = line.len(memory);
        let len = count.next_multiple_of(8);
        // SAFETY: the caller vouches for the places, the script for operands apart from the result.
        unsafe {
            let (rule, out) = (R::of(line.op(memory)), line.rows(0, memory));
            let mut room = [const { MaybeUninit::uninit() }; N];
            let operands = Operands::new::<S, MIXED>(simd, line, 1, len, memory, &mut room);
            for (first, some) in pieces(if MIXED { SPREAD } else { usize::MAX }, len) {
                let out = std::slice::from_raw_parts_mut(out.add(first), some);
                forward_loop(rule, operands.piece(first, some), count - first, out);
            }
        }
    }
}

/// What an operation adds to the adjoint of operand `PLACE`; its places are that adjoint, its own, its value and the
/// operands, of which some are one number each if `MIXED`.
pub(in super::super) struct Reverse<R, const N: usize, const PLACE: usize, const ADD: bool, const MIXED: bool>(R);

impl<R: Rule<N>, const N: usize, const PLACE: usize, const ADD: bool, const MIXED: bool> Instruction
    for Reverse<R, N, PLACE, ADD, MIXED>
{
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
            let mut room = [const { MaybeUninit::uninit() }; N];
            let operands = Operands::new::<S, MIXED>(simd, line, 3, len, memory, &mut room);
            if !ADD && !MIXED && len == count {
                let out = std::slice::from_raw_parts_mut(target, len);
                return reverse_loop::<R, N, PLACE>(rule, operands.piece(0, len), count, value, adjoint, out);
            }
            let to_number = MIXED && line.minus >> ALL & 1 == 1;
            let mut total = simd.splat(0.0);
            let mut scratch = [0.0; SPREAD];
            for (first, some) in pieces(SPREAD, count) {
                let spread = &mut scratch[..some.next_multiple_of(8)];
                let range = first..first + spread.len();
                let parts = operands.piece(first, spread.len());
                reverse_loop::<R, N, PLACE>(rule, parts, some, &value[range.clone()], &adjoint[range], spread);
                if to_number {
                    for at in (0..some).step_by(S::WIDTH) {
                        total = simd.add(total, simd.load_some(spread.as_ptr().add(at), (some - at).min(S::WIDTH)));
                    }
                } else {
                    write::<S, ADD>(simd, spread, target.add(first), some);
                }
            }
            if to_number {
                let total = simd.sums([total; 8])[0];
                *target = if ADD { *target + total } else { total };
            }
        }
    }
}

/// The beginning and the length of each piece of up to `most` numbers.
#[inline(always)]
fn pieces(most: usize, len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..len).step_by(most).map(move |first| (first, most.min(len - first)))
}

/// Room for operands that are one number each.
type Room<const N: usize> = [MaybeUninit<[f64; SPREAD]>; N];

/// Where the operands of a line begin, and by how much they go on for each number: not at all if one is spread out.
struct Operands<const N: usize> {
    firsts: [*const f64; N],
    steps: [usize; N],
}

impl<const N: usize> Operands<N> {
    /// The operands from a place on; the room must outlive them.
    ///
    /// # Safety
    /// The memory has `len` numbers of each, and one of those that are one number.
    #[inline(always)]
    unsafe fn new<S: Simd, const MIXED: bool>(
        simd: S,
        line: &Line,
        place: usize,
        len: usize,
        memory: &Memory,
        room: &mut Room<N>,
    ) -> Self {
        let mut operands = Self { firsts: [std::ptr::null(); N], steps: [1; N] };
        for (n, room) in room.iter_mut().enumerate() {
            // SAFETY: as the caller promises; the room has `SPREAD` numbers, which is a multiple of the registers.
            unsafe {
                if MIXED && line.minus >> n & 1 == 1 {
                    let (number, room) = (simd.splat(line.number(place + n, memory)), room.as_mut_ptr().cast::<f64>());
                    for at in (0..len.min(SPREAD)).step_by(S::WIDTH) {
                        simd.store(number, room.add(at));
                    }
                    (operands.firsts[n], operands.steps[n]) = (room, 0);
                } else {
                    operands.firsts[n] = line.rows(place + n, memory);
                }
            }
        }
        operands
    }

    /// Some numbers of each operand.
    ///
    /// # Safety
    /// The operands have them; they are no more than `SPREAD` where one is spread out.
    #[inline(always)]
    unsafe fn piece<'m>(&self, first: usize, some: usize) -> [&'m [f64]; N] {
        std::array::from_fn(|n| {
            // SAFETY: as the caller promises.
            unsafe { std::slice::from_raw_parts(self.firsts[n].add(first * self.steps[n]), some) }
        })
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
