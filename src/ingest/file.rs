//! CSV as RFC 4180 has it, read strictly and record by record.
//!
//! A file whose structure is broken is refused whole, with the row where it breaks: past a stray quote
//! nobody can say which cell a value belongs to. Memory is bounded by the longest record.

use std::io::{BufReader, Chain, Cursor, Read};

/// Longest record, in bytes: what is longer has an open quote or is no CSV file.
pub const MAX_RECORD: usize = 1024 * 1024;

/// Why a file as a whole cannot be read. Rows count records as a person does: the header is row 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    #[error("file cannot be read: {0}")]
    Unreadable(String),
    #[error("file is empty, a header row must come first")]
    Empty,
    #[error("file is UTF-16, only UTF-8 can be read: save it as \"CSV UTF-8\"")]
    Utf16,
    #[error("row {row}: byte {offset} of the file is not UTF-8; a file must be UTF-8 from end to end")]
    Encoding {
        row: u64,
        /// Counted from 0 at the start of the file.
        offset: u64,
    },
    #[error("row {row}: byte {offset} of the file is NUL; a CSV file holds text only")]
    Nul { row: u64, offset: u64 },
    #[error(
        "row {0}: a quote stands inside a cell that does not begin with one; quote the cell and double the quote"
    )]
    QuoteInside(u64),
    #[error("row {0}: text follows a closing quote; a quote within a quoted cell must be doubled")]
    AfterQuote(u64),
    #[error("row {0}: a quoted cell is not closed before the file ends")]
    QuoteOpen(u64),
    #[error("row {0}: a carriage return without a line feed; lines must end in LF or CRLF")]
    CarriageReturn(u64),
    #[error("row {0}: the record is longer than 1 MiB; a quote may be left open")]
    TooLong(u64),
    #[error("header names columns twice: {}", quoted(.0))]
    ColumnsRepeated(Vec<String>),
    #[error("file lacks columns: {}; it has {}{}", quoted(.missing), quoted(.present), delimiter_hint(.present))]
    ColumnsMissing { missing: Vec<String>, present: Vec<String> },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// A header of one column usually means another delimiter than the mapping says.
fn delimiter_hint(present: &[String]) -> &'static str {
    if present.len() == 1 { " (one column: is the delimiter right?)" } else { "" }
}

/// A record of the file, its cells as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) row: u64,
    pub(super) cells: Vec<String>,
}

/// Reads record after record; blank lines are passed over but counted, as a spreadsheet counts them.
pub(super) struct Lines<R> {
    input: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    delimiter: u8,
    row: u64,
    /// Where in the file the next record starts.
    offset: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote within a quoted cell: it closes the cell or is the first of two.
    Quote,
    CarriageReturn,
    End,
}

impl<R: Read> Lines<R> {
    /// Passes over a byte order mark; `delimiter` is ASCII and neither a quote nor a line end.
    pub(super) fn open(mut input: R, delimiter: u8) -> Result<Self, FileFault> {
        let mut start = Vec::with_capacity(3);
        input.by_ref().take(3).read_to_end(&mut start).map_err(unreadable)?;
        let mut offset = 0;
        match start.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(FileFault::Utf16),
            [0xef, 0xbb, 0xbf] => {
                offset = 3;
                start.clear();
            }
            _ => {}
        }
        Ok(Lines { input: BufReader::new(Cursor::new(start).chain(input)), delimiter, row: 0, offset })
    }

    /// The next record, or `None` at the end. After a fault the rest of the file means nothing.
    pub(super) fn next(&mut self) -> Result<Option<Line>, FileFault> {
        loop {
            let Some(raw) = self.record()? else { return Ok(None) };
            let start = self.offset;
            self.offset += u64::try_from(raw.len()).unwrap_or(u64::MAX);
            let text = std::str::from_utf8(&raw).map_err(|fault| FileFault::Encoding {
                row: self.row,
                offset: start + u64::try_from(fault.valid_up_to()).unwrap_or(u64::MAX),
            })?;
            let text = text.strip_suffix('\n').unwrap_or(text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if !text.is_empty() {
                let cells = cells(text, char::from(self.delimiter));
                return Ok(Some(Line { row: self.row, cells }));
            }
        }
    }

    /// The bytes of the next record with its line end, their quotes checked; `None` at the end.
    fn record(&mut self) -> Result<Option<Vec<u8>>, FileFault> {
        let mut raw = Vec::new();
        let mut at = At::CellStart;
        self.row += 1;
        loop {
            let mut byte = [0];
            let byte = match self.input.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => byte[0],
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            at = self.step(at, byte, raw.len())?;
            raw.push(byte);
            if at == At::End {
                return Ok(Some(raw));
            }
            if raw.len() > MAX_RECORD {
                return Err(FileFault::TooLong(self.row));
            }
        }
        match at {
            At::Quoted => Err(FileFault::QuoteOpen(self.row)),
            At::CarriageReturn => Err(FileFault::CarriageReturn(self.row)),
            At::CellStart | At::Plain | At::Quote | At::End => Ok(Some(raw).filter(|raw| !raw.is_empty())),
        }
    }

    /// Where the byte at `place` of the record leads.
    fn step(&self, at: At, byte: u8, place: usize) -> Result<At, FileFault> {
        let row = self.row;
        match (at, byte) {
            (_, 0) => {
                let place = u64::try_from(place).unwrap_or(u64::MAX);
                Err(FileFault::Nul { row, offset: self.offset + place })
            }
            (At::CellStart, b'"') => Ok(At::Quoted),
            (At::Plain, b'"') => Err(FileFault::QuoteInside(row)),
            (At::Quoted, b'"') => Ok(At::Quote),
            (At::Quoted, _) | (At::Quote, b'"') => Ok(At::Quoted),
            (At::CarriageReturn, b'\n') => Ok(At::End),
            (At::CarriageReturn, _) => Err(FileFault::CarriageReturn(row)),
            (At::CellStart | At::Plain | At::Quote, b'\n') => Ok(At::End),
            (At::CellStart | At::Plain | At::Quote, b'\r') => Ok(At::CarriageReturn),
            (At::CellStart | At::Plain | At::Quote, byte) if byte == self.delimiter => Ok(At::CellStart),
            (At::CellStart | At::Plain, _) => Ok(At::Plain),
            (At::Quote, _) => Err(FileFault::AfterQuote(row)),
            (At::End, _) => Ok(At::End),
        }
    }
}

