//! Quotas proposed (semantics 7): who stands below the top on the window's first day, what each has done before, what
//! follows for weights and bounds, and what `allocate` makes of it. History is read by the selectors that attainment is
//! read by.

mod adjust;
mod history;
mod refused;
#[cfg(test)]
mod tests;

pub use adjust::adjust;

use std::collections::BTreeMap;

use crate::domain::date::Day;
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::PayeeId;
use crate::domain::measure::{Combine, Measure, Source};
use crate::domain::money::Rounding;
use crate::domain::number::{Percent, QUANTITY_DECIMALS, WHOLE};
use crate::domain::proposal::{Allocation, Figure, Made, Projection, Season, Terms, Way, Weigh};
use crate::domain::quota::{MONTHS, Ramp};

use super::Calculation;
use super::allocate::tree::{Given, Member, Tree};
use super::problem::Problem;
use super::quota::{Quotas, step_of};
use history::Done;
use refused::refused;

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// By payee.
    pub figures: Vec<Figure>,
    /// Percent of the year by month; absent: a twelfth each.
    pub seasonality: Option<[Percent; MONTHS]>,
}

/// Why nothing is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The facts leave a question open.
    Open(Problem),
    /// What was asked for does not fit the facts, or cannot be.
    Refused(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Refusal::Refused(fault)
    }
}

/// A payee below the top, or the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Index among the facts.
    pub payee: u32,
    /// Place of the manager among those who stand there.
    pub manager: Option<usize>,
    /// Whether anybody reports to it.
    pub team: bool,
}

/// Proposes quotas. The calculation reaches the last month of the history. REFERENCE_UNFIT where the terms name what
/// does not fit, ALLOCATION_INFEASIBLE where no figures meet them.
pub fn propose(calculation: &Calculation, terms: &Terms) -> Result<Proposed, Refusal> {
    let line = line(calculation, terms)?;
    let done = history::done(calculation, terms, &line)?;
    let seasonality = match &terms.season {
        Season::Even => None,
        Season::Given(weights) => Some(*weights),
        Season::History => Some(history::seasonality(calculation, terms, &done)?),
    };
    let sums = sums(&line, &done);
    let weights = match &terms.way {
        Way::Allocate(allocation) => {
            weights(calculation, terms, allocation, seasonality.as_ref(), &line, &done)
        }
        Way::Project(_) => vec![None; line.len()],
    };
    let each = line.iter().zip(weights).zip(&sums);
    let members = each.map(|((standing, weight), sum)| member(calculation, terms, standing, weight, sum));
    let members = members.collect::<Result<Vec<Member>, Fault>>()?;
    let over = match &terms.way {
        Way::Allocate(allocation) => allocation.over_assignment.as_slice(),
        Way::Project(_) => &[],
    };
    let tree = Tree::new(&members, over);
    let given = match &terms.way {
        Way::Allocate(allocation) => tree.allocate(i128::from(allocation.goal) / step(terms)),
        Way::Project(projection) => tree.add_up(&projected(calculation, terms, projection, &line, &done)?),
    };
    let id = |place: usize| calculation.facts.payee_id(line[place].payee);
    let given = given.map_err(|infeasible| refused(terms, &members, &tree, &infeasible, &id))?;
    let figures = given.iter().enumerate().map(|(place, given)| {
        let manager = line[place].manager.map(|manager| id(manager).clone());
        let level = tree.level(place);
        figure(terms, (id(place), manager, level, line[place].team), given, &sums[place])
    });
    Ok(Proposed { figures: figures.collect::<Result<_, Fault>>()?, seasonality })
}

/// Steps are above zero: it is checked before.
fn step(terms: &Terms) -> i128 {
    i128::from(terms.step.max(1))
}

fn too_large() -> Fault {
    Fault::new(Reason::AllocationInfeasible, "a figure is beyond what can be held")
}

/// So many as a figure: no more than may be asked for.
fn held(terms: &Terms, amount: i128) -> Result<i64, Fault> {
    let amount = i64::try_from(amount).ok().filter(|amount| *amount <= terms.most());
    amount.ok_or_else(|| {
        let most = terms.text(terms.most().into());
        let message = format!("a figure would be above the most there may be, {most}");
        Fault::new(Reason::AllocationInfeasible, message).with("bound", most)
    })
}

