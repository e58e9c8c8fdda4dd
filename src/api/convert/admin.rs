//! Calendar and keys.

use super::{Check, MAX_IDS, read, shown, write};
use crate::api::v1;
use crate::app::admin::NewKey;
use crate::app::erase::Subjects;
use crate::app::{AsOf, Page, Write};
use crate::auth::Role;
use crate::domain::date::Calendar;
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
/// The rpc that erases personal data.
pub const ERASE: &str = "attain.v1.AdminService/ErasePersonalData";

/// Reads a request to set the calendar.
pub fn set_calendar(request: &v1::SetCalendarRequest) -> Result<(Write, Calendar), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, SET_CALENDAR, request, &request.request_id, reason, request.validate_only);
        let calendar = check.inner("calendar", request.calendar.as_ref(), calendar);
        let etag = request.calendar.as_ref().map_or(0, |calendar| calendar.etag);
        let etags = check.expected_etags([("calendar".to_string(), etag)]);
        Some((write?.expecting(etags), calendar?))
    })
}

/// Reads a calendar.
pub(super) fn calendar(check: &mut Check, wire: &v1::Calendar) -> Option<Calendar> {
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
pub fn get_calendar(request: &v1::GetCalendarRequest) -> Result<AsOf, Fault> {
    read(|check| check.as_of(request.as_of_change, request.min_change))
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
        let write = write(check, CREATE_KEY, request, &request.request_id, reason, request.validate_only);
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
        let write = write(check, REVOKE_KEY, request, &request.request_id, reason, request.validate_only);
        let key = check.id("key_id", &request.key_id);
        Some((write?, key?))
    })
}

/// Reads a request for keys.
pub fn list_keys(request: &v1::ListKeysRequest) -> Result<Page, Fault> {
    read(|check| check.page(request.page_size, request.as_of_change, request.min_change))
}

/// Reads a request to erase personal data.
pub fn erase(request: &v1::ErasePersonalDataRequest) -> Result<(Write, Subjects), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, ERASE, request, &request.request_id, reason, request.validate_only);
        let payees = check.ids("payee_ids", &request.payee_ids);
        let customers = check.ids("customer_ids", &request.customer_ids);
        let deals = check.ids("deal_ids", &request.deal_ids);
        let keys = check.ids("key_ids", &request.key_ids);
        let changes = change_numbers(check, &request.change_numbers);
        let subjects = Subjects {
            payees: payees?,
            customers: customers?,
            deals: deals?,
            keys: keys?,
            changes: changes?,
        };
        if subjects.is_empty() {
            check.add("payee_ids", "must be given, or other ids or change_numbers");
        }
        Some((write?, subjects))
    })
}

fn change_numbers(check: &mut Check, numbers: &[i64]) -> Option<Vec<i64>> {
    if numbers.len() > MAX_IDS {
        check.add("change_numbers", format!("must be at most {MAX_IDS}, got {}", numbers.len()));
        return None;
    }
    for (place, number) in numbers.iter().enumerate().filter(|(_, number)| **number < 1) {
        check.add(&format!("change_numbers[{place}]"), format!("must be above zero, got {number}"));
    }
    Some(numbers.to_vec())
}
