//! Reads in time: no older than a change, as of one, on a day, at an instant.

use std::time::Duration;

use attain::api::v1::payee_service_client::PayeeServiceClient;
use attain::api::{descriptors, v1};
use attain::app::earnings::{AttainmentQuery, ExplainQuery};
use attain::app::payee::{PayeeFilter, PayeeQuery};
use attain::app::plan::Which;
use attain::app::tenant::command_line;
use attain::app::{App, AsOf, Call, Page};
use attain::domain::date::{Day, Period};
use attain::storage::Database;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tonic::Request;

use crate::harness::client::Client;
use crate::harness::company::{deal, payee, plan, quota};
use crate::harness::tenant::number;
use crate::harness::{Server, Tenant, eventually, refusal};

/// Reads of the journal's end, which no number can move.
const OF_THE_END: [&str; 4] = ["FindChange", "VerifyJournal", "WatchChanges", "WatchClose"];

#[test]
fn every_read_can_say_from_when() {
    let methods = descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let writes = |method: &prost_reflect::MethodDescriptor| {
        method.input().get_field_by_name("request_id").is_some() || method.is_client_streaming()
    };
    let mut reads = 0;
    for method in methods.filter(|method| !writes(method)) {
        let (name, input, output) = (method.name().to_string(), method.input(), method.output());
        reads += 1;
        let min = if name == "WatchChanges" { "after_change" } else { "min_change" };
        assert!(input.get_field_by_name(min).is_some(), "{name} has no {min}");
        if !OF_THE_END.contains(&name.as_str()) {
            assert!(input.get_field_by_name("as_of_change").is_some(), "{name} has no as_of_change");
            assert!(output.get_field_by_name("as_of_change").is_some(), "{name} answers no as_of_change");
        }
    }
    assert_eq!(reads, 51);
}

