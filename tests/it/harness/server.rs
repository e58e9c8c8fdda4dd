//! The program itself: `attain serve` as a process of its own, and every other command.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::OnceCell;
use tonic::transport::{Channel, Endpoint};

use super::cluster::{cluster, url};
use super::eventually;

/// A running server. Dropped, it is killed.
pub struct Server {
    pub options: PgConnectOptions,
    /// Where it listens, `http://127.0.0.1:port`.
    pub address: String,
    child: Child,
}

/// The program with nothing of our own environment but where programs are.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attain"));
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null());
    command
}

/// Runs a command of the program to its end: whether it succeeded, stdout, stderr.
pub fn attain(arguments: &[&str]) -> (bool, String, String) {
    said(command(arguments).output().unwrap())
}

/// What a command that ended said: whether it succeeded, stdout, stderr.
pub fn said(output: Output) -> (bool, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// What the servers of this run logged as errors: the cause of an internal one is nowhere else.
pub fn logged_errors() -> String {
    let files = std::fs::read_dir(cluster().folder()).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    let logs: String = logs.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect();
    let errors = logs.lines().filter(|line| line.contains("ERROR"));
    errors.map(|line| format!("\n{line}")).collect()
}

impl Server {
    /// The server that the tests of a run share.
    pub async fn shared() -> &'static Server {
        static SHARED: OnceCell<Server> = OnceCell::const_new();
        let start = || async {
            let server = Server::start(&cluster().database().await, &[]);
            cluster().reap(server.child.id());
            server
        };
        SHARED.get_or_init(start).await
    }

    /// Starts a server on a database and waits until it listens.
    pub fn start(options: &PgConnectOptions, arguments: &[&str]) -> Server {
        let database = url(options);
        let serve = ["serve", "--listen", "127.0.0.1:0", "--database-url", &database];
        let (child, address) = Server::launch(&[&serve, arguments].concat());
        Server { options: options.clone(), address, child }
    }

    /// Starts the program and reads the address from its first line.
    pub fn launch(arguments: &[&str]) -> (Child, String) {
        let path = cluster().folder().join(format!("server-{}.log", cluster().number()));
        let mut command = command(arguments);
        let log = File::create(&path).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("attain is listening on ").map(str::to_string));
        let Some(address) = address else {
            let log = std::fs::read_to_string(&path).unwrap();
            panic!("the server ended before it listened: {}\n{log}", child.wait().unwrap());
        };
        (child, address)
    }

    /// A connection that is made at first use.
    pub fn channel(&self) -> Channel {
        Endpoint::from_shared(self.address.clone()).unwrap().connect_lazy()
    }

    /// Makes a tenant and gives its first admin key.
    pub fn create_tenant(&self, slug: &str) -> String {
        let (done, key, error) = attain(&["tenant", "create", slug, "--database-url", &url(&self.options)]);
        assert!(done, "{error}");
        key.trim_end().to_string()
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Kills the server as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells the server to stop and waits for its end: whether it ended well.
    pub async fn stop(&mut self) -> bool {
        stop(&mut self.child).await
    }
}

/// Tells a program to stop and waits for its end: whether it ended well. Connections of the caller's runtime are served
/// meanwhile, since a server drains them before it ends.
pub async fn stop(child: &mut Child) -> bool {
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    eventually("the program ends", || std::future::ready(child.try_wait().unwrap().is_some())).await;
    child.wait().unwrap().success()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
