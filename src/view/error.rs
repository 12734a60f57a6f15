//! What a view refuses.

use thiserror::Error;

use crate::graph::GraphError;

/// What a view refuses, with the path of the node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ViewError {
    /// An operation is none of the chosen elements.
    #[error("`{path}` is {operation}, which is not in the element set {set}")]
    Outside {
        /// The node.
        path: String,
        /// Its operation.
        operation: &'static str,
        /// The element set.
        set: String,
    },
    /// An output is not a node of the graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
}
