//! A graph put in order: compiled once, run as often as you like.
//!
//! A program knows slots and steps; it reads neither groups nor drawings. Every operand slot of a step is lower than the
//! slot of its result, so that one pass upwards evaluates and one pass downwards differentiates.

mod batch;
mod compile;
mod directions;
mod drivers;
mod error;
mod forward;
mod kernels;
mod lanes;
mod listing;
mod ops;
mod report;
mod reverse;
mod shared;
mod single;
#[cfg(feature = "rayon")]
mod threads;
mod values;
mod windows;
mod workspace;

use std::sync::{Arc, OnceLock};

pub use compile::Pass;
pub use drivers::{gradient, hessian, hvp, jacobian, jvp, vjp};
pub use error::ProgramError;
pub use report::Report;
pub use values::{Gradients, Values};
pub use workspace::Workspace;

use batch::LaneProgram;
use compile::Without;
use ops::Ops;
use single::SingleProgram;

use crate::graph::{GraphId, NodeId, NodeKey, index};
use crate::op::{Op, Scalar};

/// The compiled form of some outputs of a graph: immutable, and free to be shared between threads.
///
/// Inputs and parameters are taken in the order in which the graph made them.
///
/// ```
/// let graph = dagrad::Graph::new();
/// let (x, w) = (graph.input("x"), graph.parameter("w", 3.0));
/// let y = (w * x).exp();
/// let program = graph.compile(&[y])?;
/// let values = program.forward(&[0.5])?;
/// let gradients = program.reverse(&values);
/// assert_eq!(gradients[w], 0.5 * values[y]);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone)]
pub struct Program {
    layout: Arc<Layout>,
    initial: Vec<f64>,
    constants: Vec<f64>,
    ops: Ops,
    steps: Vec<Step>,
    operands: Vec<u32>,
    outputs: Vec<u32>,
    longest: usize,
    without: Without,
    /// The code for lanes, made when it is first wanted, by what is wanted.
    lanes: [Arc<OnceLock<Arc<LaneProgram>>>; 3],
    /// The code for one example, likewise: without the adjoints of inputs, and with them.
    single: [Arc<OnceLock<Arc<SingleProgram>>>; 2],
}

/// Where the numbers of a run lie: inputs, then parameters, then constants, then the results of the steps.
#[derive(Debug)]
struct Layout {
    graph: GraphId,
    /// The slot of the node in each place of the arena.
    slots: Vec<u32>,
    /// The node in each slot: what lies in a place of the arena may have been replaced since.
    keys: Vec<NodeKey>,
    inputs: usize,
    parameters: usize,
    /// The slots of the parameters that are frozen.
    frozen: Vec<u32>,
    len: usize,
}

/// Which adjoints a run over lanes gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Those of the parameters, summed over lanes.
    Parameters,
    /// Those of the inputs too, lane by lane.
    All,
    /// Those of inputs and parameters, both lane by lane.
    Each,
}

/// One operation, by number: its operands are the next `count` of the program's operand list.
#[derive(Clone, Copy, Debug)]
struct Step {
    op: u32,
    count: u32,
}

/// A number that a program can compute with: a [`Scalar`] that can be made from a constant alone.
///
/// `f64` and [`Dual`](crate::Dual) numbers are such; an [`Expr`](crate::Expr) is not, since it needs its graph.
pub trait Number: Scalar + From<f64> {}

impl<S: Scalar + From<f64>> Number for S {}

impl Layout {
    fn slot(&self, node: NodeId) -> Option<usize> {
        let slot = *self.slots.get(index(node.key))? as usize;
        (node.graph == self.graph && self.keys.get(slot) == Some(&node.key)).then_some(slot)
    }
}

impl Program {
    /// How many inputs a run takes.
    #[must_use]
    pub fn input_count(&self) -> usize {
        self.layout.inputs
    }

    /// How many parameters a run takes.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.layout.parameters
    }

    /// How many outputs a run gives.
    #[must_use]
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// How many elementary operations a run computes.
    #[must_use]
    pub fn operation_count(&self) -> usize {
        self.steps.len()
    }

    /// The initial values of the parameters, in their order.
    #[must_use]
    pub fn initial_parameters(&self) -> &[f64] {
        &self.initial
    }

    fn lane_program(&self, wanted: Wanted) -> Arc<LaneProgram> {
        self.lanes[wanted as usize].get_or_init(|| Arc::new(self.compile_lanes(wanted))).clone()
    }

    fn single_program(&self, input_adjoints: bool) -> Arc<SingleProgram> {
        let made = &self.single[usize::from(input_adjoints)];
        made.get_or_init(|| Arc::new(self.compile_single(input_adjoints))).clone()
    }

    /// Every step with the slots of its operands and of its result, in order of evaluation.
    fn steps(&self) -> impl Iterator<Item = (Op, &[u32], usize)> {
        let first = self.layout.len - self.steps.len();
        let mut rest = self.operands.as_slice();
        self.steps.iter().enumerate().map(move |(index, step)| {
            let (operands, tail) = rest.split_at(step.count as usize);
            rest = tail;
            (self.ops[step.op], operands, first + index)
        })
    }

    /// The same from the last to the first.
    fn steps_back(&self) -> impl Iterator<Item = (Op, &[u32], usize)> {
        let first = self.layout.len - self.steps.len();
        let mut rest = self.operands.as_slice();
        self.steps.iter().enumerate().rev().map(move |(index, step)| {
            let (head, operands) = rest.split_at(rest.len() - step.count as usize);
            rest = head;
            (self.ops[step.op], operands, first + index)
        })
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("inputs", &self.layout.inputs)
            .field("parameters", &self.layout.parameters)
            .field("operations", &self.steps.len())
            .field("outputs", &self.outputs.len())
            .finish_non_exhaustive()
    }
}

fn count(what: &'static str, expected: usize, got: usize) -> Result<(), ProgramError> {
    if expected == got { Ok(()) } else { Err(ProgramError::Count { what, expected, got }) }
}
