//! The extended Rosenbrock function, Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)².
//!
//! # Reference
//! Rosenbrock (1960), An automatic method for finding the greatest or least value of a function, doi:10.1093/comjnl/3.3.175.

use dagrad::{Expr, Graph};
use rand::RngExt as _;

use super::{Workload, generator};

pub(crate) struct Rosenbrock {
    point: Vec<f64>,
}

impl Rosenbrock {
    pub(crate) fn new(n: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        Self { point: (0..n).map(|_| generator.random_range(-2.0..2.0)).collect() }
    }
}

/// The value of a link, and its derivatives by both ends.
#[inline]
fn link(x: f64, next: f64) -> (f64, f64, f64) {
    let (t, u) = (next - x * x, 1.0 - x);
    (100.0 * t * t + u * u, -400.0 * t * x - 2.0 * u, 200.0 * t)
}

impl Workload for Rosenbrock {
    fn name(&self) -> String {
        format!("rosenbrock {}", self.point.len())
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let x = graph.parameters("x", &self.point);
        let mut sum = graph.constant(0.0);
        for i in 0..x.len() - 1 {
            sum += 100.0 * (x[i + 1] - x[i].square()).square() + (1.0 - x[i]).square();
        }
        sum
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &[]
    }

    /// One link after the other; the value in several chains.
    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        const CHAINS: usize = 4;
        let x = &self.point;
        let links = x.len() - 1;
        let (mut sums, mut carry) = ([0.0; CHAINS], 0.0);
        for i in 0..links {
            let (value, own, next) = link(x[i], x[i + 1]);
            sums[i % CHAINS] += value;
            gradient[i] = own + carry;
            carry = next;
        }
        gradient[links] = carry;
        sums.iter().sum()
    }

    /// Every number of the gradient has its own link and the one before, computed anew so that the loop is free.
    fn strong(&mut self, gradient: &mut [f64]) -> Option<f64> {
        const CHAINS: usize = 16;
        let x = &self.point;
        let links = x.len() - 1;
        let mut sums = [0.0; CHAINS];
        let (_, own, mut carry) = link(x[0], x[1]);
        sums[0] = link(x[0], x[1]).0;
        gradient[0] = own;
        let mut i = 1;
        while i + CHAINS <= links {
            let (before, here) = (&x[i - 1..i - 1 + CHAINS], &x[i..i + CHAINS]);
            let after = &x[i + 1..i + 1 + CHAINS];
            let out = &mut gradient[i..i + CHAINS];
            for k in 0..CHAINS {
                let (value, own, _) = link(here[k], after[k]);
                sums[k] += value;
                out[k] = own + 200.0 * (here[k] - before[k] * before[k]);
            }
            i += CHAINS;
            carry = 200.0 * (x[i] - x[i - 1] * x[i - 1]);
        }
        while i < links {
            let (value, own, next) = link(x[i], x[i + 1]);
            sums[0] += value;
            gradient[i] = own + carry;
            carry = next;
            i += 1;
        }
        gradient[links] = carry;
        Some(sums.iter().sum())
    }
}
