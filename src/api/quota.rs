//! `QuotaService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::quota::adjust::{self, EXPLAIN, VERSIONS};
use crate::api::convert::quota::{self as convert, LIST};
use crate::api::convert::{earnings, receipt};
use crate::api::page::Paging;
use crate::api::v1::quota_service_server::QuotaService;
use crate::api::{accept, proposal, v1};
use crate::app::{App, Page};
use crate::domain::fault::{Fault, Reason};

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

    async fn adjust_quota(
        &self,
        request: Request<v1::AdjustQuotaRequest>,
    ) -> Result<Response<v1::AdjustQuotaResponse>, Status> {
        let (call, request) = accept(request)?;
        let calendar = self.0.calendar(&call).await?;
        let (write, adjustment) = adjust::adjust(&request, &calendar)?;
        let answer = self.0.adjust_quota(&call, write, adjustment).await?;
        Ok(Response::new(adjust::adjusted_wire(&answer)))
    }

    async fn list_quota_versions(
        &self,
        request: Request<v1::ListQuotaVersionsRequest>,
    ) -> Result<Response<v1::ListQuotaVersionsResponse>, Status> {
        let (call, request) = accept(request)?;
        let calendar = self.0.calendar_since(&call, request.min_change).await?;
        let ((key, page), token) = (adjust::versions(&request, &calendar)?, request.page_token.clone());
        let parameters = v1::ListQuotaVersionsRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, VERSIONS, &parameters);
        let listed = self.0.quota_versions(&call, &key, paging.open(page, &token)?).await?;
        let wire = |version: &_| adjust::version_wire(version, &calendar);
        let (versions, next_page_token) = paging.page(&listed, wire);
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListQuotaVersionsResponse { versions, next_page_token, as_of_change }))
    }

    async fn explain_quota(
        &self,
        request: Request<v1::ExplainQuotaRequest>,
    ) -> Result<Response<v1::ExplainQuotaResponse>, Status> {
        let (call, request) = accept(request)?;
        let calendar = self.0.calendar_since(&call, request.min_change).await?;
        let mut query = adjust::explain(&request, &calendar)?;
        let paging = |path: &str| {
            let parameters = v1::ExplainQuotaRequest {
                path: path.into(),
                depth: 0,
                page_size: 0,
                page_token: String::new(),
                ..request.clone()
            };
            Paging::new(&call, EXPLAIN, &parameters)
        };
        let first = Page { as_of: query.as_of, after: None, size: query.size };
        let page = paging(&query.path).open(first, &request.page_token)?;
        let foreign = || Fault::new(Reason::PageTokenInvalid, "the page token is none of ours");
        query.as_of = page.as_of;
        if let Some(after) = &page.after {
            query.skip = earnings::children_after(after).ok_or_else(foreign)?.1;
        }
        let (start, skip, period) = (query.path.clone(), query.skip, query.window.first());
        let explained = self.0.explain_quota(&call, query).await?;
        let place = (explained.as_of, period);
        let mut explanation = earnings::explanation_wire(&explained.explanation, skip, place, &paging);
        if !explanation.next_page_token.is_empty() {
            // The caller goes on with the path it asked for, which for the whole is empty.
            let next = skip.saturating_add(explained.explanation.children.len());
            explanation.next_page_token = earnings::children_token(&paging(&start), place, next);
        }
        Ok(Response::new(v1::ExplainQuotaResponse {
            text: earnings::explanation_text(&explained.explanation, skip),
            explanation: Some(explanation),
            as_of_change: explained.as_of,
            rules_revision: i32::try_from(explained.rules_revision).unwrap_or(i32::MAX),
        }))
    }

    async fn propose_quotas(
        &self,
        request: Request<v1::ProposeQuotasRequest>,
    ) -> Result<Response<v1::ProposeQuotasResponse>, Status> {
        proposal::propose(&self.0, request).await
    }

    async fn get_quota_proposal(
        &self,
        request: Request<v1::GetQuotaProposalRequest>,
    ) -> Result<Response<v1::GetQuotaProposalResponse>, Status> {
        proposal::get(&self.0, request).await
    }

    async fn list_quota_proposals(
        &self,
        request: Request<v1::ListQuotaProposalsRequest>,
    ) -> Result<Response<v1::ListQuotaProposalsResponse>, Status> {
        proposal::list(&self.0, request).await
    }

    async fn list_proposal_figures(
        &self,
        request: Request<v1::ListProposalFiguresRequest>,
    ) -> Result<Response<v1::ListProposalFiguresResponse>, Status> {
        proposal::figures(&self.0, request).await
    }

    async fn adjust_quota_proposal(
        &self,
        request: Request<v1::AdjustQuotaProposalRequest>,
    ) -> Result<Response<v1::AdjustQuotaProposalResponse>, Status> {
        proposal::adjust(&self.0, request).await
    }

    async fn compare_quota_proposals(
        &self,
        request: Request<v1::CompareQuotaProposalsRequest>,
    ) -> Result<Response<v1::CompareQuotaProposalsResponse>, Status> {
        proposal::compare(&self.0, request).await
    }

    async fn assess_quota_proposal(
        &self,
        request: Request<v1::AssessQuotaProposalRequest>,
    ) -> Result<Response<v1::AssessQuotaProposalResponse>, Status> {
        proposal::assess(&self.0, request).await
    }

    async fn publish_quota_proposal(
        &self,
        request: Request<v1::PublishQuotaProposalRequest>,
    ) -> Result<Response<v1::PublishQuotaProposalResponse>, Status> {
        proposal::publish(&self.0, request).await
    }

    async fn move_quota(
        &self,
        request: Request<v1::MoveQuotaRequest>,
    ) -> Result<Response<v1::MoveQuotaResponse>, Status> {
        proposal::move_quota(&self.0, request).await
    }
}
