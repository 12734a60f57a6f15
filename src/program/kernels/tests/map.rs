use super::super::{Isa, map};
use super::{SPECIAL, numbers, same};
use crate::op::{Arity, Op, Scalar};

/// All pairs, or triples, of special numbers in a row, then numbers from the sample intervals; one column per operand.
fn columns(op: Op, arity: usize) -> Vec<Vec<f64>> {
    let special = SPECIAL.len().pow(u32::try_from(arity).unwrap());
    (0..arity)
        .map(|place| {
            let info = op.info();
            let (low, high) = info.sample[place];
            let mut column: Vec<f64> = (0..special)
                .map(|index| SPECIAL[index / SPECIAL.len().pow(u32::try_from(place).unwrap()) % SPECIAL.len()])
                .collect();
            column.extend(numbers(7 + place as u64, 61).iter().map(|t| low + (high - low) * (t + 2.0) / 4.0));
            column.extend(numbers(17 + place as u64, 50).iter().map(|t| t * 10.0));
            column
        })
        .collect()
}

/// Calls `check` with each operation of the table that maps numbers, its columns, and a length for each of many.
fn for_each_window(mut check: impl FnMut(Isa, Op, &[&[f64]])) {
    for isa in Isa::supported() {
        for &op in Op::ALL {
            let Arity::Fixed(arity) = op.info().arity else { continue };
            let columns = columns(op, arity);
            let len = columns[0].len();
            for window in [0..len, len - 64..len, len - 77..len, 0..1, 3..3, 5..12, 2..17] {
                let operands: Vec<&[f64]> = columns.iter().map(|column| &column[window.clone()]).collect();
                check(isa, op, &operands);
            }
        }
    }
}

#[test]
fn forward_has_the_bits_of_the_value_rule() {
    for_each_window(|isa, op, operands| {
        let mut out = vec![77.0; operands[0].len()];
        map::forward(isa, op, operands, &mut out);
        for (i, &got) in out.iter().enumerate() {
            let point: Vec<f64> = operands.iter().map(|column| column[i]).collect();
            let want = op.value(&point);
            assert!(same(got, want), "{op:?} at {point:?} with {isa:?}: {got:e} instead of {want:e}");
        }
    });
}

#[test]
fn reverse_has_the_bits_of_the_chained_partials() {
    for_each_window(|isa, op, operands| {
        let len = operands[0].len();
        let mut value = vec![0.0; len];
        map::forward(isa, op, operands, &mut value);
        let adjoint: Vec<f64> = numbers(3, len).iter().zip(SPECIAL.iter().cycle()).map(|(x, s)| x + s).collect();
        for adjoint in [adjoint, vec![0.0; len], vec![-1.5; len]] {
            for place in 0..operands.len() {
                let mut out = vec![77.0; len];
                map::reverse(isa, op, place, operands, &value, &adjoint, &mut out);
                for (i, &got) in out.iter().enumerate() {
                    let point: Vec<f64> = operands.iter().map(|column| column[i]).collect();
                    let mut partials = vec![0.0; point.len()];
                    op.partials(&point, value[i], &mut partials);
                    let want = adjoint[i].chain(partials[place]);
                    assert!(same(got, want), "{op:?}, {place} at {point:?} with {isa:?}: {got:e} instead of {want:e}");
                }
            }
        }
    });
}

#[test]
fn accumulate_adds_element_by_element() {
    for isa in Isa::supported() {
        for len in [0, 1, 7, 8, 64, 77] {
            let (a, b) = (numbers(1, len), numbers(2, len));
            let mut out = b.clone();
            map::accumulate(isa, &a, &mut out);
            assert!(out.iter().zip(a.iter().zip(&b)).all(|(&got, (a, b))| same(got, a + b)), "{isa:?}, {len}");
        }
    }
}

#[test]
#[should_panic(expected = "sin takes Fixed(1) operands, got 2")]
fn a_wrong_number_of_operands_is_refused() {
    map::forward(Isa::detect(), Op::Sin, &[&[0.0], &[0.0]], &mut [0.0]);
}

#[test]
#[should_panic(expected = "not equally long")]
fn slices_of_different_lengths_are_refused() {
    map::forward(Isa::detect(), Op::Add, &[&[0.0; 8], &[0.0; 7]], &mut [0.0; 8]);
}

/// Finite operands alone, since memory checkers do not compare other numbers as processors do.
#[test]
fn a_map_writes_its_window_and_nothing_else() {
    const GUARD: f64 = 77.0;
    for isa in Isa::supported() {
        for &op in Op::ALL {
            let Arity::Fixed(arity) = op.info().arity else { continue };
            for len in [0, 1, 7, 8, 64, 77] {
                let column = |place: usize| {
                    let (low, high) = op.info().sample[place];
                    numbers(7 + place as u64, len).iter().map(|t| low + (high - low) * (t + 2.0) / 4.0).collect()
                };
                let columns: Vec<Vec<f64>> = (0..arity).map(column).collect();
                let operands: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                let mut out = vec![GUARD; len + 2];
                map::forward(isa, op, &operands, &mut out[1..=len]);
                let (value, adjoint) = (out[1..=len].to_vec(), vec![1.5; len]);
                for place in 0..arity {
                    map::reverse(isa, op, place, &operands, &value, &adjoint, &mut out[1..=len]);
                }
                assert!(value.iter().chain(&out).all(|x| x.is_finite()), "{op:?} with {isa:?}");
                assert_eq!([out[0], out[len + 1]], [GUARD; 2], "{op:?} with {isa:?}");
            }
        }
    }
}
