use smallvec::SmallVec;

use super::super::linear::Mode;
use super::super::script::{Extent, Factor, MOST_TERMS, Outside, OutsideRows, Place, Script, Slices, Sum, Term};
use super::super::{Isa, Zero};
use super::{Compensated, SPECIAL, numbers, same};
use crate::op::{Arity, Op, Scalar};

/// Rows of values, then of adjoints.
const ROWS: u32 = 9;

struct Buffers {
    values: Vec<f64>,
    adjoints: Vec<f64>,
    shared: Vec<f64>,
    lanes: usize,
}

impl Buffers {
    fn new(lanes: usize) -> Self {
        let rows = |seed| numbers(seed, ROWS as usize * lanes);
        Self { values: rows(1), adjoints: rows(2), shared: numbers(3, 5), lanes }
    }

    fn run(&mut self, script: &Script) {
        let Self { values, adjoints, shared, lanes } = self;
        script.run(
            0..script.len(),
            Slices { values, adjoints, shared, inputs: &[], lanes: *lanes, outside: &mut Outside::default() },
        );
    }

    fn at(&self, place: Place, i: usize) -> f64 {
        let at = place.first as usize * self.lanes + i;
        if place == Place::ONE {
            1.0
        } else if place.base == Place::values(0).base {
            self.values[at]
        } else {
            self.adjoints[at]
        }
    }

    fn factor(&self, factor: Factor, i: usize) -> f64 {
        match factor {
            Factor::Number(Place::ONE) => 1.0,
            Factor::Number(place) => self.shared[place.first as usize],
            Factor::Row(place) => self.at(place, i),
        }
    }
}

/// Sums of every number of terms, with a number as factor of the first few of them.
fn sums(out: Place, count: u32, step: u32) -> Vec<Sum> {
    let mut sums = vec![];
    for terms in 0..=MOST_TERMS {
        for numbers in 0..=terms {
            for (mode, zero) in
                [Mode::Store, Mode::Add].into_iter().flat_map(|mode| [(mode, Zero::Multiplies), (mode, Zero::Absorbs)])
            {
                let term = |n: u32| Term {
                    row: if n == 1 { Place::adjoints(n * step) } else { Place::values((n + 1) * step) },
                    factor: match n {
                        n if n as usize >= numbers => Factor::Row(Place::values((n + 3) * step)),
                        0 => Factor::Number(Place::shared(2)),
                        _ => Factor::Number(Place::ONE),
                    },
                    // Products of rows have one sign.
                    minus: if n as usize >= numbers { zero == Zero::Absorbs } else { n % 2 == 1 },
                };
                let terms: SmallVec<_> = (0..u32::try_from(terms).unwrap()).map(term).rev().collect();
                let start = (numbers != 1).then_some((Place::shared(1), numbers == 0));
                sums.push(Sum { out, count, start, terms: terms.clone(), mode, zero, fills: false });
                if terms.len() > numbers && terms.len() < MOST_TERMS {
                    // The last product counts twice.
                    let terms = terms.iter().copied().chain(terms.first().copied()).collect();
                    sums.push(Sum { out, count, start, terms, mode, zero, fills: false });
                }
                // Nothing but products that are added.
                let terms = terms.iter().map(|term| Term { minus: false, ..*term }).collect();
                sums.push(Sum { out, count, start: None, terms, mode, zero, fills: false });
            }
        }
    }
    sums
}

/// Calls `check` with a count of rows and of lanes: single numbers, and rows of lanes.
fn for_each_shape(mut check: impl FnMut(Isa, u32, usize)) {
    for isa in Isa::supported() {
        for count in (1..=9).chain([14, 31, 32, 70]) {
            check(isa, count, 1);
        }
        for lanes in [8, 24, 32, 72, 512] {
            check(isa, 1, lanes);
        }
    }
}

