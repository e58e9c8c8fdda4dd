//! Credits: the parts of entries given to one payee, selected by a measure (semantics 6).

use crate::domain::deal::{EventKind, OWNER};
use crate::domain::exact::Exact;
use crate::domain::facts::{Facts, Share};
use crate::domain::measure::{MeasureValue, Selection, Unit};
use crate::domain::number::{Percent, WHOLE};

use super::book::Book;
use super::problem::Problem;

/// A part of one entry for one payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    /// Index of the entry after which it stands; its own, but for a reversal that counts at its origin.
    pub place: u32,
    /// Index of the entry.
    pub entry: u32,
    /// Whether it came up the reporting line.
    pub rolled_up: bool,
    /// Index of the role of a direct credit; absent for the owner of a deal without splits.
    pub role: Option<u16>,
    /// The part of the entry.
    pub percent: Percent,
}

/// What tells the credits of one payee apart, the same for a credit and all that takes it back.
pub type Claim = (u32, bool, Option<u16>);

impl Credit {
    /// The credit that this one is, or takes back.
    pub fn claim(&self, book: &Book) -> Claim {
        (book.entry(self.entry).origin, self.rolled_up, self.role)
    }
}

fn part(figure: i64, percent: Percent) -> Exact {
    // The product of two 64-bit numbers fits.
    let units = i128::from(figure) * i128::from(percent.0);
    Exact::ratio(units, i128::from(WHOLE)).unwrap_or(Exact::ZERO)
}

/// A measure of credits, made ready to select.
pub struct Selector {
    /// What is counted.
    pub value: MeasureValue,
    kind: EventKind,
    direct: bool,
    rolled_up: bool,
    levels: usize,
    roles: Option<Roles>,
}

/// Roles that a measure names.
struct Roles {
    named: Vec<u16>,
    owner: bool,
}

impl Selector {
    /// Makes a measure ready.
    pub fn new(facts: &Facts, measure: &Selection) -> Self {
        let place = |role| facts.roles.binary_search(role).ok().and_then(|place| u16::try_from(place).ok());
        let roles = (!measure.roles.is_empty()).then(|| Roles {
            named: measure.roles.iter().filter_map(place).collect(),
            owner: measure.roles.iter().any(|role| role.as_str() == OWNER),
        });
        Selector {
            value: measure.value,
            kind: measure.event,
            direct: measure.credit.direct(),
            rolled_up: measure.credit.rolled_up(),
            levels: match measure.levels {
                0 => usize::MAX,
                levels => usize::try_from(levels).unwrap_or(usize::MAX),
            },
            roles,
        }
    }

    /// What its figures are in.
    pub fn unit(&self) -> Unit {
        self.value.unit()
    }

    /// What a credit counts, exact, in minor units or millionths: the entry's figure times the percent. A deal
    /// that does not say is a problem.
    pub fn value(&self, facts: &Facts, book: &Book, credit: &Credit) -> Result<Exact, Problem> {
        let figure = match self.value {
            MeasureValue::Margin => "cost",
            MeasureValue::Quantity => "quantity",
            MeasureValue::Amount | MeasureValue::Count => "amount",
        };
        let unstated = || Problem::unstated(facts.deal_id(book.deal(credit.entry)), figure);
        let counted = book.figure(credit.entry, self.value).ok_or_else(unstated)?;
        Ok(part(counted, credit.percent))
    }

    /// Whether a share counts: by its role; of rolled-up credits without named roles all but overlays.
    fn takes(&self, facts: &Facts, share: &Share, rolled_up: bool) -> bool {
        match (&self.roles, share.role) {
            (Some(roles), Some(role)) => roles.named.contains(&role),
            (Some(roles), None) => roles.owner,
            (None, role) => !rolled_up || !facts.is_overlay(role),
        }
    }

    /// Whether a payee's credit, of whatever measure, is one of this measure's too.
    pub fn includes(&self, facts: &Facts, book: &Book, payee: u32, credit: &Credit) -> bool {
        if book.entry(credit.entry).kind != self.kind {
            return false;
        }
        if credit.rolled_up {
            return self.rolled_up && self.reports(facts, book, payee, credit.entry).next().is_some();
        }
        let own = |share: &Share| (share.payee, share.role) == (payee, credit.role);
        let mut shares = facts.shares(book.deal(credit.entry)).filter(own);
        self.direct && shares.any(|share| self.takes(facts, &share, false))
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
            let credit = |rolled_up, role, percent| Credit { place: entry, entry, rolled_up, role, percent };
            if from_direct {
                let own = facts.shares(book.deal(entry)).filter(|share| share.payee == payee);
                let own = own.filter(|share| self.takes(facts, share, false));
                credits.extend(own.map(|share| credit(false, share.role, share.percent)));
            } else {
                let mut parts =
                    self.reports(facts, book, payee, entry).map(|(_, percent)| percent.0).peekable();
                if parts.peek().is_some() {
                    // At most 100 splits of at most 100 percent: the sum fits.
                    credits.push(credit(true, None, Percent(parts.sum())));
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
            let above = facts.above(share.payee, day);
            let level = above.iter().take(self.levels).position(|manager| *manager == payee)?;
            Some(level.checked_sub(1).map_or(share.payee, |below| above[below]))
        };
        let shares = facts.shares(book.deal(entry)).filter(move |share| self.takes(facts, share, true));
        shares.filter_map(move |share| through(&share).map(|report| (report, share.percent)))
    }

    /// What of a rolled-up credit came through each direct report, in minor units or millionths.
    pub fn parts(&self, facts: &Facts, book: &Book, payee: u32, entry: u32) -> Vec<(u32, Exact)> {
        let Some(figure) = book.figure(entry, self.value) else { return Vec::new() };
        let reports = self.reports(facts, book, payee, entry);
        reports.map(|(report, percent)| (report, part(figure, percent))).collect()
    }
}
