//! From a graph to a program: keep what the outputs need, and number it in order.

mod adjoint;
mod axes;
mod back;
mod body;
mod chains;
mod classes;
mod emit;
mod fuse;
mod hash;
mod in_place;
mod ready;
mod roll;
mod schedule;
mod windows;

use std::sync::Arc;

use body::Body;
use schedule::Schedule;

use super::batch::LaneProgram;
use super::lanes::Uniforms;
use super::shared::SharedCode;
use super::single::SingleProgram;
use super::{Layout, Program, ProgramError, Step};
use crate::graph::{Expr, Graph, Kind, NodeKey, index};

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
        let mut numbering = Numbering::new(arena.bound(), needed.len());
        arena.inputs().iter().for_each(|&key| numbering.add(key));
        arena.parameters().iter().for_each(|&(key, _)| numbering.add(key));
        let mut constants = Vec::new();
        for &key in &needed {
            if let Kind::Constant(value) = arena.kind(key) {
                numbering.add(key);
                constants.push(value);
            }
        }
        let mut steps = Vec::with_capacity(needed.len());
        let mut operands = Vec::with_capacity(2 * needed.len());
        for &key in &needed {
            if let Kind::Apply(op) = arena.kind(key) {
                let before = operands.len();
                operands.extend(arena.operands(key).iter().map(|&operand| numbering.slot(operand)));
                let count = u32::try_from(operands.len() - before).expect("fewer than 2³² operands");
                numbering.add(key);
                steps.push(Step { op, count });
            }
        }
        Ok(Program {
            initial: arena.parameters().iter().map(|&(_, value)| value).collect(),
            constants,
            lanes: Default::default(),
            single: Default::default(),
            longest: steps.iter().map(|step| step.count as usize).max().unwrap_or(0),
            steps,
            operands,
            outputs: outputs.iter().map(|&key| numbering.slot(key)).collect(),
            layout: Arc::new(Layout {
                graph: self.id(),
                inputs: arena.inputs().len(),
                parameters: arena.parameters().len(),
                len: numbering.keys.len(),
                slots: numbering.slots,
                keys: numbering.keys,
            }),
        })
    }
}

/// Slots given out in order.
struct Numbering {
    slots: Vec<u32>,
    keys: Vec<NodeKey>,
}

impl Numbering {
    fn new(bound: usize, nodes: usize) -> Self {
        Self { slots: vec![u32::MAX; bound], keys: Vec::with_capacity(nodes) }
    }

    fn add(&mut self, key: NodeKey) {
        self.slots[index(key)] = u32::try_from(self.keys.len()).expect("fewer than 2³² nodes");
        self.keys.push(key);
    }

    fn slot(&self, key: NodeKey) -> u32 {
        self.slots[index(key)]
    }
}

impl Program {
    /// The code for lanes of examples, with the adjoints of inputs if they are wanted.
    pub(super) fn compile_lanes(&self, input_adjoints: bool) -> LaneProgram {
        let varies = body::varying(self);
        let body = Body::of_examples(self, &varies);
        let schedule = Schedule::new(&body);
        let mut code = emit::forward(&body, &schedule);
        adjoint::reverse(&mut code, &body, &schedule, |_| input_adjoints);
        LaneProgram {
            code,
            shared: SharedCode::new(self, &varies),
            uniforms: Uniforms::new(body.shared.iter().map(|&(slot, _)| (slot, true))),
            input_adjoints,
        }
    }

    /// The code for one example, with the adjoints of inputs if they are wanted.
    pub(super) fn compile_single(&self, input_adjoints: bool) -> SingleProgram {
        let mut fused = fuse::Fused::new(self, |_| true);
        let regions = roll::roll(self, &mut fused);
        let classes = classes::Classes::new(self, &mut fused, &regions);
        let (mut code, mut made) = windows::forward(&fused, &classes, &self.outputs);
        chains::find(&mut code, &mut made);
        let first_computed = self.layout.len - self.steps.len();
        let constants = self.layout.inputs + self.layout.parameters..first_computed;
        let wanted = |slot: u32| {
            let slot = slot as usize;
            !constants.contains(&slot) && (input_adjoints || slot >= self.layout.inputs)
        };
        for region in regions {
            let lanes = windows::region(region, &classes, &mut code, wanted);
            code.regions.push(lanes);
        }
        back::reverse(&mut code, &made, input_adjoints);
        in_place::find(&mut code);
        SingleProgram { code, inputs: self.layout.inputs, constants: self.constants.clone(), input_adjoints }
    }
}
