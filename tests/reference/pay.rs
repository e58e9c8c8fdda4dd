//! Semantics 8 and 9: what each key has earned. Everything from scratch for every `through`, in the plainest way.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use attain::domain::date::{Day, Period, Window, WindowKind};
use attain::domain::id::{ComponentId, DealId, EventId, MeasureId, PayeeId, PlanId};
use attain::domain::ledger::Key;
use attain::domain::money::Currency;
use attain::domain::plan::{Axis, Due, Limit, Override, Payout, Plan, RateKind, Rates};
use num_traits::{Signed, Zero};

use crate::cohort::split;
use crate::company::Company;
use crate::credits::{Source, Span};
use crate::events::{Part, parts};
use crate::fractions::{Q, percent, ratio, rounded, sum, whole};
use crate::gauge::Place;
use crate::modify::Priced;
use crate::price::{Credit, Goal, price};
use crate::stand::{Group, Of, Search, Standing, separate};

/// What everybody has earned, and with what.
#[derive(Debug, Default)]
pub struct Figures {
    /// In minor units; keys that earn nothing are left out.
    pub earned: BTreeMap<Key, i128>,
    /// Every segment with a credit that rates price, by its first day; single deals left out.
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

/// An event, or what a reversal takes back of one: deal, event, origin.
pub type Happening = (DealId, EventId, EventId);

/// What a payee has earned under a component in all windows, exact, but for budgets and plan caps.
#[derive(Default)]
pub struct Earned {
    /// Of each segment, and of each credit in single deals.
    pub sums: BTreeMap<Group, Q>,
    /// On each event, by currency.
    pub on: BTreeMap<Happening, BTreeMap<Currency, Q>>,
}

/// A reading of a company up to and including a period.
pub struct Run<'c> {
    pub company: &'c Company,
    pub through: Period,
    pub parts: &'c [Part<'c>],
    figures: RefCell<Figures>,
    earned: RefCell<BTreeMap<(PayeeId, ComponentId), Rc<Earned>>>,
}

/// What everybody has earned up to and including a period.
pub fn figures(company: &Company, through: Period) -> Figures {
    let (mut all, mut problems) = (Vec::new(), BTreeSet::new());
    for deal in &company.deals {
        let (parts, open) = parts(deal, company.calendar.first_period.start(), through.last_day());
        all.extend(parts);
        problems.extend(open);
    }
    let noted = RefCell::new(Figures { problems, ..Figures::default() });
    let run = Run { company, through, parts: &all, figures: noted, earned: RefCell::default() };
    let mut amounts: BTreeMap<Key, BTreeMap<Span, i128>> = BTreeMap::new();
    let ids: BTreeSet<&ComponentId> = company.components().map(|component| &component.id).collect();
    for payee in &company.payees {
        for id in &ids {
            for ((key, span, _), exact) in &run.earned(&payee.id, id).sums {
                let spans = amounts.entry(key.clone()).or_default();
                *spans.entry(*span).or_default() += rounded(exact, company.calendar.rounding);
            }
        }
    }
    run.keep_budgets(&mut amounts);
    run.cap_plans(&ids, &mut amounts);
    let mut earned: BTreeMap<Key, i128> =
        amounts.into_iter().map(|(key, spans)| (key, spans.into_values().sum())).collect();
    earned.retain(|_, earned| *earned != 0);
    Figures { earned, ..run.figures.into_inner() }
}

impl<'c> Run<'c> {
    /// Notes what the facts leave open.
    pub fn problem(&self, text: String) {
        self.figures.borrow_mut().problems.insert(text);
    }

    /// Whether a segment holds its window's last day: whose is a member of what is shared.
    pub fn is_last(&self, at: Place<'_>) -> bool {
        at.span.holds(at.window.last().last_day())
    }

    /// Whether a window's last period has come.
    pub fn ended(&self, window: Window) -> bool {
        window.last() <= self.through
    }

    /// What a payee has earned under a component, in all plans.
    pub fn earned(&self, payee: &'c PayeeId, id: &'c ComponentId) -> Rc<Earned> {
        let key = (payee.clone(), id.clone());
        if let Some(known) = self.earned.borrow().get(&key) {
            return known.clone();
        }
        let earned = Rc::new(self.earn(payee, id));
        self.earned.borrow_mut().insert(key, earned.clone());
        earned
    }

