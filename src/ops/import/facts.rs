//! Payees and quotas: read to the end before anything is sent, then written request by request.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use anyhow::{Context as _, bail};
use tonic::{Response, Status};

use super::{Job, Outcome, SHOWN, cannot_read, progress, rejects, shown};
use crate::api::convert::payee::wire;
use crate::api::v1;
use crate::api::v1::payee_service_client::PayeeServiceClient;
use crate::api::v1::quota_service_client::QuotaServiceClient;
use crate::domain::date::Calendar;
use crate::domain::id::PayeeId;
use crate::domain::money::Currency;
use crate::domain::number::{QUANTITY_DECIMALS, Quantity, trimmed};
use crate::domain::payee::Payee;
use crate::ingest::{self, QuotaGoal, QuotaRow, Record};
use crate::ops::client::{Keyed, refused};

/// Payees of one request: the contract's most.
const PAYEES: usize = 1000;
/// Quotas of one request: half of the contract's most.
const QUOTAS: usize = 5000;
/// Rows that may be rejected where the caller says nothing: these are rules, a missing one is somebody's pay.
const REJECT_LIMIT: u32 = 0;

/// A file that was read to its end.
struct Facts<T> {
    rows: u64,
    repeated: u64,
    /// What is to be sent, with the row it comes from.
    accepted: Vec<(u64, T)>,
    rejected: BTreeMap<u64, Vec<String>>,
}

/// Sends payees, managers before their reports where that takes several requests.
pub(super) async fn payees(job: &Job, server: Keyed) -> anyhow::Result<Outcome> {
    let payee = |record| match record {
        Record::Payee(payee) => Some(Ok(payee)),
        Record::Quota(_) | Record::Deal(_) => None,
    };
    let mut facts = read(job, payee)?;
    if facts.accepted.len() > PAYEES {
        by_depth(&mut facts.accepted);
    }
    let client = PayeeServiceClient::new(server);
    let send = async |request_id, payees: &[(u64, Payee)]| {
        let payees = payees.iter().map(|(_, payee)| wire(payee, 0)).collect();
        let reason = job.request.reason.clone();
        let request = v1::UpsertPayeesRequest { request_id, reason, payees, validate_only: false };
        let answer = client.clone().upsert_payees(request).await.map(Response::into_inner)?;
        Ok(answer.receipt.unwrap_or_default())
    };
    write(job, "payees", facts, PAYEES, send).await
}

/// Sends quotas. What only the tenant's calendar can tell, whether a window and an amount are any, is told here, so
/// that it is a row's fault and not the request's.
pub(super) async fn quotas(job: &Job, server: Keyed, calendar: &Calendar) -> anyhow::Result<Outcome> {
    let quota = |record| match record {
        Record::Quota(quota) => Some(quota_wire(quota, calendar)),
        Record::Payee(_) | Record::Deal(_) => None,
    };
    let facts = read(job, quota)?;
    let client = QuotaServiceClient::new(server);
    let send = async |request_id, quotas: &[(u64, v1::Quota)]| {
        let quotas = quotas.iter().map(|(_, quota)| quota.clone()).collect();
        let reason = job.request.reason.clone();
        let request = v1::SetQuotasRequest { request_id, reason, quotas, validate_only: false };
        let answer = client.clone().set_quotas(request).await.map(Response::into_inner)?;
        Ok(answer.receipt.unwrap_or_default())
    };
    let (money, units) = sums(&facts.accepted, calendar.currency);
    let mut outcome = write(job, "quotas", facts, QUOTAS, send).await?;
    outcome.totals.push(format!("quotas sum {} {}", calendar.currency.amount(money), calendar.currency));
    if units != 0 {
        outcome.totals.push(format!("quotas sum {} units", trimmed(units, QUANTITY_DECIMALS)));
    }
    Ok(outcome)
}

/// What quotas add up to: in minor units, and in millionths of a unit.
fn sums(quotas: &[(u64, v1::Quota)], currency: Currency) -> (i128, i128) {
    let amounts = quotas.iter().filter_map(|(_, quota)| quota.amount.as_ref());
    let money = amounts.filter_map(|amount| currency.parse_amount(&amount.amount).ok()).map(i128::from).sum();
    let units = quotas.iter().filter_map(|(_, quota)| Quantity::parse(&quota.units).ok());
    (money, units.map(|units| i128::from(units.0)).sum())
}

