//! Drawings in the DOT language.

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use dagrad::element::{Unit, layer, multiplication_gate};
use dagrad::{ElementSet, Expr, Graph, Op, View};
use insta::assert_snapshot;

/// The drawing, which Graphviz accepted where it is installed.
fn accepted(view: &View) -> String {
    let text = view.dot().critical_path().render().expect("a small view");
    let run =
        Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    match run {
        Err(error) if error.kind() == ErrorKind::NotFound => eprintln!("Graphviz is not installed"),
        run => {
            let mut run = run.expect("`dot` runs");
            run.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("`dot` reads");
            let done = run.wait_with_output().expect("`dot` ends");
            let complaint = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success() && complaint.is_empty(), "{complaint}\n{text}");
        }
    }
    text
}

fn drawn(graph: &Graph, outputs: &[Expr], set: &ElementSet) -> String {
    accepted(&graph.view(outputs, set).expect("everything is in the set"))
}

#[test]
fn a_gate_is_four_neurons_or_one_box() {
    let graph = Graph::new();
    let (u, v) = (graph.input("u"), graph.input("v"));
    let product = multiplication_gate(u, v, Unit::SOFTPLUS, 0.5).expect("softplus bends");
    assert_snapshot!(drawn(&graph, &[product], &ElementSet::primitives()));
    assert_snapshot!(drawn(&graph, &[product], &ElementSet::groups(["neuron"])));
    assert_snapshot!(drawn(&graph, &[product], &ElementSet::groups(["gate"])));
}

#[test]
fn a_net_is_drawn_in_primitives_in_neurons_and_in_layers() {
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let mut weight = |_| 0.5;
    let hidden = layer(&graph, "hidden", &x, 2, Op::Sigmoid, &mut weight).expect("shapes fit").outputs();
    let output = layer(&graph, "output", &hidden, 1, Op::Sigmoid, &mut weight).expect("shapes fit").outputs();
    assert_snapshot!(drawn(&graph, &output, &ElementSet::primitives()));
    assert_snapshot!(drawn(&graph, &output, &ElementSet::groups(["neuron"])));
    assert_snapshot!(drawn(&graph, &output, &ElementSet::groups(["hidden", "output"])));
}

#[test]
fn a_shared_factor_is_drawn_once_with_its_numbers() {
    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    let shared = (x[1] * x[2]).named("x₂x₃");
    let y = ((x[0] * x[1] + shared) * (shared + x[2] * x[3])).named("y");
    let program = graph.compile(&[y]).expect("a small graph");
    let values = program.forward(&[1.0, 2.0, 3.0, 4.0]).expect("four inputs");
    let gradients = program.reverse(&values);
    let view = graph.view(&[y], &ElementSet::primitives()).expect("primitives");
    accepted(&view);
    let drawing = view.dot().numbers(|node| Some((values[node], gradients[node])));
    assert_snapshot!(drawing.render().expect("a small view"));
}

#[test]
fn labels_cannot_leave_their_string() {
    let graph = Graph::new();
    let hostile = ["\"", "<b>", "\\N", "\\", "two\nlines", "\0\r\t", "\"]; evil [label=\"", "}", "", "\u{202e}"];
    let mut all: Vec<Expr> = hostile.iter().map(|name| graph.input(name)).collect();
    all.push(graph.group("a \"group\" \\", || graph.input(&"x".repeat(10_000))));
    let text = drawn(&graph, &[graph.sum(&all)], &ElementSet::primitives());
    assert_snapshot!(text);
    assert!(text.len() < 5000, "{}", text.len());
}

#[test]
fn a_drawing_is_a_function_of_the_view() {
    let draw = || {
        let graph = Graph::new();
        let x = graph.inputs("x", 3);
        let net = layer(&graph, "layer", &x, 4, Op::Tanh, &mut |_| 0.5).expect("shapes fit").outputs();
        graph.view(&net, &ElementSet::primitives()).expect("primitives").dot().render().expect("a small view")
    };
    assert_eq!(draw(), draw());
}

#[test]
fn a_large_drawing_is_refused_with_the_remedy() {
    let graph = Graph::new();
    let y = graph.inputs("x", 2001).into_iter().fold(graph.constant(0.0), |sum, x| sum + x);
    let view = graph.view(&[y], &ElementSet::primitives()).expect("primitives");
    let refusal = view.dot().render().expect_err("too large");
    assert_snapshot!(refusal);
    assert!(view.dot().at_most(10_000).render().is_ok());
}
