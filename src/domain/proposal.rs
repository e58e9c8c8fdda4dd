//! Proposals of quotas (semantics 7): a goal given down the reporting line, or figures added up from below, kept and
//! talked over before they are published. Whoever has reports in a proposal has an envelope: what his direct reports
//! have together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::date::{Day, Period, Window, WindowKind};
use super::exact::Exact;
use super::fault::Violations;
use super::id::{MeasureId, PayeeId, ProposalId};
use super::measure::Unit;
use super::money::Currency;
use super::number::{INTEGER_DIGITS, Percent, QUANTITY_DECIMALS, Quantity, SMALL_DIGITS, WHOLE, trimmed};
use super::quota::{MONTHS, check_ramp, check_seasonality};

/// Most months that a history spans.
pub const MAX_HISTORY: i32 = 120;
/// Most levels that over-assignment is stated for.
pub const MAX_LEVELS: usize = 20;
/// Most over-assignment of a level.
const MOST_OVER: Percent = Percent(WHOLE * 10);

/// A proposal of quotas as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The proposal's name.
    pub id: ProposalId,
    /// What it says, but for its figures.
    pub body: Body,
}

/// What a proposal says, but for its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// What was asked for.
    pub terms: Terms,
    /// Percent of the year by month, as it is published with the quotas.
    pub seasonality: Option<[Percent; MONTHS]>,
    /// The journal number of the facts that it was computed on.
    pub computed_as_of: i64,
    /// Whether its figures are quotas by now. They change no longer then.
    pub published: bool,
}

/// What a proposal is asked to be. Figures are minor units of `currency`, without one millionths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who is at the top of it.
    pub root: PayeeId,
    /// What is counted towards the figures of those without reports.
    pub measure: MeasureId,
    /// What is counted towards the figures of those with reports; absent: the same.
    pub team_measure: Option<MeasureId>,
    /// Over which span.
    pub window: Window,
    /// The currency of every figure; absent: the measure counts a number.
    pub currency: Option<Currency>,
    /// Every figure is a whole number of these; above zero.
    pub step: i64,
    /// What the figures are made from.
    pub way: Way,
    /// What the payees have done before.
    pub history: History,
    /// What binds everybody without reports.
    pub limits: Limits,
    /// What binds single payees; what is stated here takes the place of the same in `limits`.
    pub payee_limits: BTreeMap<PayeeId, Limits>,
    /// How the year is spread over its months.
    pub season: Season,
}

/// From the top down, or from below up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Way {
    /// A goal is given down the reporting line.
    Allocate(Allocation),
    /// Figures of those without reports are added up.
    Project(Projection),
}

/// A goal and how it is given down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The goal at the top.
    pub goal: i64,
    /// By what.
    pub weigh: Weigh,
    /// Weights that single payees have instead.
    pub weights: BTreeMap<PayeeId, Quantity>,
    /// By how much those of a level together have more than whom they report to; level 1 reports to the top.
    pub over_assignment: Vec<Percent>,
}

/// What somebody without reports weighs; whoever has reports weighs what they weigh together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Weigh {
    /// One each.
    Equal,
    /// What the payee has done in the span of the history; nothing below zero.
    History,
    /// The potential of the territories that the payee holds on the window's first day.
    TerritoryPotential,
    /// One, times the mean over the window of a percent by month of service.
    RampedCapacity(Vec<Percent>),
    /// What is given; nobody else weighs anything.
    Given,
}

/// How the figure of somebody without reports is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Projection {
    /// The comparable history and so many percent of it more.
    Growth(Percent),
    /// The line that fits the months of the history best, carried on to the window.
    Trend,
    /// As given; nobody else has anything.
    Given(BTreeMap<PayeeId, i64>),
}

/// A span of months that a measure is looked at over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// What is counted.
    pub measure: MeasureId,
    /// The first month.
    pub first: Period,
    /// The last month.
    pub last: Period,
}

/// Bounds of a payee's figure. Growth is in percent of the comparable history and binds whoever has one above zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// At least.
    pub floor: Option<i64>,
    /// At most.
    pub ceiling: Option<i64>,
    /// At least so many percent of the comparable history.
    pub least_percent: Option<Percent>,
    /// At most so many percent of the comparable history.
    pub most_percent: Option<Percent>,
}

/// How the year is spread over its months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Season {
    /// A twelfth each.
    Even,
    /// As given.
    Given([Percent; MONTHS]),
    /// As the history of all together was.
    History,
}

