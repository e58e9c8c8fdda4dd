//! Properties that hold for any facts, and the first worked examples of semantics 12.
//! Rules of pay stand as data in `tests/scenarios`.

mod estimate;
mod months;
mod patch;

use proptest::prelude::*;

use super::earn::Detail;
use super::{Calculation, digest, posting, statement};
use crate::domain::date::{Calendar, Day, Period, WindowKind};
use crate::domain::deal::EventKind;
use crate::domain::facts::{Facts, FactsBuilder, Worth};
use crate::domain::ledger::{Posted, PostingKind};
use crate::domain::measure::{Amount, CreditKind, Measure, MeasureValue, Selection, Source};
use crate::domain::money::{Currency, Rounding};
use crate::domain::number::{Number, Percent};
use crate::domain::payee::{Assignment, Payee, PayeeKind};
use crate::domain::plan::{
    Axis, Component, Modifiers, Payout, Plan, PlanVersion, RateKind, RateMode, Rates, ReversalRule, Tier,
};
use crate::domain::quota::{Proration, Quota, QuotaKey};

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn calendar() -> Calendar {
    Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: period("2026-01"),
    }
}

/// An event: id, kind, day, cents, and the event it takes back.
type Event = (&'static str, EventKind, Day, Option<i64>, Option<&'static str>);

