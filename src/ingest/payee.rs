//! Payees: what a mapping says of them, and a row as a payee with at most one assignment.

use super::mapping::{Fields, Known, document_fields};
use super::row::Row;
use super::section::Section;
use super::source::{Form, label, payee_kind};
use crate::domain::date::Day;
use crate::domain::fault::Violations;
use crate::domain::id::{PayeeId, PlanId, TerritoryId};
use crate::domain::money::Currency;
use crate::domain::payee::{Assignment, Payee};
use crate::domain::version::SourceVersion;

const FIELDS: [Known; 13] = [
    ("id", Form::Id, true),
    ("kind", Form::PayeeKind, true),
    ("name", Form::Text, false),
    ("email", Form::Text, false),
    ("start_date", Form::Day, false),
    ("end_date", Form::Day, false),
    ("title", Form::Label, false),
    ("manager_id", Form::Id, false),
    ("territory_id", Form::Id, false),
    ("plan_id", Form::Id, false),
    ("target_incentive", Form::Money, false),
    ("currency", Form::Currency, false),
    ("source_version", Form::Version, false),
];
/// The fields of a payee that belong to its assignment.
const ASSIGNMENT: [&str; 8] = [
    "start_date",
    "end_date",
    "title",
    "manager_id",
    "territory_id",
    "plan_id",
    "target_incentive",
    "currency",
];

/// The sources of a payee's fields; those of an assignment come with its first day and currency.
pub(super) fn mapping(document: &mut Section, faults: &mut Violations) -> Fields {
    let (fields, section) = document_fields(document, &FIELDS, faults);
    if let Some(section) = section {
        section.finish(faults);
    }
    let assigned: Vec<_> = ASSIGNMENT.into_iter().filter(|name| fields.contains_key(name)).collect();
    for needed in ["start_date", "currency"] {
        if !assigned.is_empty() && !fields.contains_key(needed) {
            faults.add(
                format!("fields.{needed}"),
                format!("must be given with the other fields of an assignment: {}", assigned.join(", ")),
            );
        }
    }
    fields
}

/// A row as a payee.
pub(super) fn read(fields: &Fields, mut row: Row<'_>) -> Result<Payee, Vec<String>> {
    let id = row.field(fields, "id", PayeeId::try_new);
    let kind = row.field(fields, "kind", payee_kind);
    let name = row.words(fields, "name");
    let email = row.words(fields, "email");
    let assignments = assignment(fields, &mut row).into_iter().collect();
    let source_version = row.field(fields, "source_version", SourceVersion::parse);
    let payee = id.zip(kind).map(|(id, kind)| Payee { id, kind, name, email, assignments, source_version });
    row.finish(payee, |payee, violations| payee.check("payee", violations))
}

/// The assignment, if the row has any part of one; then it needs a first day and a currency.
fn assignment(fields: &Fields, row: &mut Row<'_>) -> Option<Assignment> {
    let dated = fields.get("start_date").is_some_and(|source| !row.text(source).is_empty());
    if !dated && !row.has_part(ASSIGNMENT.iter().filter_map(|name| fields.get(name))) {
        return None;
    }
    for name in ["start_date", "currency"] {
        row.require(fields, name, " in a row that has an assignment");
    }
    let from = row.field(fields, "start_date", Day::parse);
    let to = row.field(fields, "end_date", Day::parse);
    let title = row.field(fields, "title", label);
    let manager = row.field(fields, "manager_id", PayeeId::try_new);
    let territory = row.field(fields, "territory_id", TerritoryId::try_new);
    let plan = row.field(fields, "plan_id", PlanId::try_new);
    let currency = row.field(fields, "currency", Currency::parse);
    let target_incentive = row.money(fields, "target_incentive", currency);
    let (from, currency) = from.zip(currency)?;
    Some(Assignment { from, to, title, manager, territory, plan, target_incentive, currency })
}
