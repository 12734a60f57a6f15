//! Operations by number, so that a step needs no room for their parameters.

use std::ops::Index;

use crate::op::Op;

/// The operations of a program, parameters included.
#[derive(Clone, Debug, Default)]
pub(super) struct Ops {
    all: Vec<Op>,
    /// The number that came after each of the first when it was last seen: loops ask for the same again and again.
    next: Vec<u32>,
    last: u32,
}

/// How many are searched.
const SEARCHED: usize = 256;

impl Ops {
    /// The number of an operation; beyond some hundreds, each gets one of its own.
    #[inline]
    pub(super) fn number(&mut self, op: Op) -> u32 {
        match self.next.get(self.last as usize) {
            Some(&expected) if self.all[expected as usize] == op => {
                self.last = expected;
                expected
            }
            _ => self.search(op),
        }
    }

    #[inline(never)]
    fn search(&mut self, op: Op) -> u32 {
        let known = &self.all[..self.all.len().min(SEARCHED)];
        let place = known.iter().rposition(|&known| known == op).unwrap_or_else(|| {
            self.all.push(op);
            self.all.len() - 1
        });
        let number = u32::try_from(place).expect("fewer than 2³² nodes");
        if place < SEARCHED {
            self.next.resize(self.next.len().max(place + 1), number);
        }
        if let Some(next) = self.next.get_mut(self.last as usize) {
            *next = number;
        }
        self.last = number;
        number
    }

    pub(super) fn contains(&self, op: Op) -> bool {
        self.all.contains(&op)
    }
}

impl Index<u32> for Ops {
    type Output = Op;

    fn index(&self, number: u32) -> &Op {
        &self.all[number as usize]
    }
}
