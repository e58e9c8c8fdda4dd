//! Semantics 7: goals, and what is left of them for each span of a window.

use attain::domain::date::{Period, Window, WindowKind};
use attain::domain::id::{MeasureId, PayeeId};
use attain::domain::measure::{Amount, Measure, Unit};
use attain::domain::money::Currency;
use attain::domain::number::Percent;
use attain::domain::quota::{Goal, Proration, Quota, QuotaKey, Ramp};
use num_traits::Zero;

use crate::company::Company;
use crate::credits::Span;
use crate::fractions::{Q, away, percent, ratio, sum, whole};

/// There is no rate for the money of a quota.
#[derive(Debug)]
pub struct NoRate;

/// A quota before ramp, proration and relief.
pub struct Stated<'c> {
    pub quota: &'c Quota,
    /// Whether it is the window's own rather than the year's.
    pub own: bool,
    /// Of the quota's own window.
    pub goal: Q,
}

impl Company {
    fn quota(&self, payee: &PayeeId, measure: &MeasureId, window: Window) -> Option<&Quota> {
        let key = QuotaKey { payee: payee.clone(), measure: measure.clone(), window };
        self.quotas.iter().find(|quota| quota.key == key)
    }

    /// A figure of a quota in the currency asked for, at the rates of its window's first day.
    fn told(&self, quota: &Quota, figure: Amount, currency: Currency) -> Result<Q, NoRate> {
        let Amount::Money(minor) = figure else { return Ok(whole(figure.units())) };
        let day = quota.key.window.start();
        self.converted(minor, quota.currency, currency, day).map(whole).ok_or(NoRate)
    }

