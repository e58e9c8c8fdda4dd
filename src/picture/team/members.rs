//! The members by place, each with a bar of attainment.

use maud::{Markup, html};

use crate::api::v1;
use crate::picture::bar::bar;
use crate::picture::figures::{counts, grouped, percent};
use crate::picture::page::{more, told};

/// Members that are listed.
const LISTED: usize = 100;

/// The leaderboard.
pub fn card(team: &v1::GetTeamPerformanceResponse, performance: &v1::Performance) -> Markup {
    html! {
        section.card {
            header { h2 { "Members" } span.soft { (grouped(&team.member_count.to_string())) " in all, booked in " (performance.currency_code) } }
            ol.rows.members {
                @for member in team.members.iter().take(LISTED) { li { (line(team, member)) } }
            }
            (more(usize::try_from(team.member_count).unwrap_or_default(), team.members.len().min(LISTED), "members"))
        }
    }
}

fn line(team: &v1::GetTeamPerformanceResponse, member: &v1::MemberPerformance) -> Markup {
    let none = v1::Figures::default();
    let figures = member.figures.as_ref().unwrap_or(&none);
    let attainment = member.attainment.as_ref();
    let attained = attainment.and_then(|figure| figure.attainment_percent.as_deref());
    let pace = attainment.and_then(|figure| figure.expected.as_ref().and(figure.elapsed_percent.as_deref()));
    let said = attained.map_or_else(|| "no quota".to_string(), percent);
    html! {
        span.place.first[(1..=3).contains(&member.place)] { @if member.place > 0 { (member.place) } @else { "–" } }
        div.who {
            strong { (told(&member.payee_id)) }
            @if !member.title.is_empty() { " " span.soft { (told(&member.title)) } }
            @if member.payee_id == team.manager_id { " " span.chip { "manager" } }
        }
        div.how {
            (bar(&format!("{}: {said}", member.payee_id), attained, pace))
        }
        span.percent { (said) }
        div.what.soft {
            (grouped(&figures.booked)) " booked"
            @if let Some(rate) = &figures.win_rate_percent { ", " (percent(rate)) " won" }
            @if let Some(pipeline) = figures.pipeline.as_ref().filter(|pipeline| counts(&pipeline.amount)) { ", " (grouped(&pipeline.amount)) " open" }
        }
    }
}
