//! The buffers of a run: what forward writes and reverse reads, and what reverse writes.

use std::ops::{Index, Range};
use std::sync::Arc;

use super::{Layout, Number, Program, ProgramError};
use crate::graph::NodeId;

/// The value of every node of a program at one point.
#[derive(Clone, Debug)]
pub struct Values<S = f64> {
    pub(super) layout: Arc<Layout>,
    pub(super) slots: Vec<S>,
    /// The operands of a step.
    pub(super) gathered: Vec<S>,
    outputs: Vec<u32>,
}

/// The derivative of the seeded outputs with respect to every node of a program: its adjoint.
#[derive(Clone, Debug)]
pub struct Gradients<S = f64> {
    pub(super) layout: Arc<Layout>,
    pub(super) slots: Vec<S>,
    /// The operands of a step, and its partials.
    pub(super) gathered: [Vec<S>; 2],
}

impl Layout {
    fn inputs(&self) -> Range<usize> {
        0..self.inputs
    }

    fn parameters(&self) -> Range<usize> {
        self.inputs..self.inputs + self.parameters
    }

    /// The node of a slot.
    fn node(&self, slot: usize) -> NodeId {
        NodeId { graph: self.graph, key: self.keys[slot] }
    }

    #[track_caller]
    fn read<'s, S>(&self, slots: &'s [S], node: NodeId) -> &'s S {
        match self.slot(node) {
            Some(slot) => &slots[slot],
            None if node.graph == self.graph => panic!("the node is not computed by this program"),
            None => panic!("the node belongs to another graph"),
        }
    }
}

impl Program {
    /// The inputs, in their order.
    pub(super) fn input_nodes(&self) -> Vec<NodeId> {
        self.layout.inputs().map(|slot| self.layout.node(slot)).collect()
    }

    /// The inputs, then the parameters.
    pub(crate) fn leaf_nodes(&self) -> Vec<NodeId> {
        (0..self.layout.parameters().end).map(|slot| self.layout.node(slot)).collect()
    }

    /// Whether a node is a frozen parameter.
    pub(crate) fn is_frozen(&self, node: NodeId) -> bool {
        self.layout.slot(node).is_some_and(|slot| self.layout.frozen.iter().any(|&frozen| frozen as usize == slot))
    }

    /// A buffer for the values of this program, to be filled by [`forward_into`](Program::forward_into).
    #[must_use]
    pub fn values<S: Number>(&self) -> Values<S> {
        let zero = S::from(0.0);
        Values {
            layout: self.layout.clone(),
            slots: vec![zero; self.layout.len],
            gathered: vec![zero; self.longest],
            outputs: self.outputs.clone(),
        }
    }

    /// A buffer for the adjoints of this program, to be filled by [`reverse_into`](Program::reverse_into).
    #[must_use]
    pub fn gradients<S: Number>(&self) -> Gradients<S> {
        let zeros = |count: usize| vec![S::from(0.0); count];
        let gathered = [zeros(self.longest), zeros(self.longest)];
        Gradients { layout: self.layout.clone(), slots: zeros(self.layout.len), gathered }
    }
}

impl<S: Copy> Values<S> {
    /// The value of a node, or an error when the program does not compute it.
    ///
    /// # Errors
    /// [`ProgramError::NotComputed`].
    pub fn get(&self, node: impl Into<NodeId>) -> Result<S, ProgramError> {
        get(&self.layout, &self.slots, node.into())
    }

    /// The numbers that the inputs were given, in their order.
    #[must_use]
    pub fn inputs(&self) -> &[S] {
        &self.slots[self.layout.inputs()]
    }

    /// The numbers that the parameters were given, in their order.
    #[must_use]
    pub fn parameters(&self) -> &[S] {
        &self.slots[self.layout.parameters()]
    }

    /// The values of the outputs, in the order given to [`compile`](crate::Graph::compile).
    #[must_use]
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = S> + '_ {
        self.outputs.iter().map(|&slot| self.slots[slot as usize])
    }
}

impl Values {
    /// The first node, in order of evaluation, whose value is infinite or not a number.
    ///
    /// [`Graph::non_finite_value`](crate::Graph::non_finite_value) says more of it.
    #[must_use]
    pub fn first_non_finite(&self) -> Option<NodeId> {
        self.slots.iter().position(|value| !value.is_finite()).map(|slot| self.layout.node(slot))
    }
}

impl Gradients {
    /// The first node, in the order of the reverse pass, whose adjoint is infinite or not a number.
    ///
    /// [`Graph::non_finite_adjoint`](crate::Graph::non_finite_adjoint) says more of it.
    #[must_use]
    pub fn first_non_finite(&self) -> Option<NodeId> {
        self.slots.iter().rposition(|adjoint| !adjoint.is_finite()).map(|slot| self.layout.node(slot))
    }
}

impl<S: Copy> Gradients<S> {
    /// The adjoint of a node, or an error when the program does not compute it.
    ///
    /// # Errors
    /// [`ProgramError::NotComputed`].
    pub fn get(&self, node: impl Into<NodeId>) -> Result<S, ProgramError> {
        get(&self.layout, &self.slots, node.into())
    }

    /// The gradient with respect to the parameters, in their order.
    #[must_use]
    pub fn parameters(&self) -> &[S] {
        &self.slots[self.layout.parameters()]
    }

    /// The gradient with respect to the inputs, in their order.
    #[must_use]
    pub fn inputs(&self) -> &[S] {
        &self.slots[self.layout.inputs()]
    }
}

fn get<S: Copy>(layout: &Layout, slots: &[S], node: NodeId) -> Result<S, ProgramError> {
    layout.slot(node).map(|slot| slots[slot]).ok_or(ProgramError::NotComputed)
}

impl<S, N: Into<NodeId>> Index<N> for Values<S> {
    type Output = S;

    /// The value of a node.
    ///
    /// # Panics
    /// When the program does not compute the node; [`Values::get`] gives an error instead.
    #[track_caller]
    fn index(&self, node: N) -> &S {
        self.layout.read(&self.slots, node.into())
    }
}

impl<S, N: Into<NodeId>> Index<N> for Gradients<S> {
    type Output = S;

    /// The adjoint of a node.
    ///
    /// # Panics
    /// When the program does not compute the node; [`Gradients::get`] gives an error instead.
    #[track_caller]
    fn index(&self, node: N) -> &S {
        self.layout.read(&self.slots, node.into())
    }
}
