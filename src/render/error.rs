//! What a drawing refuses.

use thiserror::Error;

/// What a drawing refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RenderError {
    /// Nobody can read so large a drawing.
    #[error(
        "a drawing of {elements} elements is too large to read, the limit is {most}: \
         draw groups as one with `ElementSet::groups`, or raise it with `Dot::at_most`"
    )]
    TooLarge {
        /// How many elements the view has.
        elements: usize,
        /// How many are drawn at most.
        most: usize,
    },
}
