//! Depth in elements, and views of groups as one.

use dagrad::element::{Fan, layer, neuron};
use dagrad::view::Role;
use dagrad::{ElementSet, Expr, Graph, Op, View};
use petgraph::Direction;
use petgraph::algo::{all_simple_paths, is_cyclic_directed, kosaraju_scc, toposort};
use petgraph::visit::{Dfs, EdgeRef, IntoEdgeReferences, IntoEdges, IntoNeighborsDirected, NodeCount, Reversed};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

fn view(graph: &Graph, output: Expr<'_>, set: &ElementSet) -> View {
    graph.view(&[output], set).expect("everything is in the set")
}

fn half(_: Fan) -> f64 {
    0.5
}

#[test]
fn a_sine_of_a_line_is_four_deep_and_three_with_lines_as_elements() {
    let graph = Graph::new();
    let (x, a, b) = (graph.input("x"), graph.input("a"), graph.input("b"));
    let y = x * graph.group("affine", || a * x + b).sin();
    assert_eq!(view(&graph, y, &ElementSet::primitives()).depth(), 4);
    assert_eq!(view(&graph, y, &ElementSet::groups(["affine"])).depth(), 3);
}

#[test]
fn a_net_of_three_layers_is_three_deep_in_neurons_and_in_layers() {
    let graph = Graph::new();
    let mut a = graph.inputs("x", 4);
    for (l, count) in (1..).zip([5, 3, 2]) {
        a = layer(&graph, &format!("layer {l}"), &a, count, Op::Sigmoid, &mut half).expect("shapes fit").outputs();
    }
    let of = |names: &[&str]| graph.view(&a, &ElementSet::groups(names.iter().copied()).only()).expect("nothing else");
    let (neurons, layers) = (of(&["neuron"]), of(&["layer"]));
    assert_eq!((neurons.depth(), neurons.widths()), (3, vec![5, 3, 2]));
    assert_eq!((layers.depth(), layers.widths()), (3, vec![1, 1, 1]));
    // Every neuron reads every output of the layer below: 4·5 + 5·3 + 3·2 edges.
    assert_eq!((&neurons).edge_references().count(), 41);
    assert_eq!(graph.view(&a, &ElementSet::logistic_units()).expect("logistic").depth(), 3);
}

#[test]
fn regressions_are_one_deep_and_kernel_machines_two() {
    let graph = Graph::new();
    let x = graph.inputs("x", 3);
    let fan = Fan { input: 3, output: 1 };
    let linear = neuron(&graph, "neuron", &x, None, fan, &mut half).expect("no activation is one").a;
    let logistic = neuron(&graph, "neuron", &x, Op::Sigmoid, fan, &mut half).expect("an activation").a;
    let units = ElementSet::groups(["neuron"]).only();
    assert_eq!([view(&graph, linear, &units).depth(), view(&graph, logistic, &units).depth()], [1, 1]);
    let kernels: Vec<Expr> = (0..4)
        .map(|i| {
            graph.group("kernel", || {
                (-graph.sum(&x.iter().map(|&x| (x - f64::from(i)).square()).collect::<Vec<_>>())).exp()
            })
        })
        .collect();
    let alphas = graph.parameters("α", &[1.0; 4]);
    let machine = graph.group("affine", || graph.dot(&alphas, &kernels).expect("four and four") + 0.1);
    assert_eq!(view(&graph, machine, &ElementSet::groups(["kernel", "affine"]).only()).depth(), 2);
}

