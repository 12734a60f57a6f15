//! The affine element: a weighted sum and a bias.

use super::{Fan, Weights};
use crate::graph::{Expr, Graph};

/// A weighted sum with a bias, z = Σ wⱼ xⱼ + b.
#[derive(Clone, Debug)]
pub struct Affine<'g> {
    /// The weights, one for each input.
    pub weights: Vec<Expr<'g>>,
    /// The bias.
    pub bias: Expr<'g>,
    /// The sum.
    pub z: Expr<'g>,
}

/// Builds z = Σ wⱼ xⱼ + b in the open group, with parameters `w[0]`, `w[1]`, … and `b`.
///
/// It is written as anyone would write it, a product and a sum for each input: a program finds the inner product itself.
///
/// ```
/// use dagrad::{Graph, element::{Fan, affine}};
/// let graph = Graph::new();
/// let x = graph.inputs("x", 3);
/// let unit = affine(&graph, &x, Fan { input: 3, output: 1 }, &mut |_| 0.5);
/// assert_eq!(unit.z.eval(&[("x[0]", 1.0), ("x[1]", 2.0), ("x[2]", 3.0)])?, 3.0);
/// # Ok::<(), dagrad::Error>(())
/// ```
///
/// # Panics
/// When an input belongs to another graph or was removed.
#[track_caller]
pub fn affine<'g>(graph: &'g Graph, inputs: &[Expr<'g>], fan: Fan, weights: Weights<'_>) -> Affine<'g> {
    let initial: Vec<f64> = inputs.iter().map(|_| weights(fan)).collect();
    let weights = graph.parameters("w", &initial);
    let bias = graph.parameter("b", 0.0);
    let mut z = bias;
    for (&w, &x) in weights.iter().zip(inputs) {
        z += w * x;
    }
    Affine { z: if inputs.is_empty() { bias } else { z.named("z") }, weights, bias }
}
