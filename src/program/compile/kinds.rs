//! Kinds: what is alike.
//!
//! Slots of a level are alike when they have the same operation over operands of the same kinds.

use super::super::Program;
use super::super::kernels::Zero;
use super::fuse::{Code, Fused, Term};
use super::hash::{high, mix};
use super::levels::Levels;
use super::narrow;

/// The highest level that is told from others in the order of terms.
const MOST_LEVELS: u32 = (1 << 23) - 1;

/// From how many computed slots on a graph is large.
const LARGE: usize = 1 << 18;

/// What members of a class have in common for sure: what computes them, and how many operands or terms of each sign.
pub(super) type Shape = (Code, u32, u32);

/// What is known of a class beside what the fused code knows.
#[derive(Clone, Copy, Debug, Default)]
struct Class {
    /// A hash of all that members have in common; others may have the same by chance.
    hash: u32,
    /// How many terms are subtracted.
    minus: u32,
}

/// The levels, kinds and classes of all slots, pairs where what is read together lies anywhere.
#[derive(Debug)]
pub(super) struct Kinds {
    slots: Vec<Slot>,
    classes: Vec<Class>,
    /// How many classes there are, about.
    distinct: usize,
}

/// What is known of a slot, side by side, since it is asked for together.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// A hash of the operation; for leaves, which kind of leaf it is.
    flat: u32,
    /// The first user, 0 for none.
    user: u32,
    /// A hash of the place in which that uses it.
    edge: u32,
}

/// What is known of an operand.
#[derive(Clone, Copy)]
struct Known {
    level: u32,
    flat: u32,
}

impl Known {
    /// What is coarsely known of it, for a user that is `late` or not: what late ones read may lie on different levels.
    fn kind(self, late: bool) -> u64 {
        let (level, flat) = (u64::from(self.level), u64::from(self.flat));
        if level == 0 || late { flat } else { mix(flat, level) | 4 }
    }
}

impl Kinds {
    pub(super) fn new(program: &Program, fused: &mut Fused, levels: &Levels) -> Self {
        let layout = &program.layout;
        let (leaves, len) = (fused.leaves, fused.code.len());
        let classes = vec![Class::default(); len - leaves];
        let mut slots = vec![Slot::default(); len];
        slots[layout.inputs..][..layout.parameters].fill(Slot { flat: 1, ..Slot::default() });
        slots[layout.inputs + layout.parameters..][..program.constants.len()].fill(Slot { flat: 2, ..Slot::default() });
        let mut kinds = Self { slots, classes, distinct: 0 };
        let mut sketch = Sketch::new(len - leaves);
        let mut keyed = Vec::new();
        for slot in leaves..len {
            let class = match fused.code[slot] {
                Code::Leaf | Code::Rolled => continue,
                Code::Linear(zero) => kinds.linear(slot, zero, fused.terms_mut(slot), levels, &mut keyed),
                Code::Region(_) => kinds.region(slot),
                Code::Map(op) => kinds.operation(slot, op, fused.operands(slot), levels, false),
                Code::List(op) => kinds.operation(slot, op, fused.operands(slot), levels, true),
            };
            kinds.classes[slot - leaves] = class;
            // Waiting makes no graph regular.
            sketch.see(if levels.is_late(slot) {
                high(mix(levels.early(fused, slot), u64::from(class.hash)))
            } else {
                class.hash
            });
        }
        kinds.distinct = sketch.count();
        kinds
    }

    /// Whether the classes are small although the levels are not.
    ///
    /// A large graph does not fit into the cache: there the order of creation is worth more than somewhat larger classes.
    pub(super) fn is_irregular(&self, levels: &Levels) -> bool {
        let computed = self.classes.len();
        let few = if computed < LARGE { 4 } else { 16 };
        few * self.distinct > computed && 3 * (levels.highest as usize) < computed
    }

    /// A hash that members of a class have in common.
    pub(super) fn hash(&self, slot: u32) -> u32 {
        self.class(slot).hash
    }

    /// What they have in common for sure.
    pub(super) fn shape(&self, fused: &Fused, slot: u32) -> Shape {
        (fused.code[slot as usize], fused.len(slot as usize), self.class(slot).minus)
    }

