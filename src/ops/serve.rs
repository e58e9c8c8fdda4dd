//! `attain serve`: the server and what runs beside it. A watch asks the database how it is, tells health, and starts
//! a private server again that ended without our doing.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};
use tonic::transport::{Identity, Server, ServerTlsConfig};

use super::database::Started;
use crate::api::server::{self, Health, Limits};
use crate::app::App;
use crate::config::Serve;
use crate::storage::Database;
use crate::storage::private::PrivateServer;

/// Time between two questions to the database.
const BEAT: Duration = Duration::from_secs(1);
/// Time the database has to answer one.
const BEAT_PATIENCE: Duration = Duration::from_secs(2);
/// Time open calls have to end after the server is told to stop, and then their connections to come back.
const DRAIN: Duration = Duration::from_secs(10);
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Refuses what can be refused before a database is touched: plain text beyond this machine, a certificate that is
/// none.
pub fn check(options: &Serve) -> anyhow::Result<()> {
    if let Some(identity) = identity(options)? {
        let tls = Server::builder().tls_config(ServerTlsConfig::new().identity(identity));
        tls.context("the certificate and its key cannot be used")?;
    }
    let listen =
        server::may_listen(options.listen, options.tls_cert.is_some(), options.plaintext_behind_proxy);
    listen.map_err(anyhow::Error::msg)
}

/// Serves until SIGTERM or SIGINT, then drains; `ready` is told where, once the server listens. The caller stops
/// a private server.
pub async fn run(
    options: &Serve,
    database: &mut Started,
    ready: impl FnOnce(SocketAddr, Arc<App>),
) -> anyhow::Result<()> {
    let tls = identity(options)?;
    let mut stop = Stop::new()?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr().context("the listener has no address")?;
    database.migrate().await?;
    let (pool, pulse) = (database.pool(options.connections), database.pool(1));
    let memory = usize::try_from(u64::from(options.facts_memory) << 20).context("too much memory")?;
    let (app, health) = (Arc::new(App::with_memory(pool.clone(), memory)), Health::new().await);
    let scheme = if tls.is_some() { "https" } else { "http" };
    // The line is for whoever started us; without a reader we serve all the same.
    let _ = writeln!(std::io::stdout(), "attain is listening on {scheme}://{address}");
    ready(address, Arc::clone(&app));
    let listening = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.listen().await }
    });
    let stopped = watch(&pulse, &health, &mut database.server, &mut stop);
    let limits = Limits { drain: DRAIN, ..Limits::default() };
    let served = server::serve(app, &limits, tls, listener, health.clone(), stopped).await;
    listening.abort();
    let closed = async { tokio::join!(pool.close(), pulse.close()) };
    if timeout(CLOSE_PATIENCE, closed).await.is_err() {
        tracing::warn!("statements still running were left to the database");
    }
    tracing::info!("stopped");
    Ok(served?)
}

fn identity(options: &Serve) -> anyhow::Result<Option<Identity>> {
    let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) else { return Ok(None) };
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    Ok(Some(Identity::from_pem(read(certificate)?, read(key)?)))
}

/// The signals that end the server.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("cannot listen to signals");
        Ok(Stop { terminate: of(SignalKind::terminate())?, interrupt: of(SignalKind::interrupt())? })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("told to stop by SIGTERM"),
            _ = self.interrupt.recv() => tracing::info!("told to stop by SIGINT"),
        }
    }
}

/// Keeps health true until the server is told to stop.
///
/// The pulse is a pool of its own: requests that have taken all connections are no sign of a dead database.
async fn watch(pulse: &Database, health: &Health, server: &mut Option<PrivateServer>, stop: &mut Stop) {
    let mut serving = false;
    loop {
        let ended = server.as_ref().is_some_and(|server| !server.is_running());
        let up = !ended && matches!(timeout(BEAT_PATIENCE, pulse.ping()).await, Ok(Ok(())));
        if up != serving {
            health.set_serving(up).await;
            serving = up;
            tracing::info!(serving, "health changed");
        }
        if ended {
            restart(server).await;
        }
        tokio::select! {
            () = stop.told() => return,
            () = sleep(BEAT) => {}
        }
    }
}

async fn restart(kept: &mut Option<PrivateServer>) {
    let Some(mut server) = kept.take() else { return };
    tracing::warn!("the private server ended, starting it again");
    let restarted = tokio::task::spawn_blocking(move || {
        let restarted = server.restart();
        (server, restarted)
    });
    match restarted.await {
        Ok((server, restarted)) => {
            *kept = Some(server);
            match restarted {
                Ok(()) => tracing::info!("the private server runs again"),
                Err(error) => tracing::error!(error.cause = %error, "the private server does not start"),
            }
        }
        Err(error) => tracing::error!(error.cause = %error, "starting the private server panicked"),
    }
}
