//! The private server: what it survives, and what it says when it cannot start.

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use attain::storage::private::{PrivateServer, Settings, attach};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};

mod scratch;

use scratch::{
    OWNER_DATA_DIR, Owner, Scratch, eventually, is_alive, is_root, nobody, owner_of, processes_in, read_deal,
    run, write_deal,
};

#[test]
#[ignore = "the other tests run it as a process of its own"]
fn owner_process() {
    let Some(data_dir) = std::env::var_os(OWNER_DATA_DIR) else {
        return;
    };
    let settings = Settings { data_dir: Some(data_dir.into()), bin_dir: None };
    let _server = PrivateServer::start(&settings).unwrap();
    println!("owner is ready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_new_server_answers_on_a_closed_unix_socket_only() {
    let scratch = Scratch::new("new");
    let server = scratch.start();
    let version = run(server.connect_options("postgres"), "select version()").unwrap();
    assert!(version.starts_with("PostgreSQL "), "{version}");
    let show = |statement| run(server.connect_options("postgres"), statement).unwrap();
    assert_eq!(show("show listen_addresses"), "");
    assert_eq!(show("show fsync"), "on");
    assert_eq!(show("show data_checksums"), "on");
    assert_eq!(show("select current_user::text"), "app");
    let socket_dir = fs::metadata(scratch.data().join("socket")).unwrap();
    assert_eq!(socket_dir.mode() & 0o777, 0o700);
    let postmaster = scratch.postmaster();
    server.stop().unwrap();
    assert!(!is_alive(postmaster));
    assert!(!scratch.cluster().join("postmaster.pid").exists());
}

#[test]
fn a_restart_and_a_second_start_keep_the_data() {
    let scratch = Scratch::new("restart");
    let mut server = scratch.start();
    write_deal(server.connect_options("postgres"));
    server.restart().unwrap();
    assert_eq!(read_deal(&server).as_deref(), Some("deal_1"));
    server.stop().unwrap();
    assert_eq!(read_deal(&scratch.start()).as_deref(), Some("deal_1"));
}

#[test]
fn dropping_the_owner_stops_the_server() {
    let scratch = Scratch::new("drop");
    let server = scratch.start();
    let postmaster = scratch.postmaster();
    drop(server);
    assert!(!is_alive(postmaster));
}

#[test]
fn the_server_outlives_the_thread_that_started_it() {
    let scratch = Scratch::new("thread");
    let start = || (scratch.start(), nix::unistd::gettid());
    let (server, thread) = std::thread::scope(|scope| scope.spawn(start).join().unwrap());
    let task = PathBuf::from(format!("/proc/self/task/{thread}"));
    eventually("the thread has ended", || !task.exists());
    // A death signal would have been sent by now; the first of two connections might be ahead of it.
    for _ in 0..2 {
        assert!(run(server.connect_options("postgres"), "select version()").is_some());
    }
    assert!(server.is_running());
}

#[test]
fn a_server_that_died_is_noticed_and_can_be_restarted() {
    let scratch = Scratch::new("died");
    let mut server = scratch.start();
    write_deal(server.connect_options("postgres"));
    assert!(server.is_running());
    kill(Pid::from_raw(scratch.postmaster()), Signal::SIGKILL).unwrap();
    eventually("the server is gone", || !server.is_running());
    server.restart().unwrap();
    assert!(server.is_running());
    assert_eq!(read_deal(&server).as_deref(), Some("deal_1"));
}

#[test]
fn when_its_owner_is_killed_the_server_stops_and_keeps_the_data() {
    let scratch = Scratch::new("killed");
    let owner = Owner::start(&scratch, None);
    write_deal(attach(&scratch.settings(), "postgres").unwrap().unwrap());
    let postmaster = scratch.postmaster();
    owner.kill();
    eventually("the postmaster is gone", || !is_alive(postmaster));
    assert!(!scratch.cluster().join("postmaster.pid").exists(), "it did not shut down cleanly");
    assert_eq!(read_deal(&scratch.start()).as_deref(), Some("deal_1"));
}

#[test]
fn a_start_right_after_the_owner_was_killed_waits_for_the_old_server() {
    let scratch = Scratch::new("at-once");
    let owner = Owner::start(&scratch, None);
    write_deal(attach(&scratch.settings(), "postgres").unwrap().unwrap());
    let old = scratch.postmaster();
    owner.kill();
    let server = scratch.start();
    assert!(!is_alive(old));
    assert_eq!(read_deal(&server).as_deref(), Some("deal_1"));
}

#[test]
fn data_survives_the_killing_of_owner_and_all_server_processes() {
    let scratch = Scratch::new("all-killed");
    let owner = Owner::start(&scratch, None);
    write_deal(attach(&scratch.settings(), "postgres").unwrap().unwrap());
    let servers = processes_in(&scratch.cluster());
    assert!(servers.len() > 1, "only {servers:?}");
    // The server first: the owner's death would let it shut down in order.
    for pid in servers {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    owner.kill();
    assert!(scratch.cluster().join("postmaster.pid").exists(), "it shut down cleanly");
    assert_eq!(read_deal(&scratch.start()).as_deref(), Some("deal_1"));
}

#[test]
fn a_server_left_without_death_signal_is_stopped_by_the_next_start() {
    let scratch = Scratch::new("left");
    drop(scratch.start());
    let bin_dir = fs::read_to_string(scratch.cluster().join("postmaster.opts")).unwrap();
    let postgres = bin_dir.split_whitespace().next().unwrap().to_owned();
    let mut command = Command::new(postgres);
    command.arg("-D").arg(scratch.cluster()).arg("-k").arg(scratch.data().join("socket"));
    command.args(["-c", "listen_addresses="]).current_dir("/").stderr(Stdio::null());
    let owner = fs::metadata(scratch.cluster()).unwrap();
    if is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut left = command.spawn().unwrap();
    let socket = scratch.data().join("socket/.s.PGSQL.5432");
    eventually("the other server listens", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
    let server = scratch.start();
    assert!(left.wait().unwrap().success(), "a fast shutdown ends with success");
    assert!(run(server.connect_options("postgres"), "select version()").is_some());
}

#[test]
fn a_second_owner_is_refused() {
    let scratch = Scratch::new("second");
    let server = scratch.start();
    let expected = format!("another instance already uses data folder {}", scratch.data().display());
    assert_eq!(scratch.start_error(), expected);
    assert!(run(server.connect_options("postgres"), "select version()").is_some());
}

#[test]
fn without_server_programs_one_line_says_what_to_do() {
    let scratch = Scratch::new("no-programs");
    let settings = Settings { bin_dir: Some(scratch.0.clone()), ..scratch.settings() };
    let error = PrivateServer::start(&settings).unwrap_err().to_string();
    let expected = format!(
        "no PostgreSQL server found in {}: give a DATABASE_URL, or the folder of initdb and postgres with \
         --postgres-bin, or install one (Debian: apt-get install postgresql)",
        scratch.0.display()
    );
    assert_eq!(error, expected);
    assert!(!scratch.data().exists());
}

/// Leaves a pid file as after a power cut, but naming `pid`, then starts.
fn start_beside_stale_pid(scratch: &Scratch, pid: impl FnOnce(&fs::Metadata) -> i32) -> PrivateServer {
    let server = scratch.start();
    let pid_file = scratch.cluster().join("postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    server.stop().unwrap();
    let owner = fs::metadata(scratch.cluster()).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&pid_file, format!("{}\n{rest}", pid(&owner))).unwrap();
    chown(&pid_file, Some(owner.uid()), Some(owner.gid())).unwrap();
    scratch.start()
}

fn spawn_as(owner: &fs::Metadata, program: &str, argument: &str) -> Child {
    let mut command = Command::new(program);
    command.arg(argument);
    if is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    command.spawn().unwrap()
}

#[test]
fn a_stale_pid_file_naming_a_foreign_process_is_no_hindrance() {
    let scratch = Scratch::new("foreign");
    let mut sleeper = None;
    let server = start_beside_stale_pid(&scratch, |owner| {
        sleeper.insert(spawn_as(owner, "sleep", "600")).id().cast_signed()
    });
    let mut sleeper = sleeper.unwrap();
    let untouched = sleeper.try_wait().unwrap().is_none();
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert!(untouched);
    assert!(run(server.connect_options("postgres"), "select version()").is_some());
}

#[test]
fn a_stale_pid_file_naming_a_zombie_is_no_hindrance() {
    let scratch = Scratch::new("zombie");
    let mut zombie = None;
    let server = start_beside_stale_pid(&scratch, |owner| {
        let pid = zombie.insert(spawn_as(owner, "sleep", "0")).id().cast_signed();
        eventually("the process has ended", || !is_alive(pid));
        pid
    });
    assert!(run(server.connect_options("postgres"), "select version()").is_some());
    zombie.unwrap().wait().unwrap();
}

#[test]
fn an_unfinished_initdb_is_done_again() {
    let scratch = Scratch::new("torn");
    fs::create_dir_all(scratch.cluster().join("base")).unwrap();
    fs::write(scratch.cluster().join("PG_VERSION"), "9.6\n").unwrap();
    fs::write(scratch.data().join("initdb.unfinished"), "").unwrap();
    let server = scratch.start();
    assert!(run(server.connect_options("postgres"), "select version()").is_some());
    assert!(!scratch.data().join("initdb.unfinished").exists());
}

#[test]
fn a_cluster_folder_that_initdb_did_not_leave_is_not_thrown_away() {
    let scratch = Scratch::new("precious");
    fs::create_dir_all(scratch.cluster().join("base")).unwrap();
    for _ in 0..2 {
        let error = scratch.start_error();
        let expected = format!("cannot make a new cluster in {}: ", scratch.cluster().display());
        assert!(error.starts_with(&expected), "{error}");
        assert!(scratch.cluster().join("base").exists());
    }
}

#[test]
fn a_cluster_of_another_major_version_is_refused() {
    let scratch = Scratch::new("version");
    drop(scratch.start());
    fs::write(scratch.cluster().join("PG_VERSION"), "9.6\n").unwrap();
    let error = scratch.start_error();
    let expected =
        format!("data folder {} was made by PostgreSQL 9.6, but only PostgreSQL ", scratch.data().display());
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn the_error_of_a_failed_start_holds_the_servers_own_words() {
    let scratch = Scratch::new("words");
    drop(scratch.start());
    fs::write(scratch.cluster().join("postgresql.auto.conf"), "shared_bufers = 1\n").unwrap();
    let error = scratch.start_error();
    assert!(error.contains("ended before it was ready"), "{error}");
    assert!(error.contains("unrecognized configuration parameter \"shared_bufers\""), "{error}");
}

#[test]
fn a_socket_path_that_is_too_long_is_refused() {
    let scratch = Scratch::new("long");
    let data_dir = scratch.0.join("d".repeat(100));
    let settings = Settings { data_dir: Some(data_dir.clone()), bin_dir: None };
    let socket = data_dir.join("socket/.s.PGSQL.5432");
    let expected = format!(
        "socket path {} has {} bytes, at most 107 are possible: choose a shorter data folder",
        socket.display(),
        socket.as_os_str().len()
    );
    assert_eq!(PrivateServer::start(&settings).unwrap_err().to_string(), expected);
}

#[test]
fn attach_finds_only_a_server_that_is_held() {
    let scratch = Scratch::new("attach");
    assert!(attach(&scratch.settings(), "postgres").unwrap().is_none(), "no folder");
    let server = scratch.start();
    let options = attach(&scratch.settings(), "postgres").unwrap().expect("a running server");
    assert!(run(options, "select version()").is_some());
    server.stop().unwrap();
    assert!(attach(&scratch.settings(), "postgres").unwrap().is_none(), "a stopped server");
}

#[test]
fn a_user_other_than_root_can_own_a_server() {
    let scratch = Scratch::new("unprivileged");
    let user = if is_root() { nobody() } else { User::from_uid(Uid::effective()).unwrap().unwrap() };
    fs::create_dir(scratch.data()).unwrap();
    chown(scratch.data(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    let owner = Owner::start(&scratch, Some(&user));
    let postmaster = scratch.postmaster();
    assert_eq!(owner_of(format!("/proc/{postmaster}")), user.uid.as_raw());
    let options = attach(&scratch.settings(), "postgres").unwrap().unwrap();
    assert!(run(options, "select version()").is_some());
    owner.kill();
    eventually("the postmaster is gone", || !is_alive(postmaster));
}

#[test]
fn root_runs_the_server_as_another_user_and_leaves_a_cluster_with_its_owner() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new("root");
    let server = scratch.start();
    let expected = User::from_name("postgres").unwrap().unwrap_or_else(nobody);
    assert_eq!(owner_of(format!("/proc/{}", scratch.postmaster())), expected.uid.as_raw());
    server.stop().unwrap();

    let nobody = nobody();
    let status = Command::new("chown").arg("-R").arg(nobody.uid.to_string()).arg(scratch.cluster()).status();
    assert!(status.unwrap().success());
    let _server = scratch.start();
    assert_eq!(owner_of(format!("/proc/{}", scratch.postmaster())), nobody.uid.as_raw());
}

#[test]
fn a_parent_folder_closed_to_the_servers_user_is_named() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new("closed");
    let closed = scratch.0.join("closed");
    fs::create_dir_all(closed.join("inner")).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let data_dir = closed.join("inner/data");
    let settings = Settings { data_dir: Some(data_dir.clone()), bin_dir: None };
    let error = PrivateServer::start(&settings).unwrap_err().to_string();
    let user = User::from_name("postgres").unwrap().unwrap_or_else(nobody).name;
    let expected = format!(
        "user {user} cannot enter {}, so it cannot run a server in {}: choose another data folder",
        closed.display(),
        data_dir.display()
    );
    assert_eq!(error, expected);
}

/// Why the launcher lets the change of user come first.
#[test]
fn the_death_signal_survives_only_when_set_after_the_change_of_user() {
    if !is_root() {
        return;
    }
    let nobody = nobody();
    let signal_of = |command: &mut Command| {
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        output.lines().find_map(|line| line.strip_prefix("Parent death signal: ").map(str::to_owned))
    };
    let set = ["--pdeathsig", "SIGINT", "setpriv"];
    let mut after = Command::new("setpriv");
    after.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw()).args(set).arg("--dump");
    assert_eq!(signal_of(&mut after).as_deref(), Some("INT"));
    let mut before = Command::new("setpriv");
    before.args(set).args(["--reuid", "nobody", "--clear-groups", "setpriv", "--dump"]);
    assert_eq!(signal_of(&mut before).as_deref(), Some("[none]"));
}
