//! `validate_only`: every write checks everything, answers without a change, and leaves the journal where it is.

use std::collections::BTreeSet;

use attain::api::descriptors;
use attain::calc::RULES_REVISION;
use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{calendar, deal, measures, payee, plan, quota};

/// The company's measures, and one from outside.
fn with_outside() -> Value {
    let mut measures = measures();
    let csat = json!({"measureId": "csat", "name": "csat", "outside": {"combine": "COMBINE_SUM"}});
    measures["measures"].as_array_mut().unwrap().push(csat);
    measures
}

/// Every write of a company with one deal, as the messages of its stream; those that answer a receipt.
pub fn writes() -> Vec<(&'static str, Vec<Value>, bool)> {
    let row = json!({"rowNumber": "1", "deal": deal("e", "ann", "2026-01-12", "1.00")});
    let bad = json!({"rowNumber": "2", "deal": deal("f", "nobody", "2026-01-12", "1.00")});
    vec![
        (
            "PayeeService/UpsertPayees",
            vec![json!({"payees": [{"payeeId": "eve", "kind": "KIND_FIRM"}]})],
            true,
        ),
        ("DealService/UpsertDeals", vec![json!({"deals": [deal("e", "ann", "2026-01-12", "1.00")]})], true),
        (
            "DealService/ImportDeals",
            vec![json!({"header": {}}), json!({"batch": {"rows": [row, bad]}})],
            true,
        ),
        ("MeasureService/DefineMeasures", vec![with_outside()], true),
        (
            "MeasureService/RecordValues",
            vec![json!({"values": [
                {"payeeId": "ann", "measureId": "csat", "date": "2026-01-31", "value": "4.6"},
                {"payeeId": "bob", "measureId": "csat", "date": "2026-01-31", "removed": true}]})],
            true,
        ),
        (
            "TerritoryService/UpsertTerritories",
            vec![json!({"territories": [
                {"territoryId": "north", "name": "North", "holders": [{"payeeId": "ann", "startDate": "2026-01-01"}]}]})],
            true,
        ),
        (
            "TerritoryService/SetCreditingRules",
            vec![json!({"rules": [{"ruleId": "north", "name": "North", "startDate": "2027-01-01",
                "credits": [{"territoryId": "north", "creditPercent": "100"}]}]})],
            true,
        ),
        ("QuotaService/SetQuotas", vec![json!({"quotas": [quota("bob", "own", "FY2026-Q2", "1.00")]})], true),
        (
            "QuotaService/AdjustQuota",
            vec![
                json!({"adjustment": {"payeeId": "bob", "measureId": "own", "window": "FY2026", "kind": "KIND_LEAVE",
                "leave": {"startDate": "2026-06-01", "endDate": "2026-07-01"}}}),
            ],
            true,
        ),
        (
            "QuotaService/ProposeQuotas",
            vec![json!({"proposal": {"proposalId": "q3", "rootPayeeId": "lead", "measureId": "own",
                "window": "FY2026-Q3", "currencyCode": "USD", "allocation": {"goal": "100", "weigh": "WEIGH_EQUAL"}}})],
            true,
        ),
        (
            "QuotaService/AdjustQuotaProposal",
            vec![json!({"proposalId": "q3", "changes": [
                {"payeeId": "ann", "figure": "60"}, {"payeeId": "bob", "figure": "40"}]})],
            true,
        ),
        ("QuotaService/PublishQuotaProposal", vec![json!({"proposalId": "q3"})], true),
        (
            "QuotaService/MoveQuota",
            vec![json!({"fromPayeeId": "ann", "toPayeeId": "bob", "measureId": "own", "window": "FY2026-Q3",
                "amount": {"currencyCode": "USD", "amount": "1"}})],
            true,
        ),
        ("PlanService/PublishPlan", vec![plan("new", "own", "WINDOW_MONTH", &[("0", "1")])], true),
        (
            "PlanService/SaveDraft",
            vec![json!({"draft": {"draftId": "next", "plan": {"planId": "rep"}}})],
            true,
        ),
        ("PlanService/DiscardDraft", vec![json!({"draftId": "next"})], true),
        (
            "PayeeService/ReassignReports",
            vec![json!({"managerId": "lead", "startDate": "2026-11-01", "payeeIds": ["ann"]})],
            true,
        ),
        ("PayeeService/TerminatePayee", vec![json!({"payeeId": "bob", "endDate": "2026-12-01"})], true),
        ("AdminService/ErasePersonalData", vec![json!({"payeeIds": ["ann"]})], true),
        ("PeriodService/AcceptRulesRevision", vec![json!({"rulesRevision": RULES_REVISION})], true),
        ("AdminService/SetCalendar", vec![calendar()], true),
        (
            "AdminService/SetExchangeRates",
            vec![json!({"exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.1"}]})],
            true,
        ),
        ("AdminService/CreateKey", vec![json!({"key": {"keyId": "spare", "role": "ROLE_AUDITOR"}})], true),
        ("PeriodService/ClosePeriod", vec![json!({"period": "2026-01"})], false),
        ("AdminService/RevokeKey", vec![json!({"keyId": "spare"})], true),
    ]
}

