//! Quotas. Rows hold major units and windows as the tenant's calendar writes them.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::date::Calendar;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{MeasureId, PayeeId, TenantId};
use crate::domain::quota::{Quota, QuotaKey};

use super::{Conn, RowCheck, Stored, Written, bytea, corrupt, fault, number};

#[derive(Serialize)]
struct Row {
    payee_id: String,
    measure_id: String,
    window_id: String,
    amount: Decimal,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(quota: &Quota, calendar: &Calendar, n: i64) -> Result<Self, Fault> {
        let mut row = Row {
            payee_id: quota.key.payee.to_string(),
            measure_id: quota.key.measure.to_string(),
            window_id: calendar.window_text(quota.key.window),
            amount: number::to_sql(i128::from(quota.amount), calendar.currency.minor_digits())?,
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        Record::new("quota", 1)
            .text(1, &self.payee_id)
            .text(2, &self.measure_id)
            .text(3, &self.window_id)
            .text(4, &self.amount.normalize().to_string())
    }

    fn read(self, calendar: &Calendar) -> Result<Stored<Quota>, Fault> {
        let key = QuotaKey {
            payee: PayeeId::try_new(&self.payee_id).map_err(corrupt)?,
            measure: MeasureId::try_new(&self.measure_id).map_err(corrupt)?,
            window: calendar.parse_window(&self.window_id).map_err(corrupt)?,
        };
        let amount = number::small_from_sql(self.amount, calendar.currency.minor_digits())?;
        Ok(Stored { value: Quota { key, amount }, added_in: self.added_in })
    }
}

/// Writes what is new or different in change `n`. No key is named twice.
pub async fn set(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    calendar: &Calendar,
    quotas: &[Quota],
) -> Result<Written, Fault> {
    let rows = quotas.iter().map(|quota| Row::new(quota, calendar, n)).collect::<Result<Vec<_>, _>>()?;
    let mark = sqlx::query!(
        "update quota c set removed_in = $2 from jsonb_populate_recordset(null::quota, $3) as r
        where c.tenant_id = $1 and c.payee_id = r.payee_id and c.measure_id = r.measure_id
            and c.window_id = r.window_id and c.removed_in is null and c.amount is distinct from r.amount",
        tenant.0,
        n,
        Json(&rows) as _
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into quota (tenant_id, payee_id, measure_id, window_id, amount, digest, added_in)
        select $1, r.payee_id, r.measure_id, r.window_id, r.amount, r.digest, r.added_in
        from jsonb_populate_recordset(null::quota, $2) as r
        where not exists (select from quota c
            where c.tenant_id = $1 and c.payee_id = r.payee_id and c.measure_id = r.measure_id
                and c.window_id = r.window_id and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// Finds a quota as of change `as_of`.
pub async fn get(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    calendar: &Calendar,
    key: &QuotaKey,
) -> Result<Option<Stored<Quota>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select payee_id, measure_id, window_id, amount, digest as "digest: Digest", added_in
        from quota
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and payee_id = $3 and measure_id = $4 and window_id = $5"#,
        tenant.0,
        as_of,
        key.payee.as_str(),
        key.measure.as_str(),
        calendar.window_text(key.window)
    );
    let row = query.fetch_optional(conn).await.map_err(fault)?;
    row.map(|row| row.read(calendar)).transpose()
}

/// What a list of quotas is narrowed to; where absent, all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Of one payee.
    pub payee: Option<&'a PayeeId>,
    /// For one measure.
    pub measure: Option<&'a MeasureId>,
}

/// Lists at most `limit` quotas after `after`, as of change `as_of`: by payee, measure and the window's text.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    calendar: &Calendar,
    selection: Selection<'_>,
    after: Option<&QuotaKey>,
    limit: i64,
) -> Result<Vec<Stored<Quota>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select payee_id, measure_id, window_id, amount, digest as "digest: Digest", added_in
        from quota
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and ($3::text is null or payee_id = $3) and ($4::text is null or measure_id = $4)
            and (payee_id, measure_id, window_id) > ($5, $6, $7)
        order by payee_id, measure_id, window_id limit $8"#,
        tenant.0,
        as_of,
        selection.payee.map(PayeeId::as_str),
        selection.measure.map(MeasureId::as_str),
        after.map_or("", |key| key.payee.as_str()),
        after.map_or("", |key| key.measure.as_str()),
        after.map_or(String::new(), |key| calendar.window_text(key.window)),
        limit
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.into_iter().map(|row| row.read(calendar)).collect()
}

/// All quotas as of change `as_of`: by payee, measure and the window's text.
pub async fn all(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    calendar: &Calendar,
) -> Result<Vec<Quota>, Fault> {
    let stored = list(conn, tenant, as_of, calendar, Selection::default(), None, i64::MAX).await?;
    Ok(stored.into_iter().map(|stored| stored.value).collect())
}

/// Computes the digest of every version of every row again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select payee_id, measure_id, window_id, amount, digest as "digest: Digest", added_in
        from quota where tenant_id = $1 order by payee_id, measure_id, window_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format_args!("{} {} {}", row.payee_id, row.measure_id, row.window_id);
        visit(RowCheck::new("quota", key, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
