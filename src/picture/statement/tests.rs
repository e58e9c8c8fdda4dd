use super::*;
use crate::picture::tests::reader::{Page, read};

fn tier(edge: &str, rate: &str, credited: &str, earned: &str) -> v1::TierLine {
    v1::TierLine {
        edge_percent: edge.into(),
        rate_percent: rate.into(),
        credited: credited.into(),
        earned: earned.into(),
        ..v1::TierLine::default()
    }
}

fn line(number: usize, earned: &str) -> v1::StatementLine {
    v1::StatementLine {
        event_date: "2026-03-04".into(),
        deal_id: format!("D-{number}"),
        event_id: "booked".into(),
        reversed_event_id: String::new(),
        credited: "1000.00".into(),
        earned: earned.into(),
        limited: false,
    }
}

/// 80,000.00 of a quota of 75,000.00: 5 % on the first 75,000.00, 8 % on the rest.
fn component() -> v1::ComponentStatement {
    let segment = v1::Segment {
        start_date: "2026-01-01".into(),
        end_date: "2026-04-01".into(),
        plan_version: 1,
        measure_id: "bookings".into(),
        quota: Some("75000.00".into()),
        credited: "80000.00".into(),
        attainment_percent: Some("106.666667".into()),
        tiers: vec![
            tier("0", "5", "75000.00", "3750.00"),
            tier("100", "8", "5000.00", "400.00"),
            tier("120", "10", "0.00", "0.00"),
        ],
        earned: "4150.00".into(),
        payout: "rates".into(),
        ..v1::Segment::default()
    };
    v1::ComponentStatement {
        plan_id: "sales".into(),
        component_id: "commission".into(),
        name: "Commission".into(),
        window: "FY2026-Q1".into(),
        earned: "1234.50".into(),
        earned_to_date: "4150.00".into(),
        segments: vec![segment],
        lines: vec![line(1, "80.00")],
        currency_code: "USD".into(),
        ..v1::ComponentStatement::default()
    }
}

fn statement(components: Vec<v1::ComponentStatement>) -> v1::Statement {
    v1::Statement {
        payee_id: "E-1".into(),
        period: "2026-03".into(),
        state: State::Open.into(),
        currency_code: "USD".into(),
        earned: "1234.50".into(),
        adjusted: "0.00".into(),
        total: "1234.50".into(),
        components,
        as_of_change: 17,
        rules_revision: 1,
        digest: "9f86d081884c7d659a2feaa0c55ad015".into(),
        ..v1::Statement::default()
    }
}

fn attainment(window: &str, credited: &str, quota: Option<&str>, percent: Option<&str>) -> v1::Attainment {
    v1::Attainment {
        measure_id: "bookings".into(),
        window: window.into(),
        credited: credited.into(),
        quota: quota.map(Into::into),
        attainment_percent: percent.map(Into::into),
        currency_code: "USD".into(),
        ..v1::Attainment::default()
    }
}

fn drawn(statement: &v1::Statement) -> Page {
    shown(statement, &[], &[])
}

fn shown(statement: &v1::Statement, attainments: &[v1::Attainment], months: &[v1::Attainment]) -> Page {
    read(&page(&Sheet { statement, attainments, months, on_date: "2026-03-20" }))
}

#[test]
fn a_page_shows_every_figure_of_the_statement() {
    let attainments = [
        attainment("FY2026-Q1", "80000.00", Some("75000.00"), Some("106.666667")),
        attainment("FY2026", "1.00", None, None),
    ];
    let months = [
        attainment("2026-01", "45000.00", Some("25000.00"), None),
        attainment("2026-02", "-1500.00", None, None),
        attainment("2026-03", "36500.00", None, None),
        attainment("2026-04", "", Some("26000.00"), None),
    ];
    let page = shown(&statement(vec![component()]), &attainments, &months);
    for figure in [
        "March 2026",
        "E-1",
        "open",
        "1,234.50",
        "4,150.00",
        "80,000.00",
        "75,000.00",
        "106.6 %",
        "5 %",
        "8 %",
        "10 %",
        "3,750.00",
        "5,000.00",
        "400.00",
        "4 Mar",
        "D-1",
        "1,000.00",
        "80.00",
        "45,000.00",
        "-1,500.00",
        "36,500.00",
        "25,000.00",
        "26,000.00",
        "change 17",
        "9f86d081884c",
        "up to 20 Mar",
    ] {
        assert!(page.text.contains(figure), "{figure}\n{}", page.text);
    }
    assert!(
        page.text.contains("10,000.00 more reach 10 %, the tier from 120 % of Commission."),
        "{}",
        page.text
    );
    assert!(page.text.contains("10,000.00 more reach 10 %, the tier from 120 %."), "{}", page.text);
    // The year's quota is not set, so there is one bar; one ladder and one drawing of months.
    for (class, count) in [("bar", 1), ("ladder", 1), ("columns", 1)] {
        assert_eq!(page.classes.iter().filter(|found| *found == class).count(), count, "{class}");
    }
}

