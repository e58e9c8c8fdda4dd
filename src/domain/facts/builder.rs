//! Facts are collected in any order and put together in the one order that results depend on.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;

/// Collects facts in any order and puts them together.
pub struct FactsBuilder {
    pub(super) facts: Facts,
    pub(super) roles: BTreeMap<RoleId, u16>,
    pub(super) texts: BTreeMap<Box<str>, u32>,
    pub(super) most: usize,
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
        self.facts.details.keep(formula.fields());
    }

    /// Keeps fields of every deal, whether or not something reads them. Told before the first deal.
    pub fn keep(&mut self, fields: &[Field]) {
        self.facts.details.keep(fields);
    }

    /// The fields that are kept of every deal.
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

    pub(super) fn payee(&self, deal: &str, payee: &str) -> Result<u32, FactsFault> {
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
