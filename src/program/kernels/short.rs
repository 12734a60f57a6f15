//! Short sums: up to three terms, each a product of two factors that go on from lane to lane or stand still.
//!
//! What stands still is written out as a register, so that one loop without branches serves all kinds of terms.

use super::isa::{Isa, Kernel};
use super::linear::{Mode, Sources, Terms, product};
use super::vector::Simd;
use super::{Rows, Zero};

/// The most terms.
const MOST: usize = 3;
/// The numbers of the widest register.
const REGISTER: usize = 8;

/// Computes a short sum, and says whether it was one.
pub(super) fn combine(
    isa: Isa,
    terms: &Terms<'_>,
    sources: &Sources<'_>,
    out: &mut [f64],
    mode: Mode,
    zero: Zero,
) -> bool {
    let Terms { constant, scaled, scaled_minus, plus, minus, products, products_minus } = *terms;
    let count = scaled.len() + scaled_minus.len() + plus.len() + minus.len() + products.len() + products_minus.len();
    if !(1..=MOST).contains(&count) {
        return false;
    }
    let (x, y) = (Rows::new(sources.x, out.len(), 0), Rows::new(sources.y, out.len(), sources.y_first));
    let uniform = |place: u32| sources.uniforms[place as usize];
    let weighted = (scaled.iter().map(|&(u, row)| (uniform(u), row)))
        .chain(scaled_minus.iter().map(|&(u, row)| (-uniform(u), row)))
        .chain(plus.iter().map(|&row| (1.0, row)))
        .chain(minus.iter().map(|&row| (-1.0, row)));
    let goes_on = |first: *const f64| Factor { first, goes_on: true };
    let mut still = [[0.0; REGISTER]; MOST];
    let mut factors = [[Factor { first: std::ptr::null(), goes_on: false }; 2]; MOST];
    let mut places = factors.iter_mut();
    for ((number, row), register) in weighted.zip(&mut still) {
        *register = [number; REGISTER];
        let place = places.next().expect("as many as were counted");
        *place = [Factor { first: register.as_ptr(), goes_on: false }, goes_on(y.row(row, 0))];
    }
    for (&(a, b), place) in products.iter().chain(products_minus).zip(places) {
        *place = [goes_on(x.row(a, 0)), goes_on(y.row(b, 0))];
    }
    let short = Short { factors, constant, out, mode, zero };
    match (count, products_minus.len()) {
        (1, 0) => isa.run(Sum::<1, 0>(short)),
        (1, _) => isa.run(Sum::<1, 1>(short)),
        (2, 0) => isa.run(Sum::<2, 0>(short)),
        (2, 1) => isa.run(Sum::<2, 1>(short)),
        (2, _) => isa.run(Sum::<2, 2>(short)),
        (_, 0) => isa.run(Sum::<3, 0>(short)),
        (_, 1) => isa.run(Sum::<3, 1>(short)),
        (_, 2) => isa.run(Sum::<3, 2>(short)),
        _ => isa.run(Sum::<3, 3>(short)),
    }
    true
}

/// A row, or a register with one number everywhere.
#[derive(Clone, Copy)]
struct Factor {
    first: *const f64,
    goes_on: bool,
}

struct Short<'a> {
    factors: [[Factor; 2]; MOST],
    constant: f64,
    out: &'a mut [f64],
    mode: Mode,
    zero: Zero,
}

/// The kernel of `N` terms, of which the last `M` are subtracted.
struct Sum<'a, const N: usize, const M: usize>(Short<'a>);

impl<const N: usize, const M: usize> Kernel for Sum<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match (self.0.zero, self.0.mode) {
            (Zero::Absorbs, Mode::Add) => _ = self.sweep::<S, true>(simd),
            (Zero::Absorbs, Mode::Store) => {
                // Infinities of both signs make this a false alarm, which costs time only.
                if self.sweep::<S, false>(simd) {
                    self.sweep::<S, true>(simd);
                }
            }
            (Zero::Multiplies, _) => _ = self.sweep::<S, false>(simd),
        }
    }
}

impl<const N: usize, const M: usize> Sum<'_, N, M> {
    /// Computes all lanes, and says whether a result may be none.
    #[inline(always)]
    fn sweep<S: Simd, const ABSORB: bool>(&mut self, simd: S) -> bool {
        let Short { factors, constant, ref mut out, mode, .. } = self.0;
        let constant = simd.splat(constant);
        let step = factors.map(|pair| pair.map(|factor| if factor.goes_on { S::WIDTH } else { 0 }));
        let mut at = factors.map(|pair| pair.map(|factor| factor.first));
        let mut total = simd.splat(0.0);
        for register in out.chunks_exact_mut(S::WIDTH) {
            let mut sum = constant;
            if mode == Mode::Add {
                // SAFETY: the chunk has `WIDTH` numbers.
                sum = simd.add(sum, unsafe { simd.load(register.as_ptr()) });
            }
            for n in 0..N {
                // SAFETY: invariant 2 of the room: a row has as many lanes as `out`; what stands still is a register.
                let (a, b) = unsafe { (simd.load(at[n][0]), simd.load(at[n][1])) };
                sum = if n + M < N {
                    product::<S, ABSORB, false>(simd, a, b, sum)
                } else {
                    product::<S, ABSORB, true>(simd, a, b, sum)
                };
                at[n] = [at[n][0].wrapping_add(step[n][0]), at[n][1].wrapping_add(step[n][1])];
            }
            total = simd.add(total, sum);
            // SAFETY: the chunk has `WIDTH` numbers.
            unsafe { simd.store(sum, register.as_mut_ptr()) };
        }
        simd.has_nan(total)
    }
}
