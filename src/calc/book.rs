//! The book of entries: every event and everything that reversals take back, in the one order that
//! results depend on (semantics 5 and 6), and for each payee the entries it is credited with.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::{Day, Period};
use crate::domain::deal::EventKind;
use crate::domain::exact::Exact;
use crate::domain::exchange::Unconverted;
use crate::domain::facts::{EventFact, Facts, Share};
use crate::domain::measure::MeasureValue;
use crate::domain::money::Currency;

use super::affected;
use super::condition::Decided;
use super::problem::Problem;
use super::worth::Figures;

/// An event, or the part of an event that a reversal takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its own date.
    pub day: Day,
    /// The period of its own date.
    pub period: Period,
    /// Index of the deal.
    pub deal: u32,
    /// Index of the entry it takes back; its own for an event.
    pub origin: u32,
    /// Index of the event, of a reversal the reversing one.
    pub event: u32,
    /// The type it counts as: of a reversal that of the event it takes back.
    pub kind: EventKind,
    /// Minor units of the deal's currency; of a reversal below zero.
    pub amount: i64,
    /// Of a reversal what those before it have taken of the same event, above zero.
    pub taken: i64,
}

/// Entries in order and whose credits they are.
pub struct Book<'f> {
    facts: &'f Facts,
    entries: Vec<Entry>,
    figures: Figures,
    decided: Decided,
    whose: Whose,
    /// By place of the payee in `whose`.
    credited: Vec<Credited>,
    unclear: Vec<Unclear>,
}

/// What the facts leave open about a reversal.
pub(super) struct Unclear {
    /// Index of the reversal.
    pub event: u32,
    /// Index of the event that it is about, if that is known; else its own.
    pub about: u32,
    /// What is open.
    pub problem: Problem,
}

/// Whose credits a book knows.
enum Whose {
    Everyone,
    /// By index, ascending.
    These(Vec<u32>),
}

/// The entries a payee is credited with, in order.
#[derive(Default)]
struct Credited {
    direct: Vec<u32>,
    rolled_up: Vec<u32>,
}

/// An entry before it is known where its origin stands.
struct Draft {
    event: u32,
    origin_event: u32,
    amount: i64,
    taken: i64,
}

impl<'f> Book<'f> {
    /// Opens the book of all events from the first period to the end of `through`.
    pub(super) fn open(facts: &'f Facts, through: Period) -> Self {
        let events: Vec<u32> = (0_u32..).take(facts.events.len()).collect();
        Self::enter_all(facts, through, Whose::Everyone, facts.payees.len(), &events, false)
    }

    /// Opens the book of what some payees and those below them are credited with, or of all events, nobody's credits
    /// noted; with every figure of the entries, whether or not some measure counts it.
    pub(super) fn open_to_look(facts: &'f Facts, through: Period, payees: Option<&[u32]>) -> Self {
        let whose = Whose::These(payees.unwrap_or_default().to_vec());
        let events: Vec<u32> = match payees {
            Some(payees) => {
                let below: BTreeSet<u32> = payees.iter().flat_map(|payee| facts.under(*payee)).collect();
                Self::events_of(facts, below)
            }
            None => (0_u32..).take(facts.events.len()).collect(),
        };
        Self::enter_all(facts, through, whose, payees.map_or(0, <[u32]>::len), &events, true)
    }

    /// Opens the book of the events that some payees and those below them are credited with.
    pub(super) fn open_for(facts: &'f Facts, through: Period, payees: &[u32]) -> Self {
        let payees: BTreeSet<u32> = payees.iter().copied().collect();
        let events = Self::events_of(facts, affected::read_by(facts, payees.iter().copied()));
        let count = payees.len();
        let whose = Whose::These(payees.into_iter().collect());
        Self::enter_all(facts, through, whose, count, &events, false)
    }

    /// The events that some payees are credited with, in order.
    fn events_of(facts: &Facts, payees: BTreeSet<u32>) -> Vec<u32> {
        let mut events: Vec<u32> =
            payees.into_iter().flat_map(|payee| facts.events_of(payee).iter().copied()).collect();
        events.sort_unstable();
        events.dedup();
        events
    }

    fn enter_all(
        facts: &'f Facts,
        through: Period,
        whose: Whose,
        count: usize,
        events: &[u32],
        every_figure: bool,
    ) -> Self {
        let mut book = Book {
            facts,
            entries: Vec::new(),
            figures: Figures::default(),
            decided: Decided::new(facts),
            whose,
            credited: Vec::new(),
            unclear: Vec::new(),
        };
        book.credited.resize_with(count, Credited::default);
        let span = facts.calendar.first_period.start()..through.end();
        let drafts = book.drafts(&span, events);
        book.enter(&drafts);
        book.figures = Figures::of(facts, events, &book.entries, every_figure);
        if count > 0 {
            book.credit();
        }
        book
    }

