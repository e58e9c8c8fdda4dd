//! Many at once: who comes first is written down, and everybody hears the same.

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::api::replay::writes;
use crate::harness::client::Client;
use crate::harness::cluster::{cluster, execute, url};
use crate::harness::company::{calendar, deal};
use crate::harness::server::{command, said};
use crate::harness::tenant::number;
use crate::harness::{Server, Tenant, attain, eventually, refusal};

const CLOSE: &str = "PeriodService/ClosePeriod";

fn rows(rows: &[(i64, Value)]) -> Value {
    let rows: Vec<_> =
        rows.iter().map(|(row, deal)| json!({"rowNumber": row.to_string(), "deal": deal})).collect();
    json!({"batch": { "rows": rows }})
}

/// What a close earned for a payee and a month, from `period forPeriod amount` of every posting of a payee.
async fn earned(tenant: &Tenant, payee: &str) -> Vec<String> {
    let listed = tenant.get("PeriodService/ListPostings", json!({ "payeeId": payee })).await;
    let postings = listed["postings"].as_array().cloned().unwrap_or_default();
    let text = |posting: &Value, name: &str| posting[name].as_str().unwrap().to_string();
    let earned = postings.iter().filter(|posting| posting["kind"] == "KIND_EARNED");
    earned
        .map(|posting| {
            let amount = posting["amount"]["amount"].as_str().unwrap();
            format!("{} for {}: {amount}", text(posting, "period"), text(posting, "forPeriod"))
        })
        .collect()
}

#[tokio::test]
async fn what_an_import_commits_while_a_close_computes_is_in_the_next_close() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "bob", "2026-01-10", "1000.00")]).await;
    let mut holder = tenant.hold_head().await;
    // The import is first at the head; the close computes on what was before it and waits behind it.
    let (client, header) =
        (tenant.admin.clone(), json!({"header": {"requestId": "import", "source": "crm"}}));
    let batch = rows(&[(2, deal("d2", "bob", "2026-01-20", "500.00"))]);
    let import =
        tokio::spawn(async move { client.stream("DealService/ImportDeals", vec![header, batch]).await });
    eventually("the import waits for the head", async || tenant.waiting().await == 1).await;
    let (client, signed) = (tenant.admin.clone(), tenant.signed(json!({"period": "2026-01"})));
    let close = tokio::spawn(async move { client.ask(CLOSE, signed).await });
    eventually("the close waits for the head", async || tenant.waiting().await == 2).await;
    execute(&mut holder, "rollback").await;
    let import = import.await.unwrap().unwrap();
    assert_eq!(import[0]["receipt"]["changeNumber"], "9");
    let close = close.await.unwrap().unwrap()["close"].clone();
    let names = (&close["state"], &close["asOfChange"], &close["changeNumber"]);
    assert_eq!(names, (&json!("STATE_CLOSED"), &json!("8"), &json!("10")));
    // 10% of 1,000.00 now, of the 500.00 that came meanwhile with the next close, for the month it belongs to.
    assert_eq!(earned(&tenant, "bob").await, ["2026-01 for 2026-01: 100.00"]);
    let then = json!({"payeeId": "bob", "period": "2026-01", "asOfChange": "8"});
    let mut then = tenant.get("EarningsService/GetStatement", then).await["statement"].clone();
    let kept = json!({"payeeId": "bob", "period": "2026-01"});
    let kept = tenant.get("EarningsService/GetStatement", kept).await["statement"].clone();
    then["state"] = kept["state"].clone();
    assert_eq!(then, kept);
    let next = tenant.close("2026-02").await;
    assert_eq!((&next["asOfChange"], &next["changeNumber"]), (&json!("10"), &json!("11")));
    assert_eq!(earned(&tenant, "bob").await, ["2026-01 for 2026-01: 100.00", "2026-02 for 2026-01: 50.00"]);
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn a_calendar_that_changes_while_a_close_computes_counts_for_the_close() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "bob", "2026-01-10", "1000.00")]).await;
    let mut later = calendar();
    later["calendar"]["firstPeriod"] = json!("2026-02");
    let mut holder = tenant.hold_head().await;
    let (client, signed) = (tenant.admin.clone(), tenant.signed(later));
    let set = tokio::spawn(async move { client.ask("AdminService/SetCalendar", signed).await });
    eventually("the calendar waits for the head", async || tenant.waiting().await == 1).await;
    let (client, signed) = (tenant.admin.clone(), tenant.signed(json!({"period": "2026-01"})));
    let close = tokio::spawn(async move { client.ask(CLOSE, signed).await });
    eventually("the close waits for the head", async || tenant.waiting().await == 2).await;
    execute(&mut holder, "rollback").await;
    assert_eq!(set.await.unwrap().unwrap()["receipt"]["changeNumber"], "9");
    let refused = refusal(&close.await.unwrap().unwrap_err());
    assert!(refused.starts_with("InvalidArgument INVALID_REQUEST: period must not be before"), "{refused}");
    assert_eq!((tenant.head().await, earned(&tenant, "bob").await.len()), (9, 0));
}

