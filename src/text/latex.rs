//! From a graph to LaTeX, by the templates of the rows.

use std::fmt::Write as _;

use super::bound::Statements;
use crate::graph::{Expr, Kind, NodeKey};
use crate::op::{Arity, Op, OpInfo};

impl Expr<'_> {
    /// The expression in LaTeX, for a mathematical environment.
    ///
    /// Nodes that have a name or more than one use are equations of their own; then the whole is an `aligned`
    /// environment.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let y = graph.parse("x * sin(a*x + b)")?;
    /// assert_eq!(y.latex(), r"x\, \sin \left(a\, x+b\right)");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    pub fn latex(self) -> String {
        if self.graph().check(self.id()).is_err() {
            return r"\text{removed}".into();
        }
        let statements = Statements::new(self);
        let mut text = String::new();
        if statements.bound.is_empty() {
            write_tree(&mut text, &statements, statements.result);
            return text;
        }
        text.push_str("\\begin{aligned}\n");
        for &key in &statements.bound {
            write!(text, "{} &= ", symbol(&statements.names[&key])).expect("a String takes everything");
            write_tree(&mut text, &statements, key);
            text.push_str(" \\\\\n");
        }
        text.push('&');
        write_tree(&mut text, &statements, statements.result);
        text.push_str("\n\\end{aligned}");
        text
    }
}

/// What a form looks like from outside, from what has to be put in parentheses to what never has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Sum,
    Product,
    /// A function beside its operand: what follows would be read as part of it.
    Application,
    /// A power, a fraction or a root.
    Raised,
    Atom,
}

/// Where an operand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between braces or parentheses.
    Open,
    /// A term of a sum, the first or a later one, or what is subtracted.
    First,
    Added,
    Subtracted,
    /// A factor, with another one after it.
    Factor,
    LastFactor,
    /// The operand of a function that stands beside it.
    Argument,
    /// What is raised to a power.
    Base,
}

/// What stands between factors.
const BETWEEN: &str = r"\, ";

/// A template in parts.
enum Part {
    Text(String),
    Operand(usize, Place),
    Parameter,
}

enum Todo {
    Text(String),
    Node(NodeKey, Place),
}

fn write_tree(text: &mut String, statements: &Statements<'_>, root: NodeKey) {
    let mut todo = vec![Todo::Node(root, Place::Open)];
    while let Some(next) = todo.pop() {
        let (key, place) = match next {
            Todo::Text(part) => {
                text.push_str(&part);
                continue;
            }
            Todo::Node(key, place) => (key, place),
        };
        let named = statements.name(key).filter(|_| key != root || !is_apply(statements, key));
        if let Some(name) = named {
            text.push_str(&symbol(name));
            continue;
        }
        let arena = statements.graph.arena();
        let wrapped = is_wrapped(statements, key, place);
        if wrapped {
            text.push_str("\\left(");
            todo.push(Todo::Text("\\right)".into()));
        }
        match arena.kind(key) {
            Kind::Apply(op) => {
                let operands = arena.operands(key);
                let mut before_number = false;
                for part in parts(op, operands.len()).into_iter().rev() {
                    todo.push(match part {
                        // Two numbers side by side would read as one.
                        Part::Text(part) if part == BETWEEN && before_number => Todo::Text(r"\cdot ".into()),
                        Part::Text(part) => Todo::Text(part),
                        Part::Operand(operand, place) => {
                            let operand = operands[operand];
                            before_number =
                                !is_wrapped(statements, operand, place) && starts_with_digit(statements, operand);
                            Todo::Node(operand, place)
                        }
                        Part::Parameter => Todo::Text(op.parameters().iter().map(|&value| number(value)).collect()),
                    });
                }
            }
            Kind::Constant(value) => text.push_str(&number(value)),
            Kind::Input | Kind::Parameter => unreachable!("leaves have names"),
        }
    }
}

fn is_apply(statements: &Statements<'_>, key: NodeKey) -> bool {
    matches!(statements.graph.arena().kind(key), Kind::Apply(_) | Kind::Constant(_))
}

/// Whether a node needs parentheses where it stands.
fn is_wrapped(statements: &Statements<'_>, key: NodeKey, place: Place) -> bool {
    let form = form(statements, key);
    match place {
        Place::Open | Place::First => false,
        Place::Added => starts_with_minus(statements, key),
        Place::Subtracted | Place::LastFactor => form == Form::Sum || starts_with_minus(statements, key),
        Place::Factor => matches!(form, Form::Sum | Form::Application) || ends_with_application(statements, key),
        Place::Argument | Place::Base => form != Form::Atom,
    }
}

