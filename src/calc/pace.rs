//! How fast a payee goes: what was to be expected by a day, where it leads, and what is left to do. The formulas for
//! people stand in `docs/quotas.md`; nothing is rounded here.
//!
//! | figure | formula |
//! |---|---|
//! | elapsed | weighted days up to and including the day / weighted days of the window |
//! | expected | effective quota x elapsed |
//! | pace | credited x 100 / expected |
//! | forecast by pace | credited / elapsed |
//! | needed per week | (quota - credited) x 7 / days left |
//!
//! Days count where the payee is assigned, so that who joins or leaves within a window is measured by its own days. A
//! day weighs what its month weighs in the year over the days of the month. What would be divided by zero is undefined.

use crate::domain::date::{Day, Period, Window};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::measure::{Combine, Measure, Source};
use crate::domain::quota::Proration;

use super::quota::proration;
use super::segment;

/// A span of days `[from, to)`.
pub type Days = (Day, Day);

/// Days of a week.
const WEEK: i128 = 7;

/// How fast somebody goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    /// The part of the window that has passed, from 0 to 1; `None` without a day that counts.
    pub elapsed: Option<Exact>,
    /// What of the quota was to be credited by now; minor units or millionths.
    pub expected: Option<Exact>,
    /// Credited in percent of what was expected; `None` where nothing was.
    pub percent: Option<Exact>,
    /// What the window ends with if the rest goes as the part that has passed.
    pub forecast: Option<Exact>,
    /// Days after the day asked for that still count.
    pub days_left: i64,
    /// What each week of the days left has to bring; zero once the quota is reached, `None` where no day is left.
    pub needed_per_week: Option<Exact>,
}

/// The days of a window on which a payee, by index, is assigned, in order.
pub fn assigned(facts: &Facts, payee: u32, window: Window) -> Vec<Days> {
    segment::spans(facts, payee).iter().filter_map(|span| span.within(window)).collect()
}

/// Whether the values of a measure add up over a window. A mean and a last value do not: what is expected of them by a
/// day is the quota itself, and they lead nowhere.
pub fn adds_up(measure: &Measure) -> bool {
    match &measure.source {
        Source::Credits(_) | Source::Outside(Combine::Sum) => true,
        Source::Outside(Combine::Average | Combine::Last) => false,
    }
}

/// The part of some days of a window that has passed at the end of a day. `weight` is a month's part of the year; where
/// all months with such a day weigh nothing, they weigh the same. `None` without a day.
pub fn elapsed(weight: impl Fn(Period) -> Exact, window: Window, days: &[Days], on: Day) -> Option<Exact> {
    let passed = days.iter().map(|(from, to)| (*from, (*to).min(on.next()))).filter(|(from, to)| from < to);
    share(weight, window, &passed.collect::<Vec<_>>(), days)
}

/// The part of some days of a window that others, among them, are; see [`elapsed`].
pub fn share(
    weight: impl Fn(Period) -> Exact,
    window: Window,
    part: &[Days],
    whole: &[Days],
) -> Option<Exact> {
    let weighted = |weight: &dyn Fn(Period) -> Exact, days: &[Days]| {
        let part = |days: &Days| proration(Proration::Seasonal, weight, window, *days);
        days.iter().map(part).fold(Exact::ZERO, |sum, part| sum.add(&part))
    };
    let share = |weight: &dyn Fn(Period) -> Exact| weighted(weight, part).div(&weighted(weight, whole));
    share(&weight).or_else(|| share(&|_| Exact::whole(1)))
}

/// How many of some days come after a day.
pub fn days_left(days: &[Days], on: Day) -> i64 {
    let left = days.iter().map(|(from, to)| to.days_since((*from).max(on.next())).max(0));
    left.sum()
}

impl Pace {
    /// Of what is credited by a day and the quota of the window, at what has passed and is left of it.
    pub fn of(
        credited: Option<&Exact>,
        quota: Option<&Exact>,
        elapsed: Option<Exact>,
        days_left: i64,
    ) -> Pace {
        let expected = quota.zip(elapsed.as_ref()).map(|(quota, elapsed)| quota.mul(elapsed));
        let forecast = credited.zip(elapsed.as_ref()).and_then(|(credited, elapsed)| credited.div(elapsed));
        let needed = |(quota, credited): (&Exact, &Exact)| needed_per_week(quota, credited, days_left);
        Pace {
            percent: credited
                .zip(expected.as_ref())
                .and_then(|(credited, expected)| percent(credited, expected)),
            needed_per_week: quota.zip(credited).and_then(needed),
            elapsed,
            expected,
            forecast,
            days_left,
        }
    }
}

