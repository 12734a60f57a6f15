use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, proptest};

use super::super::linear::Mode;
use super::super::nest::{Loop, Nest, Source, Target, contract};
use super::super::{Isa, Zero};
use super::{Compensated, numbers};

const LEN: usize = 4000;
const MIDDLE: u32 = 2000;

fn loops() -> impl Strategy<Value = Vec<Loop>> {
    let step = || proptest::sample::select(vec![0, 0, 1, 1, 1, 2, 5, 16, -1, -3]);
    let l = (1..20_u32, step(), step(), step()).prop_map(|(count, x, y, z)| Loop { count, steps: [x, y, z] });
    proptest::collection::vec(l, 0..4)
}

/// Every term of a nest: the places of X, Y and Z.
fn terms(firsts: [u32; 3], loops: &[Loop]) -> Vec<[usize; 3]> {
    let mut terms = vec![firsts.map(|first| first as usize)];
    for l in loops {
        let rounds = 0..l.count.cast_signed() as isize;
        let moved = |term: [usize; 3], round: isize| {
            let at = |factor: usize| term[factor].strict_add_signed(round * l.steps[factor] as isize);
            [at(0), at(1), at(2)]
        };
        terms = terms.iter().flat_map(|&term| rounds.clone().map(move |round| moved(term, round))).collect();
    }
    terms
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_nest_agrees_with_a_compensated_sum(
        loops in loops(),
        minus in any::<bool>(),
        zero in proptest::sample::select(vec![Zero::Multiplies, Zero::Absorbs]),
        firsts in (Just(MIDDLE), MIDDLE - 50..MIDDLE + 50, MIDDLE - 50..MIDDLE + 50),
    ) {
        let firsts = [firsts.0, firsts.1, firsts.2];
        let nest = Nest::new(firsts, &loops);
        let (before, y, z) = (numbers(1, LEN), numbers(2, LEN), numbers(3, LEN));
        for isa in Isa::supported() {
            let mut x = before.clone();
            let mut target = Target { numbers: &mut x, first: 0, mode: Mode::Add, minus };
            contract(isa, &nest, &mut target, Source { numbers: &y, first: 0 }, Source { numbers: &z, first: 0 }, zero);
            let mut want: Vec<Compensated> = before.iter().map(|&before| {
                let mut sum = Compensated::default();
                sum.add(before, 1.0);
                sum
            }).collect();
            let sign = if minus { -1.0 } else { 1.0 };
            for &[a, b, c] in &terms(firsts, &loops) {
                want[a].add(sign * y[b], z[c]);
            }
            for (place, (want, &got)) in want.iter().zip(&x).enumerate() {
                prop_assert!(want.agrees(got), "{isa:?}, place {place}: {got:e}, {want:?} by {nest:?}");
            }
        }
    }

    #[test]
    fn a_stored_nest_forgets_what_was_there(loops in loops()) {
        let firsts = [MIDDLE; 3];
        let nest = Nest::new(firsts, &loops);
        let places = terms(firsts, &loops);
        // Where loops of X meet, storing would forget terms: such nests are added.
        let distinct: std::collections::HashSet<_> = places.iter().map(|term| term[0]).collect();
        let moving: u32 = loops.iter().filter(|l| l.steps[0] != 0).map(|l| l.count).product();
        if distinct.len() == moving as usize {
            let (y, z) = (numbers(2, LEN), numbers(3, LEN));
            for isa in Isa::supported() {
                let run = |before: f64, mode: Mode| {
                    let mut x = vec![before; LEN];
                    let mut target = Target { numbers: &mut x, first: 0, mode, minus: false };
                    let (y, z) = (Source { numbers: &y, first: 0 }, Source { numbers: &z, first: 0 });
                    contract(isa, &nest, &mut target, y, z, Zero::Multiplies);
                    x
                };
                let (stored, added) = (run(f64::NAN, Mode::Store), run(0.0, Mode::Add));
                for &[place, ..] in &places {
                    prop_assert!((stored[place] - added[place]).abs() <= 1e-12, "{isa:?}, {place} by {nest:?}");
                }
            }
        }
    }
}

#[test]
fn a_zero_absorbs_what_is_not_finite() {
    for isa in Isa::supported() {
        for steps in [[1, 1, 1], [0, 1, 1], [1, 1, 0], [3, 2, 5], [1, 0, 1], [0, 0, 1]] {
            let nest = Nest::new([0, 0, 0], &[Loop { count: 21, steps }]);
            let mut x = vec![1.0; 200];
            let mut target = Target { numbers: &mut x, first: 0, mode: Mode::Add, minus: false };
            let (y, z) = (vec![0.0; 200], vec![f64::INFINITY; 200]);
            let (y, z) = (Source { numbers: &y, first: 0 }, Source { numbers: &z, first: 0 });
            contract(isa, &nest, &mut target, y, z, Zero::Absorbs);
            assert!(x.iter().all(|&x| x == 1.0), "{isa:?} {steps:?}: {x:?}");
        }
    }
}

