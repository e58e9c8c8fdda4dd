//! How far the payee is: attainment against pace, and the year month by month.

use maud::{Markup, html};

use super::Sheet;
use crate::api::v1;
use crate::picture::columns::{Column, columns};
use crate::picture::figures::{grouped, month, percent, short_day, short_month};
use crate::picture::page::{more, told};
use crate::picture::standing::{MEASURES, by_measure, by_month, standing};

/// A bar for each window of each measure that has a quota in it.
pub fn attainments(sheet: &Sheet) -> Markup {
    let groups = by_measure(sheet.attainments.iter().filter(|figure| figure.quota.is_some()));
    html! {
        @for group in groups.iter().take(MEASURES) {
            section.card {
                header {
                    h2 { "Attainment" @if let Some(first) = group.first() { " of " (told(&first.measure_id)) } }
                    span.soft { "up to " (short_day(sheet.on_date)) }
                }
                ul.rows { @for figure in group { li.row { (attainment(sheet, figure)) } } }
                @if group.iter().any(|figure| figure.expected.is_some()) {
                    p.soft { span.key { "attained" } span.key.pace { "pace" } }
                }
            }
        }
        (more(groups.len(), MEASURES, "measures"))
    }
}

fn attainment(sheet: &Sheet, figure: &v1::Attainment) -> Markup {
    html! {
        (standing(figure, sheet.on_date))
        @for (name, standing) in &for_pay(sheet, figure) {
            p.soft { "For pay " (told(name)) " stands at " (percent(standing)) ", by terms of its own." }
        }
    }
}

/// Components that stand elsewhere in the same window: they may count refunds at their origin, or not yet what is to come.
fn for_pay<'a>(sheet: &Sheet<'a>, figure: &v1::Attainment) -> Vec<(&'a str, &'a str)> {
    let of_window = sheet.statement.components.iter().filter(|part| part.window == figure.window);
    let standing = |part: &'a v1::ComponentStatement| match part.segments.as_slice() {
        [segment] => {
            let other = segment.line_measure_id.as_str();
            let line = if other.is_empty() { segment.measure_id.as_str() } else { other };
            let standing = segment.attainment_percent.as_deref().filter(|_| line == figure.measure_id)?;
            Some((part.name.as_str(), standing))
                .filter(|_| figure.attainment_percent.as_deref() != Some(standing))
        }
        _ => None,
    };
    of_window.filter_map(standing).collect()
}

/// The months of the fiscal year, a drawing for each measure.
pub fn months(sheet: &Sheet) -> Markup {
    let groups = by_measure(sheet.months.iter());
    html! {
        @for group in groups.iter().take(MEASURES) { (year(sheet, group)) }
        @if !groups.is_empty() { (more(by_month(sheet.statement, sheet.attainments), groups.len().min(MEASURES), "measures")) }
    }
}

fn year(sheet: &Sheet, figures: &[&v1::Attainment]) -> Markup {
    let measure = figures.first().map_or("", |first| first.measure_id.as_str());
    let drawn: Vec<Column> = figures.iter().map(|figure| column(sheet, figure)).collect();
    let goals = figures.iter().any(|figure| figure.quota.is_some());
    html! {
        section.card {
            header { h2 { (told(measure)) " by month" } span.soft { (figures.first().map_or("", |first| &first.currency_code)) } }
            (columns(&format!("{measure} by month"), &drawn))
            p.soft {
                span.key { (month(&sheet.statement.period)) }
                span.key.other { "other months" }
                @if goals { span.key.goal { "quota" } }
            }
            details {
                summary { "Figures" }
                div.wide {
                    table {
                        thead { tr { th { "Month" } th.figure { "Credited" } @if goals { th.figure { "Quota" } } } }
                        tbody {
                            @for figure in figures {
                                tr.here[figure.window == sheet.statement.period] {
                                    td { (month(&figure.window)) }
                                    td.figure { (grouped(&figure.credited)) }
                                    @if goals { td.figure { (figure.quota.as_deref().map(grouped).unwrap_or_default()) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn column(sheet: &Sheet, figure: &v1::Attainment) -> Column {
    let credited = (!figure.credited.is_empty()).then(|| figure.credited.clone());
    let mut label =
        format!("{}: {}", month(&figure.window), credited.as_deref().map_or("nothing".into(), grouped));
    if let Some(quota) = &figure.quota {
        label.push_str(&format!(", quota {}", grouped(quota)));
    }
    Column {
        name: short_month(&figure.window),
        label,
        figure: credited,
        goal: figure.quota.clone(),
        current: figure.window == sheet.statement.period,
    }
}
