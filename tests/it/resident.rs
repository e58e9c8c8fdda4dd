//! Facts in memory: whatever is held, and whoever wrote, the answers are those of the database.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::harness::client::Client;
use crate::harness::cluster::{cluster, execute};
use crate::harness::company::{calendar, deal, payee, quota};
use crate::harness::tenant::number;
use crate::harness::{Server, Tenant, eventually};

const STATEMENT: &str = "EarningsService/GetStatement";

/// A server that holds nothing in memory: what it says is what the database says.
fn plain(tenant: &Tenant) -> Server {
    Server::start(&tenant.options, &["--facts-memory", "0"])
}

/// The same caller at another server.
fn at(server: &Server, client: &Client) -> Client {
    Client { channel: server.channel(), key: client.key.clone() }
}

fn january(payee: &str, as_of: i64) -> Value {
    json!({"payeeId": payee, "period": "2026-01", "asOfChange": as_of.to_string()})
}

/// All that is said of a payee's January as of a change; 0 for now.
async fn told(client: &Client, payee: &str, as_of: i64) -> [Value; 5] {
    let asked = january(payee, as_of);
    let statement = client.get(STATEMENT, asked.clone()).await;
    let attained = client.get("EarningsService/GetAttainment", asked.clone()).await;
    let made_up =
        json!({"dealId": "made-up", "ownerId": payee, "amount": "90000.00", "outcome": "OUTCOME_OPEN"});
    let estimated = json!({"deal": made_up, "assumedEvents": [{"eventDate": "2026-01-20"}], "asOfChange": asked["asOfChange"]});
    let estimated = client.get("EarningsService/EstimateDeal", estimated).await;
    let performed = json!({"subject": {"teamOfPayeeId": payee}, "toPeriod": "2026-01", "asOfChange": asked["asOfChange"]});
    let performed = client.get("PerformanceService/GetPerformance", performed).await;
    [statement, attained, client.get("EarningsService/ExplainEarning", asked).await, estimated, performed]
}

async fn statement(client: &Client, payee: &str) -> Value {
    client.get(STATEMENT, january(payee, 0)).await["statement"].clone()
}

/// Number and total of a payee's statement.
async fn total(client: &Client, payee: &str) -> (i64, String) {
    let statement = statement(client, payee).await;
    (number(&statement["asOfChange"]), statement["total"].as_str().unwrap().to_string())
}

/// Whether some server of this run logged a line.
fn logged(line: &str) -> bool {
    let files = std::fs::read_dir(cluster().folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.any(|path| std::fs::read_to_string(path).unwrap_or_default().contains(line))
}

/// The process of the database that tells a server of changes.
async fn lines(tenant: &Tenant) -> Vec<i32> {
    let lines = "select pid from pg_stat_activity
        where datname = current_database() and query = 'LISTEN \"attain_change\"' order by pid";
    sqlx::query_scalar(lines).fetch_all(&mut tenant.database().await).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_change_is_carried_on_and_reads_as_in_the_database() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let plain = plain(&tenant);
    let database = at(&plain, &tenant);
    let check = async || {
        for payee in ["ann", "bob", "lead"] {
            let held = told(&tenant, payee, 0).await;
            // A statement of a closed period names the number it was closed on.
            let as_of = number(&held[1]["asOfChange"]);
            assert_eq!(as_of, database_head(&tenant).await);
            assert_eq!(held, told(&database, payee, as_of).await, "{payee} as of {as_of}");
        }
    };
    check().await;
    tenant.deals(&[deal("d2", "ann", "2026-01-10", "120000.00")]).await;
    check().await;
    // Before and behind the one that is there, and that one with another amount, day and owner.
    tenant.deals(&[deal("d1", "bob", "2026-01-10", "1.00"), deal("d3", "ann", "2026-01-09", "7.77")]).await;
    check().await;
    tenant.deals(&[deal("d2", "bob", "2026-01-12", "1000.00")]).await;
    check().await;
    let mut split = deal("d3", "ann", "2026-01-09", "7.77");
    split["splits"] = json!([
        {"payeeId": "ann", "role": "AE", "splitPercent": "60"},
        {"payeeId": "bob", "role": "SE", "splitPercent": "40"},
    ]);
    split["events"].as_array_mut().unwrap().push(json!({
        "eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-01-20", "reverses": [{"eventId": "b"}],
    }));
    tenant.deals(&[split]).await;
    check().await;
    let open = |id: &str, stage: &str| {
        json!({"dealId": id, "ownerId": "ann", "outcome": "OUTCOME_OPEN", "stage": stage,
        "amount": "50.00", "probabilityPercent": "10", "closeDate": "2026-01-20"})
    };
    tenant.deals(&[open("d0", "Discovery"), open("d4", "Discovery")]).await;
    check().await;
    tenant.deals(&[open("d4", "Proposal"), deal("d0", "ann", "2026-01-20", "60.00")]).await;
    check().await;
    tenant
        .write("QuotaService/SetQuotas", json!({"quotas": [quota("ann", "own", "FY2026-Q1", "3.00")]}))
        .await;
    check().await;
    // Somebody new, whose place is before all others.
    let abe = payee("abe", "rep", "lead");
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [abe]})).await;
    let abes = quota("abe", "own", "FY2026", "400000.00");
    tenant.write("QuotaService/SetQuotas", json!({"quotas": [abes]})).await;
    tenant.deals(&[deal("d", "abe", "2026-01-02", "50.00")]).await;
    check().await;
    // More than is put in its place one by one.
    for thousand in 0..2 {
        let more = |row: i32| deal(&format!("m{thousand}-{row}"), "bob", "2026-01-03", "0.10");
        tenant.deals(&(0..900).map(more).collect::<Vec<_>>()).await;
    }
    check().await;
    // (1.00 + 1,000.00 + 1,800 x 0.10) x 10%; his part of the split was refunded.
    assert_eq!(total(&tenant, "bob").await.1, "118.10");
    tenant.close("2026-01").await;
    check().await;
    tenant.deals(&[deal("late", "ann", "2026-01-10", "10.00")]).await;
    check().await;
    let february = json!({"payeeId": "ann", "period": "2026-02"});
    let held = tenant.get(STATEMENT, february.clone()).await;
    assert_eq!(held, database.get(STATEMENT, february).await);
    assert_eq!(held["statement"]["adjustments"].as_array().unwrap().len(), 1);
}

