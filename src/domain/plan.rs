//! Compensation plans: versioned, dated sets of components (semantics 8).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::date::{Period, WindowKind};
use super::fault::Violations;
use super::id::{ComponentId, MeasureId, PlanId};
use super::measure::Unit;
use super::money::Currency;
use super::number::{Number, Percent, Quantity};

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
    /// How it pays.
    pub payout: Payout,
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

/// What part of a reversal is taken back, by its age in days: from the credit's date to its own (semantics 8.4).
/// A credit and its reversals together then never earn less than zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Clawback {
    /// The percent of the first step that the age is within; none after the last.
    Steps(Vec<ClawbackStep>),
    /// All within `full_days`, then what is left of `term_days` in proportion, none after.
    ProRata {
        /// Days, inclusive, within which all is taken back.
        full_days: u32,
        /// Days after which nothing is taken back.
        term_days: u32,
    },
}

/// A step of a clawback schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClawbackStep {
    /// Up to this age in days, inclusive.
    pub days: u32,
    /// The part taken back.
    pub percent: Percent,
}

/// How a component pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Payout {
    /// Rates by tier.
    Rates(Rates),
}

/// Rates on a measure's credits by tier (semantics 8.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// The measure whose credits are paid on.
    pub measure: MeasureId,
    /// The measure whose credits, and quota, move the line; absent: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<MeasureId>,
    /// How tiers price credits.
    pub mode: RateMode,
    /// With `MARGINAL`: tiers whose edge is at most this price retroactively.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retroactive_to: Option<Number>,
    /// What tier edges are on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub axis: Axis,
    /// What a rate is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pays: RateKind,
    /// Tiers by lower edge, the first 0, ascending, the last open.
    pub tiers: Vec<Tier>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How tiers price credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RateMode {
    /// Each slice of the total at its own tier's rate.
    Marginal,
    /// The tier reached prices everything in the window from the first unit.
    Retroactive,
    /// Each credit wholly at the tier in which it starts, a negative one at the tier in which it ends.
    WholeCredit,
}

/// What tier edges are on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Axis {
    /// Percent of the effective quota.
    #[default]
    Attainment,
    /// What has accumulated, as money.
    Amount,
    /// What has accumulated, as a number.
    Units,
    /// The amount of the credit's deal.
    DealAmount,
    /// The margin of the credit's deal in percent of its amount.
    MarginPercent,
}

/// What a tier's rate is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RateKind {
    /// Percent of the credit, which is money.
    #[default]
    Percent,
    /// Money for each unit of the credit, which is a number.
    PerUnit,
    /// Money for each started block of so many units; of each tier's total, not of each credit.
    PerBlock(Quantity),
    /// A multiple of the base rate: yearly target incentive x `target_percent` / yearly quota.
    BaseRate,
}

/// A tier `[edge, next edge)` and its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Lower edge: percent on the axes attainment and margin percent, else money or a number of units.
    pub edge: Number,
    /// Whether a value exactly on the edge belongs to the tier below: the edge must be exceeded.
    #[serde(default, skip_serializing_if = "is_false")]
    pub edge_lower: bool,
    /// What [`RateKind`] says; may be negative.
    pub rate: Number,
    /// Paid once when the tier is reached, in minor units; what that means is the mode's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<i64>,
}

impl Axis {
    /// Whether edges are in percent.
    pub fn in_percent(self) -> bool {
        matches!(self, Axis::Attainment | Axis::MarginPercent)
    }

    /// Whether the tier is looked up by the deal instead of by what has accumulated.
    pub fn by_deal(self) -> bool {
        matches!(self, Axis::DealAmount | Axis::MarginPercent)
    }

    /// The unit that edges are stated in, as the contract ends the names of their fields.
    pub fn suffix(self) -> &'static str {
        match self {
            Axis::Attainment | Axis::MarginPercent => "percent",
            Axis::Amount | Axis::DealAmount => "amount",
            Axis::Units => "units",
        }
    }
}