/// The first message of a stream, or its header: what carries the request id.
pub fn signed(tenant: &Tenant, messages: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let with = |validate_only: bool, id: &str| {
        let mut messages = messages.to_vec();
        let first = &mut messages[0];
        let first = if first["header"].is_null() { first } else { &mut first["header"] };
        first["requestId"] = json!(id);
        first["reason"] = json!("a test");
        first["validateOnly"] = json!(validate_only);
        messages
    };
    let id = tenant.request_id();
    (with(true, &id), with(false, &id))
}

#[tokio::test]
async fn nothing_is_written_where_a_request_is_only_validated() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "1000.00")]).await;
    for (rpc, messages, receipts) in writes() {
        let before = tenant.head().await;
        let (validated, done) = signed(&tenant, &messages);
        let mut answer =
            tenant.stream(rpc, validated).await.unwrap_or_else(|s| panic!("{rpc}: {s}")).remove(0);
        assert_eq!(tenant.head().await, before, "{rpc}");
        // The name is free, and what is done then is what was said before, but for its change.
        let mut real = tenant.stream(rpc, done).await.unwrap().remove(0);
        assert_eq!(tenant.head().await, before + 1, "{rpc}");
        if receipts {
            assert!(answer["receipt"]["changeNumber"].is_null(), "{rpc}: {answer}");
            assert_eq!(real["receipt"]["changeNumber"].take(), (before + 1).to_string(), "{rpc}");
            real["receipt"].as_object_mut().unwrap().remove("changeNumber");
        } else {
            assert_eq!(answer["close"]["state"].take(), "STATE_VALIDATED");
            assert_eq!(real["close"]["state"].take(), "STATE_CLOSED");
            assert_eq!(real["close"]["changeNumber"].take(), (before + 1).to_string());
            answer["close"]["changeNumber"].take();
        }
        if rpc == "AdminService/CreateKey" {
            assert!(answer["secretKey"].is_null());
            real.as_object_mut().unwrap().remove("secretKey");
        }
        assert_eq!(answer, real, "{rpc}");
    }
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn what_would_be_refused_is_refused() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    // A credit of a payee who has no quota.
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("eve", "rep", "lead")]})).await;
    tenant.deals(&[deal("d", "eve", "2026-01-10", "1000.00")]).await;
    let mut other = calendar();
    other["calendar"]["currencyCode"] = json!("EUR");
    let mut bad = deal("e", "nobody", "2026-01-12", "1.00");
    bad["splits"] = json!([]);
    for (rpc, mut message, expected) in [
        (
            "PeriodService/ClosePeriod",
            json!({"period": "2026-02"}),
            "FailedPrecondition PERIOD_OUT_OF_ORDER: ",
        ),
        ("PeriodService/ClosePeriod", json!({"period": "2026-01"}), "FailedPrecondition RUN_BLOCKED: "),
        ("AdminService/SetCalendar", other, "FailedPrecondition CALENDAR_FIXED: "),
        ("AdminService/RevokeKey", json!({"keyId": "nobody"}), "NotFound NOT_FOUND: "),
        (
            "AdminService/CreateKey",
            json!({"key": {"role": "ROLE_PAYEE", "payeeId": "nobody"}}),
            "FailedPrecondition REFERENCE_UNKNOWN: ",
        ),
        ("DealService/UpsertDeals", json!({"deals": [bad]}), "FailedPrecondition REFERENCE_UNKNOWN: "),
    ] {
        message["validateOnly"] = json!(true);
        let refused = tenant.refused_write(rpc, message).await;
        assert!(refused.starts_with(expected), "{rpc}: {refused}");
    }
}

#[tokio::test]
async fn a_closed_period_is_validated_as_the_close_that_it_was() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let close = tenant.close("2026-01").await;
    let again = json!({"period": "2026-01", "validateOnly": true});
    let answer = tenant.get("PeriodService/ClosePeriod", tenant.signed(again)).await;
    assert_eq!(answer["close"], close);
}

#[test]
fn every_write_can_be_validated_and_is_tried_here() {
    let writes = writes();
    let tried: BTreeSet<_> = writes.iter().map(|(rpc, ..)| rpc.to_string()).collect();
    let mut mutating = BTreeSet::new();
    for service in descriptors().services() {
        for method in service.methods() {
            let input = method.input();
            let header =
                input.get_field_by_name("header").and_then(|field| field.kind().as_message().cloned());
            let request = header.unwrap_or(input);
            if request.get_field_by_name("request_id").is_some() {
                assert!(request.get_field_by_name("validate_only").is_some(), "{}", method.full_name());
                mutating.insert(format!("{}/{}", service.name(), method.name()));
            }
        }
    }
    assert_eq!(tried, mutating);
}