async fn database_head(tenant: &Tenant) -> i64 {
    let head = "select number from head where tenant_id = (select tenant_id from tenant where slug = $1)";
    let head = sqlx::query_scalar(head).bind(&tenant.slug);
    head.fetch_one(&mut tenant.database().await).await.unwrap()
}

#[tokio::test]
async fn a_read_from_memory_asks_the_database_nothing() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    let ann = tenant.key("ROLE_PAYEE", "ann").await;
    let before = [told(&tenant, "ann", 0).await, told(&tenant, "lead", 0).await, told(&ann, "ann", 0).await];
    eventually("the line is up", async || lines(&tenant).await.len() == 1).await;
    told(&tenant, "ann", 0).await;
    // Nobody else can read a row of these until the connection says rollback.
    let mut holder = tenant.database().await;
    let tables =
        "head, change, api_key, calendar, payee, assignment, quota, deal, deal_event, posting, period_close";
    execute(&mut holder, &format!("begin; lock table {tables} in access exclusive mode")).await;
    let after = [told(&tenant, "ann", 0).await, told(&tenant, "lead", 0).await, told(&ann, "ann", 0).await];
    assert_eq!(after, before);
    assert_eq!(
        ann.refused(STATEMENT, january("lead", 0)).await,
        "NotFound NOT_FOUND: payee lead not found\nid=lead\nresource=payee"
    );
    let forged = tenant.with_key(format!("{}0", &tenant.key[..tenant.key.len() - 1]));
    let forged = match forged.key == tenant.key {
        true => tenant.with_key(format!("{}1", &tenant.key[..tenant.key.len() - 1])),
        false => forged,
    };
    let refused = forged.refused(STATEMENT, january("ann", 0)).await;
    assert_eq!(refused, "Unauthenticated KEY_INVALID: the key is not valid");
    execute(&mut holder, "rollback").await;
}

