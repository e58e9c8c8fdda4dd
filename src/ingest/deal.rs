//! Deals: what a mapping says of them, and a row as a deal with its events, splits and attributes.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::mapping::{Fields, Known, document_fields, fields};
use super::row::Row;
use super::section::{Section, shown};
use super::source::{Form, Source, event_kind, label, outcome};
use crate::domain::date::Day;
use crate::domain::deal::{Deal, DealEvent, MAX_ATTRIBUTES, MAX_PARTS, Outcome, Split};
use crate::domain::fault::Violations;
use crate::domain::id::{CustomerId, DealId, EventId, PayeeId, ProductId, RoleId};
use crate::domain::money::Currency;
use crate::domain::number::{Percent, Quantity};
use crate::domain::version::SourceVersion;

const FIELDS: [Known; 16] = [
    ("id", Form::Id, true),
    ("name", Form::Text, false),
    ("owner_id", Form::Id, true),
    ("customer_id", Form::Id, false),
    ("customer_name", Form::Text, false),
    ("product_id", Form::Id, false),
    ("currency", Form::Currency, true),
    ("amount", Form::Money, false),
    ("cost", Form::Money, false),
    ("quantity", Form::Quantity, false),
    ("stage", Form::Label, false),
    ("outcome", Form::Outcome, false),
    ("probability", Form::Percent, false),
    ("open_date", Form::Day, false),
    ("close_date", Form::Day, false),
    ("source_version", Form::Version, false),
];
const EVENT: [Known; 5] = [
    ("id", Form::Id, true),
    ("type", Form::EventKind, true),
    ("date", Form::Day, true),
    ("amount", Form::Money, false),
    ("source_version", Form::Version, false),
];
const SPLIT: [Known; 3] =
    [("payee_id", Form::Id, true), ("role", Form::Id, true), ("percent", Form::Percent, true)];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DealMapping {
    fields: Fields,
    /// Outcome by stage; absent where a field says the outcome.
    outcomes: Option<BTreeMap<String, Outcome>>,
    events: Vec<EventMapping>,
    splits: Vec<Fields>,
    attributes: BTreeMap<String, Source>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EventMapping {
    when: Option<When>,
    fields: Fields,
}

/// The rows that have an event: those whose cell holds one of these texts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct When {
    source: Source,
    equals: Vec<String>,
}

/// The sources of a deal's fields and parts.
pub(super) fn mapping(document: &mut Section, faults: &mut Violations) -> DealMapping {
    let (fields, section) = document_fields(document, &FIELDS, faults);
    if let Some(section) = section {
        section.finish(faults);
    }
    let outcomes = document.section("outcome", faults);
    let outcomes = outcome_mapping(outcomes, &fields, faults);
    let events = document.sections("events", faults);
    let events: Vec<_> = events.into_iter().map(|event| event_mapping(event, faults)).collect();
    let splits = document.sections("splits", faults);
    let splits: Vec<_> = splits.into_iter().map(|split| split_mapping(split, faults)).collect();
    for (key, count) in [("events", events.len()), ("splits", splits.len())] {
        if count > MAX_PARTS {
            faults.add(key, format!("must be at most {MAX_PARTS}, got {count}"));
        }
    }
    let attributes = document.section("attributes", faults);
    let attributes = attributes.map_or_else(Vec::new, |section| section.into_sections(faults));
    if attributes.len() > MAX_ATTRIBUTES {
        faults.add("attributes", format!("must be at most {MAX_ATTRIBUTES}, got {}", attributes.len()));
    }
    let source = |(name, section)| Some((name, Source::parse(section, Form::Text, false, faults)?));
    let attributes = attributes.into_iter().filter_map(source).collect();
    let mapping = DealMapping { fields, outcomes, events, splits, attributes };
    mapping.check_stages(faults);
    mapping
}

fn outcome_mapping(
    section: Option<Section>,
    fields: &Fields,
    faults: &mut Violations,
) -> Option<BTreeMap<String, Outcome>> {
    let given = section.is_some();
    if given == fields.contains_key("outcome") {
        faults.add("outcome", "must be given either here, for every stage, or as fields.outcome");
    }
    if given && !fields.contains_key("stage") {
        faults.add("fields.stage", "must be given: [outcome] goes by the stage");
    }
    let entries = section?.into_texts(faults);
    let entry = |(stage, text): (String, String)| {
        let outcome = faults.take(&format!("outcome.{stage:?}"), outcome(&text))?;
        Some((stage, outcome))
    };
    Some(entries.into_iter().filter_map(entry).collect())
}

fn event_mapping(mut section: Section, faults: &mut Violations) -> EventMapping {
    let when = section.section("when", faults).and_then(|mut when| {
        let column = when.text("column", faults);
        let equals = when.texts("equals", faults);
        if column.is_none() || equals.is_none() {
            faults.add(when.name(), "must have column and equals");
        }
        if let Some(padded) = equals.iter().flatten().find(|text| text.trim() != text.as_str()) {
            faults
                .add(when.path("equals"), format!("must be texts without space around them, got {padded:?}"));
        }
        let source = Source::plain(when.name(), column?);
        when.finish(faults);
        Some(When { source, equals: equals? })
    });
    let fields = fields(&mut section, &EVENT, faults);
    section.finish(faults);
    EventMapping { when, fields }
}

fn split_mapping(mut section: Section, faults: &mut Violations) -> Fields {
    let fields = fields(&mut section, &SPLIT, faults);
    section.finish(faults);
    fields
}

