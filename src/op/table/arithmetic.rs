//! Sums, products and quotients of one or two numbers.

family! { $ arithmetic {
    /// The negative.
    fixed Neg neg(x) y {
        label: "−", latex: "-#1", formula: "-x",
        value: -x,
        partials: [x.constant(-1.0)],
        sample: [(-3.0, 3.0)],
    }
    /// The sum of two numbers.
    fixed Add add(a, b) y {
        label: "+", latex: "#1+#2", formula: "a + b",
        value: a + b,
        partials: [a.constant(1.0), b.constant(1.0)],
        sample: [(-3.0, 3.0), (-3.0, 3.0)],
    }
    /// The difference of two numbers.
    fixed Sub sub(a, b) y {
        label: "−", latex: "#1-#2", formula: "a - b",
        value: a - b,
        partials: [a.constant(1.0), b.constant(-1.0)],
        sample: [(-3.0, 3.0), (-3.0, 3.0)],
    }
    /// The product of two numbers.
    fixed Mul mul(a, b) y {
        label: "×", latex: "#1 #2", formula: "a b",
        value: a * b,
        partials: [b, a],
        sample: [(-3.0, 3.0), (-3.0, 3.0)],
    }
    /// The quotient of two numbers.
    fixed Div div(a, b) y {
        label: "/", latex: r"\frac{#1}{#2}", formula: "a / b",
        value: a / b,
        partials: [b.recip(), -(y / b)],
        sample: [(-3.0, 3.0), (0.5, 3.0)],
        remedy: "needs a divisor away from 0: subtract logarithms, or add a small constant below",
    }
    /// The product of an adjoint and a local partial, in which a zero absorbs.
    ///
    /// It is 0 when either factor is exactly 0, even if the other is not finite: a branch that was not taken
    /// contributes nothing to a derivative of any order.
    fixed Chain chain(adjoint, partial) y {
        label: "∂×", latex: "#1 #2", formula: "adjoint partial, or 0 when either is 0",
        value: if adjoint == 0.0 || partial == 0.0 { 0.0 } else { adjoint * partial },
        partials: [partial, adjoint],
        sample: [(-3.0, 3.0), (-3.0, 3.0)],
    }
} }
