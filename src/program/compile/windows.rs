//! Windows: classes as steps over windows of slots.
//!
//! The operands of a class are a table, a row for each member and a column for each operand. Runs of rows that go on by
//! constant steps become loops, neighbouring runs of the same shape an outer loop, and columns of the same shape that go
//! on by constant steps a loop of additions. What is too irregular for loops becomes a list of places.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::kernels::Zero;
use super::super::kernels::linear::Mode;
use super::super::kernels::nest::{Loop, Nest};
use super::super::kernels::places::Signs;
use super::super::kernels::script::MOST_TERMS;
use super::super::lanes::{Span, Uniforms};
use super::super::windows::{self, Chain, Home, List, Map, Step, Terms, Window, WindowCode};
use super::classes::Classes;
use super::fuse::{Code, Fused};
use super::narrow;
use super::roll::Region;
use super::script::MOST_ROWS;
use super::{adjoint, emit};
use crate::op::Op;

/// The loops of one sum of products, kept for the reverse pass.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) firsts: [u32; 3],
    pub(super) loops: Loops,
}

/// The loops of a nest: two over rows, one of additions.
pub(super) type Loops = SmallVec<[Loop; 3]>;

impl Product {
    /// The adjoint of one factor: X and that factor exchange their roles.
    pub(super) fn adjoint(&self, factor: usize) -> Self {
        let loops = self.loops.iter().map(|l| Loop { count: l.count, steps: exchange(l.steps, factor) }).collect();
        Self { firsts: exchange(self.firsts, factor), loops }
    }
}

/// X and a factor in each other's role; the adjoints of X stand before the other factor.
fn exchange<T>([x, y, z]: [T; 3], factor: usize) -> [T; 3] {
    if factor == 1 { [y, x, z] } else { [z, x, y] }
}

/// A step, with what its adjoint is made from.
#[derive(Clone, Debug)]
pub(super) enum Made {
    Map(Map),
    Nest { product: Product, minus: bool },
    Terms(Terms),
    Chain(Chain),
    List(List),
    Region { number: u32, out: u32 },
}

/// Emits the forward steps; also returns what each is made from.
///
/// Without `loops`, every sum becomes a list of terms.
pub(super) fn forward(fused: &Fused, classes: &Classes, loops: bool) -> (WindowCode, Vec<Made>) {
    let code = WindowCode {
        len: classes.len,
        inputs: classes.inputs.clone(),
        parameters: classes.parameters.clone(),
        one: classes.one,
        zero: classes.zero,
        ..WindowCode::default()
    };
    let mut emitter = Emitter { code, made: vec![], fused, classes, loops, table: vec![], columns: Default::default() };
    for members in classes.iter() {
        match fused.code[members[0] as usize] {
            Code::Leaf | Code::Rolled => {}
            Code::Linear(zero) => emitter.linear(zero, members),
            Code::Map(op) => emitter.map(fused.ops[op], members),
            Code::List(op) => {
                let len = fused.operands(members[0] as usize).len();
                let at_once = (MOST_OPERANDS / len.max(1)).max(1);
                members.chunks(at_once).for_each(|some| emitter.list(fused.ops[op], some, len));
            }
            Code::Region(number) => {
                let out = emitter.slot(members[0]);
                emitter.push(Step::Region(number), Made::Region { number, out });
            }
        }
    }
    let Emitter { mut code, mut made, .. } = emitter;
    for (step, made) in code.forward.iter_mut().zip(&mut made) {
        if let Step::List(list) = step
            && let Window::List(span) = list.operands
        {
            let places = &code.places[span.range()];
            if affine(places) == Some(1) {
                list.operands = Window::Affine { first: places[0], step: 1 };
            }
            code.scratch = code.scratch.max(list.scratch(places.len()));
            list.kept = code.spread;
            code.spread += narrow(list.room(places.len()));
            *made = Made::List(*list);
        }
    }
    code.outputs = fused.outputs.iter().map(|&slot| classes.slots[slot as usize]).collect();
    (code, made)
}

