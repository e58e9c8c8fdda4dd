//! Everything that one calculation reads, as of one journal number: compact, interned, sorted.
//!
//! Ids become indexes whose order is the order of the ids' bytes, so that order never costs a text
//! comparison and never depends on the order in which facts arrived.

mod builder;
mod crediting;
mod details;
mod line;
mod part;
mod patch;
mod standing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::condition::{Field, Formula, Value};
use super::date::{Calendar, Day, Window};
use super::deal::{Deal, DealEvent, EventKind, OVERLAY};
use super::exact::Exact;
use super::exchange::{Exchange, ExchangeRate};
use super::id::{MeasureId, PayeeId, PlanId, RoleId, TerritoryId};
use super::measure::{Measure, Selection};
use super::money::Currency;
use super::number::{Percent, Quantity};
use super::outside::OutsideValue;
use super::payee::Payee;
use super::plan::PlanVersion;
use super::quota::{Quota, QuotaKey};
use crediting::{Crediting, Ruled};
use details::Details;
use standing::Standing;

pub use crediting::{Reason, Verdict};

pub use builder::FactsBuilder;
pub use standing::OpenCredit;

/// What a calculation reads.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The journal number that all of it is as of.
    pub as_of: i64,
    /// The tenant's calendar.
    pub calendar: Calendar,
    /// By id. A payee's place here is its index everywhere below.
    pub payees: Arc<[Payee]>,
    /// For each payee and assignment the manager's index.
    managers: Arc<Vec<Vec<Option<u32>>>>,
    /// For each payee, by first day, the managers above from then on.
    lines: Arc<Vec<Line>>,
    /// For each payee whoever has ever reported to it.
    reports: Arc<Vec<Vec<u32>>>,
    /// By id.
    pub measures: Arc<BTreeMap<MeasureId, Measure>>,
    /// By plan id, then first period.
    pub plans: Arc<Vec<PlanVersion>>,
    /// Rates of exchange to the calendar's currency.
    pub exchange: Arc<Exchange>,
    /// By payee index and measure, then window.
    pub quotas: Arc<BTreeMap<(u32, MeasureId), BTreeMap<Window, Quota>>>,
    /// Values of outside measures, by payee index and measure, then day.
    pub values: Arc<BTreeMap<(u32, MeasureId), BTreeMap<Day, Quantity>>>,
    /// Rules by which deals without splits are credited, and territories.
    crediting: Arc<Crediting>,
    /// By id. A role's place here is its index in splits.
    pub roles: Vec<RoleId>,
    deals: Vec<DealFact>,
    details: Details,
    splits: Vec<Share>,
    /// What rules decided.
    ruled: Ruled,
    overlay: Option<u16>,
    /// By day, deal id, event id.
    pub events: Vec<EventFact>,
    reversed: Vec<ReversedFact>,
    /// Events by payee credited, each payee's in order; and where each payee's begin.
    credited: Vec<u32>,
    credited_from: Vec<u32>,
    names: Names,
    /// Deals by whose they are, once asked for.
    standing: OnceLock<Arc<Standing>>,
    /// Deals whose place others took since everything was put in order; what they held is still there.
    replaced: usize,
}

/// The managers above a payee, nearest first, by the day from which on it is they.
type Line = Vec<(Day, Vec<u32>)>;

/// A deal: its owner, its place in the splits and what it states.
#[derive(Debug, Clone, Copy)]
struct DealFact {
    name: Name,
    owner: u32,
    splits: (u32, u32),
    currency: Currency,
    worth: Worth,
    /// The place of its row.
    details: u32,
    /// The place of a set with everyone whom rules credit with an event of it; 0: none.
    ruled: u32,
}

/// What a deal or an event says it is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worth {
    /// In minor units; of an event absent for a reversal of what is left.
    pub amount: Option<i64>,
    /// In minor units.
    pub cost: Option<i64>,
    /// Units.
    pub quantity: Option<Quantity>,
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

/// An event of a deal.
#[derive(Debug, Clone, Copy)]
pub struct EventFact {
    /// When.
    pub day: Day,
    /// Index of the deal.
    pub deal: u32,
    name: Name,
    /// What happened.
    pub kind: EventKind,
    /// What it states itself.
    pub worth: Worth,
    reversed: (u32, u32),
    /// The place of the set of shares that a rule decided; 0: none.
    ruled: u32,
}

