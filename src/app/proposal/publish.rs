//! Proposed figures become quotas, and published quotas move between those who report to one manager.

use std::collections::BTreeMap;

use crate::auth::Role;
use crate::calc::proposal::{Standing, standing};
use crate::calc::quota::step_of;
use crate::domain::date::{Calendar, Day, Window};
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{MeasureId, PayeeId, ProposalId};
use crate::domain::measure::{Amount, Unit};
use crate::domain::money::Currency;
use crate::domain::number::{QUANTITY_DECIMALS, Quantity, trimmed};
use crate::domain::proposal::{Figure, Proposal};
use crate::domain::quota::{Goal, Quota, QuotaKey};
use crate::storage::{self, ledger};

use super::{absent, all_figures, check_etag, check_unpublished, not_reporting};
use crate::app::write::{Begun, Open, Touches, unfit};
use crate::app::{App, Call, Receipt, Write, facts};

/// Most people that a refusal names who stand elsewhere than was proposed.
const LISTED: usize = 100;

/// A part of a quota that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Whose quota becomes less.
    pub from: PayeeId,
    /// Whose quota becomes more.
    pub to: PayeeId,
    pub measure: MeasureId,
    pub window: Window,
    /// Above zero.
    pub amount: Amount,
    /// The currency of the amount, if it is money.
    pub currency: Option<Currency>,
}

impl App {
    /// Sets figures of a proposal as quotas; those of teams where a measure is stated that counts for them.
    pub async fn publish_proposal(
        &self,
        call: &Call,
        write: Write,
        id: ProposalId,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let proposal = storage::proposal::get(open.conn(), tenant, as_of, &id).await?;
        let mut proposal = proposal.ok_or_else(|| absent(&id))?.value;
        check_unpublished(&proposal)?;
        check_etag(&mut open, &proposal).await?;
        let facts = facts::terms(open.conn(), tenant, as_of).await?.build().map_err(storage::facts::unfit)?;
        let calendar = facts.calendar;
        check_window(&mut open, &calendar, proposal.body.terms.window).await?;
        let figures = all_figures(open.conn(), tenant, as_of, &proposal).await?;
        let mut violations = Violations::default();
        check_standing(&facts, &proposal, &figures, &mut violations);
        let goals =
            figures.iter().filter(|figure| !figure.made.team || proposal.body.terms.team_measure.is_some());
        let quotas = goals.filter_map(|figure| quota(&facts, &proposal, figure, &mut violations));
        let quotas: Vec<Quota> = quotas.collect();
        unfit(violations)?;
        let written = storage::quota::set(open.conn(), tenant, number, &calendar, &quotas).await?;
        proposal.body.published = true;
        storage::proposal::save(open.conn(), tenant, number, &proposal).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Moves a part of a quota from one payee to another who reports to the same manager.
    pub async fn move_quota(&self, call: &Call, write: Write, part: Move) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let calendar = facts::calendar(open.conn(), tenant, as_of).await?;
        let day = part.window.last().last_day();
        check_siblings(&mut open, call, &part, day).await?;
        check_window(&mut open, &calendar, part.window).await?;
        let mut quotas = Vec::new();
        let mut violations = Violations::default();
        let measures = storage::measure::all(open.conn(), tenant, as_of).await?;
        let measure = measures.iter().find(|measure| measure.id == part.measure);
        let step = step_of(measure.and_then(|measure| measure.step));
        if i128::from(part.amount.units()) % step != 0 {
            let (measure, step) = (&part.measure, trimmed(step, QUANTITY_DECIMALS));
            let got = Quantity(part.amount.units());
            violations.add(
                "units",
                format!("must be a multiple of the step {step} of measure {measure}, got {got}"),
            );
        }
        for (field, payee, sign) in [("from_payee_id", &part.from, -1), ("to_payee_id", &part.to, 1)] {
            let (measure, window) = (part.measure.clone(), part.window);
            let key = QuotaKey { payee: payee.clone(), measure, window };
            let known = storage::quota::get(open.conn(), tenant, as_of, &calendar, &key).await?;
            match known.map(|known| moved(known.value, &part, sign)) {
                Some(Ok(quota)) => quotas.push(quota),
                Some(Err(message)) => violations.add(field, format!("quota of {payee} {message}")),
                None => {
                    let window = calendar.window_text(part.window);
                    violations.add(field, format!("{payee} has no quota of {} for {window}", part.measure));
                }
            }
        }
        unfit(violations)?;
        let written = storage::quota::set(open.conn(), tenant, number, &calendar, &quotas).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }
}

/// A figure as a quota: what a quota that there is says besides its goal stays, as when its goal is adjusted.
fn quota(facts: &Facts, proposal: &Proposal, figure: &Figure, violations: &mut Violations) -> Option<Quota> {
    let terms = &proposal.body.terms;
    let measure = terms.measure_of(figure.made.team).clone();
    let payee = facts.payee(&figure.payee)?;
    let known = facts.quotas.get(&(payee, measure.clone())).and_then(|set| set.get(&terms.window));
    let key = QuotaKey { payee: figure.payee.clone(), measure, window: terms.window };
    let amount = match terms.unit() {
        Unit::Money => Amount::Money(figure.amount),
        Unit::Number => Amount::Number(Quantity(figure.amount)),
    };
    let stated = Quota::stated(key, terms.currency.unwrap_or(facts.calendar.currency), amount);
    let Some(known) = known else { return Some(Quota { seasonality: proposal.body.seasonality, ..stated }) };
    if terms.currency.is_some_and(|currency| currency != known.currency) && !known.reliefs.is_empty() {
        let (payee, is) = (&figure.payee, known.currency);
        violations
            .add("proposal_id", format!("quota of {payee} has reliefs in {is}, got {}", stated.currency));
    }
    let seasonality = proposal.body.seasonality.or(known.seasonality);
    Some(Quota { goal: stated.goal, currency: stated.currency, seasonality, ..known.clone() })
}

