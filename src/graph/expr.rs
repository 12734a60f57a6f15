//! Handles of nodes, with the operators and one method for every row of the table.

use super::{Graph, Kind, NodeId, NodeKey, group::Name};
use crate::op::{Op, Scalar};

/// A node of a graph, as a number to compute with.
///
/// It is a `Copy` handle of 16 bytes. Operators take an `Expr` or an `f64` on either side; every row of the table is a
/// method; each records one node.
///
/// # Panics
/// Operators and methods panic, at the line that calls them, when the operands belong to two graphs or one was removed:
/// only a bug in the calling program can cause that.
///
/// ```
/// let graph = dagrad::Graph::new();
/// let x = graph.input("x");
/// let y = 1.0 - 2.0 * x.sin() / (x + 3.0);
/// assert_eq!(y.eval(&[("x", 0.0)])?, 1.0);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Expr<'g> {
    graph: &'g Graph,
    key: NodeKey,
}

/// What can stand beside an [`Expr`] in an operation: another one, or a number.
pub trait Operand<'g>: Copy {
    /// This operand as a node of `graph`.
    fn on(self, graph: &'g Graph) -> Expr<'g>;
}

impl<'g> Operand<'g> for Expr<'g> {
    fn on(self, _: &'g Graph) -> Expr<'g> {
        self
    }
}

impl<'g> Operand<'g> for f64 {
    fn on(self, graph: &'g Graph) -> Expr<'g> {
        graph.constant(self)
    }
}

impl<'g> Expr<'g> {
    pub(super) fn new(graph: &'g Graph, key: NodeKey) -> Self {
        Self { graph, key }
    }

    /// The graph that the node belongs to.
    #[must_use]
    pub fn graph(self) -> &'g Graph {
        self.graph
    }

    pub(crate) fn key(self) -> NodeKey {
        self.key
    }

    /// The identity of the node, which borrows nothing.
    #[must_use]
    pub fn id(self) -> NodeId {
        NodeId { graph: self.graph.id, key: self.key }
    }

    /// Names the node, in the group in which it was made; a second name replaces the first.
    ///
    /// # Panics
    /// When the node was removed.
    #[must_use = "the named node is returned"]
    #[track_caller]
    pub fn named(self, name: &str) -> Self {
        self.assert_present();
        self.graph.labels.borrow_mut().name(self.key, Name::new(name));
        self
    }

    /// The name of the node, if it was given one.
    #[must_use]
    pub fn name(self) -> Option<String> {
        self.graph.labels.borrow().name_of(self.key).map(ToString::to_string)
    }

    /// The path of the node: its groups from the outside in, and its name or its operation and number.
    ///
    /// # Panics
    /// When the node was removed.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// assert_eq!(x.sin().path(), "sin #1");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn path(self) -> String {
        self.assert_present();
        self.graph.path_of(self.key)
    }

    /// What the node is.
    ///
    /// # Panics
    /// When the node was removed.
    #[must_use]
    #[track_caller]
    pub fn kind(self) -> Kind {
        self.assert_present();
        self.graph.arena.borrow().kind(self.key)
    }

    /// The operands, in order.
    ///
    /// # Panics
    /// When the node was removed.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// assert_eq!((x * x).operands().as_slice(), [x, x]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn operands(self) -> smallvec::SmallVec<[Expr<'g>; 2]> {
        self.assert_present();
        self.graph.arena.borrow().operands(self.key).iter().map(|&key| Self { key, ..self }).collect()
    }

    /// The greater of two numbers; where they tie, each takes half of the derivative.
    #[must_use]
    #[track_caller]
    pub fn max(self, other: impl Operand<'g>) -> Self {
        self.graph.record(Op::Max, &[self, other.on(self.graph)])
    }

    /// The lesser of two numbers; where they tie, each takes half of the derivative.
    #[must_use]
    #[track_caller]
    pub fn min(self, other: impl Operand<'g>) -> Self {
        self.graph.record(Op::Min, &[self, other.on(self.graph)])
    }

    #[track_caller]
    fn assert_present(self) {
        assert!(self.graph.arena.borrow().contains(self.key), "the node was removed from its graph");
    }
}

macro_rules! methods {
    ([] $(
        $(#[doc = $doc:literal])*
        $kind:ident $Variant:ident $name:ident $([$($p:ident: $pt:ty = $pd:expr),+])? ($($x:ident),+) $y:ident {
            $($fields:tt)*
        }
    )*) => {
        /// One method for every row of the table that has a fixed number of operands.
        impl<'g> Expr<'g> {
            $(method! { $kind expr [$($doc)*] $Variant $name ($($x),+) [$($($p: $pt),+)?] })*
        }
    };
}

#[expect(clippy::should_implement_trait, reason = "the operators are implemented too; every row has its method")]
mod rows {
    use super::{Expr, Op, Operand};
    rows!(methods);
}

impl Scalar for Expr<'_> {
    fn constant(self, value: f64) -> Self {
        self.graph.constant(value)
    }

    #[track_caller]
    fn apply(op: Op, operands: &[Self]) -> Self {
        let first = operands.first().expect("an empty list of expressions has no graph: use the methods of `Graph`");
        first.graph.record(op, operands)
    }
}

impl PartialEq for Expr<'_> {
    /// Whether both are the same node.
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Expr<'_> {}

impl std::fmt::Debug for Expr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let present = self.graph.arena.borrow().contains(self.key);
        let path = if present { self.graph.path_of(self.key) } else { "removed".into() };
        f.debug_tuple("Expr").field(&path).finish()
    }
}

impl From<Expr<'_>> for NodeId {
    fn from(expr: Expr<'_>) -> Self {
        expr.id()
    }
}

operators! { ['g] Expr<'g> }

/// Writes a binary operator for a number on the left of an expression.
macro_rules! from_the_right {
    ($($Trait:ident $method:ident)*) => {$(
        impl<'g> std::ops::$Trait<Expr<'g>> for f64 {
            type Output = Expr<'g>;

            #[track_caller]
            fn $method(self, other: Expr<'g>) -> Expr<'g> {
                other.graph.record(Op::$Trait, &[other.graph.constant(self), other])
            }
        }
    )*};
}

from_the_right!(Add add Sub sub Mul mul Div div);

impl<'g> std::iter::Sum for Expr<'g> {
    /// Adds the terms from left to right.
    ///
    /// # Panics
    /// When there is no term, since then there is no graph either: use [`Graph::sum`].
    #[track_caller]
    fn sum<I: Iterator<Item = Expr<'g>>>(terms: I) -> Self {
        terms.reduce(|a, b| a + b).expect("a sum of no expressions has no graph: use `Graph::sum`")
    }
}

/// Writes the assigning form of an operator, for expressions and numbers on the right.
macro_rules! assigning {
    ($($Trait:ident $method:ident $operator:tt)*) => { $(
        impl<'g, O: Operand<'g>> std::ops::$Trait<O> for Expr<'g> {
            #[track_caller]
            fn $method(&mut self, other: O) {
                *self = *self $operator other.on(self.graph());
            }
        }
    )* };
}

assigning! { AddAssign add_assign + SubAssign sub_assign - MulAssign mul_assign * DivAssign div_assign / }
