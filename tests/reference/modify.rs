//! Semantics 8.3: what changes a price after it is made, up to the rounding.

use std::collections::BTreeMap;

use attain::domain::date::{Window, WindowKind};
use attain::domain::id::PlanId;
use attain::domain::money::Currency;
use attain::domain::plan::{Bonus, Due, Matrix, MatrixPays, Payout};
use num_traits::{Signed, Zero};

use crate::fractions::{Q, sum, whole};
use crate::gauge::Place;
use crate::pay::{Earned, Run};
use crate::stand::{Group, Identity, Standing};

/// An accumulation at its price.
pub struct Priced<'c> {
    pub place: Place<'c>,
    pub group: Group,
    /// Which of the credits paid on are its own, in order.
    pub mine: Vec<usize>,
    /// What each is priced at.
    pub lines: Vec<Q>,
    /// What is paid beside them.
    pub other: Q,
}

/// What a credit with its reversals has come to: at its price, and as it was earned; and whether under a schedule.
#[derive(Default, Clone)]
struct SoFar {
    priced: Q,
    earned: Q,
    scheduled: bool,
}

impl<'c> Run<'c> {
    /// Multiplies, bounds, gates and caps, one segment after the other.
    pub fn modify(&self, paid: &[Standing<'c>], mut priced: Vec<Priced<'c>>) -> Earned {
        let mut earned = Earned::default();
        let mut so_far: BTreeMap<&Identity, BTreeMap<Currency, SoFar>> = BTreeMap::new();
        let mut carried: Vec<(PlanId, Window, Q)> = Vec::new();
        for one in &mut priced {
            let curves = &one.place.component.modifiers.multipliers;
            let times = curves.iter().fold(whole(1), |all, curve| all * self.scaled(one.place, curve));
            let made: Vec<Q> = one.lines.iter().map(|line| line * &times).collect();
            one.other = &one.other * times;
            let lines = self.bounded(one, paid, &made, &so_far);
            let currency = one.place.version.plan.currency;
            let (plan, window) = (&one.place.version.plan.id, one.place.window);
            let earlier = |(of, before, _): &(PlanId, Window, Q)| of == plan && *before < window;
            let (waiting, rest): (Vec<_>, Vec<_>) = carried.into_iter().partition(earlier);
            carried = rest;
            let carried_in = sum(waiting.iter().map(|(_, _, withheld)| withheld));
            let total = &one.other + sum(&lines);
            let (result, withheld, part) = self.sum(one.place, &total, carried_in);
            *earned.sums.entry(one.group.clone()).or_default() += result;
            carried.push((plan.clone(), window, withheld));
            for ((at, made), line) in one.mine.iter().zip(made).zip(lines) {
                let standing = &paid[*at];
                let sums = so_far.entry(&standing.identity).or_default().entry(currency).or_default();
                sums.priced += made;
                sums.earned += &line * &part;
                sums.scheduled |= one.place.component.clawback.is_some() && !standing.part.is_reversal();
                let of = standing.part;
                let happening = (of.deal.id.clone(), of.event.id.clone(), of.origin.id.clone());
                *earned.on.entry(happening).or_default().entry(currency).or_default() += line * &part;
            }
        }
        earned
    }

    /// Caps and floors of each credit with its reversals, in whatever windows these stand. With a schedule, the credit's
    /// or the reversal's, or while a gate is closed, a reversal takes back at most what its credit has earned.
    fn bounded(
        &self,
        one: &Priced<'c>,
        paid: &[Standing<'c>],
        made: &[Q],
        before: &BTreeMap<&Identity, BTreeMap<Currency, SoFar>>,
    ) -> Vec<Q> {
        let modifiers = &one.place.component.modifiers;
        let cap = modifiers.credit_cap.map(|cap| self.limit_of_credit(one.place, cap));
        let floor = modifiers.credit_floor.map(|floor| self.limit_of_credit(one.place, floor));
        let bound = |sum: &Q| {
            let capped = cap.iter().fold(sum.clone(), |sum, cap| sum.min(cap.clone()));
            floor.iter().filter(|_| sum.is_positive()).fold(capped, |sum, floor| sum.max(floor.clone()))
        };
        let closed = modifiers.gates.iter().any(|gate| self.closed(one.place, gate).is_some());
        let limited = closed || one.place.component.clawback.is_some();
        let bounds = cap.is_some() || floor.is_some();
        let mut lines = vec![Q::zero(); made.len()];
        let mut sums: BTreeMap<&Identity, SoFar> = BTreeMap::new();
        let currency = one.place.version.plan.currency;
        let so_far = |standing: &Standing<'c>| {
            let earlier: Vec<_> = before.get(&standing.identity).into_iter().flatten().collect();
            let scheduled = earlier.iter().any(|(_, sums)| sums.scheduled);
            let mut all = SoFar { scheduled, ..SoFar::default() };
            // Where nothing is bounded, nobody asks.
            for (from, sums) in earlier.into_iter().filter(|_| bounds || limited || scheduled) {
                all.priced += self.told_in(currency, standing.part, *from, &sums.priced);
                all.earned += self.told_in(currency, standing.part, *from, &sums.earned);
            }
            all
        };
        let mut order: Vec<usize> = (0..made.len()).collect();
        // Each credit first, then its reversals in their own order.
        order.sort_by_key(|at| {
            let part = paid[one.mine[*at]].part;
            (part.is_reversal(), part.event.day, part.event.id.clone())
        });
        for at in order {
            let standing = &paid[one.mine[at]];
            let sums = sums.entry(&standing.identity).or_insert_with(|| so_far(standing));
            let priced = &sums.priced + &made[at];
            let mut line = bound(&priced) - bound(&sums.priced);
            if (limited || sums.scheduled) && standing.part.is_reversal() {
                let least = sums.earned.clone().min(Q::zero());
                line = line.max(least - &sums.earned);
            }
            *sums = SoFar { priced, earned: &sums.earned + &line, scheduled: sums.scheduled };
            lines[at] = line;
        }
        lines
    }

    /// Holds a sum to what closed gates let through and to the window's cap and floor: what it comes to, what the cap
    /// withholds for the next window, and what part of the credits' own is in it.
    fn sum(&self, at: Place<'c>, total: &Q, carried_in: Q) -> (Q, Q, Q) {
        let modifiers = &at.component.modifiers;
        let single = at.window.kind() == WindowKind::Deal;
        let late = modifiers.budget.is_some() || (!single && at_window_end(&at.component.payout));
        if late && !self.ended(at.window) {
            return (Q::zero(), Q::zero(), Q::zero());
        }
        let closed = modifiers.gates.iter().filter_map(|gate| self.closed(at, gate));
        let gated = closed.fold(total.clone(), |sum, limit| sum.min(limit.unwrap_or_default()));
        let wanted = &gated + carried_in;
        let cap = modifiers.window_cap.map(|cap| (self.limit_of_window(at, cap.limit), cap.carried));
        let mut result = cap.iter().fold(wanted.clone(), |sum, (cap, _)| sum.min(cap.clone()));
        let withheld = if cap.is_some_and(|(_, carried)| carried) { &wanted - &result } else { Q::zero() };
        let own = gated.min(result.clone());
        let part = if total.is_positive() && own < *total { own / total } else { whole(1) };
        if let Some(floor) = modifiers.window_floor
            && (if single { result.is_positive() } else { self.ended(at.window) })
            && !self.undefined(at)
        {
            result = result.max(self.limit_of_window(at, floor));
        }
        (result, withheld, part)
    }
}

/// Whether a payout is due at its window's end, with all that was carried there.
fn at_window_end(payout: &Payout) -> bool {
    match payout {
        Payout::Bonus(Bonus { due, .. }) => *due == Due::WindowEnd,
        Payout::Matrix(Matrix { pays: MatrixPays::Target { due, .. }, .. }) => *due == Due::WindowEnd,
        Payout::Objectives(_) | Payout::Rank(_) | Payout::Pool(_) => true,
        _ => false,
    }
}