#[derive(Debug, Clone)]
struct Deal {
    id: String,
    /// Payee and percent in millionths.
    splits: Vec<(&'static str, i64)>,
    events: Vec<Event>,
}

fn plan(id: &str, measure: &str, window: WindowKind, reversal: ReversalRule) -> PlanVersion {
    let tier = |(edge, rate): (&str, &str)| Tier {
        edge: Number::parse(edge).unwrap(),
        edge_lower: false,
        rate: Number::parse(rate).unwrap(),
        flat: None,
    };
    let tiers = [("0", "5"), ("50", "8"), ("100", "12")].map(tier).to_vec();
    let rates = Rates {
        measure: measure.parse().unwrap(),
        line: None,
        mode: RateMode::Marginal,
        retroactive_to: None,
        axis: Axis::Attainment,
        pays: RateKind::Percent,
        tiers,
    };
    let component = Component {
        id: "commission".parse().unwrap(),
        name: "Commission".into(),
        window,
        reversal,
        clawback: None,
        line_kept: false,
        target_percent: None,
        payout: Payout::Rates(rates),
        proration: Proration::Days,
        modifiers: Modifiers::default(),
    };
    let plan = Plan {
        id: id.parse().unwrap(),
        name: id.into(),
        currency: calendar().currency,
        components: vec![component],
        cap: None,
    };
    PlanVersion { version: 1, effective_from: period("2026-01"), plan }
}

/// Two reps under a manager under a director; reps are paid on what they sell, managers on what their people sell.
fn facts(deals: &[Deal], reversal: ReversalRule) -> Facts {
    let payee = |(id, manager, plan): (&str, Option<&str>, &str)| Payee {
        id: id.parse().unwrap(),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments: vec![Assignment {
            from: day("2026-01-01"),
            to: None,
            title: None,
            manager: manager.map(|id| id.parse().unwrap()),
            territory: None,
            plan: Some(plan.parse().unwrap()),
            target_incentive: None,
            currency: calendar().currency,
        }],
        source_version: None,
    };
    let people = [
        ("ann", Some("max"), "rep"),
        ("bob", Some("max"), "rep"),
        ("max", Some("dora"), "manager"),
        ("dora", None, "manager"),
    ];
    let mut builder = FactsBuilder::new(1, calendar(), people.map(payee).to_vec()).unwrap();
    for (id, credit) in [("own", CreditKind::Direct), ("team", CreditKind::RolledUp)] {
        builder.measure(Measure {
            id: id.parse().unwrap(),
            name: id.into(),
            source: Source::Credits(Selection {
                event: EventKind::Booked,
                credit,
                levels: 0,
                roles: Vec::new(),
                value: MeasureValue::Amount,
                condition: None,
                expression: None,
            }),
            step: None,
        });
    }
    builder.plan(plan("rep", "own", WindowKind::Quarter, reversal));
    builder.plan(plan("manager", "team", WindowKind::Year, reversal));
    for (payee, _, plan) in people {
        let measure = if plan == "rep" { "own" } else { "team" };
        for window in ["FY2026-Q1", "FY2026-Q2", "FY2026"] {
            let window = calendar().parse_window(window).unwrap();
            let key = QuotaKey { payee: payee.parse().unwrap(), measure: measure.parse().unwrap(), window };
            builder.quota(Quota::stated(key, calendar().currency, Amount::Money(10_000_000))).unwrap();
        }
    }
    for deal in deals {
        let splits = deal.splits.iter().map(|(payee, part)| (*payee, "AE".parse().unwrap(), Percent(*part)));
        let handle = builder.deal(&deal.id, "ann", calendar().currency, Worth::default(), splits).unwrap();
        for (id, kind, day, amount, reverses) in &deal.events {
            let worth = Worth { amount: *amount, ..Worth::default() };
            builder.event(handle, id, *kind, *day, worth, reverses.iter().map(|id| (*id, None))).unwrap();
        }
    }
    builder.build().unwrap()
}

fn booked(id: &str, on: &str, cents: i64) -> Deal {
    let event = ("booked", EventKind::Booked, day(on), Some(cents), None);
    Deal { id: id.into(), splits: Vec::new(), events: vec![event] }
}

/// Earned in each period by a payee, over all keys.
fn earned(facts: &Facts, payee: &str, through: &str) -> Vec<(String, i128)> {
    let calculation = Calculation::open(facts, period(through));
    let earnings = calculation.earn(facts.payee(&payee.parse().unwrap()).unwrap(), Detail::Totals);
    assert_eq!(earnings.problems, []);
    earnings.keys.iter().flat_map(|key| &key.earned_in).map(|(p, amount)| (p.to_string(), *amount)).collect()
}

#[test]
fn a_refund_at_origin_reprices_its_window_on_its_own_date() {
    let mut deals = vec![
        booked("jan", "2026-01-20", 4_000_000),
        booked("feb", "2026-02-20", 3_500_000),
        booked("mar", "2026-03-20", 5_000_000),
    ];
    let months = |text: &[(&str, i128)]| text.iter().map(|(p, a)| (p.to_string(), *a)).collect::<Vec<_>>();
    let quarter = [("2026-01", 200_000), ("2026-02", 250_000), ("2026-03", 500_000)];
    assert_eq!(earned(&facts(&deals, ReversalRule::AtOrigin), "ann", "2026-03"), months(&quarter));
    deals[1].events.push(("refund", EventKind::Refunded, day("2026-04-10"), None, Some("booked")));
    let refunded = [quarter.as_slice(), &[("2026-04", -380_000)]].concat();
    assert_eq!(earned(&facts(&deals, ReversalRule::AtOrigin), "ann", "2026-04"), months(&refunded));
}

#[test]
fn lines_are_cumulative_so_three_equal_credits_of_ten_dollars_pay_333_334_333() {
    // Three credits of 66.67 at 5% earn 3.3335 each and 10.0005 together: 3.33, 3.34, 3.33.
    let deals = ["a", "b", "c"].map(|id| booked(id, "2026-01-05", 6_667));
    let facts = facts(&deals, ReversalRule::OwnDate);
    let calculation = Calculation::open(&facts, period("2026-01"));
    let earnings = calculation.earn(0, Detail::Lines);
    let lines: Vec<_> = earnings.keys[0].segments[0].lines.iter().map(|line| line.amount).collect();
    assert_eq!(lines, [333, 334, 333]);
}

fn any_deal() -> impl Strategy<Value = Deal> {
    let splits = prop_oneof![
        Just(vec![]),
        Just(vec![("bob", 100_000_000)]),
        (1_i64..100_000_000).prop_map(|part| vec![("ann", part), ("bob", 100_000_000 - part)]),
        (1_i64..100_000_000).prop_map(|part| vec![("max", part), ("bob", 100_000_000 - part)]),
    ];
    let refund = prop_oneof![Just(None), (0_i64..200).prop_map(Some)];
    (splits, 0_i64..180, 0_i64..9_000_000, refund).prop_map(|(splits, on, cents, refund)| {
        let on = day("2026-01-01").date() + chrono::Duration::days(on);
        let at = |date| Day::from_date(date).unwrap();
        let mut events = vec![("booked", EventKind::Booked, at(on), Some(cents), None)];
        events.extend(refund.map(|later| {
            let on = at(on + chrono::Duration::days(later));
            ("refund", EventKind::Refunded, on, None, Some("booked"))
        }));
        Deal { id: String::new(), splits, events }
    })
}

fn any_deals() -> impl Strategy<Value = Vec<Deal>> {
    prop::collection::vec(any_deal(), 0..25).prop_map(|mut deals| {
        for (number, deal) in deals.iter_mut().enumerate() {
            deal.id = format!("D{number}");
        }
        deals
    })
}

fn any_rule() -> impl Strategy<Value = ReversalRule> {
    prop_oneof![Just(ReversalRule::OwnDate), Just(ReversalRule::AtOrigin)]
}

/// Adds a close's postings to what was posted.
fn post(posted: &mut Posted, facts: &Facts, upto: Period) -> usize {
    let earnings = Calculation::open(facts, upto).earn_all(|| {});
    let postings = posting::postings(facts, &earnings, posted, upto);
    for entry in &postings {
        *posted.entry((entry.kind, entry.key.clone(), entry.for_period)).or_default() += entry.amount;
    }
    postings.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_facts_does_not_matter(deals in any_deals().prop_shuffle(), rule in any_rule()) {
        let mut sorted = deals.clone();
        sorted.sort_by(|a, b| a.id.cmp(&b.id));
        let result = |deals: &[Deal]| {
            let facts = facts(deals, rule);
            digest(&Calculation::open(&facts, period("2026-12")).earn_all(|| {}))
        };
        prop_assert_eq!(result(&deals), result(&sorted));
    }

    #[test]
    fn lines_sum_to_the_total_and_stay_within_a_cent(deals in any_deals(), rule in any_rule()) {
        let facts = facts(&deals, rule);
        let calculation = Calculation::open(&facts, period("2026-12"));
        for payee in 0..4 {
            let earnings = calculation.earn(payee, Detail::Lines);
            prop_assert_eq!(earnings.digest, calculation.earn(payee, Detail::Totals).digest);
            for segment in earnings.keys.iter().flat_map(|key| &key.segments) {
                prop_assert_eq!(segment.lines.iter().map(|line| line.amount).sum::<i128>(), segment.amount);
                let tiers = segment.tiers.iter().fold(crate::domain::exact::Exact::ZERO, |sum, tier| sum.add(&tier.paid));
                prop_assert_eq!(&tiers, &segment.paid);
                for line in &segment.lines {
                    let gap = crate::domain::exact::Exact::whole(line.amount).sub(&line.paid);
                    prop_assert!(gap <= crate::domain::exact::Exact::whole(1));
                    prop_assert!(gap.neg() <= crate::domain::exact::Exact::whole(1));
                }
            }
        }
    }

    #[test]
    fn a_full_refund_of_everything_returns_to_zero(deals in any_deals(), rule in any_rule()) {
        let mut deals = deals;
        for deal in &mut deals {
            deal.events.truncate(1);
            let (_, _, on, _, _) = deal.events[0];
            deal.events.push(("refund", EventKind::Cancelled, on, None, None));
        }
        let facts = facts(&deals, rule);
        for payee in Calculation::open(&facts, period("2026-12")).earn_all(|| {}) {
            for key in &payee.keys {
                prop_assert_eq!(key.earned_through(period("2026-12")), 0);
            }
        }
    }

    #[test]
    fn closes_with_facts_arriving_in_between_add_up_to_one_close_with_all(
        deals in any_deals(), rule in any_rule(), arrivals in prop::collection::vec(0_usize..6, 25)
    ) {
        let mut posted = Posted::new();
        for (number, month) in (0..6_i32).zip(0_usize..) {
            let known: Vec<_> = deals.iter().zip(&arrivals).filter(|(_, at)| **at <= month).map(|(d, _)| d.clone()).collect();
            post(&mut posted, &facts(&known, rule), period("2026-01").plus(number));
        }
        let all = facts(&deals, rule);
        post(&mut posted, &all, period("2026-12"));
        prop_assert_eq!(post(&mut posted, &all, period("2026-12")), 0);
        let mut at_once = Posted::new();
        post(&mut at_once, &all, period("2026-12"));
        posted.retain(|_, amount| *amount != 0);
        prop_assert_eq!(posted, at_once);
    }

    #[test]
    fn a_statement_adds_up(deals in any_deals(), rule in any_rule()) {
        let facts = facts(&deals, rule);
        let cents = |text: &str| calendar().currency.parse_amount(text).unwrap();
        for month in ["2026-02", "2026-05"] {
            let calculation = Calculation::open(&facts, period(month));
            for payee in 0..4 {
                let earnings = calculation.earn(payee, Detail::Lines);
                let statement = statement::statement(&calculation, &earnings, Some(&Posted::new()));
                let sum = |texts: Vec<&String>| texts.into_iter().map(|text| cents(text)).sum::<i64>();
                for c in &statement.components {
                    let lines = sum(c.lines.iter().map(|l| &l.amount).chain(c.reports.iter().map(|r| &r.amount)).chain(&c.repriced).collect());
                    prop_assert_eq!(lines, cents(&c.earned));
                }
                prop_assert_eq!(sum(statement.components.iter().map(|c| &c.earned).collect()), cents(&statement.earned));
                prop_assert_eq!(sum(statement.adjustments.iter().map(|a| &a.amount).collect()), cents(&statement.adjusted));
            }
        }
    }

    #[test]
    fn threads_do_not_matter(deals in any_deals(), rule in any_rule()) {
        let facts = facts(&deals, rule);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| digest(&Calculation::open(&facts, period("2026-12")).earn_all(|| {})))
        };
        prop_assert_eq!(on(1), on(2));
        prop_assert_eq!(on(1), on(8));
    }
}

#[test]
fn released_follows_earned_at_booking() {
    let facts = facts(&[booked("jan", "2026-01-20", 4_000_000)], ReversalRule::OwnDate);
    let mut posted = Posted::new();
    post(&mut posted, &facts, period("2026-01"));
    let sum =
        |kind| posted.iter().filter(|((k, _, _), _)| *k == kind).map(|(_, amount)| *amount).sum::<i128>();
    // Ann 5% of 40,000.00; Max and Dora 5% each of what rolled up to them.
    assert_eq!(sum(PostingKind::Earned), 600_000);
    assert_eq!(sum(PostingKind::Released), 600_000);
}
