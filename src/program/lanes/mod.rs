//! Code for a block of lanes: the same computation for many examples at once, a row of numbers for each node.
//!
//! Row r of a buffer holds a node's number in every lane. Numbers that all lanes share stand apart, once. Every row that
//! a step reads is lower than those it writes; the adjoint of a row is complete before a step of the reverse pass reads
//! it, and the first step that writes it stores, so that nothing is zeroed.

mod forward;
mod reverse;
mod uniform;

pub(super) use reverse::Totals;
pub(super) use uniform::Uniforms;

use std::ops::Range;

use smallvec::SmallVec;

use super::kernels::linear::{Matrix, Mode};
use super::kernels::outer::Outer;
use super::kernels::script::{Outside, Script, Slices, Turn};
use super::kernels::{Isa, Zero};
use crate::op::Op;

/// A part of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        let narrow = |place: usize| u32::try_from(place).expect("fewer than 2³² operands");
        Self { start: narrow(start), end: narrow(end) }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(super) fn len(self) -> u32 {
        self.end - self.start
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The terms of one row, by what they are made of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    /// What zero times infinity is.
    pub(super) zero: Zero,
    /// Pairs (shared, row), added and subtracted.
    pub(super) scaled: [Span; 2],
    /// Rows, added and subtracted.
    pub(super) rows: [Span; 2],
    /// Pairs of rows, added and subtracted.
    pub(super) products: [Span; 2],
    /// Shared numbers, added and subtracted.
    pub(super) shared: [Span; 2],
    /// Pairs of shared numbers, added and subtracted.
    pub(super) shared_products: [Span; 2],
}

/// An operand of an operation on neighbouring rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// As many rows as come out, from this one on.
    Rows(u32),
    /// One shared number for all.
    Shared(u32),
}

/// One operation on `count` neighbouring rows.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) op: Op,
    pub(super) out: u32,
    pub(super) count: u32,
    pub(super) operands: SmallVec<[Operand; 3]>,
}

/// A dense layer: rows from `out` on get W·y, and a shared number each, if there is a bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dense {
    pub(super) out: u32,
    pub(super) matrix: Matrix,
    /// The first bias and the step to the next.
    pub(super) bias: Option<(u32, i32)>,
    /// What zero times infinity is.
    pub(super) zero: Zero,
}

/// Rows that go on by steps, as those that go into a matrix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    start: u32,
    step: i32,
    pub(super) count: u32,
}

impl Walk {
    /// What an outer product reads of the values.
    pub(super) fn of_outer(outer: &Outer) -> Self {
        Self { start: outer.y, step: outer.y_step, count: outer.shape[1] }
    }

    pub(super) fn row(self, k: u32) -> u32 {
        self.start.wrapping_add_signed(self.step.wrapping_mul(k.cast_signed()))
    }

    /// The lowest row.
    pub(super) fn first(self) -> u32 {
        self.start.min(self.row(self.count.saturating_sub(1)))
    }

    /// The highest row.
    pub(super) fn last(self) -> u32 {
        self.start.max(self.row(self.count.saturating_sub(1)))
    }
}

/// An operation of any number of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) op: Op,
    pub(super) out: u32,
    pub(super) rows: Span,
    /// The first of the rows in which the shares of a log-sum-exp are kept, from which its derivatives follow.
    pub(super) kept: u32,
}

impl List {
    /// How many rows it keeps.
    pub(super) fn keeps(&self) -> u32 {
        if self.op == Op::LogSumExp { self.rows.len() } else { 0 }
    }

    /// The numbers that it keeps, of so many lanes.
    fn kept(&self, lanes: usize) -> Range<usize> {
        self.kept as usize * lanes..(self.kept + self.keeps()) as usize * lanes
    }
}

/// A step of the forward pass.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Sum { out: u32, sum: Sum },
    Dense(Dense),
    Map(Map),
    List(List),
}

