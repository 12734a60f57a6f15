use super::super::Isa;
use super::super::turn::{Starts, add_turned, turn};
use super::{indices, numbers};

/// Rows, used lanes and the step from one example to the next.
const TABLES: [(usize, usize, usize); 9] =
    [(1, 1, 1), (2, 8, 2), (7, 9, 31), (8, 16, 8), (9, 40, 11), (11, 37, 11), (20, 31, 64), (64, 24, 74), (3, 40, 0)];

/// The tables by steps, and as many examples anywhere, some of them twice.
fn each_table(mut visit: impl FnMut(Isa, usize, usize, Starts<'_>, &dyn Fn(usize) -> usize)) {
    for isa in Isa::supported() {
        for (rows, used, step) in TABLES {
            visit(isa, rows, used, Starts::Step { first: 3, step }, &|lane| 3 + lane * step);
            let places = indices(7, used, 200);
            visit(isa, rows, used, Starts::Places(&places), &|lane| places[lane] as usize);
        }
    }
}

#[test]
fn a_table_of_examples_becomes_rows_of_lanes() {
    let from = numbers(1, 2000);
    each_table(|isa, rows, used, starts, start| {
        let lanes = used.next_multiple_of(8) + 8;
        let mut to = vec![77.0; rows * lanes];
        turn(isa, &from, starts, used, lanes, &mut to);
        for (place, got) in to.iter().enumerate() {
            let (row, lane) = (place / lanes, place % lanes);
            let want = if lane < used { from[start(lane) + row] } else { 77.0 };
            assert_eq!(*got, want, "{isa:?}: lane {lane} of row {row} of {rows}, {starts:?}");
        }
    });
}

#[test]
fn rows_of_lanes_are_added_to_a_table_example_by_example() {
    each_table(|isa, rows, used, starts, start| {
        let lanes = used.next_multiple_of(8) + 8;
        let from = numbers(2, rows * lanes);
        let mut got = numbers(3, 2000);
        let mut want = got.clone();
        add_turned(isa, &from, starts, used, lanes, &mut got);
        for lane in 0..used {
            for row in 0..rows {
                want[start(lane) + row] += from[row * lanes + lane];
            }
        }
        // Where examples overlap, their numbers are added in another order.
        let close = |(got, want): (&f64, &f64)| (got - want).abs() <= 1e-13;
        assert!(got.iter().zip(&want).all(close), "{isa:?}: {rows} rows of {used} lanes, {starts:?}");
    });
}

#[test]
#[should_panic(expected = "a table leaves its 20 numbers")]
fn a_table_that_leaves_its_numbers_is_refused() {
    turn(Isa::detect(), &[0.0; 20], Starts::Step { first: 1, step: 3 }, 6, 8, &mut [0.0; 40]);
}

#[test]
#[should_panic(expected = "a table leaves its 20 numbers")]
fn an_example_that_leaves_the_numbers_is_refused() {
    let starts = Starts::Places(&[0, 16, 3]);
    add_turned(Isa::detect(), &[0.0; 40], starts, 3, 8, &mut [0.0; 20]);
}
