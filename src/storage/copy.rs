//! The text format of COPY, written and read: the fast way in and out for rows by the million.
//!
//! A connection whose COPY is dropped half-way answers the next statement with what is left of it, so a
//! future that copies is run to its end, and rows that nobody wants any more are read all the same.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

use tokio_stream::StreamExt as _;

use crate::domain::fault::Fault;

use super::{Conn, corrupt, fault};

/// How a column says that it is null.
const NULL: &str = "\\N";
/// Bytes collected before they are sent; the driver's advice is less than 1 MB.
const CHUNK: usize = 512 * 1024;

/// Lines on their way in: a column after the other, then [`Lines::end`].
#[derive(Default)]
pub(crate) struct Lines(String);

impl Lines {
    /// A column of text with nothing to escape: ids and names of ours.
    pub(crate) fn text(&mut self, value: &str) {
        self.0.push_str(value);
        self.0.push('\t');
    }

    /// A column of such text that may be absent.
    pub(crate) fn text_opt(&mut self, value: Option<&str>) {
        self.text(value.unwrap_or(NULL));
    }

    /// A column of a number or day.
    pub(crate) fn figure(&mut self, value: impl Display) {
        // Writing to memory does not fail.
        let _ = write!(self.0, "{value}\t");
    }

    /// A column of a number or day that may be absent.
    pub(crate) fn figure_opt(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.figure(value),
            None => self.text(NULL),
        }
    }

    /// A column of free text that may be absent.
    pub(crate) fn free_opt(&mut self, value: Option<&str>) {
        let Some(value) = value else { return self.text(NULL) };
        for character in value.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '\t' => self.0.push_str("\\t"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                character => self.0.push(character),
            }
        }
        self.0.push('\t');
    }

    /// A column of bytes that may be absent.
    pub(crate) fn binary_opt(&mut self, value: Option<&[u8]>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let Some(value) = value else { return self.text(NULL) };
        self.0.push_str("\\\\x");
        for byte in value {
            self.0.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.0.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        self.0.push('\t');
    }

    /// A column that is an array of ids or numbers, quoted because an id may read `NULL`.
    pub(crate) fn array(&mut self, values: impl Iterator<Item = Option<impl Display>>) {
        self.0.push('{');
        for (place, value) in values.enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let _ = match value {
                Some(value) => write!(self.0, "{comma}\"{value}\""),
                None => write!(self.0, "{comma}NULL"),
            };
        }
        self.0.push_str("}\t");
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) {
        self.0.pop();
        self.0.push('\n');
    }
}

/// Sends lines to a `copy … from stdin`.
pub(crate) async fn send(conn: &mut Conn, statement: &str, lines: &Lines) -> Result<(), Fault> {
    let mut copy = conn.copy_in_raw(statement).await.map_err(fault)?;
    for chunk in lines.0.as_bytes().chunks(CHUNK) {
        copy.send(chunk).await.map_err(fault)?;
    }
    copy.finish().await.map_err(fault)?;
    Ok(())
}

/// Reads a `copy … to stdout` to its end and gives every line to `read`, until that fails.
pub(crate) async fn receive(
    conn: &mut Conn,
    statement: &str,
    mut read: impl FnMut(&str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut lines = conn.copy_out_raw(statement).await.map_err(fault)?;
    let mut outcome = Ok(());
    // The server sends one line a message.
    while let Some(line) = lines.next().await {
        let line = line.map_err(fault)?;
        if outcome.is_ok() {
            outcome = std::str::from_utf8(&line)
                .map_err(corrupt)
                .and_then(|line| read(line.trim_end_matches('\n')));
        }
    }
    outcome
}

/// The first columns of a line, whose texts need no escapes, and the others as they stand; `None` where one is null.
pub(crate) fn first_columns<const N: usize>(
    line: &str,
) -> Result<([Option<&str>; N], impl Iterator<Item = Option<&str>>), Fault> {
    let mut columns = line.split('\t').map(|column| (column != NULL).then_some(column));
    let read: [Option<Option<&str>>; N] = std::array::from_fn(|_| columns.next());
    if read.contains(&None) {
        return Err(corrupt(format_args!("{line:?} has not {N} columns")));
    }
    Ok((read.map(Option::flatten), columns))
}

/// A column of free text without its escapes.
pub(crate) fn unescaped(column: &str) -> Cow<'_, str> {
    if !column.contains('\\') {
        return column.into();
    }
    let mut text = String::with_capacity(column.len());
    let mut characters = column.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('v') => '\u{b}',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    text.into()
}

/// The elements of an array whose texts need no escapes; `None` where an element is null.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = Option<&str>> {
    let inner = array.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(array);
    // An empty array has no elements, not an empty one.
    let elements = (!inner.is_empty()).then(|| inner.split(','));
    elements.into_iter().flatten().map(|element| match element {
        "NULL" => None,
        // An id that reads `null` in any case comes quoted.
        element => Some(element.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(element)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_escape_what_the_format_reads_as_its_own() {
        let mut lines = Lines::default();
        lines.figure(7);
        lines.free_opt(Some("a\tb\\c\nd\re\\N"));
        lines.free_opt(None);
        lines.binary_opt(Some(&[0, 0xAB]));
        lines.array([Some("null"), None].into_iter());
        lines.end();
        assert_eq!(lines.0, "7\ta\\tb\\\\c\\nd\\re\\\\N\t\\N\t\\\\x00ab\t{\"null\",NULL}\n");
    }

    #[test]
    fn arrays_are_read_as_the_server_writes_them() {
        let read = |text| elements(text).collect::<Vec<_>>();
        assert_eq!(read("{}"), []);
        assert_eq!(read("{a,\"NULL\",b.c}"), [Some("a"), Some("NULL"), Some("b.c")]);
        assert_eq!(read("{1.000,NULL}"), [Some("1.000"), None]);
    }

    #[test]
    fn escapes_are_read_as_they_were_written() {
        let text = "a\tb\\c\nd\re\\N\u{b}\u{c}\u{8}é";
        let written = "a\\tb\\\\c\\nd\\re\\\\N\\v\\f\\bé";
        assert_eq!(unescaped(written), text);
        assert_eq!(unescaped("plain"), "plain");
    }

    #[test]
    fn columns_are_counted() {
        let (first, rest) = first_columns::<2>("a\t\\N\t\tb").unwrap();
        assert_eq!((first, rest.collect()), ([Some("a"), None], vec![Some(""), Some("b")]));
        assert!(first_columns::<2>("a").is_err());
    }
}
