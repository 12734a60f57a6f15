//! A graph's operations, one after the other, with the numbers of any tool.

use std::collections::HashMap;
use std::ops::{Add, Div, Mul, Neg, Sub};

use dagrad::{Expr, Graph, Kind, NodeId, Op};
use num_traits::Float as _;

/// What the workloads need of a number.
pub(crate) trait Real:
    Copy
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    fn value(self) -> f64;

    /// `number / self`.
    fn divide(self, number: f64) -> Self;

    fn apply(self, function: Function) -> Self;
}

/// A function of one number.
#[derive(Clone, Copy)]
pub(crate) enum Function {
    Exp,
    Ln,
    Sqrt,
    Sin,
    Cos,
    Tanh,
}

macro_rules! real {
    ($Number:ty, |$x:ident| $value:expr, |$y:ident, $number:ident| $divide:expr) => {
        impl Real for $Number {
            #[inline]
            fn value(self) -> f64 {
                let $x = self;
                $value
            }

            #[inline]
            fn divide(self, $number: f64) -> Self {
                let $y = self;
                $divide
            }

            #[inline]
            fn apply(self, function: Function) -> Self {
                let x = self;
                match function {
                    Function::Exp => x.exp(),
                    Function::Ln => x.ln(),
                    Function::Sqrt => x.sqrt(),
                    Function::Sin => x.sin(),
                    Function::Cos => x.cos(),
                    Function::Tanh => x.tanh(),
                }
            }
        }
    };
}

