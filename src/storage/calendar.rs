//! The tenant's calendar: one row at a time.

use tokio_stream::StreamExt as _;

use crate::domain::date::{Calendar, Period};
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::TenantId;
use crate::domain::money::{Currency, Rounding};

use super::{Conn, RowCheck, Stored, Written, corrupt, fault};

struct Row {
    currency: String,
    zone: String,
    fiscal_first_month: i16,
    rounding: String,
    first_period: String,
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(calendar: &Calendar, n: i64) -> Self {
        let mut row = Row {
            currency: calendar.currency.to_string(),
            zone: calendar.zone.name().to_string(),
            fiscal_first_month: i16::from(calendar.fiscal_first_month),
            rounding: calendar.rounding.name().to_string(),
            first_period: calendar.first_period.to_string(),
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        row
    }

    fn record(&self) -> Record {
        Record::new("calendar", 1)
            .text(1, &self.currency)
            .text(2, &self.zone)
            .text(3, &self.fiscal_first_month.to_string())
            .text(4, &self.rounding)
            .text(5, &self.first_period)
    }

    fn read(self) -> Result<Stored<Calendar>, Fault> {
        let zone = self.zone.parse().map_err(|_| corrupt(format_args!("zone {:?}", self.zone)))?;
        let rounding = Rounding::parse(&self.rounding);
        let value = Calendar {
            currency: Currency::parse(&self.currency).map_err(corrupt)?,
            zone,
            fiscal_first_month: u8::try_from(self.fiscal_first_month).map_err(corrupt)?,
            rounding: rounding.ok_or_else(|| corrupt(format_args!("rounding {:?}", self.rounding)))?,
            first_period: Period::parse(&self.first_period).map_err(corrupt)?,
        };
        Ok(Stored { value, added_in: self.added_in })
    }
}

/// Writes the calendar in change `n` if it differs from the one in force.
pub async fn set(conn: &mut Conn, tenant: TenantId, n: i64, calendar: &Calendar) -> Result<Written, Fault> {
    let row = Row::new(calendar, n);
    // No field is personal, so the digest tells whether anything differs.
    let mark = sqlx::query!(
        "update calendar set removed_in = $2 where tenant_id = $1 and removed_in is null and digest <> $3",
        tenant.0,
        n,
        row.digest.as_slice()
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into calendar (tenant_id, currency, zone, fiscal_first_month, rounding, first_period, digest,
            added_in)
        select $1, $2, $3, $4, $5, $6, $7, $8
        where not exists (select from calendar where tenant_id = $1 and removed_in is null)",
        tenant.0,
        row.currency,
        row.zone,
        row.fiscal_first_month,
        row.rounding,
        row.first_period,
        row.digest.as_slice(),
        row.added_in
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(1, written))
}

/// The calendar as of change `as_of`, if there was one.
pub async fn get(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Option<Stored<Calendar>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select currency, zone, fiscal_first_month, rounding, first_period, digest as "digest: Digest", added_in
        from calendar
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)"#,
        tenant.0,
        as_of
    );
    query.fetch_optional(conn).await.map_err(fault)?.map(Row::read).transpose()
}

/// Computes the digest of every version again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select currency, zone, fiscal_first_month, rounding, first_period, digest as "digest: Digest", added_in
        from calendar where tenant_id = $1 order by added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck::new("calendar", "calendar", row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
