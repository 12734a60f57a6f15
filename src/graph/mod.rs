//! What is computed: an arena of scalar operations.
//!
//! The graph is acyclic by construction, because operands exist before their users. It holds structure, no results; it
//! knows no order of evaluation, no adjoint and no drawing.

mod derive;
mod error;
mod eval;
mod expr;
mod find;
mod freeze;
mod group;
mod id;
mod inline;
mod traverse;

use std::cell::RefCell;
use std::rc::Rc;

use slotmap::{Key, SlotMap};

pub use error::GraphError;
pub(crate) use error::suggest;
pub use expr::{Expr, Operand};
pub(crate) use find::nearest;
pub use id::NodeId;
pub(crate) use id::{GraphId, NodeKey, index};

use crate::op::{Arity, Custom, Op};
use group::{Labels, Name};

/// A function as a graph of scalar computations.
///
/// Leaves are made by [`input`](Graph::input), [`parameter`](Graph::parameter) and [`constant`](Graph::constant); every
/// operation on an [`Expr`] records one node. Recording is append-only and merges nothing.
///
/// ```
/// let graph = dagrad::Graph::new();
/// let x = graph.input("x");
/// let w = graph.parameter("w", 0.5);
/// let y = (w * x).tanh().named("y");
/// assert_eq!(y.eval(&[("x", 2.0)])?, dagrad::elementary::tanh(1.0));
/// # Ok::<(), dagrad::Error>(())
/// ```
///
/// # Cost
/// 36 bytes for a node, 8 more for each operand of an operation of any number of them; names and groups cost extra only
/// where they are given.
pub struct Graph {
    id: GraphId,
    arena: RefCell<Arena>,
    labels: RefCell<Labels>,
    /// The operations that are no rows, by which text calls them.
    customs: RefCell<Vec<&'static Custom>>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// A number that varies from example to example.
    Input,
    /// A number that is the same for a whole batch, and is learned.
    Parameter,
    /// A number that never changes.
    Constant(f64),
    /// An operation on other nodes.
    Apply(Op),
}

/// One record of the arena. Packed, because the alignment of an `f64` would cost 4 bytes in each.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
struct Node {
    kind: Kind,
    operands: Operands,
}

/// Up to two operands in place, absent ones null; longer lists in the pool.
#[derive(Clone, Copy, Debug)]
enum Operands {
    Few([NodeKey; 2]),
    Many { start: u32, len: u32 },
}

/// The nodes and the pool of their long operand lists.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    nodes: SlotMap<NodeKey, Node>,
    pool: Vec<NodeKey>,
    inputs: Vec<NodeKey>,
    parameters: Vec<(NodeKey, f64)>,
    frozen: rustc_hash::FxHashSet<NodeKey>,
    /// Creation order, kept from the first removal on; before, the order of the slots is that of creation.
    order: Option<Vec<NodeKey>>,
}

impl Arena {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// One more than the greatest index of a key, for side tables.
    pub(crate) fn bound(&self) -> usize {
        self.nodes.capacity()
    }

    pub(crate) fn contains(&self, key: NodeKey) -> bool {
        self.nodes.contains_key(key)
    }

    pub(crate) fn kind(&self, key: NodeKey) -> Kind {
        self.nodes[key].kind
    }

    pub(crate) fn operands(&self, key: NodeKey) -> &[NodeKey] {
        self.node(key).1
    }

    /// What a node is, and its operands.
    pub(crate) fn node(&self, key: NodeKey) -> (Kind, &[NodeKey]) {
        let node = &self.nodes[key];
        let operands = match &node.operands {
            Operands::Few(keys) => {
                let count = keys.iter().take_while(|key| !key.is_null()).count();
                &keys[..count]
            }
            &Operands::Many { start, len } => &self.pool[start as usize..][..len as usize],
        };
        (node.kind, operands)
    }

    /// Every node, operands before their users: the order of creation.
    pub(crate) fn keys(&self) -> Vec<NodeKey> {
        self.order.clone().unwrap_or_else(|| self.nodes.keys().collect())
    }

