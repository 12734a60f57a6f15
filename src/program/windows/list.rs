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

    /// How much room it takes to keep what the derivatives of so many operands follow from.
    pub(in super::super) fn room(&self, operands: usize) -> usize {
        if self.op == Op::LogSumExp { whole(operands) } else { 0 }
    }

    fn kept(&self, operands: usize) -> Range<usize> {
        self.kept as usize..self.kept as usize + self.room(operands)
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

    pub(super) fn list_forward(
        &self,
        isa: Isa,
        list: &List,
        values: &mut [f64],
        spread: &mut [f64],
        scratch: &mut [f64],
    ) {
        self.spread_list(list, values, scratch);
        let (read, write) = values.split_at_mut(list.out as usize);
        let out = &mut write[..list.count() as usize];
        let (lists, room) = self.numbers(list, read, scratch);
        if list.op == Op::LogSumExp {
            return logsumexps(isa, lists, &mut spread[list.kept(lists.numbers.len())], room, out);
        }
        for (out, own) in out.iter_mut().zip(self.lists(list)) {
            *out = list.op.value(&lists.numbers[own]);
        }
    }

    /// Adds to the adjoints of the operands or stores them; the values and what is kept of them are as the list left them.
    pub(super) fn list_reverse(
        &self,
        isa: Isa,
        list: &List,
        mode: Mode,
        kept: (&[f64], &[f64]),
        adjoints: &mut [f64],
        scratch: &mut [f64],
    ) {
        let count = self.operand_count(list) as usize;
        let (low, high) = adjoints.split_at_mut(list.out as usize);
        let delta = &high[..list.count() as usize];
        if let (Window::Affine { first, .. }, Mode::Store) = (list.operands, mode) {
            return self.contributions(isa, list, kept, delta, &mut low[first as usize..][..count], scratch);
        }
        let (contributions, scratch) = scratch.split_at_mut(count);
        self.contributions(isa, list, kept, delta, contributions, scratch);
        if let Window::Affine { first, .. } = list.operands {
            for (to, contribution) in low[first as usize..].iter_mut().zip(contributions) {
                *to += *contribution;
            }
        } else {
            // The last list is the first to add, as in the order of the graph.
            for own in self.lists(list).rev() {
                own.for_each(|m| low[self.place(list.operands, m)] += contributions[m]);
            }
        }
    }

    /// What each operand's adjoint is to gain.
    fn contributions(
        &self,
        isa: Isa,
        list: &List,
        (values, spread): (&[f64], &[f64]),
        delta: &[f64],
        out: &mut [f64],
        scratch: &mut [f64],
    ) {
        if list.op == Op::LogSumExp {
            let shares =
                Lists { numbers: &spread[list.kept as usize..][..out.len()], ends: &self.ends[list.ends.range()] };
            return softmaxes(isa, shares, delta, out);
        }
        self.spread_list(list, values, scratch);
        let (lists, _) = self.numbers(list, values, scratch);
        for ((own, &result), &delta) in self.lists(list).zip(&values[list.out()]).zip(delta) {
            let contributions = &mut out[own.clone()];
            list.op.partials(&lists.numbers[own], result, contributions);
            for contribution in contributions {
                *contribution = delta.chain(*contribution);
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
