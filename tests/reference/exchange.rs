//! Semantics 5 and 9: money in another currency.

use attain::domain::date::Day;
use attain::domain::exchange::Rate;
use attain::domain::id::PayeeId;
use attain::domain::money::Currency;

use crate::company::Company;
use crate::fractions::{Q, away, minor_units, ratio, whole};

impl Company {
    /// Base units for one unit of a currency on a day: the latest known on or before it.
    fn rate(&self, currency: Currency, day: Day) -> Option<Q> {
        if currency == self.calendar.currency {
            return Some(whole(1));
        }
        let known = self.rates.iter().filter(|rate| rate.key.currency == currency && rate.key.day <= day);
        let Rate(rate) = known.max_by_key(|rate| rate.key.day)?.rate;
        Some(ratio(rate, 10_000_000_000_i64))
    }

    /// Major units in another currency, exactly; none without a rate.
    pub fn exactly(&self, major: &Q, from: Currency, to: Currency, day: Day) -> Option<Q> {
        if from == to {
            return Some(major.clone());
        }
        Some(major * self.rate(from, day)? / self.rate(to, day)?)
    }

    /// Minor units in another currency's, exactly.
    pub fn exactly_minor(&self, minor: &Q, from: Currency, to: Currency, day: Day) -> Option<Q> {
        Some(self.exactly(&(minor / minor_units(from)), from, to, day)? * minor_units(to))
    }

    /// Minor units in another currency's, half away from zero.
    pub fn converted(&self, minor: i64, from: Currency, to: Currency, day: Day) -> Option<i64> {
        let exact = self.exactly_minor(&whole(minor), from, to, day)?;
        Some(i64::try_from(away(&exact)).unwrap())
    }

    /// What a payee is paid in on a day; without an assignment then as in the one before, else as in the first.
    pub fn paid_in(&self, payee: &PayeeId, day: Day) -> Currency {
        let held = &self.payee(payee).assignments;
        let begun = held.iter().filter(|held| held.from <= day).max_by_key(|held| held.from);
        let first = held.iter().min_by_key(|held| held.from);
        begun.or(first).map_or(self.calendar.currency, |held| held.currency)
    }
}
