//! Activation functions of neurons.

family! { $ activation {
    /// The logistic sigmoid σ.
    fixed Sigmoid sigmoid(x) y {
        label: "σ", latex: r"\sigma(#1)", formula: "1 / (1 + e^-x)",
        value: elementary::sigmoid(x),
        partials: [x.sigmoid_slope(y)],
        sample: [(-3.0, 3.0)],
        near: (elementary::SIGMOID_NEAR, value, [y * (1.0 - y)]),
    }
    /// The slope of σ at x, given y = σ(x), from whichever of the two loses no digits.
    fixed SigmoidSlope sigmoid_slope(x, y) slope {
        label: "σ′", latex: r"\sigma'(#1)", formula: "y (1 - y) where |x| <= 4, else 1 / (2 cosh(x/2))²",
        value: if x.abs() <= elementary::SIGMOID_NEAR { y * (1.0 - y) } else { elementary::sigmoid_slope(x) },
        partials: [-(slope * (x * 0.5).tanh()), y.constant(0.0)],
        sample: [(-3.0, 3.0), (0.1, 0.9)],
        kink: "0 by y, which follows from x",
    }
    /// The logarithm of the logistic sigmoid.
    fixed LogSigmoid log_sigmoid(x) y {
        label: "ln σ", latex: r"\ln\sigma(#1)", formula: "-ln(1 + e^-x)",
        value: elementary::log_sigmoid(x),
        partials: [(-x).sigmoid()],
        sample: [(-3.0, 3.0)],
    }
    /// The smooth ReLU.
    fixed Softplus softplus(x) y {
        label: "softplus", latex: r"\operatorname{softplus}(#1)", formula: "ln(1 + e^x)",
        value: elementary::softplus(x),
        partials: [x.sigmoid()],
        sample: [(-3.0, 3.0)],
    }
    /// The sigmoid linear unit, also called swish.
    fixed Silu silu(x) y {
        label: "SiLU", latex: r"\operatorname{silu}(#1)", formula: "x σ(x)",
        value: elementary::silu(x),
        partials: [x.sigmoid().chain((-x).sigmoid().chain(x) + 1.0)],
        sample: [(-3.0, 3.0)],
    }
    /// The Gaussian error linear unit, in its exact form.
    fixed Gelu gelu(x) y {
        label: "GELU", latex: r"\operatorname{gelu}(#1)", formula: "x Φ(x)",
        value: elementary::gelu(x),
        partials: [x.normal_cdf() + x.normal_pdf().chain(x)],
        sample: [(-3.0, 3.0)],
    }
    /// The algebraic sigmoid.
    fixed Softsign softsign(x) y {
        label: "softsign", latex: r"\operatorname{softsign}(#1)", formula: "x / (1 + |x|)",
        value: { let share = x / (1.0 + x.abs()); if x.abs() == f64::INFINITY { 1.0_f64.copysign(x) } else { share } },
        partials: [(x.abs() + 1.0).recip().square()],
        sample: [(-3.0, 3.0)],
        kink: "the second derivative is 0 at 0",
    }
    /// The rectified linear unit.
    fixed Relu relu(x) y {
        label: "ReLU", latex: r"\max(0,#1)", formula: "max(0, x)",
        value: if x <= 0.0 { 0.0 } else { x },
        partials: [x.constant(0.0).less(x)],
        sample: [(0.1, 3.0)],
        kink: "0 at 0",
    }
    /// The ReLU that leaks below 0.
    fixed LeakyRelu leaky_relu[slope: f64 = 0.01](x) y {
        label: "leaky ReLU", latex: r"\operatorname{leaky}_{#p}(#1)", formula: "x if x > 0, else slope x",
        value: if x > 0.0 { x } else { slope * x },
        partials: [x.constant(0.0).less(x).select(x.constant(1.0), x.constant(slope))],
        sample: [(0.1, 3.0)],
        kink: "slope at 0",
    }
    /// The exponential linear unit.
    fixed Elu elu[alpha: f64 = 1.0](x) y {
        label: "ELU", latex: r"\operatorname{elu}_{#p}(#1)", formula: "x if x > 0, else alpha (e^x - 1)",
        value: { let below = alpha * elementary::exp_m1(x); if x > 0.0 { x } else { below } },
        partials: [x.constant(0.0).less(x).select(x.constant(1.0), x.exp() * alpha)],
        sample: [(-3.0, -0.1)],
        kink: "alpha at 0",
    }
    /// The self-normalising exponential linear unit.
    fixed Selu selu(x) y {
        label: "SELU", latex: r"\operatorname{selu}(#1)", formula: "L x if x > 0, else L A (e^x - 1), with L = 1.0507…, A = 1.6732…",
        value: {
            let below = 1.050_700_987_355_480_5 * (1.673_263_242_354_377_2 * elementary::exp_m1(x));
            if x > 0.0 { 1.050_700_987_355_480_5 * x } else { below }
        },
        partials: [x.constant(0.0).less(x).select(
            x.constant(1.050_700_987_355_480_5),
            x.exp() * (1.050_700_987_355_480_5 * 1.673_263_242_354_377_2),
        )],
        sample: [(-3.0, -0.1)],
        kink: "L A at 0",
    }
} }
