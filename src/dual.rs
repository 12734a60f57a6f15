//! Dual numbers: the table read forward.
//!
//! A dual number carries a value and a tangent, the derivative along one direction; applying a row to duals applies its
//! value rule and its partials. Duals nest: `Dual<Dual>` carries second derivatives. This room knows nothing of graphs.
//!
//! # Reference
//! Griewank and Walther (2008), Evaluating Derivatives, 2nd ed., SIAM, chapter 3, doi:10.1137/1.9780898717761.

use smallvec::SmallVec;

use crate::op::{Op, Scalar};

/// A value together with its derivative along one direction.
///
/// ```
/// use dagrad::{Dual, Scalar};
///
/// let x = Dual::variable(3.0);
/// let y = x * x + x.sin();
/// assert_eq!(y.value, 9.0 + 3f64.sin());
/// assert_eq!(y.tangent, 6.0 + 3f64.cos());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dual<S = f64> {
    /// The value, also called primal.
    pub value: S,
    /// The derivative of the value along the chosen direction.
    pub tangent: S,
}

impl<S: Scalar> Dual<S> {
    /// A number with a given tangent.
    #[must_use]
    pub const fn new(value: S, tangent: S) -> Self {
        Self { value, tangent }
    }

    /// The variable itself: its tangent is 1.
    #[must_use]
    pub fn variable(value: S) -> Self {
        Self { value, tangent: value.constant(1.0) }
    }
}

impl<S: Scalar> Scalar for Dual<S> {
    fn constant(self, value: f64) -> Self {
        Self { value: self.value.constant(value), tangent: self.value.constant(0.0) }
    }

    #[track_caller]
    fn apply(op: Op, operands: &[Self]) -> Self {
        let (value, partials) = linearised(op, operands.iter().map(|x| x.value));
        Self { value, tangent: along(operands.iter().map(|x| x.tangent), &partials, value) }
    }
}

impl<S: Scalar + From<f64>> From<f64> for Dual<S> {
    fn from(value: f64) -> Self {
        Self { value: S::from(value), tangent: S::from(0.0) }
    }
}

operators! { [S: Scalar] Dual<S> }

/// The value of an operation and its partials.
#[track_caller]
fn linearised<S: Scalar>(op: Op, operands: impl Iterator<Item = S>) -> (S, SmallVec<[S; 4]>) {
    let operands: SmallVec<[S; 4]> = operands.collect();
    let value = S::apply(op, &operands);
    let mut partials = SmallVec::from_elem(value, operands.len());
    op.partials(&operands, value, &mut partials);
    (value, partials)
}

/// The derivative along a direction; `like` is any number of the kind.
fn along<S: Scalar>(tangents: impl Iterator<Item = S>, partials: &[S], like: S) -> S {
    let shares = tangents.zip(partials).map(|(tangent, &partial)| tangent.chain(partial));
    shares.reduce(|a, b| a + b).unwrap_or_else(|| like.constant(0.0))
}

/// A value together with its derivatives along several directions: one application of a row, many tangents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Duals<const N: usize> {
    pub(crate) value: f64,
    pub(crate) tangents: [f64; N],
}

impl<const N: usize> Scalar for Duals<N> {
    fn constant(self, value: f64) -> Self {
        Self::from(value)
    }

    #[track_caller]
    fn apply(op: Op, operands: &[Self]) -> Self {
        let (value, partials) = linearised(op, operands.iter().map(|x| x.value));
        let tangent = |direction: usize| along(operands.iter().map(|x| x.tangents[direction]), &partials, value);
        Self { value, tangents: std::array::from_fn(tangent) }
    }
}

impl<const N: usize> From<f64> for Duals<N> {
    fn from(value: f64) -> Self {
        Self { value, tangents: [0.0; N] }
    }
}

operators! { [const N: usize] Duals<N> }
