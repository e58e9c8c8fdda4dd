//! `attain import`: a CSV file, read under a mapping, sent to a server.
//!
//! All or nothing where the server writes it in one go; what is set aside is counted, and written to a file if one is
//! named. The same file under the same mapping is the same request: sending it again changes nothing.

mod batch;
mod deals;
mod facts;
mod rejects;
mod request;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tonic::Code;

use super::client::{self, Keyed, refused};
use crate::api::v1;
use crate::api::v1::admin_service_client::AdminServiceClient;
use crate::config::Import;
use crate::domain::date::{Calendar, Period};
use crate::domain::money::{Currency, Rounding};
use crate::ingest::{Kind, Mapping};

use request::Request;

/// Rejected rows that are shown; a file of rejects holds all of them.
const SHOWN: usize = 20;

/// A file to import, and what the journal shall say of it.
struct Job {
    mapping: Arc<Mapping>,
    file: PathBuf,
    /// Where the rejected rows go.
    rejects: Option<PathBuf>,
    request: Request,
    reject_limit: Option<u32>,
}

/// What became of a file.
struct Outcome {
    /// What the rows are.
    noun: &'static str,
    rows: u64,
    repeated: u64,
    written: i64,
    unchanged: i64,
    stale: i64,
    /// The first that were stale, by id.
    first_stale: Vec<String>,
    /// Changes that the import made, in order.
    changes: Vec<i64>,
    /// Control totals, a line each.
    totals: Vec<String>,
    /// Why, by row.
    rejected: BTreeMap<u64, Vec<String>>,
    /// How many were rejected, if reasons are not held for all.
    rejected_count: u64,
}

/// Imports the file and prints the control totals.
pub async fn run(options: &Import) -> anyhow::Result<()> {
    let job = job(options)?;
    let server = client::connect(&options.server).await?;
    let (calendar, head) = calendar(&server).await?;
    let outcome = match job.mapping.kind() {
        Kind::Deals => deals::send(&job, server).await?,
        Kind::Payees => facts::payees(&job, server).await?,
        Kind::Quotas => facts::quotas(&job, server, &calendar).await?,
    };
    print(&outcome, head)?;
    if outcome.rejected_count > 0 {
        explain_rejected(&job, &outcome)?;
    }
    Ok(())
}

fn job(options: &Import) -> anyhow::Result<Job> {
    let text = fs::read_to_string(&options.mapping)
        .with_context(|| format!("cannot read {}", options.mapping.display()))?;
    let mapping = Mapping::parse(&text).map_err(|faults| {
        let faults: Vec<_> = faults.into_vec().iter().map(|fault| format!("\n  {fault}")).collect();
        anyhow!("mapping {} is wrong:{}", options.mapping.display(), faults.concat())
    })?;
    let file = options.file.canonicalize().with_context(|| cannot_read(&options.file))?;
    if let Some(rejects) = &options.rejects
        && rejects.canonicalize().is_ok_and(|rejects| rejects == file)
    {
        bail!("the rejects would overwrite the file that is imported: {}", rejects.display());
    }
    let request = Request::of(options, mapping.kind(), &text)?;
    let (rejects, reject_limit) = (options.rejects.clone(), options.reject_limit);
    Ok(Job { mapping: Arc::new(mapping), file, rejects, request, reject_limit })
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

/// The tenant's calendar, and where its journal stands before the import.
async fn calendar(server: &Keyed) -> anyhow::Result<(Calendar, i64)> {
    let asked = AdminServiceClient::new(server.clone()).get_calendar(v1::GetCalendarRequest::default()).await;
    let answer = asked.map_err(|status| match status.code() {
        Code::NotFound => {
            anyhow!("the tenant has no calendar yet: set it first, with AdminService/SetCalendar")
        }
        _ => refused(&status, str::to_string),
    })?;
    let answer = answer.into_inner();
    let calendar = answer.calendar.and_then(|wire| {
        Some(Calendar {
            currency: Currency::parse(&wire.currency_code).ok()?,
            zone: wire.time_zone.parse().ok()?,
            fiscal_first_month: u8::try_from(wire.fiscal_first_month).ok()?,
            rounding: match wire.rounding() {
                v1::calendar::Rounding::Unspecified => return None,
                v1::calendar::Rounding::HalfAwayFromZero => Rounding::HalfAwayFromZero,
                v1::calendar::Rounding::HalfEven => Rounding::HalfEven,
            },
            first_period: Period::parse(&wire.first_period).ok()?,
        })
    });
    Ok((
        calendar.context("the server's calendar cannot be read: is it newer than this attain?")?,
        answer.as_of_change,
    ))
}

/// A bar over the bytes of the file, on stderr; silent where that is no terminal.
fn progress(file: &Path) -> ProgressBar {
    let bytes = fs::metadata(file).map_or(0, |meta| meta.len());
    let bar = ProgressBar::new(bytes);
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Prints the control totals. A change that the journal had before the import is an answer given again.
fn print(outcome: &Outcome, head: i64) -> anyhow::Result<()> {
    let Outcome { noun, rows, repeated, written, unchanged, stale, rejected_count, .. } = outcome;
    let accepted = rows.saturating_sub(*repeated).saturating_sub(*rejected_count);
    let mut out = std::io::stdout().lock();
    writeln!(out, "rows {rows}: accepted {accepted}, rejected {rejected_count}, repeated {repeated}")?;
    let passed_over = if *stale > 0 { format!(", stale {stale}") } else { String::new() };
    writeln!(out, "{noun} written {written}, unchanged {unchanged}{passed_over}")?;
    if !outcome.first_stale.is_empty() {
        writeln!(out, "stale, the first: {}", outcome.first_stale.join(", "))?;
    }
    for total in &outcome.totals {
        writeln!(out, "{total}")?;
    }
    match outcome.changes.as_slice() {
        [] => writeln!(out, "nothing was sent")?,
        [one] => writeln!(out, "change {one}")?,
        [first, .., last] => writeln!(out, "changes {first} to {last}")?,
    }
    if outcome.changes.iter().any(|change| *change <= head) {
        let again =
            "this import was made before: its answer was given again, and nothing was written for it now";
        writeln!(out, "{again}")?;
    }
    Ok(())
}

/// Shows the first rejected rows, and writes all of them to the file of rejects.
fn explain_rejected(job: &Job, outcome: &Outcome) -> anyhow::Result<()> {
    eprint!("{}", shown(&outcome.rejected, outcome.rejected_count));
    if let Some(path) = &job.rejects {
        let count = rejects::write(job, path, &outcome.rejected)?;
        eprintln!("{count} rejected rows are in {}", path.display());
    }
    Ok(())
}

/// The first rejected rows, a line each, and how many more there are.
fn shown(rejected: &BTreeMap<u64, Vec<String>>, count: u64) -> String {
    let line = |(row, reasons): (&u64, &Vec<String>)| format!("row {row}: {}\n", reasons.join("; "));
    let mut text: String = rejected.iter().take(SHOWN).map(line).collect();
    let more = count.saturating_sub(u64::try_from(rejected.len().min(SHOWN)).unwrap_or(u64::MAX));
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    text
}

#[cfg(test)]
mod tests;
