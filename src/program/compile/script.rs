//! Script: short steps become lines of a script, which runs them without looking at them.

use smallvec::SmallVec;

use super::super::kernels::linear::Mode;
use super::super::kernels::nest::Nest;
use super::super::kernels::script::{Extent, Factor, MOST_TERMS, OutsideRows, Place, Script, Sum, Term, Turn};
use super::super::kernels::{Isa, Zero};
use super::super::lanes::{self, LaneCode, Operand, Span};
use super::super::windows::{Back, Home, Map, Step, Window, WindowCode};
use super::back::place;
use super::classes::Padding;
use super::first;
use super::outside::Uses;

/// The most rows of a nest that become lines.
pub(super) const MOST_ROWS: u32 = 4;
/// The most numbers of a map that becomes a line.
const MOST_NUMBERS: u32 = 256;
/// How far a term may go back to the sum that it belongs to.
const NEAR: usize = 16;

/// Turns the steps of a run into turns.
///
/// What is of nothing may be written with what stands before it.
pub(super) fn of_windows(code: &mut WindowCode, padding: &Padding) {
    let mut writer = Writer::new(Script::new(Isa::detect(), false), padding);
    let forward = writer.turns(&code.forward, |writer, step| match step {
        Step::Map(map) => writer.map(code, map),
        Step::Nest { nest, mode, minus, zero, homes, .. } => {
            let place = |factor: usize, first| of_values(code, homes[factor], first);
            writer.nest(nest, Place::values, place, (code.one, *mode, *minus, *zero))
        }
        _ => false,
    });
    let reverse = writer.turns(&code.reverse, |writer, back| match back {
        Back::Map { map, place, mode } => writer.map_back(code, map, usize::from(*place), *mode),
        Back::Nest { nest, mode, minus, home, .. } => {
            let place = |factor: usize, first| {
                if factor == 0 { Place::adjoints(first) } else { of_values(code, *home, first) }
            };
            writer.nest(nest, Place::adjoints, place, (code.one, *mode, *minus, Zero::Absorbs))
        }
        _ => false,
    });
    code.turns = [forward, reverse];
    code.script = writer.script;
}

/// The same for lanes; the `candidates` are rows that lie side by side for neighbouring lanes. Of the columns that may
/// store, those do whose adjoints lie outside and can come before the others.
pub(super) fn of_lanes(code: &mut LaneCode, candidates: &OutsideRows) {
    let uses = Uses::new(code);
    let (of_matrices, outside) = (uses.columns_of_matrices(), uses.rows_outside(candidates));
    code.of_matrices = of_matrices;
    code.stores.retain(|&column| first::before_other_columns(&mut code.reverse, column, &outside.adjoints));
    let places = Places { outside, stores: code.stores.clone() };
    let padding = Padding::default();
    let mut writer = Writer::new(Script::with_rows_outside(Isa::detect(), places.outside.clone()), &padding);
    let forward = writer.turns(&code.forward, |writer, step| match step {
        lanes::Step::Sum { out, sum } => {
            writer.sum_of_rows(code, sum, &places, |row| places.value(row), (places.value(*out), Mode::Store))
        }
        lanes::Step::Map(map) => {
            let out = places.value(map.out);
            writer.script.map(map.op, map.count, out, &places.operands(map)) && writer.wrote(out, map.count)
        }
        _ => false,
    });
    let reverse = writer.turns(&code.reverse, |writer, back| match back {
        lanes::Back::Gather { row, sum, mode } => {
            writer.sum_of_rows(code, sum, &places, Place::adjoints, places.target(*row, *mode))
        }
        lanes::Back::Map { map, place, to, mode } => {
            let (target, mode) = places.target(*to, *mode);
            let (own, value, operands) = (Place::adjoints(map.out), places.value(map.out), places.operands(map));
            let row = Factor::Row(target);
            writer.script.map_back(map.op, *place, map.count, row, own, value, &operands, (mode, false))
                && writer.wrote(target, map.count)
        }
        _ => false,
    });
    code.turns = [forward, reverse];
    code.script = writer.script;
}

/// Where the rows of lanes lie.
struct Places {
    outside: OutsideRows,
    /// The columns whose adjoints are stored outside.
    stores: Vec<u32>,
}

impl Places {
    fn value(&self, row: u32) -> Place {
        let column = number(&self.outside.columns, row).map(Place::column);
        column.or_else(|| number(&self.outside.results, row).map(Place::result)).unwrap_or(Place::values(row))
    }

