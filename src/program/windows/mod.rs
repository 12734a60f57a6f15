//! Code for one run of a program: steps over windows of slots.
//!
//! A *window* is some numbers of a run: neighbours, every so manieth, one number again and again, or a list of places.
//! Slots are numbered by the steps, so that what belongs together lies side by side: first the inputs, parameters and
//! constants, then the numbers 1 and 0, then the results of the steps. What is read of the parameters as one piece is read
//! where the caller has it. This room knows slots and kernels, and no graph.

mod forward;
mod list;
mod map;
mod region;
mod reverse;

use region::RegionRun;
pub(super) use region::{Column, Region};

use std::ops::Range;

use super::kernels::linear::Mode;
use super::kernels::nest::{Nest, Source};
use super::kernels::places::{Pair, Pool, Signs};
use super::kernels::script::{Outside, Script, Slices, Turn};
use super::kernels::{Isa, Zero};
use super::lanes::{Aligned, Span};
use crate::op::Op;

/// Where the numbers of an operand lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// At `first`, `first + step` and so on.
    Affine { first: u32, step: i32 },
    /// At `first` for the first row of a map, at the next place for the next one; the rows are so many numbers apart.
    EachRow { first: u32, row: u32 },
    /// At the places of a list.
    List(Span),
}

/// An operation of one, two or three operands over windows; the results lie side by side from `out` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    pub(super) op: Op,
    pub(super) out: u32,
    pub(super) count: u32,
    /// How long the rows are; what fills the last register of each is of nothing.
    pub(super) row: u32,
    pub(super) arity: u8,
    pub(super) operands: [Window; 3],
    /// Where the operands that are not neighbours are spread out in a run, and stay.
    pub(super) spread: u32,
}

/// An operation of any number of operands; the results lie side by side from `out` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) op: Op,
    pub(super) out: u32,
    /// Those of one result after those of the other: neighbours, or a list of places.
    pub(super) operands: Window,
    /// Where the operands of each result end.
    pub(super) ends: Span,
    /// Where the shares of a log-sum-exp are kept in a run, from which its derivatives follow.
    pub(super) kept: u32,
}

/// Sums of products of single numbers, one result after the other: each takes as many pairs of the list as there are signs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) out: u32,
    pub(super) count: u32,
    pub(super) signs: Signs,
    pub(super) list: Span,
    pub(super) mode: Mode,
    /// What zero times infinity is.
    pub(super) zero: Zero,
}

/// What sums of products of single numbers add to the adjoints of their factors, from the last sum to the first.
///
/// For each sum the list has as many pairs as there are signs: a place that is added to, and the other factor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) out: u32,
    pub(super) count: u32,
    pub(super) signs: Signs,
    pub(super) list: Span,
    /// The summands of a single sum, added and subtracted, whose other factor is 1.
    pub(super) summands: [Span; 2],
}

/// Sums that go on from each other: each is the one before times a factor and a summand, two places of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// Where it begins.
    pub(super) first: u32,
    pub(super) out: u32,
    pub(super) count: u32,
    pub(super) list: Span,
    /// Whether nothing else uses its numbers, apart from the last.
    pub(super) private: bool,
}

/// A step of the forward pass.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Map(Map),
    /// Sums of products by loops; everything read lies before `out`.
    Nest {
        nest: Nest,
        out: u32,
        mode: Mode,
        minus: bool,
        /// What zero times infinity is.
        zero: Zero,
        /// Where the factors stand.
        homes: [Home; 2],
    },
    Terms(Terms),
    Chain(Chain),
    List(List),
    /// A sum over lanes.
    Region(u32),
}

/// A step of the reverse pass.
#[derive(Clone, Debug)]
pub(super) enum Back {
    /// The adjoints of one operand.
    Map {
        map: Map,
        place: u8,
        mode: Mode,
    },
    /// Adjoints before `split` from those after it, and values.
    Nest {
        nest: Nest,
        split: u32,
        mode: Mode,
        minus: bool,
        /// Where the values stand.
        home: Home,
    },
    Factors(Factors),
    Chain(Chain),
    List {
        list: List,
        mode: Mode,
    },
    Region(u32),
}

