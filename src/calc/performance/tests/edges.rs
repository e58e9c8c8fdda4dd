//! What is not there: rates, close dates that are over, months before the first period, texts that are empty.

use super::*;
use crate::domain::measure::{CreditKind, MeasureValue, Source};
use company::{Job, bookings, measure};

/// The company's sums over a span, with what is open, and what could not be counted.
fn sums(facts: &Facts, subject: &Subject, measure: Option<&str>, months: Months) -> (Tally, Vec<String>) {
    let look = look(facts, subject, measure, Filter::default(), months.on);
    let mut sums = look.sums(subject, &[months.span()], Some(months.whole()), &[]);
    (sums.totals.pop().unwrap(), sums.problems.iter().map(ToString::to_string).collect())
}

fn no_rate(deal: &str, on: &str) -> String {
    format!("deal {deal} needs a rate of EUR on or before {on}, and there is none")
}

#[test]
fn a_deal_won_counts_as_won_though_its_amount_has_no_rate() {
    let day = "2024-02-01";
    let won = |id: &str| deal(id, "ann", Outcome::Won, &["EUR", "amount 100.00", "close 2024-02-01"]);
    let lost = |id: &str| deal(id, "ann", Outcome::Lost, &["amount 1.00", "close 2024-02-01"]);
    let facts = facts(&PEOPLE, &[won("A"), won("B"), won("C"), lost("D"), lost("E"), lost("F")]);
    let (tally, problems) = sums(&facts, &Subject::Company, None, quarter());
    assert_eq!((tally.won, tally.lost, shown(tally.win_rate())), (3, 3, "50".into()));
    assert_eq!((tally.average_deal(), tally.amounts), (None, (0, Exact::ZERO)));
    assert_eq!(problems, [no_rate("A", day), no_rate("B", day), no_rate("C", day)]);
}

#[test]
fn units_and_counts_are_booked_though_the_margin_beside_them_has_no_rate() {
    let mut builder = builder(&PEOPLE);
    for (id, value) in [("units", MeasureValue::Quantity), ("deals", MeasureValue::Count)] {
        builder.measure(measure(id, Source::Credits(Selection { value, ..bookings(CreditKind::Direct) })));
    }
    let said = ["EUR", "amount 100.00", "cost 60.00", "quantity 10", "booked 2024-02-01"];
    builder.tell(&deal("A", "ann", Outcome::Won, &said)).unwrap();
    // Without a cost there is no margin that could lack a rate.
    builder.tell(&deal("B", "ann", Outcome::Won, &["EUR", "quantity 5", "booked 2024-02-02"])).unwrap();
    let facts = builder.build().unwrap();
    let ann = Subject::Payee(who(&facts, "ann"));
    let told = |measure: &str| {
        let look = look(&facts, &ann, Some(measure), Filter::default(), quarter().on);
        let mut credits = Vec::new();
        look.credits(&ann, &[quarter().span()], &mut |_, item| credits.push(item.map(|item| item.what)));
        let problems = credits.iter().filter_map(|item| item.as_ref().err()).map(ToString::to_string);
        let problems: Vec<String> = problems.collect();
        let (tally, _) = sums(&facts, &ann, Some(measure), quarter());
        (tally.booked, tally.margin, tally.units, problems)
    };
    let fifteen = Exact::whole(15_000_000);
    let problems = vec![no_rate("A", "2024-02-01")];
    assert_eq!(told("units"), (fifteen.clone(), None, Some(fifteen.clone()), problems.clone()));
    assert_eq!(told("deals"), (Exact::whole(2_000_000), None, Some(fifteen), problems));
    // What is counted itself without a rate is left out.
    let both = vec![no_rate("A", "2024-02-01"), no_rate("B", "2024-02-02")];
    assert_eq!(told("own"), (Exact::ZERO, None, None, both));
}

#[test]
fn an_open_deal_is_expected_after_the_day_looked_from_by_whoever_is_there_then() {
    let leaving: [Job; 3] = [
        PEOPLE[0],
        ("bob", "AE", "max", "", "2023-01-01", "2024-03-20"),
        ("max", "", "", "", "2023-01-01", ""),
    ];
    let open = |id: &str, close: &str| {
        let said = ["amount 1000.00", "chance 10", close, "split ann 60", "split bob 40"];
        deal(id, "bob", Outcome::Open, &said)
    };
    let deals = [open("A", "close 2024-03-19"), open("B", "close 2024-03-25"), open("C", "close 2024-04-01")];
    let facts = facts(&leaving, &deals);
    // The day, amount, expected and weighted: on the 18th all of A and ann's part of B, from which bob is gone; on the 19th
    // A is overdue, on the 25th B too. C is beyond the quarter.
    for (on, amount, expected, weighted) in [
        ("2024-03-18", "3000.00", "1600.00", "160.00"),
        ("2024-03-19", "3000.00", "600.00", "60.00"),
        ("2024-03-24", "1800.00", "600.00", "60.00"),
        ("2024-03-25", "1800.00", "0.00", "0.00"),
    ] {
        let months = Months { on: day(on), ..quarter() };
        let (tally, _) = sums(&facts, &Subject::Team(who(&facts, "max")), None, months);
        let open = tally.open;
        assert_eq!(
            (open.amount, open.expected, open.expected_weighted),
            (cents(amount), cents(expected), cents(weighted)),
            "{on}"
        );
    }
}

