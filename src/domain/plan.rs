//! Compensation plans: versioned, dated sets of components (semantics 8).

mod clawback;
mod curve;
mod modifier;
mod payout;
mod rates;
mod reference;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::date::{Period, WindowKind};
use super::fault::Violations;
use super::id::{ComponentId, MeasureId, PlanId};
use super::measure::Unit;
use super::money::Currency;
use super::number::Percent;
use super::quota::Proration;

pub use clawback::{Clawback, ClawbackStep};
pub use curve::{Curve, Gauge, Point, Shape, Source, contains};
pub use modifier::{Gate, Limit, Modifiers, PlanCap, WindowCap};
pub use payout::{
    Bonus, Due, Edge, Fund, Matrix, MatrixPays, Objective, Objectives, Override, Pool, Rank, Residual, Scale,
    Spiff, Weight,
};
pub use rates::{Axis, RateKind, RateMode, Rates, Tier};

/// Most components of a plan, and most tiers of a component.
pub const MAX_PARTS: usize = 100;

/// A plan as its author writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The plan's name in assignments.
    pub id: PlanId,
    /// What people call it, at most 200 characters.
    pub name: String,
    /// Whoever is assigned to the plan is paid in it.
    pub currency: Currency,
    /// The promises, in the order statements show them.
    pub components: Vec<Component>,
    /// A cap on all of them together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<PlanCap>,
}

/// A published plan: it never changes and counts from the first day of `effective_from` until the next version's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion {
    /// 1, 2, 3 … in order of publication.
    pub version: u32,
    /// The first period it counts in.
    pub effective_from: Period,
    /// What was published.
    pub plan: Plan,
}

/// One promise of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Kept across versions as long as it is the same promise.
    pub id: ComponentId,
    /// What people call it, at most 200 characters.
    pub name: String,
    /// The span over which it accumulates.
    pub window: WindowKind,
    /// When a reversal counts. In single deals it always counts with its credit.
    pub reversal: ReversalRule,
    /// What of a reversal is taken back, by its age; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clawback: Option<Clawback>,
    /// Whether reversals leave the line where it is, so that they never move later credits to a lower tier.
    #[serde(default, skip_serializing_if = "is_false")]
    pub line_kept: bool,
    /// What part of the target incentive this component stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_percent: Option<Percent>,
    /// What part of a window a segment is, where a target, a window cap or a window floor is stated per window.
    #[serde(default, skip_serializing_if = "is_default")]
    pub proration: Proration,
    /// How it pays.
    pub payout: Payout,
    /// What changes the price.
    #[serde(default, skip_serializing_if = "is_default")]
    pub modifiers: Modifiers,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// When a reversal counts (semantics 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReversalRule {
    /// On its own date, in the segment in force then.
    OwnDate,
    /// Where the credit it takes back was earned.
    AtOrigin,
}

/// How a component pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Payout {
    /// Rates by tier.
    Rates(Rates),
    /// A target by a curve.
    Bonus(Bonus),
    /// Scored objectives.
    Objectives(Objectives),
    /// An amount for each unit.
    Spiff(Spiff),
    /// A rate or a part of a target by two figures.
    Matrix(Matrix),
    /// Amounts by place.
    Rank(Rank),
    /// A shared whole.
    Pool(Pool),
    /// Rates less what the levels below earned.
    Override(Override),
    /// Rates in certain months of a deal.
    Residual(Residual),
}

/// What a payout is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Target {
    /// Minor units for each window; in single deals for each credit.
    Amount(i64),
    /// The component's part of the window's share of the target incentive: yearly x months / 12 x `target_percent`.
    Incentive,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Notes what is wrong with the components of a plan by their ids alone, under `path`. Empty ids are passed over.
pub fn check_ids<'a>(ids: impl ExactSizeIterator<Item = &'a str>, path: &str, violations: &mut Violations) {
    if ids.len() == 0 || ids.len() > MAX_PARTS {
        violations.add(path, format!("must be 1 to {MAX_PARTS}, got {}", ids.len()));
        return;
    }
    let mut seen = BTreeSet::new();
    for (place, id) in ids.enumerate().filter(|(_, id)| !id.is_empty()) {
        if !seen.insert(id) {
            let field = format!("{path}[{place}].component_id");
            violations.add(field, format!("must be unique in the plan, got {id} again"));
        }
    }
}

