//! Roll: what a sum repeats becomes the lanes of one small program.
//!
//! The terms of a long sum are compared by the shape of what they are computed from. A stretch of terms that repeats
//! itself, one round after the other, is an axis of the user's loops: every round is a *lane*. A node belongs to the
//! lane that alone uses it; what several lanes use, they share. Lanes that compute the same, step by step, become a
//! region: a body that is run over all of them, whose own numbers never stand in memory all at once.
//!
//! Only the outermost axis is taken, since the longest sums are seen first.

use rustc_hash::FxHashMap;

use super::super::Program;
use super::body::{Body, BodyNode, Ref};
use super::fuse::{Code, Fused, Term};
use super::hash::{Ops, mix};

/// The fewest rounds that are worth a region.
const FEWEST: usize = 16;

/// A sum over lanes.
#[derive(Debug)]
pub(super) struct Region {
    /// What a lane computes; its output is what the lane adds.
    pub(super) body: Body,
    /// For each column of the body the slot that each lane reads.
    pub(super) columns: Vec<Vec<u32>>,
    pub(super) lanes: usize,
    /// The slot of the sum.
    pub(super) sum: u32,
    /// The computed slots that the lanes read.
    pub(super) reads: Vec<u32>,
    /// The adjoint of the sum as a linear form in the seeds of the outputs, if it is one.
    pub(super) tail: Option<Vec<(u32, f64)>>,
}

/// The first and the last lane that use a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Users {
    first: u32,
    last: u32,
}

impl Users {
    const NOBODY: Self = Self { first: u32::MAX, last: 0 };
    /// What is outside of all lanes.
    const OUTSIDE: Self = Self { first: 0, last: u32::MAX };

    fn lane(lane: u32) -> Self {
        Self { first: lane, last: lane }
    }

    fn and(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// The lane that alone uses it.
    fn owner(self) -> Option<u32> {
        (self.first == self.last).then_some(self.first)
    }
}

/// A stretch of the terms of a sum that repeats itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    /// The slot of the sum.
    sum: u32,
    /// The first term, how many terms a round has, and how many rounds there are.
    start: usize,
    period: usize,
    rounds: usize,
    /// The number of the first lane.
    lane: u32,
}

/// Finds regions and takes them out of the fused code.
pub(super) fn roll(program: &Program, fused: &mut Fused) -> Vec<Region> {
    let leaves = program.layout.len - program.steps.len();
    let has_long_sum = |slot: usize| fused.code[slot] == Code::Linear && fused.terms(slot).len() >= 2 * FEWEST;
    if !(leaves..program.layout.len).any(has_long_sum) {
        return vec![];
    }
    let shapes = shapes(program, fused, leaves);
    let mut axes = Axes { leaves, shapes, known: FxHashMap::default(), users: vec![], lanes: 0 };
    axes.find(program, fused);
    // What neighbouring lanes share makes one lane of them.
    for _ in 0..3 {
        if !axes.coarsen() {
            break;
        }
        axes.find(program, fused);
    }
    let stretches = axes.stretches();
    if stretches.is_empty() {
        return vec![];
    }
    let owners: Vec<u32> = axes.users.iter().map(|users| users.owner().unwrap_or(NOBODY)).collect();
    let lanes = Lanes::new(&owners, axes.lanes);
    let found: Vec<(Stretch, Vec<u32>)> =
        stretches.iter().filter_map(|&stretch| lanes.alike(stretch, fused).map(|alike| (stretch, alike))).collect();
    let mut regions: Vec<Region> =
        found.iter().map(|(stretch, alike)| lanes.region(program, fused, *stretch, alike)).collect();
    let mut number = 0;
    for of_one_sum in found.chunk_by(|a, b| a.0.sum == b.0.sum) {
        let sums: Vec<u32> = regions[number..][..of_one_sum.len()].iter().map(|region| region.sum).collect();
        lanes.take_out(fused, of_one_sum, &sums);
        for &sum in &sums {
            fused.code[sum as usize] = Code::Region(narrow(number));
            number += 1;
        }
    }
    for region in &mut regions {
        region.tail = tail(program, fused, region.sum);
    }
    regions
}

