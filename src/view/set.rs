//! Element sets: what a view takes as one element.

use crate::graph::{Arena, Kind, NodeKey};
use crate::op::Op;

/// What counts as one element of a function: single operations, or whatever groups name.
///
/// Depth depends on it: x·sin(a·x + b) is 4 deep in {+, ·, sin} and 3 deep when an affine function is one element.
///
/// # Reference
/// Bengio (2009), Learning Deep Architectures for AI, section 2, doi:10.1561/2200000006.
///
/// ```
/// use dagrad::{ElementSet, Graph};
/// let graph = Graph::new();
/// let (x, a, b) = (graph.input("x"), graph.input("a"), graph.input("b"));
/// let line = graph.group("affine", || a * x + b);
/// let y = x * line.sin();
/// assert_eq!(graph.view(&[y], &ElementSet::primitives())?.depth(), 4);
/// assert_eq!(graph.view(&[y], &ElementSet::groups(["affine"]))?.depth(), 3);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ElementSet {
    pub(super) name: String,
    groups: Vec<String>,
    /// The operations that may stand alone, or all.
    alone: Option<Vec<Op>>,
    /// The operations that may stand inside a group, or all.
    inside: Option<Vec<Op>>,
    /// Whether 1 − x may stand alone too.
    complement: bool,
}

const SUMS: [Op; 8] = [Op::Add, Op::Sub, Op::Neg, Op::Mul, Op::Sum, Op::Product, Op::Dot, Op::Square];

impl ElementSet {
    /// Every operation by itself.
    #[must_use]
    pub fn primitives() -> Self {
        Self { name: "primitives".into(), groups: vec![], alone: None, inside: None, complement: false }
    }

    /// Groups with these names, numbered or not: `neuron` takes `neuron` and `neuron 12`. Of nested ones the outermost
    /// counts. Other operations stand by themselves.
    #[must_use]
    pub fn groups<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let groups: Vec<String> = names.into_iter().map(Into::into).collect();
        Self { name: groups.join(", "), groups, ..Self::primitives() }
    }

    /// The same groups, and nothing beside them.
    #[must_use]
    pub fn only(self) -> Self {
        Self { alone: Some(vec![]), ..self }
    }

    /// These operations, with their parameters, and nothing beside them.
    #[must_use]
    pub fn operations(operations: &[Op]) -> Self {
        let names: Vec<&str> = operations.iter().map(|op| op.info().name).collect();
        Self { name: names.join(", "), alone: Some(operations.to_vec()), ..Self::primitives() }
    }

    /// Sums and products: the elements of polynomials.
    #[must_use]
    pub fn sums_and_products() -> Self {
        let operations = [SUMS.as_slice(), &[Op::Product]].concat();
        Self { name: "{+, ×}".into(), ..Self::operations(&operations) }
    }

    /// Logic operators on numbers from 0 to 1: `min` is AND, `max` is OR, 1 − x is NOT.
    #[must_use]
    pub fn logic() -> Self {
        Self { name: "{AND, OR, NOT}".into(), complement: true, ..Self::operations(&[Op::Min, Op::Max]) }
    }

    /// Logistic units, groups named `neuron` that compute σ(Σ wⱼ xⱼ + b), and nothing beside them.
    #[must_use]
    pub fn logistic_units() -> Self {
        let inside = [SUMS.as_slice(), &[Op::Sigmoid]].concat();
        Self { name: "logistic units".into(), inside: Some(inside), ..Self::groups(["neuron"]).only() }
    }

    /// Whether a group of this name is one element.
    pub(super) fn takes_group(&self, group: &str) -> bool {
        self.groups.iter().any(|name| {
            let rest = group.strip_prefix(name.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix(' ').is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()))
            })
        })
    }

    pub(super) fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Whether an operation may be where it is: inside an element or by itself.
    pub(super) fn takes(&self, op: Op, key: NodeKey, inside: bool, arena: &Arena) -> bool {
        let allowed = if inside { &self.inside } else { &self.alone };
        let complement =
            || self.complement && op == Op::Sub && arena.kind(arena.operands(key)[0]) == Kind::Constant(1.0);
        allowed.as_ref().is_none_or(|allowed| allowed.contains(&op) || complement())
    }
}