#[test]
fn a_sum_agrees_with_a_compensated_one() {
    for_each_shape(|isa, count, lanes| {
        // Where a row is one number, a row of the buffers holds many.
        let (wide, step) = if lanes == 1 { (count as usize, count) } else { (lanes, 1) };
        // There is a row behind that of the result.
        let (all, whole) = (sums(Place::adjoints(7 * step), count, step), wide.next_multiple_of(8));
        let filling = all.clone().into_iter().map(|sum| Sum { fills: true, ..sum });
        for sum in all.into_iter().chain(filling.filter(|_| lanes == 1 && 2 * wide >= whole)) {
            let mut script = Script::new(isa, lanes > 1);
            script.sum(&sum);
            let mut buffers = Buffers { lanes, ..Buffers::new(wide) };
            let before = Buffers { lanes, ..Buffers::new(wide) };
            buffers.run(&script);
            let first = sum.out.first as usize * lanes;
            for i in 0..wide {
                let mut want = Compensated::default();
                if sum.mode == Mode::Add {
                    want.add(before.adjoints[first + i], 1.0);
                }
                if let Some((start, minus)) = sum.start {
                    want.add(if minus { -1.0 } else { 1.0 }, before.shared[start.first as usize]);
                }
                for term in &sum.terms {
                    let sign = if term.minus { -1.0 } else { 1.0 };
                    want.add(sign * before.factor(term.factor, i), before.at(term.row, i));
                }
                let got = buffers.adjoints[first + i];
                assert!(want.agrees(got), "{isa:?}, {count} × {lanes}, number {i}: {got:e}, not {want:?} by {sum:?}");
            }
            for (i, (now, then)) in buffers.adjoints.iter().zip(&before.adjoints).enumerate() {
                let own = first..first + if sum.fills { whole } else { wide };
                assert!(same(*now, *then) || own.contains(&i), "number {i} is not of the row");
            }
        }
    });
}

#[test]
fn two_sums_in_one_line_agree_with_two_lines() {
    for_each_shape(|isa, count, lanes| {
        let (wide, step) = if lanes == 1 { (count as usize, count) } else { (lanes, 1) };
        let modes = [Mode::Store, Mode::Add];
        let fits = 2 * wide >= wide.next_multiple_of(8);
        for (first, second) in modes.iter().flat_map(|&first| modes.map(|second| (first, second))) {
            for (minus, fills) in [(false, false), (true, false), (false, true)] {
                // Behind each result is a row of nothing.
                let fills = fills && lanes == 1 && fits;
                let sum = |n: u32, mode| {
                    let factor = Factor::Row(Place::adjoints(0));
                    let terms = [Term { row: Place::values(n * step), factor, minus }].into_iter().collect();
                    let out = Place::adjoints((2 * n - 1) * step);
                    Sum { out, count, start: None, terms, mode, zero: Zero::Absorbs, fills }
                };
                let sums = [sum(1, first), sum(2, second)];
                assert!(sums[0].pairs_with(&sums[1]));
                let [mut apart, mut together] = [Script::new(isa, lanes > 1), Script::new(isa, lanes > 1)];
                for sum in &sums {
                    apart.sum(sum);
                }
                together.sum(&sums[0]);
                together.amend_with_pair(0, [&sums[0], &sums[1]]);
                let mut buffers = [0, 1].map(|_| Buffers { lanes, ..Buffers::new(wide) });
                for (buffers, script) in buffers.iter_mut().zip([apart, together]) {
                    // Zero times infinity, and numbers that are none, from one end to the other.
                    buffers.adjoints[..wide].copy_from_slice(&operand(0, wide));
                    buffers.values[wide..3 * wide].copy_from_slice(&operand(1, 2 * wide));
                    buffers.run(&script);
                }
                let [apart, together] = buffers.map(|buffers| buffers.adjoints);
                // The sign of a zero may depend on the numbers beside it.
                let agree = apart.iter().zip(&together).all(|(a, b)| a == b || a.is_nan() && b.is_nan());
                let untouched = numbers(2, ROWS as usize * wide);
                let beyond = |n: usize| (2 * n - 1) * wide + wide.next_multiple_of(8)..(2 * n + 1) * wide;
                assert!([1, 2].iter().all(|&n| !fits || beyond(n).all(|i| together[i] == untouched[i])));
                assert!(agree, "{isa:?}, {count} × {lanes}, {first:?} and {second:?}");
            }
        }
    });
}

