//! One payee's run through its segments: what prices each, its credits in order, and what they come to (semantics 3,
//! 8, 9).

mod pay;
mod read;
mod standing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::date::{Day, Period, Window, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::id::{ComponentId, MeasureId, PayeeId, PlanId};
use crate::domain::ledger::Key;
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::plan::{Axis, Component};
use crate::domain::statement::StepFigures;

use super::Calculation;
use super::clawback::Claims;
use super::course::{Course, Line, Standing};
use super::credit::{Claim, Credit, Selector};
use super::earn::{Detail, KeyEarnings, SegmentEarnings};
use super::gauge::Reading;
use super::price::{Cells, Counted, Each, Price};
use super::problem::Problem;
use super::quota::{EffectiveQuota, Quotas};
use super::rates::TierTotal;
use super::segment::{self, Segment, Span};
use super::step::Words;
use super::terms::Outcome;
use pay::Pay;

/// A measure's credits of the payee: plain ones in order, and reversals.
struct Credits {
    selector: Selector,
    plain: Vec<Credit>,
    reversals: Vec<Credit>,
}

/// One payee's run through its segments, in order of their first days.
pub struct Run<'a, 'f> {
    calculation: &'a Calculation<'f>,
    payee: u32,
    /// Up to the end of which period.
    through: Period,
    spans: Vec<Span<'f>>,
    credits: BTreeMap<&'f MeasureId, Credits>,
    quotas: BTreeMap<(&'f MeasureId, Window, Currency), Option<Vec<EffectiveQuota>>>,
    readings: BTreeMap<ReadingKey<'f>, Arc<Reading>>,
    claims: BTreeMap<&'f ComponentId, Claims>,
    /// What window caps have withheld for a later window.
    carried: BTreeMap<(&'f PlanId, &'f ComponentId), Vec<Withheld>>,
    problems: Vec<Problem>,
}

/// A measure in the segment of a window that begins on a day, its reversals by the rules of a component, as an axis.
type ReadingKey<'f> = (&'f MeasureId, Window, Day, &'f ComponentId, bool, Axis);

/// What the cap of a window withheld through the end of each period.
type Withheld = (Window, BTreeMap<Period, Exact>);

impl<'a, 'f> Run<'a, 'f> {
    /// Starts for a payee, by index, up to the end of a period.
    pub(super) fn new(calculation: &'a Calculation<'f>, payee: u32, through: Period) -> Self {
        Run {
            calculation,
            payee,
            through,
            spans: segment::spans(calculation.facts, payee),
            credits: BTreeMap::new(),
            quotas: BTreeMap::new(),
            readings: BTreeMap::new(),
            claims: BTreeMap::new(),
            carried: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// What the segments asked for have earned, by key, before anything is shared with others.
    pub(super) fn keys(&mut self, detail: Detail, asked: impl Fn(&Segment) -> bool) -> Vec<KeyEarnings<'f>> {
        let mut keys: BTreeMap<Key, KeyEarnings<'f>> = BTreeMap::new();
        let segments = segment::segments(self.calculation.facts, &self.spans, self.through);
        for segment in segments.iter().filter(|segment| asked(segment)) {
            match self.segment(segment, detail) {
                Ok(earned) => {
                    let key = self.key(segment);
                    let currency = segment.currency();
                    let empty = |key| KeyEarnings {
                        key,
                        currency,
                        earned_in: BTreeMap::new(),
                        segments: Vec::new(),
                        steps: Vec::new(),
                    };
                    let earnings = keys.entry(key.clone()).or_insert_with(|| empty(key));
                    for (period, amount) in &earned.earned_in {
                        *earnings.earned_in.entry(*period).or_default() += amount;
                    }
                    earnings.segments.push(earned);
                }
                Err(problem) => {
                    if matches!(problem, Problem::RateMissing { .. }) {
                        self.note_missing_rates(segment);
                    }
                    self.problems.push(problem);
                }
            }
        }
        let mut keys: Vec<KeyEarnings> = keys.into_values().collect();
        for key in &mut keys {
            key.earned_in.retain(|_, amount| *amount != 0);
        }
        keys
    }

    /// What the facts leave open.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn key(&self, segment: &Segment) -> Key {
        Key {
            payee: self.id(),
            plan: segment.version.plan.id.clone(),
            component: segment.component.id.clone(),
            window: segment.window,
        }
    }

    pub(super) fn id(&self) -> PayeeId {
        self.calculation.facts.payee_id(self.payee).clone()
    }

