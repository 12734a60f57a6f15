//! Elementary functions of `f64`.
pub(crate) fn exp(x: f64) -> f64 {
    x.exp()
}
pub(crate) fn exp2(x: f64) -> f64 {
    x.exp2()
}
pub(crate) fn exp_m1(x: f64) -> f64 {
    x.exp_m1()
}
pub(crate) fn ln(x: f64) -> f64 {
    x.ln()
}
pub(crate) fn ln_1p(x: f64) -> f64 {
    x.ln_1p()
}
pub(crate) fn log2(x: f64) -> f64 {
    x.log2()
}
pub(crate) fn log10(x: f64) -> f64 {
    x.log10()
}
pub(crate) fn sin(x: f64) -> f64 {
    x.sin()
}
pub(crate) fn cos(x: f64) -> f64 {
    x.cos()
}
pub(crate) fn tan(x: f64) -> f64 {
    x.tan()
}
pub(crate) fn asin(x: f64) -> f64 {
    x.asin()
}
pub(crate) fn acos(x: f64) -> f64 {
    x.acos()
}
pub(crate) fn atan(x: f64) -> f64 {
    x.atan()
}
pub(crate) fn atan2(y: f64, x: f64) -> f64 {
    y.atan2(x)
}
pub(crate) fn sinh(x: f64) -> f64 {
    x.sinh()
}
pub(crate) fn cosh(x: f64) -> f64 {
    x.cosh()
}
pub(crate) fn tanh(x: f64) -> f64 {
    x.tanh()
}
pub(crate) fn sech(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    2.0 * e / (1.0 + e * e)
}
pub(crate) fn asinh(x: f64) -> f64 {
    libm::asinh(x)
}
pub(crate) fn acosh(x: f64) -> f64 {
    libm::acosh(x)
}
pub(crate) fn atanh(x: f64) -> f64 {
    libm::atanh(x)
}
pub(crate) fn cbrt(x: f64) -> f64 {
    x.cbrt()
}
pub(crate) fn hypot(x: f64, y: f64) -> f64 {
    x.hypot(y)
}
pub(crate) fn unit(x: f64, y: f64) -> f64 {
    let h = hypot(x, y);
    if h == 0.0 { 0.0 } else { x / h }
}
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    x.powf(y)
}
pub(crate) fn powi(x: f64, n: i32) -> f64 {
    libm::pow(x, f64::from(n))
}
pub(crate) fn erf(x: f64) -> f64 {
    libm::erf(x)
}
pub(crate) fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}
pub(crate) fn gaussian(x: f64) -> f64 {
    (-(x * x)).exp()
}
pub(crate) fn normal_pdf(x: f64) -> f64 {
    (-0.5 * (x * x)).exp() * 0.398_942_280_401_432_7
}
pub(crate) fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}
pub(crate) fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}
pub(crate) fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}
pub(crate) fn log_sigmoid(x: f64) -> f64 {
    -softplus(-x)
}
pub(crate) fn silu(x: f64) -> f64 {
    x * sigmoid(x)
}
pub(crate) fn gelu(x: f64) -> f64 {
    x * normal_cdf(x)
}
pub(crate) fn logaddexp(a: f64, b: f64) -> f64 {
    let (most, least) = if a > b { (a, b) } else { (b, a) };
    if most.is_infinite() { most + 0.0 * 0.0 } else { most + (least - most).exp().ln_1p() }
}
