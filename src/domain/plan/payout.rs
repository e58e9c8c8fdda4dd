//! Ways to pay beside rates by tier (semantics 8.2).

use serde::{Deserialize, Serialize};

use super::curve::{Curve, Gauge, Source};
use super::rates::{Axis, RateKind, RateMode, Rates, Tier};
use super::{MAX_PARTS, Target, is_false};
use crate::domain::date::{Day, WindowKind};
use crate::domain::fault::Violations;
use crate::domain::id::{ComponentId, MeasureId};
use crate::domain::number::{Number, Percent, Quantity};

/// When something is due that is not made of credits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Due {
    /// In the window's last period, and not before.
    #[default]
    WindowEnd,
    /// In every period, as far as the curve has come by its end.
    Progressive,
}

/// A target times what a curve gives. In single deals for each credit, by what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bonus {
    /// What a curve of 100 percent pays.
    pub target: Target,
    /// How much of it.
    pub curve: Curve,
    /// When.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub due: Due,
}

/// Scored objectives: target x sum of weight x score, due at window end; a missing score is zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objectives {
    /// What all objectives at 100 percent pay.
    pub target: Target,
    /// The objectives; their weights sum to exactly 100 percent.
    pub objectives: Vec<Objective>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// The outside measure whose figure is the score in percent.
    pub measure: MeasureId,
    /// Its part of the whole, above 0.
    pub weight: Percent,
}

/// An amount for each unit that a measure counts, between dates, for the first so many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spiff {
    /// What is counted: deals, with a measure of their count, or units.
    pub measure: MeasureId,
    /// For one, in major units of money; may be negative.
    pub amount: Number,
    /// Paid for so many from the window's start; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Quantity>,
    /// First day that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// First day that no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Day>,
}

impl Spiff {
    /// A SPIFF is rates by the unit: the amount up to the first so many, nothing above.
    pub fn rates(&self) -> Rates {
        let tier = |edge, rate| Tier { edge, edge_lower: false, rate, flat: None };
        let mut tiers = vec![tier(Number::ZERO, self.amount)];
        tiers.extend(self.first.map(|Quantity(first)| tier(Number(i128::from(first)), Number::ZERO)));
        Rates {
            measure: self.measure.clone(),
            line: None,
            mode: RateMode::Marginal,
            retroactive_to: None,
            axis: Axis::Units,
            pays: RateKind::PerUnit,
            tiers,
        }
    }
}

/// A rate, or a part of a target, by two figures, each on the step it has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// What decides the row.
    pub rows: Scale,
    /// What decides the column.
    pub columns: Scale,
    /// Percents by row, then column; may be negative where they are rates.
    pub cells: Vec<Vec<Percent>>,
    /// What they are percents of.
    pub pays: MatrixPays,
}

/// What the cells of a matrix are percents of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MatrixPays {
    /// Of each credit of a measure that counts money, priced as the cell of its deal, or the cell reached, says.
    Credits(MeasureId),
    /// Of a target.
    Target {
        /// What 100 percent pays.
        target: Target,
        /// When.
        #[serde(default, skip_serializing_if = "super::is_default")]
        due: Due,
    },
}

/// An axis of a matrix: steps by lower edge, the first 0, ascending, the last open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// What is looked at.
    pub gauge: Gauge,
    /// The steps.
    pub edges: Vec<Edge>,
}

/// A lower edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// In what the gauge's axis is in.
    pub edge: Number,
    /// Whether a value exactly on it belongs to the step below.
    #[serde(default, skip_serializing_if = "is_false")]
    pub edge_lower: bool,
}

/// Amounts by place among the members, due at window end. Ties share the sum of the places they cover, split as a
/// whole by payee id; an undefined figure is not placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// What members are ordered by, the highest first.
    pub gauge: Gauge,
    /// For the first, the second …, minor units.
    pub places: Vec<i64>,
}

