//! Bad requests for proposals of quotas, and for pages.

use super::Case;

pub const PROPOSALS: &[Case] = &[
    (
        "ProposeQuotasRequest",
        "{}",
        &["reason must not be empty", "request_id must not be empty", "proposal must be given"],
    ),
    (
        "ProposeQuotasRequest",
        r#"{"requestId": "r", "reason": "why", "proposal": {"proposalId": "a b", "rootPayeeId": "", "measureId": "-",
            "teamMeasureId": "é", "window": "2017-Q4", "currencyCode": "USD", "step": "-1.00", "etag": -1,
            "allocation": {"goal": "1.001", "weigh": "WEIGH_EQUAL", "rampPercents": ["50"],
                "weights": [{"payeeId": "ann", "weight": "1"}, {"payeeId": "ann", "weight": ""}],
                "overAssignmentPercents": ["x"]},
            "limits": {"floor": "-1.00"}, "payeeLimits": [{"payeeId": "bob"}],
            "seasonalityPercents": ["100"], "state": "STATE_OPEN"}}"#,
        &[
            "proposal.etag must not be below zero, got -1",
            r#"proposal.proposal_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            "proposal.root_payee_id must not be empty",
            r#"proposal.measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "-""#,
            r#"proposal.team_measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "é""#,
            r#"proposal.window must be a window such as "2026-03", "FY2026-Q1", "FY2026-H1" or "FY2026", got "2017-Q4""#,
            r#"proposal.step must not be below zero, got "-1.00""#,
            r#"proposal.allocation.goal must have at most 2 decimals, got "1.001""#,
            "proposal.allocation.weights[1] must be given once, got ann as in proposal.allocation.weights[0]",
            "proposal.allocation.weights[1].weight must be given",
            r#"proposal.allocation.over_assignment_percents[0] must be plain decimal text such as "1250.00", got "x""#,
            "proposal.allocation.ramp_percents must be empty but for WEIGH_RAMPED_CAPACITY",
            r#"proposal.limits.floor must not be below zero, got "-1.00""#,
            "proposal.payee_limits[0].limits must be given",
            "proposal.seasonality_percents must be twelve or none, got 1",
            "proposal.state must be empty, computed_as_of_change and computed_seasonality_percents too: they are output only",
        ],
    ),
    ("GetQuotaProposalRequest", "{}", &["proposal_id must not be empty"]),
    (
        "AssessQuotaProposalRequest",
        r#"{"minChange": -1}"#,
        &["proposal_id must not be empty", "min_change must not be below zero, got -1"],
    ),
    ("ListQuotaProposalsRequest", r#"{"pageSize": 1001}"#, &["page_size must be 0 to 1000, got 1001"]),
    (
        "ListProposalFiguresRequest",
        r#"{"managerId": "a b", "pageSize": -1}"#,
        &[
            "proposal_id must not be empty",
            r#"manager_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            "page_size must be 0 to 1000, got -1",
        ],
    ),
    (
        "CompareQuotaProposalsRequest",
        "{}",
        &["proposal_id must not be empty", "other_proposal_id must not be empty"],
    ),
    (
        "AdjustQuotaProposalRequest",
        r#"{"requestId": "r", "changes": [{"payeeId": "", "figure": "-1"}, {"payeeId": "ann"}]}"#,
        &[
            "reason must not be empty",
            "changes[0].payee_id must not be empty",
            r#"changes[0].figure must not be below zero, got "-1""#,
            "changes[1].figure must not be empty",
        ],
    ),
    (
        "AdjustQuotaProposalRequest",
        r#"{"requestId": "r", "reason": "why"}"#,
        &["changes must be 1 to 1000, got 0"],
    ),
    (
        "PublishQuotaProposalRequest",
        "{}",
        &["reason must not be empty", "request_id must not be empty", "proposal_id must not be empty"],
    ),
    (
        "MoveQuotaRequest",
        r#"{"requestId": "r", "reason": "why", "fromPayeeId": "ann", "toPayeeId": "ann", "measureId": "m",
            "window": "FY2026-Q1", "amount": {"currencyCode": "USD", "amount": "0.00"}}"#,
        &["to_payee_id must be another payee, got ann", "amount must be above zero"],
    ),
    (
        "MoveQuotaRequest",
        r#"{"requestId": "r", "reason": "why", "fromPayeeId": "ann", "toPayeeId": "bob", "measureId": "m",
            "window": "FY2026-Q1"}"#,
        &["amount must be given, or units"],
    ),
    (
        "GetStatementPageRequest",
        r#"{"payeeId": "a b", "period": "2026"}"#,
        &[
            r#"payee_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            r#"period must be a period such as "2026-03", got "2026""#,
        ],
    ),
    ("GetTeamPageRequest", r#"{"rankBy": 99}"#, &["rank_by must be a value of the enum, got 99"]),
];