    fn class(&self, slot: u32) -> Class {
        self.classes[slot as usize - (self.slots.len() - self.classes.len())]
    }

    /// The kind of a slot without its level: what the members of a class are used for may lie on different ones.
    pub(super) fn flat(&self, slot: u32) -> u32 {
        self.slots[slot as usize].flat
    }

    fn known(&self, slot: u32, levels: &Levels) -> Known {
        Known { level: levels.of(slot), flat: self.flat(slot) }
    }

    /// Where a slot goes, three users far.
    pub(super) fn side(&self, slot: u32) -> u32 {
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

    /// The first user of a slot stays.
    fn add_user(&mut self, operand: u32, user: usize, edge: u64) {
        let known = &mut self.slots[operand as usize];
        if known.user == 0 {
            (known.user, known.edge) = (narrow(user), high(edge));
        }
    }

    fn linear(
        &mut self,
        slot: usize,
        zero: Zero,
        terms: &mut [Term],
        levels: &Levels,
        keyed: &mut Vec<(u64, Term)>,
    ) -> Class {
        let (mut minus, mut total, late) = (0, 0_u64, levels.is_late(slot));
        keyed.clear();
        for &(mut term) in &*terms {
            let (a, b) = term.factors();
            let mut known = (self.known(a, levels), b.map(|b| self.known(b, levels)));
            if let Some(other) = known.1
                && other.flat < known.0.flat
            {
                (term, known) = (term.swapped(), (other, Some(known.0)));
            }
            minus += u32::from(term.minus());
            let second = known.1.map_or(3, |known| known.kind(late));
            let signature = mix(mix(u64::from(term.minus()), known.0.kind(late)), second);
            total = total.wrapping_add(signature);
            // Signs stand together, then levels: what a step made is read beside what the step before made.
            let level = known.1.map_or(0, |known| known.level).max(known.0.level);
            let level = if late { 0 } else { u64::from(level.min(MOST_LEVELS)) };
            keyed.push((u64::from(term.minus()) << 63 | level << 40 | signature >> 24, term));
        }
        match keyed.as_mut_slice() {
            [_] => {}
            [a, b] if a.0 <= b.0 => {}
            [a, b] => std::mem::swap(a, b),
            more if more.is_sorted_by_key(|pair| pair.0) => {}
            more => more.sort_by_key(|pair| pair.0),
        }
        let flat = mix(11 + zero as u64, terms.len() as u64);
        for (term, &(_, sorted)) in terms.iter_mut().zip(&*keyed) {
            *term = sorted;
            let (a, b) = sorted.factors();
            let edge = mix(mix(flat, u64::from(self.flat(a))), b.map_or(3, |b| u64::from(self.flat(b))));
            self.add_user(a, slot, edge);
            if let Some(b) = b {
                self.add_user(b, slot, mix(edge, 1));
            }
        }
        self.slots[slot].flat = 11;
        Class { hash: high(mix(mix(flat, u64::from(levels.of(narrow(slot)))), total)), minus }
    }

    /// A region is a class of its own.
    fn region(&mut self, slot: usize) -> Class {
        let hash = high(mix(17, slot as u64));
        self.slots[slot].flat = hash;
        Class { hash, minus: 0 }
    }

    /// An operation; if its operands are a list, their order does not matter.
    fn operation(&mut self, slot: usize, number: u32, operands: &[u32], levels: &Levels, is_list: bool) -> Class {
        let flat = mix(13, u64::from(number));
        let late = levels.is_late(slot);
        let mut key = mix(mix(flat, u64::from(levels.of(narrow(slot)))), operands.len() as u64);
        for (place, &operand) in operands.iter().enumerate() {
            let kind = self.known(operand, levels).kind(late);
            key = if is_list { key.wrapping_add(kind) } else { mix(key, kind) };
            self.add_user(operand, slot, if is_list { flat } else { mix(flat, place as u64) });
        }
        self.slots[slot].flat = high(flat);
        Class { hash: high(mix(key, 0)), minus: 0 }
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
