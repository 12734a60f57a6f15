//! Many examples at once: blocks of lanes one after the other.

use std::ops::Range;
use std::sync::Arc;

use super::Wanted;
use super::kernels::MOST_LANES;
use super::kernels::script::{Outside, OutsideRows};
use super::lanes::{Block, LaneCode, Operand, Totals, Uniforms};
use super::shared::SharedCode;
#[cfg(feature = "rayon")]
use super::threads::share;

/// The memory that a block of lanes may take.
///
/// More than the cache of a core, since steps read rows in order: with fewer lanes, steps cost more than memory.
const BLOCK: usize = 2560 << 10;

/// What a program is for lanes of examples.
#[derive(Debug)]
pub(super) struct LaneProgram {
    pub(super) code: LaneCode,
    pub(super) shared: SharedCode,
    /// The shared numbers of the code.
    pub(super) uniforms: Uniforms,
    /// How many inputs there are: parameters may be columns too.
    pub(super) inputs: usize,
    pub(super) wanted: Wanted,
}

impl LaneProgram {
    /// How many columns have their adjoints wanted.
    fn adjoints(&self) -> usize {
        if self.wanted == Wanted::Parameters { 0 } else { self.code.columns as usize }
    }
}

/// How many lanes a block has: as many as a block may take, the same in all blocks as far as possible.
pub(super) fn tile(code: &LaneCode, lanes: usize) -> usize {
    let fitting = BLOCK / (16 * (code.rows as usize).max(1));
    let most = (fitting / 8 * 8).clamp(8, MOST_LANES - 8);
    // Two threads at least have something to do.
    let tiles = lanes.div_ceil(most).max(if lanes >= 256 { 2 } else { 1 });
    let even = lanes.div_ceil(tiles).next_multiple_of(8).max(8);
    // Rows at a distance of many whole lines would lie in the same few sets of the cache.
    if tiles > 1 && even % 64 == 0 { (even + 8).min(most.max(8)) } else { even }
}

/// The most chunks that run side by side.
const CHUNKS: usize = 16;

/// How many lanes a chunk has.
fn per_chunk(lanes: usize, tile: usize) -> usize {
    lanes.div_ceil(tile).div_ceil(CHUNKS).max(1) * tile
}

/// The buffers of a run over many examples.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    program: Arc<LaneProgram>,
    lanes: usize,
    tile: usize,
    slots: Vec<f64>,
    slot_adjoints: Vec<f64>,
    uniforms: Vec<f64>,
    scratch: Vec<f64>,
    chunks: Vec<Chunk>,
    /// As many as may be at work at once.
    blocks: Vec<Block>,
    pub(super) outputs: Vec<f64>,
    pub(super) inputs: Vec<f64>,
}

/// Some tiles one after the other, and what they come to.
///
/// How the tiles are divided follows from the program and the lanes alone, and chunks are added up in their order: any
/// number of threads gives the same bits.
#[derive(Clone, Debug)]
struct Chunk {
    lanes: Range<usize>,
    totals: Vec<f64>,
    /// The values of the outputs and the adjoints of the inputs, for the lanes of the chunk, where chunks run side by
    /// side; else they are written where they belong.
    outputs: Vec<f64>,
    inputs: Vec<f64>,
}

/// Whether chunks may run side by side.
const SIDE_BY_SIDE: bool = cfg!(feature = "rayon");

/// Rows of results: those of a chunk, or of all lanes.
struct Results<'a> {
    numbers: &'a mut [f64],
    /// How many lanes a row has, and the first of them.
    lanes: usize,
    first: usize,
}

impl Results<'_> {
    /// Some lanes of a row.
    fn row(&mut self, row: usize, lanes: Range<usize>) -> &mut [f64] {
        &mut self.numbers[row * self.lanes + lanes.start - self.first..][..lanes.len()]
    }

    /// How many rows there are.
    fn count(&self) -> usize {
        self.numbers.len().checked_div(self.lanes).unwrap_or(0)
    }
}

/// A chunk at work.
struct Work<'a> {
    lanes: Range<usize>,
    totals: &'a mut [f64],
    outputs: Results<'a>,
    inputs: Results<'a>,
}

/// What all tiles of a run share.
#[derive(Clone, Copy)]
struct Call<'a> {
    program: &'a LaneProgram,
    /// How many lanes there are, and how many go into a tile.
    lanes: usize,
    tile: usize,
    uniforms: &'a [f64],
    parameters: &'a [f64],
    inputs: &'a [f64],
    seeds: Option<&'a [f64]>,
}

