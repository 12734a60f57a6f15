//! The points of `tests/data/ops.json`, and what dagrad makes of them.

#![allow(dead_code, reason = "each test reads its own part")]

use dagrad::{Dual, Expr, Graph, Op};
use serde_json::Value;

/// Entries that miss their mark because the cancellation is inherent: operation, point, order of derivative, reason.
pub(crate) const EXCEPTED: &[(&str, &[f64], usize, &str)] = &[
    ("silu", &[745.0], 2, "σ″ is subnormal and made of subnormal factors, which have two or three bits"),
    ("silu", &[-745.0], 1, "σ(−745) is subnormal with one bit; the derivative multiplies it by 744"),
    ("silu", &[-745.0], 2, "the same"),
    ("pow", &[5e-324, 0.5], 2, "1/x overflows at the least positive number, though y/x would not"),
    ("atan2", &[1e-160, 2e-160], 2, "the mixed second derivative is ∞ − ∞: both terms exceed the doubles"),
    ("powi", &[2.0], 1, "2 to the −1076 underflows before the exponent multiplies it"),
    ("powi", &[2.0], 2, "the same"),
];

/// One operation at one point: reference and result.
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) x: Vec<f64>,
    pub(crate) tags: Vec<String>,
    pub(crate) value: Option<f64>,
    pub(crate) gradient: Option<Vec<f64>>,
    pub(crate) hessian: Option<Vec<f64>>,
    pub(crate) subgradient: Option<Vec<[f64; 2]>>,
    pub(crate) got_value: f64,
    pub(crate) got_gradient: Vec<f64>,
    pub(crate) got_hessian: Vec<f64>,
    pub(crate) derived_gradient: Vec<f64>,
    pub(crate) derived_hessian: Vec<f64>,
}

impl Point {
    /// The worse error of the two gradients or Hessians, by passes and by deriving, where the file specifies one and the function is smooth.
    pub(crate) fn error(&self, order: usize) -> Option<f64> {
        if self.is("kink") || self.is("outside_domain") {
            return None;
        }
        let (got, derived, expected) = match order {
            1 => (&self.got_gradient, &self.derived_gradient, &self.gradient),
            _ => (&self.got_hessian, &self.derived_hessian, &self.hessian),
        };
        let expected = expected.as_ref()?;
        Some(f64::max(relative_error(got, expected), relative_error(derived, expected)))
    }

    /// The largest error that passes.
    pub(crate) fn mark(&self) -> f64 {
        if self.is("hard") { 1e-12 } else { 1e-13 }
    }

    pub(crate) fn is_excepted(&self, order: usize) -> bool {
        let listed = EXCEPTED.iter().any(|&(name, x, of, _)| (name, x, of) == (&self.name, &self.x, order));
        listed && (self.name != "powi" || self.gradient.as_ref().is_some_and(|g| g[0].abs() < 1e-300))
    }

