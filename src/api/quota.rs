//! `QuotaService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::quota::{self as convert, LIST};
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::quota_service_server::QuotaService;
use crate::api::{accept, v1};
use crate::app::App;

/// The service over the use cases.
pub struct Quotas(pub Arc<App>);

#[tonic::async_trait]
impl QuotaService for Quotas {
    async fn set_quotas(
        &self,
        request: Request<v1::SetQuotasRequest>,
    ) -> Result<Response<v1::SetQuotasResponse>, Status> {
        let (call, request) = accept(request)?;
        let calendar = self.0.calendar(&call).await?;
        let (write, quotas) = convert::set(&request, &calendar)?;
        let written = self.0.set_quotas(&call, write, quotas).await?;
        Ok(Response::new(v1::SetQuotasResponse { receipt: Some(receipt(&written)) }))
    }

    async fn get_quota(
        &self,
        request: Request<v1::GetQuotaRequest>,
    ) -> Result<Response<v1::GetQuotaResponse>, Status> {
        let (call, request) = accept(request)?;
        let calendar = self.0.calendar_since(&call, request.min_change).await?;
        let (as_of, key) = convert::get(&request, &calendar)?;
        let (stored, as_of_change) = self.0.quota(&call, as_of, &key).await?;
        let quota = Some(convert::wire(&stored.value, stored.added_in, &calendar));
        Ok(Response::new(v1::GetQuotaResponse { quota, as_of_change }))
    }

    async fn list_quotas(
        &self,
        request: Request<v1::ListQuotasRequest>,
    ) -> Result<Response<v1::ListQuotasResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListQuotasRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let page = paging.open(page, &token)?;
        let calendar = self.0.calendar_since(&call, parameters.min_change).await?;
        let listed = self.0.quotas(&call, query, page).await?;
        let (quotas, next_page_token) =
            paging.page(&listed, |stored| convert::wire(&stored.value, stored.added_in, &calendar));
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListQuotasResponse { quotas, next_page_token, as_of_change }))
    }
}