fn unreadable(error: std::io::Error) -> FileFault {
    FileFault::Unreadable(error.to_string())
}

/// Splits a record whose quotes have been checked.
fn cells(record: &str, delimiter: char) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = record;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (cell, after) = rest.split_at(rest.find(delimiter).unwrap_or(rest.len()));
                (cell.to_string(), after)
            }
        };
        cells.push(cell);
        match after.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None => return cells,
        }
    }
}

/// The cell behind an opening quote, and what follows its closing one.
fn unquoted(text: &str) -> (String, &str) {
    let mut cell = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None => return (cell, after),
        }
    }
    (cell, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every record as (row, cells), or the fault that ends the file.
    fn lines(bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>, FileFault> {
        let mut lines = Lines::open(bytes, b',')?;
        let mut all = Vec::new();
        while let Some(line) = lines.next()? {
            all.push((line.row, line.cells));
        }
        Ok(all)
    }

    #[test]
    fn records_are_read_as_rfc_4180_has_them() {
        for (text, expected) in [
            ("", vec![]),
            ("a,b\n", vec![(1, vec!["a", "b"])]),
            ("a,b", vec![(1, vec!["a", "b"])]),
            ("a,b\r\nc,d\r\n", vec![(1, vec!["a", "b"]), (2, vec!["c", "d"])]),
            ("\u{feff}a,b\n", vec![(1, vec!["a", "b"])]),
            ("a\nb\nc\n", vec![(1, vec!["a"]), (2, vec!["b"]), (3, vec!["c"])]),
            ("a\n\n\r\nb\n\n", vec![(1, vec!["a"]), (4, vec!["b"])]),
            ("\n\na", vec![(3, vec!["a"])]),
            (",\n", vec![(1, vec!["", ""])]),
            ("\"\"\n", vec![(1, vec![""])]),
            ("\"a,b\",\"c\"\"d\"\n", vec![(1, vec!["a,b", "c\"d"])]),
            ("\"a\r\nb\",c\nd,e\n", vec![(1, vec!["a\r\nb", "c"]), (2, vec!["d", "e"])]),
            ("\"\"\"\"", vec![(1, vec!["\""])]),
            ("é,中\n", vec![(1, vec!["é", "中"])]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(row, cells)| (row, cells.into_iter().map(str::to_string).collect()))
                .collect();
            assert_eq!(lines(text.as_bytes()), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn broken_structure_refuses_the_file_and_names_the_row() {
        for (bytes, fault) in [
            (&b"a\nb\"c\n"[..], FileFault::QuoteInside(2)),
            (b"a\n\"b\"c\n", FileFault::AfterQuote(2)),
            (b"a\n\"b\" ,c\n", FileFault::AfterQuote(2)),
            (b"a\nb\n\"c\nd\ne\n", FileFault::QuoteOpen(3)),
            (b"a\n\"b\"\"", FileFault::QuoteOpen(2)),
            (b"a\rb\n", FileFault::CarriageReturn(1)),
            (b"a\nb\r", FileFault::CarriageReturn(2)),
            (b"a\nb\0c\n", FileFault::Nul { row: 2, offset: 3 }),
            (b"\0", FileFault::Nul { row: 1, offset: 0 }),
            (b"a\nbc\xe9d\n", FileFault::Encoding { row: 2, offset: 4 }),
            (b"\xef\xbb\xbfa\n\xc4\xe3,b\n", FileFault::Encoding { row: 2, offset: 5 }),
            (b"\xff\xfea\0", FileFault::Utf16),
            (b"\xfe\xff\0a", FileFault::Utf16),
        ] {
            assert_eq!(lines(bytes), Err(fault), "{:?}", bytes.escape_ascii().to_string());
        }
        let mut open = b"a\n\"".to_vec();
        open.resize(MAX_RECORD + 10, b'x');
        assert_eq!(lines(&open), Err(FileFault::TooLong(2)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = lines(&bytes);
        }

        #[test]
        fn bytes_that_matter_are_read_or_refused(text in "[a,\"\r\n\u{feff}é;]{0,40}") {
            let _ = lines(text.as_bytes());
        }

        #[test]
        fn any_text_survives_quoting(cells in prop::collection::vec(prop::collection::vec("[^\0]*", 2), 1..5)) {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            for record in &cells {
                writer.write_record(record).unwrap();
            }
            let mut bytes = writer.into_inner().unwrap();
            // A first cell that begins with a byte order mark is one, unless a header stands before it.
            bytes.splice(0..0, *b"x,y\n");
            let read: Vec<_> = lines(&bytes).unwrap().into_iter().skip(1).map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, cells);
        }
    }
}
