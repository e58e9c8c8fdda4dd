//! Whom a deal touches, and whose credits a payee's earnings are made of: the two questions whose answers decide how
//! little has to be read. What makes one payee's earnings depend on another's belongs here.

use std::collections::BTreeSet;

use crate::domain::date::Period;
use crate::domain::facts::Facts;

use super::book::Book;

/// The payees, by index, whose earnings the deals of these facts can move up to the end of a period: whoever is
/// credited with them, directly or up the reporting line on the day.
pub fn touched(facts: &Facts, through: Period) -> Vec<u32> {
    let book = Book::open(facts, through);
    let count = u32::try_from(facts.payees.len()).unwrap_or(u32::MAX);
    let credited = |payee: &u32| !book.direct(*payee).is_empty() || !book.rolled_up(*payee).is_empty();
    (0..count).filter(credited).collect()
}

/// The payees whose credits the earnings of some payees are made of: their own, and those of all who were ever below
/// them.
pub fn read_by(facts: &Facts, payees: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
    payees.into_iter().flat_map(|payee| facts.under(payee)).collect()
}
