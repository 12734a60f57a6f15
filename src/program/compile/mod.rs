//! From a graph to a program: keep what the outputs need, and number it in order.

mod adjoint;
mod axes;
mod back;
mod body;
mod chains;
mod classes;
mod emit;
mod first;
mod fold;
mod fuse;
mod hash;
mod in_place;
mod kinds;
mod late;
mod levels;
mod memory;
mod outside;
mod partial;
mod pass;
mod ready;
mod roll;
mod schedule;
mod script;
mod share;
mod windows;

use std::borrow::Cow;
use std::sync::Arc;

pub use pass::Pass;
pub(super) use pass::Without;
pub(super) use roll::Verdict;

use body::Body;
use classes::Classes;
use late::Late;

use super::batch::LaneProgram;
use super::kernels::script::OutsideRows;
use super::lanes::{LaneCode, Operand, Uniforms};
use super::shared::SharedCode;
use super::single::SingleProgram;
use super::{Layout, Ops, Program, ProgramError, Step, Wanted};
use crate::graph::{Expr, Graph, Kind, NodeKey, index};

impl Graph {
    /// Compiles the computation of some outputs.
    ///
    /// The program is a snapshot: nodes made later are not in it. It takes all inputs and parameters that the graph has
    /// now, in the order in which they were made, whether the outputs depend on them or not.
    ///
    /// # Errors
    /// [`ProgramError::Output`] when an output belongs to another graph or was removed.
    ///
    /// # Panics
    /// When the outputs need 2³¹ nodes or more.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let x = graph.inputs("x", 2);
    /// let program = graph.compile(&[x[0] * x[1], x[0] + x[1]])?;
    /// let values = program.forward(&[3.0, 4.0])?;
    /// assert_eq!(values.outputs().collect::<Vec<_>>(), [12.0, 7.0]);
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn compile(&self, outputs: &[Expr<'_>]) -> Result<Program, ProgramError> {
        let outputs = (outputs.iter().enumerate())
            .map(|(position, output)| {
                self.check(output.id()).map_err(|reason| ProgramError::Output { position, reason })
            })
            .collect::<Result<Vec<NodeKey>, _>>()?;
        let arena = self.arena();
        memory::keep(arena.len());
        let mut leaves: Vec<NodeKey> = arena.inputs().to_vec();
        leaves.extend(arena.parameters().iter().map(|&(key, _)| key));
        let (mut keys, constants) = arena.needed_after(&leaves, &outputs);
        keys.shrink_to_fit();
        let count = keys.len() - leaves.len() - constants.len();
        assert!(keys.len() < 1 << 31, "the outputs need 2³¹ nodes or more");
        let last = narrow(keys.len());
        let mut slots = vec![u32::MAX; arena.bound()];
        let mut ops = Ops::default();
        let mut steps = Vec::with_capacity(count);
        let mut operands = Vec::with_capacity(2 * count);
        for (slot, &key) in (0..last).zip(&keys) {
            slots[index(key)] = slot;
            if let (Kind::Apply(op), own) = arena.node(key) {
                for &operand in own {
                    operands.push(slots[index(operand)]);
                }
                let count = u32::try_from(own.len()).expect("fewer than 2³² operands");
                steps.push(Step { op: ops.number(op), count });
            }
        }
        Ok(Program {
            initial: arena.parameters().iter().map(|&(_, value)| value).collect(),
            constants,
            without: Without::default(),
            lanes: Default::default(),
            single: Default::default(),
            longest: steps.iter().map(|step| step.count as usize).max().unwrap_or(0),
            ops,
            steps,
            operands,
            outputs: outputs.iter().map(|&key| slots[index(key)]).collect(),
            layout: Arc::new(Layout {
                graph: self.id(),
                inputs: arena.inputs().len(),
                parameters: arena.parameters().len(),
                frozen: arena.frozen().map(|key| slots[index(key)]).collect(),
                len: keys.len(),
                slots,
                keys,
            }),
        })
    }
}

/// What the passes did to the code for one example.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    /// Operations on constants alone.
    pub(super) folded: usize,
    /// Sums of products, and the operations that they took in.
    pub(super) sums: usize,
    pub(super) absorbed: usize,
    /// What was looked at for lanes.
    pub(super) stretches: Vec<Verdict>,
    /// Nodes of lanes that were computed twice.
    pub(super) shared: usize,
    /// Groups of like operations side by side, and whether these follow the levels.
    pub(super) classes: usize,
    pub(super) by_level: bool,
    /// Operations that wait for the end.
    pub(super) waiting: usize,
    /// Reverse steps that were taken together.
    pub(super) late: usize,
    /// Lines of the script, forward and in reverse.
    pub(super) lines: usize,
}

impl Program {
    /// The code for lanes of examples.
    pub(super) fn compile_lanes(&self, wanted: Wanted) -> LaneProgram {
        let (program, _) = self.folded();
        let Layout { inputs, parameters, .. } = *program.layout;
        let columns = if wanted == Wanted::Each { inputs + parameters } else { inputs };
        let varies = body::varying(&program, columns);
        let fuses = self.without.runs(Pass::Fuse);
        let learns = program.learning(0..program.layout.len);
        let mut body = Body::of_examples(&program, |slot| fuses && varies[slot], &varies, columns);
        body.shared.iter_mut().for_each(|(slot, wanted)| *wanted &= learns[*slot as usize]);
        if self.without.runs(Pass::Share) {
            share::share(&mut body);
        }
        let (schedule, mut code) = emit::forward(&body);
        adjoint::reverse(&mut code, &body, &schedule, |column| wanted != Wanted::Parameters && learns[column]);
        let of_outputs = code.outputs.iter().filter_map(|output| match output {
            Operand::Rows(row) => Some(*row),
            Operand::Shared(_) => None,
        });
        let outside = OutsideRows {
            columns: (0..).take(inputs).collect(),
            results: of_outputs.collect(),
            ..OutsideRows::default()
        };
        self.write_lines(&mut code, &outside);
        LaneProgram {
            code,
            shared: SharedCode::new(&program, &varies),
            uniforms: Uniforms::new(body.shared.iter().map(|&(slot, _)| (slot, true))),
            inputs,
            wanted,
        }
    }