#[test]
fn nothing_before_the_first_period_counts() {
    let won = ["amount 10.00", "customer c1", "close 2023-12-31", "booked 2023-12-31"];
    let lost = ["close 2023-12-31"];
    let later = ["amount 5.00", "customer c1", "close 2024-01-01", "booked 2024-01-01"];
    let facts = facts(
        &PEOPLE,
        &[
            deal("A", "ann", Outcome::Won, &won),
            deal("B", "ann", Outcome::Lost, &lost),
            deal("C", "ann", Outcome::Won, &later),
        ],
    );
    let months = Months { first: period("2023-12"), last: period("2024-01"), on: day("2024-01-31") };
    let look = look(&facts, &Subject::Company, None, Filter::default(), months.on);
    let sums = look.sums(&Subject::Company, &[months.span(), months.before(2)], None, &[Dimension::Month]);
    let [span, before] = &sums.totals[..] else { unreachable!() };
    // The customer is known by its booking of December.
    assert_eq!((&span.booked, span.won, span.lost, span.new_customers), (&cents("5.00"), 1, 0, 0));
    assert_eq!(before, &Tally::default());
    assert_eq!(sums.parts[0].keys().collect::<Vec<_>>(), [&Part::Month(period("2024-01"))]);
}

#[test]
fn an_empty_attribute_is_one_that_is_not_stated() {
    let facts = facts(
        &PEOPLE,
        &[
            deal("A", "ann", Outcome::Won, &["amount 100.00", "sector ", "booked 2024-02-01"]),
            deal("B", "ann", Outcome::Won, &["amount 50.00", "booked 2024-02-01"]),
            deal("C", "ann", Outcome::Won, &["amount 7.00", "sector tech", "booked 2024-02-01"]),
        ],
    );
    let filter = Filter { segment: Some((sector(), None)), ..Filter::default() };
    let look = look(&facts, &Subject::Company, None, filter, quarter().on);
    let cuts = [Dimension::Segment(sector())];
    let sums = look.sums(&Subject::Company, &[quarter().span()], None, &cuts);
    assert_eq!(sums.totals[0].booked, cents("150.00"));
    assert_eq!(sums.parts[0][&Part::Text("")].booked, cents("150.00"));
}

#[test]
fn a_title_is_that_of_the_day_or_the_last_before_and_a_peer_is_there() {
    let people: [Job; 4] = [
        ("ann", "AE", "", "", "2023-01-01", ""),
        ("bob", "SDR", "", "", "2023-01-01", "2023-06-01"),
        ("bob", "AE", "", "", "2023-06-01", "2024-02-10"),
        ("cyd", "AE", "", "", "2024-04-01", ""),
    ];
    let facts = facts(&people, &[]);
    let title = |id: &str, on: &str| board::title(&facts, who(&facts, id), day(on));
    assert_eq!(title("bob", "2022-12-31"), None);
    assert_eq!(title("bob", "2023-05-31"), Some("SDR"));
    assert_eq!(title("bob", "2024-02-09"), Some("AE"));
    assert_eq!(title("bob", "2024-03-31"), Some("AE"));
    assert_eq!(title("cyd", "2024-03-31"), None);
    // Who has left, or is not there yet, sells nothing to be compared with.
    let ann = who(&facts, "ann");
    assert_eq!(peers(&facts, ann, day("2024-02-09")), [who(&facts, "bob")]);
    assert_eq!(peers(&facts, ann, day("2024-03-31")), Vec::<u32>::new());
}

/// A booking in a month whose refund in the next names what is not there.
fn unclear(id: &str, owner: &str, booked: &str, refunded: &str) -> Deal {
    let said = [format!("booked {booked}"), format!("product {owner}")];
    let said: Vec<&str> = ["amount 100.00"].into_iter().chain(said.iter().map(String::as_str)).collect();
    let mut deal = deal(id, owner, Outcome::Won, &said);
    deal.events.push(DealEvent {
        id: "refund".parse().unwrap(),
        kind: EventKind::Refunded,
        day: day(refunded),
        amount: None,
        cost: None,
        quantity: None,
        reverses: vec![Reversed { event: "nothing".parse().unwrap(), amount: None }],
        source_version: None,
    });
    deal
}

