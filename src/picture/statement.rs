//! A payee's statement as a page: the total first, then how far the payee is, month by month, component by component
//! with its ladder, the deals that earned most, and what is still open.

mod component;
mod standing;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::iter;

use maud::{Markup, PreEscaped, html};
use rust_decimal::Decimal;

use super::bar::thin;
use super::figures::{counts, grouped, month, short_day};
use super::names::{Names, who, who_text};
use super::page::{document, more, told};
use super::scale::rough;
use super::tier::{from_text, next_tier, over, rate_text};
use crate::api::v1;
use crate::api::v1::statement::State;

/// Deals that are listed.
const DEALS: usize = 10;
/// Bytes of drawn components after which the rest are counted: one takes at most half of that.
const ROOM: usize = 1 << 20;
/// Adjustments and open questions that are listed.
const LISTED: usize = 50;
/// Characters of a total that is written large.
const LARGE: usize = 13;
/// Hexadecimal digits of the digest that are shown.
const DIGEST: usize = 12;

/// What a page is made of.
pub struct Sheet<'a> {
    /// The statement.
    pub statement: &'a v1::Statement,
    /// How far the payee is, by measure and window; those without a quota are passed over.
    pub attainments: &'a [v1::Attainment],
    /// Figures of months of the fiscal year, by measure and month.
    pub months: &'a [v1::Attainment],
    /// The last day that both count.
    pub on_date: &'a str,
    /// Names of those whom [`named`] gives.
    pub names: &'a Names,
}

/// Payees whom a page shows: whose statement it is, and the direct reports that are listed.
pub fn named(statement: &v1::Statement) -> impl Iterator<Item = &str> {
    let reports = statement.components.iter().flat_map(component::reports_shown);
    iter::once(statement.payee_id.as_str()).chain(reports.map(|report| report.payee_id.as_str()))
}

/// The page.
pub fn page(sheet: &Sheet) -> String {
    let statement = sheet.statement;
    let body = html! {
        (hero(sheet))
        (problems(statement))
        div.flow {
            (standing::attainments(sheet))
            (standing::months(sheet))
            (components(sheet))
        }
        (deals(statement))
        (adjustments(statement))
        (foot(statement))
    };
    document(&format!("{}, {}", who_text(sheet.names, &statement.payee_id), month(&statement.period)), &body)
}

/// An amount; with its currency where that is not the statement's.
fn amount(statement: &v1::Statement, text: &str, code: &str) -> String {
    match code == statement.currency_code {
        true => grouped(text),
        false => format!("{} {code}", grouped(text)),
    }
}

fn hero(sheet: &Sheet) -> Markup {
    let statement = sheet.statement;
    let total = grouped(&statement.total);
    html! {
        header.hero {
            div.over {
                span { "Statement, " (month(&statement.period)) }
                span.chip {
                    (match statement.state() {
                        State::Open => "open",
                        State::Closed => "closed",
                        State::Unspecified => "state unknown",
                    })
                }
            }
            h1 { (who(sheet.names, &statement.payee_id)) }
            p.big.long[total.len() > LARGE] { (total) " " small { (statement.currency_code) } }
            @for other in &statement.other_totals {
                p.under { strong { (grouped(&other.total)) " " (other.currency_code) } " besides" }
            }
            @if counts(&statement.adjusted) {
                p.under {
                    (grouped(&statement.earned)) " earned in the month, " (grouped(&statement.adjusted))
                    " for earlier ones"
                }
            }
            @if statement.state() == State::Open {
                p.under { "It moves with every deal until the month is closed." }
                (next(sheet))
            }
        }
    }
}

/// The next tier within reach, of the first component that has one.
fn next(sheet: &Sheet) -> Markup {
    let found = sheet.statement.components.iter().find_map(|component| {
        let segment =
            component.segments.last().filter(|segment| !over(sheet.statement, segment, sheet.on_date))?;
        let (tier, missing) = next_tier(segment, &component.currency_code)?;
        Some((component, rate_text(segment, tier), from_text(tier), missing))
    });
    html! {
        @if let Some((component, rate, from, missing)) = found {
            p.next {
                strong { (missing) } " more reach " strong { (rate) } ", the tier " (from) " of "
                (told(&component.name)) "."
            }
        }
    }
}

