//! What entries count besides their amounts: cost, quantity, and the deal itself (semantics 5 and 6).
//!
//! An event that states no cost or quantity has its part of the deal's, and a reversal has its part of the
//! event's; parts are rounded cumulatively, half away from zero, so that they sum to their whole.

use std::collections::BTreeMap;

use crate::domain::condition::{Field, Formula};
use crate::domain::deal::EventKind;
use crate::domain::exact::Exact;
use crate::domain::facts::{Facts, Worth};
use crate::domain::measure::{Measure, MeasureValue, Selection};
use crate::domain::money::Rounding;
use crate::domain::number::Quantity;

use super::book::Entry;

/// By entry; of those values only that some measure counts.
#[derive(Default)]
pub struct Figures {
    costs: Vec<Option<i64>>,
    /// By entry that takes another back: what the ones before it took of that one's cost.
    costs_taken: BTreeMap<u32, i64>,
    quantities: Vec<Option<i64>>,
    counts: Vec<i64>,
}

impl Figures {
    /// Works out what the measures of `facts` count of the entries of `events`, or every figure: with any event all of
    /// its deal.
    pub(super) fn of(facts: &Facts, events: &[u32], entries: &[Entry], every: bool) -> Self {
        let selections = || facts.measures.values().filter_map(Measure::selection);
        let counted = |value| selections().any(|selection| selection.value == value);
        let read: Vec<&Field> =
            selections().flat_map(Selection::formulas).flat_map(Formula::fields).collect();
        let margin = every || counted(MeasureValue::Margin) || read.contains(&&Field::EventCost);
        let quantity = every || counted(MeasureValue::Quantity) || read.contains(&&Field::EventQuantity);
        let mut figures = Figures::default();
        if !(margin || quantity || counted(MeasureValue::Count)) {
            return figures;
        }
        let groups = Groups::of(facts, events);
        if margin {
            let parts = groups.parts(facts, events, |worth| worth.cost);
            (figures.costs, figures.costs_taken) = with_reversals(facts, entries, &parts);
        }
        if quantity {
            let parts =
                groups.parts(facts, events, |worth| worth.quantity.map(|Quantity(millionths)| millionths));
            figures.quantities = with_reversals(facts, entries, &parts).0;
        }
        if counted(MeasureValue::Count) {
            figures.counts = counts(facts, entries, &groups);
        }
        figures
    }

    /// What an entry costs, minor units of its deal's currency; and of one that takes another back, what those before it
    /// took of that one's cost.
    pub fn cost(&self, entry: u32) -> Option<(i64, i64)> {
        let cost = self.costs.get(entry as usize).copied().flatten()?;
        Some((cost, self.costs_taken.get(&entry).copied().unwrap_or_default()))
    }

    /// How many units an entry is, millionths.
    pub fn quantity(&self, entry: u32) -> Option<i64> {
        self.quantities.get(entry as usize).copied().flatten()
    }

    /// One, in millionths, where an entry is its deal's first of the type; minus one where it takes that back.
    pub fn count(&self, entry: u32) -> i64 {
        self.counts.get(entry as usize).copied().unwrap_or_default()
    }
}

/// Events by deal and type, in order.
struct Groups(Vec<u32>);

impl Groups {
    fn of(facts: &Facts, events: &[u32]) -> Self {
        let fact = |event: &u32| &facts.events[*event as usize];
        let mut order: Vec<u32> =
            events.iter().copied().filter(|event| !fact(event).kind.is_reversal()).collect();
        order.sort_unstable_by_key(|event| (fact(event).deal, fact(event).kind, *event));
        Groups(order)
    }

    fn each<'a>(&'a self, facts: &'a Facts) -> impl Iterator<Item = &'a [u32]> {
        let key = |event: &u32| (facts.events[*event as usize].deal, facts.events[*event as usize].kind);
        self.0.chunk_by(move |a, b| key(a) == key(b))
    }

    /// What each event states, or its part of what its deal states.
    fn parts<'a>(
        &self,
        facts: &Facts,
        events: &'a [u32],
        stated: impl Fn(&Worth) -> Option<i64>,
    ) -> Parts<'a> {
        let mut parts = Parts { events, figures: vec![None; events.len()] };
        for group in self.each(facts) {
            let worth = |event: &u32| &facts.events[*event as usize].worth;
            for event in group {
                parts.set(*event, stated(worth(event)));
            }
            let rest: Vec<u32> =
                group.iter().copied().filter(|event| stated(worth(event)).is_none()).collect();
            let deal = group.first().map(|event| facts.events[*event as usize].deal);
            let Some(whole) = deal.and_then(|deal| stated(&facts.worth(deal))) else { continue };
            let amount = |event: &u32| i128::from(worth(event).amount.unwrap_or_default());
            let of: i128 = rest.iter().map(amount).sum();
            let mut upto = Upto::new(whole, of);
            for event in &rest {
                parts.set(*event, upto.next(amount(event)));
            }
        }
        parts
    }
}

