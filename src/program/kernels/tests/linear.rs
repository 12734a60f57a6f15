use super::super::linear::{Matrix, Mode, Sources, Start, Terms, combine, matrix};
use super::super::{Isa, Zero};
use super::{Compensated, all_lanes, indices, numbers};

const ROWS: u32 = 70;
const FIRST: u32 = 1000;
const UNIFORMS: u32 = 90;

fn pairs(seed: u64, count: usize, bounds: [u32; 2], first: u32) -> Vec<(u32, u32)> {
    let left = indices(seed, count, bounds[0]);
    left.into_iter().zip(indices(seed + 1, count, bounds[1]).into_iter().map(|row| row + first)).collect()
}

fn rows(seed: u64, count: usize, first: u32) -> Vec<u32> {
    indices(seed, count, ROWS).into_iter().map(|row| row + first).collect()
}

#[test]
fn combine_agrees_with_a_compensated_sum() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let (uniforms, x) = (numbers(1, UNIFORMS as usize), numbers(2, lanes * ROWS as usize));
            let (y, before) = (numbers(3, lanes * ROWS as usize), numbers(4, lanes));
            let sources = Sources { uniforms: &uniforms, x: &x, y: &y, y_first: FIRST };
            for (count, mode) in [(0, Mode::Add), (1, Mode::Store), (5, Mode::Add), (17, Mode::Store), (40, Mode::Add)]
            {
                let terms = Terms {
                    constant: 0.75,
                    scaled: &pairs(10, count, [UNIFORMS, ROWS], FIRST),
                    scaled_minus: &pairs(20, count / 2, [UNIFORMS, ROWS], FIRST),
                    plus: &rows(30, count / 3, FIRST),
                    minus: &rows(40, count / 5, FIRST),
                    products: &pairs(50, count, [ROWS, ROWS], FIRST),
                    products_minus: &pairs(60, count / 4, [ROWS, ROWS], FIRST),
                };
                for zero in [Zero::Multiplies, Zero::Absorbs] {
                    let mut out = before.clone();
                    combine(isa, lanes, &terms, &sources, &mut out, mode, zero);
                    for lane in 0..lanes {
                        let x = |row: u32| x[row as usize * lanes + lane];
                        let y = |row: u32| y[(row - FIRST) as usize * lanes + lane];
                        let mut want = Compensated::default();
                        want.add(terms.constant, 1.0);
                        want.add(before[lane], f64::from(u8::from(mode == Mode::Add)));
                        terms.scaled.iter().for_each(|&(u, row)| want.add(uniforms[u as usize], y(row)));
                        terms.scaled_minus.iter().for_each(|&(u, row)| want.add(-uniforms[u as usize], y(row)));
                        terms.plus.iter().for_each(|&row| want.add(1.0, y(row)));
                        terms.minus.iter().for_each(|&row| want.add(-1.0, y(row)));
                        terms.products.iter().for_each(|&(a, b)| want.add(x(a), y(b)));
                        terms.products_minus.iter().for_each(|&(a, b)| want.add(-x(a), y(b)));
                        let got = out[lane];
                        assert!(want.agrees(got), "{isa:?}, lane {lane} of {lanes}, {count}: {got:e}, {want:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn matrix_and_its_transpose_agree_with_a_compensated_sum() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            for [m, k] in [[1, 1], [2, 7], [3, 0], [10, 5], [13, 16], [32, 3]] {
                let uniforms = numbers(1, (m * k) as usize + 3);
                let (y, before) = (numbers(3, lanes * 70), numbers(4, lanes * 70));
                let sources = Sources { uniforms: &uniforms, x: &[], y: &y, y_first: FIRST };
                let [wide, tall] = [k, m].map(u32::cast_signed);
                for (uniform_steps, y_step, out_step, start) in [
                    ([wide, 1], 1, 1, Start::Nothing),
                    ([wide, 1], 1, 2, Start::Uniforms(if k == 0 { 0 } else { m }, if k == 0 { 0 } else { -1 })),
                    ([1, tall], 3, 2, Start::Own),
                    ([wide, 1], -1, -2, Start::Own),
                ] {
                    let last = |count: u32, step: i32| if step < 0 { count * step.unsigned_abs() } else { 0 };
                    let shape = Matrix {
                        shape: [m, k],
                        uniform: 3,
                        uniform_steps,
                        y: FIRST + 1 + last(k, y_step),
                        y_step,
                        out: 1 + last(m, out_step),
                        out_step,
                    };
                    let mut out = before.clone();
                    matrix(isa, lanes, &shape, &sources, &mut out, start, Zero::Absorbs);
                    check_matrix(&shape, &sources, &before, &out, start, lanes);
                }
            }
        }
    }
}

