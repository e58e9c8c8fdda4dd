//! Mapping files: which column of a CSV file is which field of a record (docs/import.md).
//!
//! A mapping is checked whole before a file is opened; everything wrong with it is named at once, by key.

use std::collections::{BTreeMap, BTreeSet};

use super::deal::DealMapping;
use super::quota::QuotaMapping;
use super::section::{Section, shown};
use super::source::{Form, Source};
use super::{deal, payee, quota};
use crate::domain::fault::Violations;

/// Fields by name, each with its source.
pub(super) type Fields = BTreeMap<&'static str, Source>;

/// A field's name, what it must be, and whether the record cannot do without it.
pub(super) type Known = (&'static str, Form, bool);

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Payees, each with at most one assignment.
    Payees,
    /// Quotas.
    Quotas,
    /// Deals with their events and splits.
    Deals,
}

/// How to read the rows of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) delimiter: u8,
    pub(super) rows: Rows,
    /// Every source that reads a column, in one order: what two rows are compared by.
    pub(super) sources: Vec<Source>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    Payees(Fields),
    Quotas(QuotaMapping),
    Deals(DealMapping),
}

impl Mapping {
    /// Reads a mapping file, or names everything that is wrong with it.
    pub fn parse(toml: &str) -> Result<Mapping, Violations> {
        let mut faults = Violations::default();
        let mapping = Section::document(toml, &mut faults).and_then(|document| read(document, &mut faults));
        match mapping {
            Some(mapping) if faults.is_empty() => Ok(mapping),
            Some(_) | None => Err(distinct(faults)),
        }
    }

    /// What the rows are.
    pub fn kind(&self) -> Kind {
        match self.rows {
            Rows::Payees(_) => Kind::Payees,
            Rows::Quotas(_) => Kind::Quotas,
            Rows::Deals(_) => Kind::Deals,
        }
    }
}

fn read(mut document: Section, faults: &mut Violations) -> Option<Mapping> {
    let kind = document.text("kind", faults);
    let delimiter = match document.section("csv", faults) {
        Some(csv) => read_csv(csv, faults),
        None => b',',
    };
    let rows = match kind.as_deref() {
        Some("payees") => Rows::Payees(payee::mapping(&mut document, faults)),
        Some("quotas") => Rows::Quotas(quota::mapping(&mut document, faults)),
        Some("deals") => Rows::Deals(deal::mapping(&mut document, faults)),
        other => {
            let got = other.map_or("nothing".to_string(), |kind| format!("{:?}", shown(kind)));
            faults.add("kind", format!("must be \"payees\", \"quotas\" or \"deals\", got {got}"));
            return None;
        }
    };
    document.finish(faults);
    let sources: Vec<&Source> = match &rows {
        Rows::Payees(fields) => fields.values().collect(),
        Rows::Quotas(mapping) => mapping.sources(),
        Rows::Deals(mapping) => mapping.sources(),
    };
    let sources = sources.into_iter().filter(|source| source.column_name().is_some()).cloned().collect();
    Some(Mapping { delimiter, rows, sources })
}

/// One fault for each key: what follows from the first is no news.
fn distinct(faults: Violations) -> Violations {
    let mut keys = BTreeSet::new();
    let mut distinct = Violations::default();
    for fault in faults.into_vec() {
        if keys.insert(fault.field.clone()) {
            distinct.add(fault.field, fault.message);
        }
    }
    distinct
}

fn read_csv(mut csv: Section, faults: &mut Violations) -> u8 {
    let delimiter = csv.text("delimiter", faults).unwrap_or_else(|| ",".into());
    let valid = |byte: u8| !matches!(byte, b'"' | b'\r' | b'\n' | 0) && byte.is_ascii();
    let delimiter = match delimiter.as_bytes() {
        [byte] if valid(*byte) => *byte,
        _ => {
            let path = csv.path("delimiter");
            faults.add(path, format!("must be one character such as \",\" or \"\\t\", got {delimiter:?}"));
            b','
        }
    };
    if let Some(encoding) = csv.text("encoding", faults).filter(|encoding| encoding != "utf-8") {
        let path = csv.path("encoding");
        faults.add(path, format!("must be \"utf-8\", the only encoding read so far, got {encoding:?}"));
    }
    if csv.flag("header", faults) == Some(false) {
        faults.add(csv.path("header"), "must be true: columns are found by the names in the header row");
    }
    csv.finish(faults);
    delimiter
}

