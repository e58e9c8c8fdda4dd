//! `attain team`: a manager's team, as text to read in a terminal or as a page for a browser. The text is a pure function
//! of the server's answer; figures are the server's own, only grouped and aligned.

use std::fmt::Write as _;
use std::io::Write as _;

use super::client::{self, MAX_ANSWER, refused};
use super::page;
use super::standing::{self, Month};
use super::table::table;
use super::text::fitted;
use crate::api::v1;
use crate::api::v1::performance_service_client::PerformanceServiceClient;
use crate::config::Team;
use crate::picture::figures::{bar, grouped, month, percent, short_day, tenth};
use crate::picture::rank::{self, booked, booked_in};

/// Members on a page of the server's answer: all that are shown.
const MEMBERS: i32 = 100;
/// Stages that are listed.
const STAGES: usize = 20;

/// Prints a team's figures, or writes their page.
pub async fn run(options: &Team) -> anyhow::Result<()> {
    let server = client::connect(&options.server).await?;
    let mut client = PerformanceServiceClient::new(server).max_decoding_message_size(MAX_ANSWER);
    let manager_id = options.manager.as_ref().map(ToString::to_string).unwrap_or_default();
    let window = options.window.clone().unwrap_or_default();
    let fault = |status: tonic::Status| refused(&status, str::to_string);
    if let Some(path) = &options.html {
        let request = v1::GetTeamPageRequest { manager_id, window, ..Default::default() };
        let answer = client.get_team_page(request).await.map_err(fault)?;
        return page::write(path, &answer.into_inner().page);
    }
    let request =
        v1::GetTeamPerformanceRequest { manager_id, window, page_size: MEMBERS, ..Default::default() };
    let answer = client.get_team_performance(request).await.map_err(fault)?;
    write!(std::io::stdout(), "{}", render(&answer.into_inner()))?;
    Ok(())
}

/// A team's figures as text.
pub fn render(team: &v1::GetTeamPerformanceResponse) -> String {
    let none = v1::Performance::default();
    let performance = team.performance.as_ref().unwrap_or(&none);
    let mut parts = vec![head(team, performance)];
    let goals = standing::attainments(performance.goals.iter(), &performance.on_date);
    if goals.is_empty() {
        parts.push(format!("No quota of {} is set for {}.", team.manager_id, month(&team.window)));
    }
    parts.extend(goals);
    parts.push(months(performance));
    parts.extend(stages(performance));
    parts.push(members(team, performance));
    if performance.undated_deals > 0 {
        parts.push(format!(
            "{} deals won or lost say neither when nor what was booked: they count nowhere.",
            performance.undated_deals
        ));
    }
    if !performance.problems.is_empty() {
        let problems = performance.problems.iter().map(|problem| format!("\n  {problem}"));
        parts.push(format!(
            "Not counted, {} in all:{}",
            performance.problem_count,
            problems.collect::<String>()
        ));
    }
    fitted(&(parts.join("\n\n") + "\n"))
}

fn head(team: &v1::GetTeamPerformanceResponse, performance: &v1::Performance) -> String {
    let none = v1::Figures::default();
    let totals = performance.totals.as_ref().unwrap_or(&none);
    let (on_date, currency) = (&performance.on_date, booked_in(performance));
    let mut text = format!(
        "Team of {} in {}, up to {on_date}; as of change {}\n{}{}{currency} {}",
        team.manager_id,
        month(&team.window),
        team.as_of_change,
        grouped(&totals.booked),
        if currency.is_empty() { "" } else { " " },
        booked(performance),
    );
    let _ = write!(text, ", {} deals won, {} lost", totals.deals_won, totals.deals_lost);
    if let Some(rate) = &totals.win_rate_percent {
        let _ = write!(text, ": {} won", percent(rate));
    }
    if let Some(average) = &totals.average_deal_amount {
        let _ = write!(text, ", {} a deal", grouped(average));
    }
    if let Some(days) = &totals.mean_cycle_days {
        let _ = write!(text, ", {} days to win", tenth(days));
    }
    text
}

/// A line for each month with its growth.
fn months(performance: &v1::Performance) -> String {
    let months = performance.months.iter().map(|month| grown(month, &performance.on_date));
    let months: Vec<_> = months.collect();
    match standing::months(&months) {
        Some(lines) => format!("{} by month, with growth{lines}", title(performance)),
        None => {
            format!("{} by month\n  nothing up to {}", title(performance), short_day(&performance.on_date))
        }
    }
}

/// What is booked, as a title.
fn title(performance: &v1::Performance) -> &str {
    if performance.measure_id.is_empty() { "Booked" } else { booked(performance) }
}

/// A month with its growth; nothing is booked in one that is yet to come.
fn grown<'a>(month: &'a v1::MonthFigures, on_date: &str) -> Month<'a> {
    let growth = month.growth_percent.as_deref().map(|growth| format!(" {}", percent(growth)));
    let figures = month.figures.as_ref().filter(|_| month.period.as_str() < on_date);
    let figure = figures.map_or("", |figures| &figures.booked);
    Month { period: &month.period, figure, goal: None, note: growth.unwrap_or_default() }
}

fn stages(performance: &v1::Performance) -> Option<String> {
    let mut table = table(&["Stage", "Deals", "Open", "Weighted"], 1);
    for stage in performance.stages.iter().take(STAGES) {
        let none = v1::Pipeline::default();
        let pipeline = stage.pipeline.as_ref().unwrap_or(&none);
        let name = match (stage.other_stages, stage.stage.as_str()) {
            (0, "") => "none".to_string(),
            (0, name) => name.to_string(),
            (others, _) => format!("{others} others"),
        };
        table.add_row([
            name,
            pipeline.deals.to_string(),
            grouped(&pipeline.amount),
            grouped(&pipeline.weighted_amount),
        ]);
    }
    let more = performance.stages.len().saturating_sub(STAGES);
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    (!performance.stages.is_empty()).then(|| format!("Pipeline\n{table}{more}"))
}

fn members(team: &v1::GetTeamPerformanceResponse, performance: &v1::Performance) -> String {
    let by = rank::name(team);
    let by_attainment = matches!(team.rank_by(), v1::Figure::Unspecified | v1::Figure::Attainment);
    let header = ["Place", "Member", "Attainment", "", title(performance), "Won", by];
    let mut table = table(if by_attainment { &header[..6] } else { &header }, 3);
    for member in &team.members {
        let figures = member.figures.as_ref();
        let attained = member.attainment.as_ref().and_then(|figure| figure.attainment_percent.as_deref());
        let mut row = vec![
            if member.place > 0 { member.place.to_string() } else { String::new() },
            member.payee_id.clone(),
            attained.map(bar).unwrap_or_default(),
            attained.map_or_else(|| "not told".to_string(), percent),
            figures.map(|figures| grouped(&figures.booked)).unwrap_or_default(),
            figures.and_then(|figures| figures.win_rate_percent.as_deref()).map(percent).unwrap_or_default(),
        ];
        if !by_attainment {
            let figure = rank::figure(team.rank_by(), member);
            row.push(figure.map(|text| rank::said(team.rank_by(), &text)).unwrap_or_default());
        }
        table.add_row(row);
    }
    let shown = i32::try_from(team.members.len()).unwrap_or(i32::MAX);
    let more = team.member_count.saturating_sub(shown);
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    let of = Some(&team.quota_measure_id).filter(|id| by_attainment && !id.is_empty());
    let of = of.map(|measure| format!(" of {measure}")).unwrap_or_default();
    format!("Members by {by}{of}\n{table}{more}")
}

#[cfg(test)]
mod tests;
