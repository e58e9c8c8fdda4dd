//! Readers: files of other systems to values of the domain.
//!
//! Nothing is silently dropped and nothing is guessed. A file whose structure is broken is refused
//! whole with one [`FileFault`]; a row that is wrong comes back as [`Rejected`] with every reason; a row
//! that repeats an accepted one is counted. The same bytes under the same mapping give the same records.
//! Rows are streamed: memory is bounded by the longest record and, to tell repetitions from
//! contradictions, by what the mapping reads of every accepted row.

mod deal;
mod file;
mod mapping;
mod payee;
mod quota;
mod reader;
mod rejects;
mod row;
mod section;
mod source;
mod totals;

#[cfg(test)]
mod tests;

pub use file::{FileFault, MAX_RECORD};
pub use mapping::{Kind, Mapping};
pub use quota::{QuotaGoal, QuotaRow};
pub use reader::{Accepted, Reader, Record, Rejected, read};
pub use rejects::RejectFile;
pub use totals::{Sum, Totals};
