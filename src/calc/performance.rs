//! Performance: what was booked, won and lost over some days, and what is open. `docs/performance.md` defines every
//! figure; this is its one place in code.
//!
//! Everything is a sum over items: parts of events credited to somebody, decisions on deals, first bookings of customers,
//! open deals. Whatever figures are cut by, each item falls into one part: so parts sum to the whole. What is divided is
//! divided last, on exact sums; what is divided by nothing is not defined.
//!
//! Credits come from the book and the selector that attainment and pay come from.

mod board;
mod credits;
mod deals;
mod goal;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::condition::{Field, Value};
use crate::domain::date::{Calendar, Day, Period, Window};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::id::{CustomerId, MeasureId, ProductId, TerritoryId};
use crate::domain::measure::{Selection, Unit};
use crate::domain::money::Currency;

use super::Calculation;
use super::book::Unclear;
use super::credit::Selector;
use super::problem::Problem;
use super::subject::{Subject, territory};

pub use board::{Line, board, median, medians, peers, title};
pub use goal::{Goal, Quoted, percent, shared};
pub use tally::{Figure, Opportunity, Tally, growth};

/// Which deals count; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this product.
    pub product: Option<ProductId>,
    /// Of this customer.
    pub customer: Option<CustomerId>,
    /// Whose free attribute has a value; without a value: that do not state it.
    pub segment: Option<(Field, Option<String>)>,
}

/// Days `[from, to)`; none, where they end before they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: Day,
    /// The first day after it.
    pub to: Day,
}

impl Span {
    /// Whether it holds a day.
    pub fn holds(self, day: Day) -> bool {
        self.from <= day && day < self.to
    }
}

/// Whole months, looked at on a day: what is dated after it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Months {
    /// The first.
    pub first: Period,
    /// The last, not before it.
    pub last: Period,
    /// The day looked from, not before the first month.
    pub on: Day,
}

impl Months {
    /// Its days that count.
    pub fn span(self) -> Span {
        Span { from: self.first.start(), to: self.last.end().min(self.on.next()) }
    }

    /// The last day that counts.
    pub fn counted(self) -> Day {
        self.last.last_day().min(self.on)
    }

    /// All of its days, also those that are not over.
    pub fn whole(self) -> Span {
        Span { from: self.first.start(), to: self.last.end() }
    }

    /// As many days of the months so many before: up to the same day of the month, or to its last day where this span
    /// ends on one.
    pub fn before(self, months: i32) -> Span {
        let last = self.counted();
        let period = last.period();
        let earlier = period.plus(-months);
        let ends = match last == period.last_day() {
            true => earlier.last_day(),
            false => {
                let into =
                    chrono::Days::new(u64::try_from(last.days_since(period.start())).unwrap_or_default());
                let same = earlier.start().date().checked_add_days(into).and_then(Day::from_date);
                same.map_or(earlier.last_day(), |day| day.min(earlier.last_day()))
            }
        };
        Span { from: self.first.plus(-months).start(), to: ends.next() }
    }

    /// The month of the last day that counts alone, looked at on the same day.
    pub fn reached(self) -> Months {
        let month = self.counted().period();
        Months { first: month, last: month, on: self.on }
    }

    /// How many months.
    pub fn count(self) -> i32 {
        self.last.months_since(self.first) + 1
    }

    /// The months in order.
    pub fn each(self) -> impl Iterator<Item = Period> {
        (0..self.count()).map(move |months| self.first.plus(months))
    }

    /// The smallest window that holds all of them, if one does.
    pub fn window(self, calendar: &Calendar) -> Option<Window> {
        let windows = calendar.windows(self.last);
        windows.into_iter().find(|window| window.first() <= self.first && self.last <= window.last())
    }
}

/// What figures are cut by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dimension {
    /// The month of the event or decision; open deals have none.
    Month,
    /// Whose credit it is; of what deals say their owner.
    Member,
    /// The territory of that payee's assignment on the day.
    Territory,
    /// The deal's product.
    Product,
    /// The deal's customer.
    Customer,
    /// The value of a free attribute of the deal.
    Segment(Field),
    /// The deal's stage.
    Stage,
    /// The same, of open deals alone.
    Pipeline,
}

/// One part of the figures. Months are in their order, texts in that of their bytes; of what states none the text is
/// empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<'f> {
    Month(Period),
    Text(&'f str),
}

/// One thing that figures are sums of.
#[derive(Debug, Clone)]
pub struct Item {
    /// Index of the deal.
    pub deal: u32,
    /// Index of the payee whose it is.
    pub who: u32,
    /// The day it counts on.
    pub day: Day,
    /// The day that decides who belongs where: of a reversal that of what it takes back.
    pub line_day: Day,
    /// What it is.
    pub what: What,
}

/// What an item is. Money is in minor units of the look's currency, a number in millionths.
#[derive(Debug, Clone)]
pub enum What {
    /// A part of an event.
    Booked {
        /// What the measure counts.
        figure: Exact,
        /// Amount and margin, where a cost is stated.
        margin: Option<(Exact, Exact)>,
        /// The quantity, where one is stated.
        units: Option<Exact>,
    },
    /// A deal won, with its amount and the days it took, or lost.
    Decided { won: bool, amount: Option<i64>, cycle: Option<i64> },
    /// The first booking of a customer.
    NewCustomer,
    /// An open deal, counted for its owner.
    Open,
    /// A part of an open deal; whether it is expected to close in the span.
    Likely { amount: Exact, chance: Option<Exact>, expected: bool },
}

