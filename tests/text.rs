//! Expressions in text.

mod corpus;

use corpus::{build, recipes};
use dagrad::{Dual, Expr, Graph, Kind, Op, Problem, element};
use insta::assert_snapshot;
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
use serde_json::Value;

fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// The nodes that an expression needs, as what they are and which ones they read: leaves by name, names of others aside.
fn structure(expr: Expr<'_>) -> Vec<String> {
    let mut places: Vec<Expr> = vec![];
    let mut said = vec![];
    let mut todo = vec![(expr, false)];
    while let Some((node, ready)) = todo.pop() {
        if places.contains(&node) {
            continue;
        }
        if !ready {
            todo.push((node, true));
            todo.extend(node.operands().into_iter().rev().map(|operand| (operand, false)));
            continue;
        }
        let operands: Vec<usize> = (node.operands().iter())
            .map(|operand| places.iter().position(|other| other == operand).expect("it came before"))
            .collect();
        said.push(match node.kind() {
            Kind::Apply(op) => format!("{op:?}{operands:?}"),
            Kind::Constant(value) => format!("{:016x}", value.to_bits()),
            _ => node.path(),
        });
        places.push(node);
    }
    said
}

#[test]
fn every_function_of_the_reference_has_its_derivatives_by_three_routes() {
    let json: Value = serde_json::from_str(include_str!("data/functions.json")).expect("the file is JSON");
    let mut points = 0;
    for function in json["functions"].as_array().expect("a list") {
        let name = &function["name"];
        let graph = Graph::new();
        let text = |json: &Value| json.as_str().expect("a text").to_owned();
        let x: Vec<Expr> = function["vars"].as_array().expect("a list").iter().map(|x| graph.input(&text(x))).collect();
        let mut source = String::new();
        for statement in function["let"].as_array().expect("a list") {
            source.extend([&text(&statement[0]), " = ", &text(&statement[1]), ";\n"]);
        }
        source += &text(&function["expr"]);
        let y = graph.parse(&source).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(graph.all_inputs(), x, "{name}: every variable was found");
        let program = graph.compile(&[y]).expect("it compiles");
        let slopes = y.derive(&x);
        let bends: Vec<Expr> = slopes.iter().flat_map(|slope| slope.derive(&x)).collect();
        let derived = graph.compile(&[slopes.clone(), bends].concat()).expect("it compiles");
        for point in function["points"].as_array().expect("a list") {
            points += 1;
            let at = numbers(&point["x"]);
            let [of_value, of_gradient, of_hessian] = numbers(&point["tol"])[..] else {
                panic!("{name}: three tolerances")
            };
            let expected_hessian: Vec<f64> = point["hess"].as_array().expect("rows").iter().flat_map(numbers).collect();
            let values = program.forward(&at).expect("as many inputs");
            let near = |what: &str, got: f64, expected: f64, tolerance: f64| {
                assert!((got - expected).abs() <= tolerance, "{name} at {at:?}, {what}: {got} is not {expected}");
            };
            near("value", values[y], point["value"].as_f64().expect("a value"), of_value);
            let by_reverse = program.reverse(&values);
            let derived: Vec<f64> = derived.forward(&at).expect("as many inputs").outputs().collect();
            for (place, expected) in numbers(&point["grad"]).into_iter().enumerate() {
                near("gradient", by_reverse[x[place]], expected, of_gradient);
                near("derived gradient", derived[place], expected, of_gradient);
            }
            for (row, &slope) in slopes.iter().enumerate() {
                let seeded: Vec<Dual> =
                    (0..x.len()).map(|i| Dual::new(at[i], if i == row { 1.0 } else { 0.0 })).collect();
                let duals = program.forward_with(&[], &seeded).expect("as many inputs");
                let over = program.reverse(&duals);
                let slope = graph.compile(&[slope]).expect("it compiles");
                let back = slope.reverse(&slope.forward(&at).expect("as many inputs"));
                for column in 0..x.len() {
                    let entry = row * x.len() + column;
                    let routes = [over[x[column]].tangent, derived[x.len() + entry], back.inputs()[column]];
                    for (route, got) in
                        ["duals over reverse", "derived twice", "derived, then reverse"].iter().zip(routes)
                    {
                        near(route, got, expected_hessian[entry], of_hessian);
                        let apart = routes.iter().fold(0.0, |most: f64, other| most.max((got - other).abs()));
                        assert!(apart <= 2.0 * of_hessian, "{name} at {at:?}: the routes are {apart} apart");
                    }
                }
            }
        }
    }
    assert_eq!(points, 58);
}

