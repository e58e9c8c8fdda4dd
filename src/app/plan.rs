//! Plans and their versions.

use serde::{Deserialize, Serialize};

use crate::domain::date::Period;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::PlanId;
use crate::domain::plan::{Payout, Plan, PlanVersion};
use crate::storage::{self, Stored, Written};

use super::write::{Begun, Touches, refuse_unknown, unknown};
use super::{App, Call, Listed, Page, Receipt, Write};

/// What publishing answers.
#[derive(Serialize, Deserialize)]
struct Published {
    receipt: Receipt,
    version: u32,
}

impl App {
    /// Publishes the next version of a plan: the receipt and the version's number.
    pub async fn publish_plan(
        &self,
        call: &Call,
        write: Write,
        plan: Plan,
        effective_from: Period,
    ) -> Result<(Receipt, u32), Fault> {
        let mut open = match self.begin::<Published>(call, write).await? {
            Begun::Replayed(published) => return Ok((published.receipt, published.version)),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let measures: Vec<_> = plan
            .components
            .iter()
            .enumerate()
            .map(|(place, component)| {
                let Payout::Rates(rates) = &component.payout;
                (format!("plan.components[{place}].rates.measure_id"), rates.measure.clone())
            })
            .collect();
        let mut ids: Vec<_> = measures.iter().map(|(_, id)| id.clone()).collect();
        ids.sort();
        ids.dedup();
        let missing = storage::measure::missing(open.conn(), tenant, &ids).await?;
        let mut violations = Violations::default();
        refuse_unknown("measure", &measures, &missing, &mut violations);
        unknown(violations)?;
        let versions = storage::plan::versions(open.conn(), tenant, as_of, &plan.id).await?;
        let last = versions.last().map(|last| &last.value);
        if let Some(last) = last.filter(|last| last.effective_from >= effective_from) {
            return Err(version_exists(last, effective_from));
        }
        let version = last.map_or(1, |last| last.version + 1);
        let version = PlanVersion { version, effective_from, plan };
        storage::plan::insert(open.conn(), tenant, number, &version).await?;
        let receipt = open.receipt(Written { written: 1, unchanged: 0 });
        let published = Published { receipt, version: version.version };
        open.commit(&published, Touches::Facts).await?;
        Ok((receipt, version.version))
    }

    /// A version of a plan, 0: the latest, and the journal number read as of.
    pub async fn plan(
        &self,
        call: &Call,
        as_of: i64,
        id: &PlanId,
        version: u32,
    ) -> Result<(Stored<PlanVersion>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let versions = storage::plan::versions(&mut read.tx, call.tenant(), read.as_of, id).await?;
        let found = match version {
            0 => versions.into_iter().next_back(),
            version => versions.into_iter().find(|stored| stored.value.version == version),
        };
        let name = || if version == 0 { id.to_string() } else { format!("{id} version {version}") };
        Ok((found.ok_or_else(|| Fault::not_found("plan", name()))?, read.as_of))
    }

    /// Plan versions by plan and version.
    pub async fn plans(&self, call: &Call, page: Page) -> Result<Listed<Stored<PlanVersion>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let after = page.after.as_deref().map(|key| {
            let (plan, version) = key.split_once(' ')?;
            Some((plan.parse::<PlanId>().ok()?, version.parse::<u32>().ok()?))
        });
        let after = after.map(|key| key.ok_or_else(invalid)).transpose()?;
        let after = after.as_ref().map(|(plan, version)| (plan, *version));
        let tx = &mut read.tx;
        let found = storage::plan::list(tx, call.tenant(), read.as_of, after, page.limit()).await?;
        let key = |stored: &Stored<PlanVersion>| format!("{} {}", stored.value.plan.id, stored.value.version);
        Ok(Listed::new(found, &page, read.as_of, key))
    }
}

fn version_exists(last: &PlanVersion, effective_from: Period) -> Fault {
    let (plan, version, from) = (&last.plan.id, last.version, last.effective_from);
    let message = format!(
        "version {version} of plan {plan} counts from {from}: the next one must count from a later period, got {effective_from}"
    );
    Fault::new(Reason::PlanVersionExists, message)
        .with("plan", plan)
        .with("version", version)
        .with("effective_from", from)
}
