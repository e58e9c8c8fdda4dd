//! Plans and their versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::domain::date::{Day, Period, WindowKind};
use crate::domain::deal::EventKind;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{DraftId, MeasureId, PlanId, TenantId};
use crate::domain::measure::Measure;
use crate::domain::money::Currency;
use crate::domain::plan::{Component, Payout, Plan, PlanVersion};
use crate::storage::{self, Stored, Written};

use super::write::{Begun, Touches, unfit, unknown};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write, facts};

/// A plan as far as it can be read.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    /// Its id, if that reads.
    pub id: Option<PlanId>,
    /// Its currency, if that reads.
    pub currency: Option<Currency>,
    /// The whole, if nothing is wrong with it by itself.
    pub plan: Option<Plan>,
    /// The components that read, with their places.
    pub components: Vec<(usize, Component)>,
    /// What is wrong with it by itself.
    pub violations: Violations,
}

/// Which version of a plan to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// By its number.
    Version(u32),
    /// The one in force on a day; absent: today.
    On(Option<Day>),
}

/// What publishing answers.
#[derive(Serialize, Deserialize)]
struct Published {
    receipt: Receipt,
    version: u32,
}

impl App {
    /// Publishes the next version of a plan: the receipt and the version's number. The draft that it was read
    /// from is discarded. `tests` refuses a plan, read over the measures that there are, whose tests fail.
    pub async fn publish_plan(
        &self,
        call: &Call,
        write: Write,
        sketch: Sketch,
        effective_from: Period,
        draft: Option<DraftId>,
        tests: impl FnOnce(&Plan, &[Measure]) -> Result<(), Fault>,
    ) -> Result<(Receipt, u32), Fault> {
        let mut open = match self.begin::<Published>(call, write).await? {
            Begun::Replayed(published) => return Ok((published.receipt, published.version)),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        if let Some(id) = &draft {
            let now = storage::draft::get(open.conn(), tenant, as_of, id).await?;
            let etag = now.map_or(0, |now| now.added_in);
            open.check_etags("draft", |_| (id.to_string(), etag))?;
        }
        let measures = storage::measure::all(open.conn(), tenant, as_of).await?;
        let published = published(open.conn(), tenant, as_of, &sketch).await?;
        let plan = fitting(sketch, &measures, &published)?;
        let versions = storage::plan::versions(open.conn(), tenant, as_of, &plan.id).await?;
        let last = versions.last().map(|last| &last.value);
        if let Some(last) = last.filter(|last| last.effective_from >= effective_from) {
            return Err(version_exists(last, effective_from));
        }
        tests(&plan, &measures)?;
        let version = last.map_or(1, |last| last.version + 1);
        let version = PlanVersion { version, effective_from, plan };
        storage::plan::insert(open.conn(), tenant, number, &version).await?;
        if let Some(id) = &draft {
            storage::draft::discard(open.conn(), tenant, number, id).await?;
        }
        let receipt = open.receipt(Written { written: 1, unchanged: 0 });
        let published = Published { receipt, version: version.version };
        open.commit(&published, Touches::Facts).await?;
        Ok((published.receipt, published.version))
    }

    /// A plan that fits measures given with the request and those that are defined, which it is answered with, and the
    /// journal number read as of.
    pub async fn plan_to_test(
        &self,
        call: &Call,
        as_of: AsOf,
        sketch: Sketch,
        given: (Vec<Measure>, Vec<PlanVersion>),
    ) -> Result<(Plan, Vec<Measure>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let (mut measures, others) = given;
        for defined in storage::measure::all(&mut read.tx, call.tenant(), read.as_of).await? {
            if measures.iter().all(|measure| measure.id != defined.id) {
                measures.push(defined);
            }
        }
        let mut published = published(&mut read.tx, call.tenant(), read.as_of, &sketch).await?;
        published.extend(others);
        Ok((fitting(sketch, &measures, &published)?, measures, read.as_of))
    }

    /// The versions of a plan in order, and the journal number read as of.
    pub async fn plan_versions(
        &self,
        call: &Call,
        as_of: AsOf,
        id: &PlanId,
    ) -> Result<(Vec<PlanVersion>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let versions = storage::plan::versions(&mut read.tx, call.tenant(), read.as_of, id).await?;
        if versions.is_empty() {
            return Err(Fault::not_found("plan", id));
        }
        Ok((versions.into_iter().map(|stored| stored.value).collect(), read.as_of))
    }

    /// A version of a plan and the journal number read as of.
    pub async fn plan(
        &self,
        call: &Call,
        as_of: AsOf,
        id: &PlanId,
        which: Which,
    ) -> Result<(Stored<PlanVersion>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let mut versions = storage::plan::versions(&mut read.tx, call.tenant(), read.as_of, id).await?;
        let Some(first) = versions.first() else { return Err(Fault::not_found("plan", id)) };
        let first = first.value.effective_from;
        let (found, name) = match which {
            Which::Version(version) => {
                versions.retain(|stored| stored.value.version == version);
                (versions.pop(), format!("{id} version {version}"))
            }
            Which::On(on) => {
                let day = self.day(call, &mut read, on).await?.ok_or_else(facts::calendar_missing)?;
                versions.retain(|stored| stored.value.effective_from <= day.period());
                (versions.pop(), format!("{id} in force on {day}: its first version counts from {first}"))
            }
        };
        Ok((found.ok_or_else(|| Fault::not_found("plan", name))?, read.as_of))
    }

    /// Plan versions by plan and version; with a day, the one of each plan in force on it.
    pub async fn plans(
        &self,
        call: &Call,
        on: Option<Day>,
        page: Page,
    ) -> Result<Listed<Stored<PlanVersion>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let after = page.after.as_deref().map(|key| {
            let (plan, version) = key.split_once(' ')?;
            Some((plan.parse::<PlanId>().ok()?, version.parse::<u32>().ok()?))
        });
        let after = after.map(|key| key.ok_or_else(invalid)).transpose()?;
        let after = after.as_ref().map(|(plan, version)| (plan, *version));
        let tx = &mut read.tx;
        let in_force = on.map(Day::period);
        let found = storage::plan::list(tx, call.tenant(), read.as_of, in_force, after, page.limit()).await?;
        let key = |stored: &Stored<PlanVersion>| format!("{} {}", stored.value.plan.id, stored.value.version);
        Ok(Listed::new(found, &page, read.as_of, key))
    }
}

