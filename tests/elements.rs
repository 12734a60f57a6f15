//! Neurons, layers, softmax and losses against closed formulas and a backpropagation written by hand.
#![allow(clippy::disallowed_methods, reason = "an independent computation takes the standard library's")]

use dagrad::element::{Fan, Layer, half_squared_error, layer, negative_log_likelihood, neuron, softmax};
use dagrad::train::glorot_uniform;
use dagrad::{Error, Expr, Graph, Op};

fn assert_close(what: &str, got: f64, expected: f64, tolerance: f64) {
    let error = (got - expected).abs();
    assert!(error <= tolerance, "{what}: got {got:?}, expected {expected:?}, error {error:e}");
}

#[test]
fn a_logistic_neuron_is_logistic_regression() -> Result<(), Error> {
    let graph = Graph::new();
    let (x, y) = (graph.inputs("x", 2), graph.input("y"));
    let unit = neuron(&graph, "neuron", &x, Op::Sigmoid, Fan { input: 2, output: 1 }, &mut |_| 0.0)?;
    let loss = -(y * unit.z.log_sigmoid() + (1.0 - y) * (-unit.z).log_sigmoid());
    let program = graph.compile(&[loss, unit.a])?;
    let examples = [[0.5, 1.2, 1.0], [-1.0, 0.3, 0.0], [2.0, -0.7, 1.0], [-0.4, -1.5, 0.0], [1.1, 0.1, 0.0]];
    let (mut cost, mut mean) = (0.0, [0.0; 3]);
    let mut gradients = program.gradients();
    for example in &examples {
        let values = program.forward(example)?;
        assert_eq!(values[unit.a], 0.5);
        program.reverse_into(&values, &[1.0, 0.0], &mut gradients)?;
        cost += values[loss] / 5.0;
        let nodes = [unit.weights[0], unit.weights[1], unit.bias];
        mean.iter_mut().zip(nodes).for_each(|(mean, node)| *mean += gradients[node] / 5.0);
    }
    assert_close("J", cost, std::f64::consts::LN_2, 1e-12);
    for (index, expected) in [-0.28, -0.16, 0.1].into_iter().enumerate() {
        assert_close(&format!("dJ/d{index}"), mean[index], expected, 1e-12);
    }

    let at = [0.7, -1.3];
    let values = program.forward_with(&[0.4, -0.2, 0.1], &[at[0], at[1], 1.0])?;
    let z: f64 = 0.4 * at[0] - 0.2 * at[1] + 0.1;
    assert_close("a", values[unit.a], 1.0 / (1.0 + (-z).exp()), 1e-15);
    Ok(())
}

#[test]
fn a_layer_has_a_weight_for_each_input_and_a_bias_for_each_neuron() -> Result<(), Error> {
    let graph = Graph::new();
    let sizes = [10, 10, 5, 1];
    let mut values = graph.inputs("x", sizes[0]);
    let mut counts = Vec::new();
    for (l, &size) in sizes[1..].iter().enumerate() {
        let next = layer(&graph, &format!("layer {}", l + 1), &values, size, Op::Tanh, &mut |_| 0.1)?;
        assert_eq!((next.outputs().len(), next.pre_activations().len()), (size, size));
        counts.push(next.parameter_count());
        values = next.outputs();
    }
    assert_eq!(counts, [110, 55, 6]);
    assert_eq!(graph.initial_parameters().len(), 171);
    Ok(())
}

#[test]
fn the_initialiser_is_asked_for_each_weight_of_a_layer_in_order() -> Result<(), Error> {
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let mut asked = Vec::new();
    let _ = layer(&graph, "layer 1", &x, 3, Op::Tanh, &mut |fan| {
        asked.push(fan);
        asked.len() as f64
    })?;
    assert_eq!(asked, [Fan { input: 2, output: 3 }; 6]);
    assert_eq!(graph.initial_parameters(), [1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 5.0, 6.0, 0.0]);
    Ok(())
}

