//! The gradient held against central differences.

use std::cmp::Ordering;
use std::fmt::{Display, Formatter};

use super::Short;
use crate::graph::{Graph, GraphError};
use crate::program::{Program, Values};

/// A gradient beside central differences, a line for each input and parameter.
///
/// [`Display`] writes a table, with what is doubtful first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// The leaves, inputs before parameters, in their order.
    pub leaves: Vec<CheckedLeaf>,
}

/// The derivative by one leaf, had in two ways.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedLeaf {
    /// The path of the leaf.
    pub path: String,
    /// The derivative by the reverse pass.
    pub gradient: f64,
    /// The derivative by central differences, extrapolated from two steps.
    pub difference: f64,
    /// By how much the differences may be wrong: what the two steps differ by, and rounding.
    pub uncertainty: f64,
    /// What follows.
    pub verdict: Verdict,
}

/// What a comparison with differences says of a derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verdict {
    /// They are further apart than the differences may be wrong.
    Differs,
    /// A value or a derivative at or beside the point is not finite: nothing follows.
    NotFinite,
    /// The function bends sharply at the point: the gradient is one of several, and differences take their mean.
    Kink,
    /// The leaf is a frozen parameter, whose gradient is 0 on purpose.
    Frozen,
    /// They agree.
    Agrees,
}

impl Graph {
    /// Holds the gradient of a program against central differences at the point of some values, leaf by leaf.
    ///
    /// For several outputs it is the gradient of their sum. Differences need four evaluations for each leaf, and are
    /// right to about seven digits where the function is smooth.
    ///
    /// # Errors
    /// [`GraphError::ForeignNode`] for a program of another graph, [`GraphError::RemovedNode`] when a leaf of it was
    /// removed since.
    ///
    /// # Panics
    /// When the values belong to another program.
    ///
    /// # Reference
    /// Richardson (1911), The approximate arithmetical solution by finite differences, doi:10.1098/rsta.1911.0009.
    ///
    /// ```
    /// use dagrad::Verdict;
    /// let graph = dagrad::Graph::new();
    /// let (x, w) = (graph.input("x"), graph.parameter("w", 0.5));
    /// let y = (w * x).tanh() + x.stop_gradient();
    /// let program = graph.compile(&[y])?;
    /// let check = graph.check_gradient(&program, &program.forward(&[2.0])?)?;
    /// assert_eq!(check.leaves[0].verdict, Verdict::Differs); // x goes past its stop, and only differences see it
    /// assert_eq!(check.leaves[1].verdict, Verdict::Agrees);
    /// println!("{check}");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[track_caller]
    pub fn check_gradient(&self, program: &Program, values: &Values) -> Result<GradientCheck, GraphError> {
        let gradients = program.reverse(values);
        let middle: f64 = values.outputs().sum();
        let mut at: Vec<f64> = values.inputs().iter().chain(values.parameters()).copied().collect();
        let mut scratch = program.values();
        let mut sum_at = |leaves: &[f64]| -> f64 {
            let (inputs, parameters) = leaves.split_at(values.inputs().len());
            program.forward_into(parameters, inputs, &mut scratch).expect("as many leaves as the program has");
            scratch.outputs().sum()
        };
        let leaves = (program.leaf_nodes().into_iter().enumerate())
            .map(|(place, node)| {
                let path = self.expr(node)?.path();
                let differences = Differences::new(at[place], middle, |x| {
                    let before = std::mem::replace(&mut at[place], x);
                    let sum = sum_at(&at);
                    at[place] = before;
                    sum
                });
                let leaf = differences.beside(path, gradients[node]);
                Ok(if program.is_frozen(node) { CheckedLeaf { verdict: Verdict::Frozen, ..leaf } } else { leaf })
            })
            .collect::<Result<_, _>>()?;
        Ok(GradientCheck { leaves })
    }
}

impl GradientCheck {
    /// The leaf whose derivatives are furthest apart, in units of their uncertainty.
    #[must_use]
    pub fn worst(&self) -> Option<&CheckedLeaf> {
        self.leaves.iter().min_by(|a, b| a.by_doubt(b))
    }

    /// Whether every derivative is confirmed, but for those of frozen parameters.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.leaves.iter().all(|leaf| matches!(leaf.verdict, Verdict::Agrees | Verdict::Frozen))
    }
}

impl CheckedLeaf {
    /// How far the two are apart, in units of the uncertainty.
    fn apart(&self) -> f64 {
        let apart = (self.gradient - self.difference).abs();
        if apart == 0.0 { 0.0 } else { apart / self.uncertainty }
    }