impl Batch {
    pub(super) fn new(program: Arc<LaneProgram>, lanes: usize) -> Self {
        let code = &program.code;
        let tile = tile(code, lanes);
        let per_chunk = per_chunk(lanes, tile);
        let input_count = program.adjoints();
        let chunks: Vec<Chunk> = (0..lanes)
            .step_by(per_chunk)
            .map(|start| {
                let lanes = start..lanes.min(start + per_chunk);
                let own = if SIDE_BY_SIDE { lanes.len() } else { 0 };
                Chunk {
                    totals: vec![0.0; program.uniforms.len()],
                    outputs: vec![0.0; code.outputs.len() * own],
                    inputs: vec![0.0; input_count * own],
                    lanes,
                }
            })
            .collect();
        let at_once = if SIDE_BY_SIDE { chunks.len() } else { 1 };
        Self {
            lanes,
            tile,
            slots: vec![0.0; program.shared.slots()],
            slot_adjoints: vec![0.0; program.shared.slots()],
            uniforms: vec![0.0; program.uniforms.len()],
            scratch: vec![0.0; program.shared.scratch()],
            chunks,
            blocks: vec![Block::new(code, tile); at_once],
            outputs: vec![0.0; code.outputs.len() * lanes],
            inputs: vec![0.0; input_count * lanes],
            program,
        }
    }

    /// The memory that the buffers would take.
    pub(super) fn forecast(program: &LaneProgram, lanes: usize) -> usize {
        let code = &program.code;
        let tile = tile(code, lanes);
        let chunks = lanes.div_ceil(per_chunk(lanes, tile));
        let at_once = if SIDE_BY_SIDE { chunks } else { 1 };
        let inputs = program.adjoints();
        // Results stand once for all, and where chunks run side by side once for each chunk.
        let results = (1 + usize::from(SIDE_BY_SIDE)) * lanes * (code.outputs.len() + inputs);
        let block = Block::forecast(code, tile);
        let shared = 2 * program.shared.slots() + program.shared.scratch() + (1 + chunks) * program.uniforms.len();
        8 * (results + at_once * block + shared)
    }

    pub(super) fn bytes(&self) -> usize {
        let of_chunk = |chunk: &Chunk| chunk.totals.len() + chunk.outputs.len() + chunk.inputs.len();
        let chunks: usize = self.chunks.iter().map(of_chunk).sum();
        let blocks: usize = self.blocks.iter().map(Block::len).sum();
        let shared = self.slots.len() + self.slot_adjoints.len() + self.uniforms.len() + self.scratch.len();
        8 * (chunks + blocks + shared + self.outputs.len() + self.inputs.len())
    }

    /// The adjoints of the parameters lane by lane, if these are wanted.
    pub(super) fn by_lane(&self) -> &[f64] {
        match self.program.wanted {
            Wanted::Each => &self.inputs[self.program.inputs * self.lanes..],
            Wanted::Parameters | Wanted::All => &[],
        }
    }

    pub(super) fn parameters(&self) -> &[f64] {
        &self.slot_adjoints[self.program.shared.parameters()]
    }

    pub(super) fn run(&mut self, parameters: &[f64], inputs: &[f64], seeds: Option<&[f64]>) {
        let Self { program, lanes, tile, slots, slot_adjoints, uniforms, scratch, chunks, blocks, outputs, .. } = self;
        let whole = program.uniforms.whole();
        let given = whole.as_ref().and_then(|slots| program.shared.given(slots, parameters));
        let uniforms: &[f64] = if let Some(given) = given {
            given
        } else {
            program.shared.forward(parameters, slots, scratch);
            program.uniforms.read(uniforms, |run| &slots[run.start as usize..run.end as usize]);
            uniforms
        };
        let call = Call { program, lanes: *lanes, tile: *tile, uniforms, parameters, inputs, seeds };
        let direct = whole.filter(|_| chunks.len() == 1);
        if seeds.is_some() {
            let own = direct.clone().unwrap_or(0..0);
            slot_adjoints[..own.start].fill(0.0);
            slot_adjoints[own.end..].fill(0.0);
        }
        if let (Some(slots), [chunk]) = (direct, chunks.as_slice()) {
            // What a single chunk comes to needs no room of its own.
            let results = |numbers| Results { numbers, lanes: *lanes, first: 0 };
            let (outputs, inputs) = (results(outputs), results(&mut self.inputs));
            Work { lanes: chunk.lanes.clone(), totals: &mut slot_adjoints[slots], outputs, inputs }
                .run(call, &mut blocks[0]);
        } else {
            run_chunks(call, chunks, blocks, [outputs, &mut self.inputs]);
            if seeds.is_some() {
                for chunk in &*chunks {
                    program.uniforms.add(&chunk.totals, slot_adjoints);
                }
            }
        }
        let Some(seeds) = seeds else { return };
        for (&output, seed) in program.code.outputs.iter().zip(seeds) {
            if let Operand::Shared(place) = output {
                slot_adjoints[program.uniforms.slot(place) as usize] += seed * self.lanes as f64;
            }
        }
        program.shared.reverse(slots, slot_adjoints, scratch);
        for &slot in program.shared.frozen() {
            slot_adjoints[slot as usize] = 0.0;
            // In the workspaces where parameters are columns, theirs is 0 in each lane.
            if program.wanted == Wanted::Each {
                self.inputs[slot as usize * self.lanes..][..self.lanes].fill(0.0);
            }
        }
        // Parameters that are columns have an adjoint for each lane, and their sum besides.
        let by_lane = self.inputs.chunks_exact(self.lanes.max(1)).skip(program.inputs);
        for (adjoint, row) in slot_adjoints[program.shared.parameters()].iter_mut().zip(by_lane) {
            *adjoint += row.iter().sum::<f64>();
        }
    }
}

