//! Quotas proposed, as data: every file of `tests/allocation` is a reporting line with what everybody did before, what
//! is asked for, and the figures worked out by hand. Pure: no database, no server.

use std::collections::BTreeMap;
use std::path::Path;

use attain::calc::Calculation;
use attain::calc::proposal::{Proposed, Refusal, propose};
use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::facts::{Facts, FactsBuilder};
use attain::domain::fault::Reason;
use attain::domain::measure::{Combine, Measure, Source};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{Number, Percent, Quantity};
use attain::domain::payee::{Assignment, Payee, PayeeKind};
use attain::domain::proposal::{Allocation, Bound, History, Limits, Projection, Season, Terms, Way, Weigh};
use attain::domain::territory::{Holder, Territory};
use serde::Deserialize;

/// A file: everything is of the last quarter of 2025, the history April to September.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    /// The figures worked out by hand, for whoever reads the file.
    #[serde(default)]
    #[allow(dead_code)]
    worked: Vec<String>,
    people: BTreeMap<String, Person>,
    #[serde(default)]
    territories: Vec<Land>,
    /// GIVEN unless it says otherwise.
    #[serde(default)]
    weigh: Option<String>,
    #[serde(default)]
    goal: Option<String>,
    step: String,
    #[serde(default)]
    over_assignment_percents: Vec<Percent>,
    #[serde(default)]
    ramp_percents: Vec<Percent>,
    #[serde(default)]
    ceiling: Option<String>,
    #[serde(default)]
    most_percent: Option<Percent>,
    #[serde(default)]
    growth_percent: Option<Percent>,
    #[serde(default)]
    trend: bool,
    #[serde(default)]
    figures: BTreeMap<String, String>,
    #[serde(default)]
    bounds: BTreeMap<String, Bound>,
    #[serde(default)]
    history: BTreeMap<String, String>,
    /// Reason and message of a refusal.
    #[serde(default)]
    refused: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    #[serde(default)]
    manager: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    /// The first day of a second assignment.
    #[serde(default)]
    back: Option<String>,
    #[serde(default)]
    weight: Option<Quantity>,
    #[serde(default)]
    floor: Option<String>,
    #[serde(default)]
    ceiling: Option<String>,
    /// Units sold by month.
    #[serde(default)]
    done: BTreeMap<String, Quantity>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Land {
    id: String,
    potential: Number,
    holders: Vec<(String, String, Option<String>)>,
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn calendar() -> Calendar {
    Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: period("2025-01"),
    }
}

/// Figures of these files are numbers with two decimals shown; the arithmetic is that of money.
fn units(text: &str) -> i64 {
    Quantity::parse(text.trim_end_matches('0').trim_end_matches('.')).unwrap().0
}

impl Case {
    fn facts(&self) -> Facts {
        let assignment = |person: &Person, from: &str, to: Option<&str>| Assignment {
            from: day(from),
            to: to.map(day),
            title: None,
            manager: person.manager.as_deref().map(|manager| manager.parse().unwrap()),
            territory: None,
            plan: None,
            target_incentive: None,
            currency: Currency::parse("USD").unwrap(),
        };
        let payee = |(id, person): (&String, &Person)| Payee {
            id: id.parse().unwrap(),
            kind: PayeeKind::Person,
            name: None,
            email: None,
            assignments: {
                let from = person.from.as_deref().unwrap_or("2025-01-01");
                let back = person.back.iter().map(|back| assignment(person, back, None));
                let first = assignment(person, from, person.to.as_deref());
                std::iter::once(first).chain(back).collect()
            },
            source_version: None,
        };
        let mut builder = FactsBuilder::new(1, calendar(), self.people.iter().map(payee).collect()).unwrap();
        let source = Source::Outside(Combine::Sum);
        builder.measure(Measure { id: "sold".parse().unwrap(), name: "Sold".into(), source, step: None });
        for land in &self.territories {
            let holder = |(payee, from, to): &(String, String, Option<String>)| Holder {
                payee: payee.parse().unwrap(),
                from: day(from),
                to: to.as_deref().map(day),
            };
            builder.territory(Territory {
                id: land.id.parse().unwrap(),
                name: land.id.clone(),
                potential: Some(land.potential),
                holders: land.holders.iter().map(holder).collect(),
            });
        }
        for (id, person) in &self.people {
            for (month, value) in &person.done {
                use attain::domain::outside::{OutsideValue, ValueKey};
                let day = period(month).last_day();
                let key = ValueKey { payee: id.parse().unwrap(), measure: "sold".parse().unwrap(), day };
                builder.value(&OutsideValue { key, value: Some(*value), source_version: None }).unwrap();
            }
        }
        builder.build().unwrap()
    }

