//! A team's page: how far it is, its months, its figures, its pipeline, and its members by place.

mod members;
#[cfg(test)]
mod tests;
mod tiles;

use std::iter;

use maud::{Markup, html};

use super::bar::split;
use super::columns::{Column, columns};
use super::figures::{counts, grouped, month, percent, short_day, short_month};
use super::names::{Names, who, who_text};
use super::page::{document, more, told};
use super::rank::{booked, booked_in};
use super::scale::rough;
use super::standing::standing;
use crate::api::v1;

/// Goals, stages and problems that are drawn.
const GOALS: usize = 6;
const STAGES: usize = 12;
const PROBLEMS: usize = 20;
/// Characters of a figure that is written large.
const LARGE: usize = 13;

/// Payees whom a page shows: the manager, and the members that are listed.
pub fn named(team: &v1::GetTeamPerformanceResponse) -> impl Iterator<Item = &str> {
    let members = team.members.iter().take(members::LISTED).map(|member| member.payee_id.as_str());
    iter::once(team.manager_id.as_str()).chain(members)
}

/// The page of an answer's members and of the months given, which are those of the fiscal year or of the window.
pub fn page(team: &v1::GetTeamPerformanceResponse, months: &[v1::MonthFigures], names: &Names) -> String {
    let none = v1::Performance::default();
    let performance = team.performance.as_ref().unwrap_or(&none);
    let body = html! {
        (hero(team, performance, names))
        (problems(performance))
        div.flow {
            (goals(performance))
            (tiles::card(performance))
            (year(team, performance, months))
            (pipeline(performance))
        }
        (members::card(team, performance, names))
        footer { "As of change " (team.as_of_change) ", rules " (team.rules_revision) ", counted up to " (performance.on_date) "." }
    };
    document(&format!("Team of {}, {}", who_text(names, &team.manager_id), month(&team.window)), &body)
}

fn hero(team: &v1::GetTeamPerformanceResponse, performance: &v1::Performance, names: &Names) -> Markup {
    let none = v1::Figures::default();
    let totals = performance.totals.as_ref().unwrap_or(&none);
    let sum = grouped(&totals.booked);
    let goal = performance.goals.iter().find(|goal| goal.attainment_percent.is_some());
    html! {
        header.hero {
            div.over { span { "Team, " (month(&team.window)) } span.chip { "up to " (short_day(&performance.on_date)) } }
            h1 { (who(names, &team.manager_id)) }
            p.big.long[sum.len() > LARGE] { (sum) " " small { @if !booked_in(performance).is_empty() { (booked_in(performance)) " " } (told(booked(performance))) } }
            @if let Some(growth) = &performance.growth_percent {
                p.under { (signed(growth)) " against the span before" }
            }
            @if let Some((attained, goal)) = goal.and_then(|goal| Some((goal.attainment_percent.as_deref()?, goal))) {
                p.next {
                    strong { (percent(attained)) } " of the quota of "
                    strong { (goal.quota.as_deref().map(grouped).unwrap_or_default()) } ", " (told(&goal.measure_id)) "."
                }
            }
        }
    }
}

/// A percent with its sign.
fn signed(text: &str) -> String {
    let sign = if text.starts_with('-') { "" } else { "+" };
    format!("{sign}{}", percent(text))
}

fn goals(performance: &v1::Performance) -> Markup {
    html! {
        @if !performance.goals.is_empty() {
            section.card {
                header { h2 { "Attainment against pace" } span.soft { "up to " (short_day(&performance.on_date)) } }
                ul.rows {
                    @for goal in performance.goals.iter().take(GOALS) {
                        li.row { span.soft { (told(&goal.measure_id)) } (standing(goal, &performance.on_date)) }
                    }
                }
                p.soft { span.key { "attained" } span.key.pace { "pace" } }
                (more(performance.goals.len(), GOALS, "goals"))
            }
        }
    }
}

