//! Deals: small writes and imports, by the same path.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Transaction};

use crate::domain::deal::{Deal, EventKind};
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::DealId;
use crate::domain::money::Currency;
use crate::storage::deal::{DealFilter, DealsWritten, OtherCurrency, StagedTotal, UnknownPayee};
use crate::storage::{self, Stored};

use super::write::{Begun, Touches, unfit, unknown};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write};

/// Rejected rows on a page: each may hold 64 KiB of the row as it came, and an answer stays below 4 MiB.
const REJECTED_PAGE: u16 = 50;
/// Rejected rows that an import's answer repeats.
const REPEATED: usize = 100;
/// Bytes of their reasons: an answer is kept with its change, and small.
const REPEATED_BYTES: usize = 8 << 10;

/// What writing deals answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealsReceipt {
    /// Counted in deals.
    pub receipt: Receipt,
    /// Events new or different.
    pub events_written: u64,
    /// Events passed over: what is there has a higher source version.
    #[serde(default)]
    pub events_stale: u64,
}

/// What an import says first.
#[derive(Debug, Clone)]
pub struct ImportHeader {
    /// The write; its digest is of the header and grows with the batches.
    pub write: Write,
    /// Where the rows come from.
    pub source: String,
    /// Most rows that may be rejected.
    pub reject_limit: Option<u64>,
}

/// A row set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Row in the source.
    pub row: i64,
    /// Every reason.
    pub reasons: Vec<String>,
    /// The row as it came.
    pub raw: Option<String>,
}

impl RejectedRow {
    fn of(row: storage::rejected::RejectedRow) -> Self {
        RejectedRow { row: row.row, reasons: row.reasons, raw: row.raw }
    }
}

/// Some rows of an import.
#[derive(Debug, Clone, Default)]
pub struct ImportBatch {
    /// Rows that could be read, with their numbers.
    pub deals: Vec<(i64, Deal)>,
    /// Rows set aside.
    pub rejected: Vec<RejectedRow>,
    /// Digest of the batch message.
    pub digest: Digest,
}

/// What an import answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReceipt {
    /// Counted in deals.
    pub deals: DealsReceipt,
    /// Rows received.
    pub rows: u64,
    /// Rows set aside.
    pub rejected: u64,
    /// Events in good rows.
    pub totals: Vec<ControlTotal>,
    /// The first rejected rows, at most 100 and 8 KiB of reasons, without the rows as they came. Their reasons quote
    /// them: what is kept with the change has none, a replay reads them again.
    #[serde(skip)]
    pub first_rejected: Vec<RejectedRow>,
}

/// What the events of one type and currency add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTotal {
    pub kind: EventKind,
    pub currency: Currency,
    pub events: u64,
    /// Minor units.
    pub sum: i128,
}

/// Which deals to list.
pub type DealQuery = DealFilter;

/// An import under way: nothing is written before `finish`; dropping it writes nothing.
pub struct Import {
    app: App,
    tx: Transaction<'static, Postgres>,
    call: Call,
    header: ImportHeader,
    rows: u64,
    rejected: Vec<RejectedRow>,
}

fn deals_receipt(receipt: Receipt, written: &DealsWritten) -> DealsReceipt {
    let stale = &written.stale;
    let first_stale = stale.first.iter().map(ToString::to_string).collect();
    let receipt = Receipt { stale: stale.deals, first_stale, ..receipt };
    DealsReceipt { receipt, events_written: written.events.written, events_stale: stale.events }
}

/// The first rejected rows as far as an answer holds them.
fn repeated(rejected: Vec<RejectedRow>) -> Vec<RejectedRow> {
    let mut bytes = 0;
    let fits = |row: &RejectedRow| {
        bytes += row.reasons.iter().map(String::len).sum::<usize>();
        bytes <= REPEATED_BYTES
    };
    let rows = rejected.into_iter().take(REPEATED).take_while(fits);
    rows.map(|row| RejectedRow { raw: None, ..row }).collect()
}

