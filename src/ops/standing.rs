//! How far somebody is, in a terminal: attainment against pace, and what the months brought. Figures are the server's own.

use std::fmt::Write as _;

use crate::api::v1;
use crate::picture::figures::{
    MARK, about, at_least, bar, counts, grouped, marked, month, more_text, percent, short_day, short_month,
};
use crate::picture::scale::{of, rough};
use crate::picture::standing::{MEASURES, by_measure, pace_kept};

/// A bar for each window of each measure that has a quota in it, with a mark where pace would be, and in words where that
/// leads; a part for each measure.
pub fn attainments<'a>(figures: impl Iterator<Item = &'a v1::Attainment>, on_date: &str) -> Vec<String> {
    let groups = by_measure(figures.filter(|figure| figure.quota.is_some()));
    let measure = |group: Vec<&v1::Attainment>| {
        let name = group.first().map_or("", |first| first.measure_id.as_str());
        let mut text = format!("Attainment of {name}, up to {}", short_day(on_date));
        if group.iter().any(|figure| figure.expected.is_some()) {
            let _ = write!(text, " ({MARK} where pace would be)");
        }
        let width = group.iter().map(|figure| month(&figure.window).len()).max().unwrap_or_default();
        for figure in group {
            let _ = write!(text, "\n{}\n{}", window(figure, width), course(figure));
        }
        text
    };
    let hidden = more_text(groups.len(), MEASURES, "measures");
    groups.into_iter().take(MEASURES).map(measure).chain(hidden).collect()
}

/// The bar of a window.
fn window(figure: &v1::Attainment, width: usize) -> String {
    let name = month(&figure.window);
    let pace = figure.expected.as_ref().and(figure.elapsed_percent.as_deref());
    let attained = figure.attainment_percent.as_deref();
    let filled = attained.unwrap_or("0");
    let bar = pace.map_or_else(|| bar(filled), |pace| marked(filled, pace));
    let said = attained.map_or_else(|| "undefined".to_string(), percent);
    let kept = pace_kept(figure).map(|(said, _)| format!(", {said}")).unwrap_or_default();
    format!("  {name:<width$} {bar} {said}{kept}")
}

/// What there is of the quota and what pace asks for, where it leads, what is left to do: a line each.
fn course(figure: &v1::Attainment) -> String {
    let credited =
        if figure.credited.is_empty() { "nothing yet".to_string() } else { grouped(&figure.credited) };
    let quota = figure.quota.as_deref().map(grouped).unwrap_or_default();
    let mut text = format!("    {credited} of {quota} {}", figure.currency_code).trim_end().to_string();
    let Some(expected) = &figure.expected else { return text };
    let _ = write!(text, "; pace asks for {}", about(expected, figure.unit()));
    if let Some(pace) = &figure.pace_percent {
        let _ = write!(text, ": {} is there", percent(pace));
    }
    if figure.days_left > 0 {
        if let Some(forecast) = &figure.forecast_by_pace {
            let _ = write!(text, "\n    going on like this ends at {}", about(forecast, figure.unit()));
        }
        if let Some(needed) = figure.needed_per_week.as_deref().filter(|needed| counts(needed)) {
            let (needed, days) = (at_least(needed), figure.days_left);
            let _ = write!(text, "\n    about {needed} a week reach the quota in the {days} days left");
        }
    }
    text
}

/// A month: its period, its figure (none of a month that is yet to come), its goal, and what else is said of it.
pub struct Month<'a> {
    pub period: &'a str,
    pub figure: &'a str,
    pub goal: Option<&'a str>,
    pub note: String,
}

