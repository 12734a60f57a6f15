//! Learning XOR: 200 steps of gradient descent follow the trajectory that other programs computed.

use std::fs;

use dagrad::element::{Fan, Layer, half_squared_error, layer};
use dagrad::train::{MiniBatch, Table};
use dagrad::{Error, Graph, Op, Program};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

/// W1, b1, W2, b2 of the fixture in the order of the graph's parameters: neuron after neuron, weights before the bias.
fn parameters(value: &Value) -> Vec<f64> {
    let mut all = Vec::new();
    for (weights, biases) in [("W1", "b1"), ("W2", "b2")] {
        for (row, bias) in value[weights].as_array().expect("rows").iter().zip(numbers(&value[biases])) {
            all.extend(numbers(row));
            all.push(bias);
        }
    }
    all
}

fn assert_close(what: &str, got: f64, expected: f64, relative: f64) {
    let error = ((got - expected) / expected).abs();
    assert!(error <= relative, "{what}: got {got:?}, expected {expected:?}, relative error {error:e}");
}

fn runs() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/xor_trajectory.json");
    let text = fs::read_to_string(path).expect("the fixture is read");
    let fixture: Value = serde_json::from_str(&text).expect("the fixture is JSON");
    let runs = fixture["runs"].as_array().expect("runs").clone();
    assert_eq!(runs.len(), 2, "the fixture holds two runs");
    runs
}

fn examples(run: &Value) -> Table {
    let inputs = run["data"]["x"].as_array().expect("inputs").iter().map(numbers);
    let rows: Vec<Vec<f64>> = (inputs.zip(numbers(&run["data"]["t"])))
        .map(|(mut row, target)| {
            row.push(target);
            row
        })
        .collect();
    Table::from_rows(rows).expect("four rows of three numbers")
}

/// The 2-2-1 logistic network: a program for its loss, one for its output, and the hidden layer.
fn network(graph: &Graph) -> Result<(Program, Program, Layer<'_>), Error> {
    let (x, t) = (graph.inputs("x", 2), graph.input("t"));
    let zeros = &mut |_: Fan| 0.0;
    let hidden = layer(graph, "layer 1", &x, 2, Op::Sigmoid, zeros)?;
    let output = layer(graph, "layer 2", &hidden.outputs(), 1, Op::Sigmoid, zeros)?;
    let loss = half_squared_error(graph, &output.outputs(), &[t])?;
    Ok((graph.compile(&[loss])?, graph.compile(&output.outputs())?, hidden))
}

#[test]
fn the_loss_follows_the_reference_for_200_steps() -> Result<(), Error> {
    for run in runs() {
        let (name, tolerance) = (&run["name"], number(&run["tol_rel"]));
        let graph = Graph::new();
        let (loss, output, _) = network(&graph)?;
        let table = examples(&run);
        let mut weights = parameters(&run["init"]);
        let mut descent = MiniBatch { batch: 4, rate: number(&run["lr"]), seed: 0 }.start(&loss, &table)?;
        let steps = run["steps"].as_u64().expect("a count");
        let mut losses = Vec::new();
        let mut last = Vec::new();
        // An epoch of one batch returns the loss before its step.
        for _ in 0..=steps {
            last.clone_from(&weights);
            losses.push(descent.epoch(&mut weights)?);
        }
        for pair in run["loss_at"].as_array().expect("losses").iter().map(numbers) {
            let step = losses.iter().enumerate().find(|(step, _)| *step as f64 == pair[0]);
            let (step, got) = step.expect("a step of the run");
            assert_close(&format!("{name}, loss after {step} steps"), *got, pair[1], tolerance);
        }
        for (index, (got, expected)) in last.iter().zip(parameters(&run["final"])).enumerate() {
            assert_close(&format!("{name}, final parameter {index}"), *got, expected, tolerance);
        }
        for (example, expected) in table.rows().zip(numbers(&run["final"]["outputs"])) {
            let values = output.forward_with(&last, example)?;
            let got = values.outputs().next().expect("one output");
            assert_close(&format!("{name}, final output at {example:?}"), got, expected, tolerance);
        }
    }
    Ok(())
}

#[test]
fn the_first_gradient_is_the_reference_gradient() -> Result<(), Error> {
    for run in runs() {
        let graph = Graph::new();
        let (loss, _, _) = network(&graph)?;
        let start = parameters(&run["init"]);
        let mut mean = vec![0.0; start.len()];
        for example in examples(&run).rows() {
            let values = loss.forward_with(&start, example)?;
            let gradients = loss.reverse(&values);
            mean.iter_mut().zip(gradients.parameters()).for_each(|(mean, g)| *mean += g / 4.0);
        }
        let expected = parameters(&run["grad_at_0"]);
        // Terms of opposite signs cancel, so errors are relative to the greatest entry.
        let scale = expected.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        for (parameter, (got, expected)) in graph.all_parameters().iter().zip(mean.iter().zip(&expected)) {
            let error = (got - expected).abs() / scale;
            assert!(error <= 1e-14, "{}, {parameter:?}: got {got:?}, expected {expected:?}", run["name"]);
        }
    }
    Ok(())
}

#[test]
fn equal_hidden_neurons_stay_equal_to_the_last_bit() -> Result<(), Error> {
    let run = &runs()[1];
    let graph = Graph::new();
    let (loss, _, hidden) = network(&graph)?;
    let mut weights = parameters(&run["init"]);
    let table = examples(run);
    let mut descent = MiniBatch { batch: 4, rate: number(&run["lr"]), seed: 0 }.start(&loss, &table)?;
    for step in 0..200 {
        descent.epoch(&mut weights)?;
        let values = loss.forward_with(&weights, table.row(1))?;
        let [first, second] = [0, 1].map(|i| {
            let neuron = &hidden.neurons[i];
            [neuron.weights[0], neuron.weights[1], neuron.bias, neuron.a].map(|node| values[node].to_bits())
        });
        assert_eq!(first, second, "step {step} told the hidden neurons apart");
    }
    Ok(())
}
