//! What leave takes off a quota (semantics 7, relief): of each month its part of the goal, after the ramp, times the days
//! of leave over the days of the month. A month's part of the goal is its weight in the year over the weights of the
//! quota's window; months that all weigh nothing weigh the same.
//!
//! With `G(d)` what of the goal lies before a day, the days `[a, b)` of a month take off `round(G(b)) - round(G(a))`:
//! rounded cumulatively, as the parts of a quota are, so that leave for a whole window leaves nothing of it and leave
//! told in two pieces takes off what it does in one. Each month's relief counts on its first day of leave, in whatever
//! window is read.

use crate::domain::date::{Calendar, Day, Period};
use crate::domain::exact::{Exact, TooLarge};
use crate::domain::measure::Amount;
use crate::domain::number::{Percent, Quantity};
use crate::domain::quota::{MONTHS, Quota, Relief};

use super::quota::{ramp_percent, rounded, weight};

/// What the seasonality and the step of a quota's figures are.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The tenant's.
    pub calendar: &'a Calendar,
    /// The quota's own seasonality, else its year's.
    pub weights: Option<&'a [Percent; MONTHS]>,
    /// What figures are rounded to, in minor units or millionths.
    pub step: i128,
}

/// The reliefs for the days `[from, to)` of leave, in the window of a quota with a stated goal. What is too small to
/// round up to anything is none.
pub fn reliefs(
    quota: &Quota,
    goal: Amount,
    terms: Terms,
    (from, to): (Day, Day),
) -> Result<Vec<Relief>, TooLarge> {
    let mut reliefs = Vec::new();
    for month in quota.key.window.periods() {
        let (start, end) = (month.start().max(from), month.end().min(to));
        if start >= end {
            continue;
        }
        let upto = |day| rounded(&before(quota, goal, terms, day), terms.step);
        let off = upto(end)? - upto(start)?;
        let off = i64::try_from(off).map_err(|_| TooLarge::BEYOND)?;
        let amount = match goal {
            Amount::Money(_) => Amount::Money(off),
            Amount::Number(_) => Amount::Number(Quantity(off)),
        };
        if off > 0 {
            reliefs.push(Relief { day: start, amount });
        }
    }
    Ok(reliefs)
}

