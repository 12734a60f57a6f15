//! Hashes of structure: what is alike is found by them, and compared in full afterwards.

use crate::op::Op;

/// Takes a number into a hash.
pub(super) fn mix(hash: u64, number: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Numbers for operations, parameters included.
#[derive(Debug, Default)]
pub(super) struct Ops {
    known: Vec<Op>,
    others: u32,
}

impl Ops {
    /// The number of an operation; beyond some hundreds, each gets one of its own.
    pub(super) fn number(&mut self, op: Op) -> u32 {
        if let Some(known) = self.known.iter().rposition(|&known| known == op) {
            return u32::try_from(known).expect("a few hundred");
        }
        if self.known.len() < 256 {
            self.known.push(op);
        } else {
            self.others += 1;
        }
        u32::try_from(self.known.len() - 1).expect("a few hundred") + self.others
    }
}
