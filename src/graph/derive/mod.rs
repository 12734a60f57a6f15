//! Derivatives as more graph: the passes of differentiation, run on expressions.
//!
//! What a row says of its partials is written down here as nodes. They are drafted first (`draft.rs`), so that only what
//! the derivative needs enters the graph (`record.rs`), and equal nodes enter once.

mod draft;
mod record;

use smallvec::SmallVec;

use super::{Expr, Graph, Kind, NodeKey, index};
use crate::op::Scalar;
use draft::{Draft, Term, Value};

impl<'g> Expr<'g> {
    /// The derivative of this node by each of the given ones, as nodes of the graph: to look at, to draw, to compile, to
    /// derive again.
    ///
    /// The nodes stand in groups that mirror those of the function, `∂ neuron 0` beside `neuron 0`, and an adjoint is
    /// called after its node, `∂ z`; a second time `∂² z`. Derivatives by leaves and by nodes on the way are had alike;
    /// by a node that this one does not depend on, the derivative is 0. It agrees with what
    /// [`Program::reverse`](crate::Program::reverse) computes, to the bit but for the sign of zeros.
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
        Differential::new(self.graph(), &[self], by).rows(|_| by).pop().expect("a row for each output")
    }

    /// The Hessian as nodes of the graph, a row and a column for each of the given nodes: derived twice.
    ///
    /// It is symmetric, and what lies opposite is the same node. [`Program::hessian`](crate::Program::hessian) gives
    /// the numbers without the nodes.
    ///
    /// # Panics
    /// When a node belongs to another graph or was removed.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, y) = (graph.input("x"), graph.input("y"));
    /// let hessian = (x * x * y).hessian(&[x, y]);
    /// let numbers: Vec<f64> = hessian[0].iter().map(|h| h.eval(&[("x", 3.0), ("y", 5.0)])).collect::<Result<_, _>>()?;
    /// assert_eq!(numbers, [10.0, 6.0]);
    /// assert_eq!(hessian[0][1], hessian[1][0]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn hessian(self, by: &[Expr<'g>]) -> Vec<Vec<Expr<'g>>> {
        let slopes = self.derive(by);
        let mut rows = Differential::new(self.graph(), &slopes, by).rows(|row| &by[..=row]);
        for row in 0..rows.len() {
            let opposite: Vec<Expr<'g>> = rows[row + 1..].iter().map(|below| below[row]).collect();
            rows[row].extend(opposite);
        }
        rows
    }

    /// The Hessian times a direction as nodes of the graph: the gradient, derived along the direction.
    ///
    /// Takes time and memory proportional to the nodes that this one depends on, whatever the number of variables.
    ///
    /// # Errors
    /// [`GraphError::Mismatch`](super::GraphError::Mismatch) when the direction has not a number for each variable.
    ///
    /// # Panics
    /// When a node belongs to another graph or was removed.
    ///
    /// # Reference
    /// Pearlmutter (1994), Fast exact multiplication by the Hessian, doi:10.1162/neco.1994.6.1.147.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, y) = (graph.input("x"), graph.input("y"));
    /// let (one, two) = (graph.constant(1.0), graph.constant(2.0));
    /// let product = (x * x * y).hvp(&[x, y], &[one, two])?;
    /// assert_eq!(product[0].eval(&[("x", 3.0), ("y", 5.0)])?, 2.0 * 5.0 + 2.0 * 2.0 * 3.0);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[track_caller]
    pub fn hvp(self, by: &[Expr<'g>], direction: &[Expr<'g>]) -> Result<Vec<Expr<'g>>, super::GraphError> {
        let graph = self.graph();
        if by.len() != direction.len() {
            let rule = "a direction has a number for each variable";
            return Err(graph.mismatch(rule, by.len(), direction.len()));
        }
        graph.assert_own(direction);
        let slopes = self.derive(by);
        let differential = Differential::new(graph, &slopes, by);
        let seeds: Vec<(NodeKey, Value)> =
            by.iter().zip(direction).map(|(by, along)| (by.key(), differential.draft.value(along.key()))).collect();
        let tangents = differential.draft.upwards(&seeds, &differential.needed);
        let wanted: Vec<Value> = slopes.iter().map(|slope| at(&tangents, *slope)).collect();
        Ok(differential.record(&wanted))
    }
}

impl Graph {
    /// The derivative of each output by each of the given nodes, as nodes of the graph, a row for each output.
    ///
    /// It is derived from the outputs backwards or from the variables forwards, whichever are fewer.
    /// [`Program::jacobian`](crate::Program::jacobian) gives the numbers without the nodes.
    ///
    /// # Panics
    /// When a node belongs to another graph or was removed.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (r, phi) = (graph.input("r"), graph.input("phi"));
    /// let jacobian = graph.jacobian(&[r * phi.cos(), r * phi.sin()], &[r, phi]);
    /// let at = [("r", 2.0), ("phi", 0.0)];
    /// assert_eq!((jacobian[1][0].eval(&at)?, jacobian[1][1].eval(&at)?), (0.0, 2.0));
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn jacobian<'g>(&'g self, outputs: &[Expr<'g>], by: &[Expr<'g>]) -> Vec<Vec<Expr<'g>>> {
        let differential = Differential::new(self, outputs, by);
        if by.len() < outputs.len() { differential.columns() } else { differential.rows(|_| by) }
    }

    #[track_caller]
    fn assert_own(&self, nodes: &[Expr<'_>]) {
        for node in nodes {
            assert!(std::ptr::eq(node.graph(), self), "a node belongs to another graph");
            assert!(self.arena().contains(node.key()), "a node was removed from its graph");
        }
    }
}

