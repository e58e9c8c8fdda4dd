//! The journal: what was changed, as a list and as a feed, where it stood at an instant, and the proof that nothing was
//! altered.

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::domain::change::{Anchor, AnchorState, Noun, Touched};
use crate::domain::fault::{Fault, Reason};
use crate::storage::journal::{ChangeFilter, StoredChange};
use crate::storage::{self, journal, touched};

use super::read::Read;
use super::{App, AsOf, Call, Listed, Page};

/// Changes on a page: each may hold a long reason and keys of every kind, and an answer stays below 4 MiB.
const PAGE: u16 = 200;
/// Changes read at once for a follower: what a slow one has the server hold.
const BATCH: u16 = 20;

/// Which changes to list.
pub type ChangeQuery = ChangeFilter;

/// A change and what it touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldChange {
    pub stored: StoredChange,
    pub touched: Vec<Touched>,
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub first_fault: Option<String>,
    pub changes: i64,
    pub rows: i64,
    /// Rows and reasons whose personal data was erased.
    pub erased: i64,
    /// The head's.
    pub anchor: Anchor,
    /// What became of each anchor that was given.
    pub anchors: Vec<AnchorState>,
}

/// What to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchQuery {
    /// Changes after this number, which the journal has to reach.
    pub after: i64,
    pub filter: ChangeQuery,
    /// Ends once the journal has reached this number; absent: never.
    pub until: Option<i64>,
}

impl App {
    /// Changes by number.
    pub async fn changes(
        &self,
        call: &Call,
        query: &ChangeQuery,
        page: Page,
    ) -> Result<Listed<ToldChange>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let page = Page { size: page.size.min(PAGE), ..page };
        let after = page.after::<i64>()?.unwrap_or_default();
        let changes = told(&mut read, call, query, after, &page).await?;
        Ok(changes)
    }

    /// Keys of one kind that a change touched, in the order of their parts.
    pub async fn touched(
        &self,
        call: &Call,
        change: i64,
        noun: Noun,
        page: Page,
    ) -> Result<Listed<String>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        if change > read.as_of {
            return Err(Fault::not_found("change", change));
        }
        let after = page.after.as_deref();
        let keys = touched::keys(&mut read.tx, call.tenant(), change, noun, after, page.limit()).await?;
        Ok(Listed::new(keys, &page, read.as_of, String::clone))
    }

    /// The last change recorded at or before an instant, if there was one, and the journal number read as of.
    pub async fn find_change(
        &self,
        call: &Call,
        as_of: AsOf,
        instant: DateTime<Utc>,
    ) -> Result<(Option<(i64, DateTime<Utc>)>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let found = journal::at(&mut read.tx, call.tenant(), read.as_of, instant).await?;
        Ok((found, read.as_of))
    }

    /// The anchor of a change, and when it was recorded.
    pub async fn anchor(&self, call: &Call, as_of: AsOf) -> Result<(Anchor, DateTime<Utc>), Fault> {
        let mut read = self.read(call, as_of).await?;
        let (tenant, number) = (call.tenant(), read.as_of);
        let all = ChangeFilter::default();
        let found = journal::list(&mut read.tx, tenant, &all, number - 1, number, 1).await?;
        let found = found.into_iter().next().ok_or_else(|| Fault::not_found("change", number))?;
        Ok((Anchor { number, hash: found.hash }, found.change.time))
    }

    /// Walks everything, no older than a journal number.
    pub async fn verify(&self, call: &Call, anchors: &[Anchor], min: i64) -> Result<Verified, Fault> {
        let mut read = self.read(call, AsOf::since(min)).await?;
        let head = journal::head(&mut read.tx, call.tenant()).await?;
        let report = storage::verify::verify(&mut read.tx, call.tenant(), anchors).await?;
        Ok(Verified {
            first_fault: report.first_fault,
            changes: report.changes,
            rows: report.rows,
            erased: report.erased,
            anchor: Anchor { number: head.number, hash: head.hash },
            anchors: report.anchors,
        })
    }

    /// Follows the journal: every change once and in order, until the follower drops its end. What it has not taken yet
    /// stays in the database.
    pub async fn watch_changes(
        &self,
        call: &Call,
        query: WatchQuery,
    ) -> Result<mpsc::Receiver<Result<ToldChange, Fault>>, Fault> {
        drop(self.read(call, AsOf::since(query.after)).await?);
        let (follower, changes) = mpsc::channel(1);
        let (app, call) = (self.clone(), call.clone());
        tokio::spawn(async move {
            tokio::select! {
                // Who left is not waited for, though nothing happens that could be sent.
                () = follower.closed() => {}
                ended = app.feed(&call, &query, &follower) => {
                    if let Err(fault) = ended {
                        // If nobody hears why, nobody is there.
                        let _ = follower.send(Err(fault)).await;
                    }
                }
            }
        });
        Ok(changes)
    }

    async fn feed(
        &self,
        call: &Call,
        query: &WatchQuery,
        follower: &mpsc::Sender<Result<ToldChange, Fault>>,
    ) -> Result<(), Fault> {
        let mut heads = self.follow(call.tenant());
        let mut after = query.after;
        loop {
            let mut read = self.read(call, 0).await?;
            still_may(&mut read, call).await?;
            let as_of = query.until.map_or(read.as_of, |until| read.as_of.min(until));
            read.as_of = as_of;
            let page = Page { as_of: as_of.into(), after: None, size: BATCH };
            let batch = told(&mut read, call, &query.filter, after, &page).await?;
            // Nothing of the database is held while the follower takes its time.
            drop(read);
            after = match &batch.next {
                Some(last) => last.parse().map_err(storage::corrupt)?,
                None => as_of.max(after),
            };
            let more = batch.next.is_some();
            for change in batch.items {
                if follower.send(Ok(change)).await.is_err() {
                    return Ok(());
                }
            }
            if query.until.is_some_and(|until| after >= until) {
                return Ok(());
            }
            if !more {
                heads.wait_for(|head| *head > after).await.map_err(storage::corrupt)?;
            }
        }
    }
}

/// A page of changes after a number, up to the number read as of, each with what it touched.
async fn told(
    read: &mut Read,
    call: &Call,
    query: &ChangeQuery,
    after: i64,
    page: &Page,
) -> Result<Listed<ToldChange>, Fault> {
    let (tx, tenant, as_of) = (&mut read.tx, call.tenant(), read.as_of);
    let found = journal::list(tx, tenant, query, after, as_of, page.limit()).await?;
    let listed = Listed::new(found, page, as_of, |change| change.change.number.to_string());
    let numbers: Vec<i64> = listed.items.iter().map(|change| change.change.number).collect();
    let mut touched = touched::of(tx, tenant, &numbers).await?;
    let told = listed.items.into_iter().map(|stored| {
        let touched = touched.remove(&stored.change.number).unwrap_or_default();
        ToldChange { stored, touched }
    });
    Ok(Listed { items: told.collect(), as_of, keys: listed.keys, next: listed.next })
}

/// A stream outlives the look at its key: once that is revoked, which is itself a change, nothing more is told.
async fn still_may(read: &mut Read, call: &Call) -> Result<(), Fault> {
    let key = storage::key::get(&mut read.tx, call.tenant(), &call.actor.key).await?;
    if key.is_some_and(|key| key.revoked) {
        return Err(Fault::new(Reason::KeyInvalid, "the key is not valid"));
    }
    Ok(())
}
