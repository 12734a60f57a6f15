//! A recurrent network of long short-term memory cells that act number by number, over a sequence of letters.
//!
//! # Reference
//! Srajer, Kukelova and Fitzgibbon (2018), A benchmark of selected algorithmic differentiation tools on some problems in
//! computer vision and machine learning, doi:10.1080/10556788.2018.1435651.

use dagrad::{Expr, Graph};
use rand::RngExt as _;

use super::{Workload, generator};

/// The width of a letter and of every layer.
const C: usize = 14;
const LAYERS: usize = 2;
/// The weights of four gates, then their biases.
const LAYER: usize = 8 * C;
/// The weights of the way in, of the way out, and the biases of the way out.
const EXTRA: usize = LAYERS * LAYER;
const VARIABLES: usize = EXTRA + 3 * C;

type Row = [f64; C];

pub(crate) struct Lstm {
    steps: usize,
    point: Vec<f64>,
    /// The letters, one after the other.
    data: Vec<f64>,
    tape: Vec<[Cell; LAYERS]>,
    outputs: Vec<Row>,
}

/// What a layer computes in one step.
#[derive(Clone, Copy, Default)]
struct Cell {
    input: Row,
    hidden: Row,
    cell: Row,
    forget: Row,
    ingate: Row,
    outgate: Row,
    change: Row,
    /// tanh of the new cell.
    turned: Row,
}

impl Lstm {
    /// A sequence of `steps` letters.
    pub(crate) fn new(steps: usize, seed: u64) -> Self {
        let mut generator = generator(seed);
        let point = (0..VARIABLES).map(|_| generator.random_range(-1.0..1.0)).collect();
        let data = (0..steps * C).map(|_| f64::from(u8::from(generator.random_bool(0.4)))).collect();
        Self {
            steps,
            point,
            data,
            tape: vec![[Cell::default(); LAYERS]; steps - 1],
            outputs: vec![[0.0; C]; steps - 1],
        }
    }

    fn count(&self) -> f64 {
        ((self.steps - 1) * C) as f64
    }

    fn run<F: Functions>(&mut self, gradient: &mut [f64]) -> f64 {
        let (w, extra) = self.point.split_at(EXTRA);
        let rows = |w: &[f64], gate: usize| -> Row { w[gate * C..][..C].try_into().expect("a row") };
        let (way_in, way_out, out_bias) = (rows(extra, 0), rows(extra, 1), rows(extra, 2));
        let scale = -1.0 / self.count();
        let (mut hidden, mut cells) = ([[0.0; C]; LAYERS], [[0.0; C]; LAYERS]);
        let mut total = 0.0;
        let letters = self.data.as_chunks::<C>().0;
        for ((x, y), (tape, output)) in
            letters.iter().zip(&letters[1..]).zip(self.tape.iter_mut().zip(&mut self.outputs))
        {
            let mut input: Row = std::array::from_fn(|i| x[i] * way_in[i]);
            for l in 0..LAYERS {
                let w = &w[l * LAYER..][..LAYER];
                let gate = |g: usize, x: &Row| -> Row {
                    let (w, b) = (&w[g * C..][..C], &w[(4 + g) * C..][..C]);
                    std::array::from_fn(|i| x[i].mul_add(w[i], b[i]))
                };
                let cell = &mut tape[l];
                (cell.input, cell.hidden, cell.cell) = (input, hidden[l], cells[l]);
                cell.forget = F::sigmoid(gate(0, &input));
                cell.ingate = F::sigmoid(gate(1, &hidden[l]));
                cell.outgate = F::sigmoid(gate(2, &input));
                cell.change = F::tanh(gate(3, &hidden[l]));
                for i in 0..C {
                    cells[l][i] = cells[l][i].mul_add(cell.forget[i], cell.ingate[i] * cell.change[i]);
                }
                cell.turned = F::tanh(cells[l]);
                for i in 0..C {
                    hidden[l][i] = cell.outgate[i] * cell.turned[i];
                }
                input = hidden[l];
            }
            let z: Row = std::array::from_fn(|i| input[i].mul_add(way_out[i], out_bias[i]));
            let exps = F::exp(z);
            let sum = 2.0 + exps.iter().sum::<f64>();
            let (mut gold, mut weights) = (0.0, 0.0);
            for i in 0..C {
                gold += y[i] * z[i];
                weights += y[i];
            }
            total += gold - weights * sum.ln();
            *output = std::array::from_fn(|i| scale * (y[i] - weights * (exps[i] / sum)));
        }
        let (mut w_bar, mut extra_bar) = ([[0.0; C]; LAYERS * 8], [[0.0; C]; 3]);
        let (mut hidden_bar, mut cells_bar) = ([[0.0; C]; LAYERS], [[0.0; C]; LAYERS]);
        for ((x, tape), z_bar) in letters[..self.steps - 1].iter().zip(&self.tape).zip(&self.outputs).rev() {
            let last = &tape[LAYERS - 1];
            for i in 0..C {
                let hidden = last.outgate[i] * last.turned[i];
                extra_bar[1][i] = z_bar[i].mul_add(hidden, extra_bar[1][i]);
                extra_bar[2][i] += z_bar[i];
                hidden_bar[LAYERS - 1][i] = z_bar[i].mul_add(way_out[i], hidden_bar[LAYERS - 1][i]);
            }
            for l in (0..LAYERS).rev() {
                let (cell, w) = (&tape[l], &w[l * LAYER..][..LAYER]);
                let (w_bar, b_bar) = w_bar[l * 8..][..8].split_at_mut(4);
                let mut below = [0.0; C];
                for i in 0..C {
                    let h_bar = hidden_bar[l][i];
                    let c_bar =
                        (h_bar * cell.outgate[i]).mul_add(1.0 - cell.turned[i] * cell.turned[i], cells_bar[l][i]);
                    let forget = c_bar * cell.cell[i] * cell.forget[i] * (1.0 - cell.forget[i]);
                    let ingate = c_bar * cell.change[i] * cell.ingate[i] * (1.0 - cell.ingate[i]);
                    let outgate = h_bar * cell.turned[i] * cell.outgate[i] * (1.0 - cell.outgate[i]);
                    let change = c_bar * cell.ingate[i] * (1.0 - cell.change[i] * cell.change[i]);
                    cells_bar[l][i] = c_bar * cell.forget[i];
                    w_bar[0][i] = forget.mul_add(cell.input[i], w_bar[0][i]);
                    w_bar[1][i] = ingate.mul_add(cell.hidden[i], w_bar[1][i]);
                    w_bar[2][i] = outgate.mul_add(cell.input[i], w_bar[2][i]);
                    w_bar[3][i] = change.mul_add(cell.hidden[i], w_bar[3][i]);
                    b_bar[0][i] += forget;
                    b_bar[1][i] += ingate;
                    b_bar[2][i] += outgate;
                    b_bar[3][i] += change;
                    below[i] = forget.mul_add(w[i], outgate * w[2 * C + i]);
                    hidden_bar[l][i] = ingate.mul_add(w[C + i], change * w[3 * C + i]);
                }
                if l > 0 {
                    for i in 0..C {
                        hidden_bar[l - 1][i] += below[i];
                    }
                } else {
                    for i in 0..C {
                        extra_bar[0][i] = below[i].mul_add(x[i], extra_bar[0][i]);
                    }
                }
            }
        }
        for (row, bar) in w_bar.iter().chain(&extra_bar).zip(gradient.chunks_exact_mut(C)) {
            bar.copy_from_slice(row);
        }
        scale * total
    }
}

