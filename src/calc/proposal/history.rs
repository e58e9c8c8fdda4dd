//! What payees have done before: credits, or values of an outside measure, of the months of a span.

use rayon::prelude::*;

use crate::calc::attainment::dated;
use crate::calc::credit::Selector;
use crate::calc::problem::Problem;
use crate::calc::{Calculation, outside};
use crate::domain::date::Period;
use crate::domain::exact::{Exact, settle};
use crate::domain::fault::{Fault, Violations};
use crate::domain::number::{Percent, WHOLE};
use crate::domain::proposal::Terms;
use crate::domain::quota::MONTHS;

use super::{Refusal, Standing};

/// What somebody without reports has done in each month of the span, in its order; nothing of whom others report to.
#[derive(Debug, Clone, Default)]
pub(super) struct Done(Vec<Exact>);

impl Done {
    /// In the whole span.
    pub(super) fn total(&self) -> Exact {
        self.0.iter().fold(Exact::ZERO, |sum, month| sum.add(month))
    }
}

/// What everybody without reports has done.
pub(super) fn done(
    calculation: &Calculation,
    terms: &Terms,
    line: &[Standing],
) -> Result<Vec<Done>, Refusal> {
    let selector = calculation.selector(&terms.history.measure);
    let one = |standing: &Standing| match standing.team {
        true => Ok(Done::default()),
        false => months(calculation, terms, selector.as_ref(), standing.payee),
    };
    line.par_iter().map(one).collect::<Result<_, Problem>>().map_err(Refusal::Open)
}

fn months(
    calculation: &Calculation,
    terms: &Terms,
    selector: Option<&Selector>,
    payee: u32,
) -> Result<Done, Problem> {
    let facts = calculation.facts;
    let span = &terms.history;
    let periods = (0..span.months()).map(|month| span.first.plus(month));
    let Some(selector) = selector else {
        let value = |period: Period| {
            outside::combined(facts, payee, &span.measure, period.start(), period.end())
                .unwrap_or(Exact::ZERO)
        };
        return Ok(Done(periods.map(value).collect()));
    };
    let currency = terms.currency.unwrap_or(facts.calendar.currency);
    let mut months = vec![Exact::ZERO; periods.count()];
    for (day, value) in dated(calculation, payee, selector, currency, span.first.start()..span.last.end())? {
        let place = usize::try_from(day.period().months_since(span.first)).ok();
        if let Some(month) = place.and_then(|place| months.get_mut(place)) {
            *month = month.add(&value);
        }
    }
    Ok(Done(months))
}

/// What each month of the year had of all that was done, in percent that sum to exactly 100; the span has whole years.
pub(super) fn seasonality(
    calculation: &Calculation,
    terms: &Terms,
    done: &[Done],
) -> Result<[Percent; MONTHS], Fault> {
    let span = &terms.history;
    let mut sums = [const { Exact::ZERO }; MONTHS];
    for (month, period) in (0..span.months()).map(|month| span.first.plus(month)).enumerate() {
        let Some(sum) = sums.get_mut(calculation.facts.calendar.month_of_year(period)) else { continue };
        *sum = done.iter().filter_map(|done| done.0.get(month)).fold(sum.clone(), |sum, done| sum.add(done));
    }
    let all = sums.iter().fold(Exact::ZERO, |sum, month| sum.add(month));
    let parts = sums.iter().map(|sum| sum.mul(&Exact::whole(WHOLE.into())).div(&all));
    let parts: Option<Vec<Exact>> = parts.collect();
    let usable = parts.filter(|_| all > Exact::ZERO && sums.iter().all(|sum| *sum >= Exact::ZERO));
    let settled = usable.map(|parts| settle(WHOLE.into(), &parts));
    let weights = settled.and_then(|settled| {
        let weights: Option<Vec<Percent>> =
            settled.into_iter().map(|weight| i64::try_from(weight).ok().map(Percent)).collect();
        weights?.try_into().ok()
    });
    weights.ok_or_else(|| {
        let mut violations = Violations::default();
        let message = format!(
            "has no seasonality: in {} to {} nothing was done, or some month came to less than nothing",
            span.first, span.last
        );
        violations.add("proposal.history", message);
        Fault::unfit(violations)
    })
}

/// The line that fits the months best by least squares, summed over the months of the window. With `n` months
/// `t = 0 … n-1` that came to `y`, the slope is `(n sum(ty) - sum(t) sum(y)) / (n sum(t²) - sum(t)²)`, and the line goes
/// through the mean of both.
pub(super) fn trend(terms: &Terms, done: &Done) -> Exact {
    let whole = |number: usize| Exact::whole(i128::try_from(number).unwrap_or(i128::MAX));
    let count = whole(done.0.len());
    let (mut t, mut tt, mut y, mut ty) = (Exact::ZERO, Exact::ZERO, Exact::ZERO, Exact::ZERO);
    for (place, month) in done.0.iter().enumerate() {
        let place = whole(place);
        (t, tt) = (t.add(&place), tt.add(&place.mul(&place)));
        (y, ty) = (y.add(month), ty.add(&place.mul(month)));
    }
    let spread = count.mul(&tt).sub(&t.mul(&t));
    let slope = count.mul(&ty).sub(&t.mul(&y)).div(&spread).unwrap_or(Exact::ZERO);
    let months = terms.window.periods().map(|period| period.months_since(terms.history.first));
    let ahead = months.clone().fold(Exact::ZERO, |sum, month| sum.add(&Exact::whole(month.into())));
    let many = whole(months.count());
    let mean = |sum: &Exact| sum.div(&count).unwrap_or(Exact::ZERO);
    // Each month of the window is the mean, and the slope for its distance from the mean month.
    many.mul(&mean(&y)).add(&slope.mul(&ahead.sub(&many.mul(&mean(&t)))))
}
