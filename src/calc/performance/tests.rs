//! A small company with every figure worked by hand, and the boundaries. That parts sum to the whole is in `parts`.

mod company;
mod edges;
mod parts;

use super::*;
use crate::domain::date::WindowKind;
use crate::domain::deal::{Deal, DealEvent, EventKind, Outcome, Reversed};
use crate::domain::measure::Amount;
use crate::domain::number::Quantity;
use crate::domain::outside::{OutsideValue, ValueKey};
use crate::domain::quota::{Quota, QuotaKey};
use company::{PEOPLE, builder, calendar, day, deal, deals, facts, period, sector};

fn quarter() -> Months {
    Months { first: period("2024-01"), last: period("2024-03"), on: day("2024-03-31") }
}

fn who(facts: &Facts, id: &str) -> u32 {
    facts.payee(&id.parse().unwrap()).unwrap()
}

fn look<'f>(facts: &'f Facts, subject: &Subject, measure: Option<&str>, filter: Filter, on: Day) -> Look<'f> {
    let payees = match subject {
        Subject::Payee(payee) | Subject::Team(payee) => Some(vec![*payee]),
        Subject::Territory(_) | Subject::Company => None,
    };
    let id = measure.map(|id| id.parse::<MeasureId>().unwrap());
    let named = id.as_ref().map(|id| (id, facts.measures[id].selection().unwrap()));
    Look::open(facts, payees.as_deref(), named, filter, calendar().currency, on)
}

/// The figures of a subject over the quarter.
fn tally(facts: &Facts, subject: &Subject, measure: Option<&str>, filter: Filter) -> Tally {
    let look = look(facts, subject, measure, filter, quarter().on);
    let mut sums = look.sums(subject, &[quarter().span()], Some(quarter().whole()), &[]);
    assert_eq!(sums.problems, BTreeSet::new());
    sums.totals.pop().unwrap()
}

fn cents(text: &str) -> Exact {
    Exact::whole(calendar().currency.parse_amount(text.trim_start_matches('-')).unwrap().into())
        .mul(&Exact::whole(if text.starts_with('-') { -1 } else { 1 }))
}

fn shown(exact: Option<Exact>) -> String {
    exact.map_or_else(|| "-".into(), |exact| exact.text(6))
}

#[test]
fn the_figures_of_a_company_are_those_worked_by_hand() {
    let facts = facts(&PEOPLE, &deals());
    let all = tally(&facts, &Subject::Company, None, Filter::default());
    // January 500; February 2,000 + 100; March 1,000 - 500 refunded + 100 EUR at 1.10.
    assert_eq!(all.booked, cents("3210.00"));
    // Of 1,000 and 2,000 that state a cost: 400 + 1,000 of 3,000.
    assert_eq!(all.margin, Some((cents("3000.00"), cents("1400.00"))));
    assert_eq!(shown(all.margin_percent()), "46.666667");
    assert_eq!(all.units, Some(Exact::whole(15_000_000)));
    // D9 says no day and had no event.
    assert_eq!((all.won, all.lost), (5, 1));
    assert_eq!(shown(all.win_rate()), "83.333333");
    assert_eq!(all.amounts, (5, cents("3710.00")));
    assert_eq!(all.average_deal(), Some(cents("742.00")));
    // 2 days over the 29th of February, 21 and 9; 32 / 3.
    assert_eq!(all.cycles, BTreeMap::from([(2, 1), (9, 1), (21, 1)]));
    assert_eq!((shown(all.mean_cycle()), shown(all.median_cycle())), ("10.666667".into(), "9".into()));
    // c2 in January, c1 in February (not again in March), c3 in March.
    assert_eq!(all.new_customers, 3);
    // 300 x 50 % + 1,000 x 10 %; 200 EUR without a chance, at the rate of the 31st of March.
    let open = Opportunity {
        deals: 3,
        amount: cents("1520.00"),
        weighted: cents("250.00"),
        unlikely: cents("220.00"),
        // D7 was to close on the 25th.
        expected: Exact::ZERO,
        expected_weighted: Exact::ZERO,
    };
    assert_eq!(all.open, open);
    let look = look(&facts, &Subject::Company, None, Filter::default(), quarter().on);
    assert_eq!(look.undated(&Subject::Company), 1);
}