/// Everything that figures are read from: facts and book, and what counts.
pub struct Look<'f> {
    /// Opened for the subjects that are looked at.
    pub calculation: Calculation<'f>,
    /// What selects credits.
    selector: Selector,
    /// Whether a measure was named: then a payee's credits are those that it counts.
    named: bool,
    filter: Filter,
    /// Of all money.
    pub currency: Currency,
    /// The day that pipelines are looked at on.
    on: Day,
}

/// What a subject comes to over several spans.
#[derive(Debug, Default)]
pub struct Sums<'f> {
    /// In all, by span.
    pub totals: Vec<Tally>,
    /// The first span in parts, by dimension.
    pub parts: Vec<BTreeMap<Part<'f>, Tally>>,
    /// What could not be counted.
    pub problems: BTreeSet<Problem>,
}

impl<'f> Look<'f> {
    /// Opens the book for some payees and whoever is below them, or for everyone, up to a day.
    pub fn open(
        facts: &'f Facts,
        payees: Option<&[u32]>,
        measure: Option<(&MeasureId, &Selection)>,
        filter: Filter,
        currency: Currency,
        on: Day,
    ) -> Self {
        let calculation = Calculation::open_to_look(facts, on.period(), payees);
        let selector = match measure {
            Some((id, measure)) => Selector::new(facts, calculation.book(), id, measure),
            None => Selector::bookings(),
        };
        Look { calculation, selector, named: measure.is_some(), filter, currency, on }
    }

    /// What is known.
    pub fn facts(&self) -> &'f Facts {
        self.calculation.facts
    }

    /// What booked figures are in.
    pub fn unit(&self) -> Unit {
        self.selector.unit()
    }

    /// Sums a subject up over spans, the first of them in parts; and with its open deals, where a span is given to expect
    /// them in.
    pub fn sums(
        &self,
        subject: &Subject,
        spans: &[Span],
        open: Option<Span>,
        cuts: &[Dimension],
    ) -> Sums<'f> {
        // What was before the first period made customers known, and counts nowhere.
        let first = self.facts().calendar.first_period.start();
        let spans: Vec<Span> =
            spans.iter().map(|span| Span { from: span.from.max(first), to: span.to }).collect();
        let mut sums = Sums {
            totals: spans.iter().map(|_| Tally::default()).collect(),
            parts: cuts.iter().map(|_| BTreeMap::new()).collect(),
            problems: self.unclear(subject, &spans),
        };
        let mut add = |span: usize, item: Result<Item, Problem>| match item {
            Ok(item) => {
                for (cut, parts) in cuts.iter().zip(&mut sums.parts).filter(|_| span == 0) {
                    if let Some(part) = self.part(cut, &item) {
                        parts.entry(part).or_default().add(&item);
                    }
                }
                if let Some(total) = sums.totals.get_mut(span) {
                    total.add(&item);
                }
            }
            Err(problem) => {
                sums.problems.insert(problem);
            }
        };
        self.credits(subject, &spans, &mut add);
        self.decided(subject, &spans, &mut add);
        if let Some(span) = open {
            self.pipeline(subject, span, &mut |item| add(0, item));
        }
        sums
    }

    /// What the facts leave open about reversals dated in spans, of deals that count, of what a subject is credited with.
    fn unclear(&self, subject: &Subject, spans: &[Span]) -> BTreeSet<Problem> {
        let facts = self.facts();
        let rolled_up = self.named && self.selector.reach().1.is_some();
        let is = |who: u32, day: Day| {
            let above = |manager: &u32| facts.above(who, day).contains(manager);
            let up = matches!(subject, Subject::Payee(manager) if rolled_up && above(manager));
            up || subject.holds(facts, who, day)
        };
        let touches = |unclear: &&Unclear| {
            let (reversal, about) = (&facts.events[unclear.event as usize], unclear.about);
            let day = facts.events[about as usize].day;
            spans.iter().any(|span| span.holds(reversal.day))
                && self.takes(reversal.deal)
                && facts.shares_of(about).any(|share| is(share.payee, day))
        };
        let unclear = self.calculation.book().unclear().iter().filter(touches);
        unclear.map(|unclear| unclear.problem.clone()).collect()
    }

    /// The part that an item falls into.
    pub fn part(&self, dimension: &Dimension, item: &Item) -> Option<Part<'f>> {
        let facts = self.facts();
        let detail = |field: &Field| self.text(item.deal, field).unwrap_or_default();
        let open = matches!(item.what, What::Open | What::Likely { .. });
        Some(Part::Text(match dimension {
            Dimension::Month => return (!open).then(|| Part::Month(item.day.period())),
            Dimension::Pipeline if !open => return None,
            Dimension::Member => facts.payee_id(item.who).as_str(),
            Dimension::Territory => {
                territory(facts, item.who, item.line_day).map(TerritoryId::as_str).unwrap_or_default()
            }
            Dimension::Product => detail(&Field::DealProduct),
            Dimension::Customer => detail(&Field::DealCustomer),
            Dimension::Segment(attribute) => detail(attribute),
            Dimension::Stage | Dimension::Pipeline => detail(&Field::DealStage),
        }))
    }

    fn text(&self, deal: u32, field: &Field) -> Option<&'f str> {
        match self.facts().detail(deal, field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a deal is one of those that count.
    fn takes(&self, deal: u32) -> bool {
        let Filter { product, customer, segment } = &self.filter;
        let is = |field: &Field, wanted: &str| self.text(deal, field) == Some(wanted);
        product.as_ref().is_none_or(|product| is(&Field::DealProduct, product.as_str()))
            && customer.as_ref().is_none_or(|customer| is(&Field::DealCustomer, customer.as_str()))
            && segment.as_ref().is_none_or(|(field, value)| {
                // An empty text is one that is not stated.
                self.text(deal, field).unwrap_or_default() == value.as_deref().unwrap_or_default()
            })
    }
}