#[test]
fn what_a_line_has_yet_to_read_it_does_not_write_beside() {
    let sum = |out, factor, row| {
        let terms = [Term { row, factor: Factor::Row(factor), minus: false }].into_iter().collect();
        Sum { out, count: 8, start: None, terms, mode: Mode::Store, zero: Zero::Absorbs, fills: false }
    };
    let [a, b, c] = [0, 8, 16].map(Place::adjoints);
    let [x, y] = [0, 8].map(Place::values);
    let own = sum(b, a, x);
    assert!(own.pairs_with(&sum(c, a, y)));
    let overlapping = [sum(Place::adjoints(1), a, y), sum(Place::adjoints(9), a, y), sum(Place::values(7), a, y)];
    let others = [sum(c, Place::adjoints(1), y), Sum { count: 4, ..sum(c, a, y) }, sum(c, a, b)];
    for other in overlapping.iter().chain(&others).chain([&Sum { zero: Zero::Multiplies, ..sum(c, a, y) }]) {
        assert!(!own.pairs_with(other), "{other:?}");
    }
}

#[test]
fn zero_absorbs_where_it_is_to() {
    for_each_shape(|isa, count, lanes| {
        let (wide, step) = if lanes == 1 { (count as usize, count) } else { (lanes, 1) };
        for zero in [Zero::Absorbs, Zero::Multiplies] {
            for factor in [Factor::Row(Place::values(0)), Factor::Number(Place::shared(0))] {
                let mut script = Script::new(isa, lanes > 1);
                let terms = [Term { row: Place::adjoints(0), factor, minus: false }].into_iter().collect();
                script.sum(&Sum {
                    out: Place::adjoints(step),
                    count,
                    start: None,
                    terms,
                    mode: Mode::Store,
                    zero,
                    fills: false,
                });
                let mut buffers = Buffers { lanes, ..Buffers::new(wide) };
                buffers.values[..wide].fill(0.0);
                buffers.shared[0] = 0.0;
                buffers.adjoints[..wide].fill(f64::INFINITY);
                buffers.run(&script);
                for got in &buffers.adjoints[wide..2 * wide] {
                    assert_eq!(got.is_nan(), zero == Zero::Multiplies, "{isa:?}, {count} × {lanes}: {got}");
                }
            }
        }
    });
}

#[test]
fn a_dot_agrees_with_a_compensated_sum() {
    for (isa, count) in Isa::supported().flat_map(|isa| (1..=40).chain([64]).map(move |count| (isa, count))) {
        let of = |factor, mode, zero, minus| {
            let terms = [Term { row: Place::values(3 * count), factor, minus }].into_iter().collect();
            Sum { out: Place::adjoints(7), count, start: None, terms, mode, zero, fills: false }
        };
        for factor in [Factor::Row(Place::values(count)), Factor::Number(Place::shared(2))] {
            for (mode, minus) in [(Mode::Store, true), (Mode::Add, false)] {
                let mut script = Script::new(isa, false);
                let sum = of(factor, mode, Zero::Multiplies, minus);
                script.dot(&sum);
                let mut buffers = Buffers { lanes: 1, ..Buffers::new(count as usize) };
                let mut want = Compensated::default();
                if mode == Mode::Add {
                    want.add(buffers.adjoints[7], 1.0);
                }
                for i in 0..count as usize {
                    let sign = if minus { -1.0 } else { 1.0 };
                    want.add(sign * buffers.factor(factor, i), buffers.at(sum.terms[0].row, i));
                }
                buffers.run(&script);
                let got = buffers.adjoints[7];
                assert!(want.agrees(got), "{isa:?}, {count} numbers: {got:e}, not {want:?} by {sum:?}");
            }
            for zero in [Zero::Absorbs, Zero::Multiplies] {
                let mut script = Script::new(isa, false);
                script.dot(&of(factor, Mode::Store, zero, false));
                let mut buffers = Buffers { lanes: 1, ..Buffers::new(count as usize) };
                buffers.values.fill(0.0);
                buffers.values[count as usize..2 * count as usize].fill(f64::INFINITY);
                buffers.shared[2] = f64::INFINITY;
                buffers.run(&script);
                assert_eq!(buffers.adjoints[7].is_nan(), zero == Zero::Multiplies, "{isa:?}, {count} numbers");
            }
        }
    }
}

