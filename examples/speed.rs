//! Value and gradient beside code written by hand: `cargo run --release --example speed [--json] [--seed N] [NAME…]`.
//!
//! Compile with `RUSTFLAGS="-C target-cpu=native"`, so that the code written by hand has the same instruction set. The
//! programs are run in turns, and the least of many times counts. *Plain* is scalar code, *strong* the best we can write.
#[path = "../benches/workload/mod.rs"]
mod workload;

use std::hint::black_box;
use std::time::{Duration, Instant};

use dagrad::{Graph, Workspace};
use serde_json::{Value, json};
use workload::Workload;
use workload::ba::{BundleAdjustment, ByProgram};

fn main() -> std::process::ExitCode {
    let (mut as_json, mut seed, mut names) = (false, 0, vec![]);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => as_json = true,
            "--seed" => {
                let Some(number) = arguments.next().and_then(|seed| seed.parse().ok()) else {
                    eprintln!("--seed takes a whole number such as 0");
                    return std::process::ExitCode::from(2);
                };
                seed = number;
            }
            option if option.starts_with('-') => {
                eprintln!("usage: speed [--json] [--seed N] [NAME…]");
                return std::process::ExitCode::from(2);
            }
            name => names.push(name.to_owned()),
        }
    }
    if cfg!(target_arch = "x86_64") && !cfg!(target_feature = "avx2") {
        eprintln!("note: the code written by hand is compiled without RUSTFLAGS=\"-C target-cpu=native\"");
    }
    let mut rows = Vec::new();
    if !as_json {
        println!(
            "{:<22} {:>9} {:>10} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8}",
            "workload", "ops", "µs", "ns/op", "÷ plain", "÷ strong", "plain", "compile", "bytes", "check"
        );
    }
    for make in workload::all() {
        let mut workload = make(seed);
        let name = workload.name();
        if names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str())) {
            let row = measure(workload.as_mut());
            if !as_json {
                print_row(&row);
            }
            rows.push(row);
        }
    }
    if names.is_empty() || names.iter().any(|wanted| "ba Jacobian".contains(wanted.as_str())) {
        let row = measure_jacobian(BundleAdjustment::new(49, 7776, 31_843, seed));
        if !as_json {
            print_row(&row);
        }
        rows.push(row);
    }
    if as_json {
        println!("{}", Value::Array(rows));
    }
    std::process::ExitCode::SUCCESS
}

fn measure(workload: &mut dyn Workload) -> Value {
    let graph = Graph::new();
    let output = workload.record(&graph);
    let lanes = workload.lanes();
    let compile = || {
        let program = graph.compile(&[output]).expect("the output is of this graph");
        let workspace = program.workspace_for_parameters(lanes);
        (program, workspace)
    };
    let (compile_time, (program, mut workspace)) = (0..3)
        .map(|_| {
            let start = Instant::now();
            let made = compile();
            (start.elapsed(), made)
        })
        .min_by_key(|(time, _)| *time)
        .expect("three times");
    let operations = program.operation_count() * lanes;
    let (point, data) = (workload.point().to_vec(), workload.data().to_vec());
    let mut by_hand = vec![0.0; point.len()];
    let ours = |workspace: &mut Workspace| {
        program.gradient_into(black_box(&point), black_box(&data), &[1.0], workspace).expect("the counts are right");
    };
    ours(&mut workspace);
    workload.plain(&mut by_hand);
    let mut check = difference(workspace.parameters(), &by_hand);
    let has_strong = workload.strong(&mut by_hand).is_some();
    check = check.max(difference(workspace.parameters(), &by_hand));
    let buffer = std::cell::RefCell::new(by_hand);
    let workload = std::cell::RefCell::new(workload);
    let best = race(
        &mut || ours(&mut workspace),
        &mut || _ = black_box(workload.borrow_mut().plain(black_box(&mut buffer.borrow_mut()))),
        has_strong.then_some(&mut || _ = black_box(workload.borrow_mut().strong(black_box(&mut buffer.borrow_mut())))),
    );
    let name = workload.borrow().name();
    Measured {
        workload: name,
        mode: if lanes > 1 { "lanes" } else { "one graph" },
        lanes,
        nodes: graph.len(),
        operations,
        best,
        compile_time,
        bytes: workspace.bytes(),
        check,
    }
    .row()
}

