//! Many examples at once: blocks of lanes one after the other.

use std::sync::Arc;

use super::lanes::{Aligned, Block, LaneCode, Operand, Totals};
use super::shared::SharedCode;

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

/// How many lanes a block has: as many as stay in the cache, the same in all blocks as far as possible.
pub(super) fn tile(code: &LaneCode, lanes: usize) -> usize {
    let fitting = CACHE / (16 * (code.rows as usize).max(1));
    let most = (fitting / 8 * 8).clamp(8, 256);
    let tiles = lanes.div_ceil(most).max(1);
    lanes.div_ceil(tiles).next_multiple_of(8).max(8)
}

/// The buffers of a run over many examples.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    program: Arc<LaneProgram>,
    lanes: usize,
    tile: usize,
    block: Block,
    slots: Vec<f64>,
    slot_adjoints: Vec<f64>,
    uniforms: Vec<f64>,
    totals: Vec<f64>,
    pub(super) outputs: Vec<f64>,
    pub(super) inputs: Vec<f64>,
    seeds: Aligned,
}

impl Batch {
    pub(super) fn new(program: Arc<LaneProgram>, lanes: usize) -> Self {
        let code = &program.code;
        let tile = tile(code, lanes);
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

    pub(super) fn bytes(&self) -> usize {
        let shared = self.slots.len() + self.slot_adjoints.len() + self.uniforms.len() + self.totals.len();
        8 * (self.block.len() + shared + self.outputs.len() + self.inputs.len() + self.seeds.get().len())
    }

    pub(super) fn parameters(&self) -> &[f64] {
        &self.slot_adjoints[self.program.shared.parameters()]
    }

    pub(super) fn run(&mut self, parameters: &[f64], inputs: &[f64], seeds: Option<&[f64]>) {
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
