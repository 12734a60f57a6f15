//! Outside: columns whose lanes lie side by side are read where they lie, their adjoints added where they belong, and
//! results written where they are wanted.
//!
//! That is for lines alone, which are told where each row is; other steps read and write the rows of a block.

use super::super::kernels::script::{MOST_OUTSIDE, OutsideRows};
use super::super::lanes::{Back, LaneCode, Map, Operand, Span, Step, Sum};
use super::script::lines_of;
use crate::op::Op;

/// Those of the candidates of which lines alone read and write the values, and for columns the adjoints.
pub(super) fn rows_outside(code: &LaneCode, candidates: &OutsideRows) -> OutsideRows {
    if candidates.columns.is_empty() && candidates.results.is_empty() {
        return OutsideRows::default();
    }
    let none = || vec![false; code.rows as usize];
    let mut uses = Uses { code, values: none(), adjoints: none(), writers: vec![0; code.rows as usize], lines: none() };
    code.forward.iter().for_each(|step| uses.step(step));
    code.reverse.iter().for_each(|back| uses.back(back));
    let outputs = |row: u32| code.outputs.iter().filter(|&&output| output == Operand::Rows(row)).count();
    // Of several writers the sum would depend on whether it is added at once or number by number.
    let column = |&row: &u32| {
        let at = row as usize;
        !uses.values[at] && !uses.adjoints[at] && uses.writers[at] <= 1 && outputs(row) == 0
    };
    let result = |&row: &u32| uses.lines[row as usize] && !uses.values[row as usize] && outputs(row) == 1;
    let some = |rows: &[u32], may: &dyn Fn(&u32) -> bool| {
        rows.iter().copied().filter(|row| may(row)).take(MOST_OUTSIDE).collect()
    };
    OutsideRows { columns: some(&candidates.columns, &column), results: some(&candidates.results, &result) }
}

/// How rows are used.
struct Uses<'c> {
    code: &'c LaneCode,
    /// Values that steps read which are no lines, and adjoints that these write.
    values: Vec<bool>,
    adjoints: Vec<bool>,
    /// How many steps and lines write the adjoint.
    writers: Vec<usize>,
    /// Whether a line writes the value.
    lines: Vec<bool>,
}

impl Uses<'_> {
    fn values(&mut self, first: u32, count: u32) {
        self.values[first as usize..][..count as usize].fill(true);
    }

    fn adjoints(&mut self, first: u32, count: u32) {
        self.adjoints[first as usize..][..count as usize].fill(true);
    }

    fn singles(&mut self, list: Span) {
        self.code.singles(list).iter().for_each(|&row| self.values(row, 1));
    }

    fn operand(&mut self, operand: Operand, count: u32) {
        if let Operand::Rows(first) = operand {
            self.values(first, count);
        }
    }

    fn operands(&mut self, map: &Map) {
        map.operands.iter().for_each(|&operand| self.operand(operand, map.count));
    }

    /// Rows that go on by steps, as those that go into a matrix.
    fn walk(&mut self, first: u32, step: i32, count: u32) {
        (0..count).for_each(|k| self.values(first.wrapping_add_signed(step.wrapping_mul(k.cast_signed())), 1));
    }

    /// The first factors of products, which are values in both passes.
    fn first_factors(&mut self, sum: &Sum) {
        for span in sum.products {
            self.code.pairs(span).iter().for_each(|&(row, _)| self.values(row, 1));
        }
    }

    /// The rows of terms.
    fn terms(&mut self, sum: &Sum) {
        for span in sum.products.into_iter().chain(sum.scaled) {
            self.code.pairs(span).iter().for_each(|&(_, row)| self.values(row, 1));
        }
        sum.rows.into_iter().for_each(|span| self.singles(span));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Sum { out, sum } => {
                if lines_of(sum).is_some() {
                    self.lines[*out as usize] = true;
                } else {
                    self.first_factors(sum);
                    self.terms(sum);
                }
            }
            Step::Dense(dense) => self.walk(dense.matrix.y, dense.matrix.y_step, dense.matrix.shape[1]),
            Step::Map(map) => {
                if is_line(map) {
                    self.lines[map.out as usize] = true;
                } else {
                    self.operands(map);
                }
            }
            Step::List { list, .. } => self.singles(*list),
        }
    }

    fn back(&mut self, back: &Back) {
        match back {
            Back::Gather { row, sum, .. } => {
                let lines = lines_of(sum);
                self.writers[*row as usize] += lines.unwrap_or(1);
                if lines.is_none() {
                    self.adjoints(*row, 1);
                    self.first_factors(sum);
                }
            }
            Back::DenseRows { matrix, out, .. } => self.adjoints(*out, matrix.shape[0]),
            Back::Map { map, to, .. } => {
                self.writers[*to as usize] += 1;
                if !is_line(map) {
                    self.operands(map);
                    self.values(map.out, map.count);
                    self.adjoints(*to, map.count);
                }
            }
            Back::MapShared { map, .. } => {
                self.operands(map);
                self.values(map.out, map.count);
            }
            Back::List { out, list, .. } => {
                self.values(*out, 1);
                self.singles(*list);
                self.code.singles(*list).iter().for_each(|&row| self.adjoints[row as usize] = true);
            }
            Back::Shared { sum, .. } => self.terms(sum),
            Back::Outer { outer } => self.walk(outer.y, outer.y_step, outer.shape[1]),
            Back::Seed { row, .. } | Back::Zero { row } => self.adjoints(*row, 1),
            Back::Bias { .. } => {}
        }
    }
}

/// Whether a map becomes a line that reads single rows.
fn is_line(map: &Map) -> bool {
    let any_row = map.operands.iter().any(|operand| matches!(operand, Operand::Rows(_)));
    map.count == 1 && any_row && !matches!(map.op, Op::Custom(_))
}
