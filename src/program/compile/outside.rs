//! Outside: columns whose lanes lie side by side are read where they lie, their adjoints added where they belong, and
//! results written where they are wanted.
//!
//! That is for lines alone, which are told where each row is; other steps read and write the rows of a block. Columns that
//! products of matrices alone read may all stay where they lie, if they lie like the rows.

use super::super::kernels::script::{MOST_OUTSIDE, OutsideRows};
use super::super::lanes::{Back, LaneCode, Map, Operand, Span, Step, Sum, Walk};
use super::script::lines_of;
use crate::op::Op;

/// A bit for each kind of step that reads a value.
const LINE: u8 = 1;
const MATRIX: u8 = 2;
const OTHER: u8 = 4;

/// How rows are used.
pub(super) struct Uses<'c> {
    code: &'c LaneCode,
    /// Which kinds of steps read each value.
    readers: Vec<u8>,
    /// The kind that reads now.
    reader: u8,
    /// What products of matrices read.
    walks: Vec<Walk>,
    /// Adjoints that steps write which are not lines.
    adjoints: Vec<bool>,
    /// How many steps and lines write the adjoint.
    writers: Vec<usize>,
    /// Whether a line writes the value.
    lines: Vec<bool>,
}

impl<'c> Uses<'c> {
    pub(super) fn new(code: &'c LaneCode) -> Self {
        let rows = code.rows as usize;
        let (readers, writers, walks) = (vec![0; rows], vec![0; rows], vec![]);
        let (adjoints, lines) = (vec![false; rows], vec![false; rows]);
        let mut uses = Self { code, readers, reader: OTHER, walks, adjoints, writers, lines };
        code.forward.iter().for_each(|step| uses.step(step));
        code.reverse.iter().for_each(|back| uses.back(back));
        uses
    }

    /// Those of the candidates that lines alone read or write.
    pub(super) fn rows_outside(&self, candidates: &OutsideRows) -> OutsideRows {
        let of_lines = |row: u32| self.readers[row as usize] & !LINE == 0;
        let column = |&row: &u32| of_lines(row) && self.outputs(row) == 0;
        // Of several writers the sum would depend on whether it is added at once or number by number.
        let adjoint = |&row: &u32| column(&row) && !self.adjoints[row as usize] && self.writers[row as usize] <= 1;
        let result = |&row: &u32| self.lines[row as usize] && of_lines(row) && self.outputs(row) == 1;
        let some = |rows: &[u32], may: &dyn Fn(&u32) -> bool| {
            rows.iter().copied().filter(|row| may(row)).take(MOST_OUTSIDE).collect()
        };
        OutsideRows {
            columns: some(&candidates.columns, &column),
            adjoints: some(&candidates.adjoints, &adjoint),
            results: some(&candidates.results, &result),
        }
    }

    /// How many of the first columns are read by products of matrices alone, each of which reads no others.
    pub(super) fn columns_of_matrices(&self) -> u32 {
        let alone = |&row: &u32| self.readers[row as usize] & !MATRIX == 0 && self.outputs(row) == 0;
        let mut count = (0..self.code.columns).find(|row| !alone(row)).unwrap_or(self.code.columns);
        while let Some(walk) = self.walks.iter().find(|walk| walk.first() < count && walk.last() >= count) {
            count = walk.first();
        }
        count
    }

    /// How many outputs a row is.
    fn outputs(&self, row: u32) -> usize {
        self.code.outputs.iter().filter(|&&output| output == Operand::Rows(row)).count()
    }

    /// What is read next, a line reads or another step.
    fn read_by(&mut self, line: bool) {
        self.reader = if line { LINE } else { OTHER };
    }

    fn values(&mut self, first: u32, count: u32) {
        self.readers[first as usize..][..count as usize].iter_mut().for_each(|readers| *readers |= self.reader);
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
    fn walk(&mut self, walk: Walk) {
        self.reader = MATRIX;
        (0..walk.count).for_each(|k| self.values(walk.row(k), 1));
        self.walks.push(walk);
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
        self.read_by(false);
        match step {
            Step::Sum { out, sum } => {
                let line = lines_of(sum).is_some();
                self.read_by(line);
                self.lines[*out as usize] |= line;
                self.first_factors(sum);
                self.terms(sum);
            }
            Step::Dense(dense) => self.walk(dense.walk()),
            Step::Map(map) => {
                let line = is_line(map);
                self.read_by(line);
                self.lines[map.out as usize] |= line;
                self.operands(map);
            }
            Step::List(list) => self.singles(list.rows),
        }
    }

    fn back(&mut self, back: &Back) {
        self.read_by(false);
        match back {
            Back::Gather { row, sum, .. } => {
                let lines = lines_of(sum);
                self.writers[*row as usize] += lines.unwrap_or(1);
                self.read_by(lines.is_some());
                self.first_factors(sum);
                if lines.is_none() {
                    self.adjoints(*row, 1);
                }
            }
            Back::DenseRows { matrix, out, .. } => self.adjoints(*out, matrix.shape[0]),
            Back::Map { map, to, .. } => {
                self.writers[*to as usize] += 1;
                self.read_by(is_line(map));
                self.operands(map);
                self.values(map.out, map.count);
                if !is_line(map) {
                    self.adjoints(*to, map.count);
                }
            }
            Back::MapShared { map, .. } => {
                self.operands(map);
                self.values(map.out, map.count);
            }
            Back::List { list, .. } => {
                self.values(list.out, 1);
                self.singles(list.rows);
                self.code.singles(list.rows).iter().for_each(|&row| self.adjoints[row as usize] = true);
            }
            Back::Shared { sum, .. } => self.terms(sum),
            Back::Outer { outer, .. } => self.walk(Walk::of_outer(outer)),
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