/// Every read, with what it needs, in a company where ann has a deal of change 8 and January is closed.
fn reads() -> Vec<(&'static str, Value)> {
    vec![
        ("AdminService/FindChange", json!({"time": "2026-01-01T00:00:00Z"})),
        ("AdminService/GetAnchor", json!({})),
        ("AdminService/GetCalendar", json!({})),
        ("AdminService/ListChanges", json!({})),
        ("AdminService/ListExchangeRates", json!({})),
        ("AdminService/ListKeys", json!({})),
        ("AdminService/ListTouched", json!({"changeNumber": "8", "noun": "NOUN_DEAL"})),
        ("AdminService/VerifyJournal", json!({})),
        ("DealService/GetDeal", json!({"dealId": "d1"})),
        ("DealService/ListDeals", json!({})),
        ("DealService/ListRejectedRows", json!({"changeNumber": "8"})),
        ("EarningsService/EstimateDeal", json!({"dealId": "d1"})),
        ("EarningsService/ExplainEarning", json!({"payeeId": "ann", "period": "2026-01"})),
        ("EarningsService/GetAttainment", json!({"payeeId": "ann", "period": "2026-01"})),
        ("EarningsService/GetStatement", json!({"payeeId": "ann", "period": "2026-01"})),
        ("EarningsService/GetStatementPage", json!({"payeeId": "ann", "period": "2026-01"})),
        ("EarningsService/GetTeamAttainment", json!({"teamOfPayeeId": "lead", "period": "2026-01"})),
        ("MeasureService/ListMeasures", json!({})),
        ("MeasureService/ListValues", json!({})),
        ("PayeeService/GetPayee", json!({"payeeId": "ann"})),
        ("PayeeService/GetReportingLine", json!({"payeeId": "ann"})),
        ("PayeeService/ListPayees", json!({})),
        (
            "PerformanceService/GetLeaderboard",
            json!({"subject": {"company": true}, "figure": "FIGURE_BOOKED", "toPeriod": "2026-01"}),
        ),
        ("PerformanceService/GetPerformance", json!({"subject": {"payeeId": "ann"}, "toPeriod": "2026-01"})),
        ("PerformanceService/GetTeamPage", json!({"managerId": "lead", "window": "FY2026-Q1"})),
        ("PerformanceService/GetTeamPerformance", json!({"managerId": "lead", "window": "FY2026-Q1"})),
        (
            "PerformanceService/ListPerformance",
            json!({"subject": {"company": true}, "dimension": "DIMENSION_MEMBER", "toPeriod": "2026-01"}),
        ),
        ("PeriodService/ListPostings", json!({})),
        ("PeriodService/PreviewPeriod", json!({"period": "2026-02"})),
        ("PeriodService/WatchClose", json!({"period": "2026-01"})),
        ("PlanService/GetPlan", json!({"planId": "rep"})),
        ("PlanService/ListPlans", json!({})),
        ("PlanService/ListDrafts", json!({})),
        ("PlanService/DiffPlans", json!({"planId": "rep", "fromVersion": 1, "toVersion": 1})),
        (
            "PlanService/TestPlan",
            json!({"plan": plan("rep", "own", "WINDOW_QUARTER", &[("0", "10")])["plan"], "tests": [{"title": "nothing is earned"}]}),
        ),
        (
            "PlanService/ValidatePlan",
            json!({"plan": {"planId": "rep", "name": "rep"}, "effectiveFrom": "2026-02"}),
        ),
        ("QuotaService/GetQuota", json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1"})),
        ("QuotaService/ListQuotas", json!({})),
        (
            "QuotaService/ListQuotaVersions",
            json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1"}),
        ),
        ("QuotaService/ExplainQuota", json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1"})),
        ("QuotaService/GetQuotaProposal", json!({"proposalId": "plan"})),
        ("QuotaService/ListQuotaProposals", json!({})),
        ("QuotaService/ListProposalFigures", json!({"proposalId": "plan"})),
        ("QuotaService/CompareQuotaProposals", json!({"proposalId": "plan", "otherProposalId": "plan"})),
        ("QuotaService/AssessQuotaProposal", json!({"proposalId": "plan"})),
        ("TerritoryService/ExplainCrediting", json!({"dealId": "d1"})),
        ("TerritoryService/ListCreditingRules", json!({})),
        ("TerritoryService/ListTerritories", json!({})),
    ]
}

async fn closed_january(tenant: &Tenant) {
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "1000.00")]).await;
    tenant.close("2026-01").await;
}

#[tokio::test]
async fn every_read_waits_for_a_change_of_another_server() {
    let tenant = Tenant::alone().await;
    closed_january(&tenant).await;
    let proposal = json!({"proposalId": "plan", "rootPayeeId": "lead", "measureId": "own", "window": "FY2026-Q2",
        "currencyCode": "USD", "allocation": {"goal": "100", "weigh": "WEIGH_EQUAL"}});
    tenant.write("QuotaService/ProposeQuotas", json!({ "proposal": proposal })).await;
    let replica = Server::start(&tenant.options, &[]);
    let elsewhere = Client { channel: replica.channel(), key: tenant.key.clone() };
    // A write in flight at one server; reads that need it at the other.
    let mut holder = tenant.hold_head().await;
    let write = tokio::spawn(async move {
        let deals = json!({"requestId": "late", "deals": [deal("d2", "ann", "2026-02-10", "1.00")]});
        elsewhere.get("DealService/UpsertDeals", deals).await
    });
    eventually("the write waits for the head", async || tenant.waiting().await == 1).await;
    let reads = reads().into_iter().map(|(rpc, mut asked)| {
        asked["minChange"] = json!("11");
        let client = tenant.admin.clone();
        tokio::spawn(async move { (rpc, client.stream(rpc, vec![asked]).await) })
    });
    let reads: Vec<_> = reads.collect();
    sqlx::query("rollback").execute(&mut holder).await.unwrap();
    assert_eq!(write.await.unwrap()["receipt"]["changeNumber"], "11");
    for read in reads {
        let (rpc, answer) = read.await.unwrap();
        let answer = answer.unwrap_or_else(|status| panic!("{rpc}: {}", refusal(&status)));
        let found = answer.last().unwrap();
        match rpc {
            "PeriodService/WatchClose" => assert_eq!(found["close"]["state"], "STATE_CLOSED"),
            "AdminService/VerifyJournal" => assert_eq!(found["changes"], "11"),
            _ => assert_eq!(found["asOfChange"], "11", "{rpc}"),
        }
    }
}

