//! Figures of a proposal changed by hand. What reports to somebody keeps its sum, the envelope; where an envelope itself
//! is changed and nobody in it is named, all in it are scaled in proportion to what they had, within their bounds; what
//! those may not have is shared evenly by those who had nothing.

use crate::calc::allocate::{Part, Unsplit, allocate};
use crate::domain::exact::Exact;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::PayeeId;
use crate::domain::proposal::{Figure, Terms, Way, envelope};

use super::{held, step, too_large};

/// Changes figures, which stand by payee, to what is given, each payee once. ENVELOPE_BROKEN where the sum of somebody's reports
/// would no longer be the envelope, ALLOCATION_INFEASIBLE where a changed envelope cannot be scaled within bounds.
pub fn adjust(terms: &Terms, figures: &mut [Figure], changes: &[(PayeeId, i64)]) -> Result<(), Fault> {
    let place =
        |figures: &[Figure], id: &PayeeId| figures.binary_search_by(|figure| figure.payee.cmp(id)).ok();
    let mut reports: Vec<Vec<usize>> = vec![Vec::new(); figures.len()];
    for (at, figure) in figures.iter().enumerate() {
        let manager = figure.manager.as_ref().and_then(|manager| place(figures, manager));
        if let Some(below) = manager.and_then(|manager| reports.get_mut(manager)) {
            below.push(at);
        }
    }
    let mut named = vec![false; figures.len()];
    let mut violations = Violations::default();
    for (field, (payee, amount)) in changes.iter().enumerate() {
        let field = format!("changes[{field}]");
        match place(figures, payee) {
            None => violations.add(field, format!("payee {payee} is not in the proposal")),
            Some(at) => {
                check(terms, &figures[at], *amount, &field, &mut violations);
                (figures[at].amount, named[at]) = (*amount, true);
            }
        }
    }
    if !violations.is_empty() {
        return Err(Fault::unfit(violations));
    }
    let mut order: Vec<usize> = (0..figures.len()).collect();
    order.sort_by_key(|at| figures[*at].level);
    match terms.way {
        Way::Allocate(_) => give_down(terms, figures, &order, &reports, &mut named),
        Way::Project(_) => add_up(terms, figures, &order, &reports),
    }
}

/// A figure that is given by hand: in steps, within its bounds, and not what others sum to.
fn check(terms: &Terms, figure: &Figure, amount: i64, field: &str, violations: &mut Violations) {
    let (payee, made) = (&figure.payee, &figure.made);
    let told = |figure: i64| terms.text(figure.into());
    if made.team && matches!(terms.way, Way::Project(_)) {
        violations.add(field, format!("payee {payee} has reports: the figure is the sum of theirs"));
    }
    if i128::from(amount) % step(terms) != 0 {
        let (step, amount) = (told(terms.step), told(amount));
        violations.add(field, format!("must be a multiple of the step {step}, got {amount}"));
    }
    if amount < made.floor {
        violations
            .add(field, format!("must be at least {} for {payee}, got {}", told(made.floor), told(amount)));
    }
    if let Some(ceiling) = made.ceiling.filter(|ceiling| *ceiling < amount) {
        violations.add(field, format!("must be at most {} for {payee}, got {}", told(ceiling), told(amount)));
    }
}

