//! How large derived gradients are: at most five nodes for each node of the function.

#[path = "../benches/workload/mod.rs"]
#[allow(dead_code, reason = "the derivatives written by hand are not needed here")]
mod workload;

use dagrad::element::{Unit, layer, negative_log_likelihood};
use dagrad::{Expr, Graph, Op, model, train};

/// Derives an output by some leaves, and holds and prints how many nodes that takes.
fn check<'g>(name: &str, graph: &'g Graph, output: Expr<'g>, by: &[Expr<'g>]) {
    let nodes = graph.len();
    let derived = output.derive(by);
    let more = graph.len() - nodes;
    println!("{name:24} {nodes:>9} nodes, {more:>9} for the gradient: {:.2} each", more as f64 / nodes as f64);
    assert_eq!(derived.len(), by.len());
    assert!(more <= 5 * nodes, "{name}: {more} nodes for {nodes}");
}

#[test]
fn the_gradients_of_the_other_examples_stay_small() {
    let graph = Graph::new();
    let x = graph.input("x");
    let (a, b) = (graph.parameter("a", 3.0), graph.parameter("b", 1.0));
    check("quickstart", &graph, x * (a * x + b).sin(), &[x, a, b]);

    let graph = Graph::new();
    let pixels = graph.inputs("pixel", 64);
    let mut weights = train::glorot_uniform(0);
    let hidden = layer(&graph, "layer 1", &pixels, 32, Op::Tanh, &mut weights).expect("an activation");
    let output = layer(&graph, "layer 2", &hidden.outputs(), 10, None, &mut weights).expect("no activation");
    let targets = graph.inputs("target", 10);
    let loss = negative_log_likelihood(&graph, &output.pre_activations(), &targets).expect("ten and ten");
    check("digits", &graph, loss, &graph.all_parameters());

    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    let polynomial = (x[0] * x[1] + x[1] * x[2]) * (x[1] * x[2] + x[2] * x[3]);
    let network = model::polynomial_as_network(polynomial, Unit::SOFTPLUS, 0.01).expect("a polynomial");
    check("polynomial as a network", &graph, network, &x);
}

#[test]
fn the_gradients_of_all_workloads_stay_small() {
    let mut seen = vec![];
    for make in workload::all() {
        let workload = make(1);
        let graph = Graph::new();
        let y = workload.record(&graph);
        let nodes = graph.len();
        // The same graph in other batches, and those that take long and are like the smaller ones.
        if seen.contains(&nodes) || nodes > 200_000 {
            continue;
        }
        seen.push(nodes);
        check(&workload.name(), &graph, y, &graph.all_parameters());
    }
}
