use super::*;
use crate::picture::tests::reader::{Page, read};
use crate::picture::tests::statement::{attainment, component, line, statement, tier};

/// A component with one deal.
fn one() -> v1::ComponentStatement {
    component(vec![line(1, "80.00")])
}

fn drawn(statement: &v1::Statement) -> Page {
    shown(statement, &[], &[])
}

fn shown(statement: &v1::Statement, attainments: &[v1::Attainment], months: &[v1::Attainment]) -> Page {
    read(&page(&Sheet { statement, attainments, months, on_date: "2026-03-20", names: &Names::new() }))
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
    let page = shown(&statement(vec![one()]), &attainments, &months);
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
        let mut part = one();
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
        let names = Names::from([(hostile.to_string(), hostile.to_string())]);
        let (attainments, months) = ([figure.clone()], [figure]);
        let sheet = Sheet {
            statement: &statement,
            attainments: &attainments,
            months: &months,
            on_date: "2026-03-20",
            names: &names,
        };
        let page = read(&super::page(&sheet));
        assert!(page.text.matches(hostile).count() >= 14, "{hostile}\n{}", page.text);
        // What people write stands apart from the line around it.
        assert!(page.apart.iter().filter(|text| *text == hostile).count() >= 8, "{:?}", page.apart);
    }
}

#[test]
fn a_page_stands_alone() {
    let html = page(&Sheet {
        statement: &statement(vec![one()]),
        attainments: &[],
        months: &[],
        on_date: "",
        names: &Names::new(),
    });
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
        let mut part = one();
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
    let mut part = one();
    part.segments[0].tiers =
        (0..100).map(|edge| tier(&edge.to_string(), "5", "999999999999999.99", "1.00")).collect();
    part.segments = vec![part.segments[0].clone(); 60];
    part.reports = vec![v1::ReportLine { payee_id: "x".repeat(64), ..v1::ReportLine::default() }; 10_000];
    let mut whole = statement(vec![part; 100]);
    whole.problems = vec!["x".repeat(500); 10_000];
    let html =
        page(&Sheet { statement: &whole, attainments: &[], months: &[], on_date: "", names: &Names::new() });
    assert!(html.len() < 2 << 20, "{} bytes", html.len());
    assert!(read(&html).text.contains(" more components"));
}

#[test]
fn people_have_names() {
    let report = |id: &str, credited: &str| v1::ReportLine {
        payee_id: id.into(),
        credited: credited.into(),
        earned: "1.00".into(),
    };
    let mut part = one();
    part.reports = (0..30).map(|number| report(&format!("R-{number}"), &format!("{number}.00"))).collect();
    let statement = statement(vec![part]);
    // Of thirty reports the 24 that brought most are shown, and theirs are the names that are asked for.
    let shown: Vec<&str> = named(&statement).collect();
    assert_eq!((shown.len(), &shown[..3], shown.last()), (25, &["E-1", "R-29", "R-28"][..], Some(&"R-6")));
    let names =
        Names::from([("E-1", "Ann Archer"), ("R-28", "Bo Bell")].map(|(id, name)| (id.into(), name.into())));
    let page = read(&page(&Sheet {
        statement: &statement,
        attainments: &[],
        months: &[],
        on_date: "",
        names: &names,
    }));
    for said in ["Ann Archer (E-1), March 2026", "Ann Archer (E-1)\n", "Bo Bell (R-28)", "and 6 more reports"]
    {
        assert!(page.text.contains(said), "{said}\n{}", page.text);
    }
    assert!(!page.text.contains("R-5\n"), "{}", page.text);
}

#[test]
fn measures_beyond_six_are_counted() {
    let figure = |number: usize| v1::Attainment {
        measure_id: format!("measure-{number}"),
        ..attainment("2026-03", "1.00", Some("2.00"), Some("50"))
    };
    let seven: Vec<_> = (0..7).map(figure).collect();
    // The months are of six measures already.
    let page = shown(&statement(vec![one()]), &seven, &seven[..6]);
    let count = |class: &str| page.classes.iter().filter(|found| *found == class).count();
    assert_eq!((count("bar"), count("columns")), (6, 6));
    assert_eq!(page.text.matches("and 1 more measure\n").count(), 2, "{}", page.text);
    let page = shown(&statement(vec![one()]), &seven[..6], &seven[..6]);
    assert!(!page.text.contains("more measure"), "{}", page.text);
}

#[test]
fn a_closed_month_says_so_and_what_changed_before_it() {
    let mut closed = statement(vec![one()]);
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
    let mut without = one();
    (without.segments[0].quota, without.segments[0].attainment_percent) = (None, None);
    let mut zero = one();
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
