//! Log-sum-exps of lists against the rules of the table.

use super::super::isa::Isa;
use super::super::softmax::{Lists, logsumexps, ranges, room as room_of, softmaxes};
use super::list::rows;
use super::same;
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
            logsumexps(isa, lists, &mut room, &mut got);
            for (own, &got) in ranges(ends).zip(&got) {
                let (own, want) = (&numbers[own.clone()], Op::LogSumExp.value(&numbers[own]));
                assert!(same(got, want), "{own:?} with {isa:?}: {got:e} instead of {want:e}");
            }
            let adjoints: Vec<f64> = (0..ends.len()).map(|list| numbers[3 * list]).collect();
            softmaxes(isa, lists, &got, &adjoints, &mut room);
            for ((own, &value), adjoint) in ranges(ends).zip(&got).zip(adjoints) {
                let mut want = vec![0.0; own.len()];
                Op::LogSumExp.partials(&numbers[own.clone()], value, &mut want);
                for (&got, &partial) in room[own].iter().zip(&want) {
                    let want = adjoint.chain(partial);
                    assert!(same(got, want), "with {isa:?}: {got:e} instead of {want:e}");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "out of range")]
fn a_list_that_ends_beyond_the_numbers_is_refused() {
    let lists = Lists { numbers: &[0.0; 3], ends: &[2, 4] };
    logsumexps(Isa::detect(), lists, &mut [0.0; 80], &mut [0.0; 2]);
}
