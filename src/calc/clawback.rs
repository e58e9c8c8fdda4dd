//! What a reversal may take back (semantics 8.4): its part by age, and never more than its credit has earned.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::id::PayeeId;
use crate::domain::number::WHOLE;
use crate::domain::plan::Clawback;

use super::book::Book;
use super::course::Line;
use super::credit::{Claim, Credit};

/// The part of a reversal that a schedule takes back at an age in days.
pub fn part(clawback: &Clawback, age: i64) -> Exact {
    let within = |days: u32| age <= i64::from(days);
    match clawback {
        Clawback::Steps(steps) => {
            let step = steps.iter().find(|step| within(step.days));
            let part = step.and_then(|step| Exact::ratio(i128::from(step.percent.0), i128::from(WHOLE)));
            part.unwrap_or(Exact::ZERO)
        }
        Clawback::ProRata { full_days, .. } if within(*full_days) => Exact::whole(1),
        Clawback::ProRata { term_days, .. } => {
            let left = i128::from(*term_days) - i128::from(age);
            Exact::ratio(left.max(0), i128::from(*term_days)).unwrap_or(Exact::ZERO)
        }
    }
}

/// What the credits that are taken back have earned in the segments before, by the end of each period.
pub struct Claims {
    /// Whose.
    pub payee: PayeeId,
    /// The claims that some reversal takes back.
    reversed: BTreeSet<Claim>,
    /// A map for every segment that earned or lost something under the claim.
    earned: BTreeMap<Claim, Vec<BTreeMap<Period, Exact>>>,
    /// Of the segment at hand.
    current: BTreeMap<Claim, BTreeMap<Period, Exact>>,
}

impl Claims {
    /// Nothing earned yet, nothing taken back.
    pub fn new(payee: PayeeId) -> Self {
        Claims { payee, reversed: BTreeSet::new(), earned: BTreeMap::new(), current: BTreeMap::new() }
    }

    /// Follows what these reversals take back from here on.
    pub fn follow(&mut self, book: &Book, reversals: &[Credit]) {
        self.reversed.extend(reversals.iter().map(|credit| credit.claim(book)));
    }

    /// Whether some reversal takes one of these credits back, or is one of them.
    pub fn touch(&self, book: &Book, credits: &[Credit]) -> bool {
        !self.reversed.is_empty() && credits.iter().any(|credit| self.reversed.contains(&credit.claim(book)))
    }

    /// What was earned under a claim in the segments before, by the end of a period; of the latest if none is
    /// given.
    fn before(&self, claim: &Claim, upto: Option<Period>) -> Exact {
        let segments = self.earned.get(claim).map_or(&[][..], Vec::as_slice);
        segments.iter().fold(Exact::ZERO, |sum, segment| {
            let known = match upto {
                Some(upto) => segment.range(..=upto).next_back(),
                None => segment.last_key_value(),
            };
            known.map_or(sum.clone(), |(_, earned)| sum.add(earned))
        })
    }

    /// Lets no reversal bring what its credit and its reversals have earned below zero; nor, where that was
    /// below zero already, any lower.
    pub fn limit(&self, book: &Book, upto: Option<Period>, lines: &mut [Line]) {
        let mut sums: BTreeMap<Claim, Exact> = BTreeMap::new();
        // On one day a reversal's id may come before its credit's.
        let mut lines: Vec<&mut Line> = lines.iter_mut().collect();
        lines.sort_by_key(|line| (book.is_reversal(line.credit.entry), line.credit.entry));
        for line in lines {
            let claim = line.credit.claim(book);
            if !self.reversed.contains(&claim) {
                continue;
            }
            let sum = sums.entry(claim).or_insert_with(|| self.before(&claim, upto));
            let least = sum.clone().min(Exact::ZERO);
            if book.is_reversal(line.credit.entry) && sum.add(&line.paid) < least {
                line.paid = least.sub(sum);
                line.limited = true;
            }
            *sum = sum.add(&line.paid);
        }
    }

    /// Notes what the lines of the segment at hand have earned by the end of a period.
    pub fn note(&mut self, book: &Book, upto: Period, lines: &[Line]) {
        for line in lines {
            let claim = line.credit.claim(book);
            if !self.reversed.contains(&claim) {
                continue;
            }
            let earned = self.current.entry(claim).or_default().entry(upto).or_insert(Exact::ZERO);
            *earned = earned.add(&line.paid);
        }
    }

    /// Closes the segment at hand.
    pub fn settle(&mut self) {
        for (claim, earned) in std::mem::take(&mut self.current) {
            self.earned.entry(claim).or_default().push(earned);
        }
    }
}
