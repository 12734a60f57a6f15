//! Laws of the rows that the reference file does not cover, and of all rows against differences.

mod reference;

use dagrad::{Arity, Op};
use rand::SeedableRng;
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::ChaCha8Rng;
use reference::differentiate;

/// Points inside the domain of a row, from its own intervals.
fn points(op: Op, count: usize) -> Vec<Vec<f64>> {
    let info = op.info();
    let mut generator = ChaCha8Rng::seed_from_u64(info.name.bytes().map(u64::from).sum());
    let operands = match info.arity {
        Arity::Fixed(operands) => operands,
        Arity::Any => 6,
    };
    let mut draw = |place: usize| {
        let (low, high) = info.sample[place.min(info.sample.len() - 1)];
        let share: f64 = StandardUniform.sample(&mut generator);
        low + (high - low) * share
    };
    (0..count).map(|_| (0..operands).map(&mut draw).collect()).collect()
}

/// The derivative of `f` by its operand `place`, by differences of fourth order, and how far it may be off: rounding,
/// and the change from a step twice as wide.
fn difference(f: impl Fn(&[f64]) -> f64, x: &[f64], place: usize) -> [f64; 2] {
    let with_step = |step: f64| {
        let at = |steps: f64| {
            let mut x = x.to_vec();
            x[place] += steps * step;
            f(&x)
        };
        (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step)
    };
    let step = 5e-4 * x[place].abs().max(0.1);
    let (fine, coarse) = (with_step(step), with_step(2.0 * step));
    [fine, 2e-10 * (1.0 + fine.abs()) + (fine - coarse).abs()]
}

#[track_caller]
fn near(got: f64, [expected, tolerance]: [f64; 2], what: &str) {
    assert!((got - expected).abs() <= tolerance, "{what}: {got} against {expected} by differences");
}

/// The rows whose partials are those of their value in every operand.
fn differentiable() -> impl Iterator<Item = Op> {
    let on_purpose = [Some("0 everywhere, by intent"), Some("0 by y, which follows from x")];
    Op::ALL.iter().copied().filter(move |op| !on_purpose.contains(&op.info().kink))
}

#[test]
fn partials_of_every_row_agree_with_differences() {
    for op in differentiable() {
        for x in points(op, 25) {
            // Where operands tie within the steps, max and min have no derivative.
            let (_, gradient, _) = differentiate(op, &x);
            for (place, &got) in gradient.iter().enumerate() {
                let by_difference = difference(|x| op.value(x), &x, place);
                near(got, by_difference, &format!("{op:?}{x:?}, by operand {place}"));
            }
        }
    }
}

#[test]
fn second_derivatives_of_every_row_agree_with_differences_of_the_gradient() {
    for op in differentiable() {
        for x in points(op, 25) {
            let (_, _, hessian) = differentiate(op, &x);
            for row in 0..x.len() {
                for column in 0..x.len() {
                    let by_difference = difference(|x| differentiate(op, x).1[row], &x, column);
                    let what = format!("{op:?}{x:?}, by operands {row} and {column}");
                    near(hessian[column * x.len() + row], by_difference, &what);
                }
            }
        }
    }
}

#[test]
fn slopes_have_the_derivatives_of_their_curves() {
    for (slope, curve) in [(Op::TanhSlope, Op::Tanh), (Op::SigmoidSlope, Op::Sigmoid)] {
        for place in -120..=120 {
            let x = f64::from(place) * 0.1 + 0.03;
            let on_the_curve = |x: &[f64]| slope.value(&[x[0], curve.value(x)]);
            let (_, _, bend) = differentiate(curve, &[x]);
            near(bend[0], difference(on_the_curve, &[x], 0), &format!("{slope:?} at {x}"));
            // Where the two forms meet, they agree.
            let (got, expected) = (on_the_curve(&[x]), difference(|x| curve.value(x), &[x], 0));
            near(got, expected, &format!("{curve:?} at {x}"));
        }
    }
}

#[test]
fn helper_rows_have_their_values_at_hard_points() {
    // mpmath 1.3.0, 50 digits, rounded to double.
    let expected = [
        (Op::Sech, vec![0.5], SECH_HALF),
        (Op::Sech, vec![700.0], SECH_700),
        (Op::OneMinusSquare, vec![1.0 - 1e-12], ONE_MINUS_SQUARE),
        (Op::Unit, vec![3e200, 4e200], 0.6),
        (Op::Unit, vec![3e-200, -4e-200], 0.6),
        (Op::Unit, vec![0.0, 0.0], 0.0),
        (Op::Gaussian, vec![26.0], GAUSSIAN_26),
        (Op::NormalPdf, vec![38.0], NORMAL_PDF_38),
        (Op::NormalCdf, vec![-37.0], NORMAL_CDF_M37),
        (Op::NormalCdf, vec![1.0], NORMAL_CDF_1),
        (Op::Sigmoid, vec![-711.0], SIGMOID_M711),
        (Op::Sigmoid, vec![711.0], 1.0),
        (Op::Sigmoid, vec![-1000.0], 0.0),
        (Op::Tanh, vec![-711.0], -1.0),
        (Op::Tanh, vec![1000.0], 1.0),
        (Op::LogSumExp, vec![1000.0, 1000.0, 999.0], LOGSUMEXP),
        (Op::LogSumExp, vec![-800.0, -801.0], LOGSUMEXP_LOW),
    ];
    for (op, x, expected) in expected {
        let got = op.value(&x);
        let steps = reference::doubles_between(got, expected);
        assert!(steps <= 2, "{op:?}{x:?} is {got:e}, not {expected:e}");
    }
}

