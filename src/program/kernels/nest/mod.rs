//! Sums of products over nests of loops: X (+)= ± Σ Y · Z, each of the three going on by steps.
//!
//! One kernel is a dot, a matrix times a vector, its transpose, an outer product, a product of matrices and the sums of
//! their columns: which, is said by the steps alone. The adjoint of a nest is a nest with the roles exchanged.

mod along;
mod dots;
mod few;
mod matrix;
mod once;
mod panel;
mod rank_one;
mod run;
mod several;

use smallvec::SmallVec;

use super::Zero;
use super::isa::Isa;
use super::linear::Mode;
use along::{Along, Row};
use dots::Dots;
use few::Few;
use matrix::Matrix;
use once::Once;
use panel::Panel;
use rank_one::RankOne;
use run::{At, BROADCAST, SHARED, STILL, Task, VECTOR, Work};
use several::Several;

/// Where the numbers of a factor lie: at `first + Σ index · step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Walk {
    first: u32,
    steps: [i32; 4],
    /// The least and the greatest place that the loops reach.
    bounds: [u32; 2],
}

/// One loop: how often it runs, and the steps of X, Y and Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loop {
    /// How often.
    pub count: u32,
    /// The steps of X, Y and Z.
    pub steps: [i32; 3],
}

/// What lies along the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Neighbouring numbers of X.
    Along,
    /// Terms of one number of X.
    Dots,
    /// Neighbouring numbers of X, which get the same.
    Spread,
    /// Nothing: one term after the other.
    Plain,
}

/// A nest of loops that was planned: two outside, one of additions, one along the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nest {
    counts: [u32; 4],
    x: Walk,
    y: Walk,
    z: Walk,
    form: Form,
    kernel: By,
    /// Whether Y and Z have changed places, so that Y goes on by 1 along the registers, and rows share Z if they can.
    swapped: bool,
}

/// The kernel for a nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Plain,
    Once,
    RankOne,
    Few,
    Spread,
    Row,
    Along,
    Dots,
    Shared,
    Matrix,
    Several,
    Panel,
}

const OUTER: usize = 0;
const ROWS: usize = 1;
const REDUCE: usize = 2;
const ALONG: usize = 3;

impl Nest {
    /// Plans a nest of up to three loops; `firsts` are the first places of X, Y and Z.
    ///
    /// # Panics
    /// When there are more loops, or a place is not a 32-bit number.
    pub(crate) fn new(firsts: [u32; 3], loops: &[Loop]) -> Self {
        let mut loops: SmallVec<[Loop; 4]> = loops.iter().copied().filter(|l| l.count != 1).collect();
        merge(&mut loops);
        assert!(loops.len() <= 3, "a nest has up to three loops");
        let (form, along) = choose(&loops);
        let mut places = [Loop { count: 1, steps: [0; 3] }; 4];
        if let Some(along) = along {
            places[ALONG] = loops.remove(along);
        }
        // The longest sum is the innermost of the other loops.
        if let Some(reduce) = (0..loops.len()).filter(|&l| loops[l].steps[0] == 0).max_by_key(|&l| loops[l].count) {
            places[REDUCE] = loops.remove(reduce);
        }
        // Rows of dots that share a factor are multiplied with it together.
        let shares = |l: &Loop| form == Form::Dots && l.steps[1..].contains(&0);
        loops.sort_by_key(|l| (l.steps[0] != 0, shares(l), l.count));
        for (place, l) in [ROWS, OUTER].into_iter().zip(loops.into_iter().rev()) {
            places[place] = l;
        }
        let stands = |l: usize, factor: usize| places[l].steps[factor] == 0;
        let shared_by_rows = form == Form::Dots && stands(ROWS, 1) && !stands(ROWS, 2) && !stands(ALONG, 2);
        let swapped = stands(ALONG, 1) && !stands(ALONG, 2) || shared_by_rows && !stands(ALONG, 1);
        let walk = |factor: usize| {
            let steps = places.map(|l| l.steps[factor]);
            let (mut low, mut high) = (i64::from(firsts[factor]), i64::from(firsts[factor]));
            for l in &places {
                let reach = (i64::from(l.count) - 1) * i64::from(l.steps[factor]);
                low = low.saturating_add(reach.min(0));
                high = high.saturating_add(reach.max(0));
            }
            let narrow = |place: i64| u32::try_from(place).expect("a place is a 32-bit number");
            Walk { first: firsts[factor], steps, bounds: [narrow(low), narrow(high)] }
        };
        let (y, z) = if swapped { (2, 1) } else { (1, 2) };
        let counts = places.map(|l| l.count);
        let mut nest = Self { counts, x: walk(0), y: walk(y), z: walk(z), form, kernel: By::Plain, swapped };
        nest.kernel = nest.best();
        nest
    }
}

