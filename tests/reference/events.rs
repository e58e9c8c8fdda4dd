//! Semantics 5: what each event of a deal is worth, and what its reversals take back.

use std::collections::{BTreeMap, BTreeSet};

use attain::domain::date::Day;
use attain::domain::deal::{Deal, DealEvent, EventKind};
use attain::domain::measure::MeasureValue;

use crate::fractions::{Q, away, ratio, whole};

/// An event, or what a reversal takes back of one. Figures of a reversal are negative.
pub struct Part<'c> {
    pub deal: &'c Deal,
    /// What happened.
    pub event: &'c DealEvent,
    /// What it takes back; the event itself if it is no reversal.
    pub origin: &'c DealEvent,
    amount: i64,
    cost: Option<i64>,
    quantity: Option<i64>,
    count: i64,
}

impl Part<'_> {
    pub fn is_reversal(&self) -> bool {
        self.event.kind.is_reversal()
    }

    /// In minor units or millionths; none where nobody says what it cost or how much it was.
    pub fn value(&self, value: MeasureValue) -> Option<Q> {
        match value {
            MeasureValue::Amount => Some(whole(self.amount)),
            MeasureValue::Margin => self.cost.map(|cost| whole(self.amount) - whole(cost)),
            MeasureValue::Quantity => self.quantity.map(whole),
            MeasureValue::Count => Some(whole(self.count * 1_000_000)),
            MeasureValue::Expression(_) => None,
        }
    }
}

/// The parts of a deal dated from `first` up to `through`, and what its reversals leave open.
pub fn parts(deal: &Deal, first: Day, through: Day) -> (Vec<Part<'_>>, BTreeSet<String>) {
    let mut events: Vec<&DealEvent> = deal.events.iter().collect();
    events.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
    let (reversals, origins): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.kind.is_reversal());
    let mut parts: Vec<Part<'_>> = origins.iter().map(|event| origin(deal, &origins, event)).collect();
    let mut problems = BTreeSet::new();
    let mut taken: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let counts = |day: Day| first <= day && day <= through;
    for reversal in reversals.into_iter().filter(|reversal| counts(reversal.day)) {
        for (of, amount) in targets(&origins, reversal, &mut problems) {
            let part = parts.iter().find(|part| part.event.id == of.id).unwrap();
            let taken = taken.entry(of.id.as_str()).or_default();
            let whole = of.amount.unwrap();
            let before: i64 = taken.iter().sum();
            let amount = amount.unwrap_or(whole - before);
            if before + amount > whole {
                problems.insert(format!("{}: {} takes back too much of {}", deal.id, reversal.id, of.id));
            }
            if reversal.day < of.day {
                problems.insert(format!("{}: {} is before {}", deal.id, reversal.id, of.id));
            }
            let untouched = taken.is_empty();
            let share = |figure: i64| -split(figure, before, amount, whole, untouched);
            let gone = before + amount == whole && (amount > 0 || untouched);
            let (cost, quantity) = (part.cost.map(share), part.quantity.map(share));
            let count = if gone { -part.count } else { 0 };
            taken.push(amount);
            parts.push(Part { deal, event: reversal, origin: of, amount: -amount, cost, quantity, count });
        }
    }
    parts.retain(|part| counts(part.event.day) && counts(part.origin.day));
    (parts, problems)
}

/// What falls on the next `amount` of `whole` after `before`; the first of nothing has all.
fn split(figure: i64, before: i64, amount: i64, whole: i64, first: bool) -> i64 {
    if whole == 0 {
        return if first { figure } else { 0 };
    }
    let upto = |amount: i64| away(&(ratio(figure, whole) * crate::fractions::whole(amount)));
    i64::try_from(upto(before + amount) - upto(before)).unwrap()
}

fn origin<'c>(deal: &'c Deal, origins: &[&'c DealEvent], event: &'c DealEvent) -> Part<'c> {
    let alike: Vec<&DealEvent> = origins.iter().copied().filter(|other| other.kind == event.kind).collect();
    let cost = of_deal(&alike, event, deal.cost, |event| event.cost);
    let quantity = deal.quantity.map(|quantity| quantity.0);
    let quantity = of_deal(&alike, event, quantity, |event| event.quantity.map(|quantity| quantity.0));
    let count = i64::from(alike[0].id == event.id);
    Part { deal, event, origin: event, amount: event.amount.unwrap(), cost, quantity, count }
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
    let amount = |event: &&&DealEvent| event.amount.unwrap();
    let before = silent[..place].iter().map(amount).sum();
    let all = silent.iter().map(amount).sum();
    Some(split(figure?, before, event.amount.unwrap(), all, place == 0))
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
