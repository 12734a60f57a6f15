//! Bad input: a typed error with its path, a documented result, or a panic at the line of the caller's bug.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dagrad::{Expr, Graph, GraphError, NodeId, Op, ProgramError};

thread_local! {
    /// File, line and message of the last panic of this thread.
    static LAST_PANIC: RefCell<Option<(String, u32, String)>> = const { RefCell::new(None) };
}

/// Where a call panics, and what it says; the law is that it is the line of the call.
#[track_caller]
fn panic_of(call: impl FnOnce()) -> String {
    let line = std::panic::Location::caller().line();
    std::panic::set_hook(Box::new(|info| {
        let location = info.location().expect("a panic has a place");
        let payload = info.payload();
        let message = payload.downcast_ref::<String>().cloned();
        let message = message.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        LAST_PANIC.set(Some((location.file().to_owned(), location.line(), message)));
    }));
    let result = catch_unwind(AssertUnwindSafe(call));
    let _ = std::panic::take_hook();
    assert!(result.is_err(), "the call at line {line} does not panic");
    let (file, at, message) = LAST_PANIC.take().expect("the hook has seen it");
    assert!(
        file.ends_with("errors.rs") && at == line,
        "the panic points at {file}:{at}, not at line {line}: {message}"
    );
    message
}

