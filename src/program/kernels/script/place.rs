//! Where the numbers of a line lie.

/// The slice that a number lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Base(pub(super) u8);

impl Base {
    pub(super) const VALUES: Self = Self(0);
    pub(super) const ADJOINTS: Self = Self(1);
    pub(super) const SHARED: Self = Self(2);
    /// 1 and −0.
    pub(super) const OWN: Self = Self(3);
    /// Numbers that are only read, beside the shared ones.
    pub(super) const INPUTS: Self = Self(4);
    /// The slices that every run has.
    pub(super) const INSIDE: usize = 5;
    /// The first of the columns that may lie outside, that of their adjoints, and that of the results.
    pub(super) const COLUMNS: Self = Self(5);
    pub(super) const COLUMN_ADJOINTS: Self = Self(37);
    pub(super) const RESULTS: Self = Self(69);
    pub(super) const COUNT: usize = 101;

    /// The base of a row that may lie outside, from the first of its kind on.
    pub(super) fn outside(self, number: u8) -> Self {
        assert!(usize::from(number) < MOST_OUTSIDE, "{MOST_OUTSIDE} rows of a kind lie outside at most");
        Self(self.0 + number)
    }
}

/// The most columns and the most results that may lie outside: as many as there are bases for.
pub(crate) const MOST_OUTSIDE: usize = 32;

/// The numbers of `Base::OWN`.
pub(super) static OWN: [f64; 2] = [1.0, -0.0];

/// Where numbers lie: from `first` on, counted in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(in super::super) base: Base,
    pub(in super::super) first: u32,
}

impl Place {
    /// The number 1.
    pub(crate) const ONE: Self = Self { base: Base::OWN, first: 0 };
    /// The number −0, which changes nothing when it is added.
    pub(super) const NOTHING: Self = Self { base: Base::OWN, first: 1 };

    /// Values from `first` on.
    pub(crate) fn values(first: u32) -> Self {
        Self { base: Base::VALUES, first }
    }

    /// Adjoints from `first` on.
    pub(crate) fn adjoints(first: u32) -> Self {
        Self { base: Base::ADJOINTS, first }
    }

    /// The adjoint of a value.
    pub(crate) fn adjoint(self) -> Self {
        assert_eq!(self.base, Base::VALUES, "a value has an adjoint");
        Self::adjoints(self.first)
    }

    /// A number that is the same in every lane.
    pub(crate) fn shared(first: u32) -> Self {
        Self { base: Base::SHARED, first }
    }

    /// An input.
    pub(crate) fn input(first: u32) -> Self {
        Self { base: Base::INPUTS, first }
    }

    /// A column that may lie outside.
    pub(crate) fn column(number: u8) -> Self {
        Self { base: Base::COLUMNS.outside(number), first: 0 }
    }

    /// The adjoints of a column that may lie outside.
    pub(crate) fn column_adjoints(number: u8) -> Self {
        Self { base: Base::COLUMN_ADJOINTS.outside(number), first: 0 }
    }

    /// A result that may lie outside.
    pub(crate) fn result(number: u8) -> Self {
        Self { base: Base::RESULTS.outside(number), first: 0 }
    }

    /// Whether two places have one of `count` and of `other_count` rows in common.
    pub(crate) fn meets(self, count: u32, other: Self, other_count: u32) -> bool {
        let reach = if self.first <= other.first { count } else { other_count };
        self.base == other.base && self.first.abs_diff(other.first) < reach
    }
}
