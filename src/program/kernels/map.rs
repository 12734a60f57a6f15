//! Operations element by element, by the rules of their rows.
//!
//! The rules are written over `f64`, without branches, and inlined into loops over slices; the compiler turns these
//! into vector code for each instruction set. Since it may not contract a product and a sum, every instruction set
//! gives the bits of [`Op::value`].

use super::isa::{Isa, Kernel};
use super::linear::Mode;
use super::script::{self, Function};
use super::vector::{Numbers, Simd};
use crate::op::{Op, Scalar as _, partial, value};

/// A row with a fixed number of operands.
pub(super) trait Rule<const N: usize>: Copy {
    /// The rule of an operation, which is of this row.
    fn of(op: Op) -> Self;

    /// The value rule.
    fn value(self, operands: [f64; N]) -> f64;

    /// The partials rule.
    fn partials(self, operands: [f64; N], value: f64) -> [f64; N];

    /// The size up to which `near_value` holds, if `value` has branches.
    const NEAR_VALUE: Option<f64> = None;

    /// The size up to which `near_partials` holds, if `partials` has branches.
    const NEAR_PARTIALS: Option<f64> = None;

    /// Whether `near_partials` are made of the value alone.
    const NEAR_BY_VALUE: bool = false;

    /// The partial of near operands, register by register, if it is made of the value alone.
    #[inline(always)]
    fn near_by_value<S: Simd>(self, value: Numbers<S>) -> Numbers<S> {
        value
    }

    /// The value of a near operand, without branches.
    #[inline(always)]
    fn near_value(self, operands: [f64; N]) -> f64 {
        self.value(operands)
    }

    /// The partials of a near operand, without branches.
    #[inline(always)]
    fn near_partials(self, operands: [f64; N], value: f64) -> [f64; N] {
        self.partials(operands, value)
    }
}

