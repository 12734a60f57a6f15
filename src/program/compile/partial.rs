//! Partial: derivatives that are values of other nodes.
//!
//! Where both sin x and cos x are computed, each is the other's derivative but for the sign: the adjoint of x is a sum of
//! products. Which operations are such is read off the rules of the table, by running them on symbols.

use rustc_hash::FxHashMap;

use super::body::{Body, BodyNode, Ref};
use crate::op::{Arity, Op, Scalar};

/// For each node the one that is its derivative in its only operand, and whether with the sign turned.
pub(super) fn known(body: &Body) -> Vec<Option<(u32, bool)>> {
    let of_one = || {
        (0..).zip(&body.nodes).filter_map(|(node, what)| match what {
            BodyNode::Map(op, operands) => match operands[..] {
                [Ref::Own(operand)] => Some((node, *op, operand)),
                _ => None,
            },
            _ => None,
        })
    };
    let nodes: FxHashMap<_, u32> = of_one().map(|(node, op, operand)| ((op.identity(), operand), node)).collect();
    let mut known = vec![None; body.nodes.len()];
    for (node, op, operand) in of_one() {
        known[node as usize] =
            partial(op).and_then(|(op, minus)| Some((*nodes.get(&(op.identity(), operand))?, minus)));
    }
    known
}

/// The operation that is the derivative of another one, and whether with the sign turned.
fn partial(op: Op) -> Option<(Op, bool)> {
    if matches!(op, Op::Custom(_)) || op.arity() != Arity::Fixed(1) {
        return None;
    }
    let mut partials = [Symbol::Other];
    op.partials(&[Symbol::Operand], Symbol::Other, &mut partials);
    match partials {
        [Symbol::Of(op, minus)] => Some((op, minus)),
        _ => None,
    }
}

/// What a rule computes.
#[derive(Clone, Copy, Debug)]
enum Symbol {
    Operand,
    /// An operation on the operand, with its sign turned or not.
    Of(Op, bool),
    Other,
}

impl Scalar for Symbol {
    fn constant(self, _: f64) -> Self {
        Self::Other
    }

    fn apply(op: Op, operands: &[Self]) -> Self {
        match (op, operands) {
            (Op::Neg, &[Self::Of(op, minus)]) => Self::Of(op, !minus),
            (_, [Self::Operand]) => Self::Of(op, false),
            _ => Self::Other,
        }
    }
}

operators! { [] Symbol }

#[cfg(test)]
mod tests {
    use super::partial;
    use crate::op::Op;

    #[test]
    fn sines_and_cosines_are_each_others_derivatives() {
        let pairs: Vec<(&str, &str, bool)> = (Op::ALL.iter())
            .filter_map(|&op| partial(op).map(|(of, minus)| (op.info().name, of.info().name, minus)))
            .collect();
        let trigonometric = [("sin", "cos", false), ("cos", "sin", true)];
        let hyperbolic = [("sinh", "cosh", false), ("cosh", "sinh", false)];
        for pair in trigonometric.iter().chain(&hyperbolic) {
            assert!(pairs.contains(pair), "{pair:?} is not among {pairs:?}");
        }
    }
}
