//! Evaluation: one pass over the steps, upwards.

use super::{Number, Program, ProgramError, Values, count};

impl Program {
    /// The value of every node, with the parameters at their initial values.
    ///
    /// # Errors
    /// [`ProgramError::Count`] when there are not as many inputs as the program takes.
    pub fn forward(&self, inputs: &[f64]) -> Result<Values, ProgramError> {
        self.forward_with(&self.initial, inputs)
    }

    /// The value of every node, with given parameters.
    ///
    /// The numbers may be duals: then every value carries its derivative along one direction.
    ///
    /// # Errors
    /// [`ProgramError::Count`] when there are not as many inputs or parameters as the program takes.
    ///
    /// ```
    /// use dagrad::{Dual, Graph};
    /// let graph = Graph::new();
    /// let y = graph.input("x").sin();
    /// let values = graph.compile(&[y])?.forward_with(&[], &[Dual::variable(0.0)])?;
    /// assert_eq!(values[y].tangent, 1.0);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn forward_with<S: Number>(&self, parameters: &[S], inputs: &[S]) -> Result<Values<S>, ProgramError> {
        let mut values = self.values();
        self.forward_into(parameters, inputs, &mut values)?;
        Ok(values)
    }

    /// The same into a buffer made by [`values`](Program::values), without allocating.
    ///
    /// # Errors
    /// [`ProgramError::Count`] when there are not as many inputs or parameters as the program takes.
    ///
    /// # Panics
    /// When the buffer was made by another program.
    #[track_caller]
    pub fn forward_into<S: Number>(
        &self,
        parameters: &[S],
        inputs: &[S],
        values: &mut Values<S>,
    ) -> Result<(), ProgramError> {
        self.assert_own_values(values);
        count("inputs", self.layout.inputs, inputs.len())?;
        count("parameters", self.layout.parameters, parameters.len())?;
        let Values { slots, gathered, .. } = values;
        let leaves = inputs.iter().chain(parameters).copied().chain(self.constants.iter().map(|&c| S::from(c)));
        slots.iter_mut().zip(leaves).for_each(|(slot, leaf)| *slot = leaf);
        for (op, operands, result) in self.steps() {
            let gathered = &mut gathered[..operands.len()];
            gathered.iter_mut().zip(operands).for_each(|(number, &slot)| *number = slots[slot as usize]);
            slots[result] = S::apply(op, gathered);
        }
        Ok(())
    }
}