/// Reads the rows into [`forward`] and [`reverse`].
macro_rules! define_maps {
    ([] $(
        $(#[doc = $doc:literal])*
        $kind:ident $Variant:ident $name:ident $([$($p:ident: $pt:ty = $pd:expr),+])? ($($x:ident),+) $y:ident {
            $($body:tt)*
        }
    )*) => {
        /// The rows as types, so that a loop is compiled for each.
        mod rules {
            use crate::elementary;

            $(rule! { $kind $Variant $name ($($x),+) $y [$($($p: $pt),+)?] $($body)* })*
        }

        /// Writes the value of an operation at each place of its operands.
        ///
        /// # Panics
        /// When the operation takes another number of operands, or the slices are not equally long.
        pub(crate) fn forward(isa: Isa, op: Op, operands: &[&[f64]], out: &mut [f64]) {
            match op {
                $(Op::$Variant $({ $($p),+ })? => {
                    apply!(forward $kind $Variant ($($x),+) [$($($p),+)?] isa op operands out)
                })*
                Op::Custom(_) => wrong_kind(op),
            }
        }

        /// Writes what an operation adds to the adjoint of one of its operands: the product of `adjoint` and of the
        /// local partial, in which a zero absorbs.
        ///
        /// `place` says which operand, `value` is what [`forward`] wrote.
        ///
        /// # Panics
        /// When the operation takes another number of operands, or the slices are not equally long.
        pub(crate) fn reverse(
            isa: Isa,
            op: Op,
            place: usize,
            operands: &[&[f64]],
            value: &[f64],
            adjoint: &[f64],
            contribution: &mut [f64],
        ) {
            match op {
                $(Op::$Variant $({ $($p),+ })? => {
                    apply!(
                        reverse $kind $Variant ($($x),+) [$($($p),+)?]
                        isa op place operands value adjoint contribution
                    )
                })*
                Op::Custom(_) => wrong_kind(op),
            }
        }

        /// [`forward`] as a line of a script, if the operation has a fixed number of operands; the bits of `numbers` say
        /// which of several are one number each.
        pub(super) fn forward_line(isa: Isa, op: Op, numbers: u8) -> Option<Function> {
            match op {
                $(Op::$Variant { .. } => line!(forward $kind $Variant ($($x),+) isa numbers),)*
                Op::Custom(_) => None,
            }
        }

        /// [`reverse`] as a line of a script, which stores or adds.
        pub(super) fn reverse_line(isa: Isa, op: Op, place: usize, mode: Mode, numbers: u8) -> Option<Function> {
            match op {
                $(Op::$Variant { .. } => line!(reverse $kind $Variant ($($x),+) isa place mode numbers),)*
                Op::Custom(_) => None,
            }
        }
    };
}

/// The function of a row, forward or reverse for each place.
macro_rules! line {
    (forward fixed $Variant:ident ($a:ident) $isa:ident $numbers:ident) => {
        line! { @ $numbers [0] N => $isa.function::<script::Forward<rules::$Variant, 1, N>>() }
    };
    (forward fixed $Variant:ident ($a:ident, $b:ident) $isa:ident $numbers:ident) => {
        line! { @ $numbers [0 1 2] N => $isa.function::<script::Forward<rules::$Variant, 2, N>>() }
    };
    (forward fixed $Variant:ident ($a:ident, $b:ident, $c:ident) $isa:ident $numbers:ident) => {
        line! { @ $numbers [0 1 2 3 4 5 6] N => $isa.function::<script::Forward<rules::$Variant, 3, N>>() }
    };
    (reverse fixed $Variant:ident ($a:ident) $isa:ident $place:ident $mode:ident $numbers:ident) => {
        line! { @ $numbers [0] N => match $place {
            0 => reverse_function::<rules::$Variant, 1, 0, N>($isa, $mode),
            _ => wrong_place($place),
        } }
    };
    (reverse fixed $Variant:ident ($a:ident, $b:ident) $isa:ident $place:ident $mode:ident $numbers:ident) => {
        line! { @ $numbers [0 1 2] N => match $place {
            0 => reverse_function::<rules::$Variant, 2, 0, N>($isa, $mode),
            1 => reverse_function::<rules::$Variant, 2, 1, N>($isa, $mode),
            _ => wrong_place($place),
        } }
    };
    (reverse fixed $Variant:ident ($a:ident, $b:ident, $c:ident) $isa:ident $place:ident $mode:ident $numbers:ident) => {
        line! { @ $numbers [0 1 2 3 4 5 6] N => match $place {
            0 => reverse_function::<rules::$Variant, 3, 0, N>($isa, $mode),
            1 => reverse_function::<rules::$Variant, 3, 1, N>($isa, $mode),
            2 => reverse_function::<rules::$Variant, 3, 2, N>($isa, $mode),
            _ => wrong_place($place),
        } }
    };
    (@ $numbers:ident [$($mask:literal)+] $N:ident => $function:expr) => {
        match $numbers {
            $($mask => Some({
                const $N: u8 = $mask;
                $function
            }),)+
            _ => None,
        }
    };
    ($direction:ident list $($ignored:tt)*) => {
        None
    };
}

fn reverse_function<R: Rule<N>, const N: usize, const PLACE: usize, const NUMBERS: u8>(
    isa: Isa,
    mode: Mode,
) -> Function {
    match mode {
        Mode::Store => isa.function::<script::Reverse<R, N, PLACE, NUMBERS, false>>(),
        Mode::Add => isa.function::<script::Reverse<R, N, PLACE, NUMBERS, true>>(),
    }
}

/// Writes a row with a fixed number of operands as a type.
macro_rules! rule {
    (
        fixed $Variant:ident $name:ident ($x:ident) $y:ident []
        label: $label:literal, latex: $latex:literal, formula: $formula:literal,
        value: $value:expr, partials: $partials:tt, sample: $sample:tt,
        near: ($limit:expr, value, [$near_partial:expr]),
    ) => {
        rule! { @ $Variant $name ($x) [] {
            const NEAR_BY_VALUE: bool = true;

            #[inline(always)]
            fn near_by_value<S: super::Simd>(self, $y: super::Numbers<S>) -> super::Numbers<S> {
                $near_partial
            }

            rule! { near_partials $limit, $x $y [$near_partial] }
        } }
    };
    (
        fixed $Variant:ident $name:ident ($x:ident) $y:ident []
        label: $label:literal, latex: $latex:literal, formula: $formula:literal,
        value: $value:expr, partials: $partials:tt, sample: $sample:tt,
        near: ($limit:expr, $near_value:expr, $near_partials:expr),
    ) => {
        rule! { @ $Variant $name ($x) [] {
            const NEAR_VALUE: Option<f64> = Some($limit);

            #[inline(always)]
            fn near_value(self, [$x]: [f64; 1]) -> f64 {
                $near_value
            }

            rule! { near_partials $limit, $x $y $near_partials }
        } }
    };
    (near_partials $limit:expr, $x:ident $y:ident $near_partials:expr) => {
        const NEAR_PARTIALS: Option<f64> = Some($limit);

        #[inline(always)]
        #[allow(unused_variables, reason = "a rule needs its operand or its value")]
        fn near_partials(self, [$x]: [f64; 1], $y: f64) -> [f64; 1] {
            $near_partials
        }
    };
    (fixed $Variant:ident $name:ident $xs:tt $y:ident $ps:tt $($body:tt)*) => {
        rule! { @ $Variant $name $xs $ps {} }
    };
    (@ $Variant:ident $name:ident ($($x:ident),+) [$($p:ident: $pt:ty),*] { $($near:tt)* }) => {
        #[derive(Clone, Copy)]
        pub(super) struct $Variant { $(pub(super) $p: $pt),* }

        impl super::Rule<{ [$(stringify!($x)),+].len() }> for $Variant {
            #[inline(always)]
            fn of(op: super::Op) -> Self {
                match op {
                    super::Op::$Variant { $($p),* } => Self { $($p),* },
                    _ => super::wrong_kind(op),
                }
            }

            #[inline(always)]
            fn value(self, [$($x),+]: [f64; { [$(stringify!($x)),+].len() }]) -> f64 {
                super::value::$name($($x,)+ $(self.$p),*)
            }

            #[inline(always)]
            fn partials(
                self,
                [$($x),+]: [f64; { [$(stringify!($x)),+].len() }],
                value: f64,
            ) -> [f64; { [$(stringify!($x)),+].len() }] {
                super::partial::$name($($x,)+ value, $(self.$p),*)
            }

            $($near)*
        }
    };
    (list $($ignored:tt)*) => {};
}

/// Runs the loop of a row: forward, or reverse for each place.
macro_rules! apply {
    (forward fixed $Variant:ident ($($x:ident),+) [$($p:ident),*] $isa:ident $op:ident $operands:ident $out:ident) => {{
        let &[$($x),+] = $operands else { wrong_operands($op, $operands.len()) };
        $isa.run(Forward { rule: rules::$Variant { $($p),* }, operands: [$($x),+], out: $out })
    }};
    (
        reverse fixed $Variant:ident ($($x:ident),+) [$($p:ident),*]
        $isa:ident $op:ident $place:ident $operands:ident $value:ident $adjoint:ident $out:ident
    ) => {{
        let &[$($x),+] = $operands else { wrong_operands($op, $operands.len()) };
        let arguments = Arguments {
            rule: rules::$Variant { $($p),* },
            operands: [$($x),+],
            value: $value,
            adjoint: $adjoint,
            out: $out,
        };
        places!($isa $place arguments ($($x),+))
    }};
    (forward list $Variant:ident ($($x:ident),+) [] $isa:ident $op:ident $($ignored:ident)+) => {
        wrong_kind($op)
    };
    (reverse list $Variant:ident ($($x:ident),+) [] $isa:ident $op:ident $($ignored:ident)+) => {
        wrong_kind($op)
    };
}

/// Calls the loop of one place.
macro_rules! places {
    ($isa:ident $place:ident $arguments:ident ($a:ident)) => {
        match $place {
            0 => $isa.run(Reverse::<_, 1, 0>($arguments)),
            _ => wrong_place($place),
        }
    };
    ($isa:ident $place:ident $arguments:ident ($a:ident, $b:ident)) => {
        match $place {
            0 => $isa.run(Reverse::<_, 2, 0>($arguments)),
            1 => $isa.run(Reverse::<_, 2, 1>($arguments)),
            _ => wrong_place($place),
        }
    };
    ($isa:ident $place:ident $arguments:ident ($a:ident, $b:ident, $c:ident)) => {
        match $place {
            0 => $isa.run(Reverse::<_, 3, 0>($arguments)),
            1 => $isa.run(Reverse::<_, 3, 1>($arguments)),
            2 => $isa.run(Reverse::<_, 3, 2>($arguments)),
            _ => wrong_place($place),
        }
    };
}

rows!(define_maps);

/// Adds one slice to another, element by element.
///
/// # Panics
/// When the slices are not equally long.
pub(crate) fn accumulate(isa: Isa, terms: &[f64], out: &mut [f64]) {
    isa.run(Accumulate { terms, out });
}

/// The loop of [`forward`].
struct Forward<'a, R, const N: usize> {
    rule: R,
    operands: [&'a [f64]; N],
    out: &'a mut [f64],
}

impl<R: Rule<N>, const N: usize> Kernel for Forward<'_, R, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        forward_loop::<R, N, 0>(self.rule, self.operands, self.out.len(), self.out);
    }
}