/// What was measured of a workload.
struct Measured {
    workload: String,
    mode: &'static str,
    lanes: usize,
    nodes: usize,
    operations: usize,
    /// Nanoseconds of ours, plain and strong.
    best: [f64; 3],
    compile_time: Duration,
    bytes: usize,
    /// The largest relative difference of the gradients.
    check: f64,
}

impl Measured {
    fn row(self) -> Value {
        let Self { workload, mode, lanes, nodes, operations, best: [ns, plain_ns, strong_ns], .. } = self;
        json!({
            "workload": workload,
            "mode": mode,
            "batch": lanes,
            "nodes": nodes,
            "operations": operations,
            "ns": ns,
            "plain_ns": plain_ns,
            "strong_ns": finite(strong_ns),
            "ratio": ns / plain_ns,
            "strong_ratio": finite(ns / strong_ns),
            "ns_per_op": ns / operations as f64,
            "plain_ns_per_op": plain_ns / operations as f64,
            "compile_ns_per_node": self.compile_time.as_nanos() as f64 / nodes as f64,
            "bytes_per_node": self.bytes as f64 / (nodes * lanes) as f64,
            "check": self.check,
        })
    }
}

/// The Jacobian of a bundle adjustment: a block for each observation, by one small program over lanes.
fn measure_jacobian(bundle: BundleAdjustment) -> Value {
    let start = Instant::now();
    let mut by_program = ByProgram::new(bundle);
    let compile_time = start.elapsed();
    let mut blocks = vec![0.0; by_program.bundle().numbers()];
    by_program.jacobian(&mut blocks);
    let turned = ByProgram::in_order(&blocks);
    by_program.bundle().plain_jacobian(&mut blocks);
    let check = difference(&turned, &blocks);
    // Both write to the same blocks, which then are in the cache for both.
    let (by_program, blocks) = (std::cell::RefCell::new(by_program), std::cell::RefCell::new(blocks));
    let best = race(
        &mut || by_program.borrow_mut().jacobian(black_box(&mut blocks.borrow_mut())),
        &mut || by_program.borrow().bundle().plain_jacobian(black_box(&mut blocks.borrow_mut())),
        None::<&mut fn()>,
    );
    let by_program = by_program.into_inner();
    Measured {
        workload: "ba Jacobian".to_owned(),
        mode: "small program",
        lanes: by_program.bundle().observations(),
        nodes: by_program.nodes,
        operations: by_program.operations,
        best,
        compile_time,
        bytes: by_program.bytes(),
        check,
    }
    .row()
}

/// The least times of the three, run in turns; infinite where there is none.
fn race(ours: &mut impl FnMut(), plain: &mut impl FnMut(), mut strong: Option<&mut impl FnMut()>) -> [f64; 3] {
    let mut best = [f64::INFINITY; 3];
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 5 || (start.elapsed() < Duration::from_millis(1500) && rounds < 400) {
        best[0] = best[0].min(time(&mut *ours));
        best[1] = best[1].min(time(&mut *plain));
        if let Some(strong) = &mut strong {
            best[2] = best[2].min(time(&mut **strong));
        }
        rounds += 1;
    }
    best
}

/// A number, or nothing where there is none.
fn finite(number: f64) -> Value {
    if number.is_finite() && number > 0.0 { json!(number) } else { Value::Null }
}

/// Nanoseconds of one call, over enough of them.
fn time(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    call();
    let once = start.elapsed().as_nanos().max(1);
    let calls = (200_000 / once).clamp(1, 1000) as u32;
    let start = Instant::now();
    (0..calls).for_each(|_| call());
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// The largest difference relative to the largest entry.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let scale = b.iter().fold(f64::MIN_POSITIVE, |scale, b| scale.max(b.abs()));
    a.iter().zip(b).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs() / scale))
}

fn print_row(row: &Value) {
    let number = |key: &str| row[key].as_f64();
    let text = |key: &str, digits: usize| number(key).map_or("–".to_owned(), |x| format!("{x:.digits$}"));
    println!(
        "{:<22} {:>9} {:>10.1} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8.0e}",
        row["workload"].as_str().unwrap_or_default(),
        text("operations", 0),
        number("ns").unwrap_or_default() / 1e3,
        text("ns_per_op", 2),
        text("ratio", 2),
        text("strong_ratio", 2),
        text("plain_ns_per_op", 2),
        text("compile_ns_per_node", 0),
        text("bytes_per_node", 1),
        number("check").unwrap_or_default(),
    );
}
