//! What payouts and modifiers look at, and how it becomes a percent (semantics 8.2, 8.3).

use serde::{Deserialize, Serialize};

use super::is_false;
use super::payout::{ascending, count};
use super::rates::Axis;
use crate::domain::date::WindowKind;
use crate::domain::fault::Violations;
use crate::domain::id::{ComponentId, MeasureId};
use crate::domain::number::{Number, Percent};

/// A figure to look at: how far something has come by the end of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauge {
    /// Of what; absent where the axis is the deal's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Source>,
    /// As what: attainment in percent of its quota, or the figure itself.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub axis: Axis,
}

/// What a gauge reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// A measure of the payee.
    Measure {
        /// Which.
        measure: MeasureId,
        /// In the window of this kind that contains the component's own; absent: in its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<WindowKind>,
    },
    /// The line of another component of the plan, in its window that contains this one's.
    Component(ComponentId),
}

/// How a curve goes between its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Shape {
    /// The percent of the point reached.
    Step,
    /// In a straight line from point to point.
    Linear,
}

/// A percent by a figure: below the first point 0, above the last the last; of what is undefined nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    /// The figure.
    pub gauge: Gauge,
    /// Between points.
    pub shape: Shape,
    /// By ascending edge.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Where, in what the gauge's axis is in.
    pub edge: Number,
    /// Whether the point must be exceeded to be reached.
    #[serde(default, skip_serializing_if = "is_false")]
    pub edge_lower: bool,
    /// How much there; not below zero.
    pub percent: Percent,
}

impl Curve {
    pub(super) fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        self.gauge.check(window, false, &format!("{path}.gauge"), violations);
        let at = format!("{path}.points");
        count(&at, self.points.len(), violations);
        let name = format!("edge_{}", self.gauge.axis.suffix());
        ascending(&at, &name, self.points.iter().map(|point| point.edge), violations);
        for (place, point) in self.points.iter().enumerate() {
            if point.percent < Percent::ZERO {
                let message = format!("must not be below zero, got {}", point.percent);
                violations.add(format!("{at}[{place}].percent"), message);
            }
            if point.edge_lower && self.shape == Shape::Linear && place > 0 {
                let message = "must be absent between straight lines: there is no step";
                violations.add(format!("{at}[{place}].edge_lower"), message);
            }
        }
    }
}

impl Gauge {
    /// `by_deal`: whether the deal of a credit may be what is looked at.
    pub(super) fn check(&self, window: WindowKind, by_deal: bool, path: &str, violations: &mut Violations) {
        match &self.of {
            None if self.axis.by_deal() && by_deal => {}
            None => violations.add(path, "must name a measure or a component"),
            Some(_) if self.axis.by_deal() => {
                violations.add(format!("{path}.axis"), "must be attainment, an amount or units");
            }
            Some(Source::Measure { window: Some(of), .. }) if !contains(*of, window) => {
                let message = format!("must not be smaller than the component's window, got {}", of.name());
                violations.add(format!("{path}.window"), message);
            }
            Some(Source::Measure { .. } | Source::Component(_)) => {}
        }
        if window == WindowKind::Deal && self.axis == Axis::Attainment {
            let own = matches!(&self.of, Some(Source::Measure { window: None, .. }));
            if own {
                let message = "must not be attainment in single deals: they have no quota";
                violations.add(format!("{path}.axis"), message);
            }
        }
    }

    /// The component whose line is read, if that is what it is.
    pub fn component(&self) -> Option<&ComponentId> {
        match &self.of {
            Some(Source::Component(id)) => Some(id),
            Some(Source::Measure { .. }) | None => None,
        }
    }

    /// The measure that is read, if it is named.
    pub fn measure(&self) -> Option<&MeasureId> {
        match &self.of {
            Some(Source::Measure { measure, .. }) => Some(measure),
            Some(Source::Component(_)) | None => None,
        }
    }
}

/// Whether every window of a kind lies within one of another.
pub fn contains(outer: WindowKind, inner: WindowKind) -> bool {
    outer != WindowKind::Deal && (inner == WindowKind::Deal || inner.months() <= outer.months())
}
