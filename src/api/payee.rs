//! `PayeeService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::payee::{self as convert, LINE, LIST};
use crate::api::convert::{receipt, text};
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
        Ok(Response::new(v1::UpsertPayeesResponse { receipt: Some(receipt(&written)) }))
    }

    async fn get_payee(
        &self,
        request: Request<v1::GetPayeeRequest>,
    ) -> Result<Response<v1::GetPayeeResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, id, on) = convert::get(&request)?;
        let found = self.0.payee(&call, as_of, &id, on).await?;
        let payee = Some(convert::wire_on(&found.value.value, found.value.added_in, found.day));
        let (as_of_change, on_date) = (found.as_of, text(found.day));
        Ok(Response::new(v1::GetPayeeResponse { payee, as_of_change, on_date }))
    }

    async fn list_payees(
        &self,
        request: Request<v1::ListPayeesRequest>,
    ) -> Result<Response<v1::ListPayeesResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListPayeesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let found = self.0.payees(&call, query, paging.open(page, &token)?).await?;
        let (listed, day) = (found.value, found.day);
        let (payees, next_page_token) =
            paging.page(&listed, |stored| convert::wire_on(&stored.value, stored.added_in, day));
        let (as_of_change, on_date) = (listed.as_of, text(day));
        Ok(Response::new(v1::ListPayeesResponse { payees, next_page_token, as_of_change, on_date }))
    }

    async fn get_reporting_line(
        &self,
        request: Request<v1::GetReportingLineRequest>,
    ) -> Result<Response<v1::GetReportingLineResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((id, on, page), token) = (convert::line(&request)?, request.page_token.clone());
        let parameters = v1::GetReportingLineRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LINE, &parameters);
        let line = self.0.reporting_line(&call, &id, on, paging.open(page, &token)?).await?;
        let (reports, next_page_token) = paging.page(&line.reports, convert::report_wire);
        Ok(Response::new(v1::GetReportingLineResponse {
            managers: convert::managers_wire(&line.managers),
            reports,
            next_page_token,
            as_of_change: line.reports.as_of,
            on_date: line.day.to_string(),
        }))
    }

    async fn reassign_reports(
        &self,
        request: Request<v1::ReassignReportsRequest>,
    ) -> Result<Response<v1::ReassignReportsResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, asked) = convert::reassign(&request)?;
        let moved = self.0.reassign_reports(&call, write, asked).await?;
        let payee_ids = moved.reports.iter().map(ToString::to_string).collect();
        Ok(Response::new(v1::ReassignReportsResponse { receipt: Some(receipt(&moved.receipt)), payee_ids }))
    }

    async fn terminate_payee(
        &self,
        request: Request<v1::TerminatePayeeRequest>,
    ) -> Result<Response<v1::TerminatePayeeResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, asked) = convert::terminate(&request)?;
        let moved = self.0.terminate_payee(&call, write, asked).await?;
        let payee_ids = moved.reports.iter().map(ToString::to_string).collect();
        Ok(Response::new(v1::TerminatePayeeResponse { receipt: Some(receipt(&moved.receipt)), payee_ids }))
    }
}