/// Everybody from the top down, by id, as lines run on the window's first day.
fn line(calculation: &Calculation, terms: &Terms) -> Result<Vec<Standing>, Fault> {
    let (facts, day) = (calculation.facts, terms.window.start());
    let mut violations = Violations::default();
    check_measures(facts, terms, &mut violations);
    let line = standing(facts, &terms.root, day);
    if line.is_empty() {
        let message =
            format!("must be assigned on the window's first day {day}, payee {} is not", terms.root);
        violations.add("proposal.root_payee_id", message);
    }
    for (field, payee) in terms.named() {
        let place = facts.payee(&payee).map(|payee| line.binary_search_by_key(&payee, |known| known.payee));
        match (place.and_then(Result::ok).map(|place| &line[place]), &terms.way) {
            (None, _) if line.is_empty() => {}
            (None, _) => {
                violations.add(at(&field), format!("payee {payee} is not below {} on {day}", terms.root))
            }
            (Some(standing), Way::Project(Projection::Given(_)))
                if standing.team && field.starts_with("projection") =>
            {
                violations
                    .add(at(&field), format!("payee {payee} has reports: the figure is the sum of theirs"));
            }
            (Some(_), _) => {}
        }
    }
    if violations.is_empty() {
        return Ok(line);
    }
    Err(Fault::unfit(violations))
}

/// The top and everybody below it, by id, as lines run on a day; nobody where the top is not assigned then.
pub fn standing(facts: &Facts, root: &PayeeId, day: Day) -> Vec<Standing> {
    let Some(top) = facts.payee(root).filter(|top| facts.is_assigned(*top, day)) else { return Vec::new() };
    let everybody = (0_u32..).take(facts.payees.len());
    let below = everybody.filter(|payee| *payee == top || facts.above(*payee, day).contains(&top));
    let mut line: Vec<Standing> = below.map(|payee| Standing { payee, manager: None, team: false }).collect();
    for place in 0..line.len() {
        let Standing { payee, .. } = line[place];
        let above = facts.above(payee, day).first().filter(|_| payee != top);
        let manager = above.and_then(|above| line.binary_search_by_key(above, |known| known.payee).ok());
        line[place].manager = manager;
        if let Some(manager) = manager {
            line[manager].team = true;
        }
    }
    line
}

/// The field of a request.
fn at(field: &str) -> String {
    format!("proposal.{field}")
}

/// Measures must be there, count what the figures are, and sum; quotas of them must be whole numbers of their steps.
fn check_measures(facts: &Facts, terms: &Terms, violations: &mut Violations) {
    let own = Some(("measure_id", &terms.measure));
    let team = terms.team_measure.as_ref().map(|measure| ("team_measure_id", measure));
    let done = Some(("history.measure_id", &terms.history.measure));
    let done = done.filter(|(_, done)| **done != terms.measure);
    for (field, measure) in own.into_iter().chain(team).chain(done) {
        match facts.measures.get(measure) {
            None => violations.add(at(field), format!("measure {measure} does not exist")),
            Some(known) if known.unit() != terms.unit() => {
                violations.add(at(field), unit_fault(terms, known));
            }
            Some(Measure { source: Source::Outside(Combine::Average | Combine::Last), .. }) => {
                violations
                    .add(at(field), format!("measure {measure} is no sum: its quotas cannot be shared"));
            }
            Some(known) => {
                let of = step_of(known.step);
                if field != "history.measure_id" && step(terms) % of != 0 {
                    let (of, got) = (terms.text(of), terms.text(step(terms)));
                    let message =
                        format!("must be a multiple of the step {of} of measure {measure}, got {got}");
                    violations.add(at("step"), message);
                }
            }
        }
    }
}

fn unit_fault(terms: &Terms, measure: &Measure) -> String {
    let id = &measure.id;
    match terms.currency {
        Some(currency) => format!("measure {id} counts a number, currency_code says {currency}"),
        None => format!("measure {id} counts money, and currency_code is empty"),
    }
}

/// What everybody has done in the span of the history; whoever has reports, what they have done together.
fn sums(line: &[Standing], done: &[Done]) -> Vec<Exact> {
    let mut sums: Vec<Exact> = done.iter().map(Done::total).collect();
    for (place, standing) in line.iter().enumerate().filter(|(_, standing)| !standing.team) {
        let (own, mut above) = (sums[place].clone(), standing.manager);
        while let Some(manager) = above {
            sums[manager] = sums[manager].add(&own);
            above = line[manager].manager;
        }
    }
    sums
}

/// What everybody weighs; nothing of those whose reports do.
fn weights(
    calculation: &Calculation,
    terms: &Terms,
    allocation: &Allocation,
    seasonality: Option<&[Percent; MONTHS]>,
    line: &[Standing],
    done: &[Done],
) -> Vec<Option<Exact>> {
    let facts = calculation.facts;
    let day = terms.window.start();
    let potential = match allocation.weigh {
        Weigh::TerritoryPotential => potentials(calculation, day),
        _ => BTreeMap::new(),
    };
    let weight = |(standing, done): (&Standing, &Done)| {
        let id = facts.payee_id(standing.payee);
        if let Some(given) = allocation.weights.get(id) {
            return Some(Exact::scaled(given.0.into(), QUANTITY_DECIMALS));
        }
        if standing.team {
            return None;
        }
        Some(match &allocation.weigh {
            Weigh::Equal => Exact::whole(1),
            Weigh::History => done.total().max(Exact::ZERO).mul(&Exact::scaled(1, terms.decimals())),
            Weigh::TerritoryPotential => potential.get(id).cloned().unwrap_or(Exact::ZERO),
            Weigh::RampedCapacity(percents) => {
                let start = facts.payees[standing.payee as usize].serving_since(day).period();
                let ramp = Ramp { start, percents: percents.clone() };
                let (window, currency) = (terms.window, facts.calendar.currency);
                let quotas = Quotas::of(facts, standing.payee, &terms.measure, currency);
                quotas.ramp(&ramp, seasonality, window, (window.start(), window.end()))
            }
            Weigh::Given => Exact::ZERO,
        })
    };
    line.iter().zip(done).map(weight).collect()
}

