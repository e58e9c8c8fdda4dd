//! What a payee has earned: its credits through the segments of every window, rounded once for each
//! segment (semantics 3, 8.4, 9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::date::{Day, Period, Window, WindowKind};
use crate::domain::encode::{Digest, Record};
use crate::domain::exact::{Exact, TooLarge};
use crate::domain::id::{ComponentId, MeasureId, PayeeId};
use crate::domain::ledger::Key;
use crate::domain::measure::Unit;
use crate::domain::plan::{Axis, Component, Payout, RateKind, Rates, ReversalRule};

use super::Calculation;
use super::clawback::Claims;
pub use super::course::Line;
use super::course::{Course, Outcome, Standing};
use super::credit::{Claim, Credit, Selector};
use super::problem::Problem;
use super::quota::{EffectiveQuota, Quotas};
use super::rates::{Ground, Ladder, TierTotal};
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
    /// The rates that priced it.
    pub rates: Rates,
    /// What credits are counted in.
    pub unit: Unit,
    /// What the line, and the quota, are counted in.
    pub line_unit: Unit,
    /// The effective quota, if attainment decides and one is set.
    pub quota: Option<EffectiveQuota>,
    /// Minor units for each minor unit or millionth at a multiple of one, if rates are multiples of it.
    pub base_rate: Option<Exact>,
    /// Credited, minor units or millionths, exact.
    pub credited: Exact,
    /// Where the line is; the same, unless other credits move it or reversals do not.
    pub position: Exact,
    /// What each tier holds and pays.
    pub tiers: Vec<TierTotal>,
    /// Paid, minor units, exact.
    pub paid: Exact,
    /// Paid, rounded: what counts. In single deals the sum of what each comes to.
    pub amount: i128,
    /// One for each credit in order, with [`Detail::Lines`].
    pub lines: Vec<Line>,
}

impl SegmentEarnings {
    /// Flat amounts due, minor units.
    pub fn flats(&self) -> i128 {
        self.tiers.iter().map(|tier| tier.flat).sum()
    }
}

impl KeyEarnings {
    /// Earned up to the end of a period, minor units.
    pub fn earned_through(&self, period: Period) -> i128 {
        self.earned_in.range(..=period).map(|(_, amount)| amount).sum()
    }
}

/// A measure's credits of the payee: plain ones in order, and reversals.
struct Credits {
    selector: Selector,
    plain: Vec<Credit>,
    reversals: Vec<Credit>,
}

pub(super) fn payee(calculation: &Calculation, payee: u32, detail: Detail) -> PayeeEarnings {
    let facts = calculation.facts;
    let spans = segment::spans(facts, payee);
    let segments = segment::segments(facts, &spans, calculation.through);
    let mut run = Run {
        calculation,
        payee,
        detail,
        spans: &spans,
        credits: BTreeMap::new(),
        quotas: BTreeMap::new(),
        claims: BTreeMap::new(),
        problems: Vec::new(),
    };
    let mut keys: BTreeMap<Key, KeyEarnings> = BTreeMap::new();
    for segment in &segments {
        match run.segment(segment) {
            Ok((by_period, earned)) => {
                let key = run.key(segment);
                let (earned_in, segments) = (BTreeMap::new(), Vec::new());
                let earnings =
                    keys.entry(key.clone()).or_insert_with(|| KeyEarnings { key, earned_in, segments });
                for (period, amount) in by_period {
                    *earnings.earned_in.entry(period).or_default() += amount;
                }
                earnings.segments.push(earned);
            }
            Err(problem) => run.problems.push(problem),
        }
    }
    let mut keys: Vec<KeyEarnings> = keys.into_values().collect();
    for key in &mut keys {
        key.earned_in.retain(|_, amount| *amount != 0);
    }
    let mut problems = run.problems;
    problems.sort();
    problems.dedup();
    let digest = digest(calculation, facts.payee_id(payee), &keys, &problems);
    PayeeEarnings { payee, keys, problems, digest }
}

/// One payee's run through its segments, in order of their first days.
struct Run<'a, 'f> {
    calculation: &'a Calculation<'f>,
    payee: u32,
    detail: Detail,
    spans: &'a [Span<'f>],
    credits: BTreeMap<&'f MeasureId, Credits>,
    quotas: BTreeMap<(&'f MeasureId, Window), Option<Vec<EffectiveQuota>>>,
    claims: BTreeMap<&'f ComponentId, Claims>,
    problems: Vec<Problem>,
}

