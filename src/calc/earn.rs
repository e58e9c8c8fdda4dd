//! What a payee has earned: its credits through the segments of every window, rounded once for each
//! segment (semantics 3, 8.4, 9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::date::{Day, Period};
use crate::domain::encode::{Digest, Record};
use crate::domain::exact::{Exact, TooLarge};
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::ledger::Key;
use crate::domain::money::Rounding;
use crate::domain::plan::{Component, Payout, Rates, ReversalRule};

use super::Calculation;
use super::book::Book;
use super::credit::{Credit, Selector};
use super::problem::Problem;
use super::quota::{self, EffectiveQuota};
use super::rates::{Slice, TierTotal, Walk};
use super::segment::{self, Segment, Span};

/// How much of the way to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Keys, segments and tiers.
    Totals,
    /// Also a line for every credit.
    Lines,
}

/// What one payee has earned up to a period.
#[derive(Debug, Clone)]
pub struct PayeeEarnings {
    /// Index of the payee.
    pub payee: u32,
    /// By plan, component and window.
    pub keys: Vec<KeyEarnings>,
    /// What the facts leave open.
    pub problems: Vec<Problem>,
    /// Digest of all figures.
    pub digest: Digest,
}

/// What one key has earned.
#[derive(Debug, Clone)]
pub struct KeyEarnings {
    /// Payee, plan, component, window.
    pub key: Key,
    /// Earned in each period, minor units; periods in which nothing moved are left out.
    pub earned_in: BTreeMap<Period, i128>,
    /// The parts of the window with one set of terms each.
    pub segments: Vec<SegmentEarnings>,
}

/// What one segment has earned.
#[derive(Debug, Clone)]
pub struct SegmentEarnings {
    /// First day.
    pub from: Day,
    /// First day after it.
    pub to: Day,
    /// The plan version in force.
    pub plan_version: u32,
    /// What the component is called.
    pub name: String,
    /// The measure whose credits count.
    pub measure: MeasureId,
    /// The effective quota, if one is set.
    pub quota: Option<EffectiveQuota>,
    /// Credited, minor units, exact.
    pub credited: Exact,
    /// What each tier holds and pays.
    pub tiers: Vec<TierTotal>,
    /// Paid, minor units, exact.
    pub paid: Exact,
    /// Paid, rounded: what counts.
    pub amount: i128,
    /// One for each credit in order, with [`Detail::Lines`].
    pub lines: Vec<Line>,
}

/// One credit's way through a segment.
#[derive(Debug, Clone)]
pub struct Line {
    /// The credit.
    pub credit: Credit,
    /// Credited in the segment before it, minor units, exact.
    pub before: Exact,
    /// The pieces it is cut into.
    pub slices: Vec<Slice>,
    /// What it pays, exact.
    pub paid: Exact,
    /// What it pays, rounded cumulatively: lines sum to the segment's amount.
    pub amount: i128,
}

impl KeyEarnings {
    /// Earned up to the end of a period, minor units.
    pub fn earned_through(&self, period: Period) -> i128 {
        self.earned_in.range(..=period).map(|(_, amount)| amount).sum()
    }
}

/// A measure's credits of the payee: plain ones in order, and reversals.
struct Credits {
    plain: Vec<Credit>,
    reversals: Vec<Credit>,
}

pub(super) fn payee(calculation: &Calculation, payee: u32, detail: Detail) -> PayeeEarnings {
    let facts = calculation.facts;
    let spans = segment::spans(facts, payee);
    let segments = segment::segments(facts, &spans, calculation.through);
    let mut run =
        Run { calculation, payee, detail, spans: &spans, credits: BTreeMap::new(), problems: Vec::new() };
    let mut keys: Vec<KeyEarnings> = Vec::new();
    for segment in &segments {
        let key = run.key(segment);
        match run.segment(segment) {
            Ok((by_period, earned)) => {
                if keys.last().is_none_or(|last| last.key != key) {
                    keys.push(KeyEarnings { key, earned_in: BTreeMap::new(), segments: Vec::new() });
                }
                let Some(last) = keys.last_mut() else { continue };
                for (period, amount) in by_period {
                    *last.earned_in.entry(period).or_default() += amount;
                }
                last.segments.push(earned);
            }
            Err(problem) => run.problems.push(problem),
        }
    }
    for key in &mut keys {
        key.earned_in.retain(|_, amount| *amount != 0);
    }
    let mut problems = run.problems;
    problems.sort();
    problems.dedup();
    let digest = digest(calculation, facts.payee_id(payee), &keys, &problems);
    PayeeEarnings { payee, keys, problems, digest }
}

