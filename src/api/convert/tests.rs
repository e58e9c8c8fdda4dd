//! Every request with everything wrong that can be, against the whole list of what is said about it; and every
//! noun there and back.

mod bad;
mod good;

use prost::{Message, Name};

use super::{
    admin, deal, draft, earnings, estimate, exchange, import, journal, measure, outside, payee, performance,
    period, plan, plan_test, proposal, quota, statement_page, team, team_page, territory,
};
use crate::api::json::from_json;
use crate::api::v1;
use crate::domain::date::{Calendar, Period};
use crate::domain::fault::Fault;
use crate::domain::money::{Currency, Rounding};

/// US dollars; a fiscal year from February on.
fn calendar() -> Calendar {
    Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 2,
        rounding: Rounding::HalfEven,
        first_period: Period::parse("2025-02").unwrap(),
    }
}

fn said<M: Message + Name + Default, T>(
    json: &str,
    read: impl FnOnce(&M) -> Result<T, Fault>,
) -> Vec<String> {
    let request: M = from_json(json).unwrap_or_else(|fault| panic!("{fault}: {json}"));
    let faults = read(&request).err().map(|fault| fault.violations).unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

/// What is said about a request of a type, as `field message`.
fn violations(request: &str, json: &str) -> Vec<String> {
    let (calendar, usd) = (calendar(), calendar().currency);
    match request {
        "UpsertPayeesRequest" => said(json, |m| payee::upsert(m, usd)),
        "GetPayeeRequest" => said(json, payee::get),
        "ListPayeesRequest" => said(json, payee::list),
        "GetReportingLineRequest" => said(json, payee::line),
        "ReassignReportsRequest" => said(json, payee::reassign),
        "TerminatePayeeRequest" => said(json, payee::terminate),
        "UpsertDealsRequest" => said(json, |m| deal::upsert(m, usd)),
        "ImportDealsRequest" => said(json, |m: &v1::ImportDealsRequest| match m.part {
            Some(v1::import_deals_request::Part::Header(_)) => import::header(m).map(|_| ()),
            _ => import::batch(m, usd, 6).map(|_| ()),
        }),
        "GetDealRequest" => said(json, deal::get),
        "ListDealsRequest" => said(json, deal::list),
        "ListRejectedRowsRequest" => said(json, import::list_rejected),
        "DefineMeasuresRequest" => said(json, measure::define),
        "ListMeasuresRequest" => said(json, measure::list),
        "SetQuotasRequest" => said(json, |m| quota::set(m, &calendar)),
        "GetQuotaRequest" => said(json, |m| quota::get(m, &calendar)),
        "AdjustQuotaRequest" => said(json, |m| quota::adjust::adjust(m, &calendar)),
        "ListQuotaVersionsRequest" => said(json, |m| quota::adjust::versions(m, &calendar)),
        "ExplainQuotaRequest" => said(json, |m| quota::adjust::explain(m, &calendar)),
        "ListQuotasRequest" => said(json, quota::list),
        "ProposeQuotasRequest" => said(json, |m| proposal::propose(m, &calendar)),
        "GetQuotaProposalRequest" => said(json, proposal::get),
        "AssessQuotaProposalRequest" => said(json, proposal::assess),
        "ListQuotaProposalsRequest" => said(json, proposal::list),
        "ListProposalFiguresRequest" => said(json, proposal::figures),
        "CompareQuotaProposalsRequest" => said(json, proposal::compare),
        "AdjustQuotaProposalRequest" => said(json, |m| proposal::adjust(m, None)),
        "PublishQuotaProposalRequest" => said(json, proposal::publish),
        "MoveQuotaRequest" => said(json, |m| proposal::move_quota(m, &calendar)),
        "UpsertTerritoriesRequest" => said(json, territory::upsert),
        "SetCreditingRulesRequest" => said(json, territory::set),
        "GetTerritoryRequest" => said(json, territory::get),
        "ListTerritoriesRequest" => said(json, territory::list),
        "ListCreditingRulesRequest" => said(json, territory::list_rules),
        "ExplainCreditingRequest" => said(json, |m| territory::explain(m, usd)),
        "RecordValuesRequest" => said(json, outside::record),
        "ListValuesRequest" => said(json, outside::list),
        "SetExchangeRatesRequest" => said(json, exchange::set),
        "ListExchangeRatesRequest" => said(json, exchange::list),
        "PublishPlanRequest" => said(json, |m| plan::publish(m, usd)),
        "GetPlanRequest" => said(json, plan::get),
        "ListPlansRequest" => said(json, plan::list),
        "ValidatePlanRequest" => said(json, draft::validate),
        "DiffPlansRequest" => said(json, draft::diff),
        "TestPlanRequest" => said(json, plan_test::test),
        "SaveDraftRequest" => said(json, |m| draft::save(m, usd)),
        "GetDraftRequest" => said(json, draft::get),
        "ListDraftsRequest" => said(json, draft::list),
        "DiscardDraftRequest" => said(json, draft::discard),
        "GetAttainmentRequest" => said(json, earnings::attainment),
        "GetTeamAttainmentRequest" => said(json, team::attainment),
        "GetStatementRequest" => said(json, earnings::statement),
        "GetStatementPageRequest" => said(json, statement_page::asked),
        "ExplainEarningRequest" => said(json, earnings::explain),
        "EstimateDealRequest" => said(json, |m| estimate::estimate(m, usd)),
        "GetPerformanceRequest" => said(json, performance::performance),
        "ListPerformanceRequest" => said(json, performance::parts),
        "GetTeamPerformanceRequest" => said(json, performance::team),
        "GetTeamPageRequest" => {
            said(json, |m: &v1::GetTeamPageRequest| performance::team(&team_page::asked(m.clone())))
        }
        "GetLeaderboardRequest" => said(json, performance::board),
        "PreviewPeriodRequest" => said(json, period::preview),
        "ClosePeriodRequest" => said(json, period::close),
        "AcceptRulesRevisionRequest" => said(json, period::accept_rules),
        "WatchCloseRequest" => said(json, period::watch),
        "ListPostingsRequest" => said(json, period::postings),
        "SetCalendarRequest" => said(json, admin::set_calendar),
        "GetCalendarRequest" => said(json, admin::get_calendar),
        "CreateKeyRequest" => said(json, admin::create_key),
        "RevokeKeyRequest" => said(json, admin::revoke_key),
        "ListKeysRequest" => said(json, admin::list_keys),
        "ListChangesRequest" => said(json, journal::list_changes),
        "ListTouchedRequest" => said(json, journal::list_touched),
        "WatchChangesRequest" => said(json, journal::watch_changes),
        "FindChangeRequest" => said(json, journal::find_change),
        "GetAnchorRequest" => said(json, journal::get_anchor),
        "VerifyJournalRequest" => said(json, journal::verify),
        "ErasePersonalDataRequest" => said(json, admin::erase),
        other => panic!("{other} is read by nobody"),
    }
}