/// Emits the code of a region; `wanted` says of which of the program's slots the adjoint is wanted.
pub(super) fn region(
    region: Region,
    classes: &Classes,
    code: &mut WindowCode,
    wanted: impl Fn(u32) -> bool,
) -> windows::Region {
    let Region { mut body, columns, lanes, sum, tail, .. } = region;
    body.shared.iter_mut().for_each(|(slot, adjoint)| *adjoint &= wanted(*slot));
    let columns: Vec<(Vec<u32>, bool)> = columns
        .into_iter()
        .map(|slots| {
            let wanted = slots.iter().any(|&slot| wanted(slot));
            (slots.into_iter().map(|slot| classes.slots[slot as usize]).collect(), wanted)
        })
        .collect();
    let (schedule, mut lane_code) = emit::forward(&body);
    adjoint::reverse(&mut lane_code, &body, &schedule, |column| columns[column].1);
    let mut follows = vec![false; columns.len()];
    for (follows, pair) in follows.iter_mut().skip(1).zip(columns.windows(2)) {
        let neighbours = |(&before, &place): (&u32, &u32)| before + 1 == place;
        *follows = pair[0].1 == pair[1].1 && pair[0].0.iter().zip(&pair[1].0).all(neighbours);
    }
    let window = |places: Vec<u32>, code: &mut WindowCode| match affine(&places) {
        Some(step) => Window::Affine { first: places[0], step },
        None => Window::List(code.push_places(places)),
    };
    let columns: Vec<windows::Column> = (columns.into_iter().zip(follows))
        .map(|((places, adjoint), follows)| windows::Column {
            window: window(places, code),
            follows,
            adjoint,
            home: Home::Values,
        })
        .collect();
    windows::Region {
        code: lane_code,
        lanes: narrow(lanes),
        table: table(&columns),
        columns,
        shared: Uniforms::new(body.shared.iter().map(|&(slot, wanted)| (classes.slots[slot as usize], wanted))),
        sum: classes.slots[sum as usize],
        tail,
        is_first: false,
    }
}

/// The longest run of columns that follow each other, if the lanes go on by steps.
fn table(columns: &[windows::Column]) -> Range<u32> {
    let goes_on = |window: Window| matches!(window, Window::Affine { step: 2.., .. });
    let (mut longest, mut start) = (0..0, 0);
    for (row, column) in (0..).zip(columns) {
        if !column.follows {
            start = row;
        }
        if goes_on(column.window) && row + 1 - start > narrow(longest.len()) {
            longest = start..row + 1;
        }
    }
    longest
}

/// How many operands of lists are spread out at once, at most, apart from a single longer list.
const MOST_OPERANDS: usize = 1 << 10;

/// What a nest costs, beside terms in lists, which cost about 1 each.
const NEST: usize = 12;
/// What a line of a script costs.
const LINE: usize = 3;
/// The fewest neighbours, or terms of a dot, that a line computes.
const FEWEST: usize = 3;
/// The fewest terms for which it pays to leave a list, that what follows may go on with.
const WORTH_LINES: usize = 12;

struct Emitter<'c> {
    code: WindowCode,
    made: Vec<Made>,
    fused: &'c Fused,
    classes: &'c Classes,
    loops: bool,
    /// The table of a class of sums, row after row, and the columns of one of maps.
    table: Vec<(u32, u32)>,
    columns: [Vec<u32>; 3],
}

/// Columns of a table, by number.
type Columns = SmallVec<[usize; 8]>;
type Blocks = SmallVec<[Block; 4]>;

/// Rows of a table that go on by constant steps: `outer` times `inner` of them.
#[derive(Clone, Copy, Debug)]
struct Block {
    row: usize,
    outer: usize,
    inner: usize,
}

