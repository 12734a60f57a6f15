//! Sums of products of rows and uniform numbers: what a dot, a dense layer and their adjoints are made of.
//!
//! The lanes of a block stay in registers while the terms pass by. Terms are added in the order of their lists, in as
//! many interleaved chains as keep the multipliers busy; how many follows from the lanes and the instruction set.

use std::mem::MaybeUninit;

use super::isa::{Isa, Kernel};
use super::rows::{check_window, place};
use super::vector::Simd;
use super::{Rows, RowsMut, Zero};

/// A sum of terms, each of which is a row, scaled or not, or the product of two rows.
///
/// Rows of `scaled`, `plus` and the second rows of `products` are rows of [`Sources::y`]; the first rows of `products`
/// are rows of [`Sources::x`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms<'a> {
    /// What all lanes begin with.
    pub constant: f64,
    /// Pairs (uniform, row): their products are added.
    pub scaled: &'a [(u32, u32)],
    /// Pairs (uniform, row): their products are subtracted.
    pub scaled_minus: &'a [(u32, u32)],
    /// Rows that are added.
    pub plus: &'a [u32],
    /// Rows that are subtracted.
    pub minus: &'a [u32],
    /// Pairs of rows of x and of y: their products are added.
    pub products: &'a [(u32, u32)],
    /// Pairs of rows of x and of y: their products are subtracted.
    pub products_minus: &'a [(u32, u32)],
}

/// Where the numbers of the terms are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// Numbers that are the same in every lane.
    pub uniforms: &'a [f64],
    /// The rows of first factors, numbered from 0.
    pub x: &'a [f64],
    /// All other rows.
    pub y: &'a [f64],
    /// The number of the first row of `y`.
    pub y_first: u32,
}

/// Whether a kernel writes its result or adds it to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It writes.
    Store,
    /// It adds.
    Add,
}

/// Computes one row: in each lane, the sum of the terms.
///
/// # Panics
/// When `out` is not one row, or a row or a uniform number of the terms does not exist.
pub(crate) fn combine(
    isa: Isa,
    lanes: usize,
    terms: &Terms<'_>,
    sources: &Sources<'_>,
    out: &mut [f64],
    mode: Mode,
    zero: Zero,
) {
    assert_eq!(out.len(), lanes, "one row has as many numbers as there are lanes");
    let x = Rows::new(sources.x, lanes, 0);
    let y = Rows::new(sources.y, lanes, sources.y_first);
    isa.run(Combine { terms, uniforms: sources.uniforms, x, y, out, mode, zero });
}

/// A matrix of uniform numbers and the rows that it maps: out row m (+)= Σₖ W\[m\]\[k\] · y row k.
///
/// Everything lies at a first index and goes on by steps: W\[m\]\[k\] at `uniform + m * uniform_steps[0] +
/// k * uniform_steps[1]`, and so on. The adjoint Wᵀδ is the same with the steps exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matrix {
    /// How many rows come out, and how many go in.
    pub shape: [u32; 2],
    /// The first number of the matrix among the uniform numbers.
    pub uniform: u32,
    /// The steps to the next m and to the next k.
    pub uniform_steps: [i32; 2],
    /// The first row that goes in.
    pub y: u32,
    /// The step to the next one.
    pub y_step: i32,
    /// The first row that comes out, counted from the beginning of `out`.
    pub out: u32,
    /// The step to the next one, not 0.
    pub out_step: i32,
}

/// What the rows that come out of a matrix begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Nothing.
    Nothing,
    /// What is there.
    Own,
    /// A uniform number each: that of the first row, and the step to the next.
    Uniforms(u32, i32),
}

/// Multiplies a matrix of uniform numbers with rows. The rows `sources.x` are not used.
///
/// # Panics
/// When a uniform number or a row of the matrix does not exist.
pub(crate) fn matrix(
    isa: Isa,
    lanes: usize,
    matrix: &Matrix,
    sources: &Sources<'_>,
    out: &mut [f64],
    start: Start,
    zero: Zero,
) {
    let y = Rows::new(sources.y, lanes, sources.y_first);
    let out = RowsMut::new(out, lanes);
    let [m, k] = matrix.shape.map(|count| count as usize);
    if m == 0 || (k == 0 && start == Start::Own) {
        return;
    }
    if let Start::Uniforms(first, step) = start {
        check_window(first, [m, 1], [step, 0], 0, sources.uniforms.len());
    }
    check_window(matrix.uniform, [m, k], matrix.uniform_steps, 0, sources.uniforms.len());
    check_window(matrix.y, [k, 1], [matrix.y_step, 0], sources.y_first, y.count());
    check_window(matrix.out, [m, 1], [matrix.out_step, 0], 0, out.count());
    isa.run(Product { matrix, uniforms: sources.uniforms, y, out, start, zero });
}

