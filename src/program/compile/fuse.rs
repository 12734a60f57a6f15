//! Fuse: sums of sums and products become one linear form, Σ ± a·b.
//!
//! Afterwards there is no addition, subtraction, negation, multiplication, square, sum or dot to distinguish: each is a
//! [`Code::Linear`] of terms. A sum takes in the sums and products that nothing else uses, and sums and products take in
//! the sign of what they alone use negated. Only sums are re-associated.
//! The products of the chain rule are products in which a zero absorbs: a linear form has products of one kind.
//!
//! Most operations of most graphs are taken in. Slots are numbered anew for those that are left, so that every pass
//! after this one is as large as what is left to do.

use std::num::NonZeroU32;
use std::ops::Range;

use super::super::Program;
use super::super::kernels::Zero;
use super::super::ops::Ops;
use super::narrow;
use crate::op::Op;

/// One summand: ± a or ± a·b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// The first factor, of fewer than 2³¹; the highest bit is the sign.
    a: u32,
    /// The second one; stored one higher, so that the option needs no room.
    b: Option<NonZeroU32>,
}

const MINUS: u32 = 1 << 31;

impl Term {
    pub(super) fn single(a: u32, minus: bool) -> Self {
        Self { a: a | if minus { MINUS } else { 0 }, b: None }
    }

    fn product(a: u32, b: u32, minus: bool) -> Self {
        Self { b: NonZeroU32::new(b + 1), ..Self::single(a, minus) }
    }

    /// Whether it is subtracted.
    pub(super) fn minus(self) -> bool {
        self.a & MINUS != 0
    }

    /// The same with other slots.
    fn renumbered(self, place: impl Fn(u32) -> u32) -> Self {
        let a = Self::single(place(self.factors().0), self.minus());
        Self { b: self.factors().1.and_then(|b| NonZeroU32::new(place(b) + 1)), ..a }
    }

    /// Calls `visit` with the slots of the factors.
    pub(super) fn each_factor(self, mut visit: impl FnMut(u32)) {
        let (a, b) = self.factors();
        visit(a);
        b.into_iter().for_each(visit);
    }

    /// The same with the factors exchanged.
    pub(super) fn swapped(self) -> Self {
        match self.factors() {
            (a, Some(b)) => Self::product(b, a, self.minus()),
            _ => self,
        }
    }

    /// The slots of the factors.
    pub(super) fn factors(self) -> (u32, Option<u32>) {
        (self.a & !MINUS, self.b.map(|b| b.get() - 1))
    }
}

/// What computes the number of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Code {
    /// Nothing: an input, a parameter or a constant.
    Leaf,
    /// Nothing any more: it is computed in the lanes of a region.
    Rolled,
    /// A sum of terms, and what zero times infinity is in its products.
    Linear(Zero),
    /// An operation of one, two or three operands, by number.
    Map(u32),
    /// An operation of any number of operands, likewise.
    List(u32),
    /// The sum over the lanes of a region, of which this is the number.
    Region(u32),
}

/// A program's steps after fusing.
#[derive(Debug)]
pub(super) struct Fused {
    /// What computes each slot: first the leaves of the program, then what is left of its steps.
    pub(super) code: Vec<Code>,
    /// How many leaves there are.
    pub(super) leaves: usize,
    /// The slots of the outputs.
    pub(super) outputs: Vec<u32>,
    /// The operations of the program.
    pub(super) ops: Ops,
    /// The terms or operands of each slot.
    ranges: Vec<(u32, u32)>,
    terms: Vec<Term>,
    operands: Vec<u32>,
    sums: usize,
    absorbed: usize,
}

impl Fused {
    /// The terms of a linear form.
    pub(super) fn terms(&self, slot: usize) -> &[Term] {
        &self.terms[self.range(slot)]
    }

    /// The terms of a linear form, to be put in another order.
    pub(super) fn terms_mut(&mut self, slot: usize) -> &mut [Term] {
        let range = self.range(slot);
        &mut self.terms[range]
    }

    /// Gives a linear form other terms, at most as many as it has.
    pub(super) fn replace_terms(&mut self, slot: usize, terms: &[Term]) {
        let (start, _) = self.ranges[slot];
        self.terms_mut(slot)[..terms.len()].copy_from_slice(terms);
        self.ranges[slot] = (start, start + narrow(terms.len()));
    }

    /// Numbers anew what was not rolled, and gives the new slot of each.
    pub(super) fn forget_rolled(&mut self) -> Vec<u32> {
        let mut next = 0..;
        let places: Vec<u32> = (self.code.iter())
            .map(|&code| if code == Code::Rolled { GONE } else { next.next().unwrap_or(GONE) })
            .collect();
        let place = |slot: u32| places[slot as usize];
        for slot in self.leaves..self.code.len() {
            let own = self.range(slot);
            match self.code[slot] {
                Code::Linear(_) => self.terms[own].iter_mut().for_each(|term| *term = term.renumbered(place)),
                Code::Map(_) | Code::List(_) => self.operands[own].iter_mut().for_each(|slot| *slot = place(*slot)),
                Code::Leaf | Code::Rolled | Code::Region(_) => {}
            }
        }
        self.outputs.iter_mut().for_each(|slot| *slot = place(*slot));
        forget_gone(&mut self.code, &places);
        forget_gone(&mut self.ranges, &places);
        places
    }

