//! Sums of products over nests of loops: X (+)= ± Σ Y · Z, each of the three going on by steps.
//!
//! One kernel is a dot, a matrix times a vector, its transpose, an outer product, a product of matrices and the sums of
//! their columns: which, is said by the steps alone. The adjoint of a nest is a nest with the roles exchanged.

use smallvec::SmallVec;

use super::Zero;
use super::isa::{Isa, Kernel};
use super::linear::{Mode, has_nan};
use super::vector::Simd;

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
    /// Whether Y and Z have changed places, so that Y goes on by 1 along the registers.
    swapped: bool,
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
        let swapped = places[ALONG].steps[1] == 0 && places[ALONG].steps[2] != 0;
        // The longest sum is the innermost of the other loops.
        if let Some(reduce) = (0..loops.len()).filter(|&l| loops[l].steps[0] == 0).max_by_key(|&l| loops[l].count) {
            places[REDUCE] = loops.remove(reduce);
        }
        loops.sort_by_key(|l| (l.steps[0] != 0, l.count));
        for (place, l) in [ROWS, OUTER].into_iter().zip(loops.into_iter().rev()) {
            places[place] = l;
        }
        let walk = |factor: usize| {
            let steps = places.map(|l| l.steps[factor]);
            let (mut low, mut high) = (i128::from(firsts[factor]), i128::from(firsts[factor]));
            for l in &places {
                let reach = (i128::from(l.count) - 1) * i128::from(l.steps[factor]);
                low += reach.min(0);
                high += reach.max(0);
            }
            let narrow = |place: i128| u32::try_from(place).expect("a place is a 32-bit number");
            Walk { first: firsts[factor], steps, bounds: [narrow(low), narrow(high)] }
        };
        let (y, z) = if swapped { (2, 1) } else { (1, 2) };
        Self { counts: places.map(|l| l.count), x: walk(0), y: walk(y), z: walk(z), form, swapped }
    }
}

impl Nest {
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
        (0..3, 0..3) => (Form::Plain, (0..loops.len()).max_by_key(|&l| loops[l].count)),
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
    let task = Task { nest, at, mode: target.mode, minus: target.minus, zero };
    let (broadcast, one_row) = (nest.z.steps[ALONG] == 0, nest.counts[OUTER] == 1 && nest.counts[ROWS] == 1);
    match nest.form {
        Form::Plain => Work::new(task).plainly(),
        Form::Along if one_row && broadcast => isa.run(Row::<BROADCAST>::new(task)),
        Form::Along if one_row => isa.run(Row::<VECTOR>::new(task)),
        Form::Along if broadcast => isa.run(Along::<BROADCAST>(task)),
        Form::Along => isa.run(Along::<VECTOR>(task)),
        Form::Dots if broadcast => isa.run(Dots::<BROADCAST>(task)),
        Form::Dots if nest.z.steps[ROWS] == 0 => isa.run(Dots::<SHARED>(task)),
        Form::Dots => isa.run(Dots::<VECTOR>(task)),
    }
}

/// Places of the three factors in memory.
#[derive(Clone, Copy)]
struct At {
    x: *mut f64,
    y: *const f64,
    z: *const f64,
}

/// The steps of a loop for the three factors.
#[derive(Clone, Copy)]
struct Stride {
    x: isize,
    y: isize,
    z: isize,
}

impl At {
    /// The place after some rounds of a loop.
    #[inline(always)]
    fn after(self, stride: Stride, rounds: usize) -> Self {
        let rounds = rounds.cast_signed();
        Self {
            x: self.x.wrapping_offset(stride.x * rounds),
            y: self.y.wrapping_offset(stride.y * rounds),
            z: self.z.wrapping_offset(stride.z * rounds),
        }
    }
}

/// What [`contract`] works on; its walks have been checked.
#[derive(Clone, Copy)]
struct Task<'a> {
    nest: &'a Nest,
    at: At,
    mode: Mode,
    minus: bool,
    zero: Zero,
}

/// The same unpacked.
///
/// Everything is held by value: what is read through a reference would be read again after every write.
#[derive(Clone, Copy)]
struct Work {
    at: At,
    counts: [usize; 4],
    outer: Stride,
    rows: Stride,
    reduce: Stride,
    along: Stride,
    mode: Mode,
    minus: bool,
    zero: Zero,
}

/// Z goes along the registers.
const VECTOR: u8 = 0;
/// Z is one number for all of them.
const BROADCAST: u8 = 1;
/// Z goes along them, and all rows share it.
const SHARED: u8 = 2;