real!(f64, |x| x, |x, number| number / x);
real!(echidna::Reverse<f64>, |x| echidna::Scalar::value(&x), |x, number| number / x);
real!(echidna::BReverse<f64>, |x| echidna::Scalar::value(&x), |x, number| number / x);
// `reverse` 0.2.2 records the derivative of number / x as −1/x.
real!(reverse::Var<'_>, |x| x.val(), |x, number| x.recip() * number);
real!(Dual, |x| x.0.re, |x, number| Dual(num_dual::DualNum::recip(&x.0) * number));

/// A dual number of `num-dual`, whose functions stand in a trait of its own.
#[derive(Clone, Copy)]
pub(crate) struct Dual(pub(crate) num_dual::Dual64);

macro_rules! dual {
    ($($Trait:ident $method:ident)*) => { $(
        impl $Trait for Dual {
            type Output = Self;
            #[inline]
            fn $method(self, other: Self) -> Self {
                Self(self.0.$method(other.0))
            }
        }
    )* };
    (functions $($name:ident)*) => {
        impl Dual {
            $(
                #[inline]
                fn $name(self) -> Self {
                    Self(num_dual::DualNum::$name(&self.0))
                }
            )*
        }
    };
}

dual!(Add add Sub sub Mul mul Div div);
dual!(functions exp ln sqrt sin cos tanh);

impl Add<f64> for Dual {
    type Output = Self;
    #[inline]
    fn add(self, number: f64) -> Self {
        Self(self.0 + number)
    }
}

impl Mul<f64> for Dual {
    type Output = Self;
    #[inline]
    fn mul(self, number: f64) -> Self {
        Self(self.0 * number)
    }
}

impl Neg for Dual {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

/// A number that varies, or one that does not.
#[derive(Clone, Copy)]
enum Operand {
    Variable(u32),
    Number(f64),
}

/// The operations of a graph in order.
pub(crate) struct Plan {
    variables: usize,
    steps: Vec<(Op, u32, u32)>,
    operands: Vec<Operand>,
}

impl Plan {
    /// The operations that an output needs, with numbers for the inputs.
    pub(crate) fn new(graph: &Graph, output: Expr<'_>, data: &[f64]) -> Self {
        let parameters = graph.all_parameters();
        let mut known: HashMap<NodeId, Operand> = HashMap::new();
        known.extend(graph.all_inputs().iter().zip(data).map(|(x, &number)| (x.id(), Operand::Number(number))));
        known.extend(parameters.iter().zip(0..).map(|(x, place)| (x.id(), Operand::Variable(place))));
        let mut plan = Self { variables: parameters.len(), steps: vec![], operands: vec![] };
        let mut open = vec![output];
        while let Some(&node) = open.last() {
            if known.contains_key(&node.id()) {
                open.pop();
                continue;
            }
            let op = match node.kind() {
                Kind::Constant(number) => {
                    known.insert(node.id(), Operand::Number(number));
                    continue;
                }
                Kind::Apply(op) => op,
                other => panic!("{other:?} has no number"),
            };
            let operands = node.operands();
            let missing: Vec<Expr> = operands.iter().copied().filter(|x| !known.contains_key(&x.id())).collect();
            if missing.is_empty() {
                let start = plan.operands.len();
                plan.operands.extend(operands.iter().map(|x| known[&x.id()]));
                let place = plan.variables + plan.steps.len();
                plan.steps.push((op, start as u32, operands.len() as u32));
                known.insert(node.id(), Operand::Variable(place as u32));
            } else {
                open.extend(missing.into_iter().rev());
            }
        }
        plan
    }

    /// The output at a point.
    pub(crate) fn run<T: Real>(&self, point: &[T]) -> T {
        let mut numbers: Vec<T> = Vec::with_capacity(self.variables + self.steps.len());
        numbers.extend_from_slice(point);
        for &(op, start, count) in &self.steps {
            let operands = &self.operands[start as usize..][..count as usize];
            let result = step(op, operands, &numbers);
            numbers.push(result);
        }
        *numbers.last().expect("an output")
    }
}

#[inline]
fn step<T: Real>(op: Op, operands: &[Operand], numbers: &[T]) -> T {
    use Operand::{Number, Variable};
    let at = |place: u32| numbers[place as usize];
    match (op, operands) {
        (Op::Add, &[Variable(a), Variable(b)]) => at(a) + at(b),
        (Op::Add, &[Variable(a), Number(b)] | &[Number(b), Variable(a)]) => at(a) + b,
        (Op::Sub, &[Variable(a), Variable(b)]) => at(a) - at(b),
        (Op::Sub, &[Variable(a), Number(b)]) => at(a) + -b,
        (Op::Sub, &[Number(a), Variable(b)]) => -at(b) + a,
        (Op::Mul, &[Variable(a), Variable(b)]) => at(a) * at(b),
        (Op::Mul, &[Variable(a), Number(b)] | &[Number(b), Variable(a)]) => at(a) * b,
        (Op::Div, &[Variable(a), Variable(b)]) => at(a) / at(b),
        (Op::Div, &[Variable(a), Number(b)]) => at(a) * (1.0 / b),
        (Op::Div, &[Number(a), Variable(b)]) => at(b).divide(a),
        (Op::Neg, &[Variable(a)]) => -at(a),
        (Op::Recip, &[Variable(a)]) => at(a).divide(1.0),
        (Op::Square, &[Variable(a)]) => at(a) * at(a),
        (Op::Exp, &[Variable(a)]) => at(a).apply(Function::Exp),
        (Op::Ln, &[Variable(a)]) => at(a).apply(Function::Ln),
        (Op::Sqrt, &[Variable(a)]) => at(a).apply(Function::Sqrt),
        (Op::Sin, &[Variable(a)]) => at(a).apply(Function::Sin),
        (Op::Cos, &[Variable(a)]) => at(a).apply(Function::Cos),
        (Op::Tanh, &[Variable(a)]) => at(a).apply(Function::Tanh),
        (Op::Sigmoid, &[Variable(a)]) => ((-at(a)).apply(Function::Exp) + 1.0).divide(1.0),
        // Off the positive side the derivative is 0, as `0 · x` has it.
        (Op::Relu, &[Variable(a)]) if at(a).value() > 0.0 => at(a),
        (Op::Relu, &[Variable(a)]) => at(a) * 0.0,
        (Op::LogSumExp, operands) => {
            let variables: Vec<T> = operands.iter().map(|&operand| variable(operand, numbers)).collect();
            let most = variables.iter().fold(f64::NEG_INFINITY, |most, x| most.max(x.value()));
            let terms = variables.into_iter().map(|x| (x + -most).apply(Function::Exp));
            terms.reduce(|a, b| a + b).expect("some terms").apply(Function::Ln) + most
        }
        (Op::Sum, operands) => {
            let terms = operands.iter().map(|&operand| variable(operand, numbers));
            terms.reduce(|a, b| a + b).expect("some terms")
        }
        (op, _) => panic!("the workloads do not use {op:?} so"),
    }
}

fn variable<T: Real>(operand: Operand, numbers: &[T]) -> T {
    match operand {
        Operand::Variable(place) => numbers[place as usize],
        Operand::Number(_) => panic!("the workloads have no numbers in lists"),
    }
}
