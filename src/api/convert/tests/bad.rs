//! Bad requests.

mod admin;

use std::collections::BTreeSet;

use super::violations;
use crate::api::descriptors;

/// A request's type, the request, and everything that is said about it.
type Case = (&'static str, &'static str, &'static [&'static str]);

const PEOPLE: &[Case] = &[
    ("UpsertPayeesRequest", "{}", &["request_id must not be empty", "payees must be 1 to 1000, got 0"]),
    (
        "UpsertPayeesRequest",
        r#"{"requestId": "r/1", "reason": "a\nb", "payees": [
            {"payeeId": "E-1", "kind": "KIND_PERSON", "assignments": [
                {"startDate": "2026-02-30", "endDate": "x", "title": "a\u0007", "managerId": "é",
                 "territoryId": " ", "planId": "-", "targetIncentive": "1.001", "currencyCode": "EUR"},
                {"startDate": "2026-01-01", "targetIncentive": "-1"}]},
            {"payeeId": "", "email": "a\tb"},
            {"payeeId": "E-1", "kind": 9, "assignments": [
                {"startDate": "2026-03-01", "managerId": "E-1"},
                {"startDate": "2026-01-01", "endDate": "2026-03-02"},
                {"startDate": "2027-01-01", "endDate": "2027-01-01"}]},
            {"payeeId": "E-2", "kind": "KIND_FIRM", "assignments": [
                {"startDate": "2026-03-01", "managerId": "E-2"},
                {"startDate": "2026-01-01", "endDate": "2026-03-02"}]}]}"#,
        &[
            r#"reason must have no control characters, got '\n'"#,
            r#"request_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "r/1""#,
            r#"payees[0].assignments[0].start_date must be a calendar day such as "2026-03-31", got "2026-02-30""#,
            r#"payees[0].assignments[0].end_date must be a calendar day such as "2026-03-31", got "x""#,
            r#"payees[0].assignments[0].title must have no control characters, got '\u{7}'"#,
            r#"payees[0].assignments[0].manager_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "é""#,
            r#"payees[0].assignments[0].territory_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got " ""#,
            r#"payees[0].assignments[0].plan_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "-""#,
            r#"payees[0].assignments[0].target_incentive must have at most 2 decimals, got "1.001""#,
            r#"payees[0].assignments[0].currency_code must be the tenant's currency USD, got "EUR""#,
            r#"payees[0].assignments[1].target_incentive must not be below zero, got "-1""#,
            "payees[1].payee_id must not be empty",
            "payees[1].kind must be given",
            r#"payees[1].email must have no control characters, got '\t'"#,
            "payees[2].kind must be a value of the enum, got 9",
            "payees[3].assignments[0].manager_id must be another payee, got E-2",
            "payees[3].assignments[0].start_date 2026-03-01 overlaps the assignment 2026-01-01..2026-03-02 of payee E-2",
            "payees[2].payee_id must be given once, got E-1 as in payees[0]",
        ],
    ),
    (
        "GetPayeeRequest",
        r#"{"asOfChange": -1}"#,
        &["payee_id must not be empty", "as_of_change must not be below zero, got -1"],
    ),
    (
        "GetPayeeRequest",
        r#"{"payeeId": "E-1", "onDate": "2026-02-29", "asOfChange": 5, "minChange": 8}"#,
        &[
            r#"on_date must be a calendar day such as "2026-03-31", got "2026-02-29""#,
            "as_of_change must not be before min_change 8, got 5",
            "min_change must not be after as_of_change 5, got 8",
        ],
    ),
    (
        "ListPayeesRequest",
        r#"{"pageSize": -1, "asOfChange": -2, "minChange": -3, "onDate": "today", "managerId": "!", "planId": "!",
            "territoryId": "!"}"#,
        &[
            "as_of_change must not be below zero, got -2",
            "min_change must not be below zero, got -3",
            "page_size must be 0 to 1000, got -1",
            r#"on_date must be a calendar day such as "2026-03-31", got "today""#,
            r#"manager_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r#"plan_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r#"territory_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
        ],
    ),
    (
        "GetReportingLineRequest",
        r#"{"pageSize": -1, "asOfChange": 5, "minChange": 8, "onDate": "2026-13-01"}"#,
        &[
            "payee_id must not be empty",
            "as_of_change must not be before min_change 8, got 5",
            "min_change must not be after as_of_change 5, got 8",
            "page_size must be 0 to 1000, got -1",
            r#"on_date must be a calendar day such as "2026-03-31", got "2026-13-01""#,
        ],
    ),
];

