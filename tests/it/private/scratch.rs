//! A test's own folder, its servers and their owners.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use attain::storage::private::{PrivateServer, Settings};
use nix::unistd::{Uid, User};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

pub const OWNER_DATA_DIR: &str = "ATTAIN_TEST_OWNER_DATA_DIR";

/// A folder of one test, which every user may pass, removed at its end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("attain-{}-{name}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    pub fn settings(&self) -> Settings {
        Settings { data_dir: Some(self.data()), bin_dir: None }
    }

    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub fn cluster(&self) -> PathBuf {
        self.data().join("cluster")
    }

    pub fn postmaster(&self) -> i32 {
        let text = fs::read_to_string(self.cluster().join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    pub fn start(&self) -> PrivateServer {
        PrivateServer::start(&self.settings()).unwrap()
    }

    pub fn start_error(&self) -> String {
        PrivateServer::start(&self.settings()).unwrap_err().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Another process that owns a private server, for as long as its input stays open.
pub struct Owner(Child);

impl Owner {
    pub fn start(scratch: &Scratch, user: Option<&User>) -> Self {
        // A copy, since the build's folder may be closed to the other user.
        let program = scratch.0.join("owner");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let mut command = Command::new(&program);
        command.args(["--exact", "private::owner_process", "--ignored", "--nocapture"]);
        command.env(OWNER_DATA_DIR, scratch.data()).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(user) = user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.ends_with("owner is ready"));
        assert!(ready, "the owner ended before its server was ready");
        Self(child)
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

pub fn run(options: PgConnectOptions, statement: &'static str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = options.connect().await.unwrap();
        let value = sqlx::query_scalar(statement).fetch_optional(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        value
    })
}

pub fn write_deal(options: PgConnectOptions) {
    run(options, "create table deal as select 'deal_1' as id");
}

pub fn read_deal(server: &PrivateServer) -> Option<String> {
    run(server.connect_options("postgres"), "select id from deal")
}

pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A zombie is not alive: not every process 1 reaps.
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

pub fn processes_in(dir: &Path) -> Vec<i32> {
    let dir = fs::canonicalize(dir).unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let inside = processes.filter(|p| fs::read_link(p.path().join("cwd")).is_ok_and(|cwd| cwd == dir));
    inside.filter_map(|p| p.file_name().to_str()?.parse().ok()).collect()
}

pub fn owner_of(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().uid()
}

pub fn nobody() -> User {
    User::from_name("nobody").unwrap().unwrap()
}

pub fn is_root() -> bool {
    Uid::effective().is_root()
}
