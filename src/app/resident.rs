//! Facts in memory: those of whole tenants, each as of a journal number, within a budget of bytes. Whoever was asked
//! for the longest ago gives way.
//!
//! What is answered from here is never older than what this server knows of the journal: it knows its own changes before
//! they are there, and those of other servers as soon as they are heard of. While it may have missed something it looks
//! at the head at every read. What changed is put in its place; only where too much did, everything is loaded again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::domain::facts::{Facts, FactsBuilder};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{KeyId, PayeeId, TenantId};
use crate::domain::ledger::Posted;
use crate::storage;
use crate::storage::facts::{Scope, Which, changed, load_deals, unfit};
use crate::storage::journal::{self, Head};
use crate::storage::key::ApiKey;
use crate::storage::ledger::{self, Close};
use crate::storage::notice::Line;

use super::close::stopped;
use super::facts::{self, off_thread};
use super::{App, AsOf, Call};

/// Loads at once, of tenants, of payees and of the past; more wait.
const LOADS: usize = 8;
/// Whole tenants at once that are loaded for one answer and let go again, beside those that are held.
const PASSING: usize = 1;
/// Changes after which a tenant that could not be held is tried again.
const AGAIN: i64 = 1000;
/// About how many bytes a key takes.
const KEY_BYTES: usize = 256;
/// Payees whose postings are remembered for each tenant.
const POSTED: usize = 1000;
/// Pause before a lost line is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// What is in memory.
pub(super) struct Resident {
    budget: usize,
    shelf: Mutex<Shelf>,
    /// Counts how often the line came and went: odd while every change is heard of.
    line: AtomicU64,
    loads: Semaphore,
    passing: Arc<Semaphore>,
}

#[derive(Default)]
struct Shelf {
    places: BTreeMap<TenantId, Place>,
    /// Counts reads, to know who was asked for last.
    reads: u64,
}

#[derive(Default)]
struct Place {
    /// Whoever loads or carries on; all others wait and share.
    turn: Arc<Turn<()>>,
    /// The last change heard of; it may not be there yet.
    heard: i64,
    /// The line on which the head was last looked at.
    line: u64,
    /// The last read.
    used: u64,
    /// Not to be held before this change: too large, or unreadable.
    not_before: i64,
    held: Option<Held>,
}

/// What is held of a tenant, as of one number. Cheap to clone; it stays what it is.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) number: i64,
    /// When that change was made; absent before the first.
    pub(super) time: Option<DateTime<Utc>>,
    /// The last change to the ledger.
    ledger: i64,
    keys: Arc<BTreeMap<KeyId, ApiKey>>,
    pub(super) closes: Arc<[Close]>,
    posted: Arc<Mutex<BTreeMap<PayeeId, Arc<Posted>>>>,
    /// Absent while there is no calendar, and of a tenant that does not fit.
    pub(super) facts: Option<Arc<Facts>>,
}

impl Held {
    fn bytes(&self) -> usize {
        self.facts.as_ref().map_or(0, |facts| facts.bytes()) + self.keys.len() * KEY_BYTES
    }

    /// What was posted to a payee, if it is remembered.
    pub(super) fn posted(&self, payee: &PayeeId) -> Option<Arc<Posted>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).get(payee).cloned()
    }

    /// Remembers what was posted to a payee.
    pub(super) fn remember(&self, payee: PayeeId, posted: Arc<Posted>) {
        let mut remembered = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= POSTED {
            remembered.clear();
        }
        remembered.insert(payee, posted);
    }
}

impl Resident {
    /// Nothing yet, and never more than so many bytes; with 0 nothing at all.
    pub(super) fn new(budget: usize) -> Self {
        let (shelf, line) = (Mutex::default(), AtomicU64::new(0));
        let (loads, passing) = (Semaphore::new(LOADS), Arc::new(Semaphore::new(PASSING)));
        Resident { budget, shelf, line, loads, passing }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for one of the few places to load at.
    pub(super) async fn queue(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.loads.acquire().await.map_err(storage::corrupt)
    }

    /// Waits for the turn to load a whole tenant for one answer; it is kept until the facts are let go.
    pub(super) async fn pass(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.passing).acquire_owned().await.map_err(storage::corrupt)
    }

    /// Notes that a change is there, or about to be.
    pub(super) fn heard(&self, tenant: TenantId, number: i64) {
        if self.budget > 0 {
            let mut shelf = self.shelf();
            let place = shelf.places.entry(tenant).or_default();
            place.heard = place.heard.max(number);
        }
    }

    /// A key as of now, if keys are known as of now; `Some(None)` if there is no such key.
    pub(super) fn key(&self, tenant: TenantId, id: &KeyId) -> Option<Option<ApiKey>> {
        self.current(tenant, 0).map(|held| held.keys.get(id).cloned())
    }