/// Amounts by period and the segment's figures.
type Earned = (BTreeMap<Period, i128>, SegmentEarnings);

impl<'f> Run<'_, 'f> {
    fn key(&self, segment: &Segment) -> Key {
        Key {
            payee: self.id(),
            plan: segment.version.plan.id.clone(),
            component: segment.component.id.clone(),
            window: segment.window,
        }
    }

    fn id(&self) -> PayeeId {
        self.calculation.facts.payee_id(self.payee).clone()
    }

    fn too_large(&self) -> impl Fn(TooLarge) -> Problem {
        let payee = self.id();
        move |_| Problem::TooLarge { payee: payee.clone() }
    }

    fn segment(&mut self, segment: &Segment<'f>) -> Result<Earned, Problem> {
        let Payout::Rates(rates) = &segment.component.payout else { todo!() };
        self.select(segment, &rates.measure)?;
        self.select(segment, rates.line())?;
        let quota = match rates.axis {
            Axis::Attainment => self.quota(segment, rates.line())?,
            Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent => None,
        };
        let base_rate = match rates.pays {
            RateKind::BaseRate => self.base_rate(segment, rates.line())?,
            RateKind::Percent | RateKind::PerUnit | RateKind::PerBlock(_) => None,
        };
        let (unit, line_unit) = (self.unit(&rates.measure), self.unit(rates.line()));
        let currency = self.calculation.facts.calendar.currency;
        let ground = Ground {
            quota: quota.as_ref().map(|quota| quota.amount),
            line_decimals: line_unit.decimals(currency),
            minor_digits: currency.minor_digits(),
            base_rate: base_rate.clone(),
        };
        let ladder = Ladder::lay(rates, &ground);
        let mut sums = Sums::default();
        let mut claims = self.take_claims(segment, rates);
        for course in self.courses(segment, rates, ladder.as_ref()) {
            sums.add(course.run(&mut claims, self.detail == Detail::Lines)?);
        }
        self.claims.insert(&segment.component.id, claims);
        let earned = SegmentEarnings {
            from: segment.from,
            to: segment.to,
            plan_version: segment.version.version,
            name: segment.component.name.clone(),
            rates: rates.clone(),
            unit,
            line_unit,
            quota,
            base_rate,
            credited: sums.credited,
            position: sums.position,
            tiers: sums.tiers.into_values().collect(),
            paid: sums.paid,
            amount: sums.by_period.values().sum(),
            lines: sums.lines,
        };
        Ok((sums.by_period, earned))
    }

    fn unit(&self, measure: &MeasureId) -> Unit {
        self.credits.get(measure).map(|credits| credits.selector.unit()).unwrap_or_default()
    }

    /// Selects a measure's credits once for the payee.
    fn select(&mut self, segment: &Segment<'f>, measure: &'f MeasureId) -> Result<(), Problem> {
        if self.credits.contains_key(measure) {
            return Ok(());
        }
        let Calculation { facts, book, .. } = self.calculation;
        let missing =
            || Problem::MeasureMissing { plan: segment.version.plan.id.clone(), measure: measure.clone() };
        let selector: Selector = self.calculation.selector(measure).ok_or_else(missing)?;
        let all = selector.credits(facts, book, self.payee);
        let is_reversal = |credit: &Credit| book.is_reversal(credit.entry);
        let (reversals, plain) = if all.iter().any(is_reversal) {
            all.into_iter().partition(is_reversal)
        } else {
            (Vec::new(), all)
        };
        self.credits.insert(measure, Credits { selector, plain, reversals });
        Ok(())
    }

    /// The segment's part of the effective quota. None is a problem, and so noted.
    fn quota(
        &mut self,
        segment: &Segment<'f>,
        measure: &'f MeasureId,
    ) -> Result<Option<EffectiveQuota>, Problem> {
        let window = segment.window;
        if !self.quotas.contains_key(&(measure, window)) {
            let quotas = Quotas::of(self.calculation.facts, self.payee, measure);
            let parts = quotas.parts_of(window, self.spans).map_err(self.too_large())?;
            self.quotas.insert((measure, window), parts);
        }
        let days = self.spans.iter().filter_map(|span| span.within(window));
        let parts = self.quotas.get(&(measure, window)).and_then(Option::as_ref);
        let mut parts = parts.map(|parts| days.zip(parts));
        let part =
            parts.as_mut().and_then(|parts| parts.find(|(days, _)| *days == (segment.from, segment.to)));
        let quota = part.map(|(_, quota)| quota.clone());
        if quota.is_none() {
            self.problems.push(self.quota_missing(measure, window));
        }
        Ok(quota)
    }

    fn quota_missing(&self, measure: &MeasureId, window: Window) -> Problem {
        Problem::QuotaMissing {
            payee: self.id(),
            measure: measure.clone(),
            window: self.calculation.facts.calendar.window_text(window),
        }
    }

    /// Yearly target incentive x component weight / yearly quota; undefined over a zero quota.
    fn base_rate(&self, segment: &Segment<'f>, measure: &'f MeasureId) -> Result<Option<Exact>, Problem> {
        let missing = || Problem::TargetIncentiveMissing {
            payee: self.id(),
            plan: segment.version.plan.id.clone(),
            from: segment.from,
        };
        let target = segment.target_incentive.ok_or_else(missing)?;
        let percent = segment.component.target_percent.unwrap_or_default();
        let share = Exact::scaled(i128::from(percent.0), 8).mul(&Exact::whole(i128::from(target)));
        let yearly = Quotas::of(self.calculation.facts, self.payee, measure)
            .yearly(segment.window)
            .map_err(self.too_large())?
            .ok_or_else(|| self.quota_missing(measure, segment.window))?;
        Ok(share.div(&yearly))
    }

    fn take_claims(&mut self, segment: &Segment<'f>, rates: &Rates) -> Claims {
        let id = &segment.component.id;
        let mut claims = self.claims.remove(id).unwrap_or_else(|| Claims::new(self.id()));
        // A schedule of one version limits what another has paid.
        let mut versions = self.spans.iter().filter_map(|span| span.component(id));
        if versions.any(|component| component.clawback.is_some()) {
            let reversals = self.credits.get(&rates.measure).map_or(&[][..], |credits| &credits.reversals);
            claims.follow(self.calculation.book(), reversals);
        }
        claims
    }

    /// The segment's one accumulation; in single deals one for each credit with its reversals.
    fn courses<'s>(
        &'s self,
        segment: &Segment<'f>,
        rates: &'f Rates,
        ladder: Option<&'s Ladder>,
    ) -> Vec<Course<'s>> {
        let course = |credits: Cow<'s, [Credit]>| {
            let paid = Standing { credits, selector: self.selector(&rates.measure)? };
            let line = match &rates.line {
                Some(line) if *line != rates.measure => {
                    let credits = self.standing(segment, line, Rates::line);
                    Some(Standing { credits, selector: self.selector(line)? })
                }
                Some(_) | None => None,
            };
            let (facts, book) = (self.calculation.facts, self.calculation.book());
            Some(Course { facts, book, component: segment.component, axis: rates.axis, ladder, paid, line })
        };
        let paid = self.standing(segment, &rates.measure, |rates| &rates.measure);
        if segment.window.kind() != WindowKind::Deal {
            return course(paid).into_iter().collect();
        }
        let mut deals: BTreeMap<Claim, Vec<Credit>> = BTreeMap::new();
        for credit in paid.iter() {
            deals.entry(credit.claim(self.calculation.book())).or_default().push(*credit);
        }
        deals.into_values().filter_map(|credits| course(Cow::Owned(credits))).collect()
    }

    fn selector(&self, measure: &MeasureId) -> Option<&Selector> {
        self.credits.get(measure).map(|credits| &credits.selector)
    }

    /// The credits of a measure, which stands in rates as `which` says, that count in a segment: in order of their
    /// places, what is taken back at a place after the credit that stands there, so that together they leave the
    /// line where it was.
    fn standing(
        &self,
        segment: &Segment<'f>,
        measure: &MeasureId,
        which: fn(&Rates) -> &MeasureId,
    ) -> Cow<'_, [Credit]> {
        let book = self.calculation.book();
        let Some(Credits { plain, reversals, .. }) = self.credits.get(measure) else {
            return Cow::Borrowed(&[]);
        };
        let before = |day: Day| plain.partition_point(|credit| book.entry(credit.entry).day < day);
        let own = &plain[before(segment.from)..before(segment.to)];
        let mut standing: Vec<Credit> =
            reversals.iter().filter_map(|credit| self.stands(segment, *credit, measure, which)).collect();
        if standing.is_empty() {
            return Cow::Borrowed(own);
        }
        standing.extend_from_slice(own);
        // Another measure moves the line by whole entries, a paid measure's own credits move it one by one.
        let rates = segment.component.payout.rates();
        let one_by_one = rates.is_none_or(|rates| *rates.line() == rates.measure);
        // The owner's role is called OWNER, which stands after OVERLAY, the only one it is ever beside.
        standing.sort_by_key(|credit| {
            let Credit { place, entry, rolled_up, role, .. } = *credit;
            let (whose, taken_back) = ((rolled_up, role.is_none(), role), (place != entry, entry));
            (place, one_by_one.then_some(whose), taken_back, whose)
        });
        Cow::Owned(standing)
    }

    /// A reversal with its place, if it counts in a segment: on its own date, or at its origin where the
    /// component says so, accumulates single deals, or is not in force on the own date with a measure that takes the
    /// credit. What the component never earned it cannot lose.
    fn stands(
        &self,
        segment: &Segment<'f>,
        credit: Credit,
        measure: &MeasureId,
        which: fn(&Rates) -> &MeasureId,
    ) -> Option<Credit> {
        let book = self.calculation.book();
        let entry = book.entry(credit.entry);
        let origin_day = book.origin_day(credit.entry);
        let id = &segment.component.id;
        let takes = |component: &&Component| {
            let Payout::Rates(rates) = &component.payout else { todo!() };
            let (facts, read) = (self.calculation.facts, which(rates));
            let selector = || self.calculation.selector(read);
            *read == *measure || selector().is_some_and(|s| s.includes(facts, book, self.payee, &credit))
        };
        let component_on =
            |day: Day| segment::on(self.spans, day).and_then(|span| span.component(id)).filter(takes);
        let origin: &Component = component_on(origin_day)?;
        let alone = |component: &Component| component.window == WindowKind::Deal;
        let by_own_date = origin.reversal == ReversalRule::OwnDate && !alone(origin);
        let on_own_date = by_own_date && component_on(entry.day).is_some_and(|then| !alone(then));
        let (day, place) = if on_own_date { (entry.day, credit.entry) } else { (origin_day, entry.origin) };
        (segment.from <= day && day < segment.to).then_some(Credit { place, ..credit })
    }
}