    /// The order in which the more doubtful comes first.
    fn by_doubt(&self, other: &Self) -> Ordering {
        self.verdict.cmp(&other.verdict).then(other.apart().total_cmp(&self.apart()))
    }
}

/// The values of a function of one number around a point.
struct Differences {
    /// From two steps below to two steps above.
    values: [f64; 5],
    step: f64,
}

/// The step for a number of size 1: truncation of the extrapolated formula and rounding are then alike.
const STEP: f64 = 5e-4;

impl Differences {
    /// Around `x`, where the function has the value `middle`.
    fn new(x: f64, middle: f64, mut function: impl FnMut(f64) -> f64) -> Self {
        let mut around = |step: f64| {
            let mut at = |steps: f64| function(x + steps * step);
            Self { values: [at(-2.0), at(-1.0), middle, at(1.0), at(2.0)], step }
        };
        // A power of two, so that the points are where they should be for all but huge numbers.
        let step = |size: f64| f64::from_bits((STEP * size).to_bits() & f64::INFINITY.to_bits());
        let wide = around(step(x.abs().max(1.0)));
        // A small number may lie close to the edge of the domain.
        let leaves_domain = middle.is_finite() && !wide.is_finite();
        if leaves_domain && x != 0.0 { around(step(x.abs())) } else { wide }
    }

    fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    fn beside(&self, path: String, gradient: f64) -> CheckedLeaf {
        let &Self { values: [below2, below, at, above, above2], step } = self;
        let (near, far) = ((above - below) / (2.0 * step), (above2 - below2) / (4.0 * step));
        let difference = near + (near - far) / 3.0;
        let most = self.values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let rounding = 16.0 * f64::EPSILON * most / step;
        let uncertainty = (near - far).abs() / 3.0 + rounding + 1e-7 * difference.abs();
        // One-sided slopes differ by h·f″ where the function is smooth, and by the same for every h at a kink.
        let bend = |above: f64, below: f64, step: f64| ((above - at) - (at - below)).abs() / step;
        let (bend_near, bend_far) = (bend(above, below, step), bend(above2, below2, 2.0 * step));
        let kink = bend_near > 8.0 * rounding && bend_near > 1e-6 * near.abs() && bend_far < 1.5 * bend_near;
        let verdict = if !(self.is_finite() && gradient.is_finite()) {
            Verdict::NotFinite
        } else if (gradient - difference).abs() <= 2.0 * uncertainty && !kink {
            Verdict::Agrees
        } else if kink {
            Verdict::Kink
        } else {
            Verdict::Differs
        };
        CheckedLeaf { path, gradient, difference, uncertainty, verdict }
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Differs => "differs",
            Self::NotFinite => "not finite",
            Self::Kink => "kink",
            Self::Frozen => "frozen",
            Self::Agrees => "agrees",
        })
    }
}

impl Display for GradientCheck {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 20;
        let mut leaves: Vec<&CheckedLeaf> = self.leaves.iter().collect();
        leaves.sort_by(|a, b| a.by_doubt(b));
        let count = |verdict: Verdict| leaves.iter().filter(|leaf| leaf.verdict == verdict).count();
        let counts = [Verdict::Agrees, Verdict::Differs, Verdict::Kink, Verdict::NotFinite, Verdict::Frozen]
            .into_iter()
            .filter(|&verdict| verdict == Verdict::Agrees || count(verdict) > 0)
            .map(|verdict| format!("{verdict} {}", count(verdict)));
        writeln!(
            f,
            "gradient by {} leaves, against central differences: {}",
            leaves.len(),
            counts.collect::<Vec<_>>().join(", ")
        )?;
        let shown = &leaves[..leaves.len().min(SHOWN)];
        let width = shown.iter().map(|leaf| leaf.path.chars().count()).max().unwrap_or(0).max(4);
        writeln!(f, "{:10}  {:width$}  {:>22}  {:>22}  {:>8}", "verdict", "leaf", "gradient", "difference", "±")?;
        for CheckedLeaf { path, gradient, difference, uncertainty, verdict } in shown {
            let (gradient, difference) = (Short(*gradient).to_string(), Short(*difference).to_string());
            writeln!(f, "{verdict:10}  {path:width$}  {gradient:>22}  {difference:>22}  {uncertainty:>8.1e}")?;
        }
        match leaves.len() - shown.len() {
            0 => Ok(()),
            more => writeln!(f, "and {more} more"),
        }
    }
}
