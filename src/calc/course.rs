//! The course of one accumulation: credits in their order along a ladder, and what they pay through the end of each
//! period (semantics 3, 8.1, 8.4).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::money::Currency;
use crate::domain::plan::{Axis, Clawback, Component};

use super::book::Book;
use super::clawback;
use super::credit::{Credit, Selector};
use super::problem::Problem;
use super::rates::{DealPlace, Ladder, Pricer, Slice, Walk};

/// One credit's way.
#[derive(Debug, Clone)]
pub struct Line {
    /// The credit.
    pub credit: Credit,
    /// What it counts, after the clawback schedule: minor units or millionths, exact.
    pub value: Exact,
    /// Where the line was before it.
    pub before: Exact,
    /// The pieces it is cut into.
    pub slices: Vec<Slice>,
    /// What the rates make of it, minor units, exact.
    pub priced: Exact,
    /// What it pays after the modifiers, minor units, exact.
    pub paid: Exact,
    /// Whether it would have paid less, had the credit it takes back earned more.
    pub limited: bool,
    /// What it pays, minor units, rounded cumulatively: lines and flat amounts sum to the whole.
    pub amount: i128,
}

impl Line {
    /// A line before it is priced.
    pub fn new(credit: Credit, value: Exact, before: Exact) -> Self {
        let (priced, paid) = (Exact::ZERO, Exact::ZERO);
        Line { credit, value, before, slices: Vec::new(), priced, paid, limited: false, amount: 0 }
    }
}

/// Credits of one measure in the order of their places.
pub struct Standing<'a> {
    /// In order.
    pub credits: Cow<'a, [Credit]>,
    /// What of them counts.
    pub selector: &'a Selector,
    /// The currency that money is counted in.
    pub currency: Currency,
}

impl Standing<'_> {
    /// What a credit counts; of a reversal what the clawback schedule leaves.
    pub fn value(&self, book: &Book, clawback: Option<&Clawback>, credit: &Credit) -> Result<Exact, Problem> {
        let value = self.selector.value(book, credit, self.currency)?;
        Ok(match clawback {
            Some(schedule) if book.is_reversal(credit.entry) => {
                let age = book.entry(credit.entry).day.days_since(book.origin_day(credit.entry));
                value.mul(&clawback::part(schedule, age))
            }
            Some(_) | None => value,
        })
    }
}

/// What an accumulation is made of.
pub struct Course<'a> {
    pub facts: &'a Facts,
    pub book: &'a Book<'a>,
    pub component: &'a Component,
    pub axis: Axis,
    /// `None` where nothing is paid.
    pub ladder: Option<&'a Ladder>,
    /// What is paid on.
    pub paid: Standing<'a>,
    /// What moves the line, if that is another measure.
    pub line: Option<Standing<'a>>,
}

impl<'a> Course<'a> {
    /// Paid through the end of each period in which something moved, minor units, exact; and the whole way. Where a
    /// credit stands before others that came in an earlier period, each period is walked on its own: the credits
    /// known by its end, and no later ones.
    pub fn through(&self, upto: Period) -> Result<(BTreeMap<Period, Exact>, Walk<'a>), Problem> {
        let mut through = BTreeMap::new();
        let walk = self.walk(upto, |period, walk| drop(through.insert(period, walk.paid())), None)?;
        if !self.in_order() {
            for (upto, paid) in &mut through {
                *paid = self.walk(*upto, |_, _| (), None)?.paid();
            }
        }
        Ok((through, walk))
    }

    /// Whether no credit stands before one of an earlier period.
    fn in_order(&self) -> bool {
        let period = |credit: &Credit| self.book.entry(credit.entry).period;
        match &self.line {
            None => self.paid.credits.is_sorted_by_key(period),
            Some(line) => {
                let mut credits = self.paid.credits.iter().chain(line.credits.iter());
                credits.all(|credit| credit.place == credit.entry)
            }
        }
    }

