//! Fold: what constants alone determine becomes a constant.
//!
//! Each value is that of the operation's rule, so that no bit changes; nothing is rewritten.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::{Layout, Program, Step};

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
    let mut values: Vec<Option<f64>> = vec![None; layout.len];
    values[first_constant..first_step].iter_mut().zip(&program.constants).for_each(|(value, &c)| *value = Some(c));
    let mut known = Vec::new();
    let mut folded = 0;
    for (op, operands, slot) in program.steps() {
        known.clear();
        known.extend(operands.iter().map_while(|&operand| values[operand as usize]));
        if known.len() == operands.len() {
            values[slot] = Some(op.value(&known));
            folded += 1;
        }
    }
    if folded == 0 {
        return (Cow::Borrowed(program), 0);
    }
    let narrow = |slot: usize| u32::try_from(slot).expect("fewer than 2³² nodes");
    let mut slots: Vec<u32> = (0..narrow(first_step)).collect();
    let mut constants = program.constants.clone();
    let mut steps = Vec::with_capacity(program.steps.len() - folded);
    let mut moved = vec![];
    let mut next = narrow(first_step + folded);
    for (op, operands, slot) in program.steps() {
        if let Some(value) = values[slot] {
            slots.push(narrow(first_constant + constants.len()));
            constants.push(value);
        } else {
            moved.extend(operands.iter().map(|&operand| slots[operand as usize]));
            steps.push(Step { op, count: narrow(operands.len()) });
            slots.push(next);
            next += 1;
        }
    }
    let outputs = program.outputs.iter().map(|&slot| slots[slot as usize]).collect();
    let rewritten = Program {
        layout: Arc::new(Layout { slots: vec![], keys: vec![], frozen: layout.frozen.clone(), ..**layout }),
        initial: vec![],
        constants,
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
