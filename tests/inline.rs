//! Graphs in graphs.

mod corpus;

use corpus::{build, recipes};
use dagrad::{Expr, Graph, GraphError, Op, element};
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_copy_computes_what_the_original_does(recipe in recipes(25), point in proptest::array::uniform3(-2.0..2.0)) {
        let original = Graph::new();
        let outputs = original.group("function", || build(&original, &recipe));
        let program = original.compile(&outputs).expect("it compiles");

        let graph = Graph::new();
        let _ = graph.input("first, so that indices differ");
        let x = graph.inputs("x", 3);
        let bound: Vec<(Expr, Expr)> = original.all_inputs().into_iter().zip(x.iter().copied()).collect();
        let copies = graph.group("here", || graph.inline(&outputs, &bound)).expect("every input is bound");
        let copied = graph.compile(&copies).expect("it compiles");

        let values = program.forward(&point).expect("as many inputs");
        let copied_values = copied.forward(&[&[9.0], &point[..]].concat()).expect("as many inputs");
        let numbers = |values: &dagrad::Values| values.outputs().collect::<Vec<f64>>();
        prop_assert_eq!(bits(&numbers(&values)), bits(&numbers(&copied_values)));
        let (gradients, copied_gradients) = (program.reverse(&values), copied.reverse(&copied_values));
        prop_assert_eq!(bits(gradients.inputs()), bits(&copied_gradients.inputs()[1..]));
        // Only the parameters that the outputs need are copied, with their values and their names.
        for w in graph.all_parameters() {
            let path = w.path();
            let own = original.find(path.strip_prefix("here / ").expect("inside the open group")).expect("the same path");
            prop_assert_eq!(gradients[own].to_bits(), copied_gradients[w].to_bits());
        }
    }
}

#[test]
fn weights_are_shared_where_they_are_replaced() {
    let unit = Graph::new();
    let x = unit.inputs("x", 2);
    let fan = element::Fan { input: 2, output: 1 };
    let neuron = element::neuron(&unit, "neuron", &x, Op::Tanh, fan, &mut |_| 0.5).expect("an activation");
    let w = unit.all_parameters();

    // A recurrent net: the same neuron at every step, its first input the one before.
    let graph = Graph::new();
    let inputs = graph.inputs("u", 3);
    let mut state = graph.constant(0.0);
    let mut weights: Vec<Expr> = vec![];
    for (step, &u) in inputs.iter().enumerate() {
        let bound: Vec<(Expr, Expr)> =
            x.iter().copied().zip([state, u]).chain(w.iter().copied().zip(weights.iter().copied())).collect();
        state = graph.group(&format!("step {step}"), || graph.inline(&[neuron.a], &bound)).expect("all bound")[0];
        weights = graph.all_parameters();
    }
    assert_eq!(graph.all_parameters().len(), 3);
    assert_eq!(state.path(), "step 2 / neuron / a");
    // What is frozen stays so.
    unit.freeze(&w[..1]).expect("a parameter");
    let frozen = Graph::new();
    let bound: Vec<(Expr, Expr)> = x.iter().copied().zip(frozen.inputs("x", 2)).collect();
    let _ = frozen.inline(&[neuron.a], &bound).expect("all bound");
    assert_eq!(frozen.frozen_parameters().iter().map(|w| w.path()).collect::<Vec<_>>(), ["neuron / w[0]"]);
    let bias = unit.initial_parameters()[2];
    let step = |h: f64, u: f64| dagrad::elementary::tanh(0.5 * h + 0.5 * u + bias);
    let expected = [1.0, 2.0, -1.0].into_iter().fold(0.0, step);
    let program = graph.compile(&[state]).expect("it compiles");
    let got = program.forward(&[1.0, 2.0, -1.0]).expect("three inputs")[state];
    assert!((got - expected).abs() < 1e-15, "{got} is not {expected}");
}

#[test]
fn a_graph_may_be_copied_into_itself() {
    let graph = Graph::new();
    let (x, w) = (graph.input("x"), graph.parameter("w", 3.0));
    let y = (w * x + 1.0).square();
    let twice = graph.inline(&[y], &[(x, y), (w, w)]).expect("all bound")[0];
    assert_eq!(graph.all_parameters(), [w]);
    assert_eq!(twice.eval(&[("x", 2.0)]), Ok(148.0 * 148.0));
    // A replaced node need not be a leaf; what only it needed is not copied.
    let before = graph.len();
    let five = graph.constant(5.0);
    let inside = y.operands()[0];
    assert_eq!(graph.inline(&[y], &[(inside, five)]).expect("no input is left")[0].eval(&[]), Ok(25.0));
    assert_eq!(graph.len(), before + 2);
}

#[test]
fn what_cannot_be_copied_is_an_error_and_copies_nothing() {
    let other = Graph::new();
    let (x, y) = (other.input("x"), other.group("pair", || other.input("y")));
    let graph = Graph::new();
    let z = graph.input("z");
    let missing = graph.inline(&[x * y], &[(x, z)]).unwrap_err();
    assert_eq!(missing.to_string(), "the input `pair / y` has no value");
    assert_eq!(graph.inline(&[x * y], &[(z, z), (y, z)]), Err(GraphError::ForeignNode));
    assert_eq!(graph.inline(&[x], &[(x, Graph::new().input("z"))]).map(|_| ()), Err(GraphError::ForeignNode));
    let gone = x.sin();
    other.remove(&[gone.id()]).expect("nothing uses it");
    assert_eq!(graph.inline(&[gone], &[]), Err(GraphError::RemovedNode));
    assert_eq!(graph.len(), 1);
    assert_eq!(graph.inline(&[], &[]), Ok(vec![]));
}