/// What was proposed must be what is there: a measure that no quota names yet may have become another since, the fiscal
/// year another, and people others' reports.
fn check_standing(facts: &Facts, proposal: &Proposal, figures: &[Figure], violations: &mut Violations) {
    let terms = &proposal.body.terms;
    let mut note = |message: String| violations.add("proposal_id", message);
    for measure in [terms.measure_of(false), terms.measure_of(true)] {
        if facts.measures.get(measure).is_none_or(|known| known.unit() != terms.unit()) {
            note(format!("measure {measure} no longer counts what was proposed"));
        }
    }
    let (window, day) = (terms.window, terms.window.start());
    if facts.calendar.window(window.kind(), window.first()) != window {
        note(format!("the window from {day} is none of the fiscal year any longer"));
    }
    let line = standing(facts, &terms.root, day);
    let name = |place: &Standing| facts.payee_id(place.payee);
    let now: BTreeMap<&PayeeId, Option<&PayeeId>> =
        line.iter().map(|place| (name(place), place.manager.map(|manager| name(&line[manager])))).collect();
    let then: BTreeMap<&PayeeId, Option<&PayeeId>> =
        figures.iter().map(|figure| (&figure.payee, figure.manager.as_ref())).collect();
    let told = |manager: &Option<&PayeeId>| manager.map_or("nobody".to_string(), ToString::to_string);
    let moved = then.iter().filter_map(|(payee, was)| match now.get(payee) {
        Some(is) if is == was => None,
        Some(is) => {
            Some(format!("{payee} reports to {} on {day}, was proposed below {}", told(is), told(was)))
        }
        None => Some(format!("{payee} is not below {} on {day}", terms.root)),
    });
    let added = now.keys().filter(|payee| !then.contains_key(*payee));
    let added = added.map(|payee| format!("{payee} is below {} on {day} and has no figure", terms.root));
    moved.chain(added).take(LISTED).for_each(note);
}

/// Refuses a window of which a period is closed: its quotas have paid.
async fn check_window(open: &mut Open, calendar: &Calendar, window: Window) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let closes = ledger::closes(open.conn(), tenant, as_of).await?;
    // Periods close in order, without gaps.
    let Some(last) = closes.last().filter(|last| last.period >= window.first()) else { return Ok(()) };
    let window = calendar.window_text(window);
    let message = format!("periods up to {} are closed, among them some of {window}", last.period);
    Err(Fault::new(Reason::WindowClosed, message).with("window", window).with("closed", last.period))
}

/// Both report to one manager, and that is a payee's key's own payee or one below it. Absent and not yours read alike.
async fn check_siblings(open: &mut Open, call: &Call, part: &Move, day: Day) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let mut lines: Vec<Vec<PayeeId>> = Vec::new();
    for payee in [&part.from, &part.to] {
        let line = storage::payee::managers(open.conn(), tenant, as_of, payee, day).await?;
        lines.push(line.into_iter().map(|(manager, _)| manager).collect());
    }
    let named = [("from_payee_id", &part.from), ("to_payee_id", &part.to)];
    if call.actor.role == Role::Payee {
        let own = call.actor.payee.as_ref().ok_or_else(|| Fault::not_found("payee", &part.from))?;
        let mut violations = Violations::default();
        for ((field, payee), _) in named.iter().zip(&lines).filter(|(_, line)| !line.contains(own)) {
            violations.add(*field, format!("{payee} does not report to {own} on {day}"));
        }
        not_reporting(own, violations)?;
    }
    let mut managers = lines.iter().map(|line| line.first());
    let (one, other) = (managers.next().flatten(), managers.next().flatten());
    if one.is_some() && one == other {
        return Ok(());
    }
    let mut violations = Violations::default();
    let name = |manager: Option<&PayeeId>| manager.map_or("nobody".to_string(), ToString::to_string);
    let message = format!("{} reports to {} on {day}, {} to {}", part.to, name(other), part.from, name(one));
    violations.add("to_payee_id", message);
    not_reporting(one.or(other).unwrap_or(&part.from), violations)
}

/// A quota with a part added or taken, or why that cannot be.
fn moved(quota: Quota, part: &Move, sign: i64) -> Result<Quota, String> {
    let Goal::Amount(amount) = quota.goal else {
        return Err("is a sum of others'".to_string());
    };
    if amount.unit() != part.amount.unit() {
        return Err("is in another unit".to_string());
    }
    if let Some(currency) = part.currency.filter(|currency| *currency != quota.currency) {
        return Err(format!("is in {}, not in {currency}", quota.currency));
    }
    let rest = sign.checked_mul(part.amount.units()).and_then(|units| units.checked_add(amount.units()));
    let rest = rest.filter(|rest| *rest >= 0).ok_or_else(|| match part.currency {
        Some(currency) => format!("is only {}", currency.amount(amount.units().into())),
        None => format!("is only {}", Quantity(amount.units())),
    })?;
    let goal = match amount {
        Amount::Money(_) => Amount::Money(rest),
        Amount::Number(_) => Amount::Number(Quantity(rest)),
    };
    Ok(Quota { goal: Goal::Amount(goal), ..quota })
}