    /// Where a payee's credits are noted; `None` for those the book was not opened for.
    fn place(&self, payee: u32) -> Option<usize> {
        match &self.whose {
            Whose::Everyone => Some(payee as usize),
            Whose::These(payees) => payees.binary_search(&payee).ok(),
        }
    }

    /// Events as they are and reversals cut into what they take back, in order.
    fn drafts(&mut self, span: &std::ops::Range<Day>, events: &[u32]) -> Vec<Draft> {
        let facts = self.facts;
        let all = || events.iter().map(|index| (*index, &facts.events[*index as usize]));
        let reversed_deals: BTreeSet<u32> =
            all().filter(|(_, event)| event.kind.is_reversal()).map(|(_, event)| event.deal).collect();
        let mut events_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (index, event) in all() {
            if !event.kind.is_reversal() && reversed_deals.contains(&event.deal) {
                events_of.entry(event.deal).or_default().push(index);
            }
        }
        let mut left: BTreeMap<u32, i64> = BTreeMap::new();
        let mut drafts = Vec::with_capacity(events.len());
        for (index, event) in all() {
            if !span.contains(&event.day) {
                continue;
            }
            if !event.kind.is_reversal() {
                let amount = event.worth.amount.unwrap_or_default();
                drafts.push(Draft { event: index, origin_event: index, amount, taken: 0 });
                continue;
            }
            let candidates = events_of.get(&event.deal).map_or(&[][..], Vec::as_slice);
            let mut taken = self.taken_back(index, event, candidates);
            // The order of what is taken back, not of a list somebody wrote.
            taken.sort_by_key(|(origin_event, _)| *origin_event);
            for (origin_event, amount) in taken {
                let origin = &facts.events[origin_event as usize];
                let whole = origin.worth.amount.unwrap_or_default();
                let remaining = left.entry(origin_event).or_insert(whole);
                let amount = amount.unwrap_or(*remaining);
                if amount > *remaining {
                    let problem = Problem::ReversalExceeds {
                        deal: facts.deal_id(event.deal).to_string(),
                        event: facts.event_id(index).to_string(),
                        names: facts.event_id(origin_event).to_string(),
                    };
                    self.unclear.push(Unclear { event: index, about: origin_event, problem });
                    continue;
                }
                let taken = whole - *remaining;
                *remaining -= amount;
                // What happened before the first period does not exist for pay, nor does taking it back.
                if span.contains(&origin.day) {
                    drafts.push(Draft { event: index, origin_event, amount: -amount, taken });
                }
            }
        }
        drafts
    }

    /// The events that a reversal takes back, with the amounts it states.
    fn taken_back(&mut self, index: u32, event: &EventFact, candidates: &[u32]) -> Vec<(u32, Option<i64>)> {
        let facts = self.facts;
        let (deal, name) = (|| facts.deal_id(event.deal).to_string(), || facts.event_id(index).to_string());
        let mut taken = Vec::new();
        let mut listed = false;
        for (names, amount) in facts.reversed(event) {
            listed = true;
            let found = candidates.iter().copied().find(|origin| facts.event_id(*origin) == names);
            let Some(origin) = found else {
                let (deal, event, names) = (deal(), name(), names.to_string());
                let problem = Problem::ReversalUnknown { deal, event, names };
                self.unclear.push(Unclear { event: index, about: index, problem });
                continue;
            };
            let day = facts.events[origin as usize].day;
            if day > event.day {
                let (deal, event, names) = (deal(), name(), names.to_string());
                let problem = Problem::ReversalEarly { deal, event, names, day };
                self.unclear.push(Unclear { event: index, about: origin, problem });
                continue;
            }
            taken.push((origin, amount));
        }
        if listed {
            return taken;
        }
        for kind in EventKind::ALL {
            let mut before = candidates.iter().copied().filter(|origin| {
                let origin = &facts.events[*origin as usize];
                origin.kind == kind && origin.day <= event.day
            });
            match (before.next(), before.next()) {
                (Some(origin), None) => taken.push((origin, event.worth.amount)),
                (Some(first), Some(_)) => {
                    let (deal, event) = (deal(), name());
                    let problem = Problem::ReversalAmbiguous { deal, event, kind: kind.name() };
                    self.unclear.push(Unclear { event: index, about: first, problem });
                }
                (None, _) => {}
            }
        }
        taken
    }

