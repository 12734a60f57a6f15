//! The graph with chosen elements drawn as one, and what a person measures in it.
//!
//! A [`View`] is a snapshot that owns everything: it borrows no graph, so that algorithms that hand out references run on
//! it. It knows no values and no drawing.

mod collapse;
mod depth;
mod error;
mod set;
mod summary;
mod visit;

use rustc_hash::FxHashMap;

pub use error::ViewError;
pub use set::ElementSet;
pub use summary::Summary;
pub use visit::{Edge, ElementId, Visited};

use crate::graph::NodeId;
use crate::op::Op;

/// Some outputs of a graph with what they depend on, element by element.
///
/// Elements stand in order of evaluation. An edge goes from an operand to its user; x·x has two of them.
///
/// A group is one element as long as it can be: where it is left and entered again on some path, it is taken apart, so
/// that no element depends on itself. A parameter or constant belongs to the element that alone uses it.
///
/// ```
/// use dagrad::{ElementSet, Graph, Op, element::layer};
/// let graph = Graph::new();
/// let x = graph.inputs("x", 2);
/// let mut weights = dagrad::train::glorot_uniform(0);
/// let hidden = layer(&graph, "layer 1", &x, 3, Op::Tanh, &mut weights)?;
/// let output = layer(&graph, "layer 2", &hidden.outputs(), 1, Op::Tanh, &mut weights)?;
/// let view = graph.view(&output.outputs(), &ElementSet::groups(["neuron"]))?;
/// assert_eq!((view.depth(), view.widths()), (2, vec![3, 1]));
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct View {
    elements: Vec<Element>,
    /// Where the operands of each element begin, and where the last end.
    starts: Vec<u32>,
    operands: Vec<u32>,
    /// Likewise the users, each with the place at which it uses the element.
    user_starts: Vec<u32>,
    users: Vec<(u32, u32)>,
    outputs: Vec<u32>,
    names: FxHashMap<u32, String>,
    groups: Vec<Group>,
    path_depth: usize,
}

/// A named part of the graph, as a view remembers it.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) parent: Option<u32>,
}

/// One element of a view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Element {
    /// The node whose value the element gives; of several, the last.
    pub node: NodeId,
    /// What the element is.
    pub role: Role,
    /// How many primitive operations it has.
    pub operations: u32,
    /// The innermost group around it.
    pub(crate) group: Option<u32>,
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// A number that varies from example to example.
    Input,
    /// A number that is learned.
    Parameter,
    /// A number that never changes.
    Constant(f64),
    /// One operation.
    Operation(Op),
    /// A group of operations.
    Group,
}

impl Role {
    /// Whether it computes nothing.
    #[must_use]
    pub fn is_leaf(self) -> bool {
        matches!(self, Self::Input | Self::Parameter | Self::Constant(_))
    }
}

impl View {
    /// The elements in order of evaluation, operands before their users.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The identities of the elements, in the same order.
    #[must_use]
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ElementId> + use<> {
        (0..self.elements.len()).map(ElementId::new)
    }

    /// An element.
    ///
    /// # Panics
    /// When the identity is that of another view and there are not so many elements here.
    #[must_use]
    #[track_caller]
    pub fn element(&self, id: ElementId) -> &Element {
        &self.elements[id.index()]
    }

    /// The element that a node belongs to, if the node is what the element gives.
    #[must_use]
    pub fn find(&self, node: impl Into<NodeId>) -> Option<ElementId> {
        let node = node.into();
        self.ids().find(|&id| self.element(id).node == node)
    }

    /// The elements that an element reads, place by place.
    #[must_use]
    #[track_caller]
    pub fn operands(&self, id: ElementId) -> impl ExactSizeIterator<Item = ElementId> + '_ {
        self.operands_of(id.index()).iter().map(|&operand| ElementId::from(operand))
    }

    /// The elements that give the outputs.
    #[must_use]
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = ElementId> + '_ {
        self.outputs.iter().map(|&output| ElementId::from(output))
    }

    /// What a person calls an element: its name, its group's, or what the operation is.
    #[must_use]
    #[track_caller]
    pub fn label(&self, id: ElementId) -> String {
        let element = self.element(id);
        if let Some(name) = self.names.get(&id.number()) {
            return name.clone();
        }
        match element.role {
            Role::Input => "input".into(),
            Role::Parameter => "parameter".into(),
            Role::Constant(value) => value.to_string(),
            Role::Operation(op) => op.info().label.into(),
            Role::Group => "group".into(),
        }
    }

    /// Whether the element has a name of its own.
    pub(crate) fn is_named(&self, id: ElementId) -> bool {
        self.names.contains_key(&id.number())
    }

    /// The names of the groups around an element, outermost first; a group that is an element is not around itself.
    #[must_use]
    #[track_caller]
    pub fn groups_around(&self, id: ElementId) -> Vec<&str> {
        let mut names: Vec<&str> = self.chain(self.element(id).group).map(|group| self.group(group)).collect();
        names.reverse();
        names
    }

    /// A group and those around it, innermost first.
    pub(crate) fn chain(&self, group: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(group, |&group| self.groups[group as usize].parent)
    }

    pub(crate) fn group(&self, group: u32) -> &str {
        &self.groups[group as usize].name
    }

    fn operands_of(&self, element: usize) -> &[u32] {
        &self.operands[self.starts[element] as usize..self.starts[element + 1] as usize]
    }

    fn users_of(&self, element: usize) -> &[(u32, u32)] {
        &self.users[self.user_starts[element] as usize..self.user_starts[element + 1] as usize]
    }
}
