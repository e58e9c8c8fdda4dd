//! Rates by tier (semantics 8.1).

use serde::{Deserialize, Serialize};

use super::{MAX_PARTS, is_default, is_false};
use crate::domain::fault::Violations;
use crate::domain::id::MeasureId;
use crate::domain::measure::Unit;
use crate::domain::number::{Number, Quantity};

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// The measures it names, with their paths under `path`.
    pub(super) fn named<'a>(&'a self, path: &str) -> impl Iterator<Item = (String, &'a MeasureId)> + use<'a> {
        let line = self.line.as_ref().map(|line| (format!("{path}.line_measure_id"), line));
        [(format!("{path}.measure_id"), &self.measure)].into_iter().chain(line)
    }

    pub(super) fn check_units(
        &self,
        path: &str,
        unit: impl Fn(&MeasureId) -> Option<Unit>,
        violations: &mut Violations,
    ) {
        let (paid, line) = (unit(&self.measure), unit(self.line()));
        match (self.pays, paid) {
            (RateKind::Percent, Some(Unit::Number)) => violations.add(
                format!("{path}.measure_id"),
                format!("must count money where rates are percents, got {}", self.measure),
            ),
            (RateKind::PerUnit | RateKind::PerBlock(_), Some(Unit::Money)) => violations.add(
                format!("{path}.measure_id"),
                format!("must count a number where rates are per unit or block, got {}", self.measure),
            ),
            (RateKind::BaseRate, Some(paid)) if line.is_some_and(|line| line != paid) => violations.add(
                format!("{path}.line_measure_id"),
                format!(
                    "must count the same unit as {} where rates are multiples of the base rate, got {}",
                    self.measure,
                    self.line()
                ),
            ),
            (RateKind::Percent | RateKind::PerUnit | RateKind::PerBlock(_) | RateKind::BaseRate, _) => {}
        }
        let other = match (self.axis, line) {
            (Axis::Amount, Some(Unit::Number)) => "a number: edges must be edge_units",
            (Axis::Units, Some(Unit::Money)) => "money: edges must be edge_amount",
            (Axis::Attainment | Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent, _) => {
                return;
            }
        };
        violations.add(format!("{path}.axis"), format!("must fit {}, which counts {other}", self.line()));
    }
}

impl Rates {
    pub(super) fn check(&self, path: &str, violations: &mut Violations) {
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
