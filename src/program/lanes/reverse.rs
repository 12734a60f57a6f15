//! The reverse pass over a block of lanes.

use super::super::kernels::linear::{Mode, Sources, Start, combine, matrix};
use super::super::kernels::list::list_reverse;
use super::super::kernels::outer::{Factors, outer};
use super::super::kernels::reduce::{Sign, lane_dots, lane_sum, lane_sums};
use super::super::kernels::script::{Outside, Turn};
use super::super::kernels::softmax::softmax_rows;
use super::super::kernels::{Isa, Zero, map};
use super::{Back, Block, LaneCode, List, Map, Seeded, Sum, Walk};
use crate::op::Op;

/// What a reverse pass writes beside the adjoints of rows.
pub(in super::super) struct Totals<'t, 'o> {
    /// The adjoints of the shared numbers, to which those of the block are added.
    pub(in super::super) shared: &'t mut [f64],
    /// Whether these were only [cleared](LaneCode::clear) yet, so that some are to be stored.
    pub(in super::super) cleared: bool,
    /// Where the adjoints of columns go that lie outside.
    pub(in super::super) outside: &'t mut Outside<'o>,
}

impl LaneCode {
    /// Computes the adjoint of every row that needs one, and adds up those of the shared numbers.
    ///
    /// The seed of an output is the same in the first `used` lanes, and 0 in the others.
    pub(in super::super) fn reverse(
        &self,
        shared: &[f64],
        (seeds, used): (&[f64], usize),
        block: &mut Block,
        totals: &mut Totals<'_, '_>,
    ) {
        if totals.outside.adjoint_places.is_empty() {
            self.zero_columns(block);
        }
        for turn in &self.turns[1] {
            let back = match turn {
                Turn::Lines(lines) => {
                    block.lines(&self.script, lines, shared, totals.outside);
                    continue;
                }
                Turn::Step(number) => &self.reverse[*number as usize],
            };
            let Block { isa, lanes, values, adjoints, kept, scratch, seeded, .. } = block;
            let (isa, lanes, values, scratch) = (*isa, *lanes, values.get(), scratch.get_mut());
            let adjoints = adjoints.get_mut();
            let row_of = |row: u32| row as usize * lanes..(row as usize + 1) * lanes;
            match back {
                Back::Seed { row, output, mode, alone } => {
                    let seed = seeds[*output as usize];
                    if !is_known(&mut seeded[*output as usize], (seed.to_bits(), used, lanes)) || !alone {
                        write_seed(&mut adjoints[row_of(*row)], seed, used, *mode);
                    }
                }
                Back::Gather { row, sum, mode } => {
                    let (low, high) = adjoints.split_at_mut((*row as usize + 1) * lanes);
                    let sources = Sources { uniforms: shared, x: values, y: high, y_first: row + 1 };
                    let out = &mut low[row_of(*row)];
                    combine(isa, lanes, &self.terms(sum, 0.0), &sources, out, *mode, Zero::Absorbs);
                }
                Back::DenseRows { matrix: product, out, mode } => {
                    let rows = product.shape[0];
                    let (low, high) = adjoints.split_at_mut((out + rows) as usize * lanes);
                    let sources = Sources { uniforms: shared, x: &[], y: high, y_first: out + rows };
                    let start = if *mode == Mode::Add { Start::Own } else { Start::Nothing };
                    matrix(isa, lanes, product, &sources, &mut low[*out as usize * lanes..], start, Zero::Absorbs);
                }
                Back::Map { map: step, place, to, mode } => {
                    let len = step.count as usize * lanes;
                    let (low, high) = adjoints.split_at_mut(step.out as usize * lanes);
                    let target = &mut low[*to as usize * lanes..][..len];
                    let (operands, rest) = step.slices(values, shared, lanes, scratch);
                    let value = &values[step.out as usize * lanes..][..len];
                    match mode {
                        Mode::Store => map::reverse(isa, step.op, *place, &operands, value, &high[..len], target),
                        Mode::Add => {
                            let contribution = &mut rest[..len];
                            map::reverse(isa, step.op, *place, &operands, value, &high[..len], contribution);
                            map::accumulate(isa, contribution, target);
                        }
                    }
                }
                Back::MapShared { map: step, place, shared: u } => {
                    let len = step.count as usize * lanes;
                    let (operands, rest) = step.slices(values, shared, lanes, scratch);
                    let contribution = &mut rest[..len];
                    let value = &values[step.out as usize * lanes..][..len];
                    let adjoint = &adjoints[step.out as usize * lanes..][..len];
                    map::reverse(isa, step.op, *place, &operands, value, adjoint, contribution);
                    for row in contribution.chunks_exact(lanes) {
                        totals.shared[*u as usize] += lane_sum(isa, row);
                    }
                }
                Back::List { list, modes } => {
                    self.list_back((isa, lanes), list, modes, (values, kept.get()), adjoints, scratch);
                }
                Back::Shared { row, sum } => {
                    let delta = &adjoints[row_of(*row)];
                    for (span, sign) in [(sum.scaled[0], Sign::Plus), (sum.scaled[1], Sign::Minus)] {
                        if !span.is_empty() {
                            lane_dots(isa, delta, values, 0, self.pairs(span), sign, totals.shared);
                        }
                    }
                    self.shared_terms(sum, shared, || lane_sum(isa, delta), totals.shared);
                }
                Back::Outer { outer: product, first } => {
                    let mode = if totals.cleared { *first } else { Mode::Add };
                    let y = self.source(Walk::of_outer(product), values, totals.outside.table);
                    let factors =
                        Factors { delta: adjoints, delta_first: 0, y, y_first: 0, table: totals.outside.turned };
                    outer(isa, lanes, product, &factors, totals.shared, mode);
                }
                Back::Bias { row, count, shared: first, step } => {
                    let rows = &adjoints[*row as usize * lanes..][..*count as usize * lanes];
                    let place = |m: u32| first.wrapping_add_signed(m.cast_signed() * step) as usize;
                    lane_sums(isa, lanes, rows, |m, sum| totals.shared[place(m)] += sum);
                }
                Back::Zero { row } => adjoints[row_of(*row)].fill(0.0),
            }
        }
    }

