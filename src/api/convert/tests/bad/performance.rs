//! Bad requests for performance figures.

use super::Case;

pub const PERFORMANCE: &[Case] = &[
    (
        "GetPerformanceRequest",
        r#"{"subject": {"teamOfPayeeId": "a b"}, "filter": {"productId": "-", "customerId": "/", "segment": {"value": "a\nb"}},
            "fromPeriod": "2026", "toPeriod": "2026-00", "onDate": "today", "measureId": "é", "currencyCode": "usd",
            "asOfChange": 1, "minChange": 2}"#,
        &[
            r#"subject.team_of_payee_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            r#"filter.product_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "-""#,
            r#"filter.customer_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "/""#,
            "filter.segment.attribute must not be empty",
            r#"filter.segment.value must have no control characters, got '\n'"#,
            r#"from_period must be a period such as "2026-03", got "2026""#,
            r#"to_period must be a period such as "2026-03", got "2026-00""#,
            r#"on_date must be a calendar day such as "2026-03-31", got "today""#,
            r#"measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "é""#,
            r#"currency_code must be an ISO 4217 code of a currency in use such as "USD", got "usd""#,
            "as_of_change must not be before min_change 2, got 1",
            "min_change must not be after as_of_change 1, got 2",
        ],
    ),
    ("GetPerformanceRequest", r#"{"subject": {}}"#, &["subject must be given"]),
    (
        "GetPerformanceRequest",
        r#"{"subject": {"company": false}}"#,
        &["subject.company must be true or left out"],
    ),
    ("GetPerformanceRequest", "{}", &[]),
    (
        "ListPerformanceRequest",
        r#"{"dimension": "DIMENSION_STAGE", "attribute": "sector", "pageSize": 1001}"#,
        &[
            "page_size must be 0 to 1000, got 1001",
            r#"attribute must be empty without DIMENSION_SEGMENT, got "sector""#,
        ],
    ),
    ("ListPerformanceRequest", "{}", &["dimension must be given"]),
    (
        "ListPerformanceRequest",
        r#"{"dimension": "DIMENSION_SEGMENT", "subject": {"territoryId": ""}}"#,
        &["subject.territory_id must not be empty", "attribute must not be empty"],
    ),
    (
        "GetTeamPerformanceRequest",
        r#"{"managerId": " ", "window": "the third quarter of 2026", "onDate": "x", "measureId": "-", "currencyCode": "E",
            "quotaMeasureId": "-", "rankBy": 99, "pageSize": -1, "minChange": -1}"#,
        &[
            r#"manager_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got " ""#,
            "window must be at most 20 characters, got 25",
            r#"on_date must be a calendar day such as "2026-03-31", got "x""#,
            r#"measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "-""#,
            r#"currency_code must be an ISO 4217 code of a currency in use such as "USD", got "E""#,
            r#"quota_measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "-""#,
            "rank_by must be a value of the enum, got 99",
            "min_change must not be below zero, got -1",
            "page_size must be 0 to 1000, got -1",
        ],
    ),
    (
        "GetLeaderboardRequest",
        r#"{"subject": {"payeeId": "ann"}, "filter": {"productId": "p"}, "figure": "FIGURE_ATTAINMENT", "title": "a\tb"}"#,
        &[
            r#"title must have no control characters, got '\t'"#,
            "subject.payee_id must be a team, a territory or the company for a leaderboard",
            "filter must be empty for FIGURE_ATTAINMENT: quotas are of all deals",
        ],
    ),
    ("GetLeaderboardRequest", "{}", &["figure must be given"]),
];
