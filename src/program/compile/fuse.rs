//! Fuse: sums of sums and products become one linear form, Σ ± a·b.
//!
//! Afterwards there is no addition, subtraction, negation, multiplication, square, sum or dot to distinguish: each is a
//! [`Code::Linear`] of terms. A sum takes in the sums and products that nothing else uses. Only sums are re-associated.

use super::super::{Program, Step};
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
    /// A sum of terms.
    Linear,
    /// An operation of one, two or three operands.
    Map(Op),
    /// An operation of any number of operands.
    List(Op),
    /// The sum over the lanes of a region, of which this is the number.
    Region(u32),
}

/// A program's steps after fusing.
#[derive(Debug)]
pub(super) struct Fused {
    /// What computes each slot.
    pub(super) code: Vec<Code>,
    ranges: Vec<(u32, u32)>,
    terms: Vec<Term>,
    operands: Vec<u32>,
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
        let mut uses = Uses::count(program);
        program.outputs.iter().for_each(|&slot| uses.keep(slot));
        let mut fused =
            Self { code: vec![Code::Leaf; len], ranges: vec![(0, 0); len], terms: Vec::new(), operands: Vec::new() };
        let steps = StepIndex::new(program);
        let leaves = Leaves::new(program);
        for (op, operands, slot) in program.steps() {
            fused.code[slot] = match op {
                _ if is_linear(op) && may_absorb(slot) && uses.only_by_a_sum(slot) => Code::Absorbed,
                _ if is_linear(op) => Code::Linear,
                _ if op.reads_list() => Code::List(op),
                _ => Code::Map(op),
            };
            let (start, end) = match fused.code[slot] {
                Code::Linear => {
                    let start = fused.terms.len();
                    fused.expand(slot, &steps);
                    fused.terms[start..].iter_mut().for_each(|term| *term = leaves.term(*term));
                    (start, fused.terms.len())
                }
                Code::Map(_) | Code::List(_) => {
                    let start = fused.operands.len();
                    fused.operands.extend(operands.iter().map(|&slot| leaves.slot(slot)));
                    (start, fused.operands.len())
                }
                Code::Leaf | Code::Absorbed | Code::Region(_) => (0, 0),
            };
            let narrow = |place: usize| u32::try_from(place).expect("fewer than 2³² operands");
            fused.ranges[slot] = (narrow(start), narrow(end));
        }
        fused
    }

    /// How many sums of products there are, and how many operations they took in.
    pub(super) fn counts(&self) -> (usize, usize) {
        let count = |of: Code| self.code.iter().filter(|&&code| code == of).count();
        (count(Code::Linear), count(Code::Absorbed))
    }

    /// Appends the terms of a linear form, from left to right, with those of the steps that it absorbs.
    fn expand(&mut self, root: usize, steps: &StepIndex<'_>) {
        let mut open = vec![(u32::try_from(root).expect("a slot"), false)];
        let mut first = true;
        while let Some((slot, minus)) = open.pop() {
            if !first && self.code[slot as usize] != Code::Absorbed {
                self.terms.push(Term::single(slot, minus));
                continue;
            }
            first = false;
            let (op, operands) = steps.step(slot as usize);
            match op {
                Op::Mul => self.terms.push(Term::product(operands[0], operands[1], minus)),
                Op::Square => self.terms.push(Term::product(operands[0], operands[0], minus)),
                Op::Dot => {
                    self.terms.extend(operands.chunks_exact(2).map(|pair| Term::product(pair[0], pair[1], minus)));
                }
                Op::Neg => open.push((operands[0], !minus)),
                Op::Sub => open.extend([(operands[1], !minus), (operands[0], minus)]),
                _ => open.extend(operands.iter().rev().map(|&operand| (operand, minus))),
            }
        }
    }
}

/// Whether an operation is a sum of products of its operands.
fn is_linear(op: Op) -> bool {
    is_sum(op) || matches!(op, Op::Mul | Op::Square | Op::Dot)
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

    fn term(&self, term: Term) -> Term {
        match term.factors() {
            (a, Some(b)) => Term::product(self.slot(a), self.slot(b), term.minus),
            (a, None) => Term::single(self.slot(a), term.minus),
        }
    }
}

/// How often each slot is used, and whether by a sum.
struct Uses {
    count: Vec<u8>,
    by_sum: Vec<bool>,
}

impl Uses {
    fn count(program: &Program) -> Self {
        let len = program.layout.len;
        let mut uses = Self { count: vec![0; len], by_sum: vec![false; len] };
        for (op, operands, _) in program.steps() {
            for &operand in operands {
                uses.keep(operand);
                uses.by_sum[operand as usize] = is_sum(op);
            }
        }
        uses
    }

    fn keep(&mut self, slot: u32) {
        let count = &mut self.count[slot as usize];
        *count = count.saturating_add(1);
    }

    fn only_by_a_sum(&self, slot: usize) -> bool {
        self.count[slot] == 1 && self.by_sum[slot]
    }
}

/// The steps by slot.
struct StepIndex<'p> {
    program: &'p Program,
    first: usize,
    starts: Vec<u32>,
}

impl<'p> StepIndex<'p> {
    fn new(program: &'p Program) -> Self {
        let mut next = 0;
        let start = |step: &Step| {
            next += step.count;
            next - step.count
        };
        let starts = program.steps.iter().map(start).collect();
        Self { program, first: program.layout.len - program.steps.len(), starts }
    }

    fn step(&self, slot: usize) -> (Op, &'p [u32]) {
        let index = slot - self.first;
        let step = self.program.steps[index];
        (step.op, &self.program.operands[self.starts[index] as usize..][..step.count as usize])
    }
}
