//! `PlanService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::plan::{self as convert, LIST};
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::plan_service_server::PlanService;
use crate::api::{accept, v1};
use crate::app::App;

/// The service over the use cases.
pub struct Plans(pub Arc<App>);

#[tonic::async_trait]
impl PlanService for Plans {
    async fn publish_plan(
        &self,
        request: Request<v1::PublishPlanRequest>,
    ) -> Result<Response<v1::PublishPlanResponse>, Status> {
        let (call, request) = accept(request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (write, plan, from) = convert::publish(&request, currency)?;
        let (written, version) = self.0.publish_plan(&call, write, plan, from).await?;
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        Ok(Response::new(v1::PublishPlanResponse { receipt: Some(receipt(written)), version }))
    }

    async fn get_plan(
        &self,
        request: Request<v1::GetPlanRequest>,
    ) -> Result<Response<v1::GetPlanResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, id, version) = convert::get(&request)?;
        let (stored, as_of_change) = self.0.plan(&call, as_of, &id, version).await?;
        let plan_version = Some(convert::version_wire(&stored.value, stored.added_in));
        Ok(Response::new(v1::GetPlanResponse { plan_version, as_of_change }))
    }

    async fn list_plans(
        &self,
        request: Request<v1::ListPlansRequest>,
    ) -> Result<Response<v1::ListPlansResponse>, Status> {
        let (call, request) = accept(request)?;
        let (page, token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListPlansRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let listed = self.0.plans(&call, paging.open(page, &token)?).await?;
        let versions =
            listed.items.iter().map(|stored| convert::version_wire(&stored.value, stored.added_in));
        Ok(Response::new(v1::ListPlansResponse {
            plan_versions: versions.collect(),
            next_page_token: paging.next(&listed),
            as_of_change: listed.as_of,
        }))
    }
}
