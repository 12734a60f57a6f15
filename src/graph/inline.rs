//! One graph taken into another.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{Expr, Graph, GraphError, Kind, NodeKey};

impl Graph {
    /// Takes what some nodes of another graph compute into this one, with nodes of this graph in the place of some of
    /// its nodes.
    ///
    /// What the outputs need is copied once: parameters with their initial values, names, and groups inside the group
    /// that is open here. A node that is given a replacement, an input or any other, is not copied, nor is what only it
    /// needs. To use a network twice with the same weights, give the parameters of the first copy as replacements to
    /// the second. Copying from this same graph is allowed.
    ///
    /// # Errors
    /// [`GraphError::MissingInput`] for an input without a replacement, [`GraphError::ForeignNode`] when the outputs or
    /// the replaced nodes are not all of one graph, or a replacement is not of this one, and
    /// [`GraphError::RemovedNode`]. Then nothing is copied.
    ///
    /// ```
    /// let inner = dagrad::Graph::new();
    /// let x = inner.input("x");
    /// let y = inner.group("neuron", || (inner.parameter("w", 0.5) * x).tanh().named("a"));
    ///
    /// let graph = dagrad::Graph::new();
    /// let z = graph.input("z");
    /// let a = graph.group("encoder", || graph.inline(&[y], &[(x, z * z)]))?[0];
    /// assert_eq!(a.path(), "encoder / neuron / a");
    /// assert_eq!(a.eval(&[("z", 2.0)])?, dagrad::elementary::tanh(2.0));
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn inline<'g>(
        &'g self,
        outputs: &[Expr<'_>],
        replacements: &[(Expr<'_>, Expr<'g>)],
    ) -> Result<Vec<Expr<'g>>, GraphError> {
        let Some(first) = outputs.first() else { return Ok(vec![]) };
        let from = first.graph();
        let mut copies: FxHashMap<NodeKey, Expr<'g>> = FxHashMap::default();
        for &(replaced, by) in replacements {
            from.check(replaced.id())?;
            self.check(by.id())?;
            copies.insert(replaced.key(), by);
        }
        let keys = outputs.iter().map(|output| from.check(output.id())).collect::<Result<Vec<_>, _>>()?;
        let needed = from.arena().needed_until(&keys, |key| copies.contains_key(&key));
        if let Some(&input) = needed.iter().find(|&&key| from.arena().kind(key) == Kind::Input) {
            return Err(GraphError::MissingInput { path: from.path_of(input) });
        }
        let initial: FxHashMap<NodeKey, f64> = from.arena().parameters().iter().copied().collect();
        let mut groups = FxHashMap::default();
        for key in needed {
            let kind = from.arena().kind(key);
            let copy = match kind {
                Kind::Apply(op) => {
                    let operands: SmallVec<[Expr<'g>; 4]> =
                        from.arena().operands(key).iter().map(|operand| copies[operand]).collect();
                    self.record(op, &operands)
                }
                Kind::Constant(value) => self.constant(value),
                Kind::Parameter => self.parameter("", initial[&key]),
                Kind::Input => unreachable!("inputs are replaced"),
            };
            if from.arena().frozen.contains(&key) {
                self.arena.borrow_mut().frozen.insert(copy.key());
            }
            let name = from.labels.borrow().name_of(key).cloned();
            let group = from.group_of(key).map(|group| self.copy_group(from, group, &mut groups));
            let mut labels = self.labels.borrow_mut();
            if group.is_some() {
                labels.place_in(group, copy.key());
            }
            if let Some(name) = name {
                labels.name(copy.key(), name);
            }
            copies.insert(key, copy);
        }
        Ok(keys.iter().map(|key| copies[key]).collect())
    }

    /// The group for the copy of a group, inside that which is open.
    fn copy_group(&self, from: &Graph, group: u32, groups: &mut FxHashMap<u32, u32>) -> u32 {
        let mut missing = vec![];
        let mut at = Some(group);
        while let Some(group) = at.filter(|group| !groups.contains_key(group)) {
            missing.push(group);
            at = from.labels.borrow().group(group).1;
        }
        let mut around = at.map(|group| groups[&group]).or_else(|| self.labels.borrow().open());
        for group in missing.into_iter().rev() {
            let name = from.labels.borrow().group(group).0.to_owned();
            let copy = self.labels.borrow_mut().add(&name, around);
            groups.insert(group, copy);
            around = Some(copy);
        }
        groups[&group]
    }
}
