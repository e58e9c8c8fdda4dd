//! Measures.

use super::{Check, MAX_FACTS, deal, listed, read, text, write};
use crate::api::v1;
use crate::app::{Page, Write};
use crate::domain::deal::EventKind;
use crate::domain::fault::Fault;
use crate::domain::measure::{CreditKind, Measure, MeasureValue, Unit};
use crate::domain::number::Quantity;

/// The rpc that defines measures.
pub const DEFINE: &str = "attain.v1.MeasureService/DefineMeasures";
/// The rpc that lists measures.
pub const LIST: &str = "attain.v1.MeasureService/ListMeasures";

/// Reads a request to define measures.
pub fn define(request: &v1::DefineMeasuresRequest) -> Result<(Write, Vec<Measure>), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, DEFINE, request, &request.request_id, reason, request.validate_only);
        let id = (".measure_id", |wire: &v1::Measure| wire.measure_id.clone());
        let measures = check.facts("measures", &request.measures, MAX_FACTS, id, measure);
        let etags = request.measures.iter().map(|wire| wire.etag);
        let etags = check.expected_etags(listed("measures", etags));
        Some((write?.expecting(etags), measures?))
    })
}

/// Reads a request for measures.
pub fn list(request: &v1::ListMeasuresRequest) -> Result<Page, Fault> {
    read(|check| check.page(request.page_size, request.as_of_change, request.min_change))
}

fn measure(check: &mut Check, wire: &v1::Measure) -> Option<Measure> {
    let id = check.id("measure_id", &wire.measure_id);
    let name = check.required_text("name", &wire.name, 200);
    let event = check.choice("event_type", wire.event_type, deal::event_kind);
    if let Some(kind) = event.filter(|kind: &EventKind| kind.is_reversal()) {
        check.add("event_type", format!("must not be a reversal, got TYPE_{}", kind.name()));
    }
    let credit = check.choice("credit", wire.credit, |credit| match credit {
        v1::measure::Credit::Unspecified => None,
        v1::measure::Credit::Direct => Some(CreditKind::Direct),
        v1::measure::Credit::RolledUp => Some(CreditKind::RolledUp),
        v1::measure::Credit::Both => Some(CreditKind::Both),
    });
    // A set: in another order it is the same measure.
    let mut roles = check.ids("roles", &wire.roles);
    roles.iter_mut().for_each(|roles| roles.sort());
    let value = check.choice("value", wire.value, |value| match value {
        v1::measure::Value::Unspecified => None,
        v1::measure::Value::Amount => Some(MeasureValue::Amount),
        v1::measure::Value::Margin => Some(MeasureValue::Margin),
        v1::measure::Value::Quantity => Some(MeasureValue::Quantity),
        v1::measure::Value::Count => Some(MeasureValue::Count),
    });
    let step = check.quantity("step", &wire.step);
    if step == Some(Quantity(0)) {
        check.add("step", "must be above zero, got 0");
    }
    if step.is_some() && value.is_some_and(|value| value.unit() == Unit::Money) {
        check.add("step", "must be empty: the measure counts money, which is rounded to the minor unit");
    }
    Some(Measure {
        id: id?,
        name: name?,
        event: event?,
        credit: credit?,
        levels: wire.levels,
        roles: roles?,
        value: value?,
        step,
    })
}

/// A measure as the contract says it.
pub fn wire(measure: &Measure, etag: i64) -> v1::Measure {
    let credit = match measure.credit {
        CreditKind::Direct => v1::measure::Credit::Direct,
        CreditKind::RolledUp => v1::measure::Credit::RolledUp,
        CreditKind::Both => v1::measure::Credit::Both,
    };
    let value = match measure.value {
        MeasureValue::Amount => v1::measure::Value::Amount,
        MeasureValue::Margin => v1::measure::Value::Margin,
        MeasureValue::Quantity => v1::measure::Value::Quantity,
        MeasureValue::Count => v1::measure::Value::Count,
    };
    v1::Measure {
        measure_id: measure.id.to_string(),
        name: measure.name.clone(),
        event_type: deal::event_kind_wire(measure.event).into(),
        credit: credit.into(),
        levels: measure.levels,
        roles: measure.roles.iter().map(ToString::to_string).collect(),
        value: value.into(),
        etag,
        step: text(measure.step),
    }
}

/// What figures are in, as the contract says it.
pub fn unit_wire(unit: Unit) -> v1::Unit {
    match unit {
        Unit::Money => v1::Unit::Money,
        Unit::Number => v1::Unit::Number,
    }
}