/// The search for axes: stretches of sums, and which of their lanes use what.
struct Axes {
    leaves: usize,
    shapes: Vec<u64>,
    /// The stretches of the sums that have been searched.
    known: FxHashMap<u32, Vec<Stretch>>,
    /// The lanes that use each computed slot.
    users: Vec<Users>,
    lanes: u32,
}

impl Axes {
    fn give(&mut self, slot: u32, users: Users) {
        if slot as usize >= self.leaves {
            self.users[slot as usize] = self.users[slot as usize].and(users);
        }
    }

    /// Numbers the lanes, and finds out which of them use each slot.
    fn find(&mut self, program: &Program, fused: &Fused) {
        self.users = vec![Users::NOBODY; program.layout.len];
        self.lanes = 0;
        program.outputs.iter().for_each(|&slot| self.give(slot, Users::OUTSIDE));
        for slot in (self.leaves..program.layout.len).rev() {
            let users = self.users[slot];
            match fused.code[slot] {
                Code::Leaf | Code::Absorbed | Code::Region(_) => {}
                Code::Map(_) | Code::List(_) => {
                    fused.operands(slot).iter().for_each(|&operand| self.give(operand, users));
                }
                Code::Linear => {
                    let terms = fused.terms(slot);
                    let mut done = 0;
                    // Inside a lane, and where several lanes meet, there is no other axis.
                    if users == Users::OUTSIDE && terms.len() >= 2 * FEWEST {
                        for stretch in self.search(slot, terms) {
                            self.use_terms(&terms[done..stretch.start], Users::OUTSIDE);
                            done = stretch.start;
                            for lane in stretch.lanes() {
                                self.use_terms(&terms[done..done + stretch.period], Users::lane(lane));
                                done += stretch.period;
                            }
                        }
                    }
                    self.use_terms(&terms[done..], users);
                }
            }
        }
    }

    fn use_terms(&mut self, terms: &[Term], users: Users) {
        for &term in terms {
            factors(term, |slot| self.give(slot, users));
        }
    }

    /// The stretches of a sum, with lanes numbered anew.
    fn search(&mut self, slot: usize, terms: &[Term]) -> Vec<Stretch> {
        let sum = narrow(slot);
        if !self.known.contains_key(&sum) {
            let mut words = Words::new(terms.iter().map(|&term| shape_of(term, &self.shapes)).collect());
            let mut found = Vec::new();
            let mut done = 0;
            while let Some((start, period, rounds)) = words.repetition(done) {
                found.push(Stretch { sum, start, period, rounds, lane: 0 });
                done = start + rounds * period;
            }
            self.known.insert(sum, found);
        }
        let found = self.known.get_mut(&sum).expect("it was searched");
        for stretch in &mut *found {
            stretch.lane = self.lanes;
            self.lanes += narrow(stretch.rounds);
        }
        found.clone()
    }

    /// Every stretch in use, those of a sum side by side.
    fn stretches(&self) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = self.known.values().flatten().copied().collect();
        stretches.sort_by_key(|stretch| (stretch.sum, stretch.start));
        stretches
    }

    /// Makes one round of several where they share what they alone use; says whether any changed.
    fn coarsen(&mut self) -> bool {
        let mut linked = vec![0_i32; self.lanes as usize + 1];
        let stretches = self.stretches();
        let mut of_lane = vec![0_u32; self.lanes as usize];
        for (number, stretch) in (0..).zip(&stretches) {
            stretch.lanes().for_each(|lane| of_lane[lane as usize] = number);
        }
        for users in &self.users[self.leaves..] {
            let (first, last) = (users.first as usize, users.last as usize);
            if first < last && last < of_lane.len() && of_lane[first] == of_lane[last] {
                let rounds = stretches[of_lane[first] as usize].rounds;
                if (last - first + 1) * FEWEST <= rounds {
                    linked[first] += 1;
                    linked[last] -= 1;
                }
            }
        }
        let mut depth = 0;
        let joined: Vec<bool> = linked
            .iter()
            .map(|change| {
                depth += change;
                depth > 0
            })
            .collect();
        let mut changed = false;
        for stretch in &stretches {
            let coarse = stretch.joined(&joined);
            if coarse != *stretch {
                changed = true;
                let all = self.known.get_mut(&stretch.sum).expect("a known sum");
                let own = all.iter_mut().find(|own| own.start == stretch.start).expect("a known stretch");
                *own = coarse;
            }
        }
        changed
    }
}

