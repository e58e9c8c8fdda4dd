//! How far somebody is: a bar of what is attained, and in words what pace asks for, where it leads and what is left to do.

use std::collections::BTreeSet;

use maud::{Markup, html};
use rust_decimal::Decimal;

use super::bar::bar;
use super::figures::{about, at_least, counts, grouped, month, percent, short_day};
use crate::api::v1;

/// Measures that are shown.
pub const MEASURES: usize = 6;

/// Figures of each measure, in the order in which the measures come.
pub fn by_measure<'a>(figures: impl Iterator<Item = &'a v1::Attainment>) -> Vec<Vec<&'a v1::Attainment>> {
    let mut groups: Vec<Vec<&v1::Attainment>> = Vec::new();
    for figure in figures {
        let group =
            groups.iter_mut().find(|group| group.iter().any(|other| other.measure_id == figure.measure_id));
        match group {
            Some(group) => group.push(figure),
            None => groups.push(vec![figure]),
        }
    }
    groups
}

/// How many measures there are to show by month, of which an answer gives the first: those with a quota, else those that
/// components pay on.
pub fn by_month(statement: &v1::Statement, attainments: &[v1::Attainment]) -> usize {
    let with_quota = by_measure(attainments.iter().filter(|figure| figure.quota.is_some())).len();
    let segments = statement.components.iter().flat_map(|part| &part.segments);
    let paid = segments.map(|segment| match segment.line_measure_id.as_str() {
        "" => segment.measure_id.as_str(),
        line => line,
    });
    let paid: BTreeSet<&str> = paid.filter(|measure| !measure.is_empty()).collect();
    if with_quota > 0 { with_quota } else { paid.len() }
}

/// What a window of an attainment shows, up to a day.
pub fn standing(figure: &v1::Attainment, on_date: &str) -> Markup {
    let (window, attained) = (month(&figure.window), figure.attainment_percent.as_deref());
    let said = attained.map_or_else(|| "undefined".to_string(), percent);
    let credited =
        if figure.credited.is_empty() { "nothing yet".to_string() } else { grouped(&figure.credited) };
    let pace = figure.expected.as_ref().and(figure.elapsed_percent.as_deref());
    let mut label = format!("{window}: {said} of the quota");
    if let Some(pace) = pace {
        label.push_str(&format!(", pace asks for {}", percent(pace)));
    }
    html! {
        div.top { span { (window) } span.percent { (said) } }
        (bar(&label, attained, pace, Decimal::ZERO))
        div.top {
            span.soft {
                (credited) " of " (figure.quota.as_deref().map(grouped).unwrap_or_default()) " " (figure.currency_code)
            }
            (ahead(figure))
        }
        (course(figure, on_date))
    }
}

/// Whether pace is kept.
fn ahead(figure: &v1::Attainment) -> Markup {
    html! {
        @if let Some((said, good)) = pace_kept(figure) { span.chip.good[good].late[!good] { (said) } }
    }
}

/// Whether pace is kept, in a word, and whether that is good; `None` where nothing is expected.
pub fn pace_kept(figure: &v1::Attainment) -> Option<(&'static str, bool)> {
    if whole_percent(figure.attainment_percent.as_deref()).is_some_and(|percent| percent >= 100) {
        return Some(("quota reached", true));
    }
    let kept = whole_percent(figure.pace_percent.as_deref())? >= 100;
    Some(if kept { ("on pace", true) } else { ("behind pace", false) })
}

/// The whole percents of a figure.
fn whole_percent(text: Option<&str>) -> Option<i64> {
    text?.split('.').next()?.parse().ok()
}

/// What pace asks for, where it leads, what is left to do.
fn course(figure: &v1::Attainment, on_date: &str) -> Markup {
    let left = figure.days_left > 0;
    let needed = figure.needed_per_week.as_deref().filter(|needed| left && counts(needed));
    html! {
        @if let Some(expected) = &figure.expected {
            p.soft {
                "Pace asks for " (about(expected, figure.unit())) " by " (short_day(on_date))
                @if let Some(pace) = &figure.pace_percent { "; " (percent(pace)) " of it is there" }
                "."
                @if let Some(forecast) = figure.forecast_by_pace.as_deref().filter(|_| left) {
                    " Going on like this ends at " strong { (about(forecast, figure.unit())) } "."
                }
                @if let Some(needed) = needed {
                    " About " strong { (at_least(needed)) } " a week reach the quota in the " (figure.days_left) " days left."
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::statement::behind_pace;

    fn said(figure: &v1::Attainment) -> String {
        crate::picture::tests::reader::part(&standing(figure, "2026-10-31").into_string())
    }

    #[test]
    fn pace_is_a_mark_and_a_sentence() {
        let html = standing(&behind_pace(), "2026-10-31").into_string();
        assert!(html.contains("x1=\"33.3%\""), "{html}");
        let text = said(&behind_pace());
        for part in [
            "behind pace",
            "FY2026-Q4: 12.8 % of the quota, pace asks for 33.3 %",
            "Pace asks for 150,000 by 31 Oct; 38.6 % of it is there. Going on like this ends at 173,868. \
             About 44,989 a week reach the quota in the 61 days left.",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn what_is_reached_or_over_asks_for_nothing_more() {
        let (attained, pace) = (Some("104.2".into()), Some("312.6".into()));
        let reached = v1::Attainment {
            attainment_percent: attained,
            pace_percent: pace,
            needed_per_week: Some("0.00".into()),
            ..behind_pace()
        };
        assert!(said(&reached).contains("quota reached") && !said(&reached).contains("a week"));
        let on_pace = v1::Attainment { pace_percent: Some("100".into()), ..behind_pace() };
        assert!(said(&on_pace).contains("on pace"), "{}", said(&on_pace));
        let just_behind = v1::Attainment { pace_percent: Some("99.999999".into()), ..behind_pace() };
        assert!(said(&just_behind).contains("behind pace"), "{}", said(&just_behind));
        let over = v1::Attainment { days_left: 0, needed_per_week: None, ..behind_pace() };
        assert!(!said(&over).contains("Going on") && said(&over).contains("by 31 Oct"), "{}", said(&over));
    }

    #[test]
    fn what_is_small_keeps_a_decimal_and_what_is_needed_is_enough() {
        let few = v1::Attainment {
            expected: Some("2.58".into()),
            forecast_by_pace: Some("12.5".into()),
            needed_per_week: Some("0.1148".into()),
            unit: v1::Unit::Number.into(),
            currency_code: String::new(),
            ..behind_pace()
        };
        let said = |figure: &v1::Attainment| said(figure);
        let text = said(&few);
        for part in ["asks for 2.5 by", "ends at 12.5.", "About 0.2 a week"] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        for (needed, expected) in
            [("9.95", "10"), ("9.91", "10"), ("9.9", "9.9"), ("10.000001", "11"), ("12.00", "12"), ("1", "1")]
        {
            let text = said(&v1::Attainment { needed_per_week: Some(needed.into()), ..behind_pace() });
            assert!(text.contains(&format!("About {expected} a week")), "{needed} {expected}\n{text}");
        }
    }

    #[test]
    fn without_an_expectation_there_is_no_pace() {
        let without = v1::Attainment { expected: None, pace_percent: None, ..behind_pace() };
        let html = standing(&without, "2026-10-31").into_string();
        assert!(!html.contains("pace") && !html.contains("Pace"), "{html}");
    }
}
