//! Operations by number, so that a step needs no room for their parameters.

use std::ops::Index;

use crate::op::Op;

/// The operations of a program, parameters included.
#[derive(Clone, Debug, Default)]
pub(super) struct Ops(Vec<Op>);

impl Ops {
    /// The number of an operation; beyond some hundreds, each gets one of its own.
    pub(super) fn number(&mut self, op: Op) -> u32 {
        const SEARCHED: usize = 256;
        let known = &self.0[..self.0.len().min(SEARCHED)];
        let place = known.iter().rposition(|&known| known == op).unwrap_or_else(|| {
            self.0.push(op);
            self.0.len() - 1
        });
        u32::try_from(place).expect("fewer than 2³² nodes")
    }

    pub(super) fn contains(&self, op: Op) -> bool {
        self.0.contains(&op)
    }
}

impl Index<u32> for Ops {
    type Output = Op;

    fn index(&self, number: u32) -> &Op {
        &self.0[number as usize]
    }
}
