//! What one plan changes of another, field by field as the contract names them. It goes through the messages by their
//! descriptors: a field that the contract gets tomorrow is compared without a word here.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

use super::small;
use crate::api::json::{JsonFault, dynamic};
use crate::api::v1;
use crate::domain::fault::{Fault, Reason};

/// Most changes of an answer.
const MAX_CHANGES: usize = 1000;
/// The field whose items are told apart by an id, not by their place.
const COMPONENTS: &str = "components";

/// A plan to compare, and its version; 0: a draft.
pub type Side = (i32, v1::Plan);

/// Compares two plans; without the first everything is new.
pub fn diff(old: Option<&Side>, new: &Side) -> Result<v1::PlanDiff, Fault> {
    let plan = |plan: &v1::Plan| dynamic(plan).map(Value::Message).map_err(internal);
    let (from_version, old) = old.map_or((0, None), |(version, old)| (*version, Some(old)));
    let mut changes = Changes::default();
    let before = old.map(plan).transpose()?;
    changes.value("", before.as_ref(), Some(&plan(&new.1)?));
    let (before, after) = (old.map_or_else(Vec::new, ids), ids(&new.1));
    let among = |ids: &[String], others: &[String], there: bool| {
        ids.iter().filter(|id| others.contains(id) == there).cloned().collect()
    };
    Ok(v1::PlanDiff {
        from_version,
        to_version: new.0,
        changes: changes.kept,
        change_count: small(changes.count),
        added_component_ids: among(&after, &before, false),
        removed_component_ids: among(&before, &after, false),
        kept_component_ids: among(&after, &before, true),
    })
}

fn internal(fault: JsonFault) -> Fault {
    tracing::error!(error.cause = %fault, "a plan cannot be compared");
    Fault::new(Reason::Internal, "internal error; the cause is in the server's log")
}

/// The ids of a plan's components, each once.
fn ids(plan: &v1::Plan) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let ids = plan.components.iter().map(|component| component.component_id.clone());
    ids.filter(|id| !id.is_empty() && seen.insert(id.clone())).collect()
}

#[derive(Default)]
struct Changes {
    kept: Vec<v1::PlanChange>,
    count: usize,
}

impl Changes {
    /// Notes what differs in a value and all that is in it; absent where it is not there.
    fn value(&mut self, path: &str, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (Some(Value::Message(message)), _) | (None, Some(Value::Message(message))) => {
                let side = |value: Option<&Value>| value.and_then(Value::as_message).cloned();
                let (old, new) = (side(old), side(new));
                for field in message.descriptor().fields() {
                    self.field(path, &field, old.as_ref(), new.as_ref());
                }
            }
            (old, new) if old == new => {}
            (old, new) => {
                self.count += 1;
                if self.kept.len() < MAX_CHANGES {
                    let (old_text, new_text) = (text(old), text(new));
                    self.kept.push(v1::PlanChange { path: path.into(), old_text, new_text });
                }
            }
        }
    }

    fn field(
        &mut self,
        path: &str,
        field: &FieldDescriptor,
        old: Option<&DynamicMessage>,
        new: Option<&DynamicMessage>,
    ) {
        let side = |message: Option<&DynamicMessage>| {
            let message = message.filter(|message| message.has_field(field))?;
            Some(named(field, message.get_field(field).into_owned()))
        };
        let (old, new) = (side(old), side(new));
        let path = if path.is_empty() { field.name().into() } else { format!("{path}.{}", field.name()) };
        let list = |value: &Option<Value>| match value {
            Some(Value::List(items)) => items.clone(),
            _ => Vec::new(),
        };
        if !field.is_list() {
            return self.value(&path, old.as_ref(), new.as_ref());
        }
        let (old, new) = (keyed(field, list(&old)), keyed(field, list(&new)));
        let find = |items: &[(String, Value)], key: &String| {
            items.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
        };
        for (key, item) in &new {
            self.value(&format!("{path}[{key}]"), find(&old, key).as_ref(), Some(item));
        }
        for (key, item) in old.iter().filter(|(key, _)| find(&new, key).is_none()) {
            self.value(&format!("{path}[{key}]"), Some(item), None);
        }
    }
}

