//! A sum over lanes within one run: its lanes pass by in tiles that stay in the cache.

use std::ops::Range;

use super::super::batch::tile;
use super::super::kernels::Isa;
use super::super::kernels::nest::Source;
use super::super::kernels::outer::Table;
use super::super::kernels::reduce::lane_sum;
use super::super::kernels::script::Outside;
use super::super::kernels::turn::{Starts, add_turned, turn};
use super::super::lanes::{Block, LaneCode, Operand, Totals, Uniforms};
use super::{Call, Home, Window, WindowCode};

/// What repeats itself in a run: a body, and where each of its lanes reads.
#[derive(Debug)]
pub(in super::super) struct Region {
    pub(in super::super) code: LaneCode,
    pub(in super::super) lanes: u32,
    pub(in super::super) columns: Vec<Column>,
    pub(in super::super) shared: Uniforms,
    /// The slot of the sum.
    pub(in super::super) sum: u32,
    /// The adjoint of the sum as a linear form in the seeds, if it is known before the run: then every tile is
    /// differentiated as soon as it is computed.
    pub(in super::super) tail: Option<Vec<(u32, f64)>>,
    /// The longest run of columns that follow each other in a table.
    pub(in super::super) table: Range<u32>,
    /// Whether no adjoint of a shared number is written before.
    pub(in super::super) is_first: bool,
}

/// Where the lanes read one of their numbers.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Column {
    pub(in super::super) window: Window,
    /// Whether each lane reads what follows on what it reads in the column before, as in a table of examples.
    pub(in super::super) follows: bool,
    /// Whether its adjoint is wanted, as that of the column on which it follows.
    pub(in super::super) adjoint: bool,
    /// Where they stand.
    pub(in super::super) home: Home,
}

/// The buffers of a region.
#[derive(Clone, Debug)]
pub(super) struct RegionRun {
    uniforms: Vec<f64>,
    totals: Vec<f64>,
    /// How many lanes a tile has.
    lanes: usize,
    /// As many as tiles may be at work at once.
    blocks: Vec<Block>,
    /// As many as tiles are computed before these are added up.
    outcomes: Vec<Outcome>,
}

/// What a tile comes to.
#[derive(Clone, Debug)]
struct Outcome {
    totals: Vec<f64>,
    sum: f64,
}

impl RegionRun {
    pub(super) fn new(region: &Region) -> Self {
        let lanes = region.tile();
        let (at_once, in_a_round) = tiles_of(region, lanes);
        Self {
            uniforms: vec![0.0; region.shared.len()],
            totals: vec![0.0; region.shared.len()],
            lanes,
            blocks: vec![Block::new(&region.code, lanes); at_once],
            outcomes: vec![Outcome { totals: vec![0.0; region.shared.len()], sum: 0.0 }; in_a_round],
        }
    }

    /// How many numbers it would hold.
    pub(super) fn forecast(region: &Region) -> usize {
        let lanes = region.tile();
        let (at_once, in_a_round) = tiles_of(region, lanes);
        at_once * Block::forecast(&region.code, lanes) + (2 + in_a_round) * region.shared.len()
    }

    pub(super) fn len(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::len).sum();
        let outcomes: usize = self.outcomes.iter().map(|outcome| outcome.totals.len()).sum();
        blocks + outcomes + self.uniforms.len() + self.totals.len()
    }
}

/// The fewest numbers of a tile that are worth a thread: to wake one takes microseconds.
const WORTH_A_THREAD: usize = 1 << 16;

/// The most tiles that a thread computes before all are added up.
const A_ROUND: usize = 8;

/// How many tiles may be at work at once, and how many are computed before these are added up.
///
/// What a block has gathered for columns must be passed on before it computes another tile.
fn tiles_of(region: &Region, of_tile: usize) -> (usize, usize) {
    if of_tile * (region.code.rows as usize) < WORTH_A_THREAD {
        return (1, 1);
    }
    #[cfg(feature = "rayon")]
    let threads = rayon::current_num_threads();
    #[cfg(not(feature = "rayon"))]
    let threads = 1;
    let tiles = (region.lanes as usize).div_ceil(of_tile).max(1);
    let at_once = tiles.min(threads);
    let alone = at_once == 1 || region.columns.iter().any(|column| column.adjoint);
    (at_once, if alone { at_once } else { tiles.min(A_ROUND * at_once) })
}

