//! Graphs to run against every reader.
#![allow(dead_code, reason = "each test takes its own part")]

use dagrad::{Expr, Graph};
use proptest::prelude::{Strategy, any};

/// How to build a graph: for each node what it is and which earlier nodes it reads, both taken modulo what there is.
pub(crate) type Recipe = Vec<(u8, [u16; 4])>;

/// Recipes of up to `longest` operations.
pub(crate) fn recipes(longest: usize) -> impl Strategy<Value = Recipe> {
    proptest::collection::vec((any::<u8>(), any::<[u16; 4]>()), 1..longest)
}

/// Whether a node of a recipe is a log-sum-exp.
pub(crate) fn is_logsumexp(kind: u8) -> bool {
    kind % 18 == 9
}

/// Three inputs, four parameters, a constant and the operations of the recipe, with values that stay bounded.
pub(crate) fn build<'g>(graph: &'g Graph, recipe: &Recipe) -> Vec<Expr<'g>> {
    let mut nodes: Vec<Expr> = graph.inputs("x", 3);
    nodes.extend(graph.parameters("w", &[0.5, -0.25, 0.75, 0.1]));
    nodes.push(graph.constant(0.3));
    for (kind, picks) in recipe {
        // Every second operand is a recent node, so that graphs grow deep as well as wide.
        let pick = |place: usize| {
            let recent = if place.is_multiple_of(2) { nodes.len().min(6) } else { nodes.len() };
            nodes[nodes.len() - 1 - picks[place] as usize % recent]
        };
        let several = [pick(0), pick(1), pick(2), pick(3)];
        let [a, b, c, _] = several;
        let node = match kind % 18 {
            0 => a + b,
            1 => a - b,
            2 => 0.5 * (a * b),
            3 => graph.sum(&several) * 0.2,
            4 => graph.dot(&several[..2], &several[2..]).expect("two and two") * 0.3,
            5 => a.tanh(),
            6 => a.sin() * b,
            7 => (a.square() + 1.0).sqrt() - b,
            8 => graph.max(&several),
            9 => graph.logsumexp(&several) - 1.0,
            10 => a.less(b).select(b, c),
            11 => -a.sigmoid(),
            12 => a / (b.square() + 1.0),
            13 => graph.product(&several),
            14 => a.hypot(b.exp()).atan2(c),
            15 => a.max(0.25),
            16 => graph.min(&several),
            _ => (a - b).abs().ln_1p(),
        };
        nodes.push(node.tanh() + 0.01 * node);
    }
    let last = nodes[nodes.len() - 1];
    vec![nodes[nodes.len() - 2] * last, last, nodes[3] * nodes[4], nodes[0]]
}
