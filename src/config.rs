//! What can be told to the program: on the command line, or in the environment where a flag names a variable.
//! A flag wins over its variable. Secrets are never shown, not even in the help or in a fault.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};

use crate::auth::Secret;
use crate::domain::date::Period;
use crate::domain::id::{PayeeId, RequestId};

/// Sales quotas, commissions and bonuses from deal data: exact, explained, reproducible, over gRPC.
#[derive(Debug, Parser)]
#[command(name = "attain", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a small company, closes its months, shows a statement, and leaves the server running.
    Demo(Serve),
    /// Runs the server.
    Serve(Serve),
    /// Makes and lists tenants: each has its own people, deals, rules, keys and journal.
    #[command(subcommand)]
    Tenant(Tenant),
    /// Verifies that nothing was altered: journal, facts, ledger, references.
    Verify(Verify),
    /// Sends a CSV file of payees, quotas or deals to a server.
    Import(Import),
    /// Shows a payee's statement for a period.
    Statement(Statement),
    /// Shows how a manager's team does in a month, quarter, half or year.
    Team(Team),
    /// Checks, tests, compares and publishes plan files; docs/plans.md says how one is written.
    #[command(subcommand)]
    Plan(Plan),
}

/// Where the data is. Without a database URL attain runs a PostgreSQL server of its own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseOptions {
    /// A PostgreSQL database of version 15 or newer, `postgres://user:password@host:5432/attain`; then the two
    /// options below mean nothing.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: Option<Secret>,
    /// Folder of the private PostgreSQL server's data [default: /var/lib/attain for root, else
    /// ~/.local/share/attain].
    #[arg(long, value_name = "FOLDER", env = "ATTAIN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Folder of the programs initdb and postgres [default: the usual places, then PATH].
    #[arg(long, value_name = "FOLDER", env = "ATTAIN_POSTGRES_BIN")]
    pub postgres_bin: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", env = "ATTAIN_LISTEN", default_value = "127.0.0.1:50051")]
    pub listen: SocketAddr,
    /// Certificate chain of the server, PEM.
    #[arg(long, value_name = "FILE", env = "ATTAIN_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "FILE", env = "ATTAIN_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Serve plain text beyond this machine, because a proxy in front ends TLS.
    #[arg(long, env = "ATTAIN_PLAINTEXT_BEHIND_PROXY", value_parser = BoolishValueParser::new())]
    pub plaintext_behind_proxy: bool,
    /// Most connections to the database.
    #[arg(long, value_name = "COUNT", env = "ATTAIN_CONNECTIONS", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Most memory, in MiB, for the facts of tenants that are read; 0 reads everything from the database.
    #[arg(long, value_name = "MIB", env = "ATTAIN_FACTS_MEMORY", default_value_t = 1024,
          value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub facts_memory: u32,
    #[command(flatten)]
    pub database: DatabaseOptions,
}