    pub(crate) fn is(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

fn number(json: &Value) -> f64 {
    match json {
        Value::String(text) => text.parse().expect("nan, inf or -inf"),
        other => other.as_f64().expect("a number"),
    }
}

fn list(json: &Value) -> Option<Vec<f64>> {
    let entries = json.as_array()?;
    if entries.iter().any(Value::is_array) {
        return Some(entries.iter().filter_map(list).flatten().collect());
    }
    if entries.iter().any(Value::is_null) { None } else { Some(entries.iter().map(number).collect()) }
}

/// The row of a name in the file.
fn row(name: &str, case: &Value) -> Op {
    match name {
        "powi" => Op::Powi { exponent: i32::try_from(case["n"].as_i64().expect("an exponent")).expect("an i32") },
        _ => *Op::ALL.iter().find(|op| op.info().name == name).unwrap_or_else(|| panic!("there is no row {name}")),
    }
}

/// Value, gradient and Hessian by forward over reverse.
pub(crate) fn differentiate(op: Op, x: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let graph = Graph::new();
    let inputs = graph.inputs("x", x.len());
    let program = graph.compile(&[graph.apply(op, &inputs)]).expect("one node compiles");
    let values = program.forward(x).expect("as many inputs");
    let gradient = program.reverse(&values).inputs().to_vec();
    let mut hessian = Vec::new();
    for direction in 0..x.len() {
        let point: Vec<Dual> =
            x.iter().enumerate().map(|(i, &x)| Dual::new(x, if i == direction { 1.0 } else { 0.0 })).collect();
        let values = program.forward_with(&[], &point).expect("as many inputs");
        hessian.extend(program.reverse(&values).inputs().iter().map(|adjoint| adjoint.tangent));
    }
    (values.outputs().next().expect("one output"), gradient, hessian)
}

/// The same by the gradient as more graph, and the gradient of that.
pub(crate) fn derived(op: Op, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let graph = Graph::new();
    let inputs = graph.inputs("x", x.len());
    let gradient = graph.apply(op, &inputs).derive(&inputs);
    let hessian: Vec<Expr> = gradient.iter().flat_map(|slope| slope.derive(&inputs)).collect();
    let at = |outputs: &[Expr]| {
        let program = graph.compile(outputs).expect("it compiles");
        program.forward(x).expect("as many inputs").outputs().collect()
    };
    (at(&gradient), at(&hessian))
}

/// Every point of the file.
pub(crate) fn points() -> Vec<Point> {
    let json: Value = serde_json::from_str(include_str!("../data/ops.json")).expect("the file is JSON");
    let mut points = Vec::new();
    for entry in json["ops"].as_array().expect("a list of operations") {
        let name = entry["op"].as_str().expect("a name");
        for case in entry["cases"].as_array().expect("a list of cases") {
            let op = row(name, case);
            let x = list(&case["x"]).expect("a point");
            let (got_value, got_gradient, got_hessian) = differentiate(op, &x);
            let (derived_gradient, derived_hessian) = derived(op, &x);
            let tags = case["tags"]
                .as_array()
                .map_or(vec![], |tags| tags.iter().map(|tag| tag.as_str().expect("a tag").to_owned()).collect());
            let subgradient = case["subgrad"]
                .as_array()
                .map(|intervals| intervals.iter().map(|ends| [number(&ends[0]), number(&ends[1])]).collect());
            points.push(Point {
                name: name.to_owned(),

                x,
                tags,
                value: Some(&case["value"]).filter(|value| !value.is_null()).map(number),
                gradient: list(&case["grad"]),
                hessian: list(&case["hess"]),
                subgradient,
                got_value,
                got_gradient,
                got_hessian,
                derived_gradient,
                derived_hessian,
            });
        }
    }
    points
}

/// How many doubles lie between two numbers; far for a NaN that is not expected.
pub(crate) fn doubles_between(a: f64, b: f64) -> u64 {
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() && b.is_nan() { 0 } else { u64::MAX };
    }
    let ordered = |x: f64| {
        let bits = x.to_bits().cast_signed();
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    ordered(a).abs_diff(ordered(b))
}

/// The worst error of a gradient or Hessian, relative to its greatest finite entry.
///
/// Below 1e-300 the numbers run out of bits: there an error of up to 2e-323 counts as none.
fn relative_error(got: &[f64], expected: &[f64]) -> f64 {
    let scale = expected.iter().filter(|e| e.is_finite()).fold(0.0, |most: f64, e| most.max(e.abs()));
    let errors = got.iter().zip(expected).map(|(&got, &expected)| {
        if got == expected || got.is_nan() && expected.is_nan() {
            0.0
        } else if !got.is_finite() || !expected.is_finite() {
            f64::INFINITY
        } else if expected.abs() < 1e-300 && (got - expected).abs() <= 2e-323 {
            0.0
        } else {
            (got - expected).abs() / scale
        }
    });
    errors.fold(0.0, f64::max)
}