impl Work {
    #[inline(always)]
    fn new(task: Task<'_>) -> Self {
        let Task { nest, at, mode, minus, zero } = task;
        let stride =
            |l: usize| Stride { x: nest.x.steps[l] as isize, y: nest.y.steps[l] as isize, z: nest.z.steps[l] as isize };
        Self {
            at,
            counts: nest.counts.map(|count| count as usize),
            outer: stride(OUTER),
            rows: stride(ROWS),
            reduce: stride(REDUCE),
            along: stride(ALONG),
            mode,
            minus,
            zero,
        }
    }

    /// Calls `visit` with every round of the two outer loops, and how it writes: rounds of X that stand still add up.
    #[inline(always)]
    fn each_row(&self, mut visit: impl FnMut(At, Mode)) {
        let (outer, rows) = (self.outer, self.rows);
        for i in 0..self.counts[OUTER] {
            let mut at = self.at.after(outer, i);
            let mut mode = if i > 0 && outer.x == 0 { Mode::Add } else { self.mode };
            for _ in 0..self.counts[ROWS] {
                visit(at, mode);
                at = at.after(rows, 1);
                if rows.x == 0 {
                    mode = Mode::Add;
                }
            }
        }
    }

    /// Every term one after the other.
    fn plainly(&self) {
        self.each_row(|at, mode| self.one_by_one(at, 0, self.counts[ALONG], mode));
    }

    /// `len` rounds along the registers, one term after the other; a zero absorbs where it is to.
    #[inline(never)]
    fn one_by_one(&self, at: At, done: usize, len: usize, mode: Mode) {
        let (along, reduce) = (self.along, self.reduce);
        let mut sum = -0.0;
        let mut at = at.after(along, done);
        for _ in 0..len {
            let mut term = at;
            for _ in 0..self.counts[REDUCE] {
                // SAFETY: the walks were checked, and these numbers lie on them.
                let (y, z) = unsafe { (term.y.read(), term.z.read()) };
                let absorbed = self.zero == Zero::Absorbs && (y == 0.0 || z == 0.0);
                sum += if absorbed { 0.0 } else { y * z };
                term = term.after(reduce, 1);
            }
            if along.x != 0 {
                // SAFETY: as above.
                unsafe { self.write(at.x, sum, mode) };
                sum = -0.0;
            }
            at = at.after(along, 1);
        }
        if along.x == 0 {
            // SAFETY: as above.
            unsafe { self.write(at.x, sum, mode) };
        }
    }

    /// Writes a sum.
    ///
    /// # Safety
    /// `x` is a number of the target.
    #[inline(always)]
    unsafe fn write(&self, x: *mut f64, sum: f64, mode: Mode) {
        let sum = if self.minus { -sum } else { sum };
        // SAFETY: as the caller promises.
        unsafe { *x = if mode == Mode::Add { *x + sum } else { sum } };
    }
}

/// The kernel of rows of neighbouring numbers of X.
struct Along<'a, const Z: u8>(Task<'a>);

impl<const Z: u8> Kernel for Along<'_, Z> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let nest = self.0.nest;
        let stride =
            |l: usize| Stride { x: nest.x.steps[l] as isize, y: nest.y.steps[l] as isize, z: nest.z.steps[l] as isize };
        let (outer, rows) = (stride(OUTER), stride(ROWS));
        let (outer_count, row_count) = (nest.counts[OUTER], nest.counts[ROWS]);
        let mut first = Row::<Z>::new(self.0);
        for _ in 0..outer_count {
            let mut row = first;
            for _ in 0..row_count {
                row.run(simd);
                row.at = row.at.after(rows, 1);
                if rows.x == 0 {
                    row.mode = Mode::Add;
                }
            }
            first.at = first.at.after(outer, 1);
            if outer.x == 0 {
                first.mode = Mode::Add;
            }
        }
    }
}

/// The kernel of one row.
#[derive(Clone, Copy)]
struct Row<const Z: u8> {
    at: At,
    count: usize,
    terms: usize,
    y_step: isize,
    z_step: isize,
    mode: Mode,
    minus: bool,
    zero: Zero,
}

impl<const Z: u8> Kernel for Row<Z> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut done = 0;
        while self.count - done >= 8 * S::WIDTH {
            self.block::<S, 8>(simd, done);
            done += 8 * S::WIDTH;
        }
        while self.count - done >= 2 * S::WIDTH {
            self.block::<S, 2>(simd, done);
            done += 2 * S::WIDTH;
        }
        if self.count - done >= S::WIDTH {
            self.block::<S, 1>(simd, done);
            done += S::WIDTH;
        }
        if done < self.count {
            self.some::<S>(simd, done, self.count - done);
        }
    }
}

