//! Quotas. Rows hold major units and windows as the tenant's calendar writes them.

pub mod version;

use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::date::{Calendar, Window};
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{MeasureId, PayeeId, TenantId};
use crate::domain::measure::Amount;
use crate::domain::money::Currency;
use crate::domain::number::{QUANTITY_DECIMALS, Quantity};
use crate::domain::quota::{AdjustmentKind, Goal, Proration, Quota, QuotaKey};

use super::{Conn, RowCheck, Stored, Written, bytea, corrupt, fault, number};

/// Seasonality, ramp and reliefs are JSON text. What a quota does not have is absent and leaves no trace in its digest.
#[derive(Serialize)]
struct Row {
    payee_id: String,
    measure_id: String,
    window_id: String,
    currency: Option<String>,
    amount: Option<Decimal>,
    units: Option<Decimal>,
    reports_measure_id: Option<String>,
    seasonality: Option<String>,
    ramp: Option<String>,
    proration: Option<String>,
    reliefs: Option<String>,
    adjustment: Option<String>,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(corrupt)
}

fn parsed<T: DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, Fault> {
    text.map(|text| serde_json::from_str(text).map_err(corrupt)).transpose()
}

impl Row {
    fn new(quota: &Quota, calendar: &Calendar, n: i64) -> Result<Self, Fault> {
        let (mut amount, mut units, mut reports) = (None, None, None);
        match &quota.goal {
            Goal::Amount(Amount::Money(minor)) => {
                amount = Some(number::to_sql(i128::from(*minor), quota.currency.minor_digits())?);
            }
            Goal::Amount(Amount::Number(goal)) => {
                units = Some(number::to_sql(i128::from(goal.0), QUANTITY_DECIMALS)?);
            }
            Goal::SumOfReports(measure) => reports = Some(measure.to_string()),
        }
        let proration = Some(quota.proration).filter(|proration| *proration != Proration::default());
        let reliefs = Some(&quota.reliefs).filter(|reliefs| !reliefs.is_empty());
        let mut row = Row {
            payee_id: quota.key.payee.to_string(),
            measure_id: quota.key.measure.to_string(),
            window_id: calendar.window_text(quota.key.window),
            // Absent is the tenant's, as in what was written before quotas had one.
            currency: Some(quota.currency)
                .filter(|currency| quota.has_money() && *currency != calendar.currency)
                .map(|currency| currency.to_string()),
            amount,
            units,
            reports_measure_id: reports,
            seasonality: quota.seasonality.as_ref().map(json).transpose()?,
            ramp: quota.ramp.as_ref().map(json).transpose()?,
            proration: proration.map(|proration| proration.name().to_string()),
            reliefs: reliefs.map(json).transpose()?,
            adjustment: None,
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
            .opt(4, self.amount.map(|amount| amount.normalize()))
            .opt(5, self.units.map(|units| units.normalize()))
            .opt(6, self.reports_measure_id.as_ref())
            .opt(7, self.seasonality.as_ref())
            .opt(8, self.ramp.as_ref())
            .opt(9, self.proration.as_ref())
            .opt(10, self.reliefs.as_ref())
            .opt(11, self.currency.as_ref())
            .opt(12, self.adjustment.as_ref())
    }

    fn read(self, calendar: &Calendar) -> Result<Stored<Quota>, Fault> {
        let unreadable = |what: &str| corrupt(format_args!("quota of {}: {what}", self.payee_id));
        let key = QuotaKey {
            payee: PayeeId::try_new(&self.payee_id).map_err(corrupt)?,
            measure: MeasureId::try_new(&self.measure_id).map_err(corrupt)?,
            window: calendar.parse_window(&self.window_id).map_err(corrupt)?,
        };
        let currency = self.currency.as_deref().map(Currency::parse).transpose().map_err(corrupt)?;
        let currency = currency.unwrap_or(calendar.currency);
        let goal = match (self.amount, self.units, &self.reports_measure_id) {
            (Some(amount), None, None) => {
                let minor = number::small_from_sql(amount, currency.minor_digits())?;
                Goal::Amount(Amount::Money(minor))
            }
            (None, Some(units), None) => {
                Goal::Amount(Amount::Number(Quantity(number::small_from_sql(units, QUANTITY_DECIMALS)?)))
            }
            (None, None, Some(measure)) => Goal::SumOfReports(MeasureId::try_new(measure).map_err(corrupt)?),
            _ => return Err(unreadable("no goal, or more than one")),
        };
        let proration = match &self.proration {
            None => Proration::default(),
            Some(name) => Proration::ALL
                .into_iter()
                .find(|proration| proration.name() == name)
                .ok_or_else(|| unreadable(name))?,
        };
        let value = Quota {
            key,
            currency,
            goal,
            seasonality: parsed(self.seasonality.as_deref())?,
            ramp: parsed(self.ramp.as_deref())?,
            proration,
            reliefs: parsed(self.reliefs.as_deref())?.unwrap_or_default(),
        };
        Ok(Stored { value, added_in: self.added_in })
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
    write(conn, tenant, n, &rows).await
}

/// Writes a quota as an adjustment of a kind in change `n`, if it is different.
pub async fn adjust(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    calendar: &Calendar,
    quota: &Quota,
    kind: AdjustmentKind,
) -> Result<Written, Fault> {
    let mut row = Row::new(quota, calendar, n)?;
    row.adjustment = Some(kind.name().to_string());
    row.digest = row.record().digest();
    write(conn, tenant, n, &[row]).await
}

/// What a version was written for is no difference.
async fn write(conn: &mut Conn, tenant: TenantId, n: i64, rows: &[Row]) -> Result<Written, Fault> {
    let mark = sqlx::query!(
        "update quota c set removed_in = $2 from jsonb_populate_recordset(null::quota, $3) as r
        where c.tenant_id = $1 and c.payee_id = r.payee_id and c.measure_id = r.measure_id
            and c.window_id = r.window_id and c.removed_in is null
            and (c.currency, c.amount, c.units, c.reports_measure_id, c.seasonality, c.ramp, c.proration, c.reliefs)
                is distinct from (r.currency, r.amount, r.units, r.reports_measure_id, r.seasonality, r.ramp, r.proration,
                    r.reliefs)",
        tenant.0,
        n,
        Json(rows) as _
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into quota (tenant_id, payee_id, measure_id, window_id, currency, amount, units,
            reports_measure_id, seasonality, ramp, proration, reliefs, adjustment, digest, added_in)
        select $1, r.payee_id, r.measure_id, r.window_id, r.currency, r.amount, r.units, r.reports_measure_id,
            r.seasonality, r.ramp, r.proration, r.reliefs, r.adjustment, r.digest, r.added_in
        from jsonb_populate_recordset(null::quota, $2) as r
        where not exists (select from quota c
            where c.tenant_id = $1 and c.payee_id = r.payee_id and c.measure_id = r.measure_id
                and c.window_id = r.window_id and c.removed_in is null)",
        tenant.0,
        Json(rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// The etags that these quotas have now, in their order; 0 for one that does not exist.
pub async fn etags(
    conn: &mut Conn,
    tenant: TenantId,
    calendar: &Calendar,
    keys: &[&QuotaKey],
) -> Result<Vec<i64>, Fault> {
    let payees: Vec<String> = keys.iter().map(|key| key.payee.to_string()).collect();
    let measures: Vec<String> = keys.iter().map(|key| key.measure.to_string()).collect();
    let windows: Vec<String> = keys.iter().map(|key| calendar.window_text(key.window)).collect();
    let query = sqlx::query_scalar!(
        r#"select coalesce(q.added_in, 0) as "etag!"
        from unnest($2::text[], $3::text[], $4::text[])
            with ordinality as k (payee_id, measure_id, window_id, place)
        left join quota q on q.tenant_id = $1 and q.payee_id = k.payee_id and q.measure_id = k.measure_id
            and q.window_id = k.window_id and q.removed_in is null
        order by k.place"#,
        tenant.0,
        &payees,
        &measures,
        &windows
    );
    query.fetch_all(conn).await.map_err(fault)
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
        r#"select payee_id, measure_id, window_id, currency, amount, units, reports_measure_id, seasonality,
            ramp, proration, reliefs, adjustment, digest as "digest: Digest", added_in
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
    /// For one of these windows.
    pub windows: Option<&'a [Window]>,
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
    let windows = selection.windows.map(|windows| windows.iter().map(|window| calendar.window_text(*window)));
    let windows: Option<Vec<String>> = windows.map(Iterator::collect);
    let query = sqlx::query_as!(
        Row,
        r#"select payee_id, measure_id, window_id, currency, amount, units, reports_measure_id, seasonality,
            ramp, proration, reliefs, adjustment, digest as "digest: Digest", added_in
        from quota
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and ($3::text is null or payee_id = $3) and ($4::text is null or measure_id = $4)
            and ($9::text[] is null or window_id = any($9))
            and (payee_id, measure_id, window_id) > ($5, $6, $7)
        order by payee_id, measure_id, window_id limit $8"#,
        tenant.0,
        as_of,
        selection.payee.map(PayeeId::as_str),
        selection.measure.map(MeasureId::as_str),
        after.map_or("", |key| key.payee.as_str()),
        after.map_or("", |key| key.measure.as_str()),
        after.map_or(String::new(), |key| calendar.window_text(key.window)),
        limit,
        windows.as_deref() as _
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
        r#"select payee_id, measure_id, window_id, currency, amount, units, reports_measure_id, seasonality,
            ramp, proration, reliefs, adjustment, digest as "digest: Digest", added_in
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