impl Stretch {
    fn lanes(&self) -> std::ops::Range<u32> {
        self.lane..self.lane + narrow(self.rounds)
    }

    /// The terms of a round.
    fn terms(self, lane: u32, fused: &Fused) -> &[Term] {
        let round = (lane - self.lane) as usize;
        &fused.terms(self.sum as usize)[self.start + round * self.period..][..self.period]
    }

    /// The stretch with joined rounds as one, if they are equally many again and again.
    fn joined(self, joined: &[bool]) -> Self {
        // The first lane of each group.
        let mut starts: Vec<u32> =
            self.lanes().filter(|&lane| lane == self.lane || !joined[lane as usize - 1]).collect();
        starts.push(self.lanes().end);
        let sizes: Vec<u32> = starts.windows(2).map(|ends| ends[1] - ends[0]).collect();
        let mut best = (0, 0);
        let mut start = 0;
        for run in sizes.chunk_by(|a, b| a == b) {
            if run.len() * run[0] as usize > best.1 * sizes[best.0] as usize {
                best = (start, run.len());
            }
            start += run.len();
        }
        let (group, rounds) = best;
        let size = sizes[group] as usize;
        if size == 1 || rounds < FEWEST {
            return self;
        }
        let start = self.start + (starts[group] - self.lane) as usize * self.period;
        Self { start, period: size * self.period, rounds, ..self }
    }
}

const NOBODY: u32 = u32::MAX;

/// A hash of everything that each slot is computed from, leaves by their kind.
fn shapes(program: &Program, fused: &Fused, leaves: usize) -> Vec<u64> {
    let layout = &program.layout;
    let mut shapes = vec![2; layout.len];
    shapes[..layout.inputs].fill(0);
    shapes[layout.inputs..][..layout.parameters].fill(1);
    let mut ops = Ops::default();
    for slot in leaves..layout.len {
        shapes[slot] = match fused.code[slot] {
            Code::Leaf | Code::Absorbed | Code::Region(_) => continue,
            Code::Linear => fused.terms(slot).iter().fold(11, |hash, &term| mix(hash, shape_of(term, &shapes))),
            Code::Map(op) | Code::List(op) => {
                let own = mix(13, u64::from(ops.number(op)));
                fused.operands(slot).iter().fold(own, |hash, &operand| mix(hash, shapes[operand as usize]))
            }
        };
    }
    shapes
}

fn shape_of(term: Term, shapes: &[u64]) -> u64 {
    let (a, b) = term.factors();
    mix(mix(u64::from(term.minus), shapes[a as usize]), b.map_or(3, |b| shapes[b as usize]))
}

/// The words of the terms of a sum, searched for what repeats itself.
struct Words {
    all: Vec<u64>,
    /// The next place of the same word.
    next: Vec<usize>,
    /// How many more words may be compared.
    budget: usize,
}

impl Words {
    fn new(words: Vec<u64>) -> Self {
        let mut next = vec![usize::MAX; words.len()];
        let mut last = FxHashMap::default();
        for (place, &word) in words.iter().enumerate().rev() {
            next[place] = last.insert(word, place).unwrap_or(usize::MAX);
        }
        Self { budget: 64 * words.len(), all: words, next }
    }

