//! What a deal would earn: earned with it less earned without it, on facts that nobody stores.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::auth::{Role, policy};
use crate::calc::RULES_REVISION;
use crate::calc::affected::{read_by, touched};
use crate::calc::estimate::{self, ComponentEstimate, PayeeEstimate, Standing};
use crate::calc::statement::{figure, percent_text};
use crate::domain::date::{Day, Period, Window, WindowKind};
use crate::domain::deal::{Deal, DealEvent, EventKind, Outcome};
use crate::domain::facts::{Facts, FactsBuilder, FactsFault};
use crate::domain::fault::{Fault, Violations};
use crate::domain::id::{ComponentId, DealId, EventId, PayeeId, PlanId};
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::number::Quantity;
use crate::domain::plan::{Axis, RateKind, Tier};
use crate::storage::{self, facts::unfit};

use super::facts::{Seen, calculate_for, check_period};
use super::{App, AsOf, Call};

/// Most months from today's that an estimate looks ahead: every window until then is computed.
const MAX_MONTHS: i32 = 120;

/// Which deal to estimate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A stored one.
    Stored(DealId),
    /// One made up, in the place of the stored one with its id.
    MadeUp(Box<Deal>),
}

/// An event that is assumed. What is absent: today, the deal's amount, its part of the deal's cost and quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    pub kind: EventKind,
    pub day: Option<Day>,
    pub amount: Option<i64>,
    pub cost: Option<i64>,
    pub quantity: Option<Quantity>,
}

/// What an estimate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateQuery {
    pub subject: Subject,
    /// Empty: a booking, unless the deal is booked already.
    pub assumed: Vec<Assumed>,
    /// Absent: everyone whom the deal touches and the caller sees.
    pub payee: Option<PayeeId>,
    /// Absent: the end of the fiscal year of the deal's last event.
    pub period: Option<Period>,
    pub as_of: AsOf,
}

/// What a deal would earn. Amounts are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimated {
    /// By id.
    pub payees: Vec<PayeeFigures>,
    /// Of all of them, by currency; minor units.
    pub totals: Vec<(Currency, i128)>,
    /// The deal with what is assumed of it.
    pub deal: Deal,
    /// Which of its events are assumed.
    pub assumed: Vec<EventId>,
    /// Up to the end of which period everything is counted.
    pub period: Period,
    pub as_of: i64,
    pub rules_revision: u32,
}

/// What a deal would earn one payee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayeeFigures {
    pub payee: PayeeId,
    pub currency: Currency,
    pub estimate: String,
    pub components: Vec<ComponentFigures>,
    pub problems: Vec<String>,
}

/// What a deal moves in one component and window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentFigures {
    pub plan: PlanId,
    pub component: ComponentId,
    pub name: String,
    pub window: String,
    pub estimate: String,
    pub without: String,
    pub with: String,
    pub periods: Vec<(Period, String)>,
    /// Without the deal, and with it.
    pub standing: Option<(StandingFigures, StandingFigures)>,
}

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingFigures {
    pub unit: Unit,
    pub line: String,
    pub attainment_percent: Option<String>,
    pub axis: Axis,
    pub pays: RateKind,
    pub tier: Tier,
    /// The next tier, and what is missing to it.
    pub next: Option<(Tier, String)>,
}

impl App {
    /// The currency that amounts of an estimate are stated in: of the stored deal, if one is named and there; else the
    /// tenant's, without the database if the tenant is in memory.
    pub async fn currency(&self, call: &Call, as_of: AsOf, deal: Option<&DealId>) -> Result<Currency, Fault> {
        let seen = self.see(call, as_of).await?;
        if let Some(id) = deal {
            let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
            let stored = storage::deal::get(&mut tx, call.tenant(), seen.as_of, id).await?;
            if let Some(stored) = stored {
                return Ok(stored.value.currency);
            }
        }
        Ok(self.calendar_seen(call, &seen).await?.currency)
    }

