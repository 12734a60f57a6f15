//! Loops written out in a graph give what their nodes give one by one, and become lanes.

use dagrad::element::{layer, negative_log_likelihood};
use dagrad::{Expr, Graph, Op, Pass, Program};

/// Numbers from −1 to 1.
fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|k| ((k * 7919 + 13) % 1009) as f64 / 504.5 - 1.0).collect()
}

/// Holds the fast code of a program to its nodes one by one.
fn agrees(program: &Program, seeds: &[f64]) {
    let (parameters, inputs) = (numbers(program.parameter_count()), numbers(program.input_count()));
    let mut workspace = program.workspace(1);
    // Twice, so that nothing is left over from the first time.
    for _ in 0..2 {
        program.gradient_into(&parameters, &inputs, seeds, &mut workspace).expect("the counts are right");
    }
    let values = program.forward_with(&parameters, &inputs).expect("the counts are right");
    let mut gradients = program.gradients();
    program.reverse_into(&values, seeds, &mut gradients).expect("the counts are right");
    let scale = |numbers: &[f64]| numbers.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
    for (output, expected) in values.outputs().enumerate() {
        let got = workspace.output(output)[0];
        assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "output {output}: {got}, not {expected}");
    }
    let most = scale(gradients.parameters());
    for (k, (got, expected)) in workspace.parameters().iter().zip(gradients.parameters()).enumerate() {
        assert!((got - expected).abs() <= 1e-11 * most, "parameter {k}: {got}, not {expected}\n{program}");
    }
    let most = scale(gradients.inputs());
    for (k, expected) in gradients.inputs().iter().enumerate() {
        let got = workspace.input(k)[0];
        assert!((got - expected).abs() <= 1e-11 * most, "input {k}: {got}, not {expected}\n{program}");
    }
}

/// Says whether the listing has a region of so many lanes.
fn has_lanes(program: &Program, lanes: usize) -> bool {
    program.to_string().contains(&format!("sum over {lanes} lanes"))
}

#[test]
fn neighbours_become_lanes() {
    let graph = Graph::new();
    let x = graph.parameters("x", &numbers(301));
    let mut sum = graph.constant(0.0);
    for i in 0..300 {
        sum += 100.0 * (x[i + 1] - x[i].square()).square() + (1.0 - x[i]).square();
    }
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(has_lanes(&program, 300), "{program}");
    agrees(&program, &[0.7]);
}

/// How many adjoints a run zeroes.
fn zeroed(program: &Program) -> usize {
    let listing = program.to_string();
    let count = listing.split("reverse, ").nth(1).and_then(|rest| rest.split(' ').next());
    count.expect("a count").parse().expect("a number")
}

#[test]
fn what_the_last_of_neighbours_stores_is_not_zeroed() {
    // One tile, whole tiles, and some with a rest that fills no register.
    for lanes in [100, 1008, 1500, 2003] {
        let graph = Graph::new();
        let x = graph.parameters("x", &numbers(lanes + 3));
        let weights = graph.parameters("w", &numbers(40));
        let term = |i: usize| (x[i + 3] - x[i].square() * x[i + 1]).sin() * weights[i * 7 % 40];
        let sum: Expr = (0..lanes).map(term).sum();
        let program = graph.compile(&[sum * 2.0, x[9]]).expect("it compiles");
        assert!(has_lanes(&program, lanes), "{program}");
        assert!(zeroed(&program) < 60, "{lanes} lanes: {program}");
        agrees(&program, &[0.7, -0.3]);
        // Without lines everything has rows, and is brought from there.
        agrees(&program.without(&[Pass::Script]), &[0.7, -0.3]);
    }
}

#[test]
fn what_others_reach_in_any_order_is_zeroed() {
    let lanes = 2003;
    let graph = Graph::new();
    let x = graph.parameters("x", &numbers(lanes + 1));
    let sum: Expr = (0..lanes).map(|i| (x[i + 1] - x[i * 5 % lanes]).sin() * x[i]).sum();
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(has_lanes(&program, lanes), "{program}");
    assert!(zeroed(&program) > lanes, "{program}");
    agrees(&program, &[0.7]);
}

