use super::*;
use crate::api::v1::rates::{Axis, RateKind};
use crate::picture::tests::statement::{attainment, behind_pace, component, line, segment, statement};

/// A statement alone.
fn answer(statement: v1::Statement) -> v1::GetStatementResponse {
    v1::GetStatementResponse {
        statement: Some(statement),
        on_date: "2026-03-20".into(),
        ..v1::GetStatementResponse::default()
    }
}

#[test]
fn a_statement_reads_from_the_total_to_the_deals() {
    let mut shown = answer(statement(vec![component(vec![line(4, "80.00")])]));
    let quarter = v1::Attainment { window: "2026-03".into(), ..behind_pace() };
    shown.attainments = vec![quarter, behind_pace(), attainment("FY2026", "1.00", None, None)];
    shown.months = vec![
        attainment("2026-01", "45000.00", Some("25000.00"), None),
        attainment("2026-02", "-1500.00", Some("25000.00"), None),
        attainment("2026-03", "12500.00", Some("25000.00"), None),
        attainment("2026-04", "", Some("50000.00"), None),
        attainment("2026-05", "", None, None),
    ];
    let text = render(&shown, Some("because\n  of this\n"));
    let expected = "\
Statement of E-1 for 2026-03, in USD
open: it moves with every deal until the close
as of change 17, rules 1, digest 9f86d081884c

┌────────────┬───────────┬──────────┬──────────┐
│ Component  ┆ Window    ┆  To date ┆   Earned │
╞════════════╪═══════════╪══════════╪══════════╡
│ Commission ┆ FY2026-Q1 ┆ 4,150.00 ┆ 1,234.50 │
│ Total      ┆           ┆          ┆ 1,234.50 │
└────────────┴───────────┴──────────┴──────────┘

Attainment of bookings, up to 20 Mar (┃ where pace would be)
  March 2026 ██▌░░░┃░░░░░░░░░░░░░ 12.8 %, behind pace
    57,956.00 of 450,000.00 USD; pace asks for 150,000: 38.6 % is there
    going on like this ends at 173,868
    about 44,989 a week reach the quota in the 61 days left
  FY2026-Q4  ██▌░░░┃░░░░░░░░░░░░░ 12.8 %, behind pace
    57,956.00 of 450,000.00 USD; pace asks for 150,000: 38.6 % is there
    going on like this ends at 173,868
    about 44,989 a week reach the quota in the 61 days left

Credited of bookings by month, in USD (┃ the quota)
  Jan ██████████┃███████░░ 45,000.00 of 25,000.00
  Feb ░░░░░░░░░░┃░░░░░░░░░ -1,500.00 of 25,000.00
  Mar █████░░░░░┃░░░░░░░░░ 12,500.00 of 25,000.00 ◀
  Apr ░░░░░░░░░░░░░░░░░░░┃           of 50,000.00

Commission (commission of plan sales), FY2026-Q1
  From 2026-01-01 to before 2026-04-01: 80,000.00 credited of bookings, quota
      75,000.00
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
        let text = render(
            &answer(statement(vec![component((1..=count).map(|day| line(day, "80.00")).collect())])),
            None,
        );
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
    let mut statement =
        statement(vec![v1::ComponentStatement { reports: vec![report], ..component(Vec::new()) }]);
    statement.set_state(State::Closed);
    statement.adjusted = "-1250.00".into();
    statement.adjustments = vec![adjustment];
    statement.problems = vec!["payee E-1 has no quota".into()];
    let text = render(&answer(statement), None);
    for expected in [
        "\nclosed\nas of change 17",
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
        ("-10.00", "from 0 % ◀", Some("75,010.00 more reach the tier from 100 %")),
        ("74999.995", "from 0 % ◀", Some("0.01 more reach the tier from 100 %")),
        ("75000.00", "from 100 % ◀", Some("15,000.00 more reach the tier from 120 %")),
        ("90000.00", "from 120 % ◀", None),
    ] {
        let segment = v1::Segment { credited: credited.into(), ..segment() };
        let text = segment_text(&segment, "USD", true);
        assert_eq!(text.matches('◀').count(), usize::from(!reached.is_empty()), "{text}");
        assert!(text.contains(reached), "{text}");
        assert_eq!(text.lines().find(|line| line.contains("more reach")), to_go, "{credited}");
        assert!(!segment_text(&segment, "USD", false).contains("more reach"), "{credited}");
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
        let text = segment_text(&segment, "USD", true);
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
    let bonus = v1::Segment {
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
    assert_eq!(segment_text(&bonus, "USD", true), expected);
    let steps = vec![step("multiplier by margin", "1.1", "")];
    let text = segment_text(&v1::Segment { steps, ..segment() }, "USD", true);
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
    assert_eq!(segment_text(&segment, "USD", true), expected);
}

#[test]
fn a_statement_says_why_it_has_no_pace_and_no_months() {
    let shown = |attainments: Vec<v1::Attainment>, months: Vec<v1::Attainment>, problems: Vec<String>| {
        let mut statement = statement(Vec::new());
        statement.problems = problems;
        render(&v1::GetStatementResponse { attainments, months, ..answer(statement) }, None)
    };
    let without = || vec![attainment("2026-03", "5.00", None, None)];
    let text = shown(without(), vec![attainment("2026-03", "0.00", None, None)], Vec::new());
    for said in [
        "No quota is set for 2026-03 or the year around it: there is no pace to keep.",
        "Credited of bookings by month, in USD\n  nothing up to 20 Mar\n",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    let open = shown(Vec::new(), Vec::new(), vec!["deal d1 needs a rate".into()]);
    assert!(
        open.contains("Attainment cannot be told before the open questions below are answered."),
        "{open}"
    );
    assert!(!open.contains("by month"), "{open}");
    // A question that leaves attainment untouched is no reason.
    let other = shown(without(), Vec::new(), vec!["payee E-1 has no quota".into()]);
    assert!(other.contains("No quota is set"), "{other}");
}
