//! Every reader of the table gives the same numbers.
#![allow(clippy::disallowed_methods, reason = "an independent computation takes the standard library's")]

mod corpus;

use corpus::{build, recipes};
use dagrad::{Arity, Dual, Expr, Graph, Op, Scalar};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

/// A point inside the domain of an operation, from the intervals of its row.
fn point(op: Op, seed: usize) -> Vec<f64> {
    let info = op.info();
    let count = match info.arity {
        Arity::Fixed(count) => count,
        Arity::Any => 4,
    };
    (0..count)
        .map(|place| {
            let (low, high) = info.sample[place.min(info.sample.len() - 1)];
            // A sequence that fills the interval evenly (golden ratio).
            let share = (0.5 + 0.618_033_988_749_894_9 * (seed * 4 + place) as f64).fract();
            low + (high - low) * share
        })
        .collect()
}

#[test]
fn values_of_every_row_have_the_same_bits_by_every_reader() {
    for &op in Op::ALL {
        for seed in 0..20 {
            let x = point(op, seed);
            let eager = op.value(&x);
            let graph = Graph::new();
            let inputs = graph.inputs("x", x.len());
            let y = graph.apply(op, &inputs);
            let program = graph.compile(&[y]).expect("one node compiles");
            let names: Vec<String> = inputs.iter().map(|input| input.path()).collect();
            let given: Vec<(&str, f64)> = names.iter().map(String::as_str).zip(x.iter().copied()).collect();
            let duals: Vec<Dual> = x.iter().map(|&x| Dual::variable(x)).collect();
            let mut workspace = program.workspace(1);
            program.outputs_into(&[], &x, &mut workspace).expect("the counts are right");
            let readers = [
                ("eval", y.eval(&given).expect("all are given")),
                ("program", program.forward(&x).expect("the counts are right")[y]),
                ("dual program", program.forward_with(&[], &duals).expect("the counts are right")[y].value),
                ("dual", Dual::apply(op, &duals).value),
                ("lanes", workspace.output(0)[0]),
            ];
            for (reader, got) in readers {
                // Lanes fuse a product and a sum into one rounding: there a dot may differ in the last place.
                let exact = reader != "lanes" || !matches!(op, Op::Dot | Op::Sum);
                let same = got.to_bits() == eager.to_bits() || !exact && (got - eager).abs() <= 4e-15;
                assert!(same, "{reader}: {op:?}{x:?} is {got}, not {eager}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn values_of_random_graphs_have_the_same_bits(recipe in recipes(60), x in [-2.0..2.0, -2.0..2.0, -2.0..2.0]) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let program = graph.compile(&outputs).expect("it compiles");
        let values = program.forward(&x).expect("three inputs");
        let duals: Vec<Dual> = x.iter().map(|&x| Dual::variable(x)).collect();
        let parameters: Vec<Dual> = graph.initial_parameters().into_iter().map(Dual::from).collect();
        let by_duals = program.forward_with(&parameters, &duals).expect("three inputs");
        let given = [("x[0]", x[0]), ("x[1]", x[1]), ("x[2]", x[2])];
        for &output in &outputs {
            let eager = output.eval(&given).expect("all are given");
            prop_assert_eq!(values[output].to_bits(), eager.to_bits());
            prop_assert_eq!(by_duals[output].value.to_bits(), eager.to_bits());
        }
    }

    #[test]
    fn tangents_are_the_gradient_times_the_direction(
        recipe in recipes(60),
        x in [-2.0..2.0, -2.0..2.0, -2.0..2.0],
        direction in [-1.0..1.0, -1.0..1.0, -1.0..1.0],
    ) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let program = graph.compile(&outputs[1..2]).expect("it compiles");
        let values = program.forward(&x).expect("three inputs");
        let gradients = program.reverse(&values);
        let expected: f64 = gradients.inputs().iter().zip(&direction).map(|(g, d)| g * d).sum();
        let scale: f64 = gradients.inputs().iter().map(|g| g.abs()).sum();
        let duals: Vec<Dual> = x.iter().zip(&direction).map(|(&x, &d)| Dual::new(x, d)).collect();
        let parameters: Vec<Dual> = graph.initial_parameters().into_iter().map(Dual::from).collect();
        let got = program.forward_with(&parameters, &duals).expect("three inputs")[outputs[1]].tangent;
        // Both sum the same products over paths, in another order; cancellation between paths is what remains.
        prop_assert!((got - expected).abs() <= 1e-11 * scale.max(1.0), "{} is not {}", got, expected);
    }
}

/// Value, first and second derivative of a function of one number, each by every reader that has it.
fn derivatives(function: impl for<'g> Fn(Expr<'g>) -> Expr<'g>, x: f64) -> [Vec<f64>; 3] {
    let graph = Graph::new();
    let input = graph.input("x");
    let y = function(input);
    let program = graph.compile(&[y]).expect("it compiles");
    let values = program.forward(&[x]).expect("one input");
    let by_duals = program.forward_with(&[], &[Dual::variable(x)]).expect("one input");
    let nested = Dual::new(Dual::variable(x), Dual::from(1.0));
    let twice = program.forward_with(&[], &[nested]).expect("one input");
    let over = program.reverse(&by_duals)[input];
    let mut workspace = program.workspace(9);
    program.gradient_into(&[], &[x; 9], &[1.0], &mut workspace).expect("nine lanes of one input");
    let eager = y.eval(&[("x", x)]).expect("it is given");
    let slope = y.derive(&[input])[0];
    let curvature = slope.derive(&[input])[0];
    let derived = graph.compile(&[slope, curvature]).expect("it compiles");
    let derived_values = derived.forward(&[x]).expect("one input");
    let slope_program = graph.compile(&[slope]).expect("it compiles");
    let back = slope_program.reverse(&slope_program.forward(&[x]).expect("one input"))[input];
    [
        vec![eager, values[y], by_duals[y].value, twice[y].value.value, workspace.output(0)[8]],
        vec![
            program.reverse(&values)[input],
            by_duals[y].tangent,
            over.value,
            twice[y].value.tangent,
            workspace.input(0)[8],
            derived_values[slope],
        ],
        vec![over.tangent, twice[y].tangent.tangent, derived_values[curvature], back],
    ]
}

#[track_caller]
fn holds(what: &str, got: &[Vec<f64>; 3], expected: [f64; 3]) {
    for (order, (got, expected)) in got.iter().zip(expected).enumerate() {
        for (reader, got) in got.iter().enumerate() {
            let tolerance = 1e-13 * f64::abs(expected) + 2e-323;
            assert!(
                (got - expected).abs() <= tolerance,
                "{what}, order {order}, reader {reader}: {got}, not {expected}"
            );
        }
    }
}

#[test]
fn a_zero_absorbs_what_is_not_finite() {
    holds("√ at −1", &derivatives(|x| x.constant(0.0).less(x).select(x.sqrt(), 0.0), -1.0), [0.0, 0.0, 0.0]);
    holds("√ at 0", &derivatives(|x| x.constant(0.0).less(x).select(x.sqrt(), 0.0), 0.0), [0.0, 0.0, 0.0]);
    holds("√ at 1", &derivatives(|x| x.constant(0.0).less(x).select(x.sqrt(), 0.0), 1.0), [1.0, 0.5, -0.25]);
    holds("ln at −1", &derivatives(|x| x.constant(0.0).less(x).select(x.ln(), 0.0), -1.0), [0.0, 0.0, 0.0]);
    holds("ln at 0", &derivatives(|x| x.constant(0.0).less(x).select(x.ln(), 0.0), 0.0), [0.0, 0.0, 0.0]);
    holds("ln at 1", &derivatives(|x| x.constant(0.0).less(x).select(x.ln(), 0.0), 1.0), [0.0, 1.0, -1.0]);
    holds("1/x at −1", &derivatives(|x| x.constant(0.0).less(x).select(1.0 / x, 0.0), -1.0), [0.0, 0.0, 0.0]);
    holds("1/x at 0", &derivatives(|x| x.constant(0.0).less(x).select(1.0 / x, 0.0), 0.0), [0.0, 0.0, 0.0]);
    holds("1/x at 1", &derivatives(|x| x.constant(0.0).less(x).select(1.0 / x, 0.0), 1.0), [1.0, -1.0, 2.0]);
    holds("sin² at 0", &derivatives(|x| x.sin().square(), 0.0), [0.0, 0.0, 2.0]);
}

#[test]
fn saturated_sigmoids_have_their_tiny_derivatives() {
    // sech² x = 4e^(−2x) and σ′(x) = e^(−x) far out, to more digits than a double has; below the doubles they are 0.
    for sign in [1.0, -1.0] {
        holds("tanh ±711", &derivatives(|x| x.tanh(), sign * 711.0), [sign, 0.0, 0.0]);
        holds("tanh ±1000", &derivatives(|x| x.tanh(), sign * 1000.0), [sign, 0.0, 0.0]);
        let tiny = 1.646_733_675_224_79e-309;
        let below = if sign > 0.0 { 1.0 } else { tiny };
        holds("σ ±711", &derivatives(|x| x.sigmoid(), sign * 711.0), [below, tiny, -sign * tiny]);
        let below = if sign > 0.0 { 1.0 } else { 0.0 };
        holds("σ ±1000", &derivatives(|x| x.sigmoid(), sign * 1000.0), [below, 0.0, 0.0]);
    }
}
