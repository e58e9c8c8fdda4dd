//! Payees and their assignments.

use super::{Check, MAX_FACTS, listed, read, text, write};
use crate::api::v1;
use crate::app::payee::{InLine, PayeeFilter, PayeeQuery, Reassignment, Termination};
use crate::app::{AsOf, Page, Write};
use crate::domain::date::Day;
use crate::domain::fault::Fault;
use crate::domain::id::PayeeId;
use crate::domain::money::Currency;
use crate::domain::payee::{Assignment, MAX_ASSIGNMENTS, Payee, PayeeKind};
use crate::domain::version::SourceVersion;

/// The rpc that writes payees.
pub const UPSERT: &str = "attain.v1.PayeeService/UpsertPayees";
/// The rpc that lists payees.
pub const LIST: &str = "attain.v1.PayeeService/ListPayees";
/// The rpc that gives a reporting line.
pub const LINE: &str = "attain.v1.PayeeService/GetReportingLine";

/// The rpc that moves reports.
pub const REASSIGN: &str = "attain.v1.PayeeService/ReassignReports";
/// The rpc that ends a payee's assignments.
pub const TERMINATE: &str = "attain.v1.PayeeService/TerminatePayee";

/// Reads a request to write payees.
pub fn upsert(request: &v1::UpsertPayeesRequest, currency: Currency) -> Result<(Write, Vec<Payee>), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, UPSERT, request, &request.request_id, reason, request.validate_only);
        let id = (".payee_id", |wire: &v1::Payee| wire.payee_id.clone());
        let payees =
            check.facts("payees", &request.payees, MAX_FACTS, id, |check, wire| payee(check, wire, currency));
        let etags = request.payees.iter().map(|wire| wire.etag);
        let etags = check.expected_etags(listed("payees", etags));
        Some((write?.expecting(etags), payees?))
    })
}

/// Reads a request for one payee: as of when, whom, and the day, if one is given.
pub fn get(request: &v1::GetPayeeRequest) -> Result<(AsOf, PayeeId, Option<Day>), Fault> {
    read(|check| {
        let id = check.id("payee_id", &request.payee_id);
        let on = check.optional_day("on_date", &request.on_date);
        Some((check.as_of(request.as_of_change, request.min_change)?, id?, on))
    })
}

/// Reads a request for payees.
pub fn list(request: &v1::ListPayeesRequest) -> Result<(PayeeQuery, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let on = check.optional_day("on_date", &request.on_date);
        let manager = check.optional_id("manager_id", &request.manager_id);
        let plan = check.optional_id("plan_id", &request.plan_id);
        let territory = check.optional_id("territory_id", &request.territory_id);
        Some((PayeeQuery { on, filter: PayeeFilter { manager, plan, territory } }, page?))
    })
}

/// Reads a request for a reporting line: whose, and the day, if one is given.
pub fn line(request: &v1::GetReportingLineRequest) -> Result<(PayeeId, Option<Day>, Page), Fault> {
    read(|check| {
        let id = check.id("payee_id", &request.payee_id);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let on = check.optional_day("on_date", &request.on_date);
        Some((id?, on, page?))
    })
}

/// Reads a request to move reports.
pub fn reassign(request: &v1::ReassignReportsRequest) -> Result<(Write, Reassignment), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, REASSIGN, request, &request.request_id, reason, request.validate_only);
        let manager = check.id("manager_id", &request.manager_id);
        let to = other(check, &request.new_manager_id, &request.manager_id);
        let from = check.day("start_date", &request.start_date);
        let payees = check.ids("payee_ids", &request.payee_ids);
        check.once("payee_ids", &request.payee_ids);
        Some((write?, Reassignment { manager: manager?, to, from: from?, payees: payees? }))
    })
}

/// Reads a request to end a payee's assignments.
pub fn terminate(request: &v1::TerminatePayeeRequest) -> Result<(Write, Termination), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, TERMINATE, request, &request.request_id, reason, request.validate_only);
        let payee = check.id("payee_id", &request.payee_id);
        let end = check.day("end_date", &request.end_date);
        let to = other(check, &request.new_manager_id, &request.payee_id);
        Some((write?, Termination { payee: payee?, end: end?, to }))
    })
}

