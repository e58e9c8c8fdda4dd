//! Decimal text, read and written exactly: scaled integers inside, never a float.

use std::fmt;

/// Decimals of a percentage.
pub const PERCENT_DECIMALS: u32 = 6;
/// Decimals of a quantity.
pub const QUANTITY_DECIMALS: u32 = 6;
/// Integer digits of an amount or a plain number.
pub const INTEGER_DIGITS: usize = 15;
/// Integer digits of a percentage or quantity: what 64 bits and a column hold beside six decimals.
pub const SMALL_DIGITS: usize = 12;
/// `100` percent in millionths of a percent: the denominator that turns a [`Percent`] into a ratio.
pub const WHOLE: i64 = 100_000_000;

/// Why a text is no decimal number of the form asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    #[error("must not be empty")]
    Empty,
    #[error("must be plain decimal text such as \"1250.00\", got {0:?}")]
    Syntax(String),
    #[error("must not be minus zero, got {0:?}")]
    MinusZero(String),
    #[error("must have at most {limit} integer digits, got {text:?}")]
    TooLarge { text: String, limit: usize },
    #[error("must have at most {limit} decimals, got {text:?}")]
    TooPrecise { text: String, limit: u32 },
    #[error("must be {rule}, got {text:?}")]
    OutOfRange { text: String, rule: &'static str },
}

/// Reads plain decimal text as an integer scaled by `10^decimals`.
///
/// Refuses exponents, signs other than one leading minus, superfluous leading zeros, minus zero,
/// more than `integer_digits` digits before the point and more than `decimals` after it. Nothing is rounded.
pub fn parse(text: &str, integer_digits: usize, decimals: u32) -> Result<i128, NumberFault> {
    let shown = || text.chars().take(60).collect::<String>();
    if text.is_empty() {
        return Err(NumberFault::Empty);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(NumberFault::Syntax(shown())),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let is_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || padded || !is_digits(whole) || !is_digits(fraction) {
        return Err(NumberFault::Syntax(shown()));
    }
    if whole.len() > integer_digits {
        return Err(NumberFault::TooLarge { text: shown(), limit: integer_digits });
    }
    let missing = usize::try_from(decimals).ok().and_then(|d| d.checked_sub(fraction.len()));
    let Some(missing) = missing else {
        return Err(NumberFault::TooPrecise { text: shown(), limit: decimals });
    };
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', missing)) {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(digit - b'0')))
            .ok_or_else(|| NumberFault::TooLarge { text: shown(), limit: integer_digits })?;
    }
    match (text.starts_with('-'), value) {
        (true, 0) => Err(NumberFault::MinusZero(shown())),
        (true, value) => Ok(-value),
        (false, value) => Ok(value),
    }
}

/// Writes an integer scaled by `10^decimals` as decimal text with all its decimals.
pub fn padded(value: i128, decimals: u32) -> String {
    let width = usize::try_from(decimals).unwrap_or(usize::MAX);
    let digits = format!("{:0>1$}", value.unsigned_abs(), width.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len() - width);
    let sign = if value < 0 { "-" } else { "" };
    if width == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Writes an integer scaled by `10^decimals` without trailing zeros: canonical text of all but money.
pub fn trimmed(value: i128, decimals: u32) -> String {
    Trimmed(value, decimals).to_string()
}

/// What [`trimmed`] writes, without a text of its own: imports write millions of them.
pub struct Trimmed(pub i128, pub u32);

impl fmt::Display for Trimmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trimmed(value, decimals) = *self;
        let Some(unit) = 10_u128.checked_pow(decimals) else {
            return f.write_str(padded(value, decimals).trim_end_matches('0').trim_end_matches('.'));
        };
        let (sign, digits) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
        let (whole, mut fraction) = (digits / unit, digits % unit);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let mut width = usize::try_from(decimals).unwrap_or(usize::MAX);
        while fraction % 10 == 0 {
            (fraction, width) = (fraction / 10, width - 1);
        }
        write!(f, "{sign}{whole}.{fraction:0>width$}")
    }
}

