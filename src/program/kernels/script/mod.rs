//! Scripts: short steps that run one after the other without being looked at.
//!
//! A *line* holds the function that runs it and where its numbers lie. What kind of step it is, of how many terms and in
//! which instruction set, was asked when it was written: a run calls the functions one after the other. On rows of some
//! tens of numbers this takes a few nanoseconds for each.
//!
//! # Reference
//! Bell (1973), Threaded code, doi:10.1145/362248.362270.

mod dot;
mod line;
mod map;
mod pair;
mod place;
mod sum;

use line::{ALL, FILLS, FILLS_OTHER, PLACES, START};
pub(super) use line::{Function, Line, Memory};
pub(super) use map::{Forward, Reverse};
use place::{Base, OWN};
pub(crate) use place::{MOST_OUTSIDE, Place};

use std::mem::MaybeUninit;
use std::ops::Range;

use smallvec::SmallVec;

use super::Zero;
use super::isa::Isa;
use super::linear::Mode;
use super::outer::Table;
use super::vector::Simd;
use crate::op::{Arity, Op};

/// A term of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// The second factor, rows.
    pub row: Place,
    /// The first factor.
    pub factor: Factor,
    /// Whether the product is subtracted.
    pub minus: bool,
}

/// What a row is multiplied with, or an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    /// One number.
    Number(Place),
    /// A row.
    Row(Place),
}

impl Factor {
    /// Where it lies, and how many numbers it has there, if rows have `count` and numbers are `numbers`.
    fn place(self, count: u32, numbers: u32) -> (Place, u32) {
        match self {
            Self::Number(place) => (place, numbers),
            Self::Row(place) => (place, count),
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Number(_))
    }
}

/// A sum of up to [`MOST_TERMS`] products over neighbouring numbers.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    /// Where it is written.
    pub out: Place,
    /// How many rows, of one number each where there are no lanes.
    pub count: u32,
    /// A number that is added everywhere, or subtracted.
    pub start: Option<(Place, bool)>,
    /// The products.
    pub terms: SmallVec<[Term; MOST_TERMS]>,
    /// Whether the sum is stored or added.
    pub mode: Mode,
    /// What zero times infinity is.
    pub zero: Zero,
    /// Whether what fills the last register beyond the result may be written: it is of nothing.
    pub fills: bool,
}

impl Sum {
    /// Whether a line can be made of it: its products of rows are all added or all subtracted.
    pub(crate) fn is_line(&self) -> bool {
        self.is_line_with(&[])
    }

    /// Whether a line can be made of it and some more terms.
    pub(crate) fn is_line_with(&self, more: &[Term]) -> bool {
        let mut products = self.terms.iter().chain(more).filter(|term| matches!(term.factor, Factor::Row(_)));
        let sign = products.next().map(|term| term.minus);
        self.terms.len() + more.len() <= MOST_TERMS && products.all(|term| Some(term.minus) == sign)
    }

    /// Some of the rows.
    pub(crate) fn piece(&self, first: u32, count: u32) -> Self {
        let later = |place: Place| Place { first: place.first + first, ..place };
        let term = |term: &Term| Term {
            row: later(term.row),
            factor: match term.factor {
                Factor::Row(row) => Factor::Row(later(row)),
                number @ Factor::Number(_) => number,
            },
            ..*term
        };
        let fills = self.fills && first + count == self.count;
        Self { out: later(self.out), count, terms: self.terms.iter().map(term).collect(), fills, ..self.clone() }
    }

    /// The terms, those with a number first, without the last if it is like the one before and that counts twice.
    fn in_order(&self) -> (SmallVec<[Term; MOST_TERMS]>, bool) {
        let mut terms = self.terms.clone();
        terms.sort_by_key(|term| matches!(term.factor, Factor::Row(_)));
        let twice = match terms.as_slice() {
            [.., a, b] => a == b && matches!(b.factor, Factor::Row(_)),
            _ => false,
        };
        if twice {
            terms.pop();
        }
        (terms, twice)
    }
}

/// How many rows a map has, and how many numbers each: what is one number for a row is the next for the next row.
///
/// The rows begin with registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// How many rows.
    pub rows: u32,
    /// How many numbers each.
    pub count: u32,
}

impl From<u32> for Extent {
    /// One row.
    fn from(count: u32) -> Self {
        Self { rows: 1, count }
    }
}

/// The most terms of a sum.
pub(crate) const MOST_TERMS: usize = 3;

/// From how many numbers on a line is not short.
const SHORT: u32 = 32;

