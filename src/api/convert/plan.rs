//! Plans and their versions.

use super::{Check, read, read_at, small, write};
use crate::api::v1;
use crate::app::{Page, Write};
use crate::domain::date::{Period, WindowKind};
use crate::domain::fault::Fault;
use crate::domain::id::PlanId;
use crate::domain::money::Currency;
use crate::domain::plan::{
    Component, MAX_PARTS, Payout, Plan, PlanVersion, RateMode, Rates, ReversalRule, Tier,
};

/// The rpc that publishes a plan.
pub const PUBLISH: &str = "attain.v1.PlanService/PublishPlan";
/// The rpc that lists plan versions.
pub const LIST: &str = "attain.v1.PlanService/ListPlans";

/// Reads a request to publish a plan from a period on.
pub fn publish(request: &v1::PublishPlanRequest, currency: Currency) -> Result<(Write, Plan, Period), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, PUBLISH, request, &request.request_id, reason, request.validate_only);
        let plan = check.inner("plan", request.plan.as_ref(), |check, wire| plan(check, wire, currency));
        let from = check.period("effective_from", &request.effective_from);
        Some((write?, plan?, from?))
    })
}

/// Reads the plan of a plan file; what is wrong stands under `plan`.
pub fn file(wire: &v1::Plan, currency: Currency) -> Result<Plan, Fault> {
    read_at("plan", |check| plan(check, wire, currency))
}

/// Reads a request for a plan's version: as of when, which plan, which version.
pub fn get(request: &v1::GetPlanRequest) -> Result<(i64, PlanId, u32), Fault> {
    read(|check| {
        let id = check.id("plan_id", &request.plan_id);
        let version = check.number("version", request.version.into());
        Some((check.as_of(request.as_of_change)?, id?, version?))
    })
}

/// Reads a request for plan versions.
pub fn list(request: &v1::ListPlansRequest) -> Result<Page, Fault> {
    read(|check| check.page(request.page_size, request.as_of_change))
}

fn plan(check: &mut Check, wire: &v1::Plan, tenants: Currency) -> Option<Plan> {
    let fields = |check: &mut Check| {
        let id = check.id("plan_id", &wire.plan_id);
        let name = check.required_text("name", &wire.name, 200);
        let currency = check.currency("currency_code", &wire.currency_code, tenants);
        let components = check.list("components", &wire.components, MAX_PARTS, component);
        Some(Plan { id: id?, name: name?, currency: currency?, components: components? })
    };
    check.whole(fields, |plan, path, violations| plan.check(path, violations))
}

fn component(check: &mut Check, wire: &v1::Component) -> Option<Component> {
    let id = check.id("component_id", &wire.component_id);
    let name = check.required_text("name", &wire.name, 200);
    let window = check.choice("window", wire.window, |window| match window {
        v1::component::Window::Unspecified => None,
        v1::component::Window::Month => Some(WindowKind::Month),
        v1::component::Window::Quarter => Some(WindowKind::Quarter),
        v1::component::Window::Year => Some(WindowKind::Year),
    });
    let reversal = check.choice("reversal", wire.reversal, |reversal| match reversal {
        v1::component::Reversal::Unspecified | v1::component::Reversal::OwnDate => {
            Some(ReversalRule::OwnDate)
        }
        v1::component::Reversal::AtOrigin => Some(ReversalRule::AtOrigin),
    });
    let payout = match &wire.payout {
        Some(v1::component::Payout::Rates(wire)) => {
            check.inner("rates", Some(wire), rates).map(Payout::Rates)
        }
        None => {
            check.add("payout", "must be given: one of rates");
            None
        }
    };
    Some(Component { id: id?, name: name?, window: window?, reversal: reversal?, payout: payout? })
}

fn rates(check: &mut Check, wire: &v1::Rates) -> Option<Rates> {
    let measure = check.id("measure_id", &wire.measure_id);
    let mode = check.choice("mode", wire.mode, |mode| match mode {
        v1::rates::Mode::Unspecified => None,
        v1::rates::Mode::Marginal => Some(RateMode::Marginal),
    });
    let tiers = check.list("tiers", &wire.tiers, MAX_PARTS, |check, wire| {
        let edge = check.percent("edge_percent", &wire.edge_percent);
        let rate = check.percent("rate_percent", &wire.rate_percent);
        Some(Tier { edge: edge?, rate: rate? })
    });
    Some(Rates { measure: measure?, mode: mode?, tiers: tiers? })
}

/// A plan as the contract says it.
pub fn wire(plan: &Plan) -> v1::Plan {
    v1::Plan {
        plan_id: plan.id.to_string(),
        name: plan.name.clone(),
        currency_code: plan.currency.to_string(),
        components: plan.components.iter().map(component_wire).collect(),
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

fn component_wire(component: &Component) -> v1::Component {
    let window = match component.window {
        WindowKind::Month => v1::component::Window::Month,
        WindowKind::Quarter => v1::component::Window::Quarter,
        WindowKind::Year => v1::component::Window::Year,
    };
    let reversal = match component.reversal {
        ReversalRule::OwnDate => v1::component::Reversal::OwnDate,
        ReversalRule::AtOrigin => v1::component::Reversal::AtOrigin,
    };
    let Payout::Rates(rates) = &component.payout;
    v1::Component {
        component_id: component.id.to_string(),
        name: component.name.clone(),
        window: window.into(),
        reversal: reversal.into(),
        payout: Some(v1::component::Payout::Rates(rates_wire(rates))),
    }
}

fn rates_wire(rates: &Rates) -> v1::Rates {
    let mode = match rates.mode {
        RateMode::Marginal => v1::rates::Mode::Marginal,
    };
    let tier =
        |tier: &Tier| v1::Tier { edge_percent: tier.edge.to_string(), rate_percent: tier.rate.to_string() };
    v1::Rates {
        measure_id: rates.measure.to_string(),
        mode: mode.into(),
        tiers: rates.tiers.iter().map(tier).collect(),
    }
}