/// One payee's run through its segments.
struct Run<'a, 'f> {
    calculation: &'a Calculation<'f>,
    payee: u32,
    detail: Detail,
    spans: &'a [Span<'f>],
    credits: BTreeMap<&'f MeasureId, Credits>,
    problems: Vec<Problem>,
}

/// Amounts by period and the segment's figures.
type Earned = (BTreeMap<Period, i128>, SegmentEarnings);

impl<'f> Run<'_, 'f> {
    fn key(&self, segment: &Segment) -> Key {
        Key {
            payee: self.calculation.facts.payee_id(self.payee).clone(),
            plan: segment.version.plan.id.clone(),
            component: segment.component.id.clone(),
            window: segment.window,
        }
    }

    fn segment(&mut self, segment: &Segment<'f>) -> Result<Earned, Problem> {
        let facts = self.calculation.facts;
        let Payout::Rates(rates) = &segment.component.payout;
        self.select(segment, rates)?;
        let span = (segment.from, segment.to);
        let quota = quota::effective(facts, self.payee, &rates.measure, segment.window, span);
        if quota.is_none() {
            self.problems.push(Problem::QuotaMissing {
                payee: facts.payee_id(self.payee).clone(),
                measure: rates.measure.clone(),
                window: facts.calendar.window_text(segment.window),
            });
        }
        let credits = self.standing(segment, rates);
        let too_large = |_| Problem::TooLarge { payee: facts.payee_id(self.payee).clone() };
        let start = Walk::new(rates, quota.as_ref().map(|quota| quota.amount));
        let (by_period, Walker { walk, lines, .. }) = self.walk(start, &credits).map_err(too_large)?;
        let amount = by_period.values().sum();
        let earned = SegmentEarnings {
            from: segment.from,
            to: segment.to,
            plan_version: segment.version.version,
            name: segment.component.name.clone(),
            measure: rates.measure.clone(),
            quota,
            credited: walk.position().clone(),
            tiers: walk.totals().cloned().collect(),
            paid: walk.paid().clone(),
            amount,
            lines,
        };
        Ok((by_period, earned))
    }

    /// Selects a measure's credits once for the payee.
    fn select(&mut self, segment: &Segment<'f>, rates: &'f Rates) -> Result<(), Problem> {
        if self.credits.contains_key(&rates.measure) {
            return Ok(());
        }
        let Calculation { facts, book, .. } = self.calculation;
        let missing = || Problem::MeasureMissing {
            plan: segment.version.plan.id.clone(),
            measure: rates.measure.clone(),
        };
        let selector: Selector = self.calculation.selector(&rates.measure).ok_or_else(missing)?;
        let all = selector.credits(facts, book, self.payee);
        let is_reversal = |credit: &Credit| book.entry(credit.entry).origin != credit.entry;
        let (reversals, plain) = if all.iter().any(is_reversal) {
            all.into_iter().partition(is_reversal)
        } else {
            (Vec::new(), all)
        };
        self.credits.insert(&rates.measure, Credits { plain, reversals });
        Ok(())
    }

    /// The credits that stand in a segment, in order of their places.
    fn standing(&self, segment: &Segment<'f>, rates: &Rates) -> Cow<'_, [Credit]> {
        let book = self.calculation.book();
        let Some(Credits { plain, reversals }) = self.credits.get(&rates.measure) else {
            return Cow::Borrowed(&[]);
        };
        let before = |day: Day| plain.partition_point(|credit| book.entry(credit.entry).day < day);
        let own = &plain[before(segment.from)..before(segment.to)];
        let mut standing: Vec<Credit> =
            reversals.iter().filter_map(|credit| self.stands(segment, *credit)).collect();
        if standing.is_empty() {
            return Cow::Borrowed(own);
        }
        standing.extend_from_slice(own);
        standing.sort_by_key(|credit| (credit.place, credit.entry, credit.rolled_up));
        Cow::Owned(standing)
    }

    /// A reversal with its place, if it counts in a segment: on its own date, or at its origin where the
    /// component says so or is not in force on the own date. What the component never earned it cannot lose.
    fn stands(&self, segment: &Segment<'f>, credit: Credit) -> Option<Credit> {
        let book = self.calculation.book();
        let entry = book.entry(credit.entry);
        let origin_day = book.origin_day(credit.entry);
        let id = &segment.component.id;
        let component_on = |day: Day| segment::on(self.spans, day).and_then(|span| span.component(id));
        let origin: &Component = component_on(origin_day)?;
        let on_own_date = origin.reversal == ReversalRule::OwnDate && component_on(entry.day).is_some();
        let (day, place) = if on_own_date { (entry.day, credit.entry) } else { (origin_day, entry.origin) };
        (segment.from <= day && day < segment.to).then_some(Credit { place, ..credit })
    }

    /// Walks the credits and answers what each period adds, rounded at its end. Where a credit stands before
    /// others that came in an earlier period, earned through each period is walked on its own: the credits
    /// known by its end, and no later ones.
    fn walk(
        &self,
        start: Walk,
        credits: &[Credit],
    ) -> Result<(BTreeMap<Period, i128>, Walker<'_>), TooLarge> {
        let book = self.calculation.book();
        let rounding = self.calculation.facts.calendar.rounding;
        let period = |credit: &Credit| book.entry(credit.entry).period;
        let detail = self.detail;
        let mut walker =
            Walker { book, rounding, detail, walk: start.clone(), lines: Vec::new(), rounded: 0 };
        let mut through: BTreeMap<Period, i128> = BTreeMap::new();
        for same in credits.chunk_by(|a, b| period(a) == period(b)) {
            for credit in same {
                walker.step(credit)?;
            }
            through.insert(period(&same[0]), walker.walk.paid().round(rounding)?);
        }
        if !credits.is_sorted_by_key(period) {
            for (upto, amount) in &mut through {
                let mut walk = start.clone();
                for credit in credits.iter().filter(|credit| period(credit) <= *upto) {
                    walk.step(&credit.value(book), |_| {});
                }
                *amount = walk.paid().round(rounding)?;
            }
        }
        let mut before = 0;
        for amount in through.values_mut() {
            (*amount, before) = (*amount - before, *amount);
        }
        Ok((through, walker))
    }
}

