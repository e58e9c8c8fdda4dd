//! `attain statement`: what a payee earned, as text to read in a terminal. The text is a pure function of the
//! server's answer; figures are the server's own, only grouped and aligned.

mod fetch;

use std::fmt::Write as _;

use super::standing::{self, Month};
use super::table::table;
use super::text::fitted;
use crate::api::v1;
use crate::api::v1::statement::State;
use crate::picture::figures::{MARK, bar, grouped, more_text, percent, short_day};
use crate::picture::standing::{MEASURES, by_measure, by_month};
use crate::picture::tier::{decimal, from_text, needs_quota, next_tier, over, rate_text, reached};

pub use fetch::{run, text};

/// Deals of a component that are listed.
const LISTED: usize = 20;
/// Hexadecimal digits of the digest that are shown.
const DIGEST_SHOWN: usize = 12;

/// A statement with how far the payee is, as text. `why`: the explanation of one of its amounts, as text.
pub fn render(answer: &v1::GetStatementResponse, why: Option<&str>) -> String {
    let none = v1::Statement::default();
    let statement = answer.statement.as_ref().unwrap_or(&none);
    let mut parts = vec![head(statement), summary(statement)];
    parts.extend(attainments(answer, statement));
    parts.extend(months(answer, statement));
    parts.extend(statement.components.iter().flat_map(|component| details(answer, statement, component)));
    if !statement.adjustments.is_empty() {
        parts.push(adjustments(statement));
    }
    if !statement.problems.is_empty() {
        let problems = statement.problems.iter().map(|problem| format!("\n  {problem}"));
        parts.push(format!(
            "Open questions, to be answered before the close:{}",
            problems.collect::<String>()
        ));
    }
    if let Some(why) = why {
        parts.push(format!("Why, for the largest amount:\n{}", indented(why.trim_end())));
    }
    fitted(&(parts.join("\n\n") + "\n"))
}

fn head(statement: &v1::Statement) -> String {
    let state = match statement.state() {
        State::Open => "open: it moves with every deal until the close",
        State::Closed => "closed",
        State::Unspecified => "of a state that this attain does not know",
    };
    let digest: String = statement.digest.chars().take(DIGEST_SHOWN).collect();
    format!(
        "Statement of {} for {}, in {}\n{}\nas of change {}, rules {}, digest {digest}",
        statement.payee_id,
        statement.period,
        statement.currency_code,
        state,
        statement.as_of_change,
        statement.rules_revision,
    )
}

/// What each component came to, and the total.
fn summary(statement: &v1::Statement) -> String {
    let mut table = table(&["Component", "Window", "To date", "Earned"], 2);
    // What is in the statement's currency needs no name.
    let amount = |text: &str, code: &str| match code == statement.currency_code {
        true => grouped(text),
        false => format!("{} {code}", grouped(text)),
    };
    for component in &statement.components {
        table.add_row(vec![
            component.name.clone(),
            component.window.clone(),
            amount(&component.earned_to_date, &component.currency_code),
            amount(&component.earned, &component.currency_code),
        ]);
    }
    let other = |name: &str, text: &str, code: &str| {
        vec![name.into(), String::new(), String::new(), amount(text, code)]
    };
    let sum = |name: &str, amount: &str| vec![name.into(), String::new(), String::new(), grouped(amount)];
    if !statement.adjustments.is_empty() {
        table.add_row(sum("Earlier periods", &statement.adjusted));
    }
    table.add_row(sum("Total", &statement.total));
    for total in &statement.other_totals {
        if total.adjusted.chars().any(|digit| ('1'..='9').contains(&digit)) {
            table.add_row(other("Earlier periods", &total.adjusted, &total.currency_code));
        }
        table.add_row(other("Total", &total.total, &total.currency_code));
    }
    table.to_string()
}

