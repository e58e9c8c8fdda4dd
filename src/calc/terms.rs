//! What becomes of a price: multipliers, cap and floor per credit, sum, gates, window cap and floor, and the one
//! rounding of an accumulation, at the end of every period in which any of it moves (semantics 8.3, 9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::date::{Period, WindowKind};
use crate::domain::exact::{Exact, TooLarge};
use crate::domain::id::PayeeId;
use crate::domain::money::Rounding;
use crate::domain::plan::{Curve, Gate};
use crate::domain::statement::StepFigures;

use super::below::Below;
use super::book::Book;
use super::clawback::{Bounds, Claims};
use super::course::Line;
use super::gauge::{self, Reading};
use super::price::{Price, Priced};
use super::problem::Problem;
use super::rates::Walk;
use super::segment::Segment;
use super::step::Words;

/// The terms of a segment beside its price. Amounts are minor units, exact.
pub struct Terms<'a, 'f> {
    pub segment: Segment<'f>,
    pub payee: PayeeId,
    /// Up to the end of which period.
    pub through: Period,
    pub multipliers: Vec<(Arc<Reading>, &'f Curve)>,
    pub gates: Vec<(Arc<Reading>, &'f Gate)>,
    /// The component's target, where a gate lets a part of it through.
    pub gate_target: Exact,
    /// Cap and floor per credit, and whether a clawback schedule limits reversals.
    pub bounds: Bounds,
    pub window_cap: Option<Exact>,
    pub window_floor: Option<Exact>,
    /// What those below have earned is taken off.
    pub below: Option<Below<'a, 'f>>,
    /// Nothing is paid before this period.
    pub due: Option<Period>,
    /// What caps of the windows before have withheld, through the end of each period.
    pub carried: BTreeMap<Period, Exact>,
    /// Whether an attainment that the price needs is undefined.
    pub undefined: bool,
    /// What else the price is read from.
    pub looks: Vec<Arc<Reading>>,
    /// The first period in which anything may be earned.
    pub begins: Period,
}

/// What came of an accumulation.
pub struct Outcome<'a> {
    /// Earned through the end of each period in which something moved, minor units.
    pub through: BTreeMap<Period, i128>,
    /// What the window's cap withholds through the end of each of them.
    pub withheld: BTreeMap<Period, Exact>,
    /// The way along the ladder, if there is one.
    pub walk: Option<Walk<'a>>,
    /// Sum of the credits, where there is no ladder.
    pub credited: Exact,
    /// Earned, minor units, exact.
    pub paid: Exact,
    /// What the modifiers made of the price.
    pub steps: Vec<StepFigures>,
    /// One for each credit in order, if they were asked for.
    pub lines: Vec<Line>,
}

/// A sum with its bounds.
struct Bounded {
    paid: Exact,
    /// What part of the lines' own sum is in it.
    part: Exact,
    withheld: Exact,
}

impl Terms<'_, '_> {
    /// Runs an accumulation through its modifiers.
    pub fn run<'a>(
        &self,
        book: &Book,
        price: &Price<'a>,
        claims: &mut Claims,
        rounding: Rounding,
        keep: bool,
    ) -> Result<Outcome<'a>, Problem> {
        let payee = &self.payee;
        let too_large = |_: TooLarge| Problem::TooLarge { payee: payee.clone() };
        let moments = self.moments(claims.moments(book, price.credits()));
        let Priced { through: priced, walk, credited } = price.through(&moments, self.through)?;
        let by_line = price.by_line()
            || self.below.is_some()
            || self.bounds.cap.is_some()
            || self.bounds.floor.is_some()
            || claims.touch(book, price.credits());
        let (mut through, mut withheld) = (BTreeMap::new(), BTreeMap::new());
        let mut paid = Exact::ZERO;
        for (upto, total) in priced {
            let bounded = if by_line {
                let (lines, plain, rest) = self.lines(book, price, claims, upto)?;
                let total = lines.iter().fold(rest, |sum, line| sum.add(&line.paid));
                let bounded = self.bounded(&total, upto);
                let scheduled = self.segment.component.clawback.is_some();
                claims.note(book, upto, scheduled, (&lines, &plain), &bounded.part);
                bounded
            } else {
                self.bounded(&total.mul(&self.multiplier(upto)), upto)
            };
            through.insert(upto, bounded.paid.round(rounding).map_err(too_large)?);
            if !bounded.withheld.is_zero() || !withheld.is_empty() {
                withheld.insert(upto, bounded.withheld);
            }
            paid = bounded.paid;
        }
        let (mut lines, mut steps) = (Vec::new(), Vec::new());
        if keep {
            let (kept, _, rest) = self.lines(book, price, claims, self.through)?;
            let total = kept.iter().fold(rest, |sum, line| sum.add(&line.paid));
            let bounded = self.bounded(&total, self.through);
            lines = self.rounded(kept, &bounded, rounding).map_err(too_large)?;
            steps = self.steps(&total);
        }
        claims.settle(self.segment.currency());
        Ok(Outcome { through, withheld, walk, credited, paid, steps, lines })
    }

    /// Whether what its cap withholds is carried on.
    pub fn carries(&self) -> bool {
        self.segment.component.modifiers.window_cap.is_some_and(|cap| cap.carried)
    }

    /// The periods at whose end something besides a credit may move what is paid; in `moments` credits of this segment
    /// earned or lost something in another.
    fn moments(&self, mut moments: BTreeSet<Period>) -> BTreeSet<Period> {
        let from = self.begins;
        let readings = self.readings().flat_map(|reading| reading.moved.keys());
        moments.extend(readings.chain(self.carried.keys()));
        if !moments.is_empty() || self.due.is_some() || self.window_floor.is_some() {
            moments.insert(from);
        }
        moments.extend(self.due);
        moments.extend(self.window_floor.as_ref().map(|_| self.segment.window.last()));
        moments.retain(|period| from <= *period && *period <= self.through);
        moments
    }

    fn readings(&self) -> impl Iterator<Item = &Reading> {
        let multipliers = self.multipliers.iter().map(|(reading, _)| reading.as_ref());
        let gates = self.gates.iter().map(|(reading, _)| reading.as_ref());
        multipliers.chain(gates).chain(self.looks.iter().map(Arc::as_ref))
    }

    /// All multipliers together, at the end of a period.
    fn multiplier(&self, upto: Period) -> Exact {
        let one = |product: Exact, (reading, curve): &(Arc<Reading>, &Curve)| {
            product.mul(&gauge::give(curve, reading.place(upto).as_ref()))
        };
        self.multipliers.iter().fold(Exact::whole(1), one)
    }

    /// The lines known by the end of a period up to their sum: what each pays, what it was before it was bounded, and
    /// what is nobody's.
    fn lines(
        &self,
        book: &Book,
        price: &Price,
        claims: &Claims,
        upto: Period,
    ) -> Result<(Vec<Line>, Vec<Exact>, Exact), Problem> {
        let (mut lines, mut rest) = price.lines(upto)?;
        if let Some(below) = &self.below {
            // What came up the line has levels below, a credit of the manager's own has none.
            for line in lines.iter_mut().filter(|line| line.credit.rolled_up) {
                line.paid = line.paid.sub(&below.earned(book, line.credit.entry, upto)?);
            }
        }
        if !self.multipliers.is_empty() {
            let multiplier = self.multiplier(upto);
            rest = rest.mul(&multiplier);
            for line in &mut lines {
                line.paid = line.paid.mul(&multiplier);
            }
        }
        let priced: Vec<Exact> = lines.iter().map(|line| line.paid.clone()).collect();
        let limited = self.bounds.limited || self.gates.iter().any(|gate| !open(gate, upto));
        let bounds = Bounds { limited, ..self.bounds.clone() };
        if !bounds.is_none() || claims.promise() {
            claims.bound(book, upto, self.segment.currency(), &bounds, &mut lines)?;
        }
        Ok((lines, priced, rest))
    }

    /// A sum through gates, window cap and window floor, at the end of a period.
    fn bounded(&self, total: &Exact, upto: Period) -> Bounded {
        if self.due.is_some_and(|due| upto < due) {
            return Bounded { paid: Exact::ZERO, part: Exact::ZERO, withheld: Exact::ZERO };
        }
        let gated = self.gated(total, upto);
        let carried = self.carried.range(..=upto).next_back();
        let mut paid = carried.map_or(gated.clone(), |(_, carried)| gated.add(carried));
        let mut withheld = Exact::ZERO;
        if let Some(cap) = self.window_cap.as_ref().filter(|cap| **cap < paid) {
            withheld = paid.sub(cap);
            paid = cap.clone();
        }
        // What was carried here is the first to wait again.
        let own = gated.clone().min(paid.clone());
        let lowered = *total > Exact::ZERO && own < *total;
        let part = if lowered { own.div(total) } else { None };
        if let Some(floor) = self.floor(&paid, upto) {
            paid = floor.clone();
        }
        Bounded { paid, part: part.unwrap_or(Exact::whole(1)), withheld }
    }

    fn gated(&self, total: &Exact, upto: Period) -> Exact {
        let closed = self.gates.iter().filter(|gate| !open(gate, upto));
        let most = closed.map(|(_, gate)| match gate.limit_percent {
            Some(percent) => self.gate_target.mul(&gauge::part(percent)),
            None => Exact::ZERO,
        });
        most.fold(total.clone(), Ord::min)
    }

    /// The window's floor, where it lifts what is paid.
    fn floor(&self, paid: &Exact, upto: Period) -> Option<&Exact> {
        let floor = self.window_floor.as_ref().filter(|floor| paid < *floor)?;
        let due = upto >= self.segment.window.last();
        let defined = !self.undefined && self.readings().all(|reading| reading.place(upto).is_some());
        let alone = self.segment.window.kind() == WindowKind::Deal;
        (due && defined && (!alone || *paid > Exact::ZERO)).then_some(floor)
    }

    /// Rounds lines cumulatively, so that with what is nobody's they sum to the whole. What is nobody's comes first:
    /// so the lines after it add up, however halves are rounded.
    fn rounded(
        &self,
        mut lines: Vec<Line>,
        bounded: &Bounded,
        rounding: Rounding,
    ) -> Result<Vec<Line>, TooLarge> {
        for line in &mut lines {
            line.paid = line.paid.mul(&bounded.part);
        }
        let own = lines.iter().fold(Exact::ZERO, |sum, line| sum.add(&line.paid));
        let mut sum = bounded.paid.sub(&own);
        let mut before = sum.round(rounding)?;
        for line in &mut lines {
            sum = sum.add(&line.paid);
            let upto = sum.round(rounding)?;
            (line.amount, before) = (upto - before, upto);
        }
        Ok(lines)
    }

    /// What the modifiers make of a sum at the end, in words.
    fn steps(&self, total: &Exact) -> Vec<StepFigures> {
        let (words, upto) = (Words { currency: self.segment.currency() }, self.through);
        let mut steps = Vec::new();
        for (reading, curve) in &self.multipliers {
            steps.push(words.multiplier(reading, curve, upto));
        }
        for (name, limit) in [("cap", &self.bounds.cap), ("floor", &self.bounds.floor)] {
            steps.extend(limit.as_ref().map(|limit| words.credit_limit(name, limit)));
        }
        for gate in &self.gates {
            steps.push(words.gate(&gate.0, gate.1, open(gate, upto), upto));
        }
        if let Some((_, carried)) = self.carried.range(..=upto).next_back() {
            steps.push(words.carried(carried));
        }
        let bounded = self.bounded(total, upto);
        if let Some(cap) = &self.window_cap {
            steps.push(words.window_cap(cap, &bounded.withheld, self.carries()));
        }
        if let Some(floor) = &self.window_floor {
            steps.push(words.window_floor(floor, bounded.paid == *floor));
        }
        if let Some(due) = self.due.filter(|due| upto < *due) {
            steps.push(words.not_due(due, total));
        }
        steps
    }
}

fn open((reading, gate): &(Arc<Reading>, &Gate), upto: Period) -> bool {
    reading.place(upto).is_some_and(|place| place.reached(gate.edge, gate.edge_lower))
}
