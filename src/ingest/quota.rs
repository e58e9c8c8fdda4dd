//! Quotas: what a mapping says of them, and a row as the quotas of a payee for one window or several.

use std::collections::BTreeSet;

use super::mapping::{Fields, Known, document_fields};
use super::row::Row;
use super::section::Section;
use super::source::{Form, Source, decimal, label};
use crate::domain::fault::Violations;
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::number::{NumberFault, Quantity};

/// A quota as a file states it. Its window and goal are read with the tenant's calendar, so they are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaRow {
    /// Whose goal.
    pub payee: PayeeId,
    /// What is counted towards it.
    pub measure: MeasureId,
    /// Over which span: `2026-03`, `FY2026-Q1`, `FY2026`; not checked here.
    pub window: String,
    /// The goal.
    pub goal: QuotaGoal,
}

/// A goal in the unit of its measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaGoal {
    /// Plain decimal text of at most three decimals, not below zero, in the tenant's currency.
    Amount(String),
    /// Plain decimal text of at most six decimals, not below zero.
    Units(String),
}

const FIELDS: [Known; 4] = [
    ("payee_id", Form::Id, true),
    ("measure_id", Form::Id, true),
    ("amount", Form::Money, false),
    ("units", Form::Quantity, false),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuotaMapping {
    fields: Fields,
    windows: Windows,
}

/// The windows of a quota row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Windows {
    Constant(Vec<String>),
    Source(Source),
}

impl QuotaMapping {
    /// Every source, in one order.
    pub(super) fn sources(&self) -> Vec<&Source> {
        match &self.windows {
            Windows::Constant(_) => self.fields.values().collect(),
            Windows::Source(window) => self.fields.values().chain([window]).collect(),
        }
    }
}

/// The sources of a quota's fields, and its windows: listed for all rows or read from each.
pub(super) fn mapping(document: &mut Section, faults: &mut Violations) -> QuotaMapping {
    let constant = document.texts("windows", faults);
    let (fields, section) = document_fields(document, &FIELDS, faults);
    let (mut source, section_read) = (None, section.is_some());
    if let Some(mut section) = section {
        let window = section.section("window", faults);
        source = window.and_then(|window| Source::parse(window, Form::Label, true, faults));
        section.finish(faults);
    }
    if section_read && !fields.contains_key("amount") && !fields.contains_key("units") {
        faults.add("fields.amount", "must be given, or fields.units");
    }
    let windows = match (constant, source) {
        (Some(windows), None) => {
            let distinct: BTreeSet<_> = windows.iter().collect();
            if distinct.len() < windows.len() {
                faults.add("windows", format!("must name each window once, got {}", windows.join(", ")));
            }
            if windows.iter().any(|window| window.trim() != window || window.is_empty()) {
                faults.add("windows", format!("must be texts without space around them, got {windows:?}"));
            }
            Windows::Constant(windows)
        }
        (None, Some(source)) => Windows::Source(source),
        (Some(_), Some(_)) | (None, None) => {
            faults.add("windows", "must be given either here, as a list, or as fields.window");
            Windows::Constant(Vec::new())
        }
    };
    QuotaMapping { fields, windows }
}

/// A row as quotas, one for each window.
pub(super) fn read(mapping: &QuotaMapping, mut row: Row<'_>) -> Result<Vec<QuotaRow>, Vec<String>> {
    let fields = &mapping.fields;
    let payee = row.field(fields, "payee_id", PayeeId::try_new);
    let measure = row.field(fields, "measure_id", MeasureId::try_new);
    let not_negative = |text: &str, value: Result<i128, NumberFault>| match value {
        Ok(value) if value < 0 => Err(format!("must not be below zero, got {text:?}")),
        Ok(_) => Ok(text.to_string()),
        Err(fault) => Err(fault.to_string()),
    };
    let amount = row.field(fields, "amount", |text| not_negative(text, decimal(text)));
    let units = |text: &str| not_negative(text, Quantity::parse(text).map(|units| units.0.into()));
    let units = row.field(fields, "units", units);
    let sources: Vec<_> = ["amount", "units"].into_iter().filter_map(|name| fields.get(name)).collect();
    if sources.len() == 1 {
        row.require(fields, "amount", "");
        row.require(fields, "units", "");
    } else if !row.has_part(sources) {
        row.reject("amount and units must not both be empty");
    }
    let goal = match (amount, units) {
        (Some(amount), None) => Some(QuotaGoal::Amount(amount)),
        (None, Some(units)) => Some(QuotaGoal::Units(units)),
        (Some(_), Some(_)) => {
            row.reject("amount and units must not both be given: a measure counts money or a number");
            None
        }
        (None, None) => None,
    };
    let windows = match &mapping.windows {
        Windows::Constant(windows) => Some(windows.clone()),
        Windows::Source(source) => row.take(source, label).map(|window| vec![window]),
    };
    let quotas = payee.zip(measure).zip(goal.zip(windows)).map(|((payee, measure), (goal, windows))| {
        let quota =
            |window| QuotaRow { payee: payee.clone(), measure: measure.clone(), window, goal: goal.clone() };
        windows.into_iter().map(quota).collect()
    });
    row.finish(quotas, |_, _| ())
}
