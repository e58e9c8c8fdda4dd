//! Closing a period: once, in order, whole or not at all, whoever else is at work.

use attain::calc::RULES_REVISION;
use serde_json::{Value, json};

use crate::harness::cluster::execute;
use crate::harness::company::{deal, payee, quota};
use crate::harness::{Server, Tenant, eventually, refusal};

const CLOSE: &str = "PeriodService/ClosePeriod";

fn period(period: &str) -> Value {
    json!({ "period": period })
}

async fn postings(tenant: &Tenant) -> Vec<Value> {
    let listed = tenant.get("PeriodService/ListPostings", json!({"pageSize": 1000})).await;
    listed["postings"].as_array().cloned().unwrap_or_default()
}

/// A posting in one line.
fn line(posting: &Value) -> String {
    let text = |name: &str| posting[name].as_str().unwrap();
    let names = ["period", "forPeriod", "kind", "payeeId", "planId", "componentId", "window"].map(text);
    format!("{} {}", names.join(" "), posting["amount"]["amount"].as_str().unwrap())
}

async fn sold() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant
        .deals(&[deal("d1", "ann", "2026-01-10", "120000.00"), deal("d2", "bob", "2026-01-11", "1000.10")])
        .await;
    tenant
}

#[tokio::test]
async fn a_close_posts_and_a_second_one_answers_the_first() {
    let tenant = sold().await;
    let signed = tenant.signed(period("2026-01"));
    let first = tenant.get(CLOSE, signed.clone()).await["close"].clone();
    let posted = postings(&tenant).await;
    assert_eq!(
        posted.iter().map(line).collect::<Vec<_>>(),
        [
            "2026-01 2026-01 KIND_EARNED ann rep commission FY2026-Q1 14000.00",
            "2026-01 2026-01 KIND_RELEASED ann rep commission FY2026-Q1 14000.00",
            "2026-01 2026-01 KIND_EARNED bob rep commission FY2026-Q1 100.01",
            "2026-01 2026-01 KIND_RELEASED bob rep commission FY2026-Q1 100.01",
            "2026-01 2026-01 KIND_EARNED lead lead commission 2026-01 1210.00",
            "2026-01 2026-01 KIND_RELEASED lead lead commission 2026-01 1210.00",
        ]
    );
    for (name, expected) in [
        ("state", json!("STATE_CLOSED")),
        ("changeNumber", json!("9")),
        ("asOfChange", json!("8")),
        ("postingCount", json!("6")),
        ("payeesDone", json!("3")),
        ("payeesTotal", json!("3")),
        ("totals", json!([{"currencyCode": "USD", "amount": "15310.01"}])),
    ] {
        assert_eq!(first[name], expected, "{name}");
    }
    // Deals that come after do not change what was closed.
    tenant.deals(&[deal("d3", "ann", "2026-01-12", "500.00")]).await;
    assert_eq!(tenant.get(CLOSE, signed).await["close"], first);
    assert_eq!(tenant.get(CLOSE, tenant.signed(period("2026-01"))).await["close"], first);
    let watched = tenant.stream("PeriodService/WatchClose", vec![period("2026-01")]).await.unwrap();
    assert_eq!(watched, [json!({ "close": first })]);
    assert_eq!(postings(&tenant).await, posted);
    assert_eq!(tenant.head().await, 10);
}

#[tokio::test]
async fn a_preview_says_what_a_close_would_post_and_writes_nothing() {
    let tenant = sold().await;
    let preview = tenant.get("PeriodService/PreviewPeriod", period("2026-01")).await;
    let money = |amount: &str| json!({"currencyCode": "USD", "amount": amount});
    let one =
        |id: &str, earned: &str| json!({"payeeId": id, "earned": money(earned), "adjusted": money("0.00")});
    let expected = json!({
        "period": "2026-01", "payeeCount": "3", "postingCount": "6", "totals": [money("15310.01")],
        "payees": [one("ann", "14000.00"), one("bob", "100.01"), one("lead", "1210.00")],
        "asOfChange": "8", "rulesRevision": RULES_REVISION,
    });
    assert_eq!(preview, expected);
    assert_eq!(tenant.head().await, 8);
    assert_eq!(postings(&tenant).await, Vec::<Value>::new());
}

#[tokio::test]
async fn periods_close_in_order() {
    let tenant = sold().await;
    let refused = |next: &str, got: &str| {
        format!(
            "FailedPrecondition PERIOD_OUT_OF_ORDER: periods close in order: the next is {next}, got {got}\n\
             next={next}\nperiod={got}"
        )
    };
    for got in ["2026-02", "2025-12", "2027-01"] {
        assert_eq!(tenant.refused_write(CLOSE, period(got)).await, refused("2026-01", got));
    }
    let preview = tenant.refused("PeriodService/PreviewPeriod", period("2026-02")).await;
    assert_eq!(preview, refused("2026-01", "2026-02"));
    let unknown = tenant.stream("PeriodService/WatchClose", vec![period("2026-01")]).await.unwrap_err();
    assert_eq!(refusal(&unknown), "NotFound NOT_FOUND: close 2026-01 not found\nid=2026-01\nresource=close");
    tenant.close("2026-01").await;
    assert_eq!(tenant.refused_write(CLOSE, period("2026-03")).await, refused("2026-02", "2026-03"));
    tenant.close("2026-02").await;
    // An earlier one answers as it was.
    assert_eq!(tenant.close("2026-01").await["changeNumber"], "9");
}

