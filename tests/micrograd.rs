//! The example by which micrograd introduces itself, with the numbers that it prints.
//!
//! A. Karpathy, micrograd, <https://github.com/karpathy/micrograd>, README, "Example usage".

use dagrad::{Error, Graph};

#[test]
fn the_expression_of_micrograds_readme_has_its_value_and_gradient() -> Result<(), Error> {
    let graph = Graph::new();
    let (a, b) = (graph.input("a"), graph.input("b"));
    let c0 = a + b;
    let d0 = a * b + b.powi(3);
    let c1 = c0 + c0 + 1.0;
    let c2 = c1 + 1.0 + c1 - a;
    let d1 = d0 + 2.0 * d0 + (b + a).relu();
    let d2 = d1 + 3.0 * d1 + (b - a).relu();
    let e = c2 - d2;
    let f = e.square();
    let g = f / 2.0 + 10.0 / f;

    let program = graph.compile(&[g])?;
    let values = program.forward(&[-4.0, 2.0])?;
    let gradients = program.reverse(&values);
    let got = [values[g], gradients[a], gradients[b]].map(|number| format!("{number:.4}"));
    assert_eq!(got, ["24.7041", "138.8338", "645.5773"]);
    Ok(())
}
