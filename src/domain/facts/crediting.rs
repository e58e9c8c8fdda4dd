//! Whom crediting rules credit (semantics 6). Decided once for every event when facts are put together, and only of
//! deals that state no splits but overlays; what is decided alike is held once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{EventFact, Facts, FactsBuilder, FactsFault, Share, Worth, index, range};
use crate::domain::condition::{Field, Value};
use crate::domain::date::Day;
use crate::domain::exact::Exact;
use crate::domain::id::{CreditingRuleId, PayeeId, RoleId, TerritoryId};
use crate::domain::number::{Percent, QUANTITY_DECIMALS, Quantity};
use crate::domain::territory::{CreditingRule, Receiver, RuleCredit, Territory};

/// Rules in their order, and the territories they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Crediting {
    pub rules: Vec<CreditingRule>,
    pub territories: BTreeMap<TerritoryId, Territory>,
}

/// What a rule comes to for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'f> {
    /// It decides: whom it credits.
    Credits(Vec<(&'f PayeeId, &'f RuleCredit)>),
    /// The event's date is outside of its days.
    NotInForce,
    /// Its condition does not hold.
    False,
    /// Its condition cannot be evaluated, and why.
    Unclear(String),
    /// Nobody holds a territory that it names on the event's date.
    NoHolder(&'f TerritoryId),
}

/// Why whom is credited with an event, or with a deal that has none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason<'f> {
    /// The deal states splits.
    Splits,
    /// No rule decides: the owner has all of it.
    Owner,
    /// The first rule that decides, and whom it credits.
    Rule(&'f CreditingRule, Vec<(&'f PayeeId, &'f RuleCredit)>),
}

/// Sets of shares by place from 1 on, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Ruled {
    sets: Vec<(u32, u32)>,
    shares: Vec<Share>,
    known: BTreeMap<Vec<(u32, Option<u16>, Percent)>, u32>,
}

impl Ruled {
    /// A set by its place; the place 0 is none.
    pub fn get(&self, place: u32) -> Option<&[Share]> {
        let set = self.sets.get(usize::try_from(place).ok()?.checked_sub(1)?)?;
        Some(&self.shares[range(*set)])
    }

    /// The place of a set. Shares of one payee in one role are put together.
    pub fn add(&mut self, shares: impl IntoIterator<Item = Share>) -> Result<u32, FactsFault> {
        let mut parts: BTreeMap<(u32, Option<u16>), i64> = BTreeMap::new();
        for share in shares {
            // At most 200 parts of at most 100 percent: the sum fits.
            *parts.entry((share.payee, share.role)).or_default() += share.percent.0;
        }
        let key: Vec<_> =
            parts.into_iter().map(|((payee, role), part)| (payee, role, Percent(part))).collect();
        if let Some(place) = self.known.get(&key) {
            return Ok(*place);
        }
        let start = index(self.shares.len())?;
        self.shares.extend(key.iter().map(|(payee, role, percent)| Share {
            payee: *payee,
            role: *role,
            percent: *percent,
        }));
        self.sets.push((start, index(self.shares.len())?));
        let place = index(self.sets.len())?;
        self.known.insert(key, place);
        Ok(place)
    }

    /// The place of a set that has the payees of two.
    fn both(&mut self, one: u32, other: u32) -> Result<u32, FactsFault> {
        if one == other || other == 0 {
            return Ok(one);
        }
        let shares = [one, other].into_iter().filter_map(|place| self.get(place)).flatten();
        let payees: BTreeSet<u32> = shares.map(|share| share.payee).collect();
        self.add(payees.into_iter().map(|payee| Share { payee, role: None, percent: Percent::ZERO }))
    }

    /// Changes every share, in a way that keeps their order.
    pub fn change(&mut self, with: impl Fn(&mut Share)) {
        self.shares.iter_mut().for_each(with);
        let key = |set: &(u32, u32)| -> Vec<_> {
            self.shares[range(*set)].iter().map(|share| (share.payee, share.role, share.percent)).collect()
        };
        self.known = self.sets.iter().map(key).zip(1..).collect();
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        self.shares.len() * 3 * size_of::<Share>()
    }
}

