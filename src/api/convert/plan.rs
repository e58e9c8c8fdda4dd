//! Plans and their versions. A plan is read as far as it can be: what is wrong with one component hides nothing of the
//! others, so that a draft hears everything at once.

use super::modifier::{modifiers, modifiers_wire, plan_cap, plan_cap_wire, window, window_wire};
use super::payout::{payout, payout_wire};
use super::plan_diff::Side;
use super::quota::{proration, proration_wire};
use super::rates::{optional, present};
use super::{Check, MAX_VIOLATIONS, read, read_at, shown, small, text, write};
use crate::api::v1;
use crate::app::plan::{Sketch, Which};
use crate::app::{AsOf, Page, Write};
use crate::domain::date::{Day, Period};
use crate::domain::fault::{Fault, Violations};
use crate::domain::id::{DraftId, PlanId};
use crate::domain::money::Currency;
use crate::domain::plan::{
    Clawback, ClawbackStep, Component, MAX_PARTS, Plan, PlanCap, PlanVersion, ReversalRule, check_ids,
};

/// The rpc that publishes a plan.
pub const PUBLISH: &str = "attain.v1.PlanService/PublishPlan";
/// The rpc that lists plan versions.
pub const LIST: &str = "attain.v1.PlanService/ListPlans";
/// Where the violations of a plan stand.
const PATH: &str = "plan";

/// What is to be published.
#[derive(Debug, Clone)]
pub enum Publication {
    /// A plan given with the request, without a fault, from a period on.
    Plan(Sketch, Period),
    /// A draft as a change wrote it, from a period on; absent: from the draft's.
    Draft(DraftId, i64, Option<Period>),
}

/// Reads a request to publish a plan.
pub fn publish(request: &v1::PublishPlanRequest, currency: Currency) -> Result<(Write, Publication), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, PUBLISH, request, &request.request_id, reason, request.validate_only);
        if request.draft_id.is_empty() {
            if request.draft_etag != 0 {
                check.add("draft_etag", "must be 0 where no draft is named");
            }
            let plan = check.inner(PATH, request.plan.as_ref(), |check, wire| {
                plan(check, wire, currency).map(|_| sketch(wire, currency))
            });
            let from = check.period("effective_from", &request.effective_from);
            return Some((write?, Publication::Plan(plan?, from?)));
        }
        if request.plan.is_some() {
            check.add(PATH, "must be absent where a draft is named");
        }
        let id = check.id("draft_id", &request.draft_id);
        let etag = check.expected_etag("draft_etag", 0, request.draft_etag);
        if request.draft_etag == 0 {
            check.add("draft_etag", "must be given: the change that wrote the draft as it was reviewed");
        }
        let from = check.optional_period("effective_from", &request.effective_from);
        let etag = etag?;
        let (number, write) = (etag.etag, write?.expecting(vec![etag]));
        Some((write, Publication::Draft(id?, number, from)))
    })
}

/// Reads the plan of a plan file; what is wrong stands under `plan`.
pub fn file(wire: &v1::Plan, currency: Currency) -> Result<Plan, Fault> {
    read_at(PATH, |check| plan(check, wire, currency))
}

/// Reads a plan as far as it can be read; what is wrong stands under `plan`.
pub fn sketch(wire: &v1::Plan, currency: Currency) -> Sketch {
    let mut violations = Violations::default();
    let mut check = Check { path: PATH.into(), violations: &mut violations };
    let parts = parts(&mut check, wire, currency);
    let places = parts.components.iter().enumerate();
    let components = places.filter_map(|(place, component)| Some((place, component.clone()?))).collect();
    let (id, currency) = (parts.id.clone(), parts.currency);
    let plan = whole(&mut check, parts).filter(|_| violations.is_empty());
    Sketch { id, currency, plan, components, violations }
}