    /// What a deal would earn everyone it touches.
    pub async fn estimate(&self, call: &Call, query: EstimateQuery) -> Result<Estimated, Fault> {
        let seen = self.see(call, query.as_of).await?;
        let made_up = matches!(query.subject, Subject::MadeUp(_));
        let mut deal = match query.subject {
            Subject::MadeUp(deal) => *deal,
            Subject::Stored(id) => self.stored(call, &seen, &id).await?,
        };
        let today = self.today(call, &seen).await?;
        let assumed = assume(&mut deal, &query.assumed, today)?;
        let calendar = self.calendar_seen(call, &seen).await?;
        let last = deal.events.iter().map(|event| event.day).max().unwrap_or(today);
        let period = query.period.unwrap_or(calendar.window(WindowKind::Year, last.period()).last());
        check_period(&calendar, period)?;
        if period.months_since(today.period()) > MAX_MONTHS {
            let (month, years) = (today.period(), MAX_MONTHS / 12);
            let message = format!("must be within {years} years of {month}, events included, got {period}");
            return Err(Fault::field("period", message));
        }

        let terms = self.terms_seen(call, &seen).await?;
        if made_up {
            check_named(call, &terms, &deal, last)?;
        }
        let payees = match &query.payee {
            Some(asked) => {
                let found = terms.payee(asked).filter(|payee| sees(call, &terms, *payee, last));
                vec![found.ok_or_else(|| Fault::not_found("payee", asked))?]
            }
            None => everyone(call, &terms, &deal, period, last)?,
        };
        let facts = self.facts_beside(call, &seen, Arc::clone(&terms), &payees).await?;
        let windows = deal.events.iter().flat_map(|event| calendar.windows(event.day.period())).collect();
        let (told, of) = (deal.clone(), payees.clone());
        let work = move |facts: &Facts| compare(facts, &told, period, &of, &windows);
        let found = calculate_for(facts, &payees, work).await?.map_err(unfit)?;
        let mut totals: BTreeMap<Currency, i128> = BTreeMap::new();
        for part in found.iter().flat_map(|estimate| &estimate.components) {
            *totals.entry(terms.plan_currency(&part.key.plan)).or_default() += part.amount();
        }
        Ok(Estimated {
            payees: found.into_iter().flat_map(|estimate| payee_figures(&terms, estimate, last)).collect(),
            totals: super::period::totals(totals, calendar.currency).into_iter().collect(),
            deal,
            assumed,
            period,
            as_of: seen.as_of,
            rules_revision: RULES_REVISION,
        })
    }

    /// A deal as it is stored.
    async fn stored(&self, call: &Call, seen: &Seen, id: &DealId) -> Result<Deal, Fault> {
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        let stored = storage::deal::get(&mut tx, call.tenant(), seen.as_of, id).await?;
        Ok(stored.ok_or_else(|| Fault::not_found("deal", id))?.value)
    }
}

/// Adds to a deal what is assumed to happen to it; answers the ids of those events, which are new in the deal.
fn assume(deal: &mut Deal, assumed: &[Assumed], today: Day) -> Result<Vec<EventId>, Fault> {
    let booking = [Assumed { kind: EventKind::Booked, day: None, amount: None, cost: None, quantity: None }];
    let booked = deal.events.iter().any(|event| event.kind == EventKind::Booked);
    let given = !assumed.is_empty();
    let assumed = if given || booked { assumed } else { &booking };
    let (mut violations, mut ids, mut number) = (Violations::default(), Vec::new(), 0_u32);
    for (place, assumed) in assumed.iter().enumerate() {
        let Assumed { kind, day, cost, quantity, .. } = *assumed;
        let Some(amount) = assumed.amount.or(deal.amount) else {
            let field =
                if given { format!("assumed_events[{place}].amount") } else { "assumed_events".into() };
            violations.add(field, format!("must be given with an amount: deal {} states none", deal.id));
            continue;
        };
        let id = loop {
            number += 1;
            let id = EventId::try_new(&format!("assumed-{number}")).map_err(storage::corrupt)?;
            if deal.events.iter().all(|event| event.id != id) {
                break id;
            }
        };
        ids.push(id.clone());
        let (day, amount) = (day.unwrap_or(today), Some(amount));
        deal.events.push(DealEvent {
            id,
            kind,
            day,
            amount,
            cost,
            quantity,
            reverses: Vec::new(),
            source_version: None,
        });
        deal.outcome = Outcome::Won;
    }
    deal.events.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
    violations.finish(Some(ids))
}

/// Everyone whom a deal touches and the caller sees. A payee's key that sees none of them reads that there is no deal.
fn everyone(call: &Call, terms: &Facts, deal: &Deal, through: Period, day: Day) -> Result<Vec<u32>, Fault> {
    let mut alone = terms.part([]).map_err(unfit)?;
    put(&mut alone, deal).map_err(unfit)?;
    let mut payees = touched(&alone, through);
    payees.retain(|payee| sees(call, terms, *payee, day));
    if payees.is_empty() && call.actor.role == Role::Payee {
        return Err(Fault::not_found("deal", &deal.id));
    }
    Ok(payees)
}

