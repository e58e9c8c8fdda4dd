//! Every reason of the contract is reached through the real service: what the enum lists and what is provoked here
//! are the same, so that no reason is added without a way to it.

use std::time::Duration;

use attain::api::v1::payee_service_client::PayeeServiceClient;
use attain::api::{descriptors, v1};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::{Request, Status};

use crate::harness::client::{Client, reason};
use crate::harness::cluster::{cluster, execute};
use crate::harness::company::{calendar, deal, measures, payee, plan};
use crate::harness::proxy::Proxy;
use crate::harness::{Server, Tenant, refusal};

const CLOSE: &str = "PeriodService/ClosePeriod";
const PAYEES: &str = "PayeeService/UpsertPayees";

const PROPOSE: &str = "QuotaService/ProposeQuotas";
const PUBLISH_QUOTAS: &str = "QuotaService/PublishQuotaProposal";

/// A goal for the lead, half of it for each rep.
fn proposal(window: &str) -> Value {
    json!({"proposal": {"proposalId": "p", "rootPayeeId": "lead", "measureId": "own", "window": window,
        "currencyCode": "USD", "allocation": {"goal": "100", "weigh": "WEIGH_EQUAL"}}})
}

/// Has the service refuse something for a reason. A reason without an arm has no test: give it one.
async fn provoke(reason: &str, tenant: &Tenant) -> Option<Status> {
    let write = async |rpc: &str, message: Value| tenant.ask(rpc, tenant.signed(message)).await;
    let answer = match reason {
        "INVALID_REQUEST" => write(PAYEES, json!({"payees": []})).await,
        "PAGE_TOKEN_INVALID" => tenant.ask("PayeeService/ListPayees", json!({"pageToken": "x"})).await,
        "KEY_INVALID" => tenant.with_key("attain_x").ask("PayeeService/ListPayees", json!({})).await,
        "ROLE_NOT_ALLOWED" => tenant.key("ROLE_AUDITOR", "").await.ask(PAYEES, json!({})).await,
        "NOT_FOUND" => tenant.ask("PayeeService/GetPayee", json!({"payeeId": "nobody"})).await,
        "REQUEST_ID_REUSED" => {
            let mut signed = tenant.signed(calendar());
            tenant.get("AdminService/SetCalendar", signed.clone()).await;
            signed["reason"] = json!("another");
            tenant.ask("AdminService/SetCalendar", signed).await
        }
        "REFERENCE_UNKNOWN" => write(PAYEES, json!({"payees": [payee("cat", "no-plan", "")]})).await,
        "REPORTING_CYCLE" => write(PAYEES, json!({"payees": [payee("lead", "lead", "ann")]})).await,
        "CALENDAR_MISSING" => {
            let deals = json!({"requestId": "r", "deals": [deal("d", "ann", "2026-01-10", "1.00")]});
            Tenant::new().await.ask("DealService/UpsertDeals", deals).await
        }
        "CALENDAR_FIXED" => {
            let mut euro = calendar();
            euro["calendar"]["currencyCode"] = json!("EUR");
            write("AdminService/SetCalendar", euro).await
        }
        "MEASURE_IN_USE" => {
            let mut other = measures();
            other["measures"][0]["credit"] = json!("CREDIT_ROLLED_UP");
            write("MeasureService/DefineMeasures", other).await
        }
        "PLAN_VERSION_EXISTS" => {
            write("PlanService/PublishPlan", plan("rep", "own", "WINDOW_QUARTER", &[("0", "11")])).await
        }
        "PERIOD_OUT_OF_ORDER" => write(CLOSE, json!({"period": "2026-03"})).await,
        "RUN_BLOCKED" => {
            tenant.write(PAYEES, json!({"payees": [payee("cat", "rep", "lead")]})).await;
            tenant.deals(&[deal("d", "cat", "2026-01-10", "1.00")]).await;
            write(CLOSE, json!({"period": "2026-01"})).await
        }
        "REJECT_LIMIT_EXCEEDED" => {
            let header = json!({"header": {"requestId": "import", "source": "crm", "rejectLimit": "0"}});
            let rows = json!([{"rowNumber": "2", "deal": deal("d", "nobody", "2026-01-10", "1.00")}]);
            let messages = vec![header, json!({"batch": {"rows": rows}})];
            tenant.stream("DealService/ImportDeals", messages).await.map(Value::from)
        }
        "CLOSE_OVERTAKEN" => {
            // As if with every attempt a change to the ledger came first.
            behind(tenant, "update head set ledger = number + 1").await;
            write(CLOSE, json!({"period": "2026-01"})).await
        }
        "INTERNAL" => {
            behind(tenant, "update calendar set currency = '???'").await;
            tenant.ask("AdminService/GetCalendar", json!({})).await
        }
        "OVERLOADED" => Err(overloaded().await),
        "DEADLINE_EXCEEDED" => {
            let _holder = tenant.hold_head().await;
            let payee = v1::Payee { payee_id: "p".into(), kind: 1, ..Default::default() };
            let late = v1::UpsertPayeesRequest {
                request_id: "late".into(),
                payees: vec![payee],
                ..Default::default()
            };
            let mut late = Request::new(late);
            late.set_timeout(Duration::from_millis(400));
            PayeeServiceClient::new(tenant.keyed()).upsert_payees(late).await.map(|_| Value::Null)
        }
        "DATABASE_UNAVAILABLE" => {
            let wire = Proxy::to(&cluster().database().await).await;
            let server = Server::start(&wire.options, &[]);
            let tenant = Tenant::on(&server);
            wire.cut();
            tenant.ask("PayeeService/ListPayees", json!({})).await
        }
        "ETAG_MISMATCH" => {
            let mut ann = payee("ann", "rep", "lead");
            ann["etag"] = json!("999");
            write(PAYEES, json!({"payees": [ann]})).await
        }
        "CHANGE_NOT_REACHED" => tenant.ask("PayeeService/ListPayees", json!({"minChange": "999"})).await,
        "REFERENCE_UNFIT" => {
            let mut by_unit = plan("other", "own", "WINDOW_QUARTER", &[]);
            by_unit["plan"]["components"][0]["rates"]["rateKind"] = json!("RATE_KIND_PER_UNIT");
            by_unit["plan"]["components"][0]["rates"]["tiers"] =
                json!([{"edgePercent": "0", "rateAmount": "1"}]);
            write("PlanService/PublishPlan", by_unit).await
        }
        "NOT_REPORTING" => {
            let nobody = json!({"managerId": "ann", "startDate": "2026-02-01"});
            write("PayeeService/ReassignReports", nobody).await
        }
        "REPORTS_REMAIN" => {
            let lead = json!({"payeeId": "lead", "endDate": "2026-02-01"});
            write("PayeeService/TerminatePayee", lead).await
        }
        "PLAN_TESTS_FAILED" => {
            let mut tested = plan("other", "own", "WINDOW_QUARTER", &[("0", "10")]);
            let expected = json!([{"period": "2026-01", "amount": "1.00"}]);
            tested["tests"] = json!([{"title": "a coin for nothing", "expected": expected}]);
            write("PlanService/PublishPlan", tested).await
        }
        "RULES_REVISION_PENDING" => {
            tenant.write(CLOSE, json!({"period": "2026-01"})).await;
            behind(tenant, "update period_close set rules_revision = rules_revision + 1").await;
            write(CLOSE, json!({"period": "2026-02"})).await
        }
        "ALLOCATION_INFEASIBLE" => {
            let mut little = proposal("FY2026-Q2");
            little["proposal"]["limits"] = json!({"ceiling": "1"});
            write(PROPOSE, little).await
        }
        "ENVELOPE_BROKEN" => {
            tenant.write(PROPOSE, proposal("FY2026-Q2")).await;
            let changes = json!([{"payeeId": "ann", "figure": "51"}]);
            write("QuotaService/AdjustQuotaProposal", json!({"proposalId": "p", "changes": changes})).await
        }
        "PROPOSAL_PUBLISHED" => {
            tenant.write(PROPOSE, proposal("FY2026-Q2")).await;
            tenant.write(PUBLISH_QUOTAS, json!({"proposalId": "p"})).await;
            write(PUBLISH_QUOTAS, json!({"proposalId": "p"})).await
        }
        "WINDOW_CLOSED" => {
            tenant.write(PROPOSE, proposal("FY2026")).await;
            tenant.close("2026-01").await;
            write(PUBLISH_QUOTAS, json!({"proposalId": "p"})).await
        }
        _ => return None,
    };
    Some(answer.map_or_else(|status| status, |answer| panic!("{reason}: was done: {answer}")))
}