/// Credited in percent of what was expected; undefined where nothing was.
pub fn percent(credited: &Exact, expected: &Exact) -> Option<Exact> {
    credited.mul(&Exact::whole(100)).div(expected)
}

/// What each week has to bring; zero once the quota is reached, `None` where no day is left to reach it.
pub fn needed_per_week(quota: &Exact, credited: &Exact, days_left: i64) -> Option<Exact> {
    let missing = quota.sub(credited);
    if missing <= Exact::ZERO {
        return Some(Exact::ZERO);
    }
    missing.mul(&Exact::whole(WEEK)).div(&Exact::whole(i128::from(days_left)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::Calendar;
    use crate::domain::money::{Currency, Rounding};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn window(text: &str, fiscal_first_month: u8) -> Window {
        let calendar = Calendar {
            currency: Currency::parse("USD").unwrap(),
            zone: chrono_tz::UTC,
            fiscal_first_month,
            rounding: Rounding::HalfEven,
            first_period: Period::parse("2020-01").unwrap(),
        };
        calendar.parse_window(text).unwrap()
    }

    fn even(_: Period) -> Exact {
        Exact::ratio(1, 12).unwrap()
    }

    fn share(window: Window, weight: impl Fn(Period) -> Exact, days: &[(&str, &str)], on: &str) -> String {
        let days: Vec<Days> = match days {
            [] => vec![(window.start(), window.end())],
            days => days.iter().map(|(from, to)| (day(from), day(to))).collect(),
        };
        elapsed(weight, window, &days, day(on)).map_or("-".into(), |part| part.lowest_terms())
    }

    #[test]
    fn months_count_alike_and_days_within_their_month() {
        for (span, on, expected) in [
            // The day before the window, its first, its last, and the day after.
            ("FY2026-Q1", "2025-12-31", "0/1"),
            ("FY2026-Q1", "2026-01-01", "1/93"),
            ("FY2026-Q1", "2026-03-31", "1/1"),
            ("FY2026-Q1", "2026-04-01", "1/1"),
            // A third, and half of the next: February has 28 days, in a leap year 29.
            ("FY2026-Q1", "2026-01-31", "1/3"),
            ("FY2026-Q1", "2026-02-14", "1/2"),
            ("FY2024-Q1", "2024-02-14", "43/87"),
            ("FY2024-Q1", "2024-02-28", "19/29"),
            ("FY2024-Q1", "2024-02-29", "2/3"),
            ("2024-02", "2024-02-28", "28/29"),
            ("2024-02", "2024-02-29", "1/1"),
            ("FY2026", "2026-07-31", "7/12"),
            ("FY2026-H2", "2026-09-30", "1/2"),
        ] {
            assert_eq!(share(window(span, 1), even, &[], on), expected, "{span} {on}");
        }
        // A fiscal year from July holds the February of the year that it is named by.
        assert_eq!(share(window("FY2024", 7), even, &[], "2024-02-29"), "2/3");
        assert_eq!(share(window("FY2024", 7), even, &[], "2023-07-31"), "1/12");
    }

    #[test]
    fn months_weigh_what_they_weigh_in_the_year() {
        let december = Period::parse("2026-12").unwrap();
        // Half of the last quarter in December, a quarter in each month before.
        let weight = |period: Period| Exact::ratio(if period == december { 20 } else { 10 }, 130).unwrap();
        for (on, expected) in [
            ("2026-10-31", "1/4"),
            ("2026-11-15", "3/8"),
            ("2026-11-30", "1/2"),
            ("2026-12-01", "16/31"),
            ("2026-12-31", "1/1"),
        ] {
            assert_eq!(share(window("FY2026-Q4", 1), weight, &[], on), expected, "{on}");
        }
        // All in December; and where December is all there is and weighs nothing, its days count alike.
        let only = |period: Period| Exact::whole(i128::from(period == december));
        assert_eq!(share(window("FY2026-Q4", 1), only, &[], "2026-11-30"), "0/1");
        let none = |_: Period| Exact::ZERO;
        assert_eq!(share(window("2026-12", 1), none, &[], "2026-12-10"), "10/31");
        assert_eq!(share(window("FY2026-Q4", 1), none, &[], "2026-10-31"), "1/3");
        let but_december = |period: Period| Exact::whole(i128::from(period != december));
        let joined = [("2026-12-01", "2027-01-01")];
        assert_eq!(share(window("FY2026-Q4", 1), but_december, &joined, "2026-12-10"), "10/31");
    }

    #[test]
    fn who_joins_or_leaves_is_measured_by_its_own_days() {
        let quarter = window("FY2026-Q1", 1);
        for (days, on, expected) in [
            // In mid-February: half a month of one and a half.
            (&[("2026-02-15", "2026-04-01")][..], "2026-02-14", "0/1"),
            (&[("2026-02-15", "2026-04-01")], "2026-02-28", "1/3"),
            (&[("2026-02-15", "2026-04-01")], "2026-03-31", "1/1"),
            // Gone in mid-February: everything has passed.
            (&[("2026-01-01", "2026-02-15")], "2026-01-31", "2/3"),
            (&[("2026-01-01", "2026-02-15")], "2026-02-14", "1/1"),
            (&[("2026-01-01", "2026-02-15")], "2026-03-01", "1/1"),
            // A transfer in mid-month changes nothing, a gap does.
            (&[("2026-01-01", "2026-02-15"), ("2026-02-15", "2026-04-01")], "2026-02-14", "1/2"),
            (&[("2026-01-01", "2026-02-01"), ("2026-03-01", "2026-04-01")], "2026-02-14", "1/2"),
        ] {
            assert_eq!(share(quarter, even, days, on), expected, "{days:?} {on}");
        }
        assert_eq!(elapsed(even, quarter, &[], day("2026-02-01")), None);
    }

    #[test]
    fn days_left_are_those_after_the_day() {
        let quarter = [(day("2026-01-01"), day("2026-02-15")), (day("2026-02-20"), day("2026-04-01"))];
        for (on, expected) in [
            ("2025-12-31", 85),
            ("2026-01-01", 84),
            ("2026-02-14", 40),
            ("2026-02-19", 40),
            ("2026-03-30", 1),
            ("2026-03-31", 0),
            ("2026-05-01", 0),
        ] {
            assert_eq!(days_left(&quarter, day(on)), expected, "{on}");
        }
    }

    #[test]
    fn figures_are_exact_and_undefined_ones_are_absent() {
        let half = || Exact::ratio(1, 2);
        // Credited, quota, elapsed, days left; expected, pace, forecast, needed a week.
        for (credited, quota, elapsed, left, expected) in [
            (Some(60_000), Some(90_000), half(), 45, "45000/1 400/3 120000/1 14000/3"),
            // Nothing has passed: there is no pace to go on.
            (Some(0), Some(90_000), Some(Exact::ZERO), 90, "0/1 - - 7000/1"),
            (Some(50), Some(100), Some(Exact::whole(1)), 0, "100/1 50/1 50/1 -"),
            // Reached, to the cent and beyond.
            (Some(100), Some(100), Some(Exact::whole(1)), 0, "100/1 100/1 100/1 0/1"),
            (Some(101), Some(100), half(), 10, "50/1 202/1 202/1 0/1"),
            // More was taken back than credited.
            (Some(-50), Some(100), half(), 21, "50/1 -100/1 -100/1 50/1"),
            // Zero is reached at once and nothing is expected of it.
            (Some(10), Some(0), half(), 10, "0/1 - 20/1 0/1"),
            (Some(-7), Some(0), half(), 7, "0/1 - -14/1 7/1"),
            (Some(10), None, half(), 10, "- - 20/1 -"),
            (None, Some(100), half(), 10, "50/1 - - -"),
            (Some(10), Some(100), None, 0, "- - - -"),
        ] {
            let (credited, quota) = (credited.map(Exact::whole), quota.map(Exact::whole));
            let pace = Pace::of(credited.as_ref(), quota.as_ref(), elapsed, left);
            let texts = [&pace.expected, &pace.percent, &pace.forecast, &pace.needed_per_week];
            let texts = texts.map(|figure| figure.as_ref().map_or("-".into(), Exact::lowest_terms));
            assert_eq!(texts.join(" "), expected, "{credited:?} {quota:?}");
        }
    }
}