/// Whether the caller sees what a payee, by index, earns.
fn sees(call: &Call, terms: &Facts, payee: u32, day: Day) -> bool {
    let above: Vec<PayeeId> = match call.actor.role {
        Role::Payee => terms.above(payee, day).iter().map(|above| terms.payee_id(*above).clone()).collect(),
        Role::Admin | Role::Service | Role::Payroll | Role::Auditor => Vec::new(),
    };
    policy::sees(&call.actor, terms.payee_id(payee), &above)
}

/// Whether everyone whom a deal made up names is there. To a payee's key whoever it does not see is not.
fn check_named(call: &Call, terms: &Facts, deal: &Deal, day: Day) -> Result<(), Fault> {
    let owner = ("deal.owner_id", &deal.owner);
    let named = std::iter::once(owner).chain(deal.splits.iter().map(|split| ("deal.splits", &split.payee)));
    let mut violations = Violations::default();
    for (field, payee) in named {
        match terms.payee(payee) {
            Some(known) if sees(call, terms, known, day) => {}
            Some(_) | None if call.actor.role == Role::Payee => return Err(Fault::not_found("payee", payee)),
            Some(_) | None => violations.add(field, format!("payee {payee} does not exist")),
        }
    }
    super::write::unknown(violations)
}

/// Puts a deal in the place of the one with its id.
fn put(facts: &mut Facts, deal: &Deal) -> Result<(), FactsFault> {
    let mut told = FactsBuilder::beside(facts, facts.as_of);
    told.tell(deal)?;
    facts.replace(std::slice::from_ref(&deal.id), told)
}

/// With a deal and without it, on the part of the facts that some payees' earnings are made of.
fn compare(
    facts: &Facts,
    deal: &Deal,
    through: Period,
    payees: &[u32],
    windows: &BTreeSet<Window>,
) -> Result<Vec<PayeeEstimate>, FactsFault> {
    let mut without = facts.part(read_by(facts, payees.iter().copied()))?;
    let mut with = without.clone();
    put(&mut with, deal)?;
    let none = FactsBuilder::beside(&without, without.as_of);
    without.replace(std::slice::from_ref(&deal.id), none)?;
    Ok(estimate::estimate(&with, &without, through, payees, windows))
}

/// A payee's figures in each currency that the deal moves something in; without any in what it is paid in on a day.
fn payee_figures(facts: &Facts, estimate: PayeeEstimate, day: Day) -> Vec<PayeeFigures> {
    let paid_in = facts.paid_in(estimate.payee, day);
    let mut parts: BTreeMap<Currency, Vec<ComponentEstimate>> = BTreeMap::new();
    for part in estimate.components {
        parts.entry(facts.plan_currency(&part.key.plan)).or_default().push(part);
    }
    if parts.is_empty() {
        parts.insert(paid_in, Vec::new());
    }
    let problems: Vec<_> = estimate.problems.iter().map(ToString::to_string).collect();
    let figures = parts.into_iter().map(|(currency, parts)| PayeeFigures {
        payee: facts.payee_id(estimate.payee).clone(),
        currency,
        estimate: currency.amount(parts.iter().map(ComponentEstimate::amount).sum()),
        components: parts.into_iter().map(|part| component_figures(facts, currency, part)).collect(),
        problems: problems.clone(),
    });
    figures.collect()
}

fn component_figures(facts: &Facts, currency: Currency, estimate: ComponentEstimate) -> ComponentFigures {
    let standing = |standing: Standing| StandingFigures {
        unit: standing.unit,
        line: figure(currency, standing.unit, &standing.line),
        attainment_percent: standing.percent.as_ref().map(percent_text),
        axis: standing.axis,
        pays: standing.pays,
        tier: standing.tier,
        next: standing.next.map(|(tier, missing)| (tier, figure(currency, standing.unit, &missing))),
    };
    ComponentFigures {
        estimate: currency.amount(estimate.amount()),
        without: currency.amount(estimate.without),
        with: currency.amount(estimate.with),
        window: facts.calendar.window_text(estimate.key.window),
        plan: estimate.key.plan,
        component: estimate.key.component,
        name: estimate.name,
        periods: estimate.periods.into_iter().map(|(period, sum)| (period, currency.amount(sum))).collect(),
        standing: estimate.standing.map(|(without, with)| (standing(without), standing(with))),
    }
}
