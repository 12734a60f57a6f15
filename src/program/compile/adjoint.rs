//! Adjoint: the reverse steps of lane code.
//!
//! Sums are differentiated by gathering: the adjoint of a row is one sum over the adjoints of the sums that use it, and
//! for the rows of a dense layer it is the transposed product. Everything else scatters to its operands.

use super::super::kernels::Zero;
use super::super::kernels::linear::{Matrix, Mode};
use super::super::kernels::outer::Outer;
use super::super::lanes::{Back, Dense, LaneCode, Map, Operand, Step};
use super::body::{Body, BodyNode, Ref};
use super::emit::{Parts, matrix, matrix_prefix};
use super::schedule::{Schedule, for_each_operand};
use super::{first, partial};

/// Emits the reverse steps; `wanted` says of which columns the adjoint is wanted.
pub(super) fn reverse(code: &mut LaneCode, body: &Body, schedule: &Schedule, wanted: impl Fn(usize) -> bool) {
    let needs = needs_adjoint(body, schedule, wanted);
    let products = partial::known(body);
    let gathers = gathers(body, schedule, &needs, &products);
    let products = schedule.order.iter().map(|&node| products[node as usize].is_some()).collect();
    let rows = schedule.order.len();
    let (written, again) = (vec![false; rows], vec![false; rows]);
    let mut planner = Planner { code, needs, gathers, products, written, again, back: vec![], shared: &body.shared };
    planner.seeds();
    let steps = std::mem::take(&mut planner.code.forward);
    for step in steps.iter().rev() {
        planner.step(step, body, schedule);
    }
    planner.gather(0, planner.code.columns);
    for row in 0..planner.code.columns {
        if planner.needs[row as usize] && !planner.written[row as usize] {
            planner.back.push(Back::Zero { row });
        }
    }
    let mut back = planner.back;
    for back in &mut back {
        if let Back::Seed { row, alone, .. } = back {
            *alone = !planner.again[*row as usize];
        }
    }
    code.forward = steps;
    code.reverse = back;
    first::find(code);
}

/// Which rows an adjoint is needed of: those that depend on a wanted column or shared number.
fn needs_adjoint(body: &Body, schedule: &Schedule, wanted: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut needs = vec![false; schedule.order.len()];
    for (row, &node) in schedule.order.iter().enumerate() {
        let node = &body.nodes[node as usize];
        let mut any = matches!(node, BodyNode::Column) && wanted(row);
        for_each_operand(node, |operand| {
            any |= match operand {
                Ref::Own(node) => needs[schedule.rows[node as usize] as usize],
                Ref::Shared(place) => body.shared[place as usize].1,
            }
        });
        needs[row] = any;
    }
    needs
}

/// For each row the terms by which sums use it, and operations whose derivatives are known values.
fn gathers(body: &Body, schedule: &Schedule, needs: &[bool], known: &[Option<(u32, bool)>]) -> Vec<Parts> {
    let mut gathers = vec![Parts::default(); schedule.order.len()];
    let row = |node: u32| schedule.rows[node as usize];
    for (delta, &node) in (0..).zip(&schedule.order) {
        let terms = match &body.nodes[node as usize] {
            BodyNode::Linear(_, terms) => terms,
            BodyNode::Map(_, operands) => {
                if let (Some((partial, minus)), [Ref::Own(own)]) = (known[node as usize], &operands[..])
                    && needs[row(*own) as usize]
                {
                    gathers[row(*own) as usize].products[usize::from(minus)].push((row(partial), delta));
                }
                continue;
            }
            BodyNode::Column | BodyNode::List(..) => continue,
        };
        for &(a, b, minus) in terms {
            let sign = usize::from(minus);
            for (own, other) in [(Some(a), b), (b, Some(a))] {
                let Some(Ref::Own(own)) = own else { continue };
                let own = row(own) as usize;
                if !needs[own] {
                    continue;
                }
                match other {
                    None => gathers[own].rows[sign].push(delta),
                    Some(Ref::Shared(u)) => gathers[own].scaled[sign].push((u, delta)),
                    Some(Ref::Own(other)) => gathers[own].products[sign].push((row(other), delta)),
                }
            }
        }
    }
    gathers
}

