//! Proposals of quotas. Their figures are decimal text in the currency that the proposal names, without one numbers.

mod show;

use super::{Check, read, small, write};
use crate::api::v1;
use crate::api::v1::quota_allocation::Weigh as WireWeigh;
use crate::api::v1::quota_projection::By;
use crate::api::v1::quota_proposal::Way as WireWay;
use crate::app::proposal::publish::Move;
use crate::app::proposal::{Asked, ProposeReceipt};
use crate::app::{AsOf, Page, Write};
use crate::domain::date::{Calendar, Window};
use crate::domain::fault::Fault;
use crate::domain::id::{PayeeId, ProposalId};
use crate::domain::measure::Amount;
use crate::domain::money::Currency;
use crate::domain::number::{Percent, Quantity};
use crate::domain::proposal::{Allocation, History, Limits, Projection, Season, Terms, Way, Weigh};
use crate::domain::quota::MONTHS;

pub use show::{assessed, compared_wire, figure_wire, header, wire};

/// The rpc that proposes quotas.
pub const PROPOSE: &str = "attain.v1.QuotaService/ProposeQuotas";
/// The rpc that changes figures of a proposal.
pub const ADJUST: &str = "attain.v1.QuotaService/AdjustQuotaProposal";
/// The rpc that publishes a proposal.
pub const PUBLISH: &str = "attain.v1.QuotaService/PublishQuotaProposal";
/// The rpc that moves a part of a quota.
pub const MOVE: &str = "attain.v1.QuotaService/MoveQuota";
/// The rpc that lists proposals.
pub const LIST: &str = "attain.v1.QuotaService/ListQuotaProposals";
/// The rpc that lists figures of a proposal.
pub const FIGURES: &str = "attain.v1.QuotaService/ListProposalFigures";
/// The rpc that compares proposals.
pub const COMPARE: &str = "attain.v1.QuotaService/CompareQuotaProposals";
/// Most payees that a request names in one list.
const MAX_PAYEES: usize = 10_000;
/// Most figures that are changed at once.
const MAX_CHANGES: usize = 1000;

/// Reads a request to propose quotas.
pub fn propose(request: &v1::ProposeQuotasRequest, calendar: &Calendar) -> Result<(Write, Asked), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, PROPOSE, request, &request.request_id, reason, request.validate_only);
        let asked = check.inner("proposal", request.proposal.as_ref(), |check, wire| {
            let etag = check.expected_etag("etag", 0, wire.etag);
            let id = check.id("proposal_id", &wire.proposal_id);
            let fields = |check: &mut Check| terms(check, wire, calendar);
            let has_history = wire.history.as_ref().is_some_and(|history| !history.first_period.is_empty());
            let terms = check.whole(fields, |terms, path, violations| terms.check(path, violations));
            Some((Asked { id: id?, terms: terms?, has_step: !wire.step.is_empty(), has_history }, etag))
        });
        let (asked, etag) = asked?;
        Some((write?.expecting(etag.into_iter().collect()), asked))
    })
}

/// A figure that must be there, not below zero.
fn figure(check: &mut Check, field: &str, text: &str, currency: Option<Currency>) -> Option<i64> {
    match currency {
        Some(currency) => check.required_amount(field, text, currency),
        None => {
            let quantity = check.take(field, Quantity::parse(text)).map(|quantity| quantity.0);
            check.not_negative(field, text, quantity)
        }
    }
}

/// A figure that may be empty.
fn optional(check: &mut Check, field: &str, text: &str, currency: Option<Currency>) -> Option<Option<i64>> {
    if text.is_empty() { Some(None) } else { figure(check, field, text, currency).map(Some) }
}

/// A percentage that may be empty.
fn optional_percent(check: &mut Check, field: &str, text: &str) -> Option<Option<Percent>> {
    if text.is_empty() { Some(None) } else { check.percent(field, text).map(Some) }
}

fn percents(check: &mut Check, field: &str, texts: &[String]) -> Option<Vec<Percent>> {
    check.list(field, texts, MAX_PAYEES, |check, text| check.percent("", text))
}

