//! Roll: what a sum repeats becomes the lanes of one small program.
//!
//! The terms of a long sum are compared by the shape of what they are computed from. A stretch of terms that repeats
//! itself, one round after the other, is an axis of the user's loops: every round is a *lane*. A node belongs to the
//! lane that alone uses it; what several lanes use, they share. Lanes that compute the same, step by step, become a
//! region: a body that is run over all of them, whose own numbers never stand in memory all at once.
//!
//! Only the outermost axis is taken, since the longest sums are seen first.

use rustc_hash::FxHashMap;

use super::super::Program;
use super::super::kernels::Zero;
use super::axes::{Axes, FEWEST, Stretch, Users};
use super::body::{Body, BodyNode, Ref};
use super::fuse::{Code, Fused, Term};
use super::narrow;

/// The fewest operations that are worth a region, which costs as much as some tens of loops beside them.
const WORTH_A_REGION: usize = 256;

/// A sum over lanes.
#[derive(Debug)]
pub(super) struct Region {
    /// What a lane computes; its output is what the lane adds.
    pub(super) body: Body,
    /// For each column of the body the slot that each lane reads.
    pub(super) columns: Vec<Vec<u32>>,
    pub(super) lanes: usize,
    /// The slot of the sum.
    pub(super) sum: u32,
    /// The computed slots that the lanes read.
    pub(super) reads: Vec<u32>,
    /// The adjoint of the sum as a linear form in the seeds of the outputs, if it is one.
    pub(super) tail: Option<Vec<(u32, f64)>>,
}

impl Region {
    /// Gives it the new slots of what it reads and of its sum.
    pub(super) fn renumber(&mut self, places: &[u32]) {
        let renumber = |slot: &mut u32| *slot = places[*slot as usize];
        self.columns.iter_mut().flatten().for_each(renumber);
        self.body.shared.iter_mut().for_each(|(slot, _)| renumber(slot));
        self.reads.iter_mut().for_each(renumber);
        renumber(&mut self.sum);
    }

    /// Whether its lanes read more numbers than they compute, and mostly what others read too, as the windows of a
    /// convolution do: loops read these where they lie, lanes gather them.
    fn is_woven(&self) -> bool {
        let (read, computed) = (self.columns.len(), self.body.nodes.len() - self.columns.len());
        if read <= computed {
            return false;
        }
        let mut slots = self.columns.concat();
        slots.sort_unstable();
        slots.dedup();
        4 * slots.len() <= read * self.lanes
    }
}

/// What became of a stretch of terms that repeats itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Verdict {
    /// How many terms the sum has, and how often the stretch repeats itself.
    pub(in super::super) terms: usize,
    pub(in super::super) rounds: usize,
    /// How many rounds became lanes, and how many operations each computes.
    pub(in super::super) lanes: usize,
    pub(in super::super) nodes: usize,
    /// Whether they were left to loops, since they read more than they compute, and mostly what others read too.
    pub(in super::super) is_woven: bool,
}

impl Verdict {
    /// Whether all rounds together compute too little for a region.
    pub(in super::super) fn is_small(self) -> bool {
        self.rounds * self.nodes < WORTH_A_REGION
    }
}

/// Finds regions and takes them out of the fused code; also says what became of each stretch.
pub(super) fn roll(program: &Program, fused: &mut Fused) -> (Vec<Region>, Vec<Verdict>) {
    let Some(axes) = Axes::of(program, fused) else { return (vec![], vec![]) };
    let stretches = axes.stretches();
    let lanes = Lanes::new(&axes.users, axes.lanes);
    let alike: Vec<Option<Vec<u32>>> = stretches.iter().map(|&stretch| lanes.alike(stretch, fused)).collect();
    let mut verdicts: Vec<Verdict> = (stretches.iter().zip(&alike))
        .map(|(&stretch, alike)| Verdict {
            terms: fused.terms(stretch.sum as usize).len(),
            rounds: stretch.rounds,
            lanes: alike.as_ref().map_or(0, Vec::len),
            nodes: lanes.of(stretch.lane + narrow(stretch.rounds / 2)).len(),
            is_woven: false,
        })
        .collect();
    let (mut found, mut regions): (Vec<(Stretch, Vec<u32>)>, Vec<Region>) = (vec![], vec![]);
    for ((&stretch, alike), verdict) in stretches.iter().zip(alike).zip(&mut verdicts) {
        let Some(alike) = alike else { continue };
        let region = lanes.region(program, fused, stretch, &alike);
        if region.is_woven() {
            (verdict.lanes, verdict.is_woven) = (0, true);
        } else {
            found.push((stretch, alike));
            regions.push(region);
        }
    }
    let mut number = 0;
    for of_one_sum in found.chunk_by(|a, b| a.0.sum == b.0.sum) {
        let sums: Vec<u32> = regions[number..][..of_one_sum.len()].iter().map(|region| region.sum).collect();
        lanes.take_out(fused, of_one_sum, &sums);
        for &sum in &sums {
            fused.code[sum as usize] = Code::Region(narrow(number));
            number += 1;
        }
    }
    for region in &mut regions {
        region.tail = tail(program, fused, region.sum);
    }
    (regions, verdicts)
}

