//! Training by Adam, with one program for every length of a document.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use dagrad::{Error, Graph, Program, Workspace};

use crate::model::{CONTEXT, Model, TOKENS, weight_count};

/// The rate of the first step; it falls linearly to zero over [`STEPS`].
const RATE: f64 = 0.01;
const STEPS: f64 = 1000.0;
const BETAS: [f64; 2] = [0.85, 0.99];

/// The loss of documents of one length: for each place 27 marks of the token and 27 of the next one.
struct Loss {
    program: Program,
    workspace: Workspace,
}

/// Weights on their way.
///
/// # Reference
/// Kingma and Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980.
pub(crate) struct Training {
    pub(crate) weights: Vec<f64>,
    moments: [Vec<f64>; 2],
    steps: u32,
    losses: BTreeMap<usize, Loss>,
    marks: Vec<f64>,
}

impl Training {
    pub(crate) fn new(weights: Vec<f64>) -> Self {
        let zeros = vec![0.0; weights.len()];
        Self { weights, moments: [zeros.clone(), zeros], steps: 0, losses: BTreeMap::new(), marks: vec![] }
    }

    /// The loss of a document; its gradient is that of the workspace.
    fn loss(&mut self, tokens: &[usize]) -> Result<(f64, &[f64]), Error> {
        let places = CONTEXT.min(tokens.len() - 1);
        let Loss { program, workspace } = match self.losses.entry(places) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let program = compile(places)?;
                let workspace = program.workspace_for_parameters(1);
                new.insert(Loss { program, workspace })
            }
        };
        self.marks.clear();
        self.marks.resize(2 * places * TOKENS, 0.0);
        let marks = self.marks.chunks_exact_mut(2 * TOKENS);
        for (marks, pair) in marks.zip(tokens.windows(2)) {
            (marks[pair[0]], marks[TOKENS + pair[1]]) = (1.0, 1.0);
        }
        program.gradient_into(&self.weights, &self.marks, &[1.0], workspace)?;
        Ok((workspace.output(0)[0], workspace.parameters()))
    }

    /// The gradient at a document, without a step.
    #[allow(dead_code, reason = "the test reads it, the example does not")]
    pub(crate) fn gradient(&mut self, tokens: &[usize]) -> Result<Vec<f64>, Error> {
        Ok(self.loss(tokens)?.1.to_vec())
    }

    /// One step on one document; returns the loss before it.
    pub(crate) fn step(&mut self, tokens: &[usize]) -> Result<f64, Error> {
        let (loss, gradient) = self.loss(tokens)?;
        let gradient = gradient.to_vec();
        let rate = RATE * (1.0 - f64::from(self.steps) / STEPS).max(0.0);
        self.steps += 1;
        let corrections = BETAS.map(|beta| 1.0 - dagrad::elementary::powi(beta, self.steps.cast_signed()));
        let [first, second] = &mut self.moments;
        for (((weight, g), first), second) in self.weights.iter_mut().zip(&gradient).zip(first).zip(second) {
            *first = BETAS[0] * *first + (1.0 - BETAS[0]) * g;
            *second = BETAS[1] * *second + (1.0 - BETAS[1]) * g * g;
            *weight -= rate * (*first / corrections[0]) / ((*second / corrections[1]).sqrt() + 1e-8);
        }
        Ok(loss)
    }
}

fn compile(places: usize) -> Result<Program, Error> {
    let graph = Graph::new();
    let weights = graph.parameters("w", &vec![0.0; weight_count()]);
    let marks: Vec<_> = (0..places).map(|place| graph.inputs(&format!("marks {place}"), 2 * TOKENS)).collect();
    let model = Model::new(&graph, &weights);
    let tokens: Vec<_> = marks.iter().map(|marks| model.one_of(&marks[..TOKENS])).collect();
    let loss = model.loss(&model.logits(&tokens), |place, logits| {
        let mut sum = graph.constant(0.0);
        for (&mark, &logit) in marks[place][TOKENS..].iter().zip(logits) {
            sum += mark * logit;
        }
        sum
    });
    Ok(graph.compile(&[loss])?)
}