impl Rates {
    /// The measure that moves the line.
    pub fn line(&self) -> &MeasureId {
        self.line.as_ref().unwrap_or(&self.measure)
    }
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
        let named = self.components.iter().flat_map(|component| {
            let Payout::Rates(rates) = &component.payout;
            [&rates.measure, rates.line()]
        });
        named.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Component {
    /// Notes what is wrong between the fields of a component, under `path`.
    pub fn check(&self, path: &str, violations: &mut Violations) {
        let Payout::Rates(rates) = &self.payout;
        let at = format!("{path}.rates");
        rates.check(&at, violations);
        if self.window == WindowKind::Deal {
            if rates.axis == Axis::Attainment {
                violations
                    .add(format!("{at}.axis"), "must not be attainment in single deals: they have no quota");
            }
            if rates.line.is_some() {
                violations.add(format!("{at}.line_measure_id"), "must be absent in single deals");
            }
        }
        match (rates.pays, self.target_percent) {
            (RateKind::BaseRate, None) => violations.add(
                format!("{path}.target_percent"),
                "must be given where rates are multiples of the base rate",
            ),
            (_, Some(percent)) if percent < Percent::ZERO || percent > Percent::HUNDRED => {
                violations.add(format!("{path}.target_percent"), format!("must be 0 to 100, got {percent}"))
            }
            (_, None | Some(_)) => {}
        }
        if let Some(clawback) = &self.clawback {
            clawback.check(&format!("{path}.clawback"), violations);
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
        let Payout::Rates(rates) = &self.payout;
        let (paid, line) = (unit(&rates.measure), unit(rates.line()));
        match (rates.pays, paid) {
            (RateKind::Percent, Some(Unit::Number)) => violations.add(
                format!("{path}.rates.measure_id"),
                format!("must count money where rates are percents, got {}", rates.measure),
            ),
            (RateKind::PerUnit | RateKind::PerBlock(_), Some(Unit::Money)) => violations.add(
                format!("{path}.rates.measure_id"),
                format!("must count a number where rates are per unit or block, got {}", rates.measure),
            ),
            (RateKind::BaseRate, Some(paid)) if line.is_some_and(|line| line != paid) => violations.add(
                format!("{path}.rates.line_measure_id"),
                format!(
                    "must count the same unit as {} where rates are multiples of the base rate, got {}",
                    rates.measure,
                    rates.line()
                ),
            ),
            (RateKind::Percent | RateKind::PerUnit | RateKind::PerBlock(_) | RateKind::BaseRate, _) => {}
        }
        let other = match (rates.axis, line) {
            (Axis::Amount, Some(Unit::Number)) => "a number: edges must be edge_units",
            (Axis::Units, Some(Unit::Money)) => "money: edges must be edge_amount",
            (Axis::Attainment | Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent, _) => {
                return;
            }
        };
        violations
            .add(format!("{path}.rates.axis"), format!("must fit {}, which counts {other}", rates.line()));
    }
}

impl Clawback {
    fn check(&self, path: &str, violations: &mut Violations) {
        match self {
            Clawback::Steps(steps) => {
                let at = format!("{path}.steps");
                if steps.is_empty() || steps.len() > MAX_PARTS {
                    violations.add(&at, format!("must be 1 to {MAX_PARTS}, got {}", steps.len()));
                }
                for (place, step) in steps.iter().enumerate() {
                    let percent = step.percent;
                    if percent < Percent::ZERO || percent > Percent::HUNDRED {
                        violations.add(
                            format!("{at}[{place}].percent"),
                            format!("must be 0 to 100, got {percent}"),
                        );
                    }
                    let Some(before) = place.checked_sub(1).and_then(|before| steps.get(before)) else {
                        continue;
                    };
                    if step.days <= before.days {
                        let (days, least) = (step.days, before.days);
                        violations
                            .add(format!("{at}[{place}].days"), format!("must be above {least}, got {days}"));
                    }
                    if percent > before.percent {
                        violations.add(
                            format!("{at}[{place}].percent"),
                            format!(
                                "must not be above the step before it, {}, got {percent}",
                                before.percent
                            ),
                        );
                    }
                }
            }
            Clawback::ProRata { full_days, term_days } if term_days <= full_days => violations
                .add(format!("{path}.term_days"), format!("must be above {full_days}, got {term_days}")),
            Clawback::ProRata { .. } => {}
        }
    }
}

impl Rates {
    fn check(&self, path: &str, violations: &mut Violations) {
        self.check_tiers(path, violations);
        let marginal = self.mode == RateMode::Marginal;
        match self.axis {
            Axis::DealAmount if self.mode == RateMode::Retroactive => violations
                .add(format!("{path}.axis"), "must not be the deal amount where tiers price retroactively"),
            Axis::MarginPercent if self.mode != RateMode::WholeCredit => violations.add(
                format!("{path}.axis"),
                "must not be the margin percent unless tiers price whole credits",
            ),
            Axis::Attainment | Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent => {}
        }
        if self.retroactive_to.is_some() && (!marginal || self.axis.by_deal()) {
            violations.add(
                format!("{path}.retroactive_to_{}", self.axis.suffix()),
                "must be absent unless tiers are marginal over attainment or an amount",
            );
        }
        if self.axis.by_deal() && self.line.is_some() {
            violations
                .add(format!("{path}.line_measure_id"), "must be absent where the deal decides the tier");
        }
        if let RateKind::PerBlock(block) = self.pays
            && block <= Quantity(0)
        {
            violations.add(format!("{path}.block_quantity"), format!("must be above zero, got {block}"));
        }
    }

    fn check_tiers(&self, path: &str, violations: &mut Violations) {
        let tiers = format!("{path}.tiers");
        let edge = format!("edge_{}", self.axis.suffix());
        if self.tiers.is_empty() || self.tiers.len() > MAX_PARTS {
            violations.add(&tiers, format!("must be 1 to {MAX_PARTS}, got {}", self.tiers.len()));
        }
        if let Some(first) = self.tiers.first().filter(|tier| tier.edge != Number::ZERO) {
            violations
                .add(format!("{tiers}[0].{edge}"), format!("the first edge must be 0, got {}", first.edge));
        }
        for (place, pair) in self.tiers.windows(2).enumerate() {
            if pair[1].edge <= pair[0].edge {
                let (value, before) = (pair[1].edge, pair[0].edge);
                violations.add(
                    format!("{tiers}[{}].{edge}", place + 1),
                    format!("must be above the edge before it, {before}, got {value}"),
                );
            }
        }
        for (place, _) in self.tiers.iter().enumerate().filter(|(_, tier)| tier.flat.is_some()) {
            if self.axis.by_deal() {
                violations.add(
                    format!("{tiers}[{place}].flat_amount"),
                    "must be absent where the deal decides the tier: no total reaches it",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_lower_edges_from_zero_ascending() {
        for (edges, faults) in [
            (vec!["0"], 0),
            (vec!["0", "50", "100"], 0),
            (vec![], 1),
            (vec!["10"], 1),
            (vec!["-1", "0"], 1),
            (vec!["0", "50", "50"], 1),
            (vec!["0", "100", "50"], 1),
            (vec!["5", "5"], 2),
        ] {
            let tier = |edge: &&str| Tier {
                edge: Number::parse(edge).unwrap(),
                edge_lower: false,
                rate: Number::ZERO,
                flat: None,
            };
            let rates = Rates {
                measure: "m".parse().unwrap(),
                line: None,
                mode: RateMode::Marginal,
                retroactive_to: None,
                axis: Axis::Attainment,
                pays: RateKind::Percent,
                tiers: edges.iter().map(tier).collect(),
            };
            let mut violations = Violations::default();
            rates.check("rates", &mut violations);
            assert_eq!(violations.len(), faults, "{edges:?}: {violations:?}");
        }
    }
}