fn quota_wire(quota: QuotaRow, calendar: &Calendar) -> Result<v1::Quota, Vec<String>> {
    let window = calendar.parse_window(&quota.window).err().map(|fault| format!("window {fault}"));
    let (amount, units) = match quota.goal {
        QuotaGoal::Amount(amount) => (Some(amount), String::new()),
        QuotaGoal::Units(units) => (None, units),
    };
    let read = amount.as_ref().map(|amount| calendar.currency.parse_amount(amount));
    let fault = read.and_then(Result::err).map(|fault| format!("amount {fault}"));
    let reasons: Vec<_> = [window, fault].into_iter().flatten().collect();
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let money = |amount| v1::Money { currency_code: calendar.currency.to_string(), amount };
    Ok(v1::Quota {
        payee_id: quota.payee.to_string(),
        measure_id: quota.measure.to_string(),
        window: quota.window,
        amount: amount.map(money),
        units,
        ..v1::Quota::default()
    })
}

/// Reads the whole file. A row's records are taken together or not at all.
fn read<T>(job: &Job, take: impl Fn(Record) -> Option<Result<T, Vec<String>>>) -> anyhow::Result<Facts<T>> {
    let bar = progress(&job.file);
    let file = File::open(&job.file).with_context(|| cannot_read(&job.file))?;
    let mut rows = ingest::read(&job.mapping, bar.wrap_read(file))?;
    let (mut accepted, mut rejected) = (Vec::new(), BTreeMap::new());
    for row in rows.by_ref() {
        match row? {
            Ok(row) => match row.records.into_iter().filter_map(&take).collect::<Result<Vec<T>, _>>() {
                Ok(records) => accepted.extend(records.into_iter().map(|record| (row.row, record))),
                Err(reasons) => drop(rejected.insert(row.row, reasons)),
            },
            Err(row) => drop(rejected.insert(row.row, row.reasons)),
        }
    }
    bar.finish_and_clear();
    let totals = rows.totals();
    Ok(Facts { rows: totals.rows, repeated: totals.duplicates, accepted, rejected })
}

/// Sends what was accepted, unless more was rejected than may be.
async fn write<T>(
    job: &Job,
    noun: &'static str,
    facts: Facts<T>,
    most: usize,
    send: impl AsyncFn(String, &[(u64, T)]) -> Result<v1::Receipt, Status>,
) -> anyhow::Result<Outcome> {
    let Facts { rows, repeated, accepted, rejected } = facts;
    let rejected_count = u64::try_from(rejected.len()).unwrap_or(u64::MAX);
    let limit = job.reject_limit.unwrap_or(REJECT_LIMIT);
    if rejected_count > u64::from(limit) {
        if let Some(path) = &job.rejects {
            rejects::write(job, path, &rejected)?;
        }
        let shown = shown(&rejected, rejected_count);
        bail!(
            "{rejected_count} rows were rejected and at most {limit} may be: nothing was sent\n{}",
            shown.trim_end()
        );
    }
    let (mut written, mut unchanged, mut stale) = (0, 0, 0);
    let (mut first_stale, mut changes) = (Vec::new(), Vec::new());
    for (number, part) in (1..).zip(accepted.chunks(most)) {
        let receipt = send(job.request.part(number), part).await.map_err(|status| {
            let name = |field: &str| row_field(field, noun, part);
            let fault = refused(&status, name);
            match changes.last() {
                Some(last) => fault.context(format!(
                    "the {noun} of requests 1 to {} were written, up to change {last}; the next request was refused",
                    number - 1
                )),
                None => fault,
            }
        })?;
        written += receipt.written;
        unchanged += receipt.unchanged;
        stale += receipt.stale;
        first_stale.extend(receipt.first_stale_ids);
        changes.push(receipt.change_number);
    }
    first_stale.truncate(SHOWN);
    let totals = Vec::new();
    Ok(Outcome {
        noun,
        rows,
        repeated,
        written,
        unchanged,
        stale,
        first_stale,
        changes,
        totals,
        rejected,
        rejected_count,
    })
}

/// The path of a field with the row in place of the request's list: `payees[3].name` is `row 5: name`.
fn row_field<T>(field: &str, noun: &str, part: &[(u64, T)]) -> String {
    let place = field
        .strip_prefix(noun)
        .and_then(|rest| rest.strip_prefix('['))
        .and_then(|rest| rest.split_once(']'));
    let row = place.and_then(|(place, rest)| Some((part.get(place.parse::<usize>().ok()?)?.0, rest)));
    match row {
        Some((row, rest)) => format!("row {row}: {}", rest.trim_start_matches('.')).trim_end().to_string(),
        None => field.to_string(),
    }
}

