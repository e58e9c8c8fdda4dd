//! What payouts and modifiers look at, and what changes a price after it is made.

use super::rates::{axis, axis_wire, edge, edge_wire, optional, present};
use super::{Check, text};
use crate::api::v1;
use crate::domain::date::WindowKind;
use crate::domain::money::Currency;
use crate::domain::number::Number;
use crate::domain::plan::{
    Axis, Curve, Gate, Gauge, Limit, MAX_PARTS, Modifiers, PlanCap, Point, Shape, Source, WindowCap,
};

/// A window that may be absent.
pub(super) fn window(window: v1::component::Window) -> Option<WindowKind> {
    match window {
        v1::component::Window::Unspecified => None,
        v1::component::Window::Deal => Some(WindowKind::Deal),
        v1::component::Window::Month => Some(WindowKind::Month),
        v1::component::Window::Quarter => Some(WindowKind::Quarter),
        v1::component::Window::Half => Some(WindowKind::Half),
        v1::component::Window::Year => Some(WindowKind::Year),
    }
}

/// A window as the contract says it.
pub(super) fn window_wire(window: WindowKind) -> v1::component::Window {
    match window {
        WindowKind::Deal => v1::component::Window::Deal,
        WindowKind::Month => v1::component::Window::Month,
        WindowKind::Quarter => v1::component::Window::Quarter,
        WindowKind::Half => v1::component::Window::Half,
        WindowKind::Year => v1::component::Window::Year,
    }
}

/// Reads the gauge in a field, and its axis even where the rest of it cannot be read: which edges are asked for is
/// said by the axis alone.
pub(super) fn gauge(check: &mut Check, wire: Option<&v1::Gauge>) -> (Option<Gauge>, Option<Axis>) {
    let mut on = None;
    let gauge = check.inner("gauge", wire, |check, wire| {
        let window = check.choice("window", wire.window, |wire| Some(window(wire)));
        on = axis(check, wire.axis);
        let measured = !wire.measure_id.is_empty();
        if measured && !wire.component_id.is_empty() {
            check.add("component_id", "must be empty where a measure is named");
        }
        if !measured && window.is_some_and(|window| window.is_some()) {
            check.add("window", "must be absent where no measure is named");
        }
        let of = match (measured, wire.component_id.is_empty()) {
            (true, _) => {
                let measure = check.id("measure_id", &wire.measure_id);
                Some(Source::Measure { measure: measure?, window: window? })
            }
            (false, false) => Some(Source::Component(check.id("component_id", &wire.component_id)?)),
            (false, true) => None,
        };
        Some(Gauge { of, axis: on? })
    });
    (gauge, on)
}

/// Reads an edge that must be there, in the text that the axis asks for: percent, amount, units.
pub(super) fn required_edge(
    check: &mut Check,
    texts: [&String; 3],
    axis: Option<Axis>,
    currency: Currency,
) -> Option<Number> {
    edge(check, "edge", texts.map(String::as_str), axis?, true, currency)?
}

/// Reads a curve.
pub(super) fn curve(check: &mut Check, wire: &v1::Curve, currency: Currency) -> Option<Curve> {
    let (gauge, axis) = gauge(check, wire.gauge.as_ref());
    let shape = check.choice("shape", wire.shape, |shape| match shape {
        v1::curve::Shape::Unspecified => None,
        v1::curve::Shape::Step => Some(Shape::Step),
        v1::curve::Shape::Linear => Some(Shape::Linear),
    });
    let points = check.list("points", &wire.points, MAX_PARTS, |check, wire| {
        let texts = [&wire.edge_percent, &wire.edge_amount, &wire.edge_units];
        let edge = required_edge(check, texts, axis, currency);
        let percent = check.percent("percent", &wire.percent);
        Some(Point { edge: edge?, edge_lower: wire.edge_lower, percent: percent? })
    });
    Some(Curve { gauge: gauge?, shape: shape?, points: points? })
}

/// Reads modifiers; absent: none.
pub(super) fn modifiers(check: &mut Check, wire: &v1::Modifiers, currency: Currency) -> Option<Modifiers> {
    let multipliers =
        check.list("multipliers", &wire.multipliers, MAX_PARTS, |check, wire| curve(check, wire, currency));
    let credit_cap = bound(check, "credit_cap", wire.credit_cap.as_ref(), currency);
    let credit_floor = bound(check, "credit_floor", wire.credit_floor.as_ref(), currency);
    let gates = check.list("gates", &wire.gates, MAX_PARTS, |check, wire| gate(check, wire, currency));
    let window_cap = wire.window_cap.as_ref().map(|wire| {
        check.inner("window_cap", Some(wire), |check, wire| {
            let limit = check.inner("limit", wire.limit.as_ref(), |check, wire| limit(check, wire, currency));
            Some(WindowCap { limit: limit?, carried: wire.carried })
        })
    });
    let window_floor = bound(check, "window_floor", wire.window_floor.as_ref(), currency);
    let budget = optional(&wire.budget_amount, |text| check.required_amount("budget_amount", text, currency));
    Some(Modifiers {
        multipliers: multipliers?,
        credit_cap: present(credit_cap)?,
        credit_floor: present(credit_floor)?,
        gates: gates?,
        window_cap: present(window_cap)?,
        window_floor: present(window_floor)?,
        budget: present(budget)?,
    })
}

