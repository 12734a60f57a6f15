//! What all lanes share: computed once, before the lanes, and differentiated once, after them.

use smallvec::SmallVec;

use super::Program;
use crate::op::{Op, Scalar};

/// The steps of a program that no input reaches.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedCode {
    steps: Vec<(Op, SmallVec<[u32; 2]>, u32)>,
    /// Where the leaves begin and end: parameters, then constants.
    parameters: std::ops::Range<usize>,
    constants: Vec<f64>,
    slots: usize,
}

impl SharedCode {
    pub(super) fn new(program: &Program, varies: &[bool]) -> Self {
        let steps = program.steps().filter(|&(_, _, slot)| !varies[slot]);
        let narrow = |slot: usize| u32::try_from(slot).expect("fewer than 2³² nodes");
        let steps: Vec<_> = steps.map(|(op, operands, slot)| (op, operands.into(), narrow(slot))).collect();
        let parameters = program.layout.inputs..program.layout.inputs + program.layout.parameters;
        let leaves = parameters.end + program.constants.len();
        let slots = steps.last().map_or(leaves, |(_, _, slot)| *slot as usize + 1);
        Self { steps, parameters, constants: program.constants.clone(), slots }
    }

    /// How many slots the buffers have.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// Fills the slots of all that is shared.
    pub(super) fn forward(&self, parameters: &[f64], slots: &mut [f64]) {
        slots[self.parameters.clone()].copy_from_slice(parameters);
        slots[self.parameters.end..][..self.constants.len()].copy_from_slice(&self.constants);
        let mut gathered: SmallVec<[f64; 8]> = SmallVec::new();
        for (op, operands, slot) in &self.steps {
            gathered.clear();
            gathered.extend(operands.iter().map(|&operand| slots[operand as usize]));
            slots[*slot as usize] = op.value(&gathered);
        }
    }

    /// Passes the adjoints of all that is shared on to the parameters.
    pub(super) fn reverse(&self, slots: &[f64], adjoints: &mut [f64]) {
        let mut gathered: SmallVec<[f64; 8]> = SmallVec::new();
        let mut partials: SmallVec<[f64; 8]> = SmallVec::new();
        for (op, operands, slot) in self.steps.iter().rev() {
            let adjoint = adjoints[*slot as usize];
            gathered.clear();
            gathered.extend(operands.iter().map(|&operand| slots[operand as usize]));
            partials.resize(operands.len(), 0.0);
            op.partials(&gathered, slots[*slot as usize], &mut partials);
            for (&operand, &partial) in operands.iter().zip(&partials) {
                adjoints[operand as usize] += adjoint.chain(partial);
            }
        }
    }

    /// The slots of the parameters.
    pub(super) fn parameters(&self) -> std::ops::Range<usize> {
        self.parameters.clone()
    }
}
