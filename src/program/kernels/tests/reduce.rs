use super::super::Isa;
use super::super::reduce::{Sign, lane_dots, lane_sum, lane_sums};
use super::{Compensated, all_lanes, indices, numbers};

const ROWS: u32 = 50;
const FIRST: u32 = 1000;

#[test]
fn lane_dots_agree_with_a_compensated_sum() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let (delta, y) = (numbers(1, lanes), numbers(2, lanes * ROWS as usize));
            for count in [0, 1, 7, 8, 19, 32] {
                for (sign, factor) in [(Sign::Plus, 1.0), (Sign::Minus, -1.0)] {
                    let rows = indices(5, count, ROWS).into_iter().map(|row| row + FIRST);
                    let list: Vec<(u32, u32)> = indices(4, count, 20).into_iter().zip(rows).collect();
                    let before = numbers(3, 20);
                    let mut want: Vec<Compensated> = vec![Compensated::default(); 20];
                    want.iter_mut().zip(&before).for_each(|(want, &before)| want.add(before, 1.0));
                    for &(uniform, row) in &list {
                        for lane in 0..lanes {
                            let y = y[(row - FIRST) as usize * lanes + lane];
                            want[uniform as usize].add(factor * delta[lane], y);
                        }
                    }
                    let mut got = before.clone();
                    lane_dots(isa, &delta, &y, FIRST, &list, sign, &mut got);
                    for (got, want) in got.iter().zip(want) {
                        assert!(want.agrees(*got), "{isa:?}, {lanes} lanes, {count} rows: {got:e}, {want:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn lane_sum_agrees_with_a_compensated_sum() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let row = numbers(1, lanes);
            let mut want = Compensated::default();
            for &x in &row {
                want.add(x, 1.0);
            }
            let got = lane_sum(isa, &row);
            for count in [1, 8, 11] {
                // Row m has all numbers m + 1 times as large.
                let rows: Vec<f64> = (0..count).flat_map(|m| row.iter().map(move |x| x * f64::from(m + 1))).collect();
                let mut sums = Vec::new();
                lane_sums(isa, lanes, &rows, |m, sum| sums.push((m, sum)));
                assert_eq!(sums.len(), rows.len() / lanes);
                for ((m, expected), (number, sum)) in (0..).zip(0..).zip(sums) {
                    let mut want = Compensated::default();
                    rows[m * lanes..][..lanes].iter().for_each(|&x| want.add(x, 1.0));
                    assert!(
                        number == expected && want.agrees(sum),
                        "{isa:?}, row {m} of {lanes} lanes: {sum:e}, {want:?}"
                    );
                }
            }
            assert!(want.agrees(got), "{isa:?}, {lanes} lanes: {got:e}, {want:?}");
        }
    }
}

#[test]
fn a_zero_absorbs_in_every_lane() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let mut rows = vec![1.0; 2 * lanes];
            rows[..2].copy_from_slice(&[0.0, f64::INFINITY]);
            rows[lanes..lanes + 2].copy_from_slice(&[f64::NAN, 0.0]);
            let want = f64::from(u32::try_from(lanes).unwrap() - 2);
            let mut got = [0.0; 2];
            lane_dots(isa, &rows[..lanes], &rows, 0, &[(0, 1)], Sign::Plus, &mut got);
            assert_eq!(got, [want, 0.0], "{isa:?}, {lanes} lanes");
        }
    }
}
