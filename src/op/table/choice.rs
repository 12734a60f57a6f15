//! Comparisons, choices and other functions made of pieces.

family! { $ choice {
    /// The absolute value.
    fixed Abs abs(x) y {
        label: "|x|", latex: r"\left|#1\right|", formula: "|x|",
        value: x.abs(),
        partials: [x.sign()],
        sample: [(0.1, 3.0)],
        kink: "0 at 0",
    }
    /// The sign: −1, 0 or 1.
    fixed Sign sign(x) y {
        label: "sign", latex: r"\operatorname{sign}(#1)", formula: "-1, 0 or 1",
        value: if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x },
        partials: [x.constant(0.0)],
        sample: [(0.1, 3.0)],
        kink: "0 everywhere",
    }
    /// The threshold unit of McCulloch and Pitts.
    fixed Step step(x) y {
        label: "step", latex: r"1_{#1\ge 0}", formula: "1 if x >= 0, else 0",
        value: if x >= 0.0 { 1.0 } else if x < 0.0 { 0.0 } else { x },
        partials: [x.constant(0.0)],
        sample: [(0.1, 3.0)],
        kink: "0 everywhere",
    }
    /// The greatest whole number that is not above x.
    fixed Floor floor(x) y {
        label: "floor", latex: r"\lfloor #1\rfloor", formula: "⌊x⌋",
        value: x.floor(),
        partials: [x.constant(0.0)],
        sample: [(0.1, 0.9)],
        kink: "0 everywhere",
    }
    /// 1 where the first number is below the second, else 0.
    fixed Less less(a, b) y {
        label: "<", latex: "1_{#1<#2}", formula: "1 if a < b, else 0",
        value: if a < b { 1.0 } else { 0.0 },
        partials: [a.constant(0.0), b.constant(0.0)],
        sample: [(-3.0, -0.1), (0.1, 3.0)],
        kink: "0 everywhere",
    }
    /// The second operand where the first is not 0, else the third.
    fixed Select select(condition, then, otherwise) y {
        label: "select", latex: r"\operatorname{select}(#1,#2,#3)", formula: "then if condition ≠ 0, else otherwise",
        value: if condition == 0.0 { otherwise } else { then },
        partials: [
            condition.constant(0.0),
            condition.select(condition.constant(1.0), condition.constant(0.0)),
            condition.select(condition.constant(0.0), condition.constant(1.0)),
        ],
        sample: [(0.1, 1.0), (-3.0, 3.0), (-3.0, 3.0)],
        kink: "0 by the condition everywhere",
    }
    /// The number itself, through which no derivative passes.
    fixed StopGradient stop_gradient(x) y {
        label: "stop", latex: r"\operatorname{stop}(#1)", formula: "x, taken as a constant",
        value: x,
        partials: [x.constant(0.0)],
        sample: [(-3.0, 3.0)],
        kink: "0 everywhere, by intent",
    }
} }
