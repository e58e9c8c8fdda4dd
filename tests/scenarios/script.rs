//! Reads scenario files. Facts are written as in the API; each group becomes the request that would tell it. A step is
//! one of:
//!
//! - `{"facts": {"calendar", "measures", "plans", "payees", "exchangeRates", "quotas", "values", "territories",
//!   "creditingRules", "deals"}, "name"}`: what is told, later tellings over earlier ones; named, if it is sent again
//!   later;
//! - `{"replay": "name", "why"}`: the requests of that step are sent again, each with its id and body. Each answers its
//!   first answer and nothing is told by it;
//! - `{"erase": "rep", "why", "erased"}`: name and address of a payee are erased, in so many rows; left out, in none. No
//!   figure moves;
//! - `{"verify": "sound", "why", "erased"}`: the journal is verified as sound and counts so many rows erased; left out,
//!   none;
//! - `{"close": "2026-01", "why", "posts"}`: a period is closed; what the close posts as earned, all of it;
//! - `{"read": "2026-01", "why", "statements", "attainments"}`: what is read for a period, before it is closed: of each
//!   payee's statement `earned`, `adjusted`, `total` and `problems`, and attainments by measure and window. `adjusted`
//!   left out is zero, `credited` empty and `quota` and `attainmentPercent` left out are absent. With `onDate` only what
//!   is dated up to it counts; with `pace` what has passed, was expected and is left is compared too, what is left out of
//!   it being absent.

use std::path::Path;

use attain::api::json::from_json;
use attain::api::v1;
use serde::Deserialize;
use serde_json::{Value, json};

/// A rule of pay, its facts and its figures.
pub struct Scenario {
    pub file: String,
    pub title: String,
    pub steps: Vec<Step>,
}

/// One step of a scenario.
pub enum Step {
    Tell(Box<Told>),
    Replay { name: String, why: String },
    Erase { payee_id: String, why: String, erased: i64 },
    Verify { why: String, erased: i64 },
    Close { period: String, why: String, posts: Vec<Post> },
    Read { period: String, why: String, statements: Vec<Statement>, attainments: Vec<Attainment> },
}

/// The requests that tell a step's facts, in the order they are sent.
#[derive(Clone, Default)]
pub struct Told {
    /// What the step is called, if it is sent again.
    pub name: Option<String>,
    pub calendars: Vec<v1::SetCalendarRequest>,
    pub measures: Vec<v1::DefineMeasuresRequest>,
    pub plans: Vec<v1::PublishPlanRequest>,
    pub payees: Vec<v1::UpsertPayeesRequest>,
    pub rates: Vec<v1::SetExchangeRatesRequest>,
    pub quotas: Vec<v1::SetQuotasRequest>,
    pub values: Vec<v1::RecordValuesRequest>,
    pub territories: Vec<v1::UpsertTerritoriesRequest>,
    pub crediting_rules: Vec<v1::SetCreditingRulesRequest>,
    pub deals: Vec<v1::UpsertDealsRequest>,
}

/// What a close posts as earned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Post {
    pub payee_id: String,
    pub plan_id: String,
    pub component_id: String,
    pub window: String,
    pub for_period: String,
    pub amount: String,
}

/// What a payee's statement for the step's period says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    pub payee_id: String,
    pub earned: String,
    #[serde(default)]
    pub adjusted: String,
    pub total: String,
    /// The questions that are open, each whole.
    #[serde(default)]
    pub problems: Vec<String>,
}

impl Statement {
    /// With what was left out as it is shown.
    pub fn or_zero(mut self, zero: &str) -> Self {
        if self.adjusted.is_empty() {
            self.adjusted = zero.to_string();
        }
        self
    }
}

/// How far a payee is in a window at the end of the step's period.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attainment {
    pub payee_id: String,
    pub measure_id: String,
    pub window: String,
    pub credited: String,
    pub quota: Option<String>,
    pub attainment_percent: Option<String>,
    /// The last day counted; left out: the period's last.
    pub on_date: Option<String>,
    /// How fast the payee goes; left out: not looked at.
    pub pace: Option<Pace>,
}

