//! What a program refuses.

use thiserror::Error;

use crate::graph::GraphError;

/// What a program refuses, with the numbers that disagree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// An output is not a node of the graph.
    #[error("output {position} cannot be compiled: {reason}")]
    Output {
        /// Its place among the outputs.
        position: usize,
        /// What is wrong with it.
        reason: GraphError,
    },
    /// A slice has not as many numbers as the program takes.
    #[error("{what}: the program takes {expected}, got {got}")]
    Count {
        /// What was counted: inputs, parameters or seeds.
        what: &'static str,
        /// How many the program takes.
        expected: usize,
        /// How many were given.
        got: usize,
    },
    /// Buffers would take more memory than the caller allows.
    #[error("buffers for {lanes} lanes take {needed} bytes, the cap is {most}; run fewer lanes at once")]
    Memory {
        /// How many examples were to run at once.
        lanes: usize,
        /// What their buffers take, in bytes.
        needed: usize,
        /// What they may take.
        most: usize,
    },
    /// A second derivative is asked for by a node that computes its own value.
    #[error(
        "variable {position} is neither an input nor a parameter; derive the graph for derivatives by what is computed"
    )]
    NotALeaf {
        /// Its place among the variables.
        position: usize,
    },
    /// The program does not compute this node.
    #[error("the node is not computed by this program: no output depends on it, or it belongs to another graph")]
    NotComputed,
}