/// Special numbers and others.
fn operand(place: usize, len: usize) -> Vec<f64> {
    operand_within(f64::INFINITY, place, len)
}

/// Such whose size is up to `reach`.
fn operand_within(reach: f64, place: usize, len: usize) -> Vec<f64> {
    let special = SPECIAL.iter().filter(|s| reach == f64::INFINITY || s.abs() <= reach).cycle().skip(place * 5);
    let scale = if reach == f64::INFINITY { 1.0 } else { reach / 2.0 };
    let numbers = numbers(place as u64, len).into_iter().map(|x| x * scale).zip(special);
    numbers.enumerate().map(|(i, (x, &s))| if i % 3 == 0 { s } else { x }).collect()
}

#[test]
fn maps_have_the_bits_of_the_rules() {
    for_each_shape(|isa, count, lanes| {
        let step = if lanes == 1 { count.next_multiple_of(8) } else { 1 };
        let wide = step as usize * lanes;
        let used = count as usize * lanes;
        for (&op, reach) in Op::ALL.iter().flat_map(|op| [1.0, 8.0, f64::INFINITY].map(|reach| (op, reach))) {
            let Arity::Fixed(arity) = op.info().arity else { continue };
            let mut buffers = Buffers { lanes, ..Buffers::new(wide) };
            for place in 0..arity {
                buffers.values[(place + 1) * wide..][..wide].copy_from_slice(&operand_within(reach, place, wide));
            }
            buffers.adjoints[..wide].copy_from_slice(&operand(4, wide));
            let places: Vec<Place> = (1..=arity).map(|row| Place::values(u32::try_from(row).unwrap() * step)).collect();
            let mut script = Script::new(isa, lanes > 1);
            let operands: Vec<Factor> = places.iter().copied().map(Factor::Row).collect();
            assert!(script.map(op, count, Place::values(0), &operands));
            for (place, mode) in (0..arity).flat_map(|place| [(place, Mode::Store), (place, Mode::Add)]) {
                let row = u32::try_from(1 + 2 * place + usize::from(mode == Mode::Add)).unwrap();
                let target = Factor::Row(Place::adjoints(row * step));
                let (own, value) = (Place::adjoints(0), Place::values(0));
                assert!(script.map_back(op, place, count, target, own, value, &operands, (mode, false)));
            }
            let before = buffers.adjoints.clone();
            buffers.run(&script);
            for i in 0..used {
                let point: Vec<f64> = places.iter().map(|&place| buffers.at(place, i)).collect();
                let value = op.value(&point);
                assert!(same(buffers.values[i], value), "{op:?} at {point:?} with {isa:?}: {:e}", buffers.values[i]);
                let mut partials = vec![0.0; arity];
                op.partials(&point, value, &mut partials);
                for (place, partial) in partials.iter().enumerate() {
                    let want = buffers.adjoints[i].chain(*partial);
                    for (row, want) in
                        [(1 + 2 * place, want), (2 + 2 * place, before[(2 + 2 * place) * wide + i] + want)]
                    {
                        let got = buffers.adjoints[row * wide + i];
                        assert!(same(got, want), "∂{place} {op:?} at {point:?} with {isa:?}: {got:e}, not {want:e}");
                    }
                }
            }
            for (i, (now, then)) in buffers.adjoints.iter().zip(&before).enumerate() {
                let beyond = i % wide >= used || i / wide == 0 || i / wide > 2 * arity;
                assert!(same(*now, *then) || !beyond, "{op:?}: number {i} is not of the row");
            }
        }
    });
}

/// The number of row `n` + 1, and where one number stands for the row: beyond the rows, or among the shared ones.
fn one_number(n: usize, wide: u32, lanes: usize) -> Place {
    let n = u32::try_from(n).unwrap();
    if lanes == 1 { Place::values((n + 1) * wide) } else { Place::shared(n) }
}

