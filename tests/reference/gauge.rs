//! Semantics 8.2 and 8.3: what payouts and modifiers look at, and what targets and limits come to.

use attain::domain::date::{Window, WindowKind};
use attain::domain::id::{MeasureId, PayeeId};
use attain::domain::number::Number;
use attain::domain::plan::{
    Axis, Component, Curve, Gate, Gauge, Limit, Payout, PlanVersion, RateKind, Shape, Source, Target,
};
use num_traits::Zero;

use crate::credits::Span;
use crate::fractions::{Q, millionths, minor_units, percent, ratio, sum, whole};
use crate::pay::{Run, goal};
use crate::stand::{Of, Search};

/// A part of a window with one set of terms, under one component.
#[derive(Clone, Copy)]
pub struct Place<'c> {
    pub payee: &'c PayeeId,
    pub version: &'c PlanVersion,
    pub component: &'c Component,
    pub window: Window,
    pub span: Span,
}

impl<'c> Run<'c> {
    /// A figure in what edges are in; nothing where an attainment is undefined.
    pub fn reading(&self, at: Place<'c>, gauge: &Gauge) -> Option<Q> {
        let (measure, window, moved) = match gauge.of.as_ref().unwrap() {
            Source::Measure { measure, window } => {
                let kind = window.unwrap_or(at.component.window);
                let window = self.company.calendar.window(kind, at.window.first());
                if self.company.measure(measure).selection().is_none() {
                    let (span, on) = (self.around(at, window), self.through.last_day());
                    let value = self.company.outside(at.payee, measure, span.from, span.to, on);
                    // A quota is asked for all the same.
                    let figure =
                        self.figure(at, gauge.axis, measure, window, value.clone().unwrap_or_default());
                    return figure.filter(|_| value.is_some());
                }
                (measure, window, self.moved(at, at.component, window, Of::Measure(measure, Some(kind))))
            }
            Source::Component(id) => {
                let mut components = at.version.plan.components.iter();
                let other = components.find(|component| component.id == *id).unwrap();
                let window = self.company.calendar.window(other.window, at.window.first());
                (other.line().unwrap(), window, self.moved(at, other, window, Of::Line))
            }
        };
        self.figure(at, gauge.axis, measure, window, moved)
    }

    /// How far credits have moved a line in the segment of a window that holds this one.
    fn moved(&self, at: Place<'c>, component: &Component, window: Window, of: Of<'_>) -> Q {
        let span = self.around(at, window);
        let standings = Search { run: self, payee: at.payee, id: &component.id, of }.standings();
        let here = standings.iter().filter(|standing| {
            let (key, there, _) = &standing.group;
            (key.window, *there, &key.plan) == (window, span, &at.version.plan.id)
        });
        let here: Vec<_> = here.collect();
        here.iter().filter_map(|standing| standing.open.clone()).for_each(|open| self.problem(open));
        sum(here.iter().filter(|standing| standing.moves).map(|standing| &standing.value))
    }

    fn around(&self, at: Place<'c>, window: Window) -> Span {
        let mut spans = self.company.spans(at.payee, window).into_iter();
        spans.find(|span| span.holds(at.span.from)).unwrap()
    }

    pub fn figure(
        &self,
        at: Place<'c>,
        axis: Axis,
        measure: &MeasureId,
        window: Window,
        value: Q,
    ) -> Option<Q> {
        match axis {
            Axis::Amount => Some(value / minor_units(at.version.plan.currency)),
            Axis::Units => Some(value / whole(1_000_000)),
            Axis::Attainment => {
                let parts = self.company.effective(at.payee, measure, window, at.version.plan.currency);
                let Ok(Some(parts)) = parts else {
                    self.problem(format!("{} has no quota of {measure} for {window:?}", at.payee));
                    return None;
                };
                let span = self.around(at, window);
                let (_, quota) = parts.into_iter().find(|(here, _)| *here == span).unwrap();
                (quota != 0).then(|| value * whole(100) / whole(quota))
            }
            Axis::DealAmount | Axis::MarginPercent => panic!("asked of a deal"),
        }
    }

    /// What a curve gives; of what is undefined nothing.
    pub fn scaled(&self, at: Place<'c>, curve: &Curve) -> Q {
        self.reading(at, &curve.gauge).map_or_else(Q::zero, |value| along(curve, &value))
    }

    /// What part of a window a segment is, by the component's proration of targets and caps.
    pub fn share(&self, at: Place<'c>) -> Q {
        if at.window.kind() == WindowKind::Deal {
            return whole(1);
        }
        let even = vec![ratio(1, 12); 12];
        self.company.proration(at.component.proration, at.window, at.span, &even)
    }

