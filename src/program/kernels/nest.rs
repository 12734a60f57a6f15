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
    isa.run(Contract { nest, at, mode: target.mode, minus: target.minus, zero });
}

/// Places of the three factors in memory.
#[derive(Clone, Copy)]
struct At {
    x: *mut f64,
    y: *const f64,
    z: *const f64,
}

impl At {
    /// The place after `index` rounds of a loop.
    #[inline(always)]
    fn after(self, nest: &Nest, l: usize, index: usize) -> Self {
        let by = |walk: &Walk| (walk.steps[l] as isize).wrapping_mul(index.cast_signed());
        Self {
            x: self.x.wrapping_offset(by(&nest.x)),
            y: self.y.wrapping_offset(by(&nest.y)),
            z: self.z.wrapping_offset(by(&nest.z)),
        }
    }
}

/// The kernel of [`contract`]; its walks have been checked.
struct Contract<'a> {
    nest: &'a Nest,
    at: At,
    mode: Mode,
    minus: bool,
    zero: Zero,
}

/// Whether Z goes along the registers, or is one number for all of them.
const VECTOR: u8 = 0;
const BROADCAST: u8 = 1;
/// It goes along them, and all rows share it.
const SHARED: u8 = 2;

impl Kernel for Contract<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let [outer, rows, ..] = self.nest.counts.map(|count| count as usize);
        let broadcast = self.nest.z.steps[ALONG] == 0;
        for i in 0..outer {
            let at = self.at.after(self.nest, OUTER, i);
            let mode = if i > 0 && self.nest.x.steps[OUTER] == 0 { Mode::Add } else { self.mode };
            match self.nest.form {
                Form::Dots if broadcast => self.dots::<S, BROADCAST>(simd, at, mode),
                Form::Dots if self.nest.z.steps[ROWS] == 0 => self.dots::<S, SHARED>(simd, at, mode),
                Form::Dots => self.dots::<S, VECTOR>(simd, at, mode),
                form => {
                    for row in 0..rows {
                        let at = at.after(self.nest, ROWS, row);
                        let mode = if row > 0 && self.nest.x.steps[ROWS] == 0 { Mode::Add } else { mode };
                        match form {
                            Form::Along if broadcast => self.along::<S, BROADCAST>(simd, at, mode),
                            Form::Along => self.along::<S, VECTOR>(simd, at, mode),
                            _ => self.plain(at, mode),
                        }
                    }
                }
            }
        }
    }
}

