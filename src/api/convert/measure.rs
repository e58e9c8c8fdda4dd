//! Measures.

use super::{Check, MAX_FACTS, deal, listed, read, text, write};
use crate::api::v1;
use crate::app::{Page, Write};
use crate::domain::condition::{Formula, Root, TextFault};
use crate::domain::deal::EventKind;
use crate::domain::fault::Fault;
use crate::domain::measure::{Combine, CreditKind, Measure, MeasureValue, Selection, Source, Unit};
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

/// Reads a measure.
pub(super) fn measure(check: &mut Check, wire: &v1::Measure) -> Option<Measure> {
    let id = check.id("measure_id", &wire.measure_id);
    let name = check.required_text("name", &wire.name, 200);
    let source = match &wire.outside {
        None => selection(check, wire).map(Source::Credits),
        Some(outside) => combine(check, wire, outside).map(Source::Outside),
    };
    let step = check.quantity("step", &wire.step);
    if step == Some(Quantity(0)) {
        check.add("step", "must be above zero, got 0");
    }
    let measure = Measure { id: id?, name: name?, source: source?, step };
    if step.is_some() && measure.unit() == Unit::Money {
        check.add("step", "must be empty: the measure counts money, which is rounded to the minor unit");
    }
    Some(measure)
}

fn selection(check: &mut Check, wire: &v1::Measure) -> Option<Selection> {
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
        v1::measure::Value::Expression => Some(MeasureValue::Expression(Unit::Money)),
    });
    let condition = (!wire.condition.is_empty())
        .then(|| formula(check, "condition", Formula::condition(&wire.condition, &Root::ALL)));
    let (expression, value) = expression(check, wire, value);
    if matches!((&condition, &expression), (Some(None), _) | (_, Some(None))) {
        return None;
    }
    Some(Selection {
        event: event?,
        credit: credit?,
        levels: wire.levels,
        roles: roles?,
        value: value?,
        condition: condition.flatten(),
        expression: expression.flatten(),
    })
}

/// How an outside measure combines its values. It selects no credits.
fn combine(check: &mut Check, wire: &v1::Measure, outside: &v1::measure::Outside) -> Option<Combine> {
    for (field, given) in [
        ("event_type", wire.event_type != 0),
        ("credit", wire.credit != 0),
        ("levels", wire.levels != 0),
        ("roles", !wire.roles.is_empty()),
        ("value", wire.value != 0),
        ("condition", !wire.condition.is_empty()),
        ("expression", !wire.expression.is_empty()),
        ("expression_unit", wire.expression_unit != 0),
    ] {
        if given {
            check.add(field, "must be left out: an outside measure counts no credits");
        }
    }
    check.inner("outside", Some(outside), |check, wire| {
        check.choice("combine", wire.combine, |combine| match combine {
            v1::measure::outside::Combine::Unspecified => None,
            v1::measure::outside::Combine::Sum => Some(Combine::Sum),
            v1::measure::outside::Combine::Average => Some(Combine::Average),
            v1::measure::outside::Combine::Last => Some(Combine::Last),
        })
    })
}

/// A text that was read, or everything that is wrong in it under its field.
fn formula(check: &mut Check, field: &str, read: Result<Formula, Vec<TextFault>>) -> Option<Formula> {
    read.map_err(|faults| faults.iter().for_each(|fault| check.add(field, fault))).ok()
}

/// The expression, absent where the value is none and `Some(None)` where it is wrong, and the value in its unit.
fn expression(
    check: &mut Check,
    wire: &v1::Measure,
    value: Option<MeasureValue>,
) -> (Option<Option<Formula>>, Option<MeasureValue>) {
    if !matches!(value, Some(MeasureValue::Expression(_))) {
        if value.is_some() && !wire.expression.is_empty() {
            check.add("expression", "must be empty: the value is no expression");
        }
        if value.is_some() && wire.expression_unit != 0 {
            check.add("expression_unit", "must be left out: the value is no expression");
        }
        return (None, value);
    }
    let unit = check.choice("expression_unit", wire.expression_unit, |unit| match unit {
        v1::Unit::Unspecified => None,
        v1::Unit::Money => Some(Unit::Money),
        v1::Unit::Number => Some(Unit::Number),
    });
    if wire.expression.is_empty() {
        check.add("expression", "must not be empty");
        return (Some(None), unit.map(MeasureValue::Expression));
    }
    let read = Formula::expression(&wire.expression, &Root::OF_EVENT);
    (Some(formula(check, "expression", read)), unit.map(MeasureValue::Expression))
}

/// A measure as the contract says it.
pub fn wire(measure: &Measure, etag: i64) -> v1::Measure {
    let (measure_id, name, step) = (measure.id.to_string(), measure.name.clone(), text(measure.step));
    let wire = v1::Measure { measure_id, name, step, etag, ..Default::default() };
    match &measure.source {
        Source::Credits(selection) => selection_wire(wire, selection),
        Source::Outside(combine) => {
            let combine = match combine {
                Combine::Sum => v1::measure::outside::Combine::Sum,
                Combine::Average => v1::measure::outside::Combine::Average,
                Combine::Last => v1::measure::outside::Combine::Last,
            };
            let outside = Some(v1::measure::Outside { combine: combine.into() });
            v1::Measure { outside, ..wire }
        }
    }
}

fn selection_wire(wire: v1::Measure, selection: &Selection) -> v1::Measure {
    let credit = match selection.credit {
        CreditKind::Direct => v1::measure::Credit::Direct,
        CreditKind::RolledUp => v1::measure::Credit::RolledUp,
        CreditKind::Both => v1::measure::Credit::Both,
    };
    let value = match selection.value {
        MeasureValue::Amount => v1::measure::Value::Amount,
        MeasureValue::Margin => v1::measure::Value::Margin,
        MeasureValue::Quantity => v1::measure::Value::Quantity,
        MeasureValue::Count => v1::measure::Value::Count,
        MeasureValue::Expression(_) => v1::measure::Value::Expression,
    };
    let expression_unit = match selection.value {
        MeasureValue::Expression(unit) => unit_wire(unit).into(),
        _ => 0,
    };
    v1::Measure {
        condition: text(selection.condition.as_ref()),
        expression: text(selection.expression.as_ref()),
        expression_unit,
        event_type: deal::event_kind_wire(selection.event).into(),
        credit: credit.into(),
        levels: selection.levels,
        roles: selection.roles.iter().map(ToString::to_string).collect(),
        value: value.into(),
        ..wire
    }
}

/// What figures are in, as the contract says it.
pub fn unit_wire(unit: Unit) -> v1::Unit {
    match unit {
        Unit::Money => v1::Unit::Money,
        Unit::Number => v1::Unit::Number,
    }
}