struct Planner<'p> {
    code: &'p mut LaneCode,
    needs: Vec<bool>,
    gathers: Vec<Parts>,
    /// Which rows give their adjoint on as a product, as sums do.
    products: Vec<bool>,
    written: Vec<bool>,
    /// Which were written more than once.
    again: Vec<bool>,
    back: Vec<Back>,
    shared: &'p [(u32, bool)],
}

impl Planner<'_> {
    /// How a row is written next: the first writer stores.
    fn mode(&mut self, row: u32) -> Mode {
        let before = std::mem::replace(&mut self.written[row as usize], true);
        self.again[row as usize] |= before;
        if before { Mode::Add } else { Mode::Store }
    }

    /// How a run of rows that were all written, or all not, is written next.
    fn modes(&mut self, rows: std::ops::Range<u32>) -> Mode {
        let mut mode = Mode::Add;
        for row in rows {
            mode = self.mode(row);
        }
        mode
    }

    fn seeds(&mut self) {
        for (output, operand) in (0..).zip(self.code.outputs.clone()) {
            if let Operand::Rows(row) = operand
                && self.needs[row as usize]
            {
                let mode = self.mode(row);
                self.back.push(Back::Seed { row, output, mode, alone: false });
            }
        }
    }

    fn step(&mut self, step: &Step, body: &Body, schedule: &Schedule) {
        match step {
            Step::Sum { out, sum } => {
                self.gather(*out, out + 1);
                if self.is_live(*out) {
                    let BodyNode::Linear(_, terms) = &body.nodes[schedule.order[*out as usize] as usize] else {
                        return;
                    };
                    let mut parts = Parts::of(terms, &schedule.rows);
                    let shared = self.shared;
                    let wanted = |u: u32| shared[u as usize].1;
                    parts.scaled.iter_mut().for_each(|pairs| pairs.retain(|pair| wanted(pair.0)));
                    parts.shared.iter_mut().for_each(|places| places.retain(|&place| wanted(place)));
                    let any = parts.scaled.iter().any(|pairs| !pairs.is_empty())
                        || parts.shared.iter().any(|places| !places.is_empty())
                        || parts.shared_products.iter().any(|pairs| !pairs.is_empty());
                    if any {
                        let mut kept = *sum;
                        kept.scaled = parts.scaled.each_ref().map(|pairs| self.code.push_pairs(pairs));
                        kept.shared = parts.shared.each_ref().map(|places| self.code.push_singles(places));
                        self.back.push(Back::Shared { row: *out, sum: kept });
                    }
                }
            }
            Step::Dense(dense) => self.dense(dense),
            Step::Map(map) => self.map(map),
            Step::List(list) => {
                self.gather(list.out, list.out + 1);
                if self.is_live(list.out) {
                    let rows = self.code.singles(list.rows).to_vec();
                    let modes = rows
                        .iter()
                        .map(|&row| if self.needs[row as usize] { Some(self.mode(row)) } else { None })
                        .collect();
                    self.back.push(Back::List { list: *list, modes });
                }
            }
        }
    }

    /// Whether a row has an adjoint by now.
    fn is_live(&self, row: u32) -> bool {
        self.written[row as usize]
    }

    /// Whether the adjoint of any number of a shared matrix is wanted.
    fn is_wanted(&self, first: u32, steps: [i32; 2], shape: [u32; 2]) -> bool {
        let at = |place: u32, step: i32, count: u32| place.wrapping_add_signed(step.wrapping_mul(count.cast_signed()));
        (0..shape[0]).any(|row| {
            (0..shape[1]).any(|column| self.shared[at(at(first, steps[0], row), steps[1], column) as usize].1)
        })
    }

    fn dense(&mut self, dense: &Dense) {
        let [rows, columns] = dense.matrix.shape;
        self.gather(dense.out, dense.out + rows);
        // Rows without an adjoint have frozen parameters alone, for which any number will do.
        if !(dense.out..dense.out + rows).any(|row| self.is_live(row)) {
            return;
        }
        let Matrix { uniform, uniform_steps, y, y_step, .. } = dense.matrix;
        if self.is_wanted(uniform, uniform_steps, [rows, columns]) {
            let shape = [rows, columns];
            let outer = Outer { shape, uniform, uniform_steps, delta: dense.out, delta_step: 1, y, y_step };
            self.back.push(Back::Outer { outer, first: Mode::Add });
        }
        if let Some((shared, step)) = dense.bias
            && self.is_wanted(shared, [step, 0], [rows, 1])
        {
            self.back.push(Back::Bias { row: dense.out, count: rows, shared, step });
        }
    }

    fn map(&mut self, map: &Map) {
        self.gather(map.out, map.out + map.count);
        for single in self.split_by_life(map) {
            for (place, operand) in single.operands.iter().enumerate() {
                match *operand {
                    Operand::Shared(shared) => {
                        if self.shared[shared as usize].1 {
                            self.back.push(Back::MapShared { map: single.clone(), place, shared });
                        }
                    }
                    Operand::Rows(first) => self.map_rows(&single, place, first),
                }
            }
        }
    }

    /// The runs of rows of a map that have an adjoint, and give it on by a rule.
    fn split_by_life(&self, map: &Map) -> Vec<Map> {
        let rows: Vec<u32> = map.rows_of(map.out).collect();
        let by_rule = |row: u32| self.is_live(row) && !self.products[row as usize];
        rows.chunk_by(|&a, &b| by_rule(a) == by_rule(b))
            .filter(|run| by_rule(run[0]))
            .map(|run| part(map, run[0] - map.out, u32::try_from(run.len()).expect("a part of the rows")))
            .collect()
    }

    /// The adjoints of the rows that one operand of a map spans, in runs that are written alike.
    fn map_rows(&mut self, map: &Map, place: usize, first: u32) {
        let alike = |row: u32| (self.needs[row as usize], self.written[row as usize]);
        let rows: Vec<u32> = map.rows_of(first).collect();
        let runs: Vec<(u32, u32)> = rows
            .chunk_by(|&a, &b| alike(a) == alike(b))
            .filter(|run| self.needs[run[0] as usize])
            .map(|run| (run[0], u32::try_from(run.len()).expect("a part of the rows")))
            .collect();
        for (to, count) in runs {
            let mode = self.modes(to..to + count);
            self.back.push(Back::Map { map: part(map, to - first, count), place, to, mode });
        }
    }

    /// The adjoints of rows by the sums that use them.
    fn gather(&mut self, first: u32, end: u32) {
        let mut row = first;
        while row < end {
            let count = self.gather_dense(row, end);
            if count > 0 {
                row += count;
                continue;
            }
            let parts = std::mem::take(&mut self.gathers[row as usize]);
            if parts != Parts::default() {
                let sum = parts.store(Zero::Absorbs, self.code);
                let mode = self.mode(row);
                self.back.push(Back::Gather { row, sum, mode });
            }
            row += 1;
        }
    }

    /// Gathers as many rows as a transposed matrix serves, and says how many.
    fn gather_dense(&mut self, first: u32, end: u32) -> u32 {
        let range = first as usize..end as usize;
        let written = self.written[first as usize];
        let only_scaled = |parts: &Parts| {
            parts.scaled[0].len() >= 2
                && Parts { scaled: Default::default(), ..parts.clone() } == Parts::default()
                && parts.scaled[1].is_empty()
        };
        let lists: Vec<&[(u32, u32)]> = self.gathers[range.clone()]
            .iter()
            .zip(&self.written[range])
            .take_while(|(parts, own)| **own == written && only_scaled(parts))
            .map(|(parts, _)| parts.scaled[0].as_slice())
            .collect();
        let count = matrix_prefix(&lists);
        if count < 2 {
            return 0;
        }
        let matrix = matrix(&lists[..count]).expect("a prefix of a matrix is one");
        let count = matrix.shape[0];
        let mode = self.modes(first..first + count);
        self.back.push(Back::DenseRows { matrix, out: first, mode });
        (first..first + count).for_each(|row| self.gathers[row as usize] = Parts::default());
        count
    }
}

/// `count` rows of a map, from the one at `skip` on.
fn part(map: &Map, skip: u32, count: u32) -> Map {
    let operands = map.operands.iter().map(|&operand| match operand {
        Operand::Rows(first) => Operand::Rows(first + skip),
        shared @ Operand::Shared(_) => shared,
    });
    Map { op: map.op, out: map.out + skip, count, operands: operands.collect() }
}
