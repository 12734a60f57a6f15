//! Exponentials and logarithms.

family! { $ exponential {
    /// The exponential function.
    fixed Exp exp(x) y {
        label: "exp", latex: "e^{#1}", formula: "e^x",
        value: elementary::exp(x),
        partials: [y],
        sample: [(-3.0, 3.0)],
        remedy: "overflows from 709.8 on: logsumexp for ln Σ eˣ, softplus for ln(1 + eˣ), sigmoid for 1 / (1 + e⁻ˣ)",
    }
    /// Two to the power x.
    fixed Exp2 exp2(x) y {
        label: "2ˣ", latex: "2^{#1}", formula: "2^x",
        value: elementary::exp2(x),
        partials: [(x - 1.0).exp2() * (2.0 * std::f64::consts::LN_2)],
        sample: [(-3.0, 3.0)],
        remedy: "overflows from 1024 on: work with the logarithm",
    }
    /// The exponential minus one, accurate near 0.
    fixed ExpM1 exp_m1(x) y {
        label: "exp−1", latex: "(e^{#1}-1)", formula: "e^x - 1",
        value: elementary::exp_m1(x),
        partials: [x.exp()],
        sample: [(-3.0, 3.0)],
        remedy: "overflows from 709.8 on: work with the logarithm",
    }
    /// The natural logarithm.
    fixed Ln ln(x) y {
        label: "ln", latex: r"\ln #1", formula: "ln x",
        value: elementary::ln(x),
        partials: [x.recip()],
        sample: [(0.1, 9.0)],
        remedy: "needs operands above 0: softplus for ln(1 + eˣ), log_sigmoid for ln σ(x), logsumexp for ln Σ eˣ, ln_1p for ln(1 + x)",
    }
    /// The natural logarithm of 1 + x, accurate near 0.
    fixed Ln1p ln_1p(x) y {
        label: "ln(1+x)", latex: r"\ln(1+#1)", formula: "ln(1 + x)",
        value: elementary::ln_1p(x),
        partials: [(x + 1.0).recip()],
        sample: [(-0.8, 9.0)],
        remedy: "needs operands above −1: softplus for ln(1 + eˣ)",
    }
    /// The logarithm to base 2.
    fixed Log2 log2(x) y {
        label: "log₂", latex: r"\log_2 #1", formula: "ln x / ln 2",
        value: elementary::log2(x),
        partials: [x.recip() * std::f64::consts::LOG2_E],
        sample: [(0.1, 9.0)],
        remedy: "needs operands above 0",
    }
    /// The logarithm to base 10.
    fixed Log10 log10(x) y {
        label: "log₁₀", latex: r"\log_{10} #1", formula: "ln x / ln 10",
        value: elementary::log10(x),
        partials: [x.recip() * std::f64::consts::LOG10_E],
        sample: [(0.1, 9.0)],
        remedy: "needs operands above 0",
    }
    /// The logarithm of eᵃ + eᵇ, without overflow.
    fixed LogAddExp logaddexp(a, b) y {
        label: "ln(eᵃ+eᵇ)", latex: r"\ln(e^{#1}+e^{#2})", formula: "ln(e^a + e^b)",
        value: elementary::logaddexp(a, b),
        partials: [(a - b).sigmoid(), (b - a).sigmoid()],
        sample: [(-3.0, 3.0), (-3.0, 3.0)],
    }
} }
