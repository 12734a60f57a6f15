//! The kinds of parameters that rows have.

/// A parameter that is read from a number.
pub(super) trait Kind: Sized {
    /// The parameter, unless the number is none of this kind.
    fn read(number: f64) -> Option<Self>;
}

impl Kind for f64 {
    fn read(number: f64) -> Option<Self> {
        Some(number)
    }
}

impl Kind for i32 {
    fn read(number: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "a number that is cut is none of the kind")]
        let whole = number as i32;
        (f64::from(whole) == number).then_some(whole)
    }
}