/// Takes the sources of known fields out of a table.
pub(super) fn fields(section: &mut Section, known: &[Known], faults: &mut Violations) -> Fields {
    let mut fields = Fields::new();
    for (name, form, always) in known {
        match section.section(name, faults) {
            Some(source) => {
                if let Some(source) = Source::parse(source, *form, *always, faults) {
                    fields.insert(name, source);
                }
            }
            None if *always => faults.add(section.path(name), "must be given"),
            None => {}
        }
    }
    fields
}

/// The `[fields]` of the document.
pub(super) fn document_fields(
    document: &mut Section,
    known: &[Known],
    faults: &mut Violations,
) -> (Fields, Option<Section>) {
    match document.section("fields", faults) {
        Some(mut section) => (fields(&mut section, known, faults), Some(section)),
        None => {
            faults.add("fields", "must be given: a table with a source for every field");
            (Fields::new(), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The keys at fault, or nothing.
    fn faults(toml: &str) -> Vec<String> {
        let faults = Mapping::parse(toml).err().unwrap_or_default().into_vec();
        faults.into_iter().map(|fault| fault.field).collect()
    }

    const DEALS: &str = r#"
        kind = "deals"
        [fields]
        id = { column = "id" }
        owner_id = { column = "owner" }
        currency = { constant = "USD" }
        stage = { column = "stage", aliases = { "Closed" = "Won" } }
        [outcome]
        Won = "WON"
        Open = "OPEN"
    "#;
    const QUOTAS: &str = r#"
        [fields]
        payee_id = { column = "payee" }
        measure_id = { constant = "bookings" }
        amount = { column = "goal", number = { decimal = ",", group = "." } }
    "#;

    #[test]
    fn the_mappings_of_the_examples_are_good() {
        for (text, kind) in [
            (include_str!("../../examples/crm/offices.toml"), Kind::Payees),
            (include_str!("../../examples/crm/managers.toml"), Kind::Payees),
            (include_str!("../../examples/crm/agents.toml"), Kind::Payees),
            (include_str!("../../examples/crm/quotas.toml"), Kind::Quotas),
            (include_str!("../../examples/crm/deals.toml"), Kind::Deals),
        ] {
            assert_eq!(Mapping::parse(text).map(|mapping| mapping.kind()), Ok(kind));
        }
    }

    #[test]
    fn every_fault_is_named_by_its_key_at_once() {
        for (toml, expected) in [
            ("kind = ", &["line 1"][..]),
            ("\n\nkind = 'deals'\nkind = 'deals'", &["line 4"]),
            ("", &["kind"]),
            (
                "kind = 'orders'\n[csv]\nencoding = 'gb18030'\nheader = false\ndelimiter = ';;'\nquote = '\"'",
                &["csv.delimiter", "csv.encoding", "csv.header", "csv.quote", "kind"],
            ),
            ("kind = 5", &["kind"]),
            ("kind = 'deals'\nevent = []", &["fields", "outcome", "event"]),
            (
                "kind = 'payees'\n[fields]\nidd = { column = 'x' }",
                &["fields.id", "fields.kind", "fields.idd"],
            ),
            (
                "kind = 'payees'\n[fields]\nid = 'x'\nkind = { constant = 'ROBOT' }",
                &["fields.id", "fields.kind.constant"],
            ),
            (
                "kind = 'payees'\n[fields]\nid = { column = 'x', constant = 'y' }\nkind = {}\nname = { column = ' x' }",
                &["fields.id", "fields.kind", "fields.name.column"],
            ),
            (
                "kind = 'payees'\n[fields]\nid = { column = 'x', required = false, date = '%Y' }\n\
                 kind = { constant = 'FIRM', slug = true }\nname = { column = 'y', slug = true }\n\
                 title = { column = 't' }",
                &[
                    "fields.id.required",
                    "fields.id.date",
                    "fields.kind.slug",
                    "fields.name.slug",
                    "fields.start_date",
                    "fields.currency",
                ],
            ),
            (
                "kind = 'payees'\n[fields]\nid = { column = 'x', aliases = { ' a' = 'b', c = 5 } }\nkind = { constant = 'FIRM' }\n\
                 start_date = { column = 'd', date = '%Y-%m' }\ncurrency = { constant = 'usd' }\n\
                 target_incentive = { column = 't', number = { group = ',' } }\nend_date = { constant = '2026-02-30' }",
                &[
                    "fields.id.aliases.c",
                    "fields.id.aliases.\" a\"",
                    "fields.start_date.date",
                    "fields.end_date.constant",
                    "fields.target_incentive.number.decimal",
                    "fields.currency.constant",
                ],
            ),
        ] {
            assert_eq!(faults(toml), expected, "{toml}");
        }
    }

    #[test]
    fn quotas_have_windows_in_one_of_two_ways() {
        for (windows, expected) in [
            ("windows = ['FY2026']", &[][..]),
            ("", &["windows"]),
            ("windows = []", &["windows"]),
            ("windows = ['FY2026', 'FY2026']", &["windows"]),
            ("windows = ['FY2026', ' ']", &["windows"]),
            ("windows = 'FY2026'", &["windows"]),
        ] {
            assert_eq!(faults(&format!("kind = 'quotas'\n{windows}\n{QUOTAS}")), expected, "{windows}");
        }
        let column = format!("{QUOTAS}\nwindow = {{ column = 'quarter' }}");
        assert_eq!(faults(&format!("kind = 'quotas'\n{column}")), Vec::<String>::new());
        assert_eq!(faults(&format!("kind = 'quotas'\nwindows = ['FY2026']\n{column}")), ["windows"]);
        let neither = "kind = 'quotas'\nwindows = ['FY2026']\n[fields]\npayee_id = { column = 'p' }\nmeasure_id = { column = 'm' }";
        assert_eq!(faults(neither), ["fields.amount"]);
        assert_eq!(faults(&format!("{neither}\nunits = {{ column = 'u' }}")), Vec::<String>::new());
        let same = QUOTAS.replace("group = \".\"", "group = \",\"");
        let marks = format!("kind = 'quotas'\nwindows = ['FY2026']\n{same}");
        assert_eq!(faults(&marks), ["fields.amount.number.group"]);
    }

    #[test]
    fn deals_name_stages_that_exist_and_whole_parts() {
        let event = |when: &str| {
            format!(
                "[[events]]\nid = {{ constant = 'b' }}\ntype = {{ constant = 'BOOKED' }}\ndate = {{ column = 'd' }}\n{when}"
            )
        };
        for (more, expected) in [
            (String::new(), &[][..]),
            (event("when = { column = 'stage', equals = ['Won'] }"), &[]),
            (event("when = { column = 'stage', equals = ['Closed'] }"), &[]),
            (event("when = { column = 'stage', equals = ['Won', 'won'] }"), &["events[0].when.equals"]),
            (event("when = { column = 'other', equals = ['won'] }"), &[]),
            (event("when = { column = 'other', equals = [' Won'] }"), &["events[0].when.equals"]),
            (event("when = { column = 'stage' }"), &["events[0].when"]),
            (event("when = { column = 'stage', equals = [] }"), &["events[0].when.equals", "events[0].when"]),
            (event("when = { column = 'stage', equals = ['Won'], not = 1 }"), &["events[0].when.not"]),
            (event("kind = 1"), &["events[0].kind"]),
            (
                "[[events]]\ntype = { constant = 'SHIPPED' }".into(),
                &["events[0].id", "events[0].type.constant", "events[0].date"],
            ),
            (
                "[[splits]]\npercent = { constant = '1e2' }".into(),
                &["splits[0].payee_id", "splits[0].role", "splits[0].percent.constant"],
            ),
            (
                "[attributes]\nregion = { column = 'r', date = '%Y' }\nx = 'y'".into(),
                &["attributes.x", "attributes.region.date"],
            ),
            ("Lost = 'GONE'".into(), &["outcome.\"Lost\""]),
        ] {
            assert_eq!(faults(&format!("{DEALS}\n{more}")), expected, "{more}");
        }
        let without = DEALS.replace("[outcome]", "[outcomes]");
        assert_eq!(faults(&without), ["outcome", "outcomes"]);
        let staged = DEALS.replace("stage =", "name =");
        assert_eq!(faults(&staged), ["fields.stage"]);
    }

    #[test]
    fn an_encoding_that_cannot_be_read_is_refused_in_words() {
        let faults = Mapping::parse("kind = 'deals'\n[csv]\nencoding = 'gb18030'").unwrap_err().into_vec();
        let text = faults[0].to_string();
        assert_eq!(text, "csv.encoding must be \"utf-8\", the only encoding read so far, got \"gb18030\"");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_mapping_or_its_faults(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Mapping::parse(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn any_value_of_any_option_is_good_or_a_fault(
            key in "column|constant|date|slug|number|aliases|required",
            value in prop_oneof!["\"[^\"\\\\\\x00-\\x1f\\x7f]{0,8}\"", "true", "5", "\\{\\}", "\\{ decimal = \"[^\"\\\\\\x00-\\x1f\\x7f]\" \\}"],
            field in "id|amount|close_date|currency",
        ) {
            let _ = Mapping::parse(&format!("{DEALS}\n[fields.{field}]\n{key} = {value}"));
            let toml = format!("kind = 'deals'\n[fields.{field}]\ncolumn = 'x'\n{key} = {value}");
            let _ = Mapping::parse(&toml);
        }
    }
}
