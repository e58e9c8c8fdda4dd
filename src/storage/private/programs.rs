//! The programs of PostgreSQL, where they are and how they are run.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use super::folder::Folder;
use super::{PrivateError, Result, io_at};

/// The C library of other systems may not know C.UTF-8.
pub(super) const LOCALE: &str = if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" };

/// The unprivileged user that root runs the server as.
#[derive(Debug)]
pub(super) struct ServerUser {
    name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl ServerUser {
    /// An existing cluster stays with its owner: a user postgres may have come into being after it was made.
    fn choose(folder: &Folder) -> Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        if let Ok(meta) = fs::metadata(folder.cluster())
            && meta.uid() != 0
        {
            let known = User::from_uid(Uid::from_raw(meta.uid())).ok().flatten();
            let name = known.map_or_else(|| meta.uid().to_string(), |user| user.name);
            return Ok(Some(Self { name, uid: meta.uid(), gid: meta.gid() }));
        }
        let user = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(PrivateError::NoUser)?;
        Ok(Some(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }
}

/// One installation of PostgreSQL, and the user that runs it.
#[derive(Debug)]
pub(super) struct Programs {
    dir: PathBuf,
    pub(super) user: Option<ServerUser>,
    setpriv: Option<PathBuf>,
}

impl Programs {
    /// Takes the first installation, of the major version that made the cluster if there is one.
    pub(super) fn find(explicit: Option<&Path>, folder: &Folder) -> Result<Self> {
        let dirs = explicit.map_or_else(usual_dirs, |dir| vec![dir.to_owned()]);
        let wanted = folder.cluster_version();
        let mut found = Vec::new();
        for dir in dirs.iter().filter_map(|dir| std::path::absolute(dir).ok()) {
            let Some(version) = installed_version(&dir) else {
                continue;
            };
            if wanted.as_ref().is_none_or(|wanted| is_of_major(&version, wanted)) {
                return Ok(Self { dir, user: ServerUser::choose(folder)?, setpriv: find_setpriv() });
            }
            found.push(format!("{version} in {}", dir.display()));
        }
        match wanted {
            Some(wanted) if !found.is_empty() => {
                Err(PrivateError::Version { data_dir: folder.path().into(), wanted, found: found.join(", ") })
            }
            _ => Err(PrivateError::NoServer {
                searched: explicit
                    .map_or("the usual folders and PATH".into(), |dir| dir.display().to_string()),
            }),
        }
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.dir.join(program)
    }

    /// Prepares to run a program as the server's user, which gets `death_signal` when the calling thread ends.
    pub(super) fn command(&self, program: &str, death_signal: &str) -> Command {
        match &self.setpriv {
            Some(setpriv) => {
                let mut command = self.bare_command(setpriv);
                command.args(["--pdeathsig", death_signal, "--"]).arg(self.path(program));
                command
            }
            None => self.bare_command(&self.path(program)),
        }
    }

    fn bare_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // Own process group: Ctrl-C is for the service, which stops Postgres after its last request.
        command.env_clear().env("LC_ALL", LOCALE).current_dir("/").stdin(Stdio::null()).process_group(0);
        if let Some(user) = &self.user {
            // A change of user clears the death signal, so it comes first and setpriv second.
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Finds by trial which folder keeps the server's user out; Postgres itself would name only the innermost.
    pub(super) fn check_access(&self, folder: &Folder) -> Result<()> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        let program = self.path("postgres");
        let enter = |dir: &Path| -> io::Result<()> {
            self.bare_command(&program)
                .arg("--version")
                .stdout(Stdio::null())
                .current_dir(dir)
                .status()
                .map(drop)
        };
        let data_dir = fs::canonicalize(folder.path()).map_err(io_at("open", folder.path()))?;
        if enter(&data_dir).is_ok() {
            return Ok(());
        }
        enter(Path::new("/")).map_err(io_at("run as the server's user", &program))?;
        let closed = data_dir.ancestors().take_while(|dir| enter(dir).is_err()).last();
        let closed = closed.unwrap_or(&data_dir).to_owned();
        Err(PrivateError::Closed { user: user.name.clone(), folder: closed, data_dir })
    }
}

/// Debian's, Red Hat's and Homebrew's folders, the newest version first, then PATH (Debian does not put initdb there).
fn usual_dirs() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
    ] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let version = |name: &OsStr| -> Option<Vec<u32>> {
            let numbers = name.to_str()?.strip_prefix(prefix)?.split('.');
            numbers.map(|number| number.parse().ok()).collect()
        };
        let mut versions: Vec<_> =
            entries.filter_map(|entry| Some((version(&entry.file_name())?, entry.path()))).collect();
        versions.sort();
        dirs.extend(versions.into_iter().rev().map(|(_, path)| path.join("bin")));
    }
    dirs.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    dirs
}

/// Returns for example `15.13` or `18beta1`, `None` if the folder has no server.
fn installed_version(dir: &Path) -> Option<String> {
    if !dir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").env_clear().output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).split_whitespace().nth(2)?.to_owned())
}

/// A major version is `9.6` or `15`.
fn is_of_major(version: &str, major: &str) -> bool {
    version.strip_prefix(major).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

/// Returns util-linux's `setpriv` if it knows the death signal: busybox's and old ones do not.
fn find_setpriv() -> Option<PathBuf> {
    let knows = |path: &PathBuf| {
        let output = Command::new(path).args(["--pdeathsig", "SIGINT", "--version"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].map(PathBuf::from).into_iter().find(knows);
    if setpriv.is_none() && cfg!(target_os = "linux") {
        tracing::warn!(
            "no setpriv with --pdeathsig found (util-linux 2.33): \
             if this process is killed, its postgres stays until the next start"
        );
    }
    setpriv
}
