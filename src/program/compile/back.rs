//! Back: the reverse steps of window code.
//!
//! Every step gives the adjoints of what it read. The first to write an adjoint stores it where that can be known for
//! all numbers of a window; what some step adds to before is zeroed at the start.

use super::super::kernels::linear::Mode;
use super::super::kernels::nest::Nest;
use super::super::kernels::places::{Pair, Signs};
use super::super::windows::{Back, Factors, Home, Map, Terms, Window, WindowCode};
use super::classes::Padding;
use super::late::{Late, When};
use super::narrow;
use super::windows::{Made, Product};

/// Emits the reverse steps; `needs` says of which leaves the adjoint is wanted.
pub(super) fn reverse(code: &mut WindowCode, made: &[Made], mut needs: Vec<bool>, late: &Late, padding: &Padding) {
    let len = code.len as usize;
    let parameters = code.parameters.start as usize..code.parameters.end as usize;
    for made in made {
        spread_needs(code, made, &mut needs);
    }
    let (written, zeros) = (vec![false; len], vec![false; len]);
    let mut planner = Planner { code, padding, needs, written, zeros, back: vec![], places: vec![] };
    for output in 0..planner.code.outputs.len() {
        let slot = planner.code.outputs[output] as usize;
        (planner.written[slot], planner.zeros[slot]) = (true, true);
    }
    for number in 0..planner.code.regions.len() {
        if planner.code.regions[number].tail.is_some() {
            let places = planner.places_of_region(number);
            planner.mode(&places, false);
        }
    }
    made.iter().enumerate().rev().for_each(|(number, made)| planner.step(number, made, late));
    for slot in 0..parameters.end {
        planner.zeros[slot] |= planner.needs[slot] && !planner.written[slot];
    }
    let mut zeros: Vec<(u32, u32)> = Vec::new();
    for (slot, _) in (0..).zip(&planner.zeros).filter(|(_, zero)| **zero) {
        match zeros.last_mut() {
            Some((_, end)) if *end == slot => *end += 1,
            _ => zeros.push((slot, slot + 1)),
        }
    }
    let back = planner.back;
    code.reverse = back;
    code.zeros = zeros;
}

/// Marks the results of a step when an adjoint of what it reads is needed.
fn spread_needs(code: &WindowCode, made: &Made, needs: &mut [bool]) {
    match made {
        Made::Map(map) => {
            let (before, results) = needs.split_at_mut(map.out as usize);
            let results = &mut results[..map.count as usize];
            for &window in &map.operands[..map.arity as usize] {
                match window {
                    Window::Affine { first, step: 1 } => {
                        results
                            .iter_mut()
                            .zip(&before[first as usize..])
                            .for_each(|(result, &needed)| *result |= needed);
                    }
                    Window::Affine { first, step: 0 } => {
                        let needed = before[first as usize];
                        for result in &mut *results {
                            *result |= needed;
                        }
                    }
                    _ => (0..).zip(results.iter_mut()).for_each(|(m, result)| *result |= before[code.place(window, m)]),
                }
            }
        }
        Made::Nest { product, .. } => {
            // A member of a class is like the others: what one needs, all may have.
            let needed = [1, 2].into_iter().any(|factor| {
                let mut any = false;
                each_place(product, factor, |place| any |= needs[place as usize]);
                any
            });
            if needed {
                each_place(product, 0, |place| needs[place as usize] = true);
            }
        }
        Made::Terms(terms) => {
            let per = terms.signs.count();
            let pairs = &code.pairs[terms.list.range()];
            for m in 0..terms.count as usize {
                let mut factors = pairs[m * per..][..per].iter().flat_map(|&(a, b)| [a, b]);
                needs[terms.out as usize + m] |= factors.any(|factor| needs[factor as usize]);
            }
        }
        Made::Chain(chain) => {
            let links = code.places[chain.list.range()].as_chunks::<2>().0;
            let mut needed = needs[chain.first as usize];
            for (slot, link) in (chain.out as usize..).zip(links) {
                needed |= link.iter().any(|&place| needs[place as usize]);
                needs[slot] |= needed;
            }
        }
        Made::Region { number, out } => {
            let region = &code.regions[*number as usize];
            needs[*out as usize] |=
                region.columns.iter().any(|column| column.adjoint) || region.shared.runs().iter().any(|run| run.wanted);
        }
        Made::List(list) => {
            for (out, own) in (list.out as usize..).zip(code.lists(list)) {
                needs[out] |= own.into_iter().any(|m| needs[code.place(list.operands, m)]);
            }
        }
    }
}

