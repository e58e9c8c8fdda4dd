//! Own goals: the same attainment that quotas and pay have, by measure, an outside one such as calls made too.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::domain::date::{Day, Window};
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

    /// The first of the goals of each of some payees, and what keeps one from being told; computed in parallel.
    pub fn first(
        &self,
        calculation: &Calculation,
        payees: &[u32],
        measure: Option<&MeasureId>,
        when: (Window, Day),
    ) -> (BTreeMap<u32, Goal>, BTreeSet<Problem>) {
        let first = |payee: &u32| self.goals(calculation, *payee, measure, when).next();
        let found: Vec<_> = payees.par_iter().map(first).collect();
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

/// The percent of the first of some goals that can be told.
pub fn percent(goal: Option<&Goal>) -> Option<Exact> {
    goal.and_then(|goal| goal.attainment.percent())
}