/// The kernel of [`combine`].
struct Combine<'a> {
    terms: &'a Terms<'a>,
    uniforms: &'a [f64],
    x: Rows<'a>,
    y: Rows<'a>,
    out: &'a mut [f64],
    mode: Mode,
    zero: Zero,
}

impl Kernel for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { terms, uniforms, x, y, out, mode, zero } = self;
        let mut batch =
            Batch { out, mode, constant: terms.constant, zero, scaled: List::new(), pairs: [List::new(), List::new()] };
        for (list, sign) in [(terms.scaled, 1.0), (terms.scaled_minus, -1.0)] {
            for &(uniform, row) in list {
                batch.room(simd, |batch| batch.scaled.is_full());
                batch.scaled.push((sign * uniforms[uniform as usize], y.row(row, 0)));
            }
        }
        // A row by itself is one with the factor 1.
        for (list, sign) in [(terms.plus, 1.0), (terms.minus, -1.0)] {
            for &row in list {
                batch.room(simd, |batch| batch.scaled.is_full());
                batch.scaled.push((sign, y.row(row, 0)));
            }
        }
        for (list, sign) in [(terms.products, 0), (terms.products_minus, 1)] {
            for &(first, second) in list {
                batch.room(simd, |batch| batch.pairs[sign].is_full());
                batch.pairs[sign].push([x.row(first, 0), y.row(second, 0)]);
            }
        }
        batch.compute(simd);
    }
}

/// The most terms of a kind that are added at once.
const AT_ONCE: usize = 16;

/// Up to [`AT_ONCE`] terms.
struct List<T> {
    terms: [MaybeUninit<T>; AT_ONCE],
    len: usize,
}

impl<T> List<T> {
    #[inline(always)]
    fn new() -> Self {
        Self { terms: [const { MaybeUninit::uninit() }; AT_ONCE], len: 0 }
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.len == AT_ONCE
    }

    #[inline(always)]
    fn push(&mut self, term: T) {
        self.terms[self.len].write(term);
        self.len += 1;
    }

    #[inline(always)]
    fn get(&self) -> &[T] {
        // SAFETY: the first `len` were written.
        unsafe { std::slice::from_raw_parts(self.terms.as_ptr().cast(), self.len) }
    }
}

/// Some terms of a sum: where their rows begin is asked once, and not for every block of lanes.
struct Batch<'a> {
    out: &'a mut [f64],
    mode: Mode,
    /// What is added in every lane.
    constant: f64,
    zero: Zero,
    /// Numbers and rows.
    scaled: List<(f64, *const f64)>,
    /// Two rows each, added and subtracted.
    pairs: [List<[*const f64; 2]>; 2],
}

