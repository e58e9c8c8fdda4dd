//! Deals, their splits and events.

use super::{Check, MAX_FACTS, listed, read, read_at, shown, text, write};
use crate::api::v1;
use crate::app::deal::DealQuery;
use crate::app::{AsOf, Page, Write};
use crate::domain::deal::{
    Deal, DealEvent, EventKind, MAX_ATTRIBUTES, MAX_PARTS, OWNER, Outcome, Reversed, Split,
};
use crate::domain::fault::Fault;
use crate::domain::id::{self, DealId};
use crate::domain::money::Currency;
use crate::domain::number::Percent;
use crate::domain::version::SourceVersion;

/// The rpc that writes deals.
pub const UPSERT: &str = "attain.v1.DealService/UpsertDeals";
/// The rpc that lists deals.
pub const LIST: &str = "attain.v1.DealService/ListDeals";

/// Reads a request to write deals.
pub fn upsert(request: &v1::UpsertDealsRequest, currency: Currency) -> Result<(Write, Vec<Deal>), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, UPSERT, request, &request.request_id, reason, request.validate_only);
        let id = (".deal_id", |wire: &v1::Deal| wire.deal_id.clone());
        let deals =
            check.facts("deals", &request.deals, MAX_FACTS, id, |check, wire| deal(check, wire, currency));
        let etags = request.deals.iter().map(|wire| wire.etag);
        let etags = check.expected_etags(listed("deals", etags));
        Some((write?.expecting(etags), deals?))
    })
}

/// Reads a request for one deal: as of when, and which.
pub fn get(request: &v1::GetDealRequest) -> Result<(AsOf, DealId), Fault> {
    read(|check| {
        let id = check.id("deal_id", &request.deal_id);
        Some((check.as_of(request.as_of_change, request.min_change)?, id?))
    })
}

/// Reads a request for deals.
pub fn list(request: &v1::ListDealsRequest) -> Result<(DealQuery, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let owner = check.optional_id("owner_id", &request.owner_id);
        let outcome = if request.outcome == 0 { None } else { outcome(check, request.outcome) };
        let closed_from = check.optional_day("close_date_from", &request.close_date_from);
        let closed_to = check.optional_day("close_date_to", &request.close_date_to);
        Some((DealQuery { owner, outcome, closed_from, closed_to }, page?))
    })
}

/// Reads a deal of an import's row.
pub(super) fn row(wire: Option<&v1::Deal>, currency: Currency) -> Result<Deal, Fault> {
    let Some(wire) = wire else { return Err(Fault::field("deal", "must be given")) };
    read_at("deal", |check| {
        if wire.etag != 0 {
            check.add("etag", format!("must be 0 in an import, which checks none, got {}", wire.etag));
        }
        deal(check, wire, currency)
    })
}

fn outcome(check: &mut Check, number: i32) -> Option<Outcome> {
    check.choice("outcome", number, |outcome| match outcome {
        v1::deal::Outcome::Unspecified => None,
        v1::deal::Outcome::Open => Some(Outcome::Open),
        v1::deal::Outcome::Won => Some(Outcome::Won),
        v1::deal::Outcome::Lost => Some(Outcome::Lost),
    })
}

/// Reads a deal.
pub(super) fn deal(check: &mut Check, wire: &v1::Deal, tenants: Currency) -> Option<Deal> {
    let fields = |check: &mut Check| {
        let id = check.id("deal_id", &wire.deal_id);
        let name = check.text("name", &wire.name, 500);
        let owner = check.id("owner_id", &wire.owner_id);
        let customer = check.optional_id("customer_id", &wire.customer_id);
        let customer_name = check.text("customer_name", &wire.customer_name, 200);
        let product = check.optional_id("product_id", &wire.product_id);
        let currency = check.currency("currency_code", &wire.currency_code, tenants);
        // A deal in a currency that there is not has one thing wrong with it; its amounts are read as they would be in
        // the tenant's.
        let read_in = currency.unwrap_or(tenants);
        let amount = check.amount("amount", &wire.amount, read_in);
        let cost = check.amount("cost", &wire.cost, read_in);
        let quantity = check.quantity("quantity", &wire.quantity);
        let stage = check.text("stage", &wire.stage, 100);
        let outcome = outcome(check, wire.outcome);
        let probability = probability(check, &wire.probability_percent);
        let opened = check.optional_day("open_date", &wire.open_date);
        let closed = check.optional_day("close_date", &wire.close_date);
        attributes(check, wire);
        let splits = check.list("splits", &wire.splits, MAX_PARTS, split);
        let source_version = check.source_version(wire.source_version);
        let events = check.list("events", &wire.events, MAX_PARTS, |check, wire| {
            let event = event(check, wire, read_in)?;
            Some(DealEvent { source_version: event.source_version.or(source_version), ..event })
        });
        Some(Deal {
            id: id?,
            name,
            owner: owner?,
            customer,
            customer_name,
            product,
            currency: currency?,
            amount,
            cost,
            quantity,
            stage,
            outcome: outcome?,
            probability,
            opened,
            closed,
            attributes: wire.attributes.clone(),
            splits: splits?,
            events: events?,
            source_version,
        })
    };
    check.whole(fields, Deal::check)
}

fn probability(check: &mut Check, text: &str) -> Option<Percent> {
    let percent = if text.is_empty() { None } else { check.percent("probability_percent", text) }?;
    if !(Percent::ZERO..=Percent::HUNDRED).contains(&percent) {
        check.add("probability_percent", format!("must be 0 to 100, got {percent}"));
    }
    Some(percent)
}

