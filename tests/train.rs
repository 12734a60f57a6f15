//! Initial weights and mini-batch descent against what their formulas say.

use dagrad::element::Fan;
use dagrad::train::{MiniBatch, Table, glorot_uniform, he_normal};
use dagrad::{Error, Graph, Program};

const FANS: [Fan; 3] = [Fan { input: 64, output: 32 }, Fan { input: 1, output: 1 }, Fan { input: 300, output: 10 }];

/// Mean and mean square of 20 000 draws.
fn moments(draws: &mut dyn FnMut() -> f64) -> (f64, f64) {
    let count = 20_000;
    let (mut mean, mut square) = (0.0, 0.0);
    for _ in 0..count {
        let draw = draws();
        mean += draw / f64::from(count);
        square += draw * draw / f64::from(count);
    }
    (mean, square)
}

#[test]
fn glorot_weights_fill_their_interval_evenly() {
    for fan in FANS {
        let bound = (6.0 / (fan.input + fan.output) as f64).sqrt();
        let mut weights = glorot_uniform(1);
        let mut most = 0.0_f64;
        let (mean, square) = moments(&mut || {
            let weight = weights(fan);
            most = most.max(weight.abs());
            weight
        });
        // The variance of a uniform number is bound²/3; 20 000 draws give it within 2 % at four standard deviations.
        let variance = bound * bound / 3.0;
        assert!(most <= bound && most > 0.99 * bound, "{fan:?}: the greatest of the weights is {most}, not {bound}");
        assert!(mean.abs() < 4.0 * (variance / 20_000.0).sqrt(), "{fan:?}: mean {mean}");
        assert!((square / variance - 1.0).abs() < 0.03, "{fan:?}: variance {square}, not {variance}");
    }
}

#[test]
fn he_weights_have_variance_two_over_fan_in() {
    for fan in FANS {
        let mut weights = he_normal(1);
        let (mean, square) = moments(&mut || weights(fan));
        let variance = 2.0 / fan.input as f64;
        // The standard error of the variance of 20 000 normal numbers is 1 %.
        assert!(mean.abs() < 4.0 * (variance / 20_000.0).sqrt(), "{fan:?}: mean {mean}");
        assert!((square / variance - 1.0).abs() < 0.04, "{fan:?}: variance {square}, not {variance}");
    }
}

#[test]
fn a_seed_is_a_sequence_of_weights() {
    let draw = |seed| {
        let (mut uniform, mut normal) = (glorot_uniform(seed), he_normal(seed));
        [uniform(FANS[0]), uniform(FANS[0]), normal(FANS[0]), normal(FANS[0])].map(f64::to_bits)
    };
    assert_eq!(draw(7), draw(7));
    assert!(draw(7).iter().zip(draw(8)).all(|(a, b)| *a != b));
}

/// The loss ½(w·x + b − y)² over examples on a line with a bend.
fn line() -> Result<(Program, Table), Error> {
    let graph = Graph::new();
    let (x, y) = (graph.input("x"), graph.input("y"));
    let (w, b) = (graph.parameter("w", 0.0), graph.parameter("b", 0.0));
    let program = graph.compile(&[0.5 * (w * x + b - y).square()])?;
    let examples = (0..10).map(|i| [f64::from(i) / 4.0 - 1.0, f64::from(i * i) / 16.0]);
    Ok((program, Table::from_rows(examples)?))
}

#[test]
fn a_step_goes_along_the_mean_gradient_of_its_batch() -> Result<(), Error> {
    let (program, table) = line()?;
    let (w, b, rate) = (0.3, -0.2, 0.1);
    let mut parameters = [w, b];
    let mut descent = MiniBatch { batch: 100, rate, seed: 0 }.start(&program, &table)?;
    let loss = descent.epoch(&mut parameters)?;
    let residuals: Vec<[f64; 2]> = table.rows().map(|row| [w * row[0] + b - row[1], row[0]]).collect();
    let mean = |f: &dyn Fn(&[f64; 2]) -> f64| residuals.iter().map(f).sum::<f64>() / 10.0;
    let expected = [mean(&|r| 0.5 * r[0] * r[0]), w - rate * mean(&|r| r[0] * r[1]), b - rate * mean(&|r| r[0])];
    for (got, expected) in [loss, parameters[0], parameters[1]].into_iter().zip(expected) {
        assert!((got - expected).abs() <= 1e-15, "got {got:?}, expected {expected:?}");
    }
    Ok(())
}

#[test]
fn every_example_is_visited_once_in_an_epoch_whatever_the_batch() -> Result<(), Error> {
    // The gradient by w is the example itself: after an epoch w has gone down by rate · Σ of batch means.
    let graph = Graph::new();
    let program = graph.compile(&[graph.input("x") * graph.parameter("w", 0.0)])?;
    let table = Table::from_rows((0..7).map(|i| [f64::from(1 << i)]))?;
    for seed in 0..5 {
        for (batch, expected) in [(0, 127.0), (1, 127.0), (7, 127.0 / 7.0), (1000, 127.0 / 7.0)] {
            let mut parameters = [0.0];
            MiniBatch { batch, rate: 1.0, seed }.start(&program, &table)?.epoch(&mut parameters)?;
            assert!((parameters[0] + expected).abs() < 1e-14 * expected, "batch {batch}: {parameters:?}");
        }
        // Three batches of 2 and one of 1: the last example counts double, so w tells which one it was.
        let mut parameters = [0.0];
        MiniBatch { batch: 2, rate: 1.0, seed }.start(&program, &table)?.epoch(&mut parameters)?;
        let last = -parameters[0] * 2.0 - 127.0;
        assert!((0..7).any(|i| last == f64::from(1 << i)), "the last batch of one holds {last}");
    }
    Ok(())
}

#[test]
fn a_seed_decides_every_bit_of_a_descent() -> Result<(), Error> {
    let (program, table) = line()?;
    let run = |seed| -> Result<Vec<u64>, Error> {
        let mut parameters = [0.0, 0.0];
        let mut descent = MiniBatch { batch: 3, rate: 0.1, seed }.start(&program, &table)?;
        let mut bits = Vec::new();
        for _ in 0..20 {
            bits.push(descent.epoch(&mut parameters)?.to_bits());
        }
        bits.extend(parameters.map(f64::to_bits));
        Ok(bits)
    };
    assert_eq!(run(1)?, run(1)?);
    assert_ne!(run(1)?, run(2)?);
    Ok(())
}

#[test]
fn epochs_shuffle_anew() -> Result<(), Error> {
    let (program, table) = line()?;
    // Without a step, equal orders would add the same losses in the same order in every epoch.
    let mut descent = MiniBatch { batch: 1, rate: 0.1, seed: 3 }.start(&program, &table)?;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        seen.insert(descent.epoch(&mut [0.0, 0.0])?.to_bits());
    }
    assert!(seen.len() > 1, "ten epochs from the same start met the same losses");
    Ok(())
}

#[test]
fn a_wrong_number_of_parameters_or_outputs_is_an_error() -> Result<(), Error> {
    let (program, table) = line()?;
    let options = MiniBatch { batch: 1, rate: 0.1, seed: 0 };
    assert!(options.start(&program, &table)?.epoch(&mut [0.0]).is_err());
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let two = graph.compile(&x)?;
    assert!(options.start(&two, &table)?.epoch(&mut []).is_err());
    Ok(())
}
