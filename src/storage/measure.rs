//! Measures.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::condition::{Formula, Root};
use crate::domain::deal::EventKind;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{MeasureId, RoleId, TenantId};
use crate::domain::measure::{Combine, CreditKind, Measure, MeasureValue, Selection, Source, Unit};
use crate::domain::number::{QUANTITY_DECIMALS, Quantity};

use super::{Conn, RowCheck, Stored, Written, bytea, corrupt, fault, number};

/// A measure has what selects credits, or how values are combined.
#[derive(Serialize)]
struct Row {
    measure_id: String,
    name: String,
    event_kind: Option<String>,
    credit_kind: Option<String>,
    levels: Option<i32>,
    roles: Option<Vec<String>>,
    value_kind: Option<String>,
    step: Option<Decimal>,
    combine: Option<String>,
    condition: Option<String>,
    expression: Option<String>,
    expression_unit: Option<String>,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(measure: &Measure, n: i64) -> Result<Self, Fault> {
        let levels = |selection: &Selection| {
            i32::try_from(selection.levels).map_err(|_| {
                Fault::field("levels", format_args!("must be at most {}, got {}", i32::MAX, selection.levels))
            })
        };
        let (selection, combine) = match &measure.source {
            Source::Credits(selection) => (Some(selection), None),
            Source::Outside(combine) => (None, Some(combine)),
        };
        let step = measure.step.map(|step| number::to_sql(i128::from(step.0), QUANTITY_DECIMALS));
        let mut row = Row {
            measure_id: measure.id.to_string(),
            name: measure.name.clone(),
            event_kind: selection.map(|selection| selection.event.name().to_string()),
            credit_kind: selection.map(|selection| selection.credit.name().to_string()),
            levels: selection.map(levels).transpose()?,
            roles: selection.map(|selection| selection.roles.iter().map(RoleId::to_string).collect()),
            value_kind: selection.map(|selection| selection.value.name().to_string()),
            step: step.transpose()?,
            combine: combine.map(|combine| combine.name().to_string()),
            condition: selection.and_then(|selection| selection.condition.as_ref()).map(Formula::to_string),
            expression: selection.and_then(|selection| selection.expression.as_ref()).map(Formula::to_string),
            expression_unit: match selection.map(|selection| selection.value) {
                Some(MeasureValue::Expression(unit)) => Some(unit.name().to_string()),
                _ => None,
            },
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        let mut record = Record::new("measure", 1)
            .text(1, &self.measure_id)
            .text(2, &self.name)
            .opt(3, self.event_kind.as_ref())
            .opt(4, self.credit_kind.as_ref())
            .opt(5, self.levels);
        if let Some(roles) = &self.roles {
            let each = Record::new("roles", 1);
            let each = roles.iter().zip(1_u16..).fold(each, |each, (role, at)| each.text(at, role));
            record = record.bytes(6, &each.into_bytes());
        }
        record
            .opt(7, self.value_kind.as_ref())
            .opt(8, self.step.map(|step| step.normalize()))
            .opt(9, self.combine.as_ref())
            .opt(10, self.condition.as_ref())
            .opt(11, self.expression.as_ref())
            .opt(12, self.expression_unit.as_ref())
    }

    fn read(self) -> Result<Stored<Measure>, Fault> {
        let step = self.step.map(|step| number::small_from_sql(step, QUANTITY_DECIMALS).map(Quantity));
        let value = Measure {
            id: MeasureId::try_new(&self.measure_id).map_err(corrupt)?,
            source: self.source().ok_or_else(|| corrupt(format_args!("measure {}", self.measure_id)))?,
            step: step.transpose()?,
            name: self.name,
        };
        Ok(Stored { value, added_in: self.added_in })
    }

    /// Where its figures come from, if that is said in one way and can be read.
    fn source(&self) -> Option<Source> {
        let Row { event_kind, credit_kind, levels, roles, value_kind, combine, .. } = self;
        let unit = match &self.expression_unit {
            Some(unit) => Some(Unit::parse(unit)?),
            None => None,
        };
        // What was checked when it was saved is read by the same rules.
        let read = |text: &Option<String>, read: fn(&str) -> Option<Formula>| match text {
            Some(text) => read(text).map(Some),
            None => Some(None),
        };
        match (event_kind, credit_kind, levels, roles, value_kind, combine) {
            (Some(event), Some(credit), Some(levels), Some(roles), Some(value), None) => {
                Some(Source::Credits(Selection {
                    event: EventKind::ALL.into_iter().find(|kind| kind.name() == event)?,
                    credit: CreditKind::parse(credit)?,
                    levels: u32::try_from(*levels).ok()?,
                    roles: roles.iter().map(|role| RoleId::try_new(role).ok()).collect::<Option<_>>()?,
                    value: MeasureValue::parse(value, unit)?,
                    condition: read(&self.condition, |text| Formula::condition(text, &Root::ALL).ok())?,
                    expression: read(&self.expression, |text| {
                        Formula::expression(text, &Root::OF_EVENT).ok()
                    })?,
                }))
            }
            (None, None, None, None, None, Some(combine)) => Combine::parse(combine).map(Source::Outside),
            _ => None,
        }
    }
}

/// Writes what is new or different in change `n`. No measure is named twice.
pub async fn upsert(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    measures: &[Measure],
) -> Result<Written, Fault> {
    let rows = measures.iter().map(|measure| Row::new(measure, n)).collect::<Result<Vec<_>, _>>()?;
    let mark = sqlx::query!(
        "update measure c set removed_in = $2 from jsonb_populate_recordset(null::measure, $3) as r
        where c.tenant_id = $1 and c.measure_id = r.measure_id and c.removed_in is null
            and (c.name, c.event_kind, c.credit_kind, c.levels, c.roles, c.value_kind, c.step, c.combine,
                    c.condition, c.expression, c.expression_unit)
                is distinct from (r.name, r.event_kind, r.credit_kind, r.levels, r.roles, r.value_kind,
                    r.step, r.combine, r.condition, r.expression, r.expression_unit)",
        tenant.0,
        n,
        Json(&rows) as _
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into measure (tenant_id, measure_id, name, event_kind, credit_kind, levels, roles, value_kind,
            step, combine, condition, expression, expression_unit, digest, added_in)
        select $1, r.measure_id, r.name, r.event_kind, r.credit_kind, r.levels, r.roles, r.value_kind,
            r.step, r.combine, r.condition, r.expression, r.expression_unit, r.digest, r.added_in
        from jsonb_populate_recordset(null::measure, $2) as r
        where not exists (select from measure c
            where c.tenant_id = $1 and c.measure_id = r.measure_id and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// Finds a measure as of change `as_of`.
pub async fn get(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &MeasureId,
) -> Result<Option<Stored<Measure>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select measure_id, name, event_kind, credit_kind, levels, roles, value_kind, step, combine,
            condition, expression, expression_unit, digest as "digest: Digest", added_in
        from measure
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and measure_id = $3"#,
        tenant.0,
        as_of,
        id.as_str()
    );
    query.fetch_optional(conn).await.map_err(fault)?.map(Row::read).transpose()
}

/// Lists at most `limit` measures after `after` by id, as of change `as_of`.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    after: Option<&MeasureId>,
    limit: i64,
) -> Result<Vec<Stored<Measure>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select measure_id, name, event_kind, credit_kind, levels, roles, value_kind, step, combine,
            condition, expression, expression_unit, digest as "digest: Digest", added_in
        from measure
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and measure_id > $3
        order by measure_id limit $4"#,
        tenant.0,
        as_of,
        after.map_or("", MeasureId::as_str),
        limit
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// All measures as of change `as_of`, by id.
pub async fn all(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Vec<Measure>, Fault> {
    let stored = list(conn, tenant, as_of, None, i64::MAX).await?;
    Ok(stored.into_iter().map(|stored| stored.value).collect())
}

/// Which of these measures do not exist now.
pub async fn missing(conn: &mut Conn, tenant: TenantId, ids: &[MeasureId]) -> Result<Vec<MeasureId>, Fault> {
    let texts: Vec<String> = ids.iter().map(MeasureId::to_string).collect();
    let query = sqlx::query_scalar!(
        r#"select distinct id as "id!" from unnest($2::text[]) as id
        where not exists (select from measure m
            where m.tenant_id = $1 and m.measure_id = id and m.removed_in is null)
        order by id"#,
        tenant.0,
        &texts
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(|id| MeasureId::try_new(id).map_err(corrupt)).collect()
}

/// Which of these measures a quota, a value or any published plan version names: such a measure never changes.
pub async fn in_use(conn: &mut Conn, tenant: TenantId, ids: &[MeasureId]) -> Result<Vec<MeasureId>, Fault> {
    let texts: Vec<String> = ids.iter().map(MeasureId::to_string).collect();
    // Whatever a plan's component is, the measures it names stand under keys of these names; a matrix pays on CREDITS.
    let query = sqlx::query_scalar!(
        r#"select distinct id as "id!" from unnest($2::text[]) as id
        where exists (select from quota q
                where q.tenant_id = $1 and q.measure_id = id and q.removed_in is null)
            or exists (select from quota q
                where q.tenant_id = $1 and q.reports_measure_id = id and q.removed_in is null)
            or exists (select from outside_value o
                where o.tenant_id = $1 and o.measure_id = id and o.removed_in is null)
            or id in (select jsonb_path_query(p.body::jsonb, path) #>> '{}'
                from plan_version p
                    cross join (values ('$.**.measure'::jsonpath), ('$.**.line'), ('$.**.CREDITS')) as paths (path)
                where p.tenant_id = $1 and p.removed_in is null)
        order by id"#,
        tenant.0,
        &texts
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(|id| MeasureId::try_new(id).map_err(corrupt)).collect()
}

/// Computes the digest of every version of every row again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select measure_id, name, event_kind, credit_kind, levels, roles, value_kind, step, combine,
            condition, expression, expression_unit, digest as "digest: Digest", added_in
        from measure where tenant_id = $1 order by measure_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck::new("measure", &row.measure_id, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