    /// Gives every draft its place and its origin's.
    fn enter(&mut self, drafts: &[Draft]) {
        let mut place_of: BTreeMap<u32, u32> = BTreeMap::new();
        let reversals = drafts.iter().filter(|draft| draft.origin_event != draft.event);
        let taken: BTreeSet<u32> = reversals.map(|draft| draft.origin_event).collect();
        if !taken.is_empty() {
            let events = (0_u32..).zip(drafts).filter(|(_, draft)| draft.origin_event == draft.event);
            let events = events.filter(|(_, draft)| taken.contains(&draft.event));
            place_of.extend(events.map(|(place, draft)| (draft.event, place)));
        }
        for (place, draft) in (0_u32..).zip(drafts) {
            let reversal = draft.origin_event != draft.event;
            let origin = if reversal { place_of.get(&draft.origin_event).copied() } else { Some(place) };
            let event = &self.facts.events[draft.event as usize];
            self.entries.push(Entry {
                day: event.day,
                period: event.day.period(),
                deal: event.deal,
                origin: origin.unwrap_or(place),
                event: draft.event,
                kind: self.facts.events[draft.origin_event as usize].kind,
                amount: draft.amount,
                taken: draft.taken,
            });
        }
    }

    /// Notes for the payees the book is opened for the entries they are credited with: their own, and those of
    /// all below them.
    fn credit(&mut self) {
        let facts = self.facts;
        let note = |list: &mut Vec<u32>, entry: u32| {
            if list.last() != Some(&entry) {
                list.push(entry);
            }
        };
        for entry in (0_u32..).take(self.entries.len()) {
            let day = self.origin_day(entry);
            for share in facts.shares_of(self.origin_event(entry)) {
                if let Some(place) = self.place(share.payee) {
                    note(&mut self.credited[place].direct, entry);
                }
                for manager in facts.above(share.payee, day) {
                    if let Some(place) = self.place(*manager) {
                        note(&mut self.credited[place].rolled_up, entry);
                    }
                }
            }
        }
    }

    /// All entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// An entry.
    pub fn entry(&self, entry: u32) -> &Entry {
        &self.entries[entry as usize]
    }

    /// Entries in which a payee has a split or is the owner, in order.
    pub fn direct(&self, payee: u32) -> &[u32] {
        self.place(payee).map_or(&[], |place| &self.credited[place].direct)
    }

    /// Entries in which someone below a payee is credited, in order.
    pub fn rolled_up(&self, payee: u32) -> &[u32] {
        self.place(payee).map_or(&[], |place| &self.credited[place].rolled_up)
    }

    /// What an entry counts in a measure: minor units of a currency, or millionths. What the deal does not say, or
    /// cannot be converted, is a problem.
    pub fn figure(&self, entry: u32, value: MeasureValue, currency: Currency) -> Result<i64, Problem> {
        let unstated = |figure| self.unstated(entry, figure);
        match value {
            MeasureValue::Amount => self.amount(entry, currency),
            MeasureValue::Margin => {
                let (cost, taken) = self.figures.cost(entry).ok_or_else(|| unstated("cost"))?;
                let cost = self.part(entry, cost, taken, currency)?;
                let margin = self.amount(entry, currency)?.checked_sub(cost);
                margin.ok_or_else(|| self.unconvertible(entry, currency))
            }
            MeasureValue::Quantity => self.figures.quantity(entry).ok_or_else(|| unstated("quantity")),
            MeasureValue::Count => Ok(self.figures.count(entry)),
            // Kept by measure.
            MeasureValue::Expression(_) => Err(unstated("amount")),
        }
    }

    /// The currency that an entry is stated in.
    pub(super) fn currency(&self, entry: u32) -> Currency {
        self.facts.currency(self.deal(entry))
    }

    /// The problem that an entry's deal lacks a figure.
    pub(super) fn unstated(&self, entry: u32, figure: &'static str) -> Problem {
        Problem::unstated(self.facts.deal_id(self.deal(entry)), figure)
    }

    /// The amount of an entry in a currency, minor units.
    fn amount(&self, entry: u32, currency: Currency) -> Result<i64, Problem> {
        let Entry { amount, taken, .. } = *self.entry(entry);
        self.part(entry, amount, taken, currency)
    }

    /// Money of an entry in a currency. What is taken back is converted cumulatively: of all that was taken so far less
    /// of what was taken before, so that taking back the whole leaves nothing (semantics 5).
    fn part(&self, entry: u32, minor: i64, taken: i64, currency: Currency) -> Result<i64, Problem> {
        if self.facts.currency(self.deal(entry)) == currency {
            return Ok(minor);
        }
        if !self.is_reversal(entry) {
            return self.converted(entry, minor, currency);
        }
        let too_large = || self.unconvertible(entry, currency);
        let upto = taken.checked_sub(minor).ok_or_else(too_large)?;
        let (upto, before) =
            (self.converted(entry, upto, currency)?, self.converted(entry, taken, currency)?);
        before.checked_sub(upto).ok_or_else(too_large)
    }

