//! The gradient as more graph.

mod corpus;

use corpus::{Recipe, build, is_logsumexp, recipes};
use dagrad::{Dual, Expr, Graph, Program};
use proptest::prelude::{ProptestConfig, TestCaseError, prop_assert, proptest};

/// Whether two numbers are the same but for the sign of zeros.
fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

fn parameters<S: From<f64>>(program: &Program) -> Vec<S> {
    program.initial_parameters().iter().map(|&value| S::from(value)).collect()
}

/// The gradient of the second output, derived and by the reverse pass.
fn both(recipe: &Recipe, x: &[f64]) -> Result<(Vec<f64>, Vec<f64>), TestCaseError> {
    let graph = Graph::new();
    let outputs = build(&graph, recipe);
    let leaves: Vec<Expr> = graph.all_inputs().into_iter().chain(graph.all_parameters()).collect();
    let before = graph.len();
    let derived = outputs[1].derive(&leaves);
    let program = graph.compile(&outputs[1..2]).expect("it compiles");
    let n = program.operation_count() + leaves.len();
    prop_assert!(graph.len() - before <= 5 * n, "{} nodes for {n}", graph.len() - before);
    let gradients = program.reverse(&program.forward(x).expect("three inputs"));
    let values = graph.compile(&derived).expect("it compiles").forward(x).expect("three inputs");
    Ok(leaves.iter().zip(&derived).map(|(leaf, own)| (values[*own], gradients.get(*leaf).unwrap_or(0.0))).unzip())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_derived_gradient_has_the_bits_of_the_reverse_pass(recipe in recipes(60), x in [-2.0..2.0, -2.0..2.0, -2.0..2.0]) {
        let plain: Recipe = recipe.iter().map(|&(kind, picks)| (if is_logsumexp(kind) { 0 } else { kind }, picks)).collect();
        let (derived, reverse) = both(&plain, &x)?;
        prop_assert!(derived.iter().zip(&reverse).all(|(&a, &b)| same(a, b)), "{derived:?} is not {reverse:?}");
        // The reverse pass takes the partials of a log-sum-exp from the exponentials that the value has.
        let (derived, reverse) = both(&recipe, &x)?;
        let scale = reverse.iter().fold(0.0, |most: f64, e| most.max(e.abs()));
        let close = |(&a, &b): (&f64, &f64)| same(a, b) || (a - b).abs() <= 1e-10 * scale;
        prop_assert!(derived.iter().zip(&reverse).all(close), "{derived:?} is not {reverse:?}");
    }

    #[test]
    fn deriving_twice_agrees_with_duals_over_the_reverse_pass(recipe in recipes(12), x in [-2.0..2.0, -2.0..2.0, -2.0..2.0]) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let inputs = graph.all_inputs();
        let program = graph.compile(&outputs[1..2]).expect("it compiles");
        for (direction, slope) in outputs[1].derive(&inputs).into_iter().enumerate() {
            let derived = graph.compile(&slope.derive(&inputs)).expect("it compiles");
            let derived: Vec<f64> = derived.forward(&x).expect("three inputs").outputs().collect();
            let seeded: Vec<Dual> =
                x.iter().enumerate().map(|(i, &x)| Dual::new(x, f64::from(u8::from(i == direction)))).collect();
            let values = program.forward_with(&parameters::<Dual>(&program), &seeded).expect("three inputs");
            let gradients = program.reverse(&values);
            let expected: Vec<f64> = gradients.inputs().iter().map(|adjoint| adjoint.tangent).collect();
            // Sums over paths in another order; where they cancel, the greatest sets the scale.
            let scale = expected.iter().fold(1.0, |most: f64, e| most.max(e.abs()));
            for (got, expected) in derived.iter().zip(&expected) {
                prop_assert!((got - expected).abs() <= 1e-7 * scale, "{derived:?} is not {expected}");
            }
        }
    }
}

#[test]
fn dependence_decides_what_is_made() {
    let graph = Graph::new();
    let (x, y) = (graph.input("x"), graph.input("y"));
    let z = x.pow(3.0);
    let before = graph.len();
    let by_x = z.derive(&[x])[0];
    assert_eq!(graph.len() - before, 4, "3, x², 2 and the product: nothing for the exponent");
    let zero = z.derive(&[y])[0];
    assert_eq!(zero.kind(), dagrad::Kind::Constant(0.0));
    assert_eq!(z.derive(&[z])[0].kind(), dagrad::Kind::Constant(1.0));
    assert_eq!(by_x.eval(&[("x", -2.0)]), Ok(12.0));
    assert_eq!(x.derive(&[z])[0].kind(), dagrad::Kind::Constant(0.0), "a leaf depends on nothing");
}

#[test]
fn derived_nodes_stand_in_mirror_groups_with_readable_names() {
    let graph = Graph::new();
    let x = graph.input("x");
    let (z, a) = graph.group("layer 1", || {
        graph.group("neuron 0", || {
            let w = graph.parameter("w", 0.5);
            let z = (w * x).named("z");
            (z, (z.tanh() * z.exp()).named("a"))
        })
    });
    let w = graph.find("w").expect("one w");
    let slope = a.derive(&[w])[0];
    assert_eq!(slope.path(), "∂ layer 1 / ∂ neuron 0 / ∂ w");
    assert_eq!(graph.find("∂ z").expect("an adjoint on the way").path(), "∂ layer 1 / ∂ neuron 0 / ∂ z");
    assert_eq!(slope.derive(&[z])[0].path(), "∂² layer 1 / ∂² neuron 0 / ∂² z");
    assert_eq!(slope.derive(&[w])[0].path(), "∂² layer 1 / ∂² neuron 0 / ∂² w");
}

#[test]
fn a_chain_of_a_million_nodes_is_derived_without_recursion() {
    let graph = Graph::new();
    let x = graph.input("x");
    let y = (0..1_000_000).fold(x, |x, _| x.sin());
    let before = graph.len();
    let slope = y.derive(&[x])[0];
    assert_eq!(graph.len() - before, 2 * 1_000_000 - 1, "a cosine and a product for each, one product less");
    assert_eq!(slope.eval(&[("x", 0.0)]), Ok(1.0));
}
