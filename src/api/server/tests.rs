use std::sync::Mutex;

use tokio::sync::{Notify, oneshot};
use tokio_stream::StreamExt as _;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use super::*;
use crate::api::v1;
use crate::api::v1::payee_service_client::PayeeServiceClient;
use crate::api::v1::payee_service_server::PayeeService;
use crate::auth::key::ParsedKey;
use crate::auth::{Actor, Deadline, Role};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::TenantId;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What the handlers of the test saw and wait for.
#[derive(Default)]
struct Seen {
    actors: Mutex<Vec<Actor>>,
    deadlines: Mutex<Vec<Deadline>>,
    entered: Notify,
    leave: Notify,
}

/// Answers what the payee's id asks for.
struct Fake(Arc<Seen>);

#[tonic::async_trait]
impl PayeeService for Fake {
    async fn upsert_payees(
        &self,
        _: Request<v1::UpsertPayeesRequest>,
    ) -> Result<Response<v1::UpsertPayeesResponse>, Status> {
        Ok(Response::new(v1::UpsertPayeesResponse::default()))
    }

    async fn get_payee(
        &self,
        request: Request<v1::GetPayeeRequest>,
    ) -> Result<Response<v1::GetPayeeResponse>, Status> {
        let extensions = request.extensions();
        self.0.actors.lock().unwrap().extend(extensions.get::<Actor>().cloned());
        self.0.deadlines.lock().unwrap().extend(extensions.get::<Deadline>());
        match request.get_ref().payee_id.as_str() {
            "panic" => panic!("a defect"),
            "wait" => {
                self.0.entered.notify_one();
                self.0.leave.notified().await;
            }
            "never" => std::future::pending().await,
            _ => {}
        }
        Ok(Response::new(v1::GetPayeeResponse::default()))
    }

    async fn list_payees(
        &self,
        _: Request<v1::ListPayeesRequest>,
    ) -> Result<Response<v1::ListPayeesResponse>, Status> {
        Ok(Response::new(v1::ListPayeesResponse::default()))
    }

    async fn get_reporting_line(
        &self,
        _: Request<v1::GetReportingLineRequest>,
    ) -> Result<Response<v1::GetReportingLineResponse>, Status> {
        Ok(Response::new(v1::GetReportingLineResponse::default()))
    }

    async fn reassign_reports(
        &self,
        _: Request<v1::ReassignReportsRequest>,
    ) -> Result<Response<v1::ReassignReportsResponse>, Status> {
        Ok(Response::new(v1::ReassignReportsResponse::default()))
    }

    async fn terminate_payee(
        &self,
        _: Request<v1::TerminatePayeeRequest>,
    ) -> Result<Response<v1::TerminatePayeeResponse>, Status> {
        Ok(Response::new(v1::TerminatePayeeResponse::default()))
    }
}

/// A server of the test: the real front and gate before a service of its own.
struct Running {
    channel: Channel,
    seen: Arc<Seen>,
    health: Health,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Result<(), ServerFault>>,
}

async fn authenticate(key: ParsedKey) -> Result<Actor, Fault> {
    let unknown = || Fault::new(Reason::KeyInvalid, "the key is not known");
    let role = Role::parse(&key.id.as_str().to_uppercase()).ok_or_else(unknown)?;
    let tenant = TenantId(uuid::Uuid::from_u128(1));
    Ok(Actor { tenant, tenant_slug: key.tenant_slug, key: key.id, role, payee: None })
}

async fn start(limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, health) = (Arc::new(Seen::default()), Health::new().await);
    let mut routes = open_routes(&health).unwrap();
    let payees = PayeeServiceServer::new(Fake(seen.clone()));
    routes.add_service(payees.max_decoding_message_size(limits.message_bytes));
    let auth = AuthLayer::new(descriptors(), limits.unary_deadline, authenticate);
    let (stop, stopped) = oneshot::channel();
    let stopped = async { drop(stopped.await) };
    let (routes, told) = (routes.routes(), health.clone());
    let served =
        tokio::spawn(async move { serve_routes(routes, auth, &limits, None, listener, told, stopped).await });
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    Running { channel, seen, health, stop, served }
}