    /// The adjoints of the rows of a list; `values` and what is kept are as the forward pass left them.
    fn list_back(
        &self,
        (isa, lanes): (Isa, usize),
        list: &List,
        modes: &[Option<Mode>],
        (values, kept): (&[f64], &[f64]),
        adjoints: &mut [f64],
        scratch: &mut [f64],
    ) {
        let rows = self.singles(list.rows);
        let row_of = |row: u32| row as usize * lanes..(row as usize + 1) * lanes;
        let (low, high) = adjoints.split_at_mut(list.out as usize * lanes);
        let (value, adjoint, contributions) =
            (&values[row_of(list.out)], &high[..lanes], &mut scratch[..rows.len() * lanes]);
        match list.op {
            Op::LogSumExp => softmax_rows(isa, &kept[list.kept(lanes)], adjoint, contributions),
            op => list_reverse(isa, op, rows, values, 0, value, adjoint, contributions),
        }
        for ((row, contribution), mode) in rows.iter().zip(contributions.chunks_exact(lanes)).zip(modes) {
            if let Some(mode) = mode {
                write(&mut low[row_of(*row)], contribution, *mode);
            }
        }
    }

    /// Zeroes the adjoints that may lie outside, since lines add to them.
    fn zero_columns(&self, block: &mut Block) {
        let lanes = block.lanes;
        for &row in &self.script.outside().adjoints {
            block.adjoints.get_mut()[row as usize * lanes..][..lanes].fill(0.0);
        }
    }

    /// The adjoints of the terms of a sum that are the same in every lane.
    fn shared_terms(&self, sum: &Sum, shared: &[f64], total: impl Fn() -> f64, gradient: &mut [f64]) {
        if [sum.shared, sum.shared_products].iter().flatten().all(|span| span.is_empty()) {
            return;
        }
        let total = total();
        for (span, total) in sum.shared.iter().zip([total, -total]) {
            for &u in self.singles(*span) {
                gradient[u as usize] += total;
            }
        }
        for (span, total) in sum.shared_products.iter().zip([total, -total]) {
            for &(u, v) in self.pairs(*span) {
                gradient[u as usize] += chain(total, shared[v as usize]);
                gradient[v as usize] += chain(total, shared[u as usize]);
            }
        }
    }
}

fn chain(adjoint: f64, partial: f64) -> f64 {
    crate::op::Scalar::chain(adjoint, partial)
}

fn write(out: &mut [f64], terms: &[f64], mode: Mode) {
    match mode {
        Mode::Store => out.copy_from_slice(terms),
        Mode::Add => out.iter_mut().zip(terms).for_each(|(out, term)| *out += term),
    }
}

/// Remembers a seed, and says whether it is the one before.
fn is_known(before: &mut Seeded, seed: Seeded) -> bool {
    std::mem::replace(before, seed) == seed
}

fn write_seed(out: &mut [f64], seed: f64, used: usize, mode: Mode) {
    let (own, beyond) = out.split_at_mut(used);
    match mode {
        Mode::Store => {
            own.fill(seed);
            beyond.fill(0.0);
        }
        Mode::Add => own.iter_mut().for_each(|own| *own += seed),
    }
}

impl Map {
    /// The rows that an operand of the map spans.
    pub(in super::super) fn rows_of(&self, first: u32) -> std::ops::Range<u32> {
        first..first + self.count
    }
}