/// The place of a number of a window.
pub(super) fn place(code: &WindowCode, window: Window, m: u32) -> u32 {
    u32::try_from(code.place(window, m as usize)).expect("fewer than 2³² slots")
}

/// Calls `visit` with the places of one factor; loops in which it stands still run once.
fn each_place(product: &Product, factor: usize, mut visit: impl FnMut(u32)) {
    let at = |place: usize| product.loops.get(place).map_or((1, 0), |l| (l.count, l.steps[factor]));
    let moving = |(count, step): (u32, i32)| if step == 0 { (1, 0) } else { (count, step) };
    let [(c0, s0), (c1, s1), (c2, s2)] = [0, 1, 2].map(|place| moving(at(place)));
    for i in 0..c0.cast_signed() {
        for j in 0..c1.cast_signed() {
            for k in 0..c2.cast_signed() {
                let by = i.wrapping_mul(s0).wrapping_add(j.wrapping_mul(s1)).wrapping_add(k.wrapping_mul(s2));
                visit(product.firsts[factor].wrapping_add_signed(by));
            }
        }
    }
}

struct Planner<'c> {
    code: &'c mut WindowCode,
    padding: &'c Padding,
    needs: Vec<bool>,
    written: Vec<bool>,
    zeros: Vec<bool>,
    back: Vec<Back>,
    /// The places that a nest writes.
    places: Vec<u32>,
}