/// A line for each month, with a bar beside the largest figure or goal of them and a mark where the goal is; `None` without
/// any figure but zero.
pub fn months(months: &[Month]) -> Option<String> {
    let figures = || months.iter().map(|month| month.figure).filter(|figure| !figure.is_empty());
    if !figures().any(counts) {
        return None;
    }
    let largest = figures().chain(months.iter().filter_map(|month| month.goal)).filter_map(rough).max()?;
    let share = |text: &str| {
        let permille = of(rough(text).unwrap_or_default(), largest, 1000);
        format!("{}.{}", permille / 10, permille % 10)
    };
    let width = figures().map(|figure| grouped(figure).len()).max().unwrap_or_default();
    let line = |month: &Month| {
        let filled = share(month.figure);
        let bar = month.goal.map_or_else(|| bar(&filled), |goal| marked(&filled, &share(goal)));
        let goal = month.goal.map(|goal| format!(" of {}", grouped(goal))).unwrap_or_default();
        let (name, figure) = (short_month(month.period), grouped(month.figure));
        let line = format!("\n  {name} {bar} {figure:>width$}{goal}{}", month.note);
        line.trim_end().to_string()
    };
    // Months to come of which nothing is known say nothing.
    let said = months.iter().rposition(|month| !month.figure.is_empty() || month.goal.is_some())?;
    Some(months.iter().take(said + 1).map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::statement::{attainment, behind_pace};

    fn said(figure: v1::Attainment) -> String {
        attainments([figure].iter(), "2026-10-31").join("\n")
    }

    #[test]
    fn a_window_says_where_pace_leads() {
        assert_eq!(
            said(behind_pace()),
            "Attainment of bookings, up to 31 Oct (┃ where pace would be)\n  \
             FY2026-Q4 ██▌░░░┃░░░░░░░░░░░░░ 12.8 %, behind pace\n    \
             57,956.00 of 450,000.00 USD; pace asks for 150,000: 38.6 % is there\n    \
             going on like this ends at 173,868\n    \
             about 44,989 a week reach the quota in the 61 days left"
        );
        let reached = v1::Attainment {
            attainment_percent: Some("104.2".into()),
            pace_percent: Some("312.6".into()),
            needed_per_week: Some("0.00".into()),
            ..behind_pace()
        };
        let reached = said(reached);
        assert!(reached.contains("██████┃█████████████▶ 104.2 %, quota reached"), "{reached}");
        assert!(!reached.contains("a week"), "{reached}");
        let over = said(v1::Attainment { days_left: 0, needed_per_week: None, ..behind_pace() });
        assert!(over.ends_with("38.6 % is there"), "{over}");
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        // The mean of an outside measure has no pace; nothing is there of it yet; a quota of zero cannot be reached.
        assert_eq!(
            said(v1::Attainment {
                currency_code: String::new(),
                ..attainment("FY2026", "", Some("4.5"), None)
            }),
            "Attainment of bookings, up to 31 Oct\n  FY2026 ░░░░░░░░░░░░░░░░░░░░ undefined\n    nothing yet of 4.5"
        );
        let zero = attainment("2026-10", "5.00", Some("0.00"), None);
        assert!(said(zero).ends_with("undefined\n    5.00 of 0.00 USD"));
        assert_eq!(said(attainment("2026-10", "5.00", None, None)), "");
    }

    fn a_month<'a>(period: &'a str, figure: &'a str, goal: Option<&'a str>) -> Month<'a> {
        Month { period, figure, goal, note: String::new() }
    }

    #[test]
    fn months_stand_beside_the_largest() {
        let shown = months(&[
            a_month("2026-01", "200000.00", None),
            a_month("2026-02", "-5000.00", None),
            a_month("2026-03", "50000.00", Some("100000.00")),
            a_month("2026-04", "", Some("400000.00")),
            a_month("2026-05", "", None),
        ]);
        let expected = "
  Jan ██████████░░░░░░░░░░ 200,000.00
  Feb ░░░░░░░░░░░░░░░░░░░░  -5,000.00
  Mar ██▌░░┃░░░░░░░░░░░░░░  50,000.00 of 100,000.00
  Apr ░░░░░░░░░░░░░░░░░░░┃            of 400,000.00";
        assert_eq!(shown.as_deref(), Some(expected));
    }

    #[test]
    fn of_nothing_there_are_no_bars() {
        for figures in [&["", ""][..], &["0.00", ""], &[]] {
            let shown: Vec<_> =
                figures.iter().map(|figure| a_month("2026-01", figure, Some("5.00"))).collect();
            assert_eq!(months(&shown), None, "{figures:?}");
        }
    }
}
