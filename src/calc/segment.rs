//! Segments: spans in which plan version, target incentive and currency do not change (semantics 4),
//! cut by the windows of the components in force.

use crate::domain::date::{Day, Period, Window};
use crate::domain::facts::Facts;
use crate::domain::id::ComponentId;
use crate::domain::money::Currency;
use crate::domain::payee::Assignment;
use crate::domain::plan::{Component, PlanVersion};

/// A span `[from, to)` of unchanged terms of one payee.
#[derive(Debug, Clone, Copy)]
pub struct Span<'f> {
    /// First day.
    pub from: Day,
    /// First day after it; absent while it goes on.
    pub to: Option<Day>,
    /// The plan version in force; absent where the assignment names no plan, or one that has not begun.
    pub version: Option<&'f PlanVersion>,
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
        let version = |span: &Span| span.version.map(std::ptr::from_ref);
        self.to == Some(next.from)
            && version(self) == version(next)
            && (self.target_incentive, self.currency) == (next.target_incentive, next.currency)
    }

    /// The component of an id in this span's plan version.
    pub fn component(&self, id: &ComponentId) -> Option<&'f Component> {
        self.version?.plan.components.iter().find(|component| component.id == *id)
    }

    /// The days `[from, to)` of a window that the span holds, if any.
    pub fn within(&self, window: Window) -> Option<(Day, Day)> {
        let from = self.from.max(window.start());
        let to = self.to.map_or(window.end(), |to| to.min(window.end()));
        (from < to).then_some((from, to))
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
        let (target_incentive, currency) = (assignment.target_incentive, assignment.currency);
        for (from, to, version) in versions(facts, assignment) {
            let span = Span { from, to, version, target_incentive, currency };
            match spans.last_mut().filter(|last| last.goes_on_as(&span)) {
                Some(last) => last.to = span.to,
                None => spans.push(span),
            }
        }
    }
    spans
}

/// The days of an assignment by the version of its plan in force.
fn versions<'f>(
    facts: &'f Facts,
    assignment: &Assignment,
) -> impl Iterator<Item = (Day, Option<Day>, Option<&'f PlanVersion>)> {
    let plan = assignment.plan.as_ref();
    let versions = plan.map_or(&[][..], |plan| {
        let first = facts.plans.partition_point(|version| version.plan.id < *plan);
        let count = facts.plans[first..].partition_point(|version| version.plan.id == *plan);
        &facts.plans[first..first + count]
    });
    let (start, end) = (assignment.from, assignment.to);
    let begins = |version: &'f PlanVersion| version.effective_from.start();
    let none = [(Day::EARLIEST, versions.first().map(begins), None)];
    let each = versions
        .iter()
        .enumerate()
        .map(move |(place, version)| (begins(version), versions.get(place + 1).map(begins), Some(version)));
    none.into_iter().chain(each).filter_map(move |(from, to, version)| {
        let from = from.max(start);
        let to = match (to, end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        to.is_none_or(|to| from < to).then_some((from, to, version))
    })
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
    /// The span it is cut from.
    pub span: Span<'f>,
}

impl Segment<'_> {
    /// The currency it is paid in.
    pub fn currency(&self) -> Currency {
        self.span.currency
    }
}

/// Every segment that has begun by the end of `through` and has not ended before the first period, in order
/// of day, plan, component, window.
pub fn segments<'f>(facts: &'f Facts, spans: &[Span<'f>], through: Period) -> Vec<Segment<'f>> {
    let calendar = &facts.calendar;
    let mut segments = Vec::new();
    for span in spans {
        let Some(version) = span.version else { continue };
        let first = span.from.max(calendar.first_period.start()).period();
        let end = span.to.map_or(through.end(), |to| to.min(through.end()));
        for component in &version.plan.components {
            let mut window = calendar.window(component.window, first);
            while window.start() < end {
                let days = span.within(window);
                let counts = |(from, to): &(Day, Day)| *from < end && *to > calendar.first_period.start();
                if let Some((from, to)) = days.filter(counts) {
                    segments.push(Segment { window, from, to, version, component, span: *span });
                }
                window = calendar.window(component.window, window.last().plus(1));
            }
        }
    }
    let key = |segment: &Segment<'f>| (&segment.version.plan.id, &segment.component.id, segment.window);
    segments.sort_by(|a, b| a.from.cmp(&b.from).then(key(a).cmp(&key(b))));
    segments
}