impl Contract<'_> {
    /// The registers of a row of X, one after the other.
    #[inline(always)]
    fn along<S: Simd, const Z: u8>(&self, simd: S, at: At, mode: Mode) {
        let count = self.nest.counts[ALONG] as usize;
        let mut done = 0;
        while done + 8 * S::WIDTH <= count {
            self.block::<S, 8, Z>(simd, at, done, mode);
            done += 8 * S::WIDTH;
        }
        while done + 2 * S::WIDTH <= count {
            self.block::<S, 2, Z>(simd, at, done, mode);
            done += 2 * S::WIDTH;
        }
        while done < count {
            let len = (count - done).min(S::WIDTH);
            self.some::<S, Z>(simd, at, done, len, mode);
            done += len;
        }
    }

    /// `N` whole registers of X.
    #[inline(always)]
    fn block<S: Simd, const N: usize, const Z: u8>(&self, simd: S, at: At, done: usize, mode: Mode) {
        let (x, y) = (at.x.wrapping_add(done), at.y.wrapping_add(done));
        let z = if Z == BROADCAST { at.z } else { at.z.wrapping_add(done) };
        let mut sums = [simd.splat(-0.0); N];
        let (y_step, z_step) = (self.nest.y.steps[REDUCE] as isize, self.nest.z.steps[REDUCE] as isize);
        for k in 0..(self.nest.counts[REDUCE] as usize).cast_signed() {
            let (y, z) = (y.wrapping_offset(k * y_step), z.wrapping_offset(k * z_step));
            // SAFETY: the walks were checked, and these registers lie on them.
            unsafe {
                if Z == BROADCAST {
                    let z = simd.splat(z.read());
                    for v in 0..N {
                        sums[v] = simd.mul_add(simd.load(y.add(v * S::WIDTH)), z, sums[v]);
                    }
                } else {
                    for v in 0..N {
                        let z = simd.load(z.add(v * S::WIDTH));
                        sums[v] = simd.mul_add(simd.load(y.add(v * S::WIDTH)), z, sums[v]);
                    }
                }
            }
        }
        if self.zero == Zero::Absorbs && has_nan(simd, &sums) {
            return self.absorbing(at, done, N * S::WIDTH, mode);
        }
        for v in 0..N {
            // SAFETY: as above.
            unsafe {
                let x = x.add(v * S::WIDTH);
                let before = if mode == Mode::Add { simd.load(x) } else { simd.splat(0.0) };
                simd.store(self.total(simd, before, sums[v], mode), x);
            }
        }
    }

    /// Up to one register of X.
    #[inline(always)]
    fn some<S: Simd, const Z: u8>(&self, simd: S, at: At, done: usize, len: usize, mode: Mode) {
        let (x, y) = (at.x.wrapping_add(done), at.y.wrapping_add(done));
        let z = if Z == BROADCAST { at.z } else { at.z.wrapping_add(done) };
        let mut sum = [simd.splat(-0.0)];
        let (y_step, z_step) = (self.nest.y.steps[REDUCE] as isize, self.nest.z.steps[REDUCE] as isize);
        for k in 0..(self.nest.counts[REDUCE] as usize).cast_signed() {
            let (y, z) = (y.wrapping_offset(k * y_step), z.wrapping_offset(k * z_step));
            // SAFETY: the walks were checked, and these numbers lie on them.
            unsafe {
                let z = if Z == BROADCAST { simd.splat(z.read()) } else { simd.load_some(z, len) };
                sum[0] = simd.mul_add(simd.load_some(y, len), z, sum[0]);
            }
        }
        if self.zero == Zero::Absorbs && has_nan(simd, &sum) {
            return self.absorbing(at, done, len, mode);
        }
        // SAFETY: as above.
        unsafe {
            let before = if mode == Mode::Add { simd.load_some(x, len) } else { simd.splat(0.0) };
            simd.store_some(self.total(simd, before, sum[0], mode), x, len);
        }
    }

    /// What is written where `before` stood.
    #[inline(always)]
    fn total<S: Simd>(&self, simd: S, before: S::Vector, sum: S::Vector, mode: Mode) -> S::Vector {
        match (mode, self.minus) {
            (Mode::Store, false) => sum,
            (Mode::Store, true) => simd.sub(simd.splat(-0.0), sum),
            (Mode::Add, false) => simd.add(before, sum),
            (Mode::Add, true) => simd.sub(before, sum),
        }
    }

    /// Dots, eight rows at a time.
    #[inline(always)]
    fn dots<S: Simd, const Z: u8>(&self, simd: S, at: At, mode: Mode) {
        let rows = self.nest.counts[ROWS] as usize;
        let mut row = 0;
        while row < rows {
            let count = (rows - row).min(8);
            let first = at.after(self.nest, ROWS, row);
            let sums = if count <= 2 {
                let mut sums = [0.0; 8];
                for (r, sum) in sums[..count].iter_mut().enumerate() {
                    *sum = self.one_dot::<S, Z>(simd, first.after(self.nest, ROWS, r));
                }
                sums
            } else {
                self.eight_dots::<S, Z>(simd, first, count)
            };
            for (r, &sum) in sums[..count].iter().enumerate() {
                let at = first.after(self.nest, ROWS, r);
                // Rows of X that do not move add up.
                let mode = if row + r > 0 && self.nest.x.steps[ROWS] == 0 { Mode::Add } else { mode };
                if self.zero == Zero::Absorbs && sum.is_nan() {
                    self.plain(at, mode);
                } else {
                    // SAFETY: the walk was checked, and this number lies on it.
                    unsafe { self.write(at.x, sum, mode) };
                }
            }
            row += count;
        }
    }

    /// Up to eight dots; the last stands for those beyond `count`.
    #[inline(always)]
    fn eight_dots<S: Simd, const Z: u8>(&self, simd: S, at: At, count: usize) -> [f64; 8] {
        let len = self.nest.counts[ALONG] as usize;
        let mut sums = [simd.splat(-0.0); 8];
        for k in 0..self.nest.counts[REDUCE] as usize {
            let at = at.after(self.nest, REDUCE, k);
            let mut rows = [at; 8];
            for j in 1..8 {
                rows[j] = at.after(self.nest, ROWS, j.min(count - 1));
            }
            let mut done = 0;
            while done + S::WIDTH <= len {
                // SAFETY: the walks were checked, and these registers lie on them.
                unsafe {
                    let shared = match Z {
                        SHARED => simd.load(at.z.add(done)),
                        _ => simd.splat(0.0),
                    };
                    for j in 0..8 {
                        let z = match Z {
                            SHARED => shared,
                            BROADCAST => simd.splat(rows[j].z.read()),
                            _ => simd.load(rows[j].z.add(done)),
                        };
                        sums[j] = simd.mul_add(simd.load(rows[j].y.add(done)), z, sums[j]);
                    }
                }
                done += S::WIDTH;
            }
            if done < len {
                // SAFETY: as above.
                unsafe {
                    for j in 0..8 {
                        let z = match Z {
                            SHARED => simd.load_some(at.z.add(done), len - done),
                            BROADCAST => simd.splat(rows[j].z.read()),
                            _ => simd.load_some(rows[j].z.add(done), len - done),
                        };
                        sums[j] = simd.mul_add(simd.load_some(rows[j].y.add(done), len - done), z, sums[j]);
                    }
                }
            }
        }
        simd.sums(sums)
    }

    /// One dot, in eight chains.
    #[inline(always)]
    fn one_dot<S: Simd, const Z: u8>(&self, simd: S, at: At) -> f64 {
        let len = self.nest.counts[ALONG] as usize;
        let mut sums = [simd.splat(-0.0); 8];
        for k in 0..self.nest.counts[REDUCE] as usize {
            let at = at.after(self.nest, REDUCE, k);
            let mut done = 0;
            while done < len {
                for sum in &mut sums {
                    let some = (len - done).min(S::WIDTH);
                    if some == 0 {
                        break;
                    }
                    // SAFETY: the walks were checked, and these numbers lie on them.
                    unsafe {
                        let z = match Z {
                            BROADCAST => simd.splat(at.z.read()),
                            _ if some == S::WIDTH => simd.load(at.z.add(done)),
                            _ => simd.load_some(at.z.add(done), some),
                        };
                        let y = if some == S::WIDTH {
                            simd.load(at.y.add(done))
                        } else {
                            simd.load_some(at.y.add(done), some)
                        };
                        *sum = simd.mul_add(y, z, *sum);
                    }
                    done += some;
                }
            }
        }
        let s = simd.sums(sums);
        ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
    }

    /// Every number of a row one after the other.
    #[inline(always)]
    fn plain(&self, at: At, mode: Mode) {
        self.absorbing(at, 0, self.nest.counts[ALONG] as usize, mode);
    }

    /// `len` rounds along the registers, one term after the other; a zero absorbs where it is to.
    #[inline(never)]
    fn absorbing(&self, at: At, done: usize, len: usize, mode: Mode) {
        let one_sum = self.nest.x.steps[ALONG] == 0;
        let mut sum = -0.0;
        for v in done..done + len {
            let at = at.after(self.nest, ALONG, v);
            for k in 0..self.nest.counts[REDUCE] as usize {
                let at = at.after(self.nest, REDUCE, k);
                // SAFETY: the walks were checked, and these numbers lie on them.
                let (y, z) = unsafe { (at.y.read(), at.z.read()) };
                let absorbed = self.zero == Zero::Absorbs && (y == 0.0 || z == 0.0);
                sum += if absorbed { 0.0 } else { y * z };
            }
            if !one_sum {
                // SAFETY: as above.
                unsafe { self.write(at.x, sum, mode) };
                sum = -0.0;
            }
        }
        if one_sum {
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
