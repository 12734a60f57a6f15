//! What all lanes share: computed once, before the lanes, and differentiated once, after them.

use std::ops::Range;

use smallvec::SmallVec;

use super::Program;
use crate::op::{Op, Scalar};

/// The steps of a program that no input reaches.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedCode {
    steps: Vec<(Op, SmallVec<[u32; 2]>, u32)>,
    /// Where the leaves begin and end: parameters, then constants.
    parameters: Range<usize>,
    /// The slots of the parameters whose gradient is 0.
    frozen: Vec<u32>,
    constants: Vec<f64>,
    slots: usize,
    longest: usize,
}

impl SharedCode {
    pub(super) fn new(program: &Program, varies: &[bool]) -> Self {
        let steps = program.steps().filter(|&(_, _, slot)| !varies[slot]);
        let narrow = |slot: usize| u32::try_from(slot).expect("fewer than 2³² nodes");
        let steps: Vec<(Op, SmallVec<[u32; 2]>, u32)> =
            steps.map(|(op, operands, slot)| (op, operands.into(), narrow(slot))).collect();
        let parameters = program.layout.inputs..program.layout.inputs + program.layout.parameters;
        let leaves = parameters.end + program.constants.len();
        let slots = steps.last().map_or(leaves, |(_, _, slot)| *slot as usize + 1);
        let longest = steps.iter().map(|(_, operands, _)| operands.len()).max().unwrap_or(0);
        let (frozen, constants) = (program.layout.frozen.clone(), program.constants.clone());
        Self { steps, parameters, frozen, constants, slots, longest }
    }

    /// How many slots the buffers have.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// How many numbers the scratch has: the operands of a step, and their partials.
    pub(super) fn scratch(&self) -> usize {
        2 * self.longest
    }

    /// Neighbouring slots where the caller has them, if they are parameters and nothing is computed from them.
    pub(super) fn given<'p>(&self, slots: &Range<usize>, parameters: &'p [f64]) -> Option<&'p [f64]> {
        let first = slots.start.checked_sub(self.parameters.start)?;
        self.steps.is_empty().then(|| parameters.get(first..)?.get(..slots.len()))?
    }

    /// Fills the slots of all that is shared.
    pub(super) fn forward(&self, parameters: &[f64], slots: &mut [f64], scratch: &mut [f64]) {
        slots[self.parameters.clone()].copy_from_slice(parameters);
        slots[self.parameters.end..][..self.constants.len()].copy_from_slice(&self.constants);
        for (op, operands, slot) in &self.steps {
            let gathered = &mut scratch[..operands.len()];
            gather(operands, slots, gathered);
            slots[*slot as usize] = op.value(gathered);
        }
    }

    /// Passes the adjoints of all that is shared on to the parameters.
    pub(super) fn reverse(&self, slots: &[f64], adjoints: &mut [f64], scratch: &mut [f64]) {
        let (gathered, partials) = scratch.split_at_mut(self.longest);
        for (op, operands, slot) in self.steps.iter().rev() {
            let adjoint = adjoints[*slot as usize];
            let (gathered, partials) = (&mut gathered[..operands.len()], &mut partials[..operands.len()]);
            gather(operands, slots, gathered);
            op.partials(gathered, slots[*slot as usize], partials);
            for (&operand, &partial) in operands.iter().zip(&*partials) {
                adjoints[operand as usize] += adjoint.chain(partial);
            }
        }
    }

    /// The slots of the parameters whose gradient is 0.
    pub(super) fn frozen(&self) -> &[u32] {
        &self.frozen
    }

    /// The slots of the parameters.
    pub(super) fn parameters(&self) -> Range<usize> {
        self.parameters.clone()
    }
}

fn gather(operands: &[u32], slots: &[f64], gathered: &mut [f64]) {
    for (number, &operand) in gathered.iter_mut().zip(operands) {
        *number = slots[operand as usize];
    }
}
