//! What components name of each other, in a plan and across plans: it is there, fits, and leads to no circle
//! (semantics 8.2, 8.3).

use std::collections::{BTreeMap, BTreeSet};

use super::{Component, Payout, Plan, PlanVersion, contains};
use crate::domain::fault::Violations;
use crate::domain::id::ComponentId;
use crate::domain::number::{Number, Percent};

/// Names by who has them.
type References<'a> = BTreeMap<&'a ComponentId, BTreeSet<&'a ComponentId>>;

impl Plan {
    /// Notes what is wrong between the components of a plan, under `path`: parts of the target incentive, and what
    /// components name of each other.
    pub fn check(&self, path: &str, violations: &mut Violations) {
        if let Some(cap) = self.cap {
            cap.check(&format!("{path}.cap"), violations);
        }
        let parts = self.components.iter().filter_map(|component| component.target_percent);
        let sum: i128 = parts.map(|percent| i128::from(percent.0)).sum();
        if sum > i128::from(Percent::HUNDRED.0) {
            let message = format!("target_percent must sum to at most 100, got {}", Number(sum));
            violations.add(format!("{path}.components"), message);
        }
        let by_id: BTreeMap<_, _> =
            self.components.iter().map(|component| (&component.id, component)).collect();
        let names = self.components.iter().map(|part| (&part.id, part.references().into_iter().collect()));
        let names: References = names.collect();
        for (place, component) in self.components.iter().enumerate() {
            let at = format!("{path}.components[{place}]");
            for (name, gauge) in component.gauges() {
                let Some(id) = gauge.component() else { continue };
                let field = format!("{at}.{name}.component_id");
                match by_id.get(id) {
                    None => violations.add(field, format!("must be a component of the plan, got {id}")),
                    Some(named) if named.line().is_none() => {
                        violations.add(field, format!("must be a component that a measure moves, got {id}"));
                    }
                    Some(named) if !contains(named.window, component.window) => {
                        let message = format!("must not have a smaller window than this one, got {id}");
                        violations.add(field, message);
                    }
                    Some(_) => {}
                }
            }
            if reached(&names, &component.id).contains(&component.id) {
                let message =
                    format!("must not lead back to {} by what components name of each other", component.id);
                violations.add(at, message);
            }
        }
    }

    /// Notes what overrides take off that is neither in the plan nor in a published one, and overrides that lead back to
    /// themselves over published plans, under `path`; answers how many are unknown. The plan by itself has no fault.
    /// Every published version counts: months that an earlier one governs are computed for ever.
    pub fn check_less(&self, published: &[PlanVersion], path: &str, violations: &mut Violations) -> usize {
        let mut known = BTreeSet::new();
        let mut namers = References::new();
        let published = published.iter().flat_map(|version| &version.plan.components);
        for component in self.components.iter().chain(published) {
            known.insert(&component.id);
            for less in component.less() {
                namers.entry(less).or_default().insert(&component.id);
            }
        }
        let mut unknown = 0;
        for (place, component) in self.components.iter().enumerate() {
            let at = format!("{path}.components[{place}].override.less_component_ids");
            let leading = reached(&namers, &component.id);
            for (less, id) in component.less().iter().enumerate() {
                let field = format!("{at}[{less}]");
                if !known.contains(id) {
                    violations.add(field, format!("component {id} does not exist"));
                    unknown += 1;
                } else if leading.contains(id) {
                    let own = &component.id;
                    let message =
                        format!("must not lead back to {own} by what published plans take off, got {id}");
                    violations.add(field, message);
                }
            }
        }
        unknown
    }
}

impl Component {
    /// What an override takes off.
    pub fn less(&self) -> &[ComponentId] {
        match &self.payout {
            Payout::Override(payout) => &payout.less,
            Payout::Rates(_)
            | Payout::Bonus(_)
            | Payout::Objectives(_)
            | Payout::Spiff(_)
            | Payout::Matrix(_)
            | Payout::Rank(_)
            | Payout::Pool(_)
            | Payout::Residual(_) => &[],
        }
    }
}

