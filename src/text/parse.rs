//! From words to a plan, by precedence, with a stack of its own: no text can drive a recursion deep.
//!
//! # Reference
//! Dijkstra (1961), Making a translator for ALGOL 60, the shunting-yard algorithm.

use rustc_hash::FxHashMap;

use super::lex::{self, Token, Word, Words};
use super::plan::{Plan, Planned};
use super::{Problem, TextError};
use crate::graph::nearest;
use crate::op::{Arity, Op};

/// Reads a whole text, in which these operations can be called.
pub(super) fn parse(text: &str, operations: &[Op]) -> Result<Plan, TextError> {
    let mut words = Words::new(text);
    let token = words.next()?;
    let ops = operations.iter().map(|&op| (op.info().name, op)).collect();
    let mut parser = Parser {
        text,
        words,
        token,
        ops,
        plan: Plan::default(),
        scope: FxHashMap::default(),
        open: vec![],
        items: vec![],
    };
    let result = loop {
        if let Some(result) = parser.statement()? {
            break result;
        }
    };
    parser.plan.result = parser.node(result);
    Ok(parser.plan)
}

/// A number on the way: literal, or computed.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// A literal; `bare` while a minus before it belongs to it.
    Number {
        value: f64,
        bare: bool,
    },
    Node(u32),
}

/// What is open and waits for its last operand.
#[derive(Clone, Copy, Debug)]
enum Open {
    Add,
    Subtract,
    Multiply,
    Divide,
    Minus,
    Power,
    /// A parenthesis, opened at this byte.
    Group(usize),
    /// A call whose name stands at these bytes, and whose arguments begin at this item.
    Call {
        op: Op,
        start: usize,
        end: usize,
        first: usize,
    },
}

