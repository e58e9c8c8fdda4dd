//! Values of outside measures. A row without a value says that what was told before was taken back.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::date::Day;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{MeasureId, PayeeId, TenantId};
use crate::domain::number::{QUANTITY_DECIMALS, Quantity};
use crate::domain::outside::{OutsideValue, ValueKey};
use crate::domain::version::SourceVersion;

use super::{Conn, RowCheck, Stored, Written, bytea, corrupt, fault, number};

#[derive(Serialize)]
struct Row {
    payee_id: String,
    measure_id: String,
    value_date: NaiveDate,
    value: Option<Decimal>,
    source_version: Option<i64>,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(told: &OutsideValue, n: i64) -> Result<Self, Fault> {
        let value = told.value.map(|value| number::to_sql(i128::from(value.0), QUANTITY_DECIMALS));
        let mut row = Row {
            payee_id: told.key.payee.to_string(),
            measure_id: told.key.measure.to_string(),
            value_date: told.key.day.date(),
            value: value.transpose()?,
            source_version: told.source_version.map(SourceVersion::get),
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        Record::new("outside_value", 1)
            .text(1, &self.payee_id)
            .text(2, &self.measure_id)
            .text(3, &self.value_date.to_string())
            .opt(4, self.value.map(|value| value.normalize()))
            .opt(5, self.source_version)
    }

    fn read(self) -> Result<Stored<OutsideValue>, Fault> {
        let day = Day::from_date(self.value_date);
        let value = self.value.map(|value| number::small_from_sql(value, QUANTITY_DECIMALS).map(Quantity));
        let key = ValueKey {
            payee: PayeeId::try_new(&self.payee_id).map_err(corrupt)?,
            measure: MeasureId::try_new(&self.measure_id).map_err(corrupt)?,
            day: day.ok_or_else(|| corrupt(format_args!("day {}", self.value_date)))?,
        };
        let source_version = self.source_version.map(SourceVersion::try_new).transpose().map_err(corrupt)?;
        let value = OutsideValue { key, value: value.transpose()?, source_version };
        Ok(Stored { value, added_in: self.added_in })
    }
}

/// Writes what is new or different in change `n`. No key is named twice.
pub async fn record(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    values: &[OutsideValue],
) -> Result<Written, Fault> {
    let rows = values.iter().map(|value| Row::new(value, n)).collect::<Result<Vec<_>, _>>()?;
    let mark = sqlx::query!(
        "update outside_value c set removed_in = $2 from jsonb_populate_recordset(null::outside_value, $3) as r
        where c.tenant_id = $1 and c.payee_id = r.payee_id and c.measure_id = r.measure_id
            and c.value_date = r.value_date and c.removed_in is null
            and (c.value, c.source_version) is distinct from (r.value, r.source_version)",
        tenant.0,
        n,
        Json(&rows) as _
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into outside_value (tenant_id, payee_id, measure_id, value_date, value, source_version, digest,
            added_in)
        select $1, r.payee_id, r.measure_id, r.value_date, r.value, r.source_version, r.digest, r.added_in
        from jsonb_populate_recordset(null::outside_value, $2) as r
        where not exists (select from outside_value c
            where c.tenant_id = $1 and c.payee_id = r.payee_id and c.measure_id = r.measure_id
                and c.value_date = r.value_date and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// Which of these are told now, those taken back among them.
pub async fn among(
    conn: &mut Conn,
    tenant: TenantId,
    keys: &[&ValueKey],
) -> Result<Vec<Stored<OutsideValue>>, Fault> {
    let payees: Vec<String> = keys.iter().map(|key| key.payee.to_string()).collect();
    let measures: Vec<String> = keys.iter().map(|key| key.measure.to_string()).collect();
    let days: Vec<NaiveDate> = keys.iter().map(|key| key.day.date()).collect();
    let query = sqlx::query_as!(
        Row,
        r#"select o.payee_id, o.measure_id, o.value_date, o.value, o.source_version,
            o.digest as "digest: Digest", o.added_in
        from unnest($2::text[], $3::text[], $4::date[]) as k (payee_id, measure_id, value_date)
        join outside_value o on o.tenant_id = $1 and o.payee_id = k.payee_id and o.measure_id = k.measure_id
            and o.value_date = k.value_date and o.removed_in is null"#,
        tenant.0,
        &payees,
        &measures,
        &days
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// What a list of values is narrowed to; where absent, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of one payee.
    pub payee: Option<PayeeId>,
    /// Of one measure.
    pub measure: Option<MeasureId>,
    /// From this day on.
    pub from: Option<Day>,
    /// Before this day.
    pub to: Option<Day>,
}

/// Lists at most `limit` values after `after`, as of change `as_of`: by payee, measure and day. What was taken back is
/// left out.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    selection: &Selection,
    after: Option<&ValueKey>,
    limit: i64,
) -> Result<Vec<Stored<OutsideValue>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select payee_id, measure_id, value_date, value, source_version, digest as "digest: Digest", added_in
        from outside_value
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and value is not null
            and ($3::text is null or payee_id = $3) and ($4::text is null or measure_id = $4)
            and ($5::date is null or value_date >= $5) and ($6::date is null or value_date < $6)
            and (payee_id, measure_id, value_date) > ($7, $8, $9)
        order by payee_id, measure_id, value_date limit $10"#,
        tenant.0,
        as_of,
        selection.payee.as_ref().map(PayeeId::as_str),
        selection.measure.as_ref().map(MeasureId::as_str),
        selection.from.map(Day::date),
        selection.to.map(Day::date),
        after.map_or("", |key| key.payee.as_str()),
        after.map_or("", |key| key.measure.as_str()),
        after.map_or(Day::EARLIEST, |key| key.day).date(),
        limit
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// All values as of change `as_of`, by payee, measure and day.
pub async fn all(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Vec<OutsideValue>, Fault> {
    let stored = list(conn, tenant, as_of, &Selection::default(), None, i64::MAX).await?;
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
        r#"select payee_id, measure_id, value_date, value, source_version, digest as "digest: Digest", added_in
        from outside_value where tenant_id = $1 order by payee_id, measure_id, value_date, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format_args!("{} {} {}", row.payee_id, row.measure_id, row.value_date);
        visit(RowCheck::new("outside_value", key, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
