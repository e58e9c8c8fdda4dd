//! The plain reading pays the worked examples of semantics 12 as they are written there.

use std::collections::BTreeMap;

use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome};
use attain::domain::measure::{Amount, CreditKind, Measure, MeasureValue, Selection, Source};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{Number, Percent, Quantity};
use attain::domain::payee::{Assignment, Payee, PayeeKind};
use attain::domain::plan::{
    self, Axis, Bonus, Component, Curve, Due, Edge, Fund, Gate, Gauge, Limit, Matrix, MatrixPays, Modifiers,
    Payout, Plan, PlanCap, PlanVersion, Point, Pool, Rank, RateKind, RateMode, Rates, ReversalRule, Scale,
    Shape, Spiff, Target, Tier, Weight, WindowCap,
};
use attain::domain::quota::{Proration, Quota, QuotaKey};

use crate::cohort::split;
use crate::company::Company;
use crate::fractions::whole;
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
        values: Vec::new(),
        conditions: BTreeMap::new(),
        expressions: BTreeMap::new(),
        rates: Vec::new(),
        territories: Vec::new(),
        rules: Vec::new(),
        plans: vec![PlanVersion { version: 1, effective_from: first_period, plan }],
        deals: vec![
            deal("jan", &[(EventKind::Booked, "2026-01-20", Some(4_000_000))]),
            deal("feb", &february),
            deal("mar", &[(EventKind::Booked, "2026-03-20", Some(5_000_000))]),
        ],
    }
}

/// The company of the worked examples with its one component changed; 48,000.00 target incentive a year.
fn changed(change: impl FnOnce(&mut Plan)) -> Company {
    let mut company = company(RateMode::Marginal);
    company.payees[0].assignments[0].target_incentive = Some(4_800_000);
    let mut count = company.measures[0].clone();
    count.id = "deals".parse().unwrap();
    let Source::Credits(credits) = &mut count.source else { panic!("credits") };
    credits.value = MeasureValue::Count;
    company.measures.push(count);
    let plan = &mut company.plans[0].plan;
    plan.components[0].target_percent = Some(Percent(50_000_000));
    change(plan);
    assert_eq!(company.refused(), None);
    company
}

fn attained() -> Gauge {
    let of = Some(plan::Source::Measure { measure: "bookings".parse().unwrap(), window: None });
    Gauge { of, axis: Axis::Attainment }
}

fn curve(shape: Shape, points: &[(i64, i64)]) -> Curve {
    let point = |(edge, percent): &(i64, i64)| Point {
        edge: Number(i128::from(edge * 1_000_000)),
        edge_lower: false,
        percent: Percent(percent * 1_000_000),
    };
    Curve { gauge: attained(), shape, points: points.iter().map(point).collect() }
}

fn paying(payout: Payout) -> Company {
    changed(|plan| plan.components[0].payout = payout)
}

fn modified(modifiers: Modifiers) -> Company {
    changed(|plan| plan.components[0].modifiers = modifiers)
}

fn none() -> Modifiers {
    Modifiers::default()
}

