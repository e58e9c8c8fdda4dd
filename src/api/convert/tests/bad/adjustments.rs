//! Adjustments, versions and explanations of quotas, attainment of teams.

use super::Case;

pub const ADJUSTMENTS: &[Case] = &[
    (
        "AdjustQuotaRequest",
        "{}",
        &["reason must not be empty", "request_id must not be empty", "adjustment must be given"],
    ),
    (
        "AdjustQuotaRequest",
        r#"{"requestId": "r", "reason": "why", "adjustment": {"window": "x", "etag": -1, "units": "1", "ramp": {"percents": ["x"]},
            "amount": {"currencyCode": "USD", "amount": "-1"}, "reliefs": [{}], "leave": {"startDate": "x"}}}"#,
        &[
            "adjustment.etag must not be below zero, got -1",
            "adjustment.payee_id must not be empty",
            "adjustment.measure_id must not be empty",
            r#"adjustment.window must be a window such as "2026-03", "FY2026-Q1", "FY2026-H1" or "FY2026", got "x""#,
            "adjustment.kind must be given",
            "adjustment.units must be empty where an amount is given",
            r#"adjustment.amount.amount must not be below zero, got "-1""#,
            r#"adjustment.ramp.start_period must be a period such as "2026-03", got """#,
            r#"adjustment.ramp.percents[0] must be plain decimal text such as "1250.00", got "x""#,
            r#"adjustment.reliefs[0].date must be a calendar day such as "2026-03-31", got """#,
            "adjustment.reliefs[0].amount must be given, or units",
            r#"adjustment.leave.start_date must be a calendar day such as "2026-03-31", got "x""#,
            r#"adjustment.leave.end_date must be a calendar day such as "2026-03-31", got """#,
        ],
    ),
    (
        "AdjustQuotaRequest",
        r#"{"requestId": "r", "reason": "why", "adjustment": {"payeeId": "a", "measureId": "m", "window": "FY2026-Q1",
            "kind": "KIND_JOINER"}}"#,
        &["adjustment.amount must be given, or units, ramp, reliefs or leave"],
    ),
    (
        // The first quarter is February to April 2025.
        "AdjustQuotaRequest",
        r#"{"requestId": "r", "reason": "why", "adjustment": {"payeeId": "a", "measureId": "m", "window": "FY2026-Q1",
            "kind": "KIND_JOINER", "ramp": {"startPeriod": "2025-02"},
            "reliefs": [{"date": "2025-05-01", "units": "0"}], "leave": {"startDate": "2025-05-01", "endDate": "2025-04-01"}}}"#,
        &[
            "adjustment.ramp.percents must be 1 to 100, got 0",
            "adjustment.reliefs[0].date must be a day of the quota's window, 2025-02-01 to 2025-04-30, got 2025-05-01",
            "adjustment.reliefs[0].units must be above zero",
            "adjustment.leave must be absent but of KIND_LEAVE",
            "adjustment.leave.start_date must be a day of the quota's window, 2025-02-01 to 2025-04-30, got 2025-05-01",
            "adjustment.leave.end_date must be after start_date 2025-05-01 and at most 2025-05-01, got 2025-04-01",
        ],
    ),
    (
        "GetTeamAttainmentRequest",
        r#"{"teamOfPayeeId": "a", "territoryId": "!", "period": "2026-01", "onDate": "2026-02-01", "measureIds": ["m", "m"],
            "pageSize": -1}"#,
        &[
            "team_of_payee_id must be empty where a territory is given",
            r#"territory_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            "measure_ids[1] must be given once, got m as in measure_ids[0]",
            "period must be the month of on_date 2026-02-01, got 2026-01",
            "on_date must be a day of period 2026-01, got 2026-02-01",
            "page_size must be 0 to 1000, got -1",
        ],
    ),
    (
        "ListQuotaVersionsRequest",
        r#"{"window": "2026-13", "pageSize": 1001}"#,
        &[
            "page_size must be 0 to 1000, got 1001",
            "payee_id must not be empty",
            "measure_id must not be empty",
            r#"window must be a window such as "2026-03", "FY2026-Q1", "FY2026-H1" or "FY2026", got "2026-13""#,
        ],
    ),
    (
        "ExplainQuotaRequest",
        r#"{"payeeId": "!", "depth": 11, "pageSize": -1, "asOfChange": -1}"#,
        &[
            r#"payee_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            "measure_id must not be empty",
            r#"window must be a window such as "2026-03", "FY2026-Q1", "FY2026-H1" or "FY2026", got """#,
            "depth must be 0 to 10, got 11",
            "page_size must be 0 to 1000, got -1",
            "as_of_change must not be below zero, got -1",
        ],
    ),
];