impl Emitter<'_> {
    fn slot(&self, slot: u32) -> u32 {
        self.classes.slots[slot as usize]
    }

    fn push(&mut self, step: Step, made: Made) {
        self.code.forward.push(step);
        self.made.push(made);
    }

    /// Lists of `len` operands, one after the other; short ones that do not read each other are one step.
    fn list(&mut self, op: Op, members: &[u32], len: usize) {
        let (mut first, mut out, mut ends) = (self.code.places.len(), self.slot(members[0]), self.code.ends.len());
        if let Some(Step::List(last)) = self.code.forward.last()
            && let Window::List(places) = last.operands
            && last.op == op
            && places.range().end == first
            && places.range().len() + len * members.len() <= MOST_OPERANDS
            && self.read_before(members, last.out)
        {
            (first, out, ends) = (places.range().start, last.out, last.ends.range().start);
            self.code.forward.pop();
            self.made.pop();
        }
        for &member in members {
            let operands = self.fused.operands(member as usize).iter();
            self.code.places.extend(operands.map(|&slot| self.classes.slots[slot as usize]));
            self.code.ends.push(narrow(self.code.places.len() - first));
        }
        let operands = Window::List(Span::new(first, self.code.places.len()));
        let list = List { op, out, operands, ends: Span::new(ends, self.code.ends.len()), kept: 0 };
        self.push(Step::List(list), Made::List(list));
    }

    /// Whether everything that some slots read lies before `slot`.
    fn read_before(&self, members: &[u32], slot: u32) -> bool {
        let mut operands = members.iter().flat_map(|&member| self.fused.operands(member as usize));
        operands.all(|&operand| self.slot(operand) < slot)
    }

    /// An operation element by element: in runs where that makes few, else by lists of places.
    fn map(&mut self, op: Op, members: &[u32]) {
        let arity = self.fused.operands(members[0] as usize).len();
        let rows = members.len();
        let mut columns = std::mem::take(&mut self.columns);
        for (place, column) in columns[..arity].iter_mut().enumerate() {
            column.clear();
            column.extend(members.iter().map(|&m| self.slot(self.fused.operands(m as usize)[place])));
        }
        let runs = runs(rows, |row, next| {
            let mut steps = [0; 3];
            steps.iter_mut().zip(&columns[..arity]).for_each(|(step, c)| *step = difference(c[row], c[next]));
            steps
        });
        let pieces = if runs.len() <= 1 + rows / 16 { runs } else { SmallVec::from_iter([(0, rows)]) };
        for (start, count) in pieces {
            let mut operands = [Window::Affine { first: 0, step: 0 }; 3];
            for (window, column) in operands.iter_mut().zip(&columns[..arity]) {
                let places = &column[start..start + count];
                *window = match affine(places) {
                    Some(step) => Window::Affine { first: places[0], step },
                    None => Window::List(self.code.push_places(places.iter().copied())),
                };
            }
            let out = self.slot(members[start]);
            let arity = u8::try_from(arity).expect("three operands at most");
            let count = narrow(count);
            let mut map = Map { op, out, count, row: count, arity, operands, spread: self.code.spread };
            if let Some(Step::Map(last)) = self.code.forward.last()
                && let Some(both) = self.with_row(last, &map)
            {
                self.code.forward.pop();
                self.made.pop();
                map = both;
            }
            self.code.spread += map.room();
            self.code.scratch = self.code.scratch.max((map.count as usize).next_multiple_of(8));
            self.push(Step::Map(map), Made::Map(map));
        }
        self.columns = columns;
    }

    /// Two maps as one, if the second is one more row: what fills the last register of each row is of nothing, and what is
    /// one number for a row is the next for the next.
    fn with_row(&self, last: &Map, next: &Map) -> Option<Map> {
        let (rows, row) = (last.rows(), last.row_step());
        let by = rows * row;
        let goes_on = last.op == next.op && last.row == next.row && next.rows() == 1;
        if !(goes_on && last.out + by == next.out && self.fills_row(last.out + last.count, next.out)) {
            return None;
        }
        let mut both = Map { count: by + next.count, ..*last };
        for (window, second) in both.operands.iter_mut().zip(&next.operands) {
            *window = match (*window, *second) {
                (Window::Affine { first, step: 1 }, Window::Affine { first: second, step: 1 })
                    if first + by == second && self.fills_row(first + last.count, second) =>
                {
                    Window::Affine { first, step: 1 }
                }
                (Window::Affine { first, step: 0 }, Window::Affine { first: second, step: 0 }) => match rows {
                    _ if first == second => Window::Affine { first, step: 0 },
                    1 if first + 1 == second => Window::EachRow { first, row },
                    _ => return None,
                },
                (Window::EachRow { first, .. }, Window::Affine { first: second, step: 0 })
                    if first + rows == second =>
                {
                    Window::EachRow { first, row }
                }
                _ => return None,
            };
        }
        Some(both)
    }

    /// Whether a row that ends before another is followed by it, or by nothing before it.
    fn fills_row(&self, end: u32, next: u32) -> bool {
        end == next || self.classes.padding.has(&(end..next))
    }

    fn linear(&mut self, zero: Zero, members: &[u32]) {
        let one = self.classes.one;
        let mut table = std::mem::take(&mut self.table);
        table.clear();
        for &member in members {
            table.extend(self.fused.terms(member as usize).iter().map(|term| {
                let (a, b) = term.factors();
                (self.slot(a), b.map_or(one, |b| self.slot(b)))
            }));
        }
        let terms = self.fused.terms(members[0] as usize);
        let plus = terms.iter().take_while(|term| !term.minus()).count();
        let out = self.slot(members[0]);
        let class = Table { factors: &table, rows: members.len(), columns: terms.len(), plus, out, zero };
        if table.len() <= 3 || !self.loops {
            self.all_terms(&class);
        } else {
            self.sums(&class);
        }
        self.table = table;
    }

    /// Emits a class of sums in the cheapest of three ways: loops, lists of terms, or regular columns as loops.
    fn sums(&mut self, class: &Table<'_>) {
        let all: Columns = (0..class.columns).collect();
        let blocks = class.blocks(&all);
        let terms = class.factors.len();
        let loops_cost = class.nests_cost(&blocks, &all) + terms / 4;
        let (regular, odd): (Columns, Columns) = all.iter().copied().partition(|&k| class.is_regular(k));
        let whole = [Block { row: 0, outer: 1, inner: class.rows }];
        let mixed_cost = if regular.is_empty() || odd.is_empty() {
            usize::MAX
        } else {
            class.nests_cost(&whole, &regular) + 5 + class.rows * (regular.len() + 5 * odd.len()) / 4
        };
        let list_cost = 5 + terms * 5 / 4;
        if loops_cost <= list_cost && loops_cost <= mixed_cost {
            self.nests(class, &blocks, &all);
        } else if mixed_cost < list_cost {
            self.nests(class, &whole, &regular);
            let pairs = (0..class.rows).flat_map(|row| odd.iter().map(move |&k| class.at(row, k)));
            let plus = odd.iter().filter(|&&k| k < class.plus).count();
            self.terms(class, pairs, (plus, odd.len() - plus), Mode::Add);
        } else {
            self.all_terms(class);
        }
    }

    /// Emits a class as a list of terms.
    fn all_terms(&mut self, class: &Table<'_>) {
        let signs = (class.plus, class.columns - class.plus);
        self.terms(class, class.factors.iter().copied(), signs, Mode::Store);
    }

    /// Emits a list of terms, for each row so many to add and to subtract.
    fn terms(
        &mut self,
        class: &Table<'_>,
        pairs: impl Iterator<Item = (u32, u32)>,
        (plus, minus): (usize, usize),
        mode: Mode,
    ) {
        let start = self.code.pairs.len();
        let list = self.code.push_pairs(pairs);
        let (rows, signs) = (narrow(class.rows), Signs { plus: narrow(plus), minus: narrow(minus) });
        // What follows a list of the same shape goes on with it.
        if let (Some(Step::Terms(last)), Some(Made::Terms(made))) = (self.code.forward.last_mut(), self.made.last_mut())
            && (last.signs, last.mode, last.zero) == (signs, mode, class.zero)
            && last.out + last.count == class.out
            && mode == Mode::Store
            && last.list.range().end == start
        {
            last.count += rows;
            last.list = super::super::lanes::Span::new(last.list.range().start, list.range().end);
            *made = *last;
            return;
        }
        let terms = Terms { out: class.out, count: rows, signs, list, mode, zero: class.zero };
        self.push(Step::Terms(terms), Made::Terms(terms));
    }

    /// Emits some columns as loops over blocks of rows.
    fn nests(&mut self, class: &Table<'_>, blocks: &[Block], columns: &[usize]) {
        for &block in blocks {
            let mut runs: SmallVec<[(usize, usize, Steps); 4]> = SmallVec::new();
            class.each_run(block, columns, |k, count, steps| runs.push((k, count, steps)));
            // What goes on from row to row can be cut where the rows of the others end.
            runs.sort_by_key(|&(k, ..)| class.goes_on(block, columns[k]));
            let mut mode = Mode::Store;
            for (k, count, steps) in runs {
                let out = class.out + narrow(block.row);
                let first = class.at(block.row, columns[k]);
                let (inner, outer) = class.steps(block, columns[k]);
                let loops = Loops::from([
                    Loop { count: narrow(block.inner), steps: [1, inner.0, inner.1] },
                    Loop {
                        count: narrow(block.outer),
                        steps: [i32::try_from(block.inner).expect("a 32-bit step"), outer.0, outer.1],
                    },
                    Loop { count: narrow(count), steps: [0, steps.0, steps.1] },
                ]);
                let product = Product { firsts: [out, first.0, first.1], loops };
                let nest = Nest::new(product.firsts, &product.loops);
                let minus = columns[k] >= class.plus;
                let homes = [Home::Values; 2];
                let step = Step::Nest { nest, out, mode, minus, zero: class.zero, homes };
                self.push(step, Made::Nest { product, minus });
                mode = Mode::Add;
            }
        }
    }
}

