//! Quotas as they are set, adjusted and explained.

pub mod adjust;
pub mod explain;

use std::collections::BTreeMap;

use crate::domain::date::{Calendar, Day};
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::quota::{Goal, Quota, QuotaKey};
use crate::storage::quota::Selection;
use crate::storage::{self, Stored};

use super::write::{Begun, Touches, check_payees, refuse_unknown, unfit, unknown};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write, facts};

/// Which quotas to list; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaQuery {
    pub payee: Option<PayeeId>,
    pub measure: Option<MeasureId>,
    /// Those whose window holds this day.
    pub on: Option<Day>,
}

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
        let named = places.clone().flat_map(|(place, quota)| {
            let reports = match &quota.goal {
                Goal::SumOfReports(measure) => {
                    Some((field(place, "sum_of_reports_measure_id"), measure.clone()))
                }
                Goal::Amount(_) => None,
            };
            [Some((field(place, "measure_id"), quota.key.measure.clone())), reports].into_iter().flatten()
        });
        let named: Vec<_> = named.collect();
        let mut violations = Violations::default();
        check_payees(open.conn(), tenant, &payees, &mut violations).await?;
        let units = storage::measure::all(open.conn(), tenant, as_of).await?.into_iter();
        let units: BTreeMap<_, _> = units.map(|measure| (measure.id.clone(), measure.unit())).collect();
        let missing: Vec<_> =
            named.iter().map(|(_, id)| id).filter(|id| !units.contains_key(*id)).cloned().collect();
        refuse_unknown("measure", &named, &missing, &mut violations);
        let unknowns = violations.len();
        for (place, quota) in places {
            let Some(unit) = units.get(&quota.key.measure) else { continue };
            quota.check_unit(*unit, &format!("quotas[{place}]"), &mut violations);
            if let Goal::SumOfReports(measure) = &quota.goal
                && units.get(measure).is_some_and(|reports| reports != unit)
            {
                violations.add(
                    field(place, "sum_of_reports_measure_id"),
                    format!("must count the same unit as {}, got {measure}", quota.key.measure),
                );
            }
        }
        if violations.len() == unknowns { unknown(violations) } else { unfit(violations) }?;
        if open.expects_etags() {
            let keys: Vec<&QuotaKey> = quotas.iter().map(|quota| &quota.key).collect();
            let etags = storage::quota::etags(open.conn(), tenant, &calendar, &keys).await?;
            open.check_etags("quota", |place| match (keys.get(place), etags.get(place)) {
                (Some(key), Some(etag)) => (name(key, &calendar), *etag),
                _ => Default::default(),
            })?;
        }
        let written = storage::quota::set(open.conn(), tenant, number, &calendar, &quotas).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// The quota and the journal number read as of.
    pub async fn quota(
        &self,
        call: &Call,
        as_of: AsOf,
        key: &QuotaKey,
    ) -> Result<(Stored<Quota>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let calendar = facts::calendar(&mut read.tx, call.tenant(), read.as_of).await?;
        let quota = storage::quota::get(&mut read.tx, call.tenant(), read.as_of, &calendar, key).await?;
        Ok((quota.ok_or_else(|| Fault::not_found("quota", name(key, &calendar)))?, read.as_of))
    }

    /// Quotas by payee, measure and window's text.
    pub async fn quotas(
        &self,
        call: &Call,
        query: QuotaQuery,
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
        let windows = query.on.map(|day| calendar.windows(day.period()));
        let selection = Selection {
            payee: query.payee.as_ref(),
            measure: query.measure.as_ref(),
            windows: windows.as_ref().map(|windows| windows.as_slice()),
        };
        let found = storage::quota::list(
            &mut read.tx,
            call.tenant(),
            read.as_of,
            &calendar,
            selection,
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

/// What a refusal calls a quota.
fn name(key: &QuotaKey, calendar: &Calendar) -> String {
    format!("{}/{}/{}", key.payee, key.measure, calendar.window_text(key.window))
}
