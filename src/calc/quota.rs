//! Effective quotas (semantics 7): `goal x seasonality x ramp x proration - relief`, never below zero. Parts are
//! rounded cumulatively, half away from zero, so that they sum to their whole: first the windows of the year,
//! then the segments' parts of that figure. Money stated in another currency than it is asked for in counts converted, at
//! the rates of the first day of its window.

use crate::domain::date::{Calendar, Day, Period, Window, WindowKind};
use crate::domain::exact::{Exact, TooLarge};
use crate::domain::exchange::Unconverted;
use crate::domain::facts::Facts;
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::measure::Amount;
use crate::domain::money::{Currency, Rounding};
use crate::domain::number::{Percent, Quantity};
use crate::domain::quota::{Goal, MONTHS, Proration, Quota, Ramp};

use super::gauge::part;
use super::problem::Problem;
use super::segment::{self, Span};

/// A segment's quota and how it came about. Amounts in minor units or millionths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveQuota {
    /// What counts.
    pub amount: i128,
    /// The whole window's, before ramp, proration and relief.
    pub window_amount: i128,
    /// The year's, if the window has none of its own.
    pub year_amount: Option<i128>,
    /// The measure whose effective quotas of direct reports were summed, if that is the goal.
    pub reports: Option<MeasureId>,
    /// The part that the ramp leaves.
    pub ramp: Exact,
    /// The part of the window that the segment is.
    pub proration: Exact,
    /// How that part was found.
    pub by: Proration,
    /// Days of the segment.
    pub days: i64,
    /// Days of the window.
    pub window_days: i64,
    /// Approved reductions in the segment.
    pub relief: i128,
}

/// Why an effective quota cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaFault {
    /// A figure is beyond what can be held.
    TooLarge,
    /// No rate of a currency on or before a day.
    NoRate(Currency, Day),
}

impl From<TooLarge> for QuotaFault {
    fn from(_: TooLarge) -> Self {
        QuotaFault::TooLarge
    }
}

impl QuotaFault {
    /// The question that this leaves open about a payee's quota.
    pub fn problem(self, payee: &PayeeId, measure: &MeasureId) -> Problem {
        let payee = payee.clone();
        match self {
            QuotaFault::TooLarge => Problem::TooLarge { payee },
            QuotaFault::NoRate(currency, day) => {
                Problem::QuotaRateMissing { payee, measure: measure.clone(), currency, day }
            }
        }
    }
}

/// A payee's goal for a window before it is made effective.
pub(super) struct Basis<'f> {
    /// The window's own quota, else the year's.
    pub(super) quota: &'f Quota,
    pub(super) window_amount: i128,
    pub(super) year_amount: Option<i128>,
    pub(super) weights: Option<&'f [Percent; MONTHS]>,
}

/// A payee's quotas of one measure.
pub struct Quotas<'f> {
    facts: &'f Facts,
    payee: u32,
    measure: &'f MeasureId,
    /// The currency that money is told in.
    currency: Currency,
    /// What figures are rounded to, in minor units or millionths.
    step: i128,
}

impl<'f> Quotas<'f> {
    /// Looks at a payee's quotas of a measure, told in a currency.
    pub fn of(facts: &'f Facts, payee: u32, measure: &'f MeasureId, currency: Currency) -> Self {
        let step = step_of(facts.measures.get(measure).and_then(|measure| measure.step));
        Quotas { facts, payee, measure, currency, step }
    }

