//! Nodes on a draft: equal ones once, none where a number is known, and only what is wanted enters the graph.

use std::cell::RefCell;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::record::Recorder;
use crate::graph::{Expr, Graph, Kind, NodeKey};
use crate::op::{Op, Scalar};

/// A number of a draft: known, in the graph, or still on the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Constant(u64),
    Node(NodeKey),
    Drafted(u32),
}

impl Value {
    pub(super) fn constant(value: f64) -> Self {
        Self::Constant(value.to_bits())
    }

    /// The number, if it is known.
    pub(super) fn known(self) -> Option<f64> {
        match self {
            Self::Constant(bits) => Some(f64::from_bits(bits)),
            Self::Node(_) | Self::Drafted(_) => None,
        }
    }
}

pub(super) type Values = SmallVec<[Value; 3]>;

/// What a node computes, for comparison.
type Same = ((std::mem::Discriminant<Op>, u64), Values);

/// A node on the draft, with the node whose derivative it serves.
#[derive(Debug)]
pub(super) struct Drafted {
    pub(super) op: Op,
    pub(super) operands: Values,
    pub(super) group: Option<u32>,
    pub(super) adjoint_of: Option<NodeKey>,
}

/// Nodes that may enter the graph.
pub(super) struct Draft<'g> {
    pub(super) graph: &'g Graph,
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
    pub(super) fn new(graph: &'g Graph, needed: &[NodeKey]) -> Self {
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
    pub(super) fn value(&self, key: NodeKey) -> Value {
        match self.graph.arena().kind(key) {
            Kind::Constant(value) => Value::constant(value),
            Kind::Input | Kind::Parameter | Kind::Apply(_) => Value::Node(key),
        }
    }

    fn operands(&self, key: NodeKey) -> Values {
        self.graph.arena().operands(key).iter().map(|&operand| self.value(operand)).collect()
    }

    pub(super) fn term(&self, value: Value) -> Term<'_, 'g> {
        Term { draft: self, value }
    }

    /// From now on, new nodes belong to the group of this one.
    pub(super) fn enter_group_of(&self, key: NodeKey) {
        self.pages.borrow_mut().group = self.graph.group_of(key);
    }

    /// Notes that a number is the adjoint of a node.
    pub(super) fn name_adjoint(&self, adjoint: Value, of: NodeKey) {
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
    pub(super) fn record(self, wanted: &[Value], before: &'static str) -> Vec<Expr<'g>> {
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
        wanted.iter().map(|&value| recorder.expr(value, None)).collect()
    }
}

/// A number of a draft, to compute with.
#[derive(Clone, Copy)]
pub(super) struct Term<'d, 'g> {
    draft: &'d Draft<'g>,
    pub(super) value: Value,
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

operators! { ['d, 'g] Term<'d, 'g> }
