//! Figures that payouts and modifiers are made of: targets and limits of a segment, and how far something has come
//! (semantics 4, 8.2, 8.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::date::{Period, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::id::MeasureId;
use crate::domain::measure::Unit;
use crate::domain::plan::{Axis, Gauge, Limit, Source, Target};

use super::super::course::Standing;
use super::super::gauge::{self, Reading};
use super::super::problem::Problem;
use super::super::segment::Segment;
use super::super::{outside, quota};
use super::Run;

/// A target and the part of the window it is for.
pub(super) struct Aim {
    /// Minor units for the whole window.
    pub amount: Exact,
    /// The segment's part of it.
    pub proration: Exact,
}

impl Aim {
    /// Minor units, exact.
    pub fn minor(&self) -> Exact {
        self.amount.mul(&self.proration)
    }
}

impl<'f> Run<'_, 'f> {
    /// The window's share of the target incentive, minor units, before proration.
    pub(super) fn incentive(&self, segment: &Segment<'f>) -> Result<Exact, Problem> {
        let months = i128::from(segment.window.kind().months());
        let yearly = self.yearly_incentive(segment)?;
        // Single deals have no share of a year.
        if segment.window.kind() == WindowKind::Deal {
            return Ok(yearly);
        }
        Ok(yearly.mul(&Exact::ratio(months, 12).unwrap_or(Exact::ZERO)))
    }

    /// Pay at target for a year, minor units.
    pub(super) fn yearly_incentive(&self, segment: &Segment<'f>) -> Result<Exact, Problem> {
        let target = segment.span.target_incentive.ok_or_else(|| Problem::TargetIncentiveMissing {
            payee: self.id(),
            plan: segment.version.plan.id.clone(),
            from: segment.from,
        })?;
        Ok(Exact::whole(i128::from(target)))
    }

    pub(super) fn target(&self, segment: &Segment<'f>, target: Target) -> Result<Aim, Problem> {
        let amount = match target {
            Target::Amount(minor) => Exact::whole(i128::from(minor)),
            Target::Incentive => {
                let percent = segment.component.target_percent.unwrap_or_default();
                self.incentive(segment)?.mul(&gauge::part(percent))
            }
        };
        Ok(Aim { amount, proration: self.proration(segment) })
    }

    /// The part of the window that a segment is, as the component states; single deals are whole.
    pub(super) fn proration(&self, segment: &Segment) -> Exact {
        if segment.window.kind() == WindowKind::Deal {
            return Exact::whole(1);
        }
        let calendar = &self.calculation.facts.calendar;
        let weight = |period| quota::weight(calendar, None, period);
        quota::proration(segment.component.proration, weight, segment.window, (segment.from, segment.to))
    }

    pub(super) fn credit_limit(&self, segment: &Segment<'f>, limit: Limit) -> Result<Exact, Problem> {
        Ok(match limit {
            Limit::Amount(minor) => Exact::whole(i128::from(minor)),
            Limit::Incentive(percent) => self.yearly_incentive(segment)?.mul(&gauge::part(percent)),
        })
    }

    pub(super) fn window_limit(&self, segment: &Segment<'f>, limit: Limit) -> Result<Exact, Problem> {
        let whole = match limit {
            Limit::Amount(minor) => Exact::whole(i128::from(minor)),
            Limit::Incentive(percent) => self.incentive(segment)?.mul(&gauge::part(percent)),
        };
        Ok(whole.mul(&self.proration(segment)))
    }

    /// How far what a gauge looks at has come in its window that contains the segment's (semantics 8.3).
    pub(in super::super) fn reading(
        &mut self,
        segment: &Segment<'f>,
        gauge: &Gauge,
    ) -> Result<Arc<Reading>, Problem> {
        let facts = self.calculation.facts;
        let plan = || segment.version.plan.id.clone();
        let missing =
            |measure: &MeasureId| Problem::MeasureMissing { plan: plan(), measure: measure.clone() };
        let own = segment.component;
        let unreadable = || Problem::Unreadable { plan: plan(), component: own.id.clone() };
        let (measure, kind, component, line) = match &gauge.of {
            Some(Source::Component(id)) => {
                let named = segment.span.component(id).unwrap_or(own);
                let measure = named.line().ok_or_else(unreadable)?;
                (measure, named.window, named, true)
            }
            Some(Source::Measure { measure, window }) => (measure, window.unwrap_or(own.window), own, false),
            None => return Err(unreadable()),
        };
        let (measure, _) = facts.measures.get_key_value(measure).ok_or_else(|| missing(measure))?;
        let window = facts.calendar.window(kind, segment.window.first());
        let (from, to) = segment.span.within(window).unwrap_or((segment.from, segment.to));
        let key = (measure, window, from, &component.id, line, gauge.axis);
        if let Some(reading) = self.readings.get(&key) {
            return Ok(Arc::clone(reading));
        }
        let at = Segment { window, from, to, component, ..*segment };
        let quota = match gauge.axis {
            Axis::Attainment => self.quota(&at, measure)?,
            Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent => None,
        };
        let (unit, start, moved) = match outside::moved(facts, self.payee, measure, from, to) {
            Some(moved) => (Unit::Number, None, moved),
            None => {
                self.select(&at, measure)?;
                (self.unit(measure), Some(Exact::ZERO), self.moved(&at, measure, line)?)
            }
        };
        let currency = segment.currency();
        let reading = Reading {
            measure: measure.clone(),
            window,
            axis: gauge.axis,
            unit,
            quota,
            currency,
            start,
            moved,
        };
        let reading = Arc::new(reading);
        self.readings.insert(key, Arc::clone(&reading));
        Ok(reading)
    }

    /// What the credits of a measure that stand in a segment come to, through the end of each period: as they are, or
    /// as they move the component's line.
    fn moved(
        &self,
        at: &Segment<'f>,
        measure: &'f MeasureId,
        line: bool,
    ) -> Result<BTreeMap<Period, Option<Exact>>, Problem> {
        let book = self.calculation.book();
        let Some(selector) = self.selector(measure) else { return Ok(BTreeMap::new()) };
        let credits = match line {
            true => self.standing(at, measure, &|component| component.line(), true),
            // Whatever a version reads: the measure itself is what is asked for.
            false => self.standing(at, measure, &|_| Some(measure), false),
        };
        let clawback = at.component.clawback.as_ref().filter(|_| line);
        let standing = Standing { credits, selector, currency: at.currency() };
        let mut sums: BTreeMap<Period, Exact> = BTreeMap::new();
        for credit in standing.credits.iter() {
            if line && at.component.line_kept && book.is_reversal(credit.entry) {
                continue;
            }
            let sum = sums.entry(book.entry(credit.entry).period).or_default();
            *sum = sum.add(&standing.value(book, clawback, credit)?);
        }
        let mut sum = Exact::ZERO;
        let moved = sums.into_iter().map(|(period, moved)| {
            sum = sum.add(&moved);
            (period, Some(sum.clone()))
        });
        Ok(moved.collect())
    }
}
