//! `AdminService`.

use std::sync::Arc;

use tokio_stream::StreamExt as _;
use tokio_stream::adapters::Map;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::api::convert::admin::{self as convert, LIST_KEYS};
use crate::api::convert::exchange;
use crate::api::convert::journal::{self, LIST_CHANGES, LIST_TOUCHED};
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::admin_service_server::AdminService;
use crate::api::{accept, v1};
use crate::app::App;
use crate::app::journal::ToldChange;
use crate::domain::fault::Fault;

/// The service over the use cases.
pub struct Admin(pub Arc<App>);

type Told = Result<ToldChange, Fault>;
type Step = Result<v1::WatchChangesResponse, Status>;

#[tonic::async_trait]
impl AdminService for Admin {
    type WatchChangesStream = Map<ReceiverStream<Told>, fn(Told) -> Step>;

    async fn set_calendar(
        &self,
        request: Request<v1::SetCalendarRequest>,
    ) -> Result<Response<v1::SetCalendarResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, calendar) = convert::set_calendar(&request)?;
        let written = self.0.set_calendar(&call, write, calendar).await?;
        Ok(Response::new(v1::SetCalendarResponse { receipt: Some(receipt(&written)) }))
    }

    async fn get_calendar(
        &self,
        request: Request<v1::GetCalendarRequest>,
    ) -> Result<Response<v1::GetCalendarResponse>, Status> {
        let (call, request) = accept(request)?;
        let as_of = convert::get_calendar(&request)?;
        let (stored, as_of_change) = self.0.get_calendar(&call, as_of).await?;
        let calendar = Some(convert::calendar_wire(&stored.value, stored.added_in));
        Ok(Response::new(v1::GetCalendarResponse { calendar, as_of_change }))
    }

    async fn create_key(
        &self,
        request: Request<v1::CreateKeyRequest>,
    ) -> Result<Response<v1::CreateKeyResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, key) = convert::create_key(&request)?;
        let (written, key_id, secret) = self.0.create_key(&call, write, key).await?;
        // Of a key that was not made, an id that nobody gave means nothing.
        let given = request.key.filter(|_| request.validate_only).map(|key| key.key_id);
        Ok(Response::new(v1::CreateKeyResponse {
            receipt: Some(receipt(&written)),
            key_id: given.unwrap_or_else(|| key_id.to_string()),
            secret_key: secret.map_or_else(String::new, |secret| secret.reveal().to_string()),
        }))
    }

    async fn revoke_key(
        &self,
        request: Request<v1::RevokeKeyRequest>,
    ) -> Result<Response<v1::RevokeKeyResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, key) = convert::revoke_key(&request)?;
        let written = self.0.revoke_key(&call, write, key).await?;
        Ok(Response::new(v1::RevokeKeyResponse { receipt: Some(receipt(&written)) }))
    }

    async fn list_keys(
        &self,
        request: Request<v1::ListKeysRequest>,
    ) -> Result<Response<v1::ListKeysResponse>, Status> {
        let (call, request) = accept(request)?;
        let (page, token) = (convert::list_keys(&request)?, request.page_token.clone());
        let parameters = v1::ListKeysRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST_KEYS, &parameters);
        let listed = self.0.keys(&call, paging.open(page, &token)?).await?;
        let (keys, next_page_token) = paging.page(&listed, |key| v1::Key {
            key_id: key.id.to_string(),
            role: convert::role_wire(&key.role).into(),
            payee_id: key.payee.as_ref().map_or_else(String::new, ToString::to_string),
            label: key.label.clone().unwrap_or_default(),
            revoked: key.revoked,
        });
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListKeysResponse { keys, next_page_token, as_of_change }))
    }

    async fn set_exchange_rates(
        &self,
        request: Request<v1::SetExchangeRatesRequest>,
    ) -> Result<Response<v1::SetExchangeRatesResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, rates) = exchange::set(&request)?;
        let written = self.0.set_exchange_rates(&call, write, rates).await?;
        Ok(Response::new(v1::SetExchangeRatesResponse { receipt: Some(receipt(&written)) }))
    }

    async fn list_exchange_rates(
        &self,
        request: Request<v1::ListExchangeRatesRequest>,
    ) -> Result<Response<v1::ListExchangeRatesResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (exchange::list(&request)?, request.page_token.clone());
        let parameters = v1::ListExchangeRatesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, exchange::LIST, &parameters);
        let listed = self.0.exchange_rates(&call, query, paging.open(page, &token)?).await?;
        let (exchange_rates, next_page_token) =
            paging.page(&listed, |stored| exchange::wire(&stored.value, stored.added_in));
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListExchangeRatesResponse { exchange_rates, next_page_token, as_of_change }))
    }

    async fn list_changes(
        &self,
        request: Request<v1::ListChangesRequest>,
    ) -> Result<Response<v1::ListChangesResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (journal::list_changes(&request)?, request.page_token.clone());
        let parameters = v1::ListChangesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST_CHANGES, &parameters);
        let listed = self.0.changes(&call, &query, paging.open(page, &token)?).await?;
        let (changes, next_page_token) = paging.page(&listed, journal::change_wire);
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListChangesResponse { changes, next_page_token, as_of_change }))
    }

    async fn list_touched(
        &self,
        request: Request<v1::ListTouchedRequest>,
    ) -> Result<Response<v1::ListTouchedResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((change, noun, page), token) = (journal::list_touched(&request)?, request.page_token.clone());
        let parameters = v1::ListTouchedRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST_TOUCHED, &parameters);
        let listed = self.0.touched(&call, change, noun, paging.open(page, &token)?).await?;
        let (next_page_token, as_of_change) =
            (paging.token(listed.as_of, listed.next.as_deref()), listed.as_of);
        Ok(Response::new(v1::ListTouchedResponse { keys: listed.items, next_page_token, as_of_change }))
    }

    async fn watch_changes(
        &self,
        request: Request<v1::WatchChangesRequest>,
    ) -> Result<Response<Self::WatchChangesStream>, Status> {
        let (call, request) = accept(request)?;
        let changes = self.0.watch_changes(&call, journal::watch_changes(&request)?).await?;
        let step: fn(Told) -> Step =
            |told| Ok(v1::WatchChangesResponse { change: Some(journal::change_wire(&told?)) });
        Ok(Response::new(ReceiverStream::new(changes).map(step)))
    }

    async fn find_change(
        &self,
        request: Request<v1::FindChangeRequest>,
    ) -> Result<Response<v1::FindChangeResponse>, Status> {
        let (call, request) = accept(request)?;
        let (instant, as_of) = journal::find_change(&request)?;
        let (found, as_of_change) = self.0.find_change(&call, as_of, instant).await?;
        Ok(Response::new(v1::FindChangeResponse {
            change_number: found.map_or(0, |(number, _)| number),
            change_time: found.map(|(_, time)| journal::timestamp(time)),
            as_of_change,
        }))
    }

    async fn get_anchor(
        &self,
        request: Request<v1::GetAnchorRequest>,
    ) -> Result<Response<v1::GetAnchorResponse>, Status> {
        let (call, request) = accept(request)?;
        let (anchor, time) = self.0.anchor(&call, journal::get_anchor(&request)?).await?;
        Ok(Response::new(v1::GetAnchorResponse {
            anchor: anchor.to_string(),
            change_time: Some(journal::timestamp(time)),
            as_of_change: anchor.number,
        }))
    }

    async fn erase_personal_data(
        &self,
        request: Request<v1::ErasePersonalDataRequest>,
    ) -> Result<Response<v1::ErasePersonalDataResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, subjects) = convert::erase(&request)?;
        let erased = self.0.erase(&call, write, subjects).await?;
        Ok(Response::new(v1::ErasePersonalDataResponse { receipt: Some(receipt(&erased)) }))
    }

    async fn verify_journal(
        &self,
        request: Request<v1::VerifyJournalRequest>,
    ) -> Result<Response<v1::VerifyJournalResponse>, Status> {
        let (call, request) = accept(request)?;
        let (anchors, min) = journal::verify(&request)?;
        let verified = self.0.verify(&call, &anchors, min).await?;
        Ok(Response::new(journal::verified_wire(verified, &anchors)))
    }
}
