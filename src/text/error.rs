//! What a text refuses, and where.

use std::fmt;

use thiserror::Error;

use crate::graph::suggest;

/// How many characters of a line are shown on each side of the place.
const SHOWN: usize = 40;

/// What a text does wrong, with the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}\n{place}")]
pub struct TextError {
    problem: Problem,
    place: Box<Place>,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// Something else belongs here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What could stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// No row of the table has this name.
    #[error("no operation is called `{name}`{}", suggest(.near))]
    UnknownOperation {
        /// The name that was called.
        name: String,
        /// The nearest names of rows, best first.
        near: Vec<&'static str>,
    },
    /// A name of an operation stands where a number does.
    #[error("`{name}` is an operation: call it, `{usage}`, or quote the name of a number, `` `{name}` ``")]
    NotCalled {
        /// The name.
        name: String,
        /// How it is called.
        usage: String,
    },
    /// A call has too few or too many arguments.
    #[error("`{usage}` takes {expected}, got {got}")]
    ArgumentCount {
        /// How the operation is called.
        usage: String,
        /// How many it takes.
        expected: String,
        /// How many there are.
        got: usize,
    },
    /// A parameter of a row is not a number of the right kind.
    #[error("the {parameter} of `{name}` is {kind}, not an expression or another number")]
    Parameter {
        /// The operation.
        name: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What it can be.
        kind: &'static str,
    },
    /// A number exceeds the doubles.
    #[error("the number is beyond the range of doubles, whose greatest is about 1.8e308; infinity is written `inf`")]
    NumberTooLarge,
    /// Something was opened and not closed.
    #[error("this is never closed")]
    Unclosed,
    /// A name was assigned before.
    #[error("`{name}` is assigned a second time; give the new number another name")]
    AssignedTwice {
        /// The name.
        name: String,
    },
    /// A name was read, as an input, before it is assigned.
    #[error("`{name}` was read before it is assigned; move the assignment up")]
    AssignedLate {
        /// The name.
        name: String,
    },
    /// Several nodes of the graph have this path.
    #[error("{count} nodes of the graph have the path `{name}`; rename one with `named`")]
    Ambiguous {
        /// The path.
        name: String,
        /// How many nodes have it.
        count: usize,
    },
    /// The bytes are not text.
    #[error("these bytes are not UTF-8 text; convert the file first")]
    NotUtf8,
    /// The text is longer than positions in it can tell.
    #[error("the text has {bytes} bytes, and at most {most} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The greatest length.
        most: usize,
    },
}

/// Where in a text something is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    excerpt: String,
    /// How many characters stand before the place in the excerpt, and how many are meant.
    before: usize,
    marked: usize,
}

impl TextError {
    /// The error at the bytes `start..end` of a text.
    pub(super) fn new(problem: Problem, text: &str, start: usize, end: usize) -> Self {
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let head: Vec<char> = text[line_start..start].chars().rev().take(SHOWN + 1).collect();
        let mut excerpt = String::new();
        excerpt.extend(head.iter().take(SHOWN).rev().map(|&character| visible(character)));
        if head.len() > SHOWN {
            excerpt.insert(0, '…');
        }
        let before = excerpt.chars().count();
        let mut tail = text[start..line_end].chars();
        excerpt.extend(tail.by_ref().take(SHOWN).map(visible));
        if tail.next().is_some() {
            excerpt.push('…');
        }
        let marked = text[start..end.clamp(start, line_end)].chars().take(SHOWN).count().max(1);
        let line = text[..line_start].bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = text[line_start..start].chars().count() + 1;
        Self { problem, place: Box::new(Place { line, column, excerpt, before, marked }) }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The line of the place, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// The character of the line at which the place begins, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.place.column
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, excerpt, before, marked, .. } = self;
        let margin = line.to_string().len();
        writeln!(f, "  {line} | {}", excerpt.trim_end())?;
        write!(f, "  {:margin$} | {:before$}{}", "", "", "^".repeat(*marked))
    }
}

/// A character that keeps its place in a line.
fn visible(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}
