//! Credits: the parts of entries given to one payee, selected by a measure (semantics 6).

use crate::domain::deal::{EventKind, OWNER};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::measure::Measure;
use crate::domain::number::{Percent, WHOLE};

use super::book::{Book, Share};

/// A part of one entry for one payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    /// Index of the entry after which it stands; its own, but for a reversal that counts at its origin.
    pub place: u32,
    /// Index of the entry.
    pub entry: u32,
    /// Whether it came up the reporting line.
    pub rolled_up: bool,
    /// The part of the entry's amount.
    pub percent: Percent,
}

impl Credit {
    /// The credit in minor units: the entry's amount times the percent, exact.
    pub fn value(&self, book: &Book) -> Exact {
        part(book.entry(self.entry).amount, self.percent)
    }
}

fn part(amount: i64, percent: Percent) -> Exact {
    // The product of two 64-bit numbers fits.
    let units = i128::from(amount) * i128::from(percent.0);
    Exact::ratio(units, i128::from(WHOLE)).unwrap_or(Exact::ZERO)
}

/// A measure, made ready to select.
pub struct Selector {
    kind: EventKind,
    direct: bool,
    rolled_up: bool,
    levels: u32,
    roles: Option<Roles>,
}

/// Roles that a measure names.
struct Roles {
    named: Vec<u16>,
    owner: bool,
}

impl Selector {
    /// Makes a measure ready.
    pub fn new(facts: &Facts, measure: &Measure) -> Self {
        let place = |role| facts.roles.binary_search(role).ok().and_then(|place| u16::try_from(place).ok());
        let roles = (!measure.roles.is_empty()).then(|| Roles {
            named: measure.roles.iter().filter_map(place).collect(),
            owner: measure.roles.iter().any(|role| role.as_str() == OWNER),
        });
        Selector {
            kind: measure.event,
            direct: measure.credit.direct(),
            rolled_up: measure.credit.rolled_up(),
            levels: measure.levels,
            roles,
        }
    }

    /// Whether a share counts: by its role; of rolled-up credits without named roles all but overlays.
    fn takes(&self, book: &Book, share: &Share, rolled_up: bool) -> bool {
        match (&self.roles, share.role) {
            (Some(roles), Some(role)) => roles.named.contains(&role),
            (Some(roles), None) => roles.owner,
            (None, role) => !rolled_up || !book.is_overlay(role),
        }
    }

    /// A payee's credits in the order of entries, direct before rolled-up.
    pub fn credits(&self, facts: &Facts, book: &Book, payee: u32) -> Vec<Credit> {
        let direct = if self.direct { book.direct(payee) } else { &[] };
        let rolled_up = if self.rolled_up { book.rolled_up(payee) } else { &[] };
        let mut credits = Vec::with_capacity(direct.len() + rolled_up.len());
        let (mut direct, mut rolled_up) = (direct.iter().peekable(), rolled_up.iter().peekable());
        loop {
            let from_direct = match (direct.peek(), rolled_up.peek()) {
                (Some(own), Some(up)) => own <= up,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => return credits,
            };
            let next = if from_direct { direct.next() } else { rolled_up.next() };
            let Some(entry) = next.copied().filter(|entry| book.entry(*entry).kind == self.kind) else {
                continue;
            };
            let credit = |percent, rolled_up| Credit { place: entry, entry, rolled_up, percent };
            if from_direct {
                let own = book.shares(book.deal(entry)).filter(|share| share.payee == payee);
                let own = own.filter(|share| self.takes(book, share, false));
                credits.extend(own.map(|share| credit(share.percent, false)));
            } else {
                let mut parts =
                    self.reports(facts, book, payee, entry).map(|(_, percent)| percent.0).peekable();
                if parts.peek().is_some() {
                    // At most 100 splits of at most 100 percent: the sum fits.
                    credits.push(credit(Percent(parts.sum()), true));
                }
            }
        }
    }

    /// The shares of an entry that come up to a payee: through which direct report, with its percent.
    fn reports(
        &self,
        facts: &Facts,
        book: &Book,
        payee: u32,
        entry: u32,
    ) -> impl Iterator<Item = (u32, Percent)> {
        let day = book.origin_day(entry);
        let through = move |share: &Share| {
            let mut below = share.payee;
            let limit = if self.levels == 0 { facts.payees.len() } else { self.levels as usize };
            for _ in 0..limit {
                let manager = facts.manager_on(below, day)?;
                if manager == payee {
                    return Some(below);
                }
                below = manager;
            }
            None
        };
        let shares = book.shares(book.deal(entry)).filter(move |share| self.takes(book, share, true));
        shares.filter_map(move |share| through(&share).map(|report| (report, share.percent)))
    }

    /// What of a rolled-up credit came through each direct report, in minor units.
    pub fn parts(&self, facts: &Facts, book: &Book, payee: u32, entry: u32) -> Vec<(u32, Exact)> {
        let amount = book.entry(entry).amount;
        let reports = self.reports(facts, book, payee, entry);
        reports.map(|(report, percent)| (report, part(amount, percent))).collect()
    }
}