/// The potential of the territories that everybody holds on a day.
fn potentials<'f>(calculation: &Calculation<'f>, day: Day) -> BTreeMap<&'f PayeeId, Exact> {
    let mut potentials: BTreeMap<&PayeeId, Exact> = BTreeMap::new();
    for territory in calculation.facts.territories() {
        if let (Some(holder), Some(potential)) = (territory.holder(day), territory.potential) {
            let sum = potentials.entry(holder).or_default();
            *sum = sum.add(&Exact::scaled(potential.0, QUANTITY_DECIMALS));
        }
    }
    potentials
}

/// A payee as `allocate` knows it: bounds are rounded to steps inwards.
fn member(
    calculation: &Calculation,
    terms: &Terms,
    standing: &Standing,
    weight: Option<Exact>,
    done: &Exact,
) -> Result<Member, Fault> {
    let id = calculation.facts.payee_id(standing.payee);
    let limits = terms.limits_of(id, standing.team);
    let comparable = Some(terms.history.comparable(done, terms.window)).filter(|done| *done > Exact::ZERO);
    let grown = |percent: Option<Percent>| {
        let part = Exact::ratio(percent?.0.into(), WHOLE.into())?;
        Some(comparable.as_ref()?.mul(&part))
    };
    let whole = |figure: Option<i64>| figure.map(|figure| Exact::whole(figure.into()));
    let in_steps = |figure: Exact| figure.div(&Exact::whole(step(terms))).unwrap_or(Exact::ZERO);
    let steps = |figure: Exact| figure.round(Rounding::HalfEven).map_err(|_| too_large());
    let floor = [whole(limits.floor), grown(limits.least_percent)].into_iter().flatten().max();
    let ceiling = [whole(limits.ceiling), grown(limits.most_percent)].into_iter().flatten().min();
    Ok(Member {
        manager: standing.manager,
        weight,
        floor: steps(in_steps(floor.unwrap_or(Exact::ZERO)).ceil())?,
        ceiling: ceiling.map(|ceiling| steps(in_steps(ceiling).floor())).transpose()?,
    })
}

/// The figures, in steps, of those without reports, half away from zero and not below zero.
fn projected(
    calculation: &Calculation,
    terms: &Terms,
    projection: &Projection,
    line: &[Standing],
    done: &[Done],
) -> Result<Vec<i128>, Fault> {
    let figure = |(standing, done): (&Standing, &Done)| {
        let exact = match projection {
            Projection::Growth(percent) => {
                let part = Exact::ratio(i128::from(WHOLE) + i128::from(percent.0), WHOLE.into());
                terms.history.comparable(&done.total(), terms.window).mul(&part.unwrap_or(Exact::ZERO))
            }
            Projection::Trend => history::trend(terms, done),
            Projection::Given(figures) => {
                let id = calculation.facts.payee_id(standing.payee);
                figures.get(id).map_or(Exact::ZERO, |figure| Exact::whole(i128::from(*figure)))
            }
        };
        let steps = exact.max(Exact::ZERO).div(&Exact::whole(step(terms))).unwrap_or(Exact::ZERO);
        steps.round(Rounding::HalfAwayFromZero).map_err(|_| too_large())
    };
    line.iter().zip(done).map(figure).collect()
}

/// A figure as it is kept.
fn figure(
    terms: &Terms,
    (payee, manager, level, team): (&PayeeId, Option<PayeeId>, u32, bool),
    given: &Given,
    done: &Exact,
) -> Result<Figure, Fault> {
    let units = |steps: i128| {
        let units = steps.checked_mul(step(terms)).and_then(|units| i64::try_from(units).ok());
        units.ok_or_else(too_large)
    };
    let amount = held(terms, given.share.steps.saturating_mul(step(terms)))?;
    let history = done.round(Rounding::HalfAwayFromZero).ok().and_then(|done| i64::try_from(done).ok());
    let made = Made {
        team,
        proposed: amount,
        weight: matches!(terms.way, Way::Allocate(_)).then(|| given.weight.text(QUANTITY_DECIMALS)),
        history: history.ok_or_else(too_large)?,
        floor: units(given.floor)?,
        ceiling: given.ceiling.map(units).transpose()?,
        bound: given.share.bound,
    };
    Ok(Figure { payee: payee.clone(), manager, level, amount, made })
}
