//! Payees and their assignments: two tables, one fact. Writing a payee replaces all its assignments.

mod line;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::date::Day;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{PayeeId, PlanId, TenantId, TerritoryId};
use crate::domain::money::Currency;
use crate::domain::payee::{Assignment, Payee, PayeeKind, ReportingLine};
use crate::domain::version::SourceVersion;

use super::{Conn, Erased, RowCheck, Stored, Written, bytea, corrupt, fault, kept, number};

pub use line::{managers, reports};

#[derive(Serialize)]
struct PayeeRow {
    payee_id: String,
    kind: String,
    name: Option<String>,
    email: Option<String>,
    source_version: Option<i64>,
    #[serde(serialize_with = "bytea")]
    salt: Option<[u8; 32]>,
    #[serde(skip)]
    erased: Erased,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl PayeeRow {
    fn new(payee: &Payee, n: i64) -> Self {
        let personal = payee.name.is_some() || payee.email.is_some();
        let mut row = PayeeRow {
            payee_id: payee.id.to_string(),
            kind: payee.kind.name().to_string(),
            name: payee.name.clone(),
            email: payee.email.clone(),
            source_version: payee.source_version.map(SourceVersion::get),
            salt: personal.then(rand::random),
            erased: None,
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        row
    }

    fn record(&self) -> Record {
        let salt = self.salt.unwrap_or_default();
        Record::new("payee", 1)
            .text(1, &self.payee_id)
            .text(2, &self.kind)
            .personal(3, &salt, self.name.as_deref(), kept(&self.erased, 0))
            .personal(4, &salt, self.email.as_deref(), kept(&self.erased, 1))
            .opt(5, self.source_version)
    }

    /// The payee, as yet without assignments.
    fn read(self) -> Result<Stored<Payee>, Fault> {
        let kind = PayeeKind::parse(&self.kind);
        let value = Payee {
            id: PayeeId::try_new(&self.payee_id).map_err(corrupt)?,
            kind: kind.ok_or_else(|| corrupt(format_args!("payee {}: {:?}", self.payee_id, self.kind)))?,
            name: self.name,
            email: self.email,
            assignments: Vec::new(),
            source_version: self.source_version.map(SourceVersion::try_new).transpose().map_err(corrupt)?,
        };
        Ok(Stored { value, added_in: self.added_in })
    }
}

#[derive(Serialize)]
struct AssignmentRow {
    payee_id: String,
    start_date: NaiveDate,
    end_date: Option<NaiveDate>,
    title: Option<String>,
    manager_id: Option<String>,
    territory_id: Option<String>,
    plan_id: Option<String>,
    target_incentive: Option<Decimal>,
    currency: String,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl AssignmentRow {
    fn new(payee: &PayeeId, assignment: &Assignment, n: i64) -> Result<Self, Fault> {
        let digits = assignment.currency.minor_digits();
        let target = assignment.target_incentive.map(|minor| number::to_sql(i128::from(minor), digits));
        let mut row = AssignmentRow {
            payee_id: payee.to_string(),
            start_date: assignment.from.date(),
            end_date: assignment.to.map(Day::date),
            title: assignment.title.clone(),
            manager_id: assignment.manager.as_ref().map(PayeeId::to_string),
            territory_id: assignment.territory.as_ref().map(TerritoryId::to_string),
            plan_id: assignment.plan.as_ref().map(PlanId::to_string),
            target_incentive: target.transpose()?,
            currency: assignment.currency.to_string(),
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        Record::new("assignment", 1)
            .text(1, &self.payee_id)
            .text(2, &self.start_date.to_string())
            .opt(3, self.end_date)
            .opt(4, self.title.as_ref())
            .opt(5, self.manager_id.as_ref())
            .opt(6, self.territory_id.as_ref())
            .opt(7, self.plan_id.as_ref())
            .opt(8, self.target_incentive.map(|target| target.normalize()))
            .text(9, &self.currency)
    }

    fn read(self) -> Result<Assignment, Fault> {
        let currency = Currency::parse(&self.currency).map_err(corrupt)?;
        let target = self.target_incentive;
        let target = target.map(|target| number::small_from_sql(target, currency.minor_digits()));
        Ok(Assignment {
            from: day(self.start_date)?,
            to: self.end_date.map(day).transpose()?,
            title: self.title,
            manager: self.manager_id.as_deref().map(PayeeId::try_new).transpose().map_err(corrupt)?,
            territory: self.territory_id.as_deref().map(TerritoryId::try_new).transpose().map_err(corrupt)?,
            plan: self.plan_id.as_deref().map(PlanId::try_new).transpose().map_err(corrupt)?,
            target_incentive: target.transpose()?,
            currency,
        })
    }
}

fn day(date: NaiveDate) -> Result<Day, Fault> {
    Day::from_date(date).ok_or_else(|| corrupt(format_args!("day {date}")))
}

/// Writes what is new or different in change `n`. No payee is named twice.
///
/// An assignment that a payee had and no longer names is superseded. A payee counts as written if its
/// own row or any of its assignments moved.
pub async fn upsert(conn: &mut Conn, tenant: TenantId, n: i64, payees: &[Payee]) -> Result<Written, Fault> {
    let rows: Vec<PayeeRow> = payees.iter().map(|payee| PayeeRow::new(payee, n)).collect();
    let assignments = payees.iter().flat_map(|payee| {
        payee.assignments.iter().map(|assignment| AssignmentRow::new(&payee.id, assignment, n))
    });
    let assignments = assignments.collect::<Result<Vec<_>, _>>()?;
    let mut moved: BTreeSet<String> = BTreeSet::new();
    // An assignment has no personal field, so its digest tells whether anything differs.
    let mark = sqlx::query_scalar!(
        r#"with payees as (
            update payee c set removed_in = $2 from jsonb_populate_recordset(null::payee, $3) as r
            where c.tenant_id = $1 and c.payee_id = r.payee_id and c.removed_in is null
                and (c.kind, c.name, c.email, c.source_version)
                    is distinct from (r.kind, r.name, r.email, r.source_version)
            returning c.payee_id
        ), assignments as (
            update assignment c set removed_in = $2
            where c.tenant_id = $1 and c.removed_in is null
                and c.payee_id in (select r.payee_id from jsonb_populate_recordset(null::payee, $3) as r)
                and c.digest not in (select r.digest from jsonb_populate_recordset(null::assignment, $4) as r)
            returning c.payee_id
        )
        select payee_id as "payee_id!" from payees union select payee_id from assignments"#,
        tenant.0,
        n,
        Json(&rows) as _,
        Json(&assignments) as _
    );
    moved.extend(mark.fetch_all(&mut *conn).await.map_err(fault)?);
    let insert = sqlx::query_scalar!(
        r#"with payees as (
            insert into payee (tenant_id, payee_id, kind, name, email, source_version, salt, digest, added_in)
            select $1, r.payee_id, r.kind, r.name, r.email, r.source_version, r.salt, r.digest, r.added_in
            from jsonb_populate_recordset(null::payee, $2) as r
            where not exists (select from payee c
                where c.tenant_id = $1 and c.payee_id = r.payee_id and c.removed_in is null)
            returning payee_id
        ), assignments as (
            insert into assignment (tenant_id, payee_id, start_date, end_date, title, manager_id, territory_id,
                plan_id, target_incentive, currency, digest, added_in)
            select $1, r.payee_id, r.start_date, r.end_date, r.title, r.manager_id, r.territory_id, r.plan_id,
                r.target_incentive, r.currency, r.digest, r.added_in
            from jsonb_populate_recordset(null::assignment, $3) as r
            where not exists (select from assignment c
                where c.tenant_id = $1 and c.payee_id = r.payee_id and c.start_date = r.start_date
                    and c.removed_in is null)
            returning payee_id
        )
        select payee_id as "payee_id!" from payees union select payee_id from assignments"#,
        tenant.0,
        Json(&rows) as _,
        Json(&assignments) as _
    );
    moved.extend(insert.fetch_all(conn).await.map_err(fault)?);
    let written = u64::try_from(moved.len()).map_err(corrupt)?;
    Ok(Written::of(rows.len(), written))
}

/// Finds a payee as of change `as_of`. Any change of its assignments moves its etag.
pub async fn get(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &PayeeId,
) -> Result<Option<Stored<Payee>>, Fault> {
    Ok(among(conn, tenant, as_of, &[id]).await?.pop())
}

/// Finds those of these payees that exist as of change `as_of`, by id, as [`get`] does.
pub async fn among(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    ids: &[&PayeeId],
) -> Result<Vec<Stored<Payee>>, Fault> {
    let texts: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
    let query = sqlx::query_as!(
        PayeeRow,
        r#"select payee_id, kind, name, email, source_version, salt as "salt: Digest",
            erased as "erased: Vec<Option<Digest>>", digest as "digest: Digest", added_in
        from payee
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and payee_id = any($3)
        order by payee_id"#,
        tenant.0,
        as_of,
        &texts
    );
    let rows = query.fetch_all(&mut *conn).await.map_err(fault)?;
    let mut payees = complete(&mut *conn, tenant, as_of, rows).await?;
    advance_etags(conn, tenant, as_of, &mut payees).await?;
    Ok(payees)
}

/// Names of those of these payees, by id, that have one as of change `as_of`: none of whom it was erased.
pub async fn names(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    ids: &[String],
) -> Result<BTreeMap<String, String>, Fault> {
    let query = sqlx::query!(
        r#"select payee_id, name as "name!"
        from payee
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and payee_id = any($3) and name is not null"#,
        tenant.0,
        as_of,
        ids
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    Ok(rows.into_iter().map(|row| (row.payee_id, row.name)).collect())
}

/// Which payees to list: by the assignment in force on a day. What is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayeeFilter {
    /// Who report to this payee.
    pub manager: Option<PayeeId>,
    /// Who are paid by this plan.
    pub plan: Option<PlanId>,
    /// Who sell in this territory.
    pub territory: Option<TerritoryId>,
}

impl PayeeFilter {
    /// Whether every payee is listed, whatever its assignments.
    pub fn is_open(&self) -> bool {
        *self == PayeeFilter::default()
    }
}

/// Lists at most `limit` payees after `after` by id, as of change `as_of`. A filter that narrows needs the day.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    filter: &PayeeFilter,
    day: Option<Day>,
    after: Option<&PayeeId>,
    limit: i64,
) -> Result<Vec<Stored<Payee>>, Fault> {
    let rows = match filter.is_open() {
        true => page(&mut *conn, tenant, as_of, after, limit).await?,
        false => selected(&mut *conn, tenant, as_of, filter, day, after, limit).await?,
    };
    let mut payees = complete(&mut *conn, tenant, as_of, rows).await?;
    advance_etags(conn, tenant, as_of, &mut payees).await?;
    Ok(payees)
}

/// All payees as of change `as_of`, by id.
pub async fn all(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Vec<Payee>, Fault> {
    let rows = page(&mut *conn, tenant, as_of, None, i64::MAX).await?;
    let payees = complete(conn, tenant, as_of, rows).await?;
    Ok(payees.into_iter().map(|stored| stored.value).collect())
}

async fn page(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    after: Option<&PayeeId>,
    limit: i64,
) -> Result<Vec<PayeeRow>, Fault> {
    let query = sqlx::query_as!(
        PayeeRow,
        r#"select payee_id, kind, name, email, source_version, salt as "salt: Digest",
            erased as "erased: Vec<Option<Digest>>", digest as "digest: Digest", added_in
        from payee
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and payee_id > $3
        order by payee_id limit $4"#,
        tenant.0,
        as_of,
        after.map_or("", PayeeId::as_str),
        limit
    );
    query.fetch_all(conn).await.map_err(fault)
}

/// As [`page`], of those whose assignment in force on a day a filter takes.
async fn selected(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    filter: &PayeeFilter,
    day: Option<Day>,
    after: Option<&PayeeId>,
    limit: i64,
) -> Result<Vec<PayeeRow>, Fault> {
    let query = sqlx::query_as!(
        PayeeRow,
        r#"select payee_id, kind, name, email, source_version, salt as "salt: Digest",
            erased as "erased: Vec<Option<Digest>>", digest as "digest: Digest", added_in
        from payee p
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and payee_id > $3
            and exists (select from assignment a
                where a.tenant_id = $1 and a.added_in <= $2 and (a.removed_in is null or a.removed_in > $2)
                    and a.payee_id = p.payee_id and a.start_date <= $5 and (a.end_date is null or a.end_date > $5)
                    and ($6::text is null or a.manager_id = $6) and ($7::text is null or a.plan_id = $7)
                    and ($8::text is null or a.territory_id = $8))
        order by payee_id limit $4"#,
        tenant.0,
        as_of,
        after.map_or("", PayeeId::as_str),
        limit,
        day.map(Day::date),
        filter.manager.as_ref().map(PayeeId::as_str),
        filter.plan.as_ref().map(PlanId::as_str),
        filter.territory.as_ref().map(TerritoryId::as_str)
    );
    query.fetch_all(conn).await.map_err(fault)
}

/// Gives rows, in the order of their ids, their assignments, with one query.
async fn complete(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    rows: Vec<PayeeRow>,
) -> Result<Vec<Stored<Payee>>, Fault> {
    let mut payees = rows.into_iter().map(PayeeRow::read).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<String> = payees.iter().map(|payee| payee.value.id.to_string()).collect();
    let query = sqlx::query_as!(
        AssignmentRow,
        r#"select payee_id, start_date, end_date, title, manager_id, territory_id, plan_id, target_incentive,
            currency, digest as "digest: Digest", added_in
        from assignment
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and payee_id = any($3)
        order by payee_id, start_date"#,
        tenant.0,
        as_of,
        &ids
    );
    for row in query.fetch_all(conn).await.map_err(fault)? {
        let place = payees.binary_search_by(|payee| payee.value.id.as_str().cmp(&row.payee_id));
        let place = place.map_err(|_| corrupt(format_args!("assignment of no payee {}", row.payee_id)))?;
        payees[place].value.assignments.push(row.read()?);
    }
    Ok(payees)
}

/// Raises each payee's etag to the last change that added or superseded one of its assignments.
async fn advance_etags(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    payees: &mut [Stored<Payee>],
) -> Result<(), Fault> {
    let ids: Vec<String> = payees.iter().map(|payee| payee.value.id.to_string()).collect();
    let query = sqlx::query!(
        r#"select payee_id, max(greatest(added_in, case when removed_in <= $2 then removed_in end)) as "moved!"
        from assignment
        where tenant_id = $1 and added_in <= $2 and payee_id = any($3)
        group by payee_id"#,
        tenant.0,
        as_of,
        &ids
    );
    for row in query.fetch_all(conn).await.map_err(fault)? {
        let place = payees.binary_search_by(|payee| payee.value.id.as_str().cmp(&row.payee_id));
        let place = place.map_err(|_| corrupt(format_args!("assignment of no payee {}", row.payee_id)))?;
        payees[place].added_in = payees[place].added_in.max(row.moved);
    }
    Ok(())
}

/// Which of these payees do not exist now.
pub async fn missing(conn: &mut Conn, tenant: TenantId, ids: &[PayeeId]) -> Result<Vec<PayeeId>, Fault> {
    let texts: Vec<String> = ids.iter().map(PayeeId::to_string).collect();
    let query = sqlx::query_scalar!(
        r#"select distinct id as "id!" from unnest($2::text[]) as id
        where not exists (select from payee p
            where p.tenant_id = $1 and p.payee_id = id and p.removed_in is null)
        order by id"#,
        tenant.0,
        &texts
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(|id| PayeeId::try_new(id).map_err(corrupt)).collect()
}

/// All current reporting lines that can be reached upward from these payees, whatever their days.
pub async fn lines_above(
    conn: &mut Conn,
    tenant: TenantId,
    ids: &[PayeeId],
) -> Result<Vec<ReportingLine>, Fault> {
    let texts: Vec<String> = ids.iter().map(PayeeId::to_string).collect();
    // UNION keeps each payee once, so a circle ends the walk.
    let query = sqlx::query!(
        r#"with recursive above (payee_id) as (
            select id collate "C" from unnest($2::text[]) as id
            union
            select a.manager_id from above b join assignment a on a.payee_id = b.payee_id
            where a.tenant_id = $1 and a.removed_in is null and a.manager_id is not null
        )
        select a.payee_id, a.manager_id as "manager_id!", a.start_date, a.end_date
        from above b join assignment a on a.payee_id = b.payee_id
        where a.tenant_id = $1 and a.removed_in is null and a.manager_id is not null
        order by a.payee_id, a.start_date"#,
        tenant.0,
        &texts
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    let lines = rows.into_iter().map(|row| {
        Ok(ReportingLine {
            payee: PayeeId::try_new(&row.payee_id).map_err(corrupt)?,
            manager: PayeeId::try_new(&row.manager_id).map_err(corrupt)?,
            from: day(row.start_date)?,
            to: row.end_date.map(day).transpose()?,
        })
    });
    lines.collect()
}

/// A payee and everyone who on any day reports to it, directly or through others, as of change `as_of`; by id.
pub async fn below(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &PayeeId,
) -> Result<Vec<PayeeId>, Fault> {
    let query = sqlx::query_scalar!(
        r#"with recursive below (payee_id) as (
            select $3::text collate "C"
            union
            select a.payee_id from below b join assignment a on a.manager_id = b.payee_id
            where a.tenant_id = $1 and a.added_in <= $2 and (a.removed_in is null or a.removed_in > $2)
        )
        select payee_id as "payee_id!" from below order by payee_id"#,
        tenant.0,
        as_of,
        id.as_str()
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(|id| PayeeId::try_new(id).map_err(corrupt)).collect()
}

/// Computes the digest of every version of every row of both tables again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut payees = sqlx::query_as!(
        PayeeRow,
        r#"select payee_id, kind, name, email, source_version, salt as "salt: Digest",
            case when erased_in is not null then erased end as "erased: Vec<Option<Digest>>",
            digest as "digest: Digest", added_in
        from payee where tenant_id = $1 order by payee_id, added_in"#,
        tenant.0
    )
    .fetch(&mut *conn);
    while let Some(row) = payees.try_next().await.map_err(fault)? {
        visit(RowCheck::new("payee", &row.payee_id, row.added_in, row.digest, &row.record()));
    }
    drop(payees);
    let mut assignments = sqlx::query_as!(
        AssignmentRow,
        r#"select payee_id, start_date, end_date, title, manager_id, territory_id, plan_id, target_incentive,
            currency, digest as "digest: Digest", added_in
        from assignment where tenant_id = $1 order by payee_id, start_date, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = assignments.try_next().await.map_err(fault)? {
        let key = format_args!("{} {}", row.payee_id, row.start_date);
        visit(RowCheck::new("assignment", key, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
