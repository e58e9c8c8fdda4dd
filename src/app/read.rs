//! The one way to read: a snapshot in which everything is as of one journal number, no older than the caller asks for.
//! What stands in the journal and what the caller's day is decide an answer; when the call came does not.

use std::time::{Duration, Instant};

use sqlx::{Postgres, Transaction};

use crate::domain::date::Day;
use crate::domain::fault::{Fault, Reason};
use crate::storage::{self, journal};

use super::{App, Call};

/// How long a call whose caller set no deadline waits for a change that is not there yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// Part of the caller's time, and most of it, that is left over to say that a change did not come.
const LEFT_OVER: (u32, Duration) = (5, Duration::from_millis(250));

/// Where in the journal to read. Asked of a head, be it the database's or that of facts in memory, it says as of which
/// number, that the head is behind, or that there is no such number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AsOf {
    /// Journal number to read as of; 0: the last there is.
    pub change: i64,
    /// The journal must have reached this number; 0: wherever it is.
    pub min: i64,
}

impl From<i64> for AsOf {
    fn from(change: i64) -> Self {
        AsOf { change, min: 0 }
    }
}

impl AsOf {
    /// As of now, but no older than a number.
    pub fn since(min: i64) -> Self {
        AsOf { change: 0, min }
    }

    /// The number to read as of where the journal ends at `head`; `None` if it has to go on first.
    pub fn at(self, head: i64) -> Result<Option<i64>, Fault> {
        match self.change {
            _ if head < self.min => Ok(None),
            0 => Ok(Some(head)),
            change if change < 0 || change > head => Err(Fault::field(
                "as_of_change",
                format!("must be 0 to the last change {head}, got {change}"),
            )),
            change => Ok(Some(change)),
        }
    }
}

/// A read: everything in it is as of one journal number.
pub(super) struct Read {
    pub(super) tx: Transaction<'static, Postgres>,
    pub(super) as_of: i64,
}

impl Call {
    /// Until when to wait for a change that is not there yet: as long as the caller does, less the time to say so.
    fn patience(&self) -> Instant {
        let now = Instant::now();
        let left = |deadline: Instant| {
            let left = deadline.saturating_duration_since(now);
            left.saturating_sub((left / LEFT_OVER.0).min(LEFT_OVER.1))
        };
        let own = self.deadline.filter(|_| self.own_deadline).map(left);
        now.checked_add(own.unwrap_or(PATIENCE)).unwrap_or(now)
    }
}

impl App {
    /// Begins a read. CHANGE_NOT_REACHED if the journal does not get as far as the caller needs in time; nothing of the
    /// database is held while waiting.
    pub(super) async fn read(&self, call: &Call, as_of: impl Into<AsOf>) -> Result<Read, Fault> {
        let (as_of, tenant) = (as_of.into(), call.tenant());
        let mut until = None;
        loop {
            let mut tx = self.database().snapshot(tenant, call.timeout()).await?;
            let head = journal::head(&mut tx, tenant).await?.number;
            if let Some(number) = as_of.at(head)? {
                return Ok(Read { tx, as_of: number });
            }
            drop(tx);
            let until = *until.get_or_insert_with(|| call.patience());
            let mut follow = self.follow(tenant);
            let reached = follow.wait_for(|head| *head >= as_of.min);
            if !matches!(tokio::time::timeout_at(until.into(), reached).await, Ok(Ok(_))) {
                return Err(not_reached(as_of.min, head.max(*follow.borrow())));
            }
        }
    }

    /// The day that a read is for: the one given, else today; `None` before there is a calendar to know today by.
    pub(super) async fn day(
        &self,
        call: &Call,
        read: &mut Read,
        given: Option<Day>,
    ) -> Result<Option<Day>, Fault> {
        if given.is_some() {
            return Ok(given);
        }
        let calendar = storage::calendar::get(&mut read.tx, call.tenant(), read.as_of).await?;
        let Some(calendar) = calendar else { return Ok(None) };
        let now = (self.inner.clock)();
        let today = calendar.value.day(now);
        today.map(Some).ok_or_else(|| storage::corrupt(format_args!("the clock says {now}")))
    }
}

fn not_reached(min: i64, head: i64) -> Fault {
    let message = format!("change {min} is not there yet: the journal ends at change {head}");
    Fault::new(Reason::ChangeNotReached, message).with("min_change", min).with("last_change", head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_as_of_which_number_or_that_it_is_behind() {
        for (change, min, head, expected) in [
            (0, 0, 7, Some(7)),
            (0, 7, 7, Some(7)),
            (0, 8, 7, None),
            (3, 0, 7, Some(3)),
            (3, 3, 7, Some(3)),
            (7, 2, 7, Some(7)),
            // It may yet come to be: 9 is asked for once 8 is there.
            (9, 8, 7, None),
            (0, 0, 0, Some(0)),
        ] {
            assert_eq!(AsOf { change, min }.at(head), Ok(expected), "{change} {min} {head}");
        }
        for (change, min) in [(8, 0), (9, 7), (-1, 0), (i64::MAX, 1)] {
            assert_eq!(AsOf { change, min }.at(7).unwrap_err().reason, Reason::InvalidRequest);
        }
    }

    #[test]
    fn a_caller_hears_that_a_change_did_not_come_before_it_gives_up() {
        let call = |left: Option<u64>, own_deadline| {
            let tenant = crate::domain::id::TenantId(uuid::Uuid::nil());
            let call = crate::app::tenant::command_line(tenant, "acme").unwrap();
            let deadline = left.map(|left| Instant::now() + Duration::from_millis(left));
            Call { deadline, own_deadline, ..call }
        };
        for (call, least, most) in [
            (call(Some(1000), true), 780, 800),
            (call(Some(60_000), true), 59_700, 59_750),
            (call(Some(60_000), false), 4_980, 5_000),
            (call(None, false), 4_980, 5_000),
            (call(Some(0), true), 0, 0),
        ] {
            let before = Instant::now();
            let waits = call.patience().saturating_duration_since(before);
            assert!(waits >= Duration::from_millis(least), "{waits:?} {least}");
            assert!(waits <= Duration::from_millis(most) + before.elapsed(), "{waits:?} {most}");
        }
    }
}
