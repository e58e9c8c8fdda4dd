//! Published plan versions. A version never changes: its body is the plan as JSON text.

use std::collections::BTreeMap;

use tokio_stream::StreamExt as _;

use crate::domain::date::Period;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{PlanId, TenantId};
use crate::domain::money::Currency;
use crate::domain::plan::{Plan, PlanVersion};

use super::{Conn, RowCheck, Stored, corrupt, fault};

struct Row {
    plan_id: String,
    version: i32,
    effective_from: String,
    body: String,
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn record(&self) -> Record {
        Record::new("plan_version", 1)
            .text(1, &self.plan_id)
            .text(2, &self.version.to_string())
            .text(3, &self.effective_from)
            .text(4, &self.body)
    }

    fn read(self) -> Result<Stored<PlanVersion>, Fault> {
        let plan: Plan = serde_json::from_str(&self.body)
            .map_err(|error| corrupt(format_args!("plan {}: {error}", self.plan_id)))?;
        let value = PlanVersion {
            version: u32::try_from(self.version).map_err(corrupt)?,
            effective_from: Period::parse(&self.effective_from).map_err(corrupt)?,
            plan,
        };
        Ok(Stored { value, added_in: self.added_in })
    }
}

/// Writes a version in change `n`. The caller knows that it is the plan's next.
pub async fn insert(conn: &mut Conn, tenant: TenantId, n: i64, version: &PlanVersion) -> Result<(), Fault> {
    let mut row = Row {
        plan_id: version.plan.id.to_string(),
        version: i32::try_from(version.version).map_err(corrupt)?,
        effective_from: version.effective_from.to_string(),
        body: serde_json::to_string(&version.plan).map_err(corrupt)?,
        digest: Digest::default(),
        added_in: n,
    };
    row.digest = row.record().digest();
    let query = sqlx::query!(
        "insert into plan_version (tenant_id, plan_id, version, effective_from, body, digest, added_in)
        values ($1, $2, $3, $4, $5, $6, $7)",
        tenant.0,
        row.plan_id,
        row.version,
        row.effective_from,
        row.body,
        row.digest.as_slice(),
        row.added_in
    );
    query.execute(conn).await.map_err(fault)?;
    Ok(())
}

/// The versions of a plan as of change `as_of`, in order; none if there is no such plan.
pub async fn versions(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &PlanId,
) -> Result<Vec<Stored<PlanVersion>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select plan_id, version, effective_from, body, digest as "digest: Digest", added_in
        from plan_version
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and plan_id = $3
        order by version"#,
        tenant.0,
        as_of,
        id.as_str()
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// Lists at most `limit` versions after `after` by plan and version, as of change `as_of`; with a period only the
/// versions in force in it.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    in_force: Option<Period>,
    after: Option<(&PlanId, u32)>,
    limit: i64,
) -> Result<Vec<Stored<PlanVersion>>, Fault> {
    let (plan, version) = after.map_or(("", 0), |(plan, version)| (plan.as_str(), version));
    let query = sqlx::query_as!(
        Row,
        r#"select plan_id, version, effective_from, body, digest as "digest: Digest", added_in
        from plan_version v
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and (plan_id, version) > ($3, $4::bigint)
            and ($6::text is null or effective_from <= $6 and not exists (select from plan_version l
                where l.tenant_id = $1 and l.added_in <= $2 and (l.removed_in is null or l.removed_in > $2)
                    and l.plan_id = v.plan_id and l.version > v.version and l.effective_from <= $6))
        order by plan_id, version limit $5"#,
        tenant.0,
        as_of,
        plan,
        i64::from(version),
        limit,
        in_force.map(|period| period.to_string())
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// All versions as of change `as_of`, by plan and version.
pub async fn all(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Vec<PlanVersion>, Fault> {
    let stored = list(conn, tenant, as_of, None, None, i64::MAX).await?;
    Ok(stored.into_iter().map(|stored| stored.value).collect())
}

/// The currencies of those of these plans that are published as of change `as_of`; no version has another than the
/// first.
pub async fn currencies(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    ids: &[PlanId],
) -> Result<BTreeMap<PlanId, Currency>, Fault> {
    let texts: Vec<String> = ids.iter().map(PlanId::to_string).collect();
    let query = sqlx::query!(
        r#"select plan_id, body::jsonb ->> 'currency' as "currency!" from plan_version
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and version = 1 and plan_id = any($3)"#,
        tenant.0,
        as_of,
        &texts
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?.into_iter();
    let read = |id: &str, currency: &str| {
        Ok((PlanId::try_new(id).map_err(corrupt)?, Currency::parse(currency).map_err(corrupt)?))
    };
    rows.map(|row| read(&row.plan_id, &row.currency)).collect()
}

/// Computes the digest of every row again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select plan_id, version, effective_from, body, digest as "digest: Digest", added_in
        from plan_version where tenant_id = $1 order by plan_id, version, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format_args!("{} version {}", row.plan_id, row.version);
        visit(RowCheck::new("plan_version", key, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
