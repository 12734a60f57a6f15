//! One number taken through a long chain of products and sums: every operation waits for the one before it.

use dagrad::{Expr, Graph};
use rand::RngExt as _;

use super::{Workload, generator};

/// How many factors, and how many summands, are used in turn.
const TURN: usize = 4;

/// The chain x ← x aₖ, x ← x + bₖ, again and again.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The start, the factors, the summands.
    point: Vec<f64>,
    /// What each product was given.
    given: Vec<[f64; TURN]>,
}

impl Chain {
    /// A chain of `n` operations, rounded down to whole turns of eight.
    ///
    /// One turn leaves a number as it was, but for rounding, so that neither values nor adjoints grow or vanish.
    pub(crate) fn new(n: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let mut near = |middle: f64| middle + generator.random_range(-0.25..0.25);
        let [x, a0, a1, a2, b0, b1, b2] = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0].map(&mut near);
        let a3 = 1.0 / (a0 * a1 * a2);
        let b3 = -((b0 * a1 + b1) * a2 + b2) * a3;
        Self { point: vec![x, a0, a1, a2, a3, b0, b1, b2, b3], given: vec![[0.0; TURN]; n / (2 * TURN)] }
    }
}

impl Workload for Chain {
    fn name(&self) -> String {
        format!("chain {}", self.given.len() * 2 * TURN)
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let mut x = graph.parameter("x", self.point[0]);
        let a = graph.parameters("a", &self.point[1..=TURN]);
        let b = graph.parameters("b", &self.point[1 + TURN..]);
        for _ in 0..self.given.len() {
            for k in 0..TURN {
                x *= a[k];
                x += b[k];
            }
        }
        x
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &[]
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        let [mut x, a0, a1, a2, a3, b0, b1, b2, b3] = self.point[..] else { unreachable!("nine variables") };
        let (a, b) = ([a0, a1, a2, a3], [b0, b1, b2, b3]);
        for given in &mut self.given {
            for k in 0..TURN {
                given[k] = x;
                x = if cfg!(target_feature = "fma") { x.mul_add(a[k], b[k]) } else { x * a[k] + b[k] };
            }
        }
        let mut adjoint = 1.0;
        let (mut by_a, mut by_b) = ([0.0; TURN], [0.0; TURN]);
        for given in self.given.iter().rev() {
            for k in (0..TURN).rev() {
                by_b[k] += adjoint;
                by_a[k] += adjoint * given[k];
                adjoint *= a[k];
            }
        }
        gradient[0] = adjoint;
        gradient[1..=TURN].copy_from_slice(&by_a);
        gradient[1 + TURN..].copy_from_slice(&by_b);
        x
    }
}
