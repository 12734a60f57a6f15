//! Differentiation: one pass over the steps, downwards.
//!
//! The loop names no operation: what it does at a step is written in the row.
//!
//! # Reference
//! Linnainmaa (1976), Taylor expansion of the accumulated rounding error, BIT 16, doi:10.1007/BF01931367.

use std::sync::Arc;

use super::{Gradients, Number, Program, ProgramError, Values, count};

impl Program {
    /// The derivative of the output with respect to every node; of the sum of the outputs, if there are several.
    ///
    /// # Panics
    /// When the values belong to another program.
    #[must_use]
    #[track_caller]
    pub fn reverse<S: Number>(&self, values: &Values<S>) -> Gradients<S> {
        let mut gradients = self.gradients();
        self.assert_own(values, &gradients);
        self.sweep(values, |_| S::from(1.0), &mut gradients);
        gradients
    }

    /// The derivative of Σ seedₖ · outputₖ with respect to every node, into a buffer made by
    /// [`gradients`](Program::gradients), without allocating.
    ///
    /// # Errors
    /// [`ProgramError::Count`] when there are not as many seeds as outputs.
    ///
    /// # Panics
    /// When the values or the buffer belong to another program.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.input("x");
    /// let program = graph.compile(&[x * x, x.exp()])?;
    /// let values = program.forward(&[0.0])?;
    /// let mut gradients = program.gradients();
    /// program.reverse_into(&values, &[0.0, 2.0], &mut gradients)?;
    /// assert_eq!(gradients[x], 2.0);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[track_caller]
    pub fn reverse_into<S: Number>(
        &self,
        values: &Values<S>,
        seeds: &[S],
        gradients: &mut Gradients<S>,
    ) -> Result<(), ProgramError> {
        self.assert_own(values, gradients);
        count("seeds", self.outputs.len(), seeds.len())?;
        self.sweep(values, |output| seeds[output], gradients);
        Ok(())
    }

    #[track_caller]
    fn assert_own<S>(&self, values: &Values<S>, gradients: &Gradients<S>) {
        self.assert_own_values(values);
        assert!(Arc::ptr_eq(&self.layout, &gradients.layout), "the gradients belong to another program");
    }

    #[track_caller]
    pub(super) fn assert_own_values<S>(&self, values: &Values<S>) {
        assert!(Arc::ptr_eq(&self.layout, &values.layout), "the values belong to another program");
    }

    fn sweep<S: Number>(&self, values: &Values<S>, seed: impl Fn(usize) -> S, gradients: &mut Gradients<S>) {
        let zero = S::from(0.0);
        let Gradients { slots: adjoints, gathered: [gathered, partials], .. } = gradients;
        adjoints.fill(zero);
        for (index, &slot) in self.outputs.iter().enumerate() {
            adjoints[slot as usize] = adjoints[slot as usize] + seed(index);
        }
        for (op, operands, result) in self.steps_back() {
            let (gathered, partials) = (&mut gathered[..operands.len()], &mut partials[..operands.len()]);
            gathered.iter_mut().zip(operands).for_each(|(number, &slot)| *number = values.slots[slot as usize]);
            op.partials(gathered, values.slots[result], partials);
            let adjoint = adjoints[result];
            for (&slot, &partial) in operands.iter().zip(&*partials) {
                let slot = &mut adjoints[slot as usize];
                *slot = *slot + adjoint.chain(partial);
            }
        }
        self.layout.frozen.iter().for_each(|&slot| adjoints[slot as usize] = zero);
    }
}