impl Batch<'_> {
    /// Adds what is there if there is no room for more.
    #[inline(always)]
    fn room<S: Simd>(&mut self, simd: S, is_full: impl Fn(&Self) -> bool) {
        if is_full(self) {
            self.compute(simd);
            (self.mode, self.constant) = (Mode::Add, -0.0);
            self.scaled.len = 0;
            self.pairs.iter_mut().for_each(|pairs| pairs.len = 0);
        }
    }

    #[inline(always)]
    fn compute<S: Simd>(&mut self, simd: S) {
        let mut lane = 0;
        while lane < self.out.len() {
            let vectors = (self.out.len() - lane) / S::WIDTH;
            lane += S::WIDTH
                * match vectors {
                    8.. => self.block::<S, 8, 1>(simd, lane),
                    4.. => self.block::<S, 4, 2>(simd, lane),
                    2.. => self.block::<S, 2, 4>(simd, lane),
                    _ => self.block::<S, 1, 8>(simd, lane),
                };
        }
    }

    /// Computes `N` registers of lanes, and returns `N`.
    #[inline(always)]
    fn block<S: Simd, const N: usize, const C: usize>(&mut self, simd: S, lane: usize) -> usize {
        let mut sums = self.sum::<S, N, C, false>(simd, lane);
        if self.zero == Zero::Absorbs && has_nan(simd, &sums) {
            sums = self.sum::<S, N, C, true>(simd, lane);
        }
        for (v, &vector) in sums.iter().enumerate() {
            let out = &mut self.out[lane + v * S::WIDTH..][..S::WIDTH];
            // SAFETY: `out` has `WIDTH` numbers.
            unsafe { simd.store(vector, out.as_mut_ptr()) };
        }
        N
    }

    /// All terms.
    #[inline(always)]
    fn sum<S: Simd, const N: usize, const C: usize, const ABSORB: bool>(&self, simd: S, lane: usize) -> [S::Vector; N] {
        // −0 is neutral: +0 would turn a sum of negative zeros positive.
        let mut chains = [[simd.splat(-0.0); N]; C];
        chains[0] = [simd.splat(self.constant); N];
        if self.mode == Mode::Add {
            for (v, vector) in chains[0].iter_mut().enumerate() {
                let out = &self.out[lane + v * S::WIDTH..][..S::WIDTH];
                // SAFETY: `out` has `WIDTH` numbers.
                *vector = simd.add(*vector, unsafe { simd.load(out.as_ptr()) });
            }
        }
        // SAFETY: invariant 2 of the room: the rows have the lanes of this block.
        let load = |row: *const f64, v: usize| unsafe { simd.load(row.add(lane + v * S::WIDTH)) };
        in_turn(self.scaled.get(), &mut chains, |&(factor, row), sum| {
            let factor = simd.splat(factor);
            for v in 0..N {
                sum[v] = product::<S, ABSORB, false>(simd, factor, load(row, v), sum[v]);
            }
        });
        let [added, subtracted] = &self.pairs;
        in_turn(added.get(), &mut chains, |&[x, y], sum| {
            for v in 0..N {
                sum[v] = product::<S, ABSORB, false>(simd, load(x, v), load(y, v), sum[v]);
            }
        });
        in_turn(subtracted.get(), &mut chains, |&[x, y], sum| {
            for v in 0..N {
                sum[v] = product::<S, ABSORB, true>(simd, load(x, v), load(y, v), sum[v]);
            }
        });
        let mut width = C;
        while width > 1 {
            width /= 2;
            for c in 0..width {
                for v in 0..N {
                    chains[c][v] = simd.add(chains[c][v], chains[c + width][v]);
                }
            }
        }
        chains[0]
    }
}

/// Adds terms, one to each chain in turn.
#[inline(always)]
fn in_turn<T, V, const N: usize, const C: usize>(terms: &[T], chains: &mut [[V; N]; C], add: impl Fn(&T, &mut [V; N])) {
    let (rounds, rest) = terms.as_chunks::<C>();
    for round in rounds {
        for c in 0..C {
            add(&round[c], &mut chains[c]);
        }
    }
    for term in rest {
        add(term, &mut chains[0]);
    }
}

/// sum ± a b; with `ABSORB`, a zero absorbs the other factor.
#[inline(always)]
pub(super) fn product<S: Simd, const ABSORB: bool, const MINUS: bool>(
    simd: S,
    a: S::Vector,
    b: S::Vector,
    sum: S::Vector,
) -> S::Vector {
    let (a, b) = if ABSORB { (simd.keep_where_nonzero(a, b), simd.keep_where_nonzero(b, a)) } else { (a, b) };
    if MINUS { simd.mul_sub(a, b, sum) } else { simd.mul_add(a, b, sum) }
}

/// Whether some number of some register is none.
#[inline(always)]
pub(super) fn has_nan<S: Simd, const N: usize>(simd: S, vectors: &[S::Vector; N]) -> bool {
    // Infinities of both signs make this a false alarm, which costs time only.
    let mut totals = *vectors;
    let mut width = N;
    while width > 1 {
        let half = width / 2;
        for v in 0..half {
            totals[v] = simd.add(totals[v], totals[width - 1 - v]);
        }
        width -= half;
    }
    simd.has_nan(totals[0])
}

/// The kernel of [`matrix`]; its windows have been checked.
struct Product<'a> {
    matrix: &'a Matrix,
    uniforms: &'a [f64],
    y: Rows<'a>,
    out: RowsMut<'a>,
    start: Start,
    zero: Zero,
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let lanes = self.out.lanes();
        let mut lane = 0;
        while lane < lanes {
            let vectors = (lanes - lane) / S::WIDTH;
            lane += S::WIDTH
                * match vectors {
                    4.. if S::REGISTERS >= 32 => self.columns::<S, 4, 6>(simd, lane),
                    3 | 5.. => self.columns::<S, 3, 4>(simd, lane),
                    2.. => self.columns::<S, 2, 4>(simd, lane),
                    _ => self.columns::<S, 1, 8>(simd, lane),
                };
        }
    }
}