#[test]
fn whatever_is_written_is_text() {
    for hostile in [
        "<script>alert(1)</script>",
        "</title></style><script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "a & b &lt; c &amp; d",
        "-->]]><!--",
        "\u{202e}\u{5d0}\u{5d1} <b>\u{202c}",
    ] {
        let mut part = component();
        part.name = hostile.into();
        part.lines[0].deal_id = hostile.into();
        part.lines[0].event_id = hostile.into();
        part.lines[0].reversed_event_id = hostile.into();
        part.reports = vec![v1::ReportLine {
            payee_id: hostile.into(),
            credited: hostile.into(),
            earned: hostile.into(),
        }];
        part.segments[0].measure_id = hostile.into();
        part.segments[0].steps = vec![v1::Step {
            title: hostile.into(),
            value: hostile.into(),
            formula: hostile.into(),
            ..v1::Step::default()
        }];
        let mut statement = statement(vec![part]);
        statement.problems = vec![hostile.into()];
        statement.payee_id = hostile.into();
        let mut figure = attainment("2026-03", "1.00", Some("2.00"), Some("50"));
        figure.measure_id = hostile.into();
        figure.window = hostile.into();
        let page = shown(&statement, &[figure.clone()], &[figure]);
        assert!(page.text.matches(hostile).count() >= 14, "{hostile}\n{}", page.text);
        // What people write stands apart from the line around it.
        assert!(page.apart.iter().filter(|text| *text == hostile).count() >= 8, "{:?}", page.apart);
    }
}

#[test]
fn a_page_stands_alone() {
    let html =
        page(&Sheet { statement: &statement(vec![component()]), attainments: &[], months: &[], on_date: "" });
    for outside in
        ["http:", "https:", "//", "url(", "@import", " src=", " href=", "<script", "<link", "javascript"]
    {
        assert_eq!(html.find(outside).map(|at| &html[at..]), None, "{outside}");
    }
    let page = read(&html);
    assert_eq!(
        page.policy,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    );
    // Nothing that happens on an element, and nothing that is read without being seen.
    assert!(page.attributes.iter().all(|name| !name.starts_with("on")), "{:?}", page.attributes);
    assert!(page.attributes.contains("lang") && page.attributes.contains("aria-label"));
    for (drawing, role) in &page.drawings {
        assert!(role == "img" || drawing == "thin", "{drawing} {role}");
    }
}

#[test]
fn long_lists_are_cut_and_say_so() {
    for (count, listed, more) in [(10, 10, false), (11, 10, true), (1322, 10, true)] {
        let mut part = component();
        part.lines = (0..count).map(|number| line(number, &format!("{number}.00"))).collect();
        let page = drawn(&statement(vec![part]));
        assert_eq!(
            (0..count).filter(|number| page.words().any(|word| word == format!("D-{number}"))).count(),
            listed
        );
        assert!(page.text.contains(&format!("D-{}", count - 1)), "the largest comes first");
        let said = format!("and {} more of this month", grouped(&(count - listed).to_string()));
        assert_eq!(page.text.contains(&said), more, "{said}\n{}", page.text);
    }
    let mut part = component();
    part.segments[0].tiers =
        (0..100).map(|edge| tier(&edge.to_string(), "5", "999999999999999.99", "1.00")).collect();
    part.segments = vec![part.segments[0].clone(); 60];
    part.reports = vec![v1::ReportLine { payee_id: "x".repeat(64), ..v1::ReportLine::default() }; 10_000];
    let mut whole = statement(vec![part; 100]);
    whole.problems = vec!["x".repeat(500); 10_000];
    let html = page(&Sheet { statement: &whole, attainments: &[], months: &[], on_date: "" });
    assert!(html.len() < 2 << 20, "{} bytes", html.len());
    assert!(read(&html).text.contains(" more components"));
}

#[test]
fn a_closed_month_says_so_and_what_changed_before_it() {
    let mut closed = statement(vec![component()]);
    closed.set_state(State::Closed);
    closed.adjusted = "-1250.00".into();
    closed.total = "-15.50".into();
    closed.adjustments = vec![v1::PriorPeriodAdjustment {
        for_period: "2026-02".into(),
        plan_id: "sales".into(),
        component_id: "commission".into(),
        window: "FY2026-Q1".into(),
        amount: "-1250.00".into(),
        currency_code: "EUR".into(),
    }];
    closed.other_totals = vec![v1::OtherTotal {
        currency_code: "EUR".into(),
        total: "12.00".into(),
        ..v1::OtherTotal::default()
    }];
    let page = drawn(&closed);
    for text in [
        "closed",
        "-15.50",
        "1,234.50 earned in the month, -1,250.00 for earlier ones",
        "February 2026",
        "-1,250.00 EUR",
        "12.00 EUR besides",
    ] {
        assert!(page.text.contains(text), "{text}\n{}", page.text);
    }
    assert!(!page.text.contains("It moves"), "{}", page.text);
}

#[test]
fn what_has_no_quota_or_no_credits_says_why() {
    let mut without = component();
    (without.segments[0].quota, without.segments[0].attainment_percent) = (None, None);
    let mut zero = component();
    (zero.segments[0].quota, zero.segments[0].attainment_percent) = (Some("0.00".into()), None);
    for (part, said) in [
        (without, "No quota is set: it earns nothing."),
        (zero, "Attainment of this quota is undefined: it earns nothing."),
    ] {
        let page = drawn(&statement(vec![part]));
        assert!(page.text.contains(said) && !page.text.contains("more reach"), "{}", page.text);
        assert!(!page.classes.iter().any(|class| class == "ladder"));
    }
    let page = drawn(&statement(Vec::new()));
    assert!(page.text.contains("1,234.50 USD"), "{}", page.text);
    let undefined = attainment("2026-03", "5.00", Some("0.00"), None);
    let page = shown(&statement(Vec::new()), &[undefined], &[]);
    assert!(page.text.contains("undefined") && page.text.contains("5.00 of 0.00 USD"), "{}", page.text);
}
