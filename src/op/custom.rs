//! Operations that a user adds to the table.
//!
//! The value is a function of numbers. The partials are written once, over a [`Formula`] that records them, so that they
//! can be read with every kind of number like those of a row: with dual numbers, and as nodes of a graph.

use std::cell::RefCell;
use std::sync::OnceLock;

use smallvec::SmallVec;

use super::{Arity, Op, OpInfo, Scalar};

/// An operation that is no row of the table: its value and its partials, given by a user.
///
/// It is made as a `static`, and is from then on as good as a row: it takes part in reverse, dual numbers, derived
/// graphs, compiled programs and drawings. [`of`](Custom::of) applies it. [`Graph::register`](crate::Graph::register)
/// makes its name known to [`Graph::parse`](crate::Graph::parse). [`Graph::check_gradient`](crate::Graph::check_gradient)
/// finds wrong partials.
///
/// ```
/// use dagrad::{Custom, Graph};
///
/// // Bessel functions of the first kind: J₀′ = −J₁, J₁′ = J₀ − J₁ / x (DLMF 10.6).
/// static J0: Custom = Custom::new("j0", &["x"], |x| libm::j0(x[0]), |x, _| vec![-J1.of(x)]);
/// static J1: Custom = Custom::new("j1", &["x"], |x| libm::j1(x[0]), |x, y| vec![J0.of(x) - y / x[0]]);
///
/// let graph = Graph::new();
/// let x = graph.input("x");
/// let y = J0.of(&[x * x]);
/// let [slope] = y.derive(&[x])[..] else { unreachable!() };
/// assert_eq!(slope.eval(&[("x", 1.5)])?, -libm::j1(2.25) * 3.0);
/// # Ok::<(), dagrad::Error>(())
/// ```
pub struct Custom {
    name: &'static str,
    operands: &'static [&'static str],
    latex: &'static str,
    value: fn(&[f64]) -> f64,
    partials: for<'f> fn(&[Formula<'f>], Formula<'f>) -> Vec<Formula<'f>>,
    recorded: OnceLock<Recorded>,
}

/// A number in the rule for the partials of a [`Custom`] operation: it records what is done with it.
#[derive(Clone, Copy)]
pub struct Formula<'f> {
    steps: &'f RefCell<Vec<Step>>,
    number: Number,
}

/// A number of a rule.
#[derive(Clone, Copy, Debug)]
enum Number {
    Constant(f64),
    Operand(usize),
    Value,
    Step(usize),
}

#[derive(Debug)]
struct Step {
    op: Op,
    operands: SmallVec<[Number; 3]>,
}

/// The rule for the partials, as the rows that it applies.
#[derive(Debug)]
struct Recorded {
    steps: Vec<Step>,
    partials: Vec<Number>,
}

impl Custom {
    /// An operation with a name, the names of its operands, its value, and its partials by each operand, from operands
    /// and value. The partials are written with the operators and the methods of [`Scalar`].
    ///
    /// # Panics
    /// When it has no operand; in a `static`, that is an error of compilation.
    #[must_use]
    pub const fn new(
        name: &'static str,
        operands: &'static [&'static str],
        value: fn(&[f64]) -> f64,
        partials: for<'f> fn(&[Formula<'f>], Formula<'f>) -> Vec<Formula<'f>>,
    ) -> Self {
        assert!(!operands.is_empty(), "an operation has operands");
        Self { name, operands, latex: "", value, partials, recorded: OnceLock::new() }
    }

    /// The same with LaTeX of its own, in which `#1`, `#2`, … are the operands.
    #[must_use]
    pub const fn with_latex(mut self, latex: &'static str) -> Self {
        self.latex = latex;
        self
    }

    /// Applies the operation.
    ///
    /// # Panics
    /// When there are not as many operands as the operation has; for expressions, when one belongs to another graph.
    #[must_use]
    #[track_caller]
    pub fn of<S: Scalar>(&'static self, operands: &[S]) -> S {
        S::apply(Op::Custom(self), operands)
    }

    /// What a row would say.
    pub(super) const fn info(&self) -> OpInfo {
        OpInfo {
            name: self.name,
            doc: "",
            label: self.name,
            latex: self.latex,
            formula: self.name,
            partials: "",
            arity: self.arity(),
            operands: self.operands,
            parameters: &[],
            sample: &[],
            kink: None,
            remedy: None,
        }
    }

    pub(super) const fn arity(&self) -> Arity {
        Arity::Fixed(self.operands.len())
    }

    #[track_caller]
    pub(super) fn value(&'static self, operands: &[f64]) -> f64 {
        if operands.len() != self.operands.len() {
            super::wrong_arity(Op::Custom(self), operands.len());
        }
        (self.value)(operands)
    }

    #[track_caller]
    pub(super) fn partials<S: Scalar>(&'static self, operands: &[S], value: S, partials: &mut [S]) {
        if operands.len() != self.operands.len() {
            super::wrong_arity(Op::Custom(self), operands.len());
        }
        let recorded = self.recorded.get_or_init(|| self.record());
        let mut done: SmallVec<[S; 8]> = SmallVec::new();
        let mut gathered: SmallVec<[S; 4]> = SmallVec::new();
        let read = |number: Number, done: &[S]| match number {
            Number::Constant(constant) => value.constant(constant),
            Number::Operand(place) => operands[place],
            Number::Value => value,
            Number::Step(step) => done[step],
        };
        for step in &recorded.steps {
            gathered.clear();
            gathered.extend(step.operands.iter().map(|&number| read(number, &done)));
            done.push(S::apply(step.op, &gathered));
        }
        for (partial, &number) in partials.iter_mut().zip(&recorded.partials) {
            *partial = read(number, &done);
        }
    }

    #[track_caller]
    fn record(&self) -> Recorded {
        let steps = RefCell::default();
        let formula = |number: Number| Formula { steps: &steps, number };
        let operands: Vec<Formula<'_>> =
            (0..self.operands.len()).map(|place| formula(Number::Operand(place))).collect();
        let partials: Vec<Number> =
            (self.partials)(&operands, formula(Number::Value)).into_iter().map(|partial| partial.number).collect();
        let (name, expected) = (self.name, self.operands.len());
        assert_eq!(partials.len(), expected, "the operation `{name}` has a partial for each operand");
        Recorded { steps: steps.into_inner(), partials }
    }
}

impl PartialEq for Custom {
    /// Whether both are the same `static`.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl std::fmt::Debug for Custom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Scalar for Formula<'_> {
    fn constant(self, value: f64) -> Self {
        Self { number: Number::Constant(value), ..self }
    }

    #[track_caller]
    fn apply(op: Op, operands: &[Self]) -> Self {
        let first = operands.first().expect("a rule applies no row to nothing");
        assert!(op.takes(operands.len()), "{} cannot take {} operands", op.info().name, operands.len());
        let mut steps = first.steps.borrow_mut();
        steps.push(Step { op, operands: operands.iter().map(|operand| operand.number).collect() });
        Self { steps: first.steps, number: Number::Step(steps.len() - 1) }
    }
}

operators! { ['f] Formula<'f> }

impl std::fmt::Debug for Formula<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.number.fmt(f)
    }
}
