//! Quotas: a goal for a payee, a measure and a window, and what makes it effective (semantics 7).

mod adjustment;

use serde::{Deserialize, Serialize};

use super::date::{Day, Period, Window, WindowKind};
use super::fault::Violations;
use super::id::{MeasureId, PayeeId};
use super::measure::{Amount, Unit};
use super::money::Currency;
use super::number::{Percent, trimmed};

pub use adjustment::{Adjustment, AdjustmentKind};

/// Most months of a ramp, and most reliefs of a quota.
pub const MAX_PARTS: usize = 100;
/// Months of a fiscal year.
pub const MONTHS: usize = 12;

/// What a quota is set for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaKey {
    /// Whose goal.
    pub payee: PayeeId,
    /// What is counted towards it.
    pub measure: MeasureId,
    /// Over which span.
    pub window: Window,
}

/// A goal and what makes it effective: `goal x seasonality x ramp x proration - relief`, never below zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// What it is set for.
    pub key: QuotaKey,
    /// The currency of all its money. Where the payee is paid in another, it counts converted at the rate of the
    /// window's first day.
    pub currency: Currency,
    /// The goal.
    pub goal: Goal,
    /// Percent of the year by month in fiscal order, summing to exactly 100; absent: a twelfth each.
    pub seasonality: Option<[Percent; MONTHS]>,
    /// The way up of somebody new.
    pub ramp: Option<Ramp>,
    /// What a segment that is part of a window has of its quota.
    pub proration: Proration,
    /// Approved reductions, by day.
    pub reliefs: Vec<Relief>,
}

/// The contract's field that holds a figure.
fn field(amount: Amount) -> &'static str {
    match amount.unit() {
        Unit::Money => "amount",
        Unit::Number => "units",
    }
}

/// Where a goal comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Goal {
    /// Stated; never below zero.
    Amount(Amount),
    /// The sum of the effective quotas, of this measure, of those who report directly on the window's last day.
    SumOfReports(MeasureId),
}

/// Percent of the goal by month of service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    /// Month 1. Months before it have the whole goal.
    pub start: Period,
    /// For month 1, 2, 3 …; the last holds on.
    pub percents: Vec<Percent>,
}

/// How a segment's part of a window is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Proration {
    /// Active days of the window's days.
    #[default]
    Days,
    /// Active days of each month's days, weighted by seasonality.
    Seasonal,
    /// Months whose first day is active, of the window's months.
    Months,
    /// The whole, whatever part of the window it is.
    None,
}

/// An approved reduction. It counts in the segment that holds its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relief {
    /// When it counts.
    pub day: Day,
    /// How much; above zero, in the unit of the quota's measure.
    pub amount: Amount,
}

impl Proration {
    /// All ways.
    pub const ALL: [Proration; 4] =
        [Proration::Days, Proration::Seasonal, Proration::Months, Proration::None];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Proration::Days => "DAYS",
            Proration::Seasonal => "SEASONAL",
            Proration::Months => "MONTHS",
            Proration::None => "NONE",
        }
    }
}

/// Notes what is wrong with the months' parts of a year.
pub fn check_seasonality(weights: &[Percent; MONTHS], field: &str, violations: &mut Violations) {
    let sum: i128 = weights.iter().map(|weight| i128::from(weight.0)).sum();
    if sum != i128::from(Percent::HUNDRED.0) || weights.iter().any(|weight| *weight < Percent::ZERO) {
        let sum = trimmed(sum, super::number::PERCENT_DECIMALS);
        let rule = "must be twelve weights, none below zero, that sum to exactly 100";
        violations.add(field, format!("{rule}, got a sum of {sum}"));
    }
}

/// Notes what is wrong with a ramp's percents by month of service.
pub fn check_ramp(percents: &[Percent], field: &str, violations: &mut Violations) {
    if percents.is_empty() || percents.len() > MAX_PARTS {
        violations.add(field, format!("must be 1 to {MAX_PARTS}, got {}", percents.len()));
    }
    for (place, percent) in percents.iter().enumerate().filter(|(_, percent)| **percent < Percent::ZERO) {
        violations.add(format!("{field}[{place}]"), format!("must not be below zero, got {percent}"));
    }
}

impl Quota {
    /// A stated goal with nothing else to it.
    pub fn stated(key: QuotaKey, currency: Currency, amount: Amount) -> Self {
        let (goal, proration) = (Goal::Amount(amount), Proration::Days);
        Quota { key, currency, goal, seasonality: None, ramp: None, proration, reliefs: Vec::new() }
    }

    /// Notes what is wrong between the fields of a quota, under `path`; puts reliefs in order.
    pub fn check(&mut self, path: &str, violations: &mut Violations) {
        let window = self.key.window;
        if window.kind() == WindowKind::Deal {
            violations
                .add(format!("{path}.window"), "must be a month, quarter, half or year, got single deals");
        }
        if let Goal::Amount(amount) = &self.goal
            && amount.units() < 0
        {
            violations.add(format!("{path}.{}", field(*amount)), "must not be below zero");
        }
        if let Some(weights) = &self.seasonality {
            check_seasonality(weights, &format!("{path}.seasonality_percents"), violations);
        }
        if let Some(ramp) = &self.ramp {
            check_ramp(&ramp.percents, &format!("{path}.ramp.percents"), violations);
        }
        self.check_reliefs(path, violations);
    }

    fn check_reliefs(&mut self, path: &str, violations: &mut Violations) {
        if self.reliefs.len() > MAX_PARTS {
            violations.add(
                format!("{path}.reliefs"),
                format!("must be at most {MAX_PARTS}, got {}", self.reliefs.len()),
            );
        }
        let window = self.key.window;
        for (place, relief) in self.reliefs.iter().enumerate() {
            let at = format!("{path}.reliefs[{place}]");
            if relief.day < window.start() || relief.day >= window.end() {
                let (from, last) = (window.start(), window.last().last_day());
                violations.add(
                    format!("{at}.date"),
                    format!("must be a day of the quota's window, {from} to {last}, got {}", relief.day),
                );
            }
            if relief.amount.units() <= 0 {
                violations.add(format!("{at}.{}", field(relief.amount)), "must be above zero");
            }
        }
        self.reliefs.sort_by_key(|relief| (relief.day, relief.amount.units()));
    }

    /// Whether any of it is money.
    pub fn has_money(&self) -> bool {
        let stated = match &self.goal {
            Goal::Amount(amount) => Some(*amount),
            Goal::SumOfReports(_) => None,
        };
        let mut amounts = stated.into_iter().chain(self.reliefs.iter().map(|relief| relief.amount));
        amounts.any(|amount| amount.unit() == Unit::Money)
    }

    /// Notes every figure, under `path`, that is not in the unit of the quota's measure.
    pub fn check_unit(&self, unit: Unit, path: &str, violations: &mut Violations) {
        let (field, other, must) = match unit {
            Unit::Money => {
                ("units", Unit::Number, "must be empty, an amount given: the measure counts money")
            }
            Unit::Number => {
                ("amount", Unit::Money, "must be empty, units given: the measure counts a number")
            }
        };
        if matches!(&self.goal, Goal::Amount(amount) if amount.unit() == other) {
            violations.add(format!("{path}.{field}"), must);
        }
        for (place, _) in self.reliefs.iter().enumerate().filter(|(_, relief)| relief.amount.unit() == other)
        {
            violations.add(format!("{path}.reliefs[{place}].{field}"), must);
        }
    }
}