/// How far the payee is against pace; why not, where that cannot be said.
fn attainments(answer: &v1::GetStatementResponse, statement: &v1::Statement) -> Vec<String> {
    let parts = standing::attainments(answer.attainments.iter(), &answer.on_date);
    if !parts.is_empty() {
        return parts;
    }
    let why = match answer.attainments.is_empty() && !statement.problems.is_empty() {
        true => "Attainment cannot be told before the open questions below are answered.".to_string(),
        false => format!(
            "No quota is set for {} or the year around it: there is no pace to keep.",
            statement.period
        ),
    };
    vec![why]
}

/// The fiscal year by month, a part for each measure.
fn months(answer: &v1::GetStatementResponse, statement: &v1::Statement) -> Vec<String> {
    let measure = |group: Vec<&v1::Attainment>| {
        let (name, currency) =
            group.first().map_or(("", ""), |first| (&first.measure_id, &first.currency_code));
        let mut title = format!("Credited of {name} by month");
        if !currency.is_empty() {
            let _ = write!(title, ", in {currency}");
        }
        let months: Vec<_> = group.iter().map(|figure| credited(figure, statement)).collect();
        match standing::months(&months) {
            None => format!("{title}\n  nothing up to {}", short_day(&answer.on_date)),
            Some(lines) => {
                let goals = group.iter().any(|figure| figure.quota.is_some());
                format!(
                    "{title}{}{lines}",
                    if goals { format!(" ({MARK} the quota)") } else { String::new() }
                )
            }
        }
    };
    let groups = by_measure(answer.months.iter());
    let shown = groups.len().min(MEASURES);
    let hidden = more_text(by_month(statement, &answer.attainments), shown, "measures").filter(|_| shown > 0);
    groups.into_iter().take(MEASURES).map(measure).chain(hidden).collect()
}

/// A month, with a mark at the statement's own.
fn credited<'a>(figure: &'a v1::Attainment, statement: &v1::Statement) -> Month<'a> {
    let own = figure.window == statement.period;
    Month {
        period: &figure.window,
        figure: &figure.credited,
        goal: figure.quota.as_deref(),
        note: if own { " ◀".to_string() } else { String::new() },
    }
}

/// How a component's amount came about.
fn details(
    answer: &v1::GetStatementResponse,
    statement: &v1::Statement,
    component: &v1::ComponentStatement,
) -> Vec<String> {
    let (name, window) = (&component.name, &component.window);
    let title = format!("{name} ({} of plan {}), {window}", component.component_id, component.plan_id);
    let mut text = title;
    for segment in &component.segments {
        let _ = write!(
            text,
            "\n{}",
            indented(&segment_text(
                segment,
                &component.currency_code,
                !over(statement, segment, &answer.on_date)
            ))
        );
    }
    if let Some(repriced) = &component.repriced {
        let _ = write!(text, "\n  Moved beside these lines, by tiers reached or left: {}", grouped(repriced));
    }
    for list in [deals(statement, component), reports(statement, component)].into_iter().flatten() {
        let _ = write!(text, "\n{}", indented(&list));
    }
    vec![text]
}

fn segment_text(segment: &v1::Segment, currency: &str, within_reach: bool) -> String {
    let v1::Segment { start_date, end_date, measure_id, .. } = segment;
    let mut text = format!("From {start_date} to before {end_date}: ");
    if measure_id.is_empty() {
        let _ = write!(text, "{} by {}{}", grouped(&segment.earned), segment.payout, steps(segment));
        return text;
    }
    let _ = write!(text, "{} credited of {measure_id}", grouped(&segment.credited));
    if let Some(line) = &segment.line {
        let measure = if segment.line_measure_id.is_empty() { measure_id } else { &segment.line_measure_id };
        let _ = write!(text, ", the line at {} of {measure}", grouped(line));
    }
    match (&segment.quota, &segment.attainment_percent) {
        (None, _) if needs_quota(segment) => text.push_str(", no quota is set: it earns nothing"),
        (None, _) => {}
        (Some(quota), None) => {
            let _ = write!(text, ", quota {}: attainment is undefined and earns nothing", grouped(quota));
        }
        (Some(quota), Some(attained)) => {
            let _ = write!(text, ", quota {}\n{} {}", grouped(quota), bar(attained), percent(attained));
        }
    }
    if let Some(base_rate) = &segment.base_rate_amount {
        let _ = write!(text, "\nbase rate {base_rate} for one unit");
    }
    if !segment.tiers.is_empty() {
        let _ = write!(text, "\n{}", tiers(segment));
    }
    text.push_str(&steps(segment));
    if let Some((next, missing)) = next_tier(segment, currency).filter(|_| within_reach) {
        let _ = write!(text, "\n{missing} more reach the tier {}", from_text(next));
    }
    text
}

