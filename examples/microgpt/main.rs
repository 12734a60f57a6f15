//! Trains a transformer built of scalars on a list of words: `cargo run --release --example microgpt [FILE [STEPS [SEED]]]`.
//!
//! Without a file it learns the names of the chemical elements. One document is one step; at the end it makes up names.
mod model;
mod training;

use dagrad::{Error, Graph};
use model::{CONTEXT, EDGE, Model, TOKENS, tokens, weight_count};
use rand::distr::{Distribution, weighted::WeightedIndex};
use rand::rngs::ChaCha8Rng;
use rand::{SeedableRng, seq::SliceRandom};
use training::Training;

const ELEMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/elements.txt");
const SAMPLES: usize = 20;
const TEMPERATURE: f64 = 0.5;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = arguments.first().map_or(ELEMENTS, String::as_str);
    let number = |place: usize, default: u64| arguments.get(place).map_or(Some(default), |text| text.parse().ok());
    let (Some(steps), Some(seed), true) = (number(1, 1000), number(2, 0), arguments.len() <= 3) else {
        eprintln!("usage: microgpt [FILE [STEPS [SEED]]], where STEPS and SEED are whole numbers such as 1000 and 0");
        return std::process::ExitCode::from(2);
    };
    match run(file, steps, seed) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("microgpt: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(file: &str, steps: u64, seed: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut documents = read(file)?;
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    documents.shuffle(&mut generator);
    let normal = rand_distr::Normal::new(0.0, 0.08)?;
    let weights: Vec<f64> = (0..weight_count()).map(|_| normal.sample(&mut generator)).collect();
    println!("{} documents, {} weights", documents.len(), weights.len());
    let mut training = Training::new(weights);
    let bar = indicatif::ProgressBar::new(steps);
    let mut recent = 0.0;
    for (step, document) in (1..=steps).zip(documents.iter().cycle()) {
        recent += training.step(document)?;
        if step % 100 == 0 {
            bar.suspend(|| println!("step {step:4}  mean loss {:.4}", recent / 100.0));
            recent = 0.0;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for _ in 0..SAMPLES {
        println!("{}", sample(&training.weights, &mut generator)?);
    }
    Ok(())
}

/// One document a line; empty lines do not count.
fn read(file: &str) -> Result<Vec<Vec<usize>>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let lines =
        (1..).zip(text.lines()).map(|(number, line)| (number, line.trim())).filter(|(_, line)| !line.is_empty());
    let documents: Vec<Vec<usize>> = lines
        .map(|(number, line)| {
            tokens(line).map_err(|other| format!("{file}, line {number}: {other:?} is none of the letters a to z"))
        })
        .collect::<Result<_, String>>()?;
    if documents.is_empty() { Err(format!("{file}: there is no document in it")) } else { Ok(documents) }
}

/// A document that the model makes up, token by token.
fn sample(weights: &[f64], generator: &mut ChaCha8Rng) -> Result<String, Error> {
    let (mut document, mut seen) = (String::new(), vec![EDGE]);
    while seen.len() <= CONTEXT {
        let graph = Graph::new();
        let model = Model::new(&graph, &graph.parameters("w", weights));
        let embedded: Vec<_> = seen.iter().map(|&token| model.token(token)).collect();
        let logits = model.logits(&embedded).pop().expect("a token was seen");
        let scaled: Vec<_> = logits.iter().map(|&logit| logit / TEMPERATURE).collect();
        let total = graph.logsumexp(&scaled);
        let shares: Vec<_> = scaled.iter().map(|&logit| (logit - total).exp()).collect();
        let values = graph.compile(&shares)?.forward(&[])?;
        let chances: Vec<f64> = values.outputs().collect();
        // Training on numbers that are not finite would end here.
        let Ok(choice) = WeightedIndex::new(&chances) else { break };
        let token = choice.sample(generator);
        if token == EDGE {
            break;
        }
        debug_assert!(token < TOKENS);
        document.push(char::from(b'a' + u8::try_from(token).expect("a letter")));
        seen.push(token);
    }
    Ok(document)
}