#[test]
fn each_member_team_and_territory_has_its_part() {
    let facts = facts(&PEOPLE, &deals());
    let id = |id: &str| who(&facts, id);
    let north = Subject::Territory("north".parse().unwrap());
    let south = Subject::Territory("south".parse().unwrap());
    // Who, booked, margin percent, won, lost, win rate, new customers, open deals, open amount, weighted.
    let table = [
        (Subject::Payee(id("ann")), "1900.00", "44.444444", 3, 0, "100", 1, 1, "800.00", "200.00"),
        (Subject::Payee(id("bob")), "1200.00", "50", 1, 1, "50", 1, 1, "500.00", "50.00"),
        (Subject::Payee(id("cyd")), "110.00", "-", 1, 0, "100", 1, 1, "220.00", "0.00"),
        (Subject::Payee(id("dan")), "0.00", "-", 0, 0, "-", 0, 0, "0.00", "0.00"),
        (Subject::Payee(id("max")), "0.00", "-", 0, 0, "-", 0, 0, "0.00", "0.00"),
        (Subject::Team(id("max")), "3100.00", "46.666667", 4, 1, "80", 2, 2, "1300.00", "250.00"),
        (Subject::Team(id("dora")), "3210.00", "46.666667", 5, 1, "83.333333", 3, 3, "1520.00", "250.00"),
        (Subject::Team(id("ann")), "1900.00", "44.444444", 3, 0, "100", 1, 1, "800.00", "200.00"),
        (north, "2010.00", "44.444444", 4, 0, "100", 2, 2, "1020.00", "200.00"),
        (south, "1200.00", "50", 1, 1, "50", 1, 1, "500.00", "50.00"),
    ];
    for (subject, booked, margin, won, lost, rate, new, deals, open, weighted) in table {
        let tally = tally(&facts, &subject, None, Filter::default());
        assert_eq!(tally.booked, cents(booked), "{subject:?}");
        assert_eq!(shown(tally.margin_percent()), margin, "{subject:?}");
        assert_eq!((tally.won, tally.lost, shown(tally.win_rate())), (won, lost, rate.into()), "{subject:?}");
        assert_eq!((tally.new_customers, tally.open.deals), (new, deals), "{subject:?}");
        assert_eq!((tally.open.amount, tally.open.weighted), (cents(open), cents(weighted)), "{subject:?}");
    }
}

#[test]
fn a_measure_counts_for_a_payee_what_it_counts_in_attainment() {
    let facts = facts(&PEOPLE, &deals());
    let booked = |who: Subject, measure| tally(&facts, &who, measure, Filter::default()).booked;
    let (dan, max, ann) = (who(&facts, "dan"), who(&facts, "max"), who(&facts, "ann"));
    // The specialist's overlay is its credit of a measure, and nobody's without one.
    assert_eq!(booked(Subject::Payee(dan), Some("own")), cents("50.00"));
    assert_eq!(booked(Subject::Payee(dan), None), Exact::ZERO);
    assert_eq!(booked(Subject::Payee(max), Some("team")), cents("3100.00"));
    assert_eq!(booked(Subject::Payee(max), Some("own")), Exact::ZERO);
    assert_eq!(booked(Subject::Payee(ann), Some("own")), cents("1900.00"));
    assert_eq!(booked(Subject::Team(max), Some("team")), cents("3100.00"));
    assert_eq!(booked(Subject::Company, Some("own")), cents("3210.00"));
}

#[test]
fn deals_are_narrowed_by_product_customer_and_segment() {
    let facts = facts(&PEOPLE, &deals());
    let product = |id: &str| Filter { product: Some(id.parse().unwrap()), ..Filter::default() };
    let customer = |id: &str| Filter { customer: Some(id.parse().unwrap()), ..Filter::default() };
    let segment = |value: Option<&str>| Filter {
        segment: Some((sector(), value.map(String::from))),
        ..Filter::default()
    };
    let both = Filter { segment: segment(Some("tech")).segment, ..product("p1") };
    // Filter, booked, won, lost, new customers, open amount.
    for (filter, booked, won, lost, new, open) in [
        (product("p1"), "3000.00", 2, 0, 1, "300.00"),
        (product("p2"), "0.00", 1, 0, 1, "0.00"),
        (product("p3"), "0.00", 0, 0, 0, "0.00"),
        (customer("c2"), "100.00", 2, 0, 1, "0.00"),
        (segment(Some("retail")), "3000.00", 2, 0, 1, "0.00"),
        (segment(None), "210.00", 2, 1, 1, "1520.00"),
        (both, "0.00", 0, 0, 0, "0.00"),
    ] {
        let tally = tally(&facts, &Subject::Company, None, filter.clone());
        assert_eq!(tally.booked, cents(booked), "{filter:?}");
        assert_eq!((tally.won, tally.lost, tally.new_customers), (won, lost, new), "{filter:?}");
        assert_eq!(tally.open.amount, cents(open), "{filter:?}");
    }
}