/// The derivative of a text by some of its variables, one after the other, at a point.
fn derivative(text: &str, by: &[&str], given: &[(&str, f64)]) -> f64 {
    let graph = Graph::new();
    let mut y = graph.parse(text).expect("it parses");
    for name in by {
        y = y.derive(&[graph.find(name).expect("a variable")])[0];
    }
    y.eval(given).expect("all are given")
}

#[test]
fn derivatives_of_third_order_are_exact() {
    let near = |what: &str, got: f64, expected: f64| {
        assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{what}: {got} is not {expected}");
    };
    // Row 34 of the lecture, 2x⁶ + 8x⁴ − 3x³ + 8x² − 6x + 1 as a chain.
    let chained = "g = x^3 + 2*x; 2*g^2 - 3*g + 1";
    for (x, expected) in [(1.0, [10.0, 45.0, 154.0, 414.0]), (-0.5, sextic(-0.5)), (2.0, sextic(2.0))] {
        for (order, expected) in expected.into_iter().enumerate() {
            near(&format!("row 34 at {x}"), derivative(chained, &["x"; 3][..order], &[("x", x)]), expected);
        }
    }
    for x in [-1.5, 0.0, 0.5, 3.0] {
        near("x^7", derivative("x^7", &["x"; 3], &[("x", x)]), 210.0 * x * x * x * x);
    }
    for (x, y) in [(0.5, 1.5), (-1.0, 0.25), (0.0, 2.0)] {
        let e = dagrad::elementary::exp(x * y);
        let of = |by: [&str; 3]| derivative("exp(x*y)", &by, &[("x", x), ("y", y)]);
        near("∂³ exp(xy) / ∂x³", of(["x"; 3]), y * y * y * e);
        near("∂³ exp(xy) / ∂x²∂y", of(["x", "x", "y"]), (2.0 * y + x * y * y) * e);
        near("∂³ exp(xy) / ∂x∂y²", of(["y", "x", "y"]), (2.0 * x + x * x * y) * e);
    }
    for x in [-3.0, -0.5, 0.0, 1.0, 4.0] {
        let s = dagrad::elementary::sigmoid(x);
        let expected = s * (1.0 - s) * (1.0 - 6.0 * s + 6.0 * s * s);
        near("σ‴", derivative("sigmoid(x)", &["x"; 3], &[("x", x)]), expected);
    }
    // Row 83: −ln N(x; μ, Σ) has the Hessian Σ⁻¹ and no third derivatives.
    let gaussian = "u = x - 1; v = y + 2; (2*u^2 - 2*0.5*u*v + 1.5*v^2)/2 - ln(2*1.5 - 0.25)/2 + ln(2*pi)";
    let precision = [[2.0, -0.5], [-0.5, 1.5]];
    let given = [("x", 0.3), ("y", -0.7)];
    for (i, first) in ["x", "y"].into_iter().enumerate() {
        for (j, second) in ["x", "y"].into_iter().enumerate() {
            near("Σ⁻¹", derivative(gaussian, &[first, second], &given), precision[i][j]);
            for third in ["x", "y"] {
                assert_eq!(derivative(gaussian, &[first, second, third], &given), 0.0);
            }
        }
    }
}