/// A card for each component, as far as there is room.
fn components(sheet: &Sheet) -> Markup {
    let (mut cards, mut shown) = (String::new(), 0);
    for part in &sheet.statement.components {
        if cards.len() >= ROOM {
            break;
        }
        cards.push_str(&component::card(sheet, part).into_string());
        shown += 1;
    }
    html! { (PreEscaped(cards)) (more(sheet.statement.components.len(), shown, "components")) }
}

/// The credits that earned or cost most.
fn deals(statement: &v1::Statement) -> Markup {
    let size = |line: &v1::StatementLine| rough(&line.earned).map_or(Decimal::ZERO, |earned| earned.abs());
    let mut lines: Vec<_> = statement
        .components
        .iter()
        .flat_map(|part| part.lines.iter().map(move |line| (part, line)))
        .collect();
    let several = statement.components.iter().filter(|part| !part.lines.is_empty()).count() > 1;
    lines.sort_by_cached_key(|(_, line)| Reverse(size(line)));
    let greatest = lines.first().map_or(Decimal::ZERO, |(_, line)| size(line));
    html! {
        @if !lines.is_empty() {
            section.card {
                header { h2 { @if lines.len() > DEALS { "Largest deals" } @else { "Deals" } } }
                table.stacked {
                    thead { tr { th { "Date" } th { "Deal" } th.figure { "Credited" } th.figure { "Earned" } } }
                    tbody {
                        @for (part, line) in lines.iter().take(DEALS) {
                            @let size = size(line).to_string();
                            tr {
                                td.when { (short_day(&line.event_date)) }
                                td.what { (deal(part, line, several)) (thin(&size, greatest, line.earned.starts_with('-'))) }
                                td.figure.credited { (grouped(&line.credited)) }
                                td.figure.earned.bad[line.earned.starts_with('-')] {
                                    (amount(statement, &line.earned, &part.currency_code))
                                }
                            }
                        }
                    }
                }
                (more(lines.len(), DEALS, "of this month, smaller ones"))
            }
        }
    }
}

fn deal(part: &v1::ComponentStatement, line: &v1::StatementLine, several: bool) -> Markup {
    html! {
        (told(&line.deal_id))
        @if !line.reversed_event_id.is_empty() {
            span.soft { (told(&line.event_id)) " takes back " (told(&line.reversed_event_id)) }
        }
        @if line.limited { span.soft { "takes back no more than was earned" } }
        @if several { span.soft { (told(&part.name)) } }
    }
}

fn adjustments(statement: &v1::Statement) -> Markup {
    html! {
        @if !statement.adjustments.is_empty() {
            section.card {
                header { h2 { "Earlier months" } span.amount { (grouped(&statement.adjusted)) } }
                p.soft { "What changed since they were closed; nothing in them is edited." }
                div.wide {
                    table {
                        thead { tr { th { "For" } th { "Component" } th.figure { "Amount" } } }
                        tbody {
                            @for part in statement.adjustments.iter().take(LISTED) {
                                tr {
                                    td { (month(&part.for_period)) }
                                    td.what { (part.component_id) span.soft { (part.plan_id) ", " (month(&part.window)) } }
                                    td.figure.bad[part.amount.starts_with('-')] {
                                        (amount(statement, &part.amount, &part.currency_code))
                                    }
                                }
                            }
                        }
                    }
                }
                (more(statement.adjustments.len(), LISTED, "adjustments"))
            }
        }
    }
}

fn problems(statement: &v1::Statement) -> Markup {
    html! {
        @if !statement.problems.is_empty() {
            section.card {
                header { h2 { "Open questions" } }
                p.soft { "To be answered before the month can be closed." }
                ul.warn { @for problem in statement.problems.iter().take(LISTED) { li { (told(problem)) } } }
                (more(statement.problems.len(), LISTED, "questions"))
            }
        }
    }
}

fn foot(statement: &v1::Statement) -> Markup {
    let digest: String = statement.digest.chars().take(DIGEST).collect();
    html! {
        footer {
            "As of change " (statement.as_of_change) ", rules " (statement.rules_revision) ", digest " (digest) "."
        }
    }
}