/// Alters a tenant's rows by SQL.
async fn behind(tenant: &Tenant, update: &str) {
    let whose = format!("where tenant_id = (select tenant_id from tenant where slug = '{}')", tenant.slug);
    execute(&mut tenant.database().await, &format!("{update} {whose}")).await;
}

/// More calls at once than a server takes: the first that it refuses.
async fn overloaded() -> Status {
    let mut tenant = Tenant::alone().await;
    let _holder = tenant.hold_head().await;
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        let client = Client { channel: tenant.server().channel(), key: tenant.key.clone() };
        for _ in 0..100 {
            let (client, signed) = (client.clone(), tenant.signed(calendar()));
            calls.spawn(async move { client.ask("AdminService/SetCalendar", signed).await });
        }
    }
    calls.join_next().await.unwrap().unwrap().unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reason_of_the_contract_is_reached() {
    let listed = descriptors().get_enum_by_name("attain.v1.ErrorReason").unwrap();
    let mut without = Vec::new();
    for value in listed.values().filter(|value| value.number() != 0) {
        let name = value.name().strip_prefix("ERROR_REASON_").unwrap();
        let tenant = Tenant::new().await;
        tenant.company().await;
        match provoke(name, &tenant).await {
            Some(status) => assert_eq!(reason(&status), name, "{}", refusal(&status)),
            None => without.push(name.to_string()),
        }
    }
    let advice = "reached by no test: add an arm to `provoke` in tests/it/api/reasons.rs that has the service refuse for it";
    assert!(without.is_empty(), "{} {advice}", without.join(", "));
}
