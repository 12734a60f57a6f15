//! Sums of products of single numbers, forward and in reverse.

use super::super::kernels::Zero;
use super::super::kernels::linear::Mode;
use super::{Terms, WindowCode};
use crate::op::Scalar as _;

/// Two places, of which a product is taken.
type Pair = (u32, u32);

impl WindowCode {
    pub(super) fn terms(&self, terms: &Terms, values: &mut [f64]) {
        let pairs = &self.pairs[terms.list.range()];
        match (terms.plus + terms.minus, terms.zero) {
            (1, Zero::Multiplies) => sums(terms, pairs.as_chunks::<1>().0.iter(), values, product),
            (2, Zero::Multiplies) => sums(terms, pairs.as_chunks::<2>().0.iter(), values, product),
            (3, Zero::Multiplies) => sums(terms, pairs.as_chunks::<3>().0.iter(), values, product),
            (0, _) if terms.mode == Mode::Add => {}
            (0, _) => values[terms.out as usize..][..terms.count as usize].fill(0.0),
            (per, Zero::Multiplies) => sums(terms, pairs.chunks_exact(per as usize), values, product),
            (per, Zero::Absorbs) => sums(terms, pairs.chunks_exact(per as usize), values, f64::chain),
        }
    }

    pub(super) fn terms_back(&self, terms: &Terms, values: &[f64], adjoints: &mut [f64]) {
        let pairs = &self.pairs[terms.list.range()];
        match terms.plus + terms.minus {
            0 => {}
            1 => self.factors(terms, pairs.as_chunks::<1>().0.iter(), values, adjoints),
            2 => self.factors(terms, pairs.as_chunks::<2>().0.iter(), values, adjoints),
            3 => self.factors(terms, pairs.as_chunks::<3>().0.iter(), values, adjoints),
            per => self.factors(terms, pairs.chunks_exact(per as usize), values, adjoints),
        }
    }

    /// Adds to the adjoints of all factors, from the last sum to the first, since one may go on with another.
    fn factors<'p, R: AsRef<[Pair]> + ?Sized + 'p>(
        &self,
        terms: &Terms,
        rows: impl DoubleEndedIterator<Item = &'p R> + ExactSizeIterator,
        values: &[f64],
        adjoints: &mut [f64],
    ) {
        for (m, row) in rows.enumerate().rev() {
            let delta = adjoints[terms.out as usize + m];
            let (plus, minus) = row.as_ref().split_at(terms.plus as usize);
            for (delta, pairs) in [(delta, plus), (-delta, minus)] {
                for &(a, b) in pairs {
                    if b == self.one {
                        adjoints[a as usize] += delta;
                    } else {
                        adjoints[a as usize] += delta.chain(values[b as usize]);
                        adjoints[b as usize] += delta.chain(values[a as usize]);
                    }
                }
            }
        }
    }
}

/// One sum for each row of pairs; a later one may read an earlier one.
fn sums<'p, R: AsRef<[Pair]> + ?Sized + 'p>(
    terms: &Terms,
    rows: impl Iterator<Item = &'p R>,
    values: &mut [f64],
    product: impl Fn(f64, f64) -> f64,
) {
    for (out, row) in (terms.out as usize..).zip(rows) {
        let mut sum = if terms.mode == Mode::Add { values[out] } else { -0.0 };
        let (plus, minus) = row.as_ref().split_at(terms.plus as usize);
        for &(a, b) in plus {
            sum += product(values[a as usize], values[b as usize]);
        }
        for &(a, b) in minus {
            sum -= product(values[a as usize], values[b as usize]);
        }
        values[out] = sum;
    }
}

fn product(a: f64, b: f64) -> f64 {
    a * b
}
