//! What a text computes, before it enters a graph: an error found on the way leaves the graph as it was.

use rustc_hash::FxHashMap;

use super::{Problem, TextError};
use crate::graph::{Expr, Graph};
use crate::op::Op;

/// The nodes of a text in order, operands before their users.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) nodes: Vec<Planned>,
    pub(super) operands: Vec<u32>,
    /// The names that were assigned, by node.
    pub(super) names: FxHashMap<u32, String>,
    pub(super) result: u32,
}

/// A node of a plan.
#[derive(Debug)]
pub(super) enum Planned {
    /// A name that nothing was assigned to, with the bytes where it first stands.
    Free {
        name: String,
        start: usize,
        end: usize,
    },
    Constant(f64),
    /// An operation on the next so many operands.
    Apply(Op, u32),
}

impl Plan {
    pub(super) fn add(&mut self, node: Planned) -> u32 {
        let place = u32::try_from(self.nodes.len()).expect("fewer nodes than bytes");
        self.nodes.push(node);
        place
    }

    pub(super) fn apply(&mut self, op: Op, operands: &[u32]) -> u32 {
        self.operands.extend_from_slice(operands);
        let count = u32::try_from(operands.len()).expect("fewer operands than bytes");
        self.add(Planned::Apply(op, count))
    }

    /// Takes the nodes into a graph; names that nothing was assigned to are nodes of it, or new inputs.
    pub(super) fn build<'g>(self, graph: &'g Graph, text: &str) -> Result<Expr<'g>, TextError> {
        let mut found: FxHashMap<u32, Expr<'g>> = FxHashMap::default();
        let known = graph.paths();
        for (place, node) in (0..).zip(&self.nodes) {
            let Planned::Free { name, start, end } = node else { continue };
            match known.get(name.as_str()).map(Vec::as_slice) {
                None => {}
                Some(&[key]) => {
                    found.insert(place, graph.handle(key));
                }
                Some(several) => {
                    let problem = Problem::Ambiguous { name: name.clone(), count: several.len() };
                    return Err(TextError::new(problem, text, *start, *end));
                }
            }
        }
        let mut built: Vec<Expr<'g>> = Vec::with_capacity(self.nodes.len());
        let mut rest = self.operands.as_slice();
        let mut gathered = Vec::new();
        for (place, node) in (0..).zip(&self.nodes) {
            built.push(match node {
                Planned::Free { name, .. } => found.get(&place).copied().unwrap_or_else(|| graph.input(name)),
                Planned::Constant(value) => graph.constant(*value),
                &Planned::Apply(op, count) => {
                    let (operands, tail) = rest.split_at(count as usize);
                    rest = tail;
                    gathered.clear();
                    gathered.extend(operands.iter().map(|&operand| built[operand as usize]));
                    graph.apply(op, &gathered)
                }
            });
        }
        for (place, name) in self.names {
            let _ = built[place as usize].named(&name);
        }
        Ok(built[self.result as usize])
    }
}
