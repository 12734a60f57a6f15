//! Chains: sums that each go on from the one before, xₘ = xₘ₋₁ · c + a.
//!
//! Lists of terms that are such chains keep the last number in a register, and need 8 bytes for each link.

use super::super::kernels::Zero;
use super::super::kernels::linear::Mode;
use super::super::kernels::places::Signs;
use super::super::windows::{Chain, Step, Terms, WindowCode};
use super::windows::Made;

/// The fewest links of a chain.
const FEWEST: usize = 8;

/// Turns lists of terms into chains where they are some.
pub(super) fn find(code: &mut WindowCode, made: &mut [Made]) {
    for (place, made) in made.iter_mut().enumerate() {
        let Made::Terms(terms) = *made else { continue };
        if let Some(chain) = chain_of(code, terms) {
            code.forward[place] = Step::Chain(chain);
            *made = Made::Chain(chain);
        }
    }
}

fn chain_of(code: &mut WindowCode, terms: Terms) -> Option<Chain> {
    let Terms { out, count, signs: Signs { plus, minus }, list, mode, zero } = terms;
    if zero == Zero::Absorbs
        || count < u32::try_from(FEWEST).ok()?
        || minus > 0
        || mode == Mode::Add
        || !(1..=2).contains(&plus)
    {
        return None;
    }
    let pairs = &code.pairs[list.range()];
    let links = pairs.chunks_exact(plus as usize);
    let mut places = Vec::with_capacity(2 * count as usize);
    let mut first = None;
    for (m, link) in (0..).zip(links) {
        // The product with the result before comes in either order, and so do the terms.
        let goes_on = |&(a, b): &(u32, u32)| {
            if m == 0 {
                return Some((a, b));
            }
            let before = out + m - 1;
            if a == before { Some((a, b)) } else { (b == before).then_some((b, a)) }
        };
        let at = link.iter().position(|pair| goes_on(pair).is_some())?;
        let (x, factor) = goes_on(&link[at])?;
        first.get_or_insert(x);
        let summand = match (plus, link.get(1 - at)) {
            (2, Some(&(a, b))) if b == code.one => a,
            (2, Some(&(a, b))) if a == code.one => b,
            (2, _) => return None,
            _ => code.zero,
        };
        if factor >= out || summand >= out {
            return None;
        }
        places.extend([factor, summand]);
    }
    let list = code.push_places(places);
    Some(Chain { first: first?, out, count, list, private: false })
}
