//! Expressions in text: [`Graph::parse`] reads them, `Display` and [`Expr::latex`] write them.
//!
//! ```text
//! text       = {assignment ";"} expression [";"]
//! assignment = NAME "=" expression
//! expression = term {("+" | "-") term}
//! term       = unary {("*" | "/") unary}
//! unary      = "-" unary | power
//! power      = atom ["^" unary]                     binds tighter than the minus before it, and to the right
//! atom       = NUMBER | NAME | NAME "(" [expression {"," expression}] ")" | "(" expression ")"
//! ```
//!
//! A name is made of letters, digits and `_`, with an index if there is one, `x[3]`; anything else is a name between
//! back quotes, as the paths of nodes are: `` `layer 1 / w[0]` ``. Every row of the table is called by its name, with
//! its parameters after its operands: `leaky_relu(x, 0.01)`. `x^2` is `square(x)`, `x^3` is `powi(x, 3)`, and
//! `x^y` is `pow(x, y)`. `pi`, `inf` and `nan` are numbers; a number with a minus before it is one too.
//!
//! This room knows nothing of programs.

mod bound;
mod error;
mod latex;
mod lex;
mod parse;
mod plan;
mod print;

pub use error::{Problem, TextError};

use crate::graph::{Expr, Graph};

impl Graph {
    /// Records the expression that a text writes, and returns its result.
    ///
    /// A name that was not assigned before is the node of this graph that has that path, or else a new input; inputs are
    /// made in the order in which they first appear. An assigned name names its node. Numbers are the nearest doubles.
    /// The grammar is that of the module's documentation in short: `name = expression;` as often as needed, then the
    /// result.
    ///
    /// Bytes are taken as well as text, so that the content of a file need not be checked before. Time and memory are
    /// proportional to the length and to the names that the graph has, and nesting may be as deep as memory allows.
    ///
    /// # Errors
    /// [`TextError`], which shows the place, and suggests the nearest name where a name is not known. The graph is then
    /// as it was.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let y = graph.parse("z = a*x + b;  x * sin(z)")?;
    /// assert_eq!(y.eval(&[("x", 2.0), ("a", 3.0), ("b", 1.0)])?, 2.0 * dagrad::elementary::sin(7.0));
    ///
    /// let error = graph.parse("x * sinn(x)").unwrap_err();
    /// assert_eq!(error.to_string(), "\
    /// no operation is called `sinn`; did you mean `sign`, `sin`, `sinh`?
    ///   1 | x * sinn(x)
    ///     |     ^^^^");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn parse(&self, text: impl AsRef<[u8]>) -> Result<Expr<'_>, TextError> {
        let text = lex::text(text.as_ref())?;
        parse::parse(text, &self.operations())?.build(self, text)
    }
}
