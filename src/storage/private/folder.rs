//! The data folder: its layout, its one owner, and what a former owner left in it.
//!
//! Inside are `cluster/` (the PGDATA), `socket/`, `postgres.log`, `lock`, and `initdb.unfinished` while `cluster/` is
//! not to be trusted.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::{Pid, Uid};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{FAST, IMMEDIATE, PrivateError, Result, Settings, io_at, tail, within};

/// Only names the socket, but an inherited PGPORT must not change it.
pub(super) const PORT: u16 = 5432;
/// `sun_path` has 108 bytes, the last of which is the terminating zero.
pub(super) const SOCKET_PATH_MAX: usize = 107;
const LOG_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Outlasts the blink for which `attach` holds the lock, and the last moments of an owner just killed.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// The data folder, absolute but with its symbolic links kept: one may be there to shorten the socket's path.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let dir = settings.data_dir.clone().map_or_else(default_data_dir, Ok)?;
        std::path::absolute(&dir).map(Self).map_err(io_at("find", &dir))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.0.join("cluster")
    }

    pub(super) fn unfinished(&self) -> PathBuf {
        self.0.join("initdb.unfinished")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }

    pub(super) fn socket_dir(&self) -> PathBuf {
        self.0.join("socket")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.socket_dir().join(format!(".s.PGSQL.{PORT}"))
    }

    fn postmaster_pid(&self) -> PathBuf {
        self.cluster().join("postmaster.pid")
    }

    /// Returns the major version of PostgreSQL that made the cluster, `None` if there is no finished one.
    pub(super) fn cluster_version(&self) -> Option<String> {
        let version = fs::read_to_string(self.cluster().join("PG_VERSION")).ok()?;
        (!self.unfinished().exists()).then(|| version.trim().to_owned())
    }

    pub(super) fn check_socket_path(&self) -> Result<()> {
        let path = self.socket();
        let bytes = path.as_os_str().len();
        if bytes > SOCKET_PATH_MAX { Err(PrivateError::SocketPath { path, bytes }) } else { Ok(()) }
    }

    pub(super) fn create(&self) -> Result<()> {
        if !self.0.exists() {
            fs::create_dir_all(&self.0).map_err(io_at("create", &self.0))?;
            // Whatever our umask, the server's user has to pass; what is inside is closed.
            fs::set_permissions(&self.0, Permissions::from_mode(0o755))
                .map_err(io_at("set the mode of", &self.0))?;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<()> {
        File::open(&self.0).and_then(|dir| dir.sync_all()).map_err(io_at("sync", &self.0))
    }

    pub(super) fn lock(&self) -> Result<File> {
        let path = self.lock_file();
        let mut options = OpenOptions::new();
        let lock = options.create(true).append(true).mode(0o600).open(&path).map_err(io_at("open", &path))?;
        let locked = within(LOCK_PATIENCE, || match lock.try_lock() {
            Ok(()) => Some(Ok(())),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => Some(Err(io_at("lock", &path)(error))),
        });
        locked.unwrap_or_else(|| Err(PrivateError::InUse { data_dir: self.0.clone() }))?;
        Ok(lock)
    }

    /// Opens the log to append to it. Failed statements are in it, so it is for its owner only.
    pub(super) fn open_log(&self) -> Result<File> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_MAX_BYTES) {
            fs::rename(&path, path.with_extension("log.old")).map_err(io_at("rename", &path))?;
        }
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(io_at("open", &path))
    }

    pub(super) fn log_since(&self, start: u64) -> String {
        let mut text = Vec::new();
        let read = File::open(self.log()).and_then(|mut log| {
            let end = log.metadata()?.len();
            log.seek(SeekFrom::Start(start.max(end.saturating_sub(8192))))?;
            log.read_to_end(&mut text)
        });
        read.map_or_else(|error| error.to_string(), |_| tail(&String::from_utf8_lossy(&text)))
    }

    fn recorded_postmaster(&self) -> Option<(i32, String)> {
        let text = fs::read_to_string(self.postmaster_pid()).ok()?;
        let pid = text.lines().next()?.trim().parse().ok()?;
        Some((pid, text))
    }

    /// Line 8 of the file is the server's own word on whether it takes connections.
    pub(super) fn ready_postmaster(&self) -> Option<i32> {
        let (pid, text) = self.recorded_postmaster()?;
        (text.lines().nth(7)?.trim() == "ready").then_some(pid)
    }

    pub(super) fn connect_options(&self, database: &str) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass().socket(self.socket_dir()).port(PORT);
        options.username("app").database(database).ssl_mode(PgSslMode::Disable)
    }

    /// Stops servers that a dead owner left behind, then removes what would make Postgres refuse to start: it takes
    /// the recorded postmaster for a running one even if that is a zombie, or another program by now.
    ///
    /// Without `/proc`, so on other systems than Linux, that is left to the check of Postgres itself.
    pub(super) fn clear_leftovers(&self) -> Result<()> {
        if !cfg!(target_os = "linux") {
            return Ok(());
        }
        let stop = |pids: &[i32], (signal, patience)| {
            for pid in pids {
                tracing::warn!(process.pid = pid, %signal, "stopping a server left by a former owner");
                // Fails if it has just ended.
                let _ = kill(Pid::from_raw(*pid), signal);
            }
            within(patience, || self.live_servers().is_empty().then_some(()))
        };
        let recorded = self.recorded_postmaster().map(|(pid, _)| pid);
        if let Some(postmaster) = self.live_servers().into_iter().find(|pid| Some(*pid) == recorded) {
            stop(&[postmaster], FAST);
        }
        // Without a postmaster only SIGQUIT ends them: SIGINT would cancel a query.
        stop(&self.live_servers(), IMMEDIATE);
        let pids = self.live_servers();
        if !pids.is_empty() {
            return Err(PrivateError::NotStopping { data_dir: self.0.clone(), pids });
        }
        let sockets =
            fs::read_dir(self.socket_dir()).into_iter().flatten().flatten().map(|entry| entry.path());
        for stale in sockets.chain([self.postmaster_pid()]) {
            match fs::remove_file(&stale) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_at("remove", &stale)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Every process of Postgres has its cluster as working directory; a zombie has none.
    fn live_servers(&self) -> Vec<i32> {
        let Ok(cluster) = fs::canonicalize(self.cluster()) else {
            return Vec::new();
        };
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = processes.filter(|process| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            // Someone's shell may stand in the folder too.
            name.starts_with("post")
                && fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == cluster)
        });
        ours.filter_map(|process| process.file_name().to_str()?.parse().ok()).collect()
    }
}

/// The data folder where none is given.
pub fn default_data_dir() -> Result<PathBuf> {
    if Uid::effective().is_root() {
        return Ok("/var/lib/attain".into());
    }
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data_home = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data_home.map(|dir| dir.join("attain")).ok_or(PrivateError::NoHome)
}
