//! The members by place, each with a bar of what they are placed by.

use maud::{Markup, html};
use rust_decimal::Decimal;

use crate::api::v1;
use crate::api::v1::Figure;
use crate::picture::bar::{bar, split};
use crate::picture::figures::{counts, grouped, percent};
use crate::picture::names::{Names, who, who_text};
use crate::picture::page::{more, told};
use crate::picture::rank::{self, booked};
use crate::picture::scale::rough;

/// Members that are listed.
pub const LISTED: usize = 100;

/// What the lines of a list share.
struct List<'a> {
    team: &'a v1::GetTeamPerformanceResponse,
    performance: &'a v1::Performance,
    names: &'a Names,
    rank_by: Figure,
    /// The furthest that a bar of the list goes.
    furthest: Decimal,
}

/// The leaderboard.
pub fn card(team: &v1::GetTeamPerformanceResponse, performance: &v1::Performance, names: &Names) -> Markup {
    let members = || team.members.iter().take(LISTED);
    let rank_by = Some(team.rank_by()).filter(|by| *by != Figure::Unspecified).unwrap_or(Figure::Attainment);
    let placed = members().filter_map(|member| rank::figure(rank_by, member));
    let paces = members().filter_map(|member| pace(member).filter(|_| rank_by == Figure::Attainment));
    let furthest = placed.filter_map(|text| rough(&text)).chain(paces.filter_map(rough)).max();
    let list = List { team, performance, names, rank_by, furthest: furthest.unwrap_or_default() };
    let measure = Some(&team.quota_measure_id).filter(|id| rank_by == Figure::Attainment && !id.is_empty());
    html! {
        section.card {
            header {
                h2 { "Members" }
                span.soft {
                    (grouped(&team.member_count.to_string())) " in all, by " (told(rank::name(team)))
                    @if let Some(measure) = measure { " of " (told(measure)) }
                }
            }
            ol.rows.members { @for member in members() { li { (line(&list, member)) } } }
            (more(usize::try_from(team.member_count).unwrap_or_default(), members().count(), "members"))
        }
    }
}

/// What pace asks for, in percent of the quota.
fn pace(member: &v1::MemberPerformance) -> Option<&str> {
    member
        .attainment
        .as_ref()
        .and_then(|figure| figure.expected.as_ref().and(figure.elapsed_percent.as_deref()))
}

fn line(list: &List, member: &v1::MemberPerformance) -> Markup {
    let by_attainment = list.rank_by == Figure::Attainment;
    let figure = rank::figure(list.rank_by, member);
    let none = if by_attainment { "no attainment" } else { "not defined" };
    let said = figure.as_deref().map_or_else(|| none.to_string(), |text| rank::said(list.rank_by, text));
    let label = format!("{}: {said}", who_text(list.names, &member.payee_id));
    html! {
        span.place.first[(1..=3).contains(&member.place)] { @if member.place > 0 { (member.place) } @else { "–" } }
        div.who {
            strong { (who(list.names, &member.payee_id)) }
            @if member.payee_id == list.team.manager_id { " " span.chip { "manager" } }
            @if !member.title.is_empty() { " " span.soft { (told(&member.title)) } }
        }
        span.percent.none[figure.is_none()] { (said) }
        div.how {
            @if by_attainment { (bar(&label, figure.as_deref(), pace(member), list.furthest)) }
            @else { (split(figure.as_deref().unwrap_or("0"), figure.as_deref().unwrap_or("0"), list.furthest)) }
        }
        div.what.soft { (beside(list, member)) }
    }
}

/// What else there is to say of a member.
fn beside(list: &List, member: &v1::MemberPerformance) -> Markup {
    let none = v1::Figures::default();
    let figures = member.figures.as_ref().unwrap_or(&none);
    let attainment = member.attainment.as_ref();
    let attained = attainment.and_then(|figure| figure.attainment_percent.as_deref());
    let pipeline = figures.pipeline.as_ref().filter(|pipeline| counts(&pipeline.amount));
    html! {
        @if list.rank_by != Figure::Attainment && let Some(attained) = attained { (percent(attained)) " of quota, " }
        (grouped(&figures.booked)) " " (told(booked(list.performance)))
        @if let Some(rate) = &figures.win_rate_percent { ", " (percent(rate)) " won" }
        @if let Some(pipeline) = pipeline { ", " (grouped(&pipeline.amount)) " open" }
    }
}