    fn set_for(&self, window: Window) -> Option<&'f Quota> {
        self.facts.quotas.get(&(self.payee, self.measure.clone()))?.get(&window)
    }

    pub(super) fn year(&self, window: Window) -> Window {
        self.facts.calendar.window(WindowKind::Year, window.first())
    }

    /// The seasonality of a window's months: its own quota's, else the year's; absent: a twelfth of the year each.
    pub fn seasonality(&self, window: Window) -> Option<&'f [Percent; MONTHS]> {
        let of = |window| self.set_for(window).and_then(|quota| quota.seasonality.as_ref());
        of(window).or_else(|| of(self.year(window)))
    }

    fn rounded(&self, figure: &Exact) -> Result<i128, TooLarge> {
        rounded(figure, self.step)
    }

    /// The window's own goal, else its part of the year's; `None` if nobody set either.
    pub(super) fn basis(&self, window: Window) -> Result<Option<Basis<'f>>, QuotaFault> {
        let year = self.year(window);
        let of_year = self.set_for(year);
        let weights = self.seasonality(window);
        if let Some(quota) = self.set_for(window) {
            let Some(window_amount) = self.goal(quota, window)? else { return Ok(None) };
            return Ok(Some(Basis { quota, window_amount, year_amount: None, weights }));
        }
        let Some(quota) = of_year else { return Ok(None) };
        let Some(amount) = self.goal(quota, year)? else { return Ok(None) };
        let upto = |end: Period| {
            let months = year.periods().take_while(|period| *period < end);
            let part = months
                .fold(Exact::ZERO, |sum, period| sum.add(&weight(&self.facts.calendar, weights, period)));
            self.rounded(&part.mul(&Exact::whole(amount)))
        };
        let window_amount = upto(window.last().plus(1))? - upto(window.first())?;
        Ok(Some(Basis { quota, window_amount, year_amount: Some(amount), weights }))
    }

    /// A figure of a quota in minor units of the currency asked for, or millionths.
    pub(super) fn told(&self, quota: &Quota, figure: Amount) -> Result<i128, QuotaFault> {
        let Amount::Money(minor) = figure else { return Ok(i128::from(figure.units())) };
        let day = quota.key.window.start();
        let told = self.facts.exchange.convert(minor, quota.currency, self.currency, day);
        told.map(i128::from).map_err(|fault| match fault {
            Unconverted::NoRate(currency) => QuotaFault::NoRate(currency, day),
            Unconverted::TooLarge => QuotaFault::TooLarge,
        })
    }

    fn goal(&self, quota: &Quota, window: Window) -> Result<Option<i128>, QuotaFault> {
        match &quota.goal {
            Goal::Amount(amount) => self.told(quota, *amount).map(Some),
            Goal::SumOfReports(measure) => {
                let mut sum: Option<i128> = None;
                for report in self.reports(window) {
                    // Lines have no circle on any day, so this ends at those without reports.
                    let (facts, measure) = (self.facts, self.measure_of(measure));
                    let part = Quotas::of(facts, report, measure, self.currency).effective(window)?;
                    let Some(part) = part else { continue };
                    sum = Some(sum.map_or(part, |sum| sum + part));
                }
                Ok(sum)
            }
        }
    }

    /// Who reports to the payee directly on the last day of a window, by id.
    pub(super) fn reports(&self, window: Window) -> impl Iterator<Item = u32> + use<'f> {
        let (facts, payee, last) = (self.facts, self.payee, window.last().last_day());
        let direct = move |report: &u32| facts.above(*report, last).first() == Some(&payee);
        facts.reports(payee).iter().copied().filter(direct)
    }

    /// The measure as the facts hold it, so that it lives as long as they do.
    pub(super) fn measure_of(&self, measure: &MeasureId) -> &'f MeasureId {
        self.facts.measures.get_key_value(measure).map_or(self.measure, |(known, _)| known)
    }

    /// The effective quota of a window as a whole, the sum of its parts; of one that is not prorated, of which every part
    /// has all, what it is under unchanged terms. `None` if nobody set one for it or its year.
    pub fn effective(&self, window: Window) -> Result<Option<i128>, QuotaFault> {
        let mut spans = segment::spans(self.facts, self.payee);
        spans.retain(|span| span.within(window).is_some());
        if self.is_whole(window) {
            let end = spans.last().and_then(|span| span.to);
            spans.truncate(1);
            spans.iter_mut().for_each(|span| span.to = end);
        }
        let parts = self.parts_of(window, &spans)?;
        Ok(parts.map(|parts| parts.iter().map(|part| part.amount).sum()))
    }

    /// Whether the quota of a window is not prorated.
    pub(super) fn is_whole(&self, window: Window) -> bool {
        let set = self.set_for(window).or_else(|| self.set_for(self.year(window)));
        set.is_some_and(|quota| quota.proration == Proration::None)
    }

    /// The effective quota of each of the payee's spans in a window, in order; `None` if nobody set one for it or
    /// its year.
    pub fn parts_of(
        &self,
        window: Window,
        spans: &[Span],
    ) -> Result<Option<Vec<EffectiveQuota>>, QuotaFault> {
        let Some(basis) = self.basis(window)? else { return Ok(None) };
        let whole = Exact::whole(basis.window_amount);
        let (mut upto, mut given) = (Exact::ZERO, 0);
        let mut parts = Vec::new();
        for days in spans.iter().filter_map(|span| span.within(window)) {
            let ramp = match &basis.quota.ramp {
                Some(ramp) => self.ramp(ramp, basis.weights, window, days),
                None => Exact::whole(1),
            };
            let weight = |period| weight(&self.facts.calendar, basis.weights, period);
            let proration = proration(basis.quota.proration, weight, window, days);
            upto = upto.add(&whole.mul(&ramp).mul(&proration));
            let rounded = self.rounded(&upto)?;
            let reliefs = basis.quota.reliefs.iter();
            let reliefs = reliefs.filter(|relief| days.0 <= relief.day && relief.day < days.1);
            let relief = reliefs.map(|relief| self.told(basis.quota, relief.amount));
            let relief: i128 = relief.sum::<Result<_, _>>()?;
            parts.push(EffectiveQuota {
                amount: (rounded - given - relief).max(0),
                window_amount: basis.window_amount,
                year_amount: basis.year_amount,
                reports: match &basis.quota.goal {
                    Goal::SumOfReports(measure) => Some(measure.clone()),
                    Goal::Amount(Amount::Money(_) | Amount::Number(_)) => None,
                },
                ramp,
                proration,
                by: basis.quota.proration,
                days: days.1.days_since(days.0),
                window_days: window.days(),
                relief,
            });
            given = rounded;
        }
        Ok(Some(parts))
    }

    /// The mean of the ramp over the window's months in which the segment has a day, weighted by seasonality.
    pub(super) fn ramp(
        &self,
        ramp: &Ramp,
        weights: Option<&[Percent; MONTHS]>,
        window: Window,
        days: (Day, Day),
    ) -> Exact {
        let months: Vec<Period> = months_of(window, days).collect();
        let percent = |month: Period| ramp_percent(ramp, month);
        let mean = |weight: &dyn Fn(Period) -> Exact| {
            let sum = |of: &dyn Fn(Period) -> Exact| {
                months.iter().fold(Exact::ZERO, |sum, month| sum.add(&of(*month)))
            };
            sum(&|month| weight(month).mul(&percent(month))).div(&sum(weight))
        };
        let weighted = mean(&|month| weight(&self.facts.calendar, weights, month));
        // Months that weigh nothing weigh the same.
        weighted.or_else(|| mean(&|_| Exact::whole(1))).unwrap_or(Exact::whole(1))
    }

    /// The goal for a year, before ramp, proration and relief: a window's own times 12 months over its months,
    /// else the year's.
    pub fn yearly(&self, window: Window) -> Result<Option<Exact>, QuotaFault> {
        let Some(basis) = self.basis(window)? else { return Ok(None) };
        Ok(Some(match basis.year_amount {
            Some(year) => Exact::whole(year),
            None => {
                let months = i128::from(window.kind().months());
                Exact::ratio(12, months).unwrap_or(Exact::ZERO).mul(&Exact::whole(basis.window_amount))
            }
        }))
    }
}

