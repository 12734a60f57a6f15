//! Single numbers at any places: gathered, added to, and summed as products.

use std::ops::Range;

use super::Zero;
use super::linear::Mode;
use crate::op::Scalar as _;

/// Two places, of which a product is taken.
pub(crate) type Pair = (u32, u32);

/// Lists of places, one after the other.
///
/// It knows how far they reach, so that this is compared once for a whole list, and not for each place.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    items: Vec<T>,
    /// Behind the last place of all.
    end: usize,
}

/// A list of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'p, T> {
    items: &'p [T],
    end: usize,
}

/// How many products are added and how many subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signs {
    pub plus: u32,
    pub minus: u32,
}

impl Signs {
    /// How many they are together.
    pub(crate) fn count(self) -> usize {
        (self.plus + self.minus) as usize
    }
}

/// What has places.
pub(crate) trait Reach: Copy {
    /// The last of its places.
    fn last(self) -> u32;
}

impl Reach for u32 {
    fn last(self) -> u32 {
        self
    }
}

impl Reach for Pair {
    fn last(self) -> u32 {
        self.0.max(self.1)
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { items: vec![], end: 0 }
    }
}

impl<T> std::ops::Deref for Pool<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T: Reach> Extend<T> for Pool<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        let start = self.items.len();
        self.items.extend(items);
        let last = self.items[start..].iter().map(|item| item.last()).max();
        self.end = self.end.max(last.map_or(0, |last| last as usize + 1));
    }
}

impl<T> Pool<T> {
    /// A list of the pool.
    ///
    /// # Panics
    /// When there are not so many items.
    pub(crate) fn list(&self, range: Range<usize>) -> List<'_, T> {
        List { items: &self.items[range], end: self.end }
    }
}

impl List<'_, u32> {
    /// Reads the numbers at the places.
    ///
    /// # Panics
    /// When the pool goes beyond the numbers.
    pub(crate) fn gather(self, numbers: &[f64], out: &mut [f64]) {
        assert!(self.end <= numbers.len(), "a place lies beyond the numbers");
        for (out, &place) in out.iter_mut().zip(self.items) {
            // SAFETY: invariant 4 of the room.
            *out = unsafe { *numbers.get_unchecked(place as usize) };
        }
    }

    /// Adds the same to the number at each place.
    ///
    /// # Panics
    /// When the pool goes beyond the numbers.
    pub(crate) fn add_one(self, term: f64, numbers: &mut [f64]) {
        assert!(self.end <= numbers.len(), "a place lies beyond the numbers");
        for &place in self.items {
            // SAFETY: invariant 4 of the room.
            unsafe { *numbers.get_unchecked_mut(place as usize) += term };
        }
    }

    /// Adds a term to the number at each place.
    ///
    /// # Panics
    /// When the pool goes beyond the numbers.
    pub(crate) fn add(self, terms: &[f64], numbers: &mut [f64]) {
        assert!(self.end <= numbers.len(), "a place lies beyond the numbers");
        for (&term, &place) in terms.iter().zip(self.items) {
            // SAFETY: invariant 4 of the room.
            unsafe { *numbers.get_unchecked_mut(place as usize) += term };
        }
    }
}

