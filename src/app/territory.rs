//! Territories, crediting rules, and who would be credited for a deal.

use crate::domain::date::Day;
use crate::domain::deal::{Deal, OWNER};
use crate::domain::facts::{Facts, Reason as Decided, Share, Verdict};
use crate::domain::fault::{Fault, Violations};
use crate::domain::id::{CreditingRuleId, EventId, PayeeId, RoleId, TerritoryId};
use crate::domain::number::Percent;
use crate::domain::territory::{CreditingRule, Receiver, Territory};
use crate::storage::{self, Stored, facts::unfit as unfit_facts};

use super::estimate::Subject;
use super::facts::{calendar_missing, terms};
use super::write::{Begun, Open, Touches, check_payees, refuse_unknown, unknown};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write};

/// Who is credited with an event, or a deal that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCrediting {
    /// Absent: the deal has none.
    pub event: Option<EventId>,
    pub day: Day,
    pub source: Source,
    pub shares: Vec<CreditShare>,
    /// Rules passed over, and why.
    pub passed: Vec<(CreditingRuleId, Passed, String)>,
}

/// What decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Splits,
    Rule(CreditingRuleId),
    Owner,
}

/// Why a rule does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    NotInForce,
    False,
    Unclear,
    NoHolder,
}

/// A part of a credit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditShare {
    pub payee: PayeeId,
    /// As text: the owner's is none of its own.
    pub role: String,
    pub percent: Percent,
    /// The territory whose holder it is.
    pub territory: Option<TerritoryId>,
}

impl App {
    /// Writes territories with their holders, or refuses them all.
    pub async fn upsert_territories(
        &self,
        call: &Call,
        write: Write,
        territories: Vec<Territory>,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let named = territories.iter().enumerate().flat_map(|(place, territory)| {
            let holders = territory.holders.iter().enumerate();
            holders.map(move |(at, holder)| {
                (format!("territories[{place}].holders[{at}].payee_id"), holder.payee.clone())
            })
        });
        let named: Vec<_> = named.collect();
        let mut violations = Violations::default();
        check_payees(open.conn(), tenant, &named, &mut violations).await?;
        unknown(violations)?;
        if open.expects_etags() {
            let known = storage::territory::list(open.conn(), tenant, as_of, None, i64::MAX).await?;
            let etag = |id: &TerritoryId| {
                known.iter().find(|known| known.value.id == *id).map_or(0, |known| known.added_in)
            };
            open.check_etags("territory", |place| match territories.get(place) {
                Some(territory) => (territory.id.to_string(), etag(&territory.id)),
                None => Default::default(),
            })?;
        }
        let written = storage::territory::upsert(open.conn(), tenant, number, &territories).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// A territory, the day whose holder to show, and the journal number read as of.
    pub async fn territory(
        &self,
        call: &Call,
        as_of: AsOf,
        id: &TerritoryId,
        on: Option<Day>,
    ) -> Result<(Stored<Territory>, Option<Day>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let territory = storage::territory::get(&mut read.tx, call.tenant(), read.as_of, id).await?;
        let territory = territory.ok_or_else(|| Fault::not_found("territory", id))?;
        let day = self.day(call, &mut read, on).await?;
        Ok((territory, day, read.as_of))
    }

    /// Territories by id, and the day whose holders to show.
    pub async fn territories(
        &self,
        call: &Call,
        on: Option<Day>,
        page: Page,
    ) -> Result<(Listed<Stored<Territory>>, Option<Day>), Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let day = self.day(call, &mut read, on).await?;
        let after = page.after::<TerritoryId>()?;
        let (tx, limit) = (&mut read.tx, page.limit());
        let found = storage::territory::list(tx, call.tenant(), read.as_of, after.as_ref(), limit).await?;
        Ok((Listed::new(found, &page, read.as_of, |stored| stored.value.id.to_string()), day))
    }

    /// Puts a list of crediting rules in the place of the one there was, or refuses it.
    pub async fn set_crediting_rules(
        &self,
        call: &Call,
        write: Write,
        rules: Vec<CreditingRule>,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        check_receivers(&mut open, &rules).await?;
        if open.expects_etags() {
            let etag = storage::crediting::etag(open.conn(), tenant, as_of).await?;
            open.check_etags("crediting rules", |_| ("of the tenant".to_string(), etag))?;
        }
        let written = storage::crediting::set(open.conn(), tenant, number, &rules).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Crediting rules in their order, of those in force on a day if one is given, and the list's etag.
    pub async fn crediting_rules(
        &self,
        call: &Call,
        on: Option<Day>,
        page: Page,
    ) -> Result<(Listed<CreditingRule>, i64), Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let after: Option<usize> = page.after()?;
        let mut rules = storage::crediting::all(&mut read.tx, call.tenant(), read.as_of).await?;
        let etag = storage::crediting::etag(&mut read.tx, call.tenant(), read.as_of).await?;
        rules.retain(|rule| on.is_none_or(|day| rule.covers(day)));
        let skipped = after.unwrap_or_default().min(rules.len());
        rules.drain(..skipped);
        let numbered = rules.into_iter().zip(skipped + 1..).take(usize::from(page.size) + 1);
        let numbered: Vec<(CreditingRule, usize)> = numbered.collect();
        let Listed { items, as_of, keys, next } =
            Listed::new(numbered, &page, read.as_of, |(_, number)| number.to_string());
        let items = items.into_iter().map(|(rule, _)| rule).collect();
        Ok((Listed { items, as_of, keys, next }, etag))
    }

