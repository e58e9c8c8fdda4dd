//! The journal: numbered changes, each chained to the one before by its hash.
//!
//! Whoever writes locks the head first, inserts rows with `added_in` and marks rows with `removed_in`
//! at the head's number plus one, and appends the change last. Readers never lock.

use chrono::{DateTime, SubsecRound as _, Utc};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::domain::change::{Change, Noun};
use crate::domain::encode::{Digest, digest};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{RequestId, TenantId};

use super::{Conn, corrupt, fault, touched};

/// Where a tenant's journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last change; 0 before the first.
    pub number: i64,
    /// Its hash; zeros before the first.
    pub hash: Digest,
    /// The last change to the ledger; 0 before the first.
    pub ledger: i64,
}

/// Who changes something, and why.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key's id, or `attain` for the command line.
    pub actor: &'a str,
    /// By which call.
    pub rpc: &'a str,
    /// Under which request id.
    pub request_id: &'a RequestId,
    /// Digest of the request's body.
    pub request_digest: Digest,
    /// Free text of a person, kept salted.
    pub reason: Option<&'a str>,
    /// When; cut to whole microseconds, and never before the change it follows.
    pub time: DateTime<Utc>,
}

/// A change as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// What the hash is made of.
    pub change: Change,
    /// The hash that was stored.
    pub hash: Digest,
    /// The reason's text, where one was given.
    pub reason: Option<String>,
}

/// Reads where the journal stands, without a lock.
pub async fn head(conn: &mut Conn, tenant: TenantId) -> Result<Head, Fault> {
    let query = sqlx::query_as!(
        Head,
        r#"select number, hash as "hash: Digest", ledger from head where tenant_id = $1"#,
        tenant.0
    );
    let head = query.fetch_optional(conn).await.map_err(fault)?;
    head.ok_or_else(|| corrupt(format_args!("tenant {tenant} has no head")))
}

/// When a change was made; `None` of no change.
pub async fn time(conn: &mut Conn, tenant: TenantId, number: i64) -> Result<Option<DateTime<Utc>>, Fault> {
    let query =
        sqlx::query_scalar!("select time from change where tenant_id = $1 and number = $2", tenant.0, number);
    query.fetch_optional(conn).await.map_err(fault)
}

/// Waits for the tenant's other writers and keeps the next ones waiting until the transaction ends.
pub async fn lock(conn: &mut Conn, tenant: TenantId) -> Result<Head, Fault> {
    let query = sqlx::query_as!(
        Head,
        r#"select number, hash as "hash: Digest", ledger from head where tenant_id = $1 for update"#,
        tenant.0
    );
    let head = query.fetch_optional(conn).await.map_err(fault)?;
    head.ok_or_else(|| corrupt(format_args!("tenant {tenant} has no head")))
}

/// Answers what the call answered when this request id was used first, or `None` if it is new.
///
/// Certain only under the head's lock. `REQUEST_ID_REUSED` if it was used by another call or with another body.
pub async fn replay(
    conn: &mut Conn,
    tenant: TenantId,
    rpc: &str,
    request_id: &RequestId,
    digest: &Digest,
) -> Result<Option<Vec<u8>>, Fault> {
    let query = sqlx::query!(
        r#"select number, rpc, request_digest as "request_digest: Digest", answer
        from change where tenant_id = $1 and request_id = $2"#,
        tenant.0,
        request_id.as_str()
    );
    match query.fetch_optional(conn).await.map_err(fault)? {
        None => Ok(None),
        Some(first) if first.rpc == rpc && first.request_digest == *digest => Ok(Some(first.answer)),
        Some(first) => {
            let message = format!(
                "request id {request_id} was used for change {}, by another call or body",
                first.number
            );
            Err(Fault::new(Reason::RequestIdReused, message)
                .with("request_id", request_id)
                .with("change", first.number))
        }
    }
}

