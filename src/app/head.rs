//! Where journals end, for all who wait that one goes on: of each tenant one look at a time, however many wait, and none
//! once nobody does. Whichever server wrote, the head's row tells; nothing is sent that could be lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::domain::fault::Fault;
use crate::domain::id::TenantId;
use crate::storage::journal;

use super::App;

/// The pause between two looks: it doubles while nothing moves.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(250);
/// Time the database has for one look.
const LOOK: Duration = Duration::from_secs(5);

/// Heads that somebody follows.
#[derive(Default)]
pub(super) struct Heads(Mutex<BTreeMap<TenantId, Followed>>);

struct Followed {
    head: watch::Sender<i64>,
    /// Told of every new follower, who should not wait out a long pause.
    joined: Arc<Notify>,
}

impl Heads {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<TenantId, Followed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the followers where the journal ends: whether that is news to them; `None` if there are none left, and it
    /// is followed no more.
    fn tell(&self, tenant: TenantId, head: Option<i64>) -> Option<bool> {
        let mut heads = self.locked();
        let followed = heads.get(&tenant).filter(|followed| followed.head.receiver_count() > 0);
        let Some(followed) = followed else {
            heads.remove(&tenant);
            return None;
        };
        Some(head.is_some_and(|head| {
            followed.head.send_if_modified(|last| {
                let news = *last < head;
                *last = head.max(*last);
                news
            })
        }))
    }
}

impl App {
    /// The number of a tenant's last change as it moves on; 0 until it was looked at. Dropped, it is followed no more.
    pub(super) fn follow(&self, tenant: TenantId) -> watch::Receiver<i64> {
        let mut heads = self.inner.heads.locked();
        if let Some(followed) = heads.get(&tenant) {
            followed.joined.notify_one();
            return followed.head.subscribe();
        }
        let ((head, follower), joined) = (watch::channel(0), Arc::new(Notify::new()));
        heads.insert(tenant, Followed { head, joined: Arc::clone(&joined) });
        tokio::spawn(self.clone().look(tenant, joined));
        follower
    }

    /// Looks at a head until nobody follows it.
    async fn look(self, tenant: TenantId, joined: Arc<Notify>) {
        let mut pause = SHORTEST;
        loop {
            // While the database is away its followers wait; each has a deadline of its own, or none.
            let head = self.head(tenant).await.ok();
            let Some(news) = self.inner.heads.tell(tenant, head) else { return };
            pause = if news { SHORTEST } else { (pause * 2).min(LONGEST) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = joined.notified() => pause = SHORTEST,
            }
        }
    }

    async fn head(&self, tenant: TenantId) -> Result<i64, Fault> {
        let mut tx = self.database().snapshot(tenant, Some(LOOK)).await?;
        Ok(journal::head(&mut tx, tenant).await?.number)
    }
}
