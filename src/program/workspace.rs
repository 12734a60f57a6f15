//! One call for values and gradients, of one example or of many: its buffers and results.

use std::sync::Arc;

use super::batch::Batch;
use super::single::Single;
use super::{Layout, Program, ProgramError, Wanted, count};

/// The buffers of a run over many examples, and its results.
///
/// Numbers of examples are laid out `[input][lane]` and `[output][lane]`: all examples of one input side by side.
///
/// ```
/// let graph = dagrad::Graph::new();
/// let (x, y, w) = (graph.input("x"), graph.input("y"), graph.parameter("w", 2.0));
/// let program = graph.compile(&[(w * x - y).square()])?;
/// let mut workspace = program.workspace(3);
/// // Three examples: x = 1, 2, 3 and y = 2, 4, 7.
/// program.gradient_into(&[2.0], &[1.0, 2.0, 3.0, 2.0, 4.0, 7.0], &[1.0], &mut workspace)?;
/// assert_eq!(workspace.output(0), [0.0, 0.0, 1.0]);
/// assert_eq!(workspace.parameters(), [-6.0]);
/// assert_eq!(workspace.input(1), [0.0, 0.0, 2.0]);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Workspace {
    program: Arc<Layout>,
    lanes: usize,
    run: Run,
}

/// One example runs over windows of its own numbers, many side by side in lanes.
#[derive(Clone, Debug)]
enum Run {
    Single(Single),
    Batch(Batch),
}

impl Program {
    /// Buffers for `lanes` examples at once.
    ///
    /// The first call compiles the program for lanes.
    #[must_use]
    pub fn workspace(&self, lanes: usize) -> Workspace {
        Workspace::new(self, Wanted::All, lanes)
    }

    /// Buffers for `lanes` examples at once, when the gradient is wanted by the parameters alone: the inputs' is not
    /// computed, which saves a part of the reverse pass.
    #[must_use]
    pub fn workspace_for_parameters(&self, lanes: usize) -> Workspace {
        Workspace::new(self, Wanted::Parameters, lanes)
    }

    /// Buffers for `lanes` examples at once, when the gradient by the parameters is wanted for each of them, as the
    /// Fisher information and clipping example by example need it.
    ///
    /// A parameter is then a number of its own in each lane, so that sums of products are not matrix products.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, w) = (graph.input("x"), graph.parameter("w", 2.0));
    /// let program = graph.compile(&[w * x])?;
    /// let mut workspace = program.workspace_for_each(3);
    /// program.gradient_into(&[2.0], &[5.0, 6.0, 7.0], &[1.0], &mut workspace)?;
    /// assert_eq!(workspace.parameter(0), [5.0, 6.0, 7.0]);
    /// assert_eq!(workspace.parameters(), [18.0]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    pub fn workspace_for_each(&self, lanes: usize) -> Workspace {
        Workspace::new(self, Wanted::Each, lanes)
    }

    /// The memory that [`workspace`](Program::workspace) would take, in bytes; nothing of it is reserved.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.inputs("x", 100);
    /// let program = graph.compile(&[graph.logsumexp(&x)])?;
    /// assert_eq!(program.workspace_bytes(64), program.workspace(64).bytes());
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    pub fn workspace_bytes(&self, lanes: usize) -> usize {
        match lanes {
            1 => Single::forecast(&self.single_program(true)),
            _ => Batch::forecast(&self.lane_program(Wanted::All), lanes),
        }
    }

    /// Buffers for `lanes` examples at once, if they take no more than `most` bytes.
    ///
    /// # Errors
    /// [`ProgramError::Memory`] with what they would take.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let program = graph.compile(&[graph.sum(&graph.inputs("x", 1000))])?;
    /// let error = program.workspace_within(1 << 20, 1 << 30).unwrap_err();
    /// assert!(error.to_string().contains("the cap is 1073741824"), "{error}");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn workspace_within(&self, lanes: usize, most: usize) -> Result<Workspace, ProgramError> {
        let needed = self.workspace_bytes(lanes);
        if needed > most { Err(ProgramError::Memory { lanes, needed, most }) } else { Ok(self.workspace(lanes)) }
    }

    /// The outputs of many examples, and the gradient of Σ over examples and outputs of seedₖ · outputₖ.
    ///
    /// `inputs` is laid out `[input][lane]`; there is one seed for each output, the same for all examples: give 1/lanes
    /// for the gradient of a mean. A second call allocates nothing, apart from some bytes for each further thread with the
    /// feature `rayon`. The result has the same bits at each call.
    ///
    /// # Errors
    /// [`ProgramError::Count`] when there are not as many parameters, inputs × lanes or seeds as the program takes.
    ///
    /// # Panics
    /// When the workspace was made by another program.
    #[track_caller]
    pub fn gradient_into(
        &self,
        parameters: &[f64],
        inputs: &[f64],
        seeds: &[f64],
        workspace: &mut Workspace,
    ) -> Result<(), ProgramError> {
        workspace.check(self, parameters, inputs)?;
        count("seeds", self.outputs.len(), seeds.len())?;
        workspace.run(parameters, inputs, Some(seeds));
        Ok(())
    }

    /// The outputs of many examples, without derivatives.
    ///
    /// # Errors
    /// [`ProgramError::Count`] when there are not as many parameters or inputs × lanes as the program takes.
    ///
    /// # Panics
    /// When the workspace was made by another program.
    #[track_caller]
    pub fn outputs_into(
        &self,
        parameters: &[f64],
        inputs: &[f64],
        workspace: &mut Workspace,
    ) -> Result<(), ProgramError> {
        workspace.check(self, parameters, inputs)?;
        workspace.run(parameters, inputs, None);
        Ok(())
    }
}

