//! Derivatives of a Rust function at one point, for those who have one function and one point.
//!
//! The function is run once on expressions and compiled; for repeated use keep the [`Program`].

use super::{Program, Values};
use crate::{Dual, Expr, Graph};

/// The gradient of a scalar function at a point.
///
/// # Panics
/// When the function returns an expression of another graph.
///
/// ```
/// assert_eq!(dagrad::gradient(|x| x[0] * x[1], &[3.0, 4.0]), [4.0, 3.0]);
/// ```
#[track_caller]
pub fn gradient<F>(function: F, point: &[f64]) -> Vec<f64>
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Expr<'g>,
{
    vjp(|x| vec![function(x)], point, &[1.0]).1
}

/// The values of a function and its Jacobian times a direction, by one pass with dual numbers.
///
/// # Panics
/// When `direction` is not as long as `point`, or the function returns an expression of another graph.
///
/// ```
/// let (values, derivatives) = dagrad::jvp(|x| vec![x[0] * x[1], x[0].sin()], &[0.0, 4.0], &[1.0, 0.0]);
/// assert_eq!((values, derivatives), (vec![0.0, 0.0], vec![4.0, 1.0]));
/// ```
#[track_caller]
pub fn jvp<F>(function: F, point: &[f64], direction: &[f64]) -> (Vec<f64>, Vec<f64>)
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Vec<Expr<'g>>,
{
    assert_eq!(point.len(), direction.len(), "a direction is as long as the point");
    let program = compile(function, point.len());
    let inputs: Vec<_> = point.iter().zip(direction).map(|(&x, &dx)| Dual::new(x, dx)).collect();
    let values = program.forward_with(&[], &inputs).expect("as many inputs as the point has numbers");
    values.outputs().map(|y| (y.value, y.tangent)).unzip()
}

/// The values of a function and a row vector of weights times its Jacobian, by one reverse pass.
///
/// # Panics
/// When there are not as many weights as the function has values, or it returns an expression of another graph.
///
/// ```
/// let (values, gradient) = dagrad::vjp(|x| vec![x[0] * x[1], x[0].sin()], &[0.0, 4.0], &[1.0, 10.0]);
/// assert_eq!((values, gradient), (vec![0.0, 0.0], vec![14.0, 0.0]));
/// ```
#[track_caller]
pub fn vjp<F>(function: F, point: &[f64], weights: &[f64]) -> (Vec<f64>, Vec<f64>)
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Vec<Expr<'g>>,
{
    let (program, values) = run(function, point);
    assert_eq!(program.output_count(), weights.len(), "as many weights as the function has values");
    let mut gradients = program.gradients();
    program.reverse_into(&values, weights, &mut gradients).expect("as many seeds as outputs");
    (values.outputs().collect(), gradients.inputs().to_vec())
}

/// The Jacobian of a function at a point, a row for each of its values.
///
/// # Panics
/// When the function returns an expression of another graph.
///
/// ```
/// let jacobian = dagrad::jacobian(|x| vec![x[0] * x[1], x[0].sin()], &[0.0, 4.0]);
/// assert_eq!(jacobian, [[4.0, 0.0], [1.0, 0.0]]);
/// ```
#[track_caller]
pub fn jacobian<F>(function: F, point: &[f64]) -> Vec<Vec<f64>>
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Vec<Expr<'g>>,
{
    let (program, values) = run(function, point);
    program.jacobian(&values, &program.input_nodes()).expect("the inputs are its own")
}

/// The Hessian of a scalar function at a point.
///
/// # Panics
/// When the function returns an expression of another graph.
///
/// ```
/// assert_eq!(dagrad::hessian(|x| x[0] * x[0] * x[1], &[3.0, 5.0]), [[10.0, 6.0], [6.0, 0.0]]);
/// ```
#[track_caller]
pub fn hessian<F>(function: F, point: &[f64]) -> Vec<Vec<f64>>
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Expr<'g>,
{
    let (program, values) = run(|x| vec![function(x)], point);
    program.hessian(&values, &program.input_nodes()).expect("the inputs are its own")
}

/// The Hessian of a scalar function at a point, times a direction.
///
/// # Panics
/// When `direction` is not as long as `point`, or the function returns an expression of another graph.
///
/// ```
/// assert_eq!(dagrad::hvp(|x| x[0] * x[0] * x[1], &[3.0, 5.0], &[1.0, 2.0]), [22.0, 6.0]);
/// ```
#[track_caller]
pub fn hvp<F>(function: F, point: &[f64], direction: &[f64]) -> Vec<f64>
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Expr<'g>,
{
    assert_eq!(point.len(), direction.len(), "a direction is as long as the point");
    let (program, values) = run(|x| vec![function(x)], point);
    program.hvp(&values, &program.input_nodes(), direction).expect("the inputs are its own")
}

#[track_caller]
fn run<F>(function: F, point: &[f64]) -> (Program, Values)
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Vec<Expr<'g>>,
{
    let program = compile(function, point.len());
    let values = program.forward(point).expect("as many inputs as the point has numbers");
    (program, values)
}

#[track_caller]
fn compile<F>(function: F, inputs: usize) -> Program
where
    F: for<'g> FnOnce(&[Expr<'g>]) -> Vec<Expr<'g>>,
{
    let graph = Graph::new();
    let outputs = function(&graph.inputs("x", inputs));
    match graph.compile(&outputs) {
        Ok(program) => program,
        Err(error) => panic!("{error}"),
    }
}
