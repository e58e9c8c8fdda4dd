//! Estimates of what a deal would earn.

use super::deal::{deal, event_kind, event_wire};
use super::measure::unit_wire;
use super::rates::tier_wire;
use super::{Check, read, small};
use crate::api::v1;
use crate::api::v1::estimate_deal_request::Source;
use crate::app::AsOf;
use crate::app::estimate::{Assumed, ComponentFigures, EstimateQuery, Estimated, StandingFigures, Subject};
use crate::domain::deal::{Deal, EventKind, MAX_PARTS};
use crate::domain::fault::Fault;
use crate::domain::id::DealId;
use crate::domain::money::Currency;

/// Reads where to read: asked before anything else, because amounts are read in a currency that is stored.
pub fn as_of(request: &v1::EstimateDealRequest) -> Result<AsOf, Fault> {
    read(|check| check.as_of(request.as_of_change, request.min_change))
}

/// The stored deal whose currency the assumed events are in, if any is assumed.
pub fn stored(request: &v1::EstimateDealRequest) -> Option<DealId> {
    let id = match &request.source {
        Some(Source::DealId(id)) => id,
        Some(Source::Deal(_)) | None => return None,
    };
    if request.assumed_events.is_empty() { None } else { DealId::try_new(id).ok() }
}

/// Reads a request for an estimate; what names no currency is in `currency`.
pub fn estimate(request: &v1::EstimateDealRequest, currency: Currency) -> Result<EstimateQuery, Fault> {
    read(|check| {
        let subject = match &request.source {
            None => {
                check.add("deal_id", "must be given, or a deal");
                None
            }
            Some(Source::DealId(id)) => check.id("deal_id", id).map(Subject::Stored),
            Some(Source::Deal(wire)) => check.inner("deal", Some(wire), |check, wire| {
                if wire.etag != 0 {
                    check.add("etag", format!("must be 0: nothing is written, got {}", wire.etag));
                }
                deal(check, wire, currency).map(|deal: Deal| Subject::MadeUp(Box::new(deal)))
            }),
        };
        let currency = match &request.source {
            Some(Source::Deal(wire)) => Currency::parse(&wire.currency_code).unwrap_or(currency),
            Some(Source::DealId(_)) | None => currency,
        };
        let assumed = check.list("assumed_events", &request.assumed_events, MAX_PARTS, |check, wire| {
            assumed(check, wire, currency)
        });
        let payee = check.optional_id("payee_id", &request.payee_id);
        let period = check.optional_period("period", &request.period);
        let as_of = check.as_of(request.as_of_change, request.min_change);
        Some(EstimateQuery { subject: subject?, assumed: assumed?, payee, period, as_of: as_of? })
    })
}

fn assumed(check: &mut Check, wire: &v1::AssumedEvent, currency: Currency) -> Option<Assumed> {
    let kind = check.choice("type", wire.r#type, |kind| Some(event_kind(kind).unwrap_or(EventKind::Booked)));
    if let Some(kind) = kind.filter(|kind| kind.is_reversal()) {
        check.add("type", format!("must be booked, invoiced or paid, got {}", kind.name()));
    }
    let day = check.optional_day("event_date", &wire.event_date);
    let amount = check.amount("amount", &wire.amount, currency);
    let cost = check.amount("cost", &wire.cost, currency);
    let quantity = check.quantity("quantity", &wire.quantity);
    Some(Assumed { kind: kind?, day, amount, cost, quantity })
}

/// An estimate as the contract says it.
pub fn wire(answer: Estimated) -> v1::EstimateDealResponse {
    let Estimated { deal, assumed, .. } = &answer;
    let events = deal.events.iter().filter(|event| assumed.contains(&event.id));
    let money = |(currency, amount): &(Currency, i128)| v1::Money {
        currency_code: currency.to_string(),
        amount: currency.amount(*amount),
    };
    v1::EstimateDealResponse {
        assumed_events: events.map(|event| event_wire(event, deal.currency)).collect(),
        totals: answer.totals.iter().map(money).collect(),
        period: answer.period.to_string(),
        as_of_change: answer.as_of,
        rules_revision: small(answer.rules_revision),
        payees: answer
            .payees
            .into_iter()
            .map(|payee| v1::PayeeEstimate {
                payee_id: payee.payee.to_string(),
                currency_code: payee.currency.to_string(),
                estimate: payee.estimate,
                components: payee
                    .components
                    .into_iter()
                    .map(|part| component(part, payee.currency))
                    .collect(),
                problems: payee.problems,
            })
            .collect(),
    }
}

fn component(figures: ComponentFigures, currency: Currency) -> v1::ComponentEstimate {
    let period = |(period, estimate): (_, _)| {
        let period: crate::domain::date::Period = period;
        v1::PeriodEstimate { period: period.to_string(), estimate }
    };
    let (without, with) = figures.standing.unzip();
    v1::ComponentEstimate {
        plan_id: figures.plan.to_string(),
        component_id: figures.component.to_string(),
        name: figures.name,
        window: figures.window,
        estimate: figures.estimate,
        earned_without: figures.without,
        earned_with: figures.with,
        periods: figures.periods.into_iter().map(period).collect(),
        without: without.map(|figures| standing(figures, currency)),
        with: with.map(|figures| standing(figures, currency)),
    }
}

fn standing(figures: StandingFigures, currency: Currency) -> v1::TierStanding {
    let StandingFigures { unit, axis, pays, .. } = figures;
    let tier = |tier| tier_wire(&tier, axis, pays, currency);
    let (next_tier, missing) = figures.next.unzip();
    v1::TierStanding {
        unit: unit_wire(unit).into(),
        line: figures.line,
        attainment_percent: figures.attainment_percent,
        tier: Some(tier(figures.tier)),
        next_tier: next_tier.map(tier),
        missing,
    }
}
