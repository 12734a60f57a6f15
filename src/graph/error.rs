//! What can be wrong with a path, a name or a shape.

use thiserror::Error;

/// What a graph refuses, with the path of the node and the numbers that disagree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// No node has this path.
    #[error("no node has the path `{path}`{}", suggest(.near))]
    UnknownPath {
        /// The path that was looked for.
        path: String,
        /// The nearest paths that exist, best first.
        near: Vec<String>,
    },
    /// More than one node has this path.
    #[error("{count} nodes have the path `{path}`, among them {}", quoted(.among))]
    AmbiguousPath {
        /// The path that was looked for.
        path: String,
        /// How many nodes have it.
        count: usize,
        /// The full paths of the first few, with the indices that tell them apart.
        among: Vec<String>,
    },
    /// A node of another graph was given.
    #[error("the node belongs to another graph")]
    ForeignNode,
    /// The node was removed from its graph.
    #[error("the node was removed from its graph")]
    RemovedNode,
    /// A node cannot be removed while others use it.
    #[error("`{path}` cannot be removed: `{user}` uses it")]
    InUse {
        /// The node that was to be removed.
        path: String,
        /// One that uses it.
        user: String,
    },
    /// An operation got a number of operands that it does not take.
    #[error("{what}, got {expected} and {got}{}", place(.path))]
    Mismatch {
        /// The rule that was broken, as `dot takes as many weights as values`.
        what: &'static str,
        /// The first number.
        expected: usize,
        /// The number that disagrees with it.
        got: usize,
        /// The group that was open.
        path: String,
    },
    /// A group was given an operation that it cannot use.
    #[error("an activation takes one operand, `{op}` does not{}", place(.path))]
    NotAnActivation {
        /// The name of the operation.
        op: &'static str,
        /// The group that was open.
        path: String,
    },
    /// A gate was given an activation that is straight where the gate uses it.
    #[error("{op} does not bend at its bias, σ″({bias}) = 0, and what is straight cannot multiply: give another bias{}", place(.path))]
    NoCurvature {
        /// The name of the activation.
        op: &'static str,
        /// The bias, as text, since errors are compared.
        bias: String,
        /// The group that was open.
        path: String,
    },
    /// An operation is no sum or product.
    #[error("`{path}` is {op}, and a polynomial has sums and products alone")]
    NotAPolynomial {
        /// The node.
        path: String,
        /// The name of its operation.
        op: &'static str,
    },
    /// A value that evaluation needs was not given.
    #[error("the input `{path}` has no value")]
    MissingInput {
        /// The input.
        path: String,
    },
    /// A node that is no parameter was to be frozen.
    #[error("`{path}` is no parameter: only parameters learn, and can be frozen; stop_gradient stops at any node")]
    NotAParameter {
        /// The node.
        path: String,
    },
    /// A value was given for a node that computes its own.
    #[error("`{path}` is neither an input nor a parameter and cannot be given a value")]
    NotALeaf {
        /// The node.
        path: String,
    },
}

/// What was probably meant, as the end of a sentence.
pub(crate) fn suggest(near: &[impl std::fmt::Display]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", quoted(near)) }
}

fn quoted(paths: &[impl std::fmt::Display]) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" (in {path})") }
}