    /// Who would be credited for a deal: for each event that is no reversal, or as of today where there is none; and the
    /// journal number read as of.
    pub async fn explain_crediting(
        &self,
        call: &Call,
        as_of: AsOf,
        subject: Subject,
    ) -> Result<(Vec<EventCrediting>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let (tenant, number) = (call.tenant(), read.as_of);
        let today = self.day(call, &mut read, None).await?.ok_or_else(calendar_missing)?;
        let deal: Deal = match subject {
            Subject::MadeUp(deal) => *deal,
            Subject::Stored(id) => {
                let stored = storage::deal::get(&mut read.tx, tenant, number, &id).await?;
                stored.ok_or_else(|| Fault::not_found("deal", &id))?.value
            }
        };
        let mut builder = terms(&mut read.tx, tenant, number).await?;
        check_deal(&builder.known_payees(), &deal)?;
        builder.tell(&deal).map_err(unfit_facts)?;
        let facts = builder.build().map_err(unfit_facts)?;
        Ok((explained(&facts, today)?, number))
    }
}

/// Payees and territories that rules credit exist.
async fn check_receivers(open: &mut Open, rules: &[CreditingRule]) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let (mut payees, mut territories) = (Vec::new(), Vec::new());
    for (place, rule) in rules.iter().enumerate() {
        for (at, credit) in rule.credits.iter().enumerate() {
            let field = |name: &str| format!("rules[{place}].credits[{at}].{name}");
            match &credit.to {
                Receiver::Payee(payee) => payees.push((field("payee_id"), payee.clone())),
                Receiver::Holder(territory) => territories.push((field("territory_id"), territory.clone())),
            }
        }
    }
    let mut violations = Violations::default();
    check_payees(open.conn(), tenant, &payees, &mut violations).await?;
    let known = storage::territory::list(open.conn(), tenant, as_of, None, i64::MAX).await?;
    let is_known = |id: &TerritoryId| known.iter().any(|known| known.value.id == *id);
    let missing: Vec<TerritoryId> =
        territories.iter().map(|(_, id)| id).filter(|id| !is_known(id)).cloned().collect();
    refuse_unknown("territory", &territories, &missing, &mut violations);
    unknown(violations)
}

/// Whoever a deal names is there.
fn check_deal(known: &[PayeeId], deal: &Deal) -> Result<(), Fault> {
    let mut violations = Violations::default();
    let splits = deal.splits.iter().enumerate();
    let splits = splits.map(|(at, split)| (format!("deal.splits[{at}].payee_id"), &split.payee));
    for (field, payee) in std::iter::once(("deal.owner_id".to_string(), &deal.owner)).chain(splits) {
        if known.binary_search(payee).is_err() {
            violations.add(field, format!("payee {payee} does not exist"));
        }
    }
    unknown(violations)
}

/// Of facts with one deal.
fn explained(facts: &Facts, today: Day) -> Result<Vec<EventCrediting>, Fault> {
    let events = (0_u32..).zip(&facts.events).filter(|(_, event)| !event.kind.is_reversal());
    let mut credited = Vec::new();
    for (place, event) in events {
        let id = EventId::try_new(facts.event_id(place)).map_err(storage::corrupt)?;
        credited.push(EventCrediting { event: Some(id), ..decided(facts, Some(place), event.day) });
    }
    if facts.events.is_empty() {
        credited.push(decided(facts, None, today));
    }
    Ok(credited)
}

/// Who is credited with an event of the first deal, or with that deal on a day.
fn decided(facts: &Facts, event: Option<u32>, day: Day) -> EventCrediting {
    let stated = |share: Share| CreditShare {
        payee: facts.payee_id(share.payee).clone(),
        role: share
            .role
            .and_then(|role| facts.roles.get(usize::from(role)))
            .map_or(OWNER, RoleId::as_str)
            .into(),
        percent: share.percent,
        territory: None,
    };
    let (reason, passed) = facts.explain_crediting(0, event, day);
    let (source, shares) = match reason {
        Decided::Splits => (Source::Splits, facts.stated(0).map(stated).collect()),
        Decided::Owner => (Source::Owner, facts.stated(0).map(stated).collect()),
        Decided::Rule(rule, credits) => {
            let ruled = credits.into_iter().map(|(payee, credit)| CreditShare {
                payee: payee.clone(),
                role: credit.role.to_string(),
                percent: credit.percent,
                territory: match &credit.to {
                    Receiver::Holder(territory) => Some(territory.clone()),
                    Receiver::Payee(_) => None,
                },
            });
            (Source::Rule(rule.id.clone()), ruled.chain(facts.overlays(0).map(stated)).collect())
        }
    };
    let passed = passed.into_iter().map(|(rule, verdict)| {
        let (why, message) = match verdict {
            Verdict::NotInForce | Verdict::Credits(_) => (Passed::NotInForce, String::new()),
            Verdict::False => (Passed::False, String::new()),
            Verdict::Unclear(why) => (Passed::Unclear, why),
            Verdict::NoHolder(territory) => (Passed::NoHolder, territory.to_string()),
        };
        (rule.clone(), why, message)
    });
    EventCrediting { event: None, day, source, shares, passed: passed.collect() }
}
