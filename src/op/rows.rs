//! The macros that read and write the table: the only ones in the crate.
//!
//! A family file hands its rows to [`family!`], which turns them into a macro that passes them on. `rows!` sends
//! a reader through all families; the reader sees every row at once. A new family is one more name in `rows!`.

/// Defines a macro `$name` that appends the rows to those of the families before it and calls the next one.
///
/// The caller supplies the token `$`, since a macro cannot write one for the macro that it defines.
macro_rules! family {
    ($d:tt $name:ident { $($rows:tt)* }) => {
        macro_rules! $name {
            ([$d next:ident $d($d queue:ident)*] $d($d done:tt)*) => {
                $d next! { [$d($d queue)*] $d($d done)* $($rows)* }
            };
        }
    };
}

/// Calls the macro `$reader` with every row of the table.
macro_rules! rows {
    ($reader:ident) => {
        arithmetic! { [powers exponential trigonometric hyperbolic probability activation choice list $reader] }
    };
}

/// Reads the rows into [`Op`](crate::Op), [`Scalar`](crate::Scalar) and the functions that apply them.
macro_rules! define_ops {
    ([] $(
        $(#[doc = $doc:literal])*
        $kind:ident $Variant:ident $name:ident $([$($p:ident: $pt:ty = $pd:expr),+])? ($($x:ident),+) $y:ident {
            label: $label:literal,
            latex: $latex:literal,
            formula: $formula:literal,
            value: $value:expr,
            partials: $partials:tt,
            sample: [$($sample:expr),+],
            $(kink: $kink:literal,)?
            $(remedy: $remedy:literal,)?
            $(near: $near:tt,)?
        }
    )*) => {
        /// A primitive operation: one row of the table, or one that a user made.
        ///
        /// `docs/ops.md` lists them with formula, derivative, the choice made where no derivative exists, and the
        /// accuracy reached.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $(
                $(#[doc = $doc])*
                #[doc = concat!("\n\n`", $formula, "`")]
                $(#[doc = concat!("\n\nWhere no derivative exists: ", $kink, ".")])?
                $Variant $({
                    $(
                        #[doc = concat!("The parameter `", stringify!($p), "` of the formula.")]
                        $p: $pt,
                    )+
                })?,
            )*
            /// An operation that a user made.
            Custom(&'static Custom),
        }

        impl Op {
            /// Every row, with typical parameters where it has any.
            pub const ALL: &[Op] = &[$(Op::$Variant $({ $($p: $pd),+ })?),*];

            /// The number of operands that the operation takes.
            ///
            /// ```
            /// assert_eq!(dagrad::Op::Mul.arity(), dagrad::Arity::Fixed(2));
            /// ```
            #[must_use]
            #[inline]
            pub const fn arity(self) -> Arity {
                match self {
                    $(Op::$Variant $({ $($p: _),+ })? => arity!($kind $($x)+),)*
                    Op::Custom(custom) => custom.arity(),
                }
            }

            /// What the row says of the operation apart from its rules.
            ///
            /// ```
            /// assert_eq!(dagrad::Op::Tanh.info().name, "tanh");
            /// ```
            #[must_use]
            pub const fn info(self) -> OpInfo {
                match self {
                    $(Op::$Variant $({ $($p: _),+ })? => OpInfo {
                        name: stringify!($name),
                        doc: concat!($($doc),*).trim_ascii(),
                        label: $label,
                        latex: $latex,
                        formula: $formula,
                        partials: stringify!($partials),
                        arity: arity!($kind $($x)+),
                        operands: operands!($kind $($x)+),
                        parameters: &[$($(stringify!($p)),+)?],
                        sample: &[$($sample),+],
                        kink: first_of!($($kink)?),
                        remedy: first_of!($($remedy)?),
                    },)*
                    Op::Custom(custom) => custom.info(),
                }
            }

            /// The parameters of the operation, in the order of the row.
            ///
            /// ```
            /// use dagrad::Op;
            /// assert_eq!(Op::Powi { exponent: 3 }.parameters().as_slice(), [3.0]);
            /// assert!(Op::Mul.parameters().is_empty());
            /// ```
            #[must_use]
            pub fn parameters(self) -> smallvec::SmallVec<[f64; 2]> {
                match self {
                    $(Op::$Variant $({ $($p),+ })? => smallvec::smallvec![$($(f64::from($p)),+)?],)*
                    Op::Custom(_) => smallvec::smallvec![],
                }
            }

            /// The same row with other parameters, unless their number or kind is not that of the row.
            ///
            /// ```
            /// use dagrad::Op;
            /// let cube = Op::Powi { exponent: 3 };
            /// assert_eq!(cube.with_parameters(&[-2.0]), Some(Op::Powi { exponent: -2 }));
            /// assert_eq!(cube.with_parameters(&[0.5]), None); // the exponent of this row is a whole number
            /// ```
            #[must_use]
            pub fn with_parameters(self, parameters: &[f64]) -> Option<Op> {
                match self {
                    $(Op::$Variant $({ $($p: _),+ })? => {
                        let &[$($($p),+)?] = parameters else { return None };
                        Some(Op::$Variant $({ $($p: parameter::Kind::read($p)?),+ })?)
                    })*
                    Op::Custom(_) => parameters.is_empty().then_some(self),
                }
            }

            /// The value at `operands`, by the row's value rule.
            ///
            /// # Panics
            /// When the operation does not take that many operands.
            ///
            /// ```
            /// assert_eq!(dagrad::Op::Mul.value(&[3.0, 4.0]), 12.0);
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn value(self, operands: &[f64]) -> f64 {
                match self {
                    $(Op::$Variant $({ $($p),+ })? => {
                        call_value!($kind $name self operands ($($x),+) [$($($p),+)?])
                    })*
                    Op::Custom(custom) => custom.value(operands),
                }
            }

            /// Writes the derivative with respect to each operand, given the operands and the value there.
            ///
            /// # Panics
            /// When the operation does not take that many operands, or `partials` is of another length.
            ///
            /// ```
            /// let mut partials = [0.0; 2];
            /// dagrad::Op::Mul.partials(&[3.0, 4.0], 12.0, &mut partials);
            /// assert_eq!(partials, [4.0, 3.0]);
            /// ```
            #[inline]
            #[track_caller]
            pub fn partials<S: Scalar>(self, operands: &[S], value: S, partials: &mut [S]) {
                match self {
                    $(Op::$Variant $({ $($p),+ })? => {
                        call_partials!($kind $name self operands value partials ($($x),+) [$($($p),+)?])
                    })*
                    Op::Custom(custom) => custom.partials(operands, value, partials),
                }
            }
        }

        /// A number to which every row of the table can be applied.
        ///
        /// Rules are written once, over this trait, and read with plain numbers, with [`Dual`](crate::Dual) numbers
        /// and with [`Expr`](crate::Expr)essions. There are no comparisons: a rule branches by [`less`](Scalar::less)
        /// and [`select`](Scalar::select). A constant is made from a number at hand, because a symbolic one needs
        /// its graph: write `x * 2.0`, or `x.constant(2.0)` where it must come first.
        ///
        /// ```
        /// use dagrad::{Dual, Scalar};
        ///
        /// fn logistic<S: Scalar>(x: S) -> S {
        ///     ((-x).exp() + 1.0).recip()
        /// }
        ///
        /// assert_eq!(logistic(0.0), 0.5);
        /// assert_eq!(logistic(Dual::variable(0.0)).tangent, 0.25);
        /// ```
        pub trait Scalar:
            Copy
            + std::fmt::Debug
            + std::ops::Neg<Output = Self>
            + std::ops::Add<Output = Self>
            + std::ops::Sub<Output = Self>
            + std::ops::Mul<Output = Self>
            + std::ops::Div<Output = Self>
            + std::ops::Add<f64, Output = Self>
            + std::ops::Sub<f64, Output = Self>
            + std::ops::Mul<f64, Output = Self>
            + std::ops::Div<f64, Output = Self>
        {
            /// The number `value`, of the same kind as `self`.
            #[must_use]
            fn constant(self, value: f64) -> Self;

            /// Applies one row of the table.
            ///
            /// # Panics
            /// When the operation does not take that many operands.
            #[must_use]
            #[track_caller]
            fn apply(op: Op, operands: &[Self]) -> Self;

            /// The greater of two numbers: [`Op::Max`] of two.
            #[must_use]
            #[inline]
            #[track_caller]
            fn max(self, other: Self) -> Self {
                Self::apply(Op::Max, &[self, other])
            }

            /// The lesser of two numbers: [`Op::Min`] of two.
            #[must_use]
            #[inline]
            #[track_caller]
            fn min(self, other: Self) -> Self {
                Self::apply(Op::Min, &[self, other])
            }

            /// Writes the softmax of some operands, e^(xᵢ − y), of which `self` is the log-sum-exp y: its partials.
            ///
            /// Plain numbers take the exponentials about the greatest operand, as the value does, times the reciprocal
            /// of their sum.
            ///
            /// ```
            /// use dagrad::{Op, Scalar};
            ///
            /// let x = [1.0, 2.0, 4.0];
            /// let mut shares = [0.0; 3];
            /// Op::LogSumExp.value(&x).softmax(&x, &mut shares);
            /// assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            /// assert!((shares[1] / shares[0] - 1f64.exp()).abs() < 1e-15);
            /// ```
            #[track_caller]
            fn softmax(self, operands: &[Self], out: &mut [Self]) {
                crate::op::list::each(operands, out, |x| (x - self).exp());
            }

            $(method! { $kind trait [$($doc)*] $Variant $name ($($x),+) [$($($p: $pt),+)?] })*
        }

        impl Scalar for f64 {
            #[inline]
            fn constant(self, value: f64) -> f64 {
                value
            }

            #[inline]
            #[track_caller]
            fn apply(op: Op, operands: &[f64]) -> f64 {
                op.value(operands)
            }

            fn softmax(self, operands: &[f64], out: &mut [f64]) {
                crate::op::list::softmax(operands, out);
            }

            $(method! { $kind f64 $name ($($x),+) [$($($p: $pt),+)?] })*
        }

        /// The value rules: a function of `f64`s for each row.
        pub(crate) mod value {
            use crate::{elementary, op::list};
            $(value_rule! { $kind $name ($($x),+) [$($($p: $pt),+)?] $value })*
        }

        /// The local partials: a generic function for each row.
        pub(crate) mod partial {
            use crate::op::{Scalar, list};
            $(partial_rule! { $kind $name ($($x),+) $y [$($($p: $pt),+)?] $partials })*
        }
    };
}

macro_rules! arity {
    (fixed $($x:ident)+) => {
        Arity::Fixed([$(stringify!($x)),+].len())
    };
    (list $($x:ident)+) => {
        Arity::Any
    };
}

macro_rules! operands {
    (fixed $($x:ident)+) => {
        &[$(stringify!($x)),+]
    };
    (list $xs:ident $out:ident) => {
        &["x"]
    };
}

macro_rules! first_of {
    () => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

macro_rules! value_rule {
    (fixed $name:ident ($($x:ident),+) [$($p:ident: $pt:ty),*] $value:expr) => {
        #[inline(always)]
        pub(crate) fn $name($($x: f64,)+ $($p: $pt),*) -> f64 {
            $value
        }
    };
    (list $name:ident ($xs:ident, $out:ident) [] $value:expr) => {
        pub(crate) fn $name($xs: &[f64]) -> f64 {
            $value
        }
    };
}

macro_rules! partial_rule {
    (fixed $name:ident ($($x:ident),+) $y:ident [$($p:ident: $pt:ty),*] $partials:tt) => {
        #[inline(always)]
        #[allow(unused_variables, reason = "few rules need both their operands and their value")]
        pub(crate) fn $name<S: Scalar>($($x: S,)+ $y: S, $($p: $pt),*) -> [S; [$(stringify!($x)),+].len()] {
            $partials
        }
    };
    (list $name:ident ($xs:ident, $out:ident) $y:ident [] $partials:tt) => {
        #[allow(unused_variables, reason = "few rules need both their operands and their value")]
        pub(crate) fn $name<S: Scalar>($xs: &[S], $y: S, $out: &mut [S]) {
            $partials
        }
    };
}

macro_rules! call_value {
    (fixed $name:ident $op:ident $operands:ident ($($x:ident),+) [$($p:ident),*]) => {{
        let &[$($x),+] = $operands else { wrong_arity($op, $operands.len()) };
        value::$name($($x,)+ $($p),*)
    }};
    (list $name:ident $op:ident $operands:ident ($($x:ident),+) []) => {
        value::$name($operands)
    };
}

macro_rules! call_partials {
    (fixed $name:ident $op:ident $operands:ident $value:ident $out:ident ($($x:ident),+) [$($p:ident),*]) => {{
        let &[$($x),+] = $operands else { wrong_arity($op, $operands.len()) };
        $out.copy_from_slice(&partial::$name($($x,)+ $value, $($p),*));
    }};
    (list $name:ident $op:ident $operands:ident $value:ident $out:ident ($($x:ident),+) []) => {
        partial::$name($operands, $value, $out)
    };
}

/// Writes the method of a fixed row: as a default of the trait, for `f64`, or inherent to `Expr`.
macro_rules! method {
    (fixed trait [$($doc:literal)*] $Variant:ident $name:ident ($x:ident $(, $rest:ident)*) [$($p:ident: $pt:ty),*]) => {
        $(#[doc = $doc])*
        #[must_use]
        #[inline]
        #[track_caller]
        fn $name(self, $($rest: Self,)* $($p: $pt),*) -> Self {
            #[allow(clippy::init_numbered_fields, reason = "a row without parameters has no braces to fill")]
            Self::apply(Op::$Variant { $($p),* }, &[self $(, $rest)*])
        }
    };
    (fixed f64 $name:ident ($x:ident $(, $rest:ident)*) [$($p:ident: $pt:ty),*]) => {
        #[inline(always)]
        fn $name(self, $($rest: f64,)* $($p: $pt),*) -> f64 {
            value::$name(self, $($rest,)* $($p),*)
        }
    };
    (fixed expr [$($doc:literal)*] $Variant:ident $name:ident ($x:ident $(, $rest:ident)*) [$($p:ident: $pt:ty),*]) => {
        $(#[doc = $doc])*
        #[must_use]
        #[track_caller]
        pub fn $name(self, $($rest: impl Operand<'g>,)* $($p: $pt),*) -> Self {
            self.graph().record(Op::$Variant { $($p),* }, &[self, $($rest.on(self.graph())),*])
        }
    };
    (list $($ignored:tt)*) => {};
}
