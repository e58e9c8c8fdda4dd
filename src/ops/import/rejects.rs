//! The file of rejects: what the reader set aside and what the server did, in the order of the file, with the cells.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context as _;

use super::{Job, cannot_read};
use crate::ingest::{self, RejectFile, Rejected};

/// Reads the file that was imported once more and writes the rows that were rejected; answers how many.
///
/// `named`: reasons by row, as the server gave them; rows that the reader rejects need not be among them.
pub(super) fn write(job: &Job, path: &Path, named: &BTreeMap<u64, Vec<String>>) -> anyhow::Result<u64> {
    let file = File::open(&job.file).with_context(|| cannot_read(&job.file))?;
    let mut rows = ingest::read(&job.mapping, file)?;
    let cannot_write = || format!("cannot write {}", path.display());
    let output = File::create(path).with_context(cannot_write)?;
    let mut rejects = RejectFile::create(output, rows.columns()).with_context(cannot_write)?;
    let mut count = 0;
    for row in rows.by_ref() {
        let rejected = match row? {
            Err(rejected) => Some(rejected),
            Ok(row) => named.get(&row.row).map(|reasons| Rejected {
                row: row.row,
                reasons: reasons.clone(),
                cells: row.cells,
            }),
        };
        if let Some(rejected) = rejected {
            rejects.write(&rejected).with_context(cannot_write)?;
            count += 1;
        }
    }
    rejects.finish().with_context(cannot_write)?;
    Ok(count)
}