    /// The next stretch that repeats itself often enough: its start, its period and how often.
    ///
    /// Of several periods the one that goes farthest counts.
    fn repetition(&mut self, from: usize) -> Option<(usize, usize, usize)> {
        const CANDIDATES: usize = 24;
        let words = &self.all;
        for start in from..(words.len() + 1).saturating_sub(FEWEST) {
            let mut best = (0, 0);
            let mut candidate = self.next[start];
            for _ in 0..CANDIDATES {
                if candidate == usize::MAX || (candidate - start) * FEWEST > words.len() - start {
                    break;
                }
                let period = candidate - start;
                let same = (candidate..words.len()).take_while(|&place| words[place] == words[place - period]).count();
                let rounds = 1 + same / period;
                if rounds >= FEWEST && rounds * period > best.0 {
                    best = (rounds * period, period);
                }
                self.budget = self.budget.checked_sub(same + 1)?;
                candidate = self.next[candidate];
            }
            if best.0 > 0 {
                return Some((start, best.1, best.0 / best.1));
            }
        }
        None
    }
}

/// What each lane owns.
struct Lanes<'o> {
    owners: &'o [u32],
    /// The slots of each lane in order.
    slots: Vec<u32>,
    starts: Vec<u32>,
    /// The place of each slot in its lane.
    places: Vec<u32>,
}

/// What a lane reads: a number of its own, by place, or one from elsewhere, by slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Own(u32),
    Outer(u32),
}

impl<'o> Lanes<'o> {
    fn new(owners: &'o [u32], count: u32) -> Self {
        let count = count as usize;
        let mut starts = vec![0_u32; count + 1];
        let owned = || (0..).zip(owners).filter(|(_, owner)| **owner != NOBODY);
        owned().for_each(|(_, &owner): (u32, _)| starts[owner as usize + 1] += 1);
        for lane in 0..count {
            starts[lane + 1] += starts[lane];
        }
        let mut next = starts.clone();
        let mut slots = vec![0; *starts.last().unwrap_or(&0) as usize];
        let mut places = vec![0; owners.len()];
        for (slot, &owner) in owned() {
            let at = &mut next[owner as usize];
            slots[*at as usize] = slot;
            places[slot as usize] = *at - starts[owner as usize];
            *at += 1;
        }
        Self { owners, slots, starts, places }
    }

    /// The slots of a lane.
    fn of(&self, lane: u32) -> &[u32] {
        &self.slots[self.starts[lane as usize] as usize..self.starts[lane as usize + 1] as usize]
    }

    fn read(&self, lane: u32, slot: u32) -> Read {
        let own = self.owners[slot as usize] == lane;
        if own { Read::Own(self.places[slot as usize]) } else { Read::Outer(slot) }
    }

    /// Calls `visit` with the slots that a lane reads, node after node, and last those that its terms read.
    fn reads(&self, lane: u32, stretch: Stretch, fused: &Fused, mut visit: impl FnMut(u32)) {
        for &slot in self.of(lane) {
            match fused.code[slot as usize] {
                Code::Linear => fused.terms(slot as usize).iter().for_each(|&term| factors(term, &mut visit)),
                _ => fused.operands(slot as usize).iter().for_each(|&operand| visit(operand)),
            }
        }
        stretch.terms(lane, fused).iter().for_each(|&term| factors(term, &mut visit));
    }

    /// The lanes of a stretch that compute what the middle one does, if they are enough and compute something.
    fn alike(&self, stretch: Stretch, fused: &Fused) -> Option<Vec<u32>> {
        let lanes = stretch.lanes();
        let model = lanes.start + (lanes.end - lanes.start) / 2;
        if self.of(model).is_empty() {
            return None;
        }
        let mut model_reads = Vec::new();
        self.reads(model, stretch, fused, |slot| model_reads.push(self.read(model, slot)));
        let alike: Vec<u32> = lanes
            .filter(|&lane| {
                let same_node = |slot: u32, other: u32| {
                    let (slot, other) = (slot as usize, other as usize);
                    fused.code[slot] == fused.code[other]
                        && match fused.code[slot] {
                            Code::Linear => same_signs(fused.terms(slot), fused.terms(other)),
                            _ => fused.operands(slot).len() == fused.operands(other).len(),
                        }
                };
                let (own, others) = (self.of(lane), self.of(model));
                if own.len() != others.len() || !own.iter().zip(others).all(|(&a, &b)| same_node(a, b)) {
                    return false;
                }
                if !same_signs(stretch.terms(lane, fused), stretch.terms(model, fused)) {
                    return false;
                }
                let (mut place, mut same) = (0, true);
                self.reads(lane, stretch, fused, |slot| {
                    same &= match (self.read(lane, slot), model_reads.get(place)) {
                        (Read::Own(own), Some(Read::Own(other))) => own == *other,
                        (Read::Outer(_), Some(Read::Outer(_))) => true,
                        _ => false,
                    };
                    place += 1;
                });
                same && place == model_reads.len()
            })
            .collect();
        (alike.len() >= FEWEST).then_some(alike)
    }