/// The plan, if it is one and fits the measures it names.
fn fitting(mut sketch: Sketch, measures: &[Measure], published: &[PlanVersion]) -> Result<Plan, Fault> {
    let own = sketch.violations.len();
    let unknowns = judge_over(measures, published, &mut sketch);
    let only_unknown = own == 0 && sketch.violations.len() == unknowns;
    let violations = sketch.violations;
    if only_unknown { unknown(violations) } else { unfit(violations) }?;
    sketch.plan.ok_or_else(|| storage::corrupt("a plan without a fault cannot be read"))
}

/// Notes what of a plan does not fit the measures and the published plans that there are, its own versions too; answers
/// how many names are unknown.
pub(super) async fn judge(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
    sketch: &mut Sketch,
) -> Result<usize, Fault> {
    let measures = storage::measure::all(conn, tenant, as_of).await?;
    let published = published(conn, tenant, as_of, sketch).await?;
    Ok(judge_over(&measures, &published, sketch))
}

/// The published plans, where a plan takes off what their components earn; else its own versions, for nothing else
/// reads others.
async fn published(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
    sketch: &Sketch,
) -> Result<Vec<PlanVersion>, Fault> {
    match sketch.plan.as_ref().is_some_and(|plan| plan.components.iter().any(takes_off)) {
        true => storage::plan::all(conn, tenant, as_of).await,
        false => {
            let Some(id) = &sketch.id else { return Ok(Vec::new()) };
            let versions = storage::plan::versions(conn, tenant, as_of, id).await?;
            Ok(versions.into_iter().map(|stored| stored.value).collect())
        }
    }
}

