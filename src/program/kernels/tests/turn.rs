use super::super::Isa;
use super::super::turn::turn;
use super::numbers;

#[test]
fn a_table_of_examples_becomes_rows_of_lanes() {
    let from = numbers(1, 2000);
    for isa in Isa::supported() {
        for (rows, used, step) in
            [(1, 1, 1), (2, 8, 2), (7, 9, 31), (8, 16, 8), (9, 40, 11), (20, 31, 64), (64, 24, 74)]
        {
            let lanes = usize::next_multiple_of(used, 8) + 8;
            let mut to = vec![77.0; rows * lanes];
            turn(isa, &from, 3, step, used, lanes, &mut to);
            for (place, got) in to.iter().enumerate() {
                let (row, lane) = (place / lanes, place % lanes);
                let want = if lane < used { from[3 + lane * step + row] } else { 77.0 };
                assert_eq!(*got, want, "{isa:?}: lane {lane} of row {row} of {rows}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "a table leaves its 20 numbers")]
fn a_table_that_leaves_its_numbers_is_refused() {
    turn(Isa::detect(), &[0.0; 20], 1, 3, 6, 8, &mut [0.0; 40]);
}
