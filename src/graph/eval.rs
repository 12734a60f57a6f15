//! One value at one point, by the rows themselves: for a look at a single number.

use super::{Expr, Graph, GraphError, Kind, NodeKey, index};

impl Expr<'_> {
    /// The value of this node, with inputs and parameters given by their paths.
    ///
    /// Parameters that are not given have their initial values. For repeated evaluation compile a program.
    ///
    /// # Errors
    /// [`GraphError::MissingInput`] when an input that the node depends on is not given, [`GraphError::NotALeaf`] when a
    /// value is given for a node that is computed, [`GraphError::RemovedNode`], and the errors of [`Graph::find`].
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, y) = (graph.input("x"), graph.input("y"));
    /// assert_eq!((x * x + y).eval(&[("x", 3.0), ("y", 1.0)])?, 10.0);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn eval(self, given: &[(&str, f64)]) -> Result<f64, GraphError> {
        let graph = self.graph();
        graph.check(self.id())?;
        let mut values = vec![None; graph.arena().bound()];
        for &(key, initial) in graph.arena().parameters() {
            values[index(key)] = Some(initial);
        }
        for &(path, value) in given {
            let leaf = graph.find(path)?;
            match leaf.kind() {
                Kind::Input | Kind::Parameter => values[index(leaf.key())] = Some(value),
                Kind::Constant(_) | Kind::Apply(_) => return Err(GraphError::NotALeaf { path: leaf.path() }),
            }
        }
        graph.evaluate(self.key(), values)
    }
}

impl Graph {
    fn evaluate(&self, output: NodeKey, mut values: Vec<Option<f64>>) -> Result<f64, GraphError> {
        let arena = self.arena();
        let mut operands = Vec::new();
        for key in arena.needed(&[output]) {
            let value = match arena.kind(key) {
                Kind::Input | Kind::Parameter => values[index(key)],
                Kind::Constant(value) => Some(value),
                Kind::Apply(op) => {
                    operands.clear();
                    operands.extend(arena.operands(key).iter().filter_map(|&operand| values[index(operand)]));
                    Some(op.value(&operands))
                }
            };
            if value.is_none() {
                return Err(GraphError::MissingInput { path: self.path_of(key) });
            }
            values[index(key)] = value;
        }
        Ok(values[index(output)].unwrap_or(f64::NAN))
    }
}
