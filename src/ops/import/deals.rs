//! Deals: one stream, one change.

use std::collections::BTreeMap;
use std::fs::File;

use anyhow::{Context as _, anyhow};
use tokio::sync::mpsc;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::batch::{Batch, Part, Parts, Row};
use super::{Job, Outcome, cannot_read, progress, rejects};
use crate::api::convert::deal::wire;
use crate::api::v1;
use crate::api::v1::deal_service_client::DealServiceClient;
use crate::ingest::{self, Accepted, Record, Rejected, Totals};
use crate::ops::client::{Keyed, refused};

/// Batches read ahead of what the server has taken.
const AHEAD: usize = 4;
/// Most bytes of a row as it came that the contract takes.
const MAX_RAW: usize = 64 << 10;
/// Rejected rows asked for at once.
const PAGE: i32 = 1000;

/// Sends the file as one import.
pub(super) async fn send(job: &Job, server: Keyed) -> anyhow::Result<Outcome> {
    let mut client = DealServiceClient::new(server);
    let mut stream = client.clone();
    let (sender, receiver) = mpsc::channel(AHEAD);
    let mut reading = tokio::task::spawn_blocking(reader(job, sender));
    let mut import = std::pin::pin!(stream.import_deals(Parts(receiver)));
    let totals = tokio::select! {
        answer = &mut import => match answer {
            Err(status) => return Err(refusal(job, &status)?),
            Ok(_) => return Err(anyhow!("the server answered before it had read the file")),
        },
        // A fault leaves here with the stream still open.
        read = &mut reading => read.context("the reader of the file panicked")??,
    };
    let answer = match import.await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Err(refusal(job, &status)?),
    };
    let receipt = answer.receipt.unwrap_or_default();
    let rejected_count = u64::try_from(answer.rejected).unwrap_or_default();
    let rejected = match (&job.rejects, rejected_count) {
        (_, 0) => BTreeMap::new(),
        (Some(_), _) => all_rejected(&mut client, receipt.change_number).await?,
        (None, _) => reasons(answer.first_rejected),
    };
    let stale = Some(answer.events_stale).filter(|stale| *stale > 0);
    let stale = stale.map_or_else(String::new, |stale| format!(", stale {stale}"));
    let mut lines = vec![format!("events written {}{stale}", answer.events_written)];
    lines.extend(answer.control_totals.iter().map(control_total));
    Ok(Outcome {
        noun: "deals",
        rows: totals.rows,
        repeated: totals.duplicates,
        written: receipt.written,
        unchanged: receipt.unchanged,
        stale: receipt.stale,
        first_stale: receipt.first_stale_ids,
        changes: vec![receipt.change_number],
        totals: lines,
        rejected,
        rejected_count,
    })
}

fn control_total(total: &v1::ControlTotal) -> String {
    let kind = total.r#type().as_str_name().trim_start_matches("TYPE_");
    let sum = total.sum.clone().unwrap_or_default();
    format!("{kind} events {}, sum {} {}", total.events, sum.amount, sum.currency_code)
}

/// Reads the file into the queue; its fault is the end of the import.
fn reader(job: &Job, queue: mpsc::Sender<Part>) -> impl FnOnce() -> anyhow::Result<Totals> + Send + 'static {
    let (mapping, path, request) = (job.mapping.clone(), job.file.clone(), job.request.clone());
    let header = v1::ImportHeader {
        request_id: request.id,
        source: request.source,
        reason: request.reason,
        reject_limit: job.reject_limit.map(i64::from),
        validate_only: false,
    };
    move || {
        let send = |part| queue.blocking_send(part).context("the server stopped taking rows");
        let message = |part| Part::Message(v1::ImportDealsRequest { part: Some(part) });
        let batch = |batch| message(v1::import_deals_request::Part::Batch(batch));
        let bar = progress(&path);
        let file = File::open(&path).with_context(|| cannot_read(&path))?;
        let mut rows = ingest::read(&mapping, bar.wrap_read(file))?;
        send(message(v1::import_deals_request::Part::Header(header)))?;
        let mut filling = Batch::default();
        for row in rows.by_ref() {
            for row in parts(row?)? {
                filling.add(row).map_or(Ok(()), |full| send(batch(full)))?;
            }
        }
        filling.take().map_or(Ok(()), |last| send(batch(last)))?;
        send(Part::End)?;
        bar.finish_and_clear();
        Ok(rows.totals().clone())
    }
}

