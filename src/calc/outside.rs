//! Outside measures: the values sent to us for a payee, combined over a span of days (semantics 6).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::{Day, Period};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::id::MeasureId;
use crate::domain::measure::{Combine, Source};

/// What the values of an outside measure for a payee, by index, dated within `[from, to)` come to: millionths, exact.
/// `None` where there is no value, and of a measure that is none or not an outside one.
pub fn combined(facts: &Facts, payee: u32, measure: &MeasureId, from: Day, to: Day) -> Option<Exact> {
    let Source::Outside(combine) = &facts.measures.get(measure)?.source else { return None };
    let values = facts.values.get(&(payee, measure.clone()))?;
    let dated = values.range(from..).take_while(|(day, _)| **day < to);
    let (mut sum, mut count, mut last) = (0_i128, 0_i128, None);
    for (_, value) in dated {
        // Fewer days than there are and 64 bits each: the sum fits.
        (sum, count, last) = (sum + i128::from(value.0), count + 1, Some(value.0));
    }
    let last = last?;
    match combine {
        Combine::Sum => Some(Exact::whole(sum)),
        Combine::Average => Exact::ratio(sum, count),
        Combine::Last => Some(Exact::whole(i128::from(last))),
    }
}

/// The same through the end of each period in which a value is dated; `None` of a measure that is not an outside one.
pub fn moved(
    facts: &Facts,
    payee: u32,
    measure: &MeasureId,
    from: Day,
    to: Day,
) -> Option<BTreeMap<Period, Option<Exact>>> {
    let Source::Outside(_) = &facts.measures.get(measure)?.source else { return None };
    let values = facts.values.get(&(payee, measure.clone()));
    let days = values.into_iter().flat_map(|values| values.range(from..)).map(|(day, _)| *day);
    let periods: BTreeSet<Period> = days.take_while(|day| *day < to).map(Day::period).collect();
    let through = |period: Period| (period, combined(facts, payee, measure, from, to.min(period.end())));
    Some(periods.into_iter().map(through).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::{Calendar, Period};
    use crate::domain::facts::FactsBuilder;
    use crate::domain::measure::Measure;
    use crate::domain::money::{Currency, Rounding};
    use crate::domain::number::Quantity;
    use crate::domain::outside::{OutsideValue, ValueKey};
    use crate::domain::payee::{Payee, PayeeKind};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    /// Facts of a payee with values told in this order.
    fn told(combine: Combine, values: &[(&str, Option<&str>)]) -> Facts {
        let calendar = Calendar {
            currency: Currency::parse("USD").unwrap(),
            zone: chrono_tz::UTC,
            fiscal_first_month: 1,
            rounding: Rounding::HalfEven,
            first_period: Period::parse("2026-01").unwrap(),
        };
        let (id, kind, assignments) = ("ann".parse().unwrap(), PayeeKind::Person, Vec::new());
        let payee = Payee { id, kind, name: None, email: None, source_version: None, assignments };
        let mut builder = FactsBuilder::new(1, calendar, vec![payee]).unwrap();
        let source = Source::Outside(combine);
        builder.measure(Measure { id: "csat".parse().unwrap(), name: "csat".into(), source, step: None });
        for (date, value) in values {
            let (payee, measure) = ("ann".parse().unwrap(), "csat".parse().unwrap());
            let key = ValueKey { payee, measure, day: day(date) };
            let value = value.map(|text| Quantity::parse(text).unwrap());
            builder.value(&OutsideValue { key, value, source_version: None }).unwrap();
        }
        builder.build().unwrap()
    }

    #[test]
    fn values_of_a_span_are_combined_exactly() {
        let values = [
            ("2026-02-28", Some("1")),
            ("2026-01-01", Some("0.000001")),
            ("2026-01-31", Some("-1")),
            ("2026-02-01", Some("3")),
            ("2026-02-15", None),
        ];
        for (combine, from, to, expected) in [
            (Combine::Sum, "2026-01-01", "2026-03-01", Some("3000001/1")),
            (Combine::Average, "2026-01-01", "2026-03-01", Some("3000001/4")),
            (Combine::Last, "2026-01-01", "2026-03-01", Some("1000000/1")),
            // The first day counts, the last is the first that does not.
            (Combine::Sum, "2026-01-31", "2026-02-28", Some("2000000/1")),
            (Combine::Average, "2026-01-31", "2026-02-28", Some("1000000/1")),
            (Combine::Last, "2026-01-01", "2026-02-01", Some("-1000000/1")),
            (Combine::Sum, "2026-02-02", "2026-02-28", None),
            (Combine::Average, "2026-02-02", "2026-02-28", None),
            (Combine::Last, "2026-02-02", "2026-02-28", None),
            (Combine::Sum, "2026-03-01", "2026-01-01", None),
        ] {
            let facts = told(combine, &values);
            let found = combined(&facts, 0, &"csat".parse().unwrap(), day(from), day(to));
            assert_eq!(found.map(|f| f.lowest_terms()).as_deref(), expected, "{combine:?} {from} {to}");
        }
        let facts = told(Combine::Sum, &values);
        let unknown = combined(&facts, 0, &"other".parse().unwrap(), day("2026-01-01"), day("2026-03-01"));
        assert_eq!(unknown, None);
    }
}
