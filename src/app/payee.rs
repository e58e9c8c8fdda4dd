//! Payees and their assignments.

use std::collections::BTreeSet;

use crate::domain::date::Day;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::PayeeId;
use crate::domain::payee::{Payee, find_cycle};
use crate::storage::{self, Stored};

use super::write::{Begun, Open, Touches, check_payees, refuse_unknown, unknown};
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

impl App {
    /// Replaces payees with all their assignments, or refuses them all.
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
        check_references(&mut open, &payees).await?;
        let (tenant, number) = (open.tenant(), open.number());
        let written = storage::payee::upsert(open.conn(), tenant, number, &payees).await?;
        check_lines(&mut open, &payees).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
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
            plans.extend(assignment.plan.iter().map(|plan| (format!("{at}.plan_id"), plan.clone())));
        }
    }
    let mut violations = Violations::default();
    check_payees(open.conn(), tenant, &managers, &mut violations).await?;
    let mut ids: Vec<_> = plans.iter().map(|(_, plan)| plan.clone()).collect();
    ids.sort();
    ids.dedup();
    let missing = storage::plan::missing(open.conn(), tenant, &ids).await?;
    refuse_unknown("plan", &plans, &missing, &mut violations);
    unknown(violations)
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
