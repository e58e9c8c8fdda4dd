//! What the levels below a manager have earned on the same event (semantics 8.2, differential override).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::id::ComponentId;

use super::Calculation;
use super::book::Book;

/// What is taken off a manager's override.
pub struct Below<'a, 'f> {
    calculation: &'a Calculation<'f>,
    manager: u32,
    less: &'f [ComponentId],
}

/// What a payee earned with a component on each entry, minor units, exact.
pub type ByEntry = BTreeMap<u32, Exact>;

impl<'a, 'f> Below<'a, 'f> {
    /// For a manager's override over these components.
    pub fn new(calculation: &'a Calculation<'f>, manager: u32, less: &'f [ComponentId]) -> Self {
        Below { calculation, manager, less }
    }

    /// Earned on an entry by all between its credits and the manager, known by the end of a period; exact, after
    /// their modifiers, in the manager's currency at the rates of the entry's date.
    pub fn earned(&self, book: &Book, entry: u32, upto: Period) -> Exact {
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
                if let Some(earned) = self.calculation.by_entry(payee, component, upto).get(&entry) {
                    let (from, to) = (facts.paid_in(payee, day), facts.paid_in(self.manager, day));
                    // Whoever earned on it has its rate; without one that payee's problem stops the close.
                    let earned = facts.exchange.exact(earned, from, to, day).unwrap_or(Exact::ZERO);
                    sum = sum.add(&earned);
                }
            }
        }
        sum
    }
}