/// What of a goal, after the ramp, lies before a day of its window: exact, in minor units or millionths.
fn before(quota: &Quota, goal: Amount, terms: Terms, day: Day) -> Exact {
    let part = |weight: &dyn Fn(Period) -> Exact| {
        let (mut part, mut whole) = (Exact::ZERO, Exact::ZERO);
        for month in quota.key.window.periods() {
            let (days, of) =
                (day.min(month.end()).days_since(month.start()), month.end().days_since(month.start()));
            let passed = Exact::ratio(i128::from(days.max(0)), i128::from(of)).unwrap_or(Exact::ZERO);
            let ramp = quota.ramp.as_ref().map_or(Exact::whole(1), |ramp| ramp_percent(ramp, month));
            part = part.add(&weight(month).mul(&ramp).mul(&passed));
            whole = whole.add(&weight(month));
        }
        part.div(&whole)
    };
    let weighted = part(&|month| weight(terms.calendar, terms.weights, month));
    let part = weighted.or_else(|| part(&|_| Exact::whole(1))).unwrap_or(Exact::ZERO);
    Exact::whole(i128::from(goal.units())).mul(&part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Currency, Rounding};
    use crate::domain::quota::{QuotaKey, Ramp};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn calendar() -> Calendar {
        Calendar {
            currency: Currency::parse("USD").unwrap(),
            zone: chrono_tz::UTC,
            fiscal_first_month: 1,
            rounding: Rounding::HalfEven,
            first_period: Period::parse("2024-01").unwrap(),
        }
    }

    fn quota(window: &str, amount: Amount) -> Quota {
        let window = calendar().parse_window(window).unwrap();
        let key = QuotaKey { payee: "ann".parse().unwrap(), measure: "own".parse().unwrap(), window };
        Quota::stated(key, calendar().currency, amount)
    }

    /// Each relief as day and units.
    fn off(quota: &Quota, weights: Option<&[Percent; MONTHS]>, step: i128, from: &str, to: &str) -> String {
        let crate::domain::quota::Goal::Amount(goal) = quota.goal else { panic!("a sum of reports") };
        let calendar = calendar();
        let terms = Terms { calendar: &calendar, weights, step };
        let reliefs = reliefs(quota, goal, terms, (day(from), day(to))).unwrap();
        let each = reliefs.iter().map(|relief| format!("{} {}", relief.day, relief.amount.units()));
        each.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn each_month_of_leave_takes_off_its_days_of_the_months_part() {
        let year = quota("FY2026", Amount::Money(120_000_000));
        for (from, to, expected) in [
            ("2026-04-01", "2026-05-01", "2026-04-01 10000000"),
            // 17 of 31 days, a month, 10 of 30 days.
            ("2026-03-15", "2026-05-01", "2026-03-15 5483871, 2026-04-01 10000000"),
            ("2026-06-21", "2026-07-02", "2026-06-21 3333333, 2026-07-01 322581"),
            ("2026-12-31", "2027-01-01", "2026-12-31 322581"),
        ] {
            assert_eq!(off(&year, None, 1, from, to), expected, "{from} {to}");
        }
        // A leap day is a day of 29.
        assert_eq!(
            off(&quota("2024-02", Amount::Money(2900)), None, 1, "2024-02-29", "2024-03-01"),
            "2024-02-29 100"
        );
        assert_eq!(
            off(&quota("2026-02", Amount::Money(2800)), None, 1, "2026-02-28", "2026-03-01"),
            "2026-02-28 100"
        );
    }

    #[test]
    fn seasonality_ramp_and_step_decide_a_months_part() {
        let weights = [5, 5, 10, 5, 5, 10, 5, 5, 10, 10, 10, 20].map(|percent| Percent(percent * 1_000_000));
        let year = quota("FY2026", Amount::Money(120_000_000));
        assert_eq!(off(&year, Some(&weights), 1, "2026-12-01", "2027-01-01"), "2026-12-01 24000000");
        // Of a quarter's own goal December has 20 of 40.
        let quarter = quota("FY2026-Q4", Amount::Money(100));
        assert_eq!(off(&quarter, Some(&weights), 1, "2026-12-01", "2027-01-01"), "2026-12-01 50");
        let none = [Percent::ZERO; MONTHS];
        assert_eq!(off(&quarter, Some(&none), 1, "2026-11-01", "2026-12-01"), "2026-11-01 34");
        let percents = [0, 50, 100].map(|percent| Percent(percent * 1_000_000)).to_vec();
        let ramp = Some(Ramp { start: Period::parse("2026-01").unwrap(), percents });
        let ramped = Quota { ramp, ..year };
        let expected = "2026-02-01 5000000, 2026-03-01 10000000";
        assert_eq!(off(&ramped, None, 1, "2026-01-01", "2026-04-01"), expected);
        // Ten units in steps of one: 10/12 lie before February, 20/12 before March.
        let units = quota("FY2026", Amount::Number(Quantity(10_000_000)));
        assert_eq!(
            off(&units, None, 1_000_000, "2026-01-01", "2026-03-01"),
            "2026-01-01 1000000, 2026-02-01 1000000"
        );
        assert_eq!(off(&units, None, 1_000_000, "2026-01-01", "2026-01-10"), "");
    }

    #[test]
    fn leave_in_pieces_takes_off_what_it_does_in_one_and_all_of_a_window_all_of_it() {
        let year = quota("FY2026", Amount::Money(80_000_001));
        let sum = |from: &str, to: &str| -> i128 {
            let calendar = calendar();
            let terms = Terms { calendar: &calendar, weights: None, step: 1 };
            let found = reliefs(&year, Amount::Money(80_000_001), terms, (day(from), day(to))).unwrap();
            found.iter().map(|relief| i128::from(relief.amount.units())).sum()
        };
        assert_eq!(sum("2026-01-01", "2027-01-01"), 80_000_001);
        let pieces = sum("2026-03-03", "2026-03-17") + sum("2026-03-17", "2026-05-05");
        assert_eq!(pieces, sum("2026-03-03", "2026-05-05"));
    }
}
