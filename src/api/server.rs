//! The server put together: all services behind the front and the gate, health, reflection, limits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::net::TcpListener;
use tonic::service::{Routes, RoutesBuilder};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::api::front::FrontLayer;
use crate::api::v1::{
    admin_service_server::AdminServiceServer, deal_service_server::DealServiceServer,
    earnings_service_server::EarningsServiceServer, measure_service_server::MeasureServiceServer,
    payee_service_server::PayeeServiceServer, performance_service_server::PerformanceServiceServer,
    period_service_server::PeriodServiceServer, plan_service_server::PlanServiceServer,
    quota_service_server::QuotaServiceServer, territory_service_server::TerritoryServiceServer,
};
use crate::api::{
    FILE_DESCRIPTOR_SET, admin, deal, descriptors, earnings, measure, payee, performance, period, plan,
    quota, territory,
};
use crate::app::App;
use crate::auth::layer::AuthLayer;

/// How much the server takes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests worked on at once, over all connections; more are told to come back.
    pub requests: usize,
    /// Streams open at once on one connection.
    pub streams: u32,
    /// Bytes of one message that is received.
    pub message_bytes: usize,
    /// Time of a unary call whose caller set none.
    pub unary_deadline: Duration,
    /// Time between pings on a silent connection, and for their answer.
    pub keepalive: Duration,
    /// Time that open calls have to end after the server is told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            requests: 256,
            streams: 128,
            message_bytes: 4 << 20,
            unary_deadline: Duration::from_secs(60),
            keepalive: Duration::from_secs(20),
            drain: Duration::from_secs(30),
        }
    }
}

/// What health answers, overall and for each service: not serving until it is told so.
#[derive(Debug, Clone)]
pub struct Health(HealthReporter);

impl Health {
    /// Health of a server that does not serve yet.
    pub async fn new() -> Self {
        let health = Health(HealthReporter::new());
        health.set_serving(false).await;
        health
    }

    /// Says whether requests are worth sending: not before migrations ran, while the database is away, or once the
    /// server is told to stop. Watchers hear of it.
    pub async fn set_serving(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        let services: Vec<String> =
            descriptors().services().map(|service| service.full_name().to_string()).collect();
        for name in services.iter().map(String::as_str).chain([""]) {
            self.0.set_service_status(name, status).await;
        }
    }
}

/// Why the server did not start or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServerFault {
    #[error("the contract's descriptors cannot be served: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("cannot serve: {}", causes(.0))]
    Transport(#[from] tonic::transport::Error),
}

/// An error with what caused it: the transport's own text says nothing.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What is open to everyone: health, and reflection of the whole contract in both versions that clients speak.
fn open_routes(health: &Health) -> Result<RoutesBuilder, ServerFault> {
    let details = error_details()?;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_file_descriptor_set(details.clone())
    };
    let mut routes = Routes::builder();
    routes
        .add_service(HealthServer::new(HealthService::from_health_reporter(health.0.clone())))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    Ok(routes)
}

/// The messages of error details, in the files that every client knows them from: the crate that has them names its
/// files without their folder.
fn error_details() -> Result<FileDescriptorSet, ServerFault> {
    let set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET);
    let mut set = set.map_err(tonic_reflection::server::Error::DecodeError)?;
    for file in set.file.iter_mut().filter(|file| file.package() == "google.rpc") {
        file.name = Some(format!("google/rpc/{}", file.name()));
    }
    Ok(set)
}

/// All services, without what stands before them.
fn routes(app: &Arc<App>, health: &Health, limits: &Limits) -> Result<Routes, ServerFault> {
    let most = limits.message_bytes;
    let mut routes = open_routes(health)?;
    routes
        .add_service(PayeeServiceServer::new(payee::Payees(app.clone())).max_decoding_message_size(most))
        .add_service(DealServiceServer::new(deal::Deals(app.clone())).max_decoding_message_size(most))
        .add_service(
            MeasureServiceServer::new(measure::Measures(app.clone())).max_decoding_message_size(most),
        )
        .add_service(
            TerritoryServiceServer::new(territory::Territories(app.clone())).max_decoding_message_size(most),
        )
        .add_service(QuotaServiceServer::new(quota::Quotas(app.clone())).max_decoding_message_size(most))
        .add_service(PlanServiceServer::new(plan::Plans(app.clone())).max_decoding_message_size(most))
        .add_service(
            EarningsServiceServer::new(earnings::Earnings(app.clone())).max_decoding_message_size(most),
        )
        .add_service(
            PerformanceServiceServer::new(performance::Performances(app.clone()))
                .max_decoding_message_size(most),
        )
        .add_service(PeriodServiceServer::new(period::Periods(app.clone())).max_decoding_message_size(most))
        .add_service(AdminServiceServer::new(admin::Admin(app.clone())).max_decoding_message_size(most));
    Ok(routes.routes())
}

/// Serves on a listener until `shutdown` resolves. Then health says so, nothing new is taken, and open calls have
/// [`Limits::drain`] to end.
pub async fn serve(
    app: Arc<App>,
    limits: &Limits,
    tls: Option<Identity>,
    listener: TcpListener,
    health: Health,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerFault> {
    let routes = routes(&app, &health, limits)?;
    let authenticate = move |key| {
        let app = app.clone();
        async move { app.authenticate(&key).await }
    };
    let auth = AuthLayer::new(descriptors(), limits.unary_deadline, authenticate);
    serve_routes(routes, auth, limits, tls, listener, health, shutdown).await
}

async fn serve_routes(
    routes: Routes,
    auth: AuthLayer,
    limits: &Limits,
    tls: Option<Identity>,
    listener: TcpListener,
    health: Health,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerFault> {
    let mut server = Server::builder()
        .max_concurrent_streams(limits.streams)
        .http2_keepalive_interval(Some(limits.keepalive))
        .http2_keepalive_timeout(Some(limits.keepalive));
    if let Some(identity) = tls {
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let shutdown = async move {
        shutdown.await;
        health.set_serving(false).await;
        // Its receiver lives as long as this function.
        stopping.send_replace(true);
    };
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = server
        .layer(FrontLayer::new(limits.requests))
        .layer(auth)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, shutdown);
    let drained = async {
        // Streams that watch may stay open for ever.
        if stopped.wait_for(|stopped| *stopped).await.is_ok() {
            tokio::time::sleep(limits.drain).await;
            return;
        }
        std::future::pending().await
    };
    tokio::select! {
        ended = serving => Ok(ended?),
        () = drained => {
            tracing::warn!("calls still open at the end of the drain time were dropped");
            Ok(())
        }
    }
}

/// Whether to listen on an address: plain text leaves the machine only where a proxy in front ends TLS.
pub fn may_listen(address: SocketAddr, tls: bool, behind_proxy: bool) -> Result<(), String> {
    if tls || behind_proxy || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(format!(
        "refusing plain text on {address}, which is not loopback: give a certificate and key, or say \
         --plaintext-behind-proxy if a proxy in front ends TLS"
    ))
}

#[cfg(test)]
mod tests;
