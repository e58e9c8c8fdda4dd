//! Tests that a plan carries: a few facts, and what they must earn. Computed by the calculation that closes periods, on
//! facts that nobody stores.

use std::collections::BTreeMap;

use crate::calc::{Calculation, RULES_REVISION};
use crate::domain::date::Period;
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{ComponentId, PayeeId, PlanId};
use crate::domain::money::Currency;

use super::App;
use super::facts::off_thread;

/// A figure's place: whose, by which component, earned in which period.
pub type Place = (PayeeId, ComponentId, Period);

/// One test, made ready.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub title: String,
    /// The plan that is tested.
    pub plan: PlanId,
    /// What is given.
    pub facts: Facts,
    /// Up to the end of which period it runs.
    pub through: Period,
    /// All that is earned under the plan, minor units; what is not named must be zero.
    pub expected: BTreeMap<Place, i128>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What it shows.
    pub title: String,
    /// Currency of the figures.
    pub currency: Currency,
    /// Every figure that is expected or earned, in order.
    pub figures: Vec<Figure>,
    /// What the facts leave open: none may be.
    pub problems: Vec<String>,
}

/// A figure as it should be and as it is, minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub place: Place,
    pub expected: i128,
    pub earned: i128,
}

impl Figure {
    /// Whether it is as it should be.
    pub fn holds(&self) -> bool {
        self.expected == self.earned
    }
}

impl Outcome {
    /// Whether every figure is as it should be and nothing is open.
    pub fn passed(&self) -> bool {
        self.problems.is_empty() && self.figures.iter().all(Figure::holds)
    }

    /// What is not as it should be, a sentence each.
    pub fn failures(&self) -> Vec<String> {
        let differs = self.figures.iter().filter(|figure| !figure.holds());
        let figure = |figure: &Figure| {
            let (payee, component, period) = &figure.place;
            let [expected, earned] =
                [figure.expected, figure.earned].map(|minor| self.currency.amount(minor));
            format!("{payee} by {component} in {period}: expected {expected}, earned {earned}")
        };
        let open = self.problems.iter().map(|problem| format!("a question is open: {problem}"));
        differs.map(figure).chain(open).collect()
    }
}

impl App {
    /// Runs tests, off the runtime's threads; answers what came of them, and the revision of the rules.
    pub async fn run_tests(&self, cases: Vec<Case>) -> Result<(Vec<Outcome>, u32), Fault> {
        let outcomes = off_thread(move || cases.iter().map(run).collect()).await?;
        Ok((outcomes, RULES_REVISION))
    }
}

/// Runs a test.
pub fn run(case: &Case) -> Outcome {
    let calculation = Calculation::open(&case.facts, case.through);
    let all = calculation.earn_all(|| {});
    let mut figures: BTreeMap<Place, Figure> = BTreeMap::new();
    let mut figure = |place: &Place, expected: i128, earned: i128| {
        let none = || Figure { place: place.clone(), expected: 0, earned: 0 };
        let figure = figures.entry(place.clone()).or_insert_with(none);
        (figure.expected, figure.earned) = (figure.expected + expected, figure.earned + earned);
    };
    for (place, amount) in &case.expected {
        figure(place, *amount, 0);
    }
    for key in all.iter().flat_map(|payee| &payee.keys).filter(|key| key.key.plan == case.plan) {
        for (period, amount) in key.earned_in.range(..=case.through) {
            figure(&(key.key.payee.clone(), key.key.component.clone(), *period), 0, *amount);
        }
    }
    // What is earned in one window and taken back in another is nothing.
    figures
        .retain(|place, figure| !figure.holds() || figure.earned != 0 || case.expected.contains_key(place));
    let problems = calculation.problems().chain(all.iter().flat_map(|payee| &payee.problems));
    Outcome {
        title: case.title.clone(),
        currency: case.facts.calendar.currency,
        figures: figures.into_values().collect(),
        problems: problems.map(ToString::to_string).collect(),
    }
}

/// Refuses a plan whose tests do not all pass: the fault names every one that fails, and the first figure.
pub fn refuse_failed(plan: &PlanId, cases: &[Case]) -> Result<(), Fault> {
    let (mut violations, mut first) = (Violations::default(), None);
    for (place, case) in cases.iter().enumerate() {
        let outcome = run(case);
        for failure in outcome.failures() {
            violations.add(format!("tests[{place}]"), format!("{}: {failure}", case.title));
        }
        if !outcome.passed() && first.is_none() {
            first = Some(outcome);
        }
    }
    let Some(first) = first else { return Ok(()) };
    let sentence = first.failures().into_iter().next().unwrap_or_default();
    let message = format!("plan {plan} fails its tests: {}: {sentence}", first.title);
    let mut fault = Fault::new(Reason::PlanTestsFailed, message)
        .with("plan", plan)
        .with("test", &first.title)
        .violating(violations);
    if let Some(figure) = first.figures.iter().find(|figure| !figure.holds()) {
        let (payee, component, period) = &figure.place;
        let [expected, earned] = [figure.expected, figure.earned].map(|minor| first.currency.amount(minor));
        fault = fault.with("payee", payee).with("component", component).with("period", period);
        fault = fault.with("expected", expected).with("earned", earned);
    }
    Err(fault)
}
