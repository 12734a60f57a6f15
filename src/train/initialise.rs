//! Initial weights, drawn so that signals keep their size from layer to layer.
//!
//! The generator is ChaCha with 8 rounds: the same seed gives the same weights on every machine and in every release.

use rand::SeedableRng;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::element::Fan;

/// Weights uniform in ±√(6 / (fan-in + fan-out)), for sigmoid and tanh units.
///
/// # Reference
/// Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, AISTATS,
/// equation 16.
///
/// ```
/// use dagrad::{element::Fan, train::glorot_uniform};
/// let mut weights = glorot_uniform(7);
/// assert!(weights(Fan { input: 3, output: 3 }).abs() <= 1.0);
/// ```
pub fn glorot_uniform(seed: u64) -> impl FnMut(Fan) -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    move |fan| {
        let u: f64 = StandardUniform.sample(&mut generator);
        (2.0 * u - 1.0) * (6.0 / (fan.input + fan.output) as f64).sqrt()
    }
}

/// Weights normal with variance 2 / fan-in, for ReLU units.
///
/// # Reference
/// He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, equation 10, doi:10.1109/ICCV.2015.123.
///
/// ```
/// use dagrad::{element::Fan, train::he_normal};
/// let (mut a, mut b) = (he_normal(7), he_normal(7));
/// let fan = Fan { input: 3, output: 3 };
/// assert_eq!(a(fan), b(fan));
/// ```
pub fn he_normal(seed: u64) -> impl FnMut(Fan) -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    move |fan| {
        let z: f64 = StandardNormal.sample(&mut generator);
        z * (2.0 / fan.input as f64).sqrt()
    }
}
