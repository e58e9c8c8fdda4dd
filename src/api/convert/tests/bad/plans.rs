//! Bad requests about plans and their drafts.

use super::Case;

pub(super) const PLANS: &[Case] = &[
    (
        "PublishPlanRequest",
        "{}",
        &[
            "reason must not be empty",
            "request_id must not be empty",
            "plan must be given",
            r#"effective_from must be a period such as "2026-03", got """#,
        ],
    ),
    (
        "PublishPlanRequest",
        r#"{"requestId": "r", "reason": "why", "effectiveFrom": "2026-01-01", "plan": {"currencyCode": "usd", "components": [
            {}, {"componentId": "c", "name": "C", "window": 9, "reversal": 9, "rates": {"tiers": [{}]}}]}}"#,
        &[
            "plan.plan_id must not be empty",
            "plan.name must not be empty",
            r#"plan.currency_code must be the tenant's currency USD, got "usd""#,
            "plan.components[0].component_id must not be empty",
            "plan.components[0].name must not be empty",
            "plan.components[0].window must be given",
            "plan.components[0].payout must be given: one of rates",
            "plan.components[1].window must be a value of the enum, got 9",
            "plan.components[1].reversal must be a value of the enum, got 9",
            "plan.components[1].rates.measure_id must not be empty",
            "plan.components[1].rates.mode must be given",
            "plan.components[1].rates.tiers[0].edge_percent must not be empty",
            "plan.components[1].rates.tiers[0].rate_percent must not be empty",
            r#"effective_from must be a period such as "2026-03", got "2026-01-01""#,
        ],
    ),
    (
        "PublishPlanRequest",
        r#"{"requestId": "r", "reason": "why", "effectiveFrom": "2026-01", "plan": {"planId": "p", "name": "P", "components": [
            {"componentId": "c", "name": "C", "window": "WINDOW_YEAR", "rates": {"measureId": "m", "mode": "MODE_MARGINAL",
             "tiers": [{"edgePercent": "1", "ratePercent": "1"}, {"edgePercent": "1", "ratePercent": "1"}]}},
            {"componentId": "c", "name": "C", "window": "WINDOW_YEAR", "rates": {"measureId": "m", "mode": "MODE_MARGINAL"}}]}}"#,
        &[
            "plan.components[1].component_id must be unique in the plan, got c again",
            "plan.components[0].rates.tiers[0].edge_percent the first edge must be 0, got 1",
            "plan.components[0].rates.tiers[1].edge_percent must be above the edge before it, 1, got 1",
            "plan.components[1].rates.tiers must be 1 to 100, got 0",
        ],
    ),
    (
        // Fields that axis and rate kind do not ask for.
        "PublishPlanRequest",
        r#"{"requestId": "r", "reason": "why", "effectiveFrom": "2026-01", "draftEtag": 3, "plan": {"planId": "p", "name": "P", "components": [
            {"componentId": "a", "name": "A", "window": "WINDOW_MONTH", "targetPercent": "x", "clawback": {"steps": [{"days": 1}], "termDays": 5},
             "rates": {"measureId": "m", "lineMeasureId": "!", "mode": 9, "axis": "AXIS_UNITS", "rateKind": "RATE_KIND_PER_BLOCK",
              "retroactiveToPercent": "50", "tiers": [{"edgePercent": "0", "ratePercent": "1", "rateMultiple": "1", "flatAmount": "1.005"}]}},
            {"componentId": "b", "name": "B", "window": "WINDOW_MONTH", "clawback": {"steps": [{"days": 30}]},
             "rates": {"measureId": "m", "mode": "MODE_MARGINAL", "axis": "AXIS_AMOUNT", "rateKind": "RATE_KIND_BASE_RATE", "blockQuantity": "1",
              "retroactiveToAmount": "1.005", "tiers": [{"edgeAmount": "0.001", "edgeUnits": "0", "rateMultiple": "1e1", "rateAmount": "1"}]}},
            {"componentId": "c", "name": "C", "window": "WINDOW_DEAL",
             "rates": {"measureId": "m", "mode": "MODE_WHOLE_CREDIT", "axis": 9, "rateKind": 9, "tiers": [{}]}}]}}"#,
        &[
            "draft_etag must be 0 where no draft is named",
            r#"plan.components[0].target_percent must be plain decimal text such as "1250.00", got "x""#,
            "plan.components[0].clawback.steps must be empty where there is a term",
            r#"plan.components[0].rates.line_measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            "plan.components[0].rates.mode must be a value of the enum, got 9",
            "plan.components[0].rates.block_quantity must not be empty",
            "plan.components[0].rates.retroactive_to_percent must be empty: the axis is AXIS_UNITS",
            "plan.components[0].rates.tiers[0].edge_percent must be empty: the axis is AXIS_UNITS",
            "plan.components[0].rates.tiers[0].edge_units must not be empty",
            "plan.components[0].rates.tiers[0].rate_percent must be empty: the rate kind is RATE_KIND_PER_BLOCK",
            "plan.components[0].rates.tiers[0].rate_amount must not be empty",
            "plan.components[0].rates.tiers[0].rate_multiple must be empty: the rate kind is RATE_KIND_PER_BLOCK",
            r#"plan.components[0].rates.tiers[0].flat_amount must have at most 2 decimals, got "1.005""#,
            "plan.components[1].clawback.steps[0].percent must not be empty",
            "plan.components[1].rates.block_quantity must be empty where rates are not per block",
            r#"plan.components[1].rates.retroactive_to_amount must have at most 2 decimals, got "1.005""#,
            r#"plan.components[1].rates.tiers[0].edge_amount must have at most 2 decimals, got "0.001""#,
            "plan.components[1].rates.tiers[0].edge_units must be empty: the axis is AXIS_AMOUNT",
            "plan.components[1].rates.tiers[0].rate_amount must be empty: the rate kind is RATE_KIND_BASE_RATE",
            r#"plan.components[1].rates.tiers[0].rate_multiple must be plain decimal text such as "1250.00", got "1e1""#,
            "plan.components[2].rates.axis must be a value of the enum, got 9",
            "plan.components[2].rates.rate_kind must be a value of the enum, got 9",
        ],
    ),
    (
        // Rules between fields, of one component whatever is wrong with another.
        "PublishPlanRequest",
        r#"{"requestId": "r", "reason": "why", "effectiveFrom": "2026-01", "plan": {"planId": "p", "name": "P", "components": [
            {"componentId": "a", "name": "A", "window": "WINDOW_DEAL", "targetPercent": "101", "clawback": {"steps": [
              {"days": 30, "percent": "50"}, {"days": 30, "percent": "60"}, {"days": 60, "percent": "-1"}]},
             "rates": {"measureId": "m", "lineMeasureId": "n", "mode": "MODE_RETROACTIVE", "tiers": [{"edgePercent": "0", "ratePercent": "1"}]}},
            {"componentId": "b", "name": "B", "window": "WINDOW_HALF", "clawback": {"fullDays": 30, "termDays": 30},
             "rates": {"measureId": "m", "lineMeasureId": "n", "mode": "MODE_RETROACTIVE", "axis": "AXIS_DEAL_AMOUNT", "rateKind": "RATE_KIND_BASE_RATE",
              "retroactiveToAmount": "10", "tiers": [{"edgeAmount": "0", "rateMultiple": "1", "flatAmount": "5"}, {"edgeAmount": "0", "rateMultiple": "-1.5"}]}},
            {},
            {"componentId": "c", "name": "C", "window": "WINDOW_MONTH", "clawback": {},
             "rates": {"measureId": "m", "mode": "MODE_MARGINAL", "axis": "AXIS_MARGIN_PERCENT", "rateKind": "RATE_KIND_PER_BLOCK", "blockQuantity": "0",
              "retroactiveToPercent": "10", "tiers": [{"edgePercent": "0", "rateAmount": "0.000001"}]}}]}}"#,
        &[
            "plan.components[0].rates.axis must not be attainment in single deals: they have no quota",
            "plan.components[0].rates.line_measure_id must be absent in single deals",
            "plan.components[0].target_percent must be 0 to 100, got 101",
            "plan.components[0].clawback.steps[1].days must be above 30, got 30",
            "plan.components[0].clawback.steps[1].percent must not be above the step before it, 50, got 60",
            "plan.components[0].clawback.steps[2].percent must be 0 to 100, got -1",
            "plan.components[1].rates.tiers[1].edge_amount must be above the edge before it, 0, got 0",
            "plan.components[1].rates.tiers[0].flat_amount must be absent where the deal decides the tier: no total reaches it",
            "plan.components[1].rates.axis must not be the deal amount where tiers price retroactively",
            "plan.components[1].rates.retroactive_to_amount must be absent unless tiers are marginal over attainment or an amount",
            "plan.components[1].rates.line_measure_id must be absent where the deal decides the tier",
            "plan.components[1].target_percent must be given where rates are multiples of the base rate",
            "plan.components[1].clawback.term_days must be above 30, got 30",
            "plan.components[2].component_id must not be empty",
            "plan.components[2].name must not be empty",
            "plan.components[2].window must be given",
            "plan.components[2].payout must be given: one of rates",
            "plan.components[3].rates.axis must not be the margin percent unless tiers price whole credits",
            "plan.components[3].rates.retroactive_to_percent must be absent unless tiers are marginal over attainment or an amount",
            "plan.components[3].rates.block_quantity must be above zero, got 0",
            "plan.components[3].clawback.steps must be 1 to 100, got 0",
        ],
    ),
    (
        "PublishPlanRequest",
        r#"{"requestId": "r", "reason": "why", "draftId": "!", "effectiveFrom": "x", "plan": {}}"#,
        &[
            "plan must be absent where a draft is named",
            r#"draft_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            "draft_etag must be given: the change that wrote the draft as it was reviewed",
            r#"effective_from must be a period such as "2026-03", got "x""#,
        ],
    ),
    (
        "ValidatePlanRequest",
        r#"{"effectiveFrom": "x", "asOfChange": -1, "minChange": -2}"#,
        &[
            "draft must be given: one of plan, draft_id",
            r#"effective_from must be a period such as "2026-03", got "x""#,
            "as_of_change must not be below zero, got -1",
            "min_change must not be below zero, got -2",
        ],
    ),
    (
        "ValidatePlanRequest",
        r#"{"plan": {}}"#,
        &[r#"effective_from must be a period such as "2026-03", got """#],
    ),
    (
        "DiffPlansRequest",
        r#"{"fromVersion": -1, "asOfChange": -1, "minChange": -2}"#,
        &[
            "plan_id must not be empty",
            "from_version must not be below zero, got -1",
            "to must be given: one of to_version, draft_id, plan",
            "as_of_change must not be below zero, got -1",
            "min_change must not be below zero, got -2",
        ],
    ),
    (
        "DiffPlansRequest",
        r#"{"planId": "p", "toVersion": -1}"#,
        &["to_version must not be below zero, got -1"],
    ),
    ("SaveDraftRequest", "{}", &["request_id must not be empty", "draft must be given"]),
    (
        "SaveDraftRequest",
        r#"{"requestId": "r", "reason": "
", "draft": {"effectiveFrom": "x", "etag": -1}}"#,
        &[
            r"reason must have no control characters, got '
'",
            "draft.draft_id must not be empty",
            r#"draft.effective_from must be a period such as "2026-03", got "x""#,
            "draft.etag must not be below zero, got -1",
            "draft.plan must be given",
        ],
    ),
    (
        "GetDraftRequest",
        r#"{"asOfChange": -1, "minChange": -2}"#,
        &[
            "draft_id must not be empty",
            "as_of_change must not be below zero, got -1",
            "min_change must not be below zero, got -2",
        ],
    ),
    (
        "ListDraftsRequest",
        r#"{"pageSize": -1, "minChange": -2}"#,
        &["page_size must be 0 to 1000, got -1", "min_change must not be below zero, got -2"],
    ),
    (
        "DiscardDraftRequest",
        r#"{"etag": -1}"#,
        &[
            "request_id must not be empty",
            "draft_id must not be empty",
            "etag must not be below zero, got -1",
        ],
    ),
    (
        "GetPlanRequest",
        r#"{"version": -1}"#,
        &["plan_id must not be empty", "version must not be below zero, got -1"],
    ),
    ("ListPlansRequest", r#"{"asOfChange": -1}"#, &["as_of_change must not be below zero, got -1"]),
];
