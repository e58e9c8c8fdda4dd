//! Quotas as they are set.

use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::quota::{Quota, QuotaKey};
use crate::storage::quota::Selection;
use crate::storage::{self, Stored};

use super::write::{Begun, Touches, check_payees, refuse_unknown, unknown};
use super::{App, Call, Listed, Page, Receipt, Write, facts};

impl App {
    /// Sets quotas, or refuses them all.
    pub async fn set_quotas(&self, call: &Call, write: Write, quotas: Vec<Quota>) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let calendar = facts::calendar(open.conn(), tenant, as_of).await?;
        let field = |place: usize, name: &str| format!("quotas[{place}].{name}");
        let places = quotas.iter().enumerate();
        let payees: Vec<_> = places
            .clone()
            .map(|(place, quota)| (field(place, "payee_id"), quota.key.payee.clone()))
            .collect();
        let measures: Vec<_> =
            places.map(|(place, quota)| (field(place, "measure_id"), quota.key.measure.clone())).collect();
        let mut violations = Violations::default();
        check_payees(open.conn(), tenant, &payees, &mut violations).await?;
        let mut ids: Vec<_> = measures.iter().map(|(_, id)| id.clone()).collect();
        ids.sort();
        ids.dedup();
        let missing = storage::measure::missing(open.conn(), tenant, &ids).await?;
        refuse_unknown("measure", &measures, &missing, &mut violations);
        unknown(violations)?;
        let written = storage::quota::set(open.conn(), tenant, number, &calendar, &quotas).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// The quota and the journal number read as of.
    pub async fn quota(
        &self,
        call: &Call,
        as_of: i64,
        key: &QuotaKey,
    ) -> Result<(Stored<Quota>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let calendar = facts::calendar(&mut read.tx, call.tenant(), read.as_of).await?;
        let quota = storage::quota::get(&mut read.tx, call.tenant(), read.as_of, &calendar, key).await?;
        let name = || format!("{}/{}/{}", key.payee, key.measure, calendar.window_text(key.window));
        Ok((quota.ok_or_else(|| Fault::not_found("quota", name()))?, read.as_of))
    }

    /// Quotas by payee, measure and window's text.
    pub async fn quotas(
        &self,
        call: &Call,
        payee: Option<PayeeId>,
        measure: Option<MeasureId>,
        page: Page,
    ) -> Result<Listed<Stored<Quota>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let calendar = facts::calendar(&mut read.tx, call.tenant(), read.as_of).await?;
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let after = page.after.as_deref().map(|key| {
            let mut parts = key.splitn(3, ' ');
            let payee = parts.next()?.parse().ok()?;
            let measure = parts.next()?.parse().ok()?;
            let window = calendar.parse_window(parts.next()?).ok()?;
            Some(QuotaKey { payee, measure, window })
        });
        let after = after.map(|key| key.ok_or_else(invalid)).transpose()?;
        let found = storage::quota::list(
            &mut read.tx,
            call.tenant(),
            read.as_of,
            &calendar,
            Selection { payee: payee.as_ref(), measure: measure.as_ref() },
            after.as_ref(),
            page.limit(),
        )
        .await?;
        let key = |quota: &Stored<Quota>| {
            let QuotaKey { payee, measure, window } = &quota.value.key;
            format!("{payee} {measure} {}", calendar.window_text(*window))
        };
        Ok(Listed::new(found, &page, read.as_of, key))
    }
}