    /// Money of an entry's deal in a currency, at the rates of the entry's date; of what takes another back, of that
    /// one's. Rounded to the minor unit, half away from zero.
    pub fn converted(&self, entry: u32, minor: i64, currency: Currency) -> Result<i64, Problem> {
        let (deal, day) = (self.deal(entry), self.origin_day(entry));
        let from = self.facts.currency(deal);
        self.facts.exchange.convert(minor, from, currency, day).map_err(|fault| match fault {
            Unconverted::NoRate(currency) => {
                Problem::RateMissing { deal: self.facts.deal_id(deal).to_string(), currency, day }
            }
            Unconverted::TooLarge => self.unconvertible(entry, currency),
        })
    }

    /// The same of what is no whole number of minor units: exact, not rounded, so that parts taken back leave nothing.
    pub(super) fn converted_exactly(
        &self,
        entry: u32,
        minor: &Exact,
        currency: Currency,
    ) -> Result<Exact, Problem> {
        self.between(entry, minor, self.currency(entry), currency)
    }

    /// What was made of an entry in one currency, told in another: exact, at the rates that the entry is converted at.
    pub(super) fn told_in(
        &self,
        entry: u32,
        minor: &Exact,
        from: Currency,
        to: Currency,
    ) -> Result<Exact, Problem> {
        // Of nothing nobody needs a rate.
        if minor.is_zero() { Ok(Exact::ZERO) } else { self.between(entry, minor, from, to) }
    }

    fn between(&self, entry: u32, minor: &Exact, from: Currency, to: Currency) -> Result<Exact, Problem> {
        let (deal, day, exchange) = (self.deal(entry), self.origin_day(entry), &self.facts.exchange);
        exchange.exact(minor, from, to, day).ok_or_else(|| {
            let currency = if exchange.on(from, day).is_none() { from } else { to };
            Problem::RateMissing { deal: self.facts.deal_id(deal).to_string(), currency, day }
        })
    }

    fn unconvertible(&self, entry: u32, currency: Currency) -> Problem {
        Problem::Unconvertible { deal: self.facts.deal_id(self.deal(entry)).to_string(), currency }
    }

    /// What an entry costs, minor units of its deal's currency, where some measure counts or reads it and the deal says so.
    pub(super) fn cost(&self, entry: u32) -> Option<i64> {
        self.figures.cost(entry).map(|(cost, _)| cost)
    }

    /// How many units an entry is, millionths, likewise.
    pub(super) fn quantity(&self, entry: u32) -> Option<i64> {
        self.figures.quantity(entry)
    }

    /// What conditions and expressions come to that are the same for everyone.
    pub(super) fn decided(&self) -> &Decided {
        &self.decided
    }

    /// Whether an entry takes another one back.
    pub fn is_reversal(&self, entry: u32) -> bool {
        self.entry(entry).origin != entry
    }

    /// The deal of an entry.
    pub fn deal(&self, entry: u32) -> u32 {
        self.entry(entry).deal
    }

    /// Who is credited with which part of an entry: of a reversal with that of what it takes back.
    pub fn shares(&self, entry: u32) -> impl Iterator<Item = Share> + use<'f> {
        self.facts.shares_of(self.origin_event(entry))
    }

    fn origin_event(&self, entry: u32) -> u32 {
        self.entry(self.entry(entry).origin).event
    }

    /// The date that decides payees, reporting line and conditions: of a reversal that of what it takes back.
    pub fn origin_day(&self, entry: u32) -> Day {
        self.entry(self.entry(entry).origin).day
    }

    /// What the facts leave open about reversals.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.unclear.iter().map(|unclear| &unclear.problem)
    }

    /// The same with the reversals.
    pub(super) fn unclear(&self) -> &[Unclear] {
        &self.unclear
    }

    /// Credits of a period whose payee had no assignment on the day: event, payee. They earn nothing.
    pub fn uncredited(&self, period: Period) -> impl Iterator<Item = (u32, u32)> {
        let entries = (0_u32..)
            .zip(&self.entries)
            .filter(move |(place, entry)| entry.origin == *place && entry.period == period);
        entries.flat_map(move |(_, entry)| {
            let unassigned = move |share: &Share| !self.facts.is_assigned(share.payee, entry.day);
            self.facts.shares_of(entry.event).filter(unassigned).map(move |share| (entry.event, share.payee))
        })
    }
}
