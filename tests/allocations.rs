//! A repeated call allocates nothing.

mod corpus;

use allocation_counter::measure;
use corpus::build;
use dagrad::element::{layer, negative_log_likelihood};
use dagrad::{Expr, Graph, Op, Program};

fn network(graph: &Graph) -> Vec<Expr<'_>> {
    let x = graph.inputs("x", 20);
    // A penalty of parameters alone is computed once for all lanes.
    let scale = graph.logsumexp(&graph.parameters("s", &[0.5; 12]));
    let hidden = layer(graph, "hidden", &x, 40, Op::Tanh, &mut |_| 0.1).expect("shapes fit").outputs();
    let target = graph.inputs("t", 40);
    vec![negative_log_likelihood(graph, &hidden, &target).expect("as many") + scale]
}

fn valley(graph: &Graph) -> Vec<Expr<'_>> {
    let x = graph.parameters("x", &[0.1; 500]);
    vec![(0..499).fold(graph.constant(0.0), |sum, i| sum + (x[i + 1] - x[i].square()).square())]
}

fn recurrence(graph: &Graph) -> Vec<Expr<'_>> {
    let x = graph.input("x");
    vec![(0..1000).fold(x, |y, _| y * 0.5 + x)]
}

fn irregular(graph: &Graph) -> Vec<Expr<'_>> {
    let recipe: corpus::Recipe =
        (0..400_u16).map(|k| (k.wrapping_mul(7).to_le_bytes()[0], [k * 31, k * 17, k * 13, k * 5])).collect();
    build(graph, &recipe)
}

/// A sum over lanes that pass by in tiles, as many as are worth threads.
fn mixture(graph: &Graph) -> Vec<Expr<'_>> {
    fn chain<'g>(x: Expr<'g>, centers: &[Expr<'g>]) -> Expr<'g> {
        centers.iter().fold(x, |y, &c| (y - c).tanh())
    }
    let (centers, data) = (graph.parameters("c", &[0.4; 40]), graph.inputs("x", 2000));
    vec![data.iter().map(|&x| chain(x, &centers)).sum()]
}

/// The most allocations of a second call of everything that a program can run.
fn second_calls(program: &Program, lanes: usize) -> u64 {
    let (parameters, inputs) = (vec![0.3; program.parameter_count()], vec![0.2; program.input_count() * lanes]);
    let seeds = vec![1.0; program.output_count()];
    let mut workspaces = [program.workspace(lanes), program.workspace_for_parameters(lanes)];
    let (mut values, mut gradients) = (program.values::<f64>(), program.gradients::<f64>());
    let mut call = || {
        for workspace in &mut workspaces {
            program.gradient_into(&parameters, &inputs, &seeds, workspace).expect("the counts are right");
            program.outputs_into(&parameters, &inputs, workspace).expect("the counts are right");
        }
        let first = &inputs[..program.input_count()];
        program.forward_into(&parameters, first, &mut values).expect("the counts are right");
        program.reverse_into(&values, &seeds, &mut gradients).expect("the counts are right");
    };
    call();
    measure(call).count_total
}

/// A second call of what is recorded allocates nothing, unless it hands work to threads.
fn holds(record: fn(&Graph) -> Vec<Expr<'_>>, one_lane_is_worth_threads: bool) {
    let graph = Graph::new();
    let program = graph.compile(&record(&graph)).expect("it compiles");
    assert_eq!(one_lane_is_worth_threads, program.report().rolled() > 50_000, "{}", program.report());
    for lanes in [1, 3, 300] {
        // To hand work to another thread takes an allocation for each: four runs of 16 chunks at most.
        let is_worth_threads = lanes == 300 || one_lane_is_worth_threads;
        let handed_over = if cfg!(feature = "rayon") && is_worth_threads { 4 * 16 } else { 0 };
        let count = second_calls(&program, lanes);
        assert!(count <= handed_over, "{count} allocations for {lanes} lanes of {program:?}");
    }
}

#[test]
fn a_second_call_allocates_nothing() {
    assert!(measure(|| drop(std::hint::black_box(vec![0.0; 9]))).count_total > 0, "the counter counts");
    for record in [network, valley, recurrence, irregular] {
        holds(record, false);
    }
    holds(mixture, true);
}
