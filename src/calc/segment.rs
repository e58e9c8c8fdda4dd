//! Segments: spans in which plan version, target incentive and currency do not change (semantics 4),
//! cut by the windows of the components in force.

use crate::domain::date::{Day, Period, Window};
use crate::domain::facts::Facts;
use crate::domain::id::ComponentId;
use crate::domain::money::Currency;
use crate::domain::plan::{Component, PlanVersion};

/// A span `[from, to)` of unchanged terms of one payee.
#[derive(Debug, Clone, Copy)]
pub struct Span<'f> {
    /// First day.
    pub from: Day,
    /// First day after it; absent while it goes on.
    pub to: Option<Day>,
    /// The plan version in force.
    pub version: &'f PlanVersion,
    /// Pay at target for a year, minor units.
    pub target_incentive: Option<i64>,
    /// The currency paid in.
    pub currency: Currency,
}

impl<'f> Span<'f> {
    fn covers(&self, day: Day) -> bool {
        self.from <= day && self.to.is_none_or(|to| day < to)
    }

    fn goes_on_as(&self, next: &Span) -> bool {
        self.to == Some(next.from)
            && std::ptr::eq(self.version, next.version)
            && (self.target_incentive, self.currency) == (next.target_incentive, next.currency)
    }

    /// The component of an id in this span's plan version.
    pub fn component(&self, id: &ComponentId) -> Option<&'f Component> {
        self.version.plan.components.iter().find(|component| component.id == *id)
    }
}

/// The span that a day is in.
pub fn on<'a, 'f>(spans: &'a [Span<'f>], day: Day) -> Option<&'a Span<'f>> {
    spans.iter().find(|span| span.covers(day))
}

/// The spans of a payee, in order: its assignments cut at plan versions, then joined where nothing changed.
pub fn spans<'f>(facts: &'f Facts, payee: u32) -> Vec<Span<'f>> {
    let mut spans: Vec<Span<'f>> = Vec::new();
    for assignment in &facts.payees[payee as usize].assignments {
        let Some(plan) = &assignment.plan else { continue };
        let first = facts.plans.partition_point(|version| version.plan.id < *plan);
        let versions = facts.plans[first..].iter().take_while(|version| version.plan.id == *plan);
        let next = versions.clone().skip(1).map(|version| Some(version.effective_from.start()));
        for (version, until) in versions.zip(next.chain([None])) {
            let from = assignment.from.max(version.effective_from.start());
            let to = match (assignment.to, until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if to.is_some_and(|to| to <= from) {
                continue;
            }
            let (target_incentive, currency) = (assignment.target_incentive, assignment.currency);
            let span = Span { from, to, version, target_incentive, currency };
            match spans.last_mut().filter(|last| last.goes_on_as(&span)) {
                Some(last) => last.to = span.to,
                None => spans.push(span),
            }
        }
    }
    spans
}

/// The part of a window in which one version of a component is in force.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'f> {
    /// The window it is part of.
    pub window: Window,
    /// First day.
    pub from: Day,
    /// First day after it.
    pub to: Day,
    /// The plan version in force.
    pub version: &'f PlanVersion,
    /// The component as that version has it.
    pub component: &'f Component,
    /// The currency paid in.
    pub currency: Currency,
}

/// Every segment that has begun by the end of `through` and has not ended before the first period, in order
/// of plan, component, window, day.
pub fn segments<'f>(facts: &'f Facts, spans: &[Span<'f>], through: Period) -> Vec<Segment<'f>> {
    let calendar = &facts.calendar;
    let mut segments = Vec::new();
    for span in spans {
        let first = span.from.max(calendar.first_period.start()).period();
        let end = span.to.map_or(through.end(), |to| to.min(through.end()));
        for component in &span.version.plan.components {
            let mut window = calendar.window(component.window, first);
            while window.start() < end {
                let from = span.from.max(window.start());
                let to = span.to.map_or(window.end(), |to| to.min(window.end()));
                if from < to {
                    let (version, currency) = (span.version, span.currency);
                    segments.push(Segment { window, from, to, version, component, currency });
                }
                window = calendar.window(component.window, window.last().plus(1));
            }
        }
    }
    let key = |segment: &Segment<'f>| (&segment.version.plan.id, &segment.component.id, segment.window);
    segments.sort_by(|a, b| key(a).cmp(&key(b)).then(a.from.cmp(&b.from)));
    segments
}