/// The functions of a row.
trait Functions {
    fn sigmoid(x: Row) -> Row;
    fn tanh(x: Row) -> Row;
    fn exp(x: Row) -> Row;
}

/// One number after the other, by std.
struct Plain;

impl Functions for Plain {
    fn sigmoid(x: Row) -> Row {
        x.map(|x| 1.0 / (1.0 + (-x).exp()))
    }

    fn tanh(x: Row) -> Row {
        x.map(f64::tanh)
    }

    fn exp(x: Row) -> Row {
        x.map(f64::exp)
    }
}

/// A row in two vectors of eight.
struct Strong;

fn vector(x: Row, function: impl Fn(f64) -> f64) -> Row {
    let mut wide = [0.0; 16];
    wide[..C].copy_from_slice(&x);
    for x in &mut wide {
        *x = function(*x);
    }
    std::array::from_fn(|i| wide[i])
}

impl Functions for Strong {
    fn sigmoid(x: Row) -> Row {
        vector(x, |x| 1.0 / (1.0 + dagrad::elementary::exp(-x)))
    }

    fn tanh(x: Row) -> Row {
        vector(x, dagrad::elementary::tanh)
    }

    fn exp(x: Row) -> Row {
        vector(x, dagrad::elementary::exp)
    }
}

impl Workload for Lstm {
    fn name(&self) -> String {
        format!("lstm {}", self.steps)
    }

    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g> {
        let w = graph.parameters("w", &self.point);
        let letters = graph.inputs("x", self.steps * C);
        let zero = graph.constant(0.0);
        let (mut hidden, mut cells) = (vec![vec![zero; C]; LAYERS], vec![vec![zero; C]; LAYERS]);
        let extra = &w[EXTRA..];
        let mut total = graph.constant(0.0);
        for t in 0..self.steps - 1 {
            let (x, y) = (&letters[t * C..][..C], &letters[(t + 1) * C..][..C]);
            let mut input: Vec<Expr> = (0..C).map(|i| x[i] * extra[i]).collect();
            for l in 0..LAYERS {
                let w = &w[l * LAYER..][..LAYER];
                for i in 0..C {
                    let gate = |g: usize, x: Expr<'g>| x * w[g * C + i] + w[(4 + g) * C + i];
                    let forget = gate(0, input[i]).sigmoid();
                    let ingate = gate(1, hidden[l][i]).sigmoid();
                    let outgate = gate(2, input[i]).sigmoid();
                    let change = gate(3, hidden[l][i]).tanh();
                    cells[l][i] = cells[l][i] * forget + ingate * change;
                    hidden[l][i] = outgate * cells[l][i].tanh();
                }
                input.clone_from(&hidden[l]);
            }
            let z: Vec<Expr> = (0..C).map(|i| input[i] * extra[C + i] + extra[2 * C + i]).collect();
            let mut sum = graph.constant(2.0);
            for z in &z {
                sum += z.exp();
            }
            let log = sum.ln();
            for i in 0..C {
                total += y[i] * (z[i] - log);
            }
        }
        -total / self.count()
    }

    fn point(&self) -> &[f64] {
        &self.point
    }

    fn data(&self) -> &[f64] {
        &self.data
    }

    fn plain(&mut self, gradient: &mut [f64]) -> f64 {
        self.run::<Plain>(gradient)
    }

    fn strong(&mut self, gradient: &mut [f64]) -> Option<f64> {
        Some(self.run::<Strong>(gradient))
    }
}
