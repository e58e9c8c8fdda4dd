//! What the program says of its own doings: on stderr, as lines for a person at a terminal, as JSON otherwise.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::{EnvFilter, fmt};

/// Which events are written, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "ATTAIN_LOG";
/// The statements of sqlx at INFO are every one there is.
pub const DEFAULT: &str = "info,sqlx=warn";
/// For commands that have something else to tell.
pub const QUIET: &str = "warn,sqlx=error";

/// Starts writing events; `default` where [`VARIABLE`] is not set. Called once; fails where it cannot be read.
pub fn start(default: &str) -> Result<(), ParseError> {
    let directives = std::env::var(VARIABLE).unwrap_or_default();
    let directives = if directives.is_empty() { default } else { &directives };
    let filter = EnvFilter::builder().parse(directives)?;
    let subscriber = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        subscriber.compact().init();
    } else {
        // A request has one span: the list of spans would only say it again.
        subscriber.json().flatten_event(true).with_span_list(false).init();
    }
    Ok(())
}
