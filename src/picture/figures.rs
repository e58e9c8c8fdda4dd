//! Figures for people to read. The text of a figure is never computed with, only cut and grouped; what somebody needs is
//! rounded up, so that it is enough.

use rust_decimal::{Decimal, RoundingStrategy};

use super::scale::{of, rough};
use crate::api::v1;

/// Decimal text with a comma between groups of three integer digits: `-1,234,567.80`.
pub fn grouped(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, decimals) = match digits.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (digits, None),
    };
    let mut grouped = sign.to_string();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(decimals) = decimals {
        grouped.push('.');
        grouped.push_str(decimals);
    }
    grouped
}

/// The whole of a figure, its decimals cut off: `12,345`.
pub fn whole(text: &str) -> String {
    let whole = text.split('.').next().unwrap_or(text);
    grouped(if whole == "-0" { "0" } else { whole })
}

/// A figure beside others, about as large: whole, but below ten and of numbers with a decimal, cut off.
pub fn about(text: &str, unit: v1::Unit) -> String {
    let (cut, decimals) = text.split_once('.').unwrap_or((text, ""));
    let small = cut.trim_start_matches('-').len() < 2;
    match decimals.chars().next().filter(|tenth| *tenth != '0' && (small || unit == v1::Unit::Number)) {
        Some(tenth) => format!("{}.{tenth}", grouped(cut)),
        None => whole(text),
    }
}

/// What is needed of something, about: no less, whole from ten on, below with a decimal.
pub fn at_least(text: &str) -> String {
    let Some(figure) = rough(text) else { return grouped(text) };
    let digits = if figure < Decimal::TEN { 1 } else { 0 };
    let enough = figure.round_dp_with_strategy(digits, RoundingStrategy::ToPositiveInfinity);
    grouped(&enough.normalize().to_string())
}

/// Whether a figure is another than zero.
pub fn counts(text: &str) -> bool {
    text.chars().any(|digit| ('1'..='9').contains(&digit))
}

/// The size of a figure in at most four characters besides its sign, for the narrow columns of a drawing: `1.2k`, `45k`,
/// `3M`. Cut, not rounded; the figure itself stands beside it.
pub fn short(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let (size, unit) = match whole.len() {
        0..=3 => (0, ""),
        4..=6 => (3, "k"),
        7..=9 => (6, "M"),
        10..=12 => (9, "B"),
        _ => (12, "T"),
    };
    let (front, rest) = whole.split_at_checked(whole.len().saturating_sub(size)).unwrap_or((whole, ""));
    let rest = if size == 0 { decimals } else { rest };
    match rest.chars().next() {
        Some(tenth) if front.len() == 1 && tenth != '0' => format!("{sign}{front}.{tenth}{unit}"),
        _ => format!("{sign}{front}{unit}"),
    }
}

/// Names of the months.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The name of a month's number, `03`.
fn name(month: &str) -> Option<&'static str> {
    MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?).copied()
}

/// A period as people say it: `March 2026` of `2026-03`. Other windows stay as they are.
pub fn month(period: &str) -> String {
    let said = period.split_once('-').and_then(|(year, month)| Some((year, name(month)?)));
    said.map_or_else(|| period.to_string(), |(year, name)| format!("{name} {year}"))
}

/// A period's month in three letters: `Mar` of `2026-03`.
pub fn short_month(period: &str) -> String {
    let said = period.split_once('-').and_then(|(_, month)| name(month)?.get(..3));
    said.unwrap_or(period).to_string()
}

/// A day of a year that is known: `4 Mar` of `2026-03-04`.
pub fn short_day(day: &str) -> String {
    let mut parts = day.splitn(3, '-').skip(1);
    let month = parts.next().and_then(|month| name(month)?.get(..3));
    let said = month.zip(parts.next().filter(|day| day.bytes().all(|digit| digit.is_ascii_digit())));
    said.map_or_else(|| day.to_string(), |(month, day)| format!("{} {month}", day.trim_start_matches('0')))
}