/// What is said of payees, each once.
fn by_payee<W, T>(
    check: &mut Check,
    field: &str,
    wires: &[W],
    (most, id): (usize, impl Fn(&W) -> String),
    mut reader: impl FnMut(&mut Check, &W) -> Option<T>,
) -> Option<Vec<(PayeeId, T)>> {
    let ids: Vec<String> = wires.iter().take(most).map(&id).collect();
    check.once(field, &ids);
    check.list(field, wires, most, |check, wire| {
        let payee = check.id("payee_id", &id(wire));
        let value = reader(check, wire);
        Some((payee?, value?))
    })
}

fn terms(check: &mut Check, wire: &v1::QuotaProposal, calendar: &Calendar) -> Option<Terms> {
    let root = check.id("root_payee_id", &wire.root_payee_id);
    let measure = check.id("measure_id", &wire.measure_id);
    let team_measure = check.optional_id("team_measure_id", &wire.team_measure_id);
    let window = check.take("window", calendar.parse_window(&wire.window));
    let currency = match wire.currency_code.as_str() {
        "" => Some(None),
        code => check.take("currency_code", Currency::parse(code)).map(Some),
    };
    // Of another currency than the one meant figures cannot be read: the rest is looked at once that is mended.
    let currency = currency?;
    let step = if wire.step.is_empty() { Some(1) } else { figure(check, "step", &wire.step, currency) };
    let way = match &wire.way {
        Some(WireWay::Allocation(wire)) => check
            .inner("allocation", Some(wire), |check, wire| allocation(check, wire, currency))
            .map(Way::Allocate),
        Some(WireWay::Projection(wire)) => check
            .inner("projection", Some(wire), |check, wire| projection(check, wire, currency))
            .map(Way::Project),
        None => {
            check.add("allocation", "must be given, or a projection");
            None
        }
    };
    let history = history(check, wire, window);
    let general = match &wire.limits {
        Some(wire) => check.inner("limits", Some(wire), |check, wire| limits(check, wire, currency)),
        None => Some(Limits::default()),
    };
    let id = |wire: &v1::PayeeLimits| wire.payee_id.clone();
    let payee_limits =
        by_payee(check, "payee_limits", &wire.payee_limits, (MAX_PAYEES, id), |check, wire| {
            check.inner("limits", wire.limits.as_ref(), |check, wire| limits(check, wire, currency))
        });
    let season = season(check, wire);
    let computed = !wire.computed_seasonality_percents.is_empty();
    if wire.state != 0 || wire.computed_as_of_change != 0 || computed {
        let rest = "computed_as_of_change and computed_seasonality_percents too: they are output only";
        check.add("state", format!("must be empty, {rest}"));
    }
    Some(Terms {
        root: root?,
        measure: measure?,
        team_measure,
        window: window?,
        currency,
        step: step?,
        way: way?,
        history: history?,
        limits: general?,
        payee_limits: payee_limits?.into_iter().collect(),
        season: season?,
    })
}

fn allocation(
    check: &mut Check,
    wire: &v1::QuotaAllocation,
    currency: Option<Currency>,
) -> Option<Allocation> {
    let goal = figure(check, "goal", &wire.goal, currency);
    let id = |wire: &v1::PayeeWeight| wire.payee_id.clone();
    let weights = by_payee(check, "weights", &wire.weights, (MAX_PAYEES, id), |check, wire| {
        let weight = check.quantity("weight", &wire.weight);
        if wire.weight.is_empty() {
            check.add("weight", "must be given");
        }
        weight
    });
    let over_assignment = percents(check, "over_assignment_percents", &wire.over_assignment_percents);
    let ramp = percents(check, "ramp_percents", &wire.ramp_percents);
    let weigh = check.choice("weigh", wire.weigh, |weigh| match weigh {
        WireWeigh::Unspecified => None,
        WireWeigh::Equal => Some(Weigh::Equal),
        WireWeigh::History => Some(Weigh::History),
        WireWeigh::TerritoryPotential => Some(Weigh::TerritoryPotential),
        WireWeigh::RampedCapacity => Some(Weigh::RampedCapacity(ramp.clone().unwrap_or_default())),
        WireWeigh::Given => Some(Weigh::Given),
    });
    if !wire.ramp_percents.is_empty()
        && weigh.as_ref().is_some_and(|weigh| !matches!(weigh, Weigh::RampedCapacity(_)))
    {
        check.add("ramp_percents", "must be empty but for WEIGH_RAMPED_CAPACITY");
    }
    ramp?;
    let weights = weights?.into_iter().collect();
    Some(Allocation { goal: goal?, weigh: weigh?, weights, over_assignment: over_assignment? })
}