fn form(statements: &Statements<'_>, key: NodeKey) -> Form {
    let arena = statements.graph.arena();
    match arena.kind(key) {
        _ if statements.name(key).is_some() => Form::Atom,
        Kind::Constant(value) if value.is_sign_negative() => Form::Sum,
        Kind::Constant(value) => {
            if number(value).contains('^') {
                Form::Product
            } else {
                Form::Atom
            }
        }
        Kind::Input | Kind::Parameter => Form::Atom,
        Kind::Apply(op) => form_of(&parts(op, arena.operands(key).len())),
    }
}

/// The form that a template makes.
fn form_of(parts: &[Part]) -> Form {
    let has = |place: Place| parts.iter().any(|part| matches!(part, Part::Operand(_, other) if *other == place));
    let adds = parts.iter().any(|part| matches!(part, Part::Text(text) if text == "+" || text == "-"));
    let ends = |with: &str| matches!(parts.last(), Some(Part::Text(text)) if text.ends_with(with));
    let one_minus = matches!(parts.first(), Some(Part::Text(text)) if text.ends_with("-{") && !text.contains('^'));
    if adds || one_minus || has(Place::First) {
        Form::Sum
    } else if has(Place::LastFactor) {
        Form::Product
    } else if has(Place::Argument) {
        Form::Application
    } else if ends("}") {
        Form::Raised
    } else {
        Form::Atom
    }
}

/// The node with which the text of a node begins.
fn leftmost(statements: &Statements<'_>, mut key: NodeKey) -> Option<NodeKey> {
    let arena = statements.graph.arena();
    loop {
        if statements.name(key).is_some() {
            return None;
        }
        let Kind::Apply(op) = arena.kind(key) else { return Some(key) };
        let operands = arena.operands(key);
        match parts(op, operands.len()).first() {
            Some(&Part::Operand(operand, place)) => {
                if is_wrapped_form(statements, operands[operand], place) {
                    return None;
                }
                key = operands[operand];
            }
            _ => return Some(key),
        }
    }
}

/// Whether the form alone demands parentheses.
fn is_wrapped_form(statements: &Statements<'_>, key: NodeKey, place: Place) -> bool {
    place == Place::Factor && matches!(form(statements, key), Form::Sum | Form::Application)
}

fn starts_with_minus(statements: &Statements<'_>, key: NodeKey) -> bool {
    let arena = statements.graph.arena();
    leftmost(statements, key).is_some_and(|key| match arena.kind(key) {
        Kind::Constant(value) => value.is_sign_negative(),
        Kind::Apply(op) => op.info().latex.starts_with('-'),
        Kind::Input | Kind::Parameter => false,
    })
}

fn starts_with_digit(statements: &Statements<'_>, key: NodeKey) -> bool {
    let arena = statements.graph.arena();
    leftmost(statements, key).is_some_and(|key| match arena.kind(key) {
        Kind::Constant(value) => number(value).starts_with(|first: char| first.is_ascii_digit()),
        Kind::Apply(op) => op.info().latex.starts_with(|first: char| first.is_ascii_digit()),
        Kind::Input | Kind::Parameter => false,
    })
}

fn ends_with_application(statements: &Statements<'_>, mut key: NodeKey) -> bool {
    let arena = statements.graph.arena();
    loop {
        let Kind::Apply(op) = arena.kind(key) else { return false };
        if statements.name(key).is_some() {
            return false;
        }
        let operands = arena.operands(key);
        let parts = parts(op, operands.len());
        match parts.last() {
            _ if form_of(&parts) == Form::Application => return true,
            Some(&Part::Operand(operand, Place::LastFactor)) => key = operands[operand],
            _ => return false,
        }
    }
}

/// A row's template for so many operands, in parts.
fn parts(op: Op, count: usize) -> Vec<Part> {
    if count == 0 {
        return vec![Part::Text(number(op.value(&[])))];
    }
    let OpInfo { name, latex: template, .. } = op.info();
    let template = match op.arity() {
        Arity::Fixed(_) if template.is_empty() => {
            let operands: Vec<String> = (1..=count).map(|operand| format!("#{operand}")).collect();
            format!(r"\operatorname{{{}}}({})", escaped(name), operands.join(","))
        }
        Arity::Fixed(_) => template.into(),
        Arity::Any => repeated(template, count),
    };
    let mut pieces: Vec<(&str, Option<usize>)> = vec![];
    let mut rest: &str = &template;
    while let Some(at) = rest.find('#') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let operand = rest[at + 1..=at + digits].parse::<usize>().map_or(usize::MAX, |number| number - 1);
        pieces.push((&rest[..at], Some(operand)));
        rest = &rest[at + 1 + digits.max(1)..];
    }
    pieces.push((rest, None));
    let mut parts = vec![];
    for (number, &(before, operand)) in pieces.iter().enumerate() {
        let between_factors = before == " " && number > 0;
        let before_text = if between_factors { BETWEEN } else { before };
        parts.extend((!before.is_empty()).then(|| Part::Text(before_text.into())));
        match operand {
            None => {}
            Some(usize::MAX) => parts.push(Part::Parameter),
            Some(operand) => parts.push(Part::Operand(operand, place(before, pieces[number + 1].0, number))),
        }
    }
    parts
}

