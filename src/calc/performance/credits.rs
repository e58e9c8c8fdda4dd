//! What is booked: parts of events, selected by a measure, and the first bookings of customers.

use crate::calc::gauge;
use crate::domain::date::Day;
use crate::domain::exact::Exact;
use crate::domain::facts::Share;
use crate::domain::measure::MeasureValue;

use super::{Item, Look, Problem, Span, Subject, What};

/// What one event or reversal counts as a whole.
struct Whole {
    figure: Exact,
    margin: Option<(Exact, Exact)>,
    units: Option<Exact>,
    /// Why there is no margin, though a cost is stated.
    unclear: Option<Problem>,
}

/// Whom a share counts for, and how.
enum Way {
    /// For whoever has it.
    Own { payee: u32, overlays: bool },
    /// For a manager so many levels above.
    Up { manager: u32, levels: usize },
    /// For the members of a team below its manager.
    Below(u32),
    /// For whoever it belongs to.
    Each,
}

impl<'f> Look<'f> {
    /// Tells every part of an event credited to a subject, and every first booking, by the place of the span it is in.
    pub(super) fn credits(
        &self,
        subject: &Subject,
        spans: &[Span],
        tell: &mut impl FnMut(usize, Result<Item, Problem>),
    ) {
        let book = self.calculation.book();
        match *subject {
            Subject::Payee(payee) => {
                let (direct, levels) = self.selector.reach();
                if direct {
                    let way = Way::Own { payee, overlays: self.named };
                    self.each(subject, book.direct(payee), spans, &way, tell);
                }
                if let Some(levels) = levels.filter(|_| self.named) {
                    let way = Way::Up { manager: payee, levels };
                    self.each(subject, book.rolled_up(payee), spans, &way, tell);
                }
            }
            Subject::Team(manager) => {
                let way = Way::Own { payee: manager, overlays: false };
                self.each(subject, book.direct(manager), spans, &way, tell);
                self.each(subject, book.rolled_up(manager), spans, &Way::Below(manager), tell);
            }
            Subject::Territory(_) | Subject::Company => {
                let all: Vec<u32> = (0_u32..).take(book.entries().len()).collect();
                self.each(subject, &all, spans, &Way::Each, tell);
            }
        }
        self.newcomers(subject, spans, tell);
    }

    /// Of some entries, in order, the shares that count.
    fn each(
        &self,
        subject: &Subject,
        entries: &[u32],
        spans: &[Span],
        way: &Way,
        tell: &mut impl FnMut(usize, Result<Item, Problem>),
    ) {
        let book = self.calculation.book();
        for (place, span) in spans.iter().enumerate() {
            // Entries are in the order of their days.
            let start = entries.partition_point(|entry| book.entry(*entry).day < span.from);
            let dated = entries[start..].iter().copied().take_while(|entry| book.entry(*entry).day < span.to);
            for entry in dated.filter(|entry| self.takes(book.deal(*entry))) {
                self.shares(subject, entry, way, &mut |item| tell(place, item));
            }
        }
    }

    fn shares(&self, subject: &Subject, entry: u32, way: &Way, tell: &mut impl FnMut(Result<Item, Problem>)) {
        let book = self.calculation.book();
        let line_day = book.origin_day(entry);
        let mut whole = None;
        for share in book.shares(entry).filter(|share| self.counts(subject, entry, share, way, line_day)) {
            let whole = match whole.get_or_insert_with(|| self.whole(entry)) {
                Ok(whole) => whole,
                Err(problem) => return tell(Err(problem.clone())),
            };
            whole.unclear.iter().for_each(|problem| tell(Err(problem.clone())));
            let percent = gauge::part(share.percent);
            let part = |figure: &Exact| figure.mul(&percent);
            let what = What::Booked {
                figure: part(&whole.figure),
                margin: whole.margin.as_ref().map(|(amount, margin)| (part(amount), part(margin))),
                units: whole.units.as_ref().map(part),
            };
            let (deal, day) = (book.deal(entry), book.entry(entry).day);
            tell(Ok(Item { deal, who: share.payee, day, line_day, what }));
        }
    }

    /// Whether a share of an entry counts: for a payee as the measure counts it, for others each share as its payee's
    /// own, without overlays that the measure does not name.
    fn counts(&self, subject: &Subject, entry: u32, share: &Share, way: &Way, day: Day) -> bool {
        let (facts, book) = (self.facts(), self.calculation.book());
        let is =
            |earner: u32, overlays: bool| self.selector.counts(facts, book, entry, share, earner, !overlays);
        match *way {
            Way::Own { payee, overlays } => share.payee == payee && is(payee, overlays),
            Way::Up { manager, levels } => {
                facts.above(share.payee, day).iter().take(levels).any(|above| *above == manager)
                    && is(manager, false)
            }
            Way::Below(manager) => facts.above(share.payee, day).contains(&manager) && is(share.payee, false),
            Way::Each => subject.holds(self.facts(), share.payee, day) && is(share.payee, false),
        }
    }

    /// What an entry counts as a whole. What a deal does not state is left out of what is beside the measure, and so is
    /// a margin that cannot be converted: that is a problem, but the measure counts all the same.
    fn whole(&self, entry: u32) -> Result<Whole, Problem> {
        let (book, currency) = (self.calculation.book(), self.currency);
        let figure = self.selector.whole(book, entry, currency)?;
        let stated =
            |value| book.figure(entry, value, currency).map(|figure| Exact::whole(i128::from(figure)));
        let margin =
            stated(MeasureValue::Margin).and_then(|margin| Ok((stated(MeasureValue::Amount)?, margin)));
        let (margin, unclear) = match margin {
            Ok(margin) => (Some(margin), None),
            Err(Problem::Unstated { .. }) => (None, None),
            Err(problem) => (None, Some(problem)),
        };
        Ok(Whole { figure, margin, units: stated(MeasureValue::Quantity).ok(), unclear })
    }

    /// The first bookings of customers, each counted for the owner of its deal.
    fn newcomers(
        &self,
        subject: &Subject,
        spans: &[Span],
        tell: &mut impl FnMut(usize, Result<Item, Problem>),
    ) {
        let facts = self.facts();
        let first = facts.first_bookings();
        let day = |event: &u32| facts.events[*event as usize].day;
        for (place, span) in spans.iter().enumerate() {
            let start = first.partition_point(|event| day(event) < span.from);
            for event in first[start..].iter().take_while(|event| day(event) < span.to) {
                let (deal, day) = (facts.events[*event as usize].deal, day(event));
                let who = facts.owner(deal);
                if subject.holds(self.facts(), who, day) && self.takes(deal) {
                    tell(place, Ok(Item { deal, who, day, line_day: day, what: What::NewCustomer }));
                }
            }
        }
    }
}
