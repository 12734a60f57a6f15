//! One error for the whole crate, for a `main` that uses several rooms.

use thiserror::Error;

use crate::graph::GraphError;
use crate::program::ProgramError;
use crate::render::RenderError;
use crate::text::TextError;
use crate::train::DataError;
use crate::view::ViewError;

/// Any error of the crate; every room's error converts into it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A path, a name or a shape of a graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A program or its run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A view of a graph.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A drawing.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// An expression in text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A table of data.
    #[error(transparent)]
    Data(#[from] DataError),
}