/// A plan in canonical text as far as it could be read, so that what is spelt otherwise does not differ.
pub fn canonical(plan: &v1::Plan, sketch: &Sketch, currency: Currency) -> v1::Plan {
    let mut canonical = plan.clone();
    let currency = sketch.currency.unwrap_or(currency);
    if canonical.currency_code.is_empty() {
        canonical.currency_code = currency.to_string();
    }
    for (place, component) in &sketch.components {
        if let Some(wire) = canonical.components.get_mut(*place) {
            *wire = component_wire(component, currency);
        }
    }
    if let Some(plan) = &sketch.plan {
        canonical.cap = plan.cap.map(|cap| plan_cap_wire(cap, currency));
    }
    canonical
}

/// Reads a request for a plan's version: as of when, which plan, which version.
pub fn get(request: &v1::GetPlanRequest) -> Result<(AsOf, PlanId, Which), Fault> {
    read(|check| {
        let id = check.id("plan_id", &request.plan_id);
        let version: Option<u32> = check.number("version", request.version.into());
        let on = check.optional_day("on_date", &request.on_date);
        let as_of = check.as_of(request.as_of_change, request.min_change);
        if request.version != 0 && !request.on_date.is_empty() {
            check.add("version", format!("must be 0 where on_date is given, got {}", request.version));
            check.add(
                "on_date",
                format!("must be empty where version is given, got {:?}", shown(&request.on_date)),
            );
        }
        let which = match version? {
            0 => Which::On(on),
            version => Which::Version(version),
        };
        Some((as_of?, id?, which))
    })
}

/// Reads a request for plan versions.
pub fn list(request: &v1::ListPlansRequest) -> Result<(Option<Day>, Page), Fault> {
    read(|check| {
        let on = check.optional_day("on_date", &request.on_date);
        Some((on, check.page(request.page_size, request.as_of_change, request.min_change)?))
    })
}

/// The fields of a plan as far as they can be read.
struct Parts {
    id: Option<PlanId>,
    name: Option<String>,
    currency: Option<Currency>,
    components: Vec<Option<Component>>,
    cap: Option<Option<PlanCap>>,
}

fn parts(check: &mut Check, wire: &v1::Plan, tenants: Currency) -> Parts {
    let id = check.id("plan_id", &wire.plan_id);
    let name = check.required_text("name", &wire.name, 200);
    let currency = check.currency("currency_code", &wire.currency_code, tenants);
    let read_in = currency.unwrap_or(tenants);
    let path = check.at("components");
    let ids = wire.components.iter().map(|component| component.component_id.as_str());
    check_ids(ids, &path, check.violations);
    let mut components = Vec::new();
    if wire.components.len() <= MAX_PARTS {
        check.list("components", &wire.components, MAX_PARTS, |check, wire| {
            let rules = |component: &mut Component, path: &str, violations: &mut Violations| {
                component.check(path, violations);
            };
            components.push(check.whole(|check| component(check, wire, read_in), rules));
            Some(())
        });
    }
    let cap = wire
        .cap
        .as_ref()
        .map(|wire| check.inner("cap", Some(wire), |check, wire| plan_cap(check, wire, read_in)));
    Parts { id, name, currency, components, cap: present(cap) }
}

/// The plan, if all of it reads; what is wrong between its components is noted then, whatever is wrong within them.
fn whole(check: &mut Check, parts: Parts) -> Option<Plan> {
    let Parts { id, name, currency, components, cap } = parts;
    let components = components.into_iter().collect::<Option<Vec<_>>>();
    let plan = Plan { id: id?, name: name?, currency: currency?, components: components?, cap: cap? };
    if check.violations.len() < MAX_VIOLATIONS {
        plan.check(&check.path, check.violations);
    }
    Some(plan)
}

/// Reads a plan.
pub(super) fn plan(check: &mut Check, wire: &v1::Plan, tenants: Currency) -> Option<Plan> {
    let parts = parts(check, wire, tenants);
    whole(check, parts)
}

