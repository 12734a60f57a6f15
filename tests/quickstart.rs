//! The first program is the same wherever a newcomer meets it.

const EXAMPLE: &str = include_str!("../examples/quickstart.rs");
const README: &str = include_str!("../README.md");
const CRATE: &str = include_str!("../src/lib.rs");

/// The program without the lines that document it.
fn program(text: &str) -> String {
    text.replace("\r\n", "\n").split_inclusive('\n').filter(|line| !line.starts_with("//!")).collect()
}

#[test]
fn the_readme_shows_the_quickstart_example() {
    let readme = README.replace("\r\n", "\n");
    let block = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(block.expect("the README shows a program"), program(EXAMPLE));
}

#[test]
fn the_crate_documentation_shows_the_quickstart_example() {
    let line = "#![doc = include_str!(\"../examples/quickstart.rs\")]";
    let lines: Vec<&str> = CRATE.lines().collect();
    let position = lines.iter().position(|other| *other == line).expect("the documentation includes the example");
    assert_eq!((lines[position - 1], lines[position + 1]), ("//! ```", "//! ```"));
}

#[test]
fn the_first_program_has_twelve_lines() {
    let lines = program(EXAMPLE).lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 12, "{lines} lines that are not blank");
}
