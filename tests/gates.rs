//! Gates of few neurons, and polynomials as networks of them: lecture rows 57 and 85 to 88.

use dagrad::element::{Unit, and_gate, multiplication_gate};
use dagrad::model::polynomial_as_network;
use dagrad::view::Role;
use dagrad::{ElementSet, Expr, Graph, GraphError, Op};

const AT: [f64; 4] = [1.0, 2.0, 3.0, 4.0];

fn gate_at(unit: Unit, scale: f64) -> f64 {
    let graph = Graph::new();
    let (u, v) = (graph.input("u"), graph.input("v"));
    let product = multiplication_gate(u, v, unit, scale).expect("the unit bends");
    product.eval(&[("u", 2.0), ("v", 3.0)]).expect("two inputs")
}

/// How many groups of a name a function has.
fn count(function: Expr<'_>, name: &str) -> usize {
    let view = function.graph().view(&[function], &ElementSet::groups([name])).expect("everything is in the set");
    view.elements().iter().filter(|element| element.role == Role::Group).count()
}

fn gradient(function: Expr<'_>, at: &[f64]) -> Vec<f64> {
    let program = function.graph().compile(&[function]).expect("a small graph");
    let values = program.forward(at).expect("as many inputs");
    program.reverse(&values).inputs().to_vec()
}

/// (x₁x₂ + x₂x₃)(x₂x₃ + x₃x₄) with its factor shared, and as a sum of monomials.
fn polynomials<'g>(x: &[Expr<'g>]) -> [Expr<'g>; 2] {
    let shared = x[1] * x[2];
    let factored = (x[0] * x[1] + shared) * (shared + x[2] * x[3]);
    let monomial = |places: [usize; 4]| places[1..].iter().fold(x[places[0]], |all, &place| all * x[place]);
    let expanded = [[0, 1, 1, 2], [0, 1, 2, 3], [1, 2, 1, 2], [1, 2, 2, 3]].map(monomial);
    [factored, expanded[0] + expanded[1] + expanded[2] + expanded[3]]
}

/// The gate at (2, 3) for λ = 1, 0.1, 0.01 and 0.001, up to the rounding of four σ over 4 λ² σ″: 8e-11 for softplus at
/// the last.
fn assert_gate(unit: Unit, curvature: f64, exact: [f64; 4]) {
    for (scale, exact) in [1.0, 0.1, 0.01, 0.001].into_iter().zip(exact) {
        let got = gate_at(unit, scale);
        let floor = 2e-17 / (curvature * scale * scale);
        assert!((got - exact).abs() <= floor + 1e-15, "{unit:?}, λ {scale}: {got}, not {exact}");
    }
}

#[test]
fn a_softplus_gate_multiplies() {
    let exact = [3.386_907_321_941_790_4, 5.936_064_821_307_157, 5.999_350_108_479_417, 5.999_993_500_010_85];
    assert_gate(Unit::SOFTPLUS, 0.25, exact);
}

#[test]
fn a_biased_logistic_gate_multiplies() {
    // By 50-digit arithmetic; the lecture prints the first digits.
    let exact = [1.211_033_761_549_993_5, 5.871_111_144_765_99, 5.998_700_108_527_436, 5.999_987_000_010_85];
    assert_gate(Unit::LOGISTIC, 0.096, exact);
}

#[test]
fn the_error_of_a_gate_falls_with_the_square_of_the_scale() {
    let (u, v) = (2.0_f64, 3.0_f64);
    for (unit, share) in [(Unit::SOFTPLUS, 12.0), (Unit::LOGISTIC, 6.0)] {
        for scale in [0.03, 0.01] {
            let got = gate_at(unit, scale) / (u * v) - 1.0;
            let law = -(u * u + v * v) * scale * scale / share;
            assert!((got / law - 1.0).abs() < 0.01, "{unit:?}, λ {scale}: {got}, not {law}");
        }
    }
}

