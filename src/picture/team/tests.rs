use super::*;
use crate::picture::tests::reader::read;

fn figures(booked: &str, won: i64, lost: i64, rate: Option<&str>) -> v1::Figures {
    v1::Figures {
        booked: booked.into(),
        deals_won: won,
        deals_lost: lost,
        win_rate_percent: rate.map(Into::into),
        average_deal_amount: Some("12500.00".into()),
        mean_cycle_days: Some("47.251".into()),
        new_customers: 1234,
        pipeline: Some(pipeline(31, "1250000.00", "480000.50")),
        ..v1::Figures::default()
    }
}

fn pipeline(deals: i64, amount: &str, weighted: &str) -> v1::Pipeline {
    v1::Pipeline { deals, amount: amount.into(), weighted_amount: weighted.into(), ..v1::Pipeline::default() }
}

/// The page of an answer.
fn drawn(team: &v1::GetTeamPerformanceResponse, months: &[v1::MonthFigures]) -> String {
    page(team, months, &Names::new())
}

fn attainment(percent: Option<&str>) -> v1::Attainment {
    v1::Attainment {
        measure_id: "team-bookings".into(),
        window: "FY2026-Q1".into(),
        credited: "300000.00".into(),
        quota: Some("400000.00".into()),
        attainment_percent: percent.map(Into::into),
        currency_code: "USD".into(),
        elapsed_percent: Some("66.666667".into()),
        expected: Some("266666.666667".into()),
        pace_percent: Some("112.5".into()),
        ..v1::Attainment::default()
    }
}

fn member(id: &str, place: i32, percent: Option<&str>) -> v1::MemberPerformance {
    v1::MemberPerformance {
        payee_id: id.into(),
        title: "Account executive".into(),
        manager_id: "M-1".into(),
        figures: Some(figures("125000.00", 3, 1, Some("75"))),
        attainment: percent.map(|percent| attainment(Some(percent))),
        place,
    }
}

fn month(period: &str, booked: &str, growth: Option<&str>) -> v1::MonthFigures {
    v1::MonthFigures {
        period: period.into(),
        figures: Some(v1::Figures { booked: booked.into(), ..v1::Figures::default() }),
        growth_percent: growth.map(Into::into),
    }
}

fn stage(name: &str, amount: &str, weighted: &str) -> v1::StagePipeline {
    v1::StagePipeline { stage: name.into(), pipeline: Some(pipeline(2, amount, weighted)), other_stages: 0 }
}

fn team() -> v1::GetTeamPerformanceResponse {
    let performance = v1::Performance {
        from_period: "2026-01".into(),
        to_period: "2026-03".into(),
        on_date: "2026-02-28".into(),
        currency_code: "USD".into(),
        totals: Some(figures("300000.00", 8, 4, Some("66.666667"))),
        span_before: Some(figures("250000.00", 5, 5, Some("50"))),
        growth_percent: Some("20".into()),
        stages: vec![stage("Proposal", "1000000.00", "450000.50"), stage("", "250000.00", "30000.00")],
        goals: vec![attainment(Some("75"))],
        ..v1::Performance::default()
    };
    v1::GetTeamPerformanceResponse {
        manager_id: "M-1".into(),
        window: "FY2026-Q1".into(),
        performance: Some(performance),
        members: vec![
            member("E-1", 1, Some("104.5")),
            member("E-2", 2, Some("31.25")),
            member("E-3", 0, None),
        ],
        member_count: 3,
        quota_measure_id: "own".into(),
        as_of_change: 41,
        rules_revision: 3,
        ..v1::GetTeamPerformanceResponse::default()
    }
}