/// What each lane owns.
struct Lanes<'o> {
    users: &'o [Users],
    /// The slots of each lane in order.
    slots: Vec<u32>,
    starts: Vec<u32>,
    /// The place of each slot in its lane.
    places: Vec<u32>,
}

/// What a lane reads: a number of its own, by place, or one from elsewhere, by slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Own(u32),
    Outer(u32),
}

impl<'o> Lanes<'o> {
    fn new(users: &'o [Users], count: u32) -> Self {
        let count = count as usize;
        let mut starts = vec![0_u32; count + 1];
        let owned = || (0..).zip(users).filter_map(|(slot, users)| Some((slot, users.owner()?)));
        owned().for_each(|(_, owner): (u32, _)| starts[owner as usize + 1] += 1);
        for lane in 0..count {
            starts[lane + 1] += starts[lane];
        }
        let mut next = starts.clone();
        let mut slots = vec![0; *starts.last().unwrap_or(&0) as usize];
        let mut places = vec![0; users.len()];
        for (slot, owner) in owned() {
            let at = &mut next[owner as usize];
            slots[*at as usize] = slot;
            places[slot as usize] = *at - starts[owner as usize];
            *at += 1;
        }
        Self { users, slots, starts, places }
    }

    /// The slots of a lane.
    fn of(&self, lane: u32) -> &[u32] {
        &self.slots[self.starts[lane as usize] as usize..self.starts[lane as usize + 1] as usize]
    }

    fn read(&self, lane: u32, slot: u32) -> Read {
        let own = self.users[slot as usize].owner() == Some(lane);
        if own { Read::Own(self.places[slot as usize]) } else { Read::Outer(slot) }
    }

    /// Calls `visit` with the slots that a lane reads, node after node, and last those that its terms read.
    fn reads(&self, lane: u32, stretch: Stretch, fused: &Fused, mut visit: impl FnMut(u32)) {
        for &slot in self.of(lane) {
            match fused.code[slot as usize] {
                Code::Linear(_) => fused.terms(slot as usize).iter().for_each(|&term| term.each_factor(&mut visit)),
                _ => fused.operands(slot as usize).iter().for_each(|&operand| visit(operand)),
            }
        }
        stretch.terms(lane, fused).iter().for_each(|&term| term.each_factor(&mut visit));
    }

    /// The lanes of a stretch that compute what the middle one does, if they are enough and compute something worth it.
    fn alike(&self, stretch: Stretch, fused: &Fused) -> Option<Vec<u32>> {
        let lanes = stretch.lanes();
        let model = lanes.start + (lanes.end - lanes.start) / 2;
        if lanes.len() * self.of(model).len() < WORTH_A_REGION {
            return None;
        }
        let mut model_reads = Vec::new();
        self.reads(model, stretch, fused, |slot| model_reads.push(self.read(model, slot)));
        let alike: Vec<u32> = lanes
            .filter(|&lane| {
                let same_node = |slot: u32, other: u32| {
                    let (slot, other) = (slot as usize, other as usize);
                    fused.code[slot] == fused.code[other]
                        && match fused.code[slot] {
                            Code::Linear(_) => same_signs(fused.terms(slot), fused.terms(other)),
                            _ => fused.operands(slot).len() == fused.operands(other).len(),
                        }
                };
                let (own, others) = (self.of(lane), self.of(model));
                if own.len() != others.len() || !own.iter().zip(others).all(|(&a, &b)| same_node(a, b)) {
                    return false;
                }
                if !same_signs(stretch.terms(lane, fused), stretch.terms(model, fused)) {
                    return false;
                }
                let (mut place, mut same) = (0, true);
                self.reads(lane, stretch, fused, |slot| {
                    same &= match (self.read(lane, slot), model_reads.get(place)) {
                        (Read::Own(own), Some(Read::Own(other))) => own == *other,
                        (Read::Outer(_), Some(Read::Outer(_))) => true,
                        _ => false,
                    };
                    place += 1;
                });
                same && place == model_reads.len()
            })
            .collect();
        (alike.len() >= FEWEST).then_some(alike)
    }

