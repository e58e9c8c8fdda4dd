//! What a component came to, and how: the ladder and where the line stands on it, each step, who it came through.

use std::cmp::Reverse;

use maud::{Markup, html};
use rust_decimal::Decimal;

use super::{Sheet, amount};
use crate::api::v1;
use crate::picture::bar::{bar, thin};
use crate::picture::figures::{grouped, month, percent};
use crate::picture::ladder::ladder;
use crate::picture::names::who;
use crate::picture::page::{more, told};
use crate::picture::scale::rough;
use crate::picture::tier::{decimal, edge_text, from_text, needs_quota, next_tier, over, rate_text, reached};

/// Spans of unchanged terms that are shown, the latest of them.
const SPANS: usize = 12;
/// Tiers, steps and reports that are listed.
const LISTED: usize = 24;

/// A component's card.
pub fn card(sheet: &Sheet, part: &v1::ComponentStatement) -> Markup {
    let statement = sheet.statement;
    let hidden = part.segments.len().saturating_sub(SPANS);
    html! {
        section.card {
            header {
                h2 { (told(&part.name)) " " span.soft { (month(&part.window)) } }
                span.amount.bad[part.earned.starts_with('-')] { (amount(statement, &part.earned, &part.currency_code)) }
            }
            p.soft {
                (amount(statement, &part.earned_to_date, &part.currency_code)) " in all of it so far. "
                "Component " (part.component_id) " of plan " (part.plan_id) "."
            }
            @if hidden > 0 { p.note { "after " (hidden) " earlier spans of other terms" } }
            @for segment in part.segments.iter().skip(hidden) {
                div.part { (span(sheet, part, segment)) }
            }
            @if let Some(repriced) = &part.repriced {
                p { strong { (grouped(repriced)) } " moved beside this month's deals, by tiers reached or left." }
            }
            (reports(sheet, part))
        }
    }
}

/// A span of unchanged terms.
fn span(sheet: &Sheet, part: &v1::ComponentStatement, segment: &v1::Segment) -> Markup {
    let drawn = ladder(segment);
    let next =
        next_tier(segment, &part.currency_code).filter(|_| !over(sheet.statement, segment, sheet.on_date));
    html! {
        @if part.segments.len() > 1 {
            h3 { (segment.start_date) " to before " (segment.end_date) ": " (grouped(&segment.earned)) }
        }
        @if !segment.measure_id.is_empty() { p { (credited(segment)) } }
        @if segment.quota.is_none() && needs_quota(segment) {
            p.call { "No quota is set: it earns nothing." }
        }
        @if segment.quota.is_some() && segment.attainment_percent.is_none() {
            p.call { "Attainment of this quota is undefined: it earns nothing." }
        }
        @if let Some(drawn) = &drawn { (drawn) }
        @if let (None, Some(attained)) = (&drawn, &segment.attainment_percent) {
            @let said = percent(attained);
            div.row {
                div.top { span { "Attainment" } span.percent { (said) } }
                (bar(&format!("{said} of the quota"), Some(attained), None, Decimal::ZERO))
            }
        }
        @if let Some((tier, missing)) = next {
            p.call {
                strong { (missing) } " more reach " strong { (rate_text(segment, tier)) } ", the tier "
                (from_text(tier)) "."
            }
        }
        (tiers(segment))
        (steps(segment))
    }
}

fn credited(segment: &v1::Segment) -> Markup {
    let of_line = match segment.line_measure_id.as_str() {
        "" => &segment.measure_id,
        other => other,
    };
    html! {
        strong { (grouped(&segment.credited)) } " of " (segment.measure_id) " credited"
        @if let Some(line) = &segment.line { ", the line at " (grouped(line)) " of " (of_line) }
        @if let Some(quota) = &segment.quota { ", quota " (grouped(quota)) }
        @if let Some(base) = &segment.base_rate_amount { ", base rate " (base) " for one unit" }
        "."
    }
}

fn tiers(segment: &v1::Segment) -> Markup {
    let here = segment.tiers.iter().rposition(|tier| reached(segment, tier));
    html! {
        @if !segment.tiers.is_empty() {
            div.wide {
                table {
                    thead { tr { th { "Tier from" } th.figure { "Rate" } th.figure { "Credited" } th.figure { "Earned" } } }
                    tbody {
                        @for (place, tier) in segment.tiers.iter().enumerate().take(LISTED) {
                            tr.here[here == Some(place)] {
                                td { (edge_text(tier)) @if here == Some(place) { " ◀" } }
                                td.figure { (rate_text(segment, tier)) }
                                td.figure { (grouped(&tier.credited)) }
                                td.figure {
                                    (grouped(&tier.earned))
                                    @if let Some(flat) = &tier.flat_amount { span.soft { "and " (grouped(flat)) } }
                                }
                            }
                        }
                    }
                }
            }
            (more(segment.tiers.len(), LISTED, "tiers"))
        }
    }
}

/// How the amount came about beside credits and tiers.
fn steps(segment: &v1::Segment) -> Markup {
    html! {
        @if !segment.steps.is_empty() {
            dl.steps {
                @for step in segment.steps.iter().take(LISTED) {
                    div {
                        dt { (told(&step.title)) }
                        dd { @if decimal(&step.value).is_some() { (grouped(&step.value)) } @else { (told(&step.value)) } }
                        @if !step.formula.is_empty() { dd.soft { (told(&step.formula)) } }
                    }
                }
            }
            (more(segment.steps.len(), LISTED, "steps"))
        }
    }
}

/// Direct reports that are listed, those with the most credit first.
pub fn reports_shown(part: &v1::ComponentStatement) -> impl Iterator<Item = &v1::ReportLine> {
    let mut reports: Vec<&v1::ReportLine> = part.reports.iter().collect();
    reports.sort_by_cached_key(|report| Reverse(rough(&report.credited)));
    reports.into_iter().take(LISTED)
}

/// What came up through each direct report.
fn reports(sheet: &Sheet, part: &v1::ComponentStatement) -> Markup {
    let greatest =
        part.reports.iter().filter_map(|report| rough(&report.credited)).max().unwrap_or(Decimal::ZERO);
    html! {
        @if !part.reports.is_empty() {
            h3 { "Through the team in " (month(&sheet.statement.period)) }
            table.stacked {
                thead { tr { th { "Report" } th.figure { "Credited" } th.figure { "Earned" } } }
                tbody {
                    @for report in reports_shown(part) {
                        tr {
                            td.what { (who(sheet.names, &report.payee_id)) (thin(&report.credited, greatest, false)) }
                            td.figure.credited { (grouped(&report.credited)) }
                            td.figure.earned { (grouped(&report.earned)) }
                        }
                    }
                }
            }
            (more(part.reports.len(), LISTED, "reports"))
        }
    }
}