/// The most whole registers of a line. A short one has so few that code for each is better than a loop over them.
#[inline(always)]
const fn most_registers<S: Simd, const IS_SHORT: bool>() -> usize {
    if IS_SHORT { SHORT as usize / S::WIDTH } else { usize::MAX }
}

/// Lines, and how much memory they reach.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    isa: Isa,
    /// Whether a row has a number for each of many lanes, or is one number.
    over_lanes: bool,
    lines: Vec<Line>,
    ops: Vec<Op>,
    /// Behind the last row of each slice.
    rows: [u32; Base::COUNT],
    /// Behind the last single number.
    numbers: [u32; Base::COUNT],
    outside: OutsideRows,
}

/// The rows that may lie outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutsideRows {
    /// Columns whose values may.
    pub columns: SmallVec<[u32; 4]>,
    /// Columns whose adjoints may, to which others add as well.
    pub adjoints: SmallVec<[u32; 4]>,
    /// Those of results.
    pub results: SmallVec<[u32; 4]>,
}

impl OutsideRows {
    /// Whether every row has its place within.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.columns, &self.adjoints, &self.results].into_iter().all(SmallVec::is_empty)
    }
}

/// What a pass does next.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Short steps, as lines of a script.
    Lines(Range<u32>),
    /// Another step, by its number.
    Step(u32),
}

/// The slices of a run.
#[derive(Debug)]
pub(crate) struct Slices<'a, 'b> {
    /// Values.
    pub values: &'a mut [f64],
    /// Adjoints.
    pub adjoints: &'a mut [f64],
    /// Numbers that are the same in every lane.
    pub shared: &'a [f64],
    /// Others that are only read.
    pub inputs: &'a [f64],
    /// How many numbers a row has.
    pub lanes: usize,
    /// What lies outside.
    pub outside: &'a mut Outside<'b>,
}

/// What lies outside the rows, where the caller has it.
#[derive(Debug, Default)]
pub(crate) struct Outside<'a> {
    /// All columns as rows have them, for those that are in no row; empty if all are in their rows.
    pub table: &'a [f64],
    /// Some neighbouring columns as they lie lane after lane, where they do.
    pub turned: Option<Table<'a>>,
    /// The numbers of each column whose values may; none at all if these are in their rows.
    pub values: SmallVec<[&'a [f64]; MOST_OUTSIDE]>,
    /// Where adjoints are added.
    pub adjoints: &'a mut [f64],
    /// Where each begins there; none at all if these are to stand in their rows.
    pub adjoint_places: SmallVec<[usize; MOST_OUTSIDE]>,
    /// Where results are wanted.
    pub results: &'a mut [f64],
    /// Where each begins there; none at all if these are to stand in their rows.
    pub result_places: SmallVec<[usize; MOST_OUTSIDE]>,
}

impl Outside<'_> {
    /// Has columns, their adjoints and results in their rows.
    pub(crate) fn forget_places(&mut self) {
        self.values.clear();
        self.adjoint_places.clear();
        self.result_places.clear();
    }
}

impl Default for Script {
    /// An empty script over single numbers, for the widest instruction set.
    fn default() -> Self {
        Self::new(Isa::detect(), false)
    }
}

impl Script {
    /// An empty script, over rows of lanes or over single numbers.
    pub(crate) fn new(isa: Isa, over_lanes: bool) -> Self {
        Self {
            isa,
            over_lanes,
            lines: vec![],
            ops: vec![],
            rows: [0; Base::COUNT],
            numbers: [0; Base::COUNT],
            outside: OutsideRows::default(),
        }
    }

    /// A script over rows of lanes, in which some rows may lie outside.
    pub(crate) fn with_rows_outside(isa: Isa, outside: OutsideRows) -> Self {
        Self { outside, ..Self::new(isa, true) }
    }