    /// Every segment of a component that has begun, in order; of single deals one for each month.
    fn places(&self, payee: &'c PayeeId, id: &ComponentId) -> Vec<Place<'c>> {
        let (company, mut places) = (self.company, BTreeMap::new());
        let first = company.calendar.first_period;
        for period in (0..=self.through.months_since(first)).map(|months| first.plus(months)) {
            let month = company.calendar.window(WindowKind::Month, period);
            for day in company.spans(payee, month).into_iter().map(|span| span.from) {
                let Some((version, component)) = company.component(payee, id, day) else { continue };
                let window = company.calendar.window(component.window, period);
                let span = company.spans(payee, window).into_iter().find(|span| span.holds(day)).unwrap();
                places.insert((window, span), Place { payee, version, component, window, span });
            }
        }
        let mut places: Vec<_> = places.into_values().collect();
        places.sort_by_key(|place| (place.span.from, place.window.first()));
        places
    }

    fn earn(&self, payee: &'c PayeeId, id: &'c ComponentId) -> Earned {
        let paid = Search { run: self, payee, id, of: Of::Paid }.standings();
        let line = Search { run: self, payee, id, of: Of::Line }.standings();
        let places = self.places(payee, id);
        // What else moves a line is no rates' to read; gauges say what they look at.
        let by_rates = |standing: &&Standing<'_>| {
            let here = |at: &Place<'_>| (at.window, at.span) == (standing.group.0.window, standing.group.1);
            places.iter().any(|at| here(at) && at.component.payout.rates().is_some())
        };
        let read = paid.iter().chain(line.iter().filter(by_rates));
        read.filter_map(|standing| standing.open.clone()).for_each(|open| self.problem(open));
        let mut priced = Vec::new();
        for place in &places {
            self.ask(*place);
            let key = Key {
                payee: payee.clone(),
                plan: place.version.plan.id.clone(),
                component: id.clone(),
                window: place.window,
            };
            let here = |standing: &&Standing<'_>| standing.group.0 == key && standing.group.1 == place.span;
            let mut groups: BTreeSet<Group> =
                paid.iter().filter(here).map(|paid| paid.group.clone()).collect();
            if place.window.kind() != WindowKind::Deal {
                groups.insert((key.clone(), place.span, None));
            }
            for group in groups {
                let mine: Vec<usize> = (0..paid.len()).filter(|at| paid[*at].group == group).collect();
                let moving: Vec<&Standing<'_>> =
                    line.iter().filter(|standing| standing.group == group).collect();
                let (lines, other) = self.price(*place, &group, &paid, &mine, &moving);
                priced.push(Priced { place: *place, group, mine, lines, other });
            }
        }
        self.modify(&paid, priced)
    }

    /// Every segment that has begun needs what its component looks at, whether anything is credited in it or not.
    fn ask(&self, at: Place<'c>) {
        if let Some(rates) = at.component.payout.rates() {
            goal(self, at, &rates);
        }
        self.undefined(at);
        let held = self.company.assignment(at.payee, at.span.from).unwrap();
        // Who is no member weighs nothing.
        let modifiers = &at.component.modifiers;
        let needed = match &at.component.payout {
            Payout::Pool(_) if !self.is_last(at) => {
                modifiers.gates.iter().any(|gate| gate.limit_percent.is_some())
                    || modifiers.limits().any(|(_, limit)| matches!(limit, Limit::Incentive(_)))
            }
            _ => at.component.needs_incentive(),
        };
        if needed && held.target_incentive.is_none() {
            self.problem(format!("{} has no target incentive", at.payee));
        }
    }