/// A whole shared among the members by weight, due at window end; the parts sum to the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// What is shared.
    pub fund: Fund,
    /// By what.
    pub by: Weight,
}

/// What a pool holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fund {
    /// Minor units for each window.
    Amount(i64),
    /// A part of what a measure that counts money comes to for all members together, rounded to the minor unit.
    Percent {
        /// The measure.
        measure: MeasureId,
        /// The part.
        percent: Percent,
    },
}

/// What a pool is shared by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Weight {
    /// The same for every member.
    Equal,
    /// By target incentive.
    TargetIncentive,
    /// By a figure; what is undefined or not above zero has no part.
    Gauge(Gauge),
}

/// Rates on the credits of those below, less what the levels between have earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Rates over a rolled-up measure.
    pub rates: Rates,
    /// What those below earn in these components on the same event is taken off, exact and after their modifiers.
    pub less: Vec<ComponentId>,
}

/// Rates on the credits of certain months of a deal: month 1 is the calendar month of its first event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residual {
    /// Rates over a measure of `PAID` events.
    pub rates: Rates,
    /// First month that counts, from 1.
    pub first_month: u32,
    /// Last month that counts.
    pub last_month: u32,
}

impl Bonus {
    pub(super) fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        self.curve.check(window, &format!("{path}.curve"), violations);
        if window != WindowKind::Deal {
            return;
        }
        if self.due == Due::Progressive {
            violations.add(format!("{path}.due"), "must be absent in single deals: each is paid as it comes");
        }
        let each = "must be absent in single deals: what each credit counts is read";
        if self.curve.gauge.component().is_some() {
            violations.add(format!("{path}.curve.gauge.component_id"), each);
        }
        if matches!(&self.curve.gauge.of, Some(Source::Measure { window: Some(_), .. })) {
            violations.add(format!("{path}.curve.gauge.window"), each);
        }
    }
}

impl Objectives {
    pub(super) fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        not_in_single_deals(window, path, violations);
        let at = format!("{path}.objectives");
        count(&at, self.objectives.len(), violations);
        for (place, objective) in self.objectives.iter().enumerate() {
            if objective.weight <= Percent::ZERO {
                let message = format!("must be above 0, got {}", objective.weight);
                violations.add(format!("{at}[{place}].weight_percent"), message);
            }
        }
        let sum: i128 = self.objectives.iter().map(|objective| i128::from(objective.weight.0)).sum();
        if !self.objectives.is_empty() && sum != i128::from(Percent::HUNDRED.0) {
            violations.add(at, format!("weights must sum to exactly 100, got {}", Number(sum)));
        }
    }
}

impl Spiff {
    pub(super) fn check(&self, path: &str, violations: &mut Violations) {
        if let Some(first) = self.first.filter(|first| *first <= Quantity(0)) {
            violations.add(format!("{path}.first_quantity"), format!("must be above zero, got {first}"));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to <= from
        {
            violations.add(format!("{path}.end_date"), format!("must be after {from}, got {to}"));
        }
    }
}

impl Matrix {
    pub(super) fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        self.rows.check(window, &format!("{path}.rows"), violations);
        self.columns.check(window, &format!("{path}.columns"), violations);
        let (rows, columns) = (self.rows.edges.len(), self.columns.edges.len());
        if self.cells.len() != rows {
            let message =
                format!("must be one for each of the {rows} edges of rows, got {}", self.cells.len());
            violations.add(format!("{path}.cells"), message);
        }
        for (place, row) in self.cells.iter().enumerate().filter(|(_, row)| row.len() != columns) {
            let message =
                format!("must be one for each of the {columns} edges of columns, got {}", row.len());
            violations.add(format!("{path}.cells[{place}].percents"), message);
        }
        if let MatrixPays::Target { .. } = &self.pays {
            not_in_single_deals(window, path, violations);
            self.check_parts(path, violations);
            for (name, scale) in [("rows", &self.rows), ("columns", &self.columns)] {
                if scale.gauge.axis.by_deal() {
                    let message = "must not be by the deal where a target is paid";
                    violations.add(format!("{path}.{name}.gauge.axis"), message);
                }
            }
        }
    }
}

