//! Models: functions built of elements.

mod polynomial;

pub use polynomial::polynomial_as_network;