/// A step of the reverse pass.
#[derive(Clone, Debug)]
pub(super) enum Back {
    /// The adjoint of a row from the seed of an output.
    ///
    /// If it is `alone`, nothing else writes there, and what one run has written is good for the next.
    Seed { row: u32, output: u32, mode: Mode, alone: bool },
    /// The adjoint of a row from the sums that use it: `scaled` and `rows` are of adjoints, `products` of values and
    /// adjoints.
    Gather { row: u32, sum: Sum, mode: Mode },
    /// The adjoints of the rows that go into a dense layer.
    DenseRows { matrix: Matrix, out: u32, mode: Mode },
    /// The adjoints of rows that a map reads.
    Map { map: Map, place: usize, to: u32, mode: Mode },
    /// The adjoint of a shared number that a map reads.
    MapShared { map: Map, place: usize, shared: u32 },
    /// The adjoints of rows that a list reads, and how each is written.
    List { list: List, modes: Box<[Option<Mode>]> },
    /// The adjoints of the shared numbers of a sum.
    Shared { row: u32, sum: Sum },
    /// The adjoints of a matrix of shared numbers, and how the first block of lanes writes them.
    Outer { outer: Outer, first: Mode },
    /// The adjoints of the biases of a dense layer.
    Bias { row: u32, count: u32, shared: u32, step: i32 },
    /// A row that nothing uses.
    Zero { row: u32 },
}

/// Code for a block of lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneCode {
    /// How many rows there are; columns are the first.
    pub(super) rows: u32,
    /// How many rows are kept beside them for the reverse pass.
    pub(super) kept: u32,
    pub(super) columns: u32,
    /// How many of the first columns matrices alone read, so that they may stay where they lie.
    pub(super) of_matrices: u32,
    pub(super) forward: Vec<Step>,
    pub(super) reverse: Vec<Back>,
    /// The shared numbers whose adjoints the first block of lanes stores; to all others it adds.
    pub(super) stored: Vec<Range<usize>>,
    /// Columns whose adjoints are stored where they belong; those of all others are added afterwards.
    pub(super) stores: Vec<u32>,
    /// The steps forward and in reverse as they are taken.
    pub(super) turns: [Vec<Turn>; 2],
    pub(super) script: Script,
    /// Where the outputs are.
    pub(super) outputs: Vec<Operand>,
    pub(super) pairs: Vec<(u32, u32)>,
    pub(super) singles: Vec<u32>,
}

impl LaneCode {
    pub(super) fn push_pairs(&mut self, pairs: &[(u32, u32)]) -> Span {
        let start = self.pairs.len();
        self.pairs.extend_from_slice(pairs);
        Span::new(start, self.pairs.len())
    }

    pub(super) fn push_singles(&mut self, singles: &[u32]) -> Span {
        let start = self.singles.len();
        self.singles.extend_from_slice(singles);
        Span::new(start, self.singles.len())
    }

    /// How many operations a lane computes, a product with its addition as one.
    pub(super) fn work(&self) -> usize {
        let spans = |spans: &[Span; 2]| spans.iter().map(|span| span.range().len()).sum::<usize>();
        let of_step = |step: &Step| match step {
            Step::Sum { sum, .. } => {
                [sum.scaled, sum.rows, sum.products, sum.shared, sum.shared_products].iter().map(spans).sum()
            }
            Step::Dense(dense) => (dense.matrix.shape[0] * dense.matrix.shape[1]) as usize,
            Step::Map(map) => map.count as usize,
            Step::List(list) => list.rows.range().len(),
        };
        self.forward.iter().map(of_step).sum()
    }

    /// Where a walk reads: among the rows, or in the table of columns, where there is one.
    fn source<'r>(&self, walk: Walk, rows: &'r [f64], table: &'r [f64]) -> &'r [f64] {
        if !table.is_empty() && walk.last() < self.of_matrices { table } else { rows }
    }

    /// Prepares the adjoints of the shared numbers for the first block of lanes.
    pub(super) fn clear(&self, totals: &mut [f64]) {
        let mut done = 0;
        for stored in &self.stored {
            totals[done..stored.start].fill(0.0);
            done = stored.end;
        }
        totals[done..].fill(0.0);
    }

    pub(super) fn pairs(&self, span: Span) -> &[(u32, u32)] {
        &self.pairs[span.range()]
    }

    pub(super) fn singles(&self, span: Span) -> &[u32] {
        &self.singles[span.range()]
    }
}

