//! Semantics 8 and 9: where each credit stands, and what each key has earned. Everything from scratch for every
//! `through`, in the plainest way.

use std::collections::{BTreeMap, BTreeSet};

use attain::domain::date::{Day, Period, Window, WindowKind};
use attain::domain::deal::DealEvent;
use attain::domain::id::{ComponentId, DealId, EventId, MeasureId, PayeeId};
use attain::domain::ledger::Key;
use attain::domain::plan::{Axis, Clawback, Component, Payout, PlanVersion, RateKind, Rates, ReversalRule};
use num_traits::{Signed, Zero};

use crate::company::Company;
use crate::credits::{Source, Span};
use crate::events::{Part, parts};
use crate::fractions::{Q, percent, ratio, rounded, sum, whole};
use crate::price::{Credit, Goal, Priced, price, separate};

/// What everybody has earned, and with what.
#[derive(Debug, Default)]
pub struct Figures {
    /// In minor units; keys that earn nothing are left out.
    pub earned: BTreeMap<Key, i128>,
    /// Every segment with a credit, by its first day; single deals left out.
    pub segments: BTreeMap<(Key, Day), Segment>,
    /// What the facts leave open.
    pub problems: BTreeSet<String>,
}

/// What a segment has come to.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment {
    /// Of the measure that is paid on.
    pub credited: Q,
    /// Where the line is, unless the deal decides.
    pub line: Option<Q>,
    /// The effective quota, if attainment decides.
    pub quota: Option<i128>,
}

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
type Identity<'c> = (&'c DealId, &'c EventId, Source);

/// What accumulates together; in single deals each credit alone.
type Group<'c> = (Key, Span, Option<Identity<'c>>);

/// A credit, or what a reversal takes back of one, where it counts.
struct Standing<'c> {
    part: &'c Part<'c>,
    component: &'c Component,
    /// The credit that this is, or takes back.
    identity: Identity<'c>,
    group: Group<'c>,
    order: Order,
    value: Q,
}

/// Which of a component's measures.
#[derive(Clone, Copy)]
enum Side {
    Paid,
    Line,
}

impl Side {
    fn measure(self, component: &Component) -> &MeasureId {
        match self {
            Side::Paid => &rates(component).measure,
            Side::Line => rates(component).line(),
        }
    }
}

fn rates(component: &Component) -> &Rates {
    let Payout::Rates(rates) = &component.payout else { panic!() };
    rates
}

/// What everybody has earned up to and including a period.
pub fn figures(company: &Company, through: Period) -> Figures {
    let mut figures = Figures::default();
    let mut all = Vec::new();
    for deal in &company.deals {
        let (parts, problems) = parts(deal, company.calendar.first_period.start(), through.last_day());
        all.extend(parts);
        figures.problems.extend(problems);
    }
    let ids: BTreeSet<ComponentId> = components(company).map(|component| component.id.clone()).collect();
    for payee in &company.payees {
        for id in &ids {
            earn(company, &all, &payee.id, id, &mut figures);
        }
        ask(company, &payee.id, through, &mut figures);
    }
    figures.earned.retain(|_, earned| *earned != 0);
    figures
}

/// Every segment that has begun needs its quota, whether anything is credited in it or not.
fn ask(company: &Company, payee: &PayeeId, through: Period, figures: &mut Figures) {
    let first = company.calendar.first_period;
    for period in (0..=through.months_since(first)).map(|months| first.plus(months)) {
        let month = company.calendar.window(WindowKind::Month, period);
        for day in company.spans(payee, month).into_iter().map(|span| span.from) {
            let Some(version) = company.version(payee, day) else { continue };
            for component in &version.plan.components {
                let window = company.calendar.window(component.window, period);
                let span = company.spans(payee, window).into_iter().find(|span| span.holds(day)).unwrap();
                goal(company, payee, window, span, component, figures);
            }
        }
    }
}

fn components(company: &Company) -> impl Iterator<Item = &Component> {
    company.plans.iter().flat_map(|version| &version.plan.components)
}

