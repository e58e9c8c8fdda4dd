//! Preview and close of periods, postings.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::watch;

use crate::calc::close::close;
use crate::calc::{Calculation, RULES_REVISION};
use crate::domain::date::{Day, Period};
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{PayeeId, TenantId};
use crate::domain::ledger::Posted;
use crate::domain::money::Currency;
use crate::storage::Written;
use crate::storage::ledger::{self, Close, PostingFilter, StoredPosting};

use super::close::{check_order, check_rules, next_period, stopped};
use super::write::{Begun, Touches};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write, facts};

/// Items that a preview lists of problems and of uncredited events.
const LISTED: usize = 100;
/// How long a call to close waits for the end before it answers with the close in progress.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a close would post for one payee. Amounts in minor units.
#[derive(Debug, Clone, Default)]
pub struct Move {
    pub earned: i128,
    /// Changes for periods closed before.
    pub adjusted: i128,
    /// The part of `adjusted` that other rules move; absent where the rules are those of the last close.
    pub by_rules: Option<i128>,
}

/// What a close would post. Amounts in minor units.
#[derive(Debug, Clone)]
pub struct Preview {
    pub period: Period,
    /// This page, by payee and currency.
    pub payees: Vec<((PayeeId, Currency), Move)>,
    pub next: Option<String>,
    pub payee_count: usize,
    pub posting_count: usize,
    /// Without any posting a zero of the tenant's currency.
    pub totals: BTreeMap<Currency, i128>,
    /// At most 100.
    pub problems: Vec<String>,
    /// At most 100: deal, event, day, payee.
    pub uncredited: Vec<(String, String, Day, PayeeId)>,
    pub as_of: i64,
    pub rules_revision: u32,
    /// Of the last close, or accepted since; absent before the first close.
    pub accepted_rules: Option<u32>,
    /// What other rules move in closed periods; absent where they are those of the last close.
    pub by_rules: Option<BTreeMap<Currency, i128>>,
}

/// How far a close is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseState {
    pub period: Period,
    pub stage: CloseStage,
}

/// A close is running, done, or given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseStage {
    /// Payees computed so far, of how many; 0 of 0 while the facts are loaded.
    Running { done: u64, total: u64 },
    /// Posted.
    Closed(Closed),
    /// Given up; nothing was posted.
    Failed(Fault),
    /// Only computed: what it would post. It has no change.
    Validated(Closed),
}

/// A close that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub change: i64,
    pub as_of: i64,
    pub payees: i64,
    pub postings: i64,
    /// Earned and adjusted by currency, minor units.
    pub totals: BTreeMap<Currency, i128>,
    /// Hexadecimal.
    pub digest: String,
    pub rules_revision: u32,
}

/// Which postings to list.
pub type PostingQuery = PostingFilter;

impl App {
    /// What closing the next period would post; writes nothing.
    pub async fn preview(&self, call: &Call, period: Period, page: Page) -> Result<Preview, Fault> {
        let tenant = call.tenant();
        let mut read = self.read(call, page.as_of).await?;
        let (as_of, tx) = (read.as_of, &mut read.tx);
        let facts = facts::load(tx, tenant, as_of, period).await?;
        let last = ledger::closes(tx, tenant, as_of).await?.pop();
        check_order(period, next_period(&facts.calendar, last.as_ref()))?;
        let posted = ledger::posted(tx, tenant, &facts.calendar, None, as_of).await?;
        let accepted_rules = ledger::accepted_rules(tx, tenant, as_of).await?;
        let basis = match last.filter(|close| close.rules_revision != RULES_REVISION) {
            Some(close) => Some(Basis::load(tx, tenant, close).await?),
            None => None,
        };
        drop(read);
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let after = page.after.as_deref().map(|key| {
            let (payee, currency) = key.split_once(' ')?;
            Some((payee.parse::<PayeeId>().ok()?, Currency::parse(currency).ok()?))
        });
        let after = after.map(|key| key.ok_or_else(invalid)).transpose()?;
        let work = move || {
            let calculation = Calculation::open(&facts, period);
            let closing = close(&calculation, &posted, || {});
            let book = calculation.book();
            let uncredited = book.uncredited(period).take(LISTED).map(|(event, payee)| {
                let fact = &facts.events[event as usize];
                let (deal, name) = (facts.deal_id(fact.deal).to_string(), facts.event_id(event).to_string());
                (deal, name, fact.day, facts.payee_id(payee).clone())
            });
            let by_rules = basis.map(|basis| basis.moved());
            let payees = moves(closing.by_payee(period), by_rules.as_ref());
            let payee_count = payees.len();
            let on_page =
                payees.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
            let on_page = on_page.take(usize::from(page.size) + 1).collect();
            let listed =
                Listed::new(on_page, &page, as_of, |((payee, currency), _)| format!("{payee} {currency}"));
            Preview {
                period,
                payees: listed.items,
                next: listed.next,
                payee_count,
                posting_count: closing.postings.len(),
                totals: totals(closing.totals(), facts.calendar.currency),
                problems: closing.problems.iter().take(LISTED).map(ToString::to_string).collect(),
                uncredited: uncredited.collect(),
                as_of,
                rules_revision: RULES_REVISION,
                accepted_rules,
                by_rules: by_rules.map(|moved| {
                    let mut sums = BTreeMap::new();
                    for ((_, currency), amount) in moved {
                        *sums.entry(currency).or_default() += amount;
                    }
                    totals(sums, facts.calendar.currency)
                }),
            }
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| stopped(&error))
    }