/// Items by what stands for them in a path: a component's id, else the place.
fn keyed(field: &FieldDescriptor, items: Vec<Value>) -> Vec<(String, Value)> {
    let mut seen = BTreeSet::new();
    let mut key = |place: usize, item: &Value| {
        let id = (field.name() == COMPONENTS).then(|| item.as_message()?.get_field_by_name("component_id"));
        let id = id.flatten().and_then(|id| id.as_str().map(str::to_string));
        id.filter(|id| !id.is_empty() && seen.insert(id.clone())).unwrap_or_else(|| place.to_string())
    };
    items.into_iter().enumerate().map(|(place, item)| (key(place, &item), item)).collect()
}

/// A value whose text says what it is: an enum's name for its number.
fn named(field: &FieldDescriptor, value: Value) -> Value {
    match (&value, field.kind()) {
        (Value::EnumNumber(number), Kind::Enum(kind)) => match kind.get_value(*number) {
            Some(known) => Value::String(known.name().into()),
            None => Value::String(number.to_string()),
        },
        _ => value,
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::U32(number)) => number.to_string(),
        Some(Value::I32(number)) => number.to_string(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json::plan_from_json;

    fn changes(old: &str, new: &str) -> v1::PlanDiff {
        let (old, new) = (plan_from_json(old).unwrap(), plan_from_json(new).unwrap());
        diff(Some(&(1, old)), &(2, new)).unwrap()
    }

    #[test]
    fn fields_differ_by_path_and_components_by_id() {
        let old = r#"{"planId": "p", "name": "P", "components": [
            {"componentId": "a", "name": "A", "window": "WINDOW_MONTH", "rates": {"measureId": "m", "mode": "MODE_MARGINAL",
             "tiers": [{"edgePercent": "0", "ratePercent": "5"}, {"edgePercent": "100", "ratePercent": "8"}]}},
            {"componentId": "gone", "name": "G"}]}"#;
        let new = r#"{"planId": "p", "name": "P", "components": [
            {"componentId": "new", "lineKept": true},
            {"componentId": "a", "name": "A", "window": "WINDOW_QUARTER", "clawback": {"termDays": 90}, "rates": {
             "measureId": "m", "mode": "MODE_MARGINAL", "tiers": [{"edgePercent": "0", "ratePercent": "6"}]}}]}"#;
        let diff = changes(old, new);
        let told: Vec<_> = diff
            .changes
            .iter()
            .map(|change| format!("{}: {:?} to {:?}", change.path, change.old_text, change.new_text))
            .collect();
        assert_eq!(
            told,
            [
                r#"components[new].component_id: "" to "new""#,
                r#"components[new].line_kept: "" to "true""#,
                r#"components[a].window: "WINDOW_MONTH" to "WINDOW_QUARTER""#,
                r#"components[a].rates.tiers[0].rate_percent: "5" to "6""#,
                r#"components[a].rates.tiers[1].edge_percent: "100" to """#,
                r#"components[a].rates.tiers[1].rate_percent: "8" to """#,
                r#"components[a].clawback.term_days: "" to "90""#,
                r#"components[gone].component_id: "gone" to """#,
                r#"components[gone].name: "G" to """#,
            ]
        );
        assert_eq!((diff.from_version, diff.to_version, diff.change_count), (1, 2, 9));
        assert_eq!(diff.added_component_ids, ["new"]);
        assert_eq!(diff.removed_component_ids, ["gone"]);
        assert_eq!(diff.kept_component_ids, ["a"]);
        assert_eq!(changes(old, old).change_count, 0);
    }

    #[test]
    fn components_without_an_id_of_their_own_stand_under_their_place() {
        let old = r#"{"components": [{"componentId": "a"}]}"#;
        let new =
            r#"{"components": [{"componentId": "a"}, {"name": "B"}, {"componentId": "a", "name": "C"}]}"#;
        let diff = changes(old, new);
        let paths: Vec<_> = diff.changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["components[1].name", "components[2].component_id", "components[2].name"]);
        assert_eq!((diff.added_component_ids.len(), diff.kept_component_ids), (0, vec!["a".to_string()]));
    }

    #[test]
    fn changes_beyond_a_thousand_are_counted() {
        let tiers = vec![r#"{"edgePercent": "1", "ratePercent": "1"}"#; 600].join(",");
        let new = format!(r#"{{"components": [{{"componentId": "a", "rates": {{"tiers": [{tiers}]}}}}]}}"#);
        let diff = changes("{}", &new);
        assert_eq!((diff.changes.len(), diff.change_count), (1000, 1201));
    }
}
