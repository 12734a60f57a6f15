//! Fuse: sums of sums and products become one linear form, Σ ± a·b.
//!
//! Afterwards there is no addition, subtraction, negation, multiplication, square, sum or dot to distinguish: each is a
//! [`Code::Linear`] of terms. A sum takes in the sums and products that nothing else uses. Only sums are re-associated.
//! The products of the chain rule are products in which a zero absorbs: a linear form has products of one kind.

use std::ops::Range;

use super::super::Program;
use super::super::kernels::Zero;
use super::super::ops::Ops;
use crate::op::Op;

/// One summand: ± a or ± a·b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) a: u32,
    pub(super) b: Option<std::num::NonZeroU32>,
    pub(super) minus: bool,
}

impl Term {
    pub(super) fn single(a: u32, minus: bool) -> Self {
        Self { a, b: None, minus }
    }

    fn product(a: u32, b: u32, minus: bool) -> Self {
        // Stored one higher, so that the option needs no room.
        Self { a, b: std::num::NonZeroU32::new(b + 1), minus }
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
            (a, Some(b)) => Self::product(b, a, self.minus),
            _ => self,
        }
    }

    /// The slots of the factors.
    pub(super) fn factors(self) -> (u32, Option<u32>) {
        (self.a, self.b.map(|b| b.get() - 1))
    }
}

/// What computes the number of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Code {
    /// Nothing: an input, a parameter or a constant.
    Leaf,
    /// It is part of the linear form that uses it.
    Absorbed,
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
    /// What computes each slot.
    pub(super) code: Vec<Code>,
    /// The operations of the program.
    pub(super) ops: Ops,
    /// The terms or operands of each slot; of those absorbed, the operands in the program.
    ranges: Vec<(u32, u32)>,
    terms: Vec<Term>,
    operands: Vec<u32>,
    sums: usize,
    absorbed: usize,
}

impl Fused {
    /// The terms of a linear form.
    pub(super) fn terms(&self, slot: usize) -> &[Term] {
        let (start, end) = self.ranges[slot];
        &self.terms[start as usize..end as usize]
    }

    /// The terms of a linear form, to be put in another order.
    pub(super) fn terms_mut(&mut self, slot: usize) -> &mut [Term] {
        let (start, end) = self.ranges[slot];
        &mut self.terms[start as usize..end as usize]
    }

    /// Gives a linear form other terms.
    pub(super) fn replace_terms(&mut self, slot: usize, terms: impl IntoIterator<Item = Term>) {
        let start = self.terms.len();
        self.terms.extend(terms);
        let narrow = |place: usize| u32::try_from(place).expect("fewer than 2³² operands");
        self.ranges[slot] = (narrow(start), narrow(self.terms.len()));
    }

    /// Whether a slot has a step of its own.
    pub(super) fn computes(&self, slot: usize) -> bool {
        !matches!(self.code[slot], Code::Leaf | Code::Absorbed)
    }

    /// The operands of a map or a list.
    pub(super) fn operands(&self, slot: usize) -> &[u32] {
        let (start, end) = self.ranges[slot];
        &self.operands[start as usize..end as usize]
    }

