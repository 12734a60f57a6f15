//! First: an outer product that is the first to write the adjoints of shared numbers stores them.
//!
//! What is stored need not be zeroed before a run. Of shared numbers only outer products are looked at, since matrices have
//! the most. Of columns whose lanes lie side by side, each a little further than the one before, the last can store: what
//! the others add to has been stored then, by this tile or the one before.

use std::ops::Range;

use super::super::kernels::linear::Mode;
use super::super::kernels::outer::Outer;
use super::super::lanes::{Back, LaneCode, Span};
use super::super::windows::{Column, WindowCode};
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

/// Finds the columns of the only region of a run that no other reaches beyond, unless it lies apart: they may store.
///
/// The region must be differentiated before anything else is.
pub(super) fn last_columns(code: &mut WindowCode) {
    let [region] = code.regions.as_slice() else { return };
    if region.tail.is_none() {
        return;
    }
    let reach = |column: &Column| code.reach(column.window, region.lanes);
    let wanted = (0..).zip(&region.columns).filter(|(_, column)| column.adjoint);
    let mut wanted: Vec<(u32, bool, Range<usize>)> =
        wanted.map(|(row, column)| (row, column.lies_side_by_side(), reach(column))).collect();
    wanted.sort_by_key(|(.., own)| own.start);
    // How far those before reach that go their own ways.
    let mut furthest = 0;
    let mut last = vec![];
    for (place, &(row, side_by_side, ref own)) in wanted.iter().enumerate() {
        if !side_by_side {
            furthest = furthest.max(own.end);
        } else if furthest <= own.start && wanted.get(place + 1).is_none_or(|(.., next)| own.end <= next.start) {
            last.push(row);
        }
    }
    code.regions[0].code.stores = last;
}

/// Has the adjoint of a column written before those of the other columns `outside`, if it is one of them; says whether it
/// could.
pub(super) fn before_other_columns(reverse: &mut [Back], column: u32, outside: &[u32]) -> bool {
    let gathered = |back: &Back| if let Back::Gather { row, .. } = back { Some(*row) } else { None };
    let written = |back: &Back| if let Back::Map { to, .. } = back { Some(*to) } else { gathered(back) };
    let is_outside = |row: Option<u32>| row.is_some_and(|row| outside.contains(&row));
    if !outside.contains(&column) {
        return false;
    }
    let Some(first) = reverse.iter().position(|back| is_outside(written(back))) else { return false };
    let Some(own) = reverse.iter().rposition(|back| gathered(back) == Some(column)) else { return false };
    // Nothing between them is read by it.
    let may = own >= first && reverse[first..own].iter().all(|back| is_outside(gathered(back)));
    if may {
        reverse[first..=own].rotate_right(1);
    }
    may
}

/// Leaves out of the zeros what the only region of a run stores, if it writes where the adjoints belong, before any other.
pub(super) fn of_region(code: &mut WindowCode) {
    let [region] = code.regions.as_slice() else { return };
    let shared = region.direct(region.tile()).filter(|_| region.tail.is_some());
    let reach = |&column: &u32| code.reach(region.columns[column as usize].window, region.lanes);
    let columns: Vec<Range<usize>> = region.code.stores.iter().map(reach).collect();
    code.regions[0].is_first = shared.is_some();
    for Range { start, end } in shared.into_iter().chain(columns) {
        let (start, end) = (narrow(start), narrow(end));
        let outside = |&(low, high): &(u32, u32)| [(low, high.min(start)), (low.max(end), high)];
        code.zeros = code.zeros.iter().flat_map(outside).filter(|(low, high)| low < high).collect();
    }
}
