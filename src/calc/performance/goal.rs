//! Own goals: the same attainment that quotas and pay have, by measure, an outside one such as calls made too.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::domain::date::{Day, Window, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::id::MeasureId;

use super::super::attainment::{Attainment, attainment};
use super::{Calculation, Problem};

/// How far a payee is with one measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Of which measure.
    pub measure: MeasureId,
    /// In which window.
    pub window: Window,
    /// Credited and quota.
    pub attainment: Attainment,
}

/// The measures that payees have quotas of, by payee, each one's by id.
pub struct Quoted<'f>(BTreeMap<u32, Vec<&'f MeasureId>>);

impl<'f> Quoted<'f> {
    /// Of all quotas.
    pub fn of(facts: &'f Facts) -> Self {
        let mut quoted: BTreeMap<u32, Vec<&MeasureId>> = BTreeMap::new();
        for (payee, measure) in facts.quotas.keys() {
            quoted.entry(*payee).or_default().push(measure);
        }
        Quoted(quoted)
    }

    /// A payee's attainment of one measure, or of each that it has a quota of, in a window, up to a day: those that a
    /// quota is set for there.
    pub fn goals(
        &self,
        calculation: &Calculation,
        payee: u32,
        measure: Option<&MeasureId>,
        (window, on): (Window, Day),
    ) -> impl Iterator<Item = Result<Goal, Problem>> {
        let quoted = self.0.get(&payee).into_iter().flatten().copied();
        quoted.filter(move |quoted| measure.is_none_or(|measure| measure == *quoted)).filter_map(
            move |measure| {
                let found = attainment(calculation, payee, measure, window, on).transpose()?;
                let goal = |attainment| Goal { measure: measure.clone(), window, attainment };
                Some(found.map(goal))
                    .filter(|goal| goal.as_ref().map_or(true, |goal| goal.attainment.quota.is_some()))
            },
        )
    }

    /// The goal of each of some payees in one measure, and what keeps one from being told; computed in parallel.
    pub fn each(
        &self,
        calculation: &Calculation,
        payees: &[u32],
        measure: &MeasureId,
        when: (Window, Day),
    ) -> (BTreeMap<u32, Goal>, BTreeSet<Problem>) {
        let of = |payee: &u32| self.goals(calculation, *payee, Some(measure), when).next();
        let found: Vec<_> = payees.par_iter().map(of).collect();
        let (mut goals, mut problems) = (BTreeMap::new(), BTreeSet::new());
        for (payee, goal) in payees.iter().zip(found) {
            match goal {
                Some(Ok(goal)) => drop(goals.insert(*payee, goal)),
                Some(Err(problem)) => drop(problems.insert(problem)),
                None => {}
            }
        }
        (goals, problems)
    }
}

/// The measure that the most of some payees have a quota of, set for a window or for its year; of several the first by
/// id. In one measure people can be put in order.
pub fn shared<'f>(facts: &'f Facts, payees: &BTreeSet<u32>, window: Window) -> Option<&'f MeasureId> {
    let year = facts.calendar.window(WindowKind::Year, window.first());
    let mut counts: BTreeMap<&MeasureId, usize> = BTreeMap::new();
    for ((payee, measure), set) in facts.quotas.iter() {
        if payees.contains(payee) && (set.contains_key(&window) || set.contains_key(&year)) {
            *counts.entry(measure).or_default() += 1;
        }
    }
    // Of equals the last is the greatest: the first by id comes last.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(measure, _)| measure)
}

/// The percent of a goal, if it can be told.
pub fn percent(goal: Option<&Goal>) -> Option<Exact> {
    goal.and_then(|goal| goal.attainment.percent())
}
