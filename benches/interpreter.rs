//! Graphs that no kernel was made for, beside an interpreter that runs one operation after the other.
//!
//! `cargo bench --bench interpreter` prints nanoseconds per operation for value and gradient, the least of many runs,
//! and by how much the gradients differ.
#![allow(clippy::disallowed_methods, reason = "an opponent takes the standard library's")]

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use dagrad::view::Role;
use dagrad::{ElementSet, Expr, Graph, NodeId, Op};
use rand::SeedableRng;
use rand::distr::{Distribution, Uniform};
use rand::rngs::ChaCha8Rng;

/// One operation, with the places of its operands.
#[derive(Clone, Copy)]
enum Step {
    Add(u32, u32),
    Sub(u32, u32),
    Mul(u32, u32),
    Div(u32, u32),
    Exp(u32),
    Ln(u32),
    Relu(u32),
    Sin(u32),
    Sqrt(u32),
    Square(u32),
    Tanh(u32),
}

/// A recorded function of parameters: their values, constants, and what is computed from these.
struct Tape {
    steps: Vec<Step>,
    values: Vec<f64>,
    adjoints: Vec<f64>,
}

impl Tape {
    fn new(graph: &Graph, output: Expr<'_>) -> Self {
        let view = graph.view(&[output], &ElementSet::primitives()).expect("it is of this graph");
        let parameters: HashMap<NodeId, u32> = graph.all_parameters().iter().map(|x| x.id()).zip(0..).collect();
        let mut values = graph.initial_parameters();
        let mut places = vec![0; view.elements().len()];
        for (place, element) in places.iter_mut().zip(view.elements()) {
            match element.role {
                Role::Parameter => *place = parameters[&element.node],
                Role::Constant(value) => {
                    *place = narrow(values.len());
                    values.push(value);
                }
                _ => {}
            }
        }
        let mut steps = Vec::new();
        for id in view.ids() {
            if let Role::Operation(op) = view.element(id).role {
                let operands: Vec<u32> = view.operands(id).map(|operand| places[operand.index()]).collect();
                places[id.index()] = narrow(values.len() + steps.len());
                steps.push(step(op, &operands));
            }
        }
        values.resize(values.len() + steps.len(), 0.0);
        Self { steps, adjoints: vec![0.0; values.len()], values }
    }

    /// Computes the value and every derivative.
    fn run(&mut self) {
        let Self { steps, values, adjoints } = self;
        let first = values.len() - steps.len();
        for (out, step) in (first..).zip(&*steps) {
            let x = |place: u32| values[place as usize];
            values[out] = match *step {
                Step::Add(a, b) => x(a) + x(b),
                Step::Sub(a, b) => x(a) - x(b),
                Step::Mul(a, b) => x(a) * x(b),
                Step::Div(a, b) => x(a) / x(b),
                Step::Exp(a) => x(a).exp(),
                Step::Ln(a) => x(a).ln(),
                Step::Relu(a) => x(a).max(0.0),
                Step::Sin(a) => x(a).sin(),
                Step::Sqrt(a) => x(a).sqrt(),
                Step::Square(a) => x(a) * x(a),
                Step::Tanh(a) => x(a).tanh(),
            };
        }
        adjoints.fill(0.0);
        adjoints[values.len() - 1] = 1.0;
        for (out, step) in (first..values.len()).zip(&*steps).rev() {
            let (x, y, adjoint) = (|place: u32| values[place as usize], values[out], adjoints[out]);
            let mut add = |place: u32, slope: f64| adjoints[place as usize] += adjoint * slope;
            match *step {
                Step::Add(a, b) => {
                    add(a, 1.0);
                    add(b, 1.0);
                }
                Step::Sub(a, b) => {
                    add(a, 1.0);
                    add(b, -1.0);
                }
                Step::Mul(a, b) => {
                    add(a, x(b));
                    add(b, x(a));
                }
                Step::Div(a, b) => {
                    add(a, 1.0 / x(b));
                    add(b, -y / x(b));
                }
                Step::Exp(a) => add(a, y),
                Step::Ln(a) => add(a, 1.0 / x(a)),
                Step::Relu(a) => add(a, f64::from(x(a) > 0.0)),
                Step::Sin(a) => add(a, x(a).cos()),
                Step::Sqrt(a) => add(a, 0.5 / y),
                Step::Square(a) => add(a, 2.0 * x(a)),
                Step::Tanh(a) => add(a, 1.0 - y * y),
            }
        }
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("a graph of this size")
}

fn step(op: Op, operands: &[u32]) -> Step {
    match (op, operands) {
        (Op::Add, &[a, b]) => Step::Add(a, b),
        (Op::Sub, &[a, b]) => Step::Sub(a, b),
        (Op::Mul, &[a, b]) => Step::Mul(a, b),
        (Op::Div, &[a, b]) => Step::Div(a, b),
        (Op::Exp, &[a]) => Step::Exp(a),
        (Op::Ln, &[a]) => Step::Ln(a),
        (Op::Relu, &[a]) => Step::Relu(a),
        (Op::Sin, &[a]) => Step::Sin(a),
        (Op::Sqrt, &[a]) => Step::Sqrt(a),
        (Op::Square, &[a]) => Step::Square(a),
        (Op::Tanh, &[a]) => Step::Tanh(a),
        _ => unreachable!("the graphs of this bench have no {op:?}"),
    }
}

fn numbers(seed: u64, count: usize, reach: f64) -> Vec<f64> {
    let uniform = Uniform::new(-reach, reach).expect("a positive reach");
    uniform.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(count).collect()
}

fn sum_of_squares<'g>(numbers: &[Expr<'g>]) -> Expr<'g> {
    numbers.iter().map(|x| x.square()).sum()
}