/// The months of a window in which some days `[from, to)` lie.
pub(super) fn months_of(window: Window, days: (Day, Day)) -> impl Iterator<Item = Period> {
    window.periods().filter(move |month| month.start() < days.1 && days.0 < month.end())
}

/// What quotas of a measure with this step are rounded to, in minor units or millionths.
pub fn step_of(step: Option<Quantity>) -> i128 {
    step.map_or(1, |Quantity(millionths)| i128::from(millionths).max(1))
}

/// A whole number of steps, half away from zero.
pub(super) fn rounded(figure: &Exact, step: i128) -> Result<i128, TooLarge> {
    let steps = figure.div(&Exact::whole(step)).unwrap_or(Exact::ZERO);
    steps.round(Rounding::HalfAwayFromZero)?.checked_mul(step).ok_or(TooLarge::BEYOND)
}

/// The part of the goal that a ramp leaves of a month: before it begins the whole.
pub(super) fn ramp_percent(ramp: &Ramp, month: Period) -> Exact {
    let service = usize::try_from(month.months_since(ramp.start)).ok();
    let percent = service.and_then(|month| ramp.percents.get(month).or(ramp.percents.last()));
    percent.map_or(Exact::whole(1), |percent| part(*percent))
}

/// A month's part of the year: a twelfth, unless weights are given.
pub fn weight(calendar: &Calendar, weights: Option<&[Percent; MONTHS]>, period: Period) -> Exact {
    match weights.and_then(|weights| weights.get(calendar.month_of_year(period))) {
        Some(weight) => part(*weight),
        None => Exact::ratio(1, 12).unwrap_or(Exact::ZERO),
    }
}

/// The part of a window that the days `[from, to)` are (semantics 7). `weight` is a month's part of the year.
pub fn proration(
    by: Proration,
    weight: impl Fn(Period) -> Exact,
    window: Window,
    (from, to): (Day, Day),
) -> Exact {
    let ratio =
        |part: i64, whole: i64| Exact::ratio(i128::from(part), i128::from(whole)).unwrap_or(Exact::ZERO);
    match by {
        Proration::None => Exact::whole(1),
        Proration::Days => ratio(to.days_since(from), window.days()),
        Proration::Months => {
            let held = window.periods().filter(|month| from <= month.start() && month.start() < to).count();
            ratio(i64::try_from(held).unwrap_or(i64::MAX), i64::from(window.kind().months()))
        }
        Proration::Seasonal => {
            let active = |month: Period| {
                let (start, end) = (month.start().max(from), month.end().min(to));
                ratio(end.days_since(start).max(0), month.end().days_since(month.start()))
            };
            let sum = |of: &dyn Fn(Period) -> Exact| {
                window.periods().fold(Exact::ZERO, |sum, month| sum.add(&of(month)))
            };
            let held = sum(&|month| weight(month).mul(&active(month)));
            held.div(&sum(&weight)).unwrap_or(Exact::ZERO)
        }
    }
}
