//! Figures of performance as decimal text.

use std::collections::BTreeMap;

use crate::app::earnings::{self, AttainmentFigures};
use crate::calc::performance::{Figure, Goal, Opportunity, Part, Tally};
use crate::calc::statement::{exact_amount, figure, percent_text};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::measure::Unit;
use crate::domain::money::{Currency, Rounding};

/// Decimals of percents and days.
const DECIMALS: u32 = 6;

/// A tally as text; what is not defined is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureTexts {
    pub booked: String,
    pub margin_amount: Option<String>,
    pub margin_base_amount: Option<String>,
    pub margin_percent: Option<String>,
    pub units: Option<String>,
    pub won: u64,
    pub lost: u64,
    pub win_rate: Option<String>,
    pub average_deal: Option<String>,
    pub mean_cycle: Option<String>,
    pub median_cycle: Option<String>,
    pub new_customers: u64,
    pub pipeline: Option<PipelineTexts>,
    pub deals_with_amount: u64,
    pub won_amount: String,
    pub deals_with_cycle: u64,
}

/// Open deals as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineTexts {
    pub deals: u64,
    pub amount: String,
    pub weighted: String,
    pub unlikely: String,
    pub expected: String,
    pub expected_weighted: String,
}

impl FigureTexts {
    /// Without what is open.
    pub(super) fn of(tally: &Tally, currency: Currency, unit: Unit) -> Self {
        let money = |minor: &Exact| exact_amount(currency, minor);
        let days = |days: &Exact| days.text(DECIMALS);
        FigureTexts {
            booked: figure(currency, unit, &tally.booked),
            margin_amount: tally.margin.as_ref().map(|(_, margin)| money(margin)),
            margin_base_amount: tally.margin.as_ref().map(|(amount, _)| money(amount)),
            margin_percent: tally.margin_percent().as_ref().map(percent),
            units: tally.units.as_ref().map(|units| figure(currency, Unit::Number, units)),
            won: tally.won,
            lost: tally.lost,
            win_rate: tally.win_rate().as_ref().map(percent),
            average_deal: tally.average_deal().as_ref().map(|mean| rounded(currency, mean)),
            mean_cycle: tally.mean_cycle().as_ref().map(days),
            median_cycle: tally.median_cycle().as_ref().map(days),
            new_customers: tally.new_customers,
            pipeline: None,
            deals_with_amount: tally.amounts.0,
            won_amount: money(&tally.amounts.1),
            deals_with_cycle: tally.deals_with_cycle(),
        }
    }

    /// The same with what is open.
    pub(super) fn with_pipeline(self, tally: &Tally, currency: Currency) -> Self {
        FigureTexts { pipeline: Some(PipelineTexts::of(&tally.open, currency)), ..self }
    }
}

impl PipelineTexts {
    fn of(open: &Opportunity, currency: Currency) -> Self {
        let money = |minor: &Exact| exact_amount(currency, minor);
        PipelineTexts {
            deals: open.deals,
            amount: money(&open.amount),
            weighted: money(&open.weighted),
            unlikely: money(&open.unlikely),
            expected: money(&open.expected),
            expected_weighted: money(&open.expected_weighted),
        }
    }
}

/// A percent to six decimals.
pub(super) fn percent(exact: &Exact) -> String {
    percent_text(exact)
}

/// A mean of money, rounded half away from zero to the minor unit.
fn rounded(currency: Currency, mean: &Exact) -> String {
    // A mean of amounts of 64 bits fits.
    mean.round(Rounding::HalfAwayFromZero)
        .map_or_else(|_| exact_amount(currency, mean), |minor| currency.amount(minor))
}

/// What a figure is counted in.
pub(super) fn unit_of(booked: Unit, figure: Figure) -> Unit {
    match figure {
        Figure::Booked => booked,
        Figure::MarginAmount | Figure::AverageDeal | Figure::Pipeline | Figure::WeightedPipeline => {
            Unit::Money
        }
        Figure::MarginPercent
        | Figure::Units
        | Figure::DealsWon
        | Figure::WinRate
        | Figure::MeanCycle
        | Figure::NewCustomers
        | Figure::Attainment => Unit::Number,
    }
}

/// One figure as text.
pub(super) fn value(currency: Currency, booked: Unit, of: Figure, value: &Exact) -> String {
    match of {
        Figure::Booked => figure(currency, booked, value),
        Figure::MarginAmount | Figure::Pipeline | Figure::WeightedPipeline => exact_amount(currency, value),
        Figure::AverageDeal => rounded(currency, value),
        Figure::Units => figure(currency, Unit::Number, value),
        Figure::MarginPercent
        | Figure::DealsWon
        | Figure::WinRate
        | Figure::MeanCycle
        | Figure::NewCustomers
        | Figure::Attainment => value.text(DECIMALS),
    }
}

/// A goal as attainment shows it.
pub(super) fn goal(facts: &Facts, goal: &Goal) -> AttainmentFigures {
    earnings::attained(facts, &goal.measure, facts.calendar.window_text(goal.window), &goal.attainment, None)
}

/// Open deals by stage, the most weighted first, then the largest, then by name; those beyond so many together.
pub(super) fn stages(
    stages: &BTreeMap<Part<'_>, Tally>,
    currency: Currency,
    most: usize,
) -> Vec<(String, PipelineTexts, usize)> {
    let name = |part: &Part| match part {
        Part::Text(stage) => (*stage).to_string(),
        Part::Month(period) => period.to_string(),
    };
    let mut all: Vec<_> = stages.iter().map(|(part, tally)| (name(part), &tally.open)).collect();
    all.sort_by(|(a_name, a), (b_name, b)| {
        (&b.weighted, &b.amount, a_name).cmp(&(&a.weighted, &a.amount, b_name))
    });
    let rest = if all.len() > most { all.split_off(most - 1) } else { Vec::new() };
    let mut shown: Vec<_> =
        all.into_iter().map(|(name, open)| (name, PipelineTexts::of(open, currency), 0)).collect();
    if !rest.is_empty() {
        let mut together = Opportunity::default();
        rest.iter().for_each(|(_, open)| together.join(open));
        shown.push((String::new(), PipelineTexts::of(&together, currency), rest.len()));
    }
    shown
}
