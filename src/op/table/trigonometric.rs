//! Circular functions and their inverses, in radians.

family! { $ trigonometric {
    /// The sine.
    fixed Sin sin(x) y {
        label: "sin", latex: r"\sin #1", formula: "sin x",
        value: elementary::sin(x),
        partials: [x.cos()],
        sample: [(-3.0, 3.0)],
        near: (elementary::TRIG_CORE_LIMIT, elementary::sin_core(x), [elementary::cos_core(x)]),
    }
    /// The cosine.
    fixed Cos cos(x) y {
        label: "cos", latex: r"\cos #1", formula: "cos x",
        value: elementary::cos(x),
        partials: [-(x.sin())],
        sample: [(-3.0, 3.0)],
        near: (elementary::TRIG_CORE_LIMIT, elementary::cos_core(x), [-elementary::sin_core(x)]),
    }
    /// The tangent.
    fixed Tan tan(x) y {
        label: "tan", latex: r"\tan #1", formula: "tan x",
        value: elementary::tan(x),
        partials: [y.square() + 1.0],
        sample: [(-1.2, 1.2)],
        near: (elementary::TRIG_CORE_LIMIT, elementary::tan_core(x), [y * y + 1.0]),
    }
    /// The arc sine.
    fixed Asin asin(x) y {
        label: "asin", latex: r"\arcsin #1", formula: "asin x",
        value: elementary::asin(x),
        partials: [x.one_minus_square().sqrt().recip()],
        sample: [(-0.9, 0.9)],
        remedy: "needs operands from −1 to 1, inside for the derivative",
    }
    /// The arc cosine.
    fixed Acos acos(x) y {
        label: "acos", latex: r"\arccos #1", formula: "acos x",
        value: elementary::acos(x),
        partials: [-(x.one_minus_square().sqrt().recip())],
        sample: [(-0.9, 0.9)],
        remedy: "needs operands from −1 to 1, inside for the derivative: atan2 for the angle of a vector",
    }
    /// The arc tangent.
    fixed Atan atan(x) y {
        label: "atan", latex: r"\arctan #1", formula: "atan x",
        value: elementary::atan(x),
        partials: [x.hypot(x.constant(1.0)).recip().square()],
        sample: [(-3.0, 3.0)],
    }
    /// The angle of the point (x, y), in (−π, π].
    fixed Atan2 atan2(y, x) angle {
        label: "atan2", latex: r"\operatorname{atan2}(#1,#2)", formula: "atan2(y, x)",
        value: elementary::atan2(y, x),
        partials: [x.unit(y) / x.hypot(y), -(y.unit(x) / x.hypot(y))],
        sample: [(-3.0, 3.0), (0.5, 3.0)],
        kink: "not a number at the origin",
    }
} }
