//! A close: computed as of a journal number without a lock, then posted in one transaction if no change
//! to ledger or calendar came in between, else computed again (semantics 10).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::calc::close::{Closing, close};
use crate::calc::{Calculation, RULES_REVISION};
use crate::domain::date::{Calendar, Period};
use crate::domain::encode::hex;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::TenantId;
use crate::storage::ledger::{self, Close};
use crate::storage::{self, journal};

use super::period::{CloseStage, CloseState, Closed, totals};
use super::write::{Begun, Touches};
use super::{App, Call, Write, facts};

/// How often a close starts over when others post before it.
const ATTEMPTS: u32 = 5;
/// Problems that an answer lists.
const LISTED: usize = 100;

/// Closes in progress on this server, to be followed.
#[derive(Default)]
pub(super) struct Closes(Mutex<BTreeMap<(TenantId, Period), watch::Receiver<CloseState>>>);

impl Closes {
    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<(TenantId, Period), watch::Receiver<CloseState>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The close in progress, if there is one.
    pub(super) fn running(&self, tenant: TenantId, period: Period) -> Option<watch::Receiver<CloseState>> {
        self.locked().get(&(tenant, period)).cloned()
    }
}

impl Closed {
    pub(super) fn of(close: &Close) -> Self {
        Closed {
            change: close.change,
            as_of: close.as_of,
            payees: close.payees,
            postings: close.postings,
            totals: close.totals.clone(),
            digest: hex(&close.digest),
            rules_revision: close.rules_revision,
        }
    }
}

/// The period that closes next.
pub(super) fn next_period(calendar: &Calendar, last: Option<&Close>) -> Period {
    last.map_or(calendar.first_period, |close| close.period.plus(1))
}

/// Refuses a period that is not the next to close.
pub(super) fn check_order(period: Period, next: Period) -> Result<(), Fault> {
    if period == next {
        return Ok(());
    }
    let message = format!("periods close in order: the next is {next}, got {period}");
    Err(Fault::new(Reason::PeriodOutOfOrder, message).with("period", period).with("next", next))
}

/// Refuses while closed periods stand on rules of another revision than this binary's, and nobody has accepted these.
pub(super) fn check_rules(accepted: Option<u32>) -> Result<(), Fault> {
    let Some(accepted) = accepted.filter(|accepted| *accepted != RULES_REVISION) else { return Ok(()) };
    let message = format!(
        "the rules are of revision {RULES_REVISION}, closed periods of {accepted}: preview what that moves and accept it"
    );
    let fault = Fault::new(Reason::RulesRevisionPending, message);
    Err(fault.with("rules_revision", RULES_REVISION).with("accepted_rules_revision", accepted))
}

/// The fault that lists what the facts leave open, if there is anything.
fn check_problems(closing: &Closing, period: Period) -> Result<(), Fault> {
    let Some(first) = closing.problems.first() else { return Ok(()) };
    let count = closing.problems.len();
    let mut violations = Violations::default();
    for problem in closing.problems.iter().take(LISTED) {
        violations.add("period", problem);
    }
    let message = format!("{period} cannot close: {count} questions are open, the first: {first}");
    Err(Fault::new(Reason::RunBlocked, message).with("problems", count).violating(violations))
}

/// What was computed as the close that change `change` makes of it.
fn as_close(
    closing: &Closing,
    period: Period,
    calendar: &Calendar,
    as_of: i64,
    payees: i64,
    change: i64,
) -> Close {
    Close {
        period,
        as_of,
        rules_revision: RULES_REVISION,
        digest: closing.digest,
        payees,
        postings: i64::try_from(closing.postings.len()).unwrap_or(i64::MAX),
        totals: totals(closing.totals(), calendar.currency),
        change,
    }
}

/// Work that ended without a result.
pub(super) fn stopped(error: &tokio::task::JoinError) -> Fault {
    tracing::error!(error.cause = %error, "a calculation stopped");
    Fault::new(Reason::Internal, "internal error; the cause is in the server's log")
}

impl App {
    /// Begins a close in the background, or joins the one in progress.
    pub(super) fn start_close(
        &self,
        call: &Call,
        write: Write,
        period: Period,
    ) -> watch::Receiver<CloseState> {
        let key = (call.tenant(), period);
        let mut running = self.inner.closes.locked();
        if let Some(receiver) = running.get(&key) {
            return receiver.clone();
        }
        let state = move |stage| CloseState { period, stage };
        let (sender, receiver) = watch::channel(state(CloseStage::Running { done: 0, total: 0 }));
        running.insert(key, receiver.clone());
        // Leaving the call changes nothing: the close has no deadline of its own.
        let (app, call) = (self.clone(), Call { deadline: None, ..call.clone() });
        let sender = Arc::new(sender);
        let work = tokio::spawn({
            let (app, sender) = (app.clone(), Arc::clone(&sender));
            async move { app.run_close(&call, write, period, &sender).await }
        });
        tokio::spawn(async move {
            // However the work ends, its entry goes: a defect must not keep the period from being closed.
            let ended = match work.await {
                Ok(Ok(close)) => CloseStage::Closed(Closed::of(&close)),
                Ok(Err(fault)) => CloseStage::Failed(fault),
                Err(error) => CloseStage::Failed(stopped(&error)),
            };
            app.inner.closes.locked().remove(&key);
            sender.send_replace(state(ended));
        });
        receiver
    }