/// Which bound holds a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Bound {
    /// It would be lower.
    Floor,
    /// It would be higher.
    Ceiling,
}

/// A payee's figure in a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Whose.
    pub payee: PayeeId,
    /// Whom the payee reports to; nobody at the top.
    pub manager: Option<PayeeId>,
    /// 0 at the top, 1 for direct reports of the top, and so on.
    pub level: u32,
    /// The figure as it stands.
    pub amount: i64,
    /// How it came about.
    pub made: Made,
}

/// How a figure came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Whether anybody reports to the payee.
    pub team: bool,
    /// The figure as it was proposed first.
    pub proposed: i64,
    /// What the payee weighs, of whom a goal is given to: to be shown only, at most 6 decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// What the payee has done in the span of the history; of whom reports something, what they have done together.
    pub history: i64,
    /// The least that the figure may be, in whole steps.
    pub floor: i64,
    /// The most that it may be, in whole steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<i64>,
    /// The bound that held what was proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
}

impl History {
    /// As many months that are all over on a day, as late as this one's or the last ones before.
    #[must_use]
    pub fn over_on(self, day: Day) -> History {
        let ended = if day == day.period().last_day() { day.period() } else { day.period().plus(-1) };
        let back = self.last.months_since(ended).max(0);
        History { first: self.first.plus(-back), last: self.last.plus(-back), ..self }
    }

    /// How many months it spans.
    pub fn months(&self) -> i32 {
        self.last.months_since(self.first) + 1
    }

    /// The same number of months as a window has, taken evenly from what was done in the span: `done x months of the
    /// window / months of the span`.
    pub fn comparable(&self, done: &Exact, window: Window) -> Exact {
        let part = Exact::ratio(window.kind().months().into(), self.months().into());
        done.mul(&part.unwrap_or(Exact::ZERO))
    }
}

impl Terms {
    /// What its figures are in.
    pub fn unit(&self) -> Unit {
        if self.currency.is_some() { Unit::Money } else { Unit::Number }
    }

    /// Decimals of the whole numbers that its figures are held in.
    pub fn decimals(&self) -> u32 {
        self.currency.map_or(QUANTITY_DECIMALS, Currency::minor_digits)
    }

    /// The largest figure there may be: as many nines before the point as can be asked for.
    pub fn most(&self) -> i64 {
        let digits = if self.currency.is_some() { INTEGER_DIGITS } else { SMALL_DIGITS };
        let digits = u32::try_from(digits).ok().and_then(|digits| digits.checked_add(self.decimals()));
        digits.and_then(|digits| 10_i64.checked_pow(digits)).map_or(i64::MAX, |past| past - 1)
    }

    /// A figure as text.
    pub fn text(&self, figure: i128) -> String {
        match self.currency {
            Some(currency) => currency.amount(figure),
            None => trimmed(figure, QUANTITY_DECIMALS),
        }
    }

    /// What is counted towards a figure.
    pub fn measure_of(&self, team: bool) -> &MeasureId {
        match &self.team_measure {
            Some(measure) if team => measure,
            _ => &self.measure,
        }
    }

    /// By how much those of a level together have more than whom they report to.
    pub fn over(&self, level: u32) -> Percent {
        let stated = match &self.way {
            Way::Allocate(allocation) => allocation.over_assignment.as_slice(),
            Way::Project(_) => &[],
        };
        let place = usize::try_from(level).ok().and_then(|level| level.checked_sub(1));
        place.and_then(|place| stated.get(place)).copied().unwrap_or(Percent::ZERO)
    }

    /// What holds for a payee: what is stated for it, else for all without reports.
    pub fn limits_of(&self, payee: &PayeeId, team: bool) -> Limits {
        let own = self.payee_limits.get(payee).cloned().unwrap_or_default();
        if team {
            return own;
        }
        Limits {
            floor: own.floor.or(self.limits.floor),
            ceiling: own.ceiling.or(self.limits.ceiling),
            least_percent: own.least_percent.or(self.limits.least_percent),
            most_percent: own.most_percent.or(self.limits.most_percent),
        }
    }

    /// Keeps what is stated for single payees where `keep` says so.
    pub fn retain(&mut self, keep: impl Fn(&PayeeId) -> bool) {
        self.payee_limits.retain(|payee, _| keep(payee));
        match &mut self.way {
            Way::Allocate(allocation) => allocation.weights.retain(|payee, _| keep(payee)),
            Way::Project(Projection::Given(figures)) => figures.retain(|payee, _| keep(payee)),
            Way::Project(Projection::Growth(_) | Projection::Trend) => {}
        }
    }

