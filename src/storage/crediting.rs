//! Crediting rules. They are told as one list; credits are JSON text.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::condition::{Formula, Root};
use crate::domain::date::Day;
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{CreditingRuleId, TenantId};
use crate::domain::territory::CreditingRule;

use super::{Conn, RowCheck, Written, bytea, corrupt, fault};

#[derive(Serialize)]
struct Row {
    rule_id: String,
    place: i32,
    name: String,
    start_date: NaiveDate,
    end_date: Option<NaiveDate>,
    condition: Option<String>,
    credits: String,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(place: i32, rule: &CreditingRule, n: i64) -> Result<Self, Fault> {
        let mut row = Row {
            rule_id: rule.id.to_string(),
            place,
            name: rule.name.clone(),
            start_date: rule.from.date(),
            end_date: rule.to.map(Day::date),
            condition: rule.condition.as_ref().map(|condition| condition.text().to_string()),
            credits: serde_json::to_string(&rule.credits).map_err(corrupt)?,
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        Record::new("crediting_rule", 1)
            .text(1, &self.rule_id)
            .text(2, &self.place.to_string())
            .text(3, &self.name)
            .text(4, &self.start_date.to_string())
            .opt(5, self.end_date)
            .opt(6, self.condition.as_ref())
            .text(7, &self.credits)
    }

    fn read(self) -> Result<CreditingRule, Fault> {
        let day = |date| Day::from_date(date).ok_or_else(|| corrupt(format_args!("day {date}")));
        let condition = self.condition.as_deref().map(|text| Formula::condition(text, &Root::OF_EVENT));
        let unreadable = |faults| corrupt(format_args!("crediting rule {}: {faults:?}", self.rule_id));
        Ok(CreditingRule {
            id: CreditingRuleId::try_new(&self.rule_id).map_err(corrupt)?,
            from: day(self.start_date)?,
            to: self.end_date.map(day).transpose()?,
            condition: condition.transpose().map_err(unreadable)?,
            credits: serde_json::from_str(&self.credits).map_err(corrupt)?,
            name: self.name,
        })
    }
}

/// Puts a list of rules in the place of the one there was, in change `n`: what is new, different or gone.
pub async fn set(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    rules: &[CreditingRule],
) -> Result<Written, Fault> {
    let rows = (1..).zip(rules).map(|(place, rule)| Row::new(place, rule, n));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mark = sqlx::query!(
        "update crediting_rule c set removed_in = $2
        where c.tenant_id = $1 and c.removed_in is null
            and c.digest not in (select r.digest from jsonb_populate_recordset(null::crediting_rule, $3) as r)",
        tenant.0,
        n,
        Json(&rows) as _
    );
    let gone = mark.execute(&mut *conn).await.map_err(fault)?.rows_affected();
    let insert = sqlx::query!(
        "insert into crediting_rule (tenant_id, rule_id, place, name, start_date, end_date, condition, credits,
            digest, added_in)
        select $1, r.rule_id, r.place, r.name, r.start_date, r.end_date, r.condition, r.credits, r.digest, r.added_in
        from jsonb_populate_recordset(null::crediting_rule, $2) as r
        where not exists (select from crediting_rule c
            where c.tenant_id = $1 and c.rule_id = r.rule_id and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    // A rule that is only gone is a difference too.
    Ok(Written { written: written.max(gone), ..Written::of(rows.len(), written) })
}

/// The rules as of change `as_of`, in their order.
pub async fn all(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<Vec<CreditingRule>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select rule_id, place, name, start_date, end_date, condition, credits, digest as "digest: Digest", added_in
        from crediting_rule
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
        order by place"#,
        tenant.0,
        as_of
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// The change that last wrote the list as of change `as_of`; 0 if there never was one.
pub async fn etag(conn: &mut Conn, tenant: TenantId, as_of: i64) -> Result<i64, Fault> {
    let query = sqlx::query_scalar!(
        r#"select coalesce(max(greatest(added_in, case when removed_in <= $2 then removed_in end)), 0) as "etag!"
        from crediting_rule where tenant_id = $1 and added_in <= $2"#,
        tenant.0,
        as_of
    );
    query.fetch_one(conn).await.map_err(fault)
}

/// Computes the digest of every version of every row again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select rule_id, place, name, start_date, end_date, condition, credits, digest as "digest: Digest", added_in
        from crediting_rule where tenant_id = $1 order by rule_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck::new("crediting_rule", &row.rule_id, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