    /// The region of some lanes that are alike.
    fn region(&self, program: &Program, fused: &Fused, stretch: Stretch, alike: &[u32]) -> Region {
        let model = alike[0];
        let mut reads = Vec::new();
        self.reads(model, stretch, fused, |slot| reads.push(self.read(model, slot)));
        // The slot of each outer read, lane after lane.
        let outer: Vec<usize> = (0..reads.len()).filter(|&at| matches!(reads[at], Read::Outer(_))).collect();
        let mut table = vec![0_u32; outer.len() * alike.len()];
        for (lane, &number) in alike.iter().enumerate() {
            let (mut at, mut next) = (0, 0);
            self.reads(number, stretch, fused, |slot| {
                if outer.get(next) == Some(&at) {
                    table[next * alike.len() + lane] = slot;
                    next += 1;
                }
                at += 1;
            });
        }
        let constants = program.layout.inputs + program.layout.parameters;
        let constants = constants..constants + program.constants.len();
        let mut body = Body::default();
        let mut columns: Vec<Vec<u32>> = Vec::new();
        let (mut known, mut shared) = (FxHashMap::<&[u32], Ref>::default(), FxHashMap::<u32, u32>::default());
        let mut refs = vec![Ref::Own(0); reads.len()];
        for (next, &at) in outer.iter().enumerate() {
            let slots = &table[next * alike.len()..][..alike.len()];
            refs[at] = if slots.iter().all(|&slot| slot == slots[0]) {
                Ref::Shared(*shared.entry(slots[0]).or_insert_with(|| {
                    body.shared.push((slots[0], !constants.contains(&(slots[0] as usize))));
                    narrow(body.shared.len() - 1)
                }))
            } else {
                *known.entry(slots).or_insert_with(|| {
                    columns.push(slots.to_vec());
                    Ref::Own(narrow(columns.len() - 1))
                })
            };
        }
        let columns = in_order(columns, &mut refs);
        body.columns = columns.len();
        body.nodes = vec![BodyNode::Column; columns.len()];
        // Lists read rows alone, so that a copy of a shared number may stand before a node: nodes move up.
        let mut moved: FxHashMap<u32, u32> = FxHashMap::default();
        let mut at = 0;
        let mut take = |moved: &FxHashMap<u32, u32>| {
            at += 1;
            match reads[at - 1] {
                Read::Own(place) => Ref::Own(moved[&place]),
                Read::Outer(_) => refs[at - 1],
            }
        };
        let linear = |terms: &[Term], take: &mut dyn FnMut() -> Ref| {
            terms.iter().map(|term| (take(), term.factors().1.map(|_| take()), term.minus())).collect()
        };
        let zero = |code: Code| if let Code::Linear(zero) = code { zero } else { Zero::default() };
        for &slot in self.of(model) {
            let node = match fused.code[slot as usize] {
                Code::Map(op) => {
                    BodyNode::Map(fused.ops[op], fused.operands(slot as usize).iter().map(|_| take(&moved)).collect())
                }
                Code::List(op) => {
                    let operands: Vec<Ref> = fused.operands(slot as usize).iter().map(|_| take(&moved)).collect();
                    let rows = operands
                        .into_iter()
                        .map(|operand| match operand {
                            Ref::Own(_) => operand,
                            Ref::Shared(_) => {
                                body.nodes.push(BodyNode::copy(operand));
                                Ref::Own(narrow(body.nodes.len() - 1))
                            }
                        })
                        .collect();
                    BodyNode::List(fused.ops[op], rows)
                }
                code => BodyNode::Linear(zero(code), linear(fused.terms(slot as usize), &mut || take(&moved))),
            };
            moved.insert(self.places[slot as usize], narrow(body.nodes.len()));
            body.nodes.push(node);
        }
        let sum = BodyNode::Linear(
            zero(fused.code[stretch.sum as usize]),
            linear(stretch.terms(model, fused), &mut || take(&moved)),
        );
        body.nodes.push(sum);
        body.outputs.push(Ref::Own(narrow(body.nodes.len() - 1)));
        body.sort_shared();
        let computed = |&slot: &u32| fused.code[slot as usize] != Code::Leaf;
        let mut reads: Vec<u32> = columns
            .iter()
            .flatten()
            .chain(body.shared.iter().map(|(slot, _)| slot))
            .copied()
            .filter(computed)
            .collect();
        reads.sort_unstable();
        reads.dedup();
        // Everything that some lane reads stands before the last slot of them all.
        let sum = alike.iter().filter_map(|&lane| self.of(lane).last()).max();
        let sum = *sum.expect("a lane computes something");
        Region { body, columns, lanes: alike.len(), sum, reads, tail: None }
    }