#[tokio::test]
async fn a_read_that_waits_holds_nothing_that_the_change_needs() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let narrow = Server::start(&tenant.options, &["--connections", "1"]);
    let client = Client { channel: narrow.channel(), key: tenant.key.clone() };
    let asked = json!({"payeeId": "ann", "minChange": "8", "onDate": "2026-01-01"});
    let (waiting, later) = (client.clone(), json!({"payeeId": "ann", "minChange": "8", "asOfChange": "8"}));
    let reads = tokio::spawn(async move {
        tokio::join!(
            waiting.get("PayeeService/GetPayee", asked),
            // A number that is not there yet either: it will be once the journal has come so far.
            waiting.get("PayeeService/GetPayee", later)
        )
    });
    client
        .get(
            "DealService/UpsertDeals",
            json!({"requestId": "d", "deals": [deal("d", "ann", "2026-01-10", "1.00")]}),
        )
        .await;
    let (now, as_of) = reads.await.unwrap();
    assert_eq!((&now["asOfChange"], &as_of["asOfChange"]), (&json!("8"), &json!("8")));
}

#[tokio::test]
async fn a_change_that_does_not_come_is_said_in_time() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let missing = "Unavailable CHANGE_NOT_REACHED: change 8 is not there yet: the journal ends at change 7\n\
                   last_change=7\nmin_change=8";
    let mut request =
        Request::new(v1::GetPayeeRequest { payee_id: "ann".into(), min_change: 8, ..Default::default() });
    request.set_timeout(Duration::from_secs(2));
    let (own, usual) = tokio::join!(
        async { PayeeServiceClient::new(tenant.keyed()).get_payee(request).await.unwrap_err() },
        // Without a deadline of the caller's own: after five seconds.
        tenant.refused("PayeeService/GetPayee", json!({"payeeId": "ann", "minChange": "8"}))
    );
    assert_eq!((refusal(&own).as_str(), usual.as_str()), (missing, missing));
    let contradiction = json!({"payeeId": "ann", "asOfChange": "3", "minChange": "4"});
    assert_eq!(
        tenant.refused("PayeeService/GetPayee", contradiction).await,
        "InvalidArgument INVALID_REQUEST: 2 fields are wrong, the first: as_of_change must not be before min_change 4, got 3\n\
         as_of_change: must not be before min_change 4, got 3\n\
         min_change: must not be after as_of_change 3, got 4"
    );
    let reached = json!({"payeeId": "ann", "asOfChange": "7", "minChange": "7"});
    assert_eq!(tenant.get("PayeeService/GetPayee", reached).await["asOfChange"], "7");
}

