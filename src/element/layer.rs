//! The fully connected layer: neurons over the same inputs.

use super::{Fan, Neuron, Weights, neuron};
use crate::graph::{Expr, Graph, GraphError};
use crate::op::Op;

/// A fully connected layer.
#[derive(Clone, Debug)]
pub struct Layer<'g> {
    /// The neurons, each over all inputs.
    pub neurons: Vec<Neuron<'g>>,
}

impl<'g> Layer<'g> {
    /// The activations, one for each neuron: the inputs of the next layer.
    #[must_use]
    pub fn outputs(&self) -> Vec<Expr<'g>> {
        self.neurons.iter().map(|neuron| neuron.a).collect()
    }

    /// The pre-activations z, one for each neuron.
    #[must_use]
    pub fn pre_activations(&self) -> Vec<Expr<'g>> {
        self.neurons.iter().map(|neuron| neuron.z).collect()
    }

    /// How many weights and biases the layer has: neurons × (inputs + 1).
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.neurons.iter().map(|neuron| neuron.weights.len() + 1).sum()
    }
}

/// Builds `width` neurons over the same inputs, in groups `neuron 0`, `neuron 1`, … of a group of the layer's name.
///
/// # Errors
/// [`GraphError::NotAnActivation`] for an operation of more or fewer than one operand.
///
/// # Panics
/// When an input belongs to another graph or was removed.
///
/// ```
/// use dagrad::{Graph, Op, element::layer};
/// let graph = Graph::new();
/// let x = graph.inputs("x", 10);
/// let hidden = layer(&graph, "layer 1", &x, 10, Op::Tanh, &mut |_| 0.1)?;
/// let next = layer(&graph, "layer 2", &hidden.outputs(), 5, Op::Tanh, &mut |_| 0.1)?;
/// assert_eq!((hidden.parameter_count(), next.parameter_count()), (110, 55));
/// assert_eq!(graph.find("layer 2 / neuron 4 / w[3]")?, next.neurons[4].weights[3]);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[track_caller]
pub fn layer<'g>(
    graph: &'g Graph,
    name: &str,
    inputs: &[Expr<'g>],
    width: usize,
    activation: impl Into<Option<Op>>,
    weights: Weights<'_>,
) -> Result<Layer<'g>, GraphError> {
    let activation = activation.into();
    let fan = Fan { input: inputs.len(), output: width };
    graph.group(name, || {
        let neurons = (0..width)
            .map(|i| neuron(graph, &format!("neuron {i}"), inputs, activation, fan, weights))
            .collect::<Result<_, _>>()?;
        Ok(Layer { neurons })
    })
}
