//! How pay is computed: facts in, earnings and their explanation out. Pure: no database, no clock, no
//! threads that could change a figure. The same facts and the same [`RULES_REVISION`] give the same bytes.
//!
//! | step | file | semantics |
//! |---|---|---|
//! | events and what reversals take back, in the one order | `book` | 5, 6 |
//! | what they count besides their amounts | `worth` | 5, 6 |
//! | who is credited with which entry, directly and up the reporting line | `book`, `credit` | 6 |
//! | values of outside measures, combined | `outside` | 6 |
//! | spans of unchanged terms, cut by windows | `segment` | 3, 4 |
//! | effective quotas | `quota` | 7 |
//! | rates by tier | `rates` | 8.1 |
//! | credits in order along the tiers, and what is earned through each period | `course` | 3, 8.1, 9 |
//! | what a reversal may take back | `clawback` | 8.4 |
//! | a payee's keys: credits through segments, rounded once | `earn` | 3, 8.4, 9 |
//! | earned minus posted | `posting` | 1, 10 |
//! | everything a close posts and keeps | `close` | 10 |
//! | whom a deal touches, and whose credits a payee's earnings read | `affected` | 6, 11 |
//! | what a deal would earn: with it less without it | `estimate` | 11 |
//! | statement, attainment, explanation: the same figures, shown | `statement`, `attainment`, `explain` | 1 |

pub mod affected;
pub mod attainment;
pub mod book;
mod clawback;
pub mod close;
mod course;
pub mod credit;
pub mod earn;
pub mod estimate;
pub mod explain;
pub mod outside;
pub mod posting;
pub mod problem;
pub mod quota;
pub mod rates;
pub mod segment;
pub mod statement;
#[cfg(test)]
mod tests;
mod worth;

use rayon::prelude::*;

use crate::domain::date::Period;
use crate::domain::encode::{Digest, Record};
use crate::domain::facts::Facts;

use book::Book;
use credit::Selector;
use earn::{Detail, PayeeEarnings};
use problem::Problem;

/// Raised by every change of code that can move a figure. Each result names it.
pub const RULES_REVISION: u32 = 2;

/// One calculation: facts up to and including a period, ready to answer for any payee.
pub struct Calculation<'f> {
    /// What is known.
    pub facts: &'f Facts,
    /// Up to the end of which period.
    pub through: Period,
    book: Book<'f>,
}

impl<'f> Calculation<'f> {
    /// Puts events and reversals in order and finds whose credits they are.
    pub fn open(facts: &'f Facts, through: Period) -> Self {
        Calculation { facts, through, book: Book::open(facts, through) }
    }

    /// The same, ready to answer for these payees, by index, alone.
    pub fn open_for(facts: &'f Facts, through: Period, payees: &[u32]) -> Self {
        Calculation { facts, through, book: Book::open_for(facts, through, payees) }
    }

    /// Events and reversals in order, and whose credits they are.
    pub fn book(&self) -> &Book<'f> {
        &self.book
    }

    /// What one payee, by index, has earned in every window.
    pub fn earn(&self, payee: u32, detail: Detail) -> PayeeEarnings {
        earn::payee(self, payee, detail)
    }

    /// What everyone has earned, by payee; computed in parallel, the same on any number of threads.
    /// `done` is told each payee that is finished, for a progress report.
    pub fn earn_all(&self, done: impl Fn() + Sync) -> Vec<PayeeEarnings> {
        let count = u32::try_from(self.facts.payees.len()).unwrap_or(u32::MAX);
        let one = |payee| {
            let earned = self.earn(payee, Detail::Totals);
            done();
            earned
        };
        (0..count).into_par_iter().map(one).collect()
    }

    /// What the facts leave open about deals; about payees see their earnings.
    pub fn problems(&self) -> &[Problem] {
        self.book.problems()
    }

    /// What selects a measure's credits; `None` of an outside measure, and of one that is not defined.
    fn selector(&self, measure: &crate::domain::id::MeasureId) -> Option<Selector> {
        let selection = self.facts.measures.get(measure)?.selection()?;
        Some(Selector::new(self.facts, selection))
    }
}

/// One digest over everyone's.
pub fn digest(earnings: &[PayeeEarnings]) -> Digest {
    let bytes: Vec<u8> = earnings.iter().flat_map(|payee| payee.digest).collect();
    Record::new("attain.result", 1).text(1, &RULES_REVISION.to_string()).bytes(2, &bytes).digest()
}