/// A row of the file as the contract has it; a row of deals makes one deal.
fn parts(row: Result<Accepted, Rejected>) -> anyhow::Result<Vec<Row>> {
    let number = |row: u64| i64::try_from(row).context("the file has too many rows");
    match row {
        Ok(Accepted { row, records, .. }) => {
            let row_number = number(row)?;
            let deal = |record| match record {
                Record::Deal(deal) => {
                    Some(Row::Read(Box::new(v1::DealRow { row_number, deal: Some(wire(&deal, 0)) })))
                }
                Record::Payee(_) | Record::Quota(_) => None,
            };
            Ok(records.into_iter().filter_map(deal).collect())
        }
        Err(Rejected { row, reasons, cells }) => {
            let raw = raw(&cells)?;
            Ok(vec![Row::SetAside(v1::RejectedRow { row_number: number(row)?, reasons, raw })])
        }
    }
}

/// Cells as a line of CSV, cut where the contract takes no more.
fn raw(cells: &[String]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).context("a rejected row cannot be written as CSV")?;
    let line = writer.into_inner().map_err(|fault| fault.into_error())?;
    let mut line = String::from_utf8(line).context("a rejected row cannot be written as CSV")?;
    line.truncate(line.trim_end_matches('\n').len());
    line.truncate(line.floor_char_boundary(MAX_RAW));
    Ok(line)
}

/// Why the import was refused. Rows that were too many to reject are written to the file of rejects all the same.
fn refusal(job: &Job, status: &Status) -> anyhow::Result<anyhow::Error> {
    let told = status.get_details_error_info().is_some();
    let fault = refused(status, str::to_string);
    if !told && matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled) {
        return Ok(fault.context(
            "the server was lost; whether the import was written is not known, making it again is safe",
        ));
    }
    let Some(path) = job.rejects.as_ref().filter(|_| status.code() == Code::FailedPrecondition) else {
        return Ok(fault);
    };
    let mut named: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for violation in status.get_details_bad_request().map_or_else(Vec::new, |bad| bad.field_violations) {
        if let Some(row) = violation.field.strip_prefix("row ").and_then(|row| row.parse().ok()) {
            named.entry(row).or_default().push(violation.description);
        }
    }
    let count = rejects::write(job, path, &named)?;
    let rejected = status.get_details_error_info().and_then(|mut info| info.metadata.remove("rejected"));
    match rejected.filter(|rejected| *rejected != count.to_string()) {
        Some(all) => {
            eprintln!("{count} of {all} rejected rows are in {}: the refusal names no more", path.display())
        }
        None => eprintln!("{count} rejected rows are in {}", path.display()),
    }
    Ok(fault)
}

/// Every row that the import set aside, with the reasons.
async fn all_rejected(
    client: &mut DealServiceClient<Keyed>,
    change_number: i64,
) -> anyhow::Result<BTreeMap<u64, Vec<String>>> {
    let mut all = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request =
            v1::ListRejectedRowsRequest { change_number, page_size: PAGE, page_token, ..Default::default() };
        let page = client.list_rejected_rows(request).await;
        let page = page.map_err(|status| refused(&status, str::to_string))?.into_inner();
        all.append(&mut reasons(page.rejected_rows));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

fn reasons(rows: Vec<v1::RejectedRow>) -> BTreeMap<u64, Vec<String>> {
    let number = |row: i64| u64::try_from(row).unwrap_or_default();
    rows.into_iter().map(|row| (number(row.row_number), row.reasons)).collect()
}
