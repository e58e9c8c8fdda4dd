//! Who reports to whom, on which day and at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Facts, Line};
use crate::domain::date::Day;

impl Facts {
    /// The managers above a payee on a day, nearest first: the line runs only through assignments in force.
    pub fn above(&self, payee: u32, day: Day) -> &[u32] {
        let lines = &self.lines[payee as usize];
        let after = lines.partition_point(|(from, _)| *from <= day);
        after.checked_sub(1).map_or(&[], |place| &lines[place].1)
    }

    /// Whether a manager is above a payee on some day of `[from, to)`.
    pub fn is_below(&self, payee: u32, manager: u32, from: Day, to: Day) -> bool {
        let lines = &self.lines[payee as usize];
        let first = lines.partition_point(|(day, _)| *day <= from).saturating_sub(1);
        let mut within = lines[first..].iter().take_while(|(day, _)| *day < to);
        within.any(|(_, above)| above.contains(&manager))
    }

    /// The days, from and to before, on which a manager is above a payee, in order; the last may be open.
    pub fn below(&self, payee: u32, manager: u32) -> Vec<(Day, Option<Day>)> {
        let lines = &self.lines[payee as usize];
        let ends = lines.iter().skip(1).map(|(day, _)| Some(*day)).chain([None]);
        let spans = lines.iter().zip(ends).filter(|((_, above), _)| above.contains(&manager));
        spans.map(|((from, _), to)| (*from, to)).collect()
    }

    /// Whoever has ever reported to a payee directly, by id.
    pub fn reports(&self, payee: u32) -> &[u32] {
        &self.reports[payee as usize]
    }

    /// The payee and everyone who was ever below, by id.
    pub fn under(&self, payee: u32) -> BTreeSet<u32> {
        let mut under = BTreeSet::from([payee]);
        let mut open = vec![payee];
        while let Some(next) = open.pop() {
            open.extend(self.reports(next).iter().copied().filter(|report| under.insert(*report)));
        }
        under
    }

    /// The manager of a payee on a day: of the assignment in force, if the manager has one in force too.
    fn manager_on(&self, payee: u32, day: Day) -> Option<u32> {
        let at = payee as usize;
        let place = self.payees[at].assignments.iter().position(|assignment| assignment.covers(day))?;
        let manager = self.managers[at][place]?;
        self.is_assigned(manager, day).then_some(manager)
    }

    /// Draws every payee's reporting line once: crediting looks it up for every share of every event.
    pub(super) fn draw_lines(&mut self) {
        let count = self.payees.len();
        let mut reports = vec![BTreeSet::new(); count];
        for (payee, managers) in (0_u32..).zip(self.managers.iter()) {
            for manager in managers.iter().flatten() {
                reports[*manager as usize].insert(payee);
            }
        }
        self.reports = Arc::new(reports.into_iter().map(|reports| reports.into_iter().collect()).collect());
        self.lines = Arc::new((0_u32..).take(count).map(|payee| self.line(payee)).collect());
    }

    /// The line above a payee changes only where an assignment of somebody in it begins or ends.
    fn line(&self, payee: u32) -> Line {
        let (mut everyone, mut open) = (BTreeSet::from([payee]), vec![payee]);
        while let Some(next) = open.pop() {
            let managers = self.managers[next as usize].iter().flatten();
            open.extend(managers.copied().filter(|manager| everyone.insert(*manager)));
        }
        let assignments = everyone.iter().flat_map(|payee| &self.payees[*payee as usize].assignments);
        let days: BTreeSet<Day> = assignments.flat_map(|a| [Some(a.from), a.to]).flatten().collect();
        let mut line = Line::new();
        for day in days {
            let mut above = Vec::new();
            // Lines have no circle; were one stored all the same, the walk still ends.
            while let Some(manager) = self.manager_on(*above.last().unwrap_or(&payee), day)
                && above.len() < everyone.len()
            {
                above.push(manager);
            }
            if line.last().is_none_or(|(_, before)| *before != above) {
                line.push((day, above));
            }
        }
        line
    }
}
