//! A goal given down the reporting line, level by level, or figures added up from below. Bounds of those below hold
//! above: a manager has at least what the floors below need and at most what the ceilings below allow, so that what a
//! level gives can always be given on.

use crate::domain::exact::Exact;
use crate::domain::number::Percent;
use crate::domain::proposal::{Bound, envelope, enveloping};

use super::{Part, Share, Unsplit, allocate};

/// Somebody in a reporting line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The place of whom it reports to; absent at the top, which is the only one without.
    pub manager: Option<usize>,
    /// What it weighs; absent with reports: what they weigh together.
    pub weight: Option<Exact>,
    /// At least, in steps.
    pub floor: i128,
    /// At most, in steps.
    pub ceiling: Option<i128>,
}

/// What somebody has, and between which bounds it had to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its steps, and the bound that holds them.
    pub share: Share,
    /// What it weighed.
    pub weight: Exact,
    /// At least, of what is below too.
    pub floor: i128,
    /// At most, of what is below too.
    pub ceiling: Option<i128>,
    /// At most by weight: who weighs nothing takes its floor alone, whatever its ceiling.
    takes: Option<i128>,
}

/// Why a goal cannot be given down: at whom, and what is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Infeasible {
    /// The place of whose team it is; at the top with the goal that was asked for.
    pub at: usize,
    /// What is to be given there.
    pub goal: i128,
    /// Why it cannot.
    pub why: Why,
}

/// Why a goal cannot be given down at somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It cannot be split.
    Unsplit(Unsplit),
    /// The least it may be is above the most.
    Crossed(i128, i128),
}

/// A reporting line: its members from the top down, and the reports of each in the order of the members.
pub struct Tree<'m> {
    members: &'m [Member],
    /// Everybody after whom it reports to.
    order: Vec<usize>,
    reports: Vec<Vec<usize>>,
    /// 0 at the top.
    levels: Vec<u32>,
    /// By how much those of a level together have more than whom they report to.
    over: Vec<Percent>,
}

impl<'m> Tree<'m> {
    /// Looks at members, who stand in the order of their ids; whoever does not lead to the top is left out. By how
    /// much a level has more than the one above stands from level 1 on; levels without have nothing more.
    pub fn new(members: &'m [Member], over: &[Percent]) -> Self {
        let mut reports = vec![Vec::new(); members.len()];
        for (place, member) in members.iter().enumerate() {
            if let Some(below) = member.manager.and_then(|manager| reports.get_mut(manager)) {
                below.push(place);
            }
        }
        let mut order: Vec<usize> =
            members.iter().position(|member| member.manager.is_none()).into_iter().collect();
        let mut levels = vec![0_u32; members.len()];
        let mut next = 0;
        while let Some(place) = order.get(next).copied() {
            for report in &reports[place] {
                levels[*report] = levels[place].saturating_add(1);
            }
            order.extend_from_slice(&reports[place]);
            next += 1;
        }
        Tree { members, order, reports, levels, over: over.to_vec() }
    }

    /// The level of a member: 0 at the top.
    pub fn level(&self, place: usize) -> u32 {
        self.levels[place]
    }

    /// Who reports to a member.
    pub fn reports(&self, place: usize) -> &[usize] {
        &self.reports[place]
    }

    /// By how much the reports of a member together have more than it has.
    fn over(&self, place: usize) -> Percent {
        let level = usize::try_from(self.levels[place]).unwrap_or(usize::MAX);
        self.over.get(level).copied().unwrap_or(Percent::ZERO)
    }

    /// Gives a goal, in steps, down to everybody.
    pub fn allocate(&self, goal: i128) -> Result<Vec<Given>, Infeasible> {
        let mut given = self.bounded(goal)?;
        let Some(top) = self.order.first().copied() else { return Ok(given) };
        let refused = |at, goal, why| Infeasible { at, goal, why };
        let (floor, ceiling) = (given[top].floor, given[top].ceiling);
        if goal < floor {
            return Err(refused(top, goal, Why::Unsplit(Unsplit::FloorsAbove(floor))));
        }
        if let Some(ceiling) = ceiling.filter(|ceiling| *ceiling < goal) {
            return Err(refused(top, goal, Why::Unsplit(Unsplit::CeilingsBelow(ceiling))));
        }
        if let Some(takes) = given[top].takes.filter(|takes| *takes < goal) {
            return Err(refused(top, goal, Why::Unsplit(Unsplit::Weightless(goal - takes))));
        }
        given[top].share.steps = goal;
        let mut parts: Vec<Part> = Vec::new();
        for place in &self.order {
            let reports = &self.reports[*place];
            if reports.is_empty() {
                continue;
            }
            let whole = envelope(given[*place].share.steps, self.over(*place));
            let whole = whole.ok_or_else(|| refused(*place, goal, Why::Unsplit(Unsplit::TooLarge)))?;
            parts.clear();
            parts.extend(reports.iter().map(|report| {
                let Given { weight, floor, takes, .. } = &given[*report];
                Part { weight: weight.clone(), floor: *floor, ceiling: *takes }
            }));
            let shares = allocate(whole, &parts);
            let shares = shares.map_err(|why| refused(*place, whole, Why::Unsplit(why)))?;
            for (report, share) in reports.iter().zip(shares) {
                given[*report].share = share;
            }
        }
        Ok(given)
    }