#[test]
fn exclusive_or_is_three_deep_in_logic_and_two_in_neurons() {
    let graph = Graph::new();
    let x = graph.inputs("x", 2);
    let xor = x[0].min(1.0 - x[1]).max((1.0 - x[0]).min(x[1]));
    assert_eq!(view(&graph, xor, &ElementSet::logic()).depth(), 3);
    let error = graph.view(&[x[0] - x[1]], &ElementSet::logic()).unwrap_err();
    assert!(error.to_string().ends_with("is sub, which is not in the element set {AND, OR, NOT}"), "{error}");
    let hidden = layer(&graph, "hidden", &x, 2, Op::Sigmoid, &mut half).expect("shapes fit").outputs();
    let output = layer(&graph, "output", &hidden, 1, Op::Sigmoid, &mut half).expect("shapes fit").outputs();
    assert_eq!(view(&graph, output[0], &ElementSet::logistic_units()).depth(), 2);
    let tanh = layer(&graph, "tanh", &x, 1, Op::Tanh, &mut half).expect("shapes fit").outputs();
    let error = graph.view(&tanh, &ElementSet::logistic_units()).unwrap_err();
    assert_eq!(error.to_string(), "`tanh / neuron 0 / a` is tanh, which is not in the element set logistic units");
}

/// How many operations an output needs.
fn operations(graph: &Graph, output: Expr<'_>) -> usize {
    view(graph, output, &ElementSet::sums_and_products()).elements().iter().map(|e| e.operations as usize).sum()
}

