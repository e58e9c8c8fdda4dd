//! Walks a TOML document key by key and notes everything that is wrong with it, each under its key.
//! A key that nobody asked for is a fault: a misspelt option must not pass as an absent one.

use toml::{Table, Value};

use crate::domain::fault::Violations;

/// A table of the document. Keys are taken out of it; [`Section::finish`] looks at what is left.
pub(super) struct Section {
    path: String,
    table: Table,
    known: Vec<&'static str>,
}

impl Section {
    /// The whole document.
    pub(super) fn document(text: &str, faults: &mut Violations) -> Option<Section> {
        match text.parse::<Table>() {
            Ok(table) => Some(Section { path: String::new(), table, known: Vec::new() }),
            Err(fault) => {
                let before = fault.span().and_then(|span| text.get(..span.start));
                let line = before.map_or(1, |before| before.matches('\n').count() + 1);
                faults.add(format!("line {line}"), format!("is no TOML: {}", fault.message()));
                None
            }
        }
    }

    /// The path of a key of this table.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    /// The path of the table itself.
    pub(super) fn name(&self) -> &str {
        &self.path
    }

    fn take<T>(
        &mut self,
        key: &'static str,
        form: &str,
        faults: &mut Violations,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Option<T> {
        self.known.push(key);
        let value = self.table.remove(key)?;
        read(value).map_err(|other| faults.add(self.path(key), wrong_form(form, &other))).ok()
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str, faults: &mut Violations) -> Option<String> {
        self.take(key, "a text", faults, text)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, faults: &mut Violations) -> Option<bool> {
        self.take(key, "true or false", faults, |value| value.as_bool().ok_or(value))
    }

    /// A list of texts, at least one.
    pub(super) fn texts(&mut self, key: &'static str, faults: &mut Violations) -> Option<Vec<String>> {
        self.take(key, "a list of one text or more", faults, |value| match value {
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_str) => {
                Ok(items.into_iter().filter_map(|item| text(item).ok()).collect())
            }
            other => Err(other),
        })
    }

    /// A table.
    pub(super) fn section(&mut self, key: &'static str, faults: &mut Violations) -> Option<Section> {
        let path = self.path(key);
        let table = self.take(key, "a table", faults, table)?;
        Some(Section { path, table, known: Vec::new() })
    }

    /// A list of tables, empty where the key is absent.
    pub(super) fn sections(&mut self, key: &'static str, faults: &mut Violations) -> Vec<Section> {
        let path = self.path(key);
        let tables = self.take(key, "a list of tables", faults, |value| match value {
            Value::Array(items) if items.iter().all(Value::is_table) => {
                Ok(items.into_iter().filter_map(|item| table(item).ok()).collect())
            }
            other => Err(other),
        });
        let tables: Vec<Table> = tables.unwrap_or_default();
        let section = |(place, table)| Section { path: format!("{path}[{place}]"), table, known: Vec::new() };
        tables.into_iter().enumerate().map(section).collect()
    }

    /// Every entry as name and table, for tables whose keys the author chooses.
    pub(super) fn into_sections(self, faults: &mut Violations) -> Vec<(String, Section)> {
        let path = self.path;
        let section = |(key, value)| {
            let path = format!("{path}.{key}");
            match table(value) {
                Ok(table) => Some((key, Section { path, table, known: Vec::new() })),
                Err(other) => {
                    faults.add(path, wrong_form("a table", &other));
                    None
                }
            }
        };
        self.table.into_iter().filter_map(section).collect()
    }

    /// Every entry as name and text, for tables whose keys the author chooses.
    pub(super) fn into_texts(self, faults: &mut Violations) -> Vec<(String, String)> {
        let path = self.path;
        let entry = |(key, value)| match text(value) {
            Ok(text) => Some((key, text)),
            Err(other) => {
                faults.add(format!("{path}.{key}"), wrong_form("a text", &other));
                None
            }
        };
        self.table.into_iter().filter_map(entry).collect()
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, faults: &mut Violations) {
        for key in self.table.keys() {
            faults.add(self.path(key), format!("is no key here, which are: {}", self.known.join(", ")));
        }
    }
}

fn wrong_form(form: &str, value: &Value) -> String {
    format!("must be {form}, got {} of type {}", shown(&value.to_string()), value.type_str())
}

fn text(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(other),
    }
}

fn table(value: Value) -> Result<Table, Value> {
    match value {
        Value::Table(table) => Ok(table),
        other => Err(other),
    }
}

/// As much of a text as a message can hold.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