#[tokio::test]
async fn what_the_facts_leave_open_blocks_the_close_and_is_named_whole() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let payees = json!({"payees": [payee("cat", "rep", "lead"), payee("dan", "rep", "lead"), payee("eve", "lead", "")]});
    tenant.write("PayeeService/UpsertPayees", payees).await;
    let mut ambiguous = deal("d3", "ann", "2026-01-10", "100.00");
    ambiguous["events"] = json!([
        {"eventId": "b1", "type": "TYPE_BOOKED", "eventDate": "2026-01-10", "amount": "100.00"},
        {"eventId": "b2", "type": "TYPE_BOOKED", "eventDate": "2026-01-11", "amount": "100.00"},
        {"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-01-12"}]);
    let mut beyond = deal("d4", "ann", "2026-01-10", "100.00");
    beyond["events"].as_array_mut().unwrap().push(json!({"eventId": "r", "type": "TYPE_REFUNDED",
        "eventDate": "2026-01-12", "reverses": [{"eventId": "b", "amount": "100.01"}]}));
    tenant
        .deals(&[
            deal("d1", "cat", "2026-01-10", "5.00"),
            deal("d2", "dan", "2026-01-10", "5.00"),
            ambiguous,
            beyond,
        ])
        .await;
    let missing =
        |id: &str| format!("payee {id} has no quota of measure own for FY2026-Q1 and none for its year");
    let problems = [
        missing("cat"),
        missing("dan"),
        "payee eve has no quota of measure team for 2026-01 and none for its year".to_string(),
        "reversal r of deal d3 does not say which of several BOOKED events it takes back".to_string(),
        "reversal r of deal d4 takes back more than is left of event b".to_string(),
    ];
    let preview = tenant.get("PeriodService/PreviewPeriod", period("2026-01")).await;
    let mut told: Vec<String> = serde_json::from_value(preview["problems"].clone()).unwrap();
    let order = told.clone();
    told.sort();
    assert_eq!(told, problems);
    let mut expected = format!(
        "FailedPrecondition RUN_BLOCKED: 2026-01 cannot close: 5 questions are open, the first: {}\nproblems=5",
        order[0]
    );
    for problem in &order {
        expected.push_str(&format!("\nperiod: {problem}"));
    }
    assert_eq!(tenant.refused_write(CLOSE, period("2026-01")).await, expected);
    assert_eq!(postings(&tenant).await, Vec::<Value>::new());
    // Answered, it closes.
    let quotas = [quota_of("cat"), quota_of("dan"), quota("eve", "team", "FY2026", "1.00")];
    tenant.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
    let good = |id: &str| deal(id, "ann", "2026-01-10", "100.00");
    let mut third = good("d3");
    third["events"] = json!([{"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-01-12",
        "reverses": [{"eventId": "b1"}]}]);
    let mut fourth = good("d4");
    fourth["events"] = json!([{"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-01-12",
        "reverses": [{"eventId": "b", "amount": "100.00"}]}]);
    tenant.deals(&[third, fourth]).await;
    tenant.close("2026-01").await;
}

fn quota_of(id: &str) -> Value {
    quota(id, "own", "FY2026", "1000.00")
}

#[tokio::test]
async fn closes_at_once_post_once() {
    let tenant = sold().await;
    let closes: Vec<_> = (0..8)
        .map(|_| {
            let (client, signed) = (tenant.admin.clone(), tenant.signed(period("2026-01")));
            tokio::spawn(async move { client.ask(CLOSE, signed).await.unwrap()["close"].clone() })
        })
        .collect();
    let mut answers = Vec::new();
    for close in closes {
        answers.push(close.await.unwrap());
    }
    assert_eq!(answers[0]["changeNumber"], "9");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(postings(&tenant).await.len(), 6);
    assert_eq!(tenant.head().await, 9);
}

