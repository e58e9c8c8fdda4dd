//! Payees, their dated assignments and the reporting lines these make (semantics 4).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::date::Day;
use super::fault::Violations;
use super::id::{PayeeId, PlanId, TerritoryId};
use super::money::Currency;
use super::version::{SourceVersion, Standing};

/// Most assignments one payee may have.
pub const MAX_ASSIGNMENTS: usize = 200;

/// What kind of earner a payee is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayeeKind {
    /// A person.
    Person,
    /// A partner firm, an office or a team that earns as one.
    Firm,
}

impl PayeeKind {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            PayeeKind::Person => "PERSON",
            PayeeKind::Firm => "FIRM",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [PayeeKind::Person, PayeeKind::Firm].into_iter().find(|kind| kind.name() == name)
    }
}

/// A person or partner firm that can earn, with every assignment it ever had. The order of payees with one source
/// version decides which of them stands; it goes by the fields as they follow each other here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Payee {
    /// The caller's id, usually the payroll number.
    pub id: PayeeId,
    /// Person or firm.
    pub kind: PayeeKind,
    /// Personal data.
    pub name: Option<String>,
    /// Personal data.
    pub email: Option<String>,
    /// Dated records, in order of their first day, without overlaps.
    pub assignments: Vec<Assignment>,
    /// Which state of the payee in its source this is.
    pub source_version: Option<SourceVersion>,
}

/// All that decides pay, for the days `[from, to)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// First day.
    pub from: Day,
    /// First day after it; absent while it goes on.
    pub to: Option<Day>,
    /// Job title, at most 100 characters.
    pub title: Option<String>,
    /// Whom this payee reports to.
    pub manager: Option<PayeeId>,
    /// Where this payee sells.
    pub territory: Option<TerritoryId>,
    /// The plan this payee is paid by; absent: earns nothing.
    pub plan: Option<PlanId>,
    /// Pay at target for a year, in minor units of `currency`.
    pub target_incentive: Option<i64>,
    /// The currency this payee is paid in.
    pub currency: Currency,
}

impl Assignment {
    /// Whether the assignment is in force on a day.
    pub fn covers(&self, day: Day) -> bool {
        self.from <= day && self.to.is_none_or(|to| day < to)
    }

    /// Whether the assignment names a manager on some day from one on.
    fn names(&self, manager: &PayeeId, from: Day) -> bool {
        self.manager.as_ref() == Some(manager) && self.to.is_none_or(|to| from < to)
    }
}

impl Payee {
    /// What becomes of this payee, told now, where another state of it is known.
    pub fn standing(&self, known: &Payee) -> Standing {
        Standing::of((self.source_version, self), (known.source_version, known))
    }

    /// The first day of the assignments without a break between them of which one covers a day; of none the day.
    pub fn serving_since(&self, day: Day) -> Day {
        let before = self.assignments.iter().rev().skip_while(|assignment| assignment.from > day);
        let mut since = day;
        for (place, assignment) in before.enumerate() {
            let joined = if place == 0 { assignment.covers(day) } else { assignment.to == Some(since) };
            if !joined {
                break;
            }
            since = assignment.from;
        }
        since
    }

    /// Notes what is wrong between the fields of a payee, under `path`; sorts its assignments.
    pub fn check(&mut self, path: &str, violations: &mut Violations) {
        if self.assignments.len() > MAX_ASSIGNMENTS {
            let count = self.assignments.len();
            violations.add(
                format!("{path}.assignments"),
                format!("must be at most {MAX_ASSIGNMENTS}, got {count}"),
            );
        }
        for (place, assignment) in self.assignments.iter().enumerate() {
            let at = format!("{path}.assignments[{place}]");
            if let Some(to) = assignment.to.filter(|to| *to <= assignment.from) {
                let from = assignment.from;
                violations
                    .add(format!("{at}.end_date"), format!("must be after start_date {from}, got {to}"));
            }
            if assignment.manager.as_ref() == Some(&self.id) {
                violations.add(format!("{at}.manager_id"), format!("must be another payee, got {}", self.id));
            }
        }
        let mut order: Vec<usize> = (0..self.assignments.len()).collect();
        order.sort_by_key(|place| self.assignments[*place].from);
        for pair in order.windows(2) {
            let (earlier, later) = (&self.assignments[pair[0]], &self.assignments[pair[1]]);
            if earlier.to.is_none_or(|to| to > later.from) {
                let until = earlier.to.map_or("open".to_string(), |to| to.to_string());
                violations.add(
                    format!("{path}.assignments[{}].start_date", pair[1]),
                    format!(
                        "{} overlaps the assignment {}..{until} of payee {}",
                        later.from, earlier.from, self.id
                    ),
                );
            }
        }
        self.assignments.sort_by_key(|assignment| assignment.from);
    }