    /// Sends the credits of the periods up to `upto` along the ladder; tells `period` where each ends, and keeps
    /// the pieces of every credit if asked to.
    fn walk(
        &self,
        upto: Period,
        mut ended: impl FnMut(Period, &Walk<'a>),
        mut keep: Option<&mut Vec<Line>>,
    ) -> Result<Walk<'a>, Problem> {
        let mut walk = Walk::new(self.ladder);
        let mut current = None;
        let mut begin = |walk: &Walk<'a>, period: Period| {
            if let Some(before) = current.replace(period).filter(|before| *before != period) {
                ended(before, walk);
            }
        };
        let known = |credit: &&Credit| self.book.entry(credit.entry).period <= upto;
        let mut paid = self.paid.credits.iter().filter(known).peekable();
        let Some(line) = &self.line else {
            for credit in paid {
                begin(&walk, self.book.entry(credit.entry).period);
                self.step(&mut walk, credit, None, keep.as_deref_mut())?;
            }
            current.inspect(|last| ended(*last, &walk));
            return Ok(walk);
        };
        let mut line = line.credits.iter().filter(known).peekable();
        let place = |credit: &&Credit| (credit.place, credit.place != credit.entry, credit.entry);
        loop {
            let next = [paid.peek().map(place), line.peek().map(place)].into_iter().flatten().min();
            let Some(next) = next else { break };
            begin(&walk, self.book.entry(next.2).period);
            let mut span = Exact::ZERO;
            while let Some(credit) = line.next_if(|credit| place(credit) == next) {
                let moves = !(self.component.line_kept && self.book.is_reversal(credit.entry));
                if moves {
                    span = span.add(&self.value(self.line.as_ref(), credit)?);
                }
            }
            while let Some(credit) = paid.next_if(|credit| place(credit) == next) {
                self.step(&mut walk, credit, Some(&span), keep.as_deref_mut())?;
            }
            walk.advance(&span);
        }
        current.inspect(|last| ended(*last, &walk));
        Ok(walk)
    }

    /// One credit: over the line's span of its event, or over its own, which then moves the line.
    fn step(
        &self,
        walk: &mut Walk<'a>,
        credit: &Credit,
        span: Option<&Exact>,
        mut keep: Option<&mut Vec<Line>>,
    ) -> Result<(), Problem> {
        let value = self.value(None, credit)?;
        if let Some(lines) = &mut keep {
            lines.push(Line::new(*credit, value.clone(), walk.position().clone()));
        }
        let slice = |tier: usize, piece: &Exact| {
            if let Some(line) = keep.as_deref_mut().and_then(|lines| lines.last_mut()) {
                line.slices.push(Slice { tier, credited: piece.clone(), paid: Exact::ZERO });
            }
        };
        if self.axis.by_deal() {
            let place = deal_place(self.facts, self.book, credit.entry, self.axis, self.paid.currency)?;
            walk.put_by_deal(&value, &place, slice);
            walk.advance(&value);
            return Ok(());
        }
        match span {
            Some(span) => walk.put(&value, span, slice),
            None if self.component.line_kept && self.book.is_reversal(credit.entry) => {
                walk.put(&value, &Exact::ZERO, slice);
            }
            None => {
                walk.put(&value, &value, slice);
                walk.advance(&value);
            }
        }
        Ok(())
    }

    fn value(&self, standing: Option<&Standing>, credit: &Credit) -> Result<Exact, Problem> {
        let standing = standing.unwrap_or(&self.paid);
        standing.value(self.book, self.component.clawback.as_ref(), credit)
    }

    /// The credits of the periods up to `upto`, each priced as the way to there has turned out; and the flat amounts
    /// due there, which are nobody's.
    pub fn lines(&self, upto: Period) -> Result<(Vec<Line>, Exact), Problem> {
        let mut lines = Vec::new();
        let walk = self.walk(upto, |_, _| (), Some(&mut lines))?;
        let mut pricer = Pricer::new(&walk);
        for line in &mut lines {
            for slice in &mut line.slices {
                *slice = pricer.price(slice.tier, &slice.credited);
            }
            line.priced = line.slices.iter().fold(Exact::ZERO, |sum, slice| sum.add(&slice.paid));
            line.paid = line.priced.clone();
        }
        Ok((lines, walk.flats()))
    }
}

/// Where the deal of an entry stands on an axis that is the deal's: an amount in minor units of a currency, or a percent.
pub fn deal_place(
    facts: &Facts,
    book: &Book,
    entry: u32,
    axis: Axis,
    currency: Currency,
) -> Result<DealPlace, Problem> {
    let deal = book.deal(entry);
    let unstated = |figure| Problem::unstated(facts.deal_id(deal), figure);
    let worth = facts.worth(deal);
    let amount = worth.amount.ok_or_else(|| unstated("amount"))?;
    if axis == Axis::DealAmount {
        let amount = book.converted(entry, amount, currency)?;
        return Ok(DealPlace::At(Exact::whole(i128::from(amount))));
    }
    let cost = worth.cost.ok_or_else(|| unstated("cost"))?;
    let margin = Exact::whole((i128::from(amount) - i128::from(cost)) * 100);
    Ok(margin.div(&Exact::whole(i128::from(amount))).map_or(DealPlace::Undefined, DealPlace::At))
}
