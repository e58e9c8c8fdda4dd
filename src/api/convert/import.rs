//! Imports: a header, then batches. A bad row is set aside with every reason; what makes the stream itself
//! unreadable (rows out of order, no header) refuses the import.

use std::collections::BTreeSet;

use prost::Message as _;

use super::{Check, count, deal, money, read, read_at, receipt, text, write};
use crate::api::v1;
use crate::app::Page;
use crate::app::deal::{ControlTotal, ImportBatch, ImportHeader, ImportReceipt, RejectedRow};
use crate::domain::encode;
use crate::domain::fault::Fault;
use crate::domain::money::Currency;

/// The rpc that imports deals.
pub const IMPORT: &str = "attain.v1.DealService/ImportDeals";
/// The rpc that lists rejected rows.
pub const LIST_REJECTED: &str = "attain.v1.DealService/ListRejectedRows";
/// Most bytes of one batch.
const MAX_BATCH: usize = 1 << 20;
/// Most bytes of a rejected row as it came.
const MAX_RAW: usize = 64 << 10;

/// Reads the first message of an import.
pub fn header(request: &v1::ImportDealsRequest) -> Result<ImportHeader, Fault> {
    let Some(v1::import_deals_request::Part::Header(header)) = &request.part else {
        return Err(Fault::field("header", "must be the first message of the stream"));
    };
    read_at("header", |check| {
        let reason = check.reason(&header.reason);
        let write = write(check, IMPORT, header, &header.request_id, reason, header.validate_only);
        let source = check.text("source", &header.source, 200).unwrap_or_default();
        let limit = header.reject_limit.map(|limit| check.number("reject_limit", limit));
        let reject_limit = match limit {
            Some(limit) => Some(limit?),
            None => None,
        };
        Some(ImportHeader { write: write?, source, reject_limit })
    })
}

/// Reads a further message of an import whose last row so far was `last`; answers the batch and its last row.
pub fn batch(
    request: &v1::ImportDealsRequest,
    currency: Currency,
    last: i64,
) -> Result<(ImportBatch, i64), Fault> {
    let Some(v1::import_deals_request::Part::Batch(batch)) = &request.part else {
        return Err(Fault::field("batch", "must follow; the header comes once, first"));
    };
    let bytes = batch.encoded_len();
    if bytes > MAX_BATCH {
        return Err(Fault::field("batch", format!("must be at most {MAX_BATCH} bytes, got {bytes}")));
    }
    let (rejected, last) = read(|check| {
        let last = row_numbers(check, batch, last);
        let rejected = batch.rejected_rows.iter().enumerate();
        let rejected: Vec<_> = rejected.map(|(place, wire)| set_aside(check, place, wire)).collect();
        Some((rejected, last))
    })?;
    let digest = encode::digest(&batch.encode_to_vec());
    let mut read = ImportBatch { deals: Vec::with_capacity(batch.rows.len()), rejected, digest };
    for row in &batch.rows {
        match deal::row(row.deal.as_ref(), currency) {
            Ok(deal) => read.deals.push((row.row_number, deal)),
            Err(fault) => {
                let reasons = fault.violations.iter().map(ToString::to_string).collect();
                read.rejected.push(RejectedRow { row: row.row_number, reasons, raw: None });
            }
        }
    }
    read.rejected.sort_by_key(|rejected| rejected.row);
    Ok((read, last))
}

/// Notes row numbers that do not ascend or come twice; answers the last.
fn row_numbers(check: &mut Check, batch: &v1::DealBatch, last: i64) -> i64 {
    let mut seen = BTreeSet::new();
    let rows: Vec<i64> = batch.rows.iter().map(|row| row.row_number).collect();
    let rejected: Vec<i64> = batch.rejected_rows.iter().map(|row| row.row_number).collect();
    for (field, numbers) in [("rows", rows), ("rejected_rows", rejected)] {
        let mut before = last;
        for (place, number) in numbers.into_iter().enumerate() {
            let field = format!("batch.{field}[{place}].row_number");
            if number <= before {
                check.add(&field, format!("must be above the row before it, {before}, got {number}"));
            } else if !seen.insert(number) {
                check.add(&field, format!("must not be among rows too, got {number}"));
            }
            before = before.max(number);
        }
    }
    seen.last().copied().unwrap_or(last)
}

fn set_aside(check: &mut Check, place: usize, wire: &v1::RejectedRow) -> RejectedRow {
    let at = format!("batch.rejected_rows[{place}]");
    if wire.raw.len() > MAX_RAW {
        check.add(&format!("{at}.raw"), format!("must be at most {MAX_RAW} bytes, got {}", wire.raw.len()));
    }
    if wire.raw.contains('\0') {
        check.add(&format!("{at}.raw"), "must not contain the zero character");
    }
    for (place, reason) in wire.reasons.iter().enumerate() {
        check.plain(&format!("{at}.reasons[{place}]"), reason);
    }
    let raw = (!wire.raw.is_empty()).then(|| wire.raw.clone());
    RejectedRow { row: wire.row_number, reasons: wire.reasons.clone(), raw }
}

/// Reads a request for rejected rows: of which change.
pub fn list_rejected(request: &v1::ListRejectedRowsRequest) -> Result<(i64, Page), Fault> {
    read(|check| {
        if request.change_number < 1 {
            check.add("change_number", format!("must be above zero, got {}", request.change_number));
        }
        Some((
            request.change_number,
            check.page(request.page_size, request.as_of_change, request.min_change)?,
        ))
    })
}

/// A rejected row as the contract says it.
pub fn rejected_wire(row: &RejectedRow) -> v1::RejectedRow {
    v1::RejectedRow { row_number: row.row, reasons: row.reasons.clone(), raw: text(row.raw.as_ref()) }
}

/// What an import did as the contract says it.
pub fn receipt_wire(import: &ImportReceipt) -> v1::ImportDealsResponse {
    let total = |total: &ControlTotal| v1::ControlTotal {
        r#type: deal::event_kind_wire(total.kind).into(),
        events: count(total.events),
        sum: Some(money(total.sum, total.currency)),
    };
    v1::ImportDealsResponse {
        receipt: Some(receipt(&import.deals.receipt)),
        events_written: count(import.deals.events_written),
        events_stale: count(import.deals.events_stale),
        rows: count(import.rows),
        rejected: count(import.rejected),
        control_totals: import.totals.iter().map(total).collect(),
        first_rejected: import.first_rejected.iter().map(rejected_wire).collect(),
    }
}
