//! Plans being written: facts like others, each with the text that its author wrote.

use tokio_stream::StreamExt as _;

use crate::domain::date::Period;
use crate::domain::draft::Draft;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{DraftId, TenantId};

use super::{Conn, RowCheck, Stored, Written, corrupt, fault};

struct Row {
    draft_id: String,
    effective_from: Option<String>,
    body: String,
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn record(&self) -> Record {
        Record::new("plan_draft", 1)
            .text(1, &self.draft_id)
            .opt(2, self.effective_from.as_ref())
            .text(3, &self.body)
    }

    fn read(self) -> Result<Stored<Draft>, Fault> {
        let from = self.effective_from.as_deref().map(Period::parse).transpose();
        let value = Draft {
            id: DraftId::try_new(&self.draft_id).map_err(corrupt)?,
            body: self.body,
            effective_from: from.map_err(corrupt)?,
        };
        Ok(Stored { value, added_in: self.added_in })
    }
}

/// Writes a draft in change `n` if it is new or different.
pub async fn save(conn: &mut Conn, tenant: TenantId, n: i64, draft: &Draft) -> Result<Written, Fault> {
    let known = get(&mut *conn, tenant, n, &draft.id).await?;
    if known.as_ref().is_some_and(|known| known.value == *draft) {
        return Ok(Written { written: 0, unchanged: 1 });
    }
    if known.is_some() {
        discard(&mut *conn, tenant, n, &draft.id).await?;
    }
    let mut row = Row {
        draft_id: draft.id.to_string(),
        effective_from: draft.effective_from.map(|from| from.to_string()),
        body: draft.body.clone(),
        digest: Digest::default(),
        added_in: n,
    };
    row.digest = row.record().digest();
    let query = sqlx::query!(
        "insert into plan_draft (tenant_id, draft_id, effective_from, body, digest, added_in)
        values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        row.draft_id,
        row.effective_from,
        row.body,
        row.digest.as_slice(),
        row.added_in
    );
    query.execute(conn).await.map_err(fault)?;
    Ok(Written { written: 1, unchanged: 0 })
}

/// Takes a draft away in change `n`.
pub async fn discard(conn: &mut Conn, tenant: TenantId, n: i64, id: &DraftId) -> Result<(), Fault> {
    let query = sqlx::query!(
        "update plan_draft set removed_in = $2 where tenant_id = $1 and draft_id = $3 and removed_in is null",
        tenant.0,
        n,
        id.as_str()
    );
    query.execute(conn).await.map_err(fault)?;
    Ok(())
}

/// Finds a draft as of change `as_of`.
pub async fn get(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &DraftId,
) -> Result<Option<Stored<Draft>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select draft_id, effective_from, body, digest as "digest: Digest", added_in
        from plan_draft
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and draft_id = $3"#,
        tenant.0,
        as_of,
        id.as_str()
    );
    query.fetch_optional(conn).await.map_err(fault)?.map(Row::read).transpose()
}

/// Lists at most `limit` drafts after `after` by id, as of change `as_of`.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    after: Option<&DraftId>,
    limit: i64,
) -> Result<Vec<Stored<Draft>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select draft_id, effective_from, body, digest as "digest: Digest", added_in
        from plan_draft
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and draft_id > $3
        order by draft_id limit $4"#,
        tenant.0,
        as_of,
        after.map_or("", DraftId::as_str),
        limit
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// Computes the digest of every version of every row again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select draft_id, effective_from, body, digest as "digest: Digest", added_in
        from plan_draft where tenant_id = $1 order by draft_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck::new("plan_draft", &row.draft_id, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