/// One event named by a reversal.
#[derive(Debug, Clone, Copy)]
struct ReversedFact {
    name: Name,
    amount: Option<i64>,
}

/// Why facts do not fit together; verification finds the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactsFault {
    #[error("deal {deal} names payee {payee}, which does not exist")]
    UnknownPayee { deal: String, payee: String },
    #[error("payee {payee} reports to {manager}, which does not exist")]
    UnknownManager { payee: String, manager: String },
    #[error("quota of payee {0}, which does not exist")]
    UnknownQuotaPayee(String),
    #[error("value of payee {0}, which does not exist")]
    UnknownValuePayee(String),
    #[error("deal {deal} has a {field} that cannot be read")]
    Unreadable { deal: String, field: String },
    #[error("a crediting rule or territory names payee {0}, which does not exist")]
    UnknownHolder(String),
    #[error("more facts than one calculation can hold")]
    TooMany,
}

/// A text in the arena.
#[derive(Debug, Clone, Copy)]
struct Name {
    start: u32,
    length: u8,
}

/// Millions of short texts in one allocation.
#[derive(Debug, Clone, Default)]
struct Names(String);

impl Names {
    fn add(&mut self, text: &str) -> Result<Name, FactsFault> {
        let start = u32::try_from(self.0.len()).map_err(|_| FactsFault::TooMany)?;
        let length = u8::try_from(text.len()).map_err(|_| FactsFault::TooMany)?;
        self.0.push_str(text);
        Ok(Name { start, length })
    }

    fn get(&self, name: Name) -> &str {
        let start = name.start as usize;
        &self.0[start..start + usize::from(name.length)]
    }
}

fn range((start, end): (u32, u32)) -> Range<usize> {
    start as usize..end as usize
}

fn index(length: usize) -> Result<u32, FactsFault> {
    u32::try_from(length).map_err(|_| FactsFault::TooMany)
}

impl Facts {
    /// The index of a payee.
    pub fn payee(&self, id: &PayeeId) -> Option<u32> {
        let place = self.payees.binary_search_by(|payee| payee.id.cmp(id)).ok()?;
        u32::try_from(place).ok()
    }

    /// The id of a payee.
    pub fn payee_id(&self, payee: u32) -> &PayeeId {
        &self.payees[payee as usize].id
    }

    /// The id of a deal.
    pub fn deal_id(&self, deal: u32) -> &str {
        self.names.get(self.deals[deal as usize].name)
    }

    /// The owner of a deal.
    pub fn owner(&self, deal: u32) -> u32 {
        self.deals[deal as usize].owner
    }

    /// The currency of a deal's amounts.
    pub fn currency(&self, deal: u32) -> Currency {
        self.deals[deal as usize].currency
    }

    /// The currency that a payee is paid in: of the assignment in force on a day, else of the last before it, else of
    /// the first; without any the tenant's.
    pub fn paid_in(&self, payee: u32, day: Day) -> Currency {
        let assignments = &self.payees[payee as usize].assignments;
        let begun = assignments.iter().rev().find(|assignment| assignment.from <= day);
        begun.or(assignments.first()).map_or(self.calendar.currency, |assignment| assignment.currency)
    }

    /// The currency of a plan, which every version of it has; the tenant's, if there is no such plan.
    pub fn plan_currency(&self, id: &PlanId) -> Currency {
        let first = self.plans.partition_point(|version| version.plan.id < *id);
        let version = self.plans.get(first).filter(|version| version.plan.id == *id);
        version.map_or(self.calendar.currency, |version| version.plan.currency)
    }

    /// What a deal says it is worth.
    pub fn worth(&self, deal: u32) -> Worth {
        self.deals[deal as usize].worth
    }