#[test]
fn every_node_of_a_layer_has_its_path() -> Result<(), Error> {
    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    let hidden = layer(&graph, "layer 1", &x, 2, Op::Relu, &mut |_| 0.0)?;
    let first = &hidden.neurons[0];
    let paths = [first.weights[3], first.bias, first.z, first.a].map(Expr::path);
    assert_eq!(paths, ["w[3]", "b", "z", "a"].map(|name| format!("layer 1 / neuron 0 / {name}")));
    let linear = layer(&graph, "layer 2", &hidden.outputs(), 1, None, &mut |_| 0.0)?;
    assert_eq!(linear.neurons[0].a, linear.neurons[0].z);
    assert_eq!(linear.neurons[0].a.path(), "layer 2 / neuron 0 / z");
    let empty = layer(&graph, "layer 3", &[], 1, None, &mut |_| 0.0)?;
    assert_eq!(empty.neurons[0].bias.path(), "layer 3 / neuron 0 / b");
    Ok(())
}

#[test]
fn a_softmax_of_zero_weights_costs_the_logarithm_of_the_classes() -> Result<(), Error> {
    for (classes, expected) in [(2, std::f64::consts::LN_2), (3, 1.098_612_288_668_109_6)] {
        let graph = Graph::new();
        let x = graph.inputs("x", 2);
        let output = layer(&graph, "layer 1", &x, classes, None, &mut |_| 0.0)?;
        let targets: Vec<Expr> = (0..classes).map(|k| graph.constant(f64::from(u8::from(k == 0)))).collect();
        let loss = negative_log_likelihood(&graph, &output.outputs(), &targets)?;
        let got = loss.eval(&[("x[0]", 0.7), ("x[1]", -3.0)])?;
        assert_close(&format!("{classes} classes"), got, expected, 1e-15);
    }
    Ok(())
}

#[test]
fn a_softmax_of_two_classes_is_a_logistic_neuron_of_the_difference() -> Result<(), Error> {
    let graph = Graph::new();
    let (x, y) = (graph.inputs("x", 2), graph.input("y"));
    let output = layer(&graph, "layer 1", &x, 2, None, &mut glorot_uniform(3))?;
    let pair = negative_log_likelihood(&graph, &output.outputs(), &[y, 1.0 - y])?;
    let z = output.neurons[0].z - output.neurons[1].z;
    let logistic = -(y * z.log_sigmoid() + (1.0 - y) * (-z).log_sigmoid());
    let program = graph.compile(&[pair, logistic])?;
    for x in [[0.5, 1.2], [-1.0, 0.3], [2.0, -0.7], [-0.4, -1.5]] {
        for y in [0.0, 1.0] {
            let values = program.forward(&[x[0], x[1], y])?;
            assert_close(&format!("J at {x:?}, y = {y}"), values[pair], values[logistic], 1e-15);
        }
    }
    Ok(())
}

#[test]
fn probabilities_sum_to_one_and_ignore_a_shift_of_the_logits() -> Result<(), Error> {
    let graph = Graph::new();
    let z = graph.inputs("z", 4);
    let p = softmax(&graph, &z);
    let program = graph.compile(&p)?;
    // Multiples of 1/4, so that adding 1000 is exact.
    for logits in [[0.25, -1.5, 3.0, 0.75], [-800.0, 0.0, 0.5, -0.5], [700.0, 699.75, 20.0, 700.0]] {
        let values = program.forward(&logits)?;
        let shifted = program.forward(&logits.map(|z| z + 1000.0))?;
        assert_close(&format!("sum at {logits:?}"), values.outputs().sum(), 1.0, 1e-15);
        for (got, expected) in shifted.outputs().zip(values.outputs()) {
            assert_close(&format!("shift of {logits:?}"), got, expected, 1e-13);
        }
    }
    Ok(())
}

