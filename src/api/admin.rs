//! `AdminService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::admin::{self as convert, LIST_CHANGES, LIST_KEYS};
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::admin_service_server::AdminService;
use crate::api::{accept, v1};
use crate::app::App;

/// The service over the use cases.
pub struct Admin(pub Arc<App>);

#[tonic::async_trait]
impl AdminService for Admin {
    async fn set_calendar(
        &self,
        request: Request<v1::SetCalendarRequest>,
    ) -> Result<Response<v1::SetCalendarResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, calendar) = convert::set_calendar(&request)?;
        let written = self.0.set_calendar(&call, write, calendar).await?;
        Ok(Response::new(v1::SetCalendarResponse { receipt: Some(receipt(written)) }))
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
        Ok(Response::new(v1::CreateKeyResponse {
            receipt: Some(receipt(written)),
            key_id: key_id.to_string(),
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
        Ok(Response::new(v1::RevokeKeyResponse { receipt: Some(receipt(written)) }))
    }

    async fn list_keys(
        &self,
        request: Request<v1::ListKeysRequest>,
    ) -> Result<Response<v1::ListKeysResponse>, Status> {
        let (call, request) = accept(request)?;
        let (page, token) = (convert::list_keys(&request)?, request.page_token.clone());
        let parameters = v1::ListKeysRequest { page_size: 0, page_token: String::new() };
        let paging = Paging::new(&call, LIST_KEYS, &parameters);
        let listed = self.0.keys(&call, paging.open(page, &token)?).await?;
        let keys = listed.items.iter().map(|key| v1::Key {
            key_id: key.id.to_string(),
            role: convert::role_wire(&key.role).into(),
            payee_id: key.payee.as_ref().map_or_else(String::new, ToString::to_string),
            label: key.label.clone().unwrap_or_default(),
            revoked: key.revoked,
        });
        let (keys, next_page_token) = (keys.collect(), paging.next(&listed));
        Ok(Response::new(v1::ListKeysResponse { keys, next_page_token }))
    }

    async fn list_changes(
        &self,
        request: Request<v1::ListChangesRequest>,
    ) -> Result<Response<v1::ListChangesResponse>, Status> {
        let (call, request) = accept(request)?;
        let (page, token) = (convert::list_changes(&request)?, request.page_token.clone());
        let parameters = v1::ListChangesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST_CHANGES, &parameters);
        let listed = self.0.changes(&call, paging.open(page, &token)?).await?;
        let changes = listed
            .items
            .iter()
            .map(|stored| convert::change_wire(&stored.change, &stored.hash, stored.reason.as_ref()));
        let (changes, next_page_token) = (changes.collect(), paging.next(&listed));
        Ok(Response::new(v1::ListChangesResponse { changes, next_page_token }))
    }

    async fn verify_journal(
        &self,
        request: Request<v1::VerifyJournalRequest>,
    ) -> Result<Response<v1::VerifyJournalResponse>, Status> {
        let (call, request) = accept(request)?;
        let verified = self.0.verify(&call, convert::verify(&request)?).await?;
        Ok(Response::new(convert::verified_wire(verified)))
    }
}
