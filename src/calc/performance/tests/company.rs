//! The small company of the tests.

use std::collections::BTreeMap;

use crate::domain::condition::Field;
use crate::domain::date::{Calendar, Day, Period};
use crate::domain::deal::{Deal, DealEvent, EventKind, Outcome, Reversed, Split};
use crate::domain::exchange::{ExchangeRate, Rate, RateKey};
use crate::domain::facts::{Facts, FactsBuilder};
use crate::domain::measure::{Combine, CreditKind, Measure, MeasureValue, Selection, Source};
use crate::domain::money::{Currency, Rounding};
use crate::domain::number::{Percent, Quantity};
use crate::domain::payee::{Assignment, Payee, PayeeKind};

pub fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

pub fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

pub fn calendar() -> Calendar {
    Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: period("2024-01"),
    }
}

/// Who, title, manager, territory, from, to.
pub type Job = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

pub const PEOPLE: [Job; 6] = [
    ("ann", "AE", "max", "north", "2023-01-01", ""),
    ("bob", "AE", "max", "south", "2023-01-01", ""),
    ("cyd", "AE", "dora", "north", "2023-01-01", ""),
    ("dan", "AE", "dora", "", "2023-01-01", ""),
    ("dora", "VP", "", "", "2023-01-01", ""),
    ("max", "Manager", "dora", "", "2023-01-01", ""),
];

pub fn builder(people: &[Job]) -> FactsBuilder {
    let mut payees: BTreeMap<&str, Vec<Assignment>> = BTreeMap::new();
    for (id, title, manager, territory, from, to) in people {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
        payees.entry(id).or_default().push(Assignment {
            from: day(from),
            to: some(to).map(|to| day(&to)),
            title: some(title),
            manager: some(manager).map(|id| id.parse().unwrap()),
            territory: some(territory).map(|id| id.parse().unwrap()),
            plan: None,
            target_incentive: None,
            currency: calendar().currency,
        });
    }
    let payee = |(id, assignments): (&str, Vec<Assignment>)| Payee {
        id: id.parse().unwrap(),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments,
        source_version: None,
    };
    let mut builder = FactsBuilder::new(1, calendar(), payees.into_iter().map(payee).collect()).unwrap();
    for (id, credit) in
        [("own", CreditKind::Direct), ("team", CreditKind::RolledUp), ("all", CreditKind::Both)]
    {
        builder.measure(measure(id, Source::Credits(bookings(credit))));
    }
    builder.measure(measure("calls", Source::Outside(Combine::Sum)));
    for (from, rate) in [("2024-03-01", "1.10"), ("2024-04-01", "1.20")] {
        let key = RateKey { currency: Currency::parse("EUR").unwrap(), day: day(from) };
        builder.exchange_rate(&ExchangeRate { key, rate: Rate::parse(rate).unwrap() });
    }
    builder
}

pub fn measure(id: &str, source: Source) -> Measure {
    Measure { id: id.parse().unwrap(), name: id.into(), source, step: None }
}

pub fn bookings(credit: CreditKind) -> Selection {
    Selection {
        event: EventKind::Booked,
        credit,
        levels: 0,
        roles: Vec::new(),
        value: MeasureValue::Amount,
        condition: None,
        expression: None,
    }
}

