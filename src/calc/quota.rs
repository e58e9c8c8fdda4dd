//! Effective quotas (semantics 7): a window's own, else its part of the year's; prorated by days for a
//! segment. Parts are rounded cumulatively, half away from zero, so that they sum to their whole.

use crate::domain::date::{Day, Window, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::id::MeasureId;
use crate::domain::money::Rounding;

/// A quota and how it came about. Amounts in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveQuota {
    /// What counts.
    pub amount: i128,
    /// The whole window's.
    pub window_amount: i128,
    /// The year's, if the window has none of its own.
    pub year_amount: Option<i128>,
    /// Days of the segment.
    pub days: i64,
    /// Days of the window.
    pub window_days: i64,
}

/// The part of `whole` between two places of `of`, by cumulative rounding.
fn part(whole: i128, from: i64, to: i64, of: i64) -> Option<i128> {
    let upto = |place: i64| {
        let product = Exact::whole(whole).mul(&Exact::whole(i128::from(place)));
        product.div(&Exact::whole(i128::from(of)))?.round(Rounding::HalfAwayFromZero).ok()
    };
    upto(to)?.checked_sub(upto(from)?)
}

/// The quota of a payee for the days `[from, to)` of a window; `None` if nobody set one for it or its year.
pub fn effective(
    facts: &Facts,
    payee: u32,
    measure: &MeasureId,
    window: Window,
    (from, to): (Day, Day),
) -> Option<EffectiveQuota> {
    let quotas = facts.quotas.get(&(payee, measure.clone()))?;
    let own = quotas.get(&window).map(|amount| i128::from(*amount));
    let year = facts.calendar.window(WindowKind::Year, window.first());
    let year_amount = quotas.get(&year).map(|amount| i128::from(*amount));
    let (window_amount, year_amount) = match (own, year_amount) {
        (Some(own), _) => (own, None),
        (None, Some(amount)) => {
            let start = i64::from(window.first().months_since(year.first()));
            let end = start + i64::from(window.kind().months());
            (part(amount, start, end, 12)?, Some(amount))
        }
        (None, None) => return None,
    };
    let window_days = window.days();
    let (start, end) = (from.days_since(window.start()), to.days_since(window.start()));
    let amount = part(window_amount, start, end, window_days)?;
    Some(EffectiveQuota { amount, window_amount, year_amount, days: end - start, window_days })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_year_falls_into_months_that_sum_to_it() {
        let months: Vec<_> = (0..12).map(|month| part(100_000, month, month + 1, 12).unwrap()).collect();
        assert_eq!(months, [8333, 8334, 8333, 8333, 8334, 8333, 8333, 8334, 8333, 8333, 8334, 8333]);
        assert_eq!(months.iter().sum::<i128>(), 100_000);
    }

    proptest! {
        #[test]
        fn parts_by_days_sum_to_the_window(whole in 0_i128..1_000_000_000_000, cut in 0_i64..=92) {
            prop_assert_eq!(part(whole, 0, cut, 92).unwrap() + part(whole, cut, 92, 92).unwrap(), whole);
        }
    }
}
