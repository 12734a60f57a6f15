//! One example: a run over windows.

use std::ops::Range;
use std::sync::Arc;

use super::compile::Notes;
use super::kernels::Isa;
use super::windows::{Call, Run, WindowCode};

/// What a program is for one example.
#[derive(Debug)]
pub(super) struct SingleProgram {
    pub(super) code: WindowCode,
    pub(super) inputs: usize,
    pub(super) constants: Vec<f64>,
    pub(super) input_adjoints: bool,
    /// The slots of the parameters whose gradient is 0.
    pub(super) frozen: Vec<u32>,
    pub(super) notes: Notes,
}

/// The buffers of a run of one example.
#[derive(Clone, Debug)]
pub(super) struct Single {
    program: Arc<SingleProgram>,
    isa: Isa,
    run: Run,
    pub(super) outputs: Vec<f64>,
}

impl Single {
    pub(super) fn new(program: Arc<SingleProgram>) -> Self {
        let mut run = Run::new(&program.code);
        let first = program.code.parameters.end as usize;
        run.values.get_mut()[first..][..program.constants.len()].copy_from_slice(&program.constants);
        Self { isa: Isa::detect(), run, outputs: vec![0.0; program.code.outputs.len()], program }
    }

    /// The memory that the buffers would take.
    pub(super) fn forecast(program: &SingleProgram) -> usize {
        8 * (Run::forecast(&program.code) + program.code.outputs.len())
    }

    pub(super) fn bytes(&self) -> usize {
        8 * (self.run.len() + self.outputs.len())
    }

    /// The adjoints of the parameters.
    pub(super) fn parameters(&self) -> &[f64] {
        let Range { start, end } = self.program.code.parameters;
        &self.run.adjoints.get()[start as usize..end as usize]
    }

    /// The adjoints of the inputs, if they are wanted.
    pub(super) fn inputs(&self) -> &[f64] {
        if self.program.input_adjoints { &self.run.adjoints.get()[..self.program.inputs] } else { &[] }
    }

    pub(super) fn run(&mut self, parameters: &[f64], inputs: &[f64], seeds: Option<&[f64]>) {
        let call = Call { isa: self.isa, parameters, inputs };
        self.program.code.forward(call, seeds, &mut self.run);
        for (output, &slot) in self.outputs.iter_mut().zip(&self.program.code.outputs) {
            *output = self.run.values.get()[slot as usize];
        }
        if let Some(seeds) = seeds {
            self.program.code.reverse(call, seeds, &mut self.run);
            let adjoints = self.run.adjoints.get_mut();
            self.program.frozen.iter().for_each(|&slot| adjoints[slot as usize] = 0.0);
        }
    }
}
