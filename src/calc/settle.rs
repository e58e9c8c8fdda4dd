//! What is left to do once a payee's components are rounded: budgets that members share, and caps on a whole plan
//! (semantics 8.3).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::{Day, Period, Window};
use crate::domain::exact::{Exact, settle as share};
use crate::domain::id::{ComponentId, PlanId};
use crate::domain::ledger::Key;
use crate::domain::plan::Limit;
use crate::domain::statement::StepKind;

use super::Calculation;
use super::affected;
use super::cohort::shared;
use super::earn::{Detail, KeyEarnings, SegmentEarnings};
use super::gauge;
use super::problem::Problem;
use super::run::Run;
use super::segment;
use super::step::Words;

/// Each member's amounts through the end of each period, minor units.
type Scaled = BTreeMap<u32, BTreeMap<Period, i128>>;

/// What the members of a component of a plan earn within its budget, by window.
pub type Budgeted = BTreeMap<Window, Scaled>;

/// Applies budgets, then plan caps, to a payee's keys; answers what the facts leave open.
pub fn settle<'f>(calculation: &Calculation<'f>, payee: u32, keys: &mut [KeyEarnings<'f>]) -> Vec<Problem> {
    let components = calculation.facts.plans.iter().flat_map(|version| &version.plan.components);
    let budgets = components.into_iter().any(|component| component.modifiers.budget.is_some());
    let spans = if budgets { segment::spans(calculation.facts, payee) } else { Vec::new() };
    for key in keys.iter_mut() {
        let Some(budget) = budget(&spans, &key.key) else { continue };
        if calculation.through < key.key.window.last() {
            // Due at the window's end, whichever version was in force before.
            key.replace(&BTreeMap::new());
            continue;
        }
        let budgeted = calculation.budgeted(&key.key.plan, &key.key.component);
        let through = budgeted.get(&key.key.window).and_then(|scaled| scaled.get(&payee));
        let Some(through) = through else { continue };
        let before = key.earned_through(calculation.through);
        key.replace(through);
        let after = key.earned_through(calculation.through);
        let words = Words { currency: key.currency };
        let formula = format!("{} of {}", key.currency.amount(after), key.currency.amount(before));
        let title = "budget that members share";
        let value = key.currency.amount(i128::from(budget));
        key.steps.push(words.step(StepKind::Budget, title, value, Some(formula)));
    }
    plan_caps(calculation, payee, keys)
}

/// The budget that a payee shares in a window as a member: of the component that the assignment on its last day has.
fn budget(spans: &[segment::Span], key: &Key) -> Option<i64> {
    let span = segment::on(spans, key.window.last().last_day())?;
    span.version.filter(|version| version.plan.id == key.plan)?;
    let component = span.component(&key.component)?;
    component.modifiers.budget.filter(|_| component.window == key.window.kind())
}

/// What the members of a component with a budget earn, in every window: those above zero scaled down in proportion
/// where together they exceed it, their parts summing to the budget, ties by payee id.
pub fn budgeted(calculation: &Calculation, plan: &PlanId, component: &ComponentId) -> Budgeted {
    let mut windows: BTreeMap<Window, (i64, Scaled)> = BTreeMap::new();
    for payee in affected::assigned(calculation.facts, &BTreeSet::from([plan])) {
        let mut run = Run::new(calculation, payee, calculation.through);
        for key in run.keys(Detail::Totals, |segment| segment.component.id == *component) {
            let Some(last) = key.segments.last().filter(|_| key.key.plan == *plan) else { continue };
            // Members are those whose assignment on the window's last day has the component.
            let member = last.to == key.key.window.end();
            if let Some(budget) = last.component.modifiers.budget.filter(|_| member) {
                let (_, earned) = windows.entry(key.key.window).or_insert((budget, Scaled::new()));
                earned.insert(payee, running(&key.earned_in));
            }
        }
    }
    windows.into_iter().map(|(window, (budget, earned))| (window, scaled(window, budget, &earned))).collect()
}