    /// The region of some lanes that are alike.
    fn region(&self, program: &Program, fused: &Fused, stretch: Stretch, alike: &[u32]) -> Region {
        let model = alike[0];
        let mut reads = Vec::new();
        self.reads(model, stretch, fused, |slot| reads.push(self.read(model, slot)));
        // The slot of each outer read, lane after lane.
        let outer: Vec<usize> = (0..reads.len()).filter(|&at| matches!(reads[at], Read::Outer(_))).collect();
        let mut table = vec![0_u32; outer.len() * alike.len()];
        for (lane, &number) in alike.iter().enumerate() {
            let (mut at, mut next) = (0, 0);
            self.reads(number, stretch, fused, |slot| {
                if outer.get(next) == Some(&at) {
                    table[next * alike.len() + lane] = slot;
                    next += 1;
                }
                at += 1;
            });
        }
        let constants = program.layout.inputs + program.layout.parameters;
        let constants = constants..constants + program.constants.len();
        let mut body = Body::default();
        let mut columns: Vec<Vec<u32>> = Vec::new();
        let (mut known, mut shared) = (FxHashMap::<&[u32], Ref>::default(), FxHashMap::<u32, u32>::default());
        let mut refs = vec![Ref::Own(0); reads.len()];
        for (next, &at) in outer.iter().enumerate() {
            let slots = &table[next * alike.len()..][..alike.len()];
            refs[at] = if slots.iter().all(|&slot| slot == slots[0]) {
                Ref::Shared(*shared.entry(slots[0]).or_insert_with(|| {
                    body.shared.push((slots[0], !constants.contains(&(slots[0] as usize))));
                    narrow(body.shared.len() - 1)
                }))
            } else {
                *known.entry(slots).or_insert_with(|| {
                    columns.push(slots.to_vec());
                    Ref::Own(narrow(columns.len() - 1))
                })
            };
        }
        body.columns = columns.len();
        body.nodes = vec![BodyNode::Column; columns.len()];
        // Lists read rows alone, so that a copy of a shared number may stand before a node: nodes move up.
        let mut moved: FxHashMap<u32, u32> = FxHashMap::default();
        let mut at = 0;
        let mut take = |moved: &FxHashMap<u32, u32>| {
            at += 1;
            match reads[at - 1] {
                Read::Own(place) => Ref::Own(moved[&place]),
                Read::Outer(_) => refs[at - 1],
            }
        };
        let linear = |terms: &[Term], take: &mut dyn FnMut() -> Ref| {
            terms.iter().map(|term| (take(), term.factors().1.map(|_| take()), term.minus)).collect()
        };
        for &slot in self.of(model) {
            let node = match fused.code[slot as usize] {
                Code::Map(op) => {
                    BodyNode::Map(op, fused.operands(slot as usize).iter().map(|_| take(&moved)).collect())
                }
                Code::List(op) => {
                    let operands: Vec<Ref> = fused.operands(slot as usize).iter().map(|_| take(&moved)).collect();
                    let rows = operands
                        .into_iter()
                        .map(|operand| match operand {
                            Ref::Own(_) => operand,
                            Ref::Shared(_) => {
                                body.nodes.push(BodyNode::Linear(vec![(operand, None, false)]));
                                Ref::Own(narrow(body.nodes.len() - 1))
                            }
                        })
                        .collect();
                    BodyNode::List(op, rows)
                }
                _ => BodyNode::Linear(linear(fused.terms(slot as usize), &mut || take(&moved))),
            };
            moved.insert(self.places[slot as usize], narrow(body.nodes.len()));
            body.nodes.push(node);
        }
        body.nodes.push(BodyNode::Linear(linear(stretch.terms(model, fused), &mut || take(&moved))));
        body.outputs.push(Ref::Own(narrow(body.nodes.len() - 1)));
        let computed = |&slot: &u32| fused.code[slot as usize] != Code::Leaf;
        let mut reads: Vec<u32> = columns
            .iter()
            .flatten()
            .chain(body.shared.iter().map(|(slot, _)| slot))
            .copied()
            .filter(computed)
            .collect();
        reads.sort_unstable();
        reads.dedup();
        // Everything that some lane reads stands before the last slot of them all.
        let sum = alike.iter().filter_map(|&lane| self.of(lane).last()).max();
        let sum = *sum.expect("a lane computes something");
        Region { body, columns, lanes: alike.len(), sum, reads, tail: None }
    }