/// A line for each step, with its figure and how it came about.
fn steps(segment: &v1::Segment) -> String {
    let mut lines = String::new();
    for step in &segment.steps {
        let figure = decimal(&step.value).is_some();
        let value = if figure { grouped(&step.value) } else { step.value.clone() };
        let _ = write!(lines, "\n{}: {value}", step.title);
        if !step.formula.is_empty() {
            let _ = write!(lines, " = {}", step.formula);
        }
    }
    lines
}

/// The ladder, with a mark at the tier that the line has reached.
fn tiers(segment: &v1::Segment) -> String {
    let reached = segment.tiers.iter().rposition(|tier| reached(segment, tier));
    let flats = segment.tiers.iter().any(|tier| tier.flat_amount.is_some());
    let header = ["Tier", "Rate", "Credited", "Earned", "Flat"];
    let mut table = table(if flats { &header } else { &header[..4] }, 1);
    for (place, tier) in segment.tiers.iter().enumerate() {
        let mark = if reached == Some(place) { " ◀" } else { "" };
        let mut row = vec![
            format!("{}{mark}", from_text(tier)),
            rate_text(segment, tier),
            grouped(&tier.credited),
            grouped(&tier.earned),
        ];
        if flats {
            row.push(tier.flat_amount.as_deref().map(grouped).unwrap_or_default());
        }
        table.add_row(row);
    }
    table.to_string()
}

/// The period's own deals: the first ones, and how many more.
fn deals(statement: &v1::Statement, component: &v1::ComponentStatement) -> Option<String> {
    let lines = &component.lines;
    if lines.is_empty() {
        return None;
    }
    let mut table = table(&["Date", "Deal", "Event", "Credited", "Earned"], 3);
    for line in lines.iter().take(LISTED) {
        let event = match line.reversed_event_id.as_str() {
            "" => line.event_id.clone(),
            reversed => format!("{}, takes back {reversed}", line.event_id),
        };
        table.add_row(vec![
            line.event_date.clone(),
            line.deal_id.clone(),
            event,
            grouped(&line.credited),
            grouped(&line.earned),
        ]);
    }
    let mut text = format!("Deals of {}\n{table}", statement.period);
    if lines.len() > LISTED {
        let _ = write!(text, "\nand {} more", lines.len() - LISTED);
    }
    Some(text)
}

/// What came up through each direct report.
fn reports(statement: &v1::Statement, component: &v1::ComponentStatement) -> Option<String> {
    if component.reports.is_empty() {
        return None;
    }
    let mut table = table(&["Report", "Credited", "Earned"], 1);
    for report in &component.reports {
        table.add_row(vec![report.payee_id.clone(), grouped(&report.credited), grouped(&report.earned)]);
    }
    Some(format!("Through reports in {}\n{table}", statement.period))
}

fn adjustments(statement: &v1::Statement) -> String {
    let mut table = table(&["For", "Plan", "Component", "Window", "Amount"], 4);
    for adjustment in &statement.adjustments {
        table.add_row(vec![
            adjustment.for_period.clone(),
            adjustment.plan_id.clone(),
            adjustment.component_id.clone(),
            adjustment.window.clone(),
            grouped(&adjustment.amount),
        ]);
    }
    format!("Changes of what earlier, closed periods earned\n{table}")
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