impl FactsBuilder {
    pub(super) fn role(&mut self, role: RoleId) -> Result<u16, FactsFault> {
        let next = u16::try_from(self.roles.len()).map_err(|_| FactsFault::TooMany)?;
        Ok(*self.roles.entry(role).or_insert(next))
    }

    /// Who there is, by id.
    pub fn known_payees(&self) -> Vec<PayeeId> {
        self.facts.payees.iter().map(|payee| payee.id.clone()).collect()
    }

    /// Adds a territory.
    pub fn territory(&mut self, territory: Territory) {
        let crediting = Arc::make_mut(&mut self.facts.crediting);
        crediting.territories.insert(territory.id.clone(), territory);
    }

    /// Adds a crediting rule, after all that go before it. Told before the first deal.
    pub fn crediting_rule(&mut self, rule: CreditingRule) -> Result<(), FactsFault> {
        rule.credits.iter().try_for_each(|credit| self.role(credit.role.clone()).map(drop))?;
        if let Some(condition) = &rule.condition {
            self.reads(condition);
        }
        Arc::make_mut(&mut self.facts.crediting).rules.push(rule);
        Ok(())
    }
}

impl Facts {
    /// The territories, by id.
    pub fn territories(&self) -> impl Iterator<Item = &Territory> {
        self.crediting.territories.values()
    }

    /// Who is credited with which part of an event: the deal's splits; where none but overlays is listed, with them
    /// what the first matching rule gives, else the owner. Of a payee by role.
    pub fn shares_of(&self, event: u32) -> impl Iterator<Item = Share> {
        let event = &self.events[event as usize];
        let ruled = self.ruled.get(event.ruled);
        let stated = ruled.is_none().then(|| self.stated(event.deal));
        ruled.unwrap_or_default().iter().copied().chain(stated.into_iter().flatten())
    }

    /// The payees credited with any event of a deal, each once, by index; the owner too, whoever else is.
    pub(super) fn whose(&self, deal: u32, credited: &mut Vec<u32>) {
        credited.clear();
        credited.extend(self.stated(deal).map(|share| share.payee));
        let ruled = self.ruled.get(self.deals[deal as usize].ruled);
        credited.extend(ruled.into_iter().flatten().map(|share| share.payee));
        credited.sort_unstable();
        credited.dedup();
    }

    /// Whether there are rules.
    pub fn has_rules(&self) -> bool {
        !self.crediting.rules.is_empty()
    }

    /// Whether rules may decide whom a deal is credited to: no splits but overlays are listed.
    fn is_open(&self, deal: u32) -> bool {
        let splits = &self.splits[range(self.deals[deal as usize].splits)];
        splits.iter().all(|split| self.is_overlay(split.role))
    }

    /// Decides by the rules whom events are credited to.
    pub(super) fn apply_rules(&mut self) -> Result<(), FactsFault> {
        let crediting = Arc::clone(&self.crediting);
        if crediting.rules.is_empty() {
            return Ok(());
        }
        for place in 0..self.events.len() {
            let event = self.events[place];
            if event.kind.is_reversal() || !self.is_open(event.deal) {
                continue;
            }
            let mut verdicts = crediting
                .rules
                .iter()
                .map(|rule| self.verdict(&crediting, rule, event.deal, Some(&event), event.day));
            let decided = verdicts.find_map(|verdict| match verdict {
                Verdict::Credits(credits) => Some(credits),
                _ => None,
            });
            let Some(credits) = decided else { continue };
            let mut shares = self.splits[range(self.deals[event.deal as usize].splits)].to_vec();
            for (payee, credit) in credits {
                let unknown = || FactsFault::UnknownHolder(payee.to_string());
                let payee = self.payee(payee).ok_or_else(unknown)?;
                let role =
                    self.roles.binary_search(&credit.role).ok().and_then(|role| u16::try_from(role).ok());
                shares.push(Share { payee, role, percent: credit.percent });
            }
            let ruled = self.ruled.add(shares)?;
            self.events[place].ruled = ruled;
            let deal = &mut self.deals[event.deal as usize];
            deal.ruled = if deal.ruled == 0 { ruled } else { self.ruled.both(deal.ruled, ruled)? };
        }
        Ok(())
    }

