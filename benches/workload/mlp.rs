//! A network of 64 inputs, 32 tanh neurons and 10 outputs, with the negative log-likelihood of softmax.

use dagrad::{Expr, Graph, elementary};
use rand::RngExt as _;

use super::{Workload, generator};

const INPUTS: usize = 64;
const HIDDEN: usize = 32;
const OUTPUTS: usize = 10;

/// Room for the outputs of one example that is a whole number of vectors.
const ROOM: usize = 16;

/// How many examples the strong code takes side by side.
const SIDE: usize = 32;

/// How the graph is given its examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The graph of one example, run for all of them at once.
    Lanes,
    /// One graph in which all examples are written out.
    Written,
}

/// The network, its examples and the buffers of the code written by hand.
#[derive(Debug)]
pub(crate) struct Mlp {
    form: Form,
    /// The weights and biases of the first layer, then those of the second.
    point: Vec<f64>,
    data: Vec<f64>,
    pixels: Vec<[f64; INPUTS]>,
    targets: Vec<[f64; OUTPUTS]>,
    blocks: Vec<Block>,
}

/// The examples that stand side by side, `[input][example]`.
#[derive(Debug)]
#[repr(C, align(64))]
struct Block {
    pixels: [[f64; SIDE]; INPUTS],
    targets: [[f64; SIDE]; OUTPUTS],
}

impl Mlp {
    /// A network with random weights, and random pixels with one-hot targets.
    pub(crate) fn new(form: Form, examples: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let mut uniform = |largest: f64, count: usize| -> Vec<f64> {
            (0..count).map(|_| generator.random_range(-largest..largest)).collect()
        };
        let mut point = uniform((6.0 / (INPUTS + HIDDEN) as f64).sqrt(), HIDDEN * INPUTS);
        point.extend(uniform(0.1, HIDDEN));
        point.extend(uniform((6.0 / (HIDDEN + OUTPUTS) as f64).sqrt(), OUTPUTS * HIDDEN));
        point.extend(uniform(0.1, OUTPUTS));
        let pixels: Vec<_> = (0..examples).map(|_| std::array::from_fn(|_| generator.random_range(0.0..1.0))).collect();
        let one_hot = |digit: usize| std::array::from_fn(|k| if k == digit { 1.0 } else { 0.0 });
        let targets: Vec<_> = (0..examples).map(|_| one_hot(generator.random_range(0..OUTPUTS))).collect();
        let number = |example: usize, input: usize| match input.checked_sub(INPUTS) {
            None => pixels[example][input],
            Some(output) => targets[example][output],
        };
        let inputs = INPUTS + OUTPUTS;
        let data = match form {
            Form::Lanes => (0..inputs * examples).map(|place| number(place % examples, place / examples)).collect(),
            Form::Written => (0..inputs * examples).map(|place| number(place / inputs, place % inputs)).collect(),
        };
        let block = |block: usize| Block {
            pixels: std::array::from_fn(|i| std::array::from_fn(|l| pixels[block * SIDE + l][i])),
            targets: std::array::from_fn(|k| std::array::from_fn(|l| targets[block * SIDE + l][k])),
        };
        let blocks = (0..examples / SIDE).map(block).collect();
        Self { form, point, data, pixels, targets, blocks }
    }
}

/// The parameters, or the derivatives by them, in their order.
fn layers<T>(numbers: T, split: impl Fn(T, usize) -> (T, T)) -> (T, T, T, T) {
    let (first, rest) = split(numbers, HIDDEN * INPUTS);
    let (first_bias, rest) = split(rest, HIDDEN);
    let (second, second_bias) = split(rest, OUTPUTS * HIDDEN);
    (first, first_bias, second, second_bias)
}

/// a b + c.
#[inline]
fn fma(a: f64, b: f64, c: f64) -> f64 {
    if cfg!(target_feature = "fma") { a.mul_add(b, c) } else { a * b + c }
}