impl App {
    /// Writes deals with the events they state, or refuses them all.
    pub async fn upsert_deals(
        &self,
        call: &Call,
        write: Write,
        deals: Vec<Deal>,
    ) -> Result<DealsReceipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number) = (open.tenant(), open.number());
        let rows: Vec<_> = (0..).zip(deals).collect();
        if open.expects_etags() {
            let ids: Vec<&DealId> = rows.iter().map(|(_, deal)| &deal.id).collect();
            let etags = storage::deal::etags(open.conn(), tenant, &ids).await?;
            open.check_etags("deal", |place| match ids.get(place) {
                Some(id) => (id.to_string(), etags.get(*id).copied().unwrap_or_default()),
                None => Default::default(),
            })?;
        }
        storage::deal::stage(open.conn(), &rows).await?;
        let strangers = storage::deal::unknown_payees(open.conn(), tenant).await?;
        let mut violations = Violations::default();
        for UnknownPayee { row, deal, payees } in strangers {
            for payee in payees {
                violations.add(
                    format!("deals[{row}]"),
                    format!("deal {deal} names payee {payee}, which does not exist"),
                );
            }
        }
        unknown(violations)?;
        let mut violations = Violations::default();
        for other in storage::deal::other_currencies(open.conn(), tenant).await? {
            violations.add(format!("deals[{}].currency_code", other.row), misfit(&other));
        }
        unfit(violations)?;
        let written = storage::deal::merge(open.conn(), tenant, number).await?;
        let receipt = deals_receipt(open.receipt(written.deals), &written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Begins an import.
    pub async fn import_deals(&self, call: &Call, header: ImportHeader) -> Result<Import, Fault> {
        let tx = self.database().begin(call.tenant(), call.timeout()).await?;
        Ok(Import { app: self.clone(), tx, call: call.clone(), header, rows: 0, rejected: Vec::new() })
    }

    /// The deal with its events and the journal number read as of.
    pub async fn deal(&self, call: &Call, as_of: AsOf, id: &DealId) -> Result<(Stored<Deal>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let deal = storage::deal::get(&mut read.tx, call.tenant(), read.as_of, id).await?;
        Ok((deal.ok_or_else(|| Fault::not_found("deal", id))?, read.as_of))
    }

    /// Deals by id.
    pub async fn deals(
        &self,
        call: &Call,
        query: DealQuery,
        page: Page,
    ) -> Result<Listed<Stored<Deal>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let after = page.after::<DealId>()?;
        let tx = &mut read.tx;
        let found =
            storage::deal::list(tx, call.tenant(), read.as_of, &query, after.as_ref(), page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |deal| deal.value.id.to_string()))
    }

    /// The rows that an import, by its change number, set aside.
    pub async fn rejected_rows(
        &self,
        call: &Call,
        change: i64,
        page: Page,
    ) -> Result<Listed<RejectedRow>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let page = Page { size: page.size.min(REJECTED_PAGE), ..page };
        let after = page.after::<i64>()?.unwrap_or_default();
        let tx = &mut read.tx;
        let found =
            storage::rejected::list(tx, call.tenant(), read.as_of, change, after, page.limit()).await?;
        let rows = found.into_iter().map(RejectedRow::of).collect();
        Ok(Listed::new(rows, &page, read.as_of, |row: &RejectedRow| row.row.to_string()))
    }

    /// The answer that an import was given, with the rejected rows as they are kept.
    async fn replayed(&self, call: &Call, receipt: ImportReceipt) -> Result<ImportReceipt, Fault> {
        let mut read = self.read(call, 0).await?;
        let (tenant, change) = (call.tenant(), receipt.deals.receipt.change);
        let first = i64::try_from(REPEATED).unwrap_or(i64::MAX);
        let found = storage::rejected::list(&mut read.tx, tenant, read.as_of, change, 0, first).await?;
        let unraw = |row| RejectedRow { raw: None, ..RejectedRow::of(row) };
        Ok(ImportReceipt { first_rejected: found.into_iter().map(unraw).collect(), ..receipt })
    }
}

