//! The number of threads changes no bit.

mod corpus;

use corpus::{build, recipes};
use dagrad::element::{layer, negative_log_likelihood};
use dagrad::{Graph, Op, Program};
use proptest::prelude::{ProptestConfig, proptest};
use rand::SeedableRng;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::ChaCha8Rng;

fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| StandardUniform.sample(&mut generator)).collect()
}

/// The bits of everything that a run gives, with the adjoints of inputs and without.
fn bits(program: &Program, lanes: usize) -> Vec<u64> {
    let (parameters, inputs) = (numbers(1, program.parameter_count()), numbers(2, program.input_count() * lanes));
    let seeds = numbers(3, program.output_count());
    let mut all = vec![];
    for (mut workspace, inputs_of_it) in
        [(program.workspace(lanes), program.input_count()), (program.workspace_for_parameters(lanes), 0)]
    {
        program.gradient_into(&parameters, &inputs, &seeds, &mut workspace).expect("the counts are right");
        all.extend((0..program.output_count()).flat_map(|output| workspace.output(output).to_vec()));
        all.extend_from_slice(workspace.parameters());
        all.extend((0..inputs_of_it).flat_map(|input| workspace.input(input).to_vec()));
    }
    all.into_iter().map(f64::to_bits).collect()
}

#[cfg(feature = "rayon")]
fn with_threads(threads: usize, program: &Program, lanes: usize) -> Vec<u64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had");
    pool.install(|| bits(program, lanes))
}

/// Without threads there is one way to run.
#[cfg(not(feature = "rayon"))]
fn with_threads(_: usize, program: &Program, lanes: usize) -> Vec<u64> {
    bits(program, lanes)
}

fn same_for_all_threads(program: &Program, lanes: usize) {
    let one = with_threads(1, program, lanes);
    for threads in [2, 4] {
        assert_eq!(one, with_threads(threads, program, lanes), "{threads} threads, {lanes} lanes");
    }
}

#[test]
fn a_network_has_the_same_bits_on_any_number_of_threads() {
    let graph = Graph::new();
    let (x, y) = (graph.inputs("x", 64), graph.inputs("y", 10));
    let mut weights = dagrad::train::glorot_uniform(1);
    let hidden = layer(&graph, "hidden", &x, 32, Op::Tanh, &mut weights).expect("tanh is an activation");
    let output = layer(&graph, "output", &hidden.outputs(), 10, None, &mut weights).expect("none is one");
    let loss = negative_log_likelihood(&graph, &output.pre_activations(), &y).expect("ten and ten");
    let program = graph.compile(&[loss]).expect("it compiles");
    for lanes in [256, 1000, 5003] {
        same_for_all_threads(&program, lanes);
    }
}

#[test]
fn neighbours_have_the_same_bits_on_any_number_of_threads() {
    let graph = Graph::new();
    let x = graph.parameters("x", &numbers(5, 3003));
    // Every term computes enough that threads take their part.
    let term = |i: usize| (0..100).fold(x[i + 1], |t, k| (t * x[i] + x[i + 2] * (0.01 * f64::from(k))).sin());
    let sum: dagrad::Expr = (0..3001).map(term).sum();
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(program.report().rolled() > 500_000, "{}", program.report());
    same_for_all_threads(&program, 1);
}

#[test]
fn lanes_of_one_run_have_the_same_bits_on_any_number_of_threads() {
    let graph = Graph::new();
    // Every term computes enough that threads take their part.
    let (centers, data) = (graph.parameters("c", &numbers(5, 300)), graph.inputs("x", 1500));
    let distance = |x, &c| dagrad::Expr::tanh(x - c) * c;
    let term = |&x| graph.logsumexp(&centers.iter().map(|c| distance(x, c)).collect::<Vec<_>>());
    let sum: dagrad::Expr = data.iter().map(term).sum();
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(program.report().rolled() > 1_000_000, "{}", program.report());
    same_for_all_threads(&program, 1);
}

#[test]
fn neighbours_that_lanes_share_have_the_same_bits_on_any_number_of_threads() {
    let graph = Graph::new();
    let x = graph.parameters("x", &numbers(6, 2004));
    // Where one thread works, lanes read and write neighbouring numbers in place.
    let mut sum = graph.constant(0.0);
    for pair in x.windows(2) {
        sum += (0..150).fold(pair[0] * pair[1], |t, _| t.tanh()) * pair[1].square();
    }
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(program.report().rolled() > 300_000, "{}", program.report());
    same_for_all_threads(&program, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn random_graphs_have_the_same_bits_on_any_number_of_threads(recipe in recipes(200), lanes in 500..3000_usize) {
        let graph = Graph::new();
        same_for_all_threads(&graph.compile(&build(&graph, &recipe)).expect("it compiles"), lanes);
    }
}

/// The sum over many examples is what the examples come to in parts.
#[test]
fn chunks_add_up() {
    let graph = Graph::new();
    let (x, w) = (graph.input("x"), graph.parameter("w", 0.5));
    let program = graph.compile(&[(w * x).sin()]).expect("it compiles");
    let inputs = numbers(7, 10_000);
    let gradient = |inputs: &[f64]| {
        let mut workspace = program.workspace_for_parameters(inputs.len());
        program.gradient_into(&[0.5], inputs, &[1.0], &mut workspace).expect("the counts are right");
        workspace.parameters()[0]
    };
    let parts: f64 = inputs.chunks(100).map(gradient).sum();
    let whole = gradient(&inputs);
    assert!((whole - parts).abs() < 1e-9 * whole.abs(), "{whole}, not {parts}");
}
