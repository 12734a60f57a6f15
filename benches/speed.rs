//! The workloads of `examples/speed.rs` under criterion: `cargo bench --bench speed -- [NAME]`.

mod workload;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dagrad::Graph;
use workload::ba::{BundleAdjustment, ByProgram};

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
    let mut by_program = ByProgram::new(BundleAdjustment::new(49, 7776, 31_843, 0));
    let mut blocks = vec![0.0; by_program.bundle().numbers()];
    let mut group = criterion.benchmark_group("ba Jacobian");
    group.sample_size(20);
    group.bench_function("dagrad", |bencher| bencher.iter(|| by_program.jacobian(&mut blocks)));
    group.bench_function("plain", |bencher| bencher.iter(|| by_program.bundle().plain_jacobian(&mut blocks)));
    group.finish();
}

criterion_group!(benches, values_with_gradients, jacobian);
criterion_main!(benches);
