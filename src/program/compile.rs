//! From a graph to a program: keep what the outputs need, and number it in order.

use std::sync::Arc;

use slotmap::SecondaryMap;

use super::{Layout, Program, ProgramError, Step};
use crate::graph::{Expr, Graph, Kind, NodeKey};

impl Graph {
    /// Compiles the computation of some outputs.
    ///
    /// The program is a snapshot: nodes made later are not in it. It takes all inputs and parameters that the graph has
    /// now, in the order in which they were made, whether the outputs depend on them or not.
    ///
    /// # Errors
    /// [`ProgramError::Output`] when an output belongs to another graph or was removed.
    ///
    /// # Panics
    /// When the outputs need 2³² nodes or more.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.inputs("x", 2);
    /// let program = graph.compile(&[x[0] * x[1], x[0] + x[1]])?;
    /// let values = program.forward(&[3.0, 4.0])?;
    /// assert_eq!(values.outputs().collect::<Vec<_>>(), [12.0, 7.0]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn compile(&self, outputs: &[Expr<'_>]) -> Result<Program, ProgramError> {
        let outputs = (outputs.iter().enumerate())
            .map(|(position, output)| {
                self.check(output.id()).map_err(|reason| ProgramError::Output { position, reason })
            })
            .collect::<Result<Vec<NodeKey>, _>>()?;
        let arena = self.arena();
        let needed = arena.needed(&outputs);
        let mut slots = SecondaryMap::with_capacity(arena.bound());
        let mut next = 0_u32;
        let mut number = |key: NodeKey| {
            slots.insert(key, next);
            next = next.checked_add(1).expect("fewer than 2³² nodes");
        };
        arena.inputs().iter().for_each(|&key| number(key));
        arena.parameters().iter().for_each(|&(key, _)| number(key));
        let mut constants = Vec::new();
        for &key in &needed {
            if let Kind::Constant(value) = arena.kind(key) {
                number(key);
                constants.push(value);
            }
        }
        let mut steps = Vec::new();
        for &key in &needed {
            if let Kind::Apply(op) = arena.kind(key) {
                number(key);
                let count = u32::try_from(arena.operands(key).len()).expect("fewer than 2³² operands");
                steps.push(Step { op, count });
            }
        }
        let operands: Vec<u32> = needed.iter().flat_map(|&key| arena.operands(key)).map(|&key| slots[key]).collect();
        Ok(Program {
            initial: arena.parameters().iter().map(|&(_, value)| value).collect(),
            constants,
            longest: steps.iter().map(|step| step.count as usize).max().unwrap_or(0),
            steps,
            operands,
            outputs: outputs.iter().map(|&key| slots[key]).collect(),
            layout: Arc::new(Layout {
                graph: self.id(),
                inputs: arena.inputs().len(),
                parameters: arena.parameters().len(),
                len: next as usize,
                slots,
            }),
        })
    }
}
