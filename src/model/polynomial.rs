//! Polynomials as networks: a gate of four neurons for each product.

use rustc_hash::FxHashMap;

use crate::element::{Unit, multiplication_gate};
use crate::graph::{Expr, Graph, GraphError, Kind, NodeId};
use crate::op::Op;

/// The network that computes a polynomial: sums stay, and every product of two unknowns becomes a
/// [gate](multiplication_gate) of four neurons. Products with constants are weights.
///
/// What the polynomial shares, the network shares: a factored polynomial needs fewer neurons than an expanded one. A
/// product of n numbers takes 4(n − 1) neurons in depth, and 2ⁿ with one hidden layer.
///
/// # Errors
/// [`GraphError::NotAPolynomial`] for an operation that is no sum or product, and the errors of
/// [`multiplication_gate`].
///
/// # Panics
/// When the polynomial was removed.
///
/// # Reference
/// Lin, Tegmark and Rolnick (2017), section III, doi:10.1007/s10955-017-1836-5; Rolnick and Tegmark (2018), The power of
/// deeper networks for expressing natural functions, theorem 4.1.
///
/// ```
/// use dagrad::{ElementSet, Graph, element::Unit, model::polynomial_as_network};
/// let graph = Graph::new();
/// let x = graph.inputs("x", 2);
/// let network = polynomial_as_network(x[0] * x[1] * x[1] + 2.0 * x[0], Unit::SOFTPLUS, 0.01)?;
/// let gates = graph.view(&[network], &ElementSet::groups(["gate"]))?;
/// assert_eq!(gates.elements().iter().filter(|e| e.role == dagrad::view::Role::Group).count(), 2);
/// # Ok::<(), dagrad::Error>(())
/// ```
pub fn polynomial_as_network<'g>(polynomial: Expr<'g>, unit: Unit, scale: f64) -> Result<Expr<'g>, GraphError> {
    let graph = polynomial.graph();
    let mut known: FxHashMap<NodeId, Expr<'g>> = FxHashMap::default();
    let needed = graph.arena().needed(&[polynomial.key()]);
    for node in needed.into_iter().map(|key| graph.handle(key)) {
        let Kind::Apply(op) = node.kind() else {
            known.insert(node.id(), node);
            continue;
        };
        let operands: Vec<Expr<'g>> = node.operands().iter().map(|operand| known[&operand.id()]).collect();
        known.insert(node.id(), translated(graph, node, op, &operands, unit, scale)?);
    }
    Ok(known[&polynomial.id()])
}

fn translated<'g>(
    graph: &'g Graph,
    node: Expr<'g>,
    op: Op,
    operands: &[Expr<'g>],
    unit: Unit,
    scale: f64,
) -> Result<Expr<'g>, GraphError> {
    let product = |a: Expr<'g>, b: Expr<'g>| {
        let weight = [a, b].iter().any(|factor| matches!(factor.kind(), Kind::Constant(_)));
        if weight { Ok(a * b) } else { multiplication_gate(a, b, unit, scale) }
    };
    match op {
        Op::Add | Op::Sub | Op::Neg | Op::Sum => Ok(graph.apply(op, operands)),
        Op::Mul => product(operands[0], operands[1]),
        Op::Square => product(operands[0], operands[0]),
        Op::Product => {
            let Some((&first, rest)) = operands.split_first() else { return Ok(graph.constant(1.0)) };
            rest.iter().try_fold(first, |all, &factor| product(all, factor))
        }
        Op::Dot => {
            let terms = operands.chunks_exact(2).map(|pair| product(pair[0], pair[1]));
            Ok(graph.sum(&terms.collect::<Result<Vec<_>, _>>()?))
        }
        _ => Err(GraphError::NotAPolynomial { path: node.path(), op: op.info().name }),
    }
}
