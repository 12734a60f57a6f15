//! Functions as graphs of scalar computations: write scalars, see every derivative.
//!
//! ```
#![doc = include_str!("../examples/quickstart.rs")]
//! ```
//!
//! # Which door
//!
//! | you have | use |
//! |---|---|
//! | one function, one point | [`gradient`], [`jacobian`], [`hessian`], [`jvp`], [`vjp`], [`hvp`] |
//! | a look at one number of a graph | [`Expr::eval`], [`Expr::depth`], [`Expr::path`] |
//! | a function to evaluate and differentiate often | [`Graph::compile`], [`Program::forward`], [`Program::reverse`] |
//! | derivatives as nodes, to any order | [`Expr::derive`], [`Expr::hessian`], [`Graph::jacobian`] |
//! | second derivatives as numbers | [`Program::hessian`], [`Program::hvp`]; [`Program::forward_with`] on [`Dual`] numbers |
//! | an expression in text | [`Graph::parse`], and `Display` of an [`Expr`] |
//! | doubt | [`Graph::check_gradient`], [`Graph::non_finite_value`] |
//! | a network | [`element`], [`train`] |
//!
//! # Build
//! A [`Graph`] records every operation on its [`Expr`]essions: operators, and a method for each row of the [table of
//! operations](Op). Leaves are [inputs](Graph::input), which vary from example to example, [parameters](Graph::parameter),
//! which are learned, and [constants](Graph::constant). Names and [groups](Graph::group) give every node a path,
//! `layer 1 / neuron 0 / w[3]`, by which errors name it and [`Graph::find`] finds it.
//!
//! # Run
//! A [`Program`] is the compiled form of some outputs. [`Program::forward`] gives [`Values`], which
//! [`Program::reverse`] needs: to differentiate before evaluating cannot be written. Both are indexed by expressions:
//! every node has a value and an adjoint. The `_into` forms reuse their buffers.
//!
//! # Conventions
//! Where no derivative exists, the row of the operation says which number is taken: ReLU and |x| take 0 at 0, ties of max
//! and min share equally. Outside a function's domain the value is not a number, as in IEEE arithmetic. In products of
//! adjoints and partials a zero absorbs, so that a branch that was not taken never spoils a derivative of any order.
//! Data can cause only errors, each of one [type per room](Error); a bug of the calling program, such as mixing
//! expressions of two graphs, panics at the line that has it.

pub mod elementary;
mod error;
#[macro_use]
mod op;
mod dual;
pub mod element;
mod explain;
mod graph;
pub mod model;
mod program;
mod render;
mod text;
pub mod train;
pub mod view;

pub use dual::Dual;
pub use error::Error;
pub use explain::{Applied, CheckedLeaf, GradientCheck, NonFinite, Quantity, Verdict};
pub use graph::{Expr, Graph, GraphError, Kind, NodeId, Operand};
pub use op::{Arity, Custom, Formula, Op, OpInfo, Scalar};
pub use program::{
    Gradients, Number, Pass, Program, ProgramError, Report, Values, Workspace, gradient, hessian, hvp, jacobian, jvp,
    vjp,
};
pub use render::{Dot, RenderError};
pub use text::{Problem, TextError};
pub use view::{ElementSet, Summary, View, ViewError};
