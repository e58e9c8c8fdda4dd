//! Drafts of plans: saved with any fault, judged against what is there, discarded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::date::Period;
use crate::domain::draft::{Draft, Warning, warnings};
use crate::domain::fault::{Fault, Violation};
use crate::domain::id::DraftId;
use crate::domain::plan::PlanVersion;
use crate::storage::{self, Stored, Written};

use super::plan::{Sketch, check_order, judge};
use super::write::{Begun, Touches};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write, facts};

/// Most violations that are kept with the change that saves a draft, and their most bytes.
const KEPT: (usize, usize) = (20, 8 << 10);
/// Most violations and most warnings of a judgement.
const MAX_VIOLATIONS: usize = 1000;
const MAX_WARNINGS: usize = 100;

/// What saving a draft answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    /// What was written.
    pub receipt: Receipt,
    /// How many things publishing would be refused for.
    pub violation_count: usize,
    /// The first of them: field and message.
    pub first_violations: Vec<(String, String)>,
}

/// What there is to say about a plan before it is published.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Everything that publishing would be refused for.
    pub violations: Vec<Violation>,
    /// What would be missing, the first of it.
    pub warnings: Vec<Warning>,
    /// How much would be missing.
    pub warning_count: usize,
    /// The version in force in the effective period.
    pub base: Option<PlanVersion>,
    /// The journal number read as of.
    pub as_of: i64,
}

impl App {
    /// Saves a draft.
    pub async fn save_draft(
        &self,
        call: &Call,
        write: Write,
        draft: Draft,
        mut sketch: Sketch,
    ) -> Result<Saved, Fault> {
        let mut open = match self.begin::<Saved>(call, write).await? {
            Begun::Replayed(saved) => return Ok(saved),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        if open.expects_etags() {
            let now = storage::draft::get(open.conn(), tenant, as_of, &draft.id).await?;
            let etag = now.map_or(0, |now| now.added_in);
            open.check_etags("draft", |_| (draft.id.to_string(), etag))?;
        }
        judge(open.conn(), tenant, as_of, &mut sketch).await?;
        let written = storage::draft::save(open.conn(), tenant, number, &draft).await?;
        let violation_count = sketch.violations.len();
        let mut bytes = 0;
        let first = sketch.violations.into_vec().into_iter().take(KEPT.0).take_while(|violation| {
            bytes += violation.field.len() + violation.message.len();
            bytes <= KEPT.1
        });
        let first_violations = first.map(|violation| (violation.field, violation.message)).collect();
        let saved = Saved { receipt: open.receipt(written), violation_count, first_violations };
        open.commit(&saved, Touches::Facts).await?;
        Ok(saved)
    }

    /// A draft and the journal number read as of.
    pub async fn draft(&self, call: &Call, as_of: AsOf, id: &DraftId) -> Result<(Stored<Draft>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let draft = storage::draft::get(&mut read.tx, call.tenant(), read.as_of, id).await?;
        Ok((draft.ok_or_else(|| Fault::not_found("draft", id))?, read.as_of))
    }

    /// A draft as a change wrote it, even where it is gone since: a publication is replayed from it. If that change
    /// did not write it, the draft as it is now: publishing it then finds that the etag is another.
    pub async fn draft_of_change(&self, call: &Call, id: &DraftId, etag: i64) -> Result<Draft, Fault> {
        let mut read = self.read(call, 0).await?;
        let (tx, tenant, now) = (&mut read.tx, call.tenant(), read.as_of);
        let written = storage::draft::get(&mut *tx, tenant, etag.min(now), id).await?;
        let written = match written.filter(|written| written.added_in == etag) {
            Some(written) => Some(written),
            None => storage::draft::get(tx, tenant, now, id).await?,
        };
        Ok(written.ok_or_else(|| Fault::not_found("draft", id))?.value)
    }

    /// Drafts by id.
    pub async fn drafts(&self, call: &Call, page: Page) -> Result<Listed<Stored<Draft>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let after = page.after::<DraftId>()?;
        let tx = &mut read.tx;
        let found = storage::draft::list(tx, call.tenant(), read.as_of, after.as_ref(), page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |draft| draft.value.id.to_string()))
    }

    /// Discards a draft.
    pub async fn discard_draft(&self, call: &Call, write: Write, id: DraftId) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let now = storage::draft::get(open.conn(), tenant, as_of, &id).await?;
        let now = now.ok_or_else(|| Fault::not_found("draft", &id))?;
        open.check_etags("draft", |_| (id.to_string(), now.added_in))?;
        storage::draft::discard(open.conn(), tenant, number, &id).await?;
        let receipt = open.receipt(Written { written: 1, unchanged: 0 });
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Says what publishing a plan would be refused for, what would be missing once it counts from a period on, and
    /// which version it follows. Without a period only what is wrong with the plan wherever it counts.
    pub async fn validate_plan(
        &self,
        call: &Call,
        as_of: AsOf,
        mut sketch: Sketch,
        from: Option<Period>,
    ) -> Result<Judged, Fault> {
        let mut read = self.read(call, as_of).await?;
        let (tx, tenant, as_of) = (&mut read.tx, call.tenant(), read.as_of);
        judge(tx, tenant, as_of, &mut sketch).await?;
        let (mut base, mut missing) = (None, Vec::new());
        if let Some((from, id)) = from.zip(sketch.id.as_ref()) {
            let versions = storage::plan::versions(tx, tenant, as_of, id).await?;
            check_order(versions.last().map(|last| &last.value), from, &mut sketch.violations);
            let in_force = |stored: &Stored<PlanVersion>| stored.value.effective_from <= from;
            base = versions.into_iter().rfind(in_force).map(|stored| stored.value);
        }
        if let Some((from, plan)) = from.zip(sketch.plan.as_ref()) {
            let calendar = facts::calendar(tx, tenant, as_of).await?;
            let payees = storage::payee::all(tx, tenant, as_of).await?;
            let quotas = storage::quota::all(tx, tenant, as_of, &calendar).await?;
            let quotas: BTreeSet<_> = quotas.into_iter().map(|quota| quota.key).collect();
            missing = warnings(plan, from, &payees, &quotas, &calendar);
        }
        let warning_count = missing.len();
        missing.truncate(MAX_WARNINGS);
        let mut violations = sketch.violations.into_vec();
        violations.truncate(MAX_VIOLATIONS);
        Ok(Judged { violations, warnings: missing, warning_count, base, as_of })
    }
}
