//! Classes: what one evaluation can compute side by side.
//!
//! The level of a node is one more than the highest of its operands; nodes of a level do not depend on each other. A
//! class is nodes of a level with the same operation over operands of the same kinds; its members get neighbouring
//! slots. They stand in the order of creation, but what goes to different places stands apart, so that the windows of
//! the users are regular too.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::super::Program;
use super::fuse::{Code, Fused};
use super::hash::{Ops, mix};
use super::ready;
use super::roll::Region;
use crate::op::Op;

/// The order of one evaluation.
#[derive(Debug)]
pub(super) struct Classes {
    /// The program's slots, class after class.
    pub(super) order: Vec<u32>,
    /// Where each class begins in `order`, and where the last ends.
    pub(super) starts: Vec<u32>,
    /// The new slot of each of the program's.
    pub(super) slots: Vec<u32>,
    /// The new slots of the parameters.
    pub(super) parameters: Range<u32>,
    /// How many new slots there are.
    pub(super) len: u32,
    /// The slot of the number 1.
    pub(super) one: u32,
    /// The slot of the number 0.
    pub(super) zero: u32,
    /// Whether they follow the levels.
    pub(super) by_level: bool,
}

/// What members of a class have in common beyond their key: the operation, and how many operands or terms of each sign.
type Shape = (u32, u32, u32);

const NOTHING: u32 = u32::MAX;

impl Classes {
    /// Orders fused code; puts the terms of sums into an order that members of a class share.
    ///
    /// With `sorts` off, members of a class stay in the order of creation, and classes follow the levels.
    pub(super) fn new(program: &Program, fused: &mut Fused, regions: &[Region], sorts: bool) -> Self {
        let len = program.layout.len;
        let leaves = len - program.steps.len();
        let mut kinds = Kinds::new(program);
        let mut users = Users::new(len);
        let mut keys = vec![0_u64; len - leaves];
        let mut shapes: Vec<Shape> = vec![(0, 0, 0); len - leaves];
        for slot in leaves..len {
            let (key, shape) = match fused.code[slot] {
                Code::Leaf | Code::Absorbed => continue,
                Code::Linear => kinds.linear(slot, fused, &mut users),
                Code::Region(region) => kinds.region(slot, &regions[region as usize]),
                Code::Map(op) | Code::List(op) => kinds.operation(slot, op, fused, &mut users),
            };
            (keys[slot - leaves], shapes[slot - leaves]) = (key, shape);
        }
        let by_level = by_level(leaves, fused, &kinds.levels);
        let (inputs, parameters) = (narrow(program.layout.inputs), narrow(program.layout.parameters));
        // Rows of weights are aligned if they are as long as registers.
        let aligned = inputs.next_multiple_of(8);
        let end = aligned + narrow(leaves) - inputs;
        let unplaced = std::iter::repeat_n(NOTHING, len - leaves);
        let mut classes = Self {
            order: Vec::with_capacity(by_level.len()),
            starts: vec![],
            slots: (0..inputs).chain(aligned..end).chain(unplaced).collect(),
            parameters: aligned..aligned + parameters,
            len: (end + 2).next_multiple_of(8),
            one: end,
            zero: end + 1,
            by_level: true,
        };
        let shape = |slot: u32| shapes[slot as usize - leaves];
        let sorted = Sorted::new(by_level, &kinds.levels, |slot| (keys[slot as usize - leaves], shape(slot)));
        if sorts && sorted.is_irregular() {
            classes.by_level = false;
            // In the order of creation, what lies close by is looked at together.
            let slots: Vec<u32> = (leaves..len).filter(|&slot| fused.computes(slot)).map(narrow).collect();
            let runs = ready::runs(
                &slots,
                narrow(leaves),
                |slot| (kinds.flat(slot), shape(slot)),
                |slot, reads| each_operand(fused, regions, slot, &mut |operand| reads.push(operand)),
            );
            runs.starts.windows(2).for_each(|ends| classes.push(&runs.order[ends[0] as usize..ends[1] as usize]));
        } else {
            let sides = users.sides();
            let Sorted { mut slots, classes: counts, .. } = sorted;
            let mut rest = slots.as_mut_slice();
            for count in counts {
                let (class, others) = rest.split_at_mut(count as usize);
                if sorts {
                    sort_by_first_appearance(class, |slot| sides[slot as usize]);
                }
                classes.push(class);
                rest = others;
            }
        }
        classes.starts.push(narrow(classes.order.len()));
        classes.len = classes.len.next_multiple_of(8);
        classes
    }

