//! The lines of dots: one number from two rows, or from a row and a number.

use super::super::Zero;
use super::super::isa::{Instruction, Isa};
use super::super::linear::{Mode, has_nan, product};
use super::super::vector::Simd;
use super::{Function, Line, Memory};

/// The function of a dot; `number` says that the first factor is one number.
pub(super) fn function(isa: Isa, number: bool, mode: Mode, zero: Zero) -> Function {
    match (number, zero) {
        (false, Zero::Multiplies) => of_mode::<false, false>(isa, mode),
        (false, Zero::Absorbs) => of_mode::<false, true>(isa, mode),
        (true, Zero::Multiplies) => of_mode::<true, false>(isa, mode),
        (true, Zero::Absorbs) => of_mode::<true, true>(isa, mode),
    }
}

fn of_mode<const NUMBER: bool, const ABSORB: bool>(isa: Isa, mode: Mode) -> Function {
    match mode {
        Mode::Store => isa.function::<Dot<NUMBER, ABSORB, false>>(),
        Mode::Add => isa.function::<Dot<NUMBER, ABSORB, true>>(),
    }
}

struct Dot<const NUMBER: bool, const ABSORB: bool, const ADD: bool>;

impl<const NUMBER: bool, const ABSORB: bool, const ADD: bool> Instruction for Dot<NUMBER, ABSORB, ADD> {
    #[inline(always)]
    unsafe fn run<S: Simd>(simd: S, line: &Line, memory: &Memory) {
        // SAFETY: the caller vouches for the places; no register goes beyond `len` numbers.
        unsafe {
            let factors = Factors {
                number: if NUMBER { simd.splat(line.number(1, memory)) } else { simd.splat(0.0) },
                factor: if NUMBER { std::ptr::null() } else { line.rows::<true>(1, memory) },
                row: line.rows::<true>(2, memory),
                len: line.count as usize,
            };
            let mut sum = factors.sum::<NUMBER, false>(simd);
            if ABSORB && has_nan(simd, &[sum]) {
                sum = factors.sum::<NUMBER, true>(simd);
            }
            let total = simd.total(sum);
            let total = if line.bits == 0 { total } else { -total };
            let out = line.rows::<true>(0, memory);
            *out = if ADD { *out + total } else { total };
        }
    }
}

struct Factors<S: Simd> {
    number: S::Vector,
    factor: *const f64,
    row: *const f64,
    len: usize,
}

impl<S: Simd> Factors<S> {
    /// The sum of the products, one number of a register for every so manieth of them.
    ///
    /// # Safety
    /// Both rows have `len` numbers.
    #[inline(always)]
    unsafe fn sum<const NUMBER: bool, const ABSORB: bool>(&self, simd: S) -> S::Vector {
        // Two chains of additions share their latency.
        let mut sums = [simd.splat(0.0); 2];
        let (mut done, mut chain) = (0, 0);
        while done < self.len {
            let some = S::WIDTH.min(self.len - done);
            // SAFETY: as the caller promises.
            unsafe {
                let row = simd.load_some(self.row.add(done), some);
                let factor = if NUMBER { self.number } else { simd.load_some(self.factor.add(done), some) };
                sums[chain] = product::<S, ABSORB, false>(simd, factor, row, sums[chain]);
            }
            done += some;
            chain = 1 - chain;
        }
        simd.add(sums[0], sums[1])
    }
}