/// Numbers that begin on a boundary of 64 bytes, so that no register is loaded across two lines of the cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Aligned {
    numbers: Vec<f64>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub(super) fn new(len: usize) -> Self {
        let numbers = vec![0.0; len + 7];
        let start = numbers.as_ptr().align_offset(64).min(7);
        Self { numbers, start, len }
    }

    pub(super) fn get(&self) -> &[f64] {
        &self.numbers[self.start..self.start + self.len]
    }

    pub(super) fn get_mut(&mut self) -> &mut [f64] {
        &mut self.numbers[self.start..self.start + self.len]
    }
}

/// The buffers of one block of lanes.
#[derive(Clone, Debug)]
pub(super) struct Block {
    isa: Isa,
    lanes: usize,
    most: usize,
    pub(super) values: Aligned,
    pub(super) adjoints: Aligned,
    kept: Aligned,
    scratch: Aligned,
    /// What the adjoint of each output was last filled with: the seed, how often, and for how many lanes.
    seeded: Box<[Seeded]>,
}

/// The bits of a seed, in how many of so many lanes.
type Seeded = (u64, usize, usize);

impl Block {
    /// Buffers for code over a count of lanes, a multiple of 8 up to 512.
    pub(super) fn new(code: &LaneCode, lanes: usize) -> Self {
        let (rows, scratch) = Self::sizes(code, lanes);
        Self {
            isa: Isa::detect(),
            lanes,
            most: lanes,
            values: Aligned::new(rows),
            adjoints: Aligned::new(rows),
            kept: Aligned::new(code.kept as usize * lanes),
            scratch: Aligned::new(scratch),
            seeded: vec![(0, 0, 0); code.outputs.len()].into(),
        }
    }

    /// How many numbers stand in the rows, and how many more are spread out.
    fn sizes(code: &LaneCode, lanes: usize) -> (usize, usize) {
        let widest = code.forward.iter().map(|step| match step {
            Step::Map(map) => map.count as usize * (1 + map.operands.len()),
            Step::List(list) => list.rows.range().len(),
            Step::Sum { .. } | Step::Dense(_) => 0,
        });
        (code.rows as usize * lanes, widest.max().unwrap_or(0) * lanes)
    }

    /// How many numbers it would hold.
    pub(super) fn forecast(code: &LaneCode, lanes: usize) -> usize {
        let (rows, scratch) = Self::sizes(code, lanes);
        2 * rows + code.kept as usize * lanes + scratch
    }

    /// How many numbers it holds.
    pub(super) fn len(&self) -> usize {
        let own = [&self.values, &self.adjoints, &self.kept, &self.scratch];
        own.iter().map(|numbers| numbers.get().len()).sum()
    }

    /// Runs lines of a script.
    fn lines(&mut self, script: &Script, lines: &Range<u32>, shared: &[f64], outside: &mut Outside<'_>) {
        let (values, adjoints) = (self.values.get_mut(), self.adjoints.get_mut());
        script.run(lines.clone(), Slices { values, adjoints, shared, inputs: &[], lanes: self.lanes, outside });
    }

    /// Takes fewer lanes for a while, a multiple of 8.
    pub(super) fn set_lanes(&mut self, lanes: usize) {
        debug_assert!(lanes <= self.most);
        self.lanes = lanes;
    }

    /// How many lanes it has now.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// The numbers of a row.
    pub(super) fn value(&self, row: u32) -> &[f64] {
        &self.values.get()[row as usize * self.lanes..][..self.lanes]
    }

    /// The adjoints of a row.
    pub(super) fn adjoint(&self, row: u32) -> &[f64] {
        self.adjoints(row as usize..row as usize + 1)
    }

    /// The adjoints of some rows after a reverse pass.
    pub(super) fn adjoints(&self, rows: Range<usize>) -> &[f64] {
        &self.adjoints.get()[rows.start * self.lanes..rows.end * self.lanes]
    }

    /// The numbers of some columns, to be filled before a run.
    pub(super) fn rows_mut(&mut self, rows: Range<usize>) -> &mut [f64] {
        &mut self.values.get_mut()[rows.start * self.lanes..rows.end * self.lanes]
    }
}
