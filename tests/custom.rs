//! Operations that a user makes are as good as rows.

use dagrad::{Custom, Dual, Expr, Graph, Op, Scalar, Verdict, elementary};

/// Softsign, a row of the table, made again.
static SOFT: Custom =
    Custom::new("soft", &["x"], |x| x[0] / (1.0 + x[0].abs()), |x, _| vec![(x[0].abs() + 1.0).square().recip()]);

/// A polynomial of five operands.
static FIVE: Custom = Custom::new(
    "five",
    &["a", "b", "c", "d", "e"],
    |x| x[0] * x[1] * x[2] + x[3] * x[4] * x[4],
    |x, _| vec![x[1] * x[2], x[0] * x[2], x[0] * x[1], x[4] * x[4], x[3] * x[4] * 2.0],
)
.with_latex("#1#2#3+#4{#5}^2");

/// eˣ, whose partial is its value, and a constant besides.
static GROWTH: Custom =
    Custom::new("growth", &["x", "unused"], |x| elementary::exp(x[0]), |x, y| vec![y, x[1].constant(0.0)]);

/// A slip of the pen: the sign of the partial is wrong.
static WRONG: Custom = Custom::new("wrong", &["x"], |x| elementary::cos(x[0]), |x, _| vec![x[0].sin()]);

/// A function of three inputs, with the operations above or with rows in their place.
fn function<'g>(x: &[Expr<'g>], custom: bool) -> Expr<'g> {
    let soft = |x: Expr<'g>| if custom { SOFT.of(&[x]) } else { x.softsign() };
    let growth = |x: Expr<'g>, unused| if custom { GROWTH.of(&[x, unused]) } else { x.exp() };
    let five = |x: [Expr<'g>; 5]| if custom { FIVE.of(&x) } else { x[0] * x[1] * x[2] + x[3] * x[4] * x[4] };
    let w = x[0].graph().parameters(if custom { "w" } else { "v" }, &[0.5, -1.5, 0.25, 1.0]);
    let hidden: Vec<Expr> = w.iter().map(|&w| soft(w * x[0] + x[1])).collect();
    five([hidden[0], hidden[1], growth(hidden[2], x[2]), hidden[3], x[2]]) + growth(x[0] - x[1], x[0])
}

fn close(got: f64, expected: f64) -> bool {
    (got - expected).abs() <= 1e-13 * expected.abs().max(1.0)
}

#[test]
fn every_reader_reads_them() {
    let (made, plain) = (Graph::new(), Graph::new());
    let (x, u) = (made.inputs("x", 3), plain.inputs("x", 3));
    let (y, v) = (function(&x, true), function(&u, false));
    let (program, expected) = (made.compile(&[y]).expect("it compiles"), plain.compile(&[v]).expect("it compiles"));
    let derived = made.compile(&y.derive(&x)).expect("it compiles");
    let bends = made.compile(&y.hessian(&x).concat()).expect("it compiles");
    let points = [[0.5, -1.0, 2.0], [-0.75, 0.25, -1.0], [2.0, 3.0, 0.5], [0.0, 1.0, 1.0], [1.5, -2.0, 0.25]];
    for point in &points {
        let values = program.forward(point).expect("three inputs");
        let right = expected.forward(point).expect("three inputs");
        assert!(close(values[y], right[v]));
        let (gradients, right_gradients) = (program.reverse(&values), expected.reverse(&right));
        let derived: Vec<f64> = derived.forward(point).expect("three inputs").outputs().collect();
        for (&right, got) in right_gradients.inputs().iter().zip(gradients.inputs().iter().zip(&derived)) {
            assert!(close(*got.0, right) && close(*got.1, right), "{got:?} are not {right}");
        }
        let hessian = program.hessian(&values, &x).expect("leaves").concat();
        let right_hessian = expected.hessian(&right, &u).expect("leaves").concat();
        let bends: Vec<f64> = bends.forward(point).expect("three inputs").outputs().collect();
        for ((by_duals, by_deriving), right) in hessian.iter().zip(&bends).zip(&right_hessian) {
            assert!(close(*by_duals, *right) && close(*by_deriving, *right), "{by_duals} {by_deriving} {right}");
        }
    }
    // Side by side in lanes, and one by one over windows.
    let inputs: Vec<f64> = (0..3).flat_map(|input| points.map(|point| point[input])).collect();
    for mut workspace in [program.workspace(5), program.workspace_for_each(5)] {
        program.gradient_into(program.initial_parameters(), &inputs, &[1.0], &mut workspace).expect("as many");
        let mut total = [0.0; 4];
        for (lane, point) in points.iter().enumerate() {
            let mut one = program.workspace(1);
            program.gradient_into(program.initial_parameters(), point, &[1.0], &mut one).expect("as many");
            let node_by_node = program.reverse(&program.forward(point).expect("three inputs"));
            for input in 0..3 {
                assert!(close(workspace.input(input)[lane], node_by_node.inputs()[input]));
                assert!(close(one.input(input)[0], node_by_node.inputs()[input]));
            }
            total.iter_mut().zip(node_by_node.parameters()).for_each(|(total, g)| *total += g);
        }
        assert!(workspace.parameters().iter().zip(total).all(|(&got, total)| close(got, total)));
    }
}

