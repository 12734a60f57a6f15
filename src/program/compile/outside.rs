//! Outside: columns whose lanes lie side by side are read where they lie, and their adjoints added where they belong.
//!
//! That is for lines alone, which are told where each column is; other steps read rows.

use smallvec::SmallVec;

use super::super::kernels::script::MOST_OUTSIDE;
use super::super::lanes::{Back, LaneCode, Map, Operand, Span, Step, Sum};
use super::script::is_short;
use crate::op::Op;

/// Those of the candidates of which lines alone read values and write adjoints.
pub(super) fn columns_outside(code: &LaneCode, candidates: &[u32]) -> SmallVec<[u32; MOST_OUTSIDE]> {
    if candidates.is_empty() {
        return SmallVec::new();
    }
    let rows = code.rows as usize;
    let mut uses = Uses { code, touched: vec![false; rows], writers: vec![0; rows] };
    code.forward.iter().for_each(|step| uses.step(step));
    code.reverse.iter().for_each(|back| uses.back(back));
    code.outputs.iter().for_each(|&output| uses.operand(output, 1));
    // Of several writers the sum would depend on whether it is added at once or number by number.
    let is_free = |row: u32| !uses.touched[row as usize] && uses.writers[row as usize] <= 1;
    candidates.iter().copied().filter(|&row| is_free(row)).take(MOST_OUTSIDE).collect()
}

/// How rows are used.
struct Uses<'c> {
    code: &'c LaneCode,
    /// By steps that are no lines.
    touched: Vec<bool>,
    /// How many steps write the adjoint.
    writers: Vec<u32>,
}

impl Uses<'_> {
    fn rows(&mut self, first: u32, count: u32) {
        self.touched[first as usize..][..count as usize].fill(true);
    }

    fn singles(&mut self, list: Span) {
        self.code.singles(list).iter().for_each(|&row| self.rows(row, 1));
    }

    fn operand(&mut self, operand: Operand, count: u32) {
        if let Operand::Rows(first) = operand {
            self.rows(first, count);
        }
    }

    fn operands(&mut self, map: &Map) {
        map.operands.iter().for_each(|&operand| self.operand(operand, map.count));
    }

    /// Rows that go on by steps, as those that go into a matrix.
    fn walk(&mut self, first: u32, step: i32, count: u32) {
        (0..count).for_each(|k| self.rows(first.wrapping_add_signed(step.wrapping_mul(k.cast_signed())), 1));
    }

    /// The first factors of products, which are values in both passes.
    fn first_factors(&mut self, sum: &Sum) {
        for span in sum.products {
            self.code.pairs(span).iter().for_each(|&(row, _)| self.rows(row, 1));
        }
    }

    /// The rows of terms.
    fn terms(&mut self, sum: &Sum) {
        for span in sum.products.into_iter().chain(sum.scaled) {
            self.code.pairs(span).iter().for_each(|&(_, row)| self.rows(row, 1));
        }
        sum.rows.into_iter().for_each(|span| self.singles(span));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Sum { sum, .. } => {
                if !is_short(sum) {
                    self.first_factors(sum);
                    self.terms(sum);
                }
            }
            Step::Dense(dense) => self.walk(dense.matrix.y, dense.matrix.y_step, dense.matrix.shape[1]),
            Step::Map(map) => {
                if !is_line(map) {
                    self.operands(map);
                }
            }
            Step::List { list, .. } => self.singles(*list),
        }
    }

    fn back(&mut self, back: &Back) {
        match back {
            Back::Gather { row, sum, .. } => {
                self.writers[*row as usize] += 1;
                if !is_short(sum) {
                    self.rows(*row, 1);
                    self.first_factors(sum);
                }
            }
            Back::DenseRows { matrix, out, .. } => self.rows(*out, matrix.shape[0]),
            Back::Map { map, to, .. } => {
                self.writers[*to as usize] += 1;
                if !is_line(map) {
                    self.operands(map);
                    self.rows(*to, map.count);
                }
            }
            Back::MapShared { map, .. } => self.operands(map),
            Back::List { list, .. } => self.singles(*list),
            Back::Shared { sum, .. } => self.terms(sum),
            Back::Outer { outer } => self.walk(outer.y, outer.y_step, outer.shape[1]),
            Back::Seed { row, .. } | Back::Zero { row } => self.rows(*row, 1),
            Back::Bias { .. } => {}
        }
    }
}

/// Whether a map becomes a line that reads single rows.
fn is_line(map: &Map) -> bool {
    let all_rows = map.operands.iter().all(|operand| matches!(operand, Operand::Rows(_)));
    map.count == 1 && all_rows && !matches!(map.op, Op::Custom(_))
}
