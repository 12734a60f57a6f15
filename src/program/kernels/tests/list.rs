use super::super::{Isa, list};
use super::{SPECIAL, all_lanes, indices, numbers, same};
use crate::op::{Op, Scalar};

const OPS: [Op; 3] = [Op::Max, Op::Min, Op::Product];
const ROWS: u32 = 40;
pub(super) const FIRST: u32 = 100;

/// Rows with ties and, here and there, special numbers.
pub(super) fn rows(lanes: usize) -> Vec<f64> {
    let mut rows: Vec<f64> = numbers(5, lanes * ROWS as usize).iter().map(|x| (x * 4.0).round() / 4.0).collect();
    for (place, &special) in rows.iter_mut().step_by(11).zip(SPECIAL.iter().cycle()) {
        *place = special;
    }
    rows
}

pub(super) fn for_each_list(ops: &[Op], check: impl Fn(Isa, Op, usize, &[u32], &[f64])) {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let rows = rows(lanes);
            for &op in ops {
                for count in [0, 1, 2, 3, 9, 27] {
                    let list: Vec<u32> = indices(count as u64, count, ROWS).iter().map(|row| row + FIRST).collect();
                    check(isa, op, lanes, &list, &rows);
                }
            }
        }
    }
}

pub(super) fn point(list: &[u32], rows: &[f64], lanes: usize, lane: usize) -> Vec<f64> {
    list.iter().map(|&row| rows[(row - FIRST) as usize * lanes + lane]).collect()
}

#[test]
fn list_forward_has_the_bits_of_the_value_rule() {
    for_each_list(&OPS, |isa, op, lanes, list, rows| {
        let mut out = vec![77.0; lanes];
        list::list_forward(isa, op, list, rows, FIRST, &mut out);
        for (lane, &got) in out.iter().enumerate() {
            let point = point(list, rows, lanes, lane);
            let want = op.value(&point);
            assert!(same(got, want), "{op:?} of {point:?} with {isa:?}: {got:e} instead of {want:e}");
        }
    });
}

#[test]
fn list_reverse_has_the_bits_of_the_chained_partials() {
    for_each_list(&OPS, |isa, op, lanes, list, rows| {
        let mut value = vec![0.0; lanes];
        list::list_forward(isa, op, list, rows, FIRST, &mut value);
        let mut adjoint = numbers(9, lanes);
        adjoint[1] = 0.0;
        let mut out = vec![77.0; lanes * list.len()];
        list::list_reverse(isa, op, list, rows, FIRST, &value, &adjoint, &mut out);
        for lane in 0..lanes {
            let point = point(list, rows, lanes, lane);
            let mut partials = vec![0.0; point.len()];
            op.partials(&point, value[lane], &mut partials);
            for (place, &partial) in partials.iter().enumerate() {
                let (got, want) = (out[place * lanes + lane], adjoint[lane].chain(partial));
                assert!(same(got, want), "{op:?}, {place} of {point:?} with {isa:?}: {got:e} instead of {want:e}");
            }
        }
    });
}

#[test]
#[should_panic(expected = "row 99 is not in the buffer")]
fn a_row_before_the_first_is_refused() {
    list::list_forward(Isa::detect(), Op::Max, &[99], &[0.0; 16], FIRST, &mut [0.0; 8]);
}
