//! The rows of the table, a file per family, and nothing else.
//!
//! A row reads
//!
//! ```text
//! /// What it is, a sentence.
//! fixed Variant name[parameter: type = typical](operands) value {
//!     label:    what a drawing writes on the node,
//!     latex:    LaTeX with #1, #2, … for the operands, #p for the parameter and #*{…}{+} for all of a list,
//!     formula:  the value in plain text,
//!     value:    the value rule, over f64,
//!     partials: the derivative by each operand, over any `Scalar`, from operands and value,
//!     sample:   an interval to draw each operand from, inside the domain,
//!     kink:     what is taken where no derivative exists,
//!     remedy:   what is better where the value or a partial is not finite,
//!     near:     up to which size of the operand the value and the partials have these forms without branches;
//!               `value` where the value has none,
//! }
//! ```
//!
//! A `list` row takes any number of operands `(xs, out)` and writes its partials to `out`. The table is closed under
//! differentiation: a partial is written with rows whose own partials are accurate.

#[macro_use]
mod arithmetic;
#[macro_use]
mod powers;
#[macro_use]
mod exponential;
#[macro_use]
mod trigonometric;
#[macro_use]
mod hyperbolic;
#[macro_use]
mod probability;
#[macro_use]
mod activation;
#[macro_use]
mod choice;
#[macro_use]
mod list;
