//! Quotas. Their windows read under the tenant's fiscal calendar.

use super::{Check, money, read, write};
use crate::api::v1;
use crate::app::{Page, Write};
use crate::domain::date::Calendar;
use crate::domain::fault::Fault;
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::quota::{Quota, QuotaKey};

/// The rpc that sets quotas.
pub const SET: &str = "attain.v1.QuotaService/SetQuotas";
/// The rpc that lists quotas.
pub const LIST: &str = "attain.v1.QuotaService/ListQuotas";
/// Most quotas of one request.
const MAX_QUOTAS: usize = 10_000;

/// Reads a request to set quotas.
pub fn set(request: &v1::SetQuotasRequest, calendar: &Calendar) -> Result<(Write, Vec<Quota>), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, SET, request, &request.request_id, reason, request.validate_only);
        let key = |wire: &v1::Quota| {
            let parts = [wire.payee_id.as_str(), &wire.measure_id, &wire.window];
            if parts.contains(&"") { String::new() } else { parts.join(" ") }
        };
        let quotas = check.facts("quotas", &request.quotas, MAX_QUOTAS, ("", key), |check, wire| {
            quota(check, wire, calendar)
        });
        Some((write?, quotas?))
    })
}

/// Reads a request for one quota: as of when, and which.
pub fn get(request: &v1::GetQuotaRequest, calendar: &Calendar) -> Result<(i64, QuotaKey), Fault> {
    read(|check| {
        let key = key(check, &request.payee_id, &request.measure_id, &request.window, calendar);
        Some((check.as_of(request.as_of_change)?, key?))
    })
}

/// Reads a request for quotas.
pub fn list(request: &v1::ListQuotasRequest) -> Result<(Option<PayeeId>, Option<MeasureId>, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change);
        let payee = check.optional_id("payee_id", &request.payee_id);
        let measure = check.optional_id("measure_id", &request.measure_id);
        Some((payee, measure, page?))
    })
}

fn key(check: &mut Check, payee: &str, measure: &str, window: &str, calendar: &Calendar) -> Option<QuotaKey> {
    let payee = check.id("payee_id", payee);
    let measure = check.id("measure_id", measure);
    let window = check.take("window", calendar.parse_window(window));
    Some(QuotaKey { payee: payee?, measure: measure?, window: window? })
}

fn quota(check: &mut Check, wire: &v1::Quota, calendar: &Calendar) -> Option<Quota> {
    let key = key(check, &wire.payee_id, &wire.measure_id, &wire.window, calendar);
    let amount = check.inner("amount", wire.amount.as_ref(), |check, wire| {
        check.required_currency("currency_code", &wire.currency_code, calendar.currency);
        check.required_amount("amount", &wire.amount, calendar.currency)
    });
    Some(Quota { key: key?, amount: amount? })
}

/// A quota as the contract says it.
pub fn wire(quota: &Quota, etag: i64, calendar: &Calendar) -> v1::Quota {
    v1::Quota {
        payee_id: quota.key.payee.to_string(),
        measure_id: quota.key.measure.to_string(),
        window: calendar.window_text(quota.key.window),
        amount: Some(money(quota.amount.into(), calendar.currency)),
        etag,
    }
}
