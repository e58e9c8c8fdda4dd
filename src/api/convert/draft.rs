//! Drafts of plans: saved, validated, compared. A draft keeps the plan's message as JSON, as it came, so that one that
//! is no plan yet can be kept too.

use super::{read, small, text, write};
use crate::api::json::{from_json, to_json};
use crate::api::v1;
use crate::app::draft::{Judged, Saved};
use crate::app::plan::Sketch;
use crate::app::{AsOf, Page, Write};
use crate::domain::date::Period;
use crate::domain::draft::{Draft, Warning};
use crate::domain::fault::{Fault, Reason, Violation};
use crate::domain::id::{DraftId, PlanId};
use crate::domain::money::Currency;

/// The rpc that saves a draft.
pub const SAVE: &str = "attain.v1.PlanService/SaveDraft";
/// The rpc that discards a draft.
pub const DISCARD: &str = "attain.v1.PlanService/DiscardDraft";
/// The rpc that lists drafts.
pub const LIST: &str = "attain.v1.PlanService/ListDrafts";

/// A plan that is no version: a saved draft, or given with the request.
#[derive(Debug, Clone)]
pub enum Given {
    Draft(DraftId),
    Plan(v1::Plan),
}

/// What a version is compared to.
#[derive(Debug, Clone)]
pub enum Other {
    /// A version; 0: the latest.
    Version(u32),
    Given(Given),
}

/// Reads a request to save a draft: the draft, and its plan as far as it reads.
pub fn save(request: &v1::SaveDraftRequest, currency: Currency) -> Result<(Write, Draft, Sketch), Fault> {
    let json = request.draft.as_ref().and_then(|draft| draft.plan.as_ref()).map(to_json).transpose();
    let json = json.map_err(unreadable)?;
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, SAVE, request, &request.request_id, reason, request.validate_only);
        let draft = check.inner("draft", request.draft.as_ref(), |check, wire| {
            let id = check.id("draft_id", &wire.draft_id);
            let effective_from = check.optional_period("effective_from", &wire.effective_from);
            let etag = check.expected_etag("etag", 0, wire.etag);
            let plan =
                check.inner("plan", wire.plan.as_ref(), |_, plan| Some(super::plan::sketch(plan, currency)));
            Some((Draft { id: id?, body: json?, effective_from }, etag, plan?))
        });
        let (draft, etag, plan) = draft?;
        Some((write?.expecting(etag.into_iter().collect()), draft, plan))
    })
}

/// The plan's message of a draft.
pub fn body(draft: &Draft) -> Result<v1::Plan, Fault> {
    from_json(&draft.body).map_err(unreadable)
}

fn unreadable(fault: crate::api::json::JsonFault) -> Fault {
    tracing::error!(error.cause = %fault, "a draft's plan cannot be read or written");
    Fault::new(Reason::Internal, "internal error; the cause is in the server's log")
}

/// Reads a request for a draft.
pub fn get(request: &v1::GetDraftRequest) -> Result<(AsOf, DraftId), Fault> {
    read(|check| {
        let id = check.id("draft_id", &request.draft_id);
        let as_of = check.as_of(request.as_of_change, request.min_change);
        Some((as_of?, id?))
    })
}

/// Reads a request for drafts.
pub fn list(request: &v1::ListDraftsRequest) -> Result<Page, Fault> {
    read(|check| check.page(request.page_size, request.as_of_change, request.min_change))
}

/// Reads a request to discard a draft.
pub fn discard(request: &v1::DiscardDraftRequest) -> Result<(Write, DraftId), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, DISCARD, request, &request.request_id, reason, request.validate_only);
        let id = check.id("draft_id", &request.draft_id);
        let etag = check.expected_etag("etag", 0, request.etag);
        Some((write?.expecting(etag.into_iter().collect()), id?))
    })
}

/// Reads a request to validate: what, from when on if it says so, as of when.
pub fn validate(request: &v1::ValidatePlanRequest) -> Result<(Given, Option<Period>, AsOf), Fault> {
    use v1::validate_plan_request::Draft as Of;
    read(|check| {
        let given = match &request.draft {
            Some(Of::Plan(plan)) => Some(Given::Plan(plan.clone())),
            Some(Of::DraftId(id)) => check.id("draft_id", id).map(Given::Draft),
            None => {
                check.add("draft", "must be given: one of plan, draft_id");
                None
            }
        };
        let from = match given {
            Some(Given::Plan(_)) => check.period("effective_from", &request.effective_from).map(Some),
            _ => Some(check.optional_period("effective_from", &request.effective_from)),
        };
        let as_of = check.as_of(request.as_of_change, request.min_change);
        Some((given?, from?, as_of?))
    })
}

/// Reads a request to compare: which plan, from which version, with what, as of when.
pub fn diff(request: &v1::DiffPlansRequest) -> Result<(PlanId, u32, Other, AsOf), Fault> {
    use v1::diff_plans_request::To;
    read(|check| {
        let id = check.id("plan_id", &request.plan_id);
        let from = check.number("from_version", request.from_version.into());
        let to = match &request.to {
            Some(To::ToVersion(version)) => check.number("to_version", (*version).into()).map(Other::Version),
            Some(To::DraftId(id)) => check.id("draft_id", id).map(|id| Other::Given(Given::Draft(id))),
            Some(To::Plan(plan)) => Some(Other::Given(Given::Plan(plan.clone()))),
            None => {
                check.add("to", "must be given: one of to_version, draft_id, plan");
                None
            }
        };
        let as_of = check.as_of(request.as_of_change, request.min_change);
        Some((id?, from?, to?, as_of?))
    })
}

/// A draft as the contract says it.
pub fn wire(draft: &Draft, plan: v1::Plan, etag: i64) -> v1::PlanDraft {
    v1::PlanDraft {
        draft_id: draft.id.to_string(),
        plan: Some(plan),
        effective_from: text(draft.effective_from),
        etag,
    }
}

/// A draft without its plan.
pub fn header_wire(draft: &Draft, etag: i64) -> Result<v1::PlanDraftHeader, Fault> {
    let plan = body(draft)?;
    Ok(v1::PlanDraftHeader {
        draft_id: draft.id.to_string(),
        plan_id: plan.plan_id,
        name: plan.name,
        effective_from: text(draft.effective_from),
        etag,
    })
}

/// What saving answers.
pub fn saved_wire(saved: Saved) -> v1::SaveDraftResponse {
    v1::SaveDraftResponse {
        receipt: Some(super::receipt(&saved.receipt)),
        violation_count: small(saved.violation_count),
        first_violations: saved
            .first_violations
            .into_iter()
            .map(|(field, message)| v1::PlanViolation { field, message })
            .collect(),
    }
}

/// Violations as data.
pub fn violations_wire(violations: Vec<Violation>) -> Vec<v1::PlanViolation> {
    let wire = |Violation { field, message }| v1::PlanViolation { field, message };
    violations.into_iter().map(wire).collect()
}

/// What validating answers, but for the diff.
pub fn judged_wire(judged: Judged, diff: v1::PlanDiff) -> v1::ValidatePlanResponse {
    let warning = |warning: Warning| v1::PlanWarning {
        payee_id: warning.payee.to_string(),
        component_id: text(warning.component),
        message: warning.message,
    };
    v1::ValidatePlanResponse {
        violations: violations_wire(judged.violations),
        warnings: judged.warnings.into_iter().map(warning).collect(),
        warning_count: small(judged.warning_count),
        diff: Some(diff),
        as_of_change: judged.as_of,
    }
}
