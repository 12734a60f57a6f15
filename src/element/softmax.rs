//! Softmax: logits to probabilities.

use crate::graph::{Expr, Graph};

/// The probabilities pₖ = e^zₖ / Σ e^zⱼ, in a group `softmax`, named `p[0]`, `p[1]`, ….
///
/// The greatest logit is subtracted first, so that nothing overflows: adding the same number to every logit changes
/// only what that addition rounds away.
///
/// # Panics
/// When a logit belongs to another graph or was removed.
///
/// # Reference
/// Bridle (1990), Probabilistic interpretation of feedforward classification network outputs,
/// doi:10.1007/978-3-642-76153-9_28.
///
/// ```
/// use dagrad::{Graph, element::softmax};
/// let graph = Graph::new();
/// let z = [graph.constant(1000.0), graph.constant(1000.0)];
/// assert_eq!(softmax(&graph, &z)[0].eval(&[])?, 0.5);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[track_caller]
#[must_use]
pub fn softmax<'g>(graph: &'g Graph, logits: &[Expr<'g>]) -> Vec<Expr<'g>> {
    graph.group("softmax", || {
        let most = graph.max(logits);
        let exponentials: Vec<_> = logits.iter().map(|&z| (z - most).exp()).collect();
        let total = graph.sum(&exponentials);
        exponentials.iter().enumerate().map(|(k, &e)| (e / total).named(&format!("p[{k}]"))).collect()
    })
}