/// What the accumulations of a segment come to.
#[derive(Default)]
struct Sums {
    by_period: BTreeMap<Period, i128>,
    credited: Exact,
    position: Exact,
    tiers: BTreeMap<usize, TierTotal>,
    paid: Exact,
    lines: Vec<Line>,
}

impl Sums {
    fn add(&mut self, outcome: Outcome) {
        let mut before = 0;
        for (period, through) in outcome.through {
            *self.by_period.entry(period).or_default() += through - before;
            before = through;
        }
        self.credited = self.credited.add(outcome.walk.credited());
        self.position = self.position.add(outcome.walk.position());
        self.paid = self.paid.add(&outcome.paid);
        self.lines.extend(outcome.lines);
        for tier in outcome.walk.totals() {
            match self.tiers.entry(tier.tier) {
                std::collections::btree_map::Entry::Vacant(vacant) => drop(vacant.insert(tier)),
                std::collections::btree_map::Entry::Occupied(sum) => sum.into_mut().add(&tier),
            }
        }
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
    let tier =
        |tier: &TierTotal| format!("{}@{}:{}+{}", tier.edge, tier.rate, tier.paid.lowest_terms(), tier.flat);
    let tiers: Vec<_> = segment.tiers.iter().map(tier).collect();
    format!(
        "{}..{} v{} {} quota={quota} credited={} line={} {} amount={}",
        segment.from,
        segment.to,
        segment.plan_version,
        segment.rates.measure,
        segment.credited.lowest_terms(),
        segment.position.lowest_terms(),
        tiers.join(" "),
        segment.amount,
    )
}
