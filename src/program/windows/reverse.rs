//! The reverse pass of one run.

use super::super::kernels::chain::{Values, chain_reverse};
use super::super::kernels::nest::{Source, Target, contract};
use super::super::kernels::script::Turn;
use super::super::kernels::{Isa, Zero};
use super::{Back, Call, Chain, Factors, Run, WindowCode};

impl WindowCode {
    /// Computes the adjoints of the slots from seeds of the outputs, after a forward pass that knew them.
    pub(in super::super) fn reverse(&self, call: Call<'_>, seeds: &[f64], run: &mut Run) {
        let isa = call.isa;
        let adjoints = run.adjoints.get_mut();
        for (&slot, &seed) in self.outputs.iter().zip(seeds) {
            adjoints[slot as usize] += seed;
        }
        for turn in &self.turns[1] {
            let back = match turn {
                Turn::Lines(lines) => {
                    run.lines(&self.script, lines, call);
                    continue;
                }
                Turn::Step(number) => &self.reverse[*number as usize],
            };
            let (values, adjoints, scratch) = (run.values.get(), run.adjoints.get_mut(), run.scratch.get_mut());
            let kept = (values, run.spread.get());
            match back {
                Back::Map { map, place, mode } => {
                    let place = (usize::from(*place), *mode);
                    self.map_back(isa, map, place, kept, adjoints, scratch);
                }
                Back::Nest { nest, split, mode, minus, home } => {
                    let (low, high) = adjoints.split_at_mut(*split as usize);
                    let mut target = Target { numbers: low, first: 0, mode: *mode, minus: *minus };
                    let delta = Source { numbers: high, first: *split };
                    contract(isa, nest, &mut target, delta, call.source(*home, self, values), Zero::Absorbs);
                }
                Back::Region(number) => {
                    let buffers = &mut run.regions[*number as usize];
                    self.regions[*number as usize].reverse(call, self, values, adjoints, buffers);
                }
                Back::Factors(Factors { out, count, signs, list, summands }) => {
                    let sums = *out as usize..(out + count) as usize;
                    self.pairs.list(list.range()).add_to_factors(*signs, sums, values, adjoints);
                    if summands.iter().any(|span| !span.is_empty()) {
                        let delta = adjoints[*out as usize];
                        for (span, delta) in summands.iter().zip([delta, -delta]) {
                            self.places.list(span.range()).add_one(delta, adjoints);
                        }
                    }
                }
                Back::Chain(chain) => self.chain_back(isa, chain, values, adjoints),
                Back::List { list, mode } => self.list_reverse(isa, list, *mode, kept, adjoints, scratch),
            }
        }
    }

    fn chain_back(&self, isa: Isa, chain: &Chain, values: &[f64], adjoints: &mut [f64]) {
        let out = chain.out as usize;
        let (low, high) = adjoints.split_at_mut(out);
        let links = self.places[chain.list.range()].as_chunks::<2>().0;
        let own = &high[..links.len()];
        let own = if chain.private { &own[links.len() - 1..] } else { own };
        let first = values[chain.first as usize];
        let (read, results) = values.split_at(out);
        let values = Values { first, own: results, read, zero: self.zero };
        let carried = chain_reverse(isa, links, values, own, low);
        low[chain.first as usize] += carried;
    }
}
