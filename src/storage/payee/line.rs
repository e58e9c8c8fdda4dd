//! The reporting line on a day: up to the top, and down by one level.

use crate::domain::date::Day;
use crate::domain::fault::Fault;
use crate::domain::id::{PayeeId, TenantId};

use super::super::{Conn, corrupt, fault};

/// The managers above a payee on a day, from the nearest to the top, with their titles. Lines run only through
/// assignments in force.
pub async fn managers(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &PayeeId,
    day: Day,
) -> Result<Vec<(PayeeId, Option<String>)>, Fault> {
    // Lines never lead back to their start; what was altered behind our back must still end.
    let query = sqlx::query!(
        r#"with recursive line as (
            select 0 as level, a.payee_id, a.manager_id, a.title from assignment a
            where a.tenant_id = $1 and a.added_in <= $2 and (a.removed_in is null or a.removed_in > $2)
                and a.payee_id = $3 and a.start_date <= $4 and (a.end_date is null or a.end_date > $4)
            union all
            select l.level + 1, a.payee_id, a.manager_id, a.title
            from line l join assignment a on a.payee_id = l.manager_id
            where a.tenant_id = $1 and a.added_in <= $2 and (a.removed_in is null or a.removed_in > $2)
                and a.start_date <= $4 and (a.end_date is null or a.end_date > $4)
        ) cycle payee_id set looped using path
        select payee_id as "payee_id!", title from line where level > 0 and not looped order by level"#,
        tenant.0,
        as_of,
        id.as_str(),
        day.date()
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    let managers =
        rows.into_iter().map(|row| Ok((PayeeId::try_new(&row.payee_id).map_err(corrupt)?, row.title)));
    managers.collect()
}

/// At most `limit` payees that report to one on a day, after `after` by id, with their titles: none where it has no
/// assignment in force itself.
pub async fn reports(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &PayeeId,
    day: Day,
    after: Option<&PayeeId>,
    limit: i64,
) -> Result<Vec<(PayeeId, Option<String>)>, Fault> {
    let query = sqlx::query!(
        r#"select a.payee_id, a.title from assignment a
        where a.tenant_id = $1 and a.added_in <= $2 and (a.removed_in is null or a.removed_in > $2)
            and a.manager_id = $3 and a.start_date <= $4 and (a.end_date is null or a.end_date > $4)
            and a.payee_id > $5
            and exists (select from assignment m
                where m.tenant_id = $1 and m.added_in <= $2 and (m.removed_in is null or m.removed_in > $2)
                    and m.payee_id = $3 and m.start_date <= $4 and (m.end_date is null or m.end_date > $4))
        order by a.payee_id limit $6"#,
        tenant.0,
        as_of,
        id.as_str(),
        day.date(),
        after.map_or("", PayeeId::as_str),
        limit
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    let reports =
        rows.into_iter().map(|row| Ok((PayeeId::try_new(&row.payee_id).map_err(corrupt)?, row.title)));
    reports.collect()
}