    /// Fuses the steps of a program; only the slots for which `may_absorb` is true lose their own place.
    pub(super) fn new(program: &Program, may_absorb: impl Fn(usize) -> bool) -> Self {
        let len = program.layout.len;
        let mut uses = uses(program);
        let zeros = zeros(program, &mut uses, &may_absorb);
        let mut fused = Self {
            code: vec![Code::Leaf; len],
            ops: program.ops.clone(),
            ranges: vec![(0, 0); len],
            terms: Vec::new(),
            operands: Vec::new(),
            sums: 0,
            absorbed: 0,
        };
        let leaves = Leaves::new(program);
        let narrow = |place: usize| u32::try_from(place).expect("fewer than 2³² operands");
        let (mut open, mut read) = (vec![], 0);
        for ((op, operands, slot), step) in program.steps().zip(&program.steps) {
            let own = read..read + operands.len();
            read = own.end;
            if is_linear(op) {
                if may_absorb(slot) && uses[slot] == Use::OneSum {
                    fused.code[slot] = Code::Absorbed;
                    fused.ranges[slot] = (narrow(own.start), narrow(own.end));
                    fused.absorbed += 1;
                    continue;
                }
                fused.code[slot] = Code::Linear(zeros.get(slot).copied().flatten().unwrap_or_default());
                fused.sums += 1;
                let start = fused.terms.len();
                fused.expand(program, slot, own, &leaves, &mut open);
                fused.ranges[slot] = (narrow(start), narrow(fused.terms.len()));
            } else {
                fused.code[slot] = if op.reads_list() { Code::List(step.op) } else { Code::Map(step.op) };
                let start = fused.operands.len();
                fused.operands.extend(operands.iter().map(|&slot| leaves.slot(slot)));
                fused.ranges[slot] = (narrow(start), narrow(fused.operands.len()));
            }
        }
        fused
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
        leaves: &Leaves,
        open: &mut Vec<(u32, bool)>,
    ) {
        let first = program.layout.len - program.steps.len();
        let mut minus = false;
        loop {
            let operands = &program.operands[range];
            let product = |a, b| Term::product(leaves.slot(a), leaves.slot(b), minus);
            match program.ops[program.steps[slot - first].op] {
                Op::Mul | Op::Chain => self.terms.push(product(operands[0], operands[1])),
                Op::Square => self.terms.push(product(operands[0], operands[0])),
                Op::Dot => self.terms.extend(operands.chunks_exact(2).map(|pair| product(pair[0], pair[1]))),
                Op::Neg => open.push((operands[0], !minus)),
                Op::Sub => open.extend([(operands[1], !minus), (operands[0], minus)]),
                _ => open.extend(operands.iter().rev().map(|&operand| (operand, minus))),
            }
            loop {
                let Some((operand, sign)) = open.pop() else { return };
                if self.code[operand as usize] == Code::Absorbed {
                    (slot, minus) = (operand as usize, sign);
                    let (start, end) = self.ranges[slot];
                    range = start as usize..end as usize;
                    break;
                }
                self.terms.push(Term::single(leaves.slot(operand), sign));
            }
        }
    }
}

/// Whether an operation is a sum of products of its operands.
fn is_linear(op: Op) -> bool {
    is_sum(op) || matches!(op, Op::Mul | Op::Chain | Op::Square | Op::Dot)
}

/// Whether an operation takes the sums and products that it uses into itself.
fn is_sum(op: Op) -> bool {
    matches!(op, Op::Add | Op::Sub | Op::Neg | Op::Sum)
}

/// Constants of equal bits as one.
struct Leaves {
    first: usize,
    slots: Vec<u32>,
}

impl Leaves {
    fn new(program: &Program) -> Self {
        let first = program.layout.inputs + program.layout.parameters;
        let mut known = rustc_hash::FxHashMap::default();
        let slots = (program.constants.iter().enumerate())
            .map(|(place, constant)| {
                let slot = u32::try_from(first + place).expect("a slot");
                *known.entry(constant.to_bits()).or_insert(slot)
            })
            .collect();
        Self { first, slots }
    }

    fn slot(&self, slot: u32) -> u32 {
        let place = (slot as usize).checked_sub(self.first);
        place.and_then(|place| self.slots.get(place)).copied().unwrap_or(slot)
    }
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
    Others,
}

fn uses(program: &Program) -> Vec<Use> {
    let mut uses = vec![Use::Nobody; program.layout.len];
    for (op, operands, _) in program.steps() {
        for &operand in operands {
            let known = &mut uses[operand as usize];
            *known = if is_sum(op) && *known == Use::Nobody { Use::OneSum } else { Use::Others };
        }
    }
    program.outputs.iter().for_each(|&slot| uses[slot as usize] = Use::Others);
    uses
}
