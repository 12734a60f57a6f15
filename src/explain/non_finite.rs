//! The first number of a run that is not finite, by its path.

use std::fmt::{Display, Formatter};

use super::Short;
use crate::graph::{Expr, Graph, GraphError, Kind};
use crate::program::{Gradients, Values};

/// A number of a run that is infinite or not a number, and the operation that made it so.
///
/// [`Display`] writes it as sentences, with the operands and what is better where this happens.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NonFinite {
    /// The path of the node.
    pub path: String,
    /// Which of its two numbers is wrong.
    pub quantity: Quantity,
    /// The number.
    pub number: f64,
    /// The operation that made it so; nothing for the value of a leaf and for a seed.
    pub by: Option<Applied>,
}

/// One of the numbers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The value, from the forward pass.
    Value,
    /// The adjoint, from the reverse pass.
    Adjoint,
}

/// An operation in a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// The name of the operation.
    pub operation: &'static str,
    /// The path of its node.
    pub path: String,
    /// Its operands with their values, by path.
    pub operands: Vec<(String, f64)>,
    /// What is better where this happens, if the row of the operation says it.
    pub remedy: Option<&'static str>,
}

impl Graph {
    /// The first node, in order of evaluation, whose value is infinite or not a number.
    ///
    /// # Errors
    /// [`GraphError::ForeignNode`] for values of another graph's program, [`GraphError::RemovedNode`] when the node was
    /// removed since.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// let y = graph.group("likelihood", || (1.0 + x.exp()).ln());
    /// let values = graph.compile(&[y])?.forward(&[800.0])?;
    /// let found = graph.non_finite_value(&values)?.expect("e⁸⁰⁰ is more than a number can be");
    /// assert!(found.to_string().starts_with("the value of `likelihood / exp #1` is inf: exp of `x` = 800\n"), "{found}");
    /// assert!(found.to_string().contains("softplus for ln(1 + eˣ)"), "{found}");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn non_finite_value(&self, values: &Values) -> Result<Option<NonFinite>, GraphError> {
        let Some(node) = values.first_non_finite() else { return Ok(None) };
        let expr = self.expr(node)?;
        let by = applied(expr, values);
        Ok(Some(NonFinite { path: expr.path(), quantity: Quantity::Value, number: values[node], by }))
    }

    /// The first node, in the order of the reverse pass, whose adjoint is infinite or not a number.
    ///
    /// The operation that is named is the one that uses the node and passed the adjoint on. Looking for it takes time
    /// proportional to the size of the graph.
    ///
    /// # Errors
    /// As those of [`non_finite_value`](Graph::non_finite_value).
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.parameter("x", 0.0);
    /// let program = graph.compile(&[x.sqrt().named("root")])?;
    /// let values = program.forward(&[])?;
    /// let found = graph.non_finite_adjoint(&values, &program.reverse(&values))?.expect("the slope at 0 is infinite");
    /// assert!(found.to_string().starts_with("the adjoint of `x` is inf: `root`, sqrt of `x` = 0\n"), "{found}");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn non_finite_adjoint(&self, values: &Values, gradients: &Gradients) -> Result<Option<NonFinite>, GraphError> {
        let Some(node) = gradients.first_non_finite() else { return Ok(None) };
        let expr = self.expr(node)?;
        let users = self.arena().keys().into_iter().map(|key| self.handle(key));
        let by = users
            .filter(|user| values.get(*user).is_ok() && user.operands().contains(&expr))
            .find(|&user| passes_on(user, values))
            .and_then(|user| applied(user, values));
        Ok(Some(NonFinite { path: expr.path(), quantity: Quantity::Adjoint, number: gradients[node], by }))
    }
}

fn applied(expr: Expr<'_>, values: &Values) -> Option<Applied> {
    let Kind::Apply(op) = expr.kind() else { return None };
    let operands = expr.operands().iter().map(|&operand| (operand.path(), values[operand])).collect();
    Some(Applied { operation: op.info().name, path: expr.path(), operands, remedy: op.info().remedy })
}

/// Whether a partial of an operation is not finite.
fn passes_on(expr: Expr<'_>, values: &Values) -> bool {
    let Kind::Apply(op) = expr.kind() else { return false };
    let operands: Vec<f64> = expr.operands().iter().map(|&operand| values[operand]).collect();
    let mut partials = vec![0.0; operands.len()];
    op.partials(&operands, values[expr], &mut partials);
    partials.iter().any(|partial: &f64| !partial.is_finite())
}

impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Value => "value",
            Self::Adjoint => "adjoint",
        })
    }
}

impl Display for NonFinite {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 6;
        write!(f, "the {} of `{}` is {}", self.quantity, self.path, self.number)?;
        let Some(by) = &self.by else {
            return f.write_str(match self.quantity {
                Quantity::Value => ": it was given so",
                Quantity::Adjoint => ": the seed or the adjoints of its users are too great",
            });
        };
        f.write_str(": ")?;
        if by.path != self.path {
            write!(f, "`{}`, ", by.path)?;
        }
        let operands = by.operands.iter().take(SHOWN).map(|(path, value)| format!("`{path}` = {}", Short(*value)));
        write!(f, "{} of {}", by.operation, operands.collect::<Vec<_>>().join(", "))?;
        if by.operands.len() > SHOWN {
            write!(f, " and {} more", by.operands.len() - SHOWN)?;
        }
        by.remedy.map_or(Ok(()), |remedy| write!(f, "\n{} {remedy}", by.operation))
    }
}
