//! Tenants: the one table that is read before it is known whose rows may be seen.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use crate::domain::fault::Fault;
use crate::domain::id::TenantId;

use super::{Conn, fault};

/// Makes a tenant and the head of its journal; from here on the transaction is this tenant's.
///
/// `INVALID_REQUEST` on `slug` if another tenant has it.
pub async fn create(conn: &mut Conn, id: TenantId, slug: &str, time: DateTime<Utc>) -> Result<(), Fault> {
    let query = sqlx::query!(
        "insert into tenant (tenant_id, slug, created_time) values ($1, $2, $3)
        on conflict (slug) do nothing",
        id.0,
        slug,
        time
    );
    if query.execute(&mut *conn).await.map_err(fault)?.rows_affected() == 0 {
        return Err(Fault::field("slug", format_args!("must not be taken by another tenant, got {slug:?}")));
    }
    // SET takes no parameters; what is formatted here is a UUID.
    let enter = format!("SET LOCAL app.tenant_id = '{id}'");
    sqlx::query(AssertSqlSafe(enter)).execute(&mut *conn).await.map_err(fault)?;
    let query = sqlx::query!(
        "insert into head (tenant_id, number, hash, ledger) values ($1, 0, $2, 0)",
        id.0,
        [0_u8; 32].as_slice()
    );
    query.execute(conn).await.map_err(fault)?;
    Ok(())
}

/// Finds a tenant by its slug.
pub async fn by_slug(conn: &mut Conn, slug: &str) -> Result<Option<TenantId>, Fault> {
    let query = sqlx::query_scalar!("select tenant_id from tenant where slug = $1", slug);
    Ok(query.fetch_optional(conn).await.map_err(fault)?.map(TenantId))
}

/// Lists all tenants with their slugs, by slug.
pub async fn list(conn: &mut Conn) -> Result<Vec<(TenantId, String)>, Fault> {
    let query = sqlx::query!("select tenant_id, slug from tenant order by slug");
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), row.slug)).collect())
}