impl Open {
    /// How tightly it binds; a parenthesis waits for its end.
    fn binding(self) -> u8 {
        match self {
            Self::Group(_) | Self::Call { .. } => 0,
            Self::Add | Self::Subtract => 1,
            Self::Multiply | Self::Divide => 2,
            Self::Minus => 3,
            Self::Power => 4,
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
enum Bound {
    Assigned(u32),
    Free(u32),
}

struct Parser<'t> {
    text: &'t str,
    words: Words<'t>,
    token: Token,
    ops: FxHashMap<&'static str, Op>,
    plan: Plan,
    scope: FxHashMap<String, Bound>,
    open: Vec<Open>,
    items: Vec<Item>,
}

impl<'t> Parser<'t> {
    fn advance(&mut self) -> Result<Token, TextError> {
        let next = self.words.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn word(&self, token: Token) -> &'t str {
        &self.text[token.start..token.end]
    }

    fn error(&self, problem: Problem, token: Token) -> TextError {
        TextError::new(problem, self.text, token.start, token.end)
    }

    fn unexpected(&self, expected: &'static str) -> TextError {
        let found = match self.token.word {
            Word::End => "the end of the text".into(),
            Word::Quoted => self.word(self.token).chars().take(30).collect(),
            _ => format!("`{}`", self.word(self.token).chars().take(30).collect::<String>()),
        };
        self.error(Problem::Unexpected { expected, found }, self.token)
    }

    /// Reads one statement; the last gives the result.
    fn statement(&mut self) -> Result<Option<Item>, TextError> {
        let first = self.token;
        let mut ahead = self.words.clone();
        let assigns = matches!(first.word, Word::Name | Word::Quoted)
            && ahead.next().is_ok_and(|token| token.word == Word::Sign(b'='));
        if assigns {
            let name = self.free_name(first)?;
            self.advance()?;
            self.advance()?;
            let item = self.expression()?;
            if self.token.word != Word::Sign(b';') {
                return Err(self.unexpected("an operator, or `;` and then the result"));
            }
            self.advance()?;
            self.assign(name, item);
            return Ok(None);
        }
        let item = self.expression()?;
        if self.token.word == Word::Sign(b';') {
            self.advance()?;
        }
        match self.token.word {
            Word::End => Ok(Some(item)),
            _ => Err(self.unexpected("the end of the text: only the last statement is without a name")),
        }
    }

    /// The name to assign to.
    fn free_name(&self, token: Token) -> Result<String, TextError> {
        let name = lex::unquoted(self.word(token));
        if token.word == Word::Name && self.is_taken(&name) {
            return Err(self.not_called(token));
        }
        match self.scope.get(&name) {
            None => Ok(name),
            Some(Bound::Assigned(_)) => Err(self.error(Problem::AssignedTwice { name }, token)),
            Some(Bound::Free(_)) => Err(self.error(Problem::AssignedLate { name }, token)),
        }
    }

    fn assign(&mut self, name: String, item: Item) {
        let computed = matches!(item, Item::Number { .. })
            || matches!(item, Item::Node(node) if matches!(self.plan.nodes[node as usize], Planned::Apply(..)));
        let node = self.node(item);
        if computed {
            // A second name for the same number is a name in this text only.
            self.plan.names.entry(node).or_insert_with(|| name.clone());
        }
        self.scope.insert(name, Bound::Assigned(node));
    }

    /// Whether a name without quotes means something else than a number of the user's.
    fn is_taken(&self, name: &str) -> bool {
        self.ops.contains_key(name) || literal(name).is_some()
    }

    /// Reads an expression up to the word that ends it.
    fn expression(&mut self) -> Result<Item, TextError> {
        let bottom = self.open.len();
        loop {
            self.operand()?;
            // After an operand: ends of what is open, then an operator or the end.
            loop {
                match self.token.word {
                    Word::Sign(b')') if self.open.len() > bottom => self.close(bottom)?,
                    Word::Sign(sign @ (b'+' | b'-' | b'*' | b'/' | b'^')) => {
                        self.operator(sign, bottom);
                        self.advance()?;
                        break;
                    }
                    Word::Sign(b',') => {
                        self.reduce(1, bottom);
                        let Some(Open::Call { .. }) = self.open.last().filter(|_| self.open.len() > bottom) else {
                            return Err(self.unexpected("an operator or the end of the expression"));
                        };
                        self.advance()?;
                        break;
                    }
                    Word::Sign(b';') | Word::End => {
                        self.reduce(1, bottom);
                        return self.finish(bottom);
                    }
                    Word::Name | Word::Quoted | Word::Number(_) | Word::Sign(b'(') => {
                        return Err(self.unexpected("an operator, `*` to multiply"));
                    }
                    Word::Sign(_) => return Err(self.unexpected("an operator or the end of the expression")),
                }
            }
        }
    }

    /// The number that is left when an expression ends.
    fn finish(&mut self, bottom: usize) -> Result<Item, TextError> {
        let unclosed = |start, end| TextError::new(Problem::Unclosed, self.text, start, end);
        match self.open.get(bottom..).and_then(<[Open]>::last) {
            Some(&Open::Group(start)) => Err(unclosed(start, start + 1)),
            Some(&Open::Call { start, end, .. }) => Err(unclosed(start, end)),
            _ => Ok(self.items.pop().expect("an operand was read")),
        }
    }

    /// Reads minus signs and parentheses up to a number or a name.
    fn operand(&mut self) -> Result<(), TextError> {
        loop {
            let token = self.token;
            match token.word {
                Word::Number(value) => {
                    self.advance()?;
                    self.items.push(Item::Number { value, bare: true });
                    return Ok(());
                }
                Word::Name | Word::Quoted => {
                    self.advance()?;
                    if self.token.word == Word::Sign(b'(') {
                        let op = self.called(token)?;
                        self.advance()?;
                        let first = self.items.len();
                        self.open.push(Open::Call { op, start: token.start, end: token.end, first });
                        if self.token.word == Word::Sign(b')') {
                            // A call without arguments: the parenthesis is closed where operands are closed.
                            return Ok(());
                        }
                    } else {
                        let item = self.named(token)?;
                        self.items.push(item);
                        return Ok(());
                    }
                }
                Word::Sign(b'-') => {
                    self.advance()?;
                    self.open.push(Open::Minus);
                }
                Word::Sign(b'(') => {
                    self.advance()?;
                    self.open.push(Open::Group(token.start));
                }
                Word::Sign(_) | Word::End => return Err(self.unexpected("a number, a name or `(`")),
            }
        }
    }

    fn called(&self, token: Token) -> Result<Op, TextError> {
        let name = lex::unquoted(self.word(token));
        if let Some(&op) = self.ops.get(name.as_str()) {
            return Ok(op);
        }
        let near = nearest(&name, self.ops.keys().copied());
        let name = name.chars().take(60).collect();
        Err(self.error(Problem::UnknownOperation { name, near }, token))
    }

    fn not_called(&self, token: Token) -> TextError {
        let name = self.word(token).to_owned();
        let usage = self.ops.get(name.as_str()).map_or_else(|| name.clone(), |&op| usage(op));
        self.error(Problem::NotCalled { name, usage }, token)
    }

    fn named(&mut self, token: Token) -> Result<Item, TextError> {
        let name = lex::unquoted(self.word(token));
        if let Some(&(Bound::Assigned(node) | Bound::Free(node))) = self.scope.get(&name) {
            return Ok(Item::Node(node));
        }
        if token.word == Word::Name {
            if let Some(value) = literal(&name) {
                return Ok(Item::Number { value, bare: true });
            }
            if self.ops.contains_key(name.as_str()) {
                return Err(self.not_called(token));
            }
        }
        let node = self.plan.add(Planned::Free { name: name.clone(), start: token.start, end: token.end });
        self.scope.insert(name, Bound::Free(node));
        Ok(Item::Node(node))
    }

    /// Puts an operator behind what binds at least as tightly.
    fn operator(&mut self, sign: u8, bottom: usize) {
        let open = match sign {
            b'+' => Open::Add,
            b'-' => Open::Subtract,
            b'*' => Open::Multiply,
            b'/' => Open::Divide,
            _ => Open::Power,
        };
        let to_the_right = u8::from(matches!(open, Open::Power));
        self.reduce(open.binding() + to_the_right, bottom);
        self.open.push(open);
    }

    /// Applies what is open above `bottom` and binds at least so tightly.
    fn reduce(&mut self, binding: u8, bottom: usize) {
        while self.open.len() > bottom && self.open.last().is_some_and(|open| open.binding() >= binding) {
            let open = self.open.pop().expect("there is a last one");
            let last = self.items.pop().expect("an operand for each operator");
            let item = if let Open::Minus = open {
                self.negate(last)
            } else {
                let first = self.items.pop().expect("two operands");
                self.combine(open, first, last)
            };
            self.items.push(item);
        }
    }

    fn negate(&mut self, item: Item) -> Item {
        if let Item::Number { value, bare: true } = item {
            return Item::Number { value: -value, bare: false };
        }
        let operand = self.node(item);
        Item::Node(self.plan.apply(Op::Neg, &[operand]))
    }

    fn combine(&mut self, open: Open, first: Item, last: Item) -> Item {
        let a = self.node(first);
        let op = match open {
            Open::Add => Op::Add,
            Open::Subtract => Op::Sub,
            Open::Multiply => Op::Mul,
            Open::Divide => Op::Div,
            _ => {
                if let Some(op) = power(last) {
                    return Item::Node(self.plan.apply(op, &[a]));
                }
                Op::Pow
            }
        };
        let b = self.node(last);
        Item::Node(self.plan.apply(op, &[a, b]))
    }

    /// Ends the innermost parenthesis or call.
    fn close(&mut self, bottom: usize) -> Result<(), TextError> {
        self.reduce(1, bottom);
        if self.open.len() == bottom {
            return Err(self.unexpected("an operator or the end of the expression"));
        }
        match self.open.pop() {
            Some(Open::Call { op, start, end, first }) => {
                let arguments = self.items.split_off(first);
                let item = self.call(op, &arguments, Token { word: Word::Name, start, end })?;
                self.items.push(item);
            }
            _ => {
                if let Some(Item::Number { bare, .. }) = self.items.last_mut() {
                    *bare = false;
                }
            }
        }
        self.advance()?;
        Ok(())
    }

    fn call(&mut self, op: Op, arguments: &[Item], token: Token) -> Result<Item, TextError> {
        let info = op.info();
        let got = arguments.len();
        let count = |expected: String| Problem::ArgumentCount { usage: usage(op), expected, got };
        let operands = match op.arity() {
            Arity::Fixed(operands) if got != operands + info.parameters.len() => {
                let expected = operands + info.parameters.len();
                let plural = if expected == 1 { "" } else { "s" };
                return Err(self.error(count(format!("{expected} argument{plural}")), token));
            }
            Arity::Fixed(operands) => operands,
            Arity::Any if !op.takes(got) => return Err(self.error(count("pairs of arguments".into()), token)),
            Arity::Any => got,
        };
        let (operands, parameters) = arguments.split_at(operands);
        let mut numbers = Vec::with_capacity(parameters.len());
        for (&item, parameter) in parameters.iter().zip(info.parameters) {
            let Item::Number { value, .. } = item else {
                return Err(self.error(Problem::Parameter { name: info.name, parameter, kind: "a number" }, token));
            };
            numbers.push(value);
        }
        let Some(op) = op.with_parameters(&numbers) else {
            let parameter = info.parameters.first().copied().unwrap_or_default();
            return Err(self.error(Problem::Parameter { name: info.name, parameter, kind: "a whole number" }, token));
        };
        let operands: Vec<u32> = operands.iter().map(|&item| self.node(item)).collect();
        Ok(Item::Node(self.plan.apply(op, &operands)))
    }

    fn node(&mut self, item: Item) -> u32 {
        match item {
            Item::Number { value, .. } => self.plan.add(Planned::Constant(value)),
            Item::Node(node) => node,
        }
    }
}

/// The row for a power with a literal whole exponent.
pub(super) fn whole_power(exponent: f64) -> Option<Op> {
    if exponent == 2.0 { Some(Op::Square) } else { Op::Powi { exponent: 0 }.with_parameters(&[exponent]) }
}

fn power(exponent: Item) -> Option<Op> {
    match exponent {
        Item::Number { value, .. } => whole_power(value),
        Item::Node(_) => None,
    }
}

/// The number that a name stands for.
pub(super) fn literal(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "inf" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

/// How an operation is called.
fn usage(op: Op) -> String {
    let info = op.info();
    let mut arguments: Vec<&str> = info.operands.to_vec();
    if op.arity() == Arity::Any {
        arguments.push("…");
    }
    arguments.extend(info.parameters);
    format!("{}({})", info.name, arguments.join(", "))
}
