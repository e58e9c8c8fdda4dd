//! Payees and their assignments.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::date::Day;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::PayeeId;
use crate::domain::payee::{MAX_ASSIGNMENTS, Payee, find_cycle};
use crate::domain::version::{SourceVersion, Standing};
use crate::storage::{self, Stored};

use super::write::{Begun, Open, Touches, check_payees, unfit, unknown};
pub use crate::storage::payee::PayeeFilter;

use super::read::Read;
use super::{App, AsOf, Call, Listed, Page, Receipt, Write, facts};

/// Which payees to list, by their assignments on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayeeQuery {
    /// Absent: today.
    pub on: Option<Day>,
    pub filter: PayeeFilter,
}

/// What was read for a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDay<T> {
    pub value: T,
    /// Absent only where there is neither a day given nor a calendar to know today by.
    pub day: Option<Day>,
    /// The journal number read as of.
    pub as_of: i64,
}

/// Somebody in a reporting line, with the job title of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InLine {
    pub payee: PayeeId,
    pub title: Option<String>,
}

/// A reporting line on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From the nearest to the top.
    pub managers: Vec<InLine>,
    /// By id.
    pub reports: Listed<InLine>,
    pub day: Day,
}

/// Payees that an answer names; what is kept of it stays small.
const NAMED: usize = 200;
/// Payees that a refusal names.
const LISTED: usize = 100;

/// Reports to move from a day on.
#[derive(Debug, Clone)]
pub struct Reassignment {
    /// To whom they report.
    pub manager: PayeeId,
    /// To whom from then on; absent: to nobody.
    pub to: Option<PayeeId>,
    /// First day with the new manager.
    pub from: Day,
    /// Only these; empty: all.
    pub payees: Vec<PayeeId>,
}

/// A payee whose assignments end.
#[derive(Debug, Clone)]
pub struct Termination {
    pub payee: PayeeId,
    /// First day without an assignment.
    pub end: Day,
    /// Who takes over those who report to the payee; absent: nobody may report to it any more.
    pub to: Option<PayeeId>,
}

/// What moving reports answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Counted in payees.
    pub receipt: Receipt,
    /// Who reports to another now, by id, at most the first 200.
    pub reports: Vec<PayeeId>,
}

