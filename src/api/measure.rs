//! `MeasureService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::measure::{self as convert, LIST};
use crate::api::convert::outside;
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::measure_service_server::MeasureService;
use crate::api::{accept, v1};
use crate::app::App;

/// The service over the use cases.
pub struct Measures(pub Arc<App>);

#[tonic::async_trait]
impl MeasureService for Measures {
    async fn define_measures(
        &self,
        request: Request<v1::DefineMeasuresRequest>,
    ) -> Result<Response<v1::DefineMeasuresResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, measures) = convert::define(&request)?;
        let written = self.0.define_measures(&call, write, measures).await?;
        Ok(Response::new(v1::DefineMeasuresResponse { receipt: Some(receipt(&written)) }))
    }

    async fn list_measures(
        &self,
        request: Request<v1::ListMeasuresRequest>,
    ) -> Result<Response<v1::ListMeasuresResponse>, Status> {
        let (call, request) = accept(request)?;
        let (page, token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListMeasuresRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let listed = self.0.measures(&call, paging.open(page, &token)?).await?;
        let (measures, next_page_token) =
            paging.page(&listed, |stored| convert::wire(&stored.value, stored.added_in));
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListMeasuresResponse { measures, next_page_token, as_of_change }))
    }

    async fn record_values(
        &self,
        request: Request<v1::RecordValuesRequest>,
    ) -> Result<Response<v1::RecordValuesResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, values) = outside::record(&request)?;
        let written = self.0.record_values(&call, write, values).await?;
        Ok(Response::new(v1::RecordValuesResponse { receipt: Some(receipt(&written)) }))
    }

    async fn list_values(
        &self,
        request: Request<v1::ListValuesRequest>,
    ) -> Result<Response<v1::ListValuesResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (outside::list(&request)?, request.page_token.clone());
        let parameters = v1::ListValuesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, outside::LIST, &parameters);
        let listed = self.0.values(&call, query, paging.open(page, &token)?).await?;
        let (values, next_page_token) =
            paging.page(&listed, |stored| outside::wire(&stored.value, stored.added_in));
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListValuesResponse { values, next_page_token, as_of_change }))
    }
}
