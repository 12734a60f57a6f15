//! Jacobians, Hessians and their products with vectors: by duals, by deriving, and by each other.

mod corpus;

use corpus::{build, recipes};
use dagrad::{Expr, Graph, ProgramError, Verdict};
use insta::assert_snapshot;
use proptest::prelude::{ProptestConfig, prop_assert, proptest};

/// Whether two numbers agree to rounding, where both have summed terms of size `scale`.
fn close(a: f64, b: f64, scale: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * scale.max(a.abs()).max(b.abs()).max(1e-300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// One row for each output by reverse passes; the other shapes must not change a number.
    #[test]
    fn jacobians_are_the_same_by_any_route(recipe in recipes(25), point in proptest::array::uniform4(-2.0..2.0)) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let by = graph.all_inputs();
        let at = &point[..by.len()];
        let program = graph.compile(&outputs).expect("it compiles");
        let values = program.forward(at).expect("as many inputs");
        let by_reverse: Vec<Vec<f64>> = (outputs.iter())
            .map(|&y| {
                let program = graph.compile(&[y]).expect("it compiles");
                program.reverse(&program.forward(at).expect("as many inputs")).inputs().to_vec()
            })
            .collect();
        let wide = program.jacobian(&values, &by).expect("all are computed");
        // Each output twice over, so that there are more of them than variables.
        let tall = graph.compile(&outputs.repeat(3)).expect("it compiles");
        let tall = tall.jacobian(&tall.forward(at).expect("as many inputs"), &by).expect("all are computed");
        let run = |nodes: Vec<Vec<Expr>>| {
            let program = graph.compile(&nodes.concat()).expect("it compiles");
            program.forward(at).expect("as many inputs").outputs().collect::<Vec<f64>>()
        };
        let derived = run(graph.jacobian(&outputs, &by));
        let derived_forwards = run(graph.jacobian(&outputs.repeat(3), &by));
        let most = by_reverse.iter().flatten().fold(0.0, |most: f64, number| most.max(number.abs()));
        for (row, expected) in by_reverse.iter().enumerate() {
            for (column, &expected) in expected.iter().enumerate() {
                let place = row * by.len() + column;
                for got in [wide[row][column], tall[row][column], derived[place], derived_forwards[place]] {
                    prop_assert!(!most.is_finite() || close(got, expected, most), "{} against {}", got, expected);
                }
            }
        }
    }
}

/// Himmelblau's function of two variables, and the sum of a few more terms.
fn function<'g>(x: &[Expr<'g>]) -> Expr<'g> {
    let himmelblau = (x[0] * x[0] + x[1] - 11.0).square() + (x[0] + x[1] * x[1] - 7.0).square();
    (2..x.len()).fold(himmelblau, |sum, i| sum + (x[i] * x[i - 1]).sin() * x[i - 2])
}

#[test]
fn hessians_are_the_same_by_any_route() {
    for count in [2, 3, 5, 11] {
        let point: Vec<f64> = (0..count).map(|i| 0.3 * i as f64 - 1.0).collect();
        let direction: Vec<f64> = (0..count).map(|i| 1.0 - 0.25 * i as f64).collect();
        let by_duals = dagrad::hessian(function, &point);
        let graph = Graph::new();
        let x = graph.inputs("x", count);
        let y = function(&x);
        let nodes = y.hessian(&x);
        let program = graph.compile(&nodes.concat()).expect("it compiles");
        let numbers: Vec<f64> = program.forward(&point).expect("as many inputs").outputs().collect();
        let along: Vec<Expr> = direction.iter().map(|&d| graph.constant(d)).collect();
        let product = graph.compile(&y.hvp(&x, &along).expect("as many")).expect("it compiles");
        let product: Vec<f64> = product.forward(&point).expect("as many inputs").outputs().collect();
        let hvp = dagrad::hvp(function, &point, &direction);
        // ∂ of the gradient, a vector function.
        let of_gradient = dagrad::jacobian(|x| function(x).derive(x), &point);
        for i in 0..count {
            let expected: f64 = by_duals[i].iter().zip(&direction).map(|(h, d)| h * d).sum();
            for got in [product[i], hvp[i]] {
                assert!(close(got, expected, 10.0), "{got} is not {expected}");
            }
            for j in 0..count {
                for got in [numbers[i * count + j], by_duals[j][i], of_gradient[i][j]] {
                    assert!(close(got, by_duals[i][j], 10.0), "{got} is not {}", by_duals[i][j]);
                }
            }
        }
    }
    // Himmelblau (1972) at (3, 2), a minimum: 12x² + 4y − 42, 4x + 4y, 12y² + 4x − 26.
    assert_eq!(dagrad::hessian(function, &[3.0, 2.0]), [[74.0, 20.0], [20.0, 34.0]]);
}