/// Notes what of a plan does not fit these measures and published plans; answers how many names are unknown.
pub fn judge_over(measures: &[Measure], published: &[PlanVersion], sketch: &mut Sketch) -> usize {
    let measures: BTreeMap<_, _> = measures.iter().map(|measure| (measure.id.clone(), measure)).collect();
    let mut unknowns = 0;
    for (place, component) in &sketch.components {
        let path = format!("plan.components[{place}]");
        for (field, id) in component.measures().into_iter().filter(|(_, id)| !measures.contains_key(*id)) {
            sketch.violations.add(format!("{path}.{field}"), format!("measure {id} does not exist"));
            unknowns += 1;
        }
        component.check_units(&path, |id| measures.get(id).map(|it| it.unit()), &mut sketch.violations);
        check_sources(component, &path, &measures, &mut sketch.violations);
    }
    if let Some(plan) = sketch.plan.as_ref().filter(|plan| plan.components.iter().any(takes_off)) {
        unknowns += plan.check_less(published, "plan", &mut sketch.violations);
    }
    if let Some((id, currency)) = sketch.id.as_ref().zip(sketch.currency) {
        let own =
            published.iter().find(|version| version.plan.id == *id).map(|version| version.plan.currency);
        if let Some(own) = own.filter(|own| *own != currency) {
            let message = format!("must be {own}, in which plan {id} pays ever since, got {currency}");
            sketch.violations.add("plan.currency_code", message);
        }
    }
    unknowns
}

/// Notes measures that have no credits where credits are paid, and scores that are credits.
fn check_sources(
    component: &Component,
    path: &str,
    measures: &BTreeMap<MeasureId, &Measure>,
    violations: &mut Violations,
) {
    // What is only looked at may come from outside; in single deals a bonus looks at the credits that it pays on.
    let gauges = component
        .gauges()
        .into_iter()
        .filter(|(field, _)| component.window != WindowKind::Deal || !field.starts_with("bonus."));
    let gauged: Vec<String> = gauges.map(|(field, _)| format!("{field}.measure_id")).collect();
    let scored = matches!(component.payout, Payout::Objectives(_));
    for (field, id) in component.measures().into_iter().filter(|(field, _)| !gauged.contains(field)) {
        match measures.get(id).map(|measure| measure.selection().is_some()) {
            Some(false) if !scored => violations.add(
                format!("{path}.{field}"),
                format!("must be a measure of credits, {id} is an outside measure"),
            ),
            Some(true) if scored => violations
                .add(format!("{path}.{field}"), format!("must be an outside measure, {id} counts credits")),
            Some(_) | None => {}
        }
    }
    let selection = |id: &MeasureId| measures.get(id).and_then(|measure| measure.selection());
    match &component.payout {
        Payout::Override(payout) => {
            let id = &payout.rates.measure;
            if selection(id).is_some_and(|selection| !selection.credit.rolled_up()) {
                let field = format!("{path}.override.rates.measure_id");
                violations.add(field, format!("must count credits of those below, {id} counts direct ones"));
            }
        }
        Payout::Residual(payout) => {
            let id = &payout.rates.measure;
            if let Some(selection) = selection(id).filter(|selection| selection.event != EventKind::Paid) {
                let field = format!("{path}.residual.rates.measure_id");
                let event = selection.event.name();
                violations.add(field, format!("must count PAID events, {id} counts {event}"));
            }
        }
        Payout::Rates(_)
        | Payout::Bonus(_)
        | Payout::Objectives(_)
        | Payout::Spiff(_)
        | Payout::Matrix(_)
        | Payout::Rank(_)
        | Payout::Pool(_) => {}
    }
}

fn takes_off(component: &Component) -> bool {
    !component.less().is_empty()
}

fn later(last: &PlanVersion, effective_from: Period) -> String {
    let (plan, version, from) = (&last.plan.id, last.version, last.effective_from);
    format!(
        "version {version} of plan {plan} counts from {from}: the next one must count from a later period, got {effective_from}"
    )
}

/// Notes that a version would not come after the last one.
pub(super) fn check_order(last: Option<&PlanVersion>, effective_from: Period, violations: &mut Violations) {
    if let Some(last) = last.filter(|last| last.effective_from >= effective_from) {
        violations.add("effective_from", later(last, effective_from));
    }
}

fn version_exists(last: &PlanVersion, effective_from: Period) -> Fault {
    Fault::new(Reason::PlanVersionExists, later(last, effective_from))
        .with("plan", &last.plan.id)
        .with("version", last.version)
        .with("effective_from", last.effective_from)
}
