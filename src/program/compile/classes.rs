//! Classes: what one evaluation can compute side by side.
//!
//! Nodes of a level do not depend on each other. A class is nodes of a level with the same operation over operands of the
//! same kinds; its members get neighbouring slots. They stand in the order of creation, but what goes to different places
//! stands apart, so that the windows of the users are regular too.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::Program;
use super::fuse::{Code, Fused};
use super::kinds::Kinds;
use super::levels::{Levels, each_operand};
use super::narrow;
use super::ready;
use super::roll::Region;

/// The order of one evaluation.
#[derive(Debug)]
pub(super) struct Classes {
    /// The fused slots, class after class.
    pub(super) order: Vec<u32>,
    /// Where each class begins in `order`, and where the last ends.
    pub(super) starts: Vec<u32>,
    /// The new slot of each of them.
    pub(super) slots: Vec<u32>,
    /// The new slots of the inputs and of the parameters.
    pub(super) inputs: Range<u32>,
    pub(super) parameters: Range<u32>,
    /// How many new slots there are.
    pub(super) len: u32,
    /// The slot of the number 1.
    pub(super) one: u32,
    /// The slot of the number 0.
    pub(super) zero: u32,
    /// Whether they follow the levels.
    pub(super) by_level: bool,
    /// How many slots wait for the end.
    pub(super) waiting: usize,
    /// Slots of nothing, which fill the last register of a row.
    pub(super) padding: Padding,
}

/// Slots of nothing: a bit for each.
#[derive(Debug, Default)]
pub(super) struct Padding(Vec<u64>);

impl Padding {
    /// Whether all of some slots, of which there are any, are of nothing.
    pub(super) fn has(&self, slots: &Range<u32>) -> bool {
        !slots.is_empty() && slots.clone().all(|slot| self.has_one(slot))
    }

    /// Whether a slot is of nothing.
    pub(super) fn has_one(&self, slot: u32) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|bits| bits >> (slot % 64) & 1 == 1)
    }

    fn add(&mut self, slots: Range<u32>) {
        self.0.resize(slots.end as usize / 64 + 1, 0);
        for slot in slots {
            self.0[slot as usize / 64] |= 1 << (slot % 64);
        }
    }
}

/// How many slots of an irregular graph are ordered together: what is known of them stays in the cache.
const STRETCH: usize = 1 << 17;

impl Classes {
    /// Orders fused code; puts the terms of sums into an order that members of a class share.
    ///
    /// With `sorts` off, members of a class stay in the order of creation, and classes follow the levels.
    pub(super) fn new(program: &Program, fused: &mut Fused, regions: &[Region], sorts: bool) -> Self {
        let (leaves, len) = (fused.leaves, fused.code.len());
        let levels = Levels::new(fused, regions, sorts);
        let kinds = Kinds::new(program, fused, &levels);
        let (inputs, parameters) = (narrow(program.layout.inputs), narrow(program.layout.parameters));
        // Rows of weights are aligned if they are as long as registers.
        let aligned = inputs.next_multiple_of(8);
        let end = aligned + narrow(leaves) - inputs;
        let unplaced = std::iter::repeat_n(u32::MAX, len - leaves);
        let by_level = !(sorts && kinds.is_irregular(&levels));
        let mut classes = Self {
            order: vec![],
            starts: vec![0],
            slots: (0..inputs).chain(aligned..end).chain(unplaced).collect(),
            inputs: 0..inputs,
            parameters: aligned..aligned + parameters,
            len: (end + 2).next_multiple_of(8),
            one: end,
            zero: end + 1,
            by_level,
            waiting: if by_level { levels.waiting } else { 0 },
            padding: Padding::default(),
        };
        if by_level {
            let mut slots = levels.slots(leaves);
            let mut appearance = Appearance::default();
            let mut before = None;
            for level in slots.chunk_by_mut(|&a, &b| levels.of(a) == levels.of(b)) {
                if let &mut [alone] = level {
                    classes.push(&[alone], true);
                    before = None;
                    continue;
                }
                appearance.sort(level, |slot| kinds.hash(slot));
                let mut rest = level;
                while let &mut [first, ref mut others @ ..] = rest {
                    let (hash, shape) = (kinds.hash(first), kinds.shape(fused, first));
                    let is_alike = |&&slot: &&u32| kinds.hash(slot) == hash && kinds.shape(fused, slot) == shape;
                    let count = 1 + others.iter().take_while(is_alike).count();
                    let (class, after) = rest.split_at_mut(count);
                    rest = after;
                    if sorts && !goes_anywhere(class, |slot| kinds.side(slot)) {
                        appearance.sort(class, |slot| kinds.side(slot));
                        if let Some(len) = classes.row(class, fused, appearance.counts()) {
                            class.chunks(len).for_each(|row| classes.push_row(row));
                            before = None;
                            continue;
                        }
                    }
                    // Neighbours of the same shape on one level may be read together.
                    let alike = Some((levels.of(class[0]), shape));
                    classes.push(class, before != alike);
                    before = alike;
                }
            }
            classes.order = slots;
        } else {
            // In the order of creation, what lies close by is looked at together.
            classes.order.reserve_exact(len - leaves);
            let slots: Vec<u32> = (narrow(leaves)..narrow(len)).collect();
            for stretch in slots.chunks(STRETCH) {
                let runs = ready::runs(
                    stretch,
                    |slot| (kinds.flat(slot), kinds.shape(fused, slot)),
                    |slot, reads| each_operand(fused, regions, slot, |operand| reads.push(operand)),
                );
                for ends in runs.starts.windows(2) {
                    classes.push(&runs.order[ends[0] as usize..ends[1] as usize], true);
                }
                classes.order.extend(runs.order);
            }
        }
        classes.len = classes.len.next_multiple_of(8);
        classes
    }

