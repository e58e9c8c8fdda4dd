//! A wire between a server and its database that can be cut: after so many messages, with the server killed in the
//! middle of what it was saying, or for good. So the moments at which a process dies are counted, not timed.

use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::cluster::cluster;

/// What is left to pass, and who dies then.
#[derive(Default)]
struct Meter {
    /// Times that the server was heard since the count was last reset.
    heard: usize,
    /// After how many the server dies.
    fatal: Option<Fatal>,
    cut: bool,
}

#[derive(Clone, Copy)]
struct Fatal {
    heard: usize,
    /// Whether what it says then still passes whole, or half.
    whole: bool,
    pid: Pid,
}

/// The wire.
pub struct Proxy {
    /// The database by way of this wire.
    pub options: PgConnectOptions,
    meter: Arc<Mutex<Meter>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// A wire to a database.
    pub async fn to(database: &PgConnectOptions) -> Proxy {
        let folder = cluster().folder().join(format!("wire-{}", cluster().number()));
        std::fs::create_dir(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
        let options = PgConnectOptions::new_without_pgpass().socket(folder).port(5432);
        let options = options.username(database.get_username()).database(database.get_database().unwrap());
        let meter = Arc::new(Mutex::new(Meter::default()));
        let listening = tokio::spawn(listen(listener, database.clone(), meter.clone()));
        Proxy { options, meter, listening }
    }

    /// How often the server was heard since this was last asked.
    pub fn heard(&self) -> usize {
        std::mem::take(&mut self.meter.lock().unwrap().heard)
    }

    /// Kills a process when it was heard `messages` times more and once again: after that, or in the middle of it.
    pub fn kill_after(&self, messages: usize, whole: bool, pid: Pid) {
        let mut meter = self.meter.lock().unwrap();
        meter.fatal = Some(Fatal { heard: meter.heard + messages, whole, pid });
    }

    /// Nobody is to die any more; whether somebody was to and did not.
    pub fn spare(&self) -> bool {
        self.meter.lock().unwrap().fatal.take().is_some()
    }

    /// Refuses whoever connects from now on, and whoever speaks.
    pub fn cut(&self) {
        self.meter.lock().unwrap().cut = true;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: UnixListener, database: PgConnectOptions, meter: Arc<Mutex<Meter>>) {
    while let Ok((server, _)) = listener.accept().await {
        if meter.lock().unwrap().cut {
            continue;
        }
        match database.get_socket() {
            Some(folder) => {
                let socket = folder.join(format!(".s.PGSQL.{}", database.get_port()));
                let database = UnixStream::connect(socket).await.unwrap();
                tokio::spawn(join(server, database, meter.clone()));
            }
            None => {
                let database = TcpStream::connect((database.get_host(), database.get_port())).await.unwrap();
                tokio::spawn(join(server, database, meter.clone()));
            }
        }
    }
}

/// Passes everything on until one side ends or the wire is cut; dropped, both sides are closed.
async fn join(server: UnixStream, database: impl AsyncRead + AsyncWrite, meter: Arc<Mutex<Meter>>) {
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_database, mut to_database) = tokio::io::split(database);
    let said = async {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let length = match from_server.read(&mut bytes).await {
                Ok(length) if length > 0 => length,
                _ => return,
            };
            let (passing, dies) = passing(&meter, length);
            let passed = to_database.write_all(&bytes[..passing]).await;
            if let Some(pid) = dies {
                kill(pid, Signal::SIGKILL).unwrap();
            }
            if passed.is_err() || passing == 0 || dies.is_some() {
                return;
            }
        }
    };
    tokio::select! {
        () = said => {}
        _ = tokio::io::copy(&mut from_database, &mut to_server) => {}
    }
}

/// How much of what was heard passes, and who dies after it.
fn passing(meter: &Mutex<Meter>, length: usize) -> (usize, Option<Pid>) {
    let mut meter = meter.lock().unwrap();
    if meter.cut {
        return (0, None);
    }
    meter.heard += 1;
    match meter.fatal {
        Some(fatal) if meter.heard > fatal.heard => {
            meter.fatal = None;
            (if fatal.whole { length } else { length / 2 }, Some(fatal.pid))
        }
        _ => (length, None),
    }
}