    /// What a rule comes to for an event, or a deal that has none yet, on a day.
    fn verdict<'f>(
        &'f self,
        crediting: &'f Crediting,
        rule: &'f CreditingRule,
        deal: u32,
        event: Option<&'f EventFact>,
        day: Day,
    ) -> Verdict<'f> {
        if !rule.covers(day) {
            return Verdict::NotInForce;
        }
        if let Some(condition) = &rule.condition {
            match condition.holds(&|field| self.known(deal, event, day, field)) {
                Ok(true) => {}
                Ok(false) => return Verdict::False,
                Err(why) => return Verdict::Unclear(why.to_string()),
            }
        }
        let mut credits = Vec::with_capacity(rule.credits.len());
        for credit in &rule.credits {
            match &credit.to {
                Receiver::Payee(payee) => credits.push((payee, credit)),
                Receiver::Holder(territory) => {
                    let known = crediting.territories.get(territory);
                    match known.and_then(|territory| territory.holder(day)) {
                        Some(payee) => credits.push((payee, credit)),
                        None => return Verdict::NoHolder(territory),
                    }
                }
            }
        }
        Verdict::Credits(credits)
    }

    /// Why whom is credited with an event, or with a deal that has none on a day, and the rules passed over before.
    pub fn explain_crediting(
        &self,
        deal: u32,
        event: Option<u32>,
        day: Day,
    ) -> (Reason<'_>, Vec<(&CreditingRuleId, Verdict<'_>)>) {
        if !self.is_open(deal) {
            return (Reason::Splits, Vec::new());
        }
        let event = event.map(|event| &self.events[event as usize]);
        let mut passed = Vec::new();
        for rule in &self.crediting.rules {
            match self.verdict(&self.crediting, rule, deal, event, day) {
                Verdict::Credits(credits) => return (Reason::Rule(rule, credits), passed),
                verdict => passed.push((&rule.id, verdict)),
            }
        }
        (Reason::Owner, passed)
    }

    /// The overlays that a deal states.
    pub fn overlays(&self, deal: u32) -> impl Iterator<Item = Share> {
        self.stated(deal).filter(|share| self.is_overlay(share.role))
    }

    /// What a condition of a rule reads of a deal and its event: cost and quantity of the event as it states them
    /// itself. Of a deal without an event only the day is known.
    fn known<'f>(
        &'f self,
        deal: u32,
        event: Option<&'f EventFact>,
        day: Day,
        field: &Field,
    ) -> Option<Value<'f>> {
        let money = |minor: Option<i64>| {
            let decimals = self.currency(deal).minor_digits();
            minor.map(|minor| Value::Number(Exact::scaled(i128::from(minor), decimals)))
        };
        let number = |quantity: Option<Quantity>| {
            quantity.map(|units| Value::Number(Exact::scaled(i128::from(units.0), QUANTITY_DECIMALS)))
        };
        let worth = self.worth(deal);
        match field {
            Field::DealId => Some(Value::Text(self.deal_id(deal))),
            Field::DealOwner => Some(Value::Text(self.payee_id(self.owner(deal)).as_str())),
            Field::DealAmount => money(worth.amount),
            Field::DealCost => money(worth.cost),
            Field::DealQuantity => number(worth.quantity),
            Field::DealMarginPercent => margin_percent(worth).map(Value::Number),
            Field::EventId => Some(Value::Text(self.names.get(event?.name))),
            Field::EventType => Some(Value::Text(event?.kind.name())),
            Field::EventDate => Some(Value::Date(day)),
            Field::EventAmount => money(event?.worth.amount),
            Field::EventCost => money(event?.worth.cost),
            Field::EventQuantity => number(event?.worth.quantity),
            detail => self.detail(deal, detail),
        }
    }
}

/// Absent where the deal does not say, or over an amount of zero.
fn margin_percent(worth: Worth) -> Option<Exact> {
    let whole = |minor: Option<i64>| minor.map(|minor| Exact::whole(i128::from(minor)));
    let (amount, cost) = (whole(worth.amount)?, whole(worth.cost)?);
    amount.sub(&cost).mul(&Exact::whole(100)).div(&amount)
}