    fn terms(&self) -> Terms {
        let ids = |of: &dyn Fn(&Person) -> Option<Quantity>| {
            let people = self.people.iter();
            people.filter_map(|(id, person)| Some((id.parse().unwrap(), of(person)?))).collect()
        };
        let bounded =
            self.people.iter().filter(|(_, person)| person.floor.is_some() || person.ceiling.is_some());
        let limits = |person: &Person| Limits {
            floor: person.floor.as_deref().map(units),
            ceiling: person.ceiling.as_deref().map(units),
            ..Limits::default()
        };
        let way = match (&self.goal, self.growth_percent) {
            (Some(goal), _) => Way::Allocate(Allocation {
                goal: units(goal),
                weigh: match self.weigh.as_deref() {
                    None => Weigh::Given,
                    Some("EQUAL") => Weigh::Equal,
                    Some("HISTORY") => Weigh::History,
                    Some("TERRITORY_POTENTIAL") => Weigh::TerritoryPotential,
                    Some("RAMPED_CAPACITY") => Weigh::RampedCapacity(self.ramp_percents.clone()),
                    Some(other) => panic!("{other}"),
                },
                weights: ids(&|person| person.weight),
                over_assignment: self.over_assignment_percents.clone(),
            }),
            (None, Some(percent)) => Way::Project(Projection::Growth(percent)),
            (None, None) => {
                assert!(self.trend, "{}", self.title);
                Way::Project(Projection::Trend)
            }
        };
        let measure = "sold".parse().unwrap();
        Terms {
            root: "top".parse().unwrap(),
            measure: "sold".parse().unwrap(),
            team_measure: None,
            window: calendar().window(WindowKind::Quarter, period("2025-10")),
            currency: None,
            step: units(&self.step),
            way,
            history: History { measure, first: period("2025-04"), last: period("2025-09") },
            limits: Limits {
                ceiling: self.ceiling.as_deref().map(units),
                most_percent: self.most_percent,
                ..Limits::default()
            },
            payee_limits: bounded.map(|(id, person)| (id.parse().unwrap(), limits(person))).collect(),
            season: Season::Even,
        }
    }

    fn play(&self) -> Result<Proposed, Refusal> {
        let (facts, terms) = (self.facts(), self.terms());
        let mut violations = attain::domain::fault::Violations::default();
        terms.check("", &mut violations);
        assert!(violations.is_empty(), "{}: {violations:?}", self.title);
        propose(&Calculation::open(&facts, period("2025-09")), &terms)
    }
}

/// The figures of a file are written like money, so that a sum is seen at a glance.
fn shown(units: i64) -> String {
    assert_eq!(units % 10_000, 0, "{units}");
    let hundredths = units / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[test]
fn every_file_gives_the_figures_worked_out_by_hand() {
    let mut paths: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/allocation"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 19, "{paths:?}");
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        match (case.play(), &case.refused) {
            (Ok(proposed), None) => {
                let figures = &proposed.figures;
                let told =
                    |of: &dyn Fn(&attain::domain::proposal::Figure) -> String| -> BTreeMap<String, String> {
                        figures.iter().map(|figure| (figure.payee.to_string(), of(figure))).collect()
                    };
                assert_eq!(told(&|figure| shown(figure.amount)), case.figures, "{}", case.title);
                let bounds =
                    figures.iter().filter_map(|figure| Some((figure.payee.to_string(), figure.made.bound?)));
                assert_eq!(bounds.collect::<BTreeMap<_, _>>(), case.bounds, "{}", case.title);
                if !case.history.is_empty() {
                    assert_eq!(told(&|figure| shown(figure.made.history)), case.history, "{}", case.title);
                }
            }
            (Err(Refusal::Refused(fault)), Some(refused)) => {
                let reason = match fault.reason {
                    Reason::AllocationInfeasible => "ALLOCATION",
                    Reason::ReferenceUnfit => "UNFIT",
                    other => panic!("{}: {other:?}", case.title),
                };
                // Figures of numbers are written without trailing zeros.
                let plain = refused.replace(".00", "");
                assert_eq!(format!("{reason}: {}", fault.message), plain, "{}", case.title);
            }
            (outcome, _) => panic!("{}: {outcome:?}", case.title),
        }
    }
}
