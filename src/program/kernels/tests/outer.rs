use super::super::Isa;
use super::super::linear::Mode;
use super::super::outer::{Factors, Outer, Table, outer};
use super::{Compensated, all_lanes, numbers};

const ROWS: u32 = 50;
const FIRST: u32 = 1000;

#[test]
fn outer_agrees_with_a_compensated_sum() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let (delta, y) = (numbers(1, lanes * ROWS as usize), numbers(2, lanes * ROWS as usize));
            let factors = Factors { delta: &delta, delta_first: 10, y: &y, y_first: FIRST, table: None };
            for [m, k] in [[1, 1], [2, 9], [8, 16], [11, 19], [3, 24], [13, 40]] {
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
                    let mut products: Vec<Compensated> = vec![Compensated::default(); before.len()];
                    for i in 0..m {
                        for j in 0..k {
                            let offset = i.cast_signed() * uniform_steps[0] + j.cast_signed() * uniform_steps[1];
                            let product = &mut products[uniform.checked_add_signed(offset).unwrap() as usize];
                            for lane in 0..lanes {
                                let delta = delta[(2 + 2 * i) as usize * lanes + lane];
                                product.add(delta, y[(1 + k - j) as usize * lanes + lane]);
                            }
                        }
                    }
                    for mode in [Mode::Add, Mode::Store] {
                        let mut got = before.clone();
                        outer(isa, lanes, &shape, &factors, &mut got, mode);
                        for ((got, &before), mut want) in got.iter().zip(&before).zip(products.iter().copied()) {
                            // What is not written stays as it was.
                            if mode == Mode::Add || want.terms == 0 {
                                want.add(before, 1.0);
                            }
                            assert!(
                                want.agrees(*got),
                                "{isa:?}, {lanes} lanes, {shape:?}, {mode:?}: {got:e}, {want:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Rows that also lie lane after lane: the last lanes are copies of the one before, with δ 0.
#[test]
fn rows_in_a_table_give_the_same_bits() {
    const COLUMNS: usize = 43;
    for isa in Isa::supported() {
        for (lanes, lines) in [(8, 5), (32, 32), (40, 33), (64, 64), (136, 130)] {
            let numbers_in_lines = numbers(1, lines * 50);
            let line = |lane: usize| lane.min(lines - 1);
            let y: Vec<f64> =
                (0..COLUMNS * lanes).map(|i| numbers_in_lines[line(i % lanes) * 50 + i / lanes]).collect();
            let mut delta = numbers(2, 11 * lanes);
            delta.chunks_exact_mut(lanes).for_each(|row| row[lines..].fill(0.0));
            let table =
                Table { numbers: &numbers_in_lines[..(lines - 1) * 50 + COLUMNS], step: 50, first: 0, columns: 43 };
            for (first, columns) in [(0, 43), (3, 32), (1, 40), (7, 5)] {
                let shape = Outer {
                    shape: [11, columns],
                    uniform: 0,
                    uniform_steps: [columns.cast_signed(), 1],
                    delta: 0,
                    delta_step: 1,
                    y: first,
                    y_step: 1,
                };
                let gradients = [None, Some(table)].map(|table| {
                    let mut gradient = numbers(3, 11 * columns as usize);
                    outer(
                        isa,
                        lanes,
                        &shape,
                        &Factors { delta: &delta, delta_first: 0, y: &y, y_first: 0, table },
                        &mut gradient,
                        Mode::Add,
                    );
                    gradient.iter().map(|number| number.to_bits()).collect::<Vec<_>>()
                });
                assert_eq!(gradients[0], gradients[1], "{isa:?}, {lanes} lanes, {shape:?}");
            }
        }
    }
}

#[test]
fn a_zero_absorbs_in_every_lane_of_an_outer_product() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let mut rows = vec![1.0; 2 * lanes];
            rows[..2].copy_from_slice(&[0.0, f64::INFINITY]);
            rows[lanes..lanes + 2].copy_from_slice(&[f64::NAN, 0.0]);
            let factors = Factors { delta: &rows, delta_first: 0, y: &rows, y_first: 0, table: None };
            let shape =
                Outer { shape: [1, 1], uniform: 1, uniform_steps: [1, 1], delta: 0, delta_step: 1, y: 1, y_step: 1 };
            for (mode, before) in [(Mode::Add, 0.0), (Mode::Store, 7.0)] {
                let mut got = [before; 2];
                outer(isa, lanes, &shape, &factors, &mut got, mode);
                assert_eq!(got, [before, f64::from(u32::try_from(lanes).unwrap() - 2)], "{isa:?}, {lanes} lanes");
            }
        }
    }
}
