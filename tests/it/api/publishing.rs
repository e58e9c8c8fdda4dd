//! What a manager sees of a proposal, and what becomes of it once it is published.

use serde_json::{Value, json};

use super::planning::{by_history, change, company, proposed};
use crate::harness::Tenant;
use crate::harness::company::{payee, quota};

fn dollars(amount: &str) -> Value {
    json!({"currencyCode": "USD", "amount": amount})
}

/// Payee, measure and amount of the quotas of the second quarter.
async fn quotas(tenant: &Tenant) -> Vec<String> {
    let listed = tenant.get("QuotaService/ListQuotas", json!({"onDate": "2026-05-01"})).await;
    let of_quarter =
        listed["quotas"].as_array().unwrap().iter().filter(|quota| quota["window"] == "FY2026-Q2");
    let told = |quota: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_string();
        [&quota["payeeId"], &quota["measureId"], &quota["amount"]["amount"]].map(text).join(" ")
    };
    of_quarter.map(told).collect()
}

#[tokio::test]
async fn a_manager_sees_the_proposals_with_people_of_its_own_and_nothing_of_others() {
    let tenant = company().await;
    let mut proposal = by_history();
    proposal["allocation"]["weights"] =
        json!([{"payeeId": "ann", "weight": "6"}, {"payeeId": "cid", "weight": "1"}]);
    proposal["payeeLimits"] = json!([{"payeeId": "cid", "limits": {"floor": "500"}}, {"payeeId": "bob", "limits": {"floor": "500"}}]);
    tenant.write("QuotaService/ProposeQuotas", json!({ "proposal": proposal })).await;
    let lead = tenant.key("ROLE_PAYEE", "lead").await;
    let ann = tenant.key("ROLE_PAYEE", "ann").await;
    let listed = lead.get("QuotaService/ListQuotaProposals", json!({})).await;
    assert_eq!(listed["proposals"].as_array().unwrap().len(), 1);
    assert_eq!(listed["proposals"][0]["proposalId"], "q2");
    assert_eq!(ann.get("QuotaService/ListQuotaProposals", json!({})).await.get("proposals"), None);
    let got = lead.get("QuotaService/GetQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(got["proposal"]["allocation"]["weights"], json!([{"payeeId": "ann", "weight": "6"}]));
    assert_eq!(got["proposal"]["payeeLimits"], json!([{"payeeId": "bob", "limits": {"floor": "500.00"}}]));
    // Of the whole 3 of 4 are tested, of lead's two both.
    let quality = |assessed: &Value| assessed["qualities"][4]["formula"].as_str().unwrap().to_string();
    let whole = tenant.get("QuotaService/AssessQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(quality(&whole), "3 of 4 payees have a history 2026-01 to 2026-03");
    let own = lead.get("QuotaService/AssessQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(quality(&own), "2 of 2 payees have a history 2026-01 to 2026-03");
    let both = json!({"proposalId": "q2", "otherProposalId": "q2"});
    let compared = lead.get("QuotaService/CompareQuotaProposals", both.clone()).await;
    let payees: Vec<_> =
        compared["figures"].as_array().unwrap().iter().map(|figure| &figure["payeeId"]).collect();
    assert_eq!(payees, ["ann", "bob", "lead"]);
    // Why the admin changed something may be about others.
    let figures = json!({"proposalId": "q2", "managerId": "lead"});
    let told = lead.get("QuotaService/ListProposalFigures", figures.clone()).await;
    assert_eq!((told["figures"][0].get("reason"), told["figures"][0].get("changedBy")), (None, None));
    let told = tenant.get("QuotaService/ListProposalFigures", figures).await;
    assert_eq!(told["figures"][0]["reason"], "a test");
    for (rpc, request) in [
        ("QuotaService/GetQuotaProposal", json!({"proposalId": "q2"})),
        ("QuotaService/AssessQuotaProposal", json!({"proposalId": "q2"})),
        ("QuotaService/CompareQuotaProposals", both),
        ("QuotaService/AdjustQuotaProposal", tenant.signed(json!({"proposalId": "q2", "changes": []}))),
    ] {
        let refused = ann.refused(rpc, request).await;
        assert_eq!(refused, "NotFound NOT_FOUND: proposal q2 not found\nid=q2\nresource=proposal", "{rpc}");
    }
}

#[tokio::test]
async fn what_is_wrong_above_a_manager_is_told_without_others_figures() {
    let tenant = company().await;
    let mut grown = by_history();
    grown.as_object_mut().unwrap().remove("allocation");
    grown["limits"] = json!({});
    grown["projection"] = json!({"growthPercent": "0"});
    grown["payeeLimits"] = json!([{"payeeId": "boss", "limits": {"ceiling": "10000"}}]);
    tenant.write("QuotaService/ProposeQuotas", json!({ "proposal": grown })).await;
    let lead = tenant.key("ROLE_PAYEE", "lead").await;
    let more = json!({"proposalId": "q2", "changes": [change("ann", "6500")]});
    let refused = lead.refused("QuotaService/AdjustQuotaProposal", tenant.signed(more.clone())).await;
    assert_eq!(
        refused,
        "FailedPrecondition ENVELOPE_BROKEN: what those below lead would have together does not fit the bounds above lead\nmanager=lead"
    );
    let refused = tenant.refused_write("QuotaService/AdjustQuotaProposal", more).await;
    let told = "FailedPrecondition ALLOCATION_INFEASIBLE: those below boss must have at least 0.00 and at most 10000.00 together, got 10500.00";
    assert_eq!(refused.lines().next().unwrap(), told);
}

#[tokio::test]
async fn publishing_sets_goals_and_keeps_what_else_a_quota_says() {
    let tenant = company().await;
    tenant
        .write("QuotaService/SetQuotas", json!({"quotas": [quota("ann", "own", "FY2026-Q2", "9000.00")]}))
        .await;
    let relief = json!({"adjustment": {"payeeId": "ann", "measureId": "own", "window": "FY2026-Q2", "kind": "KIND_LEAVE",
        "leave": {"startDate": "2026-04-01", "endDate": "2026-05-01"}}});
    tenant.write("QuotaService/AdjustQuota", relief.clone()).await;
    // The same days told again would take off as much again.
    let again = tenant.refused_write("QuotaService/AdjustQuota", relief).await;
    let told = "FailedPrecondition REFERENCE_UNFIT: adjustment.leave is told already: a relief of the same amount stands on 2026-04-01";
    assert_eq!(again.lines().next().unwrap(), told);
    // Without a measure that counts for teams their figures are envelopes.
    let mut proposal = by_history();
    proposal.as_object_mut().unwrap().remove("teamMeasureId");
    tenant.write("QuotaService/ProposeQuotas", json!({ "proposal": proposal })).await;
    let published = tenant.write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(published["receipt"]["written"], "4");
    let set = ["ann own 5000.00", "bob own 4000.00", "cid own 1000.00", "dee own 0.00"];
    assert_eq!(quotas(&tenant).await, set);
    let key = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q2"});
    let kept = tenant.get("QuotaService/GetQuota", key.clone()).await;
    assert_eq!(kept["quota"]["reliefs"], json!([{"date": "2026-04-01", "amount": dollars("3000.00")}]));
    // Each version says where it is from, and the quota how it came about; to ann without what others have.
    let versions = tenant.get("QuotaService/ListQuotaVersions", key.clone()).await;
    let from: Vec<_> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["proposalId"].as_str())
        .collect();
    assert_eq!(from, [None, None, Some("q2")]);
    let change = |place: usize| versions["versions"][place]["quota"]["etag"].as_str().unwrap();
    let (set, adjusted, published) = (change(0), change(1), change(2));
    let explained = tenant.get("QuotaService/ExplainQuota", key.clone()).await;
    let text = format!(
        "\
effective quota of ann for own in FY2026-Q2: 2000.00 [payee:ann, measure:own]
  goal of FY2026-Q2: 5000.00 = set for the window [quota:ann/own/FY2026-Q2]
  2026-04-01 to before 2026-07-01: 2000.00 = 5000.00 - relief 3000.00 [assignment:ann/2026-01-01]
    relief of 2026-04-01: 3000.00
  versions of quota ann/own/FY2026-Q2 [quota:ann/own/FY2026-Q2]
    set by change {set} [change:{set}]
    adjusted, LEAVE by change {adjusted} [change:{adjusted}]
    published from proposal q2 by change {published} [change:{published}]
      figure of boss in proposal q2: 10000.00 = the goal [proposal:q2, payee:boss]
      figure of lead in proposal q2: 9000.00 = weight 9000 among those who share what boss has [proposal:q2, payee:lead]
      figure of ann in proposal q2: 5000.00 = weight 6000 among those who share what lead has, held by the ceiling 5000.00 [proposal:q2, payee:ann]
"
    );
    assert_eq!(explained["text"], text);
    let ann = tenant.key("ROLE_PAYEE", "ann").await;
    let explained = ann.get("QuotaService/ExplainQuota", key).await;
    let others = |line: &str| line.contains("figure of boss") || line.contains("figure of lead");
    let own: Vec<_> = text.lines().filter(|line| !others(line)).collect();
    assert_eq!(explained["text"].as_str().unwrap().lines().collect::<Vec<_>>(), own);
}

#[tokio::test]
async fn people_who_stand_elsewhere_by_now_keep_a_proposal_from_being_published() {
    let tenant = company().await;
    proposed(&tenant).await;
    let mut bob = payee("bob", "rep", "lead");
    bob["assignments"][0]["endDate"] = json!("2026-04-01");
    let to_west = json!({"startDate": "2026-04-01", "planId": "rep", "managerId": "west"});
    bob["assignments"].as_array_mut().unwrap().push(to_west);
    let mut dee = payee("dee", "rep", "west");
    dee["assignments"][0]["endDate"] = json!("2026-04-01");
    tenant
        .write("PayeeService/UpsertPayees", json!({"payees": [bob, dee, payee("eve", "rep", "west")]}))
        .await;
    let refused =
        tenant.refused_write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(
        refused,
        "FailedPrecondition REFERENCE_UNFIT: 3 fields do not fit what they name, the first: proposal_id bob reports to west on 2026-04-01, was proposed below lead\n\
         count=3\n\
         proposal_id: bob reports to west on 2026-04-01, was proposed below lead\n\
         proposal_id: dee is not below boss on 2026-04-01\n\
         proposal_id: eve is below boss on 2026-04-01 and has no figure"
    );
    assert_eq!(quotas(&tenant).await, [""; 0]);
    proposed(&tenant).await;
    let published = tenant.write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(published["receipt"]["written"], "7");
}

#[tokio::test]
async fn steps_of_a_measure_bind_what_is_proposed_and_moved() {
    let tenant = company().await;
    let logos = json!({"measureId": "logos", "name": "New logos", "outside": {"combine": "COMBINE_SUM"}, "step": "1"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [logos]})).await;
    let proposal = |step: &str, goal: &str| {
        json!({"proposal": {"proposalId": "logos", "rootPayeeId": "lead", "measureId": "logos", "window": "FY2026-Q2",
            "step": step, "allocation": {"goal": goal, "weigh": "WEIGH_EQUAL"}}})
    };
    let refused = tenant.refused_write("QuotaService/ProposeQuotas", proposal("0.5", "1.5")).await;
    let told = "FailedPrecondition REFERENCE_UNFIT: proposal.step must be a multiple of the step 1 of measure logos, got 0.5";
    assert_eq!(refused.lines().next().unwrap(), told);
    tenant.write("QuotaService/ProposeQuotas", proposal("", "20")).await;
    tenant.write("QuotaService/PublishQuotaProposal", json!({"proposalId": "logos"})).await;
    let part = |units: &str| json!({"fromPayeeId": "ann", "toPayeeId": "bob", "measureId": "logos", "window": "FY2026-Q2", "units": units});
    let refused = tenant.refused_write("QuotaService/MoveQuota", part("0.5")).await;
    let told = "FailedPrecondition REFERENCE_UNFIT: units must be a multiple of the step 1 of measure logos, got 0.5";
    assert_eq!(refused.lines().next().unwrap(), told);
    tenant.write("QuotaService/MoveQuota", part("2")).await;
}

#[tokio::test]
async fn seasonality_is_made_of_whole_years_and_published_with_every_quota() {
    let tenant = company().await;
    let mut year = by_history();
    year["window"] = json!("FY2027");
    year["limits"] = json!({});
    year["history"] = json!({"firstPeriod": "2026-01", "lastPeriod": "2026-12"});
    year["seasonalityFromHistory"] = json!(true);
    tenant.write("QuotaService/ProposeQuotas", json!({"proposal": year})).await;
    let got = tenant.get("QuotaService/GetQuotaProposal", json!({"proposalId": "q2"})).await;
    // Of 19,000 January had 5,000, February 4,000, March 1,000, April 9,000: 26.31578947, 21.05263158, 5.26315789 and
    // 47.36842105 percent. Floored to millionths two are left, for March and February.
    let mut weights = vec!["26.315789", "21.052632", "5.263158", "47.368421"];
    weights.resize(12, "0");
    assert_eq!(got["proposal"]["computedSeasonalityPercents"], json!(weights));
    // What was stated can be stated again.
    let mut again = got["proposal"].clone();
    for field in ["computedSeasonalityPercents", "computedAsOfChange", "state"] {
        again.as_object_mut().unwrap().remove(field);
    }
    let answer = tenant.write("QuotaService/ProposeQuotas", json!({"proposal": again})).await;
    assert_eq!(answer["total"], "10000.00");
    tenant.write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
    let key = json!({"payeeId": "dee", "measureId": "own", "window": "FY2027"});
    let quota = tenant.get("QuotaService/GetQuota", key).await;
    assert_eq!(quota["quota"]["seasonalityPercents"], json!(weights));
}
