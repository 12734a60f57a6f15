//! The forward pass of one run.

use std::ops::Range;

use super::super::kernels::Isa;
use super::super::kernels::chain::chain_forward;
use super::super::kernels::nest::{Source, Target, contract};
use super::super::kernels::script::Turn;
use super::{Call, Chain, Run, Step, Terms, Window, WindowCode};

impl WindowCode {
    /// Computes every slot; constants have been filled.
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
            let Source { numbers, first } = call.source(self.home(copied), self, &[]);
            let from = &numbers[(copied.start - first) as usize..(copied.end - first) as usize];
            values[copied.start as usize..copied.end as usize].copy_from_slice(from);
        }
        for turn in &self.turns[0] {
            let step = match turn {
                Turn::Lines(lines) => {
                    run.lines(&self.script, lines, call);
                    continue;
                }
                Turn::Step(number) => &self.forward[*number as usize],
            };
            let (values, spread, scratch) = (run.values.get_mut(), run.spread.get_mut(), run.scratch.get_mut());
            match step {
                Step::Map(map) => self.map(isa, map, values, spread),
                Step::Nest { nest, out, mode, minus, zero, homes } => {
                    let (read, write) = values.split_at_mut(*out as usize);
                    let [y, z] = homes.map(|home| call.source(home, self, read));
                    let mut target = Target { numbers: write, first: *out, mode: *mode, minus: *minus };
                    contract(isa, nest, &mut target, y, z, *zero);
                }
                Step::Terms(Terms { out, count, signs, list, mode, zero }) => {
                    let out = *out as usize..(out + count) as usize;
                    self.pairs.list(list.range()).sums(*signs, *mode, *zero, out, values);
                }
                Step::Chain(chain) => self.chain(isa, chain, values),
                Step::Region(number) => {
                    let (region, buffers) = (&self.regions[*number as usize], &mut run.regions[*number as usize]);
                    let adjoint = region.known_adjoint(seeds);
                    region.forward(call, self, adjoint, values, run.adjoints.get_mut(), buffers);
                }
                Step::List(list) => self.list_forward(isa, list, values, spread, scratch),
            }
        }
    }

    fn chain(&self, isa: Isa, chain: &Chain, values: &mut [f64]) {
        let first = values[chain.first as usize];
        let (read, write) = values.split_at_mut(chain.out as usize);
        let links = self.places[chain.list.range()].as_chunks::<2>().0;
        chain_forward(isa, links, first, read, &mut write[..links.len()]);
    }

    /// From the first to behind the last of the places of so many numbers of a window.
    pub(in super::super) fn reach(&self, window: Window, count: u32) -> Range<usize> {
        let places = match window {
            Window::List(span) => &self.places[span.range()],
            _ => &[],
        };
        let ends = [0, count.saturating_sub(1)].map(|m| self.place(window, m as usize));
        let places = places.iter().map(|&place| place as usize).chain(ends);
        places.clone().min().unwrap_or(0)..places.max().map_or(0, |last| last + 1)
    }

    /// The place of a number of a window.
    pub(in super::super) fn place(&self, window: Window, m: usize) -> usize {
        match window {
            Window::Affine { first, step } => {
                (first as usize).wrapping_add_signed((step as isize).wrapping_mul(m.cast_signed()))
            }
            Window::EachRow { first, row } => first as usize + m / row as usize,
            Window::List(span) => self.places[span.range()][m] as usize,
        }
    }
}