#[test]
fn a_teams_page_shows_how_it_stands_and_everyone_in_it() {
    let months = [
        month("2025-12", "90000.00", None),
        month("2026-01", "120000.00", Some("33.333333")),
        month("2026-02", "180000.00", Some("50")),
        month("2026-03", "0.00", None),
    ];
    let html = drawn(&team(), &months);
    let read = read(&html);
    for figure in [
        "M-1",
        "FY2026-Q1",
        "up to 28 Feb",
        "300,000.00",
        "+20.0 % against the span before",
        "75.0 % of the quota of 400,000.00",
        "Pace asks for 266,666 by 28 Feb; 112.5 % of it is there.",
        "on pace",
        "December 2025",
        "March 2026: nothing",
        "90,000.00",
        "+33.3 %",
        "66.6 %",
        "50.0 %",
        "12,500.00",
        "47.2",
        "1,234",
        "1,250,000.00",
        "31 open deals; weighted by probability 480,000.50.",
        "Proposal",
        "1,000,000.00",
        "no stage",
        "E-1",
        "104.5 %",
        "31.2 %",
        "E-3",
        "no attainment",
        "3 in all, by attainment of own",
        "125,000.00 booked, 75.0 % won",
        "change 41",
    ] {
        assert!(read.text.contains(figure), "{figure}\n{}", read.text);
    }
    let count = |class: &str| read.classes.iter().filter(|found| *found == class).count();
    // One bar of the goal, one of each member, two stages, one drawing of months.
    assert_eq!((count("bar"), count("split"), count("columns")), (4, 2, 1));
    assert_eq!(
        read.policy,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    );
    for outside in ["http:", "https:", "//", "url(", "@import", " src=", " href=", "<script"] {
        assert_eq!(html.find(outside).map(|at| &html[at..]), None, "{outside}");
    }
}

#[test]
fn whatever_is_written_is_text() {
    for hostile in [
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "a & b &lt;",
        "\u{202e}\u{5d0} <b>\u{202c}",
    ] {
        let mut team = team();
        team.manager_id = hostile.into();
        team.window = hostile.into();
        team.members[0].payee_id = hostile.into();
        team.members[0].title = hostile.into();
        let performance = team.performance.as_mut().unwrap();
        performance.stages[0].stage = hostile.into();
        performance.measure_id = hostile.into();
        performance.goals[0].measure_id = hostile.into();
        performance.problems = vec![hostile.into()];
        performance.on_date = "~".into();
        performance.problem_count = 1;
        let names = Names::from([(hostile.to_string(), hostile.to_string())]);
        let read = read(&page(&team, &[month(hostile, hostile, Some(hostile))], &names));
        assert!(read.text.matches(hostile).count() >= 10, "{hostile}\n{}", read.text);
        assert!(read.apart.iter().filter(|text| *text == hostile).count() >= 6, "{:?}", read.apart);
    }
}

