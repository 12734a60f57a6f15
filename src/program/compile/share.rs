//! Share: nodes of a body that compute the same become one.
//!
//! It comes after rolling, because graphs that share are less regular.

use rustc_hash::FxHashMap;

use super::super::kernels::Zero;
use super::super::ops::Ops;
use super::body::{Body, BodyNode, Ref};

/// What a node computes, for comparison.
#[derive(PartialEq, Eq, Hash)]
enum Same {
    Linear(Zero, Vec<(Ref, Option<Ref>, bool)>),
    Apply(u32, Vec<Ref>),
}

/// Merges equal nodes, and says how many went.
pub(super) fn share(body: &mut Body) -> usize {
    let mut ops = Ops::default();
    let mut known: FxHashMap<Same, u32> = FxHashMap::default();
    let mut places: Vec<u32> = Vec::with_capacity(body.nodes.len());
    let mut nodes: Vec<BodyNode> = Vec::with_capacity(body.nodes.len());
    let before = body.nodes.len();
    for mut node in body.nodes.drain(..) {
        node.each_operand_mut(|operand| *operand = at(*operand, &places));
        let same = match &node {
            BodyNode::Column => None,
            BodyNode::Linear(zero, terms) => Some(Same::Linear(*zero, terms.clone())),
            BodyNode::Map(op, operands) | BodyNode::List(op, operands) => {
                Some(Same::Apply(ops.number(*op), operands.clone()))
            }
        };
        let new = u32::try_from(nodes.len()).expect("fewer than 2³² nodes");
        let place = same.map_or(new, |same| *known.entry(same).or_insert(new));
        if place == new {
            nodes.push(node);
        }
        places.push(place);
    }
    body.outputs.iter_mut().for_each(|output| *output = at(*output, &places));
    body.nodes = nodes;
    before - body.nodes.len()
}

/// The place to which an operand went.
fn at(operand: Ref, places: &[u32]) -> Ref {
    match operand {
        Ref::Own(node) => Ref::Own(places[node as usize]),
        Ref::Shared(_) => operand,
    }
}
