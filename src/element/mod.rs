//! Named groups of primitives: neurons, layers, softmax, losses.
//!
//! Every element is built of scalar operations inside a [group](crate::Graph::group), so that it can be looked at as one
//! or opened. Elements return expressions; they know no program, no data and no trainer.

mod affine;
mod gate;
mod layer;
mod loss;
mod neuron;
mod softmax;

pub use affine::{Affine, affine};
pub use gate::{Unit, and_gate, multiplication_gate};
pub use layer::{Layer, layer};
pub use loss::{half_squared_error, negative_log_likelihood};
pub use neuron::{Neuron, neuron};
pub use softmax::softmax;

/// How many numbers go into a unit and how many units stand beside it: what an initialiser scales weights by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fan {
    /// The inputs of each unit, fan-in.
    pub input: usize,
    /// The units of the layer, fan-out.
    pub output: usize,
}

/// Where initial weights come from, one call for each weight; biases start at 0.
///
/// [`train::glorot_uniform`](crate::train::glorot_uniform) and [`train::he_normal`](crate::train::he_normal) make such
/// functions; `&mut |_| 0.0` is one too.
pub type Weights<'w> = &'w mut dyn FnMut(Fan) -> f64;
