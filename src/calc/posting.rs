//! Earned minus posted (semantics 1, law 1, and 10): the one way anything is ever posted.

use std::collections::BTreeMap;

use crate::domain::date::Period;
use crate::domain::facts::Facts;
use crate::domain::ledger::{Key, Posted, Posting, PostingKind};

use super::earn::PayeeEarnings;

/// What a close of `period` posts: for every period up to it and every key ever earned or posted, what is
/// earned in it on these facts less what was posted for it. All that is earned is released at booking.
/// In order of key, period and kind.
pub fn postings(facts: &Facts, earnings: &[PayeeEarnings], posted: &Posted, period: Period) -> Vec<Posting> {
    let mut due: BTreeMap<(Key, Period, PostingKind), i128> = BTreeMap::new();
    for key in earnings.iter().flat_map(|payee| &payee.keys) {
        for (earned_in, amount) in key.earned_in.range(..=period) {
            for kind in PostingKind::ALL {
                *due.entry((key.key.clone(), *earned_in, kind)).or_default() += amount;
            }
        }
    }
    for ((kind, key, for_period), amount) in posted {
        *due.entry((key.clone(), *for_period, *kind)).or_default() -= amount;
    }
    due.into_iter()
        .filter(|(_, amount)| *amount != 0)
        .map(|((key, for_period, kind), amount)| {
            let currency = facts.plan_currency(&key.plan);
            Posting { key, for_period, kind, currency, amount }
        })
        .collect()
}