const DEALS: &[Case] = &[
    (
        "UpsertDealsRequest",
        r#"{"deals": [
            {"dealId": "D-1", "currencyCode": "EUR", "amount": "-1", "cost": "1e3", "quantity": "0.0000001",
             "probabilityPercent": "100.1", "openDate": "2026", "closeDate": "2026-13-01",
             "customerId": "a b", "productId": "a b", "name": "\u0000", "stage": "\u0085",
             "attributes": {"a b": "x", "ok": "\u007f"}},
            {"dealId": "D-2", "ownerId": "E-1", "outcome": "OUTCOME_WON",
             "splits": [{"payeeId": "E-1", "splitPercent": "60"}, {"payeeId": "E-2", "role": "SE", "splitPercent": "30"},
                        {"payeeId": "E-1", "role": "OWNER", "splitPercent": "0"}],
             "events": [{"eventId": "e", "type": "TYPE_BOOKED", "eventDate": "2026-01-01"},
                        {"eventId": "e", "type": "TYPE_REFUNDED", "eventDate": "2026-01-01", "amount": "1",
                         "reverses": [{"eventId": "x", "amount": "0"}, {"eventId": "x"}]}]},
            {"dealId": "D-3", "ownerId": "E-1", "outcome": "OUTCOME_WON",
             "splits": [{"splitPercent": "x"}],
             "events": [{"type": "TYPE_BOOKED", "amount": "-0", "cost": "-2", "quantity": "-3",
                         "reverses": [{"amount": "-4"}]}]}]}"#,
        &[
            "request_id must not be empty",
            r"deals[0].name must have no control characters, got '\0'",
            "deals[0].owner_id must not be empty",
            r#"deals[0].customer_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            r#"deals[0].product_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            r#"deals[0].currency_code must be the tenant's currency USD, got "EUR""#,
            r#"deals[0].amount must not be below zero, got "-1""#,
            r#"deals[0].cost must be plain decimal text such as "1250.00", got "1e3""#,
            r#"deals[0].quantity must have at most 6 decimals, got "0.0000001""#,
            r"deals[0].stage must have no control characters, got '\u{85}'",
            "deals[0].outcome must be given",
            "deals[0].probability_percent must be 0 to 100, got 100.1",
            r#"deals[0].open_date must be a calendar day such as "2026-03-31", got "2026""#,
            r#"deals[0].close_date must be a calendar day such as "2026-03-31", got "2026-13-01""#,
            r#"deals[0].attributes name must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            r#"deals[0].attributes["ok"] must have no control characters, got '\u{7f}'"#,
            "deals[1].splits[2].split_percent must be above 0 and at most 100, got 0",
            "deals[1].splits[2].payee_id must have one split in role OWNER, got E-1 again",
            "deals[1].splits must sum to exactly 100 percent without overlays, got 90",
            "deals[1].events[0].amount must be given for BOOKED",
            "deals[1].events[1].event_id must be unique in the deal, got e again",
            "deals[1].events[1].amount must be absent where reverses lists the events taken back",
            "deals[1].events[1].reverses[0].amount must be above zero",
            "deals[1].events[1].reverses[1].event_id must be listed once, got x again",
            "deals[2].splits[0].payee_id must not be empty",
            r#"deals[2].splits[0].split_percent must be plain decimal text such as "1250.00", got "x""#,
            "deals[2].events[0].event_id must not be empty",
            r#"deals[2].events[0].event_date must be a calendar day such as "2026-03-31", got """#,
            r#"deals[2].events[0].amount must not be minus zero, got "-0""#,
            r#"deals[2].events[0].cost must not be below zero, got "-2""#,
            r#"deals[2].events[0].quantity must not be below zero, got "-3""#,
            "deals[2].events[0].reverses[0].event_id must not be empty",
            r#"deals[2].events[0].reverses[0].amount must not be below zero, got "-4""#,
        ],
    ),
    (
        "ImportDealsRequest",
        r#"{"header": {"requestId": "", "source": "\r", "reason": "\n", "rejectLimit": -1}}"#,
        &[
            r"header.reason must have no control characters, got '\n'",
            "header.request_id must not be empty",
            r"header.source must have no control characters, got '\r'",
            "header.reject_limit must not be below zero, got -1",
        ],
    ),
    ("ImportDealsRequest", "{}", &["batch must follow; the header comes once, first"]),
    (
        "ImportDealsRequest",
        r#"{"batch": {"rows": [{"rowNumber": 6}, {"rowNumber": 9}, {"rowNumber": 9}, {"rowNumber": 12}],
            "rejectedRows": [{"rowNumber": 0}, {"rowNumber": 9}, {"rowNumber": 8},
                             {"rowNumber": 10, "reasons": ["good", "b\u0001d"], "raw": "a\u0000"}]}}"#,
        &[
            "batch.rows[0].row_number must be above the row before it, 6, got 6",
            "batch.rows[2].row_number must be above the row before it, 9, got 9",
            "batch.rejected_rows[0].row_number must be above the row before it, 6, got 0",
            "batch.rejected_rows[1].row_number must not be among rows too, got 9",
            "batch.rejected_rows[2].row_number must be above the row before it, 9, got 8",
            "batch.rejected_rows[3].raw must not contain the zero character",
            r"batch.rejected_rows[3].reasons[1] must have no control characters, got '\u{1}'",
        ],
    ),
    (
        "GetDealRequest",
        r#"{"dealId": "x/"}"#,
        &[r#"deal_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "x/""#],
    ),
    (
        "ListDealsRequest",
        r#"{"pageSize": 1001, "ownerId": "!", "outcome": 7, "closeDateFrom": "x", "closeDateTo": "y"}"#,
        &[
            "page_size must be 0 to 1000, got 1001",
            r#"owner_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            "outcome must be a value of the enum, got 7",
            r#"close_date_from must be a calendar day such as "2026-03-31", got "x""#,
            r#"close_date_to must be a calendar day such as "2026-03-31", got "y""#,
        ],
    ),
    (
        "ListRejectedRowsRequest",
        r#"{"pageSize": -5}"#,
        &["change_number must be above zero, got 0", "page_size must be 0 to 1000, got -5"],
    ),
];