fn small(text: &str, decimals: u32) -> Result<i64, NumberFault> {
    let value = parse(text, SMALL_DIGITS, decimals)?;
    i64::try_from(value).map_err(|_| NumberFault::TooLarge { text: text.to_string(), limit: SMALL_DIGITS })
}

/// A percentage in millionths of a percent: `7.5` percent is `7_500_000`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub i64);

impl Percent {
    /// One hundred percent.
    pub const HUNDRED: Percent = Percent(WHOLE);
    /// Zero percent.
    pub const ZERO: Percent = Percent(0);

    /// Reads a percentage of at most six decimals and twelve integer digits, of either sign.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        small(text, PERCENT_DECIMALS).map(Percent)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Trimmed(i128::from(self.0), PERCENT_DECIMALS).fmt(f)
    }
}

impl fmt::Debug for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}%")
    }
}

/// A plain number in millionths, of either sign; the field that holds it says of what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Number(pub i128);

impl Number {
    /// Zero.
    pub const ZERO: Number = Number(0);

    /// Reads a number of at most fifteen integer digits and six decimals.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        parse(text, INTEGER_DIGITS, QUANTITY_DECIMALS).map(Number)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Trimmed(self.0, QUANTITY_DECIMALS).fmt(f)
    }
}

/// A number of units in millionths: `2.5` pieces is `2_500_000`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Quantity(pub i64);

impl Quantity {
    /// One unit.
    pub const ONE: Quantity = Quantity(1_000_000);

    /// Reads a quantity of at most six decimals and twelve integer digits.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        small(text, QUANTITY_DECIMALS).map(Quantity)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Trimmed(i128::from(self.0), QUANTITY_DECIMALS).fmt(f)
    }
}

/// Serialises a scaled number as its canonical text, so that stored documents read like the API.
macro_rules! as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $name::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use as_text;

as_text!(Number);
as_text!(Percent);
as_text!(Quantity);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_read_exactly_or_refused() {
        let cases: [(&str, Option<i128>); 22] = [
            ("0", Some(0)),
            ("1250.00", Some(125_000)),
            ("1250.5", Some(125_050)),
            ("-3800.00", Some(-380_000)),
            ("0.01", Some(1)),
            ("999999999999999.99", Some(99_999_999_999_999_999)),
            ("1000000000000000", None),
            ("0.001", None),
            ("1.000", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("-0.00", None),
            ("+1", None),
            ("1e3", None),
            ("NaN", None),
            ("Infinity", None),
            (".5", None),
            ("5.", None),
            ("1,000.00", None),
            ("007", None),
            ("１", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text, INTEGER_DIGITS, 2).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn percents_and_quantities_have_at_most_twelve_integer_digits() {
        let largest = Quantity::parse("999999999999.999999").map(|quantity| quantity.0);
        assert_eq!(largest, Ok(999_999_999_999_999_999));
        let fault = Quantity::parse("-1000000000000").unwrap_err().to_string();
        assert_eq!(fault, r#"must have at most 12 integer digits, got "-1000000000000""#);
        assert!(Percent::parse("1000000000000").is_err());
    }

    #[test]
    fn numbers_are_written_padded_or_trimmed() {
        for (value, decimals, long, short) in [
            (125_000, 2, "1250.00", "1250"),
            (-5, 2, "-0.05", "-0.05"),
            (0, 2, "0.00", "0"),
            (7_500_000, 6, "7.500000", "7.5"),
            (1000, 0, "1000", "1000"),
            (-1_050_000, 6, "-1.050000", "-1.05"),
            (
                1,
                40,
                "0.0000000000000000000000000000000000000001",
                "0.0000000000000000000000000000000000000001",
            ),
            (
                i128::MIN,
                0,
                "-170141183460469231731687303715884105728",
                "-170141183460469231731687303715884105728",
            ),
        ] {
            assert_eq!(padded(value, decimals), long);
            assert_eq!(trimmed(value, decimals), short);
        }
    }
}
