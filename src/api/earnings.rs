//! `EarningsService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::earnings::{self as convert, EXPLAIN};
use crate::api::convert::team::{self, TEAM};
use crate::api::convert::{estimate, statement_page};
use crate::api::page::Paging;
use crate::api::v1::earnings_service_server::EarningsService;
use crate::api::{accept, v1};
use crate::app::{App, Page};
use crate::domain::fault::{Fault, Reason};

/// The service over the use cases.
pub struct Earnings(pub Arc<App>);

#[tonic::async_trait]
impl EarningsService for Earnings {
    async fn get_attainment(
        &self,
        request: Request<v1::GetAttainmentRequest>,
    ) -> Result<Response<v1::GetAttainmentResponse>, Status> {
        let (call, request) = accept(request)?;
        let query = convert::attainment(&request)?;
        let answer = self.0.attainment(&call, query).await?;
        Ok(Response::new(convert::attainment_wire(answer)))
    }

    async fn get_team_attainment(
        &self,
        request: Request<v1::GetTeamAttainmentRequest>,
    ) -> Result<Response<v1::GetTeamAttainmentResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((mut query, page), token) = (team::attainment(&request)?, request.page_token.clone());
        let parameters = v1::GetTeamAttainmentRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, TEAM, &parameters);
        let mut page = paging.open(page, &token)?;
        let foreign = || Fault::new(Reason::PageTokenInvalid, "the page token is none of ours");
        if let Some(after) = &page.after {
            let (period, on, payee) = team::members_after(after).ok_or_else(foreign)?;
            (query.period, query.on, page.after) = (Some(period), Some(on), Some(payee));
        }
        let answer = self.0.team_attainment(&call, query, page).await?;
        let (members, next) = paging.page(&answer.members, team::member_wire);
        Ok(Response::new(team::wire(answer, members, next)))
    }

    async fn get_statement(
        &self,
        request: Request<v1::GetStatementRequest>,
    ) -> Result<Response<v1::GetStatementResponse>, Status> {
        let (call, request) = accept(request)?;
        let (payee, period, as_of) = convert::statement(&request)?;
        if request.include_standing {
            let sheet = self.0.statement_sheet(&call, payee, period, as_of).await?;
            return Ok(Response::new(statement_page::standing_wire(sheet)));
        }
        let (statement, closed, as_of_change) = self.0.statement(&call, payee, period, as_of).await?;
        let statement = Some(convert::statement_wire(statement, closed));
        Ok(Response::new(v1::GetStatementResponse { statement, as_of_change, ..Default::default() }))
    }

    async fn get_statement_page(
        &self,
        request: Request<v1::GetStatementPageRequest>,
    ) -> Result<Response<v1::GetStatementPageResponse>, Status> {
        let (call, request) = accept(request)?;
        let (payee, period, as_of) = statement_page::asked(&request)?;
        let sheet = self.0.statement_sheet(&call, payee, period, as_of).await?;
        let answer = statement_page::standing_wire(sheet);
        let names = self.0.names(&call, answer.as_of_change, &statement_page::named(&answer)).await?;
        Ok(Response::new(statement_page::wire(answer, &names)))
    }

    async fn explain_earning(
        &self,
        request: Request<v1::ExplainEarningRequest>,
    ) -> Result<Response<v1::ExplainEarningResponse>, Status> {
        let (call, request) = accept(request)?;
        let mut query = convert::explain(&request)?;
        // A page of a node's children is the same however deep the answer goes and wherever it was come from.
        let paging = |path: &str| {
            let parameters = v1::ExplainEarningRequest {
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
            let (period, skip) = convert::children_after(after).ok_or_else(foreign)?;
            (query.period, query.skip) = (Some(period), skip);
        }
        let (start, skip) = (query.path.clone(), query.skip);
        let explained = self.0.explain(&call, query).await?;
        let place = (explained.as_of, explained.period);
        let mut explanation = convert::explanation_wire(&explained.explanation, skip, place, &paging);
        if !explanation.next_page_token.is_empty() {
            // The caller goes on with the path it asked for, which for the whole is empty.
            let next = skip.saturating_add(explained.explanation.children.len());
            explanation.next_page_token = convert::children_token(&paging(&start), place, next);
        }
        Ok(Response::new(v1::ExplainEarningResponse {
            text: convert::explanation_text(&explained.explanation, skip),
            explanation: Some(explanation),
            as_of_change: explained.as_of,
            rules_revision: i32::try_from(explained.rules_revision).unwrap_or(i32::MAX),
            digest: explained.digest,
            period: explained.period.to_string(),
        }))
    }

    async fn estimate_deal(
        &self,
        request: Request<v1::EstimateDealRequest>,
    ) -> Result<Response<v1::EstimateDealResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, deal) = (estimate::as_of(&request)?, estimate::stored(&request));
        let currency = self.0.currency(&call, as_of, deal.as_ref()).await?;
        let query = estimate::estimate(&request, currency)?;
        Ok(Response::new(estimate::wire(self.0.estimate(&call, query).await?)))
    }
}