    /// Whether the payee reports to a manager on a day or later.
    pub fn reports_to(&self, manager: &PayeeId, from: Day) -> bool {
        self.assignments.iter().any(|assignment| assignment.names(manager, from))
    }

    /// Has the payee report to `to` from a day on wherever it reports to `manager`: the assignment in force that
    /// day is cut there, later ones change as they stand.
    pub fn reassign(&mut self, manager: &PayeeId, to: Option<&PayeeId>, from: Day) {
        let mut cut = None;
        for assignment in self.assignments.iter_mut().filter(|assignment| assignment.names(manager, from)) {
            if assignment.from < from {
                cut = Some(Assignment { from, manager: to.cloned(), ..assignment.clone() });
                assignment.to = Some(from);
            } else {
                assignment.manager = to.cloned();
            }
        }
        self.assignments.extend(cut);
        self.assignments.sort_by_key(|assignment| assignment.from);
    }

    /// Ends every assignment at a day, the first without one: what is in force is cut, what begins later goes,
    /// what ended before stays as it is.
    pub fn end(&mut self, day: Day) {
        self.assignments.retain(|assignment| assignment.from < day);
        for assignment in &mut self.assignments {
            assignment.to = Some(assignment.to.map_or(day, |to| to.min(day)));
        }
    }
}

/// One payee's report to a manager, for the days `[from, to)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportingLine {
    /// Who reports.
    pub payee: PayeeId,
    /// To whom.
    pub manager: PayeeId,
    /// First day.
    pub from: Day,
    /// First day after it.
    pub to: Option<Day>,
}

