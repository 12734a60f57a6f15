//! The house rules that a compiler does not hold: who may import whom, how long a file is, where unsafe code may stand.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, and the other rooms that each may name. `docs/architecture.md` gives the reasons.
const MAY_USE: &[(&str, &[&str])] = &[
    ("elementary", &[]),
    ("op", &["elementary"]),
    ("dual", &["op"]),
    ("graph", &["op"]),
    ("program", &["op", "elementary", "graph", "dual"]),
    ("element", &["op", "graph", "dual"]),
    ("model", &["op", "graph", "element"]),
    ("view", &["op", "graph"]),
    ("render", &["op", "graph", "view"]),
    ("text", &["op", "graph"]),
    ("train", &["op", "graph", "program", "element", "model"]),
    ("explain", &["op", "graph", "program", "element", "model"]),
    ("theory", &["op", "graph", "program", "element", "model"]),
    ("error", &["graph", "program", "render", "text", "train", "view"]),
];

/// Names that `lib.rs` re-exports at the root, with the room they come from.
const AT_ROOT: &[(&str, &str)] = &[
    ("Dual", "dual"),
    ("Error", "error"),
    ("Expr", "graph"),
    ("Graph", "graph"),
    ("GraphError", "graph"),
    ("Kind", "graph"),
    ("NodeId", "graph"),
    ("Op", "op"),
    ("Scalar", "op"),
    ("Program", "program"),
    ("ProgramError", "program"),
];

const LONGEST: usize = 600;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a folder is read").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is read");
            files.push((path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("inside").to_path_buf(), text));
        }
    }
    files.sort();
    files
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The room of a file of `src`: its folder or its own name.
fn room(path: &Path) -> String {
    let first = path.iter().nth(1).expect("a file of src").to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms that a text names by `crate::`, with braces opened one level.
fn named_rooms(text: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n");
    let mut rooms = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0_i32;
                let end = list.find(|c: char| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth < 0
                });
                let list = &list[..end.unwrap_or(list.len())];
                let mut depth = 0_i32;
                list.split(|c: char| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && depth == 0
                })
                .collect()
            }
            None => vec![rest],
        };
        for name in names {
            let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let known = AT_ROOT.iter().find(|(item, _)| *item == name).map_or(name.as_str(), |(_, room)| room);
            rooms.push(known.to_owned());
        }
    }
    rooms
}

/// What is wrong with a file of `src`, in sentences.
fn complaints(path: &Path, text: &str) -> String {
    let mut said = String::new();
    let room = room(path);
    let place = path.to_string_lossy();
    if room != "lib" && room != "bin" {
        match MAY_USE.iter().find(|(name, _)| *name == room) {
            None => writeln!(said, "{place}: the room `{room}` is not in the plan").unwrap(),
            Some((_, allowed)) => {
                for other in named_rooms(text) {
                    if other != room && !allowed.contains(&other.as_str()) {
                        writeln!(said, "{place}: `{room}` may not use `{other}`").unwrap();
                    }
                }
            }
        }
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        writeln!(said, "{place}: {lines} lines; split at {LONGEST}").unwrap();
    }
    for attribute in text.split("#[").chain(text.split("#![")).skip(1) {
        let attribute = attribute.split(']').next().unwrap_or("");
        let excepts = attribute.starts_with("allow(") || attribute.starts_with("expect(");
        if excepts && !attribute.contains("reason") {
            writeln!(said, "{place}: a lint exception without its reason: {attribute}").unwrap();
        }
    }
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !is_comment(line)) {
        let mut complain = |what: &str| writeln!(said, "{place}:{}: {what}", number + 1).unwrap();
        if line.contains("unsafe ") && !line.contains("unsafe_code") && !place.contains("program/kernels") {
            complain("unsafe code outside program/kernels");
        }
        if line.trim_start().starts_with("use ") && line.trim_end().ends_with("::*;") {
            complain("a glob import");
        }
        if line.contains("unimplemented!(") || line.contains("todo!(") {
            complain("a stub");
        }
    }
    said
}

#[test]
fn every_file_keeps_the_house_rules() {
    let said: String = sources("src").iter().map(|(path, text)| complaints(path, text)).collect();
    assert!(said.is_empty(), "{said}");
}

#[test]
fn the_rules_notice_what_breaks_them() {
    let breaks = |path: &str, text: &str| !complaints(Path::new(path), text).is_empty();
    assert!(breaks("src/op/mod.rs", "use crate::graph::Graph;"));
    assert!(breaks("src/graph/mod.rs", "use crate::{op::{Op, Arity}, program::Program};"));
    assert!(breaks("src/view/depth.rs", "fn f(p: &crate::Program) {}"));
    assert!(breaks("src/attic.rs", ""));
    assert!(breaks("src/graph/mod.rs", "unsafe { f() }"));
    assert!(breaks("src/graph/mod.rs", "#[allow(dead_code)]"));
    assert!(breaks("src/graph/mod.rs", "use super::*;"));
    assert!(breaks("src/graph/mod.rs", &"\n".repeat(LONGEST + 1)));
    assert!(!breaks("src/graph/mod.rs", "use crate::{op::{Op, Arity}};\n// crate::program is not used"));
    assert!(!breaks("src/program/kernels/linear.rs", "unsafe { f() }"));
}

#[test]
fn no_match_over_the_rows_has_a_catch_all() {
    for (path, text) in sources("src/op") {
        let mut in_match = false;
        for (number, line) in text.lines().enumerate() {
            in_match = (in_match || line.contains("Op::") && line.contains("=>")) && !line.starts_with("    }");
            let catches = in_match && line.trim_start().starts_with("_ =>");
            assert!(!catches, "{}:{}: a catch-all hides a missing rule", path.display(), number + 1);
        }
    }
}

#[test]
fn the_readme_fits_on_a_page_or_two() {
    let readme = include_str!("../README.md");
    assert!(readme.lines().count() <= 120, "the README has {} lines", readme.lines().count());
}
