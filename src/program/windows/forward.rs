//! The forward pass of one run.

use smallvec::SmallVec;

use super::super::kernels::chain::chain_forward;
use super::super::kernels::nest::{Target, contract};
use super::super::kernels::script::Turn;
use super::super::kernels::{Isa, map};
use super::{Call, Chain, Map, Run, Step, Window, WindowCode, whole};

impl Map {
    /// The operand as a slice of `len` numbers, if it is one and the only one.
    #[inline]
    pub(super) fn only_slice<'a>(&self, len: usize, read: &'a [f64]) -> Option<&'a [f64]> {
        match (self.arity, self.operands[0]) {
            (1, Window::Affine { first, step: 1 }) => read.get(first as usize..first as usize + len),
            _ => None,
        }
    }
}

impl WindowCode {
    /// Computes every slot; inputs and constants have been filled.
    ///
    /// With the seeds of a reverse pass that follows, what can be differentiated at once is.
    pub(in super::super) fn forward(&self, call: Call<'_>, seeds: Option<&[f64]>, run: &mut Run) {
        let isa = call.isa;
        if seeds.is_some() {
            let adjoints = run.adjoints.get_mut();
            self.zeros.iter().for_each(|&(start, end)| adjoints[start as usize..end as usize].fill(0.0));
        }
        let values = run.values.get_mut();
        for copied in &self.copied {
            let from = (copied.start - self.parameters.start) as usize;
            values[copied.start as usize..copied.end as usize]
                .copy_from_slice(&call.parameters[from..from + copied.len()]);
        }
        for turn in &self.turns[0] {
            let step = match turn {
                Turn::Lines(lines) => {
                    run.lines(&self.script, lines, call.parameters);
                    continue;
                }
                Turn::Step(number) => &self.forward[*number as usize],
            };
            let (values, scratch) = (run.values.get_mut(), run.scratch.get_mut());
            match step {
                Step::Map(map) => self.map(isa, map, values, scratch),
                Step::Nest { nest, out, mode, minus, zero, in_place } => {
                    let (read, write) = values.split_at_mut(*out as usize);
                    let [y, z] = in_place.map(|in_place| call.source(in_place, self, read));
                    let mut target = Target { numbers: write, first: *out, mode: *mode, minus: *minus };
                    contract(isa, nest, &mut target, y, z, *zero);
                }
                Step::Terms(terms) => self.terms(terms, values),
                Step::Chain(chain) => self.chain(isa, chain, values),
                Step::Region(number) => {
                    let (region, buffers) = (&self.regions[*number as usize], &mut run.regions[*number as usize]);
                    let adjoint = region.known_adjoint(seeds);
                    region.forward(call, self, adjoint, values, run.adjoints.get_mut(), buffers);
                }
                Step::List(list) => self.list_forward(isa, list, values, scratch),
            }
        }
    }

    fn chain(&self, isa: Isa, chain: &Chain, values: &mut [f64]) {
        let first = values[chain.first as usize];
        let (read, write) = values.split_at_mut(chain.out as usize);
        let links = self.places[chain.list.range()].as_chunks::<2>().0;
        chain_forward(isa, links, first, read, &mut write[..links.len()]);
    }

    fn map(&self, isa: Isa, map: &Map, values: &mut [f64], scratch: &mut [f64]) {
        let (out, count) = (map.out as usize, map.count as usize);
        if count <= 2 {
            for m in 0..count {
                let operands = self.operands(map, m, values);
                values[out + m] = map.op.value(&operands[..map.arity as usize]);
            }
            return;
        }
        // The numbers beyond the last fill a register; what stands there is not read before it is written.
        let len = whole(count).min(values.len() - out);
        let (read, write) = values.split_at_mut(out);
        if let Some(slice) = map.only_slice(len, read) {
            map::forward(isa, map.op, &[slice], &mut write[..len]);
            return;
        }
        let (operands, _) = self.spread(map, len, read, scratch);
        map::forward(isa, map.op, &operands, &mut write[..len]);
    }

    /// The operands of one result.
    pub(super) fn operands(&self, map: &Map, m: usize, values: &[f64]) -> [f64; 3] {
        let mut operands = [0.0; 3];
        for (number, window) in operands.iter_mut().zip(&map.operands[..map.arity as usize]) {
            *number = values[self.place(*window, m)];
        }
        operands
    }

    /// The place of a number of a window.
    pub(in super::super) fn place(&self, window: Window, m: usize) -> usize {
        match window {
            Window::Affine { first, step } => {
                (first as usize).wrapping_add_signed((step as isize).wrapping_mul(m.cast_signed()))
            }
            Window::List(span) => self.places[span.range()][m] as usize,
        }
    }

    /// The operands as slices of `len` numbers, at least as many as the map counts, and what remains of the scratch.
    ///
    /// What is not a slice of `read` is spread out in the scratch.
    pub(super) fn spread<'a>(
        &self,
        map: &Map,
        len: usize,
        read: &'a [f64],
        mut scratch: &'a mut [f64],
    ) -> (SmallVec<[&'a [f64]; 3]>, &'a mut [f64]) {
        let count = map.count as usize;
        let mut slices = SmallVec::new();
        for window in &map.operands[..map.arity as usize] {
            match *window {
                Window::Affine { first, step: 1 } if first as usize + len <= read.len() => {
                    slices.push(&read[first as usize..][..len]);
                    continue;
                }
                _ => {}
            }
            let (spread, rest) = scratch.split_at_mut(len);
            match *window {
                Window::Affine { first, step: 1 } => {
                    spread[..count].copy_from_slice(&read[first as usize..][..count]);
                }
                Window::Affine { first, step: 0 } => spread.fill(read[first as usize]),
                Window::Affine { .. } => {
                    for (m, number) in spread[..count].iter_mut().enumerate() {
                        *number = read[self.place(*window, m)];
                    }
                }
                Window::List(span) => {
                    for (number, &place) in spread.iter_mut().zip(&self.places[span.range()]) {
                        *number = read[place as usize];
                    }
                }
            }
            slices.push(&*spread);
            scratch = rest;
        }
        (slices, scratch)
    }
}
