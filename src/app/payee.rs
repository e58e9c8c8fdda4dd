//! Payees and their assignments.

use std::collections::BTreeSet;

use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::PayeeId;
use crate::domain::payee::{Payee, find_cycle};
use crate::storage::{self, Stored};

use super::write::{Begun, Open, Touches, check_payees, refuse_unknown, unknown};
use super::{App, Call, Listed, Page, Receipt, Write};

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

    /// The payee and the journal number read as of.
    pub async fn payee(&self, call: &Call, as_of: i64, id: &PayeeId) -> Result<(Stored<Payee>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let payee = storage::payee::get(&mut read.tx, call.tenant(), read.as_of, id).await?;
        Ok((payee.ok_or_else(|| Fault::not_found("payee", id))?, read.as_of))
    }

    /// Payees by id.
    pub async fn payees(&self, call: &Call, page: Page) -> Result<Listed<Stored<Payee>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let after = page.after::<PayeeId>()?;
        let payees =
            storage::payee::list(&mut read.tx, call.tenant(), read.as_of, after.as_ref(), page.limit())
                .await?;
        Ok(Listed::new(payees, &page, read.as_of, |payee| payee.value.id.to_string()))
    }
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
