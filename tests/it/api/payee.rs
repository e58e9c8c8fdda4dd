//! `PayeeService`.

use serde_json::json;

use crate::harness::Tenant;
use crate::harness::company::{calendar, measures, payee, plan};

#[tokio::test]
async fn a_payee_reads_back_as_written_and_as_it_was() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut ann = payee("ann", "rep", "lead");
    ann["email"] = json!("ann@example.com");
    ann["assignments"] = json!([
        {"startDate": "2026-03-01", "title": "Senior", "managerId": "lead", "territoryId": "north", "planId": "rep",
         "targetIncentive": "48000.5", "currencyCode": "USD"},
        {"startDate": "2026-01-01", "endDate": "2026-03-01", "planId": "rep"},
    ]);
    let written = tenant
        .write("PayeeService/UpsertPayees", json!({"payees": [ann, payee("bob", "rep", "lead")]}))
        .await;
    assert_eq!(written, json!({"receipt": {"changeNumber": "8", "written": "1", "unchanged": "1"}}));

    // Assignments in the order of their days, money padded, the tenant's currency named.
    let senior = json!({"startDate": "2026-03-01", "title": "Senior", "managerId": "lead", "territoryId": "north",
        "planId": "rep", "targetIncentive": "48000.50", "currencyCode": "USD"});
    let now = json!({"asOfChange": "8", "onDate": "2026-03-01", "payee": {
        "payeeId": "ann", "kind": "KIND_PERSON", "name": "Name of ann", "email": "ann@example.com", "etag": "8",
        "assignments": [
            {"startDate": "2026-01-01", "endDate": "2026-03-01", "planId": "rep", "currencyCode": "USD"},
            senior],
        "assignmentInForce": senior}});
    let get = json!({"payeeId": "ann", "onDate": "2026-03-01"});
    assert_eq!(tenant.get("PayeeService/GetPayee", get).await, now);
    let then = json!({"asOfChange": "7", "onDate": "2025-12-31", "payee": {
        "payeeId": "ann", "kind": "KIND_PERSON", "name": "Name of ann", "etag": "6",
        "assignments": [{"startDate": "2026-01-01", "managerId": "lead", "planId": "rep", "currencyCode": "USD"}]}});
    let get = json!({"payeeId": "ann", "asOfChange": "7", "onDate": "2025-12-31"});
    assert_eq!(tenant.get("PayeeService/GetPayee", get).await, then);
    let unborn = tenant.refused("PayeeService/GetPayee", json!({"payeeId": "ann", "asOfChange": "5"})).await;
    assert_eq!(unborn, "NotFound NOT_FOUND: payee ann not found\nid=ann\nresource=payee");
    let listed = tenant.get("PayeeService/ListPayees", json!({"asOfChange": "7"})).await;
    let ids: Vec<_> =
        listed["payees"].as_array().unwrap().iter().map(|payee| payee["payeeId"].clone()).collect();
    assert_eq!(ids, ["ann", "bob", "lead"]);
    for (as_of, message) in
        [("9", "must be 0 to the last change 8, got 9"), ("-1", "must not be below zero, got -1")]
    {
        let refused =
            tenant.refused("PayeeService/GetPayee", json!({"payeeId": "ann", "asOfChange": as_of})).await;
        let expected =
            format!("InvalidArgument INVALID_REQUEST: as_of_change {message}\nas_of_change: {message}");
        assert_eq!(refused, expected);
    }
}

#[tokio::test]
async fn an_upsert_is_all_or_nothing_and_names_every_unknown_reference() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut stranger = payee("eve", "rap", "mallory");
    stranger["assignments"][0]["endDate"] = json!("2026-02-01");
    let payees = json!({"payees": [payee("dan", "rep", "lead"), stranger]});
    assert_eq!(
        tenant.refused_write("PayeeService/UpsertPayees", payees).await,
        "FailedPrecondition REFERENCE_UNKNOWN: 2 names are unknown, the first: payees[1].assignments[0].manager_id payee \
         mallory does not exist\n\
         count=2\n\
         payees[1].assignments[0].manager_id: payee mallory does not exist\n\
         payees[1].assignments[0].plan_id: plan rap does not exist"
    );
    let dan = tenant.refused("PayeeService/GetPayee", json!({"payeeId": "dan"})).await;
    assert_eq!(dan, "NotFound NOT_FOUND: payee dan not found\nid=dan\nresource=payee");
    // A manager may come in the same request as those who report to it.
    let together = json!({"payees": [payee("dan", "rep", "new-lead"), payee("new-lead", "lead", "")]});
    tenant.write("PayeeService/UpsertPayees", together).await;
}

