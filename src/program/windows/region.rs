//! A sum over lanes within one run: its lanes pass by in tiles that stay in the cache.

use std::ops::Range;

use super::super::batch::tile;
use super::super::kernels::Isa;
use super::super::kernels::nest::Source;
use super::super::kernels::outer::Table;
use super::super::kernels::reduce::lane_sum;
use super::super::kernels::script::{Outside, OutsideRows};
use super::super::kernels::turn::{Starts, add_turned, turn};
use super::super::lanes::{Block, LaneCode, Operand, Totals, Uniforms};
#[cfg(feature = "rayon")]
use super::super::threads::share;
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

impl Column {
    /// Whether lane after lane reads one number after the other.
    pub(in super::super) fn lies_side_by_side(&self) -> bool {
        matches!(self.window, Window::Affine { step: 1, .. })
    }
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

/// What the tiles of a group come to.
#[derive(Clone, Debug)]
struct Outcome {
    totals: Vec<f64>,
    sum: f64,
}

impl RegionRun {
    pub(super) fn new(region: &Region) -> Self {
        let lanes = region.tile();
        let (at_once, in_a_round) = region.groups_of(lanes);
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
        let (at_once, in_a_round) = region.groups_of(lanes);
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

/// The most groups of tiles. Those of a group add to the same totals, one after the other.
///
/// They are the same for any number of threads, and so are the bits.
const MOST_GROUPS: usize = 8;

/// Computes some groups, each thread with a block of its own.
#[cfg(feature = "rayon")]
fn for_each_group(
    outcomes: &mut [Outcome],
    blocks: &mut [Block],
    run: impl Fn(usize, &mut Block, &mut Outcome) + Sync,
) {
    let per_block = outcomes.len().div_ceil(blocks.len());
    share(outcomes, per_block, blocks, |first, outcomes, block| {
        (first..).zip(outcomes).for_each(|(number, outcome)| run(number, block, outcome));
    });
}

#[cfg(not(feature = "rayon"))]
fn for_each_group(outcomes: &mut [Outcome], blocks: &mut [Block], run: impl Fn(usize, &mut Block, &mut Outcome)) {
    outcomes.iter_mut().enumerate().for_each(|(number, outcome)| run(number, &mut blocks[0], outcome));
}

/// What all tiles of a run read.
#[derive(Clone, Copy)]
struct Reads<'a> {
    call: Call<'a>,
    code: &'a WindowCode,
    values: &'a [f64],
    uniforms: &'a [f64],
    /// The adjoint of the sum, where tiles are differentiated.
    adjoint: Option<f64>,
    /// How many lanes a tile has.
    of_tile: usize,
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
        let one_tile = self.tiles(of_tile) == 1;
        self.shared.whole().filter(|_| one_tile && self.code.script.outside().is_empty())
    }

    /// Runs all tiles, as many at once as there are buffers, and gives the sum.
    ///
    /// What groups of tiles come to is added in their order: any number of threads gives the same bits.
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
        let tiles = self.tiles(of_tile);
        let reads = Reads { call, code, values, uniforms, adjoint, of_tile };
        if let Some(slots) = self.direct(of_tile) {
            // What a single tile comes to is added where it belongs.
            let block = &mut blocks[0];
            let columns = &mut Outside { turned: self.turned(reads, 0, lanes), ..Outside::default() };
            let sum = self.compute(reads, 0, block, columns);
            if let Some(adjoint) = adjoint {
                let (shared, cleared) = (&mut adjoints[slots], self.is_first);
                if cleared {
                    self.code.clear(shared);
                }
                self.differentiate(reads, adjoint, lanes, block, &mut Totals { shared, cleared, outside: columns });
                self.scatter(call.isa, code, 0, block, adjoints, false);
            }
            return sum;
        }
        if tiles > 1 {
            totals.fill(0.0);
        }
        let groups = self.groups(tiles);
        let tiles_of = |group: usize| group * tiles / groups..(group + 1) * tiles / groups;
        let (mut sum, mut columns, mut adjoints) = (0.0, Outside::default(), &mut *adjoints);
        for first in (0..groups).step_by(outcomes.len()) {
            let at_work = (groups - first).min(outcomes.len());
            let outcomes = &mut outcomes[..at_work];
            let mut outside = false;
            if let ([block], [outcome]) = (&mut **blocks, &mut *outcomes) {
                // Who is alone may give the adjoints.
                columns.adjoints = adjoints;
                outside = self.run_group(reads, tiles_of(first), block, outcome, &mut columns);
                adjoints = std::mem::take(&mut columns.adjoints);
            } else {
                for_each_group(outcomes, blocks, |number, block, outcome| {
                    self.run_group(reads, tiles_of(first + number), block, outcome, &mut Outside::default());
                });
            }
            for (number, outcome) in outcomes.iter().enumerate() {
                sum += outcome.sum;
                if adjoint.is_some() {
                    if tiles > 1 {
                        totals.iter_mut().zip(&outcome.totals).for_each(|(total, own)| *total += own);
                    }
                    // Where columns have adjoints, a group is one tile and has a block of its own.
                    if let Some(block) = blocks.get(number) {
                        let start = tiles_of(first + number).start * of_tile;
                        self.scatter(call.isa, code, start, block, adjoints, outside);
                    }
                }
            }
        }
        if adjoint.is_some() {
            self.shared.add(if tiles == 1 { &outcomes[0].totals } else { totals }, adjoints);
        }
        sum
    }

