//! Use cases: authorise, load, compute, store. A file per service; only this layer begins and commits.

pub mod admin;
mod close;
pub mod deal;
pub mod draft;
pub mod earnings;
pub mod erase;
pub mod estimate;
pub mod exchange;
mod facts;
mod head;
pub mod journal;
pub mod measure;
pub mod outside;
pub mod payee;
pub mod performance;
pub mod period;
pub mod plan;
pub mod plan_test;
pub mod proposal;
pub mod quota;
pub mod read;
mod resident;
pub mod team;
pub mod tenant;
pub mod territory;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::key::ParsedKey;
use crate::auth::{Actor, Role};
use crate::domain::encode::Digest;
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{RequestId, TenantId};
use crate::storage::{self, Database};

pub use read::AsOf;

/// Everything a request can ask for. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    /// Tenants by slug; a slug never changes its tenant.
    tenants: Mutex<BTreeMap<String, TenantId>>,
    closes: close::Closes,
    heads: head::Heads,
    /// What time it is.
    clock: fn() -> DateTime<Utc>,
    resident: Arc<resident::Resident>,
}

/// Who calls, and by when the answer is wanted.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls, on behalf of which tenant.
    pub actor: Actor,
    /// When the caller gives up.
    pub deadline: Option<Instant>,
    /// Whether the caller set the deadline itself.
    pub own_deadline: bool,
}

impl Call {
    /// Time left; at least a millisecond, so that a passed deadline still ends in the database's own answer.
    pub fn timeout(&self) -> Option<Duration> {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.deadline.map(|deadline| left(deadline).max(Duration::from_millis(1)))
    }

    fn tenant(&self) -> TenantId {
        self.actor.tenant
    }
}

/// What every mutating request says about itself.
#[derive(Debug, Clone)]
pub struct Write {
    /// `attain.v1.DealService/UpsertDeals`.
    pub rpc: &'static str,
    /// The caller's name for the request.
    pub request_id: RequestId,
    /// Digest of the whole request message.
    pub digest: Digest,
    /// Why.
    pub reason: Option<String>,
    /// Check everything, write nothing.
    pub validate_only: bool,
    /// Which changes the caller expects to have written last what it replaces.
    pub etags: Vec<ExpectedEtag>,
}

/// A resource of a request that names the change it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedEtag {
    /// Path of the field: `deals[3].etag`.
    pub field: String,
    /// Place of the resource in the request, from 0.
    pub place: usize,
    /// Number of the change.
    pub etag: i64,
}

/// What a write answers; kept with its change and given again on replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Number of the change; 0 if nothing was to be written.
    pub change: i64,
    /// New or different.
    pub written: u64,
    /// Already there, the same.
    pub unchanged: u64,
    /// Passed over: what is there has a higher source version.
    #[serde(default)]
    pub stale: u64,
    /// Ids of the first stale facts, at most [`storage::MAX_STALE_IDS`].
    #[serde(default)]
    pub first_stale: Vec<String>,
}

/// A page asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where in the journal to read; of a further page, where the first one did.
    pub as_of: AsOf,
    /// The last key of the page before.
    pub after: Option<String>,
    /// Most items.
    pub size: u16,
}

impl Page {
    /// The last key of the page before, as the type it was made from.
    fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Fault> {
        let fault = |_| Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        self.after.as_deref().map(|key| key.parse().map_err(fault)).transpose()
    }

    /// One more than asked for: whether there is a next page is seen from the item that is too many.
    fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// Items in order.
    pub items: Vec<T>,
    /// The journal number read as of.
    pub as_of: i64,
    /// The key of each item: where a page that ends there goes on.
    pub keys: Vec<String>,
    /// The last key of this page, if there is more.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// A page of items read with [`Page::limit`].
    fn new(mut items: Vec<T>, page: &Page, as_of: i64, key: impl Fn(&T) -> String) -> Self {
        let size = usize::from(page.size);
        let more = items.len() > size;
        items.truncate(size);
        let keys: Vec<String> = items.iter().map(key).collect();
        let next = keys.last().filter(|_| more).cloned();
        Listed { items, as_of, keys, next }
    }
}

impl App {
    /// Use cases over a migrated database.
    pub fn new(database: Database) -> Self {
        Self::with(database, Utc::now, 0)
    }

    /// Use cases at the time that a clock says, which decides what day today is and nothing else.
    pub fn with_clock(database: Database, clock: fn() -> DateTime<Utc>) -> Self {
        Self::with(database, clock, 0)
    }

    /// Use cases that keep facts in memory, in at most so many bytes. [`App::listen`] hears of other servers' changes.
    pub fn with_memory(database: Database, bytes: usize) -> Self {
        Self::with(database, Utc::now, bytes)
    }

    fn with(database: Database, clock: fn() -> DateTime<Utc>, bytes: usize) -> Self {
        let (tenants, closes, heads) = (Mutex::default(), close::Closes::default(), head::Heads::default());
        let resident = Arc::new(resident::Resident::new(bytes));
        App { inner: Arc::new(Inner { database, tenants, closes, resident, heads, clock }) }
    }

    fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.database().ping().await
    }

    /// Who holds a key. Every way of not holding one reads the same.
    pub async fn authenticate(&self, key: &ParsedKey) -> Result<Actor, Fault> {
        let invalid = || Fault::new(Reason::KeyInvalid, "the key is not valid");
        let tenant = self.tenant(&key.tenant_slug).await?.ok_or_else(invalid)?;
        let stored = match self.inner.resident.key(tenant, &key.id) {
            Some(known) => known,
            None => {
                let mut tx = self.database().snapshot(tenant, None).await?;
                storage::key::get(&mut tx, tenant, &key.id).await?
            }
        };
        let stored = stored.ok_or_else(invalid)?;
        let role = Role::parse(&stored.role).filter(|_| key.matches(&stored.secret_hash) && !stored.revoked);
        let role = role.ok_or_else(invalid)?;
        let tenant_slug = key.tenant_slug.clone();
        Ok(Actor { tenant, tenant_slug, key: stored.id, role, payee: stored.payee })
    }

    async fn tenant(&self, slug: &str) -> Result<Option<TenantId>, Fault> {
        let known = || self.inner.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = known().get(slug) {
            return Ok(Some(*tenant));
        }
        let mut tx = self.database().begin_global().await?;
        let found = storage::tenant::by_slug(&mut tx, slug).await?;
        known().extend(found.map(|tenant| (slug.to_string(), tenant)));
        Ok(found)
    }
}