    /// What is held, if it is as of now and of no number before `least`.
    fn current(&self, tenant: TenantId, least: i64) -> Option<Held> {
        let line = self.line.load(Ordering::SeqCst);
        let mut shelf = self.shelf();
        shelf.reads += 1;
        let reads = shelf.reads;
        let place = shelf.places.get_mut(&tenant)?;
        place.used = reads;
        let up = line % 2 == 1 && place.line == line;
        let held = place.held.as_ref().filter(|held| up && held.number >= place.heard.max(least))?;
        Some(held.clone())
    }

    /// What is held, of whatever number.
    fn last(&self, tenant: TenantId) -> Option<Held> {
        self.shelf().places.get(&tenant)?.held.clone()
    }

    fn turn(&self, tenant: TenantId) -> Arc<Turn<()>> {
        Arc::clone(&self.shelf().places.entry(tenant).or_default().turn)
    }

    /// Whether a tenant may be held as of a number.
    fn may_hold(&self, tenant: TenantId, number: i64) -> bool {
        self.shelf().places.get(&tenant).is_none_or(|place| place.not_before <= number)
    }

    /// Lets go of what is held, to be changed in its place if nobody reads it.
    fn take(&self, tenant: TenantId) {
        if let Some(place) = self.shelf().places.get_mut(&tenant) {
            place.held = None;
        }
    }

    /// Holds what was seen on a line, in the place of whoever was asked for the longest ago.
    fn put(&self, tenant: TenantId, mut held: Held, line: u64) {
        let mut gone = Vec::new();
        let mut shelf = self.shelf();
        shelf.reads += 1;
        let used = shelf.reads;
        let place = shelf.places.entry(tenant).or_default();
        (place.line, place.used) = (line, used);
        if held.bytes() > self.budget && held.facts.is_some() {
            tracing::warn!(%tenant, bytes = held.bytes(), "facts do not fit into memory");
            place.not_before = held.number.saturating_add(AGAIN);
            held.facts = None;
        }
        place.held = Some(held);
        let bytes = |place: &Place| place.held.as_ref().map_or(0, Held::bytes);
        let mut all: usize = shelf.places.values().map(bytes).sum();
        while all > self.budget {
            let others = shelf.places.iter_mut().filter(|(id, place)| **id != tenant && place.held.is_some());
            let Some((id, place)) = others.min_by_key(|(_, place)| place.used) else { break };
            let freed = bytes(place);
            tracing::info!(tenant = %id, bytes = freed, "facts evicted from memory");
            gone.extend(place.held.take());
            all -= freed;
        }
        drop(shelf);
    }
}

impl App {
    /// What is in memory of the caller's tenant as of a number that the caller can be answered from, loaded or carried
    /// on first if need be; `None` if that is to be had from the database only.
    pub(super) async fn hold(&self, call: &Call, as_of: AsOf) -> Result<Option<Held>, Fault> {
        let (resident, tenant) = (&self.inner.resident, call.tenant());
        if resident.budget == 0 || as_of.change < 0 {
            return Ok(None);
        }
        let least = as_of.min.max(as_of.change);
        let fits =
            |held: &Held| held.number >= as_of.min && (as_of.change == 0 || as_of.change == held.number);
        // The past does not change: of it, what is held is good for the very number it is as of.
        let past = || resident.last(tenant).filter(|held| as_of.change != 0 && as_of.change <= held.number);
        if let Some(held) = past().or_else(|| resident.current(tenant, least)) {
            return Ok(Some(held).filter(fits));
        }
        let turn = resident.turn(tenant).lock_owned().await;
        if let Some(held) = resident.current(tenant, least) {
            return Ok(Some(held).filter(fits));
        }
        // Begun, it is done to its end: callers who give up leave it to those who wait.
        let app = self.clone();
        let work = tokio::spawn(async move {
            let _turn = turn;
            app.advance(tenant).await
        });
        Ok(Some(work.await.map_err(|error| stopped(&error))??).filter(fits))
    }

    /// Brings what is held to where the journal is now. One at a time for each tenant.
    async fn advance(&self, tenant: TenantId) -> Result<Held, Fault> {
        let resident = &self.inner.resident;
        // Whatever is not in the snapshot is heard of on this line, or on none.
        let line = resident.line.load(Ordering::SeqCst);
        if let Some(held) = resident.last(tenant) {
            let mut tx = self.database().snapshot(tenant, None).await?;
            let head = journal::head(&mut tx, tenant).await?;
            if let Some(held) = self.carry(&mut tx, tenant, held, &head).await? {
                resident.put(tenant, held.clone(), line);
                return Ok(held);
            }
            resident.take(tenant);
        }
        let _place = resident.queue().await?;
        let mut tx = self.database().snapshot(tenant, None).await?;
        let head = journal::head(&mut tx, tenant).await?;
        let held = self.fetch(&mut tx, tenant, &head).await?;
        resident.put(tenant, held.clone(), line);
        Ok(held)
    }