#[tokio::test]
async fn a_reporting_line_never_leads_back_to_its_start() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let line = |id: &str, manager: &str, from: &str, to: &str| {
        let mut payee = payee(id, "lead", manager);
        payee["assignments"][0]["startDate"] = json!(from);
        payee["assignments"][0]["endDate"] = json!(to);
        payee
    };
    let cycle = |day: &str, payees: &str| {
        format!(
            "FailedPrecondition REPORTING_CYCLE: on {day} the reporting line of {payees} leads back to its start\n\
             day={day}\npayees={payees}"
        )
    };
    let upsert = "PayeeService/UpsertPayees";
    let refused = tenant.refused_write(upsert, json!({"payees": [payee("lead", "lead", "ann")]})).await;
    assert_eq!(refused, cycle("2026-01-01", "ann, lead"));
    // Over three payees, on one day alone: c reports to a on that day only.
    let chain = json!({"payees": [payee("a", "lead", "b"), payee("b", "lead", "c"), payee("c", "lead", "")]});
    tenant.write(upsert, chain).await;
    let one_day = json!({"payees": [line("c", "a", "2026-06-15", "2026-06-16")]});
    assert_eq!(tenant.refused_write(upsert, one_day).await, cycle("2026-06-15", "a, b, c"));
    // The same lines on days that do not meet are none.
    let apart = json!({"payees": [line("a", "b", "2026-01-01", "2026-06-15"), line("c", "a", "2026-06-15", "2026-06-16")]});
    tenant.write(upsert, apart).await;
    let own = tenant.refused_write(upsert, json!({"payees": [payee("ann", "rep", "ann")]})).await;
    let expected = "InvalidArgument INVALID_REQUEST: payees[0].assignments[0].manager_id must be another payee, got ann\n\
                    payees[0].assignments[0].manager_id: must be another payee, got ann";
    assert_eq!(own, expected);
}

#[tokio::test]
async fn validate_only_checks_everything_and_writes_nothing() {
    let tenant = Tenant::new().await;
    tenant.write("AdminService/SetCalendar", calendar()).await;
    tenant.write("MeasureService/DefineMeasures", measures()).await;
    tenant.write("PlanService/PublishPlan", plan("rep", "own", "WINDOW_MONTH", &[("0", "1")])).await;
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("ann", "rep", "")]})).await;
    let requests = [
        (
            "PayeeService/UpsertPayees",
            json!({"payees": [payee("bob", "rep", "")]}),
            json!({"receipt": {"written": "1"}}),
        ),
        ("MeasureService/DefineMeasures", measures(), json!({"receipt": {"unchanged": "2"}})),
        (
            "PlanService/PublishPlan",
            plan("lead", "team", "WINDOW_YEAR", &[("0", "1")]),
            json!({"receipt": {"written": "1"}, "version": 1}),
        ),
        (
            "QuotaService/SetQuotas",
            json!({"quotas": [crate::harness::company::quota("ann", "own", "FY2026", "1.00")]}),
            json!({"receipt": {"written": "1"}}),
        ),
        (
            "DealService/UpsertDeals",
            json!({"deals": [crate::harness::company::deal("d", "ann", "2026-01-02", "1.00")]}),
            json!({"receipt": {"written": "1"}, "eventsWritten": "1"}),
        ),
    ];
    for (rpc, message, answer) in requests {
        let before = tenant.head().await;
        let mut message = tenant.signed(message);
        message["validateOnly"] = json!(true);
        assert_eq!(tenant.get(rpc, message.clone()).await, answer, "{rpc}");
        assert_eq!(tenant.head().await, before, "{rpc}");
        // The same request id then writes: nothing was kept under it.
        message["validateOnly"] = json!(false);
        let written = tenant.get(rpc, message).await;
        assert_eq!(written["receipt"]["changeNumber"], json!((before + 1).to_string()), "{rpc}");
    }
}
