//! The forward pass over a block of lanes.

use super::super::kernels::linear::{Matrix, Mode, Sources, Start, Terms, combine, matrix};
use super::super::kernels::script::{Outside, Turn};
use super::super::kernels::{Zero, list, map, softmax};
use super::{Block, Dense, LaneCode, Map, Operand, Step, Sum, Walk};
use crate::op::{Op, Scalar as _};

impl LaneCode {
    /// Computes every row; the columns have been filled, apart from those that lie outside.
    pub(in super::super) fn forward(&self, shared: &[f64], block: &mut Block, outside: &mut Outside<'_>) {
        for turn in &self.turns[0] {
            let step = match turn {
                Turn::Lines(lines) => {
                    block.lines(&self.script, lines, shared, outside);
                    continue;
                }
                Turn::Step(number) => &self.forward[*number as usize],
            };
            let Block { isa, lanes, values, kept, scratch, .. } = block;
            let (isa, lanes, scratch) = (*isa, *lanes, scratch.get_mut());
            match step {
                Step::Sum { out, sum } => {
                    let (read, write) = values.get_mut().split_at_mut(*out as usize * lanes);
                    let sources = Sources { uniforms: shared, x: read, y: read, y_first: 0 };
                    let terms = self.terms(sum, self.constant(sum, shared));
                    combine(isa, lanes, &terms, &sources, &mut write[..lanes], Mode::Store, sum.zero);
                }
                Step::Dense(dense) => {
                    let (read, write) = values.get_mut().split_at_mut(dense.out as usize * lanes);
                    let y = self.source(dense.walk(), read, outside.table);
                    let sources = Sources { uniforms: shared, x: &[], y, y_first: 0 };
                    let start = dense.bias.map_or(Start::Nothing, |(first, step)| Start::Uniforms(first, step));
                    let out = &mut write[..dense.matrix.shape[0] as usize * lanes];
                    matrix(isa, lanes, &dense.matrix, &sources, out, start, dense.zero);
                }
                Step::Map(step) => {
                    let (read, write) = values.get_mut().split_at_mut(step.out as usize * lanes);
                    let (operands, _) = step.slices(read, shared, lanes, scratch);
                    map::forward(isa, step.op, &operands, &mut write[..step.count as usize * lanes]);
                }
                Step::List(step) => {
                    let (read, write) = values.get_mut().split_at_mut(step.out as usize * lanes);
                    let (rows, out) = (self.singles(step.rows), &mut write[..lanes]);
                    match step.op {
                        Op::LogSumExp => {
                            let kept = &mut kept.get_mut()[step.kept(lanes)];
                            softmax::logsumexp_rows(isa, rows, read, 0, kept, out);
                        }
                        op => list::list_forward(isa, op, rows, read, 0, out),
                    }
                }
            }
        }
    }

    /// What all lanes of a sum begin with: −0 if there is nothing, because −0 + x is x for every x.
    fn constant(&self, sum: &Sum, shared: &[f64]) -> f64 {
        let mut constant = -0.0;
        for (place, sign) in [(0, 1.0), (1, -1.0)] {
            for &u in self.singles(sum.shared[place]) {
                constant += sign * shared[u as usize];
            }
            for &(u, v) in self.pairs(sum.shared_products[place]) {
                let (u, v) = (shared[u as usize], shared[v as usize]);
                constant += sign * if sum.zero == Zero::Absorbs { u.chain(v) } else { u * v };
            }
        }
        constant
    }

    /// The terms of a sum as the kernel takes them.
    pub(super) fn terms(&self, sum: &Sum, constant: f64) -> Terms<'_> {
        Terms {
            constant,
            scaled: self.pairs(sum.scaled[0]),
            scaled_minus: self.pairs(sum.scaled[1]),
            plus: self.singles(sum.rows[0]),
            minus: self.singles(sum.rows[1]),
            products: self.pairs(sum.products[0]),
            products_minus: self.pairs(sum.products[1]),
        }
    }
}

impl Dense {
    /// The rows that go in.
    pub(in super::super) fn walk(&self) -> Walk {
        let Matrix { y, y_step, shape, .. } = self.matrix;
        Walk { start: y, step: y_step, count: shape[1] }
    }
}

impl Map {
    /// The operands as slices, shared numbers spread out, and what remains of the scratch.
    pub(super) fn slices<'a>(
        &self,
        rows: &'a [f64],
        shared: &[f64],
        lanes: usize,
        mut scratch: &'a mut [f64],
    ) -> (smallvec::SmallVec<[&'a [f64]; 3]>, &'a mut [f64]) {
        let len = self.count as usize * lanes;
        let mut slices = smallvec::SmallVec::new();
        for operand in &self.operands {
            match *operand {
                Operand::Rows(first) => slices.push(&rows[first as usize * lanes..][..len]),
                Operand::Shared(place) => {
                    let (spread, rest) = scratch.split_at_mut(len);
                    spread.fill(shared[place as usize]);
                    slices.push(&*spread);
                    scratch = rest;
                }
            }
        }
        (slices, scratch)
    }
}