fn year(
    team: &v1::GetTeamPerformanceResponse,
    performance: &v1::Performance,
    months: &[v1::MonthFigures],
) -> Markup {
    let within =
        |period: &str| performance.from_period.as_str() <= period && period <= performance.to_period.as_str();
    // Nothing is booked in a month that is yet to come.
    let begun = |month: &v1::MonthFigures| month.period.as_str() <= performance.on_date.as_str();
    let sum = |month: &v1::MonthFigures| {
        month.figures.as_ref().filter(|_| begun(month)).map(|figures| figures.booked.clone())
    };
    let title = match performance.measure_id.as_str() {
        "" => "Bookings by month".to_string(),
        measure => format!("{measure} by month"),
    };
    let drawn: Vec<Column> = months
        .iter()
        .map(|of| Column {
            name: short_month(&of.period),
            label: format!("{}: {}", month(&of.period), sum(of).as_deref().map_or("nothing".into(), grouped)),
            figure: sum(of),
            goal: None,
            current: within(&of.period),
        })
        .collect();
    html! {
        @if !months.is_empty() {
            section.card {
                header { h2 { (told(&title)) } span.soft { (booked_in(performance)) } }
                (columns(&title, &drawn))
                p.soft { span.key { (month(&team.window)) } @if drawn.iter().any(|column| !column.current) { span.key.other { "other months" } } }
                details {
                    summary { "Figures" }
                    div.wide {
                        table {
                            thead { tr { th { "Month" } th.figure { (told(booked(performance))) } th.figure { "Growth" } } }
                            tbody {
                                @for of in months {
                                    tr.here[within(&of.period)] {
                                        td { (month(&of.period)) }
                                        td.figure { (sum(of).as_deref().map(grouped).unwrap_or_default()) }
                                        td.figure { (of.growth_percent.as_deref().map(signed).unwrap_or_default()) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Open deals by stage: the amount, and in it what of it is likely; where no deal states an amount, how many they are.
fn pipeline(performance: &v1::Performance) -> Markup {
    let stages: Vec<_> =
        performance.stages.iter().filter_map(|stage| Some((stage, stage.pipeline.as_ref()?))).collect();
    let valued = stages.iter().any(|(_, pipeline)| counts(&pipeline.amount));
    let size = |pipeline: &v1::Pipeline| match valued {
        true => pipeline.amount.clone(),
        false => pipeline.deals.to_string(),
    };
    let greatest = stages.iter().filter_map(|(_, pipeline)| rough(&size(pipeline))).max().unwrap_or_default();
    let whole = performance.totals.as_ref().and_then(|totals| totals.pipeline.as_ref());
    html! {
        @if !stages.is_empty() {
            section.card {
                header {
                    h2 { "Pipeline by stage" }
                    @if let Some(whole) = whole.filter(|_| valued) { span.amount { (grouped(&whole.amount)) } }
                }
                @if let Some(whole) = whole {
                    p.soft {
                        (whole.deals) " open deals"
                        @if valued { "; weighted by probability " (grouped(&whole.weighted_amount)) }
                        @else { ", none of which states an amount" } "."
                    }
                }
                ul.rows {
                    @for (stage, pipeline) in stages.iter().take(STAGES) {
                        li.row {
                            div.top {
                                span { (stage_name(stage)) @if valued { " " span.soft { (pipeline.deals) " deals" } } }
                                strong { (grouped(&size(pipeline))) }
                            }
                            (split(&size(pipeline), &pipeline.weighted_amount, greatest))
                        }
                    }
                }
                @if valued { p.soft { span.key { "weighted" } span.key.other { "amount" } } }
                (more(stages.len(), STAGES, "stages"))
            }
        }
    }
}

fn stage_name(stage: &v1::StagePipeline) -> Markup {
    html! {
        @if stage.other_stages > 0 { (stage.other_stages) " other stages" }
        @else if stage.stage.is_empty() { "no stage" }
        @else { (told(&stage.stage)) }
    }
}

fn problems(performance: &v1::Performance) -> Markup {
    html! {
        @if !performance.problems.is_empty() || performance.undated_deals > 0 {
            section.card {
                header { h2 { "Not counted" } }
                ul.warn {
                    @if performance.undated_deals > 0 {
                        li { (performance.undated_deals) " deals won or lost say neither when nor what was booked" }
                    }
                    @for problem in performance.problems.iter().take(PROBLEMS) { li { (told(problem)) } }
                }
                (more(usize::try_from(performance.problem_count).unwrap_or_default(), PROBLEMS, "problems"))
            }
        }
    }
}
