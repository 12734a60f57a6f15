//! Axes: what a long sum repeats.
//!
//! The terms of a sum are compared by the shape of what they are computed from. A *stretch* of terms that repeats
//! itself is an axis of the user's loops, and every round of it is a lane. Lanes of all sums are numbered together.

use rustc_hash::FxHashMap;

use super::super::Program;
use super::fuse::{Code, Fused, Term};
use super::hash::{high, mix};
use super::narrow;

/// The fewest rounds that are worth a region.
pub(super) const FEWEST: usize = 16;

/// A stretch of the terms of a sum that repeats itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The slot of the sum.
    pub(super) sum: u32,
    /// The first term, how many terms a round has, and how many rounds there are.
    pub(super) start: usize,
    pub(super) period: usize,
    pub(super) rounds: usize,
    /// The number of the first lane.
    pub(super) lane: u32,
}

/// The search for axes: stretches of sums, and which of their lanes use what.
pub(super) struct Axes {
    leaves: usize,
    shapes: Vec<u32>,
    /// The stretches of the sums that have been searched.
    known: FxHashMap<u32, Vec<Stretch>>,
    /// The lanes that use each computed slot.
    pub(super) users: Vec<Users>,
    pub(super) lanes: u32,
}

impl Axes {
    /// Searches the long sums, the last first, so that only the outermost axis is taken.
    pub(super) fn of(program: &Program, fused: &Fused) -> Option<Self> {
        let leaves = fused.leaves;
        let is_long =
            |slot: usize| matches!(fused.code[slot], Code::Linear(_)) && fused.terms(slot).len() >= 2 * FEWEST;
        // What is computed by the same operations repeats itself at least in the last of them.
        let may_repeat =
            |slot: usize| Words::of(fused.terms(slot), |slot| last(program, fused, slot)).repetition(0).is_some();
        let mut candidates =
            (leaves..fused.code.len()).rev().filter(|&slot| is_long(slot) && may_repeat(slot)).peekable();
        candidates.peek()?;
        let shapes = shapes(program, fused);
        let users = vec![Users::NOBODY; fused.code.len()];
        let mut axes = Self { leaves, shapes, known: FxHashMap::default(), users, lanes: 0 };
        if !candidates.any(|slot| !axes.search(slot, fused.terms(slot)).is_empty()) {
            return None;
        }
        axes.find(fused);
        // What neighbouring lanes share makes one lane of them.
        for _ in 0..3 {
            if !axes.coarsen() {
                break;
            }
            axes.users.fill(Users::NOBODY);
            axes.find(fused);
        }
        (axes.lanes > 0).then_some(axes)
    }

    fn give(&mut self, slot: u32, users: Users) {
        if slot as usize >= self.leaves {
            self.users[slot as usize] = self.users[slot as usize].and(users);
        }
    }

    /// Numbers the lanes, and finds out which of them use each slot.
    fn find(&mut self, fused: &Fused) {
        self.lanes = 0;
        fused.outputs.iter().for_each(|&slot| self.give(slot, Users::OUTSIDE));
        for slot in (self.leaves..fused.code.len()).rev() {
            let users = self.users[slot];
            match fused.code[slot] {
                Code::Leaf | Code::Rolled | Code::Region(_) => {}
                Code::Map(_) | Code::List(_) => {
                    fused.operands(slot).iter().for_each(|&operand| self.give(operand, users));
                }
                Code::Linear(_) => {
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
            term.each_factor(|slot| self.give(slot, users));
        }
    }

    /// The stretches of a sum, with lanes numbered anew.
    fn search(&mut self, slot: usize, terms: &[Term]) -> Vec<Stretch> {
        let sum = narrow(slot);
        if !self.known.contains_key(&sum) {
            let mut words = Words::of(terms, |slot| self.shapes[slot as usize]);
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
    pub(super) fn stretches(&self) -> Vec<Stretch> {
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
    pub(super) fn lanes(&self) -> std::ops::Range<u32> {
        self.lane..self.lane + narrow(self.rounds)
    }

    /// The terms of a round.
    pub(super) fn terms(self, lane: u32, fused: &Fused) -> &[Term] {
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

/// The first and the last lane that use a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Users {
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
    pub(super) fn owner(self) -> Option<u32> {
        (self.first == self.last).then_some(self.first)
    }
}

/// A hash of everything that each slot is computed from, leaves by their kind.
fn shapes(program: &Program, fused: &Fused) -> Vec<u32> {
    let layout = &program.layout;
    let mut shapes = vec![2; fused.code.len()];
    shapes[..layout.inputs].fill(0);
    shapes[layout.inputs..][..layout.parameters].fill(1);
    for slot in fused.leaves..fused.code.len() {
        let shape = match fused.code[slot] {
            Code::Leaf | Code::Rolled | Code::Region(_) => continue,
            Code::Linear(zero) => {
                let own = 11 + zero as u64;
                fused
                    .terms(slot)
                    .iter()
                    .fold(own, |hash, &term| mix(hash, shape_of(term, |slot| shapes[slot as usize])))
            }
            Code::Map(op) | Code::List(op) => {
                let own = mix(13, u64::from(op));
                fused.operands(slot).iter().fold(own, |hash, &operand| mix(hash, u64::from(shapes[operand as usize])))
            }
        };
        shapes[slot] = high(shape);
    }
    shapes
}

/// The same of the last operation alone.
fn last(program: &Program, fused: &Fused, slot: u32) -> u32 {
    let layout = &program.layout;
    match fused.code[slot as usize] {
        Code::Map(op) | Code::List(op) => high(mix(13, u64::from(op))),
        Code::Linear(zero) => 11 + zero as u32,
        _ => u32::from(slot as usize >= layout.inputs) + u32::from(slot as usize >= layout.inputs + layout.parameters),
    }
}

fn shape_of(term: Term, shape: impl Fn(u32) -> u32) -> u64 {
    let (a, b) = term.factors();
    let shape = |slot: u32| u64::from(shape(slot));
    mix(mix(u64::from(term.minus()), shape(a)), b.map_or(3, shape))
}

/// The words of the terms of a sum, searched for what repeats itself.
struct Words {
    all: Vec<u64>,
    /// The next place of the same word.
    next: Vec<usize>,
    /// How many more words may be compared in vain.
    budget: usize,
}

impl Words {
    fn of(terms: &[Term], shape: impl Fn(u32) -> u32) -> Self {
        let words: Vec<u64> = terms.iter().map(|&term| shape_of(term, &shape)).collect();
        let mut next = vec![usize::MAX; words.len()];
        let mut last = FxHashMap::default();
        for (place, &word) in words.iter().enumerate().rev() {
            next[place] = last.insert(word, place).unwrap_or(usize::MAX);
        }
        Self { budget: 16 * words.len(), all: words, next }
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
                if rounds < FEWEST {
                    self.budget = self.budget.checked_sub(same + 1)?;
                } else if rounds * period > best.0 {
                    best = (rounds * period, period);
                }
                candidate = self.next[candidate];
            }
            if best.0 > 0 {
                return Some((start, best.1, best.0 / best.1));
            }
        }
        None
    }
}
