//! What facts say they take in memory, against what the process takes.

use attain::domain::date::{Calendar, Day, Period};
use attain::domain::deal::EventKind;
use attain::domain::facts::{Facts, FactsBuilder, Worth};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::Percent;
use attain::domain::payee::{Payee, PayeeKind};

const DEALS: usize = 200_000;

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn facts() -> Facts {
    let calendar = Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: Period::parse("2026-01").unwrap(),
    };
    let id = |number: usize| format!("E-{:04}", number % 1000);
    let payee = |number| {
        let id = id(number).parse().unwrap();
        Payee {
            id,
            kind: PayeeKind::Person,
            name: None,
            email: None,
            assignments: Vec::new(),
            source_version: None,
        }
    };
    let mut builder = FactsBuilder::new(1, calendar, (0..1000).map(payee).collect()).unwrap();
    for number in 0..DEALS {
        let (one, two) = (id(number), id(number * 7 + 1));
        let half = |payee| (payee, "AE".parse().unwrap(), Percent(50_000_000));
        let splits = [half(one.as_str()), half(two.as_str())].into_iter();
        let deal = builder
            .deal(&format!("D-{number:09}"), &one, calendar.currency, Worth::default(), splits)
            .unwrap();
        let day = Day::parse(&format!("2026-{:02}-{:02}", number % 12 + 1, number % 28 + 1)).unwrap();
        let worth = Worth { amount: Some(1), ..Worth::default() };
        builder.event(deal, "booked", EventKind::Booked, day, worth, std::iter::empty()).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn the_estimate_is_what_the_process_takes_within_a_quarter() {
    let before = resident();
    let facts = facts();
    let (taken, estimate) = (resident() - before, facts.bytes());
    assert!(taken.abs_diff(estimate) < estimate / 4, "estimated {estimate}, took {taken}");
    // A million of these: less than 500 MB.
    assert!(estimate / DEALS < 500, "{} bytes a deal", estimate / DEALS);
}
