//! What every row gives at the edges of the numbers, held by a snapshot that is read by eye.

mod reference;

use std::fmt::Write as _;

use dagrad::{Arity, Op};
use reference::differentiate;

const EDGES: [f64; 7] = [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];

/// A number in seven places, signs of zeros included.
fn short(x: f64) -> String {
    match x {
        x if x == x.trunc() && x.abs() < 1e6 => format!("{x:?}").trim_end_matches(".0").to_owned(),
        x if x.is_finite() => format!("{x:.5}"),
        x => format!("{x}"),
    }
}

fn entry(op: Op, x: &[f64]) -> String {
    let (value, gradient, _) = differentiate(op, x);
    let gradient: Vec<String> = gradient.into_iter().map(short).collect();
    format!("{} ′ {}", short(value), gradient.join(" "))
}

#[test]
fn rows_of_one_operand_at_the_edges() {
    let mut table = String::new();
    for &op in Op::ALL.iter().filter(|op| op.arity() == Arity::Fixed(1)) {
        writeln!(table, "{}", op.info().name).unwrap();
        for x in EDGES {
            writeln!(table, "    {:>4}: {}", short(x), entry(op, &[x])).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn rows_of_two_operands_and_lists_at_the_edges() {
    let mut table = String::new();
    for &op in Op::ALL.iter().filter(|op| op.takes(2) && op.arity() != Arity::Fixed(1)) {
        writeln!(table, "{}", op.info().name).unwrap();
        for x in EDGES {
            let row: Vec<String> = EDGES.iter().map(|&y| format!("{} | {}", short(y), entry(op, &[x, y]))).collect();
            writeln!(table, "    {:>4}: {}", short(x), row.join("; ")).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn select_at_the_edges() {
    let mut table = String::new();
    for x in EDGES {
        writeln!(table, "{:>4}: {}", short(x), entry(Op::Select, &[x, 7.0, 8.0])).unwrap();
    }
    insta::assert_snapshot!(table);
}