#[test]
fn people_have_names() {
    let team = team();
    let shown: Vec<&str> = named(&team).collect();
    assert_eq!(shown, ["M-1", "E-1", "E-2", "E-3"]);
    let names =
        [("M-1", "Mia Moss"), ("E-2", "Eva Ebb")].map(|(id, name)| (id.to_string(), name.to_string()));
    let text = read(&page(&team, &[], &Names::from(names))).text;
    for said in
        ["Team of Mia Moss (M-1), FY2026-Q1", "Eva Ebb (E-2) Account executive", "Eva Ebb (E-2): 31.2 %"]
    {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(text.contains("E-1 Account executive"), "{text}");
}

#[test]
fn a_pipeline_without_amounts_is_drawn_by_its_deals() {
    let mut team = team();
    let performance = team.performance.as_mut().unwrap();
    performance.stages = vec![stage("Engaging", "0.00", "0.00"), stage("Prospecting", "0.00", "0.00")];
    performance.stages[0].pipeline.as_mut().unwrap().deals = 4;
    let html = drawn(&team, &[]);
    assert!(read(&html).text.contains("31 open deals, none of which states an amount."), "{html}");
    let halves: Vec<_> =
        html.split("class=\"half\"").skip(1).map(|rest| rest.contains("width=\"50.0%\"")).collect();
    assert_eq!(halves, [false, true], "{html}");
    assert!(html.contains("class=\"half\" x=\"0\" y=\"1\" width=\"100.0%\""), "{html}");
}

#[test]
fn a_team_of_nobody_with_nothing_has_a_page() {
    let read = read(&drawn(&v1::GetTeamPerformanceResponse::default(), &[]));
    assert!(!read.text.contains("Pipeline") && !read.text.contains("by month"), "{}", read.text);
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let mut team = team();
    team.members = (0..1000).map(|number| member(&format!("E-{number}"), number, Some("50"))).collect();
    team.member_count = 2500;
    let performance = team.performance.as_mut().unwrap();
    performance.stages = vec![stage(&"x".repeat(200), "1.00", "0.50"); 100];
    performance.problems = vec!["x".repeat(500); 100];
    performance.problem_count = 4711;
    let html = drawn(&team, &vec![month("2026-01", "1.00", None); 12]);
    assert!(html.len() < 1 << 20, "{} bytes", html.len());
    let read = read(&html);
    for said in ["and 2,400 more members", "and 88 more stages", "and 4,691 more problems"] {
        assert!(read.text.contains(said), "{said}\n{}", read.text);
    }
}

/// How wide each bar of attainment is filled.
fn filled(html: &str) -> Vec<&str> {
    let bars = html.split("class=\"bar\"").skip(1).filter_map(|bar| bar.split("</svg>").next());
    let fill =
        bars.filter_map(|bar| bar.split_once("class=\"fill")?.1.split_once(" width=\"")?.1.split_once('"'));
    fill.map(|(width, _)| width).collect()
}

#[test]
fn bars_of_members_are_as_long_as_the_best_of_them() {
    let mut team = team();
    team.performance.as_mut().unwrap().goals.clear();
    team.members = vec![member("E-1", 1, Some("200")), member("E-2", 2, Some("100"))];
    assert_eq!(filled(&drawn(&team, &[])), ["100.0%", "50.0%"]);
    // A list in which nobody has reached the quota is as long as that.
    team.members = vec![member("E-1", 1, Some("80")), member("E-2", 2, Some("40"))];
    assert_eq!(filled(&drawn(&team, &[])), ["80.0%", "40.0%"]);
}

#[test]
fn what_is_counted_in_numbers_names_its_measure_and_no_currency() {
    let mut team = team();
    let performance = team.performance.as_mut().unwrap();
    performance.measure_id = "seats".into();
    performance.set_unit(v1::Unit::Number);
    performance.totals.as_mut().unwrap().booked = "1240".into();
    for member in &mut team.members {
        member.figures.as_mut().unwrap().booked = "310.5".into();
    }
    let text = read(&drawn(&team, &[month("2026-01", "1240", None)])).text;
    for said in ["1,240 seats", "seats by month", "310.5 seats"] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(!text.contains("1,240 USD") && !text.contains("booked"), "{text}");
}

#[test]
fn members_show_the_figure_that_they_are_placed_by() {
    let mut team = team();
    team.set_rank_by(v1::Figure::MeanCycle);
    team.members =
        vec![member("E-1", 1, Some("31.25")), member("E-2", 2, Some("104.5")), member("E-3", 0, None)];
    team.members[0].figures.as_mut().unwrap().mean_cycle_days = Some("23.75".into());
    team.members[2].figures.as_mut().unwrap().mean_cycle_days = None;
    let html = drawn(&team, &[]);
    let text = read(&html).text;
    for said in
        ["by days to win", "23.7 days", "47.2 days", "31.2 % of quota", "104.5 % of quota", "not defined"]
    {
        assert!(text.contains(said), "{said}\n{text}");
    }
    // The goal alone has a bar of attainment; those of members are of days, beside the longest.
    assert_eq!(filled(&html), ["75.0%"]);
    let of_days = html.split("class=\"split\"").skip(3).filter_map(|bar| Some(bar.split_once("\"fill\"")?.1));
    let widths: Vec<_> =
        of_days.filter_map(|bar| Some(bar.split_once(" width=\"")?.1.split_once('"')?.0)).collect();
    assert_eq!(widths, ["50.2%", "100.0%", "0.0%"]);

    team.set_rank_by(v1::Figure::WinRate);
    let text = read(&drawn(&team, &[])).text;
    assert!(text.contains("by win rate") && text.contains("75.0 %"), "{text}");
}