/// The mean gain over paths of a geometric Brownian motion.
fn monte_carlo(graph: &Graph) -> Expr<'_> {
    const STEPS: usize = 20;
    let [start, rate, volatility] = [("s", 1.0), ("r", 0.05), ("v", 0.2)].map(|(name, x)| graph.parameter(name, x));
    let drift = |noise: f64| (rate - volatility.square() * 0.5) * 0.05 + volatility * noise;
    let path = |noise: &[f64]| noise.iter().fold(start, |s, &z| s * drift(0.2 * z).exp());
    let gains = numbers(1, 1000 * STEPS, 1.7).chunks(STEPS).map(|noise| (path(noise) - 1.0).relu()).sum::<Expr>();
    gains / 1000.0
}

/// The heat equation in one dimension, by explicit steps.
fn heat(graph: &Graph) -> Expr<'_> {
    let (c, mut u) = (graph.parameter("c", 0.2), graph.parameters("u", &numbers(2, 200, 1.0)));
    for _ in 0..200 {
        let inner: Vec<Expr> = u.windows(3).map(|w| w[1] + c * (w[0] - 2.0 * w[1] + w[2])).collect();
        u[1..199].copy_from_slice(&inner);
    }
    sum_of_squares(&u)
}

/// Bodies that attract each other.
fn bodies(graph: &Graph) -> Expr<'_> {
    const COUNT: usize = 12;
    let mut x = graph.parameters("x", &numbers(3, 3 * COUNT, 1.0));
    let mut v = graph.parameters("v", &numbers(4, 3 * COUNT, 0.1));
    let m = graph.parameters("m", &[0.7; COUNT]);
    for _ in 0..10 {
        let mut pull = vec![graph.constant(0.0); 3 * COUNT];
        for (i, j) in (0..COUNT * COUNT).map(|pair| (pair / COUNT, pair % COUNT)).filter(|(i, j)| i != j) {
            let distance = [0, 1, 2].map(|k| x[3 * j + k] - x[3 * i + k]);
            let square = sum_of_squares(&distance) + 0.05;
            let factor = m[j] / (square * square.sqrt());
            (0..3).for_each(|k| pull[3 * i + k] += distance[k] * factor);
        }
        for k in 0..3 * COUNT {
            v[k] += pull[k] * 0.01;
            x[k] += v[k] * 0.01;
        }
    }
    sum_of_squares(&x)
}

/// A recurrent network (Elman 1990) that learns to repeat what it reads.
fn elman(graph: &Graph) -> Expr<'_> {
    const UNITS: usize = 24;
    let weights = |name: &str, seed, count| graph.parameters(name, &numbers(seed, count, 0.3));
    let (w, u) = (weights("w", 6, UNITS * UNITS), weights("u", 7, UNITS * 8));
    let bias = weights("b", 8, UNITS);
    let mut state = vec![graph.constant(0.0); UNITS];
    let mut loss = graph.constant(0.0);
    for x in numbers(9, 60 * 8, 1.0).chunks(8) {
        let unit = |i: usize| {
            let before = w[i * UNITS..].iter().zip(&state).fold(bias[i], |sum, (&w, &h)| sum + w * h);
            u[i * 8..].iter().zip(x).fold(before, |sum, (&u, &x)| sum + u * x).tanh()
        };
        state = (0..UNITS).map(unit).collect();
        loss += (state[0] - x[0]).square();
    }
    loss
}

/// The logarithm of a determinant by Cholesky's factor.
fn cholesky(graph: &Graph) -> Expr<'_> {
    const N: usize = 32;
    let a = graph.parameters("a", &numbers(10, N * N, 0.05));
    let mut rows: Vec<Vec<Expr>> = vec![];
    let mut logarithm = graph.constant(0.0);
    for i in 0..N {
        let mut row: Vec<Expr> = vec![];
        for j in 0..=i {
            let other = rows.get(j).unwrap_or(&row);
            let start = if i == j { a[i * N + j] + 2.0 } else { a[i * N + j] };
            let rest = (0..j).fold(start, |rest, k| rest - row[k] * other[k]);
            row.push(if i == j { rest.sqrt() } else { rest / other[j] });
        }
        logarithm += row[i].ln();
        rows.push(row);
    }
    logarithm
}

