//! From a graph to text that parses back to the same graph.

use std::fmt;

use super::bound::Statements;
use super::lex;
use super::parse::{literal, whole_power};
use crate::graph::{Expr, Kind, NodeKey};
use crate::op::Op;

/// How tightly a printed form binds, and how tightly an operand has to.
const SUM: u8 = 1;
const TERM: u8 = 2;
const UNARY: u8 = 3;
const POWER: u8 = 4;
const ATOM: u8 = 5;

impl fmt::Display for Expr<'_> {
    /// Writes text that [`Graph::parse`](crate::Graph::parse) takes back to the same nodes: a statement for each node that
    /// has a name or more than one use, then the result.
    ///
    /// A parameter is written by its path, like an input.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, y) = (graph.input("x"), graph.input("y"));
    /// let z = (x * y).named("z");
    /// assert_eq!((z.sin() + 2.0 * z.square()).to_string(), "z = x*y;\nsin(z) + 2*z^2");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.graph().check(self.id()).is_err() {
            return f.write_str("removed");
        }
        let statements = Statements::new(*self);
        for &key in &statements.bound {
            write!(f, "{} = ", quoted(&statements, &statements.names[&key]))?;
            write_tree(f, &statements, key)?;
            f.write_str(";\n")?;
        }
        match statements.name(statements.result) {
            Some(name) => f.write_str(&quoted(&statements, name)),
            None => write_tree(f, &statements, statements.result),
        }
    }
}

/// What is still to be written.
enum Todo {
    Text(&'static str),
    Number(f64),
    /// An operand, which is to bind at least so tightly.
    Node(NodeKey, u8),
}

/// Writes a node in full, with a stack of its own.
fn write_tree(f: &mut fmt::Formatter<'_>, statements: &Statements<'_>, root: NodeKey) -> fmt::Result {
    let mut todo = vec![Todo::Node(root, SUM)];
    let mut parts = vec![];
    while let Some(next) = todo.pop() {
        match next {
            Todo::Text(text) => f.write_str(text)?,
            Todo::Number(value) => write_number(f, value)?,
            Todo::Node(key, least) => {
                if let Some(name) = statements.name(key).filter(|_| key != root) {
                    f.write_str(&quoted(statements, name))?;
                    continue;
                }
                let binding = parts_of(statements, key, &mut parts);
                todo.extend((binding < least).then_some(Todo::Text(")")));
                todo.extend(parts.drain(..).rev());
                todo.extend((binding < least).then_some(Todo::Text("(")));
            }
        }
    }
    Ok(())
}

/// Puts the parts of a node in reading order, and says how tightly they bind.
fn parts_of(statements: &Statements<'_>, key: NodeKey, parts: &mut Vec<Todo>) -> u8 {
    let arena = statements.graph.arena();
    let op = match arena.kind(key) {
        Kind::Apply(op) => op,
        Kind::Constant(value) => {
            parts.push(Todo::Number(value));
            return if value.is_sign_negative() { UNARY } else { ATOM };
        }
        Kind::Input | Kind::Parameter => unreachable!("leaves have names"),
    };
    let operands = arena.operands(key);
    let literal = |place: usize| match arena.kind(operands[place]) {
        Kind::Constant(value) if statements.name(operands[place]).is_none() => Some(value),
        _ => None,
    };
    let mut infix = |sign, left, right, binding| {
        parts.extend([Todo::Node(operands[0], left), Todo::Text(sign), Todo::Node(operands[1], right)]);
        binding
    };
    match op {
        Op::Add => infix(" + ", SUM, TERM, SUM),
        Op::Sub => infix(" - ", SUM, TERM, SUM),
        Op::Mul => infix("*", TERM, UNARY, TERM),
        Op::Div => infix("/", TERM, UNARY, TERM),
        // A literal whole exponent would be read as that of another row.
        Op::Pow if literal(1).and_then(whole_power).is_none() => infix("^", ATOM, UNARY, POWER),
        Op::Neg => {
            // A minus before a literal is part of it.
            let least = if literal(0).is_some() { u8::MAX } else { UNARY };
            parts.extend([Todo::Text("-"), Todo::Node(operands[0], least)]);
            UNARY
        }
        Op::Square => {
            parts.extend([Todo::Node(operands[0], ATOM), Todo::Text("^2")]);
            POWER
        }
        Op::Powi { exponent } if exponent != 2 => {
            parts.extend([Todo::Node(operands[0], ATOM), Todo::Text("^"), Todo::Number(f64::from(exponent))]);
            POWER
        }
        _ => {
            parts.extend([Todo::Text(op.info().name), Todo::Text("(")]);
            let arguments = operands.iter().map(|&key| Todo::Node(key, SUM));
            for (place, argument) in arguments.chain(op.parameters().into_iter().map(Todo::Number)).enumerate() {
                parts.extend((place > 0).then_some(Todo::Text(", ")));
                parts.push(argument);
            }
            parts.push(Todo::Text(")"));
            ATOM
        }
    }
}

/// A name as the parser reads it.
fn quoted<'n>(statements: &Statements<'_>, name: &'n str) -> std::borrow::Cow<'n, str> {
    let plain = lex::name(name) == name.len() && literal(name).is_none();
    if plain && !statements.operations.contains(name) {
        name.into()
    } else {
        format!("`{}`", name.replace('`', "``")).into()
    }
}

/// The shortest text that reads as the number.
fn write_number(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    if value.is_nan() {
        return f.write_str("nan");
    }
    if value.abs() == std::f64::consts::PI {
        return f.write_str(if value < 0.0 { "-pi" } else { "pi" });
    }
    // `Debug` takes an exponent where `Display` would write hundreds of zeros.
    let text = format!("{value:?}");
    f.write_str(text.strip_suffix(".0").unwrap_or(&text))
}