/// All that somebody's names lead to.
fn reached<'a>(names: &References<'a>, from: &ComponentId) -> BTreeSet<&'a ComponentId> {
    let of = |id| names.get(id).into_iter().flatten().copied();
    let (mut seen, mut open): (BTreeSet<_>, Vec<_>) = (BTreeSet::new(), of(from).collect());
    while let Some(next) = open.pop() {
        if seen.insert(next) {
            open.extend(of(next));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::date::{Period, WindowKind};
    use crate::domain::money::Currency;
    use crate::domain::number::Number;
    use crate::domain::plan::{Axis, Override, RateKind, RateMode, Rates, ReversalRule, Tier};

    /// A plan of overrides, each with what it takes off.
    fn overrides(id: &str, components: &[(&str, &[&str])]) -> Plan {
        let rates = Rates {
            measure: "below".parse().unwrap(),
            line: None,
            mode: RateMode::WholeCredit,
            retroactive_to: None,
            axis: Axis::Amount,
            pays: RateKind::Percent,
            tiers: vec![Tier { edge: Number::ZERO, edge_lower: false, rate: Number::ZERO, flat: None }],
        };
        let component = |(id, less): &(&str, &[&str])| Component {
            id: id.parse().unwrap(),
            name: id.to_string(),
            window: WindowKind::Month,
            reversal: ReversalRule::OwnDate,
            clawback: None,
            line_kept: false,
            target_percent: None,
            proration: Default::default(),
            payout: Payout::Override(Override {
                rates: rates.clone(),
                less: less.iter().map(|id| id.parse().unwrap()).collect(),
            }),
            modifiers: Default::default(),
        };
        Plan {
            id: id.parse().unwrap(),
            name: id.into(),
            currency: Currency::parse("USD").unwrap(),
            components: components.iter().map(component).collect(),
            cap: None,
        }
    }

    fn version(version: u32, plan: Plan) -> PlanVersion {
        PlanVersion { version, effective_from: Period::parse("2026-01").unwrap(), plan }
    }

    #[test]
    fn what_is_taken_off_is_known_and_leads_back_to_nobody() {
        let published = [
            version(1, overrides("lead", &[("lead", &["rep"]), ("rep", &[])])),
            // A version that no longer takes it off governs its months for ever.
            version(1, overrides("vp", &[("vp", &["director"])])),
            version(2, overrides("vp", &[("vp", &["rep"])])),
        ];
        let at = "plan.components[0].override.less_component_ids";
        let back = "by what published plans take off";
        for (less, expected, unknown) in [
            (vec!["lead", "rep"], vec![], 0),
            (vec!["lead", "vp"], vec![format!("{at}[1] must not lead back to director {back}, got vp")], 0),
            (
                vec!["gone", "vp"],
                vec![
                    format!("{at}[0] component gone does not exist"),
                    format!("{at}[1] must not lead back to director {back}, got vp"),
                ],
                1,
            ),
        ] {
            let plan = overrides("director", &[("director", &less)]);
            let mut violations = Violations::default();
            assert_eq!(plan.check_less(&published, "plan", &mut violations), unknown);
            let said: Vec<_> = violations.into_vec().iter().map(ToString::to_string).collect();
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn a_hundred_components_that_all_name_each_other_are_judged_at_once() {
        let ids: Vec<_> = (0..100).map(|place| format!("c{place}")).collect();
        let names: Vec<_> = ids.iter().map(String::as_str).collect();
        let components: Vec<_> = names.iter().map(|id| (*id, names.as_slice())).collect();
        let plan = overrides("p", &components);
        let mut violations = Violations::default();
        plan.check("plan", &mut violations);
        assert_eq!(violations.len(), 100);
        let mut violations = Violations::default();
        plan.check_less(&[version(1, plan.clone())], "plan", &mut violations);
        assert_eq!(violations.len(), 10_000);
    }
}