impl Workspace {
    fn new(program: &Program, wanted: Wanted, lanes: usize) -> Self {
        let run = match lanes {
            1 => Run::Single(Single::new(program.single_program(wanted != Wanted::Parameters))),
            _ => Run::Batch(Batch::new(program.lane_program(wanted), lanes)),
        };
        Self { program: program.layout.clone(), lanes, run }
    }

    /// How many examples there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The memory that the buffers take, in bytes; the code, which workspaces of a program share, is not counted.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.run {
            Run::Single(single) => single.bytes(),
            Run::Batch(batch) => batch.bytes(),
        }
    }

    /// The values of one output, one for each example.
    ///
    /// # Panics
    /// When the program has not so many outputs.
    #[must_use]
    #[track_caller]
    pub fn output(&self, output: usize) -> &[f64] {
        let outputs = match &self.run {
            Run::Single(single) => &single.outputs,
            Run::Batch(batch) => &batch.outputs,
        };
        &outputs[output * self.lanes..][..self.lanes]
    }

    /// The gradient by the parameters, summed over the examples.
    #[must_use]
    pub fn parameters(&self) -> &[f64] {
        match &self.run {
            Run::Single(single) => single.parameters(),
            Run::Batch(batch) => batch.parameters(),
        }
    }

    /// The gradient by one parameter, a number for each example.
    ///
    /// # Panics
    /// When the program has not so many parameters, or the workspace is not one [for each](Program::workspace_for_each)
    /// example.
    #[must_use]
    #[track_caller]
    pub fn parameter(&self, parameter: usize) -> &[f64] {
        match &self.run {
            Run::Single(single) => &single.parameters()[parameter..][..1],
            Run::Batch(batch) => {
                let by_lane = batch.by_lane();
                assert!(!by_lane.is_empty(), "the workspace sums the gradients of the parameters over the examples");
                &by_lane[parameter * self.lanes..][..self.lanes]
            }
        }
    }

    /// The gradient by one input, a number for each example.
    ///
    /// # Panics
    /// When the program has not so many inputs, or the workspace is for parameters alone.
    #[must_use]
    #[track_caller]
    pub fn input(&self, input: usize) -> &[f64] {
        let inputs = match &self.run {
            Run::Single(single) => single.inputs(),
            Run::Batch(batch) => &batch.inputs,
        };
        &inputs[input * self.lanes..][..self.lanes]
    }

    #[track_caller]
    fn check(&self, program: &Program, parameters: &[f64], inputs: &[f64]) -> Result<(), ProgramError> {
        assert!(Arc::ptr_eq(&program.layout, &self.program), "the workspace belongs to another program");
        count("parameters", program.layout.parameters, parameters.len())?;
        count("inputs times lanes", program.layout.inputs * self.lanes, inputs.len())
    }

    fn run(&mut self, parameters: &[f64], inputs: &[f64], seeds: Option<&[f64]>) {
        match &mut self.run {
            Run::Single(single) => single.run(parameters, inputs, seeds),
            Run::Batch(batch) => batch.run(parameters, inputs, seeds),
        }
    }
}
