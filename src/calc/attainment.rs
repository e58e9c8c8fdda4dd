//! How far a payee is: credits of a measure in a window against the window's quota (semantics 7).

use crate::domain::date::{Day, Window};
use crate::domain::exact::Exact;
use crate::domain::id::MeasureId;
use crate::domain::plan::Payout;

use super::Calculation;
use super::{quota, segment};

/// A payee's credits and quota in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attainment {
    /// Credited from the window's start to the end of the calculation, each entry on its own date; minor units.
    pub credited: Exact,
    /// Effective quota of the days that the payee is assigned, minor units; `None` if none is set.
    pub quota: Option<i128>,
}

impl Attainment {
    /// Credited in percent of the quota; `None` over a zero or missing quota.
    pub fn percent(&self) -> Option<Exact> {
        percent(&self.credited, self.quota)
    }
}

/// `credited x 100 / quota`; undefined over zero.
pub fn percent(credited: &Exact, quota: Option<i128>) -> Option<Exact> {
    let quota = quota.filter(|quota| *quota > 0)?;
    credited.mul(&Exact::whole(100)).div(&Exact::whole(quota))
}

/// The attainment of a payee, by index, in a window; `None` if the measure is not defined.
pub fn attainment(
    calculation: &Calculation,
    payee: u32,
    measure: &MeasureId,
    window: Window,
) -> Option<Attainment> {
    let Calculation { facts, book, .. } = calculation;
    let credits = calculation.selector(measure)?.credits(facts, book, payee);
    let within = |day: Day| window.start() <= day && day < window.end();
    let credited = credits
        .iter()
        .filter(|credit| within(book.entry(credit.entry).day))
        .fold(Exact::ZERO, |sum, credit| sum.add(&credit.value(book)));
    let mut quota = None;
    for (from, to) in assigned(calculation, payee, window) {
        let part = quota::effective(facts, payee, measure, window, (from, to));
        quota = part.map_or(quota, |part| Some(quota.unwrap_or_default() + part.amount));
    }
    Some(Attainment { credited, quota })
}

/// The days of a window on which a payee has an assignment, adjacent ones joined.
fn assigned(calculation: &Calculation, payee: u32, window: Window) -> Vec<(Day, Day)> {
    let mut days: Vec<(Day, Day)> = Vec::new();
    for assignment in &calculation.facts.payees[payee as usize].assignments {
        let from = assignment.from.max(window.start());
        let to = assignment.to.map_or(window.end(), |to| to.min(window.end()));
        if from >= to {
            continue;
        }
        match days.last_mut().filter(|last| last.1 == from) {
            Some(last) => last.1 = to,
            None => days.push((from, to)),
        }
    }
    days
}

/// The measures that a payee has a quota for or is paid on, by id.
pub fn measures(calculation: &Calculation, payee: u32) -> Vec<MeasureId> {
    let facts = calculation.facts;
    let paid_on = segment::spans(facts, payee).into_iter().flat_map(|span| {
        span.version.plan.components.iter().map(|component| {
            let Payout::Rates(rates) = &component.payout;
            rates.measure.clone()
        })
    });
    let quotas = facts.quotas.keys().filter(|(owner, _)| *owner == payee).map(|(_, measure)| measure.clone());
    let mut measures: Vec<_> = paid_on.chain(quotas).collect();
    measures.sort();
    measures.dedup();
    measures
}
