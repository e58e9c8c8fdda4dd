//! Rates of exchange and the one conversion there is (semantics 5 and 9): exact, rounded once to the minor unit of the
//! currency converted into, half away from zero.

use std::collections::BTreeMap;
use std::fmt;

use super::date::Day;
use super::exact::Exact;
use super::money::{Currency, Rounding};
use super::number::{self, NumberFault, Trimmed};

/// Decimals of a rate.
pub const RATE_DECIMALS: u32 = 10;
/// Integer digits of a rate: with its decimals it fits 64 bits.
pub const RATE_INTEGER_DIGITS: usize = 8;
/// The rate of the base currency.
const ONE: i64 = 10_i64.pow(RATE_DECIMALS);

/// Base units for one unit of a foreign currency, above zero, in units of `10^-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub i64);

impl Rate {
    /// Reads a rate of at most eight integer digits and ten decimals, above zero.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        let scaled = number::parse(text, RATE_INTEGER_DIGITS, RATE_DECIMALS)?;
        let fault = || NumberFault::OutOfRange { text: text.to_string(), rule: "above zero" };
        i64::try_from(scaled).ok().filter(|scaled| *scaled > 0).map(Rate).ok_or_else(fault)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Trimmed(i128::from(self.0), RATE_DECIMALS).fmt(f)
    }
}

/// What a rate is known for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RateKey {
    /// The foreign currency.
    pub currency: Currency,
    /// First day it counts on; it does until the next one's.
    pub day: Day,
}

/// A rate that a tenant states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeRate {
    /// Of which currency, from which day on.
    pub key: RateKey,
    /// How many base units one unit of it is.
    pub rate: Rate,
}

/// Why an amount cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unconverted {
    /// No rate of the currency on or before the day.
    NoRate(Currency),
    /// The amount would have more than 64 bits.
    TooLarge,
}

/// A rate that counts on some day, and since when; the base currency's has no first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// The rate.
    pub rate: Rate,
    /// The day it is of.
    pub since: Option<Day>,
}

/// A tenant's rates to its base currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    base: Currency,
    /// By currency, then by day.
    rates: BTreeMap<Currency, Vec<(Day, Rate)>>,
}

impl Exchange {
    /// No rates yet.
    pub fn new(base: Currency) -> Self {
        Exchange { base, rates: BTreeMap::new() }
    }

    /// Adds a rate, in place of one for the same day.
    pub fn insert(&mut self, rate: &ExchangeRate) {
        let ExchangeRate { key: RateKey { currency, day }, rate } = *rate;
        let days = self.rates.entry(currency).or_default();
        match days.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(at) => days[at] = (day, rate),
            Err(at) => days.insert(at, (day, rate)),
        }
    }

    /// How many rates there are.
    pub fn count(&self) -> usize {
        self.rates.values().map(Vec::len).sum()
    }

    /// The rate that counts on a day: of the base currency one, else the latest on or before it.
    pub fn on(&self, currency: Currency, day: Day) -> Option<Counts> {
        if currency == self.base {
            return Some(Counts { rate: Rate(ONE), since: None });
        }
        let days = self.rates.get(&currency)?;
        let (since, rate) = days[..days.partition_point(|(from, _)| *from <= day)].last()?;
        Some(Counts { rate: *rate, since: Some(*since) })
    }

    /// The same as [`Exchange::convert`] of what is no whole number of minor units, not rounded; `None` without a rate.
    pub fn exact(&self, minor: &Exact, from: Currency, to: Currency, day: Day) -> Option<Exact> {
        if from == to {
            return Some(minor.clone());
        }
        let (Rate(times), Rate(over)) = (self.on(from, day)?.rate, self.on(to, day)?.rate);
        let unit = |currency: Currency| 10_i128.pow(currency.minor_digits());
        let times = Exact::whole(i128::from(times)).mul(&Exact::whole(unit(to)));
        minor.mul(&times).div(&Exact::whole(i128::from(over)).mul(&Exact::whole(unit(from))))
    }

    /// `amount x rate(from) / rate(to)` at the rates of a day, minor units into minor units, rounded half away from zero.
    pub fn convert(&self, minor: i64, from: Currency, to: Currency, day: Day) -> Result<i64, Unconverted> {
        if from == to {
            return Ok(minor);
        }
        let rate = |currency| self.on(currency, day).ok_or(Unconverted::NoRate(currency));
        let (Counts { rate: Rate(times), .. }, Counts { rate: Rate(over), .. }) = (rate(from)?, rate(to)?);
        let (times, over) = (i128::from(times), i128::from(over));
        let unit = |currency: Currency| 10_i128.pow(currency.minor_digits());
        // A unit has at most four digits: the divisor fits.
        let over = over * unit(from);
        let scaled = (times * unit(to)).checked_mul(i128::from(minor));
        let rounded = match scaled {
            Some(scaled) => half_away(scaled, over),
            None => Exact::whole(times * unit(to))
                .mul(&Exact::whole(i128::from(minor)))
                .div(&Exact::whole(over))
                .and_then(|exact| exact.round(Rounding::HalfAwayFromZero).ok())
                .ok_or(Unconverted::TooLarge)?,
        };
        i64::try_from(rounded).map_err(|_| Unconverted::TooLarge)
    }
}

