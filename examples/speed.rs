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
    let mut best = [f64::INFINITY; 3];
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 5 || (start.elapsed() < Duration::from_millis(1500) && rounds < 400) {
        best[0] = best[0].min(time(|| ours(&mut workspace)));
        best[1] = best[1].min(time(|| {
            black_box(workload.plain(black_box(&mut by_hand)));
        }));
        if has_strong {
            best[2] = best[2].min(time(|| {
                black_box(workload.strong(black_box(&mut by_hand)));
            }));
        }
        rounds += 1;
    }
    let strong = |number: f64| if has_strong { json!(number) } else { Value::Null };
    json!({
        "workload": workload.name(),
        "mode": if lanes > 1 { "lanes" } else { "one graph" },
        "batch": lanes,
        "nodes": graph.len(),
        "operations": operations,
        "ns": best[0],
        "plain_ns": best[1],
        "strong_ns": strong(best[2]),
        "ratio": best[0] / best[1],
        "strong_ratio": strong(best[0] / best[2]),
        "ns_per_op": best[0] / operations as f64,
        "plain_ns_per_op": best[1] / operations as f64,
        "compile_ns_per_node": compile_time.as_nanos() as f64 / graph.len() as f64,
        "bytes_per_node": workspace.bytes() as f64 / (graph.len() * lanes) as f64,
        "check": check,
    })
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