    /// What each credit of an accumulation is priced at, and what is paid beside them.
    fn price(
        &self,
        at: Place<'c>,
        group: &Group,
        paid: &[Standing<'c>],
        mine: &[usize],
        moving: &[&Standing<'c>],
    ) -> (Vec<Q>, Q) {
        let standings: Vec<&Standing<'_>> = mine.iter().map(|place| &paid[*place]).collect();
        let none = || vec![Q::zero(); mine.len()];
        match &at.component.payout {
            Payout::Rates(_) | Payout::Spiff(_) | Payout::Override(_) | Payout::Residual(_) => {
                let rates = at.component.payout.rates().unwrap();
                let (mut lines, flat) = self.by_rates(at, group, &rates, &standings, moving);
                if let Payout::Override(payout) = &at.component.payout {
                    for (line, standing) in lines.iter_mut().zip(&standings) {
                        *line -= self.below(at, payout, standing);
                    }
                }
                (lines, flat)
            }
            Payout::Bonus(bonus) if at.window.kind() == WindowKind::Deal => {
                (self.single_bonus(at, bonus, &standings), Q::zero())
            }
            Payout::Bonus(bonus) => {
                let due = bonus.due == Due::Progressive || self.ended(at.window);
                let amount = self.target(at, bonus.target) * self.scaled(at, &bonus.curve);
                (none(), if due { amount } else { Q::zero() })
            }
            Payout::Matrix(matrix) => self.by_matrix(at, matrix, &standings),
            Payout::Rank(_) | Payout::Pool(_) => (none(), self.of_cohort(at)),
            Payout::Objectives(objectives) => {
                let scores = objectives.objectives.iter().map(|objective| {
                    let span = at.span;
                    let on = self.through.last_day();
                    let score = self.company.outside(at.payee, &objective.measure, span.from, span.to, on);
                    score.unwrap_or_default() / whole(100_000_000) * percent(objective.weight.0)
                });
                let score = sum(&scores.collect::<Vec<_>>());
                let due = self.ended(at.window);
                (none(), if due { self.target(at, objectives.target) * score } else { Q::zero() })
            }
        }
    }

    fn by_rates(
        &self,
        at: Place<'c>,
        group: &Group,
        rates: &Rates,
        paid: &[&Standing<'c>],
        moving: &[&Standing<'c>],
    ) -> (Vec<Q>, Q) {
        let moving = if separate(rates) { moving } else { paid };
        let moving: Vec<_> =
            moving.iter().filter(|standing| standing.moves).map(|standing| standing.credit()).collect();
        let credits: Vec<_> = paid.iter().map(|standing| standing.credit()).collect();
        let goal = goal(self, at, rates);
        let priced = price(self, at.version.plan.currency, rates, &credits, &moving, &goal);
        if group.2.is_none() && !(credits.is_empty() && moving.is_empty()) {
            let total = |credits: &[Credit<'_>]| sum(credits.iter().map(|credit| &credit.value));
            let line = (!rates.axis.by_deal()).then(|| total(&moving));
            let quota = goal.effective.filter(|_| rates.axis == Axis::Attainment);
            let segment = Segment { credited: total(&credits), line, quota };
            self.figures.borrow_mut().segments.insert((group.0.clone(), group.1.from), segment);
        }
        (priced.lines, priced.flat)
    }

    /// What all below a payee have earned on the event of a credit in the components that an override names, in the
    /// payee's currency at the rates of the event.
    fn below(&self, at: Place<'c>, payout: &'c Override, standing: &Standing<'_>) -> Q {
        let part = standing.part;
        if standing.identity.2 != Source::RolledUp {
            return Q::zero();
        }
        let happening = (part.deal.id.clone(), part.event.id.clone(), part.origin.id.clone());
        let mut all = Q::zero();
        for payee in &self.company.payees {
            if self.company.levels_up(&payee.id, at.payee, part.origin.day).is_some() {
                for id in &payout.less {
                    for (currency, earned) in
                        self.earned(&payee.id, id).on.get(&happening).into_iter().flatten()
                    {
                        all += self.told_in(at.version.plan.currency, part, *currency, earned);
                    }
                }
            }
        }
        all
    }

    /// Minor units of a currency in another, exactly, at the rates of an event. Of nothing nobody needs a rate.
    pub fn told_in(&self, to: Currency, part: &Part<'_>, from: Currency, minor: &Q) -> Q {
        if minor.is_zero() {
            return Q::zero();
        }
        let told = self.company.exactly_minor(minor, from, to, part.origin.day);
        if told.is_none() {
            self.problem(format!("{}: no rate of {from} or {to} on {}", part.deal.id, part.origin.day));
        }
        told.unwrap_or_default()
    }

    /// A member's part, in the segment that holds the window's last day.
    fn of_cohort(&self, at: Place<'c>) -> Q {
        if !self.ended(at.window) || !self.is_last(at) {
            return Q::zero();
        }
        let members = self.members(&at.version.plan.id, &at.component.id, at.window);
        let parts = match &at.component.payout {
            Payout::Rank(rank) => self.ranked(&members, rank),
            Payout::Pool(pool) => self.pooled(&members, pool),
            _ => panic!("nothing is shared"),
        };
        parts.get(at.payee).map_or_else(Q::zero, |part| whole(*part))
    }

    /// Nothing of what has a budget before its window's end; then members above zero share no more than that.
    fn keep_budgets(&self, amounts: &mut BTreeMap<Key, BTreeMap<Span, i128>>) {
        let mut cohorts: BTreeSet<(PlanId, ComponentId, Window)> = BTreeSet::new();
        for key in amounts.keys() {
            cohorts.insert((key.plan.clone(), key.component.clone(), key.window));
        }
        for (plan, id, window) in cohorts {
            let members = self.members(&plan, &id, window);
            let Some(budget) = members.first().and_then(|member| member.component.modifiers.budget) else {
                continue;
            };
            let mut keys: Vec<Key> = members
                .iter()
                .map(|member| Key {
                    payee: member.payee.clone(),
                    plan: plan.clone(),
                    component: id.clone(),
                    window,
                })
                .collect();
            if !self.ended(window) {
                keys.iter().for_each(|key| _ = amounts.remove(key));
                continue;
            }
            let earned = |key: &Key| amounts.get(key).map_or(0, |spans| spans.values().sum::<i128>());
            keys.retain(|key| earned(key) > 0);
            let figures: Vec<i128> = keys.iter().map(earned).collect();
            if figures.iter().sum::<i128>() > i128::from(budget) {
                let weights: Vec<Q> = figures.into_iter().map(whole).collect();
                for (key, part) in keys.into_iter().zip(split(i128::from(budget), &weights)) {
                    let spans = amounts.get_mut(&key).unwrap();
                    let weights: Vec<Q> = spans.values().map(|amount| whole(*amount)).collect();
                    spans.values_mut().zip(split(part, &weights)).for_each(|(amount, part)| *amount = part);
                }
            }
        }
    }

    /// Once all components of a plan together have come to its cap in a span, the rest is withheld. Each version caps what
    /// is earned under it; of versions with a cap in the same span the newest that has come says how much.
    fn cap_plans(&self, ids: &BTreeSet<&ComponentId>, amounts: &mut BTreeMap<Key, BTreeMap<Span, i128>>) {
        let mut capped: BTreeMap<(&PayeeId, &PlanId, Window), Vec<Place<'c>>> = BTreeMap::new();
        for payee in &self.company.payees {
            for at in ids.iter().flat_map(|id| self.places(&payee.id, id)) {
                let Plan { id, cap: Some(cap), .. } = &at.version.plan else { continue };
                let within = self.company.calendar.window(cap.span, at.window.last());
                capped.entry((&payee.id, id, within)).or_default().push(at);
            }
        }
        for mut places in capped.into_values() {
            let caps: Vec<(Day, i128)> = places.iter().map(|at| (at.span.from, self.plan_cap(*at))).collect();
            let (_, most) = caps.into_iter().max_by_key(|(from, _)| *from).unwrap();
            places.sort_by_key(|at| (at.window.last(), place_in_plan(at), at.span));
            let mut all = 0;
            for Place { payee, version, component, window, span } in places {
                let (payee, plan, component) = (payee.clone(), version.plan.id.clone(), component.id.clone());
                let spans = amounts.get_mut(&Key { payee, plan, component, window });
                let Some(amount) = spans.and_then(|spans| spans.get_mut(&span)) else { continue };
                let before = most.min(all);
                all += *amount;
                *amount = most.min(all) - before;
            }
        }
    }

    /// The cap of the plan in force, minor units.
    fn plan_cap(&self, at: Place<'c>) -> i128 {
        let most = self.limit_of_credit(at, at.version.plan.cap.unwrap().limit);
        rounded(&most, self.company.calendar.rounding)
    }
}

/// Where a component stands in the plan in force.
fn place_in_plan(at: &Place<'_>) -> usize {
    at.version.plan.components.iter().position(|component| component.id == at.component.id).unwrap()
}

/// The segment's quota and base rate, as far as its rates need them.
pub fn goal(run: &Run<'_>, at: Place<'_>, rates: &Rates) -> Goal {
    let Place { payee, version, component, window, span } = at;
    let (company, measure, currency) = (run.company, rates.line(), version.plan.currency);
    let mut goal = Goal { effective: None, base: None };
    if window.kind() != WindowKind::Deal
        && let Ok(Some(parts)) = company.effective(payee, measure, window, currency)
    {
        goal.effective = parts.into_iter().find(|(here, _)| *here == span).map(|(_, part)| part);
    }
    let needs_quota = rates.axis == Axis::Attainment;
    if needs_quota && goal.effective.is_none() {
        run.problem(format!("{payee} has no quota of {measure} for {window:?}"));
    }
    if rates.pays == RateKind::BaseRate {
        let incentive = company.assignment(payee, span.from).unwrap().target_incentive;
        let stated = company.stated(payee, measure, window, currency);
        let (Some(incentive), Ok(Some(stated))) = (incentive, stated) else {
            run.problem(format!("{payee} has no base rate in {window:?}"));
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
/// effective quota of the window, in what the payee is paid in on that day. None where a deal states no
/// cost or quantity, or there is no rate; nothing credited where an outside measure has no value.
pub fn attainment(
    company: &Company,
    payee: &PayeeId,
    id: &MeasureId,
    window: Window,
    on: Day,
) -> Option<(Option<Q>, Option<i128>)> {
    let currency = company.paid_in(payee, on);
    let quota = company.in_window(payee, id, window, currency).ok()?;
    if company.measure(id).selection().is_none() {
        return Some((company.outside(payee, id, window.start(), window.end(), on), quota));
    }
    let mut credited = Q::zero();
    for deal in &company.deals {
        for part in parts(deal, company.calendar.first_period.start(), on).0 {
            if window.start() <= part.event.day && part.event.day < window.end() {
                for (_, share) in company.credits(id, payee, deal, part.origin) {
                    credited += company.value(&part, id, currency).ok()? * share;
                }
            }
        }
    }
    Some((Some(credited), quota))
}
