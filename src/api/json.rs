//! Messages of the contract as JSON, in the canonical mapping: plans, scenarios and examples read like the API.

use prost::{Message, Name};
use prost_reflect::{DynamicMessage, MessageDescriptor};

use crate::api::{descriptors, v1};

/// Why a text is no message of the kind asked for: what is wrong, with line and column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonFault(String);

fn descriptor<T: Name>() -> Result<MessageDescriptor, JsonFault> {
    let name = T::full_name();
    let unknown = || JsonFault(format!("{name} is no message of the contract"));
    descriptors().get_message_by_name(&name).ok_or_else(unknown)
}

/// Reads a message. Unknown fields, unknown enum values and anything after it are refused.
pub fn from_json<T: Message + Name + Default>(json: &str) -> Result<T, JsonFault> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let fault = |error: serde_json::Error| JsonFault(error.to_string());
    let message = DynamicMessage::deserialize(descriptor::<T>()?, &mut reader).map_err(fault)?;
    reader.end().map_err(fault)?;
    message.transcode_to().map_err(|error| JsonFault(error.to_string()))
}

/// A message by its descriptor, for what goes through all its fields.
pub fn dynamic<T: Message + Name>(message: &T) -> Result<DynamicMessage, JsonFault> {
    let mut dynamic = DynamicMessage::new(descriptor::<T>()?);
    dynamic.transcode_from(message).map_err(|error| JsonFault(error.to_string()))?;
    Ok(dynamic)
}

/// Writes a message in lower-camel names, leaving out fields at their defaults.
pub fn to_json<T: Message + Name>(message: &T) -> Result<String, JsonFault> {
    serde_json::to_string_pretty(&dynamic(message)?).map_err(|error| JsonFault(error.to_string()))
}

/// Reads a plan: the `Plan` message.
pub fn plan_from_json(json: &str) -> Result<v1::Plan, JsonFault> {
    from_json(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_as_written() {
        let json = r#"{"planId": "p", "name": "P", "components": [{"component_id": "c", "name": "C",
            "window": "WINDOW_MONTH", "rates": {"measureId": "m", "mode": "MODE_MARGINAL",
            "tiers": [{"edgePercent": "0", "ratePercent": "5"}]}}]}"#;
        let plan = plan_from_json(json).unwrap();
        assert_eq!(plan.components[0].component_id, "c");
        let Some(v1::component::Payout::Rates(rates)) = &plan.components[0].payout else { panic!() };
        assert_eq!(rates.tiers[0].rate_percent, "5");
        assert_eq!(plan_from_json(&to_json(&plan).unwrap()), Ok(plan));
    }

    #[test]
    fn a_message_that_does_not_read_says_where() {
        for (json, expected) in [
            (
                "{\n  \"planId\": \"p\",\n  \"nane\": \"P\"\n}",
                "unrecognized field name 'nane' at line 3 column 8",
            ),
            ("{\"planId\": 7}", "invalid type: integer `7`, expected a string at line 1 column 12"),
            ("{} {}", "trailing characters at line 1 column 4"),
            ("{", "EOF while parsing an object at line 1 column 1"),
            (
                "{\"components\": [{\"window\": \"WINDOW_WEEK\"}]}",
                "unrecognized enum value 'WINDOW_WEEK' at line 1 column 40",
            ),
        ] {
            assert_eq!(plan_from_json(json).unwrap_err().to_string(), expected, "{json}");
        }
    }
}
