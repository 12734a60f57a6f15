use super::super::Isa;
use super::super::reduce::{Factors, Outer, Sign, lane_dots, lane_sum, outer};
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
            assert!(want.agrees(got), "{isa:?}, {lanes} lanes: {got:e}, {want:?}");
        }
    }
}

#[test]
fn outer_agrees_with_a_compensated_sum() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let (delta, y) = (numbers(1, lanes * ROWS as usize), numbers(2, lanes * ROWS as usize));
            let factors = Factors { delta: &delta, delta_first: 10, y: &y, y_first: FIRST };
            for [m, k] in [[1, 1], [2, 9], [8, 16], [11, 19], [3, 24]] {
                let [wide, tall] = [k, m].map(u32::cast_signed);
                for (uniform, uniform_steps) in
                    [(3, [wide, 1]), (3, [1, tall]), (1, [2 * wide, 2]), (m * k - 1, [-wide, -1])]
                {
                    let shape = Outer {
                        shape: [m, k],
                        uniform,
                        uniform_steps,
                        delta: 12,
                        delta_step: 2,
                        y: FIRST + 1 + k,
                        y_step: -1,
                    };
                    let before = numbers(3, (2 * m * k) as usize + 5);
                    let mut want: Vec<Compensated> = vec![Compensated::default(); before.len()];
                    want.iter_mut().zip(&before).for_each(|(want, &before)| want.add(before, 1.0));
                    for i in 0..m {
                        for j in 0..k {
                            let offset = i.cast_signed() * uniform_steps[0] + j.cast_signed() * uniform_steps[1];
                            let want = &mut want[uniform.checked_add_signed(offset).unwrap() as usize];
                            for lane in 0..lanes {
                                let delta = delta[(2 + 2 * i) as usize * lanes + lane];
                                want.add(delta, y[(1 + k - j) as usize * lanes + lane]);
                            }
                        }
                    }
                    let mut got = before.clone();
                    outer(isa, lanes, &shape, &factors, &mut got);
                    for (got, want) in got.iter().zip(want) {
                        assert!(want.agrees(*got), "{isa:?}, {lanes} lanes, {shape:?}: {got:e}, {want:?}");
                    }
                }
            }
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
            let factors = Factors { delta: &rows, delta_first: 0, y: &rows, y_first: 0 };
            let shape =
                Outer { shape: [1, 1], uniform: 1, uniform_steps: [1, 1], delta: 0, delta_step: 1, y: 1, y_step: 1 };
            outer(isa, lanes, &shape, &factors, &mut got);
            assert_eq!(got, [want, want], "{isa:?}, {lanes} lanes");
        }
    }
}