impl Plan {
    /// Every measure that the plan reads.
    pub fn measures(&self) -> Vec<MeasureId> {
        let named = self.components.iter().flat_map(Component::measures);
        named.map(|(_, id)| id.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Payout {
    /// The rates that price credits, if that is how it pays.
    pub fn rates(&self) -> Option<Cow<'_, Rates>> {
        match self {
            Payout::Rates(rates) => Some(Cow::Borrowed(rates)),
            Payout::Override(payout) => Some(Cow::Borrowed(&payout.rates)),
            Payout::Residual(payout) => Some(Cow::Borrowed(&payout.rates)),
            Payout::Spiff(spiff) => Some(Cow::Owned(spiff.rates())),
            Payout::Bonus(_)
            | Payout::Objectives(_)
            | Payout::Matrix(_)
            | Payout::Rank(_)
            | Payout::Pool(_) => None,
        }
    }

    /// The name of its field in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Payout::Rates(_) => "rates",
            Payout::Bonus(_) => "bonus",
            Payout::Objectives(_) => "objectives",
            Payout::Spiff(_) => "spiff",
            Payout::Matrix(_) => "matrix",
            Payout::Rank(_) => "rank",
            Payout::Pool(_) => "pool",
            Payout::Override(_) => "override",
            Payout::Residual(_) => "residual",
        }
    }

    /// The target, if it has one.
    pub fn target(&self) -> Option<Target> {
        match self {
            Payout::Bonus(bonus) => Some(bonus.target),
            Payout::Objectives(objectives) => Some(objectives.target),
            Payout::Matrix(Matrix { pays: MatrixPays::Target { target, .. }, .. }) => Some(*target),
            Payout::Matrix(_)
            | Payout::Rates(_)
            | Payout::Spiff(_)
            | Payout::Rank(_)
            | Payout::Pool(_)
            | Payout::Override(_)
            | Payout::Residual(_) => None,
        }
    }
}

impl Component {
    /// Everything that is looked at besides the credits paid on, with its path in the contract.
    pub fn gauges(&self) -> Vec<(String, &Gauge)> {
        let payout = match &self.payout {
            Payout::Bonus(bonus) => vec![("bonus.curve.gauge", &bonus.curve.gauge)],
            Payout::Matrix(matrix) => {
                vec![
                    ("matrix.rows.gauge", &matrix.rows.gauge),
                    ("matrix.columns.gauge", &matrix.columns.gauge),
                ]
            }
            Payout::Rank(rank) => vec![("rank.gauge", &rank.gauge)],
            Payout::Pool(Pool { by: Weight::Gauge(gauge), .. }) => vec![("pool.gauge", gauge)],
            Payout::Pool(_)
            | Payout::Rates(_)
            | Payout::Objectives(_)
            | Payout::Spiff(_)
            | Payout::Override(_)
            | Payout::Residual(_) => Vec::new(),
        };
        let payout = payout.into_iter().map(|(path, gauge)| (path.to_string(), gauge));
        payout
            .chain(self.modifiers.gauges().map(|(path, gauge)| (format!("modifiers.{path}"), gauge)))
            .collect()
    }

    /// Every measure that the component names, with its path in the contract.
    pub fn measures(&self) -> Vec<(String, &MeasureId)> {
        let mut named: Vec<(String, &MeasureId)> = Vec::new();
        match &self.payout {
            Payout::Rates(rates) => named.extend(rates.named("rates")),
            Payout::Override(payout) => named.extend(payout.rates.named("override.rates")),
            Payout::Residual(payout) => named.extend(payout.rates.named("residual.rates")),
            Payout::Spiff(spiff) => named.push(("spiff.measure_id".into(), &spiff.measure)),
            Payout::Objectives(objectives) => {
                let each = objectives.objectives.iter().enumerate();
                named.extend(each.map(|(place, objective)| {
                    (format!("objectives.objectives[{place}].measure_id"), &objective.measure)
                }));
            }
            Payout::Matrix(Matrix { pays: MatrixPays::Credits(measure), .. }) => {
                named.push(("matrix.measure_id".into(), measure));
            }
            Payout::Pool(Pool { fund: Fund::Percent { measure, .. }, .. }) => {
                named.push(("pool.measure_id".into(), measure));
            }
            Payout::Bonus(_) | Payout::Matrix(_) | Payout::Rank(_) | Payout::Pool(_) => {}
        }
        for (path, gauge) in self.gauges() {
            named.extend(gauge.measure().map(|measure| (format!("{path}.measure_id"), measure)));
        }
        named
    }