    /// The close as it stands: done long ago, just done, or in progress if it takes longer than ten seconds.
    pub async fn close_period(&self, call: &Call, write: Write, period: Period) -> Result<CloseState, Fault> {
        self.check_request(call, &write).await?;
        let state = |stage| CloseState { period, stage };
        let mut read = self.read(call, 0).await?;
        if let Some(close) = ledger::close_of(&mut read.tx, call.tenant(), period).await? {
            return Ok(state(CloseStage::Closed(Closed::of(&close))));
        }
        let calendar = facts::calendar(&mut read.tx, call.tenant(), read.as_of).await?;
        let last = ledger::last_close(&mut read.tx, call.tenant()).await?;
        check_order(period, next_period(&calendar, last.as_ref()))?;
        check_rules(ledger::accepted_rules(&mut read.tx, call.tenant(), read.as_of).await?)?;
        drop(read);
        if write.validate_only {
            return Ok(state(CloseStage::Validated(self.validate_close(call, period).await?)));
        }
        let mut follow = self.start_close(call, write, period);
        let ended = follow.wait_for(|state| !matches!(state.stage, CloseStage::Running { .. }));
        let patience = call.timeout().map_or(PATIENCE, |left| PATIENCE.min(left / 2));
        // The close goes on whether or not this call waits for its end.
        let _ = tokio::time::timeout(patience, ended).await;
        let now = follow.borrow().clone();
        match now.stage {
            CloseStage::Failed(fault) => Err(fault),
            CloseStage::Running { .. } | CloseStage::Closed(_) | CloseStage::Validated(_) => Ok(now),
        }
    }

    /// Accepts this binary's rules, which must be of the revision that the caller expects, for closed periods too.
    pub async fn accept_rules(&self, call: &Call, write: Write, expected: u32) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        if expected != RULES_REVISION {
            let message = format!("must be this server's revision {RULES_REVISION}, got {expected}");
            return Err(Fault::field("rules_revision", message));
        }
        let (tenant, number, head) = (open.tenant(), open.number(), open.head().number);
        let accepted = ledger::accepted_rules(open.conn(), tenant, head).await?;
        let pending = check_rules(accepted).is_err();
        if pending {
            ledger::accept_rules(open.conn(), tenant, number, RULES_REVISION).await?;
        }
        let receipt = open.receipt(Written { written: pending.into(), unchanged: (!pending).into() });
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// A close in progress to follow, or how it ended.
    pub async fn watch_close(
        &self,
        call: &Call,
        period: Period,
        min: i64,
    ) -> Result<watch::Receiver<CloseState>, Fault> {
        drop(self.read(call, AsOf::since(min)).await?);
        if let Some(running) = self.inner.closes.running(call.tenant(), period) {
            return Ok(running);
        }
        let close = self.closed(call, period).await?;
        let stage = CloseStage::Closed(Closed::of(&close));
        Ok(watch::channel(CloseState { period, stage }).1)
    }

    /// Entries of the ledger in the order they were posted.
    pub async fn postings(
        &self,
        call: &Call,
        query: PostingQuery,
        page: Page,
    ) -> Result<Listed<StoredPosting>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let after = page.after.as_deref().map(|key| {
            let (change, entry) = key.split_once(' ')?;
            Some((change.parse::<i64>().ok()?, entry.parse::<i64>().ok()?))
        });
        let after = after.map(|key| key.ok_or_else(invalid)).transpose()?;
        let calendar = facts::calendar(&mut read.tx, call.tenant(), read.as_of).await?;
        let tx = &mut read.tx;
        let found =
            ledger::postings(tx, call.tenant(), &calendar, read.as_of, &query, after, page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |posting| format!("{} {}", posting.change, posting.entry)))
    }
}

/// What the last close was made on, and what was posted with it.
struct Basis {
    facts: Facts,
    posted: Posted,
    through: Period,
}

impl Basis {
    async fn load(conn: &mut PgConnection, tenant: TenantId, close: Close) -> Result<Self, Fault> {
        let facts = facts::load(conn, tenant, close.as_of, close.period).await?;
        let posted = ledger::posted(conn, tenant, &facts.calendar, None, close.change).await?;
        Ok(Basis { facts, posted, through: close.period })
    }

    /// What these rules move in closed periods. On the facts of the last close its own rules would move nothing: what
    /// was posted is what they earned (semantics 1, law 1). So whatever differs comes of the rules alone.
    fn moved(self) -> BTreeMap<(PayeeId, Currency), i128> {
        let closing = close(&Calculation::open(&self.facts, self.through), &self.posted, || {});
        let payees = closing.by_payee(self.through).into_iter();
        payees.map(|(key, (earned, adjusted))| (key, earned + adjusted)).collect()
    }
}

/// Sums by currency; without any a zero of the tenant's.
pub(super) fn totals(mut sums: BTreeMap<Currency, i128>, tenants: Currency) -> BTreeMap<Currency, i128> {
    if sums.is_empty() {
        sums.insert(tenants, 0);
    }
    sums
}

/// What a close moves and what other rules move of it, by payee and currency; a payee whom facts moved back is there too.
fn moves(
    posted: BTreeMap<(PayeeId, Currency), (i128, i128)>,
    by_rules: Option<&BTreeMap<(PayeeId, Currency), i128>>,
) -> BTreeMap<(PayeeId, Currency), Move> {
    let none = by_rules.map(|_| 0);
    let one = |(key, (earned, adjusted))| (key, Move { earned, adjusted, by_rules: none });
    let mut moves: BTreeMap<_, _> = posted.into_iter().map(one).collect();
    for (key, amount) in by_rules.into_iter().flatten() {
        moves.entry(key.clone()).or_default().by_rules = Some(*amount);
    }
    moves
}
