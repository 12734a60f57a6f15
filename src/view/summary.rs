//! A graph in numbers, as a table that a person reads.

use std::fmt::{Display, Formatter};

use super::{ElementSet, Role, View, ViewError};
use crate::graph::{Expr, Graph};

/// What some outputs of a graph consist of: operations by kind, parameters by group, depth and width.
///
/// [`Display`] writes it as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many inputs the outputs depend on.
    pub inputs: usize,
    /// How many parameters they depend on.
    pub parameters: usize,
    /// How many constants they depend on.
    pub constants: usize,
    /// The operations by name, the most frequent first.
    pub operations: Vec<(&'static str, usize)>,
    /// The outermost groups in order of creation, with their operations and parameters.
    pub groups: Vec<(String, usize, usize)>,
    /// The longest path, in operations.
    pub depth: usize,
    /// The most operations on one level.
    pub width: usize,
    /// How many operations are used more than once.
    pub shared: usize,
}

impl Graph {
    /// What some outputs consist of, in numbers.
    ///
    /// # Errors
    /// [`ViewError::Graph`] when an output belongs to another graph or was removed.
    ///
    /// ```
    /// use dagrad::{Graph, Op, element::layer};
    /// let graph = Graph::new();
    /// let x = graph.inputs("x", 2);
    /// let hidden = layer(&graph, "hidden", &x, 3, Op::Tanh, &mut |_| 0.1)?;
    /// let summary = graph.summary(&hidden.outputs())?;
    /// assert_eq!((summary.parameters, summary.depth, summary.width), (9, 4, 6));
    /// assert_eq!(summary.groups, [("hidden".to_owned(), 15, 9)]);
    /// println!("{summary}");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn summary(&self, outputs: &[Expr<'_>]) -> Result<Summary, ViewError> {
        Ok(self.view(outputs, &ElementSet::primitives())?.summary())
    }
}

impl View {
    fn summary(&self) -> Summary {
        let count = |is: fn(&Role) -> bool| self.elements.iter().filter(|element| is(&element.role)).count();
        let mut operations: Vec<(&'static str, usize)> = Vec::new();
        let mut groups: Vec<(u32, usize, usize)> = Vec::new();
        for element in &self.elements {
            if let Role::Operation(op) = element.role {
                let name = op.info().name;
                match operations.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, count)) => *count += 1,
                    None => operations.push((name, 1)),
                }
            }
            if let Some(group) = self.chain(element.group).last() {
                let place = groups.binary_search_by_key(&group, |entry| entry.0).unwrap_or_else(|place| {
                    groups.insert(place, (group, 0, 0));
                    place
                });
                groups[place].1 += usize::from(matches!(element.role, Role::Operation(_)));
                groups[place].2 += usize::from(element.role == Role::Parameter);
            }
        }
        operations.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
        Summary {
            inputs: count(|role| *role == Role::Input),
            parameters: count(|role| *role == Role::Parameter),
            constants: count(|role| matches!(role, Role::Constant(_))),
            operations,
            groups: groups.into_iter().map(|(group, o, p)| (self.group(group).to_owned(), o, p)).collect(),
            depth: self.depth(),
            width: self.widths().into_iter().max().unwrap_or(0),
            shared: self.shared().len(),
        }
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let total: usize = self.operations.iter().map(|(_, count)| count).sum();
        let leaves = [(self.inputs, "inputs"), (self.parameters, "parameters"), (self.constants, "constants")];
        for (count, what) in leaves {
            writeln!(f, "{count:>10} {what}")?;
        }
        writeln!(f, "{total:>10} operations, {} deep, {} wide, {} shared", self.depth, self.width, self.shared)?;
        for (name, count) in &self.operations {
            writeln!(f, "{count:>14} {name}")?;
        }
        if !self.groups.is_empty() {
            writeln!(f, "operations parameters")?;
        }
        for (name, operations, parameters) in &self.groups {
            writeln!(f, "{operations:>10} {parameters:>10} {name}")?;
        }
        Ok(())
    }
}