    pub(crate) fn inputs(&self) -> &[NodeKey] {
        &self.inputs
    }

    /// The parameters with their initial values.
    pub(crate) fn parameters(&self) -> &[(NodeKey, f64)] {
        &self.parameters
    }

    /// The parameters that are frozen, in their order.
    pub(crate) fn frozen(&self) -> impl Iterator<Item = NodeKey> + '_ {
        self.parameters.iter().map(|&(key, _)| key).filter(|key| self.frozen.contains(key))
    }

    fn insert(&mut self, kind: Kind, operands: Operands) -> NodeKey {
        let key = self.nodes.insert(Node { kind, operands });
        if let Some(order) = &mut self.order {
            order.push(key);
        }
        key
    }

    fn leaf(&mut self, kind: Kind) -> NodeKey {
        self.insert(kind, Operands::Few([NodeKey::null(); 2]))
    }

    fn apply(&mut self, op: Op, keys: &[NodeKey]) -> NodeKey {
        let operands = match (op.arity(), keys) {
            (Arity::Fixed(_), &[a]) => Operands::Few([a, NodeKey::null()]),
            (Arity::Fixed(_), &[a, b]) => Operands::Few([a, b]),
            _ => {
                let start = u32::try_from(self.pool.len()).expect("fewer than 2³² operands in lists");
                let len = u32::try_from(keys.len()).expect("fewer than 2³² operands in lists");
                self.pool.extend_from_slice(keys);
                Operands::Many { start, len }
            }
        };
        self.insert(Kind::Apply(op), operands)
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arena = self.arena.borrow();
        f.debug_struct("Graph")
            .field("nodes", &arena.len())
            .field("inputs", &arena.inputs.len())
            .field("parameters", &arena.parameters.len())
            .finish_non_exhaustive()
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Graph {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self { id: GraphId::next(), arena: RefCell::default(), labels: RefCell::default(), customs: RefCell::default() }
    }

    /// How many nodes the graph holds, leaves included.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// let _ = x * x + 1.0;
    /// assert_eq!(graph.len(), 4); // x, x·x, 1, the sum
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.arena.borrow().len()
    }

    /// Whether the graph holds no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number that varies from example to example.
    ///
    /// Programs take the inputs in the order in which they were made.
    #[must_use]
    pub fn input(&self, name: &str) -> Expr<'_> {
        self.new_input(Name::new(name))
    }

    /// `count` inputs named `name[0]`, `name[1]`, …
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let pixels = graph.inputs("pixel", 64);
    /// assert_eq!(pixels[3].path(), "pixel[3]");
    /// ```
    #[must_use]
    pub fn inputs(&self, name: &str, count: usize) -> Vec<Expr<'_>> {
        let stem: Rc<str> = name.into();
        (0..count).map(|index| self.new_input(Name::element(&stem, index))).collect()
    }

    /// A number that is the same for a whole batch and can be learned, with its initial value.
    ///
    /// Programs take the parameters in the order in which they were made. A value that is not finite is kept, and flows
    /// through evaluation as IEEE arithmetic has it.
    #[must_use]
    pub fn parameter(&self, name: &str, initial: f64) -> Expr<'_> {
        self.new_parameter(Name::new(name), initial)
    }

    /// Parameters named `name[0]`, `name[1]`, …, one for each initial value.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let w = graph.parameters("w", &[0.5, -1.0]);
    /// assert_eq!(graph.initial_parameters(), [0.5, -1.0]);
    /// # let _ = w;
    /// ```
    #[must_use]
    pub fn parameters(&self, name: &str, initial: &[f64]) -> Vec<Expr<'_>> {
        let stem: Rc<str> = name.into();
        let element = |(index, &value)| self.new_parameter(Name::element(&stem, index), value);
        initial.iter().enumerate().map(element).collect()
    }

    /// A number that never changes.
    #[must_use]
    pub fn constant(&self, value: f64) -> Expr<'_> {
        let key = self.arena.borrow_mut().leaf(Kind::Constant(value));
        self.placed(key)
    }

    /// The initial values of the parameters, in their order: what a trainer starts from.
    #[must_use]
    pub fn initial_parameters(&self) -> Vec<f64> {
        self.arena.borrow().parameters.iter().map(|&(_, initial)| initial).collect()
    }

    /// The parameters, in the order in which programs take them.
    #[must_use]
    pub fn all_parameters(&self) -> Vec<Expr<'_>> {
        self.arena.borrow().parameters.iter().map(|&(key, _)| self.handle(key)).collect()
    }

    /// The inputs, in the order in which programs take them.
    #[must_use]
    pub fn all_inputs(&self) -> Vec<Expr<'_>> {
        self.arena.borrow().inputs.iter().map(|&key| self.handle(key)).collect()
    }

    /// Applies a row of the table to operands.
    ///
    /// # Panics
    /// When the operation does not take that many operands, or one of them belongs to another graph or was removed.
    ///
    /// ```
    /// use dagrad::{Graph, Op};
    /// let graph = Graph::new();
    /// let x = graph.inputs("x", 3);
    /// let y = graph.apply(Op::LogSumExp, &x);
    /// assert_eq!(y.kind(), dagrad::Kind::Apply(Op::LogSumExp));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn apply<'g>(&'g self, op: Op, operands: &[Expr<'g>]) -> Expr<'g> {
        self.record(op, operands)
    }

    /// Makes an operation known to [`parse`](Graph::parse) by its name. Operations that the graph applies are known.
    ///
    /// # Panics
    /// When a row of the table or another operation of this graph has the same name.
    ///
    /// ```
    /// use dagrad::{Custom, Graph};
    /// static CUBE: Custom = Custom::new("cube", &["x"], |x| x[0] * x[0] * x[0], |x, _| vec![x[0] * x[0] * 3.0]);
    /// let graph = Graph::new();
    /// graph.register(&CUBE);
    /// let y = graph.parse("1 + cube(x)")?;
    /// assert_eq!(y.derive(&[graph.find("x")?])[0].eval(&[("x", 2.0)])?, 12.0);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[track_caller]
    pub fn register(&self, custom: &'static Custom) {
        let mut customs = self.customs.borrow_mut();
        if customs.contains(&custom) {
            return;
        }
        let name = Op::Custom(custom).info().name;
        let mut others = Op::ALL.iter().copied().chain(customs.iter().map(|&other| Op::Custom(other)));
        assert!(others.all(|other| other.info().name != name), "another operation is called `{name}`");
        customs.push(custom);
    }

    /// Every operation that text can name.
    pub(crate) fn operations(&self) -> Vec<Op> {
        let customs = self.customs.borrow();
        Op::ALL.iter().copied().chain(customs.iter().map(|&custom| Op::Custom(custom))).collect()
    }

    /// The sum of any number of terms; 0 of none.
    ///
    /// # Panics
    /// When a term belongs to another graph or was removed.
    #[must_use]
    #[track_caller]
    pub fn sum<'g>(&'g self, terms: &[Expr<'g>]) -> Expr<'g> {
        self.record(Op::Sum, terms)
    }

    /// The product of any number of factors; 1 of none.
    ///
    /// # Panics
    /// When a factor belongs to another graph or was removed.
    #[must_use]
    #[track_caller]
    pub fn product<'g>(&'g self, factors: &[Expr<'g>]) -> Expr<'g> {
        self.record(Op::Product, factors)
    }

    /// The greatest of any number of operands; −∞ of none.
    ///
    /// # Panics
    /// When an operand belongs to another graph or was removed.
    #[must_use]
    #[track_caller]
    pub fn max<'g>(&'g self, operands: &[Expr<'g>]) -> Expr<'g> {
        self.record(Op::Max, operands)
    }

    /// The least of any number of operands; +∞ of none.
    ///
    /// # Panics
    /// When an operand belongs to another graph or was removed.
    #[must_use]
    #[track_caller]
    pub fn min<'g>(&'g self, operands: &[Expr<'g>]) -> Expr<'g> {
        self.record(Op::Min, operands)
    }

    /// The logarithm of the sum of the exponentials, without overflow; −∞ of none.
    ///
    /// # Panics
    /// When an operand belongs to another graph or was removed.
    #[must_use]
    #[track_caller]
    pub fn logsumexp<'g>(&'g self, operands: &[Expr<'g>]) -> Expr<'g> {
        self.record(Op::LogSumExp, operands)
    }

    /// The inner product Σ wᵢxᵢ; 0 of two empty lists.
    ///
    /// # Errors
    /// [`GraphError::Mismatch`] when there are not as many weights as values.
    ///
    /// # Panics
    /// When an operand belongs to another graph or was removed.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let w = graph.parameters("w", &[1.0, 2.0, 3.0]);
    /// let x = graph.inputs("x", 4);
    /// let error = graph.dot(&w, &x).unwrap_err();
    /// assert_eq!(error.to_string(), "dot takes as many weights as values, got 3 and 4");
    /// ```
    #[track_caller]
    pub fn dot<'g>(&'g self, weights: &[Expr<'g>], values: &[Expr<'g>]) -> Result<Expr<'g>, GraphError> {
        if weights.len() != values.len() {
            return Err(self.mismatch("dot takes as many weights as values", weights.len(), values.len()));
        }
        let factors: Vec<_> = weights.iter().zip(values).flat_map(|(&w, &x)| [w, x]).collect();
        Ok(self.record(Op::Dot, &factors))
    }

    /// Opens a group while `build` runs: every node made meanwhile belongs to it.
    ///
    /// Groups nest, and their names make the paths by which [`find`](Graph::find) and every error name a node. They
    /// change nothing that is computed.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// let z = graph.group("neuron 0", || (graph.parameter("w", 0.5) * x).named("z"));
    /// assert_eq!(z.path(), "neuron 0 / z");
    /// ```
    pub fn group<T>(&self, name: &str, build: impl FnOnce() -> T) -> T {
        struct Open<'g>(&'g Graph, u32);
        impl Drop for Open<'_> {
            fn drop(&mut self) {
                self.0.labels.borrow_mut().leave(self.1);
            }
        }
        let index = self.labels.borrow_mut().enter(name);
        let _open = Open(self, index);
        build()
    }

    /// Removes nodes that nothing else uses, all or none.
    ///
    /// Programs compiled before keep working. Takes time proportional to the size of the graph.
    ///
    /// # Errors
    /// [`GraphError::InUse`] when a node that stays uses one of them, [`GraphError::ForeignNode`] and
    /// [`GraphError::RemovedNode`] when one is not of this graph or was removed before.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// let y = x.sin();
    /// assert!(graph.remove(&[x.id()]).is_err());
    /// graph.remove(&[x.id(), y.id()])?;
    /// assert!(graph.is_empty());
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn remove(&self, nodes: &[NodeId]) -> Result<(), GraphError> {
        let going = nodes.iter().map(|&node| self.check(node)).collect::<Result<rustc_hash::FxHashSet<_>, _>>()?;
        let mut arena = self.arena.borrow_mut();
        let staying = || arena.nodes.keys().filter(|key| !going.contains(key));
        let in_use = staying().find_map(|user| {
            let used = arena.operands(user).iter().find(|operand| going.contains(operand))?;
            Some((*used, user))
        });
        if let Some((used, user)) = in_use {
            drop(arena);
            return Err(GraphError::InUse { path: self.path_of(used), user: self.path_of(user) });
        }
        if arena.order.is_none() {
            arena.order = Some(arena.nodes.keys().collect());
        }
        let mut labels = self.labels.borrow_mut();
        for &key in &going {
            arena.nodes.remove(key);
            labels.forget(key);
        }
        let Arena { nodes, inputs, parameters, frozen, order, .. } = &mut *arena;
        frozen.retain(|&key| nodes.contains_key(key));
        inputs.retain(|&key| nodes.contains_key(key));
        parameters.retain(|&(key, _)| nodes.contains_key(key));
        if let Some(order) = order {
            order.retain(|&key| nodes.contains_key(key));
        }
        Ok(())
    }

    /// The node of an identity.
    ///
    /// # Errors
    /// [`GraphError::ForeignNode`] for a node of another graph, [`GraphError::RemovedNode`] for one that was removed.
    pub fn expr(&self, node: NodeId) -> Result<Expr<'_>, GraphError> {
        Ok(self.handle(self.check(node)?))
    }

    pub(crate) fn id(&self) -> GraphId {
        self.id
    }

    pub(crate) fn arena(&self) -> std::cell::Ref<'_, Arena> {
        self.arena.borrow()
    }

    pub(crate) fn handle(&self, key: NodeKey) -> Expr<'_> {
        Expr::new(self, key)
    }

    pub(crate) fn check(&self, node: NodeId) -> Result<NodeKey, GraphError> {
        if node.graph != self.id {
            Err(GraphError::ForeignNode)
        } else if !self.arena.borrow().contains(node.key) {
            Err(GraphError::RemovedNode)
        } else {
            Ok(node.key)
        }
    }

    /// The path of a node, for messages: its groups and its name, or its operation and index.
    pub(crate) fn path_of(&self, key: NodeKey) -> String {
        let what = match self.arena.borrow().kind(key) {
            Kind::Input => "input",
            Kind::Parameter => "parameter",
            Kind::Constant(_) => "constant",
            Kind::Apply(op) => op.info().name,
        };
        self.labels.borrow().path_of(key, format_args!("{what} #{}", index(key)))
    }

    /// Every group's name and the number of the group around it, which stands before it.
    pub(crate) fn group_names(&self) -> Vec<(String, Option<u32>)> {
        self.labels.borrow().all().map(|(name, parent)| (name.to_owned(), parent)).collect()
    }

    /// The number of the innermost group around a node.
    pub(crate) fn group_of(&self, key: NodeKey) -> Option<u32> {
        self.labels.borrow().group_of(key)
    }

    /// The name of a node, without its groups.
    pub(crate) fn name_of(&self, key: NodeKey) -> Option<String> {
        self.labels.borrow().name_of(key).map(ToString::to_string)
    }

    pub(crate) fn mismatch(&self, what: &'static str, expected: usize, got: usize) -> GraphError {
        GraphError::Mismatch { what, expected, got, path: self.labels.borrow().open_path() }
    }

    pub(crate) fn not_an_activation(&self, op: Op) -> GraphError {
        GraphError::NotAnActivation { op: op.info().name, path: self.labels.borrow().open_path() }
    }

    pub(crate) fn no_curvature(&self, op: Op, bias: f64) -> GraphError {
        let path = self.labels.borrow().open_path();
        GraphError::NoCurvature { op: op.info().name, bias: bias.to_string(), path }
    }

    #[track_caller]
    pub(crate) fn record<'g>(&'g self, op: Op, operands: &[Expr<'g>]) -> Expr<'g> {
        assert!(op.takes(operands.len()), "{} cannot take {} operands", op.info().name, operands.len());
        if let Op::Custom(custom) = op {
            self.register(custom);
        }
        let mut keys = smallvec::SmallVec::<[NodeKey; 4]>::with_capacity(operands.len());
        let mut arena = self.arena.borrow_mut();
        for operand in operands {
            assert!(std::ptr::eq(operand.graph(), self), "an operand belongs to another graph");
            assert!(arena.contains(operand.key()), "an operand was removed from its graph");
            keys.push(operand.key());
        }
        let key = arena.apply(op, &keys);
        drop(arena);
        self.placed(key)
    }

    fn new_input(&self, name: Name) -> Expr<'_> {
        let mut arena = self.arena.borrow_mut();
        let key = arena.leaf(Kind::Input);
        arena.inputs.push(key);
        drop(arena);
        self.labels.borrow_mut().name(key, name);
        self.placed(key)
    }

    fn new_parameter(&self, name: Name, initial: f64) -> Expr<'_> {
        let mut arena = self.arena.borrow_mut();
        let key = arena.leaf(Kind::Parameter);
        arena.parameters.push((key, initial));
        drop(arena);
        self.labels.borrow_mut().name(key, name);
        self.placed(key)
    }

    fn placed(&self, key: NodeKey) -> Expr<'_> {
        self.labels.borrow_mut().place(key);
        self.handle(key)
    }
}