    /// Weights and bounds from below up.
    fn bounded(&self, goal: i128) -> Result<Vec<Given>, Infeasible> {
        let mut given: Vec<Given> = self.members.iter().map(Given::of).collect();
        for place in self.order.iter().rev() {
            let reports = &self.reports[*place];
            if !reports.is_empty() {
                let below = reports.iter().map(|report| &given[*report]);
                let floors = below.clone().try_fold(0_i128, |sum, below| sum.checked_add(below.floor));
                let ceilings = below.clone().try_fold(0_i128, |sum, below| sum.checked_add(below.ceiling?));
                let takes = below.clone().try_fold(0_i128, |sum, below| sum.checked_add(below.taking()?));
                let within = |most| enveloping(floors?, most, self.over(*place));
                let too_large = Infeasible { at: *place, goal, why: Why::Unsplit(Unsplit::TooLarge) };
                let ((floor, ceiling), (_, takes)) = within(ceilings).zip(within(takes)).ok_or(too_large)?;
                let weight = match &self.members[*place].weight {
                    Some(weight) => weight.clone(),
                    None => below.fold(Exact::ZERO, |sum, below| sum.add(&below.weight)),
                };
                let given = &mut given[*place];
                given.weight = weight;
                given.floor = given.floor.max(floor);
                given.ceiling = [given.ceiling, ceiling].into_iter().flatten().min();
                given.takes = [given.ceiling, takes].into_iter().flatten().min();
            }
            let Given { floor, ceiling, takes, .. } = &given[*place];
            if let Some(ceiling) = ceiling.filter(|ceiling| ceiling < floor) {
                return Err(Infeasible { at: *place, goal, why: Why::Crossed(*floor, ceiling) });
            }
            if let Some(takes) = takes.filter(|takes| takes < floor) {
                let why = Why::Unsplit(Unsplit::Weightless(floor - takes));
                return Err(Infeasible { at: *place, goal: *floor, why });
            }
        }
        Ok(given)
    }

    /// Adds figures, in steps and one for each member, up to everybody: those of members without reports are held within their bounds.
    pub fn add_up(&self, figures: &[i128]) -> Result<Vec<Given>, Infeasible> {
        let mut given: Vec<Given> = self.members.iter().map(Given::of).collect();
        for place in self.order.iter().rev() {
            let Member { floor, ceiling, .. } = &self.members[*place];
            if let Some(ceiling) = ceiling.filter(|ceiling| ceiling < floor) {
                return Err(Infeasible { at: *place, goal: 0, why: Why::Crossed(*floor, ceiling) });
            }
            let reports = &self.reports[*place];
            if reports.is_empty() {
                let figure = figures[*place];
                let bound = match ceiling {
                    _ if figure < *floor => Some(Bound::Floor),
                    Some(ceiling) if figure > *ceiling => Some(Bound::Ceiling),
                    _ => None,
                };
                let most = ceiling.unwrap_or(i128::MAX);
                given[*place].share = Share { steps: figure.clamp(*floor, most), bound };
                continue;
            }
            let mut sums = reports.iter().map(|report| given[*report].share.steps);
            let sum = sums.try_fold(0_i128, |sum, steps| sum.checked_add(steps));
            let too_large = Infeasible { at: *place, goal: 0, why: Why::Unsplit(Unsplit::TooLarge) };
            let sum = sum.ok_or(too_large)?;
            let refused = |why| Infeasible { at: *place, goal: sum, why: Why::Unsplit(why) };
            if sum < *floor {
                return Err(refused(Unsplit::FloorsAbove(*floor)));
            }
            if let Some(ceiling) = ceiling.filter(|ceiling| *ceiling < sum) {
                return Err(refused(Unsplit::CeilingsBelow(ceiling)));
            }
            given[*place].share.steps = sum;
        }
        Ok(given)
    }
}

impl Given {
    fn of(member: &Member) -> Given {
        Given {
            share: Share { steps: 0, bound: None },
            weight: member.weight.clone().unwrap_or(Exact::ZERO),
            floor: member.floor,
            ceiling: member.ceiling,
            takes: member.ceiling,
        }
    }

    /// What it takes at most of what its manager's team has, by weight.
    fn taking(&self) -> Option<i128> {
        if self.weight.is_zero() { Some(self.floor) } else { self.takes }
    }
}
