//! Everything that one calculation reads, as of one journal number: compact, interned, sorted.
//!
//! Ids become indexes whose order is the order of the ids' bytes, so that order never costs a text
//! comparison and never depends on the order in which facts arrived.

mod crediting;
mod details;
mod line;
mod part;
mod patch;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::condition::{Field, Formula, Value};
use super::date::{Calendar, Day, Window};
use super::deal::{Deal, DealEvent, EventKind, OVERLAY};
use super::exchange::{Exchange, ExchangeRate};
use super::id::{MeasureId, PayeeId, PlanId, RoleId};
use super::measure::{Measure, Selection};
use super::money::Currency;
use super::number::{Percent, Quantity};
use super::outside::OutsideValue;
use super::payee::Payee;
use super::plan::PlanVersion;
use super::quota::{Quota, QuotaKey};
use crediting::{Crediting, Ruled};
use details::Details;

pub use crediting::{Reason, Verdict};

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

    /// What a deal says of a field that is kept because some condition or expression reads it.
    pub fn detail(&self, deal: u32, field: &Field) -> Option<Value<'_>> {
        self.details.get(self.deals[deal as usize].details, field)
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

/// Collects facts in any order and puts them together.
pub struct FactsBuilder {
    facts: Facts,
    roles: BTreeMap<RoleId, u16>,
    texts: BTreeMap<Box<str>, u32>,
    most: usize,
}

impl FactsBuilder {
    /// Starts from the payees, which deals and quotas then name.
    pub fn new(as_of: i64, calendar: Calendar, mut payees: Vec<Payee>) -> Result<Self, FactsFault> {
        payees.sort_by(|a, b| a.id.cmp(&b.id));
        index(payees.len())?;
        let mut facts = Facts::empty(as_of, calendar, payees.into());
        let mut all = Vec::with_capacity(facts.payees.len());
        for payee in facts.payees.iter() {
            let manager = |id: &PayeeId| {
                facts.payee(id).ok_or_else(|| FactsFault::UnknownManager {
                    payee: payee.id.to_string(),
                    manager: id.to_string(),
                })
            };
            let managers = payee.assignments.iter().map(|a| a.manager.as_ref().map(manager).transpose());
            all.push(managers.collect::<Result<_, _>>()?);
        }
        facts.managers = Arc::new(all);
        facts.draw_lines();
        Ok(FactsBuilder { facts, roles: BTreeMap::new(), texts: BTreeMap::new(), most: usize::MAX })
    }

    /// Refuses deals, as `TooMany`, once all of it takes more than so many bytes.
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Keeps of every deal what a condition or expression reads. Told before the first deal.
    pub fn reads(&mut self, formula: &Formula) {
        self.facts.details.keep(formula);
    }

    /// The fields that are kept of every deal because something reads them.
    pub fn kept(&self) -> &[Field] {
        &self.facts.details.kept
    }

