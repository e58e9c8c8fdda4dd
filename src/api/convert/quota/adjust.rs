//! Adjustments, versions and explanations of quotas.

use super::{currency_of, figure, key, ramp, relief, relief_wire, wire};
use crate::api::convert::earnings::{CHILDREN, MAX_PATH, depth};
use crate::api::convert::journal::timestamp;
use crate::api::convert::{Check, read, receipt, text, write};
use crate::api::v1;
use crate::api::v1::quota_adjustment::Kind;
use crate::app::quota::adjust::{Adjusted, QuotaVersion};
use crate::app::quota::explain::ExplainQuotaQuery;
use crate::app::{Page, Write};
use crate::domain::date::{Calendar, Day};
use crate::domain::fault::Fault;
use crate::domain::quota::{Adjustment, AdjustmentKind, MAX_PARTS, QuotaKey};

/// The rpc that adjusts a quota.
pub const ADJUST: &str = "attain.v1.QuotaService/AdjustQuota";
/// The rpc that lists a quota's versions.
pub const VERSIONS: &str = "attain.v1.QuotaService/ListQuotaVersions";
/// The rpc that explains a quota.
pub const EXPLAIN: &str = "attain.v1.QuotaService/ExplainQuota";

/// Reads a request to adjust a quota.
pub fn adjust(request: &v1::AdjustQuotaRequest, calendar: &Calendar) -> Result<(Write, Adjustment), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, ADJUST, request, &request.request_id, reason, request.validate_only);
        let told = check.inner("adjustment", request.adjustment.as_ref(), |check, wire| {
            let etag = check.expected_etag("etag", 0, wire.etag);
            let fields = |check: &mut Check| adjustment(check, wire, calendar);
            let told = check.whole(fields, |told, path, violations| told.check(path, violations));
            Some((told?, etag))
        });
        let (adjustment, etag) = told?;
        Some((write?.expecting(etag.into_iter().collect()), adjustment))
    })
}

fn adjustment(check: &mut Check, wire: &v1::QuotaAdjustment, calendar: &Calendar) -> Option<Adjustment> {
    let key = key(check, &wire.payee_id, &wire.measure_id, &wire.window, calendar);
    let kind = check.choice("kind", wire.kind, kind);
    let currency = currency_of(wire.amount.as_ref(), &wire.reliefs, calendar);
    let stated = wire.amount.is_some() || !wire.units.is_empty();
    let goal = figure(check, wire.amount.as_ref(), &wire.units, currency);
    let way_up = wire.ramp.as_ref().map(|wire| check.inner("ramp", Some(wire), ramp));
    let reliefs =
        check.list("reliefs", &wire.reliefs, MAX_PARTS, |check, wire| relief(check, wire, currency));
    let leave = wire.leave.as_ref().map(|wire| check.inner("leave", Some(wire), leave));
    // What was given and does not read is said already.
    if (stated && goal.is_none()) || way_up == Some(None) || leave == Some(None) {
        return None;
    }
    let (ramp, leave) = (way_up.flatten(), leave.flatten());
    Some(Adjustment { key: key?, kind: kind?, currency, goal, ramp, reliefs: reliefs?, leave })
}

fn leave(check: &mut Check, wire: &v1::Leave) -> Option<(Day, Day)> {
    let (from, to) = (check.day("start_date", &wire.start_date), check.day("end_date", &wire.end_date));
    Some((from?, to?))
}

fn kind(kind: Kind) -> Option<AdjustmentKind> {
    AdjustmentKind::ALL.into_iter().find(|known| kind_wire(*known) == kind)
}

fn kind_wire(kind: AdjustmentKind) -> Kind {
    match kind {
        AdjustmentKind::Joiner => Kind::Joiner,
        AdjustmentKind::Leaver => Kind::Leaver,
        AdjustmentKind::Transfer => Kind::Transfer,
        AdjustmentKind::Leave => Kind::Leave,
        AdjustmentKind::LostAccount => Kind::LostAccount,
        AdjustmentKind::MidYearChange => Kind::MidYearChange,
        AdjustmentKind::Correction => Kind::Correction,
    }
}

/// What adjusting answers, as the contract says it.
pub fn adjusted_wire(answer: &Adjusted) -> v1::AdjustQuotaResponse {
    let reliefs = answer.reliefs.iter().map(|relief| relief_wire(relief, answer.currency));
    v1::AdjustQuotaResponse { receipt: Some(receipt(&answer.receipt)), reliefs: reliefs.collect() }
}

/// Reads a request for a quota's versions.
pub fn versions(
    request: &v1::ListQuotaVersionsRequest,
    calendar: &Calendar,
) -> Result<(QuotaKey, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let key = key(check, &request.payee_id, &request.measure_id, &request.window, calendar);
        Some((key?, page?))
    })
}

/// A version as the contract says it.
pub fn version_wire(version: &QuotaVersion, calendar: &Calendar) -> v1::QuotaVersion {
    v1::QuotaVersion {
        quota: Some(wire(&version.quota, version.change, calendar)),
        change_time: Some(timestamp(version.time)),
        actor: version.actor.clone(),
        rpc: version.rpc.clone(),
        kind: version.kind.map_or(Kind::Unspecified, kind_wire).into(),
        reason: text(version.reason.as_ref()),
        superseded_in: version.superseded_in.unwrap_or_default(),
        proposal_id: text(version.proposal.as_ref()),
    }
}

/// Reads a request to explain a quota, its page token still unread.
pub fn explain(request: &v1::ExplainQuotaRequest, calendar: &Calendar) -> Result<ExplainQuotaQuery, Fault> {
    read(|check| {
        let payee = check.optional_id("payee_id", &request.payee_id);
        let measure = check.id("measure_id", &request.measure_id);
        let window = check.take("window", calendar.parse_window(&request.window));
        let path = check.text("path", &request.path, MAX_PATH).unwrap_or_default();
        let depth = depth(check, request.depth);
        let size = check.size(request.page_size, CHILDREN);
        let as_of = check.as_of(request.as_of_change, request.min_change);
        let (measure, window, depth, size) = (measure?, window?, depth?, size?);
        Some(ExplainQuotaQuery { payee, measure, window, path, depth, skip: 0, size, as_of: as_of? })
    })
}