    fn segment(&mut self, segment: &Segment<'f>, detail: Detail) -> Result<SegmentEarnings<'f>, Problem> {
        let pay = self.pay(segment)?;
        let terms = self.terms(segment, &pay)?;
        let facts = self.calculation.facts;
        let mut claims = self.take_claims(segment);
        let mut sums = Sums::default();
        for price in self.prices(segment, &pay) {
            let keep = match detail {
                Detail::Totals => false,
                Detail::Lines => true,
                Detail::Shown => self.shown(segment, price.credits()),
            };
            let book = self.calculation.book();
            sums.add(terms.run(book, &price, &mut claims, facts.calendar.rounding, keep)?);
        }
        let mut steps = pay.steps(detail, &Words { currency: segment.currency() }, self.through);
        if segment.window.kind() != WindowKind::Deal {
            steps.extend(sums.steps);
        }
        self.claims.insert(&segment.component.id, claims);
        if terms.carries() {
            let key = (&segment.version.plan.id, &segment.component.id);
            self.carried.entry(key).or_default().push((segment.window, sums.withheld));
        }
        let unit =
            |measure: Option<&MeasureId>| measure.map(|measure| self.unit(measure)).unwrap_or_default();
        let (unit, line_unit) = (unit(segment.component.paid()), unit(segment.component.line()));
        let (rates, quota, base_rate) = pay.of_rates();
        Ok(SegmentEarnings {
            from: segment.from,
            to: segment.to,
            version: segment.version,
            component: segment.component,
            target_incentive: segment.span.target_incentive,
            rates,
            unit,
            line_unit,
            quota,
            base_rate,
            credited: sums.credited,
            position: sums.position,
            tiers: sums.tiers.into_values().collect(),
            steps,
            paid: sums.paid,
            amount: sums.by_period.values().sum(),
            earned_in: sums.by_period,
            lines: sums.lines,
        })
    }

    /// Whether the statement of the last period shows something of a segment's credits.
    fn shown(&self, segment: &Segment, credits: &[Credit]) -> bool {
        let inside = segment.window.first() <= self.through && self.through <= segment.window.last();
        let book = self.calculation.book();
        inside || credits.iter().any(|credit| book.entry(credit.entry).period == self.through)
    }

    pub(super) fn unit(&self, measure: &MeasureId) -> Unit {
        self.credits.get(measure).map(|credits| credits.selector.unit()).unwrap_or_default()
    }

    /// Selects a measure's credits once for the payee.
    pub(super) fn select(&mut self, segment: &Segment<'f>, measure: &'f MeasureId) -> Result<(), Problem> {
        if self.credits.contains_key(measure) {
            return Ok(());
        }
        let Calculation { facts, book, .. } = self.calculation;
        let missing =
            || Problem::MeasureMissing { plan: segment.version.plan.id.clone(), measure: measure.clone() };
        let selector: Selector = self.calculation.selector(measure).ok_or_else(missing)?;
        let all = selector.credits(facts, book, self.payee);
        let is_reversal = |credit: &Credit| book.is_reversal(credit.entry);
        let (reversals, plain) = if all.iter().any(is_reversal) {
            all.into_iter().partition(is_reversal)
        } else {
            (Vec::new(), all)
        };
        self.credits.insert(measure, Credits { selector, plain, reversals });
        Ok(())
    }

    /// Notes every rate that the segment's credits lack: whoever brings the first would be asked for the next.
    fn note_missing_rates(&mut self, segment: &Segment<'f>) {
        let mut missing = Vec::new();
        for measure in segment.component.paid().into_iter().chain(segment.component.line()) {
            let Some(selector) = self.selector(measure) else { continue };
            for credit in self.standing(segment, measure, &|_| Some(measure), false).iter() {
                let value = selector.value(self.calculation.book(), credit, segment.currency());
                missing.extend(value.err().filter(|problem| matches!(problem, Problem::RateMissing { .. })));
            }
        }
        self.problems.append(&mut missing);
    }

    /// The segment's part of the effective quota. None is a problem, and so noted.
    pub(super) fn quota(
        &mut self,
        segment: &Segment<'f>,
        measure: &'f MeasureId,
    ) -> Result<Option<EffectiveQuota>, Problem> {
        let (window, currency) = (segment.window, segment.currency());
        if !self.quotas.contains_key(&(measure, window, currency)) {
            let quotas = Quotas::of(self.calculation.facts, self.payee, measure, currency);
            let parts = quotas.parts_of(window, &self.spans);
            let parts = parts.map_err(|fault| fault.problem(&self.id(), measure))?;
            self.quotas.insert((measure, window, currency), parts);
        }
        let days = self.spans.iter().filter_map(|span| span.within(window));
        let parts = self.quotas.get(&(measure, window, currency)).and_then(Option::as_ref);
        let mut parts = parts.map(|parts| days.zip(parts));
        let part =
            parts.as_mut().and_then(|parts| parts.find(|(days, _)| *days == (segment.from, segment.to)));
        let quota = part.map(|(_, quota)| quota.clone());
        if quota.is_none() {
            self.problems.push(self.quota_missing(measure, window));
        }
        Ok(quota)
    }

    fn quota_missing(&self, measure: &MeasureId, window: Window) -> Problem {
        Problem::QuotaMissing {
            payee: self.id(),
            measure: measure.clone(),
            window: self.calculation.facts.calendar.window_text(window),
        }
    }

    /// Yearly target incentive x component weight / yearly quota; undefined over a zero quota.
    pub(super) fn base_rate(
        &self,
        segment: &Segment<'f>,
        measure: &'f MeasureId,
    ) -> Result<Option<Exact>, Problem> {
        let percent = segment.component.target_percent.unwrap_or_default();
        let share = Exact::scaled(i128::from(percent.0), 8).mul(&self.yearly_incentive(segment)?);
        let yearly = Quotas::of(self.calculation.facts, self.payee, measure, segment.currency())
            .yearly(segment.window)
            .map_err(|fault| fault.problem(&self.id(), measure))?
            .ok_or_else(|| self.quota_missing(measure, segment.window))?;
        Ok(share.div(&yearly))
    }

    fn take_claims(&mut self, segment: &Segment<'f>) -> Claims {
        let id = &segment.component.id;
        let mut claims = self.claims.remove(id).unwrap_or_default();
        // What one version bounds is what another has paid.
        let bounds = |component: &Component| {
            let modifiers = &component.modifiers;
            let each = modifiers.credit_cap.is_some() || modifiers.credit_floor.is_some();
            component.clawback.is_some() || each || !modifiers.gates.is_empty()
        };
        if self.spans.iter().filter_map(|span| span.component(id)).any(bounds) {
            let credits = segment.component.paid().and_then(|measure| self.credits.get(measure));
            let reversals = credits.map_or(&[][..], |credits| &credits.reversals);
            claims.follow(self.calculation.book(), reversals);
        }
        claims
    }

    /// The segment's one accumulation; in single deals one for each credit with its reversals.
    fn prices<'s>(&'s self, segment: &Segment<'f>, pay: &'s Pay<'f>) -> Vec<Price<'s>> {
        let Some(measure) = segment.component.paid() else {
            return pay.whole().map(Price::Whole).into_iter().collect();
        };
        let price = |credits: Cow<'s, [Credit]>| {
            let currency = segment.currency();
            let standing = Standing { credits, selector: self.selector(measure)?, currency };
            self.price(segment, pay, standing)
        };
        let paid = self.standing(segment, measure, &|component| component.paid(), true);
        if segment.window.kind() != WindowKind::Deal {
            return price(paid).into_iter().collect();
        }
        let mut deals: BTreeMap<Claim, Vec<Credit>> = BTreeMap::new();
        for credit in paid.iter() {
            deals.entry(credit.claim(self.calculation.book())).or_default().push(*credit);
        }
        deals.into_values().filter_map(|credits| price(Cow::Owned(credits))).collect()
    }

