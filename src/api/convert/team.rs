//! Attainment of teams and territories.

use super::earnings::{figures_wire, same_month};
use super::{Check, read, small};
use crate::api::v1;
use crate::app::Page;
use crate::app::earnings::AttainmentFigures;
use crate::app::team::{Group, TeamAttainments, TeamQuery};
use crate::domain::date::{Day, Period};
use crate::domain::fault::Fault;
use crate::domain::id::PayeeId;

/// The rpc that gives a team's attainment.
pub const TEAM: &str = "attain.v1.EarningsService/GetTeamAttainment";

/// Reads a request for a team's attainment, its page token still unread.
pub fn attainment(request: &v1::GetTeamAttainmentRequest) -> Result<(TeamQuery, Page), Fault> {
    read(|check| {
        let group = group(check, request);
        let period = check.optional_period("period", &request.period);
        let measures = check.ids("measure_ids", &request.measure_ids);
        check.once("measure_ids", &request.measure_ids);
        let on = check.optional_day("on_date", &request.on_date);
        same_month(check, period, on);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        Some((
            TeamQuery { group: group?, period, on, measures: measures?, pipeline: request.include_pipeline },
            page?,
        ))
    })
}

fn group(check: &mut Check, request: &v1::GetTeamAttainmentRequest) -> Option<Group> {
    if request.territory_id.is_empty() {
        let manager = check.optional_id("team_of_payee_id", &request.team_of_payee_id);
        return Some(Group::Team(manager));
    }
    if !request.team_of_payee_id.is_empty() {
        check.add("team_of_payee_id", "must be empty where a territory is given");
    }
    check.id("territory_id", &request.territory_id).map(Group::Territory)
}

/// Reads where a page of members goes on: the period, the last day counted and the last member before.
pub fn members_after(after: &str) -> Option<(Period, Day, String)> {
    let mut parts = after.splitn(3, ' ');
    let period = Period::parse(parts.next()?).ok()?;
    let on = Day::parse(parts.next()?).ok()?;
    Some((period, on, parts.next()?.to_string()))
}

/// A team's attainment as the contract says it, the members of its page and the token of the next.
pub fn wire(
    answer: TeamAttainments,
    members: Vec<v1::TeamMember>,
    next_page_token: String,
) -> v1::GetTeamAttainmentResponse {
    v1::GetTeamAttainmentResponse {
        totals: answer.totals.into_iter().map(figures_wire).collect(),
        members,
        next_page_token,
        as_of_change: answer.members.as_of,
        rules_revision: small(answer.rules_revision),
        period: answer.period.to_string(),
        on_date: answer.on.to_string(),
    }
}

/// A member as the contract says it.
pub fn member_wire((payee, attainments): &(PayeeId, Vec<AttainmentFigures>)) -> v1::TeamMember {
    let attainments = attainments.iter().cloned().map(figures_wire).collect();
    v1::TeamMember { payee_id: payee.to_string(), attainments }
}
