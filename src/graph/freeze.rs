//! Parameters that learning leaves as they are.

use super::{Expr, Graph, GraphError, Kind, group, nearest};

impl Graph {
    /// Freezes parameters: in programs compiled from now on their gradient is 0, so that descent leaves them as they
    /// are, and the work for it is not done.
    ///
    /// They remain parameters: a run may give them other values, and [`Expr::derive`] derives by them when asked.
    /// Inside a function, [`Expr::stop_gradient`] stops the derivative at any node.
    ///
    /// # Errors
    /// [`GraphError::NotAParameter`] for any other node, [`GraphError::ForeignNode`] and [`GraphError::RemovedNode`].
    /// Then none is frozen.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, a, b) = (graph.input("x"), graph.parameter("a", 2.0), graph.parameter("b", 1.0));
    /// let y = a * x + b;
    /// graph.freeze(&[a])?;
    /// let program = graph.compile(&[y])?;
    /// let gradients = program.reverse(&program.forward(&[5.0])?);
    /// assert_eq!(gradients.parameters(), [0.0, 1.0]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn freeze(&self, parameters: &[Expr<'_>]) -> Result<(), GraphError> {
        self.set_frozen(parameters, true)
    }

    /// Makes frozen parameters learn again, in programs compiled from now on.
    ///
    /// # Errors
    /// Those of [`freeze`](Graph::freeze).
    pub fn thaw(&self, parameters: &[Expr<'_>]) -> Result<(), GraphError> {
        self.set_frozen(parameters, false)
    }

    /// The parameters that are frozen, in their order.
    #[must_use]
    pub fn frozen_parameters(&self) -> Vec<Expr<'_>> {
        self.arena().frozen().map(|key| self.handle(key)).collect()
    }

    /// The parameters in a group and in the groups inside it, in their order.
    ///
    /// # Errors
    /// [`GraphError::UnknownPath`] with the nearest groups when no parameter stands in a group of this path.
    ///
    /// ```
    /// # use dagrad::{Graph, Op, element::layer};
    /// let graph = Graph::new();
    /// let x = graph.inputs("x", 2);
    /// layer(&graph, "layer 1", &x, 3, Op::Tanh, &mut dagrad::train::glorot_uniform(0))?;
    /// graph.freeze(&graph.parameters_in("layer 1")?)?;
    /// assert_eq!(graph.frozen_parameters().len(), 3 * (2 + 1));
    /// let error = graph.parameters_in("layer 2").unwrap_err();
    /// assert_eq!(error.to_string(), "no node has the path `layer 2`; did you mean `layer 1`?");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn parameters_in(&self, group: &str) -> Result<Vec<Expr<'_>>, GraphError> {
        let path = group::normalise(group);
        let labels = self.labels.borrow();
        let all = self.all_parameters();
        let groups: Vec<String> = all.iter().map(|w| labels.path(labels.group_of(w.key()))).collect();
        let inside = |own: &str| {
            own.strip_prefix(&path).is_some_and(|rest| rest.is_empty() || rest.starts_with(group::SEPARATOR))
        };
        let found: Vec<Expr<'_>> = all.iter().zip(&groups).filter(|(_, own)| inside(own)).map(|(w, _)| *w).collect();
        if found.is_empty() {
            // A group around one with parameters is meant as often as that one.
            let around = |own: &str| -> Vec<String> {
                let ends = own.match_indices(group::SEPARATOR).map(|(end, _)| end).chain([own.len()]);
                ends.map(|end| own[..end].to_owned()).collect()
            };
            let mut known: Vec<String> = groups.iter().flat_map(|own| around(own)).collect();
            known.sort_unstable();
            known.dedup();
            let near = nearest(&path, known.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
            return Err(GraphError::UnknownPath { path, near });
        }
        Ok(found)
    }

    fn set_frozen(&self, parameters: &[Expr<'_>], frozen: bool) -> Result<(), GraphError> {
        for node in parameters {
            self.check(node.id())?;
            if node.kind() != Kind::Parameter {
                return Err(GraphError::NotAParameter { path: node.path() });
            }
        }
        let mut arena = self.arena.borrow_mut();
        for node in parameters {
            if frozen {
                arena.frozen.insert(node.key());
            } else {
                arena.frozen.remove(&node.key());
            }
        }
        Ok(())
    }
}
