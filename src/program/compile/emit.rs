//! Emit: a body as steps over rows, equal operations on neighbouring rows as one.

use smallvec::SmallVec;

use super::super::kernels::Zero;
use super::super::kernels::linear::Matrix;
use super::super::lanes::{Dense, LaneCode, List, Map, Operand, Step, Sum};
use super::body::{Body, BodyNode, Ref};
use super::schedule::Schedule;

/// The terms of one row, sorted by what they are made of: added, subtracted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) scaled: [Vec<(u32, u32)>; 2],
    pub(super) rows: [Vec<u32>; 2],
    pub(super) products: [Vec<(u32, u32)>; 2],
    pub(super) shared: [Vec<u32>; 2],
    pub(super) shared_products: [Vec<(u32, u32)>; 2],
}

impl Parts {
    pub(super) fn of(terms: &[(Ref, Option<Ref>, bool)], rows: &[u32]) -> Self {
        let mut parts = Self::default();
        for &(a, b, minus) in terms {
            let sign = usize::from(minus);
            match (a, b) {
                (Ref::Own(a), None) => parts.rows[sign].push(rows[a as usize]),
                (Ref::Shared(u), None) => parts.shared[sign].push(u),
                (Ref::Own(a), Some(Ref::Shared(u))) | (Ref::Shared(u), Some(Ref::Own(a))) => {
                    parts.scaled[sign].push((u, rows[a as usize]));
                }
                (Ref::Own(a), Some(Ref::Own(b))) => parts.products[sign].push((rows[a as usize], rows[b as usize])),
                (Ref::Shared(u), Some(Ref::Shared(v))) => parts.shared_products[sign].push((u, v)),
            }
        }
        parts
    }

    pub(super) fn store(&self, zero: Zero, code: &mut LaneCode) -> Sum {
        Sum {
            zero,
            scaled: self.scaled.each_ref().map(|pairs| code.push_pairs(pairs)),
            rows: self.rows.each_ref().map(|rows| code.push_singles(rows)),
            products: self.products.each_ref().map(|pairs| code.push_pairs(pairs)),
            shared: self.shared.each_ref().map(|shared| code.push_singles(shared)),
            shared_products: self.shared_products.each_ref().map(|pairs| code.push_pairs(pairs)),
        }
    }

    /// Whether nothing but scaled rows, and a shared number at most, is added.
    fn is_dense(&self) -> bool {
        self.scaled[0].len() >= 2
            && self.scaled[1].is_empty()
            && self.shared[0].len() <= 1
            && self.shared[1].is_empty()
            && [&self.rows[0], &self.rows[1]].iter().all(|rows| rows.is_empty())
            && [&self.products, &self.shared_products].iter().all(|pairs| pairs.iter().all(Vec::is_empty))
    }
}

/// The step of an arithmetic progression, 0 for one number.
pub(super) fn step(numbers: impl Iterator<Item = u32> + Clone) -> Option<i32> {
    let mut differences = numbers.clone().zip(numbers.skip(1)).map(|(a, b)| i64::from(b).wrapping_sub(i64::from(a)));
    let Some(first) = differences.next() else { return Some(0) };
    if differences.all(|difference| difference == first) { i32::try_from(first).ok() } else { None }
}

/// A matrix over lists of pairs (shared, row), if all lists are the same rows and everything goes on by steps.
///
/// The out rows are left at 0 and 1.
pub(super) fn matrix(lists: &[&[(u32, u32)]]) -> Option<Matrix> {
    let first = *lists.first()?;
    let across = step(first.iter().map(|pair| pair.0))?;
    let y_step = step(first.iter().map(|pair| pair.1))?;
    let down = step(lists.iter().map(|list| list[0].0))?;
    let regular = lists.iter().all(|list| {
        list.len() == first.len()
            && list.iter().zip(first).all(|(a, b)| a.1 == b.1)
            && list.iter().zip(first).all(|(a, b)| a.0.wrapping_sub(list[0].0) == b.0.wrapping_sub(first[0].0))
    });
    let narrow = |len: usize| u32::try_from(len).ok();
    regular.then_some(Matrix {
        shape: [narrow(lists.len())?, narrow(first.len())?],
        uniform: first[0].0,
        uniform_steps: [down, across],
        y: first[0].1,
        y_step,
        out: 0,
        out_step: 1,
    })
}

/// How many lists from the first on are a matrix.
pub(super) fn matrix_prefix(lists: &[&[(u32, u32)]]) -> usize {
    let Some(&first) = lists.first() else { return 0 };
    if first.is_empty() {
        return 0;
    }
    let same_rows =
        |list: &&&[(u32, u32)]| list.len() == first.len() && list.iter().zip(first).all(|(a, b)| a.1 == b.1);
    let count = lists.iter().take_while(same_rows).count();
    let mut low = count;
    while low > 1 && matrix(&lists[..low]).is_none() {
        // The shared numbers of a layer stop going on by steps where the next one begins.
        low = if matrix(&lists[..2]).is_none() { 1 } else { longest_progression(&lists[..low]) };
    }
    if low == 1 && matrix(&lists[..1]).is_none() { 0 } else { low }
}

fn longest_progression(lists: &[&[(u32, u32)]]) -> usize {
    let difference = |a: &[(u32, u32)], b: &[(u32, u32)]| {
        let first = b[0].0.wrapping_sub(a[0].0);
        a.iter().zip(b).all(|(a, b)| b.0.wrapping_sub(a.0) == first).then_some(first)
    };
    let first = difference(lists[0], lists[1]);
    1 + lists.windows(2).take_while(|pair| difference(pair[0], pair[1]) == first && first.is_some()).count()
}

