//! Many examples at once give what they give one by one.

mod corpus;

use corpus::{build, recipes};
use dagrad::element::{layer, negative_log_likelihood};
use dagrad::{Expr, Graph, Op, Program};
use proptest::prelude::{ProptestConfig, proptest};
use rand::SeedableRng;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::ChaCha8Rng;

/// Numbers from −1 to 1.
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut number = || -> f64 { StandardUniform.sample(&mut generator) };
    (0..count).map(|_| 2.0 * number() - 1.0).collect()
}

fn close(got: f64, expected: f64, scale: f64) -> bool {
    (got - expected).abs() <= 1e-12 * scale.max(1.0)
}

/// Holds a workspace to runs of one example each.
fn agrees(program: &Program, parameters: &[f64], inputs: &[f64], lanes: usize, what: &str) {
    let (mut all, mut fewer) = (program.workspace(lanes), program.workspace_for_parameters(lanes));
    let mut each = program.workspace_for_each(lanes);
    let seeds: Vec<f64> = (0..program.output_count()).map(|k| 1.0 - 0.3 * k as f64).collect();
    program.gradient_into(parameters, inputs, &seeds, &mut all).expect("the counts are right");
    program.gradient_into(parameters, inputs, &seeds, &mut fewer).expect("the counts are right");
    program.gradient_into(parameters, inputs, &seeds, &mut each).expect("the counts are right");
    let mut total = vec![0.0; parameters.len()];
    let mut scale = vec![0.0; parameters.len()];
    let mut gradients = program.gradients();
    for lane in 0..lanes {
        let point: Vec<f64> = (0..program.input_count()).map(|input| inputs[input * lanes + lane]).collect();
        let values = program.forward_with(parameters, &point).expect("the counts are right");
        program.reverse_into(&values, &seeds, &mut gradients).expect("the counts are right");
        for (output, expected) in values.outputs().enumerate() {
            let got = all.output(output)[lane];
            assert!(
                close(got, expected, expected.abs()),
                "{what}: output {output}, lane {lane}: {got}, not {expected}"
            );
            assert_eq!(got.to_bits(), fewer.output(output)[lane].to_bits());
        }
        for (input, &expected) in gradients.inputs().iter().enumerate() {
            let got = all.input(input)[lane];
            assert!(close(got, expected, expected.abs()), "{what}: input {input}, lane {lane}: {got}, not {expected}");
        }
        for (parameter, &expected) in gradients.parameters().iter().enumerate() {
            let got = each.parameter(parameter)[lane];
            assert!(
                close(got, expected, expected.abs()),
                "{what}: parameter {parameter}, lane {lane}: {got}, not {expected}"
            );
        }
        for ((total, scale), g) in total.iter_mut().zip(&mut scale).zip(gradients.parameters()) {
            *total += g;
            *scale += g.abs();
        }
    }
    for (place, (&expected, &scale)) in total.iter().zip(&scale).enumerate() {
        for workspace in [&all, &fewer, &each] {
            let got = workspace.parameters()[place];
            assert!(close(got, expected, scale), "{what}: parameter {place}: {got}, not {expected}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_graphs_agree_with_single_examples(recipe in recipes(80), lanes in 1..70_usize, seed in 0..1000_u64) {
        let graph = Graph::new();
        let program = graph.compile(&build(&graph, &recipe)).expect("it compiles");
        let inputs = numbers(seed, program.input_count() * lanes);
        agrees(&program, &numbers(seed + 1000, program.parameter_count()), &inputs, lanes, "random");
    }

    #[test]
    fn a_random_graph_at_once_agrees_with_its_nodes_one_by_one(recipe in recipes(300), seed in 0..1000_u64) {
        let graph = Graph::new();
        let program = graph.compile(&build(&graph, &recipe)).expect("it compiles");
        let inputs = numbers(seed, program.input_count());
        agrees(&program, &numbers(seed + 1000, program.parameter_count()), &inputs, 1, "random");
    }
}

#[test]
fn a_network_agrees_with_single_examples() {
    let graph = Graph::new();
    let (x, y) = (graph.inputs("x", 9), graph.inputs("y", 4));
    let mut weights = dagrad::train::glorot_uniform(1);
    let hidden = layer(&graph, "hidden", &x, 6, Op::Tanh, &mut weights).expect("tanh is an activation");
    let output = layer(&graph, "output", &hidden.outputs(), 4, None, &mut weights).expect("none is one");
    let loss = negative_log_likelihood(&graph, &output.pre_activations(), &y).expect("four and four");
    let program = graph.compile(&[loss]).expect("it compiles");
    for lanes in [1, 8, 100, 600] {
        let inputs = numbers(lanes as u64, 13 * lanes);
        agrees(&program, &graph.initial_parameters(), &inputs, lanes, &format!("{lanes} lanes"));
    }
}

/// Of 20 inputs 12 go into a layer and nothing else, which reads them where they lie.
#[test]
fn a_layer_of_inputs_agrees_with_single_examples() {
    let graph = Graph::new();
    let x = graph.inputs("x", 20);
    let mut weights = dagrad::train::glorot_uniform(1);
    let first = layer(&graph, "first", &x[..12], 10, Op::Tanh, &mut weights).expect("tanh is an activation");
    let second = layer(&graph, "second", &x[12..], 10, None, &mut weights).expect("none is one");
    let products = first.outputs().into_iter().zip(second.pre_activations()).map(|(a, b)| a * b);
    let y = graph.sum(&products.collect::<Vec<_>>()) * x[19].sin();
    for outputs in [vec![y], vec![y, x[3]], vec![first.outputs()[2]]] {
        let program = graph.compile(&outputs).expect("its own nodes");
        for lanes in [8, 24, 37] {
            agrees(&program, &graph.initial_parameters(), &numbers(5, 20 * lanes), lanes, "a layer of inputs");
        }
    }
}

#[test]
fn functions_beside_their_derivatives_agree_with_single_examples() {
    let graph = Graph::new();
    let (x, w) = (graph.inputs("x", 3), graph.parameters("w", &[0.4, -0.7]));
    let angle = w[0] * x[0] + x[1];
    let (sin, cos) = (angle.sin(), angle.cos());
    let (sinh, cosh) = (x[2].sinh(), x[2].cosh());
    let turned = [cos * x[0] - sin * x[1], sin * x[0] + cos * x[1]];
    let y = turned[0].square() + w[1] * turned[1] * sinh / cosh + angle.tanh();
    let program = graph.compile(&[y, sin, turned[1]]).expect("its own nodes");
    for lanes in [2, 8, 37] {
        agrees(&program, &[0.4, -0.7], &numbers(5, 3 * lanes), lanes, "sines and cosines");
    }
}

#[test]
fn a_run_remembers_nothing_of_the_seeds_before() {
    let graph = Graph::new();
    let (x, a) = (graph.input("x"), graph.parameter("a", 1.5));
    // The second output is read by the third, the others by nothing.
    let squares = (a * x).square();
    let program = graph.compile(&[a * x - x.exp(), squares, squares.sin()]).unwrap();
    // One tile and a part of one, and tiles that are not equally long.
    for lanes in [5, 16, 600, 1021] {
        let inputs = numbers(3, lanes);
        let mut used = program.workspace(lanes);
        for seeds in [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [-1.0, 0.0, f64::NAN], [0.0; 3], [1.0, 2.0, 3.0]] {
            let mut fresh = program.workspace(lanes);
            for workspace in [&mut used, &mut fresh] {
                program.gradient_into(&[0.7], &inputs, &seeds, workspace).unwrap();
            }
            let of_inputs =
                |workspace: &dagrad::Workspace| workspace.input(0).iter().map(|g| g.to_bits()).collect::<Vec<_>>();
            assert_eq!(of_inputs(&used), of_inputs(&fresh), "{lanes} lanes, seeds {seeds:?}");
            assert_eq!(
                used.parameters()[0].to_bits(),
                fresh.parameters()[0].to_bits(),
                "{lanes} lanes, seeds {seeds:?}"
            );
        }
    }
}

/// W twice over, of which one use alone may store what it gives the weights.
fn twice<'g>(w: &[Expr<'g>], x: &[Expr<'g>]) -> Vec<Expr<'g>> {
    let once = |x: &[Expr<'g>]| -> Vec<Expr<'g>> {
        let row = |row: &[Expr<'g>]| row.iter().zip(x).map(|(&w, &x)| w * x).sum::<Expr>().tanh();
        w.chunks_exact(x.len()).map(row).collect()
    };
    once(&once(x))
}

#[test]
fn a_matrix_gets_the_adjoints_of_all_its_uses_in_every_run() {
    const WIDTH: usize = 9;
    let graph = Graph::new();
    let w = graph.parameters("w", &numbers(1, WIDTH * WIDTH));
    let sum = graph.sum(&twice(&w, &graph.inputs("x", WIDTH)));
    let by_lanes = graph.compile(&[sum]).expect("its own nodes");
    let graph = Graph::new();
    let w = graph.parameters("w", &numbers(1, WIDTH * WIDTH));
    let examples = graph.inputs("x", 40 * WIDTH);
    let written_out: Vec<Expr> = examples.chunks_exact(WIDTH).flat_map(|x| twice(&w, x)).collect();
    let written_out = graph.compile(&[written_out.into_iter().sum()]).expect("its own nodes");
    for (program, lanes) in [(&by_lanes, 8), (&by_lanes, 37), (&by_lanes, 600), (&by_lanes, 9000), (&written_out, 1)] {
        let inputs = [2, 3].map(|seed| numbers(seed, program.input_count() * lanes));
        agrees(program, program.initial_parameters(), &inputs[1], lanes, "a matrix used twice");
        let [mut used, mut fresh] = [0, 1].map(|_| program.workspace_for_parameters(lanes));
        let run = |inputs: &[f64], workspace: &mut _| {
            program.gradient_into(program.initial_parameters(), inputs, &[1.0], workspace).expect("counts are right");
        };
        run(&inputs[0], &mut used);
        run(&inputs[1], &mut used);
        run(&inputs[1], &mut fresh);
        assert_eq!(used.parameters(), fresh.parameters(), "{lanes} lanes");
    }
}

#[test]
fn a_repeated_run_has_the_same_bits() {
    let graph = Graph::new();
    let recipe: Vec<_> = (0..50_u16).map(|k| ((7 * k % 251) as u8, [k, 3 * k, 5 * k, 11 * k])).collect();
    let program = graph.compile(&build(&graph, &recipe)).expect("it compiles");
    let inputs = numbers(6, 300);
    let run = |workspace: &mut dagrad::Workspace| {
        let seeds = vec![1.0; program.output_count()];
        program.gradient_into(&graph.initial_parameters(), &inputs, &seeds, workspace).expect("the counts are right");
        let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        (bits(workspace.parameters()), bits(workspace.output(0)), bits(workspace.input(2)))
    };
    let mut workspace = program.workspace(100);
    let first = run(&mut workspace);
    assert_eq!(first, run(&mut workspace));
    assert_eq!(first, run(&mut program.workspace(100)));
}
