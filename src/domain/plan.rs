//! Compensation plans: versioned, dated sets of components (semantics 8).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::date::{Period, WindowKind};
use super::fault::Violations;
use super::id::{ComponentId, MeasureId, PlanId};
use super::money::Currency;
use super::number::Percent;

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
    /// When a reversal counts.
    pub reversal: ReversalRule,
    /// How it pays.
    pub payout: Payout,
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
    /// Rates by tier of attainment.
    Rates(Rates),
}

/// Rates on a measure's credits by the tier that its attainment has reached (semantics 8.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// The measure whose credits are paid on and whose quota makes the attainment.
    pub measure: MeasureId,
    /// How tiers price credits.
    pub mode: RateMode,
    /// Tiers by lower edge, the first 0, ascending, the last open.
    pub tiers: Vec<Tier>,
}

/// How tiers price credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RateMode {
    /// Each slice of the total at its own tier's rate.
    Marginal,
}

/// A tier `[edge, next edge)` and its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Lower edge in percent of the effective quota.
    pub edge: Percent,
    /// Percent of the credit; may be negative.
    pub rate: Percent,
}

impl Plan {
    /// Notes what is wrong between the fields of a plan, under `path`.
    pub fn check(&self, path: &str, violations: &mut Violations) {
        let components = format!("{path}.components");
        if self.components.is_empty() || self.components.len() > MAX_PARTS {
            violations.add(&components, format!("must be 1 to {MAX_PARTS}, got {}", self.components.len()));
        }
        let mut seen = BTreeSet::new();
        for (place, component) in self.components.iter().enumerate() {
            if !seen.insert(&component.id) {
                let id = &component.id;
                violations.add(
                    format!("{components}[{place}].component_id"),
                    format!("must be unique in the plan, got {id} again"),
                );
            }
            let Payout::Rates(rates) = &component.payout;
            rates.check(&format!("{components}[{place}].rates"), violations);
        }
    }
}

impl Rates {
    fn check(&self, path: &str, violations: &mut Violations) {
        let tiers = format!("{path}.tiers");
        if self.tiers.is_empty() || self.tiers.len() > MAX_PARTS {
            violations.add(&tiers, format!("must be 1 to {MAX_PARTS}, got {}", self.tiers.len()));
        }
        if let Some(first) = self.tiers.first().filter(|tier| tier.edge != Percent::ZERO) {
            violations.add(
                format!("{tiers}[0].edge_percent"),
                format!("the first edge must be 0, got {}", first.edge),
            );
        }
        for (place, pair) in self.tiers.windows(2).enumerate() {
            if pair[1].edge <= pair[0].edge {
                let (edge, before) = (pair[1].edge, pair[0].edge);
                violations.add(
                    format!("{tiers}[{}].edge_percent", place + 1),
                    format!("must be above the edge before it, {before}, got {edge}"),
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
            let tiers =
                edges.iter().map(|edge| Tier { edge: Percent::parse(edge).unwrap(), rate: Percent::ZERO });
            let rates =
                Rates { measure: "m".parse().unwrap(), mode: RateMode::Marginal, tiers: tiers.collect() };
            let mut violations = Violations::default();
            rates.check("rates", &mut violations);
            assert_eq!(violations.len(), faults, "{edges:?}: {violations:?}");
        }
    }
}
