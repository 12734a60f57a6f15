//! A sum over lanes within one run: its lanes pass by in tiles that stay in the cache.

use super::super::batch::tile;
use super::super::kernels::nest::Source;
use super::super::kernels::reduce::lane_sum;
use super::super::lanes::{Aligned, Block, LaneCode, Operand, Totals, Uniforms};
use super::{Call, Window, WindowCode};

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
}

/// Where the lanes read one of their numbers.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Column {
    pub(in super::super) window: Window,
    /// Whether its adjoint is wanted.
    pub(in super::super) adjoint: bool,
    /// Whether these are neighbouring parameters, read where the caller has them.
    pub(in super::super) in_place: bool,
}

/// The buffers of a region.
#[derive(Clone, Debug)]
pub(super) struct RegionRun {
    tile: usize,
    block: Block,
    uniforms: Vec<f64>,
    totals: Vec<f64>,
    seeds: Aligned,
}

impl RegionRun {
    pub(super) fn new(region: &Region) -> Self {
        let tile = tile(&region.code, region.lanes as usize);
        Self {
            tile,
            block: Block::new(&region.code, tile),
            uniforms: vec![0.0; region.shared.len()],
            totals: vec![0.0; region.shared.len()],
            seeds: Aligned::new(tile),
        }
    }

    /// How many numbers it would hold.
    pub(super) fn forecast(region: &Region) -> usize {
        let tile = tile(&region.code, region.lanes as usize);
        Block::forecast(&region.code, tile) + 2 * region.shared.len() + tile
    }

    pub(super) fn len(&self) -> usize {
        self.block.len() + self.uniforms.len() + self.totals.len() + self.seeds.get().len()
    }
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
        self.spread(call, code, values, run);
        let lanes = self.lanes as usize;
        let mut sum = 0.0;
        for start in (0..lanes).step_by(run.tile) {
            let used = self.compute(call, code, start, values, run);
            if let Operand::Rows(row) = self.code.outputs[0] {
                let (whole, rest) = run.block.value(row).split_at(used / 8 * 8);
                if !whole.is_empty() {
                    sum += lane_sum(call.isa, whole);
                }
                sum += rest[..used % 8].iter().sum::<f64>();
            }
            if let Some(adjoint) = adjoint {
                self.differentiate(code, start, adjoint, adjoints, run);
            }
        }
        values[self.sum as usize] = sum;
        if adjoint.is_some() {
            self.gather(adjoints, run);
        }
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
        self.spread(call, code, values, run);
        let adjoint = adjoints[self.sum as usize];
        for start in (0..self.lanes as usize).step_by(run.tile) {
            self.compute(call, code, start, values, run);
            self.differentiate(code, start, adjoint, adjoints, run);
        }
        self.gather(adjoints, run);
    }

    /// Reads the shared numbers.
    fn spread(&self, call: Call<'_>, code: &WindowCode, values: &[f64], run: &mut RegionRun) {
        self.shared.read(&mut run.uniforms, |slots| {
            let in_place = code.parameters.start <= slots.start && slots.end <= code.parameters.end;
            let Source { numbers, first } = call.source(in_place, code, values);
            &numbers[(slots.start - first) as usize..(slots.end - first) as usize]
        });
        run.totals.fill(0.0);
    }

    /// Adds the adjoints of the shared numbers.
    fn gather(&self, adjoints: &mut [f64], run: &RegionRun) {
        self.shared.add(&run.totals, adjoints);
    }

    /// Computes the lanes of a tile, and says how many count; those beyond are copies of the last.
    fn compute(&self, call: Call<'_>, code: &WindowCode, start: usize, values: &[f64], run: &mut RegionRun) -> usize {
        let used = run.tile.min(self.lanes as usize - start);
        run.block.set_lanes(used.next_multiple_of(8));
        for (row, &Column { window, in_place, .. }) in (0..).zip(&self.columns) {
            let (own, rest) = run.block.column_mut(row).split_at_mut(used);
            match window {
                Window::Affine { step: 1, .. } => {
                    let Source { numbers, first } = call.source(in_place, code, values);
                    own.copy_from_slice(&numbers[code.place(window, start) - first as usize..][..used]);
                }
                Window::Affine { .. } => {
                    for (lane, number) in (start..).zip(&mut *own) {
                        *number = values[code.place(window, lane)];
                    }
                }
                Window::List(span) => {
                    for (number, &place) in own.iter_mut().zip(&code.places[span.range()][start..]) {
                        *number = values[place as usize];
                    }
                }
            }
            rest.fill(own[used - 1]);
        }
        self.code.forward(&run.uniforms, &mut run.block);
        used
    }

    /// Differentiates the tile that was computed last.
    fn differentiate(&self, code: &WindowCode, start: usize, adjoint: f64, adjoints: &mut [f64], run: &mut RegionRun) {
        let used = run.tile.min(self.lanes as usize - start);
        let lanes = used.next_multiple_of(8);
        let seeds = &mut run.seeds.get_mut()[..lanes];
        seeds[..used].fill(adjoint);
        seeds[used..].fill(0.0);
        let seeds = &run.seeds.get()[..lanes];
        self.code.reverse(&run.uniforms, |_| seeds, &mut run.block, &mut Totals { shared: &mut run.totals });
        for (row, &Column { window, .. }) in (0..).zip(&self.columns).filter(|(_, column)| column.adjoint) {
            let from = &run.block.adjoint(row)[..used];
            match window {
                Window::Affine { step: 1, .. } => {
                    let to = &mut adjoints[code.place(window, start)..][..used];
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                }
                Window::Affine { .. } => {
                    for (lane, from) in (start..).zip(from) {
                        adjoints[code.place(window, lane)] += from;
                    }
                }
                Window::List(span) => {
                    for (&place, from) in code.places[span.range()][start..].iter().zip(from) {
                        adjoints[place as usize] += from;
                    }
                }
            }
        }
    }
}
