//! Many examples at once give what they give one by one.

use dagrad::element::{layer, negative_log_likelihood};
use dagrad::{Expr, Graph, Op, Program};
use rand::SeedableRng;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::ChaCha8Rng;

/// A stream of numbers and choices.
struct Random(ChaCha8Rng);

impl Random {
    fn number(&mut self) -> f64 {
        let u: f64 = StandardUniform.sample(&mut self.0);
        2.0 * u - 1.0
    }

    fn below(&mut self, bound: usize) -> usize {
        let bits: u64 = StandardUniform.sample(&mut self.0);
        usize::try_from(bits % bound as u64).expect("a small number")
    }
}

/// A graph of all kinds of operations over a few inputs, parameters and constants, with values that stay bounded.
fn random_graph<'g>(graph: &'g Graph, random: &mut Random) -> Vec<Expr<'g>> {
    let mut nodes: Vec<Expr> = graph.inputs("x", 3);
    nodes.extend(graph.parameters("w", &[0.5, -0.25, 0.75, 0.1]));
    nodes.push(graph.constant(0.3));
    for _ in 0..60 {
        let mut pick = || {
            let index = random.below(nodes.len());
            nodes[index]
        };
        let (a, b, c) = (pick(), pick(), pick());
        let several = [a, b, c, pick()];
        let node = match random.below(16) {
            0 => a + b,
            1 => a - b,
            2 => 0.5 * (a * b),
            3 => graph.sum(&several) * 0.2,
            4 => graph.dot(&several[..2], &several[2..]).expect("two and two") * 0.3,
            5 => a.tanh(),
            6 => a.sin() * b,
            7 => (a.square() + 1.0).sqrt() - b,
            8 => graph.max(&several),
            9 => graph.logsumexp(&several) - 1.0,
            10 => a.less(b).select(b, c),
            11 => -a.sigmoid(),
            12 => a / (b.square() + 1.0),
            13 => graph.product(&several),
            14 => a.hypot(b.exp()).atan2(c),
            _ => a.max(0.25),
        };
        nodes.push(node.tanh() + 0.01 * node);
    }
    let last = nodes[nodes.len() - 1];
    vec![nodes[nodes.len() - 3] * last, last, nodes[9], nodes[3] * nodes[4], nodes[0]]
}

fn close(got: f64, expected: f64, scale: f64) -> bool {
    (got - expected).abs() <= 1e-12 * scale.max(1.0)
}

/// Holds a workspace to runs of one example each.
fn agrees(program: &Program, parameters: &[f64], inputs: &[f64], lanes: usize, what: &str) {
    let (mut all, mut fewer) = (program.workspace(lanes), program.workspace_for_parameters(lanes));
    let seeds: Vec<f64> = (0..program.output_count()).map(|k| 1.0 - 0.3 * k as f64).collect();
    program.gradient_into(parameters, inputs, &seeds, &mut all).expect("the counts are right");
    program.gradient_into(parameters, inputs, &seeds, &mut fewer).expect("the counts are right");
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
        for ((total, scale), g) in total.iter_mut().zip(&mut scale).zip(gradients.parameters()) {
            *total += g;
            *scale += g.abs();
        }
    }
    for (place, (&expected, &scale)) in total.iter().zip(&scale).enumerate() {
        for workspace in [&all, &fewer] {
            let got = workspace.parameters()[place];
            assert!(close(got, expected, scale), "{what}: parameter {place}: {got}, not {expected}");
        }
    }
}

#[test]
fn random_graphs_agree_with_single_examples() {
    for seed in 0..200 {
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
        let graph = Graph::new();
        let outputs = random_graph(&graph, &mut random);
        let program = graph.compile(&outputs).expect("it compiles");
        let lanes = [1, 7, 8, 65][random.below(4)];
        let parameters: Vec<f64> = (0..program.parameter_count()).map(|_| random.number()).collect();
        let inputs: Vec<f64> = (0..program.input_count() * lanes).map(|_| random.number()).collect();
        agrees(&program, &parameters, &inputs, lanes, &format!("seed {seed}, {lanes} lanes"));
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
    let mut random = Random(ChaCha8Rng::seed_from_u64(1));
    for lanes in [1, 8, 100, 600] {
        let inputs: Vec<f64> = (0..13 * lanes).map(|_| random.number()).collect();
        agrees(&program, &graph.initial_parameters(), &inputs, lanes, &format!("{lanes} lanes"));
    }
}

#[test]
fn a_repeated_run_has_the_same_bits() {
    let graph = Graph::new();
    let outputs = random_graph(&graph, &mut Random(ChaCha8Rng::seed_from_u64(5)));
    let program = graph.compile(&outputs).expect("it compiles");
    let mut random = Random(ChaCha8Rng::seed_from_u64(6));
    let inputs: Vec<f64> = (0..300).map(|_| random.number()).collect();
    let run = |workspace: &mut dagrad::Workspace| {
        program
            .gradient_into(&graph.initial_parameters(), &inputs, &[1.0; 5], workspace)
            .expect("the counts are right");
        let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        (bits(workspace.parameters()), bits(workspace.output(0)), bits(workspace.input(2)))
    };
    let mut workspace = program.workspace(100);
    let first = run(&mut workspace);
    assert_eq!(first, run(&mut workspace));
    assert_eq!(first, run(&mut program.workspace(100)));
}
