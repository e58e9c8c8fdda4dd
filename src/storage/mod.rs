//! SQL and nothing else: facts in and out, the journal, the ledger. A file per noun.
//!
//! Every function works on a connection that the caller has begun a transaction on, for one tenant;
//! only `app` begins and commits. Every statement names the tenant, and row-level security checks it.

pub mod calendar;
pub(crate) mod copy;
pub mod crediting;
pub mod deal;
pub mod draft;
pub mod erase;
pub mod exchange;
pub mod facts;
pub mod journal;
pub mod key;
pub mod ledger;
pub mod measure;
pub mod migrate;
pub mod notice;
pub mod number;
pub mod outside;
pub mod payee;
pub mod plan;
pub mod private;
pub mod proposal;
pub mod quota;
pub mod rejected;
pub mod tenant;
pub mod territory;
pub mod touched;
pub mod verify;

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Transaction};

use crate::domain::encode::{self, Digest, Record};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::TenantId;

/// How long a request waits for a connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Most ids of stale facts that a write answers.
pub const MAX_STALE_IDS: usize = 50;

/// A stored fact and the number of the change that last wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// The fact.
    pub value: T,
    /// The etag: the change that added this row.
    pub added_in: i64,
}

/// What a set of facts did to what was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// New or different: rows added.
    pub written: u64,
    /// Already there, the same: nothing added.
    pub unchanged: u64,
}

impl Written {
    /// Of so many facts given, so many were written.
    pub(crate) fn of(given: usize, written: u64) -> Self {
        let given = u64::try_from(given).unwrap_or(u64::MAX);
        Written { written, unchanged: given.saturating_sub(written) }
    }
}

/// One version of a row, as verification sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCheck {
    /// The table.
    pub noun: &'static str,
    /// The row's key and the change that added it.
    pub key: String,
    /// The digest that was stored with the row.
    pub stored: Digest,
    /// The digest of what the row says now.
    pub computed: Digest,
}

impl RowCheck {
    pub(crate) fn new(
        noun: &'static str,
        key: impl std::fmt::Display,
        added_in: i64,
        stored: Digest,
        record: &Record,
    ) -> Self {
        RowCheck { noun, key: format!("{key} of change {added_in}"), stored, computed: record.digest() }
    }
}

/// A pool of connections in the service's role.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// A pool that connects on demand. The database has been migrated before.
    pub fn new(options: PgConnectOptions, connections: u32) -> Self {
        // Statements here are short or bound by what they read. Compiling one takes seconds, and the planner wants to
        // wherever `join_sets` has it take a nested loop for more costly than everything.
        let options = options.options([("role", "attain_service"), ("jit", "off")]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_release(|connection, _| Box::pin(in_step(connection)))
            .connect_lazy_with(options);
        Database { pool }
    }

    /// Begins a transaction that sees and writes one tenant's rows. No statement in it runs longer than `timeout`.
    pub async fn begin(
        &self,
        tenant: TenantId,
        timeout: Option<Duration>,
    ) -> Result<Transaction<'static, Postgres>, Fault> {
        self.enter("BEGIN", tenant, timeout).await
    }

    /// Begins a read-only transaction in which every statement sees the same moment.
    pub async fn snapshot(
        &self,
        tenant: TenantId,
        timeout: Option<Duration>,
    ) -> Result<Transaction<'static, Postgres>, Fault> {
        self.enter("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", tenant, timeout).await
    }

    /// Begins a transaction before the tenant is known; it sees nothing but the list of tenants.
    pub async fn begin_global(&self) -> Result<Transaction<'static, Postgres>, Fault> {
        self.open("BEGIN").await
    }

    /// Begins a transaction, to its end even if the caller gives up meanwhile: a BEGIN dropped half-way leaves its
    /// connection in a transaction that the pool knows nothing of, and whoever is given that connection next in it.
    async fn open(&self, begin: &'static str) -> Result<Transaction<'static, Postgres>, Fault> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(begin).await });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)).map_err(fault)
    }

    async fn enter(
        &self,
        begin: &'static str,
        tenant: TenantId,
        timeout: Option<Duration>,
    ) -> Result<Transaction<'static, Postgres>, Fault> {
        let mut tx = self.open(begin).await?;
        // SET takes no parameters; what is formatted here are a parsed UUID and an integer.
        let tenant = format!("SET LOCAL app.tenant_id = '{tenant}'");
        sqlx::query(AssertSqlSafe(tenant)).execute(&mut *tx).await.map_err(fault)?;
        if let Some(timeout) = timeout {
            let timeout = format!("SET LOCAL statement_timeout = {}", timeout.as_millis().max(1));
            sqlx::query(AssertSqlSafe(timeout)).execute(&mut *tx).await.map_err(fault)?;
        }
        Ok(tx)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        let mut connection = self.pool.acquire().await.map_err(fault)?;
        connection.ping().await.map_err(fault)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Has the rest of the transaction join whole sets by hash or merge.