/// The inner products of some rows and `x`; not inline, since then the compiler would gather from many rows at once.
#[inline(never)]
fn dots<const ROWS: usize, const N: usize>(rows: &[[f64; N]; ROWS], x: &[f64; N]) -> [f64; ROWS] {
    let mut sums = [[0.0; 8]; ROWS];
    for (k, x) in x.as_chunks::<8>().0.iter().enumerate() {
        for row in 0..ROWS {
            let weights = rows[row].as_chunks::<8>().0[k];
            sums[row] = std::array::from_fn(|c| fma(weights[c], x[c], sums[row][c]));
        }
    }
    let mut products = [0.0; ROWS];
    for (product, [a, b, c, d, e, f, g, h]) in products.iter_mut().zip(sums) {
        *product = ((a + e) + (b + f)) + ((c + g) + (d + h));
    }
    products
}

/// `to` += `factor` `from`, where `to` counts as 0 when it is fresh.
#[inline]
fn add_scaled<const N: usize>(factor: f64, from: &[f64; N], to: &mut [f64; N], fresh: bool) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = if fresh { factor * from } else { fma(factor, *from, *to) };
    }
}

/// The value of one example; its derivatives are added to `gradient`, or written to it when it is fresh.
#[inline]
fn one(
    point: &[f64],
    (pixels, targets): (&[f64; INPUTS], &[f64; OUTPUTS]),
    (tanh, exp): (impl Fn(f64) -> f64, impl Fn(f64) -> f64),
    gradient: &mut [f64],
    fresh: bool,
) -> f64 {
    let (first, first_bias, second, second_bias) = layers(point, <[f64]>::split_at);
    let (first, second) = (first.as_chunks::<INPUTS>().0, second.as_chunks::<HIDDEN>().0);
    let (by_first, by_first_bias, by_second, by_second_bias) = layers(gradient, <[f64]>::split_at_mut);
    let (by_first, by_second) = (by_first.as_chunks_mut::<INPUTS>().0, by_second.as_chunks_mut::<HIDDEN>().0);

    let mut hidden = [0.0; HIDDEN];
    for (hidden, weights) in hidden.as_chunks_mut().0.iter_mut().zip(first.as_chunks().0) {
        *hidden = dots::<4, INPUTS>(weights, pixels);
    }
    for (hidden, bias) in hidden.iter_mut().zip(first_bias) {
        *hidden += bias;
    }
    for hidden in &mut hidden {
        *hidden = tanh(*hidden);
    }
    let mut logits = [0.0; OUTPUTS];
    for (logits, weights) in logits.as_chunks_mut().0.iter_mut().zip(second.as_chunks().0) {
        *logits = dots::<5, HIDDEN>(weights, &hidden);
    }
    for (logit, bias) in logits.iter_mut().zip(second_bias) {
        *logit += bias;
    }
    let largest = logits.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    let shares = logits.map(|logit| exp(logit - largest));
    let total: f64 = shares.iter().sum();
    let chosen: f64 = targets.iter().zip(&logits).map(|(target, logit)| target * logit).sum();

    let mut by_hidden = [0.0; HIDDEN];
    let scale = 1.0 / total;
    for k in 0..OUTPUTS {
        let adjoint = shares[k] * scale - targets[k];
        by_second_bias[k] = if fresh { adjoint } else { by_second_bias[k] + adjoint };
        add_scaled(adjoint, &hidden, &mut by_second[k], fresh);
        add_scaled(adjoint, &second[k], &mut by_hidden, k == 0);
    }
    for (adjoint, hidden) in by_hidden.iter_mut().zip(&hidden) {
        *adjoint *= 1.0 - hidden * hidden;
    }
    for ((adjoint, by_weights), by_bias) in by_hidden.iter().zip(by_first).zip(by_first_bias) {
        *by_bias = if fresh { *adjoint } else { *by_bias + adjoint };
        add_scaled(*adjoint, pixels, by_weights, fresh);
    }
    largest + total.ln() - chosen
}

