//! The operators of a number, all by the rows of the same names.

/// Gives a [`Scalar`](crate::Scalar) type its operators: negation, and `+ - * /` with another number or an `f64` on the
/// right. The generic parameters of the type stand in brackets before it.
macro_rules! operators {
    ($generics:tt $Number:ty) => {
        operators! { @ Neg neg $generics $Number }
        operators! { @ Add add $generics $Number }
        operators! { @ Sub sub $generics $Number }
        operators! { @ Mul mul $generics $Number }
        operators! { @ Div div $generics $Number }
    };
    (@ Neg neg [$($generics:tt)*] $Number:ty) => {
        impl<$($generics)*> std::ops::Neg for $Number {
            type Output = Self;

            #[track_caller]
            fn neg(self) -> Self {
                <Self as crate::op::Scalar>::apply(crate::op::Op::Neg, &[self])
            }
        }
    };
    (@ $Trait:ident $method:ident [$($generics:tt)*] $Number:ty) => {
        impl<$($generics)*> std::ops::$Trait for $Number {
            type Output = Self;

            #[track_caller]
            fn $method(self, other: Self) -> Self {
                <Self as crate::op::Scalar>::apply(crate::op::Op::$Trait, &[self, other])
            }
        }

        impl<$($generics)*> std::ops::$Trait<f64> for $Number {
            type Output = Self;

            #[track_caller]
            fn $method(self, other: f64) -> Self {
                let other = crate::op::Scalar::constant(self, other);
                <Self as crate::op::Scalar>::apply(crate::op::Op::$Trait, &[self, other])
            }
        }
    };
}
