//! The workloads of `examples/speed.rs` under criterion: `cargo bench --bench speed -- [NAME]`.

mod workload;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dagrad::Graph;
use workload::ba::{BLOCK, BundleAdjustment};

fn values_with_gradients(criterion: &mut Criterion) {
    for make in workload::all() {
        let mut workload = make(0);
        let graph = Graph::new();
        let output = workload.record(&graph);
        let program = graph.compile(&[output]).expect("a workload compiles");
        let mut workspace = program.workspace_for_parameters(workload.lanes());
        let mut gradient = vec![0.0; workload.point().len()];
        let mut group = criterion.benchmark_group(workload.name());
        group.throughput(Throughput::Elements((program.operation_count() * workload.lanes()) as u64));
        group.sample_size(20);
        group.bench_function("dagrad", |bencher| {
            bencher.iter(|| {
                program
                    .gradient_into(workload.point(), workload.data(), &[1.0], &mut workspace)
                    .expect("a workload has as many numbers as its graph takes");
                workspace.output(0).iter().sum::<f64>()
            });
        });
        group.bench_function("plain", |bencher| bencher.iter(|| workload.plain(&mut gradient)));
        if workload.strong(&mut gradient).is_some() {
            group.bench_function("strong", |bencher| bencher.iter(|| workload.strong(&mut gradient)));
        }
        group.finish();
    }
}

fn jacobian(criterion: &mut Criterion) {
    let bundle = BundleAdjustment::new(49, 7776, 31_843, 0);
    let lanes = bundle.observations();
    let graph = Graph::new();
    let (own, picture) = (graph.inputs("own", BLOCK / 2), graph.inputs("picture", 2));
    let entries = graph.jacobian(&BundleAdjustment::errors(&own, &picture), &own).concat();
    let program = graph.compile(&entries).expect("its own nodes");
    let mut workspace = program.workspace(lanes);
    let (mut columns, mut blocks) = (vec![0.0; program.input_count() * lanes], vec![0.0; BLOCK * lanes]);
    let mut group = criterion.benchmark_group("ba Jacobian");
    group.sample_size(20);
    group.bench_function("dagrad", |bencher| {
        bencher.iter(|| {
            bundle.columns(&mut columns);
            program.outputs_into(&[], &columns, &mut workspace).expect("as many numbers as the program takes");
            workspace.output(0)[0]
        });
    });
    group.bench_function("plain", |bencher| bencher.iter(|| bundle.plain_jacobian(&mut blocks)));
    group.finish();
}

criterion_group!(benches, values_with_gradients, jacobian);
criterion_main!(benches);
