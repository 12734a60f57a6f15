//! Ready lists: an order for graphs without regular levels.
//!
//! What can be computed waits in a list for each kind of operation, and the fullest list goes next. Where levels are
//! narrow this makes longer runs of one operation than the levels have.

use std::collections::BinaryHeap;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::narrow;

/// The order, run after run, and where each run begins, and the end of the last.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) order: Vec<u32>,
    pub(super) starts: Vec<u32>,
}

/// What is known of a slot that cannot be computed yet.
#[derive(Clone, Copy, Default)]
struct Waiting {
    /// For how many operands it waits.
    operands: u32,
    kind: u32,
}

/// Orders slots, which ascend; `operands` appends the operands of a slot to a list, those before the first slot being there
/// already.
pub(super) fn runs<K: Hash + Eq>(
    slots: &[u32],
    kind: impl Fn(u32) -> K,
    operands: impl Fn(u32, &mut Vec<u32>),
) -> Runs {
    let (&[first, ..], &[.., last]) = (slots, slots) else { return Runs::default() };
    let count = (last - first) as usize + 1;
    let place = |slot: u32| (slot - first) as usize;
    // The users of each slot lie side by side, and end where those of the next begin.
    let mut ends = vec![0_u32; count + 1];
    // What is asked for together lies side by side: the number of a kind is looked up here, in order.
    let mut waiting = vec![Waiting::default(); count];
    let mut reads = Vec::with_capacity(2 * slots.len());
    let mut kinds = FxHashMap::default();
    for &slot in slots {
        let own = reads.len();
        operands(slot, &mut reads);
        for &operand in reads[own..].iter().filter(|&&operand| operand >= first) {
            ends[place(operand) + 1] += 1;
        }
        let new = narrow(kinds.len());
        let kind = *kinds.entry(kind(slot)).or_insert(new);
        waiting[place(slot)] = Waiting { operands: narrow(reads.len() - own), kind };
    }
    for slot in 1..ends.len() {
        ends[slot] += ends[slot - 1];
    }
    let mut next = ends.clone();
    let mut users = vec![0_u32; *ends.last().unwrap_or(&0) as usize];
    let mut reads = reads.as_slice();
    for &slot in slots {
        let (own, rest) = reads.split_at(waiting[place(slot)].operands as usize);
        reads = rest;
        for &operand in own {
            if operand < first {
                waiting[place(slot)].operands -= 1;
                continue;
            }
            let at = &mut next[place(operand)];
            users[*at as usize] = slot;
            *at += 1;
        }
    }
    // Lists are numbered as they are begun.
    let mut numbers = vec![None; kinds.len()];
    let mut lists: Vec<Vec<u32>> = Vec::new();
    let mut fullest: BinaryHeap<(usize, usize)> = BinaryHeap::new();
    let mut offer = |slot: u32, kind: u32, lists: &mut Vec<Vec<u32>>, fullest: &mut BinaryHeap<(usize, usize)>| {
        let number = *numbers[kind as usize].get_or_insert_with(|| {
            lists.push(vec![]);
            lists.len() - 1
        });
        lists[number].push(slot);
        // Twice as full is fuller; less is not worth the order.
        if lists[number].len().is_power_of_two() {
            fullest.push((lists[number].len(), number));
        }
    };
    for &slot in slots {
        let Waiting { operands, kind } = waiting[place(slot)];
        if operands == 0 {
            offer(slot, kind, &mut lists, &mut fullest);
        }
    }
    let mut runs = Runs::default();
    while let Some((len, number)) = fullest.pop() {
        let grown = lists[number].len();
        if grown < len || grown >= 2 * len {
            continue;
        }
        runs.starts.push(narrow(runs.order.len()));
        let mut run = std::mem::take(&mut lists[number]);
        run.sort_unstable();
        for &slot in &run {
            for &user in &users[ends[place(slot)] as usize..ends[place(slot) + 1] as usize] {
                let Waiting { operands, kind } = &mut waiting[place(user)];
                *operands -= 1;
                if *operands == 0 {
                    offer(user, *kind, &mut lists, &mut fullest);
                }
            }
        }
        runs.order.extend(run);
    }
    runs.starts.push(narrow(runs.order.len()));
    runs
}
