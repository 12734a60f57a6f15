//! Hyperbolic functions and their inverses.

family! { $ hyperbolic {
    /// The hyperbolic sine.
    fixed Sinh sinh(x) y {
        label: "sinh", latex: r"\sinh #1", formula: "sinh x",
        value: elementary::sinh(x),
        partials: [x.cosh()],
        sample: [(-3.0, 3.0)],
        remedy: "overflows from 710.5 on: tanh if a bounded function will do",
    }
    /// The hyperbolic cosine.
    fixed Cosh cosh(x) y {
        label: "cosh", latex: r"\cosh #1", formula: "cosh x",
        value: elementary::cosh(x),
        partials: [x.sinh()],
        sample: [(-3.0, 3.0)],
        remedy: "overflows from 710.5 on: sech for 1 / cosh x",
    }
    /// The hyperbolic tangent.
    fixed Tanh tanh(x) y {
        label: "tanh", latex: r"\tanh #1", formula: "tanh x",
        value: elementary::tanh(x),
        partials: [x.tanh_slope(y)],
        sample: [(-3.0, 3.0)],
        near: (elementary::TANH_NEAR, value, [(1.0 - y) * (1.0 + y)]),
    }
    /// The slope of tanh at x, given y = tanh x, from whichever of the two loses no digits.
    fixed TanhSlope tanh_slope(x, y) slope {
        label: "tanh′", latex: r"\tanh'(#1)", formula: "1 - y² where |x| <= 2, else 1 / cosh² x",
        value: if x.abs() <= elementary::TANH_NEAR { one_minus_square(y) } else { elementary::tanh_slope(x) },
        partials: [slope * y * -2.0, y.constant(0.0)],
        sample: [(-1.9, 1.9), (-0.9, 0.9)],
        kink: "0 by y, which follows from x",
    }
    /// The hyperbolic secant.
    fixed Sech sech(x) y {
        label: "sech", latex: r"\operatorname{sech} #1", formula: "1 / cosh x",
        value: elementary::sech(x),
        partials: [-(y * x.tanh())],
        sample: [(-3.0, 3.0)],
    }
    /// The inverse hyperbolic sine.
    fixed Asinh asinh(x) y {
        label: "asinh", latex: r"\operatorname{arsinh} #1", formula: "asinh x",
        value: elementary::asinh(x),
        partials: [x.hypot(x.constant(1.0)).recip()],
        sample: [(-3.0, 3.0)],
    }
    /// The inverse hyperbolic cosine.
    fixed Acosh acosh(x) y {
        label: "acosh", latex: r"\operatorname{arcosh} #1", formula: "acosh x",
        value: elementary::acosh(x),
        partials: [((x - 1.0).sqrt() * (x + 1.0).sqrt()).recip()],
        sample: [(1.2, 5.0)],
        remedy: "needs operands from 1 on, above for the derivative",
    }
    /// The inverse hyperbolic tangent.
    fixed Atanh atanh(x) y {
        label: "atanh", latex: r"\operatorname{artanh} #1", formula: "atanh x",
        value: elementary::atanh(x),
        partials: [x.one_minus_square().recip()],
        sample: [(-0.9, 0.9)],
        remedy: "needs operands between −1 and 1",
    }
} }