/// Sends credits through the rates and keeps their lines, if they are asked for.
struct Walker<'a> {
    book: &'a Book<'a>,
    rounding: Rounding,
    detail: Detail,
    walk: Walk,
    lines: Vec<Line>,
    rounded: i128,
}

impl Walker<'_> {
    fn step(&mut self, credit: &Credit) -> Result<(), TooLarge> {
        let value = credit.value(self.book);
        if self.detail == Detail::Totals {
            self.walk.step(&value, |_| {});
            return Ok(());
        }
        let (before, paid_before) = (self.walk.position().clone(), self.walk.paid().clone());
        let mut slices = Vec::new();
        self.walk.step(&value, |slice| slices.push(slice));
        let upto = self.walk.paid().round(self.rounding)?;
        let paid = self.walk.paid().sub(&paid_before);
        self.lines.push(Line { credit: *credit, before, slices, paid, amount: upto - self.rounded });
        self.rounded = upto;
        Ok(())
    }
}

/// Digest of a payee's figures: keys, periods, segments, tiers. Lines follow from these facts and rules.
fn digest(calculation: &Calculation, payee: &PayeeId, keys: &[KeyEarnings], problems: &[Problem]) -> Digest {
    let calendar = &calculation.facts.calendar;
    let mut bytes = Vec::new();
    for key in keys {
        let mut record = Record::new("key", 1)
            .text(1, key.key.plan.as_str())
            .text(2, key.key.component.as_str())
            .text(3, &calendar.window_text(key.key.window));
        let periods: Vec<_> =
            key.earned_in.iter().map(|(period, amount)| format!("{period}={amount}")).collect();
        record = record.text(4, &periods.join(","));
        let segments: Vec<_> = key.segments.iter().map(segment_text).collect();
        bytes.extend(record.text(5, &segments.join(";")).into_bytes());
    }
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Record::new("attain.earnings", 1)
        .text(1, &super::RULES_REVISION.to_string())
        .text(2, payee.as_str())
        .bytes(3, &bytes)
        .text(4, &problems.join("\n"))
        .digest()
}

fn segment_text(segment: &SegmentEarnings) -> String {
    let quota = segment.quota.as_ref().map_or_else(String::new, |quota| quota.amount.to_string());
    let tiers: Vec<_> = segment
        .tiers
        .iter()
        .map(|tier| format!("{}@{}:{}", tier.edge, tier.rate, tier.paid.lowest_terms()))
        .collect();
    format!(
        "{}..{} v{} {} quota={quota} credited={} {} amount={}",
        segment.from,
        segment.to,
        segment.plan_version,
        segment.measure,
        segment.credited.lowest_terms(),
        tiers.join(" "),
        segment.amount,
    )
}