impl Import {
    /// Takes some rows; nothing is written yet.
    pub async fn add(&mut self, batch: ImportBatch) -> Result<(), Fault> {
        let digest = &mut self.header.write.digest;
        *digest = Record::new("import", 1).bytes(1, digest).bytes(2, &batch.digest).digest();
        self.rows += u64::try_from(batch.deals.len() + batch.rejected.len()).unwrap_or(u64::MAX);
        self.rejected.extend(batch.rejected);
        storage::deal::stage(&mut self.tx, &batch.deals).await
    }

    /// Writes everything in one change.
    pub async fn finish(self) -> Result<ImportReceipt, Fault> {
        let Import { app, tx, call, header, rows, mut rejected } = self;
        let mut open = match app.enter(tx, &call, header.write).await? {
            Begun::Replayed(receipt) => return app.replayed(&call, receipt).await,
            Begun::Fresh(open) => open,
        };
        let (tenant, number) = (open.tenant(), open.number());
        let strangers = storage::deal::unknown_payees(open.conn(), tenant).await?;
        let unstaged: Vec<i64> = strangers.iter().map(|stranger| stranger.row).collect();
        storage::deal::unstage(open.conn(), &unstaged).await?;
        for UnknownPayee { row, payees, .. } in strangers {
            let reasons = payees.iter().map(|payee| format!("payee {payee} does not exist")).collect();
            rejected.push(RejectedRow { row, reasons, raw: None });
        }
        let others = storage::deal::other_currencies(open.conn(), tenant).await?;
        let unstaged: Vec<i64> = others.iter().map(|other| other.row).collect();
        storage::deal::unstage(open.conn(), &unstaged).await?;
        rejected.extend(others.iter().map(|other| {
            let reasons = vec![format!("deal.currency_code {}", misfit(other))];
            RejectedRow { row: other.row, reasons, raw: None }
        }));
        rejected.sort_by_key(|row| row.row);
        let count = u64::try_from(rejected.len()).unwrap_or(u64::MAX);
        if let Some(limit) = header.reject_limit.filter(|limit| count > *limit) {
            return Err(too_many(&rejected, count, limit));
        }
        let totals = storage::deal::staged_totals(open.conn()).await?;
        let written = storage::deal::merge(open.conn(), tenant, number).await?;
        let kept = |row: &RejectedRow| storage::rejected::RejectedRow {
            row: row.row,
            source: Some(header.source.clone()),
            reasons: row.reasons.clone(),
            raw: row.raw.clone(),
        };
        let kept: Vec<_> = rejected.iter().map(kept).collect();
        storage::rejected::insert(open.conn(), tenant, number, &kept).await?;
        let total = |total: StagedTotal| ControlTotal {
            kind: total.kind,
            currency: total.currency,
            events: total.events,
            sum: total.sum,
        };
        let receipt = ImportReceipt {
            deals: deals_receipt(open.receipt(written.deals), &written),
            rows,
            rejected: count,
            totals: totals.into_iter().map(total).collect(),
            first_rejected: repeated(rejected),
        };
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }
}

/// Why a deal cannot be in the currency it comes with.
fn misfit(other: &OtherCurrency) -> String {
    let OtherCurrency { deal, staged, stated, .. } = other;
    format!(
        "must be {stated}, or every event of deal {deal} must be stated again in the same row, got {staged}"
    )
}

fn too_many(rejected: &[RejectedRow], count: u64, limit: u64) -> Fault {
    let mut violations = Violations::default();
    let mut seen = BTreeSet::new();
    for row in rejected.iter().take(REPEATED) {
        for reason in &row.reasons {
            if seen.insert((row.row, reason)) {
                violations.add(format!("row {}", row.row), reason);
            }
        }
    }
    let message = format!("{count} rows were rejected and at most {limit} may be: nothing was written");
    Fault::new(Reason::RejectLimitExceeded, message)
        .with("rejected", count)
        .with("limit", limit)
        .violating(violations)
}
