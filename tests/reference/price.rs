//! Semantics 8.1: what credits earn by tier.

use attain::domain::money::Currency;
use attain::domain::number::Number;
use attain::domain::plan::{Axis, RateKind, RateMode, Rates, Tier};
use num_traits::{Signed, Zero};

use crate::events::Part;
use crate::fractions::{Q, millionths, minor_units, sum, whole};
use crate::pay::Run;
use crate::stand::{Order, separate};

/// A credit in its place.
pub struct Credit<'c> {
    pub part: &'c Part<'c>,
    pub order: Order,
    pub value: Q,
}

/// What tiers and rates are measured by.
pub struct Goal {
    pub effective: Option<i128>,
    /// Minor units for each unit of the credit at a multiple of 1; inside, none over a zero quota.
    pub base: Option<Option<Q>>,
}

/// What each credit earns, exactly, and what is paid for the tiers reached.
pub struct Priced {
    pub lines: Vec<Q>,
    pub flat: Q,
}

/// The tiers' lower edges in the line's own units.
struct Scale<'r> {
    edges: Vec<Q>,
    tiers: &'r [Tier],
}

impl Scale<'_> {
    /// Whether a value is in the tier or above it; the first has zero and all below.
    fn reaches(&self, value: &Q, tier: usize) -> bool {
        let edge = &self.edges[tier];
        tier == 0 || value > edge || (value == edge && !self.tiers[tier].edge_lower)
    }

    fn tier(&self, value: &Q) -> usize {
        (0..self.edges.len()).rev().find(|tier| self.reaches(value, *tier)).unwrap()
    }

    /// What of a total is in a tier.
    fn within(&self, total: &Q, tier: usize) -> Q {
        let upto = match self.edges.get(tier + 1) {
            Some(next) => total.clone().min(next.clone()),
            None => total.clone(),
        };
        let within = upto - &self.edges[tier];
        if tier == 0 { within } else { within.max(Q::zero()) }
    }

    fn one(&self, tier: usize, value: &Q) -> Vec<Q> {
        (0..self.edges.len()).map(|other| if other == tier { value.clone() } else { Q::zero() }).collect()
    }

    /// A value cut as the tiers cut the line from `start` to `end`.
    fn cut(&self, value: &Q, start: &Q, end: &Q) -> Vec<Q> {
        let part = value / (end - start);
        (0..self.edges.len())
            .map(|tier| (self.within(end, tier) - self.within(start, tier)) * &part)
            .collect()
    }
}

/// Prices the credits of one segment, in order, by what moves its line.
pub fn price(
    run: &Run<'_>,
    currency: Currency,
    rates: &Rates,
    paid: &[Credit<'_>],
    moving: &[Credit<'_>],
    goal: &Goal,
) -> Priced {
    let places = deals(run, currency, rates, paid);
    let nothing = || Priced { lines: vec![Q::zero(); paid.len()], flat: Q::zero() };
    let undefined = match rates.axis {
        Axis::Attainment => goal.effective.is_none_or(|quota| quota == 0),
        Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent => false,
    };
    if undefined || (rates.pays == RateKind::BaseRate && !matches!(goal.base, Some(Some(_)))) {
        return nothing();
    }
    let scale = scale(currency, rates, goal);
    let slices = if rates.axis.by_deal() {
        paid.iter().zip(places).map(|(credit, place)| by_deal(&scale, rates, &credit.value, place)).collect()
    } else {
        by_line(&scale, rates, paid, moving)
    };
    let total = sum(moving.iter().map(|credit| &credit.value));
    Priced { lines: money(currency, rates, goal, &slices), flat: flats(&scale, rates, &total) }
}

fn scale<'r>(currency: Currency, rates: &'r Rates, goal: &Goal) -> Scale<'r> {
    let edge = |Number(edge): Number| match rates.axis {
        Axis::Attainment => millionths(edge) / whole(100) * whole(goal.effective.unwrap()),
        Axis::Units => whole(edge),
        Axis::Amount | Axis::DealAmount => millionths(edge) * minor_units(currency),
        Axis::MarginPercent => millionths(edge),
    };
    Scale { edges: rates.tiers.iter().map(|tier| edge(tier.edge)).collect(), tiers: &rates.tiers }
}

