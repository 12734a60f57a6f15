//! Log-sum-exps of lists and of rows against the rules of the table.

use super::super::isa::Isa;
use super::super::softmax::{Lists, logsumexp_rows, logsumexps, ranges, room as room_of, softmax_rows, softmaxes};
use super::list::{FIRST, for_each_list, point, rows};
use super::{numbers, same};
use crate::op::{Op, Scalar as _};

#[test]
fn lists_one_after_the_other_have_the_bits_of_the_rules() {
    for isa in Isa::supported() {
        let numbers = rows(40);
        for ends in [
            &[1][..],
            &[27],
            &[0, 0, 7],
            &[3, 3, 10, 11, 40],
            &[27, 54, 81, 108, 135],
            &[1, 2, 3, 5, 7, 9, 12, 15, 18, 320],
        ] {
            let lists = Lists { numbers: &numbers[..ends[ends.len() - 1] as usize], ends };
            let mut room = vec![77.0; room_of(lists.numbers.len(), ends.len())];
            let mut got = vec![77.0; ends.len()];
            let mut shares = vec![77.0; lists.numbers.len().next_multiple_of(8)];
            logsumexps(isa, lists, &mut shares, &mut room, &mut got);
            for (own, &got) in ranges(ends).zip(&got) {
                let (own, want) = (&numbers[own.clone()], Op::LogSumExp.value(&numbers[own]));
                assert!(same(got, want), "{own:?} with {isa:?}: {got:e} instead of {want:e}");
            }
            let adjoints: Vec<f64> = (0..ends.len()).map(|list| numbers[3 * list]).collect();
            let mut contributions = vec![77.0; lists.numbers.len()];
            softmaxes(isa, Lists { numbers: &shares[..lists.numbers.len()], ends }, &adjoints, &mut contributions);
            for ((own, &value), adjoint) in ranges(ends).zip(&got).zip(adjoints) {
                let mut want = vec![0.0; own.len()];
                Op::LogSumExp.partials(&numbers[own.clone()], value, &mut want);
                for (&got, &partial) in contributions[own].iter().zip(&want) {
                    let want = adjoint.chain(partial);
                    assert!(same(got, want), "with {isa:?}: {got:e} instead of {want:e}");
                }
            }
        }
    }
}

#[test]
fn rows_have_the_bits_of_the_rules_in_each_lane() {
    for_each_list(&[Op::LogSumExp], |isa, op, lanes, list, rows| {
        let (mut out, mut shares) = (vec![77.0; lanes], vec![77.0; lanes * list.len()]);
        logsumexp_rows(isa, list, rows, FIRST, &mut shares, &mut out);
        let mut adjoint = numbers(9, lanes);
        adjoint[1] = 0.0;
        let mut contributions = vec![77.0; shares.len()];
        softmax_rows(isa, &shares, &adjoint, &mut contributions);
        for (lane, &value) in out.iter().enumerate() {
            let point = point(list, rows, lanes, lane);
            let (want, mut partials) = (op.value(&point), vec![77.0; point.len()]);
            assert!(same(value, want), "{point:?} with {isa:?}: {value:e} instead of {want:e}");
            op.partials(&point, value, &mut partials);
            for (place, &partial) in partials.iter().enumerate() {
                let (got, want) = (contributions[place * lanes + lane], adjoint[lane].chain(partial));
                assert!(same(got, want), "{place} of {point:?} with {isa:?}: {got:e} instead of {want:e}");
            }
        }
    });
}

#[test]
#[should_panic(expected = "out of range")]
fn a_list_that_ends_beyond_the_numbers_is_refused() {
    let lists = Lists { numbers: &[0.0; 3], ends: &[2, 4] };
    logsumexps(Isa::detect(), lists, &mut [0.0; 8], &mut [0.0; 80], &mut [0.0; 2]);
}
