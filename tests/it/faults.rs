//! What fails around the service: its own process, the database, the network, its arguments.

use std::process::Stdio;

use attain::api::v1;
use attain::api::v1::deal_service_client::DealServiceClient;
use attain::storage::private::{PrivateServer, Settings};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::client::Client;
use crate::harness::cluster::{cluster, execute, url};
use crate::harness::company::calendar;
use crate::harness::server::{command, said, stop};
use crate::harness::{Server, Tenant, attain, eventually};

/// A batch of deals of one owner, a thousand a batch.
fn batch(number: i64) -> v1::ImportDealsRequest {
    let deal = |row: i64| v1::DealRow {
        row_number: row,
        deal: Some(v1::Deal {
            deal_id: format!("d{row}"),
            owner_id: "ann".into(),
            outcome: v1::deal::Outcome::Won.into(),
            events: vec![v1::DealEvent {
                event_id: "b".into(),
                r#type: v1::deal_event::Type::Booked.into(),
                event_date: "2026-01-10".into(),
                amount: "1.00".into(),
                ..Default::default()
            }],
            ..Default::default()
        }),
    };
    let rows = (number * 1000 + 2..number * 1000 + 1002).map(deal).collect();
    let batch = v1::DealBatch { rows, rejected_rows: Vec::new() };
    v1::ImportDealsRequest { part: Some(v1::import_deals_request::Part::Batch(batch)) }
}

fn header() -> v1::ImportDealsRequest {
    let header = v1::ImportHeader { request_id: "import".into(), source: "crm".into(), ..Default::default() };
    v1::ImportDealsRequest { part: Some(v1::import_deals_request::Part::Header(header)) }
}

/// Whether the server holds a transaction open in which it waits for the next batch.
async fn staging(connection: &mut PgConnection) -> bool {
    let open = "select count(*) from pg_stat_activity where datname = current_database()
        and state = 'idle in transaction' and query ilike '%staged%' or query ilike 'copy%staged%'";
    let open: i64 = sqlx::query_scalar(open).fetch_one(connection).await.unwrap();
    open > 0
}

#[tokio::test]
async fn a_server_killed_in_the_middle_of_an_import_leaves_nothing_of_it() {
    let mut tenant = Tenant::alone().await;
    tenant.company().await;
    let (send, receive) = mpsc::channel(4);
    let mut deals = DealServiceClient::new(tenant.keyed());
    let import = tokio::spawn(async move { deals.import_deals(ReceiverStream::new(receive)).await });
    send.send(header()).await.unwrap();
    send.send(batch(0)).await.unwrap();
    send.send(batch(1)).await.unwrap();
    let mut database = tenant.database().await;
    eventually("the server has staged rows", async || staging(&mut tenant.database().await).await).await;
    tenant.server().kill();
    import.await.unwrap().unwrap_err();
    drop(send);
    tenant.restart();
    assert_eq!(tenant.head().await, 7);
    assert_eq!(tenant.get("DealService/ListDeals", json!({})).await, json!({"asOfChange": "7"}));
    let rows: i64 = sqlx::query_scalar("select count(*) from deal").fetch_one(&mut database).await.unwrap();
    assert_eq!(rows, 0);
    // The same request begins again.
    let mut deals = DealServiceClient::new(tenant.keyed());
    let answer =
        deals.import_deals(tokio_stream::iter([header(), batch(0), batch(1)])).await.unwrap().into_inner();
    assert_eq!((answer.rows, answer.receipt.unwrap().change_number), (2000, 8));
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_end_commits_nothing() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let (send, receive) = mpsc::channel(4);
    let mut deals = DealServiceClient::new(tenant.keyed());
    let import = tokio::spawn(async move { deals.import_deals(ReceiverStream::new(receive)).await });
    send.send(header()).await.unwrap();
    send.send(batch(0)).await.unwrap();
    eventually("the server has staged rows", async || staging(&mut tenant.database().await).await).await;
    import.abort();
    eventually("the server lets go", async || !staging(&mut tenant.database().await).await).await;
    assert_eq!(tenant.get("DealService/ListDeals", json!({})).await, json!({"asOfChange": "7"}));
}

#[tokio::test]
async fn a_database_that_is_down_is_said_and_healed_by_itself() {
    let folder = cluster().folder().join("down");
    let settings = Settings { data_dir: Some(folder), bin_dir: None };
    let mut database = PrivateServer::start(&settings).unwrap();
    let server = Server::start(&database.connect_options("postgres"), &[]);
    let tenant = Tenant::on(&server);
    tenant.write("AdminService/SetCalendar", calendar()).await;
    let mut health = HealthClient::new(server.channel());
    let mut watched = health.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    let mut wait_for = async |wanted: ServingStatus| {
        while watched.message().await.unwrap().unwrap().status() != wanted {}
    };
    wait_for(ServingStatus::Serving).await;
    database.stop().unwrap();
    let refused = tenant.refused("AdminService/GetCalendar", json!({})).await;
    assert_eq!(refused, "Unavailable DATABASE_UNAVAILABLE: the database does not answer");
    wait_for(ServingStatus::NotServing).await;
    let deals = HealthCheckRequest { service: "attain.v1.DealService".into() };
    assert_eq!(health.check(deals).await.unwrap().into_inner().status(), ServingStatus::NotServing);
    database = PrivateServer::start(&settings).unwrap();
    wait_for(ServingStatus::Serving).await;
    assert_eq!(tenant.get("AdminService/GetCalendar", json!({})).await["asOfChange"], "2");
    drop(server);
    database.stop().unwrap();
}

