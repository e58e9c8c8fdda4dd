//! `TerritoryService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::receipt;
use crate::api::convert::territory::{self as convert, LIST, RULES};
use crate::api::page::Paging;
use crate::api::v1::territory_service_server::TerritoryService;
use crate::api::{accept, v1};
use crate::app::App;

/// The service over the use cases.
pub struct Territories(pub Arc<App>);

#[tonic::async_trait]
impl TerritoryService for Territories {
    async fn upsert_territories(
        &self,
        request: Request<v1::UpsertTerritoriesRequest>,
    ) -> Result<Response<v1::UpsertTerritoriesResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, territories) = convert::upsert(&request)?;
        let written = self.0.upsert_territories(&call, write, territories).await?;
        Ok(Response::new(v1::UpsertTerritoriesResponse { receipt: Some(receipt(&written)) }))
    }

    async fn get_territory(
        &self,
        request: Request<v1::GetTerritoryRequest>,
    ) -> Result<Response<v1::GetTerritoryResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, id, on) = convert::get(&request)?;
        let (stored, day, as_of_change) = self.0.territory(&call, as_of, &id, on).await?;
        let territory = Some(convert::wire(&stored.value, stored.added_in, day));
        Ok(Response::new(v1::GetTerritoryResponse { territory, as_of_change }))
    }

    async fn list_territories(
        &self,
        request: Request<v1::ListTerritoriesRequest>,
    ) -> Result<Response<v1::ListTerritoriesResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((on, page), token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListTerritoriesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let (listed, day) = self.0.territories(&call, on, paging.open(page, &token)?).await?;
        let (territories, next_page_token) =
            paging.page(&listed, |stored| convert::wire(&stored.value, stored.added_in, day));
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListTerritoriesResponse { territories, next_page_token, as_of_change }))
    }

    async fn set_crediting_rules(
        &self,
        request: Request<v1::SetCreditingRulesRequest>,
    ) -> Result<Response<v1::SetCreditingRulesResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, rules) = convert::set(&request)?;
        let written = self.0.set_crediting_rules(&call, write, rules).await?;
        Ok(Response::new(v1::SetCreditingRulesResponse { receipt: Some(receipt(&written)) }))
    }

    async fn list_crediting_rules(
        &self,
        request: Request<v1::ListCreditingRulesRequest>,
    ) -> Result<Response<v1::ListCreditingRulesResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((on, page), token) = (convert::list_rules(&request)?, request.page_token.clone());
        let parameters = v1::ListCreditingRulesRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, RULES, &parameters);
        let (listed, etag) = self.0.crediting_rules(&call, on, paging.open(page, &token)?).await?;
        let (rules, next_page_token) = paging.page(&listed, convert::rule_wire);
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListCreditingRulesResponse { rules, next_page_token, as_of_change, etag }))
    }

    async fn explain_crediting(
        &self,
        request: Request<v1::ExplainCreditingRequest>,
    ) -> Result<Response<v1::ExplainCreditingResponse>, Status> {
        let (call, request) = accept(request)?;
        let as_of = convert::as_of(&request)?;
        let currency = self.0.currency(&call, as_of, None).await?;
        let subject = convert::explain(&request, currency)?;
        let (credited, as_of_change) = self.0.explain_crediting(&call, as_of, subject).await?;
        let credits = credited.iter().map(convert::crediting_wire).collect();
        Ok(Response::new(v1::ExplainCreditingResponse { credits, as_of_change }))
    }
}