    /// Computes tiles one after the other, and what they come to together.
    ///
    /// With adjoints given, columns are read and written where they lie if they are whole registers. Tells whether those
    /// of the last tile were.
    fn run_group<'a>(
        &self,
        reads: Reads<'a>,
        tiles: Range<usize>,
        block: &mut Block,
        outcome: &mut Outcome,
        columns: &mut Outside<'a>,
    ) -> bool {
        let Outcome { totals, sum } = outcome;
        let (first, mut outside) = (tiles.start, false);
        *sum = 0.0;
        for tile in tiles {
            let (start, cleared) = (tile * reads.of_tile, tile == first);
            let used = self.used(reads, start);
            columns.turned = self.turned(reads, start, used);
            outside = !columns.adjoints.is_empty() && used.is_multiple_of(8);
            columns.forget_places();
            if outside {
                self.set_outside(reads, start, used, columns);
            }
            *sum += self.compute(reads, start, block, columns);
            if let Some(adjoint) = reads.adjoint {
                if cleared {
                    self.code.clear(totals);
                }
                self.differentiate(
                    reads,
                    adjoint,
                    used,
                    block,
                    &mut Totals { shared: totals, cleared, outside: columns },
                );
            }
        }
        outside
    }

    /// How many lanes the tile that begins with one has.
    fn used(&self, reads: Reads<'_>, start: usize) -> usize {
        reads.of_tile.min(self.lanes as usize - start)
    }

    /// How many tiles there are.
    fn tiles(&self, of_tile: usize) -> usize {
        (self.lanes as usize).div_ceil(of_tile).max(1)
    }

    /// How many groups of tiles there are.
    fn groups(&self, tiles: usize) -> usize {
        if self.gathers() { tiles } else { tiles.min(MOST_GROUPS) }
    }

    /// Whether a block gathers adjoints of columns, which must be passed on before it computes another tile.
    fn gathers(&self) -> bool {
        self.columns.iter().any(|column| column.adjoint)
    }

    /// How many groups may be at work at once, and how many are computed before these are added up.
    fn groups_of(&self, of_tile: usize) -> (usize, usize) {
        if of_tile * (self.code.rows as usize) < WORTH_A_THREAD {
            return (1, 1);
        }
        #[cfg(feature = "rayon")]
        let threads = rayon::current_num_threads();
        #[cfg(not(feature = "rayon"))]
        let threads = 1;
        let groups = self.groups(self.tiles(of_tile));
        let at_once = groups.min(threads);
        (at_once, if at_once == 1 || self.gathers() { at_once } else { groups })
    }

    /// The table of columns, from the line of a tile on.
    fn turned<'a>(&self, reads: Reads<'a>, start: usize, used: usize) -> Option<Table<'a>> {
        if self.table.len() < 2 {
            return None;
        }
        let first = self.columns.get(self.table.start as usize)?;
        let Window::Affine { step, .. } = first.window else { return None };
        let (step, columns) = (usize::try_from(step).ok()?, self.table.len());
        let Source { numbers, .. } = reads.call.source(first.home, reads.code, reads.values);
        let numbers = numbers.get(reads.code.place(first.window, start)..)?.get(..(used - 1) * step + columns)?;
        Some(Table { numbers, step, first: self.table.start, columns: self.table.end - self.table.start })
    }

    /// Says where the columns of a tile lie that may lie outside, and their adjoints.
    fn set_outside<'a>(&self, reads: Reads<'a>, start: usize, used: usize, columns: &mut Outside<'a>) {
        let OutsideRows { columns: values, adjoints, .. } = self.code.script.outside();
        for &row in values {
            let Column { window, home, .. } = self.columns[row as usize];
            let Source { numbers, first } = reads.call.source(home, reads.code, reads.values);
            columns.values.push(&numbers[reads.code.place(window, start) - first as usize..][..used]);
        }
        let place = |&row: &u32| reads.code.place(self.columns[row as usize].window, start);
        columns.adjoint_places.extend(adjoints.iter().map(place));
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

    /// Computes the lanes of a tile and gives their sum; those beyond the used ones are copies of the last.
    fn compute(&self, reads: Reads<'_>, start: usize, block: &mut Block, outside: &mut Outside<'_>) -> f64 {
        let Reads { call, code, values, uniforms, .. } = reads;
        let used = self.used(reads, start);
        block.set_lanes(used.next_multiple_of(8));
        let mut row = 0;
        while let Some(&Column { window, home, .. }) = self.columns.get(row) {
            if !outside.values.is_empty() && has(&self.code.script.outside().columns, row) {
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
        let Operand::Rows(row) = self.code.outputs[0] else { return 0.0 };
        let (whole, rest) = block.value(row).split_at(used / 8 * 8);
        let of_whole = if whole.is_empty() { 0.0 } else { lane_sum(call.isa, whole) };
        of_whole + rest[..used % 8].iter().sum::<f64>()
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

    /// Adds the adjoints of what the lanes of a tile read, and stores some, apart from those that were written `outside`.
    fn scatter(&self, isa: Isa, code: &WindowCode, start: usize, block: &Block, adjoints: &mut [f64], outside: bool) {
        let used = (self.lanes as usize - start).min(block.lanes());
        let lanes = block.lanes();
        for &column in self.code.stores.iter().filter(|_| !outside) {
            let to = &mut adjoints[code.place(self.columns[column as usize].window, start)..][..used];
            to.copy_from_slice(&block.adjoint(column)[..used]);
        }
        let mut row = 0;
        while let Some(&Column { window, adjoint, .. }) = self.columns.get(row) {
            let side_by_side = self.side_by_side(row);
            let rows = block.adjoints(row..row + side_by_side);
            row += side_by_side;
            let is_written =
                has(&self.code.stores, row - 1) || outside && has(&self.code.script.outside().adjoints, row - 1);
            if !adjoint || is_written {
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

/// Whether a row is one of some.
fn has(rows: &[u32], row: usize) -> bool {
    rows.iter().any(|&some| some as usize == row)
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