fn scaled(window: Window, budget: i64, earned: &Scaled) -> Scaled {
    let due = window.last();
    let moments = earned.values().flat_map(BTreeMap::keys).copied().filter(|period| *period >= due);
    let moments: BTreeSet<Period> = moments.chain([due]).collect();
    let mut scaled: Scaled = earned.keys().map(|payee| (*payee, BTreeMap::new())).collect();
    for upto in moments {
        let amounts: Vec<i128> = earned.values().map(|through| amount(through, upto)).collect();
        let above: Vec<i128> = amounts.iter().map(|amount| (*amount).max(0)).collect();
        let parts = if above.iter().sum::<i128>() > i128::from(budget) {
            let weights: Vec<Exact> = above.iter().map(|amount| Exact::whole(*amount)).collect();
            shared(i128::from(budget), &weights)
        } else {
            above
        };
        for ((through, amount), part) in scaled.values_mut().zip(amounts).zip(parts) {
            through.insert(upto, if amount > 0 { part } else { amount });
        }
    }
    scaled
}

/// The plan and the span that a cap counts in.
type Span = (PlanId, Window);

/// A segment: the places of its key and of itself in the key.
type Place = (usize, usize);

/// Holds what all components of a plan earn in a span to its cap: in the order of window end and place in the plan; once
/// it is full the rest is withheld. What is earned under a version counts towards that version's cap, in its span;
/// under one without a cap it counts towards none.
fn plan_caps<'f>(calculation: &Calculation<'f>, payee: u32, keys: &mut [KeyEarnings<'f>]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let calendar = &calculation.facts.calendar;
    let mut spans: BTreeMap<Span, Vec<Place>> = BTreeMap::new();
    for (at, key) in keys.iter().enumerate() {
        for (part, segment) in key.segments.iter().enumerate() {
            if let Some(cap) = segment.version.plan.cap {
                let span = calendar.window(cap.span, key.key.window.last());
                spans.entry((key.key.plan.clone(), span)).or_default().push((at, part));
            }
        }
    }
    for ((_, span), mut places) in spans {
        places.sort_by_key(|(at, part)| order(&keys[*at], *part));
        match caps(calculation, payee, places.iter().map(|(at, part)| &keys[*at].segments[*part])) {
            Ok(caps) => hold(keys, &places, &caps, calculation.through, &calendar.window_text(span)),
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

/// The cap from each period on in which terms begin, minor units: of the newest terms, so that what was earned by the
/// end of a period stays what it was when others follow.
fn caps<'s, 'f: 's>(
    calculation: &Calculation<'f>,
    payee: u32,
    segments: impl Iterator<Item = &'s SegmentEarnings<'f>>,
) -> Result<BTreeMap<Period, i128>, Problem> {
    let calendar = &calculation.facts.calendar;
    let payee = || calculation.facts.payee_id(payee).clone();
    let mut segments: Vec<_> = segments.collect();
    segments.sort_by_key(|segment| segment.from);
    let mut caps = BTreeMap::new();
    for segment in segments {
        let Some(cap) = segment.version.plan.cap else { continue };
        let most = match (cap.limit, segment.target_incentive) {
            (Limit::Amount(amount), _) => i128::from(amount),
            (Limit::Incentive(percent), Some(incentive)) => {
                let most = gauge::part(percent).mul(&Exact::whole(i128::from(incentive)));
                most.round(calendar.rounding).map_err(|_| Problem::TooLarge { payee: payee() })?
            }
            (Limit::Incentive(_), None) => {
                let (plan, from) = (segment.version.plan.id.clone(), segment.from);
                return Err(Problem::TargetIncentiveMissing { payee: payee(), plan, from });
            }
        };
        caps.insert(segment.from.period().max(calendar.first_period), most);
    }
    Ok(caps)
}

/// Window end, place in the plan, first day.
fn order(key: &KeyEarnings, part: usize) -> (Period, Option<usize>, Day) {
    let segment = &key.segments[part];
    let components = &segment.version.plan.components;
    let place = components.iter().position(|component| component.id == key.key.component);
    (key.key.window.last(), place, segment.from)
}

fn hold(
    keys: &mut [KeyEarnings],
    places: &[Place],
    caps: &BTreeMap<Period, i128>,
    through: Period,
    span: &str,
) {
    let most = |upto: Period| caps.range(..=upto).next_back().map_or(i128::MAX, |(_, most)| *most);
    let earned = places.iter().map(|(at, part)| running(&keys[*at].segments[*part].earned_in));
    let earned: Vec<BTreeMap<Period, i128>> = earned.collect();
    let moments: BTreeSet<Period> =
        earned.iter().flat_map(BTreeMap::keys).chain(caps.keys()).copied().collect();
    let mut held: Vec<BTreeMap<Period, i128>> = vec![BTreeMap::new(); places.len()];
    for upto in moments {
        // What was withheld is what a later window gives back first: nobody loses what was never paid.
        let mut all = 0;
        for (earned, held) in earned.iter().zip(&mut held) {
            let before = most(upto).min(all);
            all += amount(earned, upto);
            held.insert(upto, most(upto).min(all) - before);
        }
    }
    let mut withheld: BTreeMap<usize, i128> = BTreeMap::new();
    for ((at, part), held) in places.iter().zip(held) {
        let segment = &mut keys[*at].segments[*part];
        let before = segment.amount;
        segment.put(&held);
        *withheld.entry(*at).or_default() += before - segment.amount;
    }
    for (at, withheld) in withheld {
        let key = &mut keys[at];
        key.sum_up();
        let words = Words { currency: key.currency };
        let formula = match withheld {
            0 => "not reached".to_string(),
            _ => format!("{} withheld", key.currency.amount(withheld)),
        };
        let title = format!("cap of the plan in {span}");
        let most = key.currency.amount(most(through));
        key.steps.push(words.step(StepKind::PlanCap, title, most, Some(formula)));
    }
}

/// Sums up to the end of each period of what was earned in it.
fn running(earned_in: &BTreeMap<Period, i128>) -> BTreeMap<Period, i128> {
    let mut sum = 0;
    let through = earned_in.iter().map(|(period, amount)| {
        sum += amount;
        (*period, sum)
    });
    through.collect()
}

/// A sum up to the end of a period.
fn amount(through: &BTreeMap<Period, i128>, upto: Period) -> i128 {
    through.range(..=upto).next_back().map_or(0, |(_, amount)| *amount)
}

impl KeyEarnings<'_> {
    /// Puts what is earned through the end of each period in place of what was. Segments share it in proportion to what
    /// they had earned by then.
    fn replace(&mut self, through: &BTreeMap<Period, i128>) {
        let before: Vec<BTreeMap<Period, i128>> =
            self.segments.iter().map(|segment| running(&segment.earned_in)).collect();
        let moments: BTreeSet<Period> =
            before.iter().flat_map(BTreeMap::keys).chain(through.keys()).copied().collect();
        let mut parts = vec![BTreeMap::new(); before.len()];
        for upto in moments {
            let own: Vec<i128> = before.iter().map(|before| amount(before, upto)).collect();
            let (sum, whole) = (Exact::whole(own.iter().sum()), amount(through, upto));
            let share_of = |own: &i128| Exact::whole(whole * own).div(&sum);
            // Nothing is shared by those who have nothing.
            let shares = own.iter().map(share_of).collect::<Option<Vec<_>>>();
            let shares = shares.map_or(own, |shares| share(whole, &shares));
            for (part, amount) in parts.iter_mut().zip(shares) {
                part.insert(upto, amount);
            }
        }
        for (segment, part) in self.segments.iter_mut().zip(parts) {
            segment.put(&part);
        }
        self.sum_up();
    }

    /// Sums up what the segments have earned in each period.
    fn sum_up(&mut self) {
        self.earned_in.clear();
        for (period, amount) in self.segments.iter().flat_map(|segment| &segment.earned_in) {
            *self.earned_in.entry(*period).or_default() += amount;
        }
        self.earned_in.retain(|_, amount| *amount != 0);
    }
}

impl SegmentEarnings<'_> {
    /// Puts what is earned through the end of each period in place of what was. Lines share the difference in proportion,
    /// their sum staying right.
    fn put(&mut self, through: &BTreeMap<Period, i128>) {
        let mut amount = 0;
        self.earned_in.clear();
        for (period, upto) in through {
            self.earned_in.insert(*period, upto - amount);
            amount = *upto;
        }
        if amount == self.amount {
            return;
        }
        let lines = self.lines.iter().map(|line| line.amount);
        let rest = self.amount - lines.clone().sum::<i128>();
        let part = |line| Exact::whole(amount * line).div(&Exact::whole(self.amount)).unwrap_or(Exact::ZERO);
        let shares: Vec<Exact> = std::iter::once(rest).chain(lines).map(part).collect();
        let shared = share(amount, &shares);
        for (line, amount) in self.lines.iter_mut().zip(shared.into_iter().skip(1)) {
            line.amount = amount;
        }
        self.amount = amount;
    }
}
