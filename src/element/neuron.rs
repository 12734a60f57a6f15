//! The neuron: an affine element and an activation.

use super::{Affine, Fan, Weights, affine};
use crate::graph::{Expr, Graph, GraphError};
use crate::op::{Arity, Op};

/// One neuron, a = f(Σ wⱼ xⱼ + b).
#[derive(Clone, Debug)]
pub struct Neuron<'g> {
    /// The weights, one for each input.
    pub weights: Vec<Expr<'g>>,
    /// The bias.
    pub bias: Expr<'g>,
    /// The pre-activation, whose adjoint is the δ of backpropagation.
    pub z: Expr<'g>,
    /// The activation.
    pub a: Expr<'g>,
}

/// Builds a neuron in a group of its own, with nodes `w[0]`, `w[1]`, …, `b`, `z` and `a`.
///
/// Any row of the table with one operand is an activation; `None` leaves the sum as it is.
///
/// # Errors
/// [`GraphError::NotAnActivation`] for an operation of more or fewer operands.
///
/// # Panics
/// When an input belongs to another graph or was removed.
///
/// # Reference
/// Bishop (2006), Pattern Recognition and Machine Learning, section 5.1.
///
/// ```
/// use dagrad::{Graph, Op, element::{Fan, neuron}};
/// let graph = Graph::new();
/// let x = graph.inputs("x", 2);
/// let unit = neuron(&graph, "neuron", &x, Op::Sigmoid, Fan { input: 2, output: 1 }, &mut |_| 0.5)?;
/// assert_eq!(unit.weights[1].path(), "neuron / w[1]");
/// assert_eq!(unit.a.eval(&[("x[0]", 1.0), ("x[1]", -1.0)])?, 0.5);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[track_caller]
pub fn neuron<'g>(
    graph: &'g Graph,
    name: &str,
    inputs: &[Expr<'g>],
    activation: impl Into<Option<Op>>,
    fan: Fan,
    weights: Weights<'_>,
) -> Result<Neuron<'g>, GraphError> {
    let activation = activation.into();
    graph.group(name, || {
        if let Some(op) = activation.filter(|op| op.arity() != Arity::Fixed(1)) {
            return Err(graph.not_an_activation(op));
        }
        let Affine { weights, bias, z } = affine(graph, inputs, fan, weights);
        let a = activation.map_or(z, |op| graph.apply(op, &[z]).named("a"));
        Ok(Neuron { weights, bias, z, a })
    })
}