    /// The code for one example, with the adjoints of inputs if they are wanted.
    pub(super) fn compile_single(&self, input_adjoints: bool) -> SingleProgram {
        let runs = |pass: Pass| self.without.runs(pass);
        let (program, folded) = self.folded();
        let (mut fused, origins) = fuse::Fused::new(&program, |_| runs(Pass::Fuse));
        let mut learns = program.learning(origins.iter().map(|&slot| slot as usize));
        drop(origins);
        let (sums, absorbed) = fused.counts();
        let mut notes = Notes { folded, sums, absorbed, ..Notes::default() };
        let mut regions = vec![];
        if runs(Pass::Roll) {
            (regions, notes.stretches) = roll::roll(&program, &mut fused);
            if !regions.is_empty() {
                let places = fused.forget_rolled();
                for region in &mut regions {
                    region.renumber(&places);
                }
                fuse::forget_gone(&mut learns, &places);
            }
        }
        if runs(Pass::Share) {
            notes.shared = regions.iter_mut().map(|region| share::share(&mut region.body) * region.lanes).sum();
        }
        let classes = Classes::new(&program, &mut fused, &regions, runs(Pass::Order));
        (notes.classes, notes.by_level) = (classes.starts.len() - 1, classes.by_level);
        notes.waiting = classes.waiting;
        let (mut code, mut made) = windows::forward(&fused, &classes, runs(Pass::Loops));
        drop(fused);
        if runs(Pass::Chain) {
            chains::find(&mut code, &mut made);
        }
        let wanted = |slot: u32| {
            let slot = slot as usize;
            learns[slot] && (input_adjoints || slot >= program.layout.inputs)
        };
        for region in regions {
            let lanes = windows::region(region, &classes, &mut code, wanted);
            code.regions.push(lanes);
        }
        let mut needs = vec![false; code.len as usize];
        for (slot, &place) in (0..).zip(&classes.slots[..program.layout.inputs + program.layout.parameters]) {
            needs[place as usize] = wanted(slot);
        }
        let late = if runs(Pass::Late) { Late::find(&code, &made) } else { Late::default() };
        notes.late = late.count();
        back::reverse(&mut code, &made, needs, &late, &classes.padding);
        in_place::find(&mut code);
        if runs(Pass::Script) {
            script::of_windows(&mut code, &classes.padding);
        } else {
            code.turns = script::in_turn(&code.forward, &code.reverse);
        }
        first::last_columns(&mut code);
        for region in &mut code.regions {
            let columns =
                (0..).zip(&region.columns).filter(|(_, column)| column.lies_side_by_side()).map(|(row, _)| row);
            let (columns, adjoints) = (columns.clone().collect(), columns.collect());
            self.write_lines(&mut region.code, &OutsideRows { columns, adjoints, ..OutsideRows::default() });
        }
        first::of_region(&mut code);
        let of_regions = code.regions.iter().map(|region| region.code.script.len());
        notes.lines = of_regions.chain([code.script.len()]).map(|lines| lines as usize).sum();
        let constants = program.constants.clone();
        let inputs = program.layout.inputs;
        let frozen = program.layout.frozen.iter().map(|&slot| classes.slots[slot as usize]).collect();
        SingleProgram { code, inputs, constants, input_adjoints, frozen, notes }
    }

    /// Turns the steps over lanes into turns; the `candidates` are rows whose lanes lie side by side.
    fn write_lines(&self, code: &mut LaneCode, candidates: &OutsideRows) {
        if self.without.runs(Pass::Script) {
            script::of_lanes(code, candidates);
        } else {
            code.turns = script::in_turn(&code.forward, &code.reverse);
            code.stores.clear();
        }
    }

    /// Which of some slots depend on an input or a parameter that is not frozen; where none is, all that is no constant.
    fn learning(&self, slots: impl Iterator<Item = usize>) -> Vec<bool> {
        let Layout { inputs, parameters, len, ref frozen, .. } = *self.layout;
        let constants = inputs + parameters..len - self.steps.len();
        if frozen.is_empty() {
            return slots.map(|slot| !constants.contains(&slot)).collect();
        }
        let mut learns = vec![true; len];
        learns[constants].fill(false);
        for &slot in frozen {
            learns[slot as usize] = false;
        }
        for (_, operands, slot) in self.steps() {
            learns[slot] = operands.iter().any(|&operand| learns[operand as usize]);
        }
        slots.map(|slot| learns[slot]).collect()
    }

    /// The program with its constants folded, and how many operations went.
    fn folded(&self) -> (Cow<'_, Self>, usize) {
        if self.without.runs(Pass::Fold) { fold::fold(self) } else { (Cow::Borrowed(self), 0) }
    }
}

/// The number of a node or slot as plans hold it.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2³² nodes")
}
