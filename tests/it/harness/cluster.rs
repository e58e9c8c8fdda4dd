//! One cluster for the whole run: a private server in a folder of the run's own, or the server that
//! `ATTAIN_TEST_POSTGRES` names. Tests get copies of a database migrated once.
//!
//! A static is never dropped, so the end of the run is watched from outside: a small shell reads from a pipe that
//! only this process holds. When it ends, however it ends, the shell ends what was registered and removes the folder.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};

use attain::storage::migrate;
use attain::storage::private::{PrivateServer, Settings};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

/// What the shell does: collects process numbers; at the end kills them, stops Postgres, removes the folder.
const REAPER: &str = r#"
pids=
while read -r pid; do pids="$pids $pid"; done
[ -n "$pids" ] && kill -9 $pids
pidfile="$0/data/cluster/postmaster.pid"
[ -e "$pidfile" ] && kill -QUIT "$(head -n 1 "$pidfile")"
i=0
while [ -e "$pidfile" ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
rm -rf "$0"
"#;

/// The cluster of this run and its folder.
pub struct Cluster {
    options: PgConnectOptions,
    folder: PathBuf,
    prefix: String,
    reaper: Mutex<ChildStdin>,
    template: OnceCell<()>,
    creating: tokio::sync::Mutex<()>,
    count: AtomicU32,
    _private: Option<PrivateServer>,
}

/// The cluster, started at first use.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
    &CLUSTER
}

impl Cluster {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("attain-it-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        // Root runs Postgres as another user, who has to pass.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", REAPER]).arg(&folder).current_dir("/");
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // In a group of its own, so that an interrupt at the terminal does not end it first.
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let reaper = Mutex::new(shell.spawn().unwrap().stdin.take().unwrap());
        let (options, private) = match std::env::var("ATTAIN_TEST_POSTGRES") {
            Ok(url) => (url.parse().unwrap(), None),
            Err(_) => {
                let settings = Settings { data_dir: Some(folder.join("data")), bin_dir: None };
                let server = PrivateServer::start(&settings).unwrap_or_else(|error| panic!("{error}"));
                let options = server.connect_options("postgres");
                hurry(&options);
                (options, Some(server))
            }
        };
        Cluster {
            options,
            prefix: format!("attain_it_{}", std::process::id()),
            folder,
            reaper,
            template: OnceCell::new(),
            creating: tokio::sync::Mutex::new(()),
            count: AtomicU32::new(0),
            _private: private,
        }
    }

    /// The folder of this run, removed at its end.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A process that is to be killed when the run ends.
    pub fn reap(&self, pid: u32) {
        writeln!(self.reaper.lock().unwrap(), "{pid}").unwrap();
    }

    /// A number that no other caller in this run has.
    pub fn number(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// A database of the caller's own without anything in it.
    pub async fn empty_database(&self) -> PgConnectOptions {
        self.create("template0").await
    }

    /// A migrated database of the caller's own.
    pub async fn database(&self) -> PgConnectOptions {
        let template = format!("{}_template", self.prefix);
        let make = || async {
            let mut admin = self.admin().await;
            self.sweep(&mut admin).await;
            execute(&mut admin, &format!("create database {template}")).await;
            migrate::run(&self.options.clone().database(&template)).await.unwrap();
        };
        self.template.get_or_init(make).await;
        self.create(&template).await
    }

    async fn create(&self, template: &str) -> PgConnectOptions {
        let name = format!("{}_{}", self.prefix, self.number());
        // Postgres copies a template only while nobody else does.
        let _one_at_a_time = self.creating.lock().await;
        let mut admin = self.admin().await;
        execute(&mut admin, &format!("create database {name} template {template}")).await;
        self.options.clone().database(&name)
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect_with(&self.options.clone().database("postgres")).await.unwrap()
    }

    /// Drops the databases that runs now dead left on a server that is not ours to throw away.
    async fn sweep(&self, admin: &mut PgConnection) {
        let names = "select datname from pg_database where datname ~ '^attain_it_[0-9]+_'";
        let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *admin).await.unwrap();
        for name in names {
            let pid = name.split('_').nth(2).unwrap();
            if !Path::new("/proc").join(pid).exists() {
                execute(admin, &format!("drop database if exists {name} with (force)")).await;
            }
        }
    }
}

/// Waits for no disk any more: what this cluster holds is thrown away with the run.
fn hurry(options: &PgConnectOptions) {
    let settings = ["fsync = off", "full_page_writes = off", "synchronous_commit = off"];
    let options = options.clone();
    // The caller may stand in a runtime, which must not block.
    let set = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut admin = PgConnection::connect_with(&options).await.unwrap();
            for setting in settings {
                execute(&mut admin, &format!("alter system set {setting}")).await;
            }
            execute(&mut admin, "select pg_reload_conf()").await;
        });
    });
    set.join().unwrap();
}

/// Runs a statement without parameters.
pub async fn execute(connection: &mut PgConnection, statement: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// The URL of a database, as the command line takes it.
pub fn url(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap();
    let user = options.get_username();
    match options.get_socket() {
        Some(socket) => format!("postgres://{user}@localhost/{database}?host={}", socket.display()),
        None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
    }
}