/// Where the deals stand that decide the tiers; nothing where that is undefined or left open.
fn deals(run: &Run<'_>, currency: Currency, rates: &Rates, paid: &[Credit<'_>]) -> Vec<Option<Q>> {
    let place = |credit: &Credit<'_>| match rates.axis {
        Axis::DealAmount => {
            run.of_deal(credit.part, rates.axis, currency).map(|major| major * minor_units(currency))
        }
        Axis::MarginPercent => run.of_deal(credit.part, rates.axis, currency),
        _ => None,
    };
    paid.iter().map(place).collect()
}

/// A credit by tier, where the deal decides.
fn by_deal(scale: &Scale<'_>, rates: &Rates, value: &Q, place: Option<Q>) -> Vec<Q> {
    match (place, rates.mode) {
        (None, _) => scale.one(0, &Q::zero()),
        (Some(amount), RateMode::Marginal) if !amount.is_zero() => scale.cut(value, &Q::zero(), &amount),
        (Some(place), _) => scale.one(scale.tier(&place), value),
    }
}

/// Credits by tier, where what has accumulated decides.
fn by_line(scale: &Scale<'_>, rates: &Rates, paid: &[Credit<'_>], moving: &[Credit<'_>]) -> Vec<Vec<Q>> {
    let total = sum(moving.iter().map(|credit| &credit.value));
    let reached = scale.tier(&total);
    let mut slices = Vec::new();
    for credit in paid {
        let (start, end) = stretch(rates, credit, moving);
        let value = &credit.value;
        slices.push(match rates.mode {
            RateMode::Retroactive => scale.one(reached, value),
            RateMode::WholeCredit => {
                scale.one(scale.tier(if value.is_negative() { &end } else { &start }), value)
            }
            RateMode::Marginal if start == end => scale.one(scale.tier(&start), value),
            RateMode::Marginal => scale.cut(value, &start, &end),
        });
    }
    if let Some(to) = rates.retroactive_to {
        let merged = rates.tiers.iter().filter(|tier| tier.edge <= to).count();
        let into = reached.min(merged.saturating_sub(1));
        for slices in &mut slices {
            let all = sum(&slices[..merged]);
            slices[..merged].fill(Q::zero());
            slices[into] += all;
        }
    }
    slices
}

/// From where to where a credit takes the line; where it is not on the line, both are where it stands.
fn stretch(rates: &Rates, credit: &Credit<'_>, moving: &[Credit<'_>]) -> (Q, Q) {
    let before = |other: &&Credit<'_>| match separate(rates) {
        true => other.order.together() < credit.order.together(),
        false => other.order < credit.order,
    };
    let same = |other: &&Credit<'_>| match separate(rates) {
        true => other.order.together() == credit.order.together(),
        false => other.order == credit.order,
    };
    let start = sum(moving.iter().filter(before).map(|other| &other.value));
    let end = &start + sum(moving.iter().filter(same).map(|other| &other.value));
    (start, end)
}

/// What each credit's slices earn. Started blocks are of each tier's total: a credit has what it adds to that.
fn money(currency: Currency, rates: &Rates, goal: &Goal, slices: &[Vec<Q>]) -> Vec<Q> {
    let minor = minor_units(currency);
    let unit = whole(1_000_000);
    let mut totals = vec![Q::zero(); rates.tiers.len()];
    let mut lines = Vec::new();
    for slices in slices {
        let mut line = Q::zero();
        for (place, slice) in slices.iter().enumerate() {
            let rate = millionths(rates.tiers[place].rate.0);
            let before = totals[place].clone();
            totals[place] += slice;
            line += match rates.pays {
                RateKind::Percent => slice * rate / whole(100),
                RateKind::PerUnit => slice / &unit * rate * &minor,
                RateKind::PerBlock(block) => {
                    let blocks = |total: &Q| (total / whole(block.0)).ceil();
                    (blocks(&totals[place]) - blocks(&before)) * rate * &minor
                }
                RateKind::BaseRate => slice * rate * goal.base.clone().unwrap().unwrap(),
            };
        }
        lines.push(line);
    }
    lines
}

/// What is paid once for the tiers that the line's total reaches.
fn flats(scale: &Scale<'_>, rates: &Rates, total: &Q) -> Q {
    let reached = |tier: usize| if tier == 0 { total.is_positive() } else { scale.reaches(total, tier) };
    let mut all = (0..rates.tiers.len()).filter(|tier| reached(*tier));
    let paid: Vec<usize> = match rates.mode {
        RateMode::Retroactive => all.next_back().into_iter().collect(),
        RateMode::Marginal | RateMode::WholeCredit => all.collect(),
    };
    sum(&paid.into_iter().map(|tier| whole(rates.tiers[tier].flat.unwrap_or_default())).collect::<Vec<_>>())
}
