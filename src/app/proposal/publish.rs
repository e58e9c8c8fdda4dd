//! Proposed figures become quotas, and published quotas move between those who report to one manager.

use crate::auth::Role;
use crate::domain::date::{Calendar, Day, Window};
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{MeasureId, PayeeId, ProposalId};
use crate::domain::measure::{Amount, Unit};
use crate::domain::money::Currency;
use crate::domain::number::Quantity;
use crate::domain::proposal::{Figure, Proposal};
use crate::domain::quota::{Goal, Quota, QuotaKey};
use crate::storage::{self, ledger};

use super::{absent, check_etag, check_unpublished, figures, not_reporting};
use crate::app::write::{Begun, Open, Touches, unfit};
use crate::app::{App, Call, Receipt, Write, facts};

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
    /// Sets every figure of a proposal as a quota.
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
        let calendar = facts::calendar(open.conn(), tenant, as_of).await?;
        let proposal = storage::proposal::get(open.conn(), tenant, as_of, &id).await?;
        let mut proposal = proposal.ok_or_else(|| absent(&id))?.value;
        check_unpublished(&proposal)?;
        check_etag(&mut open, &proposal).await?;
        check_window(&mut open, &calendar, proposal.body.terms.window).await?;
        check_measures(&mut open, &proposal).await?;
        let figures = figures(open.conn(), tenant, as_of, &proposal).await?;
        let quotas: Vec<Quota> = figures.iter().map(|figure| quota(&proposal, &calendar, figure)).collect();
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

/// A figure as a quota.
fn quota(proposal: &Proposal, calendar: &Calendar, figure: &Figure) -> Quota {
    let terms = &proposal.body.terms;
    let key = QuotaKey {
        payee: figure.payee.clone(),
        measure: terms.measure_of(figure.made.team).clone(),
        window: terms.window,
    };
    let amount = match terms.unit() {
        Unit::Money => Amount::Money(figure.amount),
        Unit::Number => Amount::Number(Quantity(figure.amount)),
    };
    let stated = Quota::stated(key, terms.currency.unwrap_or(calendar.currency), amount);
    Quota { seasonality: proposal.body.seasonality, ..stated }
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

/// A measure that no quota names yet may have become another since.
async fn check_measures(open: &mut Open, proposal: &Proposal) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let known = storage::measure::all(open.conn(), tenant, as_of).await?;
    let terms = &proposal.body.terms;
    let mut violations = Violations::default();
    for measure in [terms.measure_of(false), terms.measure_of(true)] {
        let fits = known.iter().any(|known| known.id == *measure && known.unit() == terms.unit());
        if !fits {
            violations.add("proposal_id", format!("measure {measure} no longer counts what was proposed"));
        }
    }
    unfit(violations)
}

/// Both report to one manager, and that is a payee's key's own payee or one below it. Absent and not yours read alike.
async fn check_siblings(open: &mut Open, call: &Call, part: &Move, day: Day) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let mut lines: Vec<Vec<PayeeId>> = Vec::new();
    for payee in [&part.from, &part.to] {
        let line = storage::payee::managers(open.conn(), tenant, as_of, payee, day).await?;
        lines.push(line.into_iter().map(|(manager, _)| manager).collect());
    }
    let own = match call.actor.role {
        Role::Payee => call.actor.payee.as_ref(),
        Role::Admin | Role::Service | Role::Payroll | Role::Auditor => None,
    };
    let named = [("from_payee_id", &part.from), ("to_payee_id", &part.to)];
    if let Some(own) = own {
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