/// Computes some tiles, each thread with a block of its own.
#[cfg(feature = "rayon")]
fn for_each_tile(outcomes: &mut [Outcome], blocks: &mut [Block], run: impl Fn(usize, &mut Block, &mut Outcome) + Sync) {
    use rayon::prelude::{IndexedParallelIterator as _, ParallelIterator as _, ParallelSliceMut as _};
    let per_block = outcomes.len().div_ceil(blocks.len());
    outcomes.par_chunks_mut(per_block).zip(blocks).enumerate().for_each(|(chunk, (outcomes, block))| {
        for (number, outcome) in (chunk * per_block..).zip(outcomes) {
            run(number, block, outcome);
        }
    });
}

#[cfg(not(feature = "rayon"))]
fn for_each_tile(outcomes: &mut [Outcome], blocks: &mut [Block], run: impl Fn(usize, &mut Block, &mut Outcome)) {
    outcomes.iter_mut().enumerate().for_each(|(number, outcome)| run(number, &mut blocks[0], outcome));
}

/// What all tiles of a run read.
#[derive(Clone, Copy)]
struct Reads<'a> {
    call: Call<'a>,
    code: &'a WindowCode,
    values: &'a [f64],
    uniforms: &'a [f64],
}

impl Region {
    /// The adjoint of the sum, if it is known from the seeds alone.
    pub(super) fn known_adjoint(&self, seeds: Option<&[f64]>) -> Option<f64> {
        let (seeds, tail) = (seeds?, self.tail.as_ref()?);
        Some(tail.iter().map(|&(output, weight)| seeds[output as usize] * weight).sum())
    }

    /// Computes the sum; with its adjoint given, also adds up those of what the lanes read.
    pub(super) fn forward(
        &self,
        call: Call<'_>,
        code: &WindowCode,
        adjoint: Option<f64>,
        values: &mut [f64],
        adjoints: &mut [f64],
        run: &mut RegionRun,
    ) {
        values[self.sum as usize] = self.run(call, code, adjoint, values, adjoints, run);
    }

    /// Computes the lanes anew, and adds up the adjoints of what they read.
    pub(super) fn reverse(
        &self,
        call: Call<'_>,
        code: &WindowCode,
        values: &[f64],
        adjoints: &mut [f64],
        run: &mut RegionRun,
    ) {
        self.run(call, code, Some(adjoints[self.sum as usize]), values, adjoints, run);
    }

    /// How many lanes a tile has.
    pub(in super::super) fn tile(&self) -> usize {
        tile(&self.code, self.lanes as usize)
    }

    /// The slots whose adjoints a single tile of so many lanes writes where they belong, if there is only one.
    pub(in super::super) fn direct(&self, of_tile: usize) -> Option<Range<usize>> {
        let one_tile = self.lanes as usize <= of_tile;
        self.shared.whole().filter(|_| one_tile && self.code.script.outside().columns.is_empty())
    }