#[tokio::test]
async fn two_servers_over_one_database_give_the_same_answers() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let (second, plain) = (Server::start(&tenant.options, &[]), plain(&tenant));
    let (other, database) = (at(&second, &tenant), at(&plain, &tenant));
    eventually("both lines are up", async || lines(&tenant).await.len() == 2).await;
    statement(&other, "ann").await;
    let mut number = 7;
    for day in 1..=9 {
        tenant.deals(&[deal(&format!("d{day}"), "ann", &format!("2026-01-0{day}"), "100.00")]).await;
        number += 1;
        // A number that the other server has not heard of yet is looked for.
        let said = told(&other, "ann", number).await;
        assert_eq!(said, told(&database, "ann", number).await);
        assert_eq!(said[0], tenant.get(STATEMENT, january("ann", 0)).await);
    }
    for day in 1..=9 {
        tenant.deals(&[deal(&format!("d{day}"), "ann", &format!("2026-01-0{day}"), "200.00")]).await;
        number += 1;
        let asked = json!({"payeeId": "ann", "period": "2026-01", "minChange": number.to_string()});
        let said = other.get(STATEMENT, asked).await;
        assert_eq!(said["statement"]["asOfChange"], json!(number.to_string()));
        assert_eq!(said, database.get(STATEMENT, january("ann", number)).await);
    }
    tenant.deals(&[deal("d", "bob", "2026-01-01", "100.00")]).await;
    eventually("word of the change", async || total(&other, "bob").await == (26, "10.00".to_string())).await;
}

#[tokio::test]
async fn a_lost_line_makes_no_answer_old() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let second = Server::start(&tenant.options, &[]);
    let other = at(&second, &tenant);
    eventually("both lines are up", async || lines(&tenant).await.len() == 2).await;
    statement(&other, "ann").await;
    let before = lines(&tenant).await;
    let mut database = tenant.database().await;
    for pid in &before {
        let end = sqlx::query("select pg_terminate_backend($1)").bind(pid);
        end.execute(&mut database).await.unwrap();
    }
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "100.00")]).await;
    eventually("the change", async || total(&other, "ann").await == (8, "10.00".to_string())).await;
    eventually("new lines", async || {
        let now = lines(&tenant).await;
        now.len() == 2 && now.iter().all(|pid| !before.contains(pid))
    })
    .await;
    tenant.deals(&[deal("d2", "ann", "2026-01-10", "100.00")]).await;
    eventually("the next change", async || total(&other, "ann").await == (9, "20.00".to_string())).await;
}

#[tokio::test]
async fn a_key_that_is_revoked_or_made_counts_at_once_and_soon_elsewhere() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let second = Server::start(&tenant.options, &[]);
    eventually("both lines are up", async || lines(&tenant).await.len() == 2).await;
    let made = json!({"key": {"keyId": "rep", "role": "ROLE_PAYEE", "payeeId": "ann"}});
    let made = tenant.write("AdminService/CreateKey", made).await;
    let ann = tenant.with_key(made["secretKey"].as_str().unwrap());
    let elsewhere = at(&second, &ann);
    let asked = json!({"period": "2026-01"});
    ann.get(STATEMENT, asked.clone()).await;
    eventually("the key elsewhere", async || elsewhere.ask(STATEMENT, asked.clone()).await.is_ok()).await;
    // Once more: now from memory.
    elsewhere.get(STATEMENT, asked.clone()).await;
    tenant.write("AdminService/RevokeKey", json!({"keyId": "rep"})).await;
    let refused = ann.refused(STATEMENT, asked.clone()).await;
    assert_eq!(refused, "Unauthenticated KEY_INVALID: the key is not valid");
    eventually("the revocation elsewhere", async || elsewhere.ask(STATEMENT, asked.clone()).await.is_err())
        .await;
}

#[tokio::test]
async fn tenants_give_way_to_each_other_and_what_does_not_fit_is_read_all_the_same() {
    // Of 3,000 deals with such ids a tenant takes most of a MiB, of 6,000 more than that.
    let server = Server::start(&cluster().database().await, &["--facts-memory", "1"]);
    let mut tenants = Vec::new();
    for thousands in [3, 3, 6] {
        let tenant = Tenant::on(&server);
        tenant.company().await;
        for thousand in 0..thousands {
            let row = |row: i32| deal(&format!("d{thousand}-{row:0>57}"), "ann", "2026-01-10", "1.00");
            tenant.deals(&(0..1000).map(row).collect::<Vec<_>>()).await;
        }
        tenants.push((tenant, format!("{thousands}00.00")));
    }
    let plain = plain(&tenants[0].0);
    for _ in 0..2 {
        for (tenant, expected) in &tenants {
            assert_eq!(&total(tenant, "ann").await.1, expected);
            let held = told(tenant, "lead", 0).await;
            let as_of = number(&held[0]["statement"]["asOfChange"]);
            assert_eq!(held, told(&at(&plain, tenant), "lead", as_of).await);
        }
    }
    assert!(logged("facts evicted from memory"));
    assert!(logged("facts cannot be held in memory") || logged("facts do not fit into memory"));
    let (tenant, _) = &tenants[2];
    tenant.deals(&[deal("more", "ann", "2026-01-10", "10.00")]).await;
    assert_eq!(total(tenant, "ann").await.1, "601.00");
}

