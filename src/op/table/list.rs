//! Operations of any number of operands.

family! { $ list {
    /// The sum of any number of operands, added in pairs of ever larger parts; 0 of none.
    list Sum sum(xs, out) y {
        label: "Σ", latex: "#*{#1}{+}", formula: "Σ xᵢ",
        value: list::sum(xs),
        partials: { out.fill(y.constant(1.0)) },
        sample: [(-3.0, 3.0)],
    }
    /// The product of any number of operands; 1 of none.
    list Product product(xs, out) y {
        label: "∏", latex: "#*{#1}{ }", formula: "∏ xᵢ",
        value: xs.iter().product(),
        partials: { list::products_of_others(xs, y, out) },
        sample: [(-3.0, 3.0)],
        remedy: "overflows or meets 0 · ∞: add logarithms instead",
    }
    /// The sum of the products of pairs of operands, x₀x₁ + x₂x₃ + …; 0 of none.
    list Dot dot(xs, out) y {
        label: "·", latex: "#*{#1 #2}{+}", formula: "Σ wᵢ xᵢ",
        value: list::dot(xs),
        partials: { list::swapped_pairs(xs, out) },
        sample: [(-3.0, 3.0)],
    }
    /// The greatest of any number of operands; −∞ of none; not a number where an operand is none.
    list Max max(xs, out) y {
        label: "max", latex: r"\max(#*{#1}{,})", formula: "max xᵢ",
        value: list::max(xs),
        partials: { list::shares(xs, out, |x| x.less(y)) },
        sample: [(-3.0, 3.0)],
        kink: "operands that tie share equally",
    }
    /// The least of any number of operands; +∞ of none; not a number where an operand is none.
    list Min min(xs, out) y {
        label: "min", latex: r"\min(#*{#1}{,})", formula: "min xᵢ",
        value: list::min(xs),
        partials: { list::shares(xs, out, |x| y.less(x)) },
        sample: [(-3.0, 3.0)],
        kink: "operands that tie share equally",
    }
    /// The logarithm of the sum of the exponentials, without overflow; −∞ of none.
    list LogSumExp logsumexp(xs, out) y {
        label: "ln Σ exp", latex: r"\ln(#*{e^{#1}}{+})", formula: "ln Σ e^xᵢ",
        value: list::logsumexp(xs),
        partials: { y.softmax(xs, out) },
        sample: [(-3.0, 3.0)],
    }
} }
