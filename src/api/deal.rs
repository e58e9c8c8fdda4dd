//! `DealService`.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Request, Response, Status, Streaming};

use crate::api::convert::deal::{self as convert, LIST};
use crate::api::convert::import::{self, LIST_REJECTED};
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::deal_service_server::DealService;
use crate::api::{accept, v1};
use crate::app::App;
use crate::domain::fault::{Fault, Reason};

/// Longest silence within an import, which holds a connection to the database.
const SILENCE: Duration = Duration::from_secs(60);

/// The service over the use cases.
pub struct Deals(pub Arc<App>);

#[tonic::async_trait]
impl DealService for Deals {
    async fn upsert_deals(
        &self,
        request: Request<v1::UpsertDealsRequest>,
    ) -> Result<Response<v1::UpsertDealsResponse>, Status> {
        let (call, request) = accept(request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (write, deals) = convert::upsert(&request, currency)?;
        let written = self.0.upsert_deals(&call, write, deals).await?;
        let events_written = i64::try_from(written.events_written).unwrap_or(i64::MAX);
        let receipt = Some(receipt(&written.receipt));
        let events_stale = i64::try_from(written.events_stale).unwrap_or(i64::MAX);
        Ok(Response::new(v1::UpsertDealsResponse { receipt, events_written, events_stale }))
    }

    async fn import_deals(
        &self,
        request: Request<Streaming<v1::ImportDealsRequest>>,
    ) -> Result<Response<v1::ImportDealsResponse>, Status> {
        let (call, mut messages) = accept(request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let Some(first) = next(&mut messages).await? else {
            return Err(Fault::field("header", "must be the first message of the stream").into());
        };
        let mut import = self.0.import_deals(&call, import::header(&first)?).await?;
        let mut last = 0;
        // An error on the way drops the import, which writes nothing.
        while let Some(message) = next(&mut messages).await? {
            let (batch, last_row) = import::batch(&message, currency, last)?;
            import.add(batch).await?;
            last = last_row;
        }
        Ok(Response::new(import::receipt_wire(&import.finish().await?)))
    }

    async fn get_deal(
        &self,
        request: Request<v1::GetDealRequest>,
    ) -> Result<Response<v1::GetDealResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, id) = convert::get(&request)?;
        let (stored, as_of_change) = self.0.deal(&call, as_of, &id).await?;
        let deal = Some(convert::wire(&stored.value, stored.added_in));
        Ok(Response::new(v1::GetDealResponse { deal, as_of_change }))
    }

    async fn list_deals(
        &self,
        request: Request<v1::ListDealsRequest>,
    ) -> Result<Response<v1::ListDealsResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListDealsRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let listed = self.0.deals(&call, query, paging.open(page, &token)?).await?;
        let (deals, next_page_token) =
            paging.page(&listed, |stored| convert::wire(&stored.value, stored.added_in));
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListDealsResponse { deals, next_page_token, as_of_change }))
    }

    async fn list_rejected_rows(
        &self,
        request: Request<v1::ListRejectedRowsRequest>,
    ) -> Result<Response<v1::ListRejectedRowsResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((change, page), token) = (import::list_rejected(&request)?, request.page_token.clone());
        let parameters = v1::ListRejectedRowsRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST_REJECTED, &parameters);
        let listed = self.0.rejected_rows(&call, change, paging.open(page, &token)?).await?;
        let (rejected_rows, next_page_token) = paging.page(&listed, import::rejected_wire);
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListRejectedRowsResponse { rejected_rows, next_page_token, as_of_change }))
    }
}

/// The next message of a stream, unless its sender has fallen silent.
async fn next<T>(messages: &mut Streaming<T>) -> Result<Option<T>, Status> {
    match tokio::time::timeout(SILENCE, messages.message()).await {
        // The sender is gone; that is no defect of ours, and nobody is left to hear a reason.
        Ok(Err(status)) if status.code() == Code::Unknown => {
            Err(Status::cancelled("the stream broke off; nothing was written"))
        }
        Ok(message) => message,
        Err(_) => {
            let silence = SILENCE.as_secs();
            let message = format!("the stream was silent for {silence} seconds; nothing was written");
            Err(Fault::new(Reason::DeadlineExceeded, message).into())
        }
    }
}
