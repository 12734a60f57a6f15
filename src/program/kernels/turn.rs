//! Columns of a table of numbers as rows.

use super::isa::{Isa, Kernel};
use super::vector::Simd;

/// Reads a table whose rows are examples into rows of lanes: lane l of row r is `from[first + l · step + r]`.
///
/// `to` holds whole rows; in each, as many lanes as `used` are written.
///
/// # Panics
/// When the table leaves the numbers, or the rows are not all of `to`.
pub(crate) fn turn(isa: Isa, from: &[f64], first: usize, step: usize, used: usize, lanes: usize, to: &mut [f64]) {
    assert!(lanes > 0 && to.len().is_multiple_of(lanes) && used <= lanes, "whole rows of {lanes} lanes");
    let rows = to.len() / lanes;
    if rows == 0 || used == 0 {
        return;
    }
    let last = (used - 1).checked_mul(step).and_then(|by| by.checked_add(first + rows - 1));
    assert!(last.is_some_and(|last| last < from.len()), "a table leaves its {} numbers", from.len());
    isa.run(Turn { from: &from[first..], step, used, lanes, rows, to });
}

/// The kernel of [`turn`]; the table has been checked.
struct Turn<'a> {
    from: &'a [f64],
    step: usize,
    used: usize,
    lanes: usize,
    rows: usize,
    to: &'a mut [f64],
}

impl Kernel for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { from, step, used, lanes, rows, to } = self;
        let (from, to) = (from.as_ptr(), to.as_mut_ptr());
        for lane in (0..used).step_by(8) {
            for row in (0..rows).step_by(8) {
                let (columns, examples) = (8.min(rows - row), 8.min(used - lane));
                if examples == 8 {
                    let (mut read, mut write) = ([from; 8], [to; 8]);
                    for l in 0..8 {
                        read[l] = from.wrapping_add((lane + l) * step + row);
                        write[l] = to.wrapping_add((row + l.min(columns - 1)) * lanes + lane);
                    }
                    // SAFETY: the table was checked: eight examples have so many numbers, and as many rows eight lanes.
                    unsafe { simd.turn(&read, [8, columns], &write) };
                    continue;
                }
                for l in lane..lane + examples {
                    for r in row..row + columns {
                        // SAFETY: as above.
                        unsafe { to.add(r * lanes + l).write(from.add(l * step + r).read()) };
                    }
                }
            }
        }
    }
}
