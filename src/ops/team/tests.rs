use super::*;

fn figures(booked: &str, rate: Option<&str>) -> v1::Figures {
    v1::Figures {
        booked: booked.into(),
        deals_won: 2,
        deals_lost: 1,
        win_rate_percent: rate.map(Into::into),
        average_deal_amount: Some("150000.00".into()),
        mean_cycle_days: Some("47.9".into()),
        ..v1::Figures::default()
    }
}

fn month(period: &str, booked: &str, growth: Option<&str>) -> v1::MonthFigures {
    let figures = v1::Figures { booked: booked.into(), ..v1::Figures::default() };
    v1::MonthFigures { period: period.into(), figures: Some(figures), growth_percent: growth.map(Into::into) }
}

fn attainment(percent: &str) -> v1::Attainment {
    v1::Attainment {
        measure_id: "team".into(),
        window: "FY2026-Q1".into(),
        credited: "300000.00".into(),
        currency_code: "USD".into(),
        pace_percent: Some("112.499999".into()),
        quota: Some("400000.00".into()),
        attainment_percent: Some(percent.into()),
        elapsed_percent: Some("66.666667".into()),
        expected: Some("266666.67".into()),
        ..v1::Attainment::default()
    }
}

#[test]
fn a_team_reads_from_the_sum_to_its_members() {
    let pipeline = v1::Pipeline {
        deals: 3,
        amount: "90000.00".into(),
        weighted_amount: "45000.00".into(),
        ..v1::Pipeline::default()
    };
    let performance = v1::Performance {
        on_date: "2026-03-10".into(),
        currency_code: "USD".into(),
        totals: Some(figures("300000.00", Some("66.666667"))),
        months: vec![
            month("2026-01", "200000.00", None),
            month("2026-02", "100000.00", Some("-50")),
            month("2026-03", "-5000.00", None),
            month("2026-04", "0.00", None),
        ],
        stages: vec![v1::StagePipeline {
            stage: "Proposal".into(),
            pipeline: Some(pipeline),
            other_stages: 0,
        }],
        goals: vec![attainment("75")],
        problems: vec!["deal d1: no rate of EUR".into()],
        problem_count: 1,
        ..v1::Performance::default()
    };
    let member = |id: &str, place, attainment| v1::MemberPerformance {
        payee_id: id.into(),
        figures: Some(figures("150000.00", None)),
        attainment,
        place,
        ..v1::MemberPerformance::default()
    };
    let team = v1::GetTeamPerformanceResponse {
        manager_id: "M-1".into(),
        window: "FY2026-Q1".into(),
        performance: Some(performance),
        members: vec![member("E-1", 1, Some(attainment("104.5"))), member("E-2", 0, None)],
        member_count: 5,
        quota_measure_id: "team".into(),
        as_of_change: 41,
        ..v1::GetTeamPerformanceResponse::default()
    };
    let expected = "\
Team of M-1 in FY2026-Q1, up to 2026-03-10; as of change 41
300,000.00 USD booked, 2 deals won, 1 lost: 66.6 % won, 150,000.00 a deal, 47.9
    days to win

Attainment of team, up to 10 Mar (┃ where pace would be)
  FY2026-Q1 █████████████┃█░░░░░ 75.0 %, on pace
    300,000.00 of 400,000.00 USD; pace asks for 266,666: 112.4 % is there

Booked by month, with growth
  Jan ████████████████████ 200,000.00
  Feb ██████████░░░░░░░░░░ 100,000.00 -50.0 %
  Mar ░░░░░░░░░░░░░░░░░░░░  -5,000.00

Pipeline
┌──────────┬───────┬───────────┬───────────┐
│ Stage    ┆ Deals ┆      Open ┆  Weighted │
╞══════════╪═══════╪═══════════╪═══════════╡
│ Proposal ┆     3 ┆ 90,000.00 ┆ 45,000.00 │
└──────────┴───────┴───────────┴───────────┘

Members by attainment of team
┌───────┬────────┬───────────────────────┬──────────┬────────────┬─────┐
│ Place ┆ Member ┆ Attainment            ┆          ┆     Booked ┆ Won │
╞═══════╪════════╪═══════════════════════╪══════════╪════════════╪═════╡
│ 1     ┆ E-1    ┆ ████████████████████▶ ┆  104.5 % ┆ 150,000.00 ┆     │
│       ┆ E-2    ┆                       ┆ not told ┆ 150,000.00 ┆     │
└───────┴────────┴───────────────────────┴──────────┴────────────┴─────┘
and 3 more

Not counted, 1 in all:
  deal d1: no rate of EUR
";
    assert_eq!(render(&team), expected);

    let mut team = team;
    team.set_rank_by(v1::Figure::MeanCycle);
    let performance = team.performance.as_mut().unwrap();
    (performance.measure_id, performance.currency_code) = ("seats".into(), "USD".into());
    performance.set_unit(v1::Unit::Number);
    let text = render(&team);
    for said in [
        "\n300,000.00 seats, 2 deals won",
        "\nseats by month, with growth",
        "\nMembers by days to win\n",
        "┆      seats ┆ Won ┆ days to win │",
        "┆ 150,000.00 ┆     ┆   47.9 days │",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn a_team_without_a_quota_and_without_a_deal_says_so() {
    let performance = v1::Performance {
        on_date: "2026-03-10".into(),
        currency_code: "USD".into(),
        totals: Some(v1::Figures { booked: "0.00".into(), ..v1::Figures::default() }),
        months: vec![month("2026-03", "0.00", None)],
        ..v1::Performance::default()
    };
    let team = v1::GetTeamPerformanceResponse {
        manager_id: "M-1".into(),
        window: "2026-03".into(),
        performance: Some(performance),
        ..v1::GetTeamPerformanceResponse::default()
    };
    let text = render(&team);
    assert!(
        text.contains(
            "\n\nNo quota of M-1 is set for March 2026.\n\nBooked by month\n  nothing up to 10 Mar\n\nMembers"
        ),
        "{text}"
    );
}
