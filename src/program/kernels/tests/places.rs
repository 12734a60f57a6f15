use super::super::Zero;
use super::super::linear::Mode;
use super::super::places::{Pool, Signs};
use super::{SPECIAL, indices, numbers, same};
use crate::op::Scalar as _;

/// All numbers of products up to three that are added and subtracted, and more of them.
fn all_signs() -> impl Iterator<Item = Signs> {
    let few = (0..=3).flat_map(|plus| (0..=3).map(move |minus| Signs { plus, minus }));
    few.chain([Signs { plus: 40, minus: 7 }])
}

/// Numbers of which every third is special.
fn some_special(seed: u64, count: usize) -> Vec<f64> {
    let mut numbers = numbers(seed, count);
    numbers.iter_mut().step_by(3).zip(SPECIAL.iter().cycle()).for_each(|(number, special)| *number = *special);
    numbers
}

#[test]
fn sums_of_products_may_read_each_other() {
    const SUMS: usize = 9;
    for signs in all_signs() {
        for (mode, zero) in [
            (Mode::Store, Zero::Multiplies),
            (Mode::Add, Zero::Multiplies),
            (Mode::Store, Zero::Absorbs),
            (Mode::Add, Zero::Absorbs),
        ] {
            let mut got = some_special(1, 50);
            let mut want = got.clone();
            let (mut pool, per) = (Pool::default(), signs.count());
            // The sums are the numbers from 30 on; each reads what lies before it.
            for sum in 0..SUMS {
                let bound = u32::try_from(30 + sum).unwrap();
                let of_sum = |seed| indices(u64::from(bound) + seed, per, bound);
                pool.extend(of_sum(0).into_iter().zip(of_sum(99)));
            }
            for sum in 0..SUMS {
                let mut total = if mode == Mode::Add { want[30 + sum] } else { -0.0 };
                for (k, &(a, b)) in pool[sum * per..][..per].iter().enumerate() {
                    let (a, b) = (want[a as usize], want[b as usize]);
                    let product = if zero == Zero::Absorbs { a.chain(b) } else { a * b };
                    total += if k < signs.plus as usize { product } else { -product };
                }
                want[30 + sum] = if per == 0 && mode == Mode::Store { 0.0 } else { total };
            }
            pool.list(0..SUMS * per).sums(signs, mode, zero, 30..30 + SUMS, &mut got);
            for (place, (got, want)) in got.iter().zip(&want).enumerate() {
                assert!(same(*got, *want), "{signs:?} {mode:?} {zero:?}: number {place} is {got}, not {want}");
            }
        }
    }
}

#[test]
fn factors_get_the_adjoints_of_their_sums() {
    const SUMS: usize = 9;
    for signs in all_signs() {
        let values = some_special(3, 50);
        let mut got = numbers(4, 50);
        got[33] = 0.0;
        let mut want = got.clone();
        let (mut pool, per) = (Pool::default(), signs.count());
        for sum in 0..SUMS {
            let bound = u32::try_from(30 + sum).unwrap();
            let places = indices(u64::from(bound), per, bound);
            pool.extend(places.into_iter().zip(indices(u64::from(bound) + 99, per, 50)));
        }
        for sum in (0..SUMS).rev() {
            let delta = want[30 + sum];
            for (k, &(to, other)) in pool[sum * per..][..per].iter().enumerate() {
                let delta = if k < signs.plus as usize { delta } else { -delta };
                want[to as usize] += delta.chain(values[other as usize]);
            }
        }
        pool.list(0..SUMS * per).add_to_factors(signs, 30..30 + SUMS, &values, &mut got);
        for (place, (got, want)) in got.iter().zip(&want).enumerate() {
            assert!(same(*got, *want), "{signs:?}: adjoint {place} is {got}, not {want}");
        }
    }
}

#[test]
fn what_is_gathered_is_added_where_it_came_from() {
    let from = numbers(5, 40);
    let places = indices(6, 100, 40);
    let mut pool = Pool::default();
    pool.extend([39]);
    pool.extend(places.iter().copied());
    let mut gathered = vec![0.0; 100];
    pool.list(1..101).gather(&from, &mut gathered);
    let mut counts = vec![0.0; 40];
    pool.list(1..101).add(&[1.0; 100], &mut counts);
    for (place, count) in counts.iter().enumerate() {
        let own = places.iter().zip(&gathered).filter(|(p, _)| **p as usize == place);
        assert_eq!(*count, own.clone().map(|_| 1.0).sum::<f64>());
        assert!(own.clone().all(|(_, number)| *number == from[place]));
    }
}

#[test]
#[should_panic(expected = "a place lies beyond the numbers")]
fn a_pool_that_goes_beyond_the_numbers_is_refused() {
    let mut pool = Pool::default();
    pool.extend([(0, 1), (1, 8)]);
    // Even for a list that does not.
    pool.list(0..1).sums(Signs { plus: 1, minus: 0 }, Mode::Store, Zero::Multiplies, 3..4, &mut [0.0; 8]);
}

#[test]
#[should_panic(expected = "a sum lies beyond the adjoints")]
fn sums_beyond_the_adjoints_are_refused() {
    let mut pool = Pool::default();
    pool.extend([(0, 1), (1, 2)]);
    pool.list(0..2).add_to_factors(Signs { plus: 1, minus: 0 }, 3..5, &[0.0; 4], &mut [0.0; 4]);
}
