//! Deadlines down to SQL, sizes, and rpcs that do not exist.

use std::time::Duration;

use attain::api::v1;
use attain::api::v1::payee_service_client::PayeeServiceClient;
use serde_json::json;
use tonic::{Code, Request};

use crate::harness::cluster::execute;
use crate::harness::company::payee;
use crate::harness::{Tenant, eventually, refusal};

/// What the server itself answers: a client of tonic's would give up on its own clock first.
async fn raw(tenant: &Tenant, timeout: &str) -> http::HeaderMap {
    let address = tenant.address.strip_prefix("http://").unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::post(format!("{}/attain.v1.PayeeService/ListPayees", tenant.address))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .header("authorization", format!("Bearer {}", tenant.key))
        .body(())
        .unwrap();
    let (answer, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(vec![0; 5].into(), true).unwrap();
    let mut answer = answer.await.unwrap();
    let trailers = answer.body_mut().trailers().await.unwrap_or_default();
    connection.abort();
    trailers.unwrap_or_else(|| answer.headers().clone())
}

#[tokio::test]
async fn a_deadline_of_a_millisecond_has_passed() {
    let tenant = Tenant::new().await;
    // The transport has a clock of its own, which must never be the first: it gives no reason.
    for _ in 0..100 {
        let answer = raw(&tenant, "1u").await;
        assert_eq!(answer["grpc-status"], "4");
        assert_eq!(answer["grpc-message"], "the%20deadline%20passed%20before%20the%20answer");
    }
    let answer = raw(&tenant, "soon").await;
    assert_eq!(answer["grpc-status"], "3");
}

#[tokio::test]
async fn a_deadline_ends_the_statement_in_the_database() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    // Somebody holds the head of the journal: a write waits for it in SQL.
    let mut holder = tenant.hold_head().await;
    let mut payees = PayeeServiceClient::new(tenant.keyed());
    let mut request = Request::new(v1::UpsertPayeesRequest {
        request_id: "late".into(),
        payees: vec![v1::Payee { payee_id: "p".into(), kind: 1, ..Default::default() }],
        ..Default::default()
    });
    request.set_timeout(Duration::from_secs(1));
    let status = payees.upsert_payees(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let text = refusal(&status);
    assert!(
        text.starts_with("DeadlineExceeded DEADLINE_EXCEEDED: the deadline passed before the "),
        "{text}"
    );
    eventually("the statement ends, as nobody is there to answer to", async || tenant.waiting().await == 0)
        .await;
    execute(&mut holder, "rollback").await;
    assert_eq!(tenant.head().await, 7);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let many: Vec<_> = (0..1001).map(|number| payee(&format!("p{number}"), "rep", "")).collect();
    assert_eq!(
        tenant.refused_write("PayeeService/UpsertPayees", json!({ "payees": many })).await,
        "InvalidArgument INVALID_REQUEST: payees must be 1 to 1000, got 1001\npayees: must be 1 to 1000, got 1001"
    );
    let large = json!({"payees": [{"payeeId": "p", "name": "x".repeat(5 << 20)}]});
    let status = tenant.ask("PayeeService/UpsertPayees", tenant.signed(large)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
}