    /// The measure whose credits are paid on, if credits are.
    pub fn paid(&self) -> Option<&MeasureId> {
        match &self.payout {
            Payout::Rates(rates) => Some(&rates.measure),
            Payout::Override(payout) => Some(&payout.rates.measure),
            Payout::Residual(payout) => Some(&payout.rates.measure),
            Payout::Spiff(spiff) => Some(&spiff.measure),
            Payout::Matrix(Matrix { pays: MatrixPays::Credits(measure), .. }) => Some(measure),
            Payout::Bonus(bonus) if self.window == WindowKind::Deal => bonus.curve.gauge.measure(),
            Payout::Bonus(_)
            | Payout::Matrix(_)
            | Payout::Objectives(_)
            | Payout::Rank(_)
            | Payout::Pool(_) => None,
        }
    }

    /// The measure that moves the component's line: what a gauge on the component reads.
    pub fn line(&self) -> Option<&MeasureId> {
        match &self.payout {
            Payout::Rates(rates) => Some(rates.line()),
            Payout::Override(payout) => Some(payout.rates.line()),
            Payout::Residual(payout) => Some(payout.rates.line()),
            Payout::Spiff(spiff) => Some(&spiff.measure),
            Payout::Bonus(bonus) => bonus.curve.gauge.measure(),
            Payout::Rank(rank) => rank.gauge.measure(),
            Payout::Matrix(Matrix { pays: MatrixPays::Credits(measure), .. }) => Some(measure),
            Payout::Matrix(_) | Payout::Objectives(_) | Payout::Pool(_) => None,
        }
    }

    /// The measures whose quotas it needs, and in windows of which kind.
    pub fn quotas(&self) -> Vec<(MeasureId, WindowKind)> {
        let rates = self.payout.rates();
        let by_quota =
            |rates: &&Cow<Rates>| rates.axis == Axis::Attainment || rates.pays == RateKind::BaseRate;
        let line = rates.as_ref().filter(by_quota).map(|rates| (rates.line().clone(), self.window));
        let gauged = self.gauges().into_iter().filter_map(|(_, gauge)| match &gauge.of {
            Some(Source::Measure { measure, window }) if gauge.axis == Axis::Attainment => {
                Some((measure.clone(), window.unwrap_or(self.window)))
            }
            Some(Source::Measure { .. } | Source::Component(_)) | None => None,
        });
        line.into_iter().chain(gauged).collect()
    }

    /// Whether it pays a part of the target incentive, or is bounded by one.
    pub fn needs_incentive(&self) -> bool {
        let base_rate = self.payout.rates().is_some_and(|rates| rates.pays == RateKind::BaseRate);
        let by_weight = matches!(&self.payout, Payout::Pool(Pool { by: Weight::TargetIncentive, .. }));
        let gated = self.modifiers.gates.iter().any(|gate| gate.limit_percent.is_some());
        base_rate
            || by_weight
            || self.payout.target() == Some(Target::Incentive)
            || (gated && self.payout.target().is_none())
            || self.modifiers.limits().any(|(_, limit)| matches!(limit, Limit::Incentive(_)))
    }

    /// Every component that this one names.
    pub fn references(&self) -> Vec<&ComponentId> {
        let gauges = self.gauges().into_iter().filter_map(|(_, gauge)| gauge.component());
        gauges.chain(self.less()).collect()
    }

    /// Whether members share in something: rank, pool, budget.
    pub fn is_shared(&self) -> bool {
        matches!(self.payout, Payout::Rank(_) | Payout::Pool(_)) || self.modifiers.budget.is_some()
    }

