//! Derivatives along many directions: Jacobians, Hessians, and their products with vectors.

use super::{Program, ProgramError, Values, count};
use crate::dual::Duals;
use crate::graph::NodeId;

impl Program {
    /// The derivative of each output by each of the given nodes, a row for each output.
    ///
    /// The values are those of the point, from [`forward`](Program::forward). Where the variables are leaves and fewer
    /// than the outputs, dual numbers with several tangents carry the derivatives forwards; else one reverse pass for
    /// each output does. [`Graph::jacobian`](crate::Graph::jacobian) makes the same as nodes.
    ///
    /// # Errors
    /// [`ProgramError::NotComputed`] for a node that the program does not compute.
    ///
    /// # Panics
    /// When the values belong to another program.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (r, phi) = (graph.input("r"), graph.input("phi"));
    /// let program = graph.compile(&[r * phi.cos(), r * phi.sin()])?;
    /// let values = program.forward(&[2.0, 0.0])?;
    /// assert_eq!(program.jacobian(&values, &[r, phi])?, [[1.0, 0.0], [0.0, 2.0]]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[track_caller]
    pub fn jacobian<N: Into<NodeId> + Copy>(&self, values: &Values, by: &[N]) -> Result<Vec<Vec<f64>>, ProgramError> {
        self.assert_own_values(values);
        let by = self.slots(by)?;
        let mut rows = vec![vec![0.0; by.len()]; self.outputs.len()];
        if by.len() < self.outputs.len() && by.iter().all(|&slot| slot < self.leaves()) {
            match by.len() {
                0 | 1 => self.columns::<1>(values, &by, &mut rows),
                2..=4 => self.columns::<4>(values, &by, &mut rows),
                _ => self.columns::<8>(values, &by, &mut rows),
            }
            return Ok(rows);
        }
        let mut gradients = self.gradients();
        let mut seeds = vec![0.0; self.outputs.len()];
        for (output, row) in rows.iter_mut().enumerate() {
            seeds[output] = 1.0;
            self.reverse_into(values, &seeds, &mut gradients)?;
            seeds[output] = 0.0;
            row.iter_mut().zip(&by).for_each(|(number, &slot)| *number = gradients.slots[slot]);
        }
        Ok(rows)
    }

    /// The Hessian of the output by the given inputs and parameters, a row and a column for each; of the sum of the
    /// outputs, if there are several.
    ///
    /// It is had by dual numbers in the reverse pass, eight columns at once.
    /// [`Expr::hessian`](crate::Expr::hessian) makes the same as nodes.
    ///
    /// # Errors
    /// [`ProgramError::NotALeaf`] for a node that is neither an input nor a parameter, [`ProgramError::NotComputed`]
    /// for one that the program does not know.
    ///
    /// # Panics
    /// When the values belong to another program.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, y) = (graph.input("x"), graph.input("y"));
    /// let program = graph.compile(&[x * x * y])?;
    /// let hessian = program.hessian(&program.forward(&[3.0, 5.0])?, &[x, y])?;
    /// assert_eq!(hessian, [[10.0, 6.0], [6.0, 0.0]]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[track_caller]
    pub fn hessian<N: Into<NodeId> + Copy>(&self, values: &Values, by: &[N]) -> Result<Vec<Vec<f64>>, ProgramError> {
        self.assert_own_values(values);
        let by = self.leaf_slots(by)?;
        let mut rows = vec![vec![0.0; by.len()]; by.len()];
        match by.len() {
            0 | 1 => self.bend::<1>(values, &by, &mut rows),
            2..=4 => self.bend::<4>(values, &by, &mut rows),
            _ => self.bend::<8>(values, &by, &mut rows),
        }
        Ok(rows)
    }

