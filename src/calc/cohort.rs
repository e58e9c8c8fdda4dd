//! What members share: places and pools (semantics 8.2). Members are those whose assignment on the window's last day
//! has the component.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::date::{Period, Window};
use crate::domain::exact::{Exact, settle};
use crate::domain::facts::Facts;
use crate::domain::id::{ComponentId, PlanId};
use crate::domain::money::Rounding;
use crate::domain::plan::{Axis, Fund, Gauge, Payout, Pool, Rank, Source, Weight};

use super::Calculation;
use super::gauge::{self, Reading};
use super::run::Run;
use super::segment::{self, Segment};

/// Whose, and in which window.
pub type Key = (PlanId, ComponentId, Window);

/// The members of a component in a window and what they are measured by.
pub struct Cohort<'f> {
    members: Vec<Member<'f>>,
    /// How money that is paid is rounded.
    rounding: Rounding,
}

struct Member<'f> {
    payee: u32,
    segment: Segment<'f>,
    /// What places or weighs.
    reading: Option<Arc<Reading>>,
    /// What fills the pool.
    fund: Option<Arc<Reading>>,
}

/// A member's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Minor units.
    pub amount: i128,
    /// The place, from 1; of a rank.
    pub place: Option<usize>,
    /// The weight; of a pool.
    pub weight: Exact,
    /// All weights together, or how many are placed.
    pub of: Exact,
    /// What is shared, minor units; of a pool.
    pub whole: i128,
}

/// Every member's part; nothing where the whole is beyond what can be posted.
pub type Parts = Option<BTreeMap<u32, Part>>;

/// The segments of the members of a component in a window, by payee.
fn members<'f>(facts: &'f Facts, (plan, component, window): &Key) -> Vec<(u32, Segment<'f>)> {
    let last = window.last().last_day();
    let mut members = Vec::new();
    for payee in (0_u32..).take(facts.payees.len()) {
        let spans = segment::spans(facts, payee);
        let Some(span) = segment::on(&spans, last) else { continue };
        let Some(version) = span.version.filter(|version| version.plan.id == *plan) else { continue };
        let Some(component) = span.component(component) else { continue };
        let Some((from, to)) = span.within(*window) else { continue };
        members.push((payee, Segment { window: *window, from, to, version, component, span: *span }));
    }
    members
}

/// What of each member a pool is a percent of.
pub fn fund(pool: &Pool) -> Option<Gauge> {
    let Fund::Percent { measure, .. } = &pool.fund else { return None };
    let of = Some(Source::Measure { measure: measure.clone(), window: None });
    Some(Gauge { of, axis: Axis::Amount })
}

impl<'f> Cohort<'f> {
    /// Reads what every member is measured by.
    pub fn read(calculation: &Calculation<'f>, key: &Key) -> Self {
        let member = |(payee, segment): (u32, Segment<'f>)| {
            let mut run = Run::new(calculation, payee, calculation.through);
            // What a member's figures leave open is told with the member's own earnings.
            let mut read = |gauge: &Gauge| run.reading(&segment, gauge).ok();
            let (gauge, fund) = match &segment.component.payout {
                Payout::Rank(rank) => (Some(&rank.gauge), None),
                Payout::Pool(pool) => {
                    let weight = match &pool.by {
                        Weight::Gauge(gauge) => Some(gauge),
                        Weight::Equal | Weight::TargetIncentive => None,
                    };
                    (weight, fund(pool))
                }
                _ => (None, None),
            };
            let (reading, fund) = (gauge.and_then(&mut read), fund.as_ref().and_then(&mut read));
            Member { payee, segment, reading, fund }
        };
        let members = members(calculation.facts, key).into_iter().map(member).collect();
        Cohort { members, rounding: calculation.facts.calendar.rounding }
    }

