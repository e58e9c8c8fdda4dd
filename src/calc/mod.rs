//! How pay is computed: facts in, earnings and their explanation out. Pure: no database, no clock, no
//! threads that could change a figure. The same facts and the same [`RULES_REVISION`] give the same bytes.
//!
//! | step | file | semantics |
//! |---|---|---|
//! | events and what reversals take back, in the one order | `book` | 5, 6 |
//! | what they count besides their amounts | `worth` | 5, 6 |
//! | what conditions and expressions come to | `condition` | 6 |
//! | who is credited with which entry, directly and up the reporting line | `book`, `credit` | 6 |
//! | values of outside measures, combined | `outside` | 6 |
//! | spans of unchanged terms, cut by windows | `segment` | 3, 4 |
//! | effective quotas | `quota` | 7 |
//! | how a quota came about, shown | `derivation` | 7 |
//! | what leave takes off a quota | `leave` | 7 |
//! | what was to be expected by a day, where it leads, what is left to do | `pace` | 7 |
//! | a measure month by month | `months` | 6, 7 |
//! | rates by tier | `rates` | 8.1 |
//! | credits in order along the tiers | `course` | 3, 8.1 |
//! | how far something has come, and the percent a curve makes of it | `gauge`, `outside` | 8.2, 8.3 |
//! | how a segment pays: payout and modifiers with their figures put in | `run`, `step` | 8.2, 8.3 |
//! | what members share, what levels below have earned | `cohort`, `below` | 8.2 |
//! | what an accumulation pays before its modifiers | `price` | 8.1, 8.2 |
//! | what a credit and its reversals may earn together | `clawback` | 8.3, 8.4 |
//! | what becomes of a price: modifiers, then rounding | `terms` | 8.3, 9 |
//! | a payee's keys: credits through segments | `earn` | 3, 8.4 |
//! | budgets and plan caps | `settle` | 8.3 |
//! | earned minus posted | `posting` | 1, 10 |
//! | what open deals are expected to bring | `pipeline` | 7 |
//! | of whom figures are, and who belongs to it when | `subject` | 3 |
//! | how far a team is: parts of its members | `team` | 7 |
//! | everything a close posts and keeps | `close` | 10 |
//! | whom a deal touches, and whose credits a payee's earnings read | `affected` | 6, 11 |
//! | what a deal would earn: with it less without it | `estimate` | 11 |
//! | what was booked, won and is open, in parts and in order | `performance` | docs/performance.md |
//! | a goal split into bounded parts, and down a reporting line | `allocate` | 7, 9 |
//! | quotas proposed from a goal or from history, and changed within envelopes | `proposal` | 7 |
//! | how good proposed quotas would be | `quality` | 7 |
//! | statement, attainment, explanation: the same figures, shown | `statement`, `attainment`, `explain` | 1 |

pub mod affected;
pub mod allocate;
pub mod attainment;
mod below;
pub mod book;
mod clawback;
pub mod close;
pub mod cohort;
mod condition;
mod course;
pub mod credit;
pub mod derivation;
pub mod earn;
pub mod estimate;
pub mod explain;
pub mod gauge;
pub mod leave;
mod memo;
pub mod months;
pub mod outside;
pub mod pace;
pub mod performance;
pub mod pipeline;
pub mod posting;
mod price;
pub mod problem;
pub mod proposal;
pub mod quality;
pub mod quota;
pub mod rates;
mod run;
pub mod segment;
mod settle;
pub mod statement;
mod step;
pub mod subject;
pub mod team;
mod terms;
#[cfg(test)]
mod tests;
mod worth;

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use crate::domain::date::Period;
use crate::domain::encode::{Digest, Record};
use crate::domain::facts::Facts;
use crate::domain::id::{ComponentId, MeasureId, PlanId};

use below::ByEntry;
use book::Book;
use cohort::{Cohort, Parts};
use credit::Selector;
use earn::{Detail, PayeeEarnings};
use memo::Memo;
use problem::Problem;
use run::Run;
use settle::Budgeted;

/// Raised by every change of code that can move a figure. Each result names it.
pub const RULES_REVISION: u32 = 6;

/// One calculation: facts up to and including a period, ready to answer for any payee.
pub struct Calculation<'f> {
    /// What is known.
    pub facts: &'f Facts,
    /// Up to the end of which period.
    pub through: Period,
    book: Book<'f>,
    /// What several payees' figures depend on.
    shared: Shared<'f>,
}

/// Figures that several payees share.
struct Shared<'f> {
    cohorts: Memo<cohort::Key, Cohort<'f>>,
    parts: Memo<(cohort::Key, Period), Parts>,
    budgeted: Memo<(PlanId, ComponentId), Budgeted>,
    by_entry: Memo<(u32, ComponentId, Period), ByEntry>,
    first_months: OnceLock<Vec<Option<Period>>>,
}

