//! Rows of an import that were set aside, with every reason: nothing is silently dropped.

use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::TenantId;

use super::{Conn, Erased, RowCheck, fault, kept};

/// Rows written by one statement.
const CHUNK: usize = 1000;

/// A row that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its place in the import, from 1.
    pub row: i64,
    /// Where the import says it comes from; personal data, absent once erased.
    pub source: Option<String>,
    /// Everything that is wrong with it, in words that quote it; personal data, none once erased.
    pub reasons: Vec<String>,
    /// The row as it was sent; personal data.
    pub raw: Option<String>,
}

impl RejectedRow {
    fn record(&self, salt: &[u8], erased: &Erased) -> Record {
        let reasons =
            self.reasons.iter().map(|reason| format!("{}:{reason}", reason.len())).collect::<String>();
        let reasons = (erased.is_none() || !reasons.is_empty()).then_some(reasons);
        Record::new("rejected_row", 2)
            .opt(1, Some(self.row))
            .personal(2, salt, self.source.as_deref(), kept(erased, 0))
            .personal(3, salt, reasons.as_deref(), kept(erased, 1))
            .personal(4, salt, self.raw.as_deref(), kept(erased, 2))
    }

    /// The database holds no text with a zero character; what came with one keeps a mark in its place.
    fn storable(&self) -> Self {
        let text = |text: &String| text.replace('\0', "\u{FFFD}");
        RejectedRow {
            row: self.row,
            source: self.source.as_ref().map(text),
            reasons: self.reasons.iter().map(text).collect(),
            raw: self.raw.as_ref().map(text),
        }
    }
}

/// Keeps rows that change `n` set aside. No row is named twice.
pub async fn insert(conn: &mut Conn, tenant: TenantId, n: i64, rows: &[RejectedRow]) -> Result<(), Fault> {
    for chunk in rows.chunks(CHUNK) {
        let chunk: Vec<RejectedRow> = chunk.iter().map(RejectedRow::storable).collect();
        let salts: Vec<[u8; 32]> = chunk.iter().map(|_| rand::random()).collect();
        let digest = |(row, salt): (&RejectedRow, &[u8; 32])| row.record(salt, &None).digest();
        let digests: Vec<Digest> = chunk.iter().zip(&salts).map(digest).collect();
        let numbers: Vec<i64> = chunk.iter().map(|row| row.row).collect();
        let sources: Vec<Option<&str>> = chunk.iter().map(|row| row.source.as_deref()).collect();
        // SQL has no arrays of arrays of different lengths.
        let reasons: Vec<Json<&[String]>> = chunk.iter().map(|row| Json(row.reasons.as_slice())).collect();
        let raws: Vec<Option<&str>> = chunk.iter().map(|row| row.raw.as_deref()).collect();
        let insert = sqlx::query!(
            "insert into rejected_row (tenant_id, added_in, row_number, source, reasons, raw, salt, digest)
            select $1, $2, r.row_number, r.source, array(select reason
                    from jsonb_array_elements_text(r.reasons) with ordinality as e(reason, place) order by place),
                r.raw, r.salt, r.digest
            from unnest($3::bigint[], $4::text[], $5::jsonb[], $6::text[], $7::bytea[], $8::bytea[])
                as r(row_number, source, reasons, raw, salt, digest)",
            tenant.0,
            n,
            &numbers,
            &sources as _,
            &reasons as _,
            &raws as _,
            &salts as _,
            &digests as _
        );
        insert.execute(&mut *conn).await.map_err(fault)?;
    }
    Ok(())
}

/// Lists at most `limit` rows that a change set aside, as of change `as_of`, after `after_row` (0: from the first), in
/// order.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    change: i64,
    after_row: i64,
    limit: i64,
) -> Result<Vec<RejectedRow>, Fault> {
    let query = sqlx::query_as!(
        RejectedRow,
        r#"select row_number as "row", source, reasons, raw from rejected_row
        where tenant_id = $1 and added_in = $2 and added_in <= $5 and (removed_in is null or removed_in > $5)
            and row_number > $3
        order by row_number limit $4"#,
        tenant.0,
        change,
        after_row,
        limit,
        as_of
    );
    query.fetch_all(conn).await.map_err(fault)
}

/// Computes the digest of every row again.
pub(crate) async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query!(
        r#"select row_number, source, reasons, raw, salt,
            case when erased_in is not null then erased end as "erased: Vec<Option<Digest>>",
            digest as "digest: Digest", added_in
        from rejected_row where tenant_id = $1 order by added_in, row_number"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format!("{} of change {}", row.row_number, row.added_in);
        let (salt, erased, stored) = (row.salt, row.erased, row.digest);
        let row = RejectedRow { row: row.row_number, source: row.source, reasons: row.reasons, raw: row.raw };
        let computed = row.record(salt.as_deref().unwrap_or_default(), &erased).digest();
        visit(RowCheck { noun: "rejected_row", key, stored, computed });
    }
    Ok(())
}
