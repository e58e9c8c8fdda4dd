//! API keys: who may call, as what. Of the secret only a hash is kept.

use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{KeyId, PayeeId, TenantId};

use super::{Conn, Erased, RowCheck, Stored, Written, bytea, corrupt, fault, kept};

/// A key that a caller proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's public part.
    pub id: KeyId,
    /// The role's name.
    pub role: String,
    /// The payee that the key speaks for.
    pub payee: Option<PayeeId>,
    /// Whose key it is; personal data.
    pub label: Option<String>,
    /// SHA-256 of the secret.
    pub secret_hash: Digest,
    /// Whether the key no longer counts.
    pub revoked: bool,
}

#[derive(Serialize)]
struct Row {
    key_id: String,
    role: String,
    payee_id: Option<String>,
    label: Option<String>,
    #[serde(serialize_with = "bytea")]
    secret_hash: Digest,
    revoked: bool,
    #[serde(serialize_with = "bytea")]
    salt: Option<[u8; 32]>,
    #[serde(skip)]
    erased: Erased,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn new(key: &ApiKey, n: i64) -> Self {
        let mut row = Row {
            key_id: key.id.to_string(),
            role: key.role.clone(),
            payee_id: key.payee.as_ref().map(PayeeId::to_string),
            label: key.label.clone(),
            secret_hash: key.secret_hash,
            revoked: key.revoked,
            salt: key.label.as_ref().map(|_| rand::random()),
            erased: None,
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        row
    }

    fn record(&self) -> Record {
        let salt = self.salt.unwrap_or_default();
        Record::new("api_key", 1)
            .text(1, &self.key_id)
            .text(2, &self.role)
            .opt(3, self.payee_id.as_ref())
            .personal(4, &salt, self.label.as_deref(), kept(&self.erased, 0))
            .bytes(5, &self.secret_hash)
            .text(6, if self.revoked { "true" } else { "false" })
    }

    fn read(self) -> Result<Stored<ApiKey>, Fault> {
        let value = ApiKey {
            id: KeyId::try_new(&self.key_id).map_err(corrupt)?,
            role: self.role,
            payee: self.payee_id.as_deref().map(PayeeId::try_new).transpose().map_err(corrupt)?,
            label: self.label,
            secret_hash: self.secret_hash,
            revoked: self.revoked,
        };
        Ok(Stored { value, added_in: self.added_in })
    }
}

/// Writes what is new or different in change `n`. No key is named twice.
pub async fn upsert(conn: &mut Conn, tenant: TenantId, n: i64, keys: &[ApiKey]) -> Result<Written, Fault> {
    let rows: Vec<Row> = keys.iter().map(|key| Row::new(key, n)).collect();
    let mark = sqlx::query!(
        "update api_key c set removed_in = $2 from jsonb_populate_recordset(null::api_key, $3) as r
        where c.tenant_id = $1 and c.key_id = r.key_id and c.removed_in is null
            and (c.role, c.payee_id, c.label, c.secret_hash, c.revoked)
                is distinct from (r.role, r.payee_id, r.label, r.secret_hash, r.revoked)",
        tenant.0,
        n,
        Json(&rows) as _
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into api_key (tenant_id, key_id, role, payee_id, label, secret_hash, revoked, salt, digest,
            added_in)
        select $1, r.key_id, r.role, r.payee_id, r.label, r.secret_hash, r.revoked, r.salt, r.digest, r.added_in
        from jsonb_populate_recordset(null::api_key, $2) as r
        where not exists (select from api_key c
            where c.tenant_id = $1 and c.key_id = r.key_id and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// Finds a key as it is now.
pub async fn get(conn: &mut Conn, tenant: TenantId, id: &KeyId) -> Result<Option<ApiKey>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select key_id, role, payee_id, label, secret_hash as "secret_hash: Digest", revoked,
            salt as "salt: Digest", erased as "erased: Vec<Option<Digest>>", digest as "digest: Digest", added_in
        from api_key where tenant_id = $1 and key_id = $2 and removed_in is null"#,
        tenant.0,
        id.as_str()
    );
    let row = query.fetch_optional(conn).await.map_err(fault)?;
    Ok(row.map(Row::read).transpose()?.map(|stored| stored.value))
}

/// Lists at most `limit` keys after `after` by id, as of change `as_of`.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    after: Option<&KeyId>,
    limit: i64,
) -> Result<Vec<Stored<ApiKey>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select key_id, role, payee_id, label, secret_hash as "secret_hash: Digest", revoked,
            salt as "salt: Digest", erased as "erased: Vec<Option<Digest>>", digest as "digest: Digest", added_in
        from api_key
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and key_id > $3
        order by key_id limit $4"#,
        tenant.0,
        as_of,
        after.map_or("", KeyId::as_str),
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
        r#"select key_id, role, payee_id, label, secret_hash as "secret_hash: Digest", revoked,
            salt as "salt: Digest",
            case when erased_in is not null then erased end as "erased: Vec<Option<Digest>>",
            digest as "digest: Digest", added_in
        from api_key where tenant_id = $1 order by key_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck::new("api_key", &row.key_id, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