#[test]
fn they_apply_to_every_kind_of_number() {
    assert_eq!(SOFT.of(&[3.0]), 0.75);
    assert_eq!(SOFT.of(&[Dual::variable(3.0)]).tangent, 0.0625);
    let second = SOFT.of(&[Dual::variable(Dual::variable(3.0))]).tangent.tangent;
    assert!(close(second, -2.0 / 64.0), "{second}");
    assert_eq!(Op::Custom(&SOFT), Op::Custom(&SOFT));
    assert_ne!(Op::Custom(&SOFT), Op::Custom(&GROWTH));
}

#[test]
fn they_have_names() {
    let graph = Graph::new();
    let x = graph.inputs("x", 5);
    let y = FIVE.of(&x) + SOFT.of(&[x[0]]);
    assert_eq!(y.to_string(), "five(x[0], x[1], x[2], x[3], x[4]) + soft(x[0])");
    assert_eq!(y.latex(), r"x_{0}x_{1}x_{2}+x_{3}{x_{4}}^2+\operatorname{soft}(x_{0})");
    assert_eq!(graph.parse(y.to_string()).expect("the graph knows what it applies").to_string(), y.to_string());
    let other = Graph::new();
    let unknown = other.parse("soft(x)").unwrap_err();
    assert!(unknown.to_string().starts_with("no operation is called `soft`"), "{unknown}");
    other.register(&SOFT);
    let few = other.parse("soft()").unwrap_err();
    assert!(few.to_string().contains("soft(x)"), "{few}");
    // A leaf that is called like an operation is told from it.
    let leaf = other.input("soft");
    assert_eq!((leaf * 2.0).to_string(), "`soft`*2");
}

#[test]
fn a_wrong_partial_is_found() {
    let graph = Graph::new();
    let x = graph.input("x");
    let program = graph.compile(&[WRONG.of(&[x])]).expect("it compiles");
    let check = graph.check_gradient(&program, &program.forward(&[1.0]).expect("one input")).expect("its own program");
    assert_eq!(check.worst().expect("one leaf").verdict, Verdict::Differs);
}

#[test]
#[should_panic(expected = "five takes Fixed(5) operands, got 1")]
fn another_number_of_operands_is_the_callers_bug() {
    let _ = FIVE.of(&[1.0]);
}

#[test]
#[should_panic(expected = "another operation is called `sin`")]
fn the_name_of_a_row_is_taken() {
    static SIN: Custom = Custom::new("sin", &["x"], |x| x[0], |x, _| vec![x[0].constant(1.0)]);
    Graph::new().register(&SIN);
}

#[test]
#[should_panic(expected = "the operation `none` has a partial for each operand")]
fn a_partial_for_each_operand_is_asked_for() {
    static NONE: Custom = Custom::new("none", &["x"], |x| x[0], |_, _| vec![]);
    let _ = NONE.of(&[Dual::variable(1.0)]);
}