#[tokio::test]
async fn closes_on_two_servers_at_once_post_once() {
    let mut tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    let options = tenant.server().options.clone();
    let second = Server::start(&options, &[]);
    let mut other = tenant.admin.clone();
    other.channel = second.channel();
    // Both compute, then wait for the head.
    let mut holder = tenant.hold_head().await;
    let closes: Vec<_> = [tenant.admin.clone(), other]
        .into_iter()
        .map(|client| {
            let signed = tenant.signed(period("2026-01"));
            tokio::spawn(async move { client.ask(CLOSE, signed).await.unwrap()["close"].clone() })
        })
        .collect();
    eventually("both closes wait for the head", async || tenant.waiting().await == 2).await;
    execute(&mut holder, "rollback").await;
    let mut answers = Vec::new();
    for close in closes {
        answers.push(close.await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(postings(&tenant).await.len(), 4);
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn a_close_goes_on_without_its_caller_and_can_be_watched() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    let mut holder = tenant.hold_head().await;
    let (client, signed) = (tenant.admin.clone(), tenant.signed(period("2026-01")));
    let left = tokio::spawn(async move { client.ask(CLOSE, signed).await });
    eventually("the close waits for the head", async || tenant.waiting().await == 1).await;
    left.abort();
    // Meanwhile the period is open, and whoever closes it joins.
    let mut periods = attain::api::v1::period_service_client::PeriodServiceClient::new(tenant.keyed());
    let request = attain::api::v1::WatchCloseRequest { period: "2026-01".into(), min_change: 0 };
    let mut watched = periods.watch_close(request).await.unwrap().into_inner();
    let running = watched.message().await.unwrap().unwrap().close.unwrap();
    assert_eq!(running.state(), attain::api::v1::close::State::Running);
    let statement = json!({"payeeId": "ann", "period": "2026-01"});
    let open = tenant.get("EarningsService/GetStatement", statement.clone()).await;
    assert_eq!(open["statement"]["state"], "STATE_OPEN");
    let (client, signed) = (tenant.admin.clone(), tenant.signed(period("2026-01")));
    let joined = tokio::spawn(async move { client.ask(CLOSE, signed).await.unwrap()["close"].clone() });
    execute(&mut holder, "rollback").await;
    let joined = joined.await.unwrap();
    assert_eq!((&joined["state"], &joined["changeNumber"]), (&json!("STATE_CLOSED"), &json!("9")));
    let mut last = running;
    while let Some(step) = watched.message().await.unwrap() {
        last = step.close.unwrap();
    }
    assert_eq!((last.state(), last.change_number), (attain::api::v1::close::State::Closed, 9));
    assert_eq!(
        tenant.get("EarningsService/GetStatement", statement).await["statement"]["state"],
        "STATE_CLOSED"
    );
}

#[tokio::test]
async fn a_server_killed_while_it_closes_leaves_the_period_open() {
    let mut tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    let mut holder = tenant.hold_head().await;
    let (client, signed) = (tenant.admin.clone(), tenant.signed(period("2026-01")));
    let request = signed.clone();
    let broken = tokio::spawn(async move { client.ask(CLOSE, request).await });
    eventually("the close waits for the head", async || tenant.waiting().await == 1).await;
    tenant.server().kill();
    broken.await.unwrap().unwrap_err();
    execute(&mut holder, "rollback").await;
    tenant.restart();
    let statement = json!({"payeeId": "ann", "period": "2026-01"});
    let open = tenant.get("EarningsService/GetStatement", statement).await;
    assert_eq!(open["statement"]["state"], "STATE_OPEN");
    assert_eq!((tenant.head().await, postings(&tenant).await.len()), (8, 0));
    // The same request begins again.
    let close = tenant.get(CLOSE, signed).await["close"].clone();
    assert_eq!((&close["state"], &close["changeNumber"]), (&json!("STATE_CLOSED"), &json!("9")));
}

#[tokio::test]
async fn deals_that_arrive_during_a_close_are_in_it_or_in_the_next() {
    let tenant = sold().await;
    let writer = tenant.admin.clone();
    let imports = tokio::spawn(async move {
        for number in 0..12 {
            let header = json!({"header": {"requestId": format!("import-{number}"), "source": "crm"}});
            let rows: Vec<_> = (0..20)
                .map(|row| {
                    let id = format!("n{number}-{row}");
                    json!({"rowNumber": (row + 2).to_string(), "deal": deal(&id, "bob", "2026-01-15", "10.00")})
                })
                .collect();
            writer
                .stream("DealService/ImportDeals", vec![header, json!({"batch": {"rows": rows}})])
                .await
                .unwrap();
        }
    });
    let first = tenant.close("2026-01").await;
    imports.await.unwrap();
    tenant.close("2026-02").await;
    // 12 x 20 x 10.00 more for bob: 1,000.10 + 2,400.00 at 10%.
    let listed =
        tenant.get("PeriodService/ListPostings", json!({"payeeId": "bob", "forPeriod": "2026-01"})).await;
    let cents = |posting: &Value| -> i64 {
        posting["amount"]["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
    };
    let earned =
        listed["postings"].as_array().unwrap().iter().filter(|posting| posting["kind"] == "KIND_EARNED");
    assert_eq!(earned.map(cents).sum::<i64>(), 34_001);
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
    // What was closed names the facts it was computed from, and they still give it.
    let as_of = first["asOfChange"].as_str().unwrap();
    let then = json!({"payeeId": "bob", "period": "2026-01", "asOfChange": as_of});
    let then = tenant.get("EarningsService/GetStatement", then).await["statement"].clone();
    let closed = json!({"payeeId": "bob", "period": "2026-01"});
    let closed = tenant.get("EarningsService/GetStatement", closed).await["statement"].clone();
    assert_eq!((&then["state"], &closed["state"]), (&json!("STATE_OPEN"), &json!("STATE_CLOSED")));
    assert_eq!((&then["totals"], &then["digest"]), (&closed["totals"], &closed["digest"]));
}