    /// Where an adjoint goes, and how: what is outside others add to as well.
    fn target(&self, row: u32, mode: Mode) -> (Place, Mode) {
        let outside = if self.stores.contains(&row) { Mode::Store } else { Mode::Add };
        let column = number(&self.outside.adjoints, row);
        column.map_or((Place::adjoints(row), mode), |number| (Place::column_adjoints(number), outside))
    }

    /// The operands of a map.
    fn operands(&self, map: &lanes::Map) -> SmallVec<[Factor; 3]> {
        let place = |operand: &Operand| match *operand {
            Operand::Rows(first) => Factor::Row(self.value(first)),
            Operand::Shared(place) => Factor::Number(Place::shared(place)),
        };
        map.operands.iter().map(place).collect()
    }
}

/// The number of a row among those that may lie outside.
fn number(outside: &[u32], row: u32) -> Option<u8> {
    outside.iter().zip(0..).find_map(|(&outside, number)| (outside == row).then_some(number))
}

/// How many lines a sum over rows of lanes becomes, if it is short: products of rows with different signs, and more
/// terms than one line has, are added by the second.
pub(super) fn lines_of(sum: &lanes::Sum) -> Option<usize> {
    let count = |spans: &[Span; 2]| spans.iter().map(|span| span.range().len()).sum::<usize>();
    let [plus, minus] = sum.products.each_ref().map(|span| span.range().len());
    let numbers = count(&sum.scaled) + count(&sum.rows);
    let free = plus.next_multiple_of(MOST_TERMS) - plus;
    let lines = plus.div_ceil(MOST_TERMS) + (numbers.saturating_sub(free) + minus).div_ceil(MOST_TERMS);
    (lines <= 2 && count(&sum.shared) <= 1 && count(&sum.shared_products) == 0).then_some(lines.max(1))
}

/// The turns of both passes, where nothing is written as lines.
pub(super) fn in_turn<F, R>(forward: &[F], reverse: &[R]) -> [Vec<Turn>; 2] {
    [forward.len(), reverse.len()]
        .map(|steps| (0..u32::try_from(steps).expect("fewer than 2³² steps")).map(Turn::Step).collect())
}

/// A value, or an input or a parameter where the caller has it.
fn of_values(code: &WindowCode, home: Home, first: u32) -> Place {
    match home {
        Home::Values => Place::values(first),
        Home::Inputs => Place::input(first),
        Home::Parameters => Place::shared(first - code.parameters.start),
    }
}

/// The rows of a map for a line: all its numbers are one, unless an operand is one number for each row.
fn extent(map: &Map) -> Extent {
    let each_row = map.operands.iter().any(|window| matches!(window, Window::EachRow { .. }));
    if each_row { Extent { rows: map.rows(), count: map.row } } else { map.count.into() }
}

/// The operands of a map, if each is neighbours or one number.
fn operands(code: &WindowCode, map: &Map) -> Option<SmallVec<[Factor; 3]>> {
    let whole = map.count.next_multiple_of(8);
    let fits = |first: u32| first.checked_add(whole).is_some_and(|end| end <= code.len);
    let row = |first: u32| fits(first).then(|| Factor::Row(Place::values(first)));
    let windows = &map.operands[..usize::from(map.arity)];
    let each_row = extent(map).rows > 1;
    if (map.count > MOST_NUMBERS && !each_row) || !fits(map.out) {
        return None;
    }
    windows
        .iter()
        .map(|&window| match window {
            Window::Affine { first, step: 1 } => row(first),
            _ if map.count == 1 => row(place(code, window, 0)),
            Window::Affine { first, step: 0 } if !each_row => Some(Factor::Number(Place::values(first))),
            Window::EachRow { first, .. } => Some(Factor::Number(Place::values(first))),
            _ => None,
        })
        .collect()
}

/// What a line writes.
struct Written {
    /// Where, and how many numbers.
    rows: SmallVec<[(Place, u32); 2]>,
    /// The sum, to which more terms may belong, or another that is written with it.
    sum: Option<Sum>,
}

impl Written {
    fn new(out: Place, count: u32, sum: Option<Sum>) -> Self {
        Self { rows: SmallVec::from_slice(&[(out, count)]), sum }
    }

    /// Whether it writes one of `count` numbers.
    fn meets(&self, place: Place, count: u32) -> bool {
        self.rows.iter().any(|&(out, own)| place.meets(count, out, own))
    }

    /// Whether it writes what a sum reads, apart from its result.
    fn gives(&self, sum: &Sum) -> bool {
        let meets = |place| self.meets(place, sum.count);
        let terms = sum.terms.iter().any(|term| {
            let (Factor::Number(factor) | Factor::Row(factor)) = term.factor;
            meets(term.row) || meets(factor)
        });
        terms || sum.start.is_some_and(|(start, _)| meets(start))
    }
}

