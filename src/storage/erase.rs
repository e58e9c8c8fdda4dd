//! Personal data out of every version of every row that is named, superseded ones too: the one place that takes a
//! value out of a row. What is left is the hash of value and salt, and without the salt that tells nothing.

use crate::domain::fault::Fault;
use crate::domain::id::{CustomerId, DealId, KeyId, PayeeId, TenantId};

use super::{Conn, corrupt, fault};

/// Whose personal data to erase.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subjects {
    /// Names and e-mail addresses of payees, labels of their keys.
    pub payees: Vec<PayeeId>,
    /// The names of customers and of all deals with them.
    pub customers: Vec<CustomerId>,
    /// The names of deals and of their customers.
    pub deals: Vec<DealId>,
    /// Labels of keys.
    pub keys: Vec<KeyId>,
    /// Reasons of changes; of imports also the rows set aside.
    pub changes: Vec<i64>,
}

impl Subjects {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        *self == Subjects::default()
    }
}

/// Erases in change `n` and answers how many rows that were, changes with a reason among them. Under the head's lock.
pub async fn erase(conn: &mut Conn, tenant: TenantId, n: i64, subjects: &Subjects) -> Result<u64, Fault> {
    let Subjects { payees, customers, deals, keys, changes } = subjects;
    let mut rows = erase_payees(conn, tenant, n, &texts(payees)).await?;
    rows += erase_keys(conn, tenant, n, &texts(keys), &texts(payees)).await?;
    rows += erase_deals(conn, tenant, n, &texts(deals), &texts(customers)).await?;
    rows += erase_reasons(conn, tenant, n, changes).await?;
    rows += erase_rejected(conn, tenant, n, changes).await?;
    Ok(rows)
}

fn texts(ids: &[impl ToString]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

async fn erase_payees(conn: &mut Conn, tenant: TenantId, n: i64, ids: &[String]) -> Result<u64, Fault> {
    let update = sqlx::query!(
        "update payee set name = null, email = null, salt = null, erased_in = $2,
            erased = array[sha256(salt || convert_to(name, 'UTF8')), sha256(salt || convert_to(email, 'UTF8'))]
        where tenant_id = $1 and payee_id = any($3) and salt is not null",
        tenant.0,
        n,
        ids
    );
    Ok(update.execute(conn).await.map_err(fault)?.rows_affected())
}

async fn erase_keys(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    ids: &[String],
    payees: &[String],
) -> Result<u64, Fault> {
    let update = sqlx::query!(
        "update api_key set label = null, salt = null, erased_in = $2,
            erased = array[sha256(salt || convert_to(label, 'UTF8'))]
        where tenant_id = $1 and (key_id = any($3) or payee_id = any($4)) and salt is not null",
        tenant.0,
        n,
        ids,
        payees
    );
    Ok(update.execute(conn).await.map_err(fault)?.rows_affected())
}

async fn erase_deals(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    ids: &[String],
    customers: &[String],
) -> Result<u64, Fault> {
    let update = sqlx::query!(
        "update deal set name = null, customer_name = null, salt = null, erased_in = $2,
            erased = array[
                sha256(salt || convert_to(name, 'UTF8')), sha256(salt || convert_to(customer_name, 'UTF8'))]
        where tenant_id = $1 and (deal_id = any($3) or customer_id = any($4)) and salt is not null",
        tenant.0,
        n,
        ids,
        customers
    );
    Ok(update.execute(conn).await.map_err(fault)?.rows_affected())
}

/// The hash of a salted reason stands beside it already.
async fn erase_reasons(conn: &mut Conn, tenant: TenantId, n: i64, numbers: &[i64]) -> Result<u64, Fault> {
    let update = sqlx::query!(
        "update change set reason = null, reason_salt = null, erased_in = $2
        where tenant_id = $1 and number = any($3) and reason is not null",
        tenant.0,
        n,
        numbers
    );
    Ok(update.execute(conn).await.map_err(fault)?.rows_affected())
}

/// Reasons enter the digest as [`super::rejected`] joins them: each after its length in bytes.
async fn erase_rejected(conn: &mut Conn, tenant: TenantId, n: i64, numbers: &[i64]) -> Result<u64, Fault> {
    let update = sqlx::query!(
        "update rejected_row set source = null, reasons = '{}', raw = null, salt = null, erased_in = $2,
            erased = array[
                sha256(salt || convert_to(source, 'UTF8')),
                sha256(salt || convert_to((
                    select coalesce(string_agg(octet_length(reason) || ':' || reason, '' order by place), '')
                    from unnest(reasons) with ordinality as r(reason, place)), 'UTF8')),
                sha256(salt || convert_to(raw, 'UTF8'))]
        where tenant_id = $1 and added_in = any($3) and salt is not null",
        tenant.0,
        n,
        numbers
    );
    Ok(update.execute(conn).await.map_err(fault)?.rows_affected())
}

/// Which of these customers no version of a deal names.
pub async fn missing_customers(
    conn: &mut Conn,
    tenant: TenantId,
    ids: &[CustomerId],
) -> Result<Vec<CustomerId>, Fault> {
    let query = sqlx::query_scalar!(
        r#"select distinct id as "id!" from unnest($2::text[]) as id
        where not exists (select from deal d where d.tenant_id = $1 and d.customer_id = id)
        order by id"#,
        tenant.0,
        &texts(ids)
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(|id| CustomerId::try_new(id).map_err(corrupt)).collect()
}

/// Which of these deals do not exist.
pub async fn missing_deals(conn: &mut Conn, tenant: TenantId, ids: &[DealId]) -> Result<Vec<DealId>, Fault> {
    let query = sqlx::query_scalar!(
        r#"select distinct id as "id!" from unnest($2::text[]) as id
        where not exists (select from deal d where d.tenant_id = $1 and d.deal_id = id)
        order by id"#,
        tenant.0,
        &texts(ids)
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(|id| DealId::try_new(id).map_err(corrupt)).collect()
}

/// Which of these keys do not exist.
pub async fn missing_keys(conn: &mut Conn, tenant: TenantId, ids: &[KeyId]) -> Result<Vec<KeyId>, Fault> {
    let query = sqlx::query_scalar!(
        r#"select distinct id as "id!" from unnest($2::text[]) as id
        where not exists (select from api_key k where k.tenant_id = $1 and k.key_id = id)
        order by id"#,
        tenant.0,
        &texts(ids)
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.iter().map(|id| KeyId::try_new(id).map_err(corrupt)).collect()
}

/// How many rows were erased, changes with a reason among them.
pub(crate) async fn count(conn: &mut Conn, tenant: TenantId) -> Result<i64, Fault> {
    let query = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
            select from payee where tenant_id = $1 and erased_in is not null
            union all select from deal where tenant_id = $1 and erased_in is not null
            union all select from api_key where tenant_id = $1 and erased_in is not null
            union all select from rejected_row where tenant_id = $1 and erased_in is not null
            union all select from change where tenant_id = $1 and erased_in is not null
        ) as erased"#,
        tenant.0
    );
    query.fetch_one(conn).await.map_err(fault)
}
