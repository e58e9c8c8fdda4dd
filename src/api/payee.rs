//! `PayeeService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::payee::{self as convert, LIST};
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::payee_service_server::PayeeService;
use crate::api::{accept, v1};
use crate::app::App;

/// The service over the use cases.
pub struct Payees(pub Arc<App>);

#[tonic::async_trait]
impl PayeeService for Payees {
    async fn upsert_payees(
        &self,
        request: Request<v1::UpsertPayeesRequest>,
    ) -> Result<Response<v1::UpsertPayeesResponse>, Status> {
        let (call, request) = accept(request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (write, payees) = convert::upsert(&request, currency)?;
        let written = self.0.upsert_payees(&call, write, payees).await?;
        Ok(Response::new(v1::UpsertPayeesResponse { receipt: Some(receipt(written)) }))
    }

    async fn get_payee(
        &self,
        request: Request<v1::GetPayeeRequest>,
    ) -> Result<Response<v1::GetPayeeResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, id) = convert::get(&request)?;
        let (stored, as_of_change) = self.0.payee(&call, as_of, &id).await?;
        let payee = Some(convert::wire(&stored.value, stored.added_in));
        Ok(Response::new(v1::GetPayeeResponse { payee, as_of_change }))
    }

    async fn list_payees(
        &self,
        request: Request<v1::ListPayeesRequest>,
    ) -> Result<Response<v1::ListPayeesResponse>, Status> {
        let (call, request) = accept(request)?;
        let (page, token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListPayeesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let listed = self.0.payees(&call, paging.open(page, &token)?).await?;
        Ok(Response::new(v1::ListPayeesResponse {
            payees: listed.items.iter().map(|stored| convert::wire(&stored.value, stored.added_in)).collect(),
            next_page_token: paging.next(&listed),
            as_of_change: listed.as_of,
        }))
    }
}
