//! What open deals are expected to bring to the rest of a window: the forecast weighted by pipeline.
//!
//! `forecast = credited + sum of amount x percent x probability` over the open deals that are expected to close after the
//! day asked for within the window and that the measure would count for the payee, by its roles and levels. Whose an open
//! deal is, is told from it as from its first event; amounts in another currency count at the rates of the day asked for.
//! Only measures that count the amounts of bookings, without a condition, can be told before the booking.

use std::collections::BTreeMap;

use crate::domain::date::{Day, Window};
use crate::domain::deal::EventKind;
use crate::domain::exact::Exact;
use crate::domain::facts::{Facts, OpenCredit};
use crate::domain::id::MeasureId;
use crate::domain::measure::MeasureValue;
use crate::domain::money::Currency;

use super::{Calculation, gauge};

/// Why an open deal adds nothing to a forecast that it may belong in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It does not say when it is expected to close.
    NoCloseDate,
    /// It was expected to close by the day asked for.
    Overdue,
    /// It states no probability.
    NoProbability,
    /// It states no amount, or one that cannot be converted.
    NoAmount,
}

/// What open deals bring, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Deals that are expected to close in time, each with the part of its amount that would count; minor units.
    pub open: BTreeMap<u32, Exact>,
    /// Those of them that count, each with what it is expected to bring; minor units.
    pub expected: BTreeMap<u32, Exact>,
    /// Deals left out.
    pub left_out: BTreeMap<u32, LeftOut>,
}

impl Outlook {
    /// What all of them are expected to bring.
    pub fn weighted(&self) -> Exact {
        total(&self.expected)
    }

    /// What all that may close in time would bring, however probable.
    pub fn unweighted(&self) -> Exact {
        total(&self.open)
    }

    /// Takes in what is expected of others: of a deal that several share the sum.
    pub fn join(&mut self, other: &Outlook) {
        for (into, parts) in [(&mut self.open, &other.open), (&mut self.expected, &other.expected)] {
            parts.iter().for_each(|(deal, part)| add(into, *deal, part));
        }
        self.left_out.extend(&other.left_out);
    }
}

/// What open deals bring a payee, by index, in the rest of a window; `counts` says on which days what it has is counted.
/// `None` of a measure that cannot be told before the booking.
pub fn outlook(
    calculation: &Calculation,
    payee: u32,
    measure: &MeasureId,
    window: Window,
    on: Day,
    currency: Currency,
    counts: impl Fn(Day) -> bool,
) -> Option<Outlook> {
    let facts = calculation.facts;
    let selection = facts.measures.get(measure)?.selection()?;
    let told = selection.event == EventKind::Booked && selection.value == MeasureValue::Amount;
    let selector = calculation.selector(measure).filter(|_| told && selection.condition.is_none())?;
    let (direct, levels) = selector.reach();
    let mut outlook = Outlook::default();
    let mut tell = |credit: &OpenCredit| {
        let closes = facts.closed(credit.deal);
        let day = closes.unwrap_or(on);
        if day < window.end() && facts.is_assigned(credit.share.payee, day) && counts(day) {
            outlook.tell(facts, credit, on, currency);
        }
    };
    if direct {
        let own = facts.open_credits(payee).iter();
        own.filter(|credit| selector.takes(facts, &credit.share, false)).for_each(&mut tell);
    }
    if let Some(levels) = levels {
        for below in facts.under(payee).into_iter().filter(|below| *below != payee) {
            let rolls_up = |credit: &&OpenCredit| {
                let day = facts.closed(credit.deal).unwrap_or(on);
                let mut above = facts.above(below, day).iter().take(levels);
                selector.takes(facts, &credit.share, true) && above.any(|manager| *manager == payee)
            };
            facts.open_credits(below).iter().filter(rolls_up).for_each(&mut tell);
        }
    }
    Some(outlook)
}

impl Outlook {
    fn tell(&mut self, facts: &Facts, credit: &OpenCredit, on: Day, currency: Currency) {
        let OpenCredit { deal, share } = *credit;
        let amount = facts.worth(deal).amount;
        let amount =
            amount.and_then(|amount| facts.exchange.convert(amount, facts.currency(deal), currency, on).ok());
        let why = match (facts.closed(deal), amount) {
            (None, _) => LeftOut::NoCloseDate,
            (Some(day), _) if day <= on => LeftOut::Overdue,
            (Some(_), None) => LeftOut::NoAmount,
            (Some(_), Some(amount)) => {
                let part = Exact::whole(i128::from(amount)).mul(&gauge::part(share.percent));
                add(&mut self.open, deal, &part);
                match facts.probability(deal) {
                    Some(chance) => return add(&mut self.expected, deal, &part.mul(&chance)),
                    None => LeftOut::NoProbability,
                }
            }
        };
        self.left_out.insert(deal, why);
    }
}

fn add(parts: &mut BTreeMap<u32, Exact>, deal: u32, part: &Exact) {
    let sum = parts.entry(deal).or_insert(Exact::ZERO);
    *sum = sum.add(part);
}

fn total(parts: &BTreeMap<u32, Exact>) -> Exact {
    parts.values().fold(Exact::ZERO, |sum, part| sum.add(part))
}
