//! Semantics 5: what each event of a deal is worth, and what its reversals take back.

use std::collections::{BTreeMap, BTreeSet};

use attain::domain::date::Day;
use attain::domain::deal::{Deal, DealEvent, EventKind};
use attain::domain::id::MeasureId;
use attain::domain::measure::{MeasureValue, Unit};
use attain::domain::money::Currency;

use crate::company::Company;
use crate::fractions::{Q, away, minor_units, ratio, whole};

/// An event, or what a reversal takes back of one.
pub struct Part<'c> {
    pub deal: &'c Deal,
    /// What happened.
    pub event: &'c DealEvent,
    /// What it takes back; the event itself if it is no reversal.
    pub origin: &'c DealEvent,
    /// What of the origin's amount was taken back before, and is by now; of an event nothing.
    taken: Option<(Taken, Taken)>,
}

/// How much of an event was taken back: its amount, and whether anything took it back.
#[derive(Clone, Copy)]
struct Taken {
    amount: i64,
    touched: bool,
}

impl Part<'_> {
    pub fn is_reversal(&self) -> bool {
        self.event.kind.is_reversal()
    }

    /// What falls on this part of a figure of the event: all of it, or below zero what a reversal takes back of it. Either
    /// is `told` first, what is taken back cumulatively.
    fn of(&self, figure: i64, told: impl Fn(i64) -> Option<Q>) -> Option<Q> {
        let upto = |taken: Taken| {
            let whole = self.origin.amount.unwrap();
            told(match whole {
                0 if taken.touched => figure,
                0 => 0,
                _ => {
                    i64::try_from(away(&ratio(i128::from(figure) * i128::from(taken.amount), whole))).unwrap()
                }
            })
        };
        match self.taken {
            None => told(figure),
            Some((before, now)) => Some(upto(before)? - upto(now)?),
        }
    }

    /// In millionths.
    fn count(&self) -> Q {
        let alike = self.deal.events.iter().filter(|event| event.kind == self.origin.kind);
        let first = alike.min_by_key(|event| (event.day, &event.id)).unwrap();
        let counts = match self.taken {
            _ if first.id != self.origin.id => 0,
            None => 1,
            Some((before, now)) => {
                let gone = |taken: Taken| taken.touched && Some(taken.amount) == self.origin.amount;
                i64::from(gone(before)) - i64::from(gone(now))
            }
        };
        whole(counts * 1_000_000)
    }
}

impl Company {
    /// What a part counts in a measure, in minor units of a currency or millionths; or what its deal lacks.
    pub fn value(&self, part: &Part<'_>, id: &MeasureId, currency: Currency) -> Result<Q, String> {
        let Part { deal, origin, .. } = part;
        let unrated = || format!("{}: no rate of {} or {currency} on {}", deal.id, deal.currency, origin.day);
        let unstated = || format!("{} states no cost or quantity", deal.id);
        let plain = |figure: i64| Some(whole(figure));
        // Of all that was taken back so far, so that taking back the whole leaves nothing.
        let converted = |minor: i64| self.converted(minor, deal.currency, currency, origin.day).map(whole);
        let amount = || part.of(origin.amount.unwrap(), converted).ok_or_else(unrated);
        let (cost, quantity) = worth(deal, origin);
        match self.measure(id).selection().unwrap().value {
            MeasureValue::Amount => amount(),
            MeasureValue::Margin => {
                let cost = cost.ok_or_else(unstated)?;
                Ok(amount()? - part.of(cost, converted).ok_or_else(unrated)?)
            }
            MeasureValue::Quantity => Ok(part.of(quantity.ok_or_else(unstated)?, plain).unwrap()),
            MeasureValue::Count => Ok(part.count()),
            MeasureValue::Expression(unit) => {
                let millionths = part.of(self.expressed(id, deal, origin), plain).unwrap();
                match unit {
                    Unit::Number => Ok(millionths),
                    // Money of the deal's currency, in major units. It is no amount of minor units before or after.
                    Unit::Money => self
                        .exactly(&(millionths / whole(1_000_000)), deal.currency, currency, origin.day)
                        .map(|major| major * minor_units(currency))
                        .ok_or_else(unrated),
                }
            }
        }
    }
}

