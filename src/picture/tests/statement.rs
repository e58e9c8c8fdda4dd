//! A statement to show, on a page as in a terminal.

use crate::api::v1;
use crate::api::v1::statement::State;

pub fn tier(edge: &str, rate: &str, credited: &str, earned: &str) -> v1::TierLine {
    v1::TierLine {
        edge_percent: edge.into(),
        rate_percent: rate.into(),
        credited: credited.into(),
        earned: earned.into(),
        ..v1::TierLine::default()
    }
}

/// 80,000.00 of a quota of 75,000.00: 5 % on the first 75,000.00, 8 % on the rest.
pub fn segment() -> v1::Segment {
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

/// A deal of 4 March.
pub fn line(number: usize, earned: &str) -> v1::StatementLine {
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

pub fn component(lines: Vec<v1::StatementLine>) -> v1::ComponentStatement {
    v1::ComponentStatement {
        plan_id: "sales".into(),
        component_id: "commission".into(),
        name: "Commission".into(),
        window: "FY2026-Q1".into(),
        earned: "1234.50".into(),
        earned_to_date: "4150.00".into(),
        segments: vec![segment()],
        lines,
        currency_code: "USD".into(),
        ..v1::ComponentStatement::default()
    }
}

/// The open March of `E-1`.
pub fn statement(components: Vec<v1::ComponentStatement>) -> v1::Statement {
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

pub fn attainment(
    window: &str,
    credited: &str,
    quota: Option<&str>,
    percent: Option<&str>,
) -> v1::Attainment {
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

/// 57,956.00 of 450,000.00 in a quarter of which a third has passed.
pub fn behind_pace() -> v1::Attainment {
    v1::Attainment {
        elapsed_percent: Some("33.333333".into()),
        expected: Some("150000.00".into()),
        pace_percent: Some("38.637333".into()),
        forecast_by_pace: Some("173868.00".into()),
        days_left: 61,
        needed_per_week: Some("44988.721311".into()),
        ..attainment("FY2026-Q4", "57956.00", Some("450000.00"), Some("12.879111"))
    }
}