fn check_matrix(matrix: &Matrix, sources: &Sources<'_>, before: &[f64], out: &[f64], start: Start, lanes: usize) {
    let index = |first: u32, i: u32, step: i32| super::super::rows::place(first, i as usize, step);
    let mut written = vec![false; out.len()];
    for m in 0..matrix.shape[0] {
        let row = index(matrix.out, m, matrix.out_step);
        for lane in 0..lanes {
            let at = row * lanes + lane;
            written[at] = true;
            let mut want = Compensated::default();
            match start {
                Start::Nothing => {}
                Start::Own => want.add(before[at], 1.0),
                Start::Uniforms(first, step) => want.add(sources.uniforms[index(first, m, step)], 1.0),
            }
            for k in 0..matrix.shape[1] {
                let uniform = index(matrix.uniform, m, matrix.uniform_steps[0]) + index(0, k, matrix.uniform_steps[1]);
                let y = index(matrix.y - sources.y_first, k, matrix.y_step) * lanes + lane;
                want.add(sources.uniforms[uniform], sources.y[y]);
            }
            assert!(want.agrees(out[at]), "{matrix:?}, lane {lane} of {lanes}: {:e}, {want:?}", out[at]);
        }
    }
    for ((&written, before), after) in written.iter().zip(before).zip(out) {
        assert!(written || before.to_bits() == after.to_bits(), "{matrix:?} writes outside its rows");
    }
}

#[test]
fn a_zero_absorbs_where_it_is_told_to() {
    for isa in Isa::supported() {
        for lanes in all_lanes() {
            let mut y = vec![1.0; 2 * lanes];
            y[..3].copy_from_slice(&[f64::INFINITY, f64::NAN, 0.0]);
            y[lanes..lanes + 3].copy_from_slice(&[0.0, 0.0, f64::NAN]);
            let sources = Sources { uniforms: &[0.0, 2.0], x: &y, y: &y, y_first: 0 };
            let terms = Terms { scaled: &[(0, 0), (1, 1)], products: &[(0, 1)], ..Terms::default() };
            let shape =
                Matrix { shape: [1, 2], uniform: 0, uniform_steps: [2, 1], y: 0, y_step: 1, out: 0, out_step: 1 };
            let mut out = vec![0.0; lanes];
            combine(isa, lanes, &terms, &sources, &mut out, Mode::Store, Zero::Absorbs);
            assert!(out[0] == 0.0 && out[1] == 0.0 && out[2].is_nan() && out[3] == 3.0, "{isa:?}: {out:?}");
            matrix(isa, lanes, &shape, &sources, &mut out, Start::Nothing, Zero::Absorbs);
            assert!(out[0] == 0.0 && out[1] == 0.0 && out[2].is_nan() && out[3] == 2.0, "{isa:?}: {out:?}");
            combine(isa, lanes, &terms, &sources, &mut out, Mode::Store, Zero::Multiplies);
            assert!(out[..3].iter().all(|y| y.is_nan()) && out[3] == 3.0, "{isa:?}: {out:?}");
            matrix(isa, lanes, &shape, &sources, &mut out, Start::Nothing, Zero::Multiplies);
            assert!(out[..3].iter().all(|y| y.is_nan()) && out[3] == 2.0, "{isa:?}: {out:?}");
        }
    }
}

#[test]
fn windows_that_leave_a_buffer_are_refused() {
    let (uniforms, y) = ([0.0; 6], [0.0; 24]);
    let fits = Matrix { shape: [2, 3], uniform: 0, uniform_steps: [3, 1], y: 0, y_step: 1, out: 0, out_step: 1 };
    let sources = Sources { uniforms: &uniforms, x: &[], y: &y, y_first: 0 };
    let refused = |shape: Matrix| {
        std::panic::catch_unwind(|| {
            matrix(Isa::detect(), 8, &shape, &sources, &mut [0.0; 16], Start::Nothing, Zero::Multiplies);
        })
        .is_err()
    };
    assert!(!refused(fits));
    for leaves in [
        Matrix { uniform: 1, ..fits },
        Matrix { uniform_steps: [3, -1], ..fits },
        Matrix { y: 1, ..fits },
        Matrix { y_step: -1, ..fits },
        Matrix { out: 1, ..fits },
        Matrix { out_step: i32::MAX, ..fits },
        Matrix { shape: [u32::MAX, u32::MAX], uniform_steps: [i32::MIN, i32::MIN], ..fits },
    ] {
        assert!(refused(leaves), "{leaves:?}");
    }
}

#[test]
#[should_panic(expected = "row 1003 is not in the buffer")]
fn a_row_after_the_last_is_refused() {
    let sources = Sources { uniforms: &[], x: &[], y: &[0.0; 24], y_first: FIRST };
    let terms = Terms { plus: &[FIRST + 3], ..Terms::default() };
    combine(Isa::detect(), 8, &terms, &sources, &mut [0.0; 8], Mode::Store, Zero::Multiplies);
}
