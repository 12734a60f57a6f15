//! The gradient as more graph: the reverse pass, run on expressions.
//!
//! What a row says of its partials is written down here as nodes. They are drafted first, so that only what the
//! gradient needs enters the graph, and equal nodes enter once.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::group::Name;
use super::{Expr, Graph, Kind, NodeKey, index};
use crate::op::{Op, Scalar};

impl<'g> Expr<'g> {
    /// The derivative of this node by each of the given ones, as nodes of the graph: to look at, to draw, to compile, to
    /// derive again.
    ///
    /// The nodes stand in groups that mirror those of the function, `∂ neuron 0` beside `neuron 0`, and an adjoint is
    /// called after its node, `∂ z`; a second time `∂² z`. Derivatives by leaves and by nodes on the way are had alike; by a node that this one
    /// does not depend on, the derivative is 0. It agrees with what [`Program::reverse`](crate::Program::reverse)
    /// computes, to the bit but for the sign of zeros.
    ///
    /// Takes time and memory proportional to the nodes that this one depends on; most graphs grow by two to four nodes
    /// for each of them.
    ///
    /// # Panics
    /// When a node belongs to another graph or was removed.
    ///
    /// # Reference
    /// Griewank and Walther (2008), Evaluating Derivatives, 2nd ed., SIAM, section 3.2, doi:10.1137/1.9780898717761.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// let y = x * x * x;
    /// let [slope] = y.derive(&[x])[..] else { unreachable!() };
    /// let [curvature] = slope.derive(&[x])[..] else { unreachable!() };
    /// assert_eq!(slope.eval(&[("x", 2.0)])?, 12.0);
    /// assert_eq!(curvature.eval(&[("x", 2.0)])?, 12.0);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn derive(self, by: &[Expr<'g>]) -> Vec<Expr<'g>> {
        let graph = self.graph();
        for node in by.iter().chain([&self]) {
            assert!(std::ptr::eq(node.graph(), graph), "a node belongs to another graph");
            assert!(graph.arena().contains(node.key()), "a node was removed from its graph");
        }
        let needed = graph.arena().needed(&[self.key()]);
        let draft = Draft::new(graph, &needed);
        let adjoints = draft.sweep(self.key(), by, &needed);
        let wanted: Vec<Value> = by
            .iter()
            .map(|node| adjoints.get(index(node.key())).copied().flatten().unwrap_or(Value::constant(0.0)))
            .collect();
        let order = self.name().map_or(0, |name| order(&name));
        draft.record(&wanted, ORDERS[(order + 1).min(ORDERS.len() - 1)])
    }
}

/// A number of a draft: known, in the graph, or still on the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Value {
    Constant(u64),
    Node(NodeKey),
    Drafted(u32),
}

impl Value {
    fn constant(value: f64) -> Self {
        Self::Constant(value.to_bits())
    }

    /// The number, if it is known.
    fn known(self) -> Option<f64> {
        match self {
            Self::Constant(bits) => Some(f64::from_bits(bits)),
            Self::Node(_) | Self::Drafted(_) => None,
        }
    }
}

type Values = SmallVec<[Value; 3]>;

/// What a node computes, for comparison.
type Same = ((std::mem::Discriminant<Op>, u64), Values);

/// A node on the draft, with the node whose derivative it serves.
#[derive(Debug)]
struct Drafted {
    op: Op,
    operands: Values,
    group: Option<u32>,
    adjoint_of: Option<NodeKey>,
}

/// Nodes that may enter the graph.
struct Draft<'g> {
    graph: &'g Graph,
    pages: RefCell<Pages>,
}

#[derive(Default)]
struct Pages {
    nodes: Vec<Drafted>,
    known: FxHashMap<Same, Value>,
    /// The group of the node at work.
    group: Option<u32>,
}

impl<'g> Draft<'g> {
    /// An empty draft that knows what the graph computes already.
    fn new(graph: &'g Graph, needed: &[NodeKey]) -> Self {
        let draft = Self { graph, pages: RefCell::default() };
        let mut pages = draft.pages.borrow_mut();
        for &key in needed {
            if let Kind::Apply(op) = graph.arena().kind(key) {
                pages.known.entry((op.identity(), draft.operands(key))).or_insert(Value::Node(key));
            }
        }
        drop(pages);
        draft
    }

    /// A node as a number: a constant is known.
    fn value(&self, key: NodeKey) -> Value {
        match self.graph.arena().kind(key) {
            Kind::Constant(value) => Value::constant(value),
            Kind::Input | Kind::Parameter | Kind::Apply(_) => Value::Node(key),
        }
    }

    fn operands(&self, key: NodeKey) -> Values {
        self.graph.arena().operands(key).iter().map(|&operand| self.value(operand)).collect()
    }

    fn term(&self, value: Value) -> Term<'_, 'g> {
        Term { draft: self, value }
    }