/// One payee under one component, in all plans and windows.
fn earn(company: &Company, parts: &[Part<'_>], payee: &PayeeId, id: &ComponentId, figures: &mut Figures) {
    let search = |side| Search { company, payee, id, side };
    let paid = search(Side::Paid).standings(parts, figures);
    let mut line = search(Side::Line).standings(parts, figures);
    line.retain(|standing| separate(rates(standing.component)));
    let mut amounts: Vec<Q> = vec![Q::zero(); paid.len()];
    let mut flats: BTreeMap<Group<'_>, Q> = BTreeMap::new();
    let groups: BTreeSet<Group<'_>> =
        paid.iter().chain(&line).map(|standing| standing.group.clone()).collect();
    for group in groups {
        let mine: Vec<usize> = (0..paid.len()).filter(|place| paid[*place].group == group).collect();
        let mut moving: Vec<&Standing<'_>> = line.iter().filter(|standing| standing.group == group).collect();
        let one = mine.first().map_or_else(|| moving[0], |place| &paid[*place]);
        if !separate(rates(one.component)) {
            moving = mine.iter().map(|place| &paid[*place]).collect();
        }
        let rates = rates(one.component);
        let kept = |standing: &&Standing<'_>| !(one.component.line_kept && standing.part.is_reversal());
        let moving: Vec<_> = moving.into_iter().filter(kept).map(credit).collect();
        let credits: Vec<_> = mine.iter().map(|place| credit(&paid[*place])).collect();
        let (key, span, _) = &group;
        let goal = goal(company, payee, key.window, *span, one.component, figures);
        let priced = price(company, rates, &credits, &moving, &goal, figures);
        note_segment(&group, rates, &credits, &moving, &goal, figures);
        let Priced { lines, flat } = priced;
        for (place, amount) in mine.into_iter().zip(lines) {
            amounts[place] = amount;
        }
        flats.insert(group, flat);
    }
    hold_clawbacks(&paid, &mut amounts);
    for (group, flat) in flats {
        let here = paid.iter().zip(&amounts).filter(|(standing, _)| standing.group == group);
        let exact = sum(here.map(|(_, amount)| amount)) + flat;
        *figures.earned.entry(group.0).or_default() += rounded(&exact, company.calendar.rounding);
    }
}

fn credit<'s>(standing: &'s Standing<'_>) -> Credit<'s> {
    Credit { deal: standing.part.deal, order: standing.order.clone(), value: standing.value.clone() }
}

fn note_segment(
    group: &Group<'_>,
    rates: &Rates,
    credits: &[Credit<'_>],
    moving: &[Credit<'_>],
    goal: &Goal,
    figures: &mut Figures,
) {
    let (key, span, alone) = group;
    if alone.is_none() {
        let total = |credits: &[Credit<'_>]| sum(credits.iter().map(|credit| &credit.value));
        let line = (!rates.axis.by_deal()).then(|| total(moving));
        let quota = goal.effective.filter(|_| rates.axis == Axis::Attainment);
        figures.segments.insert((key.clone(), span.from), Segment { credited: total(credits), line, quota });
    }
}

/// Looks for what stands on one side of a payee's component.
struct Search<'c, 's> {
    company: &'c Company,
    payee: &'s PayeeId,
    id: &'s ComponentId,
    side: Side,
}

/// A component in force, and what it takes of an event.
type Terms<'c> = (&'c PlanVersion, &'c Component, Q);

impl<'c> Search<'c, '_> {
    /// Where every credit counts, in order.
    fn standings(&self, parts: &'c [Part<'c>], figures: &mut Figures) -> Vec<Standing<'c>> {
        let mut standings = Vec::new();
        for part in parts {
            // A component that was not in force at the origin does not lose by a reversal.
            let Some((version, component)) = self.company.component(self.payee, self.id, part.origin.day)
            else {
                continue;
            };
            for (source, share) in self.selected(component, part) {
                standings.push(self.stand(part, source, (version, component, share), figures));
            }
        }
        standings.sort_by(|a, b| a.order.cmp(&b.order));
        standings
    }

    /// The credits that a component's measure takes of an event, or of what a reversal takes back of it.
    fn selected(&self, component: &Component, part: &Part<'_>) -> Vec<(Source, Q)> {
        let measure = self.company.measure(self.side.measure(component)).selection().unwrap();
        if measure.event != part.origin.kind {
            return Vec::new();
        }
        self.company.credits(measure, self.payee, part.deal, part.origin.day)
    }

    /// The terms on which a reversal counts on its own date: if the component it was earned under says so, is in
    /// force then and takes such credits then. Single deals keep a credit and its reversals together.
    fn on_own_date(&self, part: &Part<'_>, source: &Source, origin: &Component) -> Option<Terms<'c>> {
        if origin.reversal == ReversalRule::AtOrigin || origin.window == WindowKind::Deal {
            return None;
        }
        let (version, then) = self.company.component(self.payee, self.id, part.event.day)?;
        let mut taken = self.selected(then, part).into_iter();
        let (_, share) = taken.find(|(other, _)| other == source)?;
        (then.window != WindowKind::Deal).then_some((version, then, share))
    }

    fn stand(
        &self,
        part: &'c Part<'c>,
        source: Source,
        origin: Terms<'c>,
        figures: &mut Figures,
    ) -> Standing<'c> {
        let later = if part.is_reversal() { self.on_own_date(part, &source, origin.1) } else { None };
        let own = later.is_some() || !part.is_reversal();
        let (version, component, share) = later.unwrap_or(origin);
        let at = if own { part.event } else { part.origin };
        let (company, payee) = (self.company, self.payee);
        let window = company.calendar.window(component.window, at.day.period());
        let (plan, id) = (version.plan.id.clone(), self.id.clone());
        let key = Key { payee: payee.clone(), plan, component: id, window };
        let span = company.spans(payee, window).into_iter().find(|span| span.holds(at.day)).unwrap();
        let credits = company.measure(self.side.measure(component)).selection().unwrap();
        let value = part.value(credits.value).unwrap_or_else(|| {
            figures.problems.insert(format!("deal {} states no cost or quantity", part.deal.id));
            Q::zero()
        });
        let value = value * share * taken_back(component, part);
        let place = |event: &DealEvent| (event.day, event.id.clone());
        let reversal = (!own).then(|| place(part.event));
        let event =
            Event { day: at.day, deal: part.deal.id.clone(), id: at.id.clone(), of: place(part.origin) };
        let identity = (&part.deal.id, &part.origin.id, source.clone());
        let group = (key, span, (window.kind() == WindowKind::Deal).then(|| identity.clone()));
        let alone = (!separate(rates(component))).then(|| source.clone());
        let order = Order { event, alone, reversal, source };
        Standing { part, component, identity, group, order, value }
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

/// With a schedule, a reversal never brings what its credit has earned below zero, nor further below.
fn hold_clawbacks(paid: &[Standing<'_>], amounts: &mut [Q]) {
    let mut places: Vec<usize> = (0..paid.len()).collect();
    // Each credit first, then its reversals in their own order.
    places.sort_by_key(|place| {
        let part = paid[*place].part;
        (part.is_reversal(), part.event.day, part.event.id.clone())
    });
    let mut so_far: BTreeMap<_, Q> = BTreeMap::new();
    for place in places {
        let standing = &paid[place];
        let before = so_far.entry(&standing.identity).or_default();
        if standing.part.is_reversal() && standing.component.clawback.is_some() {
            let least = -before.clone().max(Q::zero());
            if amounts[place] < least {
                amounts[place] = least;
            }
        }
        *before += &amounts[place];
    }
}

/// The segment's quota and base rate, as far as its rates need them.
fn goal(
    company: &Company,
    payee: &PayeeId,
    window: Window,
    span: Span,
    component: &Component,
    figures: &mut Figures,
) -> Goal {
    let Payout::Rates(rates) = &component.payout else { panic!() };
    let measure = rates.line();
    let mut goal = Goal { effective: None, base: None };
    if window.kind() != WindowKind::Deal
        && let Some(parts) = company.effective(payee, measure, window)
    {
        goal.effective = parts.into_iter().find(|(here, _)| *here == span).map(|(_, part)| part);
    }
    let needs_quota = rates.axis == Axis::Attainment;
    if needs_quota && goal.effective.is_none() {
        figures.problems.insert(format!("{payee} has no quota of {measure} for {window:?}"));
    }
    if rates.pays == RateKind::BaseRate {
        let incentive = company.assignment(payee, span.from).unwrap().target_incentive;
        let stated = company.stated(payee, measure, window);
        let (Some(incentive), Some(stated)) = (incentive, stated) else {
            figures.problems.insert(format!("{payee} has no base rate in {window:?}"));
            return goal;
        };
        let months = if stated.own { window.periods().count() } else { 12 };
        let target = whole(incentive) * percent(component.target_percent.unwrap().0);
        goal.base = Some(if stated.goal.is_positive() {
            Some(target * ratio(months, 12) / stated.goal)
        } else {
            None
        });
    }
    goal
}

/// What a payee has been credited with in a window by a measure, every entry on its own date up to a day, and the
/// effective quota of the window's spans together. None where a deal states no cost or quantity.
pub fn attainment(
    company: &Company,
    payee: &PayeeId,
    id: &MeasureId,
    window: Window,
    on: Day,
) -> Option<(Q, Option<i128>)> {
    let measure = company.measure(id).selection().unwrap();
    let mut credited = Q::zero();
    for deal in &company.deals {
        for part in parts(deal, company.calendar.first_period.start(), on).0 {
            let within = window.start() <= part.event.day && part.event.day < window.end();
            if within && measure.event == part.origin.kind {
                for (_, share) in company.credits(measure, payee, deal, part.origin.day) {
                    credited += part.value(measure.value)? * share;
                }
            }
        }
    }
    let quota = company.effective(payee, id, window);
    Some((credited, quota.map(|parts| parts.iter().map(|(_, part)| part).sum())))
}