fn attributes(check: &mut Check, wire: &v1::Deal) {
    let count = wire.attributes.len();
    if count > MAX_ATTRIBUTES {
        check.add("attributes", format!("must be at most {MAX_ATTRIBUTES}, got {count}"));
        return;
    }
    for (name, value) in &wire.attributes {
        if let Err(fault) = id::check(name) {
            check.add("attributes", format!("name {fault}"));
        }
        check.text(&format!("attributes[{:?}]", shown(name)), value, 500);
    }
}

fn split(check: &mut Check, wire: &v1::Split) -> Option<Split> {
    let payee = check.id("payee_id", &wire.payee_id);
    let role = check.id("role", if wire.role.is_empty() { OWNER } else { &wire.role });
    let percent = check.percent("split_percent", &wire.split_percent);
    Some(Split { payee: payee?, role: role?, percent: percent? })
}

fn event(check: &mut Check, wire: &v1::DealEvent, currency: Currency) -> Option<DealEvent> {
    let id = check.id("event_id", &wire.event_id);
    let kind = check.choice("type", wire.r#type, event_kind);
    let day = check.day("event_date", &wire.event_date);
    let amount = check.amount("amount", &wire.amount, currency);
    let cost = check.amount("cost", &wire.cost, currency);
    let quantity = check.quantity("quantity", &wire.quantity);
    let reverses = check.list("reverses", &wire.reverses, MAX_PARTS, |check, wire| {
        let event = check.id("event_id", &wire.event_id);
        let amount = check.amount("amount", &wire.amount, currency);
        Some(Reversed { event: event?, amount })
    });
    let source_version = check.source_version(wire.source_version);
    let (kind, day) = (kind?, day?);
    Some(DealEvent { id: id?, kind, day, amount, cost, quantity, reverses: reverses?, source_version })
}

/// The kind of event of a wire value; `None` for the unspecified one.
pub(super) fn event_kind(kind: v1::deal_event::Type) -> Option<EventKind> {
    match kind {
        v1::deal_event::Type::Unspecified => None,
        v1::deal_event::Type::Booked => Some(EventKind::Booked),
        v1::deal_event::Type::Invoiced => Some(EventKind::Invoiced),
        v1::deal_event::Type::Paid => Some(EventKind::Paid),
        v1::deal_event::Type::Refunded => Some(EventKind::Refunded),
        v1::deal_event::Type::Cancelled => Some(EventKind::Cancelled),
    }
}

/// The wire value of a kind of event.
pub(super) fn event_kind_wire(kind: EventKind) -> v1::deal_event::Type {
    match kind {
        EventKind::Booked => v1::deal_event::Type::Booked,
        EventKind::Invoiced => v1::deal_event::Type::Invoiced,
        EventKind::Paid => v1::deal_event::Type::Paid,
        EventKind::Refunded => v1::deal_event::Type::Refunded,
        EventKind::Cancelled => v1::deal_event::Type::Cancelled,
    }
}

/// A deal as the contract says it.
pub fn wire(deal: &Deal, etag: i64) -> v1::Deal {
    let outcome = match deal.outcome {
        Outcome::Open => v1::deal::Outcome::Open,
        Outcome::Won => v1::deal::Outcome::Won,
        Outcome::Lost => v1::deal::Outcome::Lost,
    };
    let split = |split: &Split| v1::Split {
        payee_id: split.payee.to_string(),
        role: split.role.to_string(),
        split_percent: split.percent.to_string(),
    };
    v1::Deal {
        deal_id: deal.id.to_string(),
        name: text(deal.name.as_ref()),
        owner_id: deal.owner.to_string(),
        customer_id: text(deal.customer.as_ref()),
        customer_name: text(deal.customer_name.as_ref()),
        product_id: text(deal.product.as_ref()),
        currency_code: deal.currency.to_string(),
        amount: amount(deal.amount, deal.currency),
        cost: amount(deal.cost, deal.currency),
        quantity: text(deal.quantity),
        stage: text(deal.stage.as_ref()),
        outcome: outcome.into(),
        probability_percent: text(deal.probability),
        open_date: text(deal.opened),
        close_date: text(deal.closed),
        attributes: deal.attributes.clone(),
        splits: deal.splits.iter().map(split).collect(),
        events: deal.events.iter().map(|event| event_wire(event, deal.currency)).collect(),
        etag,
        source_version: deal.source_version.map(SourceVersion::get),
    }
}

/// An event as the contract says it.
pub(super) fn event_wire(event: &DealEvent, currency: Currency) -> v1::DealEvent {
    let reversed = |reversed: &Reversed| v1::Reversed {
        event_id: reversed.event.to_string(),
        amount: amount(reversed.amount, currency),
    };
    v1::DealEvent {
        event_id: event.id.to_string(),
        r#type: event_kind_wire(event.kind).into(),
        event_date: event.day.to_string(),
        amount: amount(event.amount, currency),
        cost: amount(event.cost, currency),
        quantity: text(event.quantity),
        reverses: event.reverses.iter().map(reversed).collect(),
        source_version: event.source_version.map(SourceVersion::get),
    }
}

fn amount(minor: Option<i64>, currency: Currency) -> String {
    text(minor.map(|minor| currency.amount(minor.into())))
}
