//! Classes: what one evaluation can compute side by side.
//!
//! The level of a node is one more than the highest of its operands; nodes of a level do not depend on each other. A
//! class is nodes of a level with the same operation over operands of the same kinds; its members get neighbouring
//! slots. They stand in the order of creation, but what goes to different places stands apart, so that the windows of
//! the users are regular too.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::Program;
use super::super::kernels::Zero;
use super::fuse::{Code, Fused, Term};
use super::hash::{high, mix};
use super::narrow;
use super::ready;
use super::roll::Region;

/// The order of one evaluation.
#[derive(Debug)]
pub(super) struct Classes {
    /// The program's slots, class after class.
    pub(super) order: Vec<u32>,
    /// Where each class begins in `order`, and where the last ends.
    pub(super) starts: Vec<u32>,
    /// The new slot of each of the program's.
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
    /// Slots of nothing, which fill the last register of a row.
    pub(super) padding: Padding,
}

/// Slots of nothing, in order.
#[derive(Debug, Default)]
pub(super) struct Padding(Vec<Range<u32>>);

impl Padding {
    /// Whether all of some slots, of which there are any, are of nothing.
    pub(super) fn has(&self, slots: &Range<u32>) -> bool {
        let before = self.0.partition_point(|padding| padding.start <= slots.start);
        !slots.is_empty() && before > 0 && slots.end <= self.0[before - 1].end
    }
}

const NOTHING: u32 = u32::MAX;

/// How many slots of an irregular graph are ordered together: what is known of them stays in the cache.
const STRETCH: usize = 1 << 17;

/// From how many computed slots on a graph is large.
const LARGE: usize = 1 << 18;

impl Classes {
    /// Orders fused code; puts the terms of sums into an order that members of a class share.
    ///
    /// With `sorts` off, members of a class stay in the order of creation, and classes follow the levels.
    pub(super) fn new(program: &Program, fused: &mut Fused, regions: &[Region], sorts: bool) -> Self {
        let len = program.layout.len;
        let leaves = len - program.steps.len();
        let kinds = Kinds::new(program, fused, regions);
        let (inputs, parameters) = (narrow(program.layout.inputs), narrow(program.layout.parameters));
        // Rows of weights are aligned if they are as long as registers.
        let aligned = inputs.next_multiple_of(8);
        let end = aligned + narrow(leaves) - inputs;
        let unplaced = std::iter::repeat_n(NOTHING, len - leaves);
        let by_level = !(sorts && kinds.is_irregular());
        let mut classes = Self {
            order: Vec::with_capacity(kinds.computed),
            starts: vec![],
            slots: (0..inputs).chain(aligned..end).chain(unplaced).collect(),
            inputs: 0..inputs,
            parameters: aligned..aligned + parameters,
            len: (end + 2).next_multiple_of(8),
            one: end,
            zero: end + 1,
            by_level,
            padding: Padding::default(),
        };
        if by_level {
            let mut slots = slots_by_level(leaves, &kinds);
            let (mut of_classes, mut of_sides) = (Appearance::default(), Appearance::default());
            let mut before = None;
            for level in slots.chunk_by_mut(|&a, &b| kinds.level(a) == kinds.level(b)) {
                if let &mut [alone] = level {
                    classes.push(&[alone], true);
                    before = None;
                    continue;
                }
                of_classes.sort(level, |slot| kinds.class(slot).0);
                for class in level.chunk_by_mut(|&a, &b| kinds.class(a) == kinds.class(b)) {
                    if sorts && !goes_anywhere(class, |slot| kinds.side(slot)) {
                        of_sides.sort(class, |slot| kinds.side(slot));
                        if let Some(len) = classes.row(class, fused, of_sides.counts()) {
                            class.chunks(len).for_each(|row| classes.push_row(row));
                            before = None;
                            continue;
                        }
                    }
                    // Neighbours of the same shape on one level may be read together.
                    let alike = Some((kinds.level(class[0]), kinds.class(class[0]).1));
                    classes.push(class, before != alike);
                    before = alike;
                }
            }
        } else {
            // In the order of creation, what lies close by is looked at together.
            let slots: Vec<u32> = (leaves..len).filter(|&slot| fused.computes(slot)).map(narrow).collect();
            for stretch in slots.chunks(STRETCH) {
                let runs = ready::runs(
                    stretch,
                    |slot| (kinds.flat(slot), kinds.class(slot).1),
                    |slot, reads| each_operand(fused, regions, slot, |operand| reads.push(operand)),
                );
                for ends in runs.starts.windows(2) {
                    classes.push(&runs.order[ends[0] as usize..ends[1] as usize], true);
                }
            }
        }
        classes.starts.push(narrow(classes.order.len()));
        classes.len = classes.len.next_multiple_of(8);
        classes
    }