fn projection(
    check: &mut Check,
    wire: &v1::QuotaProjection,
    currency: Option<Currency>,
) -> Option<Projection> {
    match &wire.by {
        Some(By::GrowthPercent(percent)) => check.percent("growth_percent", percent).map(Projection::Growth),
        Some(By::Trend(true)) => Some(Projection::Trend),
        Some(By::Given(wire)) => check.inner("given", Some(wire), |check, wire| {
            let id = |wire: &v1::PayeeFigure| wire.payee_id.clone();
            let figures = by_payee(check, "figures", &wire.figures, (MAX_PAYEES, id), |check, wire| {
                figure(check, "figure", &wire.figure, currency)
            });
            figures.map(|figures| Projection::Given(figures.into_iter().collect()))
        }),
        Some(By::Trend(false)) | None => {
            check.add("growth_percent", "must be given, or trend set, or figures given");
            None
        }
    }
}

/// The history asked for; what is not stated of it is the same measure just before the window, or as much before as is
/// over.
fn history(check: &mut Check, wire: &v1::QuotaProposal, window: Option<Window>) -> Option<History> {
    let stated = wire.history.clone().unwrap_or_default();
    let own = if stated.measure_id.is_empty() { &wire.measure_id } else { &stated.measure_id };
    // A wrong measure of the proposal is noted where it stands.
    let measure = match stated.measure_id.is_empty() {
        true => own.parse().ok(),
        false => check.id("history.measure_id", own),
    };
    let first = check.optional_period("history.first_period", &stated.first_period);
    let last = check.optional_period("history.last_period", &stated.last_period);
    if stated.first_period.is_empty() != stated.last_period.is_empty() {
        check.add("history.first_period", "must be given where last_period is, and the other way round");
        return None;
    }
    let (first, last) = match stated.first_period.is_empty() {
        true => {
            let window = window?;
            (window.first().plus(-window.kind().months()), window.first().plus(-1))
        }
        false => (first?, last?),
    };
    Some(History { measure: measure?, first, last })
}

fn limits(check: &mut Check, wire: &v1::QuotaLimits, currency: Option<Currency>) -> Option<Limits> {
    let floor = optional(check, "floor", &wire.floor, currency);
    let ceiling = optional(check, "ceiling", &wire.ceiling, currency);
    let least_percent = optional_percent(check, "least_percent", &wire.least_percent);
    let most_percent = optional_percent(check, "most_percent", &wire.most_percent);
    Some(Limits {
        floor: floor?,
        ceiling: ceiling?,
        least_percent: least_percent?,
        most_percent: most_percent?,
    })
}

fn season(check: &mut Check, wire: &v1::QuotaProposal) -> Option<Season> {
    let given = &wire.seasonality_percents;
    if wire.seasonality_from_history {
        if !given.is_empty() {
            check.add("seasonality_percents", "must be empty where they come from history");
        }
        return Some(Season::History);
    }
    match given.len() {
        0 => Some(Season::Even),
        MONTHS => {
            let weights = percents(check, "seasonality_percents", given)?;
            weights.try_into().ok().map(Season::Given)
        }
        count => {
            check.add("seasonality_percents", format!("must be twelve or none, got {count}"));
            None
        }
    }
}

/// What proposing answers, as the contract says it.
pub fn proposed(receipt: &ProposeReceipt) -> v1::ProposeQuotasResponse {
    v1::ProposeQuotasResponse {
        receipt: Some(super::receipt(&receipt.receipt)),
        payees: small(receipt.payees),
        total: receipt.total.clone(),
        bound: small(receipt.bound),
    }
}

/// Reads a request for a proposal.
pub fn get(request: &v1::GetQuotaProposalRequest) -> Result<(AsOf, ProposalId), Fault> {
    read(|check| {
        let id = check.id("proposal_id", &request.proposal_id);
        Some((check.as_of(request.as_of_change, request.min_change)?, id?))
    })
}

/// Reads a request for how good a proposal is.
pub fn assess(request: &v1::AssessQuotaProposalRequest) -> Result<(AsOf, ProposalId), Fault> {
    read(|check| {
        let id = check.id("proposal_id", &request.proposal_id);
        Some((check.as_of(request.as_of_change, request.min_change)?, id?))
    })
}

