//! The book of entries: every event and everything that reversals take back, in the one order that
//! results depend on (semantics 5 and 6), and for each payee the entries it is credited with.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::{Day, Period};
use crate::domain::deal::{EventKind, OVERLAY};
use crate::domain::facts::{EventFact, Facts};
use crate::domain::number::Percent;

use super::problem::Problem;

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
    /// Minor units; of a reversal below zero.
    pub amount: i64,
}

/// A part of a deal's credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Index of the payee.
    pub payee: u32,
    /// Index of the role; absent for the owner of a deal without splits.
    pub role: Option<u16>,
    /// The part.
    pub percent: Percent,
}

/// Entries in order and whose credits they are.
pub struct Book<'f> {
    facts: &'f Facts,
    entries: Vec<Entry>,
    direct: Vec<Vec<u32>>,
    rolled_up: Vec<Vec<u32>>,
    overlay: Option<u16>,
    problems: Vec<Problem>,
}

/// An entry before it is known where its origin stands.
struct Draft {
    event: u32,
    origin_event: u32,
    amount: i64,
}

impl<'f> Book<'f> {
    /// Opens the book of all events from the first period to the end of `through`.
    pub(super) fn open(facts: &'f Facts, through: Period) -> Self {
        let overlay = facts.roles.binary_search_by(|role| role.as_str().cmp(OVERLAY)).ok();
        let mut book = Book {
            facts,
            entries: Vec::new(),
            direct: vec![Vec::new(); facts.payees.len()],
            rolled_up: vec![Vec::new(); facts.payees.len()],
            overlay: overlay.and_then(|place| u16::try_from(place).ok()),
            problems: Vec::new(),
        };
        let span = facts.calendar.first_period.start()..through.end();
        let drafts = book.drafts(&span);
        book.enter(drafts);
        book.credit();
        book
    }

