//! The messages of an import of deals: rows in batches that the contract takes, and an end that is never reached by
//! accident.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use prost::Message as _;
use tokio::sync::mpsc::Receiver;
use tokio_stream::Stream;

use crate::api::v1;

/// Most bytes of a batch, encoded.
const MAX_BYTES: usize = 1 << 20;

/// One row of the file.
pub(super) enum Row {
    Read(Box<v1::DealRow>),
    SetAside(v1::RejectedRow),
}

/// A batch being filled.
#[derive(Default)]
pub(super) struct Batch {
    message: v1::DealBatch,
    bytes: usize,
}

impl Batch {
    /// Adds a row; if there is no room for it, hands out what was there and begins anew with it.
    pub(super) fn add(&mut self, row: Row) -> Option<v1::DealBatch> {
        let bytes = match &row {
            Row::Read(row) => field_bytes(row.encoded_len()),
            Row::SetAside(row) => field_bytes(row.encoded_len()),
        };
        let full = if self.bytes + bytes > MAX_BYTES { self.take() } else { None };
        self.bytes += bytes;
        match row {
            Row::Read(row) => self.message.rows.push(*row),
            Row::SetAside(row) => self.message.rejected_rows.push(row),
        }
        full
    }

    /// What is in it, unless that is nothing.
    pub(super) fn take(&mut self) -> Option<v1::DealBatch> {
        let Batch { message, bytes } = std::mem::take(self);
        (bytes > 0).then_some(message)
    }
}

/// Bytes of a message as a field of another: one of key, its length, itself.
fn field_bytes(message: usize) -> usize {
    1 + prost::length_delimiter_len(message) + message
}

/// What stands in the queue between the reader of the file and the stream.
pub(super) enum Part {
    Message(v1::ImportDealsRequest),
    /// The file was read to its end.
    End,
}

/// The stream of an import. It ends at [`Part::End`] alone: where the reader gave up, the stream stays open until
/// the connection breaks, so that half a file is never taken for a whole one.
pub(super) struct Parts(pub(super) Receiver<Part>);

impl Stream for Parts {
    type Item = v1::ImportDealsRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.0.poll_recv(cx)) {
            Some(Part::Message(message)) => Poll::Ready(Some(message)),
            Some(Part::End) => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
