//! A 64-32-10 network of tanh neurons with softmax and the negative log-likelihood.

use dagrad::{Expr, Graph};
use rand::RngExt as _;

use super::{Workload, generator};

const INPUTS: usize = 64;
const HIDDEN: usize = 32;
const OUTPUTS: usize = 10;
const ROW1: usize = INPUTS + 1;
const ROW2: usize = HIDDEN + 1;
const SECOND: usize = HIDDEN * ROW1;
const VARIABLES: usize = SECOND + OUTPUTS * ROW2;
const DATA: usize = INPUTS + OUTPUTS;

/// How the examples reach the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The graph is that of one example, run over lanes.
    Lanes,
    /// Every example is written out in one graph.
    Written,
}

/// The network with its examples; a neuron's weights, then its bias, neuron by neuron.
pub(crate) struct Mlp {
    form: Form,
    examples: usize,
    point: Vec<f64>,
    data: Vec<f64>,
    /// Example by example, for the code written by hand.
    rows: Vec<[f64; DATA]>,
    strong: Strong,
}

impl Mlp {
    pub(crate) fn new(form: Form, examples: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let point = (0..VARIABLES).map(|_| generator.random_range(-0.3..0.3)).collect();
        let rows: Vec<[f64; DATA]> = (0..examples)
            .map(|_| {
                let label = generator.random_range(0..OUTPUTS);
                std::array::from_fn(|i| match i {
                    ..INPUTS => generator.random_range(0.0..1.0),
                    _ => f64::from(u8::from(i - INPUTS == label)),
                })
            })
            .collect();
        let data = match form {
            Form::Lanes => (0..DATA).flat_map(|i| rows.iter().map(move |row| row[i])).collect(),
            Form::Written => rows.concat(),
        };
        let strong = Strong::new(&rows);
        Self { form, examples, point, data, rows, strong }
    }
}

fn layer<'g>(weights: &[Expr<'g>], x: &[Expr<'g>]) -> Vec<Expr<'g>> {
    let neuron = |row: &[Expr<'g>]| {
        let mut z = row[x.len()];
        for (&w, &x) in row.iter().zip(x) {
            z += w * x;
        }
        z
    };
    weights.chunks_exact(x.len() + 1).map(neuron).collect()
}

fn loss<'g>(graph: &'g Graph, weights: &[Expr<'g>], example: &[Expr<'g>]) -> Expr<'g> {
    let (x, targets) = example.split_at(INPUTS);
    let hidden: Vec<Expr> = layer(&weights[..SECOND], x).into_iter().map(|z| z.tanh()).collect();
    let z = layer(&weights[SECOND..], &hidden);
    let mut loss = graph.logsumexp(&z);
    for (&target, &z) in targets.iter().zip(&z) {
        loss -= target * z;
    }
    loss
}

impl Workload for Mlp {
    fn name(&self) -> String {
        match self.form {
            Form::Lanes => format!("mlp, batch {}", self.examples),
            Form::Written => format!("mlp, {} written out", self.examples),
        }
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let weights = graph.parameters("w", &self.point);
        let examples = if self.form == Form::Written { self.examples } else { 1 };
        let data = graph.inputs("x", DATA * examples);
        let mut total = loss(graph, &weights, &data[..DATA]);
        for example in data.chunks_exact(DATA).skip(1) {
            total += loss(graph, &weights, example);
        }
        total
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &self.data
    }

    fn lanes(&self) -> usize {
        if self.form == Form::Lanes { self.examples } else { 1 }
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        self.rows.iter().map(|row| plain(&self.point, row, gradient)).sum()
    }

    fn strong(&mut self, gradient: &mut [f64]) -> Option<f64> {
        (self.examples >= LANES).then(|| self.strong.run(&self.point, gradient))
    }
}

/// An inner product in eight chains.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, (a, a_rest), (b, b_rest)) = ([0.0; 8], a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] = a[i].mul_add(b[i], sums[i]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

fn plain(w: &[f64], row: &[f64; DATA], gradient: &mut [f64]) -> f64 {
    let (x, target) = row.split_at(INPUTS);
    let (w1, w2) = w.split_at(SECOND);
    let (g1, g2) = gradient.split_at_mut(SECOND);
    let mut a = [0.0; HIDDEN];
    for (a, row) in a.iter_mut().zip(w1.chunks_exact(ROW1)) {
        *a = (dot(&row[..INPUTS], x) + row[INPUTS]).tanh();
    }
    let mut z = [0.0; OUTPUTS];
    for (z, row) in z.iter_mut().zip(w2.chunks_exact(ROW2)) {
        *z = dot(&row[..HIDDEN], &a) + row[HIDDEN];
    }
    let most = z.iter().fold(f64::NEG_INFINITY, |most, &z| most.max(z));
    let exps = z.map(|z| (z - most).exp());
    let total: f64 = exps.iter().sum();
    let loss = most + total.ln() - dot(target, &z);
    let mut a_bar = [0.0; HIDDEN];
    for ((row, g), (exp, target)) in w2.chunks_exact(ROW2).zip(g2.chunks_exact_mut(ROW2)).zip(exps.iter().zip(target)) {
        let delta = exp / total - target;
        for i in 0..HIDDEN {
            a_bar[i] = row[i].mul_add(delta, a_bar[i]);
            g[i] = a[i].mul_add(delta, g[i]);
        }
        g[HIDDEN] += delta;
    }
    for ((a, a_bar), g) in a.iter().zip(&a_bar).zip(g1.chunks_exact_mut(ROW1)) {
        let delta = a_bar * (1.0 - a * a);
        for i in 0..INPUTS {
            g[i] = x[i].mul_add(delta, g[i]);
        }
        g[INPUTS] += delta;
    }
    loss
}