impl App {
    /// Replaces payees with all their assignments, or refuses them all. Stale ones are passed over.
    pub async fn upsert_payees(
        &self,
        call: &Call,
        write: Write,
        payees: Vec<Payee>,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let ids: Vec<&PayeeId> = payees.iter().map(|payee| &payee.id).collect();
        let known = storage::payee::among(open.conn(), tenant, as_of, &ids).await?;
        let known: BTreeMap<&PayeeId, &Stored<Payee>> =
            known.iter().map(|known| (&known.value.id, known)).collect();
        open.check_etags("payee", |place| match ids.get(place) {
            Some(id) => (id.to_string(), known.get(id).map_or(0, |known| known.added_in)),
            None => Default::default(),
        })?;
        check_references(&mut open, &payees).await?;
        let is_stale = |payee: &Payee| {
            known.get(&payee.id).is_some_and(|known| payee.standing(&known.value) == Standing::Stale)
        };
        let (stale, current): (Vec<Payee>, Vec<Payee>) = payees.iter().cloned().partition(is_stale);
        let written = storage::payee::upsert(open.conn(), tenant, number, &current).await?;
        check_lines(&mut open, &current).await?;
        let mut first_stale: Vec<_> = stale.iter().map(|payee| payee.id.to_string()).collect();
        first_stale.sort();
        first_stale.truncate(storage::MAX_STALE_IDS);
        let stale = u64::try_from(stale.len()).unwrap_or(u64::MAX);
        let receipt = Receipt { stale, first_stale, ..open.receipt(written) };
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Names, by id, of payees whose figures the caller has just been given: whoever may see those may see these. They are
    /// read for one answer and kept nowhere.
    pub async fn names(
        &self,
        call: &Call,
        as_of: i64,
        payees: &[String],
    ) -> Result<BTreeMap<String, String>, Fault> {
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        storage::payee::names(&mut tx, call.tenant(), as_of, payees).await
    }

    /// Moves reports of a manager to another or to none, or refuses them all.
    pub async fn reassign_reports(
        &self,
        call: &Call,
        write: Write,
        asked: Reassignment,
    ) -> Result<Moved, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(moved) => return Ok(moved),
            Begun::Fresh(open) => open,
        };
        let Reassignment { manager, to, from, payees: only } = asked;
        let mut named = vec![("manager_id".to_string(), manager.clone())];
        named.extend(to.iter().map(|to| ("new_manager_id".to_string(), to.clone())));
        let listed = only.iter().enumerate().map(|(place, id)| (format!("payee_ids[{place}]"), id.clone()));
        named.extend(listed);
        check_named(&mut open, &named).await?;
        let (tenant, head) = (open.tenant(), open.head().number);
        let mut reports = storage::payee::all(open.conn(), tenant, head).await?;
        reports.retain(|payee| payee.reports_to(&manager, from));
        check_reporting(&manager, from, &only, &reports)?;
        reports.retain(|payee| only.is_empty() || only.contains(&payee.id));
        for report in &mut reports {
            report.reassign(&manager, to.as_ref(), from);
        }
        let moved = reports.iter().map(|report| report.id.clone()).collect();
        write_moved(open, reports, moved, "start_date").await
    }

    /// Ends a payee's assignments and has another take over its reports, if there are any.
    pub async fn terminate_payee(
        &self,
        call: &Call,
        write: Write,
        asked: Termination,
    ) -> Result<Moved, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(moved) => return Ok(moved),
            Begun::Fresh(open) => open,
        };
        let Termination { payee: id, end, to } = asked;
        let mut named = vec![("payee_id".to_string(), id.clone())];
        named.extend(to.iter().map(|to| ("new_manager_id".to_string(), to.clone())));
        check_named(&mut open, &named).await?;
        let (tenant, head) = (open.tenant(), open.head().number);
        let mut payees = storage::payee::all(open.conn(), tenant, head).await?;
        payees.retain(|payee| payee.id == id || payee.reports_to(&id, end));
        let reports = payees.iter().map(|payee| payee.id.clone()).filter(|report| *report != id);
        let reports: Vec<_> = reports.collect();
        if to.is_none() {
            check_none_report(&id, end, &reports)?;
        }
        for payee in &mut payees {
            if payee.id == id {
                payee.end(end);
            } else {
                payee.reassign(&id, to.as_ref(), end);
            }
        }
        write_moved(open, payees, reports, "end_date").await
    }

    /// The payee, and the day that its assignment in force is asked for.
    pub async fn payee(
        &self,
        call: &Call,
        as_of: AsOf,
        id: &PayeeId,
        on: Option<Day>,
    ) -> Result<OnDay<Stored<Payee>>, Fault> {
        let mut read = self.read(call, as_of).await?;
        let payee = storage::payee::get(&mut read.tx, call.tenant(), read.as_of, id).await?;
        let value = payee.ok_or_else(|| Fault::not_found("payee", id))?;
        let day = self.day(call, &mut read, on).await?;
        Ok(OnDay { value, day, as_of: read.as_of })
    }

    /// Payees by id, and the day they are selected by.
    pub async fn payees(
        &self,
        call: &Call,
        query: PayeeQuery,
        page: Page,
    ) -> Result<OnDay<Listed<Stored<Payee>>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let (day, after) = self.place(call, &mut read, query.on, &page).await?;
        let (tx, as_of) = (&mut read.tx, read.as_of);
        let found =
            storage::payee::list(tx, call.tenant(), as_of, &query.filter, day, after.as_ref(), page.limit())
                .await?;
        let value = Listed::new(found, &page, as_of, |payee| cursor(day, &payee.value.id));
        Ok(OnDay { value, day, as_of })
    }

    /// Who is above a payee on a day, and who reports to it.
    pub async fn reporting_line(
        &self,
        call: &Call,
        id: &PayeeId,
        on: Option<Day>,
        page: Page,
    ) -> Result<Line, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let (day, after) = self.place(call, &mut read, on, &page).await?;
        let (tx, tenant, as_of) = (&mut read.tx, call.tenant(), read.as_of);
        let payee = storage::payee::get(tx, tenant, as_of, id).await?;
        payee.ok_or_else(|| Fault::not_found("payee", id))?;
        let day = day.ok_or_else(facts::calendar_missing)?;
        let managers = storage::payee::managers(tx, tenant, as_of, id, day).await?;
        let reports =
            storage::payee::reports(tx, tenant, as_of, id, day, after.as_ref(), page.limit()).await?;
        let named = |(payee, title): (PayeeId, Option<String>)| InLine { payee, title };
        let reports = reports.into_iter().map(named).collect();
        let reports = Listed::new(reports, &page, as_of, |report: &InLine| cursor(Some(day), &report.payee));
        Ok(Line { managers: managers.into_iter().map(named).collect(), reports, day })
    }

    /// The day that a list is of and where it goes on: pages stay at the day of the first, whatever day it is by then.
    async fn place(
        &self,
        call: &Call,
        read: &mut Read,
        on: Option<Day>,
        page: &Page,
    ) -> Result<(Option<Day>, Option<PayeeId>), Fault> {
        let Some(after) = &page.after else { return Ok((self.day(call, read, on).await?, None)) };
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let (day, id) = after.split_once(' ').ok_or_else(invalid)?;
        let day = if day.is_empty() { None } else { Some(Day::parse(day).map_err(|_| invalid())?) };
        Ok((day, Some(id.parse().map_err(|_| invalid())?)))
    }
}

