//! Learning: initial weights, data, and descent along gradients.
//!
//! A trainer runs a program on a table of examples and moves a vector of parameters; it does not look into the graph.

mod descent;
mod initialise;
mod table;

pub use descent::{Epoch, MiniBatch};
pub use initialise::{glorot_uniform, he_normal};
pub use table::{DataError, Table};
