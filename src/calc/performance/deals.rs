//! What deals say themselves: won and lost with amount and days, and what is open.

use crate::calc::gauge;
use crate::domain::date::Day;
use crate::domain::deal::Outcome;
use crate::domain::exact::Exact;
use crate::domain::exchange::Unconverted;

use super::{Item, Look, Problem, Span, Subject, What};

impl<'f> Look<'f> {
    /// Tells every decision on a deal that a subject's members own, by the place of the span it is in.
    pub(super) fn decided(
        &self,
        subject: &Subject,
        spans: &[Span],
        tell: &mut impl FnMut(usize, Result<Item, Problem>),
    ) {
        let facts = self.facts();
        for who in subject.members(facts) {
            for (place, span) in spans.iter().enumerate() {
                for deal in facts.decided(who, span.from, span.to).iter().copied() {
                    let Some(day) = facts.decided_on(deal) else { continue };
                    if !subject.holds(facts, who, day) || !self.takes(deal) {
                        continue;
                    }
                    let (what, problem) = self.decision(deal, day);
                    tell(place, Ok(Item { deal, who, day, line_day: day, what }));
                    problem.into_iter().for_each(|problem| tell(place, Err(problem)));
                }
            }
        }
    }

    /// What a decision counts as. A deal whose amount cannot be converted is won all the same, with a problem beside it.
    fn decision(&self, deal: u32, day: Day) -> (What, Option<Problem>) {
        let facts = self.facts();
        let won = facts.outcome(deal) == Outcome::Won;
        let stated = facts.worth(deal).amount.filter(|_| won);
        let (amount, problem) = match stated.map(|minor| self.converted(deal, minor, day)) {
            Some(Ok(amount)) => (Some(amount), None),
            Some(Err(problem)) => (None, Some(problem)),
            None => (None, None),
        };
        let opened = facts.opened(deal).filter(|_| won);
        // A deal opened after it closed says nothing about how long deals take.
        let cycle = opened.zip(facts.closed(deal)).map(|(opened, closed)| closed.days_since(opened));
        (What::Decided { won, amount, cycle: cycle.filter(|days| *days >= 0) }, problem)
    }

    /// How many deals won or lost of a subject's members there is no day for.
    pub fn undated(&self, subject: &Subject) -> usize {
        let facts = self.facts();
        let members = subject.members(facts).into_iter();
        let belong = members.filter(|who| subject.holds(self.facts(), *who, self.on));
        belong.map(|who| facts.undated(who).iter().filter(|deal| self.takes(**deal)).count()).sum()
    }

    /// Tells every open deal of a subject's members, and every part of one that would be theirs.
    pub(super) fn pipeline(
        &self,
        subject: &Subject,
        span: Span,
        tell: &mut impl FnMut(Result<Item, Problem>),
    ) {
        let (facts, on) = (self.facts(), self.on);
        let overlays = self.named && matches!(subject, Subject::Payee(_));
        let members = subject.members(facts).into_iter();
        for who in members.filter(|who| subject.holds(self.facts(), *who, on)) {
            let item = |deal, what| Item { deal, who, day: on, line_day: on, what };
            for deal in facts.waiting(who).iter().copied().filter(|deal| self.takes(*deal)) {
                tell(Ok(item(deal, What::Open)));
            }
            for credit in facts.open_credits(who) {
                if !self.selector.takes(facts, &credit.share, !overlays) || !self.takes(credit.deal) {
                    continue;
                }
                let Some(minor) = facts.worth(credit.deal).amount else { continue };
                let percent = gauge::part(credit.share.percent);
                let part = |minor: i64| Exact::whole(i128::from(minor)).mul(&percent);
                let amount = self.converted(credit.deal, minor, on).map(part);
                // As a forecast counts it: not overdue, and of somebody who is there on that day.
                let expected =
                    |day: Day| day > on && span.holds(day) && facts.is_assigned(credit.share.payee, day);
                let likely = |amount| What::Likely {
                    amount,
                    chance: facts.probability(credit.deal),
                    expected: facts.closed(credit.deal).is_some_and(expected),
                };
                tell(amount.map(|amount| item(credit.deal, likely(amount))));
            }
        }
    }

    /// Money of a deal in the currency looked in, at the rates of a day.
    fn converted(&self, deal: u32, minor: i64, day: Day) -> Result<i64, Problem> {
        let (facts, to) = (self.facts(), self.currency);
        facts.exchange.convert(minor, facts.currency(deal), to, day).map_err(|fault| {
            let deal = facts.deal_id(deal).to_string();
            match fault {
                Unconverted::NoRate(currency) => Problem::RateMissing { deal, currency, day },
                Unconverted::TooLarge => Problem::Unconvertible { deal, currency: to },
            }
        })
    }
}