    /// The adjoint of every node that depends on one of `by`, by the index of its key.
    fn sweep(&self, output: NodeKey, by: &[Expr<'g>], needed: &[NodeKey]) -> Vec<Option<Value>> {
        let bound = self.graph.arena().bound();
        let mut depends = vec![false; bound];
        for node in by {
            depends[index(node.key())] = true;
        }
        for &key in needed {
            depends[index(key)] |= self.graph.arena().operands(key).iter().any(|&operand| depends[index(operand)]);
        }
        let mut adjoints: Vec<Option<Value>> = vec![None; bound];
        adjoints[index(output)] = Some(Value::constant(1.0));
        let mut partials = Vec::new();
        for &key in needed.iter().rev() {
            let (Some(adjoint), Kind::Apply(op)) = (adjoints[index(key)], self.graph.arena().kind(key)) else {
                continue;
            };
            self.name_adjoint(adjoint, key);
            // Where a zero arrives, nothing goes on.
            if !depends[index(key)] || adjoint.known() == Some(0.0) {
                continue;
            }
            self.pages.borrow_mut().group = self.graph.group_of(key);
            let operands: Vec<Term> = self.operands(key).into_iter().map(|operand| self.term(operand)).collect();
            let y = self.term(Value::Node(key));
            partials.clear();
            partials.resize(operands.len(), y);
            op.partials(&operands, y, &mut partials);
            let keys: SmallVec<[NodeKey; 4]> = self.graph.arena().operands(key).into();
            for (operand, &partial) in keys.into_iter().zip(&partials) {
                if depends[index(operand)] {
                    self.pages.borrow_mut().group = self.graph.group_of(key);
                    let share = self.term(adjoint).chain(partial);
                    self.pages.borrow_mut().group = self.graph.group_of(operand);
                    let sum = match adjoints[index(operand)] {
                        Some(sum) => self.term(sum) + share,
                        None => share,
                    };
                    adjoints[index(operand)] = Some(sum.value);
                }
            }
        }
        for node in by {
            if let Some(adjoint) = adjoints[index(node.key())] {
                self.name_adjoint(adjoint, node.key());
            }
        }
        adjoints
    }

    fn name_adjoint(&self, adjoint: Value, of: NodeKey) {
        if let Value::Drafted(place) = adjoint {
            self.pages.borrow_mut().nodes[place as usize].adjoint_of.get_or_insert(of);
        }
    }

    /// The number that an operation gives, if no new node is needed for it: exact but for the sign of zeros.
    fn simplified(&self, op: Op, operands: &[Term<'_, 'g>]) -> Option<Value> {
        let known: SmallVec<[Option<f64>; 4]> = operands.iter().map(|operand| operand.value.known()).collect();
        if let Some(numbers) = known.iter().copied().collect::<Option<SmallVec<[f64; 4]>>>() {
            return Some(Value::constant(op.value(&numbers)));
        }
        match (op, &*known) {
            (Op::Chain, [_, Some(0.0)] | [Some(0.0), _]) => Some(Value::constant(0.0)),
            (Op::Chain | Op::Mul | Op::Div, &[_, Some(1.0)]) | (Op::Sub, &[_, Some(0.0)]) => Some(operands[0].value),
            (Op::Chain | Op::Mul, &[Some(1.0), _]) => Some(operands[1].value),
            (Op::Chain | Op::Mul, &[_, Some(-1.0)]) => Some((-operands[0]).value),
            (Op::Chain | Op::Mul, &[Some(-1.0), _]) => Some((-operands[1]).value),
            // Only where the other factor may be infinite or NaN does a zero have to absorb.
            (Op::Chain, &[Some(factor), _] | &[_, Some(factor)]) if factor.is_finite() => {
                Some((operands[0] * operands[1]).value)
            }
            (Op::Select, &[Some(condition), _, _]) => Some(operands[if condition == 0.0 { 2 } else { 1 }].value),
            (Op::Neg, _) => self.negated(operands[0].value),
            _ => None,
        }
    }

    /// What a number is the negative of.
    fn negated(&self, value: Value) -> Option<Value> {
        let (op, operands) = match value {
            Value::Constant(_) => return None,
            Value::Node(key) => match self.graph.arena().kind(key) {
                Kind::Apply(op) => (op, self.operands(key)),
                Kind::Input | Kind::Parameter | Kind::Constant(_) => return None,
            },
            Value::Drafted(place) => {
                let node = &self.pages.borrow().nodes[place as usize];
                (node.op, node.operands.clone())
            }
        };
        (op == Op::Neg).then(|| operands[0])
    }

    fn apply(&self, op: Op, operands: &[Term<'_, 'g>]) -> Value {
        if let Some(value) = self.simplified(op, operands) {
            return value;
        }
        let operands: Values = operands.iter().map(|operand| operand.value).collect();
        let Pages { nodes, known, group } = &mut *self.pages.borrow_mut();
        *known.entry((op.identity(), operands.clone())).or_insert_with(|| {
            let place = u32::try_from(nodes.len()).expect("fewer than 2³² nodes");
            nodes.push(Drafted { op, operands, group: *group, adjoint_of: None });
            Value::Drafted(place)
        })
    }

    /// Takes what the wanted numbers need into the graph, with names that begin with `before`.
    fn record(self, wanted: &[Value], before: &'static str) -> Vec<Expr<'g>> {
        let nodes = self.pages.into_inner().nodes;
        let mut needed = vec![false; nodes.len()];
        let mark = |values: &[Value], needed: &mut [bool]| {
            for value in values {
                if let &Value::Drafted(place) = value {
                    needed[place as usize] = true;
                }
            }
        };
        mark(wanted, &mut needed);
        for (place, node) in nodes.iter().enumerate().rev() {
            if needed[place] {
                mark(&node.operands, &mut needed);
            }
        }
        let mut recorder = Recorder::new(self.graph, nodes.len(), before);
        for (place, node) in nodes.into_iter().enumerate().filter(|&(place, _)| needed[place]) {
            recorder.record(place, node);
        }
        wanted.iter().map(|&value| recorder.expr(value)).collect()
    }
}

/// Takes a draft into its graph, in order.
struct Recorder<'g> {
    graph: &'g Graph,
    constants: FxHashMap<u64, Expr<'g>>,
    places: Vec<Option<Expr<'g>>>,
    mirrors: FxHashMap<u32, u32>,
    /// What names begin with.
    before: &'static str,
}

impl<'g> Recorder<'g> {
    fn new(graph: &'g Graph, nodes: usize, before: &'static str) -> Self {
        let (constants, mirrors) = Default::default();
        Self { graph, constants, places: vec![None; nodes], mirrors, before }
    }