#[test]
fn months_grow_against_the_month_before_and_a_refund_may_make_one_negative() {
    let facts = facts(&PEOPLE, &deals());
    let look = look(&facts, &Subject::Company, None, Filter::default(), quarter().on);
    let sums =
        look.sums(&Subject::Company, &[quarter().span()], None, &[Dimension::Month, Dimension::Product]);
    let month = |text: &str| sums.parts[0][&Part::Month(period(text))].booked.clone();
    let (january, february, march) = (month("2024-01"), month("2024-02"), month("2024-03"));
    assert_eq!([&january, &february, &march], [&cents("500.00"), &cents("2100.00"), &cents("610.00")]);
    assert_eq!(shown(growth(&february, &january)), "320");
    assert_eq!(shown(growth(&march, &february)), "-70.952381");
    assert_eq!(growth(&january, &Exact::ZERO), None);
    let negative = Months { first: period("2024-03"), ..quarter() };
    let filter = Filter { product: Some("p2".parse().unwrap()), ..Filter::default() };
    let look = self::look(&facts, &Subject::Company, None, filter, quarter().on);
    let refunded = look.sums(&Subject::Company, &[negative.span()], None, &[]).totals.pop().unwrap();
    assert_eq!(refunded.booked, cents("-500.00"));
    assert_eq!(growth(&january, &refunded.booked), None);
}

#[test]
fn what_is_dated_after_the_day_does_not_count_and_rates_are_those_of_the_day() {
    let facts = facts(&PEOPLE, &deals());
    // Day, booked, won, lost, open amount: 200 EUR have no rate before March, 1.10 in March, 1.20 from April on.
    for (on, booked, won, lost, open, problems) in [
        ("2024-01-30", "0.00", 0, 0, "1300.00", 1),
        ("2024-01-31", "500.00", 1, 0, "1300.00", 1),
        ("2024-03-01", "3600.00", 4, 0, "1520.00", 0),
        ("2024-03-19", "3710.00", 5, 1, "1520.00", 0),
        ("2024-04-10", "3210.00", 5, 1, "1540.00", 0),
    ] {
        let months = Months { on: day(on), ..quarter() };
        let look = look(&facts, &Subject::Company, None, Filter::default(), months.on);
        let sums = look.sums(&Subject::Company, &[months.span()], Some(months.whole()), &[]);
        let tally = &sums.totals[0];
        assert_eq!((&tally.booked, tally.won, tally.lost), (&cents(booked), won, lost), "{on}");
        assert_eq!(tally.open.amount, cents(open), "{on}");
        let problems: Vec<_> = (0..problems)
            .map(|_| Problem::RateMissing {
                deal: "D8".into(),
                currency: Currency::parse("EUR").unwrap(),
                day: day(on),
            })
            .collect();
        assert_eq!(sums.problems.into_iter().collect::<Vec<_>>(), problems, "{on}");
    }
}

#[test]
fn nothing_at_all_and_one_deal_lost_are_not_a_win_rate_of_zero_alike() {
    let nothing = tally(&facts(&PEOPLE, &[]), &Subject::Company, None, Filter::default());
    assert_eq!(nothing, Tally::default());
    for figure in Figure::TALLIED {
        let counted = [
            Figure::Booked,
            Figure::DealsWon,
            Figure::NewCustomers,
            Figure::Pipeline,
            Figure::WeightedPipeline,
        ];
        let expected = counted.contains(&figure).then_some(Exact::ZERO);
        assert_eq!(nothing.value(figure), expected, "{figure:?}");
    }
    assert_eq!(nothing.median_cycle(), None);
    let lost = deal("D", "ann", Outcome::Lost, &["amount 1.00", "open 2024-01-01", "close 2024-03-31"]);
    let one = tally(&facts(&PEOPLE, &[lost]), &Subject::Company, None, Filter::default());
    assert_eq!((one.won, one.lost, shown(one.win_rate())), (0, 1, "0".into()));
    assert_eq!((one.average_deal(), one.mean_cycle()), (None, None));
}

