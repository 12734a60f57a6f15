//! Schedule: the nodes of a body in an order, one row each.
//!
//! Nodes of a level do not depend on each other, so that equal operations on neighbouring rows run as one, and sums of
//! the same rows as a matrix. Nodes in the order in which they were recorded are mostly read soon, while they are in the
//! cache.

use super::body::{Body, BodyNode, Ref};
use super::narrow;

/// The place of every node of a body.
#[derive(Debug)]
pub(super) struct Schedule {
    /// The nodes in order; the node `order[r]` has the row r. Columns come first, as they are.
    pub(super) order: Vec<u32>,
    /// The row of each node.
    pub(super) rows: Vec<u32>,
    /// The levels of the rows.
    pub(super) levels: Vec<u32>,
}

impl Schedule {
    /// Level by level, like beside like.
    pub(super) fn by_level(body: &Body) -> Self {
        let levels = levels(body);
        let mut order = nodes(body);
        order.sort_by_key(|&node| (levels[node as usize], kind(&body.nodes[node as usize])));
        Self::in_order(order, &levels)
    }

    /// As they were recorded.
    pub(super) fn as_recorded(body: &Body) -> Self {
        Self::in_order(nodes(body), &levels(body))
    }

    fn in_order(order: Vec<u32>, levels: &[u32]) -> Self {
        let mut rows = vec![0; order.len()];
        for (row, &node) in (0..).zip(&order) {
            rows[node as usize] = row;
        }
        Self { levels: order.iter().map(|&node| levels[node as usize]).collect(), order, rows }
    }
}

/// The numbers of all nodes.
fn nodes(body: &Body) -> Vec<u32> {
    (0..narrow(body.nodes.len())).collect()
}

/// One more than the highest level of what a node reads; 0 for columns.
fn levels(body: &Body) -> Vec<u32> {
    let mut levels = vec![0_u32; body.nodes.len()];
    for (node, what) in body.nodes.iter().enumerate() {
        let mut deepest = None;
        for_each_operand(what, |operand| {
            if let Ref::Own(operand) = operand {
                deepest = deepest.max(Some(levels[operand as usize]));
            }
        });
        levels[node] = match what {
            BodyNode::Column => 0,
            _ => 1 + deepest.unwrap_or(0),
        };
    }
    levels
}

/// Calls `visit` with every operand of a node.
pub(super) fn for_each_operand(node: &BodyNode, mut visit: impl FnMut(Ref)) {
    match node {
        BodyNode::Column => {}
        BodyNode::Linear(_, terms) => {
            for &(a, b, _) in terms {
                visit(a);
                b.into_iter().for_each(&mut visit);
            }
        }
        BodyNode::Map(_, operands) | BodyNode::List(_, operands) => operands.iter().copied().for_each(visit),
    }
}

/// What sorts equal operations together: the kind, the operation and the number of operands.
fn kind(node: &BodyNode) -> (u8, u64, usize) {
    let of = |op: &crate::op::Op| {
        let mut hasher = rustc_hash::FxHasher::default();
        std::hash::Hash::hash(&std::mem::discriminant(op), &mut hasher);
        std::hash::Hasher::finish(&hasher)
    };
    match node {
        BodyNode::Column => (0, 0, 0),
        BodyNode::Linear(zero, terms) => (1, *zero as u64, terms.len()),
        BodyNode::Map(op, operands) => (2, of(op), operands.len()),
        BodyNode::List(op, operands) => (3, of(op), operands.len()),
    }
}
