//! The transformer of `examples/microgpt` gives the losses and the gradient of an independent computation.

#[path = "../examples/microgpt/model.rs"]
#[allow(dead_code, reason = "the example uses all of it")]
mod model;
#[path = "../examples/microgpt/training.rs"]
mod training;

use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

#[test]
fn losses_and_gradient_agree_with_the_reference() {
    let truth: Value = serde_json::from_str(include_str!("data/microgpt.json")).expect("it is JSON");
    let tolerance = truth["tol_rel"].as_f64().expect("a number");
    let documents: Vec<Vec<usize>> = truth["documents"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|document| model::tokens(document.as_str().expect("a word")).expect("letters"))
        .collect();
    let mut training = training::Training::new(numbers(&truth["weights"]));
    let gradient = training.gradient(&documents[0]).expect("it runs");
    let expected = numbers(&truth["gradient_at_first_document"]);
    assert_eq!(gradient.len(), 4192);
    let scale = expected.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
    for (place, (got, expected)) in gradient.iter().zip(&expected).enumerate() {
        assert!((got - expected).abs() <= tolerance * scale, "weight {place}: {got}, not {expected}");
    }
    for (step, (document, expected)) in documents.iter().zip(numbers(&truth["loss_before_step"])).enumerate() {
        let loss = training.step(document).expect("it runs");
        assert!((loss - expected).abs() <= tolerance * expected, "step {step}: {loss}, not {expected}");
    }
}