    /// The periods at whose end some part may move.
    pub fn moments(&self) -> impl Iterator<Item = Period> {
        let readings = self.members.iter().flat_map(|member| member.reading.iter().chain(&member.fund));
        readings.flat_map(|reading| reading.moved.keys().copied())
    }

    /// Every member's part at the end of a period.
    pub fn parts(&self, upto: Period) -> Parts {
        match self.members.first().map(|member| &member.segment.component.payout) {
            Some(Payout::Rank(rank)) => Some(self.ranked(rank, upto)),
            Some(Payout::Pool(pool)) => self.pooled(pool, upto),
            _ => Some(BTreeMap::new()),
        }
    }

    fn figure(&self, member: &Member, upto: Period) -> Option<Exact> {
        member.reading.as_ref()?.place(upto)?.on_axis()
    }

    /// Ties share the sum of the places they cover, split as a whole by payee id.
    fn ranked(&self, rank: &Rank, upto: Period) -> BTreeMap<u32, Part> {
        let placed =
            self.members.iter().filter_map(|member| Some((self.figure(member, upto)?, member.payee)));
        let mut placed: Vec<(Exact, u32)> = placed.collect();
        placed.sort_by(|(a, one), (b, other)| b.cmp(a).then(one.cmp(other)));
        let of = Exact::whole(i128::try_from(placed.len()).unwrap_or(i128::MAX));
        let mut parts = BTreeMap::new();
        let mut first = 0;
        for ties in placed.chunk_by(|(a, _), (b, _)| a == b) {
            let covered = rank.places.iter().skip(first).take(ties.len());
            let whole: i128 = covered.map(|amount| i128::from(*amount)).sum();
            let shares = vec![Exact::whole(1); ties.len()];
            for ((_, payee), amount) in ties.iter().zip(shared(whole, &shares)) {
                let place = Some(first + 1);
                let part = Part { amount, place, weight: Exact::whole(1), of: of.clone(), whole };
                parts.insert(*payee, part);
            }
            first += ties.len();
        }
        parts
    }

    fn pooled(&self, pool: &Pool, upto: Period) -> Parts {
        let whole = match &pool.fund {
            Fund::Amount(amount) => i128::from(*amount),
            Fund::Percent { percent, .. } => {
                let figures = self.members.iter().filter_map(|member| member.fund.as_ref()?.figure(upto));
                let sum = figures.fold(Exact::ZERO, |sum, figure| sum.add(figure));
                // More refunded than booked leaves nothing to share.
                let fund = sum.max(Exact::ZERO).mul(&gauge::part(*percent));
                fund.round(self.rounding).ok()?
            }
        };
        let weight = |member: &Member| match &pool.by {
            Weight::Equal => Exact::whole(1),
            Weight::TargetIncentive => {
                Exact::whole(member.segment.span.target_incentive.map_or(0, i128::from))
            }
            Weight::Gauge(_) => self.figure(member, upto).unwrap_or(Exact::ZERO).max(Exact::ZERO),
        };
        let weights: Vec<Exact> = self.members.iter().map(weight).collect();
        let of = weights.iter().fold(Exact::ZERO, |sum, weight| sum.add(weight));
        let amounts = shared(whole, &weights);
        let parts = self.members.iter().zip(weights).zip(amounts);
        let parts = parts
            .map(|((member, weight), amount)| {
                (member.payee, Part { amount, place: None, weight, of: of.clone(), whole })
            })
            .collect();
        Some(parts)
    }
}

/// A whole split by weights, the parts summing to it; nothing where no weight is above zero (semantics 9, place 4).
pub fn shared(whole: i128, weights: &[Exact]) -> Vec<i128> {
    let sum = weights.iter().fold(Exact::ZERO, |sum, weight| sum.add(weight));
    let part = |weight: &Exact| Exact::whole(whole).mul(weight).div(&sum);
    match weights.iter().map(part).collect::<Option<Vec<_>>>() {
        Some(parts) => settle(whole, &parts),
        None => vec![0; weights.len()],
    }
}
