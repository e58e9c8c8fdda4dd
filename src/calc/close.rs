//! Everything that closing a period posts and keeps.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::domain::date::Period;
use crate::domain::encode::Digest;
use crate::domain::id::PayeeId;
use crate::domain::ledger::{Posted, Posting, PostingKind};
use crate::domain::money::Currency;
use crate::domain::statement::Statement;

use super::Calculation;
use super::earn::{Detail, PayeeEarnings};
use super::problem::Problem;
use super::{digest, posting, statement};

/// What a close posts and keeps.
#[derive(Debug)]
pub struct Closing {
    /// In order of key, period and kind.
    pub postings: Vec<Posting>,
    /// By payee: of everyone who has a component or is posted to.
    pub statements: Vec<Statement>,
    /// What the facts leave open; a close is refused while there is any.
    pub problems: Vec<Problem>,
    /// Digest of everyone's figures.
    pub digest: Digest,
}

impl Closing {
    /// Earned and adjusted by currency, minor units.
    pub fn totals(&self) -> BTreeMap<Currency, i128> {
        let mut totals = BTreeMap::new();
        for posting in self.postings.iter().filter(|posting| posting.kind == PostingKind::Earned) {
            *totals.entry(posting.currency).or_default() += posting.amount;
        }
        totals
    }

    /// Earned in the period and adjusted for earlier ones, by payee whose balance moves and currency; minor units.
    pub fn by_payee(&self, period: Period) -> BTreeMap<(PayeeId, Currency), (i128, i128)> {
        let mut payees: BTreeMap<(PayeeId, Currency), (i128, i128)> = BTreeMap::new();
        for posting in self.postings.iter().filter(|posting| posting.kind == PostingKind::Earned) {
            let key = (posting.key.payee.clone(), posting.currency);
            let (earned, adjusted) = payees.entry(key).or_default();
            *(if posting.for_period == period { earned } else { adjusted }) += posting.amount;
        }
        payees
    }
}

/// Computes what closing the calculation's last period posts, against what was posted before. Parallel by
/// payee; `done` is told each payee that is finished.
pub fn close(calculation: &Calculation, posted: &Posted, done: impl Fn() + Sync) -> Closing {
    let facts = calculation.facts;
    let mut posted_to: BTreeMap<&PayeeId, Posted> = BTreeMap::new();
    for (entry, amount) in posted {
        posted_to.entry(&entry.1.payee).or_default().insert(entry.clone(), *amount);
    }
    let nothing = Posted::new();
    let one = |payee: u32| {
        let posted = posted_to.get(facts.payee_id(payee)).unwrap_or(&nothing);
        let mut earnings = calculation.earn(payee, Detail::Shown);
        let keep = !earnings.keys.is_empty() || !posted.is_empty();
        let statement = keep.then(|| statement::statement(calculation, &earnings, Some(posted)));
        for segment in earnings.keys.iter_mut().flat_map(|key| &mut key.segments) {
            segment.lines = Vec::new();
        }
        done();
        (earnings, statement)
    };
    let count = u32::try_from(facts.payees.len()).unwrap_or(u32::MAX);
    let (earnings, statements): (Vec<PayeeEarnings>, Vec<_>) = (0..count).into_par_iter().map(one).unzip();
    let mut problems: Vec<Problem> = calculation.problems().cloned().collect();
    problems.extend(earnings.iter().flat_map(|payee| payee.problems.iter().cloned()));
    Closing {
        postings: posting::postings(facts, &earnings, posted, calculation.through),
        statements: statements.into_iter().flatten().collect(),
        problems,
        digest: digest(&earnings),
    }
}
