//! The private PostgreSQL server that runs when no `DATABASE_URL` is given.
//!
//! The laws of this module:
//! - One process owns a data folder: it holds a file lock for as long as its server may run.
//! - A server found running is never adopted, since it may be shutting down: it is stopped and a new one started.
//! - The server answers on a unix socket only, in a folder that nobody but its user may enter.
//! - The server does not outlive its owner. On Linux the kernel sends it SIGINT (fast shutdown) when the *thread* that
//!   forked it ends: a thread of this module's own forks it and then lives as long as the server, so that `start` may
//!   be called from any thread. Should the owner die in the moment between the fork and the request for that signal,
//!   the next start finds the server and stops it.

mod folder;
mod programs;

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;

pub use folder::default_data_dir;
use folder::{Folder, PORT, SOCKET_PATH_MAX};
use programs::{LOCALE, Programs};

const POLL: Duration = Duration::from_millis(10);
const READY_PATIENCE: Duration = Duration::from_secs(30);
/// Postgres writes a checkpoint and leaves.
const FAST: (Signal, Duration) = (Signal::SIGINT, Duration::from_secs(30));
/// Postgres leaves at once and recovers at its next start.
const IMMEDIATE: (Signal, Duration) = (Signal::SIGQUIT, Duration::from_secs(10));
const TAIL_LINES: usize = 6;

/// Where the private server keeps its data and where its programs are.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Data folder; by default `/var/lib/attain` for root, else `$XDG_DATA_HOME/attain` or `~/.local/share/attain`.
    pub data_dir: Option<PathBuf>,
    /// Folder of `initdb` and `postgres`; by default the usual places are searched, then PATH.
    pub bin_dir: Option<PathBuf>,
}

/// Why a private server could not be started, stopped or found.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// No folder has both `initdb` and `postgres`.
    #[error(
        "no PostgreSQL server found in {searched}: give a DATABASE_URL, or the folder of initdb and postgres with \
         --postgres-bin, or install one (Debian: apt-get install postgresql)"
    )]
    NoServer { searched: String },
    /// There is no environment to derive the default data folder from.
    #[error("no default data folder: neither XDG_DATA_HOME nor HOME is set to an absolute path")]
    NoHome,
    /// Root has nobody to run the server as.
    #[error(
        "postgres refuses to run as root, and there is neither a user postgres nor a user nobody to run it as"
    )]
    NoUser,
    /// Another live process holds the lock of the data folder.
    #[error("another instance already uses data folder {data_dir}")]
    InUse { data_dir: PathBuf },
    /// A parent of the data folder is closed to the user that root runs the server as.
    #[error(
        "user {user} cannot enter {folder}, so it cannot run a server in {data_dir}: choose another data folder"
    )]
    Closed { user: String, folder: PathBuf, data_dir: PathBuf },
    /// The operating system cannot hold the path of the socket.
    #[error(
        "socket path {path} has {bytes} bytes, at most {SOCKET_PATH_MAX} are possible: choose a shorter data folder"
    )]
    SocketPath { path: PathBuf, bytes: usize },
    /// The cluster and every installation found are of different major versions.
    #[error("data folder {data_dir} was made by PostgreSQL {wanted}, but only PostgreSQL {found} is at hand")]
    Version { data_dir: PathBuf, wanted: String, found: String },
    /// The cluster could not be created; the next start tries again.
    #[error("initdb failed in {data_dir}: {output}")]
    InitDb { data_dir: PathBuf, output: String },
    /// The server gave up while it started.
    #[error("postgres in {data_dir} ended before it was ready ({log}): {tail}")]
    Ended { data_dir: PathBuf, log: PathBuf, tail: String },
    /// The server neither took connections nor wrote to its log for 30 s.
    #[error("postgres in {data_dir} does not become ready ({log}): {tail}")]
    NotReady { data_dir: PathBuf, log: PathBuf, tail: String },
    /// Neither SIGINT nor SIGQUIT ended the server.
    #[error("postgres processes {pids:?} in {data_dir} do not stop")]
    NotStopping { data_dir: PathBuf, pids: Vec<i32> },
    /// The operating system refused a step.
    #[error("cannot {action} {path}: {cause}")]
    Io { action: &'static str, path: PathBuf, cause: io::Error },
}