#[tokio::test]
async fn lists_of_the_past_are_as_they_were() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let key = json!({"requestId": "k", "key": {"keyId": "portal", "role": "ROLE_AUDITOR"}});
    tenant.get("AdminService/CreateKey", key).await;
    tenant.write("AdminService/RevokeKey", json!({"keyId": "portal"})).await;
    let header = json!({"header": {"requestId": "import"}});
    let rows = json!({"batch": {"rows": [{"rowNumber": "2", "deal": {"dealId": "-"}}]}});
    tenant.stream("DealService/ImportDeals", vec![header, rows]).await.unwrap();
    let asked = async |rpc: &str, mut asked: Value, as_of: &str| {
        asked["asOfChange"] = json!(as_of);
        let answer = tenant.get(rpc, asked).await;
        let used = if as_of == "0" { "10" } else { as_of };
        assert_eq!(answer["asOfChange"], used, "{rpc}");
        answer
    };
    for (as_of, count, revoked) in [("7", 1, 0), ("8", 2, 0), ("9", 2, 1), ("0", 2, 1)] {
        let keys = asked("AdminService/ListKeys", json!({}), as_of).await["keys"].as_array().unwrap().clone();
        let gone = keys.iter().filter(|key| key["revoked"] == true).count();
        assert_eq!((keys.len(), gone), (count, revoked), "{as_of}");
    }
    for (as_of, last) in [("3", 3), ("0", 10)] {
        let changes =
            asked("AdminService/ListChanges", json!({}), as_of).await["changes"].as_array().unwrap().clone();
        assert_eq!(number(&changes.last().unwrap()["number"]), last);
    }
    let rejected = async |as_of: &str| {
        asked("DealService/ListRejectedRows", json!({"changeNumber": "10"}), as_of).await["rejectedRows"]
            .clone()
    };
    assert_eq!((rejected("9").await, rejected("0").await[0]["rowNumber"].clone()), (Value::Null, json!("2")));
    let statement = json!({"payeeId": "ann", "period": "2026-01"});
    assert_eq!(asked("EarningsService/GetStatement", statement, "8").await["statement"]["asOfChange"], "8");
}

#[tokio::test]
async fn an_instant_finds_the_last_change_at_or_before_it() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let listed =
        tenant.get("AdminService/ListChanges", json!({})).await["changes"].as_array().unwrap().clone();
    let times: Vec<DateTime<Utc>> =
        listed.iter().map(|change| change["changeTime"].as_str().unwrap().parse().unwrap()).collect();
    let find = async |instant: DateTime<Utc>| {
        let text = instant.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
        let found = tenant.get("AdminService/FindChange", json!({ "time": text })).await;
        assert_eq!(found["asOfChange"], "7");
        let time = found["changeTime"].as_str().map(|time| time.parse::<DateTime<Utc>>().unwrap());
        (number(&found["changeNumber"]), time)
    };
    let micro = chrono::TimeDelta::microseconds(1);
    assert_eq!(find(times[0] - micro).await, (0, None));
    assert_eq!(find("1970-01-01T00:00:00Z".parse().unwrap()).await, (0, None));
    for (place, time) in (1..).zip(&times) {
        assert_eq!(find(*time).await, (place, Some(*time)));
        if place > 1 {
            assert_eq!(find(*time - micro).await.0, place - 1);
        }
    }
    // Far beyond what has happened: the last there is.
    assert_eq!(find("9999-12-31T23:59:59Z".parse().unwrap()).await, (7, Some(times[6])));
    assert_eq!(find("0001-01-01T00:00:00Z".parse().unwrap()).await, (0, None));
}

/// Payees by a selection on a day, each with the first day of its assignment in force.
async fn selected(tenant: &Tenant, asked: Value) -> String {
    let listed = tenant.get("PayeeService/ListPayees", asked).await;
    let payees = listed["payees"].as_array().cloned().unwrap_or_default();
    let named = |payee: &Value| {
        let since = payee["assignmentInForce"]["startDate"].as_str().unwrap_or("-").to_string();
        format!("{} {since}", payee["payeeId"].as_str().unwrap())
    };
    payees.iter().map(named).collect::<Vec<_>>().join(", ")
}