fn cursor(day: Option<Day>, payee: &PayeeId) -> String {
    format!("{} {payee}", day.map_or_else(String::new, |day| day.to_string()))
}

/// Managers are payees that exist or come in the same request; plans are published.
async fn check_references(open: &mut Open, payees: &[Payee]) -> Result<(), Fault> {
    let tenant = open.tenant();
    let here: BTreeSet<&PayeeId> = payees.iter().map(|payee| &payee.id).collect();
    let (mut managers, mut plans) = (Vec::new(), Vec::new());
    for (place, payee) in payees.iter().enumerate() {
        for (number, assignment) in payee.assignments.iter().enumerate() {
            let at = format!("payees[{place}].assignments[{number}]");
            let manager = assignment.manager.iter().filter(|manager| !here.contains(manager));
            managers.extend(manager.map(|manager| (format!("{at}.manager_id"), manager.clone())));
            let currency = assignment.currency;
            plans.extend(assignment.plan.iter().map(|plan| (at.clone(), plan.clone(), currency)));
        }
    }
    let mut violations = Violations::default();
    check_payees(open.conn(), tenant, &managers, &mut violations).await?;
    let mut ids: Vec<_> = plans.iter().map(|(_, plan, _)| plan.clone()).collect();
    ids.sort();
    ids.dedup();
    let as_of = open.head().number;
    let known = storage::plan::currencies(open.conn(), tenant, as_of, &ids).await?;
    let unknowns = plans.iter().filter(|(_, plan, _)| !known.contains_key(plan));
    for (at, plan, _) in unknowns {
        violations.add(format!("{at}.plan_id"), format!("plan {plan} does not exist"));
    }
    let strangers = violations.len();
    for (at, plan, currency) in &plans {
        if let Some(pays) = known.get(plan).filter(|pays| *pays != currency) {
            let message = format!("must be {pays}, in which plan {plan} pays, got {currency}");
            violations.add(format!("{at}.currency_code"), message);
        }
    }
    if violations.len() == strangers { unknown(violations) } else { unfit(violations) }
}