impl List<'_, Pair> {
    /// Computes the numbers of a range, each a sum of products of two numbers; a later one may read an earlier one.
    ///
    /// Four sums are added up side by side where there are as many terms.
    ///
    /// # Panics
    /// When the pool or a sum goes beyond the numbers.
    pub(crate) fn sums(self, signs: Signs, mode: Mode, zero: Zero, out: Range<usize>, numbers: &mut [f64]) {
        assert!(self.end <= numbers.len(), "a place lies beyond the numbers");
        // What is given as a number is known when the loops are compiled.
        match (signs.plus, signs.minus, zero) {
            (1, 0, Zero::Multiplies) => sums(self.items.as_chunks::<1>().0.iter(), 1, mode, product, out, numbers),
            (0, 1, Zero::Multiplies) => sums(self.items.as_chunks::<1>().0.iter(), 0, mode, product, out, numbers),
            (2, 0, Zero::Multiplies) => sums(self.items.as_chunks::<2>().0.iter(), 2, mode, product, out, numbers),
            (1, 1, Zero::Multiplies) => sums(self.items.as_chunks::<2>().0.iter(), 1, mode, product, out, numbers),
            (3, 0, Zero::Multiplies) => sums(self.items.as_chunks::<3>().0.iter(), 3, mode, product, out, numbers),
            (0, 0, _) => out.for_each(|out| numbers[out] = if mode == Mode::Add { numbers[out] } else { 0.0 }),
            (plus, _, zero) => {
                let rows = self.items.chunks_exact(signs.count());
                match zero {
                    Zero::Multiplies => sums(rows, plus as usize, mode, product, out, numbers),
                    Zero::Absorbs => sums(rows, plus as usize, mode, f64::chain, out, numbers),
                }
            }
        }
    }

    /// Adds what sums give to the adjoints of their factors, the last first, since a sum may be a factor of a later one.
    ///
    /// `sums` are their places. A pair is a place that is added to, and the other factor. A zero absorbs.
    ///
    /// # Panics
    /// When the pool or a sum goes beyond the values or the adjoints.
    pub(crate) fn add_to_factors(self, signs: Signs, sums: Range<usize>, values: &[f64], adjoints: &mut [f64]) {
        assert!(self.end <= values.len().min(adjoints.len()), "a place lies beyond the numbers");
        match (signs.plus, signs.minus) {
            (1, 0) => factors(self.items.as_chunks::<1>().0.iter(), 1, sums, values, adjoints),
            (0, 1) => factors(self.items.as_chunks::<1>().0.iter(), 0, sums, values, adjoints),
            (2, 0) => factors(self.items.as_chunks::<2>().0.iter(), 2, sums, values, adjoints),
            (1, 1) => factors(self.items.as_chunks::<2>().0.iter(), 1, sums, values, adjoints),
            (0, 2) => factors(self.items.as_chunks::<2>().0.iter(), 0, sums, values, adjoints),
            (3, 0) => factors(self.items.as_chunks::<3>().0.iter(), 3, sums, values, adjoints),
            (0, 0) => {}
            (plus, _) => factors(self.items.chunks_exact(signs.count()), plus as usize, sums, values, adjoints),
        }
    }
}

/// A sum for each row of pairs, of which the first `plus` are added. All places lie within the numbers.
#[inline(always)]
fn sums<'p, R: AsRef<[Pair]> + ?Sized + 'p>(
    rows: impl Iterator<Item = &'p R>,
    plus: usize,
    mode: Mode,
    product: impl Fn(f64, f64) -> f64,
    out: Range<usize>,
    numbers: &mut [f64],
) {
    assert!(out.end <= numbers.len(), "a sum lies beyond the numbers");
    for (out, row) in out.zip(rows) {
        let (added, subtracted) = row.as_ref().split_at(plus);
        // SAFETY: invariant 4 of the room; the results were checked above.
        unsafe {
            let at = |place: u32| *numbers.get_unchecked(place as usize);
            let mut sum = if mode == Mode::Add { *numbers.get_unchecked(out) } else { -0.0 };
            for (pairs, sign) in [(added, 1.0), (subtracted, -1.0)] {
                let (fours, rest) = pairs.as_chunks::<4>();
                if !fours.is_empty() {
                    let mut sums = [-0.0; 4];
                    for four in fours {
                        for (sum, &(a, b)) in sums.iter_mut().zip(four) {
                            *sum += product(at(a), at(b));
                        }
                    }
                    sum += sign * ((sums[0] + sums[1]) + (sums[2] + sums[3]));
                }
                for &(a, b) in rest {
                    sum += sign * product(at(a), at(b));
                }
            }
            *numbers.get_unchecked_mut(out) = sum;
        }
    }
}

/// What each row of pairs adds, to the first `plus` of its places with the sign of the sum. All places lie within both.
#[inline(always)]
fn factors<'p, R: AsRef<[Pair]> + ?Sized + 'p>(
    rows: impl DoubleEndedIterator<Item = &'p R> + ExactSizeIterator,
    plus: usize,
    sums: Range<usize>,
    values: &[f64],
    adjoints: &mut [f64],
) {
    assert!(sums.end <= adjoints.len(), "a sum lies beyond the adjoints");
    for (sum, row) in sums.zip(rows).rev() {
        let (added, subtracted) = row.as_ref().split_at(plus);
        // SAFETY: invariant 4 of the room; the sums were checked above.
        unsafe {
            let delta = *adjoints.get_unchecked(sum);
            for (delta, pairs) in [(delta, added), (-delta, subtracted)] {
                for &(to, other) in pairs {
                    let term = absorbing_product(delta, *values.get_unchecked(other as usize));
                    *adjoints.get_unchecked_mut(to as usize) += term;
                }
            }
        }
    }
}

#[inline(always)]
fn product(a: f64, b: f64) -> f64 {
    a * b
}

/// The product of an adjoint, where zero absorbs.
#[inline(always)]
fn absorbing_product(delta: f64, partial: f64) -> f64 {
    let product = delta * partial;
    if product.is_nan() { absorbed(delta, partial) } else { product }
}

#[cold]
#[inline(never)]
fn absorbed(delta: f64, partial: f64) -> f64 {
    delta.chain(partial)
}
