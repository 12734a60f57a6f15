//! A random graph of mixed operations, without any regularity to find.

use dagrad::{Expr, Graph};
use rand::RngExt as _;

use super::{Workload, generator};

const VARIABLES: usize = 64;

#[derive(Clone, Copy)]
enum Op {
    Add,
    Sub,
    Mul,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    Bell,
    Root,
    Div,
}

const OPS: [Op; 10] = [Op::Add, Op::Sub, Op::Mul, Op::Sin, Op::Cos, Op::Tanh, Op::Sigmoid, Op::Bell, Op::Root, Op::Div];

/// The opponent is a tape: operations and operands in flat arrays, replayed one after the other.
pub(crate) struct Irregular {
    point: Vec<f64>,
    tape: Vec<(Op, u32, u32)>,
    /// The nodes that no other uses; their sum is the output.
    ends: Vec<u32>,
    values: Vec<f64>,
    adjoints: Vec<f64>,
}

impl Irregular {
    /// A graph of `n` operations, of which some are made of two or three.
    pub(crate) fn new(n: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let point: Vec<f64> = (0..VARIABLES).map(|_| generator.random_range(-1.0..1.0)).collect();
        let mut tape = Vec::new();
        let mut used = vec![false; VARIABLES];
        for _ in 0..n {
            let known = used.len();
            let mut pick = |recent: bool| generator.random_range(if recent { known - VARIABLES } else { 0 }..known);
            let (a, b) = (pick(true), pick(false));
            (used[a], used[b]) = (true, true);
            let op = OPS[generator.random_range(0..OPS.len())];
            tape.push((op, u32::try_from(a).expect("a small graph"), u32::try_from(b).expect("a small graph")));
            used.push(false);
        }
        let ends = (0..).zip(&used).skip(VARIABLES).filter(|(_, used)| !**used).map(|(node, _)| node).collect();
        let len = used.len();
        Self { point, tape, ends, values: vec![0.0; len], adjoints: vec![0.0; len] }
    }
}

impl Workload for Irregular {
    fn name(&self) -> String {
        format!("irregular {}", self.tape.len())
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let mut nodes = graph.parameters("x", &self.point);
        for &(op, a, b) in &self.tape {
            let (a, b) = (nodes[a as usize], nodes[b as usize]);
            nodes.push(match op {
                Op::Add => 0.5 * (a + b),
                Op::Sub => a - b,
                Op::Mul => a * b.tanh(),
                Op::Sin => a.sin(),
                Op::Cos => b.cos(),
                Op::Tanh => (a * b).tanh(),
                Op::Sigmoid => a.sigmoid(),
                Op::Bell => (-(a * a)).exp(),
                Op::Root => (1.0 + b * b).sqrt(),
                Op::Div => a / (1.5 + b * b),
            });
        }
        let ends: Vec<Expr> = self.ends.iter().map(|&node| nodes[node as usize]).collect();
        graph.sum(&ends)
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &[]
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        let Self { point, tape, ends, values, adjoints } = self;
        values[..VARIABLES].copy_from_slice(point);
        for (k, &(op, a, b)) in tape.iter().enumerate() {
            let (a, b) = (values[a as usize], values[b as usize]);
            values[VARIABLES + k] = match op {
                Op::Add => 0.5 * (a + b),
                Op::Sub => a - b,
                Op::Mul => a * b.tanh(),
                Op::Sin => a.sin(),
                Op::Cos => b.cos(),
                Op::Tanh => (a * b).tanh(),
                Op::Sigmoid => 1.0 / (1.0 + (-a).exp()),
                Op::Bell => (-(a * a)).exp(),
                Op::Root => (1.0 + b * b).sqrt(),
                Op::Div => a / (1.5 + b * b),
            };
        }
        adjoints.fill(0.0);
        let mut total = 0.0;
        for &end in &*ends {
            total += values[end as usize];
            adjoints[end as usize] = 1.0;
        }
        for (k, &(op, at_a, at_b)) in tape.iter().enumerate().rev() {
            let (a, b, y) = (values[at_a as usize], values[at_b as usize], values[VARIABLES + k]);
            let bar = adjoints[VARIABLES + k];
            let (a_bar, b_bar) = match op {
                Op::Add => (0.5 * bar, 0.5 * bar),
                Op::Sub => (bar, -bar),
                Op::Mul => {
                    let t = b.tanh();
                    (bar * t, bar * a * (1.0 - t * t))
                }
                Op::Sin => (bar * a.cos(), 0.0),
                Op::Cos => (0.0, -bar * b.sin()),
                Op::Tanh => {
                    let d = bar * (1.0 - y * y);
                    (d * b, d * a)
                }
                Op::Sigmoid => (bar * y * (1.0 - y), 0.0),
                Op::Bell => (-2.0 * a * bar * y, 0.0),
                Op::Root => (0.0, bar * b / y),
                Op::Div => {
                    let d = 1.0 / (1.5 + b * b);
                    (bar * d, -2.0 * bar * y * d * b)
                }
            };
            adjoints[at_a as usize] += a_bar;
            adjoints[at_b as usize] += b_bar;
        }
        gradient.copy_from_slice(&adjoints[..VARIABLES]);
        total
    }
}
