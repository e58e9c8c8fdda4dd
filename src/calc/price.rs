//! What an accumulation pays before its modifiers: the one list of what can make a price (semantics 8.1, 8.2).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::number::Percent;
use crate::domain::plan::{Clawback, Curve, Matrix, Scale};

use super::book::Book;
use super::course::{Course, Line, Standing, deal_place};
use super::credit::Credit;
use super::gauge::{self, Place, Reading};
use super::problem::Problem;
use super::rates::{self, DealPlace, Walk};

/// What makes the price of one accumulation.
pub enum Price<'a> {
    /// Credits along a ladder of tiers.
    Ladder(Course<'a>),
    /// Credits at the percent of a matrix's cell.
    Cells(Cells<'a>),
    /// One credit with its reversals, by what they count together.
    Each(Each<'a>),
    /// No credits: an amount through the end of each period in which it may move, exact.
    Whole(&'a BTreeMap<Period, Exact>),
}

/// Credits and what they count.
pub struct Counted<'a> {
    pub facts: &'a Facts,
    pub book: &'a Book<'a>,
    pub clawback: Option<&'a Clawback>,
    pub standing: Standing<'a>,
}

/// Credits priced by a matrix.
pub struct Cells<'a> {
    pub counted: Counted<'a>,
    pub matrix: &'a Matrix,
    /// Where an axis is not the deal's.
    pub rows: Option<&'a Reading>,
    pub columns: Option<&'a Reading>,
}

/// A single deal's bonus.
pub struct Each<'a> {
    pub counted: Counted<'a>,
    /// Minor units.
    pub target: Exact,
    pub curve: &'a Curve,
}

/// What an accumulation pays through the end of each period.
pub struct Priced<'a> {
    /// Minor units, exact.
    pub through: BTreeMap<Period, Exact>,
    /// The way along the ladder.
    pub walk: Option<Walk<'a>>,
    /// Sum of the credits, minor units or millionths; without a ladder.
    pub credited: Exact,
}

impl<'a> Price<'a> {
    /// The credits paid on, in order.
    pub fn credits(&self) -> &[Credit] {
        match self {
            Price::Ladder(course) => &course.paid.credits,
            Price::Cells(cells) => &cells.counted.standing.credits,
            Price::Each(each) => &each.counted.standing.credits,
            Price::Whole(_) => &[],
        }
    }

    /// Whether what is paid can only be found line by line.
    pub fn by_line(&self) -> bool {
        matches!(self, Price::Cells(_) | Price::Each(_))
    }

    /// What is paid through the end of each period in which a credit came, and of those asked for, up to a period.
    pub fn through(&self, asked: &BTreeSet<Period>, upto: Period) -> Result<Priced<'a>, Problem> {
        let (mut through, walk, credited) = match self {
            Price::Ladder(course) => {
                let (through, walk) = course.through(upto)?;
                (through, Some(walk), Exact::ZERO)
            }
            Price::Whole(at) => ((*at).clone(), None, Exact::ZERO),
            Price::Cells(Cells { counted, .. }) | Price::Each(Each { counted, .. }) => {
                let mut credited = Exact::ZERO;
                let mut through = BTreeMap::new();
                for credit in counted.known(upto) {
                    credited = credited.add(&counted.value(credit)?);
                    through.insert(counted.book.entry(credit.entry).period, Exact::ZERO);
                }
                (through, None, credited)
            }
        };
        for period in asked.range(..=upto) {
            if !through.contains_key(period) {
                let before = through.range(..period).next_back();
                let paid = before.map_or(Exact::ZERO, |(_, paid)| paid.clone());
                through.insert(*period, paid);
            }
        }
        if self.by_line() {
            for (period, paid) in &mut through {
                *paid = self.lines(*period)?.0.iter().fold(Exact::ZERO, |sum, line| sum.add(&line.paid));
            }
        }
        Ok(Priced { through, walk, credited })
    }

    /// The credits known by the end of a period, each with what it pays then; and what is nobody's.
    pub fn lines(&self, upto: Period) -> Result<(Vec<Line>, Exact), Problem> {
        match self {
            Price::Ladder(course) => course.lines(upto),
            Price::Cells(cells) => Ok((cells.lines(upto)?, Exact::ZERO)),
            Price::Each(each) => Ok((each.lines(upto)?, Exact::ZERO)),
            Price::Whole(at) => {
                let paid = at.range(..=upto).next_back();
                Ok((Vec::new(), paid.map_or(Exact::ZERO, |(_, paid)| paid.clone())))
            }
        }
    }
}

