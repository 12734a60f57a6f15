//! Loops over lanes, in the widest instruction set that the processor has.
//!
//! A *row* is one number of the program in each of `lanes` examples; a buffer of rows is a slice in which row `r` is
//! `buffer[r * lanes..(r + 1) * lanes]`. The count of lanes is a multiple of 8 from 8 to 512. This room knows slices,
//! [`Op`](crate::Op) and nothing else: neither graphs nor programs, and no formula of any operation.
//!
//! * [`map`]: operations of one, two or three operands, element by element, by the rules of the table;
//! * [`list`]: maxima, products and the like of many rows;
//! * [`softmax`]: log-sum-exps of lists of numbers, for a single run of a program;
//! * [`linear`]: sums of products of rows and uniform numbers, and matrix products;
//! * [`chain`]: sums that go on from each other;
//! * [`nest`]: sums of products over any nest of loops, for a single run of a program;
//! * [`places`]: single numbers at any places, gathered, added to, and summed as products;
//! * [`script`]: short sums and maps as lines that run one after the other;
//! * [`outer`]: outer products summed over lanes, the adjoints of a matrix of uniform numbers;
//! * [`turn`]: tables of examples as rows of lanes;
//! * [`reduce`]: what the lanes add up to, where the adjoint of a uniform number is wanted.
//!
//! Every function here is safe to call: it checks its slices, and each index of a list as it reads it. The results
//! are a function of the operands, the lanes and the instruction set; threads have no part in them.
//!
//! # What makes the unsafe code sound
//! 1. A token of an instruction set (see [`isa`]) exists only on a processor that has it.
//! 2. A pointer to a row is made by [`Rows::row`] alone, which checks the row and points at `lanes` numbers; a kernel
//!    never goes beyond them. A matrix is checked by its corners before the first pointer is made.
//! 3. A script knows how far its lines reach, and checks that before it runs them.
//! 4. A pool of places knows how far these reach, and checks that for each list.
#![expect(unsafe_code, reason = "the only room with vector registers and unchecked reads")]
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the instruction set")]
#![expect(clippy::needless_range_loop, reason = "registers are arrays that go by number, side by side")]

pub(crate) mod chain;
pub(crate) mod isa;
pub(crate) mod linear;
pub(crate) mod list;
pub(crate) mod map;
pub(crate) mod nest;
pub(crate) mod outer;
pub(crate) mod places;
pub(crate) mod reduce;
mod room;
mod rows;
pub(crate) mod script;
pub(crate) mod softmax;
#[cfg(test)]
mod tests;
pub(crate) mod turn;
mod vector;

pub(crate) use isa::Isa;
pub(crate) use rows::MOST_LANES;
use rows::{Rows, RowsMut, check_lanes};

/// What the product of zero and a number that is not finite is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Zero {
    /// Not a number, as in IEEE 754: for values.
    #[default]
    Multiplies,
    /// Zero, as in [`Op::Chain`](crate::Op::Chain): for adjoints, and for values that are derivatives.
    Absorbs,
}