/// A deal of an owner with an outcome, and what is said of it: `amount 1000.00`, `cost …`, `quantity …`, `customer …`,
/// `product …`, `sector …`, `stage …`, `chance …`, `open …`, `close …`, `EUR`, `split bob 60`, `overlay dan 50`,
/// `booked 2024-03-01` (the amount), `refund 2024-03-20` (all of it).
pub fn deal(id: &str, owner: &str, outcome: Outcome, said: &[&str]) -> Deal {
    let mut deal = Deal {
        id: id.parse().unwrap(),
        name: None,
        owner: owner.parse().unwrap(),
        customer: None,
        customer_name: None,
        product: None,
        currency: calendar().currency,
        amount: None,
        cost: None,
        quantity: None,
        stage: None,
        outcome,
        probability: None,
        opened: None,
        closed: None,
        attributes: BTreeMap::new(),
        splits: Vec::new(),
        events: Vec::new(),
        source_version: None,
    };
    let minor = |text: &str| calendar().currency.parse_amount(text).unwrap();
    for said in said {
        let words: Vec<&str> = said.split(' ').collect();
        match words[..] {
            ["amount", amount] => deal.amount = Some(minor(amount)),
            ["cost", cost] => deal.cost = Some(minor(cost)),
            ["quantity", quantity] => deal.quantity = Some(Quantity::parse(quantity).unwrap()),
            ["customer", id] => deal.customer = Some(id.parse().unwrap()),
            ["product", id] => deal.product = Some(id.parse().unwrap()),
            ["sector", sector] => drop(deal.attributes.insert("sector".into(), sector.into())),
            ["stage", stage] => deal.stage = Some(stage.into()),
            ["chance", percent] => deal.probability = Some(Percent::parse(percent).unwrap()),
            ["open", on] => deal.opened = Some(day(on)),
            ["close", on] => deal.closed = Some(day(on)),
            ["EUR"] => deal.currency = Currency::parse("EUR").unwrap(),
            ["split" | "overlay", payee, percent] => deal.splits.push(Split {
                payee: payee.parse().unwrap(),
                role: if words[0] == "split" { "AE" } else { "OVERLAY" }.parse().unwrap(),
                percent: Percent::parse(percent).unwrap(),
            }),
            [what @ ("booked" | "refund"), on] => {
                let refund = what == "refund";
                let reversed = Reversed { event: "booked".parse().unwrap(), amount: None };
                deal.events.push(DealEvent {
                    id: what.parse().unwrap(),
                    kind: if refund { EventKind::Refunded } else { EventKind::Booked },
                    day: day(on),
                    amount: deal.amount.filter(|_| !refund),
                    cost: None,
                    quantity: None,
                    reverses: if refund { vec![reversed] } else { Vec::new() },
                    source_version: None,
                });
            }
            _ => panic!("{said}"),
        }
    }
    deal
}

/// The company's first quarter of 2024.
pub fn deals() -> Vec<Deal> {
    use Outcome::{Lost, Open, Won};
    let d = deal;
    vec![
        d(
            "D1",
            "ann",
            Won,
            &[
                "amount 1000.00",
                "cost 600.00",
                "quantity 10",
                "customer c1",
                "product p1",
                "sector retail",
                "open 2024-02-28",
                "close 2024-03-01",
                "booked 2024-03-01",
            ],
        ),
        d(
            "D2",
            "ann",
            Won,
            &[
                "amount 500.00",
                "customer c2",
                "product p2",
                "sector tech",
                "open 2024-01-10",
                "close 2024-01-31",
                "booked 2024-01-31",
                "refund 2024-03-20",
            ],
        ),
        d(
            "D3",
            "bob",
            Won,
            &[
                "amount 2000.00",
                "cost 1000.00",
                "quantity 5",
                "customer c1",
                "product p1",
                "sector retail",
                "open 2024-02-01",
                "close 2024-02-10",
                "split bob 60",
                "split ann 40",
                "booked 2024-02-10",
            ],
        ),
        d("D4", "bob", Lost, &["amount 700.00", "open 2024-01-01", "close 2024-03-15"]),
        d(
            "D5",
            "cyd",
            Won,
            &["EUR", "amount 100.00", "customer c3", "close 2024-03-10", "booked 2024-03-10"],
        ),
        d(
            "D6",
            "ann",
            Open,
            &["amount 300.00", "product p1", "stage Proposal", "chance 50", "close 2024-04-15"],
        ),
        d(
            "D7",
            "bob",
            Open,
            &[
                "amount 1000.00",
                "stage Discovery",
                "chance 10",
                "close 2024-03-25",
                "split ann 50",
                "split bob 50",
            ],
        ),
        d("D8", "cyd", Open, &["EUR", "amount 200.00"]),
        d("D9", "dan", Won, &["amount 50.00"]),
        // Opened after it closed: no cycle. Booked by a customer who is known by then, with a specialist on top.
        d(
            "E1",
            "ann",
            Won,
            &[
                "amount 100.00",
                "customer c2",
                "open 2024-02-21",
                "close 2024-02-20",
                "overlay dan 50",
                "booked 2024-02-20",
            ],
        ),
    ]
}

pub fn facts(people: &[Job], deals: &[Deal]) -> Facts {
    let mut builder = builder(people);
    builder.keep(&[sector()]);
    deals.iter().for_each(|deal| builder.tell(deal).unwrap());
    builder.build().unwrap()
}

pub fn sector() -> Field {
    Field::Attribute("sector".into())
}
