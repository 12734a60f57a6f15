//! Trains a network of scalar neurons on real handwritten digits: `cargo run --release --example digits [seed]`.
//!
//! 64 pixels, 32 tanh neurons, 10 outputs with softmax; the first 1500 images are for training, the last 297, by other
//! writers, for testing. The constants below were chosen on the last 200 of the 1500, training on the 1300 before them:
//! `cargo run --release --example digits [seed] choose` shows that accuracy.
use dagrad::element::{Layer, layer, negative_log_likelihood};
use dagrad::train::{MiniBatch, Table, glorot_uniform};
use dagrad::{Error, Expr, Graph, Op, Program};

const HIDDEN: usize = 32;
const EPOCHS: u64 = 30;
const BATCH: usize = 16;
const RATE: f64 = 0.2;
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/digits.csv");

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (seed, choose) = match words.as_slice() {
        [] => (Ok(0), false),
        [seed] => (seed.parse(), false),
        [seed, "choose"] => (seed.parse(), true),
        _ => ("".parse::<u64>(), false),
    };
    let Ok(seed) = seed else {
        eprintln!("usage: digits [SEED [choose]], where SEED is a whole number such as 0");
        return std::process::ExitCode::from(2);
    };
    match run(seed, choose) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("digits: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(seed: u64, choose: bool) -> Result<(), Error> {
    let graph = Graph::new();
    let pixels = graph.inputs("pixel", 64);
    let targets = graph.inputs("target", 10);
    let mut weights = glorot_uniform(seed);
    let hidden = layer(&graph, "layer 1", &pixels, HIDDEN, Op::Tanh, &mut weights)?;
    let output = layer(&graph, "layer 2", &hidden.outputs(), 10, None, &mut weights)?;
    let loss = negative_log_likelihood(&graph, &output.pre_activations(), &targets)?;
    let program = graph.compile(&[loss])?;
    println!("{} nodes, {} parameters, depth {}", graph.len(), program.parameter_count(), loss.depth());

    let images = Table::read(DATA)?;
    let examples: Vec<Vec<f64>> = images.rows().map(example).collect();
    let (training, rest) = examples.split_at(if choose { 1300 } else { 1500 });
    let testing = if choose { &rest[..200] } else { rest };
    let training = Table::from_rows(training)?;

    let mut parameters = graph.initial_parameters();
    let mut descent = MiniBatch { batch: BATCH, rate: RATE, seed }.start(&program, &training)?;
    let bar = indicatif::ProgressBar::new(EPOCHS);
    for epoch in 1..=EPOCHS {
        let loss = descent.epoch(&mut parameters)?;
        bar.suspend(|| println!("epoch {epoch:2}  loss {loss}"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let accuracy = accuracy(&program, &output, &parameters, testing)?;
    println!("{} accuracy {accuracy:.3}", if choose { "validation" } else { "test" });
    Ok(())
}

/// Pixels from 0 to 1 and a one-hot target, from a row of the file.
fn example(row: &[f64]) -> Vec<f64> {
    let (pixels, label) = row.split_at(64);
    let target = (0..10_u8).map(|digit| if f64::from(digit) == label[0] { 1.0 } else { 0.0 });
    pixels.iter().map(|pixel| pixel / 16.0).chain(target).collect()
}

/// The share of examples whose greatest logit is that of their digit.
fn accuracy(
    program: &Program,
    output: &Layer<'_>,
    parameters: &[f64],
    examples: &[Vec<f64>],
) -> Result<f64, dagrad::ProgramError> {
    let logits: Vec<Expr<'_>> = output.pre_activations();
    let mut values = program.values();
    let mut right = 0;
    for example in examples {
        program.forward_into(parameters, example, &mut values)?;
        let best = (0..10).max_by(|&i, &j| values[logits[i]].total_cmp(&values[logits[j]]));
        right += usize::from(best.is_some_and(|digit| example[64 + digit] == 1.0));
    }
    Ok(right as f64 / examples.len() as f64)
}