    /// How many terms or operands a slot has.
    pub(super) fn len(&self, slot: usize) -> u32 {
        narrow(self.range(slot).len())
    }

    /// Where they are.
    fn range(&self, slot: usize) -> Range<usize> {
        let (start, end) = self.ranges[slot];
        start as usize..end as usize
    }

    /// The operands of a map or a list.
    pub(super) fn operands(&self, slot: usize) -> &[u32] {
        &self.operands[self.range(slot)]
    }

    /// Fuses the steps of a program; only the slots for which `may_absorb` is true lose their own place.
    ///
    /// Also gives the slot that each slot has in the program.
    pub(super) fn new(program: &Program, may_absorb: impl Fn(usize) -> bool) -> (Self, Vec<u32>) {
        let mut uses = uses(program);
        free_negated(program, &mut uses, &may_absorb);
        let zeros = zeros(program, &mut uses, &may_absorb);
        let (mut absorbed, mut terms, mut listed) = (0, 0, 0);
        for (op, operands, slot) in program.steps() {
            if is_linear(op) {
                terms += terms_of(op, operands.len());
                if (uses[slot] == Use::OneSum || is_sign(op, uses[slot])) && may_absorb(slot) {
                    uses[slot] = Use::Absorbed;
                    absorbed += 1;
                }
            } else {
                listed += operands.len();
            }
        }
        let computed = program.steps.len() - absorbed;
        let leaves = program.layout.len - program.steps.len();
        let mut places = leaves_of(program);
        places.reserve_exact(program.steps.len());
        let mut fused = Self {
            code: Vec::with_capacity(leaves + computed),
            leaves,
            outputs: vec![],
            ops: program.ops.clone(),
            ranges: Vec::with_capacity(leaves + computed),
            // What is absorbed was a term of one sum.
            terms: Vec::with_capacity(terms - absorbed),
            operands: Vec::with_capacity(listed),
            sums: 0,
            absorbed,
        };
        let mut origins = Vec::with_capacity(leaves + computed);
        origins.extend(0..narrow(leaves));
        fused.code.resize(leaves, Code::Leaf);
        fused.ranges.resize(leaves, (0, 0));
        let (mut open, mut read) = (vec![], 0);
        for ((op, operands, slot), step) in program.steps().zip(&program.steps) {
            let own = read..read + operands.len();
            read = own.end;
            if uses[slot] == Use::Absorbed {
                places.push(narrow(own.start));
                continue;
            }
            places.push(narrow(fused.code.len()));
            origins.push(narrow(slot));
            if is_linear(op) {
                fused.code.push(Code::Linear(zeros.get(slot).copied().flatten().unwrap_or_default()));
                fused.sums += 1;
                let start = fused.terms.len();
                fused.expand(program, slot, own, &Places { of: &places, uses: &uses }, &mut open);
                fused.ranges.push((narrow(start), narrow(fused.terms.len())));
            } else {
                fused.code.push(if op.reads_list() { Code::List(step.op) } else { Code::Map(step.op) });
                let start = fused.operands.len();
                fused.operands.extend(operands.iter().map(|&slot| places[slot as usize]));
                fused.ranges.push((narrow(start), narrow(fused.operands.len())));
            }
        }
        fused.outputs = program.outputs.iter().map(|&slot| places[slot as usize]).collect();
        (fused, origins)
    }

    /// How many sums of products there are, and how many operations they took in.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.sums, self.absorbed)
    }

    /// Appends the terms of a linear form, from left to right, with those of the steps that it absorbs.
    fn expand(
        &mut self,
        program: &Program,
        mut slot: usize,
        mut range: Range<usize>,
        places: &Places<'_>,
        open: &mut Vec<(u32, bool)>,
    ) {
        let mut minus = false;
        loop {
            let operands = &program.operands[range];
            let product = |a, b| {
                let [(a, a_minus), (b, b_minus)] = [a, b].map(|factor| places.factor(program, factor));
                Term::product(a, b, minus ^ a_minus ^ b_minus)
            };
            match program.ops[program.steps[slot - self.leaves].op] {
                Op::Mul | Op::Chain => self.terms.push(product(operands[0], operands[1])),
                Op::Square => self.terms.push(product(operands[0], operands[0])),
                Op::Dot => self.terms.extend(operands.chunks_exact(2).map(|pair| product(pair[0], pair[1]))),
                Op::Neg => open.push((operands[0], !minus)),
                Op::Sub => open.extend([(operands[1], !minus), (operands[0], minus)]),
                _ => open.extend(operands.iter().rev().map(|&operand| (operand, minus))),
            }
            loop {
                let Some((operand, sign)) = open.pop() else { return };
                let place = places.of[operand as usize];
                if places.uses[operand as usize] == Use::Absorbed {
                    (slot, minus) = (operand as usize, sign);
                    let start = place as usize;
                    range = start..start + program.steps[slot - self.leaves].count as usize;
                    break;
                }
                self.terms.push(Term::single(place, sign));
            }
        }
    }
}

