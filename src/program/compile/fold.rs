//! Fold: what constants alone determine becomes a constant.
//!
//! Each value is that of the operation's rule, so that no bit changes; nothing is rewritten.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::{Layout, Program};

/// A program with the constants that others determine among the constants, and how many these are.
///
/// Slots are numbered anew; nodes are not known any more.
pub(super) fn fold(program: &Program) -> (Cow<'_, Program>, usize) {
    let layout = &program.layout;
    if program.constants.is_empty() {
        return (Cow::Borrowed(program), 0);
    }
    let first_constant = layout.inputs + layout.parameters;
    let first_step = layout.len - program.steps.len();
    let mut constant = vec![false; layout.len];
    constant[first_constant..first_step].fill(true);
    let mut folded = 0;
    for (_, operands, slot) in program.steps() {
        constant[slot] = operands.iter().all(|&operand| constant[operand as usize]);
        folded += usize::from(constant[slot]);
    }
    if folded == 0 {
        return (Cow::Borrowed(program), 0);
    }
    let narrow = |slot: usize| u32::try_from(slot).expect("fewer than 2³² nodes");
    let mut slots: Vec<u32> = (0..narrow(first_step)).collect();
    let mut constants = program.constants.clone();
    let mut steps = Vec::with_capacity(program.steps.len() - folded);
    let mut moved = vec![];
    let mut known = vec![];
    let mut next = narrow(first_step + folded);
    for ((op, operands, slot), step) in program.steps().zip(&program.steps) {
        if constant[slot] {
            known.clear();
            known.extend(operands.iter().map(|&operand| constants[slots[operand as usize] as usize - first_constant]));
            slots.push(narrow(first_constant + constants.len()));
            constants.push(op.value(&known));
        } else {
            moved.extend(operands.iter().map(|&operand| slots[operand as usize]));
            steps.push(*step);
            slots.push(next);
            next += 1;
        }
    }
    let outputs = program.outputs.iter().map(|&slot| slots[slot as usize]).collect();
    let rewritten = Program {
        layout: Arc::new(Layout { slots: vec![], keys: vec![], frozen: layout.frozen.clone(), ..**layout }),
        initial: vec![],
        constants,
        ops: program.ops.clone(),
        steps,
        operands: moved,
        outputs,
        longest: program.longest,
        without: program.without,
        lanes: Default::default(),
        single: Default::default(),
    };
    (Cow::Owned(rewritten), folded)
}
