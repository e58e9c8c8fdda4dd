//! Credits: the parts of entries given to one payee, selected by a measure (semantics 6).

use std::sync::Arc;

use crate::domain::condition::Formula;
use crate::domain::deal::{EventKind, OWNER};
use crate::domain::exact::Exact;
use crate::domain::facts::{Facts, Share};
use crate::domain::id::MeasureId;
use crate::domain::measure::{MeasureValue, Selection, Unit};
use crate::domain::money::Currency;
use crate::domain::number::{Percent, QUANTITY_DECIMALS, Quantity};

use super::book::Book;
use super::condition::{self, Condition};
use super::gauge;
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

fn part(figure: &Exact, percent: Percent) -> Exact {
    figure.mul(&gauge::part(percent))
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
    condition: Option<Condition>,
    /// By entry, millionths.
    expression: Option<Arc<[i64]>>,
    condition_text: Option<Formula>,
    expression_text: Option<Formula>,
}

/// Roles that a measure names.
struct Roles {
    named: Vec<u16>,
    owner: bool,
}

impl Selector {
    /// Makes a measure ready.
    pub fn new(facts: &Facts, book: &Book, id: &MeasureId, measure: &Selection) -> Self {
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
            condition: Condition::of(facts, book, id, measure),
            expression: condition::figures(facts, book, id, measure),
            condition_text: measure.condition.clone(),
            expression_text: measure.expression.clone(),
        }
    }

    /// What its figures are in.
    pub fn unit(&self) -> Unit {
        self.value.unit()
    }

    /// What a credit counts, exact, in minor units of a currency or millionths: the entry's figure times the percent. A
    /// deal that does not say, or an amount that cannot be converted, is a problem.
    pub fn value(&self, book: &Book, credit: &Credit, currency: Currency) -> Result<Exact, Problem> {
        Ok(part(&self.whole(book, credit.entry, currency)?, credit.percent))
    }

    /// What an entry counts as a whole, exact, in minor units of a currency or millionths. Money that an expression
    /// comes to is of the deal's currency, and is converted as it is.
    pub fn whole(&self, book: &Book, entry: u32, currency: Currency) -> Result<Exact, Problem> {
        let MeasureValue::Expression(unit) = self.value else {
            return book.figure(entry, self.value, currency).map(|figure| Exact::whole(i128::from(figure)));
        };
        let stated = book.currency(entry);
        // Millionths of a major unit: no currency has more decimals.
        let beyond = QUANTITY_DECIMALS.saturating_sub(unit.decimals(stated));
        let millionths = self.expression.as_ref().and_then(|values| values.get(entry as usize));
        let millionths = millionths.ok_or_else(|| book.unstated(entry, "amount"))?;
        let value = Exact::scaled(i128::from(*millionths), beyond);
        match unit {
            Unit::Money => book.converted_exactly(entry, &value, currency),
            Unit::Number => Ok(value),
        }
    }

    /// What selects the amounts of bookings in all roles but overlays, where no measure is named.
    pub(super) fn bookings() -> Self {
        Selector {
            value: MeasureValue::Amount,
            kind: EventKind::Booked,
            direct: true,
            rolled_up: false,
            levels: usize::MAX,
            roles: None,
            condition: None,
            expression: None,
            condition_text: None,
            expression_text: None,
        }
    }

    /// Whether direct credits count, and from how many levels rolled-up ones, if they do.
    pub(super) fn reach(&self) -> (bool, Option<usize>) {
        (self.direct, self.rolled_up.then_some(self.levels))
    }

    /// Whether a share of an entry is one of the measure's for a payee, whoever has it.
    pub(super) fn counts(
        &self,
        facts: &Facts,
        book: &Book,
        entry: u32,
        share: &Share,
        payee: u32,
        rolled_up: bool,
    ) -> bool {
        book.entry(entry).kind == self.kind
            && self.takes(facts, share, rolled_up)
            && self.holds(facts, book, entry, share, payee)
    }

    /// Whether a share counts: by its role; of rolled-up credits without named roles all but overlays.
    pub(super) fn takes(&self, facts: &Facts, share: &Share, rolled_up: bool) -> bool {
        match (&self.roles, share.role) {
            (Some(roles), Some(role)) => roles.named.contains(&role),
            (Some(roles), None) => roles.owner,
            (None, role) => !rolled_up || !facts.is_overlay(role),
        }
    }

    /// Whether the measure's condition lets a share of an entry count for a payee.
    fn holds(&self, facts: &Facts, book: &Book, entry: u32, share: &Share, payee: u32) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(facts, book, entry, share, payee))
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
        let mut shares = book.shares(credit.entry).filter(own);
        let holds = |share: &Share| self.holds(facts, book, credit.entry, share, payee);
        self.direct && shares.any(|share| self.takes(facts, &share, false) && holds(&share))
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
            if self.condition.as_ref().is_some_and(|condition| condition.rules_out(book, entry)) {
                continue;
            }
            let credit = |rolled_up, role, percent| Credit { place: entry, entry, rolled_up, role, percent };
            if from_direct {
                let own = book.shares(entry).filter(|share| share.payee == payee);
                let own = own.filter(|share| {
                    self.takes(facts, share, false) && self.holds(facts, book, entry, share, payee)
                });
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
        let counts = move |share: &Share| {
            self.takes(facts, share, true) && self.holds(facts, book, entry, share, payee)
        };
        let shares = book.shares(entry).filter(counts);
        shares.filter_map(move |share| through(&share).map(|report| (report, share.percent)))
    }

    /// What of a rolled-up credit came through each direct report, in minor units of a currency or millionths.
    pub fn parts(
        &self,
        facts: &Facts,
        book: &Book,
        payee: u32,
        entry: u32,
        currency: Currency,
    ) -> Vec<(u32, Exact)> {
        let Ok(figure) = self.whole(book, entry, currency) else { return Vec::new() };
        let reports = self.reports(facts, book, payee, entry);
        reports.map(|(report, percent)| (report, part(&figure, percent))).collect()
    }

    /// What the measure's texts say of a payee's credit: which condition took it, and what its expression comes to or
    /// why that cannot be told.
    pub fn told(&self, facts: &Facts, book: &Book, entry: u32) -> Vec<String> {
        let origin = book.entry(entry).origin;
        let condition = self.condition_text.as_ref().map(|text| format!("where {text}"));
        let expression =
            self.expression_text.as_ref().map(|text| match condition::figure(text, facts, book, origin) {
                Ok(millionths) => format!("{text} = {}", Quantity(millionths)),
                Err(why) => format!("{text} cannot be evaluated and is 0: {why}"),
            });
        condition.into_iter().chain(expression).collect()
    }

    /// The events that a payee would have credits of but that the measure's condition cannot be evaluated for, and why.
    pub fn unclear(&self, facts: &Facts, book: &Book, payee: u32) -> Vec<(u32, String)> {
        let Some(formula) = &self.condition_text else { return Vec::new() };
        let why = |entry: u32, rolled_up: bool| {
            let shares = book.shares(entry).filter(|share| self.takes(facts, share, rolled_up));
            let concerns = |share: &Share| match rolled_up {
                false => share.payee == payee,
                true => facts
                    .above(share.payee, book.origin_day(entry))
                    .iter()
                    .take(self.levels)
                    .any(|m| *m == payee),
            };
            let mut said = shares.filter(concerns).filter_map(|share| {
                condition::evaluate(formula, facts, book, entry, &share, payee)
                    .err()
                    .map(|why| why.to_string())
            });
            said.next().map(|why| (entry, why))
        };
        let event = |entry: &u32| book.entry(*entry).kind == self.kind && !book.is_reversal(*entry);
        let direct = if self.direct { book.direct(payee) } else { &[] };
        let rolled_up = if self.rolled_up { book.rolled_up(payee) } else { &[] };
        let direct = direct.iter().copied().filter(event).filter_map(|entry| why(entry, false));
        let rolled_up = rolled_up.iter().copied().filter(event).filter_map(|entry| why(entry, true));
        direct.chain(rolled_up).collect()
    }
}