/// The parts of a deal dated from `first` up to `through`, and what its reversals leave open.
pub fn parts<'c>(deal: &'c Deal, first: Day, through: Day) -> (Vec<Part<'c>>, BTreeSet<String>) {
    let mut events: Vec<&DealEvent> = deal.events.iter().collect();
    events.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
    let (reversals, origins): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.kind.is_reversal());
    let origin = |event: &&'c DealEvent| Part { deal, event, origin: event, taken: None };
    let mut parts: Vec<Part<'c>> = origins.iter().map(origin).collect();
    let mut problems = BTreeSet::new();
    let mut taken: BTreeMap<&str, Taken> = BTreeMap::new();
    let counts = |day: Day| first <= day && day <= through;
    for reversal in reversals.into_iter().filter(|reversal| counts(reversal.day)) {
        for (of, amount) in targets(&origins, reversal, &mut problems) {
            let before = taken.get(of.id.as_str()).copied().unwrap_or(Taken { amount: 0, touched: false });
            let whole = of.amount.unwrap();
            let now =
                Taken { amount: before.amount + amount.unwrap_or(whole - before.amount), touched: true };
            if now.amount > whole {
                problems.insert(format!("{}: {} takes back too much of {}", deal.id, reversal.id, of.id));
            }
            if reversal.day < of.day {
                problems.insert(format!("{}: {} is before {}", deal.id, reversal.id, of.id));
            }
            taken.insert(of.id.as_str(), now);
            parts.push(Part { deal, event: reversal, origin: of, taken: Some((before, now)) });
        }
    }
    parts.retain(|part| counts(part.event.day) && counts(part.origin.day));
    (parts, problems)
}

/// What an event costs, in minor units of its deal's currency, and how much it is, in millionths: its own, or its part of
/// the deal's. None where nobody says.
pub fn worth(deal: &Deal, event: &DealEvent) -> (Option<i64>, Option<i64>) {
    let mut alike: Vec<&DealEvent> = deal.events.iter().filter(|other| other.kind == event.kind).collect();
    alike.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
    let quantity = deal.quantity.map(|quantity| quantity.0);
    let cost = of_deal(&alike, event, deal.cost, |event| event.cost);
    (cost, of_deal(&alike, event, quantity, |event| event.quantity.map(|quantity| quantity.0)))
}

/// An event's own figure, else its part of the deal's over those of its type that state none.
fn of_deal(
    alike: &[&DealEvent],
    event: &DealEvent,
    figure: Option<i64>,
    own: impl Fn(&DealEvent) -> Option<i64>,
) -> Option<i64> {
    if let Some(own) = own(event) {
        return Some(own);
    }
    let silent: Vec<_> = alike.iter().filter(|event| own(event).is_none()).collect();
    let place = silent.iter().position(|other| other.id == event.id).unwrap();
    let sum =
        |events: &[&&DealEvent]| events.iter().map(|event| i128::from(event.amount.unwrap())).sum::<i128>();
    let (figure, all) = (figure?, sum(&silent));
    // The first of nothing has all.
    let upto = |count: usize| match all {
        0 if count > 0 => i128::from(figure),
        0 => 0,
        _ => away(&ratio(i128::from(figure) * sum(&silent[..count]), all)),
    };
    Some(i64::try_from(upto(place + 1) - upto(place)).unwrap())
}

/// The events that a reversal takes back, with how much of each; absent: what is left.
fn targets<'c>(
    origins: &[&'c DealEvent],
    reversal: &'c DealEvent,
    problems: &mut BTreeSet<String>,
) -> Vec<(&'c DealEvent, Option<i64>)> {
    let mut targets = Vec::new();
    for named in &reversal.reverses {
        match origins.iter().find(|event| event.id == named.event) {
            Some(event) => targets.push((*event, named.amount)),
            None => _ = problems.insert(format!("{} names no event {}", reversal.id, named.event)),
        }
    }
    if !reversal.reverses.is_empty() {
        return targets;
    }
    for kind in [EventKind::Booked, EventKind::Invoiced, EventKind::Paid] {
        let known: Vec<_> =
            origins.iter().filter(|event| event.kind == kind && event.day <= reversal.day).collect();
        match known.as_slice() {
            [] => {}
            [event] => targets.push((event, reversal.amount)),
            _ => _ = problems.insert(format!("{} may take back several {}", reversal.id, kind.name())),
        }
    }
    targets
}