/// Writes the change after `head`, which the caller holds locked, and answers its number.
///
/// The rows of the change are in their tables already. `ledger` says that the change is one to the ledger.
pub async fn append(
    conn: &mut Conn,
    tenant: TenantId,
    head: &Head,
    entry: &Entry<'_>,
    answer: &[u8],
    ledger: bool,
) -> Result<i64, Fault> {
    let number = head.number.checked_add(1).ok_or_else(|| corrupt("the journal is full"))?;
    let salt = entry.reason.map(|_| rand::random::<[u8; 32]>());
    let reason_digest = salt.zip(entry.reason).map(|(salt, reason)| salted(&salt, reason));
    // Clocks of servers differ; the journal's goes forward, so that an instant finds one number.
    let last = time(&mut *conn, tenant, head.number).await?;
    let time = last.map_or(entry.time, |last| last.max(entry.time));
    let change = Change {
        number,
        previous_hash: head.hash,
        time: time.trunc_subsecs(6),
        actor: entry.actor.to_string(),
        rpc: entry.rpc.to_string(),
        request_id: entry.request_id.to_string(),
        request_digest: entry.request_digest,
        reason_digest,
        rows_digest: rows_digest(&mut *conn, tenant, number).await?,
        answer_digest: digest(answer),
    };
    let hash = change.hash(&tenant.to_string());
    let query = sqlx::query!(
        "with advanced as (
            update head set number = $2::bigint, hash = $4, ledger = $5
            where tenant_id = $1 and number = $2::bigint - 1 and hash = $3
            returning tenant_id
        )
        insert into change (tenant_id, number, previous_hash, hash, time, actor, rpc, request_id,
            request_digest, reason, reason_salt, reason_digest, rows_digest, answer)
        select tenant_id, $2::bigint, $3, $4, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 from advanced",
        tenant.0,
        number,
        change.previous_hash.as_slice(),
        hash.as_slice(),
        if ledger { number } else { head.ledger },
        change.time,
        change.actor,
        change.rpc,
        change.request_id,
        change.request_digest.as_slice(),
        entry.reason,
        salt.as_ref().map(<[u8; 32]>::as_slice),
        change.reason_digest.as_ref().map(Digest::as_slice),
        change.rows_digest.as_slice(),
        answer
    );
    match query.execute(conn).await.map_err(fault)?.rows_affected() {
        1 => Ok(number),
        _ => Err(corrupt(format_args!(
            "the head of tenant {tenant} moved from {} under its lock",
            head.number
        ))),
    }
}

/// SHA-256 of salt and reason.
pub(crate) fn salted(salt: &[u8], reason: &str) -> Digest {
    digest(&[salt, reason.as_bytes()].concat())
}

/// SHA-256 over the sorted digests of the rows that a change added and superseded, of facts and ledger alike.
pub(crate) async fn rows_digest(conn: &mut Conn, tenant: TenantId, number: i64) -> Result<Digest, Fault> {
    // Two dozen index look-ups take longer to plan than to do: plan them once per connection, not per change.
    sqlx::query("SET LOCAL plan_cache_mode = force_generic_plan").execute(&mut *conn).await.map_err(fault)?;
    let query = sqlx::query_file_scalar!("src/storage/rows_digest.sql", tenant.0, number);
    query.fetch_one(conn).await.map_err(fault)
}

/// Which changes to list; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// By whom.
    pub actor: Option<String>,
    /// By which call.
    pub rpc: Option<String>,
    /// That touched a kind of row.
    pub noun: Option<Noun>,
    /// That touched the rows of that kind whose key begins with these parts, joined by `/`.
    pub key: Option<String>,
}

/// Lists at most `limit` changes after `after`, up to and with `as_of`, in order.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    filter: &ChangeFilter,
    after: i64,
    as_of: i64,
    limit: i64,
) -> Result<Vec<StoredChange>, Fault> {
    let key = filter.key.as_deref().map(touched::parts).unwrap_or_default();
    let condition = filter.noun.map_or("true".to_string(), |noun| touched::condition(noun, &key));
    // What is formatted are names of ours.
    let statement = format!(
        "select number, previous_hash, hash, time, actor, rpc, request_id, request_digest, reason, reason_digest,
            rows_digest, sha256(answer) as answer_digest
        from change c
        where tenant_id = $1 and number > $2 and number <= $3
            and ($4::text is null or actor = $4) and ($5::text is null or rpc = $5)
            and ($6::text[] is null or true) and ({condition})
        order by number limit $7"
    );
    let query = sqlx::query(AssertSqlSafe(statement)).bind(tenant.0).bind(after).bind(as_of);
    let query = query.bind(&filter.actor).bind(&filter.rpc).bind(key).bind(limit);
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(stored).collect::<Result<_, _>>().map_err(fault)
}

fn stored(row: &PgRow) -> Result<StoredChange, sqlx::Error> {
    let change = Change {
        number: row.try_get("number")?,
        previous_hash: row.try_get("previous_hash")?,
        time: row.try_get("time")?,
        actor: row.try_get("actor")?,
        rpc: row.try_get("rpc")?,
        request_id: row.try_get("request_id")?,
        request_digest: row.try_get("request_digest")?,
        reason_digest: row.try_get("reason_digest")?,
        rows_digest: row.try_get("rows_digest")?,
        answer_digest: row.try_get("answer_digest")?,
    };
    Ok(StoredChange { change, hash: row.try_get("hash")?, reason: row.try_get("reason")? })
}

/// The last change recorded at or before an instant, up to and with `as_of`: its number and when it was recorded.
pub async fn at(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    instant: DateTime<Utc>,
) -> Result<Option<(i64, DateTime<Utc>)>, Fault> {
    let query = sqlx::query!(
        "select number, time from change where tenant_id = $1 and time <= $2 and number <= $3
        order by time desc, number desc limit 1",
        tenant.0,
        instant,
        as_of
    );
    Ok(query.fetch_optional(conn).await.map_err(fault)?.map(|found| (found.number, found.time)))
}