    /// The Hessian times a direction, by one pass with dual numbers each way, whatever the number of variables.
    ///
    /// # Errors
    /// Those of [`hessian`](Program::hessian), and [`ProgramError::Count`] when the direction has not a number for each
    /// variable.
    ///
    /// # Panics
    /// When the values belong to another program.
    ///
    /// # Reference
    /// Pearlmutter (1994), Fast exact multiplication by the Hessian, doi:10.1162/neco.1994.6.1.147.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, y) = (graph.input("x"), graph.input("y"));
    /// let program = graph.compile(&[x * x * y])?;
    /// let values = program.forward(&[3.0, 5.0])?;
    /// assert_eq!(program.hvp(&values, &[x, y], &[1.0, 2.0])?, [22.0, 6.0]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[track_caller]
    pub fn hvp<N: Into<NodeId> + Copy>(
        &self,
        values: &Values,
        by: &[N],
        direction: &[f64],
    ) -> Result<Vec<f64>, ProgramError> {
        self.assert_own_values(values);
        let by = self.leaf_slots(by)?;
        count("numbers in the direction", by.len(), direction.len())?;
        let mut leaves = self.leaf_duals::<1>(values);
        by.iter().zip(direction).for_each(|(&slot, &along)| leaves[slot].tangents[0] += along);
        let gradients = self.reverse(&self.run(&leaves)?);
        Ok(by.iter().map(|&slot| gradients.slots[slot].tangents[0]).collect())
    }

    /// How many slots hold inputs and parameters: the first ones.
    fn leaves(&self) -> usize {
        self.layout.inputs + self.layout.parameters
    }

    fn slots<N: Into<NodeId> + Copy>(&self, nodes: &[N]) -> Result<Vec<usize>, ProgramError> {
        nodes.iter().map(|&node| self.layout.slot(node.into()).ok_or(ProgramError::NotComputed)).collect()
    }

    fn leaf_slots<N: Into<NodeId> + Copy>(&self, nodes: &[N]) -> Result<Vec<usize>, ProgramError> {
        let slots = self.slots(nodes)?;
        match slots.iter().position(|&slot| slot >= self.leaves()) {
            None => Ok(slots),
            Some(position) => Err(ProgramError::NotALeaf { position }),
        }
    }

    /// The leaves of a point, without tangents.
    fn leaf_duals<const N: usize>(&self, values: &Values) -> Vec<Duals<N>> {
        values.slots[..self.leaves()].iter().map(|&value| Duals::from(value)).collect()
    }

    fn run<const N: usize>(&self, leaves: &[Duals<N>]) -> Result<Values<Duals<N>>, ProgramError> {
        let (inputs, parameters) = leaves.split_at(self.layout.inputs);
        self.forward_with(parameters, inputs)
    }

    /// Runs with `N` of the variables varying at once, and hands each run over with the columns of its tangents.
    fn each<const N: usize>(
        &self,
        values: &Values,
        by: &[usize],
        mut take: impl FnMut(std::ops::Range<usize>, Values<Duals<N>>),
    ) {
        let mut leaves = self.leaf_duals::<N>(values);
        for first in (0..by.len()).step_by(N) {
            let columns = first..by.len().min(first + N);
            for (direction, &slot) in by[columns.clone()].iter().enumerate() {
                leaves[slot].tangents[direction] = 1.0;
            }
            take(columns.clone(), self.run(&leaves).expect("as many leaves as the program has"));
            for &slot in &by[columns] {
                leaves[slot].tangents = [0.0; N];
            }
        }
    }

    fn columns<const N: usize>(&self, values: &Values, by: &[usize], rows: &mut [Vec<f64>]) {
        self.each::<N>(values, by, |columns, run| {
            for (row, output) in rows.iter_mut().zip(run.outputs()) {
                row[columns.clone()].copy_from_slice(&output.tangents[..columns.len()]);
            }
        });
    }

    fn bend<const N: usize>(&self, values: &Values, by: &[usize], rows: &mut [Vec<f64>]) {
        self.each::<N>(values, by, |columns, run| {
            let gradients = self.reverse(&run);
            for (row, &slot) in rows.iter_mut().zip(by) {
                row[columns.clone()].copy_from_slice(&gradients.slots[slot].tangents[..columns.len()]);
            }
        });
    }
}