    /// Gives slots to a class; those of a large one begin a register if it `aligns`.
    fn push(&mut self, members: &[u32], aligns: bool) {
        let start = self.starts.last().copied().unwrap_or(0);
        self.starts.push(start + narrow(members.len()));
        if aligns && members.len() >= 8 {
            self.len = self.len.next_multiple_of(8);
        }
        for &slot in members {
            self.slots[slot as usize] = self.len;
            self.len += 1;
        }
    }

    /// Gives slots to a row that fills whole registers with what is of nothing.
    fn push_row(&mut self, members: &[u32]) {
        self.len = self.len.next_multiple_of(8);
        self.push(members, false);
        let end = self.len.next_multiple_of(8);
        self.padding.add(self.len..end);
        self.len = end;
    }

    /// How long the rows of a class are, if they are worth whole registers.
    ///
    /// Members that go to the same place, of which `sides` tells how many, are a row or more; results of an operation have the rows of its operands.
    fn row(&self, class: &[u32], fused: &Fused, sides: &[u32]) -> Option<usize> {
        if !(SHORTEST_ROW..=MOST_OF_ROWS).contains(&class.len()) {
            return None;
        }
        let len = match fused.code[class[0] as usize] {
            Code::Linear(_) => sides.iter().fold(0, |len, &side| gcd(len, side as usize)),
            Code::Map(_) => self.row_of_operands(class, fused)?,
            _ => return None,
        };
        let padding = len.next_multiple_of(8) - len;
        let worth_it = len >= SHORTEST_ROW && padding > 0 && PADDED * padding <= len;
        (worth_it && class.len().is_multiple_of(len)).then_some(len)
    }

    /// How long the rows are that the members of a class read, if these fill registers.
    fn row_of_operands(&self, class: &[u32], fused: &Fused) -> Option<usize> {
        let slot = |member: u32| self.slots[fused.operands(member as usize)[0] as usize];
        let ends = |m: usize| {
            let end = slot(class[m]) + 1;
            self.padding.has(&(end..end.next_multiple_of(8)))
        };
        (0..class.len()).find(|&m| ends(m)).map(|last| last + 1)
    }

    /// The members of every class.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|ends| &self.order[ends[0] as usize..ends[1] as usize])
    }
}

/// The most members of a class that is looked at for rows.
const MOST_OF_ROWS: usize = 256;
/// The shortest row that fills registers with nothing, and how many numbers it has for each slot of nothing at least.
const SHORTEST_ROW: usize = 7;
const PADDED: usize = 6;

/// The greatest common divisor.
fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Sorts slots by a key, the keys in the order of their first appearance, equal keys in theirs.
#[derive(Default)]
struct Appearance {
    /// The rank of the key of each slot, and how many slots have each.
    ranks: Vec<u32>,
    counts: Vec<u32>,
    /// The keys by rank, and the ranks of those after the first few.
    keys: Vec<u32>,
    known: FxHashMap<u32, u32>,
    next: Vec<u32>,
    unsorted: Vec<u32>,
}

impl Appearance {
    fn sort(&mut self, slots: &mut [u32], key: impl Fn(u32) -> u32) {
        self.rank(slots, key);
        if self.ranks.is_sorted() {
            return;
        }
        let mut start = 0;
        self.next.clear();
        for count in &self.counts {
            self.next.push(start);
            start += count;
        }
        self.unsorted.clear();
        self.unsorted.extend_from_slice(slots);
        for (&slot, &rank) in self.unsorted.iter().zip(&self.ranks) {
            let at = &mut self.next[rank as usize];
            slots[*at as usize] = slot;
            *at += 1;
        }
    }

    fn rank(&mut self, slots: &[u32], key: impl Fn(u32) -> u32) {
        self.ranks.clear();
        self.counts.clear();
        let Some(&first) = slots.first() else { return };
        let (mut last, mut rank) = (key(first), 0);
        self.counts.push(0);
        self.keys.clear();
        self.keys.push(last);
        self.known.clear();
        for &slot in slots {
            let key = key(slot);
            if key != last {
                (last, rank) = (key, self.rank_of(key));
            }
            self.counts[rank as usize] += 1;
            self.ranks.push(rank);
        }
    }

    /// The rank of a key; a new one if it was not seen. Few keys are compared, many are hashed.
    fn rank_of(&mut self, key: u32) -> u32 {
        const FEW: usize = 8;
        let few = &self.keys[..self.keys.len().min(FEW)];
        if let Some(rank) = few.iter().position(|&known| known == key) {
            return narrow(rank);
        }
        let new = narrow(self.keys.len());
        let rank = if few.len() < FEW { new } else { *self.known.entry(key).or_insert(new) };
        if rank == new {
            self.keys.push(key);
            self.counts.push(0);
        }
        rank
    }

    /// How many of the slots that were sorted last have the same key, key after key.
    fn counts(&self) -> &[u32] {
        &self.counts
    }
}

/// Whether the members of a large class go to so many different places that to sort them would help nobody, by a sample.
fn goes_anywhere(class: &[u32], side: impl Fn(u32) -> u32) -> bool {
    const SAMPLE: usize = 32;
    let sample = class.iter().step_by(class.len().div_ceil(SAMPLE));
    class.len() >= 2 * SAMPLE && 2 * sample.map(|&slot| side(slot)).collect::<FxHashSet<u32>>().len() > SAMPLE
}
