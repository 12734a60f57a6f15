//! Frozen parameters.

mod corpus;

use corpus::{build, recipes};
use dagrad::element::{half_squared_error, layer};
use dagrad::train::{MiniBatch, Table};
use dagrad::{Graph, GraphError, Op, Program, Verdict};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

/// The gradients by the parameters in every way to run a program, each with a name.
fn gradients(program: &Program, inputs: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
    const LANES: usize = 3;
    let parameters = program.initial_parameters();
    let seeds = vec![1.0; program.output_count()];
    let mut all =
        vec![("node by node", program.reverse(&program.forward(inputs).expect("as many")).parameters().to_vec())];
    let wide: Vec<f64> = inputs.iter().flat_map(|&x| [x; LANES]).collect();
    let workspaces = [
        ("one example", program.workspace(1)),
        ("one example, for parameters", program.workspace_for_parameters(1)),
        ("lanes", program.workspace(LANES)),
        ("lanes, for parameters", program.workspace_for_parameters(LANES)),
        ("lanes, for each", program.workspace_for_each(LANES)),
    ];
    for (name, mut workspace) in workspaces {
        let inputs = if workspace.lanes() == 1 { inputs } else { &wide };
        // Twice, because buffers are used again.
        for _ in 0..2 {
            program.gradient_into(parameters, inputs, &seeds, &mut workspace).expect("as many");
        }
        all.push((name, workspace.parameters().to_vec()));
        if name == "lanes, for each" {
            all.push(("its first lane", (0..parameters.len()).map(|w| workspace.parameter(w)[0]).collect()));
        }
    }
    all
}

/// Freezing changes no gradient but those of the frozen parameters, and these are 0.
fn check(program: &Program, frozen: &Program, is_frozen: impl Fn(usize) -> bool, inputs: &[f64]) {
    for ((name, free), (_, got)) in gradients(program, inputs).into_iter().zip(gradients(frozen, inputs)) {
        for (place, (free, got)) in free.into_iter().zip(got).enumerate() {
            let expected = if is_frozen(place) { 0.0 } else { free };
            let close = (got - expected).abs() <= 1e-12 * expected.abs().max(1.0);
            assert!(close || (got.is_nan() && expected.is_nan()), "{name}: parameter {place}: {got}, not {expected}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn frozen_parameters_have_no_gradient_and_change_no_other(
        recipe in recipes(25), mask in any::<[bool; 4]>(), point in proptest::array::uniform3(-2.0..2.0)
    ) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let free = graph.compile(&outputs).expect("it compiles");
        let chosen: Vec<_> = graph.all_parameters().into_iter().zip(mask).filter(|(_, chosen)| *chosen).map(|(w, _)| w).collect();
        graph.freeze(&chosen).expect("parameters");
        prop_assert_eq!(graph.frozen_parameters(), chosen);
        let frozen = graph.compile(&outputs).expect("it compiles");
        check(&free, &frozen, |place| mask[place], &point);
    }
}

/// A net of three layers, whose matrices the compiler finds.
fn net(graph: &Graph) -> Program {
    let x = graph.inputs("x", 5);
    let mut initial = dagrad::train::glorot_uniform(3);
    let first = layer(graph, "layer 1", &x, 7, Op::Tanh, &mut initial).expect("an activation");
    let second = layer(graph, "layer 2", &first.outputs(), 6, Op::Tanh, &mut initial).expect("an activation");
    let third = layer(graph, "layer 3", &second.outputs(), 2, Op::Sigmoid, &mut initial).expect("an activation");
    let targets = graph.inputs("y", 2);
    let loss = half_squared_error(graph, &third.outputs(), &targets).expect("two and two").named("the loss");
    graph.compile(&[loss]).expect("it compiles")
}

#[test]
fn layers_and_parts_of_them_can_be_frozen() {
    let inputs = [0.5, -1.0, 0.25, 2.0, -0.75, 1.0, 0.0];
    for pattern in ["layer 1", "layer 2", "layer 3", "layer 1 / neuron 0", "every third", "all but the last"] {
        let graph = Graph::new();
        let free = net(&graph);
        let all = graph.all_parameters();
        let chosen = match pattern {
            "every third" => all.iter().copied().step_by(3).collect(),
            "all but the last" => all[..all.len() - 1].to_vec(),
            group => graph.parameters_in(group).expect("a group"),
        };
        graph.freeze(&chosen).expect("parameters");
        let frozen = graph.compile(&[graph.find("the loss").expect("it is named")]).expect("it compiles");
        check(&free, &frozen, |place| chosen.contains(&all[place]), &inputs);
        graph.thaw(&chosen).expect("parameters");
        assert!(graph.frozen_parameters().is_empty());
    }
}

#[test]
fn descent_leaves_frozen_parameters_as_they_are() {
    let graph = Graph::new();
    let (x, y) = (graph.input("x"), graph.input("y"));
    let (a, b) = (graph.parameter("a", 2.0), graph.parameter("b", 0.0));
    graph.freeze(&[a]).expect("a parameter");
    let program = graph.compile(&[(a * x + b - y).square()]).expect("it compiles");
    let table = Table::from_rows([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]]).expect("rows of two");
    let mut parameters = graph.initial_parameters();
    let mut descent = MiniBatch { batch: 3, rate: 0.1, seed: 0 }.start(&program, &table).expect("two columns");
    for _ in 0..100 {
        descent.epoch(&mut parameters).expect("two parameters");
    }
    assert_eq!(parameters[0].to_bits(), 2.0_f64.to_bits());
    assert!((parameters[1] - 1.0).abs() < 1e-9);
}

#[test]
fn a_check_of_the_gradient_knows_what_is_frozen() {
    let graph = Graph::new();
    let (a, b) = (graph.parameter("a", 2.0), graph.parameter("b", 0.5));
    graph.freeze(&[a]).expect("a parameter");
    let program = graph.compile(&[a * b.sin()]).expect("it compiles");
    let check = graph.check_gradient(&program, &program.forward(&[]).expect("no inputs")).expect("its own program");
    assert_eq!(check.leaves.iter().map(|leaf| leaf.verdict).collect::<Vec<_>>(), [Verdict::Frozen, Verdict::Agrees]);
    assert!(check.agrees(), "{check}");
}

#[test]
fn only_parameters_can_be_frozen() {
    let graph = Graph::new();
    let (x, w) = (graph.input("x"), graph.parameter("w", 1.0));
    let error = graph.freeze(&[w, x]).unwrap_err();
    assert!(matches!(error, GraphError::NotAParameter { .. }));
    assert!(error.to_string().starts_with("`x` is no parameter"), "{error}");
    assert!(graph.frozen_parameters().is_empty(), "all or none");
    graph.freeze(&[w]).expect("a parameter");
    graph.remove(&[w.id()]).expect("nothing uses it");
    assert!(graph.frozen_parameters().is_empty());
}
