//! Bad requests.

mod adjustments;
mod admin;
mod performance;
mod plans;
mod proposals;
mod rules;

use std::collections::BTreeSet;

use adjustments::ADJUSTMENTS;
use admin::ADMIN;
use performance::PERFORMANCE;
use plans::PLANS;
use proposals::PROPOSALS;
use rules::RULES;

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
                 "territoryId": " ", "planId": "-", "targetIncentive": "1.001", "currencyCode": "EURO"},
                {"startDate": "2026-01-01", "targetIncentive": "-1"}]},
            {"payeeId": "", "email": "a\tb", "sourceVersion": -1, "etag": -2},
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
            r#"payees[0].assignments[0].currency_code must be an ISO 4217 code of a currency in use such as "USD", got "EURO""#,
            r#"payees[0].assignments[0].target_incentive must have at most 2 decimals, got "1.001""#,
            r#"payees[0].assignments[1].target_incentive must not be below zero, got "-1""#,
            "payees[1].payee_id must not be empty",
            "payees[1].kind must be given",
            r#"payees[1].email must have no control characters, got '\t'"#,
            "payees[1].source_version must not be below zero, got -1",
            "payees[2].kind must be a value of the enum, got 9",
            "payees[3].assignments[0].manager_id must be another payee, got E-2",
            "payees[3].assignments[0].start_date 2026-03-01 overlaps the assignment 2026-01-01..2026-03-02 of payee E-2",
            "payees[2].payee_id must be given once, got E-1 as in payees[0]",
            "payees[1].etag must not be below zero, got -2",
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
    (
        "ReassignReportsRequest",
        r#"{"managerId": "M-1", "newManagerId": "M-1", "startDate": "2026-13-01", "payeeIds": ["", "E-1", "E-2", "E-1"]}"#,
        &[
            "reason must not be empty",
            "request_id must not be empty",
            "new_manager_id must be another payee, got M-1",
            r#"start_date must be a calendar day such as "2026-03-31", got "2026-13-01""#,
            "payee_ids[0] must not be empty",
            "payee_ids[3] must be given once, got E-1 as in payee_ids[1]",
        ],
    ),
    (
        "TerminatePayeeRequest",
        r#"{"newManagerId": "M 1"}"#,
        &[
            "reason must not be empty",
            "request_id must not be empty",
            "payee_id must not be empty",
            r#"end_date must be a calendar day such as "2026-03-31", got """#,
            r#"new_manager_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "M 1""#,
        ],
    ),
];

const DEALS: &[Case] = &[
    (
        "UpsertDealsRequest",
        r#"{"deals": [
            {"dealId": "D-1", "currencyCode": "EURO", "amount": "-1", "cost": "1e3", "quantity": "0.0000001",
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
             "sourceVersion": -5, "etag": -6,
             "events": [{"type": "TYPE_BOOKED", "amount": "-0", "cost": "-2", "quantity": "-3", "sourceVersion": -7,
                         "reverses": [{"amount": "-4"}]}]}]}"#,
        &[
            "request_id must not be empty",
            r"deals[0].name must have no control characters, got '\0'",
            "deals[0].owner_id must not be empty",
            r#"deals[0].customer_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            r#"deals[0].product_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            r#"deals[0].currency_code must be an ISO 4217 code of a currency in use such as "USD", got "EURO""#,
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
            "deals[2].source_version must not be below zero, got -5",
            "deals[2].events[0].event_id must not be empty",
            r#"deals[2].events[0].event_date must be a calendar day such as "2026-03-31", got """#,
            r#"deals[2].events[0].amount must not be minus zero, got "-0""#,
            r#"deals[2].events[0].cost must not be below zero, got "-2""#,
            r#"deals[2].events[0].quantity must not be below zero, got "-3""#,
            "deals[2].events[0].reverses[0].event_id must not be empty",
            r#"deals[2].events[0].reverses[0].amount must not be below zero, got "-4""#,
            "deals[2].events[0].source_version must not be below zero, got -7",
            "deals[2].etag must not be below zero, got -6",
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
        "EstimateDealRequest",
        r#"{"payeeId": "!", "period": "2026", "asOfChange": -1, "assumedEvents": [
            {"type": "TYPE_REFUNDED", "eventDate": "2026-02-30", "amount": "1.005"}]}"#,
        &[
            "deal_id must be given, or a deal",
            "assumed_events[0].type must be booked, invoiced or paid, got REFUNDED",
            r#"assumed_events[0].event_date must be a calendar day such as "2026-03-31", got "2026-02-30""#,
            r#"assumed_events[0].amount must have at most 2 decimals, got "1.005""#,
            r#"payee_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            r#"period must be a period such as "2026-03", got "2026""#,
            "as_of_change must not be below zero, got -1",
        ],
    ),
    (
        "EstimateDealRequest",
        r#"{"deal": {"etag": 7}}"#,
        &[
            "deal.etag must be 0: nothing is written, got 7",
            "deal.deal_id must not be empty",
            "deal.owner_id must not be empty",
            "deal.outcome must be given",
        ],
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
        "AcceptRulesRevisionRequest",
        r#"{"rulesRevision": -1}"#,
        &[
            "reason must not be empty",
            "request_id must not be empty",
            "rules_revision must not be below zero, got -1",
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
    for (request, json, expected) in
        [PEOPLE, DEALS, RULES, ADJUSTMENTS, PROPOSALS, PLANS, READS, PERFORMANCE, ADMIN].into_iter().flatten()
    {
        let said = violations(request, json);
        assert_eq!(said, *expected, "{request} {json}");
    }
}

#[test]
fn every_request_of_the_contract_is_in_the_table() {
    let table: BTreeSet<String> =
        [PEOPLE, DEALS, RULES, ADJUSTMENTS, PROPOSALS, PLANS, READS, PERFORMANCE, ADMIN]
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
