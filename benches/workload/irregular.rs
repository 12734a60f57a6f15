//! A random graph of mixed operations: no two neighbours are alike, and half of the operands lie far away.

use dagrad::{Expr, Graph};
use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;

use super::{Workload, generator};

const VARIABLES: usize = 64;

/// How far back the near operands lie.
const NEAR: usize = 64;

/// Values that leave ±`LARGEST` are drawn again.
const LARGEST: f64 = 4.0;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Add,
    Sub,
    Mul,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    /// e^(−x²).
    Bell,
    /// √(1 + x²).
    Length,
    /// x / (1.5 + y²).
    Share,
}

const KINDS: [Kind; 10] = [
    Kind::Add,
    Kind::Sub,
    Kind::Mul,
    Kind::Sin,
    Kind::Cos,
    Kind::Tanh,
    Kind::Sigmoid,
    Kind::Bell,
    Kind::Length,
    Kind::Share,
];

impl Kind {
    fn is_binary(self) -> bool {
        matches!(self, Self::Add | Self::Sub | Self::Mul | Self::Share)
    }

    /// How many operations it is in the graph.
    fn operations(self) -> usize {
        match self {
            Self::Bell | Self::Length | Self::Share => 3,
            _ => 1,
        }
    }

    /// The value, and a number that the derivatives need beside it.
    #[inline]
    fn value(self, x: f64, y: f64) -> (f64, f64) {
        match self {
            Self::Add => (x + y, 0.0),
            Self::Sub => (x - y, 0.0),
            Self::Mul => (x * y, 0.0),
            Self::Sin => x.sin_cos(),
            Self::Cos => {
                let (sin, cos) = x.sin_cos();
                (cos, -sin)
            }
            Self::Tanh => {
                let value = x.tanh();
                (value, 1.0 - value * value)
            }
            Self::Sigmoid => {
                let value = 1.0 / (1.0 + (-x).exp());
                (value, value * (1.0 - value))
            }
            Self::Bell => {
                let value = (-x * x).exp();
                (value, -2.0 * x * value)
            }
            Self::Length => {
                let value = (1.0 + x * x).sqrt();
                (value, x / value)
            }
            Self::Share => {
                let share = 1.0 / (1.5 + y * y);
                (x * share, share)
            }
        }
    }
}

/// A random function as a list of steps.
#[derive(Debug)]
pub(crate) struct Irregular {
    n: usize,
    point: Vec<f64>,
    kinds: Vec<Kind>,
    /// The operands of each step; where there is one, it stands twice.
    operands: Vec<[u32; 2]>,
    /// The steps and variables that no step uses: the function is their sum.
    ends: Vec<u32>,
    values: Vec<f64>,
    partials: Vec<f64>,
    adjoints: Vec<f64>,
}

impl Irregular {
    /// A function of about `n` operations, besides the sum at its end.
    pub(crate) fn new(n: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let point: Vec<f64> = (0..VARIABLES).map(|_| generator.random_range(-1.0..1.0)).collect();
        let (mut kinds, mut operands, mut values) = (Vec::new(), Vec::<[u32; 2]>::new(), point.clone());
        let mut operations = 0;
        while operations < n {
            let kind = KINDS[generator.random_range(0..KINDS.len())];
            let a = earlier(&mut generator, values.len());
            let b = if kind.is_binary() { earlier(&mut generator, values.len()) } else { a };
            let (value, _) = kind.value(values[a as usize], values[b as usize]);
            if value.abs() > LARGEST {
                continue;
            }
            kinds.push(kind);
            operands.push([a, b]);
            values.push(value);
            operations += kind.operations();
        }
        let mut used = vec![false; values.len()];
        for &operand in operands.iter().flatten() {
            used[operand as usize] = true;
        }
        let ends = (0..).zip(used).filter_map(|(node, used)| (!used).then_some(node)).collect();
        let (partials, adjoints) = (vec![0.0; kinds.len()], vec![0.0; values.len()]);
        Self { n, point, kinds, operands, ends, values, partials, adjoints }
    }
}

/// One of `count` nodes: half of the time any of them, half of the time one of the last.
fn earlier(generator: &mut ChaCha8Rng, count: usize) -> u32 {
    let from = if generator.random() { 0 } else { count.saturating_sub(NEAR) };
    u32::try_from(generator.random_range(from..count)).expect("fewer than 2³² nodes")
}

impl Workload for Irregular {
    fn name(&self) -> String {
        format!("irregular {}", self.n)
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let mut nodes = graph.parameters("x", &self.point);
        for (kind, &[a, b]) in self.kinds.iter().zip(&self.operands) {
            let (x, y) = (nodes[a as usize], nodes[b as usize]);
            nodes.push(match kind {
                Kind::Add => x + y,
                Kind::Sub => x - y,
                Kind::Mul => x * y,
                Kind::Sin => x.sin(),
                Kind::Cos => x.cos(),
                Kind::Tanh => x.tanh(),
                Kind::Sigmoid => x.sigmoid(),
                Kind::Bell => (-x.square()).exp(),
                Kind::Length => (1.0 + x.square()).sqrt(),
                Kind::Share => x / (1.5 + y.square()),
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
        let steps = self.kinds.iter().zip(&self.operands);
        for ((place, (&kind, &[a, b])), partial) in (VARIABLES..).zip(steps).zip(&mut self.partials) {
            (self.values[place], *partial) = kind.value(self.values[a as usize], self.values[b as usize]);
        }
        self.adjoints.fill(0.0);
        let mut sum = 0.0;
        for &end in &self.ends {
            sum += self.values[end as usize];
            self.adjoints[end as usize] = 1.0;
        }
        let steps = self.kinds.iter().zip(&self.operands).zip(&self.partials).enumerate();
        for (step, ((&kind, &[a, b]), &partial)) in steps.rev() {
            let adjoint = self.adjoints[VARIABLES + step];
            let (a, b) = (a as usize, b as usize);
            match kind {
                Kind::Add => {
                    self.adjoints[a] += adjoint;
                    self.adjoints[b] += adjoint;
                }
                Kind::Sub => {
                    self.adjoints[a] += adjoint;
                    self.adjoints[b] -= adjoint;
                }
                Kind::Mul => {
                    let (x, y) = (self.values[a], self.values[b]);
                    self.adjoints[a] += adjoint * y;
                    self.adjoints[b] += adjoint * x;
                }
                Kind::Share => {
                    let by_x = adjoint * partial;
                    let (y, value) = (self.values[b], self.values[VARIABLES + step]);
                    self.adjoints[a] += by_x;
                    self.adjoints[b] -= 2.0 * y * value * by_x;
                }
                _ => self.adjoints[a] += adjoint * partial,
            }
        }
        gradient.copy_from_slice(&self.adjoints[..VARIABLES]);
        sum
    }
}