/// The new manager, if there is one: another than the old.
fn other(check: &mut Check, id: &str, old: &str) -> Option<PayeeId> {
    let new = check.optional_id("new_manager_id", id);
    if new.is_some() && id == old {
        check.add("new_manager_id", format!("must be another payee, got {id}"));
    }
    new
}

/// Reads a payee.
pub(super) fn payee(check: &mut Check, wire: &v1::Payee, currency: Currency) -> Option<Payee> {
    let fields = |check: &mut Check| {
        let id = check.id("payee_id", &wire.payee_id);
        let kind = check.choice("kind", wire.kind, |kind| match kind {
            v1::payee::Kind::Unspecified => None,
            v1::payee::Kind::Person => Some(PayeeKind::Person),
            v1::payee::Kind::Firm => Some(PayeeKind::Firm),
        });
        let name = check.text("name", &wire.name, 200);
        let email = check.text("email", &wire.email, 200);
        let assignments = check.list("assignments", &wire.assignments, MAX_ASSIGNMENTS, |check, wire| {
            assignment(check, wire, currency)
        });
        let source_version = check.source_version(wire.source_version);
        Some(Payee { id: id?, kind: kind?, name, email, assignments: assignments?, source_version })
    };
    check.whole(fields, Payee::check)
}

fn assignment(check: &mut Check, wire: &v1::Assignment, tenants: Currency) -> Option<Assignment> {
    let from = check.day("start_date", &wire.start_date);
    let to = check.optional_day("end_date", &wire.end_date);
    let title = check.text("title", &wire.title, 100);
    let manager = check.optional_id("manager_id", &wire.manager_id);
    let territory = check.optional_id("territory_id", &wire.territory_id);
    let plan = check.optional_id("plan_id", &wire.plan_id);
    let currency = check.currency("currency_code", &wire.currency_code, tenants);
    let read_in = currency.unwrap_or(tenants);
    let target_incentive = check.amount("target_incentive", &wire.target_incentive, read_in);
    let currency = currency?;
    Some(Assignment { from: from?, to, title, manager, territory, plan, target_incentive, currency })
}

/// A payee as the contract says it, with the assignment in force on a day.
pub fn wire_on(payee: &Payee, etag: i64, day: Option<Day>) -> v1::Payee {
    let in_force = day.and_then(|day| payee.assignments.iter().find(|assignment| assignment.covers(day)));
    v1::Payee { assignment_in_force: in_force.map(assignment_wire), ..wire(payee, etag) }
}

/// A payee as the contract says it.
pub fn wire(payee: &Payee, etag: i64) -> v1::Payee {
    let kind = match payee.kind {
        PayeeKind::Person => v1::payee::Kind::Person,
        PayeeKind::Firm => v1::payee::Kind::Firm,
    };
    v1::Payee {
        payee_id: payee.id.to_string(),
        kind: kind.into(),
        name: text(payee.name.as_ref()),
        email: text(payee.email.as_ref()),
        assignments: payee.assignments.iter().map(assignment_wire).collect(),
        etag,
        assignment_in_force: None,
        source_version: payee.source_version.map(SourceVersion::get),
    }
}

fn assignment_wire(assignment: &Assignment) -> v1::Assignment {
    let currency = assignment.currency;
    v1::Assignment {
        start_date: assignment.from.to_string(),
        end_date: text(assignment.to),
        title: text(assignment.title.as_ref()),
        manager_id: text(assignment.manager.as_ref()),
        territory_id: text(assignment.territory.as_ref()),
        plan_id: text(assignment.plan.as_ref()),
        target_incentive: text(assignment.target_incentive.map(|minor| currency.amount(minor.into()))),
        currency_code: currency.to_string(),
    }
}

/// The managers of a line as the contract says them.
pub fn managers_wire(managers: &[InLine]) -> Vec<v1::LineManager> {
    let manager = |(level, manager): (i32, &InLine)| v1::LineManager {
        level,
        payee_id: manager.payee.to_string(),
        title: text(manager.title.as_ref()),
    };
    (1..).zip(managers).map(manager).collect()
}

/// A payee that reports to another as the contract says it.
pub fn report_wire(report: &InLine) -> v1::DirectReport {
    v1::DirectReport { payee_id: report.payee.to_string(), title: text(report.title.as_ref()) }
}
