//! What speed is measured by: functions, each as a scalar graph and as derivatives written by hand.
//!
//! The opponents are as good as we can write them: *plain* is scalar code with one pass for the value and one for the
//! derivatives, `std`'s functions and several accumulators; *strong* uses vector functions or matrix products.

#![allow(
    clippy::disallowed_methods,
    clippy::needless_range_loop,
    clippy::similar_names,
    clippy::struct_field_names,
    clippy::too_many_lines,
    reason = "code written by hand has std's functions, and names and indices of the formulas"
)]

#[allow(dead_code, reason = "the table of speeds tells more of a Jacobian than a bench does")]
pub(crate) mod ba;
pub(crate) mod chain;
pub(crate) mod gmm;
pub(crate) mod irregular;
pub(crate) mod lstm;
pub(crate) mod microgpt;
pub(crate) mod mlp;
#[path = "../../examples/microgpt/model.rs"]
#[allow(dead_code, reason = "the example needs more of it")]
mod model;
pub(crate) mod rosenbrock;

use dagrad::{Expr, Graph};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

/// A scalar function at a point, with its derivatives written by hand.
pub(crate) trait Workload {
    /// What it is called in the tables.
    fn name(&self) -> String;

    /// Records the function: the variables are parameters in the order of `point`, the data inputs in that of `data`.
    fn record<'g>(&self, graph: &'g Graph) -> Expr<'g>;

    /// The variables.
    fn point(&self) -> &[f64];

    /// The data, `[input][lane]`.
    fn data(&self) -> &[f64];

    /// For how many examples the recorded function is run at once; the value is then the sum over them.
    fn lanes(&self) -> usize {
        1
    }

    /// The value and the gradient by plain scalar code.
    fn plain(&mut self, gradient: &mut [f64]) -> f64;

    /// The same by the best code that we can write by hand, if there is one beside `plain`.
    fn strong(&mut self, _gradient: &mut [f64]) -> Option<f64> {
        None
    }
}

/// Makes a workload from a seed.
pub(crate) type Make = fn(u64) -> Box<dyn Workload>;

/// Every workload.
pub(crate) fn all() -> Vec<Make> {
    vec![
        |seed| Box::new(mlp::Mlp::new(mlp::Form::Lanes, 1, seed)),
        |seed| Box::new(mlp::Mlp::new(mlp::Form::Lanes, 32, seed)),
        |seed| Box::new(mlp::Mlp::new(mlp::Form::Lanes, 256, seed)),
        |seed| Box::new(mlp::Mlp::new(mlp::Form::Written, 32, seed)),
        |seed| Box::new(gmm::Gmm::new(1000, 25, seed)),
        |seed| Box::new(lstm::Lstm::new(128, seed)),
        |seed| Box::new(ba::BundleAdjustment::new(49, 7776, 31_843, seed)),
        |seed| Box::new(rosenbrock::Rosenbrock::new(100_000, seed)),
        |seed| Box::new(chain::Chain::new(1_000_000, seed)),
        |seed| Box::new(microgpt::MicroGpt::new("helium", seed)),
        |seed| Box::new(irregular::Irregular::new(10_000, seed)),
        |seed| Box::new(irregular::Irregular::new(100_000, seed)),
    ]
}

/// The generator of a workload's numbers.
pub(crate) fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