#[cfg(feature = "rayon")]
fn run_chunks(call: Call<'_>, chunks: &mut [Chunk], blocks: &mut [Block], [outputs, inputs]: [&mut [f64]; 2]) {
    let per_thread = chunks.len().div_ceil(rayon::current_num_threads()).max(1);
    share(chunks, per_thread, blocks, |_, chunks, block| {
        for Chunk { lanes, totals, outputs, inputs } in chunks {
            let results = |numbers| Results { numbers, lanes: lanes.len(), first: lanes.start };
            let (outputs, inputs) = (results(outputs), results(inputs));
            Work { lanes: lanes.clone(), totals, outputs, inputs }.run(call, block);
        }
    });
    for chunk in chunks {
        let count = chunk.lanes.len();
        for (all, own) in [(&mut *outputs, &chunk.outputs), (&mut *inputs, &chunk.inputs)] {
            for (row, own) in all.chunks_exact_mut(call.lanes).zip(own.chunks_exact(count)) {
                row[chunk.lanes.clone()].copy_from_slice(own);
            }
        }
    }
}

#[cfg(not(feature = "rayon"))]
fn run_chunks(call: Call<'_>, chunks: &mut [Chunk], blocks: &mut [Block], [outputs, inputs]: [&mut [f64]; 2]) {
    for Chunk { lanes, totals, .. } in chunks {
        let outputs = Results { numbers: outputs, lanes: call.lanes, first: 0 };
        let inputs = Results { numbers: inputs, lanes: call.lanes, first: 0 };
        Work { lanes: lanes.clone(), totals, outputs, inputs }.run(call, &mut blocks[0]);
    }
}

impl Work<'_> {
    /// Runs the tiles of a chunk one after the other; the totals are theirs.
    fn run(mut self, call: Call<'_>, block: &mut Block) {
        if call.seeds.is_some() {
            call.program.code.clear(self.totals);
        }
        for start in self.lanes.clone().step_by(call.tile) {
            self.run_tile(call, block, start..self.lanes.end.min(start + call.tile));
        }
    }

    /// Runs the examples of one block, the rest of it filled with copies of the last that do not count.
    fn run_tile(&mut self, call: Call<'_>, block: &mut Block, range: Range<usize>) {
        let code = &call.program.code;
        let (used, lanes) = (range.len(), range.len().next_multiple_of(8));
        block.set_lanes(lanes);
        let Results { numbers: results, lanes: of_result, first } = &mut self.outputs;
        let place = |row: usize| row * *of_result + range.start - *first;
        let outside = &mut Outside { results, ..Outside::default() };
        // Lines read columns and write results where they lie, if these are whole registers.
        let none = OutsideRows::default();
        let rows_outside = if used == lanes { code.script.outside() } else { &none };
        let column = |&row: &u32| &call.inputs[row as usize * call.lanes..][range.clone()];
        outside.values.extend(rows_outside.columns.iter().map(column));
        for &row in &rows_outside.results {
            let output = code.outputs.iter().position(|&output| output == Operand::Rows(row));
            outside.result_places.push(place(output.expect("a result is an output")));
        }
        let columns = block.rows_mut(0..code.columns as usize);
        let (columns, of_parameters) = columns.split_at_mut(call.program.inputs * lanes);
        // Where the inputs lie as the columns do, those that matrices alone read may stay there.
        let stay =
            if lanes == call.lanes && code.of_matrices as usize <= call.program.inputs { code.of_matrices } else { 0 };
        if stay > 0 {
            outside.table = call.inputs;
        }
        let columns = columns.chunks_exact_mut(lanes).zip(call.inputs.chunks_exact(call.lanes)).zip(0..);
        for ((own, from), _) in columns.filter(|(_, row)| *row >= stay && !rows_outside.columns.contains(row)) {
            let from = &from[range.clone()];
            own[..used].copy_from_slice(from);
            own[used..].fill(from[used - 1]);
        }
        for (own, &parameter) in of_parameters.chunks_exact_mut(lanes).zip(call.parameters) {
            own.fill(parameter);
        }
        code.forward(call.uniforms, block, outside);
        for (output, &operand) in code.outputs.iter().enumerate() {
            let to = &mut outside.results[place(output)..][..used];
            match operand {
                Operand::Rows(row) if rows_outside.results.contains(&row) => {}
                Operand::Rows(row) => to.copy_from_slice(&block.value(row)[..used]),
                Operand::Shared(place) => to.fill(call.uniforms[place as usize]),
            }
        }
        let Some(seeds) = call.seeds else { return };
        code.reverse(
            call.uniforms,
            (seeds, used),
            block,
            &mut Totals { shared: self.totals, cleared: range.start == self.lanes.start, outside },
        );
        for (row, column) in (0..self.inputs.count()).zip(0..) {
            self.inputs.row(row, range.clone()).copy_from_slice(&block.adjoint(column)[..used]);
        }
    }
}
