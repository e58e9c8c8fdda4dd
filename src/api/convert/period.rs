//! Previews, closes and postings.

use std::collections::BTreeMap;

use super::{count, money, read, small, write};
use crate::api::v1;
use crate::app::period::{CloseStage, CloseState, Closed, PostingQuery, Preview};
use crate::app::{Page, Write};
use crate::domain::date::{Calendar, Period};
use crate::domain::fault::Fault;
use crate::domain::ledger::{Account, Posting, PostingKind};
use crate::domain::money::Currency;

/// The rpc that previews a close.
pub const PREVIEW: &str = "attain.v1.PeriodService/PreviewPeriod";
/// The rpc that closes a period.
pub const CLOSE: &str = "attain.v1.PeriodService/ClosePeriod";
/// The rpc that accepts a revision of the rules.
pub const ACCEPT: &str = "attain.v1.PeriodService/AcceptRulesRevision";
/// The rpc that lists postings.
pub const POSTINGS: &str = "attain.v1.PeriodService/ListPostings";

/// Reads a request for a preview.
pub fn preview(request: &v1::PreviewPeriodRequest) -> Result<(Period, Page), Fault> {
    read(|check| {
        let period = check.period("period", &request.period);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        Some((period?, page?))
    })
}

/// Reads a request to close a period.
pub fn close(request: &v1::ClosePeriodRequest) -> Result<(Write, Period), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, CLOSE, request, &request.request_id, reason, request.validate_only);
        let period = check.period("period", &request.period);
        Some((write?, period?))
    })
}

/// Reads a request to accept a revision of the rules.
pub fn accept_rules(request: &v1::AcceptRulesRevisionRequest) -> Result<(Write, u32), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, ACCEPT, request, &request.request_id, reason, request.validate_only);
        let revision: Option<u32> = check.number("rules_revision", request.rules_revision.into());
        Some((write?, revision?))
    })
}

/// Reads a request to follow a close: of which period, and since when.
pub fn watch(request: &v1::WatchCloseRequest) -> Result<(Period, i64), Fault> {
    read(|check| {
        let period = check.period("period", &request.period);
        let min = check.min_change(request.min_change);
        Some((period?, min?))
    })
}

/// Reads a request for postings.
pub fn postings(request: &v1::ListPostingsRequest) -> Result<(PostingQuery, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let period = check.optional_period("period", &request.period);
        let for_period = check.optional_period("for_period", &request.for_period);
        let payee = check.optional_id("payee_id", &request.payee_id);
        Some((PostingQuery { period, for_period, payee }, page?))
    })
}

/// A preview as the contract says it.
pub fn preview_wire(preview: &Preview, next_page_token: String) -> v1::PreviewPeriodResponse {
    let payees = preview.payees.iter().map(|((payee, currency), moves)| v1::PayeePreview {
        payee_id: payee.to_string(),
        earned: Some(money(moves.earned, *currency)),
        adjusted: Some(money(moves.adjusted, *currency)),
        adjusted_by_rules: moves.by_rules.map(|amount| money(amount, *currency)),
    });
    let uncredited = preview.uncredited.iter().map(|(deal, event, day, payee)| v1::UncreditedEvent {
        deal_id: deal.clone(),
        event_id: event.clone(),
        event_date: day.to_string(),
        payee_id: payee.to_string(),
    });
    v1::PreviewPeriodResponse {
        period: preview.period.to_string(),
        payees: payees.collect(),
        payee_count: count(preview.payee_count),
        posting_count: count(preview.posting_count),
        totals: totals_wire(&preview.totals),
        problems: preview.problems.clone(),
        uncredited: uncredited.collect(),
        next_page_token,
        as_of_change: preview.as_of,
        rules_revision: small(preview.rules_revision),
        accepted_rules_revision: preview.accepted_rules.map_or(0, small),
        adjusted_by_rules: preview.by_rules.as_ref().map_or_else(Vec::new, totals_wire),
    }
}

/// Sums by currency as the contract says them.
fn totals_wire(totals: &BTreeMap<Currency, i128>) -> Vec<v1::Money> {
    totals.iter().map(|(currency, minor)| money(*minor, *currency)).collect()
}

/// A close as it stands, as the contract says it.
pub fn close_wire(close: &CloseState) -> v1::Close {
    let period = close.period.to_string();
    match &close.stage {
        CloseStage::Running { done, total } => v1::Close {
            period,
            state: v1::close::State::Running.into(),
            payees_done: count(*done),
            payees_total: count(*total),
            ..v1::Close::default()
        },
        CloseStage::Closed(closed) => closed_wire(period, v1::close::State::Closed, closed),
        CloseStage::Validated(closed) => closed_wire(period, v1::close::State::Validated, closed),
        CloseStage::Failed(fault) => v1::Close {
            period,
            state: v1::close::State::Failed.into(),
            failure: fault.to_string(),
            ..v1::Close::default()
        },
    }
}

fn closed_wire(period: String, state: v1::close::State, closed: &Closed) -> v1::Close {
    v1::Close {
        period,
        state: state.into(),
        payees_done: closed.payees,
        payees_total: closed.payees,
        change_number: closed.change,
        as_of_change: closed.as_of,
        posting_count: closed.postings,
        totals: totals_wire(&closed.totals),
        digest: closed.digest.clone(),
        rules_revision: small(closed.rules_revision),
        failure: String::new(),
    }
}

/// Where an entry stands in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Number of the change that posted it.
    pub change: i64,
    /// Place in that change.
    pub entry: i64,
    /// Period that was closed.
    pub period: Period,
}

/// A posting as the contract says it.
pub fn posting_wire(place: Place, posting: &Posting, calendar: &Calendar) -> v1::Posting {
    let kind = match posting.kind {
        PostingKind::Earned => v1::posting::Kind::Earned,
        PostingKind::Released => v1::posting::Kind::Released,
    };
    let account = |account: Account| match account {
        Account::Expense => v1::posting::Account::Expense,
        Account::Held => v1::posting::Account::Held,
        Account::Payable => v1::posting::Account::Payable,
    };
    let (debit, credit) = posting.kind.accounts();
    v1::Posting {
        change_number: place.change,
        entry: place.entry,
        period: place.period.to_string(),
        for_period: posting.for_period.to_string(),
        kind: kind.into(),
        debit: account(debit).into(),
        credit: account(credit).into(),
        payee_id: posting.key.payee.to_string(),
        plan_id: posting.key.plan.to_string(),
        component_id: posting.key.component.to_string(),
        window: calendar.window_text(posting.key.window),
        amount: Some(money(posting.amount, posting.currency)),
    }
}