/// Puts managers before those who report to them; otherwise the order of the file. Whoever stands in a circle comes
/// last, for the server to name it.
fn by_depth(payees: &mut Vec<(u64, Payee)>) {
    let in_file: BTreeSet<PayeeId> = payees.iter().map(|(_, payee)| payee.id.clone()).collect();
    let (mut placed, mut ordered) = (BTreeSet::new(), Vec::with_capacity(payees.len()));
    loop {
        let ready = |payee: &Payee| {
            let mut managers = payee.assignments.iter().filter_map(|assignment| assignment.manager.as_ref());
            managers.all(|manager| placed.contains(manager) || !in_file.contains(manager))
        };
        let (next, rest): (Vec<_>, Vec<_>) =
            std::mem::take(payees).into_iter().partition(|(_, payee)| ready(payee));
        *payees = rest;
        if next.is_empty() {
            break;
        }
        placed.extend(next.iter().map(|(_, payee)| payee.id.clone()));
        ordered.extend(next);
    }
    ordered.append(payees);
    *payees = ordered;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::{Day, Period};
    use crate::domain::money::Rounding;
    use crate::domain::payee::{Assignment, PayeeKind};

    fn payee(id: &str, manager: Option<&str>) -> Payee {
        let assignment = Assignment {
            from: Day::parse("2026-01-01").unwrap(),
            to: None,
            title: None,
            manager: manager.map(|manager| PayeeId::try_new(manager).unwrap()),
            territory: None,
            plan: None,
            target_incentive: None,
            currency: Currency::parse("USD").unwrap(),
        };
        let (id, kind) = (PayeeId::try_new(id).unwrap(), PayeeKind::Person);
        let assignments = vec![assignment];
        Payee { id, kind, name: None, email: None, assignments, source_version: None }
    }

    #[test]
    fn managers_come_before_their_reports() {
        for (lines, expected) in [
            (&[("a", None), ("b", Some("a"))][..], "a b"),
            (&[("c", Some("b")), ("b", Some("a")), ("a", None), ("d", None)], "a d b c"),
            (&[("b", Some("elsewhere")), ("a", Some("b"))], "b a"),
            (&[("x", Some("y")), ("y", Some("x")), ("a", None), ("z", Some("x"))], "a x y z"),
        ] {
            let mut payees: Vec<_> =
                (2..).zip(lines.iter().map(|(id, manager)| payee(id, *manager))).collect();
            by_depth(&mut payees);
            let ids: Vec<_> = payees.iter().map(|(_, payee)| payee.id.as_str()).collect();
            assert_eq!(ids.join(" "), expected);
        }
    }

    #[test]
    fn a_refusal_names_rows_of_the_file() {
        let part = [(2, ()), (5, ())];
        for (field, expected) in [
            ("payees[1].assignments[0].manager_id", "row 5: assignments[0].manager_id"),
            ("payees[0]", "row 2:"),
            ("payees[2].name", "payees[2].name"),
            ("payees", "payees"),
            ("reason", "reason"),
            ("", ""),
        ] {
            assert_eq!(row_field(field, "payees", &part), expected, "{field:?}");
        }
    }

    #[test]
    fn a_quota_that_the_calendar_does_not_know_is_its_rows_fault() {
        let calendar = Calendar {
            currency: Currency::parse("USD").unwrap(),
            zone: chrono_tz::UTC,
            fiscal_first_month: 1,
            rounding: Rounding::HalfEven,
            first_period: Period::parse("2026-01").unwrap(),
        };
        let quota = |window: &str, amount: &str| {
            let (payee, measure) = ("E-1".parse().unwrap(), "bookings".parse().unwrap());
            let goal = QuotaGoal::Amount(amount.into());
            quota_wire(QuotaRow { payee, measure, window: window.into(), goal }, &calendar)
        };
        let good = quota("FY2026-Q1", "75000").unwrap();
        let amount = v1::Money { currency_code: "USD".into(), amount: "75000".into() };
        assert_eq!((good.window.as_str(), &good.amount), ("FY2026-Q1", &Some(amount)));
        let pieces = v1::Quota { units: "2.5".into(), ..v1::Quota::default() };
        let quotas = [(2, quota("2026-01", "0.05").unwrap()), (3, good), (4, pieces)];
        assert_eq!(sums(&quotas, calendar.currency), (7_500_005, 2_500_000));
        let reasons = quota("FY2026-Q5", "1.005").unwrap_err();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(reasons[0].starts_with("window ") && reasons[1].starts_with("amount "), "{reasons:?}");
    }
}
