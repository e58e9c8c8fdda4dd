//! Plans being written, and what would be missing once they count.

use std::collections::BTreeSet;

use super::date::{Calendar, Period, WindowKind};
use super::id::{ComponentId, DraftId, PayeeId};
use super::payee::{Assignment, Payee};
use super::plan::{Component, Plan};
use super::quota::QuotaKey;

/// A plan being written. It may have any fault, so its body is the text that its author's tool wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The draft's name.
    pub id: DraftId,
    /// The plan as far as it is written: the contract's message as JSON.
    pub body: String,
    /// The first period it is to count in, where that is known.
    pub effective_from: Option<Period>,
}

/// What is missing for a payee once a plan counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Whose.
    pub payee: PayeeId,
    /// By which component; absent: the whole plan.
    pub component: Option<ComponentId>,
    /// What is missing.
    pub message: String,
}

/// What would be missing for those who are assigned to a plan on some day from a period on: by payee, each thing once.
/// `payees` stand by id. Quotas are looked for in the first window only: later ones are set later.
pub fn warnings(
    plan: &Plan,
    from: Period,
    payees: &[Payee],
    quotas: &BTreeSet<QuotaKey>,
    calendar: &Calendar,
) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for payee in payees {
        let before = warnings.len();
        let counts = |assignment: &&Assignment| {
            assignment.plan.as_ref() == Some(&plan.id) && assignment.to.is_none_or(|to| to > from.start())
        };
        for assignment in payee.assignments.iter().filter(counts) {
            let first = assignment.from.max(from.start());
            let mut warn = |component: Option<&Component>, message: String| {
                let component = component.map(|component| component.id.clone());
                let warning = Warning { payee: payee.id.clone(), component, message };
                if !warnings.iter().skip(before).any(|known| *known == warning) {
                    warnings.push(warning);
                }
            };
            if assignment.currency != plan.currency {
                let (theirs, plans) = (assignment.currency, plan.currency);
                warn(None, format!("is paid in {theirs}, the plan pays in {plans}"));
            }
            for component in &plan.components {
                if component.needs_incentive() && assignment.target_incentive.is_none() {
                    warn(Some(component), format!("has no target incentive on {first}"));
                }
                let year = calendar.window(WindowKind::Year, first.period());
                for (measure, kind) in component.quotas() {
                    let window = calendar.window(kind, first.period());
                    let has = |window| {
                        let (payee, measure) = (payee.id.clone(), measure.clone());
                        quotas.contains(&QuotaKey { payee, measure, window })
                    };
                    if !has(window) && !has(year) {
                        let window = if kind == WindowKind::Deal { year } else { window };
                        let window = calendar.window_text(window);
                        warn(Some(component), format!("has no quota of {measure} for {window}"));
                    }
                }
            }
        }
    }
    warnings
}
