//! The plain reading pays the worked examples of semantics 12 as they are written there.

use std::collections::BTreeMap;

use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome};
use attain::domain::measure::{Amount, CreditKind, Measure, MeasureValue, Selection, Source};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::Number;
use attain::domain::payee::{Assignment, Payee, PayeeKind};
use attain::domain::plan::{
    Axis, Component, Modifiers, Payout, Plan, PlanVersion, RateKind, RateMode, Rates, ReversalRule, Tier,
};
use attain::domain::quota::{Proration, Quota, QuotaKey};

use crate::company::Company;
use crate::pay::figures;

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn component(mode: RateMode) -> Component {
    let tier = |(edge, rate): (&str, &str)| Tier {
        edge: Number::parse(edge).unwrap(),
        edge_lower: false,
        rate: Number::parse(rate).unwrap(),
        flat: None,
    };
    let rates = Rates {
        measure: "bookings".parse().unwrap(),
        line: None,
        mode,
        retroactive_to: None,
        axis: Axis::Attainment,
        pays: RateKind::Percent,
        tiers: [("0", "5"), ("50", "8"), ("100", "12")].map(tier).to_vec(),
    };
    Component {
        id: "commission".parse().unwrap(),
        name: String::new(),
        window: WindowKind::Quarter,
        reversal: ReversalRule::AtOrigin,
        clawback: None,
        line_kept: false,
        target_percent: None,
        payout: Payout::Rates(rates),
        proration: Proration::Days,
        modifiers: Modifiers::default(),
    }
}

fn deal(id: &str, events: &[(EventKind, &str, Option<i64>)]) -> Deal {
    let event = |(kind, on, amount): &(EventKind, &str, Option<i64>)| DealEvent {
        id: kind.name().parse().unwrap(),
        kind: *kind,
        day: day(on),
        amount: *amount,
        cost: None,
        quantity: None,
        reverses: Vec::new(),
        source_version: None,
    };
    Deal {
        id: id.parse().unwrap(),
        name: None,
        owner: "rep".parse().unwrap(),
        customer: None,
        customer_name: None,
        product: None,
        currency: Currency::parse("USD").unwrap(),
        amount: None,
        cost: None,
        quantity: None,
        stage: None,
        outcome: Outcome::Won,
        probability: None,
        opened: None,
        closed: None,
        attributes: BTreeMap::new(),
        source_version: None,
        splits: Vec::new(),
        events: events.iter().map(event).collect(),
    }
}

fn company(mode: RateMode) -> Company {
    let currency = Currency::parse("USD").unwrap();
    let first_period = Period::parse("2026-01").unwrap();
    let rounding = Rounding::HalfAwayFromZero;
    let calendar = Calendar { currency, zone: chrono_tz::UTC, fiscal_first_month: 1, rounding, first_period };
    let measure = Measure {
        id: "bookings".parse().unwrap(),
        name: String::new(),
        source: Source::Credits(Selection {
            event: EventKind::Booked,
            credit: CreditKind::Direct,
            levels: 0,
            roles: Vec::new(),
            value: MeasureValue::Amount,
            condition: None,
            expression: None,
        }),
        step: None,
    };
    let components = vec![component(mode)];
    let plan = Plan { id: "plan".parse().unwrap(), name: String::new(), currency, components, cap: None };
    let assignment = Assignment {
        from: day("2026-01-01"),
        to: None,
        title: None,
        manager: None,
        territory: None,
        plan: Some(plan.id.clone()),
        target_incentive: None,
        currency,
    };
    let (id, assignments) = ("rep".parse().unwrap(), vec![assignment]);
    let payee =
        Payee { id, kind: PayeeKind::Person, name: None, email: None, source_version: None, assignments };
    let quota = |window| {
        let window = calendar.parse_window(window).unwrap();
        let key = QuotaKey { payee: payee.id.clone(), measure: measure.id.clone(), window };
        Quota::stated(key, calendar.currency, Amount::Money(10_000_000))
    };
    let february =
        [(EventKind::Booked, "2026-02-20", Some(3_500_000)), (EventKind::Refunded, "2026-04-10", None)];
    Company {
        calendar,
        last: Period::parse("2026-04").unwrap(),
        quotas: ["FY2026-Q1", "FY2026-Q2"].map(quota).to_vec(),
        payees: vec![payee.clone()],
        measures: vec![measure.clone()],
        plans: vec![PlanVersion { version: 1, effective_from: first_period, plan }],
        deals: vec![
            deal("jan", &[(EventKind::Booked, "2026-01-20", Some(4_000_000))]),
            deal("feb", &february),
            deal("mar", &[(EventKind::Booked, "2026-03-20", Some(5_000_000))]),
        ],
    }
}

#[test]
fn the_worked_examples_come_out_as_written() {
    for (mode, expected) in [
        (RateMode::Marginal, [200_000, 450_000, 950_000, 570_000]),
        (RateMode::Retroactive, [200_000, 600_000, 1_500_000, 720_000]),
        (RateMode::WholeCredit, [200_000, 375_000, 775_000, 450_000]),
    ] {
        let company = company(mode);
        let earned = company.periods().into_iter().map(|through| figures(&company, through));
        let earned: Vec<i128> = earned.flat_map(|figures| figures.earned.into_values()).collect();
        assert_eq!(earned, expected, "{mode:?}");
    }
}