#[test]
fn examples_written_out_become_lanes() {
    let graph = Graph::new();
    let mut weights = dagrad::train::glorot_uniform(1);
    // One set of weights for all examples: the layer is built once, and its neurons are applied again by hand.
    let first = graph.inputs("first", 5);
    let built = layer(&graph, "hidden", &first, 4, Op::Tanh, &mut weights).expect("tanh is an activation");
    let mut sum = graph.sum(&built.outputs());
    for k in 0..70 {
        let x = graph.inputs(&format!("x{k}"), 5);
        let t = graph.inputs(&format!("t{k}"), 4);
        let z: Vec<Expr> = built
            .neurons
            .iter()
            .map(|neuron| {
                let mut z = neuron.bias;
                for (&w, &x) in neuron.weights.iter().zip(&x) {
                    z += w * x;
                }
                z.tanh()
            })
            .collect();
        sum += negative_log_likelihood(&graph, &z, &t).expect("four and four");
    }
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(has_lanes(&program, 70), "{program}");
    agrees(&program, &[1.0]);
}

#[test]
fn what_follows_the_sum_may_be_any_function() {
    let graph = Graph::new();
    let (a, x) = (graph.parameters("a", &[0.3, 0.4]), graph.inputs("x", 600));
    let shared = (a[0] * a[1]).exp();
    let mut sum = a[0] * a[1];
    for &x in &x {
        sum += ((shared * x).sin() - a[1]).square().ln_1p();
    }
    let outputs = [sum.sqrt() * shared, sum, a[1].cos()];
    let program = graph.compile(&outputs).expect("it compiles");
    assert!(has_lanes(&program, 600), "{program}");
    agrees(&program, &[0.5, -2.0, 1.0]);
}

#[test]
fn rounds_that_differ_stay_outside() {
    let graph = Graph::new();
    let (a, x) = (graph.parameter("a", 0.3), graph.inputs("x", 90));
    let mut sum = graph.constant(0.0);
    let mut last = a;
    for (k, &x) in x.iter().enumerate() {
        let mut y = (a * x).tanh();
        if k == 31 {
            y = (y * last).exp();
        }
        last = y;
        sum += y.sin() * 0.5 - x;
    }
    let program = graph.compile(&[sum, last]).expect("it compiles");
    agrees(&program, &[1.0, 0.25]);
}

#[test]
fn gathered_columns_are_read_and_added_to() {
    let graph = Graph::new();
    let (a, b) = (graph.parameters("a", &numbers(12)), graph.parameters("b", &numbers(40)));
    let w = graph.parameters("w", &numbers(400));
    let y = graph.inputs("y", 400);
    let mut sum = graph.constant(0.0);
    for k in 0..400 {
        let (a, b) = (a[k * 7 % 12], b[k * k % 40]);
        sum += (w[k] * ((a * b).sin() / (1.0 + b * b) - y[k])).square();
    }
    for &w in &w {
        sum += (1.0 - w.square()).square();
    }
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(has_lanes(&program, 400), "{program}");
    agrees(&program, &[1.0]);
}

#[test]
fn tables_are_read_row_by_row_in_any_order() {
    let graph = Graph::new();
    for width in [2, 3, 5, 11] {
        let (table, shifts) = (graph.parameters("table", &numbers(13 * width)), graph.parameters("shift", &numbers(7)));
        let mut sum = graph.constant(0.0);
        for k in 0..300 {
            let row = &table[k * k % 13 * width..][..width];
            let mut product = graph.constant(0.5);
            // The last number comes first, and neighbours overlap with those of other rows.
            for (place, &number) in row.iter().enumerate().rev() {
                product = (product * number + shifts[(k * k + place / 2) % 7]).sin();
            }
            sum += product.square();
        }
        let program = graph.compile(&[sum]).expect("it compiles");
        assert!(has_lanes(&program, 300), "{program}");
        agrees(&program, &[1.0]);
    }
}

#[test]
fn lists_read_shared_numbers_and_columns() {
    let graph = Graph::new();
    let (a, x) = (graph.parameters("a", &numbers(3)), graph.inputs("x", 100));
    let mut sum = graph.constant(0.0);
    for &x in &x {
        let most = graph.max(&[a[0], x, a[1] * x]);
        sum += graph.logsumexp(&[most, a[2], x * x]);
    }
    let program = graph.compile(&[sum]).expect("it compiles");
    assert!(has_lanes(&program, 100), "{program}");
    agrees(&program, &[1.0]);
}

