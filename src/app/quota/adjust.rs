//! Adjusting a quota: a new version of it with what it is for. Why stands in the journal alone, where it can be erased.

use serde::{Deserialize, Serialize};

use crate::calc::leave;
use crate::calc::quota::step_of;
use crate::domain::date::{Calendar, WindowKind};
use crate::domain::fault::{Fault, Violations};
use crate::domain::measure::{Measure, Unit};
use crate::domain::money::Currency;
use crate::domain::number::Percent;
use crate::domain::quota::{Adjustment, Goal, MAX_PARTS, MONTHS, Quota, QuotaKey, Relief};
use crate::storage;
use crate::storage::quota::version;

use super::super::write::{Begun, Touches, unfit};
use super::super::{App, Call, Listed, Page, Receipt, Write, facts};
use super::name;

pub use crate::storage::quota::version::QuotaVersion;

/// What adjusting answers; kept with its change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    pub receipt: Receipt,
    /// What was added, as given or worked out for leave.
    pub reliefs: Vec<Relief>,
    /// Of their money.
    pub currency: Currency,
}

impl App {
    /// Adjusts a quota that was set for its window.
    pub async fn adjust_quota(
        &self,
        call: &Call,
        write: Write,
        adjustment: Adjustment,
    ) -> Result<Adjusted, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(answer) => return Ok(answer),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let calendar = facts::calendar(open.conn(), tenant, as_of).await?;
        let key = &adjustment.key;
        let absent = || Fault::not_found("quota", name(key, &calendar));
        let stored = storage::quota::get(open.conn(), tenant, as_of, &calendar, key).await?;
        let stored = stored.ok_or_else(absent)?;
        open.check_etags("quota", |_| (name(key, &calendar), stored.added_in))?;
        let measures = storage::measure::all(open.conn(), tenant, as_of).await?;
        let measure = measures.iter().find(|measure| measure.id == key.measure).ok_or_else(absent)?;
        let window = calendar.window(WindowKind::Year, key.window.first());
        let year = QuotaKey { window, ..key.clone() };
        let year = storage::quota::get(open.conn(), tenant, as_of, &calendar, &year).await?;
        let weights = year.and_then(|year| year.value.seasonality);
        let (quota, reliefs) = adjusted(&adjustment, stored.value, measure, weights.as_ref(), &calendar)?;
        let kind = adjustment.kind;
        let written = storage::quota::adjust(open.conn(), tenant, number, &calendar, &quota, kind).await?;
        let answer = Adjusted { receipt: open.receipt(written), reliefs, currency: quota.currency };
        open.commit(&answer, Touches::Facts).await?;
        Ok(answer)
    }

    /// The versions of a quota by change number.
    pub async fn quota_versions(
        &self,
        call: &Call,
        key: &QuotaKey,
        page: Page,
    ) -> Result<Listed<QuotaVersion>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let calendar = facts::calendar(&mut read.tx, call.tenant(), read.as_of).await?;
        let (after, tx) = (page.after::<i64>()?.unwrap_or_default(), &mut read.tx);
        let found = version::list(tx, call.tenant(), read.as_of, &calendar, key, after, page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |version| version.change.to_string()))
    }
}

/// The quota as it is adjusted, and the reliefs that were added.
fn adjusted(
    adjustment: &Adjustment,
    stored: Quota,
    measure: &Measure,
    years: Option<&[Percent; MONTHS]>,
    calendar: &Calendar,
) -> Result<(Quota, Vec<Relief>), Fault> {
    let mut violations = Violations::default();
    let goal = adjustment.goal.map_or_else(|| stored.goal.clone(), Goal::Amount);
    let told = Quota { goal, reliefs: adjustment.reliefs.clone(), ..stored.clone() };
    told.check_unit(measure.unit(), "adjustment", &mut violations);
    let amounts = adjustment.goal.iter().chain(adjustment.reliefs.iter().map(|relief| &relief.amount));
    let in_money = amounts.filter(|amount| amount.unit() == Unit::Money).count() > 0;
    if in_money && stored.has_money() && stored.currency != adjustment.currency {
        let (is, got) = (stored.currency, adjustment.currency);
        violations.add("adjustment", format!("must be in {is} as the quota is, got {got}"));
    }
    let told_before = stored.reliefs.clone();
    let quota = adjustment.applied(stored);
    let mut reliefs = adjustment.reliefs.clone();
    let mut leave = Vec::new();
    match (adjustment.leave, &quota.goal) {
        (Some(days), Goal::Amount(goal)) if violations.is_empty() => {
            let weights = quota.seasonality.as_ref().or(years);
            let terms = leave::Terms { calendar, weights, step: step_of(measure.step) };
            let found = leave::reliefs(&quota, *goal, terms, days);
            leave = found.map_err(|fault| Fault::field("adjustment.leave", fault))?;
            for Relief { day, .. } in leave.iter().filter(|relief| told_before.contains(relief)) {
                let message = format!("is told already: a relief of the same amount stands on {day}");
                violations.add("adjustment.leave", message);
            }
        }
        (Some(_), Goal::SumOfReports(_)) => {
            violations.add(
                "adjustment.leave",
                "must be absent: the goal is the sum of the reports', whom leave is told of",
            );
        }
        (Some(_) | None, _) => {}
    }
    reliefs.extend(leave.iter().copied());
    let count = told_before.len().saturating_add(reliefs.len());
    if count > MAX_PARTS {
        violations.add("adjustment.reliefs", format!("must leave at most {MAX_PARTS} in all, got {count}"));
    }
    unfit(violations)?;
    Ok((quota.relieved(&leave), reliefs))
}