    /// A target in minor units: per window, prorated.
    pub fn target(&self, at: Place<'c>, target: Target) -> Q {
        match target {
            Target::Amount(minor) => whole(minor) * self.share(at),
            Target::Incentive => {
                let part = at.component.target_percent.unwrap();
                self.incentive_of_window(at) * percent(part.0)
            }
        }
    }

    /// The yearly target incentive in force.
    fn incentive(&self, at: Place<'c>) -> Q {
        let held = self.company.assignment(at.payee, at.span.from).unwrap();
        let Some(incentive) = held.target_incentive else {
            self.problem(format!("{} has no target incentive", at.payee));
            return Q::zero();
        };
        whole(incentive)
    }

    fn incentive_of_window(&self, at: Place<'c>) -> Q {
        // A single deal is no part of the year.
        let single = at.window.kind() == WindowKind::Deal;
        let months = if single { 12 } else { at.window.periods().count() };
        self.incentive(at) * ratio(months, 12) * self.share(at)
    }

    /// A limit per window, prorated.
    pub fn limit_of_window(&self, at: Place<'c>, limit: Limit) -> Q {
        match limit {
            Limit::Amount(minor) => whole(minor) * self.share(at),
            Limit::Incentive(part) => self.incentive_of_window(at) * percent(part.0),
        }
    }

    /// A limit per credit.
    pub fn limit_of_credit(&self, at: Place<'c>, limit: Limit) -> Q {
        match limit {
            Limit::Amount(minor) => whole(minor),
            Limit::Incentive(part) => self.incentive(at) * percent(part.0),
        }
    }

    /// What a gate lets through while it is closed: nothing at all, or up to a limit. None while it is open.
    pub fn closed(&self, at: Place<'c>, gate: &Gate) -> Option<Option<Q>> {
        let value = self.reading(at, &gate.gauge);
        let open = value.is_some_and(|value| reached(&value, gate.edge, gate.edge_lower));
        let component = at.component;
        let limit = gate.limit_percent.map(|part| {
            let target = component.payout.target().unwrap_or(Target::Incentive);
            self.target(at, target) * percent(part.0)
        });
        (!open).then_some(limit)
    }

    /// Whether an attainment that the component looks at is undefined.
    pub fn undefined(&self, at: Place<'c>) -> bool {
        let single = at.window.kind() == WindowKind::Deal;
        let by_quota = at.component.payout.rates().is_some_and(|rates| rates.axis == Axis::Attainment);
        let line = || {
            let line = at.component.line().unwrap();
            self.figure(at, Axis::Attainment, line, at.window, Q::zero()).is_none()
        };
        // A bonus on single credits looks at each of them.
        let looks =
            |(path, gauge): &(String, &Gauge)| !(gauge.axis.by_deal() || single && path.starts_with("bonus"));
        // Who is no member has neither place nor part.
        let member = !matches!(at.component.payout, Payout::Rank(_) | Payout::Pool(_)) || self.is_last(at);
        let shared = |(path, _): &(String, &Gauge)| path.starts_with("rank") || path.starts_with("pool");
        let mut gauges = at.component.gauges().into_iter().filter(looks);
        if !member {
            gauges.filter(|named| !shared(named)).for_each(|(_, gauge)| _ = self.reading(at, gauge));
            return true;
        }
        let rates = at.component.payout.rates();
        let base = rates.is_some_and(|rates| {
            rates.pays == RateKind::BaseRate && !matches!(goal(self, at, &rates).base, Some(Some(_)))
        });
        base || (by_quota && line()) || gauges.any(|(_, gauge)| self.reading(at, gauge).is_none())
    }
}

/// Whether a value has come to an edge.
pub fn reached(value: &Q, edge: Number, edge_lower: bool) -> bool {
    let edge = millionths(edge.0);
    *value > edge || (*value == edge && !edge_lower)
}

/// Below the first point nothing, above the last the last.
pub fn along(curve: &Curve, value: &Q) -> Q {
    let points = &curve.points;
    let Some(at) = points.iter().rposition(|point| reached(value, point.edge, point.edge_lower)) else {
        return Q::zero();
    };
    let here = percent(points[at].percent.0);
    match (curve.shape, points.get(at + 1)) {
        (Shape::Step, _) | (Shape::Linear, None) => here,
        (Shape::Linear, Some(next)) => {
            let (from, to) = (millionths(points[at].edge.0), millionths(next.edge.0));
            let rise = percent(next.percent.0) - &here;
            here + rise * (value - &from) / (to - from)
        }
    }
}