/// Finds a reporting line that leads back to its start on some day: that day and the payees of the circle.
pub fn find_cycle(lines: &[ReportingLine]) -> Option<(Day, Vec<PayeeId>)> {
    // Lines change only on first days, so a circle that exists at all exists on one of them.
    let days: BTreeSet<Day> = lines.iter().map(|line| line.from).collect();
    for day in days {
        let managers: BTreeMap<&PayeeId, &PayeeId> = lines
            .iter()
            .filter(|line| line.from <= day && line.to.is_none_or(|to| day < to))
            .map(|line| (&line.payee, &line.manager))
            .collect();
        let mut cleared = BTreeSet::new();
        for start in managers.keys() {
            let mut path = vec![*start];
            while let Some(next) = path.last().and_then(|last| managers.get(last)) {
                if let Some(place) = path.iter().position(|seen| seen == next) {
                    return Some((day, path[place..].iter().map(|id| (*id).clone()).collect()));
                }
                if cleared.contains(*next) {
                    break;
                }
                path.push(next);
            }
            cleared.extend(path);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn assignment(from: &str, to: Option<&str>) -> Assignment {
        Assignment {
            from: day(from),
            to: to.map(day),
            title: None,
            manager: None,
            territory: None,
            plan: None,
            target_incentive: None,
            currency: Currency::parse("USD").unwrap(),
        }
    }

    #[test]
    fn service_goes_back_over_assignments_without_a_break() {
        let spans =
            [("2020-01-01", Some("2022-01-01")), ("2022-01-01", Some("2023-01-01")), ("2025-03-01", None)];
        let payee = Payee {
            id: PayeeId::try_new("E-1").unwrap(),
            kind: PayeeKind::Person,
            name: None,
            email: None,
            assignments: spans.iter().map(|(from, to)| assignment(from, *to)).collect(),
            source_version: None,
        };
        for (on, since) in [
            ("2021-06-01", "2020-01-01"),
            ("2022-12-31", "2020-01-01"),
            ("2025-03-01", "2025-03-01"),
            ("2026-01-01", "2025-03-01"),
            // On no assignment.
            ("2023-01-01", "2023-01-01"),
            ("2019-01-01", "2019-01-01"),
        ] {
            assert_eq!(payee.serving_since(day(on)), day(since), "{on}");
        }
    }

    #[test]
    fn assignments_of_one_payee_do_not_overlap() {
        let open = |from| (from, None);
        let span = |from, to| (from, Some(to));
        for (spans, faults) in [
            (vec![span("2026-01-01", "2026-02-01"), open("2026-02-01")], 0),
            (vec![open("2026-02-01"), span("2026-01-01", "2026-02-01")], 0),
            (vec![span("2026-01-01", "2026-02-02"), open("2026-02-01")], 1),
            (vec![open("2026-01-01"), open("2026-02-01")], 1),
            (vec![open("2026-01-01"), open("2026-01-01")], 1),
            (vec![span("2026-01-01", "2026-01-01")], 1),
            (vec![span("2026-01-01", "2025-01-01")], 1),
        ] {
            let assignments = spans.iter().map(|(from, to)| assignment(from, *to)).collect();
            let id = PayeeId::try_new("E-1").unwrap();
            let mut payee = Payee {
                id,
                kind: PayeeKind::Person,
                name: None,
                email: None,
                assignments,
                source_version: None,
            };
            let mut violations = Violations::default();
            payee.check("payees[0]", &mut violations);
            assert_eq!(violations.len(), faults, "{spans:?}: {violations:?}");
        }
    }

    /// A payee whose assignments are `from..to manager`.
    fn reporting(lines: &[(&str, &str, &str)]) -> Payee {
        let assignments = lines.iter().map(|(from, to, manager)| Assignment {
            manager: (!manager.is_empty()).then(|| manager.parse().unwrap()),
            ..assignment(from, (!to.is_empty()).then_some(*to))
        });
        let id = PayeeId::try_new("E-1").unwrap();
        let assignments = assignments.collect();
        Payee { id, kind: PayeeKind::Person, name: None, email: None, source_version: None, assignments }
    }

    #[test]
    fn a_report_is_moved_from_a_day_on_wherever_it_names_the_manager() {
        let (old, new) = ("old".parse().unwrap(), "new".parse().unwrap());
        for (before, after) in [
            // In force: cut.
            (
                vec![("2026-01-01", "", "old")],
                vec![("2026-01-01", "2026-03-01", "old"), ("2026-03-01", "", "new")],
            ),
            // Begins that day or later: changed as it stands.
            (vec![("2026-03-01", "", "old")], vec![("2026-03-01", "", "new")]),
            (vec![("2026-03-02", "2026-04-01", "old")], vec![("2026-03-02", "2026-04-01", "new")]),
            // The last day before stays, and so does what names another or nobody.
            (vec![("2026-01-01", "2026-03-01", "old")], vec![("2026-01-01", "2026-03-01", "old")]),
            (vec![("2026-01-01", "", "other")], vec![("2026-01-01", "", "other")]),
            (vec![("2026-01-01", "", "")], vec![("2026-01-01", "", "")]),
            // One day is enough to be cut.
            (
                vec![
                    ("2026-01-01", "2026-03-02", "old"),
                    ("2026-03-02", "2026-05-01", "other"),
                    ("2026-05-01", "", "old"),
                ],
                vec![
                    ("2026-01-01", "2026-03-01", "old"),
                    ("2026-03-01", "2026-03-02", "new"),
                    ("2026-03-02", "2026-05-01", "other"),
                    ("2026-05-01", "", "new"),
                ],
            ),
        ] {
            let mut payee = reporting(&before);
            let reports = payee.reports_to(&old, day("2026-03-01"));
            payee.reassign(&old, Some(&new), day("2026-03-01"));
            assert_eq!(payee, reporting(&after), "{before:?}");
            assert_eq!(reports, before != after, "{before:?}");
        }
        let mut payee = reporting(&[("2026-01-01", "", "old")]);
        payee.reassign(&old, None, day("2026-03-01"));
        assert_eq!(payee, reporting(&[("2026-01-01", "2026-03-01", "old"), ("2026-03-01", "", "")]));
    }

    #[test]
    fn assignments_end_at_a_day_and_none_is_made_longer() {
        for (before, after) in [
            (vec![("2026-01-01", "", "")], vec![("2026-01-01", "2026-03-01", "")]),
            (vec![("2026-01-01", "2026-03-02", "")], vec![("2026-01-01", "2026-03-01", "")]),
            (vec![("2026-01-01", "2026-02-01", "")], vec![("2026-01-01", "2026-02-01", "")]),
            (vec![("2026-02-28", "", ""), ("2026-03-01", "", "")], vec![("2026-02-28", "2026-03-01", "")]),
            (vec![("2026-03-01", "2026-04-01", ""), ("2026-04-01", "", "")], vec![]),
        ] {
            let mut payee = reporting(&before);
            payee.end(day("2026-03-01"));
            assert_eq!(payee, reporting(&after), "{before:?}");
        }
    }

    #[test]
    fn reporting_lines_have_no_cycle_on_any_day() {
        let line = |payee: &str, manager: &str, from: &str, to: Option<&str>| ReportingLine {
            payee: payee.parse().unwrap(),
            manager: manager.parse().unwrap(),
            from: day(from),
            to: to.map(day),
        };
        let swap = [
            line("a", "b", "2026-01-01", Some("2026-02-01")),
            line("b", "a", "2026-02-01", None),
            line("c", "a", "2026-01-01", None),
        ];
        assert_eq!(find_cycle(&swap), None);
        let meet = [line("a", "b", "2026-01-01", Some("2026-02-02")), line("b", "a", "2026-02-01", None)];
        assert_eq!(
            find_cycle(&meet).map(|(day, ids)| (day.to_string(), ids.len())),
            Some(("2026-02-01".into(), 2))
        );
        let long = [
            line("a", "b", "2026-01-01", None),
            line("b", "c", "2026-01-01", None),
            line("c", "a", "2026-01-01", None),
        ];
        assert_eq!(find_cycle(&long).map(|(_, ids)| ids.len()), Some(3));
    }
}
