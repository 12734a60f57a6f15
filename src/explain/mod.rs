//! What went wrong, in words: numbers that are not finite, gradients that differences do not confirm; all by path.
//!
//! Nothing here runs unless it is asked: programs and their runs know nothing of it.

mod check;
mod non_finite;

use std::fmt::{Display, Formatter};

pub use check::{CheckedLeaf, GradientCheck, Verdict};
pub use non_finite::{Applied, NonFinite, Quantity};

/// A number, very large and very small ones with an exponent.
struct Short(f64);

impl Display for Short {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self(number) = *self;
        let plain = number == 0.0 || (1e-5..1e15).contains(&number.abs()) || !number.is_finite();
        if plain { write!(f, "{number}") } else { write!(f, "{number:e}") }
    }
}
