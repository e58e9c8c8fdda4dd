//! The course of one accumulation: credits in their order along a ladder, and what is earned through the end
//! of each period (semantics 3, 8.1, 8.4, 9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::plan::{Axis, Clawback, Component};

use super::book::Book;
use super::clawback::{self, Claims};
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
    /// What it pays, minor units, exact.
    pub paid: Exact,
    /// Whether it would have paid less, had the credit it takes back earned more.
    pub limited: bool,
    /// What it pays, minor units, rounded cumulatively: lines and flat amounts sum to the whole.
    pub amount: i128,
}

/// Credits of one measure in the order of their places.
pub struct Standing<'a> {
    /// In order.
    pub credits: Cow<'a, [Credit]>,
    /// What of them counts.
    pub selector: &'a Selector,
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

/// What came of it.
pub struct Outcome<'a> {
    /// Earned through the end of each period in which something moved, minor units.
    pub through: BTreeMap<Period, i128>,
    /// The whole way.
    pub walk: Walk<'a>,
    /// Paid, minor units, exact.
    pub paid: Exact,
    /// One for each credit in order, if they were asked for.
    pub lines: Vec<Line>,
}

impl<'a> Course<'a> {
    /// Walks the credits. Where one stands before others that came in an earlier period, earned through each
    /// period is walked on its own: the credits known by its end, and no later ones. So it is under a clawback
    /// schedule, for what a reversal may take depends on what its credit had earned by then.
    pub fn run(&self, claims: &mut Claims, lines: bool) -> Result<Outcome<'a>, Problem> {
        let rounding = self.facts.calendar.rounding;
        let payee = claims.payee.clone();
        let too_large = |_| Problem::TooLarge { payee: payee.clone() };
        let mut through = BTreeMap::new();
        let walk = self.walk(None, |period, walk| drop(through.insert(period, walk.paid())), None)?;
        let clawed = claims.touch(self.book, &self.paid.credits);
        if clawed || !self.in_order() {
            for (upto, paid) in &mut through {
                *paid = if clawed {
                    let lines = self.lines(Some(*upto), claims)?;
                    claims.note(self.book, *upto, &lines);
                    let flats = self.walk(Some(*upto), |_, _| (), None)?.flats();
                    lines.iter().fold(flats, |sum, line| sum.add(&line.paid))
                } else {
                    self.walk(Some(*upto), |_, _| (), None)?.paid()
                };
            }
        }
        let paid = through.values().next_back().cloned().unwrap_or(Exact::ZERO);
        let rounded =
            through.into_iter().map(|(period, paid): (Period, Exact)| Ok((period, paid.round(rounding)?)));
        let through = rounded.collect::<Result<_, _>>().map_err(too_large)?;
        let mut kept = if lines { self.lines(None, claims)? } else { Vec::new() };
        // Flat amounts first: so the lines after them add up to the whole, however halves are rounded.
        let mut sum = walk.flats();
        let mut before = sum.round(rounding).map_err(too_large)?;
        for line in &mut kept {
            sum = sum.add(&line.paid);
            let upto = sum.round(rounding).map_err(too_large)?;
            (line.amount, before) = (upto - before, upto);
        }
        claims.settle();
        Ok(Outcome { through, walk, paid, lines: kept })
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
        upto: Option<Period>,
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
        let known = |credit: &&Credit| upto.is_none_or(|upto| self.book.entry(credit.entry).period <= upto);
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
            lines.push(Line {
                credit: *credit,
                value: value.clone(),
                before: walk.position().clone(),
                slices: Vec::new(),
                paid: Exact::ZERO,
                limited: false,
                amount: 0,
            });
        }
        let slice = |tier: usize, piece: &Exact| {
            if let Some(line) = keep.as_deref_mut().and_then(|lines| lines.last_mut()) {
                line.slices.push(Slice { tier, credited: piece.clone(), paid: Exact::ZERO });
            }
        };
        if self.axis.by_deal() {
            walk.put_by_deal(&value, &self.deal_place(credit)?, slice);
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

    /// What a credit counts; of a reversal what the clawback schedule leaves.
    fn value(&self, standing: Option<&Standing>, credit: &Credit) -> Result<Exact, Problem> {
        let selector = standing.unwrap_or(&self.paid).selector;
        let value = selector.value(self.facts, self.book, credit)?;
        let part = |clawback: &Clawback| {
            let age = self.book.entry(credit.entry).day.days_since(self.book.origin_day(credit.entry));
            clawback::part(clawback, age)
        };
        Ok(match &self.component.clawback {
            Some(schedule) if self.book.is_reversal(credit.entry) => value.mul(&part(schedule)),
            Some(_) | None => value,
        })
    }

    fn deal_place(&self, credit: &Credit) -> Result<DealPlace, Problem> {
        let deal = self.book.deal(credit.entry);
        let unstated = |figure| Problem::unstated(self.facts.deal_id(deal), figure);
        let worth = self.facts.worth(deal);
        let amount = worth.amount.ok_or_else(|| unstated("amount"))?;
        if self.axis == Axis::DealAmount {
            return Ok(DealPlace::At(Exact::whole(i128::from(amount))));
        }
        let cost = worth.cost.ok_or_else(|| unstated("cost"))?;
        let margin = Exact::whole((i128::from(amount) - i128::from(cost)) * 100);
        Ok(margin.div(&Exact::whole(i128::from(amount))).map_or(DealPlace::Undefined, DealPlace::At))
    }

    /// The credits of the periods up to `upto`, each priced as the way to there has turned out.
    fn lines(&self, upto: Option<Period>, claims: &Claims) -> Result<Vec<Line>, Problem> {
        let mut lines = Vec::new();
        let walk = self.walk(upto, |_, _| (), Some(&mut lines))?;
        let mut pricer = Pricer::new(&walk);
        for line in &mut lines {
            for slice in &mut line.slices {
                *slice = pricer.price(slice.tier, &slice.credited);
            }
            line.paid = line.slices.iter().fold(Exact::ZERO, |sum, slice| sum.add(&slice.paid));
        }
        if self.component.clawback.is_some() {
            claims.limit(self.book, upto, &mut lines);
        }
        Ok(lines)
    }
}