// `out` is an argument of its own, so that the compiler knows that it overlaps with nothing. What stands beyond the first
// `used` numbers fills registers and may be anything. An operand whose bit is in `NUMBERS` is one number: what a rule makes
// of it alone is computed once.
#[inline(always)]
pub(super) fn forward_loop<R: Rule<N>, const N: usize, const NUMBERS: u8>(
    rule: R,
    operands: [&[f64]; N],
    used: usize,
    out: &mut [f64],
) {
    check_operands::<N, NUMBERS>(operands, out.len());
    let span = span(R::NEAR_VALUE);
    for first in (0..out.len()).step_by(span) {
        let len = span.min(out.len() - first);
        let operands = some::<N, NUMBERS>(operands, first, len);
        let out = &mut out[first..][..len];
        if all_near(operands, used.saturating_sub(first), R::NEAR_VALUE) {
            for (i, out) in out.iter_mut().enumerate() {
                // SAFETY: all slices are as long as `out`.
                *out = rule.near_value(unsafe { at::<N, NUMBERS>(&operands, i) });
            }
        } else {
            for (i, out) in out.iter_mut().enumerate() {
                // SAFETY: as above.
                *out = rule.value(unsafe { at::<N, NUMBERS>(&operands, i) });
            }
        }
    }
}