/// The factors of a class of sums: a row for each member, a column for each term.
#[derive(Clone, Copy)]
struct Table<'t> {
    factors: &'t [(u32, u32)],
    rows: usize,
    columns: usize,
    /// How many columns are added; the others are subtracted.
    plus: usize,
    /// The slot of the first member.
    out: u32,
    /// What zero times infinity is in the products.
    zero: Zero,
}

/// Steps of the two factors.
type Steps = (i32, i32);

impl Table<'_> {
    fn at(&self, row: usize, column: usize) -> (u32, u32) {
        self.factors[row * self.columns + column]
    }

    /// From one place to another, for both factors.
    fn between(&self, from: (usize, usize), to: (usize, usize)) -> Steps {
        let (a, b) = (self.at(from.0, from.1), self.at(to.0, to.1));
        (difference(a.0, b.0), difference(a.1, b.1))
    }

    fn is_regular(&self, column: usize) -> bool {
        let step = |row: usize| self.between((row, column), (row + 1, column));
        (1..self.rows.saturating_sub(1)).all(|row| step(row) == step(0))
    }

    /// Whether all columns go from `from` to `from + 1` as from `to` to `to + 1`, or by `by` rows.
    fn same_step(&self, columns: &[usize], from: usize, to: usize, by: usize) -> bool {
        columns.iter().all(|&k| self.between((from, k), (from + by, k)) == self.between((to, k), (to + by, k)))
    }

    /// The rows as runs of constant steps, runs of the same shape together.
    fn blocks(&self, columns: &[usize]) -> Blocks {
        let mut runs = Blocks::new();
        let mut row = 0;
        while row < self.rows {
            let mut end = row + 1;
            while end < self.rows && self.same_step(columns, row, end - 1, 1) {
                end += 1;
            }
            runs.push(Block { row, outer: 1, inner: end - row });
            row = end;
        }
        let mut blocks = Blocks::new();
        for run in runs {
            if let Some(block) = blocks.last_mut()
                && block.inner == run.inner
                && (run.inner == 1 || self.same_step(columns, block.row, run.row, 1))
                && (block.outer == 1 || self.same_step(columns, block.row, run.row - run.inner, run.inner))
            {
                block.outer += 1;
            } else {
                blocks.push(run);
            }
        }
        blocks
    }

    /// The steps of a column within a block.
    fn steps(&self, block: Block, column: usize) -> (Steps, Steps) {
        let by = |rows: usize, many: usize| {
            if many > 1 { self.between((block.row, column), (block.row + rows, column)) } else { (0, 0) }
        };
        (by(1, block.inner), by(block.inner, block.outer))
    }

    /// Whether a column goes on from row to row by the same steps where the outer loop of a block goes on.
    fn goes_on(&self, block: Block, column: usize) -> bool {
        let (inner, outer) = self.steps(block, column);
        let many = i64::try_from(block.inner).expect("fewer than 2⁶³ rows");
        let ends = |step: i32| i64::from(step) * many;
        block.outer > 1 && (ends(inner.0), ends(inner.1)) == (outer.0.into(), outer.1.into())
    }

    /// Calls `visit` with runs of columns of equal steps that go on by constant steps: the first, how many, the steps.
    fn each_run(&self, block: Block, columns: &[usize], mut visit: impl FnMut(usize, usize, Steps)) {
        let mut k = 0;
        while k < columns.len() {
            let across = |k: usize| self.between((block.row, columns[k]), (block.row, columns[k + 1]));
            let alike = |next: usize| {
                (columns[next] < self.plus) == (columns[k] < self.plus)
                    && self.steps(block, columns[next]) == self.steps(block, columns[k])
            };
            let mut end = k + 1;
            while end < columns.len() && alike(end) && across(end - 1) == across(k) {
                end += 1;
            }
            // One that stands alone does not take the first of a longer run.
            let begins_longer = |k: usize| k + 2 < columns.len() && alike(k + 2) && across(k) == across(k + 1);
            if end == k + 2 && end < columns.len() && alike(end) && begins_longer(k + 1) {
                end = k + 1;
            }
            visit(k, end - k, if end - k > 1 { across(k) } else { (0, 0) });
            k = end;
        }
    }

    /// What some columns cost as loops, apart from their terms.
    fn nests_cost(&self, blocks: &[Block], columns: &[usize]) -> usize {
        let mut cost = 0;
        for &block in blocks {
            self.each_run(block, columns, |_, count, across| cost += self.nest_cost(block, count, across));
        }
        cost
    }

    /// What `count` columns cost: if they are likely to become a few lines of a script, less than a nest.
    fn nest_cost(&self, block: Block, count: usize, across: Steps) -> usize {
        let is_dot = block.inner < FEWEST;
        let rows = if is_dot { block.outer * block.inner } else { block.outer };
        let neighbours = |step: i32| (0..=1).contains(&step);
        let short =
            if is_dot { count >= FEWEST && neighbours(across.0) && neighbours(across.1) } else { count <= MOST_TERMS };
        if short && rows <= MOST_ROWS as usize && self.factors.len() >= WORTH_LINES { LINE * rows } else { NEST }
    }
}

/// Runs of rows over which every column goes on by its own constant step.
fn runs(rows: usize, step: impl Fn(usize, usize) -> [i32; 3]) -> SmallVec<[(usize, usize); 4]> {
    let mut runs = SmallVec::new();
    let mut start = 0;
    while start < rows {
        let mut end = start + 1;
        if end < rows {
            let first = step(start, end);
            end += 1;
            while end < rows && step(end - 1, end) == first {
                end += 1;
            }
        }
        runs.push((start, end - start));
        start = end;
    }
    runs
}

/// The step of places that go on by one, 0 for one place.
fn affine(places: &[u32]) -> Option<i32> {
    let step = places.get(1).map_or(0, |&second| difference(places[0], second));
    places.windows(2).all(|pair| difference(pair[0], pair[1]) == step).then_some(step)
}

/// What leads from one place to another.
fn difference(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}