/// The place of an operand between the text before and the text after it.
fn place(before: &str, after: &str, number: usize) -> Place {
    if after.starts_with("}^") {
        Place::Base
    } else if after == " " {
        Place::Factor
    } else if before == " " && number > 0 {
        Place::LastFactor
    } else if before.is_empty() && number == 0 {
        Place::First
    } else if before.ends_with('+') {
        Place::Added
    } else if before.ends_with('-') {
        Place::Subtracted
    } else if before.ends_with(' ') && !before.ends_with(r"\lfloor ") {
        Place::Argument
    } else {
        Place::Open
    }
}

/// The template of a list with its part `#*{…}{separator}` written out for so many operands.
fn repeated(template: &str, count: usize) -> String {
    let Some((before, rest)) = template.split_once("#*{") else { return template.into() };
    let part_end = closing(rest);
    let (part, rest) = (&rest[..part_end], &rest[part_end + 2..]);
    let end = closing(rest);
    let (separator, after) = (&rest[..end], &rest[end + 1..]);
    let each = part.matches('#').count();
    let mut text = String::from(before);
    for first in (0..count).step_by(each) {
        if first > 0 {
            text.push_str(separator);
        }
        let mut pieces = part.split('#');
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (operand, rest) = piece.split_at(1);
            write!(text, "#{}{rest}", first + operand.parse::<usize>().unwrap_or(1))
                .expect("a String takes everything");
        }
    }
    text.push_str(after);
    text
}

/// Where the brace that was opened before the text is closed.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    text.find(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        depth < 0
    })
    .unwrap_or(text.len())
}

/// A number in LaTeX.
fn number(value: f64) -> String {
    if value.is_nan() {
        return r"\mathrm{NaN}".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { r"\infty" } else { r"-\infty" }.into();
    }
    if value.abs() == std::f64::consts::PI {
        return if value > 0.0 { r"\pi" } else { r"-\pi" }.into();
    }
    let text = format!("{value:?}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    match text.split_once('e') {
        Some((digits, exponent)) => format!(r"{digits}\cdot 10^{{{exponent}}}"),
        None => text.into(),
    }
}

/// The Greek letters that LaTeX has commands for.
const GREEK: [&str; 30] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma",
    "Phi", "Omega",
];

/// The symbol for a path: `x[3]` and `x3` become x₃, longer names are upright, and groups stand before them.
fn symbol(path: &str) -> String {
    let (groups, name) = path.rsplit_once(" / ").map_or(("", path), |(groups, name)| (groups, name));
    let (order, name) = match name.split_once(' ') {
        Some((order, name)) if order.starts_with('∂') => (order, name),
        _ => ("", name),
    };
    let mut text = String::new();
    if !groups.is_empty() {
        write!(text, r"\text{{{} / }}", escaped(groups)).expect("a String takes everything");
    }
    text.push_str(match order.chars().nth(1) {
        _ if order.is_empty() => "",
        None => r"\partial ",
        Some('²') => r"\partial^2 ",
        Some('³') => r"\partial^3 ",
        Some(_) => r"\partial^n ",
    });
    let stem = name.trim_end_matches(']').trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('[');
    let index: String = name[stem.len()..].chars().filter(char::is_ascii_digit).collect();
    let mut letters = stem.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_alphabetic() => text.push(letter),
        _ if GREEK.contains(&stem) => write!(text, "\\{stem}").expect("a String takes everything"),
        _ => write!(text, r"\mathrm{{{}}}", escaped(stem)).expect("a String takes everything"),
    }
    if !index.is_empty() {
        write!(text, "_{{{index}}}").expect("a String takes everything");
    }
    text
}

/// Text in which LaTeX sees no command.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            '\\' => safe.push_str(r"\textbackslash "),
            '~' => safe.push_str(r"\textasciitilde "),
            '^' => safe.push_str(r"\textasciicircum "),
            '{' | '}' | '_' | '#' | '$' | '%' | '&' => safe.extend(['\\', character]),
            _ if character.is_control() => safe.push(' '),
            _ => safe.push(character),
        }
    }
    safe
}