/// Ann is promoted on 1 March and leaves the lead; bob has a gap in February; cat comes in April, in the north.
async fn people_move(tenant: &Tenant) {
    tenant.company().await;
    let people = json!({"payees": [
        {"payeeId": "ann", "kind": "KIND_PERSON", "assignments": [
            {"startDate": "2026-01-01", "endDate": "2026-03-01", "title": "AE", "managerId": "lead", "planId": "rep"},
            {"startDate": "2026-03-01", "title": "Lead", "managerId": "vp", "planId": "lead", "territoryId": "north"}]},
        {"payeeId": "bob", "kind": "KIND_PERSON", "assignments": [
            {"startDate": "2026-01-01", "endDate": "2026-02-01", "managerId": "lead", "planId": "rep"},
            {"startDate": "2026-03-01", "managerId": "ann", "planId": "rep"}]},
        {"payeeId": "cat", "kind": "KIND_PERSON", "assignments": [
            {"startDate": "2026-04-01", "managerId": "bob", "planId": "rep", "territoryId": "north"}]},
        {"payeeId": "lead", "kind": "KIND_PERSON", "assignments": [
            {"startDate": "2026-01-01", "endDate": "2026-06-01", "title": "Manager", "managerId": "vp", "planId": "lead"}]},
        {"payeeId": "vp", "kind": "KIND_PERSON", "assignments": [{"startDate": "2026-01-01", "title": "VP"}]},
    ]});
    tenant.write("PayeeService/UpsertPayees", people).await;
}

#[tokio::test]
async fn payees_are_selected_by_what_holds_on_a_day() {
    let tenant = Tenant::new().await;
    people_move(&tenant).await;
    for (asked, expected) in [
        (json!({"onDate": "2026-02-28"}), "ann 2026-01-01, bob -, cat -, lead 2026-01-01, vp 2026-01-01"),
        (
            json!({"onDate": "2026-03-01"}),
            "ann 2026-03-01, bob 2026-03-01, cat -, lead 2026-01-01, vp 2026-01-01",
        ),
        (json!({"onDate": "2025-12-31", "managerId": "lead"}), ""),
        (json!({"onDate": "2026-01-31", "managerId": "lead"}), "ann 2026-01-01, bob 2026-01-01"),
        (json!({"onDate": "2026-02-01", "managerId": "lead"}), "ann 2026-01-01"),
        (json!({"onDate": "2026-03-01", "managerId": "lead"}), ""),
        (json!({"onDate": "2026-03-01", "managerId": "vp"}), "ann 2026-03-01, lead 2026-01-01"),
        (json!({"onDate": "2026-02-28", "planId": "rep"}), "ann 2026-01-01"),
        (json!({"onDate": "2026-04-01", "planId": "rep"}), "bob 2026-03-01, cat 2026-04-01"),
        (json!({"onDate": "2026-03-31", "territoryId": "north"}), "ann 2026-03-01"),
        (json!({"onDate": "2026-04-01", "territoryId": "north"}), "ann 2026-03-01, cat 2026-04-01"),
        (json!({"onDate": "2026-04-01", "territoryId": "north", "planId": "rep"}), "cat 2026-04-01"),
        // As the journal stood before they moved.
        (
            json!({"onDate": "2026-04-01", "managerId": "lead", "asOfChange": "7"}),
            "ann 2026-01-01, bob 2026-01-01",
        ),
    ] {
        assert_eq!(selected(&tenant, asked.clone()).await, expected, "{asked}");
    }
}

