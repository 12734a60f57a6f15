//! Operations of any number of operands, forward and in reverse.

use std::ops::Range;

use super::super::kernels::Isa;
use super::super::kernels::linear::Mode;
use super::super::kernels::softmax::{Lists, logsumexps, ranges, room, softmaxes};
use super::{List, Window, WindowCode, whole};
use crate::op::{Op, Scalar as _};

impl List {
    /// How many results there are.
    pub(in super::super) fn count(&self) -> u32 {
        self.ends.len()
    }

    /// How much scratch it takes to spread out so many operands and to compute.
    pub(in super::super) fn scratch(&self, operands: usize) -> usize {
        whole(operands) + room(operands, self.count() as usize)
    }

    fn out(&self) -> Range<usize> {
        self.out as usize..(self.out + self.count()) as usize
    }
}

impl WindowCode {
    /// How many operands all results have together.
    pub(in super::super) fn operand_count(&self, list: &List) -> u32 {
        self.ends[list.ends.range()].last().copied().unwrap_or(0)
    }

    /// Which of the operands each result has.
    pub(in super::super) fn lists(
        &self,
        list: &List,
    ) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator {
        ranges(&self.ends[list.ends.range()])
    }

    pub(super) fn list_forward(&self, isa: Isa, list: &List, values: &mut [f64], scratch: &mut [f64]) {
        self.spread_list(list, values, scratch);
        let (read, write) = values.split_at_mut(list.out as usize);
        let out = &mut write[..list.count() as usize];
        let (lists, room) = self.numbers(list, read, scratch);
        if list.op == Op::LogSumExp {
            return logsumexps(isa, lists, room, out);
        }
        for (out, own) in out.iter_mut().zip(self.lists(list)) {
            *out = list.op.value(&lists.numbers[own]);
        }
    }

    pub(super) fn list_reverse(
        &self,
        isa: Isa,
        list: &List,
        mode: Mode,
        values: &[f64],
        adjoints: &mut [f64],
        scratch: &mut [f64],
    ) {
        let (low, high) = adjoints.split_at_mut(list.out as usize);
        self.spread_list(list, values, scratch);
        let (lists, room) = self.numbers(list, values, scratch);
        let results = &values[list.out()];
        let delta = &high[..list.count() as usize];
        if list.op == Op::LogSumExp {
            softmaxes(isa, lists, results, delta, room);
        } else {
            for ((own, &result), &delta) in self.lists(list).zip(results).zip(delta) {
                let contributions = &mut room[own.clone()];
                list.op.partials(&lists.numbers[own], result, contributions);
                for contribution in contributions {
                    *contribution = delta.chain(*contribution);
                }
            }
        }
        let contributions = &room[..lists.numbers.len()];
        match (list.operands, mode) {
            (Window::Affine { first, .. }, Mode::Store) => {
                low[first as usize..][..contributions.len()].copy_from_slice(contributions);
            }
            (Window::Affine { first, .. }, Mode::Add) => {
                for (to, contribution) in low[first as usize..].iter_mut().zip(contributions) {
                    *to += contribution;
                }
            }
            // The last list is the first to add, as in the order of the graph.
            (window, _) => {
                for own in self.lists(list).rev() {
                    own.for_each(|m| low[self.place(window, m)] += contributions[m]);
                }
            }
        }
    }

    /// Spreads out the operands that are not neighbours.
    fn spread_list(&self, list: &List, values: &[f64], scratch: &mut [f64]) {
        if let Window::List(span) = list.operands {
            self.places.list(span.range()).gather(values, scratch);
        }
    }

    /// The operands, where they lie or spread out in the scratch, and what remains of it.
    fn numbers<'a>(&'a self, list: &List, read: &'a [f64], scratch: &'a mut [f64]) -> (Lists<'a>, &'a mut [f64]) {
        let (count, ends) = (self.operand_count(list) as usize, &self.ends[list.ends.range()]);
        if let Window::Affine { first, .. } = list.operands {
            return (Lists { numbers: &read[first as usize..][..count], ends }, scratch);
        }
        let (numbers, rest) = scratch.split_at_mut(count);
        (Lists { numbers, ends }, rest)
    }
}