/// Whether an operand is one number.
#[inline(always)]
pub(super) const fn is_number(numbers: u8, n: usize) -> bool {
    numbers >> n & 1 == 1
}

#[inline(always)]
fn check_operands<const N: usize, const NUMBERS: u8>(operands: [&[f64]; N], len: usize) {
    for (n, operand) in operands.iter().enumerate() {
        let want = if is_number(NUMBERS, n) { 1 } else { len };
        assert_eq!(operand.len(), want, "an operand and the result are not equally long");
    }
}

/// Some of the numbers of each operand.
#[inline(always)]
fn some<const N: usize, const NUMBERS: u8>(mut operands: [&[f64]; N], first: usize, len: usize) -> [&[f64]; N] {
    for (n, operand) in operands.iter_mut().enumerate() {
        if !is_number(NUMBERS, n) {
            *operand = &operand[first..][..len];
        }
    }
    operands
}

/// How many numbers are looked at together, where the size of the operands chooses between two loops.
#[inline(always)]
const fn span(near: Option<f64>) -> usize {
    if near.is_some() { 64 } else { usize::MAX }
}

/// Whether the rules without branches hold for the first `used` numbers of all operands.
#[inline(always)]
fn all_near<const N: usize>(operands: [&[f64]; N], used: usize, near: Option<f64>) -> bool {
    near.is_none_or(|limit| {
        let mut used = operands.iter().map(|operand| &operand[..used.min(operand.len())]);
        used.all(|operand| operand.iter().fold(true, |near, x| near & (x.abs() <= limit)))
    })
}