fn gate(check: &mut Check, wire: &v1::Gate, currency: Currency) -> Option<Gate> {
    let (gauge, axis) = gauge(check, wire.gauge.as_ref());
    let texts = [&wire.edge_percent, &wire.edge_amount, &wire.edge_units];
    let edge = required_edge(check, texts, axis, currency);
    let limit = optional(&wire.limit_percent, |text| check.percent("limit_percent", text));
    Some(Gate { gauge: gauge?, edge: edge?, edge_lower: wire.edge_lower, limit_percent: present(limit)? })
}

/// A limit that may be absent.
fn bound(
    check: &mut Check,
    field: &str,
    wire: Option<&v1::Limit>,
    currency: Currency,
) -> Option<Option<Limit>> {
    wire.map(|wire| check.inner(field, Some(wire), |check, wire| limit(check, wire, currency)))
}

fn limit(check: &mut Check, wire: &v1::Limit, currency: Currency) -> Option<Limit> {
    match (wire.amount.as_str(), wire.incentive_percent.as_str()) {
        ("", "") => {
            check.add("", "must be given: one of amount, incentive_percent");
            None
        }
        (amount, "") => check.required_amount("amount", amount, currency).map(Limit::Amount),
        ("", percent) => check.percent("incentive_percent", percent).map(Limit::Incentive),
        _ => {
            check.add("incentive_percent", "must be empty where an amount is given");
            None
        }
    }
}

/// Reads the cap of a plan.
pub(super) fn plan_cap(check: &mut Check, wire: &v1::PlanCap, currency: Currency) -> Option<PlanCap> {
    let limit = check.inner("limit", wire.limit.as_ref(), |check, wire| limit(check, wire, currency));
    let span = check.choice("span", wire.span, |wire| Some(window(wire).unwrap_or(WindowKind::Year)));
    Some(PlanCap { limit: limit?, span: span? })
}

/// A gauge as the contract says it.
pub(super) fn gauge_wire(gauge: &Gauge) -> v1::Gauge {
    let (measure, window, component) = match &gauge.of {
        Some(Source::Measure { measure, window }) => (Some(measure), window.map(window_wire), None),
        Some(Source::Component(component)) => (None, None, Some(component)),
        None => (None, None, None),
    };
    // What is as usual is left out, as in rates.
    let axis = Some(gauge.axis).filter(|axis| *axis != Axis::default()).map(axis_wire);
    v1::Gauge {
        measure_id: text(measure),
        window: window.unwrap_or_default().into(),
        component_id: text(component),
        axis: axis.unwrap_or_default().into(),
    }
}

/// A curve as the contract says it.
pub(super) fn curve_wire(curve: &Curve, currency: Currency) -> v1::Curve {
    let shape = match curve.shape {
        Shape::Step => v1::curve::Shape::Step,
        Shape::Linear => v1::curve::Shape::Linear,
    };
    let point = |point: &Point| {
        let [edge_percent, edge_amount, edge_units] = edge_wire(point.edge, curve.gauge.axis, currency);
        let percent = point.percent.to_string();
        v1::Point { edge_percent, edge_amount, edge_units, edge_lower: point.edge_lower, percent }
    };
    v1::Curve {
        gauge: Some(gauge_wire(&curve.gauge)),
        shape: shape.into(),
        points: curve.points.iter().map(point).collect(),
    }
}

/// Modifiers as the contract says them; absent if there are none.
pub(super) fn modifiers_wire(modifiers: &Modifiers, currency: Currency) -> Option<v1::Modifiers> {
    if *modifiers == Modifiers::default() {
        return None;
    }
    let limit = |limit: Option<Limit>| limit.map(|limit| limit_wire(limit, currency));
    let gate = |gate: &Gate| {
        let [edge_percent, edge_amount, edge_units] = edge_wire(gate.edge, gate.gauge.axis, currency);
        v1::Gate {
            gauge: Some(gauge_wire(&gate.gauge)),
            edge_percent,
            edge_amount,
            edge_units,
            edge_lower: gate.edge_lower,
            limit_percent: text(gate.limit_percent),
        }
    };
    Some(v1::Modifiers {
        multipliers: modifiers.multipliers.iter().map(|curve| curve_wire(curve, currency)).collect(),
        credit_cap: limit(modifiers.credit_cap),
        credit_floor: limit(modifiers.credit_floor),
        gates: modifiers.gates.iter().map(gate).collect(),
        window_cap: modifiers
            .window_cap
            .map(|cap| v1::WindowCap { limit: limit(Some(cap.limit)), carried: cap.carried }),
        window_floor: limit(modifiers.window_floor),
        budget_amount: text(modifiers.budget.map(|budget| currency.amount(budget.into()))),
    })
}

fn limit_wire(limit: Limit, currency: Currency) -> v1::Limit {
    match limit {
        Limit::Amount(minor) => {
            v1::Limit { amount: currency.amount(minor.into()), incentive_percent: String::new() }
        }
        Limit::Incentive(percent) => {
            v1::Limit { amount: String::new(), incentive_percent: percent.to_string() }
        }
    }
}

/// The cap of a plan as the contract says it.
pub(super) fn plan_cap_wire(cap: PlanCap, currency: Currency) -> v1::PlanCap {
    let span = Some(cap.span).filter(|span| *span != WindowKind::Year).map(window_wire);
    v1::PlanCap { limit: Some(limit_wire(cap.limit, currency)), span: span.unwrap_or_default().into() }
}
