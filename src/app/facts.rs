//! What a calculation reads: from memory, or loaded.

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::OwnedSemaphorePermit;

use crate::calc::affected::read_by;
use crate::domain::condition::Field;
use crate::domain::date::{Calendar, Day, Period};
use crate::domain::facts::{Facts, FactsBuilder};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{PayeeId, TenantId};
use crate::domain::ledger::Posted;
use crate::storage;
use crate::storage::facts::{Scope, Which};
use crate::storage::ledger::{self, Close};

use super::close::stopped;
use super::resident::Held;
use super::{App, AsOf, Call};

/// The tenant's calendar as of a journal number.
pub(super) async fn calendar(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
) -> Result<Calendar, Fault> {
    Ok(storage::calendar::get(conn, tenant, as_of).await?.ok_or_else(calendar_missing)?.value)
}

/// The fault that there is no calendar.
pub(super) fn calendar_missing() -> Fault {
    Fault::new(Reason::CalendarMissing, "the tenant has no calendar yet: set it first")
}

/// Refuses a period before the first.
pub(super) fn check_period(calendar: &Calendar, period: Period) -> Result<(), Fault> {
    let first = calendar.first_period;
    if period >= first {
        return Ok(());
    }
    Err(Fault::field("period", format!("must not be before the first period {first}, got {period}")))
}

/// Everything but deals, as of a journal number.
pub(super) async fn terms(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
) -> Result<FactsBuilder, Fault> {
    let calendar = calendar(conn, tenant, as_of).await?;
    let mut all = storage::payee::all(conn, tenant, as_of).await?;
    for payee in &mut all {
        // No figure needs them, and who is erased must not stay in memory.
        (payee.name, payee.email) = (None, None);
    }
    let mut builder = FactsBuilder::new(as_of, calendar, all).map_err(storage::corrupt)?;
    for territory in storage::territory::list(conn, tenant, as_of, None, i64::MAX).await? {
        builder.territory(territory.value);
    }
    for rule in storage::crediting::all(conn, tenant, as_of).await? {
        builder.crediting_rule(rule).map_err(storage::corrupt)?;
    }
    for measure in storage::measure::all(conn, tenant, as_of).await? {
        builder.measure(measure);
    }
    for version in storage::plan::all(conn, tenant, as_of).await? {
        builder.plan(version);
    }
    for rate in storage::exchange::all(conn, tenant, as_of).await? {
        builder.exchange_rate(&rate);
    }
    for quota in storage::quota::all(conn, tenant, as_of, &calendar).await? {
        builder.quota(quota).map_err(storage::corrupt)?;
    }
    for value in storage::outside::all(conn, tenant, as_of).await? {
        builder.value(&value).map_err(storage::corrupt)?;
    }
    Ok(builder)
}

/// Everything as of a journal number, for a calculation up to the end of a period.
pub(super) async fn load(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
    through: Period,
) -> Result<Facts, Fault> {
    check_period(&calendar(conn, tenant, as_of).await?, through)?;
    all(conn, tenant, as_of, &[]).await?.build().map_err(storage::facts::unfit)
}

/// Everything as of a journal number, with some free attributes of every deal.
async fn all(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
    attributes: &[Field],
) -> Result<FactsBuilder, Fault> {
    let mut builder = terms(conn, tenant, as_of).await?;
    builder.keep(attributes);
    storage::facts::load_deals(conn, tenant, &Scope { as_of, deals: Which::All }, &mut builder).await?;
    Ok(builder)
}

/// The facts for what some payees, by index, earn: `terms` with the deals that are read for it.
async fn load_beside(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
    terms: &Facts,
    payees: &[u32],
) -> Result<Facts, Fault> {
    let read = read_by(terms, payees.iter().copied());
    let payees = read.into_iter().map(|payee| terms.payee_id(payee).clone()).collect();
    let mut told = FactsBuilder::beside(terms, as_of);
    let scope = Scope { as_of, deals: Which::Of { payees, open: terms.has_rules() } };
    storage::facts::load_deals(conn, tenant, &scope, &mut told).await?;
    let mut facts = Facts::clone(terms);
    facts.replace(&[], told).map_err(storage::facts::unfit)?;
    Ok(facts)
}

/// What an answer is made from: as of which number, what is closed there, and what is in memory of it.
pub(super) struct Seen {
    pub(super) as_of: i64,
    /// By period.
    pub(super) closes: Arc<[Close]>,
    held: Option<Held>,
}

impl Seen {
    /// The facts as of a number, if they are in memory.
    pub(super) fn facts(&self, as_of: i64) -> Option<&Arc<Facts>> {
        self.held.as_ref().filter(|held| held.number == as_of)?.facts.as_ref()
    }
}

impl App {
    /// Finds out where to read, without the database if the tenant is in memory.
    pub(super) async fn see(&self, call: &Call, as_of: impl Into<AsOf>) -> Result<Seen, Fault> {
        let as_of = as_of.into();
        if let Some(held) = self.hold(call, as_of).await? {
            return Ok(Seen { as_of: held.number, closes: Arc::clone(&held.closes), held: Some(held) });
        }
        let mut read = self.read(call, as_of).await?;
        let closes = ledger::closes(&mut read.tx, call.tenant(), read.as_of).await?;
        Ok(Seen { as_of: read.as_of, closes: closes.into(), held: None })
    }