/// Adds Σ left(row, k) right\[k\] to each row of `out`: `ROWS` rows and 8 columns at once stay in registers.
#[inline]
fn add_product<const ROWS: usize, const COLUMNS: usize>(
    left: impl Fn(usize, usize) -> f64,
    right: &[[f64; COLUMNS]],
    out: &mut [[f64; COLUMNS]],
) {
    for (group, out) in out.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        for column in 0..COLUMNS / 8 {
            let mut sums: [[f64; 8]; ROWS] = std::array::from_fn(|row| out[row].as_chunks().0[column]);
            for (k, right) in right.iter().enumerate() {
                let right: [f64; 8] = right.as_chunks().0[column];
                for row in 0..ROWS {
                    let left = left(group * ROWS + row, k);
                    sums[row] = std::array::from_fn(|c| fma(left, right[c], sums[row][c]));
                }
            }
            for (out, sums) in out.iter_mut().zip(sums) {
                out.as_chunks_mut().0[column] = sums;
            }
        }
    }
}

impl Block {
    /// The value of the examples side by side; the derivatives are added, those by the second layer `[hidden][output]`.
    fn run(
        &self,
        point: &[f64],
        rows: &[[f64; INPUTS]],
        gradient: &mut [f64],
        by_second: &mut [[f64; ROOM]; HIDDEN],
    ) -> f64 {
        let (first, first_bias, second, second_bias) = layers(point, <[f64]>::split_at);
        let (by_first, by_first_bias, _, by_second_bias) = layers(gradient, <[f64]>::split_at_mut);

        let mut hidden: [[f64; SIDE]; HIDDEN] = std::array::from_fn(|j| [first_bias[j]; SIDE]);
        add_product::<8, SIDE>(|j, i| first[j * INPUTS + i], &self.pixels, &mut hidden);
        for hidden in hidden.as_flattened_mut() {
            *hidden = elementary::tanh(*hidden);
        }
        let mut logits: [[f64; SIDE]; OUTPUTS] = std::array::from_fn(|k| [second_bias[k]; SIDE]);
        add_product::<OUTPUTS, SIDE>(|k, j| second[k * HIDDEN + j], &hidden, &mut logits);

        let (value, adjoints) = self.softmax(&logits);
        for (adjoints, by_bias) in adjoints.iter().zip(by_second_bias) {
            *by_bias += sum(adjoints);
        }
        let mut turned = [[0.0; ROOM]; SIDE];
        for (l, turned) in turned.iter_mut().enumerate() {
            for k in 0..OUTPUTS {
                turned[k] = adjoints[k][l];
            }
        }
        add_product::<8, ROOM>(|j, l| hidden[j][l], &turned, by_second);

        let mut by_hidden = [[0.0; SIDE]; HIDDEN];
        add_product::<8, SIDE>(|j, k| second[k * HIDDEN + j], &adjoints, &mut by_hidden);
        for (adjoint, hidden) in by_hidden.as_flattened_mut().iter_mut().zip(hidden.as_flattened()) {
            *adjoint *= 1.0 - hidden * hidden;
        }
        for (adjoints, by_bias) in by_hidden.iter().zip(by_first_bias) {
            *by_bias += sum(adjoints);
        }
        add_product::<8, INPUTS>(|j, l| by_hidden[j][l], rows, by_first.as_chunks_mut::<INPUTS>().0);
        value
    }