    /// The window's own quota, else the year's, in a currency.
    pub fn stated(
        &self,
        payee: &PayeeId,
        measure: &MeasureId,
        window: Window,
        currency: Currency,
    ) -> Result<Option<Stated<'_>>, NoRate> {
        let year = self.calendar.window(WindowKind::Year, window.first());
        let own = self.quota(payee, measure, window);
        let Some(quota) = own.or_else(|| self.quota(payee, measure, year)) else { return Ok(None) };
        let goal = match &quota.goal {
            Goal::Amount(amount) => Some(self.told(quota, *amount, currency)?),
            Goal::SumOfReports(of) => self.sum_of_reports(payee, of, quota.key.window, currency)?,
        };
        Ok(goal.map(|goal| Stated { quota, own: own.is_some(), goal }))
    }

    fn sum_of_reports(
        &self,
        manager: &PayeeId,
        measure: &MeasureId,
        window: Window,
        currency: Currency,
    ) -> Result<Option<Q>, NoRate> {
        let last = window.last().last_day();
        let reports = self.payees.iter().filter(|payee| self.manager(&payee.id, last) == Some(manager));
        let mut quotas = Vec::new();
        for report in reports {
            quotas.extend(self.in_window(&report.id, measure, window, currency)?.map(whole));
        }
        Ok((!quotas.is_empty()).then(|| sum(&quotas)))
    }

    /// The effective quota of a window: what its spans have together. One that is not prorated is had once, from the first
    /// to the last day.
    pub fn in_window(
        &self,
        payee: &PayeeId,
        measure: &MeasureId,
        window: Window,
        currency: Currency,
    ) -> Result<Option<i128>, NoRate> {
        let Some(stated) = self.stated(payee, measure, window, currency)? else { return Ok(None) };
        let mut spans = self.spans(payee, window);
        if stated.quota.proration == Proration::None
            && let (Some(first), Some(last)) = (spans.first(), spans.last())
        {
            spans = vec![Span { from: first.from, to: last.to }];
        }
        let parts = self.over(&stated, measure, window, &spans, currency)?;
        Ok(Some(parts.iter().map(|(_, part)| part).sum()))
    }

    /// The effective quota of each span of a window, in a currency; none where there is no quota.
    pub fn effective(
        &self,
        payee: &PayeeId,
        measure: &MeasureId,
        window: Window,
        currency: Currency,
    ) -> Result<Option<Vec<(Span, i128)>>, NoRate> {
        let Some(stated) = self.stated(payee, measure, window, currency)? else { return Ok(None) };
        self.over(&stated, measure, window, &self.spans(payee, window), currency).map(Some)
    }

    fn over(
        &self,
        stated: &Stated<'_>,
        measure: &MeasureId,
        window: Window,
        spans: &[Span],
        currency: Currency,
    ) -> Result<Vec<(Span, i128)>, NoRate> {
        let step = step(self.measure(measure));
        let weights = self.weights(stated);
        let goal = match stated.own {
            true => stated.goal.clone(),
            false => whole(self.window_of_year(stated, window, step)),
        };
        let (mut exact, mut parts) = (Q::zero(), Vec::new());
        for span in spans.iter().copied() {
            let before = stepped(&exact, step);
            exact += &goal
                * self.ramp(stated, window, span, &weights)
                * self.proration(stated.quota.proration, window, span, &weights);
            let mut left = stepped(&exact, step) - before;
            for relief in stated.quota.reliefs.iter().filter(|relief| span.holds(relief.day)) {
                left -= away(&self.told(stated.quota, relief.amount, currency)?);
            }
            parts.push((span, left.max(0)));
        }
        Ok(parts)
    }

    /// What a year's quota is for one of its windows: rounded along the year.
    fn window_of_year(&self, stated: &Stated<'_>, window: Window, step: i64) -> i128 {
        let weights = self.weights(stated);
        let upto = |end: Period| {
            let months = stated.quota.key.window.periods().filter(|period| *period < end);
            let weight = months.map(|period| weights[self.calendar.month_of_year(period)].clone());
            stepped(&(&stated.goal * sum(&weight.collect::<Vec<_>>())), step)
        };
        upto(window.last().plus(1)) - upto(window.first())
    }

    /// The weight of each month of the year.
    fn weights(&self, stated: &Stated<'_>) -> Vec<Q> {
        let key = &stated.quota.key;
        let year = self.calendar.window(WindowKind::Year, key.window.first());
        let of_year = || self.quota(&key.payee, &key.measure, year).and_then(|quota| quota.seasonality);
        match stated.quota.seasonality.or_else(of_year) {
            Some(weights) => weights.iter().map(|Percent(weight)| percent(*weight)).collect(),
            None => vec![ratio(1, 12); 12],
        }
    }

    /// The mean of the ramp over the months of the window in which the span has a day.
    fn ramp(&self, stated: &Stated<'_>, window: Window, span: Span, weights: &[Q]) -> Q {
        let Some(ramp) = &stated.quota.ramp else { return whole(1) };
        let months: Vec<Period> = window.periods().filter(|period| span.days_in(*period) > 0).collect();
        let weight = |period: &Period| weights[self.calendar.month_of_year(*period)].clone();
        let all = sum(&months.iter().map(weight).collect::<Vec<_>>());
        if all.is_zero() {
            let values: Vec<Q> = months.iter().map(|period| ramp_in(ramp, *period)).collect();
            return sum(&values) / whole(months.len());
        }
        let values: Vec<Q> = months.iter().map(|period| ramp_in(ramp, *period) * weight(period)).collect();
        sum(&values) / all
    }

    /// What part of a window a span is.
    pub fn proration(&self, proration: Proration, window: Window, span: Span, weights: &[Q]) -> Q {
        match proration {
            Proration::None => whole(1),
            Proration::Days => ratio(span.to.days_since(span.from), window.days()),
            Proration::Months => {
                let held = window.periods().filter(|period| span.holds(period.start())).count();
                ratio(held, window.periods().count())
            }
            Proration::Seasonal => {
                let weight = |period: Period| weights[self.calendar.month_of_year(period)].clone();
                let all = sum(&window.periods().map(weight).collect::<Vec<_>>());
                if all.is_zero() {
                    return Q::zero();
                }
                let active = |period: Period| {
                    weight(period) * ratio(span.days_in(period), period.end().days_since(period.start()))
                };
                sum(&window.periods().map(active).collect::<Vec<_>>()) / all
            }
        }
    }
}

fn ramp_in(ramp: &Ramp, period: Period) -> Q {
    let month = period.months_since(ramp.start);
    if month < 0 {
        return whole(1);
    }
    let place = usize::try_from(month).unwrap().min(ramp.percents.len() - 1);
    percent(ramp.percents[place].0)
}

/// What effective quotas are whole multiples of.
fn step(measure: &Measure) -> i64 {
    match measure.unit() {
        Unit::Money => 1,
        Unit::Number => measure.step.map_or(1, |step| step.0),
    }
}

fn stepped(value: &Q, step: i64) -> i128 {
    away(&(value / whole(step))) * i128::from(step)
}