type Result<T> = std::result::Result<T, PrivateError>;

/// A running server and the data folder it owns. Dropping it stops the server.
#[derive(Debug)]
pub struct PrivateServer {
    // Fields are dropped in this order: the server has stopped when the lock is let go.
    running: Option<Running>,
    folder: Folder,
    programs: Programs,
    _lock: File,
}

impl PrivateServer {
    /// Starts the server, first creating the database cluster if there is none, and returns when it accepts connections.
    ///
    /// May be called from any thread. Blocks: about a second for a new folder, a tenth for an old one, longer when
    /// Postgres has to recover from a crash or a former server has yet to stop.
    pub fn start(settings: &Settings) -> Result<Self> {
        let folder = Folder::of(settings)?;
        folder.check_socket_path()?;
        let programs = Programs::find(settings.bin_dir.as_deref(), &folder)?;
        folder.create()?;
        let lock = folder.lock()?;
        programs.check_access(&folder)?;
        let mut server = Self { running: None, folder, programs, _lock: lock };
        server.folder.clear_leftovers()?;
        if server.folder.cluster_version().is_none() {
            server.init_cluster()?;
        }
        server.running = Some(server.launch()?);
        Ok(server)
    }

    /// Returns options to connect to `database` over the unix socket as the superuser `app`.
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        self.folder.connect_options(database)
    }

    /// Tells whether the server process lives; it may end without our doing, then `restart` it.
    pub fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(Running::is_alive)
    }

    /// Stops the server if it still runs and starts it again. After an error none runs, and `restart` may be tried again.
    pub fn restart(&mut self) -> Result<()> {
        if let Some(running) = self.running.take() {
            running.stop()?;
        }
        self.folder.clear_leftovers()?;
        self.running = Some(self.launch()?);
        Ok(())
    }

    /// Stops the server as dropping it does, but says if that failed.
    pub fn stop(mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |running| running.stop())
    }

    fn init_cluster(&self) -> Result<()> {
        let (cluster, unfinished) = (self.folder.cluster(), self.folder.unfinished());
        if cluster.exists() {
            // Only what an initdb of ours left may be thrown away.
            let torn = unfinished.exists();
            let removed = if torn { fs::remove_dir_all(&cluster) } else { fs::remove_dir(&cluster) };
            removed.map_err(io_at("make a new cluster in", &cluster))?;
        }
        File::create(&unfinished).map_err(io_at("create", &unfinished))?;
        self.folder.sync()?;
        self.create_private_dir(&cluster)?;
        // SIGKILL: on SIGINT initdb would clear the folder, perhaps while our successor fills it.
        let output = self
            .programs
            .command("initdb", "SIGKILL")
            .args(["--auth=trust", "--username=app", "--encoding=UTF8", "--data-checksums"])
            .arg(format!("--locale={LOCALE}"))
            .arg("--pgdata")
            .arg(&cluster)
            .output()
            .map_err(io_at("run", &self.programs.path("initdb")))?;
        if !output.status.success() {
            let output = tail(&String::from_utf8_lossy(&output.stderr));
            return Err(PrivateError::InitDb { data_dir: self.folder.path().to_owned(), output });
        }
        fs::remove_file(&unfinished).map_err(io_at("remove", &unfinished))?;
        // If a power cut brought the marker back, the next start would throw away a cluster in use.
        self.folder.sync()
    }

    fn launch(&self) -> Result<Running> {
        self.create_private_dir(&self.folder.socket_dir())?;
        let (log, log_path) = (self.folder.open_log()?, self.folder.log());
        let log_start = log.metadata().map_err(io_at("read", &log_path))?.len();
        let mut command = self.programs.command("postgres", "SIGINT");
        command.arg("-D").arg(self.folder.cluster()).arg("-k").arg(self.folder.socket_dir());
        command.args(["-p", &PORT.to_string(), "-c", "listen_addresses="]);
        command.stdout(log.try_clone().map_err(io_at("open", &log_path))?).stderr(log);
        let running =
            Running::spawn(command, &self.folder).map_err(io_at("run", &self.programs.path("postgres")))?;
        self.await_ready(&running, log_start)?;
        Ok(running)
    }

    /// Recovery from a crash may take long and says so in the log: only a silent server is given up.
    fn await_ready(&self, running: &Running, log_start: u64) -> Result<()> {
        let (data_dir, log) = (self.folder.path().to_owned(), self.folder.log());
        let (mut last_growth, mut log_bytes) = (Instant::now(), log_start);
        while self.folder.ready_postmaster() != Some(running.pid) {
            let tail = || self.folder.log_since(log_start);
            if !running.is_alive() {
                return Err(PrivateError::Ended { data_dir, tail: tail(), log });
            }
            let now_bytes = fs::metadata(&log).map_or(log_bytes, |meta| meta.len());
            if now_bytes > log_bytes {
                (last_growth, log_bytes) = (Instant::now(), now_bytes);
            } else if last_growth.elapsed() > READY_PATIENCE {
                return Err(PrivateError::NotReady { data_dir, tail: tail(), log });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn create_private_dir(&self, dir: &Path) -> Result<()> {
        if !dir.exists() {
            fs::create_dir(dir).map_err(io_at("create", dir))?;
        }
        fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(io_at("set the mode of", dir))?;
        if let Some(user) = &self.programs.user {
            chown(dir, Some(user.uid), Some(user.gid)).map_err(io_at("set the owner of", dir))?;
        }
        Ok(())
    }
}

/// Returns options to connect to `database` on the private server which another process runs on this data folder, once
/// that accepts connections; `None` if no process holds the folder.
pub fn attach(settings: &Settings, database: &str) -> Result<Option<PgConnectOptions>> {
    let folder = Folder::of(settings)?;
    let path = folder.lock_file();
    let lock = match File::open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_at("open", &path)(error)),
    };
    let found = within(READY_PATIENCE, || match lock.try_lock_shared() {
        Ok(()) => Some(Ok(None)),
        Err(TryLockError::Error(error)) => Some(Err(io_at("lock", &path)(error))),
        Err(TryLockError::WouldBlock) => {
            let ready = folder.ready_postmaster().is_some() && UnixStream::connect(folder.socket()).is_ok();
            ready.then(|| Ok(Some(folder.connect_options(database))))
        }
    });
    let not_ready = || PrivateError::NotReady {
        data_dir: folder.path().to_owned(),
        log: folder.log(),
        tail: folder.log_since(0),
    };
    found.unwrap_or_else(|| Err(not_ready()))
}