#[test]
fn lists_that_do_not_read_each_other_are_one_step() {
    type Make = for<'g> fn(&'g Graph, &[Expr<'g>]) -> Expr<'g>;
    let ops: [(&str, Make); 3] = [("logsumexp", Graph::logsumexp), ("max", Graph::max), ("product", Graph::product)];
    for (name, op) in ops {
        let graph = Graph::new();
        let x = graph.parameters("x", &numbers(60));
        // Neighbours first, then some from everywhere, and one that reads the others.
        let mut lists: Vec<Expr<'_>> = x.chunks(7).map(|own| op(&graph, own)).collect();
        lists.extend((0..28).map(|k| op(&graph, &(0..=k / 4).map(|j| x[(k + 13 * j) % 60]).collect::<Vec<_>>())));
        let last = op(&graph, &lists);
        let program = graph.compile(&[last, graph.sum(&lists)]).expect("it compiles");
        assert!(program.to_string().contains(&format!("{name} of 37 lists in v")), "{program}");
        agrees(&program, &[0.5, -2.0]);
    }
}

#[test]
fn many_lists_need_little_room() {
    let graph = Graph::new();
    let x = graph.parameters("x", &numbers(20));
    let lists: Vec<_> = (0..5000).map(|k| graph.product(&[x[k % 20], x[k * k % 19], x[k % 7]])).collect();
    let program = graph.compile(&[graph.sum(&lists)]).expect("it compiles").without(&[Pass::Roll]);
    assert!(program.workspace_bytes(1) < 30 * 5000, "{}", program.report());
    agrees(&program, &[1.5]);
}

#[test]
fn recurrences_are_carried_along() {
    for outputs in [1, 3] {
        let graph = Graph::new();
        let (a, b) = (graph.parameters("a", &numbers(7)), graph.parameters("b", &numbers(5)));
        let (mut x, mut all) = (graph.input("x"), vec![]);
        for k in 0..200 {
            x = if k % 50 < 25 { x * a[k % 7] + b[k % 5] } else { b[k % 5] + a[k % 7] * x };
            all.push(x);
        }
        for k in 0..40 {
            x *= a[k % 3];
        }
        let middle = all[77].sin() + all[150] * all[151];
        let program = graph.compile(&[x, middle, all[60]][..outputs]).expect("it compiles");
        assert!(program.to_string().contains("each the one before times"), "{program}");
        agrees(&program, &[1.0, -0.5, 2.0][..outputs]);
    }
}

#[test]
fn what_computes_little_is_left_to_loops() {
    for (rounds, is_worth_it) in [(40, false), (400, true)] {
        let graph = Graph::new();
        let (a, x) = (graph.parameter("a", 0.7), graph.inputs("x", rounds));
        let sum = graph.sum(&x.iter().map(|&x| x * (a * x).exp()).collect::<Vec<_>>());
        let program = graph.compile(&[sum]).expect("it compiles");
        assert_eq!(has_lanes(&program, rounds), is_worth_it, "{program}");
        let why = "left to loops, since its rounds compute little together";
        assert_eq!(program.report().to_string().contains(why), !is_worth_it, "{}", program.report());
        agrees(&program, &[1.0]);
    }
}

#[test]
fn windows_that_overlap_are_left_to_loops() {
    for (overlap, is_woven) in [(true, true), (false, false)] {
        let graph = Graph::new();
        let (filters, height, width) = (2, 12, 12);
        let image = graph.inputs("x", (height + 2) * (width + 2) * if overlap { 1 } else { 9 * filters });
        let weights = graph.parameters("w", &numbers(9 * filters));
        let mut next = 0..;
        let mut sum = graph.constant(0.0);
        for (filter, row, column) in
            (0..filters).flat_map(|f| (0..height).flat_map(move |i| (0..width).map(move |j| (f, i, j))))
        {
            let products = (0..9).map(|k| {
                let pixel = if overlap {
                    (row + k / 3) * (width + 2) + column + k % 3
                } else {
                    next.next().expect("there is always one more")
                };
                weights[9 * filter + k] * image[pixel]
            });
            sum += products.reduce(|a, b| a + b).expect("nine products").relu();
        }
        let program = graph.compile(&[sum]).expect("it compiles");
        let why = "left to loops, since its rounds read the same and compute little";
        assert_eq!(program.report().to_string().contains(why), is_woven, "{}", program.report());
        assert_eq!(has_lanes(&program, filters * height * width), !is_woven, "{program}");
        agrees(&program, &[0.7]);
    }
}