const LANES: usize = 32;
type Lanes = [f64; LANES];

/// Blocks of examples side by side.
struct Strong {
    /// The examples `[block][input]`, side by side.
    blocks: Vec<[Lanes; DATA]>,
    /// How many examples of each block count.
    used: Vec<usize>,
    a: [Lanes; HIDDEN],
    z: [Lanes; OUTPUTS],
    a_bar: [Lanes; HIDDEN],
}

impl Strong {
    fn new(rows: &[[f64; DATA]]) -> Self {
        let blocks = rows
            .chunks(LANES)
            .map(|rows| std::array::from_fn(|i| std::array::from_fn(|l| rows.get(l).map_or(0.0, |row| row[i]))))
            .collect();
        let used = rows.chunks(LANES).map(<[_]>::len).collect();
        Self { blocks, used, a: [[0.0; LANES]; HIDDEN], z: [[0.0; LANES]; OUTPUTS], a_bar: [[0.0; LANES]; HIDDEN] }
    }

    fn run(&mut self, w: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let (w1, w2) = w.split_at(SECOND);
        let (g1, g2) = gradient.split_at_mut(SECOND);
        let mut loss = 0.0;
        for (block, &used) in self.blocks.iter().zip(&self.used) {
            let (x, target) = block.split_at(INPUTS);
            product::<4>(w1, ROW1, x, &mut self.a);
            for a in &mut self.a {
                a.iter_mut().for_each(|a| *a = dagrad::elementary::tanh(*a));
            }
            product::<2>(w2, ROW2, &self.a, &mut self.z);
            let mut most = self.z[0];
            for z in &self.z {
                for l in 0..LANES {
                    most[l] = if z[l] > most[l] { z[l] } else { most[l] };
                }
            }
            let (mut total, mut loss_of) = ([0.0; LANES], [0.0; LANES]);
            for (z, target) in self.z.iter_mut().zip(target) {
                for l in 0..LANES {
                    loss_of[l] -= z[l] * target[l];
                    z[l] = dagrad::elementary::exp(z[l] - most[l]);
                    total[l] += z[l];
                }
            }
            for l in 0..LANES {
                loss_of[l] += most[l] + dagrad::elementary::ln(total[l]);
            }
            loss += loss_of[..used].iter().sum::<f64>();
            for (z, target) in self.z.iter_mut().zip(target) {
                for l in 0..LANES {
                    z[l] = if l < used { z[l] / total[l] - target[l] } else { 0.0 };
                }
            }
            outer(&self.z, &self.a, g2);
            transposed(w2, &self.z, &mut self.a_bar);
            for (a_bar, a) in self.a_bar.iter_mut().zip(&self.a) {
                for l in 0..LANES {
                    a_bar[l] *= 1.0 - a[l] * a[l];
                }
            }
            outer(&self.a_bar, x, g1);
        }
        loss
    }
}

/// z = W x + b, `M` rows at a time.
fn product<const M: usize>(w: &[f64], width: usize, x: &[Lanes], z: &mut [Lanes]) {
    for (rows, z) in w.chunks_exact(M * width).zip(z.chunks_exact_mut(M)) {
        let mut sums: [Lanes; M] = std::array::from_fn(|m| [rows[m * width + width - 1]; LANES]);
        for (k, x) in x.iter().enumerate() {
            for m in 0..M {
                let weight = rows[m * width + k];
                for l in 0..LANES {
                    sums[m][l] = x[l].mul_add(weight, sums[m][l]);
                }
            }
        }
        z.copy_from_slice(&sums);
    }
}

/// ā = Wᵀ δ, four rows of ā at a time.
fn transposed(w: &[f64], delta: &[Lanes], a_bar: &mut [Lanes]) {
    for (first, a_bar) in (0..).step_by(4).zip(a_bar.chunks_exact_mut(4)) {
        let mut sums = [[0.0; LANES]; 4];
        for (row, delta) in w.chunks_exact(ROW2).zip(delta) {
            for m in 0..4 {
                let weight = row[first + m];
                for l in 0..LANES {
                    sums[m][l] = delta[l].mul_add(weight, sums[m][l]);
                }
            }
        }
        a_bar.copy_from_slice(&sums);
    }
}

/// The gradient of the weights and biases of a layer.
fn outer(delta: &[Lanes], x: &[Lanes], gradient: &mut [f64]) {
    for (delta, gradient) in delta.iter().zip(gradient.chunks_exact_mut(x.len() + 1)) {
        let (weights, bias) = gradient.split_at_mut(x.len());
        for (x, gradient) in x.chunks(4).zip(weights.chunks_mut(4)) {
            let mut sums = [[0.0; 8]; 4];
            for (m, x) in x.iter().enumerate() {
                for (delta, x) in delta.as_chunks::<8>().0.iter().zip(x.as_chunks::<8>().0) {
                    for l in 0..8 {
                        sums[m][l] = delta[l].mul_add(x[l], sums[m][l]);
                    }
                }
            }
            for (gradient, sums) in gradient.iter_mut().zip(&sums) {
                *gradient += ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
            }
        }
        bias[0] += delta.iter().sum::<f64>();
    }
}