#[test]
fn a_problem_is_told_where_its_deal_would_count() {
    let deals = [
        unclear("A", "ann", "2024-01-10", "2024-02-10"),
        unclear("B", "bob", "2024-01-10", "2024-02-10"),
        unclear("C", "cyd", "2024-01-10", "2024-02-10"),
    ];
    let facts = facts(&PEOPLE, &deals);
    let all: Vec<u32> = (0..6).collect();
    let told = |subject: Subject, measure: Option<&str>, product: Option<&str>, first: &str| {
        let id = measure.map(|id| id.parse::<MeasureId>().unwrap());
        let named = id.as_ref().map(|id| (id, facts.measures[id].selection().unwrap()));
        let filter = Filter { product: product.map(|id| id.parse().unwrap()), ..Filter::default() };
        // The book knows everybody, as where peers are compared.
        let look = Look::open(&facts, Some(&all), named, filter, calendar().currency, quarter().on);
        let months = Months { first: period(first), last: period(first), on: quarter().on };
        let problems = look.sums(&subject, &[months.span()], None, &[]).problems;
        let of = |problem: &Problem| match problem {
            Problem::ReversalUnknown { deal, .. } => deal.clone(),
            other => panic!("{other}"),
        };
        problems.iter().map(of).collect::<Vec<String>>()
    };
    let (ann, max) = (who(&facts, "ann"), who(&facts, "max"));
    let none = Vec::<String>::new();
    assert_eq!(told(Subject::Payee(ann), None, None, "2024-02"), ["A"]);
    assert_eq!(told(Subject::Payee(ann), None, None, "2024-01"), none);
    assert_eq!(told(Subject::Payee(ann), None, Some("bob"), "2024-02"), none);
    assert_eq!(told(Subject::Payee(max), None, None, "2024-02"), none);
    assert_eq!(told(Subject::Payee(max), Some("team"), None, "2024-02"), ["A", "B"]);
    assert_eq!(told(Subject::Team(max), None, None, "2024-02"), ["A", "B"]);
    assert_eq!(told(Subject::Team(max), None, Some("bob"), "2024-02"), ["B"]);
    assert_eq!(told(Subject::Territory("north".parse().unwrap()), None, None, "2024-02"), ["A", "C"]);
    assert_eq!(told(Subject::Company, None, None, "2024-02"), ["A", "B", "C"]);
}

#[test]
fn the_measure_of_a_list_is_that_of_the_most_quotas_in_the_window_or_its_year() {
    let of = |quotas: &[(&str, &str, &str)]| {
        let mut builder = builder(&PEOPLE);
        for (payee, measure, window) in quotas {
            let window = calendar().parse_window(window).unwrap();
            let key = QuotaKey { payee: payee.parse().unwrap(), measure: measure.parse().unwrap(), window };
            builder.quota(Quota::stated(key, calendar().currency, Amount::Money(100))).unwrap();
        }
        let facts = builder.build().unwrap();
        let some = ["ann", "bob", "cyd"].map(|id| who(&facts, id)).into();
        let window = calendar().parse_window("FY2024-Q1").unwrap();
        shared(&facts, &some, window).map(ToString::to_string)
    };
    let (ann, bob, year) = (("ann", "own", "FY2024-Q1"), ("bob", "own", "FY2024"), ("cyd", "all", "FY2024"));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[year, ann, bob]).as_deref(), Some("own"));
    assert_eq!(of(&[year, ann]).as_deref(), Some("all"));
    // Neither another window nor somebody else counts.
    let others = [("bob", "all", "FY2024-Q2"), ("dan", "all", "FY2024-Q1"), ("max", "all", "FY2024-Q1")];
    assert_eq!(of(&[&others[..], &[year, ann, bob]].concat()).as_deref(), Some("own"));
}

#[test]
fn a_deal_is_won_lost_without_a_day_or_open_and_only_one_of_them() {
    let deals = [
        // Won on its close date, on the day of its first event, on none.
        deal("A", "ann", Outcome::Won, &["close 2024-03-31", "booked 2024-04-01"]),
        deal("B", "ann", Outcome::Won, &["booked 2024-01-01", "refund 2024-02-01"]),
        deal("C", "ann", Outcome::Won, &[]),
        // Lost on its close date, and on none though something was booked.
        deal("D", "ann", Outcome::Lost, &["close 2024-01-01"]),
        deal("E", "ann", Outcome::Lost, &["booked 2024-02-01"]),
        // Open; what was booked already is no longer in the pipeline.
        deal("F", "ann", Outcome::Open, &["close 2024-02-01"]),
        deal("G", "ann", Outcome::Open, &["booked 2024-02-01"]),
        deal("H", "ann", Outcome::Won, &["close 2024-04-01"]),
    ];
    let facts = facts(&PEOPLE, &deals);
    let ann = who(&facts, "ann");
    let ids = |deals: &[u32]| deals.iter().map(|deal| facts.deal_id(*deal)).collect::<String>();
    let (first, next) = (day("2024-01-01"), day("2024-04-01"));
    assert_eq!(ids(facts.decided(ann, first, next)), "BDA");
    assert_eq!(ids(facts.decided(ann, first, first)), "");
    assert_eq!(ids(facts.decided(ann, next, next.next())), "H");
    assert_eq!((ids(facts.undated(ann)), ids(facts.waiting(ann))), ("CE".into(), "F".into()));
    assert_eq!(ids(facts.owned(ann)), "BDAHCEFG");
    let look = look(&facts, &Subject::Company, None, Filter::default(), quarter().on);
    assert_eq!(look.undated(&Subject::Company), 2);
    let (tally, _) = sums(&facts, &Subject::Company, None, quarter());
    assert_eq!((tally.won, tally.lost, tally.open.deals), (2, 1, 1));
}
