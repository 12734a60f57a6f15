//! How large derived gradients are: at most five nodes for each node of the function.

#[path = "../benches/workload/mod.rs"]
#[allow(dead_code, reason = "the derivatives written by hand are not needed here")]
mod workload;

use dagrad::Graph;

#[test]
fn the_gradients_of_all_workloads_stay_small() {
    let mut seen = vec![];
    for make in workload::all() {
        let workload = make(1);
        let graph = Graph::new();
        let y = workload.record(&graph);
        let nodes = graph.len();
        // The same graph in other batches, and those that take long and are like the smaller ones.
        if seen.contains(&nodes) || nodes > 200_000 {
            continue;
        }
        seen.push(nodes);
        let derived = y.derive(&graph.all_parameters());
        let more = graph.len() - nodes;
        println!(
            "{:24} {nodes:>9} nodes, {more:>9} for the gradient: {:.2} each",
            workload.name(),
            more as f64 / nodes as f64
        );
        assert_eq!(derived.len(), workload.point().len());
        assert!(more <= 5 * nodes, "{}: {more} nodes for {nodes}", workload.name());
    }
}
