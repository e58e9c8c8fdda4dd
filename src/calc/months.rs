//! A measure month by month: what a payee's attainment of the fiscal year is the sum of (semantics 6, 7).

use crate::domain::date::{Day, Period, Window, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::id::MeasureId;
use crate::domain::measure::Unit;
use crate::domain::money::Currency;

use super::problem::Problem;
use super::quota::Quotas;
use super::{Calculation, outside};

/// A measure in the months of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Months {
    /// What all figures are in.
    pub unit: Unit,
    /// The currency of all figures, if they are money: what the payee is paid in on the day asked for.
    pub currency: Currency,
    /// Every month of the window.
    pub months: Vec<Month>,
}

/// A month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// Which.
    pub period: Period,
    /// What is dated in it up to and including the day asked for: credits, each entry on its own date, or the combined
    /// values of an outside measure; minor units or millionths. `None` of a month that begins later, and of an outside
    /// measure without a value in it.
    pub credited: Option<Exact>,
    /// Effective quota of the month; `None` if none is set for it or its year.
    pub quota: Option<i128>,
}

/// The months of a window, for a payee by index, up to a day that the calculation reaches; `None` if the measure is not
/// defined. Those of a measure of credits sum to its attainment in the window.
pub fn months(
    calculation: &Calculation,
    payee: u32,
    measure: &MeasureId,
    window: Window,
    on: Day,
) -> Result<Option<Months>, Problem> {
    let Calculation { facts, book, .. } = calculation;
    let Some(defined) = facts.measures.get(measure) else { return Ok(None) };
    let currency = facts.paid_in(payee, on);
    let quotas = Quotas::of(facts, payee, measure, currency);
    let selector = calculation.selector(measure);
    let mut months = Vec::new();
    for period in window.periods() {
        let whole = facts.calendar.window(WindowKind::Month, period);
        let quota = quotas.effective(whole).map_err(|fault| fault.problem(facts.payee_id(payee), measure))?;
        let credited = match &selector {
            _ if on < period.start() => None,
            Some(_) => Some(Exact::ZERO),
            None => outside::combined(facts, payee, measure, period.start(), period.end().min(on.next())),
        };
        months.push(Month { period, credited, quota });
    }
    for credit in selector.iter().flat_map(|selector| selector.credits(facts, book, payee)) {
        let day = book.entry(credit.entry).day;
        let place = usize::try_from(day.period().months_since(window.first())).ok();
        let Some(month) = place.and_then(|place| months.get_mut(place)).filter(|_| day <= on) else {
            continue;
        };
        if let (Some(sum), Some(selector)) = (&mut month.credited, &selector) {
            *sum = sum.add(&selector.value(book, &credit, currency)?);
        }
    }
    Ok(Some(Months { unit: defined.unit(), currency, months }))
}
