//! Brings a database to the schema of this binary, as the user of its URL.
//!
//! A migration file is never edited once it is out: its digest is kept with its number. A statement ends at
//! a line that ends in a semicolon and is sent on its own; a file's statements and its row are one transaction.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::domain::encode::digest;

use super::Conn;

/// One file of `migrations/`.
struct Migration {
    number: i32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: [Migration; 14] = [
    Migration { number: 1, name: "journal", sql: include_str!("../../migrations/0001_journal.sql") },
    Migration { number: 2, name: "facts", sql: include_str!("../../migrations/0002_facts.sql") },
    Migration { number: 3, name: "ledger", sql: include_str!("../../migrations/0003_ledger.sql") },
    Migration { number: 4, name: "access", sql: include_str!("../../migrations/0004_access.sql") },
    Migration { number: 5, name: "time", sql: include_str!("../../migrations/0005_time.sql") },
    Migration { number: 6, name: "rules", sql: include_str!("../../migrations/0006_rules.sql") },
    Migration { number: 7, name: "people", sql: include_str!("../../migrations/0007_people.sql") },
    Migration { number: 8, name: "versions", sql: include_str!("../../migrations/0008_versions.sql") },
    Migration { number: 9, name: "conditions", sql: include_str!("../../migrations/0009_conditions.sql") },
    Migration { number: 10, name: "currency", sql: include_str!("../../migrations/0010_currency.sql") },
    Migration { number: 11, name: "outside", sql: include_str!("../../migrations/0011_outside.sql") },
    Migration { number: 12, name: "territories", sql: include_str!("../../migrations/0012_territories.sql") },
    Migration { number: 13, name: "planning", sql: include_str!("../../migrations/0013_planning.sql") },
    Migration {
        number: 15,
        name: "quota versions",
        sql: include_str!("../../migrations/0015_quota_versions.sql"),
    },
];

/// The oldest server that works, as `server_version_num` has it.
const OLDEST_SERVER: i32 = 150_000;
/// From this server on, being a member of a role and being allowed to switch to it are two things.
const SET_PRIVILEGE: i32 = 160_000;
/// Key of the advisory lock that one migrating binary holds per database: "attain" in bytes.
const LOCK: i64 = 0x61_74_74_61_69_6e;

/// Why a database cannot be brought to this binary's schema.
#[derive(Debug, thiserror::Error)]
pub enum MigrateFault {
    #[error("database {database} at {server} cannot be reached: {source}")]
    Unreachable { database: String, server: String, source: sqlx::Error },
    #[error("the server is PostgreSQL {0}, attain needs 15 or newer")]
    ServerTooOld(String),
    #[error(
        "the database was migrated to schema {database} by a newer attain, this one knows up to {binary}"
    )]
    Newer { database: i32, binary: i32 },
    #[error("migration {number} ({name}) was applied with another text than this attain has")]
    Altered { number: i32, name: &'static str },
    #[error("migration {number} ({name}) failed: {source}")]
    Failed { number: i32, name: &'static str, source: sqlx::Error },
    #[error("the database refused to be prepared for migrations: {0}")]
    Refused(#[from] sqlx::Error),
}

/// Makes the database `attain` on the private server, if it is not there; `options` lead to the server's own
/// database. Safe to run from several binaries at once.
pub async fn create_database(options: &PgConnectOptions) -> Result<(), MigrateFault> {
    const EXISTS: &str = "select exists (select from pg_database where datname = 'attain')";
    let connected = sqlx::PgConnection::connect_with(options).await;
    let mut conn = connected.map_err(|source| unreachable_at(options, source))?;
    ensure(&mut conn, EXISTS, "create database attain").await?;
    conn.close().await?;
    Ok(())
}

/// Applies every migration that the database has not seen and answers the schema's number.
///
/// Safe to run from several binaries at once: one migrates, the others wait and find it done.
pub async fn run(options: &PgConnectOptions) -> Result<u32, MigrateFault> {
    // Whatever schema the user's own name may lead to, the tables belong where the service's role looks.
    let pinned = options.clone().options([("search_path", "public")]);
    let connected = sqlx::PgConnection::connect_with(&pinned).await;
    let mut conn = connected.map_err(|source| unreachable_at(options, source))?;
    let server: String = sqlx::query_scalar("show server_version_num").fetch_one(&mut conn).await?;
    let server: i32 = server.parse().map_err(|_| MigrateFault::ServerTooOld(server.clone()))?;
    if server < OLDEST_SERVER {
        return Err(MigrateFault::ServerTooOld(format!("{}.{}", server / 10_000, server % 10_000)));
    }
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut conn).await?;
    ensure_role(&mut conn, server).await?;
    let number = apply(&mut conn).await?;
    // Closing gives the lock back; so does losing the connection on an error above.
    conn.close().await?;
    Ok(number.unsigned_abs())
}

fn unreachable_at(options: &PgConnectOptions, source: sqlx::Error) -> MigrateFault {
    let server = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or(options.get_username()).to_string();
    MigrateFault::Unreachable { database, server, source }
}

/// Makes the service's role and lets the migrating user switch to it.
///
/// Roles belong to the whole server, the lock to one database: another one may be doing the same, so a
/// statement that fails counts as done if what it was to bring about is there.
async fn ensure_role(conn: &mut Conn, server: i32) -> Result<(), sqlx::Error> {
    const EXISTS: &str = "select exists (select from pg_roles where rolname = 'attain_service')";
    const MEMBER: &str = "select pg_has_role(current_user, 'attain_service', 'MEMBER')";
    const MAY_SET: &str = "select pg_has_role(current_user, 'attain_service', 'SET')";
    let granted = if server < SET_PRIVILEGE { MEMBER } else { MAY_SET };
    ensure(conn, EXISTS, "create role attain_service nologin").await?;
    ensure(conn, granted, "grant attain_service to current_user").await
}

async fn ensure(conn: &mut Conn, check: &'static str, statement: &'static str) -> Result<(), sqlx::Error> {
    if sqlx::query_scalar(check).fetch_one(&mut *conn).await? {
        return Ok(());
    }
    match sqlx::raw_sql(statement).execute(&mut *conn).await {
        Ok(_) => Ok(()),
        Err(error) if sqlx::query_scalar(check).fetch_one(&mut *conn).await? => {
            tracing::debug!(error.cause = %error, "another one prepared the server at the same time");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn apply(conn: &mut Conn) -> Result<i32, MigrateFault> {
    sqlx::raw_sql(
        "create table if not exists attain_migration (
            number integer not null,
            name text not null,
            digest bytea not null,
            applied_time timestamptz not null,
            constraint attain_migration_pkey primary key (number)
        )",
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query_as("select number, digest from attain_migration order by number");
    let applied: Vec<(i32, Vec<u8>)> = rows.fetch_all(&mut *conn).await?;
    let known = MIGRATIONS.iter().map(|migration| migration.number).max().unwrap_or_default();
    if let Some((database, _)) = applied.last().filter(|(number, _)| *number > known) {
        return Err(MigrateFault::Newer { database: *database, binary: known });
    }
    for migration in &MIGRATIONS {
        let Migration { number, name, sql } = *migration;
        match applied.iter().find(|(applied, _)| *applied == number) {
            Some((_, recorded)) if recorded == digest(sql.as_bytes()).as_slice() => {}
            Some(_) => return Err(MigrateFault::Altered { number, name }),
            None => {
                step(conn, migration).await.map_err(|source| MigrateFault::Failed { number, name, source })?
            }
        }
    }
    // A migration may have granted more on all tables; of this one the service only reads.
    sqlx::raw_sql("revoke all on attain_migration from attain_service").execute(&mut *conn).await?;
    sqlx::raw_sql("grant select on attain_migration to attain_service").execute(&mut *conn).await?;
    Ok(known)
}

async fn step(conn: &mut Conn, migration: &Migration) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin().await?;
    for statement in statements(migration.sql) {
        // The text is this binary's own.
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
    }
    sqlx::query(
        "insert into attain_migration (number, name, digest, applied_time) values ($1, $2, $3, now())",
    )
    .bind(migration.number)
    .bind(migration.name)
    .bind(digest(migration.sql.as_bytes()))
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Splits a file into statements: one ends at a line that ends in a semicolon; lines of comment are left out.
fn statements(sql: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut statement = String::new();
    for line in sql.lines().map(str::trim_end) {
        if line.is_empty() || line.trim_start().starts_with("--") {
            continue;
        }
        statement.push_str(line);
        statement.push('\n');
        if line.ends_with(';') {
            statements.push(std::mem::take(&mut statement));
        }
    }
    if !statement.is_empty() {
        statements.push(statement);
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_at_a_line_that_ends_in_a_semicolon() {
        for (sql, expected) in [
            ("", vec![]),
            ("-- nothing;\n\n", vec![]),
            ("select 1;", vec!["select 1;\n"]),
            ("select 1;\nselect 2;\n", vec!["select 1;\n", "select 2;\n"]),
            (
                "create table t (\n    -- a; comment;\n    a int\n);  \n",
                vec!["create table t (\n    a int\n);\n"],
            ),
            ("select ';' as a,\n  2;\r\n", vec!["select ';' as a,\n  2;\n"]),
            ("select 1; select 2;", vec!["select 1; select 2;\n"]),
            ("select 1;\nselect 2", vec!["select 1;\n", "select 2\n"]),
        ] {
            assert_eq!(statements(sql), expected, "{sql:?}");
        }
    }

    #[test]
    fn migrations_are_numbered_in_order_and_end_every_statement() {
        assert!(MIGRATIONS.is_sorted_by(|a, b| a.number < b.number));
        for migration in &MIGRATIONS {
            let number = migration.number;
            let statements = statements(migration.sql);
            assert!(!statements.is_empty(), "{}", migration.name);
            for statement in statements {
                assert!(statement.ends_with(";\n"), "migration {number}: {statement}");
                assert_eq!(statement.matches(';').count(), 1, "migration {number}: {statement}");
            }
        }
    }
}
