//! Who may ask what: every role against every rpc, keys that are none, and what a payee sees.

use std::collections::BTreeMap;

use attain::api::descriptors;
use serde_json::json;
use tonic::Code;

use crate::harness::client::reason;
use crate::harness::company::{deal, payee};
use crate::harness::{Tenant, refusal};

const ROLES: [&str; 5] = ["ROLE_ADMIN", "ROLE_SERVICE", "ROLE_PAYEE", "ROLE_PAYROLL", "ROLE_AUDITOR"];

/// Which roles may call an rpc, a letter each: admin, service, payee (e), payroll, auditor (u).
const ALLOWED: [(&str, &str); 76] = [
    ("AdminService/CreateKey", "a"),
    ("AdminService/ErasePersonalData", "a"),
    ("AdminService/FindChange", "asu"),
    ("AdminService/GetAnchor", "au"),
    ("AdminService/GetCalendar", "asu"),
    ("AdminService/ListChanges", "au"),
    ("AdminService/ListExchangeRates", "asu"),
    ("AdminService/ListKeys", "a"),
    ("AdminService/ListTouched", "au"),
    ("AdminService/RevokeKey", "a"),
    ("AdminService/SetCalendar", "a"),
    ("AdminService/SetExchangeRates", "as"),
    ("AdminService/VerifyJournal", "au"),
    ("AdminService/WatchChanges", "au"),
    ("DealService/GetDeal", "asu"),
    ("DealService/ImportDeals", "as"),
    ("DealService/ListDeals", "asu"),
    ("DealService/ListRejectedRows", "asu"),
    ("DealService/UpsertDeals", "as"),
    ("EarningsService/EstimateDeal", "asepu"),
    ("EarningsService/ExplainEarning", "asepu"),
    ("EarningsService/GetAttainment", "asepu"),
    ("EarningsService/GetStatement", "asepu"),
    ("EarningsService/GetStatementPage", "asepu"),
    ("EarningsService/GetTeamAttainment", "asepu"),
    ("MeasureService/DefineMeasures", "a"),
    ("MeasureService/ListMeasures", "asu"),
    ("MeasureService/ListValues", "asu"),
    ("MeasureService/RecordValues", "as"),
    ("PayeeService/GetPayee", "aspu"),
    ("PayeeService/GetReportingLine", "aspu"),
    ("PayeeService/ListPayees", "aspu"),
    ("PayeeService/ReassignReports", "as"),
    ("PayeeService/TerminatePayee", "as"),
    ("PayeeService/UpsertPayees", "as"),
    ("PerformanceService/GetLeaderboard", "asepu"),
    ("PerformanceService/GetPerformance", "asepu"),
    ("PerformanceService/GetTeamPage", "asepu"),
    ("PerformanceService/GetTeamPerformance", "asepu"),
    ("PerformanceService/ListPerformance", "asepu"),
    ("PeriodService/AcceptRulesRevision", "a"),
    ("PeriodService/ClosePeriod", "a"),
    ("PeriodService/ListPostings", "aspu"),
    ("PeriodService/PreviewPeriod", "aspu"),
    ("PeriodService/WatchClose", "aspu"),
    ("PlanService/DiffPlans", "asu"),
    ("PlanService/DiscardDraft", "a"),
    ("PlanService/GetDraft", "asu"),
    ("PlanService/GetPlan", "asu"),
    ("PlanService/ListDrafts", "asu"),
    ("PlanService/ListPlans", "asu"),
    ("PlanService/PublishPlan", "a"),
    ("PlanService/SaveDraft", "a"),
    ("PlanService/TestPlan", "asu"),
    ("PlanService/ValidatePlan", "asu"),
    ("QuotaService/AdjustQuota", "a"),
    ("QuotaService/AdjustQuotaProposal", "ae"),
    ("QuotaService/AssessQuotaProposal", "aseu"),
    ("QuotaService/CompareQuotaProposals", "aseu"),
    ("QuotaService/ExplainQuota", "asepu"),
    ("QuotaService/GetQuota", "asu"),
    ("QuotaService/GetQuotaProposal", "aseu"),
    ("QuotaService/ListProposalFigures", "aseu"),
    ("QuotaService/ListQuotaProposals", "aseu"),
    ("QuotaService/ListQuotaVersions", "au"),
    ("QuotaService/ListQuotas", "asu"),
    ("QuotaService/MoveQuota", "ae"),
    ("QuotaService/ProposeQuotas", "a"),
    ("QuotaService/PublishQuotaProposal", "a"),
    ("QuotaService/SetQuotas", "a"),
    ("TerritoryService/ExplainCrediting", "asu"),
    ("TerritoryService/GetTerritory", "asu"),
    ("TerritoryService/ListCreditingRules", "asu"),
    ("TerritoryService/ListTerritories", "asu"),
    ("TerritoryService/SetCreditingRules", "a"),
    ("TerritoryService/UpsertTerritories", "a"),
];