impl Planner<'_> {
    /// How the places are written next, if the first writer may store: only when none was written, and none is twice.
    fn mode(&mut self, places: &[u32], may_store: bool) -> Mode {
        let fresh = may_store && places.iter().all(|&place| !self.written[place as usize]);
        let mut twice = false;
        for &place in places {
            let written = std::mem::replace(&mut self.written[place as usize], true);
            twice |= fresh && written;
            if !fresh && !written {
                self.zeros[place as usize] = true;
            }
        }
        if twice {
            for &place in places {
                self.zeros[place as usize] = true;
            }
        }
        if fresh && !twice { Mode::Store } else { Mode::Add }
    }

    fn any_needed(&self, places: &[u32]) -> bool {
        places.iter().any(|&place| self.needs[place as usize])
    }

    fn step(&mut self, number: usize, step: &Made, late: &Late) {
        match step {
            Made::Map(map) => {
                for operand in 0..map.arity {
                    let window = map.operands[operand as usize];
                    let places = self.places_of_operand(map, window);
                    if self.any_needed(&places) {
                        let all = map.count as usize == places.len();
                        let may_store = !matches!(window, Window::List(_)) && (map.count > 2 || all);
                        let mode = self.mode(&places, may_store);
                        self.back.push(Back::Map { map: *map, place: operand, mode });
                    }
                }
            }
            Made::Nest { product, minus } => {
                for factor in [1, 2] {
                    match late.when(number, factor) {
                        When::Now => self.nest(&product.adjoint(factor), *minus),
                        When::Later => {}
                        When::Together(product) => self.nest(product, *minus),
                    }
                }
            }
            Made::Terms(terms) => {
                let factors = self.factors(terms);
                let mut places: Vec<u32> = self.code.pairs[factors.list.range()].iter().map(|&(to, _)| to).collect();
                factors.summands.iter().for_each(|span| places.extend(&self.code.places[span.range()]));
                if self.any_needed(&places) {
                    self.mode(&places, false);
                    self.own_results(terms.out..terms.out + terms.count);
                    self.back.push(Back::Factors(factors));
                }
            }
            Made::Chain(chain) => {
                let mut chain = *chain;
                let mut places = self.code.places[chain.list.range()].to_vec();
                places.push(chain.first);
                let last = chain.out + chain.count - 1;
                if self.needs[last as usize] {
                    self.mode(&places, false);
                    chain.private = (chain.out..last).all(|slot| !self.written[slot as usize]);
                    self.own_results(if chain.private { last..last + 1 } else { chain.out..last + 1 });
                    self.back.push(Back::Chain(chain));
                }
            }
            Made::Region { number, .. } => {
                if self.code.regions[*number as usize].tail.is_none() {
                    let places = self.places_of_region(*number as usize);
                    self.mode(&places, false);
                    self.back.push(Back::Region(*number));
                }
            }
            Made::List(list) => {
                let places: Vec<u32> =
                    (0..self.code.operand_count(list)).map(|m| place(self.code, list.operands, m)).collect();
                if self.any_needed(&places) {
                    let mode = self.mode(&places, matches!(list.operands, Window::Affine { .. }));
                    self.back.push(Back::List { list: *list, mode });
                }
            }
        }
    }

    /// The places of an operand: each number once, and nothing of what is of nothing.
    fn places_of_operand(&self, map: &Map, window: Window) -> Vec<u32> {
        let has_padding = map.rows() > 1 && map.row < map.row_step();
        match window {
            Window::Affine { first, step: 0 } => vec![first],
            Window::Affine { first, step: 1 } if !has_padding => (first..first + map.count).collect(),
            Window::EachRow { first, .. } => (first..first + map.rows()).collect(),
            _ => (0..map.count)
                .map(|m| place(self.code, window, m))
                .filter(|&place| !(has_padding && self.padding.has_one(place)))
                .collect(),
        }
    }

    /// The factors of sums whose adjoints are needed; where a sum has fewer of them than another, zeros fill the list.
    fn factors(&mut self, terms: &Terms) -> Factors {
        let WindowCode { one, zero, .. } = *self.code;
        let needs = &self.needs;
        let pairs = &self.code.pairs[terms.list.range()];
        let rows = || {
            let rows = pairs.chunks_exact(terms.signs.count().max(1));
            rows.map(|row| <[&[Pair]; 2]>::from(row.split_at(terms.signs.plus as usize)))
        };
        let mut summands = [vec![], vec![]];
        let mut most = [0, 0];
        for row in rows() {
            for ((pairs, most), summands) in row.into_iter().zip(&mut most).zip(&mut summands) {
                let mut count = 0;
                for &(a, b) in pairs {
                    if terms.count == 1 && b == one {
                        summands.extend(needs[a as usize].then_some(a));
                    } else {
                        count += usize::from(needs[a as usize]) + usize::from(needs[b as usize]);
                    }
                }
                *most = count.max(*most);
            }
        }
        let mut list: Vec<Pair> = Vec::with_capacity((most[0] + most[1]) * terms.count as usize);
        for row in rows() {
            for (pairs, most) in row.into_iter().zip(most) {
                let end = list.len() + most;
                for &(a, b) in pairs.iter().filter(|(_, b)| terms.count > 1 || *b != one) {
                    list.extend(needs[a as usize].then_some((a, b)));
                    list.extend(needs[b as usize].then_some((b, a)));
                }
                list.resize(end, (zero, zero));
            }
        }
        Factors {
            out: terms.out,
            count: terms.count,
            signs: Signs { plus: narrow(most[0]), minus: narrow(most[1]) },
            list: self.code.push_pairs(list),
            summands: summands.map(|summands| self.code.push_places(summands)),
        }
    }

    /// A nest whose second factor are adjoints.
    fn nest(&mut self, product: &Product, minus: bool) {
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        each_place(product, 0, |place| places.push(place));
        if self.any_needed(&places) {
            let mut split = u32::MAX;
            each_place(product, 1, |place| split = split.min(place));
            let mode = self.mode(&places, true);
            let nest = Nest::new(product.firsts, &product.loops);
            self.back.push(Back::Nest { nest, split, mode, minus, home: Home::Values });
        }
        self.places = places;
    }

    /// The places whose adjoints a region adds to.
    fn places_of_region(&self, number: usize) -> Vec<u32> {
        let region = &self.code.regions[number];
        let columns = region.columns.iter().filter(|column| column.adjoint);
        let of_columns = columns.flat_map(|column| (0..region.lanes).map(|m| place(self.code, column.window, m)));
        let wanted = region.shared.runs().iter().filter(|run| run.wanted);
        let of_shared = wanted.flat_map(|run| run.slots.clone());
        of_columns.chain(of_shared).collect()
    }

    /// Results of a list of terms that only its own later results use are added to by it.
    fn own_results(&mut self, slots: std::ops::Range<u32>) {
        for slot in slots {
            if !std::mem::replace(&mut self.written[slot as usize], true) {
                self.zeros[slot as usize] = true;
            }
        }
    }
}