impl Matrix {
    /// Parts of a target are not below zero, as a curve's are not.
    fn check_parts(&self, path: &str, violations: &mut Violations) {
        for (row, percents) in self.cells.iter().enumerate() {
            let below = percents.iter().enumerate().filter(|(_, percent)| **percent < Percent::ZERO);
            for (column, percent) in below {
                let message = format!("must not be below zero, got {percent}");
                violations.add(format!("{path}.cells[{row}].percents[{column}]"), message);
            }
        }
    }
}

impl Scale {
    fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        self.gauge.check(window, true, &format!("{path}.gauge"), violations);
        let at = format!("{path}.edges");
        count(&at, self.edges.len(), violations);
        let name = format!("edge_{}", self.gauge.axis.suffix());
        if let Some(first) = self.edges.first().filter(|first| first.edge != Number::ZERO) {
            violations
                .add(format!("{at}[0].{name}"), format!("the first edge must be 0, got {}", first.edge));
        }
        ascending(&at, &name, self.edges.iter().map(|edge| edge.edge), violations);
    }
}

impl Rank {
    pub(super) fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        not_in_single_deals(window, path, violations);
        self.gauge.check(window, false, &format!("{path}.gauge"), violations);
        count(&format!("{path}.place_amounts"), self.places.len(), violations);
        for (place, amount) in self.places.iter().enumerate().filter(|(_, amount)| **amount < 0) {
            let message = format!("must not be below zero, got {amount} minor units");
            violations.add(format!("{path}.place_amounts[{place}]"), message);
        }
    }
}

impl Pool {
    pub(super) fn check(&self, window: WindowKind, path: &str, violations: &mut Violations) {
        not_in_single_deals(window, path, violations);
        if let Fund::Amount(amount) = self.fund
            && amount < 0
        {
            violations
                .add(format!("{path}.amount"), format!("must not be below zero, got {amount} minor units"));
        }
        if let Fund::Percent { percent, .. } = self.fund
            && percent < Percent::ZERO
        {
            violations.add(format!("{path}.percent"), format!("must not be below zero, got {percent}"));
        }
        if let Weight::Gauge(gauge) = &self.by {
            gauge.check(window, false, &format!("{path}.gauge"), violations);
        }
    }
}

impl Override {
    pub(super) fn check(&self, path: &str, violations: &mut Violations) {
        self.rates.check(&format!("{path}.rates"), violations);
        count(&format!("{path}.less_component_ids"), self.less.len(), violations);
    }
}

impl Residual {
    pub(super) fn check(&self, path: &str, violations: &mut Violations) {
        self.rates.check(&format!("{path}.rates"), violations);
        if self.first_month == 0 {
            violations.add(format!("{path}.first_month"), "must be at least 1, got 0");
        }
        if self.last_month < self.first_month {
            let message = format!("must be at least {}, got {}", self.first_month, self.last_month);
            violations.add(format!("{path}.last_month"), message);
        }
    }
}

fn not_in_single_deals(window: WindowKind, path: &str, violations: &mut Violations) {
    if window == WindowKind::Deal {
        violations.add(path, "must not be in single deals: it is due at a window's end");
    }
}

pub(super) fn count(path: &str, count: usize, violations: &mut Violations) {
    if count == 0 || count > MAX_PARTS {
        violations.add(path, format!("must be 1 to {MAX_PARTS}, got {count}"));
    }
}

pub(super) fn ascending(
    path: &str,
    name: &str,
    edges: impl Iterator<Item = Number> + Clone,
    violations: &mut Violations,
) {
    for (place, (before, edge)) in edges.clone().zip(edges.skip(1)).enumerate() {
        if edge <= before {
            let message = format!("must be above the edge before it, {before}, got {edge}");
            violations.add(format!("{path}[{}].{name}", place + 1), message);
        }
    }
}
