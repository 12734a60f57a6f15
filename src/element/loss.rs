//! Losses: how far an output is from its target, in one number.

use crate::graph::{Expr, Graph, GraphError};

/// The negative log-likelihood of targets under the softmax of logits, −Σ yₖ ln pₖ, in nats.
///
/// It is computed from the logits, as Σ yₖ (ln Σ e^zⱼ − zₖ), so that no probability underflows. The targets are inputs or
/// constants: one-hot, or any weights; if they sum to 1, the derivative by zₖ is pₖ − yₖ.
///
/// # Errors
/// [`GraphError::Mismatch`] when there are not as many targets as logits.
///
/// # Panics
/// When an operand belongs to another graph or was removed.
///
/// # Reference
/// Bishop (2006), Pattern Recognition and Machine Learning, equation 4.108.
///
/// ```
/// use dagrad::{Graph, element::negative_log_likelihood};
/// let graph = Graph::new();
/// let z = graph.inputs("z", 3);
/// let y = [1.0, 0.0, 0.0].map(|target| graph.constant(target));
/// let loss = negative_log_likelihood(&graph, &z, &y)?;
/// let loss = loss.eval(&[("z[0]", 0.0), ("z[1]", 0.0), ("z[2]", 0.0)])?;
/// assert!((loss - 3f64.ln()).abs() < 1e-15);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[track_caller]
pub fn negative_log_likelihood<'g>(
    graph: &'g Graph,
    logits: &[Expr<'g>],
    targets: &[Expr<'g>],
) -> Result<Expr<'g>, GraphError> {
    graph.group("negative log-likelihood", || {
        if logits.len() != targets.len() {
            return Err(graph.mismatch("a loss takes as many logits as targets", logits.len(), targets.len()));
        }
        let total = graph.logsumexp(logits);
        let terms: Vec<_> = logits.iter().zip(targets).map(|(&z, &y)| y * (total - z)).collect();
        Ok(graph.sum(&terms).named("loss"))
    })
}

/// Half the squared distance between outputs and targets, ½ Σ (hₖ − yₖ)².
///
/// # Errors
/// [`GraphError::Mismatch`] when there are not as many targets as outputs.
///
/// # Panics
/// When an operand belongs to another graph or was removed.
///
/// ```
/// use dagrad::{Graph, element::half_squared_error};
/// let graph = Graph::new();
/// let (h, y) = (graph.input("h"), graph.constant(1.0));
/// assert_eq!(half_squared_error(&graph, &[h], &[y])?.eval(&[("h", 4.0)])?, 4.5);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[track_caller]
pub fn half_squared_error<'g>(
    graph: &'g Graph,
    outputs: &[Expr<'g>],
    targets: &[Expr<'g>],
) -> Result<Expr<'g>, GraphError> {
    graph.group("half squared error", || {
        if outputs.len() != targets.len() {
            return Err(graph.mismatch("a loss takes as many outputs as targets", outputs.len(), targets.len()));
        }
        let squares: Vec<_> = outputs.iter().zip(targets).map(|(&h, &y)| (h - y).square()).collect();
        Ok((0.5 * graph.sum(&squares)).named("loss"))
    })
}
