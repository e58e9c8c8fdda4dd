//! The database of a command: one at a URL, or that of a private PostgreSQL server, which is started for the
//! command's duration unless another process of ours runs it already.

use anyhow::{Context as _, bail};
use sqlx::postgres::PgConnectOptions;

use crate::config::DatabaseOptions;
use crate::storage::private::{self, PrivateServer, Settings};
use crate::storage::{Database, migrate};

/// The private server's database for attain, and the one that every server has.
const DATABASE: &str = "attain";
const MAINTENANCE: &str = "postgres";

/// Where the database is.
#[derive(Debug)]
pub enum Source {
    /// At a URL.
    Url(Box<PgConnectOptions>),
    /// On a private server.
    Private(Settings),
}

/// A source whose server runs.
#[derive(Debug)]
pub struct Started {
    options: PgConnectOptions,
    /// Options of the private server's own database.
    maintenance: Option<PgConnectOptions>,
    /// The private server, if this process started it; dropping it stops it.
    pub server: Option<PrivateServer>,
}

impl Source {
    /// The source that the options name. A fault never shows the URL: it may hold a password.
    pub fn of(options: &DatabaseOptions) -> anyhow::Result<Self> {
        let Some(url) = &options.database_url else {
            let (data_dir, bin_dir) = (options.data_dir.clone(), options.postgres_bin.clone());
            return Ok(Source::Private(Settings { data_dir, bin_dir }));
        };
        let url = url.reveal();
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            bail!("the database URL must begin with postgres://");
        }
        let options: PgConnectOptions = url.parse().context("the database URL cannot be read")?;
        Ok(Source::Url(Box::new(options)))
    }

    /// Starts the private server, if it is one; no other process may run it. Blocks, up to minutes after a crash.
    pub fn start(self) -> anyhow::Result<Started> {
        match self {
            Source::Url(options) => Ok(Started { options: *options, maintenance: None, server: None }),
            Source::Private(settings) => {
                let server = PrivateServer::start(&settings)?;
                let options = server.connect_options(DATABASE);
                let maintenance = Some(server.connect_options(MAINTENANCE));
                Ok(Started { options, maintenance, server: Some(server) })
            }
        }
    }

    /// As [`Source::start`], but as a guest where another process, such as `attain serve`, runs the private server.
    pub fn start_or_join(self) -> anyhow::Result<Started> {
        if let Source::Private(settings) = &self
            && let Some(options) = private::attach(settings, DATABASE)?
        {
            let maintenance = Some(options.clone().database(MAINTENANCE));
            return Ok(Started { options, maintenance, server: None });
        }
        self.start()
    }
}

impl Started {
    /// Makes the database if it is the private server's and not there yet, and migrates it.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        if let Some(maintenance) = &self.maintenance {
            migrate::create_database(maintenance).await?;
        }
        let schema = migrate::run(&self.options).await?;
        let place = match (self.options.get_socket(), self.options.get_host()) {
            (Some(socket), _) => socket.display().to_string(),
            (None, host) => format!("{host}:{}", self.options.get_port()),
        };
        tracing::debug!(schema, place, "database migrated");
        Ok(())
    }

    /// A pool of the migrated database.
    pub fn pool(&self, connections: u32) -> Database {
        Database::new(self.options.clone(), connections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Secret;

    #[test]
    fn a_bad_url_is_refused_without_showing_it() {
        for url in ["", "attain", "mysql://app:hunter2@h/d", "postgres://app:hunter2@h:port/d"] {
            let database_url = Some(Secret::new(url.into()));
            let options = DatabaseOptions { database_url, data_dir: None, postgres_bin: None };
            let fault = format!("{:#}", Source::of(&options).unwrap_err());
            assert!(fault.contains("database URL") && !fault.contains("hunter2"), "{url}: {fault}");
        }
    }
}