/// A percent with one decimal. Cut, not rounded: 99.96 has not reached 100.
pub fn percent(text: &str) -> String {
    format!("{} %", tenth(text))
}

/// A bar as [`bar`] gives it, with a mark in the cell where another percent of the same stands.
pub fn marked(percent: &str, mark: &str) -> String {
    let place = rough(mark).and_then(|mark| usize::try_from(of(mark, Decimal::ONE_HUNDRED, 100)).ok());
    let cells = bar(percent);
    let Some(place) = place.map(|place| (place * BAR / 100).min(BAR - 1)) else { return cells };
    cells.chars().enumerate().map(|(at, cell)| if at == place { MARK } else { cell }).collect()
}

/// What [`marked`] sets into a bar.
pub const MARK: char = '┃';
/// How many more there are than are shown, in words: `and 1,322 more deals`, `and 1 more deal`; `None` if all are.
pub fn more_text(count: usize, shown: usize, what: &str) -> Option<String> {
    let left = count.saturating_sub(shown);
    let one = what.strip_suffix('s').filter(|_| left == 1 && !what.contains(' '));
    (left > 0).then(|| format!("and {} more {}", grouped(&left.to_string()), one.unwrap_or(what)))
}

/// A number with one decimal, cut.
pub fn tenth(text: &str) -> String {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    format!("{}.{}", grouped(whole), decimals.chars().next().unwrap_or('0'))
}