    /// Runs all tiles, as many at once as there are buffers, and gives the sum.
    ///
    /// What tiles come to is added in their order: any number of threads gives the same bits.
    fn run(
        &self,
        call: Call<'_>,
        code: &WindowCode,
        adjoint: Option<f64>,
        values: &[f64],
        adjoints: &mut [f64],
        run: &mut RegionRun,
    ) -> f64 {
        let RegionRun { uniforms, totals, lanes: of_tile, blocks, outcomes } = run;
        let (lanes, of_tile) = (self.lanes as usize, *of_tile);
        let uniforms = self.shared(call, code, values, uniforms);
        let one_tile = lanes <= of_tile;
        let reads = Reads { call, code, values, uniforms };
        if let Some(slots) = self.direct(of_tile) {
            // What a single tile comes to is added where it belongs.
            let (block, outcome) = (&mut blocks[0], &mut outcomes[0]);
            let columns = &mut Outside { turned: self.turned(reads, 0, lanes), ..Outside::default() };
            self.compute(reads, 0, lanes, block, outcome, columns);
            if let Some(adjoint) = adjoint {
                let (shared, cleared) = (&mut adjoints[slots], self.is_first);
                if cleared {
                    self.code.clear(shared);
                }
                self.differentiate(reads, adjoint, lanes, block, &mut Totals { shared, cleared, outside: columns });
                self.scatter(call.isa, code, 0, block, adjoints, false);
            }
            return outcome.sum;
        }
        if !one_tile {
            totals.fill(0.0);
        }
        let mut sum = 0.0;
        for first in (0..lanes).step_by(of_tile * outcomes.len()) {
            let at_work = (lanes - first).div_ceil(of_tile).min(outcomes.len());
            let outcomes = &mut outcomes[..at_work];
            let used = |start: usize| of_tile.min(lanes - start);
            // One tile at a time may read and write its columns where they lie, if they are whole registers.
            let outside = blocks.len() == 1 && used(first).is_multiple_of(8);
            if outside {
                let (block, outcome) = (&mut blocks[0], &mut outcomes[0]);
                let mut columns = Outside { turned: self.turned(reads, first, used(first)), ..Outside::default() };
                self.set_outside(reads, first, used(first), &mut columns);
                self.compute(reads, first, used(first), block, outcome, &mut columns);
                if let Some(adjoint) = adjoint {
                    columns.adjoints = Some(&mut *adjoints);
                    self.code.clear(&mut outcome.totals);
                    let totals = &mut Totals { shared: &mut outcome.totals, cleared: true, outside: &mut columns };
                    self.differentiate(reads, adjoint, used(first), block, totals);
                }
            } else {
                for_each_tile(outcomes, blocks, |number, block, outcome| {
                    let start = first + number * of_tile;
                    self.compute(reads, start, used(start), block, outcome, &mut Outside::default());
                    if let Some(adjoint) = adjoint {
                        let turned = self.turned(reads, start, used(start));
                        let outside = &mut Outside { turned, ..Outside::default() };
                        self.code.clear(&mut outcome.totals);
                        let totals = &mut Totals { shared: &mut outcome.totals, cleared: true, outside };
                        self.differentiate(reads, adjoint, used(start), block, totals);
                    }
                });
            }
            for (number, outcome) in outcomes.iter().enumerate() {
                sum += outcome.sum;
                if adjoint.is_some() {
                    if !one_tile {
                        totals.iter_mut().zip(&outcome.totals).for_each(|(total, own)| *total += own);
                    }
                    // Where columns have adjoints, each tile has a block of its own.
                    if let Some(block) = blocks.get(number) {
                        self.scatter(call.isa, code, first + number * of_tile, block, adjoints, outside);
                    }
                }
            }
        }
        if adjoint.is_some() {
            self.shared.add(if one_tile { &outcomes[0].totals } else { totals }, adjoints);
        }
        sum
    }