#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Makes a tenant and prints its first admin key, this once.
    Create {
        /// The tenant's name in keys: up to 39 of a-z, 0-9 and '-'.
        slug: String,
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Makes another admin key for a tenant whose keys were lost and prints it, this once.
    Key {
        /// The tenant's name in keys.
        slug: String,
        /// Why, kept in the journal; at most 1000 characters.
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: Option<String>,
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Lists all tenants.
    List {
        #[command(flatten)]
        database: DatabaseOptions,
    },
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Only this tenant.
    #[arg(long, value_name = "SLUG")]
    pub tenant: Option<String>,
    /// A change and its hash kept elsewhere, `n:hash`: the only way to see that the journal's end was cut off or written
    /// anew. May be given again.
    #[arg(long = "anchor", value_name = "N:HASH", requires = "tenant")]
    pub anchors: Vec<String>,
    #[command(flatten)]
    pub database: DatabaseOptions,
}

/// The server to ask, and the key to ask it with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerOptions {
    /// The server to ask.
    #[arg(long, value_name = "URL", env = "ATTAIN_SERVER", default_value = "http://127.0.0.1:50051")]
    pub server: String,
    /// Certificate of the authority that the server's certificate must come from, PEM; for https.
    #[arg(long, value_name = "FILE", env = "ATTAIN_CA_CERT")]
    pub ca_cert: Option<PathBuf>,
    /// File that holds the key; without it the key is read from the variable ATTAIN_KEY.
    #[arg(long, value_name = "FILE", env = "ATTAIN_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The file to import.
    #[arg(value_name = "CSV")]
    pub file: PathBuf,
    /// Which column is which field; docs/import.md says how.
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Name of the request. Of two with the same name and content the second changes nothing [default: made of
    /// the content, so the same import again changes nothing].
    #[arg(long, value_name = "ID")]
    pub request_id: Option<RequestId>,
    /// Why; kept in the journal [default: "import of" the file's name].
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Most rows that may be rejected; with more nothing is written [default: none for payees and quotas, any
    /// number for deals].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32))]
    pub reject_limit: Option<u32>,
    /// Where to write the rejected rows with their reasons, to be mended and imported again.
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Statement {
    /// Whose [default: the payee of the key].
    #[arg(long, value_name = "ID")]
    pub payee: Option<PayeeId>,
    /// For which month, such as 2026-03 [default: the month of today].
    #[arg(long, value_name = "MONTH", value_parser = Period::parse)]
    pub period: Option<Period>,
    /// The page for a browser instead of the text: into this file, or to stdout if none is named.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Team {
    /// Whose team [default: that of the payee of the key].
    #[arg(long, value_name = "ID")]
    pub manager: Option<PayeeId>,
    /// Which month, quarter, half or year, such as 2026-03, FY2026-Q1, FY2026-H1, FY2026 [default: the quarter of today].
    #[arg(long, value_name = "WINDOW")]
    pub window: Option<String>,
    /// The page for a browser instead of the text: into this file, or to stdout if none is named.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Reads plan files and says everything that is wrong with them. Asks no server.
    Check {
        /// The plan files.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Runs the tests in plan files. Asks no server.
    Test {
        /// The plan files.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Shows what a plan file changes of the version published last.
    Diff {
        /// The plan file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Publishes a plan file whose tests pass, after the measures that it brings and the server does not have.
    Publish(PublishPlan),
}

#[derive(Debug, Args)]
pub struct PublishPlan {
    /// The plan file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// First month that it counts in, such as 2026-04.
    #[arg(long, value_name = "MONTH", value_parser = Period::parse)]
    pub from: Period,
    /// Why, kept in the journal; at most 1000 characters.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    #[command(flatten)]
    pub server: ServerOptions,
}

/// Any text may be a secret; whether it is a good one is found out where nothing prints it.
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text.to_string()))
}

/// A reason as the contract takes it.
fn reason(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if length > 1000 {
        return Err(format!("must be at most 1000 characters, got {length}"));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(control) => Err(format!("must have no control characters, got {control:?}")),
        None => Ok(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_shows_the_database_password() {
        let cli = Cli::parse_from(["attain", "verify", "--database-url", "postgres://app:hunter2@h/d"]);
        assert!(!format!("{cli:?}").contains("hunter2"));
    }

    #[test]
    fn options_that_need_each_other_come_together() {
        for (arguments, good) in [
            (&["serve", "--tls-cert", "c.pem", "--tls-key", "k.pem"][..], true),
            (&["serve", "--tls-cert", "c.pem"], false),
            (&["serve", "--tls-key", "k.pem"], false),
            (&["serve", "--connections", "0"], false),
            (&["serve", "--facts-memory", "0"], true),
            (&["serve", "--facts-memory", "1GB"], false),
            (&["serve", "--listen", "localhost"], false),
            (&["verify", "--tenant", "acme", "--anchor", "1:00"], true),
            (&["verify", "--tenant", "acme", "--anchor", "1:00", "--anchor", "2:00"], true),
            (&["verify", "--anchor", "1:00"], false),
            (&["statement", "--period", "2026-03", "--html"], true),
            (&["statement", "--html", "page.html", "--period", "2026-03"], true),
            (&["statement", "--html"], true),
            (&["statement", "--period", "2026-3"], false),
            (&["team"], true),
            (&["team", "--manager", "lead", "--window", "FY2026-Q1", "--html"], true),
            (&["team", "--manager", "a b"], false),
            (&["import", "--mapping", "m.toml", "deals.csv"], true),
            (&["import", "deals.csv"], false),
            (&["import", "--mapping", "m.toml", "--request-id", "a b", "deals.csv"], false),
        ] {
            let parsed = Cli::try_parse_from([&["attain"], arguments].concat());
            assert_eq!(parsed.is_ok(), good, "{arguments:?}");
        }
    }
}