impl Product<'_> {
    /// Computes `N` registers of lanes of every row that comes out, `M` rows at a time, and returns `N`.
    #[inline(always)]
    fn columns<S: Simd, const N: usize, const M: usize>(&mut self, simd: S, lane: usize) -> usize {
        let rows = self.matrix.shape[0] as usize;
        let mut row = 0;
        while row < rows {
            // Two blocks of four are better than one of six and one of two.
            row += match rows - row {
                6 | 7 | 9.. if M == 6 => self.block::<S, N, 6>(simd, lane, row),
                8.. if M == 8 => self.block::<S, N, 8>(simd, lane, row),
                4.. => self.block::<S, N, 4>(simd, lane, row),
                2.. => self.block::<S, N, 2>(simd, lane, row),
                _ => self.block::<S, N, 1>(simd, lane, row),
            };
        }
        N
    }

    #[inline(always)]
    fn block<S: Simd, const N: usize, const M: usize>(&mut self, simd: S, lane: usize, row: usize) -> usize {
        let lanes = self.out.lanes();
        let step = self.matrix.out_step as isize * lanes.cast_signed();
        let first = place(self.matrix.out, row, self.matrix.out_step) * lanes;
        let first = self.out.start(lane).wrapping_add(first);
        let mut sum = self.sum::<S, N, M, false>(simd, lane, row, first, step);
        if self.zero == Zero::Absorbs {
            let mut nan = false;
            for vectors in &sum {
                nan |= has_nan(simd, vectors);
            }
            if nan {
                sum = self.sum::<S, N, M, true>(simd, lane, row, first, step);
            }
        }
        for m in 0..M {
            for v in 0..N {
                // SAFETY: invariant 2 of the room: the window of `out` was checked, and the block has these lanes.
                unsafe { simd.store(sum[m][v], first.offset(m.cast_signed() * step).add(v * S::WIDTH)) };
            }
        }
        M
    }

    /// What `M` rows come to, in `N` registers of lanes.
    #[inline(always)]
    fn sum<S: Simd, const N: usize, const M: usize, const ABSORB: bool>(
        &self,
        simd: S,
        lane: usize,
        row: usize,
        out: *const f64,
        out_step: isize,
    ) -> [[S::Vector; N]; M] {
        let Matrix { shape, uniform, uniform_steps, y, y_step, .. } = *self.matrix;
        let mut sum = [[simd.splat(0.0); N]; M];
        match self.start {
            Start::Nothing => {}
            Start::Own => {
                for m in 0..M {
                    for v in 0..N {
                        // SAFETY: invariant 2 of the room: the window of `out` was checked.
                        sum[m][v] = unsafe { simd.load(out.offset(m.cast_signed() * out_step).add(v * S::WIDTH)) };
                    }
                }
            }
            Start::Uniforms(first, step) => {
                for (m, sum) in sum.iter_mut().enumerate() {
                    // SAFETY: invariant 2 of the room: the window of these numbers was checked.
                    let number = unsafe { *self.uniforms.get_unchecked(place(first, row + m, step)) };
                    *sum = [simd.splat(number); N];
                }
            }
        }
        if shape[1] == 0 {
            return sum;
        }
        let [m_step, k_step] = uniform_steps.map(|step| step as isize);
        let mut weight = self.uniforms.as_ptr().wrapping_add(place(uniform, row, uniform_steps[0]));
        let mut y = self.y.row(y, lane);
        let y_step = y_step as isize * self.out.lanes().cast_signed();
        for _ in 0..shape[1] {
            let mut inputs = [simd.splat(0.0); N];
            for v in 0..N {
                // SAFETY: invariant 2 of the room: the window of y was checked, and the block has these lanes.
                inputs[v] = unsafe { simd.load(y.add(v * S::WIDTH)) };
            }
            for m in 0..M {
                // SAFETY: invariant 2 of the room: the window of the uniform numbers was checked.
                let factor = simd.splat(unsafe { *weight.offset(m.cast_signed() * m_step) });
                for v in 0..N {
                    sum[m][v] = product::<S, ABSORB, false>(simd, factor, inputs[v], sum[m][v]);
                }
            }
            y = y.wrapping_offset(y_step);
            weight = weight.wrapping_offset(k_step);
        }
        sum
    }
}