    /// The table of columns, from the line of a tile on.
    fn turned<'a>(&self, reads: Reads<'a>, start: usize, used: usize) -> Option<Table<'a>> {
        let first = self.columns.get(self.table.start as usize)?;
        let Window::Affine { step, .. } = first.window else { return None };
        let (step, columns) = (usize::try_from(step).ok()?, self.table.len());
        let Source { numbers, .. } = reads.call.source(first.home, reads.code, reads.values);
        let numbers = numbers.get(reads.code.place(first.window, start)..)?.get(..(used - 1) * step + columns)?;
        (columns > 1).then_some(Table {
            numbers,
            step,
            first: self.table.start,
            columns: self.table.end - self.table.start,
        })
    }

    /// Says where the columns of a tile lie that may lie outside, and their adjoints.
    fn set_outside<'a>(&self, reads: Reads<'a>, start: usize, used: usize, columns: &mut Outside<'a>) {
        for &row in &self.code.script.outside().columns {
            let Column { window, home, .. } = self.columns[row as usize];
            let Source { numbers, first } = reads.call.source(home, reads.code, reads.values);
            let place = reads.code.place(window, start);
            columns.values.push(&numbers[place - first as usize..][..used]);
            columns.adjoint_places.push(place);
        }
    }

    /// The shared numbers, where they lie if they are neighbours.
    fn shared<'a>(&self, call: Call<'a>, code: &WindowCode, values: &'a [f64], uniforms: &'a mut [f64]) -> &'a [f64] {
        let read = |slots: &Range<u32>| {
            let Source { numbers, first } = call.source(code.home(slots), code, values);
            &numbers[(slots.start - first) as usize..(slots.end - first) as usize]
        };
        if let [run] = self.shared.runs() {
            return read(&run.slots);
        }
        self.shared.read(uniforms, read);
        uniforms
    }

    /// Computes the lanes of a tile and their sum; those beyond the used ones are copies of the last.
    fn compute(
        &self,
        reads: Reads<'_>,
        start: usize,
        used: usize,
        block: &mut Block,
        outcome: &mut Outcome,
        outside: &mut Outside<'_>,
    ) {
        let Reads { call, code, values, uniforms } = reads;
        block.set_lanes(used.next_multiple_of(8));
        let mut row = 0;
        while let Some(&Column { window, home, .. }) = self.columns.get(row) {
            if !outside.values.is_empty() && self.may_lie_outside(row) {
                row += 1;
                continue;
            }
            let side_by_side = self.side_by_side(row);
            let rows = block.rows_mut(row..row + side_by_side);
            let lanes = rows.len() / side_by_side;
            let Source { numbers, first } = call.source(home, code, values);
            match window {
                Window::Affine { step: 1, .. } => {
                    let numbers = &numbers[code.place(window, start) - first as usize..][..used];
                    rows[..used].copy_from_slice(numbers);
                }
                window => match code.starts(window, start, used) {
                    Some(starts) => turn(call.isa, numbers, starts, used, lanes, rows),
                    None => {
                        for (lane, number) in (start..).zip(&mut rows[..used]) {
                            *number = numbers[code.place(window, lane)];
                        }
                    }
                },
            }
            for row in rows.chunks_exact_mut(lanes) {
                let last = row[used - 1];
                row[used..].fill(last);
            }
            row += side_by_side;
        }
        self.code.forward(uniforms, block, outside);
        outcome.sum = 0.0;
        if let Operand::Rows(row) = self.code.outputs[0] {
            let (whole, rest) = block.value(row).split_at(used / 8 * 8);
            if !whole.is_empty() {
                outcome.sum = lane_sum(call.isa, whole);
            }
            outcome.sum += rest[..used % 8].iter().sum::<f64>();
        }
    }

    fn may_lie_outside(&self, row: usize) -> bool {
        self.code.script.outside().columns.iter().any(|&outside| outside as usize == row)
    }

    /// How many columns from one on are neighbours in every lane, as the numbers of an example in a table are.
    fn side_by_side(&self, row: usize) -> usize {
        match self.columns[row].window {
            Window::Affine { step: ..2, .. } => 1,
            _ => 1 + self.columns[row + 1..].iter().take_while(|column| column.follows).count(),
        }
    }

    /// Differentiates a tile that was computed, and adds the adjoints of the shared numbers to the totals.
    fn differentiate(
        &self,
        reads: Reads<'_>,
        adjoint: f64,
        used: usize,
        block: &mut Block,
        totals: &mut Totals<'_, '_>,
    ) {
        self.code.reverse(reads.uniforms, (&[adjoint], used), block, totals);
    }

    /// Adds the adjoints of what the lanes of a tile read, apart from those that were written `outside`.
    fn scatter(&self, isa: Isa, code: &WindowCode, start: usize, block: &Block, adjoints: &mut [f64], outside: bool) {
        let used = (self.lanes as usize - start).min(block.lanes());
        let lanes = block.lanes();
        let mut row = 0;
        while let Some(&Column { window, adjoint, .. }) = self.columns.get(row) {
            let side_by_side = self.side_by_side(row);
            let rows = block.adjoints(row..row + side_by_side);
            row += side_by_side;
            if !adjoint || outside && self.may_lie_outside(row - 1) {
                continue;
            }
            match window {
                Window::Affine { step: 1, .. } => {
                    let to = &mut adjoints[code.place(window, start)..][..used];
                    to.iter_mut().zip(rows).for_each(|(to, from)| *to += from);
                }
                window => match code.starts(window, start, used) {
                    Some(starts) => add_turned(isa, rows, starts, used, lanes, adjoints),
                    None => {
                        for (lane, number) in (start..).zip(&rows[..used]) {
                            adjoints[code.place(window, lane)] += number;
                        }
                    }
                },
            }
        }
    }
}

impl WindowCode {
    /// Where the numbers of some lanes begin, if they go forward by steps or are a list.
    fn starts(&self, window: Window, start: usize, used: usize) -> Option<Starts<'_>> {
        match window {
            Window::Affine { step, .. } => {
                let step = usize::try_from(step).ok()?;
                Some(Starts::Step { first: self.place(window, start), step })
            }
            Window::EachRow { .. } => None,
            Window::List(span) => Some(Starts::Places(&self.places[span.range()][start..][..used])),
        }
    }
}
