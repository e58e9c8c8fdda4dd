//! `QuotaService`: proposals of quotas, and quotas that move.

use tonic::{Request, Response, Status};

use crate::api::convert::proposal::{self as convert, COMPARE, FIGURES, LIST};
use crate::api::convert::{receipt, text};
use crate::api::page::Paging;
use crate::api::{accept, v1};
use crate::app::{App, AsOf};

pub(super) async fn propose(
    app: &App,
    request: Request<v1::ProposeQuotasRequest>,
) -> Result<Response<v1::ProposeQuotasResponse>, Status> {
    let (call, request) = accept(request)?;
    let calendar = app.calendar(&call).await?;
    let (write, asked) = convert::propose(&request, &calendar)?;
    let proposed = app.propose_quotas(&call, write, asked).await?;
    Ok(Response::new(convert::proposed(&proposed)))
}

pub(super) async fn get(
    app: &App,
    request: Request<v1::GetQuotaProposalRequest>,
) -> Result<Response<v1::GetQuotaProposalResponse>, Status> {
    let (call, request) = accept(request)?;
    let (as_of, id) = convert::get(&request)?;
    let calendar = app.calendar_since(&call, request.min_change).await?;
    let standing = app.proposal(&call, as_of, &id).await?;
    let proposal = Some(convert::wire(&standing, &calendar));
    Ok(Response::new(v1::GetQuotaProposalResponse { proposal, as_of_change: standing.as_of }))
}

pub(super) async fn list(
    app: &App,
    request: Request<v1::ListQuotaProposalsRequest>,
) -> Result<Response<v1::ListQuotaProposalsResponse>, Status> {
    let (call, request) = accept(request)?;
    let (page, token) = (convert::list(&request)?, request.page_token.clone());
    let parameters = v1::ListQuotaProposalsRequest { page_size: 0, page_token: String::new(), ..request };
    let paging = Paging::new(&call, LIST, &parameters);
    let page = paging.open(page, &token)?;
    let calendar = app.calendar_since(&call, parameters.min_change).await?;
    let listed = app.proposals(&call, page).await?;
    let (proposals, next_page_token) =
        paging.page(&listed, |stored| convert::header(&stored.value, stored.added_in, &calendar));
    let as_of_change = listed.as_of;
    Ok(Response::new(v1::ListQuotaProposalsResponse { proposals, next_page_token, as_of_change }))
}

pub(super) async fn figures(
    app: &App,
    request: Request<v1::ListProposalFiguresRequest>,
) -> Result<Response<v1::ListProposalFiguresResponse>, Status> {
    let (call, request) = accept(request)?;
    let ((id, manager, page), token) = (convert::figures(&request)?, request.page_token.clone());
    let parameters = v1::ListProposalFiguresRequest { page_size: 0, page_token: String::new(), ..request };
    let paging = Paging::new(&call, FIGURES, &parameters);
    let page = paging.open(page, &token)?;
    let (proposal, listed) = app.proposal_figures(&call, &id, manager.as_ref(), page).await?;
    let terms = &proposal.body.terms;
    let (figures, next_page_token) = paging.page(&listed, |told| convert::figure_wire(told, terms));
    let (as_of_change, currency_code) = (listed.as_of, text(terms.currency));
    Ok(Response::new(v1::ListProposalFiguresResponse {
        figures,
        next_page_token,
        as_of_change,
        currency_code,
    }))
}

pub(super) async fn adjust(
    app: &App,
    request: Request<v1::AdjustQuotaProposalRequest>,
) -> Result<Response<v1::AdjustQuotaProposalResponse>, Status> {
    let (call, request) = accept(request)?;
    let id = convert::adjusted(&request)?;
    let currency = app.proposal(&call, AsOf::default(), &id).await?.proposal.body.terms.currency;
    let (write, changes) = convert::adjust(&request, currency)?;
    let written = app.adjust_proposal(&call, write, id, changes).await?;
    Ok(Response::new(v1::AdjustQuotaProposalResponse { receipt: Some(receipt(&written)) }))
}

pub(super) async fn compare(
    app: &App,
    request: Request<v1::CompareQuotaProposalsRequest>,
) -> Result<Response<v1::CompareQuotaProposalsResponse>, Status> {
    let (call, request) = accept(request)?;
    let ((one, other, page), token) = (convert::compare(&request)?, request.page_token.clone());
    let parameters = v1::CompareQuotaProposalsRequest { page_size: 0, page_token: String::new(), ..request };
    let paging = Paging::new(&call, COMPARE, &parameters);
    let page = paging.open(page, &token)?;
    let (terms, listed) = app.compare_proposals(&call, (&one, &other), page).await?;
    let (figures, next_page_token) =
        paging.page(&listed, |compared| convert::compared_wire(compared, &terms));
    let (as_of_change, currency_code) = (listed.as_of, text(terms.currency));
    Ok(Response::new(v1::CompareQuotaProposalsResponse {
        figures,
        next_page_token,
        as_of_change,
        currency_code,
    }))
}

pub(super) async fn assess(
    app: &App,
    request: Request<v1::AssessQuotaProposalRequest>,
) -> Result<Response<v1::AssessQuotaProposalResponse>, Status> {
    let (call, request) = accept(request)?;
    let (as_of, id) = convert::assess(&request)?;
    let (assessment, as_of) = app.assess_proposal(&call, as_of, &id).await?;
    Ok(Response::new(convert::assessed(&assessment, as_of)))
}

pub(super) async fn publish(
    app: &App,
    request: Request<v1::PublishQuotaProposalRequest>,
) -> Result<Response<v1::PublishQuotaProposalResponse>, Status> {
    let (call, request) = accept(request)?;
    let (write, id) = convert::publish(&request)?;
    let written = app.publish_proposal(&call, write, id).await?;
    Ok(Response::new(v1::PublishQuotaProposalResponse { receipt: Some(receipt(&written)) }))
}

pub(super) async fn move_quota(
    app: &App,
    request: Request<v1::MoveQuotaRequest>,
) -> Result<Response<v1::MoveQuotaResponse>, Status> {
    let (call, request) = accept(request)?;
    let calendar = app.calendar(&call).await?;
    let (write, part) = convert::move_quota(&request, &calendar)?;
    let written = app.move_quota(&call, write, part).await?;
    Ok(Response::new(v1::MoveQuotaResponse { receipt: Some(receipt(&written)) }))
}
