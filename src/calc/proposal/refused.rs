//! Why a goal cannot be given down, in words that name the goal, the bounds and the payees.

use crate::calc::allocate::Unsplit;
use crate::calc::allocate::tree::{Infeasible, Member, Tree, Why};
use crate::domain::exact::Exact;
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::PayeeId;
use crate::domain::proposal::Terms;

use super::{step, too_large};

/// Most payees that a refusal names.
const NAMED: usize = 10;

pub(super) fn refused<'a>(
    terms: &Terms,
    members: &[Member],
    tree: &Tree,
    infeasible: &Infeasible,
    id: &impl Fn(usize) -> &'a PayeeId,
) -> Fault {
    let Infeasible { at, goal, why } = *infeasible;
    let told = |steps: i128| terms.text(steps.saturating_mul(step(terms)));
    let who = id(at);
    let below = || {
        let mut below = vec![at];
        let mut next = 0;
        while let Some(place) = below.get(next).copied() {
            below.extend_from_slice(tree.reports(place));
            next += 1;
        }
        below.sort_unstable();
        below
    };
    let bounded = |bound: &dyn Fn(&Member) -> Option<i128>| -> Vec<String> {
        let bounds = below().into_iter().filter_map(|place| Some((place, bound(&members[place])?)));
        bounds.map(|(place, bound)| format!("{} {}", id(place), told(bound))).collect()
    };
    let fault = |message: String, bound: String, payees: Vec<String>| {
        let payees = listed(&payees);
        Fault::new(Reason::AllocationInfeasible, format!("{message}: {payees}"))
            .with("payee", who)
            .with("goal", told(goal))
            .with("bound", bound)
            .with("payees", payees)
    };
    match why {
        Why::Unsplit(Unsplit::FloorsAbove(floors)) => fault(
            format!("{} of {who} is below the floors, which come to {}", told(goal), told(floors)),
            told(floors),
            bounded(&|member| Some(member.floor).filter(|floor| *floor > 0)),
        ),
        Why::Unsplit(Unsplit::CeilingsBelow(ceilings)) => fault(
            format!("{} of {who} is above the ceilings, which come to {}", told(goal), told(ceilings)),
            told(ceilings),
            bounded(&|member| member.ceiling),
        ),
        Why::Unsplit(Unsplit::Weightless(left)) => {
            let weightless = |place: &usize| {
                let member = &members[*place];
                tree.reports(*place).is_empty() && member.weight.as_ref().is_none_or(Exact::is_zero)
            };
            let payees = below().into_iter().filter(weightless).map(|place| id(place).to_string());
            fault(
                format!("{} of the {} of {who} is left for those who weigh nothing", told(left), told(goal)),
                told(left),
                payees.collect(),
            )
        }
        Why::Unsplit(Unsplit::TooLarge) => too_large(),
        Why::Crossed(floor, ceiling) => {
            let message = format!("in steps of {}, {who} has a floor of {}", told(1), told(floor));
            let floors = bounded(&|member| Some(member.floor).filter(|floor| *floor > 0));
            let ceilings = bounded(&|member| member.ceiling);
            let floors = floors.into_iter().map(|of| format!("floor of {of}"));
            let bounds = floors.chain(ceilings.into_iter().map(|of| format!("ceiling of {of}"))).collect();
            fault(format!("{message} above its ceiling of {}", told(ceiling)), told(floor), bounds)
        }
    }
}

/// The first of them, and how many more there are.
pub(super) fn listed(payees: &[String]) -> String {
    let shown: Vec<&str> = payees.iter().take(NAMED).map(String::as_str).collect();
    match payees.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", shown.join(", ")),
        None => shown.join(", "),
    }
}
