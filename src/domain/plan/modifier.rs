//! What changes a price after it is made, in this order: multipliers, cap and floor per credit, sum, gates, window cap
//! and floor, rounding, then budget and plan cap (semantics 8.3).

use serde::{Deserialize, Serialize};

use super::curve::{Curve, Gauge};
use super::is_false;
use crate::domain::date::WindowKind;
use crate::domain::fault::Violations;
use crate::domain::number::{Number, Percent};

/// A component's modifiers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modifiers {
    /// Each scales the price by its curve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multipliers: Vec<Curve>,
    /// Most that a credit with its reversals earns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_cap: Option<Limit>,
    /// Least that a credit with its reversals earns, while it earns something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_floor: Option<Limit>,
    /// All must be open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Most that a window earns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_cap: Option<WindowCap>,
    /// Least that a window earns, due at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_floor: Option<Limit>,
    /// Most that all members together earn in a window, minor units; due at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<i64>,
}

/// A bound on what is earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Limit {
    /// Minor units.
    Amount(i64),
    /// Of the target incentive: of the window's share for what is per window, else of the yearly one.
    Incentive(Percent),
}

/// While a figure is below an edge nothing above zero is paid, or at most a part of the component's target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The figure.
    pub gauge: Gauge,
    /// It opens here, in what the gauge's axis is in.
    pub edge: Number,
    /// Whether the edge must be exceeded.
    #[serde(default, skip_serializing_if = "is_false")]
    pub edge_lower: bool,
    /// Of the component's target; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_percent: Option<Percent>,
}

/// A cap on a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowCap {
    /// The most.
    pub limit: Limit,
    /// Whether what it withholds goes to the next window of the same component and plan instead of being lost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub carried: bool,
}

/// A cap on all components of a plan whose windows end in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCap {
    /// The most, of the yearly target incentive where it is a part of that.
    pub limit: Limit,
    /// The span.
    pub span: WindowKind,
}

impl Limit {
    pub(super) fn check(self, path: &str, violations: &mut Violations) {
        match self {
            Limit::Amount(minor) if minor < 0 => violations
                .add(format!("{path}.amount"), format!("must not be below zero, got {minor} minor units")),
            Limit::Incentive(percent) if percent < Percent::ZERO => violations
                .add(format!("{path}.incentive_percent"), format!("must not be below zero, got {percent}")),
            Limit::Amount(_) | Limit::Incentive(_) => {}
        }
    }
}

impl Modifiers {
    /// Everything that is looked at, with its path under the modifiers'.
    pub fn gauges(&self) -> impl Iterator<Item = (String, &Gauge)> {
        let multipliers = self.multipliers.iter().enumerate();
        let multipliers =
            multipliers.map(|(place, curve)| (format!("multipliers[{place}].gauge"), &curve.gauge));
        let gates = self.gates.iter().enumerate();
        multipliers.chain(gates.map(|(place, gate)| (format!("gates[{place}].gauge"), &gate.gauge)))
    }

    /// Every limit, with its path under the modifiers'.
    pub fn limits(&self) -> impl Iterator<Item = (&'static str, Limit)> {
        let limits = [
            ("credit_cap", self.credit_cap),
            ("credit_floor", self.credit_floor),
            ("window_cap.limit", self.window_cap.map(|cap| cap.limit)),
            ("window_floor", self.window_floor),
        ];
        limits.into_iter().filter_map(|(path, limit)| Some((path, limit?)))
    }

    pub(super) fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        for (place, curve) in self.multipliers.iter().enumerate() {
            curve.check(window, &format!("{path}.multipliers[{place}]"), violations);
        }
        for (place, gate) in self.gates.iter().enumerate() {
            let at = format!("{path}.gates[{place}]");
            gate.gauge.check(window, false, &format!("{at}.gauge"), violations);
            if let Some(percent) = gate.limit_percent.filter(|percent| *percent < Percent::ZERO) {
                violations
                    .add(format!("{at}.limit_percent"), format!("must not be below zero, got {percent}"));
            }
        }
        for (name, limit) in self.limits() {
            limit.check(&format!("{path}.{name}"), violations);
        }
        if let Some(budget) = self.budget {
            let at = format!("{path}.budget_amount");
            if budget < 0 {
                violations.add(&at, format!("must not be below zero, got {budget} minor units"));
            }
            if window == WindowKind::Deal {
                violations.add(at, "must be absent in single deals: it is due at a window's end");
            }
        }
        if window == WindowKind::Deal && self.window_cap.is_some_and(|cap| cap.carried) {
            violations.add(
                format!("{path}.window_cap.carried"),
                "must be absent in single deals: there is no next one",
            );
        }
    }
}

impl PlanCap {
    pub(super) fn check(self, path: &str, violations: &mut Violations) {
        self.limit.check(&format!("{path}.limit"), violations);
        if self.span == WindowKind::Deal {
            violations.add(format!("{path}.span"), "must not be single deals");
        }
    }
}
