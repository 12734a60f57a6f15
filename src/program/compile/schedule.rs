//! Schedule: the nodes of a body level by level, like beside like, one row each.
//!
//! Nodes of a level do not depend on each other, so that equal operations on neighbouring rows run as one.

use super::body::{Body, BodyNode, Ref};

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
    pub(super) fn new(body: &Body) -> Self {
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
        let mut order: Vec<u32> = (0..u32::try_from(body.nodes.len()).expect("fewer than 2³² nodes")).collect();
        order.sort_by_key(|&node| (levels[node as usize], kind(&body.nodes[node as usize])));
        let mut rows = vec![0; order.len()];
        for (row, &node) in (0..).zip(&order) {
            rows[node as usize] = row;
        }
        Self { levels: order.iter().map(|&node| levels[node as usize]).collect(), order, rows }
    }
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
