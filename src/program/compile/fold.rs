//! Fold: what constants alone determine becomes a constant, and a division by a power of two a product.
//!
//! Each value is that of the operation's rule: no bit changes.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::{Layout, Program};
use super::narrow;
use crate::op::Op;

/// What is no constant.
const NONE: u32 = u32::MAX;

/// The constants of a program.
struct Constants {
    /// Where they begin.
    first: u32,
    /// Those of the program, then those that others determine, and reciprocals.
    values: Vec<f64>,
    /// The place of each slot that is one.
    places: Vec<u32>,
    /// The reciprocals by the places of divisors.
    reciprocals: FxHashMap<u32, u32>,
}

impl Constants {
    fn of(program: &Program) -> Self {
        let layout = &program.layout;
        let first = narrow(layout.inputs + layout.parameters);
        let first_step = narrow(layout.len - program.steps.len());
        let mut places = vec![NONE; first as usize];
        places.extend(first..first_step);
        places.reserve_exact(program.steps.len());
        let mut constants =
            Self { first, values: program.constants.clone(), places, reciprocals: FxHashMap::default() };
        let mut known = vec![];
        for (op, operands, _) in program.steps() {
            known.clear();
            known.extend(operands.iter().map_while(|&operand| constants.value(constants.places[operand as usize])));
            let place = if known.len() == operands.len() { constants.push(op.value(&known)) } else { NONE };
            constants.places.push(place);
            if let (Op::Div, NONE, &[_, divisor]) = (op, place, operands) {
                constants.invert(constants.places[divisor as usize]);
            }
        }
        constants
    }

    fn push(&mut self, value: f64) -> u32 {
        self.values.push(value);
        self.first + narrow(self.values.len() - 1)
    }

    fn value(&self, place: u32) -> Option<f64> {
        if place == NONE { None } else { Some(self.values[(place - self.first) as usize]) }
    }

    /// Adds the reciprocal of a divisor, if it is a constant and to divide by it is to multiply by that.
    fn invert(&mut self, divisor: u32) {
        if let Some(value) = self.value(divisor)
            && is_power_of_two(value)
            && !self.reciprocals.contains_key(&divisor)
        {
            let reciprocal = self.push(value.recip());
            self.reciprocals.insert(divisor, reciprocal);
        }
    }
}

/// Whether a number is a power of two, of either sign, and its reciprocal too.
fn is_power_of_two(value: f64) -> bool {
    value.is_normal() && value.to_bits().trailing_zeros() >= f64::MANTISSA_DIGITS - 1 && value.recip().is_normal()
}

/// A program with the constants that others determine among the constants, and how many these are.
///
/// Slots are numbered anew; nodes are not known any more.
pub(super) fn fold(program: &Program) -> (Cow<'_, Program>, usize) {
    if program.constants.is_empty() {
        return (Cow::Borrowed(program), 0);
    }
    let Constants { first, values, places, reciprocals } = Constants::of(program);
    let more = values.len() - program.constants.len();
    if more == 0 {
        return (Cow::Borrowed(program), 0);
    }
    let folded = more - reciprocals.len();
    let (mut slots, mut ops) = (places, program.ops.clone());
    slots[..first as usize].iter_mut().zip(0..).for_each(|(slot, own)| *slot = own);
    let mut steps = Vec::with_capacity(program.steps.len() - folded);
    let mut moved = vec![];
    let mut next = first + narrow(values.len());
    for ((op, operands, slot), step) in program.steps().zip(&program.steps) {
        if slots[slot] != NONE {
            continue;
        }
        moved.extend(operands.iter().map(|&operand| slots[operand as usize]));
        let mut step = *step;
        if let (Op::Div, Some(divisor)) = (op, moved.last_mut())
            && let Some(&reciprocal) = reciprocals.get(divisor)
        {
            (step.op, *divisor) = (ops.number(Op::Mul), reciprocal);
        }
        steps.push(step);
        slots[slot] = next;
        next += 1;
    }
    let outputs = program.outputs.iter().map(|&slot| slots[slot as usize]).collect();
    let layout = &program.layout;
    let rewritten = Program {
        layout: Arc::new(Layout {
            slots: vec![],
            keys: vec![],
            frozen: layout.frozen.clone(),
            len: next as usize,
            ..**layout
        }),
        initial: vec![],
        constants: values,
        ops,
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