/// Reads a request for proposals.
pub fn list(request: &v1::ListQuotaProposalsRequest) -> Result<Page, Fault> {
    read(|check| check.page(request.page_size, request.as_of_change, request.min_change))
}

/// Reads a request for figures: of which proposal, and whose reports'.
pub fn figures(
    request: &v1::ListProposalFiguresRequest,
) -> Result<(ProposalId, Option<PayeeId>, Page), Fault> {
    read(|check| {
        let id = check.id("proposal_id", &request.proposal_id);
        let manager = check.optional_id("manager_id", &request.manager_id);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        Some((id?, manager, page?))
    })
}

/// Reads a request to compare proposals.
pub fn compare(request: &v1::CompareQuotaProposalsRequest) -> Result<(ProposalId, ProposalId, Page), Fault> {
    read(|check| {
        let one = check.id("proposal_id", &request.proposal_id);
        let other = check.id("other_proposal_id", &request.other_proposal_id);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        Some((one?, other?, page?))
    })
}

/// The name of the proposal that is to be changed; its figures read in its currency.
pub fn adjusted(request: &v1::AdjustQuotaProposalRequest) -> Result<ProposalId, Fault> {
    read(|check| check.id("proposal_id", &request.proposal_id))
}

/// Reads a request to change figures of a proposal.
pub fn adjust(
    request: &v1::AdjustQuotaProposalRequest,
    currency: Option<Currency>,
) -> Result<(Write, Vec<(PayeeId, i64)>), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, ADJUST, request, &request.request_id, reason, request.validate_only);
        let etag = check.expected_etag("etag", 0, request.etag);
        if request.changes.is_empty() {
            check.add("changes", format!("must be 1 to {MAX_CHANGES}, got 0"));
        }
        let id = |wire: &v1::PayeeFigure| wire.payee_id.clone();
        let changes = by_payee(check, "changes", &request.changes, (MAX_CHANGES, id), |check, wire| {
            figure(check, "figure", &wire.figure, currency)
        });
        Some((write?.expecting(etag.into_iter().collect()), changes?))
    })
}

/// Reads a request to publish a proposal.
pub fn publish(request: &v1::PublishQuotaProposalRequest) -> Result<(Write, ProposalId), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, PUBLISH, request, &request.request_id, reason, request.validate_only);
        let id = check.id("proposal_id", &request.proposal_id);
        let etag = check.expected_etag("etag", 0, request.etag);
        Some((write?.expecting(etag.into_iter().collect()), id?))
    })
}

/// Reads a request to move a part of a quota.
pub fn move_quota(request: &v1::MoveQuotaRequest, calendar: &Calendar) -> Result<(Write, Move), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, MOVE, request, &request.request_id, reason, request.validate_only);
        let from = check.id("from_payee_id", &request.from_payee_id);
        let to = check.id("to_payee_id", &request.to_payee_id);
        if from.is_some() && from == to {
            check.add("to_payee_id", format!("must be another payee, got {}", request.to_payee_id));
        }
        let measure = check.id("measure_id", &request.measure_id);
        let window = check.take("window", calendar.parse_window(&request.window));
        let (amount, currency) = match (&request.amount, request.units.as_str()) {
            (Some(_), "") => {
                let money = check.inner("amount", request.amount.as_ref(), |check, wire| {
                    let currency = check.take("currency_code", Currency::parse(&wire.currency_code))?;
                    Some((check.required_amount("amount", &wire.amount, currency)?, currency))
                });
                (money.map(|(minor, _)| Amount::Money(minor)), money.map(|(_, currency)| currency))
            }
            (None, "") => {
                check.add("amount", "must be given, or units");
                (None, None)
            }
            (None, units) => (check.quantity("units", units).map(Amount::Number), None),
            (Some(_), _) => {
                check.add("units", "must be empty where an amount is given");
                (None, None)
            }
        };
        if amount.is_some_and(|amount| amount.units() == 0) {
            check.add(if currency.is_some() { "amount" } else { "units" }, "must be above zero");
        }
        let part =
            Move { from: from?, to: to?, measure: measure?, window: window?, amount: amount?, currency };
        Some((write?, part))
    })
}