    /// Puts the sums of regions in the place of their lanes, in the terms of the sum that they all belong to.
    fn take_out(&self, fused: &mut Fused, found: &[(Stretch, Vec<u32>)], sums: &[u32]) {
        let sum = found[0].0.sum as usize;
        let mut gone = vec![false; fused.terms(sum).len()];
        for (stretch, alike) in found {
            for &lane in alike {
                gone[stretch.start + (lane - stretch.lane) as usize * stretch.period..][..stretch.period].fill(true);
                self.of(lane).iter().for_each(|&slot| fused.code[slot as usize] = Code::Absorbed);
            }
        }
        let rest = fused.terms(sum).iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(&term, _)| term);
        let terms: Vec<Term> = sums.iter().map(|&slot| Term::single(slot, false)).chain(rest).collect();
        fused.replace_terms(sum, terms);
    }
}

fn factors(term: Term, mut visit: impl FnMut(u32)) {
    let (a, b) = term.factors();
    visit(a);
    b.into_iter().for_each(visit);
}

fn same_signs(a: &[Term], b: &[Term]) -> bool {
    let sign = |term: &Term| (term.minus, term.factors().1.is_some());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| sign(a) == sign(b))
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2³² nodes")
}

/// The adjoint of a slot as a linear form in the seeds, if what follows it is linear with constant factors.
fn tail(program: &Program, fused: &Fused, slot: u32) -> Option<Vec<(u32, f64)>> {
    let first_constant = program.layout.inputs + program.layout.parameters;
    let constant = |slot: u32| program.constants.get((slot as usize).checked_sub(first_constant)?).copied();
    let mut weights: FxHashMap<u32, f64> = FxHashMap::default();
    weights.insert(slot, 1.0);
    let mut outputs = Vec::new();
    let outgoing = |weights: &FxHashMap<u32, f64>, outputs: &mut Vec<(u32, f64)>, slot: u32| {
        for (output, _) in (0..).zip(&program.outputs).filter(|(_, at)| **at == slot) {
            outputs.push((output, weights[&slot]));
        }
    };
    outgoing(&weights, &mut outputs, slot);
    for user in slot as usize + 1..program.layout.len {
        let mut weight = 0.0;
        match fused.code[user] {
            Code::Leaf | Code::Absorbed | Code::Region(_) => continue,
            Code::Map(_) | Code::List(_) => {
                if fused.operands(user).iter().any(|operand| weights.contains_key(operand)) {
                    return None;
                }
                continue;
            }
            Code::Linear => {
                for term in fused.terms(user) {
                    let sign = if term.minus { -1.0 } else { 1.0 };
                    weight += match term.factors() {
                        (a, None) => weights.get(&a).map_or(0.0, |weight| sign * weight),
                        (a, Some(b)) => match (weights.get(&a), weights.get(&b)) {
                            (None, None) => 0.0,
                            (Some(weight), None) => sign * weight * constant(b)?,
                            (None, Some(weight)) => sign * weight * constant(a)?,
                            (Some(_), Some(_)) => return None,
                        },
                    };
                }
            }
        }
        let user = narrow(user);
        if weight != 0.0 {
            weights.insert(user, weight);
            outgoing(&weights, &mut outputs, user);
        }
    }
    Some(outputs)
}