/// A matrix times several vectors, whose rows are turned; a zero absorbs an infinity in one of them.
#[test]
fn a_matrix_times_several_vectors_agrees_with_a_compensated_sum() {
    for isa in Isa::supported() {
        for [vectors, rows, len] in [[7, 64, 16], [4, 8, 3], [9, 27, 64], [5, 13, 17], [16, 16, 8]] {
            let [m, k] = [rows, len].map(u32::cast_signed);
            let loops = [
                Loop { count: vectors, steps: [m, 0, k + 1] },
                Loop { count: rows, steps: [1, k, 0] },
                Loop { count: len, steps: [0, 1, 1] },
            ];
            let nest = Nest::new([0; 3], &loops);
            for (mode, minus, infinite) in
                [(Mode::Store, false, false), (Mode::Add, true, false), (Mode::Add, false, true)]
            {
                let (before, mut y, mut z) = (numbers(1, LEN), numbers(2, LEN), numbers(3, LEN));
                if infinite {
                    // Number 1 of row 2 meets the number 1 of every vector.
                    y[2 * len as usize + 1] = f64::INFINITY;
                    (0..vectors as usize).for_each(|vector| z[vector * (len as usize + 1) + 1] = 0.0);
                }
                let mut x = before.clone();
                let mut target = Target { numbers: &mut x, first: 0, mode, minus };
                let (y_source, z_source) = (Source { numbers: &y, first: 0 }, Source { numbers: &z, first: 0 });
                contract(isa, &nest, &mut target, y_source, z_source, Zero::Absorbs);
                let sign = if minus { -1.0 } else { 1.0 };
                for at in 0..(vectors * rows) as usize {
                    let (vector, row) = (at / rows as usize, at % rows as usize);
                    let mut want = Compensated::default();
                    want.add(before[at], f64::from(u8::from(mode == Mode::Add)));
                    for k in 0..len as usize {
                        let (y, z) = (y[row * len as usize + k], z[vector * (len as usize + 1) + k]);
                        want.add(sign * if z == 0.0 { 0.0 } else { y }, z);
                    }
                    assert!(
                        want.agrees(x[at]),
                        "{isa:?}, row {row} of vector {vector}: {:e}, {want:?} by {nest:?}",
                        x[at]
                    );
                }
            }
        }
    }
}

#[test]
fn an_outer_product_is_what_single_products_are() {
    use crate::op::Scalar as _;
    let special = [0.0, 1.5, f64::INFINITY, -2.0, f64::NAN, -0.0, 0.25];
    for isa in Isa::supported() {
        for (finite, width) in [(true, 64), (true, 70), (false, 64), (false, 5), (true, 130)] {
            let number = |i: usize| if finite { i as f64 - 3.0 } else { special[i % special.len()] };
            let (y, z): (Vec<f64>, Vec<f64>) =
                ((0..width).map(number).collect(), (0..9).map(|i| number(i + 2)).collect());
            let (count, row) = (u32::try_from(width).unwrap(), i32::try_from(width).unwrap());
            let loops = [Loop { count: 9, steps: [row, 0, 1] }, Loop { count, steps: [1, 1, 0] }];
            let nest = Nest::new([0; 3], &loops);
            for (mode, minus) in [(Mode::Store, false), (Mode::Add, true)] {
                let mut x = vec![0.5; 9 * width];
                let mut target = Target { numbers: &mut x, first: 0, mode, minus };
                let (y_source, z_source) = (Source { numbers: &y, first: 0 }, Source { numbers: &z, first: 0 });
                contract(isa, &nest, &mut target, y_source, z_source, Zero::Absorbs);
                for (place, &got) in x.iter().enumerate() {
                    let product = y[place % width].chain(z[place / width]);
                    let product = if minus { -product } else { product };
                    let want = if mode == Mode::Add { 0.5 + product } else { product };
                    assert!(
                        got == want || (got.is_nan() && want.is_nan()),
                        "{isa:?} {width} {place}: {got}, not {want}"
                    );
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "leaves 20 numbers from 0")]
fn a_nest_that_leaves_its_numbers_is_refused() {
    let nest = Nest::new([0, 0, 0], &[Loop { count: 21, steps: [1, 1, 1] }]);
    let (mut x, y) = (vec![1.0; 20], vec![1.0; 21]);
    let mut target = Target { numbers: &mut x, first: 0, mode: Mode::Add, minus: false };
    let source = Source { numbers: &y, first: 0 };
    contract(Isa::detect(), &nest, &mut target, source, source, Zero::Multiplies);
}