/// Envelopes from the top down: `changed` says whose figure is another, and hears of those that are scaled.
fn give_down(
    terms: &Terms,
    figures: &mut [Figure],
    order: &[usize],
    reports: &[Vec<usize>],
    changed: &mut [bool],
) -> Result<(), Fault> {
    let step = step(terms);
    for at in order {
        let below = &reports[*at];
        let named = below.iter().any(|report| changed[*report]);
        if below.is_empty() || !(named || changed[*at]) {
            continue;
        }
        let over = terms.over(figures[*at].level.saturating_add(1));
        let whole = envelope(i128::from(figures[*at].amount) / step, over).ok_or_else(too_large)?;
        if named {
            let sum: i128 = below.iter().map(|report| i128::from(figures[*report].amount)).sum();
            let whole = whole.saturating_mul(step);
            if sum != whole {
                return Err(broken(terms, &figures[*at].payee, whole, sum));
            }
            continue;
        }
        let parts: Vec<Part> = below.iter().map(|report| part(&figures[*report], step)).collect();
        let shares = allocate(whole, &parts).or_else(|why| match why {
            Unsplit::Weightless(_) => allocate(whole, &parts.iter().map(filled).collect::<Vec<_>>()),
            why => Err(why),
        });
        let shares = shares.map_err(|why| unscaled(terms, &figures[*at].payee, whole, why))?;
        for (report, share) in below.iter().zip(shares) {
            let amount = held(terms, share.steps.saturating_mul(step))?;
            changed[*report] = figures[*report].amount != amount;
            figures[*report].amount = amount;
        }
    }
    Ok(())
}

fn part(figure: &Figure, step: i128) -> Part {
    Part {
        weight: Exact::whole(figure.amount.into()),
        floor: i128::from(figure.made.floor) / step,
        ceiling: figure.made.ceiling.map(|ceiling| i128::from(ceiling) / step),
    }
}

/// Where those who had something may have no more, they have all they may, and those who had nothing share the rest
/// evenly.
fn filled(part: &Part) -> Part {
    match part.ceiling.filter(|_| !part.weight.is_zero()) {
        Some(ceiling) => Part { floor: ceiling, ..part.clone() },
        None => Part { weight: Exact::whole(1), ..part.clone() },
    }
}

/// Sums from below up.
fn add_up(
    terms: &Terms,
    figures: &mut [Figure],
    order: &[usize],
    reports: &[Vec<usize>],
) -> Result<(), Fault> {
    for at in order.iter().rev().filter(|at| !reports[**at].is_empty()) {
        let sum: i128 = reports[*at].iter().map(|report| i128::from(figures[*report].amount)).sum();
        let Figure { payee, made, .. } = &figures[*at];
        let within =
            i128::from(made.floor) <= sum && made.ceiling.is_none_or(|ceiling| sum <= i128::from(ceiling));
        if !within {
            let most = made
                .ceiling
                .map_or_else(String::new, |most| format!(" and at most {}", terms.text(most.into())));
            let least = terms.text(made.floor.into());
            let message = format!(
                "those below {payee} must have at least {least}{most} together, got {}",
                terms.text(sum)
            );
            let fault = Fault::new(Reason::AllocationInfeasible, message);
            return Err(fault.with("payee", payee).with("goal", terms.text(sum)));
        }
        figures[*at].amount = held(terms, sum)?;
    }
    Ok(())
}

fn broken(terms: &Terms, manager: &PayeeId, whole: i128, sum: i128) -> Fault {
    let (whole, sum) = (terms.text(whole), terms.text(sum));
    let message = format!("those who report to {manager} must have {whole} together, got {sum}");
    let fault = Fault::new(Reason::EnvelopeBroken, message);
    fault.with("manager", manager).with("envelope", whole).with("sum", sum)
}

fn unscaled(terms: &Terms, manager: &PayeeId, whole: i128, why: Unsplit) -> Fault {
    let step = step(terms);
    let told = |steps: i128| terms.text(steps.saturating_mul(step));
    let (bound, which) = match why {
        Unsplit::FloorsAbove(floors) => (floors, "floors"),
        Unsplit::CeilingsBelow(ceilings) => (ceilings, "ceilings"),
        Unsplit::Weightless(left) => (left, "weights"),
        Unsplit::TooLarge => return too_large(),
    };
    let message = format!(
        "{} for the reports of {manager} does not fit their {which}, {} together",
        told(whole),
        told(bound)
    );
    let fault = Fault::new(Reason::AllocationInfeasible, message);
    fault.with("payee", manager).with("goal", told(whole)).with("bound", told(bound))
}
