//! Where the numbers that all lanes share lie: runs of neighbouring slots.

use std::ops::Range;

/// The slots of the shared numbers, and whether their adjoints are wanted.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Uniforms {
    runs: Vec<Run>,
    len: usize,
}

/// Neighbours.
#[derive(Clone, Debug)]
pub(in super::super) struct Run {
    pub(in super::super) slots: Range<u32>,
    pub(in super::super) wanted: bool,
}

impl Uniforms {
    pub(in super::super) fn new(slots: impl IntoIterator<Item = (u32, bool)>) -> Self {
        let mut uniforms = Self::default();
        for (slot, wanted) in slots {
            uniforms.len += 1;
            match uniforms.runs.last_mut() {
                Some(run) if run.slots.end == slot && run.wanted == wanted => run.slots.end += 1,
                _ => uniforms.runs.push(Run { slots: slot..slot + 1, wanted }),
            }
        }
        uniforms
    }

    /// How many numbers there are.
    pub(in super::super) fn len(&self) -> usize {
        self.len
    }

    /// The slots of all of them, if they are neighbours whose adjoints are wanted.
    pub(in super::super) fn whole(&self) -> Option<Range<usize>> {
        match self.runs.as_slice() {
            [Run { slots, wanted: true }] => Some(slots.start as usize..slots.end as usize),
            _ => None,
        }
    }

    pub(in super::super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The slot of a shared number.
    pub(in super::super) fn slot(&self, mut place: u32) -> u32 {
        for run in &self.runs {
            let count = run.slots.end - run.slots.start;
            if place < count {
                return run.slots.start + place;
            }
            place -= count;
        }
        unreachable!("code reads the numbers that it shares")
    }

    /// Reads the shared numbers; `source` gives the numbers of a run.
    pub(in super::super) fn read<'s>(&self, mut to: &mut [f64], source: impl Fn(&Range<u32>) -> &'s [f64]) {
        for run in &self.runs {
            let numbers = source(&run.slots);
            let (own, rest) = to.split_at_mut(numbers.len());
            own.copy_from_slice(numbers);
            to = rest;
        }
    }

    /// Adds to the adjoints of the slots what is wanted of the shared numbers'.
    pub(in super::super) fn add(&self, mut totals: &[f64], adjoints: &mut [f64]) {
        for run in &self.runs {
            let to = &mut adjoints[run.slots.start as usize..run.slots.end as usize];
            let (own, rest) = totals.split_at(to.len());
            if run.wanted {
                to.iter_mut().zip(own).for_each(|(to, total)| *to += total);
            }
            totals = rest;
        }
    }
}
