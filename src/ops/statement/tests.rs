use super::*;
use crate::api::v1::rates::{Axis, RateKind};

fn tier(edge: &str, rate: &str, credited: &str, earned: &str) -> v1::TierLine {
    v1::TierLine {
        edge_percent: edge.into(),
        rate_percent: rate.into(),
        credited: credited.into(),
        earned: earned.into(),
        ..v1::TierLine::default()
    }
}

/// 80,000.00 of a quota of 75,000.00: 5 % on the first 75,000.00, 8 % on the rest.
fn segment() -> v1::Segment {
    v1::Segment {
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
    }
}

fn line(day: u32, earned: &str) -> v1::StatementLine {
    v1::StatementLine {
        event_date: format!("2026-03-{day:02}"),
        deal_id: format!("D-{day}"),
        event_id: "booked".into(),
        reversed_event_id: String::new(),
        credited: "1000.00".into(),
        earned: earned.into(),
        limited: false,
    }
}

fn component(lines: Vec<v1::StatementLine>) -> v1::ComponentStatement {
    v1::ComponentStatement {
        plan_id: "sales".into(),
        component_id: "commission".into(),
        name: "Commission".into(),
        window: "FY2026-Q1".into(),
        earned: "1234.50".into(),
        earned_to_date: "4150.00".into(),
        segments: vec![segment()],
        lines,
        reports: Vec::new(),
        repriced: None,
        currency_code: "USD".into(),
    }
}

fn statement(component: v1::ComponentStatement) -> v1::Statement {
    v1::Statement {
        payee_id: "E-1".into(),
        period: "2026-03".into(),
        state: State::Open.into(),
        currency_code: "USD".into(),
        earned: "1234.50".into(),
        adjusted: "0.00".into(),
        total: "1234.50".into(),
        components: vec![component],
        adjustments: Vec::new(),
        problems: Vec::new(),
        as_of_change: 17,
        rules_revision: 1,
        digest: "9f86d081884c7d659a2feaa0c55ad015".into(),
        other_totals: Vec::new(),
    }
}

#[test]
fn a_statement_reads_from_the_total_to_the_deals() {
    let text = render(&statement(component(vec![line(4, "80.00")])), Some("because\n  of this\n"));
    let expected = "\
Statement of E-1 for 2026-03, in USD
open: it moves with every deal until the close; as of change 17, rules 1, digest 9f86d081884c

┌────────────┬───────────┬──────────┬──────────┐
│ Component  ┆ Window    ┆  To date ┆   Earned │
╞════════════╪═══════════╪══════════╪══════════╡
│ Commission ┆ FY2026-Q1 ┆ 4,150.00 ┆ 1,234.50 │
│ Total      ┆           ┆          ┆ 1,234.50 │
└────────────┴───────────┴──────────┴──────────┘

Commission (commission of plan sales), FY2026-Q1
  From 2026-01-01 to before 2026-04-01: 80,000.00 credited of bookings, quota 75,000.00
  ████████████████████▶ 106.6 %
  ┌──────────────┬──────┬───────────┬──────────┐
  │ Tier         ┆ Rate ┆  Credited ┆   Earned │
  ╞══════════════╪══════╪═══════════╪══════════╡
  │ from 0 %     ┆  5 % ┆ 75,000.00 ┆ 3,750.00 │
  │ from 100 % ◀ ┆  8 % ┆  5,000.00 ┆   400.00 │
  │ from 120 %   ┆ 10 % ┆      0.00 ┆     0.00 │
  └──────────────┴──────┴───────────┴──────────┘
  10,000.00 more reach the tier from 120 %
  Deals of 2026-03
  ┌────────────┬──────┬────────┬──────────┬────────┐
  │ Date       ┆ Deal ┆ Event  ┆ Credited ┆ Earned │
  ╞════════════╪══════╪════════╪══════════╪════════╡
  │ 2026-03-04 ┆ D-4  ┆ booked ┆ 1,000.00 ┆  80.00 │
  └────────────┴──────┴────────┴──────────┴────────┘

Why, for the largest amount:
  because
    of this
";
    assert_eq!(text, expected);
}

#[test]
fn twenty_deals_are_listed_and_the_rest_counted() {
    for (count, listed, more) in [(20, 20, None), (21, 20, Some("and 1 more")), (31, 20, Some("and 11 more"))]
    {
        let text = render(&statement(component((1..=count).map(|day| line(day, "80.00")).collect())), None);
        assert_eq!(text.matches("┆ booked ┆").count(), listed, "{count}");
        assert_eq!(
            text.lines().find(|line| line.contains("more") && line.contains("and")).map(str::trim),
            more
        );
    }
}

#[test]
fn a_manager_sees_reports_and_a_closed_period_its_adjustments_and_problems() {
    let report =
        v1::ReportLine { payee_id: "E-2".into(), credited: "5000.00".into(), earned: "50.00".into() };
    let adjustment = v1::PriorPeriodAdjustment {
        for_period: "2026-02".into(),
        plan_id: "sales".into(),
        component_id: "commission".into(),
        window: "FY2026-Q1".into(),
        amount: "-1250.00".into(),
        currency_code: "USD".into(),
    };
    let mut statement = statement(v1::ComponentStatement { reports: vec![report], ..component(Vec::new()) });
    statement.set_state(State::Closed);
    statement.adjusted = "-1250.00".into();
    statement.adjustments = vec![adjustment];
    statement.problems = vec!["payee E-1 has no quota".into()];
    let text = render(&statement, None);
    for expected in [
        "closed; as of change 17",
        "│ Earlier periods ┆           ┆          ┆ -1,250.00 │",
        "│ E-2    ┆ 5,000.00 ┆  50.00 │",
        "│ 2026-02 ┆ sales ┆ commission ┆ FY2026-Q1 ┆ -1,250.00 │",
        "Open questions, to be answered before the close:\n  payee E-1 has no quota",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!text.contains("Deals of") && !text.contains("Why"), "{text}");
}

