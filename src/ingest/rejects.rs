//! The rows that were not taken, written back as CSV for a person to mend and import again.
//!
//! Spreadsheets run cells that begin like a formula, so text that does is written behind an apostrophe.

use std::io::Write;

use super::Rejected;

/// The columns put before those of the file. A file of rejects that is rejected again has them once.
const OWN: [&str; 2] = ["import_row", "import_reasons"];

/// A file of rejects being written.
pub struct RejectFile<W: Write> {
    writer: csv::Writer<W>,
    /// Which of the file's columns are kept.
    kept: Vec<bool>,
}

impl<W: Write> RejectFile<W> {
    /// Writes the header: the row, the reasons, and the columns of the file that is imported.
    pub fn create(output: W, columns: &[String]) -> csv::Result<Self> {
        let writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(output);
        let kept = columns.iter().map(|column| !OWN.contains(&column.as_str())).collect();
        let mut file = RejectFile { writer, kept };
        file.record(OWN.map(str::to_string), columns)?;
        Ok(file)
    }

    /// Writes one rejected row: its number, its reasons joined by `; `, and its cells as they came.
    pub fn write(&mut self, rejected: &Rejected) -> csv::Result<()> {
        self.record([rejected.row.to_string(), rejected.reasons.join("; ")], &rejected.cells)
    }

    fn record(&mut self, own: [String; 2], cells: &[String]) -> csv::Result<()> {
        let kept = cells.iter().zip(self.kept.iter().chain(std::iter::repeat(&true)));
        let cells = kept.filter(|(_, kept)| **kept).map(|(cell, _)| cell);
        self.writer.write_record(own.iter().chain(cells).map(|cell| harmless(cell)))
    }

    /// Flushes and hands the output back.
    pub fn finish(self) -> csv::Result<W> {
        self.writer.into_inner().map_err(|fault| fault.into_error().into())
    }
}

/// A cell that no spreadsheet takes for a formula. Plain numbers stay as they are.
fn harmless(cell: &str) -> String {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let is_number = digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','));
    let runs = cell.starts_with(['\t', '\r', '\n']) || cell.trim_start().starts_with(['=', '+', '-', '@']);
    if runs && !is_number { format!("'{cell}") } else { cell.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(cells: &[&str]) -> Vec<String> {
        cells.iter().map(ToString::to_string).collect()
    }

    fn written(columns: &[&str], rows: &[(&[&str], &[&str])]) -> String {
        let mut file = RejectFile::create(Vec::new(), &texts(columns)).unwrap();
        for (place, (reasons, cells)) in rows.iter().enumerate() {
            let row = u64::try_from(place).unwrap() + 2;
            file.write(&Rejected { row, reasons: texts(reasons), cells: texts(cells) }).unwrap();
        }
        String::from_utf8(file.finish().unwrap()).unwrap()
    }

    #[test]
    fn rejects_hold_row_reasons_and_the_cells_as_they_came() {
        let text = written(
            &["id", "name"],
            &[(&["a, b", "c"], &["1", " say \"x\""]), (&["few"], &["1"]), (&["many"], &["1", "2", "3"])],
        );
        let expected = "import_row,import_reasons,id,name\r\n2,\"a, b; c\",1,\" say \"\"x\"\"\"\r\n\
                        3,few,1\r\n4,many,1,2,3\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn rejects_of_rejects_have_their_columns_once() {
        let text = written(&["import_row", "import_reasons", "id"], &[(&["new"], &["9", "old", "1"])]);
        assert_eq!(text, "import_row,import_reasons,id\r\n2,new,1\r\n");
    }

    #[test]
    fn cells_that_begin_like_a_formula_are_written_as_text() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            (" =1+1", "' =1+1"),
            ("+49 30", "'+49 30"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("-", "'-"),
            ("-12.50", "-12.50"),
            ("-1,250", "-1,250"),
            ("12", "12"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), safe, "{cell:?}");
        }
    }
}