    fn push(&mut self, members: &[u32]) {
        self.starts.push(narrow(self.order.len()));
        if members.len() >= 8 {
            self.len = self.len.next_multiple_of(8);
        }
        for &slot in members {
            self.slots[slot as usize] = self.len;
            self.len += 1;
        }
        self.order.extend_from_slice(members);
    }

    /// The members of every class.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|ends| &self.order[ends[0] as usize..ends[1] as usize])
    }
}

/// Computed slots level by level, those of a level class by class.
struct Sorted {
    slots: Vec<u32>,
    /// The size of each class.
    classes: Vec<u32>,
    levels: usize,
}

impl Sorted {
    fn new(by_level: Vec<u32>, levels: &[u32], key: impl Fn(u32) -> (u64, Shape)) -> Self {
        let mut sorted = Self { slots: by_level, classes: vec![], levels: 0 };
        for level in sorted.slots.chunk_by_mut(|&a, &b| levels[a as usize] == levels[b as usize]) {
            sorted.levels += 1;
            sort_by_first_appearance(level, |slot| key(slot).0);
            sorted.classes.extend(level.chunk_by(|&a, &b| key(a) == key(b)).map(|class| narrow(class.len())));
        }
        sorted
    }

    /// Whether the classes are small although the levels are not.
    fn is_irregular(&self) -> bool {
        4 * self.classes.len() > self.slots.len() && 3 * self.levels < self.slots.len()
    }
}

/// Calls `visit` with every operand of a computed slot.
fn each_operand(fused: &Fused, regions: &[Region], slot: u32, visit: &mut dyn FnMut(u32)) {
    match fused.code[slot as usize] {
        Code::Leaf | Code::Absorbed => {}
        Code::Linear => fused.terms(slot as usize).iter().for_each(|term| term.each_factor(&mut *visit)),
        Code::Map(_) | Code::List(_) => fused.operands(slot as usize).iter().copied().for_each(visit),
        Code::Region(number) => regions[number as usize].reads.iter().copied().for_each(visit),
    }
}

/// Sorts slots by a key, the keys in the order of their first appearance, equal keys in theirs.
fn sort_by_first_appearance(slots: &mut [u32], key: impl Fn(u32) -> u64) {
    let Some(&first) = slots.first() else { return };
    if slots.iter().all(|&slot| key(slot) == key(first)) {
        return;
    }
    let mut ranks = FxHashMap::default();
    let mut ranked: Vec<(u32, u32)> = slots
        .iter()
        .map(|&slot| {
            let next = narrow(ranks.len());
            (*ranks.entry(key(slot)).or_insert(next), slot)
        })
        .collect();
    ranked.sort_by_key(|pair| pair.0);
    slots.iter_mut().zip(ranked).for_each(|(slot, (_, sorted))| *slot = sorted);
}

/// The slots that compute something, level by level.
fn by_level(leaves: usize, fused: &Fused, levels: &[u32]) -> Vec<u32> {
    let computed = |&slot: &usize| fused.computes(slot);
    let highest = levels.iter().max().map_or(0, |&level| level as usize);
    let mut ends = vec![0_u32; highest + 2];
    (leaves..levels.len()).filter(computed).for_each(|slot| ends[levels[slot] as usize + 1] += 1);
    for level in 0..=highest {
        ends[level + 1] += ends[level];
    }
    let mut sorted = vec![0; *ends.last().unwrap_or(&0) as usize];
    for slot in (leaves..levels.len()).filter(computed) {
        let next = &mut ends[levels[slot] as usize];
        sorted[*next as usize] = narrow(slot);
        *next += 1;
    }
    sorted
}

/// Levels, and what is coarsely known of each slot.
struct Kinds {
    levels: Vec<u32>,
    coarse: Vec<u64>,
    flat: Vec<u64>,
    ops: Ops,
}

impl Kinds {
    fn new(program: &Program) -> Self {
        let layout = &program.layout;
        let mut coarse = vec![0; layout.len];
        coarse[layout.inputs..][..layout.parameters].fill(1);
        coarse[layout.inputs + layout.parameters..][..program.constants.len()].fill(2);
        Self { levels: vec![0; layout.len], flat: coarse.clone(), coarse, ops: Ops::default() }
    }