/// What [`Reverse`] works on.
struct Arguments<'a, R, const N: usize> {
    rule: R,
    operands: [&'a [f64]; N],
    value: &'a [f64],
    adjoint: &'a [f64],
    out: &'a mut [f64],
}

/// The loop of [`reverse`] for one place.
struct Reverse<'a, R, const N: usize, const PLACE: usize>(Arguments<'a, R, N>);

impl<R: Rule<N>, const N: usize, const PLACE: usize> Kernel for Reverse<'_, R, N, PLACE> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Arguments { rule, operands, value, adjoint, out } = self.0;
        reverse_loop::<R, N, PLACE, 0>(rule, operands, out.len(), value, adjoint, out);
    }
}

#[inline(always)]
pub(super) fn reverse_loop<R: Rule<N>, const N: usize, const PLACE: usize, const NUMBERS: u8>(
    rule: R,
    operands: [&[f64]; N],
    used: usize,
    value: &[f64],
    adjoint: &[f64],
    out: &mut [f64],
) {
    check_operands::<N, NUMBERS>(operands, out.len());
    assert_eq!(value.len(), out.len(), "the value and the result are not equally long");
    assert_eq!(adjoint.len(), out.len(), "the adjoint and the result are not equally long");
    let span = span(R::NEAR_PARTIALS);
    for first in (0..out.len()).step_by(span) {
        let range = first..first + span.min(out.len() - first);
        let operands = some::<N, NUMBERS>(operands, range.start, range.len());
        let places = out[range.clone()].iter_mut().enumerate().zip(&value[range.clone()]).zip(&adjoint[range]);
        if all_near(operands, used.saturating_sub(first), R::NEAR_PARTIALS) {
            for (((i, out), &value), &adjoint) in places {
                // SAFETY: all slices are as long as `out`.
                let partials = rule.near_partials(unsafe { at::<N, NUMBERS>(&operands, i) }, value);
                *out = adjoint.chain(partials[PLACE]);
            }
        } else {
            for (((i, out), &value), &adjoint) in places {
                // SAFETY: as above.
                let partials = rule.partials(unsafe { at::<N, NUMBERS>(&operands, i) }, value);
                *out = adjoint.chain(partials[PLACE]);
            }
        }
    }
}

/// The operands at one place.
///
/// The check of an index would make a loop that may stop early, whose last numbers are computed one by one.
///
/// # Safety
/// The operands have more than `i` numbers, apart from those that have one.
#[inline(always)]
unsafe fn at<const N: usize, const NUMBERS: u8>(operands: &[&[f64]; N], i: usize) -> [f64; N] {
    let mut numbers = [0.0; N];
    for (n, (number, operand)) in numbers.iter_mut().zip(operands).enumerate() {
        let i = if is_number(NUMBERS, n) { 0 } else { i };
        debug_assert!(i < operand.len());
        // SAFETY: as the caller promises.
        *number = unsafe { *operand.get_unchecked(i) };
    }
    numbers
}

/// The loop of [`accumulate`].
struct Accumulate<'a> {
    terms: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        accumulate_loop(self.terms, self.out);
    }
}

#[inline(always)]
fn accumulate_loop(terms: &[f64], out: &mut [f64]) {
    assert_eq!(terms.len(), out.len(), "the terms and the result are not equally long");
    for (out, term) in out.iter_mut().zip(terms) {
        *out += term;
    }
}

#[cold]
#[inline(never)]
fn wrong_operands(op: Op, got: usize) -> ! {
    panic!("{} takes {:?} operands, got {got}", op.info().name, op.info().arity)
}

#[cold]
#[inline(never)]
fn wrong_kind(op: Op) -> ! {
    panic!("{} takes a list of operands", op.info().name)
}

#[cold]
#[inline(never)]
fn wrong_place(place: usize) -> ! {
    panic!("there is no operand {place}")
}
