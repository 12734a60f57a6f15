//! The first number that is not finite is found, by path, with what it was computed from.

mod corpus;

use corpus::{build, recipes};
use dagrad::{Expr, Graph, GraphError, Quantity};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_found_has_finite_operands(recipe in recipes(40), place in 0..3_usize) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let program = graph.compile(&outputs).expect("it compiles");
        let mut point = [0.4, -0.7, 0.2];
        prop_assert_eq!(graph.non_finite_value(&program.forward(&point).expect("three inputs")), Ok(None));
        point[place] = f64::NAN;
        let values = program.forward(&point).expect("three inputs");
        let found = graph.non_finite_value(&values).expect("its own values").expect("the input itself");
        prop_assert_eq!(found.path, format!("x[{place}]"));
        prop_assert!(found.number.is_nan() && found.by.is_none());
    }
}

#[test]
fn what_is_found_is_the_first_in_order_of_evaluation() {
    let graph = Graph::new();
    let x = graph.input("x");
    let first = (x - 1.0).ln().named("first");
    let second = (first * 2.0).exp().recip().named("second");
    let values = graph.compile(&[second]).expect("it compiles").forward(&[1.0]).expect("one input");
    let found = graph.non_finite_value(&values).expect("its own values").expect("ln 0 is infinite");
    assert_eq!((found.path.as_str(), found.number), ("first", f64::NEG_INFINITY));
    let by = found.by.expect("an operation");
    assert!(by.operands.iter().all(|(_, value)| value.is_finite()), "{:?}", by.operands);
}

#[test]
fn messages_say_what_and_where() {
    type Build = for<'g> fn(Expr<'g>) -> Expr<'g>;
    let cases: [(Build, f64); 8] = [
        (|x| x.graph().group("softplus by hand", || (x.exp() + 1.0).ln()), 710.0),
        (|x| x.graph().group("rms", || x / (x - 3.0)), 3.0),
        (|x| x.graph().group("norm", || (x * x).sqrt().named("length")), 0.0),
        (|x| x.pow(0.5), -2.0),
        (|x| x.graph().product(&[x; 9]), 1e40),
        (|x| (x + x) * 1e308, 5.0),
        (|x| x.asin(), 1.0),
        (|x| x.sin(), f64::INFINITY),
    ];
    let messages = cases.map(|(build, at)| {
        let graph = Graph::new();
        let x = graph.input("x");
        let program = graph.compile(&[build(x)]).expect("it compiles");
        let values = program.forward(&[at]).expect("one input");
        let gradients = program.reverse(&values);
        let of_value = graph.non_finite_value(&values).expect("its own values");
        let of_adjoint = graph.non_finite_adjoint(&values, &gradients).expect("its own adjoints");
        assert!(of_value.iter().all(|found| found.quantity == Quantity::Value));
        [of_value, of_adjoint].into_iter().flatten().map(|found| found.to_string()).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn values_of_another_graph_are_an_error() {
    let (graph, other) = (Graph::new(), Graph::new());
    let x = other.input("x");
    let values = other.compile(&[x.ln()]).expect("it compiles").forward(&[0.0]).expect("one input");
    assert_eq!(graph.non_finite_value(&values), Err(GraphError::ForeignNode));
}
