//! Control totals: figures a person can hold against the system the file came from.

use std::collections::BTreeMap;
use std::fmt;

use super::source::{MOST_MINOR_DIGITS, decimal};
use super::{QuotaGoal, Record};
use crate::domain::deal::EventKind;
use crate::domain::money::Currency;
use crate::domain::number::{self, QUANTITY_DECIMALS, Quantity};

/// How many, and what they add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many were added.
    pub count: u64,
    /// Exact, in minor units; of quotas in thousandths of the currency or in millionths of a unit.
    pub amount: i128,
}

impl Sum {
    fn add(&mut self, amount: Option<i128>) {
        self.count += 1;
        if let Some(amount) = amount {
            // No file has the 2^63 rows that an i128 holds the amounts of.
            self.amount += amount;
        }
    }
}

/// What has been read so far. `rows` is the sum of accepted, rejected and duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Data rows, without the header and blank lines.
    pub rows: u64,
    /// Rows that became records.
    pub accepted: u64,
    /// Rows with something wrong.
    pub rejected: u64,
    /// Rows that repeat an accepted row word for word, as far as the mapping reads them.
    pub duplicates: u64,
    /// Payees of accepted rows.
    pub payees: u64,
    /// Quotas in money of accepted rows.
    pub quotas: Sum,
    /// Quotas in units of accepted rows.
    pub unit_quotas: Sum,
    /// Deals of accepted rows.
    pub deals: u64,
    /// Deals that have an amount, by currency.
    pub deal_amounts: BTreeMap<Currency, Sum>,
    /// Events by type and currency. A reversal of all that is left counts with zero.
    pub events: BTreeMap<(EventKind, Currency), Sum>,
}

impl Totals {
    pub(super) fn accept(&mut self, records: &[Record]) {
        self.accepted += 1;
        for record in records {
            match record {
                Record::Payee(_) => self.payees += 1,
                // The goal was read before; it is text only because its currency is the tenant's.
                Record::Quota(quota) => match &quota.goal {
                    QuotaGoal::Amount(amount) => self.quotas.add(decimal(amount).ok()),
                    QuotaGoal::Units(units) => {
                        self.unit_quotas.add(Quantity::parse(units).ok().map(|units| units.0.into()));
                    }
                },
                Record::Deal(deal) => {
                    self.deals += 1;
                    if deal.amount.is_some() {
                        let sum = self.deal_amounts.entry(deal.currency).or_default();
                        sum.add(deal.amount.map(i128::from));
                    }
                    for event in &deal.events {
                        let sum = self.events.entry((event.kind, deal.currency)).or_default();
                        sum.add(event.amount.map(i128::from));
                    }
                }
            }
        }
    }
}

impl fmt::Display for Totals {
    /// One line for the rows, then one for each figure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { rows, accepted, rejected, duplicates, .. } = self;
        write!(f, "rows {rows}: accepted {accepted}, rejected {rejected}, repeated {duplicates}")?;
        if self.payees > 0 {
            write!(f, "\npayees {}", self.payees)?;
        }
        if self.quotas.count > 0 {
            let Sum { count, amount } = self.quotas;
            write!(f, "\nquotas {count}, sum {}", number::trimmed(amount, MOST_MINOR_DIGITS))?;
        }
        if self.unit_quotas.count > 0 {
            let Sum { count, amount } = self.unit_quotas;
            write!(f, "\nquotas in units {count}, sum {}", number::trimmed(amount, QUANTITY_DECIMALS))?;
        }
        if self.deals > 0 {
            write!(f, "\ndeals {}", self.deals)?;
        }
        for (currency, Sum { count, amount }) in &self.deal_amounts {
            write!(f, "\ndeals with an amount {count}, sum {} {currency}", currency.amount(*amount))?;
        }
        for ((kind, currency), Sum { count, amount }) in &self.events {
            write!(f, "\n{} events {count}, sum {} {currency}", kind.name(), currency.amount(*amount))?;
        }
        Ok(())
    }
}
