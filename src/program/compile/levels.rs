//! Levels: when each slot is computed.
//!
//! The level of a slot is one more than the highest of what it reads. What nothing but the end of a long graph wants, as
//! the losses at the steps of a recurrent network, waits for that: there it stands beside its like.

use super::fuse::{Code, Fused};
use super::narrow;
use super::roll::Region;

/// The levels of all slots, 0 for leaves.
#[derive(Debug)]
pub(super) struct Levels {
    of: Vec<u32>,
    /// Which slots wait; empty if none does.
    late: Vec<bool>,
    /// The highest level of all.
    pub(super) highest: u32,
    /// How many slots wait.
    pub(super) waiting: usize,
}

/// By how many levels it is worth waiting.
const WORTH_WAITING: u32 = 16;
/// How many slots a level of a graph has on average, at least, in which something waits.
const SLOTS_OF_A_LEVEL: usize = 4;

impl Levels {
    /// Finds the levels; nothing waits if it may not.
    pub(super) fn new(fused: &Fused, regions: &[Region], may_wait: bool) -> Self {
        let of = vec![0; fused.code.len()];
        let mut levels = Self { of, late: vec![], highest: 0, waiting: 0 };
        for slot in fused.leaves..fused.code.len() {
            let mut level = 0;
            each_operand(fused, regions, narrow(slot), |operand| level = level.max(levels.of(operand)));
            levels.of[slot] = level + 1;
            levels.highest = levels.highest.max(level + 1);
        }
        let is_long = levels.highest >= 4 * WORTH_WAITING;
        let computed = fused.code.len() - fused.leaves;
        if may_wait && is_long && computed >= SLOTS_OF_A_LEVEL * levels.highest as usize {
            levels.wait(fused, regions);
        }
        levels
    }

    /// The level of a slot.
    pub(super) fn of(&self, slot: u32) -> u32 {
        self.of[slot as usize]
    }

    /// Whether a slot waits: what its like read may then lie on other levels.
    pub(super) fn is_late(&self, slot: usize) -> bool {
        self.late.get(slot).is_some_and(|&late| late)
    }

    /// The level of a slot if it did not wait.
    pub(super) fn early(&self, fused: &Fused, slot: usize) -> u64 {
        let mut level = 0;
        each_operand(fused, &[], narrow(slot), |operand| level = level.max(self.of(operand)));
        u64::from(level) + 1
    }

    /// Puts what is nearer to the end than to the beginning just before its first user, if that is far.
    fn wait(&mut self, fused: &Fused, regions: &[Region]) {
        self.late = vec![false; self.of.len()];
        // The level of the first user, 0 for none.
        let mut first_users = vec![0_u32; self.of.len()];
        for slot in (fused.leaves..self.of.len()).rev() {
            let (own, last) = (self.of[slot], first_users[slot].saturating_sub(1));
            let is_region = matches!(fused.code[slot], Code::Region(_));
            if last >= own + WORTH_WAITING && own + last > self.highest && !is_region {
                (self.of[slot], self.late[slot]) = (last, true);
                self.waiting += 1;
            }
            let level = self.of[slot];
            each_operand(fused, regions, narrow(slot), |operand| {
                let user = &mut first_users[operand as usize];
                *user = if *user == 0 { level } else { level.min(*user) };
            });
        }
    }

    /// The slots after the leaves, level by level.
    pub(super) fn slots(&self, leaves: usize) -> Vec<u32> {
        let computed = &self.of[leaves..];
        let mut ends = vec![0_u32; self.highest as usize + 2];
        for &level in computed {
            ends[level as usize + 1] += 1;
        }
        for level in 0..ends.len() - 1 {
            ends[level + 1] += ends[level];
        }
        let mut sorted = vec![0; computed.len()];
        for (slot, &level) in (leaves..).zip(computed) {
            let next = &mut ends[level as usize];
            sorted[*next as usize] = narrow(slot);
            *next += 1;
        }
        sorted
    }
}

/// Calls `visit` with every operand of a computed slot.
pub(super) fn each_operand(fused: &Fused, regions: &[Region], slot: u32, mut visit: impl FnMut(u32)) {
    match fused.code[slot as usize] {
        Code::Leaf | Code::Rolled => {}
        Code::Linear(_) => fused.terms(slot as usize).iter().for_each(|term| term.each_factor(&mut visit)),
        Code::Map(_) | Code::List(_) => fused.operands(slot as usize).iter().copied().for_each(visit),
        Code::Region(number) => regions[number as usize].reads.iter().copied().for_each(visit),
    }
}
