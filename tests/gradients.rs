//! Gradients of small functions as a person reads them: a line for each leaf and each named node.
//!
//! Before a gradient becomes a snapshot, dual numbers, which share no code with the reverse sweep, confirm its leaves.

use std::fmt::Write as _;

use dagrad::element::{Fan, neuron, softmax};
use dagrad::{Dual, Error, Expr, Graph, Op};

/// The value of the function and its derivative by each leaf and by the nodes of interest, with 12 digits: the last ones
/// may differ between the mathematical libraries of two systems.
fn listing(graph: &Graph, output: Expr, inner: &[Expr], inputs: &[f64]) -> Result<String, Error> {
    let program = graph.compile(&[output])?;
    let values = program.forward(inputs)?;
    let gradients = program.reverse(&values);
    let leaves = [graph.all_inputs(), graph.all_parameters()].concat();
    let point = [inputs, program.initial_parameters()].concat();
    let mut text = format!("value = {:.11e}\n", values[output]);
    for (place, &leaf) in leaves.iter().enumerate() {
        let along = |(index, &x): (usize, &f64)| Dual::new(x, if index == place { 1.0 } else { 0.0 });
        let duals: Vec<Dual> = point.iter().enumerate().map(along).collect();
        let (inputs, parameters) = duals.split_at(inputs.len());
        let forward = program.forward_with(parameters, inputs)?[output].tangent;
        let reverse: f64 = gradients[leaf];
        let scale = forward.abs().max(1.0);
        assert!((forward - reverse).abs() <= 1e-14 * scale, "{leaf:?}: forward {forward:?}, reverse {reverse:?}");
        writeln!(text, "d/d {} = {reverse:.11e}", leaf.path()).expect("a String takes everything");
    }
    for &node in inner {
        writeln!(text, "d/d {} = {:.11e}", node.path(), gradients[node]).expect("a String takes everything");
    }
    Ok(text)
}

/// x·sin(a·x + b): Bengio (2009), Learning Deep Architectures for AI, doi:10.1561/2200000006.
#[test]
fn gradient_of_a_sine_of_a_line() -> Result<(), Error> {
    let graph = Graph::new();
    let (x, a, b) = (graph.input("x"), graph.parameter("a", 3.0), graph.parameter("b", 1.0));
    let line = (a * x + b).named("line");
    insta::assert_snapshot!(listing(&graph, x * line.sin(), &[line], &[2.0])?);
    Ok(())
}

/// (x₁x₂ + x₂x₃)(x₂x₃ + x₃x₄), with x₂x₃ shared: Delalleau & Bengio (2011), Shallow vs. deep sum-product networks.
#[test]
fn gradient_of_a_polynomial_with_a_shared_factor() -> Result<(), Error> {
    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    let shared = (x[1] * x[2]).named("shared");
    let y = (x[0] * x[1] + shared) * (shared + x[2] * x[3]);
    insta::assert_snapshot!(listing(&graph, y, &[shared], &[1.0, 2.0, 3.0, 4.0])?);
    Ok(())
}

/// The Rosenbrock function (1 − x)² + 100 (y − x²)²: Rosenbrock (1960), doi:10.1093/comjnl/3.3.175.
#[test]
fn gradient_of_the_rosenbrock_function() -> Result<(), Error> {
    let graph = Graph::new();
    let (x, y) = (graph.input("x"), graph.input("y"));
    let valley = (y - x.square()).named("valley");
    insta::assert_snapshot!(listing(&graph, (1.0 - x).square() + 100.0 * valley.square(), &[valley], &[-1.2, 1.0])?);
    Ok(())
}

#[test]
fn gradient_of_the_radius_and_the_angle() -> Result<(), Error> {
    let graph = Graph::new();
    let (x, y) = (graph.input("x"), graph.input("y"));
    let (radius, angle) = (x.hypot(y).named("radius"), y.atan2(x).named("angle"));
    insta::assert_snapshot!(listing(&graph, radius * angle, &[radius, angle], &[3.0, 4.0])?);
    Ok(())
}

#[test]
fn gradient_at_kinks() -> Result<(), Error> {
    let graph = Graph::new();
    let (x, y, tie) = (graph.input("x"), graph.input("y"), graph.input("tie"));
    let y = x.relu() + y.abs() + graph.max(&[y, tie]);
    insta::assert_snapshot!(listing(&graph, y, &[], &[0.0, 0.0, 0.0])?);
    Ok(())
}

#[test]
fn gradient_of_a_neuron() -> Result<(), Error> {
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let mut next = [0.5, -1.0].into_iter();
    let mut weights = |_: Fan| next.next().expect("two weights");
    let unit = neuron(&graph, "neuron", &x, Op::Sigmoid, Fan { input: 2, output: 1 }, &mut weights)?;
    insta::assert_snapshot!(listing(&graph, unit.a, &[unit.z], &[1.0, 2.0])?);
    Ok(())
}

/// The mean class number, so that every probability takes part.
#[test]
fn gradient_of_a_softmax_layer() -> Result<(), Error> {
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let mut next = [0.5, -1.0, 0.25, 0.75, -0.5, 0.0].into_iter();
    let mut weights = |_: Fan| next.next().expect("six weights");
    let scores = dagrad::element::layer(&graph, "layer 1", &x, 3, None, &mut weights)?;
    let z = scores.pre_activations();
    let p = softmax(&graph, &z);
    insta::assert_snapshot!(listing(&graph, p[0] + 2.0 * p[1] + 3.0 * p[2], &[z, p].concat(), &[1.0, 2.0])?);
    Ok(())
}
