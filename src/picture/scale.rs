//! Where a figure stands in a drawing, in whole numbers: thousandths of a width, pixels of a height. What is drawn is
//! rounded; what is written beside it is not.

use std::str::FromStr as _;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// A figure's text as a number to place, cut to what fits 28 digits; `None` of what is no number.
pub fn rough(text: &str) -> Option<Decimal> {
    Decimal::from_str(text).ok()
}

/// `part x size / whole`, cut to a whole number and held within `[0, size]`; 0 of a whole that is none.
pub fn of(part: Decimal, whole: Decimal, size: i64) -> i64 {
    if whole <= Decimal::ZERO || part <= Decimal::ZERO {
        return 0;
    }
    if part >= whole {
        return size;
    }
    let share = part.checked_div(whole).and_then(|share| share.checked_mul(Decimal::from(size)));
    share.and_then(|share| share.trunc().to_i64()).map_or(0, |place| place.clamp(0, size))
}

/// A place between the left and the right as SVG takes it: `82.4%` of 824 thousandths.
pub fn across(permille: i64) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stay_within_the_drawing() {
        for (part, whole, expected) in [
            ("0", "100", 0),
            ("50", "100", 500),
            ("99.9999", "100", 999),
            ("100", "100", 1000),
            ("250", "100", 1000),
            ("-10", "100", 0),
            ("10", "0", 0),
            ("10", "-5", 0),
            ("79228162514264337593543950335", "1", 1000),
            ("1", "79228162514264337593543950335", 0),
        ] {
            assert_eq!(of(rough(part).unwrap(), rough(whole).unwrap(), 1000), expected, "{part} of {whole}");
        }
        assert_eq!(across(0), "0.0%");
        assert_eq!(across(824), "82.4%");
        assert_eq!(across(1000), "100.0%");
    }

    #[test]
    fn more_digits_than_a_number_holds_are_cut() {
        let third = rough("333333333333333.33333333333333333333").unwrap();
        assert_eq!(of(third, Decimal::from(1_000_000_000_000_000_i64), 1000), 333);
        assert_eq!(rough("none"), None);
        assert_eq!(rough(""), None);
    }
}