/// Four convolutions of 3 × 3 over an image of 28 × 28.
fn convolution(graph: &Graph) -> Expr<'_> {
    let (w, x) = (graph.parameters("w", &numbers(11, 36, 0.5)), graph.parameters("x", &numbers(12, 784, 1.0)));
    let mut loss = graph.constant(0.0);
    for filter in w.chunks(9) {
        for (i, j) in (0..26 * 26).map(|pixel| (pixel / 26, pixel % 26)) {
            let read = |k: usize| x[(i + k / 3) * 28 + j + k % 3];
            let sum = (0..9).fold(graph.constant(0.0), |sum, k| sum + filter[k] * read(k));
            loss += sum.tanh().square();
        }
    }
    loss
}

/// A layer whose weights stand column after column.
fn columns<'g>(x: &[Expr<'g>], count: usize, seed: u64, sum: fn(Vec<Expr<'g>>) -> Expr<'g>) -> Vec<Expr<'g>> {
    let w = x[0].graph().parameters(&format!("w{seed}"), &numbers(seed, count * x.len(), 0.3));
    (0..count).map(|i| sum(x.iter().enumerate().map(|(j, &x)| w[j * count + i] * x).collect()).tanh()).collect()
}

/// A network whose sums are trees.
fn pairwise(graph: &Graph) -> Expr<'_> {
    fn tree(mut terms: Vec<Expr<'_>>) -> Expr<'_> {
        while terms.len() > 1 {
            terms = terms.chunks(2).map(|pair| pair.iter().copied().sum()).collect();
        }
        terms[0]
    }
    let x = graph.parameters("x", &numbers(13, 64, 1.0));
    let hidden = columns(&columns(&x, 32, 14, tree), 32, 15, tree);
    sum_of_squares(&columns(&hidden, 10, 16, tree))
}

/// A network, and after it 3000 operations on whatever was computed before.
fn half_irregular(graph: &Graph) -> Expr<'_> {
    fn plain(terms: Vec<Expr<'_>>) -> Expr<'_> {
        terms.into_iter().sum()
    }
    let x = graph.parameters("x", &numbers(17, 64, 1.0));
    let mut all = columns(&columns(&x, 64, 18, plain), 32, 19, plain);
    let mut choices = Uniform::new(0, 1 << 20).expect("a range").sample_iter(ChaCha8Rng::seed_from_u64(20));
    for _ in 0..3000 {
        let recent = &all[all.len().saturating_sub(200)..];
        let mut choose = |count: usize| choices.next().unwrap_or(0) % count;
        let (a, b) = (recent[choose(recent.len())], recent[choose(recent.len())]);
        let new = match choose(5) {
            0 => a + b,
            1 => a * b,
            2 => (a - b).sin(),
            3 => a.tanh(),
            _ => (a * 0.5).sin(),
        };
        all.push(new);
    }
    sum_of_squares(&all[all.len() - 200..])
}

/// The time of a call in nanoseconds, of some calls one after the other.
fn time(calls: usize, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| call());
    start.elapsed().as_secs_f64() * 1e9 / calls as f64
}

fn compare(name: &str, build: fn(&Graph) -> Expr<'_>, is_smoke: bool) {
    let graph = Graph::new();
    let output = build(&graph);
    let mut tape = Tape::new(&graph, output);
    let program = graph.compile(&[output]).expect("it is of this graph");
    let (point, mut workspace) = (graph.initial_parameters(), program.workspace_for_parameters(1));
    let (rounds, calls) = if is_smoke { (1, 1) } else { (20, 6_000_000 / tape.steps.len()) };
    // In turns, so that both have the same quiet minutes.
    let (mut interpreted, mut compiled) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        interpreted = interpreted.min(time(calls, || black_box(&mut tape).run()));
        compiled = compiled.min(time(calls, || {
            program.gradient_into(black_box(&point), &[], &[1.0], &mut workspace).expect("the counts are right");
        }));
    }
    let by_tape = &tape.adjoints[..point.len()];
    let largest = by_tape.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let differences = by_tape.iter().zip(workspace.parameters()).map(|(a, b)| (a - b).abs() / largest);
    let difference = differences.fold(0.0, f64::max);
    assert!(difference < 1e-10, "{name}: the gradients differ by {difference:e}");
    let operations = tape.steps.len() as f64;
    let (interpreted, compiled) = (interpreted / operations, compiled / operations);
    let ratio = interpreted / compiled;
    println!("{name:22} {operations:7} {interpreted:11.2} {compiled:6.2} {ratio:5.1} × {difference:8.1e}");
}

fn main() {
    let is_smoke = std::env::args().any(|argument| argument == "--test");
    println!("graph                operations interpreter dagrad         difference");
    compare("Monte Carlo", monte_carlo, is_smoke);
    compare("heat", heat, is_smoke);
    compare("bodies", bodies, is_smoke);
    compare("Elman's network", elman, is_smoke);
    compare("Cholesky", cholesky, is_smoke);
    compare("convolution", convolution, is_smoke);
    compare("sums as trees", pairwise, is_smoke);
    compare("half irregular", half_irregular, is_smoke);
}
