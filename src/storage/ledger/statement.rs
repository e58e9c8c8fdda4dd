//! Statements as they were at the close, in parts of at most 1 MiB.

use tokio_stream::StreamExt as _;

use crate::domain::date::Period;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{PayeeId, TenantId};

use super::super::{Conn, RowCheck, corrupt, fault};

/// Longest part, in bytes.
const PART: usize = 1024 * 1024;
/// Bytes that one statement writes, unless a single part is longer.
const CHUNK: usize = 4 * 1024 * 1024;

/// A part of a payee's statement, on its way in.
struct Part<'a> {
    payee: &'a PayeeId,
    part: i32,
    body: &'a str,
}

fn record(period: &str, payee: &str, part: i32, body: &str) -> Record {
    Record::new("statement_part", 1).text(1, period).text(2, payee).opt(3, Some(part)).text(4, body)
}

/// Cuts a document between characters.
fn parts<'a>(payee: &'a PayeeId, document: &'a str) -> impl Iterator<Item = Part<'a>> {
    let mut rest = document;
    (0..).map_while(move |part| {
        let (body, after) = rest.split_at(rest.floor_char_boundary(PART));
        rest = after;
        (!body.is_empty()).then_some(Part { payee, part, body })
    })
}

/// Keeps the statements of payees for a period that change `n` closes. None is empty, no payee is named twice.
pub async fn insert_statements(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    period: Period,
    documents: &[(PayeeId, String)],
) -> Result<(), Fault> {
    let mut chunk = Vec::new();
    let mut bytes = 0;
    for part in documents.iter().flat_map(|(payee, document)| parts(payee, document)) {
        bytes += part.body.len();
        chunk.push(part);
        if bytes >= CHUNK {
            insert(&mut *conn, tenant, n, period, &chunk).await?;
            chunk.clear();
            bytes = 0;
        }
    }
    insert(conn, tenant, n, period, &chunk).await
}

async fn insert(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    period: Period,
    parts: &[Part<'_>],
) -> Result<(), Fault> {
    let period = period.to_string();
    let digest = |part: &Part| record(&period, part.payee.as_str(), part.part, part.body).digest();
    let insert = sqlx::query!(
        "insert into statement_part (tenant_id, period, added_in, payee_id, part, body, digest)
        select $1, $2, $3, p.payee_id, p.part, p.body, p.digest
        from unnest($4::text[], $5::integer[], $6::text[], $7::bytea[]) as p(payee_id, part, body, digest)",
        tenant.0,
        period,
        n,
        &parts.iter().map(|part| part.payee.as_str()).collect::<Vec<_>>() as _,
        &parts.iter().map(|part| part.part).collect::<Vec<_>>(),
        &parts.iter().map(|part| part.body).collect::<Vec<_>>() as _,
        &parts.iter().map(digest).collect::<Vec<_>>() as _
    );
    insert.execute(conn).await.map_err(fault)?;
    Ok(())
}

/// Finds the statement of a payee for a closed period, its parts joined.
pub async fn statement(
    conn: &mut Conn,
    tenant: TenantId,
    period: Period,
    payee: &PayeeId,
) -> Result<Option<String>, Fault> {
    let query = sqlx::query!(
        "select part, body from statement_part
        where tenant_id = $1 and period = $2 and payee_id = $3 order by part",
        tenant.0,
        period.to_string(),
        payee.as_str()
    );
    let parts = query.fetch_all(conn).await.map_err(fault)?;
    if !parts.iter().map(|part| part.part).eq((0..).take(parts.len())) {
        return Err(corrupt(format_args!("the statement of {payee} for {period} lacks a part")));
    }
    Ok((!parts.is_empty()).then(|| parts.into_iter().map(|part| part.body).collect()))
}

/// Computes the digest of every part again.
pub(crate) async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query!(
        r#"select period, payee_id, part, body, digest as "digest: Digest", added_in
        from statement_part where tenant_id = $1 order by period, payee_id, part"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck {
            noun: "statement_part",
            key: format!("{} {} part {} of change {}", row.period, row.payee_id, row.part, row.added_in),
            stored: row.digest,
            computed: record(&row.period, &row.payee_id, row.part, &row.body).digest(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_between_characters() {
        let payee = PayeeId::try_new("E-1").unwrap();
        // Three bytes each: the first part ends one byte short of the limit.
        let document = "歩".repeat(PART / 3 + 1);
        let cut: Vec<_> = parts(&payee, &document).map(|part| (part.part, part.body.len())).collect();
        assert_eq!(cut, [(0, PART - 1), (1, 3)]);
        assert_eq!(parts(&payee, &"a".repeat(PART)).count(), 1);
        assert_eq!(parts(&payee, "").count(), 0);
    }
}
