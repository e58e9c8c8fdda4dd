//! How far a payee is: a measure's figure in a window against the window's quota (semantics 7).

use std::ops::Range;

use crate::domain::date::{Day, Window};
use crate::domain::exact::Exact;
use crate::domain::id::MeasureId;
use crate::domain::measure::Unit;
use crate::domain::money::Currency;

use super::credit::Selector;
use super::pace::{self, Pace};
use super::problem::Problem;
use super::quota::{Quotas, weight};
use super::{Calculation, outside, segment};

/// A payee's credits and quota in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attainment {
    /// What both are in.
    pub unit: Unit,
    /// What is dated from the window's start up to and including the day asked for: credits, each entry on its own date,
    /// or the combined values of an outside measure; minor units or millionths. `None`: an outside measure without a
    /// value so far.
    pub credited: Option<Exact>,
    /// The currency of both, if they are money: what the payee is paid in on the day asked for.
    pub currency: Currency,
    /// Effective quota of the days that the payee is assigned, minor units or millionths; `None` if none is set.
    pub quota: Option<i128>,
    /// How fast the payee goes; of a measure whose values do not add up only what has passed and is left.
    pub pace: Pace,
}

impl Attainment {
    /// Credited in percent of the quota; `None` over a zero or missing quota, and without a value.
    pub fn percent(&self) -> Option<Exact> {
        percent(self.credited.as_ref()?, self.quota)
    }
}

/// `credited x 100 / quota`; undefined over zero.
pub fn percent(credited: &Exact, quota: Option<i128>) -> Option<Exact> {
    let quota = quota.filter(|quota| *quota > 0)?;
    credited.mul(&Exact::whole(100)).div(&Exact::whole(quota))
}

/// The attainment of a payee, by index, in a window, by what is dated up to and including a day that the calculation
/// reaches; `None` if the measure is not defined.
pub fn attainment(
    calculation: &Calculation,
    payee: u32,
    measure: &MeasureId,
    window: Window,
    on: Day,
) -> Result<Option<Attainment>, Problem> {
    let facts = calculation.facts;
    let Some(defined) = facts.measures.get(measure) else { return Ok(None) };
    let currency = facts.paid_in(payee, on);
    let (from, to) = (window.start(), window.end().min(on.next()));
    let credited = match calculation.selector(measure) {
        Some(selector) => Some(credited(calculation, payee, &selector, currency, from..to)?),
        None => outside::combined(facts, payee, measure, from, to),
    };
    let quotas = Quotas::of(facts, payee, measure, currency);
    let quota = quotas.effective(window).map_err(|fault| fault.problem(facts.payee_id(payee), measure))?;
    let (days, weights) = (pace::assigned(facts, payee, window), quotas.seasonality(window));
    let elapsed = pace::elapsed(|period| weight(&facts.calendar, weights, period), window, &days, on);
    let left = pace::days_left(&days, on);
    let pace = match pace::adds_up(defined) {
        true => Pace::of(credited.as_ref(), quota.map(Exact::whole).as_ref(), elapsed, left),
        false => Pace { elapsed, days_left: left, ..Pace::default() },
    };
    Ok(Some(Attainment { unit: defined.unit(), credited, currency, quota, pace }))
}

/// The sum of a payee's credits on some days, in a currency.
fn credited(
    calculation: &Calculation,
    payee: u32,
    selector: &Selector,
    currency: Currency,
    days: Range<Day>,
) -> Result<Exact, Problem> {
    let dated = dated(calculation, payee, selector, currency, days)?;
    Ok(dated.iter().fold(Exact::ZERO, |sum, (_, value)| sum.add(value)))
}

/// A payee's credits on some days, in a currency, each with its own date.
pub(super) fn dated(
    calculation: &Calculation,
    payee: u32,
    selector: &Selector,
    currency: Currency,
    days: Range<Day>,
) -> Result<Vec<(Day, Exact)>, Problem> {
    let Calculation { facts, book, .. } = calculation;
    let credits = selector.credits(facts, book, payee).into_iter();
    let dated = credits.map(|credit| (book.entry(credit.entry).day, credit));
    let counted = dated.filter(|(day, _)| days.contains(day));
    counted.map(|(day, credit)| Ok((day, selector.value(book, &credit, currency)?))).collect()
}

/// The measures that a payee has a quota for or is paid on, by id.
pub fn measures(calculation: &Calculation, payee: u32) -> Vec<MeasureId> {
    let facts = calculation.facts;
    let versions = segment::spans(facts, payee).into_iter().filter_map(|span| span.version);
    let read = versions.flat_map(|version| {
        version
            .plan
            .components
            .iter()
            .flat_map(|component| component.measures().into_iter().map(|(_, measure)| measure.clone()))
    });
    let quotas = facts.quotas.keys().filter(|(owner, _)| *owner == payee).map(|(_, measure)| measure.clone());
    let mut measures: Vec<_> = read.chain(quotas).collect();
    measures.sort();
    measures.dedup();
    measures
}