/// Sends one message sixteen times at once, to two servers in turn: the answers.
async fn sixteen(clients: &[Client; 2], rpc: &'static str, messages: &[Value]) -> Vec<Value> {
    let calls = (0..16).map(|place: usize| {
        let (client, messages) = (clients[place % 2].clone(), messages.to_vec());
        tokio::spawn(async move {
            let answer = client.stream(rpc, messages).await;
            answer.unwrap_or_else(|status| panic!("{rpc}: {}", refusal(&status))).remove(0)
        })
    });
    let calls: Vec<_> = calls.collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn sixteen_callers_of_two_servers_with_one_request_id_make_one_change_whatever_they_ask() {
    let tenant = Tenant::alone().await;
    let second = Server::start(&tenant.options, &[]);
    let clients = [tenant.admin.clone(), Client { channel: second.channel(), key: tenant.key.clone() }];
    let written = writes().into_iter().map(|(rpc, message, _)| (rpc, vec![tenant.signed(message)]));
    let header = json!({"header": {"requestId": "import", "source": "crm"}});
    let import = vec![header, rows(&[(2, deal("d2", "ann", "2026-02-20", "500.00"))])];
    let mut head = tenant.head().await;
    for (rpc, messages) in written.chain([("DealService/ImportDeals", import)]) {
        let mut answers = sixteen(&clients, rpc, &messages).await;
        head += 1;
        assert_eq!(tenant.head().await, head, "{rpc}");
        // A secret is told once, to one of them.
        let secrets: Vec<_> =
            answers.iter_mut().filter_map(|answer| answer.as_object_mut()?.remove("secretKey")).collect();
        assert_eq!(secrets.len(), usize::from(rpc == "AdminService/CreateKey"), "{rpc}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{rpc}: {answers:#?}");
        let change = ["/receipt/changeNumber", "/close/changeNumber"];
        let change = change.into_iter().find_map(|path| answers[0].pointer(path)).unwrap();
        assert_eq!(number(change), head, "{rpc}");
    }
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn binaries_that_migrate_an_empty_database_at_once_find_one_schema() {
    let options = cluster().empty_database().await;
    let address = url(&options);
    // Whoever comes is kept waiting until all have come.
    let mut holder = PgConnection::connect_with(&options).await.unwrap();
    let key = i64::from_be_bytes(*b"\0\0attain");
    execute(&mut holder, &format!("select pg_advisory_lock({key})")).await;
    let programs = ["a", "b", "c"].map(|slug| {
        let address = address.clone();
        let create = move || command(&["tenant", "create", slug, "--database-url", &address]).output();
        tokio::task::spawn_blocking(create)
    });
    let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";
    let mut watch = PgConnection::connect_with(&options).await.unwrap();
    loop {
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&mut watch).await.unwrap();
        if waiting == 3 {
            break;
        }
        tokio::task::yield_now().await;
    }
    execute(&mut holder, &format!("select pg_advisory_unlock({key})")).await;
    for program in programs {
        let (done, _, error) = said(program.await.unwrap().unwrap());
        assert!(done, "{error}");
    }
    let mut root = PgConnection::connect_with(&options).await.unwrap();
    let applied = "select number from attain_migration order by number";
    let applied: Vec<i32> = sqlx::query_scalar(applied).fetch_all(&mut root).await.unwrap();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(applied.len(), files);
    let (done, listed, error) = attain(&["tenant", "list", "--database-url", &address]);
    assert!(done, "{error}");
    assert_eq!(listed, "a\nb\nc\n");
    let (done, out, error) = attain(&["verify", "--database-url", &address]);
    assert!(done && out.matches(": sound, 1 changes, 1 rows").count() == 3, "{out}{error}");
}