#[test]
fn the_ladder_shows_where_the_payee_stands() {
    for (credited, reached, to_go) in [
        ("0.00", "from 0 % ◀", Some("75,000.00 more reach the tier from 100 %")),
        ("-10.00", "", Some("10.00 more reach the tier from 0 %")),
        ("74999.995", "from 0 % ◀", Some("0.01 more reach the tier from 100 %")),
        ("75000.00", "from 100 % ◀", Some("15,000.00 more reach the tier from 120 %")),
        ("90000.00", "from 120 % ◀", None),
    ] {
        let segment = v1::Segment { credited: credited.into(), ..segment() };
        let text = segment_text(&segment, "USD");
        assert_eq!(text.matches('◀').count(), usize::from(!reached.is_empty()), "{text}");
        assert!(text.contains(reached), "{text}");
        assert_eq!(text.lines().find(|line| line.contains("more reach")), to_go, "{credited}");
    }
}

#[test]
fn without_a_quota_nothing_is_measured() {
    let without = v1::Segment { quota: None, attainment_percent: None, ..segment() };
    let zero = v1::Segment { quota: Some("0.00".into()), attainment_percent: None, ..segment() };
    for (segment, expected) in [
        (without, "80,000.00 credited of bookings, no quota is set: it earns nothing"),
        (zero, "80,000.00 credited of bookings, quota 0.00: attainment is undefined and earns nothing"),
    ] {
        let text = segment_text(&segment, "USD");
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains('◀') && !text.contains("more reach") && !text.contains('█'), "{text}");
    }
}

/// A bonus of 5,000.00 at a curve's 92.5 percent, of which a cap lets 4,000.00 through.
#[test]
fn a_segment_without_credits_reads_by_its_steps() {
    let step = |title: &str, value: &str, formula: &str| v1::Step {
        title: title.into(),
        value: value.into(),
        formula: formula.into(),
        ..v1::Step::default()
    };
    let segment = v1::Segment {
        start_date: "2026-01-01".into(),
        end_date: "2026-04-01".into(),
        earned: "4000.00".into(),
        payout: "bonus".into(),
        steps: vec![
            step("target", "5000.00", ""),
            step("gate on margin", "open", "31.5 % of 30 %"),
            step("payout", "4625.00", "5000.00 x 92.5 %"),
            step("window cap", "4000.00", "min(4000.00, 4625.00)"),
        ],
        ..v1::Segment::default()
    };
    let expected = "\
From 2026-01-01 to before 2026-04-01: 4,000.00 by bonus
target: 5,000.00
gate on margin: open = 31.5 % of 30 %
payout: 4,625.00 = 5000.00 x 92.5 %
window cap: 4,000.00 = min(4000.00, 4625.00)";
    assert_eq!(segment_text(&segment, "USD"), expected);
    let steps = vec![step("multiplier by margin", "1.1", "")];
    let text = segment_text(&v1::Segment { steps, ..super::tests::segment() }, "USD");
    assert!(text.contains("\nmultiplier by margin: 1.1\n"), "{text}");
    assert!(text.ends_with("more reach the tier from 120 %"), "{text}");
}

/// 12 units sold, 4.00 each up to 10 and 6.00 above, with a prize for the tenth.
#[test]
fn units_are_priced_without_a_quota() {
    let tier = |edge: &str, rate: &str, credited: &str, earned: &str, flat: Option<&str>| v1::TierLine {
        edge_units: edge.into(),
        rate_amount: rate.into(),
        credited: credited.into(),
        earned: earned.into(),
        flat_amount: flat.map(Into::into),
        ..v1::TierLine::default()
    };
    let tiers = vec![
        tier("0", "4", "10", "40.00", None),
        tier("10", "6", "2", "12.00", Some("100.00")),
        tier("20", "7", "0", "0.00", None),
    ];
    let mut segment =
        v1::Segment { tiers, quota: None, attainment_percent: None, credited: "12".into(), ..segment() };
    segment.set_axis(Axis::Units);
    segment.set_rate_kind(RateKind::PerUnit);
    segment.set_unit(v1::Unit::Number);
    segment.set_line_unit(v1::Unit::Number);
    let expected = "\
From 2026-01-01 to before 2026-04-01: 12 credited of bookings
┌─────────────────┬──────────┬──────────┬────────┬────────┐
│ Tier            ┆     Rate ┆ Credited ┆ Earned ┆   Flat │
╞═════════════════╪══════════╪══════════╪════════╪════════╡
│ from 0 units    ┆ 4 a unit ┆       10 ┆  40.00 ┆        │
│ from 10 units ◀ ┆ 6 a unit ┆        2 ┆  12.00 ┆ 100.00 │
│ from 20 units   ┆ 7 a unit ┆        0 ┆   0.00 ┆        │
└─────────────────┴──────────┴──────────┴────────┴────────┘
8 more reach the tier from 20 units";
    assert_eq!(segment_text(&segment, "USD"), expected);
}
