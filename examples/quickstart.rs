//! The first program: a value, a derivative and the depth.
use dagrad::Graph;

fn main() -> Result<(), dagrad::Error> {
    let graph = Graph::new();
    let x = graph.input("x");
    let (a, b) = (graph.parameter("a", 3.0), graph.parameter("b", 1.0));
    let y = (x * (a * x + b).sin()).named("y");

    let program = graph.compile(&[y])?;
    let values = program.forward(&[2.0])?;
    let gradients = program.reverse(&values);
    println!("y = {}, dy/da = {}, depth {}", values[y], gradients[a], y.depth());
    Ok(())
}