impl Counted<'_> {
    fn known(&self, upto: Period) -> impl Iterator<Item = &Credit> {
        self.standing.credits.iter().filter(move |credit| self.book.entry(credit.entry).period <= upto)
    }

    fn value(&self, credit: &Credit) -> Result<Exact, Problem> {
        self.standing.value(self.book, self.clawback, credit)
    }

    /// A line for each credit, priced by `price` from the credit, what it counts, and what those before it counted.
    fn lines(
        &self,
        upto: Period,
        mut price: impl FnMut(&Credit, &Exact, &Exact) -> Result<Exact, Problem>,
    ) -> Result<Vec<Line>, Problem> {
        let mut before = Exact::ZERO;
        let line = |credit: &Credit| {
            let value = self.value(credit)?;
            let mut line = Line::new(*credit, value, before.clone());
            line.priced = price(credit, &line.value, &before)?;
            line.paid = line.priced.clone();
            before = before.add(&line.value);
            Ok(line)
        };
        self.known(upto).map(line).collect()
    }
}

impl Cells<'_> {
    fn lines(&self, upto: Period) -> Result<Vec<Line>, Problem> {
        self.counted.lines(upto, |credit, value, _| {
            let row = self.place(&self.matrix.rows, self.rows, credit, upto)?;
            let column = self.place(&self.matrix.columns, self.columns, credit, upto)?;
            let percent = cell(self.matrix, row.as_ref(), column.as_ref());
            Ok(percent.map_or(Exact::ZERO, |percent| value.mul(&gauge::part(percent))))
        })
    }

    fn place(
        &self,
        scale: &Scale,
        reading: Option<&Reading>,
        credit: &Credit,
        upto: Period,
    ) -> Result<Option<Place>, Problem> {
        let axis = scale.gauge.axis;
        if !axis.by_deal() {
            return Ok(reading.and_then(|reading| reading.place(upto)));
        }
        let facts = self.counted.facts;
        let currency = self.counted.standing.currency;
        let place = deal_place(facts, self.counted.book, credit.entry, axis, currency)?;
        let digits = currency.minor_digits();
        Ok(match (place, rates::scale(axis, None, digits, digits)) {
            (DealPlace::At(figure), Some(scale)) => Some(Place::new(figure, scale)),
            (DealPlace::Undefined, _) | (_, None) => None,
        })
    }
}

/// The percent of the cell reached; none where an axis is undefined. Zero and all below it belong to the first step.
pub fn cell(matrix: &Matrix, row: Option<&Place>, column: Option<&Place>) -> Option<Percent> {
    let step = |scale: &Scale, place: &Place| {
        place.step(scale.edges.iter().map(|edge| (edge.edge, edge.edge_lower))).unwrap_or_default()
    };
    let row = matrix.cells.get(step(&matrix.rows, row?))?;
    row.get(step(&matrix.columns, column?)).copied()
}

impl Each<'_> {
    fn lines(&self, upto: Period) -> Result<Vec<Line>, Problem> {
        let standing = &self.counted.standing;
        let (unit, currency) = (standing.selector.unit(), standing.currency);
        let scale =
            rates::scale(self.curve.gauge.axis, None, unit.decimals(currency), currency.minor_digits());
        let worth = |counted: &Exact| match &scale {
            // What is taken back whole earns nothing, wherever the curve begins.
            Some(scale) if *counted > Exact::ZERO => {
                let place = Place::new(counted.clone(), scale.clone());
                self.target.mul(&gauge::give(self.curve, Some(&place)))
            }
            Some(_) | None => Exact::ZERO,
        };
        self.counted.lines(upto, |_, value, before| Ok(worth(&before.add(value)).sub(&worth(before))))
    }
}