#[test]
fn a_map_of_several_rows_is_a_line_for_each() {
    for (isa, count) in Isa::supported().flat_map(|isa| [3, 8, 14, 40].map(|count| (isa, count))) {
        let (wide, rows) = (u32::next_multiple_of(count, 8), 3);
        for (op, mode) in
            [Op::Div, Op::Atan2].into_iter().flat_map(|op| [Mode::Store, Mode::Add].map(|mode| (op, mode)))
        {
            let lines = |script: &mut Script, extent: Extent, row: u32| {
                let [own, operand] = [0, rows].map(|first| (first + row) * wide);
                let number = 2 * rows * wide + row;
                let operands = [Factor::Row(Place::values(operand)), Factor::Number(Place::values(number))];
                let targets = [Factor::Row(Place::adjoints(operand)), Factor::Number(Place::adjoints(number))];
                let (adjoint, value) = (Place::adjoints(own), Place::values(own));
                assert!(script.map(op, extent, value, &operands));
                for (place, target) in targets.into_iter().enumerate() {
                    assert!(script.map_back(op, place, extent, target, adjoint, value, &operands, (mode, false)));
                }
            };
            let [mut together, mut apart] = [Script::new(isa, false), Script::new(isa, false)];
            lines(&mut together, Extent { rows, count }, 0);
            (0..rows).for_each(|row| lines(&mut apart, Extent { rows: 1, count }, row));
            assert_eq!((together.len(), apart.len()), (3, 3 * rows));
            let [together, apart] = [together, apart].map(|script| {
                let mut buffers = Buffers { lanes: 1, ..Buffers::new(wide as usize) };
                buffers.run(&script);
                [buffers.values, buffers.adjoints]
            });
            assert!((0..2).all(|n| same_all(&together[n], &apart[n])), "{op:?} of {count} with {isa:?}, {mode:?}");
        }
    }
}

#[test]
fn maps_of_rows_and_numbers_have_the_bits_of_the_rules() {
    for_each_shape(|isa, count, lanes| {
        let step = if lanes == 1 { count.next_multiple_of(8) } else { 1 };
        let (wide, used) = (step as usize * lanes, count as usize * lanes);
        for op in [Op::Div, Op::Hypot, Op::Atan2] {
            for number in 0..2 {
                let one = one_number(number, step, lanes);
                let row = Place::values((2 - u32::try_from(number).unwrap()) * step);
                let mut operands = [Factor::Row(row); 2];
                operands[number] = Factor::Number(one);
                let mut buffers = Buffers { lanes, ..Buffers::new(wide) };
                let before = buffers.adjoints.clone();
                let mut script = Script::new(isa, lanes > 1);
                assert!(script.map(op, count, Place::values(0), &operands));
                let (own, value) = (Place::adjoints(0), Place::values(0));
                let target = Factor::Row(Place::adjoints(step));
                assert!(script.map_back(op, 1 - number, count, target, own, value, &operands, (Mode::Add, false)));
                if lanes == 1 {
                    let target = Factor::Number(Place::adjoints(2 * step));
                    assert!(script.map_back(op, number, count, target, own, value, &operands, (Mode::Add, false)));
                }
                buffers.run(&script);
                let mut total = Compensated::default();
                total.add(before[2 * wide], 1.0);
                for i in 0..used {
                    let mut point = [buffers.at(row, i); 2];
                    point[number] =
                        if lanes == 1 { buffers.values[one.first as usize] } else { buffers.shared[number] };
                    let value = op.value(&point);
                    assert!(same(buffers.values[i], value), "{op:?} at {point:?} with {isa:?}: {}", buffers.values[i]);
                    let mut partials = [0.0; 2];
                    op.partials(&point, value, &mut partials);
                    let want = before[wide + i] + buffers.adjoints[i].chain(partials[1 - number]);
                    assert!(same(buffers.adjoints[wide + i], want), "∂{op:?} at {point:?} with {isa:?}");
                    total.add(buffers.adjoints[i].chain(partials[number]), 1.0);
                }
                if lanes == 1 {
                    let got = buffers.adjoints[2 * wide];
                    assert!(total.agrees(got), "Σ ∂{number} {op:?} with {isa:?}: {got:e}, not {total:?}");
                    assert!(same_all(&buffers.adjoints[2 * wide + 1..], &before[2 * wide + 1..]));
                }
            }
        }
    });
}