#[test]
fn the_derivatives_of_probabilities_sum_to_zero_and_are_the_closed_form() -> Result<(), Error> {
    let graph = Graph::new();
    let z = graph.inputs("z", 4);
    let p = softmax(&graph, &z);
    let program = graph.compile(&p)?;
    let values = program.forward(&[0.3, -1.1, 2.0, 2.0])?;
    let p: Vec<f64> = values.outputs().collect();
    let mut gradients = program.gradients();
    for k in 0..4 {
        let seeds: Vec<f64> = (0..4).map(|i| f64::from(u8::from(i == k))).collect();
        program.reverse_into(&values, &seeds, &mut gradients)?;
        let row = gradients.inputs();
        assert_close(&format!("row {k}"), row.iter().sum(), 0.0, 1e-15);
        for j in 0..4 {
            assert_close(&format!("dp{k}/dz{j}"), row[j], p[k] * (seeds[j] - p[j]), 1e-15);
        }
    }
    Ok(())
}

#[test]
fn losses_stay_finite_where_probabilities_underflow() -> Result<(), Error> {
    let graph = Graph::new();
    let (z, y) = (graph.inputs("z", 3), graph.inputs("y", 3));
    let loss = negative_log_likelihood(&graph, &z, &y)?;
    let program = graph.compile(&[loss])?;
    let values = program.forward(&[-2000.0, 1000.0, 0.0, 1.0, 0.0, 0.0])?;
    assert_eq!(values[loss], 3000.0);
    assert_eq!(program.reverse(&values).inputs()[..3], [-1.0, 1.0, 0.0]);
    Ok(())
}

/// f and f′ of an activation, written here once more, from the definition.
type Activation = (Option<Op>, fn(f64) -> f64, fn(f64) -> f64);

const ACTIVATIONS: [Activation; 5] = [
    (None, |z| z, |_| 1.0),
    (Some(Op::Tanh), f64::tanh, |z| 1.0 - z.tanh() * z.tanh()),
    (Some(Op::Sigmoid), |z| 1.0 / (1.0 + (-z).exp()), |z| (-z).exp() / (1.0 + (-z).exp()).powi(2)),
    (Some(Op::Relu), |z| if z > 0.0 { z } else { 0.0 }, |z| if z > 0.0 { 1.0 } else { 0.0 }),
    (Some(Op::Softplus), |z| (1.0 + z.exp()).ln(), |z| 1.0 / (1.0 + (-z).exp())),
];

const SIZES: [usize; 4] = [3, 5, 4, 3];

/// z, a and δ of every layer, and the loss, by the vectorised algorithm of the textbooks.
struct ByHand {
    a: Vec<Vec<f64>>,
    delta: Vec<Vec<f64>>,
    loss: f64,
}

/// Forward and backward through weights `[layer][neuron][input]` and biases `[layer][neuron]`, softmax at the end.
fn by_hand(w: &[Vec<Vec<f64>>], b: &[Vec<f64>], x: &[f64], y: &[f64], f: Activation) -> ByHand {
    let (mut a, mut z) = (vec![x.to_vec()], Vec::new());
    for (l, (w, b)) in w.iter().zip(b).enumerate() {
        let sums = w.iter().zip(b).map(|(row, b)| b + row.iter().zip(&a[l]).map(|(w, a)| w * a).sum::<f64>());
        z.push(sums.collect::<Vec<f64>>());
        a.push(z[l].iter().map(|&z| f.1(z)).collect());
    }
    let last = z.len() - 1;
    let total: f64 = z[last].iter().map(|z| z.exp()).sum();
    a[last + 1] = z[last].iter().map(|z| z.exp() / total).collect();
    let loss = -y.iter().zip(&a[last + 1]).map(|(y, a)| y * a.ln()).sum::<f64>();
    let mut delta = vec![a[last + 1].iter().zip(y).map(|(a, y)| a - y).collect::<Vec<f64>>()];
    for l in (0..last).rev() {
        let next = &delta[0];
        let back = |j: usize| w[l + 1].iter().zip(next).map(|(row, d)| row[j] * d).sum::<f64>();
        let these = z[l].iter().enumerate().map(|(j, &z)| back(j) * f.2(z)).collect();
        delta.insert(0, these);
    }
    ByHand { a, delta, loss }
}