/// Writes lines where it can, and leaves the other steps as they are.
struct Writer<'p> {
    script: Script,
    padding: &'p Padding,
    /// The lines since the last other step.
    written: Vec<Written>,
    turns: Vec<Turn>,
}

impl<'p> Writer<'p> {
    fn new(script: Script, padding: &'p Padding) -> Self {
        Self { script, padding, written: vec![], turns: vec![] }
    }

    /// Whether what fills the last register of a row is of nothing.
    fn fills(&self, first: u32, count: u32) -> bool {
        let end = first + count;
        self.padding.has(&(end..first + count.next_multiple_of(8)))
    }

    /// The turns of some steps: of those that `line` has written lines for, and of the others.
    fn turns<T>(&mut self, steps: &[T], mut line: impl FnMut(&mut Self, &T) -> bool) -> Vec<Turn> {
        for (number, step) in (0..).zip(steps) {
            if !line(self, step) {
                self.end_lines();
                self.turns.push(Turn::Step(number));
            }
        }
        self.end_lines();
        std::mem::take(&mut self.turns)
    }

    fn end_lines(&mut self) {
        let end = self.script.len();
        let start = end - u32::try_from(self.written.len()).expect("fewer than 2³² lines");
        if start < end {
            self.turns.push(Turn::Lines(start..end));
        }
        self.written.clear();
    }

    /// A line was written.
    fn wrote(&mut self, out: Place, count: u32) -> bool {
        self.written.push(Written::new(out, count, None));
        true
    }

    /// The lines of a sum over rows of lanes, if it is short; `row` says where the rows of terms lie.
    ///
    /// The first factors of products are values in both passes.
    fn sum_of_rows(
        &mut self,
        code: &LaneCode,
        sum: &lanes::Sum,
        places: &Places,
        row: impl Fn(u32) -> Place,
        (out, mode): (Place, Mode),
    ) -> bool {
        if lines_of(sum).is_none() {
            return false;
        }
        let mut start = None;
        let mut numbers = SmallVec::<[Term; 8]>::new();
        let mut products = [SmallVec::<[Term; 8]>::new(), SmallVec::new()];
        for (sign, minus) in [(0, false), (1, true)] {
            let term = |factor, own| Term { row: row(own), factor, minus };
            let scaled = code.pairs(sum.scaled[sign]).iter();
            numbers.extend(scaled.map(|&(u, own)| term(Factor::Number(Place::shared(u)), own)));
            numbers.extend(code.singles(sum.rows[sign]).iter().map(|&own| term(Factor::Number(Place::ONE), own)));
            let pairs = code.pairs(sum.products[sign]).iter();
            products[sign].extend(pairs.map(|&(other, own)| term(Factor::Row(places.value(other)), own)));
            if let Some(&u) = code.singles(sum.shared[sign]).first() {
                start = Some((Place::shared(u), minus));
            }
        }
        let line =
            |start, mode| Sum { out, count: 1, start, terms: SmallVec::new(), mode, zero: sum.zero, fills: false };
        let mut lines: SmallVec<[Sum; 2]> = SmallVec::from_iter([line(start, mode)]);
        // Numbers stand between the products of different signs, since both have room for them.
        let [plus, minus] = products;
        for term in plus.into_iter().chain(numbers).chain(minus) {
            let last = lines.last_mut().expect("there is one");
            last.terms.push(term);
            if !last.is_line() {
                last.terms.pop();
                let mut next = line(None, Mode::Add);
                next.terms.push(term);
                lines.push(next);
            }
        }
        for line in lines {
            self.script.sum(&line);
            self.wrote(out, 1);
        }
        true
    }

    fn map(&mut self, code: &WindowCode, map: &Map) -> bool {
        let Some(operands) = operands(code, map) else { return false };
        let out = Place::values(map.out);
        self.script.map(map.op, extent(map), out, &operands) && self.wrote(out, map.count)
    }

    fn map_back(&mut self, code: &WindowCode, map: &Map, operand: usize, mode: Mode) -> bool {
        let Some(operands) = operands(code, map) else { return false };
        let (target, to, count) = match operands[operand] {
            Factor::Row(row) => (Factor::Row(row.adjoint()), row.adjoint(), map.count),
            Factor::Number(number) => (Factor::Number(number.adjoint()), number.adjoint(), extent(map).rows),
        };
        let fills = matches!(target, Factor::Row(_)) && self.fills(place(code, map.operands[operand], 0), count);
        let (adjoint, value) = (Place::adjoints(map.out), Place::values(map.out));
        self.script.map_back(map.op, operand, extent(map), target, adjoint, value, &operands, (mode, fills))
            && self.wrote(to, count)
    }

