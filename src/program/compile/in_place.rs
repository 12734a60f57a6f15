//! In place: inputs and parameters that loops read as they lie are not copied.
//!
//! A nest of loops whose factor never leaves the inputs or the parameters, and lanes that read nothing else, read them
//! where the caller has them. All others are copied among the values before a run.

use std::ops::Range;

use super::super::windows::{Back, Home, Map, Region, Step, Window, WindowCode};
use super::back::place;
use super::narrow;

/// Finds what is read in place, and what is copied.
pub(super) fn find(code: &mut WindowCode) {
    let mut copied = Copied(vec![false; code.parameters.end as usize]);
    let (mut forward, mut reverse) = (std::mem::take(&mut code.forward), std::mem::take(&mut code.reverse));
    for step in &mut forward {
        if let Step::Nest { nest, homes, .. } = step {
            *homes = nest.bounds().map(|[low, high]| copied.home(code, &(low..high + 1)));
        }
    }
    for back in &mut reverse {
        if let Back::Nest { nest, home, .. } = back {
            let [_, [low, high]] = nest.bounds();
            *home = copied.home(code, &(low..high + 1));
        }
    }
    (code.forward, code.reverse) = (forward, reverse);
    for number in 0..code.regions.len() {
        for run in code.regions[number].shared.runs() {
            copied.home(code, &run.slots);
        }
        let homes = homes(code, &code.regions[number], &mut copied);
        for (column, home) in code.regions[number].columns.iter_mut().zip(homes) {
            column.home = home;
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
    code.copied = copied.ranges(code);
}

/// Where the columns of a region stand: those that follow each other, at one place.
fn homes(code: &WindowCode, region: &Region, copied: &mut Copied) -> Vec<Home> {
    let mut homes = vec![];
    for side_by_side in region.columns.chunk_by(|_, next| next.follows) {
        let all: Vec<Range<u32>> = side_by_side.iter().map(|column| slots(code, region, column.window)).collect();
        let mut own = side_by_side.iter().zip(&all).map(|(column, slots)| match (code.home(slots), column.window) {
            // Lanes that go on by more than one count from the first slot of all.
            (Home::Parameters, Window::Affine { step: 1, .. }) => Home::Parameters,
            (Home::Inputs, _) => Home::Inputs,
            _ => Home::Values,
        });
        let first = own.next().unwrap_or_default();
        let home = if own.all(|home| home == first) { first } else { Home::Values };
        for (column, slots) in side_by_side.iter().zip(all).filter(|_| home == Home::Values) {
            match column.window {
                Window::Affine { .. } | Window::EachRow { .. } => copied.range(slots),
                Window::List(span) => code.places[span.range()].iter().for_each(|&slot| copied.slot(slot)),
            }
        }
        homes.extend(side_by_side.iter().map(|_| home));
    }
    homes
}

/// The slots between which the lanes of a region read by a window.
fn slots(code: &WindowCode, region: &Region, window: Window) -> Range<u32> {
    match window {
        Window::Affine { first, step } => {
            let last = first.wrapping_add_signed(step.wrapping_mul((region.lanes - 1).cast_signed()));
            first.min(last)..first.max(last) + 1
        }
        Window::EachRow { first, row } => first..first + region.lanes.div_ceil(row),
        Window::List(span) => {
            let places = &code.places[span.range()];
            let (low, high) = (places.iter().min(), places.iter().max());
            low.zip(high).map_or(0..0, |(&low, &high)| low..high + 1)
        }
    }
}

/// Which slots, up to the last parameter, are needed among the values.
struct Copied(Vec<bool>);

impl Copied {
    /// Where some slots stand; among the values, they are needed there.
    fn home(&mut self, code: &WindowCode, slots: &Range<u32>) -> Home {
        let home = code.home(slots);
        if home == Home::Values {
            self.range(slots.clone());
        }
        home
    }

    fn slot(&mut self, slot: u32) {
        if let Some(needed) = self.0.get_mut(slot as usize) {
            *needed = true;
        }
    }

    fn range(&mut self, slots: Range<u32>) {
        let end = slots.end.min(narrow(self.0.len()));
        (slots.start..end).for_each(|slot| self.slot(slot));
    }

    /// Those that are inputs or parameters.
    fn ranges(&self, code: &WindowCode) -> Vec<Range<u32>> {
        let mut ranges: Vec<Range<u32>> = vec![];
        for all in [&code.inputs, &code.parameters] {
            let before = ranges.len();
            for slot in all.clone().filter(|&slot| self.0[slot as usize]) {
                match ranges[before..].last_mut() {
                    // Small gaps are copied too.
                    Some(last) if slot < last.end + 16 => last.end = slot + 1,
                    _ => ranges.push(slot..slot + 1),
                }
            }
        }
        ranges
    }
}