impl<const Z: u8> Row<Z> {
    #[inline(always)]
    fn new(Task { nest, at, mode, minus, zero }: Task<'_>) -> Self {
        Self {
            at,
            count: nest.counts[ALONG] as usize,
            terms: nest.counts[REDUCE] as usize,
            y_step: nest.y.steps[REDUCE] as isize,
            z_step: nest.z.steps[REDUCE] as isize,
            mode,
            minus,
            zero,
        }
    }

    /// Where Y and Z begin for the registers from `done` on.
    #[inline(always)]
    fn factors(&self, done: usize) -> (*const f64, *const f64) {
        (self.at.y.wrapping_add(done), if Z == BROADCAST { self.at.z } else { self.at.z.wrapping_add(done) })
    }

    /// `N` whole registers of X.
    #[inline(always)]
    fn block<S: Simd, const N: usize>(&self, simd: S, done: usize) {
        let mut sums = [simd.splat(-0.0); N];
        let (mut y, mut z) = self.factors(done);
        for _ in 0..self.terms {
            // SAFETY: the walks were checked, and these registers lie on them.
            unsafe {
                let one = if Z == BROADCAST { simd.splat(z.read()) } else { simd.splat(0.0) };
                for v in 0..N {
                    let z = if Z == BROADCAST { one } else { simd.load(z.add(v * S::WIDTH)) };
                    sums[v] = simd.mul_add(simd.load(y.add(v * S::WIDTH)), z, sums[v]);
                }
            }
            (y, z) = (y.wrapping_offset(self.y_step), z.wrapping_offset(self.z_step));
        }
        if self.zero == Zero::Absorbs && has_nan(simd, &sums) {
            return self.one_by_one(done, N * S::WIDTH);
        }
        for v in 0..N {
            let x = self.at.x.wrapping_add(done + v * S::WIDTH);
            // SAFETY: as above.
            unsafe {
                let before = if self.mode == Mode::Add { simd.load(x) } else { simd.splat(-0.0) };
                simd.store(self.total(simd, before, sums[v]), x);
            }
        }
    }

    /// Up to one register of X.
    #[inline(always)]
    fn some<S: Simd>(&self, simd: S, done: usize, len: usize) {
        let mut sum = [simd.splat(-0.0)];
        let (mut y, mut z) = self.factors(done);
        for _ in 0..self.terms {
            // SAFETY: the walks were checked, and these numbers lie on them.
            unsafe {
                let z = if Z == BROADCAST { simd.splat(z.read()) } else { simd.load_some(z, len) };
                sum[0] = simd.mul_add(simd.load_some(y, len), z, sum[0]);
            }
            (y, z) = (y.wrapping_offset(self.y_step), z.wrapping_offset(self.z_step));
        }
        if self.zero == Zero::Absorbs && has_nan(simd, &sum) {
            return self.one_by_one(done, len);
        }
        // SAFETY: as above.
        unsafe {
            let x = self.at.x.wrapping_add(done);
            let before = if self.mode == Mode::Add { simd.load_some(x, len) } else { simd.splat(-0.0) };
            simd.store_some(self.total(simd, before, sum[0]), x, len);
        }
    }

    /// What is written where `before` stood, or −0 if that is forgotten.
    #[inline(always)]
    fn total<S: Simd>(&self, simd: S, before: S::Vector, sum: S::Vector) -> S::Vector {
        if self.minus { simd.sub(before, sum) } else { simd.add(before, sum) }
    }

    /// Some numbers, one term after the other, in which a zero absorbs.
    #[cold]
    #[inline(never)]
    fn one_by_one(self, done: usize, len: usize) {
        let along = Stride { x: 1, y: 1, z: isize::from(Z != BROADCAST) };
        let work = Work {
            at: self.at,
            counts: [1, 1, self.terms, len],
            outer: along,
            rows: along,
            reduce: Stride { x: 0, y: self.y_step, z: self.z_step },
            along,
            mode: self.mode,
            minus: self.minus,
            zero: self.zero,
        };
        work.one_by_one(self.at, done, len, self.mode);
    }
}

/// The kernel of terms of one number of X.
struct Dots<'a, const Z: u8>(Task<'a>);

/// The same unpacked.
struct DotRows<const Z: u8>(Work);

impl<const Z: u8> Kernel for Dots<'_, Z> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        DotRows::<Z>(Work::new(self.0)).run(simd);
    }
}

