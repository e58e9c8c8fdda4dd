//! Calendar, keys, journal.

use chrono::{DateTime, Utc};

use super::{Check, read, shown, text, write};
use crate::api::v1;
use crate::app::admin::{NewKey, Verified};
use crate::app::{Page, Write};
use crate::auth::Role;
use crate::domain::change::Change;
use crate::domain::date::Calendar;
use crate::domain::encode::{self, Digest};
use crate::domain::fault::Fault;
use crate::domain::id::KeyId;
use crate::domain::money::{Currency, Rounding};

/// The rpc that sets the calendar.
pub const SET_CALENDAR: &str = "attain.v1.AdminService/SetCalendar";
/// The rpc that makes a key.
pub const CREATE_KEY: &str = "attain.v1.AdminService/CreateKey";
/// The rpc that revokes a key.
pub const REVOKE_KEY: &str = "attain.v1.AdminService/RevokeKey";
/// The rpc that lists keys.
pub const LIST_KEYS: &str = "attain.v1.AdminService/ListKeys";
/// The rpc that lists changes.
pub const LIST_CHANGES: &str = "attain.v1.AdminService/ListChanges";

/// Reads a request to set the calendar.
pub fn set_calendar(request: &v1::SetCalendarRequest) -> Result<(Write, Calendar), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, SET_CALENDAR, request, &request.request_id, reason, false);
        let calendar = check.inner("calendar", request.calendar.as_ref(), calendar);
        Some((write?, calendar?))
    })
}

fn calendar(check: &mut Check, wire: &v1::Calendar) -> Option<Calendar> {
    let currency = check.take("currency_code", Currency::parse(&wire.currency_code));
    let zone = wire.time_zone.parse().map_err(|_| {
        format!("must be an IANA time zone such as \"Europe/Berlin\", got {:?}", shown(&wire.time_zone))
    });
    let zone = check.take("time_zone", zone);
    let month = u8::try_from(wire.fiscal_first_month).ok().filter(|month| (1..=12).contains(month));
    if month.is_none() {
        check.add("fiscal_first_month", format!("must be 1 to 12, got {}", wire.fiscal_first_month));
    }
    let rounding = check.choice("rounding", wire.rounding, |rounding| match rounding {
        v1::calendar::Rounding::Unspecified => None,
        v1::calendar::Rounding::HalfAwayFromZero => Some(Rounding::HalfAwayFromZero),
        v1::calendar::Rounding::HalfEven => Some(Rounding::HalfEven),
    });
    let first_period = check.period("first_period", &wire.first_period);
    Some(Calendar {
        currency: currency?,
        zone: zone?,
        fiscal_first_month: month?,
        rounding: rounding?,
        first_period: first_period?,
    })
}

/// Reads a request for the calendar: as of when.
pub fn get_calendar(request: &v1::GetCalendarRequest) -> Result<i64, Fault> {
    read(|check| check.as_of(request.as_of_change))
}

/// A calendar as the contract says it.
pub fn calendar_wire(calendar: &Calendar, etag: i64) -> v1::Calendar {
    let rounding = match calendar.rounding {
        Rounding::HalfAwayFromZero => v1::calendar::Rounding::HalfAwayFromZero,
        Rounding::HalfEven => v1::calendar::Rounding::HalfEven,
    };
    v1::Calendar {
        currency_code: calendar.currency.to_string(),
        time_zone: calendar.zone.name().into(),
        fiscal_first_month: calendar.fiscal_first_month.into(),
        rounding: rounding.into(),
        first_period: calendar.first_period.to_string(),
        etag,
    }
}

/// Reads a request to make a key.
pub fn create_key(request: &v1::CreateKeyRequest) -> Result<(Write, NewKey), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, CREATE_KEY, request, &request.request_id, reason, false);
        let key = check.inner("key", request.key.as_ref(), key);
        Some((write?, key?))
    })
}