/// A started server and the thread that forked it.
#[derive(Debug)]
struct Running {
    pid: i32,
    data_dir: PathBuf,
    // Behind one lock, so that no signal is sent to a process number that was given back meanwhile.
    child: Mutex<Child>,
    /// Its end ends the thread, and that would signal the server.
    _parent: mpsc::Sender<()>,
}

impl Running {
    fn spawn(mut command: Command, folder: &Folder) -> io::Result<Self> {
        let (send_child, child) = mpsc::channel();
        let (parent, until_stopped) = mpsc::channel();
        thread::Builder::new().name("postgres-parent".into()).spawn(move || {
            let _ = send_child.send(command.spawn());
            let _ = until_stopped.recv();
        })?;
        let child = child.recv().map_err(io::Error::other)??;
        let pid = child.id().cast_signed();
        Ok(Self { pid, data_dir: folder.path().to_owned(), child: Mutex::new(child), _parent: parent })
    }

    fn is_alive(&self) -> bool {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(child.try_wait(), Ok(None))
    }

    fn signal(&self, signal: Signal) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(child.try_wait(), Ok(None)) {
            // It is our unreaped child: the signal can only fail to reach it if it has just ended.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    fn stop(&self) -> Result<()> {
        for (signal, patience) in [FAST, IMMEDIATE] {
            self.signal(signal);
            if within(patience, || (!self.is_alive()).then_some(())).is_some() {
                return Ok(());
            }
        }
        Err(PrivateError::NotStopping { data_dir: self.data_dir.clone(), pids: vec![self.pid] })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "private server left behind");
        }
    }
}

/// Polls until there is an answer or the time is up, at least once.
fn within<T>(limit: Duration, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        let answer = poll();
        if answer.is_some() || begin.elapsed() > limit {
            return answer;
        }
        thread::sleep(POLL);
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn io_at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PrivateError {
    let path = path.to_owned();
    move |cause| PrivateError::Io { action, path, cause }
}
