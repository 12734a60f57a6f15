//! A chain of products and sums in turn, each of which needs the one before.

use dagrad::{Expr, Graph};
use rand::RngExt as _;

use super::{Workload, generator};

const TURNS: usize = 4;

/// The first number, then the factors, then the summands.
pub(crate) struct Chain {
    links: usize,
    point: Vec<f64>,
    states: Vec<f64>,
}

impl Chain {
    /// A chain of `n` operations.
    pub(crate) fn new(n: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let mut point = vec![0.5];
        point.extend((0..TURNS).map(|_| generator.random_range(0.999..1.001)));
        point.extend((0..TURNS).map(|_| generator.random_range(-1e-3..1e-3)));
        Self { links: n / 2, point, states: vec![0.0; n / 2 + 1] }
    }
}

impl Workload for Chain {
    fn name(&self) -> String {
        format!("chain {}", 2 * self.links)
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let mut x = graph.parameter("x", self.point[0]);
        let a = graph.parameters("a", &self.point[1..=TURNS]);
        let b = graph.parameters("b", &self.point[1 + TURNS..]);
        for k in 0..self.links {
            x *= a[k % TURNS];
            x += b[k % TURNS];
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
        let a: [f64; TURNS] = self.point[1..=TURNS].try_into().expect("as many as there are turns");
        let b: [f64; TURNS] = self.point[1 + TURNS..].try_into().expect("as many as there are turns");
        let mut x = self.point[0];
        self.states[0] = x;
        for states in self.states[1..].chunks_mut(TURNS) {
            for (k, state) in states.iter_mut().enumerate() {
                x = x.mul_add(a[k], b[k]);
                *state = x;
            }
        }
        let (mut a_bar, mut b_bar, mut bar) = ([0.0; TURNS], [0.0; TURNS], 1.0);
        for states in self.states[..self.links].chunks(TURNS).rev() {
            for (k, &state) in states.iter().enumerate().rev() {
                a_bar[k] += bar * state;
                b_bar[k] += bar;
                bar *= a[k];
            }
        }
        gradient[0] = bar;
        gradient[1..=TURNS].copy_from_slice(&a_bar);
        gradient[1 + TURNS..].copy_from_slice(&b_bar);
        x
    }
}
