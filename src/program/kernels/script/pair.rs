//! The lines of two products with a factor in common: the adjoints of both factors of a product.

use super::super::Zero;
use super::super::isa::{Instruction, Isa};
use super::super::linear::{Mode, has_nan, product};
use super::super::vector::{Simd, load};
use super::{
    ALL, FILLS, FILLS_OTHER, Factor, Function, Line, Memory, PLACES, Place, Script, Sum, check_target, most_registers,
};
use smallvec::SmallVec;

impl Sum {
    /// Whether one line can write this and another sum: each is one product of rows in which a zero absorbs, and they
    /// have the first factor in common.
    pub(crate) fn pairs_with(&self, other: &Self) -> bool {
        let ([own], [others]) = (self.terms.as_slice(), other.terms.as_slice()) else { return false };
        let alone = |sum: &Self| sum.start.is_none() && sum.zero == Zero::Absorbs;
        let alike = self.count == other.count && own.factor == others.factor && own.minus == others.minus;
        let Factor::Row(factor) = own.factor else { return false };
        // Nothing is written that the line has yet to read.
        let read = [factor, own.row, others.row];
        let apart = |a: Place, b: Place| !a.meets(self.count, b, self.count);
        let outs = [self.out, other.out];
        alone(self) && alone(other) && alike && apart(outs[0], outs[1]) && {
            outs.iter().all(|&out| read.iter().all(|&read| apart(out, read)))
        }
    }
}

impl Script {
    /// Writes two sums in the place of a line.
    ///
    /// # Panics
    /// When there is no such line, they are not a pair, or one is neither a value nor an adjoint.
    pub(crate) fn amend_with_pair(&mut self, line: u32, sums: [&Sum; 2]) {
        let [a, b] = sums;
        assert!(a.pairs_with(b), "two products with a factor in common");
        let (isa, modes) = (self.isa_for(a.count), [a.mode, b.mode]);
        let function = if self.is_short(a) { of_modes::<true>(isa, modes) } else { of_modes::<false>(isa, modes) };
        let mut places: SmallVec<[Place; PLACES]> = SmallVec::new();
        let mut minus = u8::from(a.terms[0].minus) << ALL;
        for (sum, bit) in sums.into_iter().zip([FILLS, FILLS_OTHER]) {
            check_target(sum.out);
            minus |= self.fills(sum, bit);
            places.push(sum.out);
        }
        places.push(self.reach_factor(a.terms[0].factor, a.count, 1));
        for sum in sums {
            self.reach(sum.terms[0].row, sum.count);
            places.push(sum.terms[0].row);
        }
        self.lines[line as usize] = Line::new(function, a.count, &places, Place::NOTHING, minus);
    }
}

fn of_modes<const SHORT: bool>(isa: Isa, modes: [Mode; 2]) -> Function {
    match modes {
        [Mode::Store, Mode::Store] => isa.function::<Pair<SHORT, false, false>>(),
        [Mode::Store, Mode::Add] => isa.function::<Pair<SHORT, false, true>>(),
        [Mode::Add, Mode::Store] => isa.function::<Pair<SHORT, true, false>>(),
        [Mode::Add, Mode::Add] => isa.function::<Pair<SHORT, true, true>>(),
    }
}

/// Two products with a factor in common, of which each is added to what stands there or stored.
struct Pair<const SHORT: bool, const ADD: bool, const ADD_OTHER: bool>;

impl<const SHORT: bool, const ADD: bool, const ADD_OTHER: bool> Instruction for Pair<SHORT, ADD, ADD_OTHER> {
    #[inline(always)]
    unsafe fn run<S: Simd>(simd: S, line: &Line, memory: &Memory) {
        // SAFETY: the caller vouches for the places; no register goes beyond `len` numbers.
        unsafe {
            let len = line.len::<SHORT>(memory);
            let row = |place: usize| line.rows::<SHORT>(place, memory);
            let minus = !SHORT && line.has(ALL);
            let rows = Rows::<S> {
                outs: [row(0), row(1)],
                factor: row(2),
                others: [row(3), row(4)],
                fills: [line.has(FILLS), line.has(FILLS_OTHER)],
                start: simd.splat(if minus { 0.0 } else { -0.0 }),
                minus,
            };
            let mut done = 0;
            for _ in 0..most_registers::<S, SHORT>() {
                if len - done < S::WIDTH {
                    break;
                }
                rows.register::<ADD, ADD_OTHER, true>(simd, done, S::WIDTH);
                done += S::WIDTH;
            }
            if done < len {
                rows.register::<ADD, ADD_OTHER, false>(simd, done, len - done);
            }
        }
    }
}

struct Rows<S: Simd> {
    outs: [*mut f64; 2],
    factor: *const f64,
    others: [*const f64; 2],
    /// Whether the last register of each is filled.
    fills: [bool; 2],
    /// Nothing, with the sign that is turned.
    start: S::Vector,
    minus: bool,
}

impl<S: Simd> Rows<S> {
    /// Up to one register of both, `WHOLE` or not.
    ///
    /// # Safety
    /// The rows have `some` numbers from `done` on.
    #[inline(always)]
    unsafe fn register<const ADD: bool, const ADD_OTHER: bool, const WHOLE: bool>(
        &self,
        simd: S,
        done: usize,
        some: usize,
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            let factor = load::<S, WHOLE>(simd, self.factor.add(done), some);
            let a = load::<S, WHOLE>(simd, self.others[0].add(done), some);
            let b = load::<S, WHOLE>(simd, self.others[1].add(done), some);
            let mut first = product::<S, false, false>(simd, factor, a, self.start);
            let mut second = product::<S, false, false>(simd, factor, b, self.start);
            if has_nan(simd, &[first, second]) {
                first = product::<S, true, false>(simd, factor, a, self.start);
                second = product::<S, true, false>(simd, factor, b, self.start);
            }
            self.write::<ADD, WHOLE>(simd, first, self.outs[0].add(done), some, self.fills[0]);
            self.write::<ADD_OTHER, WHOLE>(simd, second, self.outs[1].add(done), some, self.fills[1]);
        }
    }

    /// # Safety
    /// `to` points at `some` numbers, at a whole register if it is filled.
    #[inline(always)]
    unsafe fn write<const ADD: bool, const WHOLE: bool>(
        &self,
        simd: S,
        product: S::Vector,
        to: *mut f64,
        some: usize,
        fills: bool,
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            if WHOLE || fills {
                let before = if ADD { simd.load(to) } else { simd.splat(-0.0) };
                simd.store(self.total(simd, before, product), to);
            } else {
                let before = if ADD { simd.load_some(to, some) } else { simd.splat(-0.0) };
                simd.store_some(self.total(simd, before, product), to, some);
            }
        }
    }
    /// What is written where `before` stood, or −0 if that is forgotten.
    #[inline(always)]
    fn total(&self, simd: S, before: S::Vector, product: S::Vector) -> S::Vector {
        if self.minus { simd.sub(before, product) } else { simd.add(before, product) }
    }
}