    /// Payees that the terms name besides the top, each with the field it stands in.
    pub fn named(&self) -> Vec<(String, PayeeId)> {
        let limited = self.payee_limits.keys().map(|payee| (format!("payee_limits[{payee}]"), payee));
        let (field, given): (_, Vec<&PayeeId>) = match &self.way {
            Way::Allocate(allocation) => ("allocation.weights", allocation.weights.keys().collect()),
            Way::Project(Projection::Given(figures)) => ("projection.given", figures.keys().collect()),
            Way::Project(_) => ("", Vec::new()),
        };
        let given = given.into_iter().map(|payee| (format!("{field}[{payee}]"), payee));
        limited.chain(given).map(|(field, payee)| (field, payee.clone())).collect()
    }

    /// Notes what is wrong between the fields of a proposal, under `path`.
    pub fn check(&self, path: &str, violations: &mut Violations) {
        let at = |field: &str| if path.is_empty() { field.to_string() } else { format!("{path}.{field}") };
        if self.window.kind() == WindowKind::Deal {
            violations.add(at("window"), "must be a month, quarter, half or year, got single deals");
        }
        if self.step <= 0 {
            violations.add(at("step"), format!("must be above zero, got {}", self.text(self.step.into())));
        }
        self.check_history(&at, violations);
        self.limits.check(self, &at("limits"), violations);
        for (payee, limits) in &self.payee_limits {
            limits.check(self, &at(&format!("payee_limits[{payee}]")), violations);
        }
        if let Season::Given(weights) = &self.season {
            check_seasonality(weights, &at("seasonality_percents"), violations);
        }
        match &self.way {
            Way::Allocate(allocation) => allocation.check(self, &at, violations),
            Way::Project(projection) => projection.check(self, &at, violations),
        }
    }

    fn check_history(&self, at: &impl Fn(&str) -> String, violations: &mut Violations) {
        let History { first, last, .. } = &self.history;
        let months = self.history.months();
        if !(1..=MAX_HISTORY).contains(&months) {
            let rule = format!("must be from first_period {first} on and at most {MAX_HISTORY} months");
            violations.add(at("history.last_period"), format!("{rule}, got {last}"));
        }
        if *last >= self.window.first() {
            let start = self.window.first();
            violations.add(
                at("history.last_period"),
                format!("must be before the window begins, {start}, got {last}"),
            );
        }
        if self.season == Season::History && months % 12 != 0 {
            let rule = "must span whole years, where seasonality comes from it";
            violations.add(at("history"), format!("{rule}, got {months} months"));
        }
    }
}

impl Limits {
    fn check(&self, terms: &Terms, path: &str, violations: &mut Violations) {
        if let (Some(floor), Some(ceiling)) = (self.floor, self.ceiling)
            && floor > ceiling
        {
            let (floor, ceiling) = (terms.text(floor.into()), terms.text(ceiling.into()));
            violations
                .add(format!("{path}.ceiling"), format!("must not be below floor {floor}, got {ceiling}"));
        }
        for (field, percent) in [("least_percent", self.least_percent), ("most_percent", self.most_percent)] {
            if let Some(percent) = percent.filter(|percent| *percent < Percent::ZERO) {
                violations.add(format!("{path}.{field}"), format!("must not be below zero, got {percent}"));
            }
        }
        if let (Some(least), Some(most)) = (self.least_percent, self.most_percent)
            && least > most
        {
            violations.add(
                format!("{path}.most_percent"),
                format!("must not be below least_percent {least}, got {most}"),
            );
        }
    }
}

impl Allocation {
    fn check(&self, terms: &Terms, at: &impl Fn(&str) -> String, violations: &mut Violations) {
        let step = terms.step.max(1);
        if self.goal % step != 0 {
            let (step, goal) = (terms.text(step.into()), terms.text(self.goal.into()));
            violations
                .add(at("allocation.goal"), format!("must be a multiple of the step {step}, got {goal}"));
        }
        if self.over_assignment.len() > MAX_LEVELS {
            let count = self.over_assignment.len();
            violations.add(
                at("allocation.over_assignment_percents"),
                format!("must be at most {MAX_LEVELS}, got {count}"),
            );
        }
        for (place, over) in self.over_assignment.iter().enumerate() {
            if *over < Percent::ZERO || *over > MOST_OVER {
                let field = at(&format!("allocation.over_assignment_percents[{place}]"));
                violations.add(field, format!("must be 0 to {MOST_OVER}, got {over}"));
            }
        }
        if self.weigh == Weigh::Given && self.weights.values().all(|weight| weight.0 == 0) {
            violations.add(at("allocation.weights"), "must name somebody who weighs more than zero");
        }
        if let Weigh::RampedCapacity(ramp) = &self.weigh {
            check_ramp(ramp, &at("allocation.ramp_percents"), violations);
        }
    }
}

