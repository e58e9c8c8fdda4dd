//! Revisions of the rules that a tenant has accepted: its closes name one, and so does every acceptance after them.

use tokio_stream::StreamExt as _;

use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::TenantId;

use super::super::{Conn, RowCheck, corrupt, fault};

fn record(revision: i32) -> Record {
    Record::new("rules_acceptance", 1).opt(1, Some(revision))
}

/// Writes in change `n` that a revision is accepted.
pub async fn accept_rules(conn: &mut Conn, tenant: TenantId, n: i64, revision: u32) -> Result<(), Fault> {
    let revision = i32::try_from(revision).map_err(corrupt)?;
    let digest = record(revision).digest();
    let insert = sqlx::query!(
        "insert into rules_acceptance (tenant_id, rules_revision, digest, added_in) values ($1, $2, $3, $4)",
        tenant.0,
        revision,
        digest.as_slice(),
        n
    );
    insert.execute(conn).await.map_err(fault)?;
    Ok(())
}

/// The revision that the last close was made under, or that was accepted since, as of change `as_of`; none before the
/// first close.
pub async fn accepted_rules(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Option<u32>, Fault> {
    let query = sqlx::query_scalar!(
        r#"select rules_revision as "rules_revision!" from (
            select rules_revision, added_in from period_close where tenant_id = $1 and added_in <= $2
            union all
            select rules_revision, added_in from rules_acceptance where tenant_id = $1 and added_in <= $2
        ) as accepted order by added_in desc limit 1"#,
        tenant.0,
        as_of
    );
    let revision = query.fetch_optional(conn).await.map_err(fault)?;
    revision.map(|revision| u32::try_from(revision).map_err(corrupt)).transpose()
}

/// Computes the digest of every acceptance again.
pub(crate) async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query!(
        r#"select rules_revision, digest as "digest: Digest", added_in
        from rules_acceptance where tenant_id = $1 order by added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let (key, record) = (row.rules_revision, record(row.rules_revision));
        visit(RowCheck::new("rules_acceptance", key, row.added_in, row.digest, &record));
    }
    Ok(())
}
