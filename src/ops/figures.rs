//! Figures for people to read. The text of a figure is never computed with, only cut and grouped.

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

/// A percent with one decimal. Cut, not rounded: 99.96 has not reached 100.
pub fn percent(text: &str) -> String {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let tenth = decimals.chars().next().unwrap_or('0');
    format!("{}.{tenth} %", grouped(whole))
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
}
