//! Tenants: made on the command line, never by a request.

use crate::auth::{Actor, Role, Secret, key};
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{KeyId, RequestId, TenantId};
use crate::storage;

use super::admin::NewKey;
use super::write::Begun;
use super::{App, Call, Write};

/// Who the command line is in the journal.
const ACTOR: &str = "attain";

impl App {
    /// Makes a tenant with its first admin key, in one transaction: a tenant without a key could never be entered.
    /// The key's text is in this answer and nowhere else.
    pub async fn create_tenant(&self, slug: &str) -> Result<Secret, Fault> {
        if !key::is_slug(slug) {
            let rule =
                "must be up to 39 lower-case letters, digits and '-', beginning with a letter or digit";
            return Err(Fault::field("tenant", format!("{rule}, got {slug:?}")));
        }
        let tenant = TenantId(uuid::Uuid::new_v4());
        let mut tx = self.database().begin(tenant, None).await?;
        storage::tenant::create(&mut tx, tenant, slug, chrono::Utc::now()).await?;
        let call = command_line(tenant, slug)?;
        let digest = Record::new("tenant", 1).text(1, slug).digest();
        let write = write("attain tenant create", "tenant-create", digest, None)?;
        let key = NewKey { id: None, role: Role::Admin, payee: None, label: None };
        match self.enter::<()>(tx, &call, write).await? {
            Begun::Replayed(()) => Err(storage::corrupt("a new tenant has changes already")),
            Begun::Fresh(open) => Ok(App::make_key(*open, &call, key).await?.2),
        }
    }

    /// Makes another admin key for a tenant, whose keys may all be lost. A change like any other; the key's text is in
    /// this answer and nowhere else.
    pub async fn create_admin_key(&self, slug: &str, reason: Option<String>) -> Result<Secret, Fault> {
        let tenant = self.tenant(slug).await?.ok_or_else(|| Fault::not_found("tenant", slug))?;
        let call = command_line(tenant, slug)?;
        let id = key::generate_id()?;
        let digest = Record::new("tenant_key", 1).text(1, id.as_str()).digest();
        let write = write("attain tenant key", &format!("tenant-key-{id}"), digest, reason)?;
        let key = NewKey { id: Some(id), role: Role::Admin, payee: None, label: None };
        match self.begin::<()>(&call, write).await? {
            Begun::Replayed(()) => Err(storage::corrupt("a key just made was made before")),
            Begun::Fresh(open) => Ok(App::make_key(*open, &call, key).await?.2),
        }
    }

    /// All tenants: id and slug.
    pub async fn tenants(&self) -> Result<Vec<(TenantId, String)>, Fault> {
        let mut tx = self.database().begin_global().await?;
        storage::tenant::list(&mut tx).await
    }
}

fn write(
    rpc: &'static str,
    request_id: &str,
    digest: Digest,
    reason: Option<String>,
) -> Result<Write, Fault> {
    let request_id = request_id.parse::<RequestId>().map_err(storage::corrupt)?;
    Ok(Write { rpc, request_id, digest, reason, validate_only: false, etags: Vec::new() })
}

/// A call of the command line, which answers to whoever may run it on the database.
pub fn command_line(tenant: TenantId, slug: &str) -> Result<Call, Fault> {
    let key = ACTOR.parse::<KeyId>().map_err(storage::corrupt)?;
    let actor = Actor { tenant, tenant_slug: slug.to_string(), key, role: Role::Admin, payee: None };
    Ok(Call { actor, deadline: None, own_deadline: false })
}