/// Cells of a full bar.
const BAR: usize = 20;
/// A cell filled by eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of [`BAR`] cells that is full at 100 percent; beyond that it ends in an arrow.
pub fn bar(percent: &str) -> String {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, ""));
    let Ok(hundredths) = format!("{whole}{decimals:0<2.2}").parse::<i64>() else { return String::new() };
    let Ok(hundredths) = usize::try_from(hundredths.clamp(0, 10_001)) else { return String::new() };
    if hundredths > 10_000 {
        return format!("{}▶", "█".repeat(BAR));
    }
    let eighths = hundredths * BAR * EIGHTHS.len() / 10_000;
    let filled = format!("{}{}", "█".repeat(eighths / EIGHTHS.len()), EIGHTHS[eighths % EIGHTHS.len()]);
    let empty = BAR - eighths.div_ceil(EIGHTHS.len());
    format!("{filled}{}", "░".repeat(empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_by_thousands() {
        for (text, expected) in [
            ("", ""),
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("1234567.891", "1,234,567.891"),
            ("123456.00", "123,456.00"),
            ("-999.50", "-999.50"),
            ("-1000.5", "-1,000.5"),
            ("10005534.00", "10,005,534.00"),
        ] {
            assert_eq!(grouped(text), expected, "{text:?}");
        }
    }

    #[test]
    fn decimals_are_cut_off() {
        for (text, expected) in
            [("12345.99", "12,345"), ("0.4", "0"), ("-0.4", "0"), ("-10.4", "-10"), ("7", "7")]
        {
            assert_eq!(whole(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_small_and_what_is_counted_keeps_a_decimal() {
        for (text, money, number) in [
            ("2.58", "2.5", "2.5"),
            ("-0.4", "-0.4", "-0.4"),
            ("9.0999", "9", "9"),
            ("12.5", "12", "12.5"),
            ("1234.56", "1,234", "1,234.5"),
            ("266666.666667", "266,666", "266,666.6"),
            ("7", "7", "7"),
            ("", "", ""),
        ] {
            assert_eq!(
                (about(text, v1::Unit::Money), about(text, v1::Unit::Number)),
                (money.into(), number.into())
            );
        }
    }

    #[test]
    fn what_is_needed_is_rounded_up() {
        for (text, expected) in [
            ("0.1148", "0.2"),
            ("9.9", "9.9"),
            ("9.91", "10"),
            ("10.000001", "11"),
            ("44988.721311", "44,989"),
            ("12.00", "12"),
        ] {
            assert_eq!(at_least(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        assert_eq!(more_text(6, 6, "measures"), None);
        assert_eq!(more_text(7, 6, "measures").as_deref(), Some("and 1 more measure"));
        assert_eq!(more_text(1328, 6, "measures").as_deref(), Some("and 1,322 more measures"));
        assert_eq!(more_text(7, 6, "of smaller ones").as_deref(), Some("and 1 more of smaller ones"));
    }

    #[test]
    fn sizes_are_cut_to_what_fits_a_column() {
        for (text, expected) in [
            ("", ""),
            ("0.00", "0"),
            ("4.6", "4.6"),
            ("4.06", "4"),
            ("999.99", "999"),
            ("1000.00", "1k"),
            ("1299.99", "1.2k"),
            ("12999.99", "12k"),
            ("999999.99", "999k"),
            ("-1500000", "-1.5M"),
            ("150000000", "150M"),
            ("2100000000.5", "2.1B"),
            ("999999999999999.99", "999T"),
            ("1234567890123456789", "1234567T"),
        ] {
            assert_eq!(short(text), expected, "{text:?}");
        }
    }

    #[test]
    fn periods_and_days_are_said_as_people_do() {
        assert_eq!((month("2026-03"), short_month("2026-03")), ("March 2026".into(), "Mar".into()));
        assert_eq!((month("2026-12"), short_month("2026-12")), ("December 2026".into(), "Dec".into()));
        assert_eq!((short_day("2026-03-04"), short_day("2026-11-30")), ("4 Mar".into(), "30 Nov".into()));
        for other in ["FY2026-Q1", "FY2026", "2026-13", "2026-00", "2026-03-DEALS", "", "-"] {
            assert_eq!(
                (month(other), short_month(other), short_day(other)),
                (other.into(), other.into(), other.into())
            );
        }
    }

    #[test]
    fn percents_are_cut_to_one_decimal() {
        for (text, expected) in [
            ("0", "0.0 %"),
            ("99.999999", "99.9 %"),
            ("104.166667", "104.1 %"),
            ("-2.5", "-2.5 %"),
            ("1250", "1,250.0 %"),
        ] {
            assert_eq!(percent(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_bar_is_full_at_one_hundred_percent() {
        for (percent, full, part, empty, more) in [
            ("0", 0, "", 20, ""),
            ("-10", 0, "", 20, ""),
            ("50", 10, "", 10, ""),
            // 160 eighths in all: 0.625 percent each.
            ("0.625", 0, "", 20, ""),
            ("0.63", 0, "▏", 19, ""),
            ("52.5", 10, "▌", 9, ""),
            ("99.999999", 19, "▉", 0, ""),
            ("100", 20, "", 0, ""),
            ("100.01", 20, "", 0, "▶"),
            ("250.5", 20, "", 0, "▶"),
        ] {
            let expected = format!("{}{part}{}{more}", "█".repeat(full), "░".repeat(empty));
            assert_eq!(bar(percent), expected, "{percent}");
        }
        assert_eq!(bar("none"), "");
    }

    #[test]
    fn a_mark_stands_in_the_cell_of_its_percent() {
        for (percent, mark, before, after) in [
            ("0", "0", "", "░░░░░░░░░░░░░░░░░░░"),
            ("0", "4.999", "", "░░░░░░░░░░░░░░░░░░░"),
            ("0", "5", "░", "░░░░░░░░░░░░░░░░░░"),
            ("50", "66.666667", "██████████░░░", "░░░░░░"),
            ("50", "25", "█████", "████░░░░░░░░░░"),
            ("99.9", "100", "███████████████████", ""),
            ("120", "400", "███████████████████", "▶"),
            ("120", "-3", "", "███████████████████▶"),
        ] {
            assert_eq!(marked(percent, mark), format!("{before}┃{after}"), "{percent} {mark}");
        }
        assert_eq!(marked("50", "none"), bar("50"));
    }
}
