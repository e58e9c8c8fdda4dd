//! One row under a mapping: values are asked for by field, and what is wrong with them is collected,
//! so that a rejected row names everything a person has to mend.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Display;

use super::file::FileFault;
use super::mapping::{Fields, Mapping};
use super::source::{Source, decimal};
use crate::domain::fault::Violations;
use crate::domain::money::Currency;

/// The columns of a file, their names trimmed.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) columns: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Header {
    /// Refuses names that stand twice and lists every column that the mapping reads and the file lacks.
    pub(super) fn check(cells: Vec<String>, mapping: &Mapping) -> Result<Header, FileFault> {
        let columns: Vec<String> = cells.iter().map(|cell| cell.trim().to_string()).collect();
        let mut places = BTreeMap::new();
        let mut repeated = Vec::new();
        for (place, name) in columns.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if places.insert(name.clone(), place).is_some() && !repeated.contains(name) {
                repeated.push(name.clone());
            }
        }
        if !repeated.is_empty() {
            return Err(FileFault::ColumnsRepeated(repeated));
        }
        let mut missing: Vec<String> = Vec::new();
        for name in mapping.sources.iter().filter_map(Source::column_name) {
            if !places.contains_key(name) && !missing.iter().any(|known| known == name) {
                missing.push(name.to_string());
            }
        }
        if !missing.is_empty() {
            return Err(FileFault::ColumnsMissing { missing, present: columns });
        }
        Ok(Header { columns, places })
    }
}

/// A row being read, and everything wrong with it so far.
pub(super) struct Row<'a> {
    header: &'a Header,
    cells: &'a [String],
    reasons: Vec<String>,
}

impl<'a> Row<'a> {
    pub(super) fn new(header: &'a Header, cells: &'a [String]) -> Self {
        Row { header, cells, reasons: Vec::new() }
    }

    fn cell(&self, source: &Source) -> &'a str {
        let place = source.column_name().and_then(|name| self.header.places.get(name));
        place.and_then(|place| self.cells.get(*place)).map_or("", String::as_str)
    }

    /// What a source says after trimming and aliases, before it is respelt and checked.
    pub(super) fn text<'s>(&'s self, source: &'s Source) -> &'s str {
        source.renamed(self.cell(source))
    }

    /// What sources say, in their order, separated by NUL, which no cell holds.
    pub(super) fn texts(&self, sources: &[Source]) -> String {
        let texts: Vec<_> = sources.iter().map(|source| self.text(source)).collect();
        texts.join("\0")
    }

    /// The value of a source; absent where its cell is empty or wrong.
    pub(super) fn take<T, E: Display>(
        &mut self,
        source: &Source,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        source.read(self.cell(source), parse).unwrap_or_else(|reason| {
            self.reasons.push(reason);
            None
        })
    }

    /// The value of a field; absent where it is not mapped, empty or wrong.
    pub(super) fn field<T, E: Display>(
        &mut self,
        fields: &Fields,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.take(fields.get(name)?, parse)
    }

    /// An amount in minor units. Without a good currency it is only checked.
    pub(super) fn money(&mut self, fields: &Fields, name: &str, currency: Option<Currency>) -> Option<i64> {
        match currency {
            Some(currency) => self.field(fields, name, |text| currency.parse_amount(text)),
            None => {
                self.field(fields, name, decimal);
                None
            }
        }
    }

    /// A free text.
    pub(super) fn words(&mut self, fields: &Fields, name: &str) -> Option<String> {
        self.field(fields, name, |text| Ok::<_, Infallible>(text.to_string()))
    }

    /// Whether a part of a record is there at all: some column it reads is filled, or it reads none.
    pub(super) fn has_part<'s>(&self, sources: impl IntoIterator<Item = &'s Source>) -> bool {
        let mut columns = sources.into_iter().filter(|source| source.column_name().is_some()).peekable();
        columns.peek().is_none() || columns.any(|source| !self.text(source).is_empty())
    }

    /// Rejects the row if a field that is mapped is empty.
    pub(super) fn require(&mut self, fields: &Fields, name: &str, why: &str) {
        if let Some(source) = fields.get(name).filter(|source| self.text(source).is_empty()) {
            self.reasons.push(format!("{} must not be empty{why}", source.label()));
        }
    }

    /// Rejects the row.
    pub(super) fn reject(&mut self, reason: &str) {
        self.reasons.push(reason.to_string());
    }

    /// The record, if nothing is wrong with it. Its own check runs only over good fields.
    pub(super) fn finish<T>(
        self,
        record: Option<T>,
        check: impl FnOnce(&mut T, &mut Violations),
    ) -> Result<T, Vec<String>> {
        match record {
            Some(mut record) if self.reasons.is_empty() => {
                let mut violations = Violations::default();
                check(&mut record, &mut violations);
                let reasons: Vec<_> = violations.into_vec().iter().map(ToString::to_string).collect();
                if reasons.is_empty() { Ok(record) } else { Err(reasons) }
            }
            Some(_) | None => Err(self.reasons),
        }
    }
}
