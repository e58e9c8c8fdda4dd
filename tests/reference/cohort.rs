//! Semantics 8.2 and 8.3: what members of a cohort share. Parts sum to the whole.

use std::collections::BTreeMap;

use attain::domain::date::Window;
use attain::domain::id::{ComponentId, PayeeId, PlanId};
use attain::domain::plan::{Axis, Fund, Gauge, Pool, Rank, Source, Weight};
use num_traits::{Signed, ToPrimitive, Zero};

use crate::fractions::{Q, minor_units, percent, rounded, sum, whole};
use crate::gauge::Place;
use crate::pay::Run;

impl<'c> Run<'c> {
    /// Whose assignment on a window's last day has a component of a plan, and their terms then, by payee id.
    pub fn members(&self, plan: &PlanId, id: &ComponentId, window: Window) -> Vec<Place<'c>> {
        let last = window.last().last_day();
        let mut members = Vec::new();
        for payee in &self.company.payees {
            let Some((version, component)) = self.company.component(&payee.id, id, last) else { continue };
            if version.plan.id == *plan && component.window == window.kind() {
                let spans = self.company.spans(&payee.id, window);
                let span = spans.into_iter().find(|span| span.holds(last)).unwrap();
                members.push(Place { payee: &payee.id, version, component, window, span });
            }
        }
        members.sort_by_key(|member| member.payee);
        members
    }

    /// What each member has by its place. Ties share the places they cover.
    pub fn ranked(&self, members: &[Place<'c>], rank: &Rank) -> BTreeMap<PayeeId, i128> {
        let mut figures = Vec::new();
        for member in members {
            figures.extend(self.reading(*member, &rank.gauge).map(|figure| (figure, member.payee)));
        }
        let mut amounts = BTreeMap::new();
        for (figure, payee) in &figures {
            let above = figures.iter().filter(|(other, _)| other > figure).count();
            let alike: Vec<&PayeeId> =
                figures.iter().filter(|(other, _)| other == figure).map(|(_, payee)| *payee).collect();
            let places = rank.places.iter().skip(above).take(alike.len());
            let parts = split(places.map(|amount| i128::from(*amount)).sum(), &vec![whole(1); alike.len()]);
            let place = alike.iter().position(|other| other == payee).unwrap();
            amounts.insert((*payee).clone(), parts[place]);
        }
        amounts
    }

    /// What each member has of a pool.
    pub fn pooled(&self, members: &[Place<'c>], pool: &Pool) -> BTreeMap<PayeeId, i128> {
        let fund = match &pool.fund {
            Fund::Amount(minor) => i128::from(*minor),
            Fund::Percent { measure, percent: part } => {
                let of = Some(Source::Measure { measure: measure.clone(), window: None });
                let gauge = Gauge { of, axis: Axis::Amount };
                let minor = |member: &Place<'c>| {
                    self.reading(*member, &gauge).unwrap() * minor_units(member.version.plan.currency)
                };
                let each: Vec<Q> = members.iter().map(minor).collect();
                rounded(&(sum(&each) * percent(part.0)), self.company.calendar.rounding)
            }
        };
        // What is below zero is nobody's to bear.
        let fund = fund.max(0);
        let weight = |member: &Place<'c>| match &pool.by {
            Weight::Equal => whole(1),
            Weight::TargetIncentive => whole(
                self.company
                    .assignment(member.payee, member.span.from)
                    .unwrap()
                    .target_incentive
                    .unwrap_or(0),
            ),
            Weight::Gauge(gauge) => {
                self.reading(*member, gauge).filter(Signed::is_positive).unwrap_or_else(Q::zero)
            }
        };
        let weights: Vec<Q> = members.iter().map(weight).collect();
        let ids = members.iter().map(|member| member.payee.clone());
        ids.zip(split(fund, &weights)).collect()
    }
}

/// A whole in parts by weight: floor, then one unit each by largest remainder, ties to the first.
pub fn split(of: i128, weights: &[Q]) -> Vec<i128> {
    let all = sum(weights);
    if all.is_zero() {
        return vec![0; weights.len()];
    }
    let exact: Vec<Q> = weights.iter().map(|weight| whole(of) * weight / &all).collect();
    let mut parts: Vec<i128> =
        exact.iter().map(|part| part.floor().to_integer().to_i128().unwrap()).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|place| (&exact[*place].floor() - &exact[*place], *place));
    let left = of - parts.iter().sum::<i128>();
    for place in order.into_iter().take(usize::try_from(left).unwrap()) {
        parts[place] += 1;
    }
    parts
}
