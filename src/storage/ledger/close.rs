//! Closes: what a period was closed on, and what that came to.

use std::collections::BTreeMap;

use tokio_stream::StreamExt as _;

use crate::domain::date::Period;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::TenantId;
use crate::domain::money::Currency;
use crate::domain::number::trimmed;

use super::super::{Conn, RowCheck, corrupt, fault};
use super::{canonical, minor};

/// The close of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The period closed.
    pub period: Period,
    /// The journal number that the figures were computed as of.
    pub as_of: i64,
    /// The revision of the rules that computed them.
    pub rules_revision: u32,
    /// Digest of the figures.
    pub digest: Digest,
    /// How many payees there were.
    pub payees: i64,
    /// How many postings the close made.
    pub postings: i64,
    /// The sums of its postings of kind `EARNED` by currency, in minor units; without any a zero of the tenant's.
    pub totals: BTreeMap<Currency, i128>,
    /// The change that closed it.
    pub change: i64,
}

struct Row {
    period: String,
    as_of: i64,
    rules_revision: i32,
    result_digest: Digest,
    payees: i64,
    postings: i64,
    earned: Vec<String>,
    currencies: Vec<String>,
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn record(&self) -> Record {
        let earned: Vec<String> = self.earned.iter().map(|earned| canonical(earned)).collect();
        Record::new("period_close", 1)
            .text(1, &self.period)
            .opt(2, Some(self.as_of))
            .opt(3, Some(self.rules_revision))
            .bytes(4, &self.result_digest)
            .opt(5, Some(self.payees))
            .opt(6, Some(self.postings))
            .text(7, &earned.join(","))
            .text(8, &self.currencies.join(","))
    }

    fn read(self) -> Result<Close, Fault> {
        let total = |(currency, earned): (&String, &String)| {
            let currency = Currency::parse(currency).map_err(corrupt)?;
            Ok((currency, minor(earned, currency)?))
        };
        if self.currencies.len() != self.earned.len() {
            return Err(corrupt(format_args!("totals of the close of {}", self.period)));
        }
        let totals = self.currencies.iter().zip(&self.earned).map(total).collect::<Result<_, Fault>>()?;
        Ok(Close {
            period: Period::parse(&self.period).map_err(corrupt)?,
            as_of: self.as_of,
            rules_revision: u32::try_from(self.rules_revision).map_err(corrupt)?,
            digest: self.result_digest,
            payees: self.payees,
            postings: self.postings,
            totals,
            change: self.added_in,
        })
    }
}

/// Writes a close, in its own change. A period closes once.
pub async fn insert_close(conn: &mut Conn, tenant: TenantId, close: &Close) -> Result<(), Fault> {
    let mut row = Row {
        period: close.period.to_string(),
        as_of: close.as_of,
        rules_revision: i32::try_from(close.rules_revision).map_err(corrupt)?,
        result_digest: close.digest,
        payees: close.payees,
        postings: close.postings,
        earned: close.totals.iter().map(|(currency, sum)| trimmed(*sum, currency.minor_digits())).collect(),
        currencies: close.totals.keys().map(Currency::to_string).collect(),
        digest: Digest::default(),
        added_in: close.change,
    };
    row.digest = row.record().digest();
    let insert = sqlx::query!(
        "insert into period_close (tenant_id, period, as_of, rules_revision, result_digest, payees, postings,
            earned, currencies, digest, added_in)
        values ($1, $2, $3, $4, $5, $6, $7, $8::text[]::numeric[], $9, $10, $11)",
        tenant.0,
        row.period,
        row.as_of,
        row.rules_revision,
        row.result_digest.as_slice(),
        row.payees,
        row.postings,
        &row.earned,
        &row.currencies,
        row.digest.as_slice(),
        row.added_in
    );
    insert.execute(conn).await.map_err(fault)?;
    Ok(())
}

/// Finds the close of a period, if it is closed.
pub async fn close_of(conn: &mut Conn, tenant: TenantId, period: Period) -> Result<Option<Close>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select period, as_of, rules_revision, result_digest as "result_digest: Digest", payees, postings,
            earned::text[] as "earned!", currencies, digest as "digest: Digest", added_in
        from period_close where tenant_id = $1 and period = $2"#,
        tenant.0,
        period.to_string()
    );
    query.fetch_optional(conn).await.map_err(fault)?.map(Row::read).transpose()
}

/// Finds the close of the last closed period.
pub async fn last_close(conn: &mut Conn, tenant: TenantId) -> Result<Option<Close>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select period, as_of, rules_revision, result_digest as "result_digest: Digest", payees, postings,
            earned::text[] as "earned!", currencies, digest as "digest: Digest", added_in
        from period_close where tenant_id = $1 order by period desc limit 1"#,
        tenant.0
    );
    query.fetch_optional(conn).await.map_err(fault)?.map(Row::read).transpose()
}

/// Lists all closes as of change `as_of`, by period; there are twelve a year.
pub async fn closes(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Vec<Close>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select period, as_of, rules_revision, result_digest as "result_digest: Digest", payees, postings,
            earned::text[] as "earned!", currencies, digest as "digest: Digest", added_in
        from period_close where tenant_id = $1 and added_in <= $2 order by period"#,
        tenant.0,
        as_of
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// Computes the digest of every close again.
pub(crate) async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select period, as_of, rules_revision, result_digest as "result_digest: Digest", payees, postings,
            earned::text[] as "earned!", currencies, digest as "digest: Digest", added_in
        from period_close where tenant_id = $1 order by period"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format!("{} of change {}", row.period, row.added_in);
        visit(RowCheck { noun: "period_close", key, stored: row.digest, computed: row.record().digest() });
    }
    Ok(())
}