#[tokio::test]
async fn a_reporting_line_is_as_it_is_on_the_day() {
    let tenant = Tenant::new().await;
    people_move(&tenant).await;
    let line = async |payee: &str, day: &str, as_of: &str| {
        let asked = json!({"payeeId": payee, "onDate": day, "asOfChange": as_of});
        let line = tenant.get("PayeeService/GetReportingLine", asked).await;
        assert_eq!(line["onDate"], day);
        let list = |name: &str| line[name].as_array().cloned().unwrap_or_default();
        let up = list("managers")
            .iter()
            .map(|m| format!("{} {}", m["level"], m["payeeId"].as_str().unwrap()))
            .collect::<Vec<_>>();
        let down =
            list("reports").iter().map(|r| r["payeeId"].as_str().unwrap().to_string()).collect::<Vec<_>>();
        format!("{} | {}", up.join(", "), down.join(", "))
    };
    assert_eq!(line("ann", "2026-02-28", "0").await, "1 lead, 2 vp | ");
    assert_eq!(line("ann", "2026-03-01", "0").await, "1 vp | bob");
    assert_eq!(line("cat", "2026-04-01", "0").await, "1 bob, 2 ann, 3 vp | ");
    assert_eq!(line("vp", "2026-05-31", "0").await, " | ann, lead");
    // On its last day the lead still is one; the day after, who reported to it has nobody in between.
    assert_eq!(line("vp", "2026-06-01", "0").await, " | ann");
    assert_eq!(line("lead", "2026-01-31", "0").await, "1 vp | ann, bob");
    // Without an assignment, nobody above and nobody below.
    assert_eq!(line("bob", "2026-02-15", "0").await, " | ");
    assert_eq!(line("cat", "2026-03-31", "0").await, " | ");
    assert_eq!(line("lead", "2026-06-01", "0").await, " | ");
    assert_eq!(line("ann", "2026-04-01", "7").await, "1 lead | ");
    let titled =
        tenant.get("PayeeService/GetReportingLine", json!({"payeeId": "ann", "onDate": "2026-01-01"})).await;
    assert_eq!(titled["managers"][0]["title"], "Manager");
    let nobody = tenant.refused("PayeeService/GetReportingLine", json!({"payeeId": "eve"})).await;
    assert_eq!(nobody, "NotFound NOT_FOUND: payee eve not found\nid=eve\nresource=payee");
}

#[tokio::test]
async fn a_payees_key_follows_the_line_of_the_day_it_asks_for() {
    let tenant = Tenant::new().await;
    people_move(&tenant).await;
    tenant.deals(&[deal("d", "ann", "2026-02-10", "100.00")]).await;
    let lead = tenant.key("ROLE_PAYEE", "lead").await;
    let february =
        lead.get("EarningsService/GetAttainment", json!({"payeeId": "ann", "period": "2026-02"})).await;
    assert_eq!(february["onDate"], "2026-02-28");
    let march = json!({"payeeId": "ann", "period": "2026-03"});
    let refused = lead.refused("EarningsService/GetAttainment", march).await;
    assert_eq!(refused, "NotFound NOT_FOUND: payee ann not found\nid=ann\nresource=payee");
}

#[tokio::test]
async fn attainment_counts_up_to_and_including_a_day() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let deals = [
        deal("d1", "ann", "2026-01-31", "10000.00"),
        deal("d2", "ann", "2026-02-01", "20000.00"),
        deal("d3", "ann", "2026-02-14", "30000.00"),
        deal("d4", "ann", "2026-02-15", "40000.00"),
    ];
    tenant.deals(&deals).await;
    let mut refund = deal("d1", "ann", "2026-01-31", "10000.00");
    refund["events"] = json!([{"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-02-20", "reverses": [{"eventId": "b"}]}]);
    tenant.deals(&[refund]).await;
    let attained = async |period: &str, day: &str| {
        let asked = json!({"payeeId": "ann", "period": period, "onDate": day, "measureIds": ["own"]});
        let answer = tenant.get("EarningsService/GetAttainment", asked).await;
        let figure =
            |place: usize, name: &str| answer["attainments"][place][name].as_str().unwrap_or("-").to_string();
        let figures = [
            figure(0, "credited"),
            figure(1, "credited"),
            figure(1, "quota"),
            figure(1, "attainmentPercent"),
        ];
        let text = |name: &str| answer[name].as_str().unwrap().to_string();
        format!("{} {} {}", text("period"), text("onDate"), figures.join(" "))
    };
    // Of the month and of the quarter, whose quota stays the whole quarter's.
    assert_eq!(attained("", "2026-01-31").await, "2026-01 2026-01-31 10000.00 10000.00 100000.00 10");
    assert_eq!(attained("", "2026-01-30").await, "2026-01 2026-01-30 0.00 0.00 100000.00 0");
    assert_eq!(attained("", "2026-02-01").await, "2026-02 2026-02-01 20000.00 30000.00 100000.00 30");
    assert_eq!(attained("2026-02", "2026-02-14").await, "2026-02 2026-02-14 50000.00 60000.00 100000.00 60");
    assert_eq!(
        attained("2026-02", "2026-02-15").await,
        "2026-02 2026-02-15 90000.00 100000.00 100000.00 100"
    );
    assert_eq!(
        attained("2026-02", "2026-02-19").await,
        "2026-02 2026-02-19 90000.00 100000.00 100000.00 100"
    );
    assert_eq!(attained("2026-02", "2026-02-20").await, "2026-02 2026-02-20 80000.00 90000.00 100000.00 90");
    assert_eq!(attained("2026-02", "").await, "2026-02 2026-02-28 80000.00 90000.00 100000.00 90");
}

