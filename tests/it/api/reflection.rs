//! What a client finds out by itself: services, messages, error details, health.

use serde_json::json;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::Tenant;

const SERVICES: [&str; 8] = [
    "attain.v1.AdminService",
    "attain.v1.DealService",
    "attain.v1.EarningsService",
    "attain.v1.MeasureService",
    "attain.v1.PayeeService",
    "attain.v1.PeriodService",
    "attain.v1.PlanService",
    "attain.v1.QuotaService",
];

/// The services that one version of reflection lists, and the files that have a symbol.
macro_rules! reflect {
    ($version:ident, $tenant:expr, $symbols:expr) => {{
        use tonic_reflection::pb::$version::ServerReflectionRequest;
        use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
        use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
        use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
        let mut requests = vec![MessageRequest::ListServices(String::new())];
        requests.extend($symbols.map(|symbol| MessageRequest::FileContainingSymbol(symbol.to_string())));
        let requests = requests
            .into_iter()
            .map(|request| ServerReflectionRequest { host: String::new(), message_request: Some(request) });
        let mut client = ServerReflectionClient::new($tenant.channel.clone());
        let answers =
            client.server_reflection_info(tokio_stream::iter(requests.collect::<Vec<_>>())).await.unwrap();
        let answers: Vec<_> = answers.into_inner().map(|answer| answer.unwrap()).collect().await;
        let (mut services, mut files) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer.message_response.unwrap() {
                MessageResponse::ListServicesResponse(list) => {
                    services.extend(list.service.into_iter().map(|service| service.name));
                }
                MessageResponse::FileDescriptorResponse(found) => files.extend(found.file_descriptor_proto),
                other => panic!("{other:?}"),
            }
        }
        (services, files)
    }};
}

fn check(services: Vec<String>, files: Vec<Vec<u8>>) {
    use prost_reflect::prost::Message as _;
    for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
        assert!(services.iter().any(|listed| listed == service), "{service} in {services:?}");
    }
    let files: Vec<_> =
        files.iter().map(|file| prost_types::FileDescriptorProto::decode(file.as_slice()).unwrap()).collect();
    let names: Vec<_> = files.iter().map(|file| file.name()).collect();
    for name in ["attain/v1/deal.proto", "google/rpc/error_details.proto", "attain/v1/errors.proto"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let deal = files.iter().find(|file| file.name() == "attain/v1/deal.proto").unwrap();
    let comments = deal.source_code_info.as_ref().unwrap().location.iter();
    assert!(
        comments.filter(|location| location.leading_comments.is_some()).count() > 50,
        "comments are served"
    );
}

const SYMBOLS: [&str; 5] = [
    "attain.v1.DealService",
    "google.rpc.ErrorInfo",
    "google.rpc.BadRequest",
    "google.rpc.RetryInfo",
    "attain.v1.ErrorReason",
];

#[tokio::test]
async fn reflection_lists_all_services_and_resolves_error_details() {
    let tenant = Tenant::new().await;
    let (services, files) = reflect!(v1, tenant, SYMBOLS);
    check(services, files);
}

#[tokio::test]
async fn the_older_reflection_does_too() {
    let tenant = Tenant::new().await;
    let (services, files) = reflect!(v1alpha, tenant, SYMBOLS);
    check(services, files);
}

#[tokio::test]
async fn health_needs_no_key_and_is_told_for_each_service() {
    let tenant = Tenant::new().await;
    let mut health = HealthClient::new(tenant.channel.clone());
    for service in SERVICES.into_iter().chain([""]) {
        let service = service.to_string();
        // A server that just began to listen says so before it is asked for its health the first time.
        let mut watched =
            health.watch(HealthCheckRequest { service: service.clone() }).await.unwrap().into_inner();
        while watched.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
        let answer =
            health.check(HealthCheckRequest { service: service.clone() }).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let unknown = HealthCheckRequest { service: "attain.v1.Absent".into() };
    assert_eq!(health.check(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_rpc_that_does_not_exist_is_unimplemented() {
    let tenant = Tenant::new().await;
    let mut grpc = tonic::client::Grpc::new(tenant.keyed());
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = "/attain.v1.PayeeService/DeletePayee".parse().unwrap();
    let status = grpc.unary(tonic::Request::new(()), path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(tenant.get("PayeeService/ListPayees", json!({})).await, json!({"asOfChange": "1"}));
}