fn rpcs() -> Vec<String> {
    let methods = descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut rpcs: Vec<_> =
        methods.map(|method| format!("{}/{}", method.parent_service().name(), method.name())).collect();
    rpcs.sort();
    rpcs
}

#[tokio::test]
async fn every_role_may_call_what_it_may_and_nothing_else() {
    let allowed = BTreeMap::from(ALLOWED);
    assert_eq!(rpcs(), allowed.keys().copied().collect::<Vec<_>>());
    let tenant = Tenant::new().await;
    tenant.company().await;
    let before = tenant.head().await;
    for (role, letter) in ROLES.into_iter().zip(["a", "s", "e", "p", "u"]) {
        let caller = tenant.key(role, if role == "ROLE_PAYEE" { "ann" } else { "" }).await;
        for (rpc, letters) in &allowed {
            // A stream that follows the journal for ever would not end.
            let message =
                if *rpc == "AdminService/WatchChanges" { json!({"untilChange": "1"}) } else { json!({}) };
            let answer = caller.stream(rpc, vec![message]).await;
            let denied = answer.as_ref().err().is_some_and(|status| status.code() == Code::PermissionDenied);
            assert_eq!(denied, !letters.contains(letter), "{role} {rpc}: {answer:?}");
            if let (true, Err(status)) = (denied, &answer) {
                let text = refusal(status);
                let role = role.strip_prefix("ROLE_").unwrap();
                let first = format!("PermissionDenied ROLE_NOT_ALLOWED: role {role} has no permission ");
                assert!(text.starts_with(&first), "{text}");
                assert!(text.ends_with(&format!("\nrole={role}")), "{text}");
            }
        }
    }
    // Nothing but the keys themselves was written.
    assert_eq!(tenant.head().await, before + 5);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_alike() {
    let (tenant, other) = (Tenant::new().await, Tenant::new().await);
    tenant.company().await;
    let key = tenant.admin.key.clone();
    let (front, secret) = key.rsplit_once('_').unwrap();
    let wrong = format!("{front}_{}", secret.chars().rev().collect::<String>());
    let moved = key.replacen(&tenant.slug, &other.slug, 1);
    let nowhere = key.replacen(&tenant.slug, "nowhere", 1);
    let none = "Unauthenticated KEY_INVALID: no key in the form `authorization: Bearer attain_…`";
    let invalid = "Unauthenticated KEY_INVALID: the key is not valid";
    for (key, expected) in [
        (String::new(), none),
        ("attain".to_string(), none),
        (format!("{key}0"), none),
        (wrong, invalid),
        (moved, invalid),
        (nowhere, invalid),
    ] {
        for rpc in rpcs() {
            let answer = tenant.admin.with_key(key.clone()).stream(&rpc, vec![json!({})]).await;
            assert_eq!(refusal(&answer.unwrap_err()), expected, "{rpc} {key}");
        }
    }
}

#[tokio::test]
async fn a_revoked_key_is_no_longer_honoured() {
    let tenant = Tenant::new().await;
    let caller = tenant.key("ROLE_AUDITOR", "").await;
    caller.get("PayeeService/ListPayees", json!({})).await;
    let listed = tenant.get("AdminService/ListKeys", json!({})).await;
    let made =
        listed["keys"].as_array().unwrap().iter().find(|key| key["role"] == "ROLE_AUDITOR").unwrap().clone();
    assert!(made["revoked"].is_null() && made["secretKey"].is_null());
    tenant.write("AdminService/RevokeKey", json!({"keyId": made["keyId"]})).await;
    let refused = caller.refused("PayeeService/ListPayees", json!({})).await;
    assert_eq!(refused, "Unauthenticated KEY_INVALID: the key is not valid");
    let listed = tenant.get("AdminService/ListKeys", json!({})).await;
    let key =
        listed["keys"].as_array().unwrap().iter().find(|key| key["keyId"] == made["keyId"]).unwrap().clone();
    assert_eq!(key["revoked"], true);
    let absent = tenant.refused_write("AdminService/RevokeKey", json!({"keyId": "absent"})).await;
    assert_eq!(absent, "NotFound NOT_FOUND: key absent not found\nid=absent\nresource=key");
}

#[tokio::test]
async fn a_key_sees_its_own_tenant_only() {
    let (tenant, other) = (Tenant::new().await, Tenant::new().await);
    tenant.company().await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "100.00")]).await;
    tenant.close("2026-01").await;
    for (rpc, message) in [
        ("PayeeService/ListPayees", json!({})),
        ("DealService/ListDeals", json!({})),
        ("MeasureService/ListMeasures", json!({})),
        ("PlanService/ListPlans", json!({})),
    ] {
        assert_eq!(other.get(rpc, message).await, json!({"asOfChange": "1"}), "{rpc}");
    }
    for (rpc, message) in [
        ("PayeeService/GetPayee", json!({"payeeId": "ann"})),
        ("DealService/GetDeal", json!({"dealId": "d"})),
        ("PlanService/GetPlan", json!({"planId": "rep"})),
        ("PeriodService/WatchClose", json!({"period": "2026-01"})),
    ] {
        let status = other.stream(rpc, vec![message]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::NotFound, "NOT_FOUND".to_string()), "{rpc}");
    }
    let changes = other.get("AdminService/ListChanges", json!({})).await;
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_payee_sees_itself_and_those_below_it() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    // The boss is above the lead; cat reports to nobody.
    let payees = json!({"payees": [payee("boss", "lead", ""), payee("lead", "lead", "boss"), payee("cat", "rep", "")]});
    tenant.write("PayeeService/UpsertPayees", payees).await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "100.00")]).await;
    for (viewer, seen) in [
        ("ann", &["ann"][..]),
        ("lead", &["ann", "bob", "lead"]),
        ("boss", &["ann", "bob", "boss", "lead"]),
        ("cat", &["cat"]),
    ] {
        let caller = tenant.key("ROLE_PAYEE", viewer).await;
        for subject in ["ann", "bob", "boss", "cat", "eve", "lead"] {
            for rpc in ["GetAttainment", "GetStatement", "GetStatementPage", "ExplainEarning"] {
                let rpc = format!("EarningsService/{rpc}");
                let answer = caller.ask(&rpc, json!({"payeeId": subject, "period": "2026-01"})).await;
                match answer {
                    Ok(_) => assert!(seen.contains(&subject), "{viewer} {rpc} {subject}"),
                    Err(status) => {
                        let expected = format!(
                            "NotFound NOT_FOUND: payee {subject} not found\nid={subject}\nresource=payee"
                        );
                        assert_eq!(refusal(&status), expected, "{viewer} {rpc}");
                        assert!(!seen.contains(&subject), "{viewer} {rpc} {subject}");
                    }
                }
            }
        }
        let own = caller.get("EarningsService/GetStatement", json!({"period": "2026-01"})).await;
        assert_eq!(own["statement"]["payeeId"], viewer);
    }
}

#[tokio::test]
async fn the_reporting_line_of_the_periods_last_day_decides() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut moved = payee("ann", "rep", "lead");
    moved["assignments"] = json!([
        {"startDate": "2026-01-01", "endDate": "2026-01-31", "planId": "rep", "managerId": "lead"},
        {"startDate": "2026-01-31", "planId": "rep", "managerId": "bob"}]);
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [moved, payee("bob", "lead", "")]})).await;
    let (lead, bob) = (tenant.key("ROLE_PAYEE", "lead").await, tenant.key("ROLE_PAYEE", "bob").await);
    let january = json!({"payeeId": "ann", "period": "2026-01"});
    lead.refused("EarningsService/GetStatement", january.clone()).await;
    bob.get("EarningsService/GetStatement", january).await;
}