    /// Says of a deal what is kept, each field as text.
    pub fn describe<'a>(
        &mut self,
        deal: u32,
        read: impl FnMut(&Field) -> Option<Cow<'a, str>>,
    ) -> Result<(), FactsFault> {
        let row = self.facts.deals[deal as usize].details;
        let unreadable = self.facts.details.write(row, &mut self.texts, read)?;
        let Some(field) = unreadable else { return Ok(()) };
        Err(FactsFault::Unreadable { deal: self.facts.deal_id(deal).to_string(), field: field.to_string() })
    }

    /// Adds a measure. Told before the first deal.
    pub fn measure(&mut self, measure: Measure) {
        let selection = measure.selection().into_iter();
        selection.flat_map(Selection::formulas).for_each(|formula| self.reads(formula));
        Arc::make_mut(&mut self.facts.measures).insert(measure.id.clone(), measure);
    }

    /// Adds a rate of exchange.
    pub fn exchange_rate(&mut self, rate: &ExchangeRate) {
        Arc::make_mut(&mut self.facts.exchange).insert(rate);
    }

    /// Adds a published plan version.
    pub fn plan(&mut self, version: PlanVersion) {
        Arc::make_mut(&mut self.facts.plans).push(version);
    }

    /// Adds a quota.
    pub fn quota(&mut self, quota: Quota) -> Result<(), FactsFault> {
        let QuotaKey { payee, measure, window } = &quota.key;
        let unknown = || FactsFault::UnknownQuotaPayee(payee.to_string());
        let owner = self.facts.payee(payee).ok_or_else(unknown)?;
        let quotas = Arc::make_mut(&mut self.facts.quotas);
        quotas.entry((owner, measure.clone())).or_default().insert(*window, quota);
        Ok(())
    }

    /// Adds a value of an outside measure, told once.
    pub fn value(&mut self, told: &OutsideValue) -> Result<(), FactsFault> {
        let unknown = || FactsFault::UnknownValuePayee(told.key.payee.to_string());
        let payee = self.facts.payee(&told.key.payee).ok_or_else(unknown)?;
        if let Some(value) = told.value {
            let values = Arc::make_mut(&mut self.facts.values);
            values.entry((payee, told.key.measure.clone())).or_default().insert(told.key.day, value);
        }
        Ok(())
    }

    /// Adds a deal and answers the handle that its events are added under. Each deal is added once.
    pub fn deal<'a>(
        &mut self,
        id: &str,
        owner: &str,
        currency: Currency,
        worth: Worth,
        splits: impl Iterator<Item = (&'a str, RoleId, Percent)>,
    ) -> Result<u32, FactsFault> {
        let handle = index(self.facts.deals.len())?;
        if self.facts.deal_bytes() > self.most {
            return Err(FactsFault::TooMany);
        }
        let owner = self.payee(id, owner)?;
        let start = index(self.facts.splits.len())?;
        for (payee, role, percent) in splits {
            let payee = self.payee(id, payee)?;
            let role = self.role(role)?;
            self.facts.splits.push(Share { payee, role: Some(role), percent });
        }
        let name = self.facts.names.add(id)?;
        let splits = (start, index(self.facts.splits.len())?);
        let details = self.facts.details.add()?;
        self.facts.deals.push(DealFact { name, owner, splits, currency, worth, details, ruled: 0 });
        Ok(handle)
    }

    /// Adds an event of a deal.
    pub fn event<'a>(
        &mut self,
        deal: u32,
        id: &str,
        kind: EventKind,
        day: Day,
        worth: Worth,
        reversed: impl Iterator<Item = (&'a str, Option<i64>)>,
    ) -> Result<(), FactsFault> {
        let start = index(self.facts.reversed.len())?;
        for (event, amount) in reversed {
            let name = self.facts.names.add(event)?;
            self.facts.reversed.push(ReversedFact { name, amount });
        }
        let name = self.facts.names.add(id)?;
        let reversed = (start, index(self.facts.reversed.len())?);
        index(self.facts.events.len())?;
        self.facts.events.push(EventFact { day, deal, name, kind, worth, reversed, ruled: 0 });
        Ok(())
    }

    /// Adds a deal with the events it states.
    pub fn tell(&mut self, deal: &Deal) -> Result<(), FactsFault> {
        let splits =
            deal.splits.iter().map(|split| (split.payee.as_str(), split.role.clone(), split.percent));
        let Deal { amount, cost, quantity, .. } = *deal;
        let worth = Worth { amount, cost, quantity };
        let handle = self.deal(deal.id.as_str(), deal.owner.as_str(), deal.currency, worth, splits)?;
        self.describe(handle, |field| deal.detail(field))?;
        for event in &deal.events {
            let reversed = event.reverses.iter().map(|reversed| (reversed.event.as_str(), reversed.amount));
            let DealEvent { amount, cost, quantity, .. } = *event;
            let worth = Worth { amount, cost, quantity };
            self.event(handle, event.id.as_str(), event.kind, event.day, worth, reversed)?;
        }
        Ok(())
    }

    fn payee(&self, deal: &str, payee: &str) -> Result<u32, FactsFault> {
        let place = self.facts.payees.binary_search_by(|known| known.id.as_str().cmp(payee));
        let unknown = |_| FactsFault::UnknownPayee { deal: deal.to_string(), payee: payee.to_string() };
        index(place.map_err(unknown)?)
    }

    /// Puts everything in the one order that results depend on.
    pub fn build(self) -> Result<Facts, FactsFault> {
        let FactsBuilder { mut facts, roles, .. } = self;
        let mut rank = vec![0_u16; roles.len()];
        for (place, (role, handle)) in roles.into_iter().enumerate() {
            // There are no more roles than handles, which are u16.
            rank[usize::from(handle)] = u16::try_from(place).unwrap_or(u16::MAX);
            facts.roles.push(role);
        }
        for split in &mut facts.splits {
            split.role = split.role.map(|role| rank[usize::from(role)]);
        }
        for deal in &facts.deals {
            facts.splits[range(deal.splits)].sort_unstable_by_key(|split| (split.payee, split.role));
        }
        facts.sort_deals();
        let (names, events) = (&facts.names, &mut facts.events);
        events.sort_unstable_by(|a, b| {
            (a.day, a.deal).cmp(&(b.day, b.deal)).then_with(|| names.get(a.name).cmp(names.get(b.name)))
        });
        Arc::make_mut(&mut facts.plans)
            .sort_by(|a, b| (&a.plan.id, a.effective_from).cmp(&(&b.plan.id, b.effective_from)));
        facts.note_overlay();
        facts.apply_rules()?;
        facts.note_credited()?;
        Ok(facts)
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
            details: Details::default(),
            splits: Vec::new(),
            ruled: Ruled::default(),
            overlay: None,
            events: Vec::new(),
            reversed: Vec::new(),
            credited: Vec::new(),
            credited_from: Vec::new(),
            names: Names::default(),
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