    /// The sum of the losses, and the derivatives by the logits.
    fn softmax(&self, logits: &[[f64; SIDE]; OUTPUTS]) -> (f64, [[f64; SIDE]; OUTPUTS]) {
        let mut largest = logits[0];
        for logits in logits {
            for (largest, &logit) in largest.iter_mut().zip(logits) {
                *largest = if logit > *largest { logit } else { *largest };
            }
        }
        let mut shares = *logits;
        let (mut total, mut chosen) = ([0.0; SIDE], [0.0; SIDE]);
        for k in 0..OUTPUTS {
            for l in 0..SIDE {
                chosen[l] = fma(self.targets[k][l], logits[k][l], chosen[l]);
                shares[k][l] = elementary::exp(logits[k][l] - largest[l]);
                total[l] += shares[k][l];
            }
        }
        let mut losses = [0.0; SIDE];
        for l in 0..SIDE {
            losses[l] = largest[l] + elementary::ln(total[l]) - chosen[l];
            total[l] = 1.0 / total[l];
        }
        for k in 0..OUTPUTS {
            for l in 0..SIDE {
                shares[k][l] = shares[k][l] * total[l] - self.targets[k][l];
            }
        }
        (sum(&losses), shares)
    }
}

fn sum(numbers: &[f64; SIDE]) -> f64 {
    let [sum] = dots(&[*numbers], &[1.0; SIDE]);
    sum
}

impl Workload for Mlp {
    fn name(&self) -> String {
        if self.form == Form::Written {
            format!("mlp, {} written out", self.pixels.len())
        } else {
            format!("mlp, batch {}", self.pixels.len())
        }
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let (first, first_bias, second, second_bias) = layers(self.point.as_slice(), <[f64]>::split_at);
        let w1 = graph.parameters("w1", first);
        let b1 = graph.parameters("b1", first_bias);
        let w2 = graph.parameters("w2", second);
        let b2 = graph.parameters("b2", second_bias);
        let mut losses = Vec::new();
        for _ in 0..if self.form == Form::Written { self.pixels.len() } else { 1 } {
            let x = graph.inputs("x", INPUTS);
            let t = graph.inputs("t", OUTPUTS);
            let mut hidden = Vec::new();
            for j in 0..HIDDEN {
                let mut z = b1[j];
                for i in 0..INPUTS {
                    z += w1[j * INPUTS + i] * x[i];
                }
                hidden.push(z.tanh());
            }
            let mut logits = Vec::new();
            for k in 0..OUTPUTS {
                let mut z = b2[k];
                for j in 0..HIDDEN {
                    z += w2[k * HIDDEN + j] * hidden[j];
                }
                logits.push(z);
            }
            let chosen: Expr = t.iter().zip(&logits).map(|(&t, &z)| t * z).sum();
            losses.push(graph.logsumexp(&logits) - chosen);
        }
        losses.into_iter().sum()
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &self.data
    }

    fn lanes(&self) -> usize {
        if self.form == Form::Lanes { self.pixels.len() } else { 1 }
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        let examples = self.pixels.iter().zip(&self.targets).enumerate();
        let functions = (f64::tanh, f64::exp);
        examples.map(|(place, example)| one(&self.point, example, functions, gradient, place == 0)).sum()
    }

    /// Register-blocked products of matrices over blocks of examples; the examples left over go one by one.
    fn strong(&mut self, gradient: &mut [f64]) -> Option<f64> {
        let (rows, rest) = self.pixels.as_chunks::<SIDE>();
        let mut value = 0.0;
        if !rows.is_empty() {
            gradient.fill(0.0);
            let mut by_second = [[0.0; ROOM]; HIDDEN];
            for (block, rows) in self.blocks.iter().zip(rows) {
                value += block.run(&self.point, rows, gradient, &mut by_second);
            }
            let (_, _, to, _) = layers(&mut *gradient, <[f64]>::split_at_mut);
            for (k, to) in to.as_chunks_mut::<HIDDEN>().0.iter_mut().enumerate() {
                for (to, from) in to.iter_mut().zip(&by_second) {
                    *to = from[k];
                }
            }
        }
        let rest = rest.iter().zip(&self.targets[rows.len() * SIDE..]).enumerate();
        let functions = (elementary::tanh, elementary::exp);
        let fresh = |place: usize| rows.is_empty() && place == 0;
        value += rest.map(|(place, example)| one(&self.point, example, functions, gradient, fresh(place))).sum::<f64>();
        Some(value)
    }
}
