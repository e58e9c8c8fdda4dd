//! Semantics 6 and 8.4: where each credit of a component stands, and in which order.

use attain::domain::date::{Day, WindowKind};
use attain::domain::deal::DealEvent;
use attain::domain::id::{ComponentId, DealId, EventId, MeasureId, PayeeId};
use attain::domain::ledger::Key;
use attain::domain::plan::{
    Clawback, Component, Matrix, MatrixPays, Payout, PlanVersion, Rates, ReversalRule,
};
use num_traits::Zero;

use crate::company::Company;
use crate::credits::{Source, Span};
use crate::events::Part;
use crate::fractions::{Q, percent, ratio, whole};
use crate::pay::Run;
use crate::price::Credit;

/// A place in the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    day: Day,
    deal: DealId,
    id: EventId,
    /// Of what a reversal takes back, in the order of that.
    of: (Day, EventId),
}

/// A credit's place in the order: its event's; of a reversal at its origin the origin's, after the credit it takes back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    event: Event,
    /// Whose part, where each moves the line alone.
    alone: Option<Source>,
    /// Of a reversal at its origin.
    reversal: Option<(Day, EventId)>,
    source: Source,
}

impl Order {
    /// The place of all parts of one event, or of one reversal.
    pub fn together(&self) -> (&Event, &Option<(Day, EventId)>) {
        (&self.event, &self.reversal)
    }
}

/// Which credit of a payee's: the deal, its event and whose part of it.
pub type Identity = (DealId, EventId, Source);

/// What accumulates together; in single deals each credit alone.
pub type Group = (Key, Span, Option<Identity>);

/// A credit, or what a reversal takes back of one, where it counts.
pub struct Standing<'c> {
    pub part: &'c Part<'c>,
    /// The credit that this is, or takes back.
    pub identity: Identity,
    pub group: Group,
    pub order: Order,
    pub value: Q,
    /// Whether it moves the line of its component.
    pub moves: bool,
    /// What its deal lacks.
    pub open: Option<String>,
}

impl<'c> Standing<'c> {
    pub fn credit(&self) -> Credit<'c> {
        Credit { part: self.part, order: self.order.clone(), value: self.value.clone() }
    }
}

/// Which credits to look for.
#[derive(Clone, Copy)]
pub enum Of<'s> {
    /// Those that are paid on.
    Paid,
    /// Those that move the line.
    Line,
    /// Those of a measure, in windows of a kind; absent: the component's own.
    Measure(&'s MeasureId, Option<WindowKind>),
}

/// Whether another measure's credits move the line.
pub fn separate(rates: &Rates) -> bool {
    *rates.line() != rates.measure
}

/// Looks for what stands in a payee's component.
pub struct Search<'c, 's> {
    pub run: &'s Run<'c>,
    pub payee: &'s PayeeId,
    pub id: &'s ComponentId,
    pub of: Of<'s>,
}

/// A component in force, and what it takes of an event.
type Terms<'c> = (&'c PlanVersion, &'c Component, Q);