    /// Puts what changed in its place; `None` if everything is to be loaded again.
    async fn carry(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        mut held: Held,
        head: &Head,
    ) -> Result<Option<Held>, Fault> {
        if held.number >= head.number {
            // A journal that went back was restored from a copy.
            return Ok((held.number == head.number).then_some(held));
        }
        let changed = changed(conn, tenant, held.number, head.number).await?;
        if changed.keys {
            held.keys = keys(conn, tenant, head.number).await?;
        }
        if held.ledger != head.ledger {
            held.closes = ledger::closes(conn, tenant, head.number).await?.into();
            held.posted = Arc::default();
        }
        (held.number, held.ledger) = (head.number, head.ledger);
        held.time = journal::time(conn, tenant, head.number).await?;
        let Some(facts) = held.facts.take() else {
            return Ok((!self.inner.resident.may_hold(tenant, head.number)).then_some(held));
        };
        let Some(deals) = changed.deals.filter(|_| !facts.is_worn()) else { return Ok(None) };
        let terms = match changed.terms {
            true => Some(facts::terms(conn, tenant, head.number).await?.build().map_err(unfit)?),
            false => None,
        };
        let mut told = FactsBuilder::beside(terms.as_ref().unwrap_or(&facts), head.number);
        if !deals.is_empty() {
            let scope = Scope { as_of: head.number, deals: Which::These(deals.clone()) };
            load_deals(conn, tenant, &scope, &mut told).await?;
        }
        self.inner.resident.take(tenant);
        let patch = move || {
            let mut facts = facts;
            // Copied only if somebody reads them.
            let patched = Arc::make_mut(&mut facts);
            if terms.is_some_and(|terms| !patched.renew(terms)) {
                return None;
            }
            patched.replace(&deals, told).ok().map(|()| facts)
        };
        held.facts = off_thread(patch).await?;
        Ok(held.facts.is_some().then_some(held))
    }

    /// Loads everything as of the head.
    async fn fetch(&self, conn: &mut PgConnection, tenant: TenantId, head: &Head) -> Result<Held, Fault> {
        let resident = &self.inner.resident;
        let keys = keys(conn, tenant, head.number).await?;
        let closes = ledger::closes(conn, tenant, head.number).await?.into();
        let facts = match resident.may_hold(tenant, head.number) {
            true => self.fetch_facts(conn, tenant, head.number).await?.map(Arc::new),
            false => None,
        };
        let time = journal::time(conn, tenant, head.number).await?;
        let (number, posted) = (head.number, Arc::default());
        Ok(Held { number, time, ledger: head.ledger, keys, closes, posted, facts })
    }

    async fn fetch_facts(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        number: i64,
    ) -> Result<Option<Facts>, Fault> {
        let resident = &self.inner.resident;
        let all = async {
            let mut builder = facts::terms(conn, tenant, number).await?.at_most(resident.budget);
            load_deals(conn, tenant, &Scope { as_of: number, deals: Which::All }, &mut builder).await?;
            off_thread(|| builder.build()).await?.map_err(unfit)
        };
        match all.await {
            Ok(facts) => {
                tracing::info!(%tenant, number, bytes = facts.bytes(), "facts loaded into memory");
                Ok(Some(facts))
            }
            Err(fault) if fault.reason == Reason::CalendarMissing => Ok(None),
            // What does not fit, or cannot be read, must not keep what a single payee needs from being tried.
            Err(fault) if matches!(fault.reason, Reason::Overloaded | Reason::Internal) => {
                tracing::warn!(%tenant, number, cause = %fault, "facts cannot be held in memory");
                let mut shelf = resident.shelf();
                shelf.places.entry(tenant).or_default().not_before = number.saturating_add(AGAIN);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Hears of the changes of all servers, for as long as it runs. Without it, every read looks at the head.
    pub async fn listen(&self) {
        let resident = &self.inner.resident;
        if resident.budget == 0 {
            return;
        }
        loop {
            if let Ok(mut line) = Line::connect(self.database()).await {
                resident.line.fetch_add(1, Ordering::SeqCst);
                while let Ok((tenant, number)) = line.next().await {
                    resident.heard(tenant, number);
                }
                resident.line.fetch_add(1, Ordering::SeqCst);
                tracing::warn!("the line that tells of changes was lost: every read looks at the journal");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
) -> Result<Arc<BTreeMap<KeyId, ApiKey>>, Fault> {
    let keys = storage::key::list(conn, tenant, as_of, None, i64::MAX).await?;
    let known =
        keys.into_iter().map(|stored| (stored.value.id.clone(), ApiKey { label: None, ..stored.value }));
    Ok(Arc::new(known.collect()))
}
