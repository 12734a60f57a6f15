//! Elementary functions of `f64`: one implementation for a single number and for lanes of them.
//!
//! Each function is a plain function of doubles without branches or tables. A loop over a slice therefore becomes vector
//! code, and the bits are the same at every width and for every kernel of a build. A build for processors with fused
//! multiply-adds uses them; any other has the same bits everywhere. The functions that must reduce a huge angle have a
//! `_core` without that branch. The errors measured against 50-digit references stand in `docs/ops.md`. This room knows
//! nothing of operations.
//!
//! # References
//! Cody and Waite (1980), Software Manual for the Elementary Functions; Dekker (1971), A floating-point technique for
//! extending the available precision, doi:10.1007/BF01397083; Muller (2016), Elementary Functions, 3rd ed.,
//! doi:10.1007/978-1-4899-7983-4.

#![expect(clippy::inline_always, reason = "a call that is not inlined ends the vectorisation of the loop around it")]

mod activation;
mod arc;
mod bits;
mod double;
mod erf;
mod exp;
mod fused;
mod hyperbolic;
mod log;
mod polynomial;
mod power;
mod reduction;
mod roots;
mod trig;

pub use activation::{gelu, silu};
pub use arc::{acos, asin, atan, atan2};
pub use erf::{erf, erfc, gaussian, normal_cdf, normal_pdf};
pub use exp::{exp, exp_m1, exp2};
pub use hyperbolic::{
    SIGMOID_NEAR, TANH_NEAR, acosh, asinh, atanh, cosh, sech, sigmoid, sigmoid_slope, sinh, tanh, tanh_slope,
};
pub use log::{ln, ln_1p, log_sigmoid, log2, log10, logaddexp, softplus};
pub use power::{pow, powi};
pub use roots::{cbrt, hypot, unit};
pub use trig::{TRIG_CORE_LIMIT, cos, cos_core, sin, sin_core, tan, tan_core};
