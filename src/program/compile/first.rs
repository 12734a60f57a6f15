//! First: an outer product that is the first to write the adjoints of shared numbers stores them.
//!
//! What is stored need not be zeroed before a run. Only outer products are looked at, since matrices have the most numbers.

use std::ops::Range;

use super::super::kernels::linear::Mode;
use super::super::kernels::outer::Outer;
use super::super::lanes::{Back, LaneCode, Span};
use super::super::windows::WindowCode;
use super::narrow;

/// Finds outer products that may store, and what they store.
pub(super) fn find(code: &mut LaneCode) {
    let mut reverse = std::mem::take(&mut code.reverse);
    let (mut written, mut stored): (Vec<bool>, Vec<u32>) = Default::default();
    for back in &mut reverse {
        let targets = targets(code, back);
        let end = targets.iter().max().map_or(0, |&last| last as usize + 1);
        written.resize(written.len().max(end), false);
        // A number that is written twice within a product is not stored either.
        let mut fresh = true;
        for &target in &targets {
            fresh &= !std::mem::replace(&mut written[target as usize], true);
        }
        if let (Back::Outer { first, .. }, true) = (back, fresh) {
            *first = Mode::Store;
            stored.extend(targets);
        }
    }
    code.reverse = reverse;
    stored.sort_unstable();
    let run = |run: &[u32]| run[0] as usize..run[0] as usize + run.len();
    code.stored = stored.chunk_by(|a, b| a + 1 == *b).map(run).collect();
}

/// The shared numbers to whose adjoints a step adds.
fn targets(code: &LaneCode, back: &Back) -> Vec<u32> {
    let goes = |first: u32, step: i32, by: u32| first.wrapping_add_signed(step.wrapping_mul(by.cast_signed()));
    let pairs = |spans: [Span; 2]| spans.into_iter().flat_map(|span| code.pairs(span));
    match back {
        Back::Outer { outer: Outer { shape: [rows, columns], uniform, uniform_steps: [down, across], .. }, .. } => {
            let row = |m| (0..*columns).map(move |k| goes(goes(*uniform, *down, m), *across, k));
            (0..*rows).flat_map(row).collect()
        }
        Back::Bias { count, shared, step, .. } => (0..*count).map(|m| goes(*shared, *step, m)).collect(),
        Back::MapShared { shared, .. } => vec![*shared],
        Back::Shared { sum, .. } => {
            let singles = sum.shared.iter().flat_map(|&span| code.singles(span)).copied();
            let scaled = pairs(sum.scaled).map(|&(shared, _)| shared);
            singles.chain(scaled).chain(pairs(sum.shared_products).flat_map(|&(a, b)| [a, b])).collect()
        }
        Back::Seed { .. }
        | Back::Gather { .. }
        | Back::DenseRows { .. }
        | Back::Map { .. }
        | Back::List { .. }
        | Back::Zero { .. } => vec![],
    }
}

/// Leaves out of the zeros what the only region of a run stores, if it writes where the adjoints belong, before any other.
pub(super) fn of_region(code: &mut WindowCode) {
    let [region] = code.regions.as_mut_slice() else { return };
    let Some(Range { start, end }) = region.direct(region.tile()).filter(|_| region.tail.is_some()) else { return };
    region.is_first = true;
    let (start, end) = (narrow(start), narrow(end));
    let outside = |&(low, high): &(u32, u32)| [(low, high.min(start)), (low.max(end), high)];
    code.zeros = code.zeros.iter().flat_map(outside).filter(|(low, high)| low < high).collect();
}
