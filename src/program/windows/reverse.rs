//! The reverse pass of one run.

use super::super::kernels::chain::{Values, chain_reverse};
use super::super::kernels::linear::Mode;
use super::super::kernels::nest::{Source, Target, contract};
use super::super::kernels::script::Turn;
use super::super::kernels::{Isa, Zero, map};
use super::{Back, Call, Chain, Map, Run, Window, WindowCode, whole};
use crate::op::Scalar as _;

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
                    run.lines(&self.script, lines, call.parameters);
                    continue;
                }
                Turn::Step(number) => &self.reverse[*number as usize],
            };
            let (values, adjoints, scratch) = (run.values.get(), run.adjoints.get_mut(), run.scratch.get_mut());
            match back {
                Back::Map { map, place, mode } => {
                    self.map_back(isa, map, *place as usize, *mode, values, adjoints, scratch);
                }
                Back::Nest { nest, split, mode, minus, in_place } => {
                    let (low, high) = adjoints.split_at_mut(*split as usize);
                    let mut target = Target { numbers: low, first: 0, mode: *mode, minus: *minus };
                    let delta = Source { numbers: high, first: *split };
                    contract(isa, nest, &mut target, delta, call.source(*in_place, self, values), Zero::Absorbs);
                }
                Back::Region(number) => {
                    let buffers = &mut run.regions[*number as usize];
                    self.regions[*number as usize].reverse(call, self, values, adjoints, buffers);
                }
                Back::Terms(terms) => self.terms_back(terms, values, adjoints),
                Back::Chain(chain) => self.chain_back(isa, chain, values, adjoints),
                Back::List { list, mode } => self.list_reverse(isa, list, *mode, values, adjoints, scratch),
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

    #[expect(clippy::too_many_arguments, reason = "a map has its place and mode, a run three buffers")]
    fn map_back(
        &self,
        isa: Isa,
        map: &Map,
        place: usize,
        mode: Mode,
        values: &[f64],
        adjoints: &mut [f64],
        scratch: &mut [f64],
    ) {
        let (out, count) = (map.out as usize, map.count as usize);
        let window = map.operands[place];
        if count <= 2 {
            for m in 0..count {
                let (operands, arity) = (self.operands(map, m, values), map.arity as usize);
                let mut partials = [0.0; 3];
                map.op.partials(&operands[..arity], values[out + m], &mut partials[..arity]);
                let to = self.place(window, m);
                let contribution = adjoints[out + m].chain(partials[place]);
                match mode {
                    Mode::Store => adjoints[to] = contribution,
                    Mode::Add => adjoints[to] += contribution,
                }
            }
            return;
        }
        let len = whole(count).min(values.len() - out);
        let (low, high) = adjoints.split_at_mut(out);
        let (value, adjoint) = (&values[out..][..len], &high[..len]);
        let contribution = if let Some(slice) = map.only_slice(len, values) {
            let contribution = &mut scratch[..len];
            map::reverse(isa, map.op, place, &[slice], value, adjoint, contribution);
            &contribution[..count]
        } else {
            let (operands, rest) = self.spread(map, len, values, scratch);
            let contribution = &mut rest[..len];
            map::reverse(isa, map.op, place, &operands, value, adjoint, contribution);
            &contribution[..count]
        };
        match window {
            Window::Affine { first, step: 1 } => {
                let target = &mut low[first as usize..][..count];
                match mode {
                    Mode::Store => target.copy_from_slice(contribution),
                    Mode::Add => map::accumulate(isa, contribution, target),
                }
            }
            Window::Affine { first, step: 0 } => {
                let total: f64 = contribution.iter().sum();
                match mode {
                    Mode::Store => low[first as usize] = total,
                    Mode::Add => low[first as usize] += total,
                }
            }
            Window::Affine { .. } => {
                for (m, &contribution) in contribution.iter().enumerate() {
                    let to = &mut low[self.place(window, m)];
                    *to = if mode == Mode::Store { contribution } else { *to + contribution };
                }
            }
            Window::List(span) => {
                for (&to, &contribution) in self.places[span.range()].iter().zip(contribution) {
                    low[to as usize] += contribution;
                }
            }
        }
    }
}
