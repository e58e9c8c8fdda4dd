//! Proof that nothing was altered: every row against its digest, every change against its rows, the chain
//! of changes against the head and an anchor, the ledger against itself, references against what they name.
//!
//! Everything is streamed; nothing is repaired. The transaction is a snapshot.

mod chain;
mod ledger;

use sha2::{Digest as _, Sha256};
use tokio_stream::StreamExt as _;

use crate::domain::change::{Anchor, AnchorState};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::TenantId;

use super::{
    Conn, RowCheck, calendar, crediting, deal, draft, erase, exchange, fault, join_sets, key, measure,
    outside, payee, plan, proposal, quota, rejected, territory,
};

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Changes in the journal.
    pub changes: i64,
    /// Rows whose digest was computed again, superseded ones too.
    pub rows: i64,
    /// Rows and reasons whose personal data was erased, each by a change that says so.
    pub erased: i64,
    /// The first thing wrong, in one sentence; absent: nothing was altered.
    pub first_fault: Option<String>,
    /// What became of each anchor that was given.
    pub anchors: Vec<AnchorState>,
    /// The ledger's accounts.
    pub totals: Vec<AccountTotal>,
}

/// What an account comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountTotal {
    /// The account.
    pub account: String,
    /// In this currency.
    pub currency: String,
    /// Debits minus credits, decimal text.
    pub balance: String,
}

/// Collects what is wrong; the first thing is kept.
#[derive(Default)]
struct Findings {
    rows: i64,
    first: Option<String>,
}

impl Findings {
    fn note(&mut self, sentence: impl FnOnce() -> String) {
        self.first.get_or_insert_with(sentence);
    }

    fn row(&mut self, row: &RowCheck) {
        self.rows = self.rows.saturating_add(1);
        if row.stored != row.computed {
            self.note(|| format!("{} {}: its columns do not give its digest", row.noun, row.key));
        }
    }

    /// A row that cannot even be read was not written by us.
    fn table(&mut self, noun: &str, outcome: Result<(), Fault>) -> Result<(), Fault> {
        match outcome {
            Err(fault) if fault.reason == Reason::Internal => {
                self.note(|| format!("{noun}: a row cannot be read, the cause is in the log"));
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// Verifies a tenant's journal, facts and ledger. Anchors kept elsewhere are the only way to see that the journal's
/// tail was cut off or written anew.
pub async fn verify(conn: &mut Conn, tenant: TenantId, anchors: &[Anchor]) -> Result<Report, Fault> {
    join_sets(conn).await?;
    let mut found = Findings::default();
    let (changes, anchors) = chain::check(conn, tenant, anchors, &mut found).await?;
    check_rows(conn, tenant, &mut found).await?;
    check_row_digests(conn, tenant, &mut found).await?;
    let totals = ledger::check(conn, tenant, &mut found).await?;
    check_references(conn, tenant, &mut found).await?;
    let erased = erase::count(conn, tenant).await?;
    Ok(Report { changes, rows: found.rows, erased, first_fault: found.first, anchors, totals })
}

/// Every row gives the digest that was stored with it.
async fn check_rows(conn: &mut Conn, tenant: TenantId, found: &mut Findings) -> Result<(), Fault> {
    let outcome = calendar::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("calendar", outcome)?;
    let outcome = key::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("api_key", outcome)?;
    let outcome = payee::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("payee", outcome)?;
    let outcome = measure::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("measure", outcome)?;
    let outcome = plan::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("plan_version", outcome)?;
    let outcome = draft::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("plan_draft", outcome)?;
    let outcome = proposal::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("quota_proposal", outcome)?;
    let outcome = proposal::check_figures(conn, tenant, |row| found.row(&row)).await;
    found.table("proposal_figure", outcome)?;
    let outcome = quota::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("quota", outcome)?;
    let outcome = outside::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("outside_value", outcome)?;
    let outcome = exchange::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("exchange_rate", outcome)?;
    let outcome = territory::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("territory", outcome)?;
    let outcome = crediting::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("crediting_rule", outcome)?;
    let outcome = deal::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("deal", outcome)?;
    let outcome = deal::event::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("deal_event", outcome)?;
    let outcome = rejected::check_rows(conn, tenant, |row| found.row(&row)).await;
    found.table("rejected_row", outcome)?;
    let outcome = super::ledger::check_closes(conn, tenant, |row| found.row(&row)).await;
    found.table("period_close", outcome)?;
    let outcome = super::ledger::check_postings(conn, tenant, |row| found.row(&row)).await;
    found.table("posting", outcome)?;
    let outcome = super::ledger::check_statements(conn, tenant, |row| found.row(&row)).await;
    found.table("statement_part", outcome)?;
    let outcome = super::ledger::check_rules(conn, tenant, |row| found.row(&row)).await;
    found.table("rules_acceptance", outcome)
}

/// The rows that a change added, superseded and erased give the digest it recorded.
async fn check_row_digests(conn: &mut Conn, tenant: TenantId, found: &mut Findings) -> Result<(), Fault> {
    let mut entries = sqlx::query_file!("src/storage/verify/row_digests.sql", tenant.0).fetch(conn);
    let mut change: Option<(i64, Vec<u8>, Sha256)> = None;
    let finish = |change: Option<(i64, Vec<u8>, Sha256)>, found: &mut Findings| {
        if let Some((number, recorded, rows)) = change
            && rows.finalize().as_slice() != recorded
        {
            found.note(|| {
                format!("change {number}: a row that it added or superseded was altered, added or deleted")
            });
        }
    };
    while let Some(entry) = entries.try_next().await.map_err(fault)? {
        if entry.sign == 0 {
            finish(change.replace((entry.number, entry.digest, Sha256::new())), found);
            continue;
        }
        match &mut change {
            Some((number, _, rows)) if *number == entry.number => {
                rows.update(match entry.sign {
                    1 => b"+",
                    2 => b"-",
                    _ => b"~",
                });
                rows.update(&entry.digest);
            }
            _ => {
                found.note(|| format!("change {}: rows name it, the journal does not have it", entry.number))
            }
        }
    }
    finish(change, found);
    Ok(())
}

/// What current facts name exists.
async fn check_references(conn: &mut Conn, tenant: TenantId, found: &mut Findings) -> Result<(), Fault> {
    let orphan = sqlx::query_file!("src/storage/verify/references.sql", tenant.0);
    if let Some(orphan) = orphan.fetch_optional(conn).await.map_err(fault)? {
        found.note(|| {
            let (noun, key, missing) = (orphan.noun, orphan.key, orphan.missing);
            format!("{noun} {key} of change {}: names {missing}, which does not exist", orphan.added_in)
        });
    }
    Ok(())
}
