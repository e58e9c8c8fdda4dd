//! Whom a deal touches, and whose credits a payee's earnings are made of: the two questions whose answers decide how
//! little has to be read. What makes one payee's earnings depend on another's belongs here.

use std::collections::BTreeSet;

use crate::domain::date::Period;
use crate::domain::facts::Facts;
use crate::domain::id::PlanId;
use crate::domain::payee::Payee;
use crate::domain::plan::{Component, Payout, Plan};

use super::book::Book;
use super::segment;

/// The payees, by index, whose earnings the deals of these facts can move up to the end of a period: whoever is
/// credited with them, directly or up the reporting line on the day, and whoever shares something with one of those.
pub fn touched(facts: &Facts, through: Period) -> Vec<u32> {
    let book = Book::open(facts, through);
    let count = u32::try_from(facts.payees.len()).unwrap_or(u32::MAX);
    let credited = |payee: &u32| !book.direct(*payee).is_empty() || !book.rolled_up(*payee).is_empty();
    let credited: Vec<u32> = (0..count).filter(credited).collect();
    let sharing = credited.iter().flat_map(|payee| sharing(facts, *payee));
    let touched: BTreeSet<u32> = sharing.chain(credited.iter().copied()).collect();
    touched.into_iter().collect()
}

/// The payees whose credits the earnings of some payees are made of: their own, and those of all who were ever below
/// them.
pub fn read_by(facts: &Facts, payees: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
    let payees: Vec<u32> = payees.into_iter().collect();
    needed(facts, &payees).into_iter().flat_map(|payee| facts.under(payee)).collect()
}

/// The payees whose figures those of some are made of, themselves among them: with whom they share something, and all
/// below whom an override looks at.
pub fn needed(facts: &Facts, payees: &[u32]) -> BTreeSet<u32> {
    let mut needed: BTreeSet<u32> = payees.iter().copied().collect();
    let depends = |component: &Component| component.is_shared() || is_override(component);
    if !facts.plans.iter().any(|version| version.plan.components.iter().any(depends)) {
        return needed;
    }
    let mut open: Vec<u32> = payees.to_vec();
    while let Some(next) = open.pop() {
        let mut others = sharing(facts, next);
        if plans(facts, next).any(|plan| plan.components.iter().any(is_override)) {
            others.extend(facts.under(next));
        }
        open.extend(others.into_iter().filter(|other| needed.insert(*other)));
    }
    needed
}

fn is_override(component: &Component) -> bool {
    matches!(component.payout, Payout::Override(_))
}

/// Every plan version that a payee is ever paid by.
fn plans(facts: &Facts, payee: u32) -> impl Iterator<Item = &Plan> {
    segment::spans(facts, payee).into_iter().filter_map(|span| span.version).map(|version| &version.plan)
}

/// Whoever is ever assigned to a plan by whose components a payee shares something.
fn sharing(facts: &Facts, payee: u32) -> BTreeSet<u32> {
    let shared = plans(facts, payee).filter(|plan| plan.components.iter().any(Component::is_shared));
    assigned(facts, &shared.map(|plan| &plan.id).collect())
}

/// Whoever is ever assigned to one of some plans.
pub fn assigned(facts: &Facts, plans: &BTreeSet<&PlanId>) -> BTreeSet<u32> {
    let is = |payee: &Payee| {
        payee.assignments.iter().any(|on| on.plan.as_ref().is_some_and(|plan| plans.contains(plan)))
    };
    (0_u32..).zip(facts.payees.iter()).filter(|(_, payee)| is(payee)).map(|(payee, _)| payee).collect()
}
