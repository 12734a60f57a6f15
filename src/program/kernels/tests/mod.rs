//! Every kernel in every instruction set against one number after the other.
#![expect(clippy::float_cmp, reason = "small whole numbers are exact")]

mod linear;
mod list;
mod map;
mod nest;
mod outer;
mod places;
mod reduce;
mod script;
mod softmax;
mod turn;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Numbers that have caught mistakes.
const SPECIAL: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    f64::MAX,
    f64::MIN,
    710.0,
    -746.0,
    1e15,
    -1e300,
];

/// Every count of lanes that there is a kernel for.
fn all_lanes() -> impl Iterator<Item = usize> {
    (8..=256).step_by(8).chain([264, 440, 512])
}

/// Numbers from −2 to 2, the same for the same seed.
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-2.0..2.0)).collect()
}

/// Indices below `bound`, the same for the same seed, some of them twice.
fn indices(seed: u64, count: usize, bound: u32) -> Vec<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(0..bound)).collect()
}

/// Whether two numbers have the same bits, all that are none taken as one.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// A sum with the error of its additions and products carried along (Ogita, Rump and Oishi 2005, Accurate sum and dot
/// product, doi:10.1137/030601818), and the sum of the magnitudes.
#[derive(Clone, Copy, Debug, Default)]
struct Compensated {
    sum: f64,
    error: f64,
    magnitude: f64,
    terms: u32,
}

impl Compensated {
    fn add(&mut self, a: f64, b: f64) {
        let product = a * b;
        let sum = self.sum + product;
        let back = sum - self.sum;
        self.error += ((self.sum - (sum - back)) + (product - back)) + a.mul_add(b, -product);
        self.sum = sum;
        self.magnitude += product.abs();
        self.terms += 1;
    }

    /// Whether `got` is the sum, up to half an ulp of the magnitude for each term: what a sum in any order keeps to
    /// (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2).
    fn agrees(self, got: f64) -> bool {
        let tolerance = f64::EPSILON / 2.0 * self.magnitude * f64::from(self.terms + 1);
        ((got - self.sum) - self.error).abs() <= tolerance
    }
}