impl<'c> Search<'c, '_> {
    /// Where every credit counts, in order.
    pub fn standings(&self) -> Vec<Standing<'c>> {
        let mut standings = Vec::new();
        for part in self.run.parts {
            // A component that was not in force at the origin does not lose by a reversal.
            let Some((version, component)) = self.company().component(self.payee, self.id, part.origin.day)
            else {
                continue;
            };
            for (source, share) in self.selected(component, part) {
                standings.push(self.stand(part, source, (version, component, share)));
            }
        }
        standings.sort_by(|a, b| a.order.cmp(&b.order));
        standings
    }

    fn company(&self) -> &'c Company {
        self.run.company
    }

    fn measure(&self, component: &Component) -> Option<MeasureId> {
        match self.of {
            Of::Paid => paid(component),
            Of::Line => component.line().cloned(),
            Of::Measure(id, _) => Some(id.clone()),
        }
    }

    fn window(&self, component: &Component) -> WindowKind {
        match self.of {
            Of::Measure(_, Some(kind)) => kind,
            Of::Measure(_, None) | Of::Paid | Of::Line => component.window,
        }
    }

    /// The credits that a component takes of an event, or of what a reversal takes back of it.
    fn selected(&self, component: &Component, part: &Part<'_>) -> Vec<(Source, Q)> {
        let Some(id) = self.measure(component) else { return Vec::new() };
        if !self.in_time(component, part) {
            return Vec::new();
        }
        self.company().credits(&id, self.payee, part.deal, part.origin)
    }

    /// Whether an event is within the dates or months that a component pays for.
    fn in_time(&self, component: &Component, part: &Part<'_>) -> bool {
        let day = part.origin.day;
        match (&component.payout, self.of) {
            (_, Of::Measure(..)) => true,
            (Payout::Spiff(spiff), _) => {
                spiff.from.is_none_or(|from| from <= day) && spiff.to.is_none_or(|to| day < to)
            }
            (Payout::Residual(residual), of) if matches!(of, Of::Paid) || !separate(&residual.rates) => {
                let first = part.deal.events.iter().map(|event| event.day).min().unwrap();
                let month = day.period().months_since(first.period()) + 1;
                let month = u32::try_from(month).unwrap();
                residual.first_month <= month && month <= residual.last_month
            }
            _ => true,
        }
    }

    /// The terms on which a reversal counts on its own date: if the component it was earned under says so, is in
    /// force then and takes such credits then. Single deals keep a credit and its reversals together.
    fn on_own_date(&self, part: &Part<'_>, source: &Source, origin: &Component) -> Option<Terms<'c>> {
        if origin.reversal == ReversalRule::AtOrigin || origin.window == WindowKind::Deal {
            return None;
        }
        let (version, then) = self.company().component(self.payee, self.id, part.event.day)?;
        let mut taken = self.selected(then, part).into_iter();
        let (_, share) = taken.find(|(other, _)| other == source)?;
        (then.window != WindowKind::Deal).then_some((version, then, share))
    }

    fn stand(&self, part: &'c Part<'c>, source: Source, origin: Terms<'c>) -> Standing<'c> {
        let later = if part.is_reversal() { self.on_own_date(part, &source, origin.1) } else { None };
        let own = later.is_some() || !part.is_reversal();
        let (version, component, share) = later.unwrap_or(origin);
        let at = if own { part.event } else { part.origin };
        let (company, payee) = (self.company(), self.payee);
        let window = company.calendar.window(self.window(component), at.day.period());
        let (plan, component_id) = (version.plan.id.clone(), self.id.clone());
        let key = Key { payee: payee.clone(), plan, component: component_id, window };
        let span = company.spans(payee, window).into_iter().find(|span| span.holds(at.day)).unwrap();
        let id = self.measure(component).unwrap();
        let value = company.value(part, &id, version.plan.currency);
        let open = value.as_ref().err().cloned();
        let value = value.unwrap_or_default();
        // What is looked at is the measure as it is: schedules and kept lines are the component's own.
        let looked_at = matches!(self.of, Of::Measure(..));
        let part_taken = if looked_at { whole(1) } else { taken_back(component, part) };
        let value = value * share * part_taken;
        let moves = looked_at || !(component.line_kept && part.is_reversal());
        let place = |event: &DealEvent| (event.day, event.id.clone());
        let reversal = (!own).then(|| place(part.event));
        let event =
            Event { day: at.day, deal: part.deal.id.clone(), id: at.id.clone(), of: place(part.origin) };
        let identity = (part.deal.id.clone(), part.origin.id.clone(), source.clone());
        let group = (key, span, (window.kind() == WindowKind::Deal).then(|| identity.clone()));
        let together = component.payout.rates().is_some_and(|rates| separate(&rates));
        let alone = (!together).then(|| source.clone());
        let order = Order { event, alone, reversal, source };
        Standing { part, identity, group, order, value, moves, open }
    }
}

/// The measure whose credits a component pays on, if it pays on credits.
fn paid(component: &Component) -> Option<MeasureId> {
    match &component.payout {
        Payout::Matrix(Matrix { pays: MatrixPays::Credits(measure), .. }) => Some(measure.clone()),
        Payout::Bonus(bonus) if component.window == WindowKind::Deal => bonus.curve.gauge.measure().cloned(),
        other => other.rates().map(|rates| rates.measure.clone()),
    }
}

/// The part of a reversal that a clawback schedule takes back.
fn taken_back(component: &Component, part: &Part<'_>) -> Q {
    let age = part.event.day.days_since(part.origin.day);
    match &component.clawback {
        Some(_) if !part.is_reversal() => whole(1),
        None => whole(1),
        Some(Clawback::Steps(steps)) => {
            let step = steps.iter().find(|step| age <= i64::from(step.days));
            step.map_or_else(Q::zero, |step| percent(step.percent.0))
        }
        Some(Clawback::ProRata { full_days, .. }) if age <= i64::from(*full_days) => whole(1),
        Some(Clawback::ProRata { term_days, .. }) => ratio((i64::from(*term_days) - age).max(0), *term_days),
    }
}
