//! Functions as graphs of scalar computations: write scalars, see every derivative.
mod elementary;
mod error;
#[macro_use]
mod op;
mod dual;
mod graph;
mod program;
mod view;
pub use dual::Dual;
pub use error::Error;
pub use graph::{Expr, Graph, GraphError, Kind, NodeId, Operand};
pub use op::{Arity, Op, OpInfo, Scalar};
pub use program::{Gradients, Number, Program, ProgramError, Values, gradient, jvp, vjp};
