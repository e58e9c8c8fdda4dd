//! `PlanService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::draft::{self, Given, Other};
use crate::api::convert::plan::{self as convert, LIST, Publication};
use crate::api::convert::plan_diff::diff;
use crate::api::convert::plan_test;
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::plan_service_server::PlanService;
use crate::api::{accept, v1};
use crate::app::plan_test::refuse_failed;
use crate::app::{App, AsOf, Call};
use crate::domain::date::Period;
use crate::domain::fault::Fault;
use crate::domain::id::PlanId;
use crate::domain::measure::Measure;
use crate::domain::plan::{Plan, PlanVersion};

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
        let (write, publication) = convert::publish(&request, currency)?;
        let (sketch, from, draft) = match publication {
            Publication::Plan(sketch, from) => (sketch, from, None),
            Publication::Draft(id, etag, from) => {
                let draft = self.0.draft_of_change(&call, &id, etag).await?;
                let from = from.or(draft.effective_from).ok_or_else(effective_from_open)?;
                (convert::sketch(&draft::body(&draft)?, currency), from, Some(id))
            }
        };
        let tests = |plan: &Plan, measures: &[Measure]| {
            refuse_failed(&plan.id, &plan_test::cases(&request.tests, plan, measures)?)
        };
        let (written, version) = self.0.publish_plan(&call, write, sketch, from, draft, tests).await?;
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        Ok(Response::new(v1::PublishPlanResponse { receipt: Some(receipt(&written)), version }))
    }

    async fn get_plan(
        &self,
        request: Request<v1::GetPlanRequest>,
    ) -> Result<Response<v1::GetPlanResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, id, which) = convert::get(&request)?;
        let (stored, as_of_change) = self.0.plan(&call, as_of, &id, which).await?;
        let plan_version = Some(convert::version_wire(&stored.value, stored.added_in));
        Ok(Response::new(v1::GetPlanResponse { plan_version, as_of_change }))
    }

    async fn list_plans(
        &self,
        request: Request<v1::ListPlansRequest>,
    ) -> Result<Response<v1::ListPlansResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((on, page), token) = (convert::list(&request)?, request.page_token.clone());
        let parameters = v1::ListPlansRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, LIST, &parameters);
        let listed = self.0.plans(&call, on, paging.open(page, &token)?).await?;
        let (plan_versions, next_page_token) =
            paging.page(&listed, |stored| convert::version_wire(&stored.value, stored.added_in));
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListPlansResponse { plan_versions, next_page_token, as_of_change }))
    }

    async fn validate_plan(
        &self,
        request: Request<v1::ValidatePlanRequest>,
    ) -> Result<Response<v1::ValidatePlanResponse>, Status> {
        let (call, request) = accept(request)?;
        let (given, from, as_of) = draft::validate(&request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (plan, planned, as_of) = self.given(&call, given, as_of).await?;
        let from = from.or(planned).ok_or_else(effective_from_open)?;
        let sketch = convert::sketch(&plan, currency);
        let plan = convert::canonical(&plan, &sketch, currency);
        let judged = self.0.validate_plan(&call, as_of, sketch, Some(from)).await?;
        let base = judged.base.as_ref().map(convert::side);
        let diff = diff(base.as_ref(), &(0, plan))?;
        Ok(Response::new(draft::judged_wire(judged, diff)))
    }

    async fn test_plan(
        &self,
        request: Request<v1::TestPlanRequest>,
    ) -> Result<Response<v1::TestPlanResponse>, Status> {
        let (call, request) = accept(request)?;
        let (given, measures, as_of) = plan_test::test(&request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (plan, _, as_of) = self.given(&call, given, as_of).await?;
        let sketch = convert::sketch(&plan, currency);
        let given = (measures, plan_test::other_plans(&request.tests, currency));
        let (plan, measures, as_of_change) = self.0.plan_to_test(&call, as_of, sketch, given).await?;
        let cases = plan_test::cases(&request.tests, &plan, &measures)?;
        let (outcomes, rules_revision) = self.0.run_tests(cases).await?;
        Ok(Response::new(plan_test::outcomes_wire(&outcomes, as_of_change, rules_revision)))
    }

    async fn diff_plans(
        &self,
        request: Request<v1::DiffPlansRequest>,
    ) -> Result<Response<v1::DiffPlansResponse>, Status> {
        let (call, request) = accept(request)?;
        let (id, from_version, other, as_of) = draft::diff(&request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (versions, as_of_change) = self.0.plan_versions(&call, as_of, &id).await?;
        let old = convert::side(version(&versions, &id, from_version)?);
        let new = match other {
            Other::Version(number) => convert::side(version(&versions, &id, number)?),
            Other::Given(given) => {
                let (plan, _, _) = self.given(&call, given, AsOf::from(as_of_change)).await?;
                (0, convert::canonical(&plan, &convert::sketch(&plan, currency), currency))
            }
        };
        Ok(Response::new(v1::DiffPlansResponse { diff: Some(diff(Some(&old), &new)?), as_of_change }))
    }

    async fn save_draft(
        &self,
        request: Request<v1::SaveDraftRequest>,
    ) -> Result<Response<v1::SaveDraftResponse>, Status> {
        let (call, request) = accept(request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (write, draft, sketch) = draft::save(&request, currency)?;
        let saved = self.0.save_draft(&call, write, draft, sketch).await?;
        Ok(Response::new(draft::saved_wire(saved)))
    }

    async fn get_draft(
        &self,
        request: Request<v1::GetDraftRequest>,
    ) -> Result<Response<v1::GetDraftResponse>, Status> {
        let (call, request) = accept(request)?;
        let (as_of, id) = draft::get(&request)?;
        let currency = self.0.calendar(&call).await?.currency;
        let (stored, as_of_change) = self.0.draft(&call, as_of, &id).await?;
        let plan = draft::body(&stored.value)?;
        let (as_of, from) = (AsOf::from(as_of_change), stored.value.effective_from);
        let judged = self.0.validate_plan(&call, as_of, convert::sketch(&plan, currency), from).await?;
        Ok(Response::new(v1::GetDraftResponse {
            draft: Some(draft::wire(&stored.value, plan, stored.added_in)),
            violations: draft::violations_wire(judged.violations),
            as_of_change,
        }))
    }

    async fn list_drafts(
        &self,
        request: Request<v1::ListDraftsRequest>,
    ) -> Result<Response<v1::ListDraftsResponse>, Status> {
        let (call, request) = accept(request)?;
        let (page, token) = (draft::list(&request)?, request.page_token.clone());
        let parameters = v1::ListDraftsRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, draft::LIST, &parameters);
        let listed = self.0.drafts(&call, paging.open(page, &token)?).await?;
        let drafts = listed.items.iter().map(|stored| draft::header_wire(&stored.value, stored.added_in));
        Ok(Response::new(v1::ListDraftsResponse {
            drafts: drafts.collect::<Result<_, _>>()?,
            next_page_token: paging.token(listed.as_of, listed.next.as_deref()),
            as_of_change: listed.as_of,
        }))
    }

    async fn discard_draft(
        &self,
        request: Request<v1::DiscardDraftRequest>,
    ) -> Result<Response<v1::DiscardDraftResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, id) = draft::discard(&request)?;
        let written = self.0.discard_draft(&call, write, id).await?;
        Ok(Response::new(v1::DiscardDraftResponse { receipt: Some(receipt(&written)) }))
    }
}

impl Plans {
    /// The message of a plan that is no version, the period it is to count from if it says so, and where it was read.
    async fn given(
        &self,
        call: &Call,
        given: Given,
        as_of: AsOf,
    ) -> Result<(v1::Plan, Option<Period>, AsOf), Fault> {
        match given {
            Given::Plan(plan) => Ok((plan, None, as_of)),
            Given::Draft(id) => {
                let (stored, read) = self.0.draft(call, as_of, &id).await?;
                Ok((draft::body(&stored.value)?, stored.value.effective_from, AsOf::from(read)))
            }
        }
    }
}

fn effective_from_open() -> Fault {
    Fault::field("effective_from", "must be given: the draft leaves it open")
}

/// A version by its number; 0: the latest.
fn version<'a>(versions: &'a [PlanVersion], id: &PlanId, number: u32) -> Result<&'a PlanVersion, Fault> {
    let found = match number {
        0 => versions.last(),
        number => versions.iter().find(|version| version.version == number),
    };
    found.ok_or_else(|| Fault::not_found("plan", format!("{id} version {number}")))
}
