//! The error function and the standard normal distribution.

family! { $ probability {
    /// The error function.
    fixed Erf erf(x) y {
        label: "erf", latex: r"\operatorname{erf} #1", formula: "2/√π ∫₀ˣ e^(-t²) dt",
        value: elementary::erf(x),
        partials: [x.gaussian() * std::f64::consts::FRAC_2_SQRT_PI],
        sample: [(-2.0, 2.0)],
    }
    /// The complementary error function, accurate far to the right.
    fixed Erfc erfc(x) y {
        label: "erfc", latex: r"\operatorname{erfc} #1", formula: "1 - erf x",
        value: elementary::erfc(x),
        partials: [x.gaussian() * -std::f64::consts::FRAC_2_SQRT_PI],
        sample: [(-2.0, 2.0)],
    }
    /// The Gaussian bell without its factor.
    fixed Gaussian gaussian(x) y {
        label: "e^−x²", latex: "e^{-{#1}^2}", formula: "e^(-x²)",
        value: elementary::gaussian(x),
        partials: [y.chain(x) * -2.0],
        sample: [(-2.0, 2.0)],
    }
    /// The density φ of the standard normal distribution.
    fixed NormalPdf normal_pdf(x) y {
        label: "φ", latex: r"\varphi(#1)", formula: "e^(-x²/2) / √(2π)",
        value: elementary::normal_pdf(x),
        partials: [-(y.chain(x))],
        sample: [(-3.0, 3.0)],
    }
    /// The distribution function Φ of the standard normal distribution.
    fixed NormalCdf normal_cdf(x) y {
        label: "Φ", latex: r"\Phi(#1)", formula: "(1 + erf(x/√2)) / 2",
        value: elementary::normal_cdf(x),
        partials: [x.normal_pdf()],
        sample: [(-3.0, 3.0)],
    }
} }