/// Where the number of each slot of the program is: its slot, or where its operands begin if it is absorbed.
struct Places<'a> {
    of: &'a [u32],
    uses: &'a [Use],
}

impl Places<'_> {
    /// The number of a factor, and whether its sign is turned: what is absorbed and yet a factor is a negation.
    fn factor(&self, program: &Program, mut slot: u32) -> (u32, bool) {
        let mut minus = false;
        while self.uses[slot as usize] == Use::Absorbed {
            slot = program.operands[self.of[slot as usize] as usize];
            minus = !minus;
        }
        (self.of[slot as usize], minus)
    }
}

/// The new slot of what was rolled.
const GONE: u32 = u32::MAX;

/// Leaves out what is known of slots that have no new one.
pub(super) fn forget_gone<T>(known: &mut Vec<T>, places: &[u32]) {
    let mut places = places.iter();
    known.retain(|_| places.next() != Some(&GONE));
}

/// Whether an operation is a sum of products of its operands.
fn is_linear(op: Op) -> bool {
    is_sum(op) || matches!(op, Op::Mul | Op::Chain | Op::Square | Op::Dot)
}

/// How many terms such an operation is of.
fn terms_of(op: Op, operands: usize) -> usize {
    match op {
        Op::Mul | Op::Chain | Op::Square => 1,
        Op::Dot => operands / 2,
        _ => operands,
    }
}

/// Whether an operation takes the sums and products that it uses into itself.
fn is_sum(op: Op) -> bool {
    matches!(op, Op::Add | Op::Sub | Op::Neg | Op::Sum)
}

/// Whether an operation is but a sign of the terms that use it.
fn is_sign(op: Op, uses: Use) -> bool {
    op == Op::Neg && uses == Use::Terms
}

/// What is negated has all the uses of a sign.
fn free_negated(program: &Program, uses: &mut [Use], may_absorb: impl Fn(usize) -> bool) {
    if !program.ops.contains(Op::Neg) {
        return;
    }
    for (op, operands, slot) in program.steps() {
        if is_sign(op, uses[slot]) && may_absorb(slot) && uses[operands[0] as usize] == Use::OneSum {
            uses[operands[0] as usize] = Use::Terms;
        }
    }
}

/// The leaves of a program, constants of equal bits as one.
fn leaves_of(program: &Program) -> Vec<u32> {
    let first = program.layout.inputs + program.layout.parameters;
    let mut known = rustc_hash::FxHashMap::default();
    let constants = (first..).zip(&program.constants).map(|(slot, constant)| (narrow(slot), constant));
    (0..narrow(first))
        .chain(constants.map(|(slot, constant)| *known.entry(constant.to_bits()).or_insert(slot)))
        .collect()
}

/// What zero times infinity is in the products of each linear form that has some; nothing if all are of one kind.
///
/// Where a sum would take in products of both kinds, those in which a zero absorbs keep their own place.
fn zeros(program: &Program, uses: &mut [Use], may_absorb: impl Fn(usize) -> bool) -> Vec<Option<Zero>> {
    if !program.ops.contains(Op::Chain) {
        return vec![];
    }
    let mut zeros = vec![None; program.layout.len];
    for (op, operands, slot) in program.steps() {
        zeros[slot] = match op {
            Op::Chain => Some(Zero::Absorbs),
            _ if is_sum(op) => {
                let taken = |uses: &[Use], operand: usize| uses[operand] == Use::OneSum && may_absorb(operand);
                let mut kinds = operands.iter().map(|&operand| operand as usize);
                let multiplies = kinds.any(|operand| taken(uses, operand) && zeros[operand] == Some(Zero::Multiplies));
                let mut absorbs = false;
                for operand in operands.iter().map(|&operand| operand as usize) {
                    if taken(uses, operand) && zeros[operand] == Some(Zero::Absorbs) {
                        absorbs = true;
                        if multiplies {
                            uses[operand] = Use::Others;
                        }
                    }
                }
                if multiplies { Some(Zero::Multiplies) } else { absorbs.then_some(Zero::Absorbs) }
            }
            _ if is_linear(op) => Some(Zero::Multiplies),
            _ => None,
        };
    }
    zeros
}

/// Who uses a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Nobody,
    OneSum,
    /// Sums and products.
    Terms,
    /// One sum, which takes it in, or the sums and products that take in its sign.
    Absorbed,
    Others,
}

fn uses(program: &Program) -> Vec<Use> {
    let mut uses = vec![Use::Nobody; program.layout.len];
    for (op, operands, _) in program.steps() {
        for &operand in operands {
            let known = &mut uses[operand as usize];
            *known = match *known {
                Use::Nobody if is_sum(op) => Use::OneSum,
                Use::Nobody | Use::OneSum | Use::Terms if is_linear(op) => Use::Terms,
                _ => Use::Others,
            };
        }
    }
    program.outputs.iter().for_each(|&slot| uses[slot as usize] = Use::Others);
    uses
}
