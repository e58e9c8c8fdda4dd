//! Reads the command line and runs the command. A fault is told on stderr: exit code 2 if it is the command line's,
//! 1 otherwise.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use clap::error::ErrorKind;
use tokio::runtime::Runtime;

use attain::config::{Cli, Command, DatabaseOptions, Serve, Tenant};
use attain::ops::database::{Source, Started};
use attain::ops::{demo, import, plan, serve, statement, team, tenant, verify};
use attain::telemetry;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(fault) if matches!(fault.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            fault.exit()
        }
        Err(fault) => {
            let text = fault.render().to_string();
            eprint!("attain: {}", text.strip_prefix("error: ").unwrap_or(&text));
            return ExitCode::from(2);
        }
    };
    let default = match &cli.command {
        Command::Serve(_) => telemetry::DEFAULT,
        _ => telemetry::QUIET,
    };
    match telemetry::start(default).context("ATTAIN_LOG cannot be read").and_then(|()| run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("attain: {}", told(&fault));
            ExitCode::FAILURE
        }
    }
}

/// A fault with what caused it; many of them say their cause themselves.
fn told(fault: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in fault.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(options) => serve(&options, false),
        Command::Demo(mut options) => {
            demo::keep_apart(&mut options.database)?;
            serve(&options, true)
        }
        Command::Tenant(Tenant::Create { slug, database }) => {
            with(&database, async |database| tenant::create(database, &slug).await)
        }
        Command::Tenant(Tenant::List { database }) => {
            with(&database, async |database| tenant::list(database).await)
        }
        Command::Tenant(Tenant::Key { slug, reason, database }) => {
            with(&database, async |database| tenant::key(database, &slug, reason).await)
        }
        Command::Verify(options) => with(&options.database, async |database| {
            verify::run(database, options.tenant.as_deref(), &options.anchors).await
        }),
        Command::Import(options) => runtime()?.block_on(import::run(&options)),
        Command::Statement(options) => runtime()?.block_on(statement::run(&options)),
        Command::Team(options) => runtime()?.block_on(team::run(&options)),
        Command::Plan(command) => runtime()?.block_on(plan::run(&command)),
    }
}

fn serve(options: &Serve, with_demo: bool) -> anyhow::Result<()> {
    serve::check(options)?;
    let mut database = Source::of(&options.database)?.start()?;
    let runtime = runtime()?;
    let served = if with_demo {
        runtime.block_on(demo::run(options, &mut database))
    } else {
        runtime.block_on(serve::run(options, &mut database, |_, _| ()))
    };
    // Calls that outlived the drain must not outlive their database.
    runtime.shutdown_background();
    stop(database).and(served)
}

/// Runs a command on the database, as a guest of a server that runs already.
fn with(
    options: &DatabaseOptions,
    command: impl AsyncFnOnce(&Started) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let database = Source::of(options)?.start_or_join()?;
    let done = runtime()?.block_on(command(&database));
    stop(database).and(done)
}

fn stop(database: Started) -> anyhow::Result<()> {
    database.server.map_or(Ok(()), |server| Ok(server.stop()?))
}

fn runtime() -> anyhow::Result<Runtime> {
    Runtime::new().context("cannot start")
}