const RULES: &[Case] = &[
    (
        "DefineMeasuresRequest",
        r#"{"requestId": "r", "measures": [{"eventType": "TYPE_REFUNDED", "roles": ["AE", "a b", ""]},
            {"measureId": "m", "name": "M", "eventType": 9, "credit": 9, "value": 9},
            {"measureId": "m", "name": "M", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH", "value": "VALUE_AMOUNT"}]}"#,
        &[
            "measures[0].measure_id must not be empty",
            "measures[0].name must not be empty",
            "measures[0].event_type must not be a reversal, got TYPE_REFUNDED",
            "measures[0].credit must be given",
            r#"measures[0].roles[1] must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            "measures[0].roles[2] must not be empty",
            "measures[0].value must be given",
            "measures[1].event_type must be a value of the enum, got 9",
            "measures[1].credit must be a value of the enum, got 9",
            "measures[1].value must be a value of the enum, got 9",
            "measures[2].measure_id must be given once, got m as in measures[1]",
        ],
    ),
    (
        "DefineMeasuresRequest",
        r#"{"requestId": "r", "measures": [
            {"measureId": "a", "name": "A", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH", "value": "VALUE_COUNT", "step": "0"},
            {"measureId": "b", "name": "B", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH", "value": "VALUE_QUANTITY", "step": "-1"},
            {"measureId": "c", "name": "C", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH", "value": "VALUE_QUANTITY", "step": "0.0000001"},
            {"measureId": "d", "name": "D", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH", "value": "VALUE_MARGIN", "step": "1"}]}"#,
        &[
            "measures[0].step must be above zero, got 0",
            r#"measures[1].step must not be below zero, got "-1""#,
            r#"measures[2].step must have at most 6 decimals, got "0.0000001""#,
            "measures[3].step must be empty: the measure counts money, which is rounded to the minor unit",
        ],
    ),
    ("ListMeasuresRequest", r#"{"pageSize": 2000}"#, &["page_size must be 0 to 1000, got 2000"]),
    (
        "SetQuotasRequest",
        r#"{"requestId": "r", "quotas": [
            {"payeeId": "E-1", "measureId": "m", "window": "FY2026-Q1", "amount": {"currencyCode": "USD", "amount": "1"}},
            {"window": "2026-Q1", "amount": {"amount": ""}},
            {"payeeId": "E-1", "measureId": "m", "window": "FY2026-Q1"},
            {"payeeId": "E-1", "measureId": "m", "window": "FY2026", "amount": {"currencyCode": "EUR", "amount": "-5"}}]}"#,
        &[
            "reason must not be empty",
            "quotas[1].payee_id must not be empty",
            "quotas[1].measure_id must not be empty",
            r#"quotas[1].window must be a window such as "2026-03", "FY2026-Q1", "FY2026-H1" or "FY2026", got "2026-Q1""#,
            r#"quotas[1].amount.currency_code must be the tenant's currency USD, got """#,
            "quotas[1].amount.amount must not be empty",
            "quotas[2].amount must be given, or units, or sum_of_reports_measure_id",
            r#"quotas[3].amount.currency_code must be the tenant's currency USD, got "EUR""#,
            r#"quotas[3].amount.amount must not be below zero, got "-5""#,
            "quotas[2] must be given once, got E-1 m FY2026-Q1 as in quotas[0]",
        ],
    ),
    (
        "SetQuotasRequest",
        r#"{"requestId": "r", "reason": "why", "quotas": [
            {"payeeId": "a", "measureId": "m", "window": "2026-03-DEALS", "units": "0"},
            {"payeeId": "a", "measureId": "m", "window": "FY2026", "units": "-1", "sumOfReportsMeasureId": "!",
             "seasonalityPercents": ["1"], "ramp": {"percents": ["x"]}, "proration": 9,
             "reliefs": [{}, {"date": "2025-02-01", "units": "x"}, {"date": "x", "amount": {"currencyCode": "EUR", "amount": ""}}]},
            {"payeeId": "b", "measureId": "m", "window": "FY2026", "amount": {"currencyCode": "USD", "amount": "1"}, "units": "1"},
            {"payeeId": "c", "measureId": "m", "window": "FY2026-H1", "units": "10", "proration": "PRORATION_NONE",
             "seasonalityPercents": ["8", "8", "8", "8", "8", "8", "8", "8", "8", "8", "8", "11.999999"],
             "ramp": {"startPeriod": "2025-02"},
             "reliefs": [{"date": "2025-08-01", "units": "1"}, {"date": "2025-07-31", "amount": {"currencyCode": "USD", "amount": "0"}}]},
            {"payeeId": "d", "measureId": "m", "window": "FY2026", "sumOfReportsMeasureId": "m",
             "ramp": {"startPeriod": "2025-02", "percents": ["25", "-1"]},
             "seasonalityPercents": ["-8", "24", "8", "8", "8", "8", "8", "8", "8", "8", "8", "12"]}]}"#,
        &[
            "quotas[0].window must be a month, quarter, half or year, got single deals",
            r#"quotas[1].sum_of_reports_measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            "quotas[1].sum_of_reports_measure_id must be empty where the goal is stated",
            r#"quotas[1].units must not be below zero, got "-1""#,
            "quotas[1].seasonality_percents must be twelve or none, got 1",
            r#"quotas[1].ramp.start_period must be a period such as "2026-03", got """#,
            r#"quotas[1].ramp.percents[0] must be plain decimal text such as "1250.00", got "x""#,
            "quotas[1].proration must be a value of the enum, got 9",
            r#"quotas[1].reliefs[0].date must be a calendar day such as "2026-03-31", got """#,
            "quotas[1].reliefs[0].amount must be given, or units",
            r#"quotas[1].reliefs[1].units must be plain decimal text such as "1250.00", got "x""#,
            r#"quotas[1].reliefs[2].date must be a calendar day such as "2026-03-31", got "x""#,
            r#"quotas[1].reliefs[2].amount.currency_code must be the tenant's currency USD, got "EUR""#,
            "quotas[1].reliefs[2].amount.amount must not be empty",
            "quotas[2].units must be empty where an amount is given",
            "quotas[3].seasonality_percents must be twelve weights, none below zero, that sum to exactly 100, got a sum of 99.999999",
            "quotas[3].ramp.percents must be 1 to 100, got 0",
            "quotas[3].reliefs[0].date must be a day of the quota's window, 2025-02-01 to 2025-07-31, got 2025-08-01",
            "quotas[3].reliefs[1].amount must be above zero",
            "quotas[4].seasonality_percents must be twelve weights, none below zero, that sum to exactly 100, got a sum of 100",
            "quotas[4].ramp.percents[1] must not be below zero, got -1",
        ],
    ),
    (
        "GetQuotaRequest",
        r#"{"window": "x", "asOfChange": -1}"#,
        &[
            "payee_id must not be empty",
            "measure_id must not be empty",
            r#"window must be a window such as "2026-03", "FY2026-Q1", "FY2026-H1" or "FY2026", got "x""#,
            "as_of_change must not be below zero, got -1",
        ],
    ),
    (
        "ListQuotasRequest",
        r#"{"payeeId": "!", "measureId": "!", "onDate": "FY2026"}"#,
        &[
            r#"payee_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r#"measure_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r#"on_date must be a calendar day such as "2026-03-31", got "FY2026""#,
        ],
    ),
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
        &["request_id must not be empty", "draft_id must not be empty", "etag must not be below zero, got -1"],
    ),
    (
        "GetPlanRequest",
        r#"{"version": -1}"#,
        &["plan_id must not be empty", "version must not be below zero, got -1"],
    ),
    (
        "GetPlanRequest",
        r#"{"planId": "p", "version": 2, "onDate": "2026-01-01"}"#,
        &[
            "version must be 0 where on_date is given, got 2",
            r#"on_date must be empty where version is given, got "2026-01-01""#,
        ],
    ),
    (
        "ListPlansRequest",
        r#"{"asOfChange": -1, "onDate": "x"}"#,
        &[
            r#"on_date must be a calendar day such as "2026-03-31", got "x""#,
            "as_of_change must not be below zero, got -1",
        ],
    ),
];

const READS: &[Case] = &[
    (
        "GetAttainmentRequest",
        r#"{"payeeId": "!", "period": "FY2026", "measureIds": ["m", ""], "asOfChange": -1}"#,
        &[
            r#"payee_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r#"period must be a period such as "2026-03", got "FY2026""#,
            "measure_ids[1] must not be empty",
            "as_of_change must not be below zero, got -1",
        ],
    ),
    (
        "GetAttainmentRequest",
        r#"{"period": "2026-03", "onDate": "2026-04-01"}"#,
        &[
            "period must be the month of on_date 2026-04-01, got 2026-03",
            "on_date must be a day of period 2026-03, got 2026-04-01",
        ],
    ),
    (
        "GetStatementRequest",
        r#"{"period": "2026-3"}"#,
        &[r#"period must be a period such as "2026-03", got "2026-3""#],
    ),
    (
        "ExplainEarningRequest",
        r#"{"planId": "!", "componentId": "!", "path": "a\nb", "depth": 11, "pageSize": -1, "asOfChange": -1}"#,
        &[
            r#"plan_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r#"component_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r"path must have no control characters, got '\n'",
            "depth must be 0 to 10, got 11",
            "page_size must be 0 to 1000, got -1",
            "as_of_change must not be below zero, got -1",
        ],
    ),
    (
        "PreviewPeriodRequest",
        r#"{"pageSize": -1}"#,
        &[r#"period must be a period such as "2026-03", got """#, "page_size must be 0 to 1000, got -1"],
    ),
    (
        "ClosePeriodRequest",
        "{}",
        &["request_id must not be empty", r#"period must be a period such as "2026-03", got """#],
    ),
    (
        "WatchCloseRequest",
        r#"{"minChange": -1}"#,
        &[
            r#"period must be a period such as "2026-03", got """#,
            "min_change must not be below zero, got -1",
        ],
    ),
    (
        "ListPostingsRequest",
        r#"{"period": "x", "forPeriod": "y", "payeeId": "!"}"#,
        &[
            r#"period must be a period such as "2026-03", got "x""#,
            r#"for_period must be a period such as "2026-03", got "y""#,
            r#"payee_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
        ],
    ),
];

#[test]
fn everything_wrong_with_a_request_is_said_at_once() {
    for (request, json, expected) in [PEOPLE, DEALS, RULES, READS, admin::ADMIN].into_iter().flatten() {
        let said = violations(request, json);
        assert_eq!(said, *expected, "{request} {json}");
    }
}

#[test]
fn every_request_of_the_contract_is_in_the_table() {
    let table: BTreeSet<String> = [PEOPLE, DEALS, RULES, READS, admin::ADMIN]
        .into_iter()
        .flatten()
        .map(|(request, ..)| request.to_string())
        .collect();
    let contract: BTreeSet<String> = descriptors()
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| method.input().name().to_string())
        .collect();
    assert_eq!(table, contract);
}

#[test]
fn lengths_are_counted_in_characters() {
    for (field, most) in [("name", 200), ("email", 200)] {
        for (length, expected) in [(most, 0), (most + 1, 1)] {
            let text = "ü".repeat(length);
            let json = format!(
                r#"{{"requestId": "r", "payees": [{{"payeeId": "E-1", "kind": "KIND_PERSON", "{field}": "{text}"}}]}}"#
            );
            let said = violations("UpsertPayeesRequest", &json);
            assert_eq!(said.len(), expected, "{said:?}");
        }
    }
    let json = format!(r#"{{"requestId": "r", "reason": "{}", "period": "2026-01"}}"#, "ü".repeat(1001));
    let said = violations("ClosePeriodRequest", &json);
    assert_eq!(said, ["reason must be at most 1000 characters, got 1001"]);
}

#[test]
fn lists_too_long_are_not_read_at_all() {
    let items = |item: &str, count: usize| vec![item; count].join(",");
    let cases = [
        (
            "UpsertPayeesRequest",
            format!(r#"{{"requestId": "r", "payees": [{}]}}"#, items("{}", 1001)),
            "payees must be 1 to 1000, got 1001",
        ),
        (
            "UpsertPayeesRequest",
            format!(
                r#"{{"requestId": "r", "payees": [{{"payeeId": "a", "kind": 1, "assignments": [{}]}}]}}"#,
                items("{}", 201)
            ),
            "payees[0].assignments must be at most 200, got 201",
        ),
        (
            "UpsertDealsRequest",
            format!(
                r#"{{"requestId": "r", "deals": [{{"dealId": "a", "ownerId": "b", "outcome": 1, "splits": [{}]}}]}}"#,
                items("{}", 101)
            ),
            "deals[0].splits must be at most 100, got 101",
        ),
        (
            "UpsertDealsRequest",
            format!(
                r#"{{"requestId": "r", "deals": [{{"dealId": "a", "ownerId": "b", "outcome": 1, "events": [{}]}}]}}"#,
                items("{}", 101)
            ),
            "deals[0].events must be at most 100, got 101",
        ),
        (
            "SetQuotasRequest",
            format!(r#"{{"requestId": "r", "reason": "y", "quotas": [{}]}}"#, items("{}", 10001)),
            "quotas must be 1 to 10000, got 10001",
        ),
        (
            "GetAttainmentRequest",
            format!(r#"{{"period": "2026-01", "measureIds": [{}]}}"#, items(r#""""#, 101)),
            "measure_ids must be at most 100, got 101",
        ),
    ];
    for (request, json, expected) in cases {
        assert_eq!(violations(request, &json), [expected]);
    }
}

#[test]
fn a_hostile_request_cannot_make_a_million_violations() {
    let deal = format!(r#"{{"events": [{}]}}"#, vec!["{}"; 100].join(","));
    let json = format!(r#"{{"deals": [{}]}}"#, vec![deal.as_str(); 1000].join(","));
    assert_eq!(violations("UpsertDealsRequest", &json).len(), 1000);
}
