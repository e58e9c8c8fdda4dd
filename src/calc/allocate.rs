//! Splitting a goal (semantics 7, 9 place 4). A whole is given to weighted, bounded parts: in proportion to their weights,
//! but where that is out of a part's bounds the part has its bound, and the others share the rest. What is in proportion
//! is floored to the step, and the steps left over go one each to the largest remainders, ties in the order given.
//!
//! There is one such division for any bounds, whatever order the parts are looked at in: the least factor for which the
//! parts, each `weight x factor` held within its bounds, reach the whole. It is found by walking the factors at which a
//! part reaches a bound, in order, so that a thousand bounds cost no more than sorting them.

#[cfg(test)]
mod tests;
pub mod tree;

use std::cmp::Ordering;

use crate::domain::exact::{Exact, settle};
use crate::domain::money::Rounding;
use crate::domain::proposal::Bound;

/// One who is to have a part of a whole. Bounds in steps, not below zero, the floor not above the ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Not below zero.
    pub weight: Exact,
    /// At least.
    pub floor: i128,
    /// At most; absent: no end.
    pub ceiling: Option<i128>,
}

/// What a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Its steps.
    pub steps: i128,
    /// The bound that holds it.
    pub bound: Option<Bound>,
}

/// Why a whole cannot be given to its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsplit {
    /// All floors together are above the whole.
    FloorsAbove(i128),
    /// All ceilings together are below the whole.
    CeilingsBelow(i128),
    /// So much is left for those who weigh nothing.
    Weightless(i128),
    /// A figure is beyond what can be held.
    TooLarge,
}

/// Gives a whole number of steps, not below zero, to parts.
pub fn allocate(whole: i128, parts: &[Part]) -> Result<Vec<Share>, Unsplit> {
    let floors = parts.iter().try_fold(0_i128, |sum, part| sum.checked_add(part.floor));
    let floors = floors.ok_or(Unsplit::TooLarge)?;
    if floors > whole {
        return Err(Unsplit::FloorsAbove(floors));
    }
    // One without a ceiling has no end, and neither have all.
    let ceilings = parts.iter().try_fold(0_i128, |sum, part| sum.checked_add(part.ceiling?));
    if let Some(ceilings) = ceilings.filter(|ceilings| *ceilings < whole) {
        return Err(Unsplit::CeilingsBelow(ceilings));
    }
    let mut stands: Vec<Stand> = parts.iter().map(Stand::first).collect();
    let (rest, weight) = fix(whole, parts, &mut stands);
    let free: Vec<usize> = (0..parts.len()).filter(|place| stands[*place] == Stand::Free).collect();
    if weight.is_zero() && !rest.is_zero() {
        return Err(Unsplit::Weightless(rest.round(Rounding::HalfEven).unwrap_or(whole)));
    }
    let share = |place: &usize| rest.mul(&parts[*place].weight).div(&weight).unwrap_or(Exact::ZERO);
    let exact: Vec<Exact> = free.iter().map(share).collect();
    let rest = rest.round(Rounding::HalfEven).map_err(|_| Unsplit::TooLarge)?;
    let mut shares: Vec<Share> = parts.iter().zip(&stands).map(|(part, stand)| stand.share(part)).collect();
    for (place, steps) in free.into_iter().zip(settle(rest, &exact)) {
        shares[place].steps = steps;
    }
    Ok(shares)
}

/// Where a part stands: fixed at a bound, or in proportion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Floor,
    Free,
    Ceiling,
}

impl Stand {
    /// Where a part stands at the factor zero.
    fn first(part: &Part) -> Stand {
        if part.floor > 0 || part.weight.is_zero() { Stand::Floor } else { Stand::Free }
    }

    /// What a fixed part has; of one in proportion still to be found.
    fn share(self, part: &Part) -> Share {
        match self {
            Stand::Floor => Share { steps: part.floor, bound: (part.floor > 0).then_some(Bound::Floor) },
            Stand::Free => Share { steps: 0, bound: None },
            Stand::Ceiling => {
                Share { steps: part.ceiling.unwrap_or(part.floor), bound: Some(Bound::Ceiling) }
            }
        }
    }
}

/// Fixes every part that is out of its bounds, and gives what is left for the others and what they weigh together.
fn fix(whole: i128, parts: &[Part], stands: &mut [Stand]) -> (Exact, Exact) {
    let mut turns: Vec<(Exact, usize, Stand)> = Vec::new();
    let (mut rest, mut weight) = (Exact::whole(whole), Exact::ZERO);
    for (place, part) in parts.iter().enumerate() {
        match stands[place] {
            Stand::Free => weight = weight.add(&part.weight),
            Stand::Floor | Stand::Ceiling => rest = rest.sub(&Exact::whole(part.floor)),
        }
        let turn = |bound: i128, stand| Some((Exact::whole(bound).div(&part.weight)?, place, stand));
        turns.extend(turn(part.floor, Stand::Free).filter(|_| part.floor > 0));
        turns.extend(part.ceiling.and_then(|ceiling| turn(ceiling, Stand::Ceiling)));
    }
    // At one factor a part with equal bounds leaves the floor before it meets the ceiling.
    turns.sort_by(|(a, first, to), (b, second, into)| {
        let meets = |stand: &Stand| *stand == Stand::Ceiling;
        a.cmp(b).then(first.cmp(second)).then(meets(to).cmp(&meets(into)))
    });
    for (factor, place, stand) in turns {
        // Who is just at a bound when all is given is in proportion, not held by it.
        match factor.mul(&weight).cmp(&rest) {
            Ordering::Greater => break,
            Ordering::Equal if weight.is_zero() => break,
            Ordering::Equal if stand == Stand::Ceiling => continue,
            Ordering::Equal | Ordering::Less => {}
        }
        let part = &parts[place];
        match stand {
            Stand::Free => {
                rest = rest.add(&Exact::whole(part.floor));
                weight = weight.add(&part.weight);
            }
            Stand::Floor | Stand::Ceiling => {
                rest = rest.sub(&Exact::whole(part.ceiling.unwrap_or(part.floor)));
                weight = weight.sub(&part.weight);
            }
        }
        stands[place] = stand;
    }
    (rest, weight)
}