/// Emits the forward steps of a body: level by level if that makes matrices, else as it was recorded.
pub(super) fn forward(body: &Body) -> (Schedule, LaneCode) {
    if body.nodes.iter().any(may_be_dense) {
        let by_level = Schedule::by_level(body);
        let code = in_order(body, &by_level);
        if code.forward.iter().any(|step| matches!(step, Step::Dense(_))) {
            return (by_level, code);
        }
    }
    let as_recorded = Schedule::as_recorded(body);
    let code = in_order(body, &as_recorded);
    (as_recorded, code)
}

/// Whether a node scales rows by shared numbers, as those of a dense layer do.
fn may_be_dense(node: &BodyNode) -> bool {
    let is_shared = |factor: Ref| matches!(factor, Ref::Shared(_));
    let scales = |&(a, b, _): &(Ref, Option<Ref>, bool)| b.is_some_and(|b| is_shared(a) != is_shared(b));
    matches!(node, BodyNode::Linear(_, terms) if terms.iter().filter(|&term| scales(term)).count() >= 2)
}

/// Emits the forward steps of a body in a given order.
fn in_order(body: &Body, schedule: &Schedule) -> LaneCode {
    let narrow = |len: usize| u32::try_from(len).expect("fewer than 2³² nodes");
    let mut code = LaneCode { rows: narrow(body.nodes.len()), columns: narrow(body.columns), ..LaneCode::default() };
    code.outputs = body.outputs.iter().map(|&output| operand(output, &schedule.rows)).collect();
    let mut row = body.columns;
    while row < schedule.order.len() {
        let node = |row: usize| &body.nodes[schedule.order[row] as usize];
        let together = (row..schedule.order.len())
            .take_while(|&next| schedule.levels[next] == schedule.levels[row])
            .take_while(|&next| std::mem::discriminant(node(next)) == std::mem::discriminant(node(row)));
        row += match node(row) {
            BodyNode::Column => 1,
            &BodyNode::Linear(zero, _) => {
                let parts: Vec<Parts> = together
                    .map_while(|next| match node(next) {
                        BodyNode::Linear(own, terms) if *own == zero => Some(Parts::of(terms, &schedule.rows)),
                        _ => None,
                    })
                    .collect();
                sums(&parts, zero, narrow(row), &mut code);
                parts.len()
            }
            BodyNode::Map(..) => {
                let first = map_of(node(row), row, &schedule.rows);
                let mut map = first.expect("a map");
                for next in together.skip(1) {
                    match map_of(node(next), next, &schedule.rows) {
                        Some(other) if continues(&map, &other) => map.count += 1,
                        _ => break,
                    }
                }
                let count = map.count as usize;
                code.forward.push(Step::Map(map));
                count
            }
            BodyNode::List(op, operands) => {
                let rows: Vec<u32> = operands
                    .iter()
                    .filter_map(|&operand| match operand {
                        Ref::Own(node) => Some(schedule.rows[node as usize]),
                        Ref::Shared(_) => None,
                    })
                    .collect();
                let rows = code.push_singles(&rows);
                let list = List { op: *op, out: narrow(row), rows, kept: code.kept };
                code.kept += list.keeps();
                code.forward.push(Step::List(list));
                1
            }
        };
    }
    code
}

/// Emits neighbouring sums, those that are dense layers as such.
fn sums(parts: &[Parts], zero: Zero, first: u32, code: &mut LaneCode) {
    let mut done = 0;
    while done < parts.len() {
        let rest = &parts[done..];
        let lists: Vec<&[(u32, u32)]> =
            rest.iter().take_while(|parts| parts.is_dense()).map(|parts| parts.scaled[0].as_slice()).collect();
        let with_bias = !rest[0].shared[0].is_empty();
        let alike = rest.iter().take(lists.len()).take_while(|p| p.shared[0].is_empty() != with_bias).count();
        let mut count = matrix_prefix(&lists[..alike]);
        let bias_step = |count: usize| step(rest[..count].iter().filter_map(|parts| parts.shared[0].first().copied()));
        while count > 1 && bias_step(count).is_none() {
            count /= 2;
        }
        let out = first + u32::try_from(done).expect("a row");
        if count >= 2 {
            let matrix = matrix(&lists[..count]).expect("a prefix of a matrix is one");
            let bias = rest[0].shared[0].first().map(|&u| (u, bias_step(count).unwrap_or(0)));
            code.forward.push(Step::Dense(Dense { out, matrix, bias, zero }));
            done += count;
        } else {
            let sum = rest[0].store(zero, code);
            code.forward.push(Step::Sum { out, sum });
            done += 1;
        }
    }
}

fn operand(operand: Ref, rows: &[u32]) -> Operand {
    match operand {
        Ref::Own(node) => Operand::Rows(rows[node as usize]),
        Ref::Shared(place) => Operand::Shared(place),
    }
}

fn map_of(node: &BodyNode, row: usize, rows: &[u32]) -> Option<Map> {
    let BodyNode::Map(op, operands) = node else { return None };
    let operands: SmallVec<[Operand; 3]> = operands.iter().map(|&own| operand(own, rows)).collect();
    Some(Map { op: *op, out: u32::try_from(row).ok()?, count: 1, operands })
}

/// Whether a map on one more row goes on where another ends.
fn continues(map: &Map, next: &Map) -> bool {
    map.op == next.op
        && map.operands.iter().zip(&next.operands).all(|(&own, &next)| match (own, next) {
            (Operand::Rows(first), Operand::Rows(next)) => first + map.count == next,
            (Operand::Shared(own), Operand::Shared(next)) => own == next,
            _ => false,
        })
}
