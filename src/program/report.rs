//! What the compiler made of a program, for a person who asks why it is fast or slow.

use std::fmt::{Display, Formatter, Result};
use std::sync::Arc;

use super::Program;
use super::compile::{Notes, Verdict};
use super::single::SingleProgram;
use super::windows::{Step, WindowCode};

/// What each pass did, the steps of a run by kind, and the memory and arithmetic that it takes.
///
/// [`Display`] writes it as lines that a person reads.
#[derive(Clone, Debug)]
pub struct Report {
    operations: usize,
    single: Arc<SingleProgram>,
    bytes: usize,
}

/// Steps of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    steps: usize,
    /// Operations on numbers, a product with its addition as one.
    work: usize,
}

impl Program {
    /// What the compiler made of this program for one example.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, w) = (graph.inputs("x", 24), graph.parameters("w", &[0.5; 24]));
    /// let report = graph.compile(&[graph.dot(&w, &x)?.tanh()])?.report();
    /// assert_eq!((report.operations(), report.steps()), (2, 2));
    /// assert!(report.to_string().contains("loops of products"), "{report}");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    pub fn report(&self) -> Report {
        let single = self.single_program(true);
        Report { operations: self.operation_count(), bytes: self.workspace_bytes(1), single }
    }
}

impl Report {
    /// How many elementary operations the program has.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// How many steps a forward pass takes.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.single.code.forward.len()
    }

    /// How many operations became lanes of small programs.
    #[must_use]
    pub fn rolled(&self) -> usize {
        self.single.notes.stretches.iter().map(|stretch| stretch.lanes * stretch.nodes).sum()
    }

    /// The memory that the buffers of a run take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Floating-point operations of a forward pass, where a call such as `exp` counts as one.
    #[must_use]
    pub fn flops(&self) -> usize {
        let [maps, loops, terms, chains, lists, regions] = kinds(&self.single.code);
        maps.work + 2 * (loops.work + terms.work + chains.work) + lists.work + regions.work
    }
}

/// The steps by kind: maps, loops, lists of terms, chains, lists, regions.
fn kinds(code: &WindowCode) -> [Kind; 6] {
    let mut kinds = [Kind::default(); 6];
    for step in &code.forward {
        let (kind, work) = match step {
            Step::Map(map) => (0, (map.rows() * map.row) as usize),
            Step::Nest { nest, .. } => (1, nest.terms()),
            Step::Terms(terms) => (2, terms.count as usize * terms.signs.count()),
            Step::Chain(chain) => (3, chain.count as usize),
            Step::List(list) => (4, code.operand_count(list) as usize),
            Step::Region(number) => {
                let region = &code.regions[*number as usize];
                (5, region.lanes as usize * region.code.work())
            }
        };
        kinds[kind].steps += 1;
        kinds[kind].work += work;
    }
    kinds
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "{} operations, {} steps forward, {} back", self.operations, self.steps(), {
            self.single.code.reverse.len()
        })?;
        self.single.notes.fmt(f)?;
        let names = ["element by element", "loops of products", "lists of products", "recurrences", "lists", "lanes"];
        writeln!(f, "steps forward")?;
        for (name, kind) in names.iter().zip(kinds(&self.single.code)).filter(|(_, kind)| kind.steps > 0) {
            writeln!(f, "  {name:<20}{:>8} with {} operations", kind.steps, kind.work)?;
        }
        writeln!(f, "{} bytes of buffers, {} flops forward", self.bytes, self.flops())
    }
}

impl Display for Notes {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "fold   {} operations on constants alone", self.folded)?;
        writeln!(f, "fuse   {} operations went into {} sums of products", self.absorbed, self.sums)?;
        if self.stretches.is_empty() {
            writeln!(f, "roll   nothing: no sum of 32 terms or more repeats itself")?;
        }
        for alike in self.stretches.chunk_by(|a, b| a == b) {
            let verdict @ Verdict { terms, rounds, lanes, nodes, is_woven } = alike[0];
            let sums = alike.len();
            write!(f, "roll   {sums} × a sum of {terms} terms that repeats itself {rounds} times: ")?;
            match (nodes, lanes) {
                (0, _) => writeln!(f, "left to loops, since its rounds compute nothing of their own")?,
                (_, 0) if verdict.is_small() => writeln!(f, "left to loops, since its rounds compute little together")?,
                (_, 0) if is_woven => writeln!(f, "left to loops, since its rounds read the same and compute little")?,
                (_, 0) => writeln!(f, "left, since too few rounds compute the same")?,
                (nodes, lanes) => writeln!(f, "{lanes} lanes of {} operations", nodes + 1)?,
            }
        }
        writeln!(f, "share  {} operations were computed twice in a lane", self.shared)?;
        let order = if self.by_level { "level by level" } else { "the fullest list of one operation first" };
        write!(f, "order  {} groups of like operations, {order}", self.classes)?;
        match self.waiting {
            0 => writeln!(f)?,
            waiting => writeln!(f, "; {waiting} operations wait for the end")?,
        }
        writeln!(f, "late   {} loops of the reverse pass were taken together with others", self.late)?;
        writeln!(f, "script {} lines for short steps, forward and back", self.lines)
    }
}
