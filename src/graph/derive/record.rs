//! From the draft into the graph, with groups and names that mirror those of the function.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::draft::{Drafted, Value};
use crate::graph::group::Name;
use crate::graph::{Expr, Graph};

/// Takes a draft into its graph, in order.
pub(super) struct Recorder<'g> {
    graph: &'g Graph,
    places: Vec<Option<Expr<'g>>>,
    mirrors: FxHashMap<u32, u32>,
    /// What names begin with.
    before: &'static str,
}

impl<'g> Recorder<'g> {
    pub(super) fn new(graph: &'g Graph, nodes: usize, before: &'static str) -> Self {
        Self { graph, places: vec![None; nodes], mirrors: FxHashMap::default(), before }
    }

    /// A node for a number; a constant gets a new one each time, as those that a person writes do, in the group.
    pub(super) fn expr(&self, value: Value, group: Option<u32>) -> Expr<'g> {
        match value {
            Value::Node(key) => self.graph.handle(key),
            Value::Constant(bits) => {
                let constant = self.graph.constant(f64::from_bits(bits));
                self.graph.labels.borrow_mut().place_in(group, constant.key());
                constant
            }
            Value::Drafted(place) => self.places[place as usize].expect("operands come before their users"),
        }
    }

    pub(super) fn record(&mut self, place: usize, node: Drafted) {
        let group = node.group.map(|group| self.mirror(group));
        let operands: SmallVec<[Expr<'g>; 4]> =
            node.operands.into_iter().map(|operand| self.expr(operand, group)).collect();
        let expr = self.graph.record(node.op, &operands);
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

/// The orders, in names.
const ORDERS: [&str; 9] = ["", "∂ ", "∂² ", "∂³ ", "∂⁴ ", "∂⁵ ", "∂⁶ ", "∂⁷ ", "∂⁸ "];

/// The order of the derivative that a name tells of.
pub(super) fn order(name: &str) -> usize {
    ORDERS.iter().rposition(|before| name.starts_with(before)).unwrap_or(0)
}

/// What stands before the names of a derivative of so high an order.
pub(super) fn prefix(order: usize) -> &'static str {
    ORDERS[order.min(ORDERS.len() - 1)]
}