#[tokio::test]
async fn quotas_are_selected_by_the_windows_that_hold_a_day() {
    let tenant = Tenant::new().await;
    let mut july = crate::harness::company::calendar();
    july["calendar"]["fiscalFirstMonth"] = json!(7);
    july["calendar"]["firstPeriod"] = json!("2025-07");
    tenant.write("AdminService/SetCalendar", july).await;
    tenant.write("MeasureService/DefineMeasures", crate::harness::company::measures()).await;
    tenant.write("PlanService/PublishPlan", plan("rep", "own", "WINDOW_MONTH", &[("0", "1")])).await;
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("ann", "rep", "")]})).await;
    let windows = ["2026-06", "2026-07", "FY2026", "FY2026-Q4", "FY2027", "FY2027-Q1"];
    let quotas: Vec<_> = windows.iter().map(|window| quota("ann", "own", window, "1.00")).collect();
    tenant.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
    let on = async |day: &str| {
        let listed = tenant.get("QuotaService/ListQuotas", json!({ "onDate": day })).await;
        let quotas = listed["quotas"].as_array().cloned().unwrap_or_default();
        quotas.iter().map(|quota| quota["window"].as_str().unwrap().to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(on("").await, windows.join(" "));
    assert_eq!(on("2026-06-30").await, "2026-06 FY2026 FY2026-Q4");
    assert_eq!(on("2026-07-01").await, "2026-07 FY2027 FY2027-Q1");
    assert_eq!(on("2025-07-01").await, "FY2026");
    assert_eq!(on("2026-10-01").await, "FY2027");
    assert_eq!(on("2028-02-29").await, "");
}

/// A clock that stands still, in seconds since 1970.
fn at<const SECONDS: i64>() -> DateTime<Utc> {
    DateTime::from_timestamp(SECONDS, 0).unwrap()
}

/// 23:59:59 of 31 January 2026 in Berlin, and a second later.
const JANUARY: i64 = 1_769_900_399;
const FEBRUARY: i64 = JANUARY + 1;

#[tokio::test]
async fn today_is_the_day_where_the_tenant_is() {
    let tenant = Tenant::alone().await;
    people_move(&tenant).await;
    let mut second = plan("rep", "own", "WINDOW_QUARTER", &[("0", "11")]);
    second["effectiveFrom"] = json!("2026-02");
    tenant.write("PlanService/PublishPlan", second).await;
    let deals = [
        deal("d1", "ann", "2026-01-31", "10000.00"),
        deal("d2", "ann", "2026-02-01", "20000.00"),
        deal("d3", "ann", "2026-02-02", "40000.00"),
    ];
    tenant.deals(&deals).await;
    let database = Database::new(tenant.options.clone(), 2);
    let clocks = [at::<JANUARY>, at::<FEBRUARY>].map(|clock| App::with_clock(database.clone(), clock));
    let (id, slug) = clocks[0].tenants().await.unwrap().remove(0);
    let call = command_line(id, &slug).unwrap();
    let expected =
        [("2026-01", "2026-01-31", "10000.00", 1, "rep"), ("2026-02", "2026-02-01", "20000.00", 2, "-")];
    for (app, (period, day, credited, version, bob)) in clocks.iter().zip(expected) {
        let (period, day) = (Period::parse(period).unwrap(), Day::parse(day).unwrap());
        let ann = || Some("ann".parse().unwrap());
        let query = AttainmentQuery {
            payee: ann(),
            period: None,
            on: None,
            measures: vec!["own".parse().unwrap()],
            pipeline: false,
            as_of: AsOf::default(),
        };
        let attained = app.attainment(&call, query).await.unwrap();
        // What is dated tomorrow does not count today.
        assert_eq!(
            (attained.period, attained.on, attained.attainments[0].credited.as_str()),
            (period, day, credited)
        );
        let (statement, ..) = app.statement(&call, ann(), None, AsOf::default()).await.unwrap();
        assert_eq!(statement.period, period);
        assert_eq!(explain(app, &call, None).await, period);
        let found = app.payee(&call, AsOf::default(), &"bob".parse().unwrap(), None).await.unwrap();
        let in_force = found.value.value.assignments.iter().find(|assignment| assignment.covers(day));
        let plan = in_force.and_then(|assignment| assignment.plan.as_ref()).map_or("-", |plan| plan.as_str());
        assert_eq!((found.day, plan), (Some(day), bob));
        let found = app.plan(&call, AsOf::default(), &"rep".parse().unwrap(), Which::On(None)).await.unwrap();
        assert_eq!(found.0.value.version, version);
        let page = Page { as_of: AsOf::default(), after: None, size: 9 };
        let line = app.reporting_line(&call, &"lead".parse().unwrap(), None, page).await.unwrap();
        assert_eq!((line.day, line.reports.items.len()), (day, usize::from(bob == "rep") + 1));
    }
}

async fn explain(app: &App, call: &Call, period: Option<Period>) -> Period {
    let query = ExplainQuery {
        payee: Some("ann".parse().unwrap()),
        period,
        plan: None,
        component: None,
        path: String::new(),
        depth: 1,
        skip: 0,
        size: 9,
        as_of: AsOf::default(),
    };
    app.explain(call, query).await.unwrap().period
}

#[tokio::test]
async fn pages_stay_on_the_day_of_the_first_past_midnight() {
    let tenant = Tenant::alone().await;
    people_move(&tenant).await;
    let database = Database::new(tenant.options.clone(), 2);
    let [before, after] =
        [at::<JANUARY>, at::<FEBRUARY>].map(|clock| App::with_clock(database.clone(), clock));
    let (id, slug) = before.tenants().await.unwrap().remove(0);
    let call = command_line(id, &slug).unwrap();
    let reps = || PayeeQuery {
        on: None,
        filter: PayeeFilter { plan: Some("rep".parse().unwrap()), ..Default::default() },
    };
    let page = |after| Page { as_of: AsOf::default(), after, size: 1 };
    let first = before.payees(&call, reps(), page(None)).await.unwrap();
    let second = after.payees(&call, reps(), page(first.value.next.clone())).await.unwrap();
    assert_eq!((first.day, second.day), (Some(Day::parse("2026-01-31").unwrap()), first.day));
    // Bob's assignment ended at midnight.
    assert_eq!(second.value.items[0].value.id.as_str(), "bob");
    assert_eq!(after.payees(&call, reps(), page(None)).await.unwrap().value.next, None);
    let lead = "lead".parse().unwrap();
    let first = before.reporting_line(&call, &lead, None, page(None)).await.unwrap();
    let second = after.reporting_line(&call, &lead, None, page(first.reports.next.clone())).await.unwrap();
    assert_eq!((second.day, second.reports.items[0].payee.as_str()), (first.day, "bob"));
}
