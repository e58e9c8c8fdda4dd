//! A database made from the migrations on the server of DATABASE_URL, and COPY out of it: the yardstick of a load.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use tokio_stream::StreamExt as _;

/// A database of its own.
pub struct Made {
    name: &'static str,
    /// To connect to it.
    pub options: PgConnectOptions,
    /// A superuser's connection to it.
    pub root: PgConnection,
    admin: PgConnection,
}

impl Made {
    /// Makes it afresh.
    pub async fn new(name: &'static str) -> anyhow::Result<Self> {
        let server = PgConnectOptions::from_str(&std::env::var("DATABASE_URL")?)?;
        let mut admin = server.clone().database("postgres").connect().await?;
        run(&mut admin, &format!("drop database if exists {name} with (force)")).await?;
        run(&mut admin, &format!("create database {name}")).await?;
        let options = server.database(name);
        let mut root = options.connect().await?;
        let mut files: Vec<_> = std::fs::read_dir("migrations")?.collect::<Result<_, _>>()?;
        files.sort_by_key(std::fs::DirEntry::file_name);
        for file in files {
            for statement in std::fs::read_to_string(file.path())?.split_inclusive(";\n") {
                run(&mut root, statement).await?;
            }
        }
        let fsync: String = sqlx::query_scalar("show fsync").fetch_one(&mut root).await?;
        println!("the server runs with fsync {fsync}");
        Ok(Made { name, options, root, admin })
    }

    /// Drops it.
    pub async fn drop(mut self) -> anyhow::Result<()> {
        drop(self.root);
        run(&mut self.admin, &format!("drop database {} with (force)", self.name)).await
    }
}

/// Runs one statement.
pub async fn run(conn: &mut PgConnection, statement: &str) -> anyhow::Result<()> {
    conn.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

/// COPY out of what a load of deals and events reads, nothing made of it.
pub async fn copy_out(root: &mut PgConnection) -> anyhow::Result<Duration> {
    let start = Instant::now();
    for columns in [
        "deal (deal_id, owner_id, currency, split_payee_ids, split_roles, split_percents, amount, cost, quantity, customer_id, product_id, stage, outcome, probability, open_date, close_date)",
        "deal_event (deal_id, event_id, kind, event_date, amount, cost, quantity, reversed_ids, reversed_amounts)",
    ] {
        let mut lines = root.copy_out_raw(&format!("copy {columns} to stdout")).await?;
        while let Some(line) = lines.next().await {
            line?;
        }
    }
    Ok(start.elapsed())
}
