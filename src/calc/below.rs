//! What the levels below a manager have earned on the same event (semantics 8.2, differential override).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::id::ComponentId;
use crate::domain::money::Currency;

use super::Calculation;
use super::book::Book;
use super::problem::Problem;

/// What is taken off a manager's override.
pub struct Below<'a, 'f> {
    calculation: &'a Calculation<'f>,
    manager: u32,
    /// What the manager is paid in.
    currency: Currency,
    less: &'f [ComponentId],
}

/// What a payee earned with a component on each entry, in each currency it was paid in; minor units, exact.
pub type ByEntry = BTreeMap<u32, BTreeMap<Currency, Exact>>;

impl<'a, 'f> Below<'a, 'f> {
    /// For a manager's override over these components, paid in a currency.
    pub fn new(
        calculation: &'a Calculation<'f>,
        manager: u32,
        currency: Currency,
        less: &'f [ComponentId],
    ) -> Self {
        Below { calculation, manager, currency, less }
    }

    /// Earned on an entry by all between its credits and the manager, known by the end of a period; exact, after
    /// their modifiers, in the manager's currency at the rates that the entry is converted at.
    pub fn earned(&self, book: &Book, entry: u32, upto: Period) -> Result<Exact, Problem> {
        let facts = self.calculation.facts;
        let day = book.origin_day(entry);
        let mut below = BTreeSet::new();
        for share in book.shares(entry) {
            let above = facts.above(share.payee, day);
            if let Some(level) = above.iter().position(|payee| *payee == self.manager) {
                below.insert(share.payee);
                below.extend(&above[..level]);
            }
        }
        let mut sum = Exact::ZERO;
        for payee in below {
            for component in self.less {
                let by_entry = self.calculation.by_entry(payee, component, upto);
                for (paid_in, earned) in by_entry.get(&entry).into_iter().flatten() {
                    sum = sum.add(&book.told_in(entry, earned, *paid_in, self.currency)?);
                }
            }
        }
        Ok(sum)
    }
}
