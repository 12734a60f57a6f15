//! What is computed once for each lane, apart from what all lanes share.

use super::super::Program;
use super::super::kernels::Zero;
use super::fuse::{Code, Fused, Term};
use super::narrow;
use crate::op::Op;

/// A number that a lane reads: one of its own, or one that all lanes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ref {
    /// A node of the body.
    Own(u32),
    /// A uniform number.
    Shared(u32),
}

/// One node of a body; those it reads stand before it.
#[derive(Clone, Debug)]
pub(super) enum BodyNode {
    /// A number that is brought in for each lane.
    Column,
    /// Σ ± a·b, and what zero times infinity is in the products.
    Linear(Zero, Vec<(Ref, Option<Ref>, bool)>),
    /// An operation of one, two or three operands.
    Map(Op, Vec<Ref>),
    /// An operation of any number of operands.
    List(Op, Vec<Ref>),
}

impl BodyNode {
    /// The number of another node.
    pub(super) fn copy(node: Ref) -> Self {
        Self::Linear(Zero::default(), vec![(node, None, false)])
    }

    /// Calls `change` with every operand.
    pub(super) fn each_operand_mut(&mut self, mut change: impl FnMut(&mut Ref)) {
        match self {
            Self::Column => {}
            Self::Linear(_, terms) => terms.iter_mut().for_each(|(a, b, _)| {
                change(a);
                b.iter_mut().for_each(&mut change);
            }),
            Self::Map(_, operands) | Self::List(_, operands) => operands.iter_mut().for_each(change),
        }
    }
}

/// A computation over lanes. The columns are its first nodes.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) nodes: Vec<BodyNode>,
    /// How many columns there are.
    pub(super) columns: usize,
    /// The slots of the uniform numbers, and whether their adjoints are wanted.
    pub(super) shared: Vec<(u32, bool)>,
    /// The nodes that come out.
    pub(super) outputs: Vec<Ref>,
}

/// Which slots depend on one of the first `columns`, and so vary from lane to lane.
pub(super) fn varying(program: &Program, columns: usize) -> Vec<bool> {
    let mut varies = vec![false; program.layout.len];
    varies[..columns].fill(true);
    for (_, operands, slot) in program.steps() {
        varies[slot] = operands.iter().any(|&operand| varies[operand as usize]);
    }
    varies
}

impl Body {
    /// The body of a program whose lanes are examples: its columns are the first slots, inputs above all.
    pub(super) fn of_examples(
        program: &Program,
        may_absorb: impl Fn(usize) -> bool,
        varies: &[bool],
        columns: usize,
    ) -> Self {
        let (fused, origins) = Fused::new(program, may_absorb);
        let constants = program.layout.inputs + program.layout.parameters;
        let constants = constants..constants + program.constants.len();
        let mut builder = Builder { body: Self::default(), own: vec![None; fused.code.len()], shared: vec![] };
        builder.shared.resize(fused.code.len(), None);
        for slot in 0..columns {
            builder.push(slot, BodyNode::Column);
        }
        builder.body.columns = columns;
        let needs_adjoint = |slot: u32| !constants.contains(&(slot as usize));
        for slot in (fused.leaves..fused.code.len()).filter(|&slot| varies[origins[slot] as usize]) {
            builder.add(slot, &fused, &needs_adjoint);
        }
        for &slot in &fused.outputs {
            let output = builder.reference(slot, &needs_adjoint);
            builder.body.outputs.push(output);
        }
        for (slot, _) in &mut builder.body.shared {
            *slot = origins[*slot as usize];
        }
        builder.body.sort_shared();
        builder.body
    }

    /// Puts the uniform numbers in the order of their slots, so that neighbours can be read where they lie.
    pub(super) fn sort_shared(&mut self) {
        let mut order: Vec<usize> = (0..self.shared.len()).collect();
        order.sort_unstable_by_key(|&place| self.shared[place]);
        let mut ranks = vec![0; order.len()];
        (0..).zip(&order).for_each(|(rank, &place)| ranks[place] = rank);
        self.shared.sort_unstable();
        let sort = |operand: &mut Ref| {
            if let Ref::Shared(place) = operand {
                *place = ranks[*place as usize];
            }
        };
        self.nodes.iter_mut().for_each(|node| node.each_operand_mut(sort));
        self.outputs.iter_mut().for_each(sort);
    }
}

/// A body under construction, with the place of each slot in it.
struct Builder {
    body: Body,
    own: Vec<Option<u32>>,
    shared: Vec<Option<u32>>,
}

impl Builder {
    fn push(&mut self, slot: usize, node: BodyNode) {
        self.own[slot] = Some(narrow(self.body.nodes.len()));
        self.body.nodes.push(node);
    }

    fn reference(&mut self, slot: u32, needs_adjoint: &impl Fn(u32) -> bool) -> Ref {
        if let Some(node) = self.own[slot as usize] {
            return Ref::Own(node);
        }
        let place = *self.shared[slot as usize].get_or_insert_with(|| {
            self.body.shared.push((slot, needs_adjoint(slot)));
            narrow(self.body.shared.len() - 1)
        });
        Ref::Shared(place)
    }

    fn add(&mut self, slot: usize, fused: &Fused, needs_adjoint: &impl Fn(u32) -> bool) {
        let node = match fused.code[slot] {
            Code::Leaf | Code::Rolled | Code::Region(_) => return,
            Code::Linear(zero) => {
                BodyNode::Linear(zero, fused.terms(slot).iter().map(|&term| self.term(term, needs_adjoint)).collect())
            }
            Code::Map(op) => BodyNode::Map(fused.ops[op], self.references(fused.operands(slot), needs_adjoint)),
            Code::List(op) => {
                let operands = self.references(fused.operands(slot), needs_adjoint);
                BodyNode::List(fused.ops[op], operands.into_iter().map(|operand| self.own(operand)).collect())
            }
        };
        self.push(slot, node);
    }

    /// A node of the body with the number of `operand`: lists read rows alone.
    fn own(&mut self, operand: Ref) -> Ref {
        if let Ref::Shared(_) = operand {
            self.body.nodes.push(BodyNode::copy(operand));
            return Ref::Own(narrow(self.body.nodes.len() - 1));
        }
        operand
    }

    fn term(&mut self, term: Term, needs_adjoint: &impl Fn(u32) -> bool) -> (Ref, Option<Ref>, bool) {
        let (a, b) = term.factors();
        let a = self.reference(a, needs_adjoint);
        (a, b.map(|b| self.reference(b, needs_adjoint)), term.minus())
    }

    fn references(&mut self, slots: &[u32], needs_adjoint: &impl Fn(u32) -> bool) -> Vec<Ref> {
        slots.iter().map(|&slot| self.reference(slot, needs_adjoint)).collect()
    }
}