#[test]
fn adjoints_of_pre_activations_are_the_deltas_of_backpropagation() -> Result<(), Error> {
    for (case, activation) in ACTIVATIONS.into_iter().enumerate() {
        for seed in 0..5_u32 {
            let graph = Graph::new();
            let (x, y) = (graph.inputs("x", SIZES[0]), graph.inputs("y", SIZES[3]));
            let mut weights = glorot_uniform(u64::from(seed));
            let mut layers: Vec<Layer> = Vec::new();
            for (l, &size) in SIZES.iter().enumerate().skip(1) {
                let inputs = layers.last().map_or_else(|| x.clone(), Layer::outputs);
                let f = if l + 1 < SIZES.len() { activation.0 } else { None };
                layers.push(layer(&graph, &format!("layer {l}"), &inputs, size, f, &mut weights)?);
            }
            let loss = negative_log_likelihood(&graph, &layers[2].pre_activations(), &y)?;
            let program = graph.compile(&[loss])?;
            // Biases away from 0 too, so that they take part.
            let start: Vec<f64> = (graph.initial_parameters().iter().enumerate())
                .map(|(index, w)| w + 0.1 * (index as f64 + f64::from(seed)).sin())
                .collect();
            let at = [0.9, -0.4, 1.3];
            let target = [0.0, 1.0, 0.0];
            let values = program.forward_with(&start, &[at, target].concat())?;
            let gradients = program.reverse(&values);

            let read = |node: Expr| values[node];
            let w: Vec<Vec<Vec<f64>>> = (layers.iter())
                .map(|layer| layer.neurons.iter().map(|n| n.weights.iter().copied().map(read).collect()).collect())
                .collect();
            let b: Vec<Vec<f64>> =
                layers.iter().map(|layer| layer.neurons.iter().map(|n| values[n.bias]).collect()).collect();
            let expected = by_hand(&w, &b, &at, &target, activation);
            let what = |node: Expr| format!("activation {case}, seed {seed}, {}", node.path());
            assert_close(&what(loss), values[loss], expected.loss, 1e-14);
            for (l, layer) in layers.iter().enumerate() {
                for (i, n) in layer.neurons.iter().enumerate() {
                    let delta = expected.delta[l][i];
                    assert_close(&what(n.z), gradients[n.z], delta, 1e-14);
                    assert_close(&what(n.bias), gradients[n.bias], delta, 1e-14);
                    for (j, &weight) in n.weights.iter().enumerate() {
                        assert_close(&what(weight), gradients[weight], delta * expected.a[l][j], 1e-14);
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn half_the_squared_error_has_the_difference_as_gradient() -> Result<(), Error> {
    let graph = Graph::new();
    let (h, y) = (graph.inputs("h", 2), graph.inputs("y", 2));
    let loss = half_squared_error(&graph, &h, &y)?;
    let program = graph.compile(&[loss])?;
    let values = program.forward(&[3.0, -1.0, 1.0, 0.5])?;
    assert_eq!(values[loss], 3.125);
    assert_eq!(program.reverse(&values).inputs(), [2.0, -1.5, -2.0, 1.5]);
    Ok(())
}

#[test]
fn every_refusal_says_what_and_where() {
    let graph = Graph::new();
    let x = graph.inputs("x", 3);
    let one = Fan { input: 3, output: 1 };
    let zeros = &mut |_: Fan| 0.0;
    let errors = [
        neuron(&graph, "output", &x, Op::Add, one, zeros).unwrap_err(),
        layer(&graph, "layer 1", &x, 2, Op::Max, zeros).unwrap_err(),
        graph.group("encoder", || layer(&graph, "layer 2", &x, 2, Op::Sum, zeros)).unwrap_err(),
        negative_log_likelihood(&graph, &x, &x[..2]).unwrap_err(),
        half_squared_error(&graph, &x[..1], &x).unwrap_err(),
        graph.group("decoder", || half_squared_error(&graph, &[], &x)).unwrap_err(),
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"));
}
