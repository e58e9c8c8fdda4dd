//! What a deal would earn (semantics 11): earned with it minus earned without it, after every modifier, by the
//! calculation that closes a period. There is no second formula: what is here only compares.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::{Period, Window, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::ledger::Key;
use crate::domain::measure::Unit;
use crate::domain::plan::{Axis, RateKind, Tier};

use super::earn::{Detail, KeyEarnings, PayeeEarnings, SegmentEarnings};
use super::problem::Problem;
use super::rates::{Ground, Ladder};
use super::{Calculation, attainment};

/// What a deal would earn one payee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayeeEstimate {
    /// Index of the payee.
    pub payee: u32,
    /// Every component and window that the deal moves, by key.
    pub components: Vec<ComponentEstimate>,
    /// What the facts leave open.
    pub problems: Vec<Problem>,
}

/// What a deal moves in one component and window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentEstimate {
    /// Payee, plan, component, window.
    pub key: Key,
    /// What people call it.
    pub name: String,
    /// Earned without the deal up to the calculation's end, minor units.
    pub without: i128,
    /// Earned with it.
    pub with: i128,
    /// What it adds in each period in which it moves anything, minor units: with less without.
    pub periods: BTreeMap<Period, i128>,
    /// Where the line stands without the deal and with it, where tiers follow a line that it moves.
    pub standing: Option<(Standing, Standing)>,
}

/// Where the line of a component stands, and what is left to the next tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What the line is counted in.
    pub unit: Unit,
    /// Where it is, minor units or millionths, exact.
    pub line: Exact,
    /// The same in percent of the effective quota, where attainment decides and a quota is set.
    pub percent: Option<Exact>,
    /// What edges are on.
    pub axis: Axis,
    /// What rates are.
    pub pays: RateKind,
    /// The tier it is in.
    pub tier: Tier,
    /// The next tier, and how far the line is from its edge; absent in the last one. Zero on an edge that must be
    /// exceeded.
    pub next: Option<(Tier, Exact)>,
}

impl ComponentEstimate {
    /// With less without, minor units.
    pub fn amount(&self) -> i128 {
        self.with - self.without
    }
}

/// What tells apart two facts, `with` a deal and `without` it, for some payees up to the end of a period. `windows`:
/// those that the deal stands in; a quota that is missing for another says nothing about it.
pub fn estimate(
    with: &Facts,
    without: &Facts,
    through: Period,
    payees: &[u32],
    windows: &BTreeSet<Window>,
) -> Vec<PayeeEstimate> {
    let (with, without) =
        (Calculation::open_for(with, through, payees), Calculation::open_for(without, through, payees));
    let calendar = &with.facts.calendar;
    let windows: Vec<String> = windows.iter().map(|window| calendar.window_text(*window)).collect();
    let matters = |problem: &&Problem| match problem {
        Problem::QuotaMissing { window, .. } => windows.contains(window),
        _ => true,
    };
    let one = |payee: &u32| {
        let (then, now) = (with.earn(*payee, Detail::Totals), without.earn(*payee, Detail::Totals));
        let problems = with.problems().chain(&then.problems).filter(matters).cloned().collect();
        PayeeEstimate { payee: *payee, components: compare(&then, &now), problems }
    };
    payees.iter().map(one).collect()
}

/// Every key that differs, in order.
fn compare(with: &PayeeEarnings, without: &PayeeEarnings) -> Vec<ComponentEstimate> {
    let mut keys: BTreeMap<&Key, [Option<&KeyEarnings>; 2]> = BTreeMap::new();
    for (side, earnings) in [without, with].into_iter().enumerate() {
        for key in &earnings.keys {
            keys.entry(&key.key).or_default()[side] = Some(key);
        }
    }
    let one = |(key, [without, with]): (&Key, [Option<&KeyEarnings>; 2])| {
        let mut periods: BTreeMap<Period, i128> = BTreeMap::new();
        for (earnings, sign) in [(with, 1), (without, -1)] {
            for (period, amount) in earnings.iter().flat_map(|key| &key.earned_in) {
                *periods.entry(*period).or_default() += sign * amount;
            }
        }
        periods.retain(|_, amount| *amount != 0);
        let moved: Vec<_> = pairs(without, with).into_iter().filter(moves).collect();
        let standing = moved.last().and_then(|(before, after)| {
            let standing = |segment: &SegmentEarnings| standing(key.window, segment);
            standing(before).zip(standing(after))
        });
        let earned = |key: Option<&KeyEarnings>| key.map_or(0, |key| key.earned_in.values().sum());
        let name = with.or(without).and_then(|key| key.segments.last());
        let estimate = ComponentEstimate {
            key: key.clone(),
            name: name.map_or_else(String::new, |segment| segment.component.name.clone()),
            without: earned(without),
            with: earned(with),
            periods,
            standing,
        };
        (!moved.is_empty() || !estimate.periods.is_empty()).then_some(estimate)
    };
    keys.into_iter().filter_map(one).collect()
}

/// A segment without the deal and with it.
type Pair<'a> = (&'a SegmentEarnings<'a>, &'a SegmentEarnings<'a>);

/// The segments that both have, by their first days.
fn pairs<'a>(without: Option<&'a KeyEarnings<'a>>, with: Option<&'a KeyEarnings<'a>>) -> Vec<Pair<'a>> {
    let segments = |key: Option<&'a KeyEarnings<'a>>| key.map_or(&[][..], |key| &key.segments);
    let before = |after: &SegmentEarnings| segments(without).iter().find(|before| before.from == after.from);
    segments(with).iter().filter_map(|after| Some((before(after)?, after))).collect()
}

/// Whether a deal moves anything in a segment, be it only the line.
fn moves((without, with): &Pair) -> bool {
    let figures =
        |segment: &SegmentEarnings| (segment.amount, segment.position.clone(), segment.credited.clone());
    figures(without) != figures(with)
}

/// Where a segment's line stands; `None` where no line decides the tier, or nothing is paid.
fn standing(window: Window, segment: &SegmentEarnings) -> Option<Standing> {
    let rates = segment.rates.as_deref()?;
    if window.kind() == WindowKind::Deal || rates.axis.by_deal() {
        return None;
    }
    let currency = segment.version.plan.currency;
    let quota = segment.quota.as_ref().map(|quota| quota.amount);
    let ground = Ground {
        quota,
        line_decimals: segment.line_unit.decimals(currency),
        minor_digits: currency.minor_digits(),
        base_rate: segment.base_rate.clone(),
    };
    let (tier, missing) = Ladder::lay(rates, &ground)?.standing(&segment.position);
    let next = rates.tiers.get(tier + 1).copied().zip(missing);
    Some(Standing {
        unit: segment.line_unit,
        line: segment.position.clone(),
        percent: attainment::percent(&segment.position, quota),
        axis: rates.axis,
        pays: rates.pays,
        tier: rates.tiers.get(tier).copied()?,
        next,
    })
}