/// Delalleau & Bengio (2011), Shallow vs. Deep Sum-Product Networks.
#[test]
fn factored_polynomials_are_smaller_than_expanded_ones() {
    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    let shared = x[1] * x[2];
    let factored = (x[0] * x[1] + shared) * (shared + x[2] * x[3]);
    assert_eq!((operations(&graph, factored), factored.depth()), (6, 3));
    let shown = view(&graph, factored, &ElementSet::primitives());
    assert_eq!(shown.shared().len(), 1);
    let product = |factors: &[usize]| factors.iter().map(|&i| x[i]).reduce(|a, b| a * b).expect("some factors");
    let expanded = [[0, 1, 1, 2], [0, 1, 2, 3], [1, 2, 1, 2], [1, 2, 2, 3]].map(|factors| product(&factors));
    assert_eq!(operations(&graph, expanded.into_iter().sum()), 15);
    let n = 10;
    let (a, b) = (graph.inputs("a", n), graph.inputs("b", n));
    let factored: Expr = (0..n).map(|i| a[i] + b[i]).reduce(|p, q| p * q).expect("ten sums");
    let monomial = |mask: usize| (0..n).map(|i| if mask >> i & 1 == 0 { a[i] } else { b[i] }).reduce(|p, q| p * q);
    let expanded: Expr = (0..1 << n).map(|mask| monomial(mask).expect("ten factors")).sum();
    assert_eq!([operations(&graph, factored), operations(&graph, expanded)], [2 * n - 1, 10_239]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Groups are left and entered again at random, so that many of them cannot be one element.
    #[test]
    fn collapsing_makes_no_cycle_and_two_depths(
        recipe in proptest::collection::vec((any::<u8>(), any::<[u8; 2]>()), 1..40)
    ) {
        let graph = Graph::new();
        let mut nodes = graph.inputs("x", 2);
        let mut grow = |picks: [u8; 2]| {
            let pick = |k: usize| nodes[nodes.len() - 1 - usize::from(picks[k]) % nodes.len().min(7)];
            let node = pick(0) * graph.parameter("w", 0.5) + pick(1);
            nodes.push(node);
        };
        let mut steps = recipe.iter().copied();
        while let Some((kind, picks)) = steps.next() {
            let inside = |steps: &mut dyn Iterator<Item = (u8, [u8; 2])>, grow: &mut dyn FnMut([u8; 2])| {
                grow(picks);
                steps.take(usize::from(kind % 5)).for_each(|(_, picks)| grow(picks));
            };
            match kind % 4 {
                0 => grow(picks),
                1 => graph.group("layer 1", || inside(&mut steps, &mut grow)),
                _ => graph.group("layer", || graph.group("neuron", || inside(&mut steps, &mut grow))),
            }
        }
        let outputs = [nodes[nodes.len() - 1], nodes[nodes.len() / 2]];
        let primitives = graph.view(&outputs, &ElementSet::primitives()).expect("all operations");
        prop_assert_eq!(primitives.depth(), primitives.path_depth());
        prop_assert_eq!(primitives.depth(), outputs[0].depth().max(outputs[1].depth()));
        for set in [ElementSet::groups(["neuron"]), ElementSet::groups(["layer", "neuron"])] {
            let view = graph.view(&outputs, &set).expect("all operations");
            prop_assert!(!is_cyclic_directed(&view));
            prop_assert!(view.path_depth() <= view.depth() && view.path_depth() <= primitives.depth());
            prop_assert_eq!(view.critical_path().iter().filter(|&&e| !view.element(e).role.is_leaf()).count(), view.depth());
            for edge in (&view).edge_references() {
                prop_assert!(edge.source() < edge.target());
            }
            let all: u32 = view.elements().iter().map(|element| element.operations).sum();
            let before: u32 = primitives.elements().iter().map(|element| element.operations).sum();
            prop_assert_eq!(all, before);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn algorithms_of_petgraph_agree_with_the_order_of_evaluation(
        recipe in proptest::collection::vec(any::<[u8; 2]>(), 1..60)
    ) {
        let graph = Graph::new();
        let mut nodes = graph.inputs("x", 2);
        for picks in recipe {
            let pick = |k: usize| nodes[nodes.len() - 1 - usize::from(picks[k]) % nodes.len()];
            nodes.push(pick(0) * pick(1));
        }
        let last = nodes[nodes.len() - 1];
        let view = view(&graph, last, &ElementSet::primitives());
        let output = view.outputs().next().expect("one output");
        let mut place = vec![0; view.node_count()];
        let order = toposort(&view, None).expect("no cycle");
        order.iter().enumerate().for_each(|(at, element)| place[element.index()] = at);
        prop_assert!((&view).edge_references().all(|e| place[e.source().index()] < place[e.target().index()]));
        prop_assert_eq!(kosaraju_scc(&view).len(), view.node_count());
        // What is needed is what a search against the edges reaches.
        let mut reached = Dfs::new(Reversed(&view), output);
        let mut count = 0;
        while reached.next(Reversed(&view)).is_some() {
            count += 1;
        }
        prop_assert_eq!(count, view.node_count());
        // Every edge is seen from both of its ends.
        let ins: usize = order.iter().map(|&e| (&view).neighbors_directed(e, Direction::Incoming).count()).sum();
        let outs: usize = order.iter().map(|&e| (&view).edges(e).count()).sum();
        prop_assert_eq!(ins, outs);
    }
}

#[test]
fn a_square_has_two_edges_and_two_paths() {
    let graph = Graph::new();
    let x = graph.input("x");
    let view = view(&graph, x * x, &ElementSet::primitives());
    let [x, square] = [0, 1].map(|number: u32| number.into());
    let places: Vec<u32> = (&view).edges(x).map(|edge| edge.place).collect();
    assert_eq!(places, [0, 1]);
    let paths = all_simple_paths::<Vec<_>, _, std::hash::RandomState>(&view, x, square, 0, None);
    assert_eq!(paths.count(), 2);
    assert_eq!(view.element(square).role, Role::Operation(Op::Mul));
}

#[test]
fn a_chain_of_ten_million_operations_is_measured_without_recursion() {
    let measured = std::thread::Builder::new().stack_size(128 << 10).spawn(|| {
        let graph = Graph::new();
        let x = graph.input("x");
        let y = (0..10_000_000).fold(x, |y, _| y.sin());
        let view = graph.view(&[y], &ElementSet::primitives()).expect("all operations");
        assert_eq!(view.depth(), 10_000_000);
        assert!(view.widths().into_iter().all(|width| width == 1));
        assert_eq!(view.critical_path().len(), 10_000_001);
    });
    measured.expect("a thread").join().expect("no growth of the stack");
}

#[test]
fn a_summary_is_a_table_that_a_person_reads() {
    let graph = Graph::new();
    let x = graph.inputs("x", 3);
    let hidden = layer(&graph, "hidden", &x, 4, Op::Tanh, &mut half).expect("shapes fit").outputs();
    let output = layer(&graph, "output", &hidden, 2, None, &mut half).expect("shapes fit").outputs();
    let loss = (output[0] - output[1]).square() + 0.5;
    insta::assert_snapshot!(graph.summary(&[loss]).expect("its own"));
}