    fn level(&self, operands: impl Iterator<Item = u32>) -> u32 {
        1 + operands.map(|slot| self.levels[slot as usize]).max().unwrap_or(0)
    }

    fn kind(&self, slot: u32) -> u64 {
        self.coarse[slot as usize]
    }

    /// The same without the level: what the members of a class are used for may lie on different ones.
    fn flat(&self, slot: u32) -> u64 {
        self.flat[slot as usize]
    }

    fn linear(&mut self, slot: usize, fused: &mut Fused, users: &mut Users) -> (u64, Shape) {
        let signature = |term: super::fuse::Term| {
            let (a, b) = term.factors();
            mix(mix(u64::from(term.minus), self.kind(a)), b.map_or(3, |b| self.kind(b)))
        };
        let terms = fused.terms_mut(slot);
        for term in terms.iter_mut() {
            if let (a, Some(b)) = term.factors()
                && self.flat(b) < self.flat(a)
            {
                *term = term.swapped();
            }
        }
        if !terms.is_sorted_by_key(|&term| (term.minus, signature(term))) {
            terms.sort_by_cached_key(|&term| (term.minus, signature(term)));
        }
        let total = terms.iter().fold(0_u64, |total, &term| total.wrapping_add(signature(term)));
        let factors = terms.iter().flat_map(|term| {
            let (a, b) = term.factors();
            [Some(a), b].into_iter().flatten()
        });
        let level = self.level(factors);
        let own = mix(mix(11, terms.len() as u64), u64::from(level));
        let flat = mix(11, terms.len() as u64);
        for &term in &*terms {
            let (a, b) = term.factors();
            let edge = mix(mix(flat, self.flat(a)), b.map_or(3, |b| self.flat(b)));
            users.add(a, slot, edge);
            if let Some(b) = b {
                users.add(b, slot, mix(edge, 1));
            }
        }
        let minus = terms.iter().filter(|term| term.minus).count();
        let shape = (NOTHING, narrow(terms.len()), narrow(minus));
        self.levels[slot] = level;
        self.coarse[slot] = mix(11, u64::from(level)) | 4;
        self.flat[slot] = 11;
        (mix(own, total), shape)
    }

    /// A region is a class of its own.
    fn region(&mut self, slot: usize, region: &Region) -> (u64, Shape) {
        let level = self.level(region.reads.iter().copied());
        self.levels[slot] = level;
        self.coarse[slot] = mix(17, slot as u64) | 4;
        self.flat[slot] = 17;
        (self.coarse[slot], (NOTHING - 1, 0, narrow(slot)))
    }

    fn operation(&mut self, slot: usize, op: Op, fused: &Fused, users: &mut Users) -> (u64, Shape) {
        let operands = fused.operands(slot);
        let level = self.level(operands.iter().copied());
        let number = self.ops.number(op);
        let own = mix(mix(13, u64::from(number)), u64::from(level));
        let flat = mix(13, u64::from(number));
        let list = matches!(fused.code[slot], Code::List(_));
        let mut key = mix(own, operands.len() as u64);
        for (place, &operand) in operands.iter().enumerate() {
            users.add(operand, slot, if list { flat } else { mix(flat, place as u64) });
            key = if list { key.wrapping_add(self.kind(operand)) } else { mix(key, self.kind(operand)) };
        }
        self.levels[slot] = level;
        self.coarse[slot] = own | 4;
        self.flat[slot] = flat;
        (key, (number, narrow(operands.len()), 0))
    }
}

/// The first user of each slot, and in which place it uses it.
struct Users {
    first: Vec<u32>,
    edges: Vec<u64>,
}

impl Users {
    fn new(len: usize) -> Self {
        Self { first: vec![NOTHING; len], edges: vec![0; len] }
    }

    fn add(&mut self, operand: u32, user: usize, edge: u64) {
        let first = &mut self.first[operand as usize];
        if *first == NOTHING {
            *first = narrow(user);
            self.edges[operand as usize] = edge;
        }
    }

    /// Where each slot goes, three users far.
    fn sides(&self) -> Vec<u64> {
        let mut sides = self.edges.clone();
        for _ in 0..2 {
            sides = (self.edges.iter().zip(&self.first))
                .map(|(&edge, &user)| if user == NOTHING { edge } else { mix(edge, sides[user as usize]) })
                .collect();
        }
        sides
    }
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2³² nodes")
}
