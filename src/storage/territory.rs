//! Territories. Holders are JSON text.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{TenantId, TerritoryId};
use crate::domain::number::{Number, QUANTITY_DECIMALS};
use crate::domain::territory::Territory;

use super::{Conn, RowCheck, Stored, Written, bytea, corrupt, fault, number};

#[derive(Serialize)]
struct Row {
    territory_id: String,
    name: String,
    potential: Option<Decimal>,
    holders: String,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(territory: &Territory, n: i64) -> Result<Self, Fault> {
        let potential = territory.potential.map(|potential| number::to_sql(potential.0, QUANTITY_DECIMALS));
        let mut row = Row {
            territory_id: territory.id.to_string(),
            name: territory.name.clone(),
            potential: potential.transpose()?,
            holders: serde_json::to_string(&territory.holders).map_err(corrupt)?,
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        Record::new("territory", 1)
            .text(1, &self.territory_id)
            .text(2, &self.name)
            .text(3, &self.holders)
            .opt(4, self.potential.map(|potential| potential.normalize()))
    }

    fn read(self) -> Result<Stored<Territory>, Fault> {
        let potential = self.potential.map(|potential| number::from_sql(potential, QUANTITY_DECIMALS));
        let value = Territory {
            id: TerritoryId::try_new(&self.territory_id).map_err(corrupt)?,
            holders: serde_json::from_str(&self.holders).map_err(corrupt)?,
            name: self.name,
            potential: potential.transpose()?.map(Number),
        };
        Ok(Stored { value, added_in: self.added_in })
    }
}

/// Writes what is new or different in change `n`. No territory is named twice.
pub async fn upsert(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    territories: &[Territory],
) -> Result<Written, Fault> {
    let rows = territories.iter().map(|territory| Row::new(territory, n)).collect::<Result<Vec<_>, _>>()?;
    let mark = sqlx::query!(
        "update territory c set removed_in = $2 from jsonb_populate_recordset(null::territory, $3) as r
        where c.tenant_id = $1 and c.territory_id = r.territory_id and c.removed_in is null
            and (c.name, c.potential, c.holders) is distinct from (r.name, r.potential, r.holders)",
        tenant.0,
        n,
        Json(&rows) as _
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into territory (tenant_id, territory_id, name, potential, holders, digest, added_in)
        select $1, r.territory_id, r.name, r.potential, r.holders, r.digest, r.added_in
        from jsonb_populate_recordset(null::territory, $2) as r
        where not exists (select from territory c
            where c.tenant_id = $1 and c.territory_id = r.territory_id and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// Finds a territory as of change `as_of`.
pub async fn get(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &TerritoryId,
) -> Result<Option<Stored<Territory>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select territory_id, name, potential, holders, digest as "digest: Digest", added_in
        from territory
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and territory_id = $3"#,
        tenant.0,
        as_of,
        id.as_str()
    );
    query.fetch_optional(conn).await.map_err(fault)?.map(Row::read).transpose()
}

/// Lists at most `limit` territories after `after` by id, as of change `as_of`.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    after: Option<&TerritoryId>,
    limit: i64,
) -> Result<Vec<Stored<Territory>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select territory_id, name, potential, holders, digest as "digest: Digest", added_in
        from territory
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and territory_id > $3
        order by territory_id limit $4"#,
        tenant.0,
        as_of,
        after.map_or("", TerritoryId::as_str),
        limit
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// Computes the digest of every version of every row again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select territory_id, name, potential, holders, digest as "digest: Digest", added_in
        from territory where tenant_id = $1 order by territory_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck::new("territory", &row.territory_id, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
