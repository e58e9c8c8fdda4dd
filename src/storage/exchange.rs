//! Rates of exchange, by currency and day.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::date::Day;
use crate::domain::encode::{Digest, Record};
use crate::domain::exchange::{ExchangeRate, RATE_DECIMALS, Rate, RateKey};
use crate::domain::fault::Fault;
use crate::domain::id::TenantId;
use crate::domain::money::Currency;

use super::{Conn, RowCheck, Stored, Written, bytea, corrupt, fault, number};

#[derive(Serialize)]
struct Row {
    currency: String,
    rate_date: String,
    rate: Decimal,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(rate: &ExchangeRate, n: i64) -> Result<Self, Fault> {
        let mut row = Row {
            currency: rate.key.currency.to_string(),
            rate_date: rate.key.day.to_string(),
            rate: number::to_sql(i128::from(rate.rate.0), RATE_DECIMALS)?,
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        Record::new("exchange_rate", 1)
            .text(1, &self.currency)
            .text(2, &self.rate_date)
            .text(3, &self.rate.normalize().to_string())
    }

    fn read(self) -> Result<Stored<ExchangeRate>, Fault> {
        let currency = Currency::parse(&self.currency).map_err(corrupt)?;
        let key = RateKey { currency, day: Day::parse(&self.rate_date).map_err(corrupt)? };
        let rate = Rate(number::small_from_sql(self.rate, RATE_DECIMALS)?);
        Ok(Stored { value: ExchangeRate { key, rate }, added_in: self.added_in })
    }
}

fn columns(keys: &[RateKey]) -> (Vec<String>, Vec<String>) {
    let column = |of: fn(&RateKey) -> String| keys.iter().map(of).collect();
    (column(|key| key.currency.to_string()), column(|key| key.day.to_string()))
}

/// Writes what is new or different in change `n`. No key is named twice.
pub async fn set(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    rates: &[ExchangeRate],
) -> Result<Written, Fault> {
    let rows = rates.iter().map(|rate| Row::new(rate, n)).collect::<Result<Vec<_>, _>>()?;
    let mark = sqlx::query!(
        "update exchange_rate c set removed_in = $2 from jsonb_populate_recordset(null::exchange_rate, $3) as r
        where c.tenant_id = $1 and c.currency = r.currency and c.rate_date = r.rate_date and c.removed_in is null
            and c.rate <> r.rate",
        tenant.0,
        n,
        Json(&rows) as _
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into exchange_rate (tenant_id, currency, rate_date, rate, digest, added_in)
        select $1, r.currency, r.rate_date, r.rate, r.digest, r.added_in
        from jsonb_populate_recordset(null::exchange_rate, $2) as r
        where not exists (select from exchange_rate c
            where c.tenant_id = $1 and c.currency = r.currency and c.rate_date = r.rate_date
                and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// The etags that these rates have now, in their order; 0 for one that does not exist.
pub async fn etags(conn: &mut Conn, tenant: TenantId, keys: &[RateKey]) -> Result<Vec<i64>, Fault> {
    let (currencies, days) = columns(keys);
    let query = sqlx::query_scalar!(
        r#"select coalesce(r.added_in, 0) as "etag!"
        from unnest($2::text[], $3::text[]) with ordinality as k (currency, rate_date, place)
        left join exchange_rate r on r.tenant_id = $1 and r.currency = k.currency
            and r.rate_date = k.rate_date::date and r.removed_in is null
        order by k.place"#,
        tenant.0,
        &currencies,
        &days
    );
    query.fetch_all(conn).await.map_err(fault)
}

/// Which rates to list; what is absent does not narrow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateFilter {
    /// Of one currency.
    pub currency: Option<Currency>,
    /// Of each currency the one that counts on this day: the latest on or before it.
    pub on: Option<Day>,
}

/// Lists at most `limit` rates after `after` as of change `as_of`: by currency and day.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    filter: RateFilter,
    after: Option<RateKey>,
    limit: i64,
) -> Result<Vec<Stored<ExchangeRate>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select r.currency, r.rate_date::text as "rate_date!", r.rate, r.digest as "digest: Digest", r.added_in
        from exchange_rate r
        where r.tenant_id = $1 and r.added_in <= $2 and (r.removed_in is null or r.removed_in > $2)
            and ($3::text is null or r.currency = $3)
            and ($4::text is null or r.rate_date = (select max(l.rate_date) from exchange_rate l
                where l.tenant_id = $1 and l.added_in <= $2 and (l.removed_in is null or l.removed_in > $2)
                    and l.currency = r.currency and l.rate_date <= $4::text::date))
            and (r.currency, r.rate_date) > ($5, $6::text::date)
        order by r.currency, r.rate_date limit $7"#,
        tenant.0,
        as_of,
        filter.currency.map(Currency::code),
        filter.on.map(|day| day.to_string()),
        after.map_or("", |key| key.currency.code()),
        after.map_or(Day::EARLIEST, |key| key.day).to_string(),
        limit
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// All rates as of change `as_of`, by currency and day.
pub async fn all(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Vec<ExchangeRate>, Fault> {
    let stored = list(conn, tenant, as_of, RateFilter::default(), None, i64::MAX).await?;
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
        r#"select currency, rate_date::text as "rate_date!", rate, digest as "digest: Digest", added_in
        from exchange_rate where tenant_id = $1 order by currency, rate_date, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format_args!("{} {}", row.currency, row.rate_date);
        visit(RowCheck::new("exchange_rate", key, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
