//! A measure month by month.

use super::*;
use crate::calc::attainment::attainment;
use crate::calc::months::months;
use crate::domain::exact::Exact;

/// Credited and quota of each month of 2026 in cents, counted up to a day.
fn year(deals: &[Deal], payee: &str, measure: &str, on: &str) -> Vec<(Option<String>, Option<i128>)> {
    let (facts, on) = (facts(deals, ReversalRule::AtOrigin), day(on));
    let calculation = Calculation::open(&facts, on.period());
    let window = facts.calendar.window(WindowKind::Year, on.period());
    let payee = facts.payee(&payee.parse().unwrap()).unwrap();
    let found = months(&calculation, payee, &measure.parse().unwrap(), window, on).unwrap().unwrap();
    assert_eq!(found.months.len(), 12);
    let month = |month: crate::calc::months::Month| (month.credited.map(|exact| exact.text(2)), month.quota);
    found.months.into_iter().map(month).collect()
}

#[test]
fn a_month_has_what_is_dated_in_it_and_later_months_have_nothing_yet() {
    let mut deals = vec![booked("a", "2026-01-31", 4_000_000), booked("b", "2026-03-20", 3_500_001)];
    deals[0].events.push(("refund", EventKind::Refunded, day("2026-03-02"), None, Some("booked")));
    // A refund counts on its own date, whatever its component pays. The year's quota is 100,000.00: 8,333.33 a month,
    // rounded cumulatively.
    let quota = |month: usize| Some([833_333, 833_334, 833_333][month % 3]);
    let expected = |credited: &[&str]| -> Vec<_> {
        (0..12).map(|month| (credited.get(month).map(ToString::to_string), quota(month))).collect()
    };
    assert_eq!(year(&deals, "max", "team", "2026-03-31"), expected(&["4000000", "0", "-499999"]));
    assert_eq!(year(&deals, "max", "team", "2026-03-19"), expected(&["4000000", "0", "-4000000"]));
    assert_eq!(year(&deals, "max", "team", "2026-02-01"), expected(&["4000000", "0"]));
    assert_eq!(year(&deals, "bob", "own", "2026-01-31"), expected(&["0"]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn months_sum_to_the_attainment_of_the_year(deals in any_deals(), rule in any_rule(), days in 0_i64..360) {
        let facts = facts(&deals, rule);
        let on = Day::from_date(day("2026-01-01").date() + chrono::Duration::days(days)).unwrap();
        let calculation = Calculation::open(&facts, on.period());
        let window = facts.calendar.window(WindowKind::Year, on.period());
        for payee in 0..4 {
            for measure in ["own", "team"] {
                let measure = measure.parse().unwrap();
                let year = attainment(&calculation, payee, &measure, window, on).unwrap().unwrap();
                let months = months(&calculation, payee, &measure, window, on).unwrap().unwrap().months;
                let credited = months.iter().filter_map(|month| month.credited.as_ref());
                prop_assert_eq!(Some(credited.fold(Exact::ZERO, |sum, part| sum.add(part))), year.credited);
                let quotas = months.iter().filter_map(|month| month.quota);
                prop_assert_eq!(quotas.sum::<i128>(), year.quota.unwrap_or_default());
            }
        }
    }
}