/// Columns that may lie outside with their values, and with their adjoints.
fn outside(columns: &[u32], adjoints: &[u32]) -> OutsideRows {
    OutsideRows { columns: columns.into(), adjoints: adjoints.into(), ..OutsideRows::default() }
}

/// Column 0 times row 2, added to the adjoints of column 1.
fn by_columns(isa: Isa) -> Script {
    let mut script = Script::with_rows_outside(isa, outside(&[0], &[1]));
    let term = Term { row: Place::values(2), factor: Factor::Row(Place::column(0)), minus: false };
    let (out, terms) = (Place::column_adjoints(0), [term].into_iter().collect());
    script.sum(&Sum { out, count: 1, start: None, terms, mode: Mode::Add, zero: Zero::Absorbs, fills: false });
    script
}

#[test]
fn columns_lie_in_their_rows_or_outside() {
    for isa in Isa::supported() {
        let (script, lanes) = (by_columns(isa), 40);
        let (column, mut all) = (numbers(7, lanes), numbers(8, 100));
        for lies_outside in [false, true] {
            let Buffers { mut values, mut adjoints, shared, .. } = Buffers::new(lanes);
            let (adjoints_before, all_before) = (adjoints.clone(), all.clone());
            let mut outside = Outside::default();
            if lies_outside {
                outside.values.push(column.as_slice());
                outside.adjoints = &mut all;
                outside.adjoint_places.push(13);
            }
            let first = if lies_outside { column.clone() } else { values[..lanes].to_vec() };
            let row = values[2 * lanes..3 * lanes].to_vec();
            let (values, adjoints) = (&mut values, &mut adjoints);
            script.run(0..1, Slices { values, adjoints, shared: &shared, inputs: &[], lanes, outside: &mut outside });
            drop(outside);
            for i in 0..lanes {
                let (before, got) = if lies_outside {
                    (all_before[13 + i], all[13 + i])
                } else {
                    (adjoints_before[lanes + i], adjoints[lanes + i])
                };
                let mut want = Compensated::default();
                want.add(before, 1.0);
                want.add(first[i], row[i]);
                assert!(want.agrees(got), "{isa:?}, lane {i}: {got:e}, not {want:?}");
            }
            let untouched =
                if lies_outside { same_all(adjoints, &adjoints_before) } else { same_all(&all, &all_before) };
            assert!(untouched, "nothing else is written");
        }
    }
}

#[test]
fn results_lie_in_their_rows_or_outside() {
    for isa in Isa::supported() {
        let lanes = 16;
        let rows = OutsideRows { results: [3].into_iter().collect(), ..OutsideRows::default() };
        let mut script = Script::with_rows_outside(isa, rows);
        assert!(script.map(Op::Neg, 1, Place::result(0), &[Factor::Row(Place::values(1))]));
        // What was written is read again.
        assert!(script.map(Op::Neg, 1, Place::values(5), &[Factor::Row(Place::result(0))]));
        let refused = script.map(Op::Neg, 1, Place::result(0), &[Factor::Row(Place::values(3))]);
        assert!(!refused, "a result that lies in its row would overlap with its operand");
        for place in [None, Some(50)] {
            let Buffers { mut values, mut adjoints, shared, .. } = Buffers::new(lanes);
            let (before, mut all) = (values.clone(), numbers(8, 70));
            let all_before = all.clone();
            let mut outside =
                Outside { results: &mut all, result_places: place.into_iter().collect(), ..Outside::default() };
            let slices = Slices {
                values: &mut values,
                adjoints: &mut adjoints,
                shared: &shared,
                inputs: &[],
                lanes,
                outside: &mut outside,
            };
            script.run(0..2, slices);
            drop(outside);
            let row = |all: &[f64], row: usize| all[row * lanes..(row + 1) * lanes].to_vec();
            let negative: Vec<f64> = row(&before, 1).iter().map(|x| -x).collect();
            assert!(same_all(&row(&values, 5), &row(&before, 1)), "{isa:?}");
            if place.is_some() {
                assert!(same_all(&all[50..66], &negative) && same_all(&row(&values, 3), &row(&before, 3)), "{isa:?}");
                assert!(same_all(&all[..50], &all_before[..50]) && same_all(&all[66..], &all_before[66..]));
            } else {
                assert!(same_all(&row(&values, 3), &negative) && same_all(&all, &all_before), "{isa:?}");
            }
        }
    }
}