    fn price<'s>(
        &'s self,
        segment: &Segment<'f>,
        pay: &'s Pay<'f>,
        standing: Standing<'s>,
    ) -> Option<Price<'s>> {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let component = segment.component;
        let clawback = component.clawback.as_ref();
        match pay {
            Pay::Ladder(tiered) => {
                let rates = &tiered.rates;
                let line = match &rates.line {
                    Some(line) if *line != rates.measure => {
                        let credits = self.standing(segment, line, &|component| component.line(), false);
                        let currency = segment.currency();
                        Some(Standing { credits, selector: self.selector(line)?, currency })
                    }
                    Some(_) | None => None,
                };
                let (axis, ladder) = (rates.axis, tiered.ladder.as_ref());
                Some(Price::Ladder(Course { facts, book, component, axis, ladder, paid: standing, line }))
            }
            Pay::Cells { matrix, rows, columns } => {
                let counted = Counted { facts, book, clawback, standing };
                let (rows, columns) = (rows.as_deref(), columns.as_deref());
                Some(Price::Cells(Cells { counted, matrix, rows, columns }))
            }
            Pay::Each { target, curve } => {
                let counted = Counted { facts, book, clawback, standing };
                Some(Price::Each(Each { counted, target: target.clone(), curve }))
            }
            Pay::Whole { at, .. } => Some(Price::Whole(at)),
        }
    }

    pub(super) fn selector(&self, measure: &MeasureId) -> Option<&Selector> {
        self.credits.get(measure).map(|credits| &credits.selector)
    }
}

/// What the accumulations of a segment come to.
#[derive(Default)]
struct Sums {
    by_period: BTreeMap<Period, i128>,
    withheld: BTreeMap<Period, Exact>,
    credited: Exact,
    position: Exact,
    tiers: BTreeMap<usize, TierTotal>,
    paid: Exact,
    steps: Vec<StepFigures>,
    lines: Vec<Line>,
}

impl Sums {
    fn add(&mut self, outcome: Outcome) {
        let mut before = 0;
        for (period, through) in outcome.through {
            *self.by_period.entry(period).or_default() += through - before;
            before = through;
        }
        self.paid = self.paid.add(&outcome.paid);
        self.lines.extend(outcome.lines);
        self.steps = outcome.steps;
        self.withheld = outcome.withheld;
        let Some(walk) = outcome.walk else {
            self.credited = self.credited.add(&outcome.credited);
            self.position = self.credited.clone();
            return;
        };
        self.credited = self.credited.add(walk.credited());
        self.position = self.position.add(walk.position());
        for tier in walk.totals() {
            match self.tiers.entry(tier.tier) {
                std::collections::btree_map::Entry::Vacant(vacant) => drop(vacant.insert(tier)),
                std::collections::btree_map::Entry::Occupied(sum) => sum.into_mut().add(&tier),
            }
        }
    }
}