impl<'f> Calculation<'f> {
    /// Puts events and reversals in order and finds whose credits they are.
    pub fn open(facts: &'f Facts, through: Period) -> Self {
        Self::with(facts, through, Book::open(facts, through))
    }

    /// The same, ready to answer for these payees, by index, alone.
    pub fn open_for(facts: &'f Facts, through: Period, payees: &[u32]) -> Self {
        let payees: Vec<u32> = affected::needed(facts, payees).into_iter().collect();
        Self::with(facts, through, Book::open_for(facts, through, &payees))
    }

    /// The same for performance figures: ready for what some payees, by index and in order, and those below them are
    /// credited with, or for all events; with every figure of them. Nothing can be earned with it.
    fn open_to_look(facts: &'f Facts, through: Period, payees: Option<&[u32]>) -> Self {
        Self::with(facts, through, Book::open_to_look(facts, through, payees))
    }

    fn with(facts: &'f Facts, through: Period, book: Book<'f>) -> Self {
        let shared = Shared {
            cohorts: Memo::new(),
            parts: Memo::new(),
            budgeted: Memo::new(),
            by_entry: Memo::new(),
            first_months: OnceLock::new(),
        };
        Calculation { facts, through, book, shared }
    }

    fn cohort(&self, key: &cohort::Key) -> Arc<Cohort<'f>> {
        self.shared.cohorts.get(key.clone(), || Cohort::read(self, key))
    }

    /// What each member of a rank or pool has at the end of a period.
    fn parts(&self, key: &cohort::Key, upto: Period) -> Arc<Parts> {
        self.shared.parts.get((key.clone(), upto), || self.cohort(key).parts(upto))
    }

    /// What the members of a component of a plan earn within its budget.
    fn budgeted(&self, plan: &PlanId, component: &ComponentId) -> Arc<Budgeted> {
        let make = || settle::budgeted(self, plan, component);
        self.shared.budgeted.get((plan.clone(), component.clone()), make)
    }

    /// What a payee earned with a component on each entry known by the end of a period.
    fn by_entry(&self, payee: u32, component: &ComponentId, upto: Period) -> Arc<ByEntry> {
        self.shared.by_entry.get((payee, component.clone(), upto), || {
            let keys =
                Run::new(self, payee, upto).keys(Detail::Lines, |segment| segment.component.id == *component);
            let mut earned = ByEntry::new();
            for key in &keys {
                for line in key.segments.iter().flat_map(|segment| &segment.lines) {
                    let sums = earned.entry(line.credit.entry).or_default();
                    let sum = sums.entry(key.currency).or_default();
                    *sum = sum.add(&line.paid);
                }
            }
            earned
        })
    }

    /// The month of a deal's first event.
    fn first_month(&self, deal: u32) -> Option<Period> {
        let first = || {
            let mut months = vec![None; self.facts.deal_count()];
            for event in &self.facts.events {
                // Events are in order of their days.
                months[event.deal as usize].get_or_insert(event.day.period());
            }
            months
        };
        self.shared.first_months.get_or_init(first).get(deal as usize).copied().flatten()
    }

    /// Events and reversals in order, and whose credits they are.
    pub fn book(&self) -> &Book<'f> {
        &self.book
    }

    /// What one payee, by index, has earned in every window.
    pub fn earn(&self, payee: u32, detail: Detail) -> PayeeEarnings<'f> {
        earn::payee(self, payee, detail)
    }

    /// What everyone has earned, by payee; computed in parallel, the same on any number of threads.
    /// `done` is told each payee that is finished, for a progress report.
    pub fn earn_all(&self, done: impl Fn() + Sync) -> Vec<PayeeEarnings<'f>> {
        let count = u32::try_from(self.facts.payees.len()).unwrap_or(u32::MAX);
        let one = |payee| {
            let earned = self.earn(payee, Detail::Totals);
            done();
            earned
        };
        (0..count).into_par_iter().map(one).collect()
    }

    /// What the facts leave open about deals; about payees see their earnings.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.book.problems()
    }

    /// What selects a measure's credits; `None` of an outside measure, and of one that is not defined.
    pub fn selector(&self, measure: &MeasureId) -> Option<Selector> {
        let selection = self.facts.measures.get(measure)?.selection()?;
        Some(Selector::new(self.facts, &self.book, measure, selection))
    }
}

/// One digest over everyone's.
pub fn digest(earnings: &[PayeeEarnings]) -> Digest {
    let bytes: Vec<u8> = earnings.iter().flat_map(|payee| payee.digest).collect();
    Record::new("attain.result", 1).text(1, &RULES_REVISION.to_string()).bytes(2, &bytes).digest()
}