impl Nest {
    /// How many products there are.
    pub(crate) fn terms(&self) -> usize {
        self.counts.iter().map(|&count| count as usize).product()
    }

    /// The lowest and the highest place of the second and of the third factor.
    pub(crate) fn bounds(&self) -> [[u32; 2]; 2] {
        in_order(self.swapped, self.y.bounds, self.z.bounds)
    }

    /// The nest as a line of text, with names for X, Y and Z.
    pub(crate) fn text(&self, names: [&str; 3], sign: &str) -> String {
        let used: Vec<usize> = (0..4).filter(|&l| self.counts[l] != 1).collect();
        let factor = |name: &str, walk: &Walk| {
            let steps: Vec<String> = used.iter().map(|&l| format!(" {:+}", walk.steps[l])).collect();
            format!("{name}[{}{}]", walk.first, steps.concat())
        };
        let counts: Vec<String> = used.iter().map(|&l| self.counts[l].to_string()).collect();
        let (y, z) = if self.swapped { (names[2], names[1]) } else { (names[1], names[2]) };
        let (x, y, z) = (factor(names[0], &self.x), factor(y, &self.y), factor(z, &self.z));
        format!("for {}: {x} {sign} Σ {y} · {z} ({:?})", counts.join(" × "), self.form)
    }
}

/// A nest as rows of neighbours, each a sum of a few products.
#[derive(Debug)]
pub(crate) struct ShortRows {
    /// Whether each row comes to one number of X, instead of as many as it has.
    pub dots: bool,
    /// How many numbers a row has.
    pub count: u32,
    /// Whether the second and the third factor are one number for the whole row.
    pub stand: [bool; 2],
    /// Where each row begins, and the factors of its terms.
    pub rows: SmallVec<[(u32, Factors); 4]>,
}

/// The longest dot that needs no more than two chains of additions.
const LONGEST_DOT: u32 = 64;

/// Where the factors of some terms begin.
type Factors = SmallVec<[[u32; 2]; 2]>;

impl Nest {
    /// The nest as up to `most` rows of up to `most_terms` terms, if that is what it is.
    pub(crate) fn short_rows(&self, most: u32, most_terms: u32) -> Option<ShortRows> {
        let [outer, rows, terms, count] = self.counts;
        let few = u64::from(outer) * u64::from(rows) <= u64::from(most) && terms <= most_terms;
        let dots = matches!(self.kernel, By::Dots | By::Shared | By::Matrix);
        let along = match self.kernel {
            By::Once | By::Few | By::Spread => true,
            By::Dots | By::Shared | By::Matrix => terms == 1 && count <= LONGEST_DOT,
            By::Plain => count == 1,
            _ => false,
        };
        if !(few && along && self.writes_once()) {
            return None;
        }
        let at = |walk: &Walk, i: u32, row: u32, term: u32| {
            let by = |l: usize, n: u32| walk.steps[l].wrapping_mul(n.cast_signed());
            walk.first.wrapping_add_signed(by(OUTER, i).wrapping_add(by(ROWS, row)).wrapping_add(by(REDUCE, term)))
        };
        let swapped = self.swapped;
        let all = (0..outer).flat_map(|i| (0..rows).map(move |row| (i, row)));
        Some(ShortRows {
            dots,
            count,
            stand: in_order(swapped, self.y.steps[ALONG] == 0, self.z.steps[ALONG] == 0),
            rows: all
                .map(|(i, row)| {
                    let factors = |k| in_order(swapped, at(&self.y, i, row, k), at(&self.z, i, row, k));
                    (at(&self.x, i, row, 0), (0..terms).map(factors).collect())
                })
                .collect(),
        })
    }

    /// The kernel that is made for nests of this kind.
    fn best(&self) -> By {
        let one_row = self.counts[OUTER] == 1 && self.counts[ROWS] == 1;
        match self.form {
            Form::Spread if self.writes_once() => By::Spread,
            Form::Plain | Form::Spread => By::Plain,
            Form::Along if self.is_rank_one() => By::RankOne,
            Form::Along if self.has_few_terms() && self.counts[REDUCE] == 1 => By::Once,
            Form::Along if self.has_few_terms() => By::Few,
            Form::Along if one_row => By::Row,
            Form::Along if self.is_panel() => By::Panel,
            Form::Along => By::Along,
            Form::Dots if self.broadcasts() => By::Dots,
            Form::Dots if self.is_matrix() && self.is_several() => By::Several,
            Form::Dots if self.is_matrix() => By::Matrix,
            Form::Dots if self.z.steps[ROWS] == 0 => By::Shared,
            Form::Dots => By::Dots,
        }
    }

