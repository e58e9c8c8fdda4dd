//! Semantics 4 and 6: whose credit an event is, and on which terms a payee stands on a day.

use attain::domain::date::{Day, Period, Window};
use attain::domain::deal::{Deal, OVERLAY, OWNER};
use attain::domain::id::{ComponentId, PayeeId, RoleId};
use attain::domain::measure::Selection;
use attain::domain::payee::Assignment;
use attain::domain::plan::{Component, PlanVersion};

use crate::company::Company;
use crate::fractions::{Q, percent};

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

    /// The payee's credits of what `origin_day` brought in a deal, with the part of the event that each is.
    pub fn credits(
        &self,
        measure: &Selection,
        payee: &PayeeId,
        deal: &Deal,
        origin_day: Day,
    ) -> Vec<(Source, Q)> {
        let mut credits = Vec::new();
        let mut below = Vec::new();
        for (credited, role, part) in shares(deal) {
            let named = measure.roles.contains(&role);
            if measure.credit.direct() && credited == *payee && (measure.roles.is_empty() || named) {
                credits.push((Source::Direct(role.clone()), part.clone()));
            }
            let counts = named || (measure.roles.is_empty() && role.as_str() != OVERLAY);
            let levels = self.levels_up(&credited, payee, origin_day);
            let near = levels.is_some_and(|levels| measure.levels == 0 || levels <= measure.levels);
            if measure.credit.rolled_up() && counts && near {
                below.push(part);
            }
        }
        credits.sort();
        if !below.is_empty() {
            credits.push((Source::RolledUp, crate::fractions::sum(&below)));
        }
        credits
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

/// Who has which part of a deal in which role: its splits, and the owner where they are none but overlays.
fn shares(deal: &Deal) -> Vec<(PayeeId, RoleId, Q)> {
    let splits = deal.splits.iter();
    let mut shares: Vec<_> =
        splits.map(|split| (split.payee.clone(), split.role.clone(), percent(split.percent.0))).collect();
    if deal.splits.iter().all(|split| split.role.as_str() == OVERLAY) {
        shares.push((deal.owner.clone(), OWNER.parse().unwrap(), percent(100_000_000)));
    }
    shares
}
