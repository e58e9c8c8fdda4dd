//! What a reversal may take back (semantics 8.4): its part by age, and never more than its credit has earned. Where its
//! payee is paid in another currency by then, what was earned is told in that, at the rates of the event taken back.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::money::Currency;
use crate::domain::number::WHOLE;
use crate::domain::plan::Clawback;

use super::book::Book;
use super::course::Line;
use super::credit::{Claim, Credit};
use super::problem::Problem;

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

/// What was made of a credit and its reversals: minor units, exact.
#[derive(Debug, Clone, Default)]
struct Sum {
    /// Before cap and floor per credit.
    priced: Exact,
    /// What of it was earned.
    earned: Exact,
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.priced = self.priced.add(&other.priced);
        self.earned = self.earned.add(&other.earned);
    }
}

/// A segment's, by the end of each period.
type Sums = BTreeMap<Period, Sum>;

/// What bounds a credit and its reversals together.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// The most, minor units.
    pub cap: Option<Exact>,
    /// The least while the sum is above zero, minor units.
    pub floor: Option<Exact>,
    /// Whether a reversal takes back at most what its credit has earned.
    pub limited: bool,
}

impl Bounds {
    /// Whether nothing is bounded.
    pub fn is_none(&self) -> bool {
        self.cap.is_none() && self.floor.is_none() && !self.limited
    }

    fn bound(&self, sum: &Exact) -> Exact {
        let capped = self.cap.as_ref().map_or(sum, |cap| cap.min(sum));
        match &self.floor {
            Some(floor) if *sum > Exact::ZERO => capped.max(floor).clone(),
            Some(_) | None => capped.clone(),
        }
    }
}

/// What credits that are taken back have earned in the segments before, by the end of each period.
#[derive(Default)]
pub struct Claims {
    /// The claims that some reversal takes back.
    reversed: BTreeSet<Claim>,
    /// Those of them that earned something under a schedule: they never earn less than zero, wherever their reversals
    /// count.
    scheduled: BTreeSet<Claim>,
    /// Of every segment that earned or lost something under the claim, with what it pays in.
    earned: BTreeMap<Claim, Vec<(Currency, Sums)>>,
    /// Of the segment at hand.
    current: BTreeMap<Claim, Sums>,
}

impl Claims {
    /// Follows what these reversals take back from here on.
    pub fn follow(&mut self, book: &Book, reversals: &[Credit]) {
        self.reversed.extend(reversals.iter().map(|credit| credit.claim(book)));
    }

    /// Whether some reversal takes one of these credits back, or is one of them.
    pub fn touch(&self, book: &Book, credits: &[Credit]) -> bool {
        !self.reversed.is_empty() && credits.iter().any(|credit| self.reversed.contains(&credit.claim(book)))
    }

    /// The periods in which what these credits have earned in the segments before has moved.
    pub fn moments(&self, book: &Book, credits: &[Credit]) -> BTreeSet<Period> {
        if self.reversed.is_empty() {
            return BTreeSet::new();
        }
        let segments = credits.iter().filter_map(|credit| self.earned.get(&credit.claim(book))).flatten();
        segments.flat_map(|(_, earned)| earned.keys()).copied().collect()
    }

    /// Whether some credit keeps what a schedule promised, under whatever terms it is taken back.
    pub fn promise(&self) -> bool {
        !self.scheduled.is_empty()
    }

    /// What was made under a claim in the segments before, by the end of a period, in a currency.
    fn before(&self, book: &Book, claim: &Claim, upto: Period, currency: Currency) -> Result<Sum, Problem> {
        let mut sum = Sum::default();
        for (paid_in, segment) in self.earned.get(claim).into_iter().flatten() {
            if let Some((_, earned)) = segment.range(..=upto).next_back() {
                let told = |minor: &Exact| book.told_in(claim.0, minor, *paid_in, currency);
                sum.add(&Sum { priced: told(&earned.priced)?, earned: told(&earned.earned)? });
            }
        }
        Ok(sum)
    }

    /// Bounds what credits with their reversals earn together, in the currency that they are paid in. A limited reversal
    /// brings that not below zero; nor, where it was below zero already, any lower.
    pub fn bound(
        &self,
        book: &Book,
        upto: Period,
        currency: Currency,
        bounds: &Bounds,
        lines: &mut [Line],
    ) -> Result<(), Problem> {
        let each = bounds.cap.is_some() || bounds.floor.is_some();
        let mut sums: BTreeMap<Claim, Sum> = BTreeMap::new();
        // On one day a reversal's id may come before its credit's.
        let mut lines: Vec<&mut Line> = lines.iter_mut().collect();
        lines.sort_by_key(|line| (book.is_reversal(line.credit.entry), line.credit.entry));
        for line in lines {
            let claim = line.credit.claim(book);
            let limited =
                self.reversed.contains(&claim) && (bounds.limited || self.scheduled.contains(&claim));
            if !each && !limited {
                continue;
            }
            let sum = match sums.entry(claim) {
                Entry::Vacant(vacant) => vacant.insert(self.before(book, &claim, upto, currency)?),
                Entry::Occupied(sum) => sum.into_mut(),
            };
            let priced = sum.priced.add(&line.paid);
            if each {
                line.paid = bounds.bound(&priced).sub(&bounds.bound(&sum.priced));
            }
            let least = sum.earned.clone().min(Exact::ZERO);
            if limited && book.is_reversal(line.credit.entry) && sum.earned.add(&line.paid) < least {
                line.paid = least.sub(&sum.earned);
                line.limited = true;
            }
            *sum = Sum { priced, earned: sum.earned.add(&line.paid) };
        }
        Ok(())
    }

    /// Notes what the lines of the segment at hand have made by the end of a period, when `part` of what they pay is
    /// earned. `priced` is what each line was before it was bounded; `scheduled`: the segment has a schedule.
    pub fn note(
        &mut self,
        book: &Book,
        upto: Period,
        scheduled: bool,
        (lines, priced): (&[Line], &[Exact]),
        part: &Exact,
    ) {
        for (line, priced) in lines.iter().zip(priced) {
            let claim = line.credit.claim(book);
            if !self.reversed.contains(&claim) {
                continue;
            }
            if scheduled && !book.is_reversal(line.credit.entry) {
                self.scheduled.insert(claim);
            }
            let sum = self.current.entry(claim).or_default().entry(upto).or_default();
            sum.add(&Sum { priced: priced.clone(), earned: line.paid.mul(part) });
        }
    }

    /// Closes the segment at hand, which pays in a currency.
    pub fn settle(&mut self, currency: Currency) {
        for (claim, earned) in std::mem::take(&mut self.current) {
            self.earned.entry(claim).or_default().push((currency, earned));
        }
    }
}
