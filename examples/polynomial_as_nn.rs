//! Networks multiply: four neurons make a product, and gates of them any polynomial (Lin, Tegmark and Rolnick 2017).
//!
//! `cargo run --example polynomial_as_nn [folder]` prints how exact, how large and how deep such networks are, and
//! writes their graphs to the folder (`target/graphs`) for Graphviz: `dot -Tsvg gate.dot -o gate.svg`.

use std::path::{Path, PathBuf};

use dagrad::element::{Unit, and_gate, multiplication_gate};
use dagrad::model::polynomial_as_network;
use dagrad::view::Role;
use dagrad::{ElementSet, Error, Expr, Graph, View, elementary};

const UNITS: [(&str, Unit); 2] = [("softplus", Unit::SOFTPLUS), ("logistic", Unit::LOGISTIC)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("target/graphs"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    multiply()?;
    conjoin()?;
    compare()?;
    products()?;
    let count = draw(&folder)?;
    println!("\n{count} graphs are in {}", folder.display());
    Ok(())
}

/// How the error of the gate falls with λ.
fn multiply() -> Result<(), Error> {
    println!("2 × 3 by four neurons");
    println!("{:>8}  {:>9}  {:>20}  {:>10}  {:>6}", "unit", "λ", "product", "error", "slope");
    for (name, unit) in UNITS {
        let mut before: Option<(f64, f64)> = None;
        for scale in [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001] {
            let graph = Graph::new();
            let product = multiplication_gate(graph.input("u"), graph.input("v"), unit, scale)?;
            let value = product.eval(&[("u", 2.0), ("v", 3.0)])?;
            let error = (value / 6.0 - 1.0).abs();
            // The exponent of λ in the error, between this row and the one before.
            let slope = before.map(|(scale_before, error_before)| {
                elementary::ln(error / error_before) / elementary::ln(scale / scale_before)
            });
            let slope = slope.map_or(String::new(), |slope| format!("{slope:.3}"));
            println!("{name:>8}  {scale:>9}  {value:>20.16}  {error:>10.3e}  {slope:>6}");
            before = Some((scale, error));
        }
    }
    Ok(())
}

/// How the error of AND falls with β.
fn conjoin() -> Result<(), Error> {
    println!("\nAND of three bits by one neuron");
    println!("{:>9}  {:>14}  {:>14}", "β", "largest error", "σ(−β/2)");
    for sharpness in [5.0, 10.0, 20.0, 27.631_019_115_927_547, 40.0] {
        let graph = Graph::new();
        let program = graph.compile(&[and_gate(&graph, &graph.inputs("bit", 3), sharpness)])?;
        let mut worst: f64 = 0.0;
        for pattern in 0..8_u8 {
            let bits = [0, 1, 2].map(|bit| f64::from(pattern >> bit & 1));
            let exact = bits.iter().product::<f64>();
            worst = program.forward(&bits)?.outputs().fold(worst, |worst, got| worst.max((got - exact).abs()));
        }
        println!("{sharpness:>9.4}  {worst:>14.8e}  {:>14.8e}", elementary::sigmoid(-sharpness / 2.0));
    }
    Ok(())
}

/// (x₁x₂ + x₂x₃)(x₂x₃ + x₃x₄) with the factor x₂x₃ shared.
fn factored<'g>(x: &[Expr<'g>]) -> Expr<'g> {
    let shared = (x[1] * x[2]).named("x₂x₃");
    (x[0] * x[1] + shared) * (shared + x[2] * x[3])
}

/// The same polynomial as the sum of its monomials.
fn expanded<'g>(x: &[Expr<'g>]) -> Expr<'g> {
    let monomials = [[0, 1, 1, 2], [0, 1, 2, 3], [1, 1, 2, 2], [1, 2, 2, 3]];
    let monomials = monomials.map(|m| x[m[0]] * x[m[1]] * x[m[2]] * x[m[3]]);
    monomials[0] + monomials[1] + monomials[2] + monomials[3]
}