#[test]
fn a_bug_of_the_caller_panics_at_the_callers_line() {
    let (here, there) = (Graph::new(), Graph::new());
    let (x, foreign) = (here.input("x"), there.input("x"));
    let gone = here.input("gone");
    here.remove(&[gone.id()]).expect("nothing uses it");
    let program = here.compile(&[x * x]).expect("compiles");
    let other = here.compile(&[x + x]).expect("compiles");
    let values = program.forward(&[1.0]).expect("one input");
    let late = x.sin();

    let mut said = Vec::new();
    said.push(panic_of(|| _ = x + foreign));
    said.push(panic_of(|| _ = x.hypot(foreign)));
    said.push(panic_of(|| _ = x.max(foreign)));
    said.push(panic_of(|| _ = here.sum(&[x, foreign])));
    said.push(panic_of(|| _ = here.dot(&[x], &[foreign])));
    said.push(panic_of(|| _ = -gone));
    said.push(panic_of(|| _ = 2.0 * gone));
    said.push(panic_of(|| _ = gone.sin()));
    said.push(panic_of(|| _ = gone.named("back")));
    said.push(panic_of(|| _ = gone.path()));
    said.push(panic_of(|| _ = gone.kind()));
    said.push(panic_of(|| _ = gone.operands()));
    said.push(panic_of(|| _ = gone.depth()));
    said.push(panic_of(|| _ = values[foreign]));
    said.push(panic_of(|| _ = values[late]));
    said.push(panic_of(|| _ = program.reverse(&values)[foreign]));
    said.push(panic_of(|| _ = other.reverse(&values)));
    said.push(panic_of(|| _ = other.forward_into(&[], &[1.0], &mut values.clone())));
    said.push(panic_of(|| _ = Op::Mul.value(&[1.0])));
    said.push(panic_of(|| _ = here.apply(Op::Dot, &[x])));
    said.push(panic_of(|| _ = dagrad::vjp(|x| vec![x[0]], &[1.0], &[])));
    said.push(panic_of(|| _ = dagrad::jvp(|x| vec![x[0]], &[1.0], &[])));
    said.dedup();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn every_error_says_what_and_where() {
    let (graph, other) = (Graph::new(), Graph::new());
    let x = graph.input("x");
    let gone = graph.input("gone");
    let w = graph.group("layer 1", || {
        let neuron = |n: usize| graph.group(&format!("neuron {n}"), || graph.parameters("w", &[0.1, 0.2]));
        [neuron(0), neuron(1)]
    });
    let y = (w[0][0] * x).named("y");
    graph.remove(&[gone.id()]).expect("nothing uses it");
    let program = graph.compile(&[y]).expect("compiles");
    let graph_errors: Vec<GraphError> = vec![
        graph.find("").unwrap_err(),
        graph.find("layer 1 / neuron 1 / v[0]").unwrap_err(),
        graph.find("entirely different").unwrap_err(),
        graph.find("w[1]").unwrap_err(),
        graph.find("mul #99").unwrap_err(),
        graph.expr(gone.id()).unwrap_err(),
        other.expr(x.id()).unwrap_err(),
        graph.remove(&[w[0][0].id()]).unwrap_err(),
        graph.remove(&[gone.id()]).unwrap_err(),
        graph.dot(&w[0], &[x]).unwrap_err(),
        graph.group("layer 2", || graph.group("neuron 7", || graph.dot(&w[0], &[x]))).unwrap_err(),
        gone.eval(&[]).unwrap_err(),
        y.eval(&[]).unwrap_err(),
        y.eval(&[("X", 1.0)]).unwrap_err(),
        y.eval(&[("y", 1.0)]).unwrap_err(),
    ];
    let program_errors: Vec<ProgramError> = vec![
        graph.compile(&[y, other.input("x")]).unwrap_err(),
        graph.compile(&[gone]).unwrap_err(),
        program.forward(&[]).unwrap_err(),
        program.forward_with(&[1.0], &[1.0]).unwrap_err(),
        program.reverse_into(&program.values::<f64>(), &[], &mut program.gradients()).unwrap_err(),
        program.values::<f64>().get(gone).unwrap_err(),
    ];
    let lines: Vec<String> =
        (graph_errors.iter().map(ToString::to_string)).chain(program_errors.iter().map(ToString::to_string)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_is_not_an_error_has_the_documented_result() {
    let graph = Graph::new();
    let x = graph.input("x");
    let nan = graph.parameter("w", f64::NAN);
    let outputs = [
        graph.sum(&[]),
        graph.product(&[]),
        graph.max(&[]),
        graph.min(&[]),
        graph.logsumexp(&[]),
        graph.dot(&[], &[]).expect("two empty lists"),
        x.powi(i32::MIN),
        nan.max(x),
        nan.min(x),
        nan * x,
        graph.constant(3.0),
        x,
    ];
    let program = graph.compile(&outputs).expect("compiles");
    let values = program.forward(&[1.0]).expect("one input");
    let got: Vec<f64> = values.outputs().collect();
    let expected = [
        0.0,
        1.0,
        f64::NEG_INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        1.0,
        f64::NAN,
        f64::NAN,
        f64::NAN,
        3.0,
        1.0,
    ];
    for ((output, got), expected) in outputs.iter().zip(got).zip(expected) {
        assert_eq!(got.to_bits(), expected.to_bits(), "{output:?} is {got}, not {expected}");
    }
    let mut gradients = program.gradients();
    let mut derivative = |output: usize| {
        let mut seeds = [0.0; 12];
        seeds[output] = 1.0;
        program.reverse_into(&values, &seeds, &mut gradients).expect("twelve seeds");
        gradients[x]
    };
    assert_eq!(derivative(6), f64::from(i32::MIN));
    assert_eq!(derivative(10), 0.0, "an output that depends on nothing");
    assert_eq!(derivative(11), 1.0, "an output that is an input");
}

#[test]
fn strange_names_do_no_harm() {
    let graph = Graph::new();
    let long = "x".repeat(10_000);
    for name in ["", " / ", "a / b", "a\nb", "\0", "é", "w[3]", "tanh #3", &long] {
        let node = graph.input(name);
        let found = graph.find(&node.path());
        assert_eq!(found.map(Expr::id), Ok(node.id()), "{name:?} is not found by its own path");
    }
}

#[test]
fn a_group_closes_when_its_closure_panics() {
    let graph = Graph::new();
    let result = catch_unwind(AssertUnwindSafe(|| graph.group("outer", || graph.group("inner", || panic!("stop")))));
    assert!(result.is_err());
    assert_eq!(graph.input("x").path(), "x");
}

#[test]
fn a_path_is_found_among_many_in_reasonable_time() {
    let graph = Graph::new();
    let layers: Vec<Vec<Expr>> =
        (0..100).map(|layer| graph.group(&format!("layer {layer}"), || graph.parameters("w", &[0.0; 1000]))).collect();
    let ids: Vec<NodeId> = [0, 50, 99].map(|layer| layers[layer][layer].id()).to_vec();
    let found = [0, 50, 99].map(|layer| graph.find(&format!("layer {layer} / w[{layer}]")).expect("it is there").id());
    assert_eq!(found.to_vec(), ids);
}