fn same_all(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(&a, &b)| same(a, b))
}

#[test]
#[should_panic(expected = "of 39 numbers in slice 5")]
fn a_column_outside_that_is_too_short_is_refused() {
    let (mut values, mut adjoints, column) = ([0.0; 120], [0.0; 120], [0.0; 39]);
    let mut outside = Outside { values: [column.as_slice(); 2].into_iter().collect(), ..Outside::default() };
    let (values, adjoints) = (&mut values, &mut adjoints);
    by_columns(Isa::detect())
        .run(0..1, Slices { values, adjoints, shared: &[], inputs: &[], lanes: 40, outside: &mut outside });
}

#[test]
#[should_panic(expected = "products of rows have one sign")]
fn products_of_different_signs_are_no_line() {
    let term = |minus| Term { row: Place::values(1), factor: Factor::Row(Place::values(2)), minus };
    let terms = [term(true), term(false)].into_iter().collect();
    let sum = Sum {
        out: Place::values(3),
        count: 1,
        start: None,
        terms,
        mode: Mode::Store,
        zero: Zero::Absorbs,
        fills: false,
    };
    assert!(!sum.is_line());
    Script::new(Isa::detect(), true).sum(&sum);
}

#[test]
fn a_map_is_refused_where_it_cannot_be_a_line() {
    let mut script = Script::new(Isa::detect(), false);
    let (near, far) = (Place::values(10), Place::values(16));
    assert!(!script.map(Op::Exp, 9, far, &[Factor::Row(near)]), "the last register would meet the result");
    assert!(script.map(Op::Exp, 9, Place::values(26), &[Factor::Row(near)]));
    assert!(!script.map(Op::Max, 4, far, &[Factor::Row(near)]), "a list of operands");
    assert_eq!(script.len(), 1);
}

#[test]
fn a_column_in_its_row_is_that_row() {
    let mut script = Script::with_rows_outside(Isa::detect(), outside(&[3, 5], &[3, 5]));
    assert!(!script.map(Op::Exp, 1, Place::values(5), &[Factor::Row(Place::column(1))]));
    assert!(script.map(Op::Exp, 1, Place::values(6), &[Factor::Row(Place::column(1))]));
}

#[test]
#[should_panic(expected = "index out of bounds")]
fn a_column_that_is_none_is_refused() {
    Script::with_rows_outside(Isa::detect(), outside(&[3], &[])).map(
        Op::Exp,
        1,
        Place::values(5),
        &[Factor::Row(Place::column(1))],
    );
}

#[test]
#[should_panic(expected = "div takes 2 operands")]
fn a_map_of_too_few_operands_is_refused() {
    Script::new(Isa::detect(), false).map(Op::Div, 3, Place::values(8), &[Factor::Row(Place::values(0))]);
}

#[test]
#[should_panic(expected = "a script reaches row 16")]
fn a_script_that_reaches_beyond_its_slices_is_not_run() {
    let mut script = Script::new(Isa::detect(), false);
    assert!(script.map(Op::Exp, 3, Place::values(8), &[Factor::Row(Place::values(0))]));
    let outside = &mut Outside::default();
    script.run(0..1, Slices { values: &mut [0.0; 15], adjoints: &mut [], shared: &[], inputs: &[], lanes: 1, outside });
}

#[test]
#[should_panic(expected = "a line writes values or adjoints")]
fn what_is_shared_is_not_written() {
    let sum = Sum {
        count: 1,
        start: None,
        terms: [].into_iter().collect(),
        mode: Mode::Store,
        zero: Zero::Absorbs,
        fills: false,
        out: Place::ONE,
    };
    Script::new(Isa::detect(), false).sum(&sum);
}