/// How large and how deep a polynomial is, factored, expanded, and as a network.
fn compare() -> Result<(), Error> {
    println!("\n(x₁x₂ + x₂x₃)(x₂x₃ + x₃x₄) at (1, 2, 3, 4), networks of softplus with λ = 0.001");
    println!(
        "{:<22}  {:>10}  {:>16}  {:>7}  {:>16}  {:>10}",
        "", "operations", "depth in {+, ×}", "neurons", "depth in neurons", "value"
    );
    let graph = Graph::new();
    let x = graph.inputs("x", 4);
    for (name, polynomial) in [("factored", factored(&x)), ("expanded", expanded(&x))] {
        let network = polynomial_as_network(polynomial, Unit::SOFTPLUS, 0.001)?;
        for (name, function) in [(name.to_string(), polynomial), (format!("{name}, as a network"), network)] {
            let (operations, neurons) = (graph.view(&[function], &ElementSet::primitives())?, in_neurons(function)?);
            let size = operations.elements().iter().filter(|element| !element.role.is_leaf()).count();
            // A network has activations: it is no polynomial.
            let depth = graph.view(&[function], &ElementSet::sums_and_products());
            let depth = depth.map_or("—".into(), |view| view.depth().to_string());
            let at = [1.0, 2.0, 3.0, 4.0];
            let value = graph.compile(&[function])?.forward(&at)?[function];
            let (count, path) = neurons;
            println!("{name:<22}  {size:>10}  {depth:>16}  {count:>7}  {path:>16}  {value:>10.5}");
        }
    }
    Ok(())
}

/// How many neurons a function has, and how many stand on the longest path.
fn in_neurons(function: Expr<'_>) -> Result<(usize, usize), Error> {
    let view = function.graph().view(&[function], &ElementSet::groups(["neuron"]))?;
    let mut longest: Vec<usize> = vec![];
    for id in view.ids() {
        let below = view.operands(id).map(|operand| longest[operand.index()]).max();
        longest.push(below.unwrap_or(0) + usize::from(view.element(id).role == Role::Group));
    }
    let neurons = view.elements().iter().filter(|element| element.role == Role::Group).count();
    Ok((neurons, longest.into_iter().max().unwrap_or(0)))
}

/// Depth against width: a product of n numbers.
fn products() -> Result<(), Error> {
    println!("\nproducts of n numbers, and of n sums of two");
    println!("{:>3}  {:>13}  {:>17}  {:>8}  {:>8}", "n", "neurons, deep", "in one layer (2ⁿ)", "factored", "expanded");
    for n in [2_usize, 4, 6, 8, 10] {
        let graph = Graph::new();
        let (x, y) = (graph.inputs("x", n), graph.inputs("y", n));
        let (deep, _) = in_neurons(polynomial_as_network(graph.product(&x), Unit::SOFTPLUS, 0.01)?)?;
        let factored = x.iter().zip(&y).map(|(&x, &y)| x + y).reduce(|all, sum| all * sum).expect("n is positive");
        let monomial = |pattern: usize| {
            let factors = (0..n).map(|i| if pattern >> i & 1 == 0 { x[i] } else { y[i] });
            factors.reduce(|all, factor| all * factor).expect("n is positive")
        };
        let expanded = (0..1 << n).map(monomial).reduce(|sum, term| sum + term).expect("there are terms");
        let [factored, expanded] = [factored, expanded].map(operations);
        println!("{n:>3}  {deep:>13}  {:>17}  {:>8}  {:>8}", 1 << n, factored?, expanded?);
    }
    Ok(())
}

fn operations(function: Expr<'_>) -> Result<usize, Error> {
    let view = function.graph().view(&[function], &ElementSet::sums_and_products())?;
    Ok(view.elements().iter().filter(|element| !element.role.is_leaf()).count())
}

/// Writes the gate, alone and as one element, and the polynomial with its network; says how many files.
fn draw(folder: &Path) -> Result<usize, Box<dyn std::error::Error>> {
    let graph = Graph::new();
    let gate = multiplication_gate(graph.input("u"), graph.input("v"), Unit::SOFTPLUS, 0.1)?;
    let x = graph.inputs("x", 4);
    let polynomial = factored(&x).named("y");
    let network = polynomial_as_network(polynomial, Unit::SOFTPLUS, 0.01)?;
    let program = graph.compile(&[polynomial])?;
    let values = program.forward(&[0.0, 0.0, 1.0, 2.0, 3.0, 4.0])?;
    let gradients = program.reverse(&values);
    let numbers = |node| Some((values.get(node).ok()?, gradients.get(node).ok()?));
    let view = |output, set: ElementSet| -> Result<View, Error> { Ok(graph.view(&[output], &set)?) };
    let drawings = [
        ("gate", view(gate, ElementSet::primitives())?.dot().render()?),
        ("gate_in_neurons", view(gate, ElementSet::groups(["neuron"]))?.dot().render()?),
        ("polynomial", view(polynomial, ElementSet::primitives())?.dot().numbers(numbers).critical_path().render()?),
        ("expanded", view(expanded(&x), ElementSet::primitives())?.dot().critical_path().render()?),
        ("network_in_neurons", view(network, ElementSet::groups(["neuron"]))?.dot().critical_path().render()?),
        ("network_in_gates", view(network, ElementSet::groups(["gate"]))?.dot().critical_path().render()?),
    ];
    for (name, text) in &drawings {
        std::fs::write(folder.join(name).with_extension("dot"), text)?;
    }
    Ok(drawings.len())
}