#[test]
fn a_member_counts_for_a_team_on_the_days_it_is_in_it() {
    let people = [
        ("ann", "AE", "max", "", "2023-01-01", ""),
        ("bob", "AE", "max", "", "2023-01-01", "2024-03-01"),
        ("bob", "AE", "dora", "", "2024-03-01", ""),
        PEOPLE[2],
        PEOPLE[3],
        PEOPLE[4],
        PEOPLE[5],
    ];
    let mut deals = deals();
    // Taken back in March, when bob is no longer with max: it stays with whom it was booked.
    deals[2].events.push(DealEvent {
        id: "refund".parse().unwrap(),
        kind: EventKind::Refunded,
        day: day("2024-03-25"),
        amount: None,
        cost: None,
        quantity: None,
        reverses: vec![Reversed { event: "booked".parse().unwrap(), amount: Some(50_000) }],
        source_version: None,
    });
    let facts = facts(&people, &deals);
    let max = Subject::Team(who(&facts, "max"));
    let tally = tally(&facts, &max, None, Filter::default());
    // 3,100 less all of 500; the deal lost in March and the open one of bob are dora's.
    assert_eq!((tally.booked, tally.won, tally.lost), (cents("2600.00"), 4, 0));
    assert_eq!((tally.open.deals, tally.open.amount), (1, cents("800.00")));
    let names = |span: Span| -> Vec<String> {
        max.present(&facts, span.from, span.to)
            .into_iter()
            .map(|payee| facts.payee_id(payee).to_string())
            .collect()
    };
    assert_eq!(names(quarter().whole()), ["ann", "bob", "max"]);
    let april = Months { first: period("2024-04"), last: period("2024-04"), on: day("2024-04-30") };
    assert_eq!(names(april.whole()), ["ann", "max"]);
}

