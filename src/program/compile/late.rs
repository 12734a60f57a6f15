//! Late: what many steps add to the same leaves is added by one step.
//!
//! No step reads the adjoint of a leaf. Nests that add to the same leaves may therefore wait for the last of them; if their
//! results and their other factors go on by constant steps, all together are one nest with a loop more: the weights of a
//! recurrent network get their adjoints as sums over time.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::super::kernels::nest::Loop;
use super::super::windows::WindowCode;
use super::windows::{Loops, Made, Product};

/// The reverse steps of nests that were taken together, by the place of the nest and the factor.
#[derive(Debug, Default)]
pub(super) struct Late(FxHashMap<(usize, usize), Option<Product>>);

/// When a nest gives the adjoint of a factor.
pub(super) enum When<'p> {
    /// In its turn.
    Now,
    /// With a later one.
    Later,
    /// In its turn and together with all that waited: X, the adjoints of results and the other factors.
    Together(&'p Product),
}

/// What nests that are taken together agree on: where X begins, the loops with their steps of X, of results and of the
/// other factor, and the sign.
type Kind = (u32, SmallVec<[(u32, [i32; 3]); 2]>, bool);

/// A nest, and where its results and the other factor begin.
struct Member {
    place: usize,
    factor: usize,
    firsts: [u32; 2],
}

impl Late {
    /// Finds nests to take together, from the last to the first.
    pub(super) fn find(code: &WindowCode, made: &[Made]) -> Self {
        let mut kinds: FxHashMap<Kind, Vec<Member>> = FxHashMap::default();
        for (place, made) in made.iter().enumerate().rev() {
            let Made::Nest { product, minus } = made else { continue };
            let moving = product.loops.iter().filter(|l| l.count != 1);
            if moving.clone().count() > 2 {
                continue;
            }
            for factor in [1, 2].into_iter().filter(|&factor| last(product, factor) < code.parameters.end) {
                let back = product.adjoint(factor);
                let loops = back.loops.iter().filter(|l| l.count != 1).map(|l| (l.count, l.steps)).collect();
                let member = Member { place, factor, firsts: [back.firsts[1], back.firsts[2]] };
                kinds.entry((back.firsts[0], loops, *minus)).or_default().push(member);
            }
        }
        let mut late = Self::default();
        for ((x, loops, _), members) in kinds {
            late.take_together(x, &loops, &members);
        }
        late
    }

    fn take_together(&mut self, x: u32, loops: &[(u32, [i32; 3])], members: &[Member]) {
        let step = |from: usize, to: usize| -> [i32; 2] {
            [0, 1].map(|i| members[to].firsts[i].wrapping_sub(members[from].firsts[i]).cast_signed())
        };
        let mut first = 0;
        while first + 1 < members.len() {
            let by = step(first, first + 1);
            let mut last = first + 1;
            while last + 1 < members.len() && step(last, last + 1) == by {
                last += 1;
            }
            let count = u32::try_from(last + 1 - first).expect("fewer than 2³² steps");
            let mut loops: Loops = loops.iter().map(|&(count, steps)| Loop { count, steps }).collect();
            loops.push(Loop { count, steps: [0, by[0], by[1]] });
            let [results, others] = members[first].firsts;
            for member in &members[first..last] {
                self.0.insert((member.place, member.factor), None);
            }
            let together = Product { firsts: [x, results, others], loops };
            self.0.insert((members[last].place, members[last].factor), Some(together));
            first = last + 1;
        }
    }

    /// How many steps were taken together.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// When the nest at a place gives the adjoint of a factor.
    pub(super) fn when(&self, place: usize, factor: usize) -> When<'_> {
        match self.0.get(&(place, factor)) {
            None => When::Now,
            Some(None) => When::Later,
            Some(Some(product)) => When::Together(product),
        }
    }
}

/// The last place of a factor.
fn last(product: &Product, factor: usize) -> u32 {
    let reach = |l: &Loop| l.steps[factor].max(0).cast_unsigned() * (l.count - 1);
    product.firsts[factor] + product.loops.iter().map(reach).sum::<u32>()
}