#[tokio::test]
async fn reads_in_a_storm_of_writes_are_each_as_of_the_number_they_name() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let mut writers = Vec::new();
    for writer in 0..3 {
        let client = tenant.admin.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..30 {
                // Each writer changes deals of its own; every third round a quota.
                let id = format!("w{writer}-{}", round % 4);
                let day = format!("2026-01-{:02}", 1 + (round * 7 + writer) % 28);
                let owner = if round % 2 == 0 { "ann" } else { "bob" };
                let (rpc, mut message) = match round % 3 {
                    2 => {
                        let quota = quota("ann", "own", "FY2026-Q1", &format!("{}.00", 1 + round * 10));
                        ("QuotaService/SetQuotas", json!({"quotas": [quota]}))
                    }
                    _ => {
                        let amount = format!("{}.{:02}", 100 + round, writer);
                        ("DealService/UpsertDeals", json!({"deals": [deal(&id, owner, &day, &amount)]}))
                    }
                };
                message["requestId"] = json!(format!("storm-{writer}-{round}"));
                message["reason"] = json!("a storm");
                client.get(rpc, message).await;
            }
        }));
    }
    let mut readers = Vec::new();
    for payee in ["ann", "bob", "lead", "lead"] {
        let client = tenant.admin.clone();
        readers.push(tokio::spawn(async move {
            let mut seen = BTreeMap::new();
            let mut last = 0;
            for _ in 0..60 {
                let statement = statement(&client, payee).await;
                let as_of = number(&statement["asOfChange"]);
                assert!(as_of >= last, "{as_of} after {last}");
                last = as_of;
                seen.insert(as_of, statement);
            }
            (payee, seen)
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let plain = plain(&tenant);
    let database = at(&plain, &tenant);
    for reader in readers {
        let (payee, seen) = reader.await.unwrap();
        for (as_of, statement) in seen {
            let expected = database.get(STATEMENT, january(payee, as_of)).await;
            assert_eq!(statement, expected["statement"], "{payee} as of {as_of}");
        }
    }
    assert_eq!(statement(&tenant, "lead").await["asOfChange"], json!("97"));
}

#[tokio::test]
async fn a_server_started_again_says_the_same() {
    let mut tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    tenant.close("2026-01").await;
    let before = [told(&tenant, "ann", 0).await, told(&tenant, "lead", 0).await];
    tenant.server().kill();
    tenant.restart();
    assert_eq!([told(&tenant, "ann", 0).await, told(&tenant, "lead", 0).await], before);
}

#[tokio::test]
async fn a_tenant_without_a_calendar_is_told_so_until_it_has_one() {
    let tenant = Tenant::new().await;
    let missing = tenant.refused(STATEMENT, january("ann", 0)).await;
    assert!(missing.starts_with("FailedPrecondition CALENDAR_MISSING"), "{missing}");
    tenant.write("AdminService/SetCalendar", calendar()).await;
    let absent = tenant.refused(STATEMENT, january("ann", 0)).await;
    assert_eq!(absent, "NotFound NOT_FOUND: payee ann not found\nid=ann\nresource=payee");
}

#[tokio::test]
async fn no_kind_of_fact_changes_without_those_who_hold_it_hearing_of_it() {
    let tables = "select c.table_name::text from information_schema.columns c
        where c.table_schema = 'public' and c.column_name = 'removed_in'";
    let mut database = PgConnection::connect_with(&cluster().database().await).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
    let text = include_str!("../../src/storage/changed.sql");
    // What no calculation reads.
    let apart = ["rejected_row", "plan_draft", "quota_proposal", "proposal_figure"];
    for table in tables.iter().filter(|table| !apart.contains(&table.as_str())) {
        for column in ["added_in", "removed_in"] {
            let told = ["        ", "            "].map(|indent| {
                format!("from {table}\n{indent}where tenant_id = $1 and {column} > $2 and {column} <= $3")
            });
            assert!(told.iter().any(|told| text.contains(told)), "{table} {column}");
        }
    }
    assert!(tables.len() > 9, "{tables:?}");
}
