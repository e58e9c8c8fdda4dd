//! Of whom figures are: a payee, a team, the people of a territory, or everyone; and who belongs to it when.

use std::collections::BTreeSet;

use crate::domain::date::Day;
use crate::domain::facts::Facts;
use crate::domain::id::TerritoryId;

/// Of whom figures are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A payee, by index.
    Payee(u32),
    /// A manager, by index, and everyone below on the day.
    Team(u32),
    /// Everyone whose assignment on the day names it.
    Territory(TerritoryId),
    /// Everyone.
    Company,
}

impl Subject {
    /// Whoever may ever belong to it, by id.
    pub fn members(&self, facts: &Facts) -> Vec<u32> {
        match self {
            Subject::Payee(payee) => vec![*payee],
            Subject::Team(manager) => facts.under(*manager).into_iter().collect(),
            Subject::Territory(_) | Subject::Company => (0_u32..).take(facts.payees.len()).collect(),
        }
    }

    /// Whether a payee belongs to it on a day.
    pub fn holds(&self, facts: &Facts, who: u32, day: Day) -> bool {
        match self {
            Subject::Payee(payee) => *payee == who,
            Subject::Team(manager) => *manager == who || facts.above(who, day).contains(manager),
            Subject::Territory(id) => territory(facts, who, day) == Some(id),
            Subject::Company => true,
        }
    }

    /// The days, from and to before, on which a payee belongs to it, in order; the last may be open. To the company
    /// somebody belongs who is assigned.
    pub fn days(&self, facts: &Facts, who: u32) -> Vec<(Day, Option<Day>)> {
        let assigned = |named: &dyn Fn(Option<&TerritoryId>) -> bool| {
            let assignments = facts.payees[who as usize].assignments.iter();
            assignments.filter(|on| named(on.territory.as_ref())).map(|on| (on.from, on.to)).collect()
        };
        match self {
            Subject::Payee(one) | Subject::Team(one) if *one == who => vec![(Day::EARLIEST, None)],
            Subject::Payee(_) => Vec::new(),
            Subject::Team(manager) => facts.below(who, *manager),
            Subject::Territory(id) => assigned(&|named| named == Some(id)),
            Subject::Company => assigned(&|_| true),
        }
    }

    /// Whoever belongs to it on some of the days `[from, to)`.
    pub fn present(&self, facts: &Facts, from: Day, to: Day) -> BTreeSet<u32> {
        let meets = |(start, end): &(Day, Option<Day>)| *start < to && end.is_none_or(|end| from < end);
        let is = |payee: &u32| self.days(facts, *payee).iter().any(meets);
        self.members(facts).into_iter().filter(is).collect()
    }
}

/// The territory of a payee's assignment in force on a day.
pub fn territory(facts: &Facts, payee: u32, day: Day) -> Option<&TerritoryId> {
    let assignments = &facts.payees[payee as usize].assignments;
    assignments.iter().find(|assignment| assignment.covers(day))?.territory.as_ref()
}
