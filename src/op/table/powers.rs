//! Reciprocal, powers and roots.

family! { $ powers {
    /// The reciprocal.
    fixed Recip recip(x) y {
        label: "1/x", latex: r"\frac{1}{#1}", formula: "1 / x",
        value: 1.0 / x,
        partials: [-(y.square())],
        sample: [(0.5, 3.0)],
        remedy: "needs an operand away from 0: add a small constant",
    }
    /// The square.
    fixed Square square(x) y {
        label: "x²", latex: "{#1}^{2}", formula: "x²",
        value: x * x,
        partials: [x * 2.0],
        sample: [(-3.0, 3.0)],
    }
    /// The square root.
    fixed Sqrt sqrt(x) y {
        label: "√", latex: r"\sqrt{#1}", formula: "√x",
        value: x.sqrt(),
        partials: [y.recip() * 0.5],
        sample: [(0.1, 9.0)],
        remedy: "needs operands from 0 on, and has an infinite derivative at 0: hypot for the length of a vector, or add a small constant inside",
    }
    /// The real cube root.
    fixed Cbrt cbrt(x) y {
        label: "∛", latex: r"\sqrt[3]{#1}", formula: "∛x",
        value: elementary::cbrt(x),
        partials: [(y.square() * 3.0).recip()],
        sample: [(0.1, 9.0)],
    }
    /// A positive number to a real power.
    fixed Pow pow(x, exponent) y {
        label: "xʸ", latex: "{#1}^{#2}", formula: "x^exponent",
        value: elementary::pow(x, exponent),
        partials: [exponent.chain(x.pow(exponent - 1.0)), y.chain(x.ln())],
        sample: [(0.2, 4.0), (-2.0, 3.0)],
        remedy: "needs a positive base unless the exponent is whole: powi for whole exponents",
    }
    /// A number to a constant whole power.
    fixed Powi powi[exponent: i32 = 3](x) y {
        label: "xⁿ", latex: "{#1}^{#p}", formula: "x^exponent",
        value: elementary::powi(x, exponent),
        partials: [match exponent.checked_sub(1) {
            Some(less) => x.constant(f64::from(exponent)).chain(x.powi(less)),
            None => y / x * f64::from(exponent),
        }],
        sample: [(0.2, 3.0)],
    }
    /// The length of the vector (x, y), without overflow on the way.
    fixed Hypot hypot(x, y) h {
        label: "hypot", latex: r"\sqrt{{#1}^{2}+{#2}^{2}}", formula: "√(x² + y²)",
        value: elementary::hypot(x, y),
        partials: [x.unit(y), y.unit(x)],
        sample: [(-3.0, 3.0), (0.5, 3.0)],
        kink: "0 for both at the origin",
    }
    /// The first component of the unit vector along (x, y).
    fixed Unit unit(x, y) u {
        label: "unit", latex: r"\frac{#1}{\sqrt{{#1}^{2}+{#2}^{2}}}", formula: "x / √(x² + y²), 0 at the origin",
        value: elementary::unit(x, y),
        partials: [y.unit(x).square() / x.hypot(y), -(u * y.unit(x) / x.hypot(y))],
        sample: [(-3.0, 3.0), (0.5, 3.0)],
    }
    /// The accurate form of 1 − x².
    fixed OneMinusSquare one_minus_square(x) y {
        label: "1−x²", latex: "1-{#1}^{2}", formula: "(1 - x)(1 + x)",
        value: (1.0 - x) * (1.0 + x),
        partials: [x * -2.0],
        sample: [(-3.0, 3.0)],
    }
} }