/// Derivatives of some outputs by some nodes, on one draft.
struct Differential<'a, 'g> {
    draft: Draft<'g>,
    outputs: &'a [Expr<'g>],
    by: &'a [Expr<'g>],
    needed: Vec<NodeKey>,
}

impl<'a, 'g> Differential<'a, 'g> {
    #[track_caller]
    fn new(graph: &'g Graph, outputs: &'a [Expr<'g>], by: &'a [Expr<'g>]) -> Self {
        graph.assert_own(outputs);
        graph.assert_own(by);
        let keys: Vec<NodeKey> = outputs.iter().map(|output| output.key()).collect();
        let needed = graph.arena().needed(&keys);
        Self { draft: Draft::new(graph, &needed), outputs, by, needed }
    }

    /// Row by row, from each output backwards; `of` says by which nodes.
    fn rows(self, of: impl Fn(usize) -> &'a [Expr<'g>]) -> Vec<Vec<Expr<'g>>> {
        let mut wanted = vec![];
        for (row, output) in self.outputs.iter().enumerate() {
            let adjoints = self.draft.downwards(output.key(), of(row), &self.needed);
            wanted.extend(of(row).iter().map(|by| at(&adjoints, *by)));
        }
        let lengths: Vec<usize> = (0..self.outputs.len()).map(|row| of(row).len()).collect();
        let mut nodes = self.record(&wanted).into_iter();
        lengths.into_iter().map(|length| nodes.by_ref().take(length).collect()).collect()
    }

    /// Column by column, from each variable forwards.
    fn columns(self) -> Vec<Vec<Expr<'g>>> {
        let mut wanted = vec![Value::constant(0.0); self.outputs.len() * self.by.len()];
        for (column, by) in self.by.iter().enumerate() {
            let tangents = self.draft.upwards(&[(by.key(), Value::constant(1.0))], &self.needed);
            for (row, output) in self.outputs.iter().enumerate() {
                wanted[row * self.by.len() + column] = at(&tangents, *output);
            }
        }
        let width = self.by.len().max(1);
        let mut rows: Vec<Vec<Expr<'g>>> = vec![vec![]; self.outputs.len()];
        rows.iter_mut().zip(self.record(&wanted).chunks(width)).for_each(|(row, nodes)| row.extend_from_slice(nodes));
        rows
    }

    fn record(self, wanted: &[Value]) -> Vec<Expr<'g>> {
        let named = self.outputs.iter().filter_map(|output| output.name());
        let order = named.map(|name| record::order(&name)).max().unwrap_or(0);
        self.draft.record(wanted, record::prefix(order + 1))
    }
}

/// The number of a node, 0 where nothing arrived.
fn at(numbers: &[Option<Value>], node: Expr<'_>) -> Value {
    numbers.get(index(node.key())).copied().flatten().unwrap_or(Value::constant(0.0))
}

impl Draft<'_> {
    /// The adjoint of every node that depends on one of `by`, by the index of its key.
    fn downwards(&self, output: NodeKey, by: &[Expr<'_>], needed: &[NodeKey]) -> Vec<Option<Value>> {
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
        for &key in needed.iter().rev() {
            let Some(adjoint) = adjoints[index(key)] else { continue };
            self.name_adjoint(adjoint, key);
            // Where a zero arrives, nothing goes on.
            if !depends[index(key)] || adjoint.known() == Some(0.0) {
                continue;
            }
            for (operand, partial) in self.partials(key) {
                if depends[index(operand)] {
                    self.enter_group_of(key);
                    let share = self.term(adjoint).chain(partial);
                    self.enter_group_of(operand);
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

    /// The tangent of every node that depends on a seeded one, by the index of its key.
    fn upwards(&self, seeds: &[(NodeKey, Value)], needed: &[NodeKey]) -> Vec<Option<Value>> {
        let mut tangents: Vec<Option<Value>> = vec![None; self.graph.arena().bound()];
        for &(key, seed) in seeds {
            let sum = tangents[index(key)].map_or(seed, |sum| (self.term(sum) + self.term(seed)).value);
            tangents[index(key)] = Some(sum);
        }
        let seeded: Vec<bool> = tangents.iter().map(Option::is_some).collect();
        for &key in needed {
            let moves = |&operand: &NodeKey| tangents[index(operand)].is_some();
            if seeded[index(key)] || !self.graph.arena().operands(key).iter().any(moves) {
                continue;
            }
            let partials = self.partials(key);
            let shares = partials.into_iter().filter_map(|(operand, partial)| {
                tangents[index(operand)].map(|tangent| self.term(tangent).chain(partial))
            });
            tangents[index(key)] = shares.reduce(|a, b| a + b).map(|sum| sum.value);
        }
        tangents
    }

    /// The operands of a node with the partials by them; of a leaf, none.
    fn partials(&self, key: NodeKey) -> SmallVec<[(NodeKey, Term<'_, '_>); 4]> {
        let Kind::Apply(op) = self.graph.arena().kind(key) else { return SmallVec::new() };
        self.enter_group_of(key);
        let keys: SmallVec<[NodeKey; 4]> = self.graph.arena().operands(key).into();
        let operands: SmallVec<[Term; 4]> = keys.iter().map(|&operand| self.term(self.value(operand))).collect();
        let y = self.term(Value::Node(key));
        let mut partials: SmallVec<[Term; 4]> = SmallVec::from_elem(y, operands.len());
        op.partials(&operands, y, &mut partials);
        keys.into_iter().zip(partials).collect()
    }
}