    /// Gives slots to a class; those of a large one begin a register if it `aligns`.
    fn push(&mut self, members: &[u32], aligns: bool) {
        self.starts.push(narrow(self.order.len()));
        if aligns && members.len() >= 8 {
            self.len = self.len.next_multiple_of(8);
        }
        for &slot in members {
            self.slots[slot as usize] = self.len;
            self.len += 1;
        }
        self.order.extend_from_slice(members);
    }

    /// Gives slots to a row that fills whole registers with what is of nothing.
    fn push_row(&mut self, members: &[u32]) {
        self.len = self.len.next_multiple_of(8);
        self.push(members, false);
        let end = self.len.next_multiple_of(8);
        self.padding.0.push(self.len..end);
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

/// Calls `visit` with every operand of a computed slot.
fn each_operand(fused: &Fused, regions: &[Region], slot: u32, mut visit: impl FnMut(u32)) {
    match fused.code[slot as usize] {
        Code::Leaf | Code::Absorbed => {}
        Code::Linear(_) => fused.terms(slot as usize).iter().for_each(|term| term.each_factor(&mut visit)),
        Code::Map(_) | Code::List(_) => fused.operands(slot as usize).iter().copied().for_each(visit),
        Code::Region(number) => regions[number as usize].reads.iter().copied().for_each(visit),
    }
}

/// Sorts slots by a key, the keys in the order of their first appearance, equal keys in theirs.
#[derive(Default)]
struct Appearance {
    /// The rank of the key of each slot, and how many slots have each.
    ranks: Vec<u32>,
    counts: Vec<u32>,
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
        let mut known = FxHashMap::default();
        for &slot in slots {
            let key = key(slot);
            if key != last {
                if known.is_empty() {
                    known.insert(last, rank);
                }
                let new = narrow(known.len());
                (last, rank) = (key, *known.entry(key).or_insert(new));
                if rank == new {
                    self.counts.push(0);
                }
            }
            self.counts[rank as usize] += 1;
            self.ranks.push(rank);
        }
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

/// The slots that compute something, level by level.
fn slots_by_level(leaves: usize, kinds: &Kinds) -> Vec<u32> {
    let computed = || (leaves..).zip(&kinds.slots[leaves..]).filter(|(_, known)| known.level > 0);
    let mut ends = vec![0_u32; kinds.highest as usize + 2];
    computed().for_each(|(_, known)| ends[known.level as usize + 1] += 1);
    for level in 0..ends.len() - 1 {
        ends[level + 1] += ends[level];
    }
    let mut sorted = vec![0; kinds.computed];
    for (slot, known) in computed() {
        let next = &mut ends[known.level as usize];
        sorted[*next as usize] = narrow(slot);
        *next += 1;
    }
    sorted
}

/// What members of a class have in common beyond their key: the operation, and how many operands or terms of each sign.
type Shape = (u32, u32, u32);

/// What tells one class from the others: a hash that may be the same by chance, and what may not.
type Class = (u32, Shape);

/// The levels, kinds and classes of all slots, pairs where what is read together lies anywhere.
struct Kinds {
    slots: Vec<Slot>,
    classes: Vec<Class>,
    /// How many slots compute something, and the highest level of all.
    computed: usize,
    highest: u32,
    /// How many classes there are, about.
    distinct: usize,
}

/// What is known of a slot, side by side, since it is asked for together.
#[derive(Clone, Copy, Default)]
struct Slot {
    level: u32,
    /// A hash of the operation; for leaves, which kind of leaf it is.
    flat: u32,
    /// The first user, 0 for none.
    user: u32,
    /// A hash of the place in which that uses it.
    edge: u32,
}

impl Slot {
    /// What is coarsely known of it.
    fn kind(self) -> u64 {
        let (level, flat) = (u64::from(self.level), u64::from(self.flat));
        if level == 0 { flat } else { mix(flat, level) | 4 }
    }
}

impl Kinds {
    fn new(program: &Program, fused: &mut Fused, regions: &[Region]) -> Self {
        let layout = &program.layout;
        let leaves = layout.len - program.steps.len();
        let classes = vec![(0, (0, 0, 0)); program.steps.len()];
        let mut slots = vec![Slot::default(); layout.len];
        slots[layout.inputs..][..layout.parameters].fill(Slot { flat: 1, ..Slot::default() });
        slots[layout.inputs + layout.parameters..][..program.constants.len()].fill(Slot { flat: 2, ..Slot::default() });
        let mut kinds = Self { slots, classes, computed: 0, highest: 0, distinct: 0 };
        let mut sketch = Sketch::new(program.steps.len());
        let mut keyed = Vec::new();
        for slot in leaves..layout.len {
            let class = match fused.code[slot] {
                Code::Leaf | Code::Absorbed => continue,
                Code::Linear(zero) => kinds.linear(slot, zero, fused.terms_mut(slot), &mut keyed),
                Code::Region(region) => kinds.region(slot, &regions[region as usize]),
                Code::Map(op) => kinds.operation(slot, op, fused.operands(slot), false),
                Code::List(op) => kinds.operation(slot, op, fused.operands(slot), true),
            };
            kinds.classes[slot - leaves] = class;
            kinds.computed += 1;
            kinds.highest = kinds.highest.max(kinds.slots[slot].level);
            sketch.see(class.0);
        }
        kinds.distinct = sketch.count();
        kinds
    }

    /// Whether the classes are small although the levels are not.
    ///
    /// A large graph does not fit into the cache: there the order of creation is worth more than somewhat larger classes.
    fn is_irregular(&self) -> bool {
        let few = if self.computed < LARGE { 4 } else { 16 };
        few * self.distinct > self.computed && 3 * (self.highest as usize) < self.computed
    }

    fn level(&self, slot: u32) -> u32 {
        self.slots[slot as usize].level
    }

    fn class(&self, slot: u32) -> Class {
        self.classes[slot as usize - (self.slots.len() - self.classes.len())]
    }

    /// The kind of a slot without its level: what the members of a class are used for may lie on different ones.
    fn flat(&self, slot: u32) -> u32 {
        self.slots[slot as usize].flat
    }

    /// Where a slot goes, three users far.
    fn side(&self, slot: u32) -> u32 {
        let Slot { mut user, mut edge, .. } = self.slots[slot as usize];
        let mut side = mix(0, u64::from(edge));
        for _ in 0..2 {
            if user == 0 {
                break;
            }
            Slot { user, edge, .. } = self.slots[user as usize];
            side = mix(side, u64::from(edge));
        }
        high(side)
    }

    /// Notes the level and the operation of a slot.
    fn place(&mut self, slot: usize, level: u32, flat: u32) {
        (self.slots[slot].level, self.slots[slot].flat) = (level, flat);
    }

    /// The first user of a slot stays.
    fn add_user(&mut self, operand: u32, user: usize, edge: u64) {
        let known = &mut self.slots[operand as usize];
        if known.user == 0 {
            (known.user, known.edge) = (narrow(user), high(edge));
        }
    }

    fn linear(&mut self, slot: usize, zero: Zero, terms: &mut [Term], keyed: &mut Vec<(u64, Term)>) -> Class {
        let (mut level, mut minus, mut total) = (0, 0, 0_u64);
        keyed.clear();
        for &(mut term) in &*terms {
            let (a, b) = term.factors();
            let mut known = (self.slots[a as usize], b.map(|b| self.slots[b as usize]));
            level = level.max(known.0.level).max(known.1.map_or(0, |known| known.level));
            if let Some(other) = known.1
                && other.flat < known.0.flat
            {
                (term, known) = (term.swapped(), (other, Some(known.0)));
            }
            minus += u32::from(term.minus);
            let signature = mix(mix(u64::from(term.minus), known.0.kind()), known.1.map_or(3, Slot::kind));
            total = total.wrapping_add(signature);
            // The sign stands before the rest.
            keyed.push((u64::from(term.minus) << 63 | signature >> 1, term));
        }
        match keyed.as_mut_slice() {
            [_] => {}
            [a, b] if a.0 <= b.0 => {}
            [a, b] => std::mem::swap(a, b),
            more if more.is_sorted_by_key(|pair| pair.0) => {}
            more => more.sort_by_key(|pair| pair.0),
        }
        let count = narrow(terms.len());
        let flat = mix(11 + zero as u64, u64::from(count));
        for (term, &(_, sorted)) in terms.iter_mut().zip(&*keyed) {
            *term = sorted;
            let (a, b) = sorted.factors();
            let edge = mix(mix(flat, u64::from(self.flat(a))), b.map_or(3, |b| u64::from(self.flat(b))));
            self.add_user(a, slot, edge);
            if let Some(b) = b {
                self.add_user(b, slot, mix(edge, 1));
            }
        }
        self.place(slot, level + 1, 11);
        (high(mix(mix(flat, u64::from(level)), total)), (NOTHING - zero as u32, count, minus))
    }

    /// A region is a class of its own.
    fn region(&mut self, slot: usize, region: &Region) -> Class {
        let level = 1 + region.reads.iter().map(|&slot| self.level(slot)).max().unwrap_or(0);
        let key = high(mix(17, slot as u64));
        self.place(slot, level, key);
        (key, (NOTHING - 2, 0, narrow(slot)))
    }

    /// An operation; if its operands are a list, their order does not matter.
    fn operation(&mut self, slot: usize, number: u32, operands: &[u32], is_list: bool) -> Class {
        let level = 1 + operands.iter().map(|&slot| self.level(slot)).max().unwrap_or(0);
        let flat = mix(13, u64::from(number));
        let mut key = mix(mix(flat, u64::from(level)), operands.len() as u64);
        for (place, &operand) in operands.iter().enumerate() {
            let kind = self.slots[operand as usize].kind();
            key = if is_list { key.wrapping_add(kind) } else { mix(key, kind) };
            self.add_user(operand, slot, if is_list { flat } else { mix(flat, place as u64) });
        }
        self.place(slot, level, high(flat));
        (high(mix(key, 0)), (number, narrow(operands.len()), 0))
    }
}

/// About how many different hashes were seen: each sets a bit, and few of them the same (Whang 1990, Linear counting).
///
/// Of very many, one in every so many is looked at.
struct Sketch {
    bits: Vec<u64>,
    /// The logarithm of how many.
    every: u32,
    seen: usize,
}

impl Sketch {
    fn new(hashes: usize) -> Self {
        const MOST: usize = 1 << 16;
        let every = hashes.div_ceil(MOST).next_power_of_two().trailing_zeros();
        Self { bits: vec![0; (hashes.min(MOST) / 16).next_power_of_two()], every, seen: 0 }
    }

    fn see(&mut self, hash: u32) {
        let bits = hash >> self.every;
        if bits << self.every == hash {
            let place = (bits as usize / 64) & (self.bits.len() - 1);
            let bit = 1 << (bits % 64);
            self.seen += usize::from(self.bits[place] & bit == 0);
            self.bits[place] |= bit;
        }
    }

    fn count(&self) -> usize {
        self.seen << self.every
    }
}