    /// What a deal says of a field that is kept: of where it stands, and because some condition or expression reads it.
    pub fn detail(&self, deal: u32, field: &Field) -> Option<Value<'_>> {
        self.details.get(self.deals[deal as usize].details, field)
    }

    /// Whether a field of deals is kept.
    pub fn keeps(&self, field: &Field) -> bool {
        self.details.place(field).is_some()
    }

    /// Whether there is such a territory.
    pub fn has_territory(&self, id: &TerritoryId) -> bool {
        self.crediting.territories.contains_key(id)
    }

    /// What a deal itself says of who is credited with which part of it: its splits by payee id and role; where none
    /// but overlays is listed, also the owner.
    pub fn stated(&self, deal: u32) -> impl Iterator<Item = Share> {
        let splits = &self.splits[range(self.deals[deal as usize].splits)];
        let whole = splits.iter().any(|split| !self.is_overlay(split.role));
        let owner = (!whole).then(|| Share {
            payee: self.deals[deal as usize].owner,
            role: None,
            percent: Percent::HUNDRED,
        });
        splits.iter().copied().chain(owner)
    }

    /// Whether a role is the one that comes on top of the whole.
    pub fn is_overlay(&self, role: Option<u16>) -> bool {
        role.is_some() && role == self.overlay
    }

    /// How many deals there are.
    pub fn deal_count(&self) -> usize {
        self.deals.len()
    }

    /// The id of an event.
    pub fn event_id(&self, event: u32) -> &str {
        self.names.get(self.events[event as usize].name)
    }

    /// The events that a reversal names, with the amounts it takes back.
    pub fn reversed(&self, event: &EventFact) -> impl Iterator<Item = (&str, Option<i64>)> {
        self.reversed[range(event.reversed)].iter().map(|fact| (self.names.get(fact.name), fact.amount))
    }

    /// The events of the deals that a payee is credited with, in order.
    pub fn events_of(&self, payee: u32) -> &[u32] {
        let at = payee as usize;
        &self.credited[self.credited_from[at] as usize..self.credited_from[at + 1] as usize]
    }

    /// Whether a payee has an assignment in force on a day.
    pub fn is_assigned(&self, payee: u32, day: Day) -> bool {
        self.payees[payee as usize].assignments.iter().any(|assignment| assignment.covers(day))
    }
}

impl Facts {
    fn empty(as_of: i64, calendar: Calendar, payees: Arc<[Payee]>) -> Self {
        Facts {
            as_of,
            calendar,
            payees,
            managers: Arc::default(),
            lines: Arc::default(),
            reports: Arc::default(),
            measures: Arc::default(),
            plans: Arc::default(),
            exchange: Arc::new(Exchange::new(calendar.currency)),
            quotas: Arc::default(),
            values: Arc::default(),
            crediting: Arc::default(),
            roles: Vec::new(),
            deals: Vec::new(),
            details: Details::of_every_deal(),
            splits: Vec::new(),
            ruled: Ruled::default(),
            overlay: None,
            events: Vec::new(),
            reversed: Vec::new(),
            credited: Vec::new(),
            credited_from: Vec::new(),
            names: Names::default(),
            standing: OnceLock::new(),
            replaced: 0,
        }
    }

    fn note_overlay(&mut self) {
        let overlay = self.roles.binary_search_by(|role| role.as_str().cmp(OVERLAY)).ok();
        self.overlay = overlay.and_then(|place| u16::try_from(place).ok());
    }

    /// Notes for every payee the events it is credited with.
    fn note_credited(&mut self) -> Result<(), FactsFault> {
        let mut count = vec![0_u32; self.payees.len() + 1];
        let mut credited = Vec::new();
        for event in &self.events {
            self.whose(event.deal, &mut credited);
            for payee in &credited {
                count[*payee as usize + 1] += 1;
            }
        }
        for place in 1..count.len() {
            count[place] = count[place].checked_add(count[place - 1]).ok_or(FactsFault::TooMany)?;
        }
        let mut next = count.clone();
        let mut events = vec![0_u32; count.last().map_or(0, |last| *last as usize)];
        for (index, event) in (0_u32..).zip(&self.events) {
            self.whose(event.deal, &mut credited);
            for payee in &credited {
                let place = &mut next[*payee as usize];
                events[*place as usize] = index;
                *place += 1;
            }
        }
        (self.credited, self.credited_from) = (events, count);
        Ok(())
    }

    /// Renumbers deals by the bytes of their ids; nothing to do where they came in that order.
    fn sort_deals(&mut self) {
        let (names, deals) = (&self.names, &self.deals);
        if deals.is_sorted_by(|a, b| names.get(a.name) < names.get(b.name)) {
            return;
        }
        let count = u32::try_from(deals.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_unstable_by(|a, b| {
            names.get(deals[*a as usize].name).cmp(names.get(deals[*b as usize].name))
        });
        let mut rank = vec![0_u32; deals.len()];
        for (place, old) in (0_u32..).zip(&order) {
            rank[*old as usize] = place;
        }
        self.deals = order.iter().map(|old| deals[*old as usize]).collect();
        for event in &mut self.events {
            event.deal = rank[event.deal as usize];
        }
    }
}