impl Running {
    /// Asks for a payee under a key of a role.
    async fn get(&self, key: Option<&str>, payee: &str) -> Result<(), Status> {
        let mut request = Request::new(v1::GetPayeeRequest { payee_id: payee.into(), ..Default::default() });
        if let Some(key) = key {
            let bearer = format!("Bearer attain_acme_{key}_{SECRET}");
            request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        }
        let mut client = PayeeServiceClient::new(self.channel.clone());
        client.get_payee(request).await.map(|_| ())
    }

    async fn health(&self, service: &str) -> Result<i32, Status> {
        let request = HealthCheckRequest { service: service.into() };
        let answer = HealthClient::new(self.channel.clone()).check(request).await?;
        Ok(answer.into_inner().status)
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test]
async fn nobody_passes_the_gate_without_a_key_whose_role_may() {
    let server = start(Limits::default()).await;
    for (key, code, expected) in [
        (None, Code::Unauthenticated, "KEY_INVALID"),
        (Some("stranger"), Code::Unauthenticated, "KEY_INVALID"),
        (Some("payee"), Code::PermissionDenied, "ROLE_NOT_ALLOWED"),
    ] {
        let status = server.get(key, "E-1").await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{key:?}");
    }
    let metadata =
        server.get(Some("payee"), "E-1").await.unwrap_err().get_details_error_info().unwrap().metadata;
    assert_eq!((metadata["role"].as_str(), metadata["permission"].as_str()), ("PAYEE", "PAYEES_READ"));
    assert!(server.seen.actors.lock().unwrap().is_empty());
    server.get(Some("auditor"), "E-1").await.unwrap();
    let actors = server.seen.actors.lock().unwrap().clone();
    let [actor] = actors.as_slice() else { panic!("{actors:?}") };
    assert_eq!(
        (actor.tenant_slug.as_str(), actor.key.as_str(), actor.role),
        ("acme", "auditor", Role::Auditor)
    );
}

#[tokio::test]
async fn other_schemes_and_unknown_rpcs_are_refused() {
    let server = start(Limits::default()).await;
    for header in ["", "Bearer", "Basic attain", &format!("attain_acme_admin_{SECRET}"), "Bearer attain_x"] {
        let mut request = Request::new(v1::GetPayeeRequest::default());
        request.metadata_mut().insert("authorization", header.parse().unwrap());
        let status = PayeeServiceClient::new(server.channel.clone()).get_payee(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{header:?}");
    }
    let mut grpc = tonic::client::Grpc::new(server.channel.clone());
    for path in ["/attain.v1.PayeeService/Nothing", "/grpc.channelz.v1.Channelz/GetServers", "/"] {
        grpc.ready().await.unwrap();
        let codec: tonic_prost::ProstCodec<v1::GetPayeeRequest, v1::GetPayeeResponse> = Default::default();
        let path = http::uri::PathAndQuery::from_static(path);
        let request = Request::new(v1::GetPayeeRequest::default());
        let status = grpc.unary(request, path.clone(), codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn a_deadline_reaches_the_handler_and_ends_the_call() {
    let limits = Limits { unary_deadline: Duration::from_millis(200), ..Limits::default() };
    let server = start(limits).await;
    let before = std::time::Instant::now();
    let status = server.get(Some("admin"), "never").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    let mut request = Request::new(v1::GetPayeeRequest::default());
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer attain_a_admin_{SECRET}").parse().unwrap());
    request.metadata_mut().insert("grpc-timeout", "100S".parse().unwrap());
    PayeeServiceClient::new(server.channel.clone()).get_payee(request).await.unwrap();
    let mut request = Request::new(v1::GetPayeeRequest::default());
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let status = PayeeServiceClient::new(server.channel.clone()).get_payee(request).await.unwrap_err();
    assert_eq!(reason(&status), "INVALID_REQUEST");
    let deadlines = server.seen.deadlines.lock().unwrap().clone();
    let [Deadline { at: Some(usual), asked: false }, Deadline { at: Some(asked), asked: true }] =
        deadlines[..]
    else {
        panic!("{deadlines:?}")
    };
    // A little before 200 ms, and before 100 s.
    assert!(usual >= before + Duration::from_millis(180));
    let (least, most) =
        (before + Duration::from_millis(99_950), std::time::Instant::now() + Duration::from_secs(100));
    assert!(asked >= least && asked < most);
}

#[tokio::test]
async fn a_full_server_says_when_to_come_back_and_stays_healthy() {
    let server = start(Limits { requests: 1, ..Limits::default() }).await;
    let busy = async {
        server.get(Some("admin"), "wait").await.unwrap();
    };
    let others = async {
        server.seen.entered.notified().await;
        let status = server.get(Some("admin"), "E-1").await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
        let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert_eq!(delay, Duration::from_secs(1));
        assert!(server.health("").await.is_ok());
        server.seen.leave.notify_one();
    };
    tokio::join!(busy, others);
    server.get(Some("admin"), "E-1").await.unwrap();
}

#[tokio::test]
async fn a_defect_ends_its_own_call_only() {
    let server = start(Limits { requests: 1, ..Limits::default() }).await;
    assert!(server.get(Some("admin"), "panic").await.is_err());
    server.get(Some("admin"), "E-1").await.unwrap();
}

#[tokio::test]
async fn a_message_too_large_is_refused() {
    let server = start(Limits { message_bytes: 1000, ..Limits::default() }).await;
    assert!(server.get(Some("admin"), &"x".repeat(900)).await.is_ok());
    let status = server.get(Some("admin"), &"x".repeat(1100)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn health_says_what_it_is_told_and_a_stop_ends_even_watchers() {
    let server = start(Limits { drain: Duration::from_millis(10), ..Limits::default() }).await;
    let (serving, not_serving) = (ServingStatus::Serving as i32, ServingStatus::NotServing as i32);
    assert_eq!(server.health("").await.unwrap(), not_serving);
    server.health.set_serving(true).await;
    for service in descriptors().services() {
        assert_eq!(server.health(service.full_name()).await.unwrap(), serving);
    }
    let request = HealthCheckRequest { service: String::new() };
    let mut client = HealthClient::new(server.channel.clone());
    let mut watch = client.watch(request).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status, serving);
    server.stop.send(()).unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().status, not_serving);
    server.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn reflection_shows_the_contract_to_everyone_in_both_versions() {
    let server = start(Limits::default()).await;
    let contract: Vec<String> =
        descriptors().services().map(|service| service.full_name().to_string()).collect();
    let mut listed: Vec<Vec<String>> = Vec::new();
    {
        use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
        use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
        use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
        let request = tonic_reflection::pb::v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new(server.channel.clone());
        let answer = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap();
        let answer = answer.into_inner().next().await.unwrap().unwrap().message_response;
        let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
        listed.push(list.service.into_iter().map(|service| service.name).collect());
    }
    {
        use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient;
        use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest;
        use tonic_reflection::pb::v1alpha::server_reflection_response::MessageResponse;
        let request = tonic_reflection::pb::v1alpha::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new(server.channel.clone());
        let answer = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap();
        let answer = answer.into_inner().next().await.unwrap().unwrap().message_response;
        let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
        listed.push(list.service.into_iter().map(|service| service.name).collect());
    }
    for services in listed {
        for service in &contract {
            assert!(services.contains(service), "{service} not in {services:?}");
        }
    }
}

#[test]
fn plain_text_stays_on_the_machine() {
    for (address, tls, behind_proxy, allowed) in [
        ("127.0.0.1:50051", false, false, true),
        ("127.8.9.1:50051", false, false, true),
        ("[::1]:50051", false, false, true),
        ("[::ffff:127.0.0.1]:50051", false, false, true),
        ("0.0.0.0:50051", false, false, false),
        ("[::]:50051", false, false, false),
        ("10.0.0.1:50051", false, false, false),
        ("[::ffff:10.0.0.1]:50051", false, false, false),
        ("0.0.0.0:50051", true, false, true),
        ("0.0.0.0:50051", false, true, true),
    ] {
        let verdict = may_listen(address.parse().unwrap(), tls, behind_proxy);
        assert_eq!(verdict.is_ok(), allowed, "{address} {verdict:?}");
    }
}
