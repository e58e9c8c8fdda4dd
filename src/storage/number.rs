//! Scaled integers to SQL NUMERIC and back, exactly.

use rust_decimal::Decimal;

use crate::domain::fault::Fault;
use crate::domain::number;

use super::corrupt;

/// An integer scaled by `10^decimals` as NUMERIC. The edge's type holds 28 digits.
pub(crate) fn to_sql(value: i128, decimals: u32) -> Result<Decimal, Fault> {
    Decimal::try_from_i128_with_scale(value, decimals)
        .map_err(|error| corrupt(format_args!("{value} of scale {decimals}: {error}")))
}

/// NUMERIC as an integer scaled by `10^decimals`; refuses what would have to be rounded.
pub(crate) fn from_sql(value: Decimal, decimals: u32) -> Result<i128, Fault> {
    let plain = value.normalize();
    let missing = decimals.checked_sub(plain.scale());
    let scaled = missing.and_then(|missing| 10_i128.checked_pow(missing)?.checked_mul(plain.mantissa()));
    scaled.ok_or_else(|| corrupt(format_args!("{value} does not fit {decimals} decimals")))
}

/// As [`from_sql`], for figures of facts, which fit 64 bits.
pub(crate) fn small_from_sql(value: Decimal, decimals: u32) -> Result<i64, Fault> {
    i64::try_from(from_sql(value, decimals)?).map_err(|_| corrupt(format_args!("{value} is too large")))
}

/// Decimals of every stored amount.
pub(crate) const AMOUNT_DECIMALS: u32 = 3;

/// A stored amount's text as an integer scaled by `10^decimals`; nothing where it is no number or would
/// have to be rounded.
pub(crate) fn amount(text: &str, integer_digits: usize, decimals: u32) -> Option<i128> {
    let scaled = number::parse(text, integer_digits, AMOUNT_DECIMALS).ok()?;
    let unit = 10_i128.checked_pow(AMOUNT_DECIMALS.checked_sub(decimals)?)?;
    (scaled % unit == 0).then_some(scaled / unit)
}

/// As [`amount`], for amounts of facts, which fit 64 bits.
pub(crate) fn small_amount(text: &str, decimals: u32) -> Option<i64> {
    i64::try_from(amount(text, number::INTEGER_DIGITS, decimals)?).ok()
}