    /// Events as they are and reversals cut into what they take back, in order.
    fn drafts(&mut self, span: &std::ops::Range<Day>) -> Vec<Draft> {
        let facts = self.facts;
        let reversed_deals: BTreeSet<u32> =
            facts.events.iter().filter(|event| event.kind.is_reversal()).map(|event| event.deal).collect();
        let mut events_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (index, event) in (0_u32..).zip(&facts.events) {
            if !event.kind.is_reversal() && reversed_deals.contains(&event.deal) {
                events_of.entry(event.deal).or_default().push(index);
            }
        }
        let mut left: BTreeMap<u32, i64> = BTreeMap::new();
        let mut drafts = Vec::with_capacity(facts.events.len());
        for (index, event) in (0_u32..).zip(&facts.events) {
            if !span.contains(&event.day) {
                continue;
            }
            if !event.kind.is_reversal() {
                let amount = event.amount.unwrap_or_default();
                drafts.push(Draft { event: index, origin_event: index, amount });
                continue;
            }
            let candidates = events_of.get(&event.deal).map_or(&[][..], Vec::as_slice);
            for (origin_event, amount) in self.taken_back(index, event, candidates) {
                let origin = &facts.events[origin_event as usize];
                let whole = origin.amount.unwrap_or_default();
                let remaining = left.entry(origin_event).or_insert(whole);
                let amount = amount.unwrap_or(*remaining);
                if amount > *remaining {
                    self.problems.push(Problem::ReversalExceeds {
                        deal: facts.deal_id(event.deal).to_string(),
                        event: facts.event_id(index).to_string(),
                        names: facts.event_id(origin_event).to_string(),
                    });
                    continue;
                }
                *remaining -= amount;
                // What happened before the first period does not exist for pay, nor does taking it back.
                if span.contains(&origin.day) {
                    drafts.push(Draft { event: index, origin_event, amount: -amount });
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
                self.problems.push(Problem::ReversalUnknown { deal, event, names });
                continue;
            };
            let day = facts.events[origin as usize].day;
            if day > event.day {
                let (deal, event, names) = (deal(), name(), names.to_string());
                self.problems.push(Problem::ReversalEarly { deal, event, names, day });
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
                (Some(origin), None) => taken.push((origin, event.amount)),
                (Some(_), Some(_)) => {
                    let (deal, event) = (deal(), name());
                    self.problems.push(Problem::ReversalAmbiguous { deal, event, kind: kind.name() });
                }
                (None, _) => {}
            }
        }
        taken
    }

    /// Gives every draft its place and its origin's.
    fn enter(&mut self, drafts: Vec<Draft>) {
        let mut place_of: BTreeMap<u32, u32> = BTreeMap::new();
        if drafts.iter().any(|draft| draft.origin_event != draft.event) {
            let events = (0_u32..).zip(&drafts).filter(|(_, draft)| draft.origin_event == draft.event);
            place_of.extend(events.map(|(place, draft)| (draft.event, place)));
        }
        for (place, draft) in (0_u32..).zip(&drafts) {
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
            });
        }
    }

    /// Notes for every payee the entries it is credited with: its own, and those of all below it.
    fn credit(&mut self) {
        let mut credited = Vec::new();
        let note = |list: &mut Vec<u32>, entry: u32| {
            if list.last() != Some(&entry) {
                list.push(entry);
            }
        };
        for entry in (0_u32..).take(self.entries.len()) {
            let (deal, day) = (self.deal(entry), self.origin_day(entry));
            credited.clear();
            credited.extend(self.shares(deal).map(|share| share.payee));
            for payee in &credited {
                note(&mut self.direct[*payee as usize], entry);
                let mut next = self.facts.manager_on(*payee, day);
                // Lines have no circle; were one stored all the same, the walk still ends.
                for _ in 0..self.facts.payees.len() {
                    let Some(manager) = next else { break };
                    note(&mut self.rolled_up[manager as usize], entry);
                    next = self.facts.manager_on(manager, day);
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
        &self.direct[payee as usize]
    }

    /// Entries in which someone below a payee is credited, in order.
    pub fn rolled_up(&self, payee: u32) -> &[u32] {
        &self.rolled_up[payee as usize]
    }

    /// The deal of an entry.
    pub fn deal(&self, entry: u32) -> u32 {
        self.entry(entry).deal
    }

    /// The date that decides payees, reporting line and conditions: of a reversal that of what it takes back.
    pub fn origin_day(&self, entry: u32) -> Day {
        self.entry(self.entry(entry).origin).day
    }

    /// Whether a role is the one that comes on top of the whole.
    pub fn is_overlay(&self, role: Option<u16>) -> bool {
        role.is_some() && role == self.overlay
    }

    /// Who is credited with which part of a deal: its splits; where none but overlays is listed, also the owner.
    pub fn shares(&self, deal: u32) -> impl Iterator<Item = Share> {
        let splits = self.facts.splits(deal);
        let whole = splits.iter().any(|split| !self.is_overlay(Some(split.role)));
        let owner =
            (!whole).then(|| Share { payee: self.facts.owner(deal), role: None, percent: Percent::HUNDRED });
        let share = |split: &crate::domain::facts::SplitFact| Share {
            payee: split.payee,
            role: Some(split.role),
            percent: split.percent,
        };
        splits.iter().map(share).chain(owner)
    }

    /// What the facts leave open about reversals.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Credits of a period whose payee had no assignment on the day: event, payee. They earn nothing.
    pub fn uncredited(&self, period: Period) -> impl Iterator<Item = (u32, u32)> {
        let entries = (0_u32..)
            .zip(&self.entries)
            .filter(move |(place, entry)| entry.origin == *place && entry.period == period);
        entries.flat_map(move |(place, entry)| {
            let unassigned = move |share: &Share| !self.facts.is_assigned(share.payee, entry.day);
            self.shares(self.deal(place)).filter(unassigned).map(move |share| (entry.event, share.payee))
        })
    }
}