#[test]
fn an_activation_without_curvature_is_refused_with_the_reason() {
    let graph = Graph::new();
    let (u, v) = (graph.input("u"), graph.input("v"));
    let refused = |activation, bias| multiplication_gate(u, v, Unit { activation, bias }, 0.01).unwrap_err();
    for (activation, name) in [(Op::Tanh, "tanh"), (Op::Sigmoid, "sigmoid")] {
        let error = refused(activation, 0.0);
        assert!(matches!(error, GraphError::NoCurvature { .. }), "{error:?}");
        assert!(error.to_string().contains(name) && error.to_string().contains("σ″(0) = 0"), "{error}");
        assert!(multiplication_gate(u, v, Unit { activation, bias: 0.5 }, 0.01).is_ok());
    }
    assert!(matches!(refused(Op::Add, 1.0), GraphError::NotAnActivation { .. }));
    // At the logistic's bias its curvature is greatest: σ″(ln(2 + √3)) = −√3/18.
    let graph = Graph::new();
    let z = graph.input("z");
    let slope = z.sigmoid() * (1.0 - z.sigmoid());
    let curvature = gradient(slope, &[Unit::LOGISTIC.bias])[0];
    assert!((curvature + 0.096_225_044_864_937_63).abs() < 1e-15, "{curvature}");
}

#[test]
fn one_neuron_takes_the_and_of_bits() {
    for bits in [2, 3, 5] {
        for (sharpness, most) in [
            (10.0, 0.006_692_850_924_284_856),
            (20.0, 4.539_786_870_243_439_5e-5),
            (27.631_019_115_927_547, 1e-6),
            (40.0, 2.061_153_618_190_203_7e-9),
        ] {
            let graph = Graph::new();
            let x = graph.inputs("bit", bits);
            let program = graph.compile(&[and_gate(&graph, &x, sharpness)]).expect("a small graph");
            let error = |pattern: u32| {
                let at: Vec<f64> = (0..bits).map(|bit| f64::from(pattern >> bit & 1)).collect();
                let value = program.forward(&at).expect("as many inputs").outputs().next().expect("one output");
                (value - f64::from(u8::from(at.iter().all(|&bit| bit == 1.0)))).abs()
            };
            let worst = (0..1 << bits).map(error).fold(0.0, f64::max);
            assert!((worst / most - 1.0).abs() < 1e-7, "{bits} bits, β {sharpness}: {worst:e}, not {most:e}");
        }
    }
}

#[test]
fn a_polynomial_becomes_a_network_of_as_many_gates_as_products() {
    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    let [factored, expanded] = polynomials(&x);
    for (polynomial, gates) in [(factored, 4), (expanded, 12)] {
        let network = polynomial_as_network(polynomial, Unit::SOFTPLUS, 0.01).expect("a polynomial");
        assert_eq!((count(network, "gate"), count(network, "neuron")), (gates, 4 * gates));
    }
    for (scale, error) in [(1e-2, -3.48e-3), (1e-3, -3.5e-5), (1e-4, -3.5e-7)] {
        let network = polynomial_as_network(factored, Unit::SOFTPLUS, scale).expect("a polynomial");
        let program = graph.compile(&[factored, network]).expect("a small graph");
        let values = program.forward(&AT).expect("four inputs");
        assert_eq!(values[factored], 144.0);
        let got = values[network] / 144.0 - 1.0;
        assert!((got / error - 1.0).abs() < 0.01, "λ {scale}: {got:e}, not {error:e}");
    }
    assert_eq!(gradient(factored, &AT), [36.0, 96.0, 84.0, 24.0]);
}

#[test]
fn the_gradient_of_a_network_is_that_of_its_polynomial() {
    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    let [factored, _] = polynomials(&x);
    let network = polynomial_as_network(factored, Unit::SOFTPLUS, 1e-3).expect("a polynomial");
    for (got, want) in gradient(network, &AT).into_iter().zip([36.0, 96.0, 84.0, 24.0]) {
        assert!((got / want - 1.0).abs() < 2e-4, "{got}, not {want}");
    }
}

#[test]
fn a_product_of_ten_takes_nine_gates() {
    let graph = Graph::new();
    let x = graph.inputs("x", 10);
    let chain = x[1..].iter().fold(x[0], |all, &x| all * x);
    for product in [chain, graph.product(&x)] {
        let network = polynomial_as_network(product, Unit::SOFTPLUS, 0.01).expect("a polynomial");
        assert_eq!((count(network, "neuron"), 1 << 10), (36, 1024));
    }
}

#[test]
fn what_is_no_polynomial_is_refused_by_its_path() {
    let graph = Graph::new();
    let x = graph.input("x");
    let y = graph.group("head", || (x * x).exp().named("e"));
    let error = polynomial_as_network(y + x, Unit::SOFTPLUS, 0.01).unwrap_err();
    assert!(error.to_string().starts_with("`head / e` is exp"), "{error}");
}
