//! The workloads in other scalar tools: `cargo run --release --manifest-path benches/peers/Cargo.toml` prints a table.
//!
//! Every tool computes the same scalar operations: the graph of a workload is replayed with the tool's numbers, and the
//! values and gradients are checked against each other. Data and constants stay plain numbers, as a user would have
//! them. The column `replay` is the same replay with `f64`, which is in the time of all tools that record anew for each
//! gradient; a tool that records once and replays by itself is measured without it.

#![allow(clippy::pedantic, reason = "a table for people, outside the package")]

mod replay;
#[allow(dead_code, unused_imports, reason = "the opponents written by hand have a table of their own")]
#[path = "../../workload/mod.rs"]
mod workload;

use std::hint::black_box;
use std::time::{Duration, Instant};

use dagrad::Graph;
use replay::{Dual, Plan};
use reverse::Gradient as _;

fn main() {
    println!(
        "{:<22} {:>9} {:>9} {:>12} {:>12} {:>12} {:>9} {:>10}",
        "ns per operation", "ops", "dagrad", "echidna tape", "echidna", "reverse", "replay", "num-dual¹"
    );
    for make in workload::all() {
        let workload = make(0);
        if workload.lanes() == 1 {
            measure(workload.as_ref());
        }
    }
    println!("¹ num-dual differentiates forward: the time is for one direction, not for the gradient.");
}

fn measure(workload: &dyn workload::Workload) {
    let graph = Graph::new();
    let output = workload.record(&graph);
    let program = graph.compile(&[output]).expect("the output is of this graph");
    let mut workspace = program.workspace_for_parameters(1);
    let (point, data) = (workload.point(), workload.data());
    let plan = Plan::new(&graph, output, data);
    let operations = program.operation_count() as f64;

    let ours = least(|| {
        program.gradient_into(black_box(point), data, &[1.0], &mut workspace).expect("the counts are right");
    });
    let (value, gradient) = (workspace.output(0)[0], workspace.parameters().to_vec());

    let replay = least(|| {
        check("replay", value, plan.run(black_box(point)));
    });

    let (mut tape, recorded) = echidna::record(|x| plan.run(x), point);
    check("echidna's tape", value, recorded);
    check_all("echidna's tape", &gradient, &tape.gradient(point));
    let taped = least(|| {
        black_box(tape.gradient(black_box(point)));
    });
    drop(tape);

    check_all("echidna", &gradient, &echidna::grad(|x: &[echidna::Reverse<f64>]| plan.run(x), point));
    let echidna = least(|| {
        black_box(echidna::grad(|x: &[echidna::Reverse<f64>]| plan.run(x), black_box(point)));
    });

    let by_reverse = |point: &[f64]| {
        let tape = reverse::Tape::new();
        let x = tape.add_vars(point);
        let y = plan.run(&x);
        (y.val(), y.grad().wrt(&x))
    };
    let (got, by) = by_reverse(point);
    check("reverse", value, got);
    check_all("reverse", &gradient, &by);
    let reverse = least(|| {
        black_box(by_reverse(black_box(point)));
    });

    let direction: Vec<Dual> =
        point.iter().enumerate().map(|(i, &x)| Dual(num_dual::Dual64::new(x, slope(i)))).collect();
    let along = plan.run(&direction).0;
    check("num-dual", value, along.re);
    let expected: f64 = gradient.iter().enumerate().map(|(i, g)| g * slope(i)).sum();
    let scale: f64 = gradient.iter().map(|g| g.abs()).sum();
    assert!((along.eps - expected).abs() <= 1e-9 * scale, "num-dual: {}, not {expected}", along.eps);
    let dual = least(|| {
        black_box(plan.run(black_box(&direction)));
    });

    let per = |time: f64| format!("{:.2}", time / operations);
    println!(
        "{:<22} {:>9} {:>9} {:>12} {:>12} {:>12} {:>9} {:>10}",
        workload.name(),
        operations,
        per(ours),
        per(taped),
        per(echidna),
        per(reverse),
        per(replay),
        per(dual)
    );
}

/// A direction with no special numbers in it.
fn slope(place: usize) -> f64 {
    0.5 + (place % 7) as f64 / 7.0
}

/// The least of many times, in nanoseconds.
fn least(mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 3 || start.elapsed() < Duration::from_millis(700) {
        let before = Instant::now();
        let mut calls = 0;
        while calls == 0 || before.elapsed() < Duration::from_micros(200) {
            call();
            calls += 1;
        }
        best = best.min(before.elapsed().as_nanos() as f64 / f64::from(calls));
        rounds += 1;
    }
    best
}

fn check(who: &str, expected: f64, got: f64) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs(), "{who}: {got}, not {expected}");
}

fn check_all(who: &str, expected: &[f64], got: &[f64]) {
    let scale = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (place, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= 1e-9 * scale, "{who}, {place}: {got}, not {expected}");
    }
}