impl<const Z: u8> DotRows<Z> {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S) {
        let (outer, rows) = (self.0.outer, self.0.counts[ROWS]);
        let stride = self.0.rows;
        for i in 0..self.0.counts[OUTER] {
            let first = self.0.at.after(outer, i);
            let mode = if i > 0 && outer.x == 0 { Mode::Add } else { self.0.mode };
            let mut row = 0;
            while rows - row > 2 {
                let count = (rows - row).min(8);
                let at = first.after(stride, row);
                let sums =
                    if count == 8 { self.dots::<S, true>(simd, at, 8) } else { self.dots::<S, false>(simd, at, count) };
                for (r, &sum) in sums[..count].iter().enumerate() {
                    self.finish(at.after(stride, r), sum, if row + r > 0 && stride.x == 0 { Mode::Add } else { mode });
                }
                row += count;
            }
            while row < rows {
                let at = first.after(stride, row);
                self.finish(at, self.one_dot(simd, at), if row > 0 && stride.x == 0 { Mode::Add } else { mode });
                row += 1;
            }
        }
    }
}

impl<const Z: u8> DotRows<Z> {
    #[inline(always)]
    fn finish(&self, at: At, sum: f64, mode: Mode) {
        if self.0.zero == Zero::Absorbs && sum.is_nan() {
            self.0.one_by_one(at, 0, self.0.counts[ALONG], mode);
        } else {
            // SAFETY: the walk was checked, and this number lies on it.
            unsafe { self.0.write(at.x, sum, mode) };
        }
    }

    /// Up to eight dots; the last stands for those beyond `count`.
    #[inline(always)]
    fn dots<S: Simd, const ALL: bool>(&self, simd: S, at: At, count: usize) -> [f64; 8] {
        let len = self.0.counts[ALONG];
        let (rows, reduce) = (self.0.rows, self.0.reduce);
        let mut sums = [simd.splat(-0.0); 8];
        for k in 0..self.0.counts[REDUCE] {
            let first = at.after(reduce, k);
            let mut row = [first; 8];
            for j in 1..8 {
                row[j] = first.after(rows, if ALL { j } else { j.min(count - 1) });
            }
            let mut done = 0;
            while len - done >= S::WIDTH {
                // SAFETY: the walks were checked, and these registers lie on them.
                unsafe {
                    let shared = if Z == SHARED { simd.load(first.z.add(done)) } else { simd.splat(0.0) };
                    for j in 0..8 {
                        let z = match Z {
                            SHARED => shared,
                            BROADCAST => simd.splat(row[j].z.read()),
                            _ => simd.load(row[j].z.add(done)),
                        };
                        sums[j] = simd.mul_add(simd.load(row[j].y.add(done)), z, sums[j]);
                    }
                }
                done += S::WIDTH;
            }
            if done < len {
                let some = len - done;
                // SAFETY: as above.
                unsafe {
                    let shared = if Z == SHARED { simd.load_some(first.z.add(done), some) } else { simd.splat(0.0) };
                    for j in 0..8 {
                        let z = match Z {
                            SHARED => shared,
                            BROADCAST => simd.splat(row[j].z.read()),
                            _ => simd.load_some(row[j].z.add(done), some),
                        };
                        sums[j] = simd.mul_add(simd.load_some(row[j].y.add(done), some), z, sums[j]);
                    }
                }
            }
        }
        simd.sums(sums)
    }

    /// One dot, in eight chains.
    #[inline(always)]
    fn one_dot<S: Simd>(&self, simd: S, at: At) -> f64 {
        let (len, reduce) = (self.0.counts[ALONG], self.0.reduce);
        let mut sums = [simd.splat(-0.0); 8];
        for k in 0..self.0.counts[REDUCE] {
            let at = at.after(reduce, k);
            let z_of = |done: usize, some: usize| {
                // SAFETY: the walks were checked, and these numbers lie on them.
                unsafe { if Z == BROADCAST { simd.splat(at.z.read()) } else { simd.load_some(at.z.add(done), some) } }
            };
            let mut done = 0;
            while len - done >= 8 * S::WIDTH {
                for (v, sum) in sums.iter_mut().enumerate() {
                    let place = done + v * S::WIDTH;
                    // SAFETY: as above.
                    let y = unsafe { simd.load(at.y.add(place)) };
                    *sum = simd.mul_add(y, z_of(place, S::WIDTH), *sum);
                }
                done += 8 * S::WIDTH;
            }
            let mut chain = 0;
            while done < len {
                let some = (len - done).min(S::WIDTH);
                // SAFETY: as above.
                let y = unsafe { simd.load_some(at.y.add(done), some) };
                sums[chain] = simd.mul_add(y, z_of(done, some), sums[chain]);
                (chain, done) = (chain + 1, done + some);
            }
        }
        let s = simd.sums(sums);
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
    }
}