    /// The rows that may lie outside.
    pub(crate) fn outside(&self) -> &OutsideRows {
        &self.outside
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.lines.len()).expect("fewer than 2³² lines")
    }

    /// The place within the rows, where what may lie outside lies if it does not.
    ///
    /// # Panics
    /// When the script has no such column or result.
    fn within(&self, Place { base, first }: Place) -> Place {
        let row = |rows: &[u32], kind: Base| rows[usize::from(base.0 - kind.0)] + first;
        let OutsideRows { columns, adjoints, results } = &self.outside;
        match base {
            Base(number) if number >= Base::RESULTS.0 => Place::values(row(results, Base::RESULTS)),
            Base(number) if number >= Base::COLUMN_ADJOINTS.0 => Place::adjoints(row(adjoints, Base::COLUMN_ADJOINTS)),
            Base(number) if number >= Base::COLUMNS.0 => Place::values(row(columns, Base::COLUMNS)),
            _ => Place { base, first },
        }
    }

    /// Whether two places have none of `count` rows in common, of which numbers have `numbers`.
    fn are_apart(&self, a: Factor, b: Factor, count: u32, numbers: u32) -> bool {
        let ((a, a_count), (b, b_count)) = (a.place(count, numbers), b.place(count, numbers));
        !self.within(a).meets(a_count, self.within(b), b_count)
    }

    /// Takes a row of `count` numbers into account.
    fn reach(&mut self, place: Place, count: u32) {
        self.within(place);
        let Place { base, first } = place;
        let end = &mut self.rows[usize::from(base.0)];
        *end = (*end).max(first.checked_add(count).expect("rows have 32-bit numbers"));
    }

    /// Takes some numbers into account.
    fn reach_numbers(&mut self, Place { base, first }: Place, count: u32) {
        let end = &mut self.numbers[usize::from(base.0)];
        *end = (*end).max(first.checked_add(count).expect("numbers have 32-bit numbers"));
    }

    /// Takes a term over `count` rows into account; gives its factor, and whether that is one number.
    fn reach_term(&mut self, term: &Term, count: u32) -> (Place, bool) {
        self.reach(term.row, count);
        (self.reach_factor(term.factor, count, 1), term.factor.is_number())
    }

    /// Takes some numbers or a row of `count` into account, and says where it lies.
    fn reach_factor(&mut self, factor: Factor, count: u32, numbers: u32) -> Place {
        match factor {
            Factor::Number(place) => self.reach_numbers(place, numbers),
            Factor::Row(place) => self.reach(place, count),
        }
        factor.place(count, numbers).0
    }

    /// Writes a sum.
    ///
    /// # Panics
    /// When it has too many terms, products of rows with different signs, or is neither a value nor an adjoint.
    pub(crate) fn sum(&mut self, sum: &Sum) {
        let line = self.line_of(sum);
        self.lines.push(line);
    }

    /// Writes a sum in the place of a line.
    ///
    /// # Panics
    /// As [`Script::sum`], and when there is no such line.
    pub(crate) fn amend(&mut self, line: u32, sum: &Sum) {
        self.lines[line as usize] = self.line_of(sum);
    }

    fn line_of(&mut self, sum: &Sum) -> Line {
        check_target(sum.out);
        let (terms, twice) = sum.in_order();
        let products = terms.iter().filter(|term| matches!(term.factor, Factor::Row(_)));
        let all = products.clone().any(|term| term.minus);
        assert!(products.clone().all(|term| term.minus == all), "products of rows have one sign");
        let numbers = terms.len() - products.count();
        let shape = (terms.len(), numbers, twice);
        let function = sum::function(self.isa_for(sum.count), self.is_short(sum), shape, sum.mode, sum.zero);
        let mut places: SmallVec<[Place; PLACES]> = SmallVec::from_slice(&[sum.out]);
        let mut minus = u8::from(all) << ALL;
        for (n, term) in terms.iter().enumerate() {
            let (factor, is_number) = self.reach_term(term, sum.count);
            minus |= u8::from(is_number && term.minus != all) << n;
            places.extend([factor, term.row]);
        }
        minus |= self.fills(sum, FILLS);
        let (start, subtracted) = sum.start.unwrap_or((Place::NOTHING, false));
        self.reach_numbers(start, 1);
        Line::new(function, sum.count, &places, start, minus | u8::from(subtracted != all) << START)
    }

    /// Takes what a sum writes into account; the bit if that fills the last register.
    fn fills(&mut self, sum: &Sum, bit: usize) -> u8 {
        let fills = sum.fills && !self.over_lanes;
        self.reach(sum.out, if fills { self.whole(sum.count) } else { sum.count });
        u8::from(fills) << bit
    }

    /// Writes the sum of a product over neighbouring numbers: `sum.out` is one number, and there is one term.
    ///
    /// # Panics
    /// When it is over lanes, has a start or other terms, or is neither a value nor an adjoint.
    pub(crate) fn dot(&mut self, sum: &Sum) {
        check_target(sum.out);
        let &[term] = sum.terms.as_slice() else { panic!("a dot is of one term") };
        assert!(!self.over_lanes && sum.start.is_none(), "a dot is over single numbers, and begins with nothing");
        let (factor, is_number) = self.reach_term(&term, sum.count);
        self.reach(sum.out, 1);
        let function = dot::function(self.isa_for(sum.count), is_number, sum.mode, sum.zero);
        let places = [sum.out, factor, term.row];
        self.lines.push(Line::new(function, sum.count, &places, Place::NOTHING, u8::from(term.minus)));
    }

    /// Writes an operation over neighbouring numbers, and says whether it could.
    ///
    /// Numbers beyond the last fill a register of the result: what stands there must not be wanted any more.
    ///
    /// # Panics
    /// When the operation takes another number of operands, or the result is neither a value nor an adjoint.
    pub(crate) fn map(&mut self, op: Op, extent: impl Into<Extent>, out: Place, operands: &[Factor]) -> bool {
        check_target(out);
        let extent = extent.into();
        let len = self.whole_rows(extent);
        let apart = operands.iter().all(|&operand| self.are_apart(operand, Factor::Row(out), len, extent.rows));
        let numbers = numbers_of(op, operands);
        let function = super::map::forward_line(self.isa, op, numbers);
        let Some(function) = function.filter(|_| apart) else { return false };
        self.reach(out, len);
        let reach = |&operand: &Factor| self.reach_factor(operand, len, extent.rows);
        let places: SmallVec<[Place; PLACES]> = std::iter::once(out).chain(operands.iter().map(reach)).collect();
        let op = self.op(op);
        self.lines.push(Line::new(function, extent.count, &places, op, numbers).with_rows(extent.rows));
        true
    }

    /// Writes what an operation adds to the adjoint of an operand, the `target`, and says whether it could.
    ///
    /// # Panics
    /// As [`Script::map`], and when there is no such operand.
    #[expect(clippy::too_many_arguments, reason = "an operation, four places and how the last is written")]
    pub(crate) fn map_back(
        &mut self,
        op: Op,
        place: usize,
        extent: impl Into<Extent>,
        target: Factor,
        adjoint: Place,
        value: Place,
        operands: &[Factor],
        (mode, fills): (Mode, bool),
    ) -> bool {
        let extent = extent.into();
        let len = self.whole_rows(extent);
        check_target(target.place(len, extent.rows).0);
        let read = [Factor::Row(adjoint), Factor::Row(value)];
        let apart = |&read: &Factor| self.are_apart(read, target, len, extent.rows);
        let apart = read.iter().chain(operands).all(apart);
        let numbers = numbers_of(op, operands);
        let function = super::map::reverse_line(self.isa, op, place, mode, numbers);
        let Some(function) = function.filter(|_| apart) else { return false };
        let beyond = if fills { 0 } else { self.whole(extent.count) - extent.count };
        let target_place = self.reach_factor(target, len - beyond, extent.rows);
        let rest = read.iter().chain(operands).map(|&read| self.reach_factor(read, len, extent.rows));
        let places: SmallVec<[Place; PLACES]> = std::iter::once(target_place).chain(rest).collect();
        let op = self.op(op);
        let minus = numbers | u8::from(target.is_number()) << ALL | u8::from(fills) << FILLS;
        self.lines.push(Line::new(function, extent.count, &places, op, minus).with_rows(extent.rows));
        true
    }

    /// The number of an operation, as a place.
    fn op(&mut self, op: Op) -> Place {
        let known = self.ops.iter().rev().take(32).position(|&known| known == op);
        let number = known.map_or(self.ops.len(), |back| self.ops.len() - 1 - back);
        if number == self.ops.len() {
            self.ops.push(op);
        }
        Place { base: Base::OWN, first: u32::try_from(number).expect("fewer than 2³² operations") }
    }

    /// How many numbers of all rows of a map there are, with what fills registers.
    fn whole_rows(&self, Extent { rows, count }: Extent) -> u32 {
        self.whole(count).checked_mul(rows).expect("rows have 32-bit numbers")
    }

    /// How many rows a map reads: as many numbers as fill whole registers.
    fn whole(&self, count: u32) -> u32 {
        if self.over_lanes { count } else { count.next_multiple_of(8) }
    }

    /// Whether a sum is short: it has a few registers of single numbers, and nothing but products that are added.
    fn is_short(&self, sum: &Sum) -> bool {
        let plain = sum.start.is_none() && sum.terms.iter().all(|term| !term.minus);
        !self.over_lanes && sum.count < SHORT && plain
    }

    /// The set for lines of sums of `count` rows.
    fn isa_for(&self, count: u32) -> Isa {
        if self.over_lanes { self.isa } else { self.isa.for_rows_of(count as usize) }
    }

    /// Refuses a slice that the script reaches beyond.
    #[inline]
    fn check_reach(&self, base: usize, lanes: usize, len: usize) {
        let (rows, numbers) = (self.rows[base] as usize, self.numbers[base] as usize);
        let fits = rows.checked_mul(lanes).is_some_and(|end| end <= len) && numbers <= len;
        assert!(fits, "a script reaches row {rows} and number {numbers} of {len} numbers in slice {base}");
    }

    /// Runs some lines.
    ///
    /// # Panics
    /// When the script reaches beyond a slice.
    pub(crate) fn run(&self, lines: Range<u32>, slices: Slices<'_, '_>) {
        let lanes_fit = if self.over_lanes { slices.lanes.is_multiple_of(8) } else { slices.lanes == 1 };
        assert!(lanes_fit, "no script for {} lanes", slices.lanes);
        let lines = &self.lines[lines.start as usize..lines.end as usize];
        if self.outside.is_empty() {
            self.run_in(lines, slices, &mut [const { MaybeUninit::uninit() }; Base::INSIDE]);
        } else {
            self.run_in(lines, slices, &mut [const { MaybeUninit::uninit() }; Base::COUNT]);
        }
    }

    /// Runs lines with room for where the slices begin.
    fn run_in<const N: usize>(&self, lines: &[Line], slices: Slices<'_, '_>, at: &mut [MaybeUninit<*mut f64>; N]) {
        let Slices { values, adjoints, shared, inputs, lanes, outside } = slices;
        let mut own = OWN;
        let mut give = |Base(base): Base, (first, len): (*mut f64, usize)| {
            self.check_reach(usize::from(base), lanes, len);
            at[usize::from(base)].write(first);
        };
        // What is shared or a column is only read: `check_target` saw to it.
        let (values, adjoints) = (whole_of(values), whole_of(adjoints));
        give(Base::VALUES, values);
        give(Base::ADJOINTS, adjoints);
        give(Base::SHARED, (shared.as_ptr().cast_mut(), shared.len()));
        give(Base::OWN, whole_of(&mut own));
        give(Base::INPUTS, (inputs.as_ptr().cast_mut(), inputs.len()));
        let own_row = |all, row: u32| from(all, row as usize * lanes);
        let targets = whole_of(outside.adjoints);
        for (number, &row) in (0_u8..).zip(&self.outside.columns) {
            let column = outside.values.get(usize::from(number));
            let numbers = column.map_or(own_row(values, row), |column| (column.as_ptr().cast_mut(), column.len()));
            give(Base::COLUMNS.outside(number), numbers);
        }
        for (number, &row) in (0_u8..).zip(&self.outside.adjoints) {
            let place = outside.adjoint_places.get(usize::from(number));
            let target = place.map_or(own_row(adjoints, row), |&place| from(targets, place));
            give(Base::COLUMN_ADJOINTS.outside(number), target);
        }
        let results = whole_of(outside.results);
        for (number, &row) in (0_u8..).zip(&self.outside.results) {
            let place = outside.result_places.get(usize::from(number));
            give(Base::RESULTS.outside(number), place.map_or(own_row(values, row), |&place| from(results, place)));
        }
        let memory = Memory { at: at.as_ptr().cast(), lanes, ops: self.ops.as_ptr() };
        for line in lines {
            // SAFETY: an `Isa` is made of sets that the processor has; the places were checked above, and lines name no
            // slice beside those.
            unsafe { (line.function)(line, &memory) };
        }
    }
}

/// Where a slice begins, and how long it is.
fn whole_of(numbers: &mut [f64]) -> (*mut f64, usize) {
    (numbers.as_mut_ptr(), numbers.len())
}

/// What begins later in a slice.
fn from((first, len): (*mut f64, usize), by: usize) -> (*mut f64, usize) {
    let by = by.min(len);
    (first.wrapping_add(by), len - by)
}

/// A bit for each operand that is one number; refuses an operation that takes another number of operands.
fn numbers_of(op: Op, operands: &[Factor]) -> u8 {
    if let Arity::Fixed(count) = op.info().arity {
        assert_eq!(operands.len(), count, "{} takes {count} operands", op.info().name);
    }
    (0..).zip(operands).filter(|(_, operand)| operand.is_number()).map(|(n, _)| 1 << n).sum()
}

/// Refuses to write where nothing may be written.
fn check_target(out: Place) {
    let writes = matches!(out.base, Base::VALUES | Base::ADJOINTS) || out.base.0 >= Base::COLUMN_ADJOINTS.0;
    assert!(writes, "a line writes values or adjoints");
}
