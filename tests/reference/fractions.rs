//! Exact fractions and the two ways to round them.

use attain::domain::money::{Currency, Rounding};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

pub type Q = BigRational;

pub fn whole(value: impl Into<BigInt>) -> Q {
    Q::from_integer(value.into())
}

pub fn ratio(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Q {
    Q::new(numerator.into(), denominator.into())
}

/// A decimal number held in millionths.
pub fn millionths(value: impl Into<BigInt>) -> Q {
    ratio(value, 1_000_000)
}

/// Percents held in millionths of a percent.
pub fn percent(value: impl Into<BigInt>) -> Q {
    ratio(value, 100_000_000)
}

/// How many make a major unit.
pub fn minor_units(currency: Currency) -> Q {
    whole(10_i64.pow(currency.minor_digits()))
}

pub fn sum<'a>(of: impl IntoIterator<Item = &'a Q>) -> Q {
    of.into_iter().fold(Q::zero(), |sum, next| sum + next)
}

/// Rounded to a whole number, halves away from zero.
pub fn away(value: &Q) -> i128 {
    let size = (value.abs() + ratio(1, 2)).floor().to_integer().to_i128().unwrap();
    if value.is_negative() { -size } else { size }
}

/// Rounded as the tenant says.
pub fn rounded(value: &Q, rounding: Rounding) -> i128 {
    let nearest = away(value);
    let half = (value - value.floor()) == ratio(1, 2);
    match rounding {
        Rounding::HalfEven if half && nearest % 2 != 0 => nearest - nearest.signum(),
        Rounding::HalfEven | Rounding::HalfAwayFromZero => nearest,
    }
}