    /// Whether this is the outer product of the row Y and numbers of Z.
    fn is_rank_one(&self) -> bool {
        let one = self.counts[OUTER] == 1 && self.counts[REDUCE] == 1;
        one && self.counts[ROWS] >= 4 && self.broadcasts() && self.y.steps[ROWS] == 0 && self.x.steps[ROWS] != 0
    }

    /// Whether rows share Y, and each is multiplied with numbers of its own.
    fn is_panel(&self) -> bool {
        self.broadcasts() && self.counts[ROWS] > 1 && self.y.steps[ROWS] == 0 && self.writes_once()
    }

    /// Whether there are enough rows for their length that their sums need no chains of their own.
    fn is_matrix(&self) -> bool {
        let enough = self.counts[ROWS] >= 4 || self.counts[ROWS] > 1 && self.counts[ALONG] <= matrix::SHORT;
        self.counts[REDUCE] == 1 && enough && self.writes_once()
    }

    /// Whether a matrix is multiplied with enough vectors that it pays to turn its rows.
    fn is_several(&self) -> bool {
        let turned = self.counts[ROWS] as usize >= several::TURNED && self.counts[ALONG] as usize <= several::LONGEST;
        turned
            && self.counts[OUTER] >= 4
            && self.z.steps[ROWS] == 0
            && self.y.steps[OUTER] == 0
            && self.x.steps[ROWS] == 1
    }

    /// Whether Z is one number for all registers of a row.
    fn broadcasts(&self) -> bool {
        self.z.steps[ALONG] == 0
    }

    /// Whether sums have few terms, and rows share nothing that is worth keeping in registers.
    fn has_few_terms(&self) -> bool {
        let stands = |walk: &Walk, l: usize| self.counts[l] > 1 && walk.steps[l] == 0;
        let long = self.counts[ALONG] > 8;
        let outer_product = self.z.steps[ALONG] == 0 && self.counts[ROWS] >= 4 && stands(&self.y, ROWS) && long;
        self.counts[REDUCE] <= few::MOST && self.writes_once() && !outer_product
    }

    /// Whether no row of X is written twice.
    fn writes_once(&self) -> bool {
        [OUTER, ROWS].iter().all(|&l| self.counts[l] == 1 || self.x.steps[l] != 0)
    }
}

/// The second and the third factor, of which the one that goes along the registers is called Y.
fn in_order<T>(swapped: bool, y: T, z: T) -> [T; 2] {
    if swapped { [z, y] } else { [y, z] }
}

/// Makes one loop of two, where the outer goes on where the inner ends.
fn merge(loops: &mut SmallVec<[Loop; 4]>) {
    let mut again = true;
    while again {
        again = false;
        'pairs: for inner in 0..loops.len() {
            for outer in (0..loops.len()).filter(|&outer| outer != inner) {
                let (a, b) = (loops[inner], loops[outer]);
                let goes_on =
                    |factor: usize| i64::from(b.steps[factor]) == i64::from(a.steps[factor]) * i64::from(a.count);
                if let (true, Some(count)) = ((0..3).all(goes_on), a.count.checked_mul(b.count)) {
                    loops[inner].count = count;
                    loops.remove(outer);
                    again = true;
                    break 'pairs;
                }
            }
        }
    }
}

/// The form of a nest, and the loop along the registers.
fn choose(loops: &[Loop]) -> (Form, Option<usize>) {
    let vector = |l: &Loop| l.steps[1..].iter().all(|&s| s == 0 || s == 1) && l.steps[1..] != [0, 0];
    let best = |x_step: i32| {
        (0..loops.len()).filter(|&l| loops[l].steps[0] == x_step && vector(&loops[l])).max_by_key(|&l| loops[l].count)
    };
    let count = |l: Option<usize>| l.map_or(0, |l| loops[l].count);
    let (along, dots) = (best(1), best(0));
    match (count(along), count(dots)) {
        (0..3, 0..3) => {
            let spread = (0..loops.len()).filter(|&l| loops[l].steps == [1, 0, 0]).max_by_key(|&l| loops[l].count);
            match spread.filter(|&l| loops[l].count >= 3) {
                Some(l) => (Form::Spread, Some(l)),
                None => (Form::Plain, (0..loops.len()).max_by_key(|&l| loops[l].count)),
            }
        }
        (a, d) if a >= 8 || a >= d => (Form::Along, along),
        _ => (Form::Dots, dots),
    }
}