/// `num / den`, `den` above zero.
fn half_away(num: i128, den: i128) -> i128 {
    let (whole, rest) = (num / den, (num % den).abs());
    if rest >= den - rest { whole + num.signum() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    /// Base USD.
    fn exchange(rates: &[(&str, &str, &str)]) -> Exchange {
        let mut exchange = Exchange::new(currency("USD"));
        for (code, from, rate) in rates {
            let key = RateKey { currency: currency(code), day: day(from) };
            exchange.insert(&ExchangeRate { key, rate: Rate::parse(rate).unwrap() });
        }
        exchange
    }

    #[test]
    fn rates_are_exact_and_above_zero() {
        for (text, shown) in [
            ("1.0842", "1.0842"),
            ("0.0000000001", "0.0000000001"),
            ("99999999.9999999999", "99999999.9999999999"),
            ("7.10", "7.1"),
        ] {
            assert_eq!(Rate::parse(text).map(|rate| rate.to_string()), Ok(shown.to_string()));
        }
        for wrong in ["0", "0.0", "-1", "1.00000000001", "100000000", "1e3", "", "-0", ".5", "01"] {
            assert!(Rate::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_latest_rate_on_or_before_the_day_counts() {
        let exchange = exchange(&[
            ("EUR", "2026-03-14", "1.2"),
            ("EUR", "2026-03-01", "1.1"),
            ("EUR", "2026-03-01", "1.15"),
        ]);
        let on = |text: &str| {
            exchange.on(currency("EUR"), day(text)).map(|counts| (counts.rate.to_string(), counts.since))
        };
        assert_eq!(on("2026-02-28"), None);
        assert_eq!(on("2026-03-01"), Some(("1.15".into(), Some(day("2026-03-01")))));
        assert_eq!(on("2026-03-13"), Some(("1.15".into(), Some(day("2026-03-01")))));
        assert_eq!(on("2026-03-14"), Some(("1.2".into(), Some(day("2026-03-14")))));
        assert_eq!(on("2030-01-01"), Some(("1.2".into(), Some(day("2026-03-14")))));
        assert_eq!(
            exchange.on(currency("USD"), day("1999-01-01")),
            Some(Counts { rate: Rate(ONE), since: None })
        );
        assert_eq!(exchange.count(), 2);
    }

    #[test]
    fn amounts_are_converted_and_rounded_half_away_from_zero() {
        let exchange = exchange(&[
            ("EUR", "2026-01-01", "1.0842"),
            ("GBP", "2026-01-01", "1.27"),
            ("JPY", "2026-01-01", "0.0067"),
            ("KWD", "2026-01-01", "3.25"),
            ("CHF", "2026-01-01", "0.5"),
            ("AUD", "2026-01-01", "0.0000000001"),
            ("NOK", "2026-01-01", "99999999.9999999999"),
        ]);
        let convert =
            |minor, from, to| exchange.convert(minor, currency(from), currency(to), day("2026-02-01"));
        // minor units, from, to, minor units worked by hand
        let table = [
            (100_000, "EUR", "USD", 108_420),
            (0, "EUR", "USD", 0),
            (-100_000, "EUR", "USD", -108_420),
            // 0.01 CHF is half a cent.
            (1, "CHF", "USD", 1),
            (-1, "CHF", "USD", -1),
            (3, "CHF", "USD", 2),
            (2, "CHF", "USD", 1),
            // 1000.00 x 1.27 / 1.0842 = 1171.370595…
            (100_000, "GBP", "EUR", 117_137),
            // 1000.00 USD / 0.0067 = 149253.73… yen, which has no minor digits.
            (100_000, "USD", "JPY", 149_254),
            (149_254, "JPY", "USD", 100_000),
            // 10.00 USD / 3.25 = 3.0769… dinar of three digits.
            (1000, "USD", "KWD", 3077),
            (3077, "KWD", "USD", 1000),
            // 500 yen x 0.0067 / 3.25 = 1.030769… dinar.
            (500, "JPY", "KWD", 1031),
            // Nothing is left of a tiny rate.
            (100_000, "AUD", "USD", 0),
            (i64::MAX, "USD", "USD", i64::MAX),
        ];
        for (minor, from, to, expected) in table {
            assert_eq!(convert(minor, from, to), Ok(expected), "{minor} {from} in {to}");
        }
        // 9,999,999,999,999.99 in the strongest currency there could be, and the other way round: more than 128 bits
        // between, the first beyond 64 in the end.
        assert_eq!(convert(999_999_999_999_999, "NOK", "AUD"), Err(Unconverted::TooLarge));
        assert_eq!(convert(999_999_999_999_999_999, "KWD", "NOK"), Ok(3_250_000_000));
        assert_eq!(convert(999_999_999_999_999_999, "KWD", "CHF"), Ok(649_999_999_999_999_999));
        assert_eq!(convert(1, "SEK", "USD"), Err(Unconverted::NoRate(currency("SEK"))));
        assert_eq!(convert(1, "USD", "SEK"), Err(Unconverted::NoRate(currency("SEK"))));
        assert_eq!(convert(7, "SEK", "SEK"), Ok(7));
        let exact = |minor, from, to| exchange.exact(&minor, currency(from), currency(to), day("2026-02-01"));
        let half = Exact::ratio(1, 2).unwrap();
        assert_eq!(exact(half.clone(), "CHF", "USD"), Exact::ratio(1, 4));
        assert_eq!(
            exact(Exact::whole(67), "JPY", "KWD").map(|exact| exact.text(6)),
            Some("138.123077".into())
        );
        assert_eq!(exact(half.clone(), "SEK", "SEK"), Some(half.clone()));
        assert_eq!(exact(half, "SEK", "USD"), None);
    }
}