impl Projection {
    fn check(&self, terms: &Terms, at: &impl Fn(&str) -> String, violations: &mut Violations) {
        match self {
            Projection::Growth(percent) => {
                if *percent < Percent(-WHOLE) {
                    let message = format!("must not be below -100, got {percent}");
                    violations.add(at("projection.growth_percent"), message);
                }
            }
            Projection::Trend => {
                if terms.history.months() < 2 {
                    violations.add(
                        at("history"),
                        "must span two months at least: a trend is a line through months",
                    );
                }
            }
            Projection::Given(figures) => {
                if figures.is_empty() {
                    violations.add(at("projection.given"), "must name somebody");
                }
            }
        }
    }
}

/// What those who report to somebody have together, in steps: `steps x (100 + over) percent`, half away from zero.
/// Steps are not below zero.
pub fn envelope(steps: i128, over: Percent) -> Option<i128> {
    let whole = i128::from(WHOLE);
    let part = whole.checked_add(i128::from(over.0))?;
    // Twice, so that half a step needs no fraction.
    let twice = steps.checked_mul(part)?.checked_mul(2)?;
    Some(twice.checked_add(whole)?.div_euclid(2 * whole))
}

/// The least and the most steps whose envelope lies within bounds. The least may be above the most: then there are none.
pub fn enveloping(least: i128, most: Option<i128>, over: Percent) -> Option<(i128, Option<i128>)> {
    let whole = i128::from(WHOLE);
    let twice = whole.checked_add(i128::from(over.0))?.checked_mul(2)?;
    // An envelope is at least n where twice the figure times the part is at least (2n - 1) times the whole.
    let reaching = |envelope: i128| -> Option<i128> {
        let odd = envelope.checked_mul(2)?.checked_sub(1)?.checked_mul(whole)?;
        Some(odd.checked_add(twice)?.checked_sub(1)?.div_euclid(twice).max(0))
    };
    let most = match most {
        Some(most) => Some(reaching(most.checked_add(1)?)?.checked_sub(1)?),
        None => None,
    };
    Some((reaching(least)?, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_is_not_stated_is_of_months_that_are_over() {
        let period = |text: &str| Period::parse(text).unwrap();
        let (first, last) = (period("2026-04"), period("2026-06"));
        for (day, expected) in [
            ("2026-07-01", "2026-04 2026-06"),
            ("2026-06-30", "2026-04 2026-06"),
            ("2026-06-29", "2026-03 2026-05"),
            ("2026-05-15", "2026-02 2026-04"),
            ("2026-01-31", "2025-11 2026-01"),
            ("2027-03-01", "2026-04 2026-06"),
        ] {
            let history = History { measure: "own".parse().unwrap(), first, last };
            let over = history.over_on(Day::parse(day).unwrap());
            assert_eq!(format!("{} {}", over.first, over.last), expected, "{day}");
        }
    }

    #[test]
    fn an_envelope_is_rounded_and_found_back_from_its_bounds() {
        let percent = |text: &str| Percent::parse(text).unwrap();
        for (steps, over, expected) in [
            (0, "0", 0),
            (7, "0", 7),
            (10, "5", 11),
            (9, "5", 9),
            (100, "2.5", 103),
            (3, "50", 5),
            (1, "900", 10),
        ] {
            assert_eq!(envelope(steps, percent(over)), Some(expected), "{steps} {over}");
        }
        for over in ["0", "0.000001", "5", "33.333333", "50", "100", "900"] {
            let over = percent(over);
            for least in 0..40 {
                for most in least..40 {
                    let fits = |steps: i128| (least..=most).contains(&envelope(steps, over).unwrap());
                    let found: Vec<i128> = (0..50).filter(|steps| fits(*steps)).collect();
                    let (low, high) = enveloping(least, Some(most), over).unwrap();
                    match (found.first(), found.last()) {
                        (Some(first), Some(last)) => assert_eq!((low, high), (*first, Some(*last))),
                        _ => assert!(Some(low) > high, "{least} {most} {over}"),
                    }
                }
            }
        }
    }
}