fn key(check: &mut Check, wire: &v1::Key) -> Option<NewKey> {
    let id = check.optional_id("key_id", &wire.key_id);
    let role = check.choice("role", wire.role, |role| match role {
        v1::Role::Unspecified => None,
        v1::Role::Admin => Some(Role::Admin),
        v1::Role::Service => Some(Role::Service),
        v1::Role::Payee => Some(Role::Payee),
        v1::Role::Payroll => Some(Role::Payroll),
        v1::Role::Auditor => Some(Role::Auditor),
    });
    let payee = check.optional_id("payee_id", &wire.payee_id);
    match role {
        Some(Role::Payee) if wire.payee_id.is_empty() => {
            check.add("payee_id", "must be given for ROLE_PAYEE");
        }
        Some(role) if role != Role::Payee && !wire.payee_id.is_empty() => {
            check.add("payee_id", format!("must be empty for ROLE_{}", role.name()));
        }
        _ => {}
    }
    let label = check.text("label", &wire.label, 200);
    Some(NewKey { id, role: role?, payee, label })
}

/// The wire value of a role's name in the database.
pub fn role_wire(name: &str) -> v1::Role {
    match Role::parse(name) {
        Some(Role::Admin) => v1::Role::Admin,
        Some(Role::Service) => v1::Role::Service,
        Some(Role::Payee) => v1::Role::Payee,
        Some(Role::Payroll) => v1::Role::Payroll,
        Some(Role::Auditor) => v1::Role::Auditor,
        None => v1::Role::Unspecified,
    }
}

/// Reads a request to revoke a key.
pub fn revoke_key(request: &v1::RevokeKeyRequest) -> Result<(Write, KeyId), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, REVOKE_KEY, request, &request.request_id, reason, false);
        let key = check.id("key_id", &request.key_id);
        Some((write?, key?))
    })
}

/// Reads a request for keys.
pub fn list_keys(request: &v1::ListKeysRequest) -> Result<Page, Fault> {
    read(|check| check.page(request.page_size, 0))
}

/// Reads a request for changes. The cursor of changes is their number, so that a first page can start after one.
pub fn list_changes(request: &v1::ListChangesRequest) -> Result<Page, Fault> {
    read(|check| {
        let after: Option<i64> = check.number("after_change", request.after_change);
        let page = check.page(request.page_size, 0)?;
        Some(Page { after: after.filter(|number| *number > 0).map(|number| number.to_string()), ..page })
    })
}

/// A change as the contract says it.
pub fn change_wire(change: &Change, hash: &Digest, reason: Option<&String>) -> v1::Change {
    v1::Change {
        number: change.number,
        hash: encode::hex(hash),
        change_time: Some(timestamp(change.time)),
        actor: change.actor.clone(),
        rpc: change.rpc.clone(),
        request_id: change.request_id.clone(),
        reason: text(reason),
    }
}

fn timestamp(time: DateTime<Utc>) -> prost_types::Timestamp {
    // Fewer than two thousand million nanoseconds, in a leap second too.
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: time.timestamp(), nanos }
}

/// Reads a request for a verification: a change's number and hash kept elsewhere, if any.
pub fn verify(request: &v1::VerifyJournalRequest) -> Result<Option<(i64, Digest)>, Fault> {
    read(|check| {
        if request.anchor.is_empty() {
            return Some(None);
        }
        let anchor = parse_anchor(&request.anchor);
        if anchor.is_none() {
            let got = shown(&request.anchor);
            check.add("anchor", format!("must be a change's number and hash, \"17:9f86…\", got {got:?}"));
        }
        Some(anchor)
    })
}

/// Reads `n:hash`: a number from 1 on, and 64 lower-case hexadecimal digits.
pub fn parse_anchor(text: &str) -> Option<(i64, Digest)> {
    let (number, hex) = text.split_once(':')?;
    let plain = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    let number: i64 = number.parse().ok().filter(|_| plain)?;
    if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut digest = Digest::default();
    for (byte, place) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(place..place + 2)?, 16).ok()?;
    }
    Some((number, digest))
}

/// What verification found as the contract says it.
pub fn verified_wire(verified: Verified) -> v1::VerifyJournalResponse {
    v1::VerifyJournalResponse {
        sound: verified.first_fault.is_none(),
        first_fault: verified.first_fault.unwrap_or_default(),
        changes: verified.changes,
        rows: verified.rows,
        anchor: verified.anchor,
    }
}
