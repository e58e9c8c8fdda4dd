//! Columns side by side, one for each month, with a mark where the month's goal is.

use maud::{Markup, html};
use rust_decimal::Decimal;

use super::figures::short;
use super::scale::{across, of, rough};

/// Pixels above the columns, of the tallest of them, and below them.
const ABOVE: i64 = 18;
const TALLEST: i64 = 110;
const BELOW: i64 = 20;

/// A month.
pub struct Column {
    /// What stands under it.
    pub name: String,
    /// What it shows, in a sentence.
    pub label: String,
    /// Its figure; `None` while there is none.
    pub figure: Option<String>,
    /// Its goal.
    pub goal: Option<String>,
    /// Whether it is the month that the page is about.
    pub current: bool,
}

/// A drawing of columns; figures below zero hang from the line. Nothing of no columns.
pub fn columns(label: &str, columns: &[Column]) -> Markup {
    let figures = columns.iter().flat_map(|column| [&column.figure, &column.goal]).flatten();
    let placed: Vec<Decimal> = figures.filter_map(|text| rough(text)).chain([Decimal::ZERO]).collect();
    let highest = placed.iter().max().copied().unwrap_or_default();
    let lowest = placed.iter().min().copied().unwrap_or_default();
    let range = highest.checked_sub(lowest).unwrap_or_default();
    let y = |figure: Decimal| match range.is_zero() {
        true => ABOVE + TALLEST,
        false => ABOVE + of(highest.saturating_sub(figure), range, TALLEST),
    };
    let slot = i64::try_from(columns.len()).ok().and_then(|count| 1000_i64.checked_div(count));
    let slot = slot.unwrap_or(1000);
    // Room under what hangs below the line for its own figure.
    let below = if lowest < Decimal::ZERO { BELOW + 14 } else { BELOW };
    let height = ABOVE + TALLEST + below;
    html! {
        svg.columns role="img" aria-label=(label) width="100%" height=(height) {
            title { (label) }
            @for (place, column) in (0_i64..).zip(columns) {
                (one(column, place * slot, slot, &y, height))
            }
            line.base x1="0" x2="100%" y1=(y(Decimal::ZERO)) y2=(y(Decimal::ZERO)) {}
        }
    }
}

/// A column in its slot from `left`, both in thousandths of the width.
fn one(column: &Column, left: i64, slot: i64, y: &impl Fn(Decimal) -> i64, height: i64) -> Markup {
    let (x, width) = (left + slot * 16 / 100, slot * 68 / 100);
    let middle = across(left + slot / 2);
    let zero = y(Decimal::ZERO);
    let drawn = column.figure.as_deref().and_then(|text| Some((text, rough(text)?)));
    let drawn = drawn.filter(|(_, figure)| !figure.is_zero());
    html! {
        g {
            title { (column.label) }
            @if let Some((_, figure)) = drawn {
                @let (top, bottom) = (y(figure).min(zero), y(figure).max(zero));
                // A figure too small to be seen is there all the same.
                rect.month.current[column.current] x=(across(x)) width=(across(width)) y=(top)
                    height=((bottom - top).max(1)) rx="3" {}
            }
            @if let Some(goal) = column.goal.as_deref().and_then(rough) {
                line.goal x1=(across(left + slot * 6 / 100)) x2=(across(left + slot * 94 / 100))
                    y1=(y(goal)) y2=(y(goal)) {}
            }
            // Over the goal, which it may stand on.
            @if let Some((text, figure)) = drawn {
                @let written = if figure < Decimal::ZERO { y(figure).max(zero) + 12 } else { y(figure).min(zero) - 5 };
                text.figure x=(middle) y=(written) text-anchor="middle" { (short(text)) }
            }
            text.name.current[column.current] x=(middle) y=(height - 5) text-anchor="middle" { (column.name) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(figure: Option<&str>, goal: Option<&str>) -> Column {
        let text = |text: &str| text.to_string();
        Column {
            name: "Mar".into(),
            label: "March <2026>".into(),
            figure: figure.map(text),
            goal: goal.map(text),
            current: false,
        }
    }

    /// Top and height of each column, and where goals are.
    fn drawn(columns: &[Column]) -> (Vec<(String, String)>, Vec<String>) {
        let svg = super::columns("label", columns).into_string();
        let after = |rest: &str, name: &str| {
            let (_, rest) = rest.split_once(&format!(" {name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_string()
        };
        let months = svg.split("class=\"month").skip(1);
        let goals = svg.split("class=\"goal").skip(1);
        (
            months.map(|rest| (after(rest, "y"), after(rest, "height"))).collect(),
            goals.map(|rest| after(rest, "y1")).collect(),
        )
    }

    #[test]
    fn columns_stand_on_the_line_and_refunds_hang_from_it() {
        // The tallest is 110 pixels, from 18 to 128.
        let (months, goals) =
            drawn(&[column(Some("50.00"), Some("75.00")), column(Some("100.00"), None), column(None, None)]);
        assert_eq!(months, [("73".into(), "55".into()), ("18".into(), "110".into())]);
        assert_eq!(goals, ["45"]);
        // 75 above the line of 110 pixels for 100, 25 below.
        let (months, _) = drawn(&[column(Some("75"), None), column(Some("-25"), None)]);
        assert_eq!(months, [("18".into(), "82".into()), ("100".into(), "28".into())]);
    }

    #[test]
    fn nothing_and_the_smallest_are_drawn() {
        let (months, goals) = drawn(&[column(Some("0.00"), None), column(None, None)]);
        assert_eq!((months.len(), goals.len()), (0, 0));
        // The line that nothing stands on is where columns would begin.
        let nothing = super::columns("label", &[column(Some("0.00"), Some("0.00"))]).into_string();
        assert!(nothing.contains("class=\"base\" x1=\"0\" x2=\"100%\" y1=\"128\" y2=\"128\""), "{nothing}");
        let (months, _) = drawn(&[column(Some("0.01"), None), column(Some("900000.00"), None)]);
        assert_eq!(months[0].1, "1");
        let none = super::columns("label", &[]).into_string();
        assert!(none.contains("<svg"), "{none}");
    }

    #[test]
    fn labels_are_text() {
        let svg = super::columns("label", &[column(Some("1"), None)]).into_string();
        assert!(svg.contains("<title>March &lt;2026&gt;</title>"), "{svg}");
    }
}
