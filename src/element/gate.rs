//! Gates: few neurons that multiply, or that take the AND of bits.

use crate::dual::Dual;
use crate::graph::{Expr, Graph, GraphError};
use crate::op::{Arity, Op};

/// A neuron's activation, and the bias at which a gate uses it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// The activation σ.
    pub activation: Op,
    /// The bias b, which is to have σ″(b) ≠ 0.
    pub bias: f64,
}

impl Unit {
    /// The smooth ReLU without a bias, σ″(0) = 1/4.
    pub const SOFTPLUS: Self = Self { activation: Op::Softplus, bias: 0.0 };

    /// The logistic function at ln(2 + √3), where its curvature −√3/18 is greatest; at 0 it has none.
    pub const LOGISTIC: Self = Self { activation: Op::Sigmoid, bias: 1.316_957_896_924_816_6 };

    /// σ″(b).
    fn curvature(self) -> f64 {
        let at = Dual::variable(self.bias);
        let mut slope = [at];
        let value = <Dual as crate::op::Scalar>::apply(self.activation, &[at]);
        self.activation.partials(&[at], value, &mut slope);
        slope[0].tangent
    }
}

/// Multiplies two numbers with four neurons, up to an error that vanishes with `scale`, λ.
///
/// The group `gate` holds the neurons: u·v ≈ Σ ± σ(±λ(u ± v) + b) / (4 λ² σ″(b)). The relative error is
/// −(u² + v²) λ²/12 for [softplus](Unit::SOFTPLUS) and λ²/6 for the biased [logistic](Unit::LOGISTIC) unit, until
/// rounding takes over.
///
/// # Errors
/// [`GraphError::NotAnActivation`] for an operation of more or fewer operands, [`GraphError::NoCurvature`] when
/// σ″(b) = 0, as for tanh and the logistic function without a bias.
///
/// # Panics
/// When `v` belongs to another graph or one of the two was removed.
///
/// # Reference
/// Lin, Tegmark and Rolnick (2017), Why does deep and cheap learning work so well?, section III, figure 2,
/// doi:10.1007/s10955-017-1836-5.
///
/// ```
/// use dagrad::{Graph, element::{Unit, multiplication_gate}};
/// let graph = Graph::new();
/// let (u, v) = (graph.input("u"), graph.input("v"));
/// let product = multiplication_gate(u, v, Unit::SOFTPLUS, 0.01)?;
/// let value = product.eval(&[("u", 2.0), ("v", 3.0)])?;
/// assert!((value - 5.999350108479417).abs() < 1e-9);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[track_caller]
pub fn multiplication_gate<'g>(u: Expr<'g>, v: Expr<'g>, unit: Unit, scale: f64) -> Result<Expr<'g>, GraphError> {
    let graph = u.graph();
    graph.group("gate", || {
        let Unit { activation, bias } = unit;
        if activation.arity() != Arity::Fixed(1) {
            return Err(graph.not_an_activation(activation));
        }
        let curvature = unit.curvature();
        if curvature == 0.0 {
            return Err(graph.no_curvature(activation, bias));
        }
        let mut place = 0;
        let mut neuron = |weight_of_u: f64, weight_of_v: f64| {
            let name = format!("neuron {place}");
            place += 1;
            graph.group(&name, || {
                let z = (weight_of_u * u + weight_of_v * v + bias).named("z");
                graph.apply(activation, &[z]).named("a")
            })
        };
        let both = [neuron(scale, scale), neuron(-scale, -scale)];
        let apart = [neuron(scale, -scale), neuron(-scale, scale)];
        // Numbers close to each other are subtracted first, which is exact: only σ is rounded.
        let sum = (both[0] - apart[0]) + (both[1] - apart[1]);
        Ok((sum * (4.0 * scale * scale * curvature).recip()).named("product"))
    })
}

/// The AND of bits by one neuron: σ(β(Σ xᵢ − n + ½)), off by at most σ(−β/2).
///
/// # Panics
/// When a bit belongs to another graph or was removed.
///
/// # Reference
/// Lin, Tegmark and Rolnick (2017), section III, doi:10.1007/s10955-017-1836-5.
///
/// ```
/// use dagrad::{Graph, element::and_gate};
/// let graph = Graph::new();
/// let bits = graph.inputs("bit", 2);
/// let both = and_gate(&graph, &bits, 20.0);
/// assert!(both.eval(&[("bit[0]", 1.0), ("bit[1]", 1.0)])? > 0.9999);
/// assert!(both.eval(&[("bit[0]", 1.0), ("bit[1]", 0.0)])? < 0.0001);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[must_use]
#[track_caller]
pub fn and_gate<'g>(graph: &'g Graph, bits: &[Expr<'g>], sharpness: f64) -> Expr<'g> {
    graph.group("gate", || {
        graph.group("neuron", || {
            let z = (sharpness * (graph.sum(bits) - (bits.len() as f64 - 0.5))).named("z");
            z.sigmoid().named("a")
        })
    })
}
