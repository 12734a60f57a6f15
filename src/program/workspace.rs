//! Many examples at once: the buffers of a forward and a reverse pass over lanes.

use std::sync::Arc;

use super::lanes::{Aligned, Block, LaneCode, Operand, Totals};
use super::shared::SharedCode;
use super::{Program, ProgramError, count};

/// The memory that a block of lanes may take, so that it stays in the cache of a core.
const CACHE: usize = 640 << 10;

/// What a program is for lanes of examples.
#[derive(Debug)]
pub(super) struct LaneProgram {
    pub(super) code: LaneCode,
    pub(super) shared: SharedCode,
    /// The slot of each shared number of the code.
    pub(super) places: Vec<u32>,
    pub(super) input_adjoints: bool,
}

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
    program: Arc<LaneProgram>,
    lanes: usize,
    tile: usize,
    block: Block,
    slots: Vec<f64>,
    slot_adjoints: Vec<f64>,
    uniforms: Vec<f64>,
    totals: Vec<f64>,
    outputs: Vec<f64>,
    inputs: Vec<f64>,
    seeds: Aligned,
}

impl Program {
    /// Buffers for `lanes` examples at once.
    ///
    /// The first call compiles the program for lanes.
    #[must_use]
    pub fn workspace(&self, lanes: usize) -> Workspace {
        Workspace::new(self.lane_program(true), lanes)
    }

    /// Buffers for `lanes` examples at once, when the gradient is wanted by the parameters alone: the inputs' is not
    /// computed, which saves a part of the reverse pass.
    #[must_use]
    pub fn workspace_for_parameters(&self, lanes: usize) -> Workspace {
        Workspace::new(self.lane_program(false), lanes)
    }

    /// The outputs of many examples, and the gradient of Σ over examples and outputs of seedₖ · outputₖ.
    ///
    /// `inputs` is laid out `[input][lane]`; there is one seed for each output, the same for all examples: give 1/lanes
    /// for the gradient of a mean. A second call allocates nothing. The result has the same bits at each call.
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
    fn new(program: Arc<LaneProgram>, lanes: usize) -> Self {
        let code = &program.code;
        let fitting = CACHE / (16 * (code.rows as usize).max(1));
        let most = (fitting / 8 * 8).clamp(8, 256);
        let tiles = lanes.div_ceil(most).max(1);
        let tile = lanes.div_ceil(tiles).next_multiple_of(8).max(8);
        Self {
            lanes,
            tile,
            block: Block::new(code, tile),
            slots: vec![0.0; program.shared.slots()],
            slot_adjoints: vec![0.0; program.shared.slots()],
            uniforms: vec![0.0; program.places.len()],
            totals: vec![0.0; program.places.len()],
            outputs: vec![0.0; code.outputs.len() * lanes],
            inputs: vec![0.0; if program.input_adjoints { code.columns as usize * lanes } else { 0 }],
            seeds: Aligned::new(code.outputs.len() * tile),
            program,
        }
    }

    /// How many examples there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The values of one output, one for each example.
    ///
    /// # Panics
    /// When the program has not so many outputs.
    #[must_use]
    #[track_caller]
    pub fn output(&self, output: usize) -> &[f64] {
        &self.outputs[output * self.lanes..][..self.lanes]
    }

    /// The gradient by the parameters, summed over the examples.
    #[must_use]
    pub fn parameters(&self) -> &[f64] {
        &self.slot_adjoints[self.program.shared.parameters()]
    }

    /// The gradient by one input, a number for each example.
    ///
    /// # Panics
    /// When the program has not so many inputs, or the workspace is for parameters alone.
    #[must_use]
    #[track_caller]
    pub fn input(&self, input: usize) -> &[f64] {
        &self.inputs[input * self.lanes..][..self.lanes]
    }

    #[track_caller]
    fn check(&self, program: &Program, parameters: &[f64], inputs: &[f64]) -> Result<(), ProgramError> {
        assert!(program.owns(&self.program), "the workspace belongs to another program");
        count("parameters", program.layout.parameters, parameters.len())?;
        count("inputs times lanes", program.layout.inputs * self.lanes, inputs.len())
    }

    fn run(&mut self, parameters: &[f64], inputs: &[f64], seeds: Option<&[f64]>) {
        let program = self.program.clone();
        program.shared.forward(parameters, &mut self.slots);
        for (uniform, &slot) in self.uniforms.iter_mut().zip(&program.places) {
            *uniform = self.slots[slot as usize];
        }
        self.totals.fill(0.0);
        for start in (0..self.lanes).step_by(self.tile) {
            self.tile(&program.code, inputs, seeds, start..self.lanes.min(start + self.tile));
        }
        let Some(seeds) = seeds else { return };
        for (&output, seed) in program.code.outputs.iter().zip(seeds) {
            if let Operand::Shared(place) = output {
                self.totals[place as usize] += seed * self.lanes as f64;
            }
        }
        self.slot_adjoints.fill(0.0);
        for (&total, &slot) in self.totals.iter().zip(&program.places) {
            self.slot_adjoints[slot as usize] += total;
        }
        program.shared.reverse(&self.slots, &mut self.slot_adjoints);
    }

    /// Runs the examples of one block, the rest of it filled with copies of the last that do not count.
    fn tile(&mut self, code: &LaneCode, inputs: &[f64], seeds: Option<&[f64]>, range: std::ops::Range<usize>) {
        let (used, lanes) = (range.len(), range.len().next_multiple_of(8));
        self.block.set_lanes(lanes);
        for column in 0..code.columns {
            let from = &inputs[column as usize * self.lanes..][range.clone()];
            let (own, rest) = self.block.column_mut(column).split_at_mut(used);
            own.copy_from_slice(from);
            rest.fill(from[used - 1]);
        }
        code.forward(&self.uniforms, &mut self.block);
        for (output, &operand) in code.outputs.iter().enumerate() {
            let to = &mut self.outputs[output * self.lanes..][range.clone()];
            match operand {
                Operand::Rows(row) => to.copy_from_slice(&self.block.value(row)[..used]),
                Operand::Shared(place) => to.fill(self.uniforms[place as usize]),
            }
        }
        let Some(seeds) = seeds else { return };
        let rows = self.seeds.get_mut();
        for (row, &seed) in rows.chunks_exact_mut(lanes).zip(seeds) {
            row[..used].fill(seed);
            row[used..].fill(0.0);
        }
        let rows = self.seeds.get();
        let seed = |output: usize| &rows[output * lanes..][..lanes];
        code.reverse(&self.uniforms, seed, &mut self.block, &mut Totals { shared: &mut self.totals });
        if self.program.input_adjoints {
            for column in 0..code.columns {
                let to = &mut self.inputs[column as usize * self.lanes..][range.clone()];
                to.copy_from_slice(&self.block.adjoint(column)[..used]);
            }
        }
    }
}