/// What each of some events, in order, states or has a part of.
struct Parts<'a> {
    events: &'a [u32],
    figures: Vec<Option<i64>>,
}

impl Parts<'_> {
    /// Where an event stands; of all events, at its own index.
    fn place(&self, event: u32) -> Option<usize> {
        let at = event as usize;
        if self.events.get(at) == Some(&event) { Some(at) } else { self.events.binary_search(&event).ok() }
    }

    fn set(&mut self, event: u32, figure: Option<i64>) {
        if let Some(place) = self.place(event)
            && let Some(kept) = self.figures.get_mut(place)
        {
            *kept = figure;
        }
    }

    fn get(&self, event: u32) -> Option<i64> {
        self.figures.get(self.place(event)?).copied().flatten()
    }
}

/// Hands out a whole in the ratio of amounts, cumulatively rounded.
struct Upto {
    whole: i64,
    of: i128,
    amount: i128,
    given: i128,
}

impl Upto {
    fn new(whole: i64, of: i128) -> Self {
        Upto { whole, of, amount: 0, given: 0 }
    }

    /// The part of the next amount. Where all amounts are zero the first has the whole.
    fn next(&mut self, amount: i128) -> Option<i64> {
        self.amount += amount;
        let whole = Exact::whole(i128::from(self.whole));
        let upto = match self.of {
            0 => i128::from(self.whole),
            of => whole
                .mul(&Exact::whole(self.amount))
                .div(&Exact::whole(of))?
                .round(Rounding::HalfAwayFromZero)
                .ok()?,
        };
        let part = upto - self.given;
        self.given = upto;
        i64::try_from(part).ok()
    }
}

/// Gives reversals their parts of the figures of the events they take back, by entry.
pub(super) fn take_back(facts: &Facts, entries: &[Entry], figures: &mut [i64]) {
    let mut taken: BTreeMap<u32, Upto> = BTreeMap::new();
    for (place, entry) in (0_u32..).zip(entries).filter(|(place, entry)| entry.origin != *place) {
        let whole = figures[entry.origin as usize];
        let origin = &facts.events[entries[entry.origin as usize].event as usize];
        let of = i128::from(origin.worth.amount.unwrap_or_default());
        let taken = taken.entry(entry.origin).or_insert_with(|| Upto::new(whole, of));
        // A part of a whole that fits does too.
        figures[place as usize] = taken.next(-i128::from(entry.amount)).map_or(0, |part| -part);
    }
}

/// The figures of events with those of what takes them back, by entry; and what was taken before each of these.
fn with_reversals(facts: &Facts, entries: &[Entry], parts: &Parts) -> (Vec<Option<i64>>, BTreeMap<u32, i64>) {
    let mut before = BTreeMap::new();
    let mut taken: BTreeMap<u32, Upto> = BTreeMap::new();
    let figure = |(place, entry): (u32, &Entry)| {
        let origin = entries[entry.origin as usize].event;
        let whole = parts.get(origin)?;
        if entry.origin == place {
            return Some(whole);
        }
        let of = || i128::from(facts.events[origin as usize].worth.amount.unwrap_or_default());
        let taken = taken.entry(entry.origin).or_insert_with(|| Upto::new(whole, of()));
        before.extend(i64::try_from(taken.given).ok().map(|given| (place, given)));
        taken.next(-i128::from(entry.amount)).map(|part| -part)
    };
    let figures = (0_u32..).zip(entries).map(figure).collect();
    (figures, before)
}

/// One at a deal's first event of each type, minus one at the reversal that completes its taking back.
fn counts(facts: &Facts, entries: &[Entry], groups: &Groups) -> Vec<i64> {
    let firsts: BTreeMap<(u32, EventKind), u32> = groups
        .each(facts)
        .filter_map(|group| group.first())
        .map(|event| ((facts.events[*event as usize].deal, facts.events[*event as usize].kind), *event))
        .collect();
    // A reversal may stand before what it takes back: on one day the ids decide.
    let plain = (0_u32..).zip(entries).filter(|(place, entry)| entry.origin == *place);
    let mut left: BTreeMap<u32, i64> = plain.map(|(place, entry)| (place, entry.amount)).collect();
    let Quantity(one) = Quantity::ONE;
    let count = |(place, entry): (u32, &Entry)| {
        let origin = &entries[entry.origin as usize];
        if firsts.get(&(entry.deal, entry.kind)) != Some(&origin.event) {
            return 0;
        }
        if entry.origin == place {
            return one;
        }
        match left.get(&entry.origin).map(|left| left + entry.amount) {
            Some(0) => {
                left.remove(&entry.origin);
                -one
            }
            Some(rest) => {
                left.insert(entry.origin, rest);
                0
            }
            // Taken back before.
            None => 0,
        }
    };
    (0_u32..).zip(entries).map(count).collect()
}