/// The payees that a request names exist.
async fn check_named(open: &mut Open, named: &[(String, PayeeId)]) -> Result<(), Fault> {
    let tenant = open.tenant();
    let mut violations = Violations::default();
    check_payees(open.conn(), tenant, named, &mut violations).await?;
    unknown(violations)
}

/// Somebody is to be moved, and everybody who is listed can be.
fn check_reporting(manager: &PayeeId, from: Day, only: &[PayeeId], reports: &[Payee]) -> Result<(), Fault> {
    let mut violations = Violations::default();
    if only.is_empty() && reports.is_empty() {
        violations.add("manager_id", format!("nobody reports to {manager} on {from} or later"));
    }
    let strangers = only.iter().enumerate().filter(|(_, id)| reports.iter().all(|report| report.id != **id));
    for (place, id) in strangers {
        let message = format!("{id} does not report to {manager} on {from} or later");
        violations.add(format!("payee_ids[{place}]"), message);
    }
    if violations.is_empty() {
        return Ok(());
    }
    let message = violations.sentence("payees do not report to the manager");
    let fault = Fault::new(Reason::NotReporting, message);
    Err(fault.with("manager", manager).with("start_date", from).violating(violations))
}

/// Nobody is left without a manager who is not there.
fn check_none_report(id: &PayeeId, end: Day, reports: &[PayeeId]) -> Result<(), Fault> {
    let mut violations = Violations::default();
    for report in reports.iter().take(LISTED) {
        violations.add("new_manager_id", format!("must say who takes over {report}"));
    }
    if violations.is_empty() {
        return Ok(());
    }
    let count = reports.len();
    let message = format!("{count} payees report to {id} on {end} or later, and nobody takes them over");
    let fault = Fault::new(Reason::ReportsRemain, message);
    Err(fault.with("payee", id).with("end_date", end).with("reports", count).violating(violations))
}

/// Writes payees whose assignments were cut or ended at the day in `field`, checks the lines this makes, and
/// answers who reports to another now.
async fn write_moved(
    mut open: Box<Open>,
    mut payees: Vec<Payee>,
    mut reports: Vec<PayeeId>,
    field: &str,
) -> Result<Moved, Fault> {
    let mut violations = Violations::default();
    for payee in payees.iter().filter(|payee| payee.assignments.len() > MAX_ASSIGNMENTS) {
        let message = format!("{} would have more than {MAX_ASSIGNMENTS} assignments", payee.id);
        violations.add(field, message);
    }
    violations.finish(Some(()))?;
    for payee in &mut payees {
        // Sent again as it was, the source's version must not undo this.
        payee.source_version = payee.source_version.map(SourceVersion::next);
    }
    let (tenant, number) = (open.tenant(), open.number());
    let written = storage::payee::upsert(open.conn(), tenant, number, &payees).await?;
    check_lines(&mut open, &payees).await?;
    reports.truncate(NAMED);
    let moved = Moved { receipt: open.receipt(written), reports };
    open.commit(&moved, Touches::Facts).await?;
    Ok(moved)
}

/// No reporting line that the request touches leads back to its start on any day.
async fn check_lines(open: &mut Open, payees: &[Payee]) -> Result<(), Fault> {
    let tenant = open.tenant();
    let ids: Vec<_> = payees.iter().map(|payee| payee.id.clone()).collect();
    let lines = storage::payee::lines_above(open.conn(), tenant, &ids).await?;
    let Some((day, circle)) = find_cycle(&lines) else { return Ok(()) };
    let names: Vec<_> = circle.iter().map(PayeeId::as_str).collect();
    let names = names.join(", ");
    let message = format!("on {day} the reporting line of {names} leads back to its start");
    Err(Fault::new(Reason::ReportingCycle, message).with("day", day).with("payees", names))
}
