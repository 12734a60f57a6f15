//! In place: parameters that loops read as they lie are not copied.
//!
//! A nest of loops whose factor never leaves the parameters, and lanes that read neighbouring ones, read them where the
//! caller has them. All others are copied among the values before a run.

use std::ops::Range;

use super::super::windows::{Back, Map, Step, Window, WindowCode};
use super::back::place;

/// Finds what is read in place, and what is copied.
pub(super) fn find(code: &mut WindowCode) {
    let parameters = code.parameters.clone();
    let mut copied = Copied { needed: vec![false; parameters.len()], parameters: parameters.clone() };
    let inside = |[low, high]: [u32; 2]| parameters.contains(&low) && parameters.contains(&high);
    for step in &mut code.forward {
        if let Step::Nest { nest, in_place, .. } = step {
            let bounds = nest.bounds();
            *in_place = bounds.map(inside);
            bounds.into_iter().filter(|&bounds| !inside(bounds)).for_each(|bounds| copied.range(bounds));
        }
    }
    for back in &mut code.reverse {
        if let Back::Nest { nest, in_place, .. } = back {
            *in_place = inside(nest.bounds()[1]);
        }
    }
    for region in &mut code.regions {
        let shared = region.shared.runs().iter().map(|run| [run.slots.start, run.slots.end - 1]);
        shared.filter(|&bounds| !inside(bounds)).for_each(|bounds| copied.range(bounds));
        for column in &mut region.columns {
            match column.window {
                Window::Affine { first, step: 1 } => {
                    let bounds = [first, first + region.lanes - 1];
                    column.in_place = inside(bounds);
                    if !column.in_place {
                        copied.range(bounds);
                    }
                }
                Window::Affine { first, step } => {
                    let last = first.wrapping_add_signed(step.wrapping_mul((region.lanes - 1).cast_signed()));
                    copied.range([first.min(last), first.max(last)]);
                }
                Window::List(span) => code.places[span.range()].iter().for_each(|&slot| copied.slot(slot)),
            }
        }
    }
    for step in &code.forward {
        match step {
            Step::Nest { .. } | Step::Region(_) => {}
            Step::Map(Map { count, arity, operands, .. }) => {
                for &window in &operands[..usize::from(*arity)] {
                    (0..*count).for_each(|m| copied.slot(place(code, window, m)));
                }
            }
            Step::Terms(terms) => code.pairs[terms.list.range()].iter().for_each(|&(a, b)| {
                copied.slot(a);
                copied.slot(b);
            }),
            Step::Chain(chain) => {
                copied.slot(chain.first);
                code.places[chain.list.range()].iter().for_each(|&slot| copied.slot(slot));
            }
            Step::List(list) => (0..code.operand_count(list)).for_each(|m| copied.slot(place(code, list.operands, m))),
        }
    }
    // An output may be a parameter itself.
    code.outputs.iter().for_each(|&slot| copied.slot(slot));
    code.copied = copied.ranges();
}

/// Which parameters are needed among the values.
struct Copied {
    needed: Vec<bool>,
    parameters: Range<u32>,
}

impl Copied {
    fn slot(&mut self, slot: u32) {
        if self.parameters.contains(&slot) {
            self.needed[(slot - self.parameters.start) as usize] = true;
        }
    }

    /// Everything from the lower to the higher bound.
    fn range(&mut self, [low, high]: [u32; 2]) {
        let (start, end) = (low.max(self.parameters.start), (high + 1).min(self.parameters.end));
        (start..end).for_each(|slot| self.slot(slot));
    }

    fn ranges(&self) -> Vec<Range<u32>> {
        let mut ranges: Vec<Range<u32>> = vec![];
        for (slot, _) in self.parameters.clone().zip(&self.needed).filter(|(_, needed)| **needed) {
            match ranges.last_mut() {
                // Small gaps are copied too.
                Some(last) if slot < last.end + 16 => last.end = slot + 1,
                _ => ranges.push(slot..slot + 1),
            }
        }
        ranges
    }
}
