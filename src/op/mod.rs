//! Primitive operations: one row each, from which everything else about them follows.
//!
//! The rows stand in `op/table/`, a file per family. To add an operation, write one row there: the variant of
//! [`Op`], the method of [`Scalar`] and of [`Expr`](crate::Expr), the reverse pass, the second derivative, the label in
//! drawings, the line in `docs/ops.md` and the tests that loop over [`Op::ALL`] come with it.
//!
//! This room knows nothing of graphs, programs or derivatives of whole functions.

#[macro_use]
mod operators;
#[macro_use]
mod rows;
#[macro_use]
mod table;
mod custom;
mod list;
mod parameter;

pub use custom::{Custom, Formula};
pub(crate) use list::halves;

rows!(define_ops);

/// How many operands an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Exactly so many.
    Fixed(usize),
    /// Any number, none included.
    Any,
}

/// What a row says of its operation apart from the rules.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OpInfo {
    /// The name in text and of the method.
    pub name: &'static str,
    /// What the operation is, in a sentence.
    pub doc: &'static str,
    /// What a drawing writes on a node.
    pub label: &'static str,
    /// LaTeX, with `#1`, `#2`, … for the operands and `#p` for the parameter; `#*{…}{+}` repeats a part for all operands of
    /// a list, with `+` between.
    pub latex: &'static str,
    /// The value, in plain text.
    pub formula: &'static str,
    /// The local partials, as the row writes them.
    pub partials: &'static str,
    /// The number of operands.
    pub arity: Arity,
    /// The names of the operands; one, for a row of any number of them.
    pub operands: &'static [&'static str],
    /// The names of the parameters.
    pub parameters: &'static [&'static str],
    /// For each operand an interval inside the domain, away from kinks; for a list row, one for all.
    pub sample: &'static [(f64, f64)],
    /// What is taken where no derivative exists.
    pub kink: Option<&'static str>,
    /// What is better where the value or a partial is not finite.
    pub remedy: Option<&'static str>,
}

impl Op {
    /// What tells the operation from every other: the row, and the bits of its parameters.
    pub(crate) fn identity(self) -> (std::mem::Discriminant<Op>, u64) {
        if let Op::Custom(custom) = self {
            return (std::mem::discriminant(&self), std::ptr::from_ref(custom).addr() as u64);
        }
        let bits = self.parameters().iter().fold(0, |bits: u64, parameter| bits.rotate_left(31) ^ parameter.to_bits());
        (std::mem::discriminant(&self), bits)
    }

    /// Whether a program hands the operands over as a list: rows of any number, and operations that a user made.
    pub(crate) fn reads_list(self) -> bool {
        self.arity() == Arity::Any || matches!(self, Op::Custom(_))
    }

    /// Whether the operation takes `operands` operands.
    ///
    /// ```
    /// use dagrad::Op;
    /// assert!(Op::Mul.takes(2) && !Op::Mul.takes(3) && !Op::Dot.takes(3) && Op::Sum.takes(0));
    /// ```
    #[must_use]
    pub fn takes(self, operands: usize) -> bool {
        match self.arity() {
            Arity::Fixed(arity) => arity == operands,
            Arity::Any => self != Op::Dot || operands.is_multiple_of(2),
        }
    }
}

#[cold]
#[track_caller]
fn wrong_arity(op: Op, got: usize) -> ! {
    panic!("{} takes {:?} operands, got {got}", op.info().name, op.arity())
}