    /// The facts as of a number for what a payee earns up to the end of a period: from memory, or loaded in a queue.
    pub(super) async fn facts(
        &self,
        call: &Call,
        seen: &Seen,
        as_of: i64,
        through: Period,
        payee: &PayeeId,
    ) -> Result<Arc<Facts>, Fault> {
        if let Some(facts) = seen.facts(as_of) {
            check_period(&facts.calendar, through)?;
            return Ok(Arc::clone(facts));
        }
        let _place = self.inner.resident.queue().await?;
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        check_period(&calendar(&mut tx, call.tenant(), as_of).await?, through)?;
        let terms = terms(&mut tx, call.tenant(), as_of).await?.build().map_err(storage::facts::unfit)?;
        let payees: Vec<u32> = terms.payee(payee).into_iter().collect();
        load_beside(&mut tx, call.tenant(), as_of, &terms, &payees).await.map(Arc::new)
    }

    /// Everything as of the number seen, with some free attributes of every deal: from memory if they are kept there, or
    /// loaded, one answer after the other. Whoever calls keeps the turn for as long as the facts, which nobody counts.
    pub(super) async fn everything(
        &self,
        call: &Call,
        seen: &Seen,
        attributes: &[Field],
    ) -> Result<(Arc<Facts>, Option<OwnedSemaphorePermit>), Fault> {
        let held = seen.facts(seen.as_of);
        if let Some(facts) = held.filter(|facts| attributes.iter().all(|field| facts.keeps(field))) {
            return Ok((Arc::clone(facts), None));
        }
        let turn = self.inner.resident.pass().await?;
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        let builder = all(&mut tx, call.tenant(), seen.as_of, attributes).await?;
        drop(tx);
        let facts = off_thread(|| builder.build()).await?.map_err(storage::facts::unfit)?;
        Ok((Arc::new(facts), Some(turn)))
    }

    /// Everything but deals as of the number seen: from memory, where deals are beside it, or loaded.
    pub(super) async fn terms_seen(&self, call: &Call, seen: &Seen) -> Result<Arc<Facts>, Fault> {
        if let Some(facts) = seen.facts(seen.as_of) {
            return Ok(Arc::clone(facts));
        }
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        let terms = terms(&mut tx, call.tenant(), seen.as_of).await?;
        terms.build().map(Arc::new).map_err(storage::facts::unfit)
    }

    /// The facts for what some payees, by index, earn: `terms` as they were seen, with the deals that are read for it.
    pub(super) async fn facts_beside(
        &self,
        call: &Call,
        seen: &Seen,
        terms: Arc<Facts>,
        payees: &[u32],
    ) -> Result<Arc<Facts>, Fault> {
        if seen.facts(seen.as_of).is_some() {
            return Ok(terms);
        }
        let _place = self.inner.resident.queue().await?;
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        load_beside(&mut tx, call.tenant(), seen.as_of, &terms, payees).await.map(Arc::new)
    }

    /// The tenant's calendar as of the number seen.
    pub(super) async fn calendar_seen(&self, call: &Call, seen: &Seen) -> Result<Calendar, Fault> {
        match seen.facts(seen.as_of) {
            Some(facts) => Ok(facts.calendar),
            None => {
                let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
                calendar(&mut tx, call.tenant(), seen.as_of).await
            }
        }
    }

    /// The day it is now where the tenant is.
    pub(super) async fn today(&self, call: &Call, seen: &Seen) -> Result<Day, Fault> {
        let calendar = self.calendar_seen(call, seen).await?;
        let now = (self.inner.clock)();
        calendar.day(now).ok_or_else(|| storage::corrupt(format_args!("the clock says {now}")))
    }

    /// The day on which the change of the number seen was made, where the tenant is; none before the first.
    pub(super) async fn changed_on(&self, call: &Call, seen: &Seen) -> Result<Option<Day>, Fault> {
        let time = match &seen.held {
            Some(held) => held.time,
            None => {
                let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
                storage::journal::time(&mut tx, call.tenant(), seen.as_of).await?
            }
        };
        let calendar = self.calendar_seen(call, seen).await?;
        let day =
            |time| calendar.day(time).ok_or_else(|| storage::corrupt(format_args!("changed at {time}")));
        time.map(day).transpose()
    }

    /// What was posted to a payee.
    pub(super) async fn posted(
        &self,
        call: &Call,
        seen: &Seen,
        calendar: &Calendar,
        payee: &PayeeId,
    ) -> Result<Arc<Posted>, Fault> {
        let held = seen.held.as_ref();
        if let Some(posted) = held.and_then(|held| held.posted(payee)) {
            return Ok(posted);
        }
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        let posted = ledger::posted(&mut tx, call.tenant(), calendar, Some(payee), seen.as_of).await?;
        let posted = Arc::new(posted);
        if let Some(held) = held {
            held.remember(payee.clone(), Arc::clone(&posted));
        }
        Ok(posted)
    }
}

/// Events that are calculated before another thread would have begun.
const FEW: usize = 2000;

/// Calculates for a payee, off the runtime's threads if that takes long.
pub(super) async fn calculate<T: Send + 'static>(
    facts: Arc<Facts>,
    payee: u32,
    work: impl FnOnce(&Facts) -> T + Send + 'static,
) -> Result<T, Fault> {
    calculate_for(facts, &[payee], work).await
}

/// The same for several payees.
pub(super) async fn calculate_for<T: Send + 'static>(
    facts: Arc<Facts>,
    payees: &[u32],
    work: impl FnOnce(&Facts) -> T + Send + 'static,
) -> Result<T, Fault> {
    let read = read_by(&facts, payees.iter().copied());
    let events: usize = read.into_iter().map(|payee| facts.events_of(payee).len()).sum();
    if events <= FEW { Ok(work(&facts)) } else { off_thread(move || work(&facts)).await }
}

/// Works off the runtime's threads.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| stopped(&error))
}