/// Credited are 40, 75 and 125 thousand of a quota of 100 thousand; in April 90 thousand, and nothing of the next quarter.
/// At the rates of the examples that is 2,000.00, 4,500.00, 9,500.00 and 5,700.00.
#[test]
fn payouts_and_modifiers_come_out_as_worked_by_hand() {
    let limit = Limit::Amount;
    let target = Target::Amount(100_000);
    let gate = |limit_percent| Gate {
        gauge: attained(),
        edge: Number(100_000_000),
        edge_lower: false,
        limit_percent,
    };
    let edges = |edges: &[i128]| {
        let edge = |edge: &i128| Edge { edge: Number(edge * 1_000_000), edge_lower: false };
        Scale { gauge: attained(), edges: edges.iter().map(edge).collect() }
    };
    let linear = curve(Shape::Linear, &[(50, 50), (100, 100), (150, 200)]);
    let cap =
        |carried| Modifiers { window_cap: Some(WindowCap { limit: limit(500_000), carried }), ..none() };
    let cells = vec![vec![Percent(5_000_000)], vec![Percent(10_000_000)]];
    let spiff = Spiff {
        measure: "deals".parse().unwrap(),
        amount: Number(100_000_000),
        first: Some(Quantity(2_000_000)),
        from: None,
        to: None,
    };
    let fund = Fund::Percent { measure: "bookings".parse().unwrap(), percent: Percent(1_000_000) };
    let on_credits = MatrixPays::Credits("bookings".parse().unwrap());
    for (name, company, expected) in [
        // 75 % pays 75 %, 125 % half way from 100 to 200 %, 90 % pays 90 %.
        (
            "a bonus as it goes",
            paying(Payout::Bonus(Bonus { target, curve: linear, due: Due::Progressive })),
            [0, 75_000, 150_000, 90_000],
        ),
        (
            "a bonus at the end",
            paying(Payout::Bonus(Bonus {
                target,
                curve: curve(Shape::Step, &[(50, 50), (100, 100)]),
                due: Due::WindowEnd,
            })),
            [0, 0, 100_000, 50_000],
        ),
        // 48,000 x 3/12 x 50 % = 6,000.00 a quarter.
        (
            "a part of the incentive",
            paying(Payout::Bonus(Bonus {
                target: Target::Incentive,
                curve: curve(Shape::Step, &[(50, 50), (100, 100)]),
                due: Due::WindowEnd,
            })),
            [0, 0, 600_000, 300_000],
        ),
        ("a shut gate", modified(Modifiers { gates: vec![gate(None)], ..none() }), [0, 0, 950_000, 0]),
        // 20 % of 6,000.00 while it is shut.
        (
            "a limiting gate",
            modified(Modifiers { gates: vec![gate(Some(Percent(20_000_000)))], ..none() }),
            [120_000, 120_000, 950_000, 120_000],
        ),
        ("a cap", modified(cap(false)), [200_000, 450_000, 500_000, 500_000]),
        // 700.00 of the 5,700.00 go to the next quarter.
        ("a cap that carries", modified(cap(true)), [200_000, 450_000, 500_000, 570_000]),
        (
            "a floor",
            modified(Modifiers { window_floor: Some(limit(1_000_000)), ..none() }),
            [200_000, 450_000, 1_000_000, 1_000_000],
        ),
        // The credits pay 2,000, 2,500 and 5,000; in April 2,000, 2,500 - 2,500 and 500 + 3,200.
        (
            "a cap per credit",
            modified(Modifiers { credit_cap: Some(limit(240_000)), ..none() }),
            [200_000, 440_000, 680_000, 440_000],
        ),
        (
            "a floor per credit",
            modified(Modifiers { credit_floor: Some(limit(240_000)), ..none() }),
            [240_000, 490_000, 990_000, 610_000],
        ),
        (
            "a multiplier",
            modified(Modifiers { multipliers: vec![curve(Shape::Step, &[(0, 100), (100, 150)])], ..none() }),
            [200_000, 450_000, 1_425_000, 570_000],
        ),
        ("a budget", modified(Modifiers { budget: Some(100_000), ..none() }), [0, 0, 100_000, 100_000]),
        (
            "a plan's cap",
            changed(|plan| {
                plan.cap = Some(PlanCap { limit: limit(600_000), span: WindowKind::Year });
            }),
            [200_000, 450_000, 600_000, 570_000],
        ),
        ("the first two deals", paying(Payout::Spiff(spiff)), [10_000, 20_000, 20_000, 20_000]),
        (
            "a matrix of rates",
            paying(Payout::Matrix(Matrix {
                rows: edges(&[0, 100]),
                columns: edges(&[0]),
                cells: cells.clone(),
                pays: on_credits,
            })),
            [200_000, 375_000, 1_250_000, 450_000],
        ),
        (
            "a matrix of a target",
            paying(Payout::Matrix(Matrix {
                rows: edges(&[0, 100]),
                columns: edges(&[0]),
                cells,
                pays: MatrixPays::Target { target, due: Due::Progressive },
            })),
            // The next quarter is on its first step already.
            [5_000, 5_000, 10_000, 10_000],
        ),
        (
            "a place",
            paying(Payout::Rank(Rank { gauge: attained(), places: vec![30_000, 20_000] })),
            [0, 0, 30_000, 30_000],
        ),
        ("a pool", paying(Payout::Pool(Pool { fund, by: Weight::Equal })), [0, 0, 125_000, 90_000]),
    ] {
        let periods = company.periods().into_iter();
        let earned: Vec<i128> =
            periods.map(|through| figures(&company, through).earned.values().sum()).collect();
        assert_eq!(earned, expected, "{name}");
    }
}

#[test]
fn a_whole_is_split_by_largest_remainder() {
    let thirds = vec![whole(1); 3];
    assert_eq!(split(10, &thirds), [4, 3, 3]);
    assert_eq!(split(-10, &thirds), [-3, -3, -4]);
    // 4.5, 3.5 and 2: the halves are alike, the first has the unit.
    assert_eq!(split(10, &[whole(9), whole(7), whole(4)]), [5, 3, 2]);
    assert_eq!(split(10, &[whole(0)]), [0]);
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
