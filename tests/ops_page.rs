//! `docs/ops.md` is what the table and the references say; `UPDATE_DOCS=1 cargo test --test ops_page` writes it anew.

mod reference;

use std::fmt::Write as _;

use dagrad::{Arity, Op};
use reference::{EXCEPTED, Point, doubles_between, points};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ops.md");

const HEAD: &str = "# Operations

This page is generated from the table of operations (`src/op/table/`) and the references (`tests/data/ops.json`):
`UPDATE_DOCS=1 cargo test --test ops_page` writes it, and a test holds it.

* **Formula** is the value, in plain text. **Partials** are the code of the row, by each operand, over the value and the operands.
* **Value** is the largest distance, in doubles, from the nearest double to the 50-digit reference: 0 is correctly rounded,
  1 is within 1.5 units in the last place.
* **Gradient** and **Hessian** are the largest errors relative to the largest finite entry, away from kinks and the
  exceptions below; the mark is 1e-13, and 1e-12 at points where plain double arithmetic is known to fail. The Hessian is
  computed by dual numbers through the reverse pass. Below 1e-300, 2e-323 counts as no error.

";

fn worst(points: &[&Point], order: usize) -> String {
    let errors = points.iter().filter(|point| !point.is_excepted(order)).filter_map(|point| point.error(order));
    errors
        .reduce(f64::max)
        .map_or(String::new(), |error| if error == 0.0 { "0".into() } else { format!("{error:.0e}") })
}

/// Code as a person would write it, fit for a cell.
fn cell(text: &str) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (from, to) in [
        (" :: ", "::"),
        ("std::f64::consts::", ""),
        ("- (", "-("),
        ("(- ", "(-"),
        (" * - ", " * -"),
        ("| x | ", "|x| "),
        ("[- ", "[-"),
        (",]", "]"),
    ] {
        text = text.replace(from, to);
    }
    text.replace('|', "\\|")
}

fn page() -> String {
    let points = points();
    let mut page = HEAD.to_owned();
    page +=
        "| operation | operands | formula | partials | value | gradient | Hessian |\n|---|---|---|---|---|---|---|\n";
    for op in Op::ALL {
        let info = op.info();
        let own: Vec<&Point> = points.iter().filter(|point| point.name == info.name).collect();
        let distance = |point: &&Point| point.value.map(|value| doubles_between(value, point.got_value));
        let inside = own.iter().filter(|point| !point.is("outside_domain"));
        let value = inside.filter_map(distance).max().map_or(String::new(), |steps| steps.to_string());
        let operands = match info.arity {
            Arity::Fixed(count) => count.to_string(),
            Arity::Any => "any".into(),
        };
        let [gradient, hessian] = [1, 2].map(|order| worst(&own, order));
        writeln!(
            page,
            "| `{}` | {operands} | `{}` | `{}` | {value} | {gradient} | {hessian} |",
            info.name,
            cell(info.formula),
            cell(info.partials)
        )
        .unwrap();
    }
    page += "\n## Where no derivative exists\n\n| operation | what is taken |\n|---|---|\n";
    for info in Op::ALL.iter().map(|op| op.info()) {
        if let Some(kink) = info.kink {
            writeln!(page, "| `{}` | {kink} |", info.name).unwrap();
        }
    }
    page += "\n## Exceptions\n\nEntries of the references that miss their mark, of ";
    writeln!(page, "{} in all.\n\n| operation | at | order | error | why |\n|---|---|---|---|---|", points.len() * 3)
        .unwrap();
    for &(name, x, order, why) in EXCEPTED {
        let point = points.iter().find(|point| point.name == name && point.x == x && point.is_excepted(order));
        let error = point.and_then(|point| point.error(order)).expect("an exception is a point of the file");
        writeln!(page, "| `{name}` | {x:?} | {order} | {error:.0e} | {why} |").unwrap();
    }
    page
}

/// A page without the errors that were measured: a build with fused multiply-adds has others.
fn without_errors(page: &str) -> String {
    let keep =
        |line: &'_ str| if line.starts_with("| `") { line.split(" | ").take(4).collect() } else { line.to_owned() };
    page.lines().map(keep).collect::<Vec<String>>().join("\n")
}

#[test]
fn the_page_of_operations_is_what_the_table_says() {
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    let said = |page: &str| if cfg!(target_feature = "fma") { without_errors(page) } else { page.to_owned() };
    assert!(
        said(&written) == said(&page),
        "docs/ops.md is not what the table says: UPDATE_DOCS=1 cargo test --test ops_page"
    );
}