/// What has passed of a window, what was to be expected, where it leads and what is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pace {
    pub elapsed_percent: Option<String>,
    pub expected: Option<String>,
    pub pace_percent: Option<String>,
    pub forecast_by_pace: Option<String>,
    pub days_left: i64,
    pub needed_per_week: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    steps: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Tell {
        facts: Facts,
        name: Option<String>,
    },
    Replay {
        replay: String,
        why: String,
    },
    Erase {
        erase: String,
        why: String,
        #[serde(default)]
        erased: i64,
    },
    Verify {
        verify: Verified,
        why: String,
        #[serde(default)]
        erased: i64,
    },
    Close {
        close: String,
        why: String,
        posts: Vec<Post>,
    },
    Read {
        read: String,
        why: String,
        #[serde(default)]
        statements: Vec<Statement>,
        #[serde(default)]
        attainments: Vec<Attainment>,
    },
}

/// What a verification finds.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verified {
    Sound,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Facts {
    calendar: Option<Value>,
    #[serde(default)]
    measures: Vec<Value>,
    #[serde(default)]
    plans: Vec<Value>,
    #[serde(default)]
    payees: Vec<Value>,
    #[serde(default)]
    exchange_rates: Vec<Value>,
    #[serde(default)]
    quotas: Vec<Value>,
    #[serde(default)]
    values: Vec<Value>,
    #[serde(default)]
    territories: Vec<Value>,
    /// The whole list.
    #[serde(rename = "creditingRules")]
    crediting_rules: Option<Vec<Value>>,
    #[serde(default)]
    deals: Vec<Value>,
}

/// All scenarios by file name.
pub fn all() -> Vec<Scenario> {
    folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios"))
}

/// The scenarios of a folder by file name.
pub fn folder(folder: &Path) -> Vec<Scenario> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Scenario {
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(file).unwrap();
    let read: File = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut number = 0;
    let mut steps = Vec::new();
    for raw in read.steps {
        steps.push(match raw {
            Raw::Tell { facts, name: step } => {
                Step::Tell(Box::new(Told { name: step, ..tell(&name, facts, &mut number) }))
            }
            Raw::Replay { replay, why } => Step::Replay { name: replay, why },
            Raw::Erase { erase, why, erased } => Step::Erase { payee_id: erase, why, erased },
            Raw::Verify { verify: Verified::Sound, why, erased } => Step::Verify { why, erased },
            Raw::Close { close, why, mut posts } => {
                posts.sort();
                Step::Close { period: close, why, posts }
            }
            Raw::Read { read, why, statements, attainments } => {
                Step::Read { period: read, why, statements, attainments }
            }
        });
    }
    Scenario { file: name, title: read.title, steps }
}

fn tell(name: &str, facts: Facts, number: &mut u32) -> Told {
    let mut stamp = |mut body: Value| {
        *number += 1;
        body["requestId"] = json!(format!("{name}-{number}"));
        body["reason"] = json!("scenario");
        body.to_string()
    };
    let mut told = Told::default();
    if let Some(calendar) = facts.calendar {
        told.calendars.push(request(name, &stamp(json!({ "calendar": calendar }))));
    }
    if !facts.measures.is_empty() {
        told.measures.push(request(name, &stamp(json!({ "measures": facts.measures }))));
    }
    for plan in facts.plans {
        told.plans.push(request(name, &stamp(plan)));
    }
    if !facts.payees.is_empty() {
        told.payees.push(request(name, &stamp(json!({ "payees": facts.payees }))));
    }
    if !facts.exchange_rates.is_empty() {
        told.rates.push(request(name, &stamp(json!({ "exchangeRates": facts.exchange_rates }))));
    }
    if !facts.quotas.is_empty() {
        told.quotas.push(request(name, &stamp(json!({ "quotas": facts.quotas }))));
    }
    if !facts.values.is_empty() {
        told.values.push(request(name, &stamp(json!({ "values": facts.values }))));
    }
    if !facts.territories.is_empty() {
        told.territories.push(request(name, &stamp(json!({ "territories": facts.territories }))));
    }
    if let Some(rules) = facts.crediting_rules {
        told.crediting_rules.push(request(name, &stamp(json!({ "rules": rules }))));
    }
    if !facts.deals.is_empty() {
        told.deals.push(request(name, &stamp(json!({ "deals": facts.deals }))));
    }
    told
}

fn request<T: prost::Message + prost::Name + Default>(scenario: &str, json: &str) -> T {
    from_json(json).unwrap_or_else(|error| panic!("{scenario}: {error}"))
}
