//! Plain mini-batch gradient descent.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::{DataError, Table};
use crate::program::{Program, Workspace};

/// Mini-batch gradient descent: w ← w − η · mean gradient over a batch, the examples shuffled anew for each epoch.
///
/// The program's single output is the loss of one example; each row of the table holds the inputs of one.
///
/// # Reference
/// Robbins and Monro (1951), A stochastic approximation method, doi:10.1214/aoms/1177729586.
///
/// ```
/// use dagrad::{Graph, train::{MiniBatch, Table}};
/// let graph = Graph::new();
/// let (x, y, w) = (graph.input("x"), graph.input("y"), graph.parameter("w", 0.0));
/// let program = graph.compile(&[(w * x - y).square()])?;
/// let table = Table::from_rows([[1.0, 3.0], [2.0, 6.0]])?;
/// let mut parameters = graph.initial_parameters();
/// let mut descent = MiniBatch { batch: 2, rate: 0.1, seed: 0 }.start(&program, &table)?;
/// for _ in 0..50 {
///     descent.epoch(&mut parameters)?;
/// }
/// assert!((parameters[0] - 3.0).abs() < 1e-9);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MiniBatch {
    /// How many examples a step averages over; 0 is taken as 1.
    pub batch: usize,
    /// The learning rate η.
    pub rate: f64,
    /// The seed of the shuffles.
    pub seed: u64,
}

/// A descent under way, with its buffers.
#[derive(Debug)]
pub struct Epoch<'d> {
    options: MiniBatch,
    program: &'d Program,
    table: &'d Table,
    generator: ChaCha8Rng,
    order: Vec<usize>,
    inputs: Vec<f64>,
    workspace: Workspace,
}

impl MiniBatch {
    /// Prepares the buffers of a descent.
    ///
    /// # Errors
    /// [`DataError::Columns`] when a row has not as many numbers as the program takes inputs.
    pub fn start<'d>(self, program: &'d Program, table: &'d Table) -> Result<Epoch<'d>, DataError> {
        if table.columns() != program.input_count() {
            return Err(DataError::Columns { expected: program.input_count(), got: table.columns() });
        }
        Ok(Epoch {
            options: self,
            program,
            table,
            generator: ChaCha8Rng::seed_from_u64(self.seed),
            order: (0..table.len()).collect(),
            inputs: vec![],
            workspace: program.workspace_for_parameters(self.batch.max(1)),
        })
    }
}

impl Epoch<'_> {
    /// Visits every example once, moves the parameters after each batch, and returns the mean loss met on the way.
    ///
    /// # Errors
    /// [`ProgramError::Count`](crate::ProgramError::Count) when there are not as many parameters as the program takes.
    pub fn epoch(&mut self, parameters: &mut [f64]) -> Result<f64, crate::ProgramError> {
        self.order.shuffle(&mut self.generator);
        let mut total = 0.0;
        for batch in self.order.chunks(self.options.batch.max(1)) {
            let lanes = batch.len();
            if self.workspace.lanes() != lanes {
                self.workspace = self.program.workspace_for_parameters(lanes);
            }
            self.inputs.resize(self.table.columns() * lanes, 0.0);
            for (lane, &example) in batch.iter().enumerate() {
                for (input, &number) in self.table.row(example).iter().enumerate() {
                    self.inputs[input * lanes + lane] = number;
                }
            }
            let mean = 1.0 / lanes as f64;
            self.program.gradient_into(parameters, &self.inputs, &[mean], &mut self.workspace)?;
            total += self.workspace.output(0).iter().sum::<f64>();
            parameters.iter_mut().zip(self.workspace.parameters()).for_each(|(w, g)| *w -= self.options.rate * g);
        }
        Ok(total / self.order.len() as f64)
    }
}