    /// Puts the sums of regions in the place of their lanes, in the terms of the sum that they all belong to.
    fn take_out(&self, fused: &mut Fused, found: &[(Stretch, Vec<u32>)], sums: &[u32]) {
        let sum = found[0].0.sum as usize;
        let mut gone = vec![false; fused.terms(sum).len()];
        for (stretch, alike) in found {
            for &lane in alike {
                gone[stretch.start + (lane - stretch.lane) as usize * stretch.period..][..stretch.period].fill(true);
                self.of(lane).iter().for_each(|&slot| fused.code[slot as usize] = Code::Rolled);
            }
        }
        let rest = fused.terms(sum).iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(&term, _)| term);
        let terms: Vec<Term> = sums.iter().map(|&slot| Term::single(slot, false)).chain(rest).collect();
        fused.replace_terms(sum, &terms);
    }
}

fn same_signs(a: &[Term], b: &[Term]) -> bool {
    let sign = |term: &Term| (term.minus(), term.factors().1.is_some());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| sign(a) == sign(b))
}

/// The columns in the order of what the first lane reads, so that the numbers of a table stand side by side.
fn in_order(mut columns: Vec<Vec<u32>>, refs: &mut [Ref]) -> Vec<Vec<u32>> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_unstable_by(|&a, &b| columns[a].cmp(&columns[b]));
    let mut ranks = vec![0; order.len()];
    (0..).zip(&order).for_each(|(rank, &column)| ranks[column] = rank);
    for read in refs {
        if let Ref::Own(column) = read {
            *column = ranks.get(*column as usize).copied().unwrap_or(0);
        }
    }
    order.into_iter().map(|column| std::mem::take(&mut columns[column])).collect()
}

/// The adjoint of a slot as a linear form in the seeds, if what follows it is linear with constant factors.
fn tail(program: &Program, fused: &Fused, slot: u32) -> Option<Vec<(u32, f64)>> {
    let first_constant = program.layout.inputs + program.layout.parameters;
    let constant = |slot: u32| program.constants.get((slot as usize).checked_sub(first_constant)?).copied();
    let mut weights: FxHashMap<u32, f64> = FxHashMap::default();
    weights.insert(slot, 1.0);
    let mut outputs = Vec::new();
    let outgoing = |weights: &FxHashMap<u32, f64>, outputs: &mut Vec<(u32, f64)>, slot: u32| {
        for (output, _) in (0..).zip(&fused.outputs).filter(|(_, at)| **at == slot) {
            outputs.push((output, weights[&slot]));
        }
    };
    outgoing(&weights, &mut outputs, slot);
    for user in slot as usize + 1..fused.code.len() {
        let mut weight = 0.0;
        match fused.code[user] {
            Code::Leaf | Code::Rolled | Code::Region(_) => continue,
            Code::Map(_) | Code::List(_) => {
                if fused.operands(user).iter().any(|operand| weights.contains_key(operand)) {
                    return None;
                }
                continue;
            }
            Code::Linear(_) => {
                for term in fused.terms(user) {
                    let sign = if term.minus() { -1.0 } else { 1.0 };
                    weight += match term.factors() {
                        (a, None) => weights.get(&a).map_or(0.0, |weight| sign * weight),
                        (a, Some(b)) => match (weights.get(&a), weights.get(&b)) {
                            (None, None) => 0.0,
                            (Some(weight), None) => sign * weight * constant(b)?,
                            (None, Some(weight)) => sign * weight * constant(a)?,
                            (Some(_), Some(_)) => return None,
                        },
                    };
                }
            }
        }
        let user = narrow(user);
        if weight != 0.0 {
            weights.insert(user, weight);
            outgoing(&weights, &mut outputs, user);
        }
    }
    Some(outputs)
}
