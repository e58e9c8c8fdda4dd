//! Semantics 4 and 6: whose credit an event is, and on which terms a payee stands on a day.

use std::collections::BTreeMap;

use attain::domain::date::{Day, Period, Window};
use attain::domain::deal::{Deal, DealEvent, OVERLAY, OWNER, Split};
use attain::domain::id::{ComponentId, MeasureId, PayeeId, RoleId, TerritoryId};
use attain::domain::number::Percent;
use attain::domain::payee::Assignment;
use attain::domain::plan::{Component, PlanVersion};
use attain::domain::territory::{Holder, Receiver, RuleCredit};

use crate::company::{Company, Rule};
use crate::fractions::{Q, percent};
use crate::texts::Share;

/// Which of a payee's credits of one event. Direct ones come first, by role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Direct(RoleId),
    RolledUp,
}

/// A span of days in which nothing changes that splits a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: Day,
    pub to: Day,
}

impl Span {
    pub fn holds(self, day: Day) -> bool {
        self.from <= day && day < self.to
    }

    /// Days that it shares with a period.
    pub fn days_in(self, period: Period) -> i64 {
        let (from, to) = (self.from.max(period.start()), self.to.min(period.end()));
        to.days_since(from).max(0)
    }
}

impl Company {
    pub fn assignment(&self, payee: &PayeeId, day: Day) -> Option<&Assignment> {
        self.payee(payee).assignments.iter().find(|assignment| assignment.covers(day))
    }

    /// Whom a payee reports to on a day: both have an assignment then.
    pub fn manager(&self, payee: &PayeeId, day: Day) -> Option<&PayeeId> {
        let manager = self.assignment(payee, day)?.manager.as_ref()?;
        self.assignment(manager, day).is_some().then_some(manager)
    }

    /// How many levels `manager` is above `payee` on a day; 1 for the direct one.
    pub fn levels_up(&self, payee: &PayeeId, manager: &PayeeId, day: Day) -> Option<u32> {
        let (mut at, mut levels) = (payee, 0);
        while let Some(above) = self.manager(at, day) {
            levels += 1;
            if above == manager {
                return Some(levels);
            }
            at = above;
        }
        None
    }

    /// The version of the payee's plan in force on a day.
    pub fn version(&self, payee: &PayeeId, day: Day) -> Option<&PlanVersion> {
        let plan = self.assignment(payee, day)?.plan.as_ref()?;
        let begun =
            |version: &&PlanVersion| version.plan.id == *plan && version.effective_from <= day.period();
        self.plans.iter().filter(begun).max_by_key(|version| version.effective_from)
    }

    pub fn component(
        &self,
        payee: &PayeeId,
        id: &ComponentId,
        day: Day,
    ) -> Option<(&PlanVersion, &Component)> {
        let version = self.version(payee, day)?;
        Some((version, version.plan.components.iter().find(|component| component.id == *id)?))
    }

    /// The payee's credits of an event of a deal, if a measure reads its type, with the part of the event that each is.
    pub fn credits(
        &self,
        id: &MeasureId,
        payee: &PayeeId,
        deal: &Deal,
        event: &DealEvent,
    ) -> Vec<(Source, Q)> {
        let Some(measure) = self.measure(id).selection().filter(|measure| measure.event == event.kind) else {
            return Vec::new();
        };
        let mut credits = Vec::new();
        let mut below = Vec::new();
        for share in self.shares(deal, event) {
            let part = percent(share.percent.0);
            let holds = || self.counts(id, deal, event, &share, payee);
            let named = measure.roles.contains(&share.role);
            let own = share.payee == *payee && (measure.roles.is_empty() || named);
            if measure.credit.direct() && own && holds() {
                credits.push((Source::Direct(share.role.clone()), part.clone()));
            }
            let counts = named || (measure.roles.is_empty() && share.role.as_str() != OVERLAY);
            let levels = self.levels_up(&share.payee, payee, event.day);
            let near = levels.is_some_and(|levels| measure.levels == 0 || levels <= measure.levels);
            if measure.credit.rolled_up() && counts && near && holds() {
                below.push(part);
            }
        }
        credits.sort();
        if !below.is_empty() {
            credits.push((Source::RolledUp, crate::fractions::sum(&below)));
        }
        credits
    }

    /// Who has which part of an event in which role: the deal's splits; where they are none but overlays, beside them
    /// what the first rule gives that counts, else the owner all of it.
    fn shares(&self, deal: &Deal, event: &DealEvent) -> Vec<Share> {
        let split = |split: &Split| (split.payee.clone(), split.role.clone(), split.percent.0);
        let mut all: Vec<(PayeeId, RoleId, i64)> = deal.splits.iter().map(split).collect();
        if all.iter().all(|(_, role, _)| role.as_str() == OVERLAY) {
            let owner = || vec![(deal.owner.clone(), OWNER.parse().unwrap(), 100_000_000)];
            let mut given = self.rules.iter().filter_map(|rule| self.given(rule, deal, event));
            all.extend(given.next().unwrap_or_else(owner));
        }
        // One credit for each payee and role.
        let mut parts: BTreeMap<(PayeeId, RoleId), i64> = BTreeMap::new();
        for (payee, role, percent) in all {
            *parts.entry((payee, role)).or_default() += percent;
        }
        let share = |((payee, role), part)| Share { payee, role, percent: Percent(part) };
        parts.into_iter().map(share).collect()
    }

    /// What a rule gives whom of an event, if it counts and all its territories have a holder on the event's date.
    fn given(&self, rule: &Rule, deal: &Deal, event: &DealEvent) -> Option<Vec<(PayeeId, RoleId, i64)>> {
        if !rule.counts(deal, event) {
            return None;
        }
        let holder = |id: &TerritoryId| {
            let territory = self.territories.iter().find(|territory| territory.id == *id)?;
            let holds = |held: &&Holder| held.from <= event.day && held.to.is_none_or(|to| event.day < to);
            Some(territory.holders.iter().find(holds)?.payee.clone())
        };
        let part = |credit: &RuleCredit| {
            let payee = match &credit.to {
                Receiver::Payee(payee) => payee.clone(),
                Receiver::Holder(territory) => holder(territory)?,
            };
            Some((payee, credit.role.clone(), credit.percent.0))
        };
        rule.rule.credits.iter().map(part).collect()
    }

    /// The spans of a window in which the payee has an assignment and nothing changes that splits it.
    pub fn spans(&self, payee: &PayeeId, window: Window) -> Vec<Span> {
        let mut cuts: Vec<Day> = window.periods().map(Period::start).collect();
        for held in &self.payee(payee).assignments {
            cuts.extend([Some(held.from), held.to].into_iter().flatten());
        }
        cuts.retain(|day| window.start() <= *day && *day < window.end());
        cuts.push(window.end());
        cuts.sort_unstable();
        cuts.dedup();
        let terms = |day: Day| {
            let held = self.assignment(payee, day)?;
            let version = self.version(payee, day).map(|version| (&version.plan.id, version.version));
            Some((version, held.target_incentive, held.currency))
        };
        let mut spans: Vec<Span> = Vec::new();
        for cut in cuts.windows(2) {
            let (from, to) = (cut[0], cut[1]);
            let Some(now) = terms(from) else { continue };
            match spans.last_mut() {
                Some(last) if last.to == from && terms(last.from).is_some_and(|before| before == now) => {
                    last.to = to
                }
                Some(_) | None => spans.push(Span { from, to }),
            }
        }
        spans
    }
}