/// Numbers to read, of which the first has a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// The numbers.
    pub numbers: &'a [f64],
    /// The place of the first one.
    pub first: u32,
}

/// Numbers to write, and how.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// The numbers.
    pub numbers: &'a mut [f64],
    /// The place of the first one.
    pub first: u32,
    /// Whether the sums are stored or added.
    pub mode: Mode,
    /// Whether they are subtracted.
    pub minus: bool,
}

/// Runs a nest.
///
/// # Panics
/// When the nest leaves the numbers.
pub(crate) fn contract(isa: Isa, nest: &Nest, target: &mut Target<'_>, y: Source<'_>, z: Source<'_>, zero: Zero) {
    let (y, z) = if nest.swapped { (z, y) } else { (y, z) };
    let start = |walk: &Walk, first: u32, len: usize| {
        let inside = walk.bounds[0] >= first && ((walk.bounds[1] - first) as usize) < len;
        assert!(inside, "a nest from {} to {} leaves {len} numbers from {first}", walk.bounds[0], walk.bounds[1]);
        (walk.first - first) as usize
    };
    let x_start = start(&nest.x, target.first, target.numbers.len());
    let y_start = start(&nest.y, y.first, y.numbers.len());
    let z_start = start(&nest.z, z.first, z.numbers.len());
    let at = At {
        x: target.numbers.as_mut_ptr().wrapping_add(x_start),
        y: y.numbers.as_ptr().wrapping_add(y_start),
        z: z.numbers.as_ptr().wrapping_add(z_start),
    };
    let task = &Task { nest, at, mode: target.mode, minus: target.minus, zero };
    let adds = target.mode == Mode::Add;
    let isa = isa.for_rows_of(nest.counts[ALONG] as usize);
    match (nest.kernel, nest.broadcasts(), zero == Zero::Absorbs) {
        (By::Plain, ..) => Work::new(task).plainly(),
        (By::Once, false, absorbs) => once::<VECTOR>(isa, task, absorbs, adds),
        (By::Once, true, absorbs) => once::<BROADCAST>(isa, task, absorbs, adds),
        (By::RankOne, _, absorbs) => {
            let done = if adds { isa.run(RankOne::<true>(task)) } else { isa.run(RankOne::<false>(task)) };
            if !done {
                once::<BROADCAST>(isa, task, absorbs, adds);
            }
        }
        (By::Few, false, false) => isa.run(Few::<VECTOR, false>(task)),
        (By::Few, false, true) => isa.run(Few::<VECTOR, true>(task)),
        (By::Few, true, false) => isa.run(Few::<BROADCAST, false>(task)),
        (By::Few, true, true) => isa.run(Few::<BROADCAST, true>(task)),
        (By::Spread, _, false) => isa.run(Few::<STILL, false>(task)),
        (By::Spread, _, true) => isa.run(Few::<STILL, true>(task)),
        (By::Row, true, _) => isa.run(Row::<BROADCAST>::new(task)),
        (By::Row, false, _) => isa.run(Row::<VECTOR>::new(task)),
        (By::Along, true, _) => isa.run(Along::<BROADCAST>(task)),
        (By::Along, false, _) => isa.run(Along::<VECTOR>(task)),
        (By::Dots, true, _) => isa.run(Dots::<BROADCAST>(task)),
        (By::Dots, false, _) => isa.run(Dots::<VECTOR>(task)),
        (By::Panel, ..) => isa.run(Panel(task)),
        (By::Matrix, ..) if nest.z.steps[ROWS] == 0 => isa.run(Matrix::<true>(task)),
        (By::Matrix, ..) => isa.run(Matrix::<false>(task)),
        (By::Several, ..) => isa.run(Several(task)),
        (By::Shared, ..) => isa.run(Dots::<SHARED>(task)),
    }
}

fn once<const Z: u8>(isa: Isa, task: &Task<'_>, absorbs: bool, adds: bool) {
    match (absorbs, adds) {
        (false, false) => isa.run(Once::<Z, false, false>(task)),
        (false, true) => isa.run(Once::<Z, false, true>(task)),
        (true, false) => isa.run(Once::<Z, true, false>(task)),
        (true, true) => isa.run(Once::<Z, true, true>(task)),
    }
}