fn component(check: &mut Check, wire: &v1::Component, currency: Currency) -> Option<Component> {
    let id = check.id("component_id", &wire.component_id);
    let name = check.required_text("name", &wire.name, 200);
    let window = check.choice("window", wire.window, window);
    let reversal = check.choice("reversal", wire.reversal, |reversal| match reversal {
        v1::component::Reversal::Unspecified | v1::component::Reversal::OwnDate => {
            Some(ReversalRule::OwnDate)
        }
        v1::component::Reversal::AtOrigin => Some(ReversalRule::AtOrigin),
    });
    let target_percent = optional(&wire.target_percent, |text| check.percent("target_percent", text));
    let clawback = wire.clawback.as_ref().map(|wire| check.inner("clawback", Some(wire), clawback));
    let payout = payout(check, wire.payout.as_ref(), currency);
    let modifiers = wire
        .modifiers
        .as_ref()
        .map(|wire| check.inner("modifiers", Some(wire), |check, wire| modifiers(check, wire, currency)));
    let proration = proration(check, wire.proration);
    Some(Component {
        id: id?,
        name: name?,
        window: window?,
        reversal: reversal?,
        clawback: present(clawback)?,
        line_kept: wire.line_kept,
        target_percent: present(target_percent)?,
        proration: proration?,
        payout: payout?,
        modifiers: present(modifiers)?.unwrap_or_default(),
    })
}

fn clawback(check: &mut Check, wire: &v1::Clawback) -> Option<Clawback> {
    if wire.full_days == 0 && wire.term_days == 0 {
        let steps = check.list("steps", &wire.steps, MAX_PARTS, |check, wire| {
            Some(ClawbackStep { days: wire.days, percent: check.percent("percent", &wire.percent)? })
        });
        return Some(Clawback::Steps(steps?));
    }
    if !wire.steps.is_empty() {
        check.add("steps", "must be empty where there is a term");
        return None;
    }
    Some(Clawback::ProRata { full_days: wire.full_days, term_days: wire.term_days })
}

/// A plan as the contract says it.
pub fn wire(plan: &Plan) -> v1::Plan {
    v1::Plan {
        plan_id: plan.id.to_string(),
        name: plan.name.clone(),
        currency_code: plan.currency.to_string(),
        components: plan.components.iter().map(|part| component_wire(part, plan.currency)).collect(),
        cap: plan.cap.map(|cap| plan_cap_wire(cap, plan.currency)),
    }
}

/// A published version as the contract says it.
pub fn version_wire(version: &PlanVersion, etag: i64) -> v1::PlanVersion {
    v1::PlanVersion {
        version: small(version.version),
        effective_from: version.effective_from.to_string(),
        plan: Some(wire(&version.plan)),
        etag,
    }
}

/// A published version as one side of a comparison.
pub fn side(version: &PlanVersion) -> Side {
    (small(version.version), wire(&version.plan))
}

fn component_wire(component: &Component, currency: Currency) -> v1::Component {
    let reversal = match component.reversal {
        ReversalRule::OwnDate => v1::component::Reversal::OwnDate,
        ReversalRule::AtOrigin => v1::component::Reversal::AtOrigin,
    };
    v1::Component {
        component_id: component.id.to_string(),
        name: component.name.clone(),
        window: window_wire(component.window).into(),
        reversal: reversal.into(),
        payout: Some(payout_wire(&component.payout, currency)),
        clawback: component.clawback.as_ref().map(clawback_wire),
        line_kept: component.line_kept,
        target_percent: text(component.target_percent),
        modifiers: modifiers_wire(&component.modifiers, currency),
        proration: proration_wire(component.proration).into(),
    }
}

fn clawback_wire(clawback: &Clawback) -> v1::Clawback {
    match clawback {
        Clawback::Steps(steps) => {
            let step =
                |step: &ClawbackStep| v1::ClawbackStep { days: step.days, percent: step.percent.to_string() };
            v1::Clawback { steps: steps.iter().map(step).collect(), full_days: 0, term_days: 0 }
        }
        Clawback::ProRata { full_days, term_days } => {
            v1::Clawback { steps: Vec::new(), full_days: *full_days, term_days: *term_days }
        }
    }
}