///
/// Until the database has looked at a table that was just loaded, it takes a tenant's part of it for a row or
/// two, and a nested loop over a million rows does not end.
pub(crate) async fn join_sets(conn: &mut Conn) -> Result<(), Fault> {
    sqlx::query("SET LOCAL enable_nestloop = off").execute(conn).await.map_err(fault)?;
    Ok(())
}

/// Whether a connection that comes back answers what it is asked, else it is closed.
///
/// A request dropped within a COPY leaves its connection an answer behind: the next would read what this one
/// was told.
async fn in_step(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let asked: i64 = rand::random();
    let answered: i64 = sqlx::query_scalar("select $1::bigint").bind(asked).fetch_one(connection).await?;
    Ok(answered == asked)
}

/// Turns a failure of the database into a fault for the caller; the cause goes to the log only.
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    /// SQLSTATE of a statement that ran into `statement_timeout`.
    const QUERY_CANCELED: &str = "57014";
    let down = |class: &str| class.starts_with("57P") || class.starts_with("08") || class.starts_with("53");
    let code = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
    match (&error, code.as_deref()) {
        (_, Some(QUERY_CANCELED)) => {
            Fault::new(Reason::DeadlineExceeded, "the deadline passed before the database answered")
        }
        (
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_),
            _,
        ) => unavailable(&error),
        (_, Some(code)) if down(code) => unavailable(&error),
        _ => {
            tracing::error!(error.cause = %error, "database statement failed");
            Fault::new(Reason::Internal, "internal error; the cause is in the server's log")
        }
    }
}

fn unavailable(error: &sqlx::Error) -> Fault {
    tracing::warn!(error.cause = %error, "database unavailable");
    Fault::new(Reason::DatabaseUnavailable, "the database does not answer")
}

/// A row that says what no write of ours can have said: `attain verify` names it.
pub(crate) fn corrupt(what: impl std::fmt::Display) -> Fault {
    tracing::error!(error.cause = %what, "stored row cannot be read");
    Fault::new(Reason::Internal, "internal error; the cause is in the server's log")
}

/// What every function of this layer takes.
pub(crate) type Conn = PgConnection;

/// What is kept of a row's personal values once they are erased: their salted hashes, in the order of their fields.
pub(crate) type Erased = Option<Vec<Option<Digest>>>;

/// The hash that is kept of one personal value, by its place among them.
pub(crate) fn kept(erased: &Erased, place: usize) -> Option<&Digest> {
    erased.as_ref()?.get(place)?.as_ref()
}

/// Writes a digest or a salt as SQL reads it from JSON.
pub(crate) fn bytea<'a, S: serde::Serializer>(
    bytes: impl Into<Option<&'a Digest>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match bytes.into() {
        Some(bytes) => serializer.collect_str(&format_args!("\\x{}", encode::hex(bytes))),
        None => serializer.serialize_none(),
    }
}