    fn expr(&mut self, value: Value) -> Expr<'g> {
        let graph = self.graph;
        match value {
            Value::Node(key) => graph.handle(key),
            Value::Constant(bits) => {
                *self.constants.entry(bits).or_insert_with(|| graph.constant(f64::from_bits(bits)))
            }
            Value::Drafted(place) => self.places[place as usize].expect("operands come before their users"),
        }
    }

    fn record(&mut self, place: usize, node: Drafted) {
        let operands: SmallVec<[Expr<'g>; 4]> = node.operands.into_iter().map(|operand| self.expr(operand)).collect();
        let expr = self.graph.record(node.op, &operands);
        let group = node.group.map(|group| self.mirror(group));
        let mut labels = self.graph.labels.borrow_mut();
        labels.place_in(group, expr.key());
        let name = node.adjoint_of.and_then(|of| labels.name_of(of)).map(|name| format!("{}{name}", self.before));
        if let Some(name) = name {
            labels.name(expr.key(), Name::new(name));
        }
        self.places[place] = Some(expr);
    }

    /// The group for the derivative of a group, inside those for the groups around it.
    fn mirror(&mut self, group: u32) -> u32 {
        let mut labels = self.graph.labels.borrow_mut();
        let mut missing = vec![];
        let mut at = Some(group);
        let mut around = labels.open();
        while let Some(group) = at {
            if let Some(&mirror) = self.mirrors.get(&group) {
                around = Some(mirror);
                break;
            }
            missing.push(group);
            at = labels.group(group).1;
        }
        for group in missing.into_iter().rev() {
            let name = labels.group(group).0;
            let name = format!("{}{}", self.before, &name[ORDERS[order(name)].len()..]);
            let mirror = labels.add(&name, around);
            self.mirrors.insert(group, mirror);
            around = Some(mirror);
        }
        self.mirrors[&group]
    }
}

/// What stands before the names of a derivative of so high an order.
const ORDERS: [&str; 9] = ["", "∂ ", "∂² ", "∂³ ", "∂⁴ ", "∂⁵ ", "∂⁶ ", "∂⁷ ", "∂⁸ "];

/// The order of the derivative that a name tells of.
fn order(name: &str) -> usize {
    ORDERS.iter().rposition(|before| name.starts_with(before)).unwrap_or(0)
}

/// A number of a draft, to compute with.
#[derive(Clone, Copy)]
struct Term<'d, 'g> {
    draft: &'d Draft<'g>,
    value: Value,
}

impl std::fmt::Debug for Term<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value.fmt(f)
    }
}

impl Scalar for Term<'_, '_> {
    fn constant(self, value: f64) -> Self {
        self.draft.term(Value::constant(value))
    }

    fn apply(op: Op, operands: &[Self]) -> Self {
        let draft = operands.first().expect("no rule applies a row to nothing").draft;
        draft.term(draft.apply(op, operands))
    }
}

impl Neg for Term<'_, '_> {
    type Output = Self;

    fn neg(self) -> Self {
        Self::apply(Op::Neg, &[self])
    }
}

/// Writes a binary operator for two terms and for a term and a number on its right.
macro_rules! operator {
    ($($Trait:ident $method:ident)*) => {$(
        impl $Trait for Term<'_, '_> {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                Self::apply(Op::$Trait, &[self, other])
            }
        }

        impl $Trait<f64> for Term<'_, '_> {
            type Output = Self;

            fn $method(self, other: f64) -> Self {
                Self::apply(Op::$Trait, &[self, self.constant(other)])
            }
        }
    )*};
}

operator!(Add add Sub sub Mul mul Div div);
