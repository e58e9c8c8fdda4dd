//! Values of outside measures.

use super::{Check, listed, read, text, write};
use crate::api::v1;
use crate::app::outside::ValueQuery;
use crate::app::{Page, Write};
use crate::domain::fault::Fault;
use crate::domain::number::Quantity;
use crate::domain::outside::{OutsideValue, ValueKey};
use crate::domain::version::SourceVersion;

/// The rpc that records values.
pub const RECORD: &str = "attain.v1.MeasureService/RecordValues";
/// The rpc that lists values.
pub const LIST: &str = "attain.v1.MeasureService/ListValues";
/// Most values of one request.
const MAX_VALUES: usize = 10_000;

/// Reads a request to record values.
pub fn record(request: &v1::RecordValuesRequest) -> Result<(Write, Vec<OutsideValue>), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, RECORD, request, &request.request_id, reason, request.validate_only);
        let key = |wire: &v1::OutsideValue| {
            let parts = [wire.payee_id.as_str(), &wire.measure_id, &wire.date];
            if parts.contains(&"") { String::new() } else { parts.join(" ") }
        };
        let values = check.facts("values", &request.values, MAX_VALUES, ("", key), value);
        let etags = request.values.iter().map(|wire| wire.etag);
        let etags = check.expected_etags(listed("values", etags));
        Some((write?.expecting(etags), values?))
    })
}

/// Reads a request for values.
pub fn list(request: &v1::ListValuesRequest) -> Result<(ValueQuery, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let payee = check.optional_id("payee_id", &request.payee_id);
        let measure = check.optional_id("measure_id", &request.measure_id);
        let from = check.optional_day("start_date", &request.start_date);
        let to = check.optional_day("end_date", &request.end_date);
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            check.add("end_date", format!("must be after start_date {from}, got {to}"));
        }
        Some((ValueQuery { payee, measure, from, to }, page?))
    })
}

/// Reads a value.
pub(super) fn value(check: &mut Check, wire: &v1::OutsideValue) -> Option<OutsideValue> {
    let payee = check.id("payee_id", &wire.payee_id);
    let measure = check.id("measure_id", &wire.measure_id);
    let day = check.day("date", &wire.date);
    let value = match (wire.removed, wire.value.is_empty()) {
        (true, true) => Some(None),
        (true, false) => {
            check.add("value", "must be empty where the value is removed");
            None
        }
        (false, _) => check.take("value", Quantity::parse(&wire.value)).map(Some),
    };
    let source_version = check.source_version(wire.source_version);
    let key = ValueKey { payee: payee?, measure: measure?, day: day? };
    Some(OutsideValue { key, value: value?, source_version })
}

/// A value as the contract says it.
pub fn wire(told: &OutsideValue, etag: i64) -> v1::OutsideValue {
    v1::OutsideValue {
        payee_id: told.key.payee.to_string(),
        measure_id: told.key.measure.to_string(),
        date: told.key.day.to_string(),
        value: text(told.value),
        removed: told.value.is_none(),
        etag,
        source_version: told.source_version.map(SourceVersion::get),
    }
}
