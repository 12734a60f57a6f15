//! Graphs of ten million nodes: no stack, memory in proportion, every stage.
#![allow(clippy::disallowed_methods, reason = "an independent computation takes the standard library's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use dagrad::Graph;

/// The system's allocator, with a count of the bytes that are in use and of the most there were.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator cannot be written without it")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(IN_USE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How far the factor is from 1: exact in binary.
const D: f64 = 1.0 / (1 << 23) as f64;

struct Run {
    value: f64,
    derivatives: [f64; 3],
    depth: usize,
    bytes: usize,
    time: [Duration; 4],
}

/// Builds x ← x·c + d `links` times, compiles it, and runs it both ways.
fn run(links: usize) -> Run {
    let before = IN_USE.load(Relaxed);
    MOST.store(before, Relaxed);
    let mut clock = Instant::now();
    let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed();
    let graph = Graph::new();
    let (x, c, d) = (graph.input("x"), graph.parameter("c", 1.0 - D), graph.parameter("d", D));
    let y = (0..links).fold(x, |y, _| y * c + d);
    let build = lap();
    let program = graph.compile(&[y]).expect("a chain compiles");
    let compile = lap();
    let values = program.forward(&[2.0]).expect("one input");
    let forward = lap();
    let gradients = program.reverse(&values);
    let reverse = lap();
    Run {
        value: values[y],
        derivatives: [gradients[x], gradients[c], gradients[d]],
        depth: y.depth(),
        bytes: MOST.load(Relaxed) - before,
        time: [build, compile, forward, reverse],
    }
}

#[test]
fn a_chain_of_ten_million_nodes_needs_no_stack_and_memory_in_proportion() {
    let small_stack = std::thread::Builder::new().stack_size(128 << 10);
    let work = || [run(500_000), run(5_000_000)];
    let runs = small_stack.spawn(work).expect("a thread starts").join().expect("128 KiB of stack are enough");
    for (run, links) in runs.iter().zip([500_000_usize, 5_000_000]) {
        let nodes = 2 * links;
        let times = run.time.map(|time| time.as_nanos() / nodes as u128);
        println!(
            "{nodes} nodes: {} bytes per node; build, compile, forward, reverse {times:?} ns per node",
            run.bytes / nodes
        );
        // y = cⁿ x + d (1 − cⁿ)/(1 − c), and D is exact. Each link may round by half an ulp.
        let (n, c) = (links as f64, 1.0 - D);
        let power = (n * f64::ln_1p(-D)).exp();
        let geometric = (1.0 - power) / D;
        let expected = 2.0 * power + D * geometric;
        let by_c = 2.0 * n * power / c + (geometric - n * power / c);
        let tolerance = n * f64::EPSILON;
        for (got, expected) in [run.value, run.derivatives[0], run.derivatives[1], run.derivatives[2]]
            .into_iter()
            .zip([expected, power, by_c, geometric])
        {
            assert!((got - expected).abs() <= tolerance * expected.abs(), "{got} is not {expected} at {nodes} nodes");
        }
        assert_eq!(run.depth, nodes);
    }
    let per_node = runs.map(|run| run.bytes as f64 / run.depth as f64);
    // Vectors that double hold at most twice what they need.
    assert!(per_node[1] < 2.0 * per_node[0], "memory grows faster than the graph: {per_node:?} bytes per node");
    assert!(per_node[1] < 400.0, "{} bytes per node", per_node[1]);
}
