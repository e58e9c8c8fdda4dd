//! `PlanService` and `MeasureService`.

use serde_json::json;

use crate::harness::Tenant;
use crate::harness::company::{measures, plan};

#[tokio::test]
async fn versions_follow_each_other_and_never_change() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut second = plan("rep", "own", "WINDOW_QUARTER", &[("0", "11")]);
    second["effectiveFrom"] = json!("2026-04");
    let published = tenant.write("PlanService/PublishPlan", second.clone()).await;
    assert_eq!(published, json!({"receipt": {"changeNumber": "8", "written": "1"}, "version": 2}));
    for from in ["2026-04", "2026-02"] {
        let mut third = second.clone();
        third["effectiveFrom"] = json!(from);
        let refused = tenant.refused_write("PlanService/PublishPlan", third).await;
        let expected = format!(
            "AlreadyExists PLAN_VERSION_EXISTS: version 2 of plan rep counts from 2026-04: the next one must count from a \
             later period, got {from}\neffective_from=2026-04\nplan=rep\nversion=2"
        );
        assert_eq!(refused, expected);
    }
    let get = |version: i32| json!({"planId": "rep", "version": version});
    let first = tenant.get("PlanService/GetPlan", get(1)).await;
    let expected = json!({"asOfChange": "8", "planVersion": {"version": 1, "effectiveFrom": "2026-01", "etag": "4", "plan": {
        "planId": "rep", "name": "rep", "currencyCode": "USD", "components": [{
            "componentId": "commission", "name": "Commission", "window": "WINDOW_QUARTER", "reversal": "REVERSAL_OWN_DATE",
            "rates": {"measureId": "own", "mode": "MODE_MARGINAL", "tiers": [
                {"edgePercent": "0", "ratePercent": "10"}, {"edgePercent": "100", "ratePercent": "20"}]}}]}}});
    assert_eq!(first, expected);
    let latest = tenant.get("PlanService/GetPlan", get(0)).await;
    assert_eq!((&latest["planVersion"]["version"], &latest["planVersion"]["etag"]), (&json!(2), &json!("8")));
    let mut before = get(0);
    before["asOfChange"] = json!("7");
    assert_eq!(tenant.get("PlanService/GetPlan", before).await["planVersion"]["version"], 1);
    let third = tenant.refused("PlanService/GetPlan", get(3)).await;
    assert_eq!(third, "NotFound NOT_FOUND: plan rep version 3 not found\nid=rep version 3\nresource=plan");
}

#[tokio::test]
async fn a_measure_in_use_never_changes() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let free = json!({"measureId": "free", "name": "Free", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH",
        "levels": 2, "roles": ["AE", "SE"], "value": "VALUE_AMOUNT"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [free.clone()]})).await;
    // As it stands it may be said again, and what nobody names may change.
    let mut other = measures();
    other["measures"].as_array_mut().unwrap().push(free);
    other["measures"][2]["levels"] = json!(3);
    let written = tenant.write("MeasureService/DefineMeasures", other.clone()).await;
    assert_eq!(written["receipt"], json!({"changeNumber": "9", "written": "1", "unchanged": "2"}));
    other["measures"][0]["eventType"] = json!("TYPE_PAID");
    other["measures"][1]["levels"] = json!(1);
    assert_eq!(
        tenant.refused_write("MeasureService/DefineMeasures", other).await,
        "FailedPrecondition MEASURE_IN_USE: a plan or a quota names own, team, which therefore cannot change\n\
         measures=own, team\n\
         measures[0]: own is named by a plan or a quota and never changes: define another\n\
         measures[1]: team is named by a plan or a quota and never changes: define another"
    );
    let listed = tenant.get("MeasureService/ListMeasures", json!({})).await;
    let free = json!({"measureId": "free", "name": "Free", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH",
        "levels": 3, "roles": ["AE", "SE"], "value": "VALUE_AMOUNT", "etag": "9"});
    assert_eq!(listed["measures"][0], free);
    assert_eq!(listed["measures"].as_array().unwrap().len(), 3);
}