#[test]
fn what_cannot_be_asked_is_an_error() {
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let inside = x[0] * x[1];
    let y = inside.sin();
    let program = graph.compile(&[y]).expect("it compiles");
    let values = program.forward(&[1.0, 2.0]).expect("as many inputs");
    let stranger = Graph::new().input("x").id();
    assert_eq!(program.jacobian(&values, &[stranger]), Err(ProgramError::NotComputed));
    assert_eq!(program.hessian(&values, &[x[0], inside]), Err(ProgramError::NotALeaf { position: 1 }));
    let short = program.hvp(&values, &x, &[1.0]).unwrap_err();
    assert_eq!(short.to_string(), "numbers in the direction: the program takes 2, got 1");
    let short = y.hvp(&x, &[x[0]]).unwrap_err();
    assert_eq!(short.to_string(), "a direction has a number for each variable, got 2 and 1");
    // By a node on the way, the first derivative is had all the same.
    assert_eq!(program.jacobian(&values, &[inside]), Ok(vec![vec![dagrad::elementary::cos(2.0)]]));
    assert_eq!(program.jacobian::<Expr>(&values, &[]), Ok(vec![vec![]]));
    // Derived forwards, since there are more outputs than variables, such a node is a variable of its own as well.
    let forwards = graph.jacobian(&[y, inside, inside * x[0]], &[inside]);
    let at = [("x[0]", 1.0), ("x[1]", 2.0)];
    let numbers: Vec<f64> = forwards.concat().iter().map(|slope| slope.eval(&at).expect("two inputs")).collect();
    assert_eq!(numbers, [dagrad::elementary::cos(2.0), 1.0, 1.0]);
    let along = graph.constant(3.0);
    let product = (inside * inside * x[0]).hvp(&[x[0], inside], &[along, along]).expect("as many");
    // By u = x₀ x₁ the derivative is 2 u x₀, and the derivative of that along (3, 3) is 6 (x₀ + u).
    assert_eq!(product[1].eval(&at), Ok(6.0 * (1.0 + 2.0)));
}

#[test]
fn a_check_of_the_gradient_reads_well() {
    let graph = Graph::new();
    let x = graph.inputs("x", 3);
    let y = graph.group("neuron", || {
        let w = graph.parameters("w", &[0.5, -1.5, 2.0]);
        let z = graph.dot(&w, &x).expect("as many");
        (z.tanh() + x[0].relu() + x[1].stop_gradient() * x[2].ln()).named("a")
    });
    let program = graph.compile(&[y]).expect("it compiles");
    let check = |point: [f64; 3]| {
        graph.check_gradient(&program, &program.forward(&point).expect("as many inputs")).expect("its own program")
    };
    assert_eq!(check([1.0, 0.0, 1e-9]).leaves[2].verdict, Verdict::Agrees, "close to the edge of the domain");
    assert_snapshot!(
        [[1.0, 2.0, 0.75], [0.0, 2.0, 0.75], [1.0, 2.0, -1.0]].map(|point| check(point).to_string()).join("\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_gradient_of_random_graphs_is_confirmed_by_differences(
        recipe in recipes(15), point in proptest::array::uniform4(-2.0..2.0)
    ) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let program = graph.compile(&outputs[1..]).expect("it compiles");
        let values = program.forward(&point[..program.input_count()]).expect("as many inputs");
        let check = graph.check_gradient(&program, &values).expect("its own program");
        for leaf in &check.leaves {
            // Kinks beside the point and cancellation inside mislead differences: they must then be far from sure.
            let unsure = leaf.uncertainty > 1e-6 * leaf.difference.abs();
            let little = (leaf.gradient - leaf.difference).abs() <= 1e-5 * (leaf.difference.abs() + 1e-3);
            prop_assert!(leaf.verdict != Verdict::Differs || unsure || little, "{}", check);
        }
    }
}
