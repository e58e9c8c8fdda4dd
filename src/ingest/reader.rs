//! Row after row of a file under a mapping.

use std::collections::HashMap;
use std::io::Read;

use super::file::{FileFault, Line, Lines};
use super::mapping::{Mapping, Rows};
use super::quota::QuotaRow;
use super::row::{Header, Row};
use super::section::shown;
use super::source::Source;
use super::totals::Totals;
use super::{deal, payee, quota};
use crate::domain::deal::Deal;
use crate::domain::payee::Payee;

/// What one row, or a part of it, became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A payee with at most one assignment.
    Payee(Payee),
    /// A quota whose window and amount are still text.
    Quota(QuotaRow),
    /// A deal with its events and splits; amounts in minor units of its currency.
    Deal(Box<Deal>),
}

/// A row that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The record's number in the file; the header is row 1.
    pub row: u64,
    /// One record; of quotas one for each window.
    pub records: Vec<Record>,
    /// The cells as they came, for the case that the server rejects the row later.
    pub cells: Vec<String>,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The record's number in the file; the header is row 1.
    pub row: u64,
    /// Everything that is wrong, with column and value.
    pub reasons: Vec<String>,
    /// The cells as they came.
    pub cells: Vec<String>,
}

/// The rows of a file. An error is the end: rows read before it must not be kept either.
pub struct Reader<'m, R> {
    mapping: &'m Mapping,
    lines: Lines<R>,
    header: Header,
    /// Accepted rows by the key of their record.
    seen: HashMap<String, First>,
    totals: Totals,
    ended: bool,
}

/// Where a key stood first, and what the mapping read there.
struct First {
    row: u64,
    texts: Box<str>,
}

/// Opens a file and checks its header.
pub fn read<R: Read>(mapping: &Mapping, input: R) -> Result<Reader<'_, R>, FileFault> {
    let mut lines = Lines::open(input, mapping.delimiter)?;
    let header = lines.next()?.ok_or(FileFault::Empty)?;
    let header = Header::check(header.cells, mapping)?;
    Ok(Reader { mapping, lines, header, seen: HashMap::new(), totals: Totals::default(), ended: false })
}

impl<R: Read> Reader<'_, R> {
    /// The names in the header row, trimmed.
    pub fn columns(&self) -> &[String] {
        &self.header.columns
    }

    /// The totals of the rows read so far; of the file once the rows have come to their end.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Reads one row; `None` if it repeats an accepted one.
    fn take(&mut self, line: Line) -> Option<Result<Accepted, Rejected>> {
        let Line { row, cells } = line;
        self.totals.rows += 1;
        let read = self.records(&cells).and_then(|(records, texts)| {
            let repeats = self.repeats(row, &records, texts)?;
            Ok((records, repeats))
        });
        match read {
            Ok((_, true)) => {
                self.totals.duplicates += 1;
                None
            }
            Ok((records, false)) => {
                self.totals.accept(&records);
                Some(Ok(Accepted { row, records, cells }))
            }
            Err(reasons) => {
                self.totals.rejected += 1;
                Some(Err(Rejected { row, reasons, cells }))
            }
        }
    }

    /// The records of a row, and the texts they were read from.
    fn records(&self, cells: &[String]) -> Result<(Vec<Record>, String), Vec<String>> {
        let (has, needs) = (cells.len(), self.header.columns.len());
        if has != needs {
            return Err(vec![format!("the row has {has} cells, the header has {needs}")]);
        }
        let row = Row::new(&self.header, cells);
        let texts = row.texts(&self.mapping.sources);
        let records = match &self.mapping.rows {
            Rows::Payees(fields) => vec![Record::Payee(payee::read(fields, row)?)],
            Rows::Quotas(mapping) => quota::read(mapping, row)?.into_iter().map(Record::Quota).collect(),
            Rows::Deals(mapping) => vec![Record::Deal(Box::new(deal::read(mapping, row)?))],
        };
        Ok((records, texts))
    }

    /// Whether the row repeats an accepted one word for word; a contradiction is named field by field.
    fn repeats(&mut self, row: u64, records: &[Record], texts: String) -> Result<bool, Vec<String>> {
        let Some(key) = records.first().map(key) else { return Ok(false) };
        let Some(first) = self.seen.get(&key) else {
            self.seen.insert(key, First { row, texts: texts.into() });
            return Ok(false);
        };
        let pairs = first.texts.split('\0').zip(texts.split('\0'));
        let contradictions = self.mapping.sources.iter().zip(pairs).filter(|(_, (old, new))| old != new);
        let reason = |(source, (old, new)): (&Source, (&str, &str))| {
            format!(
                "{} must be {:?} as in row {}, got {:?}",
                source.label(),
                shown(old),
                first.row,
                shown(new)
            )
        };
        let reasons: Vec<_> = contradictions.map(reason).collect();
        if reasons.is_empty() { Ok(true) } else { Err(reasons) }
    }
}

impl<R: Read> Iterator for Reader<'_, R> {
    type Item = Result<Result<Accepted, Rejected>, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.lines.next() {
                Ok(Some(line)) => match self.take(line) {
                    Some(taken) => return Some(Ok(taken)),
                    None => continue,
                },
                Ok(None) => self.ended = true,
                Err(fault) => {
                    self.ended = true;
                    return Some(Err(fault));
                }
            }
        }
        None
    }
}

/// What must not be there twice. Of a deal each source version may be there once: the highest will stand. All quotas
/// of a row share payee and measure; their windows are either the same in every row or one.
fn key(record: &Record) -> String {
    match record {
        Record::Payee(payee) => payee.id.to_string(),
        Record::Quota(quota) => format!("{}\0{}\0{}", quota.payee, quota.measure, quota.window),
        Record::Deal(deal) => match deal.source_version {
            Some(version) => format!("{}\0{version}", deal.id),
            None => deal.id.to_string(),
        },
    }
}
