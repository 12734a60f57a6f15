//! Drawings of views. A drawing is a function of a view alone; numbers reach it through a closure.

mod dot;
mod error;

pub use dot::Dot;
pub use error::RenderError;