/// The code of a program for one run.
#[derive(Debug, Default)]
pub(super) struct WindowCode {
    /// How many slots there are.
    pub(super) len: u32,
    /// The slots of the inputs.
    pub(super) inputs: Range<u32>,
    /// The slots of the parameters.
    pub(super) parameters: Range<u32>,
    /// The inputs and parameters that a step reads among the values.
    pub(super) copied: Vec<Range<u32>>,
    /// The slot of the number 1.
    pub(super) one: u32,
    /// The slot of the number 0.
    pub(super) zero: u32,
    pub(super) forward: Vec<Step>,
    pub(super) reverse: Vec<Back>,
    /// The steps forward and in reverse as they are taken.
    pub(super) turns: [Vec<Turn>; 2],
    pub(super) script: Script,
    /// The adjoints that no step stores before another adds.
    pub(super) zeros: Vec<(u32, u32)>,
    /// The slots of the outputs.
    pub(super) outputs: Vec<u32>,
    pub(super) places: Pool<u32>,
    /// The ends of lists.
    pub(super) ends: Vec<u32>,
    pub(super) pairs: Pool<Pair>,
    pub(super) regions: Vec<Region>,
    /// How many numbers maps spread out.
    pub(super) spread: u32,
    /// The most numbers that a step needs for a while.
    pub(super) scratch: usize,
}

/// What a run is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) isa: Isa,
    pub(super) parameters: &'a [f64],
    pub(super) inputs: &'a [f64],
}

/// Where numbers stand that a step reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Home {
    /// Among the values.
    #[default]
    Values,
    /// Where the caller has the inputs.
    Inputs,
    /// Where the caller has the parameters.
    Parameters,
}

/// The buffers of a run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) values: Aligned,
    pub(super) adjoints: Aligned,
    spread: Aligned,
    scratch: Aligned,
    regions: Vec<RegionRun>,
}

impl Run {
    pub(super) fn new(code: &WindowCode) -> Self {
        let mut values = Aligned::new(code.room());
        values.get_mut()[code.one as usize] = 1.0;
        Self {
            values,
            adjoints: Aligned::new(code.room()),
            spread: Aligned::new(code.spread as usize),
            scratch: Aligned::new(code.scratch),
            regions: code.regions.iter().map(RegionRun::new).collect(),
        }
    }

    /// How many numbers it holds.
    pub(super) fn len(&self) -> usize {
        let regions: usize = self.regions.iter().map(RegionRun::len).sum();
        let own = [&self.values, &self.adjoints, &self.spread, &self.scratch];
        own.iter().map(|numbers| numbers.get().len()).sum::<usize>() + regions
    }

    /// How many numbers it would hold.
    pub(super) fn forecast(code: &WindowCode) -> usize {
        let regions = code.regions.iter().map(RegionRun::forecast).sum::<usize>();
        2 * code.room() + code.spread as usize + code.scratch + regions
    }
}

impl WindowCode {
    /// Where some slots stand, unless they are copied.
    pub(super) fn home(&self, slots: &Range<u32>) -> Home {
        let inside = |all: &Range<u32>| all.start <= slots.start && slots.end <= all.end;
        if inside(&self.inputs) {
            Home::Inputs
        } else if inside(&self.parameters) {
            Home::Parameters
        } else {
            Home::Values
        }
    }

    /// Room for all slots, and for a register that the last ones do not fill.
    fn room(&self) -> usize {
        self.len as usize + 7
    }

    pub(super) fn push_places(&mut self, places: impl IntoIterator<Item = u32>) -> Span {
        let start = self.places.len();
        self.places.extend(places);
        Span::new(start, self.places.len())
    }

    pub(super) fn push_pairs(&mut self, pairs: impl IntoIterator<Item = Pair>) -> Span {
        let start = self.pairs.len();
        self.pairs.extend(pairs);
        Span::new(start, self.pairs.len())
    }
}

impl Run {
    /// Runs lines of a script.
    fn lines(&mut self, script: &Script, lines: &Range<u32>, Call { parameters, inputs, .. }: Call<'_>) {
        let (values, adjoints) = (self.values.get_mut(), self.adjoints.get_mut());
        script.run(
            lines.clone(),
            Slices { values, adjoints, shared: parameters, inputs, lanes: 1, outside: &mut Outside::default() },
        );
    }
}

impl<'a> Call<'a> {
    /// The numbers of a home.
    fn source(self, home: Home, code: &WindowCode, values: &'a [f64]) -> Source<'a> {
        match home {
            Home::Values => Source { numbers: values, first: 0 },
            Home::Inputs => Source { numbers: self.inputs, first: 0 },
            Home::Parameters => Source { numbers: self.parameters, first: code.parameters.start },
        }
    }
}

/// As many numbers as fill whole registers of eight.
fn whole(count: usize) -> usize {
    count.next_multiple_of(8)
}
