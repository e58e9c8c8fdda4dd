//! A manager's page: what is asked for it, and the page of what is answered.

use crate::api::v1;
use crate::domain::date::Period;
use crate::picture::names::Names;
use crate::picture::{CONTENT_TYPE, team};

/// Months that a page draws, up to the last of its window.
const MONTHS: i32 = 12;
/// Members that a page lists.
const MEMBERS: i32 = 100;

/// The request whose answer is drawn.
pub fn asked(request: v1::GetTeamPageRequest) -> v1::GetTeamPerformanceRequest {
    v1::GetTeamPerformanceRequest {
        manager_id: request.manager_id,
        window: request.window,
        on_date: request.on_date,
        measure_id: request.measure_id,
        currency_code: request.currency_code,
        quota_measure_id: request.quota_measure_id,
        rank_by: request.rank_by,
        page_size: MEMBERS,
        page_token: String::new(),
        as_of_change: request.as_of_change,
        min_change: request.min_change,
    }
}

/// The request for the months beside the answer: as of the same number, in the same currency, looked at from the same day.
pub fn months(
    request: &v1::GetTeamPageRequest,
    team: &v1::GetTeamPerformanceResponse,
) -> v1::GetPerformanceRequest {
    let none = v1::Performance::default();
    let performance = team.performance.as_ref().unwrap_or(&none);
    let first = Period::parse(&performance.to_period).map(|last| last.plus(1 - MONTHS).to_string());
    let subject = v1::subject::Subject::TeamOfPayeeId(team.manager_id.clone());
    v1::GetPerformanceRequest {
        subject: Some(v1::Subject { subject: Some(subject) }),
        from_period: first.unwrap_or_default(),
        to_period: performance.to_period.clone(),
        on_date: performance.on_date.clone(),
        measure_id: request.measure_id.clone(),
        currency_code: performance.currency_code.clone(),
        as_of_change: team.as_of_change,
        ..v1::GetPerformanceRequest::default()
    }
}

/// Payees whom the page shows.
pub fn named(team: &v1::GetTeamPerformanceResponse) -> Vec<String> {
    team::named(team).map(String::from).collect()
}

/// The page.
pub fn wire(
    team: &v1::GetTeamPerformanceResponse,
    months: &[v1::MonthFigures],
    names: &Names,
) -> v1::GetTeamPageResponse {
    let on_date = team.performance.as_ref().map(|performance| performance.on_date.clone());
    v1::GetTeamPageResponse {
        page: team::page(team, months, names).into_bytes(),
        content_type: CONTENT_TYPE.into(),
        manager_id: team.manager_id.clone(),
        window: team.window.clone(),
        on_date: on_date.unwrap_or_default(),
        as_of_change: team.as_of_change,
    }
}