#[test]
fn equals_share_a_place_and_what_is_undefined_has_none() {
    let facts = facts(&PEOPLE, &deals());
    let look = look(&facts, &Subject::Company, None, Filter::default(), quarter().on);
    let sums =
        look.sums(&Subject::Company, &[quarter().span()], Some(quarter().whole()), &[Dimension::Member]);
    let places = |figure: Figure| {
        let whole = quarter().whole();
        let everyone = Subject::Company.present(&facts, whole.from, whole.to).into_iter();
        let values = everyone.map(|payee| {
            let tally = sums.parts[0].get(&Part::Text(facts.payee_id(payee).as_str())).cloned();
            (payee, tally.unwrap_or_default().value(figure))
        });
        let line =
            |line: Line| format!("{:?} {}", line.place.unwrap_or_default(), facts.payee_id(line.payee));
        board(values, figure.least_first()).into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(places(Figure::DealsWon), ["1 ann", "2 bob", "2 cyd", "4 dan", "4 dora", "4 max"]);
    assert_eq!(places(Figure::WinRate), ["1 ann", "1 cyd", "3 bob", "0 dan", "0 dora", "0 max"]);
    // The shortest first: bob's 9 days, ann's 2 and 21.
    assert_eq!(places(Figure::MeanCycle)[..2], ["1 bob", "2 ann"]);
    assert!(board([], false).is_empty());
}

#[test]
fn peers_have_the_same_title_and_four_of_them_make_no_median() {
    let facts = facts(&PEOPLE, &deals());
    let ann = who(&facts, "ann");
    let others = peers(&facts, ann, day("2024-03-31"));
    let names: Vec<_> = others.iter().map(|payee| facts.payee_id(*payee).as_str()).collect();
    assert_eq!(names, ["bob", "cyd", "dan"]);
    let mut tallies: Vec<Tally> =
        others.iter().map(|payee| tally(&facts, &Subject::Payee(*payee), None, Filter::default())).collect();
    tallies.push(Tally { booked: cents("300.00"), won: 1, ..Tally::default() });
    assert_eq!(medians(&tallies), BTreeMap::new());
    tallies.push(Tally { booked: cents("50.00"), lost: 1, ..Tally::default() });
    let medians = medians(&tallies);
    // 1,200, 300, 110, 50 and 0; a win rate have four of them.
    assert_eq!(medians[&Figure::Booked], (cents("110.00"), 5));
    assert_eq!(medians[&Figure::Pipeline], (cents("0.00"), 5));
    assert_eq!(medians.get(&Figure::WinRate), None);
    assert_eq!(peers(&facts, who(&facts, "max"), day("2024-03-31")), Vec::<u32>::new());
    let exact = |list: &[i128]| list.iter().map(|value| Exact::whole(*value)).collect::<Vec<_>>();
    assert_eq!(shown(median(exact(&[4, 1, 2, 3]))), "2.5");
    assert_eq!(shown(median(exact(&[3, 1, 2]))), "2");
    assert_eq!(median(Vec::new()), None);
}

#[test]
fn past_spans_end_on_the_same_day() {
    for (first, last, on, months, from, to) in [
        ("2024-03", "2024-03", "2024-03-31", 1, "2024-02-01", "2024-03-01"),
        ("2024-03", "2024-03", "2024-03-30", 1, "2024-02-01", "2024-03-01"),
        ("2024-03", "2024-03", "2024-03-15", 1, "2024-02-01", "2024-02-16"),
        ("2024-02", "2024-02", "2024-02-29", 12, "2023-02-01", "2023-03-01"),
        ("2024-02", "2024-02", "2024-02-28", 12, "2023-02-01", "2023-03-01"),
        ("2023-02", "2023-02", "2023-02-28", -12, "2024-02-01", "2024-03-01"),
        ("2024-01", "2024-03", "2024-02-10", 3, "2023-10-01", "2023-11-11"),
        ("2024-01", "2024-03", "2024-05-10", 3, "2023-10-01", "2024-01-01"),
    ] {
        let span = Months { first: period(first), last: period(last), on: day(on) }.before(months);
        assert_eq!((span.from, span.to), (day(from), day(to)), "{first} {last} {on} {months}");
    }
}

#[test]
fn goals_are_attainment_in_the_smallest_window_that_holds_the_span() {
    let mut builder = builder(&PEOPLE);
    deals().iter().for_each(|deal| builder.tell(deal).unwrap());
    let calls =
        ValueKey { payee: "ann".parse().unwrap(), measure: "calls".parse().unwrap(), day: day("2024-02-05") };
    builder
        .value(&OutsideValue {
            key: calls,
            value: Some(Quantity::parse("30").unwrap()),
            source_version: None,
        })
        .unwrap();
    for (measure, window, amount) in [
        ("own", "FY2024-Q1", Amount::Money(400_000)),
        ("calls", "FY2024-Q1", Amount::Number(Quantity::parse("40").unwrap())),
        ("own", "FY2024-Q2", Amount::Money(1)),
    ] {
        let window = calendar().parse_window(window).unwrap();
        let key = QuotaKey { payee: "ann".parse().unwrap(), measure: measure.parse().unwrap(), window };
        builder.quota(Quota::stated(key, calendar().currency, amount)).unwrap();
    }
    let facts = builder.build().unwrap();
    let ann = who(&facts, "ann");
    let look = look(&facts, &Subject::Payee(ann), None, Filter::default(), quarter().on);
    let window = quarter().window(&calendar()).unwrap();
    assert_eq!(window, calendar().window(WindowKind::Quarter, period("2024-02")));
    let quoted = Quoted::of(&facts);
    let goals: Vec<String> = quoted
        .goals(&look.calculation, ann, None, (window, quarter().on))
        .map(|goal| goal.map(|goal| format!("{} {}", goal.measure, shown(percent(Some(&goal))))).unwrap())
        .collect();
    // 30 of 40 calls; 1,900 of 4,000.
    assert_eq!(goals, ["calls 75", "own 47.5"]);
    let over =
        |first: &str, last: &str| Months { first: period(first), last: period(last), on: day("2024-12-31") };
    let text = |months: Months| months.window(&calendar()).map(|window| calendar().window_text(window));
    assert_eq!(text(over("2024-02", "2024-02")).as_deref(), Some("2024-02"));
    assert_eq!(text(over("2024-01", "2024-02")).as_deref(), Some("FY2024-Q1"));
    assert_eq!(text(over("2024-03", "2024-04")).as_deref(), Some("FY2024-H1"));
    assert_eq!(text(over("2024-01", "2024-08")).as_deref(), Some("FY2024"));
    assert_eq!(text(over("2023-12", "2024-01")), None);
}