    async fn run_close(
        &self,
        call: &Call,
        write: Write,
        period: Period,
        progress: &Arc<watch::Sender<CloseState>>,
    ) -> Result<Close, Fault> {
        for _ in 0..ATTEMPTS {
            let (closing, calendar, as_of, payees) = self.compute(call, period, progress).await?;
            check_problems(&closing, period)?;
            if let Some(close) =
                self.post(call, write.clone(), period, &closing, calendar, as_of, payees).await?
            {
                return Ok(close);
            }
        }
        let message =
            format!("other changes to the ledger came before the close of {period}, {ATTEMPTS} times");
        Err(Fault::new(Reason::CloseOvertaken, message).with("period", period))
    }

    /// What the close would post, or why it would be refused; writes nothing.
    pub(super) async fn validate_close(&self, call: &Call, period: Period) -> Result<Closed, Fault> {
        // Nobody follows it.
        let stage = CloseStage::Running { done: 0, total: 0 };
        let progress = Arc::new(watch::channel(CloseState { period, stage }).0);
        let (closing, calendar, as_of, payees) = self.compute(call, period, &progress).await?;
        check_problems(&closing, period)?;
        Ok(Closed::of(&as_close(&closing, period, &calendar, as_of, payees, 0)))
    }

    /// Computes on the facts as of now, off the runtime's threads.
    async fn compute(
        &self,
        call: &Call,
        period: Period,
        progress: &Arc<watch::Sender<CloseState>>,
    ) -> Result<(Closing, Calendar, i64, i64), Fault> {
        let tenant = call.tenant();
        let mut read = self.read(call, 0).await?;
        let as_of = read.as_of;
        let facts = facts::load(&mut read.tx, tenant, as_of, period).await?;
        let posted = ledger::posted(&mut read.tx, tenant, &facts.calendar, None, as_of).await?;
        drop(read);
        let progress = Arc::clone(progress);
        let work = move || {
            let total = u64::try_from(facts.payees.len()).unwrap_or(u64::MAX);
            let done = AtomicU64::new(0);
            let calculation = Calculation::open(&facts, period);
            let closing = close(&calculation, &posted, || {
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                // A message for every payee would drown the followers of a large close.
                if done == total || done.is_multiple_of(total / 100 + 1) {
                    let stage = CloseStage::Running { done, total };
                    progress.send_replace(CloseState { period, stage });
                }
            });
            (closing, facts.calendar, as_of, i64::try_from(total).unwrap_or(i64::MAX))
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| stopped(&error))
    }

    /// Posts what was computed, or answers `None` if ledger or calendar moved meanwhile. A period that somebody else
    /// has closed answers that close.
    #[allow(clippy::too_many_arguments)]
    async fn post(
        &self,
        call: &Call,
        write: Write,
        period: Period,
        closing: &Closing,
        calendar: Calendar,
        as_of: i64,
        payees: i64,
    ) -> Result<Option<Close>, Fault> {
        let mut open = match self.begin::<i64>(call, write).await? {
            Begun::Replayed(_) => return self.closed(call, period).await.map(Some),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, ledger) = (open.tenant(), open.number(), open.head().ledger);
        if let Some(close) = ledger::close_of(open.conn(), tenant, period).await? {
            return Ok(Some(close));
        }
        let head = open.head().number;
        // What the periods are and how figures are rounded is no fact of a day: it counts as it stands now.
        if ledger > as_of || facts::calendar(open.conn(), tenant, head).await? != calendar {
            return Ok(None);
        }
        let last = ledger::last_close(open.conn(), tenant).await?;
        check_order(period, next_period(&calendar, last.as_ref()))?;
        check_rules(ledger::accepted_rules(open.conn(), tenant, head).await?)?;
        let close = as_close(closing, period, &calendar, as_of, payees, number);
        let documents = closing.statements.iter().map(|statement| {
            let text = serde_json::to_string(statement).map_err(storage::corrupt)?;
            Ok((statement.payee.clone(), text))
        });
        let documents = documents.collect::<Result<Vec<_>, Fault>>()?;
        ledger::post(open.conn(), tenant, number, &calendar, period, &closing.postings).await?;
        ledger::insert_statements(open.conn(), tenant, number, period, &documents).await?;
        ledger::insert_close(open.conn(), tenant, &close).await?;
        open.commit(&number, Touches::Ledger).await?;
        Ok(Some(close))
    }

    /// The close of a period that was closed.
    pub(super) async fn closed(&self, call: &Call, period: Period) -> Result<Close, Fault> {
        let mut read = self.read(call, 0).await?;
        let close = ledger::close_of(&mut read.tx, call.tenant(), period).await?;
        close.ok_or_else(|| Fault::not_found("close", period))
    }

    /// Whether a request id was used before, for this call and body.
    pub(super) async fn check_request(&self, call: &Call, write: &Write) -> Result<(), Fault> {
        let mut read = self.read(call, 0).await?;
        journal::replay(&mut read.tx, call.tenant(), write.rpc, &write.request_id, &write.digest).await?;
        Ok(())
    }
}
