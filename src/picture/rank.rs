//! What members of a team are placed by: what the figure is called, and what a member has of it.

use super::figures::{grouped, percent, tenth};
use crate::api::v1;
use crate::api::v1::Figure;

/// What `booked` is of: the measure that was asked for, or simply booked.
pub fn booked(performance: &v1::Performance) -> &str {
    if performance.measure_id.is_empty() { "booked" } else { &performance.measure_id }
}

/// The currency of what is booked; empty of what is counted in numbers.
pub fn booked_in(performance: &v1::Performance) -> &str {
    if performance.unit() == v1::Unit::Number { "" } else { &performance.currency_code }
}

/// What the figure that members are placed by is called.
pub fn name(team: &v1::GetTeamPerformanceResponse) -> &str {
    match team.rank_by() {
        Figure::Unspecified | Figure::Attainment => "attainment",
        Figure::Booked => team.performance.as_ref().map_or("booked", booked),
        Figure::MarginAmount => "margin in money",
        Figure::MarginPercent => "margin",
        Figure::Units => "units",
        Figure::DealsWon => "deals won",
        Figure::WinRate => "win rate",
        Figure::AverageDeal => "average deal",
        Figure::MeanCycle => "days to win",
        Figure::NewCustomers => "new customers",
        Figure::Pipeline => "pipeline",
        Figure::WeightedPipeline => "weighted pipeline",
    }
}

/// The figure of a member, as the server says it; `None` where it is not defined.
pub fn figure(rank_by: Figure, member: &v1::MemberPerformance) -> Option<String> {
    if let Figure::Unspecified | Figure::Attainment = rank_by {
        return member.attainment.as_ref()?.attainment_percent.clone();
    }
    let figures = member.figures.as_ref()?;
    let pipeline = figures.pipeline.as_ref();
    match rank_by {
        Figure::Unspecified | Figure::Attainment => None,
        Figure::Booked => Some(figures.booked.clone()),
        Figure::MarginAmount => figures.margin_amount.clone(),
        Figure::MarginPercent => figures.margin_percent.clone(),
        Figure::Units => figures.units.clone(),
        Figure::DealsWon => Some(figures.deals_won.to_string()),
        Figure::WinRate => figures.win_rate_percent.clone(),
        Figure::AverageDeal => figures.average_deal_amount.clone(),
        Figure::MeanCycle => figures.mean_cycle_days.clone(),
        Figure::NewCustomers => Some(figures.new_customers.to_string()),
        Figure::Pipeline => pipeline.map(|pipeline| pipeline.amount.clone()),
        Figure::WeightedPipeline => pipeline.map(|pipeline| pipeline.weighted_amount.clone()),
    }
}

/// A figure as people read it.
pub fn said(rank_by: Figure, text: &str) -> String {
    match rank_by {
        Figure::Unspecified | Figure::Attainment | Figure::MarginPercent | Figure::WinRate => percent(text),
        Figure::MeanCycle => format!("{} days", tenth(text)),
        _ => grouped(text),
    }
}