    /// Notes what is wrong between the fields of a component, under `path`.
    pub fn check(&self, path: &str, violations: &mut Violations) {
        let at = format!("{path}.{}", self.payout.name());
        match &self.payout {
            Payout::Rates(rates) => rates.check(&at, violations),
            Payout::Bonus(bonus) => bonus.check(self.window, &at, violations),
            Payout::Objectives(objectives) => objectives.check(self.window, &at, violations),
            Payout::Spiff(spiff) => spiff.check(&at, violations),
            Payout::Matrix(matrix) => matrix.check(self.window, &at, violations),
            Payout::Rank(rank) => rank.check(self.window, &at, violations),
            Payout::Pool(pool) => pool.check(self.window, &at, violations),
            Payout::Override(payout) => payout.check(&at, violations),
            Payout::Residual(payout) => payout.check(&at, violations),
        }
        self.modifiers.check(self.window, &format!("{path}.modifiers"), violations);
        if self.window == WindowKind::Deal
            && let Some(rates) = self.payout.rates()
        {
            let at = match self.payout {
                Payout::Override(_) | Payout::Residual(_) => format!("{at}.rates"),
                _ => at,
            };
            if rates.axis == Axis::Attainment {
                violations
                    .add(format!("{at}.axis"), "must not be attainment in single deals: they have no quota");
            }
            if rates.line.is_some() {
                violations.add(format!("{at}.line_measure_id"), "must be absent in single deals");
            }
        }
        for name in ["credit_cap", "credit_floor"] {
            let given = self.modifiers.limits().any(|(limit, _)| limit == name);
            if given && self.paid().is_none() {
                let message = "must be absent where no credits are paid on";
                violations.add(format!("{path}.modifiers.{name}"), message);
            }
        }
        self.check_target(path, violations);
        if let Some(clawback) = &self.clawback {
            clawback.check(&format!("{path}.clawback"), violations);
        }
    }

    fn check_target(&self, path: &str, violations: &mut Violations) {
        let field = format!("{path}.target_percent");
        let base_rate = self.payout.rates().is_some_and(|rates| rates.pays == RateKind::BaseRate);
        let of_target = self.payout.target() == Some(Target::Incentive);
        let limits = self.modifiers.gates.iter().any(|gate| gate.limit_percent.is_some());
        match self.target_percent {
            None if base_rate => {
                violations.add(field, "must be given where rates are multiples of the base rate");
            }
            None if of_target => {
                violations.add(field, "must be given where the target is a part of the target incentive");
            }
            None if limits && self.payout.target().is_none() => {
                violations
                    .add(field, "must be given where a gate lets a part of the component's target through");
            }
            Some(percent) if percent < Percent::ZERO || percent > Percent::HUNDRED => {
                violations.add(field, format!("must be 0 to 100, got {percent}"));
            }
            None | Some(_) => {}
        }
    }

    /// Notes where a rate or an edge does not fit what its measure counts, under `path`. Measures that `unit`
    /// does not know are passed over.
    pub fn check_units(
        &self,
        path: &str,
        unit: impl Fn(&MeasureId) -> Option<Unit>,
        violations: &mut Violations,
    ) {
        match &self.payout {
            Payout::Rates(rates) => rates.check_units(&format!("{path}.rates"), &unit, violations),
            Payout::Override(payout) => {
                payout.rates.check_units(&format!("{path}.override.rates"), &unit, violations);
            }
            Payout::Residual(payout) => {
                payout.rates.check_units(&format!("{path}.residual.rates"), &unit, violations);
            }
            Payout::Spiff(spiff) => {
                fits(&format!("{path}.spiff.measure_id"), &spiff.measure, Unit::Number, &unit, violations);
            }
            Payout::Matrix(Matrix { pays: MatrixPays::Credits(measure), .. }) => {
                fits(&format!("{path}.matrix.measure_id"), measure, Unit::Money, &unit, violations);
            }
            Payout::Pool(Pool { fund: Fund::Percent { measure, .. }, .. }) => {
                fits(&format!("{path}.pool.measure_id"), measure, Unit::Money, &unit, violations);
            }
            Payout::Objectives(objectives) => {
                for (place, objective) in objectives.objectives.iter().enumerate() {
                    let at = format!("{path}.objectives.objectives[{place}].measure_id");
                    fits(&at, &objective.measure, Unit::Number, &unit, violations);
                }
            }
            Payout::Bonus(_) | Payout::Matrix(_) | Payout::Rank(_) | Payout::Pool(_) => {}
        }
        for (name, gauge) in self.gauges() {
            let Some(measure) = gauge.measure() else { continue };
            let expected = match gauge.axis {
                Axis::Amount => Unit::Money,
                Axis::Units => Unit::Number,
                Axis::Attainment | Axis::DealAmount | Axis::MarginPercent => continue,
            };
            fits(&format!("{path}.{name}.measure_id"), measure, expected, &unit, violations);
        }
    }
}

/// Notes a measure that does not count what it must.
fn fits(
    path: &str,
    measure: &MeasureId,
    expected: Unit,
    unit: impl Fn(&MeasureId) -> Option<Unit>,
    violations: &mut Violations,
) {
    let words = match expected {
        Unit::Money => "money",
        Unit::Number => "a number",
    };
    if unit(measure).is_some_and(|unit| unit != expected) {
        violations.add(path, format!("must count {words}, got {measure}"));
    }
}