    /// The lines of a nest, if it is some; `out` and `place` say where X and the two factors lie.
    fn nest(
        &mut self,
        nest: &Nest,
        out: impl Fn(u32) -> Place,
        place: impl Fn(usize, u32) -> Place,
        (one, mode, minus, zero): (u32, Mode, bool, Zero),
    ) -> bool {
        let most_terms = u32::try_from(MOST_TERMS).expect("a few");
        let Some(short) = nest.short_rows(MOST_ROWS, most_terms) else { return false };
        // What stands in both factors is a number: it can be the start of a sum.
        let stands = short.stand == [true, true];
        if stands && !short.rows.iter().all(|(_, factors)| matches!(factors.as_slice(), [[_, z]] if *z == one)) {
            return false;
        }
        for (first, factors) in &short.rows {
            let fills = self.fills(*first, short.count);
            let (out, terms) = (out(*first), SmallVec::new());
            let mut sum = Sum { out, count: short.count, start: None, terms, mode, zero, fills };
            for &[y, z] in factors {
                let (y, z) = (place(0, y), place(1, z));
                let (factor, row) = match short.stand {
                    [false, false] => (Factor::Row(y), z),
                    [true, false] => (Factor::Number(y), z),
                    [false, true] => (Factor::Number(z), y),
                    [true, true] => {
                        sum.start = Some((y, minus));
                        continue;
                    }
                };
                sum.terms.push(Term { row, factor, minus });
            }
            if short.dots {
                self.script.dot(&sum);
                self.wrote(sum.out, 1);
            } else if let Some(piece) = self.piece(&sum) {
                (0..sum.count).step_by(piece as usize).for_each(|first| self.sum(sum.piece(first, piece)));
            } else {
                self.sum(sum);
            }
        }
        true
    }

    /// Writes a sum, with another one if that can be.
    fn sum(&mut self, sum: Sum) {
        if let Some(line) = self.joins(&sum) {
            self.join(line, &sum);
        } else if let Some(line) = self.partner(&sum) {
            self.pair(line, &sum);
        } else {
            self.script.sum(&sum);
            self.written.push(Written::new(sum.out, sum.count, Some(sum)));
        }
    }

    /// The length of pieces of a sum, if it is longer than that of a line which can take in the first of them.
    fn piece(&self, sum: &Sum) -> Option<u32> {
        let near = self.written.iter().rev().take(NEAR).filter_map(|written| written.sum.as_ref());
        let mut shorter = near.filter(|own| own.out == sum.out && sum.count > own.count);
        let piece = shorter.next().map(|own| own.count).filter(|&piece| sum.count.is_multiple_of(piece));
        piece.filter(|_| sum.mode == Mode::Add)
    }

    /// The line whose sum can take in another one: nothing that this reads is written after that.
    fn joins(&self, sum: &Sum) -> Option<usize> {
        if sum.mode == Mode::Store {
            return None;
        }
        for (line, written) in self.written.iter().enumerate().rev().take(NEAR) {
            if let Some(own) = written.sum.as_ref().filter(|own| (own.out, own.count) == (sum.out, sum.count)) {
                let takes = own.is_line_with(&sum.terms) && (own.start.is_none() || sum.start.is_none());
                return takes.then_some(line);
            }
            if written.gives(sum) {
                return None;
            }
        }
        None
    }

    /// The line that can write a sum beside its own.
    fn partner(&self, sum: &Sum) -> Option<usize> {
        for (line, written) in self.written.iter().enumerate().rev().take(NEAR) {
            if written.sum.as_ref().is_some_and(|own| own.pairs_with(sum)) {
                return Some(line);
            }
            if written.gives(sum) || written.meets(sum.out, sum.count) {
                return None;
            }
        }
        None
    }

    /// Takes a sum into that of a line.
    fn join(&mut self, line: usize, sum: &Sum) {
        let number = self.number(line);
        let own = self.written[line].sum.as_mut().expect("the line is a sum");
        own.terms.extend(sum.terms.iter().copied());
        own.start = own.start.or(sum.start);
        self.script.amend(number, own);
    }

    /// Writes a sum beside that of a line.
    fn pair(&mut self, line: usize, sum: &Sum) {
        let number = self.number(line);
        let written = &mut self.written[line];
        let own = written.sum.take().expect("the line is a sum");
        written.rows.push((sum.out, sum.count));
        self.script.amend_with_pair(number, [&own, sum]);
    }

    /// The number of a line within the script.
    fn number(&self, line: usize) -> u32 {
        self.script.len() - u32::try_from(self.written.len() - line).expect("fewer than 2³² lines")
    }
}
