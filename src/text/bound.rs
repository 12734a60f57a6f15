//! What a text says once: nodes that are used more than once or have names get a statement of their own.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Arena, Expr, Graph, Kind, NodeKey, index};

/// The statements for one expression, and what its leaves are called.
pub(super) struct Statements<'g> {
    pub(super) graph: &'g Graph,
    /// The nodes that have a statement, operands before their users; the result is not among them.
    pub(super) bound: Vec<NodeKey>,
    /// What bound nodes, inputs and parameters are called.
    pub(super) names: FxHashMap<NodeKey, String>,
    pub(super) result: NodeKey,
    /// The names of operations.
    pub(super) operations: FxHashSet<&'static str>,
}

impl<'g> Statements<'g> {
    pub(super) fn new(expr: Expr<'g>) -> Self {
        let (graph, result) = (expr.graph(), expr.key());
        let arena = graph.arena();
        let needed = arena.needed(&[result]);
        let mut uses = vec![0_u32; arena.bound()];
        for &key in &needed {
            for &operand in arena.operands(key) {
                uses[index(operand)] = uses[index(operand)].saturating_add(1);
            }
        }
        let operations = graph.operations().iter().map(|op| op.info().name).collect();
        let mut statements = Self { graph, bound: vec![], names: FxHashMap::default(), result, operations };
        let is_bound = |key: &NodeKey| {
            *key != result && !is_leaf(&arena, *key) && (uses[index(*key)] > 1 || graph.name_of(*key).is_some())
        };
        statements.bound = needed.iter().copied().filter(is_bound).collect();
        let called = || needed.iter().copied().filter(|&key| is_leaf(&arena, key) || is_bound(&key));
        let mut taken: FxHashSet<String> = FxHashSet::default();
        for key in called().filter(|&key| graph.name_of(key).is_some()) {
            let mut name = graph.path_of(key);
            if !taken.insert(name.clone()) {
                name = format!("{name} #{}", index(key));
                taken.insert(name.clone());
            }
            statements.names.insert(key, name);
        }
        let mut count = 0;
        for key in called() {
            statements.names.entry(key).or_insert_with(|| {
                loop {
                    count += 1;
                    let name = format!("t{count}");
                    if taken.insert(name.clone()) {
                        return name;
                    }
                }
            });
        }
        statements
    }

    /// The name of a node, where it is not spelled out.
    pub(super) fn name(&self, key: NodeKey) -> Option<&str> {
        self.names.get(&key).map(String::as_str)
    }
}

fn is_leaf(arena: &Arena, key: NodeKey) -> bool {
    matches!(arena.kind(key), Kind::Input | Kind::Parameter)
}