#[test]
fn lists_keep_their_identities() {
    for x in points(Op::Sum, 50) {
        let scale: f64 = x.iter().map(|x| x.abs()).sum();
        let plain: f64 = x.iter().sum();
        assert!((Op::Sum.value(&x) - plain).abs() <= 1e-15 * scale, "Σ{x:?}");
        let pairs: f64 = x.chunks(2).map(|pair| pair[0] * pair[1]).sum();
        assert!((Op::Dot.value(&x) - pairs).abs() <= 1e-14 * scale * scale, "dot{x:?}");
        let product = x.iter().product::<f64>();
        assert!((Op::Product.value(&x) - product).abs() <= 1e-15 * product.abs(), "∏{x:?}");
        let shifted: Vec<f64> = x.iter().map(|x| x + 512.0).collect();
        let back = Op::LogSumExp.value(&shifted) - 512.0;
        assert!((Op::LogSumExp.value(&x) - back).abs() <= 1e-12, "ln Σ exp{x:?} moved");
        assert_eq!(Op::Max.value(&x), -Op::Min.value(&x.iter().map(|x| -x).collect::<Vec<_>>()), "max{x:?}");
    }
}

#[test]
fn a_nan_passes_through_max_and_min_wherever_it_stands() {
    for op in [Op::Max, Op::Min] {
        for place in 0..3 {
            let mut x = [1.0, 2.0, 3.0];
            x[place] = f64::NAN;
            assert!(op.value(&x).is_nan(), "{op:?}{x:?}");
        }
    }
}

#[test]
fn choices_take_the_side_that_their_row_says() {
    for (a, b, less) in [(1.0, 2.0, 1.0), (2.0, 1.0, 0.0), (1.0, 1.0, 0.0), (f64::NAN, 1.0, 0.0), (-0.0, 0.0, 0.0)] {
        assert_eq!(Op::Less.value(&[a, b]), less, "{a} < {b}");
    }
    for (condition, taken) in [(1.0, 7.0), (-0.5, 7.0), (0.0, 8.0), (-0.0, 8.0)] {
        assert_eq!(Op::Select.value(&[condition, 7.0, 8.0]), taken, "select of {condition}");
        let (_, gradient, _) = differentiate(Op::Select, &[condition, 7.0, 8.0]);
        assert_eq!(gradient, [0.0, f64::from(taken == 7.0), f64::from(taken == 8.0)]);
    }
    for (x, step, sign, floor) in [(2.5, 1.0, 1.0, 2.0), (-2.5, 0.0, -1.0, -3.0), (0.0, 1.0, 0.0, 0.0)] {
        assert_eq!(Op::Step.value(&[x]), step, "step of {x}");
        assert_eq!(Op::Sign.value(&[x]), sign, "sign of {x}");
        assert_eq!(Op::Floor.value(&[x]), floor, "floor of {x}");
        for op in [Op::Step, Op::Sign, Op::Floor] {
            assert_eq!(differentiate(op, &[x]), (op.value(&[x]), vec![0.0], vec![0.0]), "{op:?} of {x}");
        }
    }
}

#[test]
fn a_zero_absorbs_in_chain() {
    for other in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 3.0] {
        assert_eq!(Op::Chain.value(&[0.0, other]), 0.0);
        assert_eq!(Op::Chain.value(&[other, -0.0]), 0.0);
    }
    assert_eq!(Op::Chain.value(&[2.0, 3.0]), 6.0);
    assert_eq!(differentiate(Op::Chain, &[0.0, f64::INFINITY]).1, [f64::INFINITY, 0.0]);
}

const SECH_HALF: f64 = 0.886_818_883_970_073_9;
const SECH_700: f64 = 1.971_935_308_751_954e-304;
const ONE_MINUS_SQUARE: f64 = 1.999_955_756_558_757e-12;
const GAUSSIAN_26: f64 = 2.611_741_761_284_055_5e-294;
const NORMAL_PDF_38: f64 = 1.097_221_052e-314;
const NORMAL_CDF_M37: f64 = 5.725_571_222_524_577e-300;
const NORMAL_CDF_1: f64 = 0.841_344_746_068_542_9;
const SIGMOID_M711: f64 = 1.646_733_675_224_79e-309;
const LOGSUMEXP: f64 = 1_000.861_994_804_058_2;
const LOGSUMEXP_LOW: f64 = -799.686_738_312_481_8;