/// Value and three derivatives of 2x⁶ + 8x⁴ − 3x³ + 8x² − 6x + 1.
fn sextic(x: f64) -> [f64; 4] {
    let coefficients = [1.0, -6.0, 8.0, -3.0, 8.0, 0.0, 2.0];
    let mut all = [0.0; 4];
    for (order, value) in all.iter_mut().enumerate() {
        for (power, coefficient) in coefficients.iter().enumerate().skip(order) {
            let falling: f64 = (power - order + 1..=power).map(|factor| factor as f64).product();
            let power: f64 = std::iter::repeat_n(x, power - order).product();
            *value += coefficient * falling * power;
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn text_goes_round_to_the_same_graph(recipe in recipes(25)) {
        let graph = Graph::new();
        let outputs = build(&graph, &recipe);
        let text = outputs[1].to_string();
        let other = Graph::new();
        let back = other.parse(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        prop_assert_eq!(structure(outputs[1]), structure(back), "{}", text);
        // The second time, every name is kept too.
        prop_assert_eq!(&back.to_string(), &Graph::new().parse(back.to_string()).expect("it parses").to_string());
    }
}

#[test]
fn every_row_goes_round_by_its_name() {
    for &op in Op::ALL {
        let graph = Graph::new();
        let count = match op.arity() {
            dagrad::Arity::Fixed(count) => count,
            dagrad::Arity::Any => 4,
        };
        let y = graph.apply(op, &graph.inputs("x", count));
        let other = Graph::new();
        assert_eq!(structure(other.parse(y.to_string()).expect("it parses")), structure(y), "{y}");
        let info = op.info();
        let arguments: Vec<String> = (0..count).map(|place| format!("x[{place}]")).collect();
        let parameters = op.parameters().iter().map(ToString::to_string).collect::<Vec<_>>();
        let call = format!("{}({})", info.name, [arguments, parameters].concat().join(", "));
        let other = Graph::new();
        assert_eq!(structure(other.parse(&call).expect("it parses")), structure(y), "{call}");
    }
}

#[test]
fn forms_are_read_as_the_grammar_says() {
    let value = |text: &str| {
        let graph = Graph::new();
        graph.parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).eval(&[]).expect("no inputs")
    };
    let equal = [
        ("2 + 3*4", 14.0),
        ("2*3 + 4", 10.0),
        ("10 - 4 - 3", 3.0),
        ("24/4/2", 3.0),
        ("-2^2", -4.0),
        ("(-2)^2", 4.0),
        ("2^-1", 0.5),
        ("2^3^2", 512.0),
        ("2^-3^2", 1.0 / 512.0),
        ("-2*-3", 6.0),
        ("--2", 2.0),
        ("2 - -3", 5.0),
        ("4^0.5", 2.0),
        ("max(1, 3, 2) + sum()", 3.0),
        ("a = 2; b = a^a; b*a", 8.0),
        ("a = 2; b = a; b", 2.0),
        ("1e3 + .5 + 1.", 1001.5),
        ("1E-2", 0.01),
        ("leaky_relu(-2, 0.25)", -0.5),
        ("powi(2, -3)", 0.125),
        ("select(less(1, 2), 3, 4)", 3.0),
        ("dot(1, 2, 3, 4)", 14.0),
        ("cos(pi);", -1.0),
        ("-inf", f64::NEG_INFINITY),
        ("`a / b` = 3; `a / b`*2", 6.0),
    ];
    for (text, expected) in equal {
        assert_eq!(value(text), expected, "{text}");
    }
    assert!(value("nan").is_nan());
    assert_eq!(value(&format!("0.{}", "3".repeat(400))), 1.0 / 3.0);
}

#[test]
fn names_are_nodes_of_the_graph_or_new_inputs_in_order() {
    let graph = Graph::new();
    let w = graph.group("layer 1", || graph.parameter("w", 0.5));
    let y = graph.parse("z = `layer 1 / w`*b + a; z^2").expect("it parses");
    assert_eq!(graph.all_parameters(), [w]);
    assert_eq!(graph.all_inputs().iter().map(|x| x.path()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(graph.find("z").expect("named").kind(), Kind::Apply(Op::Add));
    let again = graph.parse(y.to_string().replace("z =", "u =").replace("z^", "u^")).expect("it parses");
    assert_eq!(structure(again), structure(y));
    assert_eq!(graph.all_inputs().len(), 2);
}

#[test]
fn hostile_text_gives_a_result_or_an_error_with_its_place() {
    let parse = |text: &[u8]| {
        let graph = Graph::new();
        let result = graph.parse(text).map(|y| y.depth());
        let error = result.is_err();
        assert!(!error || graph.is_empty(), "an error leaves the graph as it was");
        result
    };
    let refused = |text: &[u8]| parse(text).expect_err("it is no expression").problem().clone();
    let deep = |open: &str, close: &str, count| format!("{}x{}", open.repeat(count), close.repeat(count));
    assert!(matches!(refused(&b"(".repeat(1 << 20)), Problem::Unexpected { .. }));
    assert!(matches!(refused(&[b"(".repeat(1 << 20), b"1".to_vec()].concat()), Problem::Unclosed));
    assert_eq!(parse(deep("(", ")", 1 << 20).as_bytes()), Ok(0));
    assert_eq!(parse(deep("sin(", ")", 100_000).as_bytes()), Ok(100_000));
    assert_eq!(parse(deep("-", "", 1 << 20).as_bytes()), Ok(1 << 20));
    assert_eq!(parse(format!("x{}", "^y".repeat(100_000)).as_bytes()), Ok(100_000));
    assert_eq!(parse(format!("x{}", " + 1.5*x".repeat(1_000_000)).as_bytes()), Ok(1_000_001));
    assert_eq!(parse(format!("sum(x{})", ", x".repeat(1_000_000)).as_bytes()), Ok(1));
    let bound: Vec<String> = (0..100_000).map(|i| format!("a{} = a{i};", i + 1)).collect();
    assert_eq!(parse(format!("a0 = x*x; {} a100000", bound.concat()).as_bytes()), Ok(1));
    assert!(matches!(refused(b"x + \0"), Problem::Unexpected { .. }));
    assert!(matches!(refused(b"x + \xff\xfe"), Problem::NotUtf8));
    assert!(matches!(refused("9".repeat(400).as_bytes()), Problem::NumberTooLarge));
    assert_eq!(parse(format!("0.{}1*x", "0".repeat(400)).as_bytes()), Ok(1));
    assert!(matches!(refused(b""), Problem::Unexpected { .. }));
    assert!(matches!(refused(&b"`".repeat(1001)), Problem::Unclosed));
    assert!(matches!(
        refused(&b"x".repeat(1 << 20).into_iter().chain(*b"(1)").collect::<Vec<_>>()),
        Problem::UnknownOperation { .. }
    ));
    // What was parsed deep is printed and written in LaTeX without recursion too.
    let graph = Graph::new();
    let y = graph.parse(deep("sin(", ")", 100_000)).expect("it parses");
    assert_eq!(y.to_string(), deep("sin(", ")", 100_000));
    assert!(y.latex().len() > 100_000);
}

#[test]
fn errors_point_at_the_place() {
    let graph = Graph::new();
    for _ in 0..2 {
        let _ = graph.input("twice");
    }
    let texts = [
        "x * sinn(x)",
        "a = 1;\nb = leaky_relu(a);\nb",
        "x + sin",
        "powi(x, 2.5)",
        "powi(x, y)",
        "dot(a, b, c)",
        "2x + 1",
        "(a + b * c",
        "max(a, (b, c))",
        "a + * b",
        "x = 1; y = x; x = 2; y",
        "y = 2*x; x = 3; y",
        "twice + 1",
        "a b",
        "y = x + 1;",
        "x = 3",
        "f(x) + tan h(x)",
        "1e400 * x",
        "x ? 1 : 2",
        "`never closed",
        "step = 3; step",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa + bbbbbbbbbbb + sim(x) + cccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
    ];
    let said: Vec<String> =
        texts.iter().map(|text| graph.parse(text).expect_err("it is no expression").to_string()).collect();
    assert_snapshot!(said.join("\n\n"));
    let bytes = graph.parse(b"x +\n \xff").expect_err("not UTF-8");
    assert_eq!((bytes.line(), bytes.column()), (2, 2));
}

#[test]
fn a_derived_neuron_reads_as_text() {
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let fan = element::Fan { input: 2, output: 1 };
    let a = element::neuron(&graph, "neuron", &x, Op::Sigmoid, fan, &mut |_| 0.5).expect("an activation").a;
    let parameters = graph.all_parameters();
    let gradient = a.derive(&parameters);
    assert_snapshot!(
        gradient.iter().map(|slope| format!("{} is\n{slope}", slope.path())).collect::<Vec<_>>().join("\n\n")
    );
}

#[test]
fn a_derived_softmax_reads_as_text() {
    let graph = Graph::new();
    let z = graph.inputs("z", 3);
    let p = element::softmax(&graph, &z);
    let gradient = p[0].derive(&z);
    assert_snapshot!(
        gradient.iter().map(|slope| format!("{} is\n{slope}", slope.path())).collect::<Vec<_>>().join("\n\n")
    );
}

#[test]
fn expressions_read_as_latex() {
    let texts = [
        "x * sin(a*x + b)",
        "-(x - 1)^2 / (2*sigma^2) - ln(sqrt(2*pi)*sigma)",
        "z = w[0]*x[0] + w[1]*x[1] + b; sigmoid(z)*(1 - sigmoid(z))",
        "logsumexp(z1, z2, z3) - dot(p1, z1, p2, z2) + max(a, b - c, 0)*exp(-(x + y)^2/2)",
        "select(less(x, 0), leaky_relu(x, 0.01), x^-3.5 + (a/b)^2 - (-x)^3*2)",
        "(ln(x)*y)*tanh(x - (y - -1e-30)) - ln(x)^2 - (-2)*x*3",
    ];
    let written: Vec<String> =
        texts.iter().map(|text| format!("{text}\n{}", Graph::new().parse(text).expect("it parses").latex())).collect();
    assert_snapshot!(written.join("\n\n"));
}