/// The one line that a start which is refused says.
fn refused(arguments: &[&str]) -> String {
    let (done, out, error) = attain(arguments);
    assert!(!done && out.is_empty(), "{out}{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    error.trim_end().to_string()
}

#[tokio::test]
async fn a_database_migrated_by_a_newer_binary_is_refused_in_one_line() {
    let options = cluster().database().await;
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    execute(&mut connection, "insert into attain_migration values (99, 'later', '', now())").await;
    let known: i32 = sqlx::query_scalar("select max(number) from attain_migration where number < 99")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let expected =
        format!("the database was migrated to schema 99 by a newer attain, this one knows up to {known}");
    let url = url(&options);
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0", "--database-url", &url][..],
        &["tenant", "create", "acme", "--database-url", &url],
        &["verify", "--database-url", &url],
    ] {
        let line = refused(arguments);
        assert!(line.ends_with(&expected), "{line}");
    }
}

#[test]
fn what_cannot_be_served_is_refused_in_one_line() {
    let nowhere = "postgres://app:hunter2@127.0.0.1:1/books";
    for (arguments, expected) in [
        (
            &["serve", "--listen", "0.0.0.0:0", "--database-url", nowhere][..],
            "refusing plain text on 0.0.0.0:0, which is not loopback: give a certificate and key, or say \
             --plaintext-behind-proxy if a proxy in front ends TLS",
        ),
        (
            &["serve", "--listen", "127.0.0.1:0", "--database-url", nowhere],
            "database books at 127.0.0.1:1 cannot be reached",
        ),
        (
            &["serve", "--listen", "127.0.0.1:0", "--database-url", "books"],
            "the database URL must begin with postgres://",
        ),
    ] {
        let line = refused(arguments);
        assert!(line.contains(expected) && !line.contains("hunter2"), "{line}");
    }
    let empty = cluster().folder();
    let missing = ["serve", "--data-dir", "/tmp/attain-none", "--postgres-bin", empty.to_str().unwrap()];
    let line = refused(&missing);
    assert!(
        line.contains("no PostgreSQL server found in ") && line.contains("apt-get install postgresql"),
        "{line}"
    );
}

#[tokio::test]
async fn beyond_loopback_plain_text_is_served_only_behind_a_proxy() {
    let options = cluster().database().await;
    let url = url(&options);
    let arguments = ["serve", "--listen", "0.0.0.0:0", "--plaintext-behind-proxy", "--database-url", &url];
    let (mut child, address) = Server::launch(&arguments);
    assert!(address.starts_with("http://0.0.0.0:"), "{address}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn told_to_stop_it_ends_well() {
    let mut tenant = Tenant::alone().await;
    tenant.company().await;
    assert!(tenant.server().stop().await);
    tenant.ask("PayeeService/ListPayees", json!({})).await.unwrap_err();
}

#[tokio::test]
async fn without_a_database_url_it_runs_a_server_of_its_own() {
    let folder = cluster().folder().join("private");
    let data = folder.to_str().unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data];
    let (mut child, address) = Server::launch(&serve);
    // Another command joins the server that runs.
    let (done, key, error) = attain(&["tenant", "create", "acme", "--data-dir", data]);
    assert!(done, "{error}");
    let channel = |address: &str| Endpoint::from_shared(address.to_string()).unwrap().connect_lazy();
    let client = Client { channel: channel(&address), key: key.trim_end().to_string() };
    let calendar = {
        let mut calendar = calendar();
        calendar["requestId"] = json!("c");
        calendar
    };
    assert_eq!(client.get("AdminService/SetCalendar", calendar).await["receipt"]["changeNumber"], "2");
    // A second server is refused; the first one killed leaves everything to the next.
    let second = command(&serve).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let (done, _, error) = said(second);
    assert!(!done && error.contains(&format!("another instance already uses data folder {data}")), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut child, address) = Server::launch(&serve);
    let client = Client { channel: channel(&address), ..client };
    assert_eq!(client.get("AdminService/GetCalendar", json!({})).await["asOfChange"], "2");
    assert!(stop(&mut child).await);
    let (done, listed, _) = attain(&["tenant", "list", "--data-dir", data]);
    assert!(done);
    assert_eq!(listed, "acme\n");
}