impl DealMapping {
    /// Every source, in one order: the fields, then events, splits and attributes.
    pub(super) fn sources(&self) -> Vec<&Source> {
        let events = self
            .events
            .iter()
            .flat_map(|event| event.when.iter().map(|when| &when.source).chain(event.fields.values()));
        let splits = self.splits.iter().flat_map(BTreeMap::values);
        self.fields.values().chain(events).chain(splits).chain(self.attributes.values()).collect()
    }

    /// An event on a stage that does not exist would never happen, and nobody would be told.
    fn check_stages(&self, faults: &mut Violations) {
        let (Some(stage), Some(outcomes)) = (self.fields.get("stage"), &self.outcomes) else { return };
        for (place, event) in self.events.iter().enumerate() {
            let Some(when) = &event.when else { continue };
            if when.source.column_name() != stage.column_name() {
                continue;
            }
            for value in &when.equals {
                if !outcomes.contains_key(stage.renamed(value)) {
                    faults.add(
                        format!("events[{place}].when.equals"),
                        format!("must be stages that [outcome] names, got {value:?}"),
                    );
                }
            }
        }
    }
}

/// A row as a deal.
pub(super) fn read(mapping: &DealMapping, mut row: Row<'_>) -> Result<Deal, Vec<String>> {
    let fields = &mapping.fields;
    let id = row.field(fields, "id", DealId::try_new);
    let owner = row.field(fields, "owner_id", PayeeId::try_new);
    let currency = row.field(fields, "currency", Currency::parse);
    let name = row.words(fields, "name");
    let customer = row.field(fields, "customer_id", CustomerId::try_new);
    let customer_name = row.words(fields, "customer_name");
    let product = row.field(fields, "product_id", ProductId::try_new);
    let amount = row.money(fields, "amount", currency);
    let cost = row.money(fields, "cost", currency);
    let quantity = row.field(fields, "quantity", Quantity::parse);
    let stage = row.field(fields, "stage", label);
    let outcome = read_outcome(mapping, &mut row);
    let probability = row.field(fields, "probability", Percent::parse);
    let opened = row.field(fields, "open_date", Day::parse);
    let closed = row.field(fields, "close_date", Day::parse);
    let source_version = row.field(fields, "source_version", SourceVersion::parse);
    let mut attributes = BTreeMap::new();
    for (name, source) in &mapping.attributes {
        let value = row.take(source, |text| Ok::<_, Infallible>(text.to_string()));
        attributes.extend(value.map(|value| (name.clone(), value)));
    }
    let events = mapping.events.iter().filter_map(|event| read_event(event, currency, &mut row)).collect();
    let splits = mapping.splits.iter().filter_map(|split| read_split(split, &mut row)).collect();
    let deal = id.zip(owner).zip(currency.zip(outcome)).map(|((id, owner), (currency, outcome))| Deal {
        id,
        name,
        owner,
        customer,
        customer_name,
        product,
        currency,
        amount,
        cost,
        quantity,
        stage,
        outcome,
        probability,
        opened,
        closed,
        attributes,
        splits,
        events,
        source_version,
    });
    row.finish(deal, |deal, violations| deal.check("deal", violations))
}

/// The outcome that the mapping names for the stage, or that a field says. Never guessed.
fn read_outcome(mapping: &DealMapping, row: &mut Row<'_>) -> Option<Outcome> {
    let Some(outcomes) = &mapping.outcomes else {
        row.require(&mapping.fields, "outcome", "");
        return row.field(&mapping.fields, "outcome", outcome);
    };
    row.require(&mapping.fields, "stage", ": it decides the outcome");
    row.field(&mapping.fields, "stage", |stage| {
        let known = outcomes.get(stage).copied();
        known.ok_or_else(|| format!("must be a stage that [outcome] names, got {:?}", shown(stage)))
    })
}

fn read_event(event: &EventMapping, currency: Option<Currency>, row: &mut Row<'_>) -> Option<DealEvent> {
    let happened = match &event.when {
        Some(when) => when.equals.iter().any(|text| text == row.text(&when.source)),
        None => row.has_part(event.fields.values()),
    };
    if !happened {
        return None;
    }
    let id = row.field(&event.fields, "id", EventId::try_new);
    let kind = row.field(&event.fields, "type", event_kind);
    let day = row.field(&event.fields, "date", Day::parse);
    let amount = row.money(&event.fields, "amount", currency);
    if let Some(kind) = kind.filter(|kind| !kind.is_reversal()) {
        row.require(&event.fields, "amount", &format!(" for {}", kind.name()));
    }
    let source_version = row.field(&event.fields, "source_version", SourceVersion::parse);
    let ((id, kind), day) = id.zip(kind).zip(day)?;
    let reverses = Vec::new();
    Some(DealEvent { id, kind, day, amount, cost: None, quantity: None, reverses, source_version })
}

/// A split whose columns are all empty is absent; one that is half filled is wrong.
fn read_split(split: &Fields, row: &mut Row<'_>) -> Option<Split> {
    if !row.has_part(split.values()) {
        return None;
    }
    let payee = row.field(split, "payee_id", PayeeId::try_new);
    let role = row.field(split, "role", RoleId::try_new);
    let percent = row.field(split, "percent", Percent::parse);
    let ((payee, role), percent) = payee.zip(role).zip(percent)?;
    Some(Split { payee, role, percent })
}
